/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. Times of the guest's handler by the way its timer is delivered. */
#include <errno.h>

#include "../stats/median.h"
#include "handler.h"

#define QUARTILE 2500
#define DECILE	 1000

/*
 * Where a timer changes between interrupts and messages, so does its handler: a message takes a
 * write to end it.
 */
enum handler_way { HANDLER_MESSAGE, HANDLER_DIRECT, HANDLER_WAYS };

struct handler {
	/*
	 * From an arm to a halt; the part in guest mode; from a callback to a delivery if halted.
	 */
	struct hvst_sketch *rest, *guest, *wake; /* NULL: none was seen */
	/* Running medians: from a delivery to the next arm; from an arm to the next entry. */
	int64_t at_once_ns, later_ns;
	int64_t past_due_ns, ahead_ns;
};

struct timer_handler {
	struct handler by_way[HANDLER_WAYS];
	enum handler_way way; /* of the last delivery */
	int64_t delivered_ns; /* not armed since; HVST_UNKNOWN */
	bool at_once;	      /* that delivery came without a callback */
	int64_t busy_ns;      /* the last arm's message found its slot busy; HVST_UNKNOWN */
	struct handler_slot slot;
};

struct vcpu_handler {
	struct stimer *armed; /* last, since the vCPU halted; NULL: none */
	int64_t arm_ns;
	bool past_due, observed;    /* that arm */
	bool in_exit;		    /* not entered since */
	int64_t entry_ns;	    /* in guest mode since; HVST_UNKNOWN: not */
	int64_t guest_ns;	    /* time in guest mode since the arm */
	struct hvst_sketch *visits; /* times in guest mode after an arm; NULL: none was seen */
	int64_t halt_ns;	    /* halted since; HVST_UNKNOWN: it is not */
};

int hvst_handler_vcpu_created(struct vcpu *v)
{
	v->state->handler = calloc(1, sizeof(*v->state->handler));
	if (!v->state->handler)
		return -ENOMEM;
	v->state->handler->entry_ns = v->state->handler->halt_ns = HVST_UNKNOWN;
	return 0;
}

int hvst_handler_timer_created(struct stimer *t)
{
	t->state->handler = calloc(1, sizeof(*t->state->handler));
	if (!t->state->handler)
		return -ENOMEM;
	t->state->handler->delivered_ns = t->state->handler->busy_ns = HVST_UNKNOWN;
	return 0;
}

void hvst_handler_vcpu_free(struct vcpu *v)
{
	if (v->state->handler)
		hvst_sketch_free(v->state->handler->visits);
	free(v->state->handler);
}

void hvst_handler_timer_free(struct stimer *t)
{
	struct timer_handler *h = t->state->handler;

	for (unsigned int i = 0; h && i < HANDLER_WAYS; i++) {
		hvst_sketch_free(h->by_way[i].rest);
		hvst_sketch_free(h->by_way[i].guest);
		hvst_sketch_free(h->by_way[i].wake);
	}
	free(h);
}

void hvst_handler_gap(struct vcpu *v)
{
	v->state->handler->armed = NULL;
	v->state->handler->entry_ns = v->state->handler->halt_ns = HVST_UNKNOWN;
	for (unsigned int i = 0; i < HVST_STIMERS; i++) {
		struct timer_handler *own;

		if (!v->timer[i] || !v->timer[i]->state)
			continue;
		own = v->timer[i]->state->handler;
		own->delivered_ns = own->busy_ns = HVST_UNKNOWN;
	}
}

static int sketch_add(struct hvst_sketch **s, int64_t ns)
{
	if (!*s)
		*s = hvst_sketch_new();
	return *s ? hvst_sketch_add(*s, ns, 1) : -ENOMEM;
}

static enum handler_way way_now(const struct stimer *t)
{
	if (t->config_known)
		return t->config & HVST_STIMER_DIRECT ? HANDLER_DIRECT : HANDLER_MESSAGE;
	return t->state->handler->way;
}

enum hvst_delivery_mode hvst_handler_delivered(const struct stimer *t)
{
	return way_now(t) == HANDLER_DIRECT ? HVST_DELIVERY_DIRECT : HVST_DELIVERY_MESSAGE;
}

void hvst_handler_entry(struct vcpu *v, int64_t ts)
{
	struct vcpu_handler *h = v->state->handler;
	struct handler *way;

	h->entry_ns = ts;
	h->halt_ns = HVST_UNKNOWN;
	if (!h->armed || !h->in_exit)
		return;
	h->in_exit = false;
	way = &h->armed->state->handler->by_way[way_now(h->armed)];
	if (h->observed && ts > h->arm_ns)
		hvst_median_step(h->past_due ? &way->past_due_ns : &way->ahead_ns, ts - h->arm_ns);
}

void hvst_handler_exit(struct analysis *a, struct vcpu *v, int64_t ts, bool halts)
{
	struct vcpu_handler *h = v->state->handler;
	struct handler *way;

	if (h->entry_ns != HVST_UNKNOWN && ts > h->entry_ns) {
		h->guest_ns += ts - h->entry_ns;
		if (h->armed && sketch_add(&h->visits, ts - h->entry_ns))
			a->error = -ENOMEM;
	}
	h->entry_ns = HVST_UNKNOWN;
	h->halt_ns = halts ? ts : HVST_UNKNOWN;
	if (!halts || !h->armed)
		return;
	way = &h->armed->state->handler->by_way[way_now(h->armed)];
	if (ts > h->arm_ns &&
	    (sketch_add(&way->rest, ts - h->arm_ns) || sketch_add(&way->guest, h->guest_ns)))
		a->error = -ENOMEM;
	h->armed = NULL;
}

void hvst_handler_arm(struct stimer *t, const struct hvst_arm *arm)
{
	struct vcpu_handler *h = t->vcpu->state->handler;
	struct timer_handler *own = t->state->handler;
	struct handler *way = &own->by_way[own->way];

	if (arm->flags & (HVST_ARM_RESTART | HVST_ARM_HOST))
		return;
	if (own->delivered_ns != HVST_UNKNOWN && arm->ts_ns > own->delivered_ns)
		hvst_median_step(own->at_once ? &way->at_once_ns : &way->later_ns,
				 arm->ts_ns - own->delivered_ns);
	own->delivered_ns = own->busy_ns = HVST_UNKNOWN;
	h->armed = t;
	h->arm_ns = arm->ts_ns;
	h->past_due = arm->kind == HVST_ARM_PAST_DUE;
	h->observed = !(arm->flags & HVST_ARM_INFERRED);
	h->in_exit = true;
	h->guest_ns = 0;
	h->entry_ns = HVST_UNKNOWN; /* its write is an exit */
}

static void woken(struct analysis *a, struct stimer *t, int64_t delivered_ns, int64_t callback_ns)
{
	struct timer_handler *own = t->state->handler;
	int64_t halt = t->vcpu->state->handler->halt_ns;
	int64_t from = callback_ns > halt ? callback_ns : halt;

	if (halt != HVST_UNKNOWN && delivered_ns > from &&
	    sketch_add(&own->by_way[own->way].wake, delivered_ns - from))
		a->error = -ENOMEM;
}

/* Of a message: KVM tries again until the guest has freed the slot. */
static void slot_tried(struct timer_handler *own, const struct hvst_event *ev)
{
	int64_t waited;

	if (ev->expiration.direct)
		return;
	if (ev->expiration.msg_send_result == -EAGAIN && own->busy_ns == HVST_UNKNOWN)
		own->busy_ns = ev->ts_ns;
	if (ev->expiration.msg_send_result || own->busy_ns == HVST_UNKNOWN)
		return;
	if (__builtin_sub_overflow(ev->ts_ns, own->busy_ns, &waited) || waited < 0)
		waited = 0;
	own->busy_ns = HVST_UNKNOWN;
	own->slot.busy++;
	if (__builtin_add_overflow(own->slot.waited_ns, waited, &own->slot.waited_ns))
		own->slot.waited_ns = INT64_MAX;
}

void hvst_handler_delivery(struct analysis *a, struct stimer *t, const struct hvst_event *ev,
			   const struct hvst_delivery *d)
{
	struct timer_handler *own = t->state->handler;

	slot_tried(own, ev);
	own->way = ev->expiration.direct ? HANDLER_DIRECT : HANDLER_MESSAGE;
	own->at_once = d->callback_ns == HVST_UNKNOWN;
	if (!own->at_once)
		woken(a, t, ev->ts_ns, d->callback_ns);
	own->delivered_ns =
		t->periodic || ev->expiration.msg_send_result ? HVST_UNKNOWN : ev->ts_ns;
}

static const struct handler *handler_of(const struct stimer *t, enum hvst_delivery_mode mode)
{
	return &t->state->handler
			->by_way[mode == HVST_DELIVERY_DIRECT ? HANDLER_DIRECT : HANDLER_MESSAGE];
}

int64_t hvst_handler_rest(const struct stimer *t, enum hvst_delivery_mode mode)
{
	const struct handler *h = handler_of(t, mode);

	if (h->rest)
		return hvst_sketch_quantile(h->rest, QUARTILE);
	return h->later_ns && h->at_once_ns > h->later_ns ? h->at_once_ns - h->later_ns
							  : HVST_UNKNOWN;
}

double hvst_handler_guest_share(const struct stimer *t, enum hvst_delivery_mode mode)
{
	const struct handler *h = handler_of(t, mode);
	int64_t rest, guest;

	if (!h->rest || !h->guest)
		return -1;
	rest = hvst_sketch_quantile(h->rest, QUARTILE);
	guest = hvst_sketch_quantile(h->guest, QUARTILE);
	return guest < rest ? (double)guest / (double)rest : 1;
}

int64_t hvst_handler_deliver(const struct stimer *t, enum hvst_delivery_mode mode)
{
	const struct handler *h = handler_of(t, mode);

	if (!h->past_due_ns || !h->ahead_ns)
		return HVST_UNKNOWN;
	return h->past_due_ns > h->ahead_ns ? h->past_due_ns - h->ahead_ns : 0;
}

int64_t hvst_handler_wake(const struct stimer *t, enum hvst_delivery_mode mode)
{
	const struct handler *h = handler_of(t, mode);

	return h->wake ? hvst_sketch_quantile(h->wake, QUARTILE) : HVST_UNKNOWN;
}

int64_t hvst_handler_switch(const struct vcpu *v)
{
	const struct hvst_sketch *s = v->state->handler->visits;

	return s ? hvst_sketch_quantile(s, DECILE) : HVST_UNKNOWN;
}

struct handler_slot hvst_handler_slot(const struct stimer *t)
{
	return t->state->handler->slot;
}
