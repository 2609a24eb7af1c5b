/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. The list of arms that wait for the clock's estimate to be final. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "epoch.h"
#include "guestclock.h"
#include "resolve.h"

#define MAX_PENDING (1u << 17) /* of all VMs; 48 bytes each */
#define BLOCK_ARMS  64
#define AHEAD	    8 /* arms to fetch into the cache: they were written long before */

struct pending_arm {
	int64_t ts_ns;
	uint64_t ts_raw, count;
	struct stimer *t;
	int64_t bound_ns;
	uint16_t cpu, buffer;
	uint8_t flags;
};

/* Arms that wait. Blocks are linked, so that a VM takes over those of another without a copy. */
struct pending_block {
	struct pending_block *next;
	unsigned int first, end; /* of @arm, what still waits */
	struct pending_arm arm[BLOCK_ARMS];
};

struct vm_pending {
	struct pending_block *head, *last;
	unsigned int n; /* arms */
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

static void blocks_free(struct pending_block *b)
{
	while (b) {
		struct pending_block *next = b->next;

		free(b);
		b = next;
	}
}

void hvst_resolve_vm_free(struct vm *vm)
{
	if (vm->state->pending)
		blocks_free(vm->state->pending->head);
	free(vm->state->pending);
}

void hvst_resolve_free(struct analysis *a)
{
	blocks_free(a->spare_blocks);
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

/* Arms that are resolved one after another. */
struct resolving {
	const struct vm *vm;
	struct refclock_span span; /* the piece of the clock that they lie on */
	struct hvst_arm arm;	   /* the present one; what all have in common is filled in once */
};

static void resolving_begin(struct resolving *r, const struct vm *vm, int cpu)
{
	*r = (struct resolving){
		.vm = vm,
		.arm = { .vm = -1, .kind = HVST_ARM_PAST_DUE },
	};
	if (!hvst_refclock_span(&vm->clock, cpu, &r->span))
		r->span = (struct refclock_span){ .from = INT64_MAX, .last = INT64_MIN };
}

static bool clock_at(const struct resolving *r, int64_t ts, int cpu, int64_t *o, int64_t *err)
{
	if (!hvst_refclock_span_has(&r->span, ts, cpu))
		return hvst_refclock_at(&r->vm->clock, ts, cpu, o, err);
	hvst_refclock_span_at(&r->span, ts, o, err);
	return true;
}

/* The arm's skew by the present estimate of the clock; unknown where readings do not bound it. */
static void skew_from_clock(struct resolving *r, const struct pending_arm *p)
{
	struct hvst_arm *arm = &r->arm;
	int64_t o, err, skew;

	if (!p->count || !clock_at(r, p->ts_ns, p->cpu, &o, &err)) {
		arm->skew_ns = HVST_UNKNOWN;
		arm->error_ns = 0;
		arm->time_now = 0;
		return;
	}
	/* A past-due arm is itself a bound of the clock: its skew is not negative. */
	skew = hvst_refclock_sub(o, hvst_refclock_offset(p->count, p->ts_ns));
	skew = skew < 0 ? 0 : skew > HVST_SKEW_MAX ? HVST_SKEW_MAX : skew;
	arm->skew_ns = skew;
	arm->error_ns = err + p->bound_ns;
	arm->time_now = p->count + (uint64_t)skew / 100;
}

static void resolve_one(struct analysis *a, struct resolving *r, const struct pending_arm *p)
{
	const struct vcpu *v = p->t->vcpu;
	struct hvst_arm *arm = &r->arm;

	arm->ts_ns = p->ts_ns;
	arm->ts_raw = p->ts_raw;
	arm->count = p->count;
	arm->vcpu = v->vcpu_id;
	arm->tid = v->tid;
	arm->timer = p->t->index;
	arm->cpu = p->cpu;
	arm->buffer = p->buffer;
	arm->flags = p->flags;
	skew_from_clock(r, p);
	skew_known(a, p->t, arm);
	if (a->opts.obs->arm)
		arm_out(a, p->t, arm);
}

/* The arm that waits first. A block that is used up is kept, as its memory is mapped already. */
static void resolve_first(struct analysis *a, struct vm *vm, struct resolving *r)
{
	struct vm_pending *w = vm->state->pending;
	struct pending_block *b = w->head;

	if (b->first + AHEAD < BLOCK_ARMS)
		__builtin_prefetch(&b->arm[b->first + AHEAD]);
	else if (b->next)
		__builtin_prefetch(&b->next->arm[b->first + AHEAD - BLOCK_ARMS]);
	resolve_one(a, r, &b->arm[b->first++]);
	w->n--;
	a->nr_pending--;
	if (b->first < b->end)
		return;
	w->head = b->next;
	b->next = a->spare_blocks;
	a->spare_blocks = b;
}

/*
 * Resolves the first @n arms, as far as they come before or at @until. Compiled into one function,
 * like hvst_analysis_events().
 */
static __attribute__((noinline, flatten)) void resolve(struct analysis *a, struct vm *vm,
						       unsigned int n, int64_t until)
{
	const struct vm_pending *w = vm->state->pending;
	struct resolving r;

	if (!n)
		return;
	resolving_begin(&r, vm, w->head->arm[w->head->first].cpu);
	for (; n && w->head->arm[w->head->first].ts_ns <= until; n--)
		resolve_first(a, vm, &r);
}

/* Adds a block; NULL without memory. */
static __attribute__((noinline)) struct pending_block *block_add(struct analysis *a,
								 struct vm_pending *w)
{
	struct pending_block *b = a->spare_blocks;

	if (b)
		a->spare_blocks = b->next;
	else
		b = malloc(sizeof(*b));
	if (!b)
		return NULL;
	b->next = NULL;
	b->first = b->end = 0;
	if (w->head)
		w->last->next = b;
	else
		w->head = b;
	w->last = b;
	return b;
}

static struct pending_arm pending_of(struct stimer *t, const struct hvst_arm *arm, int64_t bound_ns)
{
	return (struct pending_arm){
		.ts_ns = arm->ts_ns,
		.ts_raw = arm->ts_raw,
		.count = arm->count,
		.t = t,
		.bound_ns = bound_ns,
		.cpu = arm->cpu,
		.buffer = arm->buffer,
		.flags = arm->flags,
	};
}

/* No more arms can wait: uses the present estimate of the clock for half of the VM's. */
static __attribute__((noinline)) void resolve_half(struct analysis *a, struct vm *vm)
{
	resolve(a, vm, (vm->state->pending->n + 1) / 2, INT64_MAX);
}

/* All that wait belong to other VMs. */
static __attribute__((noinline)) void resolve_now(struct analysis *a, struct stimer *t,
						  const struct hvst_arm *arm, int64_t bound_ns)
{
	const struct pending_arm p = pending_of(t, arm, bound_ns);
	struct resolving r;

	resolving_begin(&r, t->vcpu->vm, p.cpu);
	resolve_one(a, &r, &p);
}

static void arm_waits(struct analysis *a, struct stimer *t, const struct hvst_arm *arm,
		      int64_t bound_ns)
{
	struct vm *vm = t->vcpu->vm;
	struct vm_pending *w = vm->state->pending;
	struct pending_block *b;

	if (a->nr_pending >= MAX_PENDING)
		resolve_half(a, vm);
	if (a->nr_pending >= MAX_PENDING) {
		resolve_now(a, t, arm, bound_ns);
		return;
	}
	b = w->head && w->last->end < BLOCK_ARMS ? w->last : block_add(a, w);
	if (!b) {
		a->error = -ENOMEM;
		return;
	}
	b->arm[b->end++] = pending_of(t, arm, bound_ns);
	w->n++;
	a->nr_pending++;
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

	if (!w->n)
		return;
	final_until = hvst_refclock_final_until(&vm->clock, cpu);
	if (final_until == REFCLOCK_UNKNOWN)
		return;
	if (w->head->arm[w->head->first].ts_ns < final_until)
		resolve(a, vm, w->n, final_until - 1);
}

void hvst_resolve_merged(struct vm *into, struct vm *from)
{
	struct vm_pending *i = into->state->pending, *f = from->state->pending;

	if (!f->n)
		return;
	if (i->head)
		i->last->next = f->head;
	else
		i->head = f->head;
	i->last = f->last;
	i->n += f->n;
	*f = (struct vm_pending){ 0 };
}

void hvst_resolve_finish(struct analysis *a)
{
	for_each_vm (vm, a)
		if (vm->state)
			resolve(a, vm, vm->state->pending->n, INT64_MAX);
}
