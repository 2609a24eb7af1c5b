// SPDX-License-Identifier: GPL-2.0
/* Layout of text tables. */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "table.h"

#define GAP	       2
#define FLEXIBLE_LEAST 16  /* minimum width of a flexible column */
#define MAX_CUT	       512 /* no screen is as wide: see out.c */

struct cell {
	char *text;
	enum role role;
};

struct table {
	const struct column *columns;
	unsigned int nr_columns;
	struct cell *cells;
	size_t nr, cap;
	bool failed; /* no memory for a cell: print nothing instead of a misaligned table */
};

struct table *table_new(const struct column *columns, unsigned int n)
{
	struct table *t = n <= TABLE_MAX_COLUMNS ? calloc(1, sizeof(*t)) : NULL;

	if (!t)
		return NULL;
	t->columns = columns;
	t->nr_columns = n;
	return t;
}

static bool table_room(struct table *t)
{
	size_t cap = t->cap ? t->cap * 2 : 64;
	struct cell *cells;

	if (t->nr < t->cap)
		return true;
	cells = reallocarray(t->cells, cap, sizeof(*cells));
	if (!cells)
		return false;
	t->cells = cells;
	t->cap = cap;
	return true;
}

void table_cell(struct table *t, enum role role, const char *text)
{
	char *copy;

	if (!t || t->failed)
		return;
	copy = strdup(text);
	if (!copy || !table_room(t)) {
		free(copy);
		t->failed = true;
		return;
	}
	t->cells[t->nr++] = (struct cell){ copy, role };
}

void table_printf(struct table *t, enum role role, const char *fmt, ...)
{
	char buf[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	table_cell(t, role, buf);
}

static unsigned int column_width(const struct table *t, unsigned int c)
{
	size_t w = strlen(t->columns[c].title);
	size_t i;

	for (i = c; i < t->nr; i += t->nr_columns) {
		size_t len = strlen(t->cells[i].text);

		w = len > w ? len : w;
	}
	return w;
}

static bool all_zero(const struct table *t, unsigned int c)
{
	size_t i;

	for (i = c; i < t->nr; i += t->nr_columns)
		if (strcmp(t->cells[i].text, "0") && strcmp(t->cells[i].text, "-"))
			return false;
	return true;
}

static unsigned int total_width(const struct table *t, const unsigned int *width)
{
	unsigned int c, sum = 0;

	for (c = 0; c < t->nr_columns; c++)
		sum += width[c] ? width[c] + GAP : 0;
	return sum ? sum - GAP : 0;
}

/* The visible column with the highest drop value; -1: none can be dropped. */
static int dispensable(const struct table *t, const unsigned int *width)
{
	unsigned int c, most = 0;
	int found = -1;

	for (c = 0; c < t->nr_columns; c++) {
		unsigned int drop = t->columns[c].drop;

		if (drop && all_zero(t, c))
			drop += 256; /* the least informative */
		if (!width[c] || drop <= most)
			continue;
		most = drop;
		found = c;
	}
	return found;
}

/* Drops columns (width 0) until the rest fits @space. */
static void fit(const struct table *t, unsigned int *width, unsigned int space)
{
	int c;

	while (total_width(t, width) > space && (c = dispensable(t, width)) >= 0)
		width[c] = 0;
}

static void put_cell(struct out *o, const struct column *col, unsigned int width, unsigned int room,
		     const struct cell *cell, bool last)
{
	unsigned int len = strlen(cell->text);
	unsigned int pad = len < width ? width - len : 0;

	if (!col->left)
		out_pad(o, pad, ' ');
	if (col->flexible && len > room && room > 4) {
		char cut[MAX_CUT];

		snprintf(cut, room - 1 < sizeof(cut) ? room - 1 : sizeof(cut), "%s", cell->text);
		out_in(o, cell->role, cut);
		out_str(o, "..");
	} else {
		out_in(o, cell->role, cell->text);
	}
	if (col->left && !last)
		out_pad(o, pad, ' ');
}

static void put_row(const struct table *t, struct out *o, const unsigned int *width,
		    unsigned int indent, const struct cell *row)
{
	unsigned int c, last = 0, at = indent;

	for (c = 0; c < t->nr_columns; c++)
		last = width[c] ? c : last;
	for (c = 0; c <= last; c++) {
		if (!width[c])
			continue;
		put_cell(o, &t->columns[c], width[c], o->width > at ? o->width - at : 0, &row[c],
			 c == last);
		if (c != last)
			out_pad(o, GAP, ' ');
		at += width[c] + GAP;
	}
	out_char(o, '\n');
}

static void put_titles(const struct table *t, struct out *o, const unsigned int *width,
		       unsigned int indent)
{
	struct cell row[TABLE_MAX_COLUMNS];
	unsigned int c;

	for (c = 0; c < t->nr_columns; c++)
		row[c] = (struct cell){ (char *)t->columns[c].title, ROLE_DIM };
	put_row(t, o, width, indent, row);
}

static void table_put(const struct table *t, struct out *o, unsigned int indent)
{
	unsigned int width[TABLE_MAX_COLUMNS];
	unsigned int c, flexible = 0;
	size_t i;

	for (c = 0; c < t->nr_columns; c++) {
		width[c] = t->columns[c].hide_zero && all_zero(t, c) ? 0 : column_width(t, c);
		if (t->columns[c].flexible && width[c] > FLEXIBLE_LEAST)
			flexible = width[c] - FLEXIBLE_LEAST;
	}
	fit(t, width, o->width > indent ? o->width - indent + flexible : flexible);
	put_titles(t, o, width, indent);
	for (i = 0; i + t->nr_columns <= t->nr; i += t->nr_columns) {
		out_pad(o, indent, ' ');
		put_row(t, o, width, indent, &t->cells[i]);
	}
}

void table_end(struct table *t, struct out *o, unsigned int indent)
{
	if (t && !t->failed)
		out_pad(o, indent, ' ');
	table_end_labelled(t, o, indent);
}

void table_end_labelled(struct table *t, struct out *o, unsigned int indent)
{
	size_t i;

	if (!t)
		return;
	if (!t->failed)
		table_put(t, o, indent);
	for (i = 0; i < t->nr; i++)
		free(t->cells[i].text);
	free(t->cells);
	free(t);
}
