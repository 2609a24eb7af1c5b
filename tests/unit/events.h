/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Hand-made recordings for the tests of lib/kvm and lib/analysis: a host with a reference clock,
 * vCPU threads on it, one function an event, and above them what a guest does (arm a timer, take
 * its interrupt) on a traced, a padding or a stock kernel.
 */
#ifndef TEST_EVENTS_H
#define TEST_EVENTS_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../lib/analysis/state.h"

#define US(n)  ((n)*1000LL)
#define MS(n)  ((n)*1000000LL)
#define SEC(n) ((n)*1000000000LL)

#define CONFIG_DIRECT	(1ull << 12 | 0xd1ull << 4) /* direct mode, vector 0xd1 */
#define CONFIG_SINT	(2ull << 16)		    /* message mode, SINT 2 */
#define CONFIG_ENABLE	1ull
#define CONFIG_PERIODIC 2ull
#define CONFIG_AUTO	8ull

#define MSR_REF_COUNT	  0x40000020u
#define MSR_PAGE	  0x40000021u
#define MSR_STIMER0_COUNT 0x400000b1u

#define BIT_OF(ev) (1ull << HVST_EV_##ev)

enum kernel { TRACED, PADDED, STOCK };

/* A VM's reference clock: 100 * time_now = trace time + o, and @ppm from @since on. */
struct host {
	int64_t o;
	double ppm;
	int64_t since;
	enum kernel kernel;
};

struct who {
	struct host *host;
	int tid, vcpu;
	unsigned int cpu;
};

struct recording {
	struct kvm *kvm;
	struct analysis *an;
	const struct hvst_result *r; /* after recording_end() */
	struct hvst_trace trace;
	struct hvst_params params;
	struct hvst_observer obs;
	int64_t now;	  /* trace time of the next event */
	int64_t late;	  /* a start event is stamped this long after the clock was read */
	uint64_t ignored; /* events that were not recorded */
	struct hvst_arm *arms;
	unsigned int nr_arms;
	struct hvst_fire *fires;
	unsigned int nr_fires;
	unsigned int nr_storms; /* as the observer saw them */
	bool finished;
};

/* @ignored: bit per event id, as with --ignore. Begins at trace time 1000 s. */
void recording_begin(struct recording *f, uint64_t ignored);
/* @per_cpu: with a trace clock of its own on each CPU ("local") */
void recording_begin_clock(struct recording *f, uint64_t ignored, bool per_cpu);
/* Ends the recording; the findings are in f->r then. */
const struct hvst_result *recording_end(struct recording *f);
void recording_free(struct recording *f);
void record(struct recording *f, const struct hvst_event *ev);

uint64_t ref_now(const struct recording *f, const struct host *h);
/* The reference clock moves by @ns. */
void host_step(const struct recording *f, struct host *h, int64_t ns);
/* Its rate against the trace clock becomes @ppm. */
void host_rate(const struct recording *f, struct host *h, double ppm);

/* --- one event each, 1 us after the one before --- */
void ev_set_config(struct recording *f, const struct who *w, unsigned int timer, uint64_t config,
		   bool host);
void ev_set_count(struct recording *f, const struct who *w, unsigned int timer, uint64_t count,
		  bool host);
void ev_cleanup(struct recording *f, const struct who *w, unsigned int timer);
/* @id: start_one_shot, start_expired or start_periodic */
void ev_start(struct recording *f, const struct who *w, int id, unsigned int timer,
	      uint64_t time_now, uint64_t count);
void ev_callback(struct recording *f, const struct who *w, unsigned int timer, int pid,
		 unsigned int cpu);
void ev_expiration(struct recording *f, const struct who *w, unsigned int timer, bool direct,
		   int result);
void ev_msr(struct recording *f, const struct who *w, bool write, uint32_t ecx, uint64_t data);
/* An access that raises #GP. */
void ev_msr_refused(struct recording *f, const struct who *w, bool write, uint32_t ecx);
/* A hypercall and, right after it, its result. */
void ev_hypercall(struct recording *f, const struct who *w, uint16_t code, uint16_t status);
void ev_entry(struct recording *f, const struct who *w);
void ev_exit(struct recording *f, const struct who *w, unsigned int isa, uint32_t reason);
void ev_lost(struct recording *f, unsigned int cpu, uint64_t count);
void ev_master(struct recording *f, int pid, unsigned int cpu, bool use);
void ev_tsc_offset(struct recording *f, const struct who *w, uint64_t from, uint64_t to);
void ev_switch(struct recording *f, int prev, int prev_state, int next, unsigned int cpu);
void ev_pio_read(struct recording *f, const struct who *w, uint32_t port);
void ev_mmio_read(struct recording *f, const struct who *w, uint64_t gpa);

/* --- what a guest does --- */
/* Writes the config of a one-shot timer with auto-enable in direct mode. */
void guest_setup(struct recording *f, const struct who *w, unsigned int timer);
/* Exit, the write of count, its kvm_msr. @read: after a read of the reference counter. */
void guest_write(struct recording *f, const struct who *w, unsigned int timer, uint64_t count,
		 bool read);
/* The host's reaction to it before the next entry; true when the arm was past due. */
bool host_start(struct recording *f, const struct who *w, unsigned int timer, uint64_t count);
/*
 * Write, start, and the delivery: at once when past due, else at the deadline. True when past due.
 */
bool guest_arm(struct recording *f, const struct who *w, unsigned int timer, uint64_t count);
/* @n arms, each for @delay ns from the host's now. */
void guest_ticks(struct recording *f, const struct who *w, unsigned int n, int64_t delay);
/* @n arms, each for a moment that lies @behind ns in the past. */
void guest_lags(struct recording *f, const struct who *w, unsigned int n, int64_t behind);

/* --- looking at what came out --- */
const struct hvst_timer *timer_find(const struct recording *f, int tid, unsigned int timer);
const struct hvst_verdict *verdict_of(const struct recording *f, enum hvst_question q);
/* Prints the storms, transitions and segments found, for a test that fails. */
void recording_show(const struct recording *f);

#endif
