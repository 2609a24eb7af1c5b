/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: model. Typed events in, vCPU threads, timers and arms out: who a thread is, what each
 * synthetic timer of each vCPU is doing, which callback belongs to which arm, which arms the host
 * executed without saying so. Knows nothing of findings; tells the analysis everything.
 *
 * The state machine is KVM's (arch/x86/kvm/hyperv.c: stimer_set_config, stimer_set_count,
 * stimer_start, stimer_expiration, kvm_hv_process_stimers), restricted to the transitions that were
 * seen in recordings.
 */
#ifndef HVST_MODEL_H
#define HVST_MODEL_H

#include <hvstimer/session.h>

#include "../event/names.h"

/* A skew is saturated at 146 years: its sum with a time and the difference of two never overflow.
 */
#define HVST_SKEW_MAX (INT64_MAX / 2)

struct vm;
struct vcpu;
struct model;
struct analysis;

/* One synthetic timer. Owned by its vCPU. */
struct stimer {
	struct vcpu *vcpu;
	struct timer_an *an; /* lib/analysis; its, hvst_on_timer_new() */
	uint8_t index;
	bool config_known, count_known;
	bool programmed; /* the guest (or VMM) wrote it and the host has not yet acted on that write
			  */
	bool by_host;	 /* ... and it was the VMM */
	bool armed;	 /* hrtimer running: start seen, callback not */
	bool padded;	 /* the running hrtimer is the host's pad for a past-due arm */
	bool undelivered; /* the last expiration failed; the next one is the same arm again */
	bool delivered;	  /* delivered since the last start: another start is another arm */
	bool periodic;	  /* last start was periodic */
	uint32_t gap;	  /* the model's gap count when last looked at */
	uint64_t config;
	uint64_t count;	    /* last value written */
	uint64_t arm_count; /* expiry of the running arm, or of the last one */
	int64_t prog_ns;    /* when it was programmed; HVST_UNKNOWN once an arm came of it */
	int64_t arm_ns, deadline_ns, callback_ns, expiration_ns; /* HVST_UNKNOWN: none */
	uint64_t arms, past_due_observed, past_due_inferred, restarts, fired, cancelled, failed;
	uint8_t modes, deliveries; /* enum hvst_timer_mode, hvst_delivery_mode */
};

/* One vCPU thread. Owned by the model until hvst_model_free(). */
struct vcpu {
	int tid;
	int vcpu_id;	    /* -1 until an event says it */
	uint32_t gap;	    /* the model's gap count when last looked at */
	bool ran;	    /* it did what only a vCPU thread does */
	int64_t last_ns;    /* last event in this thread's context */
	int64_t msr_ns;	    /* last kvm_msr */
	struct vcpu_an *an; /* lib/analysis */
	struct vm *vm;	    /* never NULL: a thread starts alone in a VM of its own */
	struct stimer *timer[HVST_STIMERS];
	uint64_t samples;	/* reference-clock samples seen on this thread */
	struct vcpu *vm_next;	/* the VM's list */
	struct vcpu *hash_next; /* by tid */
	struct vcpu *all_next;
	struct vcpu *id_next; /* by vcpu_id */
	int64_t first_ns;
};

/* One VM: the vCPU threads that share a reference epoch. */
struct vm {
	struct vm *next;
	struct vcpu *vcpus;
	struct vm_an *an; /* lib/analysis */
	unsigned int nr_vcpus;
	int number;	/* in order of appearance, given at the end */
	uint32_t order; /* creation order */
	bool dead;	/* merged into another */
};

/*
 * What the model tells the analysis, in event order on the caller's thread: lib/analysis has these.
 * They are called by name, not through pointers: a run spends most of its time between here and
 * there.
 */

/* The host's reference clock was @time_now (ref units) at or just before @ev. */
void hvst_on_sample(struct analysis *a, struct vcpu *v, const struct hvst_event *ev,
		    uint64_t time_now);
/* The host executed an arm. Inferred ones come with skew_ns HVST_UNKNOWN. */
void hvst_on_arm(struct analysis *a, struct stimer *t, struct hvst_arm *arm,
		 const struct hvst_event *ev);
/* The guest or VMM wrote config or count; before the arm that results. */
void hvst_on_programmed(struct analysis *a, struct stimer *t, const struct hvst_event *ev);
/*
 * The timer fired, or tried to; it is as it was before. Then the same, and what came of it is in
 * @t.
 */
void hvst_on_fire(struct analysis *a, struct stimer *t, const struct hvst_event *ev);
void hvst_on_expiration(struct analysis *a, struct stimer *t, const struct hvst_event *ev);
/*
 * What a known vCPU thread did: entered the guest; left it, to halt or not; read the TSC, which
 * made it leave.
 */
void hvst_on_entry(struct analysis *a, struct vcpu *v, int64_t ts_ns);
void hvst_on_exit(struct analysis *a, struct vcpu *v, int64_t ts_ns, bool halts);
void hvst_on_rdtsc(struct analysis *a, struct vcpu *v, const struct hvst_event *ev);
/*
 * It wrote an MSR of a timer, or accessed any other one; or was switched to or from; or did what
 * else is looked at.
 */
void hvst_on_timer_msr(struct analysis *a, struct vcpu *v);
void hvst_on_msr(struct analysis *a, struct vcpu *v, const struct hvst_event *ev);
void hvst_on_switch(struct analysis *a, struct vcpu *v, const struct hvst_event *ev);
void hvst_on_vcpu_event(struct analysis *a, struct vcpu *v, const struct hvst_event *ev);
/* A clock event; @vm: its VM if that can be said, else NULL. */
void hvst_on_clock_event(struct analysis *a, struct vm *vm, const struct hvst_event *ev);
/* Records are missing on one CPU from here back to that CPU's previous event. */
void hvst_on_gap(struct analysis *a, const struct hvst_event *ev);
/* The thread is seen again after a gap, on whatever CPU: comes before what is told of that event.
 */
void hvst_on_vcpu_gap(struct analysis *a, struct vcpu *v);
/* The threads of @from join @into: analysis moves what it keeps per VM. */
void hvst_on_vm_merge(struct analysis *a, struct vm *into, struct vm *from);
/* |difference| of the two VMs' reference clocks in ns at @ts, HVST_UNKNOWN when not comparable. */
int64_t hvst_on_vm_distance(struct analysis *a, const struct vm *x, const struct vm *y, int64_t ts);
/* Its part of a new one is allocated: 0 or -ENOMEM. */
int hvst_on_vcpu_new(struct analysis *a, struct vcpu *v);
int hvst_on_timer_new(struct analysis *a, struct stimer *t);
int hvst_on_vm_new(struct analysis *a, struct vm *vm);

struct model *hvst_model_new(struct analysis *an);
void hvst_model_free(struct model *m);

/* Starts or callbacks are recorded, so that their absence means something. Default: no inference.
 */
void hvst_model_can_infer(struct model *m, bool can);

/* hvst_model_events - advance by @n events; 0 or -ENOMEM */
int hvst_model_events(struct model *m, const struct hvst_event *const *ev, size_t n);

/* hvst_model_finish - the trace is over: settle identities that had to wait, number the VMs */
void hvst_model_finish(struct model *m);

struct vcpu *hvst_model_find(const struct model *m, int tid); /* NULL: no vCPU thread */
struct vm *hvst_model_vms(const struct model *m);     /* list, merged ones included (dead) */
int64_t hvst_model_padding_ns(const struct model *m); /* HVST_UNKNOWN: none seen */
bool hvst_model_expired_seen(const struct model *m);
uint64_t hvst_model_backwards(const struct model *m);
uint64_t
hvst_model_unfollowed(const struct model *m); /* events of threads beyond MODEL_MAX_VCPUS */

/* The CPU lost records: the sum of time that the gaps cover. */
int64_t hvst_model_lost_ns(const struct model *m);

#endif
