/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: session. Which vCPU each thread was, and when. Outlives the state of lib/kvm that it is
 * made from: hvst_session_who() and later runs with a window use it.
 */
#ifndef HVST_IDENTITY_H
#define HVST_IDENTITY_H

#include <stdint.h>

struct kvm;

/* A thread. The kernel reuses thread ids: several threads may have the same @tid. */
struct identity {
	int tid;
	int thread;	  /* its number in the run; never reused */
	int vm, vcpu;	  /* -1: unknown */
	int creator;	  /* the task that created its VM; -1: not seen */
	int64_t first_ns; /* time of its first event */
};

/* The only VM with that vCPU id; @vm -1: several VMs have it, or the VM is unknown. */
struct vcpu_vm {
	int vcpu, vm;
};

struct identities {
	struct identity *v; /* by thread id, then time */
	unsigned int n;
	struct vcpu_vm *vcpus; /* by vCPU id */
	unsigned int nr_vcpus;
};

/* Replaces the contents of @ids by the threads of @kvm. Returns 0, or -ENOMEM with @ids empty. */
int hvst_identities_take(struct identities *ids, const struct kvm *kvm);
void hvst_identities_free(struct identities *ids);

/*
 * The thread that had id @tid at @ts_ns: the last one whose first event is not later, or else the
 * first one. NULL: no thread had it.
 */
const struct identity *hvst_identity_at(const struct identities *ids, int tid, int64_t ts_ns);
/* The only thread that had id @tid; NULL: none had it, or several. */
const struct identity *hvst_identity_only(const struct identities *ids, int tid);
/* The only VM that has a vCPU @vcpu; -1: none has, or several have. */
int hvst_identities_vm_with(const struct identities *ids, int vcpu);

#endif
