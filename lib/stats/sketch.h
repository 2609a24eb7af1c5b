/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: stats. A signed, mergeable histogram sketch: exact below 64, above that 64 buckets an
 * octave, so a value is known to within 1/128 of itself (half a bucket). Memory: 512 bytes for each
 * octave in use.
 */
#ifndef HVST_STATS_SKETCH_H
#define HVST_STATS_SKETCH_H

#include <hvstimer/sketch.h>

/* Removes all values and frees their buckets. */
void hvst_sketch_reset(struct hvst_sketch *s);

#endif
