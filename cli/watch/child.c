// SPDX-License-Identifier: GPL-2.0
/* Forks and the environment of the user's program. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "child.h"

pid_t watch_child_fork(void)
{
	pid_t parent = getpid(), pid;

	fflush(NULL);
	pid = fork();
	if (pid)
		return pid < 0 ? -errno : pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(1);
	return 0;
}

static void set_text(const char *name, const char *value)
{
	setenv(name, value ? value : "", 1);
}

static void set_number(const char *name, uint64_t value)
{
	char text[32];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	setenv(name, text, 1);
}

static void set_environment(const struct watch_report *rep)
{
	const struct watch_state *s = &rep->state;

	set_text("HVSTIMER_EVENT", watch_event_name(rep->event));
	set_text("HVSTIMER_VM", rep->who.name);
	set_number("HVSTIMER_PID", rep->who.pid);
	set_number("HVSTIMER_VCPU", rep->key.vcpu);
	set_number("HVSTIMER_TID", rep->key.tid);
	set_number("HVSTIMER_TIMER", rep->key.timer);
	set_text("HVSTIMER_KIND", watch_kind_name(s->kind));
	set_number("HVSTIMER_RATE", s->rate_hz);
	set_text("HVSTIMER_CAUSE", rep->cause);
	set_text("HVSTIMER_FILE", rep->file);
}

pid_t watch_child_exec(const char *command, const struct watch_report *rep, const sigset_t *mask)
{
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid)
		return pid < 0 ? -errno : pid;
	set_environment(rep);
	dup2(STDERR_FILENO, STDOUT_FILENO);
	signal(SIGPIPE, SIG_DFL); /* main() ignores it, and that is inherited */
	sigprocmask(SIG_SETMASK, mask, NULL);
	execl("/bin/sh", "sh", "-c", command, (char *)NULL);
	_exit(127);
}
