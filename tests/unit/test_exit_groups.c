// SPDX-License-Identifier: GPL-2.0
/*
 * lib/stream/exit_groups: which events of an exit are merged together, and which keep their place.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../lib/hyperv/names.h"
#include "../../lib/stream/exit_groups.h"

static struct hvst_event events[16];
static int64_t times[16];
static size_t nr;
static int64_t strict_until;

static int setup(void **state)
{
	(void)state;
	memset(events, 0, sizeof(events));
	nr = 0;
	return 0;
}

static struct hvst_event *add(unsigned int id, int64_t ts_ns)
{
	struct hvst_event *ev = &events[nr];

	ev->id = (uint8_t)id;
	ev->ts_ns = times[nr++] = ts_ns;
	ev->pid = 100;
	if (id == HVST_EV_STIMER_SET_COUNT)
		ev->set_count.count = 20000;
	return ev;
}

static void timer_msr(int64_t ts_ns)
{
	struct hvst_event *ev = add(HVST_EV_MSR, ts_ns);

	ev->msr.write = true;
	ev->msr.ecx = HVST_MSR_STIMER0_CONFIG + 1;
}

/* The merge times are @ns. */
static void merged_at(const int64_t *ns, size_t n)
{
	strict_until = hvst_exit_groups(events, times, nr);
	assert_int_equal(nr, n);
	for (size_t i = 0; i < n; i++) {
		assert_int_equal(times[i], ns[i]);
		assert_true(!i || times[i] >= times[i - 1]);
	}
}

#define MERGED_AT(...)                                                                             \
	merged_at((const int64_t[]){ __VA_ARGS__ },                                                \
		  sizeof((const int64_t[]){ __VA_ARGS__ }) / sizeof(int64_t))

static void test_past_due(void **state)
{
	(void)state;
	add(HVST_EV_EXIT, 1000);
	add(HVST_EV_STIMER_SET_COUNT, 1300);
	timer_msr(1500);
	add(HVST_EV_STIMER_START_EXPIRED, 1800);
	add(HVST_EV_STIMER_EXPIRATION, 2000);
	add(HVST_EV_ENTRY, 2100);
	add(HVST_EV_EXIT, 2500);
	MERGED_AT(1800, 1800, 1800, 1800, 2000, 2000, 2500);
	assert_int_equal(strict_until, INT64_MIN);
}

/* An entry and the exit after it are not of one exit: the guest ran in between. */
static void test_guest_ran(void **state)
{
	(void)state;
	add(HVST_EV_STIMER_START_ONE_SHOT, 1000);
	add(HVST_EV_ENTRY, 1100);
	add(HVST_EV_EXIT, 1200);
	MERGED_AT(1000, 1100, 1200);
}

/* A read of the clock concerns the VM. */
static void test_rdtsc(void **state)
{
	struct hvst_event *ev;

	(void)state;
	ev = add(HVST_EV_EXIT, 1000);
	ev->exit.isa = HVST_ISA_VMX;
	ev->exit.exit_reason = 16;
	add(HVST_EV_ENTRY, 1100);
	MERGED_AT(1000, 1100);
	assert_int_equal(strict_until, INT64_MIN);
	ev->exit.exit_reason = 32;
	MERGED_AT(1100, 1100);
}

/* In more time than that the thread may have been on another CPU. */
static void test_too_late(void **state)
{
	(void)state;
	add(HVST_EV_EXIT, 1000);
	add(HVST_EV_STIMER_SET_COUNT, 1000 + HVST_EXIT_STEP_NS);
	add(HVST_EV_STIMER_EXPIRATION, 1001 + 2 * HVST_EXIT_STEP_NS);
	add(HVST_EV_ENTRY, 1002 + 3 * HVST_EXIT_STEP_NS);
	MERGED_AT(1000 + HVST_EXIT_STEP_NS, 1000 + HVST_EXIT_STEP_NS, 1001 + 2 * HVST_EXIT_STEP_NS,
		  1002 + 3 * HVST_EXIT_STEP_NS);
}

static void test_other_thread(void **state)
{
	(void)state;
	add(HVST_EV_EXIT, 1000);
	add(HVST_EV_STIMER_EXPIRATION, 1100)->pid = 101;
	add(HVST_EV_ENTRY, 1200);
	MERGED_AT(1000, 1100, 1200);
}

/* Readings of the clock, and what the VMM writes, concern the VM. */
static void test_of_the_vm(void **state)
{
	(void)state;
	add(HVST_EV_MSR, 1000)->msr.ecx = HVST_MSR_TIME_REF_COUNT;
	add(HVST_EV_STIMER_SET_COUNT, 1100)->set_count.host = true;
	add(HVST_EV_STIMER_SET_CONFIG, 1200)->set_config.host = true;
	add(HVST_EV_STIMER_CALLBACK, 1300);
	add(HVST_EV_LOST, 1400);
	add(HVST_EV_STIMER_START_ONE_SHOT, 1500);
	MERGED_AT(1000, 1100, 1200, 1300, 1400, 1500);
	assert_int_equal(strict_until, 1400);
}

/* A timer that the guest clears is a step of its resume: it keeps its place. */
static void test_cleared(void **state)
{
	(void)state;
	add(HVST_EV_EXIT, 1000);
	add(HVST_EV_STIMER_SET_COUNT, 1200)->set_count.count = 0;
	timer_msr(1400);
	add(HVST_EV_ENTRY, 1500);
	MERGED_AT(1200, 1200, 1500, 1500);
	assert_int_equal(strict_until, INT64_MIN);
}

/* Events before which no stream may form groups: the last one counts. */
static void test_concerns_others(void **state)
{
	static const uint32_t written[] = { HVST_MSR_GUEST_OS_ID,
					    HVST_MSR_REFERENCE_TSC,
					    HVST_MSR_REENLIGHTENMENT_CONTROL,
					    HVST_MSR_TSC_EMULATION_CONTROL,
					    HVST_MSR_IA32_TSC,
					    HVST_MSR_IA32_TSC_ADJUST };
	static const unsigned int ids[] = { HVST_EV_LOST, HVST_EV_WRITE_TSC_OFFSET,
					    HVST_EV_UPDATE_MASTER_CLOCK };

	for (size_t i = 0; i < sizeof(written) / sizeof(*written); i++) {
		struct hvst_event *ev;

		setup(state);
		ev = add(HVST_EV_MSR, 1000);
		ev->msr.ecx = written[i];
		add(HVST_EV_ENTRY, 1100);
		MERGED_AT(1000, 1100);
		assert_int_equal(strict_until, INT64_MIN);
		ev->msr.write = true;
		MERGED_AT(1000, 1100);
		assert_int_equal(strict_until, 1000);
	}
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		setup(state);
		add(ids[i], 1000);
		add(HVST_EV_ENTRY, 1100);
		add(ids[i], 1200);
		MERGED_AT(1000, 1100, 1200);
		assert_int_equal(strict_until, 1200);
	}
	setup(state);
	timer_msr(1000);
	events[0].msr.exception = true;
	add(HVST_EV_HYPERCALL, 1100)->hypercall.code = 2;
	MERGED_AT(1000, 1100);
	assert_int_equal(strict_until, 1000);
	events[1].hypercall.code = HVST_CALL_RESTORE_PARTITION_TIME;
	MERGED_AT(1000, 1100);
	assert_int_equal(strict_until, 1100);
}

/* The next chunk is not known: the last event keeps its place. */
static void test_end(void **state)
{
	(void)state;
	add(HVST_EV_EXIT, 1000);
	add(HVST_EV_STIMER_SET_CONFIG, 1100);
	MERGED_AT(1100, 1100);
	hvst_exit_groups(events, times, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_past_due, setup),
		cmocka_unit_test_setup(test_guest_ran, setup),
		cmocka_unit_test_setup(test_rdtsc, setup),
		cmocka_unit_test_setup(test_too_late, setup),
		cmocka_unit_test_setup(test_other_thread, setup),
		cmocka_unit_test_setup(test_of_the_vm, setup),
		cmocka_unit_test_setup(test_cleared, setup),
		cmocka_unit_test_setup(test_concerns_others, setup),
		cmocka_unit_test_setup(test_end, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
