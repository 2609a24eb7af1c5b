/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. The rules by which counts and skew tell the kind of a storm. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../stats/median.h"
#include "storm_kind.h"

/* Counts that gain at least this on time replay ticks: no clock is a quarter too fast. */
#define REPLAY_GAIN	1.25
#define REPLAY_TIMES	8    /* a replayed tick is armed at most this often, on average */
#define EXACT_PERCENT	80   /* of the moves by exactly a period that make a replay */
#define PHASE_STEPS	16   /* in a row that show what the guest does */
#define PHASE_GAIN_PART 80   /* 100 ns a unit over REPLAY_GAIN */
#define MIN_PERIOD_REF	1000 /* 100 us: smaller moves follow the loop, not ticks */
#define MAX_CLOCK_SLOPE 1.0  /* a clock that stands still; unscaled TSCs differ by any part */
#define MIN_CLOCK_SLOPE 20e-6
/* Growth that no arm's latency makes, past the error of the reference clock. */
#define GROWTH_NS 50000
/* A lag that grows on a line rises by at least this many times what its points lie off it. */
#define LINE_DEPTH 6
/* A count taken from a clock moves by the time that passed, within this. */
#define TRACKS_NS   2000
#define TRACKS_PART 256

void hvst_counts_step(struct storm_counts *c, int64_t d, int64_t dt_ns)
{
	c->steps++;
	if (d >= -STORM_SAME_COUNT && d <= STORM_SAME_COUNT) {
		c->same++;
		return;
	}
	c->moved++;
	c->with_time += llabs(d * 100 - dt_ns) <= TRACKS_NS + dt_ns / TRACKS_PART;
	if (__builtin_add_overflow(c->advance_ns, d * 100, &c->advance_ns))
		c->advance_ns = d > 0 ? INT64_MAX : INT64_MIN;
	if (!c->votes) {
		c->period = d;
		c->votes = 1;
	} else if (llabs(d - c->period) <= STORM_SAME_COUNT) {
		c->votes++;
	} else {
		c->votes--;
		return;
	}
	c->hits++;
	c->exact += llabs(d - c->period) <= 1;
}

/* --- phases ----------------------------------------------------------------------------------- */

static bool doing(struct storm_phase *p, enum storm_doing now)
{
	bool turned = p->doing != STORM_DOING_UNKNOWN && p->doing != now;

	p->doing = now;
	return turned;
}

bool hvst_phase_step(struct storm_phase *p, const struct storm_counts *c, int64_t d, int64_t ts)
{
	int64_t dt = ts - p->moved_ns;
	bool same = d >= -STORM_SAME_COUNT && d <= STORM_SAME_COUNT;
	bool gains = d >= MIN_PERIOD_REF && d * PHASE_GAIN_PART >= dt;
	bool repeats = d >= MIN_PERIOD_REF && hvst_step_repeats(d, p->move);

	if (!same) {
		p->moved_ns = ts;
		p->move = d;
	}
	/*
	 * A guest that retries each tick until its clock gets there moves by a period all the time,
	 * and so does a replay on a host too slow for it.
	 */
	if (repeats && (!gains || (p->doing == STORM_LAGS && !p->replays)))
		return false;
	if (gains) {
		if (!p->replays++ && p->doing == STORM_LAGS)
			p->before = *c;
		p->lags = 0;
		p->gain = d;
		return p->replays >= PHASE_STEPS && doing(p, STORM_REPLAYS);
	}
	if (!p->lags++) {
		p->lags_from_ns = ts;
		if (p->doing == STORM_REPLAYS)
			p->before = *c;
	}
	if (!same)
		p->replays = 0;
	/* A tick may be armed several times: for half a tick that is no lag. */
	return p->lags >= PHASE_STEPS && ts - p->lags_from_ns >= p->gain * 50 &&
	       doing(p, STORM_LAGS);
}

/* --- course ----------------------------------------------------------------------------------- */

void hvst_course_begin(struct storm_course *c, int64_t ts)
{
	memset(c, 0, sizeof(*c));
	c->from_ns = ts;
	c->width_ns = 1000;
	c->targets.max = INT64_MIN;
}

/* Twice as wide: the group outgrew the bins. */
static __attribute__((noinline)) void bins_widen(struct storm_course *c)
{
	for (unsigned int k = 0; k < STORM_BINS / 2; k++) {
		struct storm_bin x = c->bin[2 * k], y = c->bin[2 * k + 1];

		if (!x.used) {
			x = y;
		} else if (y.used) {
			x.past_due += y.past_due;
			x.min = y.min < x.min ? y.min : x.min;
			x.max = y.max > x.max ? y.max : x.max;
		}
		c->bin[k] = x;
	}
	memset(c->bin + STORM_BINS / 2, 0, sizeof(c->bin) / 2);
	c->width_ns *= 2;
}

static struct storm_bin *bin_of(struct storm_course *c, int64_t ts)
{
	int64_t i = (ts - c->from_ns) / c->width_ns;

	if (i < 0)
		i = 0;
	while (i >= STORM_BINS) {
		bins_widen(c);
		i /= 2;
	}
	c->last = &c->bin[i];
	c->last_from = c->from_ns + i * c->width_ns;
	return c->last;
}

/* One target's retries are over: its highest value goes on the list, averaged when that is full. */
static __attribute__((noinline)) void target_end(struct storm_targets *t)
{
	int64_t v = t->max, ts = t->max_ts;

	t->max = INT64_MIN;
	if (v == INT64_MIN)
		return;
	if (t->n == 2 * STORM_BINS) {
		for (unsigned int i = 0; i < STORM_BINS; i++) {
			t->t[i].ts = t->t[2 * i].ts;
			t->t[i].v = t->t[2 * i].v / 2 + t->t[2 * i + 1].v / 2;
			t->t[i].weight = t->t[2 * i].weight * 2;
		}
		t->n = STORM_BINS;
	}
	/* After halving an entry stands for several targets; averaging keeps the trend. */
	if (t->n > 1 && t->t[t->n - 1].weight < t->t[0].weight) {
		t->t[t->n - 1].v += (v - t->t[t->n - 1].v) / (int64_t)(t->t[t->n - 1].weight + 1);
		t->t[t->n - 1].weight++;
		return;
	}
	t->t[t->n].ts = ts;
	t->t[t->n].v = v;
	t->t[t->n].weight = 1;
	t->n++;
}

void hvst_course_add(struct storm_course *c, int64_t ts, int64_t v, bool new_target)
{
	/* Usually the bin of the previous arm: found without a division. */
	bool same = c->last && ts >= c->last_from && ts - c->last_from < c->width_ns;
	struct storm_bin *b = same ? c->last : bin_of(c, ts);

	if (!b->used || v < b->min)
		b->min = v;
	if (!b->used || v > b->max)
		b->max = v;
	b->used = true;
	b->past_due++;
	if (new_target)
		target_end(&c->targets);
	if (v > c->targets.max) {
		c->targets.max = v;
		c->targets.max_ts = ts;
	}
}

void hvst_course_end(struct storm_course *c)
{
	/* The last target may be incomplete: only a short list needs it. */
	if (c->targets.n < 4)
		target_end(&c->targets);
	c->last = NULL; /* the course may be copied */
}

struct trend {
	unsigned int n;
	int64_t first, middle, last; /* medians of the first, a middle and the last quarter */
	int64_t scatter;	     /* median step between neighbours */
	int64_t off;		     /* median distance from the line through first and last */
	int64_t first_ts, last_ts;   /* middles of those quarters */
	int64_t err;		     /* of the reference clock, over both */
};

/* How far the values lie off the line through first and last. */
static int64_t off_line(const struct trend *c, const int64_t *ts, const int64_t *v, unsigned int n)
{
	int64_t off[2 * STORM_BINS];
	double slope = 0;

	if (c->last_ts > c->first_ts)
		slope = (double)(c->last - c->first) / (double)(c->last_ts - c->first_ts);
	for (unsigned int i = 0; i < n; i++)
		off[i] = (int64_t)fabs((double)(v[i] - c->first) -
				       slope * (double)(ts[i] - c->first_ts));
	return hvst_median(off, n);
}

static void trend_of(struct trend *c, const int64_t *ts, const int64_t *v, unsigned int n)
{
	unsigned int q = n / 4 ? n / 4 : 1;
	int64_t tmp[2 * STORM_BINS];

	memset(c, 0, sizeof(*c));
	c->n = n;
	if (n < 2)
		return;
	memcpy(tmp, v, q * sizeof(*tmp));
	c->first = hvst_median(tmp, q);
	memcpy(tmp, v + n - q, q * sizeof(*tmp));
	c->last = hvst_median(tmp, q);
	memcpy(tmp, v + (n - q) / 2, q * sizeof(*tmp));
	c->middle = hvst_median(tmp, q);
	for (unsigned int i = 0; i + 1 < n; i++)
		tmp[i] = llabs(v[i + 1] - v[i]);
	c->scatter = hvst_median(tmp, n - 1);
	c->first_ts = ts[(q - 1) / 2];
	c->last_ts = ts[n - q + (q - 1) / 2];
	c->off = off_line(c, ts, v, n);
}

/* The skew at @ts, where only time minus count was kept. */
static int64_t value_at(const struct storm_shape *s, int64_t ts, int64_t v)
{
	int64_t o, err;

	if (s->clock && hvst_refclock_at(s->clock, ts, s->cpu, &o, &err))
		return v + o;
	return v;
}

/*
 * How wrong the reference clock may be at @ts. Without readings next to @ts it may have been slewed
 * meanwhile: on a stock kernel no arm of a storm reads it.
 */
static int64_t clock_error(const struct storm_shape *s, int64_t ts)
{
	int64_t o, err;

	return s->clock && hvst_refclock_at(s->clock, ts, s->cpu, &o, &err) ? err : 0;
}

/*
 * Retries of one target: its highest skew. Else the lower edge of the skew, which is the sharp one.
 */
static void group_trend(const struct storm_shape *s, bool retries, struct trend *out)
{
	const struct storm_course *c = s->course;
	int64_t ts[2 * STORM_BINS], v[2 * STORM_BINS];
	unsigned int n = 0;

	if (retries) {
		/*
		 * The first target's retries may have begun before the group: ignore its maximum.
		 */
		for (unsigned int i = c->targets.n > 4 ? 1 : 0; i < c->targets.n; i++, n++) {
			ts[n] = c->targets.t[i].ts;
			v[n] = value_at(s, ts[n], c->targets.t[i].v);
		}
	} else {
		for (unsigned int i = 0; i < STORM_BINS; i++) {
			if (!c->bin[i].used)
				continue;
			ts[n] = c->from_ns + (int64_t)i * c->width_ns + c->width_ns / 2;
			v[n] = value_at(s, ts[n], c->bin[i].min);
			n++;
		}
		/* The last bin is incomplete; the first may hold arms from before. */
		if (n > 4)
			n--;
	}
	trend_of(out, ts, v, n);
	out->err = n > 1 ? clock_error(s, out->first_ts) + clock_error(s, out->last_ts) : 0;
}

/* --- kind ------------------------------------------------------------------------------------- */

/* The least growth that the positions of the readings cannot produce by accident. */
static int64_t growth_least(const struct storm_shape *s, bool retries)
{
	int64_t least = GROWTH_NS;
	int64_t loop = s->counts->steps ? s->span_ns / (int64_t)s->counts->steps : 0;

	/* The highest skew of a target lies anywhere within one loop below the lag. */
	return retries && least < 2 * loop ? 2 * loop : least;
}

/*
 * A replay shows in the counts: they move by exactly a period each time, however long the host
 * takes for it, or they gain on the time that passes. A guest that retries its target until its
 * clock gets there moves on as time does. Counts that mostly move by the time between two arms are
 * read off a clock; what they gain beyond that is a step of that clock.
 */
static bool is_replay(const struct storm_shape *s, bool retries)
{
	const struct storm_counts *c = s->counts;

	if (c->with_time * 2 >= c->moved || c->same > REPLAY_TIMES * c->moved)
		return false;
	if (s->scaled && (double)c->advance_ns >= REPLAY_GAIN * (double)s->span_ns)
		return true;
	return !retries && c->period >= MIN_PERIOD_REF &&
	       c->exact * 100 >= c->moved * EXACT_PERCENT;
}

static bool is_growing(const struct storm_shape *s, bool retries, struct storm_nature *out)
{
	struct trend t;
	double slope;
	int64_t d;

	group_trend(s, retries, &t);
	if (t.n < 4 || t.last_ts <= t.first_ts)
		return false;
	d = t.last - t.first;
	slope = (double)d / (double)(t.last_ts - t.first_ts);
	/*
	 * A slow clock is slow all the time: a lag that rises once and stays began late, and
	 * delays of several lengths lie on no line.
	 */
	if (5 * (t.middle - t.first) < d || 5 * (t.last - t.middle) < d || d <= 3 * t.scatter ||
	    d <= LINE_DEPTH * t.off || d <= growth_least(s, retries) || slope <= MIN_CLOCK_SLOPE ||
	    slope >= MAX_CLOCK_SLOPE)
		return false;
	if (d <= growth_least(s, retries) + t.err) {
		out->unsure_slope = slope;
		return false;
	}
	out->slope = slope;
	return true;
}

void hvst_storm_nature(const struct storm_shape *s, struct storm_nature *out)
{
	const struct storm_counts *c = s->counts;
	bool retries = c->steps && c->same * 2 > c->steps;
	int64_t o, err;

	*out = (struct storm_nature){ .kind = HVST_STORM_CONSTANT,
				      .period_ref = HVST_UNKNOWN,
				      .gain = 1 };
	if (is_replay(s, retries)) {
		out->kind = HVST_STORM_BACKLOG;
		out->response = HVST_RESPONSE_PREVIOUS_PLUS;
		if (c->hits * 10 >= c->moved * 6 && c->period > 0)
			out->period_ref = c->period;
		if (s->span_ns > 0)
			out->gain = (double)c->advance_ns / (double)s->span_ns;
		return;
	}
	if (!c->steps) {
		out->kind = HVST_STORM_UNKNOWN;
		return;
	}
	out->response = retries ? HVST_RESPONSE_SAME_TARGET : HVST_RESPONSE_NOW_PLUS;
	/* One target for longer than any tick: a clock that stands still. */
	if (!c->moved) {
		if (s->scaled && s->span_ns > 1000000000)
			out->kind = HVST_STORM_GROWING;
		return;
	}
	/* Without a clock, or without ns, the lag cannot be followed. */
	if (!s->scaled ||
	    (s->clock && !hvst_refclock_at(s->clock, s->course->from_ns, s->cpu, &o, &err)))
		return;
	if (is_growing(s, retries, out))
		out->kind = HVST_STORM_GROWING;
}

int64_t hvst_storm_most(const struct storm_shape *s)
{
	const struct storm_course *c = s->course;
	int64_t most = HVST_UNKNOWN, o, err;

	for (unsigned int i = 0; i < STORM_BINS; i++) {
		int64_t ts = c->from_ns + (int64_t)i * c->width_ns + c->width_ns / 2, v;

		if (!c->bin[i].used)
			continue;
		if (s->clock && !hvst_refclock_at(s->clock, ts, s->cpu, &o, &err))
			return HVST_UNKNOWN;
		v = value_at(s, ts, c->bin[i].max);
		most = most == HVST_UNKNOWN || v > most ? v : most;
	}
	return most;
}
