/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: event. Lanes merged by time with a tree of losers. Where one lane has many events before
 * the others' next ones, they are copied in one go, up to the time of the runner-up; where lanes
 * take turns, the winner's path is played again for each event. Equal times: the lower lane first.
 */
#ifndef HVST_EVENT_MERGE_H
#define HVST_EVENT_MERGE_H

#include <stdatomic.h>

#include "fetch.h"

/* What a lane has to offer: events, and behind them nothing before @bound_ns. */
struct hvst_offer {
	const struct hvst_event *next, *end;
	int64_t bound_ns;		/* INT64_MAX: the lane is at its end */
};

/* A lane and the time of its next event, or its bound. */
struct hvst_entry {
	int64_t ns;
	uint64_t lane;
};

struct hvst_merge {
	struct hvst_fetch *fetch;	/* borrowed */
	unsigned int nr;
	struct hvst_offer *offers;	/* by lane */
	struct hvst_entry *tree;	/* losers at the inner nodes 1..nr-1; [0] is the winner */
	bool mixed;			/* of late, events of one lane rarely followed each other */
	const atomic_bool *stop; /* gives up with -ECANCELED when it becomes true; borrowed */
};

int hvst_merge_init(struct hvst_merge *m, struct hvst_fetch *f, unsigned int nr,
		    const atomic_bool *stop);
void hvst_merge_free(struct hvst_merge *m);
/* After hvst_fetch_start(). */
void hvst_merge_restart(struct hvst_merge *m);
/* The next @max events to @out, adding to @counts; fewer only at the end (0), or a negative errno.
 */
long hvst_merge_next(struct hvst_merge *m, struct hvst_event *out, size_t max,
		     struct hvst_counts *counts);

#endif
