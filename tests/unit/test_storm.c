// SPDX-License-Identifier: GPL-2.0
/* lib/analysis/storm: which groups of past-due arms are storms, of what kind, from when to when. */
#include <math.h>

#include "../../lib/analysis/storm_kind.h"
#include "events.h"

static struct host host;
static const struct who vcpu0 = { &host, 100, 0, 1 };

static void begin(struct recording *f, enum kernel kernel)
{
	host = (struct host){ .o = SEC(-900), .kernel = kernel };
	recording_begin(f, 0);
	f->an->params.storm_min_ns = 0; /* here an arm takes 8 us */
	guest_setup(f, &vcpu0, 0);
	guest_ticks(f, &vcpu0, 50, MS(2));
}

/*
 * Targets that move on by @period although the time of @behind has to be made up: until one lies
 * ahead.
 */
static unsigned int backlog(struct recording *f, int64_t behind, int64_t period, int64_t loop)
{
	uint64_t target = ref_now(f, &host) - (uint64_t)behind / 100;
	unsigned int n = 0;

	for (;; n++) {
		target += (uint64_t)period / 100;
		f->now += loop;
		if (!guest_arm(f, &vcpu0, 0, target))
			return n;
	}
}

/*
 * A guest clock that lags (more and more, by @ppm): the same target until it is reached, then the
 * next.
 */
static unsigned int retries(struct recording *f, int64_t lag, double ppm, int64_t period,
			    int64_t loop, int64_t span)
{
	int64_t from = f->now;
	uint64_t target = 0;
	unsigned int n = 0;

	while (f->now < from + span) {
		int64_t now_lag = lag + (int64_t)(ppm * (double)(f->now - from) / 1e6);
		uint64_t guest = ref_now(f, &host) - (uint64_t)now_lag / 100;

		if (target <= guest)
			target = guest + (uint64_t)period / 100;
		f->now += loop;
		/* a Linux guest recomputes it: a few units around */
		n += guest_arm(f, &vcpu0, 0, target + n % 5 - 2);
	}
	return n;
}

static void expect_one(const struct recording *f, const char *what, unsigned int n,
		       unsigned int kinds)
{
	const struct hvst_result *r = f->r;
	const struct hvst_storm *s = r->storms[0];

	if (r->nr_storms != 1)
		recording_show(f);
	assert_int_equal(r->nr_storms, 1);
	printf("# %s: %llu of %llu arms past due, %s, skew %+.3f .. %+.3f .. %+.3f ms\n", what,
	       (unsigned long long)s->past_due, (unsigned long long)s->arms,
	       hvst_storm_kind_name(s->kind), (double)s->skew_start_ns / 1e6,
	       (double)s->skew_max_ns / 1e6, (double)s->skew_end_ns / 1e6);
	assert_int_equal(s->past_due, n);
	assert_true(kinds >> s->kind & 1);
	assert_int_equal(f->nr_storms, 1);
	assert_int_equal(verdict_of(f, HVST_Q_STORM)->answer, HVST_YES);
}

static void test_backlog(void **state)
{
	(void)state;
	for (enum kernel k = TRACED; k <= STOCK; k++) {
		const struct hvst_storm *s;
		struct recording f;
		unsigned int n;

		begin(&f, k);
		n = backlog(&f, SEC(3), MS(2), US(300));
		guest_ticks(&f, &vcpu0, 50, MS(2));
		s = recording_end(&f)->storms[0];
		expect_one(&f, "backlog", n, 1u << HVST_STORM_BACKLOG);
		assert_false(s->open);
		assert_int_equal(s->period_ref, 20000);
		assert_true(llabs(s->skew_start_ns - SEC(3) + MS(2)) < MS(1));
		assert_true(s->skew_end_ns >= 0 && s->skew_end_ns < MS(2));
		assert_true(llabs(s->predicted_end_ns - s->end_ns) < MS(5));
		assert_true(s->skew_error_ns <= US(10));
		assert_int_equal(verdict_of(&f, HVST_Q_GUEST_BACKLOG)->answer, HVST_YES);
		assert_int_equal(verdict_of(&f, HVST_Q_GUEST_CLOCK_BEHIND)->answer, HVST_NO);
		recording_free(&f);
	}
}

/* Cut off in its middle: open, with the end that was to come. */
static void test_backlog_open(void **state)
{
	uint64_t target;
	const struct hvst_storm *s;
	int64_t end;
	struct recording f;

	(void)state;
	begin(&f, TRACED);
	target = ref_now(&f, &host) - 30000000; /* 3 s */
	for (unsigned int i = 0; i < 500; i++) {
		target += 20000;
		f.now += US(300);
		guest_arm(&f, &vcpu0, 0, target);
	}
	s = recording_end(&f)->storms[0];
	assert_int_equal(f.r->nr_storms, 1);
	assert_true(s->open);
	/* each arm gains the period less what it takes */
	end = s->end_ns +
	      (int64_t)((double)s->skew_end_ns /
			((double)MS(2) / ((double)(s->end_ns - s->start_ns) / 499) - 1));
	printf("# open backlog: predicted to end %.3f s after its last arm, by its rate %.3f\n",
	       (double)(s->predicted_end_ns - s->end_ns) / 1e9, (double)(end - s->end_ns) / 1e9);
	assert_true(llabs(s->predicted_end_ns - end) < (end - s->end_ns) / 20);
	recording_free(&f);
}

/*
 * A guest that retries each target three times shows a replay only by what its counts gain on the
 * time that passes: more than a quarter.
 */
static void test_gain(void **state)
{
	static const struct {
		unsigned int percent;
		bool replay;
	} gains[] = { { 110, false }, { 120, false }, { 130, true }, { 200, true } };

	(void)state;
	for (unsigned int i = 0; i < sizeof(gains) / sizeof(*gains); i++) {
		struct recording f;
		uint64_t target;

		begin(&f, TRACED);
		target = ref_now(&f, &host) - 30000000; /* 3 s */
		for (unsigned int n = 0; n < 600; n++) {
			int64_t next = f.now + MS(2) * 100 / gains[i].percent;

			target += 20000; /* 2 ms */
			for (unsigned int k = 0; k < 3; k++)
				guest_arm(&f, &vcpu0, 0, target);
			f.now = next;
		}
		recording_end(&f);
		printf("# counts at %u %% of the time: %s\n", gains[i].percent,
		       hvst_storm_kind_name(f.r->storms[0]->kind));
		assert_int_equal(f.r->nr_storms, 1);
		assert_int_equal(f.r->storms[0]->kind == HVST_STORM_BACKLOG, gains[i].replay);
		recording_free(&f);
	}
}

static void test_constant(void **state)
{
	(void)state;
	for (enum kernel k = TRACED; k <= STOCK; k++) {
		const struct hvst_storm *s;
		struct recording f;
		unsigned int n;

		begin(&f, k);
		n = retries(&f, MS(40), 0, MS(10), US(200), SEC(2));
		guest_ticks(&f, &vcpu0, 50, MS(2));
		s = recording_end(&f)->storms[0];
		expect_one(&f, "lag of 40 ms, retried targets of 10 ms", n,
			   1u << HVST_STORM_CONSTANT);
		assert_int_equal(s->period_ref, HVST_UNKNOWN);
		assert_true(s->skew_max_ns <= MS(40) + US(250) &&
			    s->skew_max_ns > MS(39)); /* the lag, within one loop */
		assert_int_equal(s->predicted_end_ns, HVST_UNKNOWN);
		assert_int_equal(verdict_of(&f, HVST_Q_GUEST_CLOCK_BEHIND)->answer, HVST_YES);
		assert_int_equal(verdict_of(&f, HVST_Q_GUEST_BACKLOG)->answer, HVST_NO);
		recording_free(&f);

		begin(&f, k);
		for (unsigned int i = 0; i < 1000; i++) {
			guest_lags(&f, &vcpu0, 1, MS(30));
			f.now += US(500);
		}
		guest_ticks(&f, &vcpu0, 50, MS(2));
		recording_end(&f);
		expect_one(&f, "now + period, always 30 ms behind", 1000,
			   1u << HVST_STORM_CONSTANT);
		recording_free(&f);
	}
}

/*
 * A stock kernel, a step down, and a lagging guest at once: the other vCPU's samples show the step
 * in mid-storm.
 */
static void test_constant_after_step(void **state)
{
	static const struct who vcpu1 = { &host, 101, 1, 2 };
	struct recording f;
	unsigned int n = 0;

	(void)state;
	begin(&f, STOCK);
	guest_setup(&f, &vcpu1, 0);
	guest_ticks(&f, &vcpu1, 50, MS(1));
	ev_master(&f, 90, 3, true);
	host_step(&f, &host, -MS(800));
	for (unsigned int i = 0; i < 10; i++) {
		n += retries(&f, MS(29), 0, MS(10), US(200), MS(40));
		guest_arm(&f, &vcpu1, 0, ref_now(&f, &host) + 3000);
	}
	guest_ticks(&f, &vcpu0, 50, MS(2));
	recording_end(&f);
	expect_one(&f, "lag of 29 ms right after a step of -800 ms", n, 1u << HVST_STORM_CONSTANT);
	assert_true(llabs(f.r->storms[0]->skew_max_ns - MS(29)) < US(300));
	recording_free(&f);
}

/* A step of more than twice the skew: what is missing is the delay that the guest asks for. */
static void test_cause_with_delay(void **state)
{
	static const int64_t delay[] = { MS(1), MS(10), MS(15.625) };

	(void)state;
	for (unsigned int i = 0; i < 2 * 3; i++) {
		bool fits = i < 3;
		int64_t d = delay[i % 3], step = d + MS(0.5);
		const struct hvst_storm *s;
		struct recording f;

		begin(&f, TRACED);
		guest_ticks(&f, &vcpu0, 50, d);
		ev_master(&f, 90, 3, true);
		host_step(&f, &host, fits ? step : 2 * step);
		guest_lags(&f, &vcpu0, 1000, MS(0.5));
		guest_ticks(&f, &vcpu0, 50, d);
		recording_end(&f);
		assert_int_equal(f.r->nr_storms, 1);
		s = f.r->storms[0];
		assert_int_equal(s->cause, fits ? HVST_CAUSE_HOST_STEP : HVST_CAUSE_NOT_SEEN);
		if (fits)
			assert_true(llabs(s->cause_size_ns - step) < US(300));
		recording_free(&f);
	}
}

static void test_growing(void **state)
{
	(void)state;
	for (enum kernel k = TRACED; k <= STOCK; k++) {
		struct recording f;
		unsigned int n;

		begin(&f, k);
		n = retries(&f, MS(10), 5000, MS(4), US(200), SEC(4));
		guest_ticks(&f, &vcpu0, 50, MS(2));
		recording_end(&f);
		expect_one(&f, "retried targets, 5000 ppm slow", n, 1u << HVST_STORM_GROWING);
		recording_free(&f);

		begin(&f, k);
		for (unsigned int i = 0; i < 4000; i++) {
			guest_lags(&f, &vcpu0, 1, MS(1) + US(1) * i);
			f.now += US(700);
		}
		guest_ticks(&f, &vcpu0, 50, MS(2));
		recording_end(&f);
		expect_one(&f, "now + period, 1 us further behind each time", 4000,
			   1u << HVST_STORM_GROWING);
		recording_free(&f);

		begin(&f, k); /* the TSC of a host that is 8 % slower */
		for (unsigned int i = 0; i < 4000; i++) {
			guest_lags(&f, &vcpu0, 1, US(2) + (f.now - SEC(1000)) / 12);
			f.now += US(20);
		}
		guest_ticks(&f, &vcpu0, 50, MS(2));
		recording_end(&f);
		expect_one(&f, "now + period, 8 % slow", 4000, 1u << HVST_STORM_GROWING);
		assert_int_equal(verdict_of(&f, HVST_Q_GUEST_CLOCK_RATE)->answer, HVST_YES);
		recording_free(&f);

		begin(&f, k); /* moved from 3.5 to 2.1 GHz without scaling of the TSC */
		for (int64_t from = f.now; f.now < from + MS(100);) {
			guest_lags(&f, &vcpu0, 1, US(2) + (f.now - from) * 2 / 5);
			f.now += US(20);
		}
		guest_ticks(&f, &vcpu0, 50, MS(2));
		recording_end(&f);
		assert_int_equal(f.r->nr_storms, 1);
		assert_int_equal(f.r->storms[0]->kind, HVST_STORM_GROWING);
		assert_int_equal(verdict_of(&f, HVST_Q_GUEST_CLOCK_RATE)->answer, HVST_YES);
		recording_free(&f);
	}
}

/*
 * Now and then a few arms past due. With a clock that lags more and more their lowest skew rises on
 * a line; with delays of several lengths it may only happen to be higher at the end.
 */
static void test_delays_of_several_lengths(void **state)
{
	static const int64_t skews_us[] = { 3200, 3200, 3200, 3200, 4000, 3200,
					    3200, 3200, 6400, 3200, 3200 };
	struct storm_counts counts = { .steps = 100, .moved = 100, .with_time = 100 };

	(void)state;
	for (unsigned int by = 0; by < 2; by++) {
		struct storm_course course = { 0 };
		struct storm_shape shape = {
			.counts = &counts, .course = &course, .span_ns = MS(53), .scaled = true
		};
		struct storm_nature nature;

		hvst_course_begin(&course, SEC(1));
		for (unsigned int i = 0; i < ARRAY_SIZE(skews_us); i++)
			hvst_course_add(&course, SEC(1) + i * US(5000),
					by ? US(skews_us[i]) : MS(3) + i * US(320), true);
		hvst_course_end(&course);
		hvst_storm_nature(&shape, &nature);
		assert_int_equal(nature.kind, by ? HVST_STORM_CONSTANT : HVST_STORM_GROWING);
	}
}

/*
 * Clock "local": the storm's vCPU moves to a CPU whose clock is 2 ms behind, so that its arms there
 * come between those before. Each one then seems to have another target than the last.
 */
static void test_retries_on_two_clocks(void **state)
{
	static const struct who moved = { &host, 100, 0, 3 };
	struct recording f;
	int64_t from;

	(void)state;
	host = (struct host){ .o = SEC(-900), .kernel = TRACED };
	recording_begin_clock(&f, 0, true);
	guest_ticks(&f, &vcpu0, 20, MS(1));
	from = f.now;
	/* by true time 8 ms on each of them; stamps of the second begin 2 ms before those of the
	 * first end */
	for (int64_t at = 0; at < MS(14); at += US(20)) {
		for (unsigned int cpu = 0; cpu < 2; cpu++) {
			const struct who *w = cpu ? &moved : &vcpu0;
			int64_t t = cpu ? at + MS(2) : at;
			int64_t now = from + host.o + t;

			if ((t >= MS(8)) != cpu)
				continue;
			f.now = from + at + cpu * US(5);
			ev_start(&f, w, HVST_EV_STIMER_START_EXPIRED, 0, (uint64_t)now / 100,
				 (uint64_t)(from + host.o - MS(58) + t / MS(4) * MS(4)) / 100);
			ev_expiration(&f, w, 0, true, 0);
		}
	}
	recording_end(&f);
	assert_int_equal(f.r->nr_storms, 1);
	assert_int_equal(f.r->storms[0]->kind, HVST_STORM_CONSTANT);
	recording_free(&f);
}

/*
 * A stock kernel reads its clock for no arm of a storm. A lag that grows by no more than NTP slews
 * is the guest's only if a reading after the storm still lies on the clock's line.
 */
static void test_growing_unread(void **state)
{
	static const double ppm[] = { 0, 400, 400 };
	static const bool read_after[] = { false, false, true };
	static const enum hvst_answer rate[] = { HVST_NO, HVST_CANNOT_TELL, HVST_YES };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct recording f;

		begin(&f, STOCK);
		guest_ticks(&f, &vcpu0, 500, MS(2));
		for (int64_t from = f.now; f.now < from + SEC(2); f.now += US(500))
			guest_lags(&f, &vcpu0, 1,
				   MS(20) + (int64_t)((double)(f.now - from) * ppm[i] / 1e6));
		guest_ticks(&f, &vcpu0, read_after[i] ? 200 : 0, MS(2));
		recording_end(&f);
		assert_int_equal(verdict_of(&f, HVST_Q_STORM)->answer, HVST_YES);
		assert_int_equal(verdict_of(&f, HVST_Q_GUEST_CLOCK_RATE)->answer, rate[i]);
		recording_free(&f);
	}
}

/*
 * On a stock kernel the skew of arms that come before the first reading of the clock is known at
 * the end: deadlines too short to be met are no storm then, either; a lag is.
 */
static void test_short_unread(void **state)
{
	static const int64_t behind[] = { 300, MS(5) };

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		struct recording f;

		host = (struct host){ .o = SEC(-900), .kernel = STOCK };
		recording_begin(&f, 0);
		guest_setup(&f, &vcpu0, 0);
		for (unsigned int n = 0; n < 1000; n++) {
			guest_lags(&f, &vcpu0, 1, behind[i]);
			f.now += US(5);
		}
		guest_ticks(&f, &vcpu0, 50, MS(2));
		recording_end(&f);
		assert_int_equal(f.r->nr_storms, i);
		assert_int_equal(verdict_of(&f, HVST_Q_STORM)->answer, i ? HVST_YES : HVST_NO);
		assert_int_equal(verdict_of(&f, HVST_Q_GUEST_CLOCK_BEHIND)->answer,
				 i ? HVST_YES : HVST_NO);
		/* nothing tells yet that the first one was past due */
		assert_int_equal(f.r->past_due->bursts, i ? 0 : 999);
		assert_int_equal(f.r->past_due->short_deadline, i ? 0 : 999);
		recording_free(&f);
	}
}

/* What turns out to be no storm is not counted for a vCPU that the user did not select. */
static void test_short_not_selected(void **state)
{
	struct recording f;

	(void)state;
	host = (struct host){ .o = SEC(-900), .kernel = STOCK };
	recording_begin(&f, 0);
	f.an->opts.vcpu = 7;
	guest_setup(&f, &vcpu0, 0);
	for (unsigned int n = 0; n < 1000; n++) {
		guest_lags(&f, &vcpu0, 1, 300);
		f.now += US(5);
	}
	guest_ticks(&f, &vcpu0, 50, MS(2));
	recording_end(&f);
	assert_int_equal(f.r->nr_storms, 0);
	assert_int_equal(f.r->past_due->bursts, 0);
	assert_int_equal(f.r->past_due->short_deadline, 0);
	recording_free(&f);
}

/* One past-due arm in ten is ahead (by little): still one storm; its share is told. */
static void test_mixed(void **state)
{
	const struct hvst_storm *s;
	struct recording f;

	(void)state;
	begin(&f, STOCK);
	for (unsigned int i = 0; i < 300; i++) {
		guest_lags(&f, &vcpu0, 9, MS(5));
		guest_ticks(&f, &vcpu0, 1, US(500));
	}
	s = recording_end(&f)->storms[0];
	expect_one(&f, "nine of ten past due", 2700, 1u << HVST_STORM_CONSTANT);
	assert_int_equal(s->arms, 2999); /* the last one ahead lies behind the storm */
	recording_free(&f);
}

/*
 * A thin head: every other arm past due at first, then all. Head and dense middle are one group,
 * the middle the storm.
 */
static void test_thin_head(void **state)
{
	const struct hvst_storm *s;
	int64_t dense;
	struct recording f;

	(void)state;
	begin(&f, TRACED);
	for (unsigned int i = 0; i < 300; i++) {
		guest_lags(&f, &vcpu0, 1, US(50));
		guest_ticks(&f, &vcpu0, 1, MS(1));
	}
	dense = f.now;
	guest_lags(&f, &vcpu0, 200, MS(3));
	guest_ticks(&f, &vcpu0, 50, MS(1));
	s = recording_end(&f)->storms[0];
	assert_int_equal(f.r->nr_storms, 1);
	printf("# thin head of 300, 200 dense: storm of %llu past-due arms from %+lld us of the "
	       "dense part\n",
	       (unsigned long long)s->past_due, (long long)(s->start_ns - dense) / 1000);
	assert_true(s->start_ns >= dense - MS(2) && s->start_ns <= dense + MS(1));
	assert_true(s->past_due >= 200 && s->past_due <= 204);
	assert_false(s->open);
	/* its figures are the dense part's, not the head's */
	assert_true(llabs(s->skew_start_ns - MS(3)) < MS(1) || s->start_ns < dense);
	recording_free(&f);
}

/* 1 to 200 past-due arms in a row, then arms ahead: isolated, a burst, a storm. */
static void test_thresholds(void **state)
{
	static const unsigned int sizes[] = { 1, 7, 8, 12, 47, 48, 63, 64, 65, 79, 80, 200 };

	(void)state;
	for (unsigned int i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
		unsigned int n = sizes[i];
		const struct hvst_result *r;
		struct recording f;

		begin(&f, i & 1 ? STOCK : TRACED);
		guest_lags(&f, &vcpu0, n, MS(5));
		guest_ticks(&f, &vcpu0, 50, MS(2));
		r = recording_end(&f);
		printf("# %u in a row: %s\n", n,
		       r->nr_storms	     ? "storm"
		       : r->past_due->bursts ? "burst"
					     : "isolated");
		assert_int_equal(r->nr_storms, n >= 64);
		assert_int_equal(r->past_due->isolated, n < 8 ? n : 0);
		assert_int_equal(r->past_due->bursts, n >= 8 && n < 64 ? n : 0);
		assert_int_equal(r->past_due->short_deadline + r->past_due->preempted +
					 r->past_due->unexplained,
				 n < 64 ? n : 0);
		recording_free(&f);
	}
}

/* An arm takes 8 us here: 100 last less than 1 ms, 200 more. */
static void test_harm(void **state)
{
	(void)state;
	for (unsigned int n = 100; n <= 200; n += 100) {
		const struct hvst_result *r;
		struct recording f;

		begin(&f, TRACED);
		f.an->params.storm_min_ns = MS(1);
		guest_lags(&f, &vcpu0, n, MS(5));
		guest_ticks(&f, &vcpu0, 50, MS(2));
		r = recording_end(&f);
		printf("# %u in a row, at least 1 ms: %u storms\n", n, r->nr_storms);
		assert_int_equal(r->nr_storms, n == 200);
		assert_int_equal(r->past_due->bursts, n == 100 ? n : 0);
		recording_free(&f);
	}
}

/* What belongs together: at most 8 arms ahead and at most 200 ms between two past-due arms. */
static void test_grouping(void **state)
{
	const struct hvst_result *r;
	struct recording f;

	(void)state;
	/* 40 + 40, eight arms ahead between them: one storm of 80; nine: two bursts */
	for (unsigned int ahead = 8; ahead <= 9; ahead++) {
		begin(&f, TRACED);
		guest_lags(&f, &vcpu0, 40, MS(5));
		guest_ticks(&f, &vcpu0, ahead, US(500));
		guest_lags(&f, &vcpu0, 40, MS(5));
		guest_ticks(&f, &vcpu0, 20, MS(2));
		r = recording_end(&f);
		assert_int_equal(r->nr_storms, ahead == 8);
		assert_int_equal(r->past_due->bursts, ahead == 8 ? 0 : 80);
		recording_free(&f);
	}
	/* a pause of 190 or 210 ms in a storm: one or two */
	for (unsigned int ms = 190; ms <= 210; ms += 20) {
		begin(&f, TRACED);
		guest_lags(&f, &vcpu0, 100, MS(5));
		f.now += MS(ms);
		guest_lags(&f, &vcpu0, 100, MS(5));
		guest_ticks(&f, &vcpu0, 20, MS(2));
		r = recording_end(&f);
		assert_int_equal(r->nr_storms, ms < 200 ? 1 : 2);
		assert_int_equal(r->storms[0]->past_due, ms < 200 ? 200 : 100);
		assert_false(r->storms[0]->open);
		recording_free(&f);
	}
}

/* The last arm, or a long silence after it: only the first leaves it open. */
static void test_open(void **state)
{
	struct recording f;

	(void)state;
	for (unsigned int silence = 0; silence < 2; silence++) {
		begin(&f, TRACED);
		guest_lags(&f, &vcpu0, 100, MS(5));
		f.now += silence * SEC(1);
		ev_entry(&f, &vcpu0);
		recording_end(&f);
		assert_int_equal(f.r->nr_storms, 1);
		assert_int_equal(f.r->storms[0]->open, !silence);
		recording_free(&f);
	}
}

/* Rates do not matter: the same storm 100 times slower or faster is a storm. */
static void test_no_rates(void **state)
{
	(void)state;
	for (int64_t pause = US(10); pause <= MS(100); pause *= 10) {
		struct recording f;

		begin(&f, TRACED);
		for (unsigned int i = 0; i < 120; i++) {
			guest_lags(&f, &vcpu0, 1, SEC(1));
			f.now += pause;
		}
		guest_ticks(&f, &vcpu0, 30, MS(2));
		recording_end(&f);
		printf("# an arm every %lld us: %u storm(s), %.1f Hz, peak %.1f Hz\n",
		       (long long)pause / 1000, f.r->nr_storms, f.r->storms[0]->rate_hz,
		       f.r->storms[0]->peak_hz);
		assert_int_equal(f.r->nr_storms, 1);
		assert_true(f.r->storms[0]->peak_hz >= f.r->storms[0]->rate_hz);
		assert_true(f.r->storms[0]->peak_hz < 2 * f.r->storms[0]->rate_hz);
		assert_int_equal(f.r->storms[0]->endangers_watchdog, pause == MS(100));
		recording_free(&f);
	}
}

/* Storms of two vCPUs that overlap are one episode; a later one is another; two VMs never share. */
static void test_episodes(void **state)
{
	static struct host other;
	static const struct who vcpu1 = { &host, 101, 1, 2 }, alien = { &other, 300, 0, 3 };
	const struct hvst_result *r;
	struct recording f;

	(void)state;
	begin(&f, TRACED);
	other = (struct host){ .o = SEC(-100) };
	guest_ticks(&f, &vcpu1, 20, MS(1));
	guest_ticks(&f, &alien, 20, MS(1));
	for (unsigned int i = 0; i < 100; i++) {
		guest_lags(&f, &vcpu0, 1, MS(5));
		guest_lags(&f, &vcpu1, 1, MS(5));
		guest_lags(&f, &alien, 1, MS(5));
	}
	guest_ticks(&f, &vcpu0, 20, MS(2));
	f.now += SEC(1);
	guest_lags(&f, &vcpu0, 100, MS(5));
	r = recording_end(&f);
	assert_int_equal(r->nr_vms, 2);
	assert_int_equal(r->nr_storms, 4);
	for (unsigned int i = 0; i < 3; i++)
		for (unsigned int k = 0; k < i; k++)
			assert_int_equal(r->storms[i]->episode == r->storms[k]->episode,
					 r->storms[i]->vm == r->storms[k]->vm);
	assert_int_equal(r->storms[3]->tid, 100);
	assert_true(r->storms[3]->episode > r->storms[0]->episode);
	recording_free(&f);
}

/*
 * Arms ahead separate past-due ones where their starts are not recorded as well: what a callback
 * ends, what has no start although these are recorded, and what the guest writes over.
 */
static void test_starts_not_recorded(void **state)
{
	static const enum kernel kernels[] = { STOCK, TRACED };

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		struct recording f;

		host = (struct host){ .o = SEC(-900), .kernel = kernels[i % 2] };
		recording_begin(&f, BIT_OF(STIMER_START_ONE_SHOT));
		f.an->params.storm_min_ns = 0;
		guest_setup(&f, &vcpu0, 0);
		guest_ticks(&f, &vcpu0, 1, MS(1));
		for (unsigned int bursts = 0; bursts < 4; bursts++) {
			guest_lags(&f, &vcpu0, 40, MS(5));
			for (unsigned int n = 0; n < 12; n++) {
				if (i < 2) {
					guest_ticks(&f, &vcpu0, 1, MS(1));
					continue;
				}
				guest_write(&f, &vcpu0, 0, ref_now(&f, &host) + 50000, false);
				ev_entry(&f, &vcpu0);
			}
		}
		recording_end(&f);
		assert_int_equal(f.r->nr_storms, 0);
		assert_int_equal(f.r->past_due->bursts, 160);
		recording_free(&f);
	}
}

/* The nearest clock event before it set it off; the VMM's write too. */
static void test_trigger(void **state)
{
	static const struct who vmm = { &host, 90, 0, 3 };
	int64_t moved;
	struct recording f;

	(void)state;
	begin(&f, TRACED);
	ev_master(&f, 90, 3, true);
	guest_ticks(&f, &vcpu0, 5, MS(2));
	moved = f.now;
	ev_tsc_offset(&f, &vmm, 500, 1000500);
	f.now += MS(7);
	guest_lags(&f, &vcpu0, 100, MS(5));
	recording_end(&f);
	assert_int_equal(f.r->nr_storms, 1);
	assert_int_equal(f.r->storms[0]->trigger_event, HVST_EV_WRITE_TSC_OFFSET);
	assert_int_equal(f.r->storms[0]->trigger_ts_ns, moved);
	assert_int_equal(f.r->storms[0]->trigger_distance_ns, f.r->storms[0]->start_ns - moved);
	assert_int_equal(f.r->storms[0]->evidence.e[0].tid, 90);
	recording_free(&f);

	begin(&f, TRACED);
	guest_lags(&f, &vcpu0, 100, MS(5));
	recording_end(&f);
	assert_int_equal(f.r->storms[0]->trigger_event, -1);
	assert_int_equal(f.r->storms[0]->trigger_ts_ns, HVST_UNKNOWN);
	recording_free(&f);
}

/*
 * Before: mostly halted. In it: no halt, no time outside the interrupt. Without entries and exits:
 * unknown.
 */
static void test_progress(void **state)
{
	(void)state;
	for (unsigned int isa = 0; isa <= 2; isa++) {
		uint64_t ign = isa ? 0 : BIT_OF(ENTRY) | BIT_OF(EXIT);
		const struct hvst_storm *s;
		struct recording f;

		host = (struct host){ .o = SEC(-900) };
		recording_begin(&f, ign);
		guest_setup(&f, &vcpu0, 0);
		for (unsigned int i = 0; i < 600; i++) {
			uint64_t count = ref_now(&f, &host) + 20000;

			guest_write(&f, &vcpu0, 0, count, false);
			host_start(&f, &vcpu0, 0, count);
			f.now += US(50);
			ev_exit(&f, &vcpu0, isa, isa == 1 ? 12 : 0x78); /* HLT */
			f.now += MS(2) - US(60);
			ev_callback(&f, &vcpu0, 0, 0, 1);
			ev_expiration(&f, &vcpu0, 0, true, 0);
			ev_entry(&f, &vcpu0);
			f.now += US(100); /* the interrupt */
		}
		for (unsigned int i = 0; i < 3000; i++) {
			guest_lags(&f, &vcpu0, 1, MS(5));
			f.now += US(100);
		}
		s = recording_end(&f)->storms[0];
		assert_int_equal(f.r->nr_storms, 1);
		if (isa) {
			printf("# progress (isa %u): %.0f %% before, %.1f %% during\n", isa,
			       100 * s->progress_before, 100 * s->progress_during);
			assert_true(s->progress_before > 0.85 && s->progress_before <= 1);
			assert_true(s->progress_during >= 0 && s->progress_during < 0.05);
		} else {
			assert_true(s->progress_before < 0 && s->progress_during < 0);
		}
		recording_free(&f);
	}
}

/* A gap inside: what is left of it on either side; nothing made up. */
static void test_gap(void **state)
{
	struct recording f;

	(void)state;
	begin(&f, STOCK);
	guest_lags(&f, &vcpu0, 200, MS(5));
	f.now += SEC(1);
	ev_lost(&f, vcpu0.cpu, 0);
	guest_lags(&f, &vcpu0, 200, MS(5));
	guest_ticks(&f, &vcpu0, 20, MS(2));
	recording_end(&f);
	assert_int_equal(f.r->nr_storms, 2);
	assert_int_equal(f.r->storms[0]->past_due, 200);
	assert_int_equal(f.r->storms[1]->past_due, 200);
	assert_true(f.r->storms[0]->open); /* the trace, or a gap, ends inside it */
	assert_false(f.r->storms[1]->open);
	recording_free(&f);
}

/*
 * A step that no reading shows, and a guest that replays its ticks to the end of the trace: each
 * arm says only that the clock has left its line, and none that its deadline was short.
 */
static void test_backlog_without_reading(void **state)
{
	static const int64_t period[] = { MS(1), MS(2), MS(15) };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		uint64_t target;
		struct recording f;

		begin(&f, STOCK);
		target = ref_now(&f, &host);
		host_step(&f, &host, SEC(600));
		for (unsigned int n = 0; n < 500; n++) {
			target += (uint64_t)period[i] / 100;
			f.now += US(2);
			assert_true(guest_arm(&f, &vcpu0, 0, target));
		}
		recording_end(&f);
		expect_one(&f, "replay after a step, no reading", 500, 1u << HVST_STORM_BACKLOG);
		assert_int_equal(verdict_of(&f, HVST_Q_GUEST_BACKLOG)->answer, HVST_YES);
		assert_int_equal(verdict_of(&f, HVST_Q_HOST_REFERENCE_STEP)->answer, HVST_YES);
		recording_free(&f);
	}
}

/* A replay that goes over into a lag, and a lag into a replay: two storms, each of its own kind. */
static void test_two_phases(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 3 * 2 * 2; i++) {
		enum kernel kernel = i % 3;
		unsigned int times = i / 3 % 2 ? 3 : 1, first = i / 6;
		uint64_t target;
		struct recording f;

		begin(&f, kernel);
		if (first)
			guest_lags(&f, &vcpu0, 1000, MS(40));
		target = ref_now(&f, &host) - 500 * (uint64_t)MS(1) / 100;
		while (target < ref_now(&f, &host) - 100) {
			for (unsigned int n = 0; n < times; n++)
				guest_arm(&f, &vcpu0, 0, target);
			target += (uint64_t)MS(1) / 100;
		}
		if (!first)
			guest_lags(&f, &vcpu0, 1000, MS(40));
		guest_ticks(&f, &vcpu0, 20, MS(2));
		recording_end(&f);
		if (f.r->nr_storms != 2)
			recording_show(&f);
		printf("# %s, each tick armed %u times: %u storms\n",
		       first ? "lag, then replay" : "replay, then lag", times, f.r->nr_storms);
		assert_int_equal(f.r->nr_storms, 2);
		assert_int_equal(f.r->storms[first]->kind, HVST_STORM_BACKLOG);
		assert_int_equal(f.r->storms[!first]->kind, HVST_STORM_CONSTANT);
		assert_true(llabs((int64_t)f.r->storms[!first]->past_due - 1000) < 100);
		assert_int_equal(verdict_of(&f, HVST_Q_GUEST_CLOCK_BEHIND)->answer, HVST_YES);
		assert_int_equal(verdict_of(&f, HVST_Q_GUEST_BACKLOG)->answer, HVST_YES);
		recording_free(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backlog),
		cmocka_unit_test(test_backlog_open),
		cmocka_unit_test(test_gain),
		cmocka_unit_test(test_constant),
		cmocka_unit_test(test_constant_after_step),
		cmocka_unit_test(test_growing),
		cmocka_unit_test(test_growing_unread),
		cmocka_unit_test(test_delays_of_several_lengths),
		cmocka_unit_test(test_retries_on_two_clocks),
		cmocka_unit_test(test_short_unread),
		cmocka_unit_test(test_short_not_selected),
		cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_thin_head),
		cmocka_unit_test(test_thresholds),
		cmocka_unit_test(test_grouping),
		cmocka_unit_test(test_open),
		cmocka_unit_test(test_no_rates),
		cmocka_unit_test(test_episodes),
		cmocka_unit_test(test_trigger),
		cmocka_unit_test(test_starts_not_recorded),
		cmocka_unit_test(test_progress),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_harm),
		cmocka_unit_test(test_backlog_without_reading),
		cmocka_unit_test(test_two_phases),
		cmocka_unit_test(test_cause_with_delay),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
