// SPDX-License-Identifier: GPL-2.0
/*
 * hvstimer events. Two passes: the first tells which thread belongs to which VM and which
 * expirations prove an arm without a start event, the second prints.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "output/eventline.h"
#include "output/eventtext.h"
#include "output/units.h"
#include "analyse.h"
#include "derive.h"

#define KNOWN_EVENTS ((1ULL << HVST_EV_COUNT) - 1)

#define MAX_INFERRED (4u << 20) /* inferred arms kept: 32 bytes each */
#define COMM_SLOTS   1024

/* The VM and vCPU of an event; -1: not known. */
struct owner {
	int vm, vcpu;
};

/* Cached command name; slots are indexed by tid and overwritten. */
struct comm {
	int tid;
	bool used;
	char name[64];
};

struct events {
	struct context r;
	struct eventline *line;
	uint64_t wanted; /* bit per event id */
	struct derive *derive;
	uint64_t printed; /* events */
	struct comm comms[COMM_SLOTS];
	struct hvst_decoder *decoder; /* for texts that --filter looks for; else NULL */
	char text[640];
};

/* --- first pass ------------------------------------------------------------------------------- */

static int learn_arm(void *ctx, const struct hvst_arm *arm)
{
	derive_learn_arm(((struct events *)ctx)->derive, arm);
	return 0;
}

static int learn_fire(void *ctx, const struct hvst_fire *fire)
{
	derive_learn_fire(((struct events *)ctx)->derive, fire);
	return 0;
}

/* --- second pass ------------------------------------------------------------------------------ */

static const char *comm_of(struct events *e, const struct hvst_event *ev)
{
	struct comm *c = &e->comms[(unsigned int)ev->pid % COMM_SLOTS];

	if (ev->id == HVST_EV_LOST)
		return "";
	if (!c->used || c->tid != ev->pid) {
		c->used = true;
		c->tid = ev->pid;
		snprintf(c->name, sizeof(c->name), "%s", hvst_session_comm(e->r.s, ev->pid));
	}
	return c->name;
}

static bool selected(const struct events *e, const struct hvst_event *ev, const struct owner *who)
{
	const struct options *o = &e->r.o;

	if (!(e->wanted >> ev->id & 1))
		return false;
	if (ev->id == HVST_EV_LOST)
		return true;
	return (o->vm < 0 || o->vm == who->vm) && (o->timer < 0 || o->timer == derive_timer(ev)) &&
	       (o->vcpu < 0 || o->vcpu == who->vcpu);
}

/* The text that --filter searches; the decoder has to see every event. */
static const char *text_of(struct events *e, const struct hvst_event *ev)
{
	char meaning[256];

	hvst_decoder_text(e->decoder, ev, meaning, sizeof(meaning));
	return event_text(ev, meaning, e->text, sizeof(e->text));
}

static bool passes(struct events *e, const struct hvst_event *ev, const struct owner *who,
		   const struct derived *d)
{
	const struct filter_event what = {
		.ev = ev,
		.vm = who->vm,
		.vcpu = who->vcpu,
		.timer = derive_timer(ev),
		.comm = comm_of(e, ev),
		.arm = d->arm,
		.skew_ns = d->skew_ns,
		.late_ns = d->late_ns,
		.gap_ns = d->gap_ns,
		.text = e->decoder ? text_of(e, ev) : NULL,
	};

	return ev->id == HVST_EV_LOST ||
	       filter_eval(e->r.o.filter, FILTER_EVENT, &what) == FILTER_YES;
}

static int on_event(void *ctx, const struct hvst_event *ev)
{
	struct events *e = ctx;
	struct owner who;
	struct derived d;
	bool passed;

	hvst_session_whose(e->r.s, ev, &who.vm, &who.vcpu);
	d = derive_event(e->derive, ev, who.vm);
	passed = !e->r.o.filter || passes(e, ev, &who, &d);
	if (passed && selected(e, ev, &who)) {
		e->printed++;
		eventline_put(e->line, &e->r.out, ev, comm_of(e, ev), &d);
	} else {
		eventline_pass(e->line, ev);
	}
	return e->r.out.err;
}

static int on_arm(void *ctx, const struct hvst_arm *arm, enum hvst_arm_cause cause)
{
	(void)cause;
	derive_armed(((struct events *)ctx)->derive, arm);
	return 0;
}

/* --- command ---------------------------------------------------------------------------------- */

static int print_all(struct events *e)
{
	const struct hvst_observer obs = { .size = sizeof(obs),
					   .event = on_event,
					   .armed = on_arm };

	derive_learnt(e->derive);
	e->line = eventline_new(e->r.o.format, e->wanted & KNOWN_EVENTS, e->r.trace, e->r.o.date);
	if (!e->line) {
		cli_error("out of memory");
		return EXIT_INPUT;
	}
	eventline_head(e->line, &e->r.out);
	if (!ctx_pass(&e->r, HVST_NEED_EVENTS | HVST_NEED_ANALYSIS, &obs, e))
		return EXIT_INPUT;
	return EXIT_OK;
}

/* What the analysis has to keep for this filter. */
static bool start_filter(struct events *e)
{
	const struct filter *f = e->r.o.filter;

	e->derive = derive_new(MAX_INFERRED, f && filter_uses(f, "late"));
	e->decoder = f && filter_has_text(f) ? hvst_decoder_new() : NULL;
	if (e->derive && (e->decoder || !f || !filter_has_text(f)))
		return true;
	cli_error("out of memory");
	return false;
}

/* Nothing was printed: because no such event was recorded, or by the other options? */
static void warn_none(const struct events *e)
{
	const struct hvst_trace *t = e->r.trace;
	bool recorded = e->wanted >> HVST_EV_LOST & 1;

	for (unsigned int i = 0; i < HVST_EV_COUNT; i++)
		recorded |= e->wanted >> i & 1 && t->seen[i];
	if (recorded)
		cli_warn("events: none selected by these options was seen");
	else
		cli_warn("events: none that --event names was recorded%s",
			 e->r.o.from.set || e->r.o.to.set || e->r.o.nr_cpus || e->r.o.buffers.n
				 ? " in the chosen part"
				 : "");
}

static int read_twice(struct events *e)
{
	const struct hvst_observer first = { .size = sizeof(first),
					     .arm = learn_arm,
					     .fire = learn_fire };
	int code;

	if (!start_filter(e))
		return ctx_fail(&e->r, EXIT_INPUT);

	/* selected() filters: all VMs must be known to tell which one a callback belongs to */
	hvst_session_set_filter(e->r.s, -1, -1, -1);
	code = analyse_recording(&e->r, KNOWN_EVENTS, &first, e);

	if (!code && !e->r.interrupted)
		code = print_all(e);
	if (code)
		return ctx_fail(&e->r, code);
	if (derive_forgotten(e->derive) && !e->r.o.quiet)
		cli_error("events: %llu inferred arms beyond %u were not marked; narrow --from and "
			  "--to",
			  (unsigned long long)derive_forgotten(e->derive), MAX_INFERRED);
	if (!e->printed && !e->r.interrupted)
		warn_none(e);
	return ctx_end(&e->r, false);
}

/* False after a message: wall-clock times are wanted, and nothing tells them. */
static bool date_known(struct events *e, int *code)
{
	char buf[UNIT_BUF];

	if (!e->r.o.date || strcmp(unit_utc(buf, 0), "-"))
		return true;
	cli_error("events: --date: the recording does not carry its wall-clock time; --utc-at "
		  "tells it");
	*code = ctx_fail(&e->r, EXIT_USAGE);
	return false;
}

int cmd_events(int argc, char **argv)
{
	struct events *e = calloc(1, sizeof(*e));
	int code;

	if (!e) {
		cli_error("out of memory");
		return EXIT_INPUT;
	}
	if (ctx_start(&e->r, CMD_EVENTS, argc, argv, &code) && date_known(e, &code)) {
		e->wanted = e->r.o.events ? e->r.o.events : KNOWN_EVENTS | 1ULL << HVST_EV_LOST;
		code = read_twice(e);
	}
	eventline_free(e->line);
	derive_free(e->derive);
	hvst_decoder_free(e->decoder);
	free(e);
	return code;
}
