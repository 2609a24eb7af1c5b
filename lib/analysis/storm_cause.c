/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. The search for what set a storm off. */
#include <stdlib.h>

#include "storm_cause.h"

#define REACH_NS     (2000LL * 1000 * 1000) /* an event seconds before a storm hardly causes it */
#define LAG_PART     50 /* the step may differ by this part of the lag it made */
#define LAG_SLACK_NS (200 * 1000)
#define MAX_LOOK     64 /* steps, or transitions, checked for a storm */

/* The earliest time at which an event may have set it off. */
static int64_t earliest(const struct hvst_storm *s, const struct storm_onset *o)
{
	int64_t reach = s->start_ns - REACH_NS;

	return o->on_time_ns != HVST_UNKNOWN && o->on_time_ns > reach ? o->on_time_ns : reach;
}

/*
 * A step of the reference clock of about the storm's skew, or of about its lag, where the guest
 * asks for delays: a clock that is 20 ms behind is 4 ms past a delay of 16 ms. The guest may have
 * been held as well.
 */
static bool step_fits(const struct hvst_storm *s, const struct storm_onset *o, int64_t step)
{
	int64_t lag;

	if (step <= 0)
		return false;
	if (s->skew_max_ns == HVST_UNKNOWN)
		return true; /* the step is the reason that nothing bounds the clock after it */
	if (step >= s->skew_max_ns / 2 && step / 2 <= s->skew_max_ns)
		return true;
	if (o->delay_ns == HVST_UNKNOWN || s->skew_start_ns == HVST_UNKNOWN ||
	    __builtin_add_overflow(o->delay_ns, s->skew_start_ns, &lag))
		return false;
	return lag > 0 && step >= lag - lag / LAG_PART - LAG_SLACK_NS &&
	       step <= lag + lag / LAG_PART + LAG_SLACK_NS;
}

/* The step may have come anywhere in an interval: that interval must reach into the storm's. */
static bool by_step(struct storm_found *f, const struct storm_onset *o, int64_t from)
{
	const struct refclock *clock = &f->vcpu->vm->clock;
	const struct refclock_hidden *hidden;
	const struct refclock_piece *p;
	struct hvst_storm *s = &f->storm;

	for (unsigned int i = 0; (p = hvst_refclock_piece(clock, i)); i++) {
		if (p->joint != REFCLOCK_STEP || p->after > s->start_ns || p->until < from ||
		    !step_fits(s, o, p->step))
			continue;
		s->cause = HVST_CAUSE_HOST_STEP;
		s->cause_ts_ns = p->at < s->start_ns ? p->at : s->start_ns;
		s->cause_size_ns = p->step;
		s->cause_at_least = p->at_least;
	}
	hidden = hvst_refclock_tail(clock);
	if (s->cause != HVST_CAUSE_HOST_STEP && hidden && hidden->proven &&
	    hidden->after <= s->start_ns && hidden->until >= from) {
		s->cause = HVST_CAUSE_HOST_STEP;
		s->cause_ts_ns = hidden->until < s->start_ns ? hidden->until : s->start_ns;
		s->cause_size_ns = hidden->at_least;
		s->cause_at_least = true;
	}
	return s->cause == HVST_CAUSE_HOST_STEP;
}

static bool by_switch(const struct analysis *a, struct storm_found *f, int64_t from)
{
	struct hvst_storm *s = &f->storm;
	unsigned int looked = 0;

	for (unsigned int i = a->nr_transitions; i-- > 0 && looked < MAX_LOOK; looked++) {
		const struct transition_found *t = &a->transitions[i];
		const struct hvst_guest_transition *g = &t->transition;

		if (t->of->vm != f->vcpu->vm || (t->vcpu && t->vcpu != f->vcpu) ||
		    g->role != HVST_ROLE_STIMER || g->from == HVST_SRC_UNKNOWN ||
		    g->from == g->to || g->confidence < HVST_INFERRED || g->ts_ns > s->start_ns ||
		    g->ts_ns < from)
			continue;
		s->cause = HVST_CAUSE_SOURCE_SWITCH;
		s->cause_ts_ns = g->ts_ns;
		return true;
	}
	return false;
}

void hvst_storm_cause(struct analysis *a, struct storm_found *f, const struct storm_onset *onset)
{
	struct hvst_storm *s = &f->storm;
	int64_t from = earliest(s, onset);

	if (onset->held_ns && s->kind == HVST_STORM_BACKLOG) {
		s->cause = HVST_CAUSE_VCPU_HELD;
		s->cause_ts_ns = s->start_ns - onset->held_ns;
		s->cause_size_ns = onset->held_ns;
		return;
	}
	if (!by_step(f, onset, from))
		by_switch(a, f, from);
}
