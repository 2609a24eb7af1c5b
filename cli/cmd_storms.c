// SPDX-License-Identifier: GPL-2.0
/* hvstimer storms: the storms, one by one. */
#include <stdlib.h>

#include "message.h"
#include "output/contract.h"
#include "output/csv.h"
#include "output/text.h"
#include "analyse.h"

static void json(struct context *r)
{
	struct json j;

	contract_start(&j, &r->out, r->trace);
	contract_vms(&j, r->result);
	contract_storms(&j, r->result);
	contract_end(&j);
}

static void jsonl(struct context *r)
{
	contract_lines(&r->out, r->trace, &finding_storm, r->result->storms, r->result->nr_storms);
}

static void csv(struct context *r)
{
	csv_storms(&r->out, r->result);
}

/* Those that --filter selects, of @all. */
struct selected {
	struct hvst_result result;
	const struct hvst_result *all;
	const struct hvst_storm *storms[];
};

static void text(struct context *r)
{
	const struct hvst_result *res = r->result;
	const struct selected *s = r->selected;
	const struct hvst_result *all = s ? s->all : res;

	if (res->nr_storms)
		text_storm_details(&r->out, res, all, r->o.verbose);
	else if (all->nr_storms)
		out_str(&r->out, "No storm that --filter selects.\n");
	else
		text_no_storm(&r->out, res);
	text_past_due(&r->out, res->past_due, 0);
	text_trace(&r->out, r->trace, r->o.verbose);
}

static bool select_storms(struct context *r)
{
	const struct hvst_result *all = r->result;
	struct selected *s;

	if (!r->o.filter)
		return true;
	s = malloc(sizeof(*s) + all->nr_storms * sizeof(*s->storms));
	if (!s) {
		cli_error("out of memory");
		return false;
	}
	r->selected = s;
	s->result = *all;
	s->all = all;
	s->result.storms = s->storms;
	s->result.nr_storms = 0;
	for (unsigned int i = 0; i < all->nr_storms; i++)
		if (filter_eval(r->o.filter, FILTER_STORM, all->storms[i]) == FILTER_YES)
			s->storms[s->result.nr_storms++] = all->storms[i];
	r->result = &s->result;
	return true;
}

static bool findings(const struct context *r)
{
	return r->result->nr_storms > 0;
}

int cmd_storms(int argc, char **argv)
{
	static const struct report report = {
		.bit = CMD_STORMS,
		.ids = STIMER_IDS,
		.prepare = select_storms,
		.render = {
			[FORMAT_TEXT] = text,
			[FORMAT_JSON] = json,
			[FORMAT_JSONL] = jsonl,
			[FORMAT_CSV] = csv,
		},
		.findings = findings,
	};

	return analyse_and_report(&report, argc, argv);
}
