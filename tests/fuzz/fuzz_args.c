// SPDX-License-Identifier: GPL-2.0
/*
 * Arguments of a command, among them times, filters and patterns: [command][argument NUL]...
 * Nothing is opened. `record` runs on a host made up from [flags][events, 8 bytes][number of
 * threads][thread, 2 bytes]... before its arguments: the command that it prints must be the one
 * that it runs.
 */
#include <errno.h>
#include <getopt.h>
#include <unistd.h>

#include "../../cli/opt/value.h"
#include "../../cli/options.h"
#include "../../cli/record.h"
#include "fuzz.h"

#define MAX_ARGS    64
#define MAX_WORDS   (4 * HVST_EV_COUNT + 32)
#define FILTER_ROOM 4096 /* of the kernel */

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	drop_messages();
	return 0;
}

/* --- record
 * --------------------------------------------------------------------------------------------------
 */

static struct {
	unsigned int flags;
	uint64_t events;
	int tids[256];
	unsigned int nr_tids;
} host;

/* What was to be run. */
static struct {
	char *words[MAX_WORDS];
	unsigned int n;
} ran;

int __wrap_record_host_read(struct record_host *h, char *err, size_t errlen);
int __wrap_record_tids_read(struct record_tids *t, int pid, char *err, size_t errlen);
bool __wrap_record_host_writable(void);
void __wrap_record_host_free(struct record_host *h);
int __wrap_execvp(const char *file, char *const argv[]);

int __wrap_record_host_read(struct record_host *h, char *err, size_t errlen)
{
	*h = (struct record_host){ .dir = "/nowhere",
				   .events = host.events,
				   .has_kvm = host.flags & 1,
				   .clocks = strdup("local [mono] x86-tsc"),
				   .cpus = 1 + (host.flags >> 6),
				   .mem_kb = (uint64_t)(host.flags >> 4 & 3) << 20,
				   .saved_cmdlines = host.flags & 2 };
	if (host.flags & 4)
		snprintf(h->busy, sizeof(h->busy), "trace events are enabled");
	if (!(host.flags & 8))
		return 0;
	free(h->clocks);
	snprintf(err, errlen, "tracefs is not there");
	return -ENODEV;
}

void __wrap_record_host_free(struct record_host *h)
{
	free(h->clocks);
}

bool __wrap_record_host_writable(void)
{
	return true;
}

/* record_tids_free() frees both. */
int __wrap_record_tids_read(struct record_tids *t, int pid, char *err, size_t errlen)
{
	size_t bytes = host.nr_tids * sizeof(int);

	PROMISE(pid > 0);
	*t = (struct record_tids){ .named = host.flags & 16 };
	if (!host.nr_tids) {
		snprintf(err, errlen, "no process %d", pid);
		return -ESRCH;
	}
	t->nr_all = t->nr_vcpu = host.nr_tids;
	t->all = malloc(bytes);
	t->vcpu = malloc(bytes);
	PROMISE(t->all && t->vcpu);
	memcpy(t->all, host.tids, bytes);
	memcpy(t->vcpu, host.tids, bytes);
	return 0;
}

int __wrap_execvp(const char *file, char *const argv[])
{
	PROMISE(!strcmp(file, "trace-cmd"));
	for (ran.n = 0; argv[ran.n]; ran.n++) {
		PROMISE(ran.n < MAX_WORDS);
		PROMISE(!ran.n || strcmp(argv[ran.n - 1], "-f") ||
			strlen(argv[ran.n]) < FILTER_ROOM);
		ran.words[ran.n] = strdup(argv[ran.n]);
		PROMISE(ran.words[ran.n]);
	}
	errno = ENOENT;
	return -1;
}

/* The next word as a shell reads it, in place; NULL at the end of the line. */
static char *shell_word(char **line)
{
	char *in = *line + strspn(*line, " \t"), *word, *out;
	bool quoted = false;

	while (in[0] == '\\' && in[1] == '\n')
		in += 2 + strspn(in + 2, " \t");
	if (!*in || *in == '\n')
		return NULL;
	for (word = out = in; *in && (quoted || !strchr(" \t\n", *in)); in++) {
		if (*in == '\'')
			quoted = !quoted;
		else if (*in == '\\' && !quoted)
			*out++ = *++in;
		else
			*out++ = *in;
	}
	PROMISE(!quoted);
	*line = in + (*in != '\0');
	*out = '\0';
	return word;
}

static void compare(char *printed)
{
	for (unsigned int i = 0; i < ran.n; i++) {
		char *word = shell_word(&printed);

		PROMISE(word && !strcmp(word, ran.words[i]));
	}
	PROMISE(!shell_word(&printed));
}

static int run_record(int argc, char **argv)
{
	int code;

	optind = 0;
	code = cmd_record(argc, argv);
	PROMISE(code == EXIT_OK || code == EXIT_USAGE || code == EXIT_INPUT);
	return code;
}

/* With --dry-run before the arguments; what it prints. */
static char *dry_run(int argc, char **argv, int *code)
{
	char *with[MAX_ARGS + 2] = { argv[0], (char *)"--dry-run" }, *text = NULL;
	FILE *shown = stdout;
	size_t len;

	memcpy(with + 2, argv + 1, (size_t)argc * sizeof(*argv));
	stdout = open_memstream(&text, &len);
	PROMISE(stdout);
	*code = run_record(argc + 1, with);
	fclose(stdout);
	stdout = shown;
	return text;
}

static void take_host(struct input *in)
{
	memset(&host, 0, sizeof(host));
	host.flags = (unsigned int)take(in, 1);
	host.events = take(in, 8);
	host.nr_tids = (unsigned int)take(in, 1);
	for (unsigned int i = 0; i < host.nr_tids; i++)
		host.tids[i] = (i ? host.tids[i - 1] : 0) + 1 + (int)take(in, 2);
}

static void record(int argc, char **argv)
{
	char *copy[MAX_ARGS + 1], *printed;
	int code;

	memcpy(copy, argv, (size_t)(argc + 1) * sizeof(*argv)); /* getopt sorts them */
	printed = dry_run(argc, copy, &code);
	ran.n = 0;
	run_record(argc, argv);
	PROMISE(!ran.n || code == EXIT_OK);
	if (ran.n)
		compare(printed);
	while (ran.n)
		free(ran.words[--ran.n]);
	free(printed);
}

/* --- the others --- */

static void parse(const struct command *cmd, int argc, char **argv)
{
	struct options o;
	enum parse_result r = options_parse(&o, cmd, argc, argv);

	PROMISE(r != PARSE_GO || (o.files.n && o.nr_percentiles <= MAX_PERCENTILES && o.timer < 4));
	PROMISE(r != PARSE_GO ||
		(o.from.ns >= 0 && o.to.ns >= 0 && o.interval_ns >= 0 && o.bucket_ns >= 0));
	PROMISE(!(o.events & ~(((1ULL << HVST_EV_COUNT) - 1) | 1ULL << HVST_EV_LOST)));
	for (unsigned int i = 0; i < o.ignore.n; i++)
		PROMISE(hvst_event_by_name(o.ignore.v[i]) >= 0);
	options_free(&o);
}

static const struct command *choose(unsigned int n)
{
	unsigned int count = 0;

	while (commands[count].name)
		count++;
	return &commands[n % count];
}

static void use(const struct command *cmd, char *text, size_t size)
{
	char *argv[MAX_ARGS + 1] = { (char *)cmd->name };
	int argc = 1;
	int64_t ns;

	for (size_t at = 0; at < size && argc < MAX_ARGS; at += strlen(text + at) + 1)
		argv[argc++] = text + at;
	argv[argc] = NULL;
	for (int i = 1; i < argc; i++)
		PROMISE(!parse_duration(argv[i], &ns) || ns >= 0);
	if (cmd->bit == CMD_RECORD)
		record(argc, argv);
	else
		parse(cmd, argc, argv);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	const struct command *cmd = choose((unsigned int)take(&in, 1));
	char *text;

	if (cmd->bit == CMD_RECORD)
		take_host(&in);
	text = malloc(in.n + 1);
	PROMISE(text);
	if (in.n)
		memcpy(text, in.p, in.n);
	text[in.n] = '\0';
	use(cmd, text, in.n);
	free(text);
	return 0;
}
