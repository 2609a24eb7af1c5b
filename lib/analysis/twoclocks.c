/* SPDX-License-Identifier: LGPL-2.1 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "../stats/series.h"
#include "twoclocks.h"

/* What the guest asks for, as an offset: 100 * count - trace time. */
struct timer_counts {
	struct hvst_series series;
	uint64_t arms;
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
	free(t->state->counts);
}

void hvst_twoclocks_sample(struct vm *vm, const struct hvst_event *ev)
{
	uint64_t now = ev->id == HVST_EV_MSR ? ev->msr.data : ev->start.time_now;

	hvst_series_add(vm->state->readings, ev->ts_ns, hvst_refclock_offset(now, ev->ts_ns));
}

int hvst_twoclocks_arm(struct stimer *t, const struct hvst_arm *arm)
{
	struct timer_counts *c = t->state->counts;

	if (arm->kind == HVST_ARM_PERIODIC || !arm->count ||
	    arm->flags & (HVST_ARM_RESTART | HVST_ARM_PARKED | HVST_ARM_HOST))
		return 0;
	if (!c) {
		c = calloc(1, sizeof(*c));
		if (!c)
			return -ENOMEM;
		hvst_series_init(&c->series);
		t->state->counts = c;
	}
	c->arms++;
	hvst_series_add(&c->series, arm->ts_ns, hvst_refclock_offset(arm->count, arm->ts_ns));
	return 0;
}

void hvst_twoclocks_merged(struct vm *into, struct vm *from)
{
	hvst_series_merge(into->state->readings, from->state->readings);
}

/* The counts of the VM's busiest timer: one timer has one habit of delays. */
static struct timer_counts *busiest(const struct vm *vm)
{
	struct timer_counts *best = NULL;

	for (const struct vcpu *v = vm->vcpus; v; v = v->vm_next)
		for (unsigned int i = 0; i < HVST_STIMERS; i++) {
			struct timer_counts *c = v->timer[i] && v->timer[i]->state
							 ? v->timer[i]->state->counts
							 : NULL;

			if (c && (!best || c->arms > best->arms))
				best = c;
		}
	return best;
}

/* The line: the reference clock as it ran in the longest of its segments. */
struct base {
	int64_t from_ns, offset_ns;
	double slope;
};

static bool base_of(const struct analysis *a, int vm, struct base *b)
{
	const struct hvst_ref_segment *best = NULL, *first = NULL;

	for (unsigned int i = 0; i < a->result.nr_reference; i++) {
		const struct hvst_ref_segment *s = &a->result.reference[i];

		if (s->vm != vm || s->offset_ns == HVST_UNKNOWN)
			continue;
		if (!first)
			first = s;
		if (!best || s->to_ns - s->from_ns > best->to_ns - best->from_ns)
			best = s;
	}
	if (!first)
		return false;
	*b = (struct base){ first->from_ns, first->offset_ns,
			    isnan(best->rate_ppm) ? 0 : best->rate_ppm / 1e6 };
	return true;
}

static int64_t deviation(const struct base *b, int64_t t, int64_t offset, int64_t delay)
{
	double line = (double)b->offset_ns + b->slope * ((double)t - (double)b->from_ns);
	double d = (double)offset - line - (double)delay;

	return d > 4e18 ? (int64_t)4e18 : d < -4e18 ? -(int64_t)4e18 : (int64_t)d;
}

static int cmp_i64(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

	return a < b ? -1 : a > b;
}

/*
 * The longest delay that the guest usually asks for: the median, over the bins with an arm ahead,
 * of the count that reaches furthest beyond the reference clock. A lag lasts for the lesser part of
 * a trace, or leaves no arm ahead.
 */
static int64_t usual_delay(const struct hvst_series *readings, const struct hvst_series *counts)
{
	int64_t delay[HVST_SERIES_BINS];
	unsigned int n = 0;

	for (unsigned int i = 0; i < counts->n; i++) {
		const struct hvst_series_bin *c = hvst_series_at(counts, counts->first + i);
		const struct hvst_series_bin *r = hvst_series_at(readings, counts->first + i);

		if (c && r && hvst_refclock_sub(c->most, r->most) > 0)
			delay[n++] = hvst_refclock_sub(c->most, r->most);
	}
	if (!n)
		return 0;
	qsort(delay, n, sizeof(*delay), cmp_i64);
	return delay[n / 2];
}

static void point_of(const struct base *b, const struct hvst_series_bin *r,
		     const struct hvst_series_bin *c, int64_t delay, struct hvst_clock_point *p)
{
	int64_t mid = p->from_ns + (p->to_ns - p->from_ns) / 2;

	p->reference_min_ns = r ? deviation(b, mid, r->least, 0) : HVST_UNKNOWN;
	p->reference_max_ns = r ? deviation(b, mid, r->most, 0) : HVST_UNKNOWN;
	p->guest_min_ns = c ? deviation(b, mid, c->least, delay) : HVST_UNKNOWN;
	p->guest_max_ns = c ? deviation(b, mid, c->most, delay) : HVST_UNKNOWN;
}

/* Bins of both that lie side by side, few enough; *@first, *@end: the indexes that they reach over.
 */
static void lay_side_by_side(struct hvst_series *x, struct hvst_series *y, int64_t *first,
			     int64_t *end)
{
	for (unsigned int shift = x->shift;; shift++) {
		hvst_series_widen(x, shift);
		hvst_series_widen(y, x->shift);
		hvst_series_widen(x, y->shift);
		shift = x->shift;
		*first = !y->n || (x->n && x->first < y->first) ? x->first : y->first;
		*end = *first;
		if (x->n && x->first + x->n > *end)
			*end = x->first + x->n;
		if (y->n && y->first + y->n > *end)
			*end = y->first + y->n;
		if (*end - *first <= 2 * HVST_SERIES_BINS)
			return;
	}
}

/* As many points at most as both series have bins. */
static unsigned int points_most(const struct vm *vm)
{
	const struct timer_counts *c = busiest(vm);

	return vm->state->readings->n + (c ? c->series.n : 0);
}

static unsigned int points_of(const struct vm *vm, const struct base *b,
			      struct hvst_clock_point *out)
{
	struct hvst_series *readings = vm->state->readings;
	struct timer_counts *counts = busiest(vm);
	struct hvst_series none, *c = counts ? &counts->series : &none;
	int64_t first, end, delay;
	unsigned int n = 0;

	hvst_series_init(&none);
	lay_side_by_side(readings, c, &first, &end);
	delay = usual_delay(readings, c);
	for (int64_t i = first; i < end; i++) {
		const struct hvst_series_bin *r = hvst_series_at(readings, i);
		const struct hvst_series_bin *g = hvst_series_at(c, i);

		if (!r && !g)
			continue;
		out[n] = (struct hvst_clock_point){ .vm = vm->number,
						    .from_ns = i * (1LL << c->shift),
						    .to_ns = (i + 1) * (1LL << c->shift) };
		point_of(b, r, g, delay, &out[n++]);
	}
	return n;
}

int hvst_twoclocks_build(struct analysis *a)
{
	struct hvst_clock_point *list;
	unsigned int most = 0, n = 0;
	struct base b;

	for_each_vm (vm, a)
		most += vm->state && vm->number >= 0 ? points_most(vm) : 0;
	list = calloc(most ? most : 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	for_each_vm (vm, a)
		if (vm->state && vm->number >= 0 && hvst_vm_pass(a, vm) &&
		    base_of(a, vm->number, &b))
			n += points_of(vm, &b, list + n);
	a->result.points = list;
	a->result.nr_points = n;
	return 0;
}
