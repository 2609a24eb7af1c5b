// SPDX-License-Identifier: GPL-2.0
/* hvstimer diagnose: the whole report, of one recording or of several. */
#include <errno.h>
#include <string.h>
#include <time.h>

#include "array.h"
#include "blocks.h"
#include "collect.h"
#include "compare.h"
#include "message.h"
#include "output/brief.h"
#include "output/contract.h"
#include "output/html.h"
#include "output/metrics.h"
#include "output/otlp.h"
#include "output/text.h"
#include "analyse.h"
#include "recordings.h"

struct diagnose {
	struct context r;
	struct collect c;     /* for the plots of the page */
	struct blocks blocks; /* for JSON */
	char **argv;
};

/* Output for several recordings, kept until the last one is read. */
struct several {
	struct out summary, reports; /* in memory */
};

static int on_arm(void *ctx, const struct hvst_arm *arm)
{
	return collect_arm(&((struct diagnose *)ctx)->c, arm);
}

/* With both a page and JSON. */
static int on_arm_both(void *ctx, const struct hvst_arm *arm)
{
	int err = on_arm(ctx, arm);

	return err ? err : blocks_arm(&((struct diagnose *)ctx)->blocks, arm);
}

static int on_fire(void *ctx, const struct hvst_fire *fire)
{
	return blocks_fire(&((struct diagnose *)ctx)->blocks, fire);
}

static int on_progress(void *ctx, const struct hvst_progress *p)
{
	return blocks_progress(&((struct diagnose *)ctx)->blocks, p);
}

static void draw(struct out *o, void *ctx)
{
	struct diagnose *d = ctx;
	const struct svg_context svg = { d->r.trace, d->r.result, &d->c };

	struct notes notes;
	char why[NOTES_MESSAGE];

	if (notes_read(&notes, d->r.o.files.v[0], NULL, why))
		cli_warn("%s", why);
	html_report(o, &svg, &notes, d->argv);
}

static bool write_page(struct diagnose *d)
{
	collect_select(&d->c, d->r.result, d->r.o.vm);
	collect_group(&d->c, d->r.result, BY_ALL);
	if (!d->c.error)
		return ctx_write(d->r.o.html, draw, d);
	cli_error("%s", strerror(-d->c.error));
	return false;
}

static void draw_metrics(struct out *o, void *ctx)
{
	const struct context *r = ctx;
	int err = metrics_diagnosis(o, r->trace, r->result);

	if (err && !o->err)
		o->err = -err;
}

static void draw_otlp(struct out *o, void *ctx)
{
	const struct context *r = ctx;
	struct timespec now;
	int err;

	clock_gettime(CLOCK_REALTIME, &now);
	err = otlp_diagnosis(o, r->trace, r->result,
			     (int64_t)now.tv_sec * 1000000000 + now.tv_nsec);
	if (err && !o->err)
		o->err = -err;
}

/* The files that are asked for beside the report. */
static bool write_files(struct diagnose *d)
{
	const struct options *o = &d->r.o;

	if (o->html && !write_page(d))
		return false;
	if (o->metrics && !ctx_write(o->metrics, draw_metrics, &d->r))
		return false;
	return !o->otlp || ctx_write(o->otlp, draw_otlp, &d->r);
}

static bool write_json(const struct context *r, struct out *o, const struct blocks *b)
{
	struct side blocks;
	bool ok = !b->error && !side_from_blocks(&blocks, r->o.files.v[0], b, r->trace, r->result);

	if (ok)
		contract_diagnosis(o, r->trace, r->result, &blocks);
	else
		cli_error("out of memory");
	if (!b->error)
		side_free(&blocks);
	return ok;
}

/* @b: for JSON. False after a message. */
static bool write_report(const struct context *r, struct out *o, const struct blocks *b)
{
	if (r->o.format == FORMAT_JSON)
		return write_json(r, o, b);
	if (r->o.brief)
		brief_diagnosis(o, r->trace, r->result);
	else
		text_diagnosis(o, r->trace, r->result, r->o.verbose);
	return true;
}

static int analyse_for(struct diagnose *d)
{
	static const struct hvst_observer plots = { .size = sizeof(plots), .arm = on_arm };
	static const struct hvst_observer both = {
		.size = sizeof(both), .arm = on_arm_both, .fire = on_fire, .progressed = on_progress
	};
	struct context *r = &d->r;

	if (r->o.format == FORMAT_JSON && !r->o.html)
		return analyse_recording(r, STIMER_IDS, &blocks_observer, &d->blocks);
	return analyse_recording(r, STIMER_IDS,
				 r->o.format == FORMAT_JSON ? &both
				 : r->o.html		    ? &plots
							    : NULL,
				 d);
}

static int diagnose(struct diagnose *d)
{
	struct context *r = &d->r;
	int code = analyse_for(d);

	if (code)
		return ctx_fail(r, code);
	if (!write_files(d) || !write_report(r, &r->out, &d->blocks))
		return ctx_fail(r, EXIT_INPUT);
	return ctx_end(r, r->result->nr_storms > 0);
}

/* The report of one recording: @d has only the files of that one left. */
static int diagnose_one(struct diagnose *d, char **argv)
{
	int64_t origin = HVST_UNKNOWN;
	int code;

	if (!ctx_open(&d->r, &code))
		return code;
	if (d->r.o.html && !ctx_origin(&d->r, &origin))
		return ctx_fail(&d->r, EXIT_INPUT);
	d->argv = argv;
	collect_init(&d->c, &d->r.o, origin, true);
	blocks_init(&d->blocks);
	code = diagnose(d);
	collect_free(&d->c);
	blocks_free(&d->blocks);
	return code;
}

static void put_names(struct out *o, const struct string_list *files)
{
	for (unsigned int i = 0; i < files->n; i++) {
		out_str(o, i ? ", " : "");
		out_safe(o, files->v[i]);
	}
}

static bool add_report(struct several *all, const struct context *r, const struct blocks *b)
{
	struct out *o = &all->reports;

	o->color = r->out.color;
	o->width = r->out.width;
	o->height = r->out.height;
	if (r->o.format == FORMAT_TEXT) {
		put_names(&all->summary, &r->o.files);
		out_str(&all->summary, ": ");
		out_str(&all->summary, r->result->headline);
		out_char(&all->summary, '\n');
		out_str(o, "\n==> ");
		put_names(o, &r->o.files);
		out_str(o, " <==\n");
	}
	return write_report(r, o, b);
}

/* Recording @n of @g, for which there is no report. */
static void add_failure(struct several *all, const struct recordings *g, unsigned int n,
			const struct options *o, int code)
{
	unsigned int shown = 0;

	if (o->format != FORMAT_TEXT)
		return;
	for (unsigned int i = 0; i < o->files.n; i++) {
		if (g->recording[i] != n)
			continue;
		out_str(&all->summary, shown++ ? ", " : "");
		out_safe(&all->summary, o->files.v[i]);
	}
	out_str(&all->summary, code == EXIT_NOTHING ? ": nothing in it that diagnose can use\n"
						    : ": could not be analysed\n");
}

static int diagnose_part(struct several *all, struct context *r, bool *reported)
{
	bool json = r->o.format == FORMAT_JSON;
	struct blocks b;
	int code;

	blocks_init(&b);
	code = analyse_recording(r, STIMER_IDS, json ? &blocks_observer : NULL, &b);
	if (!code && !add_report(all, r, &b))
		code = EXIT_INPUT;
	blocks_free(&b);
	*reported = !code;
	if (code)
		return ctx_fail(r, code);
	r->o.explain = false; /* below the last report */
	return ctx_end(r, r->result->nr_storms > 0);
}

/* The exit status of several recordings: one that cannot be read outweighs findings. */
static int worse(int a, int b)
{
	static const int order[] = { EXIT_INTERRUPTED, EXIT_USAGE,   EXIT_INPUT,
				     EXIT_FINDINGS,    EXIT_UNKNOWN, EXIT_NOTHING };

	for (unsigned int i = 0; i < ARRAY_SIZE(order); i++)
		if (a == order[i] || b == order[i])
			return order[i];
	return EXIT_OK;
}

/* Write the summary, then the reports. An exit code. */
static int write_several(struct several *all, const struct options *o)
{
	struct out out;
	int err = all->summary.err ? all->summary.err : all->reports.err;

	if (!err)
		err = out_open(&out, NULL, o->color);
	if (!err) {
		if (all->summary.len) /* there is none with --json */
			out_mem(&out, all->summary.buf, all->summary.len);
		if (all->reports.len)
			out_mem(&out, all->reports.buf, all->reports.len);
		if (o->explain)
			text_glossary(&out);
		err = out_close(&out);
	}
	if (!err || err == -EPIPE)
		return EXIT_OK;
	cli_error("standard output: %s", strerror(err < 0 ? -err : err));
	return EXIT_INPUT;
}

static int diagnose_several(const struct recordings *g, const struct options *o, int argc,
			    char **argv)
{
	int code = EXIT_OK, one = EXIT_OK;
	struct several all;
	struct context r;

	out_open_memory(&all.summary);
	out_open_memory(&all.reports);
	for (unsigned int n = 0; n < g->nr && one != EXIT_INTERRUPTED; n++) {
		bool reported = false;

		if (ctx_parse(&r, CMD_DIAGNOSE, argc, argv, &one)) {
			recordings_select(g, n, &r.o.files);
			if (ctx_open(&r, &one))
				one = diagnose_part(&all, &r, &reported);
		}
		if (!reported)
			add_failure(&all, g, n, o, one);
		code = worse(code, one);
	}
	code = worse(code, write_several(&all, o));
	out_discard(&all.summary);
	out_discard(&all.reports);
	return code;
}

/* Prints how several files are taken; false: an option forbids it. */
static bool several_allowed(const struct recordings *g, const struct options *o)
{
	const char *one = o->html      ? "--html"
			  : o->output  ? "--output"
			  : o->metrics ? "--metrics"
			  : o->otlp    ? "--otlp"
				       : NULL;

	if (g->nr > 1 && one) {
		if (g->differ)
			cli_error("diagnose: %s and %s are different recordings (their %s differ), "
				  "and %s takes one report; --together joins them",
				  g->first, g->two, g->differ, one);
		else
			cli_error("diagnose: not all files can be read, and %s takes one report",
				  one);
		return false;
	}
	if (o->quiet || !g->compared || (g->nr > 1 && !g->differ))
		return true;
	if (g->nr > 1)
		cli_warn("%s and %s are different recordings (their %s differ): one report each; "
			 "--together joins them",
			 g->first, g->two, g->differ);
	else
		cli_warn("%s and %u more are taken as parts of one recording: nothing in them "
			 "differs that tells recordings apart",
			 g->first, o->files.n - 1);
	return true;
}

int cmd_diagnose(int argc, char **argv)
{
	struct recordings g;
	struct diagnose d;
	int code;

	if (!ctx_parse(&d.r, CMD_DIAGNOSE, argc, argv, &code))
		return code;
	if (!recordings_find(&g, &d.r.o))
		return ctx_fail(&d.r, EXIT_INPUT);
	if (!several_allowed(&g, &d.r.o)) {
		code = ctx_fail(&d.r, EXIT_USAGE);
	} else if (g.nr > 1) {
		code = diagnose_several(&g, &d.r.o, argc, argv);
		ctx_fail(&d.r, code);
	} else {
		code = diagnose_one(&d, argv);
	}
	recordings_free(&g);
	return code;
}
