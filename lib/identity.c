// SPDX-License-Identifier: LGPL-2.1
/* Stage: session. Sorted tables of the threads and vCPU ids of a run. */
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include "identity.h"
#include "kvm/kvm.h"

static int cmp_identity(const void *x, const void *y)
{
	const struct identity *a = x, *b = y;

	if (a->tid != b->tid)
		return a->tid < b->tid ? -1 : 1;
	return (a->first_ns > b->first_ns) - (a->first_ns < b->first_ns);
}

static int cmp_vcpu(const void *x, const void *y)
{
	int a = ((const struct vcpu_vm *)x)->vcpu, b = ((const struct vcpu_vm *)y)->vcpu;

	return (a > b) - (a < b);
}

void hvst_identities_free(struct identities *ids)
{
	free(ids->v);
	free(ids->vcpus);
	*ids = (struct identities){ 0 };
}

static void add_vm(struct identities *ids, const struct vm *vm)
{
	for (const struct vcpu *v = vm->vcpus; v; v = v->vm_next) {
		ids->v[ids->n++] = (struct identity){ .tid = v->tid,
						      .thread = v->serial,
						      .vm = hvst_vm_shown(vm),
						      .vcpu = v->vcpu_id,
						      .creator = v->creator,
						      .first_ns = v->first_ns };
		if (v->ran) /* else a task of the VMM that only wrote its state */
			ids->vcpus[ids->nr_vcpus++] =
				(struct vcpu_vm){ v->vcpu_id, hvst_vm_shown(vm) };
	}
}

/* Reduces @vcpus to one entry for each vCPU id. */
static void unite_vcpus(struct identities *ids)
{
	unsigned int n = 0;

	qsort(ids->vcpus, ids->nr_vcpus, sizeof(*ids->vcpus), cmp_vcpu);
	for (unsigned int i = 0; i < ids->nr_vcpus; i++) {
		const struct vcpu_vm *next = &ids->vcpus[i];

		if (!n || ids->vcpus[n - 1].vcpu != next->vcpu)
			ids->vcpus[n++] = *next;
		else if (ids->vcpus[n - 1].vm != next->vm)
			ids->vcpus[n - 1].vm = -1;
	}
	ids->nr_vcpus = n;
}

int hvst_identities_take(struct identities *ids, const struct kvm *kvm)
{
	unsigned int n = 1; /* an allocation of 0 bytes may be NULL */

	hvst_identities_free(ids);
	for (const struct vm *vm = hvst_kvm_vms(kvm); vm; vm = vm->next)
		n += vm->nr_vcpus;
	ids->v = calloc(n, sizeof(*ids->v));
	ids->vcpus = calloc(n, sizeof(*ids->vcpus));
	if (!ids->v || !ids->vcpus) {
		hvst_identities_free(ids);
		return -ENOMEM;
	}
	for (const struct vm *vm = hvst_kvm_vms(kvm); vm; vm = vm->next)
		add_vm(ids, vm);
	qsort(ids->v, ids->n, sizeof(*ids->v), cmp_identity);
	unite_vcpus(ids);
	return 0;
}

/* The index of the first thread of @tid that begins after @ts_ns, or where it would be. */
static unsigned int count_until(const struct identities *ids, int tid, int64_t ts_ns)
{
	const struct identity key = { .tid = tid, .first_ns = ts_ns };
	unsigned int lo = 0, hi = ids->n;

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (cmp_identity(&ids->v[mid], &key) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

const struct identity *hvst_identity_at(const struct identities *ids, int tid, int64_t ts_ns)
{
	unsigned int n = count_until(ids, tid, ts_ns);

	if (n && ids->v[n - 1].tid == tid)
		return &ids->v[n - 1];
	return n < ids->n && ids->v[n].tid == tid ? &ids->v[n] : NULL;
}

const struct identity *hvst_identity_only(const struct identities *ids, int tid)
{
	unsigned int n = count_until(ids, tid, INT64_MAX);

	if (!n || ids->v[n - 1].tid != tid || (n > 1 && ids->v[n - 2].tid == tid))
		return NULL;
	return &ids->v[n - 1];
}

int hvst_identities_vm_with(const struct identities *ids, int vcpu)
{
	const struct vcpu_vm key = { .vcpu = vcpu }, *found = NULL;

	if (ids->nr_vcpus)
		found = bsearch(&key, ids->vcpus, ids->nr_vcpus, sizeof(key), cmp_vcpu);
	return found ? found->vm : -1;
}
