/* SPDX-License-Identifier: LGPL-2.1 */
#include <errno.h>
#include <stdlib.h>

#include "activity.h"

#define HELD_MIN_NS	 1000
#define COST_MAX_NS	 (1000LL * 1000 * 1000) /* of programming a timer: longer makes no sense */
#define PROGRESS_STEP_NS (16LL * 1000 * 1000)
#define BEFORE_NS	 (1000LL * 1000 * 1000)
#define PROGRESS_MARKS	 64
#define HELD_MARKS	 8

struct progress_mark {
	int64_t ts, progress;
};

/* A stretch in which the vCPU was kept out of guest mode, or off its CPU, unasked. */
struct held {
	int64_t from, to;
};

struct activity {
	bool in_guest, halted, in_loop, exits_seen, off_cpu;
	int64_t since;	  /* of the running state */
	int64_t exit_ns;  /* last kvm_exit; HVST_UNKNOWN */
	int64_t progress; /* ns, cumulated */
	struct progress_mark marks[PROGRESS_MARKS];
	unsigned int nr_marks;
	int64_t next_mark_ns;
	struct held held[HELD_MARKS];
	unsigned int nr_held;
	int64_t off_since, wake_ns;
	int64_t cost_ns; /* typical time from a write to the start, running median */
};

int hvst_activity_created(struct vcpu *v)
{
	struct activity *c = calloc(1, sizeof(*c));

	v->state->activity = c;
	if (!c)
		return -ENOMEM;
	c->exit_ns = c->wake_ns = HVST_UNKNOWN;
	c->since = v->first_ns;
	c->next_mark_ns = INT64_MIN;
	return 0;
}

void hvst_activity_free(struct vcpu *v)
{
	free(v->state->activity);
}

/* Entries and exits in the gap are unknown: time is accounted anew from here. */
void hvst_activity_gap(struct vcpu *v)
{
	struct activity *c = v->state->activity;

	c->exit_ns = HVST_UNKNOWN;
	c->in_guest = c->halted = c->off_cpu = false;
}

static void held_add(struct activity *v, int64_t from, int64_t to)
{
	if (to - from >= HELD_MIN_NS)
		v->held[v->nr_held++ % HELD_MARKS] = (struct held){ from, to };
}

static void progress_to(struct activity *v, int64_t ts)
{
	if (ts > v->since) {
		if ((v->in_guest || v->halted) && !v->in_loop)
			v->progress += ts - v->since;
		v->since = ts;
	}
	if (ts < v->next_mark_ns)
		return;
	v->marks[v->nr_marks++ % PROGRESS_MARKS] = (struct progress_mark){ ts, v->progress };
	v->next_mark_ns = ts + PROGRESS_STEP_NS;
}

static int64_t progress_at(const struct activity *v, int64_t ts)
{
	if (ts > v->since && (v->in_guest || v->halted) && !v->in_loop)
		return v->progress + (ts - v->since);
	return v->progress;
}

int64_t hvst_activity_progress(const struct vcpu *vcpu, int64_t ts)
{
	return progress_at(vcpu->state->activity, ts);
}

bool hvst_activity_known(const struct vcpu *vcpu)
{
	return vcpu->state->activity->exits_seen;
}

int64_t hvst_activity_before(const struct vcpu *vcpu, int64_t ts, int64_t *wall)
{
	const struct activity *v = vcpu->state->activity;
	unsigned int n = v->nr_marks < PROGRESS_MARKS ? v->nr_marks : PROGRESS_MARKS;

	*wall = 0;
	for (unsigned int i = n; i > 0; i--) {
		const struct progress_mark *m = &v->marks[(v->nr_marks - i) % PROGRESS_MARKS];

		if (m->ts < ts - BEFORE_NS || m->ts >= ts)
			continue;
		*wall = ts - m->ts;
		return progress_at(v, ts) - m->progress;
	}
	return 0;
}

void hvst_activity_exit(struct vcpu *vcpu, int64_t ts, bool halts)
{
	struct activity *v = vcpu->state->activity;

	progress_to(v, ts);
	v->exits_seen = true;
	v->in_guest = false;
	v->exit_ns = ts;
	v->wake_ns = HVST_UNKNOWN;
	v->halted = halts;
	if (v->halted)
		v->in_loop = false; /* the handler is through: the guest has nothing to do */
}

void hvst_activity_entry(struct vcpu *vcpu, int64_t ts)
{
	struct activity *v = vcpu->state->activity;

	progress_to(v, ts);
	/* A halt is the guest's wish until its timer's callback; what follows is the host's doing.
	 */
	if (v->exit_ns != HVST_UNKNOWN) {
		if (!v->halted)
			held_add(v, v->exit_ns, ts);
		else if (v->wake_ns != HVST_UNKNOWN)
			held_add(v, v->wake_ns, ts);
	}
	v->in_guest = true;
	v->halted = false;
	v->exit_ns = HVST_UNKNOWN;
}

void hvst_activity_switch(struct vcpu *v, const struct hvst_event *ev)
{
	struct activity *va = v->state->activity;

	if (ev->sched.next_pid == v->tid) {
		if (va->off_cpu)
			held_add(va, va->off_since, ev->ts_ns);
		va->off_cpu = false;
	} else if (ev->sched.prev_state == 0) {
		/* Still runnable: preempted. A sleeping vCPU is halted by its own wish. */
		va->off_cpu = true;
		va->off_since = ev->ts_ns;
	}
}

void hvst_activity_arm(struct stimer *t, const struct hvst_arm *arm, int64_t programmed_ns)
{
	struct activity *v = t->vcpu->state->activity;
	int64_t cost, step;

	progress_to(v, arm->ts_ns);
	v->in_loop = false;
	if (arm->flags & (HVST_ARM_RESTART | HVST_ARM_HOST))
		return;
	if (programmed_ns == HVST_UNKNOWN)
		return;
	/* From the write, not from its exit: so that it is the same where exits are not recorded.
	 */
	cost = arm->ts_ns - programmed_ns;
	if (cost <= 0)
		return;
	if (cost > COST_MAX_NS)
		cost = COST_MAX_NS;
	if (!v->cost_ns) {
		v->cost_ns = cost;
		return;
	}
	step = v->cost_ns /
	       32; /* once: which way it goes nobody can foresee, a processor neither */
	v->cost_ns += cost > v->cost_ns ? step + 1 : -step;
}

/* It asked to be woken at the deadline: a callback that comes late is the host's doing as well. */
static void wakes(struct activity *v, const struct hvst_delivery *d)
{
	if (!v->halted || v->wake_ns != HVST_UNKNOWN)
		return;
	v->wake_ns = d->deadline_ns != HVST_UNKNOWN && d->deadline_ns < d->callback_ns
			     ? d->deadline_ns
			     : d->callback_ns;
	if (v->exit_ns != HVST_UNKNOWN && v->wake_ns < v->exit_ns)
		v->wake_ns = v->exit_ns;
}

void hvst_activity_delivery(struct stimer *t, const struct hvst_event *ev,
			    const struct hvst_delivery *d)
{
	struct activity *v = t->vcpu->state->activity;

	if (d->callback_ns != HVST_UNKNOWN)
		wakes(v, d);
	progress_to(v, ev->ts_ns);
	/* From here to the next arm the guest runs its timer interrupt; periodic needs no arm. */
	if (!t->periodic)
		v->in_loop = true;
}

/*
 * Why a past-due arm outside a storm was past due. Held: the vCPU thread was off its CPU or kept
 * out of guest mode for at least the skew, not longer ago than twice the skew plus one usual round
 * trip. Short deadline: past due by no more than a few times what it costs to program a timer.
 */
enum past_due_cause hvst_activity_cause(const struct analysis *a, const struct stimer *t,
					const struct hvst_arm *arm, int64_t programmed_ns)
{
	const struct activity *v = t->vcpu->state->activity;
	int64_t skew_ns = arm->skew_ns;
	unsigned int n = v->nr_held < HELD_MARKS ? v->nr_held : HELD_MARKS;
	int64_t cost = v->cost_ns ? v->cost_ns : 1000;
	int64_t limit = a->params.short_deadline_ns ? a->params.short_deadline_ns : 4 * cost;
	int64_t reach;

	if (skew_ns == HVST_UNKNOWN)
		return CAUSE_UNEXPLAINED;
	if (skew_ns <= limit)
		return CAUSE_SHORT_DEADLINE;
	if (__builtin_add_overflow(skew_ns, 4 * cost, &reach))
		reach = INT64_MAX;
	for (unsigned int i = 0; i < n; i++) {
		const struct held *h = &v->held[(v->nr_held - 1 - i) % HELD_MARKS];

		if ((arm->ts_ns - h->to) / 2 <= reach && h->to - h->from >= skew_ns - cost)
			return CAUSE_PREEMPTED;
	}
	/* Held between the guest's write and the start itself. */
	if (programmed_ns != HVST_UNKNOWN && arm->ts_ns - programmed_ns >= skew_ns - cost)
		return CAUSE_PREEMPTED;
	return CAUSE_UNEXPLAINED;
}
