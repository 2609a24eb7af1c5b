/* SPDX-License-Identifier: GPL-2.0 */
/* The options of all commands. How they are parsed: opt/. */
#ifndef HVST_CLI_OPTIONS_H
#define HVST_CLI_OPTIONS_H

#include <hvstimer/hvstimer.h>

#include "commands.h"
#include "filter/filter.h"
#include "output/out.h"
#include "policy.h"
#include "watch/detect.h"

enum format { FORMAT_TEXT, FORMAT_JSON, FORMAT_JSONL, FORMAT_CSV, FORMAT_COUNT };
enum by { BY_VM = 1, BY_VCPU = 2, BY_TIMER = 4, BY_ALL = 7 };
enum detail { DETAIL_FINDINGS, DETAIL_BINNED, DETAIL_ALL };
enum scale { SCALE_LOG, SCALE_LINEAR };

/* Strings borrowed from argv. */
struct string_list {
	const char **v;
	unsigned int n;
};

/* A time: absolute, or from the first event of the recording; of a cycle clock also in cycles. */
struct time_arg {
	bool set, relative, cycles;
	int64_t ns; /* or cycles */
};

/* T=WALL: wall-clock time @epoch_ns, since the Epoch, was trace time @at. */
struct utc_arg {
	struct time_arg at;
	int64_t epoch_ns;
};

#define MAX_PERCENTILES 16

/* What `record` alone takes. */
struct record_options {
	const char *clock;
	unsigned long buffer_kb; /* 0: by estimate */
	int64_t duration_ns;	 /* 0: until interrupted */
	int pid;		 /* 0: every VM */
	bool sched, dry_run, force, date;
};

/* What `export` alone takes. */
struct export_options {
	const char *jsonl, *sqlite, *perfetto;
	enum detail detail;
	bool arms;
};

/* What `watch` alone takes. */
struct watch_options {
	struct watch_limits limits;
	int64_t duration_ns; /* 0: until interrupted */
	int64_t interval_ns;
	unsigned long ring_kb; /* 0: no ring */
	unsigned long max_kb;
	unsigned int keep;
	const char *exec;
	bool exits, diagnose;
};

struct options {
	const struct command *command;
	struct string_list files, buffers, ignore;
	uint64_t events;     /* those to print, a bit each; 0: all */
	bool default_file;   /* none was named */
	int vm, vcpu, timer; /* -1: any */
	const char *vm_name; /* --vm where it may be no number: names @vm once the VMs are known */
	unsigned int *cpus, nr_cpus;
	struct time_arg from, to;
	struct utc_arg utc;
	struct filter *filter; /* NULL: none */
	enum hvst_reader reader;
	unsigned int threads;
	enum format format;
	const char *output;
	enum color_mode color;
	bool quiet, verbose, check, explain, brief, together, date;
	unsigned long max_kb; /* what a pipe on standard input may hold, KiB */
	int input_fd;	      /* a regular file with what standard input holds, for the file "-" */
	struct hvst_params params;
	/* histograms */
	unsigned int by; /* enum by */
	bool by_set, percentiles_set, log_set;
	int64_t interval_ns, bucket_ns; /* 0: not asked for */
	enum scale scale;
	bool heatmap;
	unsigned int percentiles[MAX_PERCENTILES], nr_percentiles; /* 1/100 of a per cent */
	const char *svg, *html, *otlp, *metrics;
	/* simulate */
	struct policy *policies;
	unsigned int nr_policies;
	struct policy_sweep sweep;
	/* compare */
	struct time_arg split;
	unsigned int tolerance; /* per cent */
	/* browse */
	const char *script, *state, *beside;
	bool ascii;
	unsigned int top; /* hosts that merge names */
	struct record_options record;
	struct export_options export;
	struct watch_options watch;
};

enum parse_result { PARSE_GO, PARSE_DONE, PARSE_BAD, PARSE_FAILED };

/*
 * Parses the command's arguments; PARSE_DONE after --help or --version, PARSE_BAD after a message
 * on stderr, PARSE_FAILED where the help could not be written. options_free() in every case.
 */
enum parse_result options_parse(struct options *o, const struct command *cmd, int argc,
				char **argv);
/* The exit status of a command that does not go on after options_parse(). */
int parse_exit_code(enum parse_result parsed);
void options_free(struct options *o);

/* The --help of a command. */
void options_help(struct out *out, const struct command *cmd);

/* Does the command read recordings, whose names are its arguments? */
bool takes_files(const struct command *cmd);

/* Is standard input one of the recordings? */
bool reads_stdin(const struct options *o);

/* Adds to a list; false after a message. */
bool string_list_add(struct string_list *l, const char *s);

#endif
