// SPDX-License-Identifier: GPL-2.0
/*
 * longest-gap FILE: the longest time between two arms of each timer. An analysis of one's own: see
 * libhvstimer(3).
 */
#include <inttypes.h>
#include <stdlib.h>

#include "sample.h"

#define TIMERS 4 /* of a vCPU */

struct gap {
	int64_t last_ns;     /* the previous arm; HVST_UNKNOWN: none since events were lost */
	int64_t ns;	     /* the longest so far */
	struct hvst_arm arm; /* which ended it: the evidence */
};

struct gaps {
	struct gap *v; /* by thread and timer */
	size_t n;
};

/* Make room for @thread: its number is small, and never reused, unlike its id. */
static int follow(struct gaps *g, int thread)
{
	size_t n = ((size_t)thread + 1) * TIMERS;
	struct gap *v = n > g->n ? realloc(g->v, n * sizeof(*v)) : g->v;

	if (!v)
		return -1;
	for (g->v = v; g->n < n; g->n++)
		g->v[g->n] = (struct gap){ .last_ns = HVST_UNKNOWN };
	return 0;
}

static int on_arm(void *ctx, const struct hvst_arm *arm, enum hvst_arm_cause cause)
{
	struct gaps *g = ctx;
	struct gap *gap;

	(void)cause;
	if (arm->flags & HVST_ARM_RESTART)
		return 0;
	if (follow(g, arm->thread))
		return -1;
	gap = &g->v[(size_t)arm->thread * TIMERS + (size_t)arm->timer];
	if (gap->last_ns != HVST_UNKNOWN && arm->ts_ns - gap->last_ns > gap->ns) {
		gap->ns = arm->ts_ns - gap->last_ns;
		gap->arm = *arm;
	}
	gap->last_ns = arm->ts_ns;
	return 0;
}

/* An arm may be among the lost events: measure no gap across them. */
static int on_event(void *ctx, const struct hvst_event *ev)
{
	struct gaps *g = ctx;

	for (size_t i = 0; ev->id == HVST_EV_LOST && i < g->n; i++)
		g->v[i].last_ns = HVST_UNKNOWN;
	return 0;
}

int main(int argc, char **argv)
{
	const struct hvst_observer observer = { .size = sizeof(observer),
						.armed = on_arm,
						.event = on_event };
	struct hvst_session *s = argc == 2 ? open_recording(argv[1]) : NULL;
	struct gaps g = { 0 };
	int rc, vm, vcpu;

	if (!s)
		return 2;
	hvst_session_set_need(s, HVST_NEED_EVENTS | HVST_NEED_ANALYSIS);
	rc = hvst_session_set_observer(s, &observer, &g);
	if (!rc)
		rc = hvst_session_run(s);
	for (size_t i = 0; !rc && i < g.n; i++) {
		const struct gap *gap = &g.v[i];

		if (!gap->ns)
			continue;
		hvst_session_who(s, gap->arm.tid, &vm, &vcpu);
		printf("VM %d vCPU %d timer %d: %" PRId64 " ns without an arm, until %" PRId64
		       " ns (CPU %u)\n",
		       vm, vcpu, gap->arm.timer, gap->ns, gap->arm.ts_ns, gap->arm.cpu);
	}
	free(g.v);
	return finish(s, rc);
}
