/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. What happens to a VM as a whole: created, reset, restored, resumed, gone; in
 * which order its VMM and its guest did the steps of it; and what each step moved.
 *
 * While the trace is read the steps are only collected, in a list for each VM. What they amount to
 * is worked out at the end, when threads have been assigned to their VMs and the steps of the
 * clocks are known.
 */
#ifndef HVST_ANALYSIS_LIFE_H
#define HVST_ANALYSIS_LIFE_H

#include "evidence.h"
#include "state.h"

enum life_kind {
	LIFE_CREATED,	 /* a vCPU's first TSC offset */
	LIFE_TSC,	 /* a TSC offset that differs from the one before */
	LIFE_MASTER,	 /* a master clock update by a task */
	LIFE_TIMERS,	 /* the VMM wrote timers back (host=1) */
	LIFE_PAGE_OFF,	 /* the guest disabled its TSC page */
	LIFE_PAGE_ON,	 /* the guest enabled it */
	LIFE_TIMERS_OFF, /* with its page off the guest cleared timers */
	LIFE_RESTORE,	 /* the guest called HvCallRestorePartitionTime */
	LIFE_ENTRY,	 /* the guest ran */
	LIFE_ARM,	 /* the guest armed a timer */
};

/* One step, or several of a kind in a row. */
struct life_step {
	int64_t ts_ns, last_ns;
	uint64_t ts_raw;
	uint64_t value, before; /* LIFE_CREATED, LIFE_TSC: the offset; LIFE_RESTORE: the status;
				 LIFE_MASTER: the host's clock */
	uint32_t n;
	int vcpu, tid;
	uint16_t cpu, buffer;
	uint8_t kind, event; /* enum life_kind, hvst_event_id */
	bool whole;	     /* LIFE_TIMERS: not only zeroes; LIFE_MASTER: it is on */
	bool by_vcpu;	     /* LIFE_MASTER: by a vCPU's thread; LIFE_TSC: by the guest itself */
};

enum life_watch {
	LIFE_OFFSETS = 1, /* an offset was written since the last comparison */
	LIFE_RUNS = 2,	  /* the next entry is the first after a step */
	LIFE_EARLIER = 4, /* an entry before the one that was found may follow */
};

int hvst_life_created(struct vm *vm);
/* A clock event of the host; @vm NULL: its VM is not known (yet). */
void hvst_life_clock(struct analysis *a, struct vm *vm, const struct hvst_event *ev);
void hvst_life_programmed(const struct stimer *t, const struct hvst_event *ev);
void hvst_life_msr(const struct vcpu *v, const struct hvst_event *ev);
void hvst_life_event(const struct vcpu *v, const struct hvst_event *ev);
/* hvst_life_entry() of a VM to which something was done shortly before. */
void hvst_life_runs(const struct vcpu *v, const struct hvst_event *ev);
static inline void hvst_life_entry(const struct vcpu *v, const struct hvst_event *ev)
{
	if (v->vm->state->life->watches)
		hvst_life_runs(v, ev);
}
void hvst_life_arm(const struct stimer *t, const struct hvst_arm *arm, const struct hvst_event *ev);
void hvst_life_merged(struct vm *into, struct vm *from);
void hvst_life_free(struct vm *vm);

/* The lists of struct hvst_result, once its reference segments are there; 0 or -ENOMEM. */
int hvst_life_build(struct analysis *a);
/* NULL: no such VM. */
const struct vm_life *hvst_life_of(const struct analysis *a, int vm);
/* By how much the VM's reference clock moved in [@from, @to]; HVST_UNKNOWN where nothing shows it.
 */
int64_t hvst_life_step_in(const struct analysis *a, int vm, int64_t from, int64_t to);
/* An unsigned difference of offsets as a signed one. */
static inline int64_t hvst_life_cycles(uint64_t from, uint64_t to)
{
	return (int64_t)(to - from);
}
/* Inserts a step into the list, in order of time. */
void hvst_life_put(struct vm_life *l, const struct life_step *s);
/*
 * How far the guest's TSC lies behind its reference time at @ts, and a bound on the error;
 * HVST_UNKNOWN, and @why.
 */
int64_t hvst_life_tsc_behind(const struct analysis *a, int vm, int64_t ts, int64_t *err, char *why,
			     size_t len);
void hvst_life_results_free(struct analysis *a);
/* Evidence from a step. */
void hvst_life_evidence(struct hvst_evidence_list *l, const struct life_step *s, const char *text);

#endif
