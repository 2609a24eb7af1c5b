/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. What a vCPU thread does with its time: progress (halted, or in guest mode
 * outside the loop expiration -> interrupt -> next arm), and the stretches in which it was held,
 * that is kept out of guest mode or off its CPU unasked, which explain harmless past-due arms.
 */
#ifndef HVST_ANALYSIS_ACTIVITY_H
#define HVST_ANALYSIS_ACTIVITY_H

#include "state.h"

int hvst_activity_created(struct vcpu *v);
void hvst_activity_gap(struct vcpu *v);
void hvst_activity_entry(struct vcpu *v, int64_t ts);
void hvst_activity_exit(struct vcpu *v, int64_t ts, enum hvst_exit_kind kind);
void hvst_activity_switch(struct vcpu *v, const struct hvst_event *ev);
void hvst_activity_arm(struct stimer *t, const struct hvst_arm *arm, int64_t programmed_ns);
void hvst_activity_delivery(struct stimer *t, const struct hvst_event *ev,
			    const struct hvst_delivery *d);
void hvst_activity_free(struct vcpu *v);

/* Progress up to @ts, in ns, cumulated. */
int64_t hvst_activity_progress(const struct vcpu *v, int64_t ts);
/* Progress over at most the last second before @ts, of *@wall ns; 0 when not known. */
int64_t hvst_activity_before(const struct vcpu *v, int64_t ts, int64_t *wall);
/* Were exits recorded, so that progress can be told? */
bool hvst_activity_known(const struct vcpu *v);
/*
 * The stretch that ends at @ts, the last entry or exit, once it is long enough to be reported: its
 * times and its progress.
 */
bool hvst_activity_stretch(struct vcpu *v, int64_t ts, struct hvst_progress *p);
/*
 * Time in ns that the vCPU was held, cumulated: the difference of two calls tells how long it was
 * held in between.
 */
int64_t hvst_activity_held(const struct vcpu *v);
/* What an exit usually takes until the next entry; HVST_UNKNOWN where none was recorded. */
int64_t hvst_activity_exit_cost(const struct vcpu *v);
/* Does it usually exit once more, for an interrupt, before its handler runs? */
bool hvst_activity_interrupt_exits(const struct vcpu *v);
/* What that exit usually takes until the next entry; HVST_UNKNOWN: none was seen. */
int64_t hvst_activity_interrupt_cost(const struct vcpu *v);
/* What it usually takes from the write of a timer to the host's reading of its clock. */
int64_t hvst_activity_arm_cost(const struct vcpu *v);

#endif
