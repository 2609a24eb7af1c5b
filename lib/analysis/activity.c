/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. The states of a vCPU thread: in guest mode, halted, out for an exit, off its
 * CPU.
 */
#include <errno.h>
#include <stdlib.h>

#include "../stats/median.h"
#include "activity.h"

#define HELD_MIN_NS	 2000			/* shorter stretches are what exits usually cost */
#define HELD_TIMES	 8			/* times what exit or wake-up usually take */
#define HELD_FIRST_NS	 (100 * 1000)		/* where that is not known yet */
#define COST_MAX_NS	 (1000LL * 1000 * 1000) /* to program a timer; longer is not plausible */
#define PROGRESS_STEP_NS (16LL * 1000 * 1000)
#define BEFORE_NS	 (1000LL * 1000 * 1000)
#define PROGRESS_MARKS	 64
#define MOST_TURNS	 32 /* turns that interrupt_exits remembers */

struct progress_mark {
	int64_t ts, progress;
};

struct activity {
	bool in_guest, halted, in_loop, exits_seen, switches_seen, off_cpu;
	bool exit_in_loop; /* the last exit was for an interrupt, between delivery and arm */
	int64_t since;	   /* start of the current state */
	int64_t exit_ns;   /* last kvm_exit; HVST_UNKNOWN */
	int64_t progress;  /* ns, cumulated */
	struct progress_mark marks[PROGRESS_MARKS];
	unsigned int nr_marks;
	int64_t next_mark_ns;
	int64_t told_ns;       /* end of the last stretch handed out, HVST_UNKNOWN after a gap... */
	int64_t told_progress; /* ...and the progress up to it */
	int64_t off_since, wake_ns;
	int64_t held_ns; /* time kept out of guest mode, or off its CPU, unasked; cumulated */
	int64_t held_since_exit; /* of it, the time off its CPU since the last exit */
	int64_t exit_cost_ns;	 /* what an exit usually takes, running median */
	int64_t wake_cost_ns;	 /* the same of a halt, from its timer's callback on */
	int64_t cost_ns;	 /* typical time from a write to the start, running median */
	bool interrupt_exit;	 /* seen since the last delivery */
	int64_t interrupt_ns;	 /* what such an exit usually takes, running median */
	int interrupt_exits;	 /* turns with one less turns without, of the last */
};

int hvst_activity_created(struct vcpu *v)
{
	struct activity *c = calloc(1, sizeof(*c));

	v->state->activity = c;
	if (!c)
		return -ENOMEM;
	c->exit_ns = c->wake_ns = c->told_ns = HVST_UNKNOWN;
	c->since = v->first_ns;
	c->next_mark_ns = INT64_MIN;
	return 0;
}

void hvst_activity_free(struct vcpu *v)
{
	free(v->state->activity);
}

/* Entries and exits in the gap are unknown: restart the accounting here. */
void hvst_activity_gap(struct vcpu *v)
{
	struct activity *c = v->state->activity;

	c->exit_ns = c->told_ns = HVST_UNKNOWN;
	c->in_guest = c->halted = c->off_cpu = false;
}

/* The vCPU was not in guest mode for @ns without having asked for it. @usual_ns: 0 if not known. */
static void held_add(struct activity *v, int64_t ns, int64_t usual_ns)
{
	if (ns >= HELD_MIN_NS && ns > (usual_ns ? HELD_TIMES * usual_ns : HELD_FIRST_NS))
		v->held_ns += ns;
}

/* A host that is late for most of its wake-ups must not make that the usual value. */
static int64_t usual_wake(const struct activity *v)
{
	int64_t most = HELD_TIMES * v->exit_cost_ns;

	return most && most < v->wake_cost_ns ? most : v->wake_cost_ns;
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

bool hvst_activity_stretch(struct vcpu *vcpu, int64_t ts, struct hvst_progress *p)
{
	struct activity *v = vcpu->state->activity;
	bool told = v->told_ns != HVST_UNKNOWN;

	if (!v->exits_seen || (told && ts - v->told_ns < PROGRESS_STEP_NS))
		return false;
	p->from_ns = v->told_ns;
	p->to_ns = ts;
	p->progress_ns = v->progress - v->told_progress;
	v->told_ns = ts;
	v->told_progress = v->progress;
	return told;
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

void hvst_activity_exit(struct vcpu *vcpu, int64_t ts, enum hvst_exit_kind kind)
{
	struct activity *v = vcpu->state->activity;
	bool halts = kind == HVST_EXIT_HALT;

	progress_to(v, ts);
	v->exits_seen = true;
	v->exit_in_loop = v->in_loop && kind == HVST_EXIT_INTERRUPT;
	v->interrupt_exit |= v->exit_in_loop;
	v->in_guest = false;
	v->exit_ns = ts;
	v->wake_ns = HVST_UNKNOWN;
	v->halted = halts;
	if (halts)
		v->in_loop = false; /* the handler has ended: the guest is idle */
}

void hvst_activity_entry(struct vcpu *vcpu, int64_t ts)
{
	struct activity *v = vcpu->state->activity;

	progress_to(v, ts);
	/* A halt is the guest's choice until its timer's callback; after that the host is late. */
	if (v->exit_ns != HVST_UNKNOWN && !v->halted) {
		held_add(v, ts - v->exit_ns - v->held_since_exit, v->exit_cost_ns);
		hvst_median_step(&v->exit_cost_ns, ts - v->exit_ns);
		if (v->exit_in_loop && !v->interrupt_ns)
			v->interrupt_ns = v->exit_cost_ns; /* the first exit may be of any length */
		if (v->exit_in_loop)
			hvst_median_step(&v->interrupt_ns, ts - v->exit_ns);
	} else if (v->exit_ns != HVST_UNKNOWN && v->wake_ns != HVST_UNKNOWN) {
		held_add(v, ts - v->wake_ns - v->held_since_exit, usual_wake(v));
		hvst_median_step(&v->wake_cost_ns, ts - v->wake_ns);
	}
	v->held_since_exit = 0;
	v->in_guest = true;
	v->halted = false;
	v->exit_ns = HVST_UNKNOWN;
}

/* Of prev_state: S, X, Z and P. */
#define TASK_GAVE_UP_CPU 0x71

/*
 * Still runnable: preempted or throttled. A vCPU thread that sleeps has halted, which is an
 * interruptible sleep: one that waits for the host's memory (D), or is stopped (T, t), did not ask
 * for it. A thread that was preempted in the kernel has the state R+ (TASK_REPORT_MAX).
 */
static bool kept_from_cpu(int64_t state)
{
	return !(state & TASK_GAVE_UP_CPU);
}

void hvst_activity_switch(struct vcpu *vcpu, const struct hvst_event *ev)
{
	struct activity *v = vcpu->state->activity;

	v->switches_seen = true;
	if (ev->sched.next_pid == vcpu->tid) {
		if (v->off_cpu) {
			v->held_ns += ev->ts_ns - v->off_since;
			v->held_since_exit += ev->ts_ns - v->off_since;
		}
		v->off_cpu = false;
	} else if (kept_from_cpu(ev->sched.prev_state)) {
		v->off_cpu = true;
		v->off_since = ev->ts_ns;
	}
}

void hvst_activity_arm(struct stimer *t, const struct hvst_arm *arm, int64_t programmed_ns)
{
	struct activity *v = t->vcpu->state->activity;
	int64_t cost;

	progress_to(v, arm->ts_ns);
	if (v->in_loop && v->interrupt_exit && v->interrupt_exits < MOST_TURNS)
		v->interrupt_exits++;
	else if (v->in_loop && !v->interrupt_exit && v->interrupt_exits > -MOST_TURNS)
		v->interrupt_exits--;
	v->in_loop = v->interrupt_exit = false;
	if (arm->flags & (HVST_ARM_RESTART | HVST_ARM_HOST))
		return;
	if (programmed_ns == HVST_UNKNOWN)
		return;
	/*
	 * Count from the write and not from its exit, so that the result is the same where exits
	 * are not recorded.
	 */
	cost = arm->ts_ns - programmed_ns;
	if (cost <= 0)
		return;
	if (cost > COST_MAX_NS)
		cost = COST_MAX_NS;
	hvst_median_step(&v->cost_ns, cost);
}

/* The guest halted until the deadline: the host causes the delay of a late callback. */
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

	if (d->callback_ns != HVST_UNKNOWN) {
		wakes(v, d);
		/*
		 * No event shows when the vCPU runs: a running one takes its interrupt as soon as
		 * usual.
		 */
		if (!v->exits_seen && !v->switches_seen) {
			held_add(v, ev->ts_ns - d->callback_ns, v->exit_cost_ns);
			hvst_median_step(&v->exit_cost_ns, ev->ts_ns - d->callback_ns);
		}
	}
	progress_to(v, ev->ts_ns);
	/*
	 * Until the next arm the guest runs its timer interrupt handler; a periodic timer needs no
	 * arm.
	 */
	if (!t->periodic)
		v->in_loop = true;
}

int64_t hvst_activity_held(const struct vcpu *v)
{
	return v->state->activity->held_ns;
}

int64_t hvst_activity_exit_cost(const struct vcpu *v)
{
	const struct activity *c = v->state->activity;

	return c->exits_seen && c->exit_cost_ns ? c->exit_cost_ns : HVST_UNKNOWN;
}

bool hvst_activity_interrupt_exits(const struct vcpu *v)
{
	return v->state->activity->interrupt_exits > 0;
}

int64_t hvst_activity_interrupt_cost(const struct vcpu *v)
{
	int64_t cost = v->state->activity->interrupt_ns;

	return cost ? cost : HVST_UNKNOWN;
}

int64_t hvst_activity_arm_cost(const struct vcpu *v)
{
	const struct activity *c = v->state->activity;

	return c->cost_ns ? c->cost_ns : 1000;
}
