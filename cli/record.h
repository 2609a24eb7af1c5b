/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What `hvstimer record` has to know about the host: its trace events, clocks, CPUs and memory
 * (through libtracefs), and the threads of one VM (through /proc). The roots of both trees can be
 * changed, see hvstimer-record(1), so that the tests can build a host of their own.
 */
#ifndef HVST_CLI_RECORD_H
#define HVST_CLI_RECORD_H

#include <hvstimer/event.h>

/**
 * struct record_host - one host as tracefs and /proc show it
 * @dir: the tracefs root
 * @events: bit per enum hvst_event_id: the event exists here
 * @has_kvm: there is a system "kvm" at all
 * @clocks: the words of trace_clock, the current one in brackets; NULL: not readable
 * @cpus: CPUs with a ring buffer
 * @mem_kb: memory available, 0 when unknown
 * @saved_cmdlines: the size of the table of command names can be set
 * @busy: what is being traced already, in words; empty when nothing is
 */
struct record_host {
	const char *dir;
	uint64_t events;
	bool has_kvm;
	char *clocks;
	unsigned int cpus;
	uint64_t mem_kb;
	bool saved_cmdlines;
	char busy[128];
};

/**
 * struct record_tids - thread ids of one process, ascending
 * @vcpu: only those whose names look like vCPU threads (all of them if none does)
 */
struct record_tids {
	int *all;
	unsigned int nr_all;
	int *vcpu;
	unsigned int nr_vcpu;
	bool named; /* at least one was named like a vCPU */
};

/* 0 or a negative errno with the reason, and what to do, in @err. */
int record_host_read(struct record_host *h, char *err, size_t errlen);
void record_host_free(struct record_host *h);
bool record_host_has_clock(const struct record_host *h, const char *clock);
/* "/proc", or the value of $HVSTIMER_PROC. */
const char *record_proc_root(void);
/* Whether this user may record: writing to tracefs is allowed. */
bool record_host_writable(void);

int record_tids_read(struct record_tids *t, int pid, char *err, size_t errlen);
void record_tids_free(struct record_tids *t);

/*
 * A filter expression that holds when @field is one of @tids: ranges for consecutive ids, and if
 * that is still longer than the kernel accepts, one range over all. NULL without memory; the caller
 * frees it.
 */
char *record_tid_filter(const int *tids, unsigned int n, const char *field);

/**
 * struct record_state - what tracefs's top buffer was set to before a recording
 * @first: files below the tracefs root and their values, in the order in which they are put back
 * @events: set_event: the events that were enabled
 */
struct record_state {
	struct record_setting {
		struct record_setting *next;
		char *value;
		char name[];
	} * first;
	char *events;
};

/* 0, or -1 without memory. */
int record_state_save(struct record_state *s, const struct record_host *h);
/* Restores what differs from @s. NULL, or the name of a file that could not be written. */
const char *record_state_restore(const struct record_state *s, const struct record_host *h);
void record_state_free(struct record_state *s);

/**
 * struct record_run - a run of trace-cmd
 * @begun: called once, when events are being recorded, with @arg
 * @ready: that was so
 * @aborted: a signal came before that, and trace-cmd was killed
 * @status: trace-cmd's, as wait(2) has it
 *
 * SIGINT, SIGTERM and SIGHUP end a recording as Ctrl-C ends trace-cmd's: the file is written.
 */
struct record_run {
	void (*begun)(void *arg);
	void *arg;
	bool ready, aborted;
	int status;
};

/* Returns 0 when @words was run and has ended, or a negative errno. */
int record_run(char **words, struct record_run *r);

/*
 * A failed trace-cmd leaves files @output.cpuN. record_salvage() makes a recording of them, @output
 * or, where that has no space, a file of that name in a new directory of $TMPDIR. Returns 0 with
 * its path in @saved, which the caller frees; -ENOENT or -ENODATA when there is nothing to save; or
 * another negative errno, with the files still in place.
 */
int record_salvage(const char *output, char **saved);
void record_remove_parts(const char *output);

#endif
