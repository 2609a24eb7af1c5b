/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: stats. A running median in one number, for values that change slowly. */
#ifndef HVST_STATS_MEDIAN_H
#define HVST_STATS_MEDIAN_H

#include <stdint.h>

#define HVST_MEDIAN_STEP 32 /* a step is the median divided by this */

/*
 * One step towards @x; *@median is 0 before the first value. The direction is unpredictable, so
 * compute the step once.
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
