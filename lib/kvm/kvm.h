/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: kvm. Typed events in, what KVM did out: which thread is which vCPU of which VM, the state
 * of each synthetic timer, which callback belongs to which arm, which arms left no start event,
 * what each VM's reference clock reads and what it is computed from.
 *
 * hvst_kvm_event() returns what one event did; it calls nothing of the stages after this one.
 *
 * The timers' state machine is KVM's (arch/x86/kvm/hyperv.c: stimer_set_config(),
 * stimer_set_count(), stimer_start(), stimer_expiration(), kvm_hv_process_stimers()), restricted to
 * the transitions seen in recordings.
 */
#ifndef HVST_KVM_H
#define HVST_KVM_H

#include <hvstimer/session.h>

#include "../hyperv/names.h"
#include "../stats/sketch.h"
#include "refclock.h"
#include "tscpage.h"

#define KVM_MAX_CPUS 4096 /* higher CPU numbers share the gaps of lower ones */

/* A skew saturates at 146 years, so that its sum with a time never overflows. */
#define HVST_SKEW_MAX (INT64_MAX / 2)

struct kvm;
struct vm;
struct vcpu;
/* State that lib/analysis attaches to VMs, vCPUs and timers, and frees. */
struct vm_state;
struct vcpu_state;
struct timer_state;

/* One synthetic timer. Owned by its vCPU. */
struct stimer {
	struct vcpu *vcpu;
	struct timer_state *state;
	uint8_t index;
	uint16_t modes, deliveries; /* enum hvst_timer_mode, hvst_delivery_mode: all seen so far */
	bool config_known, count_known;
	bool programmed;	 /* written, and KVM has not acted on that write yet */
	bool by_host;		 /* the last write was the VMM's */
	bool by_other;		 /* ... from another thread than the vCPU's */
	bool armed;		 /* the hrtimer runs: start seen, callback not */
	bool may_have_fired;	 /* a callback since its start may have been this timer's */
	uint32_t contested;	 /* the number of that callback; 0: none, or several */
	bool padded;		 /* the running hrtimer is the host's padding of a past-due arm */
	bool undelivered;	 /* the last expiration failed; the same arm expires again */
	bool delivered;		 /* delivered since the last start: the next start is a new arm */
	bool periodic;		 /* the last start was periodic */
	bool arm_sure;		 /* @arm_count is still the expiry: no records were lost since */
	uint32_t gap;		 /* number of gaps in the trace when last updated */
	uint16_t arm_cpu;	 /* CPU of the start */
	uint16_t arm_count_cpu;	 /* CPU on which arm_count was seen */
	uint16_t programmed_cpu; /* CPU of the last write */
	uint64_t config;
	uint64_t count;	       /* last value written */
	uint64_t arm_count;    /* expiry of the running or last arm */
	int64_t programmed_ns; /* last write; HVST_UNKNOWN once it led to an arm */
	int64_t arm_ns, deadline_ns, callback_ns, expiration_ns; /* HVST_UNKNOWN: none */
	int64_t stall_ns; /* how long its CPU had recorded nothing at the callback, past due */
	uint64_t arms, past_due_observed, past_due_inferred, restarts, fired, cancelled, failed;
};

/* One vCPU thread. Owned by struct kvm. */
struct vcpu {
	int tid;
	int serial;  /* unique, by creation: the kernel reuses thread ids */
	int vcpu_id; /* -1 until an event gives it */
	uint32_t gap;
	/*
	 * @generation of struct kvm when the thread was last checked: it ran a guest, its id was
	 * not reused, no records were lost since and no clock event waits for its VM. 0: check
	 * again.
	 */
	uint64_t generation;
	bool ran;	     /* it recorded an event that only a vCPU thread records */
	bool gone;	     /* its thread id was reused: hvst_kvm_find() does not return it */
	bool stranger;	     /* without readings, and of another VM than the only one with them */
	int creator;	     /* the task that created its VM; -1: not seen */
	uint64_t tsc_offset; /* as last written, where @tsc_known */
	bool tsc_known;
	int64_t first_ns, last_ns;	  /* events in this thread's context */
	int64_t msr_ns;			  /* last kvm_msr */
	int64_t entry_ns;		  /* last kvm_entry; HVST_UNKNOWN */
	uint64_t cpus[KVM_MAX_CPUS / 64]; /* bit map of the CPUs it ran on */
	int64_t silent_ns; /* it may have run unseen: on CPUs whose buffer began later */
	struct refclock_thread clock_reads;
	uint64_t samples; /* readings of the reference clock on this thread */
	struct vcpu_state *state;
	struct vm *vm; /* never NULL: a thread starts alone in a VM of its own */
	struct stimer *timer[HVST_STIMERS];
	struct vcpu *vm_next;	/* the VM's list */
	struct vcpu *hash_next; /* by tid */
	struct vcpu *all_next;
	struct vcpu *id_next; /* by vcpu_id */
};

/* One VM: the vCPU threads that share a reference clock. */
struct vm {
	struct vm *next, **link; /* the list it is in, and the pointer to it there */
	struct vcpu *vcpus;
	unsigned int nr_vcpus;
	uint64_t *ids; /* bit map of their vcpu_ids, once there are two */
	unsigned int nr_id_words;
	struct vm_state *state;
	struct refclock clock;
	/*
	 * From the clock read of an arm to the time stamp of its start event: an upper bound of the
	 * time between the host's two clock readings. NULL: none yet.
	 */
	struct hvst_sketch *start_latency;
	struct tscpage page;
	/*
	 * In order of appearance, set by hvst_kvm_finish(). Negative: unknown; -1 if no guest ran,
	 * other negative numbers are unique.
	 */
	int number;
	/*
	 * The first reading of its clock, and the first event at which that clock may have been
	 * set, but for its creation and the guest's writes of its page. HVST_UNKNOWN: none.
	 */
	int64_t first_read_ns, first_set_ns;
	int64_t first_ns; /* the first event of its threads, ... */
	int first_tid;	  /* ... and the thread of it; of several the lowest */
	bool dead;	  /* merged into another: it has no threads and is on no list */
	bool gone;	  /* a later VM reuses one of its thread ids */
};

/* The number in results: -1 for all unknown ones. */
static inline int hvst_vm_shown(const struct vm *vm)
{
	return vm->number < 0 ? -1 : vm->number;
}

/* Is vCPU 0 among the threads that are known to belong to the VM? */
static inline bool hvst_vm_has_first(const struct vm *vm)
{
	return vm->nr_vcpus == 1 ? !vm->vcpus->vcpu_id : vm->nr_id_words && vm->ids[0] & 1;
}

enum hvst_change_kind {
	HVST_CHANGE_VM_MERGED,	/* @vm took in the threads of @from */
	HVST_CHANGE_VCPU_GAP,	/* records may be missing between @vcpu's last event and this one */
	HVST_CHANGE_GAP,	/* records are missing on the event's CPU, back to its last event */
	HVST_CHANGE_SAMPLE,	/* @vm's reference clock was read on @vcpu, by an MSR */
	HVST_CHANGE_SWITCH,	/* @vcpu was switched to or from */
	HVST_CHANGE_MSR,	/* @vcpu accessed an MSR that is not a timer's */
	HVST_CHANGE_VCPU_EVENT, /* any other event of @vcpu */
	HVST_CHANGE_CLOCK,	/* a clock event of the host; @vm is NULL if its VM is not known */
	HVST_CHANGE_PAGE,	/* @vcpu wrote REFERENCE_TSC, or (NULL) the host broke the page */
};

/* The union is set for HVST_CHANGE_VM_MERGED, HVST_CHANGE_GAP and HVST_CHANGE_PAGE. */
struct hvst_change {
	enum hvst_change_kind kind;
	struct vm *vm;
	struct vcpu *vcpu;
	union {
		struct vm *from;
		int64_t from_ns; /* of HVST_CHANGE_GAP: the last event before it on that CPU */
		struct {	 /* of HVST_CHANGE_PAGE: how the page was before */
			bool was_known, was_usable;
			enum hvst_ref_source was_source;
		} page;
	};
};

/*
 * What is known of a delivery besides its event. @deadline_ns: HVST_UNKNOWN for an arm past due or
 * padded. @callback_ns: HVST_UNKNOWN if no callback was seen.
 */
struct hvst_delivery {
	int64_t arm_ns, deadline_ns, callback_ns;
};

#define HVST_MAX_CHANGES 8 /* of one event */

/* Common changes of a timer, in the order in which they happened; or of a vCPU (OWN). */
enum hvst_did {
	HVST_DID_SAMPLE = 1,	/* a start of @timer read the reference clock of its VM */
	HVST_DID_AHEAD = 2,	/* an arm of @timer was ahead; its start was not recorded */
	HVST_DID_PROGRAM = 4,	/* @timer's config or count was written */
	HVST_DID_CALLBACK = 8,	/* the callback of @timer's hrtimer ran */
	HVST_DID_ARM = 16,	/* the host executed an arm of @timer: @arm */
	HVST_DID_DELIVERY = 32, /* @timer expired: @delivery */
	/* @vcpu entered the guest, left it, or accessed an MSR of its timers, as the event says */
	HVST_DID_OWN = 64,
};

/**
 * struct hvst_changes - what one event did: the entries of @change first, then the bits of @did
 * @n: number of entries in @change
 * @did: bits of enum hvst_did
 * @vcpu: set if @did is HVST_DID_OWN
 * @timer: set if @did has other bits
 * @change: changes that are rare
 * @arm: set for HVST_DID_ARM; @skew_ns is HVST_UNKNOWN if the arm was inferred
 * @arm_bound_ns: bound on the error of the time of an inferred arm; else 0
 * @arm_programmed_ns: time of the write that led to the arm; HVST_UNKNOWN
 * @arm_offset_ns: hvst_refclock_offset() of the arm's count at its time
 * @delivery: set for HVST_DID_DELIVERY
 *
 * The changes that most events make are bits of @did: that saves filling and reading a list for
 * each event. The list is for all others.
 */
struct hvst_changes {
	unsigned int n, did;
	struct vcpu *vcpu;
	struct stimer *timer;
	struct hvst_change change[HVST_MAX_CHANGES];
	struct hvst_arm arm;
	int64_t arm_bound_ns, arm_programmed_ns, arm_offset_ns;
	struct hvst_delivery delivery;
};

/* What the recording contains: the absence of an event proves something only if it was recorded. */
struct hvst_kvm_opts {
	bool starts_recorded; /* or callbacks: an expiration without either was past due */
	bool msr_recorded;    /* writes of HV_REFERENCE_TSC are recorded */
	bool clock_per_cpu;   /* each CPU has a trace clock of its own ("local") */
	bool clock_unscaled;  /* time stamps are cycles of unknown length: rates are unknown */
	/*
	 * Returns the task that created the VM of thread @tid at @ts_ns, as seen by an earlier run;
	 * -1: not seen. NULL: there was no earlier run.
	 */
	int (*known_creator)(const void *ctx, int tid, int64_t ts_ns);
	const void *known_ctx;
};

/* hvst_kvm_new() - returns NULL without memory */
struct kvm *hvst_kvm_new(const struct hvst_kvm_opts *opts);
void hvst_kvm_free(struct kvm *k);

/* hvst_kvm_event() - process one event; fills @out; returns 0 or -ENOMEM */
int hvst_kvm_event(struct kvm *k, const struct hvst_event *ev, struct hvst_changes *out);

/*
 * hvst_kvm_finish() - at the end of the trace: merge VMs that turn out to be one, number them
 *
 * Call it until it does not return 1. Returns 1: @out holds a merge; 0: done; -ENOMEM.
 */
int hvst_kvm_finish(struct kvm *k, struct hvst_changes *out);

struct vcpu *hvst_kvm_find(const struct kvm *k, int tid); /* NULL: no such vCPU thread */
struct vm *hvst_kvm_vms(const struct kvm *k);		  /* list, by @next */
int64_t hvst_vm_last_ns(const struct vm *vm); /* last event of its threads; INT64_MIN: none */
/* May the clock have been set before its first reading in the trace, which then cannot show it? */
bool hvst_vm_set_unread(const struct vm *vm);
bool hvst_kvm_clock_per_cpu(const struct kvm *k); /* as in struct hvst_kvm_opts */
int64_t hvst_kvm_padding_ns(const struct kvm *k); /* HVST_UNKNOWN: none seen */
bool hvst_kvm_starts_seen(const struct kvm *k);	  /* start events of one-shot arms ahead */
bool hvst_kvm_start_expired_seen(const struct kvm *k);
uint64_t hvst_kvm_backwards(const struct kvm *k); /* events before an earlier one of their thread */
uint64_t hvst_kvm_unfollowed(const struct kvm *k); /* events of threads beyond KVM_MAX_VCPUS */
int64_t hvst_kvm_lost_ns(const struct kvm *k);	   /* time in gaps, summed over CPUs */
/*
 * Time in which the vCPU may have run unseen: in gaps of the CPUs that it ran on (from the start of
 * the trace if a CPU begins with a gap), and before its first event if a buffer began late.
 */
int64_t hvst_kvm_uncovered_ns(const struct kvm *k, const struct vcpu *v);
/* Time of the last event of all CPUs; HVST_UNKNOWN: there was none. */
int64_t hvst_kvm_last_ns(const struct kvm *k);
/* Time of the last record of a CPU; HVST_UNKNOWN: it has none. */
int64_t hvst_kvm_cpu_last_ns(const struct kvm *k, unsigned int cpu);

#endif
