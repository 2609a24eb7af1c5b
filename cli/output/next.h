/* SPDX-License-Identifier: GPL-2.0 */
/* The next steps with hvstimer itself and with the logs, below those that a result advises. */
#ifndef HVST_CLI_NEXT_H
#define HVST_CLI_NEXT_H

#include <stdbool.h>
#include <stddef.h>

#include <hvstimer/result.h>
#include <hvstimer/session.h>

#define NEXT_BUF       512
#define NEXT_FILES_BUF 4096

/*
 * The command that shows what the headline is based on, without the file; "": there is none, or the
 * trace is a live one.
 */
char *next_command(char *buf, const struct hvst_trace *t, const struct hvst_result *r);

/* Can commands be suggested that read the trace again? Not for a live trace. */
bool next_readable(const struct hvst_trace *t);

/* The files of the recording as arguments of a command; "FILE...": too many to be repeated. */
char *next_files(char buf[NEXT_FILES_BUF], const struct hvst_trace *t);

/*
 * When the headline's cause happened, by the wall clock, which is what logs speak; "": not known,
 * or nothing happened.
 */
char *next_wall_clock(char *buf, const struct hvst_result *r);

#endif
