// SPDX-License-Identifier: GPL-2.0
/* hvstimer compare: two recordings, or results, side by side. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "blocks.h"
#include "analyse.h"
#include "difference.h"
#include "message.h"
#include "output/comparison.h"
#include "result_read.h"

struct compare {
	struct context r[2]; /* A's has the output, too */
	bool open[2];	     /* to be ended */
	struct blocks blocks;
	struct comparison c;
	struct differences d;
};

static int out_of_memory(void)
{
	cli_error("out of memory");
	return EXIT_INPUT;
}

/* Side @k keeps its own file, and its part of the time. */
static void choose_part(struct options *o, unsigned int k)
{
	o->files.v[0] = o->files.v[o->files.n > 1 ? k : 0];
	o->files.n = 1;
	if (o->split.set && k)
		o->from = o->split;
	else if (o->split.set)
		o->to = o->split;
	if (!k)
		return;
	o->output = NULL; /* A's */
	o->explain = false;
}

static int read_recording(struct compare *x, unsigned int k)
{
	struct context *r = &x->r[k];
	int code;

	x->open[k] = ctx_open(r, &code);
	if (!x->open[k])
		return code;
	blocks_init(&x->blocks);
	code = analyse_recording(r, STIMER_IDS, &blocks_observer, &x->blocks);
	if (x->blocks.error || (!code && side_from_blocks(&x->c.side[k], r->o.files.v[0],
							  &x->blocks, r->trace, r->result)))
		code = out_of_memory();
	blocks_free(&x->blocks);
	return code;
}

/* Both sides have the same options. False: as ctx_parse(). */
static bool parse(struct compare *x, int argc, char **argv, int *code)
{
	for (unsigned int k = 0; k < 2; k++) {
		if (!ctx_parse(&x->r[k], CMD_COMPARE, argc, argv, code))
			return false;
		x->open[k] = true;
		choose_part(&x->r[k].o, k);
	}
	return true;
}

/* A result of diagnose. The first side opens the output. */
static int read_result(struct compare *x, unsigned int k)
{
	struct context *r = &x->r[k];
	const char *path = r->o.files.v[0];
	char why[512];
	int err;

	if (r->o.from.set || r->o.to.set) {
		cli_error("compare: %s is a result of diagnose: of that no part can be chosen",
			  path);
		return EXIT_USAGE;
	}
	err = out_open(&r->out, r->o.output, r->o.color);
	if (err) {
		cli_error("%s: %s", r->o.output, strerror(-err));
		return EXIT_INPUT;
	}
	err = side_from_result(&x->c.side[k], path, why, sizeof(why));
	if (err)
		cli_error("%s", why);
	return err ? EXIT_INPUT : EXIT_OK;
}

static int read_side(struct compare *x, unsigned int k)
{
	const char *path = x->r[k].o.files.v[0];

	return strcmp(path, "-") && is_result(path) ? read_result(x, k) : read_recording(x, k);
}

/* One side alone is no comparison. */
static int interrupted(const struct compare *x)
{
	if (!x->r[0].o.quiet)
		cli_warn("interrupted before all of %s was read: nothing was compared",
			 x->r[1].o.files.v[0]);
	return EXIT_INTERRUPTED;
}

static int find(struct compare *x)
{
	if (comparison_pair(&x->c) || differences_find(&x->d, &x->c))
		return out_of_memory();
	if (x->d.nr)
		return EXIT_OK;
	if (x->r[1].interrupted)
		return interrupted(x);
	cli_error("compare: no timer of %s has a counterpart in %s", x->c.side[0].path,
		  x->c.side[1].path);
	return EXIT_NOTHING;
}

static struct comparison_view view_of(const struct compare *x)
{
	return (struct comparison_view){ .c = &x->c, .d = &x->d, .verbose = x->r[0].o.verbose };
}

static void draw_svg(struct out *o, void *ctx)
{
	struct comparison_view v = view_of(ctx);

	comparison_svg(o, &v);
}

static void draw_html(struct out *o, void *ctx)
{
	struct comparison_view v = view_of(ctx);

	comparison_html(o, &v);
}

static bool write_files(struct compare *x)
{
	const struct options *o = &x->r[0].o;

	return (!o->svg || ctx_write(o->svg, draw_svg, x)) &&
	       (!o->html || ctx_write(o->html, draw_html, x));
}

static void render(struct compare *x)
{
	struct comparison_view v = view_of(x);
	struct out *o = &x->r[0].out;

	if (x->r[0].o.format == FORMAT_JSON)
		comparison_json(o, &v);
	else if (x->r[0].o.format == FORMAT_CSV)
		comparison_csv(o, &v);
	else
		comparison_text(o, &v);
}

/* What --check found. */
static int judge(const struct compare *x)
{
	bool unknown = false;

	for (unsigned int i = 0; i < x->d.nr; i++) {
		if (difference_beyond(&x->d.d[i], x->r[0].o.tolerance))
			return EXIT_FINDINGS;
		unknown |= x->d.d[i].word == DIFFERENCE_CANNOT_TELL;
	}
	return unknown ? EXIT_UNKNOWN : EXIT_OK;
}

/* Ends both sessions; the exit code of the first that failed. */
static int end(struct compare *x, int code)
{
	bool check = !code && x->r[0].o.check;
	int found = check ? judge(x) : EXIT_OK, one;

	for (unsigned int k = 2; k-- > 0;) {
		x->r[k].o.check = false;
		if (!x->open[k])
			continue;
		one = code ? ctx_fail(&x->r[k], code) : ctx_end(&x->r[k], false);
		if (one && !code)
			code = one;
	}
	return code ? code : found;
}

static int compare(struct compare *x)
{
	int code = read_side(x, 0);

	if (!code && ctx_interrupt_caught())
		return interrupted(x);
	if (!code)
		code = read_side(x, 1);
	if (!code)
		code = find(x);
	if (!code && !write_files(x))
		code = EXIT_INPUT;
	if (!code)
		render(x);
	return code;
}

int cmd_compare(int argc, char **argv)
{
	struct compare *x = calloc(1, sizeof(*x));
	int code;

	if (!x)
		return out_of_memory();
	if (parse(x, argc, argv, &code))
		code = end(x, compare(x));
	else if (x->open[0])
		ctx_fail(&x->r[0], code);
	differences_free(&x->d);
	comparison_free(&x->c);
	free(x);
	return code;
}
