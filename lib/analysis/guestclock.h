/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. The rate of the guest's clock against the reference clock, from the headroom of
 * its arms.
 */
#ifndef HVST_ANALYSIS_GUESTCLOCK_H
#define HVST_ANALYSIS_GUESTCLOCK_H

#include "state.h"

int hvst_guestclock_created(struct stimer *t);
void hvst_guestclock_arm(struct analysis *a, struct stimer *t, const struct hvst_arm *arm);
/* A clock with another rate, or a lag, and no event that tells why. NULL without memory or room. */
struct hvst_guest_transition *hvst_guestclock_suspect(struct analysis *a, struct vcpu *v,
						      int64_t ts, double ppm, double err);
void hvst_guestclock_finish(struct analysis *a);
void hvst_guestclock_free(struct stimer *t);

#endif
