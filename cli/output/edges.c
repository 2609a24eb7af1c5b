// SPDX-License-Identifier: GPL-2.0
/* The edges of a histogram's buckets. */
#include "edges.h"

#define FIRST_NS    100 /* a unit of reference time: nothing finer can be programmed */
#define DECADES	    10	/* from there to 1000 s */
#define ROWS_WANTED 20

void edges_log(struct edges *e)
{
	static const int64_t steps[] = { 1, 2, 5 };
	unsigned int side = 3 * DECADES + 1, i;
	int64_t decade = FIRST_NS;

	e->linear = false;
	e->n = 2 * side + 2;
	e->at[side] = 0;
	e->at[side + 1] = 1; /* exactly zero has a row of its own */
	for (i = 0; i < side; i++) {
		e->at[side + 2 + i] = steps[i % 3] * decade;
		e->at[side - 1 - i] = -steps[i % 3] * decade;
		decade *= i % 3 == 2 ? 10 : 1;
	}
}

/* The nearest of 1, 2, 5, 10, ... at or above @v. */
static int64_t round_step(int64_t v)
{
	int64_t decade = 1;

	while (decade <= INT64_MAX / 100 && decade * 10 <= v)
		decade *= 10;
	if (v <= 2 * decade)
		return v <= decade ? decade : 2 * decade;
	return v <= 5 * decade ? 5 * decade : 10 * decade;
}

static int64_t floor_to(int64_t v, int64_t step)
{
	int64_t rest = v % step;

	return v - (rest < 0 ? rest + step : rest);
}

bool edges_linear(struct edges *e, int64_t lo, int64_t hi, int64_t width)
{
	__int128 span = (__int128)hi - lo;
	int64_t at;

	if (!width)
		width = round_step(span / ROWS_WANTED > INT64_MAX / 100 ? INT64_MAX / 100
									: span / ROWS_WANTED);
	if (lo < INT64_MIN + width || hi > INT64_MAX - 2 * width || span / width + 3 > MAX_EDGES)
		return false;
	e->linear = true;
	e->n = 0;
	for (at = floor_to(lo, width); at <= hi; at += width)
		e->at[e->n++] = at;
	e->at[e->n++] = at;
	return true;
}

unsigned int edges_bucket(const struct edges *e, int64_t v)
{
	unsigned int lo = 0, hi = e->n;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (e->at[mid] <= v)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}
