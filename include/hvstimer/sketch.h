/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Sketches: distributions of signed values, in ns, that stay small however many values they take,
 * have a bounded relative error, and can be merged. Those of a result belong to the session; those
 * from hvst_sketch_new() to the caller.
 */
#ifndef HVSTIMER_SKETCH_H
#define HVSTIMER_SKETCH_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define HVST_UNKNOWN INT64_MIN /* "null": not known. Never a made-up number. */

struct hvst_sketch;

/** hvst_sketch_new - an empty sketch; NULL without memory */
struct hvst_sketch *hvst_sketch_new(void);
/** hvst_sketch_free - frees it; NULL is allowed */
void hvst_sketch_free(struct hvst_sketch *s);
/**
 * hvst_sketch_add - count @v @n times
 *
 * Returns 0, or -ENOMEM: then the value is not counted.
 */
int hvst_sketch_add(struct hvst_sketch *s, int64_t v, uint64_t n);
/**
 * hvst_sketch_merge - count in @into what @from has counted
 *
 * The result is what adding all values to one sketch would have given. Returns 0 or -ENOMEM.
 */
int hvst_sketch_merge(struct hvst_sketch *into, const struct hvst_sketch *from);

/** hvst_sketch_count - number of values; hvst_sketch_min/max - exact extremes, HVST_UNKNOWN when
 * empty */
uint64_t hvst_sketch_count(const struct hvst_sketch *s);
int64_t hvst_sketch_min(const struct hvst_sketch *s);
int64_t hvst_sketch_max(const struct hvst_sketch *s);
/** hvst_sketch_relative_error - the bound on |quantile - exact| / |exact| */
double hvst_sketch_relative_error(const struct hvst_sketch *s);
/** hvst_sketch_quantile - the value at rank ceil(@per_mille_10 / 10000 * count); HVST_UNKNOWN when
 * empty */
int64_t hvst_sketch_quantile(const struct hvst_sketch *s, unsigned int per_mille_10);
/**
 * hvst_sketch_next - walk the non-empty buckets from the most negative up
 *
 * Start with *@iter = 0. Fills the half-open bucket [*@lo, *@hi) and its count; false at the end.
 */
bool hvst_sketch_next(const struct hvst_sketch *s, unsigned int *iter, int64_t *lo, int64_t *hi,
		      uint64_t *count);
/**
 * hvst_sketch_bucket - the bucket [*@lo, *@hi) that @v is counted in, the same in every sketch
 * @v: a value, ns
 * @lo: the least value of the bucket
 * @hi: the first value above it; INT64_MAX for the last bucket, which holds that value, too
 *
 * Buckets become wider with the magnitude of their values, by the layout of HdrHistogram: 64 to
 * each power of two, the same for negative values. Counts of buckets that were written down can be
 * added to another sketch exactly where their edges are these.
 */
void hvst_sketch_bucket(int64_t v, int64_t *lo, int64_t *hi);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
