/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. What set a storm off. A cause is named only when its size, its time and the
 * timer's arms since then agree: an arm that was still on time after an event rules that event out.
 */
#ifndef HVST_ANALYSIS_STORM_CAUSE_H
#define HVST_ANALYSIS_STORM_CAUSE_H

#include "state.h"

struct storm_onset {
	int64_t on_time_ns; /* the last arm ahead before it; HVST_UNKNOWN */
	int64_t delay_ns;   /* how far that lay ahead; HVST_UNKNOWN */
	int64_t held_ns;    /* how long the vCPU was held before its first arm; 0: not */
};
/* Fills in the cause; the reference clock and the guest's transitions are known. */
void hvst_storm_cause(struct analysis *a, struct storm_found *f, const struct storm_onset *onset);

#endif
