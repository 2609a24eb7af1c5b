// SPDX-License-Identifier: GPL-2.0
/*
 * lib/analysis/clocksource: which clock the guest programs its timers from, and what time_now comes
 * from.
 */
#include "events.h"

static struct host host;
static const struct who vcpu0 = { &host, 100, 0, 1 }, vcpu1 = { &host, 101, 1, 2 };
static uint64_t seed = 88172645463325252ull;

static uint64_t rnd(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	return seed ^= seed << 17;
}

static void begin(struct recording *f, uint64_t ignored)
{
	host = (struct host){ .o = SEC(-900) };
	recording_begin(f, ignored);
	guest_setup(f, &vcpu0, 0);
}

/* @n ticks; @read: the guest reads the reference counter before each. */
static void ticks_of(struct recording *f, const struct who *w, unsigned int n, bool read)
{
	for (unsigned int i = 0; i < n; i++) {
		uint64_t count = ref_now(f, &host) + 10000 + rnd() % 100;

		guest_write(f, w, 0, count, read);
		host_start(f, w, 0, count);
		f->now += MS(1);
		ev_callback(f, w, 0, w->tid, w->cpu);
		ev_expiration(f, w, 0, true, 0);
		ev_entry(f, w);
		f->now += US(30);
	}
}

static void ticks(struct recording *f, unsigned int n, bool read)
{
	ticks_of(f, &vcpu0, n, read);
}

/* The guest writes REFERENCE_TSC; the host computes the page when it enables. */
static int64_t page(struct recording *f, bool on, uint64_t pfn)
{
	int64_t ts;

	ev_exit(f, &vcpu0, 2, 0x7c);
	ts = f->now;
	ev_msr(f, &vcpu0, true, MSR_PAGE, pfn << 12 | on);
	if (on)
		ev_master(f, vcpu0.tid, 1, true);
	ev_entry(f, &vcpu0);
	return ts;
}

struct change {
	enum hvst_guest_source from, to;
	int64_t ts;
	int vcpu;
	enum hvst_confidence conf;
};

/* The stimer transitions that are certain or inferred and no first learning, in order. */
static void expect(const struct recording *f, const char *what, const struct change *want,
		   unsigned int n)
{
	const struct hvst_result *r = f->r;
	unsigned int k = 0;

	for (unsigned int i = 0; i < r->nr_guest; i++) {
		const struct hvst_guest_transition *t = r->guest[i];

		if (t->role != HVST_ROLE_STIMER || t->confidence == HVST_SUSPECTED ||
		    t->from == HVST_SRC_UNKNOWN)
			continue;
		if (k >= n || t->from != want[k].from || t->to != want[k].to)
			recording_show(f);
		assert_true(k < n);
		assert_int_equal(t->from, want[k].from);
		assert_int_equal(t->to, want[k].to);
		assert_true(llabs(t->ts_ns - want[k].ts) < MS(10));
		assert_int_equal(t->vcpu, want[k].vcpu);
		assert_int_equal(t->confidence, want[k].conf);
		assert_true(t->evidence.n > 0);
		k++;
	}
	if (k != n)
		recording_show(f);
	assert_int_equal(k, n);
	assert_int_equal(verdict_of(f, HVST_Q_GUEST_CLOCKSOURCE_SWITCH)->answer,
			 n ? HVST_YES : HVST_NO);
	printf("# %s: %u transitions\n", what, n);
}

static void test_walk(void **state)
{
	struct change want[4];
	struct recording f;

	(void)state;
	begin(&f, 0);
	ticks(&f, 20, true);
	want[0] = (struct change){ HVST_SRC_REFERENCE_COUNTER, HVST_SRC_TSC_PAGE,
				   page(&f, true, 0x1234), -1, HVST_OBSERVED };
	ticks(&f, 20, false);
	page(&f, true, 0x5678); /* moved: no change */
	ticks(&f, 20, false);
	want[1] = (struct change){ HVST_SRC_TSC_PAGE, HVST_SRC_REFERENCE_COUNTER,
				   page(&f, false, 0x5678), -1, HVST_OBSERVED };
	ticks(&f, 20, true);
	want[2] = (struct change){ HVST_SRC_REFERENCE_COUNTER, HVST_SRC_TSC_PAGE,
				   page(&f, true, 0x5678), -1, HVST_OBSERVED };
	ticks(&f, 20, false);
	want[3] = (struct change){ HVST_SRC_TSC_PAGE, HVST_SRC_RAW_TSC, page(&f, false, 0), -1,
				   HVST_INFERRED };
	ticks(&f, 20, false);
	recording_end(&f);
	expect(&f, "counter, page, moved, counter, page, raw TSC", want, 4);
	recording_free(&f);
}

/* First learning, and nothing else: no transition from something to something. */
static void test_steady(void **state)
{
	struct recording f;

	(void)state;
	for (unsigned int read = 0; read < 2; read++) {
		begin(&f, 0);
		ticks(&f, 100, read);
		recording_end(&f);
		expect(&f, read ? "counter throughout" : "no reads throughout", NULL, 0);
		recording_free(&f);
	}
	begin(&f, 0);
	page(&f, true, 0x77);
	ticks(&f, 50, false);
	page(&f, true, 0x78);
	ticks(&f, 50, false);
	recording_end(&f);
	expect(&f, "page from the start, moved once", NULL, 0);
	recording_free(&f);
}

/* Without a page and without reads it is the TSC itself: from the third arm on, no earlier. */
static void test_elimination(void **state)
{
	struct recording f;

	(void)state;
	for (unsigned int n = 1; n < 6; n++) {
		bool told = false;

		begin(&f, 0);
		page(&f, true, 0x77);
		ticks(&f, 50, false);
		page(&f, false, 0x77);
		ticks(&f, n, false);
		recording_end(&f);
		for (unsigned int i = 0; i < f.r->nr_guest; i++)
			told |= f.r->guest[i]->to == HVST_SRC_RAW_TSC;
		printf("# %u arms without page and reads: %s\n", n, told ? "TSC itself" : "open");
		assert_int_equal(told, n >= 3);
		recording_free(&f);
	}
}

/*
 * A guest with the page on that begins to read the counter, without any write: seen by its reads.
 */
static void test_no_write(void **state)
{
	struct change want[2];
	struct recording f;

	(void)state;
	begin(&f, 0);
	page(&f, true, 0x77);
	ticks(&f, 50, false);
	want[0] = (struct change){ HVST_SRC_TSC_PAGE, HVST_SRC_REFERENCE_COUNTER, f.now, 0,
				   HVST_OBSERVED };
	ticks(&f, 50, true);
	want[1] = (struct change){ HVST_SRC_REFERENCE_COUNTER, HVST_SRC_TSC_PAGE, f.now, 0,
				   HVST_INFERRED };
	ticks(&f, 50, false);
	recording_end(&f);
	expect(&f, "page on throughout, counter read in between", want, 2);
	recording_free(&f);
}

/* vCPUs of one VM with clocks of their own. */
static void test_two_vcpus(void **state)
{
	struct recording f;

	(void)state;
	begin(&f, 0);
	guest_setup(&f, &vcpu1, 0);
	page(&f, true, 0x77);
	for (unsigned int i = 0; i < 50; i++) {
		ticks_of(&f, &vcpu0, 1, false);
		ticks_of(&f, &vcpu1, 1, true);
	}
	recording_end(&f);
	expect(&f, "vCPU 0 by the page, vCPU 1 by the counter", NULL, 0);
	recording_free(&f);
}

/*
 * A target moved on by the step of last time needs no clock: it must not pass for "no read before
 * it".
 */
static void test_derived_targets(void **state)
{
	struct change want[1];
	uint64_t target;
	struct recording f;

	(void)state;
	begin(&f, 0);
	page(&f, true, 0x77);
	ticks(&f, 30, false);
	want[0] = (struct change){ HVST_SRC_TSC_PAGE, HVST_SRC_REFERENCE_COUNTER,
				   page(&f, false, 0x77), -1, HVST_OBSERVED };
	ticks(&f, 30, true);
	target = f.arms[f.nr_arms - 1].count;
	f.now += MS(400);
	for (unsigned int i = 0; i < 200;
	     i++) { /* held; ticks go on from the last: no clock is read */
		target += 20000;
		guest_arm(&f, &vcpu0, 0, target);
		f.now += US(200);
	}
	ticks(&f, 30, true);
	recording_end(&f);
	expect(&f, "counter, with a backlog in between that reads none", want, 1);
	assert_int_equal(verdict_of(&f, HVST_Q_HOST_KVMCLOCK_FALLBACK)->answer, HVST_YES);
	recording_free(&f);
}

static enum hvst_ref_source source_at(const struct recording *f, int64_t ts)
{
	const struct hvst_result *r = f->r;

	for (unsigned int i = 0; i < r->nr_reference; i++)
		if (r->reference[i]->from_ns <= ts && ts < r->reference[i]->to_ns)
			return r->reference[i]->source;
	fail_msg("no segment at %lld", (long long)ts);
	return HVST_REF_UNKNOWN;
}

/* What time_now comes from: unknown until a write is seen; page; kvmclock while off, or broken. */
static void test_host_side(void **state)
{
	enum { UNKNOWN, ON, OFF, ON_AGAIN, BROKEN, STILL_BROKEN, MENDED, PHASES };
	static const enum hvst_ref_source want[PHASES] = {
		HVST_REF_UNKNOWN,  HVST_REF_TSC_PAGE, HVST_REF_KVMCLOCK, HVST_REF_TSC_PAGE,
		HVST_REF_KVMCLOCK, HVST_REF_KVMCLOCK, HVST_REF_TSC_PAGE,
	};
	int64_t at[PHASES];
	struct recording f;

	(void)state;
	begin(&f, 0);
	for (unsigned int p = 0; p < PHASES; p++) {
		switch (p) {
		case ON:
		case ON_AGAIN:
		case MENDED:
			page(&f, true, 0x77);
			break;
		case OFF:
			page(&f, false, 0x77);
			break;
		case BROKEN:
			ev_master(&f, 90, 3, false);
			break;
		case STILL_BROKEN:
			ev_master(&f, 90, 3,
				  true); /* stays broken until the MSR is written again */
			break;
		default:
			break;
		}
		ticks(&f, 20, false);
		at[p] = f.now;
		ticks(&f, 20, false);
	}
	recording_end(&f);
	for (unsigned int p = 0; p < PHASES; p++) {
		printf("# phase %u: time_now from %s\n", p,
		       hvst_ref_source_name(source_at(&f, at[p])));
		assert_int_equal(source_at(&f, at[p]), want[p]);
	}
	recording_free(&f);
}

/* The guest's timekeeping, told from its timers. */
static void test_timekeeping(void **state)
{
	static const enum hvst_guest_source want[] = { HVST_SRC_ACPI_PM, HVST_SRC_HPET,
						       HVST_SRC_RAW_TSC };
	unsigned int n = 0;
	struct recording f;

	(void)state;
	begin(&f, 0);
	page(&f, true, 0x77);
	ticks(&f, 30, false);
	for (unsigned int i = 0; i < 30; i++) {
		ev_pio_read(&f, &vcpu0, 0x608);
		f.now += MS(5);
	}
	ticks(&f, 30, false);
	for (unsigned int i = 0; i < 30; i++) {
		ev_mmio_read(&f, &vcpu0, 0xfed000f0);
		f.now += MS(5);
	}
	ticks(&f, 30, false);
	for (unsigned int i = 0; i < 30; i++) {
		ev_exit(&f, &vcpu0, 1, 16); /* RDTSC */
		ev_entry(&f, &vcpu0);
		f.now += MS(5);
	}
	/* a clocksource watchdog reads now and then, and other ports and registers are nothing */
	for (unsigned int i = 0; i < 20; i++) {
		ev_pio_read(&f, &vcpu0, 0x608);
		ev_mmio_read(&f, &vcpu0, 0xfed00000);
		f.now += MS(500);
	}
	recording_end(&f);
	expect(&f, "clocks read, timers as before", NULL, 0);
	for (unsigned int i = 0; i < f.r->nr_guest; i++) {
		const struct hvst_guest_transition *t = f.r->guest[i];

		if (t->role != HVST_ROLE_TIMEKEEPING)
			continue;
		assert_true(n < 3);
		assert_int_equal(t->to, want[n++]);
		assert_int_equal(t->confidence, HVST_OBSERVED);
	}
	assert_int_equal(n, 3);
	recording_free(&f);
}

/* vCPUs that read a clock before they are known to be of one VM: told once. */
static void test_timekeeping_of_two(void **state)
{
	const struct who *who[] = { &vcpu0, &vcpu1 };
	unsigned int n = 0;
	struct recording f;

	(void)state;
	begin(&f, 0);
	guest_setup(&f, &vcpu1, 0);
	for (unsigned int v = 0; v < 2; v++)
		ticks_of(&f, who[v], 2, false);
	for (unsigned int i = 0; i < 60; i++) {
		ev_pio_read(&f, who[i % 2], 0x608);
		f.now += MS(2);
	}
	for (unsigned int i = 0; i < 60; i++)
		ticks_of(&f, who[i % 2], 1, false);
	recording_end(&f);
	assert_int_equal(f.r->nr_vms, 1);
	for (unsigned int i = 0; i < f.r->nr_guest; i++)
		n += f.r->guest[i]->role == HVST_ROLE_TIMEKEEPING;
	assert_int_equal(n, 1);
	recording_free(&f);
}

/* Re-enlightenment and TSC emulation control change nothing for the guest's timers. */
static void test_reenlightenment(void **state)
{
	struct recording f;

	(void)state;
	begin(&f, 0);
	page(&f, true, 0x77);
	ticks(&f, 30, false);
	ev_msr(&f, &vcpu0, true, 0x40000106, 0x100ee);
	ev_msr(&f, &vcpu0, true, 0x40000107, 1);
	ticks(&f, 30, false);
	/* the TSC moves under the frozen page: a step of time_now with no KVM_SET_CLOCK */
	ev_tsc_offset(&f, &vcpu0, 5000, 6000);
	host_step(&f, &host, MS(80));
	ticks(&f, 30, false);
	recording_end(&f);
	expect(&f, "re-enlightenment", NULL, 0);
	assert_int_equal(verdict_of(&f, HVST_Q_HOST_REFERENCE_STEP)->answer, HVST_YES);
	recording_free(&f);
}

/*
 * A write that faulted, a write by the VMM's restore, a lost stretch: no transition is made of
 * them.
 */
static void test_not_a_change(void **state)
{
	struct hvst_event ev;
	struct recording f;

	(void)state;
	begin(&f, 0);
	page(&f, true, 0x77);
	ticks(&f, 30, false);
	memset(&ev, 0, sizeof(ev));
	ev = (struct hvst_event){ .ts_ns = f.now,
				  .pid = 100,
				  .cpu = 1,
				  .id = HVST_EV_MSR,
				  .present = 0xf,
				  .vcpu_id = -1 };
	ev.msr = (struct hvst_ev_msr){ .data = 0, .ecx = MSR_PAGE, .write = 1, .exception = 1 };
	record(&f, &ev);
	f.now += US(1);
	ticks(&f, 30, false);
	ev_set_config(&f, &vcpu0, 0, CONFIG_DIRECT | CONFIG_AUTO | CONFIG_ENABLE, true);
	ev_set_count(&f, &vcpu0, 0, 12345, true);
	ticks(&f, 30, false);
	ev_lost(&f, 1, 1000);
	ticks(&f, 30, false);
	recording_end(&f);
	expect(&f, "faulting write, restore, gap", NULL, 0);
	recording_free(&f);
}

/*
 * Without kvm_msr there is nothing to go by: no transition, and the verdict says what is missing.
 */
static void test_no_msrs(void **state)
{
	const struct hvst_verdict *v;
	struct recording f;

	(void)state;
	begin(&f, BIT_OF(MSR));
	ticks(&f, 20, true);
	page(&f, true, 0x77);
	ticks(&f, 20, false);
	page(&f, false, 0x77);
	ticks(&f, 20, true);
	recording_end(&f);
	for (unsigned int i = 0; i < f.r->nr_guest; i++)
		assert_true(f.r->guest[i]->from == HVST_SRC_UNKNOWN ||
			    f.r->guest[i]->confidence == HVST_SUSPECTED);
	v = verdict_of(&f, HVST_Q_GUEST_CLOCKSOURCE_SWITCH);
	assert_int_equal(v->answer, HVST_CANNOT_TELL);
	assert_true(v->missing == BIT_OF(MSR));
	v = verdict_of(&f, HVST_Q_HOST_KVMCLOCK_FALLBACK);
	assert_int_equal(v->answer, HVST_CANNOT_TELL);
	assert_true(v->missing == BIT_OF(MSR));
	recording_free(&f);
}

/*
 * A guest that uses the page and reads the counter before most of its arms, for its accounting:
 * from the start, or beginning at some time. No change of its clock in either case.
 */
static void test_mixed_use(void **state)
{
	static const unsigned int percent[] = { 10, 40, 60, 80, 90 };
	unsigned int suspected = 0;

	(void)state;
	for (unsigned int i = 0; i < 5 * 20; i++) {
		const struct hvst_verdict *v;
		bool later = i % 2;
		struct recording f;

		begin(&f, 0);
		page(&f, true, 0x77);
		if (later)
			ticks(&f, 200, false);
		for (unsigned int k = 0; k < 400; k++)
			ticks(&f, 1, rnd() % 100 < percent[i / 20]);
		recording_end(&f);
		for (unsigned int k = 0; k < f.r->nr_guest; k++)
			if (f.r->guest[k]->role == HVST_ROLE_STIMER &&
			    f.r->guest[k]->from != HVST_SRC_UNKNOWN)
				assert_int_equal(f.r->guest[k]->confidence, HVST_SUSPECTED);
		v = verdict_of(&f, HVST_Q_GUEST_CLOCKSOURCE_SWITCH);
		assert_int_not_equal(v->answer, HVST_YES);
		if (!later)
			assert_int_equal(v->answer, HVST_NO);
		suspected += v->answer == HVST_CANNOT_TELL;
		recording_free(&f);
	}
	printf("# the counter read before 10 to 90 %% of the arms: %u of 50 suspected where it "
	       "begins later\n",
	       suspected);
}

/*
 * The same with ticks on a grid: such an arm needs no clock, but one without a read shows that not
 * every arm has one.
 */
static void test_mixed_use_grid(void **state)
{
	unsigned int suspected = 0;

	(void)state;
	for (unsigned int i = 0; i < 40; i++) {
		struct recording f;
		uint64_t count;

		begin(&f, 0);
		page(&f, true, 0x77);
		ticks(&f, 200, false);
		count = ref_now(&f, &host);
		for (unsigned int k = 0; k < 400; k++) {
			count += 10000;
			guest_write(&f, &vcpu0, 0, count, rnd() % 100 < 66);
			host_start(&f, &vcpu0, 0, count);
			f.now += 100 * (int64_t)(count - ref_now(&f, &host));
			ev_callback(&f, &vcpu0, 0, vcpu0.tid, vcpu0.cpu);
			ev_expiration(&f, &vcpu0, 0, true, 0);
			ev_entry(&f, &vcpu0);
			f.now += US(30);
		}
		recording_end(&f);
		for (unsigned int k = 0; k < f.r->nr_guest; k++)
			if (f.r->guest[k]->role == HVST_ROLE_STIMER &&
			    f.r->guest[k]->from != HVST_SRC_UNKNOWN)
				assert_int_equal(f.r->guest[k]->confidence, HVST_SUSPECTED);
		suspected += verdict_of(&f, HVST_Q_GUEST_CLOCKSOURCE_SWITCH)->answer != HVST_NO;
		recording_free(&f);
	}
	assert_true(suspected <= 2);
}

/*
 * Another timer's interrupt between the read of the counter and the write of the count: the read
 * still belongs to the arm.
 */
static void test_interrupted_read(void **state)
{
	struct change want;
	struct recording f;

	(void)state;
	begin(&f, 0);
	page(&f, true, 0x77);
	ticks(&f, 50, false);
	want = (struct change){ HVST_SRC_TSC_PAGE, HVST_SRC_REFERENCE_COUNTER, f.now, 0,
				HVST_OBSERVED };
	for (unsigned int i = 0; i < 20; i++) {
		uint64_t count;

		ticks(&f, 15, true);
		ev_exit(&f, &vcpu0, 2, 0x7c);
		ev_msr(&f, &vcpu0, false, 0x40000020, ref_now(&f, &host));
		ev_entry(&f, &vcpu0);
		ev_expiration(&f, &vcpu0, 3, true, 0);
		ev_entry(&f, &vcpu0);
		count = ref_now(&f, &host) + 10000 + rnd() % 100;
		guest_write(&f, &vcpu0, 0, count, false);
		host_start(&f, &vcpu0, 0, count);
		f.now += MS(1);
		ev_callback(&f, &vcpu0, 0, vcpu0.tid, vcpu0.cpu);
		ev_expiration(&f, &vcpu0, 0, true, 0);
		ev_entry(&f, &vcpu0);
	}
	recording_end(&f);
	expect(&f, "another timer expires between the read and the arm", &want, 1);
	recording_free(&f);
}

/*
 * The page was written before the trace began, or by the VMM: arms without a read come from it or
 * from the raw TSC, and a change from or to one of these has no name.
 */
static void test_page_not_known(void **state)
{
	static const struct {
		unsigned int percent[2]; /* of arms with a read: at first, later */
		bool write;		 /* the page is switched on in between */
		enum hvst_answer answer;
	} cases[] = {
		{ { 0, 0 }, false, HVST_NO },
		{ { 100, 100 }, false, HVST_NO },
		{ { 50, 50 }, false, HVST_NO },
		{ { 0, 100 }, false, HVST_CANNOT_TELL },
		{ { 100, 0 }, false, HVST_CANNOT_TELL },
		{ { 0, 0 }, true, HVST_CANNOT_TELL },
		{ { 100, 100 }, true, HVST_NO },
	};

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(cases); i++) {
		const struct hvst_verdict *v;
		struct recording f;

		begin(&f, 0);
		for (unsigned int k = 0; k < 120; k++) {
			if (k == 60 && cases[i].write)
				page(&f, true, 0x77);
			ticks(&f, 1, rnd() % 100 < cases[i].percent[k >= 60]);
		}
		recording_end(&f);
		v = verdict_of(&f, HVST_Q_GUEST_CLOCKSOURCE_SWITCH);
		if (v->answer != cases[i].answer)
			fail_msg("case %u: answer %d: %s", i, v->answer, v->summary);
		assert_int_equal(v->evidence.n > 0, v->answer == HVST_CANNOT_TELL);
		recording_free(&f);
	}
}

/* Reads that come and go in rows, and the page is not written. */
static void test_reads_in_rows(void **state)
{
	struct recording f;

	(void)state;
	begin(&f, 0);
	page(&f, true, 0x77);
	ticks(&f, 50, false);
	for (unsigned int i = 0; i < 6; i++) {
		ticks(&f, 40, true);
		ticks(&f, 40, false);
	}
	recording_end(&f);
	for (unsigned int i = 0; i < f.r->nr_guest; i++)
		if (f.r->guest[i]->role == HVST_ROLE_STIMER &&
		    f.r->guest[i]->from != HVST_SRC_UNKNOWN)
			assert_int_equal(f.r->guest[i]->confidence, HVST_SUSPECTED);
	assert_int_equal(verdict_of(&f, HVST_Q_GUEST_CLOCKSOURCE_SWITCH)->answer, HVST_CANNOT_TELL);
	recording_free(&f);
}

/* A row of reads, then a write of the page: an arm without a read after it tells of the latter. */
static void test_row_before_write(void **state)
{
	unsigned int changes = 0;
	struct recording f;
	int64_t off;

	(void)state;
	begin(&f, 0);
	page(&f, true, 0x77);
	ticks(&f, 50, false);
	ticks(&f, 50, true);
	off = page(&f, false, 0);
	for (unsigned int i = 0; i < 2; i++) {
		ticks(&f, 30, true);
		ticks(&f, 2, false);
	}
	ticks(&f, 60, true);
	recording_end(&f);
	for (unsigned int i = 0; i < f.r->nr_guest; i++) {
		const struct hvst_guest_transition *t = f.r->guest[i];

		if (t->role != HVST_ROLE_STIMER || t->to != HVST_SRC_REFERENCE_COUNTER)
			continue;
		assert_int_equal(t->confidence, HVST_OBSERVED);
		changes += t->ts_ns > off;
	}
	assert_int_equal(changes, 0);
	recording_free(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),
		cmocka_unit_test(test_steady),
		cmocka_unit_test(test_no_write),
		cmocka_unit_test(test_elimination),
		cmocka_unit_test(test_two_vcpus),
		cmocka_unit_test(test_derived_targets),
		cmocka_unit_test(test_host_side),
		cmocka_unit_test(test_timekeeping),
		cmocka_unit_test(test_timekeeping_of_two),
		cmocka_unit_test(test_reenlightenment),
		cmocka_unit_test(test_not_a_change),
		cmocka_unit_test(test_no_msrs),
		cmocka_unit_test(test_mixed_use),
		cmocka_unit_test(test_mixed_use_grid),
		cmocka_unit_test(test_interrupted_read),
		cmocka_unit_test(test_row_before_write),
		cmocka_unit_test(test_reads_in_rows),
		cmocka_unit_test(test_page_not_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
