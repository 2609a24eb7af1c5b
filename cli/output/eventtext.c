// SPDX-License-Identifier: GPL-2.0
/* One event as text. */
#include <inttypes.h>
#include <stdio.h>

#include "eventtext.h"

static int put_value(char *buf, size_t len, const struct hvst_field *f, uint64_t v)
{
	const char *fmt = f->flags & HVST_FIELD_HEX	 ? " %s=%#" PRIx64
			  : f->flags & HVST_FIELD_SIGNED ? " %s=%" PRId64
							 : " %s=%" PRIu64;

	return snprintf(buf, len, fmt, f->name, v);
}

char *event_text(const struct hvst_event *ev, const char *meaning, char *buf, size_t len)
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
