/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: event. Lanes merged by time with a tree of losers. The winner's lane runs, without touching the tree,
 * up to the time of the runner-up; then one path of the tree is played again. Equal times: the lower lane first.
 */
#ifndef HVST_EVENT_MERGE_H
#define HVST_EVENT_MERGE_H

#include "lane.h"

struct hvst_merge {
	struct hvst_lane **lanes;	/* borrowed */
	unsigned int nr;
	unsigned int *losers;		/* inner nodes 1..nr-1; [0] is the winner */
	bool primed;
};

int hvst_merge_init(struct hvst_merge *m, struct hvst_lane **lanes, unsigned int nr);
void hvst_merge_free(struct hvst_merge *m);
/* After hvst_lane_start() of all lanes. */
void hvst_merge_restart(struct hvst_merge *m);
/* The next @max events to @out; fewer only at the end (0), or a negative errno. */
long hvst_merge_next(struct hvst_merge *m, struct hvst_event *out, size_t max);

#endif
