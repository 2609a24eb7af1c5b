// SPDX-License-Identifier: LGPL-2.1
/*
 * Stage: kvm. Change points of one stream of readings. The current piece is continued as long as
 * readings agree with it; those that do not are kept, and become a new piece when that explains
 * them better than lateness does: a line on which several of them lie within the noise is worth
 * ln(depth / noise) for each beyond those that fix it. What can only be true if the clock moved
 * (time_now that falls within a thread, a reading further ahead than any slew) needs no
 * confirmation.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "refclock.h"

#define NEED		12.0 /* nats for a change that nothing announces; tuned by test_refclock */
#define NEED_EVENT	6.0  /* after a clock event */
#define WEAK		9.0  /* a piece with less may still turn out to consist of late samples */
#define OVERWHELMING	40.0 /* with more it is no coincidence even if the old line comes back */
#define AGREE_WORTH	1.5
#define MISS_COST	1.0
#define DEPTH_MIN	10e3 /* typical lateness of late samples */
#define DEPTH_MAX	100e6
#define DEPTH_START	50e3
#define NEAR_PART	64.0
#define NEAR_ONE_PART	256.0 /* ... of which one is enough */
#define EVENT_SPACINGS	4
#define PIECES_MAX	65536
#define UNREAD_NS	(100 * 1000 * 1000)
#define UNREAD_SPACINGS 16
#define UNREAD_PART	8 /* of the time since the first reading */
#define GAP_SLEW	100e-6
#define SPACING_MAX	(3600 * 1000000000LL)
#define FEW_KNOTS	4
#define FEW_LATE_NS	(1000 * 1000)
#define STEEP_COST	5.0   /* a slope that no usual discipline makes */
#define SURE		2.0   /* agreeing samples are at most so many times as late */
#define SOFT_NS		300.0 /* this much above the line: time stamps, not the clock */
#define RESTART		3.0   /* nats for a line to begin with */
#define EVIDENCE_MAX	60.0
#define WANDER		10e-6 /* of the slope from one sample to the next */
#define SIGMA_START	1000.0
#define SIGMA_MIN	200.0
#define SIGMA_MAX	10e3
#define CHRONY_MIN_NS	(500 * 1000 * 1000LL) /* no daemon slews beyond 500 ppm for less */
#define TOLERANCE_NS	1000.0		      /* TSC scale rounding, time stamps of other CPUs */
#define BACK_WINDOW_NS	2000
#define LONE_LATE_NS	(10 * 1000 * 1000) /* a single sample is late by less */

void hvst_refclock_track_reset(struct refclock_stream *s)
{
	free(s->pieces);
	s->pieces = NULL;
	s->nr_pieces = s->cap_pieces = 0;
	s->open = s->proven = s->contradicted = s->high = s->has_prev = false;
	s->evidence = 0;
	s->nr_low = s->dropped = s->restarts = 0;
	s->nr_last = s->nr_raw = 0;
	s->spacing = 0;
	s->sigma = SIGMA_START;
	s->event_first = s->event_last = s->opened = REFCLOCK_UNKNOWN;
	s->end = REFCLOCK_UNKNOWN;
	memset(&s->hidden, 0, sizeof(s->hidden));
}

/* How late a sample may be and still count as on the line. */
static double allowed(const struct refclock_stream *s)
{
	double wander = WANDER * (double)s->spacing;

	return TOLERANCE_NS + s->slack + 3 * s->sigma + fmin(wander, 50e3);
}

/* The noise, from how far samples lie off the line through their neighbours: needs no model. */
static void noise(struct refclock_stream *s, const struct refclock_item *it)
{
	struct refclock_raw *l = s->last;

	if (s->nr_last == 2 && it->t > l[1].t && l[1].t > l[0].t) {
		double part = (double)(l[1].t - l[0].t) / (double)(it->t - l[0].t);
		double d = fabs((double)hvst_refclock_sub(l[1].o, l[0].o) -
				part * (double)hvst_refclock_sub(it->o, l[0].o));

		s->sigma =
			fmin(fmax(s->sigma * (d > s->sigma ? 1.04 : 0.96), SIGMA_MIN), SIGMA_MAX);
	}
	if (s->nr_last && it->t > l[s->nr_last - 1].t) {
		int64_t d = it->t - l[s->nr_last - 1].t;

		d = d < SPACING_MAX ? d : SPACING_MAX;

		/* the usual distance, not that of a stretch without samples */
		s->spacing = !s->spacing	  ? d
			     : d > 2 * s->spacing ? s->spacing * 9 / 8 + 1
			     : d < s->spacing / 2 ? s->spacing * 8 / 9
						  : (s->spacing * 7 + d) / 8;
	}
	if (s->nr_last == 2) {
		l[0] = l[1];
		s->nr_last = 1;
	}
	l[s->nr_last++] = (struct refclock_raw){ it->t, it->o };
}

/* Latencies of the raw samples up to @to, those before @from without one. */
static void book(const struct refclock *r, struct refclock_stream *s, int64_t from, int64_t to)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < s->nr_raw; i++) {
		const struct refclock_raw *p = &s->raw[i];
		int64_t late;

		if (p->t > to) {
			s->raw[kept++] = *p;
			continue;
		}
		if (p->t < from)
			continue;
		late = hvst_refclock_sub(hvst_refclock_line_at(&s->cur.line, p->t), p->o);
		r->params.residual(r->params.ctx, late > 0 ? late : 0, s->raw_weight);
	}
	s->nr_raw = kept;
	if (!kept)
		s->raw_weight = 1;
}

static void refresh(struct refclock_stream *s)
{
	double prior = 0;

	if (s->has_prev && s->nr_pieces)
		prior = s->pieces[s->nr_pieces - 1].line.slope;
	hvst_refclock_fit_line(&s->fit, prior, &s->cur.line);
}

static void on_line(struct refclock_stream *s, const struct refclock_item *it)
{
	hvst_refclock_fit_add(&s->fit, it->t, it->o, SURE * allowed(s));
	s->cur.to = it->t;
	s->cur.samples += it->n;
	s->cur.knots++;
	s->evidence = fmin(s->evidence + AGREE_WORTH, EVIDENCE_MAX);
}

static void piece_begin(struct refclock_stream *s, const struct refclock_item *it)
{
	hvst_refclock_fit_begin(&s->fit, it->t, it->o, SURE * allowed(s));
	s->cur.from = s->cur.to = it->t;
	s->cur.samples = it->n;
	s->cur.knots = 1;
	s->evidence = 0;
	s->open = true;
}

/* A line through two of the samples, and the evidence for it. */
struct candidate {
	unsigned int first, second, agree;
	double slope, depth, evidence;
};

static double off(const struct refclock_item *a, double slope, const struct refclock_item *b)
{
	return (double)hvst_refclock_sub(b->o, a->o) - slope * (double)(b->t - a->t);
}

/*
 * How well the line through samples @i and @j explains those from @i on. False when a sample lies
 * above it: no reading is early.
 */
static bool judge(const struct refclock_stream *s, const struct refclock_item *w, unsigned int n,
		  unsigned int i, unsigned int j, struct candidate *c)
{
	double late = allowed(s), slope, depth = DEPTH_MAX, fit_slope, span, y;
	const struct refclock_item *a = &w[i], *b = &w[j];

	if (b->t <= a->t)
		return false;
	slope = (double)hvst_refclock_sub(b->o, a->o) / (double)(b->t - a->t);
	if (fabs(slope) > REFCLOCK_SLOPE_MAX)
		return false;
	*c = (struct candidate){ .first = i, .second = j, .slope = slope };
	for (unsigned int k = i; k < n; k++) {
		double above = off(a, slope, &w[k]);

		if (above > TOLERANCE_NS)
			return false;
		if (above < -late)
			continue;
		c->agree++;
		if (s->open)
			depth = fmin(depth,
				     fabs((double)hvst_refclock_sub(
					     w[k].o, hvst_refclock_line_at(&s->cur.line, w[k].t))));
	}
	c->depth = s->open ? fmax(depth, DEPTH_MIN) : DEPTH_START;
	fit_slope = s->open && s->cur.line.slope_err < REFCLOCK_SLEW ? s->cur.line.slope : 0;
	span = (double)(w[n - 1].t - a->t);
	y = fabs(slope - fit_slope) * span;
	c->evidence = (c->agree - 2.0) * log(1 + c->depth / (2 * late)) +
		      log(1 + c->depth / (2 * late)) - log(1 + y / late) -
		      MISS_COST * (n - i - c->agree);
	if (fabs(slope - fit_slope) * span > REFCLOCK_SLEW * span + late)
		c->evidence -= STEEP_COST;
	return true;
}

static bool best_line(const struct refclock_stream *s, const struct refclock_item *w,
		      unsigned int n, struct candidate *best)
{
	struct candidate c;

	best->agree = 0;
	best->evidence = -HUGE_VAL;
	for (unsigned int i = 0; i + 1 < n; i++)
		for (unsigned int j = i + 1; j < n; j++)
			if (judge(s, w, n, i, j, &c) && c.evidence > best->evidence)
				*best = c;
	return best->agree >= 2;
}

/* Makes the current piece of the samples that lie on the line; residuals follow. */
static void piece_from(struct refclock_stream *s, const struct refclock_item *w, unsigned int n,
		       const struct candidate *c)
{
	const struct refclock_item a = w[c->first];
	double late = allowed(s);

	piece_begin(s, &a);
	for (unsigned int k = c->first + 1; k < n; k++)
		if (off(&a, c->slope, &w[k]) >= -late)
			on_line(s, &w[k]);
	refresh(s);
}

/* The latest clock event in (@after, @until], -1 none; *@at gets its time. */
static int event_between(const struct refclock_stream *s, int64_t after, int64_t until, int64_t *at)
{
	for (unsigned int i = s->nr_items; i-- && s->items[i].t > after;)
		if (s->items[i].kind == REFCLOCK_EVENT && s->items[i].t <= until) {
			*at = s->items[i].t;
			return s->items[i].event;
		}
	return -1;
}

/*
 * How far the new line may lie above the old one at @t, with slopes of the new one within @slew of
 * the old.
 */
static void apart(const struct refclock_stream *s, int64_t t, bool any_slope, double *lo,
		  double *hi)
{
	double al, ah, bl, bh, base = (double)hvst_refclock_sub(s->fit.o0, s->prev_fit.o0);

	hvst_refclock_fit_range(&s->prev_fit, t, &al, &ah);
	hvst_refclock_fit_range(&s->fit, t, &bl, &bh);
	if (!any_slope) {
		double a = (double)hvst_refclock_sub(
			hvst_refclock_line_at(&s->pieces[s->nr_pieces - 1].line, t),
			s->prev_fit.o0);
		double b = (double)hvst_refclock_sub(hvst_refclock_line_at(&s->cur.line, t),
						     s->fit.o0);
		double da = REFCLOCK_SLEW * fabs((double)(t - s->pieces[s->nr_pieces - 1].to)) +
			    s->prev_fit.late;
		double db = REFCLOCK_SLEW * fabs((double)(s->cur.from - t)) + s->fit.late;

		al = fmax(al, a - da);
		ah = fmin(ah, a + da);
		bl = fmax(bl, b - db);
		bh = fmin(bh, b + db);
	}
	*lo = base + bl - ah;
	*hi = base + bh - al;
}

static bool touches(const struct refclock_stream *s, bool any_slope)
{
	double l0, h0, l1, h1, slack = fmax(s->fit.late, s->prev_fit.late);

	apart(s, s->cur.after, any_slope, &l0, &h0);
	apart(s, s->cur.from, any_slope, &l1, &h1);
	return fmin(l0, l1) <= slack && fmax(h0, h1) >= -slack;
}

/* Where the two lines cross, kept within the stretch between their samples. */
static int64_t crossing(const struct refclock_stream *s)
{
	const struct refclock_piece *a = &s->pieces[s->nr_pieces - 1], *b = &s->cur;
	double d0 = (double)hvst_refclock_sub(hvst_refclock_line_at(&b->line, b->after),
					      hvst_refclock_line_at(&a->line, b->after));
	double d1 = (double)hvst_refclock_sub(hvst_refclock_line_at(&b->line, b->from),
					      hvst_refclock_line_at(&a->line, b->from));

	if ((d0 < 0) == (d1 < 0))
		return fabs(d0) < fabs(d1) ? b->after : b->from;
	return b->after + (int64_t)((double)(b->from - b->after) * d0 / (d0 - d1));
}

/* How far a clock of @slope may leave its line in @ns, by any daemon's discipline. */
static double slewed(double ns, double slope)
{
	return ns * (ns < CHRONY_MIN_NS ? REFCLOCK_SLEW + fabs(slope) : REFCLOCK_SLOPE_MAX);
}

/*
 * What was seen between the two pieces narrows down when the clock left the old line: a reading
 * above the new one was taken before the new one was reached, a bound above the old one after it
 * was left. Samples between both lines suggest a slew.
 */
static void leave(struct refclock_stream *s)
{
	const struct refclock_piece *a = &s->pieces[s->nr_pieces - 1];
	struct refclock_piece *b = &s->cur;
	int64_t y = hvst_refclock_line_at(&b->line, b->from);
	double slack = s->fit.late + s->prev_fit.late;
	double step = (double)hvst_refclock_sub(y, hvst_refclock_line_at(&a->line, b->from));
	unsigned int near = 0;

	b->after = a->to;
	b->until = b->from;
	b->rate = 0;
	b->between = 0;
	b->at_least = false;
	for (unsigned int i = s->nr_items; i-- && s->items[i].t > a->to;) {
		const struct refclock_item *it = &s->items[i];
		double over_a, over_b, back = (double)(b->from - it->t),
				       since = (double)(it->t - a->to);

		if (it->t >= b->from || it->kind == REFCLOCK_EVENT)
			continue;
		over_a = (double)hvst_refclock_sub(it->o, hvst_refclock_line_at(&a->line, it->t));
		if (over_a > slack + slewed(since, a->line.slope)) {
			/*
			 * Up, then down by more: the clock moved twice, and the second time by at
			 * least this step.
			 */
			b->at_least |= y < hvst_refclock_line_at(&a->line, b->from);
			if (!b->at_least && it->t < b->until)
				b->until = it->t;
		}
		b->rate = fmax(b->rate, (over_a - slack) / since);
		if (it->kind == REFCLOCK_BOUND)
			continue;
		over_b = (double)hvst_refclock_sub(it->o, hvst_refclock_line_at(&b->line, it->t));
		if (fabs(over_a) > slack && fabs(over_b) > slack && (over_a > 0) != (over_b > 0))
			b->between++;
		if (fabs(over_a) < fabs(step) / NEAR_PART && fabs(over_b) > fabs(step) / 2 &&
		    ++near == 2) {
			/*
			 * would two samples be late by nearly the same amount, out of all possible
			 * ones?
			 */
			if (it->t > b->after)
				b->after = it->t;
			b->rate = fmax(b->rate, (fabs(step) * (1 - 1 / NEAR_PART) - slack) / back);
		}
		/* would one be late by just the step, or not late at all? */
		if (fabs(over_a) < fabs(step) / NEAR_ONE_PART && it->t > b->after)
			b->after = it->t;
		if (over_b > slack + fmax(REFCLOCK_SLEW, b->line.slope_err) * back &&
		    over_b > fabs(over_a) && it->t > b->after)
			b->after = it->t;
		b->rate = fmax(b->rate, ((double)hvst_refclock_sub(it->o, y) - slack) / back);
	}
	if (b->until <= b->after)
		b->until = b->from;
}

static enum refclock_joint joint_kind(const struct refclock_stream *s)
{
	const struct refclock_piece *a = &s->pieces[s->nr_pieces - 1], *b = &s->cur;
	double need, gap, rate;

	if (!s->proven && touches(s, false))
		return REFCLOCK_BEND;
	if (!s->proven && touches(s, true))
		return b->line.slope_err < REFCLOCK_SLEW ? REFCLOCK_BEND : REFCLOCK_UNDECIDED;
	gap = (double)(b->from - a->to);
	need = fabs((double)b->step) - s->fit.late - s->prev_fit.late;
	if (need <= 0)
		return REFCLOCK_BEND;
	if (s->proven)
		return REFCLOCK_STEP;
	/* the slopes differ so much that the point of change explains it */
	if (fabs((double)b->step) <= (double)b->step_err)
		return REFCLOCK_BEND;
	rate = fmax(gap > 0 ? need / gap : HUGE_VAL, b->rate);
	if (rate > REFCLOCK_SLOPE_MAX)
		return REFCLOCK_STEP;
	if (gap < CHRONY_MIN_NS)
		return rate > REFCLOCK_SLEW ? REFCLOCK_STEP : REFCLOCK_UNDECIDED;
	/* long enough for chrony: a step only if the readings stopped with a clock event */
	return rate > REFCLOCK_SLEW && b->event >= 0 && !b->between &&
			       b->at - a->to < EVENT_SPACINGS * s->spacing &&
			       EVENT_SPACINGS * s->spacing < (int64_t)gap
		       ? REFCLOCK_STEP
		       : REFCLOCK_UNDECIDED;
}

/* How the current piece is joined to the previous one, as far as is known by now. */
static void joint(struct refclock_stream *s)
{
	struct refclock_piece *b = &s->cur;
	const struct refclock_piece *a;
	double lo, hi, gap;

	if (!s->has_prev || !s->nr_pieces)
		return;
	a = &s->pieces[s->nr_pieces - 1];
	leave(s);
	b->event = event_between(s, b->after, b->until, &b->at);
	if (b->event < 0)
		b->at = b->after + (b->until - b->after) / 2;
	b->step = hvst_refclock_sub(hvst_refclock_line_at(&b->line, b->at),
				    hvst_refclock_line_at(&a->line, b->at));
	apart(s, b->at, false, &lo, &hi);
	/*
	 * somewhere in the gap one slope became the other, or passed through others where samples
	 * lack
	 */
	gap = (double)(b->from - a->to);
	b->step_err = (int64_t)fmin(fabs(hi - lo) / 2 + TOLERANCE_NS +
					    fabs(b->line.slope - a->line.slope) * gap +
					    GAP_SLEW * fmax(gap - 2 * (double)s->spacing, 0),
				    1e18);
	b->joint = joint_kind(s);
	/* a few samples may all be late: the clock is then further ahead than they show */
	if (b->knots < FEW_KNOTS) {
		b->at_least |= b->step > 0;
		b->step_err += FEW_LATE_NS;
	}
	if (b->joint == REFCLOCK_BEND) {
		b->at = crossing(s);
		b->event = -1;
		b->step = REFCLOCK_UNKNOWN;
		b->at_least = false;
	}
}

static int room_for_piece(struct refclock_stream *s)
{
	unsigned int cap = s->cap_pieces ? 2 * s->cap_pieces : 2;
	struct refclock_piece *p;

	if (s->nr_pieces < s->cap_pieces)
		return 0;
	p = realloc(s->pieces, cap * sizeof(*p));
	if (!p)
		return -ENOMEM;
	s->pieces = p;
	s->cap_pieces = cap;
	return 0;
}

/* Inserts @first before all other pieces. */
static int piece_insert(struct refclock_stream *s, const struct refclock_piece *first)
{
	int ret = room_for_piece(s);

	if (ret)
		return ret;
	memmove(s->pieces + 1, s->pieces, s->nr_pieces * sizeof(*s->pieces));
	s->pieces[0] = *first;
	s->nr_pieces++;
	return 0;
}

static int piece_close(struct refclock_stream *s)
{
	int ret;

	/* a broken clock: a piece for nearly every sample */
	if (s->nr_pieces == PIECES_MAX) {
		s->nr_pieces /= 2;
		memmove(s->pieces, s->pieces + PIECES_MAX / 2, s->nr_pieces * sizeof(*s->pieces));
	}
	ret = room_for_piece(s);
	if (ret)
		return ret;
	joint(s);
	s->prev_fit = s->fit;
	s->prev_evidence = s->evidence;
	s->prev_proven = s->proven;
	s->has_prev = true;
	s->pieces[s->nr_pieces++] = s->cur;
	return 0;
}

/* The line continues: the samples that waited beside it were late. */
static void forget_waiting(struct refclock_stream *s)
{
	s->evidence = fmax(s->evidence - MISS_COST * (s->nr_low + s->dropped), 0);
	s->nr_low = s->dropped = 0;
	s->contradicted = s->high = false;
	s->event_first = REFCLOCK_UNKNOWN;
}

/*
 * The current piece lies below the previous one, and the samples that came now are on the previous
 * line again: the samples in between were late, however well they agreed.
 */
static bool came_back(const struct refclock_stream *s, const struct refclock_item *w,
		      unsigned int n, const struct candidate *c)
{
	const struct refclock_piece *a;
	double lo, hi, late = allowed(s);

	if (!s->has_prev || !s->nr_pieces || s->proven || s->evidence > OVERWHELMING)
		return false;
	a = &s->pieces[s->nr_pieces - 1];
	if (hvst_refclock_sub(hvst_refclock_line_at(&s->cur.line, s->cur.from),
			      hvst_refclock_line_at(&a->line, s->cur.from)) > 0)
		return false;
	for (unsigned int k = c->first; k < n; k++) {
		double y = (double)hvst_refclock_sub(w[k].o, s->prev_fit.o0);

		if (off(&w[c->first], c->slope, &w[k]) < -late)
			continue;
		hvst_refclock_fit_range(&s->prev_fit, w[k].t, &lo, &hi);
		if (y > hi + late || y + 2 * late < lo)
			return false;
	}
	return true;
}

static void go_back(struct refclock_stream *s, const struct refclock_item *w, unsigned int n,
		    const struct candidate *c)
{
	double late = allowed(s);
	struct refclock_item a = w[c->first];

	s->cur = s->pieces[--s->nr_pieces];
	s->fit = s->prev_fit;
	s->evidence = s->prev_evidence;
	s->proven = s->prev_proven;
	s->has_prev = false;
	s->birth = s->cur.from;
	for (unsigned int k = c->first; k < n; k++)
		if (off(&a, c->slope, &w[k]) >= -late)
			on_line(s, &w[k]);
	hvst_refclock_fit_line(&s->fit, s->cur.line.slope, &s->cur.line);
}

/* A piece of a few samples that the new one can explain by a bend was only its beginning. */
static void absorb(struct refclock_stream *s)
{
	struct refclock_piece *a = &s->pieces[s->nr_pieces - 1];

	if (a->knots > 3 || s->prev_proven || s->proven || !touches(s, true))
		return;
	s->cur.joint = a->joint;
	s->cur.after = a->after;
	s->cur.until = a->joint == REFCLOCK_FIRST ? s->cur.from : a->until;
	s->cur.step = a->step;
	s->cur.rate = a->rate;
	s->birth = a->from;
	s->nr_pieces--;
	s->has_prev = false;
}

static int accept(const struct refclock *r, struct refclock_stream *s, const struct candidate *c,
		  bool proven)
{
	struct refclock_item w[REFCLOCK_WINDOW];
	unsigned int n = s->nr_low;
	int ret;

	memcpy(w, s->low, n * sizeof(*w));
	if (!proven && came_back(s, w, n, c)) {
		go_back(s, w, n, c);
	} else {
		ret = piece_close(s);
		if (ret)
			return ret;
		memset(&s->cur, 0, sizeof(s->cur));
		piece_from(s, w, n, c);
		s->birth = s->cur.from;
		s->evidence = c->evidence;
		s->proven = proven;
		joint(s);
		absorb(s);
	}
	if (r->params.residual)
		book(r, s, w[c->first].t, s->cur.to);
	s->nr_low = s->dropped = 0;
	forget_waiting(s);
	return 0;
}

/* The latest samples since the current piece began, in order. */
static unsigned int latest(const struct refclock_stream *s, struct refclock_item *w)
{
	unsigned int n = 0;

	for (unsigned int i = s->nr_items; i-- && n < REFCLOCK_WINDOW;) {
		if (s->items[i].t < s->birth)
			break;
		if (s->items[i].kind == REFCLOCK_SAMPLE)
			w[n++] = s->items[i];
	}
	for (unsigned int i = 0; i < n / 2; i++) {
		struct refclock_item t = w[i];

		w[i] = w[n - 1 - i];
		w[n - 1 - i] = t;
	}
	return n;
}

/* time_now fell when the piece began, and is now where it was before: it rose again. */
static bool rose_again(const struct refclock_stream *s, const struct refclock_item *it)
{
	const struct refclock_line *old;
	double late = SURE * allowed(s);

	if (!s->proven || !s->has_prev || !s->nr_pieces)
		return false;
	old = &s->pieces[s->nr_pieces - 1].line;
	return (double)hvst_refclock_sub(hvst_refclock_line_at(old, s->cur.from),
					 hvst_refclock_line_at(&s->cur.line, s->cur.from)) > late &&
	       (double)hvst_refclock_sub(hvst_refclock_line_at(old, it->t), it->o) < late;
}

static void restart_from(struct refclock_stream *s, const struct refclock_item *w, unsigned int n,
			 const struct candidate *c, double most)
{
	piece_from(s, w, n, c);
	s->evidence = fmin(fmax(c->evidence, 0), most);
}

/*
 * The samples before the last of @w lie on a line of their own, too many to be late by the same
 * amount: the piece was misled by its first ones, and the last reading departs from that line.
 */
static bool holds_without_last(struct refclock_stream *s, const struct refclock_item *w,
			       unsigned int n, const struct candidate *with)
{
	struct candidate c;
	bool found;

	s->open = false;
	found = n > 3 && best_line(s, w, n - 1, &c) && c.agree >= 3 && c.evidence >= NEED &&
		(!with || c.evidence > with->evidence);
	s->open = true;
	if (found)
		restart_from(s, w, n - 1, &c, EVIDENCE_MAX);
	return found;
}

/*
 * A reading above the piece. A piece with little evidence consisted of late samples, and so did one
 * of which another line explains as much, with this reading on it: the best line over the latest
 * samples replaces it. Returns false when the reading lies above the resulting piece.
 */
static bool restart(const struct refclock *r, struct refclock_stream *s)
{
	bool weak = s->evidence < WEAK;
	struct refclock_item w[REFCLOCK_WINDOW];
	struct candidate c;
	unsigned int n;
	bool found, above;

	if (!weak && s->cur.knots > REFCLOCK_WINDOW)
		return false;
	n = latest(s, w);
	if (!n)
		return false;
	s->open = false; /* no depth below a line that does not hold */
	found = best_line(s, w, n, &c) && c.agree >= 3 && c.evidence >= RESTART;
	s->open = true;
	if (!weak &&
	    (!found || w[0].t > s->birth || c.first > n / 4 || c.agree * 4 < s->cur.knots * 3))
		return false;
	above = weak && holds_without_last(s, w, n, found ? &c : NULL);
	if (above) {
		; /* the piece is made */
	} else if (found) {
		restart_from(s, w, n, &c, WEAK);
	} else {
		/* No two samples agree yet: begin with the latest. */
		piece_begin(s, &w[n - 1]);
		refresh(s);
	}
	if (!s->nr_pieces && s->event_last < s->cur.from)
		s->opened = s->event_last;
	/* joint() searches the samples before the piece: do so at every power of two only. */
	if (!(s->restarts & (s->restarts - 1)))
		joint(s);
	s->restarts++;
	if (r->params.residual)
		book(r, s, s->cur.from, s->cur.to);
	s->nr_low = s->dropped = 0;
	forget_waiting(s);
	return !above;
}

static void low_add(struct refclock_stream *s, const struct refclock_item *it)
{
	if (s->nr_low == REFCLOCK_WINDOW) {
		s->nr_low--;
		s->dropped++;
		memmove(s->low, s->low + 1, s->nr_low * sizeof(*s->low));
	}
	s->low[s->nr_low++] = *it;
}

static int departed(const struct refclock *r, struct refclock_stream *s)
{
	struct candidate c;
	bool announced;
	double need;

	if (s->nr_low < 3 || !best_line(s, s->low, s->nr_low, &c) || c.agree < 3)
		return 0;
	announced = s->event_first != REFCLOCK_UNKNOWN && s->event_first <= s->low[c.first].t;
	need = announced ? NEED_EVENT : NEED;
	if (c.evidence < need || 3 * c.agree < s->nr_low - c.first)
		return 0;
	return accept(r, s, &c, false);
}

/* A single reading that only a moved clock explains. */
static int moved(const struct refclock *r, struct refclock_stream *s)
{
	struct candidate c = { .first = s->nr_low - 1, .second = s->nr_low - 1, .agree = 1 };

	return accept(r, s, &c, true);
}

/*
 * Bounds proved that the clock was ahead of its line, and now it is back on it: two steps, whose
 * size is only known from below.
 */
static int went_and_came(struct refclock_stream *s, const struct refclock_item *it)
{
	struct refclock_piece out = { .joint = REFCLOCK_STEP,
				      .at_least = true,
				      .step = s->hidden.at_least,
				      .step_err = REFCLOCK_UNKNOWN,
				      .from = s->hidden.until,
				      .to = s->hidden.last,
				      .after = s->cur.to,
				      .until = s->hidden.until };
	struct refclock_line line = s->cur.line;
	int ret = piece_close(s);

	if (ret)
		return ret;
	out.event = event_between(s, out.after, out.until, &out.at);
	if (out.event < 0)
		out.at = out.until;
	out.line = line;
	out.line.o0 += out.step;
	out.line.err = out.step;
	s->cur = out;
	s->has_prev = false;
	ret = piece_close(s);
	if (ret)
		return ret;
	s->cur = (struct refclock_piece){ .joint = REFCLOCK_STEP,
					  .at_least = true,
					  .step = -out.step,
					  .step_err = REFCLOCK_UNKNOWN,
					  .after = out.to,
					  .until = it->t };
	s->cur.event = event_between(s, out.to, it->t, &s->cur.at);
	if (s->cur.event < 0)
		s->cur.at = it->t;
	piece_begin(s, it);
	s->cur.line = line;
	s->birth = it->t;
	/* the line is the previous one: its joint needs no work */
	s->evidence = s->prev_evidence;
	s->has_prev = s->proven = false;
	forget_waiting(s);
	return 0;
}

/* The position of a sample, and where the current piece has it, both from the fit's origin. */
struct place {
	double y, lo, hi, most, est, dist;
};

static void locate(const struct refclock_stream *s, const struct refclock_item *it, double late,
		   struct place *p)
{
	double slew;

	p->dist = (double)(it->t - s->cur.to);
	p->y = (double)hvst_refclock_sub(it->o, s->fit.o0);
	p->est = (double)hvst_refclock_sub(hvst_refclock_line_at(&s->cur.line, it->t), s->fit.o0);
	hvst_refclock_fit_range(&s->fit, it->t, &p->lo, &p->hi);
	p->most = p->hi;
	slew = fmin(REFCLOCK_SLEW, s->cur.line.slope_err) * p->dist;
	p->lo = fmax(p->lo, p->est - slew) - late;
	if (s->evidence < WEAK)
		p->hi = fmin(p->hi, p->est + slew + late);
}

static int on_sample(const struct refclock *r, struct refclock_stream *s,
		     const struct refclock_item *it)
{
	struct place p;
	double late;

	noise(s, it);
	s->end = it->t;
	if (!s->open) {
		memset(&s->cur, 0, sizeof(s->cur));
		piece_begin(s, it);
		s->birth = it->t;
		s->opened = s->event_last;
		s->cur.joint = REFCLOCK_FIRST;
		s->cur.after = s->cur.until = s->cur.at = it->t;
		s->cur.step = REFCLOCK_UNKNOWN;
		s->cur.event = -1;
		refresh(s);
		forget_waiting(s);
		return 0;
	}
	late = allowed(s);
	locate(s, it, late, &p);
	if (it->flags & REFCLOCK_BACK && p.y < p.est - BACK_WINDOW_NS) {
		low_add(s, it);
		return moved(r, s);
	}
	if (p.y <= p.hi + SOFT_NS && p.y >= p.lo && !s->high) {
		if (s->contradicted && s->hidden.proven)
			return went_and_came(s, it);
		on_line(s, it);
		refresh(s);
		if (!(s->cur.knots & (s->cur.knots - 1)))
			joint(s);
		if (r->params.residual)
			book(r, s, s->cur.from, it->t);
		forget_waiting(s);
		return 0;
	}
	if (p.y > p.hi && p.y < p.most + DEPTH_MAX && !rose_again(s, it)) {
		if (restart(r, s))
			return 0;
		locate(s, it, late, &p);
	}
	s->high |= p.y > p.hi + SOFT_NS;
	low_add(s, it);
	if (p.y > fmax(p.hi, p.est + REFCLOCK_SLOPE_MAX * p.dist) + 2 * late)
		return moved(r, s);
	return departed(r, s);
}

static void on_bound(struct refclock_stream *s, const struct refclock_item *it)
{
	double lo, hi, over, dist;

	if (it->t > s->end)
		s->end = it->t;
	if (!s->open)
		return;
	dist = (double)(it->t - s->cur.to);
	hvst_refclock_fit_range(&s->fit, it->t, &lo, &hi);
	hi = fmin(hi,
		  (double)hvst_refclock_sub(hvst_refclock_line_at(&s->cur.line, it->t), s->fit.o0) +
			  s->fit.late + REFCLOCK_SLEW * dist);
	over = (double)hvst_refclock_sub(it->o, s->fit.o0) - hi;
	if (over <= s->fit.late)
		return;
	if (!s->contradicted) {
		s->contradicted = true;
		s->hidden = (struct refclock_hidden){ .after = s->cur.to, .until = it->t };
	}
	if ((int64_t)over > s->hidden.at_least)
		s->hidden.at_least = (int64_t)over;
	if (over > slewed(dist, s->cur.line.slope))
		s->hidden.proven = true;
	s->hidden.last = it->t;
}

__attribute__((noinline)) int hvst_refclock_track(struct refclock *r, struct refclock_stream *s,
						  const struct refclock_item *it)
{
	switch (it->kind) {
	case REFCLOCK_SAMPLE:
		return on_sample(r, s, it);
	case REFCLOCK_BOUND:
		on_bound(s, it);
		return 0;
	default:
		if (s->event_first == REFCLOCK_UNKNOWN)
			s->event_first = it->t;
		s->event_last = it->t;
		if (it->t > s->end)
			s->end = it->t;
		return 0;
	}
}

/* No reading for so long that a step could have happened: not an idle guest's usual pause. */
static bool unread(const struct refclock_stream *s)
{
	int64_t first = s->nr_pieces ? s->pieces[0].from : s->cur.from;
	int64_t since = s->end - s->cur.to;

	return since > UNREAD_NS && since > UNREAD_SPACINGS * s->spacing &&
	       since > (s->end - first) / UNREAD_PART;
}

/* How far the waiting samples lie off the line, at most, and a bound that a slew explains. */
static int64_t waiting_off(const struct refclock_stream *s)
{
	int64_t most = s->contradicted ? s->hidden.at_least : 0;

	for (unsigned int i = 0; i < s->nr_low; i++) {
		int64_t line = hvst_refclock_line_at(&s->cur.line, s->low[i].t);
		int64_t off = hvst_refclock_sub(s->low[i].o, line);

		if (off < 0)
			off = hvst_refclock_sub(0, off);
		if (off > most)
			most = off;
	}
	return most;
}

/* Samples before the first piece that lie below its line by the same distance. */
struct early {
	unsigned int first, last, agree;
	double depth, late;
};

/* Copies the samples before the first piece to @w, at most @max: the latest. Returns how many. */
static unsigned int before_first(const struct refclock_stream *s, const struct refclock_piece *p,
				 struct refclock_item *w, unsigned int max)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < s->nr_items && s->items[i].t < p->from; i++) {
		if (s->items[i].kind != REFCLOCK_SAMPLE)
			continue;
		if (n == max)
			memmove(w, w + 1, --n * sizeof(*w));
		w[n++] = s->items[i];
	}
	return n;
}

static double depth_below(const struct refclock_piece *p, const struct refclock_item *it)
{
	return (double)hvst_refclock_sub(hvst_refclock_line_at(&p->line, it->t), it->o);
}

/* Finds the most samples of @w on one line parallel to the piece's, with none above it among them.
 */
static void best_early(const struct refclock_piece *p, const struct refclock_item *w,
		       unsigned int n, struct early *h)
{
	for (unsigned int i = 0; i < n; i++) {
		struct early one = { .first = i, .depth = depth_below(p, &w[i]), .late = h->late };

		for (unsigned int k = i; k < n; k++) {
			double d = depth_below(p, &w[k]);

			if (d < one.depth - TOLERANCE_NS)
				break;
			if (d > one.depth + h->late)
				continue;
			one.agree++;
			one.last = k;
		}
		if (one.agree > h->agree)
			*h = one;
	}
}

/*
 * The first piece takes the place of samples that were read before it and lie lower, as late ones.
 * Late samples scatter: several that are late by the same, to within the noise, were on time, and
 * the clock stepped after them. Makes a piece of them, joined by a step if that is likely enough.
 */
static int early_end(struct refclock_stream *s)
{
	struct refclock_piece *p = s->nr_pieces ? s->pieces : &s->cur, first;
	struct refclock_item w[REFCLOCK_WINDOW];
	struct early h = { .late = allowed(s) };
	double evidence, need, gap;
	unsigned int n;
	int event;
	int64_t at;

	n = before_first(s, p, w, REFCLOCK_WINDOW);
	if (p->joint != REFCLOCK_FIRST || p->knots < FEW_KNOTS || !n)
		return 0;
	best_early(p, w, n, &h);
	event = event_between(s, w[h.last].t, p->from, &at);
	need = event < 0 ? NEED : NEED_EVENT;
	evidence = (h.agree - 1.0) * log(1 + h.depth / (2 * h.late)) - MISS_COST * (n - h.agree);
	gap = (double)(p->from - w[h.last].t);
	if (h.depth <= 10 * h.late || h.depth <= slewed(gap, p->line.slope))
		return 0;
	if (evidence < need / 2 && (event < 0 || h.depth < LONE_LATE_NS))
		return 0;
	first = (struct refclock_piece){ .joint = REFCLOCK_FIRST,
					 .step = REFCLOCK_UNKNOWN,
					 .event = -1,
					 .line = p->line,
					 .samples = h.agree,
					 .knots = h.agree,
					 .from = w[h.first].t,
					 .to = w[h.last].t,
					 .after = w[h.first].t,
					 .until = w[h.first].t,
					 .at = w[h.first].t };
	first.line.o0 = hvst_refclock_sub(first.line.o0, (int64_t)h.depth);
	p->joint = evidence < need ? REFCLOCK_UNDECIDED : REFCLOCK_STEP;
	p->step = (int64_t)h.depth;
	p->step_err = (int64_t)(h.late + p->line.slope_err * gap);
	p->after = first.to;
	p->until = p->from;
	p->event = event;
	p->at = event < 0 ? p->after + (p->until - p->after) / 2 : at;
	s->opened = REFCLOCK_UNKNOWN;
	return piece_insert(s, &first);
}

int hvst_refclock_track_end(struct refclock *r, struct refclock_stream *s)
{
	struct candidate c;
	int64_t at;
	int ret;

	if (!s->open)
		return 0;
	/*
	 * Nothing more will come: the evidence for a change decides if the change is likely at all.
	 */
	if (s->nr_low >= 3 && best_line(s, s->low, s->nr_low, &c) && c.agree >= 3 &&
	    c.evidence >= NEED_EVENT && c.depth > 10 * allowed(s)) {
		ret = accept(r, s, &c, false);
		if (ret)
			return ret;
	}
	joint(s);
	ret = early_end(s);
	if (ret)
		return ret;
	if (!s->contradicted)
		s->hidden = (struct refclock_hidden){ .after = s->cur.to, .until = s->end };
	s->hidden.event =
		event_between(s, s->cur.to, s->contradicted ? s->hidden.until : INT64_MAX, &at);
	/* one that is not due yet is not missing */
	s->tail = (s->contradicted && s->hidden.proven) || unread(s) ||
		  (s->event_first != REFCLOCK_UNKNOWN &&
		   s->end - s->cur.to > EVENT_SPACINGS * s->spacing);
	s->tail_ns = s->tail ? INT64_MAX : waiting_off(s);
	s->tail |= s->contradicted || s->high || s->nr_low >= 2 || waiting_off(s) > LONE_LATE_NS;
	return 0;
}
