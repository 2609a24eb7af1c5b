// SPDX-License-Identifier: GPL-2.0
/* lib/stats/sketch: quantiles against exact ones, merge, extremes, buckets. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../lib/stats/sketch.h"

#define N 20000

static uint64_t seed = 0x9e3779b97f4a7c15ull;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

/* 0: around zero, 1: log-uniform of both signs, 2: late arms and a far tail, 3: all the same */
static int64_t draw(int shape)
{
	int64_t v = (int64_t)(rnd() >> (2 + rnd() % 60));

	switch (shape) {
	case 0:
		return (int64_t)(rnd() % 200) - 100;
	case 1:
		return rnd() & 1 ? v : -v;
	case 2:
		return rnd() % 100 ? -(int64_t)(rnd() % 20000000) : (int64_t)(rnd() % 3000000000u);
	default:
		return -9779000;
	}
}

static int cmp(const void *x, const void *y)
{
	int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;

	return a < b ? -1 : a > b;
}

static double off_by(int64_t got, int64_t want)
{
	return want ? fabs((double)got - (double)want) / fabs((double)want) : (double)llabs(got);
}

static void test_quantiles(void **state)
{
	static const unsigned int ask[] = { 0,	  1,	100,  500,  2500, 5000,
					    7500, 9500, 9900, 9990, 9999, 10000 };
	static int64_t v[N];

	(void)state;
	for (int shape = 0; shape < 4; shape++) {
		struct hvst_sketch *s = hvst_sketch_new();
		double worst = 0;

		assert_non_null(s);
		for (unsigned int i = 0; i < N; i++) {
			v[i] = draw(shape);
			assert_int_equal(hvst_sketch_add(s, v[i], 1), 0);
		}
		qsort(v, N, sizeof(*v), cmp);
		for (unsigned int i = 0; i < sizeof(ask) / sizeof(*ask); i++) {
			uint64_t rank = ((uint64_t)N * ask[i] + 9999) / 10000;
			double e = off_by(hvst_sketch_quantile(s, ask[i]), v[rank ? rank - 1 : 0]);

			worst = e > worst ? e : worst;
		}
		printf("# shape %d: %d values, 12 quantiles, worst error %.5f of a stated %.5f\n",
		       shape, N, worst, hvst_sketch_relative_error(s));
		assert_true(worst <= hvst_sketch_relative_error(s));
		assert_int_equal(hvst_sketch_min(s), v[0]);
		assert_int_equal(hvst_sketch_max(s), v[N - 1]);
		hvst_sketch_free(s);
	}
}

/* Buckets come in order, do not overlap, hold what was put in, and are as narrow as stated. */
static void test_buckets(void **state)
{
	struct hvst_sketch *s = hvst_sketch_new();
	static int64_t v[N];
	int64_t lo, hi, last = INT64_MIN;
	unsigned int iter = 0, rows = 0;
	uint64_t n, sum = 0, wrong = 0;

	(void)state;
	for (unsigned int i = 0; i < N; i++) {
		v[i] = draw(1);
		hvst_sketch_add(s, v[i], 1);
	}
	while (hvst_sketch_next(s, &iter, &lo, &hi, &n)) {
		uint64_t in = 0;

		assert_true(lo >= last && hi > lo);
		for (unsigned int i = 0; i < N; i++)
			in += v[i] >= lo && v[i] < hi;
		wrong += in != n;
		sum += n;
		last = hi;
		rows++;
	}
	printf("# %u buckets: %llu values, %llu buckets with another count than the exact one\n",
	       rows, (unsigned long long)sum, (unsigned long long)wrong);
	assert_int_equal(sum, N);
	assert_int_equal(wrong, 0);
	hvst_sketch_free(s);
}

static void test_merge(void **state)
{
	struct hvst_sketch *all = hvst_sketch_new(), *part[3], *sum = hvst_sketch_new();

	(void)state;
	for (unsigned int p = 0; p < 3; p++) {
		part[p] = hvst_sketch_new();
		for (unsigned int i = 0; i < 1000; i++) {
			int64_t v = draw((int)p);

			hvst_sketch_add(all, v, 1 + i % 3);
			hvst_sketch_add(part[p], v, 1 + i % 3);
		}
		assert_int_equal(hvst_sketch_merge(sum, part[p]), 0);
		hvst_sketch_free(part[p]);
	}
	assert_int_equal(hvst_sketch_count(sum), hvst_sketch_count(all));
	assert_int_equal(hvst_sketch_min(sum), hvst_sketch_min(all));
	assert_int_equal(hvst_sketch_max(sum), hvst_sketch_max(all));
	for (unsigned int q = 0; q <= 10000; q += 13)
		assert_int_equal(hvst_sketch_quantile(sum, q), hvst_sketch_quantile(all, q));
	hvst_sketch_free(all);
	hvst_sketch_free(sum);
}

static void test_extremes(void **state)
{
	static const int64_t v[] = { INT64_MIN, INT64_MIN + 1, -1, 0, 1, INT64_MAX - 1, INT64_MAX };
	struct hvst_sketch *s = hvst_sketch_new(), *none = hvst_sketch_new();
	int64_t lo, hi, from, to;
	unsigned int iter = 0;
	uint64_t n, sum = 0;

	(void)state;
	assert_int_equal(hvst_sketch_quantile(s, 5000), HVST_UNKNOWN);
	assert_int_equal(hvst_sketch_min(s), HVST_UNKNOWN);
	assert_int_equal(hvst_sketch_max(NULL), HVST_UNKNOWN);
	assert_int_equal(hvst_sketch_count(NULL), 0);
	assert_false(hvst_sketch_next(s, &iter, &lo, &hi, &n));
	for (unsigned int i = 0; i < sizeof(v) / sizeof(*v); i++)
		hvst_sketch_add(s, v[i], 1);
	hvst_sketch_add(s, 5, 0);
	assert_int_equal(hvst_sketch_count(s), 7);
	assert_int_equal(hvst_sketch_min(s), INT64_MIN);
	assert_int_equal(hvst_sketch_max(s), INT64_MAX);
	assert_int_equal(hvst_sketch_quantile(s, 5000), 0);
	iter = 0;
	while (hvst_sketch_next(s, &iter, &lo, &hi, &n)) {
		hvst_sketch_bucket(lo, &from, &to);
		assert_true(from == lo && to == hi);
		hvst_sketch_bucket(hi - 1, &from, &to);
		assert_true(from == lo && to == hi);
		assert_true(lo < hi);
		sum += n;
	}
	assert_int_equal(sum, 7);
	assert_int_equal(hvst_sketch_merge(s, none), 0);
	assert_int_equal(hvst_sketch_count(s), 7);
	hvst_sketch_reset(s);
	assert_int_equal(hvst_sketch_count(s), 0);
	assert_int_equal(hvst_sketch_max(s), HVST_UNKNOWN);
	hvst_sketch_free(s);
	hvst_sketch_free(none);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_quantiles),
		cmocka_unit_test(test_buckets),
		cmocka_unit_test(test_merge),
		cmocka_unit_test(test_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
