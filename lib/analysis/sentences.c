/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. The sentence of each verdict: what its answer rests on. Decides nothing. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "epoch.h"
#include "pastdue.h"
#include "guestclock.h"
#include "verdict.h"

const struct hvst_storm *hvst_largest_storm(const struct analysis *a)
{
	const struct hvst_storm *best = NULL;

	for (unsigned int i = 0; i < a->result.nr_storms; i++)
		if (!best || a->result.storms[i]->past_due > best->past_due)
			best = a->result.storms[i];
	return best;
}

/* ", progress 95 % before and 0 % during it", as far as it is known. */
static const char *progress(const struct hvst_storm *s, char buf[64])
{
	buf[0] = 0;
	if (s->progress_before >= 0 && s->progress_during >= 0)
		snprintf(buf, 64, ", progress %.0f %% before and %.0f %% during it",
			 100 * s->progress_before, 100 * s->progress_during);
	else if (s->progress_during >= 0)
		snprintf(buf, 64, ", progress %.0f %% during it", 100 * s->progress_during);
	return buf;
}

/* Its past-due arms; for a livelock, how often its arm was handled. */
static uint64_t storm_size(const struct hvst_storm *s)
{
	return s->kind == HVST_STORM_LIVELOCK ? s->arms : s->past_due;
}

static uint64_t storm_arms(const struct analysis *a, unsigned int kinds, unsigned int *n)
{
	uint64_t arms = 0;

	*n = 0;
	for (unsigned int i = 0; i < a->result.nr_storms; i++)
		if (kinds >> a->result.storms[i]->kind & 1) {
			arms += storm_size(a->result.storms[i]);
			(*n)++;
		}
	return arms;
}

static int64_t largest_skew(const struct analysis *a, unsigned int kinds)
{
	int64_t best = 0;

	for (unsigned int i = 0; i < a->result.nr_storms; i++)
		if (kinds >> a->result.storms[i]->kind & 1 &&
		    a->result.storms[i]->skew_max_ns > best)
			best = a->result.storms[i]->skew_max_ns;
	return best;
}

SENTENCE(storm)
{
	const struct hvst_storm *s = hvst_largest_storm(a);
	char many[HVST_TEXT_BUF], most[HVST_TEXT_BUF], span[HVST_TEXT_BUF];
	char share[64], of_vm[24] = "";
	unsigned int n;
	uint64_t arms = storm_arms(a, ~0u, &n);

	if (!s) {
		snprintf(v->summary, sizeof(v->summary),
			 "no timer was past due over and over; %s past-due arms came alone, %s in "
			 "short bursts",
			 hvst_text_count(a->result.past_due->isolated, many),
			 hvst_text_count(a->result.past_due->bursts, most));
		return;
	}
	if (a->result.nr_vms > 1 && s->vm >= 0)
		snprintf(of_vm, sizeof(of_vm), "VM %d ", s->vm);
	snprintf(v->summary, sizeof(v->summary),
		 "%u storm%s, %s %s; the largest: %s on %svCPU %d timer %d within %s%s", n,
		 n == 1 ? "" : "s", hvst_text_count(arms, many),
		 s->kind == HVST_STORM_LIVELOCK ? "expirations handled" : "past-due arms",
		 hvst_text_count(storm_size(s), most), of_vm, s->vcpu, s->timer,
		 hvst_text_duration(s->end_ns - s->start_ns, span), progress(s, share));
}

static bool any_unexplained(const struct analysis *a)
{
	for_each_vm (vm, a)
		if (vm->state && vm->state->causes->unexplained)
			return true;
	return false;
}

SENTENCE(behind)
{
	unsigned int kinds = 1u << HVST_STORM_CONSTANT | 1u << HVST_STORM_GROWING, n;
	int64_t skew = largest_skew(a, kinds);
	char behind[HVST_TEXT_BUF];

	storm_arms(a, kinds, &n);
	if (v->answer == HVST_YES && n && skew)
		snprintf(v->summary, sizeof(v->summary),
			 "in %u storm%s the guest set timers that its own clock had not reached: "
			 "that clock is up to %s behind the host's reference clock",
			 n, n == 1 ? "" : "s", hvst_text_duration(skew, behind));
	else if (v->answer == HVST_YES && n)
		snprintf(
			v->summary, sizeof(v->summary),
			"in %u storm%s the guest set timers that its own clock had not reached: "
			"that clock is behind, by how much no reading of the reference clock shows",
			n, n == 1 ? "" : "s");
	else if (v->answer == HVST_YES)
		snprintf(v->summary, sizeof(v->summary),
			 "since a step of the host's reference clock the guest's timers are "
			 "shorter by just that step: its clock did not follow");
	else if (v->answer == HVST_CANNOT_TELL && v->evidence.n && !any_unexplained(a))
		snprintf(v->summary, sizeof(v->summary),
			 "next to a step of the host's reference clock, or what may be one, too "
			 "little "
			 "was armed to see whether the guest's clock followed");
	else if (v->answer == HVST_CANNOT_TELL && v->evidence.n)
		snprintf(v->summary, sizeof(v->summary),
			 "past-due arms that neither short deadlines nor a held vCPU explain may "
			 "come from a clock that is behind");
	else
		snprintf(v->summary, sizeof(v->summary),
			 "no arm shows a guest clock behind the host's reference clock");
}

SENTENCE(backlog)
{
	int64_t skew = largest_skew(a, 1u << HVST_STORM_BACKLOG);
	char behind[HVST_TEXT_BUF];
	unsigned int n;

	if (v->answer != HVST_YES) {
		snprintf(v->summary, sizeof(v->summary),
			 "no storm in which missed ticks are replayed");
		return;
	}
	storm_arms(a, 1u << HVST_STORM_BACKLOG, &n);
	snprintf(
		v->summary, sizeof(v->summary),
		"in %u storm%s the guest replays missed ticks: the count moves on by one period an "
		"arm while hardly any time passes%s%s%s",
		n, n == 1 ? "" : "s", skew ? ", from " : "",
		skew ? hvst_text_duration(skew, behind) : "", skew ? " behind" : "");
}

static bool unsure_rate(const struct analysis *a)
{
	for_each_vm (vm, a)
		if (vm->state && vm->state->guestclock->unsure_from_ns != HVST_UNKNOWN)
			return true;
	return false;
}

SENTENCE(guest_rate)
{
	const struct hvst_guest_transition *best = NULL;

	for (unsigned int i = 0; i < a->result.nr_guest; i++)
		if (!isnan(a->result.guest[i]->rate_ppm) &&
		    (!best || fabs(a->result.guest[i]->rate_ppm) > fabs(best->rate_ppm)))
			best = a->result.guest[i];
	if (v->answer == HVST_YES && best)
		snprintf(v->summary, sizeof(v->summary),
			 "the clock of vCPU %d from which counts are computed runs at %+.1f ppm "
			 "(+- %.1f) against the reference clock",
			 best->vcpu, best->rate_ppm, best->rate_ppm_error);
	else if (v->answer == HVST_NO)
		snprintf(v->summary, sizeof(v->summary),
			 "the upper edge of the headroom stays level: the guest's clock runs at "
			 "the reference clock's rate within 20 ppm");
	else if (unsure_rate(a))
		snprintf(v->summary, sizeof(v->summary),
			 "in a storm the guest's lag seems to grow, but nothing read the reference "
			 "clock meanwhile: it may have been slewed instead");
	else
		snprintf(v->summary, sizeof(v->summary),
			 "the guest's delays vary too much, or for too short a time, to show its "
			 "clock's rate");
}

/* The time from each switch to the next storm, which may be its cause. */
SENTENCE(source_switch)
{
	size_t len = 0;
	unsigned int shown = 0, n = 0;

	for (unsigned int i = 0; i < a->result.nr_guest; i++)
		n += hvst_is_switch(a->result.guest[i]);
	if (!n) {
		snprintf(v->summary, sizeof(v->summary),
			 v->answer == HVST_CANNOT_TELL && v->evidence.n
				 ? "a change of the clock from which the guest programs its timers "
				   "is suspected: its effect was seen, and no event"
				 : "no change of the clock from which the guest programs its "
				   "timers was seen");
		return;
	}
	len = (size_t)snprintf(v->summary, sizeof(v->summary),
			       "the guest changed its clock source %u time%s: ", n,
			       n == 1 ? "" : "s");
	for (unsigned int i = 0; i < a->result.nr_guest && len < sizeof(v->summary); i++) {
		const struct hvst_guest_transition *t = a->result.guest[i];
		const struct hvst_storm *next = NULL;
		char span[HVST_TEXT_BUF];

		if (!hvst_is_switch(t) || shown++ >= 4)
			continue;
		for (unsigned int k = 0; k < a->result.nr_storms && !next; k++)
			if (a->result.storms[k]->vm == t->vm &&
			    a->result.storms[k]->end_ns >= t->ts_ns)
				next = a->result.storms[k];
		len += (size_t)snprintf(
			v->summary + len, sizeof(v->summary) - len, "%sfrom %s to %s at %.6f s",
			shown > 1 ? "; " : "", hvst_guest_source_text(t->from, true),
			hvst_guest_source_text(t->to, true), (double)t->ts_ns / 1e9);
		if (!next || len >= sizeof(v->summary))
			continue;
		if (next->start_ns >= t->ts_ns)
			len += (size_t)snprintf(
				v->summary + len, sizeof(v->summary) - len, " (%s before a storm)",
				hvst_text_duration(next->start_ns - t->ts_ns, span));
		else
			len += (size_t)snprintf(v->summary + len, sizeof(v->summary) - len,
						" (inside a storm)");
	}
}

/* The first VM whose answer is that of the whole trace; NULL: none. */
static const struct vm *speaking_vm(const struct analysis *a, const struct hvst_verdict *v)
{
	for (unsigned int i = 0; i < v->nr_by_vm; i++) {
		if (v->by_vm[i]->answer != v->answer)
			continue;
		for_each_vm (vm, a)
			if (hvst_vm_shown(vm) == v->by_vm[i]->vm)
				return vm;
	}
	return NULL;
}

/* A step after which one reading came, and an arm that leads by as much. */
static void step_of_arm_text(const struct leap *p, struct hvst_verdict *v)
{
	char size[HVST_TEXT_BUF];

	snprintf(v->summary, sizeof(v->summary),
		 "the host's reference clock stepped by %s before %.6f s: the arm that shows it "
		 "leads by as much",
		 hvst_text_signed(p->step_ns, size), (double)p->ts_ns / 1e9);
}

/* Why it cannot be told. The estimator may be certain although too much of the trace is missing. */
static const char *step_open_text(struct refclock_verdict *c)
{
	if (c->answer == REFCLOCK_NO)
		return "the readings of time_now that there are lie on one line";
	return c->text;
}

SENTENCE(step)
{
	const struct vm *vm = speaking_vm(a, v);
	struct refclock_verdict c;
	size_t len = sizeof(v->summary);
	char size[HVST_TEXT_BUF];

	if (!vm) {
		snprintf(v->summary, len, "no reading of the reference clock in the trace");
		return;
	}
	hvst_refclock_stepped(&vm->clock, HVST_STEP_MIN_NS, &c);
	if (v->answer == HVST_YES && c.answer != REFCLOCK_YES)
		step_of_arm_text(hvst_epoch_step(a, vm->number), v);
	else if (v->answer == HVST_YES && c.at_least)
		snprintf(
			v->summary, len,
			"the host's reference clock stepped by at least %s between %.6f s and %.6f "
			"s: arms were due that it could not have reached else",
			hvst_text_duration(c.size, size), (double)c.after / 1e9,
			(double)c.until / 1e9);
	else if (v->answer == HVST_YES && c.steps == 1)
		snprintf(v->summary, len,
			 "the host's reference clock stepped by %s at %.6f s against the trace "
			 "clock",
			 hvst_text_signed(c.size, size), (double)c.at / 1e9);
	else if (v->answer == HVST_YES)
		snprintf(v->summary, len,
			 "the host's reference clock stepped %u times against the trace clock; "
			 "the largest step is %s at %.6f s",
			 c.steps, hvst_text_signed(c.size, size), (double)c.at / 1e9);
	else if (v->answer == HVST_NO)
		snprintf(v->summary, len,
			 "every reading of time_now lies on one line against the trace clock, but "
			 "for changes of the trace clock's own rate");
	else
		snprintf(v->summary, len, "%s", step_open_text(&c));
}

SENTENCE(host_rate)
{
	const struct vm *vm = speaking_vm(a, v);
	const char *trace_clock = a->opts.trace->clock ? a->opts.trace->clock : "?";
	struct refclock_verdict c = { 0 };

	if (vm)
		hvst_refclock_rate(&vm->clock, HVST_RATE_MIN_PPM, HVST_RATE_MIN_NS, &c);
	if (v->answer == HVST_YES)
		snprintf(v->summary, sizeof(v->summary),
			 "time_now runs at %+.1f ppm (+- %.1f) against the trace clock (%s); NTP "
			 "and chrony slew mono by that, which looks the same and is no fault",
			 c.ppm, c.ppm_err, trace_clock);
	else if (v->answer == HVST_NO)
		snprintf(v->summary, sizeof(v->summary),
			 "time_now runs at the trace clock's rate within %.0f ppm",
			 HVST_RATE_MIN_PPM);
	else if (a->opts.trace->scale_source == HVST_SCALE_ESTIMATED)
		snprintf(v->summary, sizeof(v->summary),
			 "the cycle clock's scale was itself estimated from time_now; a recording "
			 "with the clock mono or tsc2nsec would tell");
	else
		snprintf(v->summary, sizeof(v->summary),
			 "no stretch of the trace is long enough to measure the rate of time_now");
}

SENTENCE(fallback)
{
	uint64_t kvmclock = 0, page = 0, unknown = 0;
	char text[3][HVST_TEXT_BUF];

	for_each_vm (vm, a) {
		const struct vm_causes *c = vm->state ? vm->state->causes : NULL;

		kvmclock += c ? c->by_source[HVST_REF_KVMCLOCK] : 0;
		page += c ? c->by_source[HVST_REF_TSC_PAGE] : 0;
		unknown += c ? c->by_source[HVST_REF_UNKNOWN] : 0;
	}
	snprintf(v->summary, sizeof(v->summary),
		 "of the past-due arms %s came while time_now was the kvmclock's (TSC page not "
		 "set), %s while the page was set, %s while that is not known",
		 hvst_text_count(kvmclock, text[0]), hvst_text_count(page, text[1]),
		 hvst_text_count(unknown, text[2]));
}

SENTENCE(unpaired)
{
	const struct hvst_unpaired *u = a->result.unpaired;
	char text[4][HVST_TEXT_BUF];

	if (!u->count) {
		snprintf(v->summary, sizeof(v->summary),
			 "no start event gives a bound on the gap between the host's two clock "
			 "readings");
		return;
	}
	snprintf(v->summary, sizeof(v->summary),
		 "the gap between the host's two clock readings is at most %s (median), %s (99th "
		 "percentile), %s (worst of %s); it can delay a timer by that, but "
		 "never make an arm past due: that is decided by the first reading alone",
		 hvst_text_duration(u->p50_ns, text[0]), hvst_text_duration(u->p99_ns, text[1]),
		 hvst_text_duration(u->max_ns, text[2]), hvst_text_count(u->count, text[3]));
}

SENTENCE(preemption)
{
	const struct hvst_past_due *p = a->result.past_due;
	char text[5][HVST_TEXT_BUF];

	snprintf(v->summary, sizeof(v->summary),
		 "%s of %s past-due arms came after their vCPU had been held, off its CPU or out "
		 "of guest mode; of the %s outside storms %s had a deadline too short to be met, "
		 "%s are unexplained",
		 hvst_text_count(a->result.past_due_held, text[0]),
		 hvst_text_count(a->result.past_due_all, text[1]),
		 hvst_text_count(p->isolated + p->bursts, text[2]),
		 hvst_text_count(p->short_deadline, text[3]),
		 hvst_text_count(p->unexplained, text[4]));
}
