/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: model. Shared by model.c and vm.c, nobody else. */
#ifndef HVST_MODEL_PRIVATE_H
#define HVST_MODEL_PRIVATE_H

#include "model.h"

#define MODEL_HASH_BITS 12
/*
 * A hostile file could name 2^32 threads; with its analysis a thread takes 8 KiB, each of its
 * timers 12 KiB.
 */
#define MODEL_MAX_VCPUS	 4096
#define MODEL_MAX_TIMERS 8192
#define MODEL_CPU_CACHE	 1024
#define MODEL_ID_BUCKETS 1024

struct model {
	struct analysis *an; /* is told everything */
	int error;
	bool can_infer;
	struct vcpu *by_tid[1 << MODEL_HASH_BITS];
	struct vcpu *by_id[MODEL_ID_BUCKETS];
	struct vcpu *sorted[MODEL_MAX_VCPUS]; /* by tid, nr_vcpus of them */
	struct vcpu *last_on_cpu[MODEL_CPU_CACHE];
	struct vcpu *all; /* every thread, newest first */
	unsigned int nr_vcpus, nr_timers;
	uint32_t gap;	/* number of gaps so far */
	int64_t gap_ns; /* the last one */
	struct vm *vms, **vms_tail;
	uint32_t nr_vms;
	/* the start_expired that a pad may follow */
	struct stimer *expired_timer;
	uint64_t expired_now;
	uint64_t padding_ref;
	bool expired_seen;
	uint64_t backwards, unfollowed;
	int64_t lost_ns;
	/*
	 * which VM a task that is no vCPU thread was found to belong to; emptied when threads
	 * appear
	 */
	struct {
		int pid;
		struct vm *vm;
	} task_cache[16];
	unsigned int task_cache_n;
};

/* A new thread takes its place among the sorted ones. */
void hvst_model_sort_in(struct model *m, struct vcpu *v);
/* Puts a new thread into a VM of its own; 0 or -ENOMEM. */
int hvst_model_vm_alone(struct model *m, struct vcpu *v);
/* The thread's vcpu_id became known (or changed: the tid was used again). */
void hvst_model_vcpu_named(struct model *m, struct vcpu *v, int vcpu_id);
/*
 * A reference-clock sample came from this thread: now and then, see whether it belongs to another
 * VM.
 */
void hvst_model_sampled(struct model *m, struct vcpu *v, const struct hvst_event *ev);
/* Chain of threads whose vcpu_id hashes like @id; check vcpu_id. */
struct vcpu *hvst_model_by_id(const struct model *m, int id);
/* The vCPU @vcpu_id of the VMM @pid: the thread next above it; NULL when there is none. */
struct vcpu *hvst_model_nearest(const struct model *m, int vcpu_id, int pid);
/*
 * The VM that a task which is no vCPU thread belongs to: the only one, or that of the nearest
 * thread.
 */
struct vm *hvst_model_vm_of_task(const struct model *m, int pid);

#endif
