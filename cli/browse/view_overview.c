// SPDX-License-Identifier: GPL-2.0
/* The whole recording in one line: its storms, and where the window is. */
#include "view.h"

int64_t br_overview_time(const struct br_model *m, int column)
{
	int64_t first, last;
	double share = (double)column / m->cols;

	if (!br_model_span(m, &first, &last))
		return HVST_UNKNOWN;
	return first + (int64_t)(share * ((double)last - (double)first + 1));
}

int br_overview_column(const struct br_model *m, int64_t ts)
{
	int64_t first, last;
	double share;

	if (!br_model_span(m, &first, &last))
		return 0;
	share = ((double)br_clamp_time(ts) - (double)first) / ((double)last - (double)first + 1);
	return share < 0 ? 0 : share >= 1 ? m->cols - 1 : (int)(share * m->cols);
}

static void draw_storms(const struct br_model *m, const struct br_layout *l, struct br_grid *g)
{
	for (unsigned int i = 0; i < m->live.nr_storms; i++) {
		const struct hvst_storm *s = m->live.storms[i];
		int from = br_overview_column(m, s->start_ns);
		int to = br_overview_column(m, s->end_ns);

		if (!br_storm_passes(m, s))
			continue;
		for (int c = from; c <= to; c++)
			br_put(g, l->gutter + c, l->overview.y, g->ascii ? '#' : 0x2588, BR_STORM);
	}
}

/* A bracket beside the window, unless a storm is there. */
static void bracket(const struct br_layout *l, struct br_grid *g, int column, uint32_t ch)
{
	const struct br_cell *c = br_cell(g, l->gutter + column, l->overview.y);

	if (column >= 0 && column < l->cols && c && c->role != BR_STORM)
		br_put(g, l->gutter + column, l->overview.y, ch, BR_KEY);
}

void br_draw_overview(const struct br_model *m, const struct br_layout *l, struct br_grid *g)
{
	int64_t first, last;
	int from, to;

	if (!l->overview.h || !br_model_span(m, &first, &last))
		return;
	from = br_overview_column(m, m->from);
	to = br_overview_column(m, br_model_end(m) - 1);
	br_text(g, 1, l->overview.y, l->gutter - 2, BR_DIM,
		l->gutter < 16 ? "overview" : "whole recording");
	for (int c = 0; c < l->cols; c++)
		br_put(g, l->gutter + c, l->overview.y,
		       c >= from && c <= to ? g->ascii ? '=' : 0x2501
		       : g->ascii	    ? '.'
					    : 0x2508,
		       c >= from && c <= to ? BR_KEY : BR_DIM);
	draw_storms(m, l, g);
	bracket(l, g, from - 1, '[');
	bracket(l, g, to + 1, ']');
}
