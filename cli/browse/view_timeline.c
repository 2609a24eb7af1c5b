// SPDX-License-Identifier: GPL-2.0
/* The timeline: a row for each VM, for its clocks, and for each timer of each vCPU. */
#include <math.h>
#include <string.h>

#include "../output/units.h"
#include "../output/words.h"
#include "view.h"

#define TSC "TSC "

/* What one timer did in one column. */
struct column {
	uint64_t arms, past;
	bool storm;
};

/* --- cells ------------------------------------------------------------------------------------ */

static void mark_storms(const struct br_model *m, const struct br_row *row, struct column *cols,
			int n)
{
	for (unsigned int i = 0; i < m->live.nr_storms; i++) {
		const struct hvst_storm *s = m->live.storms[i];
		int from = br_model_column(m, s->start_ns), to = br_model_column(m, s->end_ns);

		if (to < 0 || from >= n || !br_storm_in_row(m, s, row))
			continue;
		for (int c = from < 0 ? 0 : from; c <= to && c < n; c++)
			cols[c].storm = true;
	}
}

/* Fills the columns of a row; returns the most arms that one of them has. */
static uint64_t measure(const struct br_model *m, const struct br_row *row, struct column *cols,
			int n)
{
	const struct br_column *sums = br_model_columns(m, row);
	uint64_t most = 0;

	for (int c = 0; c < n; c++) {
		struct br_column sum = sums ? sums[c] : br_model_column_sum(m, row, c);

		cols[c] = (struct column){ sum.arms, sum.past, false };
		most = cols[c].arms > most ? cols[c].arms : most;
	}
	mark_storms(m, row, cols, n);
	return most;
}

/* 0 .. 5, logarithmic, so that a few arms beside very many are still visible. */
static int density(uint64_t arms, uint64_t most)
{
	if (most <= 1)
		return 2;
	return (int)(log((double)arms) / log((double)most) * 5 + 0.5);
}

/* The character for a storm, a bar or nothing. A past-due arm is always visible. */
static uint32_t glyph(const struct column *c, uint64_t most, bool ascii)
{
	static const char bars[] = ".:;+*%";

	if (c->storm && c->past)
		return ascii ? '#' : 0x2588;
	if (c->past)
		return '!';
	if (c->arms)
		return ascii ? (uint32_t)bars[density(c->arms, most)]
			     : 0x2581 + (uint32_t)density(c->arms, most);
	return !c->storm ? ' ' : ascii ? '~' : 0x2591;
}

static void draw_cell(struct br_grid *g, int x, int y, const struct column *c, uint64_t most)
{
	enum br_role role = c->storm  ? BR_STORM
			    : c->past ? BR_PAST
			    : c->arms ? BR_AHEAD
				      : BR_NORMAL;

	br_put(g, x, y, glyph(c, most, g->ascii), role);
}

static void draw_cells(const struct br_model *m, const struct br_layout *l,
		       const struct br_row *row, int y, struct br_grid *g)
{
	struct column cols[BR_MAX_SIDE];
	int n = l->cols < BR_MAX_SIDE ? l->cols : BR_MAX_SIDE;
	uint64_t most = measure(m, row, cols, n);

	for (int c = 0; c < n; c++)
		draw_cell(g, l->gutter + c, y, &cols[c], most);
}

/* --- clock bands ------------------------------------------------------------------------------ */

/* One stretch of a band: a mark where it begins, its name, a line to its end. */
static void draw_stretch(const struct br_model *m, const struct br_layout *l, struct br_grid *g,
			 int y, const struct br_finding *span, int64_t to_ns, const char *name)
{
	int from = br_model_column(m, span->ts_ns), to = br_model_column(m, to_ns);
	enum br_role role = span->i & 1 ? BR_CLOCK_ODD : BR_CLOCK_EVEN;
	bool begins = from >= 0;

	if (to < 0 || from >= l->cols)
		return;
	from = from < 0 ? 0 : from;
	to = to > l->cols ? l->cols : to;
	for (int c = from; c < to; c++)
		br_put(g, l->gutter + c, y, g->ascii ? '-' : 0x2500, role);
	if (begins)
		br_put(g, l->gutter + from, y, g->ascii ? '|' : 0x251c, BR_MARK);
	from += begins;
	if ((int)strlen(name) > to - from && !strncmp(name, TSC, strlen(TSC)))
		name += strlen(TSC); /* "page" or "itself": the first letter tells them apart */
	br_text(g, l->gutter + from, y, to - from, role, name);
}

/* What happened to the VM, over the band of its host clock. */
static void draw_life(const struct br_model *m, const struct br_layout *l, struct br_grid *g,
		      int vm, int y)
{
	const struct hvst_result *r = m->live.result;

	for (unsigned int i = 0; r && i < r->nr_life; i++) {
		int c = r->life[i]->vm == vm ? br_model_column(m, r->life[i]->ts_ns) : -1;

		if (c >= 0 && c < l->cols)
			br_put(g, l->gutter + c, y, g->ascii ? 'L' : 0x25c6, BR_KEY);
	}
}

/* The timeline's stretches are borrowed findings: ts_ns where one begins, i its number. */
static void draw_reference(const struct br_model *m, const struct br_layout *l, struct br_grid *g,
			   int vm, int y)
{
	const struct hvst_result *r = m->live.result;
	const struct hvst_ref_segment *before = NULL;
	struct br_finding span = { BR_F_REFERENCE, 0, 0 };

	for (unsigned int i = 0; r && i < r->nr_reference; i++) {
		const struct hvst_ref_segment *s = r->reference[i];

		if (s->vm != vm)
			continue;
		if (before && br_reference_changes(before, s)) {
			draw_stretch(m, l, g, y, &span, before->to_ns,
				     words_ref_source(before->source));
			span.i++;
		}
		if (br_reference_changes(before, s))
			span.ts_ns = s->from_ns;
		before = s;
	}
	if (before)
		draw_stretch(m, l, g, y, &span, before->to_ns, words_ref_source(before->source));
	draw_life(m, l, g, vm, y);
}

/* The vCPU whose clock the guest band shows: the selected row's, else the VM's first. */
static int band_vcpu(const struct br_model *m, int vm)
{
	int row = br_model_row(m);
	const struct br_timer *l = row < 0 ? NULL : br_model_timer(m, &m->rows[row]);

	if (l && l->vm == vm)
		return l->vcpu;
	for (unsigned int i = 0; i < m->nr_rows; i++) {
		l = br_model_timer(m, &m->rows[i]);
		if (l && l->vm == vm)
			return l->vcpu;
	}
	return -1;
}

static bool in_band(const struct hvst_guest_transition *t, int vm, int vcpu)
{
	return t->vm == vm && t->role != HVST_ROLE_TIMEKEEPING && (t->vcpu < 0 || t->vcpu == vcpu);
}

/* Of a vCPU's thread: from its first event to its last, or of all. */
static bool thread_span(const struct br_model *m, int vm, int vcpu, int64_t *first, int64_t *last)
{
	const struct hvst_vm *v = br_vm(m, vm);

	if (!br_model_span(m, first, last))
		return false;
	for (unsigned int i = 0; v && i < v->nr_vcpus; i++)
		if (v->vcpus[i]->vcpu == vcpu && v->vcpus[i]->first_ns != HVST_UNKNOWN) {
			*first = br_clamp_time(v->vcpus[i]->first_ns);
			*last = br_clamp_time(v->vcpus[i]->last_ns);
		}
	return m->live.result;
}

/* Findings are in time order. Those that a filter hides belong to no row shown. */
static void draw_guest(const struct br_model *m, const struct br_layout *l, struct br_grid *g,
		       int vm, int y)
{
	const struct hvst_guest_transition *before = NULL;
	struct br_finding span = { BR_F_GUEST, 0, 0 };
	int64_t last;
	int vcpu = band_vcpu(m, vm);

	if (!thread_span(m, vm, vcpu, &span.ts_ns, &last))
		return;
	for (unsigned int i = 0; i < m->nr_findings; i++) {
		const struct hvst_guest_transition *t = m->live.result->guest[m->findings[i].i];

		if (m->findings[i].kind != BR_F_GUEST || !in_band(t, vm, vcpu))
			continue;
		draw_stretch(m, l, g, y, &span, t->ts_ns,
			     hvst_guest_source_text(before ? before->to : t->from, false));
		span.ts_ns = t->ts_ns;
		span.i++;
		before = t;
	}
	if (before)
		draw_stretch(m, l, g, y, &span, last + 1,
			     hvst_guest_source_text(before->to, false));
}

/* --- rows ------------------------------------------------------------------------------------- */

char *br_vm_label(const struct br_model *m, int vm, char *buf, size_t len)
{
	const char *name = br_vm_name(m, vm);

	snprintf(buf, len, vm < 0 ? "VM ?" : name ? "VM %d %s" : "VM %d", vm, name);
	return buf;
}

static void draw_vm(const struct br_model *m, const struct br_layout *l, struct br_grid *g,
		    const struct br_row *row, int y)
{
	bool folded = br_model_folded(m, row->vm);
	const struct hvst_vm *vm = br_vm(m, row->vm);
	const char *name = br_vm_name(m, row->vm);
	char label[64];
	bool cut;

	br_vm_label(m, row->vm, label, sizeof(label));
	cut = name && (int)strlen(label) > l->gutter - 3;
	br_put(g, 0, y, g->ascii ? (folded ? '+' : '-') : folded ? 0x25b8 : 0x25be, BR_LABEL);
	br_text_cut(g, 2, y, l->gutter - 3, BR_LABEL, label);
	if (folded)
		draw_cells(m, l, row, y, g);
	else if (vm)
		br_printf(g, l->gutter, y, l->cols, BR_DIM, "%s%s%u vCPU%s", cut ? name : "",
			  cut ? ", " : "", vm->nr_vcpus, vm->nr_vcpus == 1 ? "" : "s");
}

static void short_count(char *buf, size_t len, uint64_t n, bool exact)
{
	char count[UNIT_BUF];

	if (n < 10000000)
		unit_count(count, n);
	else
		snprintf(count, sizeof(count), "%.3gM", (double)n / 1e6);
	snprintf(buf, len, "%s%.*s", exact ? "" : "~", UNIT_BUF - 1, count);
}

static void draw_timer(const struct br_model *m, const struct br_layout *l, struct br_grid *g,
		       const struct br_row *row, int y)
{
	const struct br_timer *timer = br_model_timer(m, row);
	char label[24], count[UNIT_BUF + 2];
	struct br_sum s;
	int x;

	br_sum_init(&s);
	br_model_sum_row(m, row, m->from, br_model_end(m), false, &s);
	short_count(count, sizeof(count), br_sum_arms(&s), br_model_exact(m));
	snprintf(label, sizeof(label), " v%d t%d", timer->vcpu, timer->timer);
	x = br_text(g, 0, y, l->gutter - 1, BR_LABEL, label);
	if (x + 1 + (int)strlen(count) < l->gutter)
		br_text(g, l->gutter - 1 - (int)strlen(count), y, (int)strlen(count), BR_DIM,
			count);
	draw_cells(m, l, row, y, g);
}

/* With the vCPU where there is one, and room. */
static void band_label(const struct br_layout *l, struct br_grid *g, int y, const char *label,
		       int vcpu)
{
	int x = br_text(g, 0, y, l->gutter - 1, BR_DIM, label);

	if (vcpu >= 0 && l->gutter >= 16)
		br_printf(g, x, y, l->gutter - 1 - x, BR_DIM, " v%d", vcpu);
}

static void draw_row(const struct br_model *m, const struct br_layout *l, struct br_grid *g,
		     const struct br_row *row, int y)
{
	switch (row->kind) {
	case BR_ROW_VM:
		draw_vm(m, l, g, row, y);
		break;
	case BR_ROW_REFERENCE:
		br_text(g, 0, y, l->gutter - 1, BR_DIM,
			l->gutter < 16 ? " host" : " host reference");
		draw_reference(m, l, g, row->vm, y);
		break;
	case BR_ROW_GUEST:
		band_label(l, g, y, l->gutter < 16 ? " guest" : " guest clock",
			   band_vcpu(m, row->vm));
		draw_guest(m, l, g, row->vm, y);
		break;
	case BR_ROW_CLOCKS:
		band_label(l, g, y, l->gutter < 16 ? " clocks" : " two clocks",
			   br_clocks_vcpu(m, row->vm));
		br_draw_clocks_row(m, l, g, row->vm, y);
		break;
	case BR_ROW_TIMER:
		draw_timer(m, l, g, row, y);
	}
}

/* The selected stretch and the cursor's column stand out through flags, whatever is drawn there. */
static void flag_columns(const struct br_model *m, const struct br_layout *l, struct br_grid *g,
			 int y)
{
	int from, to;

	if (m->select_from != HVST_UNKNOWN) {
		from = br_model_column(m, m->select_from);
		to = br_model_column(m, m->select_to - 1);
		from = from < 0 ? 0 : from;
		to = to >= l->cols ? l->cols - 1 : to;
		br_flag(g, l->gutter + from, y, to - from + 1, BR_SELECTED);
	}
	br_flag(g, l->gutter + br_model_column(m, m->cursor), y, 1, BR_CURSOR);
}

void br_draw_timeline(const struct br_model *m, const struct br_layout *l, struct br_grid *g)
{
	int selected = br_model_row(m);

	if (!m->nr_rows)
		br_text(g, 1, l->timeline.y, l->timeline.w - 2, BR_DIM,
			m->indexed ? "no timer was armed in what is shown" : "no timer seen yet");
	for (int i = 0; i < l->timeline.h && l->first_row + i < (int)m->nr_rows; i++) {
		int y = l->timeline.y + i;

		draw_row(m, l, g, &m->rows[l->first_row + i], y);
		if (l->first_row + i == selected) {
			br_flag(g, 0, y, l->gutter - 1,
				m->pane == BR_TIMELINE ? BR_CURSOR : BR_SELECTED);
			br_put(g, l->gutter - 1, y, g->ascii ? '>' : 0x25b6, BR_KEY);
		}
		flag_columns(m, l, g, y);
	}
}
