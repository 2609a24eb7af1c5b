// SPDX-License-Identifier: GPL-2.0
/* lib/analysis/pastdue: why a past-due arm outside storms was past due. */
#include "events.h"

static struct host host;
static const struct who vcpu0 = { &host, 100, 0, 1 };

static void begin(struct recording *f, enum kernel kernel, uint64_t ignored)
{
	host = (struct host){ .o = SEC(-900), .kernel = kernel };
	recording_begin(f, ignored);
	guest_setup(f, &vcpu0, 0);
	guest_ticks(f, &vcpu0, 200, MS(1));
}

/*
 * The guest aims @delay ahead, something takes @held before the write's exit, then the host is
 * asked.
 */
enum cause { NOTHING, EXIT_HELD, PREEMPTED, BLOCKED, STOPPED, HALTED, SLEPT };

static void arm(struct recording *f, enum cause cause, int64_t delay, int64_t held)
{
	uint64_t count = ref_now(f, &host) + (uint64_t)delay / 100;

	switch (cause) {
	case EXIT_HELD: /* a long exit that the guest did not ask for */
		ev_exit(f, &vcpu0, 2, 0x60);
		f->now += held;
		ev_entry(f, &vcpu0);
		break;
	case PREEMPTED:
	case BLOCKED:
	case STOPPED: /* R, D, T */
		ev_switch(f, vcpu0.tid, cause == PREEMPTED ? 0 : cause == BLOCKED ? 2 : 4, 7, 1);
		f->now += held;
		ev_switch(f, 7, 0, vcpu0.tid, 1);
		break;
	case HALTED: /* it asked for that */
		ev_exit(f, &vcpu0, 2, 0x78);
		f->now += held;
		ev_entry(f, &vcpu0);
		break;
	case SLEPT:
		ev_switch(f, vcpu0.tid, 1, 7, 1);
		f->now += held;
		ev_switch(f, 7, 0, vcpu0.tid, 1);
		break;
	default:
		f->now += held;
	}
	guest_arm(f, &vcpu0, 0, count);
}

static void expect(const char *what, enum cause cause, int64_t delay, int64_t held,
		   uint64_t ignored, struct hvst_past_due want)
{
	for (enum kernel k = TRACED; k <= STOCK; k++) {
		const struct hvst_past_due *p;
		struct recording f;

		begin(&f, k, ignored);
		for (unsigned int i = 0; i < 10; i++) {
			arm(&f, cause, delay, held);
			guest_ticks(&f, &vcpu0, 20, MS(1));
		}
		p = recording_end(&f)->past_due;
		if (k == TRACED)
			printf("# %s: %llu short, %llu preempted, %llu unexplained; preemption "
			       "%s\n",
			       what, (unsigned long long)p->short_deadline,
			       (unsigned long long)p->preempted, (unsigned long long)p->unexplained,
			       hvst_answer_name(verdict_of(&f, HVST_Q_PREEMPTION)->answer));
		assert_int_equal(p->isolated, 10);
		assert_int_equal(p->bursts, 0);
		assert_int_equal(p->short_deadline, want.short_deadline);
		assert_int_equal(p->preempted, want.preempted);
		assert_int_equal(p->unexplained, want.unexplained);
		assert_int_equal(verdict_of(&f, HVST_Q_PREEMPTION)->answer == HVST_YES,
				 want.preempted > 0);
		assert_int_equal(f.r->nr_storms, 0);
		recording_free(&f);
	}
}

static void test_causes(void **state)
{
	uint64_t exits = BIT_OF(ENTRY) | BIT_OF(EXIT), sw = BIT_OF(SCHED_SWITCH);

	(void)state;
	expect("2 us ahead", NOTHING, US(2), 0, 0, (struct hvst_past_due){ .short_deadline = 10 });
	expect("1 ms ahead, an exit of 3 ms", EXIT_HELD, MS(1), MS(3), 0,
	       (struct hvst_past_due){ .preempted = 10 });
	expect("the same by sched_switch", PREEMPTED, MS(1), MS(3), exits,
	       (struct hvst_past_due){ .preempted = 10 });
	expect("blocked in the host", BLOCKED, MS(1), MS(3), exits,
	       (struct hvst_past_due){ .preempted = 10 });
	expect("stopped", STOPPED, MS(1), MS(3), exits, (struct hvst_past_due){ .preempted = 10 });
	expect("the same, no sched_switch recorded", EXIT_HELD, MS(1), MS(3), sw,
	       (struct hvst_past_due){ .preempted = 10 });
	expect("held, but neither recorded", EXIT_HELD, MS(1), MS(3), exits | sw,
	       (struct hvst_past_due){ .unexplained = 10 });
	expect("3 ms late for nothing", NOTHING, MS(1), MS(3), 0,
	       (struct hvst_past_due){ .unexplained = 10 });
	expect("halted for 3 ms by its own choice", HALTED, MS(1), MS(3), 0,
	       (struct hvst_past_due){ .unexplained = 10 });
	expect("slept by its own choice", SLEPT, MS(1), MS(3), exits,
	       (struct hvst_past_due){ .unexplained = 10 });
}

/* Held, but by far less than the skew, or long ago: that does not explain it. */
static void test_not_the_cause(void **state)
{
	struct recording f;

	(void)state;
	begin(&f, TRACED, 0);
	for (unsigned int i = 0; i < 10; i++) {
		ev_exit(&f, &vcpu0, 2, 0x60);
		f.now += MS(1);
		ev_entry(&f, &vcpu0);
		guest_arm(&f, &vcpu0, 0, ref_now(&f, &host) - 50000); /* 5 ms behind */
		guest_ticks(&f, &vcpu0, 20, MS(1));
	}
	recording_end(&f);
	assert_int_equal(f.r->past_due->unexplained, 10);
	recording_free(&f);

	begin(&f, TRACED, 0);
	for (unsigned int i = 0; i < 10; i++) {
		ev_exit(&f, &vcpu0, 2, 0x60);
		f.now += MS(1);
		ev_entry(&f, &vcpu0);
		guest_ticks(&f, &vcpu0, 20, MS(1));
		guest_arm(&f, &vcpu0, 0,
			  ref_now(&f, &host) - 3000); /* 300 us behind, 20 ms later */
		guest_ticks(&f, &vcpu0, 20, MS(1));
	}
	recording_end(&f);
	assert_int_equal(f.r->past_due->unexplained, 10);
	recording_free(&f);
}

/* The host held the vCPU between the guest's write and the start itself. */
static void test_held_in_the_write(void **state)
{
	struct recording f;

	(void)state;
	begin(&f, TRACED, BIT_OF(SCHED_SWITCH));
	for (unsigned int i = 0; i < 10; i++) {
		uint64_t count = ref_now(&f, &host) + 10000;

		guest_write(&f, &vcpu0, 0, count, false);
		f.now += MS(300);
		assert_true(host_start(&f, &vcpu0, 0, count));
		ev_expiration(&f, &vcpu0, 0, true, 0);
		ev_entry(&f, &vcpu0);
		guest_ticks(&f, &vcpu0, 20, MS(1));
	}
	recording_end(&f);
	assert_int_equal(f.r->past_due->preempted, 10);
	recording_free(&f);
}

/*
 * Before anything is known of what an exit or a wake-up costs, a first arm that lags by a few us
 * was not held.
 */
static void test_first_wake(void **state)
{
	static const int64_t wake[] = { US(3), US(8), US(20) };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct recording f;

		host = (struct host){ .o = SEC(-900) };
		recording_begin(&f, 0);
		guest_setup(&f, &vcpu0, 0);
		for (unsigned int n = 0; n < 100; n++) {
			uint64_t count = ref_now(&f, &host) + 10000;

			guest_write(&f, &vcpu0, 0, count, false);
			host_start(&f, &vcpu0, 0, count);
			ev_exit(&f, &vcpu0, 2, 0x78);
			f.now += MS(1);
			ev_callback(&f, &vcpu0, 0, vcpu0.tid, 1);
			f.now += wake[i];
			ev_expiration(&f, &vcpu0, 0, true, 0);
			ev_entry(&f, &vcpu0);
			guest_arm(&f, &vcpu0, 0, ref_now(&f, &host) - 10 - (uint64_t)wake[i] / 100);
		}
		recording_end(&f);
		assert_int_equal(f.r->past_due->preempted, 0);
		assert_int_equal(verdict_of(&f, HVST_Q_PREEMPTION)->answer, HVST_NO);
		recording_free(&f);
	}
}

/*
 * Without exits a late delivery shows that the vCPU did not run, but where switches are recorded
 * these do.
 */
static void test_late_delivery(void **state)
{
	(void)state;
	for (unsigned int switches = 0; switches < 2; switches++) {
		struct recording f;

		begin(&f, TRACED, BIT_OF(ENTRY) | BIT_OF(EXIT));
		if (switches) {
			ev_switch(&f, vcpu0.tid, 1, 7, 1);
			ev_switch(&f, 7, 0, vcpu0.tid, 1);
		}
		for (unsigned int i = 0; i < 10; i++) {
			uint64_t count = ref_now(&f, &host) + 10000;

			guest_write(&f, &vcpu0, 0, count, false);
			host_start(&f, &vcpu0, 0, count);
			f.now += MS(1);
			ev_callback(&f, &vcpu0, 0, vcpu0.tid, 1);
			f.now += MS(3);
			ev_expiration(&f, &vcpu0, 0, true, 0);
			guest_arm(&f, &vcpu0, 0, ref_now(&f, &host) - 20000);
			guest_ticks(&f, &vcpu0, 20, MS(1));
		}
		recording_end(&f);
		assert_int_equal(f.r->past_due->preempted, switches ? 0 : 10);
		assert_int_equal(f.r->past_due->unexplained, switches ? 10 : 0);
		recording_free(&f);
	}
}

/*
 * A guest behind by 30 us tries a target of now and then again after it was delivered, one past-due
 * arm at a time; one that sets new targets too late each time is not known to be behind.
 */
static void test_retries(void **state)
{
	(void)state;
	for (enum kernel k = TRACED; k <= STOCK; k++)
		for (unsigned int n = 0; n < 4; n++) {
			bool again = n % 2;
			unsigned int times = n / 2 ? 30 : 5;
			struct recording f;

			begin(&f, k, 0);
			for (unsigned int i = 0; i < times; i++) {
				uint64_t count = ref_now(&f, &host) + 10000;

				assert_false(guest_arm(&f, &vcpu0, 0, count));
				f.now += US(25);
				if (again)
					assert_true(guest_arm(&f, &vcpu0, 0, count));
				else
					assert_true(guest_arm(&f, &vcpu0, 0, count + 100));
				guest_ticks(&f, &vcpu0, 20, MS(1));
			}
			recording_end(&f);
			assert_int_equal(verdict_of(&f, HVST_Q_GUEST_CLOCK_BEHIND)->answer,
					 again && times == 30 ? HVST_CANNOT_TELL : HVST_NO);
			recording_free(&f);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_causes),
		cmocka_unit_test(test_not_the_cause),
		cmocka_unit_test(test_held_in_the_write),
		cmocka_unit_test(test_first_wake),
		cmocka_unit_test(test_late_delivery),
		cmocka_unit_test(test_retries),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
