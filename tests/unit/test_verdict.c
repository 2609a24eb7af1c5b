// SPDX-License-Identifier: GPL-2.0
/* lib/analysis/verdict: what a missing event or lost records do to each answer, and to no other. */
#include <math.h>

#include "events.h"

static struct host host;
static const struct who vcpu0 = { &host, 100, 0, 1 };

/* Ten seconds of a healthy guest on its TSC page. */
static void healthy(struct recording *f, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		guest_arm(f, &vcpu0, 0, ref_now(f, &host) + 50000);
		ev_exit(f, &vcpu0, 2, 0x78);
		f->now += US(200) + i * 37 % 50 * 100; /* until the guest reads its clock */
		ev_entry(f, &vcpu0);
	}
}

static void begin(struct recording *f, uint64_t ignored)
{
	host = (struct host){ .o = SEC(-900) };
	recording_begin(f, ignored);
	f->an->params.storm_min_ns = 0; /* here an arm takes 8 us */
	guest_setup(f, &vcpu0, 0);
	ev_exit(f, &vcpu0, 2, 0x7c);
	ev_msr(f, &vcpu0, true, MSR_PAGE, 0x1000 << 12 | 1);
	ev_master(f, 100, 1, true);
	ev_entry(f, &vcpu0);
	ev_switch(f, 100, 1, 7, 1);
	ev_switch(f, 7, 0, 100, 1);
}

static void answers(const struct recording *f, enum hvst_answer *out)
{
	for (unsigned int q = 0; q < HVST_Q_COUNT; q++)
		out[q] = verdict_of(f, (enum hvst_question)q)->answer;
}

/* What each verdict needs: the questions that one missing event leaves without a "no". */
struct need {
	int event;
	uint64_t questions;
};

#define Q(q)   (1ull << HVST_Q_##q)
#define STORMS (Q(STORM) | Q(GUEST_CLOCK_BEHIND) | Q(GUEST_BACKLOG))
#define CLOCKS                                                                                     \
	(Q(GUEST_CLOCK_RATE) | Q(HOST_REFERENCE_STEP) | Q(HOST_REFERENCE_RATE) |                   \
	 Q(HOST_UNPAIRED_CLOCK_READS))

#define APART (Q(GUEST_CLOCK_AHEAD) | Q(TSC_REFERENCE_OFFSET))
/* Why arms were past due. */
#define CAUSES (Q(HOST_KVMCLOCK_FALLBACK) | Q(PREEMPTION))

static const struct need needs[] = {
	{ HVST_EV_STIMER_SET_CONFIG, Q(RESTORED_TIMER_FIRED) | Q(LOST_TIMER) },
	{ HVST_EV_STIMER_SET_COUNT, STORMS | APART | CAUSES | Q(GUEST_CLOCKSOURCE_SWITCH) |
					    Q(VMM_RESUME_ORDER) | Q(LOST_TIMER) |
					    Q(RESTORED_TIMER_FIRED) },
	{ HVST_EV_STIMER_CLEANUP, 0 },
	{ HVST_EV_STIMER_START_ONE_SHOT, STORMS | CLOCKS | APART | CAUSES | Q(VMM_RESUME_ORDER) |
						 Q(TIMER_LIVELOCK) | Q(LOST_TIMER) },
	{ HVST_EV_STIMER_START_PERIODIC, 0 },
	{ HVST_EV_STIMER_START_EXPIRED, 0 },
	{ HVST_EV_STIMER_CALLBACK,
	  Q(HOST_UNPAIRED_CLOCK_READS) | Q(TIMER_LIVELOCK) | Q(LOST_TIMER) | Q(PREEMPTION) },
	{ HVST_EV_STIMER_EXPIRATION,
	  STORMS | APART | CAUSES | Q(TIMER_LIVELOCK) | Q(LOST_TIMER) | Q(RESTORED_TIMER_FIRED) },
	{ HVST_EV_MSR, Q(GUEST_CLOCKSOURCE_SWITCH) | Q(HOST_KVMCLOCK_FALLBACK) |
			       Q(SLOW_CLOCK_PATH) | Q(REFUSED_REQUESTS) },
	{ HVST_EV_PIO, Q(SLOW_CLOCK_PATH) },
	{ HVST_EV_MMIO, Q(SLOW_CLOCK_PATH) },
	{ HVST_EV_HYPERCALL, Q(REFUSED_REQUESTS) },
	{ HVST_EV_HYPERCALL_DONE, Q(REFUSED_REQUESTS) },
	{ HVST_EV_ENTRY, 0 },
	{ HVST_EV_EXIT, 0 },
	{ HVST_EV_SCHED_SWITCH, 0 },
	{ HVST_EV_WRITE_TSC_OFFSET, Q(VCPU_TSC_MISMATCH) },
	{ HVST_EV_UPDATE_MASTER_CLOCK, 0 },
};

static void test_missing(void **state)
{
	unsigned int changed = 0;

	(void)state;
	for (unsigned int n = 0; n < sizeof(needs) / sizeof(*needs); n++) {
		uint64_t bit = 1ull << needs[n].event;
		struct recording f;

		begin(&f, bit);
		healthy(&f, 2000);
		recording_end(&f);
		for (unsigned int q = 0; q < HVST_Q_COUNT; q++) {
			const struct hvst_verdict *v = verdict_of(&f, (enum hvst_question)q);
			bool needed = needs[n].questions >> q & 1;

			if (v->answer != (needed ? HVST_CANNOT_TELL : HVST_NO))
				printf("%s without %s: %s\n", hvst_question_name(v->question),
				       hvst_event_name((unsigned int)needs[n].event),
				       hvst_answer_name(v->answer));
			assert_int_equal(v->answer, needed ? HVST_CANNOT_TELL : HVST_NO);
			assert_true(v->missing == (needed ? bit : 0));
			assert_true(v->summary[0] != '\0');
			changed += needed;
		}
		assert_true(f.r->headline[0] && f.r->advice[0]);
		recording_free(&f);
	}
	printf("# 18 events missing, one at a time: %u of %d answers become cannot_tell and name "
	       "it, no other changes\n",
	       changed, 18 * HVST_Q_COUNT);
}

/* What neither shows needs the one or the other. */
static void test_preemption(void **state)
{
	static const struct {
		uint64_t ignored, missing;
		enum hvst_answer answer;
	} want[] = {
		{ 0, 0, HVST_NO },
		{ BIT_OF(SCHED_SWITCH), 0, HVST_NO },
		{ BIT_OF(ENTRY) | BIT_OF(EXIT), 0, HVST_NO },
		{ BIT_OF(SCHED_SWITCH) | BIT_OF(EXIT), BIT_OF(SCHED_SWITCH), HVST_CANNOT_TELL },
		{ BIT_OF(SCHED_SWITCH) | BIT_OF(ENTRY) | BIT_OF(EXIT), BIT_OF(SCHED_SWITCH),
		  HVST_CANNOT_TELL },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(want) / sizeof(*want); i++) {
		struct recording f;

		begin(&f, want[i].ignored);
		healthy(&f, 500);
		recording_end(&f);
		assert_int_equal(verdict_of(&f, HVST_Q_PREEMPTION)->answer, want[i].answer);
		assert_true((verdict_of(&f, HVST_Q_PREEMPTION)->missing & want[i].missing) ==
			    want[i].missing);
		assert_int_equal(verdict_of(&f, HVST_Q_PREEMPTION)->missing != 0,
				 want[i].missing != 0);
		recording_free(&f);
	}
}

/* Everything goes wrong: storms of two kinds, a step, a switch, held vCPUs. */
static void wreck(struct recording *f, uint64_t ignored, unsigned int lost_every)
{
	uint64_t target;

	begin(f, ignored);
	healthy(f, 500);
	ev_exit(f, &vcpu0, 2, 0x7c);
	ev_msr(f, &vcpu0, true, MSR_PAGE, 0x1000 << 12);
	ev_entry(f, &vcpu0);
	ev_tsc_offset(f, &vcpu0, 1 << 20, 2 << 20);
	ev_master(f, 90, 3, true);
	host_step(f, &host, SEC(2));
	for (unsigned int i = 0; i < 200; i++) {
		uint64_t count = ref_now(f, &host) + 20000;

		guest_write(f, &vcpu0, 0, count, true);
		host_start(f, &vcpu0, 0, count);
		f->now += MS(2);
		ev_callback(f, &vcpu0, 0, 100, 1);
		ev_expiration(f, &vcpu0, 0, true, 0);
		ev_entry(f, &vcpu0);
	}
	target = ref_now(f, &host) - 10000000;
	for (unsigned int i = 0; i < 600; i++) {
		target += 20000;
		f->now += US(200);
		guest_arm(f, &vcpu0, 0, target);
		if (lost_every && i % lost_every == 0)
			ev_lost(f, 1, 10);
	}
	healthy(f, 50);
	for (unsigned int i = 0; i < 500; i++) {
		guest_lags(f, &vcpu0, 1, MS(30));
		f->now += US(500);
	}
	healthy(f, 50);
	for (unsigned int i = 0; i < 10; i++) {
		uint64_t count = ref_now(f, &host) + 1000;

		ev_switch(f, 100, 0, 7, 1);
		ev_exit(f, &vcpu0, 2, 0x60);
		f->now += MS(3);
		ev_entry(f, &vcpu0);
		ev_switch(f, 7, 0, 100, 1);
		guest_arm(f, &vcpu0, 0, count);
		healthy(f, 20);
	}
	recording_end(f);
}

#define WRECKED                                                                                    \
	(STORMS | Q(GUEST_CLOCKSOURCE_SWITCH) | Q(HOST_REFERENCE_STEP) |                           \
	 Q(HOST_KVMCLOCK_FALLBACK) | Q(PREEMPTION))

/* A "yes" needs its evidence; what else is missing takes it back in no case, and makes none. */
static void test_yes_stays(void **state)
{
	static const struct need loses[] = {
		/* the answers whose very evidence goes */
		{ HVST_EV_STIMER_SET_COUNT, Q(GUEST_BACKLOG) | Q(PREEMPTION) },
		{ HVST_EV_STIMER_START_ONE_SHOT, 0 },
		{ HVST_EV_STIMER_START_EXPIRED, 0 },
		{ HVST_EV_STIMER_CALLBACK, 0 },
		{ HVST_EV_MSR, Q(GUEST_CLOCKSOURCE_SWITCH) | Q(HOST_KVMCLOCK_FALLBACK) },
		{ HVST_EV_ENTRY, 0 },
		{ HVST_EV_EXIT, 0 },
		{ HVST_EV_SCHED_SWITCH, 0 },
		{ HVST_EV_WRITE_TSC_OFFSET, 0 },
		{ HVST_EV_UPDATE_MASTER_CLOCK, 0 },
	};
	enum hvst_answer all[HVST_Q_COUNT], got[HVST_Q_COUNT];
	struct recording f;

	(void)state;
	wreck(&f, 0, 0);
	answers(&f, all);
	for (unsigned int q = 0; q < HVST_Q_COUNT; q++) {
		const struct hvst_verdict *v = verdict_of(&f, (enum hvst_question)q);

		if (v->answer == HVST_YES) {
			assert_true(v->evidence.n > 0);
			assert_int_equal(v->nr_by_vm, 1);
			assert_int_equal(v->by_vm[0]->answer, HVST_YES);
		}
		if ((v->answer == HVST_YES) != (WRECKED >> q & 1))
			printf("%s: %s\n", hvst_question_name(v->question),
			       hvst_answer_name(v->answer));
		assert_int_equal(v->answer == HVST_YES, WRECKED >> q & 1);
		assert_true(v->missing == 0);
	}
	recording_free(&f);
	for (unsigned int n = 0; n < sizeof(loses) / sizeof(*loses); n++) {
		wreck(&f, 1ull << loses[n].event, 0);
		answers(&f, got);
		for (unsigned int q = 0; q < HVST_Q_COUNT; q++) {
			bool needed = false;

			for (unsigned int k = 0; k < sizeof(needs) / sizeof(*needs); k++)
				needed |= needs[k].event == loses[n].event &&
					  needs[k].questions >> q & 1;
			if (got[q] != all[q] && !needed)
				printf("%s without %s: %s\n",
				       hvst_question_name((enum hvst_question)q),
				       hvst_event_name((unsigned int)loses[n].event),
				       hvst_answer_name(got[q]));
			/* never no for yes, never yes for anything */
			assert_true(got[q] == all[q] || (needed && got[q] == HVST_CANNOT_TELL));
			if (loses[n].questions >> q & 1 && got[q] != HVST_CANNOT_TELL)
				printf("%s without its evidence %s: %s\n",
				       hvst_question_name((enum hvst_question)q),
				       hvst_event_name((unsigned int)loses[n].event),
				       hvst_answer_name(got[q]));
			if (loses[n].questions >> q & 1)
				assert_int_equal(got[q], HVST_CANNOT_TELL);
		}
		recording_free(&f);
	}
	printf("# 10 events missing, one at a time: every yes stays or becomes cannot_tell by the "
	       "table\n");
}

/* Too much lost: no "no" is left, every "yes" is; a little lost changes nothing. */
static void test_lossy(void **state)
{
	struct recording f;
	unsigned int no[2] = { 0, 0 }, yes = 0;

	(void)state;
	for (unsigned int lossy = 0; lossy < 2; lossy++) {
		begin(&f, 0);
		for (unsigned int i = 0; i < 40; i++) {
			healthy(&f, 50);
			f.now += lossy ? MS(50) : MS(5);
			ev_lost(&f, 1, 0);
		}
		recording_end(&f);
		for (unsigned int q = 0; q < HVST_Q_COUNT; q++) {
			no[lossy] += verdict_of(&f, (enum hvst_question)q)->answer == HVST_NO;
			assert_int_not_equal(verdict_of(&f, (enum hvst_question)q)->answer,
					     HVST_YES);
			assert_true(verdict_of(&f, (enum hvst_question)q)->missing == 0);
		}
		printf("# %.1f %% of the span lost: %u of %d answers are no\n",
		       100.0 * (double)hvst_kvm_lost_ns(f.kvm) /
			       (double)(f.trace.last_ns - f.trace.first_ns),
		       no[lossy], HVST_Q_COUNT);
		recording_free(&f);
	}
	assert_int_equal(no[0], HVST_Q_COUNT);
	assert_int_equal(no[1], 0);
	wreck(&f, 0, 100);
	for (unsigned int q = 0; q < HVST_Q_COUNT; q++)
		yes += verdict_of(&f, (enum hvst_question)q)->answer == HVST_YES;
	assert_int_equal(yes, __builtin_popcountll(WRECKED));
	recording_free(&f);
}

/* A cycle clock whose scale was estimated from time_now says nothing about its rate. */
static void test_estimated_scale(void **state)
{
	struct recording f;

	(void)state;
	begin(&f, 0);
	f.trace.scale_source = HVST_SCALE_ESTIMATED;
	host_rate(&f, &host, 300);
	healthy(&f, 1500);
	recording_end(&f);
	assert_int_equal(verdict_of(&f, HVST_Q_HOST_REFERENCE_RATE)->answer, HVST_CANNOT_TELL);
	recording_free(&f);
}

/* Nothing at all in the trace. */
static void test_empty(void **state)
{
	struct recording f;

	(void)state;
	recording_begin(&f, 0);
	recording_end(&f);
	for (unsigned int q = 0; q < HVST_Q_COUNT; q++)
		assert_int_equal(verdict_of(&f, (enum hvst_question)q)->answer, HVST_CANNOT_TELL);
	assert_int_equal(f.r->nr_vms, 0);
	assert_true(f.r->headline[0] && f.r->advice[0]);
	recording_free(&f);
}

/* Yes if yes for any VM; the other VM's answer is its own. */
static void test_two_vms(void **state)
{
	static struct host other;
	static const struct who alien = { &other, 300, 0, 3 };
	struct recording f;

	(void)state;
	begin(&f, 0);
	other = (struct host){ .o = SEC(-100) };
	for (unsigned int i = 0; i < 200; i++) {
		guest_arm(&f, &alien, 0, ref_now(&f, &other) + 30000);
		healthy(&f, 1);
	}
	for (unsigned int i = 0; i < 100; i++)
		guest_arm(&f, &alien, 0, ref_now(&f, &other) - 30000);
	healthy(&f, 100);
	recording_end(&f);
	assert_int_equal(verdict_of(&f, HVST_Q_STORM)->answer, HVST_YES);
	assert_int_equal(verdict_of(&f, HVST_Q_STORM)->nr_by_vm, 2);
	assert_int_equal(verdict_of(&f, HVST_Q_STORM)->by_vm[0]->answer, HVST_NO);
	assert_int_equal(verdict_of(&f, HVST_Q_STORM)->by_vm[1]->answer, HVST_YES);
	recording_free(&f);
}

/*
 * Unpaired readings: a bound from how late the starts are stamped; yes from a 99th percentile of
 * 100 us.
 */
static void test_unpaired(void **state)
{
	static const int64_t slow[] = { US(3), US(60), US(250) };

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		const struct hvst_unpaired *u;
		struct recording f;

		begin(&f, 0);
		for (unsigned int n = 0; n < 3000; n++) {
			f.late = n % 20 ? US(1) : slow[i];
			healthy(&f, 1);
		}
		u = recording_end(&f)->unpaired;
		printf("# every 20th start stamped %lld us late: p50 %lld ns, p99 %lld ns: %s\n",
		       (long long)slow[i] / 1000, (long long)u->p50_ns, (long long)u->p99_ns,
		       hvst_answer_name(verdict_of(&f, HVST_Q_HOST_UNPAIRED_CLOCK_READS)->answer));
		assert_true(llabs(u->p99_ns - (slow[i] - US(1))) < US(4));
		assert_int_equal(verdict_of(&f, HVST_Q_HOST_UNPAIRED_CLOCK_READS)->answer,
				 i == 2 ? HVST_YES : HVST_NO);
		assert_non_null(
			strstr(verdict_of(&f, HVST_Q_HOST_UNPAIRED_CLOCK_READS)->summary, "never"));
		recording_free(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_missing),		cmocka_unit_test(test_preemption),
		cmocka_unit_test(test_yes_stays),	cmocka_unit_test(test_lossy),
		cmocka_unit_test(test_estimated_scale), cmocka_unit_test(test_empty),
		cmocka_unit_test(test_two_vms),		cmocka_unit_test(test_unpaired),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
