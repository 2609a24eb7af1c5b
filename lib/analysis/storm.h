/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Groups past-due arms of one timer and tells storms from bursts and isolated
 * ones.
 */
#ifndef HVST_ANALYSIS_STORM_H
#define HVST_ANALYSIS_STORM_H

#include "state.h"

/* Adds a storm to be filled in, its timer set and all else unknown. NULL without memory or room. */
struct storm_found *hvst_storm_new(struct analysis *a, const struct stimer *t);
int hvst_storm_created(struct stimer *t);
/* The arm of @c. Returns why it was past due. */
enum hvst_arm_cause hvst_storm_arm(struct analysis *a, struct stimer *t,
				   const struct hvst_changes *c, const struct hvst_event *ev);
/* An arm ahead whose start was not recorded, delivered or written over. */
void hvst_storm_ahead(struct analysis *a, struct stimer *t, const struct hvst_event *ev);
/* Call it for each write of the timer, after hvst_storm_ahead() for the arm that the write ends. */
void hvst_storm_programmed(const struct analysis *a, struct stimer *t);
void hvst_storm_finish(struct analysis *a);
void hvst_storm_free(struct stimer *t);
void hvst_storm_found_free(struct storm_found *f);

/* A share of progress for struct hvst_storm: 0..1; negative: unknown. */
static inline double hvst_progress_share(int64_t progress_ns, int64_t span_ns)
{
	double share = span_ns > 0 ? (double)progress_ns / (double)span_ns : -1;

	return share > 1 ? 1 : share;
}

#endif
