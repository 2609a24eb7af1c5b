/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Livelocks: KVM handles one arm of a timer over and over and nothing of it
 * reaches the guest. They are storms without a past-due arm.
 */
#ifndef HVST_ANALYSIS_LIVELOCK_H
#define HVST_ANALYSIS_LIVELOCK_H

#include "state.h"

int hvst_livelock_created(struct stimer *t);
void hvst_livelock_programmed(struct analysis *a, struct stimer *t);
void hvst_livelock_arm(struct analysis *a, struct stimer *t, const struct hvst_arm *arm,
		       const struct hvst_event *ev);
void hvst_livelock_callback(struct stimer *t);
void hvst_livelock_delivery(struct analysis *a, struct stimer *t, const struct hvst_event *ev);
/* An end of message frees the slot that a delivery waits for. */
void hvst_livelock_msr(struct analysis *a, struct vcpu *v, const struct hvst_event *ev);
/*
 * Did a timer of the VM start over and over, with no callback recorded that would explain it? NULL:
 * no; else the first of these starts.
 */
const struct hvst_evidence *hvst_livelock_unclear(const struct vm *vm);
void hvst_livelock_finish(struct analysis *a);
void hvst_livelock_free(struct stimer *t);

#endif
