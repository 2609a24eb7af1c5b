/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Sketches: distributions of signed values in ns. Their size does not grow with the number of
 * values, their quantiles have a bounded relative error, and they can be merged. Sketches in a
 * result belong to the session; those from hvst_sketch_new() to the caller.
 */
#ifndef HVSTIMER_SKETCH_H
#define HVSTIMER_SKETCH_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define HVST_UNKNOWN INT64_MIN /* not known; null in JSON */

struct hvst_sketch;

/**
 * hvst_sketch_new() - create an empty sketch
 *
 * Returns a sketch that the caller frees with hvst_sketch_free(); NULL without memory.
 */
struct hvst_sketch *hvst_sketch_new(void);
/**
 * hvst_sketch_free() - free a sketch
 * @s: from hvst_sketch_new(), or NULL
 */
void hvst_sketch_free(struct hvst_sketch *s);
/**
 * hvst_sketch_add() - count a value
 * @s: a sketch
 * @v: the value, ns
 * @n: how many times
 *
 * Returns 0, or -ENOMEM: the value is then not counted.
 */
int hvst_sketch_add(struct hvst_sketch *s, int64_t v, uint64_t n);
/**
 * hvst_sketch_merge() - add all values of one sketch to another
 * @into: the sketch to add to
 * @from: unchanged
 *
 * Gives the same sketch as adding each value to @into. Returns 0, or -ENOMEM: @into
 * then has the values that it had.
 */
int hvst_sketch_merge(struct hvst_sketch *into, const struct hvst_sketch *from);

/** hvst_sketch_count() - the number of values */
uint64_t hvst_sketch_count(const struct hvst_sketch *s);
/** hvst_sketch_min() - the exact minimum, ns; HVST_UNKNOWN if @s is empty */
int64_t hvst_sketch_min(const struct hvst_sketch *s);
/** hvst_sketch_max() - the exact maximum, ns; HVST_UNKNOWN if @s is empty */
int64_t hvst_sketch_max(const struct hvst_sketch *s);
/** hvst_sketch_relative_error() - an upper bound of |quantile - exact| / |exact| */
double hvst_sketch_relative_error(const struct hvst_sketch *s);
/**
 * hvst_sketch_quantile() - a quantile
 * @s: a sketch
 * @per_10000: rank in ten thousandths: 5000 is the median
 *
 * Returns the value at rank ceil(@per_10000 / 10000 * count), ns, within
 * hvst_sketch_relative_error(); HVST_UNKNOWN if @s is empty.
 */
int64_t hvst_sketch_quantile(const struct hvst_sketch *s, unsigned int per_10000);
/**
 * hvst_sketch_next() - iterate over the non-empty buckets, in ascending order
 * @s: a sketch
 * @iter: *@iter is 0 before the first call
 * @lo: set to the least value of the bucket, ns
 * @hi: set to the first value above it, ns; INT64_MAX for the last bucket, which holds that, too
 * @count: set to the number of values in it
 *
 * Returns false after the last bucket.
 */
bool hvst_sketch_next(const struct hvst_sketch *s, unsigned int *iter, int64_t *lo, int64_t *hi,
		      uint64_t *count);
/**
 * hvst_sketch_bucket() - the bucket that a value is counted in, the same in every sketch
 * @v: a value, ns
 * @lo: set to the least value of the bucket, ns
 * @hi: set to the first value above it, ns; INT64_MAX for the last bucket, which holds that, too
 *
 * Buckets are laid out as in HdrHistogram: 64 for each power of two, the same for negative values.
 * Counts that were saved with their buckets can be added to another sketch without loss if the
 * edges are still these.
 */
void hvst_sketch_bucket(int64_t v, int64_t *lo, int64_t *hi);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
