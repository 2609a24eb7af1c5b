/* SPDX-License-Identifier: GPL-2.0 */
/* lib/hyperv/names.c: numbers against the specification, texts, no text overflows its buffer. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../lib/hyperv/names.h"

struct known {
	uint32_t code;
	const char *name;
};

static void check_known(const char *(*name)(uint32_t), const struct known *k, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (k[i].name)
			assert_string_equal(name(k[i].code), k[i].name);
		else
			assert_null(name(k[i].code));
	}
}

#define CHECK_KNOWN(name, k) check_known(name, k, sizeof(k) / sizeof((k)[0]))

/* An entry out of order would not be found: all are there when their number is right. */
static unsigned int count_names(const char *(*name)(uint32_t), uint32_t first, uint32_t last)
{
	unsigned int n = 0;

	for (uint32_t code = first; code < last; code++)
		n += name(code) != NULL;
	return n;
}

static void test_msrs(void **state)
{
	static const struct known k[] = {
		{ 0x10, "IA32_TSC" },
		{ 0x3b, "IA32_TSC_ADJUST" },
		{ 0x6e0, "IA32_TSC_DEADLINE" },
		{ 0x11, "KVM_WALL_CLOCK" },
		{ 0x12, "KVM_SYSTEM_TIME" },
		{ 0x4b564d01, "KVM_SYSTEM_TIME_NEW" },
		{ 0x40000000, "HV_GUEST_OS_ID" },
		{ 0x40000020, "HV_TIME_REF_COUNT" },
		{ 0x40000021, "HV_REFERENCE_TSC" },
		{ 0x40000084, "HV_EOM" },
		{ 0x40000090, "HV_SINT0" },
		{ 0x4000009f, "HV_SINT15" },
		{ 0x400000b0, "HV_STIMER0_CONFIG" },
		{ 0x400000b7, "HV_STIMER3_COUNT" },
		{ 0x400000f5, "HV_SYNDBG_PENDING_BUFFER" },
		{ 0x40000105, "HV_CRASH_CTL" },
		{ 0x40000114, "HV_STIME_UNHALTED_TIMER_CONFIG" },
		{ 0x40000115, "HV_STIME_UNHALTED_TIMER_COUNT" },
		{ 0x40000106, "HV_REENLIGHTENMENT_CONTROL" },
		{ 0x40000107, "HV_TSC_EMULATION_CONTROL" },
		{ 0x40000108, "HV_TSC_EMULATION_STATUS" },
		{ 0x40000118, "HV_TSC_INVARIANT_CONTROL" },
		{ 0x40001083, "HV_NESTED_SIMP" },
		{ 0x4000109f, "HV_NESTED_SINT15" },
		{ 0x400000a0, NULL },
		{ 0xc0000080, NULL },
		{ 0, NULL },
		{ 0xffffffff, NULL },
	};

	(void)state;
	CHECK_KNOWN(hvst_msr_name, k);
	assert_int_equal(count_names(hvst_msr_name, 0, 0x1000), 5);
	assert_int_equal(count_names(hvst_msr_name, 0x40000000, 0x40001000), 73);
	assert_int_equal(count_names(hvst_msr_name, 0x40001000, 0x40002000), 23);
	assert_int_equal(count_names(hvst_msr_name, 0x4b564d00, 0x4b564dff), 2);
}

static void test_msr_predicates(void **state)
{
	(void)state;
	assert_true(hvst_msr_is_stimer(0x400000b0));
	assert_true(hvst_msr_is_stimer(0x400000b7));
	assert_false(hvst_msr_is_stimer(0x400000af));
	assert_false(hvst_msr_is_stimer(0x400000b8));
	assert_int_equal(hvst_msr_stimer_index(0x400000b5), 2);
	assert_true(hvst_msr_is_stimer_count(0x400000b5));
	assert_false(hvst_msr_is_stimer_count(0x400000b4));
	assert_true(hvst_msr_is_hyperv(0x40001080));
	assert_false(hvst_msr_is_hyperv(0x4b564d00));
}

static const char *vmx_name(uint32_t reason)
{
	return hvst_exit_reason_name(HVST_ISA_VMX, reason);
}

static const char *svm_name(uint32_t reason)
{
	return hvst_exit_reason_name(HVST_ISA_SVM, reason);
}

static void test_exits(void **state)
{
	static const struct known vmx[] = {
		{ 1, "EXTERNAL_INTERRUPT" },
		{ 12, "HLT" },
		{ 16, "RDTSC" },
		{ 32, "MSR_WRITE" },
		{ 52, "PREEMPTION_TIMER" },
		{ 0x80000021, "INVALID_STATE" },
		{ 85, "MSR_WRITE_IMM" },
		{ 5, NULL },
	};
	static const struct known svm[] = {
		{ 0x60, "interrupt" },
		{ 0x78, "hlt" },
		{ 0x7c, "msr" },
		{ 0x6e, "rdtsc" },
		{ 0x4e, "PF excp" },
		{ 0x400, "npf" },
		{ 0x8000fffd, "vmgexit_hypervisor_feature" },
		{ 0xffffffff, "invalid_guest_state" },
		{ 0x49, NULL },
	};

	(void)state;
	CHECK_KNOWN(vmx_name, vmx);
	CHECK_KNOWN(svm_name, svm);
	assert_int_equal(count_names(vmx_name, 0, 0x10000), 65);
	assert_int_equal(count_names(svm_name, 0, 0x10000), 99);
	assert_int_equal(count_names(svm_name, 0x80000000, 0x80010000), 10);
	assert_null(hvst_exit_reason_name(0, 1));
	assert_null(hvst_exit_reason_name(3, 1));
}

static void test_hypercalls(void **state)
{
	static const struct known calls[] = {
		{ 0x0103, "HvCallRestorePartitionTime" },
		{ 0x2, "HvCallFlushVirtualAddressSpace" },
		{ 0x8, "HvCallNotifyLongSpinWait" },
		{ 0xb, "HvCallSendSyntheticClusterIpi" },
		{ 0x15, "HvCallSendSyntheticClusterIpiEx" },
		{ 0x5c, "HvCallPostMessage" },
		{ 0x5d, "HvCallSignalEvent" },
		{ 0xb0, "HvCallFlushGuestPhysicalAddressList" },
		{ 0x8001, "HvExtCallQueryCapabilities" },
		{ 0x5, NULL },
		{ 0xffff, NULL },
	};
	static const struct known statuses[] = {
		{ 0, "HV_STATUS_SUCCESS" },
		{ 2, "HV_STATUS_INVALID_HYPERCALL_CODE" },
		{ 5, "HV_STATUS_INVALID_PARAMETER" },
		{ 6, "HV_STATUS_ACCESS_DENIED" },
		{ 18, "HV_STATUS_INVALID_CONNECTION_ID" },
		{ 120, "HV_STATUS_TIME_OUT" },
		{ 1, NULL },
	};

	(void)state;
	CHECK_KNOWN(hvst_hypercall_name, calls);
	CHECK_KNOWN(hvst_hypercall_status_name, statuses);
	assert_int_equal(count_names(hvst_hypercall_name, 0, 0x10000), 113);
	assert_int_equal(count_names(hvst_hypercall_status_name, 0, 0x10000), 58);
	assert_int_equal(HVST_HYPERCALL_STATUS(0x300000005ULL), 5);
	assert_int_equal(HVST_HYPERCALL_REPS_DONE(0xf00300000005ULL), 3);
}

static void test_small_tables(void **state)
{
	(void)state;
	assert_string_equal(hvst_apic_reg_name(0x38), "TMICT");
	assert_string_equal(hvst_apic_reg_name(0xb), "EOI");
	assert_int_equal(count_names(hvst_apic_reg_name, 0, 0x100), 28);
	assert_string_equal(hvst_clock_mode_name(1), "tsc");
	assert_null(hvst_clock_mode_name(4));
	assert_string_equal(hvst_send_result_text(1, 0), "direct, delivered");
	assert_string_equal(hvst_send_result_text(1, 1), "direct, refused by the LAPIC");
	assert_non_null(strstr(hvst_send_result_text(0, -EAGAIN), "busy"));
	assert_non_null(strstr(hvst_send_result_text(0, -ENOENT), "masked"));
	assert_string_equal(hvst_send_result_text(0, 77), "not sent");
}

static void check_text(size_t (*text)(char *, size_t, uint64_t), uint64_t value,
		       const char *expected)
{
	char buf[200];

	assert_int_equal(text(buf, sizeof(buf), value), strlen(expected));
	assert_string_equal(buf, expected);
}

static void test_config(void **state)
{
	(void)state;
	check_text(hvst_stimer_config_text, 0x1d18, "one-shot auto-enable direct vector 0xd1");
	check_text(hvst_stimer_config_text, 0x1d19,
		   "enabled one-shot auto-enable direct vector 0xd1");
	check_text(hvst_stimer_config_text, 0x20003, "enabled periodic SINT2");
	check_text(hvst_stimer_config_text, 0x30004, "disabled one-shot lazy SINT3");
	check_text(hvst_stimer_config_text, 1, "enabled one-shot no SINT");
	check_text(hvst_stimer_config_text, 0, "cleared");
	check_text(hvst_stimer_config_text, 0x10000000000e001,
		   "enabled one-shot no SINT reserved bits "
		   "0x10000000000e000");
	check_text(hvst_sint_text, 0x30, "vector 0x30");
	check_text(hvst_sint_text, 0x700f3, "vector 0xf3 masked auto-EOI polling");
}

static void check_value(uint32_t msr, uint64_t value, const char *expected)
{
	char buf[200];

	hvst_msr_value_text(buf, sizeof(buf), msr, value, HVST_UNIT_AUTO);
	assert_string_equal(buf, expected);
}

static void test_values(void **state)
{
	(void)state;
	check_value(HVST_MSR_REFERENCE_TSC, 0x7ffe1001, "enable, page 0x7ffe1");
	check_value(HVST_MSR_REFERENCE_TSC, 0x7ffe1000, "disable, page 0x7ffe1");
	check_value(HVST_MSR_REFERENCE_TSC, 0, "disable");
	check_value(0x40001083, 0x5001, "enable, page 0x5");
	check_value(HVST_MSR_SINT0 + 2, 0x20030, "vector 0x30 auto-EOI");
	check_value(0x40001092, 0x10030, "vector 0x30 masked");
	check_value(HVST_MSR_STIMER0_CONFIG, 0x1d18, "one-shot auto-enable direct vector 0xd1");
	check_value(HVST_MSR_STIMER3_COUNT, 30949446, "3.094944 s");
	check_value(HVST_MSR_TIME_REF_COUNT, 10000, "1.000 ms");
	check_value(HVST_MSR_REENLIGHTENMENT_CONTROL, 0x3000100ee, "enable, vector 0xee, VP 3");
	check_value(HVST_MSR_TSC_EMULATION_CONTROL, 1, "enable");
	check_value(HVST_MSR_TSC_FREQUENCY, 2596134000, "2596.134 MHz");
	check_value(HVST_MSR_IA32_TSC_ADJUST, -5ULL, "-5 cycles");
	check_value(HVST_MSR_SYNDBG_CONTROL, 0x400003, "send 64 bytes, receive");
	check_value(HVST_MSR_SYNDBG_STATUS, 0x100005, "sent, received 16 bytes");
	check_value(HVST_MSR_CRASH_CTL, 3ULL << 62, "crash notification, with a message");
	check_value(HVST_MSR_GUEST_OS_ID, 0x8100000606010000, "Linux 6.6.1");
	check_value(HVST_MSR_GUEST_OS_ID, 0x0001040a000065f4, "Windows NT 10.0 build 26100");
	check_value(HVST_MSR_EOM, 0, "");
}

static void test_masks(void **state)
{
	char buf[200];

	(void)state;
	hvst_mask_text(buf, sizeof(buf), 0x2f, 0);
	assert_string_equal(buf, "0-3,5");
	hvst_mask_text(buf, sizeof(buf), ~0ULL, 64);
	assert_string_equal(buf, "64-127");
	hvst_mask_text(buf, sizeof(buf), 0, 0);
	assert_string_equal(buf, "none");
	hvst_mask_text(buf, sizeof(buf), 0x5555555555555555, 0);
	assert_string_equal(buf, "0,2,4,6,8,10,12,14,...");
	check_text(hvst_flush_flags_text, 0x5, "all processors, non-global only");
	check_text(hvst_flush_flags_text, 0, "");
}

static void check_duration(int64_t ns, enum hvst_unit unit, bool plus, const char *expected)
{
	char buf[64];

	hvst_duration_text_in(buf, sizeof(buf), ns, unit, plus);
	assert_string_equal(buf, expected);
}

static void test_durations(void **state)
{
	(void)state;
	check_duration(3306739300, HVST_UNIT_AUTO, true, "+3.306739 s");
	check_duration(9779000, HVST_UNIT_AUTO, false, "9.779 ms");
	check_duration(12300, HVST_UNIT_AUTO, false, "12.3 us");
	check_duration(-800, HVST_UNIT_AUTO, true, "-800 ns");
	check_duration(0, HVST_UNIT_AUTO, true, "0 ns");
	check_duration(999999, HVST_UNIT_AUTO, false, "999.9 us");
	check_duration(1000000000, HVST_UNIT_AUTO, false, "1.000000 s");
	check_duration(INT64_MIN, HVST_UNIT_AUTO, false, "-9223372036.854775 s");
	check_duration(3306739300, HVST_UNIT_REF, true, "+33067393 ref");
	check_duration(1234, HVST_UNIT_REF, false, "12.34 ref");
	check_duration(3306739300, HVST_UNIT_MS, false, "3306.739 ms");
	check_duration(3306739300, HVST_UNIT_US, false, "3306739.3 us");
	check_duration(-3306739300, HVST_UNIT_NS, false, "-3306739300 ns");
	assert_int_equal(hvst_ref_diff_ns(64016839, 30949446), 3306739300);
	assert_true(hvst_ref_diff_ns(0, UINT64_MAX) == INT64_MIN);
	assert_true(hvst_ref_diff_ns(UINT64_MAX, 0) == INT64_MAX);
	assert_int_equal(hvst_ref_diff_ns(5, UINT64_MAX - 5 + 1) < 0, 1);
}

/* Each text into each shorter buffer: cut off, ended, nothing written beyond. */
static void test_short_buffers(void **state)
{
	char full[200], buf[201];

	(void)state;
	hvst_stimer_config_text(full, sizeof(full), 0x10000000000f00f);
	for (size_t len = 0; len <= strlen(full) + 1; len++) {
		size_t n;

		memset(buf, 'x', sizeof(buf));
		n = hvst_stimer_config_text(buf, len, 0x10000000000f00f);
		assert_int_equal(n, len ? len - 1 : 0);
		assert_memory_equal(buf, full, n);
		if (len)
			assert_int_equal(buf[n], 0);
		assert_int_equal(buf[len], 'x');
	}
	printf("# %zu lengths of buffer tried\n", strlen(full) + 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_msrs),	     cmocka_unit_test(test_msr_predicates),
		cmocka_unit_test(test_exits),	     cmocka_unit_test(test_hypercalls),
		cmocka_unit_test(test_small_tables), cmocka_unit_test(test_config),
		cmocka_unit_test(test_values),	     cmocka_unit_test(test_masks),
		cmocka_unit_test(test_durations),    cmocka_unit_test(test_short_buffers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
