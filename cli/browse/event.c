// SPDX-License-Identifier: GPL-2.0
/* Whether an event passes a filter. */
#include "../derive.h"
#include "source.h"

enum filter_truth br_event_truth(const struct filter *f, const struct br_event *e,
				 const struct derived *d, const char *text)
{
	const struct filter_event what = {
		.ev = &e->ev,
		.vm = e->vm,
		.vcpu = e->vcpu,
		.timer = derive_timer(&e->ev),
		.comm = e->comm,
		.arm = d ? d->arm : NULL,
		.skew_ns = d ? d->skew_ns : HVST_UNKNOWN,
		.late_ns = d ? d->late_ns : HVST_UNKNOWN,
		.gap_ns = d ? d->gap_ns : HVST_UNKNOWN,
		.text = text,
	};

	return filter_eval(f, FILTER_EVENT, &what);
}

bool br_event_passes(const struct filter *f, const struct br_event *e, const struct derived *d,
		     const char *text)
{
	return !f || e->ev.id == HVST_EV_LOST || br_event_truth(f, e, d, text) != FILTER_NO;
}

bool br_filter_derives(const struct filter *f)
{
	return f && (filter_uses(f, "skew") || filter_uses(f, "late") || filter_uses(f, "gap") ||
		     filter_uses(f, "arm"));
}
