// SPDX-License-Identifier: GPL-2.0
/* The processes that save a recording and run the user's program. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../now.h"
#include "../message.h"
#include "../record.h"
#include "action.h"
#include "child.h"
#include "instance.h"
#include "keep.h"
#include "term.h"

#define SAVE_REST_NS (60 * WATCH_S_NS)

static const char *save_dir(const struct options *o)
{
	return o->output ? o->output : ".";
}

static bool can_save(const struct options *o)
{
	if (!o->watch.ring_kb || !access(save_dir(o), W_OK | X_OK))
		return true;
	cli_error("watch: %s: %s", save_dir(o), strerror(errno));
	return false;
}

int watch_prepare(const struct options *o, const struct record_host *h)
{
	if (!record_host_writable()) {
		cli_error("watch: %s cannot be written: run as root", h->dir);
		return -EACCES;
	}
	if (!can_save(o))
		return -EACCES;
	if (watch_instances_reap() && !o->quiet)
		cli_error("watch: removed what a killed run had left in tracefs");
	return 0;
}

/* --- the user's program ----------------------------------------------------------------------- */

static void run_hook(struct watch_actions *a, const struct watch_report *rep)
{
	pid_t pid;

	if (!a->o->watch.exec)
		return;
	if (a->hook) {
		cli_warn("watch: --exec still runs for the storm before; not run for this one");
		return;
	}
	pid = watch_child_exec(a->o->watch.exec, rep, &a->mask);
	if (pid < 0)
		cli_warn("watch: --exec cannot be run: %s", strerror(-pid));
	else
		a->hook = pid;
}

/* --- saving ----------------------------------------------------------------------------------- */

/* The id of the process that saves, or a negative errno. */
static pid_t fork_saver(struct watch_actions *a)
{
	pid_t pid = watch_child_fork();
	char err[512];

	if (pid)
		return pid;
	if (!a->ops->save(a->ctx, a->file, err, sizeof(err)))
		_exit(0);
	cli_error("watch: %s", err);
	_exit(1);
}

static int pause_recording(struct watch_actions *a, bool on)
{
	return a->ops->pause ? a->ops->pause(a->ctx, on) : 0;
}

/* Whether it is being saved now for the storm in @rep. */
static bool begin_save(struct watch_actions *a, const struct watch_report *rep)
{
	int64_t now = now_ns();
	int rc;

	if (!a->o->watch.ring_kb || a->saver || a->due ||
	    (a->saved_ns && now - a->saved_ns < SAVE_REST_NS))
		return false;
	a->saved_ns = now;
	a->report = *rep;
	a->file = watch_keep_path(save_dir(a->o), time(NULL), &rep->key);
	rc = a->file ? pause_recording(a, false) : -ENOMEM;
	if (!rc) {
		rc = fork_saver(a);
		if (rc > 0) {
			a->saver = rc;
			return true;
		}
		pause_recording(a, true);
	}
	cli_warn("watch: the ring cannot be saved: %s", strerror(-rc));
	free(a->file);
	a->file = NULL;
	return false;
}

static void end_save(struct watch_actions *a, int status)
{
	const struct options *o = a->o;
	int rc = pause_recording(a, true);

	a->saver = 0;
	a->report.when = time(NULL);
	if (rc)
		cli_warn("watch: the ring does not record any more: %s", strerror(-rc));
	if (!status) {
		a->saved++;
		a->report.event = WATCH_EVENT_SAVED;
		a->report.file = a->file;
		a->ops->saved(a->ctx, &a->report);
		rc = watch_keep_prune(save_dir(o), o->watch.keep, (uint64_t)o->watch.max_kb * 1024);
		if (rc)
			cli_warn("watch: %s: %s", save_dir(o), strerror(-rc));
	}
	a->due = true;
}

/* Hand what was saved to the user's program, once it has ended for the previous storm. */
static void run_due_hook(struct watch_actions *a)
{
	run_hook(a, &a->report);
	a->due = false;
	free(a->file);
	a->file = NULL;
}

/* --- both ------------------------------------------------------------------------------------- */

void watch_actions_storm(struct watch_actions *a, const struct watch_report *rep)
{
	if (!begin_save(a, rep))
		run_hook(a, rep);
}

static bool has_ended(pid_t pid, int flags, int *status)
{
	pid_t got;

	if (!pid)
		return false;
	do {
		got = waitpid(pid, status, flags);
	} while (got < 0 && errno == EINTR);
	return got == pid;
}

void watch_actions_reap(struct watch_actions *a)
{
	int status;

	if (has_ended(a->saver, WNOHANG, &status))
		end_save(a, status);
	if (has_ended(a->hook, WNOHANG, &status))
		a->hook = 0;
	if (a->due && !a->hook)
		run_due_hook(a);
}

void watch_actions_end(struct watch_actions *a)
{
	int status;

	if (has_ended(a->saver, 0, &status))
		end_save(a, status);
	a->hook = 0;
	if (a->due)
		run_due_hook(a);
}
