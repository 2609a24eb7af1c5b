/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. The verdict of the first screen, and what to do next: from the answers. */
#include <stdio.h>
#include <stdlib.h>

#include "verdict.h"

/* What lies shortly before a storm may have caused it; what lies seconds before, hardly. */
#define CAUSE_REACH_NS (2000LL * 1000 * 1000)

/* A step of the host's clock just before the storm, of about the size of its skew. */
static const struct hvst_ref_segment *step_before(const struct analysis *a,
						  const struct hvst_storm *s)
{
	const struct hvst_ref_segment *best = NULL;

	for (unsigned int i = 0; i < a->result.nr_reference; i++) {
		const struct hvst_ref_segment *r = &a->result.reference[i];

		if (r->vm != s->vm || r->step_ns == HVST_UNKNOWN ||
		    r->step_ns <= HVST_STEP_MIN_NS || r->from_ns > s->start_ns ||
		    s->start_ns - r->from_ns > CAUSE_REACH_NS || s->skew_max_ns == HVST_UNKNOWN)
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

		if (t->vm == s->vm && hvst_is_switch(t) && t->ts_ns <= s->start_ns &&
		    s->start_ns - t->ts_ns <= CAUSE_REACH_NS && (t->vcpu < 0 || t->tid == s->tid))
			best = t;
	}
	return best;
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
			     hvst_span_text(step->step_ns, size),
			     hvst_span_text(s->start_ns - step->from_ns, dist),
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
			 hvst_span_text(s->start_ns - sw->ts_ns, dist),
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
			 hvst_span_text(s->skew_max_ns, skew));
	n = snprintf(buf, len,
		     "%s at %.6f s on vCPU %d timer %d (tid %d): %llu past-due arms in %s%s; %s.",
		     which, (double)s->start_ns / 1e9, s->vcpu, s->timer, s->tid,
		     (unsigned long long)s->past_due, hvst_span_text(s->end_ns - s->start_ns, span),
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

void hvst_headline(struct analysis *a)
{
	const struct hvst_storm *big = hvst_largest_storm(a);
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
