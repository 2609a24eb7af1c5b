// SPDX-License-Identifier: GPL-2.0
/* Command lines by the table of options, through getopt_long(). */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../message.h"
#include "../nearest.h"
#include "../other_tools.h"
#include "table.h"

#define LONG_ONLY 256 /* getopt's value of a long option: this plus its index in the table */

bool takes_files(const struct command *cmd)
{
	return !(cmd->bit & (CMD_RECORD | CMD_WATCH));
}

/*
 * Another command's option that getopt would take for an abbreviation of one of @cmd's. An option
 * that @cmd has itself, perhaps in another sense, does not count.
 */
static bool hides(const struct command *cmd, const struct option_desc *foreign)
{
	bool begins = false;
	unsigned int i;

	for (i = 0; i < nr_option_table; i++) {
		if (!(option_table[i].commands & cmd->bit))
			continue;
		if (!strcmp(option_table[i].name, foreign->name))
			return false;
		begins |= !strncmp(option_table[i].name, foreign->name, strlen(foreign->name));
	}
	return begins;
}

/*
 * For getopt: the options of the command, and those that hides() tells of. @val of a long option is
 * LONG_ONLY plus its index in the table.
 */
static void make_getopt(const struct command *cmd, struct option *longs, char *shorts)
{
	unsigned int i, n = 0;

	*shorts++ = ':';
	for (i = 0; i < nr_option_table; i++) {
		bool mine = option_table[i].commands & cmd->bit;

		if (!mine && !hides(cmd, &option_table[i]))
			continue;
		longs[n++] = (struct option){ option_table[i].name,
					      option_table[i].arg ? required_argument : no_argument,
					      NULL, LONG_ONLY + i };
		if (!mine || !option_table[i].letter)
			continue;
		*shorts++ = option_table[i].letter;
		if (option_table[i].arg)
			*shorts++ = ':';
	}
	longs[n] = (struct option){ 0 };
	*shorts = 0;
}

/* By getopt's value; an option of @cmd goes before another command's of the same letter. */
static const struct option_desc *find_option(const struct command *cmd, int c)
{
	const struct option_desc *found = NULL;
	unsigned int i;

	if (c >= LONG_ONLY)
		return &option_table[c - LONG_ONLY];
	for (i = 0; i < nr_option_table; i++)
		if (option_table[i].letter == c && (!found || option_table[i].commands & cmd->bit))
			found = &option_table[i];
	return found;
}

/* "diagnose and storms": the commands that take the option. */
static void owners(char *buf, size_t len, unsigned int bits)
{
	const struct command *c;
	size_t at = 0;

	buf[0] = 0;
	for (c = commands; c->name && at < len; c++)
		if (bits & c->bit)
			at += snprintf(buf + at, len - at, "%s%s", at ? ", " : "", c->name);
}

static void foreign_option(const struct options *o, const struct option_desc *d)
{
	unsigned int bits = 0, i;
	char who[128];

	/* in another sense it may be an option of further commands */
	for (i = 0; i < nr_option_table; i++)
		if (!strcmp(option_table[i].name, d->name))
			bits |= option_table[i].commands;
	owners(who, sizeof(who), bits);
	cli_error("%s: --%s means nothing here; it is an option of: %s", o->command->name, d->name,
		  who);
}

static bool command_has(void *ctx, const char *option)
{
	const struct command *cmd = ctx;

	for (unsigned int i = 0; i < nr_option_table; i++)
		if (option_table[i].commands & cmd->bit && !strcmp(option_table[i].name, option))
			return true;
	return false;
}

/* An option that users know from another tool; @dashes: as it was given. Returns whether it is. */
static bool other_tools(const struct options *o, const char *dashes, const char *name)
{
	const char *instead = other_tools_option(name, command_has, (void *)o->command);

	if (instead)
		cli_error("%s: no option %s%s; use %s", o->command->name, dashes, name, instead);
	return instead;
}

static void unknown_letter(const struct options *o, char letter)
{
	char name[] = { letter, 0 };

	if (!other_tools(o, "-", name))
		cli_error("%s: no option -%c; see hvstimer %s --help", o->command->name, letter,
			  o->command->name);
}

static void unknown_long(const struct options *o, const char *word)
{
	const char *names[MAX_OPTIONS + 1];
	size_t len = strcspn(word, "=");
	char copy[64];
	const char *like;
	unsigned int i, n = 0, hits = 0;

	snprintf(copy, sizeof(copy), "%.*s", (int)len, word);
	for (i = 0; i < nr_option_table; i++) {
		bool mine = option_table[i].commands & o->command->bit;

		if (mine)
			names[n++] = option_table[i].name;
		if (mine && !strncmp(option_table[i].name, copy, strlen(copy)))
			hits++;
		if (!mine && !strcmp(option_table[i].name, copy)) {
			foreign_option(o, &option_table[i]);
			return;
		}
	}
	names[n] = NULL;
	if (other_tools(o, "--", copy))
		return;
	like = nearest(copy, names);
	if (hits > 1)
		cli_error("%s: --%s could be several options; see hvstimer %s --help",
			  o->command->name, copy, o->command->name);
	else if (like)
		cli_error("%s: no option --%s; did you mean --%s?", o->command->name, copy, like);
	else
		cli_error("%s: no option --%s; see hvstimer %s --help", o->command->name, copy,
			  o->command->name);
}

/* Report getopt_long()'s error @c: '?' or ':'. */
static void bad_option(const struct options *o, int c, char **argv)
{
	const struct option_desc *d = optopt ? find_option(o->command, optopt) : NULL;
	const char *word = argv[optind - 1];

	if (c == ':' && d)
		cli_error("%s: --%s needs a value: %s", o->command->name, d->name, d->arg);
	else if (d && !(d->commands & o->command->bit))
		foreign_option(o, d);
	else if (d)
		cli_error("%s: --%s takes no value", o->command->name, d->name);
	else if (optopt)
		unknown_letter(o, (char)optopt);
	else
		unknown_long(o, word + strspn(word, "-"));
}

static enum parse_result help_or_version(const struct options *o, char letter)
{
	struct out out;

	if (out_open(&out, NULL, COLOR_AUTO))
		return PARSE_FAILED;
	if (letter == 'V')
		out_printf(&out, "hvstimer %s\n", hvst_version());
	else
		options_help(&out, o->command);
	return out_close_stdout(&out) ? PARSE_FAILED : PARSE_DONE;
}

static enum parse_result positional(struct options *o, int argc, char **argv)
{
	if (optind < argc && !takes_files(o->command)) {
		cli_error("%s: %s is no option; the name of the recording is given with -o",
			  o->command->name, argv[optind]);
		return PARSE_BAD;
	}
	for (; optind < argc; optind++)
		if (!string_list_add(&o->files, argv[optind]))
			return PARSE_BAD;
	if (!o->files.n && o->command->bit == CMD_MERGE) {
		cli_error("%s: say which results: files of diagnose --json or export --sqlite",
			  o->command->name);
		return PARSE_BAD;
	}
	o->default_file = !o->files.n;
	if (o->default_file && !string_list_add(&o->files, "trace.dat"))
		return PARSE_BAD;
	return options_consistent(o) ? PARSE_GO : PARSE_BAD;
}

enum parse_result options_parse(struct options *o, const struct command *cmd, int argc, char **argv)
{
	struct option longs[MAX_OPTIONS + 1];
	char shorts[2 * MAX_OPTIONS + 2];
	const struct option_desc *d;
	int c;

	options_init(o, cmd);
	make_getopt(cmd, longs, shorts);
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		d = c == '?' || c == ':' ? NULL : find_option(cmd, c);
		if (!d) {
			bad_option(o, c, argv);
			return PARSE_BAD;
		}
		if (!(d->commands & cmd->bit)) {
			foreign_option(o, d);
			return PARSE_BAD;
		}
		if (!d->set)
			return help_or_version(o, d->letter);
		if (!d->set(o, d, optarg))
			return PARSE_BAD;
	}
	return positional(o, argc, argv);
}

int parse_exit_code(enum parse_result parsed)
{
	switch (parsed) {
	case PARSE_BAD:
		return EXIT_USAGE;
	case PARSE_FAILED:
		return EXIT_INPUT;
	default:
		return EXIT_OK;
	}
}

void options_free(struct options *o)
{
	if (o->input_fd != STDIN_FILENO)
		close(o->input_fd);
	free(o->files.v);
	free(o->buffers.v);
	free(o->ignore.v);
	free(o->cpus);
	free(o->policies);
	filter_free(o->filter);
	memset(o, 0, sizeof(*o));
}
