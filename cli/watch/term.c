// SPDX-License-Identifier: GPL-2.0
/* The terminal and the signals of both loops. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../message.h"
#include "term.h"

void watch_block_signals(sigset_t *signals, sigset_t *mask)
{
	sigemptyset(signals);
	sigaddset(signals, SIGINT);
	sigaddset(signals, SIGTERM);
	sigaddset(signals, SIGHUP);
	sigaddset(signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, signals, mask);
}

bool watch_close(struct out *out)
{
	int rc = out_close(out);

	if (rc && rc != -EPIPE)
		cli_error("watch: standard output: %s", strerror(-rc));
	return !rc;
}

bool watch_has_screen(void)
{
	const char *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && term && *term && strcmp(term, "dumb");
}

void watch_switch_screen(struct out *out, bool on)
{
	out_str(out, on ? "\033[?1049h\033[?25l" : "\033[?25h\033[?1049l");
}
