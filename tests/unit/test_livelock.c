// SPDX-License-Identifier: GPL-2.0
/* lib/analysis/livelock: one arm handled over and over, and what only looks like it. */
#include "events.h"

static struct host host;
static const struct who vcpu0 = { &host, 100, 0, 1 };

static void begin_without(struct recording *f, uint64_t config, uint64_t ignored)
{
	host = (struct host){ .o = SEC(-900) };
	recording_begin(f, ignored);
	ev_set_config(f, &vcpu0, 0, config | CONFIG_AUTO, false);
	guest_ticks(f, &vcpu0, 100, MS(1));
}

static void begin(struct recording *f, uint64_t config)
{
	begin_without(f, config, 0);
}

static void expect(struct recording *f, unsigned int storms, enum hvst_answer answer)
{
	recording_end(f);
	if (f->r->nr_storms != storms)
		recording_show(f);
	assert_int_equal(f->r->nr_storms, storms);
	assert_int_equal(verdict_of(f, HVST_Q_TIMER_LIVELOCK)->answer, answer);
	assert_int_equal(verdict_of(f, HVST_Q_STORM)->answer, answer);
	assert_int_equal(verdict_of(f, HVST_Q_GUEST_CLOCK_BEHIND)->answer, HVST_NO);
	assert_int_equal(f->nr_storms, storms);
}

/* KVM starts @count again @n times, each time called back at once. */
static void restarts(struct recording *f, uint64_t count, unsigned int n, int64_t every)
{
	guest_write(f, &vcpu0, 0, count, false);
	ev_start(f, &vcpu0, HVST_EV_STIMER_START_ONE_SHOT, 0, ref_now(f, &host), count);
	for (unsigned int i = 0; i < n; i++) {
		ev_callback(f, &vcpu0, 0, 100, 1);
		f->now += every;
		ev_start(f, &vcpu0, HVST_EV_STIMER_START_ONE_SHOT, 0, ref_now(f, &host), count);
	}
}

static void test_overflow(void **state)
{
	static const uint64_t counts[] = { INT64_MAX, UINT64_MAX, 1ull << 60 };
	static const unsigned int sizes[] = { 64, 1000, 20000 };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		const struct hvst_storm *s;
		struct recording f;
		int64_t from;

		begin(&f, CONFIG_DIRECT);
		from = f.now;
		restarts(&f, counts[i], sizes[i], US(50));
		guest_ticks(&f, &vcpu0, 50, MS(1));
		expect(&f, 1, HVST_YES);
		s = f.r->storms[0];
		assert_int_equal(s->kind, HVST_STORM_LIVELOCK);
		assert_int_equal(s->arms, sizes[i]);
		assert_int_equal(s->past_due, 0);
		assert_true(s->count == counts[i]);
		assert_true(s->ahead_ref > counts[i] - ref_now(&f, &host));
		assert_int_equal(s->livelock, HVST_LIVELOCK_DEADLINE);
		assert_true(s->start_ns >= from && s->start_ns < from + US(20));
		assert_false(s->open);
		assert_true(s->rate_hz > 18000 && s->rate_hz < 21000);
		assert_int_equal(s->skew_max_ns, HVST_UNKNOWN);
		recording_free(&f);
	}
}

/* Without callbacks: starts again and again may be a livelock, or KVM looking at a timer. */
static void test_no_callbacks(void **state)
{
	static const unsigned int turns[] = { 1, 60, 70, 1000 };

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		struct recording f;

		begin_without(&f, CONFIG_DIRECT, BIT_OF(STIMER_CALLBACK));
		restarts(&f, INT64_MAX, turns[i], US(50));
		guest_ticks(&f, &vcpu0, 50, MS(1));
		recording_end(&f);
		assert_int_equal(f.r->nr_storms, 0);
		assert_int_equal(verdict_of(&f, HVST_Q_STORM)->answer,
				 turns[i] > 64 ? HVST_CANNOT_TELL : HVST_NO);
		assert_int_equal(verdict_of(&f, HVST_Q_TIMER_LIVELOCK)->answer, HVST_CANNOT_TELL);
		recording_free(&f);
	}
}

/* Without the guest's writes: after a callback only a delivery or a restart can come. */
static void test_no_counts(void **state)
{
	struct recording f;

	(void)state;
	begin_without(&f, CONFIG_DIRECT, BIT_OF(STIMER_SET_COUNT));
	restarts(&f, INT64_MAX, 1000, US(50));
	guest_ticks(&f, &vcpu0, 50, MS(1));
	recording_end(&f);
	assert_int_equal(f.r->nr_storms, 1);
	assert_int_equal(f.r->storms[0]->arms, 1000);
	assert_int_equal(verdict_of(&f, HVST_Q_TIMER_LIVELOCK)->answer, HVST_YES);
	recording_free(&f);
}

/* Too few turns, too short, too far apart, without callbacks, or with another count each. */
static void test_harmless(void **state)
{
	struct recording f;

	(void)state;
	begin(&f, CONFIG_DIRECT);
	restarts(&f, UINT64_MAX, 1, US(50)); /* one early callback */
	guest_ticks(&f, &vcpu0, 10, MS(1));
	restarts(&f, UINT64_MAX, 63, US(50));
	guest_ticks(&f, &vcpu0, 10, MS(1));
	restarts(&f, UINT64_MAX, 200, 0);
	guest_ticks(&f, &vcpu0, 10, MS(1));
	restarts(&f, UINT64_MAX, 100, MS(201));
	guest_ticks(&f, &vcpu0, 10, MS(1));
	for (unsigned int i = 0; i < 200; i++) /* the guest looks again at a running timer */
		ev_start(&f, &vcpu0, HVST_EV_STIMER_START_ONE_SHOT, 0, ref_now(&f, &host),
			 INT64_MAX);
	guest_ticks(&f, &vcpu0, 10, MS(1));
	for (unsigned int i = 0; i < 200; i++) /* the guest programs it anew each time */
		restarts(&f, UINT64_MAX - i, 1, US(50));
	expect(&f, 0, HVST_NO);
	recording_free(&f);
}

static void busy(struct recording *f, unsigned int n, unsigned int eom_every)
{
	uint64_t count = ref_now(f, &host) + 10000;

	guest_write(f, &vcpu0, 0, count, false);
	host_start(f, &vcpu0, 0, count);
	f->now += MS(1);
	ev_callback(f, &vcpu0, 0, 100, 1);
	for (unsigned int i = 0; i < n; i++) {
		ev_expiration(f, &vcpu0, 0, false, -EAGAIN);
		f->now += US(20);
		if (eom_every && i % eom_every == 0)
			ev_msr(f, &vcpu0, true, HVST_MSR_EOM, 0);
	}
}

static void test_busy(void **state)
{
	static const unsigned int sizes[] = { 64, 1000, 20000 };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		const struct hvst_storm *s;
		struct recording f;

		begin(&f, CONFIG_SINT);
		busy(&f, sizes[i], 0);
		expect(&f, 1, HVST_YES);
		s = f.r->storms[0];
		assert_int_equal(s->kind, HVST_STORM_LIVELOCK);
		assert_int_equal(s->arms, sizes[i]);
		assert_int_equal(s->livelock, HVST_LIVELOCK_MESSAGE);
		assert_true(s->open);
		recording_free(&f);
	}
}

/* A slot busy once, or retried after each end of message; delivered in between. */
static void test_busy_harmless(void **state)
{
	struct recording f;

	(void)state;
	begin(&f, CONFIG_SINT);
	for (unsigned int i = 0; i < 200; i++) {
		busy(&f, 1, 0);
		f.now += MS(4);
		ev_expiration(&f, &vcpu0, 0, false, 0);
	}
	busy(&f, 500, 1);
	ev_expiration(&f, &vcpu0, 0, false, 0);
	busy(&f, 63, 0);
	ev_expiration(&f, &vcpu0, 0, false, 0);
	expect(&f, 0, HVST_NO);
	recording_free(&f);
}

/* The trace begins or ends inside, or records are missing inside. */
static void test_cut(void **state)
{
	struct recording f;

	(void)state;
	begin(&f, CONFIG_DIRECT);
	restarts(&f, UINT64_MAX, 500, US(50));
	expect(&f, 1, HVST_YES);
	assert_true(f.r->storms[0]->open);
	recording_free(&f);

	begin(&f, CONFIG_DIRECT);
	restarts(&f, UINT64_MAX, 500, US(50));
	f.now += MS(500);
	ev_lost(&f, 1, 100);
	guest_ticks(&f, &vcpu0, 2000, MS(10));
	expect(&f, 1, HVST_YES);
	recording_free(&f);
}

/* Without callbacks recorded nothing tells a restart from another look at the timer. */
static void test_missing(void **state)
{
	struct recording f;

	(void)state;
	host = (struct host){ .o = SEC(-900) };
	recording_begin(&f, BIT_OF(STIMER_CALLBACK));
	guest_setup(&f, &vcpu0, 0);
	guest_ticks(&f, &vcpu0, 100, MS(1));
	restarts(&f, UINT64_MAX, 500, US(50));
	recording_end(&f);
	assert_int_equal(verdict_of(&f, HVST_Q_TIMER_LIVELOCK)->answer, HVST_CANNOT_TELL);
	recording_free(&f);
}

/*
 * Every tenth callback comes on a CPU where neither timer was started and could be either's: the
 * livelock of each is one all the same.
 */
static void test_two_at_once(void **state)
{
	struct host second = { .o = SEC(-100) };
	const struct who other = { &second, 200, 0, 2 };
	const struct who *w[] = { &vcpu0, &other };
	struct recording f;

	(void)state;
	begin(&f, CONFIG_DIRECT);
	ev_set_config(&f, &other, 0, CONFIG_DIRECT | CONFIG_AUTO, false);
	guest_ticks(&f, &other, 100, MS(1));
	for (unsigned int k = 0; k < 2; k++) {
		guest_write(&f, w[k], 0, INT64_MAX, false);
		ev_start(&f, w[k], HVST_EV_STIMER_START_ONE_SHOT, 0, ref_now(&f, w[k]->host),
			 INT64_MAX);
	}
	for (unsigned int i = 0; i < 2000; i++) {
		const struct who *x = w[i % 2];

		ev_callback(&f, x, 0, 0, i % 10 ? x->cpu : 3);
		f.now += US(20);
		ev_start(&f, x, HVST_EV_STIMER_START_ONE_SHOT, 0, ref_now(&f, x->host), INT64_MAX);
	}
	recording_end(&f);
	assert_int_equal(f.r->nr_storms, 2);
	assert_int_equal(verdict_of(&f, HVST_Q_TIMER_LIVELOCK)->answer, HVST_YES);
	recording_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_overflow),    cmocka_unit_test(test_harmless),
		cmocka_unit_test(test_busy),	    cmocka_unit_test(test_busy_harmless),
		cmocka_unit_test(test_cut),	    cmocka_unit_test(test_missing),
		cmocka_unit_test(test_two_at_once), cmocka_unit_test(test_no_callbacks),
		cmocka_unit_test(test_no_counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
