/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. From what the analyses hold to the lists of struct hvst_result. */
#ifndef HVST_ANALYSIS_RESULT_H
#define HVST_ANALYSIS_RESULT_H

#include "state.h"

/* 0 or -ENOMEM; the lists are freed by hvst_result_free(). */
int hvst_result_build(struct analysis *a);
void hvst_result_free(struct analysis *a);

#endif
