/* SPDX-License-Identifier: GPL-2.0 */
/* Processes that watch starts: one that saves the ring, one that runs the user's program. */
#ifndef HVST_CLI_WATCH_CHILD_H
#define HVST_CLI_WATCH_CHILD_H

#include <signal.h>
#include <sys/types.h>

#include "show.h"

/*
 * Forks a process that is killed if this one is, so that an instance does not stay locked. As
 * fork(2), but a negative errno.
 */
pid_t watch_child_fork(void);

/*
 * Runs @command in a shell, with @rep in the environment (HVSTIMER_*), signals as in @mask, and
 * standard output on standard error. Its id, or a negative errno.
 */
pid_t watch_child_exec(const char *command, const struct watch_report *rep, const sigset_t *mask);

#endif
