// SPDX-License-Identifier: GPL-2.0
/* Text and JSON of merged results. */
#include <stdio.h>

#include "../array.h"
#include "contract.h"
#include "merged.h"
#include "table.h"
#include "units.h"
#include "words.h"

#define INDENT 2

static int64_t time_ns(uint64_t ns)
{
	return ns > INT64_MAX ? INT64_MAX : (int64_t)ns;
}

static char *duration(char *buf, uint64_t ns)
{
	return unit_duration(buf, time_ns(ns));
}

static char *per_hour(char *buf, uint64_t storm_ns, uint64_t recorded_ns)
{
	double ns = merge_per_hour(storm_ns, recorded_ns);

	return unit_duration(buf, ns >= 0 && ns < 0x1p63 ? (int64_t)ns : HVST_UNKNOWN);
}

/* --- text ------------------------------------------------------------------------------------- */

static void title(struct out *o, const char *text)
{
	out_char(o, '\n');
	out_in(o, ROLE_TITLE, text);
	out_char(o, '\n');
}

static const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
}

static void put_head(struct out *o, const struct merge *m)
{
	char n[UNIT_BUF], of[UNIT_BUF], a[UNIT_BUF], b[UNIT_BUF];

	out_printf(o, "%s result%s, %s recorded, %s events", unit_count(n, m->results),
		   plural(m->results), duration(a, m->recorded_ns), unit_count(b, m->events));
	if (m->lost_events)
		out_printf(o, " (%s lost)", unit_count(n, m->lost_events));
	out_char(o, '\n');
	if (m->duplicates)
		out_printf(o, "%s more given twice: left out\n", unit_count(n, m->duplicates));
	if (m->unreadable)
		out_printf(o, "%s file%s could not be read to the end\n",
			   unit_count(n, m->unreadable), plural(m->unreadable));
	if (!m->storms.n) {
		out_str(o, "No storm.\n");
		return;
	}
	out_printf(o, "%s storm%s on %s of the hosts, ", unit_count(n, m->storms.n),
		   plural(m->storms.n), unit_count(of, m->storm_hosts));
	out_printf(o, "%s altogether: %s for each hour of a host\n", duration(a, m->storms.ns),
		   per_hour(b, m->storms.ns, m->recorded_ns));
}

static void put_kinds(struct out *o, const struct merge *m)
{
	static const struct column columns[] = { { .title = "kind", .left = true },
						 { .title = "storms" },
						 { .title = "time" },
						 { .title = "past due" } };
	struct table *t = table_new(columns, ARRAY_SIZE(columns));
	char cell[UNIT_BUF];

	for (unsigned int i = 0; i < MERGE_KINDS; i++) {
		const struct merge_storms *s = &m->kinds[i];

		if (!s->n)
			continue;
		table_cell(t, ROLE_NONE, hvst_storm_kind_name(i));
		table_cell(t, ROLE_NONE, unit_count(cell, s->n));
		table_cell(t, ROLE_NONE, duration(cell, s->ns));
		table_cell(t, ROLE_NONE, unit_count(cell, s->past_due));
	}
	title(o, "Storms");
	table_end(t, o, INDENT);
}

static bool any_yes(const struct merge *m, unsigned int q)
{
	return m->answers[q][HVST_YES];
}

static void put_answers(struct out *o, const struct merge *m)
{
	static const struct column columns[] = { { .title = "question", .left = true },
						 { .title = "yes" },
						 { .title = "no" },
						 { .title = "cannot tell" } };
	static const enum hvst_answer order[] = { HVST_YES, HVST_NO, HVST_CANNOT_TELL };
	struct table *t = table_new(columns, ARRAY_SIZE(columns));
	char cell[UNIT_BUF];

	for (unsigned int q = 0; q < HVST_Q_COUNT; q++) {
		table_cell(t, any_yes(m, q) ? ROLE_WARN : ROLE_NONE, words_question(q));
		for (unsigned int i = 0; i < ARRAY_SIZE(order); i++)
			table_cell(t, ROLE_NONE, unit_count(cell, m->answers[q][order[i]]));
	}
	title(o, "Answers, in hosts");
	table_end(t, o, INDENT);
}

static void put_worst(struct out *o, const struct merge *m)
{
	static const struct column columns[] = {
		{ .title = "recorded", .drop = 4 },  { .title = "storms" },
		{ .title = "time", .drop = 2 },	     { .title = "an hour" },
		{ .title = "past due", .drop = 1 },  { .title = "max skew", .drop = 3 },
		{ .title = "result", .left = true },
	};
	struct table *t;
	char cell[UNIT_BUF];

	if (!m->worst.n)
		return;
	t = table_new(columns, ARRAY_SIZE(columns));
	for (unsigned int i = 0; i < m->worst.n; i++) {
		const struct merge_host *h = m->worst.v[i];

		table_cell(t, ROLE_NONE, duration(cell, h->recorded_ns));
		table_cell(t, ROLE_NONE, unit_count(cell, h->storms.n));
		table_cell(t, ROLE_NONE, duration(cell, h->storms.ns));
		table_cell(t, ROLE_BAD, per_hour(cell, h->storms.ns, h->recorded_ns));
		table_cell(t, ROLE_NONE, unit_count(cell, h->storms.past_due));
		table_cell(t, ROLE_NONE, unit_signed(cell, h->skew_max_ns));
		table_cell(t, ROLE_NONE, h->result);
	}
	title(o, "Hosts by storm time, the worst first");
	table_end(t, o, INDENT);
}

static void put_distributions(struct out *o, const struct merge *m)
{
	static const struct column columns[] = {
		{ .title = "of all hosts", .left = true },
		{ .title = "count" },
		{ .title = "min", .drop = 3 },
		{ .title = "p1", .drop = 2 },
		{ .title = "p50" },
		{ .title = "p95", .drop = 1 },
		{ .title = "p99" },
		{ .title = "p99.9", .drop = 4 },
		{ .title = "max" },
	};
	static const unsigned int ranks[] = { 100, 5000, 9500, 9900, 9990 };
	struct table *t = table_new(columns, ARRAY_SIZE(columns));
	char cell[UNIT_BUF];

	for (unsigned int i = 0; i < MERGE_METRICS; i++) {
		const struct hvst_sketch *s = m->sketch[i];

		table_cell(t, ROLE_NONE, m->metric[i]->title);
		table_cell(t, ROLE_NONE, unit_count(cell, hvst_sketch_count(s)));
		table_cell(t, ROLE_NONE, unit_signed(cell, hvst_sketch_min(s)));
		for (unsigned int r = 0; r < ARRAY_SIZE(ranks); r++)
			table_cell(t, ROLE_NONE,
				   unit_signed(cell, hvst_sketch_quantile(s, ranks[r])));
		table_cell(t, ROLE_NONE, unit_signed(cell, hvst_sketch_max(s)));
	}
	title(o, "Distributions");
	table_end(t, o, INDENT);
	out_printf(o, "  Percentiles are within %.2f %% of the exact value.\n",
		   100 * hvst_sketch_relative_error(m->sketch[0]));
}

static void put_outliers_of(struct out *o, const struct merge *m, unsigned int metric)
{
	const struct merge_list *l = &m->highest[metric];
	char a[UNIT_BUF], b[UNIT_BUF];
	int64_t limit;
	uint64_t n;

	limit = merge_limit(m, metric, &n);
	if (!n)
		return;
	out_printf(o, "  %s: p99 above %s on %s host%s\n", m->metric[metric]->title,
		   unit_signed(a, limit), unit_count(b, n), plural(n));
	for (unsigned int i = 0; i < l->n && l->v[i]->p99_ns[metric] > limit; i++) {
		out_printf(o, "    %10s  ", unit_signed(a, l->v[i]->p99_ns[metric]));
		out_safe(o, l->v[i]->result);
		out_char(o, '\n');
	}
}

static void put_outliers(struct out *o, const struct merge *m)
{
	uint64_t n, sum = 0;

	for (unsigned int i = 0; i < MERGE_METRICS; i++) {
		merge_limit(m, i, &n);
		sum += n;
	}
	if (!sum)
		return;
	title(o, "Outliers");
	for (unsigned int i = 0; i < MERGE_METRICS; i++)
		put_outliers_of(o, m, i);
}

void merged_text(struct out *o, const struct merge *m)
{
	put_head(o, m);
	if (m->storms.n)
		put_kinds(o, m);
	put_worst(o, m);
	put_answers(o, m);
	put_distributions(o, m);
	put_outliers(o, m);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void json_storms(struct json *j, const struct merge_storms *s)
{
	json_u64(j, "storms", s->n);
	json_u64(j, "storm_ns", s->ns);
	json_u64(j, "past_due", s->past_due);
}

static void json_kinds(struct json *j, const struct merge *m)
{
	json_array(j, "kinds");
	for (unsigned int i = 0; i < MERGE_KINDS; i++) {
		json_object(j, NULL);
		json_string(j, "kind", hvst_storm_kind_name(i));
		json_storms(j, &m->kinds[i]);
		json_end_object(j);
	}
	json_end_array(j);
}

static void json_answers(struct json *j, const struct merge *m)
{
	json_array(j, "verdicts");
	for (unsigned int q = 0; q < HVST_Q_COUNT; q++) {
		json_object(j, NULL);
		json_string(j, "question", hvst_question_name(q));
		for (unsigned int a = 0; a <= HVST_YES; a++)
			json_u64(j, hvst_answer_name(a), m->answers[q][a]);
		json_end_object(j);
	}
	json_end_array(j);
}

static void json_host(struct json *j, const struct merge_host *h)
{
	json_object(j, NULL);
	json_string(j, "result", h->result);
	json_string(j, "file", h->file);
	json_u64(j, "recorded_ns", h->recorded_ns);
	json_storms(j, &h->storms);
	json_number(j, "storm_ns_per_hour", merge_per_hour(h->storms.ns, h->recorded_ns), 0);
	json_i64(j, "skew_max_ns", h->skew_max_ns);
	json_u64(j, "endanger_watchdog", h->watchdogs);
	json_array(j, "yes");
	for (unsigned int q = 0; q < HVST_Q_COUNT; q++)
		if (h->yes >> q & 1)
			json_string(j, NULL, hvst_question_name(q));
	json_end_array(j);
	json_end_object(j);
}

static void json_outliers_of(struct json *j, const struct merge *m, unsigned int metric)
{
	const struct merge_list *l = &m->highest[metric];
	uint64_t n;
	int64_t limit = merge_limit(m, metric, &n);

	json_object(j, NULL);
	json_string(j, "metric", m->metric[metric]->name);
	json_i64(j, "limit_ns", limit);
	json_u64(j, "count", n);
	json_array(j, "hosts");
	for (unsigned int i = 0; n && i < l->n && l->v[i]->p99_ns[metric] > limit; i++) {
		json_object(j, NULL);
		json_string(j, "result", l->v[i]->result);
		json_i64(j, "p99_ns", l->v[i]->p99_ns[metric]);
		json_end_object(j);
	}
	json_end_array(j);
	json_end_object(j);
}

void merged_json(struct out *o, const struct merge *m)
{
	struct json j;
	unsigned int i;

	json_start(&j, o, 2);
	json_object(&j, NULL);
	json_string(&j, "schema", "hvstimer-merge/1");
	json_u64(&j, "results", m->results);
	json_u64(&j, "duplicates", m->duplicates);
	json_u64(&j, "unreadable", m->unreadable);
	json_u64(&j, "recorded_ns", m->recorded_ns);
	json_u64(&j, "events", m->events);
	json_u64(&j, "lost_events", m->lost_events);
	json_storms(&j, &m->storms);
	json_number(&j, "storm_ns_per_hour", merge_per_hour(m->storms.ns, m->recorded_ns), 0);
	json_u64(&j, "hosts_with_storms", m->storm_hosts);
	json_kinds(&j, m);
	json_answers(&j, m);
	json_array(&j, "hosts");
	for (i = 0; i < m->worst.n; i++)
		json_host(&j, m->worst.v[i]);
	json_end_array(&j);
	json_array(&j, "outliers");
	for (i = 0; i < MERGE_METRICS; i++)
		json_outliers_of(&j, m, i);
	json_end_array(&j);
	json_object(&j, "distributions");
	for (i = 0; i < MERGE_METRICS; i++)
		contract_sketch(&j, m->metric[i]->name, m->sketch[i]);
	json_end_object(&j);
	json_end_object(&j);
}
