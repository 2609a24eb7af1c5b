// SPDX-License-Identifier: GPL-2.0
/* lib/stats/series: bounded, aligned, and every value within the bin of its time. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../lib/stats/series.h"

static bool holds(const struct hvst_series *s, int64_t t, int64_t value)
{
	const struct hvst_series_bin *b = hvst_series_at(s, t >> s->shift);

	return b && b->least <= value && b->most >= value;
}

static void check(const int64_t *t, unsigned int n)
{
	struct hvst_series s, a, b;

	hvst_series_init(&s);
	hvst_series_init(&a);
	hvst_series_init(&b);
	for (unsigned int i = 0; i < n; i++) {
		hvst_series_add(&s, t[i], (int64_t)i - 5);
		hvst_series_add(i & 1 ? &a : &b, t[i], (int64_t)i - 5);
	}
	hvst_series_merge(&a, &b);
	assert_true(s.n <= HVST_SERIES_BINS && a.n <= HVST_SERIES_BINS);
	for (unsigned int i = 0; i < n; i++) {
		assert_true(holds(&s, t[i], (int64_t)i - 5));
		assert_true(holds(&a, t[i], (int64_t)i - 5));
	}
}

static void test_shapes(void **state)
{
	static const int64_t wild[] = { INT64_MIN, INT64_MAX, 0, -1, 1, INT64_MIN / 2 };
	static const int64_t back[] = { 1LL << 40, 1LL << 30, 1LL << 35, 0, -(1LL << 40) };
	int64_t even[5000], jumps[200];

	(void)state;
	for (unsigned int i = 0; i < 5000; i++)
		even[i] = 1000000000000LL + i * 3333333LL;
	for (unsigned int i = 0; i < 200; i++)
		jumps[i] = (int64_t)i * i * i * 100000000;
	check(wild, 6);
	check(back, 5);
	check(even, 5000);
	check(jumps, 200);
	srand(1);
	for (unsigned int k = 0; k < 500; k++) {
		for (unsigned int i = 0; i < 200; i++)
			jumps[i] = ((int64_t)rand() << 31 | rand()) >> (rand() % 50);
		check(jumps, 200);
	}
}

/* Bins are as narrow as the span allows: at least a quarter of them are in use. */
static void test_narrow(void **state)
{
	struct hvst_series s;

	(void)state;
	for (int64_t span = 1LL << 28; span < 1LL << 50; span *= 3) {
		hvst_series_init(&s);
		for (int64_t i = 0; i <= 1000; i++)
			hvst_series_add(&s, 7777777777LL + span / 1000 * i, i);
		assert_true(s.n >= HVST_SERIES_BINS / 4);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_shapes),
		cmocka_unit_test(test_narrow),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
