/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Answers about what sets a guest's clock apart from its host's: a reset that
 * moves one of them, a guest that restores its own old time, a TSC with another zero, a VMM that
 * lets vCPUs run too early, vCPUs with different TSCs.
 */
#include <stdio.h>
#include <stdlib.h>

#include "by_vm.h"
#include "epoch.h"
#include "life.h"
#include "pastdue.h"
#include "verdict.h"

#define AFTER_EVENT_NS (10LL * 1000 * 1000 * 1000) /* an arm so soon after belongs to it */
#define ORDER_REACH_NS (5LL * 1000 * 1000 * 1000)  /* a VMM has set the clock by then */
#define ORDER_STALE_NS (1000LL * 1000 * 1000)	   /* ...of a VM that had run before */
#define ORDER_STEP_NS  (1000 * 1000)
#define TSC_BEHIND_NS  (1000 * 1000) /* five times the uncertainty of its zero */
#define NEAR_NS	       (1000LL * 1000 * 1000)
#define RETRY_NS       (200 * 1000) /* a retry finds its target reached this late at most */

static const struct hvst_life_event *life_before(const struct analysis *a, int vm, int64_t ts)
{
	const struct hvst_life_event *best = NULL, *e;

	for_each_of_vm (e, a, life, vm)
		if (e->kind != HVST_LIFE_GONE && e->kind != HVST_LIFE_CREATED && e->ts_ns <= ts &&
		    ts - e->end_ns <= AFTER_EVENT_NS)
			best = e;
	return best;
}

static const struct life_step *call_of(const struct vm_life *l)
{
	for (unsigned int i = 0; l && i < l->nr; i++)
		if (l->steps[i].kind == LIFE_RESTORE)
			return &l->steps[i];
	return NULL;
}

/*
 * Hypercalls are not recorded, and the guest set up its page before @ts: it may have asked for its
 * old time to be restored.
 */
static bool may_have_called(const struct analysis *a, int vm, int64_t ts)
{
	const struct vm_life *l = hvst_life_of(a, vm);

	if (hvst_recorded(a) & EVENT_BIT(HYPERCALL))
		return false;
	for (unsigned int i = 0; l && i < l->nr; i++)
		if (l->steps[i].kind == LIFE_PAGE_OFF && l->steps[i].ts_ns <= ts &&
		    ts - l->steps[i].ts_ns <= AFTER_EVENT_NS)
			return true;
	return false;
}

/* --- guest_clock_ahead ------------------------------------------------------------------------ */

static enum hvst_answer leap_answer(const struct analysis *a, int vm, const struct leap *p)
{
	const struct hvst_life_event *e = life_before(a, vm, p->ts_ns);
	const struct life_step *call = call_of(hvst_life_of(a, vm));
	bool far = hvst_epoch_lead(p) >= EPOCH_FAR_NS;

	if (p->headroom_ns < 0)
		return HVST_NO;
	if (hvst_epoch_follows_step(p))
		return p->by_host || p->single || hvst_epoch_overtaken(p) ? HVST_CANNOT_TELL
									  : HVST_YES;
	if (far && !p->by_host && call && call->ts_ns <= p->ts_ns &&
	    p->ts_ns - call->ts_ns <= AFTER_EVENT_NS)
		return HVST_YES;
	if (far && (e || (!p->by_host && may_have_called(a, vm, p->ts_ns))))
		return HVST_CANNOT_TELL;
	return HVST_NO;
}

/* The clock was set back, and the guest has not armed a timer since. */
static bool unanswered_step(const struct analysis *a, int vm, const struct vm_leaps *l)
{
	const struct hvst_ref_segment *s;

	for_each_of_vm (s, a, reference, vm)
		if (s->step_ns != HVST_UNKNOWN && s->step_ns <= -EPOCH_STEP_NS &&
		    (l->last_arm_ns == HVST_UNKNOWN || l->last_arm_ns < s->from_ns))
			return true;
	return false;
}

ANSWER(ahead)
{
	const struct vm_leaps *l = hvst_epoch_of(a, vm);
	enum hvst_answer best = HVST_NO;

	if (!l)
		return HVST_CANNOT_TELL;
	for (unsigned int i = 0; i < l->nr && best != HVST_YES; i++) {
		enum hvst_answer one = leap_answer(a, vm, &l->leap[i]);

		if (one == HVST_NO)
			continue;
		if (one == HVST_YES)
			why->n = 0; /* clear evidence replaces the unclear evidence before it */
		best = one;
		hvst_evidence_add(why, &l->leap[i].why);
		if (hvst_epoch_follows_step(&l->leap[i]))
			hvst_evidence_stat(why, "before it the reference clock went back by %.6f s",
					   -(double)l->leap[i].step_ns / 1e9);
	}
	if (best == HVST_NO && unanswered_step(a, vm, l)) {
		hvst_evidence_stat(why, "the guest armed no timer after its reference clock was "
					"set back");
		return HVST_CANNOT_TELL;
	}
	return best;
}

/* --- guest_time_restore ----------------------------------------------------------------------- */

static void call_evidence(const struct life_step *s, struct hvst_evidence_list *why)
{
	char text[120];

	if (s->value == UINT64_MAX)
		snprintf(text, sizeof(text),
			 "the guest calls HvCallRestorePartitionTime (0x0103); no return seen");
	else
		snprintf(text, sizeof(text),
			 "the guest calls HvCallRestorePartitionTime (0x0103): status %llu%s",
			 (unsigned long long)s->value,
			 s->value == 2 ? ", invalid hypercall code: KVM lacks it"
			 : s->value    ? ""
				       : ", success");
	hvst_life_evidence(why, s, text);
}

/*
 * The host's clock went forward by as much as the arm is past due: this is missed time, not another
 * epoch.
 */
static bool stepped_past(const struct analysis *a, int vm, const struct leap *p)
{
	int64_t step = hvst_life_step_in(a, vm, p->ts_ns - AFTER_EVENT_NS, p->ts_ns);

	return p->headroom_ns < 0 && step != HVST_UNKNOWN && step > -p->headroom_ns / 2;
}

/* An arm of another epoch soon after it; NULL: none. */
static const struct leap *leap_after(const struct analysis *a, int vm, int64_t ts)
{
	const struct vm_leaps *l = hvst_epoch_of(a, vm);

	for (unsigned int i = 0; l && i < l->nr; i++) {
		const struct leap *p = &l->leap[i];

		if (p->ts_ns >= ts && p->ts_ns - ts <= AFTER_EVENT_NS && !p->by_host &&
		    !stepped_past(a, vm, p))
			return p;
	}
	return NULL;
}

static void apart_evidence(const struct leap *p, struct hvst_evidence_list *why)
{
	hvst_evidence_add(why, &p->why);
	hvst_evidence_stat(
		why,
		"the epoch of the guest's counts lies %.6f s %s that of its reference "
		"clock",
		(double)llabs(p->headroom_ns >= 0 ? hvst_epoch_lead(p) : p->headroom_ns) / 1e9,
		p->headroom_ns >= 0 ? "before" : "behind");
}

ANSWER(time_restore)
{
	const struct vm_life *l = hvst_life_of(a, vm);
	enum hvst_answer answer = HVST_NO;
	const struct hvst_life_event *e;
	bool call = false;

	for (unsigned int i = 0; l && i < l->nr; i++) {
		const struct leap *p;

		if (l->steps[i].kind != LIFE_RESTORE)
			continue;
		p = leap_after(a, vm, l->steps[i].ts_ns);
		call_evidence(&l->steps[i], why);
		if (p)
			apart_evidence(p, why);
		call = true;
	}
	for_each_of_vm (e, a, life, vm) {
		const struct leap *p = leap_after(a, vm, e->ts_ns);

		if (call || e->kind != HVST_LIFE_RESUMED)
			continue;
		if (!p && hvst_recorded(a) & EVENT_BIT(HYPERCALL))
			continue;
		answer = HVST_CANNOT_TELL;
		hvst_evidence_stat(why, "the guest set up its clock and timers anew at %.6f s",
				   (double)e->ts_ns / 1e9);
		if (p)
			apart_evidence(p, why);
	}
	for (unsigned int i = 0; !call && answer == HVST_NO && l && i < l->nr; i++)
		if (l->steps[i].kind == LIFE_PAGE_OFF &&
		    may_have_called(a, vm, l->steps[i].ts_ns)) {
			answer = HVST_CANNOT_TELL;
			hvst_life_evidence(why, &l->steps[i],
					   "the guest switches its page off; hypercalls are not "
					   "recorded");
		}
	return call ? HVST_YES : answer;
}

/* --- tsc_reference_offset --------------------------------------------------------------------- */

/* The lag of the guest's clock in the storm, see hvst_epoch_lag(). */
static bool storm_lag(const struct analysis *a, const struct hvst_storm *s, int64_t *least,
		      int64_t *most)
{
	const struct vm *vm = hvst_vm_by_number(a, s->vm);

	for (const struct vcpu *v = vm ? vm->vcpus : NULL; v; v = v->vm_next)
		if (v->tid == s->tid && v->timer[s->timer] && v->timer[s->timer]->state)
			return hvst_epoch_lag(v->timer[s->timer], s->skew_start_ns, least, most);
	return false;
}

/*
 * Such a lag exists from the guest's first arm on, or from its switch from the page to the TSC, and
 * no step of the host's clock precedes it.
 */
static bool may_be_of_tsc(const struct analysis *a, const struct hvst_storm *s)
{
	const struct vm_leaps *l = hvst_epoch_of(a, s->vm);
	int64_t step = hvst_life_step_in(a, s->vm, s->start_ns - NEAR_NS, s->start_ns);
	const struct hvst_guest_transition *t;

	if (step != HVST_UNKNOWN && step)
		return false;
	for_each_of_vm (t, a, guest, s->vm)
		if (t->role == HVST_ROLE_STIMER &&
		    (t->to == HVST_SRC_RAW_TSC || t->to == HVST_SRC_UNKNOWN) &&
		    llabs(t->ts_ns - s->start_ns) <= NEAR_NS)
			return true;
	return l && l->first_arm_ns != HVST_UNKNOWN && s->start_ns - l->first_arm_ns <= NEAR_NS;
}

/* Does the storm's lag equal the distance of the two zeroes? */
static enum hvst_answer tsc_offset_of(const struct analysis *a, const struct hvst_storm *s,
				      struct hvst_evidence_list *why)
{
	int64_t err, slack, behind, least, most;
	char reason[96];

	behind = hvst_life_tsc_behind(a, s->vm, s->start_ns, &err, reason, sizeof(reason));
	if (behind == HVST_UNKNOWN) {
		if (!may_be_of_tsc(a, s))
			return HVST_NO;
		if (!why->n)
			hvst_evidence_stat(why, "when the guest's TSC read zero: %s", reason);
		return HVST_CANNOT_TELL;
	}
	slack = err + RETRY_NS + behind / 1000;
	if (behind < TSC_BEHIND_NS)
		return HVST_NO;
	/*
	 * A guest that mixes delays shows no lag, only that it is no less than the arms are late.
	 */
	if (!storm_lag(a, s, &least, &most))
		return s->skew_start_ns <= behind + slack && may_be_of_tsc(a, s) ? HVST_CANNOT_TELL
										 : HVST_NO;
	if (behind < least - slack || behind > most + slack)
		return HVST_NO;
	if (most - least > behind / 10) /* a larger tolerance would fit anything */
		return HVST_CANNOT_TELL;
	why->n = 0;
	hvst_evidence_stat(why, "the guest's TSC began %.6f s (+- %.6f) after its reference clock",
			   (double)behind / 1e9, (double)err / 1e9);
	hvst_evidence_stat(why, "its clock lags by as much: %.6f s, from %.6f s on",
			   (double)least / 1e9, (double)s->start_ns / 1e9);
	return HVST_YES;
}

/*
 * Bursts of past-due arms from the guest's first arm on: some of its delays are shorter than the
 * lag, others longer, so that the lag cannot be measured.
 */
static enum hvst_answer tsc_offset_of_bursts(const struct analysis *a, int number,
					     struct hvst_evidence_list *why)
{
	const struct vm_causes *c = hvst_causes_of(a, number);
	const struct vm_leaps *l = hvst_epoch_of(a, number);
	int64_t err, behind;
	char reason[96];

	if (!c || !c->unexplained || !l || l->first_arm_ns == HVST_UNKNOWN ||
	    c->unexplained_why.ts_ns - l->first_arm_ns > NEAR_NS)
		return HVST_NO;
	behind = hvst_life_tsc_behind(a, number, l->first_arm_ns, &err, reason, sizeof(reason));
	if (behind == HVST_UNKNOWN)
		hvst_evidence_stat(why, "when the guest's TSC read zero: %s", reason);
	else if (behind < TSC_BEHIND_NS)
		return HVST_NO;
	else
		hvst_evidence_stat(why,
				   "the guest's TSC began %.6f s (+- %.6f) after its reference "
				   "clock, and arms are past due from its first on",
				   (double)behind / 1e9, (double)err / 1e9);
	return HVST_CANNOT_TELL;
}

ANSWER(tsc_offset)
{
	enum hvst_answer answer = HVST_NO, one;
	const struct hvst_storm *s;

	for_each_of_vm (s, a, storms, vm) {
		if (s->kind != HVST_STORM_CONSTANT)
			continue;
		one = tsc_offset_of(a, s, why);
		if (one != HVST_NO)
			answer = one;
		if (answer == HVST_YES)
			break;
	}
	return answer == HVST_NO ? tsc_offset_of_bursts(a, vm, why) : answer;
}

/* --- vmm_resume_order ------------------------------------------------------------------------- */

static bool created_in(const struct vm_life *l, const struct hvst_life_event *e)
{
	for (unsigned int i = 0; i < l->nr; i++)
		if (l->steps[i].kind == LIFE_CREATED && l->steps[i].ts_ns >= e->ts_ns &&
		    l->steps[i].ts_ns <= e->end_ns)
			return true;
	return false;
}

/* The VM did nothing before it was restored. */
static bool is_fresh(const struct analysis *a, const struct hvst_life_event *e)
{
	const struct vm *vm = hvst_vm_by_number(a, e->vm);

	for (const struct vcpu *v = vm ? vm->vcpus : NULL; v; v = v->vm_next)
		if (v->ran && v->first_ns < e->ts_ns)
			return created_in(vm->state->life, e);
	return true;
}

static const struct hvst_ref_segment *late_step(const struct analysis *a,
						const struct hvst_life_event *e)
{
	int64_t reach = is_fresh(a, e) ? ORDER_REACH_NS : ORDER_STALE_NS;
	const struct hvst_ref_segment *s;

	for_each_of_vm (s, a, reference, e->vm)
		if (s->step_ns != HVST_UNKNOWN && llabs(s->step_ns) >= ORDER_STEP_NS &&
		    s->from_ns > e->first_run_ns && s->from_ns - e->first_run_ns <= reach)
			return s;
	return NULL;
}

static const struct life_step *late_update(const struct analysis *a,
					   const struct hvst_life_event *e)
{
	const struct vm_life *l = hvst_life_of(a, e->vm);

	for (unsigned int i = 0; l && i < l->nr; i++)
		if (l->steps[i].kind == LIFE_MASTER && !l->steps[i].by_vcpu &&
		    l->steps[i].ts_ns > e->first_run_ns && l->steps[i].ts_ns <= e->end_ns)
			return &l->steps[i];
	return NULL;
}

/* Which vCPU ran first, and how often the guest armed a timer until @to. */
static void order_evidence(const struct analysis *a, const struct hvst_life_event *e, int64_t to,
			   struct hvst_evidence_list *why)
{
	const struct vm_life *l = hvst_life_of(a, e->vm);
	const struct life_step *first = NULL;
	uint64_t arms = 0;
	char text[120];

	for (unsigned int i = 0; l && i < l->nr && l->steps[i].ts_ns < to; i++) {
		const struct life_step *s = &l->steps[i];

		if (s->ts_ns < e->first_run_ns)
			continue;
		if (!first && (s->kind == LIFE_ENTRY || s->kind == LIFE_ARM))
			first = s;
		if (s->kind == LIFE_ARM)
			arms += s->n;
	}
	if (!first)
		return;
	snprintf(
		text, sizeof(text),
		"vCPU %d ran %.6f s before its VM's clock was set, and the guest armed timers %llu "
		"times by then",
		first->vcpu, (double)(to - first->ts_ns) / 1e9, (unsigned long long)arms);
	hvst_life_evidence(why, first, text);
}

ANSWER(resume_order)
{
	enum hvst_answer answer = HVST_NO;
	const struct hvst_life_event *e;

	for_each_of_vm (e, a, life, vm) {
		const struct hvst_ref_segment *step;
		const struct life_step *update;

		if (answer == HVST_YES)
			break;
		if (e->first_run_ns == HVST_UNKNOWN ||
		    (e->kind != HVST_LIFE_RESTORED && e->kind != HVST_LIFE_RESTORED_OR_MIGRATED))
			continue;
		step = late_step(a, e);
		update = late_update(a, e);
		if (step) {
			answer = is_fresh(a, e) ? HVST_YES : HVST_CANNOT_TELL;
			order_evidence(a, e, step->from_ns, why);
			hvst_evidence_stat(
				why, "then its reference clock moved by %+.6f s at %.6f s",
				(double)step->step_ns / 1e9, (double)step->from_ns / 1e9);
		} else if (update && is_fresh(a, e) &&
			   hvst_life_step_in(a, vm, update->ts_ns, update->ts_ns) == HVST_UNKNOWN) {
			answer = HVST_CANNOT_TELL;
			order_evidence(a, e, update->ts_ns, why);
		}
	}
	return answer;
}

/* --- vcpu_tsc_mismatch ------------------------------------------------------------------------ */

static unsigned int nr_vcpus(const struct analysis *a, int number)
{
	const struct vm *vm = hvst_vm_by_number(a, number);
	unsigned int n = 0;

	for (const struct vcpu *v = vm ? vm->vcpus : NULL; v; v = v->vm_next)
		n += v->ran;
	return n;
}

/* While the VM still ran: a task that creates another VM switches this VM's master clock off. */
static const struct life_step *last_update(const struct analysis *a, int vm,
					   const struct vm_life *l)
{
	const struct vm *of = hvst_vm_by_number(a, vm);
	int64_t last = of ? hvst_vm_last_ns(of) : INT64_MIN;

	for (unsigned int i = l->nr; i > 0; i--)
		if (l->steps[i - 1].kind == LIFE_MASTER && l->steps[i - 1].ts_ns <= last)
			return &l->steps[i - 1];
	return NULL;
}

static void mismatch_evidence(const struct analysis *a, int vm, const struct vm_life *l,
			      struct hvst_evidence_list *why)
{
	const struct tsc_mismatch *m = &l->mismatch;
	int64_t cycles = hvst_life_cycles(m->least, m->most);
	const struct life_step *off = last_update(a, vm, l);
	char ns[32] = "";

	if (a->cycle_ns > 0)
		snprintf(ns, sizeof(ns), " (%.0f ns)", a->cycle_ns * (double)cycles);
	hvst_evidence_add(why, &m->why);
	hvst_evidence_stat(why,
			   "TSC offset of vCPU %d: %lld; of vCPU %d: %lld; %lld cycles apart%s",
			   m->least_vcpu, (long long)m->least, m->most_vcpu, (long long)m->most,
			   (long long)cycles, ns);
	if (off && !off->whole && off->ts_ns >= m->since_ns)
		hvst_life_evidence(why, off, "master clock off: the TSC page cannot be computed");
}

ANSWER(tsc_mismatch)
{
	const struct vm_life *l = hvst_life_of(a, vm);
	const struct life_step *off = l ? last_update(a, vm, l) : NULL;

	if (!l)
		return HVST_CANNOT_TELL;
	if (l->mismatched) {
		mismatch_evidence(a, vm, l, why);
		return HVST_YES;
	}
	/* Where the host's clock is the TSC, unequal TSCs alone switch the master clock off. */
	if (off && !off->whole && off->value && nr_vcpus(a, vm) > 1) {
		hvst_life_evidence(why, off,
				   "the master clock is off though the host's clock is "
				   "the TSC; the offsets themselves were not seen");
		return HVST_CANNOT_TELL;
	}
	return HVST_NO;
}
