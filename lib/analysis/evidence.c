/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. Fills in evidence. */
#include <stdio.h>

#include "evidence.h"

/* Fills in the place; leaves the text as it is. */
static void evidence_place(struct hvst_evidence *e, const struct hvst_event *ev)
{
	e->event = ev->id;
	e->ts_ns = ev->ts_ns;
	e->ts_raw = ev->ts_raw;
	e->cpu = ev->cpu;
	e->tid = ev->pid;
	e->buffer = ev->buffer;
}

void hvst_evidence_vset(struct hvst_evidence *e, const struct hvst_event *ev, const char *fmt,
			va_list ap)
{
	evidence_place(e, ev);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
}

void hvst_evidence_set(struct hvst_evidence *e, const struct hvst_event *ev, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	hvst_evidence_vset(e, ev, fmt, ap);
	va_end(ap);
}

void hvst_evidence_plain(struct hvst_evidence *e, const struct hvst_event *ev, const char *text)
{
	evidence_place(e, ev);
	snprintf(e->text, sizeof(e->text), "%s", text);
}

void hvst_evidence_add(struct hvst_evidence_list *l, const struct hvst_evidence *e)
{
	if (l->n < HVST_MAX_EVIDENCE)
		l->e[l->n++] = *e;
}

void hvst_evidence_stat(struct hvst_evidence_list *l, const char *fmt, ...)
{
	struct hvst_evidence e = {
		.event = -1, .ts_ns = HVST_UNKNOWN, .cpu = -1, .tid = -1, .buffer = -1
	};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e.text, sizeof(e.text), fmt, ap);
	va_end(ap);
	hvst_evidence_add(l, &e);
}
