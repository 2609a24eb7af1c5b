/* SPDX-License-Identifier: LGPL-2.1 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "epoch.h"
#include "guestclock.h"
#include "resolve.h"

#define MAX_PENDING (1u << 17) /* of all VMs; 56 bytes each */

struct pending_arm {
	int64_t ts_ns;
	uint64_t ts_raw, count;
	struct stimer *t;
	int64_t bound_ns;
	uint16_t cpu, buffer;
	uint8_t flags;
};

struct vm_pending {
	struct pending_arm *arm;
	unsigned int n, cap;
};

struct timer_skew {
	struct hvst_sketch *sketch;
};

int hvst_resolve_vm_created(struct vm *vm)
{
	vm->state->pending = calloc(1, sizeof(*vm->state->pending));
	return vm->state->pending ? 0 : -ENOMEM;
}

int hvst_resolve_timer_created(struct stimer *t)
{
	struct timer_skew *s = calloc(1, sizeof(*s));

	t->state->skew = s;
	if (!s)
		return -ENOMEM;
	s->sketch = hvst_sketch_new();
	return s->sketch ? 0 : -ENOMEM;
}

void hvst_resolve_vm_free(struct vm *vm)
{
	if (vm->state->pending)
		free(vm->state->pending->arm);
	free(vm->state->pending);
}

void hvst_resolve_timer_free(struct stimer *t)
{
	if (t->state->skew)
		hvst_sketch_free(t->state->skew->sketch);
	free(t->state->skew);
}

const struct hvst_sketch *hvst_resolve_sketch(const struct stimer *t)
{
	return t->state->skew->sketch;
}

static __attribute__((noinline)) void arm_out(struct analysis *a, struct stimer *t,
					      const struct hvst_arm *arm)
{
	struct hvst_arm m;

	if (a->error || !hvst_filter_pass(a, t->vcpu, t->index))
		return;
	m = *arm;
	m.vm = hvst_vm_number(t->vcpu);
	m.thread = t->vcpu->serial;
	if (a->opts.obs->arm(a->opts.obs_ctx, &m))
		a->error = -ECANCELED;
}

static void skew_known(struct analysis *a, struct stimer *t, const struct hvst_arm *arm)
{
	if (a->opts.arms_only)
		return;
	if (arm->kind == HVST_ARM_PERIODIC || arm->flags & (HVST_ARM_RESTART | HVST_ARM_PARKED) ||
	    arm->skew_ns == HVST_UNKNOWN || arm->skew_ns <= -HVST_SKEW_MAX / 2)
		return;
	if (hvst_sketch_add(t->state->skew->sketch, arm->skew_ns, 1))
		a->error = -ENOMEM;
	hvst_guestclock_arm(a, t, arm);
	hvst_epoch_resolved(t, arm);
}

/* The arm's skew from the clock as it is known now; unknown where readings do not bound it. */
static void skew_from_clock(const struct vm *vm, struct hvst_arm *arm, int64_t bound)
{
	int64_t o, err, skew;

	if (!arm->count || !hvst_refclock_at(&vm->clock, arm->ts_ns, arm->cpu, &o, &err))
		return;
	/* A past-due arm is itself a bound of the clock: its skew is not negative. */
	skew = hvst_refclock_sub(o, hvst_refclock_offset(arm->count, arm->ts_ns));
	arm->skew_ns = skew < 0 ? 0 : skew > HVST_SKEW_MAX ? HVST_SKEW_MAX : skew;
	arm->error_ns = err + bound;
	arm->time_now = arm->count + (uint64_t)arm->skew_ns / 100;
}

static void resolve_one(struct analysis *a, const struct vm *vm, const struct pending_arm *p)
{
	struct hvst_arm arm = {
		.ts_ns = p->ts_ns,
		.ts_raw = p->ts_raw,
		.count = p->count,
		.skew_ns = HVST_UNKNOWN,
		.vm = -1,
		.vcpu = p->t->vcpu->vcpu_id,
		.tid = p->t->vcpu->tid,
		.timer = p->t->index,
		.cpu = p->cpu,
		.buffer = p->buffer,
		.kind = HVST_ARM_PAST_DUE,
		.flags = p->flags,
	};

	skew_from_clock(vm, &arm, p->bound_ns);
	skew_known(a, p->t, &arm);
	if (a->opts.obs->arm)
		arm_out(a, p->t, &arm);
}

/* The first @n arms that wait. */
static __attribute__((noinline)) void resolve(struct analysis *a, struct vm *vm, unsigned int n)
{
	struct vm_pending *w = vm->state->pending;

	if (!n)
		return; /* and perhaps no array yet */
	for (unsigned int i = 0; i < n; i++)
		resolve_one(a, vm, &w->arm[i]);
	w->n -= n;
	a->nr_pending -= n;
	if (!w->n) {
		free(w->arm);
		w->arm = NULL;
		w->cap = 0;
		return;
	}
	memmove(w->arm, w->arm + n, w->n * sizeof(*w->arm));
}

static void pending_add(struct analysis *a, struct vm *vm, const struct pending_arm *p)
{
	struct vm_pending *w = vm->state->pending;

	if (a->nr_pending >= MAX_PENDING) /* too many: by the clock as it is known now */
		resolve(a, vm, (w->n + 1) / 2);
	if (a->nr_pending >= MAX_PENDING) { /* all of them another VM's */
		resolve_one(a, vm, p);
		return;
	}
	if (w->n == w->cap) {
		unsigned int cap = w->cap ? 2 * w->cap : 64;
		struct pending_arm *arm = realloc(w->arm, cap * sizeof(*arm));

		if (!arm) {
			a->error = -ENOMEM;
			return;
		}
		w->arm = arm;
		w->cap = cap;
	}
	w->arm[w->n++] = *p;
	a->nr_pending++;
}

static __attribute__((noinline)) void arm_waits(struct analysis *a, struct stimer *t,
						const struct hvst_arm *arm, int64_t bound_ns)
{
	struct pending_arm p = {
		.ts_ns = arm->ts_ns,
		.ts_raw = arm->ts_raw,
		.count = arm->count,
		.t = t,
		.bound_ns = bound_ns,
		.cpu = arm->cpu,
		.buffer = arm->buffer,
		.flags = arm->flags,
	};

	pending_add(a, t->vcpu->vm, &p);
}

void hvst_resolve_arm(struct analysis *a, struct stimer *t, const struct hvst_arm *arm,
		      int64_t bound_ns)
{
	if (arm->skew_ns == HVST_UNKNOWN && arm->kind != HVST_ARM_PERIODIC) {
		arm_waits(a, t, arm, bound_ns);
		return;
	}
	skew_known(a, t, arm);
	if (a->opts.obs->arm)
		arm_out(a, t, arm);
}

void hvst_resolve_sample(struct analysis *a, struct vm *vm, int cpu)
{
	const struct vm_pending *w = vm->state->pending;
	int64_t final_until;
	unsigned int n = 0;

	if (!w->n)
		return;
	final_until = hvst_refclock_final_until(&vm->clock, cpu);
	if (final_until == REFCLOCK_UNKNOWN)
		return;
	while (n < w->n && w->arm[n].ts_ns < final_until)
		n++;
	resolve(a, vm, n);
}

void hvst_resolve_merged(struct analysis *a, struct vm *into, struct vm *from)
{
	struct vm_pending *w = from->state->pending;

	a->nr_pending -= w->n;
	for (unsigned int i = 0; i < w->n; i++)
		pending_add(a, into, &w->arm[i]);
	w->n = 0;
}

void hvst_resolve_finish(struct analysis *a)
{
	for_each_vm (vm, a)
		if (vm->state)
			resolve(a, vm, vm->state->pending->n);
}

int64_t hvst_resolve_point(const struct vm *vm, int64_t ts, uint64_t count, int cpu, int64_t *err)
{
	int64_t o, e;

	if (!hvst_refclock_at(&vm->clock, ts, cpu, &o, &e))
		return HVST_UNKNOWN;
	if (e > *err)
		*err = e;
	return hvst_refclock_sub(o, hvst_refclock_offset(count, ts));
}
