/* SPDX-License-Identifier: GPL-2.0 */
/* The commands. A new one adds its prototype and one line to the table in commands.c. */
#ifndef HVST_CLI_COMMANDS_H
#define HVST_CLI_COMMANDS_H

enum exit_code {
	EXIT_OK = 0,
	EXIT_FINDINGS = 1, /* only with --check */
	EXIT_USAGE = 2,
	EXIT_INPUT = 3,	  /* unreadable or corrupt, or the output could not be written */
	EXIT_NOTHING = 4, /* nothing relevant in it */
	EXIT_UNKNOWN = 5, /* only with --check: it cannot tell whether there is a storm */
	EXIT_INTERRUPTED = 130,
};

/* One bit a command: which options it takes (opt/table.c). */
enum command_bit {
	CMD_DIAGNOSE = 1,
	CMD_SKEW = 2,
	CMD_STORMS = 4,
	CMD_CLOCKS = 8,
	CMD_LATENCY = 16,
	CMD_EVENTS = 32,
	CMD_BROWSE = 64,
	CMD_RECORD = 128,
	CMD_EXPORT = 256,
	CMD_SIMULATE = 512,
	CMD_WATCH = 1024,
	CMD_MERGE = 2048,
	CMD_COMPARE = 4096,
};

struct command {
	const char *name;
	enum command_bit bit;
	/* argv[0] is the command's name; returns an exit code */
	int (*run)(int argc, char **argv);
	const char *summary; /* for the list of commands */
	const char *about;   /* a paragraph for its --help */
};

/* Ends with a NULL name. */
extern const struct command commands[];

/* NULL when there is none. */
const struct command *command_find(const char *name);
const struct command *command_by_bit(enum command_bit bit);

int cmd_diagnose(int argc, char **argv);
int cmd_skew(int argc, char **argv);
int cmd_storms(int argc, char **argv);
int cmd_clocks(int argc, char **argv);
int cmd_latency(int argc, char **argv);
int cmd_events(int argc, char **argv);
int cmd_browse(int argc, char **argv);
int cmd_record(int argc, char **argv);
int cmd_export(int argc, char **argv);
int cmd_simulate(int argc, char **argv);
int cmd_compare(int argc, char **argv);
int cmd_watch(int argc, char **argv);
int cmd_merge(int argc, char **argv);

#endif
