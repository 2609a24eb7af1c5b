/* SPDX-License-Identifier: GPL-2.0 */
/* The effects of policies, as text, JSON, CSV and a curve. */
#ifndef HVST_CLI_SIMULATION_H
#define HVST_CLI_SIMULATION_H

#include "../simulate.h"
#include "json.h"
#include "out.h"

/* Everything that is rendered; borrowed. */
struct simulation_view {
	const struct simulation *sim;
	const struct hvst_trace *trace;
	const struct hvst_result *result;
	const struct sim_total *totals;	  /* by policy */
	const struct policy_sweep *sweep; /* its term NULL: none */
	int64_t watchdog_ns;
	bool verbose;
};

void simulation_text(struct out *o, const struct simulation_view *v);
/* Into an open document, under "simulation". */
void simulation_json(struct json *j, const struct simulation_view *v);
void simulation_csv(struct out *o, const struct simulation_view *v);

/* One policy in a sentence or two. */
void simulation_sentence(char *buf, size_t len, const struct simulation_view *v,
			 unsigned int policy);
/* "the guest arms the same target again until its own clock has reached it" */
const char *response_text(enum hvst_response r);

#endif
