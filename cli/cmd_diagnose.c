// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "collect.h"
#include "message.h"
#include "output/brief.h"
#include "output/contract.h"
#include "output/html.h"
#include "output/text.h"
#include "context.h"

struct diagnose {
	struct context r;
	struct collect c; /* for the plots of the page */
	char **argv;
};

static int on_arm(void *ctx, const struct hvst_arm *arm)
{
	return collect_arm(&((struct diagnose *)ctx)->c, arm);
}

static void draw(struct out *o, void *ctx)
{
	struct diagnose *d = ctx;
	const struct svg_context svg = { d->r.trace, d->r.result, &d->c };

	html_report(o, &svg, d->argv);
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

static int diagnose(struct diagnose *d)
{
	static const struct hvst_observer plots = { .arm = on_arm };
	struct context *r = &d->r;
	int code = ctx_analyse(r, STIMER_IDS, r->o.html ? &plots : NULL, d);

	if (code)
		return ctx_fail(r, code);
	if (r->o.html && !write_page(d))
		return ctx_fail(r, EXIT_INPUT);
	if (r->o.format == FORMAT_JSON)
		contract_diagnosis(&r->out, r->trace, r->result);
	else if (r->o.brief)
		brief_diagnosis(&r->out, r->trace, r->result);
	else
		text_diagnosis(&r->out, r->trace, r->result, r->o.verbose);
	return ctx_end(r, r->result->nr_storms > 0);
}

int cmd_diagnose(int argc, char **argv)
{
	int64_t origin = HVST_UNKNOWN;
	struct diagnose d;
	int code;

	if (!ctx_start(&d.r, CMD_DIAGNOSE, argc, argv, &code))
		return code;
	if (d.r.o.html && !ctx_origin(&d.r, &origin))
		return ctx_fail(&d.r, EXIT_INPUT);
	d.argv = argv;
	collect_init(&d.c, &d.r.o, origin, true);
	code = diagnose(&d);
	collect_free(&d.c);
	return code;
}
