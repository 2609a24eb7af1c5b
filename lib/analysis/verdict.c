/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. The answers. Per VM first, then for the whole trace: yes if yes for any VM. A
 * "no" holds only where everything it needs was recorded and little was lost; otherwise it is
 * "cannot tell", naming what is missing. A "yes" is never taken back by what is missing.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "evidence.h"
#include "pastdue.h"
#include "result.h"

#define UNPAIRED_P99_NS	   (100 * 1000) /* delays timers noticeably */
#define RATE_MIN_PPM	   100.0
#define GUEST_RATE_MIN_PPM 20.0
#define LOST_MAX_PERCENT   5 /* of the span; above it there is no "no" */

#define BIT(ev)	      (1ULL << HVST_EV_##ev)
#define STIMER_EVENTS (BIT(STIMER_SET_COUNT) | BIT(STIMER_START_ONE_SHOT) | BIT(STIMER_EXPIRATION))

/* What a "no" to each question needs: all of @all, and all of @either or all of @or. */
static const struct need {
	uint64_t all, either, or ;
} needs[HVST_Q_COUNT] = {
	[HVST_Q_STORM] = { STIMER_EVENTS, 0, 0 },
	[HVST_Q_GUEST_CLOCK_BEHIND] = { STIMER_EVENTS, 0, 0 },
	[HVST_Q_GUEST_BACKLOG] = { STIMER_EVENTS, 0, 0 },
	[HVST_Q_GUEST_CLOCK_RATE] = { BIT(STIMER_START_ONE_SHOT), 0, 0 },
	[HVST_Q_GUEST_CLOCKSOURCE_SWITCH] = { BIT(MSR) | BIT(STIMER_SET_COUNT), 0, 0 },
	[HVST_Q_HOST_REFERENCE_STEP] = { BIT(STIMER_START_ONE_SHOT), 0, 0 },
	[HVST_Q_HOST_REFERENCE_RATE] = { BIT(STIMER_START_ONE_SHOT), 0, 0 },
	[HVST_Q_HOST_KVMCLOCK_FALLBACK] = { BIT(MSR), 0, 0 },
	[HVST_Q_HOST_UNPAIRED_CLOCK_READS] = { BIT(STIMER_START_ONE_SHOT) | BIT(STIMER_CALLBACK), 0,
					       0 },
	[HVST_Q_PREEMPTION] = { 0, BIT(SCHED_SWITCH), BIT(ENTRY) | BIT(EXIT) },
};

static uint64_t missing_for(const struct analysis *a, enum hvst_question q)
{
	uint64_t have = hvst_recorded(a);
	uint64_t miss = needs[q].all & ~have;

	if (needs[q].either & ~have && needs[q].or &~have)
		miss |= (needs[q].either | needs[q].or) & ~have;
	return miss;
}

/* Time inside gaps against the whole. */
static bool too_lossy(const struct analysis *a)
{
	int64_t span = a->opts.trace->last_ns - a->opts.trace->first_ns;

	return a->opts.trace->first_ns != HVST_UNKNOWN && span > 0 &&
	       hvst_kvm_lost_ns(a->kvm) > span / 100 * LOST_MAX_PERCENT;
}

static const struct hvst_storm *storm_of(const struct analysis *a, int vm, unsigned int kinds)
{
	for (unsigned int i = 0; i < a->result.nr_storms; i++) {
		const struct hvst_storm *s = &a->result.storms[i];

		if (s->vm == vm && kinds >> s->kind & 1)
			return s;
	}
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

static bool rate_yes(const struct analysis *a, int vm, struct hvst_evidence_list *why, bool *known)
{
	bool yes = false;

	for (unsigned int i = 0; i < a->result.nr_guest; i++) {
		const struct hvst_guest_transition *t = &a->result.guest[i];

		if (t->vm != vm || isnan(t->rate_ppm))
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

static bool is_switch(const struct hvst_guest_transition *t)
{
	return t->role == HVST_ROLE_STIMER && t->from != HVST_SRC_UNKNOWN && t->from != t->to &&
	       t->confidence >= HVST_INFERRED;
}

static bool switch_yes(const struct analysis *a, int vm, struct hvst_evidence_list *why)
{
	bool yes = false;

	for (unsigned int i = 0; i < a->result.nr_guest; i++) {
		const struct hvst_guest_transition *t = &a->result.guest[i];

		if (t->vm != vm || !is_switch(t))
			continue;
		yes = true;
		if (t->evidence.n)
			hvst_evidence_add(why, &t->evidence.e[0]);
	}
	return yes;
}

static bool step_yes(const struct analysis *a, int vm, struct hvst_evidence_list *why, bool *known)
{
	bool yes = false;

	for (unsigned int i = 0; i < a->result.nr_reference; i++) {
		const struct hvst_ref_segment *s = &a->result.reference[i];

		if (s->vm != vm)
			continue;
		*known |= s->samples >= 8;
		if (s->step_ns == HVST_UNKNOWN || llabs(s->step_ns) <= REF_STEP_MIN_NS)
			continue;
		yes = true;
		hvst_evidence_stat(why, "time_now stepped by %+.6f s at %.6f s: %.94s",
				   (double)s->step_ns / 1e9, (double)s->from_ns / 1e9, s->why);
	}
	return yes;
}

static bool ref_rate_yes(const struct analysis *a, int vm, struct hvst_evidence_list *why,
			 bool *known)
{
	bool yes = false;

	for (unsigned int i = 0; i < a->result.nr_reference; i++) {
		const struct hvst_ref_segment *s = &a->result.reference[i];

		if (s->vm != vm || isnan(s->rate_ppm))
			continue;
		*known = true;
		if (fabs(s->rate_ppm) <= RATE_MIN_PPM || fabs(s->rate_ppm) <= s->rate_ppm_error)
			continue;
		yes = true;
		hvst_evidence_stat(
			why, "from %.6f s time_now runs at %+.1f ppm (+- %.1f) against clock %s",
			(double)s->from_ns / 1e9, s->rate_ppm, s->rate_ppm_error,
			a->opts.trace->clock);
	}
	return yes;
}

static const struct vm_causes *causes_of(const struct analysis *a, int number)
{
	for_each_vm (vm, a)
		if (vm->number == number && vm->state)
			return vm->state->causes;
	return NULL;
}

static enum hvst_answer kvmclock_answer(const struct analysis *a, int vm,
					struct hvst_evidence_list *why)
{
	const struct vm_causes *c = causes_of(a, vm);

	if (!c)
		return HVST_CANNOT_TELL;
	if (c->by_source[HVST_REF_KVMCLOCK]) {
		hvst_evidence_add(why, &c->kvmclock_why);
		return HVST_YES;
	}
	return c->by_source[HVST_REF_UNKNOWN] ? HVST_CANNOT_TELL : HVST_NO;
}

static enum hvst_answer preemption_answer(const struct analysis *a, int vm,
					  struct hvst_evidence_list *why)
{
	const struct vm_causes *c = causes_of(a, vm);

	if (!c)
		return HVST_CANNOT_TELL;
	if (!c->preempted) {
		/*
		 * sched_switch alone does not show a vCPU kept busy by the host: then unexplained
		 * ones stay open.
		 */
		bool exits =
			(hvst_recorded(a) & (BIT(ENTRY) | BIT(EXIT))) == (BIT(ENTRY) | BIT(EXIT));

		return exits || !a->result.past_due.unexplained ? HVST_NO : HVST_CANNOT_TELL;
	}
	hvst_evidence_add(why, &c->preempted_why);
	hvst_evidence_stat(why,
			   "%llu past-due arms outside storms follow a stretch in which the vCPU "
			   "was held for at least their skew",
			   (unsigned long long)c->preempted);
	return HVST_YES;
}

static enum hvst_answer answer_if(bool yes, bool known)
{
	if (yes)
		return HVST_YES;
	return known ? HVST_NO : HVST_CANNOT_TELL;
}

static enum hvst_answer answer_vm(const struct analysis *a, enum hvst_question q, int vm,
				  struct hvst_evidence_list *why)
{
	bool known = false, yes;

	switch (q) {
	case HVST_Q_STORM:
		return answer_if(storms_yes(a, vm, ~0u, why), true);
	case HVST_Q_GUEST_CLOCK_BEHIND:
		return answer_if(storms_yes(a, vm,
					    1u << HVST_STORM_CONSTANT | 1u << HVST_STORM_GROWING,
					    why),
				 true);
	case HVST_Q_GUEST_BACKLOG:
		return answer_if(storms_yes(a, vm, 1u << HVST_STORM_BACKLOG, why), true);
	case HVST_Q_GUEST_CLOCK_RATE:
		yes = rate_yes(a, vm, why, &known);
		return answer_if(yes, known || a->steady_edges);
	case HVST_Q_GUEST_CLOCKSOURCE_SWITCH:
		return answer_if(switch_yes(a, vm, why), true);
	case HVST_Q_HOST_REFERENCE_STEP:
		yes = step_yes(a, vm, why, &known);
		return answer_if(yes, known);
	case HVST_Q_HOST_REFERENCE_RATE:
		if (a->opts.trace->scale_source == HVST_SCALE_ESTIMATED)
			return HVST_CANNOT_TELL;
		yes = ref_rate_yes(a, vm, why, &known);
		return answer_if(yes, known);
	case HVST_Q_HOST_KVMCLOCK_FALLBACK:
		return kvmclock_answer(a, vm, why);
	case HVST_Q_HOST_UNPAIRED_CLOCK_READS:
		return answer_if(a->result.unpaired.count &&
					 a->result.unpaired.p99_ns >= UNPAIRED_P99_NS,
				 a->result.unpaired.count >= 100);
	case HVST_Q_PREEMPTION:
		return preemption_answer(a, vm, why);
	default:
		return HVST_CANNOT_TELL;
	}
}

static const char *percent(double share, char *buf, size_t len)
{
	if (share < 0)
		snprintf(buf, len, "?");
	else
		snprintf(buf, len, "%.0f %%", 100 * share);
	return buf;
}

static uint64_t storm_arms(const struct analysis *a, unsigned int kinds, unsigned int *n)
{
	uint64_t arms = 0;

	*n = 0;
	for (unsigned int i = 0; i < a->result.nr_storms; i++)
		if (kinds >> a->result.storms[i].kind & 1) {
			arms += a->result.storms[i].past_due;
			(*n)++;
		}
	return arms;
}

static const struct hvst_storm *largest_storm(const struct analysis *a)
{
	const struct hvst_storm *best = NULL;

	for (unsigned int i = 0; i < a->result.nr_storms; i++)
		if (!best || a->result.storms[i].past_due > best->past_due)
			best = &a->result.storms[i];
	return best;
}

static int64_t largest_skew(const struct analysis *a, unsigned int kinds)
{
	int64_t best = 0;

	for (unsigned int i = 0; i < a->result.nr_storms; i++)
		if (kinds >> a->result.storms[i].kind & 1 && a->result.storms[i].skew_max_ns > best)
			best = a->result.storms[i].skew_max_ns;
	return best;
}

static void sum_storm(const struct analysis *a, struct hvst_verdict *v)
{
	const struct hvst_storm *s = largest_storm(a);
	char before[16], during[16];
	unsigned int n;
	uint64_t arms = storm_arms(a, ~0u, &n);

	if (!s) {
		snprintf(v->summary, sizeof(v->summary),
			 "no timer was past due over and over; %llu past-due arms came alone, %llu "
			 "in short bursts",
			 (unsigned long long)a->result.past_due.isolated,
			 (unsigned long long)a->result.past_due.bursts);
		return;
	}
	snprintf(v->summary, sizeof(v->summary),
		 "%u storm%s, %llu past-due arms; the largest: %llu arms on vCPU %d timer %d "
		 "within %.3f s, progress %s before and %s during it",
		 n, n == 1 ? "" : "s", (unsigned long long)arms, (unsigned long long)s->past_due,
		 s->vcpu, s->timer, (double)(s->end_ns - s->start_ns) / 1e9,
		 percent(s->progress_before, before, sizeof(before)),
		 percent(s->progress_during, during, sizeof(during)));
}

static void sum_behind(const struct analysis *a, struct hvst_verdict *v)
{
	unsigned int kinds = 1u << HVST_STORM_CONSTANT | 1u << HVST_STORM_GROWING, n;

	if (v->answer == HVST_YES) {
		storm_arms(a, kinds, &n);
		snprintf(v->summary, sizeof(v->summary),
			 "in %u storm%s the guest armed targets that its own clock had not "
			 "reached: that clock lags the host's reference clock, by up to %.6f s",
			 n, n == 1 ? "" : "s", (double)largest_skew(a, kinds) / 1e9);
	} else {
		snprintf(v->summary, sizeof(v->summary),
			 "no arm shows a guest clock behind the host's reference clock");
	}
}

static void sum_backlog(const struct analysis *a, struct hvst_verdict *v)
{
	unsigned int n;

	if (v->answer == HVST_YES) {
		storm_arms(a, 1u << HVST_STORM_BACKLOG, &n);
		snprintf(v->summary, sizeof(v->summary),
			 "in %u storm%s the guest replays missed ticks: the count moves on by one "
			 "period an arm while hardly any time passes, from %.6f s behind",
			 n, n == 1 ? "" : "s",
			 (double)largest_skew(a, 1u << HVST_STORM_BACKLOG) / 1e9);
	} else {
		snprintf(v->summary, sizeof(v->summary),
			 "no storm in which missed ticks are replayed");
	}
}

static void sum_rate(const struct analysis *a, struct hvst_verdict *v)
{
	const struct hvst_guest_transition *best = NULL;

	for (unsigned int i = 0; i < a->result.nr_guest; i++)
		if (!isnan(a->result.guest[i].rate_ppm) &&
		    (!best || fabs(a->result.guest[i].rate_ppm) > fabs(best->rate_ppm)))
			best = &a->result.guest[i];
	if (v->answer == HVST_YES && best)
		snprintf(v->summary, sizeof(v->summary),
			 "the clock of vCPU %d from which counts are computed runs at %+.1f ppm "
			 "(+- %.1f) against the reference clock",
			 best->vcpu, best->rate_ppm, best->rate_ppm_error);
	else if (v->answer == HVST_NO)
		snprintf(v->summary, sizeof(v->summary),
			 "the upper edge of the headroom stays level: the guest's clock runs at "
			 "the reference clock's rate within 20 ppm");
	else
		snprintf(v->summary, sizeof(v->summary),
			 "the guest's delays vary too much, or for too short a time, to show its "
			 "clock's rate");
}

/* How each switch lies to the storms: that is what people want to know of it. */
static void sum_switch(const struct analysis *a, struct hvst_verdict *v)
{
	size_t len = 0;
	unsigned int shown = 0, n = 0;

	for (unsigned int i = 0; i < a->result.nr_guest; i++)
		n += is_switch(&a->result.guest[i]);
	if (!n) {
		snprintf(
			v->summary, sizeof(v->summary),
			"no change of the clock from which the guest programs its timers was seen");
		return;
	}
	len = (size_t)snprintf(v->summary, sizeof(v->summary), "%u change%s: ", n,
			       n == 1 ? "" : "s");
	for (unsigned int i = 0; i < a->result.nr_guest && len < sizeof(v->summary); i++) {
		const struct hvst_guest_transition *t = &a->result.guest[i];
		const struct hvst_storm *next = NULL;

		if (!is_switch(t) || shown++ >= 4)
			continue;
		for (unsigned int k = 0; k < a->result.nr_storms && !next; k++)
			if (a->result.storms[k].vm == t->vm &&
			    a->result.storms[k].end_ns >= t->ts_ns)
				next = &a->result.storms[k];
		len += (size_t)snprintf(v->summary + len, sizeof(v->summary) - len,
					"%s%s -> %s at %.6f s", shown > 1 ? "; " : "",
					hvst_guest_source_name(t->from),
					hvst_guest_source_name(t->to), (double)t->ts_ns / 1e9);
		if (!next || len >= sizeof(v->summary))
			continue;
		if (next->start_ns >= t->ts_ns)
			len += (size_t)snprintf(v->summary + len, sizeof(v->summary) - len,
						" (%.3f s before a storm)",
						(double)(next->start_ns - t->ts_ns) / 1e9);
		else
			len += (size_t)snprintf(v->summary + len, sizeof(v->summary) - len,
						" (inside a storm)");
	}
}

static void sum_step(const struct analysis *a, struct hvst_verdict *v)
{
	const struct hvst_ref_segment *best = NULL;
	unsigned int n = 0;

	for (unsigned int i = 0; i < a->result.nr_reference; i++) {
		const struct hvst_ref_segment *s = &a->result.reference[i];

		if (s->step_ns == HVST_UNKNOWN || llabs(s->step_ns) <= REF_STEP_MIN_NS)
			continue;
		n++;
		if (!best || llabs(s->step_ns) > llabs(best->step_ns))
			best = s;
	}
	if (v->answer == HVST_YES && best)
		snprintf(v->summary, sizeof(v->summary),
			 "the host's reference clock stepped %u time%s against the trace clock; "
			 "the largest step is %+.6f s at %.6f s",
			 n, n == 1 ? "" : "s", (double)best->step_ns / 1e9,
			 (double)best->from_ns / 1e9);
	else if (v->answer == HVST_NO)
		snprintf(v->summary, sizeof(v->summary),
			 "time_now keeps to one line against the trace clock, without a step above "
			 "100 us");
	else
		snprintf(v->summary, sizeof(v->summary),
			 "too few readings of the reference clock in the trace");
}

static void sum_ref_rate(const struct analysis *a, struct hvst_verdict *v)
{
	if (v->answer == HVST_YES)
		snprintf(v->summary, sizeof(v->summary),
			 "time_now and the trace clock (%s) run at different rates; NTP slews mono "
			 "by up to 500 ppm, which is no fault",
			 a->opts.trace->clock ? a->opts.trace->clock : "?");
	else if (v->answer == HVST_NO)
		snprintf(v->summary, sizeof(v->summary),
			 "time_now runs at the trace clock's rate within 100 ppm");
	else if (a->opts.trace->scale_source == HVST_SCALE_ESTIMATED)
		snprintf(v->summary, sizeof(v->summary),
			 "the cycle clock's scale was itself estimated from time_now; record with "
			 "-C tsc2nsec or -C mono");
	else
		snprintf(v->summary, sizeof(v->summary),
			 "no stretch of the trace is long enough to measure the rate of time_now");
}

static void sum_kvmclock(const struct analysis *a, struct hvst_verdict *v)
{
	uint64_t kvmclock = 0, page = 0, unknown = 0;

	for_each_vm (vm, a) {
		const struct vm_causes *c = vm->state ? vm->state->causes : NULL;

		kvmclock += c ? c->by_source[HVST_REF_KVMCLOCK] : 0;
		page += c ? c->by_source[HVST_REF_TSC_PAGE] : 0;
		unknown += c ? c->by_source[HVST_REF_UNKNOWN] : 0;
	}
	snprintf(v->summary, sizeof(v->summary),
		 "of the past-due arms %llu came while time_now was the kvmclock's (TSC page not "
		 "set), %llu while the page was set, %llu while that is not known",
		 (unsigned long long)kvmclock, (unsigned long long)page,
		 (unsigned long long)unknown);
}

static void sum_unpaired(const struct analysis *a, struct hvst_verdict *v)
{
	const struct hvst_unpaired *u = &a->result.unpaired;

	if (!u->count) {
		snprintf(v->summary, sizeof(v->summary),
			 "no start event gives a bound on the gap between the host's two clock "
			 "readings");
		return;
	}
	snprintf(v->summary, sizeof(v->summary),
		 "the gap between the host's two clock readings is at most %.1f us (median), %.1f "
		 "us (99th percentile), %.1f us (worst of %llu); it can delay a timer by that, but "
		 "never make an arm past due: that is decided by the first reading alone",
		 (double)u->p50_ns / 1e3, (double)u->p99_ns / 1e3, (double)u->max_ns / 1e3,
		 (unsigned long long)u->count);
}

static void sum_preemption(const struct analysis *a, struct hvst_verdict *v)
{
	const struct hvst_past_due *p = &a->result.past_due;

	snprintf(v->summary, sizeof(v->summary),
		 "past-due arms outside storms: %llu; vCPU held or off its CPU before %llu, "
		 "deadline shorter than it takes to program it %llu, unexplained %llu",
		 (unsigned long long)p->isolated + p->bursts, (unsigned long long)p->preempted,
		 (unsigned long long)p->short_deadline, (unsigned long long)p->unexplained);
}

static void summarize(const struct analysis *a, enum hvst_question q, struct hvst_verdict *v)
{
	static void (*const by_question[HVST_Q_COUNT])(const struct analysis *,
						       struct hvst_verdict *) = {
		sum_storm, sum_behind,	 sum_backlog,  sum_rate,     sum_switch,
		sum_step,  sum_ref_rate, sum_kvmclock, sum_unpaired, sum_preemption,
	};
	size_t len;

	by_question[q](a, v);
	len = strlen(v->summary);
	if (v->missing && v->answer == HVST_CANNOT_TELL)
		snprintf(v->summary + len, sizeof(v->summary) - len,
			 "; not recorded: what it takes is listed as missing");
	else if (v->answer == HVST_CANNOT_TELL && too_lossy(a))
		snprintf(v->summary + len, sizeof(v->summary) - len,
			 "; too much of the trace was lost for a no");
}

static void verdict(struct analysis *a, enum hvst_question q, struct hvst_verdict *v)
{
	unsigned int n = a->result.nr_vms;
	struct hvst_vm_verdict *by = calloc(n ? n : 1, sizeof(*by));
	bool weak = too_lossy(a);

	v->question = q;
	v->missing = missing_for(a, q);
	v->answer = n ? HVST_NO : HVST_CANNOT_TELL;
	v->by_vm = by;
	if (!by) {
		a->error = -ENOMEM;
		return;
	}
	v->nr_by_vm = n;
	for (unsigned int i = 0; i < n; i++) {
		by[i].vm = a->result.vms[i].vm;
		by[i].answer = answer_vm(a, q, by[i].vm, &by[i].evidence);
		if (by[i].answer == HVST_NO && (v->missing || weak))
			by[i].answer = HVST_CANNOT_TELL;
		if (by[i].answer == HVST_YES)
			v->answer = HVST_YES;
		else if (by[i].answer == HVST_CANNOT_TELL && v->answer != HVST_YES)
			v->answer = HVST_CANNOT_TELL;
		for (unsigned int k = 0; k < by[i].evidence.n; k++)
			hvst_evidence_add(&v->evidence, &by[i].evidence.e[k]);
	}
	if (v->answer == HVST_YES)
		v->missing = 0;
	else if (q == HVST_Q_PREEMPTION && v->answer == HVST_CANNOT_TELL && !v->missing)
		v->missing = (BIT(ENTRY) | BIT(EXIT)) & ~hvst_recorded(a);
	summarize(a, q, v);
}

/* What lies shortly before a storm may have caused it; what lies seconds before, hardly. */
#define CAUSE_REACH_NS (2000LL * 1000 * 1000)

/* A step of the host's clock just before the storm, of about the size of its skew. */
static const struct hvst_ref_segment *step_before(const struct analysis *a,
						  const struct hvst_storm *s)
{
	const struct hvst_ref_segment *best = NULL;

	for (unsigned int i = 0; i < a->result.nr_reference; i++) {
		const struct hvst_ref_segment *r = &a->result.reference[i];

		if (r->vm != s->vm || r->step_ns == HVST_UNKNOWN || r->step_ns <= REF_STEP_MIN_NS ||
		    r->from_ns > s->start_ns || s->start_ns - r->from_ns > CAUSE_REACH_NS ||
		    s->skew_max_ns == HVST_UNKNOWN)
			continue;
		if (r->step_ns >= s->skew_max_ns / 2 && r->step_ns / 2 <= s->skew_max_ns)
			best = r;
	}
	return best;
}

static const struct hvst_guest_transition *switch_before(const struct analysis *a,
							 const struct hvst_storm *s)
{
	const struct hvst_guest_transition *best = NULL;

	for (unsigned int i = 0; i < a->result.nr_guest; i++) {
		const struct hvst_guest_transition *t = &a->result.guest[i];

		if (t->vm == s->vm && is_switch(t) && t->ts_ns <= s->start_ns &&
		    s->start_ns - t->ts_ns <= CAUSE_REACH_NS && (t->vcpu < 0 || t->tid == s->tid))
			best = t;
	}
	return best;
}

/* Three digits are what a headline needs: "3.00 s", "657 ms", "40.1 us". */
static const char *short_span(int64_t ns, char buf[16])
{
	static const struct {
		double ns;
		const char *unit;
	} units[] = {
		{ 1e9, "s" },
		{ 1e6, "ms" },
		{ 1e3, "us" },
		{ 1, "ns" },
	};
	double v = fabs((double)ns);
	unsigned int u = 0;

	while (u < 3 && v < 0.9995 * units[u].ns)
		u++;
	v = (double)ns / units[u].ns;
	snprintf(buf, 16, "%.*f %s",
		 fabs(v) < 9.995   ? 2
		 : fabs(v) < 99.95 ? 1
				   : 0,
		 v, units[u].unit);
	return buf;
}

/* Why this storm, as far as the trace shows it. */
static void cause_text(const struct analysis *a, const struct hvst_storm *s, char *buf, size_t len)
{
	const struct hvst_ref_segment *step = step_before(a, s);
	const struct hvst_guest_transition *sw = switch_before(a, s);
	char size[16], dist[16];
	int n;

	if (step)
		n = snprintf(buf, len, "the host's reference clock stepped +%s %s before it: %s",
			     short_span(step->step_ns, size),
			     short_span(s->start_ns - step->from_ns, dist),
			     s->kind == HVST_STORM_BACKLOG ? "the guest replays the ticks it missed"
							   : "the guest's clock did not follow");
	else if (s->kind == HVST_STORM_BACKLOG)
		n = snprintf(
			buf, len,
			"the guest replays missed ticks, with no step of the host's clock before");
	else if (s->kind == HVST_STORM_GROWING)
		n = snprintf(
			buf, len,
			"the guest's clock runs slow and falls ever further behind the host's");
	else
		n = snprintf(buf, len, "the guest's clock lags the host's, which did not step");
	if (!step && sw && n >= 0 && (size_t)n < len)
		snprintf(buf + n, len - (size_t)n, "; %s before, the guest changed from %s to %s",
			 short_span(s->start_ns - sw->ts_ns, dist),
			 hvst_guest_source_name(sw->from), hvst_guest_source_name(sw->to));
}

/* Where, how many, how far behind, why. Returns the length written or cut at @len. */
static size_t storm_text(const struct analysis *a, const struct hvst_storm *s, const char *which,
			 char *buf, size_t len)
{
	char cause[240], behind[48] = "", span[16], skew[16];
	int n;

	cause_text(a, s, cause, sizeof(cause));
	if (s->skew_max_ns != HVST_UNKNOWN)
		snprintf(behind, sizeof(behind), ", up to %s behind",
			 short_span(s->skew_max_ns, skew));
	n = snprintf(buf, len,
		     "%s at %.6f s on vCPU %d timer %d (tid %d): %llu past-due arms in %s%s; %s.",
		     which, (double)s->start_ns / 1e9, s->vcpu, s->timer, s->tid,
		     (unsigned long long)s->past_due, short_span(s->end_ns - s->start_ns, span),
		     behind, cause);
	return n < 0 ? 0 : (size_t)n < len ? (size_t)n : len;
}

static const char *advice_text(const struct analysis *a, const struct hvst_storm *s)
{
	if (step_before(a, s))
		return "Find what moved the host's clock (KVM_SET_CLOCK, TSC offset, stop, "
		       "restore) and whether the guest was told.";
	if (switch_before(a, s))
		return "Compare the guest's old and new clock source across the switch: the host's "
		       "clock did not move.";
	if (s->kind == HVST_STORM_BACKLOG)
		return "Find what held the guest before the storm: it was away for as long as its "
		       "first arm lies back.";
	return "The host's clock kept its line: look at what the guest computes its time from "
	       "(hvstimer clocks), and since when.";
}

static void headline(struct analysis *a)
{
	const struct hvst_storm *big = largest_storm(a);
	struct hvst_result *r = &a->result;
	bool no = r->verdicts[HVST_Q_STORM].answer == HVST_NO;
	size_t n;

	if (!big) {
		snprintf(r->headline, sizeof(r->headline), "%s",
			 no ? "No timer storm: every past-due arm came alone or in a short burst."
			    : "No timer storm was seen, but this recording cannot rule one out.");
		snprintf(r->advice, sizeof(r->advice), "%s",
			 no ? "If the guest was slow while this was recorded, look elsewhere than "
			      "at its synthetic timers."
			    : "Record again with the events listed as missing, until the guest is "
			      "stuck.");
		return;
	}
	n = (size_t)snprintf(r->headline, sizeof(r->headline), "TIMER STORM%s. ",
			     r->nr_storms > 1 ? "S" : "");
	if (big != &r->storms[0])
		n += storm_text(a, &r->storms[0], "First", r->headline + n,
				sizeof(r->headline) - n);
	if (n < sizeof(r->headline))
		storm_text(a, big,
			   big != &r->storms[0] ? " Worst"
			   : r->nr_storms > 1	? "First and worst"
						: "One",
			   r->headline + n, sizeof(r->headline) - n);
	/* What set it off is where to look, even if a later storm was the larger. */
	snprintf(r->advice, sizeof(r->advice), "%s",
		 advice_text(a, step_before(a, &r->storms[0]) ? &r->storms[0] : big));
}

void hvst_verdicts(struct analysis *a)
{
	for (unsigned int q = 0; q < HVST_Q_COUNT; q++)
		verdict(a, (enum hvst_question)q, &a->result.verdicts[q]);
	headline(a);
}
