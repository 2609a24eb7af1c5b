// SPDX-License-Identifier: GPL-2.0
/*
 * cli/merge: 1,200 results written down and merged are what all values at once give. The first
 * table of recordings seen has no room for as many.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../cli/merge.h"
#include "../../cli/output/contract.h"
#include "lists.h"

#define RESULTS 1200
#define TIMERS	3
#define VALUES	40 /* of each distribution, at most */

static uint64_t seed = 0x9e3779b97f4a7c15ull;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

/* Of any size and both signs; the extremes of 64 bits now and then. */
static int64_t draw(void)
{
	static const int64_t edges[] = { 0, -1, 1, INT64_MAX, INT64_MIN + 1, -63, -64, 63, 64 };
	int64_t v = (int64_t)(rnd() >> (1 + rnd() % 63));

	if (!(rnd() % 16))
		return edges[rnd() % (sizeof(edges) / sizeof(edges[0]))];
	return rnd() & 1 ? v : -v;
}

/* A result with these timers, and nothing that could be told. */
static void put_diagnosis(struct out *out, const struct hvst_trace *trace,
			  const struct hvst_timer *const *timers, unsigned int nr_timers)
{
	static const struct hvst_past_due past_due;
	static const struct hvst_unpaired unpaired;
	struct hvst_verdict verdicts[HVST_Q_COUNT] = { 0 };
	const struct hvst_verdict *list[HVST_Q_COUNT];
	const struct hvst_result r = { .timers = timers,
				       .nr_timers = nr_timers,
				       .past_due = &past_due,
				       .unpaired = &unpaired,
				       .verdicts = list,
				       .nr_verdicts = HVST_Q_COUNT };

	for (unsigned int i = 0; i < HVST_Q_COUNT; i++)
		verdicts[i].question = i;
	LIST(list, verdicts);
	contract_diagnosis(out, trace, &r, NULL);
}

/* A file that is written and then read; its name is in @path. */
static struct out file_new(char path[32])
{
	struct out out;
	int fd;

	strcpy(path, "/tmp/test_merge.XXXXXX");
	fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(out_open(&out, path, COLOR_NEVER), 0);
	return out;
}

static void fill(struct hvst_sketch *s, struct hvst_sketch *all)
{
	unsigned int n = rnd() % (VALUES + 1);

	while (n--) {
		int64_t v = draw();
		uint64_t times = 1 + rnd() % 5;

		assert_int_equal(hvst_sketch_add(s, v, times), 0);
		assert_int_equal(hvst_sketch_add(all, v, times), 0);
	}
}

static void put_result(struct out *out, unsigned int nr, struct hvst_sketch *all[MERGE_METRICS])
{
	struct hvst_trace trace = { .first_ns = (int64_t)nr * 1000, .last_ns = 5000000000 + nr };
	struct hvst_sketch *sketch[TIMERS][MERGE_METRICS];
	struct hvst_timer timers[TIMERS];
	const struct hvst_timer *list[TIMERS];
	unsigned int t, i;

	memset(timers, 0, sizeof(timers));
	for (t = 0; t < TIMERS; t++)
		for (i = 0; i < MERGE_METRICS; i++) {
			sketch[t][i] = hvst_sketch_new();
			fill(sketch[t][i], all[i]);
		}
	for (t = 0; t < TIMERS; t++) {
		timers[t].timer = (int)t;
		timers[t].skew = sketch[t][0];
		timers[t].lateness = sketch[t][1];
		timers[t].delivery_latency = sketch[t][2];
		timers[t].entry_latency = sketch[t][3];
	}
	LIST(list, timers);
	put_diagnosis(out, &trace, list, TIMERS);
	for (t = 0; t < TIMERS; t++)
		for (i = 0; i < MERGE_METRICS; i++)
			hvst_sketch_free(sketch[t][i]);
}

static void same_sketch(const struct hvst_sketch *a, const struct hvst_sketch *b)
{
	unsigned int i = 0, k = 0, q;
	int64_t lo, hi, lo2, hi2;
	uint64_t n, n2;

	assert_true(hvst_sketch_count(a) == hvst_sketch_count(b));
	assert_true(hvst_sketch_min(a) == hvst_sketch_min(b));
	assert_true(hvst_sketch_max(a) == hvst_sketch_max(b));
	while (hvst_sketch_next(a, &i, &lo, &hi, &n)) {
		assert_true(hvst_sketch_next(b, &k, &lo2, &hi2, &n2));
		assert_true(lo == lo2 && hi == hi2 && n == n2);
	}
	assert_false(hvst_sketch_next(b, &k, &lo2, &hi2, &n2));
	for (q = 0; q <= 10000; q += 100)
		assert_true(hvst_sketch_quantile(a, q) == hvst_sketch_quantile(b, q));
}

static void test_thousand(void **state)
{
	struct hvst_sketch *all[MERGE_METRICS];
	struct merge m;
	char path[32];
	struct out out = file_new(path);
	unsigned int i;

	(void)state;
	for (i = 0; i < MERGE_METRICS; i++)
		all[i] = hvst_sketch_new();
	for (i = 0; i < RESULTS; i++)
		put_result(&out, i, all);
	assert_int_equal(out_close(&out), 0);
	assert_int_equal(merge_init(&m, 10), 0);
	assert_int_equal(merge_file(&m, path), 0);
	assert_true(m.results == RESULTS && !m.duplicates);
	assert_true(m.answers[HVST_Q_STORM][HVST_CANNOT_TELL] == RESULTS);
	for (i = 0; i < MERGE_METRICS; i++)
		same_sketch(m.sketch[i], all[i]);
	assert_int_equal(merge_file(&m, path), 0);
	assert_true(m.results == RESULTS && m.duplicates == RESULTS);
	for (i = 0; i < MERGE_METRICS; i++) {
		same_sketch(m.sketch[i], all[i]);
		hvst_sketch_free(all[i]);
	}
	merge_free(&m);
	unlink(path);
}

/* One result for each of @n hosts, with a single value of skew. */
static void put_hosts(struct out *out, const int64_t *skew, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct hvst_trace trace = { .first_ns = i + 1, .last_ns = 1000000000 };
		struct hvst_sketch *s = hvst_sketch_new();
		const struct hvst_timer timer = { .skew = s }, *list[] = { &timer };

		hvst_sketch_add(s, skew[i], 1);
		put_diagnosis(out, &trace, list, 1);
		hvst_sketch_free(s);
	}
}

static void test_outliers(void **state)
{
	/* quartiles 2 and 6, so the limit lies at 6 + 3 * 4 */
	static const int64_t skew[] = { 1, 2, 3, 4, 5, 6, 18, 19 };
	struct merge m;
	char path[32];
	struct out out = file_new(path);
	uint64_t n;

	(void)state;
	put_hosts(&out, skew, 8);
	assert_int_equal(out_close(&out), 0);
	assert_int_equal(merge_init(&m, 3), 0);
	assert_int_equal(merge_file(&m, path), 0);
	assert_int_equal(merge_limit(&m, 0, &n), 18);
	assert_int_equal(n, 1);
	assert_int_equal(m.highest[0].n, 3);
	assert_int_equal(m.highest[0].v[0]->p99_ns[0], 19);
	assert_int_equal(m.highest[0].v[2]->p99_ns[0], 6);
	assert_true(merge_limit(&m, 1, &n) == HVST_UNKNOWN && !n);
	merge_free(&m);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_thousand),
		cmocka_unit_test(test_outliers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
