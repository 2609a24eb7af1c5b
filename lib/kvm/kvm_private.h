/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: kvm. What its files share. */
#ifndef HVST_KVM_PRIVATE_H
#define HVST_KVM_PRIVATE_H

#include "kvm.h"

#define KVM_HASH_BITS 12
/* A hostile file could name 2^32 threads. With its analysis a thread takes 8 KiB, a timer 12. */
#define KVM_MAX_VCPUS	  8192
#define KVM_MAX_TIMERS	  8192
#define KVM_ID_BUCKETS	  1024
#define KVM_EARLY_OFFSETS 256
#define KVM_EARLY_WRITES  256
#define KVM_EARLY_SETS	  64
#define KVM_CREATORS	  16 /* tasks that were seen creating a VM and have no vCPU thread yet */

/* A task that created a VM in this trace, and its first TSC offsets. */
struct creator {
	int pid;
	int64_t ts_ns;
	uint64_t vcpus; /* bit per vcpu_id below 64 */
	bool restored;	/* it wrote a state back, or moved a TSC: the page may be set */
};

/* A TSC offset written before its vCPU's thread was known. */
struct early_offset {
	int pid, vcpu_id;
	uint64_t offset;
};

struct vm_entry {
	int64_t offset;
	struct vm *vm;
};

/* One host CPU, initially zero. */
struct kvm_cpu {
	struct vcpu *vcpu;	   /* the vCPU thread last seen on it */
	int64_t first_ns, last_ns; /* events, once @seen */
	int64_t lost_ns;	   /* inside gaps */
	bool seen;
};

struct kvm {
	int error;
	struct hvst_kvm_opts opts;
	bool master_seen; /* a master clock update is in the trace */
	struct vcpu *by_tid[1 << KVM_HASH_BITS];
	struct vcpu *by_id[KVM_ID_BUCKETS];
	struct vcpu *sorted[KVM_MAX_VCPUS]; /* by tid, nr_vcpus of them */
	struct kvm_cpu cpu[KVM_MAX_CPUS];
	int64_t first_ns; /* of the trace; HVST_UNKNOWN */
	/* Seen so far: that an event is absent means something only where others of it are seen. */
	bool starts_seen, callbacks_seen, entries_seen, counts_seen;
	uint32_t callbacks;			      /* so far, never 0 after the first */
	struct vcpu *all;			      /* every vCPU, newest first */
	unsigned int nr_vcpus, nr_created, nr_timers; /* findable, all */
	uint32_t gap;				      /* number of gaps so far */
	uint64_t generation; /* changes when all threads are to be checked again, see struct vcpu */
	int64_t gap_ns;	     /* the last one */
	struct vm *vms, **vms_tail;
	struct vm *dead_vms;
	uint32_t nr_vms;
	/* VMs by the offset of their clocks, see vm.c */
	struct vm_entry *index;
	unsigned int nr_index;
	uint64_t searches; /* since it was sorted */
	uint64_t steps;	   /* VMs and threads looked at by all searches */
	/* where hvst_kvm_finish() goes on */
	enum { KVM_RUNNING, KVM_FINISH_CLOCKS, KVM_FINISH_SILENT } phase;
	struct vcpu *finish_at;
	struct vm *only;
	/* The last start_expired, if a padding start may follow it, and the clock it read. */
	struct stimer *past_due_timer;
	uint64_t past_due_now;
	uint64_t padding_ref;
	bool expired_seen;
	uint64_t backwards, unfollowed;
	int64_t lost_ns;
	struct creator creators[KVM_CREATORS]; /* a ring */
	unsigned int nr_creators;
	/* A task that switched off the master clock of this VM, or of one it is about to create. */
	struct hvst_event off;
	struct vm *off_vm;
	struct early_offset early[KVM_EARLY_OFFSETS]; /* a ring */
	unsigned int nr_early;
	/* Timers that a VMM's task wrote back before their vCPU's thread was known; a ring. */
	struct hvst_event early_write[KVM_EARLY_WRITES];
	unsigned int nr_early_writes;
	/* The first tasks that may have set the clock of a VM none of whose threads was known yet.
	 */
	struct early_set {
		int pid;
		int64_t ts_ns;
	} early_set[KVM_EARLY_SETS];
	unsigned int nr_early_sets;
};

static inline struct kvm_cpu *kvm_cpu(struct kvm *k, const struct hvst_event *ev)
{
	return &k->cpu[ev->cpu % KVM_MAX_CPUS];
}

/* Records when the events of a CPU begin; call it at least for the first one. */
void kvm_cpu_begins(struct kvm *k, const struct hvst_event *ev);

/*
 * Appends a change; there is always room, see HVST_MAX_CHANGES. The caller sets what is specific to
 * its kind.
 */
static inline struct hvst_change *kvm_change(struct hvst_changes *out, enum hvst_change_kind kind,
					     struct vm *vm, struct vcpu *v)
{
	struct hvst_change *c = &out->change[out->n];

	out->n += out->n < HVST_MAX_CHANGES - 1;
	c->kind = kind;
	c->vm = vm;
	c->vcpu = v;
	return c;
}

static inline void kvm_did(struct hvst_changes *out, enum hvst_did what, struct stimer *t)
{
	out->did |= what;
	out->timer = t;
}

static inline void kvm_own(struct hvst_changes *out, struct vcpu *v)
{
	out->did = HVST_DID_OWN;
	out->vcpu = v;
}

static inline void kvm_nothing(struct hvst_changes *out)
{
	out->n = out->did = 0;
}

/* The VM goes on: the master clock that a task switched off was this VM's. */
void kvm_off_is_own(struct kvm *k, const struct vcpu *v, struct hvst_changes *out);

/* --- vcpu.c: threads --- */
/* The rest of kvm_vcpu_of(), where looking at the CPU is not enough. */
struct vcpu *kvm_vcpu_search(struct kvm *k, const struct hvst_event *ev, bool create,
			     struct hvst_changes *out);

/*
 * The thread that the event ran on; NULL when it is not a vCPU and is not to become one (@create).
 */
static inline struct vcpu *kvm_vcpu_of(struct kvm *k, const struct hvst_event *ev, bool create,
				       struct hvst_changes *out)
{
	/* Usually the thread last seen on the CPU, and nothing has happened to it since. */
	struct vcpu *v = kvm_cpu(k, ev)->vcpu;

	if (__builtin_expect(!v || v->tid != ev->pid || v->generation != k->generation ||
				     ev->ts_ns < v->last_ns ||
				     (v->vcpu_id != ev->vcpu_id && ev->vcpu_id >= 0),
			     0))
		return kvm_vcpu_search(k, ev, create, out);
	v->last_ns = ev->ts_ns;
	return v;
}

/* The vCPU whose timer register the VMM writes. */
struct vcpu *kvm_vcpu_written(struct kvm *k, const struct hvst_event *ev, struct hvst_changes *out);
/* The first event of a thread after a gap: what it was doing before is unknown. */
void kvm_vcpu_after_gap(struct kvm *k, struct vcpu *v, int64_t ts, struct hvst_changes *out);
void kvm_vcpu_free(struct vcpu *v);
/*
 * A vCPU's first TSC offset was written: it was just created. A thread that previously ran a vCPU
 * of that task runs one of a new VM from here on.
 */
void kvm_vcpu_created(struct kvm *k, const struct hvst_event *ev);
/* A TSC offset was written; @v: the vCPU's thread, NULL if not known yet. */
void kvm_offset_written(struct kvm *k, struct vcpu *v, const struct hvst_event *ev);
/* A timer was written by the VMM's own task: it belongs to a vCPU whose thread is not known yet. */
void kvm_early_write(struct kvm *k, const struct hvst_event *ev);
/* Its vcpu_id is known now: apply what was written for it earlier. */
void kvm_early_adopt(struct kvm *k, struct vcpu *v);
/* The VMM @pid restores a state into a VM that it created. */
void kvm_creator_restores(struct kvm *k, int pid);
/* Did the task create a vCPU in the trace? */
bool kvm_created_by(const struct kvm *k, int pid);
/* Was the VM of the task @pid created in this run? @vm: if its threads are known; NULL. */
bool kvm_vm_created(const struct kvm *k, const struct vm *vm, int pid);

/* --- timer.c: synthetic timers --- */
struct stimer *kvm_timer_of(struct kvm *k, struct vcpu *v, uint32_t index);
/* What is pending becomes unknown: records were lost, or another vCPU took over the thread. */
void kvm_timer_forget(const struct kvm *k, struct stimer *t);
void kvm_set_config(struct kvm *k, struct vcpu *v, const struct hvst_event *ev,
		    struct hvst_changes *out);
void kvm_set_count(struct kvm *k, struct vcpu *v, const struct hvst_event *ev,
		   struct hvst_changes *out);
void kvm_start_one_shot(struct kvm *k, const struct hvst_event *ev, struct hvst_changes *out);
void kvm_start_expired(struct kvm *k, const struct hvst_event *ev, struct hvst_changes *out);
void kvm_start_periodic(struct kvm *k, const struct hvst_event *ev, struct hvst_changes *out);
void kvm_callback(struct kvm *k, const struct hvst_event *ev, struct hvst_changes *out);
void kvm_expiration(struct kvm *k, const struct hvst_event *ev, struct hvst_changes *out);

/* --- vm.c: which threads form a VM --- */
/* Inserts a new thread into the sorted array. */
void kvm_sort_in(struct kvm *k, struct vcpu *v);
/* Makes it impossible to find by its thread id or its vcpu_id. */
void kvm_sort_out(struct kvm *k, struct vcpu *v);
/* Puts a new thread into a VM of its own; 0 or -ENOMEM. */
int kvm_vm_alone(struct kvm *k, struct vcpu *v);
/* The thread's vcpu_id became known, or changed. */
void kvm_vcpu_named(struct kvm *k, struct vcpu *v, int vcpu_id);
/* The VM's clock was read on this thread. */
void kvm_sample(struct kvm *k, struct vcpu *v, const struct hvst_event *ev, uint64_t time_now,
		struct hvst_changes *out);
/* An event at which the VM's clock may have been set. */
void kvm_clock_event(struct kvm *k, struct vm *vm, const struct hvst_event *ev);
/* The VM's clock may have been set by its VMM, or by its guest's write of a TSC. */
void kvm_clock_set(struct vm *vm, int64_t ts);
/* Chain of threads whose vcpu_id has the same hash as @id; compare vcpu_id. */
struct vcpu *kvm_by_id(const struct kvm *k, int id);
/* The vCPU @vcpu_id of the VMM @pid: the next thread above it; NULL when there is none. */
struct vcpu *kvm_nearest(const struct kvm *k, int vcpu_id, int pid);
/*
 * The VM of a task that is not a vCPU thread: that of the threads whose VM it created, else that of
 * the nearest thread above it. NULL: none, or threads of several VMs alternate there (@unsure).
 */
struct vm *kvm_vm_of_task(const struct kvm *k, int pid, bool *unsure);
/* Calls for each VM that has a thread where the task's may be. */
void kvm_each_vm_near(struct kvm *k, int pid, void (*fn)(struct vm *vm, int64_t ts), int64_t ts);

#endif
