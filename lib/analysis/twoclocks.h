/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Two clocks over time: the reference clock, and the guest's as its counts imply
 * it (a count is the guest's time plus the delay that it wants), both as deviation from one line,
 * so that it shows which of the two left it.
 */
#ifndef HVST_ANALYSIS_TWOCLOCKS_H
#define HVST_ANALYSIS_TWOCLOCKS_H

#include "state.h"

int hvst_twoclocks_vm_created(struct vm *vm);
/* The VM's clock was read by this event. */
void hvst_twoclocks_sample(struct vm *vm, const struct hvst_event *ev);
/* -ENOMEM or 0 */
int hvst_twoclocks_arm(struct stimer *t, const struct hvst_arm *arm);
void hvst_twoclocks_merged(struct vm *into, struct vm *from);
void hvst_twoclocks_vm_free(struct vm *vm);
void hvst_twoclocks_timer_free(struct stimer *t);
/* The points of struct hvst_result, once its reference segments are there; 0 or -ENOMEM. */
int hvst_twoclocks_build(struct analysis *a);

#endif
