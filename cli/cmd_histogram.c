// SPDX-License-Identifier: GPL-2.0
/* What hvstimer skew and hvstimer latency share. */
#include <errno.h>
#include <string.h>

#include "cmd_histogram.h"
#include "collect.h"
#include "message.h"
#include "output/contract.h"
#include "output/histogram.h"
#include "output/svg.h"
#include "output/text.h"
#include "analyse.h"

#define MAX_PLOTS 12 /* series drawn into one SVG */

struct histogram {
	struct context r;
	struct collect c;
};

static int on_arm(void *ctx, const struct hvst_arm *arm)
{
	struct histogram *h = ctx;
	const struct filter *f = h->r.o.filter;

	if (f && filter_eval(f, FILTER_ARM, arm) != FILTER_YES)
		return 0;
	return collect_arm(&h->c, arm);
}

static int add_span(struct histogram *h, enum metric m, const struct hvst_fire *f, int64_t from,
		    int64_t to)
{
	if (from == HVST_UNKNOWN || to == HVST_UNKNOWN)
		return 0;
	return collect_add(&h->c, m, &(struct timer_id){ f->thread, f->vcpu, f->timer }, to,
			   to - from);
}

static int on_fire(void *ctx, const struct hvst_fire *f)
{
	struct histogram *h = ctx;
	int err;

	if (h->r.o.filter && filter_eval(h->r.o.filter, FILTER_FIRING, f) != FILTER_YES)
		return 0;
	err = add_span(h, METRIC_LATENESS, f, f->deadline_ns, f->callback_ns);
	if (!err)
		err = add_span(h, METRIC_DELIVERY, f, f->callback_ns, f->expiration_ns);
	if (!err)
		err = add_span(h, METRIC_ENTRY, f, f->expiration_ns, f->entry_ns);
	return err;
}

static bool collect_error(const struct histogram *h)
{
	if (h->c.error == -ERANGE)
		cli_error("%s: more than %d intervals; choose a longer --interval or a narrower "
			  "--from and --to",
			  h->r.o.command->name, MAX_INTERVALS);
	else if (h->c.error)
		cli_error("%s", strerror(-h->c.error));
	return h->c.error;
}

static bool pass(struct histogram *h)
{
	static const struct hvst_observer skew = { .size = sizeof(skew), .arm = on_arm },
					  latency = { .size = sizeof(latency), .fire = on_fire };

	if (!ctx_pass(&h->r, HVST_NEED_ANALYSIS, h->r.o.command->bit == CMD_SKEW ? &skew : &latency,
		      h))
		return false;
	collect_select(&h->c, h->r.result, h->r.o.vm);
	return !collect_error(h);
}

/* Returns an exit code; too many rows are a usage error. */
static int read_all(struct histogram *h)
{
	if (!pass(h))
		return h->c.error == -ERANGE ? EXIT_USAGE : EXIT_INPUT;
	if (h->r.o.scale != SCALE_LINEAR || h->r.interrupted)
		return EXIT_OK;
	if (!collect_linear(&h->c, h->r.o.bucket_ns)) {
		cli_error("%s: that makes more than %d buckets; choose a wider --bucket",
			  h->r.o.command->name, MAX_EDGES - 1);
		return EXIT_USAGE;
	}
	return pass(h) ? EXIT_OK : EXIT_INPUT;
}

static void text(struct histogram *h)
{
	struct out *o = &h->r.out;
	unsigned int i;

	for (i = 0; i < h->c.nr_series; i++) {
		const struct series *s = &h->c.series[i];

		if (h->r.o.heatmap)
			heatmap_text(o, &h->c, s);
		else if (h->r.o.interval_ns)
			intervals_text(o, &h->c, s, &h->r.o);
		else
			histogram_text(o, &h->c, s, &h->r.o);
	}
	text_trace(o, h->r.trace, h->r.o.verbose);
}

static void csv(struct histogram *h)
{
	if (h->r.o.interval_ns)
		intervals_csv(&h->r.out, &h->c, &h->r.o);
	else
		histogram_csv(&h->r.out, &h->c);
}

static void json(struct histogram *h)
{
	struct json j;

	contract_start(&j, &h->r.out, h->r.trace);
	contract_vms(&j, h->r.result);
	if (!h->r.o.filter) /* those of a timer cover all its arms */
		contract_timers(&j, h->r.result);
	if (h->r.o.by_set || h->r.o.filter)
		groups_json(&j, &h->c);
	if (h->r.o.interval_ns)
		intervals_json(&j, &h->c);
	contract_end(&j);
}

static void draw(struct out *o, void *ctx)
{
	struct histogram *h = ctx;
	const struct svg_context svg = { h->r.trace, h->r.result, &h->c };

	svg_document(o, &svg, h->r.o.heatmap, MAX_PLOTS);
}

static int render(struct histogram *h)
{
	collect_group(&h->c, h->r.result, h->r.o.by);
	if (collect_error(h) || (h->r.o.svg && !ctx_write(h->r.o.svg, draw, h)))
		return ctx_fail(&h->r, EXIT_INPUT);
	if (h->r.o.format == FORMAT_JSON)
		json(h);
	else if (h->r.o.format == FORMAT_CSV)
		csv(h);
	else
		text(h);
	return ctx_end(&h->r, false);
}

int cmd_histogram(enum command_bit bit, int argc, char **argv)
{
	int64_t origin = HVST_UNKNOWN;
	struct histogram h;
	bool plot;
	int code;

	if (!ctx_start(&h.r, bit, argc, argv, &code))
		return code;
	plot = h.r.o.heatmap || h.r.o.svg;
	if ((plot || h.r.o.interval_ns) && !ctx_origin(&h.r, &origin))
		return ctx_fail(&h.r, EXIT_INPUT);
	collect_init(&h.c, &h.r.o, origin, plot);
	code = read_all(&h);
	if (!code)
		code = analyse_check(&h.r, STIMER_IDS);
	code = code ? ctx_fail(&h.r, code) : render(&h);
	collect_free(&h.c);
	return code;
}
