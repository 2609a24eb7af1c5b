// SPDX-License-Identifier: GPL-2.0
/* lib/analysis/lost: timers of which nothing comes, and timers that a restore revives. */
#include "events.h"

static struct host host;
static const struct who vcpu0 = { &host, 100, 0, 1 };
static const struct who vcpu1 = { &host, 101, 1, 2 };

#define SINT_TIMER 1

static void begin(struct recording *f, uint64_t ignored)
{
	host = (struct host){ .o = SEC(-900) };
	recording_begin(f, ignored);
	guest_setup(f, &vcpu0, 0);
	guest_setup(f, &vcpu1, 0);
	for (unsigned int i = 0; i < 100; i++) {
		guest_ticks(f, &vcpu0, 1, MS(1));
		guest_ticks(f, &vcpu1, 1, MS(1));
	}
}

static void expect(struct recording *f, enum hvst_question q, enum hvst_answer answer)
{
	recording_end(f);
	if (verdict_of(f, q)->answer != answer)
		printf("%s is %s: %s\n", hvst_question_name(q),
		       hvst_answer_name(verdict_of(f, q)->answer), verdict_of(f, q)->summary);
	assert_int_equal(verdict_of(f, q)->answer, answer);
	assert_int_equal(f->r->nr_storms, 0);
}

/* Timer @timer of vcpu0 expires and its delivery gives @result. Returns its count. */
static uint64_t fails(struct recording *f, unsigned int timer, bool direct, int result)
{
	uint64_t count = ref_now(f, &host) + 10000;

	ev_set_config(f, &vcpu0, timer, CONFIG_AUTO | (direct ? CONFIG_DIRECT : CONFIG_SINT),
		      false);
	guest_write(f, &vcpu0, timer, count, false);
	host_start(f, &vcpu0, timer, count);
	f->now += MS(1);
	ev_callback(f, &vcpu0, timer, 100, 1);
	ev_expiration(f, &vcpu0, timer, direct, result);
	return count;
}

static const struct {
	bool direct;
	int result;
} failures[] = { { false, -ENOENT }, { false, -EFAULT }, { true, 1 }, { false, -EAGAIN } };

/* Lost for a while, until the guest programs it again, and to the end. */
static void test_delivery(void **state)
{
	static const unsigned int lasts_ms[] = { 120, 2000, 60000 };

	(void)state;
	for (unsigned int i = 0; i < 4 * 3 * 2; i++) {
		unsigned int ms = lasts_ms[i / 2 % 3];
		bool recovers = i % 2;
		struct recording f;

		begin(&f, 0);
		fails(&f, SINT_TIMER, failures[i / 6].direct, failures[i / 6].result);
		guest_ticks(&f, &vcpu0, ms / 10, MS(10));
		if (recovers)
			fails(&f, SINT_TIMER, false, 0);
		expect(&f, HVST_Q_LOST_TIMER, HVST_YES);
		assert_non_null(strstr(verdict_of(&f, HVST_Q_LOST_TIMER)->summary,
				       recovers ? "recovered" : "did not program it again"));
		assert_non_null(strstr(verdict_of(&f, HVST_Q_LOST_TIMER)->summary, "timer 1 "));
		recording_free(&f);
	}
}

/*
 * A VMM that writes the lost timer's count back as it was has it started again; any other write of
 * it is a reset or a restore.
 */
static void test_given_back(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		bool config = i & 1, same = i & 2;
		uint64_t count;
		struct recording f;

		begin(&f, 0);
		count = fails(&f, SINT_TIMER, false, -ENOENT);
		guest_ticks(&f, &vcpu0, 300, MS(10));
		if (config)
			ev_set_config(&f, &vcpu0, SINT_TIMER,
				      CONFIG_AUTO | CONFIG_SINT | CONFIG_ENABLE, true);
		ev_set_count(&f, &vcpu0, SINT_TIMER, same ? count : count + 1, true);
		ev_expiration(&f, &vcpu0, SINT_TIMER, false, 0);
		guest_ticks(&f, &vcpu0, 30, MS(10));
		expect(&f, HVST_Q_LOST_TIMER, same ? HVST_YES : HVST_NO);
		if (same)
			assert_non_null(
				strstr(verdict_of(&f, HVST_Q_LOST_TIMER)->summary, "recovered"));
		recording_free(&f);
	}
}

/* Retried after the guest's end of interrupt; programmed again soon; one vCPU alone idles. */
static void test_harmless(void **state)
{
	struct recording f;

	(void)state;
	begin(&f, 0);
	for (unsigned int i = 0; i < 20; i++) {
		fails(&f, SINT_TIMER, false, -EAGAIN);
		f.now += MS(40);
		ev_expiration(&f, &vcpu0, SINT_TIMER, false, 0);
		guest_ticks(&f, &vcpu0, 30, MS(10));
		fails(&f, SINT_TIMER, false, -ENOENT);
		guest_ticks(&f, &vcpu0, 5, MS(10));
		fails(&f, SINT_TIMER, false, 0);
	}
	expect(&f, HVST_Q_LOST_TIMER, HVST_NO);
	recording_free(&f);
}

/*
 * Armed for @ahead, and no callback while the VM goes on for @then, of which the records of the
 * timer's CPU last for @seen.
 */
static void silent_but(struct recording *f, int64_t ahead, int64_t then, int64_t seen)
{
	uint64_t count = ref_now(f, &host) + (uint64_t)ahead / 100;

	guest_write(f, &vcpu1, 0, count, false);
	host_start(f, &vcpu1, 0, count);
	guest_ticks(f, &vcpu0, (unsigned int)(seen / MS(10)), MS(10));
	ev_switch(f, 0, 0, 31, vcpu1.cpu);
	guest_ticks(f, &vcpu0, (unsigned int)((then - seen) / MS(10)), MS(10));
}

static void silent(struct recording *f, int64_t ahead, int64_t then)
{
	silent_but(f, ahead, then, then);
}

static void test_no_callback(void **state)
{
	static const int64_t ahead[] = { MS(2), MS(500), SEC(20) };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct recording f;

		begin(&f, 0);
		silent(&f, ahead[i], ahead[i] + SEC(2));
		expect(&f, HVST_Q_LOST_TIMER, HVST_YES);
		assert_non_null(
			strstr(verdict_of(&f, HVST_Q_LOST_TIMER)->summary, "callback never came"));
		recording_free(&f);
	}
}

/*
 * The buffer of its CPU ends before the others do: what was not recorded may have come, unless the
 * VM was seen for longer than a recorder takes to stop.
 */
static void test_no_callback_recorded(void **state)
{
	static const int64_t seen[] = { 0, MS(490), MS(560) };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct recording f;

		begin(&f, 0);
		silent_but(&f, MS(500), MS(1200), seen[i]);
		expect(&f, HVST_Q_LOST_TIMER, HVST_CANNOT_TELL);
		recording_free(&f);

		begin(&f, 0);
		silent_but(&f, MS(500), SEC(2), seen[i]);
		expect(&f, HVST_Q_LOST_TIMER, HVST_YES);
		recording_free(&f);
	}
}

/* On a host whose CPUs stall, callbacks come late: one that has not come yet is not lost. */
static void test_callbacks_late(void **state)
{
	static const struct {
		int64_t late, silent;
		enum hvst_answer answer;
	} cases[] = {
		{ MS(1), MS(1200), HVST_YES },
		{ MS(700), MS(1200), HVST_CANNOT_TELL },
		{ MS(700), SEC(4), HVST_YES },
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		struct recording f;
		uint64_t count;

		begin(&f, 0);
		count = ref_now(&f, &host) + 10000;
		guest_write(&f, &vcpu1, 0, count, false);
		host_start(&f, &vcpu1, 0, count);
		f.now += MS(1) + cases[i].late;
		ev_callback(&f, &vcpu1, 0, 101, 2);
		ev_expiration(&f, &vcpu1, 0, true, 0);
		silent(&f, MS(2), cases[i].silent);
		expect(&f, HVST_Q_LOST_TIMER, cases[i].answer);
		recording_free(&f);
	}
}

static void test_no_callback_harmless(void **state)
{
	struct recording f;

	(void)state;
	begin(&f, 0);
	silent(&f, SEC(30), SEC(20)); /* not due yet */
	expect(&f, HVST_Q_LOST_TIMER, HVST_NO);
	recording_free(&f);

	begin(&f, 0);
	silent(&f, MS(2), SEC(2)); /* called back; then the vCPU does not run */
	recording_free(&f);

	begin(&f, 0);
	silent(&f, SEC(1), MS(500)); /* programmed again, or reset by the VMM, before it is due */
	silent(&f, SEC(1), MS(500));
	ev_set_config(&f, &vcpu1, 0, 0, true);
	ev_set_count(&f, &vcpu1, 0, 0, true);
	guest_ticks(&f, &vcpu0, 300, MS(10));
	expect(&f, HVST_Q_LOST_TIMER, HVST_NO);
	recording_free(&f);

	begin(&f, 0);
	silent(&f, SEC(1), MS(500)); /* a new VM in the same threads */
	ev_tsc_offset(&f, &vcpu1, 0, 12345);
	guest_ticks(&f, &vcpu0, 300, MS(10));
	expect(&f, HVST_Q_LOST_TIMER, HVST_NO);
	recording_free(&f);

	begin(&f, 0); /* the VM ends with it */
	guest_write(&f, &vcpu1, 0, ref_now(&f, &host) + 10000, false);
	host_start(&f, &vcpu1, 0, ref_now(&f, &host) + 10000);
	f.now += SEC(5);
	expect(&f, HVST_Q_LOST_TIMER, HVST_NO);
	recording_free(&f);
}

/* What is missing may be among the records that were lost. */
static void test_lost_records(void **state)
{
	struct recording f;

	(void)state;
	begin(&f, 0);
	silent(&f, MS(2), MS(500));
	ev_lost(&f, 3, 10);
	guest_ticks(&f, &vcpu0, 100, MS(10));
	expect(&f, HVST_Q_LOST_TIMER, HVST_CANNOT_TELL);
	recording_free(&f);

	/* a gap is known when it ends: by then the timer was programmed again */
	begin(&f, 0);
	silent(&f, MS(2), MS(500));
	guest_ticks(&f, &vcpu1, 20, MS(10));
	ev_lost(&f, vcpu1.cpu + 1, 10);
	guest_ticks(&f, &vcpu0, 20, MS(10));
	expect(&f, HVST_Q_LOST_TIMER, HVST_CANNOT_TELL);
	recording_free(&f);

	/* what was lost began after it */
	begin(&f, 0);
	silent(&f, MS(2), MS(500));
	guest_ticks(&f, &vcpu1, 20, MS(10));
	ev_master(&f, vcpu0.tid, vcpu1.cpu + 1, true);
	f.now += MS(200);
	ev_lost(&f, vcpu1.cpu + 1, 10);
	guest_ticks(&f, &vcpu0, 20, MS(10));
	expect(&f, HVST_Q_LOST_TIMER, HVST_YES);
	recording_free(&f);
}

/* Failed for good at the very end: too short to tell. */
static void test_failed_at_the_end(void **state)
{
	struct recording f;

	(void)state;
	begin(&f, 0);
	fails(&f, SINT_TIMER, false, -ENOENT);
	guest_ticks(&f, &vcpu0, 2, MS(10));
	expect(&f, HVST_Q_LOST_TIMER, HVST_CANNOT_TELL);
	recording_free(&f);

	begin(&f, 0); /* sent again when the slot is free */
	fails(&f, SINT_TIMER, false, -EAGAIN);
	guest_ticks(&f, &vcpu0, 2, MS(10));
	expect(&f, HVST_Q_LOST_TIMER, HVST_NO);
	recording_free(&f);
}

/* The guest disables a timer by its config, which is not recorded. */
static void test_no_configs(void **state)
{
	struct recording f;

	(void)state;
	begin(&f, BIT_OF(STIMER_SET_CONFIG));
	silent(&f, MS(2), SEC(2));
	expect(&f, HVST_Q_LOST_TIMER, HVST_CANNOT_TELL);
	recording_free(&f);
}

/* The VMM writes timer 1 back; it expires without a write of the guest. */
static void restore(struct recording *f, uint64_t config, int64_t ahead)
{
	uint64_t count = ref_now(f, &host) + (uint64_t)(ahead / 100);

	ev_set_config(f, &vcpu0, SINT_TIMER, config, true);
	ev_set_count(f, &vcpu0, SINT_TIMER, count, true);
	f->now += MS(200);
	if (ref_now(f, &host) < count) {
		ev_start(f, &vcpu0, HVST_EV_STIMER_START_ONE_SHOT, SINT_TIMER, ref_now(f, &host),
			 count);
		f->now += (int64_t)(count - ref_now(f, &host)) * 100;
		ev_callback(f, &vcpu0, SINT_TIMER, 100, 1);
	}
	ev_expiration(f, &vcpu0, SINT_TIMER, true, 0);
	guest_ticks(f, &vcpu0, 10, MS(10));
}

static void test_restored(void **state)
{
	const uint64_t expired = CONFIG_DIRECT | CONFIG_AUTO;
	static const int64_t late[] = { MS(-5), SEC(-3), -SEC(80) };
	struct recording f;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		begin(&f, 0);
		restore(&f, expired, late[i]);
		expect(&f, HVST_Q_RESTORED_TIMER_FIRED, HVST_YES);
		assert_int_equal(verdict_of(&f, HVST_Q_RESTORED_TIMER_FIRED)->evidence.n, 2);
		recording_free(&f);
	}
	begin(&f, 0); /* enabled, and fires when it is due */
	restore(&f, expired | CONFIG_ENABLE, MS(700));
	expect(&f, HVST_Q_RESTORED_TIMER_FIRED, HVST_NO);
	recording_free(&f);
	begin(&f, 0); /* enabled, and past due by then: it may have been pending */
	restore(&f, expired | CONFIG_ENABLE, MS(-5));
	expect(&f, HVST_Q_RESTORED_TIMER_FIRED, HVST_CANNOT_TELL);
	recording_free(&f);
	begin(&f, 0); /* a reset, then the guest arms */
	ev_set_config(&f, &vcpu0, 0, 0, true);
	ev_set_count(&f, &vcpu0, 0, 0, true);
	guest_setup(&f, &vcpu0, 0);
	guest_ticks(&f, &vcpu0, 100, MS(10));
	expect(&f, HVST_Q_RESTORED_TIMER_FIRED, HVST_NO);
	recording_free(&f);
}

/*
 * A neighbour's callback comes when another VM's timer of the same number is due, too, and names no
 * VM. The neighbour's expiration tells whose it was; without it nothing does.
 */
static void test_neighbours_callback(void **state)
{
	static struct host other;
	static const struct who neighbour = { &other, 700, 0, 3 };

	(void)state;
	for (unsigned int expires = 0; expires < 2; expires++) {
		struct recording f;
		uint64_t count;

		other = (struct host){ .o = SEC(-5000) };
		begin(&f, 0);
		guest_setup(&f, &neighbour, 0);
		guest_ticks(&f, &neighbour, 20, MS(1));
		count = ref_now(&f, &host) + 10000;
		guest_write(&f, &vcpu0, 0, count, false);
		host_start(&f, &vcpu0, 0, count);
		count = ref_now(&f, &other) + 10000;
		guest_write(&f, &neighbour, 0, count, false);
		host_start(&f, &neighbour, 0, count);
		f.now += MS(1);
		ev_callback(&f, &neighbour, 0, 0, 0); /* on neither's CPU */
		if (expires)
			ev_expiration(&f, &neighbour, 0, true, 0);
		guest_ticks(&f, &vcpu1, 300, MS(10));
		expect(&f, HVST_Q_LOST_TIMER, expires ? HVST_YES : HVST_CANNOT_TELL);
		recording_free(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_delivery),
		cmocka_unit_test(test_given_back),
		cmocka_unit_test(test_harmless),
		cmocka_unit_test(test_no_callback),
		cmocka_unit_test(test_callbacks_late),
		cmocka_unit_test(test_no_callback_harmless),
		cmocka_unit_test(test_lost_records),
		cmocka_unit_test(test_restored),
		cmocka_unit_test(test_no_configs),
		cmocka_unit_test(test_failed_at_the_end),
		cmocka_unit_test(test_no_callback_recorded),
		cmocka_unit_test(test_neighbours_callback),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
