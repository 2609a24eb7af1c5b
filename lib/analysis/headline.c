/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. The headline of the report: one line, up to three reasons, what to do next.
 * Derived from the answers and the storms alone, so that no sentence contradicts an answer.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/array.h"
#include "verdict.h"

/* A storm that starts so early is taken to have begun before the recording. */
#define STARTS_INSIDE_NS (20LL * 1000 * 1000)
/* From a change of the guest's clock that no event shows to the first arm that it makes late. */
#define SUSPECT_NEAR_NS (50LL * 1000 * 1000)
/* Between a step of the reference clock and the event that made it. */
#define STEP_NEAR_NS (2LL * 1000 * 1000)
#define LOAD_TEXT    160

static void reason(struct hvst_result *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* End @text after the last clause, else the last word, that leaves room to show that more follows.
 */
static void end_early(char *text, size_t size)
{
	char *end = text + size - sizeof("; ...");
	char *at = end;

	while (at > text && strncmp(at, "; ", 2))
		at--;
	if (at > text) {
		memcpy(at, "; ...", sizeof("; ..."));
		return;
	}
	for (at = end; at > text && *at != ' ';)
		at--;
	memcpy(at, " ...", sizeof(" ..."));
}

static void reason(struct hvst_result *r, const char *fmt, ...)
{
	const size_t size = sizeof(r->reasons[0]);
	char *text = r->reasons[r->nr_reasons];
	va_list ap;

	if (r->nr_reasons >= HVST_MAX_REASONS)
		return;
	va_start(ap, fmt);
	if (vsnprintf(text, size, fmt, ap) >= (int)size)
		end_early(text, size);
	va_end(ap);
	r->nr_reasons++;
}

static void next_step(struct hvst_result *r, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

static void next_step(struct hvst_result *r, const char *fmt, ...)
{
	va_list ap;

	if (r->nr_next >= HVST_MAX_NEXT)
		return;
	va_start(ap, fmt);
	vsnprintf(r->next[r->nr_next++], sizeof(r->next[0]), fmt, ap);
	va_end(ap);
}

static void fault_next(struct hvst_result *r, enum hvst_question fault)
{
	const char *const *step = hvst_advice(fault);

	for (unsigned int i = 0; i < HVST_ADVICE_STEPS && step[i]; i++)
		next_step(r, "%s", step[i]);
}

/* A verdict's summary as a sentence. */
static void summary_reason(struct hvst_result *r, enum hvst_question fault)
{
	const char *text = r->verdicts[fault]->summary;

	reason(r, "%c%s.", toupper((unsigned char)*text), *text ? text + 1 : "");
}

static enum hvst_answer answer(const struct hvst_result *r, enum hvst_question q)
{
	return r->verdicts[q]->answer;
}

/* The storm that keeps its guest from its work the longest. */
static const struct hvst_storm *worst_storm(const struct hvst_result *r)
{
	const struct hvst_storm *worst = NULL;
	int64_t most = -1;

	for (unsigned int i = 0; i < r->nr_storms; i++) {
		int64_t span = r->storms[i]->end_ns - r->storms[i]->start_ns;

		if (span > most) {
			most = span;
			worst = r->storms[i];
		}
	}
	return worst;
}

static const struct hvst_guest_transition *switch_at(const struct hvst_result *r,
						     const struct hvst_storm *s)
{
	for (unsigned int i = 0; i < r->nr_guest; i++)
		if (r->guest[i]->vm == s->vm && r->guest[i]->ts_ns == s->cause_ts_ns &&
		    hvst_is_switch(r->guest[i]))
			return r->guest[i];
	return NULL;
}

/* Whose clock is wrong, as far as that is known. */
static const char *whose(const struct hvst_storm *s, char buf[80])
{
	char behind[HVST_TEXT_BUF];

	if (s->cause == HVST_CAUSE_VCPU_HELD) {
		snprintf(buf, 80, "it was held and catches up on its ticks");
		return buf;
	}
	if (s->kind == HVST_STORM_BACKLOG) {
		snprintf(buf, 80, "the guest replays ticks that it missed");
		return buf;
	}
	if (s->kind == HVST_STORM_LIVELOCK) {
		snprintf(buf, 80, "KVM handles one arm of it over and over");
		return buf;
	}
	if (s->kind == HVST_STORM_GROWING) {
		snprintf(buf, 80, "the guest's clock runs slow");
		return buf;
	}
	if (s->skew_max_ns <= 0) /* not known */
		snprintf(buf, 80, "the guest's clock is behind");
	else
		snprintf(buf, 80, "the guest's clock is %s behind",
			 hvst_text_duration(s->skew_max_ns, behind));
	return buf;
}

static bool yes_for(const struct hvst_verdict *v, int vm)
{
	for (unsigned int i = 0; i < v->nr_by_vm; i++)
		if (v->by_vm[i]->vm == vm)
			return v->by_vm[i]->answer == HVST_YES;
	return false;
}

/*
 * The answer that explains why the clocks of the storm's VM and its host differ; NULL: none does.
 */
static const struct hvst_verdict *clocks_apart(const struct hvst_result *r,
					       const struct hvst_storm *s)
{
	static const enum hvst_question why[] = { HVST_Q_GUEST_TIME_RESTORE,
						  HVST_Q_TSC_REFERENCE_OFFSET,
						  HVST_Q_VMM_RESUME_ORDER };

	for (unsigned int i = 0; i < ARRAY_SIZE(why); i++)
		if (s->kind != HVST_STORM_BACKLOG && yes_for(r->verdicts[why[i]], s->vm))
			return r->verdicts[why[i]];
	return NULL;
}

/* The change of the guest's clock that no event shows, next to the storm's start; NULL: none. */
static const struct hvst_guest_transition *suspected_at(const struct hvst_result *r,
							const struct hvst_storm *s)
{
	for (unsigned int i = 0; i < r->nr_guest; i++) {
		const struct hvst_guest_transition *t = r->guest[i];

		if (t->vm == s->vm && (t->vcpu < 0 || t->vcpu == s->vcpu) &&
		    t->role == HVST_ROLE_STIMER && t->confidence == HVST_SUSPECTED &&
		    t->ts_ns <= s->start_ns && s->start_ns - t->ts_ns < SUSPECT_NEAR_NS)
			return t;
	}
	return NULL;
}

static void suspected_reason(struct hvst_result *r, const struct hvst_guest_transition *t)
{
	char size[HVST_TEXT_BUF], from[80] = "";

	if (t->from != HVST_SRC_UNKNOWN)
		snprintf(from, sizeof(from), " instead of %s",
			 hvst_guest_source_text(t->from, true));
	reason(r, "At %.6f s the guest's clock moved%s%s, and no event says why; it may read %s%s.",
	       (double)t->ts_ns / 1e9, t->offset_ns == HVST_UNKNOWN ? "" : " by ",
	       t->offset_ns == HVST_UNKNOWN ? "" : hvst_text_signed(t->offset_ns, size),
	       hvst_guest_source_text(t->to, true), from);
}

/* Did an event move the clock by the step that set the storm off? */
static bool moved_by_event(const struct hvst_result *r, const struct hvst_storm *s)
{
	for (unsigned int i = 0; i < r->nr_moves; i++) {
		const struct hvst_clock_move *m = r->moves[i];

		if (m->vm == s->vm && m->ts_ns <= s->start_ns &&
		    llabs(m->ts_ns - s->cause_ts_ns) < STEP_NEAR_NS &&
		    m->reference_ns != HVST_UNKNOWN && m->reference_ns)
			return true;
	}
	return false;
}

/*
 * The guest's change away from its TSC page about the step that set the storm off, where no event
 * shows another reason for it; NULL: none. Without the page KVM takes the reference time from the
 * kvmclock, and where the two differ that is the step.
 */
static const struct hvst_guest_transition *page_left(const struct hvst_result *r,
						     const struct hvst_storm *s)
{
	if (s->cause != HVST_CAUSE_HOST_STEP || moved_by_event(r, s))
		return NULL;
	for (unsigned int i = 0; i < r->nr_guest; i++) {
		const struct hvst_guest_transition *t = r->guest[i];

		if (t->vm == s->vm && t->vcpu < 0 && t->role == HVST_ROLE_STIMER &&
		    t->from == HVST_SRC_TSC_PAGE && t->ts_ns <= s->start_ns &&
		    t->ts_ns > s->cause_ts_ns - STEP_NEAR_NS)
			return t;
	}
	return NULL;
}

static void cause_reason(struct hvst_result *r, const struct hvst_storm *s)
{
	const struct hvst_guest_transition *sw;
	const struct hvst_verdict *apart;
	int64_t before = s->cause_ts_ns == HVST_UNKNOWN ? 0 : s->start_ns - s->cause_ts_ns;
	char size[HVST_TEXT_BUF], dist[HVST_TEXT_BUF];

	switch (s->cause) {
	case HVST_CAUSE_HOST_STEP:
		reason(r, "The host's reference clock stepped by %s%s at %.6f s, %s%s%s.",
		       s->cause_at_least ? "at least " : "",
		       hvst_text_signed(s->cause_size_ns, size), (double)s->cause_ts_ns / 1e9,
		       before ? hvst_text_duration(before, dist) : "when it began",
		       before ? " before it" : "",
		       s->kind == HVST_STORM_BACKLOG ? "" : "; the guest's clock did not follow");
		sw = page_left(r, s);
		if (sw)
			reason(r,
			       "At %.6f s the guest turned its TSC page off; without it KVM goes "
			       "by the kvmclock.",
			       (double)sw->ts_ns / 1e9);
		break;
	case HVST_CAUSE_SOURCE_SWITCH:
		sw = switch_at(r, s);
		if (sw)
			reason(r, "%s earlier the guest changed from %s to %s.",
			       hvst_text_duration(before, dist),
			       hvst_guest_source_text(sw->from, true),
			       hvst_guest_source_text(sw->to, true));
		break;
	case HVST_CAUSE_VCPU_HELD:
		reason(r, "The vCPU was kept off its CPU, or out of guest mode, for %s before it.",
		       hvst_text_duration(s->cause_size_ns, size));
		break;
	default:
		apart = clocks_apart(r, s);
		if (apart) {
			r->headline_fault = (int)apart->question;
			summary_reason(r, apart->question);
		} else if (suspected_at(r, s)) {
			suspected_reason(r, suspected_at(r, s));
		} else {
			reason(r, "What set it off is not seen in this recording.");
		}
	}
}

/* The longest storm that was set off by a step of the host's reference clock; NULL: none. */
static const struct hvst_storm *by_step(const struct hvst_result *r)
{
	const struct hvst_storm *best = NULL;

	for (unsigned int i = 0; i < r->nr_storms; i++) {
		const struct hvst_storm *s = r->storms[i];

		if (s->cause == HVST_CAUSE_HOST_STEP &&
		    (!best || s->end_ns - s->start_ns > best->end_ns - best->start_ns))
			best = s;
	}
	return best;
}

/* What is known of the host's reference clock, where it is not the cause. */
static void host_reason(struct analysis *a, const struct hvst_storm *s)
{
	struct hvst_result *r = &a->result;
	const struct hvst_storm *other;

	if (s->cause == HVST_CAUSE_HOST_STEP)
		return;
	switch (answer(r, HVST_Q_HOST_REFERENCE_STEP)) {
	case HVST_NO:
		reason(r, "The host's reference clock did not step in this recording.");
		break;
	case HVST_YES:
		other = by_step(r);
		if (other)
			reason(r,
			       "A step of the host's reference clock at %.6f s set off another "
			       "storm.",
			       (double)other->cause_ts_ns / 1e9);
		else
			reason(r, "At another time %s.",
			       r->verdicts[HVST_Q_HOST_REFERENCE_STEP]->summary);
		break;
	default:
		reason(r, "Whether the host's reference clock stepped cannot be told: %s.",
		       a->taken_back >> HVST_Q_HOST_REFERENCE_STEP & 1
			       ? "too little of it was recorded"
			       : r->verdicts[HVST_Q_HOST_REFERENCE_STEP]->summary);
	}
}

static void step_next(struct hvst_result *r, const struct hvst_storm *s)
{
	next_step(r,
		  "Find what moved the VM's clock at %.6f s: KVM_SET_CLOCK, a TSC offset, stop and "
		  "continue, a restore or a migration; see the VMM's log.",
		  (double)s->cause_ts_ns / 1e9);
	next_step(r, "Ask whether the guest was told, and its TSC moved with the clock.");
}

/* What to do about a storm that neither a step nor a change of clock source set off. */
static void unseen_next(struct hvst_result *r, const struct hvst_storm *s, int64_t first_ns)
{
	if (s->kind == HVST_STORM_BACKLOG)
		next_step(r, "Find what held the guest before the storm: it was away for as long "
			     "as its first arm lies back.");
	else if (r->headline_fault >= 0) /* cause_reason() has named it */
		fault_next(r, (enum hvst_question)r->headline_fault);
	else if (s->start_ns - first_ns < STARTS_INSIDE_NS)
		next_step(r, "Record its beginning: this recording starts inside.");
	else
		next_step(r,
			  "Find which clock the guest computes its time from, and what its log "
			  "says of %.6f s.",
			  (double)s->start_ns / 1e9);
}

/*
 * The cause of the worst storm first. A step that set off another storm follows, but precedes the
 * steps for a cause that was not seen: the step may well have led to both. @first_ns: when the
 * recording begins
 */
static void storm_next(struct hvst_result *r, const struct hvst_storm *s, int64_t first_ns)
{
	const struct hvst_storm *stepped = by_step(r);
	const struct hvst_guest_transition *left;

	if (s->cause == HVST_CAUSE_VCPU_HELD)
		next_step(r, "Find what kept the vCPU from its CPU: overcommit, a CPU quota, a "
			     "stopped VM. Its timers are not at fault.");
	if (s->cause == HVST_CAUSE_SOURCE_SWITCH)
		next_step(r,
			  "Find in the guest's log why it changed its clock source at %.6f s, and "
			  "compare the two clocks.",
			  (double)s->cause_ts_ns / 1e9);
	left = page_left(r, s);
	if (left)
		next_step(r,
			  "Find why the guest turned its TSC page off at %.6f s: the clock steps "
			  "where the kvmclock differs from the page.",
			  (double)left->ts_ns / 1e9);
	if (!r->nr_next)
		r->headline_step = stepped;
	if (stepped)
		step_next(r, stepped);
	if (s->cause == HVST_CAUSE_NOT_SEEN)
		unseen_next(r, s, first_ns);
}

static void livelock_reasons(struct hvst_result *r, const struct hvst_storm *s)
{
	char arms[HVST_TEXT_BUF], rate[HVST_TEXT_BUF];

	reason(r, "No arm was past due; one was handled %s times, %s a second.",
	       hvst_text_count(s->arms, arms), hvst_text_count((uint64_t)(s->rate_hz + 0.5), rate));
	summary_reason(r, HVST_Q_TIMER_LIVELOCK);
	fault_next(r, HVST_Q_TIMER_LIVELOCK);
}

/* " (4 in 2 VMs)"; nothing where there is one storm. */
static const char *how_many(const struct hvst_result *r, char buf[HVST_TEXT_BUF])
{
	unsigned int vms = 0;

	buf[0] = 0;
	for (unsigned int i = 0; i < r->nr_vms; i++)
		vms += yes_for(r->verdicts[HVST_Q_STORM], r->vms[i]->vm);
	if (vms > 1)
		snprintf(buf, HVST_TEXT_BUF, " (%u in %u VMs)", r->nr_storms, vms);
	else if (r->nr_storms > 1)
		snprintf(buf, HVST_TEXT_BUF, " (%u)", r->nr_storms);
	return buf;
}

/*
 * "win2025, tid 4715" or "qemu-system-x86 4711, tid 4715": the guest as the recording names it,
 * else its process, as far as they are known, and the vCPU's thread.
 */
static const char *whose_thread(const struct hvst_result *r, const struct hvst_storm *s,
				char buf[96])
{
	snprintf(buf, 96, "tid %d", s->tid);
	for (unsigned int i = 0; i < r->nr_vms; i++) {
		const struct hvst_vm *vm = r->vms[i];

		if (vm->vm != s->vm)
			continue;
		if (vm->name && *vm->name)
			snprintf(buf, 96, "%.64s, tid %d", vm->name, s->tid);
		else if (vm->pid >= 0)
			snprintf(buf, 96, "%s %d, tid %d", vm->vmm, vm->pid, s->tid);
	}
	return buf;
}

static void storm_headline(struct analysis *a, const struct hvst_storm *s)
{
	struct hvst_result *r = &a->result;
	char span[HVST_TEXT_BUF], text[80], before[HVST_TEXT_BUF], many[HVST_TEXT_BUF], thread[96];
	char past_due[HVST_TEXT_BUF], arms[HVST_TEXT_BUF], rate[HVST_TEXT_BUF], vm[16] = "?";

	if (s->vm >= 0)
		snprintf(vm, sizeof(vm), "%d", s->vm);
	snprintf(r->headline, sizeof(r->headline),
		 "TIMER STORM%s%s: vCPU %d of VM %s (%s) is %s its timer for %s from %.6f s; %s.",
		 r->nr_storms > 1 ? "S" : "", how_many(r, many), s->vcpu, vm,
		 whose_thread(r, s, thread),
		 s->progress_during > 0.5 ? "interrupted over and over by" : "stuck in",
		 hvst_text_duration(s->end_ns - s->start_ns, span), (double)s->start_ns / 1e9,
		 whose(s, text));
	if (s->kind == HVST_STORM_LIVELOCK) {
		livelock_reasons(r, s);
		return;
	}
	reason(r, "%s of %s arms were past due, %s a second%s%s.",
	       hvst_text_count(s->past_due, past_due), hvst_text_count(s->arms, arms),
	       hvst_text_count((uint64_t)(s->rate_hz + 0.5), rate),
	       s->skew_max_ns > 0 ? ", by up to " : "",
	       s->skew_max_ns > 0 ? hvst_text_duration(s->skew_max_ns, before) : "");
	cause_reason(r, s);
	host_reason(a, s);
	storm_next(r, s, a->opts.trace->first_ns);
	if (s->endangers_watchdog)
		next_step(r, "It lasts long enough for a watchdog of the guest (bug checks 0x101, "
			     "0x133, 0x9F; soft lockup).");
}

/* Is an answer open, and does any open answer name events that are missing? */
static bool any_open(const struct hvst_result *r, bool *missing)
{
	bool open = false;

	*missing = false;
	for (unsigned int q = 0; q < HVST_Q_COUNT; q++) {
		open |= r->verdicts[q]->answer == HVST_CANNOT_TELL;
		*missing |= r->verdicts[q]->answer == HVST_CANNOT_TELL && r->verdicts[q]->missing;
	}
	return open;
}

/* What to do about the questions that are open, if any. */
static void next_for_open(struct hvst_result *r)
{
	bool missing, open = any_open(r, &missing);

	if (missing)
		next_step(r, "For what this recording cannot tell, record again with the events "
			     "listed as missing.");
	else if (open)
		next_step(r, "For what this recording cannot tell, record for longer.");
}

/* "imer 0 of vCPU 0 expires ...": what a timer costs; the case of the first letter differs. */
static const char *load_text(const struct hvst_timer *t, char buf[LOAD_TEXT])
{
	char share[80] = "", peak[HVST_TEXT_BUF], mean[HVST_TEXT_BUF];

	if (t->exit_share >= 0 && t->time_share >= 0)
		snprintf(share, sizeof(share),
			 " and takes %.0f %% of its exits, %.*f %% of its time",
			 100 * t->exit_share, t->time_share < 0.0995, 100 * t->time_share);
	snprintf(buf, LOAD_TEXT,
		 "imer %d of vCPU %d expires up to %s times a second (%s on average)%s", t->timer,
		 t->vcpu, hvst_text_count((uint64_t)(t->peak_hz + 0.5), peak),
		 hvst_text_count((uint64_t)(t->expirations_hz + 0.5), mean), share);
	return buf;
}

/* No tick was late, but there are many. */
static void load_headline(struct hvst_result *r, const struct hvst_timer *t)
{
	char text[LOAD_TEXT];

	r->headline_load = t;
	snprintf(r->headline, sizeof(r->headline), "No timer storm, but t%s.", load_text(t, text));
	next_step(r, "Find what in the guest asks for so many ticks; see hvstimer-faults(7).");
	next_for_open(r);
}

/* A reason for each open question that has evidence of a fault. */
static void open_reasons(struct hvst_result *r)
{
	static const enum hvst_question may_be[] = { HVST_Q_GUEST_CLOCK_AHEAD,
						     HVST_Q_VMM_RESUME_ORDER,
						     HVST_Q_GUEST_TIME_RESTORE };

	for (unsigned int i = 0; i < ARRAY_SIZE(may_be); i++)
		if (answer(r, may_be[i]) == HVST_CANNOT_TELL && r->verdicts[may_be[i]]->evidence.n)
			summary_reason(r, may_be[i]);
}

/*
 * The storm question is "no", and no other question found a fault. @load: the timer that expires
 * very often; NULL: none
 */
static void healthy_headline(struct hvst_result *r, const struct hvst_timer *load)
{
	char text[LOAD_TEXT];

	if (answer(r, HVST_Q_PREEMPTION) == HVST_YES) {
		snprintf(r->headline, sizeof(r->headline),
			 "No timer storm; past-due arms came after the host had held the vCPU.");
		next_step(r, "If the guest is slow, find what keeps its vCPUs from their CPUs.");
	} else if (answer(r, HVST_Q_HOST_REFERENCE_RATE) == HVST_YES) {
		snprintf(r->headline, sizeof(r->headline),
			 "No timer storm; the reference clock and the trace clock run at different "
			 "rates.");
		next_step(r, "Compare with NTP or chrony on the host at that time: slewing the "
			     "trace clock looks the same and is no fault.");
	} else if (load) {
		load_headline(r, load);
		return;
	} else {
		snprintf(r->headline, sizeof(r->headline), "No timer storm: %s.",
			 r->past_due->isolated + r->past_due->bursts
				 ? "past-due arms came alone or in short bursts"
				 : "no arm was past due");
	}
	if (load)
		reason(r, "T%s.", load_text(load, text));
	open_reasons(r);
	if (hvst_result_all_no(r))
		next_step(r, "If the guest was slow while this was recorded, look elsewhere than "
			     "at its synthetic timers.");
	else
		next_for_open(r);
}

/* Why a storm cannot be ruled out, and what to do about it. */
static void unsure_reason(struct analysis *a)
{
	struct hvst_result *r = &a->result;
	const struct hvst_verdict *v = r->verdicts[HVST_Q_STORM];
	int64_t cut = hvst_cut_off_at(a->opts.trace);

	if (cut == HVST_UNKNOWN)
		summary_reason(r, HVST_Q_STORM);
	else
		reason(r,
		       "The recording is cut off at byte %lld; CPUs are written one after the "
		       "other, so some may be missing entirely.",
		       (long long)cut);
	next_step(r, v->missing ? "Record again with the events listed as missing, until the guest "
				  "is stuck."
				: "Record again, whole and without losing events, until the guest "
				  "is stuck.");
}

/* No storm was seen, and the question stays open. */
static void unsure_headline(struct analysis *a)
{
	snprintf(a->result.headline, sizeof(a->result.headline),
		 "No timer storm was seen, but this recording cannot rule one out.");
	unsure_reason(a);
}

/* The headline of a fault: its first clause, the rest as a reason. */
static void split_summary(struct hvst_result *r, const char *summary, const char *before)
{
	const char *rest = strstr(summary, "; ");
	int len = rest ? (int)(rest - summary) : (int)strlen(summary);

	snprintf(r->headline, sizeof(r->headline), "%s%.*s.", before, len < 400 ? len : 400,
		 summary);
	if (rest)
		reason(r, "%c%s.", toupper((unsigned char)rest[2]), rest[2] ? rest + 3 : "");
}

/* The gravest fault in the headline, the others as reasons. */
static void fault_headline(struct analysis *a, int fault, bool no_storm)
{
	struct hvst_result *r = &a->result;

	r->headline_fault = fault;
	split_summary(r, r->verdicts[fault]->summary,
		      no_storm ? "No timer storm, but: "
			       : "No timer storm was seen, but this recording cannot rule one "
				 "out; and ");
	fault_next(r, (enum hvst_question)fault);
	if (!no_storm)
		unsure_reason(a);
	while ((fault = hvst_next_fault(r, fault)) >= 0)
		summary_reason(r, (enum hvst_question)fault);
}

static void calm_headline(struct analysis *a)
{
	struct hvst_result *r = &a->result;
	bool no_storm = answer(r, HVST_Q_STORM) == HVST_NO;
	int fault = hvst_next_fault(r, -1);

	if (a->opts.trace->first_ns == HVST_UNKNOWN) {
		snprintf(r->headline, sizeof(r->headline), "The recording is empty.");
		next_step(r, "Record while the guest is stuck.");
	} else if (fault >= 0) {
		fault_headline(a, fault, no_storm);
	} else if (no_storm) {
		healthy_headline(r, hvst_load_of(a));
	} else {
		unsure_headline(a);
	}
}

void hvst_headline(struct analysis *a)
{
	struct hvst_result *r = &a->result;
	const struct hvst_storm *worst = worst_storm(r);

	r->headline_storm = worst;
	r->headline_step = NULL;
	r->headline_load = NULL;
	r->headline_fault = -1;
	if (worst)
		storm_headline(a, worst);
	else
		calm_headline(a);
	snprintf(r->advice, sizeof(r->advice), "%s", r->nr_next ? r->next[0] : "");
}
