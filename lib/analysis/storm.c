/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Past-due arms of one timer belong together while few arms ahead and little time
 * lie between two of them. Time in which the vCPU was held does not count, nor does a pause that is
 * shorter than the guest's lag: it lagged throughout.
 *
 * Such a group is a storm when it keeps the guest from its work long enough to matter: at least
 * storm_min_arms past-due arms, over at least storm_min_ns, and most of the arms past due. Where a
 * sparse beginning or end dilutes a dense middle, the densest part (best prefix-sum interval) is
 * judged. Deadlines that passed while they were being programmed make no storm, however many there
 * are. What is no storm is a burst, or isolated.
 *
 * A storm is recognised from counts alone. Its skews, its kind and its cause wait for the end of
 * the trace, where the reference clock is known.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "activity.h"
#include "guestclock.h"
#include "handler.h"
#include "marks.h"
#include "pastdue.h"
#include "resolve.h"
#include "storm.h"
#include "storm_cause.h"
#include "storm_kind.h"

#define PEAK_MIN_ARMS 16
#define WHOLE_MARGIN  4	   /* past-due arms that a dense group drops for clean edges */
#define MAX_COURSES   8192 /* kept until the end; 3 KiB each */
#define SHORT_MIN_NS  2000 /* a deadline shorter than this cannot be met */
#define SHORT_COSTS   4	   /* nor can one below this many times what an arm costs */

struct storm_point {
	int64_t ts;
	uint64_t count;
	int64_t skew; /* HVST_UNKNOWN: inferred */
	int cpu;
};

/* The densest part of a group so far, and the current part. */
struct storm_core {
	int64_t score;
	struct storm_point start, max, end;
	uint64_t arms, past_due;
};

struct storm_group {
	bool active;
	bool inferred;			/* no readings: skews come from the clock at the end */
	uint64_t arms, past_due, ahead; /* ahead: since the last past-due arm */
	struct storm_point start, max, end;
	struct storm_counts counts;
	struct storm_phase phase;
	struct storm_course course;
	struct storm_core cur, best;
	bool cur_is_best; /* @best has not been updated to it */
	int64_t progress_before, progress_wall, progress_start, progress_end;
	struct handler_slot slot_start, slot_end;
	struct clock_mark trigger;
	struct hvst_evidence why_first, why_last;
	uint64_t short_deadline, preempted, unexplained;
	uint64_t retried; /* unexplained, and with the count of the arm before */
	int64_t held_ns;  /* how long the vCPU was held before the first arm, if that explains it */
	int64_t on_time_ns;		  /* the last arm ahead before the group */
	int64_t delay_ns;		  /* how far it lay ahead */
	enum hvst_delivery_mode delivery; /* of the last past-due arm */
	/* of the timer, beyond the group */
	struct hvst_past_due past_due_elsewhere; /* in groups that are no storm */
	int64_t held_at_arm;			 /* hvst_activity_held() at the last arm */
	int64_t held_at_write;			 /* the same where starts are not recorded */
	uint64_t written;			 /* the count, at that write */
	int64_t last_ahead_ns;			 /* HVST_UNKNOWN: none yet */
	int64_t last_delay_ns;			 /* how far that lay ahead; HVST_UNKNOWN */
	int64_t last_arm_ns;
	unsigned int last_cpu;
	uint64_t last_count;
	bool any;
};

/* What waits for the end of the trace. */
struct storm_deferred {
	struct storm_point start, max, end;
	struct storm_counts counts;
	struct storm_course course;
	bool inferred, held;
	int64_t held_ns, on_time_ns, delay_ns;
	int64_t short_ns; /* deadlines up to this are too short to be met */
	uint64_t past_due, preempted;
};

int hvst_storm_created(struct stimer *t)
{
	struct storm_group *g = calloc(1, sizeof(*g));

	t->state->group = g;
	if (!g)
		return -ENOMEM;
	g->last_ahead_ns = g->last_delay_ns = HVST_UNKNOWN;
	return 0;
}

void hvst_storm_free(struct stimer *t)
{
	free(t->state->group);
}

void hvst_storm_found_free(struct storm_found *f)
{
	free(f->deferred);
}

static inline struct storm_point point_of(const struct hvst_arm *arm)
{
	bool read = !(arm->flags & HVST_ARM_INFERRED) || arm->flags & HVST_ARM_PADDED;

	return (struct storm_point){ arm->ts_ns, arm->count, read ? arm->skew_ns : HVST_UNKNOWN,
				     arm->cpu };
}

/* Is @p further past due than @max? Where neither skew is known, compare their counts. */
static inline bool further_behind(const struct storm_point *p, const struct storm_point *max)
{
	if (p->skew == HVST_UNKNOWN || max->skew == HVST_UNKNOWN)
		return hvst_count_step(p->count, max->count) * 100 > max->ts - p->ts;
	return p->skew > max->skew;
}

/*
 * The best part so far. While the current part is the best, copying it at every arm would be
 * needed: delay that until an arm makes it worse.
 */
static void core_best(struct storm_group *g)
{
	if (g->cur_is_best)
		g->best = g->cur;
	g->cur_is_best = false;
}

/*
 * A point is passed by value, and inline: written to memory in parts and read back as a whole, it
 * would stall until the parts have left the store buffer.
 */
static inline __attribute__((always_inline)) void
core_step(struct storm_group *g, struct storm_point at, bool past_due, const struct hvst_params *p)
{
	/* An interval with a positive sum has at least storm_min_share per cent past-due arms. */
	int64_t gain = past_due ? 100 - (int64_t)p->storm_min_share : -(int64_t)p->storm_min_share;

	if (!past_due)
		core_best(g);
	if (g->cur.score + gain <= 0 || !g->cur.arms) {
		if (!past_due) {
			g->cur = (struct storm_core){ 0 };
			return;
		}
		g->cur = (struct storm_core){ .start = at, .max = at };
	}
	g->cur.score += gain;
	g->cur.arms++;
	if (!past_due)
		return;
	g->cur.past_due++;
	g->cur.end = at;
	if (further_behind(&at, &g->cur.max))
		g->cur.max = at;
	g->cur_is_best |= g->cur.score > g->best.score;
}

static __attribute__((noinline)) void group_begin(struct storm_group *g, const struct stimer *t,
						  const struct hvst_arm *arm,
						  const struct hvst_event *ev)
{
	const struct vcpu *v = t->vcpu;

	memset(g, 0, offsetof(struct storm_group, past_due_elsewhere));
	g->active = true;
	g->start = g->max = point_of(arm);
	g->phase.moved_ns = arm->ts_ns;
	g->inferred = g->start.skew == HVST_UNKNOWN;
	g->on_time_ns = g->last_ahead_ns;
	g->delay_ns = g->last_delay_ns;
	hvst_course_begin(&g->course, arm->ts_ns);
	hvst_marks_last(v->vm, &g->trigger);
	g->progress_before = hvst_activity_before(v, arm->ts_ns, &g->progress_wall);
	g->progress_start = hvst_activity_progress(v, arm->ts_ns);
	g->slot_start = hvst_handler_slot(t);
	hvst_evidence_set(&g->why_first, ev, "first past-due arm of timer %u: count %llu", t->index,
			  (unsigned long long)arm->count);
}

/* --- why an arm was past due ------------------------------------------------------------------ */

/* By the estimate of the clock; HVST_UNKNOWN where readings do not bound it. @err may be NULL. */
static int64_t skew_on_clock(const struct vm *vm, int64_t ts, int64_t offset, int cpu, int64_t *err)
{
	int64_t o;

	return hvst_refclock_at(&vm->clock, ts, cpu, &o, err) ? hvst_refclock_sub(o, offset)
							      : HVST_UNKNOWN;
}

/*
 * The arm's skew; of an inferred arm by the present estimate of the clock; HVST_UNKNOWN. An arm
 * that was past due although the line has it ahead shows that the clock has left the line.
 */
static int64_t skew_now(const struct stimer *t, const struct hvst_changes *c)
{
	const struct hvst_arm *arm = &c->arm;
	const struct vm *vm = t->vcpu->vm;
	int64_t skew, err;

	if (arm->skew_ns != HVST_UNKNOWN)
		return arm->skew_ns;
	skew = skew_on_clock(vm, arm->ts_ns, c->arm_offset_ns, arm->cpu, NULL);
	if (skew >= 0 || skew == HVST_UNKNOWN)
		return skew;
	skew_on_clock(vm, arm->ts_ns, c->arm_offset_ns, arm->cpu, &err);
	return skew < -err ? HVST_UNKNOWN : skew;
}

/*
 * Did the guest get that late while its vCPU was held: since the timer's last arm, or between its
 * write and the host's reading of the clock?
 */
static bool was_held(const struct storm_group *g, const struct stimer *t,
		     const struct hvst_changes *c, int64_t skew, int64_t cost)
{
	/* A timer's first arm has no previous arm to count from. */
	int64_t held = g->any ? hvst_activity_held(t->vcpu) - g->held_at_arm : 0;

	if (c->arm_programmed_ns != HVST_UNKNOWN &&
	    c->arm.ts_ns - c->arm_programmed_ns >= skew - cost)
		return true;
	return held && held >= skew - SHORT_COSTS * cost;
}

/* A guest that was held replays its ticks: they are past due for the same reason. */
static bool catches_up(const struct storm_group *g, int64_t skew)
{
	return g->held_ns && skew <= g->held_ns &&
	       (double)g->counts.advance_ns >= (double)(g->end.ts - g->start.ts) &&
	       g->counts.moved * 4 >= g->counts.steps;
}

/* A deadline up to this cannot be met. */
static int64_t short_limit(const struct analysis *a, const struct stimer *t)
{
	int64_t limit = SHORT_COSTS * hvst_activity_arm_cost(t->vcpu);

	if (a->params.short_deadline_ns)
		return a->params.short_deadline_ns;
	return limit < SHORT_MIN_NS ? SHORT_MIN_NS : limit;
}

static enum hvst_arm_cause count_cause(const struct analysis *a, struct storm_group *g,
				       const struct stimer *t, const struct hvst_changes *c,
				       bool retry)
{
	int64_t cost = hvst_activity_arm_cost(t->vcpu), skew = skew_now(t, c);

	if (skew == HVST_UNKNOWN) {
		g->unexplained++;
		return HVST_ARM_UNEXPLAINED;
	}
	/*
	 * A guest that sets the same target again saw that it was not reached: not a short
	 * deadline.
	 */
	if (skew <= short_limit(a, t) && !retry) {
		g->short_deadline++;
		return HVST_ARM_SHORT_DEADLINE;
	}
	if (was_held(g, t, c, skew, cost)) {
		g->preempted++;
		g->held_ns = skew + SHORT_COSTS * cost;
		return HVST_ARM_PREEMPTED;
	}
	if (catches_up(g, skew)) {
		g->preempted++;
		return HVST_ARM_PREEMPTED;
	}
	g->unexplained++;
	return HVST_ARM_UNEXPLAINED;
}

/* --- the group -------------------------------------------------------------------------------- */

static void course_step(struct storm_group *g, const struct hvst_changes *c, bool new_target)
{
	if (g->inferred)
		hvst_course_add(&g->course, c->arm.ts_ns, -c->arm_offset_ns, new_target);
	else if (point_of(&c->arm).skew != HVST_UNKNOWN)
		hvst_course_add(&g->course, c->arm.ts_ns, c->arm.skew_ns, new_target);
}

/* @step: from the count of the arm before. */
static enum hvst_arm_cause group_past_due(struct analysis *a, struct storm_group *g,
					  struct stimer *t, const struct hvst_changes *c,
					  int64_t step, const struct hvst_event *ev)
{
	const struct hvst_arm *arm = &c->arm;
	struct storm_point at = point_of(arm);
	enum hvst_arm_cause cause;
	bool same = g->any && llabs(step) <= STORM_SAME_COUNT;
	/* With two CPUs whose clocks differ, the later arm may have come first. */
	bool follows = g->past_due && (g->last_cpu == arm->cpu || !hvst_kvm_clock_per_cpu(a->kvm));

	if (follows)
		hvst_counts_step(&g->counts, step, arm->ts_ns - g->last_arm_ns);
	course_step(g, c, follows && !same);
	cause = count_cause(a, g, t, c, same);
	g->retried += same && cause == HVST_ARM_UNEXPLAINED;
	g->arms++;
	g->past_due++;
	g->ahead = 0;
	g->end = at;
	g->delivery = hvst_handler_delivered(t);
	core_step(g, at, true, &a->params);
	if (further_behind(&at, &g->max))
		g->max = at;
	g->progress_end = hvst_activity_progress(t->vcpu, arm->ts_ns);
	g->slot_end = hvst_handler_slot(t);
	g->why_last.ts_ns = arm->ts_ns;
	g->why_last.ts_raw = arm->ts_raw;
	g->why_last.event = ev->id;
	g->why_last.cpu = arm->cpu;
	g->why_last.tid = arm->tid;
	g->why_last.buffer = arm->buffer;
	return cause;
}

static double peak_rate(const struct storm_group *g, int64_t span, uint64_t past_due)
{
	const struct storm_course *c = &g->course;
	double best = span > 0 ? (double)(past_due - 1) * 1e9 / (double)span : 0;

	for (unsigned int i = 0; i + 1 < STORM_BINS; i++) {
		uint64_t n = c->bin[i].past_due + c->bin[i + 1].past_due;
		double r = (double)n * 1e9 / (2.0 * (double)c->width_ns);

		if (n >= PEAK_MIN_ARMS && r > best && c->bin[i].used && c->bin[i + 1].used &&
		    2 * c->width_ns <= span)
			best = r;
	}
	return best;
}

struct storm_found *hvst_storm_new(struct analysis *a, const struct stimer *t)
{
	struct storm_found *s;

	if (a->nr_storms >= ANALYSIS_MAX_STORMS)
		return NULL;
	if (a->nr_storms == a->cap_storms) {
		unsigned int cap = a->cap_storms ? 2 * a->cap_storms : 16;

		s = realloc(a->storms, cap * sizeof(*s));
		if (!s) {
			a->error = -ENOMEM;
			return NULL;
		}
		a->storms = s;
		a->cap_storms = cap;
	}
	s = &a->storms[a->nr_storms++];
	*s = (struct storm_found){
		.vcpu = t->vcpu,
		.storm = { .vm = -1,
			   .vcpu = t->vcpu->vcpu_id,
			   .tid = t->vcpu->tid,
			   .timer = t->index,
			   .skew_start_ns = HVST_UNKNOWN,
			   .skew_max_ns = HVST_UNKNOWN,
			   .skew_end_ns = HVST_UNKNOWN,
			   .period_ref = HVST_UNKNOWN,
			   .predicted_end_ns = HVST_UNKNOWN,
			   .count_gain = NAN,
			   .exit_cost_ns = HVST_UNKNOWN,
			   .interrupt_exit_ns = HVST_UNKNOWN,
			   .handler_rest_ns = HVST_UNKNOWN,
			   .handler_guest_share = -1,
			   .deliver_ns = HVST_UNKNOWN,
			   .switch_ns = HVST_UNKNOWN,
			   .slot_ns = HVST_UNKNOWN,
			   .wake_ns = HVST_UNKNOWN,
			   .progress_before = -1,
			   .progress_during = -1,
			   .cause_ts_ns = HVST_UNKNOWN,
			   .cause_size_ns = HVST_UNKNOWN,
			   .trigger_event = -1,
			   .trigger_ts_ns = HVST_UNKNOWN,
			   .trigger_distance_ns = HVST_UNKNOWN },
	};
	return s;
}

static void storm_fill(const struct analysis *a, struct stimer *t, struct hvst_storm *s)
{
	struct storm_group *g = t->state->group;
	int64_t span = s->end_ns - s->start_ns;

	s->rate_hz = span > 0 ? (double)(s->past_due - 1) * 1e9 / (double)span : 0;
	s->peak_hz = peak_rate(g, span, s->past_due);
	s->exit_cost_ns = hvst_activity_exit_cost(t->vcpu);
	s->interrupt_exits = hvst_activity_interrupt_exits(t->vcpu);
	s->interrupt_exit_ns = hvst_activity_interrupt_cost(t->vcpu);
	s->delivery = g->delivery;
	s->slot_busy = g->slot_end.busy - g->slot_start.busy;
	if (s->slot_busy)
		s->slot_ns =
			(g->slot_end.waited_ns - g->slot_start.waited_ns) / (int64_t)s->slot_busy;
	if (hvst_activity_known(t->vcpu)) {
		s->progress_before = hvst_progress_share(g->progress_before, g->progress_wall);
		s->progress_during = hvst_progress_share(g->progress_end - g->progress_start,
							 g->end.ts - g->start.ts);
	}
	s->endangers_watchdog = span >= a->params.watchdog_ns;
	/* The trigger cannot lie before an arm that was still on time. */
	if (g->trigger.event >= 0 && g->trigger.why.ts_ns >= g->on_time_ns) {
		s->trigger_event = g->trigger.event;
		s->trigger_ts_ns = g->trigger.why.ts_ns;
		s->trigger_distance_ns = s->start_ns - g->trigger.why.ts_ns;
		hvst_evidence_add(&s->evidence, &g->trigger.why);
	}
	hvst_evidence_add(&s->evidence, &g->why_first);
	snprintf(g->why_last.text, sizeof(g->why_last.text),
		 "last of %llu past-due arms in a group of %llu", (unsigned long long)s->past_due,
		 (unsigned long long)s->arms);
	hvst_evidence_add(&s->evidence, &g->why_last);
}

/* Most of its arms came after the vCPU had been held. */
static bool mostly_held(const struct storm_group *g)
{
	return g->preempted * 2 > g->past_due;
}

static void group_defer(const struct analysis *a, const struct stimer *t, struct storm_deferred *d)
{
	const struct storm_group *g = t->state->group;

	d->start = g->best.start;
	d->max = g->best.max;
	d->end = g->best.end;
	d->counts = g->counts;
	d->course = g->course;
	d->inferred = g->inferred;
	d->held = mostly_held(g);
	d->held_ns = g->held_ns;
	d->on_time_ns = g->on_time_ns;
	d->delay_ns = g->delay_ns;
	d->short_ns = short_limit(a, t);
	d->past_due = g->past_due;
	d->preempted = g->preempted;
}

/* A group that is no storm: a burst, or isolated arms. */
static void group_count_small(const struct analysis *a, struct stimer *t)
{
	struct storm_group *g = t->state->group;
	struct hvst_past_due *p = &g->past_due_elsewhere;
	bool burst = g->past_due >= a->params.burst_min_arms;

	if (burst && g->unexplained * 2 > g->past_due)
		hvst_pastdue_unexplained(t->vcpu->vm, g->unexplained, &g->why_first);
	hvst_pastdue_retried(t->vcpu->vm, g->retried, &g->why_first);
	if (burst)
		p->bursts += g->past_due;
	else
		p->isolated += g->past_due;
	p->short_deadline += g->short_deadline;
	p->preempted += g->preempted;
	p->unexplained += g->unexplained;
}

/* The part of the group that is judged: all of it if it is dense, else its densest part. */
static bool group_is_storm(const struct analysis *a, struct storm_group *g)
{
	const struct hvst_params *p = &a->params;
	bool whole = g->past_due >= p->storm_min_arms &&
		     g->past_due * 100 >= g->arms * p->storm_min_share;

	if (whole && g->best.past_due + WHOLE_MARGIN < g->past_due)
		g->best = (struct storm_core){ 0, g->start, g->max, g->end, g->arms, g->past_due };
	return g->best.past_due >= p->storm_min_arms &&
	       g->best.end.ts - g->best.start.ts >= p->storm_min_ns &&
	       g->short_deadline * 2 < g->past_due;
}

static __attribute__((noinline)) void group_end(struct analysis *a, struct stimer *t, bool open)
{
	struct storm_group *g = t->state->group;
	struct storm_found *f;
	struct hvst_storm *s;

	if (!g->active)
		return;
	core_best(g);
	g->active = false;
	g->arms -= g->ahead; /* arms ahead after the last past-due one are not part of the group */
	hvst_course_end(&g->course);
	hvst_pastdue_preempted(t->vcpu->vm, g->preempted, &g->why_first);
	if (!group_is_storm(a, g)) {
		group_count_small(a, t);
		return;
	}
	f = hvst_storm_new(a, t);
	if (!f)
		return;
	s = &f->storm;
	s->start_ns = g->best.start.ts;
	s->end_ns = g->best.end.ts;
	s->arms = g->best.arms;
	s->past_due = g->best.past_due;
	s->open = open && s->end_ns == g->end.ts;
	storm_fill(a, t, s);
	if (a->nr_storms > MAX_COURSES)
		return;
	f->deferred = malloc(sizeof(*f->deferred));
	if (f->deferred)
		group_defer(a, t, f->deferred);
	else
		a->error = -ENOMEM;
}

/* Does the pause before the arm end the group? */
static bool pause_ends(const struct analysis *a, const struct storm_group *g,
		       const struct stimer *t, const struct hvst_changes *c, bool past_due)
{
	int64_t pause = c->arm.ts_ns - g->end.ts, max = a->params.storm_max_gap_ns;
	int64_t held, skew;

	if (pause <= max)
		return false;
	if (!past_due || g->ahead)
		return true;
	held = hvst_activity_held(t->vcpu) - g->held_at_arm;
	if (pause - held <= max)
		return false;
	/*
	 * What the guest did meanwhile is not known: it lagged all the time if it lags by more than
	 * the pause.
	 */
	skew = skew_now(t, c);
	return hvst_activity_known(t->vcpu) || skew == HVST_UNKNOWN || skew < pause;
}

/* A replay that ends in a lag, or a lag that ends in a replay: two groups, each of one kind. */
static void phase_follow(struct analysis *a, struct stimer *t, int64_t step, int64_t ts)
{
	struct storm_group *g = t->state->group;

	if (!hvst_phase_step(&g->phase, &g->counts, step, ts))
		return;
	g->counts = g->phase.before;
	group_end(a, t, false);
}

static void group_ahead(const struct analysis *a, struct storm_group *g, int64_t ts, int64_t skew)
{
	g->last_ahead_ns = ts;
	g->last_delay_ns = skew == HVST_UNKNOWN ? HVST_UNKNOWN : -skew;
	if (!g->active)
		return;
	g->arms++;
	g->ahead++;
	core_step(g, (struct storm_point){ .ts = ts }, false, &a->params);
}

void hvst_storm_ahead(struct analysis *a, struct stimer *t, const struct hvst_event *ev)
{
	struct storm_group *g = t->state->group;

	if (g->active && g->ahead > a->params.storm_max_ahead)
		group_end(a, t, false);
	else if (g->active && ev->ts_ns - g->end.ts > a->params.storm_max_gap_ns)
		group_end(a, t, a->gap_ns > g->end.ts);
	group_ahead(a, g, ev->ts_ns, HVST_UNKNOWN);
	g->held_at_arm = g->held_at_write;
	g->last_arm_ns = ev->ts_ns;
	g->last_count = g->written;
	g->last_cpu = ev->cpu;
	g->any = true;
}

void hvst_storm_programmed(const struct analysis *a, struct stimer *t)
{
	struct storm_group *g = t->state->group;

	if (hvst_kvm_starts_seen(a->kvm))
		return;
	g->held_at_write = hvst_activity_held(t->vcpu);
	g->written = t->count;
}

enum hvst_arm_cause hvst_storm_arm(struct analysis *a, struct stimer *t,
				   const struct hvst_changes *c, const struct hvst_event *ev)
{
	const struct hvst_arm *arm = &c->arm;
	struct storm_group *g = t->state->group;
	bool past_due = arm->kind == HVST_ARM_PAST_DUE;
	enum hvst_arm_cause cause = HVST_ARM_ON_TIME;
	int64_t step;

	if (arm->kind == HVST_ARM_PERIODIC || arm->flags & (HVST_ARM_RESTART | HVST_ARM_PARKED))
		return cause;
	if (g->active && g->ahead > a->params.storm_max_ahead)
		group_end(a, t, false);
	else if (g->active && pause_ends(a, g, t, c, past_due))
		group_end(a, t, a->gap_ns > g->end.ts);
	if (past_due) {
		step = hvst_count_step(g->last_count, arm->count);
		if (g->active)
			phase_follow(a, t, step, arm->ts_ns);
		if (!g->active)
			group_begin(g, t, arm, ev);
		cause = group_past_due(a, g, t, c, step, ev);
	} else {
		group_ahead(a, g, arm->ts_ns, arm->skew_ns);
	}
	g->held_at_arm = hvst_activity_held(t->vcpu);
	g->last_arm_ns = arm->ts_ns;
	g->last_count = arm->count;
	g->last_cpu = arm->cpu;
	g->any = true;
	return cause;
}

/* --- the end of the trace --------------------------------------------------------------------- */

/* Observed where the start event had the reading, else from the clock: raises *@err to its bound.
 */
static int64_t point_skew(const struct vm *vm, const struct storm_point *p, int64_t *err)
{
	int64_t skew, e;

	if (p->skew != HVST_UNKNOWN)
		return p->skew;
	skew = skew_on_clock(vm, p->ts, hvst_refclock_offset(p->count, p->ts), p->cpu, &e);
	if (skew == HVST_UNKNOWN)
		return skew;
	*err = e > *err ? e : *err;
	return skew < 0 ? 0 : skew;
}

/* A lag that grows comes from a clock that runs slow, at the slope of the growth. */
static void report_rate(struct analysis *a, struct vcpu *v, const struct hvst_storm *s,
			double slope)
{
	double ppm = -slope * 1e6;
	struct hvst_guest_transition *g =
		hvst_guestclock_suspect(a, v, s->start_ns, ppm, fabs(ppm) / 20 + 1);

	if (g)
		hvst_evidence_stat(
			&g->evidence,
			"timer %d: the skew of the storm at %.6f s grows by %.1f us a second",
			s->timer, (double)s->start_ns / 1e9, slope * 1e6);
}

/* The same where nothing read the reference clock meanwhile: it may have been slewed as well. */
static void unsure_rate(struct vm *vm, const struct hvst_storm *s, double slope)
{
	struct vm_guestclock *g = vm->state->guestclock;

	if (g->unsure_from_ns != HVST_UNKNOWN)
		return;
	g->unsure_from_ns = s->start_ns;
	g->unsure_slope = slope;
}

static struct storm_shape shape_of(const struct analysis *a, const struct storm_found *f)
{
	const struct storm_deferred *d = f->deferred;

	return (struct storm_shape){
		.counts = &d->counts,
		.course = &d->course,
		.span_ns = d->end.ts - d->start.ts,
		.clock = d->inferred ? &f->vcpu->vm->clock : NULL,
		.cpu = d->start.cpu,
		.scaled = !a->opts.trace->cycles || a->opts.trace->scale_source != HVST_SCALE_NONE,
	};
}

/*
 * Before the first reading of the clock the skew of an inferred arm is not known. Does it turn out
 * that the deadlines were only too short to be met? A target that is set again was not reached.
 */
static bool turns_out_short(const struct analysis *a, const struct storm_found *f)
{
	const struct storm_deferred *d = f->deferred;
	struct storm_shape shape;
	int64_t most;

	if (!d || !d->inferred || d->counts.same * 2 > d->counts.steps)
		return false;
	shape = shape_of(a, f);
	most = hvst_storm_most(&shape);
	/* A past-due arm whose count lies ahead belongs to another clock. */
	return most != HVST_UNKNOWN && most <= d->short_ns && most >= -d->short_ns;
}

/* Counts the arms of what is no storm after all. */
static void storm_drop(struct storm_found *f)
{
	struct stimer *t = f->vcpu->timer[f->storm.timer];
	struct hvst_past_due *p = &t->state->group->past_due_elsewhere;

	p->bursts += f->deferred->past_due;
	p->preempted += f->deferred->preempted;
	p->short_deadline += f->deferred->past_due - f->deferred->preempted;
	hvst_storm_found_free(f);
}

static void storm_resolve(struct analysis *a, struct storm_found *f)
{
	const struct storm_deferred *d = f->deferred;
	const struct vm *vm = f->vcpu->vm;
	struct hvst_storm *s = &f->storm;
	struct storm_nature nature;
	struct storm_shape shape;

	if (!d)
		return;
	s->skew_start_ns = point_skew(vm, &d->start, &s->skew_error_ns);
	s->skew_max_ns = point_skew(vm, &d->max, &s->skew_error_ns);
	s->skew_end_ns = point_skew(vm, &d->end, &s->skew_error_ns);
	shape = shape_of(a, f);
	hvst_storm_nature(&shape, &nature);
	s->kind = nature.kind;
	s->period_ref = nature.period_ref;
	s->response = nature.response;
	if (s->kind == HVST_STORM_BACKLOG)
		s->count_gain = nature.gain;
	if (s->kind == HVST_STORM_GROWING && nature.slope > 0)
		report_rate(a, f->vcpu, s, nature.slope);
	if (nature.unsure_slope > 0)
		unsure_rate(f->vcpu->vm, s, nature.unsure_slope);
	if (s->kind == HVST_STORM_BACKLOG && s->skew_end_ns != HVST_UNKNOWN && nature.gain > 1.01 &&
	    (double)s->skew_end_ns / (nature.gain - 1) < (double)HVST_SKEW_MAX)
		s->predicted_end_ns =
			s->end_ns + (int64_t)((double)s->skew_end_ns / (nature.gain - 1));
	if (s->predicted_end_ns != HVST_UNKNOWN && s->open &&
	    s->predicted_end_ns - s->start_ns >= a->params.watchdog_ns)
		s->endangers_watchdog = true;
	hvst_storm_cause(a, f,
			 &(struct storm_onset){ .on_time_ns = d->on_time_ns,
						.delay_ns = d->delay_ns,
						.held_ns = d->held ? d->held_ns : 0 });
}

/*
 * Open: the trace, or the part of it that was not lost, ends before the rule would have ended the
 * group.
 */
static void group_finish(struct analysis *a, struct stimer *t)
{
	struct storm_group *g = t->state->group;

	group_end(a, t,
		  g->ahead <= a->params.storm_max_ahead &&
			  (a->last_ns - g->end.ts <= a->params.storm_max_gap_ns ||
			   a->gap_ns > g->end.ts));
}

/* VM numbers are known now: drop what the user did not select. */
static void sum_past_due(struct analysis *a, struct stimer *t)
{
	const struct hvst_past_due *p = &t->state->group->past_due_elsewhere;

	if (!hvst_filter_pass(a, t->vcpu, t->index))
		return;
	a->past_due.isolated += p->isolated;
	a->past_due.bursts += p->bursts;
	a->past_due.short_deadline += p->short_deadline;
	a->past_due.preempted += p->preempted;
	a->past_due.unexplained += p->unexplained;
}

/* Taken from the whole trace: the storm itself has few halts, or none. */
static void handler_fill(const struct stimer *t, struct hvst_storm *s)
{
	s->handler_rest_ns = hvst_handler_rest(t, s->delivery);
	s->handler_guest_share = hvst_handler_guest_share(t, s->delivery);
	s->wake_ns = hvst_handler_wake(t, s->delivery);
	s->deliver_ns = hvst_handler_deliver(t, s->delivery);
	s->switch_ns = hvst_handler_switch(t->vcpu);
}

static void drop_short(struct analysis *a)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < a->nr_storms; i++)
		if (turns_out_short(a, &a->storms[i]))
			storm_drop(&a->storms[i]);
		else
			a->storms[kept++] = a->storms[i];
	a->nr_storms = kept;
}

void hvst_storm_finish(struct analysis *a)
{
	hvst_each_timer(a, group_finish);
	drop_short(a);
	hvst_each_timer(a, sum_past_due);
	for (unsigned int i = 0; i < a->nr_storms; i++) {
		struct storm_found *f = &a->storms[i];

		storm_resolve(a, f);
		handler_fill(f->vcpu->timer[f->storm.timer], &f->storm);
		f->storm.vm = hvst_vm_shown(f->vcpu->vm);
		if (a->opts.obs->storm && !a->error &&
		    hvst_filter_pass(a, f->vcpu, f->storm.timer) &&
		    a->opts.obs->storm(a->opts.obs_ctx, &f->storm))
			a->error = -ECANCELED;
	}
}
