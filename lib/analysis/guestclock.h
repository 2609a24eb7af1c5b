/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. The rate of the guest's clock against the reference clock, from the headroom of
 * its arms.
 */
#ifndef HVST_ANALYSIS_GUESTCLOCK_H
#define HVST_ANALYSIS_GUESTCLOCK_H

#include "state.h"

/* What the upper edges of a VM's timers showed. */
struct vm_guestclock {
	uint64_t steady; /* lines long enough that showed no rate error */
	/*
	 * Arms became shorter by just what the reference clock stepped: the guest's clock did not
	 * follow the step. HVST_UNKNOWN: not seen.
	 */
	int64_t lag_ns, lag_from_ns;
	int tid, timer;
	/* A step near which too few timers were armed to tell. HVST_UNKNOWN: none. */
	int64_t unclear_ns, unclear_from_ns;
	/*
	 * The first storm whose lag grows by a slope that a reference clock which nothing read
	 * meanwhile may have instead. HVST_UNKNOWN: none.
	 */
	int64_t unsure_from_ns;
	double unsure_slope;
};

int hvst_guestclock_vm_created(struct vm *vm);
void hvst_guestclock_merged(struct vm *into, struct vm *from);
void hvst_guestclock_vm_free(struct vm *vm);
int hvst_guestclock_created(struct stimer *t);
void hvst_guestclock_arm(struct analysis *a, struct stimer *t, const struct hvst_arm *arm);
/*
 * Do the timer's counts move by a few sizes of steps? Those are ticks, for which no clock is read.
 */
bool hvst_guestclock_on_grid(const struct stimer *t);
/* A clock with another rate, or a lag, that no event explains. NULL without memory or room. */
struct hvst_guest_transition *hvst_guestclock_suspect(struct analysis *a, struct vcpu *v,
						      int64_t ts, double ppm, double err);
void hvst_guestclock_finish(struct analysis *a);
void hvst_guestclock_free(struct stimer *t);

#endif
