/* SPDX-License-Identifier: GPL-2.0 */
/* A recording on standard input. */
#ifndef HVST_CLI_SPOOL_H
#define HVST_CLI_SPOOL_H

/*
 * A descriptor of a regular file with what standard input holds, at most @max_kb KiB of it:
 * STDIN_FILENO where that is a regular file, else an unlinked file in $TMPDIR, which vanishes with
 * the descriptor. Negative after a message.
 */
int spool_stdin(unsigned long max_kb);

#endif
