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

static int put_value(char *buf, size_t len, const struct hvst_field *f, uint64_t v)
{
	const char *fmt = f->flags & HVST_FIELD_HEX	 ? " %s=%#" PRIx64
			  : f->flags & HVST_FIELD_SIGNED ? " %s=%" PRId64
							 : " %s=%" PRIu64;

	return snprintf(buf, len, fmt, f->name, v);
}

char *br_event_text(const struct hvst_event *ev, const char *meaning, char *buf, size_t len)
{
	unsigned int n;
	const struct hvst_field *f = hvst_event_fields(ev->id, &n);
	const char *name = hvst_event_name(ev->id);
	size_t at;

	if (ev->id == HVST_EV_LOST) {
		snprintf(buf, len, ev->lost.count ? "LOST %" PRIu64 " events" : "LOST EVENTS",
			 ev->lost.count);
		return buf;
	}
	at = (size_t)snprintf(buf, len, "%s", name ? name : "?");
	for (unsigned int i = 0; i < n && at < len; i++) {
		uint64_t v;

		if (hvst_event_value(ev, i, &v))
			at += (size_t)put_value(buf + at, len - at, &f[i], v);
	}
	if (*meaning && at < len)
		snprintf(buf + at, len - at, " [%s]", meaning);
	return buf;
}
