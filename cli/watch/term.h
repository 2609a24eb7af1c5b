/* SPDX-License-Identifier: GPL-2.0 */
/* What both ways of watching share: the clock, signals, the terminal's other screen. */
#ifndef HVST_CLI_WATCH_TERM_H
#define HVST_CLI_WATCH_TERM_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>

#include "../output/out.h"

#define WATCH_S_NS 1000000000LL

/* CLOCK_MONOTONIC, ns */
int64_t watch_now_ns(void);

/*
 * Block the signals that end a run, and SIGCHLD, so that sigtimedwait() takes them and no place is
 * without a clean end. @signals: these; @mask: what was blocked before.
 */
void watch_block_signals(sigset_t *signals, sigset_t *mask);

/* Standard output is a terminal that takes control sequences. */
bool watch_has_screen(void);
/* To a terminal's other screen, without a cursor; @on: false: back. */
void watch_switch_screen(struct out *out, bool on);

#endif
