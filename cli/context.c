// SPDX-License-Identifier: GPL-2.0
/* The life of a command that reads a recording: options, session, passes, end. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "message.h"
#include "now.h"
#include "output/hint.h"
#include "output/text.h"
#include "output/trace.h"
#include "output/units.h"
#include "spool.h"
#include "context.h"
#include "vms.h"

#define PROGRESS_FIRST_NS 500000000
#define PROGRESS_EVERY_NS 100000000

/* A signal handler has no argument: the session that SIGINT stops. One command runs at a time. */
static struct hvst_session *volatile interruptible;
static volatile sig_atomic_t interrupt_caught;

static void on_interrupt(int sig)
{
	(void)sig;
	interrupt_caught = 1;
	if (interruptible)
		hvst_session_stop(interruptible);
}

/* SA_RESETHAND: the second SIGINT kills. */
static void catch_interrupt(struct hvst_session *s)
{
	struct sigaction sa = { .sa_handler = on_interrupt, .sa_flags = SA_RESETHAND };

	interruptible = s;
	sigaction(SIGINT, &sa, NULL);
}

bool ctx_interrupt_caught(void)
{
	return interrupt_caught;
}

static void clear_progress(struct context *r)
{
	if (r->progress_shown)
		fputs("\r\033[K", stderr);
	r->progress_shown = false;
}

static int on_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct context *r = ctx;
	int64_t now = now_ns();

	if (now >= r->progress_next_ns && total) {
		fprintf(stderr, "\rhvstimer: %3u %%", (unsigned int)((double)done / total * 100));
		r->progress_shown = true;
		r->progress_next_ns = now + PROGRESS_EVERY_NS;
	}
	return r->out.err; /* the output is closed: stop */
}

static int quiet_progress(void *ctx, uint64_t done, uint64_t total)
{
	(void)done;
	(void)total;
	return ((struct context *)ctx)->out.err;
}

/* A session has one context for all callbacks: pass the command's. */
static int pass_event(void *ctx, const struct hvst_event *ev)
{
	struct context *r = ctx;

	return r->observer->event(r->ctx, ev);
}

static int pass_arm(void *ctx, const struct hvst_arm *arm)
{
	struct context *r = ctx;

	return r->observer->arm(r->ctx, arm);
}

static int pass_fire(void *ctx, const struct hvst_fire *fire)
{
	struct context *r = ctx;

	return r->observer->fire(r->ctx, fire);
}

static int pass_armed(void *ctx, const struct hvst_arm *arm, enum hvst_arm_cause cause)
{
	struct context *r = ctx;

	return r->observer->armed(r->ctx, arm, cause);
}

static int pass_progress(void *ctx, const struct hvst_progress *p)
{
	struct context *r = ctx;

	return r->observer->progressed(r->ctx, p);
}

static int observe(struct context *r, const struct hvst_observer *obs, void *ctx)
{
	bool show = !r->o.quiet && isatty(STDERR_FILENO);
	struct hvst_observer all = { .size = sizeof(all),
				     .progress = show ? on_progress : quiet_progress };

	if (obs) {
		all.event = obs->event ? pass_event : NULL;
		all.arm = obs->arm ? pass_arm : NULL;
		all.fire = obs->fire ? pass_fire : NULL;
		all.armed = obs->armed ? pass_armed : NULL;
		all.progressed = obs->progressed ? pass_progress : NULL;
	}
	r->observer = obs;
	r->ctx = ctx;
	r->progress_next_ns = now_ns() + PROGRESS_FIRST_NS;
	return hvst_session_set_observer(r->s, &all, r);
}

static int input_error(const struct hvst_session *s, const struct options *o, int err)
{
	const char *msg = hvst_session_error(s);
	const char *hint = "";

	if (err == -ENOENT && o->default_file)
		hint = "; name a recording, or make one with hvstimer record";
	else if (err == -ESPIPE)
		hint = ", or give it on standard input, which is named -";
	cli_error("%s%s", *msg ? msg : strerror(-err), hint);
	return EXIT_INPUT;
}

/* Options passed on to the session; 0 or a negative errno. */
static int configure(struct hvst_session *s, const struct options *o)
{
	unsigned int i;
	int err = 0;

	for (i = 0; !err && i < o->files.n; i++)
		err = strcmp(o->files.v[i], "-")
			      ? hvst_session_add_file(s, o->files.v[i])
			      : hvst_session_add_fd(s, o->input_fd, o->files.v[i]);
	for (i = 0; !err && i < o->buffers.n; i++)
		err = hvst_session_add_buffer(s, o->buffers.v[i]);
	for (i = 0; !err && i < o->nr_cpus; i++)
		err = hvst_session_add_cpu(s, o->cpus[i]);
	for (i = 0; !err && i < o->ignore.n; i++)
		err = hvst_session_ignore(s, o->ignore.v[i]);
	if (!err)
		err = hvst_session_set_reader(s, o->reader);
	if (!err)
		err = hvst_session_set_threads(s, o->threads);
	if (!err)
		err = hvst_session_set_params(s, &o->params);
	hvst_session_set_filter(s, o->vm, o->vcpu, o->timer);
	return err;
}

struct hvst_session *ctx_new_session(const struct options *o)
{
	struct hvst_session *s = hvst_session_new();
	int err;

	if (!s) {
		cli_error("out of memory");
		return NULL;
	}
	err = configure(s, o);
	if (!err)
		err = hvst_session_open(s);
	if (!err)
		return s;
	input_error(s, o, err);
	hvst_session_free(s);
	return NULL;
}

/* Events of several hosts, merged by time, look like those of one host. */
static void warn_different(const struct context *r)
{
	const struct hvst_trace *t = r->trace;
	const char *differ = NULL;
	unsigned int i;

	for (i = 1; i < t->nr_files && !differ; i++)
		differ = hvst_session_differs(r->s, 0, r->s, i);
	if (differ)
		cli_warn("%s and %s are different recordings (their %s differ): merged by time all "
			 "the same",
			 t->files[0]->path, t->files[i - 1]->path, differ);
}

static int open_session(struct context *r)
{
	int fd = reads_stdin(&r->o) ? spool_stdin(r->o.max_kb) : STDIN_FILENO;

	if (fd < 0)
		return EXIT_INPUT;
	r->o.input_fd = fd;
	r->s = ctx_new_session(&r->o);
	if (!r->s)
		return EXIT_INPUT;
	r->trace = hvst_session_trace(r->s);
	catch_interrupt(r->s);
	if (!r->o.quiet)
		warn_different(r);
	return EXIT_OK;
}

/* In ns of the trace clock; false when it is given in cycles and the clock counts none. */
static bool time_arg_ns(const struct context *r, const struct time_arg *a, int64_t base,
			int64_t *ns)
{
	const struct hvst_trace *t = r->trace;
	__int128 v = a->ns;

	if (a->cycles && !t->cycles)
		return false;
	if (a->cycles)
		v = v * t->scale_mult >> t->scale_shift;
	v += a->relative ? base : 0;
	*ns = v > INT64_MAX ? INT64_MAX : (int64_t)v;
	return true;
}

static int stop_here(void *ctx, const struct hvst_event *ev)
{
	(void)ev;
	*(bool *)ctx = true;
	return 1;
}

/* Read up to the first event, to know when the recording begins. */
static bool find_first(struct context *r)
{
	static const struct hvst_observer any = { .size = sizeof(any), .event = stop_here };
	bool found = false;

	if (!ctx_pass(r, HVST_NEED_EVENTS, &any, &found))
		return false;
	r->interrupted &= !found;
	return true;
}

bool ctx_dated(const struct hvst_trace *t)
{
	unsigned int i;

	for (i = 0; i < t->nr_files; i++)
		if (!t->files[i]->dated)
			return false;
	return t->nr_files;
}

/* Wall-clock time of trace time 0: by --utc-at, else as the files have it; @at is that of --utc-at.
 */
static int64_t utc_of_zero(const struct context *r, int64_t at)
{
	if (at != HVST_UNKNOWN)
		return r->o.utc.epoch_ns - at;
	return ctx_dated(r->trace) ? 0 : HVST_UNKNOWN;
}

/*
 * --from, --to and --utc-at; relative ones count from the first event, for which it may need a look
 * at the file. An exit code.
 */
static int set_times(struct context *r)
{
	const struct options *o = &r->o;
	int64_t base = 0, at = HVST_UNKNOWN;

	if (o->from.relative || o->to.relative || o->utc.at.relative) {
		if (r->trace->first_ns == HVST_UNKNOWN && !find_first(r))
			return EXIT_INPUT;
		base = r->trace->first_ns == HVST_UNKNOWN ? 0 : r->trace->first_ns;
	}
	if ((o->from.set && !time_arg_ns(r, &o->from, base, &r->from_ns)) ||
	    (o->to.set && !time_arg_ns(r, &o->to, base, &r->to_ns)) ||
	    (o->utc.at.set && !time_arg_ns(r, &o->utc.at, base, &at))) {
		cli_error("%s: the trace clock %s counts no cycles", o->command->name,
			  r->trace->clock ? r->trace->clock : "?");
		return EXIT_USAGE;
	}
	unit_set_utc(utc_of_zero(r, at));
	return EXIT_OK;
}

void ctx_empty_window(const struct context *r)
{
	char first[UNIT_BUF], last[UNIT_BUF];

	cli_error("%s: no event between --from and --to; the recording goes from %s to %s s",
		  r->o.command->name, unit_time(first, r->trace->first_ns),
		  unit_time(last, r->trace->last_ns));
}

/*
 * VMs are numbered in order of appearance, and their names are known at the end: a part of the
 * recording, or a VM by its name, takes a pass over all that comes before --to first. An exit code.
 */
static int learn_vms(struct context *r)
{
	int code = EXIT_OK;

	if (r->from_ns == HVST_UNKNOWN && !r->o.vm_name)
		return EXIT_OK;
	hvst_session_set_filter(r->s, -1, -1, -1);
	hvst_session_set_window(r->s, HVST_UNKNOWN, r->to_ns);
	if (!ctx_pass(r, HVST_NEED_ANALYSIS, NULL, NULL))
		return EXIT_INPUT;
	if (r->interrupted) {
		cli_warn("interrupted before anything was found");
		return EXIT_INTERRUPTED;
	}
	if (!r->o.to.set && r->trace->last_ns != HVST_UNKNOWN && r->from_ns > r->trace->last_ns) {
		ctx_empty_window(r);
		return EXIT_USAGE;
	}
	if (r->o.vm_name)
		code = vms_find(&r->o, r->result);
	hvst_session_set_filter(r->s, r->o.vm, r->o.vcpu, r->o.timer);
	return code;
}

bool ctx_parse(struct context *r, enum command_bit bit, int argc, char **argv, int *code)
{
	enum parse_result parsed;

	memset(r, 0, sizeof(*r));
	r->from_ns = r->to_ns = HVST_UNKNOWN;
	out_open_memory(&r->out);
	parsed = options_parse(&r->o, command_by_bit(bit), argc, argv);
	if (parsed != PARSE_GO)
		*code = ctx_fail(r, parse_exit_code(parsed));
	return parsed == PARSE_GO;
}

bool ctx_open(struct context *r, int *code)
{
	int err;

	*code = open_session(r);
	if (*code) {
		ctx_fail(r, *code);
		return false;
	}
	err = out_open(&r->out, r->o.output, r->o.color);
	if (err) {
		cli_error("%s: %s", r->o.output, strerror(-err));
		*code = ctx_fail(r, EXIT_INPUT);
		return false;
	}
	*code = set_times(r);
	if (!*code)
		*code = learn_vms(r);
	if (*code) {
		ctx_fail(r, *code);
		return false;
	}
	hvst_session_set_window(r->s, r->from_ns, r->to_ns);
	return true;
}

bool ctx_start(struct context *r, enum command_bit bit, int argc, char **argv, int *code)
{
	return ctx_parse(r, bit, argc, argv, code) && ctx_open(r, code);
}

bool ctx_pass(struct context *r, unsigned int need, const struct hvst_observer *obs, void *ctx)
{
	int err;

	hvst_session_set_need(r->s, need);
	err = observe(r, obs, ctx);
	if (!err)
		err = hvst_session_run(r->s);
	clear_progress(r);
	r->trace = hvst_session_trace(r->s);
	r->result = hvst_session_result(r->s);
	if (err == -ECANCELED) {
		r->interrupted = !r->out.err;
		return true;
	}
	if (err)
		input_error(r->s, &r->o, err);
	return !err;
}

static int output_error(struct context *r, int err)
{
	if (err == -EPIPE)
		return EXIT_OK;
	cli_error("%s: %s", r->o.output ? r->o.output : "standard output", strerror(-err));
	return EXIT_INPUT;
}

bool ctx_origin(struct context *r, int64_t *ns)
{
	if (r->from_ns == HVST_UNKNOWN && r->trace->first_ns == HVST_UNKNOWN && !find_first(r))
		return false;
	*ns = r->from_ns != HVST_UNKNOWN ? r->from_ns : r->trace->first_ns;
	return true;
}

bool ctx_write(const char *path, void (*draw)(struct out *o, void *ctx), void *ctx)
{
	struct out o;
	int err = out_open(&o, path, COLOR_NEVER);

	if (!err) {
		draw(&o, ctx);
		err = out_close(&o);
	}
	if (err && err != -EPIPE)
		cli_error("%s: %s", path, strerror(-err));
	return !err;
}

int ctx_fail(struct context *r, int code)
{
	interruptible = NULL;
	hvst_session_free(r->s);
	free(r->selected);
	out_discard(&r->out);
	options_free(&r->o);
	return code;
}

/* What is missing from the recording limits every result: print it. */
static void warn_incomplete(const struct context *r)
{
	const struct hvst_trace *t = r->trace;
	char events[UNIT_BUF], places[UNIT_BUF];
	unsigned int i;

	for (i = 0; i < t->nr_files; i++)
		if (t->files[i]->truncated_at != HVST_UNKNOWN)
			cli_warn("%s is cut off at byte %lld: what comes after is missing",
				 t->files[i]->path, (long long)t->files[i]->truncated_at);
	if (t->lost_places)
		cli_warn("%s: %s events were lost in %s place%s", t->files[0]->path,
			 t->lost_events ? unit_count(events, t->lost_events)
					: "an unknown number of",
			 unit_count(places, t->lost_places), t->lost_places == 1 ? "" : "s");
}

static int check_code(const struct context *r, bool findings)
{
	if (findings)
		return EXIT_FINDINGS;
	if (trace_is_cut(r->trace) || r->result->verdicts[HVST_Q_STORM]->answer == HVST_CANNOT_TELL)
		return EXIT_UNKNOWN;
	return EXIT_OK;
}

int ctx_end(struct context *r, bool findings)
{
	int err, code = EXIT_OK;

	if (r->o.explain)
		text_glossary(&r->out);
	err = out_close(&r->out);
	if (err)
		code = output_error(r, err);
	else if (r->interrupted)
		code = EXIT_INTERRUPTED;
	else if (r->o.check)
		code = check_code(r, findings);
	if (!r->o.quiet && err != -EPIPE && r->trace)
		warn_incomplete(r);
	if (r->interrupted && !r->o.quiet)
		cli_warn("interrupted: this holds for the part that was read");
	return ctx_fail(r, code);
}
