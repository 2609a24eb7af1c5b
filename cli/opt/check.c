// SPDX-License-Identifier: GPL-2.0
/* Checks that involve several options. */
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../array.h"
#include "../magic.h"
#include "../message.h"
#include "table.h"

static int stat_input(const char *path, struct stat *st)
{
	return strcmp(path, "-") ? stat(path, st) : fstat(STDIN_FILENO, st);
}

static bool same_file(const char *output, const char *input)
{
	struct stat x, y;

	return !stat(output, &x) && !stat_input(input, &y) && S_ISREG(x.st_mode) &&
	       x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/*
 * Is the file that an output would replace some recording? `skew --svg trace.dat`, with the name of
 * the SVG file forgotten, must not cost the recording. Those who make recordings may replace one.
 */
static bool replaces_recording(const struct options *o, const char *output)
{
	char begin[TRACE_MAGIC_SIZE];
	struct stat st;
	ssize_t n;
	int fd;

	if (!output || o->command->bit & (CMD_RECORD | CMD_WATCH))
		return false;
	if (stat(output, &st) || !S_ISREG(st.st_mode))
		return false;
	fd = open(output, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	n = read(fd, begin, sizeof(begin));
	close(fd);
	return n == sizeof(begin) && !memcmp(begin, TRACE_MAGIC, sizeof(begin));
}

/* Outputs must not overwrite a recording or each other. */
static bool outputs_apart(const struct options *o)
{
	const char *const outputs[] = { o->output,	  o->svg,
					o->html,	  o->metrics,
					o->otlp,	  o->export.jsonl,
					o->export.sqlite, o->export.perfetto };
	unsigned int i, f;

	for (i = 0; i < ARRAY_SIZE(outputs); i++) {
		for (f = 0; outputs[i] && f < o->files.n; f++) {
			if (!same_file(outputs[i], o->files.v[f]))
				continue;
			cli_error("%s: %s would overwrite the recording", o->command->name,
				  outputs[i]);
			return false;
		}
		for (f = 0; outputs[i] && f < i; f++) {
			if (!outputs[f] || strcmp(outputs[i], outputs[f]))
				continue;
			cli_error("%s: two outputs cannot both be %s", o->command->name,
				  outputs[i]);
			return false;
		}
	}
	for (i = 0; i < ARRAY_SIZE(outputs); i++) {
		if (!replaces_recording(o, outputs[i]))
			continue;
		cli_error("%s: %s is a recording: it would be overwritten", o->command->name,
			  outputs[i]);
		return false;
	}
	return true;
}

/* Reports that @option has no effect with @other; NULL: it has one. Returns whether it has none. */
static bool has_meaning(const struct options *o, const char *option, const char *other)
{
	if (other)
		cli_error("%s: %s means nothing with %s", o->command->name, option, other);
	return !other;
}

/* JSON and heat maps have buckets and percentiles of their own, and so have intervals and CSV. */
static bool histogram_consistent(const struct options *o)
{
	const char *other = o->heatmap ? "--heatmap" : o->format == FORMAT_JSON ? "--json" : NULL;
	const char *interval = o->interval_ns ? "--interval" : NULL;
	const char *csv = o->format == FORMAT_CSV && !interval ? "--csv" : NULL;

	if (o->log_set && o->scale == SCALE_LINEAR) {
		cli_error("%s: choose one of --log and %s", o->command->name,
			  o->bucket_ns ? "--bucket" : "--linear");
		return false;
	}
	if (o->percentiles_set && !has_meaning(o, "--percentiles", other ? other : csv))
		return false;
	if (o->scale != SCALE_LINEAR || o->svg)
		return true;
	return has_meaning(o, o->bucket_ns ? "--bucket" : "--linear", other ? other : interval);
}

static bool export_consistent(const struct options *o)
{
	const struct export_options *e = &o->export;

	if (o->command->bit != CMD_EXPORT)
		return true;
	if (!e->jsonl && !e->sqlite && !e->perfetto) {
		cli_error("%s: say what to write: --sqlite, --jsonl or --perfetto",
			  o->command->name);
		return false;
	}
	if (e->arms && !e->jsonl && !e->sqlite)
		return has_meaning(o, "--arms", "--perfetto alone; see --detail");
	if (e->detail != DETAIL_BINNED && !e->perfetto)
		return has_meaning(o, "--detail", e->sqlite ? "--sqlite" : "--jsonl");
	return true;
}

static bool policies_consistent(const struct options *o)
{
	if (o->command->bit == CMD_SIMULATE && o->svg && !o->sweep.term) {
		cli_error("%s: --svg draws the curve of a --sweep", o->command->name);
		return false;
	}
	if (o->sweep.term && o->nr_policies > 1) {
		cli_error("%s: --sweep varies one --policy", o->command->name);
		return false;
	}
	if (o->sweep.term && o->nr_policies && !o->policies[0].pad_ns) {
		cli_error("%s: --sweep varies a policy with pad=", o->command->name);
		return false;
	}
	return true;
}

static unsigned int count_stdin(const struct options *o)
{
	unsigned int i, n = 0;

	for (i = 0; i < o->files.n; i++)
		n += !strcmp(o->files.v[i], "-");
	return n;
}

bool reads_stdin(const struct options *o)
{
	return count_stdin(o) > 0;
}

/* Standard input can be read only once: either the recording or the keys come from it. */
static bool stdin_consistent(const struct options *o)
{
	unsigned int n = count_stdin(o);

	if (n > 1) {
		cli_error("%s: standard input can be read only once", o->command->name);
		return false;
	}
	if (n && o->command->bit == CMD_BROWSE && (!o->script || !strcmp(o->script, "-"))) {
		cli_error("%s: keys come from standard input; save the recording to a file first",
			  o->command->name);
		return false;
	}
	return true;
}

static bool brief_consistent(const struct options *o)
{
	const char *other = o->format != FORMAT_TEXT ? "--json"
			    : o->verbose	     ? "--verbose"
			    : o->explain	     ? "--explain"
						     : NULL;

	if (o->brief && other)
		cli_error("%s: choose one of --brief and %s", o->command->name, other);
	return !o->brief || !other;
}

/* One recording whose time is split, or two recordings. */
static bool compare_consistent(const struct options *o)
{
	unsigned int files = o->split.set ? 1 : 2;

	if (o->command->bit != CMD_COMPARE)
		return true;
	if (o->files.n != files || (files == 2 && o->default_file)) {
		cli_error(o->split.set ? "%s: --split takes one recording, not %u"
				       : "%s: name two recordings, A and B, not %u",
			  o->command->name, o->default_file ? 0 : o->files.n);
		return false;
	}
	if (o->tolerance && !o->check)
		cli_error("%s: --tolerance means nothing without --check", o->command->name);
	return !o->tolerance || o->check;
}

#define WATCH_MIN_INTERVAL_NS 100000000

/* The first given option among those counted; NULL: none. */
static const char *watch_counting_option(const struct options *o, const struct options *plain)
{
	const struct watch_limits *l = &o->watch.limits, *p = &plain->watch.limits;

	return o->metrics					  ? "--metrics"
	       : o->watch.interval_ns != plain->watch.interval_ns ? "--interval"
	       : l->min_rate != p->min_rate			  ? "--min-rate"
	       : l->min_share != p->min_share			  ? "--min-share"
	       : l->min_ns != p->min_ns				  ? "--min-length"
								  : NULL;
}

/* Without a ring there is nothing to save. */
static bool watch_consistent(const struct options *o)
{
	struct options plain;
	const char *option;

	if (o->command->bit != CMD_WATCH)
		return true;
	options_init(&plain, o->command);
	if (o->watch.diagnose) {
		option = watch_counting_option(o, &plain);
		if (option) {
			cli_error("%s: %s means nothing with --diagnose", o->command->name, option);
			return false;
		}
	}
	if (o->watch.interval_ns < WATCH_MIN_INTERVAL_NS) {
		cli_error("%s: --interval is at least 100 ms", o->command->name);
		return false;
	}
	if (o->watch.ring_kb)
		return true;
	option = o->output				 ? "--output"
		 : o->watch.exits && !o->watch.diagnose	 ? "--exits"
		 : o->watch.keep != plain.watch.keep	 ? "--keep"
		 : o->watch.max_kb != plain.watch.max_kb ? "--max-size"
							 : NULL;
	if (option)
		cli_error("%s: %s means nothing without --ring", o->command->name, option);
	return !option;
}

bool options_consistent(const struct options *o)
{
	if (!outputs_apart(o) || !histogram_consistent(o) || !export_consistent(o))
		return false;
	if (!policies_consistent(o) || !watch_consistent(o))
		return false;
	if (!stdin_consistent(o) || !brief_consistent(o) || !compare_consistent(o))
		return false;
	if (o->heatmap && o->interval_ns) {
		cli_error("%s: choose one of --heatmap and --interval", o->command->name);
		return false;
	}
	if (o->heatmap && o->format != FORMAT_TEXT) {
		cli_error(
			"%s: --heatmap is text; --csv and --json carry its numbers with --interval",
			o->command->name);
		return false;
	}
	if (o->explain && o->format != FORMAT_TEXT) {
		cli_error("%s: --explain is text; choose one of it and --json, --jsonl, --csv",
			  o->command->name);
		return false;
	}
	if (o->from.set && o->to.set && o->from.relative == o->to.relative &&
	    o->from.ns >= o->to.ns) {
		cli_error("%s: --from is not before --to", o->command->name);
		return false;
	}
	return true;
}
