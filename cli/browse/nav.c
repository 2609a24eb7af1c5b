// SPDX-License-Identifier: GPL-2.0
/*
 * Moving about: window, cursor, selection. The window always falls on multiples of br_model_unit().
 */
#include <stdio.h>
#include <string.h>

#include "place.h"
#include "nav.h"

#define MIN_STORM_NS 20000 /* a narrower storm gets room around it */
#define NO_VM	     (-2)
#define AROUND_NS    100000000 /* what z shows on each side of a time */

static int64_t round_up(int64_t v, int64_t unit)
{
	return (v + unit - 1) / unit * unit;
}

/* Multiples of the unit are multiples of a power of two: the mask floors negative times, too. */
static int64_t floor_to(int64_t v, int64_t unit)
{
	return v & ~(unit - 1);
}

static int64_t fit_column(const struct br_model *m, int64_t col_ns, int64_t *unit)
{
	col_ns = col_ns < 1 ? 1 : col_ns;
	*unit = br_model_unit(m, col_ns);
	if (*unit != br_index_width(m->live.index)) {
		col_ns = round_up(col_ns, *unit);
		*unit = br_model_unit(m, col_ns);
	}
	return round_up(col_ns, *unit);
}

static void fit_whole(struct br_model *m, int64_t first, int64_t last)
{
	int64_t unit;

	m->whole = true;
	m->col_ns = (last - first) / m->cols + 1;
	m->col_ns = fit_column(m, m->col_ns < m->whole_col_ns ? m->whole_col_ns : m->col_ns, &unit);
	m->from = floor_to(first, unit);
	if (br_model_end(m) <= last)
		m->col_ns += unit;
}

/* How far windows go: to the end of the recording, or of a longer one that is shown beside it. */
static bool reach(const struct br_model *m, int64_t *first, int64_t *last)
{
	if (!br_model_span(m, first, last))
		return false;
	if (*last < *first + m->reach_ns)
		*last = br_clamp_time(*first + m->reach_ns);
	return true;
}

static void set_window(struct br_model *m, int64_t from, int64_t col_ns)
{
	int64_t first, last, unit;

	if (!reach(m, &first, &last))
		return;
	if (col_ns > (last - first) / m->cols) {
		fit_whole(m, first, last);
		return;
	}
	m->whole = false;
	m->col_ns = fit_column(m, col_ns, &unit);
	if (from > last + 1 - m->cols * m->col_ns)
		from = round_up(last + 1 - m->cols * m->col_ns - first, unit) + first;
	m->from = floor_to(from < first ? first : from, unit);
	m->span = m->cols * m->col_ns;
}

int64_t br_nav_whole_column(struct br_model *m)
{
	set_window(m, m->from, BR_TIME_LIMIT);
	return m->col_ns;
}

void br_nav_columns_of(struct br_model *m, int64_t from, int64_t col_ns)
{
	set_window(m, from, col_ns);
	m->span = m->cols * m->col_ns;
}

void br_nav_fit(struct br_model *m, int cols)
{
	bool resized = cols != m->cols;
	int64_t first, last, span = m->span;

	m->cols = cols < 1 ? 1 : cols;
	if (!br_model_span(m, &first, &last))
		return;
	if (m->whole)
		set_window(m, m->from, BR_TIME_LIMIT);
	else
		set_window(m, m->from, resized ? (m->span - 1) / m->cols + 1 : m->col_ns);
	m->span = span;
	if (m->cursor < first || m->cursor > last)
		m->cursor = m->cursor < first ? first : last;
}

static void center(struct br_model *m, int64_t ts)
{
	set_window(m, ts - m->cols / 2 * m->col_ns, m->col_ns);
}

void br_nav_cursor(struct br_model *m, int64_t ts)
{
	int64_t first, last;

	if (!br_model_span(m, &first, &last))
		return;
	m->cursor = ts < first ? first : ts > last ? last : ts;
	if (m->cursor < m->from || m->cursor >= br_model_end(m))
		center(m, m->cursor);
}

void br_nav_center(struct br_model *m, int64_t ts)
{
	br_nav_cursor(m, ts);
	if (!m->whole)
		center(m, m->cursor);
}

void br_nav_follow(struct br_model *m)
{
	if (m->found != HVST_UNKNOWN)
		br_nav_cursor(m, m->found);
	m->found = HVST_UNKNOWN;
}

void br_nav_columns(struct br_model *m, int by)
{
	int64_t first, last, target, over;

	if (!br_model_span(m, &first, &last))
		return;
	target = m->from + (br_model_column(m, m->cursor) + by) * m->col_ns;
	target = target < first ? first : target > last ? last : target;
	over = by < 0 ? target - m->from : target + m->col_ns - br_model_end(m);
	if (by < 0 ? over < 0 : over > 0)
		set_window(m, m->from + over + m->cols / 8 * (by < 0 ? -m->col_ns : m->col_ns),
			   m->col_ns);
	m->cursor = target;
}

void br_nav_zoom(struct br_model *m, bool in, int column)
{
	int64_t at = m->from + column * m->col_ns + m->col_ns / 2;
	int64_t col_ns = in ? m->col_ns / 2 : m->col_ns * 2;

	if (br_model_column(m, m->cursor) == column)
		at = m->cursor;
	set_window(m, at - column * (col_ns ? col_ns : 1), col_ns);
	if (m->cursor < m->from || m->cursor >= br_model_end(m))
		br_nav_cursor(m, at);
}

void br_nav_window(struct br_model *m, int64_t from, int64_t to)
{
	int64_t unit;
	int64_t col_ns;

	from = br_clamp_time(from);
	to = br_clamp_time(to);
	col_ns = fit_column(m, (to - from) / m->cols + 1, &unit);
	if (floor_to(from, unit) + m->cols * col_ns < to)
		col_ns += unit;
	set_window(m, from, col_ns);
	if (m->cursor < m->from || m->cursor >= br_model_end(m))
		br_nav_cursor(m, from);
}

void br_nav_whole(struct br_model *m)
{
	set_window(m, m->from, BR_TIME_LIMIT);
}

void br_nav_restore(struct br_model *m, const struct br_place *p)
{
	int64_t col_ns = p->col_ns;

	if (p->span != m->cols * p->col_ns)
		col_ns = (p->span - 1) / m->cols + 1;
	if (p->whole)
		br_nav_whole(m);
	else
		set_window(m, p->from, col_ns);
	br_nav_cursor(m, p->cursor);
}

static void show_storm(struct br_model *m, const struct hvst_storm *s)
{
	int64_t start = br_clamp_time(s->start_ns), end = br_clamp_time(s->end_ns);
	int64_t room = (end - start) / 50;

	if (end - start < MIN_STORM_NS)
		room = MIN_STORM_NS;
	br_nav_window(m, start - room, end + 1 + room);
}

void br_nav_selection(struct br_model *m)
{
	const struct br_finding *f = br_model_finding(m);

	if (m->select_from != HVST_UNKNOWN) {
		br_nav_window(m, m->select_from, m->select_to);
	} else if (!f || (!m->selected && m->pane != BR_FINDINGS) || f->ts_ns == HVST_UNKNOWN) {
		snprintf(m->message, sizeof(m->message),
			 "nothing selected: n and t go to findings, a drag selects a stretch");
	} else {
		br_nav_to_finding(m, m->finding);
		if (f->kind == BR_F_STORM)
			show_storm(m, m->live.storms[f->i]);
		else
			br_nav_window(m, f->ts_ns - AROUND_NS, f->ts_ns + AROUND_NS);
	}
}

void br_nav_row(struct br_model *m, int by)
{
	int i = br_model_row(m) + by;

	if (!m->nr_rows)
		return;
	i = i < 0 ? 0 : i >= (int)m->nr_rows ? (int)m->nr_rows - 1 : i;
	m->row = m->rows[i];
}

static void select_timer_of(struct br_model *m, const struct hvst_storm *s)
{
	int timer = br_index_storm(m->live.index, s);

	if (timer >= 0)
		m->row = (struct br_row){ .kind = BR_ROW_TIMER,
					  .vm = m->live.index->timers[timer].vm,
					  .timer = timer };
}

void br_nav_to_finding(struct br_model *m, unsigned int i)
{
	const struct br_finding *f = &m->findings[i];

	m->finding = i;
	m->selected = true;
	m->select_from = HVST_UNKNOWN;
	if (f->kind == BR_F_STORM)
		select_timer_of(m, m->live.storms[f->i]);
	if (f->ts_ns != HVST_UNKNOWN)
		br_nav_cursor(m, f->ts_ns);
}

/* Findings of one sort stand in time order; among equal times the list's order decides. */
bool br_nav_next(struct br_model *m, bool transitions, bool back)
{
	int best = -1;

	for (unsigned int i = 0; i < m->nr_findings; i++) {
		const struct br_finding *f = &m->findings[i];
		bool here = f->ts_ns == m->cursor;
		bool after = f->ts_ns > m->cursor || (here && (!m->selected || i > m->finding));
		bool before = f->ts_ns < m->cursor || (here && m->selected && i < m->finding);

		if (transitions ? !br_is_change(m, f) : f->kind != BR_F_STORM)
			continue;
		if (back ? before : after && best < 0)
			best = (int)i;
	}
	if (best < 0)
		return false;
	br_nav_to_finding(m, (unsigned int)best);
	return true;
}

void br_nav_step(struct br_model *m, bool back)
{
	int row = br_model_row(m);
	const struct br_timer *l = row < 0 ? NULL : br_model_timer(m, &m->rows[row]);
	int64_t at = 0, from, to;

	if (!l) {
		snprintf(m->message, sizeof(m->message), "select a timer's row first");
	} else if (!br_index_step(m->live.index, m->rows[row].timer, m->cursor, back, &at, &from,
				  &to)) {
		snprintf(m->message, sizeof(m->message),
			 back ? "no past-due arm of this timer before the cursor"
			      : "no past-due arm of this timer after the cursor");
	} else if (to > from) {
		struct br_request q = { .kind = BR_REQ_STEP,
					.from = from,
					.to = to,
					.tid = l->tid,
					.thread = l->thread,
					.timer = l->timer,
					.back = back };

		m->src->request(m->src, &q);
	} else {
		br_nav_cursor(m, at);
	}
}

static void fold_all_but(struct br_model *m, int vm)
{
	m->nr_folded = 0;
	for (unsigned int i = 0; i < m->nr_rows && m->nr_folded < BR_MAX_FOLDED; i++)
		if (m->rows[i].kind == BR_ROW_VM && m->rows[i].vm != vm)
			m->folded[m->nr_folded++] = m->rows[i].vm;
	br_model_rows(m);
}

/*
 * Fold VMs until the first screen shows the storms of all: all but the first with a storm, if that
 * suffices.
 */
void br_nav_fold_to_fit(struct br_model *m, int h)
{
	int row = br_model_row(m);

	if (m->fold_decided || !m->indexed || row < 0)
		return;
	m->fold_decided = true;
	if ((int)m->nr_rows <= h || m->rows[m->nr_rows - 1].vm == m->rows[0].vm)
		return;
	fold_all_but(m, m->rows[row].vm);
	if ((int)m->nr_rows > h)
		fold_all_but(m, NO_VM);
}

static bool unfold(struct br_model *m, int vm)
{
	for (unsigned int i = 0; i < m->nr_folded; i++) {
		if (m->folded[i] != vm)
			continue;
		m->folded[i] = m->folded[--m->nr_folded];
		br_model_rows(m);
		return true;
	}
	return false;
}

void br_nav_fold(struct br_model *m)
{
	int row = br_model_row(m);
	int vm;

	if (row < 0)
		return;
	m->fold_decided = true;
	vm = m->rows[row].vm;
	if (unfold(m, vm) || m->nr_folded == BR_MAX_FOLDED)
		return;
	m->folded[m->nr_folded++] = vm;
	m->row = (struct br_row){ .kind = BR_ROW_VM, .vm = vm, .timer = -1 };
	br_model_rows(m);
}

void br_nav_fold_all(struct br_model *m)
{
	int row = br_model_row(m);
	int vm = row < 0 ? -1 : m->rows[row].vm;
	bool open = false;

	for (unsigned int i = 0; i < m->nr_rows; i++)
		open |= m->rows[i].kind != BR_ROW_VM;
	m->fold_decided = true;
	if (open)
		fold_all_but(m, NO_VM);
	else
		m->nr_folded = 0;
	if (open)
		m->row = (struct br_row){ .kind = BR_ROW_VM, .vm = vm, .timer = -1 };
	br_model_rows(m);
}

/* --- to a VM or vCPU -------------------------------------------------------------------------- */

/* The first shown timer of it. @vcpu -1: of any. */
static int find_vcpu(const struct br_model *m, int vm, int vcpu)
{
	for (unsigned int i = 0; i < m->nr_rows; i++) {
		const struct br_timer *l = br_model_timer(m, &m->rows[i]);

		if (l && l->vm == vm && l->vcpu == vcpu)
			return (int)i;
	}
	return -1;
}

static int find_vm(const struct br_model *m, int vm)
{
	for (unsigned int i = 0; i < m->nr_rows; i++)
		if (m->rows[i].kind == BR_ROW_VM && m->rows[i].vm == vm)
			return (int)i;
	return -1;
}

static int vm_named(const struct br_model *m, const char *part)
{
	for (unsigned int i = 0; i < m->nr_rows; i++) {
		const char *name = br_vm_name(m, m->rows[i].vm);

		if (m->rows[i].kind == BR_ROW_VM && name && strcasestr(name, part))
			return m->rows[i].vm;
	}
	return -1;
}

/* "3", "3/12", "v12" or a name: which VM and vCPU that is; -1: none. */
static void parse_row(const struct br_model *m, const char *text, int *vm, int *vcpu)
{
	int row = br_model_row(m), end = 0, end2 = 0;

	*vm = *vcpu = -1;
	if (sscanf(text, "v%9d%n", vcpu, &end) == 1 && !text[end]) {
		*vm = row < 0 ? -1 : m->rows[row].vm;
	} else if (sscanf(text, "%9d%n/%9d%n", vm, &end, vcpu, &end2) < 1 ||
		   text[end2 ? end2 : end]) {
		*vcpu = -1;
		*vm = vm_named(m, text);
	}
}

bool br_nav_to_row(struct br_model *m, const char *text)
{
	int vm, vcpu, i;

	if (!*text)
		return false;
	parse_row(m, text, &vm, &vcpu);
	i = find_vm(m, vm);
	if (i >= 0 && vcpu >= 0) {
		unfold(m, vm);
		i = find_vcpu(m, vm, vcpu);
	}
	if (i < 0) {
		snprintf(m->message, sizeof(m->message), "not shown: %.100s", text);
		return false;
	}
	m->row = m->rows[i];
	m->pane = BR_TIMELINE;
	return true;
}
