// SPDX-License-Identifier: GPL-2.0
/*
 * cli/output/otlp: every bucket of a sketch goes to the exponential bucket that its middle is in.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include <hvstimer/sketch.h>

#include "../../cli/output/otlp.h"

/* A long double has 11 bits more than a double: what lies this close could be on either side. */
#define MARGIN 1e-15L

/* The bounds of an exponential bucket, after the specification. */
static long double bound(int index)
{
	return exp2l((long double)index / (1 << OTLP_SCALE));
}

static void check(uint64_t v)
{
	int i = otlp_index(v);
	long double x = (long double)v;

	if (!(v & (v - 1))) {
		/* a power of two is the upper bound of its bucket, and belongs to it */
		assert_true(bound(i) < x && bound(i + 1) == x);
		return;
	}
	assert_true(bound(i) * (1 + MARGIN) < x);
	assert_true(x * (1 + MARGIN) < bound(i + 1));
}

static void test_index(void **state)
{
	(void)state;
	assert_int_equal(otlp_index(1), -1);
	assert_int_equal(otlp_index(2), 63);
	assert_int_equal(otlp_index(3), 101); /* 64 * log2(3) = 101.4 */
	assert_int_equal(otlp_index(1ULL << 63), 64 * 63 - 1);
	for (uint64_t v = 1; v < 100000; v++)
		check(v);
}

/* All of them, by their middle; and that what is in a bucket is at most 1/128 off the other. */
static void test_sketch_buckets(void **state)
{
	unsigned int n = 0;
	long double off, most = 0;
	int64_t v, lo, hi, middle;

	(void)state;
	for (v = 1; v < INT64_MAX; v = hi) {
		hvst_sketch_bucket(v, &lo, &hi);
		assert_true(lo == v);
		middle = lo + (hi - 1 - lo) / 2;
		check((uint64_t)middle);
		off = (long double)(hi - 1) / bound(otlp_index((uint64_t)middle) + 1) - 1;
		most = off > most ? off : most;
		off = 1 - (long double)lo / bound(otlp_index((uint64_t)middle));
		most = off > most ? off : most;
		n++;
	}
	assert_int_equal(n, 64 * 58 - 1);
	assert_true(most > 0.007L && most <= 1 / 128.0L);
	printf("# %u buckets; values are off their exponential bucket by at most 1/%.0Lf\n", n,
	       1 / most);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_index),
		cmocka_unit_test(test_sketch_buckets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
