/* SPDX-License-Identifier: GPL-2.0 */
/* The edges of a histogram's buckets: signed 1-2-5 steps around an exact zero, or equal steps. */
#ifndef HVST_CLI_EDGES_H
#define HVST_CLI_EDGES_H

#include <stdbool.h>
#include <stdint.h>

#define MAX_EDGES 1001

/*
 * Bucket b, 1 <= b < n, is [at[b - 1], at[b]); bucket 0 is what lies below all, bucket n what lies
 * above.
 */
struct edges {
	bool linear;
	unsigned int n;
	int64_t at[MAX_EDGES];
};

/* -1000 s, ..., -200 ns, -100 ns, 0, 1 ns, 100 ns, 200 ns, 500 ns, 1 us, ... 1000 s */
void edges_log(struct edges *e);
/*
 * Steps of @width from below @lo to above @hi; @width 0: one that makes about 20. False when they
 * are more than MAX_EDGES.
 */
bool edges_linear(struct edges *e, int64_t lo, int64_t hi, int64_t width);

unsigned int edges_bucket(const struct edges *e, int64_t v);

#endif
