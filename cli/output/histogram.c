// SPDX-License-Identifier: GPL-2.0
/* Histograms, intervals and heat maps of series. */
#include <stdio.h>
#include <string.h>

#include "contract.h"
#include "csv.h"
#include "histogram.h"
#include "table.h"
#include "units.h"

#define MAX_BAR 50

const char *metric_name(enum metric m)
{
	static const char *const names[METRIC_COUNT] = {
		[METRIC_SKEW] = "skew",
		[METRIC_LATENESS] = "lateness",
		[METRIC_DELIVERY] = "delivery_latency",
		[METRIC_ENTRY] = "entry_latency",
	};

	return names[m];
}

const char *metric_label(enum metric m)
{
	static const char *const labels[METRIC_COUNT] = {
		[METRIC_SKEW] = "skew",
		[METRIC_LATENESS] = "lateness",
		[METRIC_DELIVERY] = "delivery latency",
		[METRIC_ENTRY] = "entry latency",
	};

	return labels[m];
}

static const char *metric_title(enum metric m)
{
	static const char *const titles[METRIC_COUNT] = {
		[METRIC_SKEW] = "Skew (+ already past when armed)",
		[METRIC_LATENESS] = "Lateness (deadline to callback)",
		[METRIC_DELIVERY] = "Delivery latency (callback to expiration)",
		[METRIC_ENTRY] = "Entry latency (expiration to kvm_entry)",
	};

	return titles[m];
}

char *series_title(char *buf, size_t len, const struct series *s)
{
	size_t at = snprintf(buf, len, "%s", metric_title(s->metric));

	if (s->vm >= 0 && at < len)
		at += snprintf(buf + at, len - at, ", VM %d", s->vm);
	if (s->vcpu >= 0 && at < len)
		at += snprintf(buf + at, len - at, ", vCPU %d", s->vcpu);
	if (s->timer >= 0 && at < len)
		snprintf(buf + at, len - at, ", timer %d", s->timer);
	return buf;
}

/* --- text ------------------------------------------------------------------------------------- */

/* A skew's sign carries meaning; a latency's does not. */
static char *value_text(char *buf, const struct series *s, int64_t v)
{
	return s->metric == METRIC_SKEW ? unit_signed(buf, v) : unit_duration(buf, v);
}

/* How many values of a skew are past due: the counts of the sketch's buckets from 0 up. */
static uint64_t past_due(const struct hvst_sketch *s)
{
	unsigned int iter = 0;
	uint64_t n, sum = 0;
	int64_t lo, hi;

	while (hvst_sketch_next(s, &iter, &lo, &hi, &n))
		sum += lo >= 0 ? n : 0;
	return sum;
}

static void head(struct out *o, const struct series *s)
{
	uint64_t n = hvst_sketch_count(s->sketch), past = past_due(s->sketch);
	char title[96], count[UNIT_BUF], share[UNIT_BUF];

	out_in(o, ROLE_TITLE, series_title(title, sizeof(title), s));
	out_printf(o, "\n  %s", unit_count(count, n));
	if (s->metric == METRIC_SKEW)
		out_printf(o, " arms, %s past due (%s)", unit_count(count, past),
			   unit_share(share, n ? (double)past / n : 0));
	else
		out_str(o, " firings");
	out_char(o, '\n');
}

/* The first and last bucket that hold anything; false when none does. */
static bool span(const uint64_t *counts, unsigned int n, unsigned int *first, unsigned int *last)
{
	unsigned int i;
	bool any = false;

	*first = *last = 0;
	for (i = 0; i <= n; i++) {
		if (!counts[i])
			continue;
		*first = any ? *first : i;
		*last = i;
		any = true;
	}
	return any;
}

static void bucket_label(char *buf, size_t len, const struct edges *e, unsigned int b)
{
	char lo[UNIT_BUF], hi[UNIT_BUF];

	if (!b)
		snprintf(buf, len, "below %s", unit_edge(hi, e->at[0]));
	else if (b == e->n)
		snprintf(buf, len, "from %s up", unit_edge(lo, e->at[b - 1]));
	else if (!e->at[b - 1] && e->at[b] == 1)
		snprintf(buf, len, "0");
	else
		snprintf(buf, len, "[%s, %s)", unit_edge(lo, e->at[b - 1]),
			 unit_edge(hi, e->at[b]));
}

/* A bar of at least one character for any count but 0. */
static void bar_text(char *buf, unsigned int width, uint64_t count, uint64_t most)
{
	unsigned int n = most ? (unsigned int)((double)count / most * width + 0.5) : 0;

	n = count && !n ? 1 : n;
	buf[0] = '|';
	memset(buf + 1, '@', n);
	memset(buf + 1 + n, ' ', width - n);
	strcpy(buf + 1 + width, "|");
}

static void bucket_row(struct table *t, const struct edges *e, unsigned int b, uint64_t count,
		       uint64_t most, unsigned int width)
{
	char text[2 * UNIT_BUF + 8], n[UNIT_BUF], bar[MAX_BAR + 3];
	bool past = b > 0 && b <= e->n && e->at[b - 1] >= 0;

	bucket_label(text, sizeof(text), e, b);
	table_cell(t, ROLE_NONE, text);
	table_cell(t, ROLE_NONE, unit_count(n, count));
	bar_text(bar, width, count, most);
	table_cell(t, past ? ROLE_WARN : ROLE_GOOD, bar);
}

static void gap_row(struct table *t)
{
	table_cell(t, ROLE_DIM, "..");
	table_cell(t, ROLE_NONE, "");
	table_cell(t, ROLE_NONE, "");
}

static void put_buckets(struct out *o, const struct edges *e, const uint64_t *counts)
{
	static const struct column columns[] = {
		{ .title = "bucket" },
		{ .title = "count" },
		{ .title = "", .left = true },
	};
	struct table *t = table_new(columns, 3);
	unsigned int first, last, b, bar = o->width > 50 ? o->width - 40 : 10;
	uint64_t most = 0;
	bool gap = false;

	bar = bar > MAX_BAR ? MAX_BAR : bar;
	if (!span(counts, e->n, &first, &last))
		out_str(o, "  nothing\n");
	for (b = first; b <= last && b <= e->n; b++)
		most = counts[b] > most ? counts[b] : most;
	for (b = first; b <= last && b <= e->n; b++) {
		if (!counts[b] && b + 1 <= last && !counts[b + 1]) {
			gap = true; /* two or more empty rows become one ".." */
			continue;
		}
		if (gap)
			gap_row(t);
		else
			bucket_row(t, e, b, counts[b], most, bar);
		gap = false;
	}
	table_end(t, o, 2);
}

static void percentile_name(char *buf, size_t len, unsigned int per_10000)
{
	snprintf(buf, len, "p%.4g", per_10000 / 100.0);
}

static void put_percentiles(struct out *o, const struct series *s, const struct options *opt)
{
	char text[64], name[16], v[UNIT_BUF];
	unsigned int i, at = 15;

	out_str(o, "  percentiles  ");
	for (i = 0; i < opt->nr_percentiles; i++) {
		percentile_name(name, sizeof(name), opt->percentiles[i]);
		snprintf(text, sizeof(text), "%s %s%s", name,
			 value_text(v, s, hvst_sketch_quantile(s->sketch, opt->percentiles[i])),
			 i + 1 < opt->nr_percentiles ? "," : "");
		if (i && at + 1 + strlen(text) > o->width) {
			out_printf(o, "\n%15s", "");
			at = 15;
		} else if (i) {
			out_char(o, ' ');
			at++;
		}
		out_str(o, text);
		at += strlen(text);
	}
	out_char(o, '\n');
	out_printf(o, "  min, max     %s", value_text(v, s, hvst_sketch_min(s->sketch)));
	out_printf(o, ", %s\n", value_text(v, s, hvst_sketch_max(s->sketch)));
}

void histogram_text(struct out *o, const struct collect *c, const struct series *s,
		    const struct options *opt)
{
	head(o, s);
	put_buckets(o, &c->edges, s->buckets);
	put_percentiles(o, s, opt);
	out_char(o, '\n');
}

static void interval_row(struct table *t, int64_t from_ns, const struct series *of,
			 unsigned int row, const struct options *opt)
{
	const struct hvst_sketch *s = of->intervals[row];
	char v[UNIT_BUF];
	unsigned int i;

	table_cell(t, ROLE_TIME, unit_time(v, from_ns));
	table_cell(t, ROLE_NONE, unit_utc_time(v, from_ns));
	table_cell(t, ROLE_NONE, unit_count(v, s ? hvst_sketch_count(s) : 0));
	for (i = 0; i < opt->nr_percentiles; i++)
		table_cell(t, ROLE_NONE,
			   s ? value_text(v, of, hvst_sketch_quantile(s, opt->percentiles[i]))
			     : "-");
	table_cell(t, ROLE_NONE, s ? value_text(v, of, hvst_sketch_min(s)) : "-");
	table_cell(t, ROLE_NONE, s ? value_text(v, of, hvst_sketch_max(s)) : "-");
}

static int64_t interval_start(const struct collect *c, unsigned int i)
{
	return c->origin_ns + (int64_t)i * c->interval_ns;
}

void intervals_text(struct out *o, const struct collect *c, const struct series *s,
		    const struct options *opt)
{
	struct column columns[MAX_PERCENTILES + 5] = {
		{ .title = "from" },
		{ .title = "UTC", .drop = 1, .hide_zero = true },
		{ .title = "count" },
	};
	char names[MAX_PERCENTILES][16];
	unsigned int i, n = opt->nr_percentiles;
	struct table *t;

	for (i = 0; i < n; i++) {
		percentile_name(names[i], sizeof(names[i]), opt->percentiles[i]);
		columns[3 + i] = (struct column){ .title = names[i],
						  .drop = opt->percentiles[i] == 5000 ? 0 : 2 };
	}
	columns[3 + n] = (struct column){ .title = "min" };
	columns[4 + n] = (struct column){ .title = "max" };
	head(o, s);
	t = table_new(columns, n + 5);
	for (i = 0; i < s->nr_intervals; i++)
		interval_row(t, interval_start(c, i), s, i, opt);
	table_end(t, o, 2);
	out_char(o, '\n');
}

/* --- heat map --------------------------------------------------------------------------------- */

/* Columns of the plot for one column of the screen, and how many of the latter. */
struct grid {
	unsigned int each, columns, used;
	unsigned int first, last; /* rows */
	uint32_t most;
};

static uint32_t cell(const struct series *s, const struct grid *g, unsigned int x, unsigned int b)
{
	uint32_t sum = 0;
	unsigned int i;

	for (i = x * g->each; i < (x + 1) * g->each && i < PLOT_COLUMNS; i++)
		sum += s->columns[i].buckets ? s->columns[i].buckets[b] : 0;
	return sum;
}

static bool row_empty(const struct series *s, const struct grid *g, unsigned int b)
{
	unsigned int x;

	for (x = 0; x < g->columns; x++)
		if (cell(s, g, x, b))
			return false;
	return true;
}

static bool make_grid(struct grid *g, const struct collect *c, const struct series *s,
		      unsigned int width)
{
	uint64_t rows[MAX_EDGES + 1] = { 0 };
	unsigned int x, b;

	memset(g, 0, sizeof(*g));
	for (x = 0; x < PLOT_COLUMNS; x++)
		g->used = s->columns[x].count ? x + 1 : g->used;
	g->each = (g->used + width - 1) / width;
	g->columns = g->each ? (g->used + g->each - 1) / g->each : 0;
	for (b = 0; b <= c->plot_edges.n; b++)
		for (x = 0; x < g->columns; x++) {
			uint32_t v = cell(s, g, x, b);

			rows[b] += v;
			g->most = v > g->most ? v : g->most;
		}
	return span(rows, c->plot_edges.n, &g->first, &g->last);
}

static char shade(uint32_t v, uint32_t most)
{
	static const char shades[] = ".:-=+*#%@";
	unsigned int i = 0;

	if (!v)
		return ' ';
	/* logarithmic: each shade covers the same factor */
	for (i = 0; i + 1 < sizeof(shades) - 1 && v < most; i++)
		most /= most > 512 ? 4 : 2;
	return shades[sizeof(shades) - 2 - i];
}

static void heatmap_row(struct out *o, const struct collect *c, const struct series *s,
			const struct grid *g, unsigned int b)
{
	char text[2 * UNIT_BUF + 8];
	unsigned int x;
	bool past = b > 0 && c->plot_edges.at[b - 1] >= 0;

	bucket_label(text, sizeof(text), &c->plot_edges, b);
	out_printf(o, "%20s |", text);
	out_role(o, past ? ROLE_WARN : ROLE_GOOD);
	for (x = 0; x < g->columns; x++)
		out_char(o, shade(cell(s, g, x, b), g->most));
	out_plain(o);
	out_str(o, "|\n");
}

void heatmap_text(struct out *o, const struct collect *c, const struct series *s)
{
	char from[UNIT_BUF], to[UNIT_BUF], each[UNIT_BUF], most[UNIT_BUF];
	struct grid g;
	unsigned int b;

	head(o, s);
	if (!make_grid(&g, c, s, o->width > 40 ? o->width - 24 : 16))
		return;
	for (b = g.last; b + 1 > g.first; b--) {
		if (!row_empty(s, &g, b) || !row_empty(s, &g, b - 1))
			heatmap_row(o, c, s, &g, b);
		else if (!row_empty(s, &g, b + 1))
			out_printf(o, "%20s\n", ".."); /* for all empty rows in a row */
	}
	unit_time(from, c->origin_ns);
	unit_time(to, c->origin_ns + c->column_ns * g.each * g.columns);
	out_printf(o, "%22s%s%*s\n", "", from,
		   (int)(g.columns > strlen(from) ? g.columns - strlen(from) : 1), to);
	out_printf(o, "%22sa column is %s; '@' is %s\n\n", "",
		   unit_duration(each, c->column_ns * g.each), unit_count(most, g.most));
}

/* --- CSV -------------------------------------------------------------------------------------- */

static void csv_who(struct csv *c, const struct series *s)
{
	csv_id(c, s->vm);
	csv_id(c, s->vcpu);
	csv_id(c, s->timer);
	csv_string(c, metric_name(s->metric));
	csv_string(c, "ns");
}

static void csv_bucket(struct csv *c, const struct series *s, double error, int64_t lo, int64_t hi,
		       uint64_t n)
{
	csv_who(c, s);
	csv_number(c, error, 7);
	csv_i64(c, lo);
	csv_i64(c, hi);
	csv_u64(c, n);
	csv_end_line(c);
}

/*
 * The sketch's own buckets, from which it can be rebuilt; with linear buckets those, which are
 * exact.
 */
static void csv_series(struct csv *c, const struct edges *e, const struct series *s)
{
	unsigned int iter = 0, b;
	int64_t lo, hi;
	uint64_t n;

	for (b = 0; e->linear && b <= e->n; b++)
		if (s->buckets[b])
			csv_bucket(c, s, 0, b ? e->at[b - 1] : HVST_UNKNOWN,
				   b < e->n ? e->at[b] : HVST_UNKNOWN, s->buckets[b]);
	while (!e->linear && hvst_sketch_next(s->sketch, &iter, &lo, &hi, &n))
		csv_bucket(c, s, hvst_sketch_relative_error(s->sketch), lo, hi, n);
}

void histogram_csv(struct out *o, const struct collect *c)
{
	struct csv csv;
	unsigned int i;

	csv_start(&csv, o, "vm,vcpu,timer,metric,unit,relative_error,lo,hi,count");
	for (i = 0; i < c->nr_series; i++)
		csv_series(&csv, &c->edges, &c->series[i]);
}

static void csv_interval(struct csv *csv, const struct collect *c, const struct series *s,
			 unsigned int i, const struct options *opt)
{
	const struct hvst_sketch *k = s->intervals[i];
	unsigned int p;

	csv_who(csv, s);
	csv_i64(csv, interval_start(c, i));
	csv_i64(csv, interval_start(c, i + 1));
	csv_u64(csv, k ? hvst_sketch_count(k) : 0);
	csv_i64(csv, k ? hvst_sketch_min(k) : HVST_UNKNOWN);
	csv_i64(csv, k ? hvst_sketch_max(k) : HVST_UNKNOWN);
	for (p = 0; p < opt->nr_percentiles; p++)
		csv_i64(csv, k ? hvst_sketch_quantile(k, opt->percentiles[p]) : HVST_UNKNOWN);
	csv_end_line(csv);
}

void intervals_csv(struct out *o, const struct collect *c, const struct options *opt)
{
	char titles[512] = "vm,vcpu,timer,metric,unit,from_ns,to_ns,count,min,max", name[16];
	unsigned int i, k;
	struct csv csv;

	for (i = 0; i < opt->nr_percentiles; i++) {
		percentile_name(name, sizeof(name), opt->percentiles[i]);
		snprintf(titles + strlen(titles), sizeof(titles) - strlen(titles), ",%s", name);
	}
	csv_start(&csv, o, titles);
	for (i = 0; i < c->nr_series; i++)
		for (k = 0; k < c->series[i].nr_intervals; k++)
			csv_interval(&csv, c, &c->series[i], k, opt);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void json_who(struct json *j, const struct series *s)
{
	json_id(j, "vm", s->vm);
	json_id(j, "vcpu", s->vcpu);
	json_id(j, "timer", s->timer);
	json_string(j, "metric", metric_name(s->metric));
}

void groups_json(struct json *j, const struct collect *c)
{
	unsigned int i;

	json_array(j, "groups");
	for (i = 0; i < c->nr_series; i++) {
		json_object(j, NULL);
		json_who(j, &c->series[i]);
		contract_sketch(j, "distribution", c->series[i].sketch);
		json_end_object(j);
	}
	json_end_array(j);
}

static void json_interval(struct json *j, const struct collect *c, const struct series *s,
			  unsigned int i)
{
	json_object(j, NULL);
	json_who(j, s);
	json_i64(j, "from_ns", interval_start(c, i));
	json_i64(j, "to_ns", interval_start(c, i + 1));
	contract_sketch(j, "distribution", s->intervals[i]);
	json_end_object(j);
}

void intervals_json(struct json *j, const struct collect *c)
{
	unsigned int i, k;

	json_array(j, "intervals");
	for (i = 0; i < c->nr_series; i++)
		for (k = 0; k < c->series[i].nr_intervals; k++)
			if (c->series[i].intervals[k])
				json_interval(j, c, &c->series[i], k);
	json_end_array(j);
}
