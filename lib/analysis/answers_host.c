/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. Answers about the host: its reference clock, and what that is computed from. */
#include <math.h>
#include <stdlib.h>

#include "pastdue.h"
#include "verdict.h"

#define UNPAIRED_P99_NS (100 * 1000) /* delays timers noticeably */
#define RATE_MIN_PPM	100.0

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

ANSWER(step)
{
	bool known = false, yes = step_yes(a, vm, why, &known);

	return hvst_answer_if(yes, known);
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

ANSWER(host_rate)
{
	bool known = false, yes;

	if (a->opts.trace->scale_source == HVST_SCALE_ESTIMATED)
		return HVST_CANNOT_TELL;
	yes = ref_rate_yes(a, vm, why, &known);
	return hvst_answer_if(yes, known);
}

ANSWER(fallback)
{
	const struct vm_causes *c = hvst_causes_of(a, vm);

	if (!c)
		return HVST_CANNOT_TELL;
	if (c->by_source[HVST_REF_KVMCLOCK]) {
		hvst_evidence_add(why, &c->kvmclock_why);
		return HVST_YES;
	}
	return c->by_source[HVST_REF_UNKNOWN] ? HVST_CANNOT_TELL : HVST_NO;
}

ANSWER(unpaired)
{
	(void)vm;
	(void)why;
	return hvst_answer_if(a->result.unpaired.count &&
				      a->result.unpaired.p99_ns >= UNPAIRED_P99_NS,
			      a->result.unpaired.count >= 100);
}
