// SPDX-License-Identifier: GPL-2.0
/*
 * hvstimer watch: detects storms of running guests by counters in the kernel, see
 * hvstimer-watch(1).
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "now.h"
#include "message.h"
#include "options.h"
#include "record.h"
#include "watch/action.h"
#include "watch/probe.h"
#include "watch/ring.h"
#include "watch/show.h"
#include "watch/term.h"
#include "watch_diagnose.h"

#define METRICS_NS (10 * WATCH_S_NS) /* a write each second would only wear out a disk */
#define NAMES_NS   (60 * WATCH_S_NS)

/**
 * struct watch - a run
 * @raging: storms that have not ended
 * @last: the last line told, for the screen
 * @ended: by a signal
 */
struct watch {
	struct options o;
	struct watch_probe probe;
	struct watch_ring ring;
	struct watch_table table;
	struct watch_names names;
	struct watch_actions actions;
	sigset_t signals;
	int64_t start_ns, read_ns, interval_ns, named_ns, metrics_ns;
	uint64_t storms, raging;
	char last[512];
	bool screen, ended, failed;
};

/* --- reporting -------------------------------------------------------------------------------- */

static struct watch_view view_of(struct watch *r)
{
	return (struct watch_view){
		.table = &r->table,
		.names = &r->names,
		.interval_ns = r->interval_ns,
		.up_ns = r->read_ns - r->start_ns,
		.storms = r->storms,
		.saved = r->actions.saved,
		.uncounted = r->probe.uncounted,
		.when = time(NULL),
		.last = r->last,
	};
}

static struct watch_report report_of(struct watch *r, enum watch_event event,
				     const struct watch_timer *w)
{
	return (struct watch_report){
		.event = event,
		.when = time(NULL),
		.key = w->key,
		.state = w->state,
		.who = *watch_who(&r->names, w->key.tid),
	};
}

static void tell(struct watch *r, const struct watch_report *rep)
{
	struct out out;

	r->metrics_ns = 0; /* due */
	watch_show_last(r->last, sizeof(r->last), rep);
	if (r->screen || out_open(&out, NULL, r->o.color))
		return;
	watch_show_report(&out, rep, r->o.format);
	r->failed |= !watch_close(&out);
}

static void draw_screen(struct watch *r)
{
	struct watch_view v = view_of(r);
	struct out out;

	if (out_open(&out, NULL, r->o.color))
		return;
	watch_show_screen(&out, &v);
	r->failed |= !watch_close(&out);
}

static void switch_screen(struct watch *r, bool on)
{
	struct out out;

	if (!r->screen || out_open(&out, NULL, r->o.color))
		return;
	watch_switch_screen(&out, on);
	if (!on && r->last[0])
		out_printf(&out, "%s\n", r->last);
	r->failed |= !watch_close(&out);
}

static void write_metrics(struct watch *r)
{
	struct watch_view v = view_of(r);
	struct out out;
	int rc;

	if (!r->o.metrics || (r->metrics_ns && r->read_ns - r->metrics_ns < METRICS_NS))
		return;
	r->metrics_ns = r->read_ns;
	rc = out_open(&out, r->o.metrics, COLOR_NEVER);
	if (!rc) {
		watch_show_metrics(&out, &v);
		rc = out_close(&out);
	}
	if (rc)
		cli_warn("watch: %s: %s", r->o.metrics, strerror(-rc));
}

/* --- saving ----------------------------------------------------------------------------------- */

static int on_pause(void *ctx, bool on)
{
	struct watch *r = ctx;

	return watch_ring_set(&r->ring, on);
}

static int on_save(void *ctx, const char *path, char *err, size_t errlen)
{
	const struct watch *r = ctx;

	return watch_ring_save(&r->ring, &r->table, path, err, errlen);
}

static void on_saved(void *ctx, const struct watch_report *rep)
{
	tell(ctx, rep);
}

static const struct watch_action_ops action_ops = {
	.pause = on_pause,
	.save = on_save,
	.saved = on_saved,
};

/* --- the loop --------------------------------------------------------------------------------- */

static void on_change(void *arg, const struct watch_timer *w, enum watch_news news)
{
	struct watch *r = arg;
	struct watch_report rep =
		report_of(r, news == WATCH_BEGINS ? WATCH_EVENT_STORM : WATCH_EVENT_END, w);

	tell(r, &rep);
	if (news == WATCH_ENDS) {
		r->raging--;
		return;
	}
	r->storms++;
	r->raging++;
	watch_actions_storm(&r->actions, &rep);
}

/* False after a message. */
static bool read_counters(struct watch *r)
{
	int64_t now = now_ns();
	char err[256];
	int rc;

	/* The end of a storm may be that of its thread: report it with its name. */
	if (!r->raging && now - r->named_ns >= NAMES_NS) {
		watch_names_forget(&r->names);
		r->named_ns = now;
	}
	rc = watch_probe_read(&r->probe, &r->table, err, sizeof(err));
	if (rc) {
		cli_error("watch: %s", err);
		return false;
	}
	r->interval_ns = now - r->read_ns;
	rc = watch_table_end(&r->table, r->read_ns, now, &r->o.watch.limits, on_change, r);
	r->read_ns = now;
	if (!rc)
		rc = watch_probe_make_room(&r->probe);
	if (rc < 0)
		cli_error("watch: %s", strerror(-rc));
	if (rc > 0)
		watch_table_cleared(&r->table);
	return rc >= 0;
}

/* Until @until or a signal that ends the run. */
static void wait_until(struct watch *r, int64_t until)
{
	int64_t left;

	while (!r->ended && (left = until - now_ns()) > 0) {
		struct timespec ts = { left / WATCH_S_NS, left % WATCH_S_NS };
		int sig = sigtimedwait(&r->signals, NULL, &ts);

		if (sig == SIGCHLD)
			watch_actions_reap(&r->actions);
		else if (sig > 0)
			r->ended = true;
	}
}

static bool done(const struct watch *r)
{
	if (r->ended || r->failed)
		return true;
	if (r->o.check && r->storms && !r->actions.saver)
		return true;
	return r->o.watch.duration_ns && r->read_ns - r->start_ns >= r->o.watch.duration_ns;
}

/* Read again after half an interval where a storm is suspected. */
static int64_t next_reading(const struct watch *r)
{
	int64_t interval = r->o.watch.interval_ns / (r->table.suspects ? 2 : 1);
	int64_t next = r->read_ns + interval;
	int64_t end = r->start_ns + r->o.watch.duration_ns;

	/* Keep readings on a grid, so that lateness does not add up. */
	next -= (next - r->start_ns) % interval;
	if (next - r->read_ns < interval / 4)
		next += interval;
	return r->o.watch.duration_ns && end < next ? end : next;
}

static int loop(struct watch *r)
{
	r->start_ns = r->read_ns = r->named_ns = now_ns();
	switch_screen(r, true);
	while (!done(r)) {
		wait_until(r, next_reading(r));
		if (r->ended)
			break;
		if (!read_counters(r)) {
			r->failed = true;
			break;
		}
		if (r->screen)
			draw_screen(r);
		write_metrics(r);
	}
	watch_actions_end(&r->actions);
	switch_screen(r, false);
	if (r->o.metrics)
		unlink(r->o.metrics); /* a file left behind would look like a running watch */
	if (r->failed)
		return EXIT_INPUT;
	return r->o.check && r->storms ? EXIT_FINDINGS : EXIT_OK;
}

/* --- begin and end ---------------------------------------------------------------------------- */

static int begin(struct watch *r, const struct record_host *h)
{
	char err[256];
	int rc;

	rc = watch_prepare(&r->o, h);
	if (rc)
		return rc;
	rc = watch_probe_start(&r->probe, h, err, sizeof(err));
	if (!rc && r->o.watch.ring_kb)
		rc = watch_ring_start(&r->ring, h, r->o.watch.ring_kb, r->o.watch.exits, err,
				      sizeof(err));
	if (rc)
		cli_error("watch: %s", err);
	else if (!r->screen && !r->o.quiet)
		cli_error("watch: counting%s", r->o.watch.ring_kb ? " and recording" : "");
	return rc;
}

static void stop(struct watch *r)
{
	int ring = watch_ring_stop(&r->ring), probe = watch_probe_stop(&r->probe);

	if (ring || probe)
		cli_warn("watch: an instance is left in tracefs (%s); the next watch removes it",
			 strerror(ring ? -ring : -probe));
	watch_table_free(&r->table);
	watch_names_free(&r->names);
}

static int watch(struct watch *r)
{
	struct record_host h;
	char err[256];
	int code = EXIT_INPUT;

	if (record_host_read(&h, err, sizeof(err))) {
		cli_error("watch: %s", err);
		return EXIT_INPUT;
	}
	r->screen = r->o.format == FORMAT_TEXT && watch_has_screen();
	r->actions.o = &r->o;
	r->actions.ops = &action_ops;
	r->actions.ctx = r;
	watch_block_signals(&r->signals, &r->actions.mask);
	if (!begin(r, &h))
		code = loop(r);
	stop(r);
	record_host_free(&h);
	return code;
}

int cmd_watch(int argc, char **argv)
{
	struct watch r = { 0 };
	enum parse_result parsed = options_parse(&r.o, command_by_bit(CMD_WATCH), argc, argv);
	int code = parse_exit_code(parsed);

	if (parsed == PARSE_GO)
		code = r.o.watch.diagnose ? watch_diagnose(&r.o) : watch(&r);
	options_free(&r.o);
	return code;
}
