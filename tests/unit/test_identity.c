// SPDX-License-Identifier: GPL-2.0
/*
 * lib/kvm: which VM a thread, a task and an event belong to, where thread ids are used again and
 * where VMMs restore what they created.
 */
#include "../../lib/identity.h"
#include "events.h"

static struct host old_host, new_host;
static const struct who old0 = { &old_host, 701, 0, 0 }, new0 = { &new_host, 701, 0, 0 };
static const struct who task = { NULL, 700, 0, 1 };

static void hosts_reset(void)
{
	old_host = (struct host){ .o = -SEC(990) };
	new_host = (struct host){ .o = -SEC(1001) };
}

static unsigned int steps(const struct hvst_result *r)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < r->nr_reference; i++)
		n += r->reference[i]->step_ns != HVST_UNKNOWN && r->reference[i]->step_ns != 0;
	return n;
}

static void lives(struct recording *f, const struct who *w)
{
	guest_setup(f, w, 0);
	guest_ticks(f, w, 40, MS(2));
}

/* The VMM creates one VM after the other, each with the same thread id; @more: of the first one. */
static void one_after_the_other(struct recording *f, const struct who *more)
{
	hosts_reset();
	recording_begin(f, 0);
	ev_tsc_offset(f, &task, 0, 0x1000);
	lives(f, &old0);
	if (more)
		lives(f, more);
	f->now = SEC(1002);
	ev_tsc_offset(f, &task, 0, 0x2000);
	lives(f, &new0);
	recording_end(f);
}

static void test_task_creates_again(void **state)
{
	struct recording f;

	(void)state;
	one_after_the_other(&f, NULL);
	assert_int_equal(f.r->nr_vms, 2);
	assert_int_equal(f.r->vms[0]->vcpus[0]->tid, 701);
	assert_int_equal(f.r->vms[1]->vcpus[0]->tid, 701);
	assert_true(llabs(f.r->vms[0]->epoch_ns - SEC(990)) < MS(1));
	assert_true(llabs(f.r->vms[1]->epoch_ns - SEC(1001)) < MS(1));
	/* Each VM's timer, and the sum of what ran under that thread id. */
	assert_int_equal(f.r->nr_timers, 3);
	assert_int_equal(f.r->timers[0]->arms, 40);
	assert_int_equal(f.r->timers[1]->arms, 40);
	assert_int_equal(f.r->timers[2]->vm, -1);
	assert_int_equal(f.r->timers[2]->arms, 80);
	assert_int_equal(steps(f.r), 0);
	recording_free(&f);
}

/* The vCPU's own thread creates it, as QEMU's do; its VM's beginning is before the recording. */
static void test_thread_creates_again(void **state)
{
	struct recording f;

	(void)state;
	hosts_reset();
	recording_begin(&f, 0);
	lives(&f, &old0);
	f.now = SEC(1002);
	ev_tsc_offset(&f, &new0, 0, 0x2000);
	lives(&f, &new0);
	recording_end(&f);
	assert_int_equal(f.r->nr_vms, 2);
	assert_int_equal(steps(f.r), 0);
	recording_free(&f);
}

/* An offset of 0 that the VMM had written, and the move of a TSC, are no new VM. */
static void test_offset_moved(void **state)
{
	struct recording f;

	(void)state;
	hosts_reset();
	recording_begin(&f, 0);
	ev_tsc_offset(&f, &old0, 0, 0x1000);
	lives(&f, &old0);
	ev_tsc_offset(&f, &old0, 0x1000, 0);
	lives(&f, &old0);
	ev_tsc_offset(&f, &old0, 0, 0x3000);
	lives(&f, &old0);
	recording_end(&f);
	assert_int_equal(f.r->nr_vms, 1);
	assert_int_equal(f.r->timers[0]->arms, 120);
	recording_free(&f);
}

/* Another VMM's task below this VM's threads creates a VM: this one goes on. */
static void test_other_task(void **state)
{
	static const struct who other = { NULL, 699, 0, 1 };
	struct recording f;

	(void)state;
	hosts_reset();
	recording_begin(&f, 0);
	ev_tsc_offset(&f, &task, 0, 0x1000);
	lives(&f, &old0);
	ev_tsc_offset(&f, &other, 0, 0x2000);
	lives(&f, &old0);
	recording_end(&f);
	assert_int_equal(f.r->nr_vms, 1);
	assert_int_equal(f.r->timers[0]->arms, 80);
	recording_free(&f);
}

/* What the VMM writes before the new VM's thread runs is that VM's. */
static void test_written_before_it_runs(void **state)
{
	struct recording f;
	uint64_t count;

	(void)state;
	hosts_reset();
	recording_begin(&f, 0);
	ev_tsc_offset(&f, &task, 0, 0x1000);
	lives(&f, &old0);
	f.now = SEC(1002);
	ev_tsc_offset(&f, &task, 0, 0x2000);
	count = ref_now(&f, &new_host) + 50000;
	ev_set_config(&f, &task, 0, CONFIG_DIRECT | CONFIG_AUTO | CONFIG_ENABLE, true);
	ev_set_count(&f, &task, 0, count, true);
	ev_start(&f, &new0, HVST_EV_STIMER_START_ONE_SHOT, 0, ref_now(&f, &new_host), count);
	recording_end(&f);
	assert_int_equal(f.nr_arms, 41);
	assert_int_equal(f.arms[40].flags, HVST_ARM_HOST);
	recording_free(&f);
}

/* The same where its thread was not known at all: on a stock kernel the arm shows as past due. */
static void test_written_to_come(void **state)
{
	static const struct who other = { &old_host, 600, 0, 3 };
	struct recording f;

	(void)state;
	hosts_reset();
	recording_begin(&f, 0);
	lives(&f, &other);
	f.now = SEC(1002);
	ev_tsc_offset(&f, &task, 0, 0x2000);
	for (int k = 0; k < 2; k++) {
		const struct who w = { NULL, 700, k, 1 };

		ev_set_config(&f, &w, 0, CONFIG_DIRECT | CONFIG_AUTO | CONFIG_ENABLE, true);
		ev_set_count(&f, &w, 0, 10, true);
	}
	ev_expiration(&f, &new0, 0, true, 0);
	recording_end(&f);
	assert_int_equal(timer_find(&f, 701, 0)->past_due_inferred, 1);
	assert_int_equal(f.nr_arms, 41);
	assert_int_equal(f.arms[40].flags & HVST_ARM_HOST, HVST_ARM_HOST);
	recording_free(&f);
}

static enum hvst_answer fallback_of(bool restored, bool moved)
{
	struct recording f;
	enum hvst_answer a;

	hosts_reset();
	recording_begin(&f, 0);
	ev_tsc_offset(&f, &task, 0, 0x1000);
	if (moved)
		ev_tsc_offset(&f, &task, 0x1000, 0x900);
	if (restored)
		ev_set_count(&f, &task, 0, 12345, true);
	lives(&f, &old0);
	guest_lags(&f, &old0, 10, MS(1));
	recording_end(&f);
	a = verdict_of(&f, HVST_Q_HOST_KVMCLOCK_FALLBACK)->answer;
	recording_free(&f);
	return a;
}

/*
 * The page of a VM that was created and nothing else is off; that of a restored one is not known.
 */
static void test_restored_page(void **state)
{
	(void)state;
	assert_int_equal(fallback_of(false, false), HVST_YES);
	assert_int_equal(fallback_of(true, false), HVST_CANNOT_TELL);
	assert_int_equal(fallback_of(false, true), HVST_CANNOT_TELL);
}

static enum hvst_answer unsure_of(int other_tid)
{
	const struct who b0 = { &new_host, other_tid, 0, 1 }, a1 = { &old_host, 704, 1, 2 };
	struct recording f;
	enum hvst_answer a = HVST_NO;

	hosts_reset();
	recording_begin(&f, 0);
	ev_msr(&f, &old0, true, MSR_PAGE, 0x5001);
	ev_msr(&f, &b0, true, MSR_PAGE, 0x5001);
	lives(&f, &old0);
	lives(&f, &a1);
	lives(&f, &b0);
	ev_master(&f, 700, 3, false);
	guest_lags(&f, &old0, 10, MS(1));
	recording_end(&f);
	assert_int_equal(f.r->nr_vms, 2);
	for (unsigned int i = 0; i < f.r->nr_vms; i++)
		if (f.r->vms[i]->vcpus[0]->tid == 701)
			a = verdict_of(&f, HVST_Q_HOST_KVMCLOCK_FALLBACK)->by_vm[i]->answer;
	recording_free(&f);
	return a;
}

/* A task loses the master clock: whose, is known only where the VMs' threads do not alternate. */
static void test_alternating_tasks(void **state)
{
	(void)state;
	assert_int_equal(unsure_of(710), HVST_YES);
	assert_int_equal(unsure_of(703), HVST_CANNOT_TELL);
}

/* Two VMs that began 80 us apart, with exact clocks, are two; one VM's threads are one. */
static void test_epochs_apart(void **state)
{
	static struct host near_host;
	const struct who b0 = { &near_host, 705, 0, 1 }, b1 = { &near_host, 706, 1, 1 };
	const struct who a1 = { &old_host, 702, 1, 2 };
	struct recording f;

	(void)state;
	hosts_reset();
	near_host = (struct host){ .o = old_host.o - US(80) };
	recording_begin(&f, 0);
	for (unsigned int i = 0; i < 100; i++) {
		guest_ticks(&f, &old0, 1, MS(2));
		guest_ticks(&f, &b1, 1, MS(2));
		guest_ticks(&f, &a1, 1, MS(2));
		guest_ticks(&f, &b0, 1, MS(2));
	}
	recording_end(&f);
	assert_int_equal(f.r->nr_vms, 2);
	assert_int_equal(f.r->vms[0]->nr_vcpus, 2);
	assert_int_equal(f.r->vms[0]->vcpus[0]->tid, 701);
	assert_int_equal(f.r->vms[0]->vcpus[1]->tid, 702);
	recording_free(&f);
}

static void assert_who(const struct identity *who, int vm, int vcpu, int thread)
{
	assert_non_null(who);
	assert_int_equal(who->vm, vm);
	assert_int_equal(who->vcpu, vcpu);
	assert_int_equal(who->thread, thread);
}

/* What is kept of a run: which of the threads with an id was there at a time. */
static void test_kept(void **state)
{
	const struct who old1 = { &old_host, 702, 1, 2 };
	struct identities ids = { 0 };
	struct recording f;

	(void)state;
	one_after_the_other(&f, &old1);
	assert_int_equal(hvst_identities_take(&ids, f.kvm), 0);
	const struct hvst_vcpu_info *before = f.r->vms[0]->vcpus[0], *after = f.r->vms[1]->vcpus[0];

	assert_int_equal(before->tid, after->tid);
	assert_int_not_equal(before->thread, after->thread);
	assert_who(hvst_identity_at(&ids, 701, INT64_MIN), 0, 0, before->thread);
	assert_who(hvst_identity_at(&ids, 701, before->first_ns), 0, 0, before->thread);
	assert_who(hvst_identity_at(&ids, 701, after->first_ns - 1), 0, 0, before->thread);
	assert_who(hvst_identity_at(&ids, 701, after->first_ns), 1, 0, after->thread);
	assert_who(hvst_identity_at(&ids, 701, INT64_MAX), 1, 0, after->thread);
	assert_null(hvst_identity_only(&ids, 701));
	assert_who(hvst_identity_only(&ids, 702), 0, 1, f.r->vms[0]->vcpus[1]->thread);
	assert_null(hvst_identity_at(&ids, 703, SEC(1001)));
	assert_null(hvst_identity_only(&ids, -1));
	assert_int_equal(hvst_identities_vm_with(&ids, 0), -1); /* both have one */
	assert_int_equal(hvst_identities_vm_with(&ids, 1), 0);
	assert_int_equal(hvst_identities_vm_with(&ids, 2), -1);
	hvst_identities_free(&ids);
	assert_null(hvst_identity_at(&ids, 701, 0));
	assert_null(hvst_identity_only(&ids, 701));
	assert_int_equal(hvst_identities_vm_with(&ids, 1), -1);
	recording_free(&f);
}

/* Two VMs appear at the same time: their numbers follow their thread ids, whoever is first. */
static void test_at_the_same_time(void **state)
{
	const struct who a = { &old_host, 701, 0, 0 }, b = { &new_host, 801, 0, 1 };
	struct recording f;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		hosts_reset();
		recording_begin(&f, 0);
		ev_entry(&f, i ? &b : &a);
		f.now -= US(1);
		ev_entry(&f, i ? &a : &b);
		lives(&f, &b);
		lives(&f, &a);
		recording_end(&f);
		assert_int_equal(f.r->nr_vms, 2);
		assert_int_equal(f.r->vms[0]->vcpus[0]->tid, 701);
		assert_int_equal(f.r->vms[0]->vcpus[0]->first_ns, f.r->vms[1]->vcpus[0]->first_ns);
		recording_free(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_task_creates_again),
		cmocka_unit_test(test_thread_creates_again),
		cmocka_unit_test(test_offset_moved),
		cmocka_unit_test(test_other_task),
		cmocka_unit_test(test_written_before_it_runs),
		cmocka_unit_test(test_written_to_come),
		cmocka_unit_test(test_restored_page),
		cmocka_unit_test(test_alternating_tasks),
		cmocka_unit_test(test_epochs_apart),
		cmocka_unit_test(test_kept),
		cmocka_unit_test(test_at_the_same_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
