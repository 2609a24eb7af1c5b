// SPDX-License-Identifier: GPL-2.0
/* Plots of skew, latency and comparisons. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../array.h"
#include "comparison.h"
#include "histogram.h"
#include "svg.h"
#include "svg_draw.h"
#include "units.h"
#include "words.h"
#include "xml.h"

#define PLOT_HEIGHT 240
#define LEGEND_LINE 17
#define KNEE_NS	    1000.0 /* below this the scale of values is linear, above it logarithmic */

struct frame {
	struct out *o;
	bool skew;     /* else a latency: lateness by itself is no fault */
	bool storms;   /* there are some in it */
	uint32_t most; /* heat map: values in the fullest cell; 0: no heat map */
	struct svg_span t;
	double v0, v1; /* scaled value, bottom and top */
	struct svg_marks marks;
};

/* --- scales ----------------------------------------------------------------------------------- */

/* Linear near zero, logarithmic beyond, signed. */
static double scaled(int64_t ns)
{
	double v = log10(1 + fabs((double)ns) / KNEE_NS);

	return ns < 0 ? -v : v;
}

static double y_of(const struct frame *f, int64_t ns)
{
	double share = (scaled(ns) - f->v0) / (f->v1 - f->v0);

	share = share < 0 ? 0 : share > 1 ? 1 : share;
	return SVG_TOP + (1 - share) * PLOT_HEIGHT;
}

/* --- pieces ----------------------------------------------------------------------------------- */

static unsigned int legend_lines(const struct frame *f)
{
	return 1 + svg_marks_lines(&f->marks);
}

static unsigned int frame_height(unsigned int legend)
{
	return SVG_TOP + PLOT_HEIGHT + SVG_BOTTOM + legend * LEGEND_LINE + 6;
}

static void open_plot(struct out *o, unsigned int height, const char *title)
{
	svg_open(o, "", height, title);
	svg_text(o, SVG_LEFT, 20, "start", "title", title);
}

static void value_tick(const struct frame *f, int64_t v, double *last)
{
	char text[UNIT_BUF + 1], edge[UNIT_BUF];
	double y = y_of(f, v);

	if (scaled(v) < f->v0 || scaled(v) > f->v1)
		return;
	svg_line(f->o, SVG_LEFT, y, SVG_LEFT + SVG_ACROSS, y, v ? "grid" : "zero");
	if (v && fabs(y - *last) < 14)
		return;
	*last = y;
	if (v > 0)
		snprintf(text, sizeof(text), "+%s", unit_edge(edge, v));
	else
		unit_edge(text, v);
	svg_text(f->o, SVG_LEFT - 6, y + 4, "end", "dim", text);
}

static void value_axis(const struct frame *f, const char *name)
{
	double last = y_of(f, 0);
	int64_t v;

	value_tick(f, 0, &last);
	for (v = 1000; v <= 1000000000000; v *= 10)
		value_tick(f, v, &last);
	last = y_of(f, 0);
	for (v = 1000; v <= 1000000000000; v *= 10)
		value_tick(f, -v, &last);
	svg_axis_name(f->o, SVG_TOP + PLOT_HEIGHT / 2.0, name);
}

/* --- storms and clock changes ----------------------------------------------------------------- */

static void draw_storms(struct frame *f, const struct hvst_result *r, const struct series *s)
{
	char text[32];
	unsigned int i;

	for (i = 0; i < r->nr_storms; i++) {
		const struct hvst_storm *m = r->storms[i];
		double x = svg_x(&f->t, m->start_ns), w = svg_x(&f->t, m->end_ns) - x;

		if (!svg_same_vm(s->vm, m->vm) || (s->vcpu >= 0 && m->vcpu != s->vcpu) ||
		    (s->timer >= 0 && m->timer != s->timer) || m->end_ns < f->t.t0 ||
		    m->start_ns > f->t.t1)
			continue;
		f->storms = true;
		svg_rect(f->o, x, SVG_TOP, w < 2 ? 2 : w, PLOT_HEIGHT, "storm", 1);
		snprintf(text, sizeof(text), w > 60 ? "STORM %u" : "%u", i + 1);
		svg_text(f->o, x + w / 2, SVG_TOP + 14, "middle", "stormname", text);
	}
}

/* How dark a cell of a heat map is: in proportion to the logarithm of its count. */
static double shade(const struct frame *f, uint32_t count)
{
	return 0.2 + 0.79 * log1p(count) / log1p(f->most);
}

/* What the shades of a heat map stand for. */
static void draw_shades(const struct frame *f, double x, double y)
{
	uint32_t counts[] = { 1, (uint32_t)(sqrt(f->most) + 0.5), f->most };
	char text[UNIT_BUF];
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(counts); i++) {
		if (i && counts[i] == counts[i - 1])
			continue;
		svg_rect(f->o, x, y - 9, 12, 10, "ahead", shade(f, counts[i]));
		svg_text(f->o, x + 18, y, "start", "", unit_count(text, counts[i]));
		x += 80;
	}
	svg_text(f->o, x, y, "start", "dim", "in a cell; the line is zero");
}

static void draw_legend(const struct frame *f, const struct series *s, const char *note)
{
	double x = SVG_LEFT, y = SVG_TOP + PLOT_HEIGHT + SVG_BOTTOM + 12;

	svg_swatch(f->o, x, y, "ahead", f->skew ? "armed ahead" : metric_label(s->metric));
	x += 130;
	if (f->skew && hvst_sketch_max(s->sketch) >= 0) {
		svg_swatch(f->o, x, y, "past", "armed past due");
		x += 140;
	}
	if (f->storms) {
		svg_swatch(f->o, x, y, "storm", "storm");
		x += 90;
	}
	if (f->most)
		draw_shades(f, x, y);
	else
		svg_text(f->o, x, y, "start", "dim", note);
	svg_marks_legend(f->o, &f->marks, SVG_LEFT, y + LEGEND_LINE, LEGEND_LINE);
}

/* --- frames ----------------------------------------------------------------------------------- */

/* All plots of one document show the same time. */
static unsigned int columns_used(const struct collect *c)
{
	unsigned int i, k, used = 0;

	for (i = 0; i < c->nr_series; i++)
		for (k = used; c->series[i].columns && k < PLOT_COLUMNS; k++)
			used = c->series[i].columns[k].count ? k + 1 : used;
	return used;
}

static bool make_frame(struct frame *f, struct out *o, const struct svg_context *ctx,
		       const struct series *s)
{
	int64_t lo = hvst_sketch_min(s->sketch), hi = hvst_sketch_max(s->sketch);
	unsigned int used = columns_used(ctx->c);

	memset(f, 0, sizeof(*f));
	if (!used || !s->columns)
		return false;
	f->o = o;
	f->skew = s->metric == METRIC_SKEW;
	f->t.t0 = ctx->c->origin_ns;
	f->t.t1 = f->t.t0 + (int64_t)used * ctx->c->column_ns;
	if (ctx->trace->last_ns != HVST_UNKNOWN && ctx->trace->last_ns > f->t.t0)
		f->t.t1 = ctx->trace->last_ns; /* of all plots, whatever their values */
	f->v0 = fmin(scaled(lo), 0) - 0.15;
	f->v1 = fmax(scaled(hi), 0);
	f->v1 += 0.1 * (f->v1 - f->v0); /* room for the storms' names */
	svg_marks_find(&f->marks, &f->t, ctx->result, s->vm, s->vcpu);
	return true;
}

static void begin_frame(struct frame *f, const struct svg_context *ctx, const struct series *s,
			const char *what)
{
	char title[160], name[96];

	snprintf(title, sizeof(title), "%s%s", series_title(name, sizeof(name), s), what);
	open_plot(f->o, frame_height(legend_lines(f)), title);
	svg_time_axis(f->o, &f->t, SVG_TOP, SVG_TOP + PLOT_HEIGHT, 8, ctx->trace->clock);
	value_axis(f, metric_label(s->metric));
	draw_storms(f, ctx->result, s);
}

static void end_frame(const struct frame *f, const struct series *s, const char *note)
{
	svg_marks_draw(f->o, &f->marks, &f->t, SVG_TOP, SVG_TOP + PLOT_HEIGHT);
	draw_legend(f, s, note);
	out_str(f->o, "</svg>\n");
}

/* Past due begins at 0; of a latency everything from 0 on is late. */
static bool is_past(const struct edges *e, unsigned int b)
{
	return b > 0 && e->at[b - 1] >= 0;
}

/* The buckets of one side of a column: count, and which holds the middle one. */
static uint32_t side_count(const struct edges *e, const struct plot_column *col, bool past,
			   unsigned int *middle)
{
	uint32_t n = 0, seen = 0;
	unsigned int b;

	for (b = 0; b <= e->n; b++)
		n += is_past(e, b) == past ? col->buckets[b] : 0;
	for (b = 0; n && b <= e->n; b++) {
		seen += is_past(e, b) == past ? col->buckets[b] : 0;
		if (seen * 2ULL >= n)
			break;
	}
	*middle = b;
	return n;
}

static int64_t bucket_low(const struct edges *e, unsigned int b)
{
	return b ? e->at[b - 1] : e->at[0];
}

static int64_t bucket_high(const struct edges *e, unsigned int b)
{
	return b < e->n ? e->at[b] : e->at[e->n - 1];
}

/* The extremes of one side, exact where they are the column's own, else to the bucket. */
static void side_range(const struct edges *e, const struct plot_column *col, bool past, int64_t *lo,
		       int64_t *hi)
{
	unsigned int b, first = e->n + 1, last = 0;

	for (b = 0; b <= e->n; b++) {
		if (!col->buckets[b] || is_past(e, b) != past)
			continue;
		first = first > e->n ? b : first;
		last = b;
	}
	*lo = bucket_low(e, first) < col->min ? col->min : bucket_low(e, first);
	*hi = bucket_high(e, last) > col->max ? col->max : bucket_high(e, last);
}

static void draw_side(const struct frame *f, const struct edges *e, const struct plot_column *col,
		      double x, double w, bool past)
{
	unsigned int middle;
	int64_t lo, hi, mid;
	double y1, y0;

	if (!side_count(e, col, past, &middle))
		return;
	side_range(e, col, past, &lo, &hi);
	y0 = y_of(f, hi);
	y1 = y_of(f, lo);
	svg_rect(f->o, x, y0, w, y1 - y0 < 1.5 ? 1.5 : y1 - y0,
		 past && f->skew ? "past band" : "ahead band", 1);
	mid = bucket_low(e, middle) / 2 + bucket_high(e, middle) / 2;
	mid = mid < lo ? lo : mid > hi ? hi : mid;
	svg_rect(f->o, x, y_of(f, mid) - 1.2, w, 2.4, past && f->skew ? "past" : "ahead", 1);
}

void svg_timeline(struct out *o, const struct svg_context *ctx, const struct series *s)
{
	struct frame f;
	unsigned int i;

	if (!make_frame(&f, o, ctx, s))
		return;
	begin_frame(&f, ctx, s, " over time");
	for (i = 0; i < PLOT_COLUMNS; i++) {
		int64_t t = f.t.t0 + (int64_t)i * ctx->c->column_ns;
		double x = svg_x(&f.t, t), w = svg_x(&f.t, t + ctx->c->column_ns) - x;

		if (!s->columns[i].count)
			continue;
		w = w < 1.5 ? 1.5 : w;
		draw_side(&f, &ctx->c->plot_edges, &s->columns[i], x, w, false);
		draw_side(&f, &ctx->c->plot_edges, &s->columns[i], x, w, true);
	}
	end_frame(&f, s, "bars: least to most in each column; ticks: the middle");
}

static uint32_t densest(const struct edges *e, const struct series *s)
{
	unsigned int i, b;
	uint32_t most = 1;

	for (i = 0; i < PLOT_COLUMNS; i++)
		for (b = 0; s->columns[i].count && b <= e->n; b++)
			most = s->columns[i].buckets[b] > most ? s->columns[i].buckets[b] : most;
	return most;
}

static void heat_column(const struct frame *f, const struct edges *e, const struct plot_column *col,
			double x, double w)
{
	unsigned int b;

	for (b = 0; b <= e->n; b++) {
		double top = y_of(f, bucket_high(e, b)), bottom = y_of(f, bucket_low(e, b));

		if (!col->buckets[b])
			continue;
		svg_rect(f->o, x, top, w, bottom - top < 1.5 ? 1.5 : bottom - top,
			 is_past(e, b) && f->skew ? "past" : "ahead", shade(f, col->buckets[b]));
	}
}

void svg_heatmap(struct out *o, const struct svg_context *ctx, const struct series *s)
{
	struct frame f;
	unsigned int i;

	if (!make_frame(&f, o, ctx, s))
		return;
	f.most = densest(&ctx->c->plot_edges, s);
	begin_frame(&f, ctx, s, ", how many over time");
	for (i = 0; i < PLOT_COLUMNS; i++) {
		int64_t t = f.t.t0 + (int64_t)i * ctx->c->column_ns;
		double x = svg_x(&f.t, t), w = svg_x(&f.t, t + ctx->c->column_ns) - x;

		if (s->columns[i].count)
			heat_column(&f, &ctx->c->plot_edges, &s->columns[i], x, w < 1 ? 1 : w);
	}
	svg_line(f.o, SVG_LEFT, y_of(&f, 0), SVG_LEFT + SVG_ACROSS, y_of(&f, 0), "zero");
	end_frame(&f, s, NULL);
}

/* --- histogram -------------------------------------------------------------------------------- */

static void count_axis(struct out *o, uint64_t most)
{
	int64_t step = svg_nice_step(most, 5), v;
	char text[UNIT_BUF];

	for (v = 0; v <= (int64_t)most; v += step) {
		double y = SVG_TOP + PLOT_HEIGHT * (1 - (double)v / most);

		svg_line(o, SVG_LEFT, y, SVG_LEFT + SVG_ACROSS, y, v ? "grid" : "zero");
		svg_text(o, SVG_LEFT - 6, y + 4, "end", "dim", unit_count(text, v));
	}
	svg_axis_name(o, SVG_TOP + PLOT_HEIGHT / 2.0, "count");
}

static void bar(struct out *o, uint64_t count, uint64_t most, double x, double w, bool past)
{
	double h = PLOT_HEIGHT * ((double)count / most);

	if (!count)
		return;
	h = h < 1.5 ? 1.5 : h;
	svg_rect(o, x + w * 0.06, SVG_TOP + PLOT_HEIGHT - h, w * 0.88, h, past ? "past" : "ahead",
		 1);
}

void svg_histogram(struct out *o, const struct svg_context *ctx, const struct series *s)
{
	const struct edges *e = &ctx->c->edges;
	unsigned int b, first = e->n + 1, last = 0, each;
	char title[160], name[96], text[UNIT_BUF];
	uint64_t most = 0;
	double w;

	for (b = 0; b <= e->n; b++) {
		if (!s->buckets[b])
			continue;
		first = first > e->n ? b : first;
		last = b;
		most = s->buckets[b] > most ? s->buckets[b] : most;
	}
	if (!most)
		return;
	snprintf(title, sizeof(title), "%s, histogram", series_title(name, sizeof(name), s));
	open_plot(o, frame_height(0), title);
	count_axis(o, most);
	w = (double)SVG_ACROSS / (last - first + 1);
	each = 1 + (unsigned int)(62 / w);
	for (b = first; b <= last; b++) {
		double x = SVG_LEFT + (b - first) * w;

		bar(o, s->buckets[b], most, x, w, s->metric == METRIC_SKEW && is_past(e, b));
		if (b <= e->n && b > 0 && (b - first) % each == 0)
			svg_text(o, x, SVG_TOP + PLOT_HEIGHT + 16, "middle", "dim",
				 unit_edge(text, e->at[b - 1]));
	}
	svg_text(o, SVG_LEFT + SVG_ACROSS / 2.0, SVG_TOP + PLOT_HEIGHT + 34, "middle", "dim",
		 s->metric == METRIC_SKEW
			 ? "lower edge of the bucket; negative: ahead, positive: past due"
			 : "lower edge of the bucket");
	out_str(o, "</svg>\n");
}

/* --- a document ------------------------------------------------------------------------------- */

bool svg_stack(struct out *o, struct out *part, unsigned int *height)
{
	char *box;
	unsigned int w, h;

	if (!part->len)
		return false;
	out_char(part, 0); /* terminate the string temporarily */
	if (part->err)
		return false;
	part->len--;
	box = strstr(part->buf, "viewBox=\"0 0 ");
	if (!box || sscanf(box, "viewBox=\"0 0 %u %u", &w, &h) != 2)
		return false;
	out_printf(o, "<g transform=\"translate(0 %u)\">\n", *height);
	out_mem(o, part->buf, part->len);
	out_str(o, "</g>\n");
	*height += h;
	part->len = 0;
	return true;
}

/* The document of the plots in @body; frees both. */
static void finish_document(struct out *o, struct out *body, struct out *part, unsigned int height)
{
	svg_start(o, "", height ? height : 40);
	if (!height)
		svg_text(o, 10, 25, "start", "title", "nothing to draw");
	if (body->len)
		out_mem(o, body->buf, body->len);
	out_str(o, "</svg>\n");
	o->err = o->err ? o->err : body->err ? body->err : part->err;
	out_discard(body);
	out_discard(part);
}

void svg_document(struct out *o, const struct svg_context *ctx, bool heatmap, unsigned int most)
{
	struct out body, part;
	unsigned int i, height = 0;

	out_open_memory(&body);
	out_open_memory(&part);
	for (i = 0; i < ctx->c->nr_series && i < most; i++) {
		svg_timeline(&part, ctx, &ctx->c->series[i]);
		svg_stack(&body, &part, &height);
		if (heatmap)
			svg_heatmap(&part, ctx, &ctx->c->series[i]);
		svg_stack(&body, &part, &height);
		svg_histogram(&part, ctx, &ctx->c->series[i]);
		svg_stack(&body, &part, &height);
	}
	finish_document(o, &body, &part, height);
}

/* --- a sweep ---------------------------------------------------------------------------------- */

static double sweep_x(const struct simulation_view *v, unsigned int i)
{
	return SVG_LEFT + (double)i * SVG_ACROSS / (v->sim->nr_policies - 1);
}

static void sweep_curve(struct out *o, const struct simulation_view *v, bool outside,
			const char *class)
{
	out_printf(o, "<polyline class=\"%s\" points=\"", class);
	for (unsigned int i = 0; i < v->sim->nr_policies; i++) {
		const struct sim_total *t = &v->totals[i];
		uint64_t n = outside ? t->delayed_out : t->delayed_in;
		uint64_t of = outside ? t->outside : t->in_storms;

		out_printf(o, "%.1f,%.1f ", sweep_x(v, i),
			   SVG_TOP + (of ? 1 - (double)n / (double)of : 1) * PLOT_HEIGHT);
	}
	out_str(o, "\"/>\n");
}

static void sweep_axes(struct out *o, const struct simulation_view *v)
{
	unsigned int last = v->sim->nr_policies - 1, step = (unsigned int)svg_nice_step(last, 12);
	char text[96];

	for (unsigned int percent = 0; percent <= 100; percent += 20) {
		double y = SVG_TOP + (1 - percent / 100.0) * PLOT_HEIGHT;

		svg_line(o, SVG_LEFT, y, SVG_LEFT + SVG_ACROSS, y, percent ? "grid" : "zero");
		snprintf(text, sizeof(text), "%u %%", percent);
		svg_text(o, SVG_LEFT - 6, y + 4, "end", "dim", text);
	}
	for (unsigned int i = 0; i <= last; i += step) {
		svg_line(o, sweep_x(v, i), SVG_TOP, sweep_x(v, i), SVG_TOP + PLOT_HEIGHT, "grid");
		snprintf(text, sizeof(text), "%u", v->sweep->from + i);
		svg_text(o, sweep_x(v, i), SVG_TOP + PLOT_HEIGHT + 16, "middle", "dim", text);
	}
	snprintf(text, sizeof(text), "%s=", policy_sweep_name(v->sweep));
	svg_text(o, SVG_LEFT + SVG_ACROSS / 2.0, SVG_TOP + PLOT_HEIGHT + 34, "middle", "dim", text);
}

void svg_sweep(struct out *o, const struct simulation_view *v)
{
	double y = SVG_TOP + PLOT_HEIGHT + SVG_BOTTOM + 12;
	char title[160], n[UNIT_BUF], text[96];

	svg_start(o, "", frame_height(1));
	snprintf(title, sizeof(title), "Past-due arms delayed, %s to %u", v->sim->policies[0].name,
		 v->sweep->to);
	open_plot(o, frame_height(1), title);
	sweep_axes(o, v);
	sweep_curve(o, v, false, "past");
	sweep_curve(o, v, true, "ahead");
	snprintf(text, sizeof(text), "of %s in storms", unit_count(n, v->totals[0].in_storms));
	svg_swatch(o, SVG_LEFT, y, "past", text);
	snprintf(text, sizeof(text), "of %s outside", unit_count(n, v->totals[0].outside));
	svg_swatch(o, SVG_LEFT + 240, y, "ahead", text);
	out_str(o, "</svg>\n</svg>\n");
}

/* --- a comparison ----------------------------------------------------------------------------- */

/* A as filled steps, B as a line over them. */
static void overlay_bars(struct out *o, const struct overlay *l, double w)
{
	for (unsigned int b = l->first; b <= l->last; b++) {
		double h = PLOT_HEIGHT * l->share[0][b] / l->most;

		if (h > 0)
			svg_rect(o, SVG_LEFT + (b - l->first) * w, SVG_TOP + PLOT_HEIGHT - h, w, h,
				 "ahead band", 1);
	}
	out_str(o, "<polyline class=\"past\" points=\"");
	for (unsigned int b = l->first; b <= l->last; b++) {
		double x = SVG_LEFT + (b - l->first) * w;
		double y = SVG_TOP + PLOT_HEIGHT * (1 - l->share[1][b] / l->most);

		out_printf(o, "%.1f,%.1f %.1f,%.1f ", x, y, x + w, y);
	}
	out_str(o, "\"/>\n");
}

static void overlay_axes(struct out *o, const struct overlay *l, double w)
{
	unsigned int each = 1 + (unsigned int)(62 / w);
	char text[UNIT_BUF];

	for (unsigned int i = 0; i <= 4; i++) {
		double y = SVG_TOP + PLOT_HEIGHT * (1 - i / 4.0);

		svg_line(o, SVG_LEFT, y, SVG_LEFT + SVG_ACROSS, y, i ? "grid" : "zero");
		snprintf(text, sizeof(text), "%.3g %%", l->most * i * 25);
		svg_text(o, SVG_LEFT - 6, y + 4, "end", "dim", text);
	}
	for (unsigned int b = l->first; b <= l->last; b++)
		if (b && (b - l->first) % each == 0)
			svg_text(o, SVG_LEFT + (b - l->first) * w, SVG_TOP + PLOT_HEIGHT + 16,
				 "middle", "dim", unit_edge(text, l->edges.at[b - 1]));
	svg_text(o, SVG_LEFT + SVG_ACROSS / 2.0, SVG_TOP + PLOT_HEIGHT + 34, "middle", "dim",
		 "lower edge of the bucket");
}

void svg_overlay(struct out *o, const struct shape_difference *s)
{
	double y = SVG_TOP + PLOT_HEIGHT + SVG_BOTTOM + 12, w;
	struct overlay *l = malloc(sizeof(*l));
	char title[256];

	if (!l) {
		o->err = o->err ? o->err : ENOMEM;
		return;
	}
	overlay_make(l, s);
	w = (double)SVG_ACROSS / (l->last - l->first + 1);
	shape_title(title, sizeof(title), s);
	open_plot(o, frame_height(1), title);
	overlay_axes(o, l, w);
	overlay_bars(o, l, w);
	svg_swatch(o, SVG_LEFT, y, "ahead band", "A, share of its values");
	svg_swatch(o, SVG_LEFT + 240, y, "past", "B");
	out_str(o, "</svg>\n");
	free(l);
}

void svg_overlays(struct out *o, const struct differences *d, unsigned int most)
{
	struct out body, part;
	unsigned int height = 0;

	out_open_memory(&body);
	out_open_memory(&part);
	for (unsigned int i = 0; i < d->nr_shapes && i < most; i++) {
		svg_overlay(&part, &d->shapes[i]);
		svg_stack(&body, &part, &height);
	}
	finish_document(o, &body, &part, height);
}
