/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. Evidence: the event, or the statistic, that a finding rests on. */
#ifndef HVST_ANALYSIS_EVIDENCE_H
#define HVST_ANALYSIS_EVIDENCE_H

#include <stdarg.h>

#include <hvstimer/event.h>
#include <hvstimer/result.h>

/* From an event, with a formatted text. */
void hvst_evidence_set(struct hvst_evidence *e, const struct hvst_event *ev, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void hvst_evidence_vset(struct hvst_evidence *e, const struct hvst_event *ev, const char *fmt,
			va_list ap) __attribute__((format(printf, 3, 0)));
/* The same with a fixed text; cheap enough to do for every event. */
void hvst_evidence_plain(struct hvst_evidence *e, const struct hvst_event *ev, const char *text);
void hvst_evidence_add(struct hvst_evidence_list *l, const struct hvst_evidence *e);
/* Evidence that is not a single event. */
void hvst_evidence_stat(struct hvst_evidence_list *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

#endif
