// SPDX-License-Identifier: GPL-2.0
/*
 * Every sentence follows from an answer or from the storm of the headline, and says no more than
 * that. The summaries of the answers are not used: they are in the terms of KVM and the TLFS.
 */
#include <stdarg.h>
#include <stdio.h>

#include "brief.h"
#include "finding.h"
#include "trace.h"
#include "units.h"

#define HARDLY_ANY 0.01 /* of a processor's time: a smaller share is not printed as a number */

/* The paragraph: seven sentences at most, the longest name of a guest among them. */
struct text {
	char buf[4096];
	size_t at;
};

static void add(struct text *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void add(struct text *t, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(t->buf + t->at, sizeof(t->buf) - t->at, fmt, ap);
	va_end(ap);
	if (n > 0)
		t->at += (size_t)n;
	if (t->at >= sizeof(t->buf))
		t->at = sizeof(t->buf) - 1;
}

static enum hvst_answer answer(const struct hvst_result *r, enum hvst_question q)
{
	return r->verdicts[q]->answer;
}

/* --- who -------------------------------------------------------------------------------------- */

static void add_who(struct text *t, const struct hvst_result *r, int vm, int vcpu, int tid)
{
	const struct hvst_vm *known = vm < 0 ? NULL : result_vm(r, vm);
	const char *name = known ? known->name : NULL;

	if (vcpu >= 0)
		add(t, "processor %d of ", vcpu);
	else
		add(t, "a processor of ");
	if (name && *name)
		add(t, "the virtual machine \"%.128s\"", name);
	else if (vm >= 0)
		add(t, "virtual machine %d", vm);
	else
		add(t, "a virtual machine");
	if (tid >= 0)
		add(t, " (thread %d on the host)", tid);
}

/* --- a storm ---------------------------------------------------------------------------------- */

static void what_happened(struct text *t, const struct hvst_result *r, const struct hvst_storm *s)
{
	char span[UNIT_BUF], start[UNIT_BUF], utc[UNIT_BUF];

	add(t, "Yes, there is a timer problem: ");
	add_who(t, r, s->vm, s->vcpu, s->tid);
	add(t, " was %s its own timer for %s%s, from %s s on the clock of the recording",
	    s->progress_during > 0.5 ? "interrupted over and over by" : "kept busy by",
	    s->open ? "at least " : "", unit_duration(span, s->end_ns - s->start_ns),
	    unit_time(start, s->start_ns));
	if (strcmp(unit_utc(utc, s->start_ns), "-"))
		add(t, " (%s)", utc);
	add(t, ". ");
}

static void how_bad(struct text *t, const struct hvst_result *r, const struct hvst_storm *s)
{
	char rate[UNIT_BUF], share[UNIT_BUF], count[UNIT_BUF];

	add(t, "In that time %s times a second", unit_count(rate, (uint64_t)(s->rate_hz + 0.5)));
	add(t, s->kind == HVST_STORM_LIVELOCK
		       ? " the host handled one and the same timer request"
		       : " its timer was set for a moment that was already over");
	if (s->progress_during >= HARDLY_ANY)
		add(t, ", while %s of the processor's time was left to the virtual machine itself",
		    unit_share(share, s->progress_during));
	else if (s->progress_during >= 0)
		add(t, ", while hardly any of the processor's time was left to the virtual machine "
		       "itself");
	if (s->endangers_watchdog)
		add(t, ", which is long enough for an operating system to report a hang or crash");
	if (r->nr_storms > 1)
		add(t, "; the recording shows %s such periods in all",
		    unit_count(count, r->nr_storms));
	add(t, ". ");
}

static void whose_clock(struct text *t, const struct hvst_result *r, const struct hvst_storm *s)
{
	char size[UNIT_BUF];

	if (s->kind == HVST_STORM_LIVELOCK)
		add(t, "The fault lies in the host's kernel, which repeats a request instead of "
		       "completing it. ");
	else if (s->cause == HVST_CAUSE_VCPU_HELD)
		add(t,
		    "The processor had been kept from running for %s just before, and then "
		    "caught up on the timer ticks that it had missed. ",
		    s->cause_size_ns > 0 ? unit_duration(size, s->cause_size_ns) : "some time");
	else if (s->kind == HVST_STORM_BACKLOG)
		add(t, "The virtual machine was catching up on timer ticks that it had missed. ");
	else if (s->kind == HVST_STORM_GROWING)
		add(t, "The virtual machine's own clock runs too slowly. ");
	else if (answer(r, HVST_Q_GUEST_CLOCK_BEHIND) != HVST_YES)
		add(t, "Whose clock is wrong cannot be told from this recording. ");
	else if (s->skew_max_ns > 0)
		add(t,
		    "The virtual machine's own clock was up to %s behind the clock that the "
		    "host keeps for it. ",
		    unit_duration(size, s->skew_max_ns));
	else
		add(t, "The virtual machine's own clock was behind the clock that the host keeps "
		       "for it. ");
}

/* What an answer "yes" found, in plain words; NULL: not a fault of a clock or a timer. */
static const char *const faults[HVST_Q_COUNT] = {
	[HVST_Q_GUEST_CLOCK_BEHIND] =
		"a virtual machine's own clock was behind the clock that the host keeps for it",
	[HVST_Q_GUEST_BACKLOG] = "a virtual machine was catching up on timer ticks it had missed",
	[HVST_Q_GUEST_CLOCK_RATE] = "a virtual machine's own clock runs at a wrong speed",
	[HVST_Q_GUEST_CLOCKSOURCE_SWITCH] = "a virtual machine changed to another clock",
	[HVST_Q_HOST_REFERENCE_STEP] = "the clock that the host keeps for a virtual machine jumped",
	[HVST_Q_HOST_KVMCLOCK_FALLBACK] =
		"a virtual machine set timers too late while its usual clock was switched off",
	[HVST_Q_HOST_UNPAIRED_CLOCK_READS] =
		"the host reads two clocks so far apart that timers are delayed",
	[HVST_Q_GUEST_CLOCK_AHEAD] =
		"a virtual machine's own clock was ahead of the clock that the host keeps for it",
	[HVST_Q_GUEST_TIME_RESTORE] =
		"a virtual machine asked for its time to be restored, which the host does not do",
	[HVST_Q_TSC_REFERENCE_OFFSET] =
		"the processor's counter in a virtual machine began later than its clock",
	[HVST_Q_VMM_RESUME_ORDER] =
		"a virtual machine was let run after a restore before its clock was set",
	[HVST_Q_VCPU_TSC_MISMATCH] = "the processors of one virtual machine disagree on the time",
	[HVST_Q_TIMER_LIVELOCK] = "the host handles one timer request over and over",
	[HVST_Q_LOST_TIMER] = "a timer was set and nothing came of it",
	[HVST_Q_RESTORED_TIMER_FIRED] =
		"a timer went off that had been restored as already finished",
	[HVST_Q_SLOW_CLOCK_PATH] =
		"a virtual machine has to ask the host for the time, which is slow",
	[HVST_Q_REFUSED_REQUESTS] = "the host refused requests of a virtual machine",
};

static void what_set_it_off(struct text *t, const struct hvst_result *r, const struct hvst_storm *s)
{
	char size[UNIT_BUF], before[UNIT_BUF];

	if (s->kind == HVST_STORM_LIVELOCK)
		return;
	switch (s->cause) {
	case HVST_CAUSE_HOST_STEP:
		add(t, "It began %s after the clock that the host keeps for it jumped by %s%s%s. ",
		    unit_duration(before, s->start_ns - s->cause_ts_ns),
		    s->cause_at_least ? "at least " : "", unit_signed(size, s->cause_size_ns),
		    s->kind == HVST_STORM_BACKLOG ? ""
						  : ", which the virtual machine did not follow");
		break;
	case HVST_CAUSE_SOURCE_SWITCH:
		add(t, "It began %s after the virtual machine changed to another clock. ",
		    unit_duration(before, s->start_ns - s->cause_ts_ns));
		break;
	case HVST_CAUSE_VCPU_HELD:
		break;
	default:
		if (r->headline_fault >= 0 && faults[r->headline_fault])
			add(t, "The reason is that %s. ", faults[r->headline_fault]);
		else
			add(t, "What set it off is not to be seen in this recording. ");
	}
}

static bool any_step_cause(const struct hvst_result *r)
{
	unsigned int i;

	for (i = 0; i < r->nr_storms; i++)
		if (r->storms[i]->cause == HVST_CAUSE_HOST_STEP)
			return true;
	return false;
}

/* What is known of the host's clock, unless an earlier sentence has told it. */
static void host_clock(struct text *t, const struct hvst_result *r)
{
	const struct hvst_storm *s = r->headline_storm;

	if (s && s->cause == HVST_CAUSE_HOST_STEP && s->kind != HVST_STORM_LIVELOCK)
		return;
	switch (answer(r, HVST_Q_HOST_REFERENCE_STEP)) {
	case HVST_NO:
		add(t, "The clock that the host keeps for its virtual machines did not jump. ");
		break;
	case HVST_YES:
		add(t, "The clock that the host keeps for a virtual machine jumped%s. ",
		    !s			? " in this recording"
		    : any_step_cause(r) ? " at another time and set off another of these periods"
					: " at another time");
		break;
	default:
		add(t, "Whether the clock that the host keeps for its virtual machines jumped "
		       "cannot be told. ");
	}
}

/* As in the headline: start with what set one storm off, even if a later one was worse. */
static void storm_next(struct text *t, const struct hvst_result *r, const struct hvst_storm *s)
{
	if (s->kind == HVST_STORM_LIVELOCK)
		add(t, "Next, update the kernel of the host. ");
	else if (any_step_cause(r))
		add(t, "Next, find out from the host's logs what changed the virtual machine's "
		       "clock at that time: a pause, a restore, a migration or a setting. ");
	else if (s->cause == HVST_CAUSE_VCPU_HELD)
		add(t, "Next, find out what kept the processor from running: an overloaded host, a "
		       "limit on its processor time, or a pause. ");
	else if (s->cause == HVST_CAUSE_SOURCE_SWITCH)
		add(t, "Next, find out why the virtual machine changed to another clock. ");
	else if (s->kind == HVST_STORM_BACKLOG)
		add(t, "Next, find out what held the virtual machine up before it began. ");
	else if (r->headline_fault >= 0)
		add(t, "Next, have the full report looked at, which names what to do about that. ");
	else
		add(t, "Next, find out which clock the virtual machine goes by, and make a "
		       "recording that shows how this begins. ");
}

/* --- no storm --------------------------------------------------------------------------------- */

static void add_load(struct text *t, const struct hvst_result *r)
{
	const struct hvst_timer *l = r->headline_load;
	char rate[UNIT_BUF], share[UNIT_BUF];

	add(t, "However, a timer of ");
	add_who(t, r, l->vm, l->vcpu, l->tid);
	add(t, " goes off up to %s times a second", unit_count(rate, (uint64_t)(l->peak_hz + 0.5)));
	if (l->time_share >= 0)
		add(t, " and takes %s of the processor's time", unit_share(share, l->time_share));
	add(t, ". ");
}

/* What else was found. */
static void otherwise(struct text *t, const struct hvst_result *r)
{
	if (r->headline_fault >= 0 && faults[r->headline_fault])
		add(t, "However, %s. ", faults[r->headline_fault]);
	else if (r->headline_load)
		add_load(t, r);
	else if (answer(r, HVST_Q_PREEMPTION) == HVST_YES)
		add(t, "A processor was kept from running for a while when its timers were due. ");
	else if (answer(r, HVST_Q_HOST_REFERENCE_RATE) == HVST_YES)
		add(t, "However, the clock that the host keeps for a virtual machine and the "
		       "host's own clock run at different rates. ");
	else if (r->past_due->isolated + r->past_due->bursts)
		add(t, "Timers were now and then set too late, alone or a few in a row. ");
}

static void guest_clock(struct text *t, const struct hvst_result *r)
{
	if (r->headline_fault == HVST_Q_GUEST_CLOCK_BEHIND)
		return;
	switch (answer(r, HVST_Q_GUEST_CLOCK_BEHIND)) {
	case HVST_NO:
		add(t, "No virtual machine's own clock was found to be behind. ");
		break;
	case HVST_YES:
		add(t, "A virtual machine's own clock was behind as well. ");
		break;
	default:
		add(t, "Whether a virtual machine's own clock was behind cannot be told. ");
	}
}

static void calm_next(struct text *t, const struct hvst_result *r)
{
	if (r->headline_fault >= 0)
		add(t, "Next, have the full report looked at, which has the evidence of that. ");
	else if (answer(r, HVST_Q_STORM) != HVST_NO)
		add(t, "Next, record again, completely and until the virtual machine is slow. ");
	else if (r->headline_load)
		add(t, "Next, find out which program in the virtual machine asks for so many timer "
		       "ticks. ");
	else if (answer(r, HVST_Q_PREEMPTION) == HVST_YES)
		add(t, "Next, if the virtual machine is slow, find out what keeps its processors "
		       "from running. ");
	else if (answer(r, HVST_Q_HOST_REFERENCE_RATE) == HVST_YES)
		add(t, "Next, find out whether a time service such as NTP or chrony adjusted the "
		       "host's clock then, which looks the same and does no harm. ");
	else if (hvst_result_all_no(r))
		add(t, "If the virtual machine was slow in that time, look elsewhere than at its "
		       "timers. ");
	else
		add(t, "If the virtual machine is slow at other times, record again while it is. ");
}

static void no_storm(struct text *t, const struct hvst_result *r)
{
	if (answer(r, HVST_Q_STORM) == HVST_NO)
		add(t, "No timer problem was found of the kind looked for: no virtual machine in "
		       "this recording was kept busy by its own timers. ");
	else
		add(t, "It cannot be told from this recording whether a virtual machine was kept "
		       "busy by its own timers; none was seen to be. ");
	otherwise(t, r);
	guest_clock(t, r);
	if (r->headline_fault != HVST_Q_HOST_REFERENCE_STEP)
		host_clock(t, r);
	calm_next(t, r);
}

/* --- the recording ---------------------------------------------------------------------------- */

static void incomplete(struct text *text, const struct hvst_trace *t)
{
	const char *how = trace_is_cut(t)  ? "is cut off"
			  : t->incomplete  ? "was read only in part"
			  : t->lost_places ? "has gaps"
					   : NULL;

	if (how)
		add(text, "The recording %s, so there may be more than this shows. ", how);
}

void brief_diagnosis(struct out *o, const struct hvst_trace *t, const struct hvst_result *r)
{
	const struct hvst_storm *s = r->headline_storm;
	struct text text = { .at = 0 };

	if (s) {
		what_happened(&text, r, s);
		how_bad(&text, r, s);
		whose_clock(&text, r, s);
		what_set_it_off(&text, r, s);
		host_clock(&text, r);
		storm_next(&text, r, s);
	} else {
		no_storm(&text, r);
	}
	incomplete(&text, t);
	out_wrap(o, 0, 0, 0, text.buf);
}
