/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Two clocks over time, both as deviation from the trace clock: the reference
 * clock, and the guest's clock where counts show it.
 *
 * A count is the guest's time plus the delay that the guest wants. It shows the guest's clock where
 * a target is armed past due again and again until that clock has reached it, and where arm after
 * arm has one delay: its upper edge then stays at one level, moves with the guest's clock, and does
 * not move with a step of the reference clock that the guest has not followed.
 */
#ifndef HVST_ANALYSIS_TWOCLOCKS_H
#define HVST_ANALYSIS_TWOCLOCKS_H

#include "state.h"

int hvst_twoclocks_vm_created(struct vm *vm);
/* The VM's clock was read by this event. */
void hvst_twoclocks_sample(struct vm *vm, const struct hvst_event *ev);
/* @offset: hvst_refclock_offset() of the arm. 0 or -ENOMEM. */
int hvst_twoclocks_arm(struct stimer *t, const struct hvst_arm *arm, int64_t offset);
/* Events of @v may be missing. */
void hvst_twoclocks_gap(struct vcpu *v);
void hvst_twoclocks_merged(struct vm *into, struct vm *from);
void hvst_twoclocks_vm_free(struct vm *vm);
void hvst_twoclocks_timer_free(struct stimer *t);
/* The points of struct hvst_result, once its reference segments are there; 0 or -ENOMEM. */
int hvst_twoclocks_build(struct analysis *a);

#endif
