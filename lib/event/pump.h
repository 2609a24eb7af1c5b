/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: event. Runs the merge, on its own thread when there is more than one, and hands over batches through a
 * bounded ring; fetch threads feed the lanes. The consumer (the analysis) is left with nothing but its own work.
 */
#ifndef HVST_EVENT_PUMP_H
#define HVST_EVENT_PUMP_H

#include "dedup.h"
#include "merge.h"

#define HVST_BATCH 2048			/* events of a batch: small enough for the cache of a core */

struct hvst_batch {
	struct hvst_event *events;	/* HVST_BATCH of them, owned */
	long n;				/* 0 at the end, negative errno */
	struct hvst_counts counts;	/* as they stood after it */
};

struct hvst_pump;

/*
 * hvst_pump_new - @lanes (borrowed) write their counts to @counts; @dedup (may be NULL) is borrowed
 * @threads: 1: no threads at all; N: one that merges and N - 1 that fetch
 */
struct hvst_pump *hvst_pump_new(struct hvst_lane **lanes, unsigned int nr, struct hvst_counts *counts,
				struct hvst_dedup *dedup, unsigned int threads);
void hvst_pump_free(struct hvst_pump *p);
/* Ends a pass, so that lanes can be started again. */
void hvst_pump_stop(struct hvst_pump *p);
/* Begins a pass, after hvst_lane_start() of all lanes. 0 or a negative errno. */
int hvst_pump_start(struct hvst_pump *p);
/* The next batch, valid until the next call. */
const struct hvst_batch *hvst_pump_next(struct hvst_pump *p);

#endif
