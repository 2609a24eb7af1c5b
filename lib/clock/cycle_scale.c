/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: clock. A robust slope of time stamps against the guest's reference clock. */
#include <errno.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#include "cycle_scale.h"

#define BINS	   HVST_SCALE_BINS
#define STEP_NS	   30000.0 /* a larger jump between neighbours is a step of the clock, not jitter */
#define MIN_POINTS 3

/*
 * A point of the envelope: the sample of a bin with the least delay between reading and stamp.
 * Cycles and ns since the thread's first sample.
 */
struct point {
	double x, y;
};

static int cmp_sample(const void *a, const void *b)
{
	const struct hvst_scale_sample *x = a, *y = b;

	if (x->pid != y->pid)
		return x->pid < y->pid ? -1 : 1;
	return (x->cycles > y->cycles) - (x->cycles < y->cycles);
}

static int cmp_double(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

static double median(double *v, size_t n)
{
	qsort(v, n, sizeof(*v), cmp_double);
	return n % 2 ? v[n / 2] : (v[n / 2 - 1] + v[n / 2]) / 2;
}

/* Median slope of neighbouring points. */
static double neighbour_slope(const struct point *p, size_t n)
{
	double slopes[BINS];

	for (size_t i = 0; i + 1 < n; i++)
		slopes[i] = (p[i + 1].y - p[i].y) / (p[i + 1].x - p[i].x);
	return median(slopes, n - 1);
}

/* Median slope of all pairs of points. */
static double pair_slope(const struct point *p, size_t n)
{
	double slopes[BINS * (BINS - 1) / 2];
	size_t k = 0;

	for (size_t i = 0; i < n; i++)
		for (size_t j = i + 1; j < n; j++)
			slopes[k++] = (p[j].y - p[i].y) / (p[j].x - p[i].x);
	return median(slopes, k);
}

static struct point point_of(const struct hvst_scale_sample *s,
			     const struct hvst_scale_sample *first)
{
	return (struct point){ .x = (double)(s->cycles - first->cycles),
			       .y = 100.0 * (double)(int64_t)(s->ref - first->ref) };
}

/* One point per bin: the sample furthest above the line of slope @slope. Bins cover equal times. */
static size_t envelope(const struct hvst_scale_sample *s, size_t n, double slope, struct point *out)
{
	double width = ((double)(s[n - 1].cycles - s[0].cycles) + 1) / BINS;
	size_t points = 0, i = 0;

	for (unsigned int bin = 0; bin < BINS && i < n; bin++) {
		bool any = false;

		for (; i < n && (double)(s[i].cycles - s[0].cycles) < width * (bin + 1); i++) {
			struct point p = point_of(&s[i], s);

			if (!any || p.y - slope * p.x > out[points].y - slope * out[points].x)
				out[points] = p;
			any = true;
		}
		points += any;
	}
	return points;
}

/* A first slope, from any one sample of each bin. */
static double rough_slope(const struct hvst_scale_sample *s, size_t n)
{
	struct point p[BINS];
	size_t points = envelope(s, n, 0, p);

	return points < MIN_POINTS ? 0 : neighbour_slope(p, points);
}

/* The longest segment of points without a step; returns their number, the first in *@first. */
static size_t longest_segment(const struct point *p, size_t n, double slope, size_t *first)
{
	size_t best = 0, start = 0;

	for (size_t i = 1; i <= n; i++) {
		if (i < n && fabs(p[i].y - p[i - 1].y - slope * (p[i].x - p[i - 1].x)) < STEP_NS)
			continue;
		if (i - start > best) {
			best = i - start;
			*first = start;
		}
		start = i;
	}
	return best;
}

/* Slope of one thread's samples; *@span the cycles that it was measured over, 0: unknown. */
static double thread_slope(const struct hvst_scale_sample *s, size_t n, double *span)
{
	struct point p[BINS];
	double slope = rough_slope(s, n);
	size_t points, segment, first = 0;

	*span = 0;
	if (!(slope > 0))
		return 0;
	points = envelope(s, n, slope, p);
	slope = neighbour_slope(p, points);
	points = envelope(s, n, slope, p);
	segment = longest_segment(p, points, slope, &first);
	if (segment < MIN_POINTS)
		return 0;
	*span = p[first + segment - 1].x - p[first].x;
	return pair_slope(p + first, segment);
}

static int to_mult(double ns_per_cycle, uint32_t *mult, uint32_t *shift)
{
	if (!(ns_per_cycle > 1e-3) || !(ns_per_cycle < 1e6))
		return -ENODATA;
	for (*shift = 32; *shift && ldexp(ns_per_cycle, (int)*shift) >= 4294967295.0;)
		--*shift;
	*mult = (uint32_t)llround(ldexp(ns_per_cycle, (int)*shift));
	return 0;
}

int hvst_scale_estimate(struct hvst_scale_sample *s, size_t n, uint32_t *mult, uint32_t *shift)
{
	double best = 0, best_span = 0;

	qsort(s, n, sizeof(*s), cmp_sample);
	for (size_t i = 0, end; i < n; i = end) {
		double span, slope;

		for (end = i + 1; end < n && s[end].pid == s[i].pid;)
			end++;
		if (end - i < MIN_POINTS)
			continue;
		slope = thread_slope(s + i, end - i, &span);
		if (span > best_span) {
			best_span = span;
			best = slope;
		}
	}
	return to_mult(best, mult, shift);
}
