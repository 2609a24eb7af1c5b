// SPDX-License-Identifier: LGPL-2.1
/*
 * Stage: kvm. All lines that cross a series of ranges, kept as the two extreme ones: J. O'Rourke,
 * An on-line algorithm for fitting straight lines between data ranges, 1981. The upper hull of the
 * lower ends is the envelope of Moon, Skelly and Towsley (1999), from which the estimate is taken.
 */
#include <math.h>
#include <string.h>

#include "refclock.h"

#define SLOPE_KNOWN 200e-6 /* a slope known less well than this is taken from the prior */

static double at(struct refclock_point p, double slope, double x)
{
	return p.y + slope * (x - p.x);
}

static double above(struct refclock_point a, struct refclock_point b, struct refclock_point c)
{
	return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

/*
 * Adds to the hull that bulges to @side (+1 up, -1 down); when it is full, the flattest corner is
 * dropped.
 */
static void hull_add(struct refclock_point *h, unsigned int *n, struct refclock_point p,
		     double side)
{
	unsigned int least = 1;

	while (*n >= 2 && side * above(h[*n - 2], h[*n - 1], p) >= 0)
		(*n)--;
	if (*n == REFCLOCK_HULL) {
		double area = HUGE_VAL;

		for (unsigned int i = 1; i + 1 < *n; i++) {
			double a = fabs(above(h[i - 1], h[i + 1], h[i]));

			if (a < area) {
				area = a;
				least = i;
			}
		}
		memmove(h + least, h + least + 1, (*n - least - 1) * sizeof(*h));
		(*n)--;
	}
	h[(*n)++] = p;
}

void hvst_refclock_fit_begin(struct refclock_fit *f, int64_t t, int64_t o, double late)
{
	f->t0 = t;
	f->o0 = o;
	f->lo[0] = (struct refclock_point){ 0, 0 };
	f->up[0] = (struct refclock_point){ 0, late };
	f->nr_lo = f->nr_up = 1;
	f->steep = f->lo[0];
	f->flat = f->up[0];
	f->steep_slope = REFCLOCK_SLOPE_MAX;
	f->flat_slope = -REFCLOCK_SLOPE_MAX;
	f->last_x = 0;
	f->late = late;
	f->n = 1;
}

void hvst_refclock_fit_add(struct refclock_fit *f, int64_t t, int64_t o, double late)
{
	double x = (double)hvst_refclock_sub(t, f->t0), l = (double)hvst_refclock_sub(o, f->o0);
	double hi = at(f->steep, f->steep_slope, x), lo = at(f->flat, f->flat_slope, x), u;

	if (x <= f->last_x)
		return;
	u = fmax(l + late, lo);
	l = fmin(l, hi);
	if (u < hi) {
		double s = f->steep_slope;

		for (unsigned int i = 0; i < f->nr_lo; i++)
			s = fmin(s, (u - f->lo[i].y) / (x - f->lo[i].x));
		f->steep = (struct refclock_point){ x, u };
		f->steep_slope = fmax(s, f->flat_slope);
	}
	if (l > lo) {
		double s = f->flat_slope;

		for (unsigned int i = 0; i < f->nr_up; i++)
			s = fmax(s, (l - f->up[i].y) / (x - f->up[i].x));
		f->flat = (struct refclock_point){ x, l };
		f->flat_slope = fmin(s, f->steep_slope);
	}
	hull_add(f->lo, &f->nr_lo, (struct refclock_point){ x, l }, 1);
	hull_add(f->up, &f->nr_up, (struct refclock_point){ x, u }, -1);
	f->last_x = x;
	if (late > f->late)
		f->late = late;
	f->n++;
}

void hvst_refclock_fit_range(const struct refclock_fit *f, int64_t t, double *lo, double *hi)
{
	double x = (double)hvst_refclock_sub(t, f->t0);
	double a = at(f->steep, f->steep_slope, x), b = at(f->flat, f->flat_slope, x);

	*lo = fmin(a, b);
	*hi = fmax(a, b);
}

/* Slope of the edge of the envelope over the middle: the least sum of latencies. */
static double middle_slope(const struct refclock_fit *f)
{
	unsigned int i = 0;

	while (i + 2 < f->nr_lo && f->lo[i + 1].x < f->last_x / 2)
		i++;
	return (f->lo[i + 1].y - f->lo[i].y) / (f->lo[i + 1].x - f->lo[i].x);
}

void hvst_refclock_fit_line(const struct refclock_fit *f, double prior, struct refclock_line *l)
{
	double width = f->steep_slope - f->flat_slope, s, y = -HUGE_VAL, top;

	s = width < SLOPE_KNOWN && f->nr_lo >= 2 ? middle_slope(f) : prior;
	s = fmin(fmax(s, f->flat_slope), f->steep_slope);
	for (unsigned int i = 0; i < f->nr_lo; i++)
		y = fmax(y, f->lo[i].y - s * f->lo[i].x);
	/* the middle of the samples is where it is known best */
	top = f->last_x / 2;
	l->t0 = f->t0 + (int64_t)top;
	l->o0 = f->o0 + (int64_t)(y + s * top);
	l->slope = s;
	/* and no better than a clock that wanders within the allowed range */
	l->slope_err = fmax(f->steep_slope - s, s - f->flat_slope);
	if (f->last_x > 0)
		l->slope_err =
			fmin(fmax(l->slope_err, f->late / 2 / f->last_x), REFCLOCK_SLOPE_MAX);
	l->err = (int64_t)f->late + 1000;
}

int64_t hvst_refclock_line_at(const struct refclock_line *l, int64_t t)
{
	double dy = l->slope * (double)hvst_refclock_sub(t, l->t0);
	int64_t y;

	if (__builtin_add_overflow(l->o0, (int64_t)dy, &y))
		return dy < 0 ? -INT64_MAX : INT64_MAX;
	return y;
}
