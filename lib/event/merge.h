/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: event. Lanes merged by time with a tree of losers. The winner's run is copied, without touching the tree,
 * up to the time of the runner-up; then one path of the tree is played again. Equal times: the lower lane first.
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

struct hvst_merge {
	struct hvst_fetch *fetch;	/* borrowed */
	unsigned int nr;
	struct hvst_offer *offers;	/* by lane */
	int64_t *heads;			/* by lane: its next event's time, or its bound */
	unsigned int *losers;		/* inner nodes 1..nr-1; [0] is the winner */
	const atomic_bool *stop;	/* gives up with -ECANCELED when it becomes true; borrowed */
};

int hvst_merge_init(struct hvst_merge *m, struct hvst_fetch *f, unsigned int nr, const atomic_bool *stop);
void hvst_merge_free(struct hvst_merge *m);
/* After hvst_fetch_start(). */
void hvst_merge_restart(struct hvst_merge *m);
/* The next @max events to @out, adding to @counts; fewer only at the end (0), or a negative errno. */
long hvst_merge_next(struct hvst_merge *m, struct hvst_event *out, size_t max, struct hvst_counts *counts);

#endif
