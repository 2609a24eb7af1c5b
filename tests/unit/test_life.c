// SPDX-License-Identifier: GPL-2.0
/*
 * lib/analysis/life, epoch, answers_clock: what happens to a VM as a whole, and the faults that set
 * its clocks apart; each in three sizes, and what is like it and harmless.
 */
#include "../../lib/analysis/life.h"
#include "events.h"

static struct host host;
static const struct who vcpu0 = { &host, 701, 0, 0 }, vcpu1 = { &host, 702, 1, 1 };
static const struct who task = { NULL, 700, 0, 2 }, task1 = { NULL, 700, 1, 2 };

static const int64_t sizes[] = { MS(200), SEC(3), SEC(36) };

static void begin(struct recording *f)
{
	host = (struct host){ .o = -SEC(900) };
	recording_begin(f, 0);
}

static void lives(struct recording *f, const struct who *w, unsigned int arms)
{
	guest_setup(f, w, 0);
	ev_entry(f, w);
	guest_ticks(f, w, arms, MS(2));
}

static enum hvst_answer answer(const struct recording *f, enum hvst_question q)
{
	return verdict_of(f, q)->answer;
}

/* Of the five questions only @q is answered with yes; HVST_Q_COUNT: none. */
static void only(const struct recording *f, enum hvst_question q)
{
	for (int i = HVST_Q_GUEST_CLOCK_AHEAD; i <= HVST_Q_VCPU_TSC_MISMATCH; i++) {
		if (((enum hvst_question)i == q) != (answer(f, (enum hvst_question)i) == HVST_YES))
			recording_show(f);
		if ((enum hvst_question)i == q)
			assert_int_equal(answer(f, (enum hvst_question)i), HVST_YES);
		else
			assert_int_not_equal(answer(f, (enum hvst_question)i), HVST_YES);
	}
	if (q != HVST_Q_COUNT) {
		assert_true(verdict_of(f, q)->evidence.n > 0);
		assert_true(verdict_of(f, q)->summary[0]);
	}
}

static unsigned int events(const struct recording *f, enum hvst_life_kind kind)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < f->r->nr_life; i++)
		n += f->r->life[i]->kind == kind;
	return n;
}

static void written_back(struct recording *f, const struct who *by, uint64_t count)
{
	ev_set_config(f, by, 0, CONFIG_DIRECT | CONFIG_AUTO | CONFIG_ENABLE, true);
	ev_set_count(f, by, 0, count, true);
}

/* The VMM sets the clock back by @back; the guest's own clock stays (@apart) or follows. */
static void reset_in_place(struct recording *f, int64_t back, bool apart, unsigned int arms)
{
	begin(f);
	lives(f, &vcpu0, 40);
	host_step(f, &host, -back);
	ev_master(f, 700, 2, true);
	written_back(f, &task, 0);
	for (unsigned int i = 0; i < arms; i++)
		guest_arm(f, &vcpu0, 0,
			  ref_now(f, &host) + (apart ? (uint64_t)(back / 100) : 0) + 20000);
	recording_end(f);
}

static void laid_out(struct recording *f, int64_t back)
{
	uint64_t next;

	begin(f);
	lives(f, &vcpu0, 40);
	next = ref_now(f, &host);
	host_step(f, &host, -back);
	ev_master(f, 700, 2, true);
	for (unsigned int i = 0; i < 10; i++)
		guest_arm(f, &vcpu0, 0, next += 20000);
	recording_end(f);
}

static void test_reset(void **state)
{
	struct recording f;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		for (unsigned int arms = 1; arms <= 2; arms++) {
			reset_in_place(&f, sizes[i], true, arms);
			only(&f, HVST_Q_GUEST_CLOCK_AHEAD);
			assert_int_equal(answer(&f, HVST_Q_HOST_REFERENCE_STEP), HVST_YES);
			assert_int_equal(events(&f, HVST_LIFE_RESET), 1);
			recording_free(&f);
		}
		/* ticks laid out before go on: one arm leads, the clock does not */
		laid_out(&f, sizes[i]);
		only(&f, HVST_Q_COUNT);
		assert_int_equal(answer(&f, HVST_Q_GUEST_CLOCK_AHEAD), HVST_CANNOT_TELL);
		recording_free(&f);
		reset_in_place(&f, sizes[i], false, 40);
		only(&f, HVST_Q_COUNT);
		assert_int_equal(answer(&f, HVST_Q_GUEST_CLOCK_AHEAD), HVST_NO);
		recording_free(&f);
	}
}

/*
 * The guest slept before the reset, and arms once after it: one reading far from the others proves
 * no step, but the count does, which leads by as much.
 */
static void test_one_reading(void **state)
{
	struct recording f;

	(void)state;
	begin(&f);
	lives(&f, &vcpu0, 20);
	f.now += SEC(30);
	host_step(&f, &host, -SEC(30));
	ev_master(&f, vcpu0.tid, vcpu0.cpu, true);
	written_back(&f, &vcpu0, 0);
	f.now += SEC(2);
	guest_write(&f, &vcpu0, 0, ref_now(&f, &host) + 300000000 + 20000, false);
	host_start(&f, &vcpu0, 0, ref_now(&f, &host) + 300000000 + 20000);
	recording_end(&f);
	only(&f, HVST_Q_GUEST_CLOCK_AHEAD);
	assert_int_equal(answer(&f, HVST_Q_HOST_REFERENCE_STEP), HVST_YES);
	assert_non_null(
		strstr(verdict_of(&f, HVST_Q_HOST_REFERENCE_STEP)->summary, "leads by as much"));
	recording_free(&f);
}

/* A longer delay than before is the guest's choice, whatever its length. */
static void test_long_delay(void **state)
{
	struct recording f;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		begin(&f);
		lives(&f, &vcpu0, 40);
		guest_ticks(&f, &vcpu0, 1, sizes[i]);
		guest_ticks(&f, &vcpu0, 40, MS(2));
		recording_end(&f);
		only(&f, HVST_Q_COUNT);
		assert_int_equal(answer(&f, HVST_Q_GUEST_CLOCK_AHEAD), HVST_NO);
		recording_free(&f);
	}
}

/* Only the VMM's own count leads: whether the guest's clock does, its next arm would show. */
static void test_count_of_the_vmm(void **state)
{
	struct recording f;
	uint64_t old;

	(void)state;
	begin(&f);
	lives(&f, &vcpu0, 40);
	old = ref_now(&f, &host);
	host_step(&f, &host, -SEC(5));
	ev_master(&f, 700, 2, true);
	written_back(&f, &task, old + 20000);
	ev_start(&f, &vcpu0, HVST_EV_STIMER_START_ONE_SHOT, 0, ref_now(&f, &host), old + 20000);
	recording_end(&f);
	assert_int_equal(answer(&f, HVST_Q_GUEST_CLOCK_AHEAD), HVST_CANNOT_TELL);
	recording_free(&f);
}

/* Counts that are no multiple of one step are read off a clock. */
static void reads_page(struct recording *f, const struct who *w, unsigned int arms)
{
	for (unsigned int i = 0; i < arms; i++)
		guest_arm(f, w, 0, ref_now(f, w->host) + 20000 + 5 * (i % 7));
}

/*
 * The guest's clock did not go back with the host's, until the guest wrote its page: its one arm
 * before that leads, the next one does not.
 */
static void test_page_written_anew(void **state)
{
	const struct hvst_guest_transition *back = NULL;
	uint64_t count;
	int64_t written;
	struct recording f;

	(void)state;
	begin(&f);
	ev_msr(&f, &vcpu0, true, MSR_PAGE, 0x5001);
	guest_setup(&f, &vcpu0, 0);
	reads_page(&f, &vcpu0, 40);
	host_step(&f, &host, -SEC(3));
	ev_master(&f, 700, 2, true);
	count = ref_now(&f, &host) + (uint64_t)SEC(3) / 100 + 20300;
	guest_write(&f, &vcpu0, 0, count, false);
	ev_start(&f, &vcpu0, HVST_EV_STIMER_START_ONE_SHOT, 0, ref_now(&f, &host), count);
	f.now += SEC(1);
	written = f.now;
	ev_msr(&f, &vcpu0, true, MSR_PAGE, 0x5001);
	reads_page(&f, &vcpu0, 40);
	recording_end(&f);
	assert_int_equal(answer(&f, HVST_Q_GUEST_CLOCK_AHEAD), HVST_YES);
	assert_int_equal(answer(&f, HVST_Q_GUEST_CLOCKSOURCE_SWITCH), HVST_CANNOT_TELL);
	for (unsigned int i = 0; i < f.r->nr_guest; i++)
		if (f.r->guest[i]->to == HVST_SRC_TSC_PAGE &&
		    f.r->guest[i]->from == HVST_SRC_RAW_TSC)
			back = f.r->guest[i];
	assert_non_null(back);
	assert_int_equal(back->confidence, HVST_SUSPECTED);
	assert_true(llabs(back->ts_ns - written) <= US(2));
	recording_free(&f);
}

/* The guest resumes; @call: it asks for its old time; its counts are @ahead of the host's. */
static void resumes(struct recording *f, bool call, int64_t ahead)
{
	begin(f);
	lives(f, &vcpu0, 40);
	ev_msr(f, &vcpu0, true, MSR_PAGE, 0x5000);
	ev_set_config(f, &vcpu0, 0, 0, false);
	ev_set_count(f, &vcpu0, 0, 0, false);
	if (call)
		ev_hypercall(f, &vcpu0, 0x0103, 2);
	ev_msr(f, &vcpu0, true, MSR_PAGE, 0x5001);
	guest_setup(f, &vcpu0, 0);
	for (unsigned int i = 0; i < 20; i++)
		guest_arm(f, &vcpu0, 0, ref_now(f, &host) + (uint64_t)(ahead / 100 + 20000));
	recording_end(f);
}

static void test_time_restore(void **state)
{
	static const int64_t ahead[] = { MS(0), -MS(40), SEC(2) };
	struct recording f;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		resumes(&f, true, ahead[i]);
		assert_int_equal(answer(&f, HVST_Q_GUEST_TIME_RESTORE), HVST_YES);
		assert_non_null(strstr(
			verdict_of(&f, HVST_Q_GUEST_TIME_RESTORE)->evidence.e[0].text, "status 2"));
		assert_int_equal(answer(&f, HVST_Q_GUEST_CLOCK_AHEAD),
				 ahead[i] > 0 ? HVST_YES : HVST_NO);
		assert_int_equal(events(&f, HVST_LIFE_RESUMED), 1);
		recording_free(&f);
		resumes(&f, false, ahead[i]);
		assert_int_equal(answer(&f, HVST_Q_GUEST_TIME_RESTORE),
				 ahead[i] ? HVST_CANNOT_TELL : HVST_NO);
		only(&f, HVST_Q_COUNT);
		recording_free(&f);
	}
	/* any other hypercall is none */
	begin(&f);
	lives(&f, &vcpu0, 10);
	ev_hypercall(&f, &vcpu0, 0x0002, 0);
	recording_end(&f);
	assert_int_equal(answer(&f, HVST_Q_GUEST_TIME_RESTORE), HVST_NO);
	recording_free(&f);
}

/* A VM is restored; its vCPUs run for @early ns before the VMM sets its clock. */
static void restored(struct recording *f, int64_t early, int64_t step)
{
	begin(f);
	ev_tsc_offset(f, &task, 0, 0x1000);
	ev_tsc_offset(f, &task, 0x1000, 0x9000000);
	written_back(f, &task, 0);
	if (!early) {
		host_step(f, &host, step);
		ev_master(f, 700, 2, true);
	}
	lives(f, &vcpu0, early ? (unsigned int)(early / MS(2)) : 40);
	if (early) {
		host_step(f, &host, step);
		ev_master(f, 700, 2, true);
	}
	guest_ticks(f, &vcpu0, 40, MS(2));
	recording_end(f);
}

static void test_resume_order(void **state)
{
	static const int64_t early[] = { MS(40), MS(300), SEC(2) };
	struct recording f;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		restored(&f, early[i], SEC(1) + (int64_t)i * SEC(20));
		only(&f, HVST_Q_VMM_RESUME_ORDER);
		assert_int_equal(events(&f, HVST_LIFE_RESTORED_OR_MIGRATED), 1);
		recording_free(&f);
	}
	restored(&f, 0, SEC(20));
	only(&f, HVST_Q_COUNT);
	assert_int_equal(answer(&f, HVST_Q_VMM_RESUME_ORDER), HVST_NO);
	assert_int_equal(events(&f, HVST_LIFE_RESTORED_OR_MIGRATED), 1);
	recording_free(&f);
	/* a step long after it is something else */
	restored(&f, SEC(8), SEC(20));
	only(&f, HVST_Q_COUNT);
	recording_free(&f);
	/* an update that no reading follows may have moved the clock, or not */
	begin(&f);
	ev_tsc_offset(&f, &task, 0, 0x1000);
	written_back(&f, &vcpu0, ref_now(&f, &host) + 20000);
	guest_ticks(&f, &vcpu0, 2, MS(2));
	ev_master(&f, 700, 2, true);
	f.now += SEC(3);
	ev_entry(&f, &vcpu0);
	recording_end(&f);
	only(&f, HVST_Q_COUNT);
	assert_int_equal(answer(&f, HVST_Q_VMM_RESUME_ORDER), HVST_CANNOT_TELL);
	assert_non_null(strstr(f.r->reasons[0], "update of its clock"));
	recording_free(&f);
}

/* Both vCPUs' TSCs are written; the second one's ends up @apart cycles from the first one's. */
static void offsets(struct recording *f, uint64_t apart, bool by_vcpu_first)
{
	begin(f);
	ev_tsc_offset(f, &task, 0, 0x100000);
	ev_tsc_offset(f, &task1, 0, 0x100000);
	ev_tsc_offset(f, &task, 0x100000, 0x900000);
	if (by_vcpu_first) /* they differ for as long as it takes to write the other */
		ev_master(f, 700, 2, true);
	ev_tsc_offset(f, &task1, 0x100000, 0x900000 + apart);
	ev_master(f, 700, 2, !apart);
	guest_setup(f, &vcpu0, 0);
	guest_setup(f, &vcpu1, 0);
	for (unsigned int i = 0; i < 40; i++) {
		guest_ticks(f, &vcpu0, 1, MS(2));
		guest_ticks(f, &vcpu1, 1, MS(2));
	}
	recording_end(f);
	assert_int_equal(f->r->nr_vms, 1);
}

/*
 * A state is written to a VM: whether it may have been migrated in depends on whether it ran, and
 * whether its vCPUs were created in the recording does not.
 */
static void test_migrated(void **state)
{
	struct recording f;

	(void)state;
	for (int i = 0; i < 4; i++) {
		bool created = i & 1, ran = i & 2;

		begin(&f);
		if (created)
			ev_tsc_offset(&f, &task, 0, 0x1000);
		if (ran)
			lives(&f, &vcpu0, 40);
		f.now += SEC(10);
		ev_tsc_offset(&f, &vcpu0, 0x1000, 0x9000000);
		written_back(&f, &vcpu0, 0x100);
		lives(&f, &vcpu0, 40);
		recording_end(&f);
		assert_int_equal(events(&f, HVST_LIFE_RESTORED), ran);
		assert_int_equal(events(&f, HVST_LIFE_RESTORED_OR_MIGRATED), !ran);
		recording_free(&f);
	}
}

static void test_tsc_mismatch(void **state)
{
	static const uint64_t apart[] = { 100, 5000000, 90000000000ull };
	struct recording f;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		offsets(&f, apart[i], false);
		only(&f, HVST_Q_VCPU_TSC_MISMATCH);
		recording_free(&f);
	}
	offsets(&f, 0, false);
	only(&f, HVST_Q_COUNT);
	assert_int_equal(answer(&f, HVST_Q_VCPU_TSC_MISMATCH), HVST_NO);
	recording_free(&f);
	offsets(&f, 0, true);
	assert_int_equal(answer(&f, HVST_Q_VCPU_TSC_MISMATCH), HVST_NO);
	recording_free(&f);
}

/* The guest's TSC begins @behind after its reference clock, and it keeps time by it, or not. */
static void tsc_begins(struct recording *f, int64_t behind, int64_t lag)
{
	begin(f);
	f->now = SEC(900) + behind; /* the reference clock read zero at 900 s */
	ev_tsc_offset(f, &task, 0, 0x1000);
	f->now += MS(100);
	guest_setup(f, &vcpu0, 0);
	guest_ticks(f, &vcpu0, 3, behind + MS(5));
	for (unsigned int i = 0; i < 40; i++) {
		/* the same target until its own clock has reached it */
		uint64_t target = ref_now(f, &host) - (uint64_t)(lag / 100) + 10000;

		do {
			guest_arm(f, &vcpu0, 0, target);
			f->now += US(20);
		} while ((int64_t)(ref_now(f, &host) - (uint64_t)(lag / 100) - target) < 0);
	}
	recording_end(f);
}

static void test_tsc_offset(void **state)
{
	static const int64_t behind[] = { MS(6), MS(40), MS(900) };
	struct recording f;

	(void)state;
	for (unsigned int i = 0; i < 3; i++) {
		tsc_begins(&f, behind[i], behind[i]);
		assert_int_equal(f.r->nr_storms > 0, 1);
		only(&f, HVST_Q_TSC_REFERENCE_OFFSET);
		assert_true(llabs(f.r->vms[0]->tsc_behind_ns - behind[i]) <=
			    f.r->vms[0]->tsc_behind_error_ns);
		recording_free(&f);
		/* a lag of another size, and none at all */
		tsc_begins(&f, behind[i], behind[i] + MS(5));
		only(&f, HVST_Q_COUNT);
		recording_free(&f);
		tsc_begins(&f, behind[i], 0);
		only(&f, HVST_Q_COUNT);
		assert_int_equal(answer(&f, HVST_Q_TSC_REFERENCE_OFFSET), HVST_NO);
		recording_free(&f);
	}
}

/*
 * The guest lags by @lag and asks for delays shorter and longer than that: some of its arms are
 * past due, from the first on, and how much it lags cannot be measured.
 */
static void lags_in_bursts(struct recording *f, int64_t behind, int64_t lag)
{
	begin(f);
	f->now = SEC(900) + behind;
	ev_tsc_offset(f, &task, 0, 0x1000);
	f->now += MS(10);
	guest_setup(f, &vcpu0, 0);
	for (unsigned int i = 0; i < 200; i++)
		guest_arm(f, &vcpu0, 0,
			  ref_now(f, &host) - (uint64_t)(lag / 100) +
				  (i % 20 < 10 ? 20000 : 900000));
	recording_end(f);
	assert_int_equal(f->r->nr_storms, 0);
}

static void test_tsc_offset_of_bursts(void **state)
{
	struct recording f;

	(void)state;
	lags_in_bursts(&f, MS(8), MS(8));
	assert_int_equal(answer(&f, HVST_Q_TSC_REFERENCE_OFFSET), HVST_CANNOT_TELL);
	recording_free(&f);
	/* they began together */
	lags_in_bursts(&f, 0, MS(8));
	assert_int_equal(answer(&f, HVST_Q_TSC_REFERENCE_OFFSET), HVST_NO);
	recording_free(&f);
}

/* A VM is created by a thread whose id lies below those of a VM that runs: the zero is its own. */
static void test_tsc_of_second_vm(void **state)
{
	static struct host other = { .o = -SEC(700) };
	static const struct who above = { &other, 805, 0, 3 }, below = { &host, 803, 0, 0 };
	const struct hvst_vm *vm = NULL;
	struct recording f;

	(void)state;
	begin(&f);
	lives(&f, &above, 40);
	host.o = -(f.now - MS(40));
	ev_tsc_offset(&f, &below, 0, 0x1000);
	ev_master(&f, below.tid, 0, true);
	lives(&f, &below, 40);
	lives(&f, &above, 40);
	recording_end(&f);
	for (unsigned int i = 0; i < f.r->nr_vms; i++) {
		if (f.r->vms[i]->vcpus[0]->tid == below.tid)
			vm = f.r->vms[i];
		else
			assert_int_equal(f.r->vms[i]->tsc_behind_ns, HVST_UNKNOWN);
	}
	assert_non_null(vm);
	assert_true(llabs(vm->tsc_behind_ns - MS(40)) <= vm->tsc_behind_error_ns);
	assert_int_equal(f.r->nr_moves, 2);
	assert_int_equal(f.r->moves[0]->vm, vm->vm);
	assert_int_equal(f.r->moves[1]->vm, vm->vm);
	recording_free(&f);
}

/* Where the TSC was moved by cycles of unknown length, nothing is made up. */
static void test_tsc_unknown(void **state)
{
	struct recording f;

	(void)state;
	begin(&f);
	ev_tsc_offset(&f, &task, 0, 0x1000);
	ev_tsc_offset(&f, &task, 0x1000, 0x9000);
	lives(&f, &vcpu0, 40);
	recording_end(&f);
	assert_int_equal(f.r->vms[0]->tsc_behind_ns, HVST_UNKNOWN);
	assert_true(f.r->vms[0]->tsc_behind_why[0]);
	assert_int_equal(f.r->nr_moves, 2);
	assert_int_equal(f.r->moves[1]->tsc_cycles, 0x8000);
	assert_int_equal(f.r->moves[1]->tsc_ns, HVST_UNKNOWN);
	recording_free(&f);
}

/* First offsets of two vCPUs, each minus the host's TSC at its time, tell the length of a cycle. */
static void test_tsc_rate(void **state)
{
	struct recording f;
	uint64_t first, second;

	(void)state;
	begin(&f);
	first = -(uint64_t)(2 * f.now); /* 2 GHz */
	ev_tsc_offset(&f, &task, 0, first);
	f.now += MS(50);
	second = -(uint64_t)(2 * f.now);
	ev_tsc_offset(&f, &task1, 0, second);
	lives(&f, &vcpu0, 40);
	lives(&f, &vcpu1, 40);
	ev_tsc_offset(&f, &vcpu0, first, first + 2000000);
	guest_ticks(&f, &vcpu0, 40, MS(2));
	recording_end(&f);
	assert_int_equal(f.r->nr_moves, 3);
	assert_int_equal(f.r->moves[2]->tsc_cycles, 2000000);
	assert_true(llabs(f.r->moves[2]->tsc_ns - MS(1)) < US(1));
	recording_free(&f);
}

/* One row for each update and each write: what it moved. */
static void test_moves(void **state)
{
	struct recording f;

	(void)state;
	begin(&f);
	f.trace.scale_source = HVST_SCALE_FILE;
	f.trace.scale_mult = 1u << 31;
	f.trace.scale_shift = 32; /* half a ns */
	lives(&f, &vcpu0, 40);
	ev_master(&f, 700, 2, true);
	guest_ticks(&f, &vcpu0, 40, MS(2));
	ev_tsc_offset(&f, &vcpu0, 0x1000, 0x1000 + 2000000);
	host_step(&f, &host, MS(7));
	ev_master(&f, 700, 2, true);
	guest_ticks(&f, &vcpu0, 40, MS(2));
	recording_end(&f);
	assert_int_equal(f.r->nr_moves, 3);
	assert_int_equal(f.r->moves[0]->reference_ns, 0);
	assert_int_equal(f.r->moves[1]->tsc_ns, MS(1));
	assert_true(llabs(f.r->moves[2]->reference_ns - MS(7)) < US(10));
	assert_int_equal(f.r->moves[2]->tsc_ns, HVST_UNKNOWN);
	recording_free(&f);
}

/* Steps in any number, of one VM, in one trace: bounded, and no harm. */
static void test_many(void **state)
{
	struct recording f;

	(void)state;
	begin(&f);
	lives(&f, &vcpu0, 10);
	for (unsigned int i = 0; i < 20000; i++) {
		ev_tsc_offset(&f, &task, i + 1, i + 2);
		ev_entry(&f, &vcpu0);
		written_back(&f, &task, i);
	}
	recording_end(&f);
	assert_true(f.r->nr_moves <= 2048);
	assert_true(f.r->nr_life <= 4096);
	recording_free(&f);
}

/* Which of two events is merged first depends on the events before them. */
enum merged { IN_ORDER, SWAPPED };

/* The VMM clears the timers; then vCPU 0 enters the guest at @at[0], vCPU 1 at @at[1]. */
static void both_enter(struct recording *f, enum merged how, const int64_t at[2])
{
	static const struct who *const who[] = { &vcpu0, &vcpu1 };
	bool swap = (at[1] < at[0]) != (how == SWAPPED);
	int64_t from;

	begin(f);
	lives(f, &vcpu0, 40);
	lives(f, &vcpu1, 40);
	written_back(f, &task, 0);
	from = f->now + MS(1);
	for (unsigned int i = 0; i < 2; i++) {
		f->now = from + at[i ^ swap];
		ev_entry(f, who[i ^ swap]);
	}
	f->now = from + MS(1);
	guest_ticks(f, &vcpu0, 10, MS(2));
	recording_end(f);
	assert_int_equal(f->r->nr_life, 1);
}

static void test_first_entry(void **state)
{
	static const int64_t ats[][2] = { { 0, 500 }, { 700, 0 }, { 0, 0 } };
	struct recording f;

	(void)state;
	for (size_t i = 0; i < sizeof(ats) / sizeof(*ats); i++)
		for (enum merged how = IN_ORDER; how <= SWAPPED; how++) {
			const char *runs = ats[i][1] < ats[i][0] ? "vCPU 1 runs" : "vCPU 0 runs";
			const struct hvst_life_event *e;

			both_enter(&f, how, ats[i]);
			e = f.r->life[0];
			assert_non_null(strstr(e->steps, runs));
			assert_int_equal(e->evidence.e[e->evidence.n - 1].ts_ns, e->first_run_ns);
			assert_int_equal(e->evidence.e[e->evidence.n - 1].tid,
					 runs[5] == '1' ? vcpu1.tid : vcpu0.tid);
			recording_free(&f);
		}
}

static void arms(struct recording *f, int64_t at)
{
	uint64_t count;

	f->now = at - US(1);
	count = ref_now(f, &host) + 20000;
	ev_set_count(f, &vcpu0, 0, count, false);
	ev_start(f, &vcpu0, HVST_EV_STIMER_START_ONE_SHOT, 0, ref_now(f, &host), count);
}

/* With the page off vCPU 0 arms its timer before and after vCPU 1 enters the guest. */
static void test_arm_before_entry(void **state)
{
	struct recording f;

	(void)state;
	for (enum merged how = IN_ORDER; how <= SWAPPED; how++) {
		int64_t from;

		begin(&f);
		ev_msr(&f, &vcpu0, true, MSR_PAGE, 0x5001);
		lives(&f, &vcpu0, 40);
		lives(&f, &vcpu1, 40);
		ev_msr(&f, &vcpu0, true, MSR_PAGE, 0);
		ev_set_count(&f, &vcpu0, 0, 0, false);
		from = f.now + MS(1);
		if (how == IN_ORDER)
			arms(&f, from);
		f.now = from + US(1);
		ev_entry(&f, &vcpu1);
		if (how == SWAPPED)
			arms(&f, from);
		arms(&f, from + US(2));
		ev_msr(&f, &vcpu0, true, MSR_PAGE, 0x5001);
		lives(&f, &vcpu0, 10);
		recording_end(&f);
		assert_int_equal(f.r->nr_life, 1);
		assert_ptr_equal(strstr(f.r->life[0]->steps,
					"TSC page off, timers cleared by the guest, guest arms "
					"timers, vCPU 1 runs, guest arms timers, TSC page on"),
				 f.r->life[0]->steps);
		recording_free(&f);
	}
}

/* When vCPUs whose TSC offsets differ ran is the time of the first entry, whichever is merged so.
 */
static void test_mismatch_seen(void **state)
{
	struct recording f;

	(void)state;
	for (enum merged how = IN_ORDER; how <= SWAPPED; how++) {
		int64_t from;

		begin(&f);
		ev_tsc_offset(&f, &task, 0, 0x1000);
		lives(&f, &vcpu0, 40);
		lives(&f, &vcpu1, 40);
		ev_tsc_offset(&f, &vcpu0, 0x1000, 0x1000);
		ev_tsc_offset(&f, &vcpu1, 0x1000, 0x9000000);
		from = f.now + MS(1);
		for (unsigned int i = 0; i < 2; i++) {
			f.now = from + (i ^ how) * US(1);
			ev_entry(&f, i ^ how ? &vcpu1 : &vcpu0);
		}
		recording_end(&f);
		assert_int_equal(answer(&f, HVST_Q_VCPU_TSC_MISMATCH), HVST_YES);
		assert_int_equal(hvst_life_of(f.an, 0)->mismatch.ran_ns, from);
		recording_free(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reset),
		cmocka_unit_test(test_one_reading),
		cmocka_unit_test(test_long_delay),
		cmocka_unit_test(test_count_of_the_vmm),
		cmocka_unit_test(test_time_restore),
		cmocka_unit_test(test_resume_order),
		cmocka_unit_test(test_tsc_mismatch),
		cmocka_unit_test(test_migrated),
		cmocka_unit_test(test_tsc_offset),
		cmocka_unit_test(test_tsc_offset_of_bursts),
		cmocka_unit_test(test_tsc_unknown),
		cmocka_unit_test(test_tsc_rate),
		cmocka_unit_test(test_moves),
		cmocka_unit_test(test_page_written_anew),
		cmocka_unit_test(test_tsc_of_second_vm),
		cmocka_unit_test(test_first_entry),
		cmocka_unit_test(test_arm_before_entry),
		cmocka_unit_test(test_mismatch_seen),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
