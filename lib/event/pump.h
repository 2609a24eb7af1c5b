/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: event. Runs the merge, on its own thread when there is more than one, and hands over
 * batches through a bounded ring. The consumer (the analysis) is left with nothing but its own
 * work.
 */
#ifndef HVST_EVENT_PUMP_H
#define HVST_EVENT_PUMP_H

#include "dedup.h"
#include "merge.h"

struct hvst_pump;

/*
 * hvst_pump_new - for @nr @lanes; those and @dedup (may be NULL) are borrowed
 * @threads: 1: no threads at all; 2: one that reads, decodes and merges; N: one that merges, N - 1
 * that do the rest
 */
struct hvst_pump *hvst_pump_new(struct hvst_lane **lanes, unsigned int nr, struct hvst_dedup *dedup,
				unsigned int threads);
void hvst_pump_free(struct hvst_pump *p);
/* Ends a pass: no thread touches anything any more. */
void hvst_pump_stop(struct hvst_pump *p);
/* Begins a pass, after hvst_pump_stop(): 0 or a negative errno. */
int hvst_pump_start(struct hvst_pump *p, int64_t from_ns, int64_t to_ns);
/* The next batch, valid until the next call. */
const struct hvst_batch *hvst_pump_next(struct hvst_pump *p);

#endif
