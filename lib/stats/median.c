/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: stats. The median of an array. */
#include <stdlib.h>

#include "median.h"

static int cmp_i64(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

	return a < b ? -1 : a > b;
}

int64_t hvst_median(int64_t *v, unsigned int n)
{
	qsort(v, n, sizeof(*v), cmp_i64);
	return v[n / 2];
}
