/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: stats. A signed, mergeable histogram sketch: exact below 64, above that 64 buckets an
 * octave, so a value is known to within 1/128 of itself (half a bucket). Memory: 512 bytes an
 * octave in use.
 */
#ifndef HVST_STATS_SKETCH_H
#define HVST_STATS_SKETCH_H

#include <hvstimer/result.h>

struct hvst_sketch *hvst_sketch_new(void);
void hvst_sketch_free(struct hvst_sketch *s);
void hvst_sketch_reset(struct hvst_sketch *s);
/* Adds @n times @v. 0 or -ENOMEM (the value is then not counted). */
int hvst_sketch_add(struct hvst_sketch *s, int64_t v, uint64_t n);
int hvst_sketch_merge(struct hvst_sketch *into, const struct hvst_sketch *from);

#endif
