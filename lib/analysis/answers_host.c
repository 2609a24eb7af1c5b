/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Answers about the host: its reference clock, and what that clock is computed
 * from.
 */
#include <math.h>

#include "by_vm.h"
#include "epoch.h"
#include "pastdue.h"
#include "verdict.h"

#define UNPAIRED_P99_NS (100 * 1000) /* delays timers noticeably */

static const struct refclock *clock_of(const struct analysis *a, int number)
{
	const struct vm *vm = hvst_vm_by_number(a, number);

	return vm ? &vm->clock : NULL;
}

static enum hvst_answer answer_of(enum refclock_answer r)
{
	return r == REFCLOCK_YES ? HVST_YES : r == REFCLOCK_NO ? HVST_NO : HVST_CANNOT_TELL;
}

ANSWER(step)
{
	const struct refclock *clock = clock_of(a, vm);
	struct refclock_verdict v;
	const struct leap *leap;

	if (!clock)
		return HVST_CANNOT_TELL;
	hvst_refclock_stepped(clock, HVST_STEP_MIN_NS, &v);
	leap = v.answer == REFCLOCK_CANNOT_TELL ? hvst_epoch_step(a, vm) : NULL;
	if (leap) {
		hvst_evidence_add(why, &leap->why);
		return HVST_YES;
	}
	if (v.answer == REFCLOCK_NO && hvst_vm_set_unread(hvst_vm_by_number(a, vm))) {
		hvst_evidence_stat(why,
				   "time_now: it may have been set at %.6f s, before its first "
				   "reading at %.6f s",
				   (double)hvst_vm_by_number(a, vm)->first_set_ns / 1e9,
				   (double)hvst_vm_by_number(a, vm)->first_read_ns / 1e9);
		return HVST_CANNOT_TELL;
	}
	if (v.answer != REFCLOCK_NO)
		hvst_evidence_stat(why, "time_now: %.140s", v.text);
	return answer_of(v.answer);
}

/*
 * The kvmclock and the page may run at different rates (a kvmclock computed without the guest's TSC
 * scaling): where the rate changes with the source, name both.
 */
static void source_rates(const struct analysis *a, int vm, struct hvst_evidence_list *why)
{
	const struct hvst_ref_segment *before = NULL, *s;

	for_each_of_vm (s, a, reference, vm) {
		if (isnan(s->rate_ppm))
			continue;
		if (!before && fabs(s->rate_ppm) > HVST_RATE_MIN_PPM + s->rate_ppm_error)
			hvst_evidence_stat(why, "from %.6f s time_now is of source %s: %+.1f ppm",
					   (double)s->from_ns / 1e9,
					   hvst_ref_source_name(s->source), s->rate_ppm);
		if (before && before->source != s->source &&
		    fabs(s->rate_ppm - before->rate_ppm) >
			    HVST_RATE_MIN_PPM + s->rate_ppm_error + before->rate_ppm_error)
			hvst_evidence_stat(
				why,
				"from %.6f s time_now is of source %s: %+.1f ppm; before of "
				"%s: %+.1f ppm",
				(double)s->from_ns / 1e9, hvst_ref_source_name(s->source),
				s->rate_ppm, hvst_ref_source_name(before->source),
				before->rate_ppm);
		before = s;
	}
}

ANSWER(host_rate)
{
	const struct refclock *clock = clock_of(a, vm);
	struct refclock_verdict v;

	if (!clock || a->opts.trace->scale_source == HVST_SCALE_ESTIMATED)
		return HVST_CANNOT_TELL;
	hvst_refclock_rate(clock, HVST_RATE_MIN_PPM, HVST_RATE_MIN_NS, &v);
	if (v.answer == REFCLOCK_YES) {
		hvst_evidence_stat(why, "time_now against clock %s: %.120s",
				   a->opts.trace->clock ? a->opts.trace->clock : "?", v.text);
		source_rates(a, vm, why);
	}
	return answer_of(v.answer);
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
	return hvst_answer_if(a->result.unpaired->count &&
				      a->result.unpaired->p99_ns >= UNPAIRED_P99_NS,
			      a->result.unpaired->count >= 100);
}
