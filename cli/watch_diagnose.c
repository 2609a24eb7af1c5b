// SPDX-License-Identifier: GPL-2.0
/*
 * hvstimer watch --diagnose. One session reads its own ring buffer for as long as it runs. Once a
 * second a child process shows what has been found so far: in it the trace ends, so that the
 * analysis makes its findings, while in this process it goes on.
 *
 * A pass of the session ends after an hour, when no storm is in progress, or after a day in any
 * case, so that its memory is bounded; the next one begins with the events that are still in
 * memory.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "now.h"
#include "message.h"
#include "output/contract.h"
#include "output/text.h"
#include "output/units.h"
#include "record.h"
#include "watch/action.h"
#include "watch/child.h"
#include "watch/live.h"
#include "watch/show.h"
#include "watch/term.h"
#include "watch/told.h"
#include "watch_diagnose.h"
#include "write_all.h"

#define RING_KB 4096
/* Bytes of events to keep, at least: for the next pass, for what they explain, to be saved. */
#define KEEP	     (32u << 20)
#define POLL_NS	     (WATCH_S_NS / 10)
#define SHOW_NS	     WATCH_S_NS
#define PASS_NS	     (3600 * WATCH_S_NS)
#define PASS_MOST_NS (24 * PASS_NS)

/**
 * struct live - a run
 * @told: what was told until the last time it was shown
 * @show_ns: when to show next; @pass_ns: when the pass began
 * @shower: the process that shows, 0: none; @pipe: where it hands back what was told
 * @last: the last recording that was saved, for the screen
 * @child: this process only shows
 * @ended: by a signal or its time; @failed: after a message
 */
struct live {
	const struct options *o;
	struct watch_live ring;
	struct hvst_session *s;
	struct watch_names names;
	struct watch_told told;
	struct watch_actions actions;
	char last[512];
	sigset_t signals;
	int64_t start_ns, show_ns, pass_ns;
	pid_t shower;
	int pipe;
	bool screen, child, ended, failed;
};

/* --- showing ---------------------------------------------------------------------------------- */

/* The lines of @page that the terminal has room for, from its upper left corner on. */
static void put_page(struct out *out, const struct out *page)
{
	const char *at = page->buf, *end = page->buf + page->len;
	unsigned int line;

	for (line = 0; at < end && line + 1 < out->height; line++) {
		const char *eol = memchr(at, '\n', (size_t)(end - at));

		if (!eol)
			eol = end;
		out_mem(out, at, (size_t)(eol - at));
		out_str(out, "\033[K\r\n");
		at = eol + 1;
	}
	out_str(out, "\033[J");
}

static void put_title(struct out *page, const struct live *l, const struct hvst_trace *t)
{
	char when[32], up[UNIT_BUF], events[UNIT_BUF], lost[UNIT_BUF];

	out_printf(page, "hvstimer watch --diagnose  %s  up %s  events %s",
		   watch_show_time(when, sizeof(when), time(NULL)),
		   unit_duration(up, now_ns() - l->start_ns), unit_count(events, t->events));
	if (t->lost_places)
		out_printf(page, "  lost in %s places", unit_count(lost, t->lost_places));
	out_char(page, '\n');
	if (l->last[0])
		out_printf(page, "%s\n", l->last);
	out_char(page, '\n');
}

static void draw_screen(const struct live *l, struct out *out)
{
	const struct hvst_trace *t = hvst_session_trace(l->s);
	struct out page;

	out_open_memory(&page);
	page.color = out->color;
	page.width = out->width;
	page.height = out->height > 4 ? out->height - (l->last[0] ? 3 : 2) : 1;
	put_title(&page, l, t);
	text_diagnosis(&page, t, hvst_session_result(l->s), false);
	out_str(out, "\033[H");
	if (page.len)
		put_page(out, &page);
	out->err = out->err ? out->err : page.err;
	out_discard(&page);
}

static void switch_screen(struct live *l, bool on)
{
	struct out out;

	if (!l->screen || out_open(&out, NULL, l->o->color))
		return;
	watch_switch_screen(&out, on);
	l->failed |= !watch_close(&out);
}

/* After a pass: report what is new, and draw the screen. */
static void show(struct live *l)
{
	struct out out, dropped;

	if (out_open(&out, NULL, l->o->color)) {
		l->failed = true;
		return;
	}
	out_open_memory(&dropped);
	watch_tell(&l->told, l->screen ? &dropped : &out, l->o->format == FORMAT_JSONL,
		   hvst_session_trace(l->s), hvst_session_result(l->s), &l->names);
	if (l->screen)
		draw_screen(l, &out);
	out_discard(&dropped);
	l->failed |= !watch_close(&out);
}

/* --- what follows on a storm ------------------------------------------------------------------ */

static int on_save(void *ctx, const char *path, char *err, size_t errlen)
{
	const struct live *l = ctx;
	int32_t tids[WATCH_TOLD_STORMS];
	unsigned int i;

	for (i = 0; i < l->told.nr_storms; i++)
		tids[i] = l->told.storms[i].tid;
	return watch_live_save(&l->ring, l->s, tids, i, path, err, errlen);
}

static void on_saved(void *ctx, const struct watch_report *rep)
{
	struct live *l = ctx;
	struct out out;

	if (l->screen) {
		watch_show_last(l->last, sizeof(l->last), rep);
		return;
	}
	if (out_open(&out, NULL, l->o->color)) {
		l->failed = true;
		return;
	}
	watch_show_report(&out, rep, l->o->format);
	l->failed |= !watch_close(&out);
}

static const struct watch_action_ops action_ops = { .save = on_save, .saved = on_saved };

static struct watch_report report_of(struct live *l, const struct watch_told_storm *s)
{
	bool livelock = s->kind == HVST_STORM_LIVELOCK;

	return (struct watch_report){
		.event = WATCH_EVENT_STORM,
		.when = time(NULL),
		.key = { s->tid, (uint32_t)s->vcpu, (uint32_t)s->timer },
		.state = {
			.kind = livelock ? WATCH_LIVELOCK : WATCH_PAST_DUE,
			.since_ns = s->start_ns,
			.last_ns = s->end_ns,
			.bad = s->size,
			.rate_hz = (uint64_t)s->rate_hz,
			.peak_hz = (uint64_t)s->peak_hz,
			.share = s->arms ? (unsigned int)((double)s->size * 100 / (double)s->arms) : 0,
		},
		.who = *watch_who(&l->names, s->tid),
		.cause = s->cause == HVST_CAUSE_NOT_SEEN ? NULL : hvst_storm_cause_name(s->cause),
	};
}

/* For the storms that were just reported. */
static void act(struct live *l)
{
	unsigned int i;

	for (i = 0; i < l->told.nr_storms; i++) {
		struct watch_told_storm *s = &l->told.storms[i];
		struct watch_report rep;

		if (!s->begun)
			continue;
		rep = report_of(l, s);
		watch_actions_storm(&l->actions, &rep);
		s->begun = false;
	}
}

/* --- the child that shows --------------------------------------------------------------------- */

static bool read_all(int fd, void *data, size_t len)
{
	char *at = data;

	while (len) {
		ssize_t n = read(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		at += n;
		len -= (size_t)n;
	}
	return true;
}

/* The child's pass has ended: show, and hand back what was reported. */
static void end_child(struct live *l, int rc)
{
	if (rc)
		cli_error("watch: %s", hvst_session_error(l->s));
	else
		show(l);
	_exit(!rc && !l->failed && !write_all(l->pipe, &l->told, sizeof(l->told)) ? 0 : 1);
}

/*
 * If the child has ended, or, without WNOHANG in @flags, when it does: take over what it reported.
 * That fits into the pipe, so the child does not wait for this process, which reads the ring
 * meanwhile.
 */
static void end_shower(struct live *l, int flags)
{
	struct watch_told told;
	int status = 1;
	pid_t pid;

	if (!l->shower)
		return;
	do {
		pid = waitpid(l->shower, &status, flags);
	} while (pid < 0 && errno == EINTR);
	if (!pid)
		return;
	if (read_all(l->pipe, &told, sizeof(told))) {
		l->told = told;
		act(l);
	}
	close(l->pipe);
	l->shower = 0;
	if (!status)
		return;
	/* The child has printed the reason, unless it was killed. */
	if (WIFSIGNALED(status))
		cli_error("watch: the process that shows was killed by signal %d",
			  WTERMSIG(status));
	l->failed = true;
}

/* True in the child. */
static bool fork_child(struct live *l)
{
	int fds[2] = { -1, -1 };
	pid_t pid = pipe2(fds, O_CLOEXEC) ? -errno : watch_child_fork();

	if (!pid) {
		close(fds[0]);
		l->pipe = fds[1];
		l->child = true;
		return true;
	}
	if (fds[1] >= 0)
		close(fds[1]);
	if (pid > 0) {
		l->shower = pid;
		l->pipe = fds[0];
		return false;
	}
	if (fds[0] >= 0)
		close(fds[0]);
	cli_error("watch: cannot show what is found: %s", strerror(-pid));
	l->failed = true;
	return false;
}

/* --- the session's side ----------------------------------------------------------------------- */

static int on_read(void *ctx, unsigned int cpu, void *buf, size_t len)
{
	struct live *l = ctx;

	return l->child ? 0 : watch_live_read(&l->ring, cpu, buf, len);
}

static void wait_until(struct live *l, int64_t until)
{
	int64_t left;

	do {
		struct timespec ts = { 0, 0 };
		int sig;

		left = until - now_ns();
		if (left > 0)
			ts = (struct timespec){ left / WATCH_S_NS, left % WATCH_S_NS };
		sig = sigtimedwait(&l->signals, NULL, &ts);
		if (sig > 0 && sig != SIGCHLD)
			l->ended = true;
	} while (left > 0 && !l->ended);
}

static bool pass_is_over(const struct live *l, int64_t now)
{
	int64_t age = now - l->pass_ns;

	return age >= PASS_MOST_NS || (age >= PASS_NS && !watch_told_open(&l->told));
}

static int on_wait(void *ctx, bool busy)
{
	struct live *l = ctx;
	int64_t now = now_ns(), until = now + POLL_NS, end = 0;

	if (l->o->watch.duration_ns)
		end = l->start_ns + l->o->watch.duration_ns;
	if (end && end < until)
		until = end;
	wait_until(l, busy ? now : until);
	now = now_ns();
	l->ended |= end && now >= end;
	end_shower(l, WNOHANG);
	watch_actions_reap(&l->actions);
	if (!l->ended && !l->shower && now >= l->show_ns) {
		l->show_ns = now + SHOW_NS;
		if (fork_child(l))
			return 1;
	}
	if (l->ended || l->failed) {
		watch_ring_set(&l->ring.ring, false); /* so that it comes to an end */
		return 1;
	}
	return pass_is_over(l, now);
}

/* --- begin and end ---------------------------------------------------------------------------- */

/* As many bytes as the kernel's ring has, which was allocated: no overflow. */
static size_t keep_bytes(const struct live *l)
{
	size_t ring = (size_t)l->o->watch.ring_kb * 1024 * l->ring.nr;

	return ring > KEEP ? ring : KEEP;
}

static int open_session(struct live *l)
{
	static const struct hvst_live_ops ops = { .size = sizeof(ops),
						  .read = on_read,
						  .wait = on_wait };
	int rc;

	l->s = hvst_session_new();
	if (!l->s) {
		cli_error("out of memory");
		return -ENOMEM;
	}
	rc = hvst_session_add_fd(l->s, l->ring.head, "live trace");
	if (!rc)
		rc = hvst_session_set_live(l->s, &ops, l, keep_bytes(l));
	if (!rc)
		rc = hvst_session_open(l->s);
	if (rc)
		cli_error("watch: %s", hvst_session_error(l->s));
	return rc;
}

static int begin(struct live *l, const struct record_host *h)
{
	const struct watch_options *w = &l->o->watch;
	char err[256];
	int rc;

	rc = watch_prepare(l->o, h);
	if (rc)
		return rc;
	rc = watch_live_start(&l->ring, h, w->ring_kb ? w->ring_kb : RING_KB, w->exits, err,
			      sizeof(err));
	if (rc) {
		cli_error("watch: %s", err);
		return rc;
	}
	rc = open_session(l);
	if (!rc && !l->screen && !l->o->quiet)
		cli_error("watch: diagnosing");
	return rc;
}

static void write_report(struct live *l)
{
	const struct hvst_result *r = hvst_session_result(l->s);
	const struct hvst_trace *t = hvst_session_trace(l->s);
	struct out out;

	if (out_open(&out, NULL, l->o->color)) {
		l->failed = true;
		return;
	}
	if (l->o->format == FORMAT_JSONL)
		contract_diagnosis_line(&out, t, r);
	else
		text_diagnosis(&out, t, r, false);
	l->failed |= !watch_close(&out);
}

static int exit_status(const struct live *l)
{
	const struct hvst_result *r = hvst_session_result(l->s);

	if (l->failed || !r)
		return EXIT_INPUT;
	if (!l->o->check)
		return EXIT_OK;
	if (l->told.total)
		return EXIT_FINDINGS;
	return r->verdicts[HVST_Q_STORM]->answer == HVST_CANNOT_TELL ? EXIT_UNKNOWN : EXIT_OK;
}

static int loop(struct live *l)
{
	int rc;

	l->start_ns = now_ns();
	l->show_ns = l->start_ns + SHOW_NS;
	switch_screen(l, true);
	do {
		l->pass_ns = now_ns();
		rc = hvst_session_run(l->s);
		if (l->child)
			end_child(l, rc);
	} while (!rc && !l->ended && !l->failed);
	end_shower(l, 0);
	if (!rc && !l->failed) {
		show(l);
		act(l);
	}
	watch_actions_end(&l->actions);
	switch_screen(l, false);
	if (rc) {
		cli_error("watch: %s", hvst_session_error(l->s));
		return EXIT_INPUT;
	}
	if (!l->failed)
		write_report(l);
	return exit_status(l);
}

int watch_diagnose(const struct options *o)
{
	struct live l = { .o = o, .ring.head = -1 };
	int code = EXIT_INPUT, rc;
	struct record_host h;
	char err[256];

	if (record_host_read(&h, err, sizeof(err))) {
		cli_error("watch: %s", err);
		return EXIT_INPUT;
	}
	l.screen = o->format == FORMAT_TEXT && watch_has_screen();
	l.actions = (struct watch_actions){ .o = o, .ops = &action_ops, .ctx = &l };
	watch_block_signals(&l.signals, &l.actions.mask);
	if (!begin(&l, &h))
		code = loop(&l);
	rc = watch_live_stop(&l.ring);
	if (rc)
		cli_warn("watch: an instance is left in tracefs (%s); the next watch removes it",
			 strerror(-rc));
	hvst_session_free(l.s);
	watch_names_free(&l.names);
	record_host_free(&h);
	return code;
}
