// SPDX-License-Identifier: GPL-2.0
/* The browser's index: exact sums whatever the order of arms and however often bins were folded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "browse_fake.h"

#define N 20000

static uint64_t rng = 88172645463325252ull;

static uint64_t rnd(void)
{
	rng ^= rng << 13;
	rng ^= rng >> 7;
	rng ^= rng << 17;
	return rng;
}

/* Random arms over ten minutes, late ones among them. */
static struct hvst_arm *random_arms(void)
{
	struct hvst_arm *arms = calloc(N, sizeof(*arms));

	for (int i = 0; i < N; i++) {
		int64_t ts = 1000000000000ll + (int64_t)(rnd() % 600000000000ull);
		bool past = rnd() % 10 == 0;

		arms[i] = fake_arm(
			ts, 100 + (int)(rnd() % 3) * 100, past ? HVST_ARM_PAST_DUE : HVST_ARM_AHEAD,
			past ? (int64_t)(rnd() % 50000000) : -(int64_t)(rnd() % 15000000) - 1);
	}
	return arms;
}

static void count(const struct hvst_arm *arms, int tid, int64_t from, int64_t to, struct br_sum *s)
{
	br_sum_init(s);
	for (int i = 0; i < N; i++) {
		const struct hvst_arm *a = &arms[i];
		bool past = a->kind == HVST_ARM_PAST_DUE;

		if (a->tid != tid || a->ts_ns < from || a->ts_ns >= to)
			continue;
		s->past += past;
		s->ahead += !past;
		if (s->skew_min == HVST_UNKNOWN || a->skew_ns < s->skew_min)
			s->skew_min = a->skew_ns;
		if (a->skew_ns > s->skew_max)
			s->skew_max = a->skew_ns;
		if (past && (s->first_past == HVST_UNKNOWN || a->ts_ns < s->first_past))
			s->first_past = a->ts_ns;
		if (past && a->ts_ns > s->last_past)
			s->last_past = a->ts_ns;
	}
}

static void assert_same(const struct br_sum *a, const struct br_sum *b)
{
	assert_int_equal(a->ahead, b->ahead);
	assert_int_equal(a->past, b->past);
	assert_int_equal(a->skew_min, b->skew_min);
	assert_int_equal(a->skew_max, b->skew_max);
	assert_int_equal(a->first_past, b->first_past);
	assert_int_equal(a->last_past, b->last_past);
}

static void test_sums(void **state)
{
	struct hvst_arm *arms = random_arms();
	struct br_index *idx = br_index_new(1 << 20);
	unsigned int windows = 0;

	(void)state;
	for (int i = 0; i < N; i++)
		br_index_add(idx, &arms[i]);
	for (int k = 0; k < 200; k++) {
		int64_t width = br_index_width(idx);
		int64_t from = (1000000000000ll / width + (int64_t)(rnd() % 500)) * width;
		int64_t to = from + (int64_t)(rnd() % 300) * width;
		int tid = 100 + k % 3 * 100;
		struct br_sum got, want;

		br_sum_init(&got);
		br_index_sum(idx, br_index_timer(idx, tid, 0, -1), from, to, true, &got);
		count(arms, tid, from, to, &want);
		assert_true(got.exact);
		assert_same(&got, &want);
		windows += want.ahead > 0;
	}
	print_message("# 200 windows, %u with arms, equal a plain count; %u bins of %lld ns after "
		      "folding\n",
		      windows, idx->used, (long long)br_index_width(idx));
	assert_true(windows > 100);
	br_index_free(idx);
	free(arms);
}

static void test_window_index(void **state)
{
	struct hvst_arm *arms = random_arms();
	int64_t from = 1200000000000ll >> 20 << 20, to = from + (300ll << 20);
	struct br_index *idx = br_index_new_window(from, to, 20);
	struct br_sum got, want;

	(void)state;
	for (int i = 0; i < N; i++)
		br_index_add(idx, &arms[i]);
	br_sum_init(&got);
	br_index_sum(idx, br_index_timer(idx, 200, 0, -1), from, to, true, &got);
	count(arms, 200, from, to, &want);
	assert_same(&got, &want);
	assert_int_equal(idx->nbins, 300);
	br_index_free(idx);
	free(arms);
}

/* Unaligned edges: the bins they cut are counted whole, and said to be. */
static void test_unaligned_is_not_exact(void **state)
{
	struct br_index *idx = br_index_new(1 << 20);
	struct hvst_arm arm = fake_arm(5000, 100, HVST_ARM_AHEAD, -1);
	struct br_sum s;

	(void)state;
	br_index_add(idx, &arm);
	br_sum_init(&s);
	br_index_sum(idx, 0, 5001, 6000, false, &s);
	assert_int_equal(s.ahead, 1);
	assert_false(s.exact);
	br_index_free(idx);
}

static void test_memory_is_bounded(void **state)
{
	struct br_index *idx = br_index_new(4 << 20);
	size_t most = 0;

	(void)state;
	for (int i = 0; i < 300000; i++) {
		struct hvst_arm arm = fake_arm(i * 1000003ll, 1 + i % 3000, HVST_ARM_AHEAD, -5);

		br_index_add(idx, &arm);
		most = idx->bytes > most ? idx->bytes : most;
	}
	print_message("# %u timers of %u bins: at most %zu bytes, %llu arms beyond the timers\n",
		      idx->nr_timers, idx->used, most, (unsigned long long)idx->dropped);
	assert_int_equal(idx->nr_timers, BR_MAX_TIMERS);
	assert_int_equal(idx->dropped, 300000ll / 3000 * (3000 - BR_MAX_TIMERS));
	/* One arm more than allowed, and its block. */
	assert_true(most <= (4 << 20) + BR_PACKED_MAX);
	br_index_pack(idx);
	assert_true(idx->bytes < most);
	br_index_free(idx);
}

/* A window that outgrows its memory has wider bins: no arm is lost, and sums stay exact. */
static void test_window_is_bounded(void **state)
{
	struct br_index *idx = br_index_new_window(0, 4096ll << 20, 20);
	const int n = 2048 * 4096;
	uint64_t arms = 0;

	(void)state;
	for (int i = 0; i < n; i++) {
		struct hvst_arm arm =
			fake_arm((int64_t)(i / 2048) << 20, 1 + i % 2048, HVST_ARM_PAST_DUE, i);

		br_index_add(idx, &arm);
	}
	for (int t = 0; t < 2048; t++) {
		struct br_sum s;

		br_sum_init(&s);
		br_index_sum(idx, t, 0, 4096ll << 20, false, &s);
		arms += s.past;
	}
	print_message("# %d bins wanted, %u kept of %lld ns: %zu bytes\n", n, 2048 * idx->used,
		      (long long)br_index_width(idx), idx->bytes);
	assert_int_equal(arms, n);
	assert_int_equal(idx->dropped, 0);
	assert_true(idx->shift > 20);
	assert_true(idx->bytes <= BR_FINE_BUDGET + BR_PACKED_MAX);
	br_index_free(idx);
}

static struct br_bin random_bin(int64_t start, unsigned int shift)
{
	static const int64_t edges[] = { INT64_MIN + 1, INT64_MAX, -1, 0, 1 };
	struct br_bin b;

	br_bins_init(&b, 1);
	b.ahead = (uint32_t)(rnd() >> (32 + rnd() % 32));
	b.past = rnd() % 2 ? UINT32_MAX : 0;
	b.periodic = rnd() % 4 ? 0 : 300;
	b.inferred = b.past;
	if (b.past)
		b.first_past = b.last_past = start + (int64_t)(rnd() & ((1ull << shift) - 1));
	for (int i = 0; i < 3 && b.ahead + b.past; i++) {
		int64_t v = rnd() % 3 ? (int64_t)(rnd() >> (rnd() % 60 + 1)) : edges[rnd() % 5];

		br_widen(&b.skew_min, &b.skew_max, v, v);
		br_hist_add(b.hist, (unsigned int)(rnd() % BR_HIST), 1 + rnd() % 60000);
	}
	return b;
}

/* What is packed comes back as it was. */
static void test_packing(void **state)
{
	size_t longest = 0;

	(void)state;
	for (int round = 0; round < 20000; round++) {
		struct br_bin bins[BR_PACK], again[BR_PACK];
		unsigned int shift = (unsigned int)(rnd() % 56);
		int64_t start = -(1ll << 60) + (int64_t)(rnd() >> 3);
		uint8_t buf[BR_PACKED_MAX];
		size_t len;

		br_bins_init(bins, BR_PACK);
		for (int i = 0; i < BR_PACK; i++)
			if (rnd() % 3)
				bins[i] = random_bin(start + ((int64_t)i << shift), shift);
		for (int i = 0; i < BR_PACK; i++)
			if (!br_bin_arms(&bins[i]))
				br_bins_init(&bins[i], 1);
		len = br_pack(bins, start, shift, buf);
		longest = len > longest ? len : longest;
		if (!len)
			continue;
		br_unpack(buf, start, shift, again);
		assert_memory_equal(bins, again, sizeof(bins));
	}
	/* The longest there can be: every part and octave of each bin in its longest form. */
	assert_true(BR_PACKED_MAX >= 1 + BR_PACK * (1 + 4 * 5 + 4 * 10 + 1 + BR_HIST * 4));
	print_message("# 20000 blocks packed and unpacked, the longest of %zu bytes\n", longest);
}

/* Times from a hostile file: anything at all, in any order. */
static void test_hostile_times(void **state)
{
	static const int64_t times[] = { 0, INT64_MIN,	   INT64_MAX, -1,
					 1, INT64_MIN + 1, 1ll << 40, -(1ll << 50) };
	struct br_index *idx = br_index_new(1 << 20);
	struct br_sum s;

	(void)state;
	for (unsigned int i = 0; i < 1000; i++) {
		int64_t ts = i < 8 ? times[i] : (int64_t)rnd();
		struct hvst_arm arm = fake_arm(ts, 100, HVST_ARM_PAST_DUE, ts);

		br_index_add(idx, &arm);
	}
	br_sum_init(&s);
	br_index_sum(idx, 0, -BR_TIME_LIMIT, BR_TIME_LIMIT + 1, true, &s);
	assert_int_equal(s.past, 1000);
	br_index_free(idx);
}

static void test_restarts_are_no_arms(void **state)
{
	struct br_index *idx = br_index_new(1 << 20);
	struct hvst_arm arm = fake_arm(1000, 100, HVST_ARM_PAST_DUE, 5);

	(void)state;
	arm.flags = HVST_ARM_RESTART;
	br_index_add(idx, &arm);
	assert_int_equal(idx->nr_timers, 0);
	br_index_free(idx);
}

static int by_value(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* The median may be off by the half of an octave, never outside of what was seen. */
static void test_median(void **state)
{
	double worst = 1;

	(void)state;
	for (int round = 0; round < 50; round++) {
		struct br_index *idx = br_index_new(1 << 20);
		int64_t v[999], got;
		struct br_sum s;
		double ratio;

		for (int i = 0; i < 999; i++) {
			struct hvst_arm arm = fake_arm(i * 100, 100, HVST_ARM_PAST_DUE, 0);

			v[i] = arm.skew_ns = 2048 + (int64_t)(rnd() % (1ull << (12 + round % 20)));
			br_index_add(idx, &arm);
		}
		qsort(v, 999, sizeof(*v), by_value);
		br_sum_init(&s);
		br_index_sum(idx, 0, 0, 1 << 20, true, &s);
		got = br_sum_median(&s);
		ratio = got > v[499] ? (double)got / (double)v[499] : (double)v[499] / (double)got;
		worst = ratio > worst ? ratio : worst;
		assert_true(got >= s.skew_min && got <= s.skew_max);
		br_index_free(idx);
	}
	print_message("# median of 50 distributions: off by a factor of %.3f at most\n", worst);
	assert_true(worst <= 1.4143);
}

/* The next past-due arm: either told at once, or a stretch that holds it and no other. */
static void test_step(void **state)
{
	struct br_index *idx = br_index_new(1 << 20);
	int64_t at, from, to;

	(void)state;
	for (int64_t ts = 0; ts < 100000000000ll; ts += 50000000) {
		bool past = ts == 30000000000ll || ts == 30050000000ll || ts == 70000000000ll;
		struct hvst_arm arm = fake_arm(ts, 100, past ? HVST_ARM_PAST_DUE : HVST_ARM_AHEAD,
					       past ? 10 : -10);

		br_index_add(idx, &arm);
	}
	assert_true(br_index_step(idx, 0, 0, false, &at, &from, &to) && to <= from);
	assert_int_equal(at, 30000000000ll);
	assert_true(br_index_step(idx, 0, 30000000000ll, false, &at, &from, &to));
	assert_true(to > from ? from <= 30050000000ll && 30050000000ll < to : at == 30050000000ll);
	assert_true(br_index_step(idx, 0, 99000000000ll, true, &at, &from, &to) && to <= from);
	assert_int_equal(at, 70000000000ll);
	assert_false(br_index_step(idx, 0, 70000000000ll, false, &at, &from, &to));
	assert_false(br_index_step(idx, 0, 30000000000ll, true, &at, &from, &to));
	br_index_free(idx);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sums),
		cmocka_unit_test(test_window_index),
		cmocka_unit_test(test_unaligned_is_not_exact),
		cmocka_unit_test(test_memory_is_bounded),
		cmocka_unit_test(test_window_is_bounded),
		cmocka_unit_test(test_packing),
		cmocka_unit_test(test_hostile_times),
		cmocka_unit_test(test_restarts_are_no_arms),
		cmocka_unit_test(test_median),
		cmocka_unit_test(test_step),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
