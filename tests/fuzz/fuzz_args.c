// SPDX-License-Identifier: GPL-2.0
/* Arguments of a command, among them times and filters: [command][argument NUL]... Nothing is opened. */
#include "../../cli/options.h"
#include "fuzz.h"

#define MAX_ARGS 64

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char messages[65536];

	(void)argc;
	(void)argv;
	/* a message is no system call of its own, then */
	setvbuf(stderr, messages, _IOFBF, sizeof(messages));
	return 0;
}

static const struct command *choose(unsigned int n)
{
	unsigned int count = 0;

	while (commands[count].name && commands[count].bit != CMD_RECORD)
		count++;		/* record, the last, has a parser of its own */
	return &commands[n % count];
}

static void parse(const struct command *cmd, int argc, char **argv)
{
	struct options o;
	enum parse_result r = options_parse(&o, cmd, argc, argv);

	PROMISE(r != PARSE_GO || (o.files.n && o.nr_percentiles <= MAX_PERCENTILES && o.timer < 4));
	PROMISE(r != PARSE_GO || (o.from.ns >= 0 && o.to.ns >= 0 && o.interval_ns >= 0 && o.bucket_ns >= 0));
	options_free(&o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *argv[MAX_ARGS + 1];
	const struct command *cmd;
	int argc = 1;
	int64_t ns;

	if (!text)
		return 0;
	memcpy(text, data, size);
	text[size] = '\0';
	cmd = choose(size ? data[0] : 0);
	argv[0] = (char *)cmd->name;
	for (size_t at = 1; at < size && argc < MAX_ARGS; at += strlen(text + at) + 1)
		argv[argc++] = text + at;
	argv[argc] = NULL;
	for (int i = 1; i < argc; i++)
		PROMISE(!parse_duration(argv[i], &ns) || ns >= 0);
	parse(cmd, argc, argv);
	free(text);
	return 0;
}
