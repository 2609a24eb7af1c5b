/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Answers and sentences about timers that fail without a past-due arm, about the
 * slow clock path, and about requests that KVM refuses.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "by_vm.h"
#include "load.h"
#include "lost.h"
#include "refused.h"
#include "slowpath.h"
#include "verdict.h"

static const struct vm *vm_of(const struct analysis *a, int number)
{
	const struct vm *vm = hvst_vm_by_number(a, number);

	return vm && vm->state ? vm : NULL;
}

static void evidence_all(struct hvst_evidence_list *to, const struct hvst_evidence_list *l)
{
	for (unsigned int i = 0; i < l->n; i++)
		hvst_evidence_add(to, &l->e[i]);
}

/* Text appended to a verdict's summary, truncated at its end. */
static void append(struct hvst_verdict *v, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void append(struct hvst_verdict *v, const char *fmt, ...)
{
	size_t len = strlen(v->summary);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(v->summary + len, sizeof(v->summary) - len, fmt, ap);
	va_end(ap);
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

/* --- timer_livelock --------------------------------------------------------------------------- */

ANSWER(livelock)
{
	const struct hvst_storm *s;
	bool yes = false;

	for_each_of_vm (s, a, storms, vm) {
		if (s->kind != HVST_STORM_LIVELOCK)
			continue;
		yes = true;
		evidence_all(why, &s->evidence);
	}
	return hvst_answer_if(yes, true);
}

SENTENCE(livelock)
{
	const struct hvst_storm *big = NULL;
	unsigned int n = 0;
	char span[HVST_TEXT_BUF], rate[HVST_TEXT_BUF];

	for (unsigned int i = 0; i < a->result.nr_storms; i++) {
		const struct hvst_storm *s = a->result.storms[i];

		if (s->kind != HVST_STORM_LIVELOCK)
			continue;
		n++;
		if (!big || s->arms > big->arms)
			big = s;
	}
	if (!big) {
		append(v, "no timer was started or delivered over and over without effect");
		return;
	}
	append(v, "from %.6f s for %s KVM %s timer %d of vCPU %d %s times a second: ",
	       (double)big->start_ns / 1e9, hvst_text_duration(big->end_ns - big->start_ns, span),
	       big->livelock == HVST_LIVELOCK_MESSAGE ? "tries to deliver" : "restarts", big->timer,
	       big->vcpu, hvst_text_count((uint64_t)(big->rate_hz + 0.5), rate));
	if (big->livelock == HVST_LIVELOCK_MESSAGE)
		append(v, "its message slot is busy (-11), and the guest never gets to end the "
			  "message in it (kernels before f1ff89ec4447)");
	else
		append(v,
		       "count 0x%" PRIx64 " lies so far ahead that its deadline overflows and the "
		       "hrtimer fires at once",
		       big->count);
	if (n > 1)
		append(v, "; the largest of %u livelocks", n);
}

/* --- lost_timer ------------------------------------------------------------------------------- */

ANSWER(lost)
{
	const struct vm *m = vm_of(a, vm);
	const struct vm_lost *l = m ? m->state->lost : NULL;

	if (!l)
		return HVST_CANNOT_TELL;
	evidence_all(why, &l->why);
	return hvst_answer_if(l->n, !l->unclear);
}

SENTENCE(lost)
{
	const struct vm_lost *worst = NULL;
	uint64_t n = 0, unclear = 0;
	const struct lost_timer *s;
	char span[HVST_TEXT_BUF];

	for_each_vm (vm, a) {
		const struct vm_lost *l = vm->state ? vm->state->lost : NULL;

		if (!l)
			continue;
		n += l->n;
		unclear += l->unclear;
		if (l->n && (!worst || l->longest.until_ns - l->longest.from_ns >
					       worst->longest.until_ns - worst->longest.from_ns))
			worst = l;
	}
	if (v->answer != HVST_YES || !worst) {
		append(v, "%s",
		       unclear ? "a timer was silent for long, but its callback may be missing "
				 "from the recording, or be one of those that may be another VM's"
			       : "every timer that was armed came, was programmed anew, or is not "
				 "due yet");
		return;
	}
	s = &worst->longest;
	append(v, "timer %d of vCPU %d (tid %d) was lost at %.6f s, for %s: ", s->timer, s->vcpu,
	       s->tid, (double)s->from_ns / 1e9,
	       hvst_text_duration(s->until_ns - s->from_ns, span));
	if (!s->result)
		append(v, "its callback never came");
	else
		append(v, "its delivery failed with %d (%s)%s", s->result,
		       hvst_send_result_text(s->direct, s->result),
		       s->result == -EAGAIN ? ", and the guest did not free the slot"
					    : ", which KVM does not try again");
	append(v, "; %s",
	       s->recovered ? "the guest recovered by programming it again"
			    : "the guest did not program it again to the end of what was recorded");
	if (n > 1)
		append(v, "; the longest of %" PRIu64 " times", n);
}

/* --- restored_timer_fired --------------------------------------------------------------------- */

ANSWER(restored)
{
	const struct vm *m = vm_of(a, vm);
	const struct vm_lost *l = m ? m->state->lost : NULL;

	if (!l)
		return HVST_CANNOT_TELL;
	evidence_all(why, &l->revived_why);
	return hvst_answer_if(l->revived, !l->restored_past);
}

SENTENCE(restored)
{
	uint64_t revived = 0, past = 0;
	const struct lost_timer *s = NULL;

	for_each_vm (vm, a) {
		const struct vm_lost *l = vm->state ? vm->state->lost : NULL;

		if (!l)
			continue;
		if (l->revived && !s)
			s = &l->reviver;
		revived += l->revived;
		past += l->restored_past;
	}
	if (v->answer == HVST_YES && s)
		append(v,
		       "%" PRIu64
		       " timer%s that the VMM restored as expired fired again, first timer "
		       "%d of vCPU %d at %.6f s: the guest gets a tick it did not ask for (KVM "
		       "before d6800af51c76 enables an auto-enable timer when the VMM writes its "
		       "count)",
		       revived, plural(revived), s->timer, s->vcpu, (double)s->until_ns / 1e9);
	else if (v->answer == HVST_CANNOT_TELL && past)
		append(v,
		       "%" PRIu64 " timer%s restored as enabled expired at once; right if it was "
		       "pending when the VM was saved, which only that moment's state tells",
		       past, plural(past));
	else
		append(v, "no timer expired that the guest had not armed");
}

/* --- slow_clock_path -------------------------------------------------------------------------- */

static bool boots_seen(const struct analysis *a)
{
	return hvst_recorded(a) & EVENT_BIT(MSR);
}

ANSWER(slow)
{
	const struct vm *m = vm_of(a, vm);
	const struct vm_slow *s = m ? m->state->slow : NULL;
	enum hvst_answer answer;

	if (!s)
		return HVST_CANNOT_TELL;
	answer = hvst_slowpath_answer(s, m->first_ns, hvst_vm_last_ns(m), boots_seen(a));
	if (answer == HVST_YES) {
		hvst_evidence_add(why, &s->why);
		hvst_evidence_stat(why,
				   "%" PRIu64 " clock reads, %" PRIu64 " exits, %" PRIu64
				   " timer writes in %.1f s",
				   hvst_slow_reads(&s->slow), s->slow.exits, s->slow.arms,
				   (double)s->slow_ns / 1e9);
	}
	return answer;
}

static void append_page(struct hvst_verdict *v, const struct vm_slow *s)
{
	switch (s->page) {
	case SLOW_PAGE_NEVER:
		append(v, "the guest did not enable the TSC page in this trace");
		break;
	case SLOW_PAGE_OFF:
		append(v, "the guest switched the TSC page off at %.6f s",
		       (double)s->page_ns / 1e9);
		break;
	case SLOW_PAGE_BROKEN:
		append(v, "the TSC page is broken since %.6f s: no master clock",
		       (double)s->page_ns / 1e9);
		break;
	case SLOW_PAGE_SET:
		append(v, "although the TSC page is set: the guest does not trust it, or its "
			  "clocksource is another");
		break;
	}
}

static void append_cost(struct hvst_verdict *v, const struct slow_sums *s)
{
	char cost[HVST_TEXT_BUF];

	if (s->exits)
		append(v, ", %.0f %% of all exits",
		       100.0 * (double)hvst_slow_reads(s) / (double)s->exits);
	if (s->costed)
		append(v, ", %s outside the guest each",
		       hvst_text_duration(s->cost_ns / (int64_t)s->costed, cost));
}

static bool any_slow(const struct analysis *a)
{
	for_each_vm (vm, a)
		if (vm->state && vm->state->slow->slow_ns)
			return true;
	return false;
}

SENTENCE(slow)
{
	const struct vm_slow *worst = NULL;
	char rate[HVST_TEXT_BUF];
	unsigned int reg = 0;

	for_each_vm (vm, a) {
		const struct vm_slow *s = vm->state ? vm->state->slow : NULL;

		if (s &&
		    hvst_slowpath_answer(s, vm->first_ns, hvst_vm_last_ns(vm), boots_seen(a)) ==
			    HVST_YES &&
		    (!worst || hvst_slow_reads(&s->slow) > hvst_slow_reads(&worst->slow)))
			worst = s;
	}
	if (v->answer != HVST_YES || !worst) {
		append(v,
		       v->answer == HVST_CANNOT_TELL && any_slow(a)
			       ? "the guest reads its clock through exits, for too short a time to "
				 "tell it from a boot or a burst"
			       : "the guest does not read its clock through exits, or seldom, or "
				 "while it boots");
		return;
	}
	for (unsigned int i = 1; i < NR_SLOW; i++)
		if (worst->slow.reads[i] > worst->slow.reads[reg])
			reg = i;
	append(v, "the guest reads %s %s times a second from %.6f s to %.6f s",
	       hvst_slow_register_name((enum slow_register)reg),
	       hvst_text_count(hvst_slow_reads(&worst->slow) * 1000000000ULL /
				       (uint64_t)worst->slow_ns,
			       rate),
	       (double)worst->first_ns / 1e9, (double)worst->last_ns / 1e9);
	append_cost(v, &worst->slow);
	append(v, "; ");
	append_page(v, worst);
}

/* --- refused_requests ------------------------------------------------------------------------- */

ANSWER(refused)
{
	const struct vm *m = vm_of(a, vm);
	const struct vm_refused *r = m ? m->state->refused : NULL;

	if (!r)
		return HVST_CANNOT_TELL;
	for (unsigned int i = 0; i < r->nr; i++) {
		struct hvst_evidence e = r->r[i].why;
		size_t len = strlen(e.text);

		snprintf(e.text + len, sizeof(e.text) - len, ", %" PRIu64 " time%s", r->r[i].n,
			 plural(r->r[i].n));
		hvst_evidence_add(why, &e);
	}
	return hvst_answer_if(r->n, true);
}

SENTENCE(refused)
{
	uint64_t n = 0, other = 0, told = 0;
	char text[128];

	for_each_vm (vm, a) {
		const struct vm_refused *r = vm->state ? vm->state->refused : NULL;

		n += r ? r->n : 0;
		other += r ? r->other : 0;
	}
	if (v->answer != HVST_YES)
		append(v, "KVM refused nothing that the guest asked of Hyper-V's interface");
	else
		append(v, "KVM refused %" PRIu64 " request%s of the guest: ", n, plural(n));
	for_each_vm (vm, a) {
		const struct vm_refused *r = vm->state ? vm->state->refused : NULL;

		for (unsigned int i = 0; r && i < r->nr && told < 3; i++)
			append(v, "%s%s (%" PRIu64 " time%s)", told++ ? "; " : "",
			       hvst_refused_text(&r->r[i], text), r->r[i].n, plural(r->r[i].n));
	}
	if (other)
		append(v, "; accesses of other MSRs refused: %" PRIu64, other);
}

const struct hvst_timer *hvst_load_of(const struct analysis *a)
{
	const struct hvst_timer *best = NULL;

	for (unsigned int i = 0; i < a->result.nr_timers; i++) {
		const struct hvst_timer *t = a->result.timers[i];

		if (!hvst_load_is_high(t))
			continue;
		if (!best || t->time_share > best->time_share ||
		    (t->time_share == best->time_share && t->peak_hz > best->peak_hz))
			best = t;
	}
	return best;
}
