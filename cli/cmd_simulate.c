// SPDX-License-Identifier: GPL-2.0
/* hvstimer simulate: what delays of past-due timers would have done. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "analyse.h"
#include "message.h"
#include "output/contract.h"
#include "output/csv.h"
#include "output/simulation.h"
#include "output/svg.h"
#include "output/text.h"
#include "simulate.h"

struct simulate {
	struct context r;
	struct simulation sim;
	struct policy policies[MAX_POLICIES];
	unsigned int nr_policies;
	struct sim_total totals[MAX_POLICIES];
};

/* The default policies: the proposed patch, and the same for a guest that is stuck. */
static void default_policies(struct simulate *s)
{
	static const char *const texts[] = { "none", "pad=10us", "pad=10us,after=16" };
	char why[128];

	for (unsigned int i = 0; i < ARRAY_SIZE(texts); i++)
		if (policy_parse(&s->policies[s->nr_policies], texts[i], why, sizeof(why)))
			s->nr_policies++;
}

static void choose_policies(struct simulate *s)
{
	const struct options *o = &s->r.o;
	struct policy base = { .name = "pad=10us", .pad_ns = 10000 };

	if (o->sweep.term) {
		if (o->nr_policies)
			base = o->policies[0];
		for (unsigned int v = o->sweep.from; v <= o->sweep.to; v++)
			policy_vary(&s->policies[s->nr_policies++], &base, &o->sweep, v);
	} else if (o->nr_policies) {
		memcpy(s->policies, o->policies, o->nr_policies * sizeof(*o->policies));
		s->nr_policies = o->nr_policies;
	} else {
		default_policies(s);
	}
}

static int on_armed(void *ctx, const struct hvst_arm *arm, enum hvst_arm_cause cause)
{
	return sim_arm(&((struct simulate *)ctx)->sim, arm, cause);
}

static struct simulation_view view_of(const struct simulate *s)
{
	return (struct simulation_view){ .sim = &s->sim,
					 .trace = s->r.trace,
					 .result = s->r.result,
					 .totals = s->totals,
					 .sweep = &s->r.o.sweep,
					 .watchdog_ns = s->r.o.params.watchdog_ns,
					 .verbose = s->r.o.verbose };
}

static void draw(struct out *o, void *ctx)
{
	struct simulation_view v = view_of(ctx);

	svg_sweep(o, &v);
}

static void render(struct simulate *s)
{
	struct simulation_view v = view_of(s);
	struct json j;

	if (s->r.o.format == FORMAT_JSON) {
		contract_start(&j, &s->r.out, s->r.trace);
		contract_vms(&j, s->r.result);
		contract_storms(&j, s->r.result);
		simulation_json(&j, &v);
		contract_end(&j);
	} else if (s->r.o.format == FORMAT_CSV) {
		simulation_csv(&s->r.out, &v);
	} else {
		simulation_text(&s->r.out, &v);
		text_trace(&s->r.out, s->r.trace, s->r.o.verbose);
	}
}

static int simulate(struct simulate *s)
{
	static const struct hvst_observer obs = { .size = sizeof(obs), .armed = on_armed };
	const struct options *o = &s->r.o;
	int code;

	choose_policies(s);
	if (sim_init(&s->sim, s->policies, s->nr_policies, o->params.storm_max_gap_ns))
		return EXIT_INPUT;
	code = analyse_recording(&s->r, STIMER_IDS, &obs, s);
	if (code)
		return code;
	sim_finish(&s->sim, s->r.result, o->vm, s->r.trace->padding_ns);
	for (unsigned int p = 0; p < s->nr_policies; p++)
		sim_total(&s->sim, p, s->r.result, o->params.watchdog_ns, &s->totals[p]);
	return o->svg && !ctx_write(o->svg, draw, s) ? EXIT_INPUT : EXIT_OK;
}

int cmd_simulate(int argc, char **argv)
{
	struct simulate *s = calloc(1, sizeof(*s));
	int code;

	if (!s) {
		cli_error("out of memory");
		return EXIT_INPUT;
	}
	if (ctx_start(&s->r, CMD_SIMULATE, argc, argv, &code)) {
		code = simulate(s);
		if (s->sim.error) {
			cli_error("%s", strerror(-s->sim.error));
			code = EXIT_INPUT;
		}
		if (!code)
			render(s);
		sim_free(&s->sim);
		code = code ? ctx_fail(&s->r, code) : ctx_end(&s->r, false);
	}
	free(s);
	return code;
}
