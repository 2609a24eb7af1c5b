// SPDX-License-Identifier: GPL-2.0
/* Shapes, time axis and marks of plots. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svg_draw.h"
#include "units.h"
#include "words.h"
#include "xml.h"

#define LETTER_WIDTH 10

void svg_style(struct out *o)
{
	out_str(o,
		"svg.hvst{font:12px "
		"system-ui,sans-serif;--bg:#fff;--fg:#1b1b1b;--dim:#5c5c5c;--grid:#d8d8d8;"
		"--ahead:#2166ac;--past:#c43c10;--storm:#e31a1c;--guest:#7b3294;--host:#00694f;"
		"--life:#7a5200}"
		"@media(prefers-color-scheme:dark){svg.hvst{--bg:#16181c;--fg:#ececec;--dim:#"
		"a8a8a8;"
		"--grid:#3a3d44;--ahead:#6db3f2;--past:#ff8a5c;--storm:#ff5a5a;--guest:#d3a4ea;--"
		"host:#5fd3b0;--life:#f0b95a}}"
		".hvst text{fill:var(--fg)}.hvst .bg{fill:var(--bg)}.hvst .dim{fill:var(--dim)}"
		".hvst .title{font-weight:600;font-size:14px}.hvst "
		".grid{stroke:var(--grid);stroke-width:1}"
		".hvst polyline.past{fill:none;stroke-width:2;stroke:var(--past)}"
		".hvst "
		"polyline.ahead{fill:none;stroke-width:2;stroke:var(--ahead);stroke-dasharray:6 4}"
		".hvst .zero{stroke:var(--dim);stroke-width:1}.hvst .ahead{fill:var(--ahead)}"
		".hvst .past{fill:var(--past)}.hvst .band{fill-opacity:.38}"
		".hvst "
		".storm{fill:var(--storm);fill-opacity:.16;stroke:var(--storm);stroke-opacity:.55}"
		".hvst text.stormname{fill:var(--storm);font-weight:700}"
		".hvst .guest{stroke:var(--guest);stroke-width:1.5;stroke-dasharray:5 3}"
		".hvst .host{stroke:var(--host);stroke-width:1.5}"
		".hvst .life{stroke:var(--life);stroke-width:1.5;stroke-dasharray:1 3}"
		".hvst text.gl{fill:var(--guest);font-weight:700}.hvst "
		"text.hl{fill:var(--host);font-weight:700}.hvst "
		"text.ll{fill:var(--life);font-weight:700}"
		".hvst.fit{width:100%;max-width:1280px;height:auto}.hvst.clocks{font-size:13px}"
		".hvst.clocks .title{font-size:15px}"
		".hvst path{fill:none;stroke-linejoin:round}"
		".hvst path.refclock{stroke:var(--host);stroke-width:6;stroke-opacity:.45}"
		".hvst path.guestclock{stroke:var(--guest);stroke-width:2}"
		".hvst .refclock{fill:var(--host);fill-opacity:.45}"
		".hvst .guestclock{fill:var(--guest)}"
		".hvst path.refclock,.hvst path.guestclock{fill:none}"
		".hvst text.off{fill:var(--guest);font-weight:700}"
		"@media(max-width:640px){.hvst.clocks{font-size:20px}.hvst.clocks "
		".title{font-size:20px}.hvst.clocks path.guestclock{stroke-width:4}.hvst.clocks "
		"path.refclock{stroke-width:10}}");
}

void svg_start(struct out *o, const char *class, unsigned int height)
{
	out_printf(o,
		   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg "
		   "xmlns=\"http://www.w3.org/2000/svg\" "
		   "class=\"hvst%s\" width=\"%d\" height=\"%u\" viewBox=\"0 0 %d %u\">\n<style>",
		   class, SVG_WIDTH, height, SVG_WIDTH, height);
	svg_style(o);
	out_str(o, "</style>\n");
}

void svg_open(struct out *o, const char *class, unsigned int height, const char *title)
{
	out_printf(o,
		   "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"hvst%s\" "
		   "viewBox=\"0 0 %d %u\" width=\"%d\" height=\"%u\" role=\"img\"><title>",
		   class, SVG_WIDTH, height, SVG_WIDTH, height);
	xml_text(o, title);
	out_str(o, "</title>\n");
	svg_rect(o, 0, 0, SVG_WIDTH, height, "bg", 1);
}

void svg_text(struct out *o, double x, double y, const char *anchor, const char *class,
	      const char *text)
{
	out_printf(o, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">", x, y, anchor,
		   class);
	xml_text(o, text);
	out_str(o, "</text>\n");
}

void svg_line(struct out *o, double x1, double y1, double x2, double y2, const char *class)
{
	out_printf(o, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n", x1,
		   y1, x2, y2, class);
}

void svg_rect(struct out *o, double x, double y, double w, double h, const char *class,
	      double opacity)
{
	out_printf(o, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"%s\"", x,
		   y, w, h, class);
	if (opacity < 1)
		out_printf(o, " fill-opacity=\"%.2f\"", opacity);
	out_str(o, "/>\n");
}

void svg_swatch(struct out *o, double x, double y, const char *class, const char *text)
{
	svg_rect(o, x, y - 9, 12, 10, class, 1);
	svg_text(o, x + 18, y, "start", "", text);
}

void svg_axis_name(struct out *o, double y, const char *name)
{
	out_printf(o,
		   "<text transform=\"translate(14 %.0f) rotate(-90)\" text-anchor=\"middle\" "
		   "class=\"dim\">",
		   y);
	xml_text(o, name);
	out_str(o, "</text>\n");
}

/* --- time ------------------------------------------------------------------------------------- */

int64_t svg_nice_step(int64_t span, unsigned int most)
{
	static const int64_t steps[] = { 1, 2, 5 };
	int64_t decade = 1;
	unsigned int i = 0;

	while (steps[i] * decade < span / most + 1 && decade < INT64_MAX / 100) {
		i = (i + 1) % 3;
		decade *= i ? 1 : 10;
	}
	return steps[i] * decade;
}

double svg_x(const struct svg_span *t, int64_t ts_ns)
{
	double share = (double)(ts_ns - t->t0) / (double)(t->t1 - t->t0);

	share = share < 0 ? 0 : share > 1 ? 1 : share;
	return SVG_LEFT + share * SVG_ACROSS;
}

void svg_time_axis(struct out *o, const struct svg_span *t, double top, double bottom,
		   unsigned int most, const char *clock)
{
	int64_t step = svg_nice_step(t->t1 - t->t0, most), at;
	unsigned int decimals = step >= 1000000000  ? 0
				: step >= 100000000 ? 1
				: step >= 1000000   ? 3
						    : 6;
	char text[160], utc[UNIT_BUF];
	bool known;

	at = t->t0 - t->t0 % step;
	for (at += at < t->t0 ? step : 0; at <= t->t1 && at >= t->t0; at += step) {
		svg_line(o, svg_x(t, at), top, svg_x(t, at), bottom, "grid");
		snprintf(text, sizeof(text), "%.*f", decimals, at / 1e9);
		svg_text(o, svg_x(t, at), bottom + 16, "middle", "dim", text);
	}
	known = strcmp(unit_utc(utc, t->t0), "-");
	snprintf(text, sizeof(text), "time on the trace's clock (%.32s), s%s%s",
		 clock ? clock : "?", known ? "; on the left it is " : "", known ? utc : "");
	svg_text(o, SVG_LEFT + SVG_ACROSS / 2.0, bottom + 38, "middle", "dim", text);
}

/* --- marks ------------------------------------------------------------------------------------ */

static void mark_add(struct svg_marks *m, const struct svg_span *t, int64_t ts_ns,
		     enum svg_mark_kind kind, const char *text)
{
	struct svg_mark *one;

	if (ts_ns < t->t0 || ts_ns > t->t1)
		return;
	if (m->n == SVG_MARKS) {
		m->left_out++;
		return;
	}
	one = &m->mark[m->n++];
	one->ts_ns = ts_ns;
	one->kind = kind;
	snprintf(one->text, sizeof(one->text), "%s", text);
}

static int mark_order(const void *a, const void *b)
{
	const struct svg_mark *x = a, *y = b;

	return x->ts_ns < y->ts_ns ? -1 : x->ts_ns > y->ts_ns;
}

static void find_steps(struct svg_marks *m, const struct svg_span *t, const struct hvst_result *r,
		       int vm)
{
	char text[160], unit[UNIT_BUF];

	for (unsigned int i = 0; i < r->nr_reference; i++) {
		const struct hvst_ref_segment *g = r->reference[i];

		if (g->step_ns == HVST_UNKNOWN || !g->step_ns || !svg_same_vm(vm, g->vm))
			continue;
		snprintf(text, sizeof(text), "host: the reference clock stepped %s",
			 unit_signed(unit, g->step_ns));
		mark_add(m, t, g->from_ns, SVG_MARK_HOST, text);
	}
}

/* The first source of a guest to become known is not a change. */
static void find_changes(struct svg_marks *m, const struct svg_span *t, const struct hvst_result *r,
			 int vm, int vcpu)
{
	char text[160];

	for (unsigned int i = 0; i < r->nr_guest; i++) {
		const struct hvst_guest_transition *g = r->guest[i];

		if (g->from == HVST_SRC_UNKNOWN || !svg_same_vm(vm, g->vm) ||
		    !svg_same_vm(vcpu, g->vcpu))
			continue;
		snprintf(text, sizeof(text), "guest: %s -> %s (%s)",
			 hvst_guest_source_text(g->from, false),
			 hvst_guest_source_text(g->to, false), hvst_confidence_name(g->confidence));
		mark_add(m, t, g->ts_ns, SVG_MARK_GUEST, text);
	}
}

static void find_life(struct svg_marks *m, const struct svg_span *t, const struct hvst_result *r,
		      int vm)
{
	char text[160];

	for (unsigned int i = 0; i < r->nr_life; i++) {
		const struct hvst_life_event *e = r->life[i];

		if (!svg_same_vm(vm, e->vm))
			continue;
		snprintf(text, sizeof(text), "VM: %s", words_life(e->kind));
		mark_add(m, t, e->ts_ns, SVG_MARK_LIFE, text);
	}
}

void svg_marks_find(struct svg_marks *m, const struct svg_span *t, const struct hvst_result *r,
		    int vm, int vcpu)
{
	m->n = m->left_out = 0;
	find_steps(m, t, r, vm);
	find_changes(m, t, r, vm, vcpu);
	find_life(m, t, r, vm);
	qsort(m->mark, m->n, sizeof(*m->mark), mark_order);
}

static const char *line_class(enum svg_mark_kind k)
{
	return k == SVG_MARK_HOST ? "host" : k == SVG_MARK_GUEST ? "guest" : "life";
}

static const char *letter_class(enum svg_mark_kind k)
{
	return k == SVG_MARK_HOST ? "hl" : k == SVG_MARK_GUEST ? "gl" : "ll";
}

/* Shift letters of close lines to keep them readable. */
void svg_marks_draw(struct out *o, const struct svg_marks *m, const struct svg_span *t, double top,
		    double bottom)
{
	double free_from = 0;

	for (unsigned int i = 0; i < m->n; i++) {
		const char letter[2] = { (char)('a' + i), 0 };
		double x = svg_x(t, m->mark[i].ts_ns);

		svg_line(o, x, top - 4, x, bottom, line_class(m->mark[i].kind));
		x = x < free_from ? free_from : x;
		svg_text(o, x, top - 7, "middle", letter_class(m->mark[i].kind), letter);
		free_from = x + LETTER_WIDTH;
	}
}

unsigned int svg_marks_lines(const struct svg_marks *m)
{
	return m->n + (m->left_out ? 1 : 0);
}

void svg_marks_legend(struct out *o, const struct svg_marks *m, double x, double y,
		      unsigned int height)
{
	char text[200], time[UNIT_BUF];

	for (unsigned int i = 0; i < m->n; i++, y += height) {
		const char letter[2] = { (char)('a' + i), 0 };

		svg_text(o, x, y, "start", letter_class(m->mark[i].kind), letter);
		snprintf(text, sizeof(text), "%s s  %s", unit_time(time, m->mark[i].ts_ns),
			 m->mark[i].text);
		svg_text(o, x + height, y, "start", "", text);
	}
	if (!m->left_out)
		return;
	snprintf(text, sizeof(text), "and %u more", m->left_out);
	svg_text(o, x, y, "start", "dim", text);
}
