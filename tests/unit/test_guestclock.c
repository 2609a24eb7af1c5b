// SPDX-License-Identifier: GPL-2.0
/*
 * lib/analysis/guestclock: the rate of the guest's clock against the reference clock, from
 * headroom.
 */
#include <math.h>

#include "events.h"

static struct host host;
static const struct who vcpu0 = { &host, 100, 0, 1 };
static uint64_t seed = 88172645463325252ull;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

static void begin(struct recording *f)
{
	host = (struct host){ .o = SEC(-900) };
	recording_begin(f, 0);
	guest_setup(f, &vcpu0, 0);
}

/*
 * Ticks of @period by a guest clock that is off by @ppm from here on; what it costs to get there
 * varies.
 */
static void ticks(struct recording *f, int64_t span, int64_t period, double ppm, int64_t noise)
{
	int64_t from = f->now;

	while (f->now < from + span) {
		int64_t off = (int64_t)(ppm * (double)(f->now - from) / 1e6);
		uint64_t target;

		f->now += (int64_t)(rnd() % US(5)); /* until the guest reads its clock */
		target = ref_now(f, &host) + (uint64_t)(period + off) / 100;
		f->now += (int64_t)(rnd() % (uint64_t)noise);
		guest_arm(f, &vcpu0, 0, target);
		f->now += US(20);
	}
}

static const struct hvst_guest_transition *drift(const struct recording *f)
{
	for (unsigned int i = 0; i < f->r->nr_guest; i++)
		if (!isnan(f->r->guest[i]->rate_ppm))
			return f->r->guest[i];
	return NULL;
}

static void test_rates(void **state)
{
	static const double ppm[] = { -1000, -200, -60, -30, 30, 100, 500 };

	(void)state;
	for (unsigned int i = 0; i < sizeof(ppm) / sizeof(*ppm); i++) {
		const struct hvst_guest_transition *t;
		int64_t when;
		struct recording f;

		begin(&f);
		ticks(&f, SEC(5), MS(10), 0, US(40));
		when = f.now;
		ticks(&f, SEC(10), MS(10), ppm[i], US(40));
		recording_end(&f);
		t = drift(&f);
		if (!t)
			recording_show(&f);
		assert_non_null(t);
		printf("# guest clock %+.0f ppm: %+.1f +- %.1f ppm, since %+.1f ms of the change\n",
		       ppm[i], t->rate_ppm, t->rate_ppm_error, (double)(t->ts_ns - when) / 1e6);
		assert_true(fabs(t->rate_ppm - ppm[i]) <= fmax(10, fabs(ppm[i]) / 10));
		/*
		 * A knee of 30 ppm is too flat to see: the fit then goes over the level part as
		 * well.
		 */
		if (fabs(ppm[i]) > 40) {
			assert_true(fabs(t->rate_ppm - ppm[i]) <= t->rate_ppm_error + 2);
			assert_true(llabs(t->ts_ns - when) < SEC(1));
		}
		assert_int_equal(t->confidence, HVST_SUSPECTED);
		assert_int_equal(t->vcpu, 0);
		assert_int_equal(t->role, HVST_ROLE_STIMER);
		assert_int_equal(verdict_of(&f, HVST_Q_GUEST_CLOCK_RATE)->answer, HVST_YES);
		recording_free(&f);
	}
}

/* A guest at the right rate: level edges, whatever delays it asks for. */
static void test_steady(void **state)
{
	static const int64_t noise[] = { US(5), US(100), US(400) };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct recording f;

		begin(&f);
		for (unsigned int k = 0; k < 4; k++)
			ticks(&f, SEC(3), MS(2) * (1 + k), 0, noise[i]);
		recording_end(&f);
		assert_null(drift(&f));
		printf("# level, noise up to %lld us: %s\n", (long long)noise[i] / 1000,
		       hvst_answer_name(verdict_of(&f, HVST_Q_GUEST_CLOCK_RATE)->answer));
		assert_int_equal(verdict_of(&f, HVST_Q_GUEST_CLOCK_RATE)->answer, HVST_NO);
		recording_free(&f);
	}
}

/* Delays drawn at random show no clock: no claim either way. */
static void test_random_delays(void **state)
{
	unsigned int claims = 0;

	(void)state;
	for (unsigned int round = 0; round < 20; round++) {
		struct recording f;

		begin(&f);
		for (unsigned int i = 0; i < 3000; i++)
			guest_ticks(&f, &vcpu0, 1, US(50) + (int64_t)(rnd() % MS(20)));
		recording_end(&f);
		claims += drift(&f) != NULL;
		assert_int_not_equal(verdict_of(&f, HVST_Q_GUEST_CLOCK_RATE)->answer, HVST_YES);
		recording_free(&f);
	}
	printf("# 20 guests with delays drawn at random: %u claims of a rate\n", claims);
	assert_int_equal(claims, 0);
}

/* Too short to tell. */
static void test_short(void **state)
{
	struct recording f;

	(void)state;
	begin(&f);
	ticks(&f, MS(300), MS(5), -100, US(40));
	recording_end(&f);
	assert_null(drift(&f));
	assert_int_equal(verdict_of(&f, HVST_Q_GUEST_CLOCK_RATE)->answer, HVST_CANNOT_TELL);
	recording_free(&f);
}

/*
 * The trace clock is slewed by NTP, the guest's clock is the reference clock: headroom stays level.
 */
static void test_slewed_trace(void **state)
{
	struct recording f;

	(void)state;
	begin(&f);
	host_rate(&f, &host, 400);
	ticks(&f, SEC(10), MS(5), 0, US(40));
	recording_end(&f);
	assert_null(drift(&f));
	assert_int_equal(verdict_of(&f, HVST_Q_GUEST_CLOCK_RATE)->answer, HVST_NO);
	assert_int_equal(verdict_of(&f, HVST_Q_HOST_REFERENCE_RATE)->answer, HVST_YES);
	recording_free(&f);
}

/*
 * A guest that ticks on a grid, armed anew by something else that comes with a period a little off
 * the grid's: the headroom moves as evenly as a clock that runs slow, and no clock was read.
 */
static void test_grid_is_no_clock(void **state)
{
	uint64_t target;
	struct recording f;

	(void)state;
	begin(&f);
	target = ref_now(&f, &host) + (uint64_t)MS(8) / 100;
	for (unsigned int i = 0; i < 300; i++) {
		guest_write(&f, &vcpu0, 0, target, false);
		host_start(&f, &vcpu0, 0, target);
		f.now += MS(4) + US(4);
		target += (uint64_t)MS(4) / 100;
	}
	recording_end(&f);
	assert_null(drift(&f));
	assert_int_equal(verdict_of(&f, HVST_Q_GUEST_CLOCK_RATE)->answer, HVST_CANNOT_TELL);
	printf("# a grid of ticks armed every 4.004 ms: no rate is claimed\n");
	recording_free(&f);
}

/* A backlog advances far faster than any clock: a habit, not a rate. */
static void test_backlog_is_no_rate(void **state)
{
	uint64_t target;
	struct recording f;

	(void)state;
	begin(&f);
	ticks(&f, SEC(2), MS(10), 0, US(40));
	target = ref_now(&f, &host) - 100000000;
	for (unsigned int i = 0; i < 5000; i++) {
		target += 20000;
		f.now += MS(1);
		guest_arm(&f, &vcpu0, 0, target);
	}
	recording_end(&f);
	assert_null(drift(&f));
	recording_free(&f);
}

/* Two vCPUs: one drifts, one does not. */
static void test_one_of_two(void **state)
{
	static const struct who vcpu1 = { &host, 101, 1, 2 };
	unsigned int n = 0;
	int64_t from;
	struct recording f;

	(void)state;
	begin(&f);
	guest_setup(&f, &vcpu1, 0);
	for (from = f.now; f.now < from + SEC(10);) {
		uint64_t off = (uint64_t)(150e-6 * (double)(f.now - from));

		guest_arm(&f, &vcpu0, 0, ref_now(&f, &host) + 50000);
		f.now += US(10);
		guest_arm(&f, &vcpu1, 0, ref_now(&f, &host) + 50000 - off / 100);
		f.now += US(10);
	}
	recording_end(&f);
	for (unsigned int i = 0; i < f.r->nr_guest; i++)
		if (!isnan(f.r->guest[i]->rate_ppm)) {
			assert_int_equal(f.r->guest[i]->vcpu, 1);
			assert_true(fabs(f.r->guest[i]->rate_ppm + 150) < 10);
			n++;
		}
	assert_int_equal(n, 1);
	recording_free(&f);
}

/* The same grid, with ticks that jitter about it, and with every other tick a period later. */
static void test_jitter_is_no_clock(void **state)
{
	static const struct {
		unsigned int jitter, later;
	} grid[] = { { 8, 0 }, { 40, 0 }, { 200, 0 }, { 16, 2 }, { 100, 3 } };

	(void)state;
	for (unsigned int g = 0; g < 5; g++) {
		uint64_t target, count;
		struct recording f;

		begin(&f);
		target = ref_now(&f, &host) + (uint64_t)MS(8) / 100;
		for (unsigned int i = 0; i < 1000; i++) {
			count = target + rnd() % (2 * grid[g].jitter + 1) +
				i % 2 * grid[g].later * MS(4) / 100;
			guest_write(&f, &vcpu0, 0, count, false);
			host_start(&f, &vcpu0, 0, count);
			f.now += MS(4) + US(1);
			target += (uint64_t)MS(4) / 100;
		}
		recording_end(&f);
		printf("# a grid with jitter of %u units, alternating %u: %s\n", grid[g].jitter,
		       grid[g].later,
		       hvst_answer_name(verdict_of(&f, HVST_Q_GUEST_CLOCK_RATE)->answer));
		assert_null(drift(&f));
		assert_int_not_equal(verdict_of(&f, HVST_Q_GUEST_CLOCK_RATE)->answer, HVST_YES);
		recording_free(&f);
	}
}

/* A guest that adds the same delay each time, at the cost of real hardware: its clock shows. */
static void test_even_delays_show_a_clock(void **state)
{
	static const int64_t noise[] = { 200, US(1), US(3) };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct recording f;

		begin(&f);
		ticks(&f, SEC(6), MS(4), -200, noise[i]);
		recording_end(&f);
		assert_non_null(drift(&f));
		assert_int_equal(verdict_of(&f, HVST_Q_GUEST_CLOCK_RATE)->answer, HVST_YES);
		recording_free(&f);
	}
}

/*
 * The clock steps by less than the guest's delays: arms ahead on either side tell whether the guest
 * followed, and few of them do not.
 */
static void test_step_below_the_delay(void **state)
{
	static const struct {
		unsigned int before, after;
		bool follows;
		enum hvst_answer answer;
	} c[] = {
		{ 200, 200, true, HVST_NO },	     { 200, 200, false, HVST_YES },
		{ 40, 40, true, HVST_NO },	     { 40, 40, false, HVST_CANNOT_TELL },
		{ 200, 25, true, HVST_NO },	     { 200, 25, false, HVST_CANNOT_TELL },
		{ 200, 5, true, HVST_NO },	     { 200, 5, false, HVST_CANNOT_TELL },
		{ 30, 30, false, HVST_CANNOT_TELL },
	};

	(void)state;
	for (unsigned int i = 0; i < 9; i++) {
		struct recording f;

		begin(&f);
		guest_ticks(&f, &vcpu0, c[i].before, MS(10));
		host_step(&f, &host, MS(3));
		guest_ticks(&f, &vcpu0, c[i].after, c[i].follows ? MS(10) : MS(7));
		recording_end(&f);
		printf("# %u arms, a step of 3 ms, %u arms, %s: behind %s\n", c[i].before,
		       c[i].after, c[i].follows ? "followed" : "not followed",
		       hvst_answer_name(verdict_of(&f, HVST_Q_GUEST_CLOCK_BEHIND)->answer));
		assert_int_equal(verdict_of(&f, HVST_Q_HOST_REFERENCE_STEP)->answer, HVST_YES);
		assert_int_equal(verdict_of(&f, HVST_Q_GUEST_CLOCK_BEHIND)->answer, c[i].answer);
		recording_free(&f);
	}
}

/*
 * Ticks of 10 ms, nothing for seconds, ticks of a little less: two heaps of points lie on a line,
 * whatever the guest's clock does.
 */
static void test_two_heaps(void **state)
{
	static const int64_t pause[] = { SEC(2), SEC(9), SEC(30) };

	(void)state;
	for (unsigned int i = 0; i < 3; i++)
		for (unsigned int k = 1; k < 5; k++) {
			struct recording f;

			begin(&f);
			ticks(&f, MS(450) + MS(30) * k, MS(10), 0, US(10));
			f.now += pause[i];
			ticks(&f, MS(600), MS(10) - pause[i] / 4000, 0, US(10));
			recording_end(&f);
			assert_null(drift(&f));
			assert_int_not_equal(verdict_of(&f, HVST_Q_GUEST_CLOCK_RATE)->answer,
					     HVST_YES);
			recording_free(&f);
		}
}

/* Each second the guest asks for a little more: a flight of steps is no slow clock. */
static void test_flight_of_steps(void **state)
{
	static const int64_t more[] = { US(15), US(30), US(50) };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct recording f;

		begin(&f);
		for (int64_t k = 0; k < 4; k++)
			ticks(&f, MS(640), MS(10) + k * more[i], 0, US(2));
		recording_end(&f);
		assert_null(drift(&f));
		assert_int_not_equal(verdict_of(&f, HVST_Q_GUEST_CLOCK_RATE)->answer, HVST_YES);
		recording_free(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rates),
		cmocka_unit_test(test_steady),
		cmocka_unit_test(test_random_delays),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_slewed_trace),
		cmocka_unit_test(test_grid_is_no_clock),
		cmocka_unit_test(test_backlog_is_no_rate),
		cmocka_unit_test(test_one_of_two),
		cmocka_unit_test(test_jitter_is_no_clock),
		cmocka_unit_test(test_even_delays_show_a_clock),
		cmocka_unit_test(test_step_below_the_delay),
		cmocka_unit_test(test_two_heaps),
		cmocka_unit_test(test_flight_of_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
