/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: kvm. vCPU threads. A thread becomes a vCPU by doing what only a vCPU thread does (entering
 * the guest, executing a guest's MSR write, starting or delivering a timer). Cleanups and the VMM's
 * writes also come from other tasks and create nothing.
 */
#include <errno.h>
#include <stdlib.h>

#include "kvm_private.h"

#define CREATOR_REACH 4096	      /* thread ids between a VMM and its vCPU threads */
#define ON_TIME_NS    (1000LL * 1000) /* a callback this soon after its deadline is not late */

static unsigned int tid_hash(int tid)
{
	return ((uint32_t)tid * 2654435761u) >> (32 - KVM_HASH_BITS);
}

struct vcpu *hvst_kvm_find(const struct kvm *k, int tid)
{
	struct vcpu *v = k->by_tid[tid_hash(tid)];

	while (v && v->tid != tid)
		v = v->hash_next;
	return v;
}

/* The task that created a VM and started this thread, or the thread itself; NULL: none was seen. */
static const struct creator *creator_of(const struct kvm *k, int tid)
{
	unsigned int n = k->nr_creators < KVM_CREATORS ? k->nr_creators : KVM_CREATORS;
	const struct creator *best = NULL;

	for (unsigned int i = 0; i < n; i++) {
		const struct creator *c = &k->creators[i];

		if (c->pid <= tid && tid - c->pid < CREATOR_REACH && (!best || c->pid > best->pid))
			best = c;
	}
	return best;
}

static struct creator *creator_find(struct kvm *k, int pid)
{
	unsigned int n = k->nr_creators < KVM_CREATORS ? k->nr_creators : KVM_CREATORS;

	for (unsigned int i = 0; i < n; i++)
		if (k->creators[i].pid == pid)
			return &k->creators[i];
	return NULL;
}

bool kvm_created_by(const struct kvm *k, int pid)
{
	const struct creator *c = creator_of(k, pid);

	return c && c->pid == pid;
}

bool kvm_vm_created(const struct kvm *k, const struct vm *vm, int pid)
{
	return kvm_created_by(k, pid) || (vm && creator_of(k, vm->vcpus->tid));
}

/* Records the creation of a vCPU; a task that creates the same one again makes another VM. */
static void creator_add(struct kvm *k, const struct hvst_event *ev)
{
	uint64_t bit = ev->vcpu_id >= 0 && ev->vcpu_id < 64 ? 1ULL << ev->vcpu_id : 0;
	struct creator *c = creator_find(k, ev->pid);

	if (!c) {
		c = &k->creators[k->nr_creators++ % KVM_CREATORS];
		*c = (struct creator){ .pid = ev->pid, .ts_ns = ev->ts_ns };
	} else if (c->vcpus & bit) {
		*c = (struct creator){ .pid = ev->pid, .ts_ns = ev->ts_ns };
	}
	c->vcpus |= bit;
}

void kvm_creator_restores(struct kvm *k, int pid)
{
	struct creator *c = creator_find(k, pid);

	if (c)
		c->restored = true;
}

static int known_creator(const struct kvm *k, int tid, int64_t ts)
{
	return k->opts.known_creator ? k->opts.known_creator(k->opts.known_ctx, tid, ts) : -1;
}

static struct vcpu *vcpu_create(struct kvm *k, int tid, const struct hvst_event *ev)
{
	unsigned int h = tid_hash(tid);
	const struct creator *by = creator_of(k, tid);
	struct vcpu *v;

	if (k->nr_created >= KVM_MAX_VCPUS) {
		k->unfollowed++;
		return NULL;
	}
	v = calloc(1, sizeof(*v));
	if (!v)
		goto nomem;
	v->tid = tid;
	v->serial = (int)k->nr_created;
	v->vcpu_id = -1;
	v->all_next = k->all;
	v->gap = k->gap;
	v->msr_ns = v->entry_ns = HVST_UNKNOWN;
	v->first_ns = v->last_ns = ev->ts_ns;
	if (kvm_vm_alone(k, v))
		goto nomem;
	v->creator = by ? by->pid : known_creator(k, tid, ev->ts_ns);
	/* "Page off" holds only where a write of the page would be seen. */
	if (by && k->opts.msr_recorded)
		hvst_tscpage_created(&v->vm->page, by->ts_ns);
	if (by && by->restored)
		hvst_tscpage_restored(&v->vm->page, by->ts_ns);
	v->hash_next = k->by_tid[h];
	k->by_tid[h] = v;
	k->all = v;
	k->nr_created++;
	kvm_sort_in(k, v);
	return v;
nomem:
	free(v);
	k->error = -ENOMEM;
	return NULL;
}

void kvm_vcpu_free(struct vcpu *v)
{
	for (unsigned int i = 0; i < HVST_STIMERS; i++)
		free(v->timer[i]);
	free(v);
}

/* From here on its thread id belongs to another vCPU; what was found about this one stays. */
static void vcpu_retire(struct kvm *k, struct vcpu *v)
{
	struct vcpu **p = &k->by_tid[tid_hash(v->tid)];

	while (*p && *p != v)
		p = &(*p)->hash_next;
	if (*p)
		*p = v->hash_next;
	kvm_sort_out(k, v);
	v->gone = v->vm->gone = true;
	v->generation = 0;
}

/*
 * The vCPU that a new one replaces: the thread that creates it already ran one, or the task creates
 * the same vcpu_id for the second time. An offset that was 0 before is no sign where 0 had been
 * written.
 */
static struct vcpu *vcpu_before(const struct kvm *k, const struct hvst_event *ev)
{
	struct vcpu *v = hvst_kvm_find(k, ev->pid);

	if (v && v->ran)
		return v->tsc_known && !v->tsc_offset ? NULL : v;
	v = ev->vcpu_id >= 0 ? kvm_nearest(k, ev->vcpu_id, ev->pid) : NULL;
	return v && v->ran && v->creator == ev->pid ? v : NULL;
}

void kvm_vcpu_created(struct kvm *k, const struct hvst_event *ev)
{
	struct vcpu *old = vcpu_before(k, ev), *v;

	creator_add(k, ev);
	if (!old)
		return;
	vcpu_retire(k, old);
	/*
	 * Its thread is expected to run the new vCPU; what the VMM writes first belongs to that
	 * one.
	 */
	v = vcpu_create(k, old->tid, ev);
	if (!v)
		return;
	kvm_vcpu_named(k, v, ev->vcpu_id >= 0 ? ev->vcpu_id : old->vcpu_id);
}

void kvm_offset_written(struct kvm *k, struct vcpu *v, const struct hvst_event *ev)
{
	struct early_offset *e;

	if (v) {
		v->tsc_offset = ev->tsc_offset.next_tsc_offset;
		v->tsc_known = true;
		return;
	}
	e = &k->early[k->nr_early++ % KVM_EARLY_OFFSETS];
	*e = (struct early_offset){ ev->pid, ev->vcpu_id, ev->tsc_offset.next_tsc_offset };
}

static void offset_adopt(const struct kvm *k, struct vcpu *v)
{
	unsigned int n = k->nr_early < KVM_EARLY_OFFSETS ? k->nr_early : KVM_EARLY_OFFSETS;

	for (unsigned int i = 1; i <= n && !v->tsc_known; i++) {
		const struct early_offset *e = &k->early[(k->nr_early - i) % KVM_EARLY_OFFSETS];

		if (e->pid != v->creator || e->vcpu_id != v->vcpu_id)
			continue;
		v->tsc_offset = e->offset;
		v->tsc_known = true;
	}
}

void kvm_early_write(struct kvm *k, const struct hvst_event *ev)
{
	k->early_write[k->nr_early_writes++ % KVM_EARLY_WRITES] = *ev;
}

static void writes_adopt(struct kvm *k, struct vcpu *v)
{
	unsigned int n =
		k->nr_early_writes < KVM_EARLY_WRITES ? k->nr_early_writes : KVM_EARLY_WRITES;
	struct hvst_changes unseen;

	for (unsigned int i = n; i > 0; i--) {
		struct hvst_event *ev =
			&k->early_write[(k->nr_early_writes - i) % KVM_EARLY_WRITES];

		if (ev->pid != v->creator || ev->vcpu_id != v->vcpu_id)
			continue;
		kvm_nothing(&unseen);
		if (ev->id == HVST_EV_STIMER_SET_CONFIG)
			kvm_set_config(k, v, ev, &unseen);
		else
			kvm_set_count(k, v, ev, &unseen);
		ev->pid = -1; /* assigned to its vCPU */
	}
}

void kvm_early_adopt(struct kvm *k, struct vcpu *v)
{
	if (v->creator < 0)
		return;
	offset_adopt(k, v);
	if (v->creator != v->tid)
		writes_adopt(k, v);
}

/* The thread runs another vCPU, whose creation was not seen: what was in flight has ended. */
static void vcpu_replaced(const struct kvm *k, struct vcpu *v)
{
	for (unsigned int i = 0; i < HVST_STIMERS; i++) {
		if (!v->timer[i])
			continue;
		kvm_timer_forget(k, v->timer[i]);
		v->timer[i]->armed = v->timer[i]->padded = v->timer[i]->by_host = false;
	}
	v->msr_ns = HVST_UNKNOWN;
}

void kvm_vcpu_after_gap(struct kvm *k, struct vcpu *v, int64_t ts, struct hvst_changes *out)
{
	if (v->gap == k->gap || ts < k->gap_ns)
		return;
	v->gap = k->gap;
	kvm_change(out, HVST_CHANGE_VCPU_GAP, v->vm, v);
}

/*
 * Until when the thread is known to have been idle: a callback at the deadline of its only timer
 * shows that the guest had not programmed that timer since.
 */
static int64_t known_until(const struct vcpu *v)
{
	const struct stimer *only = NULL;

	for (unsigned int i = 0; i < HVST_STIMERS; i++) {
		if (v->timer[i] && only)
			return v->last_ns;
		if (v->timer[i])
			only = v->timer[i];
	}
	/* HVST_UNKNOWN is less than any time. */
	if (!only || only->callback_ns <= v->last_ns ||
	    only->deadline_ns < only->callback_ns - ON_TIME_NS)
		return v->last_ns;
	return only->callback_ns;
}

/*
 * The thread appears on a CPU. What it did before that CPU's buffer begins may have been on that
 * CPU, too, and overwritten: a thread that was not seen until then (since the start of the trace,
 * unless its VM was created in it) is not known to have been idle, except while it waited for its
 * timer.
 */
static void appears(struct kvm *k, struct vcpu *v, const struct hvst_event *ev)
{
	unsigned int c = ev->cpu % KVM_MAX_CPUS;
	struct kvm_cpu *cpu = &k->cpu[c];
	bool first_seen = v->first_ns == ev->ts_ns && v->last_ns == ev->ts_ns;
	int64_t since = first_seen ? k->first_ns : known_until(v);
	int64_t begins = cpu->first_ns;

	cpu->vcpu = v;
	v->cpus[c / 64] |= 1ULL << c % 64;
	if (begins > since && !(first_seen && v->vm->page.nr_sources) &&
	    __builtin_add_overflow(v->silent_ns, begins - since, &v->silent_ns))
		v->silent_ns = INT64_MAX;
}

static struct vcpu *vcpu_look_up(struct kvm *k, const struct hvst_event *ev, bool create)
{
	struct vcpu *v = hvst_kvm_find(k, ev->pid);

	if (!v && create)
		v = vcpu_create(k, ev->pid, ev);
	if (!v)
		return NULL;
	appears(k, v, ev);
	if (ev->vcpu_id >= 0 && v->vcpu_id != ev->vcpu_id && create) {
		if (v->vcpu_id >= 0)
			vcpu_replaced(k, v);
		kvm_vcpu_named(k, v, ev->vcpu_id);
	}
	if (ev->ts_ns < v->last_ns)
		k->backwards++;
	else
		v->last_ns = ev->ts_ns;
	return v;
}

__attribute__((noinline)) struct vcpu *kvm_vcpu_search(struct kvm *k, const struct hvst_event *ev,
						       bool create, struct hvst_changes *out)
{
	struct vcpu *v = kvm_cpu(k, ev)->vcpu;

	kvm_cpu_begins(k, ev);
	if (!v || v->tid != ev->pid || v->gone || ev->ts_ns < v->last_ns ||
	    (v->vcpu_id != ev->vcpu_id && ev->vcpu_id >= 0))
		v = vcpu_look_up(k, ev, create);
	else
		v->last_ns = ev->ts_ns;
	if (!v)
		return NULL;
	v->ran |= create;
	if (create && k->off_vm)
		kvm_off_is_own(k, v, out);
	kvm_vcpu_after_gap(k, v, ev->ts_ns, out);
	if (v->ran && v->gap == k->gap && !k->off_vm)
		v->generation = k->generation;
	return v;
}

/*
 * A write by the VMM may come from a task that is not a vCPU thread: it belongs to the vCPU it
 * names, of that task. Where there is none, the task may be a vCPU thread that has not run its
 * guest yet: a restored VM. It is listed as a vCPU (@ran) only when it does.
 */
__attribute__((noinline)) struct vcpu *kvm_vcpu_written(struct kvm *k, const struct hvst_event *ev,
							struct hvst_changes *out)
{
	struct vcpu *v = kvm_vcpu_of(k, ev, false, out), *near;

	if (v && (v->vcpu_id == ev->vcpu_id || v->vcpu_id < 0 || ev->vcpu_id < 0))
		return v;
	near = kvm_nearest(k, ev->vcpu_id, ev->pid);
	if (!near)
		near = vcpu_look_up(k, ev, true);
	if (near)
		kvm_vcpu_after_gap(k, near, ev->ts_ns, out);
	return near;
}
