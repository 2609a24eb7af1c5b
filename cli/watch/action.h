/* SPDX-License-Identifier: GPL-2.0 */
/* The reaction to a storm: the last seconds are saved as a recording, the user's program is run. */
#ifndef HVST_CLI_WATCH_ACTION_H
#define HVST_CLI_WATCH_ACTION_H

#include <signal.h>
#include <sys/types.h>

#include "../options.h"
#include "show.h"

struct record_host;

/**
 * struct watch_action_ops - where a recording comes from, and who is told of it
 * @pause: before it is saved, and when that has ended (@on), in this process: 0 or a negative
 *	errno; NULL: nothing needs to stop
 * @save: writes it to @path, in a process of its own; 0, or a negative errno with the reason in
 *	@err
 * @saved: it was saved
 */
struct watch_action_ops {
	int (*pause)(void *ctx, bool on);
	int (*save)(void *ctx, const char *path, char *err, size_t errlen);
	void (*saved)(void *ctx, const struct watch_report *rep);
};

/**
 * struct watch_actions - of a run
 * @mask: signals that the user's program has blocked
 * @saver: the process that saves, 0: none
 * @report: the storm that it saves for
 * @file: the file that it writes
 * @hook: the user's program, 0: none
 * @due: @report was saved, and the program is to be run for it when @hook has ended
 * @saved: recordings so far
 * @saved_ns: when the last one was begun
 */
struct watch_actions {
	const struct options *o;
	const struct watch_action_ops *ops;
	void *ctx;
	sigset_t mask;
	pid_t saver, hook;
	bool due;
	struct watch_report report;
	char *file;
	uint64_t saved;
	int64_t saved_ns;
};

/*
 * What precedes tracing: may this user trace, and save where @o says? Removes what killed runs left
 * behind. 0, or -EACCES after a message.
 */
int watch_prepare(const struct options *o, const struct record_host *h);

/*
 * Save a recording for the storm in @rep, at most one a minute, and then, or else at once, run the
 * user's program.
 */
void watch_actions_storm(struct watch_actions *a, const struct watch_report *rep);

/* Handles processes that have ended. */
void watch_actions_reap(struct watch_actions *a);

/* At the end of a run: finish what is being saved; the user's program goes on by itself. */
void watch_actions_end(struct watch_actions *a);

#endif
