/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: event. Lanes merged by time with a tree of losers, into batches of pointers to the events
 * of their runs: events are not copied. Where one lane has many events before the others' next
 * ones, they are taken in one go, up to the time of the runner-up; where lanes take turns, the
 * winner's path is played again for each event. Equal times: the lower lane first.
 */
#ifndef HVST_EVENT_MERGE_H
#define HVST_EVENT_MERGE_H

#include <stdatomic.h>

#include "fetch.h"

#define HVST_BATCH	1024 /* events of a batch: small enough for the cache of a core */
#define HVST_BATCH_RUNS 16   /* runs that one batch may use up: bounds what batches hold on to */

/**
 * struct hvst_batch - events in the order of time
 * @ev: room for HVST_BATCH pointers, owned; what they point to lives until @done is given back
 * @n: how many; 0 at the end, negative errno
 * @done: the runs that no later batch points into
 * @nr_done: how many
 * @counts: of the pass as they stood after it
 */
struct hvst_batch {
	const struct hvst_event **ev;
	long n;
	struct hvst_run *done;
	unsigned int nr_done;
	struct hvst_counts counts;
};

/*
 * A lane's next event and its time; at @end the time is the lane's bound, INT64_MAX when it has no
 * more. The key of the event after it is made in advance: the merge waits for nothing but the
 * winner's new key.
 */
struct hvst_offer {
	uint64_t key_after;
	const int64_t *ns, *end;
	const struct hvst_event *ev;
	struct hvst_run *run; /* NULL before the first one */
};

struct hvst_merge {
	struct hvst_fetch *fetch; /* borrowed */
	unsigned int nr;
	struct hvst_offer *offers; /* by lane */
	/* Keys of time and lane, see merge.c: losers at the inner nodes 1..nr-1; [0] is the winner.
	 */
	uint64_t *tree;
	int64_t base_ns;	 /* times in keys count from here */
	bool mixed;		 /* of late, events of one lane rarely followed each other */
	const atomic_bool *stop; /* gives up with -ECANCELED when it becomes true; borrowed */
};

int hvst_merge_init(struct hvst_merge *m, struct hvst_fetch *f, unsigned int nr,
		    const atomic_bool *stop);
void hvst_merge_free(struct hvst_merge *m);
/* After hvst_fetch_start(). */
void hvst_merge_restart(struct hvst_merge *m);
/* Gives the current runs back: the pass is over. */
void hvst_merge_stop(struct hvst_merge *m);
/*
 * The next events to @b, whose runs were given back, adding to @counts. Returns their number, 0
 * only at the end, or a negative errno.
 */
long hvst_merge_next(struct hvst_merge *m, struct hvst_batch *b, struct hvst_counts *counts);

#endif
