// SPDX-License-Identifier: GPL-2.0
/* skew-histogram FILE VCPU: how late one vCPU's one-shot timers were when they were armed. */
#include <inttypes.h>
#include <stdlib.h>

#include "sample.h"

#define BAR  "##################################################"
#define ROWS 64 /* octaves on either side of zero */

/* The row of a skew: 0, or the number of its bits, negative for a timer that was still ahead. */
static int row(int64_t ns)
{
	uint64_t size = ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
	int bits = size ? 64 - __builtin_clzll(size) : 0;

	return ns < 0 ? -bits : bits;
}

/* Where row @r begins, towards zero: 1 ns, 2 ns, 4 ns, ... */
static double edge(int r)
{
	return r ? (r < 0 ? -1e-3 : 1e-3) * (1ULL << (abs(r) - 1)) : 0;
}

/* Folds the sketch's fine buckets into octaves; the largest count is returned. */
static uint64_t fold(const struct hvst_sketch *skew, uint64_t *count)
{
	unsigned int iter = 0;
	uint64_t n, max = 1;
	int64_t lo, hi;

	while (hvst_sketch_next(skew, &iter, &lo, &hi, &n)) {
		uint64_t *c = &count[ROWS + row(lo < 0 ? hi - 1 : lo)];

		*c += n;
		if (*c > max)
			max = *c;
	}
	return max;
}

static void print_histogram(const struct hvst_timer *t)
{
	uint64_t count[2 * ROWS + 1] = { 0 }, max = fold(t->skew, count);
	int r;

	printf("vcpu %d timer %d: %" PRIu64
	       " arms, skew in us (positive: already past), median %.3f, maximum %.3f\n",
	       t->vcpu, t->timer, hvst_sketch_count(t->skew),
	       hvst_sketch_quantile(t->skew, 5000) / 1e3, hvst_sketch_max(t->skew) / 1e3);
	for (r = -ROWS; r <= ROWS; r++)
		if (count[ROWS + r])
			printf("%15.3f or further %8" PRIu64 " %.*s\n", edge(r), count[ROWS + r],
			       (int)(count[ROWS + r] * (sizeof(BAR) - 1) / max), BAR);
}

int main(int argc, char **argv)
{
	const struct hvst_result *r;
	struct hvst_session *s;
	unsigned int i;
	int rc;

	if (argc != 3) {
		fprintf(stderr, "usage: skew-histogram FILE VCPU\n");
		return 2;
	}
	s = open_recording(argv[1]);
	if (!s)
		return 1;
	hvst_session_set_filter(s, -1, atoi(argv[2]), -1);
	rc = hvst_session_run(s);
	r = hvst_session_result(s);
	for (i = 0; !rc && i < r->nr_timers; i++)
		if (hvst_sketch_count(r->timers[i]->skew))
			print_histogram(r->timers[i]);
	return finish(s, rc);
}
