/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. What its files share: the context of a run, and for each VM, vCPU and timer a
 * pointer per analysis to state that only the file of that analysis defines. Memory follows the
 * number of findings, not of events.
 */
#ifndef HVST_ANALYSIS_STATE_H
#define HVST_ANALYSIS_STATE_H

#include <stdlib.h>

#include "../stats/sketch.h"
#include "analysis.h"
#include "evidence.h"

#define ANALYSIS_MAX_STORMS	 65536
#define ANALYSIS_MAX_TRANSITIONS 65536

/* Storms and transitions are kept like this until VMs are numbered. */
struct storm_found {
	struct hvst_storm storm;
	struct vcpu *vcpu;
	struct storm_deferred *deferred; /* storm.c; NULL: beyond what is kept */
};
struct transition_found {
	struct hvst_guest_transition transition;
	const struct vcpu *of; /* a thread of the VM: still in the right VM after a merge */
	struct vcpu *vcpu;     /* NULL: of the whole VM */
};

/* vCPUs of a VM ran with different TSC offsets. @since_ns: when the different one was written. */
struct tsc_mismatch {
	int64_t since_ns, ran_ns, until_ns; /* @until_ns HVST_UNKNOWN: to the end */
	uint64_t least, most;
	int least_vcpu, most_vcpu;
	unsigned int nr_vcpus; /* with an offset that was seen */
	struct hvst_evidence why;
};

/* What was done to a VM, see life.h. */
struct life_step;
struct vm_life {
	struct life_step *steps; /* by time */
	unsigned int nr, cap;
	uint8_t watches; /* enum life_watch: what the next entries show */
	bool page_off;
	int calling; /* tid of the vCPU whose HvCallRestorePartitionTime has not returned; -1 */
	int64_t watch_ns;  /* the guest's arms are counted until then */
	int64_t ran_ns;	   /* the first entry after the last step */
	int64_t offset_ns; /* the last write of an offset */
	struct hvst_evidence offset_why;
	struct tsc_mismatch mismatch;
	bool mismatched; /* @mismatch is set */
};

/* An index by number of VM, see by_vm.h. */
struct vm_index {
	int vm;
	unsigned int at; /* of the array that is indexed */
};
struct vm_list {
	struct vm_index *v; /* by VM, then index */
	unsigned int n;
};
struct by_vm {
	struct vm **vms;
	struct vm_list numbers; /* of @vms */
	struct vm_list reference, storms, guest, life;
};

struct analysis {
	struct hvst_params params;
	struct kvm *kvm;
	struct hvst_analysis_opts opts;
	int error;	  /* -ENOMEM, or -ECANCELED from an observer */
	int64_t last_ns;  /* of the last event, set at the end of the run; HVST_UNKNOWN */
	int64_t gap_ns;	  /* of the last lost events, on any CPU */
	int64_t stall_ns; /* the longest that a CPU with a callback due recorded nothing */

	struct storm_found *storms;
	unsigned int nr_storms, cap_storms;
	struct transition_found *transitions;
	unsigned int nr_transitions, cap_transitions;
	struct hvst_past_due past_due;
	struct hvst_sketch *unpaired;
	struct hvst_unpaired unpaired_summary;
	struct hvst_verdict verdicts[HVST_Q_COUNT];
	const struct hvst_verdict *verdict_list[HVST_Q_COUNT];
	struct hvst_life_event *life;	     /* until they are listed in @result */
	const struct hvst_vcpu_info **vcpus; /* of all VMs of @result, VM by VM */
	unsigned int nr_pending;	     /* arms that wait in resolve.c, of all VMs */
	struct pending_block *spare_blocks;  /* of resolve.c */

	struct by_vm by_vm; /* at the end of the run: by_vm.c */
	double cycle_ns;    /* of the TSC, set at the end of the run; 0: unknown: life_build.c */

	struct vm_life orphans;	   /* steps of tasks whose VM was not known: life.c */
	struct hvst_result result; /* see result.c */
	uint32_t withdrawn;	   /* bit per question: a "no" for which too little was recorded */
};

struct vm_state {
	struct vm_pending *pending; /* resolve.c */
	struct vm_marks *marks;	    /* marks.c */
	struct vm_source *source;   /* clocksource.c */
	struct vm_causes *causes;   /* pastdue.c */
	struct vm_guestclock *guestclock;
	struct vm_life *life;	      /* life.c */
	struct vm_leaps *leaps;	      /* epoch.c */
	struct hvst_series *readings; /* twoclocks.c */
	struct vm_lost *lost;	      /* lost.c */
	struct vm_slow *slow;	      /* slowpath.c */
	struct vm_refused *refused;   /* refused.c */
};

struct vcpu_state {
	int known_vm;		      /* its VM's number in an earlier run, -1 */
	struct activity *activity;    /* activity.c */
	struct vcpu_source *source;   /* clocksource.c */
	struct vcpu_latency *latency; /* latency.c */
	struct vcpu_load *load;	      /* load.c */
	struct vcpu_handler *handler; /* handler.c */
	struct vcpu_slow *slow;	      /* slowpath.c */
	struct vcpu_refused *refused; /* refused.c */
};

struct timer_state {
	struct timer_latency *latency;	 /* latency.c */
	struct timer_skew *skew;	 /* resolve.c */
	struct storm_group *group;	 /* storm.c */
	struct guest_edge *edge;	 /* guestclock.c */
	struct timer_source *source;	 /* clocksource.c */
	struct timer_livelock *livelock; /* livelock.c */
	struct timer_lost *lost;	 /* lost.c */
	struct timer_load *load;	 /* load.c */
	struct timer_handler *handler;	 /* handler.c */
	struct timer_epoch *epoch;	 /* epoch.c */
	struct timer_counts *counts;	 /* twoclocks.c */
};

/* The number of the vCPU's VM, known at the end of a run or from an earlier run; else -1. */
static inline int hvst_vm_number(const struct vcpu *v)
{
	return v->vm->number >= 0 ? v->vm->number : v->state->known_vm;
}

/* Did the user select it? @timer -1: any timer. */
static inline bool hvst_filter_pass(const struct analysis *a, const struct vcpu *v, int timer)
{
	if (a->opts.vcpu >= 0 && v->vcpu_id != a->opts.vcpu)
		return false;
	if (a->opts.timer >= 0 && timer >= 0 && timer != a->opts.timer)
		return false;
	return a->opts.vm < 0 || hvst_vm_number(v) < 0 || hvst_vm_number(v) == a->opts.vm;
}

/* verdict.c. Bit per event id: recorded, as far as the file shows, and not ignored. */
uint64_t hvst_recorded(const struct analysis *a);

/*
 * The difference of two counts, saturated so that in ns it can be added to another one without
 * overflow.
 */
static inline int64_t hvst_count_step(uint64_t from, uint64_t to)
{
	const int64_t most = INT64_MAX / 256, least = INT64_MIN / 256;
	int64_t d = (int64_t)(to - from);

	if (__builtin_expect((uint64_t)d - (uint64_t)least > (uint64_t)most - (uint64_t)least, 0))
		return d < 0 ? least : most;
	return d;
}

/* Did the count advance by the same step as the one before it, within rounding? */
static inline bool hvst_step_repeats(int64_t step, int64_t before)
{
	return llabs(step - before) <= 1;
}

/* Did the user select the VM? */
static inline bool hvst_vm_pass(const struct analysis *a, const struct vm *vm)
{
	return a->opts.vm < 0 || vm->number == a->opts.vm;
}

#define for_each_vm(vm, a)   for (struct vm *vm = hvst_kvm_vms((a)->kvm); vm; vm = vm->next)
#define for_each_vcpu(v, vm) for (struct vcpu *v = (vm)->vcpus; v; v = v->vm_next)
/* Every timer that was used, of every VM. */
void hvst_each_timer(struct analysis *a, void (*fn)(struct analysis *, struct stimer *));

#endif
