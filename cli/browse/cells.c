// SPDX-License-Identifier: GPL-2.0
/*
 * The columns of a row, added up. With 640 timers that takes tens of milliseconds, and most keys
 * change neither the window nor its contents: keep the sums.
 */
#include <stdlib.h>
#include <string.h>

#include "model.h"

#define SLOTS 256 /* more than there are rows on a screen */

struct br_cells {
	struct br_row row;
	int64_t from, col_ns;
	unsigned int generation;
	int n;
	struct br_column *column;
};

static struct br_cells *slot_of(const struct br_model *m, const struct br_row *row)
{
	unsigned int h = (unsigned int)row->kind * 31u + (unsigned int)row->vm * 2654435761u +
			 (unsigned int)row->timer * 40503u;

	return &m->cells[h % SLOTS];
}

static bool is_kept(const struct br_model *m, const struct br_cells *k, const struct br_row *row)
{
	return k->column && k->n == m->cols && k->generation == m->generation &&
	       k->from == m->from && k->col_ns == m->col_ns && k->row.kind == row->kind &&
	       k->row.vm == row->vm && k->row.timer == row->timer;
}

struct br_column br_model_column_sum(const struct br_model *m, const struct br_row *row, int c)
{
	int64_t from = m->from + c * m->col_ns;
	struct br_sum s;

	br_sum_init(&s);
	br_model_sum_row(m, row, from, from + m->col_ns, false, &s);
	return (struct br_column){ br_sum_arms(&s), s.past };
}

/* Column by column: the index unpacks bins of one timer that lie side by side at once. */
static void add_timer(const struct br_model *m, int timer, struct br_column *column)
{
	for (int c = 0; c < m->cols; c++) {
		int64_t from = m->from + c * m->col_ns;
		struct br_sum s;

		br_sum_init(&s);
		br_model_sum(m, timer, from, from + m->col_ns, false, &s);
		column[c].arms += br_sum_arms(&s);
		column[c].past += s.past;
	}
}

struct br_cells *br_cells_new(void)
{
	return calloc(SLOTS, sizeof(struct br_cells));
}

const struct br_column *br_model_columns(const struct br_model *m, const struct br_row *row)
{
	struct br_cells *k;
	struct br_column *column;

	if (!m->cells)
		return NULL;
	k = slot_of(m, row);
	if (is_kept(m, k, row))
		return k->column;
	column = realloc(k->column, (size_t)m->cols * sizeof(*column));
	if (!column)
		return NULL;
	*k = (struct br_cells){ *row, m->from, m->col_ns, m->generation, m->cols, column };
	memset(column, 0, (size_t)m->cols * sizeof(*column));
	if (row->kind == BR_ROW_TIMER && row->timer >= 0)
		add_timer(m, row->timer, column);
	for (unsigned int i = 0; row->kind == BR_ROW_VM && i < row->n; i++)
		add_timer(m, m->shown[row->first + i], column);
	return column;
}

void br_cells_free(struct br_cells *cells)
{
	for (unsigned int i = 0; cells && i < SLOTS; i++)
		free(cells[i].column);
	free(cells);
}
