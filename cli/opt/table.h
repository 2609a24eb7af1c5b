/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The table of options. Parsing, --help, "that is another command's option" and the defaults that
 * --help shows follow from it. A new option takes one line in table.c, a member of struct options
 * and, if no function of set.h fits, one that takes its value; and its man page and the
 * completions, which t_man and t_completions compare with --help.
 */
#ifndef HVST_CLI_OPT_TABLE_H
#define HVST_CLI_OPT_TABLE_H

#include "desc.h"

#define MAX_OPTIONS 128 /* room for the table, where it is copied for getopt */

extern const struct option_desc option_table[];
extern const unsigned int nr_option_table;

/* Defaults. @cmd may be NULL. */
void options_init(struct options *o, const struct command *cmd);
/* Do the options go together? False after a message. */
bool options_consistent(const struct options *o);

#endif
