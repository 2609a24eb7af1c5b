/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: stats. The median of an array, and a running median in one number. */
#ifndef HVST_STATS_MEDIAN_H
#define HVST_STATS_MEDIAN_H

#include <stdint.h>

/* Sorts the @n values, at least one; of an even number the upper one of the middle two. */
int64_t hvst_median(int64_t *v, unsigned int n);

#define HVST_MEDIAN_STEP 32 /* a step is the median divided by this */

/*
 * One step towards @x, for values that change slowly; *@median is 0 before the first value. The
 * direction is unpredictable, so compute the step once.
 */
static inline void hvst_median_step(int64_t *median, int64_t x)
{
	int64_t step = *median / HVST_MEDIAN_STEP;

	if (!*median)
		*median = x;
	else
		*median += x > *median ? step + 1 : -step;
}

#endif
