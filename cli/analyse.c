// SPDX-License-Identifier: GPL-2.0
/* The pass of a command that analyses: counts, hints and exit codes around it. */
#include <stdio.h>

#include "message.h"
#include "output/hint.h"
#include "output/units.h"
#include "analyse.h"
#include "selection.h"

/* None of the events that were recorded is useful. */
static void report_nothing(const struct context *r)
{
	bool part = r->o.from.set || r->o.to.set || r->o.nr_cpus || r->o.buffers.n;
	char events[UNIT_BUF];
	struct out err;

	if (!r->trace->events) {
		cli_error("%s: no events%s", r->o.files.v[0], part ? " in the chosen part" : "");
		return;
	}
	cli_error("%s: none of its %s events%s is one that %s can use", r->o.files.v[0],
		  unit_count(events, r->trace->events), part ? " in the chosen part" : "",
		  r->o.command->name);
	out_open_memory(&err);
	out_str(&err, "Either no guest used a Hyper-V synthetic timer, or its events were not "
		      "recorded. Record them\non the host while the guest is stuck, with hvstimer "
		      "record or\n  ");
	record_command(&err, 0);
	out_char(&err, '\n');
	fwrite(err.buf, 1, err.len, stderr);
	out_discard(&err);
}

static bool seen_any(const struct context *r, uint64_t ids)
{
	unsigned int i;

	for (i = 0; i < HVST_EV_COUNT; i++)
		if (ids >> i & 1 && r->trace->seen[i])
			return true;
	return false;
}

/* Was nothing asked for but CPUs that the recording does not have? */
static bool no_such_cpu(const struct context *r)
{
	for (unsigned int i = 0; i < r->o.nr_cpus; i++)
		if (r->o.cpus[i] < r->trace->cpus)
			return false;
	return r->o.nr_cpus && r->trace->cpus;
}

int analyse_check(struct context *r, uint64_t ids)
{
	int code;

	if (seen_any(r, ids))
		return selection_check_ids(r);
	if (r->interrupted)
		return EXIT_OK; /* the parts that were not read may have some */
	code = selection_check_window(r);
	if (code)
		return code;
	if (no_such_cpu(r)) {
		cli_error("%s: no CPU %u here; the recording has %u, numbered from 0",
			  r->o.command->name, r->o.cpus[0], r->trace->cpus);
		return EXIT_USAGE;
	}
	report_nothing(r);
	return EXIT_NOTHING;
}

int analyse_recording(struct context *r, uint64_t ids, const struct hvst_observer *obs, void *ctx)
{
	if (!ctx_pass(r, HVST_NEED_ANALYSIS, obs, ctx))
		return EXIT_INPUT;
	return analyse_check(r, ids);
}

int analyse_and_report(const struct report *p, int argc, char **argv)
{
	struct context r;
	int code;

	if (!ctx_start(&r, p->bit, argc, argv, &code))
		return code;
	code = analyse_recording(&r, p->ids, NULL, NULL);
	if (code)
		return ctx_fail(&r, code);
	if (p->prepare && !p->prepare(&r))
		return ctx_fail(&r, EXIT_INPUT);
	p->render[r.o.format](&r);
	return ctx_end(&r, p->findings && p->findings(&r));
}
