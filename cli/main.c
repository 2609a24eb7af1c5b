// SPDX-License-Identifier: GPL-2.0
/* hvstimer: why is a guest stuck in Hyper-V synthetic-timer interrupts? */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <hvstimer/hvstimer.h>

#include "array.h"
#include "message.h"
#include "nearest.h"
#include "options.h"
#include "other_tools.h"

static int usage(struct out *out)
{
	const struct command *c;

	out_str(out, "Usage: hvstimer COMMAND [options] [FILE...]\n\n"
		     "Finds out from a recorded trace.dat why a KVM guest is stuck in Hyper-V\n"
		     "synthetic-timer interrupts.\n\nCommands:\n");
	for (c = commands; c->name; c++)
		out_printf(out, "  %-10s %s\n", c->name, c->summary);
	out_str(out, "\nhvstimer COMMAND --help tells a command's options; so does man "
		     "hvstimer-COMMAND.\n"
		     "FILE defaults to trace.dat. Begin with: hvstimer diagnose\n");
	return out_close_stdout(out) ? EXIT_INPUT : EXIT_OK;
}

static int version(void)
{
	struct out out;

	if (out_open(&out, NULL, COLOR_NEVER))
		return EXIT_INPUT;
	out_printf(&out, "hvstimer %s\n", hvst_version());
	return out_close_stdout(&out) ? EXIT_INPUT : EXIT_OK;
}

/* The only command that begins with @word; NULL: none, or several. */
static const char *abbreviated(const char *word)
{
	const char *found = NULL;
	const struct command *c;

	for (c = commands; c->name; c++) {
		if (strncmp(c->name, word, strlen(word)))
			continue;
		if (found)
			return NULL;
		found = c->name;
	}
	return found;
}

static int unknown_command(const char *name)
{
	const char *names[32], *like;
	unsigned int n = 0;
	const struct command *c;

	for (c = commands; c->name && n + 1 < ARRAY_SIZE(names); c++)
		names[n++] = c->name;
	names[n] = NULL;
	like = other_tools_command(name);
	if (like) {
		cli_error("no command is called '%s'; %s", name, like);
		return EXIT_USAGE;
	}
	like = abbreviated(name);
	if (!like)
		like = nearest(name, names);
	if (like)
		cli_error("no command is called '%s'; did you mean %s?", name, like);
	else
		cli_error("no command is called '%s'; see hvstimer --help", name);
	return EXIT_USAGE;
}

/* An option before any command. */
static int option_first(const char *option)
{
	static const char *const own[] = { "--help", "--version", NULL };
	const char *like = nearest(option, own);

	if (like)
		cli_error("no option %s; did you mean %s?", option, like);
	else
		cli_error("%s: a command comes first, then its options; see hvstimer --help",
			  option);
	return EXIT_USAGE;
}

/* Help is printed by the command. */
static int help(const char *topic)
{
	const struct command *cmd = topic ? command_find(topic) : NULL;
	char *argv[] = { (char *)topic, (char *)"--help", NULL };
	struct out out;

	if (cmd)
		return cmd->run(2, argv);
	if (topic)
		return unknown_command(topic);
	return out_open(&out, NULL, COLOR_AUTO) ? EXIT_INPUT : usage(&out);
}

int main(int argc, char **argv)
{
	const struct command *cmd;

	/* a closed pipe is an error of write(2), handled there */
	signal(SIGPIPE, SIG_IGN);
	if (argc < 2) {
		cli_error("which command? See hvstimer --help, or begin with: hvstimer diagnose");
		return EXIT_USAGE;
	}
	if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h"))
		return help(NULL);
	if (!strcmp(argv[1], "help"))
		return help(argc > 2 ? argv[2] : NULL);
	if (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))
		return version();
	cmd = command_find(argv[1]);
	if (cmd)
		return cmd->run(argc - 1, argv + 1);
	if (*argv[1] == '-' && argv[1][1])
		return option_first(argv[1]);
	if (access(argv[1], F_OK))
		return unknown_command(argv[1]);
	cli_error("a command comes first; did you mean: hvstimer diagnose %s", argv[1]);
	return EXIT_USAGE;
}
