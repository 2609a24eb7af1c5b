/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the VMM and the guest of stimer-storm share: where things lie in guest memory, and the block
 * of each vCPU, through which the VMM says what to do and the guest says what it did.
 */
#ifndef STORM_ABI_H
#define STORM_ABI_H

#include <stdint.h>

#define MAX_VCPUS  8
#define MAX_TIMERS 4 /* of a vCPU: TLFS, "Synthetic Timers" */

/* Guest physical addresses; the page tables map them to themselves. */
#define GPA_PML4      0x1000
#define GPA_PDPT      0x2000
#define GPA_PD	      0x3000
#define GPA_GDT	      0x4000
#define GPA_TSC_PAGE  0x5000
#define GPA_HYPERCALL 0x6000
#define GPA_SIMP(n)   (0x10000 + (n)*0x1000ULL)
#define GPA_VCPU(n)   (0x20000 + (n)*0x1000ULL)
#define GPA_STACK(n)  (0x40000 + ((n) + 1) * 0x4000ULL) /* its top */
#define GPA_IMAGE     0x100000
#define GUEST_MEMORY  0x200000

/* Ports by which the guest leaves to the VMM. */
#define PORT_PARKED 0x5a /* the phase is over */
#define PORT_FAULT  0x5b /* an exception that the guest does not expect; EAX: its address */

/* Interrupt vectors. A kick must come through while a timer's interrupts follow each other. */
#define VECTOR_TIMER(n) (0x40 + (n))
#define VECTOR_SINT	0x50
#define VECTOR_KICK	0xf0
#define SINT_STIMER	2

enum guest_clock {
	CLOCK_COUNTER,	  /* HV_X64_MSR_TIME_REF_COUNT */
	CLOCK_PAGE,	  /* the reference TSC page, the counter while its sequence is 0 */
	CLOCK_STALE_PAGE, /* a copy of the page that is not renewed */
	CLOCK_RAW_TSC,	  /* the TSC, calibrated once */
	NR_CLOCKS
};

enum guest_policy {
	NEXT_FROM_NOW,	  /* next = now + period */
	NEXT_FROM_TARGET, /* next = target + period: missed ticks are replayed */
	RETRY, /* the same target until the guest's clock has reached it, then now + period */
	FIXED, /* count = period, whatever the time */
	ONCE,  /* one tick, no other */
	NR_POLICIES
};

enum guest_op {
	OP_NONE,
	OP_PAGE_ON,
	OP_PAGE_OFF,
	OP_COPY_PAGE,	  /* for CLOCK_STALE_PAGE */
	OP_CALIBRATE_TSC, /* for CLOCK_RAW_TSC */
	OP_TSC_FROM_ZERO, /* for CLOCK_RAW_TSC: it began when the reference time did */
	OP_TIMERS_OFF,
	OP_WRMSR,     /* msr, value */
	OP_HYPERCALL, /* msr: the call code; the status goes to result */
	NR_OPS
};

struct guest_action {
	uint32_t op, msr;
	uint64_t value;
	uint64_t result;
	uint32_t all_vcpus; /* else only vCPU 0 does it */
	uint32_t faulted;   /* the MSR access ended in #GP */
};

struct guest_timer {
	uint32_t on, periodic, message, policy;
	uint32_t config_each; /* writes config before count at each arm */
	uint32_t keep_target; /* go on from the target of the phase before */
	uint64_t period;      /* 100 ns */
	/* what the guest did, set to 0 at the start of a phase */
	uint64_t arms, ticks, retries, past;
	int64_t behind; /* the most by which a target lay behind the guest's clock, 100 ns */
	/* kept from phase to phase */
	uint64_t target;
};

#define GUEST_ACTIONS 6

struct vcpu_block {
	uint64_t self; /* address of this block: GS points here */
	uint32_t index;
	uint32_t stop; /* set by the VMM: park */
	uint32_t clock;
	uint32_t halt;	     /* halts between interrupts, else spins */
	uint32_t read_clock; /* reads its clock all the time while it spins */
	uint32_t pad;
	int64_t lag; /* the guest's clock is behind by this, 100 ns */
	int64_t ppm; /* and faster by this */
	struct guest_timer timers[MAX_TIMERS];
	struct guest_action actions[GUEST_ACTIONS];
	/* counters, set to 0 at the start of a phase */
	uint64_t spurious, sequence_0, clock_reads, loops;
	/* kept */
	uint64_t rate_from; /* where ppm counts from */
	uint64_t raw_base_tsc, raw_base_time, raw_scale;
	uint32_t page_copied, booted;
	uint64_t copy_scale, copy_offset;
};

#endif
