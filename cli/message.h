/* SPDX-License-Identifier: GPL-2.0 */
/* Messages to standard error. */
#ifndef HVST_CLI_MESSAGE_H
#define HVST_CLI_MESSAGE_H

/*
 * Prints "hvstimer: " and the message. cli_error(): why the command fails; cli_warn(): what limits
 * its result. Control characters are replaced: names from a file may contain anything.
 */
void cli_error(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
void cli_warn(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
