// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "options.h"
#include "output/units.h"
#include "output/utf8.h"

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define CMD_ALL                                                                                    \
	(CMD_DIAGNOSE | CMD_SKEW | CMD_STORMS | CMD_CLOCKS | CMD_LATENCY | CMD_EVENTS | CMD_BROWSE)
#define CMD_ANALYSIS  (CMD_DIAGNOSE | CMD_SKEW | CMD_STORMS | CMD_CLOCKS | CMD_LATENCY)
#define CMD_TEXT      (CMD_ANALYSIS | CMD_EVENTS)
#define CMD_HISTOGRAM (CMD_SKEW | CMD_LATENCY)
#define CMD_KNOBS     (CMD_DIAGNOSE | CMD_STORMS | CMD_BROWSE)
#define LONG_ONLY     256
#define HELP_COLUMN   26

enum section { SEC_INPUT, SEC_SELECT, SEC_STORM, SEC_HISTOGRAM, SEC_OUTPUT, SEC_OTHER, SEC_COUNT };

static const char *const section_titles[SEC_COUNT] = {
	"Input", "What to look at", "What counts as a storm", "Histogram", "Output", "Other",
};

/* The parameters of the storm rule that have an option. */
enum knob {
	KNOB_NONE,
	KNOB_MIN_ARMS,
	KNOB_MIN_SHARE,
	KNOB_MAX_AHEAD,
	KNOB_MAX_GAP,
	KNOB_WATCHDOG,
	KNOB_SHORT
};

struct option_desc {
	const char *name;
	char letter;	 /* 0: none */
	const char *arg; /* NULL: takes none */
	enum section section;
	unsigned int commands; /* enum command_bit */
	bool (*set)(struct options *o, const char *arg);
	const char *help;
	enum knob knob; /* its default is shown by --help */
};

/* Names that come from a file may hold anything: no control characters on a terminal. */
void complain(const char *fmt, ...)
{
	char *text;
	va_list ap;
	int n;

	fflush(stdout);
	va_start(ap, fmt);
	n = vasprintf(&text, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	for (char *p = text; *p; p++) {
		unsigned int len = utf8_printable(p);

		if (!len)
			*p = '?';
		p += len ? len - 1 : 0;
	}
	fprintf(stderr, "hvstimer: %s\n", text);
	free(text);
}

/* --- values ----------------------------------------------------------------------------------- */

static bool parse_unsigned(const char *text, unsigned long max, unsigned long *v)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*v = strtoul(text, &end, 10);
	return !*end && !errno && *v <= max;
}

static int64_t unit_ns(const char *unit)
{
	static const struct {
		const char *name;
		int64_t ns;
	} known[] = {
		{ "", 1000000000 },   { "s", 1000000000 },    { "ms", 1000000 },
		{ "us", 1000 },	      { "\302\265s", 1000 },  { "ns", 1 },
		{ "m", 60000000000 }, { "min", 60000000000 }, { "h", 3600000000000 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(unit, known[i].name))
			return known[i].ns;
	return 0;
}

/* Digits with at most one point, in integers: 9157.411234567 s must not lose its last digits. */
bool parse_duration(const char *text, int64_t *ns)
{
	__int128 v = 0, scale = 1;
	bool point = false, digits = false;
	int64_t unit;

	for (; (*text >= '0' && *text <= '9') || (*text == '.' && !point); text++) {
		if (*text == '.') {
			point = true;
			continue;
		}
		digits = true;
		if (scale >= 1000000000000)
			continue; /* beyond a thousandth of a ns */
		v = v * 10 + (*text - '0');
		scale *= point ? 10 : 1;
		if (v > (__int128)INT64_MAX * 1000)
			return false;
	}
	text += *text == ' ';
	unit = unit_ns(text);
	if (!digits || !unit || v > (__int128)INT64_MAX * scale / unit)
		return false;
	*ns = v * unit / scale;
	return true;
}

static bool bad_value(const struct options *o, const char *arg, const char *want)
{
	complain("%s: '%s' is not %s", o->command->name, arg, want);
	return false;
}

static bool set_duration(struct options *o, const char *arg, int64_t *ns)
{
	if (parse_duration(arg, ns) && *ns > 0)
		return true;
	return bad_value(o, arg, "a duration like 10ms, 200us or 1.5s");
}

static bool set_uint(struct options *o, const char *arg, unsigned long max, unsigned int *v)
{
	unsigned long n;

	if (!parse_unsigned(arg, max, &n))
		return bad_value(o, arg, "a number in range");
	*v = n;
	return true;
}

static bool set_id(struct options *o, const char *arg, int *id)
{
	unsigned long n;

	if (!parse_unsigned(arg, INT_MAX, &n))
		return bad_value(o, arg, "a number");
	*id = n;
	return true;
}

/* "20559442857cyc" */
static bool parse_cycles(const char *text, int64_t *cycles)
{
	char digits[24];
	size_t n = strspn(text, "0123456789");
	unsigned long v;

	if (strcmp(text + n, "cyc") || n >= sizeof(digits))
		return false;
	memcpy(digits, text, n);
	digits[n] = 0;
	if (!parse_unsigned(digits, INT64_MAX, &v))
		return false;
	*cycles = v;
	return true;
}

static bool set_moment(struct options *o, const char *arg, struct moment *m)
{
	m->set = true;
	m->relative = *arg == '+';
	m->cycles = parse_cycles(arg + m->relative, &m->ns);
	if (m->cycles || parse_duration(arg + m->relative, &m->ns))
		return true;
	return bad_value(o, arg,
			 "a time: seconds as trace-cmd report shows them, or +TIME from the first "
			 "event; units s, ms, us, ns, and cyc for a clock that counts cycles");
}

static bool add_name(struct names *l, const char *name)
{
	const char **v = reallocarray(l->v, l->n + 1, sizeof(*v));

	if (!v) {
		complain("out of memory");
		return false;
	}
	l->v = v;
	l->v[l->n++] = name;
	return true;
}

/* --- likeness --------------------------------------------------------------------------------- */

static unsigned int min3(unsigned int a, unsigned int b, unsigned int c)
{
	return a < b ? (a < c ? a : c) : (b < c ? b : c);
}

/* Levenshtein's distance of words up to 63 long. */
static unsigned int distance(const char *a, const char *b)
{
	unsigned int row[64], i, j, diagonal, old;
	size_t n = strlen(b);

	if (n > 63 || strlen(a) > 63)
		return UINT_MAX;
	for (j = 0; j <= n; j++)
		row[j] = j;
	for (i = 1; a[i - 1]; i++) {
		diagonal = row[0];
		row[0] = i;
		for (j = 1; j <= n; j++) {
			old = row[j];
			row[j] =
				min3(row[j] + 1, row[j - 1] + 1, diagonal + (a[i - 1] != b[j - 1]));
			diagonal = old;
		}
	}
	return row[n];
}

const char *nearest(const char *word, const char *const *words)
{
	unsigned int best = strlen(word) / 3 + 2;
	const char *found = NULL;

	for (; *words; words++) {
		unsigned int d = distance(word, *words);

		if (d < best) {
			best = d;
			found = *words;
		}
	}
	return found;
}

static const char *nearest_event(const char *word)
{
	const char *names[2 * HVST_EV_COUNT + 1];
	const char *found;
	unsigned int i, n = 0;

	for (i = 0; i < HVST_EV_COUNT; i++) {
		names[n++] = hvst_event_name(i);
		if (!strncmp(names[n - 1], "kvm_hv_", 7)) {
			names[n] = names[n - 1] + 7;
			n++;
		}
	}
	names[n] = NULL;
	found = nearest(word, names);
	for (i = 0; found && i < HVST_EV_COUNT; i++)
		if (!strcmp(found, hvst_event_name(i)) || !strcmp(found, hvst_event_name(i) + 7))
			return hvst_event_name(i);
	return found;
}

static bool event_matches(const char *pattern)
{
	const char *colon = strchr(pattern, ':');
	unsigned int i;

	if (hvst_event_by_name(pattern) >= 0)
		return true;
	for (i = 0; i < HVST_EV_COUNT; i++)
		if (!fnmatch(colon ? colon + 1 : pattern, hvst_event_name(i), 0))
			return true;
	return false;
}

static bool unknown_event(const struct options *o, const char *arg)
{
	const char *like = nearest_event(arg);

	if (like)
		complain("%s: no event is called '%s'; did you mean %s?", o->command->name, arg,
			 like);
	else
		complain("%s: no event that hvstimer knows is called '%s'", o->command->name, arg);
	return false;
}

/* --- setters ---------------------------------------------------------------------------------- */

static bool set_input(struct options *o, const char *arg)
{
	return add_name(&o->files, arg);
}

static bool set_buffer(struct options *o, const char *arg)
{
	return add_name(&o->buffers, arg);
}

static bool set_ignore(struct options *o, const char *arg)
{
	return hvst_event_by_name(arg) >= 0 ? add_name(&o->ignore, arg) : unknown_event(o, arg);
}

static bool set_event(struct options *o, const char *arg)
{
	return event_matches(arg) ? add_name(&o->events, arg) : unknown_event(o, arg);
}

static bool set_vm(struct options *o, const char *arg)
{
	return set_id(o, arg, &o->vm);
}

static bool set_vcpu(struct options *o, const char *arg)
{
	return set_id(o, arg, &o->vcpu);
}

static bool set_timer(struct options *o, const char *arg)
{
	if (set_id(o, arg, &o->timer) && o->timer < 4)
		return true;
	return bad_value(o, arg, "a synthetic timer: 0 to 3");
}

static bool set_cpu(struct options *o, const char *arg)
{
	unsigned int *cpus = reallocarray(o->cpus, o->nr_cpus + 1, sizeof(*cpus));

	if (!cpus) {
		complain("out of memory");
		return false;
	}
	o->cpus = cpus;
	return set_uint(o, arg, 65535, &o->cpus[o->nr_cpus++]);
}

static bool set_from(struct options *o, const char *arg)
{
	return set_moment(o, arg, &o->from);
}

static bool set_to(struct options *o, const char *arg)
{
	return set_moment(o, arg, &o->to);
}

static bool set_reader(struct options *o, const char *arg)
{
	if (!strcmp(arg, "auto"))
		o->reader = HVST_READER_AUTO;
	else if (!strcmp(arg, "pages"))
		o->reader = HVST_READER_PAGES;
	else if (!strcmp(arg, "libtracecmd"))
		o->reader = HVST_READER_LIBTRACECMD;
	else
		return bad_value(o, arg, "a reader: auto, pages or libtracecmd");
	return true;
}

static bool set_threads(struct options *o, const char *arg)
{
	return set_uint(o, arg, 1024, &o->threads);
}

static bool set_min_arms(struct options *o, const char *arg)
{
	return set_uint(o, arg, INT_MAX, &o->params.storm_min_arms);
}

static bool set_min_share(struct options *o, const char *arg)
{
	return set_uint(o, arg, 100, &o->params.storm_min_share);
}

static bool set_max_ahead(struct options *o, const char *arg)
{
	return set_uint(o, arg, INT_MAX, &o->params.storm_max_ahead);
}

static bool set_max_gap(struct options *o, const char *arg)
{
	return set_duration(o, arg, &o->params.storm_max_gap_ns);
}

static bool set_watchdog(struct options *o, const char *arg)
{
	return set_duration(o, arg, &o->params.watchdog_ns);
}

static bool set_short_deadline(struct options *o, const char *arg)
{
	if (parse_duration(arg, &o->params.short_deadline_ns))
		return true;
	return bad_value(o, arg, "a duration like 50us, or 0");
}

static bool set_by(struct options *o, const char *arg)
{
	static const char *const words[] = { "vm", "vcpu", "timer" };
	unsigned int i;

	o->by = 0;
	o->by_set = true;
	if (!strcmp(arg, "all"))
		return true;
	while (*arg) {
		size_t len = strcspn(arg, ",");

		for (i = 0; i < ARRAY_SIZE(words); i++)
			if (len == strlen(words[i]) && !strncmp(arg, words[i], len))
				break;
		if (i == ARRAY_SIZE(words))
			return bad_value(o, arg, "a list of vm, vcpu, timer; or all");
		o->by |= 1u << i;
		arg += len + (arg[len] == ',');
	}
	return true;
}

static bool set_interval(struct options *o, const char *arg)
{
	return set_duration(o, arg, &o->interval_ns);
}

static bool set_bucket(struct options *o, const char *arg)
{
	o->scale = SCALE_LINEAR;
	return set_duration(o, arg, &o->bucket_ns);
}

static bool set_linear(struct options *o, const char *arg)
{
	(void)arg;
	o->scale = SCALE_LINEAR;
	return true;
}

static bool set_log(struct options *o, const char *arg)
{
	(void)arg;
	o->scale = SCALE_LOG;
	o->bucket_ns = 0;
	return true;
}

static bool set_heatmap(struct options *o, const char *arg)
{
	(void)arg;
	o->heatmap = true;
	return true;
}

/* "99.9" is 9990. */
static bool parse_percentile(const char *text, char **end, unsigned int *v)
{
	unsigned long whole, digit = 1000;

	if (*text < '0' || *text > '9')
		return false;
	whole = strtoul(text, end, 10);
	if (whole > 100)
		return false;
	*v = whole * 100;
	if (**end == '.')
		for ((*end)++; **end >= '0' && **end <= '9'; (*end)++) {
			digit /= 10;
			*v += digit / 10 * (**end - '0');
			if (!(digit / 10) && **end != '0')
				return false;
		}
	return *v <= 10000;
}

static bool set_percentiles(struct options *o, const char *arg)
{
	const char *at = arg;
	char *end;

	o->percentiles_set = true;
	for (o->nr_percentiles = 0; o->nr_percentiles < MAX_PERCENTILES; at = end + 1) {
		if (!parse_percentile(at, &end, &o->percentiles[o->nr_percentiles++]))
			break;
		if (!*end)
			return true;
		if (*end != ',')
			break;
	}
	return bad_value(o, arg, "a list of at most 16 percentiles like 50,99,99.9");
}

static bool set_svg(struct options *o, const char *arg)
{
	o->svg = arg;
	return true;
}

static bool set_html(struct options *o, const char *arg)
{
	o->html = arg;
	return true;
}

static bool set_format(struct options *o, enum format f)
{
	if (o->format != FORMAT_TEXT && o->format != f) {
		complain("%s: choose one of --json, --jsonl and --csv", o->command->name);
		return false;
	}
	o->format = f;
	return true;
}

static bool set_json(struct options *o, const char *arg)
{
	(void)arg;
	return set_format(o, FORMAT_JSON);
}

static bool set_jsonl(struct options *o, const char *arg)
{
	(void)arg;
	return set_format(o, FORMAT_JSONL);
}

static bool set_csv(struct options *o, const char *arg)
{
	(void)arg;
	return set_format(o, FORMAT_CSV);
}

static bool set_output(struct options *o, const char *arg)
{
	o->output = arg;
	return true;
}

static bool set_color(struct options *o, const char *arg)
{
	if (!strcmp(arg, "auto"))
		o->color = COLOR_AUTO;
	else if (!strcmp(arg, "always"))
		o->color = COLOR_ALWAYS;
	else if (!strcmp(arg, "never"))
		o->color = COLOR_NEVER;
	else
		return bad_value(o, arg, "auto, always or never");
	return true;
}

static bool set_check(struct options *o, const char *arg)
{
	(void)arg;
	o->check = true;
	return true;
}

static bool set_quiet(struct options *o, const char *arg)
{
	(void)arg;
	o->quiet = true;
	return true;
}

static bool set_verbose(struct options *o, const char *arg)
{
	(void)arg;
	o->verbose = true;
	return true;
}

/* --- the table -------------------------------------------------------------------------------- */

static bool set_script(struct options *o, const char *arg)
{
	o->script = arg;
	return true;
}

static bool set_ascii(struct options *o, const char *arg)
{
	(void)arg;
	o->ascii = true;
	return true;
}

static const struct option_desc table[] = {
	{ "input", 'i', "FILE", SEC_INPUT, CMD_ALL, set_input,
	  "read FILE (repeatable; the same as naming it; default trace.dat)", 0 },
	{ "buffer", 0, "NAME", SEC_INPUT, CMD_ALL, set_buffer,
	  "only this buffer (instance) of the file (repeatable; default all together; '' is the "
	  "top one)",
	  0 },
	{ "ignore", 0, "EVENT", SEC_INPUT, CMD_ALL, set_ignore,
	  "as if EVENT had not been recorded (repeatable)", 0 },
	{ "reader", 0, "READER", SEC_INPUT, CMD_ALL, set_reader,
	  "pages, libtracecmd or auto (default)", 0 },
	{ "threads", 'j', "N", SEC_INPUT, CMD_ALL, set_threads,
	  "read with N threads (default: the CPUs at hand)", 0 },

	{ "vm", 0, "N", SEC_SELECT, CMD_ALL, set_vm,
	  "only virtual machine N, as diagnose numbers them", 0 },
	{ "vcpu", 0, "N", SEC_SELECT, CMD_ALL, set_vcpu, "only virtual CPU N", 0 },
	{ "timer", 0, "N", SEC_SELECT, CMD_ALL, set_timer, "only synthetic timer N (0 to 3)", 0 },
	{ "cpu", 0, "N", SEC_SELECT, CMD_ALL, set_cpu, "only what host CPU N recorded (repeatable)",
	  0 },
	{ "from", 0, "TIME", SEC_SELECT, CMD_ALL, set_from,
	  "from TIME on: seconds as in trace-cmd report, or +TIME after the first event; units s, "
	  "ms, us, ns, cyc",
	  0 },
	{ "to", 0, "TIME", SEC_SELECT, CMD_ALL, set_to, "only what comes before TIME", 0 },
	{ "event", 'e', "NAME", SEC_SELECT, CMD_EVENTS, set_event,
	  "only events of this name or pattern, as 'kvm_hv_stimer_*' (repeatable)", 0 },

	{ "min-arms", 0, "N", SEC_STORM, CMD_KNOBS, set_min_arms, "past-due arms that make a storm",
	  KNOB_MIN_ARMS },
	{ "min-share", 0, "PERCENT", SEC_STORM, CMD_KNOBS, set_min_share,
	  "share of a storm's arms that must be past due", KNOB_MIN_SHARE },
	{ "max-ahead", 0, "N", SEC_STORM, CMD_KNOBS, set_max_ahead,
	  "arms ahead allowed between two past-due arms of a storm", KNOB_MAX_AHEAD },
	{ "max-gap", 0, "TIME", SEC_STORM, CMD_KNOBS, set_max_gap,
	  "time allowed between two past-due arms of a storm", KNOB_MAX_GAP },
	{ "watchdog", 0, "TIME", SEC_STORM, CMD_KNOBS, set_watchdog,
	  "a storm this long endangers a watchdog", KNOB_WATCHDOG },
	{ "short-deadline", 0, "TIME", SEC_STORM, CMD_KNOBS, set_short_deadline,
	  "past due by at most this: put down to a short deadline; 0: four times what arming costs "
	  "the guest",
	  KNOB_SHORT },

	{ "by", 0, "LIST", SEC_HISTOGRAM, CMD_HISTOGRAM, set_by,
	  "one histogram for each of vm, vcpu, timer (default all three); all: a single one", 0 },
	{ "log", 0, NULL, SEC_HISTOGRAM, CMD_HISTOGRAM, set_log,
	  "buckets of 1, 2, 5, 10, ... (default)", 0 },
	{ "linear", 0, NULL, SEC_HISTOGRAM, CMD_HISTOGRAM, set_linear,
	  "equal buckets from the 1st to the 99th percentile", 0 },
	{ "bucket", 0, "TIME", SEC_HISTOGRAM, CMD_HISTOGRAM, set_bucket,
	  "the width of a linear bucket", 0 },
	{ "percentiles", 0, "LIST", SEC_HISTOGRAM, CMD_HISTOGRAM, set_percentiles,
	  "which percentiles (default 1,5,25,50,75,95,99,99.9)", 0 },
	{ "interval", 0, "TIME", SEC_HISTOGRAM, CMD_HISTOGRAM, set_interval,
	  "a table over time instead, a row each TIME", 0 },
	{ "heatmap", 0, NULL, SEC_HISTOGRAM, CMD_HISTOGRAM, set_heatmap,
	  "time across, value down, shaded by count", 0 },

	{ "json", 0, NULL, SEC_OUTPUT, CMD_ANALYSIS, set_json, "one JSON document", 0 },
	{ "jsonl", 0, NULL, SEC_OUTPUT, CMD_EVENTS | CMD_STORMS | CMD_CLOCKS, set_jsonl,
	  "one JSON object a line", 0 },
	{ "csv", 0, NULL, SEC_OUTPUT, CMD_TEXT & ~CMD_DIAGNOSE, set_csv,
	  "comma-separated values with a heading line", 0 },
	{ "svg", 0, "FILE", SEC_OUTPUT, CMD_HISTOGRAM, set_svg, "also write the plots to FILE", 0 },
	{ "html", 0, "FILE", SEC_OUTPUT, CMD_DIAGNOSE, set_html,
	  "also write a self-contained report page to FILE", 0 },
	{ "output", 'o', "FILE", SEC_OUTPUT, CMD_TEXT, set_output,
	  "write to FILE instead of standard output", 0 },
	{ "color", 0, "WHEN", SEC_OUTPUT, CMD_TEXT, set_color, "auto (default), always or never",
	  0 },

	{ "script", 0, "FILE", SEC_OTHER, CMD_BROWSE, set_script,
	  "no terminal: take keys from FILE (- is standard input), print the screens it asks for",
	  0 },
	{ "ascii", 0, NULL, SEC_OTHER, CMD_BROWSE, set_ascii, "draw with ASCII characters only",
	  0 },
	{ "check", 0, NULL, SEC_OTHER, CMD_DIAGNOSE | CMD_STORMS, set_check,
	  "exit 1 when there is a storm", 0 },
	{ "quiet", 'q', NULL, SEC_OTHER, CMD_TEXT, set_quiet, "no progress, no notes", 0 },
	{ "verbose", 'v', NULL, SEC_OTHER, CMD_TEXT, set_verbose,
	  "show everything: all evidence, how the file was read", 0 },
	{ "help", 'h', NULL, SEC_OTHER, ~0u, NULL, "this text", 0 },
	{ "version", 'V', NULL, SEC_OTHER, ~0u, NULL, "print the version", 0 },
};

/* --- help ------------------------------------------------------------------------------------- */

static void knob_default(char *buf, size_t len, enum knob knob)
{
	struct hvst_params p;
	char unit[UNIT_BUF];

	hvst_params_default(&p);
	switch (knob) {
	case KNOB_MIN_ARMS:
		snprintf(buf, len, " (default %u)", p.storm_min_arms);
		break;
	case KNOB_MIN_SHARE:
		snprintf(buf, len, " (default %u)", p.storm_min_share);
		break;
	case KNOB_MAX_AHEAD:
		snprintf(buf, len, " (default %u)", p.storm_max_ahead);
		break;
	case KNOB_MAX_GAP:
		snprintf(buf, len, " (default %s)", unit_edge(unit, p.storm_max_gap_ns));
		break;
	case KNOB_WATCHDOG:
		snprintf(buf, len, " (default %s)", unit_edge(unit, p.watchdog_ns));
		break;
	case KNOB_SHORT:
		snprintf(buf, len, " (default %s)", unit_edge(unit, p.short_deadline_ns));
		break;
	case KNOB_NONE:
		buf[0] = 0;
	}
}

static void help_option(struct out *out, const struct option_desc *d)
{
	char letter[8], head[64], text[256], dflt[64];
	unsigned int column;

	snprintf(letter, sizeof(letter), "-%c, ", d->letter);
	snprintf(head, sizeof(head), "  %s--%s%s%s", d->letter ? letter : "    ", d->name,
		 d->arg ? " " : "", d->arg ? d->arg : "");
	knob_default(dflt, sizeof(dflt), d->knob);
	snprintf(text, sizeof(text), "%s%s", d->help, dflt);
	column = strlen(head) + 2 > HELP_COLUMN ? strlen(head) + 2 : HELP_COLUMN;
	out_str(out, head);
	out_pad(out, column - strlen(head), ' ');
	out_wrap(out, column, HELP_COLUMN, 0, text);
}

void options_help(struct out *out, const struct command *cmd)
{
	unsigned int s, i;

	out_printf(out, "Usage: hvstimer %s [options] [FILE...]\n\n", cmd->name);
	out_wrap(out, 0, 0, 0, cmd->about);
	for (s = 0; s < SEC_COUNT; s++) {
		bool titled = false;

		for (i = 0; i < ARRAY_SIZE(table); i++) {
			if (table[i].section != s || !(table[i].commands & cmd->bit))
				continue;
			if (!titled)
				out_printf(out, "\n%s:\n", section_titles[s]);
			titled = true;
			help_option(out, &table[i]);
		}
	}
	out_printf(out, "\nFILE defaults to trace.dat. More: man hvstimer-%s\n", cmd->name);
}

/* --- parsing ---------------------------------------------------------------------------------- */

/* Another command's option that getopt would take for the beginning of one of @cmd's. */
static bool hides(const struct command *cmd, const struct option_desc *foreign)
{
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].commands & cmd->bit &&
		    !strncmp(table[i].name, foreign->name, strlen(foreign->name)))
			return true;
	return false;
}

/*
 * For getopt: the options of the command. @val of a long option is LONG_ONLY + its index in the
 * table.
 */
static void make_getopt(const struct command *cmd, struct option *longs, char *shorts)
{
	unsigned int i, n = 0;

	*shorts++ = ':';
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		bool mine = table[i].commands & cmd->bit;

		if (!mine && !hides(cmd, &table[i]))
			continue;
		longs[n++] = (struct option){ table[i].name,
					      table[i].arg ? required_argument : no_argument, NULL,
					      LONG_ONLY + i };
		if (!mine || !table[i].letter)
			continue;
		*shorts++ = table[i].letter;
		if (table[i].arg)
			*shorts++ = ':';
	}
	longs[n] = (struct option){ 0 };
	*shorts = 0;
}

static const struct option_desc *find_option(int c)
{
	unsigned int i;

	if (c >= LONG_ONLY)
		return &table[c - LONG_ONLY];
	for (i = 0; i < ARRAY_SIZE(table); i++)
		if (table[i].letter == c)
			return &table[i];
	return NULL;
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
	char who[128];

	owners(who, sizeof(who), d->commands);
	complain("%s: --%s means nothing here; it is an option of: %s", o->command->name, d->name,
		 who);
}

static void unknown_long(const struct options *o, const char *word)
{
	const char *names[ARRAY_SIZE(table) + 1];
	size_t len = strcspn(word, "=");
	char copy[64];
	const char *like;
	unsigned int i, n = 0, hits = 0;

	snprintf(copy, sizeof(copy), "%.*s", (int)len, word);
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		bool mine = table[i].commands & o->command->bit;

		if (mine)
			names[n++] = table[i].name;
		if (mine && !strncmp(table[i].name, copy, strlen(copy)))
			hits++;
		if (!mine && !strcmp(table[i].name, copy)) {
			foreign_option(o, &table[i]);
			return;
		}
	}
	names[n] = NULL;
	like = nearest(copy, names);
	if (hits > 1)
		complain("%s: --%s could be several options; see hvstimer %s --help",
			 o->command->name, copy, o->command->name);
	else if (like)
		complain("%s: no option --%s; did you mean --%s?", o->command->name, copy, like);
	else
		complain("%s: no option --%s; see hvstimer %s --help", o->command->name, copy,
			 o->command->name);
}

/* What getopt_long() stumbled over: '?' or ':'. */
static void bad_option(const struct options *o, int c, char **argv)
{
	const struct option_desc *d = optopt ? find_option(optopt) : NULL;
	const char *word = argv[optind - 1];

	if (c == ':' && d)
		complain("%s: --%s needs a value: %s", o->command->name, d->name, d->arg);
	else if (d && !(d->commands & o->command->bit))
		foreign_option(o, d);
	else if (d)
		complain("%s: --%s takes no value", o->command->name, d->name);
	else if (optopt)
		complain("%s: no option -%c; see hvstimer %s --help", o->command->name, optopt,
			 o->command->name);
	else
		unknown_long(o, word + strspn(word, "-"));
}

static void options_init(struct options *o, const struct command *cmd)
{
	static const unsigned int percentiles[] = { 100, 500, 2500, 5000, 7500, 9500, 9900, 9990 };

	memset(o, 0, sizeof(*o));
	o->command = cmd;
	o->vm = o->vcpu = o->timer = -1;
	o->by = BY_ALL;
	memcpy(o->percentiles, percentiles, sizeof(percentiles));
	o->nr_percentiles = ARRAY_SIZE(percentiles);
	hvst_params_default(&o->params);
}

static enum parse_result help_or_version(const struct options *o, char letter)
{
	struct out out;

	if (letter == 'V') {
		printf("hvstimer %s\n", hvst_version());
		return PARSE_DONE;
	}
	if (out_open(&out, NULL, COLOR_AUTO))
		return PARSE_BAD;
	options_help(&out, o->command);
	out_close(&out);
	return PARSE_DONE;
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	return !stat(a, &x) && !stat(b, &y) && S_ISREG(x.st_mode) && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

/* No output may take the place of a recording, nor of another output. */
static bool outputs_apart(const struct options *o)
{
	const char *const outputs[] = { o->output, o->svg, o->html };
	unsigned int i, f;

	for (i = 0; i < ARRAY_SIZE(outputs); i++)
		for (f = 0; outputs[i] && f < o->files.n; f++) {
			if (!same_file(outputs[i], o->files.v[f]))
				continue;
			complain("%s: %s would overwrite the recording", o->command->name,
				 outputs[i]);
			return false;
		}
	for (i = 1; o->output && i < ARRAY_SIZE(outputs); i++)
		if (outputs[i] && !strcmp(o->output, outputs[i])) {
			complain("%s: two outputs cannot both be %s", o->command->name, o->output);
			return false;
		}
	return true;
}

/* @option shapes what is printed; with @other something else is printed. NULL: nothing else is. */
static bool has_meaning(const struct options *o, const char *option, const char *other)
{
	if (other)
		complain("%s: %s means nothing with %s", o->command->name, option, other);
	return !other;
}

/* JSON and heat maps have buckets and percentiles of their own, and so have intervals and CSV. */
static bool histogram_consistent(const struct options *o)
{
	const char *other = o->heatmap ? "--heatmap" : o->format == FORMAT_JSON ? "--json" : NULL;
	const char *interval = o->interval_ns ? "--interval" : NULL;
	const char *csv = o->format == FORMAT_CSV && !interval ? "--csv" : NULL;

	if (o->percentiles_set && !has_meaning(o, "--percentiles", other ? other : csv))
		return false;
	if (o->scale != SCALE_LINEAR || o->svg)
		return true;
	return has_meaning(o, o->bucket_ns ? "--bucket" : "--linear", other ? other : interval);
}

/* What no single option can see. */
static bool consistent(const struct options *o)
{
	if (!outputs_apart(o) || !histogram_consistent(o))
		return false;
	if (o->heatmap && o->interval_ns) {
		complain("%s: choose one of --heatmap and --interval", o->command->name);
		return false;
	}
	if (o->heatmap && o->format != FORMAT_TEXT) {
		complain(
			"%s: --heatmap is text; --csv and --json carry its numbers with --interval",
			o->command->name);
		return false;
	}
	if (o->from.set && o->to.set && o->from.relative == o->to.relative &&
	    o->from.ns >= o->to.ns) {
		complain("%s: --from is not before --to", o->command->name);
		return false;
	}
	return true;
}

static enum parse_result positional(struct options *o, int argc, char **argv)
{
	for (; optind < argc; optind++)
		if (!add_name(&o->files, argv[optind]))
			return PARSE_BAD;
	if (!o->files.n && !add_name(&o->files, "trace.dat"))
		return PARSE_BAD;
	return consistent(o) ? PARSE_GO : PARSE_BAD;
}

enum parse_result options_parse(struct options *o, const struct command *cmd, int argc, char **argv)
{
	struct option longs[ARRAY_SIZE(table) + 1];
	char shorts[2 * ARRAY_SIZE(table) + 2];
	const struct option_desc *d;
	int c;

	options_init(o, cmd);
	make_getopt(cmd, longs, shorts);
	optind = 0;
	opterr = 0;
	while ((c = getopt_long(argc, argv, shorts, longs, NULL)) != -1) {
		d = c == '?' || c == ':' ? NULL : find_option(c);
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
		if (!d->set(o, optarg))
			return PARSE_BAD;
	}
	return positional(o, argc, argv);
}

void options_free(struct options *o)
{
	free(o->files.v);
	free(o->buffers.v);
	free(o->ignore.v);
	free(o->events.v);
	free(o->cpus);
	memset(o, 0, sizeof(*o));
}
