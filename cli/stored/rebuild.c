// SPDX-License-Identifier: GPL-2.0
/* Sketches rebuilt from the buckets that were written of them. */
#include <errno.h>

#include "stored_private.h"

static bool in_bucket(int64_t v, int64_t lo)
{
	int64_t from, to;

	hvst_sketch_bucket(v, &from, &to);
	return from == lo;
}

int rebuild_bucket(struct rebuild *b, int64_t lo, int64_t hi, uint64_t count)
{
	int64_t from, to;
	int err = 0;

	hvst_sketch_bucket(lo, &from, &to);
	if (from != lo || to != hi || !count || (b->buckets && lo <= b->last.lo))
		return -EINVAL;
	if (__builtin_add_overflow(b->count, count, &b->count))
		return -EINVAL;
	if (!b->s)
		b->s = hvst_sketch_new();
	if (!b->s)
		return -ENOMEM;
	if (b->buckets > 1)
		err = hvst_sketch_add(b->s, b->last.lo, b->last.n);
	b->last.lo = lo;
	b->last.hi = hi;
	b->last.n = count;
	if (!b->buckets++)
		b->first = b->last;
	return err;
}

static int64_t middle(int64_t lo, int64_t hi)
{
	return lo + (int64_t)(((uint64_t)hi - (uint64_t)lo - 1) / 2);
}

int rebuild_end(struct rebuild *b, int64_t min, int64_t max)
{
	bool alone = b->buckets == 1;
	int err;

	if (!b->buckets)
		return min == HVST_UNKNOWN && max == HVST_UNKNOWN ? 0 : -EINVAL;
	if (min == HVST_UNKNOWN)
		min = middle(b->first.lo, b->first.hi);
	if (max == HVST_UNKNOWN)
		max = middle(b->last.lo, b->last.hi);
	if (!in_bucket(min, b->first.lo) || !in_bucket(max, b->last.lo) || min > max ||
	    (alone && b->count == 1 && min != max))
		return -EINVAL;
	err = hvst_sketch_add(b->s, min, alone ? 1 : b->first.n);
	return err ? err : hvst_sketch_add(b->s, max, alone ? b->count - 1 : b->last.n);
}
