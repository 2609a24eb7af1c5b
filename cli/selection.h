/* SPDX-License-Identifier: GPL-2.0 */
/* Whether --vm, --vcpu, --timer, --from and --to select anything. */
#ifndef HVST_CLI_SELECTION_H
#define HVST_CLI_SELECTION_H

#include "context.h"

/*
 * After a pass with HVST_NEED_ANALYSIS: a number that the recording does not have is an error, not
 * an empty result. Returns an exit code, EXIT_USAGE after a message that names what there is.
 */
int selection_check_ids(struct context *r);

/* The same for a window in which there is no event. */
int selection_check_window(struct context *r);

#endif
