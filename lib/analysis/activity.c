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
#define MOST_TURNS	 32   /* bound of @interrupt_exits */
#define ARM_COST_NS	 1000 /* to program a timer, until an arm was seen */

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
	int64_t reported_ns;	   /* end of the last stretch reported; HVST_UNKNOWN after a gap */
	int64_t reported_progress; /* progress up to @reported_ns */
	int64_t off_since, wake_ns;
	int64_t held_ns; /* time kept out of guest mode, or off its CPU, unasked; cumulated */
	int64_t held_since_exit; /* of it, the time off its CPU since the last exit */
	int64_t exit_cost_ns;	 /* what an exit usually takes, running median */
	int64_t wake_cost_ns;	 /* the same of a halt, from its timer's callback on */
	int64_t cost_ns;	 /* typical time from a write to the start, running median */
	bool interrupt_exit;	 /* seen since the last delivery */
	int64_t interrupt_ns;	 /* what such an exit usually takes, running median */
	/* Recent turns from delivery to arm with an exit for the interrupt, less those without. */
	int interrupt_exits;
};

int hvst_activity_created(struct vcpu *v)
{
	struct activity *act = calloc(1, sizeof(*act));

	v->state->activity = act;
	if (!act)
		return -ENOMEM;
	act->exit_ns = act->wake_ns = act->reported_ns = HVST_UNKNOWN;
	act->since = v->first_ns;
	act->next_mark_ns = INT64_MIN;
	return 0;
}

void hvst_activity_free(struct vcpu *v)
{
	free(v->state->activity);
}

/* Entries and exits in the gap are unknown: restart the accounting here. */
void hvst_activity_gap(struct vcpu *v)
{
	struct activity *act = v->state->activity;

	act->exit_ns = act->reported_ns = HVST_UNKNOWN;
	act->in_guest = act->halted = act->off_cpu = false;
}

/* The vCPU was not in guest mode for @ns without having asked for it. @usual_ns: 0 if not known. */
static void add_held(struct activity *act, int64_t ns, int64_t usual_ns)
{
	if (ns >= HELD_MIN_NS && ns > (usual_ns ? HELD_TIMES * usual_ns : HELD_FIRST_NS))
		act->held_ns += ns;
}

/* A host that is late for most of its wake-ups must not make that the usual value. */
static int64_t usual_wake(const struct activity *act)
{
	int64_t most = HELD_TIMES * act->exit_cost_ns;

	return most && most < act->wake_cost_ns ? most : act->wake_cost_ns;
}

static void account_until(struct activity *act, int64_t ts)
{
	if (ts > act->since) {
		if ((act->in_guest || act->halted) && !act->in_loop)
			act->progress += ts - act->since;
		act->since = ts;
	}
	if (ts < act->next_mark_ns)
		return;
	act->marks[act->nr_marks++ % PROGRESS_MARKS] = (struct progress_mark){ ts, act->progress };
	act->next_mark_ns = ts + PROGRESS_STEP_NS;
}

static int64_t progress_at(const struct activity *act, int64_t ts)
{
	if (ts > act->since && (act->in_guest || act->halted) && !act->in_loop)
		return act->progress + (ts - act->since);
	return act->progress;
}

int64_t hvst_activity_progress(const struct vcpu *v, int64_t ts)
{
	return progress_at(v->state->activity, ts);
}

bool hvst_activity_known(const struct vcpu *v)
{
	return v->state->activity->exits_seen;
}

bool hvst_activity_stretch(struct vcpu *v, int64_t ts, struct hvst_progress *p)
{
	struct activity *act = v->state->activity;
	bool reported = act->reported_ns != HVST_UNKNOWN;

	if (!act->exits_seen || (reported && ts - act->reported_ns < PROGRESS_STEP_NS))
		return false;
	p->from_ns = act->reported_ns;
	p->to_ns = ts;
	p->progress_ns = act->progress - act->reported_progress;
	act->reported_ns = ts;
	act->reported_progress = act->progress;
	return reported;
}

int64_t hvst_activity_before(const struct vcpu *v, int64_t ts, int64_t *wall)
{
	const struct activity *act = v->state->activity;
	unsigned int n = act->nr_marks < PROGRESS_MARKS ? act->nr_marks : PROGRESS_MARKS;

	*wall = 0;
	for (unsigned int i = n; i > 0; i--) {
		const struct progress_mark *m = &act->marks[(act->nr_marks - i) % PROGRESS_MARKS];

		if (m->ts < ts - BEFORE_NS || m->ts >= ts)
			continue;
		*wall = ts - m->ts;
		return progress_at(act, ts) - m->progress;
	}
	return 0;
}

void hvst_activity_exit(struct vcpu *v, int64_t ts, enum hvst_exit_kind kind)
{
	struct activity *act = v->state->activity;
	bool halts = kind == HVST_EXIT_HALT;

	account_until(act, ts);
	act->exits_seen = true;
	act->exit_in_loop = act->in_loop && kind == HVST_EXIT_INTERRUPT;
	act->interrupt_exit |= act->exit_in_loop;
	act->in_guest = false;
	act->exit_ns = ts;
	act->wake_ns = HVST_UNKNOWN;
	act->halted = halts;
	if (halts)
		act->in_loop = false; /* the handler has ended: the guest is idle */
}

static void exit_ends(struct activity *act, int64_t ts)
{
	add_held(act, ts - act->exit_ns - act->held_since_exit, act->exit_cost_ns);
	hvst_median_step(&act->exit_cost_ns, ts - act->exit_ns);
	if (!act->exit_in_loop)
		return;
	/* The first such exit may be of any length: start from what exits usually take. */
	if (!act->interrupt_ns)
		act->interrupt_ns = act->exit_cost_ns;
	hvst_median_step(&act->interrupt_ns, ts - act->exit_ns);
}

/* A halt is the guest's choice until its timer's callback; after that the host is late. */
static void halt_ends(struct activity *act, int64_t ts)
{
	add_held(act, ts - act->wake_ns - act->held_since_exit, usual_wake(act));
	hvst_median_step(&act->wake_cost_ns, ts - act->wake_ns);
}

void hvst_activity_entry(struct vcpu *v, int64_t ts)
{
	struct activity *act = v->state->activity;

	account_until(act, ts);
	if (act->exit_ns != HVST_UNKNOWN && !act->halted)
		exit_ends(act, ts);
	else if (act->exit_ns != HVST_UNKNOWN && act->wake_ns != HVST_UNKNOWN)
		halt_ends(act, ts);
	act->held_since_exit = 0;
	act->in_guest = true;
	act->halted = false;
	act->exit_ns = HVST_UNKNOWN;
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

void hvst_activity_switch(struct vcpu *v, const struct hvst_event *ev)
{
	struct activity *act = v->state->activity;

	act->switches_seen = true;
	if (ev->sched.next_pid == v->tid) {
		if (act->off_cpu) {
			act->held_ns += ev->ts_ns - act->off_since;
			act->held_since_exit += ev->ts_ns - act->off_since;
		}
		act->off_cpu = false;
	} else if (kept_from_cpu(ev->sched.prev_state)) {
		act->off_cpu = true;
		act->off_since = ev->ts_ns;
	}
}

void hvst_activity_arm(struct stimer *t, const struct hvst_arm *arm, int64_t programmed_ns)
{
	struct activity *act = t->vcpu->state->activity;
	int64_t cost;

	account_until(act, arm->ts_ns);
	if (act->in_loop && act->interrupt_exit && act->interrupt_exits < MOST_TURNS)
		act->interrupt_exits++;
	else if (act->in_loop && !act->interrupt_exit && act->interrupt_exits > -MOST_TURNS)
		act->interrupt_exits--;
	act->in_loop = act->interrupt_exit = false;
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
	hvst_median_step(&act->cost_ns, cost);
}

/* The guest halted until the deadline: of a late callback the delay is the host's. */
static void set_wake(struct activity *act, const struct hvst_delivery *d)
{
	if (!act->halted || act->wake_ns != HVST_UNKNOWN)
		return;
	act->wake_ns = d->deadline_ns != HVST_UNKNOWN && d->deadline_ns < d->callback_ns
			       ? d->deadline_ns
			       : d->callback_ns;
	if (act->exit_ns != HVST_UNKNOWN && act->wake_ns < act->exit_ns)
		act->wake_ns = act->exit_ns;
}

void hvst_activity_delivery(struct stimer *t, const struct hvst_event *ev,
			    const struct hvst_delivery *d)
{
	struct activity *act = t->vcpu->state->activity;

	if (d->callback_ns != HVST_UNKNOWN) {
		set_wake(act, d);
		/*
		 * No event shows when the vCPU runs: a running one takes its interrupt as soon as
		 * usual.
		 */
		if (!act->exits_seen && !act->switches_seen) {
			add_held(act, ev->ts_ns - d->callback_ns, act->exit_cost_ns);
			hvst_median_step(&act->exit_cost_ns, ev->ts_ns - d->callback_ns);
		}
	}
	account_until(act, ev->ts_ns);
	/*
	 * Until the next arm the guest runs its timer interrupt handler; a periodic timer needs no
	 * arm.
	 */
	if (!t->periodic)
		act->in_loop = true;
}

int64_t hvst_activity_held(const struct vcpu *v)
{
	return v->state->activity->held_ns;
}

int64_t hvst_activity_exit_cost(const struct vcpu *v)
{
	const struct activity *act = v->state->activity;

	return act->exits_seen && act->exit_cost_ns ? act->exit_cost_ns : HVST_UNKNOWN;
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
	const struct activity *act = v->state->activity;

	return act->cost_ns ? act->cost_ns : ARM_COST_NS;
}
