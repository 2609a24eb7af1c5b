// SPDX-License-Identifier: GPL-2.0
/*
 * lib/analysis/twoclocks: which of the two clocks left the line, as far as arms show it; and what
 * looks like a change of the guest's clock and is none.
 */
#include "events.h"

static struct host host;
static const struct who vcpu0 = { &host, 701, 0, 0 };

#define CLOSE US(150)

static void begin_on(struct recording *f, struct host h)
{
	host = h;
	recording_begin(f, 0);
	guest_setup(f, &vcpu0, 0);
	ev_entry(f, &vcpu0);
	guest_ticks(f, &vcpu0, 200, MS(2));
}

static void begin(struct recording *f)
{
	begin_on(f, (struct host){ .o = -SEC(900) });
}

/* A guest whose clock lies @lag behind arms a target until its own clock has reached it. */
static void guest_retries(struct recording *f, unsigned int targets, int64_t lag, int64_t period)
{
	for (unsigned int i = 0; i < targets; i++) {
		uint64_t target = ref_now(f, &host) + (uint64_t)((period - lag) / 100);

		while (ref_now(f, &host) - (uint64_t)(lag / 100) < target) {
			guest_arm(f, &vcpu0, 0, target);
			f->now += US(20);
		}
	}
}

/* Arms @delay ahead by a clock that is @lag behind. */
static void guest_behind(struct recording *f, unsigned int n, int64_t lag, int64_t delay)
{
	for (unsigned int i = 0; i < n; i++)
		guest_arm(f, &vcpu0, 0, ref_now(f, &host) + (uint64_t)((delay - lag) / 100));
}

/* The last point of vCPU 0; NULL: none. */
static const struct hvst_clock_point *last_of(const struct recording *f, int vcpu)
{
	const struct hvst_clock_point *last = NULL;

	for (unsigned int i = 0; i < f->r->nr_points; i++)
		if (f->r->points[i]->vcpu == vcpu)
			last = f->r->points[i];
	return last;
}

static void expect(const struct recording *f, int64_t reference, int64_t guest)
{
	const struct hvst_clock_point *r = last_of(f, -1), *g = last_of(f, 0);

	assert_non_null(r);
	assert_non_null(g);
	if (llabs(g->guest_min_ns - guest) >= CLOSE || llabs(g->guest_max_ns - guest) >= CLOSE ||
	    llabs(r->reference_max_ns - reference) >= CLOSE)
		fail_msg("reference %lld for %lld, guest %lld to %lld for %lld",
			 (long long)r->reference_max_ns, (long long)reference,
			 (long long)g->guest_min_ns, (long long)g->guest_max_ns, (long long)guest);
}

/* Least and most of the guest's clock over all points. */
static void guest_range(const struct recording *f, int64_t *least, int64_t *most)
{
	*least = INT64_MAX;
	*most = INT64_MIN;
	for (unsigned int i = 0; i < f->r->nr_points; i++) {
		const struct hvst_clock_point *p = f->r->points[i];

		if (p->vcpu < 0)
			continue;
		*least = p->guest_min_ns < *least ? p->guest_min_ns : *least;
		*most = p->guest_max_ns > *most ? p->guest_max_ns : *most;
	}
}

static void never_off(const struct recording *f)
{
	int64_t least, most;

	guest_range(f, &least, &most);
	if (least <= -CLOSE || most >= CLOSE)
		fail_msg("guest %lld to %lld", (long long)least, (long long)most);
}

static void test_healthy(void **state)
{
	struct recording f;

	(void)state;
	begin(&f);
	recording_end(&f);
	assert_true(f.r->nr_points > 16);
	for (unsigned int i = 0; i < f.r->nr_points; i++) {
		const struct hvst_clock_point *p = f.r->points[i], *q = f.r->points[i ? i - 1 : 0];

		assert_true(p->vcpu == -1 ? p->guest_max_ns == HVST_UNKNOWN
					  : p->guest_max_ns != HVST_UNKNOWN);
		assert_true(!i || p->vcpu > q->vcpu || p->from_ns >= q->to_ns);
	}
	expect(&f, 0, 0);
	never_off(&f);
	recording_free(&f);
}

/* The guest's clock lags: by the targets it retries, or by delays that lie in the past. */
static void test_guest_lags(void **state)
{
	static const int64_t lags[] = { MS(9), MS(40), MS(200) };
	struct recording f;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		begin(&f);
		guest_retries(&f, 40, lags[i], MS(2));
		recording_end(&f);
		expect(&f, 0, -lags[i]);
		recording_free(&f);
		begin(&f);
		guest_behind(&f, 400, lags[i], MS(2));
		recording_end(&f);
		expect(&f, 0, -lags[i]);
		recording_free(&f);
	}
}

static void test_lag_ends(void **state)
{
	int64_t least, most;
	struct recording f;

	(void)state;
	begin(&f);
	guest_retries(&f, 40, MS(40), MS(2));
	guest_ticks(&f, &vcpu0, 200, MS(2));
	recording_end(&f);
	expect(&f, 0, 0);
	guest_range(&f, &least, &most);
	assert_true(llabs(least + MS(40)) < CLOSE && most < CLOSE);
	recording_free(&f);
}

/* A stock kernel reads its clock for no arm past due: the readings before and after have it. */
static void test_stock_kernel(void **state)
{
	int64_t least, most;
	struct recording f;

	(void)state;
	begin_on(&f, (struct host){ .o = -SEC(900), .kernel = STOCK });
	guest_behind(&f, 4000, MS(40), MS(2));
	guest_ticks(&f, &vcpu0, 200, MS(2));
	recording_end(&f);
	expect(&f, 0, 0);
	guest_range(&f, &least, &most);
	assert_true(llabs(least + MS(40)) < CLOSE && most < CLOSE);
	for (unsigned int i = 0; i < f.r->nr_points; i++)
		if (f.r->points[i]->guest_max_ns < -MS(1) && f.r->points[i]->vcpu == 0)
			assert_true(llabs(f.r->points[i]->reference_max_ns) < CLOSE);
	recording_free(&f);
}

/* The reference clock steps, and the guest's follows it or not. */
static void test_steps(void **state)
{
	static const int64_t steps[] = { MS(5), MS(50), SEC(3), -MS(1), -SEC(11) };
	struct recording f;

	(void)state;
	for (unsigned int i = 0; i < 5; i++) {
		begin(&f);
		host_step(&f, &host, steps[i]);
		ev_master(&f, 700, 2, true);
		guest_ticks(&f, &vcpu0, 200, MS(2));
		recording_end(&f);
		expect(&f, steps[i], steps[i]);
		recording_free(&f);
	}
	for (unsigned int i = 3; i < 5; i++) {
		begin(&f);
		host_step(&f, &host, steps[i]);
		ev_master(&f, 700, 2, true);
		guest_behind(&f, steps[i] < -SEC(1) ? 6 : 200, steps[i], MS(2));
		recording_end(&f);
		expect(&f, steps[i], 0);
		recording_free(&f);
	}
	for (unsigned int n = 1; n < 3; n++) { /* one arm or two are enough */
		begin(&f);
		host_step(&f, &host, -SEC(11));
		ev_master(&f, 700, 2, true);
		guest_behind(&f, n, -SEC(11), MS(2));
		recording_end(&f);
		expect(&f, -SEC(11), 0);
		recording_free(&f);
	}
	begin(&f);
	host_step(&f, &host, MS(30));
	ev_master(&f, 700, 2, true);
	guest_retries(&f, 40, MS(30), MS(2));
	recording_end(&f);
	expect(&f, MS(30), 0);
	recording_free(&f);
}

/* Another delay is no other clock; ever new ones show none. */
static void test_delays(void **state)
{
	unsigned int n = 0;
	struct recording f;

	(void)state;
	begin(&f);
	guest_ticks(&f, &vcpu0, 100, MS(10));
	guest_ticks(&f, &vcpu0, 400, US(500));
	recording_end(&f);
	expect(&f, 0, 0);
	never_off(&f);
	recording_free(&f);

	begin(&f);
	for (unsigned int i = 0; i < 400; i++)
		guest_ticks(&f, &vcpu0, 1, MS(10) + (i * 7919 % 97) * MS(1));
	recording_end(&f);
	never_off(&f);
	for (unsigned int i = 0; i < f.r->nr_points; i++)
		n += f.r->points[i]->vcpu == 0 && f.r->points[i]->from_ns > SEC(1001) + MS(500);
	assert_true(n < 60);
	recording_free(&f);
}

/* Ticks that are replayed say when they were due. */
static void test_backlog(void **state)
{
	uint64_t target;
	struct recording f;

	(void)state;
	begin(&f);
	target = ref_now(&f, &host);
	f.now += MS(300);
	for (; target < ref_now(&f, &host); target += 20000)
		guest_arm(&f, &vcpu0, 0, target);
	guest_ticks(&f, &vcpu0, 200, MS(2));
	recording_end(&f);
	assert_int_equal(f.r->nr_storms, 1);
	expect(&f, 0, 0);
	never_off(&f);
	recording_free(&f);
}

/* The beat of a grid of ticks with the period of what sets them is no slow clock. */
static void test_grid(void **state)
{
	struct recording f;

	(void)state;
	host = (struct host){ .o = -SEC(900) };
	recording_begin(&f, 0);
	guest_setup(&f, &vcpu0, 0);
	for (unsigned int i = 0; i < 4000; i++) {
		uint64_t next = ref_now(&f, &host) / 40000 * 40000 + 80000;
		int64_t at = f.now + MS(10) + 400;

		guest_arm(&f, &vcpu0, 0, next);
		f.now = at > f.now ? at : f.now;
	}
	recording_end(&f);
	never_off(&f);
	recording_free(&f);
}

/* Both clocks run 3 % too slowly, whatever delays the guest asks for. */
static void test_slope(void **state)
{
	struct recording f;

	(void)state;
	begin(&f);
	host_rate(&f, &host, -31400);
	for (unsigned int i = 0; i < 2000; i++)
		guest_ticks(&f, &vcpu0, 1, i / 100 % 2 ? MS(2) : MS(12));
	recording_end(&f);
	for (unsigned int i = 0; i < f.r->nr_points; i++) {
		const struct hvst_clock_point *p = f.r->points[i];

		assert_true(p->vcpu < 0 || llabs(p->guest_max_ns - p->reference_max_ns) < CLOSE);
	}
	assert_true(last_of(&f, 0)->reference_max_ns < -MS(300));
	recording_free(&f);
}

/* A rate shows as a slope, from the arms ahead on. */
static void test_rate(void **state)
{
	int64_t from;
	struct recording f;

	(void)state;
	begin(&f);
	from = f.now;
	for (unsigned int i = 0; i < 2000; i++)
		guest_behind(&f, 1, (f.now - from) / 5000, MS(2)); /* 200 ppm */
	recording_end(&f);
	expect(&f, 0, -(f.now - from) / 5000);
	recording_free(&f);
}

/* Of many vCPUs those are kept whose clock lies furthest off. */
static void test_many_vcpus(void **state)
{
	struct who w[20];
	int last = -1, n = 0;
	struct recording f;

	(void)state;
	begin(&f);
	for (int i = 0; i < 20; i++) {
		w[i] = (struct who){ &host, 701 + i, i, i };
		guest_setup(&f, &w[i], 0);
		guest_ticks(&f, &w[i], 100, MS(2));
	}
	for (int k = 0; k < 400; k++)
		guest_arm(&f, &w[17], 0, ref_now(&f, &host) - MS(20) / 100);
	recording_end(&f);
	assert_int_equal(f.r->nr_vms, 1);
	for (unsigned int i = 0; i < f.r->nr_points; i++) {
		if (f.r->points[i]->vcpu < 0 || f.r->points[i]->vcpu == last)
			continue;
		assert_true(f.r->points[i]->vcpu > last);
		last = f.r->points[i]->vcpu;
		n++;
	}
	assert_int_equal(n, 8);
	assert_non_null(last_of(&f, 17));
	assert_true(llabs(last_of(&f, 17)->guest_min_ns + MS(22)) < CLOSE);
	recording_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_healthy),	   cmocka_unit_test(test_guest_lags),
		cmocka_unit_test(test_lag_ends),   cmocka_unit_test(test_steps),
		cmocka_unit_test(test_delays),	   cmocka_unit_test(test_backlog),
		cmocka_unit_test(test_rate),	   cmocka_unit_test(test_stock_kernel),
		cmocka_unit_test(test_grid),	   cmocka_unit_test(test_slope),
		cmocka_unit_test(test_many_vcpus),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
