// SPDX-License-Identifier: GPL-2.0
/* The table of options. */
#include <limits.h>
#include <string.h>

#include "../array.h"
#include "set.h"
#include "table.h"

#define CMD_ANALYSIS                                                                               \
	(CMD_DIAGNOSE | CMD_SKEW | CMD_STORMS | CMD_CLOCKS | CMD_LATENCY | CMD_SIMULATE |          \
	 CMD_COMPARE)
#define CMD_TEXT      (CMD_ANALYSIS | CMD_EVENTS)
#define CMD_READ      (CMD_TEXT | CMD_BROWSE | CMD_EXPORT)
#define CMD_HISTOGRAM (CMD_SKEW | CMD_LATENCY)
#define CMD_THRESHOLDS                                                                             \
	(CMD_DIAGNOSE | CMD_STORMS | CMD_SIMULATE | CMD_COMPARE | CMD_BROWSE | CMD_EXPORT)
#define CMD_SCREENS (CMD_DIAGNOSE | CMD_STORMS | CMD_CLOCKS | CMD_BROWSE)
#define CMD_FILTER  (CMD_EVENTS | CMD_HISTOGRAM | CMD_STORMS | CMD_BROWSE)
#define CMD_ANY	    (CMD_READ | CMD_RECORD | CMD_WATCH | CMD_MERGE)

/*
 * No process has an id below it: these are the kernel's own threads. So a smaller number is that of
 * a VM, and takes no look at the recording's VMs first.
 */
#define MAX_VM_NUMBER 99

#define AT(member) .at = offsetof(struct options, member)

static const char *const reader_words[] = { "auto", "pages", "libtracecmd", NULL };
static const char *const detail_words[] = { "findings", "binned", "all", NULL };
static const char *const color_words[] = { "auto", "always", "never", NULL };

const struct option_desc option_table[] = {
	{ "input", 'i', "FILE", SEC_INPUT, CMD_READ,
	  "read FILE (repeatable; the same as naming it; default trace.dat; - is standard input)",
	  .set = set_list, AT(files) },
	{ "max-size", 0, "SIZE", SEC_INPUT, CMD_READ,
	  "refuse more than SIZE from a pipe: KiB, or with a unit K, M, G", .set = set_size,
	  AT(max_kb), .shown = DEFAULT_SIZE },
	{ "buffer", 0, "NAME", SEC_INPUT, CMD_READ,
	  "only this buffer (instance) of the file (repeatable; default all together; '' is the "
	  "top one)",
	  .set = set_list, AT(buffers) },
	{ "ignore", 0, "EVENT", SEC_INPUT, CMD_READ,
	  "as if EVENT had not been recorded (repeatable)", .set = set_ignore },
	{ "reader", 0, "READER", SEC_INPUT, CMD_READ, "pages, libtracecmd or auto (default)",
	  .set = set_word, AT(reader), .words = reader_words },
	{ "threads", 'j', "N", SEC_INPUT, CMD_READ,
	  "read with N threads (default: the CPUs at hand)", .set = set_uint, AT(threads),
	  .max = 1024 },

	{ "duration", 'd', "TIME", SEC_RECORD, CMD_RECORD,
	  "stop after TIME: seconds, or with a unit ms, s, m, h (default: at Ctrl-C)",
	  .set = set_duration, AT(record.duration_ns) },
	{ "vm", 0, "PID", SEC_RECORD, CMD_RECORD, "only the VM whose VMM is process PID",
	  .set = set_pid, AT(record.pid), .max = INT_MAX },
	{ "sched", 0, NULL, SEC_RECORD, CMD_RECORD, "also when vCPU threads lose and get their CPU",
	  .set = set_flag, AT(record.sched) },
	{ "clock", 'C', "CLOCK", SEC_RECORD, CMD_RECORD,
	  "trace clock (default mono; x86-tsc: cycles and scale)", .set = set_string,
	  AT(record.clock) },
	{ "date", 0, NULL, SEC_RECORD, CMD_RECORD,
	  "keep the wall-clock time: times of the recording then count from the Epoch, UTC",
	  .set = set_flag, AT(record.date) },
	{ "buffer-size", 'b', "SIZE", SEC_RECORD, CMD_RECORD,
	  "ring buffer of each CPU: KiB, or with a unit K, M, G", .set = set_size,
	  AT(record.buffer_kb) },

	{ "duration", 'd', "TIME", SEC_WATCH, CMD_WATCH,
	  "stop after TIME: seconds, or with a unit ms, s, m, h (default: at Ctrl-C)",
	  .set = set_duration, AT(watch.duration_ns) },
	{ "interval", 0, "TIME", SEC_WATCH, CMD_WATCH, "read the counters every TIME",
	  .set = set_duration, AT(watch.interval_ns), .shown = DEFAULT_DURATION },
	{ "diagnose", 0, NULL, SEC_WATCH, CMD_WATCH,
	  "record and diagnose all the time, instead of counting", .set = set_flag,
	  AT(watch.diagnose) },
	{ "ring", 0, "SIZE", SEC_WATCH, CMD_WATCH,
	  "keep the last events in ring buffers of SIZE a CPU (KiB, or with a unit K, M, G), and "
	  "save them when a storm comes",
	  .set = set_size, AT(watch.ring_kb) },
	{ "exits", 0, NULL, SEC_WATCH, CMD_WATCH,
	  "with --ring or --diagnose: also exits and entries, which are most of all events",
	  .set = set_flag, AT(watch.exits) },
	{ "output", 'o', "DIR", SEC_WATCH, CMD_WATCH,
	  "with --ring: save to DIR (default: the current directory)", .set = set_once,
	  AT(output) },
	{ "keep", 0, "N", SEC_WATCH, CMD_WATCH, "keep the newest N saved files; 0: all",
	  .set = set_uint, AT(watch.keep), .max = INT_MAX, .shown = DEFAULT_NUMBER },
	{ "max-size", 0, "SIZE", SEC_WATCH, CMD_WATCH, "and at most SIZE of them together",
	  .set = set_size, AT(watch.max_kb), .shown = DEFAULT_SIZE },
	{ "exec", 0, "COMMAND", SEC_WATCH, CMD_WATCH,
	  "run COMMAND in a shell at each storm, HVSTIMER_* in its environment", .set = set_once,
	  AT(watch.exec) },

	{ "together", 0, NULL, SEC_INPUT, CMD_DIAGNOSE, "take the files as parts of one recording",
	  .set = set_flag, AT(together) },

	{ "vm", 0, "VM", SEC_SELECT, CMD_READ & ~CMD_COMPARE,
	  "only virtual machine VM: its number in diagnose, its name, or the id of its process or "
	  "of a vCPU thread",
	  .set = set_vm, .max = MAX_VM_NUMBER },
	{ "vcpu", 0, "N", SEC_SELECT, CMD_READ, "only virtual CPU N", .set = set_id, AT(vcpu),
	  .max = INT_MAX },
	{ "timer", 0, "N", SEC_SELECT, CMD_READ, "only synthetic timer N (0 to 3)", .set = set_id,
	  AT(timer), .max = 3 },
	{ "cpu", 0, "LIST", SEC_SELECT, CMD_READ,
	  "only what these host CPUs recorded, as 3 or 0,2-4 (repeatable)", .set = set_cpu,
	  .max = 65535 },
	{ "from", 0, "TIME", SEC_SELECT, CMD_READ,
	  "from TIME on: seconds as in trace-cmd report, or +TIME after the first event; units s, "
	  "ms, us, ns, cyc",
	  .set = set_time, AT(from) },
	{ "to", 0, "TIME", SEC_SELECT, CMD_READ, "only what comes before TIME", .set = set_time,
	  AT(to) },
	{ "utc-at", 0, "TIME", SEC_SELECT, CMD_SCREENS | CMD_EVENTS | CMD_HISTOGRAM | CMD_EXPORT,
	  "show wall-clock times too: 9.5=2026-11-28T21:20:03.5 tells which one 9.5 was, in UTC",
	  .set = set_utc },
	{ "date", 0, NULL, SEC_SELECT, CMD_EVENTS,
	  "show wall-clock times too (UTC), by what the recording or --utc-at tells",
	  .set = set_flag, AT(date) },
	{ "event", 'e', "NAME", SEC_SELECT, CMD_EVENTS,
	  "only events of this name or pattern, as 'kvm_hv_stimer_*', or of a system; several with "
	  "commas (repeatable)",
	  .set = set_event },
	{ "filter", 0, "EXPRESSION", SEC_SELECT, CMD_FILTER,
	  "only those for which EXPRESSION holds, as 'skew>1ms && vcpu==0': hvstimer-filter(7)",
	  .set = set_filter },

	{ "min-arms", 0, "N", SEC_STORM, CMD_THRESHOLDS, "past-due arms that make a storm",
	  .set = set_uint, AT(params.storm_min_arms), .max = INT_MAX, .shown = DEFAULT_NUMBER },
	{ "min-length", 0, "TIME", SEC_STORM, CMD_THRESHOLDS, "a shorter stretch is a burst",
	  .set = set_duration, AT(params.storm_min_ns), .shown = DEFAULT_DURATION },
	{ "min-share", 0, "PERCENT", SEC_STORM, CMD_THRESHOLDS,
	  "share of a storm's arms that must be past due", .set = set_uint,
	  AT(params.storm_min_share), .max = 100, .shown = DEFAULT_NUMBER },
	{ "max-ahead", 0, "N", SEC_STORM, CMD_THRESHOLDS,
	  "arms ahead allowed between two past-due arms of a storm", .set = set_uint,
	  AT(params.storm_max_ahead), .max = INT_MAX, .shown = DEFAULT_NUMBER },
	{ "max-gap", 0, "TIME", SEC_STORM, CMD_THRESHOLDS,
	  "time allowed between two past-due arms of a storm", .set = set_duration,
	  AT(params.storm_max_gap_ns), .shown = DEFAULT_DURATION },
	{ "watchdog", 0, "TIME", SEC_STORM, CMD_THRESHOLDS,
	  "a storm this long endangers a watchdog", .set = set_duration, AT(params.watchdog_ns),
	  .shown = DEFAULT_DURATION },
	{ "short-deadline", 0, "TIME", SEC_STORM, CMD_THRESHOLDS,
	  "past due by at most this: put down to a short deadline; 0: four times what arming costs "
	  "the guest",
	  .set = set_duration_or_0, AT(params.short_deadline_ns), .shown = DEFAULT_DURATION },

	{ "min-rate", 0, "N", SEC_STORM, CMD_WATCH,
	  "past-due arms a second that make a storm, if they are twice the usual arms",
	  .set = set_uint, AT(watch.limits.min_rate), .max = INT_MAX, .shown = DEFAULT_NUMBER },
	{ "min-share", 0, "PERCENT", SEC_STORM, CMD_WATCH,
	  "share of all arms that must be past due", .set = set_uint, AT(watch.limits.min_share),
	  .max = 100, .shown = DEFAULT_NUMBER },
	{ "min-length", 0, "TIME", SEC_STORM, CMD_WATCH,
	  "for how long, in whole intervals, before it is reported", .set = set_duration,
	  AT(watch.limits.min_ns), .shown = DEFAULT_DURATION },

	{ "by", 0, "LIST", SEC_HISTOGRAM, CMD_HISTOGRAM,
	  "one histogram for each of vm, vcpu, timer (default all three); all: a single one",
	  .set = set_by },
	{ "log", 0, NULL, SEC_HISTOGRAM, CMD_HISTOGRAM, "buckets of 1, 2, 5, 10, ... (default)",
	  .set = set_log },
	{ "linear", 0, NULL, SEC_HISTOGRAM, CMD_HISTOGRAM,
	  "equal buckets from the 1st to the 99th percentile", .set = set_linear },
	{ "bucket", 0, "TIME", SEC_HISTOGRAM, CMD_HISTOGRAM, "the width of a linear bucket",
	  .set = set_bucket, AT(bucket_ns) },
	{ "percentiles", 0, "LIST", SEC_HISTOGRAM, CMD_HISTOGRAM,
	  "which percentiles (default 1,5,25,50,75,95,99,99.9)", .set = set_percentiles },
	{ "interval", 0, "TIME", SEC_HISTOGRAM, CMD_HISTOGRAM,
	  "a table over time instead, a row each TIME", .set = set_duration, AT(interval_ns) },
	{ "heatmap", 0, NULL, SEC_HISTOGRAM, CMD_HISTOGRAM,
	  "time across, value down, shaded by count", .set = set_flag, AT(heatmap) },

	{ "policy", 0, "POLICY", SEC_POLICY, CMD_SIMULATE,
	  "none, pad=TIME or pad=backoff,from=TIME,max=TIME with conditions after=N, within=TIME, "
	  "share=PERCENT; paired; clamp (repeatable)",
	  .set = set_policy },
	{ "sweep", 0, "RANGE", SEC_POLICY, CMD_SIMULATE,
	  "the policy with each value of a condition, as after=1..64", .set = set_sweep },

	{ "split", 0, "TIME", SEC_COMPARE, CMD_COMPARE,
	  "of one recording: what comes before TIME is A, the rest B", .set = set_time, AT(split) },
	{ "tolerance", 0, "PERCENT", SEC_COMPARE, CMD_COMPARE,
	  "with --check: allow so much of A's value", .set = set_uint, AT(tolerance), .max = 10000,
	  .shown = DEFAULT_NUMBER },

	{ "top", 0, "N", SEC_OUTPUT, CMD_MERGE, "name the worst N hosts", .set = set_uint, AT(top),
	  .max = 10000, .shown = DEFAULT_NUMBER },
	{ "json", 0, NULL, SEC_OUTPUT, CMD_ANALYSIS | CMD_MERGE, "one JSON document",
	  .set = set_json },
	{ "jsonl", 0, NULL, SEC_OUTPUT, CMD_EVENTS | CMD_STORMS | CMD_CLOCKS | CMD_WATCH,
	  "one JSON object a line", .set = set_jsonl },
	{ "csv", 0, NULL, SEC_OUTPUT, CMD_TEXT & ~CMD_DIAGNOSE,
	  "comma-separated values with a heading line", .set = set_csv },
	{ "metrics", 0, "FILE", SEC_OUTPUT, CMD_WATCH,
	  "also write Prometheus metrics to FILE, every 10 s", .set = set_file, AT(metrics) },
	{ "metrics", 0, "FILE", SEC_OUTPUT, CMD_DIAGNOSE, "also write Prometheus metrics to FILE",
	  .set = set_file, AT(metrics) },
	{ "otlp", 0, "FILE", SEC_OUTPUT, CMD_DIAGNOSE,
	  "also write OpenTelemetry metrics to FILE, as lines of OTLP/JSON", .set = set_file,
	  AT(otlp) },
	{ "svg", 0, "FILE", SEC_OUTPUT, CMD_HISTOGRAM | CMD_SIMULATE | CMD_CLOCKS | CMD_COMPARE,
	  "also write the plots to FILE", .set = set_file, AT(svg) },
	{ "html", 0, "FILE", SEC_OUTPUT, CMD_DIAGNOSE | CMD_COMPARE,
	  "also write a self-contained report page to FILE", .set = set_file, AT(html) },
	{ "sqlite", 0, "FILE", SEC_OUTPUT, CMD_EXPORT,
	  "add the findings to the SQLite database FILE, made if it is not there", .set = set_file,
	  AT(export.sqlite) },
	{ "jsonl", 0, "FILE", SEC_OUTPUT, CMD_EXPORT,
	  "write the same tables as JSON lines to FILE (- is standard output)", .set = set_once,
	  AT(export.jsonl) },
	{ "arms", 0, NULL, SEC_OUTPUT, CMD_EXPORT, "also a table with every arm", .set = set_flag,
	  AT(export.arms) },
	{ "perfetto", 0, "FILE", SEC_OUTPUT, CMD_EXPORT,
	  "write a trace for ui.perfetto.dev to FILE", .set = set_file, AT(export.perfetto) },
	{ "detail", 0, "LEVEL", SEC_OUTPUT, CMD_EXPORT,
	  "of the trace: findings alone; with arms binned (default); or all arms", .set = set_word,
	  AT(export.detail), .words = detail_words },
	{ "output", 'o', "FILE", SEC_OUTPUT, CMD_TEXT | CMD_MERGE,
	  "write to FILE instead of standard output", .set = set_file, AT(output) },
	{ "output", 'o', "FILE", SEC_OUTPUT, CMD_RECORD,
	  "write the recording to FILE (default trace.dat)", .set = set_once, AT(output) },
	{ "color", 0, "WHEN", SEC_OUTPUT, CMD_TEXT | CMD_WATCH | CMD_MERGE,
	  "auto (default), always or never", .set = set_word, AT(color), .words = color_words },

	{ "script", 0, "FILE", SEC_OTHER, CMD_BROWSE,
	  "no terminal: take keys from FILE (- is standard input), print the screens it asks for",
	  .set = set_once, AT(script) },
	{ "beside", 0, "FILE", SEC_INPUT, CMD_BROWSE,
	  "show the recording FILE beside the other one, with the same width of time",
	  .set = set_file, AT(beside) },
	{ "state", 0, "FILE", SEC_OTHER, CMD_BROWSE,
	  "keep bookmarks, notes, filter and view in FILE, '' nowhere (default: beside the "
	  "recording)",
	  .set = set_once, AT(state) },
	{ "ascii", 0, NULL, SEC_OTHER, CMD_BROWSE, "draw with ASCII characters only",
	  .set = set_flag, AT(ascii) },
	{ "brief", 0, NULL, SEC_OTHER, CMD_DIAGNOSE,
	  "a paragraph in plain English instead, for who does not know KVM", .set = set_flag,
	  AT(brief) },
	{ "check", 0, NULL, SEC_OTHER, CMD_DIAGNOSE | CMD_STORMS,
	  "exit 1 when there is a storm, 5 when that cannot be told", .set = set_flag, AT(check) },
	{ "explain", 0, NULL, SEC_OTHER, CMD_ANALYSIS, "say below what the words mean",
	  .set = set_flag, AT(explain) },
	{ "check", 0, NULL, SEC_OTHER, CMD_COMPARE,
	  "exit 1 when B is worse by more than the tolerance, 5 when that cannot be told",
	  .set = set_flag, AT(check) },
	{ "check", 0, NULL, SEC_OTHER, CMD_WATCH,
	  "end at the first storm, with exit status 1; with --diagnose: exit as diagnose does",
	  .set = set_flag, AT(check) },
	{ "force", 'f', NULL, SEC_OTHER, CMD_RECORD, "even while something else is being traced",
	  .set = set_flag, AT(record.force) },
	{ "dry-run", 'n', NULL, SEC_OTHER, CMD_RECORD, "print the command, run nothing",
	  .set = set_flag, AT(record.dry_run) },
	{ "quiet", 'q', NULL, SEC_OTHER, CMD_TEXT | CMD_EXPORT, "no progress, no notes",
	  .set = set_flag, AT(quiet) },
	{ "quiet", 'q', NULL, SEC_OTHER, CMD_RECORD, "no notes, and trace-cmd quiet",
	  .set = set_flag, AT(quiet) },
	{ "quiet", 'q', NULL, SEC_OTHER, CMD_WATCH | CMD_MERGE, "no notes", .set = set_flag,
	  AT(quiet) },
	{ "verbose", 'v', NULL, SEC_OTHER, CMD_TEXT,
	  "show everything: all evidence, how the file was read", .set = set_flag, AT(verbose) },
	{ "help", 'h', NULL, SEC_OTHER, CMD_ANY, .help = "this text" },
	{ "version", 'V', NULL, SEC_OTHER, CMD_ANY, .help = "print the version" },
};

const unsigned int nr_option_table = ARRAY_SIZE(option_table);

void options_init(struct options *o, const struct command *cmd)
{
	static const unsigned int percentiles[] = { 100, 500, 2500, 5000, 7500, 9500, 9900, 9990 };

	memset(o, 0, sizeof(*o));
	o->command = cmd;
	o->vm = o->vcpu = o->timer = -1;
	o->by = BY_ALL;
	memcpy(o->percentiles, percentiles, sizeof(percentiles));
	o->nr_percentiles = ARRAY_SIZE(percentiles);
	hvst_params_default(&o->params, sizeof(o->params));
	o->record.clock = "mono";
	o->export.detail = DETAIL_BINNED;
	o->watch.limits = (struct watch_limits){ 128, 50, 1000000000 };
	o->watch.interval_ns = 1000000000;
	o->watch.keep = 10;
	o->watch.max_kb = 1024 * 1024;
	o->max_kb = 4 * 1024 * 1024;
	o->top = 10;
}
