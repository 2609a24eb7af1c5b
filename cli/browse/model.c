// SPDX-License-Identifier: GPL-2.0
/* State, requests and replies, sums for the screen. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../output/units.h"
#include "model.h"

#define EDGE 20 /* request more when fewer events than this lie beyond the cursor */

void br_model_init(struct br_model *m, struct br_source *src, const char *name)
{
	memset(m, 0, sizeof(*m));
	m->src = src;
	strncpy(m->name, name, sizeof(m->name) - 1);
	m->utc_of_zero = HVST_UNKNOWN;
	m->fine_requested.from = m->events_requested.from = m->events_at = m->found = HVST_UNKNOWN;
	m->select_from = m->select_to = m->mark[0] = m->mark[1] = HVST_UNKNOWN;
	for (int i = 0; i < BR_BOOKMARKS; i++)
		m->bookmark[i] = HVST_UNKNOWN;
	m->kept_from = m->kept_cursor = HVST_UNKNOWN;
	m->cols = m->page = 1;
	m->cells = br_cells_new(); /* without memory nothing is cached */
	m->col_ns = 1;
	m->whole = true;
	m->list = BR_FINDINGS;
	m->row = (struct br_row){ .kind = BR_ROW_TIMER, .vm = -1, .timer = -1 };
	m->default_row = -1;
}

void br_model_end_search(struct br_model *m)
{
	filter_free(m->wanted);
	free(m->hits);
	m->wanted = NULL;
	m->hits = NULL;
	m->nr_hits = 0;
	m->searching = false;
}

void br_model_free(struct br_model *m)
{
	br_index_free(m->fine);
	br_cells_free(m->cells);
	br_model_end_search(m);
	free(m->steps);
	filter_free(m->filter);
	free(m->shown);
	free(m->rows);
	free(m->findings);
	free(m->clocks);
	free(m->events);
}

void br_model_lock(struct br_model *m)
{
	m->src->lock(m->src, &m->live);
	unit_set_utc(m->utc_of_zero);
}

void br_model_unlock(struct br_model *m)
{
	m->src->unlock(m->src);
}

/* --- the window ------------------------------------------------------------------------------- */

bool br_model_span(const struct br_model *m, int64_t *first, int64_t *last)
{
	const struct hvst_trace *t = m->live.trace;

	*first = m->live.index->first;
	*last = m->live.index->last;
	if (t && t->first_ns != HVST_UNKNOWN) {
		*first = br_clamp_time(t->first_ns);
		*last = br_clamp_time(t->last_ns);
	}
	return *first != HVST_UNKNOWN;
}

int64_t br_model_end(const struct br_model *m)
{
	return m->from + m->cols * m->col_ns;
}

int br_model_column(const struct br_model *m, int64_t ts)
{
	int64_t d = br_clamp_time(ts) - m->from;
	int64_t c = d < 0 ? -((-d + m->col_ns - 1) / m->col_ns) : d / m->col_ns;

	return c < -1 ? -1 : c > m->cols ? m->cols : (int)c;
}

/*
 * Bins per column in a fine index: as many as BR_FINE_BUDGET allows, so that windows fit closely.
 */
static int64_t fineness(const struct br_model *m)
{
	size_t column = (m->live.index->nr_timers + 1) * (size_t)m->cols * BR_BIN_BYTES;
	int64_t n = 16;

	while (n > 2 && column * (size_t)n > BR_FINE_BUDGET / 2)
		n /= 2;
	return n;
}

int64_t br_model_unit(const struct br_model *m, int64_t col_ns)
{
	int64_t bin = br_index_width(m->live.index), n = fineness(m);
	int64_t u = 1;

	if (col_ns >= (m->whole ? 2 : n / 2) * bin)
		return bin;
	while (u * n <= col_ns)
		u *= 2;
	return u < bin ? u : bin;
}

/* --- adding up -------------------------------------------------------------------------------- */

/* Does the fine index cover [from, to), as far as the recording does? */
static bool fine_covers(const struct br_model *m, int64_t from, int64_t to)
{
	int64_t first, last, end;

	if (!m->fine || !br_model_span(m, &first, &last))
		return false;
	end = m->fine->origin + ((int64_t)m->fine->nbins << m->fine->shift);
	from = from < first ? first : from;
	to = to > last + 1 ? last + 1 : to;
	return from >= m->fine->origin && to <= end;
}

static bool fine_serves(const struct br_model *m)
{
	return m->fine && ((int64_t)1 << m->fine->shift) <= br_model_unit(m, m->col_ns) &&
	       fine_covers(m, m->from, br_model_end(m));
}

bool br_model_exact(const struct br_model *m)
{
	return m->indexed &&
	       (br_model_unit(m, m->col_ns) == br_index_width(m->live.index) || fine_serves(m));
}

void br_model_sum(const struct br_model *m, int timer, int64_t from, int64_t to, bool hist,
		  struct br_sum *s)
{
	const struct br_timer *l = &m->live.index->timers[timer];
	int64_t width = br_index_width(m->live.index);

	if (((from | to) & (width - 1)) && fine_covers(m, from, to)) {
		int fine = br_index_timer(m->fine, l->tid, l->timer, l->thread);

		if (fine >= 0 || !m->fine->dropped) {
			br_index_sum(m->fine, fine, from, to, hist, s);
			return;
		}
	}
	br_index_sum(m->live.index, timer, from, to, hist, s);
}

void br_model_sum_row(const struct br_model *m, const struct br_row *row, int64_t from, int64_t to,
		      bool hist, struct br_sum *s)
{
	if (row->kind == BR_ROW_TIMER && row->timer >= 0)
		br_model_sum(m, row->timer, from, to, hist, s);
	for (unsigned int i = 0; row->kind == BR_ROW_VM && i < row->n; i++)
		br_model_sum(m, m->shown[row->first + i], from, to, hist, s);
}

const struct br_timer *br_model_timer(const struct br_model *m, const struct br_row *row)
{
	return row && row->kind == BR_ROW_TIMER && row->timer >= 0
		       ? &m->live.index->timers[row->timer]
		       : NULL;
}

bool br_storm_passes(const struct br_model *m, const struct hvst_storm *s)
{
	return !m->filter || filter_eval(m->filter, FILTER_STORM, s) != FILTER_NO;
}

bool br_storm_in_row(const struct br_model *m, const struct hvst_storm *s, const struct br_row *row)
{
	const struct br_timer *l = br_model_timer(m, row);

	if (row->kind == BR_ROW_VM)
		return s->vm == row->vm && br_storm_passes(m, s);
	return l && l->tid == s->tid && l->timer == s->timer &&
	       row->timer == br_index_storm(m->live.index, s) && br_storm_passes(m, s);
}

const struct hvst_storm *br_model_storm(const struct br_model *m, const struct br_row *row,
					int64_t from, int64_t to, unsigned int *nr)
{
	for (unsigned int i = 0; i < m->live.nr_storms; i++) {
		const struct hvst_storm *s = m->live.storms[i];

		if (s->start_ns < to && s->end_ns >= from && br_storm_in_row(m, s, row)) {
			*nr = i + 1;
			return s;
		}
	}
	return NULL;
}

/* --- findings --------------------------------------------------------------------------------- */

const struct br_finding *br_model_finding(const struct br_model *m)
{
	return m->finding < m->nr_findings ? &m->findings[m->finding] : NULL;
}

bool br_is_change(const struct br_model *m, const struct br_finding *f)
{
	return f->kind == BR_F_REFERENCE ||
	       (f->kind == BR_F_GUEST && m->live.result->guest[f->i]->from != HVST_SRC_UNKNOWN);
}

int br_finding_vm(const struct br_model *m, const struct br_finding *f)
{
	switch (f->kind) {
	case BR_F_STORM:
		return m->live.storms[f->i]->vm;
	case BR_F_GUEST:
		return m->live.result->guest[f->i]->vm;
	case BR_F_REFERENCE:
		return m->live.result->reference[f->i]->vm;
	default:
		return -1;
	}
}

static void add_finding(struct br_model *m, enum br_finding_kind kind, unsigned int i, int64_t ts)
{
	m->findings[m->nr_findings++] = (struct br_finding){ kind, i, ts };
}

/* By time. At equal times the guest's comes last, so that T, from a storm, finds it first. */
static int finding_order(const void *a, const void *b)
{
	const struct br_finding *x = a, *y = b;

	return x->ts_ns < y->ts_ns ? -1 : x->ts_ns > y->ts_ns ? 1 : (int)y->kind - (int)x->kind;
}

bool br_reference_changes(const struct hvst_ref_segment *before, const struct hvst_ref_segment *s)
{
	return !before || before->source != s->source || (s->step_ns != HVST_UNKNOWN && s->step_ns);
}

static int64_t verdict_time(const struct hvst_verdict *v)
{
	for (unsigned int i = 0; i < v->evidence.n && i < HVST_MAX_EVIDENCE; i++)
		if (v->evidence.e[i].ts_ns != HVST_UNKNOWN)
			return v->evidence.e[i].ts_ns;
	return HVST_UNKNOWN;
}

static void add_changes(struct br_model *m, const struct hvst_result *r)
{
	const struct hvst_ref_segment *before = NULL; /* of the same VM: they stand together */
	unsigned int start = m->nr_findings;

	for (unsigned int i = 0; i < r->nr_guest; i++)
		if (!m->filter || filter_eval(m->filter, FILTER_GUEST, r->guest[i]) != FILTER_NO)
			add_finding(m, BR_F_GUEST, i, r->guest[i]->ts_ns);
	for (unsigned int i = 0; i < r->nr_reference; i++) {
		const struct hvst_ref_segment *s = r->reference[i];

		if (before && before->vm == s->vm && br_reference_changes(before, s) &&
		    (!m->filter || filter_eval(m->filter, FILTER_REFERENCE, s) != FILTER_NO))
			add_finding(m, BR_F_REFERENCE, i, s->from_ns);
		before = s;
	}
	for (unsigned int i = 0; i < r->nr_life; i++)
		if (!m->filter || filter_eval(m->filter, FILTER_LIFE, r->life[i]) != FILTER_NO)
			add_finding(m, BR_F_LIFE, i, r->life[i]->ts_ns);
	qsort(m->findings + start, m->nr_findings - start, sizeof(*m->findings), finding_order);
}

static void add_verdicts(struct br_model *m, const struct hvst_result *r, enum hvst_answer answer)
{
	for (unsigned int i = 0; i < HVST_Q_COUNT; i++)
		if (r->verdicts[i]->answer == answer)
			add_finding(m, BR_F_VERDICT, i, verdict_time(r->verdicts[i]));
}

static void build_findings(struct br_model *m)
{
	const struct hvst_result *r = m->live.result;
	size_t max = m->live.nr_storms + (r ? r->nr_guest + r->nr_reference + r->nr_life : 0) +
		     HVST_Q_COUNT;
	struct br_finding *f = realloc(m->findings, max * sizeof(*f));

	if (!f)
		return;
	m->findings = f;
	m->nr_findings = 0;
	for (unsigned int i = 0; i < m->live.nr_storms; i++) {
		const struct hvst_storm *s = m->live.storms[i];

		if (br_storm_passes(m, s))
			add_finding(m, BR_F_STORM, i, s->start_ns);
	}
	if (!r)
		return;
	add_changes(m, r);
	add_verdicts(m, r, HVST_YES);
	add_verdicts(m, r, HVST_CANNOT_TELL);
	add_verdicts(m, r, HVST_NO);
}

void br_model_refilter(struct br_model *m)
{
	build_findings(m);
	br_model_rows(m);
	m->finding = 0;
	m->selected = false;
	m->events_at = m->events_requested.from = HVST_UNKNOWN;
	m->nr_events = 0;
	m->filter_asked = m->filter_ready = false;
}

/* --- requests and replies --------------------------------------------------------------------- */

/* The first event at or after the cursor, or the last one. */
static unsigned int event_at(const struct br_model *m, int64_t ts)
{
	unsigned int lo = 0, hi = m->nr_events;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (m->events[mid].ev.ts_ns < ts)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo == m->nr_events && lo ? lo - 1 : lo;
}

static void take_events(struct br_model *m, struct br_reply *a)
{
	free(m->events);
	m->events = a->events;
	a->events = NULL;
	m->nr_events = a->nr_events;
	m->events_at = a->request.from;
	m->events_start = a->at_start;
	m->events_end = a->at_end;
	m->event = event_at(m, m->cursor);
}

/* Takes the focus, too, if that was the other list's. */
void br_model_show_events(struct br_model *m)
{
	m->list = BR_EVENTS;
	if (m->pane == BR_FINDINGS)
		m->pane = BR_EVENTS;
}

static void take_step(struct br_model *m, const struct br_reply *a)
{
	if (a->found) {
		m->message[0] = 0;
		m->found = a->ts_ns;
	} else {
		snprintf(m->message, sizeof(m->message), "%s",
			 a->err == -ECANCELED ? "stopped" : "no further past-due arm");
	}
}

/* For a filter that takes a pass: what it hides although it should not. */
static void tell_limits(struct br_model *m, const struct br_reply *a)
{
	if (a->unkept)
		snprintf(m->message, sizeof(m->message),
			 "too many events pass the filter: %" PRIu64 " more are not listed",
			 a->unkept + a->forgotten);
	else if (a->forgotten)
		snprintf(m->message, sizeof(m->message),
			 "%" PRIu64 " events are too many to be judged: they are not listed",
			 a->forgotten);
}

static void take_reply(struct br_model *m, struct br_reply *a)
{
	switch (a->kind) {
	case BR_REQ_FINE:
		if (a->err)
			break;
		br_index_free(m->fine);
		m->fine = a->fine;
		a->fine = NULL;
		m->generation++;
		break;
	case BR_REQ_EVENTS:
		if (!a->err)
			take_events(m, a);
		break;
	case BR_REQ_STEP:
		take_step(m, a);
		break;
	case BR_REQ_HITS:
		m->filter_ready = !a->err;
		tell_limits(m, a);
		break;
	default:
		if (m->searched)
			m->searched(m, a);
	}
	br_index_free(a->fine);
	free(a->events);
	free(a->hits);
}

bool br_model_poll(struct br_model *m)
{
	struct br_reply a;
	bool changed = false;
	int64_t last;

	while (m->src->take(m->src, &a)) {
		take_reply(m, &a);
		changed = true;
	}
	if (m->indexed)
		return changed;
	m->indexed = m->live.result || m->live.err;
	if (m->indexed && m->cursor == m->live.index->first) /* the first arm's time until now */
		br_model_span(m, &m->cursor, &last);
	if (m->indexed) /* now it is known which VM an event is of */
		m->events_at = m->events_requested.from = HVST_UNKNOWN;
	free(m->clocks);
	m->clocks = NULL;
	m->nr_clocks = 0;
	if (m->live.result)
		m->clocks = clock_stretches(m->live.result, &m->nr_clocks);
	build_findings(m);
	br_model_rows(m);
	return true;
}

static bool same_request(const struct br_request *a, const struct br_request *b)
{
	return a->from == b->from && a->to == b->to && a->shift == b->shift;
}

static void request_fine(struct br_model *m)
{
	int64_t unit = br_model_unit(m, m->col_ns);
	int64_t margin = m->cols / 4 * m->col_ns;
	struct br_request q = { .kind = BR_REQ_FINE,
				.from = m->from - margin,
				.to = br_model_end(m) + margin };

	if (!m->indexed || m->live.err || br_model_exact(m))
		return;
	q.shift = (unsigned int)__builtin_ctzll((unsigned long long)unit);
	if (same_request(&q, &m->fine_requested))
		return;
	m->fine_requested = q;
	m->src->request(m->src, &q);
}

/* Are the events around the cursor in memory, with some to spare on both sides? */
static bool events_at_hand(const struct br_model *m)
{
	unsigned int i;

	if (m->events_at == HVST_UNKNOWN)
		return false;
	if (m->events_at == m->cursor || !m->nr_events)
		return m->events_at == m->cursor;
	i = event_at(m, m->cursor);
	if (m->cursor < m->events[0].ev.ts_ns)
		return m->events_start;
	return (m->events_start || i >= EDGE) && (m->events_end || i + EDGE < m->nr_events);
}

/* Where only a whole pass tells what the filter selects: has it ended? */
static bool filter_ready(struct br_model *m)
{
	struct br_request q = { .kind = BR_REQ_HITS, .from = HVST_UNKNOWN, .to = HVST_UNKNOWN };

	if (!br_filter_derives(m->filter) || m->filter_ready)
		return true;
	if (m->filter_asked)
		return false;
	m->filter_asked = true;
	snprintf(q.filter, sizeof(q.filter), "%s", filter_text(m->filter));
	m->src->request(m->src, &q);
	return false;
}

static void request_events(struct br_model *m)
{
	struct br_request q = { .kind = BR_REQ_EVENTS, .from = m->cursor, .to = HVST_UNKNOWN };

	if (m->events_shown && !filter_ready(m))
		return;
	if (events_at_hand(m) && m->nr_events && m->events[m->event].ev.ts_ns != m->cursor)
		m->event = event_at(m, m->cursor);
	if (m->filter)
		snprintf(q.filter, sizeof(q.filter), "%s", filter_text(m->filter));
	if (!m->events_shown || events_at_hand(m) || same_request(&q, &m->events_requested))
		return;
	m->events_requested = q;
	m->src->request(m->src, &q);
}

void br_model_request(struct br_model *m)
{
	int64_t first, last;

	if (!br_model_span(m, &first, &last))
		return;
	request_fine(m);
	request_events(m);
}
