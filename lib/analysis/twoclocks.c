/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. Series of readings and counts, and the points made of them at the end. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "../abi/list.h"
#include "../stats/series.h"
#include "by_vm.h"
#include "guestclock.h"
#include "life.h"
#include "twoclocks.h"

#define SAME_COUNT   10		  /* ref units: the same target, of a guest that recomputes it */
#define MIN_RETRIES  2		  /* of one target */
#define MIN_LATE     8		  /* past-due arms in a row, as in a burst */
#define LEVEL_NS     (200 * 1000) /* two upper edges this close show one delay */
#define MAX_BACKLOGS 16		  /* of one timer that are told apart */
#define MAX_SLOPE    8		  /* no clock deviates by more than a part in so many */
#define MAX_OFF_NS   (INT64_MAX / 4)
#define MAX_VCPUS    8	       /* of a VM whose points are kept */
#define MAX_POINTS   (1 << 17) /* of all VMs */

struct stretch {
	int64_t from, to;
};

/*
 * What the arms of a timer show. The headroom of arms ahead is the requested delay plus the lead of
 * the guest's clock; latency only lowers it. The other two are offsets, 100 * count - trace time.
 */
struct timer_counts {
	struct hvst_series ahead;
	/*
	 * The guest's clock itself: its counts when it had reached them, after arming them past
	 * due.
	 */
	struct hvst_series *reached;
	struct hvst_series *late; /* past-due arms in a row, each with a count of its own */
	const struct stimer *timer;
	uint64_t arms;
	uint64_t count; /* of the arm before, when it was, and by how much its count moved on */
	int64_t ts, step;
	unsigned int retries, nr_late; /* in a row, up to now */
	int64_t retry_ts, retry_offset;
	struct stretch backlog[MAX_BACKLOGS];
	unsigned int nr_backlog;
};

int hvst_twoclocks_vm_created(struct vm *vm)
{
	vm->state->readings = malloc(sizeof(*vm->state->readings));
	if (!vm->state->readings)
		return -ENOMEM;
	hvst_series_init(vm->state->readings);
	return 0;
}

void hvst_twoclocks_vm_free(struct vm *vm)
{
	free(vm->state->readings);
}

void hvst_twoclocks_timer_free(struct stimer *t)
{
	if (t->state->counts) {
		free(t->state->counts->reached);
		free(t->state->counts->late);
	}
	free(t->state->counts);
}

void hvst_twoclocks_sample(struct vm *vm, const struct hvst_event *ev)
{
	uint64_t now = ev->id == HVST_EV_MSR ? ev->msr.data : ev->start.time_now;

	hvst_series_add(vm->state->readings, ev->ts_ns, hvst_refclock_offset(now, ev->ts_ns));
}

static __attribute__((noinline)) int add_to(struct hvst_series **s, int64_t ts, int64_t offset)
{
	if (!*s) {
		*s = malloc(sizeof(**s));
		if (!*s)
			return -ENOMEM;
		hvst_series_init(*s);
	}
	hvst_series_add(*s, ts, offset);
	return 0;
}

/* The guest goes on to its next target: its clock has reached the previous one. */
static int target_reached(struct timer_counts *c)
{
	bool retried = c->retries >= MIN_RETRIES;

	c->retries = 0;
	return retried ? add_to(&c->reached, c->retry_ts, c->retry_offset) : 0;
}

/*
 * A count moved on by the step of the one before, and not by the time that passed, belongs to a row
 * of ticks: no clock was read.
 */
static bool is_tick(const struct timer_counts *c, int64_t ts, int64_t step)
{
	int64_t passed = hvst_refclock_sub(ts, c->ts);

	return hvst_step_repeats(step, c->step) &&
	       llabs(hvst_refclock_sub(100 * step, passed)) > passed / 8;
}

static int past_due(struct timer_counts *c, int64_t ts, int64_t offset, int64_t step)
{
	int err;

	if (llabs(step) <= SAME_COUNT) {
		c->retries++;
		c->retry_ts = ts;
		c->retry_offset = offset;
		c->nr_late = 0;
		return 0;
	}
	err = target_reached(c);
	c->nr_late = is_tick(c, ts, step) ? 0 : c->nr_late + 1;
	if (!err && c->nr_late >= MIN_LATE)
		err = add_to(&c->late, ts, offset);
	return err;
}

static __attribute__((noinline)) struct timer_counts *counts_new(struct stimer *t,
								 const struct hvst_arm *arm)
{
	struct timer_counts *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	hvst_series_init(&c->ahead);
	c->timer = t;
	c->count = arm->count;
	c->ts = arm->ts_ns;
	t->state->counts = c;
	return c;
}

int hvst_twoclocks_arm(struct stimer *t, const struct hvst_arm *arm, int64_t offset)
{
	struct timer_counts *c = t->state->counts;
	int64_t step;
	int err = 0;

	if (arm->kind == HVST_ARM_PERIODIC || !arm->count ||
	    arm->flags & (HVST_ARM_RESTART | HVST_ARM_PARKED | HVST_ARM_HOST))
		return 0;
	if (!c)
		c = counts_new(t, arm);
	if (!c)
		return -ENOMEM;
	step = hvst_count_step(c->count, arm->count);
	c->arms++;
	if (arm->kind == HVST_ARM_PAST_DUE) {
		err = past_due(c, arm->ts_ns, offset, step);
	} else {
		err = target_reached(c);
		c->nr_late = 0;
		if (arm->skew_ns != HVST_UNKNOWN)
			hvst_series_add(&c->ahead, arm->ts_ns, -arm->skew_ns);
	}
	c->count = arm->count;
	c->ts = arm->ts_ns;
	c->step = step;
	return err;
}

void hvst_twoclocks_gap(struct vcpu *v)
{
	for (unsigned int i = 0; i < HVST_STIMERS; i++) {
		struct timer_counts *c =
			v->timer[i] && v->timer[i]->state ? v->timer[i]->state->counts : NULL;

		if (c)
			c->retries = c->nr_late = 0;
	}
}

void hvst_twoclocks_merged(struct vm *into, struct vm *from)
{
	hvst_series_merge(into->state->readings, from->state->readings);
}

/* --- from offsets to points ------------------------------------------------------------------- */

/* What the points of one VM are made from. */
struct axis {
	struct analysis *a;
	const struct vm *vm;
	unsigned int shift;
	int64_t first, end;		/* indexes of bins */
	int64_t line_ns;		/* the line: trace time plus this */
	double rate;			/* of the VM's first segment */
	bool stepped[HVST_SERIES_BINS]; /* the reference clock did, in that bin */
	/* The reference clock, also between readings; least > most: not known. */
	struct hvst_series_bin reference[HVST_SERIES_BINS];
};

/* One bin of one vCPU. */
struct bin {
	int64_t from, to;
	const struct hvst_series_bin *reading, *ahead, *reached, *late;
	bool backlog, stepped; /* in a backlog; the reference clock stepped in it */
};

/* What is known of a timer's delays, from bin to bin. */
struct habit {
	bool known;
	bool grid; /* the beat of ticks with another period may move the headroom, slowly */
	int64_t delay;
	int64_t headroom, reading; /* of the last bin that shows it */
	int64_t apart;		   /* the guest's clock less the reference clock there */
};

/* The counts of the busiest timer: one timer has one pattern of delays. */
static struct timer_counts *busiest(const struct vcpu *v)
{
	struct timer_counts *best = NULL;

	for (unsigned int i = 0; i < HVST_STIMERS; i++) {
		struct timer_counts *c =
			v->timer[i] && v->timer[i]->state ? v->timer[i]->state->counts : NULL;

		if (c && (!best || c->arms > best->arms))
			best = c;
	}
	return best;
}

/* The trace clock, from the first reading of the VM's reference clock on. */
static bool find_line(struct axis *x)
{
	const struct hvst_ref_segment *s;

	for_each_of_vm (s, x->a, reference, x->vm->number) {
		if (s->offset_ns == HVST_UNKNOWN)
			continue;
		x->line_ns = s->offset_ns;
		x->rate = isnan(s->rate_ppm) ? 0 : s->rate_ppm / 1e6;
		return true;
	}
	return false;
}

static void reach_over(struct axis *x, const struct hvst_series *s)
{
	if (!s || !s->n)
		return;
	if (x->first == x->end) {
		x->first = s->first;
		x->end = s->first + s->n;
		return;
	}
	if (s->first < x->first)
		x->first = s->first;
	if (s->first + s->n > x->end)
		x->end = s->first + s->n;
}

/* Calls @fn for every series of the VM. */
static void each_series(struct axis *x, void (*fn)(struct axis *x, struct hvst_series *s))
{
	fn(x, x->vm->state->readings);
	for_each_vcpu (v, x->vm) {
		struct timer_counts *c = v->state ? busiest(v) : NULL;

		if (!c)
			continue;
		fn(x, &c->ahead);
		if (c->reached)
			fn(x, c->reached);
		if (c->late)
			fn(x, c->late);
	}
}

static void widest(struct axis *x, struct hvst_series *s)
{
	if (s->shift > x->shift)
		x->shift = s->shift;
}

static void widen_to(struct axis *x, struct hvst_series *s)
{
	hvst_series_widen(s, x->shift);
	reach_over(x, s);
}

/* The bins of all series side by side, at most as many as one series has. */
static void lay_side_by_side(struct axis *x)
{
	x->shift = 0;
	each_series(x, widest);
	for (;; x->shift++) {
		x->first = x->end = 0;
		each_series(x, widen_to);
		if (x->end - x->first <= HVST_SERIES_BINS)
			return;
	}
}

/* When a bin begins; saturated. */
static int64_t bin_start(const struct axis *x, int64_t index)
{
	int64_t ns;

	if (__builtin_mul_overflow(index, 1LL << x->shift, &ns))
		return index < 0 ? -INT64_MAX : INT64_MAX;
	return ns;
}

static void mark_steps(struct axis *x)
{
	const struct hvst_ref_segment *s;

	for_each_of_vm (s, x->a, reference, x->vm->number) {
		int64_t at = s->from_ns >> x->shift;

		if (s->step_ns != HVST_UNKNOWN && s->step_ns && at >= x->first && at < x->end)
			x->stepped[at - x->first] = true;
	}
}

/*
 * Between two readings that agree the reference clock ran on: a stock kernel does not read it for a
 * past-due arm, thus never in a storm.
 */
static void interpolate(struct axis *x, int64_t from, int64_t to)
{
	const struct hvst_series_bin *a = &x->reference[from - x->first];
	const struct hvst_series_bin *b = &x->reference[to - x->first];
	int64_t moved = hvst_refclock_sub(b->most, a->most);

	if (llabs(moved) > LEVEL_NS + (bin_start(x, to) - bin_start(x, from)) / MAX_SLOPE)
		return;
	for (int64_t i = from + 1; i <= to; i++)
		if (x->stepped[i - x->first])
			return;
	for (int64_t i = from + 1; i < to; i++) {
		struct hvst_series_bin *r = &x->reference[i - x->first];

		r->least = r->most = a->most + moved / (to - from) * (i - from);
	}
}

/* In a bin with a step use only values beyond it, thus further from the previous bin. */
static void after_step(struct hvst_series_bin *b, const struct hvst_series_bin *before)
{
	int64_t down = hvst_refclock_sub(before->most, b->least);
	int64_t up = hvst_refclock_sub(b->most, before->most);

	if (down > up)
		b->most = b->least;
	else
		b->least = b->most;
}

/* The last event before @ts that may have moved the VM's clock; INT64_MIN: none. */
static int64_t moved_before(const struct vm *vm, int64_t ts)
{
	const struct vm_life *l = vm->state->life;
	int64_t last = INT64_MIN;

	for (unsigned int i = 0; i < l->nr && l->steps[i].ts_ns < ts; i++)
		if (l->steps[i].kind <= LIFE_MASTER)
			last = l->steps[i].ts_ns;
	return last;
}

/* Back from the first reading, in bin @to, unless the clock may have been moved in between. */
static void extrapolate(struct axis *x, int64_t to)
{
	const struct hvst_series_bin *first = &x->reference[to - x->first];
	int64_t begin = moved_before(x->vm, bin_start(x, to + 1));

	for (int64_t i = to - 1; i >= x->first && bin_start(x, i) > begin; i--) {
		struct hvst_series_bin *r = &x->reference[i - x->first];

		r->least = r->most =
			first->most -
			(int64_t)(x->rate * (double)(bin_start(x, to) - bin_start(x, i)));
	}
}

static void follow_reference(struct axis *x)
{
	int64_t last = x->end;

	for (int64_t i = x->first; i < x->end; i++) {
		const struct hvst_series_bin *r = hvst_series_at(x->vm->state->readings, i);

		x->reference[i - x->first] =
			r ? *r : (struct hvst_series_bin){ INT64_MAX, INT64_MIN };
		if (!r)
			continue;
		if (x->stepped[i - x->first] && last < x->end)
			after_step(&x->reference[i - x->first], &x->reference[last - x->first]);
		if (last == x->end)
			extrapolate(x, i);
		else if (last < i - 1)
			interpolate(x, last, i);
		last = i;
	}
}

static void backlog_add(struct timer_counts *c, const struct hvst_storm *s)
{
	struct stretch *b = &c->backlog[c->nr_backlog ? c->nr_backlog - 1 : 0];

	if (c->nr_backlog < MAX_BACKLOGS)
		c->backlog[c->nr_backlog++] = (struct stretch){ s->start_ns, s->end_ns };
	else if (s->end_ns > b->to)
		b->to = s->end_ns;
}

static void find_backlogs(struct analysis *a)
{
	for (unsigned int i = 0; i < a->nr_storms; i++) {
		const struct hvst_storm *s = &a->storms[i].storm;
		const struct stimer *t = a->storms[i].vcpu->timer[s->timer];

		if (s->kind == HVST_STORM_BACKLOG && t && t->state->counts)
			backlog_add(t->state->counts, s);
	}
}

static bool in_backlog(const struct timer_counts *c, int64_t from, int64_t to)
{
	for (unsigned int i = 0; i < c->nr_backlog; i++)
		if (c->backlog[i].from < to && c->backlog[i].to >= from)
			return true;
	return false;
}

static void bin_at(const struct axis *x, const struct timer_counts *c, int64_t index, struct bin *b)
{
	*b = (struct bin){ .from = bin_start(x, index),
			   .to = bin_start(x, index + 1),
			   .reading = &x->reference[index - x->first],
			   .ahead = c ? hvst_series_at(&c->ahead, index) : NULL,
			   .reached = c && c->reached ? hvst_series_at(c->reached, index) : NULL,
			   .late = c && c->late ? hvst_series_at(c->late, index) : NULL,
			   .stepped = x->stepped[index - x->first] };
	if (b->reading->least > b->reading->most)
		b->reading = NULL;
	b->backlog = c && in_backlog(c, b->from, b->to);
	/* Replayed ticks show when they were due, not what the guest's clock is. */
	if (b->backlog)
		b->reached = b->late = NULL;
}

static bool near(int64_t a, int64_t b)
{
	return llabs(hvst_refclock_sub(a, b)) <= LEVEL_NS;
}

static int64_t moved_by(const struct habit *h, const struct bin *b)
{
	return b->reading && h->reading != HVST_UNKNOWN
		       ? hvst_refclock_sub(b->reading->most, h->reading)
		       : 0;
}

/*
 * The reference clock moved, and the guest's clock did not: its arms are less far ahead, or
 * further.
 */
static bool stayed(const struct habit *h, const struct bin *b)
{
	int64_t longer = hvst_refclock_sub(b->ahead->most, h->headroom);
	int64_t moved = moved_by(h, b);

	return h->known && !near(moved, 0) && near(longer, -moved);
}

/*
 * Does the upper edge of a bin's arms ahead continue the previous one, at its level or moved by a
 * step of the reference clock that the guest's clock did not follow? It then shows that clock.
 */
static bool goes_on(const struct habit *h, const struct bin *b)
{
	return h->known && (near(b->ahead->most, h->headroom) || stayed(h, b));
}

/*
 * Another delay, and the same clock: where the guest's clock agreed with the reference clock it
 * still does. An arm cannot tell a longer delay from a clock that leads.
 */
static void delay_anew(struct habit *h, const struct bin *b)
{
	h->apart = h->known && !near(h->apart, 0) ? h->apart : 0;
	h->delay = hvst_refclock_sub(b->ahead->most, h->apart);
	if (h->delay < 0)
		h->delay = 0;
	h->known = true;
	h->headroom = b->ahead->most;
}

static void follow(struct habit *h, const struct bin *b)
{
	if (h->grid && near(b->ahead->most, h->headroom))
		h->delay += b->ahead->most - h->headroom; /* less than LEVEL_NS */
	h->headroom = b->ahead->most;
	h->reading = b->reading ? b->reading->most : HVST_UNKNOWN;
	h->apart = hvst_refclock_sub(h->headroom, h->delay);
}

/* The next bin after @index with arms ahead. */
static bool next_ahead(const struct axis *x, const struct timer_counts *c, int64_t index,
		       struct bin *b)
{
	for (index++; index < x->end; index++)
		if (hvst_series_at(&c->ahead, index)) {
			bin_at(x, c, index, b);
			return true;
		}
	return false;
}

/* Does the bin begin another delay of the guest's? Two bins in a row have to have it. */
static bool begins_delay(const struct axis *x, const struct timer_counts *c, int64_t index,
			 const struct bin *b, struct habit *h)
{
	struct habit anew = *h;
	struct bin next;

	if (b->backlog || b->late || b->stepped || !b->reading || !next_ahead(x, c, index, &next))
		return false;
	delay_anew(&anew, b);
	follow(&anew, b);
	if (!goes_on(&anew, &next))
		return false;
	*h = anew;
	return true;
}

/*
 * The guest's clock in bin @index, as an offset; false where its arms do not show it. Where they
 * lag in a part of the bin, they lag in it. A bin with a step may have arms from both sides of it.
 */
static bool guest_in(const struct axis *x, const struct timer_counts *c, int64_t index,
		     const struct bin *b, struct habit *h, struct hvst_series_bin *out)
{
	bool shown = b->ahead && b->reading && (!b->stepped || stayed(h, b)) &&
		     (goes_on(h, b) || begins_delay(x, c, index, b, h));

	if (shown)
		follow(h, b);
	if (b->reached) {
		*out = *b->reached;
		return true;
	}
	if (b->late)
		out->least = out->most = hvst_refclock_sub(b->late->most, h->delay);
	else if (shown)
		out->least = out->most = hvst_refclock_sub(b->reading->most, -h->apart);
	return b->late || shown;
}

struct points {
	struct hvst_clock_point *list;
	unsigned int n, cap;
};

static struct hvst_clock_point *point_add(struct points *p)
{
	if (p->n == p->cap) {
		unsigned int cap = p->cap ? 2 * p->cap : 256;
		struct hvst_clock_point *list = realloc(p->list, cap * sizeof(*list));

		if (!list)
			return NULL;
		p->list = list;
		p->cap = cap;
	}
	return &p->list[p->n++];
}

/* Bounded so that two such can be added. */
static int64_t from_line(const struct axis *x, int64_t offset)
{
	int64_t d = hvst_refclock_sub(offset, x->line_ns);

	return d > MAX_OFF_NS ? MAX_OFF_NS : d < -MAX_OFF_NS ? -MAX_OFF_NS : d;
}

/* @vcpu -1: only the reference clock. */
static int point_of(const struct axis *x, int vcpu, const struct bin *b,
		    const struct hvst_series_bin *guest, struct points *p)
{
	struct hvst_clock_point *point = p->n < MAX_POINTS ? point_add(p) : NULL;
	const struct hvst_series_bin *r = b->reading;

	if (!point)
		return p->n < MAX_POINTS ? -ENOMEM : 0;
	*point = (struct hvst_clock_point){
		.vm = x->vm->number,
		.vcpu = vcpu,
		.from_ns = b->from,
		.to_ns = b->to,
		.reference_min_ns = r ? from_line(x, r->least) : HVST_UNKNOWN,
		.reference_max_ns = r ? from_line(x, r->most) : HVST_UNKNOWN,
		.guest_min_ns = guest ? from_line(x, guest->least) : HVST_UNKNOWN,
		.guest_max_ns = guest ? from_line(x, guest->most) : HVST_UNKNOWN,
	};
	return 0;
}

/*
 * Adds the points of one vCPU to @p, if any; returns the most that its clock was off the reference
 * clock.
 */
static int vcpu_points(const struct axis *x, const struct vcpu *v, struct points *p, int64_t *apart)
{
	const struct timer_counts *c = busiest(v);
	struct habit h = { .reading = HVST_UNKNOWN, .grid = hvst_guestclock_on_grid(c->timer) };
	struct hvst_series_bin guest;
	struct bin b;

	*apart = 0;
	for (int64_t i = x->first; c && i < x->end; i++) {
		int64_t d;

		bin_at(x, c, i, &b);
		if (!guest_in(x, c, i, &b, &h, &guest))
			continue;
		d = b.reading ? llabs(hvst_refclock_sub(guest.most, b.reading->most)) : 0;
		if (d > *apart)
			*apart = d;
		if (p && point_of(x, v->vcpu_id, &b, &guest, p))
			return -ENOMEM;
	}
	return 0;
}

/* Of one vCPU whose points are kept. */
struct chosen {
	const struct vcpu *v;
	int64_t apart;
	uint64_t arms;
};

static bool worth_more(const struct chosen *a, const struct chosen *b)
{
	if (llabs(a->apart - b->apart) > LEVEL_NS)
		return a->apart > b->apart;
	return a->arms > b->arms;
}

static int cmp_chosen(const void *x, const void *y)
{
	const struct chosen *a = x, *b = y;

	return a->v->vcpu_id < b->v->vcpu_id ? -1 : a->v->vcpu_id > b->v->vcpu_id;
}

/* Keep those whose clock deviates most from the reference clock, then those with most arms. */
static unsigned int choose(const struct axis *x, struct chosen *list)
{
	unsigned int n = 0, at;

	for_each_vcpu (v, x->vm) {
		const struct timer_counts *t = v->state ? busiest(v) : NULL;
		struct chosen c = { .v = v, .arms = t ? t->arms : 0 };

		if (!t || !hvst_filter_pass(x->a, v, -1))
			continue;
		vcpu_points(x, v, NULL, &c.apart);
		for (at = n; at > 0 && worth_more(&c, &list[at - 1]); at--)
			if (at < MAX_VCPUS)
				list[at] = list[at - 1];
		if (at < MAX_VCPUS)
			list[at] = c;
		n += n < MAX_VCPUS;
	}
	qsort(list, n, sizeof(*list), cmp_chosen);
	return n;
}

static int vm_points(struct axis *x, struct points *p)
{
	struct chosen list[MAX_VCPUS];
	unsigned int n;
	int64_t apart;
	struct bin b;

	lay_side_by_side(x);
	mark_steps(x);
	follow_reference(x);
	for (int64_t i = x->first; i < x->end; i++) {
		bin_at(x, NULL, i, &b);
		if (hvst_series_at(x->vm->state->readings, i) && point_of(x, -1, &b, NULL, p))
			return -ENOMEM;
	}
	n = choose(x, list);
	for (unsigned int i = 0; i < n; i++)
		if (vcpu_points(x, list[i].v, p, &apart))
			return -ENOMEM;
	return 0;
}

int hvst_twoclocks_build(struct analysis *a)
{
	struct points p = { 0 };
	int err = 0;

	find_backlogs(a);
	for_each_vm (vm, a) {
		struct axis x = { .a = a, .vm = vm };

		if (!vm->state || vm->number < 0 || !hvst_vm_pass(a, vm) || !find_line(&x))
			continue;
		err = vm_points(&x, &p);
		if (err)
			break;
	}
	a->result.points = hvst_list(p.list, p.n, sizeof(*p.list));
	a->result.nr_points = p.n;
	return a->result.points ? err : -ENOMEM;
}
