/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: session. Which vCPU a thread is at a time: what is kept of a run when its analysis is
 * freed. */
#ifndef HVST_IDENTITY_H
#define HVST_IDENTITY_H

#include <stdint.h>

struct kvm;

/* A thread. Several may have had one thread id, one after another. */
struct identity {
	int tid;
	int thread;	  /* number in its run; never reused */
	int vm, vcpu;	  /* -1: unknown */
	int creator;	  /* the task that created its VM; -1: not seen */
	int64_t first_ns; /* its first event */
};

/* The only VM with a vCPU of that number; @vm -1: there are several, or it is unknown. */
struct vcpu_vm {
	int vcpu, vm;
};

struct identities {
	struct identity *v; /* by thread id, then time */
	unsigned int n;
	struct vcpu_vm *vcpus; /* by vCPU */
	unsigned int nr_vcpus;
};

/* Replaces what @ids holds by the threads of @kvm. Returns 0 or -ENOMEM; @ids is then empty. */
int hvst_identities_take(struct identities *ids, const struct kvm *kvm);
void hvst_identities_free(struct identities *ids);

/*
 * The thread that had that id at @ts_ns: the last one to begin by then, or else the first one.
 * NULL: none had it.
 */
const struct identity *hvst_identity_at(const struct identities *ids, int tid, int64_t ts_ns);
/* The only thread that had that id; NULL: none had it, or several. */
const struct identity *hvst_identity_only(const struct identities *ids, int tid);
/* The only VM that has a vCPU @vcpu; -1: none has, or several have. */
int hvst_identities_vm_with(const struct identities *ids, int vcpu);

#endif
