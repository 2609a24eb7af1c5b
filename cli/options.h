/* SPDX-License-Identifier: GPL-2.0 */
/* One table of options: parsing, --help and "that belongs to another command" all read it. */
#ifndef HVST_CLI_OPTIONS_H
#define HVST_CLI_OPTIONS_H

#include <hvstimer/hvstimer.h>

#include "commands.h"
#include "output/out.h"

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_JSONL, FORMAT_CSV, FORMAT_COUNT };
enum by { BY_VM = 1, BY_VCPU = 2, BY_TIMER = 4, BY_ALL = 7 };
enum scale { SCALE_LOG, SCALE_LINEAR };

/* A list of strings borrowed from argv. */
struct names {
	const char **v;
	unsigned int n;
};

/* A moment: absolute, or from the first event of the recording; of a cycle clock also in cycles. */
struct moment {
	bool set, relative, cycles;
	int64_t ns; /* or cycles */
};

#define MAX_PERCENTILES 16

struct options {
	const struct command *command;
	struct names files, buffers, ignore, events;
	int vm, vcpu, timer; /* -1: any */
	unsigned int *cpus, nr_cpus;
	struct moment from, to;
	enum hvst_reader reader;
	unsigned int threads;
	enum format format;
	const char *output;
	enum color_mode color;
	bool quiet, verbose, check;
	struct hvst_params params;
	/* histograms */
	unsigned int by; /* enum by */
	bool by_set, percentiles_set;
	int64_t interval_ns, bucket_ns; /* 0: not asked for */
	enum scale scale;
	bool heatmap;
	unsigned int percentiles[MAX_PERCENTILES], nr_percentiles; /* 1/100 of a per cent */
	const char *svg, *html;
	/* browse */
	const char *script;
	bool ascii;
};

enum parse_result { PARSE_GO, PARSE_DONE, PARSE_BAD };

/*
 * Parses the command's arguments; PARSE_DONE after --help or --version, PARSE_BAD after a message
 * on stderr. options_free() in every case.
 */
enum parse_result options_parse(struct options *o, const struct command *cmd, int argc,
				char **argv);
void options_free(struct options *o);

/* The --help of a command. */
void options_help(struct out *out, const struct command *cmd);

/* "12.5s", "800us", "3m", "250" (seconds): ns. False when it is none or does not fit. */
bool parse_duration(const char *text, int64_t *ns);

/* Prints "hvstimer: " and the message to stderr. */
void complain(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* The word of @words (NULL-terminated) most like @word, NULL when none is near. */
const char *nearest(const char *word, const char *const *words);

#endif
