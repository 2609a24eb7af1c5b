// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "histogram.h"
#include "svg.h"
#include "units.h"
#include "words.h"
#include "xml.h"

#define LEFT	     96 /* margins of a plot */
#define RIGHT	     16
#define TOP	     46
#define BOTTOM	     46
#define PLOT_WIDTH   (SVG_WIDTH - LEFT - RIGHT)
#define PLOT_HEIGHT  240
#define LEGEND_LINE  17
#define MAX_MARKS    26 /* a to z */
#define LETTER_WIDTH 10
#define KNEE_NS	     1000.0 /* below this the scale of values is linear, above it logarithmic */

/* A change of a clock, drawn as a line with a letter. */
struct mark {
	int64_t ts_ns;
	bool host;
	char text[160];
};

struct frame {
	struct out *o;
	bool skew;	/* else a latency: late as such is nothing bad */
	bool storms;	/* there are some in it */
	uint32_t most;	/* heat map: values in the fullest cell; 0: no heat map */
	int64_t t0, t1; /* time across */
	double v0, v1;	/* scaled value, bottom and top */
	struct mark marks[MAX_MARKS];
	unsigned int nr_marks, left_out;
};

void svg_style(struct out *o)
{
	out_str(o,
		"svg.hvst{font:12px "
		"system-ui,sans-serif;--bg:#fff;--fg:#1b1b1b;--dim:#5c5c5c;--grid:#d8d8d8;"
		"--ahead:#2166ac;--past:#c43c10;--storm:#e31a1c;--guest:#7b3294;--host:#00694f}"
		"@media(prefers-color-scheme:dark){svg.hvst{--bg:#16181c;--fg:#ececec;--dim:#"
		"a8a8a8;"
		"--grid:#3a3d44;--ahead:#6db3f2;--past:#ff8a5c;--storm:#ff5a5a;--guest:#d3a4ea;--"
		"host:#5fd3b0}}"
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
		".hvst text.gl{fill:var(--guest);font-weight:700}.hvst "
		"text.hl{fill:var(--host);font-weight:700}");
}

/* --- scales ----------------------------------------------------------------------------------- */

/* Linear near zero, logarithmic beyond, signed. */
static double scaled(int64_t ns)
{
	double v = log10(1 + fabs((double)ns) / KNEE_NS);

	return ns < 0 ? -v : v;
}

static double x_of(const struct frame *f, int64_t ts_ns)
{
	double share = (double)(ts_ns - f->t0) / (double)(f->t1 - f->t0);

	share = share < 0 ? 0 : share > 1 ? 1 : share;
	return LEFT + share * PLOT_WIDTH;
}

static double y_of(const struct frame *f, int64_t ns)
{
	double share = (scaled(ns) - f->v0) / (f->v1 - f->v0);

	share = share < 0 ? 0 : share > 1 ? 1 : share;
	return TOP + (1 - share) * PLOT_HEIGHT;
}

/* The nearest of 1, 2, 5, 10, ... that makes at most @most steps of @span. */
static int64_t nice_step(int64_t span, unsigned int most)
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

/* --- pieces ----------------------------------------------------------------------------------- */

static void text_at(struct out *o, double x, double y, const char *anchor, const char *class,
		    const char *text)
{
	out_printf(o, "<text x=\"%.1f\" y=\"%.1f\" text-anchor=\"%s\" class=\"%s\">", x, y, anchor,
		   class);
	xml_text(o, text);
	out_str(o, "</text>\n");
}

static void line(struct out *o, double x1, double y1, double x2, double y2, const char *class)
{
	out_printf(o, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n", x1,
		   y1, x2, y2, class);
}

static void rect(struct out *o, double x, double y, double w, double h, const char *class,
		 double opacity)
{
	out_printf(o, "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" class=\"%s\"", x,
		   y, w, h, class);
	if (opacity < 1)
		out_printf(o, " fill-opacity=\"%.2f\"", opacity);
	out_str(o, "/>\n");
}

static unsigned int legend_lines(const struct frame *f)
{
	return 1 + f->nr_marks + (f->left_out ? 1 : 0);
}

static unsigned int frame_height(unsigned int legend)
{
	return TOP + PLOT_HEIGHT + BOTTOM + legend * LEGEND_LINE + 6;
}

static void open_svg(struct out *o, unsigned int height, const char *title)
{
	out_printf(o,
		   "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"hvst\" viewBox=\"0 0 %d %u\" "
		   "width=\"%d\" "
		   "height=\"%u\" role=\"img\"><title>",
		   SVG_WIDTH, height, SVG_WIDTH, height);
	xml_text(o, title);
	out_str(o, "</title>\n");
	rect(o, 0, 0, SVG_WIDTH, height, "bg", 1);
	text_at(o, LEFT, 20, "start", "title", title);
}

static void time_axis(const struct frame *f, const char *clock)
{
	int64_t step = nice_step(f->t1 - f->t0, 8), t;
	unsigned int decimals = step >= 1000000000  ? 0
				: step >= 100000000 ? 1
				: step >= 1000000   ? 3
						    : 6;
	char text[160], utc[UNIT_BUF];
	bool known;

	t = f->t0 - f->t0 % step;
	for (t += t < f->t0 ? step : 0; t <= f->t1 && t >= f->t0; t += step) {
		line(f->o, x_of(f, t), TOP, x_of(f, t), TOP + PLOT_HEIGHT, "grid");
		snprintf(text, sizeof(text), "%.*f", decimals, t / 1e9);
		text_at(f->o, x_of(f, t), TOP + PLOT_HEIGHT + 16, "middle", "dim", text);
	}
	known = strcmp(unit_utc(utc, f->t0), "-");
	snprintf(text, sizeof(text), "time on the trace's clock (%.32s), s%s%s",
		 clock ? clock : "?", known ? "; on the left it is " : "", known ? utc : "");
	text_at(f->o, LEFT + PLOT_WIDTH / 2.0, TOP + PLOT_HEIGHT + 34, "middle", "dim", text);
}

static void value_tick(const struct frame *f, int64_t v, double *last)
{
	char text[UNIT_BUF + 1], edge[UNIT_BUF];
	double y = y_of(f, v);

	if (scaled(v) < f->v0 || scaled(v) > f->v1)
		return;
	line(f->o, LEFT, y, LEFT + PLOT_WIDTH, y, v ? "grid" : "zero");
	if (v && fabs(y - *last) < 14)
		return;
	*last = y;
	if (v > 0)
		snprintf(text, sizeof(text), "+%s", unit_edge(edge, v));
	else
		unit_edge(text, v);
	text_at(f->o, LEFT - 6, y + 4, "end", "dim", text);
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
	out_printf(f->o,
		   "<text transform=\"translate(14 %d) rotate(-90)\" text-anchor=\"middle\" "
		   "class=\"dim\">",
		   TOP + PLOT_HEIGHT / 2);
	xml_text(f->o, name);
	out_str(f->o, "</text>\n");
}

/* --- storms and clock changes ----------------------------------------------------------------- */

static bool same_vm(const struct series *s, int vm)
{
	return s->vm < 0 || vm < 0 || s->vm == vm;
}

static void add_mark(struct frame *f, int64_t ts_ns, bool host, const char *text)
{
	struct mark *m;

	if (ts_ns < f->t0 || ts_ns > f->t1)
		return;
	if (f->nr_marks == MAX_MARKS) {
		f->left_out++;
		return;
	}
	m = &f->marks[f->nr_marks++];
	m->ts_ns = ts_ns;
	m->host = host;
	snprintf(m->text, sizeof(m->text), "%s", text);
}

static int mark_order(const void *a, const void *b)
{
	const struct mark *x = a, *y = b;

	return x->ts_ns < y->ts_ns ? -1 : x->ts_ns > y->ts_ns;
}

/* The first source of a guest to become known is not a change. */
static void find_marks(struct frame *f, const struct hvst_result *r, const struct series *s)
{
	char text[160], unit[UNIT_BUF];
	unsigned int i;

	for (i = 0; i < r->nr_reference; i++) {
		const struct hvst_ref_segment *g = &r->reference[i];

		if (g->step_ns == HVST_UNKNOWN || !g->step_ns || !same_vm(s, g->vm))
			continue;
		snprintf(text, sizeof(text), "host: the reference clock stepped %s",
			 unit_signed(unit, g->step_ns));
		add_mark(f, g->from_ns, true, text);
	}
	for (i = 0; i < r->nr_guest; i++) {
		const struct hvst_guest_transition *t = &r->guest[i];

		if (t->from == HVST_SRC_UNKNOWN || !same_vm(s, t->vm) ||
		    (s->vcpu >= 0 && t->vcpu >= 0 && t->vcpu != s->vcpu))
			continue;
		snprintf(text, sizeof(text), "guest: %s -> %s (%s)", words_guest_source(t->from),
			 words_guest_source(t->to), hvst_confidence_name(t->confidence));
		add_mark(f, t->ts_ns, false, text);
	}
	qsort(f->marks, f->nr_marks, sizeof(*f->marks), mark_order);
}

static void draw_storms(struct frame *f, const struct hvst_result *r, const struct series *s)
{
	char text[32];
	unsigned int i;

	for (i = 0; i < r->nr_storms; i++) {
		const struct hvst_storm *m = &r->storms[i];
		double x = x_of(f, m->start_ns), w = x_of(f, m->end_ns) - x;

		if (!same_vm(s, m->vm) || (s->vcpu >= 0 && m->vcpu != s->vcpu) ||
		    (s->timer >= 0 && m->timer != s->timer) || m->end_ns < f->t0 ||
		    m->start_ns > f->t1)
			continue;
		f->storms = true;
		rect(f->o, x, TOP, w < 2 ? 2 : w, PLOT_HEIGHT, "storm", 1);
		snprintf(text, sizeof(text), w > 60 ? "STORM %u" : "%u", i + 1);
		text_at(f->o, x + w / 2, TOP + 14, "middle", "stormname", text);
	}
}

/* Shift letters of close lines to keep them readable. */
static void draw_marks(const struct frame *f)
{
	double free_from = 0;
	unsigned int i;

	for (i = 0; i < f->nr_marks; i++) {
		const char letter[2] = { 'a' + i, 0 };
		double x = x_of(f, f->marks[i].ts_ns);

		line(f->o, x, TOP - 4, x, TOP + PLOT_HEIGHT, f->marks[i].host ? "host" : "guest");
		x = x < free_from ? free_from : x;
		text_at(f->o, x, TOP - 7, "middle", f->marks[i].host ? "hl" : "gl", letter);
		free_from = x + LETTER_WIDTH;
	}
}

static void swatch(struct out *o, double x, double y, const char *class, const char *text)
{
	rect(o, x, y - 9, 12, 10, class, 1);
	text_at(o, x + 18, y, "start", "", text);
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

	for (i = 0; i < sizeof(counts) / sizeof(counts[0]); i++) {
		if (i && counts[i] == counts[i - 1])
			continue;
		rect(f->o, x, y - 9, 12, 10, "ahead", shade(f, counts[i]));
		text_at(f->o, x + 18, y, "start", "", unit_count(text, counts[i]));
		x += 80;
	}
	text_at(f->o, x, y, "start", "dim", "in a cell; the line is zero");
}

static void draw_legend(const struct frame *f, const struct series *s, const char *note)
{
	double x = LEFT, y = TOP + PLOT_HEIGHT + BOTTOM + 12;
	char text[200], time[UNIT_BUF];
	unsigned int i;

	swatch(f->o, x, y, "ahead", f->skew ? "armed ahead" : metric_label(s->metric));
	x += 130;
	if (f->skew && hvst_sketch_max(s->sketch) >= 0) {
		swatch(f->o, x, y, "past", "armed past due");
		x += 140;
	}
	if (f->storms) {
		swatch(f->o, x, y, "storm", "storm");
		x += 90;
	}
	if (f->most)
		draw_shades(f, x, y);
	else
		text_at(f->o, x, y, "start", "dim", note);
	for (i = 0; i < f->nr_marks; i++) {
		y += LEGEND_LINE;
		snprintf(text, sizeof(text), "%c", 'a' + i);
		text_at(f->o, LEFT, y, "start", f->marks[i].host ? "hl" : "gl", text);
		snprintf(text, sizeof(text), "%s s  %s", unit_time(time, f->marks[i].ts_ns),
			 f->marks[i].text);
		text_at(f->o, LEFT + 18, y, "start", "", text);
	}
	if (f->left_out) {
		snprintf(text, sizeof(text), "and %u more changes of clocks", f->left_out);
		text_at(f->o, LEFT, y + LEGEND_LINE, "start", "dim", text);
	}
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
	f->t0 = ctx->c->origin_ns;
	f->t1 = f->t0 + (int64_t)used * ctx->c->column_ns;
	if (ctx->trace->last_ns != HVST_UNKNOWN && ctx->trace->last_ns > f->t0)
		f->t1 = ctx->trace->last_ns; /* of all plots, whatever their values */
	f->v0 = fmin(scaled(lo), 0) - 0.15;
	f->v1 = fmax(scaled(hi), 0);
	f->v1 += 0.1 * (f->v1 - f->v0); /* the storms' names stand there */
	find_marks(f, ctx->result, s);
	return true;
}

static void begin_frame(struct frame *f, const struct svg_context *ctx, const struct series *s,
			const char *what)
{
	char title[160], name[96];

	snprintf(title, sizeof(title), "%s%s", series_title(name, sizeof(name), s), what);
	open_svg(f->o, frame_height(legend_lines(f)), title);
	time_axis(f, ctx->trace->clock);
	value_axis(f, metric_label(s->metric));
	draw_storms(f, ctx->result, s);
}

static void end_frame(const struct frame *f, const struct series *s, const char *note)
{
	draw_marks(f);
	draw_legend(f, s, note);
	out_str(f->o, "</svg>\n");
}

/* Past due begins at 0; for latencies everything from 0 on is late. */
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
	rect(f->o, x, y0, w, y1 - y0 < 1.5 ? 1.5 : y1 - y0,
	     past && f->skew ? "past band" : "ahead band", 1);
	mid = bucket_low(e, middle) / 2 + bucket_high(e, middle) / 2;
	mid = mid < lo ? lo : mid > hi ? hi : mid;
	rect(f->o, x, y_of(f, mid) - 1.2, w, 2.4, past && f->skew ? "past" : "ahead", 1);
}

void svg_timeline(struct out *o, const struct svg_context *ctx, const struct series *s)
{
	struct frame f;
	unsigned int i;

	if (!make_frame(&f, o, ctx, s))
		return;
	begin_frame(&f, ctx, s, " over time");
	for (i = 0; i < PLOT_COLUMNS; i++) {
		int64_t t = f.t0 + (int64_t)i * ctx->c->column_ns;
		double x = x_of(&f, t), w = x_of(&f, t + ctx->c->column_ns) - x;

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
		rect(f->o, x, top, w, bottom - top < 1.5 ? 1.5 : bottom - top,
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
		int64_t t = f.t0 + (int64_t)i * ctx->c->column_ns;
		double x = x_of(&f, t), w = x_of(&f, t + ctx->c->column_ns) - x;

		if (s->columns[i].count)
			heat_column(&f, &ctx->c->plot_edges, &s->columns[i], x, w < 1 ? 1 : w);
	}
	line(f.o, LEFT, y_of(&f, 0), LEFT + PLOT_WIDTH, y_of(&f, 0), "zero");
	end_frame(&f, s, NULL);
}

/* --- histogram -------------------------------------------------------------------------------- */

static void count_axis(struct out *o, uint64_t most)
{
	int64_t step = nice_step(most, 5), v;
	char text[UNIT_BUF];

	for (v = 0; v <= (int64_t)most; v += step) {
		double y = TOP + PLOT_HEIGHT * (1 - (double)v / most);

		line(o, LEFT, y, LEFT + PLOT_WIDTH, y, v ? "grid" : "zero");
		text_at(o, LEFT - 6, y + 4, "end", "dim", unit_count(text, v));
	}
	out_printf(o,
		   "<text transform=\"translate(14 %d) rotate(-90)\" text-anchor=\"middle\" "
		   "class=\"dim\">"
		   "count</text>\n",
		   TOP + PLOT_HEIGHT / 2);
}

static void bar(struct out *o, uint64_t count, uint64_t most, double x, double w, bool past)
{
	double h = PLOT_HEIGHT * ((double)count / most);

	if (!count)
		return;
	h = h < 1.5 ? 1.5 : h;
	rect(o, x + w * 0.06, TOP + PLOT_HEIGHT - h, w * 0.88, h, past ? "past" : "ahead", 1);
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
	open_svg(o, frame_height(0), title);
	count_axis(o, most);
	w = (double)PLOT_WIDTH / (last - first + 1);
	each = 1 + (unsigned int)(62 / w);
	for (b = first; b <= last; b++) {
		double x = LEFT + (b - first) * w;

		bar(o, s->buckets[b], most, x, w, s->metric == METRIC_SKEW && is_past(e, b));
		if (b <= e->n && b > 0 && (b - first) % each == 0)
			text_at(o, x, TOP + PLOT_HEIGHT + 16, "middle", "dim",
				unit_edge(text, e->at[b - 1]));
	}
	text_at(o, LEFT + PLOT_WIDTH / 2.0, TOP + PLOT_HEIGHT + 34, "middle", "dim",
		s->metric == METRIC_SKEW
			? "lower edge of the bucket; negative: ahead, positive: past due"
			: "lower edge of the bucket");
	out_str(o, "</svg>\n");
}

/* --- a document ------------------------------------------------------------------------------- */

/* Each plot is drawn into memory and stacked below the one before. */
static void stack(struct out *o, struct out *part, unsigned int *height)
{
	char *box;
	unsigned int w, h;

	out_char(part, 0); /* terminate the string temporarily */
	if (part->err)
		return;
	part->len--;
	box = strstr(part->buf, "viewBox=\"0 0 ");
	if (!box || sscanf(box, "viewBox=\"0 0 %u %u", &w, &h) != 2)
		return;
	out_printf(o, "<g transform=\"translate(0 %u)\">\n", *height);
	out_mem(o, part->buf, part->len);
	out_str(o, "</g>\n");
	*height += h;
	part->len = 0;
}

static void document_start(struct out *o, unsigned int height)
{
	out_printf(o,
		   "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg "
		   "xmlns=\"http://www.w3.org/2000/svg\" "
		   "class=\"hvst\" width=\"%d\" height=\"%u\" viewBox=\"0 0 %d %u\">\n<style>",
		   SVG_WIDTH, height, SVG_WIDTH, height);
	svg_style(o);
	out_str(o, "</style>\n");
}

void svg_document(struct out *o, const struct svg_context *ctx, bool heatmap, unsigned int most)
{
	struct out body, part;
	unsigned int i, height = 0;

	out_open_memory(&body);
	out_open_memory(&part);
	for (i = 0; i < ctx->c->nr_series && i < most; i++) {
		svg_timeline(&part, ctx, &ctx->c->series[i]);
		stack(&body, &part, &height);
		if (heatmap)
			svg_heatmap(&part, ctx, &ctx->c->series[i]);
		stack(&body, &part, &height);
		svg_histogram(&part, ctx, &ctx->c->series[i]);
		stack(&body, &part, &height);
	}
	document_start(o, height ? height : 40);
	if (!height)
		text_at(o, 10, 25, "start", "title", "nothing to draw");
	out_mem(o, body.buf, body.len);
	out_str(o, "</svg>\n");
	o->err = o->err ? o->err : body.err ? body.err : part.err;
	out_discard(&body);
	out_discard(&part);
}

/* --- a sweep ---------------------------------------------------------------------------------- */

static double sweep_x(const struct simulation_view *v, unsigned int i)
{
	return LEFT + (double)i * PLOT_WIDTH / (v->sim->nr_policies - 1);
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
			   TOP + (of ? 1 - (double)n / (double)of : 1) * PLOT_HEIGHT);
	}
	out_str(o, "\"/>\n");
}

static void sweep_axes(struct out *o, const struct simulation_view *v)
{
	unsigned int last = v->sim->nr_policies - 1, step = (unsigned int)nice_step(last, 12);
	char text[96];

	for (unsigned int percent = 0; percent <= 100; percent += 20) {
		double y = TOP + (1 - percent / 100.0) * PLOT_HEIGHT;

		line(o, LEFT, y, LEFT + PLOT_WIDTH, y, percent ? "grid" : "zero");
		snprintf(text, sizeof(text), "%u %%", percent);
		text_at(o, LEFT - 6, y + 4, "end", "dim", text);
	}
	for (unsigned int i = 0; i <= last; i += step) {
		line(o, sweep_x(v, i), TOP, sweep_x(v, i), TOP + PLOT_HEIGHT, "grid");
		snprintf(text, sizeof(text), "%u", v->sweep->from + i);
		text_at(o, sweep_x(v, i), TOP + PLOT_HEIGHT + 16, "middle", "dim", text);
	}
	snprintf(text, sizeof(text), "%s=", policy_sweep_name(v->sweep));
	text_at(o, LEFT + PLOT_WIDTH / 2.0, TOP + PLOT_HEIGHT + 34, "middle", "dim", text);
}

void svg_sweep(struct out *o, const struct simulation_view *v)
{
	double y = TOP + PLOT_HEIGHT + BOTTOM + 12;
	char title[160], n[UNIT_BUF], text[96];

	document_start(o, frame_height(1));
	snprintf(title, sizeof(title), "Past-due arms delayed, %s to %u", v->sim->policies[0].name,
		 v->sweep->to);
	open_svg(o, frame_height(1), title);
	sweep_axes(o, v);
	sweep_curve(o, v, false, "past");
	sweep_curve(o, v, true, "ahead");
	snprintf(text, sizeof(text), "of %s in storms", unit_count(n, v->totals[0].in_storms));
	swatch(o, LEFT, y, "past", text);
	snprintf(text, sizeof(text), "of %s outside", unit_count(n, v->totals[0].outside));
	swatch(o, LEFT + 240, y, "ahead", text);
	out_str(o, "</svg>\n</svg>\n");
}
