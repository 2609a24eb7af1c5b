/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. The rate of the guest's clock against the reference clock, from the headroom of
 * its arms.
 *
 * Headroom is the delay the guest wanted minus the time from its reading of its clock to the
 * host's: latency only lowers it, so its upper edge is sharp. The edge is sampled once a window
 * (the best arm of it). While the points lie on one line, that line's slope is the guest's rate;
 * the delays that a guest asks for change in steps, which end a line and begin the next. Points
 * that jump about show no rate.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "clocksource.h"
#include "guestclock.h"

#define WIN_ARMS       16
#define WIN_NS	       (20LL * 1000 * 1000)
#define ON_LINE_NS     (30 * 1000)
#define ON_LINE_MAX_NS (120 * 1000) /* an edge that wanders more is not an edge */
#define MAX_RMS_NS     60e3
#define MIN_POINTS     8
#define MIN_SPAN_NS    (200LL * 1000 * 1000)
#define LONG_SPAN_NS   (2000LL * 1000 * 1000)
#define LONG_POINTS    12
#define MIN_DRIFT_NS   (100 * 1000)
#define MIN_PPM	       20
#define NEAR_STORM_NS  (250LL * 1000 * 1000)
#define MAX_SILENT     1024 /* storms checked for a silent change: each looks at every change */
#define MIN_LAG_NS     (200 * 1000) /* a shift of the edge that is not wander */
#define GRID_PERCENT   90	    /* of the steps that make a grid */
#define GRID_STEPS     64	    /* enough to tell wander from jitter about a grid */
#define MAX_PPM	       50000	    /* no clock drifts faster */

/* Upper edge of the headroom over time. */
#define EDGE_POINTS 128
struct edge_point {
	int64_t ts, v;
};
struct guest_fit {
	double slope, level;
	int64_t t0, last;
	bool valid;
};
/* Sizes of steps from count to count that recur: those of a grid of ticks. */
#define STEP_CLASSES 4
#define STEP_SAME    10	  /* ref units, within which two steps are the same */
#define STEP_PART    64	  /* of a step: the jitter of a grid's ticks that is considered */
#define STEP_JITTER  1000 /* the same in ref units, at most */
#define MEAN_STEPS   256  /* after which the mean of a class is known */
struct step_class {
	double step; /* mean */
	uint64_t n;
};
/* Deviations of the steps from the mean of their class, and products of two in a row. */
struct step_wander {
	uint64_t n;
	double last, squares, products;
};
/* A pass that is over: where its line began and ended. */
#define EDGE_PASSES 64
struct edge_pass {
	int64_t from, to;
	double first, last; /* headroom on the line then */
};
struct guest_edge {
	struct edge_pass passes[EDGE_PASSES]; /* a ring */
	unsigned int nr_passes;
	struct edge_point p[EDGE_POINTS]; /* the line being fitted, a point a window */
	unsigned int n;
	unsigned int per;      /* windows merged into a point */
	struct edge_point win; /* current window: its best arm */
	unsigned int win_n;
	int64_t win_from;
	int64_t from;		 /* of the line's first window */
	int64_t most;		 /* headroom of any arm */
	struct edge_point last;	 /* arm */
	struct guest_fit before; /* the previous line */
	uint64_t count;		 /* of the last arm */
	struct step_class steps[STEP_CLASSES];
	uint64_t nr_steps, nr_grid; /* since the pass began; of them those of a few sizes */
	struct step_wander wander;
	uint64_t all_steps, grid_steps; /* of passes that are over; of them those of grids */
	struct edge_point odd;		/* one window off the line, waiting for a second */
	int64_t odd_from;
	bool has_odd;
};

struct fit {
	double slope, level, rms, slope_err;
	int64_t t0;
};

int hvst_guestclock_vm_created(struct vm *vm)
{
	struct vm_guestclock *c = calloc(1, sizeof(*c));

	vm->state->guestclock = c;
	if (!c)
		return -ENOMEM;
	c->lag_ns = c->lag_from_ns = c->unclear_ns = c->unclear_from_ns = HVST_UNKNOWN;
	c->unsure_from_ns = HVST_UNKNOWN;
	return 0;
}

void hvst_guestclock_merged(struct vm *into, struct vm *from)
{
	into->state->guestclock->steady += from->state->guestclock->steady;
}

void hvst_guestclock_vm_free(struct vm *vm)
{
	free(vm->state->guestclock);
}

int hvst_guestclock_created(struct stimer *t)
{
	t->state->edge = calloc(1, sizeof(*t->state->edge));
	return t->state->edge ? 0 : -ENOMEM;
}

void hvst_guestclock_free(struct stimer *t)
{
	free(t->state->edge);
}

static void fit_line(const struct guest_edge *e, struct fit *f)
{
	double st = 0, sv = 0, stt = 0, stv = 0, ss = 0, n = e->n;

	memset(f, 0, sizeof(*f));
	f->t0 = e->p[0].ts;
	for (unsigned int i = 0; i < e->n; i++) {
		double t = (double)(e->p[i].ts - f->t0), v = (double)e->p[i].v;

		st += t;
		sv += v;
		stt += t * t;
		stv += t * v;
	}
	if (n >= 2 && n * stt - st * st > 0)
		f->slope = (n * stv - st * sv) / (n * stt - st * st);
	f->level = (sv - f->slope * st) / n;
	for (unsigned int i = 0; i < e->n; i++) {
		double r = (double)e->p[i].v - f->level - f->slope * (double)(e->p[i].ts - f->t0);

		ss += r * r;
	}
	f->rms = sqrt(ss / n);
	if (n >= 3 && stt - st * st / n > 0)
		f->slope_err = 3 * sqrt(ss / (n - 2)) / sqrt(stt - st * st / n);
}

/*
 * When a drift began: where its line meets the previous line. Only if that lies between the two
 * lines, within a window; else the level changed as well, and the line's first window is the best
 * estimate.
 */
static int64_t onset(const struct guest_edge *e, const struct fit *f)
{
	const struct guest_fit *b = &e->before;
	double t, at_first;

	if (b->valid && f->slope != b->slope) {
		/* both lines relative to the start of this line */
		at_first = b->level + b->slope * (double)(f->t0 - b->t0);
		t = (at_first - f->level) / (f->slope - b->slope);
		if (t < 0 && fabs(t) < (double)(f->t0 - b->last) + 16.0 * WIN_NS &&
		    f->t0 + (int64_t)t >= b->last - 4 * WIN_NS * (int64_t)e->per)
			return f->t0 + (int64_t)t;
	}
	return e->from;
}

struct hvst_guest_transition *hvst_guestclock_suspect(struct analysis *a, struct vcpu *v,
						      int64_t ts, double ppm, double err)
{
	struct hvst_guest_transition *g = hvst_transition_add(a, v->vm, v);

	if (!g)
		return NULL;
	g->role = HVST_ROLE_STIMER;
	g->ts_ns = ts;
	g->from = hvst_clocksource_at(a, v, ts);
	g->to = HVST_SRC_RAW_TSC;
	g->rate_ppm = ppm;
	g->rate_ppm_error = err;
	/* The rate is certain; its onset, and that it is the raw TSC, are not. */
	g->confidence = HVST_SUSPECTED;
	return g;
}

static void report(struct analysis *a, struct stimer *t, const struct guest_edge *e,
		   const struct fit *f)
{
	struct vcpu *v = t->vcpu;
	struct hvst_guest_transition *g;

	g = hvst_guestclock_suspect(a, v, onset(e, f), f->slope * 1e6, f->slope_err * 1e6 + 1);
	if (g)
		hvst_evidence_stat(&g->evidence,
				   "timer %u: the upper edge of the headroom moves by %+.1f ppm "
				   "over %.3f s (%u windows, rms %.1f us)",
				   t->index, g->rate_ppm,
				   (double)(e->p[e->n - 1].ts - e->p[0].ts) / 1e9, e->n,
				   f->rms / 1e3);
}

static bool is_drift(const struct fit *f, int64_t span, unsigned int points)
{
	double ppm = fabs(f->slope) * 1e6, drift = fabs(f->slope) * (double)span;

	/*
	 * The edge is sharp to a few us: points that scatter more do not make a line, however well
	 * one fits.
	 */
	if (f->rms > MAX_RMS_NS)
		return false;
	if (ppm <= MIN_PPM || ppm >= MAX_PPM || fabs(f->slope) <= 2 * f->slope_err ||
	    drift <= MIN_DRIFT_NS)
		return false;
	/* A short or thin line has to leave no doubt at all: a guest's delays make lines, too. */
	return drift > (span >= LONG_SPAN_NS && points >= LONG_POINTS ? 6 : 50) * f->rms;
}

/*
 * The next step takes back jitter about a grid, so that the products of two consecutive deviations
 * add up to minus half of the squares. What a guest adds to its reading of a clock stays, and the
 * products add up to nothing.
 */
static bool jitters(const struct step_wander *w, uint64_t nr_steps)
{
	return w->n >= GRID_STEPS && w->n * 100 >= nr_steps * GRID_PERCENT &&
	       w->products < -w->squares / 3;
}

/*
 * Where a grid of ticks is armed by something with another period, the headroom moves as evenly as
 * that of a slow clock: it is the beat of the two periods, and no clock was read.
 */
static bool shows_clock(const struct guest_edge *e)
{
	return e->nr_grid * 100 < e->nr_steps * GRID_PERCENT && !jitters(&e->wander, e->nr_steps);
}

bool hvst_guestclock_on_grid(const struct stimer *t)
{
	const struct guest_edge *e = t->state->edge;

	return 2 * e->grid_steps > e->all_steps;
}

/*
 * Points in two distant clusters always lie on a line: it takes points between them to tell a slow
 * clock from a guest that now asks for another delay.
 */
static bool spread(const struct guest_edge *e, int64_t span)
{
	for (unsigned int i = 1; i < e->n; i++)
		if (e->p[i].ts - e->p[i - 1].ts > span / 2)
			return false;
	return true;
}

static int cmp_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median_of(double *v, unsigned int n)
{
	qsort(v, n, sizeof(*v), cmp_double);
	return v[n / 2];
}

/*
 * A guest that asks for one delay after the other makes a flight of steps, which a line fits as
 * well: from point to point its edge stays level, where that of a slow clock goes down the line.
 */
static bool in_steps(const struct guest_edge *e, const struct fit *f)
{
	double level[EDGE_POINTS], line[EDGE_POINTS];

	for (unsigned int i = 1; i < e->n; i++) {
		double moved = (double)(e->p[i].v - e->p[i - 1].v);

		level[i - 1] = fabs(moved);
		line[i - 1] = fabs(moved - f->slope * (double)(e->p[i].ts - e->p[i - 1].ts));
	}
	return 2 * median_of(level, e->n - 1) < median_of(line, e->n - 1);
}

static void pass_add(struct guest_edge *e, const struct fit *f)
{
	struct edge_pass *p = &e->passes[e->nr_passes++ % EDGE_PASSES];

	p->from = e->from;
	p->to = e->p[e->n - 1].ts;
	p->first = f->level;
	p->last = f->level + f->slope * (double)(p->to - f->t0);
}

static __attribute__((noinline)) void line_end(struct analysis *a, struct stimer *t)
{
	struct guest_edge *e = t->state->edge;
	int64_t span = e->n ? e->p[e->n - 1].ts - e->p[0].ts : 0;
	struct fit f;

	e->all_steps += e->nr_steps;
	if (!shows_clock(e))
		e->grid_steps += e->nr_steps;
	if (e->n >= 4) {
		fit_line(e, &f);
		if (f.rms <= ON_LINE_MAX_NS)
			pass_add(e, &f);
		if (e->n >= MIN_POINTS && span >= MIN_SPAN_NS && spread(e, span)) {
			bool drift = is_drift(&f, span, e->n);

			if (drift && shows_clock(e) && !in_steps(e, &f))
				report(a, t, e, &f);
			else if (!drift && f.slope_err * 1e6 < MIN_PPM)
				t->vcpu->vm->state->guestclock->steady++;
		}
		e->before = (struct guest_fit){ f.slope, f.level, f.t0, e->p[e->n - 1].ts, true };
	} else {
		e->before.valid = false;
	}
}

static void line_restart(struct guest_edge *e)
{
	e->n = 0;
	e->per = 1;
	e->has_odd = false;
	e->nr_steps = e->nr_grid = 0;
	memset(&e->wander, 0, sizeof(e->wander));
}

/*
 * Drop every second point, so that a long line stays bounded; of two neighbours keep the upper one.
 */
static void line_thin(struct guest_edge *e)
{
	for (unsigned int i = 0; i < EDGE_POINTS / 2; i++)
		e->p[i] = e->p[2 * i].v >= e->p[2 * i + 1].v ? e->p[2 * i] : e->p[2 * i + 1];
	e->n = EDGE_POINTS / 2;
	e->per *= 2;
}

static bool on_line(const struct guest_edge *e, struct edge_point p)
{
	struct fit f;
	double tol = ON_LINE_NS;
	int64_t dt;

	if (!e->n)
		return true;
	dt = p.ts - e->p[e->n - 1].ts;
	if (e->n < 4)
		return fabs((double)(p.v - e->p[e->n - 1].v)) < tol + (double)dt * MAX_PPM / 1e6;
	fit_line(e, &f);
	if (4 * f.rms > tol)
		tol = 4 * f.rms < ON_LINE_MAX_NS ? 4 * f.rms : ON_LINE_MAX_NS;
	tol += fmin(f.slope_err * (double)(p.ts - f.t0) / 3, ON_LINE_MAX_NS);
	return fabs((double)p.v - f.level - f.slope * (double)(p.ts - f.t0)) < tol;
}

static __attribute__((noinline)) void point_add(struct analysis *a, struct stimer *t,
						struct edge_point p)
{
	struct guest_edge *e = t->state->edge;

	if (on_line(e, p)) {
		e->has_odd = false;
	} else if (!e->has_odd) {
		e->has_odd = true; /* one window may hold only late arms; two are a change */
		e->odd = p;
		e->odd_from = e->win_from;
		return;
	} else {
		struct edge_point first = e->odd;

		line_end(a, t);
		line_restart(e);
		e->from = e->odd_from;
		e->p[e->n++] = first;
	}
	if (e->n == EDGE_POINTS)
		line_thin(e);
	if (!e->n)
		e->from = e->win_from;
	e->p[e->n++] = p;
}

/* The class of steps that @step belongs to; a new one replaces the rarest. */
static struct step_class *class_of(struct guest_edge *e, double step)
{
	struct step_class *least = &e->steps[0];
	double within = fabs(step) / STEP_PART;

	within = within < STEP_SAME ? STEP_SAME : within > STEP_JITTER ? STEP_JITTER : within;
	for (unsigned int i = 0; i < STEP_CLASSES; i++) {
		struct step_class *c = &e->steps[i];

		if (c->n && fabs(c->step - step) <= within)
			return c;
		if (c->n < least->n)
			least = c;
	}
	if (least->n > 1)
		least->n--;
	else
		*least = (struct step_class){ step, 1 };
	return NULL;
}

/*
 * Did the guest move its count on by a step that recurs? A guest that ticks on a grid has one or a
 * few such steps (8 and 12 ms, when ticks of 4 ms are set every 10 ms), apart from rounding and
 * jitter; a guest that adds a delay to a reading of its clock has none.
 */
static void grid_step(struct guest_edge *e, uint64_t count)
{
	double step = (double)hvst_count_step(e->count, count), off;
	struct step_class *c = class_of(e, step);

	e->count = count;
	e->nr_steps++;
	if (!c) {
		e->wander.last = 0;
		return;
	}
	off = step - c->step;
	e->nr_grid += fabs(off) <= STEP_SAME;
	e->wander.n++;
	e->wander.squares += off * off;
	e->wander.products += off * e->wander.last;
	e->wander.last = off;
	if (++c->n <= MEAN_STEPS)
		c->step += off / (double)c->n;
}

void hvst_guestclock_arm(struct analysis *a, struct stimer *t, const struct hvst_arm *arm)
{
	struct guest_edge *e = t->state->edge;
	int64_t headroom;

	if (arm->kind == HVST_ARM_PERIODIC || arm->skew_ns == HVST_UNKNOWN ||
	    arm->error_ns > ON_LINE_NS ||
	    arm->flags & (HVST_ARM_RESTART | HVST_ARM_HOST | HVST_ARM_PARKED))
		return;
	headroom = -arm->skew_ns;
	if (headroom > e->most)
		e->most = headroom;
	e->last = (struct edge_point){ arm->ts_ns, headroom };
	if (!e->per)
		line_restart(e);
	if (e->win_n && e->win_n >= WIN_ARMS * e->per &&
	    arm->ts_ns - e->win_from >= WIN_NS * e->per) {
		point_add(a, t, e->win);
		e->win_n = 0;
	}
	if (!e->win_n)
		e->win_from = arm->ts_ns;
	grid_step(e, arm->count);
	if (!e->win_n || headroom > e->win.v)
		e->win = (struct edge_point){ arm->ts_ns, headroom };
	e->win_n++;
}

/* Did the guest's clock change near @ts, as far as other evidence shows? */
static bool changed_near(const struct analysis *a, const struct vcpu *v, int64_t ts)
{
	for (unsigned int i = 0; i < a->nr_transitions; i++) {
		const struct transition_found *t = &a->transitions[i];

		if (t->of->vm == v->vm && t->transition.role == HVST_ROLE_STIMER &&
		    (!t->vcpu || t->vcpu == v) && llabs(t->transition.ts_ns - ts) < NEAR_STORM_NS)
			return true;
	}
	return false;
}

static bool stepped_near(const struct vcpu *v, int64_t ts)
{
	const struct refclock_piece *p;

	for (unsigned int i = 0; (p = hvst_refclock_piece(&v->vm->clock, i)); i++)
		if (p->joint == REFCLOCK_STEP && llabs(p->at - ts) < NEAR_STORM_NS)
			return true;
	return false;
}

/*
 * A storm of a lagging guest begins or ends without a write of the page and without a change in
 * what the guest reads: it changed its clock silently, away from the page or back to it. A step of
 * the host's clock that the guest does not follow looks the same, although the page would have
 * announced it.
 */
static void silent_changes(struct analysis *a, const struct hvst_storm *s, struct vcpu *v)
{
	enum hvst_guest_source usual = hvst_clocksource_at(a, v, s->start_ns);
	struct hvst_guest_transition *g;

	if (s->kind != HVST_STORM_CONSTANT || changed_near(a, v, s->start_ns))
		return;
	g = hvst_guestclock_suspect(a, v, s->start_ns, NAN, NAN);
	if (!g)
		return;
	g->offset_ns = s->skew_max_ns == HVST_UNKNOWN ? HVST_UNKNOWN : -s->skew_max_ns;
	hvst_evidence_stat(&g->evidence,
			   stepped_near(v, s->start_ns)
				   ? "timer %d: the host's clock stepped and the guest's did not "
				     "follow: it does not read the page"
				   : "timer %d: from one arm to the next the guest's clock lags, "
				     "and nothing in the trace says why",
			   s->timer);
	if (s->open || changed_near(a, v, s->end_ns))
		return;
	g = hvst_guestclock_suspect(a, v, s->end_ns, NAN, NAN);
	if (!g)
		return;
	g->from = HVST_SRC_RAW_TSC;
	g->to = usual;
	hvst_evidence_stat(&g->evidence,
			   "timer %d: the lag is gone from one arm to the next, and nothing in the "
			   "trace says why",
			   s->timer);
}

enum across_step { ACROSS_UNKNOWN, ACROSS_FOLLOWS, ACROSS_LAGS };

/*
 * Did the clock that a timer is programmed by follow the step? If it did not, every arm after the
 * step is shorter by exactly its size. A step ends a line, so a line that continues shows that
 * there was none.
 */
static enum across_step across(const struct guest_edge *e, const struct refclock_piece *p)
{
	const struct edge_pass *before = NULL, *after = NULL;
	unsigned int n = e->nr_passes < EDGE_PASSES ? e->nr_passes : EDGE_PASSES;
	double tolerance = fmax(ON_LINE_NS, (double)p->step / 50), fell;

	for (unsigned int i = 0; i < n; i++) {
		const struct edge_pass *x = &e->passes[(e->nr_passes - n + i) % EDGE_PASSES];

		if (x->from < p->after && x->to > p->until + WIN_NS)
			return ACROSS_FOLLOWS;
		if (x->from < p->after)
			before = x;
		else if (!after && x->to > p->until)
			after = x;
	}
	if (!before)
		return ACROSS_UNKNOWN;
	if (after) {
		fell = before->last - after->first;
		if (fabs(fell - (double)p->step) <= tolerance)
			return ACROSS_LAGS;
		return fabs(fell) <= tolerance ? ACROSS_FOLLOWS : ACROSS_UNKNOWN;
	}
	/* At most a window after the step: latency shortens headrooms and never lengthens one. */
	if (e->last.ts > p->until && (double)e->last.v > before->last - (double)p->step / 2)
		return ACROSS_FOLLOWS;
	return ACROSS_UNKNOWN;
}

static struct stimer *next_timer(struct vcpu **v, unsigned int *i)
{
	for (; *v; *v = (*v)->vm_next, *i = 0)
		while (*i < HVST_STIMERS) {
			struct stimer *t = (*v)->timer[(*i)++];

			if (t && t->state)
				return t;
		}
	return NULL;
}

/*
 * After a step forward that is shorter than the delays it asks for, a guest whose clock did not
 * follow still arms ahead: only the arms on either side of the step show it.
 */
static void lags_since_step(struct vm *vm, const struct refclock_piece *p)
{
	struct vm_guestclock *c = vm->state->guestclock;
	bool follows = false, lags = false, unclear = false;
	struct vcpu *v = vm->vcpus;
	unsigned int i = 0;

	for (struct stimer *t; (t = next_timer(&v, &i));) {
		enum across_step x = across(t->state->edge, p);

		follows |= x == ACROSS_FOLLOWS;
		unclear |= t->state->edge->last.ts > p->until && t->state->edge->most > p->step;
		if (x != ACROSS_LAGS)
			continue;
		lags = true;
		c->lag_ns = p->step;
		c->lag_from_ns = p->at;
		c->tid = t->vcpu->tid;
		c->timer = t->index;
	}
	if (follows || lags || !unclear)
		return;
	c->unclear_ns = p->step;
	c->unclear_from_ns = p->at;
}

void hvst_guestclock_finish(struct analysis *a)
{
	const struct refclock_piece *p;

	for (unsigned int i = 0; i < a->nr_storms && i < MAX_SILENT; i++)
		silent_changes(a, &a->storms[i].storm, a->storms[i].vcpu);
	hvst_each_timer(a, line_end);
	for_each_vm (vm, a) {
		if (!vm->state)
			continue;
		for (unsigned int i = 0; (p = hvst_refclock_piece(&vm->clock, i)); i++)
			if (p->joint == REFCLOCK_STEP && !p->at_least && p->step >= MIN_LAG_NS)
				lags_since_step(vm, p);
	}
}
