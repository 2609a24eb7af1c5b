/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. Fills in struct hvst_result from the state of the analyses. */
#ifndef HVST_ANALYSIS_RESULT_H
#define HVST_ANALYSIS_RESULT_H

#include "state.h"

/* Returns 0 or -ENOMEM. The lists are freed by hvst_result_free(). */
int hvst_result_build(struct analysis *a);
void hvst_result_free(struct analysis *a);

#endif
