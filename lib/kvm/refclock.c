/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: kvm. Reference-clock model, see refclock.h.
 *
 * Figures from real recordings: the envelope is flat within 2 us over half a minute, a typical
 * sample lies 2 us below it, single ones up to 7 ms. The trace clock itself may be slewed by NTP at
 * up to 500 ppm.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "refclock.h"

#define NEAR_NS	       (20 * 1000) /* samples that agree with the envelope */
#define DEPART_NS      (50 * 1000) /* a departure worth a new segment */
#define LOW_NS	       (30 * 1000) /* below: late, or the beginning of a step back */
#define SOLID	       3
#define RUN_WITH_EVENT 4       /* low samples that make a step back after a clock event ... */
#define RUN_ALONE      REF_RUN /* ... and without one */
#define SLEW_PPM       600     /* more than NTP's 500 ppm */
#define BUCKET_NS      (1000 * 1000)
#define SEAM_SAMPLES   16 /* that tell where a segment ends: about as many ... */
#define SEAM_PARTS     16 /* ... and at least such a part of it */

void hvst_refclock_init(struct refclock *rc)
{
	memset(rc, 0, sizeof(*rc));
	rc->contradiction_ns = HVST_UNKNOWN;
	rc->bucket_x = HVST_UNKNOWN;
	rc->median_ns = 2000;
}

void hvst_refclock_free(struct refclock *rc)
{
	for (unsigned int i = 0; i < rc->nr_segs; i++)
		free(rc->segs[i]);
	free(rc->segs);
	free(rc->cur);
	hvst_refclock_init(rc);
}

bool hvst_ref_offset(uint64_t time_now, int64_t ts, int64_t *o)
{
	if (time_now > HULL_RANGE / 400 || ts > HULL_RANGE / 2 || ts < -HULL_RANGE / 2) {
		__int128 v = (__int128)time_now * 100 - ts;

		if (v > HULL_RANGE || v < -HULL_RANGE)
			return false;
	}
	*o = (int64_t)(time_now * 100 - (uint64_t)ts);
	return true;
}

/*
 * The line of a segment. A slope from a short span is noise over time; until the span is long
 * enough the slope is taken to be none (the trace clock and the reference clock are both the
 * host's).
 */
static void seg_fit(const struct refclock *rc, struct refseg *s)
{
	int64_t span = s->last_ns - s->first_ns;
	double eps = 2000.0 + (double)rc->median_ns;
	struct hull_line l;

	s->rate_err_ppm = span > 0 ? 2e6 * eps / (double)span : SLEW_PPM;
	s->rate_known = false;
	if (s->rate_err_ppm < 50 && s->hull.n >= 2 && hvst_hull_middle(&s->hull, &l)) {
		double ppm = 1e6 * (double)l.slope / (double)(1LL << HULL_SLOPE_BITS);

		if (fabs(ppm) < 5000) {
			s->rate_ppm = ppm;
			s->rate_known = true;
			s->line = l;
			return;
		}
	}
	if (s->rate_err_ppm > SLEW_PPM)
		s->rate_err_ppm = SLEW_PPM;
	hvst_hull_touch(&s->hull, 0, &s->line);
}

/*
 * How far the line may be off at @ts, on top of the envelope's own error. Away from the samples by
 * the error of its rate; while the rate is not known yet, the flat line stands for any slope that a
 * clock may have.
 */
static int64_t seg_slack(const struct refseg *s, int64_t ts)
{
	int64_t after = ts - s->last_ns, before = s->first_ns - ts,
		dist = after > before ? after : before;

	if (!s->rate_known) {
		dist += s->last_ns - s->first_ns;
		return (int64_t)((double)dist * SLEW_PPM / 1e6);
	}
	return dist > 0 ? (int64_t)((double)dist * (s->rate_err_ppm + 1) / 1e6) : 0;
}

static void bucket_flush(struct refclock *rc)
{
	if (rc->bucket_x == HVST_UNKNOWN)
		return;
	hvst_hull_add(&rc->cur->hull, rc->bucket_x, rc->bucket_y);
	rc->bucket_x = HVST_UNKNOWN;
	seg_fit(rc, rc->cur);
}

/* Only the best sample of each ms (of each thousandth of a long segment) reaches the hull. */
static void seg_add(struct refclock *rc, int64_t ts, int64_t o)
{
	struct refseg *s = rc->cur;

	s->samples++;
	if (ts > s->last_ns)
		s->last_ns = ts;
	if (rc->bucket_x != HVST_UNKNOWN && ts >= rc->bucket_end)
		bucket_flush(rc);
	if (rc->bucket_x == HVST_UNKNOWN) {
		int64_t width = (ts - s->first_ns) / 1024;

		rc->bucket_end = ts + (width > BUCKET_NS ? width : BUCKET_NS);
		rc->bucket_x = ts;
		rc->bucket_y = o;
	} else if (o > rc->bucket_y) {
		rc->bucket_x = ts;
		rc->bucket_y = o;
	}
	/* While young, every sample counts. */
	if (s->samples < 64 || o > hvst_line_at(&s->line, ts))
		bucket_flush(rc);
}

static int seg_close(struct refclock *rc)
{
	struct refseg **p;

	bucket_flush(rc);
	if (rc->nr_segs >= REF_MAX_SEGMENTS) {
		free(rc->cur);
		rc->cur = NULL;
		return 0;
	}
	if (!(rc->nr_segs & (rc->nr_segs - 1))) {
		p = realloc(rc->segs, (rc->nr_segs ? 2 * rc->nr_segs : 1) * sizeof(*p));
		if (!p)
			return -ENOMEM;
		rc->segs = p;
	}
	rc->segs[rc->nr_segs++] = rc->cur;
	rc->cur = NULL;
	return 0;
}

/*
 * The clock event that a step between @after and @until comes from; the latest one before a known
 * contradiction.
 */
static int64_t step_place(const struct refclock *rc, int64_t after, int64_t until, int *event)
{
	unsigned int n = rc->nr_events < REF_EVENTS ? rc->nr_events : REF_EVENTS;
	int64_t limit = rc->contradiction_ns != HVST_UNKNOWN && rc->contradiction_ns < until
				? rc->contradiction_ns
				: until;

	*event = -1;
	for (unsigned int i = 0; i < n; i++) {
		unsigned int slot = (rc->nr_events - 1 - i) % REF_EVENTS;

		if (rc->events[slot].ts <= limit && rc->events[slot].ts > after) {
			*event = rc->events[slot].event;
			return rc->events[slot].ts;
		}
	}
	/*
	 * Nothing seen that would move it: somewhere between the last good reading and the first
	 * sign.
	 */
	return limit < until && limit > after ? after + (limit - after) / 2 : limit;
}

static int seg_begin(struct refclock *rc, int64_t ts, int64_t o)
{
	int64_t last = rc->cur ? rc->cur->last_ns : HVST_UNKNOWN;
	int event = -1, rc_ret;
	int64_t from = ts;
	struct refseg *s;

	if (rc->cur) {
		from = step_place(rc, last, ts, &event);
		rc_ret = seg_close(rc);
		if (rc_ret)
			return rc_ret;
	}
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->from_ns = from;
	s->first_ns = s->last_ns = ts;
	s->step_ns = HVST_UNKNOWN;
	s->step_event = event;
	s->gap_ns = last == HVST_UNKNOWN ? 0 : ts - last;
	rc->cur = s;
	rc->solid = 0;
	rc->bucket_x = HVST_UNKNOWN;
	rc->contradiction_ns = HVST_UNKNOWN;
	hvst_hull_add(&s->hull, ts, o);
	s->samples = 1;
	seg_fit(rc, s);
	rc->solid = 1;
	return 0;
}

static bool event_since(const struct refclock *rc, int64_t after)
{
	return rc->nr_events && rc->events[(rc->nr_events - 1) % REF_EVENTS].ts > after;
}

/* The highest of some of the low samples. */
static int64_t run_top(const struct refclock *rc, unsigned int from, unsigned int to)
{
	int64_t top = INT64_MIN;

	for (unsigned int i = from; i < to; i++)
		if (rc->run[i].y > top)
			top = rc->run[i].y;
	return top;
}

/* Do the low samples agree with each other, as after a step, or scatter, as late ones do? */
static bool run_agrees(const struct refclock *rc, unsigned int from, unsigned int to)
{
	int64_t top = run_top(rc, from, to);
	unsigned int near = 0;

	for (unsigned int i = from; i < to; i++)
		near += rc->run[i].y >= top - LOW_NS;
	return near * 2 > to - from;
}

/* Some of the low samples make a segment. */
static int seg_from_run(struct refclock *rc, unsigned int from, unsigned int to)
{
	int ret = seg_begin(rc, rc->run[from].x, rc->run[from].y);

	for (unsigned int i = from + 1; !ret && i < to; i++)
		seg_add(rc, rc->run[i].x, rc->run[i].y);
	rc->solid = SOLID;
	return ret;
}

/*
 * A clock event came while a run went on, as when the trace clock's rate has changed lately, and
 * what came after it lies lower still: a step back at the event, from where the run was.
 */
static bool run_stepped(const struct refclock *rc)
{
	unsigned int split = rc->run_split, n = rc->nr_run;

	return split && n - split >= RUN_WITH_EVENT && run_agrees(rc, split, n) &&
	       run_top(rc, split, n) < run_top(rc, 0, split) - DEPART_NS;
}

static int run_step(struct refclock *rc)
{
	unsigned int split = rc->run_split, n = rc->nr_run;
	int ret = 0;

	if (split >= RUN_WITH_EVENT && run_agrees(rc, 0, split))
		ret = seg_from_run(rc, 0, split);
	if (!ret)
		ret = seg_from_run(rc, split, n);
	rc->nr_run = 0;
	return ret ? ret : 1;
}

/*
 * The run is full, and its samples do not agree: late ones, all of them, or late ones and then a
 * step. Those are forgotten before which the rest agrees, at most the older half, and the search
 * goes on.
 */
static void run_forget(struct refclock *rc)
{
	unsigned int n = 1;

	while (n < REF_RUN / 2 && !run_agrees(rc, n, rc->nr_run))
		n++;
	rc->nr_run -= n;
	memmove(rc->run, rc->run + n, rc->nr_run * sizeof(rc->run[0]));
	rc->run_split = rc->run_split > n ? rc->run_split - n : 0;
}

static int low_sample(struct refclock *rc, int64_t ts, int64_t o)
{
	unsigned int need;
	int ret;

	if (!rc->nr_run) {
		rc->run_event = event_since(rc, rc->cur->last_ns);
		rc->run_split = 0;
	} else if (event_since(rc, rc->run[rc->nr_run - 1].x)) {
		rc->run_split = rc->nr_run;
	}
	rc->run[rc->nr_run++] = (struct hull_point){ ts, o };
	if (run_stepped(rc))
		return run_step(rc);
	need = rc->run_event ? RUN_WITH_EVENT : RUN_ALONE;
	if (rc->nr_run < need)
		return 0;
	if (!run_agrees(rc, 0, rc->nr_run)) {
		if (rc->nr_run == REF_RUN)
			run_forget(rc);
		return 0;
	}
	ret = seg_from_run(rc, 0, rc->nr_run);
	rc->nr_run = 0;
	return ret ? ret : 1;
}

/* The typical lateness, as a running median: one step up or down a sample. */
static void median_update(struct refclock *rc, int64_t residual)
{
	int64_t step = rc->median_ns / 64 + 1;

	rc->median_ns += residual > rc->median_ns ? step : -step;
	if (rc->median_ns < 100)
		rc->median_ns = 100;
	if (rc->median_ns > LOW_NS)
		rc->median_ns = LOW_NS;
}

int hvst_refclock_sample(struct refclock *rc, int64_t ts, uint64_t time_now, int64_t *residual_ns)
{
	int64_t o, r, slack;
	int ret;

	*residual_ns = HVST_UNKNOWN;
	if (!hvst_ref_offset(time_now, ts, &o))
		return 0;
	if (!rc->cur) {
		ret = seg_begin(rc, ts, o);
		return ret ? ret : 1;
	}
	r = o - hvst_line_at(&rc->cur->line, ts);
	/*
	 * Nearly every sample is this one: close to the envelope. How far it may stray is worked
	 * out for others.
	 */
	slack = r <= NEAR_NS && r >= -NEAR_NS ? 0 : seg_slack(rc->cur, ts);
	if (r > DEPART_NS + slack && (rc->solid >= SOLID || event_since(rc, rc->cur->last_ns))) {
		rc->nr_run = 0;
		ret = seg_begin(rc, ts, o);
		return ret ? ret : 1;
	}
	if (r < -(LOW_NS + slack)) {
		*residual_ns = rc->nr_run >= RUN_WITH_EVENT / 2 || event_since(rc, rc->cur->last_ns)
				       ? HVST_UNKNOWN
				       : -r;
		return low_sample(rc, ts, o);
	}
	*residual_ns = r < 0 ? -r : 0;
	median_update(rc, *residual_ns);
	if (r > NEAR_NS + slack)
		rc->solid = 1; /* the envelope was not there yet */
	else if (r > -NEAR_NS - slack && rc->solid < SOLID)
		rc->solid++;
	rc->nr_run = 0;
	rc->contradiction_ns = HVST_UNKNOWN;
	seg_add(rc, ts, o);
	return 0;
}

void hvst_refclock_event(struct refclock *rc, int64_t ts, int event)
{
	rc->events[rc->nr_events % REF_EVENTS].ts = ts;
	rc->events[rc->nr_events % REF_EVENTS].event = event;
	rc->nr_events++;
}

void hvst_refclock_bound(struct refclock *rc, int64_t ts, uint64_t count)
{
	int64_t o, above;

	if (!rc->cur || rc->contradiction_ns != HVST_UNKNOWN || !hvst_ref_offset(count, ts, &o))
		return;
	above = o - hvst_line_at(&rc->cur->line, ts);
	/* what lies below needs no slack */
	if (above > DEPART_NS && above > DEPART_NS + seg_slack(rc->cur, ts))
		rc->contradiction_ns = ts;
}

bool hvst_refclock_fresh(const struct refclock *rc, int64_t ts)
{
	(void)ts;
	return rc->cur && rc->solid >= SOLID && !rc->nr_run &&
	       rc->contradiction_ns == HVST_UNKNOWN && !event_since(rc, rc->cur->last_ns);
}

bool hvst_refclock_covers(const struct refclock *rc, int64_t ts)
{
	unsigned int n = rc->nr_events < REF_EVENTS ? rc->nr_events : REF_EVENTS;

	if (!rc->cur || (rc->contradiction_ns != HVST_UNKNOWN && ts >= rc->contradiction_ns))
		return false;
	for (unsigned int i = 0; i < n; i++)
		if (rc->events[i].ts > rc->cur->last_ns && ts >= rc->events[i].ts)
			return false;
	return true;
}

bool hvst_refclock_solid(const struct refclock *rc)
{
	return rc->cur && !rc->nr_run &&
	       (rc->solid >= SOLID || rc->cur->samples >= 64 ||
		rc->cur->last_ns - rc->cur->first_ns > REF_PENDING_SPAN_NS);
}

static const struct refseg *seg_at(const struct refclock *rc, int64_t ts)
{
	unsigned int lo = 0, hi = rc->nr_segs;

	if (rc->cur && (ts >= rc->cur->from_ns || !rc->nr_segs))
		return rc->cur;
	while (lo < hi) { /* first closed segment that begins after ts */
		unsigned int mid = (lo + hi) / 2;

		if (rc->segs[mid]->from_ns <= ts)
			lo = mid + 1;
		else
			hi = mid;
	}
	return rc->nr_segs ? rc->segs[lo ? lo - 1 : 0] : rc->cur;
}

bool hvst_refclock_at(const struct refclock *rc, int64_t ts, int64_t *o, int64_t *err)
{
	const struct refseg *s = seg_at(rc, ts);

	if (!s)
		return false;
	*o = hvst_line_at(&s->line, ts);
	*err = 2000 + rc->median_ns + seg_slack(s, ts);
	return true;
}

void hvst_refclock_follow(const struct refclock *rc, int64_t ts, unsigned int *seg, int64_t *shift,
			  int64_t *o)
{
	if (!rc->cur)
		return;
	*o = hvst_line_at(&rc->cur->line, ts);
	if (*seg < rc->nr_segs) {
		__int128 sum = (__int128)*shift + hvst_line_at(&rc->segs[*seg]->line, ts) - *o;

		*shift = sum > HULL_RANGE || sum < -HULL_RANGE ? 0 : (int64_t)sum;
	}
	*seg = rc->nr_segs;
}

int hvst_refclock_merge(struct refclock *into, struct refclock *from)
{
	unsigned int n = from->nr_events < REF_EVENTS ? from->nr_events : REF_EVENTS;

	for (unsigned int i = 0; i < n; i++) {
		unsigned int slot = (from->nr_events - n + i) % REF_EVENTS;

		if (!into->nr_events ||
		    from->events[slot].ts > into->events[(into->nr_events - 1) % REF_EVENTS].ts)
			hvst_refclock_event(into, from->events[slot].ts, from->events[slot].event);
	}
	/* Two models of the same clock: the one that began earlier and saw more stays. */
	if (!into->cur) {
		struct refclock tmp = *into;

		*into = *from;
		memcpy(into->events, tmp.events, sizeof(tmp.events));
		into->nr_events = tmp.nr_events;
		hvst_refclock_init(from);
	}
	hvst_refclock_free(from);
	return 0;
}

/*
 * A segment's line at @ts beyond its beginning or end, moved to where the envelope is there: its
 * rate is that of the whole segment, while a trace clock that is slewed may have changed its rate
 * since. The edge of the hull is taken a little inside, where enough samples lie on either side for
 * it to be more than the noise of one.
 */
static int64_t line_beside(const struct refseg *s, int64_t ts)
{
	int64_t span = s->last_ns - s->first_ns, o = hvst_line_at(&s->line, ts), in, end;
	uint64_t parts = s->samples / SEAM_SAMPLES;
	struct hull_line edge;

	if (!s->rate_known || parts < 2)
		return o;
	in = span / (int64_t)(parts < SEAM_PARTS ? parts : SEAM_PARTS);
	end = ts <= s->first_ns ? s->first_ns : s->last_ns;
	if (!hvst_hull_edge(&s->hull, end == s->first_ns ? end + in : end - in, &edge))
		return o;
	return o + hvst_line_at(&edge, end) - hvst_line_at(&s->line, end);
}

/*
 * What the step at the seam of two segments was. Without a clock event in the unsampled time a
 * slewed trace clock could have drifted apart that much by itself: then it is a change of rate, not
 * a step.
 */
static void seam(const struct refseg *a, struct refseg *b)
{
	int64_t step = line_beside(b, b->from_ns) - line_beside(a, b->from_ns);
	int64_t drift = b->step_event < 0 ? b->gap_ns / 1000000 * SLEW_PPM : 0;

	b->step_ns = llabs(step) > REF_STEP_MIN_NS + drift ? step : HVST_UNKNOWN;
}

void hvst_refclock_finish(struct refclock *rc)
{
	const struct refseg *prev = NULL;

	if (rc->cur)
		bucket_flush(rc);
	for (unsigned int i = 0; i <= rc->nr_segs; i++) {
		struct refseg *s = i < rc->nr_segs ? rc->segs[i] : rc->cur;

		if (!s)
			continue;
		seg_fit(rc, s);
		if (prev)
			seam(prev, s);
		prev = s;
	}
}
