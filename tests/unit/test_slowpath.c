// SPDX-License-Identifier: GPL-2.0
/* lib/analysis/slowpath, refused, load: what the guest pays for its clock, asks for, and costs. */
#include "events.h"

#include "../../lib/analysis/load.h"

#define PM_TIMER 0x608
#define HPET	 0xfed000f0
#define IO	 0x7b
#define MSR_EXIT 0x7c
#define NPF	 0x400

static struct host host;
static const struct who vcpu0 = { &host, 100, 0, 1 };

static void begin(struct recording *f)
{
	host = (struct host){ .o = SEC(-900) };
	recording_begin(f, 0);
	ev_msr(f, &vcpu0, true, HVST_MSR_GUEST_OS_ID, 0x8100060c00000000);
	guest_setup(f, &vcpu0, 0);
	ev_msr(f, &vcpu0, true, MSR_PAGE, 0x1000 << 12 | 1);
	ev_master(f, 100, 1, true);
	guest_ticks(f, &vcpu0, 50, MS(10));
}

static void read_clock(struct recording *f, unsigned int which)
{
	static const uint32_t exits[] = { MSR_EXIT, IO, NPF, 0x6e };

	ev_exit(f, &vcpu0, 2, exits[which]);
	if (which == 0)
		ev_msr(f, &vcpu0, false, MSR_REF_COUNT, ref_now(f, &host));
	else if (which == 1)
		ev_pio_read(f, &vcpu0, PM_TIMER);
	else if (which == 2)
		ev_mmio_read(f, &vcpu0, HPET);
	ev_entry(f, &vcpu0);
}

/* @n reads, @every ns apart. */
static void reads(struct recording *f, unsigned int which, unsigned int n, int64_t every)
{
	for (unsigned int i = 0; i < n; i++) {
		read_clock(f, which);
		f->now += every;
		if (i % 500 == 499)
			guest_ticks(f, &vcpu0, 1, MS(1));
	}
}

static void expect(struct recording *f, enum hvst_question q, enum hvst_answer answer)
{
	recording_end(f);
	if (verdict_of(f, q)->answer != answer)
		printf("%s is %s: %s\n", hvst_question_name(q),
		       hvst_answer_name(verdict_of(f, q)->answer), verdict_of(f, q)->summary);
	assert_int_equal(verdict_of(f, q)->answer, answer);
}

static void test_slow(void **state)
{
	static const char *const names[] = { "TIME_REF_COUNT", "PM timer", "HPET", "RDTSC" };
	static const struct {
		unsigned int n;
		int64_t every;
	} sizes[] = { { 1500, US(500) }, { 20000, US(30) }, { 60000, US(200) } };

	(void)state;
	for (unsigned int i = 0; i < 4 * 3; i++) {
		struct recording f;

		begin(&f);
		reads(&f, i % 4, sizes[i / 4].n, sizes[i / 4].every);
		expect(&f, HVST_Q_SLOW_CLOCK_PATH, HVST_YES);
		assert_non_null(
			strstr(verdict_of(&f, HVST_Q_SLOW_CLOCK_PATH)->summary, names[i % 4]));
		recording_free(&f);
	}
}

/* Why: the page never set, switched off, broken, or set and not trusted. */
static void test_why(void **state)
{
	static const char *const why[] = { "did not enable", "switched the TSC page off",
					   "broken since", "although the TSC page is set" };

	(void)state;
	for (unsigned int i = 0; i < 4; i++) {
		struct recording f;

		if (i) {
			begin(&f);
		} else {
			host = (struct host){ .o = SEC(-900) };
			recording_begin(&f, 0);
			guest_setup(&f, &vcpu0, 0);
		}
		if (i == 1)
			ev_msr(&f, &vcpu0, true, MSR_PAGE, 0);
		else if (i == 2)
			ev_master(&f, 100, 1, false);
		reads(&f, 0, 5000, US(100));
		expect(&f, HVST_Q_SLOW_CLOCK_PATH, HVST_YES);
		assert_non_null(strstr(verdict_of(&f, HVST_Q_SLOW_CLOCK_PATH)->summary, why[i]));
		assert_non_null(strstr(verdict_of(&f, HVST_Q_SLOW_CLOCK_PATH)->summary,
				       "outside the guest"));
		recording_free(&f);
	}
}

/* At boot only; seldom; one for each arm, as in a storm. */
static void test_slow_harmless(void **state)
{
	struct recording f;

	(void)state;
	begin(&f);
	reads(&f, 1, 20000, US(30));
	guest_ticks(&f, &vcpu0, 2000, MS(10));
	expect(&f, HVST_Q_SLOW_CLOCK_PATH, HVST_NO);
	recording_free(&f);

	begin(&f);
	reads(&f, 0, 5000, MS(2));
	expect(&f, HVST_Q_SLOW_CLOCK_PATH, HVST_NO);
	recording_free(&f);

	for (unsigned int counts = 0; counts < 2; counts++) {
		/* the counts recorded, or only the writes of their MSR */
		host = (struct host){ .o = SEC(-900) };
		recording_begin(&f, counts ? 0 : BIT_OF(STIMER_SET_COUNT));
		guest_setup(&f, &vcpu0, 0);
		for (unsigned int i = 0; i < 5000; i++) {
			guest_write(&f, &vcpu0, 0, ref_now(&f, &host) - 300, true);
			host_start(&f, &vcpu0, 0, ref_now(&f, &host) - 300);
			ev_expiration(&f, &vcpu0, 0, true, 0);
			ev_entry(&f, &vcpu0);
			f.now += US(50);
		}
		expect(&f, HVST_Q_SLOW_CLOCK_PATH, HVST_NO);
		recording_free(&f);
	}
}

/* A trace of a tenth of a second: all of it reads, its end, its beginning. */
static void test_short(void **state)
{
	static const enum hvst_answer right[] = { HVST_YES, HVST_CANNOT_TELL, HVST_NO };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		struct recording f;

		host = (struct host){ .o = SEC(-900) };
		recording_begin(&f, 0);
		guest_setup(&f, &vcpu0, 0);
		if (i == 1)
			guest_ticks(&f, &vcpu0, 40, MS(10));
		reads(&f, 0, 1500, US(50));
		if (i == 2)
			guest_ticks(&f, &vcpu0, 40, MS(10));
		expect(&f, HVST_Q_SLOW_CLOCK_PATH, right[i]);
		recording_free(&f);
	}
}

/* Reads that ended may have been of a boot, which only MSR writes would show. */
static void test_boot_unseen(void **state)
{
	struct recording f;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		host = (struct host){ .o = SEC(-900) };
		recording_begin(&f, BIT_OF(MSR));
		guest_setup(&f, &vcpu0, 0);
		guest_ticks(&f, &vcpu0, 50, MS(10));
		reads(&f, 1, i == 1 ? 400000 : 20000, US(30)); /* 12 s are no boot */
		guest_ticks(&f, &vcpu0, i == 2 ? 10 : 2000, MS(10));
		expect(&f, HVST_Q_SLOW_CLOCK_PATH, i ? HVST_YES : HVST_CANNOT_TELL);
		recording_free(&f);
	}
}

static void test_refused(void **state)
{
	static const unsigned int times[] = { 1, 30, 5000 };
	const struct hvst_verdict *v;
	struct recording f;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		char text[64];

		begin(&f);
		for (unsigned int n = 0; n < times[i]; n++) {
			ev_hypercall(&f, &vcpu0, 0x103, 2);
			ev_msr_refused(&f, &vcpu0, true, HVST_MSR_STIME_UNHALTED_TIMER_CONFIG);
		}
		expect(&f, HVST_Q_REFUSED_REQUESTS, HVST_YES);
		v = verdict_of(&f, HVST_Q_REFUSED_REQUESTS);
		snprintf(text, sizeof(text), "refused %u requests", 2 * times[i]);
		assert_non_null(strstr(v->summary, text));
		assert_non_null(strstr(v->summary, "HvCallRestorePartitionTime (0x0103), "
						   "HV_STATUS_INVALID_HYPERCALL_CODE"));
		assert_non_null(strstr(v->summary, "HV_STIME_UNHALTED_TIMER_CONFIG"));
		recording_free(&f);
	}
	begin(&f); /* granted, to be tried again, none of Hyper-V's; a result without its call */
	ev_hypercall(&f, &vcpu0, 0x5c, 0);
	ev_hypercall(&f, &vcpu0, 0x5c, 0x13);
	ev_msr_refused(&f, &vcpu0, false, 0xc0011028);
	expect(&f, HVST_Q_REFUSED_REQUESTS, HVST_NO);
	recording_free(&f);
}

/* More kinds of requests than are kept: all are counted. */
static void test_refused_many(void **state)
{
	struct recording f;

	(void)state;
	begin(&f);
	for (uint16_t code = 0x200; code < 0x300; code++)
		ev_hypercall(&f, &vcpu0, code, 3);
	expect(&f, HVST_Q_REFUSED_REQUESTS, HVST_YES);
	assert_non_null(strstr(verdict_of(&f, HVST_Q_REFUSED_REQUESTS)->summary, "256 requests"));
	recording_free(&f);
}

/* A tick of 100 Hz, of 10 kHz, of 50 kHz: the rate, and that only the first is no load. */
static void test_load(void **state)
{
	static const int64_t delays[] = { MS(10), US(100), US(15) };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		const struct hvst_timer *t;
		double hz = 1e9 / (double)delays[i];
		struct recording f;

		begin(&f);
		recording_free(&f);
		host = (struct host){ .o = SEC(-900) };
		recording_begin(&f, 0);
		guest_setup(&f, &vcpu0, 0);
		guest_ticks(&f, &vcpu0, (unsigned int)(SEC(2) / delays[i]), delays[i]);
		expect(&f, HVST_Q_STORM, HVST_NO);
		t = timer_find(&f, 100, 0);
		printf("# %.0f Hz asked for: %.0f expirations a second, peak %.0f, %.0f %% of "
		       "exits, %.1f %% of time\n",
		       hz, t->expirations_hz, t->peak_hz, 100 * t->exit_share, 100 * t->time_share);
		assert_true(t->expirations_hz > hz / 2 && t->expirations_hz <= hz);
		assert_true(t->arms_hz > hz / 2 && t->arms_hz <= hz);
		assert_true(t->peak_hz >= t->expirations_hz * 0.9);
		assert_true(t->exit_share > 0.9 && t->exit_share <= 1);
		assert_true(t->time_share > 0 && t->time_share < 1);
		assert_int_equal(hvst_load_is_high(t), i > 0);
		recording_free(&f);
	}
}

/* Without exits recorded shares are unknown; the rate is not. */
static void test_load_unknown(void **state)
{
	struct recording f;

	(void)state;
	host = (struct host){ .o = SEC(-900) };
	recording_begin(&f, BIT_OF(EXIT) | BIT_OF(ENTRY));
	guest_setup(&f, &vcpu0, 0);
	guest_ticks(&f, &vcpu0, 200, MS(10));
	recording_end(&f);
	assert_true(timer_find(&f, 100, 0)->exit_share < 0);
	assert_true(timer_find(&f, 100, 0)->time_share < 0);
	assert_true(timer_find(&f, 100, 0)->expirations_hz > 90);
	recording_free(&f);
}

/* vCPU 1 exits 1 us before each read of vCPU 0; @late: its exits are merged after the reads. */
static void exits_of_another(struct recording *f, bool late, char *text, size_t len)
{
	const struct who vcpu1 = { &host, 101, 1, 2 };
	const struct hvst_verdict *v;

	begin(f);
	guest_setup(f, &vcpu1, 0);
	guest_ticks(f, &vcpu1, 50, MS(10));
	for (unsigned int i = 0; i < 2000; i++) {
		int64_t at = f->now + US(200) + 7 * i;

		f->now = at;
		if (!late)
			ev_exit(f, &vcpu1, 2, IO);
		f->now = at + US(1);
		ev_exit(f, &vcpu0, 2, MSR_EXIT);
		ev_msr(f, &vcpu0, false, MSR_REF_COUNT, ref_now(f, &host));
		f->now = at;
		if (late)
			ev_exit(f, &vcpu1, 2, IO);
		f->now = at + US(4);
		ev_entry(f, &vcpu0);
		ev_entry(f, &vcpu1);
	}
	expect(f, HVST_Q_SLOW_CLOCK_PATH, HVST_YES);
	v = verdict_of(f, HVST_Q_SLOW_CLOCK_PATH);
	snprintf(text, len, "%s %s %s", v->evidence.e[0].text,
		 v->evidence.e[v->evidence.n - 1].text, v->summary);
	recording_free(f);
}

static void test_merged_late(void **state)
{
	char text[2][1024];
	struct recording f;

	(void)state;
	exits_of_another(&f, false, text[0], sizeof(text[0]));
	exits_of_another(&f, true, text[1], sizeof(text[1]));
	assert_string_equal(text[0], text[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_slow),	      cmocka_unit_test(test_why),
		cmocka_unit_test(test_slow_harmless), cmocka_unit_test(test_short),
		cmocka_unit_test(test_boot_unseen),   cmocka_unit_test(test_refused),
		cmocka_unit_test(test_refused_many),  cmocka_unit_test(test_load),
		cmocka_unit_test(test_load_unknown),  cmocka_unit_test(test_merged_late),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
