/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. The answers. Per VM first, then for the whole trace: yes if yes for any VM. A
 * "no" holds only where everything it needs was recorded and little was lost; otherwise it is
 * "cannot tell", with what is missing. A "yes" is withdrawn only where an event that it rests on
 * itself is missing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../abi/list.h"
#include "../event/needs.h"
#include "by_vm.h"
#include "pastdue.h"
#include "verdict.h"

#define LOST_MAX_PERCENT 5 /* of the span; above it there is no "no" */

#define BIT	      EVENT_BIT
#define STIMER_EVENTS (BIT(STIMER_SET_COUNT) | BIT(STIMER_START_ONE_SHOT) | BIT(STIMER_EXPIRATION))

#define Q(name) .answer = hvst_answer_##name, .sentence = hvst_sentence_##name

const struct question hvst_questions[HVST_Q_COUNT] = {
	[HVST_Q_STORM] = { .all = STIMER_EVENTS, .would = BIT(STIMER_CALLBACK), Q(storm) },
	[HVST_Q_GUEST_CLOCK_BEHIND] = { .all = STIMER_EVENTS, Q(behind) },
	[HVST_Q_GUEST_BACKLOG] = { .all = STIMER_EVENTS, .yes = BIT(STIMER_SET_COUNT), Q(backlog) },
	[HVST_Q_GUEST_CLOCK_RATE] = { .all = BIT(STIMER_START_ONE_SHOT), Q(guest_rate) },
	[HVST_Q_GUEST_CLOCKSOURCE_SWITCH] = { .all = BIT(MSR) | BIT(STIMER_SET_COUNT),
					      Q(source_switch) },
	[HVST_Q_HOST_REFERENCE_STEP] = { .all = BIT(STIMER_START_ONE_SHOT), Q(step) },
	[HVST_Q_HOST_REFERENCE_RATE] = { .all = BIT(STIMER_START_ONE_SHOT), Q(host_rate) },
	[HVST_Q_HOST_KVMCLOCK_FALLBACK] = { .all = STIMER_EVENTS | BIT(MSR),
					    .yes = BIT(MSR),
					    Q(fallback) },
	[HVST_Q_HOST_UNPAIRED_CLOCK_READS] = { .all = BIT(STIMER_START_ONE_SHOT) |
						      BIT(STIMER_CALLBACK),
					       Q(unpaired) },
	[HVST_Q_PREEMPTION] = { .all = STIMER_EVENTS | BIT(STIMER_CALLBACK),
				.either = BIT(SCHED_SWITCH),
				.or_else = BIT(ENTRY) | BIT(EXIT),
				.yes = BIT(STIMER_SET_COUNT),
				.would = BIT(ENTRY) | BIT(EXIT),
				Q(preemption) },
	[HVST_Q_GUEST_CLOCK_AHEAD] = { .all = STIMER_EVENTS, Q(ahead) },
	/* Without hypercalls, the guest's resume would show in its writes of MSRs. */
	[HVST_Q_GUEST_TIME_RESTORE] = { .either = BIT(HYPERCALL),
					.or_else = BIT(MSR),
					Q(time_restore) },
	[HVST_Q_TSC_REFERENCE_OFFSET] = { .all = STIMER_EVENTS,
					  .would = BIT(MSR) | BIT(WRITE_TSC_OFFSET),
					  Q(tsc_offset) },
	[HVST_Q_VMM_RESUME_ORDER] = { .all = BIT(STIMER_START_ONE_SHOT) | BIT(STIMER_SET_COUNT),
				      Q(resume_order) },
	[HVST_Q_VCPU_TSC_MISMATCH] = { .all = BIT(WRITE_TSC_OFFSET), Q(tsc_mismatch) },
	[HVST_Q_TIMER_LIVELOCK] = { .all = BIT(STIMER_START_ONE_SHOT) | BIT(STIMER_CALLBACK) |
					   BIT(STIMER_EXPIRATION),
				    Q(livelock) },
	[HVST_Q_LOST_TIMER] = { .all = STIMER_EVENTS | BIT(STIMER_CALLBACK) |
				       BIT(STIMER_SET_CONFIG),
				Q(lost) },
	[HVST_Q_RESTORED_TIMER_FIRED] = { .all = BIT(STIMER_SET_CONFIG) | BIT(STIMER_SET_COUNT) |
						 BIT(STIMER_EXPIRATION),
					  Q(restored) },
	[HVST_Q_SLOW_CLOCK_PATH] = { .all = BIT(MSR) | BIT(PIO) | BIT(MMIO), Q(slow) },
	[HVST_Q_REFUSED_REQUESTS] = { .all = BIT(MSR) | BIT(HYPERCALL) | BIT(HYPERCALL_DONE),
				      Q(refused) },
};

uint64_t hvst_recorded(const struct analysis *a)
{
	const struct hvst_trace *t = a->opts.trace;
	uint64_t have = 0;

	for (unsigned int i = 0; i < HVST_EV_COUNT; i++)
		if (t->in_format[i / 32] >> i % 32 & 1 || t->seen[i])
			have |= 1ULL << i;
	return have & ~hvst_not_enabled(t->seen, have) & ~a->opts.ignored;
}

static uint64_t missing_for(const struct analysis *a, enum hvst_question q)
{
	const struct question *n = &hvst_questions[q];
	uint64_t have = hvst_recorded(a);
	uint64_t miss = n->all & ~have;

	if (n->either & ~have && n->or_else & ~have)
		miss |= (n->either | n->or_else) & ~have;
	return miss;
}

int64_t hvst_cut_off_at(const struct hvst_trace *t)
{
	for (unsigned int i = 0; i < t->nr_files; i++)
		if (t->files[i]->truncated_at != HVST_UNKNOWN)
			return t->files[i]->truncated_at;
	return HVST_UNKNOWN;
}

static bool cut_off(const struct hvst_trace *t)
{
	return hvst_cut_off_at(t) != HVST_UNKNOWN;
}

/* Is so much of the VM missing that the absence of an event proves nothing? */
static bool too_lossy(const struct analysis *a, int number)
{
	const struct hvst_trace *t = a->opts.trace;
	int64_t span = t->last_ns - t->first_ns;
	const struct vm *vm;

	if (t->incomplete || cut_off(t))
		return true;
	if (t->first_ns == HVST_UNKNOWN || span <= 0)
		return false;
	vm = hvst_vm_by_number(a, number);
	for (const struct vcpu *v = vm ? vm->vcpus : NULL; v; v = v->vm_next)
		if (hvst_kvm_uncovered_ns(a->kvm, v) > span / 100 * LOST_MAX_PERCENT)
			return true;
	return false;
}

/*
 * Where the answer is open: the events that would have decided it. MSR writes show that a VM was
 * created in the trace, so that nothing of it can be before or elsewhere.
 */
static uint64_t would_help(const struct analysis *a, enum hvst_question q, bool lossy)
{
	const struct hvst_trace *t = a->opts.trace;
	uint64_t would = hvst_questions[q].would;

	if (lossy && !t->incomplete && !cut_off(t))
		would |= BIT(MSR);
	return would & ~hvst_recorded(a);
}

static enum hvst_answer graver(enum hvst_answer x, enum hvst_answer y)
{
	if (x == HVST_YES || y == HVST_YES)
		return HVST_YES;
	return x == HVST_NO ? y : x;
}

/* Has the VM a timer, a TSC page or a clock event, or may a loss of records hide them? */
static bool uses_hyperv(const struct analysis *a, const struct vm *vm)
{
	/* The page's first source is its state when the VM was created. */
	if (vm->page.on || vm->page.nr_sources > 1 || vm->first_set_ns != HVST_UNKNOWN ||
	    too_lossy(a, vm->number))
		return true;
	for_each_vcpu (v, vm)
		for (unsigned int i = 0; i < HVST_STIMERS; i++)
			if (v->timer[i])
				return true;
	return false;
}

/* Do any of the VMs that are unknown? Only then may these leave a question open. */
static bool unknown_use_hyperv(const struct analysis *a)
{
	for_each_vm (vm, a)
		if (vm->number < -1 && uses_hyperv(a, vm))
			return true;
	return false;
}

/*
 * Yes if yes for any VM, no if no for all; without any VM nothing can be told. VMs that do not use
 * Hyper-V's timers leave no question open beside one that does.
 */
static enum hvst_answer answer_of_all(const struct hvst_verdict *v, bool unknown_matter)
{
	enum hvst_answer all = v->nr_by_vm ? HVST_NO : HVST_CANNOT_TELL;
	bool every = unknown_matter || v->nr_by_vm == 1;

	for (unsigned int i = 0; i < v->nr_by_vm; i++)
		if (every || v->by_vm[i]->vm >= 0 || v->by_vm[i]->answer == HVST_YES)
			all = graver(all, v->by_vm[i]->answer);
	return all;
}

/* Is an entry of the result too lossy: one VM, or (-1) any that is unknown? */
static bool entry_lossy(const struct analysis *a, int entry)
{
	if (entry >= 0)
		return too_lossy(a, entry);
	for_each_vm (vm, a)
		if (vm->number < -1 && too_lossy(a, vm->number))
			return true;
	return false;
}

/*
 * Withdraws each "no" for which too little was recorded. Returns true if one of them had all its
 * events, but too much of its VM was lost.
 */
static bool withdraw_no(const struct analysis *a, struct hvst_verdict *v,
			struct hvst_vm_verdict *const *by, bool unknown_matter)
{
	bool lossy = false;

	for (unsigned int i = 0; i < v->nr_by_vm; i++) {
		if (by[i]->answer != HVST_NO || (!v->missing && !entry_lossy(a, by[i]->vm)))
			continue;
		by[i]->answer = HVST_CANNOT_TELL;
		lossy |= !v->missing;
	}
	v->answer = answer_of_all(v, unknown_matter);
	return lossy;
}

/* @withdrawn: the summary is about a "no" that was withdrawn. */
static void append_why_open(struct hvst_verdict *v, bool withdrawn, bool lossy)
{
	char text[sizeof(v->summary)];
	size_t len;

	if (withdrawn) {
		memcpy(text, v->summary, sizeof(text));
		snprintf(v->summary, sizeof(v->summary), "as far as it was recorded, %.400s", text);
	}
	len = strlen(v->summary);
	if (v->answer == HVST_CANNOT_TELL && lossy)
		snprintf(v->summary + len, sizeof(v->summary) - len,
			 "; too much of the trace is missing for a no");
	else if (v->missing && v->answer == HVST_CANNOT_TELL)
		snprintf(v->summary + len, sizeof(v->summary) - len,
			 "; not recorded: what it takes is listed as missing");
}

/* Of one VM, by its number; a "yes" that needs a missing event becomes "cannot tell". */
static enum hvst_answer answer_of(const struct analysis *a, enum hvst_question q, int number,
				  uint64_t missing, struct hvst_evidence_list *why)
{
	enum hvst_answer answer = hvst_questions[q].answer(a, number, why);

	return answer == HVST_YES && hvst_questions[q].yes & missing ? HVST_CANNOT_TELL : answer;
}

/* VMs that are unknown are one entry of the result, and each is asked. */
static enum hvst_answer answer_of_unknown(const struct analysis *a, enum hvst_question q,
					  uint64_t missing, struct hvst_evidence_list *why)
{
	enum hvst_answer answer = HVST_NO;

	for_each_vm (vm, a)
		if (vm->number < -1)
			answer = graver(answer, answer_of(a, q, vm->number, missing, why));
	return answer;
}

static void verdict(struct analysis *a, enum hvst_question q, struct hvst_verdict *v,
		    bool unknown_matter)
{
	unsigned int n = a->result.nr_vms;
	struct hvst_vm_verdict **by = hvst_list(calloc(n + 1, sizeof(**by)), n, sizeof(**by));
	bool lossy, withdrawn;
	enum hvst_answer found;

	v->question = q;
	v->missing = missing_for(a, q);
	v->answer = HVST_CANNOT_TELL;
	if (!by) {
		a->error = -ENOMEM;
		return;
	}
	v->by_vm = (const struct hvst_vm_verdict *const *)by;
	v->nr_by_vm = n;
	for (unsigned int i = 0; i < n; i++) {
		by[i]->vm = a->result.vms[i]->vm;
		by[i]->answer = by[i]->vm < 0
					? answer_of_unknown(a, q, v->missing, &by[i]->evidence)
					: answer_of(a, q, by[i]->vm, v->missing, &by[i]->evidence);
		for (unsigned int k = 0; k < by[i]->evidence.n; k++)
			hvst_evidence_add(&v->evidence, &by[i]->evidence.e[k]);
	}
	/*
	 * The sentence tells what was seen. For a "no" that is withdrawn it must not claim that the
	 * signs which leave a question open were absent.
	 */
	v->answer = found = answer_of_all(v, unknown_matter);
	hvst_questions[q].sentence(a, v);
	lossy = withdraw_no(a, v, by, unknown_matter);
	if (v->answer == HVST_YES)
		v->missing = 0;
	else if (v->answer == HVST_CANNOT_TELL && !v->missing)
		v->missing = would_help(a, q, lossy);
	withdrawn = v->answer == HVST_CANNOT_TELL && found == HVST_NO;
	a->withdrawn |= (uint32_t)withdrawn << q;
	append_why_open(v, withdrawn, lossy);
}

static void count_past_due(struct analysis *a)
{
	a->result.past_due_all = a->result.past_due_held = 0;
	for_each_vm (vm, a) {
		const struct vm_causes *c = vm->state ? vm->state->causes : NULL;

		a->result.past_due_all += c ? c->past_due : 0;
		a->result.past_due_held += c ? c->preempted : 0;
	}
}

void hvst_verdicts(struct analysis *a)
{
	bool unknown_matter = unknown_use_hyperv(a);

	count_past_due(a);
	for (unsigned int q = 0; q < HVST_Q_COUNT; q++)
		verdict(a, (enum hvst_question)q, &a->verdicts[q], unknown_matter);
}
