/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: stats. A value over time in a bounded number of bins, the least and the greatest of each.
 * When time outgrows the bins they become twice as wide. Bins begin at multiples of their width, so
 * that those of two series can be compared bin by bin.
 */
#ifndef HVST_STATS_SERIES_H
#define HVST_STATS_SERIES_H

#include <stdbool.h>
#include <stdint.h>

#define HVST_SERIES_BINS  256
#define HVST_SERIES_SHIFT 20 /* narrowest bin: 2^20 ns */

struct hvst_series_bin {
	int64_t least, most; /* least > most: empty */
};

struct hvst_series {
	unsigned int shift; /* bins are 2^shift wide */
	int64_t first;	    /* bin[0] begins at first << shift */
	unsigned int n;	    /* bins in use, from bin[0] on */
	struct hvst_series_bin bin[HVST_SERIES_BINS];
};

void hvst_series_init(struct hvst_series *s);
/* Adds @value at time @t; times may come in any order. */
void hvst_series_add(struct hvst_series *s, int64_t t, int64_t value);
/* Adds the values of @from. */
void hvst_series_merge(struct hvst_series *into, const struct hvst_series *from);
/* Makes the bins 2^@shift wide, if they are narrower. */
void hvst_series_widen(struct hvst_series *s, unsigned int shift);
/* The bin that begins at @index << s->shift; NULL: empty, or none. */
const struct hvst_series_bin *hvst_series_at(const struct hvst_series *s, int64_t index);

#endif
