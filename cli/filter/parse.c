// SPDX-License-Identifier: GPL-2.0
/*
 * Text -> tree of nodes, by recursive descent:
 *
 *	or   := and { "||" and }
 *	and  := not { "&&" not }
 *	not  := "!" not | "(" or ")" | test
 *	test := quoted text | NAME operator value
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../array.h"
#include "../opt/value.h"
#include "filter_private.h"

struct parser {
	struct filter *f;
	const char *at;
	unsigned int about, depth;
	char *why;
};

static int fail(struct parser *p, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Keeps the first reason. Returns -1. */
static int fail(struct parser *p, const char *fmt, ...)
{
	va_list ap;

	if (*p->why)
		return -1;
	va_start(ap, fmt);
	vsnprintf(p->why, FILTER_WHY, fmt, ap);
	va_end(ap);
	return -1;
}

static void skip_blanks(struct parser *p)
{
	p->at += strspn(p->at, " \t");
}

/* Takes @token if it is next. */
static bool accept(struct parser *p, const char *token)
{
	size_t len = strlen(token);

	skip_blanks(p);
	if (strncmp(p->at, token, len))
		return false;
	p->at += len;
	return true;
}

static int node_new(struct parser *p, enum filter_op op, int left, int right)
{
	struct filter *f = p->f;
	struct filter_node *n;

	if (left < 0 || right < 0)
		return -1;
	if (f->nr_nodes == FILTER_NODES)
		return fail(p, "it is too long");
	n = calloc(1, sizeof(*n));
	if (!n)
		return fail(p, "out of memory");
	n->op = op;
	n->left = left;
	n->right = right;
	f->nodes[f->nr_nodes] = n;
	return (int)f->nr_nodes++;
}

/* --- tests --- */

static char *take_text(struct parser *p, size_t len)
{
	char *text = strndup(p->at, len);

	if (!text)
		fail(p, "out of memory");
	p->at += len;
	return text;
}

static char *quoted(struct parser *p)
{
	char quote[] = { *p->at++, 0 };
	size_t len = strcspn(p->at, quote);
	char *text;

	if (!p->at[len]) {
		fail(p, "a text begins with %s and does not end", quote);
		return NULL;
	}
	text = take_text(p, len);
	p->at++;
	return text;
}

static char *value(struct parser *p)
{
	size_t len;

	skip_blanks(p);
	if (*p->at == '"' || *p->at == '\'')
		return quoted(p);
	len = strcspn(p->at, " \t()&|!<>=\"'");
	if (len)
		return take_text(p, len);
	fail(p, "a value is missing");
	return NULL;
}

static bool take_op(struct parser *p, enum filter_op *op)
{
	static const struct {
		const char *text;
		enum filter_op op;
	} ops[] = {
		{ "==", OP_EQ }, { "=", OP_EQ },  { "!=", OP_NE }, { "<=", OP_LE },
		{ "<", OP_LT },	 { ">=", OP_GE }, { ">", OP_GT },  { "~", OP_LIKE },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(ops); i++) {
		if (accept(p, ops[i].text)) {
			*op = ops[i].op;
			return true;
		}
	}
	*op = OP_BITS;
	return p->at[0] == '&' && p->at[1] != '&' && accept(p, "&");
}

static int count_test(struct parser *p, enum filter_op op)
{
	if (p->f->nr_tests++ == FILTER_TESTS)
		return fail(p, "it has more than %d comparisons", FILTER_TESTS);
	return node_new(p, op, 0, 0);
}

static int contains(struct parser *p)
{
	int i = count_test(p, OP_CONTAINS);
	struct filter_node *n;

	if (i < 0)
		return -1;
	n = p->f->nodes[i];
	if (!(p->about & FILTER_BIT(FILTER_EVENT)))
		return fail(p, "a text alone is for events");
	n->text = quoted(p);
	return n->text ? i : -1;
}

static int test(struct parser *p)
{
	enum filter_op op;
	size_t len;
	struct filter_node *n;
	int i;

	skip_blanks(p);
	if (*p->at == '"' || *p->at == '\'')
		return contains(p);
	len = strspn(p->at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.");
	if (!len)
		return *p->at ? fail(p, "a name is missing before '%.20s'", p->at)
			      : fail(p, "a comparison is missing at the end");
	i = count_test(p, OP_EQ);
	if (i < 0)
		return -1;
	n = p->f->nodes[i];
	n->name = take_text(p, len);
	if (!n->name)
		return -1;
	if (!take_op(p, &op))
		return events_matching(n->name)
			       ? fail(p, "'%.40s' needs a comparison; the event: event==%.40s",
				      n->name, n->name)
			       : fail(p, "'%.40s' needs a comparison: == != < <= > >= & ~",
				      n->name);
	n->op = op;
	n->text = value(p);
	if (!n->text || !filter_resolve(n, p->about, p->why))
		return -1;
	return i;
}

/* --- the rest of the grammar --- */

static int parse_or(struct parser *p);

static int parse_not(struct parser *p)
{
	bool negated = accept(p, "!");
	int i;

	if (!negated && !accept(p, "("))
		return test(p);
	if (p->depth == FILTER_DEPTH)
		return fail(p, "it is nested more than %d deep", FILTER_DEPTH);
	p->depth++;
	i = negated ? parse_not(p) : parse_or(p);
	p->depth--;
	if (i < 0)
		return -1;
	if (negated)
		return node_new(p, OP_NOT, i, 0);
	if (accept(p, ")"))
		return i;
	return *p->at ? fail(p, "a ) is missing before '%.20s'", p->at)
		      : fail(p, "a ) is missing at the end");
}

static int parse_and(struct parser *p)
{
	int i = parse_not(p);

	while (i >= 0 && accept(p, "&&"))
		i = node_new(p, OP_AND, i, parse_not(p));
	return i;
}

static int parse_or(struct parser *p)
{
	int i = parse_and(p);

	while (i >= 0 && accept(p, "||"))
		i = node_new(p, OP_OR, i, parse_and(p));
	return i;
}

struct filter *filter_parse(const char *text, unsigned int about, char *why)
{
	struct parser p = { .at = text, .about = about, .why = why };

	*why = 0;
	if (strlen(text) >= FILTER_LEN) {
		fail(&p, "it is longer than %d characters", FILTER_LEN - 1);
		return NULL;
	}
	p.f = calloc(1, sizeof(*p.f));
	if (p.f)
		p.f->text = strdup(text);
	if (!p.f || !p.f->text) {
		fail(&p, "out of memory");
	} else {
		p.f->root = parse_or(&p);
		skip_blanks(&p);
		if (p.f->root >= 0 && *p.at)
			fail(&p, "&& or || is missing before '%.20s'", p.at);
	}
	if (!*why)
		return p.f;
	filter_free(p.f);
	return NULL;
}

void filter_free(struct filter *f)
{
	if (!f)
		return;
	for (unsigned int i = 0; i < f->nr_nodes; i++) {
		free(f->nodes[i]->name);
		free(f->nodes[i]->text);
		free(f->nodes[i]);
	}
	free(f->text);
	free(f);
}

bool filter_uses(const struct filter *f, const char *name)
{
	for (unsigned int i = 0; i < f->nr_nodes; i++)
		if (f->nodes[i]->name && !strcmp(f->nodes[i]->name, name))
			return true;
	return false;
}

bool filter_has_text(const struct filter *f)
{
	for (unsigned int i = 0; i < f->nr_nodes; i++)
		if (f->nodes[i]->op == OP_CONTAINS)
			return true;
	return false;
}

const char *filter_text(const struct filter *f)
{
	return f->text;
}
