// SPDX-License-Identifier: GPL-2.0
/*
 * hvstimer record: runs trace-cmd record with the options that a diagnosis needs, see
 * hvstimer-record(1).
 */
#include <errno.h>
#include <libgen.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "message.h"
#include "options.h"
#include "output/shell.h"
#include "record.h"

/*
 * A ring buffer has to hold what one CPU produces until trace-cmd empties it. A storm has 100,000
 * arms a second, ten events each, 48 bytes an event; hold a second of it.
 */
#define STORM_ARMS_HZ	     100000ULL
#define STORM_EVENTS_PER_ARM 10
#define STORM_EVENT_BYTES    48
#define STORM_HOLD_S	     1
#define MIN_BUFFER_KB	     1408ULL /* the kernel's own default */
#define MAX_MEMORY_SHARE     8	     /* all buffers together: this fraction of available memory */
#define SAVED_CMDLINES	     "8192"

/* The command being built; @failed: memory ran out on the way. */
struct cmdline {
	char **words;
	size_t n;
	bool failed;
};

static int report(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* Prints a message in the name of this command. Returns -1, for callers that fail with it. */
static int report(const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	cli_error("record: %s", text);
	return -1;
}

static void add_owned(struct cmdline *c, char *word)
{
	char **w = word ? realloc(c->words, (c->n + 2) * sizeof(*w)) : NULL;

	if (!w) {
		free(word);
		c->failed = true;
		return;
	}
	c->words = w;
	w[c->n++] = word;
	w[c->n] = NULL;
}

static void add(struct cmdline *c, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
static void add(struct cmdline *c, const char *fmt, ...)
{
	char *word;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&word, fmt, ap) < 0)
		word = NULL;
	va_end(ap);
	add_owned(c, word);
}

static void cmdline_free(struct cmdline *c)
{
	while (c->n)
		free(c->words[--c->n]);
	free(c->words);
}

/*
 * The condition by which --vm keeps an event, NULL when it has none (or no memory: then c->failed).
 * Events of vCPUs are selected by their thread. A callback runs in interrupt context, in the name
 * of the interrupted task; kernel workers move the clock as well: keep these events of all tasks.
 */
static char *thread_filter(struct cmdline *c, enum hvst_event_task task,
			   const struct record_tids *t)
{
	char *prev, *next, *both = NULL;

	if (task == HVST_TASK_ANY)
		return NULL;
	if (task == HVST_TASK_VCPU) {
		both = record_tid_filter(t->all, t->nr_all, "common_pid");
	} else {
		prev = record_tid_filter(t->vcpu, t->nr_vcpu, "prev_pid");
		next = record_tid_filter(t->vcpu, t->nr_vcpu, "next_pid");
		if (prev && next && asprintf(&both, "%s||%s", prev, next) < 0)
			both = NULL;
		free(prev);
		free(next);
	}
	c->failed |= !both;
	return both;
}

static void add_event(struct cmdline *c, unsigned int id, const struct record_tids *t)
{
	const struct hvst_event_need *need = hvst_event_need(id);
	char *threads = t ? thread_filter(c, need->task, t) : NULL;

	add(c, "-e");
	add(c, "%s:%s", hvst_event_system(id), hvst_event_name(id));
	if (need->filter || threads)
		add(c, "-f");
	if (need->filter && threads)
		add(c, "(%s)&&(%s)", need->filter, threads);
	else if (need->filter || threads)
		add(c, "%s", need->filter ? need->filter : threads);
	free(threads);
}

static const char *output_file(const struct options *o)
{
	return o->output ? o->output : "trace.dat";
}

static bool wanted(const struct options *o, unsigned int id)
{
	return hvst_event_need(id) && (id != HVST_EV_SCHED_SWITCH || o->record.sched);
}

static unsigned long buffer_size(const struct options *o, const struct record_host *h)
{
	uint64_t kb =
		STORM_ARMS_HZ * STORM_EVENTS_PER_ARM * STORM_EVENT_BYTES * STORM_HOLD_S / 1024;
	uint64_t most = h->mem_kb / MAX_MEMORY_SHARE / h->cpus;

	if (o->record.buffer_kb)
		return o->record.buffer_kb;
	if (!h->mem_kb || kb <= most)
		return kb;
	if (most < MIN_BUFFER_KB)
		most = MIN_BUFFER_KB;
	if (!o->quiet)
		report("note: buffers of %llu KiB a CPU instead of %llu, for want of memory: a "
		       "storm may lose events (--buffer-size sets it)",
		       (unsigned long long)most, (unsigned long long)kb);
	return most;
}

static void add_sleep(struct cmdline *c, int64_t ns)
{
	long long s = ns / 1000000000, rest = ns % 1000000000;

	add(c, "sleep");
	if (rest)
		add(c, "%lld.%09lld", s, rest);
	else
		add(c, "%lld", s);
}

/*
 * --no-filter: otherwise trace-cmd drops events of its own threads, and with them the callbacks
 * that happen to interrupt one of these, and switches from them to a vCPU.
 */
static void build(struct cmdline *c, const struct options *o, const struct record_host *h,
		  const struct record_tids *t)
{
	unsigned int id;

	add(c, "trace-cmd");
	add(c, "record");
	add(c, "-o");
	add(c, "%s", output_file(o));
	add(c, "-C");
	/* trace-cmd's name for x86-tsc together with the scale that converts cycles to ns. */
	add(c, "%s", strcmp(o->record.clock, "x86-tsc") ? o->record.clock : "tsc2nsec");
	if (o->record.date)
		add(c, "--date");
	add(c, "-b");
	add(c, "%lu", buffer_size(o, h));
	if (h->saved_cmdlines) {
		add(c, "--cmdlines-size");
		add(c, SAVED_CMDLINES);
	}
	if (o->quiet)
		add(c, "-q");
	add(c, "--no-filter");
	for (id = 0; id < HVST_EV_COUNT; id++)
		if (wanted(o, id) && h->events & 1ULL << id)
			add_event(c, id, t);
	if (o->record.duration_ns)
		add_sleep(c, o->record.duration_ns);
}

/* One line for each event, ready to be pasted into a shell. 0, or -1 after a message. */
static int print_command(const struct cmdline *c)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		if (i)
			fputs(!strcmp(c->words[i], "-e") || !strcmp(c->words[i], "sleep")
				      ? " \\\n\t"
				      : " ",
			      stdout);
		shell_put_word(stdout, c->words[i]);
	}
	putchar('\n');
	if (fflush(stdout) && errno != EPIPE)
		return report("standard output: %s", strerror(errno));
	return 0;
}

static bool has_essential(const struct record_host *h)
{
	unsigned int id;

	for (id = 0; id < HVST_EV_COUNT; id++)
		if (hvst_event_need(id) && hvst_event_need(id)->essential &&
		    !(h->events & 1ULL << id))
			return false;
	return true;
}

static int check_events(const struct record_host *h)
{
	if (has_essential(h))
		return 0;
	if (!h->has_kvm)
		return report(
			"%s/events has no system \"kvm\": load KVM (modprobe kvm_intel or kvm_amd)",
			h->dir);
	return report(
		"this kernel's KVM has no Hyper-V timer events (%s/events/kvm/kvm_hv_stimer_*): "
		"it was built without CONFIG_KVM_HYPERV, or is too old",
		h->dir);
}

static int check_clock(const struct options *o, const struct record_host *h)
{
	if (!strcmp(o->record.clock, "counter") || !strcmp(o->record.clock, "uptime"))
		return report("the clock %s is too coarse, or no time at all, to find anything by",
			      o->record.clock);
	if (!record_host_has_clock(h, o->record.clock))
		return report("no trace clock \"%s\" here; there are: %s", o->record.clock,
			      h->clocks ? h->clocks : "(trace_clock cannot be read)");
	/* trace-cmd takes the difference of a time stamp, which is in cycles then, and UTC in ns */
	if (o->record.date && !strcmp(o->record.clock, "x86-tsc"))
		return report("--date does not go with the clock x86-tsc: trace-cmd cannot tell "
			      "when its cycles were");
	return 0;
}

static int check_may_record(const struct options *o, const struct record_host *h)
{
	if (!record_host_writable())
		return report(
			"%s cannot be written: run as root, for example: sudo hvstimer record",
			h->dir);
	if (*h->busy && !o->record.force)
		return report("%s; recording would stop and reset it. Stop it first (trace-cmd "
			      "reset), or use --force",
			      h->busy);
	return 0;
}

static void tell_missing(const struct options *o, const struct record_host *h)
{
	unsigned int id;

	for (id = 0; id < HVST_EV_COUNT; id++)
		if (wanted(o, id) && !(h->events & 1ULL << id))
			report("note: this kernel has no %s: %s", hvst_event_name(id),
			       hvst_event_need(id)->without);
}

static int read_threads(struct record_tids *t, const struct options *o)
{
	char err[256];

	if (record_tids_read(t, o->record.pid, err, sizeof(err)))
		return report("%s", err);
	if (!t->named && !o->quiet)
		report("note: no thread of process %d is named like a vCPU: all its threads are "
		       "taken for vCPUs",
		       o->record.pid);
	return 0;
}

/* Check before anything is changed: trace-cmd would fail only after recording. */
static int check_output(const struct options *o)
{
	char *copy = strdup(output_file(o));
	struct stat st;
	const char *dir;
	int rc = 0;

	if (!copy)
		return report("out of memory");
	dir = dirname(copy);
	if (access(dir, W_OK | X_OK))
		rc = report("%s: %s cannot be written: %s", output_file(o), dir, strerror(errno));
	free(copy);
	if (rc || stat(output_file(o), &st))
		return rc;
	if (!S_ISREG(st.st_mode))
		return report("%s is no regular file", output_file(o));
	if (access(output_file(o), W_OK))
		return report("%s: %s", output_file(o), strerror(errno));
	if (!o->quiet)
		report("note: %s is there already and will be overwritten", output_file(o));
	return 0;
}

static void tell_begun(void *arg)
{
	const struct options *o = arg;

	if (!o->quiet)
		report("recording%s; then: hvstimer diagnose %s",
		       o->record.duration_ns ? "" : " until you press Ctrl-C", output_file(o));
}

/* trace-cmd failed, before or after events had been recorded. */
static void salvage(const struct options *o)
{
	char *saved;
	int rc = record_salvage(output_file(o), &saved);

	if (!rc)
		report("trace-cmd failed; what was recorded until then is in %s", saved);
	else if (rc != -ENOENT && rc != -ENODATA)
		report("trace-cmd failed; where there is space, this saves what was recorded: "
		       "trace-cmd restore -o FILE %s.cpu*",
		       output_file(o));
	free(saved);
}

/* Returns the exit status: trace-cmd's, if it was started. */
static int conclude(const struct options *o, const struct record_run *r)
{
	if (r->aborted) {
		record_remove_parts(output_file(o));
		report("stopped before recording began: nothing is recorded");
		return EXIT_INPUT;
	}
	if (WIFEXITED(r->status) && !WEXITSTATUS(r->status))
		return EXIT_OK;
	salvage(o);
	if (WIFEXITED(r->status))
		return WEXITSTATUS(r->status);
	report("trace-cmd was killed by signal %d", WTERMSIG(r->status));
	return EXIT_INPUT;
}

static int run(const struct options *o, const struct record_host *h, const struct cmdline *c)
{
	struct record_run r = { .begun = tell_begun, .arg = (void *)o };
	struct record_state before;
	const char *failed;
	int rc = EXIT_INPUT, err;

	if (record_state_save(&before, h)) {
		report("out of memory");
		record_state_free(&before);
		return EXIT_INPUT;
	}
	if (!o->quiet)
		report("setting up");
	err = record_run(c->words, &r);
	if (!err)
		rc = conclude(o, &r);
	else if (err == -ENOENT)
		report("trace-cmd is not installed (Debian: apt-get install trace-cmd)");
	else
		report("cannot run trace-cmd: %s", strerror(-err));
	failed = record_state_restore(&before, h);
	if (failed)
		report("%s/%s could not be set to what it was", h->dir, failed);
	record_state_free(&before);
	return rc;
}

/* Returns the exit status. */
static int record(const struct options *o, const struct record_host *h)
{
	struct record_tids t = { 0 };
	struct cmdline c = { 0 };
	int rc = EXIT_INPUT;

	if (check_events(h) || check_clock(o, h))
		return EXIT_INPUT;
	if (!o->record.dry_run && (check_may_record(o, h) || check_output(o)))
		return EXIT_INPUT;
	if (o->record.pid && read_threads(&t, o))
		return EXIT_INPUT;
	if (!o->quiet)
		tell_missing(o, h);
	build(&c, o, h, o->record.pid ? &t : NULL);
	if (c.failed) {
		report("out of memory");
	} else if (o->record.dry_run) {
		rc = print_command(&c) ? EXIT_INPUT : EXIT_OK;
	} else {
		rc = run(o, h, &c);
	}
	cmdline_free(&c);
	record_tids_free(&t);
	return rc;
}

int cmd_record(int argc, char **argv)
{
	struct record_host h;
	struct options o;
	enum parse_result parsed = options_parse(&o, command_by_bit(CMD_RECORD), argc, argv);
	char err[256];
	int rc;

	if (parsed != PARSE_GO) {
		options_free(&o);
		return parse_exit_code(parsed);
	}
	rc = record_host_read(&h, err, sizeof(err));
	if (rc) {
		report("%s", err);
		options_free(&o);
		return EXIT_INPUT;
	}
	rc = record(&o, &h);
	record_host_free(&h);
	options_free(&o);
	return rc;
}
