/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: event. The next run of a lane, decoded by whoever has time: a pool of threads that read,
 * unpack and decode one run ahead of the merge, or, without threads, the caller. Each lane has at
 * most one run ahead, and its runs are decoded in their order: results do not depend on the number
 * of threads. Runs in use are the caller's until it gives them back; all calls come from one
 * thread.
 */
#ifndef HVST_EVENT_FETCH_H
#define HVST_EVENT_FETCH_H

#include "lane.h"

struct hvst_fetch;

/* For @nr @lanes (borrowed), with @threads threads, 0: none. NULL without memory. */
struct hvst_fetch *hvst_fetch_new(struct hvst_lane **lanes, unsigned int nr, unsigned int threads);
void hvst_fetch_free(struct hvst_fetch *f);

/* Begins a pass over [@from_ns, @to_ns): 0 or a negative errno. */
int hvst_fetch_start(struct hvst_fetch *f, int64_t from_ns, int64_t to_ns);
/* Ends it: no thread touches a lane any more. */
void hvst_fetch_stop(struct hvst_fetch *f);
/*
 * The next run of lane @i, the caller's until it is given back or the pass ends; NULL without
 * memory. Not to be called after a run with rc <= 0.
 */
struct hvst_run *hvst_fetch_next(struct hvst_fetch *f, unsigned int i);
/* Gives back a list of runs: their events are not looked at any more. */
void hvst_fetch_release(struct hvst_fetch *f, struct hvst_run *runs);

#endif
