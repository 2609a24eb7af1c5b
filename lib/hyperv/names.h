/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: hyperv. Names and bit layouts of what the events carry: MSRs, hypercalls, status codes,
 * exit reasons, timer and SINT configurations. The one table for the library, the command line and
 * the libtraceevent plugin, so it needs nothing but libc, prints nothing, keeps no state and writes
 * only into the caller's buffer.
 *
 * Facts: the Hypervisor Top-Level Functional Specification (TLFS); Linux
 * include/hyperv/hvgdk_mini.h (before 6.14 arch/x86/include/asm/hyperv-tlfs.h),
 * arch/x86/kvm/hyperv.{c,h}, uapi/asm/{vmx,svm}.h, asm/{msr-index,kvm_para,pvclock-abi,apicdef}.h;
 * exit reasons as in the print format of kvm_exit in 6.18.
 *
 * Functions named *_name return static strings, NULL for an unknown value. Functions named *_text
 * write a NUL-terminated, possibly truncated text (never with a ']' in it) and return its length.
 */
#ifndef HVST_HYPERV_NAMES_H
#define HVST_HYPERV_NAMES_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../base/array.h"

enum hvst_msr_number {
	HVST_MSR_IA32_TSC = 0x10,
	HVST_MSR_KVM_WALL_CLOCK = 0x11,
	HVST_MSR_KVM_SYSTEM_TIME = 0x12,
	HVST_MSR_IA32_TSC_ADJUST = 0x3b,
	HVST_MSR_IA32_TSC_DEADLINE = 0x6e0,
	HVST_MSR_KVM_WALL_CLOCK_NEW = 0x4b564d00,
	HVST_MSR_KVM_SYSTEM_TIME_NEW = 0x4b564d01,

	HVST_MSR_HV_FIRST = 0x40000000, /* the range that the TLFS reserves */
	HVST_MSR_HV_LAST = 0x40001fff,
	HVST_MSR_GUEST_OS_ID = 0x40000000,
	HVST_MSR_HYPERCALL = 0x40000001,
	HVST_MSR_VP_INDEX = 0x40000002,
	HVST_MSR_RESET = 0x40000003,
	HVST_MSR_VP_RUNTIME = 0x40000010,
	HVST_MSR_TIME_REF_COUNT = 0x40000020,
	HVST_MSR_REFERENCE_TSC = 0x40000021,
	HVST_MSR_TSC_FREQUENCY = 0x40000022,
	HVST_MSR_APIC_FREQUENCY = 0x40000023,
	HVST_MSR_EOI = 0x40000070,
	HVST_MSR_ICR = 0x40000071,
	HVST_MSR_TPR = 0x40000072,
	HVST_MSR_VP_ASSIST_PAGE = 0x40000073,
	HVST_MSR_SCONTROL = 0x40000080,
	HVST_MSR_SVERSION = 0x40000081,
	HVST_MSR_SIEFP = 0x40000082,
	HVST_MSR_SIMP = 0x40000083,
	HVST_MSR_EOM = 0x40000084,
	HVST_MSR_SINT0 = 0x40000090,
	HVST_MSR_SINT15 = 0x4000009f,
	HVST_MSR_STIMER0_CONFIG = 0x400000b0,
	HVST_MSR_STIMER0_COUNT = 0x400000b1,
	HVST_MSR_STIMER3_COUNT = 0x400000b7,
	HVST_MSR_GUEST_IDLE = 0x400000f0,
	HVST_MSR_SYNDBG_CONTROL = 0x400000f1,
	HVST_MSR_SYNDBG_STATUS = 0x400000f2,
	HVST_MSR_SYNDBG_SEND_BUFFER = 0x400000f3,
	HVST_MSR_SYNDBG_RECV_BUFFER = 0x400000f4,
	HVST_MSR_SYNDBG_PENDING_BUFFER = 0x400000f5,
	HVST_MSR_SYNDBG_OPTIONS = 0x400000ff,
	HVST_MSR_CRASH_P0 = 0x40000100,
	HVST_MSR_CRASH_CTL = 0x40000105,
	HVST_MSR_REENLIGHTENMENT_CONTROL = 0x40000106,
	HVST_MSR_TSC_EMULATION_CONTROL = 0x40000107,
	HVST_MSR_TSC_EMULATION_STATUS = 0x40000108,
	HVST_MSR_STIME_UNHALTED_TIMER_CONFIG = 0x40000114,
	HVST_MSR_STIME_UNHALTED_TIMER_COUNT = 0x40000115,
	HVST_MSR_TSC_INVARIANT_CONTROL = 0x40000118,
	HVST_MSR_NESTED_OFFSET = 0x1000, /* nested SynIC MSR = SynIC MSR + this */
};

/* HV_X64_MSR_STIMERn_CONFIG */
#define HVST_STIMER_ENABLE	(1ULL << 0)
#define HVST_STIMER_PERIODIC	(1ULL << 1)
#define HVST_STIMER_LAZY	(1ULL << 2)
#define HVST_STIMER_AUTO_ENABLE (1ULL << 3)
#define HVST_STIMER_DIRECT	(1ULL << 12)
#define HVST_STIMER_RESERVED	(~0xf1fffULL)
#define HVST_STIMERS		4 /* timers of a vCPU */

/* HV_X64_MSR_SINTx */
#define HVST_SINT_MASKED   (1ULL << 16)
#define HVST_SINT_AUTO_EOI (1ULL << 17)
#define HVST_SINT_POLLING  (1ULL << 18)

/*
 * Bit 0 of REFERENCE_TSC, HYPERCALL, VP_ASSIST_PAGE, SIEFP, SIMP (bits 12.. hold the page),
 * SCONTROL, TSC_EMULATION_CONTROL and the kvmclock MSRs; REENLIGHTENMENT_CONTROL has its own.
 */
#define HVST_MSR_ENABLE		    (1ULL << 0)
#define HVST_REENLIGHTENMENT_ENABLE (1ULL << 16)

/* Flags of the TLB flush hypercalls. */
#define HVST_FLUSH_ALL_PROCESSORS (1ULL << 0)

enum hvst_hypercall { HVST_CALL_RESTORE_PARTITION_TIME = 0x0103 };

/* The hypercall result value: status, and the repetitions done. */
#define HVST_HYPERCALL_STATUS(result)	 ((unsigned int)((result)&0xffff))
#define HVST_HYPERCALL_REPS_DONE(result) ((unsigned int)((result) >> 32 & 0xfff))

/* Statuses that ask the guest to try again. */
enum hvst_hypercall_status {
	HVST_STATUS_INSUFFICIENT_MEMORY = 0x0b,
	HVST_STATUS_INSUFFICIENT_BUFFERS = 0x13,
	HVST_STATUS_TIMEOUT = 0x78,
	HVST_STATUS_CALL_PENDING = 0x79,
};

enum hvst_isa { HVST_ISA_VMX = 1, HVST_ISA_SVM = 2 }; /* the isa field of kvm_exit */

/* How lengths of time are written. */
enum hvst_unit { HVST_UNIT_AUTO, HVST_UNIT_NS, HVST_UNIT_US, HVST_UNIT_MS, HVST_UNIT_REF };

/* What a guest exited for, as far as that tells of its time. */
enum hvst_exit_kind {
	HVST_EXIT_OTHER,
	HVST_EXIT_HALT,
	HVST_EXIT_INTERRUPT, /* one came, or it can take one now that was pending (a window) */
	HVST_EXIT_RDTSC,     /* it read the TSC, by RDTSC or RDTSCP */
};

/* Exit reasons: uapi/asm/vmx.h and svm.h; a VMX reason has flags above. */
static inline enum hvst_exit_kind hvst_vmx_exit_kind(uint32_t reason)
{
	switch (reason & 0xffff) {
	case 12:
		return HVST_EXIT_HALT;
	case 1:
	case 7:
		return HVST_EXIT_INTERRUPT;
	case 16:
	case 51:
		return HVST_EXIT_RDTSC;
	default:
		return HVST_EXIT_OTHER;
	}
}

static inline enum hvst_exit_kind hvst_svm_exit_kind(uint32_t reason)
{
	switch (reason) {
	case 0x78:
		return HVST_EXIT_HALT;
	case 0x60:
	case 0x64:
		return HVST_EXIT_INTERRUPT;
	case 0x6e:
	case 0x87:
		return HVST_EXIT_RDTSC;
	default:
		return HVST_EXIT_OTHER;
	}
}

static inline enum hvst_exit_kind hvst_exit_kind(uint32_t isa, uint32_t reason)
{
	return isa == HVST_ISA_VMX ? hvst_vmx_exit_kind(reason) : hvst_svm_exit_kind(reason);
}

static inline unsigned int hvst_stimer_vector(uint64_t config)
{
	return config >> 4 & 0xff;
}

static inline unsigned int hvst_stimer_sint(uint64_t config)
{
	return config >> 16 & 0xf;
}

static inline bool hvst_msr_is_stimer(uint32_t msr)
{
	return msr >= HVST_MSR_STIMER0_CONFIG && msr <= HVST_MSR_STIMER3_COUNT;
}

/*
 * For an MSR of hvst_msr_is_stimer(): which timer, and whether it is the count (else the config).
 */
static inline unsigned int hvst_msr_stimer_index(uint32_t msr)
{
	return (msr - HVST_MSR_STIMER0_CONFIG) / 2;
}

static inline bool hvst_msr_is_stimer_count(uint32_t msr)
{
	return hvst_msr_is_stimer(msr) && msr & 1;
}

static inline bool hvst_msr_is_hyperv(uint32_t msr)
{
	return msr >= HVST_MSR_HV_FIRST && msr <= HVST_MSR_HV_LAST;
}

/* 100 * (a - b) in ns for reference times @a, @b: signed, saturated instead of overflowing. */
static inline int64_t hvst_ref_diff_ns(uint64_t a, uint64_t b)
{
	__int128 d = ((__int128)a - (__int128)b) * 100;

	if (d > INT64_MAX)
		return INT64_MAX;
	return d < INT64_MIN ? INT64_MIN : (int64_t)d;
}

/** hvst_msr_name - "HV_REFERENCE_TSC", "HV_STIMER0_COUNT", "HV_NESTED_SIMP", "IA32_TSC" ... */
const char *hvst_msr_name(uint32_t msr);

/** hvst_hypercall_name - the TLFS's name of a call code: "HvCallPostMessage" */
const char *hvst_hypercall_name(uint32_t code);

/** hvst_hypercall_status_name - "HV_STATUS_INVALID_PARAMETER" of HVST_HYPERCALL_STATUS(result) */
const char *hvst_hypercall_status_name(uint32_t status);

/** hvst_exit_reason_name - the kernel's word for an exit reason; @isa: enum hvst_isa */
const char *hvst_exit_reason_name(unsigned int isa, uint32_t reason);

/** hvst_apic_reg_name - a LAPIC register, numbered as in kvm_apic (offset / 16): "TMICT" */
const char *hvst_apic_reg_name(uint32_t reg);

/** hvst_clock_mode_name - host_clock of the master-clock events: "none", "tsc", "hvclock" ... */
const char *hvst_clock_mode_name(uint32_t mode);

/** hvst_stimer_config_text - "enabled one-shot auto-enable direct vector 0xd1", "cleared" */
size_t hvst_stimer_config_text(char *buf, size_t len, uint64_t config);

/** hvst_sint_text - "vector 0x30 auto-EOI", "vector 0x30 masked" */
size_t hvst_sint_text(char *buf, size_t len, uint64_t sint);

/** hvst_send_result_text - what direct and msg_send_result of an expiration mean; static */
const char *hvst_send_result_text(int direct, int result);

/**
 * hvst_msr_value_text - an MSR's value in words: "enable, page 0x7ffe1"; "" when none are known
 *
 * Lengths of time in it are in @unit.
 */
size_t hvst_msr_value_text(char *buf, size_t len, uint32_t msr, uint64_t value,
			   enum hvst_unit unit);

/** hvst_guest_os_text - a GUEST_OS_ID: "Linux 6.12.0", "Windows NT 10.0 build 26100" */
size_t hvst_guest_os_text(char *buf, size_t len, uint64_t id);

/** hvst_mask_text - the set bits of @mask, @base added: "0-3,5"; "none"; at most 8 ranges */
size_t hvst_mask_text(char *buf, size_t len, uint64_t mask, unsigned int base);

/** hvst_flush_flags_text - of a TLB flush hypercall: "all processors, non-global only", or "" */
size_t hvst_flush_flags_text(char *buf, size_t len, uint64_t flags);

/**
 * hvst_duration_text_in - a length of time: "3.306739 s", "-9.779 ms", "12.3 us", "800 ns", "0 ns"
 * @unit: the unit, HVST_UNIT_AUTO by the length (ref: 100 ns)
 * @plus: "+" if above 0
 */
size_t hvst_duration_text_in(char *buf, size_t len, int64_t ns, enum hvst_unit unit, bool plus);

#endif
