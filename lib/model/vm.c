/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: model. Which vCPU threads form one VM.
 *
 * Nothing in the trace says so. A VM has one reference clock, so its threads' samples have one
 * epoch (trace time - 100 * time_now). A thread starts alone; when it has enough samples that at
 * least one is clean (their lateness is one-sided), it joins the VM whose clock agrees with its own
 * and which lacks its vcpu_id; where several agree (restored from one snapshot), the one with the
 * nearest thread id.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "model_private.h"

/*
 * Clocks of one VM agree to a few us; single samples are late by up to ms, so clean ones are
 * awaited.
 */
#define VM_SAME_NS   (300 * 1000)
#define VM_FIRST_TRY 8	  /* samples */
#define TASK_REACH   4096 /* thread ids between a VMM and its vCPU threads */

int hvst_model_vm_alone(struct model *m, struct vcpu *v)
{
	struct vm *vm = calloc(1, sizeof(*vm));

	if (!vm)
		return -ENOMEM;
	vm->order = m->nr_vms++;
	vm->number = -1;
	if (hvst_on_vm_new(m->an, vm)) {
		free(vm);
		return -ENOMEM;
	}
	vm->vcpus = v;
	vm->nr_vcpus = 1;
	v->vm = vm;
	*m->vms_tail = vm;
	m->vms_tail = &vm->next;
	return 0;
}

static unsigned int id_bucket(int id)
{
	return (unsigned int)id % MODEL_ID_BUCKETS;
}

struct vcpu *hvst_model_by_id(const struct model *m, int id)
{
	return m->by_id[id_bucket(id)];
}

static void id_unlink(struct model *m, struct vcpu *v)
{
	struct vcpu **p = &m->by_id[id_bucket(v->vcpu_id)];

	while (*p && *p != v)
		p = &(*p)->id_next;
	if (*p)
		*p = v->id_next;
	v->id_next = NULL;
}

void hvst_model_vcpu_named(struct model *m, struct vcpu *v, int vcpu_id)
{
	if (v->vcpu_id >= 0)
		id_unlink(m, v);
	v->vcpu_id = vcpu_id;
	v->id_next = m->by_id[id_bucket(vcpu_id)];
	m->by_id[id_bucket(vcpu_id)] = v;
}

static int64_t tid_apart(int a, int b)
{
	return llabs((int64_t)a - b);
}

/*
 * A VMM starts its vCPU threads after itself, so their ids lie above the task's own, and near. A
 * task above every known thread may be the VMM of a VM whose threads are yet to come: nobody's, for
 * now.
 */
static int64_t task_distance(const struct vcpu *v, int pid)
{
	int64_t d = (int64_t)v->tid - pid;

	return d >= 0 && d < TASK_REACH ? d : INT64_MAX;
}

struct vcpu *hvst_model_nearest(const struct model *m, int vcpu_id, int pid)
{
	struct vcpu *best = NULL;
	int64_t least = INT64_MAX;

	for (struct vcpu *v = hvst_model_by_id(m, vcpu_id); v; v = v->id_next) {
		int64_t d = task_distance(v, pid);

		if (v->vcpu_id == vcpu_id && d < least) {
			least = d;
			best = v;
		}
	}
	return best;
}

struct vm *hvst_model_vm_of_task(const struct model *cm, int pid)
{
	struct model *m = (struct model *)cm;
	const struct vcpu *best = NULL;
	unsigned int slot;

	for (unsigned int i = 0; i < m->task_cache_n; i++)
		if (m->task_cache[i].pid == pid)
			return m->task_cache[i].vm;
	for (const struct vcpu *v = m->all; v; v = v->all_next)
		if (task_distance(v, pid) < (best ? task_distance(best, pid) : INT64_MAX))
			best = v;
	if (!best)
		return NULL;
	slot = m->task_cache_n < 16 ? m->task_cache_n++ : (unsigned int)pid % 16;
	m->task_cache[slot].pid = pid;
	m->task_cache[slot].vm = best->vm;
	return best->vm;
}

/* By the id's chain: a VM may have thousands of threads. */
static bool vm_has_id(const struct model *m, const struct vm *vm, int vcpu_id)
{
	for (const struct vcpu *v = hvst_model_by_id(m, vcpu_id); v; v = v->id_next)
		if (v->vcpu_id == vcpu_id && v->vm == vm)
			return true;
	return false;
}

/* All threads of @from become @into's. */
static void vm_join(struct model *m, struct vm *into, struct vm *from)
{
	hvst_on_vm_merge(m->an, into, from);
	while (from->vcpus) {
		struct vcpu *v = from->vcpus;

		from->vcpus = v->vm_next;
		v->vm = into;
		v->vm_next = into->vcpus;
		into->vcpus = v;
		into->nr_vcpus++;
	}
	from->nr_vcpus = 0;
	from->dead = true;
	if (from->order < into->order)
		into->order = from->order;
	m->task_cache_n = 0;
}

static bool vm_ids_clash(const struct model *m, const struct vm *a, const struct vm *b)
{
	for (const struct vcpu *v = b->vcpus; v; v = v->vm_next)
		if (v->vcpu_id < 0 || vm_has_id(m, a, v->vcpu_id))
			return true;
	return false;
}

/* Where in the threads by tid @tid is, or would be. */
static unsigned int place_of(const struct model *m, int tid)
{
	unsigned int lo = 0, hi = m->nr_vcpus;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (m->sorted[mid]->tid < tid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void hvst_model_sort_in(struct model *m, struct vcpu *v)
{
	unsigned int at = place_of(m, v->tid);

	memmove(m->sorted + at + 1, m->sorted + at, (m->nr_vcpus - at) * sizeof(*m->sorted));
	m->sorted[at] = v;
	m->nr_vcpus++;
}

static bool vm_fits(struct model *m, const struct vm *vm, const struct vcpu *v, int64_t ts)
{
	int64_t d;

	if (vm == v->vm || vm_ids_clash(m, vm, v->vm))
		return false;
	d = hvst_on_vm_distance(m->an, vm, v->vm, ts);
	return d != HVST_UNKNOWN && d <= VM_SAME_NS;
}

/*
 * The VM that fits and has the thread nearest to @v, the elder of two as near: outwards from @v, so
 * that among thousands of threads few are looked at.
 */
static struct vm *vm_nearest_fit(struct model *m, const struct vcpu *v, int64_t ts)
{
	unsigned int up = place_of(m, v->tid) + 1, down = up - 1;
	const struct vm *rejected = v->vm;
	const struct vcpu *best = NULL;

	while (down > 0 || up < m->nr_vcpus) {
		bool below = down > 0 &&
			     (up == m->nr_vcpus || tid_apart(m->sorted[down - 1]->tid, v->tid) <=
							   tid_apart(m->sorted[up]->tid, v->tid));
		const struct vcpu *o = below ? m->sorted[--down] : m->sorted[up++];

		if (best && tid_apart(o->tid, v->tid) > tid_apart(best->tid, v->tid))
			break;
		if (o->vm == rejected)
			continue;
		if (!vm_fits(m, o->vm, v, ts))
			rejected = o->vm;
		else if (!best || o->vm->order < best->vm->order)
			best = o;
	}
	return best ? best->vm : NULL;
}

/*
 * Joins the thread's VM with the one whose clock agrees; the elder one of the two takes the other
 * in.
 */
static void vm_find(struct model *m, struct vcpu *v, int64_t ts)
{
	struct vm *best = vm_nearest_fit(m, v, ts);

	if (best && best->order < v->vm->order)
		vm_join(m, best, v->vm);
	else if (best)
		vm_join(m, v->vm, best);
}

void hvst_model_sampled(struct model *m, struct vcpu *v, const struct hvst_event *ev)
{
	uint64_t n = ++v->samples;

	/* At 8, 16, 32, ... samples: a thread that fits nowhere now may fit once a step has passed.
	 */
	if (n >= VM_FIRST_TRY && !(n & (n - 1)))
		vm_find(m, v, ev->ts_ns);
}

static int vm_cmp(const void *a, const void *b)
{
	const struct vm *x = *(struct vm *const *)a, *y = *(struct vm *const *)b;

	return x->order < y->order ? -1 : x->order > y->order;
}

static bool vm_ran(const struct vm *vm)
{
	for (const struct vcpu *v = vm->vcpus; v; v = v->vm_next)
		if (v->ran)
			return true;
	return false;
}

/* In order of appearance; a thread without one sample has no epoch and stays in "unknown VM". */
static int vm_number(struct model *m)
{
	struct vm **list = calloc(m->nr_vms ? m->nr_vms : 1, sizeof(*list));
	unsigned int n = 0;
	int number = 0;

	if (!list)
		return -ENOMEM;
	for (struct vm *vm = m->vms; vm; vm = vm->next)
		if (!vm->dead && vm_ran(vm))
			list[n++] = vm;
	qsort(list, n, sizeof(*list), vm_cmp);
	for (unsigned int i = 0; i < n; i++) {
		bool sampled = false;

		for (const struct vcpu *v = list[i]->vcpus; v; v = v->vm_next)
			sampled |= v->samples > 0;
		list[i]->number = sampled || n == 1 ? number++ : -1;
	}
	free(list);
	return 0;
}

/* With one VM in the whole trace, a thread without samples can only be its. */
static void adopt_silent(struct model *m)
{
	struct vm *only = NULL;

	for (struct vm *vm = m->vms; vm; vm = vm->next) {
		bool sampled = false;

		for (const struct vcpu *v = vm->vcpus; v; v = v->vm_next)
			sampled |= v->samples > 0;
		if (vm->dead || !sampled)
			continue;
		if (only)
			return;
		only = vm;
	}
	if (!only)
		return;
	for (struct vcpu *v = m->all; v; v = v->all_next)
		if (v->vm != only && !v->samples && !vm_ids_clash(m, only, v->vm))
			vm_join(m, only, v->vm);
}

void hvst_model_finish(struct model *m)
{
	for (struct vcpu *v = m->all; v; v = v->all_next)
		if (v->samples)
			vm_find(m, v, v->last_ns);
	adopt_silent(m);
	if (vm_number(m))
		m->error = -ENOMEM;
}
