/* SPDX-License-Identifier: GPL-2.0 */
/* What both loops of watch share: signals, standard output, the other screen. */
#ifndef HVST_CLI_WATCH_TERM_H
#define HVST_CLI_WATCH_TERM_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "../output/out.h"

#define WATCH_S_NS 1000000000LL

/*
 * Blocks the signals that end a run, and SIGCHLD, so that sigtimedwait() receives them and every
 * run ends cleanly. @signals: these; @mask: the previous mask.
 */
void watch_block_signals(sigset_t *signals, sigset_t *mask);

/* Flushes to standard output; false after a message: nobody reads any more, or the disk is full. */
bool watch_close(struct out *out);

/* Standard output is a terminal that takes control sequences. */
bool watch_has_screen(void);
/* Switches to a terminal's alternate screen, without a cursor; @on false: back. */
void watch_switch_screen(struct out *out, bool on);

#endif
