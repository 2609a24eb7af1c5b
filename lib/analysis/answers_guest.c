/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Answers about the guest: its storms, its clock, and what kept it from running.
 */
#include <math.h>

#include "by_vm.h"
#include "clocksource.h"
#include "guestclock.h"
#include "livelock.h"
#include "pastdue.h"
#include "verdict.h"

#define GUEST_RATE_MIN_PPM 20.0

static const struct hvst_storm *storm_of(const struct analysis *a, int vm, unsigned int kinds)
{
	const struct hvst_storm *s;

	for_each_of_vm (s, a, storms, vm)
		if (kinds >> s->kind & 1)
			return s;
	return NULL;
}

static bool storms_yes(const struct analysis *a, int vm, unsigned int kinds,
		       struct hvst_evidence_list *why)
{
	const struct hvst_storm *s = storm_of(a, vm, kinds);

	if (!s)
		return false;
	for (unsigned int i = 0; i < s->evidence.n; i++)
		hvst_evidence_add(why, &s->evidence.e[i]);
	return true;
}

/* Restarts are a livelock if callbacks trigger them; that is open where no callback is recorded. */
static const struct hvst_evidence *maybe_livelock(const struct analysis *a, int number)
{
	const struct vm *vm = hvst_vm_by_number(a, number);

	if (hvst_recorded(a) & EVENT_BIT(STIMER_CALLBACK) || !vm || !vm->state)
		return NULL;
	return hvst_livelock_unclear(vm);
}

ANSWER(storm)
{
	const struct hvst_evidence *unclear = maybe_livelock(a, vm);

	if (storms_yes(a, vm, ~0u, why))
		return HVST_YES;
	if (!unclear)
		return HVST_NO;
	hvst_evidence_add(why, unclear);
	return HVST_CANNOT_TELL;
}

/*
 * A lag shows in storms. Bursts that neither a hold nor short deadlines explain may be due to one;
 * so may single past-due arms for a target that was already delivered: the guest's clock had not
 * reached it yet.
 */
ANSWER(behind)
{
	const struct vm_causes *c = hvst_causes_of(a, vm);
	const struct vm_guestclock *g = hvst_guestclock_of(a, vm);

	if (storms_yes(a, vm, 1u << HVST_STORM_CONSTANT | 1u << HVST_STORM_GROWING, why))
		return HVST_YES;
	if (g && g->lag_ns != HVST_UNKNOWN) {
		hvst_evidence_stat(why,
				   "since %.6f s every arm of tid %d timer %d is shorter by %.6f "
				   "s, just what the reference clock stepped",
				   (double)g->lag_from_ns / 1e9, g->tid, g->timer,
				   (double)g->lag_ns / 1e9);
		return HVST_YES;
	}
	if (c && c->unexplained) {
		hvst_evidence_add(why, &c->unexplained_why);
		hvst_evidence_stat(why, "%llu past-due arms in bursts that nothing else explains",
				   (unsigned long long)c->unexplained);
		return HVST_CANNOT_TELL;
	}
	if (c && c->retried >= a->params.burst_min_arms) {
		hvst_evidence_add(why, &c->retried_why);
		hvst_evidence_stat(why,
				   "%llu past-due arms set a target again that had been delivered",
				   (unsigned long long)c->retried);
		return HVST_CANNOT_TELL;
	}
	if (!g || g->unclear_ns == HVST_UNKNOWN)
		return HVST_NO;
	hvst_evidence_stat(why,
			   "the reference clock stepped %+.6f s at %.6f s; too little was armed "
			   "next to it to see whether the guest's clock did",
			   (double)g->unclear_ns / 1e9, (double)g->unclear_from_ns / 1e9);
	return HVST_CANNOT_TELL;
}

ANSWER(backlog)
{
	return hvst_answer_if(storms_yes(a, vm, 1u << HVST_STORM_BACKLOG, why), true);
}

static bool rate_yes(const struct analysis *a, int vm, struct hvst_evidence_list *why, bool *known)
{
	const struct hvst_guest_transition *t;
	bool yes = false;

	for_each_of_vm (t, a, guest, vm) {
		if (isnan(t->rate_ppm))
			continue;
		*known = true;
		if (fabs(t->rate_ppm) <= GUEST_RATE_MIN_PPM ||
		    fabs(t->rate_ppm) <= t->rate_ppm_error)
			continue;
		yes = true;
		for (unsigned int k = 0; k < t->evidence.n; k++)
			hvst_evidence_add(why, &t->evidence.e[k]);
	}
	return yes;
}

ANSWER(guest_rate)
{
	const struct vm_guestclock *g = hvst_guestclock_of(a, vm);
	bool known = false, yes = rate_yes(a, vm, why, &known);

	if (!yes && g && g->unsure_from_ns != HVST_UNKNOWN) {
		hvst_evidence_stat(
			why,
			"the lag of the storm at %.6f s grows by %.1f us a second if the "
			"reference clock went on as before; nothing read it meanwhile",
			(double)g->unsure_from_ns / 1e9, g->unsure_slope * 1e6);
		return HVST_CANNOT_TELL;
	}
	return hvst_answer_if(yes, known || (g && g->steady));
}

bool hvst_is_switch(const struct hvst_guest_transition *t)
{
	return t->role == HVST_ROLE_STIMER && t->from != HVST_SRC_UNKNOWN && t->from != t->to &&
	       t->confidence >= HVST_INFERRED;
}

static bool switch_yes(const struct analysis *a, int vm, struct hvst_evidence_list *why)
{
	const struct hvst_guest_transition *t;
	bool yes = false;

	for_each_of_vm (t, a, guest, vm) {
		if (!hvst_is_switch(t))
			continue;
		yes = true;
		if (t->evidence.n)
			hvst_evidence_add(why, &t->evidence.e[0]);
	}
	return yes;
}

bool hvst_is_suspected(const struct hvst_guest_transition *t)
{
	return t->role == HVST_ROLE_STIMER && t->from != HVST_SRC_UNKNOWN &&
	       t->confidence == HVST_SUSPECTED;
}

/* A change without an event: only its effect was seen. */
static bool suspected(const struct analysis *a, int vm, struct hvst_evidence_list *why)
{
	const struct hvst_guest_transition *t;

	for_each_of_vm (t, a, guest, vm) {
		if (!hvst_is_suspected(t))
			continue;
		if (t->evidence.n)
			hvst_evidence_add(why, &t->evidence.e[0]);
		return true;
	}
	return false;
}

ANSWER(source_switch)
{
	if (switch_yes(a, vm, why))
		return HVST_YES;
	return suspected(a, vm, why) || hvst_clocksource_open(hvst_state_of(a, vm), why)
		       ? HVST_CANNOT_TELL
		       : HVST_NO;
}

const struct vm_guestclock *hvst_guestclock_of(const struct analysis *a, int number)
{
	const struct vm_state *s = hvst_state_of(a, number);

	return s ? s->guestclock : NULL;
}

const struct vm_causes *hvst_causes_of(const struct analysis *a, int number)
{
	const struct vm_state *s = hvst_state_of(a, number);

	return s ? s->causes : NULL;
}

static bool replays_hold(const struct analysis *a, int vm)
{
	const struct hvst_storm *s;

	for_each_of_vm (s, a, storms, vm)
		if (s->cause == HVST_CAUSE_VCPU_HELD)
			return true;
	return false;
}

ANSWER(preemption)
{
	const uint64_t both = EVENT_BIT(ENTRY) | EVENT_BIT(EXIT);
	const struct vm_causes *c = hvst_causes_of(a, vm);
	bool exits = (hvst_recorded(a) & both) == both;

	if (!c)
		return HVST_CANNOT_TELL;
	/*
	 * sched_switch alone does not show that the host kept a vCPU busy: unexplained arms then
	 * leave the answer open.
	 */
	if (!c->preempted)
		return exits || !a->result.past_due->unexplained ? HVST_NO : HVST_CANNOT_TELL;
	hvst_evidence_add(why, &c->preempted_why);
	hvst_evidence_stat(why,
			   "%llu past-due arms outside storms follow a stretch in which the vCPU "
			   "was held for at least their skew",
			   (unsigned long long)c->preempted);
	/*
	 * Without these events, a delivery that came late after its callback is taken for a hold,
	 * although the guest may have delayed it; a replay of missed ticks shows that it did not.
	 */
	return hvst_answer_if(
		exits || hvst_recorded(a) & EVENT_BIT(SCHED_SWITCH) || replays_hold(a, vm), false);
}
