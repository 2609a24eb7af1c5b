/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: stream. Merges CPU streams by time with a loser tree, into batches of pointers to the
 * events of their chunks; events are not copied. Where one stream has many events before the next
 * one of any other, they are taken as a streak, up to the time of the runner-up; where streams take
 * turns, the winner's path in the tree is replayed for each event. Equal times: the lower stream
 * first.
 */
#ifndef HVST_STREAM_MERGE_H
#define HVST_STREAM_MERGE_H

#include <stdatomic.h>

#include "prefetch.h"

#define HVST_BATCH	  1024 /* events of a batch: small enough for the cache of a core */
#define HVST_BATCH_CHUNKS 16   /* chunks used up by one batch, at most: bounds memory */

/**
 * struct hvst_batch - events in the order of their merge times, @ns of struct hvst_event_chunk
 * @ev: room for HVST_BATCH pointers, owned; the events are valid until @done is released
 * @n: number of events; 0 at the end, negative errno
 * @waits: with 0 events: not the end, but a live trace has no more at present
 * @done: chunks that no later batch points into
 * @nr_done: their number
 * @counts: of the pass up to the end of the batch
 */
struct hvst_batch {
	const struct hvst_event **ev;
	long n;
	bool waits;
	struct hvst_event_chunk *done;
	unsigned int nr_done;
	struct hvst_counts counts;
};

/*
 * The merge's position in a stream: the next event and its time; at @end the time is the bound of
 * the stream, INT64_MAX when it has no more events. The key of the event after it is computed in
 * advance, so that the replay waits for nothing but the winner's new key.
 */
struct hvst_merge_cursor {
	uint64_t key_after;
	const int64_t *ns, *end;
	const struct hvst_event *ev;
	struct hvst_event_chunk *chunk; /* NULL before the first one */
	bool waits;			/* @chunk is the last one of this round of a live trace */
};

struct hvst_merge {
	struct hvst_prefetch *prefetch; /* borrowed */
	unsigned int nr;
	struct hvst_merge_cursor *cursors; /* by stream */
	/* Keys of time and stream, see merge.c: losers at nodes 1 to nr - 1, [0] is the winner. */
	uint64_t *tree;
	int64_t base_ns;	 /* times in keys count from here */
	int64_t strict_until;	 /* until then no events are merged in groups */
	bool mixed;		 /* recently, streaks were short */
	const atomic_bool *stop; /* gives up with -ECANCELED when it becomes true; borrowed */
};

int hvst_merge_init(struct hvst_merge *m, struct hvst_prefetch *prefetch, unsigned int nr,
		    const atomic_bool *stop);
void hvst_merge_free(struct hvst_merge *m);
/* After hvst_prefetch_start(). */
void hvst_merge_restart(struct hvst_merge *m);
/* Releases the current chunks when the pass is over. */
void hvst_merge_stop(struct hvst_merge *m);
/* After a live trace was read on: streams that had nothing more may have something now. */
void hvst_merge_resume(struct hvst_merge *m);
/*
 * Puts the next events into @b, whose chunks were released, and adds to @counts. Returns their
 * number, 0 only at the end, or a negative errno.
 */
long hvst_merge_next(struct hvst_merge *m, struct hvst_batch *b, struct hvst_counts *counts);

#endif
