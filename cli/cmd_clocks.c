// SPDX-License-Identifier: GPL-2.0
/* hvstimer clocks: which clocks the guest and the host used, and whether they agree. */
#include "output/contract.h"
#include "output/csv.h"
#include "output/svg.h"
#include "output/text.h"
#include "output/two_clocks.h"
#include "analyse.h"

static void json(struct context *r)
{
	struct json j;

	contract_start(&j, &r->out, r->trace);
	contract_vms(&j, r->result);
	contract_clocks(&j, r->result);
	contract_end(&j);
}

static void jsonl(struct context *r)
{
	const struct hvst_result *res = r->result;

	contract_lines(&r->out, r->trace, &finding_reference, res->reference, res->nr_reference);
	contract_lines(&r->out, r->trace, &finding_guest, res->guest, res->nr_guest);
	contract_lines(&r->out, r->trace, &finding_life, res->life, res->nr_life);
	contract_lines(&r->out, r->trace, &finding_move, res->moves, res->nr_moves);
}

static void csv(struct context *r)
{
	csv_clocks(&r->out, r->result);
}

static void text(struct context *r)
{
	text_two_clocks(&r->out, r->result, r->o.verbose);
	out_char(&r->out, '\n');
	text_reference(&r->out, r->result, r->o.verbose);
	out_char(&r->out, '\n');
	text_guest(&r->out, r->result, r->o.verbose);
	out_char(&r->out, '\n');
	text_life(&r->out, r->result, r->o.verbose);
	out_char(&r->out, '\n');
	text_trace(&r->out, r->trace, r->o.verbose);
}

static void draw(struct out *o, void *ctx)
{
	const struct context *r = ctx;
	const struct svg_context svg = { r->trace, r->result, NULL };

	svg_clocks_document(o, &svg);
}

static bool plot(struct context *r)
{
	return !r->o.svg || ctx_write(r->o.svg, draw, r);
}

int cmd_clocks(int argc, char **argv)
{
	static const struct report report = {
		.bit = CMD_CLOCKS,
		.ids = CLOCK_IDS,
		.prepare = plot,
		.render = {
			[FORMAT_TEXT] = text,
			[FORMAT_JSON] = json,
			[FORMAT_JSONL] = jsonl,
			[FORMAT_CSV] = csv,
		},
	};

	return analyse_and_report(&report, argc, argv);
}
