/* SPDX-License-Identifier: GPL-2.0 */
/* A recording on standard input. */
#ifndef HVST_CLI_SPOOL_H
#define HVST_CLI_SPOOL_H

/*
 * Returns a descriptor of a regular file with the contents of standard input, at most @max_kb KiB:
 * STDIN_FILENO if that is a regular file, else an unlinked file in $TMPDIR, which vanishes with the
 * descriptor. Negative after a message.
 */
int spool_stdin(unsigned long max_kb);

#endif
