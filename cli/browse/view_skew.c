// SPDX-License-Identifier: GPL-2.0
/*
 * Skew over time of the selected row: minimum, median and maximum a column, on a signed log scale.
 */
#include <math.h>

#include "../output/units.h"
#include "view.h"

#define LINEAR_NS 1000.0 /* below this the scale is linear, so that zero has a place */
#define DOTS	  4	 /* of a braille cell, from top to bottom */

struct skew_scale {
	double lo, hi;
	int rows, dots; /* dots of a row: 1 or DOTS */
};

static double to_log(int64_t skew)
{
	double v = (double)skew;

	return v < 0 ? -log1p(-v / LINEAR_NS) : log1p(v / LINEAR_NS);
}

/* The dot line of a value, 0 at the top. */
static int line_of(const struct skew_scale *s, int64_t skew)
{
	int n = s->rows * s->dots;
	int i = (int)((s->hi - to_log(skew)) / (s->hi - s->lo) * (n - 1) + 0.5);

	return i < 0 ? 0 : i >= n ? n - 1 : i;
}

static bool make_scale(const struct br_model *m, const struct br_row *row, const struct br_grid *g,
		       int rows, struct skew_scale *s)
{
	struct br_sum sum;

	br_sum_init(&sum);
	br_model_sum_row(m, row, m->from, br_model_end(m), false, &sum);
	if (sum.skew_min == HVST_UNKNOWN)
		return false;
	*s = (struct skew_scale){ to_log(sum.skew_min), to_log(sum.skew_max), rows,
				  g->ascii ? 1 : DOTS };
	s->lo = s->lo > 0 ? 0 : s->lo; /* zero, where past due begins, is always there */
	s->hi = s->hi < 0 ? 0 : s->hi;
	if (s->hi - s->lo < 1)
		s->hi += 1;
	return true;
}

/* Braille: the left dots are the range, the right one the median. */
static uint32_t braille(int top, int bottom, int median, int row)
{
	static const uint8_t left[DOTS] = { 0x01, 0x02, 0x04, 0x40 },
			     right[DOTS] = { 0x08, 0x10, 0x20, 0x80 };
	uint32_t ch = 0;

	for (int d = 0; d < DOTS; d++) {
		int line = row * DOTS + d;

		ch |= line >= top && line <= bottom ? left[d] : 0;
		ch |= line == median ? left[d] | right[d] : 0;
	}
	return ch ? 0x2800 + ch : 0;
}

static uint32_t plain(int top, int bottom, int median, int row)
{
	if (row == median)
		return 'o';
	return row >= top && row <= bottom ? '|' : 0;
}

static void draw_column(const struct br_model *m, const struct br_row *row,
			const struct skew_scale *s, struct br_grid *g, int x, int y, int c)
{
	struct br_sum sum;
	int top, bottom, median, zero = line_of(s, 0) / s->dots;

	br_sum_init(&sum);
	br_model_sum_row(m, row, m->from + c * m->col_ns, m->from + (c + 1) * m->col_ns, true,
			 &sum);
	if (sum.skew_min == HVST_UNKNOWN)
		return;
	top = line_of(s, sum.skew_max);
	bottom = line_of(s, sum.skew_min);
	median = line_of(s, br_sum_median(&sum));
	for (int r = 0; r < s->rows; r++) {
		uint32_t ch =
			g->ascii ? plain(top, bottom, median, r) : braille(top, bottom, median, r);

		if (ch)
			br_put(g, x, y + r, ch,
			       r == median / s->dots   ? BR_MEDIAN
			       : r <= zero && sum.past ? BR_PAST
						       : BR_AHEAD);
	}
}

static int64_t from_log(double v)
{
	double ns = (v < 0 ? -expm1(-v) : expm1(v)) * LINEAR_NS;

	return ns > 9e18 ? INT64_MAX : ns < -9e18 ? INT64_MIN + 1 : (int64_t)ns;
}

static void draw_axis(const struct skew_scale *s, const struct br_layout *l, struct br_grid *g)
{
	int zero = line_of(s, 0) / s->dots;
	char label[UNIT_BUF];

	for (int c = 0; c < l->cols; c++)
		br_put(g, l->gutter + c, l->skew.y + zero, g->ascii ? '-' : 0x2500, BR_AXIS);
	for (int r = 0; r < s->rows; r++) {
		bool shown = r == 0 || r == s->rows - 1 || r == zero;
		double v = s->hi - (s->hi - s->lo) * r / (s->rows > 1 ? s->rows - 1 : 1);

		if (!shown || (r != zero && (r == zero - 1 || r == zero + 1)))
			continue;
		unit_signed(label, r == zero ? 0 : from_log(v));
		br_printf(g, 0, l->skew.y + r, l->gutter - 1, BR_AXIS, "%*s", l->gutter - 1, label);
	}
}

void br_draw_skew(const struct br_model *m, const struct br_layout *l, struct br_grid *g)
{
	int at = br_model_row(m);
	const struct br_row *row = at < 0 ? NULL : &m->rows[at];
	struct skew_scale s;

	if (!l->skew.h)
		return;
	if (row && (row->kind == BR_ROW_CLOCKS || row->kind == BR_ROW_REFERENCE ||
		    row->kind == BR_ROW_GUEST)) {
		br_draw_clocks(m, l, g, row->vm);
		return;
	}
	if (!row || !make_scale(m, row, g, l->skew.h, &s)) {
		br_text(g, 1, l->skew.y, l->skew.w - 2, BR_DIM, "skew: none known for this row");
		return;
	}
	draw_axis(&s, l, g);
	for (int c = 0; c < l->cols; c++)
		draw_column(m, row, &s, g, l->gutter + c, l->skew.y, c);
	br_text(g, 1, l->skew.y + (l->skew.h > 1), 8, BR_DIM, "skew");
}
