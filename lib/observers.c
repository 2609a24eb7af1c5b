// SPDX-License-Identifier: LGPL-2.1
/* Stage: session. Calls every observer of a session. */
#include <errno.h>

#include "observers.h"

int hvst_observers_add(struct observers *o, const struct hvst_observer *obs, void *ctx)
{
	if (o->n == HVST_MAX_OBSERVERS)
		return -ENOSPC;
	o->v[o->n].obs = *obs;
	o->v[o->n++].ctx = ctx;
	return 0;
}

/* All see what one of them stops at, so that the order does not matter. */
#define CALL_ALL(ctx, member, ...)                                                                 \
	const struct observers *o = ctx;                                                           \
	int ret = 0;                                                                               \
                                                                                                   \
	for (unsigned int i = 0; i < o->n; i++)                                                    \
		if (o->v[i].obs.member && o->v[i].obs.member(o->v[i].ctx, __VA_ARGS__))            \
			ret = -1;                                                                  \
	return ret

static int on_event(void *ctx, const struct hvst_event *ev)
{
	CALL_ALL(ctx, event, ev);
}

static int on_arm(void *ctx, const struct hvst_arm *arm)
{
	CALL_ALL(ctx, arm, arm);
}

static int on_fire(void *ctx, const struct hvst_fire *fire)
{
	CALL_ALL(ctx, fire, fire);
}

static int on_storm(void *ctx, const struct hvst_storm *storm)
{
	CALL_ALL(ctx, storm, storm);
}

static int on_progress(void *ctx, uint64_t done, uint64_t total)
{
	CALL_ALL(ctx, progress, done, total);
}

static int on_armed(void *ctx, const struct hvst_arm *arm, enum hvst_arm_cause cause)
{
	CALL_ALL(ctx, armed, arm, cause);
}

static int on_progressed(void *ctx, const struct hvst_progress *p)
{
	CALL_ALL(ctx, progressed, p);
}

struct hvst_observer hvst_observers_all(struct observers *o, void **ctx)
{
	struct hvst_observer all = { 0 };

	if (o->n == 1) {
		*ctx = o->v[0].ctx;
		return o->v[0].obs;
	}
	for (unsigned int i = 0; i < o->n; i++) {
		const struct hvst_observer *obs = &o->v[i].obs;

		all.event = obs->event ? on_event : all.event;
		all.arm = obs->arm ? on_arm : all.arm;
		all.fire = obs->fire ? on_fire : all.fire;
		all.storm = obs->storm ? on_storm : all.storm;
		all.progress = obs->progress ? on_progress : all.progress;
		all.armed = obs->armed ? on_armed : all.armed;
		all.progressed = obs->progressed ? on_progressed : all.progressed;
	}
	*ctx = o;
	return all;
}
