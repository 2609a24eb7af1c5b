/* SPDX-License-Identifier: GPL-2.0 */
/* One entry of the table of options. */
#ifndef HVST_CLI_OPT_DESC_H
#define HVST_CLI_OPT_DESC_H

#include "../options.h"

enum option_section {
	SEC_INPUT,
	SEC_RECORD,
	SEC_WATCH,
	SEC_SELECT,
	SEC_STORM,
	SEC_HISTOGRAM,
	SEC_POLICY,
	SEC_COMPARE,
	SEC_OUTPUT,
	SEC_OTHER,
	SEC_COUNT
};

/* The default that --help shows. */
enum option_default { DEFAULT_HIDDEN, DEFAULT_NUMBER, DEFAULT_DURATION, DEFAULT_SIZE };

/**
 * struct option_desc - one option
 * @name: without the dashes; the same name may stand for different options of different commands
 * @letter: 0: none
 * @arg: what --help calls its value; NULL: takes none
 * @commands: bits of enum command_bit
 * @set: takes the value, false after a message; NULL: --help and --version
 * @at: offset in struct options of what it sets; not used by all of them
 * @max: the largest number allowed
 * @words: the words allowed, by number; NULL-terminated
 */
struct option_desc {
	const char *name;
	char letter;
	const char *arg;
	enum option_section section;
	unsigned int commands;
	const char *help;
	bool (*set)(struct options *o, const struct option_desc *d, const char *arg);
	size_t at;
	unsigned long max;
	const char *const *words;
	enum option_default shown;
};

#endif
