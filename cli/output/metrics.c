// SPDX-License-Identifier: GPL-2.0
/* Prometheus metrics of a result. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../array.h"
#include "finding.h"
#include "metrics.h"
#include "timerrow.h"

#define PREFIX "hvstimer_diagnose_"
#define NS     1e9

void metrics_help(struct out *o, const char *name, const char *type, const char *help)
{
	out_printf(o, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

void metrics_one(struct out *o, const char *name, const char *type, const char *help, uint64_t v)
{
	metrics_help(o, name, type, help);
	out_printf(o, "%s %" PRIu64 "\n", name, v);
}

void metrics_label(struct out *o, const char *text)
{
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			out_char(o, '\\');
		out_char(o, (unsigned char)*text < 0x20 ? '?' : *text);
	}
}

/* --- of a timer ------------------------------------------------------------------------------- */

/* "name{vm=...,timer=..." without the closing brace */
static void put_labels(struct out *o, const char *name, const struct timer_row *row)
{
	out_printf(o, "%s{vm=\"", name);
	metrics_label(o, row->vm);
	out_printf(o, "\",vcpu=\"%d\",tid=\"%d\",timer=\"%d\"", row->t->vcpu, row->t->tid,
		   row->t->timer);
}

static void put_counters(struct out *o, const struct timer_row *rows, unsigned int n)
{
	char name[64];
	unsigned int m, i;

	for (m = 0; m < nr_timer_counters; m++) {
		snprintf(name, sizeof(name), PREFIX "%s_total", timer_counters[m].name);
		metrics_help(o, name, "counter", timer_counters[m].help);
		for (i = 0; i < n; i++) {
			put_labels(o, name, &rows[i]);
			out_printf(o, "} %" PRIu64 "\n", timer_counters[m].value(&rows[i]));
		}
	}
}

static void put_storm_time(struct out *o, const struct timer_row *rows, unsigned int n)
{
	static const char name[] = PREFIX "storm_seconds_total";
	unsigned int i;

	metrics_help(o, name, "counter", "Time in storms.");
	for (i = 0; i < n; i++) {
		put_labels(o, name, &rows[i]);
		out_printf(o, "} %.9f\n", (double)rows[i].storm_ns / NS);
	}
}

static void put_quantiles(struct out *o, const char *name, const struct timer_row *row,
			  const struct hvst_sketch *s)
{
	static const struct {
		const char *label;
		unsigned int per_10000;
	} ranks[] = { { "0", 0 },	{ "0.01", 100 },   { "0.5", 5000 }, { "0.95", 9500 },
		      { "0.99", 9900 }, { "0.999", 9990 }, { "1", 10000 } };
	unsigned int i;

	for (i = 0; hvst_sketch_count(s) && i < ARRAY_SIZE(ranks); i++) {
		put_labels(o, name, row);
		out_printf(o, ",quantile=\"%s\"} %.9f\n", ranks[i].label,
			   (double)hvst_sketch_quantile(s, ranks[i].per_10000) / NS);
	}
}

/* A distribution of every timer, as its percentiles; a sum of signed values means nothing. */
static void put_summary(struct out *o, const struct timer_row *rows, unsigned int n,
			const struct finding_field *f)
{
	char name[64], count[80];
	unsigned int i;

	snprintf(name, sizeof(name), PREFIX "%s_seconds", f->name);
	snprintf(count, sizeof(count), "%s_count", name);
	metrics_help(o, name, "summary", f->title);
	for (i = 0; i < n; i++) {
		const struct hvst_sketch *s = field_sketch(f, rows[i].t);

		put_quantiles(o, name, &rows[i], s);
		put_labels(o, count, &rows[i]);
		out_printf(o, "} %" PRIu64 "\n", hvst_sketch_count(s));
	}
}

/* --- of the recording ------------------------------------------------------------------------- */

static void put_verdicts(struct out *o, const struct hvst_result *r)
{
	static const char name[] = PREFIX "verdict";
	unsigned int q, a;

	metrics_help(o, name, "gauge", "1 for the answer to the question, 0 for the others.");
	for (q = 0; q < HVST_Q_COUNT; q++)
		for (a = 0; a <= HVST_YES; a++)
			out_printf(o, "%s{question=\"%s\",answer=\"%s\"} %d\n", name,
				   hvst_question_name(q), hvst_answer_name(a),
				   r->verdicts[q]->answer == a);
}

static void put_recording(struct out *o, const struct hvst_trace *t)
{
	static const char name[] = PREFIX "recorded_seconds";

	metrics_help(o, name, "gauge", "Length of the recording.");
	out_printf(o, "%s %.9f\n", name,
		   t->first_ns == HVST_UNKNOWN ? 0.0 : (double)(t->last_ns - t->first_ns) / NS);
	metrics_one(o, PREFIX "events_total", "counter", "Events of the recording.", t->events);
	metrics_one(o, PREFIX "lost_events_total", "counter",
		    "Events that were lost while it was made, where their number is known.",
		    t->lost_events);
}

int metrics_diagnosis(struct out *o, const struct hvst_trace *t, const struct hvst_result *r)
{
	struct timer_row *rows = timer_rows(r);
	unsigned int i;

	if (!rows)
		return -ENOMEM;
	put_counters(o, rows, r->nr_timers);
	put_storm_time(o, rows, r->nr_timers);
	for (i = 0; i < finding_timer.n; i++)
		if (finding_timer.fields[i].type == VALUE_SKETCH)
			put_summary(o, rows, r->nr_timers, &finding_timer.fields[i]);
	put_verdicts(o, r);
	put_recording(o, t);
	free(rows);
	return 0;
}
