/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What `hvstimer record` has to know about the host: its trace events, clocks, CPUs and memory
 * (through libtracefs), and the threads of one VM (through /proc). The roots of both trees can be
 * moved, see hvstimer-record(1), so that the tests can build a host.
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
	bool named; /* at least one looked like a vCPU */
};

/* 0 or a negative errno with the reason, and what to do, in @err. */
int record_host_read(struct record_host *h, char *err, size_t errlen);
void record_host_free(struct record_host *h);
bool record_host_has_clock(const struct record_host *h, const char *clock);
/* Whether this user may record: writing to tracefs is allowed. */
bool record_host_writable(void);

int record_tids_read(struct record_tids *t, int pid, char *err, size_t errlen);
void record_tids_free(struct record_tids *t);

/*
 * A filter expression that holds when @field is one of @tids: runs of neighbouring ids become
 * ranges, and if that is still longer than the kernel takes, one range over all. NULL without
 * memory; the caller frees it.
 */
char *record_tid_filter(const int *tids, unsigned int n, const char *field);

#endif
