/* SPDX-License-Identifier: GPL-2.0 */
/* Commands and options that users know from trace-cmd, perf and KernelShark. */
#ifndef HVST_CLI_OTHER_TOOLS_H
#define HVST_CLI_OTHER_TOOLS_H

#include <stdbool.h>

/* What to use instead of command @word of another tool, for "no command is called ..."; or NULL. */
const char *other_tools_command(const char *word);

/*
 * What to use instead of option @name of another tool, without its dashes, in a command that
 * @has the options it is asked for; or NULL.
 */
const char *other_tools_option(const char *name, bool (*has)(void *ctx, const char *option),
			       void *ctx);

#endif
