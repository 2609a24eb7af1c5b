// SPDX-License-Identifier: GPL-2.0
/*
 * lib/kvm: every transition of a synthetic timer that KVM makes, who owns what, what must not be
 * inferred.
 */
#include "events.h"
#include "../../lib/kvm/kvm_private.h"

static struct host host_a = { .o = SEC(-990) }, host_b = { .o = SEC(-400) };
static const struct who vcpu0 = { &host_a, 100, 0, 1 };

static void hosts_reset(enum kernel kernel)
{
	host_a = (struct host){ .o = SEC(-990), .kernel = kernel };
	host_b = (struct host){ .o = SEC(-400), .kernel = kernel };
}

/* Enough arms ahead that the clock model is sure of itself. */
static void warm_up(struct recording *f, const struct who *w)
{
	guest_setup(f, w, 0);
	guest_ticks(f, w, 20, MS(2));
	f->nr_arms = f->nr_fires = 0;
}

static void test_ahead(void **state)
{
	struct recording f;
	uint64_t count;
	int64_t start;

	(void)state;
	hosts_reset(TRACED);
	recording_begin(&f, 0);
	guest_setup(&f, &vcpu0, 0);
	count = ref_now(&f, &host_a) + 20000; /* 2 ms */
	start = f.now + US(4) +
		f.late; /* exit, set_count, cleanup, kvm_msr, the reading, its event */
	assert_false(guest_arm(&f, &vcpu0, 0, count));
	recording_end(&f);
	assert_int_equal(f.nr_arms, 1);
	assert_int_equal(f.arms[0].kind, HVST_ARM_AHEAD);
	assert_int_equal(f.arms[0].flags, 0);
	assert_int_equal(f.arms[0].ts_ns, start);
	assert_int_equal(f.arms[0].count, count);
	assert_int_equal(f.arms[0].skew_ns,
			 US(4) - MS(2)); /* 4 us from the guest's reading to the host's */
	assert_int_equal(f.arms[0].vm, -1);
	assert_int_equal(f.nr_fires, 1);
	assert_int_equal(f.fires[0].arm_ns, start);
	assert_int_equal(f.fires[0].deadline_ns, start - f.arms[0].skew_ns);
	assert_true(f.fires[0].callback_ns < f.fires[0].expiration_ns);
	assert_int_equal(f.fires[0].entry_ns, f.fires[0].expiration_ns + US(2));
	assert_int_equal(timer_find(&f, 100, 0)->arms, 1);
	assert_int_equal(timer_find(&f, 100, 0)->fired, 1);
	assert_int_equal(timer_find(&f, 100, 0)->mode, HVST_MODE_ONE_SHOT);
	assert_int_equal(timer_find(&f, 100, 0)->delivery, HVST_DELIVERY_DIRECT);
	assert_int_equal(hvst_sketch_count(timer_find(&f, 100, 0)->lateness), 1);
	recording_free(&f);
}

/*
 * One past-due arm, the same on each kernel: told by its event, by its pad, or by nothing but its
 * delivery.
 */
static void past_due_on(enum kernel kernel, uint64_t ignored, unsigned int flags, bool observed,
			bool fires)
{
	const struct hvst_timer *t;
	struct recording f;
	int64_t error;

	hosts_reset(kernel);
	recording_begin(&f, ignored);
	warm_up(&f, &vcpu0);
	assert_true(guest_arm(&f, &vcpu0, 0, ref_now(&f, &host_a) - 30000));
	recording_end(&f);
	t = timer_find(&f, 100, 0);
	assert_int_equal(f.nr_arms, 1);
	assert_int_equal(f.arms[0].kind, HVST_ARM_PAST_DUE);
	assert_int_equal(f.arms[0].flags, flags);
	error = llabs(f.arms[0].skew_ns - MS(3) - US(4));
	assert_true(error <= f.arms[0].error_ns);
	assert_true(error <= US(10));
	assert_int_equal(t->arms, 21);
	assert_int_equal(t->past_due_observed, observed);
	assert_int_equal(t->past_due_inferred, !observed);
	assert_int_equal(t->fired, 20 + fires);
	assert_int_equal(t->restarts, 0);
	assert_int_equal(f.nr_fires, 1);
	assert_int_equal(f.fires[0].deadline_ns, HVST_UNKNOWN);
	assert_int_equal(f.fires[0].callback_ns != HVST_UNKNOWN, fires);
	assert_int_equal(hvst_kvm_padding_ns(f.kvm), kernel == PADDED ? 10000 : HVST_UNKNOWN);
	printf("# past due on %s%s: skew %lld ns, off by %lld of a stated %lld\n",
	       kernel == TRACED	  ? "traced kernel"
	       : kernel == PADDED ? "padding kernel"
				  : "stock kernel",
	       ignored ? ", event ignored" : "", (long long)f.arms[0].skew_ns, (long long)error,
	       (long long)f.arms[0].error_ns);
	recording_free(&f);
}

static void test_past_due(void **state)
{
	uint64_t ign = BIT_OF(STIMER_START_EXPIRED);

	(void)state;
	past_due_on(TRACED, 0, 0, true, false);
	past_due_on(PADDED, 0, 0, true, true);
	past_due_on(STOCK, 0, HVST_ARM_INFERRED, false, false);
	past_due_on(TRACED, ign, HVST_ARM_INFERRED, false, false);
	past_due_on(PADDED, ign, HVST_ARM_INFERRED | HVST_ARM_PADDED, false, true);
}

static void test_periodic(void **state)
{
	const struct hvst_timer *t;
	struct recording f;
	uint64_t exp;

	(void)state;
	hosts_reset(TRACED);
	recording_begin(&f, 0);
	ev_set_config(&f, &vcpu0, 1, CONFIG_SINT | CONFIG_PERIODIC | CONFIG_AUTO, false);
	ev_set_count(&f, &vcpu0, 1, 10000, false); /* 1 ms */
	for (unsigned int i = 0; i < 5; i++) {
		exp = ref_now(&f, &host_a) + 10000;
		ev_start(&f, &vcpu0, HVST_EV_STIMER_START_PERIODIC, 1, ref_now(&f, &host_a), exp);
		ev_entry(&f, &vcpu0);
		f.now += MS(1);
		ev_callback(&f, &vcpu0, 1, 100, 1);
		ev_expiration(&f, &vcpu0, 1, false, 0);
	}
	recording_end(&f);
	t = timer_find(&f, 100, 1);
	assert_int_equal(t->mode, HVST_MODE_PERIODIC);
	assert_int_equal(t->delivery, HVST_DELIVERY_MESSAGE);
	assert_int_equal(t->arms, 1);
	assert_int_equal(t->fired, 5);
	assert_int_equal(t->past_due_inferred, 0);
	assert_int_equal(f.nr_arms, 5);
	for (unsigned int i = 0; i < 5; i++) {
		assert_int_equal(f.arms[i].kind, HVST_ARM_PERIODIC);
		assert_int_equal(f.arms[i].flags & HVST_ARM_RESTART, i ? HVST_ARM_RESTART : 0);
		assert_int_equal(f.arms[i].period_ref, 10000);
	}
	assert_int_equal(hvst_sketch_count(t->skew), 0);
	assert_int_equal(hvst_sketch_count(t->lateness), 5);
	recording_free(&f);
}

/* Is the expiration after these writes a past-due arm of a stock kernel, or nothing? */
struct write {
	bool config, host;
	uint64_t value;
};

static void expect_inferred(const char *what, const struct write *w, unsigned int n,
			    unsigned int want)
{
	struct recording f;

	hosts_reset(STOCK);
	recording_begin(&f, 0);
	warm_up(&f, &vcpu0);
	for (unsigned int i = 0; i < n; i++) {
		if (w[i].config)
			ev_set_config(&f, &vcpu0, 0, w[i].value, w[i].host);
		else
			ev_set_count(&f, &vcpu0, 0, w[i].value, w[i].host);
	}
	ev_expiration(&f, &vcpu0, 0, true, 0);
	recording_end(&f);
	printf("# %s: %llu inferred\n", what,
	       (unsigned long long)timer_find(&f, 100, 0)->past_due_inferred);
	assert_int_equal(timer_find(&f, 100, 0)->past_due_inferred, want);
	assert_int_equal(f.nr_arms, want);
	if (want)
		assert_int_equal(f.arms[0].flags & HVST_ARM_HOST,
				 w[n - 1].host ? HVST_ARM_HOST : 0);
	recording_free(&f);
}

#define EXPECT(what, want, ...)                                                                    \
	do {                                                                                       \
		static const struct write w[] = { __VA_ARGS__ };                                   \
		expect_inferred(what, w, sizeof(w) / sizeof(*w), want);                            \
	} while (0)
#define CFG(v)                                                                                     \
	{                                                                                          \
		true, false, (v)                                                                   \
	}
#define CNT(v)                                                                                     \
	{                                                                                          \
		false, false, (v)                                                                  \
	}
#define HOST_CFG(v)                                                                                \
	{                                                                                          \
		true, true, (v)                                                                    \
	}
#define HOST_CNT(v)                                                                                \
	{                                                                                          \
		false, true, (v)                                                                   \
	}

static void test_writes(void **state)
{
	(void)state;
	EXPECT("count with auto-enable", 1, CNT(1000));
	EXPECT("count 0 disables", 0, CNT(0));
	EXPECT("count 0, then config with enable: no count", 0, CNT(0),
	       CFG(CONFIG_DIRECT | CONFIG_ENABLE));
	EXPECT("auto-enable and enable 0 is only that", 0, CNT(0),
	       CFG(CONFIG_DIRECT | CONFIG_AUTO));
	EXPECT("not auto: count alone starts nothing", 0, CFG(CONFIG_DIRECT), CNT(1000));
	EXPECT("not auto: count, then config with enable", 1, CFG(CONFIG_DIRECT), CNT(1000),
	       CFG(CONFIG_DIRECT | CONFIG_ENABLE));
	EXPECT("enabled, then left neither direct nor with a SINT", 0,
	       CFG(CONFIG_DIRECT | CONFIG_ENABLE), CFG(CONFIG_ENABLE));
	EXPECT("message mode with a SINT", 1, CFG(CONFIG_SINT | CONFIG_AUTO), CNT(1000));
	EXPECT("the VMM's count does not enable", 0, CFG(CONFIG_DIRECT | CONFIG_AUTO),
	       HOST_CNT(1000));
	EXPECT("the VMM's count 0 does not disable, but there is no count", 0,
	       CFG(CONFIG_DIRECT | CONFIG_ENABLE), HOST_CNT(0));
	EXPECT("the VMM restores config and count", 1, HOST_CFG(CONFIG_DIRECT | CONFIG_ENABLE),
	       HOST_CNT(1000));
	EXPECT("the VMM resets it", 0, HOST_CFG(0), HOST_CNT(0));
}

/* A busy message slot: the same arm is delivered later, once or after several tries. */
static void test_busy_slot(void **state)
{
	const struct hvst_timer *t;
	struct recording f;

	(void)state;
	hosts_reset(STOCK);
	recording_begin(&f, 0);
	warm_up(&f, &vcpu0);
	for (unsigned int i = 0; i < 3; i++) {
		guest_write(&f, &vcpu0, 0, 1000 + i, false);
		ev_expiration(&f, &vcpu0, 0, false, -EAGAIN);
		ev_expiration(&f, &vcpu0, 0, false, -EAGAIN);
		ev_expiration(&f, &vcpu0, 0, false, 0);
	}
	recording_end(&f);
	t = timer_find(&f, 100, 0);
	assert_int_equal(t->past_due_inferred, 3);
	assert_int_equal(t->failed_deliveries, 6);
	assert_int_equal(f.nr_fires, 9);
	assert_int_equal(f.fires[0].result, -EAGAIN);
	assert_int_equal(f.fires[2].result, 0);
	printf("# busy slot: %llu arms, %llu failed deliveries\n",
	       (unsigned long long)t->past_due_inferred, (unsigned long long)t->failed_deliveries);
	recording_free(&f);
}

/*
 * SINT masked (-2) or refused by the LAPIC (1): nothing follows until the guest programs it again.
 */
static void test_not_deliverable(void **state)
{
	const struct hvst_timer *t;
	struct recording f;

	(void)state;
	hosts_reset(TRACED);
	recording_begin(&f, 0);
	warm_up(&f, &vcpu0);
	for (unsigned int i = 0; i < 2; i++) {
		uint64_t count = ref_now(&f, &host_a) + 10000;

		guest_write(&f, &vcpu0, 0, count, false);
		host_start(&f, &vcpu0, 0, count);
		f.now += MS(1);
		ev_callback(&f, &vcpu0, 0, 100, 1);
		ev_expiration(&f, &vcpu0, 0, i, i ? 1 : -ENOENT);
	}
	guest_ticks(&f, &vcpu0, 3, MS(1));
	recording_end(&f);
	t = timer_find(&f, 100, 0);
	assert_int_equal(t->arms, 25);
	assert_int_equal(t->failed_deliveries, 2);
	assert_int_equal(t->past_due_inferred, 0);
	assert_int_equal(t->cancelled, 0);
	assert_int_equal(t->restarts, 0);
	recording_free(&f);
}

static void test_reprogrammed(void **state)
{
	uint64_t count;
	struct recording f;

	(void)state;
	hosts_reset(TRACED);
	recording_begin(&f, 0);
	warm_up(&f, &vcpu0);
	count = ref_now(&f, &host_a) + 100000;
	for (unsigned int i = 0; i < 4; i++) {
		guest_write(&f, &vcpu0, 0, count, false);
		host_start(&f, &vcpu0, 0, count);
	}
	f.now += MS(10);
	ev_callback(&f, &vcpu0, 0, 100, 1);
	ev_expiration(&f, &vcpu0, 0, true, 0);
	recording_end(&f);
	/* The same count four times, each after a write: four arms, three of them cancelled. */
	assert_int_equal(timer_find(&f, 100, 0)->arms, 24);
	assert_int_equal(timer_find(&f, 100, 0)->cancelled, 3);
	assert_int_equal(timer_find(&f, 100, 0)->restarts, 0);
	assert_int_equal(f.nr_fires, 1);
	recording_free(&f);
}

/*
 * The host looks again at a timer that runs; and a callback that came early by the reference clock.
 */
static void test_restarts(void **state)
{
	uint64_t count;
	struct recording f;

	(void)state;
	hosts_reset(TRACED);
	recording_begin(&f, 0);
	warm_up(&f, &vcpu0);
	count = ref_now(&f, &host_a) + 20000;
	guest_write(&f, &vcpu0, 0, count, false);
	host_start(&f, &vcpu0, 0, count);
	f.now += US(300);
	host_start(&f, &vcpu0, 0, count);
	f.now += MS(1);
	ev_callback(&f, &vcpu0, 0, 100, 1); /* 700 us early by time_now */
	host_start(&f, &vcpu0, 0, count);
	f.now += US(700);
	ev_callback(&f, &vcpu0, 0, 100, 1);
	ev_expiration(&f, &vcpu0, 0, true, 0);
	count = ref_now(&f, &host_a) - 20000; /* past due, and looked at twice */
	guest_write(&f, &vcpu0, 0, count, false);
	host_start(&f, &vcpu0, 0, count);
	host_start(&f, &vcpu0, 0, count);
	ev_expiration(&f, &vcpu0, 0, true, 0);
	recording_end(&f);
	assert_int_equal(f.nr_arms, 5);
	for (unsigned int i = 0; i < 5; i++)
		assert_int_equal(f.arms[i].flags, i == 0 || i == 3 ? 0 : HVST_ARM_RESTART);
	assert_int_equal(timer_find(&f, 100, 0)->arms, 22);
	assert_int_equal(timer_find(&f, 100, 0)->restarts, 3);
	assert_int_equal(timer_find(&f, 100, 0)->past_due_observed, 1);
	assert_int_equal(hvst_sketch_count(timer_find(&f, 100, 0)->skew), 22);
	recording_free(&f);
}

/*
 * The vCPU moves to another CPU after its write; the loss on the old one shows only when that CPU
 * records again. A write without its kvm_msr event is not followed as far as its end.
 */
static void test_gap_on_the_old_cpu(void **state)
{
	struct who moved = vcpu0;

	(void)state;
	moved.cpu = 7;
	for (unsigned int whole = 0; whole < 2; whole++) {
		struct recording f;

		hosts_reset(STOCK);
		recording_begin(&f, 0);
		warm_up(&f, &vcpu0);
		if (whole)
			guest_write(&f, &vcpu0, 0, 1000, false);
		else
			ev_set_count(&f, &vcpu0, 0, 1000, false);
		ev_expiration(&f, &moved, 0, true, 0);
		ev_lost(&f, vcpu0.cpu, 3);
		recording_end(&f);
		assert_int_equal(timer_find(&f, 100, 0)->past_due_inferred, whole);
		recording_free(&f);
	}
}

/*
 * Where a cancellation and the next arm were lost, a delivery is not that of the arm before: its
 * count bounds no clock, and shows no step.
 */
static void test_gap_and_bounds(void **state)
{
	(void)state;
	for (unsigned int lost = 0; lost < 2; lost++) {
		struct recording f;
		uint64_t count;

		hosts_reset(STOCK);
		recording_begin(&f, 0);
		warm_up(&f, &vcpu0);
		for (unsigned int i = 0; i < 4; i++) {
			count = ref_now(&f, &host_a) + 300000; /* 30 ms */
			guest_write(&f, &vcpu0, 0, count, false);
			host_start(&f, &vcpu0, 0, count);
			f.now += MS(1);
			if (lost)
				ev_lost(&f, vcpu0.cpu, 3);
			ev_callback(&f, &vcpu0, 0, 0, vcpu0.cpu);
			ev_expiration(&f, &vcpu0, 0, true, 0);
			guest_ticks(&f, &vcpu0, 10, MS(1));
		}
		recording_end(&f);
		if (lost)
			assert_int_not_equal(verdict_of(&f, HVST_Q_HOST_REFERENCE_STEP)->answer,
					     HVST_YES);
		else
			assert_int_equal(verdict_of(&f, HVST_Q_HOST_REFERENCE_STEP)->answer,
					 HVST_YES);
		recording_free(&f);
	}
}

/*
 * A write or a callback before a loss is not that of the arm or the delivery after it: the time
 * between the two is none in which the vCPU was held.
 */
static void test_gap_is_no_hold(void **state)
{
	struct recording f;
	uint64_t count;

	(void)state;
	hosts_reset(TRACED);
	recording_begin(&f, BIT_OF(ENTRY) | BIT_OF(EXIT));
	warm_up(&f, &vcpu0);
	guest_write(&f, &vcpu0, 0, ref_now(&f, &host_a) + 10000, false);
	f.now += MS(20);
	ev_lost(&f, vcpu0.cpu, 9);
	host_start(&f, &vcpu0, 0, ref_now(&f, &host_a) - 100000);
	guest_ticks(&f, &vcpu0, 10, MS(1));
	count = ref_now(&f, &host_a) + 10000;
	guest_write(&f, &vcpu0, 0, count, false);
	host_start(&f, &vcpu0, 0, count);
	f.now += MS(1);
	ev_callback(&f, &vcpu0, 0, 0, vcpu0.cpu);
	f.now += MS(20);
	ev_lost(&f, vcpu0.cpu, 9);
	ev_expiration(&f, &vcpu0, 0, true, 0);
	guest_write(&f, &vcpu0, 0, ref_now(&f, &host_a) - 100000, false);
	host_start(&f, &vcpu0, 0, ref_now(&f, &host_a) - 100000);
	recording_end(&f);
	assert_int_equal(f.r->past_due->unexplained, 2);
	assert_int_equal(f.r->past_due->preempted, 0);
	recording_free(&f);
}

/* Nothing is inferred across a gap, wherever it was; what comes whole after it is. */
static void test_gap(void **state)
{
	struct recording f;

	(void)state;
	hosts_reset(STOCK);
	recording_begin(&f, 0);
	warm_up(&f, &vcpu0);
	guest_write(&f, &vcpu0, 0, 1000, false);
	ev_lost(&f, vcpu0.cpu, 0);
	ev_expiration(&f, &vcpu0, 0, true, 0);
	guest_write(&f, &vcpu0, 0, 1001, false);
	ev_lost(&f, vcpu0.cpu + 1, 7); /* its thread may have run there */
	ev_expiration(&f, &vcpu0, 0, true, 0);
	ev_expiration(&f, &vcpu0, 0, true, 0); /* delivered, and its write was lost */
	guest_arm(&f, &vcpu0, 0, 1002);
	recording_end(&f);
	printf("# gap: %llu inferred after it, none across\n",
	       (unsigned long long)timer_find(&f, 100, 0)->past_due_inferred);
	assert_int_equal(timer_find(&f, 100, 0)->past_due_inferred, 1);
	assert_int_equal(f.nr_arms, 1);
	assert_int_equal(f.arms[0].count, 1002);
	recording_free(&f);
}

/* After a gap the guest's count is not known: a start of another count is no pad. */
static void test_gap_is_no_padding(void **state)
{
	struct recording f;

	(void)state;
	hosts_reset(TRACED);
	recording_begin(&f, 0);
	warm_up(&f, &vcpu0);
	guest_write(&f, &vcpu0, 0, 1000, false);
	ev_lost(&f, vcpu0.cpu, 0);
	host_start(&f, &vcpu0, 0, ref_now(&f, &host_a) + 10000);
	recording_end(&f);
	assert_int_equal(f.nr_arms, 1);
	assert_int_equal(f.arms[0].kind, HVST_ARM_AHEAD);
	assert_int_equal(hvst_kvm_padding_ns(f.kvm), HVST_UNKNOWN);
	recording_free(&f);
}

/*
 * Two VMs, both with a vCPU 0 and 1: threads find their VM by epoch, callbacks their timer by
 * deadline.
 */
static void test_two_vms(void **state)
{
	static const struct who w[4] = {
		{ &host_a, 100, 0, 0 },
		{ &host_a, 101, 1, 1 },
		{ &host_b, 200, 0, 0 },
		{ &host_b, 201, 1, 1 },
	};
	const struct hvst_result *r;
	struct recording f;
	unsigned int wrong = 0;

	(void)state;
	hosts_reset(TRACED);
	recording_begin(&f, 0);
	for (unsigned int i = 0; i < 4; i++)
		guest_setup(&f, &w[i], 0);
	for (unsigned int n = 0; n < 50; n++) {
		int64_t at[4];

		for (unsigned int i = 0; i < 4; i++) {
			int64_t delay = MS(1) * (1 + (i + n) % 4);
			uint64_t count = ref_now(&f, w[i].host) + (uint64_t)delay / 100;

			guest_write(&f, &w[i], 0, count, false);
			host_start(&f, &w[i], 0, count);
			at[i] = f.now + delay;
		}
		for (unsigned int k = 1; k <= 4; k++) { /* in the order of their deadlines */
			unsigned int i = (k + 3 - n % 4) % 4;

			f.now = at[i] > f.now ? at[i] : f.now;
			/* on another CPU, while the other VM's thread runs there */
			ev_callback(&f, &w[i], 0, w[(i + 2) % 4].tid, 5);
			ev_expiration(&f, &w[i], 0, true, 0);
			ev_entry(&f, &w[i]);
		}
	}
	r = recording_end(&f);
	assert_int_equal(r->nr_vms, 2);
	assert_int_equal(r->vms[0]->nr_vcpus, 2);
	assert_int_equal(r->vms[1]->nr_vcpus, 2);
	assert_int_equal(r->vms[0]->vcpus[0]->tid, 100);
	assert_int_equal(r->vms[0]->vcpus[1]->tid, 101);
	assert_int_equal(r->vms[1]->vcpus[0]->tid, 200);
	assert_true(llabs(r->vms[0]->epoch_ns - SEC(990)) < MS(1));
	assert_true(llabs(r->vms[1]->epoch_ns - SEC(400)) < MS(1));
	for (unsigned int i = 0; i < f.nr_fires; i++)
		wrong += f.fires[i].callback_ns == HVST_UNKNOWN ||
			 llabs(f.fires[i].callback_ns - f.fires[i].deadline_ns) > US(100);
	printf("# two VMs with equal vcpu_ids: %u firings, %u with another's callback\n",
	       f.nr_fires, wrong);
	assert_int_equal(f.nr_fires, 200);
	assert_int_equal(wrong, 0);
	for (unsigned int i = 0; i < 4; i++)
		assert_int_equal(timer_find(&f, w[i].tid, 0)->fired, 50);
	recording_free(&f);
}

/*
 * VMs restored from one snapshot: clocks agree, ids clash or not; neighbouring threads belong
 * together.
 */
static void test_same_epoch(void **state)
{
	static const struct who w[4] = {
		{ &host_a, 100, 0, 0 },
		{ &host_a, 500, 0, 0 },
		{ &host_a, 101, 1, 1 },
		{ &host_a, 501, 1, 1 },
	};
	const struct hvst_result *r;
	struct recording f;

	(void)state;
	hosts_reset(TRACED);
	recording_begin(&f, 0);
	for (unsigned int n = 0; n < 20; n++)
		for (unsigned int i = 0; i < 4; i++)
			guest_arm(&f, &w[i], 0, ref_now(&f, &host_a) + 3000);
	r = recording_end(&f);
	assert_int_equal(r->nr_vms, 2);
	assert_int_equal(r->vms[0]->vcpus[0]->tid, 100);
	assert_int_equal(r->vms[0]->vcpus[1]->tid, 101);
	assert_int_equal(r->vms[1]->vcpus[0]->tid, 500);
	assert_int_equal(r->vms[1]->vcpus[1]->tid, 501);
	recording_free(&f);
}

/*
 * The busiest thread has enough readings first. It must not take in a thread that fits another one
 * nearer to it, which has too few readings yet.
 */
static void test_same_epoch_busy(void **state)
{
	static const struct who busy = { &host_a, 9000, 0, 0 };
	static const struct who w[2] = { { &host_a, 500, 0, 0 }, { &host_a, 501, 1, 1 } };
	const struct hvst_result *r;
	struct recording f;

	(void)state;
	hosts_reset(TRACED);
	recording_begin(&f, 0);
	for (unsigned int n = 0; n < 20; n++) {
		for (unsigned int i = 0; i < 2; i++)
			guest_arm(&f, &w[i], 0, ref_now(&f, &host_a) + 3000);
		for (unsigned int i = 0; i < 10; i++)
			guest_arm(&f, &busy, 0, ref_now(&f, &host_a) + 300);
	}
	r = recording_end(&f);
	assert_int_equal(r->nr_vms, 2);
	assert_int_equal(r->vms[0]->nr_vcpus, 2);
	assert_int_equal(r->vms[0]->vcpus[0]->tid, 500);
	assert_int_equal(r->vms[0]->vcpus[1]->tid, 501);
	assert_int_equal(r->vms[1]->nr_vcpus, 1);
	recording_free(&f);
}

/*
 * One VM with readings, one whose guest uses no Hyper-V timer: a thread without readings belongs to
 * the VM whose known threads are nearest.
 */
static void test_silent_threads(void **state)
{
	static const struct who busy = { &host_a, 500, 0, 0 };
	static const struct who idle[] = {
		{ &host_a, 501, 1, 1 }, { &host_a, 502, 2, 1 }, { &host_b, 530, 0, 1 },
		{ &host_b, 531, 1, 1 }, { &host_b, 533, 3, 1 }, { &host_b, 300, 0, 1 },
		{ &host_b, 301, 3, 1 },
	};
	const struct hvst_result *r;
	struct recording f;

	(void)state;
	hosts_reset(TRACED);
	recording_begin(&f, 0);
	for (unsigned int n = 0; n < 20; n++) {
		guest_arm(&f, &busy, 0, ref_now(&f, &host_a) + 3000);
		for (unsigned int i = 0; i < ARRAY_SIZE(idle); i++) {
			ev_exit(&f, &idle[i], 2, 0x60);
			ev_entry(&f, &idle[i]);
		}
	}
	r = recording_end(&f);
	assert_int_equal(r->vms[0]->nr_vcpus, 3);
	for (unsigned int i = 0; i < 3; i++)
		assert_int_equal(r->vms[0]->vcpus[i]->tid, 500 + i);
	recording_free(&f);
}

/*
 * A guest beside a Hyper-V guest leaves no question about the reference clock open, unless it uses
 * a timer: then its clock was read, and the reading is not in the trace.
 */
static void test_guest_without_hyperv(void **state)
{
	static const struct who busy = { &host_a, 500, 0, 0 }, other = { &host_b, 700, 0, 1 };

	(void)state;
	for (int uses_timer = 0; uses_timer < 2; uses_timer++) {
		struct recording f;

		hosts_reset(TRACED);
		recording_begin(&f, 0);
		guest_setup(&f, &busy, 0);
		for (unsigned int n = 0; n < 200; n++) {
			guest_ticks(&f, &busy, 1, MS(1));
			ev_exit(&f, &other, 2, 0x60);
			if (uses_timer && n == 100)
				ev_set_count(&f, &other, 0, 1000, false);
			ev_entry(&f, &other);
		}
		recording_end(&f);
		assert_int_equal(verdict_of(&f, HVST_Q_HOST_REFERENCE_STEP)->nr_by_vm, 2);
		assert_int_equal(verdict_of(&f, HVST_Q_HOST_REFERENCE_STEP)->answer,
				 uses_timer ? HVST_CANNOT_TELL : HVST_NO);
		recording_free(&f);
	}
}

/*
 * A clock that may have been set before its first reading: by the VMM of a VM that the trace begins
 * in; not by the creation of a VM, nor by the guest's write of its page.
 */
static void test_set_before_reading(void **state)
{
	static const struct who vcpu = { &host_a, 500, 0, 0 }, vmm = { NULL, 499, 0, 1 };
	enum { RUNS_FIRST, VMM_FIRST, CREATED, PAGE, CASES };

	(void)state;
	for (unsigned int i = 0; i < CASES; i++) {
		struct recording f;

		hosts_reset(TRACED);
		recording_begin(&f, 0);
		if (i == CREATED)
			ev_tsc_offset(&f, &vmm, 0, -1000000ULL);
		if (i == RUNS_FIRST || i == CREATED)
			guest_setup(&f, &vcpu, 0);
		if (i == PAGE)
			ev_msr(&f, &vcpu, true, MSR_PAGE, 0x77001);
		ev_master(&f, i == PAGE ? vcpu.tid : vmm.tid, 1, true);
		guest_ticks(&f, &vcpu, 200, MS(1));
		recording_end(&f);
		assert_int_equal(verdict_of(&f, HVST_Q_HOST_REFERENCE_STEP)->answer,
				 i >= CREATED ? HVST_NO : HVST_CANNOT_TELL);
		recording_free(&f);
	}
}

/* A restore: the VMM's own task writes the timers, and when the VM goes on the host starts them. */
static void test_restore(void **state)
{
	static const struct who vmm = { &host_a, 90, 0, 3 };
	uint64_t count;
	struct recording f;

	(void)state;
	hosts_reset(TRACED);
	recording_begin(&f, 0);
	warm_up(&f, &vcpu0);
	count = ref_now(&f, &host_a) + 20000000;
	ev_set_config(&f, &vmm, 0, CONFIG_DIRECT | CONFIG_ENABLE | CONFIG_AUTO, true);
	ev_set_count(&f, &vmm, 0, count, true);
	f.now += SEC(1);
	host_start(&f, &vcpu0, 0, count);
	recording_end(&f);
	assert_int_equal(f.nr_arms, 1);
	assert_int_equal(f.arms[0].flags, HVST_ARM_HOST);
	assert_int_equal(f.arms[0].tid, 100);
	assert_int_equal(f.r->nr_vms, 1);
	assert_int_equal(f.r->vms[0]->nr_vcpus, 1); /* the VMM's task is no vCPU */
	recording_free(&f);
}

/*
 * The VMM of a VM whose threads are yet to come writes: not to the other VM's vCPU of the same
 * number.
 */
static void test_restore_of_another(void **state)
{
	static const struct who vmm = { &host_b, 117, 0, 3 }, later = { &host_b, 118, 0, 2 };
	uint64_t count;
	struct recording f;

	(void)state;
	hosts_reset(STOCK);
	recording_begin(&f, 0);
	warm_up(&f, &vcpu0);
	count = ref_now(&f, &host_a) + 20000;
	guest_write(&f, &vcpu0, 0, count, false);
	host_start(&f, &vcpu0, 0, count);
	ev_set_config(&f, &vmm, 0, CONFIG_DIRECT | CONFIG_ENABLE | CONFIG_AUTO, true);
	ev_set_count(&f, &vmm, 0, 5000, true);
	f.now += MS(2);
	ev_callback(&f, &vcpu0, 0, 100, 1);
	ev_expiration(&f, &vcpu0, 0, true, 0);
	guest_setup(&f, &later, 0);
	for (unsigned int i = 0; i < 20; i++)
		guest_arm(&f, &later, 0, ref_now(&f, &host_b) + 10000);
	recording_end(&f);
	assert_int_equal(timer_find(&f, 100, 0)->past_due_inferred, 0);
	assert_int_equal(timer_find(&f, 100, 0)->cancelled, 0);
	assert_int_equal(timer_find(&f, 100, 0)->fired, 21);
	assert_int_equal(f.r->nr_vms, 2);
	recording_free(&f);
}

/*
 * A thread id that is used again, by another vCPU: what the old one had written is not the new
 * one's.
 */
static void test_tid_reuse(void **state)
{
	static const struct who again = { &host_b, 100, 3, 2 };
	struct recording f;

	(void)state;
	hosts_reset(STOCK);
	recording_begin(&f, 0);
	warm_up(&f, &vcpu0);
	guest_write(&f, &vcpu0, 0, 1000, false);
	f.now += SEC(5);
	ev_entry(&f, &again);
	ev_expiration(&f, &again, 0, true, 0);
	recording_end(&f);
	printf("# thread id used again: %u arms from the old vCPU's write\n", f.nr_arms);
	assert_int_equal(f.nr_arms, 0);
	recording_free(&f);
}

static void test_huge_counts(void **state)
{
	static const uint64_t huge[] = { UINT64_MAX, UINT64_MAX - 1, 1ull << 63, INT64_MAX };
	struct recording f;

	(void)state;
	hosts_reset(TRACED);
	recording_begin(&f, 0);
	warm_up(&f, &vcpu0);
	for (unsigned int i = 0; i < 4; i++) {
		guest_write(&f, &vcpu0, 0, huge[i], false);
		host_start(&f, &vcpu0, 0, huge[i]);
		f.now += MS(5);
	}
	/* and a clock that is as far gone, with counts on either side of it */
	for (unsigned int i = 0; i < 4; i++) {
		ev_set_count(&f, &vcpu0, 0, huge[i], false);
		ev_start(&f, &vcpu0, HVST_EV_STIMER_START_EXPIRED, 0, UINT64_MAX, huge[i]);
		ev_expiration(&f, &vcpu0, 0, true, 0);
		ev_set_count(&f, &vcpu0, 0, 1, false);
		ev_start(&f, &vcpu0, HVST_EV_STIMER_START_EXPIRED, 0, UINT64_MAX, 1);
		ev_expiration(&f, &vcpu0, 0, true, 0);
	}
	recording_end(&f);
	assert_int_equal(f.nr_arms, 12);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(f.arms[i].kind, HVST_ARM_AHEAD);
		assert_int_equal(f.arms[i].skew_ns, -HVST_SKEW_MAX);
	}
	assert_int_equal(f.arms[4].skew_ns, 0);
	assert_int_equal(f.arms[5].skew_ns, HVST_SKEW_MAX);
	assert_int_equal(timer_find(&f, 100, 0)->cancelled, 4);
	recording_free(&f);
}

static void test_time_backwards(void **state)
{
	struct recording f;

	(void)state;
	hosts_reset(STOCK);
	recording_begin(&f, 0);
	warm_up(&f, &vcpu0);
	for (unsigned int i = 0; i < 50; i++) {
		guest_arm(&f, &vcpu0, 0, ref_now(&f, &host_a) - 1000);
		f.now -= US(i);
		guest_arm(&f, &vcpu0, 0, ref_now(&f, &host_a) + 1000);
	}
	recording_end(&f);
	assert_true(hvst_kvm_backwards(f.kvm) > 0);
	assert_int_equal(timer_find(&f, 100, 0)->past_due_inferred, 50);
	assert_int_equal(timer_find(&f, 100, 0)->arms, 120);
	recording_free(&f);
}

/* Several timers in one pass of the host, in order; and one that does not exist. */
static void test_several_timers(void **state)
{
	struct recording f;

	(void)state;
	hosts_reset(STOCK);
	recording_begin(&f, 0);
	warm_up(&f, &vcpu0);
	for (unsigned int i = 1; i < 5; i++)
		guest_setup(&f, &vcpu0, i);
	for (unsigned int i = 0; i < 5; i++)
		ev_set_count(&f, &vcpu0, i, 1000 + i, false);
	for (unsigned int i = 0; i < 5; i++)
		ev_expiration(&f, &vcpu0, i, true, 0);
	ev_callback(&f, &vcpu0, 4, 100, 1);
	recording_end(&f);
	assert_int_equal(f.nr_arms, 4);
	for (unsigned int i = 0; i < 4; i++) {
		assert_int_equal(f.arms[i].timer, i);
		assert_int_equal(f.arms[i].count, 1000 + i);
	}
	assert_int_equal(f.r->nr_timers, 4);
	recording_free(&f);
}

/* A hostile trace names more threads than there can be: bounded, and those that fit are right. */
static void test_many_threads(void **state)
{
	unsigned int n = 0;
	struct recording f;

	(void)state;
	hosts_reset(TRACED);
	recording_begin(&f, 0);
	for (int tid = 1000; tid < 71000; tid++) {
		const struct who w = { &host_a, tid, tid & 3, 0 };

		for (unsigned int i = 0; i < (tid < 11000 ? 8 : 1); i++)
			ev_start(&f, &w, HVST_EV_STIMER_START_ONE_SHOT, 0, ref_now(&f, &host_a),
				 ref_now(&f, &host_a) + 100);
	}
	recording_end(&f);
	for (unsigned int i = 0; i < f.r->nr_vms; i++)
		n += f.r->vms[i]->nr_vcpus;
	printf("# 70000 threads: %u kept, in %u VMs\n", n, f.r->nr_vms);
	assert_int_equal(n, KVM_MAX_VCPUS);
	assert_int_equal(f.r->nr_vms, KVM_MAX_VCPUS / 4);
	assert_int_equal(f.r->nr_timers, KVM_MAX_VCPUS);
	recording_free(&f);

	/* none of them ever shows a clock: one list of threads whose VM is not known */
	recording_begin(&f, 0);
	for (int tid = 1000; tid < 71000; tid++) {
		const struct who w = { &host_a, tid, tid & 3, 0 };

		ev_entry(&f, &w);
	}
	recording_end(&f);
	assert_int_equal(f.r->nr_vms, 1);
	assert_int_equal(f.r->vms[0]->vm, -1);
	assert_int_equal(f.r->vms[0]->nr_vcpus, KVM_MAX_VCPUS);
	recording_free(&f);
}

/*
 * Threads of VMs with @per_vm vCPUs each, all of which read their clocks in turns, @back: the last
 * thread first. Returns how many VMs and threads the search for a thread's VM looked at, in 1/100
 * per thread.
 */
static uint64_t steps_per_thread(unsigned int threads, unsigned int per_vm, bool back)
{
	const struct hvst_kvm_opts opts = { .starts_recorded = true, .msr_recorded = true };
	struct hvst_changes changes;
	struct hvst_event ev = {
		.id = HVST_EV_STIMER_START_ONE_SHOT,
		.present = 0xffff,
		.ts_ns = SEC(1000),
	};
	unsigned int nr_vms = 0;
	uint64_t steps;
	struct kvm *k = hvst_kvm_new(&opts);

	assert_non_null(k);
	for (unsigned int round = 0; round < 16; round++) {
		for (unsigned int i = 0; i < threads; i++) {
			/* The first round decides the order in which VMs appear. */
			unsigned int n = back && round ? threads - 1 - i : i;

			ev.ts_ns += 100;
			ev.ts_raw = (uint64_t)ev.ts_ns;
			ev.pid = 1000 + (int)n;
			ev.vcpu_id = (int)(n % per_vm);
			ev.start.time_now = (uint64_t)(ev.ts_ns / 100) + n / per_vm * 10000000ull;
			ev.start.count = ev.start.time_now + 100;
			assert_int_equal(hvst_kvm_event(k, &ev, &changes), 0);
		}
	}
	while (hvst_kvm_finish(k, &changes) > 0)
		;
	for (struct vm *vm = hvst_kvm_vms(k); vm; vm = vm->next)
		nr_vms++;
	assert_int_equal(nr_vms, (threads + per_vm - 1) / per_vm);
	steps = k->steps;
	hvst_kvm_free(k);
	return steps * 100 / threads;
}

/* A thread's search for its VM costs the same however many there are. */
static void test_search_steps(void **state)
{
	static const unsigned int per_vm[] = { 1, 4, 64, KVM_MAX_VCPUS };

	(void)state;
	for (unsigned int i = 0; i < 8; i++) {
		uint64_t least = UINT64_MAX, most = 0;

		for (unsigned int n = 256; n <= KVM_MAX_VCPUS; n *= 2) {
			uint64_t steps = steps_per_thread(n, per_vm[i / 2], i % 2);

			least = steps < least ? steps : least;
			most = steps > most ? steps : most;
		}
		printf("# %u vCPUs a VM, %s thread first: %.1f to %.1f steps a thread for 256 to "
		       "%d threads\n",
		       per_vm[i / 2], i % 2 ? "last" : "first", (double)least / 100,
		       (double)most / 100, KVM_MAX_VCPUS);
		assert_true(least > 0);
		assert_true(most <= 2 * least);
	}
}

/* Starts were not recorded: an arm with a callback was ahead, one without was past due. */
static void test_no_starts(void **state)
{
	struct recording f;

	(void)state;
	hosts_reset(STOCK);
	recording_begin(&f, BIT_OF(STIMER_START_ONE_SHOT));
	guest_setup(&f, &vcpu0, 0);
	guest_ticks(&f, &vcpu0, 10, MS(1));
	guest_lags(&f, &vcpu0, 4, MS(5));
	guest_ticks(&f, &vcpu0, 10, MS(1));
	recording_end(&f);
	assert_int_equal(timer_find(&f, 100, 0)->past_due_inferred, 4);
	assert_int_equal(timer_find(&f, 100, 0)->fired, 20);
	for (unsigned int i = 0; i < f.nr_arms; i++)
		assert_int_equal(f.arms[i].skew_ns, HVST_UNKNOWN); /* no clock sample at all */
	recording_free(&f);

	/* of a kernel with the new event: what has none was ahead, called back or not */
	hosts_reset(TRACED);
	recording_begin(&f, BIT_OF(STIMER_START_ONE_SHOT));
	guest_setup(&f, &vcpu0, 0);
	guest_ticks(&f, &vcpu0, 10, MS(1));
	guest_lags(&f, &vcpu0, 4, MS(5));
	guest_ticks(&f, &vcpu0, 10, MS(1));
	ev_lost(&f, vcpu0.cpu, 1);
	guest_write(&f, &vcpu0, 0, ref_now(&f, vcpu0.host) + 10000, false);
	ev_expiration(&f, &vcpu0, 0, true, 0);
	recording_end(&f);
	assert_int_equal(timer_find(&f, 100, 0)->past_due_observed, 4);
	assert_int_equal(timer_find(&f, 100, 0)->past_due_inferred, 0);
	assert_int_equal(timer_find(&f, 100, 0)->fired, 20);
	recording_free(&f);
	hosts_reset(STOCK);

	/* of a periodic timer no arm is past due */
	recording_begin(&f, BIT_OF(STIMER_START_PERIODIC));
	ev_set_config(&f, &vcpu0, 0, CONFIG_DIRECT | CONFIG_AUTO | CONFIG_PERIODIC, false);
	guest_write(&f, &vcpu0, 0, 10000, false);
	for (unsigned int i = 0; i < 10; i++) {
		f.now += MS(1);
		ev_expiration(&f, &vcpu0, 0, true, 0);
	}
	recording_end(&f);
	assert_int_equal(timer_find(&f, 100, 0)->past_due_inferred, 0);
	recording_free(&f);

	/* neither starts nor callbacks: nothing can be said */
	recording_begin(&f, BIT_OF(STIMER_START_ONE_SHOT) | BIT_OF(STIMER_CALLBACK));
	guest_setup(&f, &vcpu0, 0);
	guest_ticks(&f, &vcpu0, 10, MS(1));
	guest_lags(&f, &vcpu0, 4, MS(5));
	recording_end(&f);
	assert_int_equal(timer_find(&f, 100, 0)->past_due_inferred, 0);
	recording_free(&f);
}

/* What starts with another count than the guest's, which lies ahead, is no pad: it was not due. */
static void test_no_pad(void **state)
{
	struct recording f;
	uint64_t now;

	(void)state;
	hosts_reset(STOCK);
	recording_begin(&f, 0);
	warm_up(&f, &vcpu0);
	now = ref_now(&f, &host_a);
	guest_write(&f, &vcpu0, 0, now + 1000000, false);
	ev_start(&f, &vcpu0, HVST_EV_STIMER_START_ONE_SHOT, 0, now + 50, now + 1000030);
	recording_end(&f);
	assert_int_equal(f.nr_arms, 1);
	assert_int_equal(f.arms[0].kind, HVST_ARM_AHEAD);
	assert_int_equal(hvst_kvm_padding_ns(f.kvm), HVST_UNKNOWN);
	recording_free(&f);
}

/*
 * A guest that wakes up on a CPU of which nothing was recorded before: it was idle until then if
 * its timer fires at the deadline that it had set. @called: that callback was recorded.
 */
static void test_wakes_elsewhere(void **state)
{
	(void)state;
	hosts_reset(STOCK);
	for (int called = 0; called < 2; called++) {
		struct recording f;

		recording_begin(&f, called ? 0 : BIT_OF(STIMER_CALLBACK));
		warm_up(&f, &vcpu0);
		for (unsigned int cpu = 2; cpu < 12; cpu++) {
			const struct who here = { &host_a, 100, 0, cpu - 1 };
			const struct who there = { &host_a, 100, 0, cpu };
			uint64_t count = ref_now(&f, &host_a) + 150000;

			guest_write(&f, &here, 0, count, false);
			host_start(&f, &here, 0, count);
			f.now += MS(15);
			ev_callback(&f, &here, 0, 0, here.cpu);
			ev_expiration(&f, &there, 0, true, 0);
			ev_entry(&f, &there);
		}
		if (called)
			assert_true(hvst_kvm_uncovered_ns(f.kvm, hvst_kvm_find(f.kvm, 100)) <
				    MS(1));
		else
			assert_true(hvst_kvm_uncovered_ns(f.kvm, hvst_kvm_find(f.kvm, 100)) >
				    MS(140));
		recording_end(&f);
		recording_free(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ahead),
		cmocka_unit_test(test_past_due),
		cmocka_unit_test(test_periodic),
		cmocka_unit_test(test_writes),
		cmocka_unit_test(test_busy_slot),
		cmocka_unit_test(test_not_deliverable),
		cmocka_unit_test(test_reprogrammed),
		cmocka_unit_test(test_restarts),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_gap_on_the_old_cpu),
		cmocka_unit_test(test_gap_and_bounds),
		cmocka_unit_test(test_gap_is_no_hold),
		cmocka_unit_test(test_gap_is_no_padding),
		cmocka_unit_test(test_two_vms),
		cmocka_unit_test(test_same_epoch),
		cmocka_unit_test(test_same_epoch_busy),
		cmocka_unit_test(test_silent_threads),
		cmocka_unit_test(test_guest_without_hyperv),
		cmocka_unit_test(test_set_before_reading),
		cmocka_unit_test(test_restore),
		cmocka_unit_test(test_restore_of_another),
		cmocka_unit_test(test_tid_reuse),
		cmocka_unit_test(test_huge_counts),
		cmocka_unit_test(test_time_backwards),
		cmocka_unit_test(test_several_timers),
		cmocka_unit_test(test_many_threads),
		cmocka_unit_test(test_search_steps),
		cmocka_unit_test(test_no_starts),
		cmocka_unit_test(test_no_pad),
		cmocka_unit_test(test_wakes_elsewhere),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
