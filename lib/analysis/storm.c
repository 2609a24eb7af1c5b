/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Groups past-due arms of one timer and tells storms from bursts and isolated
 * ones.
 *
 * The rule counts arms, never rates: past-due arms belong together while few arms ahead and little
 * time lie between two of them; a group is a storm from storm_min_arms on if most of its arms are
 * past due. Where a thin head or tail dilutes a dense middle, the densest part (best prefix-sum
 * interval) is judged.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "activity.h"
#include "clocksource.h"
#include "guestclock.h"
#include "marks.h"
#include "pastdue.h"
#include "resolve.h"
#include "storm.h"

#define SAME_COUNT_REF 8 /* a Linux guest recomputes its target: -3..+5 units around it */
#define PEAK_MIN_ARMS  16
#define WHOLE_MARGIN   4      /* past-due arms that a dense group loses for good edges */
#define SLEW	       600e-6 /* more than NTP slews a clock */

/* A group of past-due arms that may become a storm. */
#define STORM_BINS 32
struct storm_point {
	int64_t ts;
	uint64_t count;
	int64_t skew;
}; /* skew HVST_UNKNOWN: from the model at the end */
struct storm_bin {
	uint64_t past_due;
	int64_t min, max;
	bool used;
};
struct storm_runs {
	unsigned int n;
	struct {
		int64_t ts, v;
		uint32_t w;
	} r[2 * STORM_BINS];
};

struct storm_core {
	int64_t score;
	struct storm_point start, max, end;
	uint64_t arms, past_due;
};

struct storm_group {
	bool active;
	uint64_t arms, past_due, ahead; /* ahead: since the last past-due arm */
	struct storm_point start, max, end;
	uint64_t last_count;
	/* count increments: majority candidate (Boyer and Moore), same targets */
	int64_t delta;
	uint64_t delta_votes, delta_hits, same, steps;
	/* course of the skew */
	int64_t bin_from, bin_width;
	struct storm_bin bin[STORM_BINS];
	struct storm_bin *last_bin; /* that of the last arm, and where it begins */
	int64_t last_bin_from;
	struct storm_runs runs;
	int64_t run_max, run_ts;
	/* densest part, for groups whose head or tail is thin; see core_best() */
	struct storm_core cur, best;
	bool cur_is_best; /* @best has not caught up with it */
	int64_t progress_before, progress_wall, progress_start, progress_end;
	struct clock_mark trigger;
	struct hvst_evidence why_first, why_last;
	uint64_t short_deadline, preempted, unexplained;
	bool inferred;		       /* some of it rests on the clock model */
	enum hvst_guest_source source; /* of the guest when it began */
};

int hvst_storm_created(struct stimer *t)
{
	t->state->group = calloc(1, sizeof(*t->state->group));
	return t->state->group ? 0 : -ENOMEM;
}

void hvst_storm_free(struct stimer *t)
{
	free(t->state->group);
}

/* The bin of @ts, which may need wider ones. */
static struct storm_bin *bin_of(struct storm_group *g, int64_t ts)
{
	int64_t i = (ts - g->bin_from) / g->bin_width;

	if (i < 0)
		i = 0;
	while (i >= STORM_BINS) {
		/* Twice as wide: the storm outgrew the bins. */
		for (unsigned int k = 0; k < STORM_BINS / 2; k++) {
			struct storm_bin x = g->bin[2 * k], y = g->bin[2 * k + 1];

			if (!x.used) {
				x = y;
			} else if (y.used) {
				x.past_due += y.past_due;
				x.min = y.min < x.min ? y.min : x.min;
				x.max = y.max > x.max ? y.max : x.max;
			}
			g->bin[k] = x;
		}
		memset(g->bin + STORM_BINS / 2, 0, sizeof(g->bin) / 2);
		g->bin_width *= 2;
		i /= 2;
	}
	g->last_bin = &g->bin[i];
	g->last_bin_from = g->bin_from + i * g->bin_width;
	return g->last_bin;
}

static void bins_add(struct storm_group *g, int64_t ts, int64_t v)
{
	/* Mostly the bin of the arm before: found without a division. */
	bool same = g->last_bin && ts >= g->last_bin_from && ts - g->last_bin_from < g->bin_width;
	struct storm_bin *b = same ? g->last_bin : bin_of(g, ts);

	if (!b->used || v < b->min)
		b->min = v;
	if (!b->used || v > b->max)
		b->max = v;
	b->used = true;
	b->past_due++;
}

/* One target's worth of retries is over: its highest skew is how far the clock lags. */
static void runs_add(struct storm_runs *r, int64_t ts, int64_t v)
{
	if (r->n == 2 * STORM_BINS) {
		for (unsigned int i = 0; i < STORM_BINS; i++) {
			r->r[i].ts = r->r[2 * i].ts;
			r->r[i].v = r->r[2 * i].v / 2 + r->r[2 * i + 1].v / 2;
			r->r[i].w = r->r[2 * i].w * 2;
		}
		r->n = STORM_BINS;
	}
	/* After halving, a slot stands for w runs; averaging keeps the trend. */
	if (r->n && r->n > 1 && r->r[r->n - 1].w < r->r[0].w) {
		r->r[r->n - 1].v += (v - r->r[r->n - 1].v) / (int64_t)(r->r[r->n - 1].w + 1);
		r->r[r->n - 1].w++;
		return;
	}
	r->r[r->n].ts = ts;
	r->r[r->n].v = v;
	r->r[r->n].w = 1;
	r->n++;
}

static inline struct storm_point point_of(const struct hvst_arm *arm)
{
	return (struct storm_point){ arm->ts_ns, arm->count, arm->skew_ns };
}

/* Is @p further behind than @max? Where neither skew is known, their counts tell. */
static inline bool further_behind(const struct storm_point *p, const struct storm_point *max)
{
	if (max->skew == HVST_UNKNOWN)
		return hvst_count_step(p->count, max->count) * 100 > max->ts - p->ts;
	return p->skew > max->skew;
}

/*
 * The best part so far. While the running part is the best one it would have to be copied at every
 * arm: that waits until an arm makes it worse.
 */
static void core_best(struct storm_group *g)
{
	if (g->cur_is_best)
		g->best = g->cur;
	g->cur_is_best = false;
}

/*
 * A point comes by value, and inline: written to memory in parts and read from there as a whole, it
 * would have to wait until the parts have left the processor's store buffer.
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

static void group_rebase(struct storm_group *g, int64_t from_ns, int64_t step)
{
	/*
	 * Observed skews need no model; of a group that began before the step only a part would
	 * move.
	 */
	if (!g->active || !g->inferred || g->start.ts < from_ns)
		return;
	for (unsigned int i = 0; i < STORM_BINS; i++) {
		g->bin[i].min += step;
		g->bin[i].max += step;
	}
	for (unsigned int i = 0; i < g->runs.n; i++)
		g->runs.r[i].v += step;
	if (g->run_max != INT64_MIN)
		g->run_max += step;
}

void hvst_storm_clock_moved(struct vm *vm, int64_t ts)
{
	const struct refclock *rc = &vm->clock;
	int64_t step;

	if (!rc->nr_segs)
		return;
	step = hvst_line_at(&rc->cur->line, ts) -
	       hvst_line_at(&rc->segs[rc->nr_segs - 1]->line, ts);
	for_each_vcpu (v, vm)
		for (unsigned int i = 0; i < HVST_STIMERS; i++)
			if (v->timer[i] && v->timer[i]->state)
				group_rebase(v->timer[i]->state->group, rc->cur->from_ns, step);
}

static void deltas_step(struct storm_group *g, uint64_t count)
{
	int64_t d = hvst_count_step(g->last_count, count);

	g->steps++;
	if (d >= -SAME_COUNT_REF && d <= SAME_COUNT_REF) {
		g->same++;
		return;
	}
	/* Majority vote for one increment; hits are counted while the candidate stands. */
	if (!g->delta_votes) {
		g->delta = d;
		g->delta_votes = 1;
		g->delta_hits++;
	} else if (llabs(d - g->delta) <= SAME_COUNT_REF) {
		g->delta_votes++;
		g->delta_hits++;
	} else {
		g->delta_votes--;
	}
}

static void group_begin(struct storm_group *g, const struct stimer *t, const struct hvst_arm *arm,
			const struct hvst_event *ev)
{
	const struct vcpu *v = t->vcpu;

	memset(g, 0, sizeof(*g));
	g->active = true;
	g->start = point_of(arm);
	g->max = g->start;
	g->bin_from = arm->ts_ns;
	g->bin_width = 1000;
	g->run_max = INT64_MIN;
	hvst_marks_last(v->vm, &g->trigger);
	g->progress_before = hvst_activity_before(v, arm->ts_ns, &g->progress_wall);
	g->progress_start = hvst_activity_progress(v, arm->ts_ns);
	hvst_evidence_set(&g->why_first, ev, "first past-due arm of timer %u: count %llu", t->index,
			  (unsigned long long)arm->count);
}

/* A guest that was held catches up in a burst: what follows in the same group has the same cause.
 */
static void count_cause(const struct analysis *a, struct storm_group *g, struct stimer *t,
			const struct hvst_arm *arm, int64_t programmed_ns)
{
	switch (hvst_activity_cause(a, t, arm, programmed_ns)) {
	case CAUSE_SHORT_DEADLINE:
		g->short_deadline++;
		break;
	case CAUSE_PREEMPTED:
		g->preempted++;
		break;
	default:
		g->preempted += g->preempted > 0;
		g->unexplained += !g->preempted;
	}
}

static void group_past_due(struct analysis *a, struct storm_group *g, struct stimer *t,
			   const struct hvst_arm *arm, int64_t programmed_ns, int64_t v,
			   const struct hvst_event *ev)
{
	struct storm_point at = point_of(arm);
	bool first = !g->past_due;
	bool new_target =
		!first && llabs(hvst_count_step(g->last_count, arm->count)) > SAME_COUNT_REF;

	g->arms++;
	g->past_due++;
	g->ahead = 0;
	g->inferred |= (arm->flags & HVST_ARM_INFERRED) != 0;
	if (!first)
		deltas_step(g, arm->count);
	if (new_target) {
		runs_add(&g->runs, g->run_ts, g->run_max);
		g->run_max = INT64_MIN;
	}
	if (v > g->run_max) {
		g->run_max = v;
		g->run_ts = arm->ts_ns;
	}
	g->last_count = arm->count;
	bins_add(g, arm->ts_ns, v);
	g->end = at;
	core_step(g, at, true, &a->params);
	if (further_behind(&at, &g->max))
		g->max = at;
	g->progress_end = hvst_activity_progress(t->vcpu, arm->ts_ns);
	/* What matters only for groups that stay small: causes, and the last event as evidence. */
	if (g->past_due < a->params.storm_min_arms)
		count_cause(a, g, t, arm, programmed_ns);
	g->why_last.ts_ns = arm->ts_ns;
	g->why_last.ts_raw = arm->ts_raw;
	g->why_last.event = ev->id;
	g->why_last.cpu = arm->cpu;
	g->why_last.tid = arm->tid;
	g->why_last.buffer = arm->buffer;
}

static int cmp_i64(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

	return a < b ? -1 : a > b;
}

static int64_t median(int64_t *v, unsigned int n)
{
	qsort(v, n, sizeof(*v), cmp_i64);
	return v[n / 2];
}

struct course {
	unsigned int n;
	int64_t first, middle, last; /* medians of the first, a middle and the last quarter */
	int64_t scatter;	     /* median step between neighbours */
	int64_t first_ts, last_ts;   /* middles of those quarters */
};

static void course_of(struct course *c, const int64_t *ts, const int64_t *v, unsigned int n)
{
	unsigned int q = n / 4 ? n / 4 : 1;
	int64_t tmp[2 * STORM_BINS];

	memset(c, 0, sizeof(*c));
	c->n = n;
	if (n < 2)
		return;
	memcpy(tmp, v, q * sizeof(*tmp));
	c->first = median(tmp, q);
	memcpy(tmp, v + n - q, q * sizeof(*tmp));
	c->last = median(tmp, q);
	memcpy(tmp, v + (n - q) / 2, q * sizeof(*tmp));
	c->middle = median(tmp, q);
	for (unsigned int i = 0; i + 1 < n; i++)
		tmp[i] = llabs(v[i + 1] - v[i]);
	c->scatter = median(tmp, n - 1);
	c->first_ts = ts[(q - 1) / 2];
	c->last_ts = ts[n - q + (q - 1) / 2];
}

/* Retries of one target: highest skew of each. Else: the lower edge, which is the sharp one. */
static void group_course(const struct storm_group *g, bool retries, struct course *c)
{
	int64_t ts[2 * STORM_BINS], v[2 * STORM_BINS];
	unsigned int n = 0;

	if (retries) {
		/* The first target was entered half-way: its maximum may be anybody's. */
		for (unsigned int i = g->runs.n > 4 ? 1 : 0; i < g->runs.n; i++, n++) {
			ts[n] = g->runs.r[i].ts;
			v[n] = g->runs.r[i].v;
		}
	} else {
		for (unsigned int i = 0; i < STORM_BINS; i++) {
			if (!g->bin[i].used)
				continue;
			ts[n] = g->bin_from + (int64_t)i * g->bin_width + g->bin_width / 2;
			v[n++] = g->bin[i].min;
		}
		/* The last bin is only begun; the first may hold arms from before. */
		if (n > 4)
			n--;
	}
	course_of(c, ts, v, n);
}

/* The growth that is no accident of where the samples fell. */
static int64_t growth_least(const struct storm_group *g, bool retries, double slope)
{
	/*
	 * Inferred skews lean on a model that may drift meanwhile, by what a trace clock can be
	 * slewed.
	 */
	int64_t least = g->inferred && slope < SLEW ? 200000 : 50000;
	int64_t loop = g->steps ? (g->end.ts - g->start.ts) / (int64_t)g->steps : 0;

	/* The highest skew of a target lies anywhere within one loop below the lag. */
	return retries && least < 2 * loop ? 2 * loop : least;
}

/*
 * The kind by the course of the skew, as real recordings show it: a backlog falls by several per
 * cent of the time that passes, no clock is that fast; a slow clock's envelope grows; a lag stays.
 */
static void group_kind(const struct storm_group *g, struct hvst_storm *s, double *slope)
{
	bool retries = g->steps && g->same * 2 > g->steps;
	struct course c;
	int64_t d, span;
	bool steady;

	*slope = 0;
	s->kind = HVST_STORM_UNKNOWN;
	s->period_ref = HVST_UNKNOWN;
	group_course(g, retries, &c);
	if (c.n < 2 || c.last_ts <= c.first_ts) {
		/* One target throughout. No tick is a second long: a clock that stands still. */
		if (retries)
			s->kind = g->end.ts - g->start.ts > 1000000000 ? HVST_STORM_GROWING
								       : HVST_STORM_CONSTANT;
		return;
	}
	d = c.last - c.first;
	span = c.last_ts - c.first_ts;
	*slope = (double)d / (double)span;
	if (!retries && *slope < -0.01) {
		s->kind = HVST_STORM_BACKLOG;
		if (g->delta_hits * 10 >= g->steps * 6 && g->delta > 0)
			s->period_ref = g->delta;
		return;
	}
	/*
	 * A clock that runs slow does so all the time: what rises once and stays is a lag that came
	 * late.
	 */
	steady = 5 * (c.middle - c.first) >= d && 5 * (c.last - c.middle) >= d;
	if (steady && d > 3 * c.scatter && d > growth_least(g, retries, *slope) && *slope > 20e-6 &&
	    c.n >= 4)
		s->kind = HVST_STORM_GROWING;
	else
		s->kind = HVST_STORM_CONSTANT;
}

/* A lag that grows is a clock that runs slow, at the slope of the growth. */
static void report_rate(struct analysis *a, struct stimer *t, const struct hvst_storm *s,
			double slope)
{
	double ppm = -slope * 1e6;
	struct hvst_guest_transition *g =
		hvst_guestclock_suspect(a, t->vcpu, s->start_ns, ppm, fabs(ppm) / 20 + 1);

	if (g)
		hvst_evidence_stat(
			&g->evidence,
			"timer %u: the skew of the storm at %.6f s grows by %.1f us a second",
			t->index, (double)s->start_ns / 1e9, slope * 1e6);
}

static double peak_rate(const struct storm_group *g, int64_t span, uint64_t past_due)
{
	double best = span > 0 ? (double)(past_due - 1) * 1e9 / (double)span : 0;

	for (unsigned int i = 0; i + 1 < STORM_BINS; i++) {
		uint64_t n = g->bin[i].past_due + g->bin[i + 1].past_due;
		double r = (double)n * 1e9 / (2.0 * (double)g->bin_width);

		if (n >= PEAK_MIN_ARMS && r > best && g->bin[i].used && g->bin[i + 1].used &&
		    2 * g->bin_width <= span)
			best = r;
	}
	return best;
}

static struct hvst_storm *storm_new(struct analysis *a, struct vcpu *v)
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
	memset(s, 0, sizeof(*s));
	s->vcpu = v;
	return &s->storm;
}

/* Observed where the start event gave the reading, else from the clock's model, with its bound. */
static int64_t point_skew(const struct vcpu *v, const struct storm_point *p, int64_t *err)
{
	if (p->skew != HVST_UNKNOWN)
		return p->skew;
	return hvst_resolve_point(v->vm, p->ts, p->count, err);
}

static double share(int64_t part, int64_t whole)
{
	double r = whole > 0 ? (double)part / (double)whole : -1;

	return r > 1 ? 1 : r;
}

static void storm_fill(struct analysis *a, struct stimer *t, struct hvst_storm *s,
		       const struct storm_core *c)
{
	struct storm_group *g = t->state->group;
	int64_t span = s->end_ns - s->start_ns;
	double slope;

	s->vm = -1;
	s->vcpu = t->vcpu->vcpu_id;
	s->tid = t->vcpu->tid;
	s->timer = t->index;
	s->rate_hz = span > 0 ? (double)(s->past_due - 1) * 1e9 / (double)span : 0;
	s->peak_hz = peak_rate(g, span, s->past_due);
	group_kind(g, s, &slope);
	if (s->kind == HVST_STORM_GROWING && slope > 0)
		report_rate(a, t, s, slope);
	s->skew_start_ns = point_skew(t->vcpu, &c->start, &s->skew_error_ns);
	s->skew_max_ns = point_skew(t->vcpu, &c->max, &s->skew_error_ns);
	s->skew_end_ns = point_skew(t->vcpu, &c->end, &s->skew_error_ns);
	s->predicted_end_ns = HVST_UNKNOWN;
	if (s->kind == HVST_STORM_BACKLOG && s->skew_end_ns != HVST_UNKNOWN && slope < 0 &&
	    (double)s->skew_end_ns / -slope < (double)HVST_SKEW_MAX)
		s->predicted_end_ns = s->end_ns + (int64_t)((double)s->skew_end_ns / -slope);
	s->progress_before = s->progress_during = -1;
	if (hvst_activity_known(t->vcpu)) {
		s->progress_before = share(g->progress_before, g->progress_wall);
		s->progress_during =
			share(g->progress_end - g->progress_start, g->end.ts - g->start.ts);
	}
	s->endangers_watchdog = span >= a->params.watchdog_ns ||
				(s->predicted_end_ns != HVST_UNKNOWN && s->open &&
				 s->predicted_end_ns - s->start_ns >= a->params.watchdog_ns);
	s->trigger_event = -1;
	s->trigger_ts_ns = s->trigger_distance_ns = HVST_UNKNOWN;
	if (g->trigger.event >= 0) {
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

static void group_count_small(struct analysis *a, struct stimer *t)
{
	const struct storm_group *g = t->state->group;

	if (!hvst_filter_pass(a, t->vcpu, t->index))
		return;
	if (g->past_due >= a->params.burst_min_arms)
		a->past_due.bursts += g->past_due;
	else
		a->past_due.isolated += g->past_due;
	a->past_due.short_deadline += g->short_deadline;
	a->past_due.preempted += g->preempted;
	/*
	 * Causes are looked for only while a group is small; what was not looked at is not
	 * explained.
	 */
	a->past_due.unexplained += g->past_due - g->short_deadline - g->preempted;
	hvst_pastdue_preempted(t->vcpu->vm, g->preempted, &g->why_first);
}

static void group_end(struct analysis *a, struct stimer *t, bool open)
{
	struct storm_group *g = t->state->group;
	const struct hvst_params *p = &a->params;
	struct hvst_storm *s;
	bool whole;

	if (!g->active)
		return;
	core_best(g);
	g->active = false;
	g->arms -= g->ahead; /* arms ahead after the last past-due one are not the group's */
	whole = g->past_due >= p->storm_min_arms &&
		g->past_due * 100 >= g->arms * p->storm_min_share;
	if (!whole && g->best.past_due < p->storm_min_arms) {
		group_count_small(a, t);
		return;
	}
	s = storm_new(a, t->vcpu);
	if (!s)
		return;
	if (whole && g->best.past_due + WHOLE_MARGIN < g->past_due)
		g->best = (struct storm_core){ 0, g->start, g->max, g->end, g->arms, g->past_due };
	s->start_ns = g->best.start.ts;
	s->end_ns = g->best.end.ts;
	s->arms = g->best.arms;
	s->past_due = g->best.past_due;
	s->open = open && s->end_ns == g->end.ts;
	storm_fill(a, t, s, &g->best);
	if (a->opts.obs->storm && !a->error && hvst_filter_pass(a, t->vcpu, t->index) &&
	    a->opts.obs->storm(a->opts.obs_ctx, s))
		a->error = -ECANCELED;
}

void hvst_storm_arm(struct analysis *a, struct stimer *t, const struct hvst_arm *arm,
		    int64_t programmed_ns, int64_t relative_ns, const struct hvst_event *ev)
{
	struct storm_group *g = t->state->group;
	const struct hvst_params *p = &a->params;
	bool past_due = arm->kind == HVST_ARM_PAST_DUE;

	if (arm->kind == HVST_ARM_PERIODIC || arm->flags & HVST_ARM_RESTART)
		return;
	if (g->active && g->ahead > p->storm_max_ahead)
		group_end(a, t, false);
	else if (g->active && arm->ts_ns - g->end.ts > p->storm_max_gap_ns)
		group_end(a, t, a->gap_ns > g->end.ts);
	if (past_due) {
		if (!g->active)
			group_begin(g, t, arm, ev);
		group_past_due(a, g, t, arm, programmed_ns, relative_ns, ev);
	} else if (g->active) {
		g->arms++;
		g->ahead++;
		core_step(g, (struct storm_point){ .ts = arm->ts_ns }, false, p);
	}
}

/* Open: the trace, or what of it was not lost, ends before the rule would have ended the group. */
static void timer_finish(struct analysis *a, struct stimer *t)
{
	struct storm_group *g = t->state->group;

	if (!g->active)
		return;
	if (g->run_max != INT64_MIN && g->runs.n < 2 * STORM_BINS && g->runs.n < 4)
		runs_add(&g->runs, g->run_ts, g->run_max);
	group_end(a, t,
		  g->ahead <= a->params.storm_max_ahead &&
			  (a->now - g->end.ts <= a->params.storm_max_gap_ns ||
			   a->gap_ns > g->end.ts));
}

void hvst_storm_finish(struct analysis *a)
{
	hvst_each_timer(a, timer_finish);
}
