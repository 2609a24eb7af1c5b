// SPDX-License-Identifier: GPL-2.0
/* hvstimer record: runs trace-cmd record with what a diagnosis needs, see hvstimer-record(1). */
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "options.h"
#include "record.h"

/*
 * A ring buffer has to hold what one CPU produces while trace-cmd is kept from emptying it. In a
 * storm that is 100,000 arms a second, ten events each, 48 bytes an event; a second of it is held.
 */
#define STORM_ARMS_HZ	     100000ULL
#define STORM_EVENTS_PER_ARM 10
#define STORM_EVENT_BYTES    48
#define STORM_HOLD_S	     1
#define MIN_BUFFER_KB	     1408ULL /* the kernel's own default */
#define MAX_MEMORY_SHARE     8 /* all buffers together: at most this part of the free memory */
#define SAVED_CMDLINES	     "8192"

/* The MSRs that say which clock a guest uses: Hyper-V's, TSC, its adjust and deadline, kvmclock. */
#define MSR_FILTER                                                                                 \
	"(ecx>=0x40000000&&ecx<=0x400010ff)||ecx==0x10||ecx==0x3b||ecx==0x6e0||"                   \
	"ecx==0x11||ecx==0x12||ecx==0x4b564d00||ecx==0x4b564d01"
#define PM_TIMER_FILTER	   "port==0x608||port==0xb008"
#define HPET_FILTER	   "gpa>=0xfed00000&&gpa<=0xfed003ff"
#define LAPIC_TIMER_FILTER "reg==0x320||reg==0x380||reg==0x390||reg==0x3e0"

/*
 * Whose events --vm keeps. What vCPUs do is told by their thread. A callback runs in interrupt
 * context: its thread is whatever was interrupted, so all callbacks are kept. The clock is moved by
 * other threads of the VMM and by kernel workers, seldom: kept too. A switch names two threads.
 */
enum scope { OF_THREADS, OF_ANYONE, OF_SWITCH };

static const struct recorded {
	const char *filter;
	enum scope scope;
	const char *without; /* what an analysis cannot tell if the host has no such event */
} recorded[HVST_EV_COUNT] = {
	[HVST_EV_STIMER_START_EXPIRED] = { NULL, OF_THREADS,
					   "no released kernel has it yet: past-due arms will be "
					   "inferred" },
	[HVST_EV_STIMER_CALLBACK] = { NULL, OF_ANYONE, "lateness of timers cannot be told" },
	[HVST_EV_MSR] = { MSR_FILTER, OF_THREADS,
			  "switches of the guest's clock source cannot be told" },
	[HVST_EV_WRITE_TSC_OFFSET] = { NULL, OF_ANYONE, "steps of the clock cannot be explained" },
	[HVST_EV_TRACK_TSC] = { NULL, OF_ANYONE, NULL },
	[HVST_EV_UPDATE_MASTER_CLOCK] = { NULL, OF_ANYONE,
					  "steps of the clock cannot be explained" },
	[HVST_EV_PVCLOCK_UPDATE] = { NULL, OF_ANYONE, NULL },
	[HVST_EV_EXIT] = { NULL, OF_THREADS, "a guest's progress cannot be told" },
	[HVST_EV_ENTRY] = { NULL, OF_THREADS, "a guest's progress cannot be told" },
	[HVST_EV_PIO] = { PM_TIMER_FILTER, OF_THREADS, "use of the ACPI PM timer cannot be told" },
	[HVST_EV_MMIO] = { HPET_FILTER, OF_THREADS, "use of the HPET cannot be told" },
	[HVST_EV_APIC] = { LAPIC_TIMER_FILTER, OF_THREADS, NULL },
	[HVST_EV_SCHED_SWITCH] = { NULL, OF_SWITCH,
				   "preemption is told from exits and entries alone" },
};

/* Without one of these there is nothing to analyse. */
static const uint64_t needed = 1ULL << HVST_EV_STIMER_SET_COUNT |
			       1ULL << HVST_EV_STIMER_START_ONE_SHOT |
			       1ULL << HVST_EV_STIMER_EXPIRATION;

struct plan {
	const char *output;
	const char *clock;
	unsigned long buffer_kb; /* 0: by the estimate */
	int64_t duration_ns;	 /* 0: until interrupted */
	int pid;		 /* 0: every VM */
	bool sched, dry_run, force, quiet;
};

/* The command being built; @failed: memory ran out on the way. */
struct cmdline {
	char **words;
	size_t n;
	bool failed;
};

static int say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A message in the name of this command. -1, for callers that fail with it. */
static int say(const char *fmt, ...)
{
	char text[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	complain("record: %s", text);
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

/* The thread condition of one event, NULL when it has none (or no memory: then c->failed). */
static char *thread_filter(struct cmdline *c, enum scope scope, const struct record_tids *t)
{
	char *prev, *next, *both = NULL;

	if (scope == OF_ANYONE)
		return NULL;
	if (scope == OF_THREADS) {
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
	const struct recorded *r = &recorded[id];
	char *threads = t ? thread_filter(c, r->scope, t) : NULL;

	add(c, "-e");
	add(c, "%s:%s", hvst_event_system(id), hvst_event_name(id));
	if (r->filter || threads)
		add(c, "-f");
	if (r->filter && threads)
		add(c, "(%s)&&(%s)", r->filter, threads);
	else if (r->filter || threads)
		add(c, "%s", r->filter ? r->filter : threads);
	free(threads);
}

const char *record_filter(unsigned int id)
{
	return recorded[id].filter;
}

static bool wanted(const struct plan *o, unsigned int id)
{
	return id != HVST_EV_SCHED_SWITCH || o->sched;
}

static unsigned long buffer_size(const struct plan *o, const struct record_host *h)
{
	uint64_t kb =
		STORM_ARMS_HZ * STORM_EVENTS_PER_ARM * STORM_EVENT_BYTES * STORM_HOLD_S / 1024;
	uint64_t most = h->mem_kb / MAX_MEMORY_SHARE / h->cpus;

	if (o->buffer_kb)
		return o->buffer_kb;
	if (!h->mem_kb || kb <= most)
		return kb;
	if (most < MIN_BUFFER_KB)
		most = MIN_BUFFER_KB;
	if (!o->quiet)
		say("note: buffers of %llu KiB a CPU instead of %llu, for want of memory: a storm "
		    "may lose events (--buffer-size sets it)",
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
 * --no-filter: else trace-cmd drops events of its own threads, and with them the callbacks that
 * happen to interrupt one of these, and the switches from them to a vCPU.
 */
static void build(struct cmdline *c, const struct plan *o, const struct record_host *h,
		  const struct record_tids *t)
{
	unsigned int id;

	add(c, "trace-cmd");
	add(c, "record");
	add(c, "-o");
	add(c, "%s", o->output);
	add(c, "-C");
	/* trace-cmd's name for x86-tsc together with the scale that turns cycles into ns. */
	add(c, "%s", strcmp(o->clock, "x86-tsc") ? o->clock : "tsc2nsec");
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
	if (o->duration_ns)
		add_sleep(c, o->duration_ns);
}

static void print_word(const char *w)
{
	static const char safe[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";

	if (*w && w[strspn(w, safe)] == '\0') {
		fputs(w, stdout);
		return;
	}
	putchar('\'');
	for (; *w; w++)
		if (*w == '\'')
			fputs("'\\''", stdout);
		else
			putchar(*w);
	putchar('\'');
}

/* One line an event, ready to be pasted into a shell. 0, or -1 after a message. */
static int print_command(const struct cmdline *c)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		if (i)
			fputs(!strcmp(c->words[i], "-e") || !strcmp(c->words[i], "sleep")
				      ? " \\\n\t"
				      : " ",
			      stdout);
		print_word(c->words[i]);
	}
	putchar('\n');
	if (fflush(stdout) && errno != EPIPE)
		return say("standard output: %s", strerror(errno));
	return 0;
}

static int check_events(const struct record_host *h)
{
	if ((h->events & needed) == needed)
		return 0;
	if (!h->has_kvm)
		return say(
			"%s/events has no system \"kvm\": load KVM (modprobe kvm_intel or kvm_amd)",
			h->dir);
	return say("this kernel's KVM has no Hyper-V timer events (%s/events/kvm/kvm_hv_stimer_*): "
		   "it was built without CONFIG_KVM_HYPERV, or is too old",
		   h->dir);
}

static int check_clock(const struct plan *o, const struct record_host *h)
{
	if (!strcmp(o->clock, "counter") || !strcmp(o->clock, "uptime"))
		return say("the clock %s is too coarse, or no time at all, to find anything by",
			   o->clock);
	if (!record_host_has_clock(h, o->clock))
		return say("no trace clock \"%s\" here; there are: %s", o->clock,
			   h->clocks ? h->clocks : "(trace_clock cannot be read)");
	return 0;
}

static int check_may_record(const struct plan *o, const struct record_host *h)
{
	if (!record_host_writable())
		return say("%s cannot be written: run as root, for example: sudo hvstimer record",
			   h->dir);
	if (*h->busy && !o->force)
		return say("%s; recording would stop and reset it. Stop it first (trace-cmd "
			   "reset), or use --force",
			   h->busy);
	return 0;
}

static void tell_missing(const struct plan *o, const struct record_host *h)
{
	const char *without;
	unsigned int id;

	for (id = 0; id < HVST_EV_COUNT; id++) {
		if (!wanted(o, id) || h->events & 1ULL << id)
			continue;
		without = recorded[id].without;
		say("note: this kernel has no %s%s%s", hvst_event_name(id), without ? ": " : "",
		    without ? without : "");
	}
}

static int read_threads(struct record_tids *t, const struct plan *o)
{
	char err[256];

	if (record_tids_read(t, o->pid, err, sizeof(err)))
		return say("%s", err);
	if (!t->named && !o->quiet)
		say("note: no thread of process %d is named like a vCPU: all its threads are taken "
		    "for vCPUs",
		    o->pid);
	return 0;
}

/* Does not return when it succeeds: Ctrl-C and the exit status are trace-cmd's. */
static int run(const struct plan *o, const struct cmdline *c)
{
	if (!o->quiet)
		say("recording%s; then: hvstimer diagnose %s",
		    o->duration_ns ? "" : " until you press Ctrl-C", o->output);
	signal(SIGPIPE, SIG_DFL); /* main() ignores it, and that is inherited */
	execvp(c->words[0], c->words);
	if (errno == ENOENT)
		return say("trace-cmd is not installed (Debian: apt-get install trace-cmd)");
	return say("cannot run trace-cmd: %s", strerror(errno));
}

static int record(const struct plan *o, const struct record_host *h)
{
	struct record_tids t = { 0 };
	struct cmdline c = { 0 };
	int rc = -1;

	if (check_events(h) || check_clock(o, h) || (!o->dry_run && check_may_record(o, h)))
		return -1;
	if (o->pid && read_threads(&t, o))
		return -1;
	if (!o->quiet)
		tell_missing(o, h);
	build(&c, o, h, o->pid ? &t : NULL);
	if (c.failed) {
		say("out of memory");
	} else if (o->dry_run) {
		rc = print_command(&c);
	} else {
		rc = run(o, &c);
	}
	cmdline_free(&c);
	record_tids_free(&t);
	return rc;
}

/* A whole number with perhaps one of @units after it, worth @scale; 0 for anything else. */
static unsigned long number(const char *arg, const char *units, const unsigned long *scale)
{
	unsigned long long v;
	const char *u;
	char *end;

	if (*arg < '0' || *arg > '9')
		return 0;
	errno = 0;
	v = strtoull(arg, &end, 10);
	u = *end ? strchr(units, *end) : units;
	if (errno || !u || (*end && end[1]) || v > INT_MAX / scale[u - units])
		return 0;
	return v * scale[u - units];
}

static void help(void)
{
	puts("Usage: hvstimer record [options]\n"
	     "\n"
	     "Records what hvstimer diagnose needs, with trace-cmd: the events, filters, clock\n"
	     "and buffer sizes that fit this host. Until Ctrl-C, or for --duration.\n"
	     "\n"
	     "  -o, --output FILE       write the recording to FILE (default trace.dat)\n"
	     "  -d, --duration TIME     stop after TIME: seconds, or with a unit ms, s, m, h\n"
	     "      --vm PID            only the VM whose VMM is process PID\n"
	     "      --sched             also when vCPU threads lose and get their CPU\n"
	     "  -C, --clock CLOCK       trace clock (default mono; x86-tsc: cycles and scale)\n"
	     "  -b, --buffer-size SIZE  ring buffer of each CPU: KiB, or with a unit K, M, G\n"
	     "  -f, --force             even while something else is being traced\n"
	     "  -n, --dry-run           print the command, run nothing\n"
	     "  -q, --quiet             no notes, and trace-cmd quiet\n"
	     "  -h, --help              this text\n"
	     "  -V, --version           print the version\n"
	     "\n"
	     "Why these events and this clock: man hvstimer-record");
}

enum { OPT_VM = 256, OPT_SCHED };

static const struct option long_options[] = {
	{ "output", required_argument, NULL, 'o' }, { "duration", required_argument, NULL, 'd' },
	{ "vm", required_argument, NULL, OPT_VM },  { "sched", no_argument, NULL, OPT_SCHED },
	{ "clock", required_argument, NULL, 'C' },  { "buffer-size", required_argument, NULL, 'b' },
	{ "force", no_argument, NULL, 'f' },	    { "dry-run", no_argument, NULL, 'n' },
	{ "quiet", no_argument, NULL, 'q' },	    { "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },	    { NULL, 0, NULL, 0 },
};

/* 0, or -1 for an option that is not one, or a value that is none. @word: as it was written. */
static int set_option(struct plan *o, int opt, const char *word)
{
	static const unsigned long size_scale[] = { 1, 1024, 1024 * 1024 };
	static const unsigned long one[] = { 1 };

	switch (opt) {
	case 'o':
		o->output = optarg;
		return 0;
	case 'C':
		o->clock = optarg;
		return 0;
	case 'f':
		o->force = true;
		return 0;
	case 'n':
		o->dry_run = true;
		return 0;
	case 'q':
		o->quiet = true;
		return 0;
	case OPT_SCHED:
		o->sched = true;
		return 0;
	case 'd':
		if (parse_duration(optarg, &o->duration_ns) && o->duration_ns > 0)
			return 0;
		return say("'%s' is not a duration like 30, 30s, 5m or 1h", optarg);
	case 'b':
		o->buffer_kb = number(optarg, "KMG", size_scale);
		return o->buffer_kb ? 0 : say("'%s' is not a size like 65536, 64M or 1G", optarg);
	case OPT_VM:
		o->pid = number(optarg, "", one);
		return o->pid ? 0 : say("'%s' is not the process id of a VMM", optarg);
	case ':':
		return say("%s needs a value; see hvstimer record --help", word);
	default:
		return say("no option %s; see hvstimer record --help", word);
	}
}

int cmd_record(int argc, char **argv)
{
	struct plan o = { .output = "trace.dat", .clock = "mono" };
	struct record_host h;
	char err[256];
	int opt, rc;

	opterr = 0;
	while ((opt = getopt_long(argc, argv, ":o:d:C:b:fnqhV", long_options, NULL)) != -1) {
		if (opt == 'h' || opt == 'V') {
			if (opt == 'h')
				help();
			else
				printf("hvstimer %s\n", hvst_version());
			return EXIT_OK;
		}
		if (set_option(&o, opt, argv[optind - 1]))
			return EXIT_USAGE;
	}
	if (optind < argc) {
		say("%s is no option; the name of the recording is given with -o", argv[optind]);
		return EXIT_USAGE;
	}
	if (record_host_read(&h, err, sizeof(err))) {
		say("%s", err);
		return EXIT_INPUT;
	}
	rc = record(&o, &h) ? EXIT_INPUT : EXIT_OK;
	record_host_free(&h);
	return rc;
}
