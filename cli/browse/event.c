// SPDX-License-Identifier: GPL-2.0
/* Text of one event, and whether it passes a filter. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "source.h"

int br_event_timer(const struct hvst_event *ev)
{
	unsigned int n;
	const struct hvst_field *f = hvst_event_fields(ev->id, &n);

	for (unsigned int i = 0; i < n; i++) {
		uint64_t v;

		if (!strcmp(f[i].name, "timer_index") && hvst_event_value(ev, i, &v) &&
		    v < 1u << 30)
			return (int)v;
	}
	return -1;
}

bool br_filter_timer(const struct br_filter *f, int vm, int vcpu, int timer)
{
	return (f->vm < 0 || f->vm == vm) && (f->vcpu < 0 || f->vcpu == vcpu) &&
	       (f->timer < 0 || f->timer == timer);
}

void br_filter_text(const struct br_filter *f, char *buf, size_t len)
{
	const char *const names[] = { "vm", "vcpu", "timer" };
	const int ids[] = { f->vm, f->vcpu, f->timer };
	size_t at = 0;

	buf[0] = 0;
	for (unsigned int i = 0; i < 3 && at < len; i++)
		if (ids[i] >= 0)
			at += (size_t)snprintf(buf + at, len - at, "%s%s=%d", at ? " " : "",
					       names[i], ids[i]);
}

bool br_filter_event(const struct br_filter *f, const struct hvst_event *ev, int vm, int vcpu)
{
	if (ev->id == HVST_EV_LOST)
		return true;
	if (f->events && !(f->events >> ev->id & 1))
		return false;
	return br_filter_timer(f, vm, vcpu, f->timer < 0 ? -1 : br_event_timer(ev));
}
