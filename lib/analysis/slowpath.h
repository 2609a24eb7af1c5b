/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Clock reads of the guest that cause exits: how many, of which register, at what
 * cost, why.
 */
#ifndef HVST_ANALYSIS_SLOWPATH_H
#define HVST_ANALYSIS_SLOWPATH_H

#include "evidence.h"
#include "state.h"

enum slow_register { SLOW_REF_COUNT, SLOW_PM_TIMER, SLOW_HPET, SLOW_TSC, NR_SLOW };

enum slow_page { SLOW_PAGE_NEVER, SLOW_PAGE_OFF, SLOW_PAGE_BROKEN, SLOW_PAGE_SET };

/* Sums over a stretch of time. */
struct slow_sums {
	uint64_t reads[NR_SLOW];
	uint64_t exits;	       /* all of the VM */
	uint64_t arms;	       /* counts that the guest wrote */
	uint64_t count_writes; /* the same by kvm_msr, where set_count is not recorded */
	uint64_t costed; /* reads of which exit and entry were seen, and their time in between */
	int64_t cost_ns;
};

struct slow_bin {
	int64_t from_ns; /* its first read */
	struct slow_sums sums;
	struct hvst_evidence first; /* that read */
	enum slow_page page;	    /* when the next bin began, and since when */
	int64_t page_ns;
};

struct vm_slow {
	int64_t bin_end_ns;	     /* HVST_UNKNOWN: no bin has begun */
	struct slow_bin bin, before; /* the current one and the one before it */
	struct slow_sums slow;	     /* of all slow bins */
	int64_t slow_ns;
	int64_t first_ns, last_ns; /* of the slow bins; HVST_UNKNOWN */
	int64_t boot_ns;	   /* the guest began to set up Hyper-V; HVST_UNKNOWN */
	enum slow_page page;	   /* in the first slow bin, and since when */
	int64_t page_ns;
	struct hvst_evidence why;
};

int hvst_slowpath_vm_created(struct vm *vm);
int hvst_slowpath_vcpu_created(struct vcpu *v);
void hvst_slowpath_exit(struct vcpu *v, const struct hvst_event *ev, enum hvst_exit_kind kind);
void hvst_slowpath_entry(struct vcpu *v, int64_t ts);
void hvst_slowpath_msr(struct vcpu *v, const struct hvst_event *ev);
/* An access to one of the timers' own MSRs that did not fault. */
void hvst_slowpath_timer_msr(struct vcpu *v, const struct hvst_event *ev);
/* kvm_pio, kvm_mmio */
void hvst_slowpath_event(struct vcpu *v, const struct hvst_event *ev);
void hvst_slowpath_programmed(struct stimer *t, const struct hvst_event *ev);
void hvst_slowpath_gap(struct vcpu *v);
void hvst_slowpath_merged(struct vm *into, struct vm *from);
void hvst_slowpath_finish(struct analysis *a);
void hvst_slowpath_vm_free(struct vm *vm);
void hvst_slowpath_vcpu_free(struct vcpu *v);

/* The number of reads in all. */
uint64_t hvst_slow_reads(const struct slow_sums *s);
/* "TIME_REF_COUNT (MSR 0x40000020)" */
const char *hvst_slow_register_name(enum slow_register r);
/*
 * "No" for too little of it, or only while the guest booted; a trace that is too short for two
 * bins, or ends in the first slow one, gives no "no". @first_ns, @last_ns: the VM's events;
 * @boot_seen: the MSR writes that begin a boot were recorded, else reads that end may be of one.
 */
enum hvst_answer hvst_slowpath_answer(const struct vm_slow *s, int64_t first_ns, int64_t last_ns,
				      bool boot_seen);

#endif
