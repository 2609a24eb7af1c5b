// SPDX-License-Identifier: GPL-2.0
/*
 * Which of two clocks left the line: the band of the timeline, and the plot in place of the skew
 * while that row is selected. The same points as the picture of hvstimer clocks --svg.
 */
#include <stdlib.h>
#include <string.h>

#include "../output/units.h"
#include "view.h"

#define LEAST_NS 1000000 /* minimum half height of the plot: less is noise */
#define SPLIT_H	 9	 /* from here on both plots, else the one that shows more */

#define REFERENCE_GLYPH(g) ((g)->ascii ? '=' : 0x2501u)
#define GUEST_GLYPH(g)	   ((g)->ascii ? 'o' : 0x25cfu)

/* The vCPU whose clock is shown for a VM: that of the selected timer if its arms show it. */
int br_clocks_vcpu(const struct br_model *m, int vm)
{
	int row = br_model_row(m), best = -1;
	const struct br_timer *t = row < 0 ? NULL : br_model_timer(m, &m->rows[row]);
	const struct clock_stretch *worst = clock_furthest(m->clocks, m->nr_clocks, vm);

	if (worst)
		best = worst->vcpu;
	for (unsigned int i = 0; i < m->nr_clocks; i++) {
		const struct clock_stretch *s = &m->clocks[i];

		if (s->vm != vm || s->vcpu < 0)
			continue;
		if (t && t->vm == vm && t->vcpu == s->vcpu)
			return s->vcpu;
		if (best < 0)
			best = s->vcpu;
	}
	return best;
}

/* --- the band --------------------------------------------------------------------------------- */

enum br_role br_clocks_text(const struct clock_stretch *s, char *buf, size_t len)
{
	bool off = llabs(s->reference_end_ns) > CLOCKS_TOGETHER_NS;
	char size[UNIT_BUF];

	if (s->apart_ns) {
		snprintf(buf, len, "%sguest %s %s",
			 s->left == LEFT_REFERENCE ? "reference left: " : "",
			 unit_duration(size, llabs(s->apart_ns)),
			 s->apart_ns < 0 ? "behind" : "ahead");
		return BR_PAST;
	}
	if (off)
		snprintf(buf, len, "%s %s", s->vcpu < 0 ? "reference" : "both",
			 unit_signed(size, s->reference_end_ns));
	else
		snprintf(buf, len, "on the line");
	return off ? BR_CLOCK_ODD : BR_CLOCK_EVEN;
}

/* To the bare number, then to two digits of it, then to nothing: never to part of a number. */
static void shorten(const struct clock_stretch *s, char *text, int room)
{
	int64_t size = s->apart_ns ? s->apart_ns : s->reference_end_ns, digit = 1;
	int sign = size > 0;

	if ((int)strlen(text) <= room || !strpbrk(text, "0123456789") ||
	    (int)strlen(unit_signed(text, size)) <= room)
		return;
	while (llabs(size) / digit >= 100)
		digit *= 10;
	size = (size + (size < 0 ? -digit : digit) / 2) / digit * digit;
	text[0] = '+';
	if ((int)strlen(unit_edge(text + sign, size)) + sign > room)
		*text = 0;
}

static void draw_stretch(const struct br_model *m, const struct br_layout *l, struct br_grid *g,
			 int y, const struct clock_stretch *s)
{
	int from = br_model_column(m, s->from_ns), to = br_model_column(m, s->to_ns - 1) + 1;
	bool begins = from >= 0;
	int next;
	enum br_role role;
	char text[96];

	if (to <= 0 || from >= l->cols)
		return;
	from = from < 0 ? 0 : from;
	to = to > l->cols ? l->cols : to;
	role = br_clocks_text(s, text, sizeof(text));
	next = br_model_column(m, s->to_ns); /* where the next one may begin */
	shorten(s, text, (next < to ? next : to) - from - begins);
	for (int c = from; c < to; c++)
		br_put(g, l->gutter + c, y, g->ascii ? '-' : 0x2500, role);
	if (begins)
		br_put(g, l->gutter + from, y, g->ascii ? '|' : 0x251c, BR_MARK);
	br_text(g, l->gutter + from + begins, y, to - from - begins, role, text);
}

void br_draw_clocks_row(const struct br_model *m, const struct br_layout *l, struct br_grid *g,
			int vm, int y)
{
	int vcpu = br_clocks_vcpu(m, vm);

	for (unsigned int i = 0; i < m->nr_clocks; i++)
		if (m->clocks[i].vm == vm && m->clocks[i].vcpu == vcpu)
			draw_stretch(m, l, g, y, &m->clocks[i]);
}

const struct clock_stretch *br_clocks_at(const struct br_model *m, int vm, int64_t from, int64_t to)
{
	int vcpu = br_clocks_vcpu(m, vm);

	for (unsigned int i = 0; i < m->nr_clocks; i++) {
		const struct clock_stretch *s = &m->clocks[i];

		if (s->vm == vm && s->vcpu == vcpu && s->from_ns < to && s->to_ns > from)
			return s;
	}
	return NULL;
}

/* --- the plot --------------------------------------------------------------------------------- */

/* One plot: @apart: the guest's clock less the reference clock, else both off the trace clock. */
struct plot {
	int y, h;
	bool apart;
	int64_t low, high;
};

static int64_t guest_of(const struct plot *p, const struct hvst_clock_point *c)
{
	if (c->vcpu < 0)
		return HVST_UNKNOWN;
	return p->apart ? clock_apart(c) : c->guest_max_ns;
}

static int64_t reference_of(const struct plot *p, const struct hvst_clock_point *c)
{
	return p->apart || c->vcpu >= 0 ? HVST_UNKNOWN : c->reference_max_ns;
}

static void take(struct plot *p, int64_t v)
{
	if (v == HVST_UNKNOWN)
		return;
	p->low = v < p->low ? v : p->low;
	p->high = v > p->high ? v : p->high;
}

static bool shown(const struct br_model *m, const struct hvst_clock_point *c, int vm, int vcpu)
{
	return c->vm == vm && (c->vcpu < 0 || c->vcpu == vcpu) && c->to_ns > m->from &&
	       c->from_ns < br_model_end(m);
}

/* Values of the window, and zero. */
static void make_plot(const struct br_model *m, int vm, int vcpu, struct plot *p)
{
	const struct hvst_result *r = m->live.result;

	for (unsigned int i = 0; i < r->nr_points; i++) {
		const struct hvst_clock_point *c = r->points[i];

		if (!shown(m, c, vm, vcpu))
			continue;
		take(p, reference_of(p, c));
		take(p, guest_of(p, c));
	}
	if (p->high < LEAST_NS && p->low > -LEAST_NS) {
		p->high = LEAST_NS;
		p->low = -LEAST_NS;
	}
}

static int line_of(const struct plot *p, int64_t v)
{
	double share = ((double)p->high - (double)v) / ((double)p->high - (double)p->low);
	int i = (int)(share * (p->h - 1) + 0.5);

	return i < 0 ? 0 : i >= p->h ? p->h - 1 : i;
}

static void draw_values(const struct br_model *m, const struct br_layout *l, struct br_grid *g,
			const struct plot *p, const struct hvst_clock_point *c, bool guest)
{
	int64_t v = guest ? guest_of(p, c) : reference_of(p, c);
	int from = br_model_column(m, c->from_ns), to = br_model_column(m, c->to_ns - 1);
	uint32_t ch = guest ? GUEST_GLYPH(g) : REFERENCE_GLYPH(g);
	enum br_role role = guest ? BR_PAST : BR_MEDIAN;

	if (v == HVST_UNKNOWN)
		return;
	for (int x = from < 0 ? 0 : from; x <= to && x < l->cols; x++)
		br_put(g, l->gutter + x, p->y + line_of(p, v), ch, role);
}

static void draw_axis(const struct br_layout *l, struct br_grid *g, const struct plot *p)
{
	int zero = line_of(p, 0);
	char label[UNIT_BUF];

	for (int c = 0; c < l->cols; c++)
		br_put(g, l->gutter + c, p->y + zero, g->ascii ? '-' : 0x2500, BR_AXIS);
	for (int i = 0; i < p->h; i++) {
		bool end = i == 0 || i == p->h - 1;

		if (i != zero && (!end || i == zero - 1 || i == zero + 1))
			continue;
		unit_signed(label, i == zero ? 0 : i ? p->low : p->high);
		br_printf(g, 0, p->y + i, l->gutter - 1, BR_AXIS, "%*s", l->gutter - 1, label);
	}
}

/* What the plot shows, below its upper end; the characters of the lines are its legend. */
static void draw_name(const struct br_layout *l, struct br_grid *g, const struct plot *p)
{
	int y = p->y + (line_of(p, 0) == 1 || p->h < 3 ? 2 : 1);

	if (p->apart) {
		br_text(g, 1, y, l->gutter - 2, BR_DIM, "guest less host");
	} else if (l->gutter >= 16) {
		br_text(g, 1, y, l->gutter - 2, BR_DIM, "host   guest");
		br_put(g, 6, y, REFERENCE_GLYPH(g), BR_MEDIAN);
		br_put(g, 14, y, GUEST_GLYPH(g), BR_PAST);
	}
}

static void draw_plot(const struct br_model *m, const struct br_layout *l, struct br_grid *g,
		      int vm, struct plot *p)
{
	const struct hvst_result *r = m->live.result;
	int vcpu = br_clocks_vcpu(m, vm);

	make_plot(m, vm, vcpu, p);
	draw_axis(l, g, p);
	for (int guest = 0; guest < 2; guest++)
		for (unsigned int i = 0; i < r->nr_points; i++)
			if (shown(m, r->points[i], vm, vcpu))
				draw_values(m, l, g, p, r->points[i], guest);
	draw_name(l, g, p);
}

/* Is the guest's clock ever off the reference clock in the window? */
static bool apart_here(const struct br_model *m, int vm)
{
	const struct hvst_result *r = m->live.result;
	int vcpu = br_clocks_vcpu(m, vm);

	for (unsigned int i = 0; i < r->nr_points; i++) {
		int64_t d = r->points[i]->vcpu == vcpu ? clock_apart(r->points[i]) : HVST_UNKNOWN;

		if (shown(m, r->points[i], vm, vcpu) && d != HVST_UNKNOWN &&
		    llabs(d) > CLOCKS_TOGETHER_NS)
			return true;
	}
	return false;
}

void br_draw_clocks(const struct br_model *m, const struct br_layout *l, struct br_grid *g, int vm)
{
	struct plot both = { .y = l->skew.y, .h = l->skew.h };
	struct plot apart = { .y = l->skew.y, .h = l->skew.h, .apart = true };
	bool split = l->skew.h >= SPLIT_H;

	if (!m->live.result || !clock_read(m->clocks, m->nr_clocks, vm)) {
		br_text(g, 1, l->skew.y, l->skew.w - 2, BR_DIM, "the VM's clock was not read");
		return;
	}
	if (split) {
		both.h = l->skew.h / 2;
		apart.y += both.h + 1;
		apart.h -= both.h + 1;
	}
	if (split || !apart_here(m, vm))
		draw_plot(m, l, g, vm, &both);
	if (split || apart_here(m, vm))
		draw_plot(m, l, g, vm, &apart);
}
