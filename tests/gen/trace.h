/* SPDX-License-Identifier: GPL-2.0 */
/* A trace.dat file being written: clock, buffers, event masks, lost stretches, file version. */
#ifndef GEN_TRACE_H
#define GEN_TRACE_H

#include "events.h"
#include "ring.h"

#define GEN_MAX_CPUS	256
#define GEN_MAX_BUFFERS 3
#define GEN_MAX_LOST	8
#define GEN_MAX_SLEWS	4

enum gen_clock { CLOCK_MONO, CLOCK_BOOT, CLOCK_LOCAL, CLOCK_GLOBAL, CLOCK_X86_TSC, CLOCK_TSC2NSEC };

/* Events of one CPU that are dropped, true time. */
struct gen_lost {
	unsigned int cpu;
	int64_t from, to;
	bool counted;
	bool silent; /* nothing in the file says so */
};

/* A stretch of true time in which the trace's clock is slewed; "mono" and "boot" only. */
struct gen_slew {
	int64_t from, to;
	int ppm;
};

struct gen_buffer {
	char name[16];	 /* "" is the top buffer */
	uint64_t events; /* EV_BIT mask */
};

struct trace_opts {
	unsigned int version; /* 6 or 7 */
	bool compress;
	enum gen_clock clock;
	enum gen_kernel kernel;
	unsigned int cpus;
	uint32_t page_size;
	size_t kallsyms; /* bytes of symbols to put in */
	bool odd;	 /* rare record kinds too */
	int slew_ppm;	 /* mono only: NTP's rate, in turn +, 0, - every two seconds */
	unsigned int nr_slews;
	struct gen_slew slews[GEN_MAX_SLEWS]; /* NTP's or chrony's, besides @slew_ppm */
	int64_t cpu_apart_ns; /* local only: each CPU's clock is ahead of the one before */
	uint64_t formats;     /* EV_BIT mask: in the file's formats though not recorded */
	unsigned int nr_buffers;
	struct gen_buffer buffers[GEN_MAX_BUFFERS];
	unsigned int nr_lost;
	struct gen_lost lost[GEN_MAX_LOST];
	int64_t end; /* true time from which on nothing is recorded; 0: no */
};

struct trace;

int trace_open(struct trace **out, const struct trace_opts *opts, const char *path);
/*
 * One record at true time @t (ns). Calls may come out of order, by no more than trace_flush()
 * allows. Returns whether it is in the file: recorded at all, and not lost.
 */
bool trace_emit(struct trace *tr, unsigned int cpu, int64_t t, int pid, enum gen_event ev,
		const uint64_t *vals);
/* Whether events of @cpu at @t are dropped, or come after the end. */
bool trace_is_lost(const struct trace *tr, unsigned int cpu, int64_t t);
/* No record before @t will come any more. */
void trace_flush(struct trace *tr, int64_t t);
void trace_comm(struct trace *tr, int pid, const char *comm);
/* True time -> ns on the trace's clock, as the analysis counts them. */
int64_t trace_ns(const struct trace *tr, int64_t t);
/* How far the trace's clock runs in @ns of true time at @t: what an hrtimer waits. */
int64_t trace_wait(const struct trace *tr, int64_t t, int64_t ns);
uint64_t trace_bytes(const struct trace *tr);
/* Writes the file and frees @tr; 0 or negative errno. */
int trace_close(struct trace *tr);

const char *gen_clock_name(enum gen_clock clock);
int gen_clock_by_name(const char *name);
#define GEN_TSC_KHZ 2596134ull

#endif
