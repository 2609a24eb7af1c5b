// SPDX-License-Identifier: GPL-2.0
/* Policies arm by arm, and the stretches that simulate keeps until storms are known. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "../../cli/simulate.h"

#define MS 1000000LL

static struct policy parsed(const char *text)
{
	struct policy p;
	char why[128];

	assert_true(policy_parse(&p, text, why, sizeof(why)));
	return p;
}

/* @arms: '!' past due, '.' ahead, each @step_ns after the one before; the sum of all delays. */
static int64_t delays(const char *policy, const char *arms, int64_t step_ns)
{
	struct policy_history h = { .last_past_ns = HVST_UNKNOWN };
	struct policy p = parsed(policy);
	struct policy_state s = { 0 };
	int64_t ts = 0, sum = 0;

	for (; *arms; arms++, ts += step_ns) {
		bool past_due = *arms == '!';

		h.past_due = h.past_due << 1 | past_due;
		sum += policy_arm(&p, &s, &h, past_due, ts);
		if (past_due)
			h.last_past_ns = ts;
	}
	return sum;
}

static void conditions(void **state)
{
	(void)state;
	assert_int_equal(delays("none", "!!!", MS), 0);
	assert_int_equal(delays("pad=10us", "!.!!.", MS), 30000);
	assert_int_equal(delays("pad=10us,after=3", "!!!!.!!!", MS), 30000);
	assert_int_equal(delays("pad=10us,after=2,within=2ms", "!!!!", MS), 30000);
	/* The delay of the arm before moves the next one out of reach. */
	assert_int_equal(delays("pad=10us,after=2,within=1ms", "!!!!", MS), 20000);
	assert_int_equal(delays("pad=10us,after=2,within=999us", "!!!!", MS), 0);
	assert_int_equal(delays("pad=backoff,from=10us,max=35us", "!!!!.!", MS),
			 10000 + 20000 + 35000 + 35000 + 10000);
	assert_int_equal(delays("pad=10us,share=100",
				"!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!!",
				MS),
			 20000);
}

static void arm(struct simulation *s, int64_t ts_ns, bool past_due)
{
	struct hvst_arm a = { .ts_ns = ts_ns,
			      .tid = 7,
			      .kind = past_due ? HVST_ARM_PAST_DUE : HVST_ARM_AHEAD };

	assert_int_equal(sim_arm(s, &a, past_due ? HVST_ARM_PREEMPTED : HVST_ARM_ON_TIME), 0);
}

/* @n times a past-due arm and an arm ahead, from @ts_ns on; where it ended. */
static int64_t alone(struct simulation *s, int64_t ts_ns, unsigned int n)
{
	for (; n; n--, ts_ns += 10 * MS) {
		arm(s, ts_ns, true);
		arm(s, ts_ns + MS, false);
	}
	return ts_ns;
}

/* More stretches than are kept: they are joined, and a storm that lies apart is counted exactly. */
static void many_stretches(void **state)
{
	enum { POLICIES = MAX_POLICIES, ALONE = 5000, STORM = 1000 };
	static struct policy policies[POLICIES];
	struct hvst_storm storm = { .vm = -1, .tid = 7, .arms = STORM, .past_due = STORM };
	const struct hvst_storm *const list[] = { &storm };
	struct hvst_result r = { .storms = list, .nr_storms = 1 };
	struct simulation s;
	struct sim_total t;
	int64_t ts;

	(void)state;
	for (unsigned int i = 0; i < POLICIES; i++)
		policies[i] = parsed("pad=10us,after=16");
	policies[0] = parsed("pad=10us");
	assert_int_equal(sim_init(&s, policies, POLICIES, 200 * MS), 0);
	storm.start_ns = ts = alone(&s, 0, ALONE) + 1000 * MS;
	for (unsigned int i = 0; i < STORM; i++, ts += MS / 100)
		arm(&s, ts, true);
	storm.end_ns = ts - MS / 100;
	arm(&s, ts, false);
	alone(&s, ts + 1000 * MS, ALONE);
	assert_true(s.coarse);
	assert_true(s.nr_stretches <= s.max_stretches);
	sim_total(&s, 0, &r, 10000 * MS, &t);
	assert_int_equal(t.in_storms, STORM);
	assert_int_equal(t.delayed_in, STORM);
	assert_int_equal(t.outside, 2 * ALONE);
	assert_int_equal(t.delayed_out, 2 * ALONE);
	assert_int_equal(t.outside_by_cause[HVST_ARM_PREEMPTED], 2 * ALONE);
	sim_total(&s, 1, &r, 10000 * MS, &t);
	assert_int_equal(t.delayed_in, STORM - 15);
	assert_int_equal(t.delayed_out, 0);
	sim_free(&s);
}

/* --- the model --- */

#define US 1000LL

static struct hvst_sketch *all_of(int64_t ns)
{
	struct hvst_sketch *s = hvst_sketch_new();

	assert_non_null(s);
	assert_int_equal(hvst_sketch_add(s, ns, 100), 0);
	return s;
}

/*
 * A storm of 1001 arms in turns of 20 us, of which every @pause_every is followed by a pause of
 * 1 ms; each target is armed @times times. What a delay of 10 us makes of its rate, as a factor.
 */
static double slowed(struct hvst_storm *storm, unsigned int pause_every, unsigned int times)
{
	const struct policy p = parsed("pad=10us");
	struct hvst_timer t = { .vm = -1,
				.tid = 7,
				.lateness = all_of(2 * US),
				.delivery_latency = all_of(3 * US),
				.entry_latency = all_of(US) };
	const struct hvst_storm *const storms[] = { storm };
	const struct hvst_timer *const timers[] = { &t };
	const struct hvst_result r = {
		.storms = storms, .nr_storms = 1, .timers = timers, .nr_timers = 1
	};
	struct hvst_arm a = { .tid = 7, .kind = HVST_ARM_PAST_DUE };
	struct sim_storm out;
	struct simulation s;

	assert_int_equal(sim_init(&s, &p, 1, 200 * MS), 0);
	for (unsigned int i = 0; i <= 1000; i++) {
		a.ts_ns += i && pause_every && i % pause_every == 0 ? MS : 20 * US;
		a.count = i / times;
		storm->start_ns = i ? storm->start_ns : a.ts_ns;
		assert_int_equal(sim_arm(&s, &a, HVST_ARM_PREEMPTED), 0);
	}
	storm->end_ns = a.ts_ns;
	sim_finish(&s, &r, -1, HVST_UNKNOWN);
	sim_storm(&s, 0, storm, 10000 * MS, &out);
	sim_free(&s);
	hvst_sketch_free((struct hvst_sketch *)(uintptr_t)t.lateness);
	hvst_sketch_free((struct hvst_sketch *)(uintptr_t)t.delivery_latency);
	hvst_sketch_free((struct hvst_sketch *)(uintptr_t)t.entry_latency);
	return out.rate_after / out.rate_before;
}

static void near(double got, double want)
{
	if (got < want * .99 || got > want * 1.01)
		fail_msg("%f instead of %f", got, want);
}

/* The guest waits for 10 + 2 - 5 us, is woken up within 3, enters after 1: 11 us a turn. */
static void model(void **state)
{
	struct hvst_storm storm = { .vm = -1,
				    .tid = 7,
				    .arms = 1001,
				    .past_due = 1001,
				    .kind = HVST_STORM_CONSTANT,
				    .response = HVST_RESPONSE_SAME_TARGET,
				    .exit_cost_ns = HVST_UNKNOWN,
				    .interrupt_exit_ns = HVST_UNKNOWN,
				    .handler_rest_ns = 5 * US,
				    .handler_guest_share = -1,
				    .wake_ns = HVST_UNKNOWN,
				    .deliver_ns = HVST_UNKNOWN,
				    .switch_ns = HVST_UNKNOWN,
				    .slot_ns = HVST_UNKNOWN };

	(void)state;
	near(slowed(&storm, 0, 1), 20. / 31);
	storm.switch_ns = 2 * US; /* half of it is the guest's own; once more a turn */
	near(slowed(&storm, 0, 1), 20. / 32);
	storm.switch_ns = HVST_UNKNOWN;
	near(slowed(&storm, 0, 1001), 20. / 31); /* that is how it retries */
	storm.interrupt_exits = true;
	storm.interrupt_exit_ns = 2 * US; /* saved */
	near(slowed(&storm, 0, 1), 20. / 29);
	storm.interrupt_exit_ns = 400 * US; /* no more than the 3 us of any exit */
	near(slowed(&storm, 0, 1), 20. / 28);
	storm.interrupt_exits = false;
	/* 4 pauses are chance, 40 go on for as long a part of the time. */
	near(slowed(&storm, 250, 1), 23.92 / (23.92 + 11));
	near(slowed(&storm, 25, 1), 20. / 31);
	storm.wake_ns = 6 * US; /* of vCPUs that had halted */
	near(slowed(&storm, 0, 1), 20. / 34);
	storm.deliver_ns = 2 * US; /* no longer in the arm's exit */
	near(slowed(&storm, 0, 1), 20. / 32);
	/* Fired before the handler is through: an exit of 3 us where the guest has the CPU. */
	storm.handler_rest_ns = 15 * US;
	storm.handler_guest_share = .5;
	near(slowed(&storm, 0, 1), 20. / (20 + .5 * 3 + .5 * 2 - 2));
	/* Each second message waits 40 us for its slot, of which the handler takes 15. */
	storm.slot_busy = 500;
	storm.slot_ns = 40 * US;
	near(slowed(&storm, 0, 1), 20. / (20 + .5 * 3 + .5 * 2 - 2 - .5 * 25));
	storm.slot_ns = 15 * US;
	near(slowed(&storm, 0, 1), 20. / (20 + .5 * 3 + .5 * 2 - 2));
	storm.slot_busy = 0;
	storm.slot_ns = HVST_UNKNOWN;
	storm.handler_guest_share = -1; /* unknown: half */
	near(slowed(&storm, 0, 1), 20. / (20 + .5 * 3 + .5 * 2 - 2));
	storm.handler_rest_ns = 5 * US;
	storm.handler_guest_share = -1;
	storm.wake_ns = storm.deliver_ns = HVST_UNKNOWN;
	/*
	 * A backlog that is nowhere near its end, of which each target is armed twice: one waits.
	 */
	storm.kind = HVST_STORM_BACKLOG;
	storm.response = HVST_RESPONSE_PREVIOUS_PLUS;
	storm.count_gain = 1000;
	near(slowed(&storm, 0, 1), 20. / 31);
	near(slowed(&storm, 0, 2), 20. / 25.5);
	/* One pause of 1 ms, and as many a turn as in all storms of the recording: 1 us. */
	near(slowed(&storm, 600, 1), 21. / 32);
}

/* Rare late firings have their weight, but not those of a host that was stalled. */
static void rare_lateness(void **state)
{
	struct hvst_sketch *late = hvst_sketch_new();
	struct hvst_timer t = { .vm = -1, .tid = 7, .lateness = late };
	const struct hvst_timer *const timers[] = { &t };
	const struct hvst_result r = { .timers = timers, .nr_timers = 1 };
	const struct policy p = parsed("pad=10us");
	struct hvst_storm storm = { .vm = -1,
				    .tid = 7,
				    .past_due = 2,
				    .kind = HVST_STORM_CONSTANT,
				    .handler_rest_ns = HVST_UNKNOWN };
	struct hvst_arm a = { .tid = 7, .kind = HVST_ARM_PAST_DUE };
	struct sim_storm out;
	struct simulation s;
	double sum = 0;

	(void)state;
	assert_int_equal(hvst_sketch_add(late, 2 * US, 990), 0);
	assert_int_equal(hvst_sketch_add(late, 100 * US, 10), 0);
	assert_int_equal(hvst_sketch_add(late, 100 * MS, 10), 0);
	assert_int_equal(sim_init(&s, &p, 1, 200 * MS), 0);
	assert_int_equal(sim_arm(&s, &a, HVST_ARM_PREEMPTED), 0);
	sim_finish(&s, &r, -1, HVST_UNKNOWN);
	sim_storm(&s, 0, &storm, 10000 * MS, &out);
	for (unsigned int i = 0; i < LATE_POINTS; i++)
		sum += (double)out.costs.late_at[i];
	near(out.costs.late_at[0], 2 * US);
	near(sum / LATE_POINTS, .99 * 2 * US + .01 * 100 * US);
	sim_free(&s);
	hvst_sketch_free(late);
}

/* By tables of Poisson's distribution: the least number that is not exceeded 39 times of 40. */
static void chance(void **state)
{
	const struct pauses p = { .per_turn = .001, .mean_ns = 500, .longest_ns = 900 };
	struct spread s, sum = { 0 };
	unsigned int reasons = 0;

	(void)state;
	assert_int_equal(doubt_most(0), 0);
	assert_int_equal(doubt_most(.02), 0);
	assert_int_equal(doubt_most(.05), 1);
	assert_int_equal(doubt_most(1), 3);
	assert_int_equal(doubt_most(3), 7);
	assert_in_range(doubt_most(200), 227, 229);

	s = doubt_pauses(&p, 100); /* one of the longest, or none, for the tenth of one */
	near(s.more * 100, 900 - 50);
	near(s.less * 100, 50);
	s = doubt_pauses(&p, 3000); /* seven for three, or none */
	near(s.more * 3000, 2000);
	near(s.less * 3000, 1500);
	s = doubt_pauses(&p, 0);
	assert_true(s.more == 0 && s.less == 0);
	near(doubt_mean(100, 400).more, 10);
	near(doubt_few(4, 50).more, 50);
	near(doubt_few(1, 50).less, 50); /* no more than all of it */

	doubt_add(&sum, (struct spread){ 3, 30 }, 1000, DOUBT_CHANCE, &reasons);
	assert_int_equal(reasons, 0);
	doubt_add(&sum, (struct spread){ 4, 60 }, 1000, DOUBT_PAUSES, &reasons);
	assert_int_equal(reasons, DOUBT_PAUSES);
	near(sum.less, 5);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conditions), cmocka_unit_test(many_stretches),
		cmocka_unit_test(model),      cmocka_unit_test(rare_lateness),
		cmocka_unit_test(chance),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
