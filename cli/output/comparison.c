// SPDX-License-Identifier: GPL-2.0
/* Text, JSON and CSV of a comparison. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../array.h"
#include "comparison.h"
#include "csv.h"
#include "json.h"
#include "table.h"
#include "units.h"

#define HOUR_S	    3600
#define MOST_TIMES  1e6 /* this many times as long: no recording is */
#define MOST_SHAPES 4	/* shown without --verbose */
#define LINEAR_SPAN 10	/* a distribution within this factor gets equal buckets */
#define MAX_BAR	    40

/* --- words and numbers ------------------------------------------------------------------------ */

const char *measure_title(enum measure m)
{
	static const char *const titles[MEASURES] = { "skew p50", "lateness p50", "storm time",
						      "past due", "progress" };

	return titles[m];
}

const char *difference_word_text(enum difference_word w)
{
	static const char *const words[DIFFERENCE_WORDS] = { "better", "worse", "different",
							     "no difference", "cannot tell" };

	return words[w];
}

char *comparison_who(char *buf, const struct pair *p)
{
	int at = p->a->vm < 0 ? sprintf(buf, "VM not known") : sprintf(buf, "VM %d", p->a->vm);

	if (p->a->vm != p->b->vm && p->b->vm >= 0)
		at += sprintf(buf + at, " (B: %d)", p->b->vm);
	if (p->a->vcpu >= 0)
		at += sprintf(buf + at, " vCPU %d", p->a->vcpu);
	if (p->a->timer >= 0)
		at += sprintf(buf + at, " timer %d", p->a->timer);
	if (p->a->timer != p->b->timer)
		sprintf(buf + at, " (B: %d)", p->b->timer);
	return buf;
}

/* Three significant digits, of a share in per cent. */
static char *percent_text(char *buf, const char *sign, double share, const char *unit)
{
	double v = fabs(share) * 100;

	sprintf(buf, "%s%.*f %s", sign,
		v >= 99.95 || !v ? 0
		: v >= 9.995	 ? 1
		: v >= 0.9995	 ? 2
				 : 3,
		v, unit);
	return buf;
}

static int64_t in_ns(double v)
{
	return v > 9e18 ? INT64_MAX : v < -9e18 ? -INT64_MAX : (int64_t)v;
}

char *measure_text(char *buf, enum measure m, double v)
{
	char unit[UNIT_BUF];

	switch (m) {
	case MEASURE_SKEW:
		return unit_signed(buf, in_ns(v));
	case MEASURE_LATENESS:
		return unit_duration(buf, in_ns(v));
	case MEASURE_STORM:
		sprintf(buf, "%s/h", unit_duration(unit, in_ns(v * HOUR_S * 1e9)));
		return buf;
	default:
		return percent_text(buf, "", v, "%");
	}
}

char *difference_text(char *buf, enum measure m, double by)
{
	char unit[UNIT_BUF];

	switch (m) {
	case MEASURE_SKEW:
	case MEASURE_LATENESS:
		return unit_signed(buf, in_ns(by));
	case MEASURE_STORM:
		sprintf(buf, "%s/h", unit_signed(unit, in_ns(by * HOUR_S * 1e9)));
		return buf;
	default: /* of percentages: in points */
		return percent_text(buf, by < 0 ? "-" : "+", by, "pp");
	}
}

char *interval_text(char *buf, const struct difference *d)
{
	char low[UNIT_BUF], high[UNIT_BUF];

	if (isnan(d->low))
		strcpy(buf, "-");
	else
		sprintf(buf, "%s..%s", difference_text(low, d->measure, d->low),
			difference_text(high, d->measure, d->high));
	return buf;
}

char *needed_text(char *buf, const struct difference *d)
{
	if (isnan(d->times))
		strcpy(buf, "-");
	else if (d->times > MOST_TIMES)
		strcpy(buf, "never");
	else
		sprintf(buf, "%.*fx", d->times < 9.95 ? 1 : 0, d->times);
	return buf;
}

/* --- sentences -------------------------------------------------------------------------------- */

static unsigned int count_words(const struct differences *all, enum difference_word w)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < all->nr; i++)
		n += all->d[i].word == w;
	return n;
}

/*
 * The difference furthest from chance: its interval is the furthest from 0, relative to its width.
 */
static const struct difference *clearest(const struct differences *all, enum difference_word w)
{
	const struct difference *best = NULL;
	double most = -1;

	for (unsigned int i = 0; i < all->nr; i++) {
		const struct difference *d = &all->d[i];
		double width = d->high - d->low, at = fabs(d->high + d->low);
		double clear = width > 0 ? at / width : INFINITY;

		if (d->word != w || clear <= most)
			continue;
		most = clear;
		best = d;
	}
	return best;
}

static int put_word(char *buf, size_t len, const struct differences *all, enum difference_word w,
		    const char *lead)
{
	const struct difference *d = clearest(all, w);
	unsigned int n = count_words(all, w);
	char who[96], a[UNIT_BUF], b[UNIT_BUF];
	int at;

	if (!d)
		return 0;
	at = snprintf(buf, len, "%s %s of %s, %s in A and %s in B", lead, measure_title(d->measure),
		      comparison_who(who, d->pair), measure_text(a, d->measure, d->value[0]),
		      measure_text(b, d->measure, d->value[1]));
	if (n > 1)
		at += snprintf(buf + at, len - at, ", and %u more", n - 1);
	return at + snprintf(buf + at, len - at, ". ");
}

static unsigned int count_shapes(const struct differences *all)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < all->nr_shapes; i++)
		n += all->shapes[i].differs;
	return n;
}

static int put_open(char *buf, size_t len, const struct differences *all)
{
	unsigned int n = count_words(all, DIFFERENCE_CANNOT_TELL);
	const char *why = NULL;

	for (unsigned int i = 0; i < all->nr && !why; i++)
		why = all->d[i].why;
	if (!n)
		return 0;
	return snprintf(buf, len, "For %u of %u values this cannot be told: %s. ", n, all->nr, why);
}

void comparison_sentence(char *buf, size_t len, const struct comparison_view *v)
{
	const struct differences *all = v->d;
	unsigned int shapes = count_shapes(all);
	int at = 0;

	at += put_word(buf + at, len - at, all, DIFFERENCE_WORSE, "Worse:");
	at += put_word(buf + at, len - at, all, DIFFERENCE_BETTER, "Better:");
	at += put_word(buf + at, len - at, all, DIFFERENCE_OTHER,
		       "Different, neither better nor worse:");
	if (!at && count_words(all, DIFFERENCE_NONE))
		at += snprintf(buf, len, "No difference that these recordings could show%s. ",
			       shapes ? " in any value" : "");
	if (shapes)
		at += snprintf(buf + at, len - at, "%u of %u distributions %s in shape. ", shapes,
			       all->nr_shapes, shapes == 1 ? "differs" : "differ");
	at += put_open(buf + at, len - at, all);
	if (!at)
		at = snprintf(buf, len, "These recordings have nothing that can be compared. ");
	buf[at - 1] = 0; /* the last space */
}

/* --- overlaid histograms ---------------------------------------------------------------------- */

static bool narrow(int64_t low, int64_t high)
{
	if (low >= 0)
		return high / LINEAR_SPAN <= low;
	return high < 0 && low / LINEAR_SPAN >= high;
}

static void choose_edges(struct edges *e, const struct hvst_sketch *const *s)
{
	int64_t low[2], high[2];

	for (unsigned int k = 0; k < 2; k++) {
		low[k] = hvst_sketch_quantile(s[k], 100);
		high[k] = hvst_sketch_quantile(s[k], 9900);
	}
	low[0] = low[1] < low[0] ? low[1] : low[0];
	high[0] = high[1] > high[0] ? high[1] : high[0];
	if (!narrow(low[0], high[0]) || !edges_linear(e, low[0], high[0], 0))
		edges_log(e);
}

static void fill(struct overlay *l, unsigned int k, const struct hvst_sketch *s)
{
	double all = (double)hvst_sketch_count(s);
	unsigned int iter = 0;
	int64_t lo, hi;
	uint64_t n;

	while (hvst_sketch_next(s, &iter, &lo, &hi, &n))
		l->share[k][edges_bucket(&l->edges, lo + (hi - 1 - lo) / 2)] += (double)n / all;
}

void overlay_make(struct overlay *l, const struct shape_difference *s)
{
	const struct hvst_sketch *const of[2] = { s->pair->a->whole[s->of],
						  s->pair->b->whole[s->of] };

	memset(l, 0, sizeof(*l));
	choose_edges(&l->edges, of);
	fill(l, 0, of[0]);
	fill(l, 1, of[1]);
	l->first = UINT32_MAX;
	for (unsigned int b = 0; b <= l->edges.n; b++) {
		double share = fmax(l->share[0][b], l->share[1][b]);

		if (share <= 0)
			continue;
		l->first = l->first < b ? l->first : b;
		l->last = b;
		l->most = fmax(l->most, share);
	}
}

void shape_title(char *buf, size_t len, const struct shape_difference *s)
{
	char who[96];
	int at = snprintf(buf, len, "%s of %s, distance %.3f",
			  s->of == BLOCK_SKEW ? "skew" : "lateness", comparison_who(who, s->pair),
			  s->distance);

	if (!isnan(s->chance))
		snprintf(buf + at, len - at,
			 s->differs ? ": more than the %.3f that chance explains"
				    : ": chance explains up to %.3f",
			 s->chance);
}

static void label(char *buf, size_t len, const struct edges *e, unsigned int b)
{
	char low[UNIT_BUF], high[UNIT_BUF];

	if (!b)
		snprintf(buf, len, "below %s", unit_edge(high, e->at[0]));
	else if (b == e->n)
		snprintf(buf, len, "from %s up", unit_edge(low, e->at[b - 1]));
	else
		snprintf(buf, len, "%s to %s", unit_edge(low, e->at[b - 1]),
			 unit_edge(high, e->at[b]));
}

static unsigned int bar_length(double share, double most, unsigned int width)
{
	unsigned int n = (unsigned int)(share / most * width + 0.5);

	return share > 0 && !n ? 1 : n;
}

/* '=' as far as both reach, then A or B for the one that reaches further. */
static void overlay_bar(char *buf, const struct overlay *l, unsigned int b, unsigned int width)
{
	unsigned int a = bar_length(l->share[0][b], l->most, width);
	unsigned int c = bar_length(l->share[1][b], l->most, width);
	unsigned int both = a < c ? a : c, most = a < c ? c : a;

	memset(buf, '=', both);
	memset(buf + both, a > c ? 'A' : 'B', most - both);
	buf[most] = 0;
}

static void shape_text(struct out *o, const struct shape_difference *s)
{
	static const struct column columns[] = {
		{ .title = "bucket" },
		{ .title = "A" },
		{ .title = "B" },
		{ .title = "", .left = true },
	};
	struct table *t = table_new(columns, 4);
	struct overlay *l = malloc(sizeof(*l));
	unsigned int width = o->width > 52 ? o->width - 44 : 8;
	char text[256], bar[MAX_BAR + 1];

	shape_title(text, sizeof(text), s);
	out_in(o, ROLE_TITLE, text);
	out_char(o, '\n');
	width = width > MAX_BAR ? MAX_BAR : width;
	if (l)
		overlay_make(l, s);
	for (unsigned int b = l ? l->first : 1; l && b <= l->last; b++) {
		if (l->share[0][b] <= 0 && l->share[1][b] <= 0)
			continue;
		label(text, sizeof(text), &l->edges, b);
		table_cell(t, ROLE_NONE, text);
		for (unsigned int k = 0; k < 2; k++)
			table_cell(t, ROLE_NONE, percent_text(text, "", l->share[k][b], "%"));
		overlay_bar(bar, l, b, width);
		table_cell(t, ROLE_NONE, bar);
	}
	table_end(t, o, 2);
	out_char(o, '\n');
	free(l);
}

static void shapes_text(struct out *o, const struct comparison_view *v)
{
	unsigned int shown = 0, left = 0;

	for (unsigned int i = 0; i < v->d->nr_shapes; i++) {
		const struct shape_difference *s = &v->d->shapes[i];

		if (!v->verbose && (!s->differs || shown == MOST_SHAPES)) {
			left++;
			continue;
		}
		shape_text(o, s);
		shown++;
	}
	if (left)
		out_printf(o, "%u more pair%s of histograms; -v shows them.\n", left,
			   left == 1 ? "" : "s");
}

/* --- text ------------------------------------------------------------------------------------- */

static enum role role_of(enum difference_word w)
{
	return w == DIFFERENCE_WORSE	? ROLE_BAD
	       : w == DIFFERENCE_BETTER ? ROLE_GOOD
	       : w == DIFFERENCE_OTHER	? ROLE_WARN
					: ROLE_NONE;
}

char *side_storms(char *buf, const struct side *s)
{
	bool known = false;
	char span[UNIT_BUF];
	double ns = 0;

	for (unsigned int i = 0; i < s->nr_units; i++)
		if (s->units[i].timer >= 0) {
			known |= s->units[i].of[MEASURE_STORM].known;
			ns += s->units[i].of[MEASURE_STORM].sum;
		}
	if (!known || s->left_out)
		buf[0] = 0;
	else if (ns < 1)
		strcpy(buf, ", no storm");
	else
		snprintf(buf, 96, ", %s in storms", unit_duration(span, (int64_t)ns));
	return buf;
}

static void side_text(struct out *o, const struct side *s, char name)
{
	char span[UNIT_BUF], block[UNIT_BUF], storms[96];

	out_printf(o, "%c  ", name);
	out_safe(o, s->path);
	out_printf(o, ", %s%s: ", unit_duration(span, s->span_ns), side_storms(storms, s));
	if (s->nr_batches)
		out_printf(o, "%u blocks of %s\n", s->nr_batches,
			   unit_duration(block, s->batch_ns));
	else
		out_str(o, "a result\n");
}

static void difference_row(struct table *t, const struct difference *d)
{
	char text[96];

	table_cell(t, ROLE_NONE, measure_title(d->measure));
	for (unsigned int k = 0; k < 2; k++)
		table_cell(t, ROLE_NONE, measure_text(text, d->measure, d->value[k]));
	table_cell(t, ROLE_NONE, interval_text(text, d));
	table_cell(t, role_of(d->word), difference_word_text(d->word));
	table_cell(t, ROLE_NONE, needed_text(text, d));
}

/* All measures of one pair, which follow each other. Returns the first of the next. */
static unsigned int pair_text(struct out *o, const struct differences *all, unsigned int i)
{
	static const struct column columns[] = {
		{ .title = "", .left = true },
		{ .title = "A" },
		{ .title = "B" },
		{ .title = "B - A, 97 %" },
		{ .title = "", .left = true },
		{ .title = "needs", .drop = 1 },
	};
	struct table *t = table_new(columns, ARRAY_SIZE(columns));
	const struct pair *p = all->d[i].pair;
	char who[96];

	out_in(o, ROLE_TITLE, comparison_who(who, p));
	out_char(o, '\n');
	for (; i < all->nr && all->d[i].pair == p; i++)
		difference_row(t, &all->d[i]);
	table_end(t, o, 2);
	out_char(o, '\n');
	return i;
}

static void unpaired_text(struct out *o, const struct side *s, char name)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < s->nr_units; i++)
		n += s->units[i].timer >= 0 && !s->units[i].paired;
	if (n)
		out_printf(o, "%u timer%s of %c without a counterpart.\n", n, n == 1 ? "" : "s",
			   name);
	if (s->left_out)
		out_printf(o, "%c has more than %u timers: the rest is left out.\n", name,
			   MAX_BLOCK_TIMERS);
}

static bool any_needs_longer(const struct differences *all)
{
	for (unsigned int i = 0; i < all->nr; i++)
		if (!isnan(all->d[i].times))
			return true;
	return false;
}

void comparison_text(struct out *o, const struct comparison_view *v)
{
	char text[1024];

	comparison_sentence(text, sizeof(text), v);
	out_wrap(o, 0, 0, 0, text);
	side_text(o, &v->c->side[0], 'A');
	side_text(o, &v->c->side[1], 'B');
	out_char(o, '\n');
	for (unsigned int i = 0; i < v->d->nr;)
		i = pair_text(o, v->d, i);
	if (any_needs_longer(v->d))
		out_wrap(o, 0, 0, 0,
			 "Needs: recordings this many times as long as these would show that "
			 "difference, if there is one.");
	shapes_text(o, v);
	unpaired_text(o, &v->c->side[0], 'A');
	unpaired_text(o, &v->c->side[1], 'B');
}

/* --- JSON and CSV ----------------------------------------------------------------------------- */

static void put_side(struct json *j, const char *key, const struct side *s)
{
	unsigned int unpaired = 0;

	for (unsigned int i = 0; i < s->nr_units; i++)
		unpaired += s->units[i].timer >= 0 && !s->units[i].paired;
	json_object(j, key);
	json_string(j, "file", s->path);
	json_i64(j, "span_ns", s->span_ns);
	json_u64(j, "blocks", s->nr_batches);
	json_i64(j, "block_ns", s->nr_batches ? s->batch_ns : HVST_UNKNOWN);
	json_u64(j, "unpaired_timers", unpaired);
	json_bool(j, "left_out", s->left_out);
	json_end_object(j);
}

static void put_role(struct json *j, const struct pair *p)
{
	json_object(j, "vm");
	json_id(j, "a", p->a->vm);
	json_id(j, "b", p->b->vm);
	json_end_object(j);
	json_id(j, "vcpu", p->a->vcpu);
	json_object(j, "timer");
	json_id(j, "a", p->a->timer);
	json_id(j, "b", p->b->timer);
	json_end_object(j);
}

/* Medians are whole ns; shares have nine digits. */
static int decimals_of(enum measure m)
{
	return m == MEASURE_SKEW || m == MEASURE_LATENESS ? 0 : 9;
}

static const char *unit_of(enum measure m)
{
	return m == MEASURE_SKEW || m == MEASURE_LATENESS ? "ns" : "share";
}

static void put_difference(struct json *j, const struct difference *d)
{
	int decimals = decimals_of(d->measure);

	json_object(j, NULL);
	put_role(j, d->pair);
	json_string(j, "measure", measure_name(d->measure));
	json_string(j, "unit", unit_of(d->measure));
	json_number(j, "a", d->value[0], decimals);
	json_number(j, "b", d->value[1], decimals);
	json_number(j, "difference", d->value[1] - d->value[0], decimals);
	json_number(j, "low", d->low, decimals);
	json_number(j, "high", d->high, decimals);
	json_string(j, "word", difference_word_name(d->word));
	json_number(j, "times_as_long", d->times, 3);
	json_string(j, "why", d->why);
	json_end_object(j);
}

static void put_shape(struct json *j, const struct shape_difference *s)
{
	json_object(j, NULL);
	put_role(j, s->pair);
	json_string(j, "of", s->of == BLOCK_SKEW ? "skew" : "lateness");
	json_number(j, "distance", s->distance, 6);
	json_number(j, "chance", s->chance, 6);
	if (isnan(s->chance))
		json_null(j, "differs");
	else
		json_bool(j, "differs", s->differs);
	json_end_object(j);
}

void comparison_json(struct out *o, const struct comparison_view *v)
{
	char text[1024];
	struct json j;

	comparison_sentence(text, sizeof(text), v);
	json_start(&j, o, 3);
	json_object(&j, NULL);
	json_string(&j, "schema", "hvstimer/2");
	json_object(&j, "comparison");
	json_string(&j, "summary", text);
	put_side(&j, "a", &v->c->side[0]);
	put_side(&j, "b", &v->c->side[1]);
	json_array(&j, "differences");
	for (unsigned int i = 0; i < v->d->nr; i++)
		put_difference(&j, &v->d->d[i]);
	json_end_array(&j);
	json_array(&j, "distributions");
	for (unsigned int i = 0; i < v->d->nr_shapes; i++)
		put_shape(&j, &v->d->shapes[i]);
	json_end_array(&j);
	json_end_object(&j);
	json_end_object(&j);
}

void comparison_csv(struct out *o, const struct comparison_view *v)
{
	struct csv c;

	csv_start(&c, o,
		  "vm_a,vm_b,vcpu,timer_a,timer_b,measure,unit,a,b,difference,low,high,word,"
		  "times_as_long");
	for (unsigned int i = 0; i < v->d->nr; i++) {
		const struct difference *d = &v->d->d[i];
		int decimals = decimals_of(d->measure);

		csv_id(&c, d->pair->a->vm);
		csv_id(&c, d->pair->b->vm);
		csv_id(&c, d->pair->a->vcpu);
		csv_id(&c, d->pair->a->timer);
		csv_id(&c, d->pair->b->timer);
		csv_string(&c, measure_name(d->measure));
		csv_string(&c, unit_of(d->measure));
		csv_number(&c, d->value[0], decimals);
		csv_number(&c, d->value[1], decimals);
		csv_number(&c, d->value[1] - d->value[0], decimals);
		csv_number(&c, d->low, decimals);
		csv_number(&c, d->high, decimals);
		csv_string(&c, difference_word_name(d->word));
		csv_number(&c, d->times, 3);
		csv_end_line(&c);
	}
}
