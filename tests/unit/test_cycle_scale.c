/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lib/clock/cycle_scale.c: the length of a cycle, out of late samples, steps of the reference clock
 * and several threads.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "../../lib/clock/cycle_scale.h"

#define N 20000

/*
 * How a sample comes about: late by up to @jitter cycles, one in a hundred by a hundred times as
 * much.
 */
static struct hvst_scale_sample sample(int pid, uint64_t ref, double cycles_per_tick,
				       unsigned int jitter)
{
	uint64_t late = (uint64_t)rand() % (jitter + 1) * (rand() % 100 ? 1 : 100);

	return (struct hvst_scale_sample){ .pid = pid,
					   .ref = ref,
					   .cycles = (int64_t)((double)ref * cycles_per_tick) +
						     (int64_t)late };
}

static double error_ppm(struct hvst_scale_sample *s, size_t n, double cycles_per_tick)
{
	uint32_t mult, shift;

	assert_int_equal(hvst_scale_estimate(s, n, &mult, &shift), 0);
	return ((double)mult / (double)(1ull << shift) * cycles_per_tick / 100 - 1) * 1e6;
}

static void expect(const char *what, double ppm, double most)
{
	print_message("# scale: %s: off by %.4f ppm\n", what, ppm);
	assert_true(ppm < most && ppm > -most);
}

static void test_late(void **state)
{
	struct hvst_scale_sample *s = calloc(N, sizeof(*s));
	static const double rates[] = { 259.6134, 100, 20, 500.00001, 310.5 };

	(void)state;
	srand(1);
	for (size_t r = 0; r < 5; r++) {
		for (size_t i = 0; i < N; i++)
			s[i] = sample(100, 12345678 + i * 5000, rates[r], 20000);
		expect("10 s, samples up to 8 us late, some 800", error_ppm(s, N, rates[r]), 0.2);
	}
	free(s);
}

static void test_steps(void **state)
{
	struct hvst_scale_sample *s = calloc(N, sizeof(*s));

	(void)state;
	srand(2);
	for (size_t i = 0; i < N; i++) {
		s[i] = sample(100, 12345678 + i * 5000, 250, 5000);
		/* the VMM sets the clock: by 50 ms after a third, back by 20 after another */
		s[i].ref += i > N / 3 ? 500000 : 0;
		s[i].ref -= i > N / 3 * 2 ? 200000 : 0;
	}
	expect("two steps of the reference clock", error_ppm(s, N, 250), 0.5);
	free(s);
}

static void test_threads(void **state)
{
	struct hvst_scale_sample *s = calloc(N, sizeof(*s));

	(void)state;
	srand(3);
	for (size_t i = 0; i < N; i++) {
		/* three vCPUs of one VM and one of another, with a clock that began later */
		s[i] = sample((int)(100 + i % 4), 12345678 + i * 5000, 250, 5000);
		s[i].ref -= i % 4 == 3 ? 10000000 : 0;
	}
	expect("four threads, two VMs", error_ppm(s, N, 250), 0.5);
	free(s);
}

static void test_cannot_tell(void **state)
{
	struct hvst_scale_sample s[64] = { { 0 } };
	uint32_t mult, shift;

	(void)state;
	assert_int_equal(hvst_scale_estimate(s, 0, &mult, &shift), -ENODATA);
	assert_int_equal(hvst_scale_estimate(s, 1, &mult, &shift), -ENODATA);
	assert_int_equal(hvst_scale_estimate(s, 64, &mult, &shift), -ENODATA); /* all at one time */
	for (int i = 0; i < 64; i++)
		s[i] = (struct hvst_scale_sample){ .pid = i, .cycles = i, .ref = (uint64_t)i };
	assert_int_equal(hvst_scale_estimate(s, 64, &mult, &shift), -ENODATA); /* one a thread */
	for (int i = 0; i < 64; i++)
		s[i] = (struct hvst_scale_sample){ .pid = 1,
						   .cycles = i * 1000000,
						   .ref = (uint64_t)(64 - i) << 40 };
	assert_int_equal(hvst_scale_estimate(s, 64, &mult, &shift),
			 -ENODATA); /* a clock that runs back */
	print_message("# scale: five sets of samples that tell nothing\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_steps),
		cmocka_unit_test(test_threads),
		cmocka_unit_test(test_cannot_tell),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
