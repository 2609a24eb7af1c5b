// SPDX-License-Identifier: GPL-2.0
/* Evaluation in three values: a test of a field that a kind of thing does not have is unknown. */
#include <ctype.h>
#include <string.h>

#include "filter_private.h"

/*
 * '*' stands for any characters, '?' for one. fnmatch() takes exponential time for many stars; this
 * one goes back to the last star only.
 */
static bool like(const char *text, const char *pattern)
{
	const char *star = NULL, *from = NULL;

	while (*text) {
		if (*pattern == '*') {
			star = pattern++;
			from = text;
		} else if (*pattern == '?' || *pattern == *text) {
			pattern++;
			text++;
		} else if (star) {
			pattern = star + 1;
			text = ++from;
		} else {
			return false;
		}
	}
	return !pattern[strspn(pattern, "*")];
}

static bool compare(enum filter_op op, int order)
{
	switch (op) {
	case OP_EQ:
		return !order;
	case OP_NE:
		return order;
	case OP_LT:
		return order < 0;
	case OP_LE:
		return order <= 0;
	case OP_GT:
		return order > 0;
	default:
		return order >= 0;
	}
}

static bool compare_text(enum filter_op op, const char *text, const char *with)
{
	return op == OP_LIKE ? like(text, with) : compare(op, strcmp(text, with));
}

static bool holds(enum filter_op op, enum name_type type, const struct filter_value *v,
		  const struct filter_value *c)
{
	switch (type) {
	case NAME_FLOAT:
		return compare(op, v->d < c->d ? -1 : v->d > c->d);
	case NAME_WORD:
	case NAME_TEXT:
		return compare_text(op, v->text, c->text);
	case NAME_EVENT:
		return (v->n & c->n) ? op != OP_NE : op == OP_NE;
	default:
		if (op == OP_BITS)
			return v->n & c->n;
		return compare(op, v->n < c->n ? -1 : v->n > c->n);
	}
}

static enum filter_truth test(const struct filter_node *n, enum filter_about about,
			      const void *what)
{
	const struct filter_ref *r = &n->ref[about];
	struct filter_value v;

	if (!r->name && !r->field && !r->event_field)
		return FILTER_UNKNOWN;
	/* A change of a whole VM's clock has no vCPU: it concerns each vCPU. */
	if (!filter_read(n, about, what, &v))
		return about == FILTER_GUEST ? FILTER_UNKNOWN : FILTER_NO;
	return holds(n->op, r->type, &v, &r->constant) ? FILTER_YES : FILTER_NO;
}

static enum filter_truth contains(const struct filter_node *n, enum filter_about about,
				  const void *what)
{
	const struct filter_event *e = what;

	if (about != FILTER_EVENT || !e->text)
		return FILTER_UNKNOWN;
	return strcasestr(e->text, n->text) ? FILTER_YES : FILTER_NO;
}

/*
 * The left side of a chain of && and || is as deep as the chain is long, at most FILTER_NODES: each
 * level of the recursion takes less than 100 bytes of stack.
 */
static enum filter_truth eval(const struct filter *f, int i, enum filter_about about,
			      const void *what)
{
	const struct filter_node *n = f->nodes[i];
	enum filter_truth a, b, decides;

	switch (n->op) {
	case OP_NOT:
		a = eval(f, n->left, about, what);
		return a == FILTER_UNKNOWN ? a : a == FILTER_NO ? FILTER_YES : FILTER_NO;
	case OP_AND:
	case OP_OR:
		decides = n->op == OP_AND ? FILTER_NO : FILTER_YES;
		a = eval(f, n->left, about, what);
		if (a == decides)
			return a;
		b = eval(f, n->right, about, what);
		return b == decides || a != FILTER_UNKNOWN ? b : a;
	case OP_CONTAINS:
		return contains(n, about, what);
	default:
		return test(n, about, what);
	}
}

enum filter_truth filter_eval(const struct filter *f, enum filter_about about, const void *what)
{
	return eval(f, f->root, about, what);
}

bool filter_needs(const struct filter *f, const char *name, enum filter_about about,
		  const void *what)
{
	for (unsigned int i = 0; i < f->nr_nodes; i++) {
		const struct filter_node *n = f->nodes[i];

		if (n->name && !strcmp(n->name, name) && test(n, about, what) == FILTER_YES)
			return true;
	}
	return false;
}
