// SPDX-License-Identifier: GPL-2.0
/* Filter and search over events and findings. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../output/units.h"
#include "find.h"
#include "nav.h"

#define OPERATORS "=<>~&|!(\"'"

struct filter *br_find_parse(struct br_model *m, const char *text)
{
	char expression[FILTER_LEN], why[FILTER_WHY];
	struct filter *f;

	snprintf(expression, sizeof(expression), strpbrk(text, OPERATORS) ? "%s" : "\"%s\"", text);
	f = filter_parse(expression, FILTER_ANY, why);
	if (!f)
		snprintf(m->message, sizeof(m->message), "%s", why);
	return f;
}

/* --- filter ----------------------------------------------------------------------------------- */

bool br_find_filter(struct br_model *m, const char *text)
{
	struct filter *f = *text ? br_find_parse(m, text) : NULL;

	if (*text && !f)
		return false;
	if (f && strlen(filter_text(f)) >= BR_LINE) {
		snprintf(m->message, sizeof(m->message), "that is too long for a filter");
		filter_free(f);
		return false;
	}
	filter_free(m->filter);
	m->filter = f;
	snprintf(m->filter_text, sizeof(m->filter_text), "%s", text);
	br_model_refilter(m);
	return true;
}

/* --- search ----------------------------------------------------------------------------------- */

static bool finding_hit(const struct br_model *m, const struct br_finding *f)
{
	const struct hvst_result *r = m->live.result;

	switch (f->kind) {
	case BR_F_STORM:
		return filter_eval(m->wanted, FILTER_STORM, m->live.storms[f->i]) == FILTER_YES;
	case BR_F_GUEST:
		return filter_eval(m->wanted, FILTER_GUEST, r->guest[f->i]) == FILTER_YES;
	case BR_F_REFERENCE:
		return filter_eval(m->wanted, FILTER_REFERENCE, r->reference[f->i]) == FILTER_YES;
	case BR_F_LIFE:
		return filter_eval(m->wanted, FILTER_LIFE, r->life[f->i]) == FILTER_YES;
	default:
		return false;
	}
}

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

	return x < y ? -1 : x > y;
}

/* A quarter of a million hits take 20 ms to sort, while keys wait: mostly they are in order. */
static void sort_times(int64_t *v, unsigned int n)
{
	for (unsigned int i = 1; i < n; i++)
		if (v[i - 1] > v[i]) {
			qsort(v, n, sizeof(*v), by_time);
			return;
		}
}

/* The times of findings that are hits, in order; NULL without memory. */
static int64_t *finding_times(const struct br_model *m, unsigned int *n)
{
	int64_t *v = malloc(((size_t)m->nr_findings + 1) * sizeof(*v));

	*n = 0;
	for (unsigned int i = 0; v && i < m->nr_findings; i++)
		if (m->findings[i].ts_ns != HVST_UNKNOWN && finding_hit(m, &m->findings[i]))
			v[(*n)++] = m->findings[i].ts_ns;
	if (v)
		sort_times(v, *n);
	return v;
}

/* The events found, and the findings: each place once. */
static bool merge_hits(struct br_model *m, const struct br_reply *a)
{
	unsigned int nr_findings, i = 0, k = 0, n = 0;
	int64_t *findings = finding_times(m, &nr_findings);
	int64_t *all = malloc(((size_t)a->nr_hits + m->nr_findings + 1) * sizeof(*all));

	if (!all || !findings) {
		free(all);
		free(findings);
		return false;
	}
	if (a->nr_hits)
		sort_times(a->hits, a->nr_hits);
	while (i < a->nr_hits || k < nr_findings) {
		bool finding = i == a->nr_hits || (k < nr_findings && findings[k] < a->hits[i]);
		int64_t ts = finding ? findings[k++] : a->hits[i++];

		if (!n || all[n - 1] != ts)
			all[n++] = ts;
	}
	free(findings);
	free(m->hits);
	m->hits = all;
	m->nr_hits = n;
	m->unkept = a->unkept;
	m->unjudged = a->forgotten;
	return true;
}

/* The first hit at or after @ts; nr_hits when there is none. */
static unsigned int hit_at(const struct br_model *m, int64_t ts)
{
	unsigned int lo = 0, hi = m->nr_hits;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (m->hits[mid] < ts)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void tell_hit(struct br_model *m, unsigned int i)
{
	char at[UNIT_BUF], all[UNIT_BUF], more[2 * UNIT_BUF + 48] = "";

	if (m->unkept && m->unjudged)
		snprintf(more, sizeof(more), " (and %s more, %s events not judged)",
			 unit_count(all, m->unkept), unit_count(at, m->unjudged));
	else if (m->unkept)
		snprintf(more, sizeof(more), " (and %s more)", unit_count(all, m->unkept));
	else if (m->unjudged)
		snprintf(more, sizeof(more), " (%s events not judged)",
			 unit_count(all, m->unjudged));
	snprintf(m->message, sizeof(m->message), "hit %s of %s%s: %s", unit_count(at, i + 1),
		 unit_count(all, m->nr_hits), more, m->search);
}

/* A finding there that is a hit is selected, else the event. */
static void show_hit(struct br_model *m, int64_t ts)
{
	for (unsigned int i = 0; i < m->nr_findings; i++) {
		if (m->findings[i].ts_ns != ts || !finding_hit(m, &m->findings[i]))
			continue;
		m->list = BR_FINDINGS;
		if (m->pane == BR_EVENTS)
			m->pane = BR_FINDINGS;
		br_nav_to_finding(m, i);
		return;
	}
	br_model_show_events(m);
	br_nav_cursor(m, ts);
}

static void to_hit(struct br_model *m, unsigned int i)
{
	show_hit(m, m->hits[i]);
	tell_hit(m, i);
}

void br_find_next(struct br_model *m, bool back)
{
	unsigned int i = hit_at(m, back ? m->cursor : m->cursor + 1);
	char all[UNIT_BUF];

	if (m->searching)
		snprintf(m->message, sizeof(m->message), "searching: %s (Esc stops)", m->search);
	else if (back ? i > 0 : i < m->nr_hits)
		to_hit(m, back ? i - 1 : i);
	else
		snprintf(m->message, sizeof(m->message), "no hit %s the cursor, %s in all: %s",
			 back ? "before" : "after", unit_count(all, m->nr_hits), m->search);
}

/* A reply to a search. */
static void take_reply(struct br_model *m, struct br_reply *a)
{
	unsigned int i;

	if (!m->wanted || strcmp(a->request.text, filter_text(m->wanted)))
		return; /* the search was cancelled */
	if (a->more) {
		m->found = a->ts_ns;
		br_model_show_events(m);
		return;
	}
	m->searching = false;
	if ((a->err && a->err != -ECANCELED) || !merge_hits(m, a)) {
		snprintf(m->message, sizeof(m->message), "the search failed: %s",
			 strerror(a->err ? -a->err : ENOMEM));
		return;
	}
	i = hit_at(m, a->found ? m->cursor : a->request.from);
	if (!m->nr_hits)
		snprintf(m->message, sizeof(m->message), "%s: %s", a->err ? "stopped" : "not found",
			 m->search);
	else if (!a->found)
		to_hit(m, i < m->nr_hits ? i : 0);
	else if (i < m->nr_hits && m->hits[i] == m->cursor)
		tell_hit(m, i);
}

void br_find_search(struct br_model *m, const char *text)
{
	struct br_request q = { .kind = BR_REQ_SEARCH, .from = m->cursor + 1, .to = HVST_UNKNOWN };
	struct filter *f;

	if (!*text && m->wanted) {
		br_find_next(m, false);
		return;
	}
	if (!*text)
		text = m->search;
	f = *text ? br_find_parse(m, text) : NULL;
	if (!f)
		return;
	if (strlen(filter_text(f)) >= sizeof(q.text)) {
		snprintf(m->message, sizeof(m->message), "that is too long to search for");
		filter_free(f);
		return;
	}
	br_model_end_search(m);
	if (text != m->search)
		snprintf(m->search, sizeof(m->search), "%s", text);
	snprintf(q.text, sizeof(q.text), "%s", filter_text(f));
	if (m->filter)
		snprintf(q.filter, sizeof(q.filter), "%s", filter_text(m->filter));
	m->wanted = f;
	m->searched = take_reply;
	m->searching = true;
	snprintf(m->message, sizeof(m->message), "searching: %s (Esc stops)", m->search);
	m->src->request(m->src, &q);
}
