/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. Deliveries that wait for their kvm_entry, and the distributions of latencies. */
#include <errno.h>
#include <stdlib.h>

#include "latency.h"

/* A delivery that waits for kvm_entry, which comes right after it. */
struct delivered {
	int64_t ts_ns;
	struct hvst_sketch *entry; /* of its timer */
};

struct vcpu_latency {
	unsigned int waiting; /* bit per timer */
	struct delivered delivered[HVST_STIMERS];
};

struct timer_latency {
	struct hvst_sketch *lateness, *delivery, *entry;
	/* for the observer: the firing that waits for kvm_entry */
	struct hvst_fire fire;
	bool fire_waits;
};

int hvst_latency_vcpu_created(struct vcpu *v)
{
	v->state->latency = calloc(1, sizeof(*v->state->latency));
	return v->state->latency ? 0 : -ENOMEM;
}

int hvst_latency_timer_created(struct stimer *t)
{
	struct timer_latency *l = calloc(1, sizeof(*l));

	t->state->latency = l;
	if (!l)
		return -ENOMEM;
	l->lateness = hvst_sketch_new();
	l->delivery = hvst_sketch_new();
	l->entry = hvst_sketch_new();
	return l->lateness && l->delivery && l->entry ? 0 : -ENOMEM;
}

void hvst_latency_timer_free(struct stimer *t)
{
	struct timer_latency *l = t->state->latency;

	if (!l)
		return;
	hvst_sketch_free(l->lateness);
	hvst_sketch_free(l->delivery);
	hvst_sketch_free(l->entry);
	free(l);
}

void hvst_latency_vcpu_free(struct vcpu *v)
{
	free(v->state->latency);
}

static void add(struct analysis *a, struct hvst_sketch *s, int64_t ns)
{
	if (hvst_sketch_add(s, ns, 1))
		a->error = -ENOMEM;
}

/* Report the firing that waited for its kvm_entry to the observer, with or without that entry. */
static void fire_out(struct analysis *a, struct stimer *t)
{
	struct timer_latency *l = t->state->latency;

	if (!l->fire_waits)
		return;
	l->fire_waits = false;
	l->fire.vm = hvst_vm_number(t->vcpu);
	if (!a->error && a->opts.obs->fire(a->opts.obs_ctx, &l->fire))
		a->error = -ECANCELED;
}

static __attribute__((noinline)) void fire_entered(struct analysis *a, struct stimer *t, int64_t ts)
{
	t->state->latency->fire.entry_ns = ts;
	fire_out(a, t);
}

static struct hvst_fire fire_of(const struct stimer *t, const struct hvst_event *ev,
				const struct hvst_delivery *d)
{
	return (struct hvst_fire){
		.arm_ns = d->arm_ns,
		.deadline_ns = d->deadline_ns,
		.callback_ns = d->callback_ns,
		.expiration_ns = ev->ts_ns,
		.entry_ns = HVST_UNKNOWN,
		.vm = -1,
		.vcpu = t->vcpu->vcpu_id,
		.tid = t->vcpu->tid,
		.thread = t->vcpu->serial,
		.timer = t->index,
		.result = ev->expiration.msg_send_result,
		.direct = ev->expiration.direct != 0,
	};
}

static __attribute__((noinline)) void fire_begin(struct analysis *a, struct stimer *t,
						 const struct hvst_event *ev,
						 const struct hvst_delivery *d)
{
	struct timer_latency *l = t->state->latency;

	if (!hvst_filter_pass(a, t->vcpu, t->index))
		return;
	fire_out(a, t);
	l->fire = fire_of(t, ev, d);
	l->fire_waits = true;
}

void hvst_latency_fire(struct analysis *a, const struct stimer *t, const struct hvst_event *ev,
		       const struct hvst_delivery *d)
{
	struct hvst_fire fire;

	if (!a->opts.obs->fire || !hvst_filter_pass(a, t->vcpu, t->index))
		return;
	fire = fire_of(t, ev, d);
	fire.vm = hvst_vm_number(t->vcpu);
	if (!a->error && a->opts.obs->fire(a->opts.obs_ctx, &fire))
		a->error = -ECANCELED;
}

void hvst_latency_delivery(struct analysis *a, struct stimer *t, const struct hvst_event *ev,
			   const struct hvst_delivery *d)
{
	struct vcpu_latency *v = t->vcpu->state->latency;
	struct timer_latency *l = t->state->latency;

	if (d->callback_ns != HVST_UNKNOWN) {
		if (d->deadline_ns != HVST_UNKNOWN)
			add(a, l->lateness, d->callback_ns - d->deadline_ns);
		add(a, l->delivery, ev->ts_ns - d->callback_ns);
	}
	if (a->opts.obs->fire)
		fire_begin(a, t, ev, d);
	if (!ev->expiration.msg_send_result) {
		v->delivered[t->index] = (struct delivered){ ev->ts_ns, l->entry };
		v->waiting |= 1u << t->index;
	}
}

void hvst_latency_entry(struct analysis *a, struct vcpu *v, int64_t ts)
{
	struct vcpu_latency *l = v->state->latency;
	unsigned int waiting = l->waiting;

	l->waiting = 0;
	for (; waiting; waiting &= waiting - 1) {
		unsigned int i = (unsigned int)__builtin_ctz(waiting);

		add(a, l->delivered[i].entry, ts - l->delivered[i].ts_ns);
		if (a->opts.obs->fire)
			fire_entered(a, v->timer[i], ts);
	}
}

void hvst_latency_drop(struct analysis *a, struct vcpu *v)
{
	v->state->latency->waiting = 0;
	for (unsigned int i = 0; i < HVST_STIMERS; i++) {
		struct stimer *t = v->timer[i];

		if (t && t->state)
			fire_out(a, t);
	}
}

/* Without an observer, drop a thread's deliveries when it is next seen. */
void hvst_latency_gap(struct analysis *a)
{
	if (!a->opts.obs->fire)
		return;
	for_each_vm (vm, a)
		for_each_vcpu (v, vm)
			if (v->state)
				hvst_latency_drop(a, v);
}

void hvst_latency_fill(const struct stimer *t, struct hvst_timer *out)
{
	const struct timer_latency *l = t->state->latency;

	out->lateness = l->lateness;
	out->delivery_latency = l->delivery;
	out->entry_latency = l->entry;
}
