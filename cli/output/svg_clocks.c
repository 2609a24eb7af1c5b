// SPDX-License-Identifier: GPL-2.0
/* The picture of two clocks: both off the trace clock, and below it their distance. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "svg.h"
#include "svg_draw.h"
#include "two_clocks.h"
#include "units.h"

#define UPPER	    230 /* heights of the two plots */
#define LOWER	    130
#define GAP	    34
#define HEAD	    132 /* title, what it shows, the marks' letters */
#define LINE	    26
#define LEAST_NS    1000000 /* minimum half height of an axis: less is noise of the readings */
#define MOST_GAP    6	    /* bins without an arm across which the guest's line continues */
#define MAX_FIGURES 8
#define STORMS	    8 /* a storm this wide is named */

/* One plot of the two: a linear axis. */
struct pane {
	double top, height;
	int64_t low, high;
};

struct picture {
	struct out *o;
	const struct hvst_result *r;
	int vm;
	const struct hvst_clock_point *const *p; /* of the VM */
	unsigned int n;
	struct svg_span t;
	struct svg_marks marks;
	struct pane both, apart;
	bool guest, storms; /* there are some */
};

static double y_of(const struct pane *p, int64_t ns)
{
	double share = ((double)ns - (double)p->low) / ((double)p->high - (double)p->low);

	share = share < 0 ? 0 : share > 1 ? 1 : share;
	return p->top + (1 - share) * p->height;
}

static void take(struct pane *p, int64_t ns)
{
	if (ns == HVST_UNKNOWN)
		return;
	p->low = ns < p->low ? ns : p->low;
	p->high = ns > p->high ? ns : p->high;
}

/* Some room above and below; at least LEAST_NS to either side of the values. */
static void widen(struct pane *p)
{
	int64_t room = (p->high / 100 - p->low / 100) * 8;

	if (room < LEAST_NS / 4)
		room = LEAST_NS / 4;
	if (p->low > -LEAST_NS)
		p->low = -LEAST_NS;
	if (p->high < LEAST_NS)
		p->high = LEAST_NS;
	if (__builtin_sub_overflow(p->low, room, &p->low))
		p->low = -INT64_MAX;
	if (__builtin_add_overflow(p->high, 2 * room, &p->high)) /* the storms' numbers */
		p->high = INT64_MAX;
}

/* Up to the end of the recording, so that a part that was not read is visible. */
static void find_time(struct picture *f, const struct hvst_trace *trace)
{
	f->t = (struct svg_span){ INT64_MAX, INT64_MIN };
	for (unsigned int i = 0; i < f->n; i++) {
		f->t.t0 = f->p[i]->from_ns < f->t.t0 ? f->p[i]->from_ns : f->t.t0;
		f->t.t1 = f->p[i]->to_ns > f->t.t1 ? f->p[i]->to_ns : f->t.t1;
	}
	if (trace->first_ns != HVST_UNKNOWN && trace->last_ns > trace->first_ns)
		f->t = (struct svg_span){ trace->first_ns, trace->last_ns };
}

static bool make_picture(struct picture *f, struct out *o, const struct svg_context *ctx, int vm)
{
	unsigned int i = 0;

	*f = (struct picture){ .o = o, .r = ctx->result, .vm = vm };
	while (i < f->r->nr_points && f->r->points[i]->vm != vm)
		i++;
	f->p = i < f->r->nr_points ? &f->r->points[i] : NULL;
	for (; i < f->r->nr_points && f->r->points[i]->vm == vm; i++, f->n++) {
		const struct hvst_clock_point *p = f->r->points[i];

		take(&f->both, p->reference_max_ns);
		take(&f->both, p->guest_max_ns);
		take(&f->apart, clock_apart(p));
		f->guest |= p->vcpu >= 0;
	}
	if (!f->n)
		return false;
	find_time(f, ctx->trace);
	widen(&f->both);
	widen(&f->apart);
	f->both.top = HEAD;
	f->both.height = UPPER;
	f->apart.top = HEAD + UPPER + GAP;
	f->apart.height = LOWER;
	svg_marks_find(&f->marks, &f->t, f->r, vm, -1);
	return f->t.t1 > f->t.t0;
}

static double bottom_of(const struct picture *f)
{
	return f->guest ? f->apart.top + f->apart.height : f->both.top + f->both.height;
}

static unsigned int legend_lines(const struct picture *f)
{
	return 1 + f->guest + f->storms + svg_marks_lines(&f->marks);
}

static bool storms_in(const struct picture *f)
{
	for (unsigned int i = 0; i < f->r->nr_storms; i++)
		if (f->r->storms[i]->vm == f->vm)
			return true;
	return false;
}

static void draw_storms(const struct picture *f)
{
	double named = 0, bottom = bottom_of(f);
	char text[32];

	for (unsigned int i = 0; i < f->r->nr_storms; i++) {
		const struct hvst_storm *s = f->r->storms[i];
		double x = svg_x(&f->t, s->start_ns), w = svg_x(&f->t, s->end_ns) - x;

		if (s->vm != f->vm)
			continue;
		w = w < 2 ? 2 : w;
		svg_rect(f->o, x, f->both.top, w, bottom - f->both.top, "storm", 1);
		if (w < STORMS || x < named)
			continue;
		snprintf(text, sizeof(text), w > 120 ? "STORM %u" : "%u", i + 1);
		svg_text(f->o, x + w / 2, f->both.top + 20, "middle", "stormname", text);
		named = x + w;
	}
}

static void value_axis(const struct picture *f, const struct pane *p, const char *name)
{
	int64_t step = svg_nice_step(p->high / 2 - p->low / 2, p->height > 150 ? 3 : 2);
	int64_t v = p->low - p->low % step;
	char text[UNIT_BUF + 1], edge[UNIT_BUF];

	for (; v <= p->high; v += step) {
		double y = y_of(p, v);

		if (v < p->low)
			continue;
		svg_line(f->o, SVG_LEFT, y, SVG_LEFT + SVG_ACROSS, y, v ? "grid" : "zero");
		snprintf(text, sizeof(text), "%s%s", v > 0 ? "+" : "", unit_edge(edge, v));
		svg_text(f->o, SVG_LEFT - 6, y + 5, "end", "dim", text);
	}
	svg_text(f->o, SVG_LEFT, p->top - (p == &f->both ? 28 : 8), "start", "dim", name);
}

/* --- lines ------------------------------------------------------------------------------------ */

/* Continue from the previous point, at whose level the line stays up to here. */
static void line_to(const struct picture *f, const struct pane *pane,
		    const struct hvst_clock_point *p, int64_t v, bool first)
{
	double x = svg_x(&f->t, p->from_ns), y = y_of(pane, v);

	if (first)
		out_printf(f->o, "M%.1f %.1f", x, y);
	else
		out_printf(f->o, "H%.1fV%.1f", x, y);
	out_printf(f->o, "H%.1f", svg_x(&f->t, p->to_ns));
}

static void draw_reference(const struct picture *f)
{
	bool first = true;

	out_str(f->o, "<path class=\"refclock\" d=\"");
	for (unsigned int i = 0; i < f->n; i++)
		if (f->p[i]->vcpu < 0 && f->p[i]->reference_max_ns != HVST_UNKNOWN) {
			line_to(f, &f->both, f->p[i], f->p[i]->reference_max_ns, first);
			first = false;
		}
	out_str(f->o, "\"/>\n");
}

/* Does the line continue from @before to @p? Not where the values in between are not known. */
static bool joins(const struct hvst_clock_point *before, int64_t from,
		  const struct hvst_clock_point *p, int64_t to)
{
	int64_t gap;

	if (!before || before->vcpu != p->vcpu)
		return false;
	gap = p->from_ns - before->to_ns;
	return gap <= 0 ||
	       (gap / MOST_GAP <= p->to_ns - p->from_ns && llabs(to - from) <= CLOCKS_TOGETHER_NS);
}

/* The guest's lines, one a vCPU; broken where no arm shows its clock for long. */
static void draw_guest(const struct picture *f, const struct pane *pane, bool apart)
{
	const struct hvst_clock_point *before = NULL;
	int64_t last = 0;

	out_str(f->o, "<path class=\"guestclock\" d=\"");
	for (unsigned int i = 0; i < f->n; i++) {
		const struct hvst_clock_point *p = f->p[i];
		int64_t v = apart ? clock_apart(p) : p->guest_max_ns;

		if (p->vcpu < 0 || v == HVST_UNKNOWN)
			continue;
		line_to(f, pane, p, v, !joins(before, last, p, v));
		before = p;
		last = v;
	}
	out_str(f->o, "\"/>\n");
}

/* Names the stretch in which the clocks are furthest apart, beside it. */
static void draw_furthest(const struct picture *f)
{
	unsigned int n;
	struct clock_stretch *list = clock_stretches(f->r, &n);
	const struct clock_stretch *s = list ? clock_furthest(list, n, f->vm) : NULL;
	char text[UNIT_BUF + 32], size[UNIT_BUF];

	if (s) {
		double left = svg_x(&f->t, s->from_ns), right = svg_x(&f->t, s->to_ns);
		double y = y_of(&f->apart, s->apart_ns);

		snprintf(text, sizeof(text), "vCPU %d: %s %s", s->vcpu,
			 unit_duration(size, llabs(s->apart_ns)),
			 s->apart_ns < 0 ? "behind" : "ahead");
		y += s->apart_ns < 0 ? -2 : 12;
		if (left - SVG_LEFT > SVG_LEFT + SVG_ACROSS - right)
			svg_text(f->o, left - 10, y, "end", "off", text);
		else
			svg_text(f->o, right + 10, y, "start", "off", text);
	}
	free(list);
}

static void legend_line(const struct picture *f, double y, const char *class, const char *text)
{
	svg_rect(f->o, 16, y - 11, 26, 10, class, 1);
	svg_text(f->o, 52, y, "start", "", text);
}

static void draw_legend(const struct picture *f, double y)
{
	legend_line(f, y, "refclock", "reference clock: what the host's time_now reads");
	if (f->guest)
		legend_line(f, y += LINE, "guestclock",
			    "guest's clock, where the counts of its timers show it");
	if (f->storms)
		legend_line(f, y += LINE, "storm", "timer storm");
	svg_marks_legend(f->o, &f->marks, 16, y + LINE, LINE);
}

void svg_clocks(struct out *o, const struct svg_context *ctx, int vm)
{
	struct picture f;
	char title[128], text[192];
	unsigned int height;

	if (!make_picture(&f, o, ctx, vm))
		return;
	f.storms = storms_in(&f);
	height = (unsigned int)bottom_of(&f) + 62 + legend_lines(&f) * LINE;
	snprintf(title, sizeof(title), "VM %d: reference clock and guest's clock", vm);
	svg_open(o, " clocks", height, title);
	svg_text(o, 16, 24, "start", "title", title);
	svg_text(o, 16, 50, "start", "", clock_summary(text, sizeof(text), f.r, vm));
	svg_text(o, 16, 76, "start", "", clock_summary_reference(text, sizeof(text), f.r, vm));
	draw_storms(&f);
	svg_time_axis(o, &f.t, f.both.top, bottom_of(&f), 6, ctx->trace->clock);
	value_axis(&f, &f.both, "off the trace clock");
	draw_reference(&f);
	if (f.guest) {
		value_axis(&f, &f.apart, "guest's clock less reference clock");
		draw_guest(&f, &f.both, false);
		draw_guest(&f, &f.apart, true);
		draw_furthest(&f);
	}
	svg_marks_draw(o, &f.marks, &f.t, f.both.top, bottom_of(&f));
	draw_legend(&f, bottom_of(&f) + 62 + 6);
	out_str(o, "</svg>\n");
}

void svg_clocks_document(struct out *o, const struct svg_context *ctx)
{
	const struct hvst_result *r = ctx->result;
	struct out body, part;
	unsigned int height = 0, n = 0;

	out_open_memory(&body);
	out_open_memory(&part);
	for (unsigned int i = 0; i < r->nr_vms && n < MAX_FIGURES; i++) {
		svg_clocks(&part, ctx, r->vms[i]->vm);
		n += svg_stack(&body, &part, &height);
	}
	svg_start(o, " clocks fit", height ? height : 40);
	if (!height)
		svg_text(o, 10, 25, "start", "title", "nothing to draw: no reading of the clock");
	if (body.len)
		out_mem(o, body.buf, body.len);
	out_str(o, "</svg>\n");
	o->err = o->err ? o->err : body.err ? body.err : part.err;
	out_discard(&body);
	out_discard(&part);
}
