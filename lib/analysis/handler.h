/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. How the guest's timer interrupt handler continues after it has armed the timer
 * anew, until it can take the next interrupt: the measure for a delay of that timer.
 */
#ifndef HVST_ANALYSIS_HANDLER_H
#define HVST_ANALYSIS_HANDLER_H

#include "state.h"

/* Messages that found their slot busy, and how long they waited from there to their delivery. */
struct handler_slot {
	uint64_t busy;
	int64_t waited_ns; /* sum, saturated */
};

int hvst_handler_vcpu_created(struct vcpu *v);
int hvst_handler_timer_created(struct stimer *t);
void hvst_handler_entry(struct vcpu *v, int64_t ts);
void hvst_handler_exit(struct analysis *a, struct vcpu *v, int64_t ts, bool halts);
void hvst_handler_arm(struct stimer *t, const struct hvst_arm *arm);
void hvst_handler_delivery(struct analysis *a, struct stimer *t, const struct hvst_event *ev,
			   const struct hvst_delivery *d);
void hvst_handler_gap(struct vcpu *v);
void hvst_handler_vcpu_free(struct vcpu *v);
void hvst_handler_timer_free(struct stimer *t);

/* How the timer is delivered at present: by its config, else as it was last. */
enum hvst_delivery_mode hvst_handler_delivered(const struct stimer *t);
/*
 * The rest of the handler of a timer that is delivered by @mode, in ns: the lower quartile of the
 * times from an arm to the next halt, before which the guest may do other work too. Where no halt
 * was seen, how much longer a delivery takes to the next arm if it came at once, while the previous
 * handler was still running, than if it came with a callback. HVST_UNKNOWN: neither was seen.
 */
int64_t hvst_handler_rest(const struct stimer *t, enum hvst_delivery_mode mode);
/* The share of that time in guest mode, 0..1; negative: no halt was seen. */
double hvst_handler_guest_share(const struct stimer *t, enum hvst_delivery_mode mode);
/*
 * How much longer an arm's exit takes from there to the entry if the arm was past due, so that KVM
 * delivers within it; HVST_UNKNOWN: only one kind was seen.
 */
int64_t hvst_handler_deliver(const struct stimer *t, enum hvst_delivery_mode mode);
/*
 * From a callback to the delivery of a vCPU that has halted: the lower quartile, since a vCPU that
 * halts for microseconds sleeps less deeply than most. HVST_UNKNOWN: none was seen.
 */
int64_t hvst_handler_wake(const struct stimer *t, enum hvst_delivery_mode mode);
/*
 * What an entry and the next exit take by themselves: the lowest tenth of the times in guest mode,
 * after an arm. HVST_UNKNOWN: no entries and exits were seen.
 */
int64_t hvst_handler_switch(const struct vcpu *v);
/* Up to now. */
struct handler_slot hvst_handler_slot(const struct stimer *t);

#endif
