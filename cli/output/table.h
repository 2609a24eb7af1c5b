/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Text tables that fit the width: columns are as wide as their cells, the least important go
 * first.
 */
#ifndef HVST_CLI_TABLE_H
#define HVST_CLI_TABLE_H

#include "out.h"

#define TABLE_MAX_COLUMNS 64

struct column {
	const char *title;
	bool left;	    /* text; numbers stand right */
	unsigned char drop; /* 0: always shown; else the highest goes first */
	bool flexible;	    /* last column: cut at the width instead of being dropped */
	bool hide_zero;	    /* not shown if all of its cells are 0 */
};

struct table;

/* @columns is borrowed. NULL without memory, or for more than TABLE_MAX_COLUMNS. */
struct table *table_new(const struct column *columns, unsigned int n);
/* The next cell, row by row; @text is copied. */
void table_cell(struct table *t, enum role role, const char *text);
void table_printf(struct table *t, enum role role, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Prints and frees. @indent: spaces before each row. */
void table_end(struct table *t, struct out *o, unsigned int indent);
/* The same with the titles on a line that is already filled up to column @indent. */
void table_end_labelled(struct table *t, struct out *o, unsigned int indent);

#endif
