/* SPDX-License-Identifier: GPL-2.0 */
/* Between the parser, the names and the evaluation. */
#ifndef HVST_CLI_FILTER_PRIVATE_H
#define HVST_CLI_FILTER_PRIVATE_H

#include "../output/finding.h"
#include "filter.h"

/* How the values of a name are written, and compared. */
enum name_type {
	NAME_NUMBER,   /* 3, -1, 0x40000021; true and false */
	NAME_MSR,      /* hexadecimal, with or without 0x */
	NAME_DURATION, /* 1.5ms: with a unit, except 0 */
	NAME_TIME,     /* seconds, or with a unit */
	NAME_NS,       /* ns, or with a unit */
	NAME_FLOAT,
	NAME_WORD,  /* an identifier */
	NAME_EVENT, /* the name of an event, or a pattern */
	NAME_TEXT,
};

enum filter_op {
	OP_EQ,
	OP_NE,
	OP_LT,
	OP_LE,
	OP_GT,
	OP_GE,
	OP_BITS,     /* & */
	OP_LIKE,     /* ~ */
	OP_CONTAINS, /* a quoted text alone */
	OP_AND,
	OP_OR,
	OP_NOT,
};

struct filter_value {
	__int128 n; /* numbers; NAME_EVENT: bit per event */
	double d;
	const char *text;
};

/* A name of one kind of thing. */
struct filter_name {
	const char *name;
	const char *alias; /* as libtraceevent calls it; NULL */
	enum filter_about about;
	enum name_type type;
	bool (*read)(const void *what, struct filter_value *v); /* false: this one has none */
	const char *(*word)(int v); /* NAME_WORD: the words by number; NULL: no such */
};

/* What a test reads of one kind of thing; all NULL: nothing. */
struct filter_ref {
	const struct filter_name *name;
	const struct finding_field *field;
	bool event_field;
	enum name_type type;
	struct filter_value constant;
};

struct filter_node {
	enum filter_op op;
	int left, right; /* OP_AND, OP_OR; OP_NOT: left */
	char *name, *text;
	int8_t field[HVST_EV_COUNT]; /* of an event field: its number in each event, -1: none */
	struct filter_ref ref[FILTER_ABOUTS];
};

#define FILTER_NODES (4 * FILTER_TESTS)

struct filter {
	char *text;
	struct filter_node *nodes[FILTER_NODES];
	unsigned int nr_nodes, nr_tests;
	int root;
};

/*
 * Resolves @n->name for each kind of thing in @about. False after the reason was written to @why.
 */
bool filter_resolve(struct filter_node *n, unsigned int about, char *why);
/* The value that @what has; false: none. */
bool filter_read(const struct filter_node *n, enum filter_about about, const void *what,
		 struct filter_value *v);

#endif
