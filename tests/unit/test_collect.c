// SPDX-License-Identifier: GPL-2.0
/* Collected values: nothing is lost when columns widen, series join, edges change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <string.h>

#include <cmocka.h>

#include "../../cli/collect.h"

static const struct timer_id any = { 1, 0, 0 };

#define VALUES 20000

static const struct hvst_vcpu_info vcpus[2][2] = {
	{ { .vcpu = 0, .thread = 100 }, { .vcpu = 1, .thread = 101 } },
	{ { .vcpu = 0, .thread = 200 }, { .vcpu = 1, .thread = 201 } },
};
static const struct hvst_vcpu_info *const vcpu_list[2][2] = {
	{ &vcpus[0][0], &vcpus[0][1] },
	{ &vcpus[1][0], &vcpus[1][1] },
};
static const struct hvst_vm vms[2] = {
	{ .vm = 0, .vcpus = vcpu_list[0], .nr_vcpus = 2 },
	{ .vm = 1, .vcpus = vcpu_list[1], .nr_vcpus = 2 },
};
static const struct hvst_vm *const vm_list[2] = { &vms[0], &vms[1] };
static const struct hvst_result who = { .vms = vm_list, .nr_vms = 2 };

static uint64_t next_random(uint64_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* The same values each time, over eight seconds: four known threads, one unknown, two timers. */
static void fill(struct collect *c)
{
	uint64_t x = 88172645463325252ULL;
	unsigned int i;

	for (i = 0; i < VALUES; i++) {
		uint64_t r = next_random(&x);
		int who_is = r % 5, tid = who_is == 4 ? 999 : 100 + who_is / 2 * 100 + who_is % 2;
		int64_t v = (int64_t)next_random(&x) >> (24 + r % 32);

		assert_int_equal(collect_add(c, METRIC_SKEW,
					     &(struct timer_id){ tid, tid % 2, r >> 8 & 1 },
					     i * 400000LL, v),
				 0);
	}
}

static void setup(struct collect *c, int64_t interval_ns, enum scale scale)
{
	struct options o = { .interval_ns = interval_ns, .scale = scale };

	collect_init(c, &o, 0, true);
}

static uint64_t in_columns(const struct collect *c, const struct series *s)
{
	uint64_t sum = 0, cells = 0;
	unsigned int i, b;

	for (i = 0; i < PLOT_COLUMNS; i++) {
		sum += s->columns[i].count;
		for (b = 0; s->columns[i].count && b <= c->plot_edges.n; b++)
			cells += s->columns[i].buckets[b];
	}
	assert_int_equal(cells, sum);
	return sum;
}

static uint64_t in_intervals(const struct series *s)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < s->nr_intervals; i++)
		sum += s->intervals[i] ? hvst_sketch_count(s->intervals[i]) : 0;
	return sum;
}

static uint64_t in_buckets(const struct collect *c, const struct series *s)
{
	uint64_t sum = 0;
	unsigned int b;

	for (b = 0; b <= c->edges.n; b++)
		sum += s->buckets[b];
	return sum;
}

static void everything_is_counted(const struct collect *c)
{
	uint64_t all = 0;
	unsigned int i;

	for (i = 0; i < c->nr_series; i++) {
		const struct series *s = &c->series[i];
		uint64_t n = hvst_sketch_count(s->sketch);

		assert_int_equal(in_columns(c, s), n);
		assert_int_equal(in_buckets(c, s), n);
		assert_int_equal(in_intervals(s), n);
		all += n;
	}
	assert_int_equal(all, VALUES);
	assert_int_equal(c->error, 0);
}

static void joined_by(void **state)
{
	/* an unknown thread stays apart from the VMs, but has vCPU and timer */
	static const struct {
		unsigned int by, groups;
	} cases[] = {
		{ BY_ALL, 10 }, { BY_VM | BY_VCPU, 5 }, { BY_VM, 3 },
		{ BY_VCPU, 2 }, { BY_TIMER, 2 },	{ 0, 1 },
	};
	unsigned int i;
	struct collect c;

	(void)state;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		setup(&c, 100000000, SCALE_LOG);
		fill(&c);
		everything_is_counted(&c);
		assert_int_equal(c.nr_series, 10);
		collect_group(&c, &who, cases[i].by);
		assert_int_equal(c.nr_series, cases[i].groups);
		everything_is_counted(&c);
		collect_free(&c);
	}
}

static void groups_have_names_and_order(void **state)
{
	struct collect c;

	(void)state;
	setup(&c, 1000000000, SCALE_LOG);
	fill(&c);
	collect_group(&c, &who, BY_ALL);
	assert_int_equal(c.series[0].vm, 0);
	assert_int_equal(c.series[0].vcpu, 0);
	assert_int_equal(c.series[0].timer, 0);
	assert_int_equal(c.series[0].thread, 100);
	assert_int_equal(c.series[7].vm, 1);
	assert_int_equal(c.series[7].thread, 201);
	assert_int_equal(c.series[9].vm, -1);
	assert_int_equal(c.series[9].thread, 999);
	collect_free(&c);
}

static void linear_after_a_look(void **state)
{
	struct collect c;

	(void)state;
	setup(&c, 500000000, SCALE_LINEAR);
	fill(&c);
	assert_int_equal(in_buckets(&c, &c.series[0]), 0);
	assert_true(collect_linear(&c, 0));
	assert_int_equal(c.nr_series, 0);
	assert_true(c.edges.linear);
	fill(&c);
	everything_is_counted(&c);
	collect_free(&c);

	setup(&c, 0, SCALE_LINEAR);
	fill(&c);
	assert_false(collect_linear(&c, 1));
	collect_free(&c);
}

static void too_many_intervals(void **state)
{
	struct collect c;

	(void)state;
	setup(&c, 1000, SCALE_LOG);
	assert_int_equal(collect_add(&c, METRIC_SKEW, &any, MAX_INTERVALS * 1000LL - 1, 5), 0);
	assert_int_equal(collect_add(&c, METRIC_SKEW, &any, MAX_INTERVALS * 1000LL, 5), -ERANGE);
	assert_int_equal(c.error, -ERANGE);
	collect_free(&c);
}

static void odd_times_and_values(void **state)
{
	struct options o = { 0 };
	struct collect c;

	(void)state;
	collect_init(&c, &o, HVST_UNKNOWN, true);
	assert_int_equal(collect_add(&c, METRIC_SKEW, &any, 1000, INT64_MAX), 0);
	assert_int_equal(collect_add(&c, METRIC_SKEW, &any, 10, INT64_MIN + 1), 0);
	assert_int_equal(collect_add(&c, METRIC_SKEW, &any, INT64_MAX, 0), 0);
	assert_int_equal(in_columns(&c, &c.series[0]), 3);
	assert_int_equal(in_buckets(&c, &c.series[0]), 3);
	collect_free(&c);
}

/* However often columns are joined, each value stays in the column of its time. */
static void columns_keep_their_time(void **state)
{
	const int64_t step = 700000, n = 10 * PLOT_COLUMNS;
	struct collect c;

	(void)state;
	setup(&c, 0, SCALE_LOG);
	for (int64_t i = 0; i < n; i++)
		assert_int_equal(collect_add(&c, METRIC_SKEW, &any, i * step, i), 0);
	assert_true(c.column_ns > step);
	assert_true((n - 1) * step / c.column_ns >= PLOT_COLUMNS / 2);
	for (unsigned int k = 0; k < PLOT_COLUMNS; k++) {
		const struct plot_column *col = &c.series[0].columns[k];
		/* the first value at or after the column's time */
		int64_t first = (k * c.column_ns + step - 1) / step;
		int64_t end = ((k + 1) * c.column_ns + step - 1) / step;

		end = end < n ? end : n;
		assert_int_equal(col->count, end > first ? end - first : 0);
		if (!col->count)
			continue;
		assert_int_equal(col->min, first);
		assert_int_equal(col->max, end - 1);
	}
	collect_free(&c);
}

static void what_is_no_arm(void **state)
{
	struct hvst_arm arm = { .skew_ns = 5, .kind = HVST_ARM_AHEAD };
	struct collect c;

	(void)state;
	setup(&c, 0, SCALE_LOG);
	assert_int_equal(collect_arm(&c, &arm), 0);
	arm.kind = HVST_ARM_PERIODIC;
	assert_int_equal(collect_arm(&c, &arm), 0);
	arm = (struct hvst_arm){ .skew_ns = 5, .flags = HVST_ARM_RESTART };
	assert_int_equal(collect_arm(&c, &arm), 0);
	arm = (struct hvst_arm){ .skew_ns = HVST_UNKNOWN };
	assert_int_equal(collect_arm(&c, &arm), 0);
	assert_int_equal(c.nr_series, 1);
	assert_int_equal(hvst_sketch_count(c.series[0].sketch), 1);
	collect_free(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(joined_by),
		cmocka_unit_test(groups_have_names_and_order),
		cmocka_unit_test(linear_after_a_look),
		cmocka_unit_test(too_many_intervals),
		cmocka_unit_test(odd_times_and_values),
		cmocka_unit_test(columns_keep_their_time),
		cmocka_unit_test(what_is_no_arm),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
