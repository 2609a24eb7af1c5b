/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * A session reads one recording (one or more trace.dat files merged by time) and analyses it. There
 * is no global state: several sessions may be open at once, each used by one thread at a time.
 * Functions that can fail return 0 or a negative errno; unless stated otherwise, the message is in
 * hvst_session_error().
 */
#ifndef HVSTIMER_SESSION_H
#define HVSTIMER_SESSION_H

#include <hvstimer/result.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct hvst_session;

/* What reads the files. AUTO: the library, and libtracecmd for a file that the library declines. */
enum hvst_reader { HVST_READER_AUTO, HVST_READER_PAGES, HVST_READER_LIBTRACECMD };

/* What a run computes: a bit mask. What is not asked for costs no time. */
enum hvst_need {
	HVST_NEED_EVENTS =
		1, /* decode every known event with every field, for the event observer */
	HVST_NEED_ANALYSIS = 2, /* arms, storms, clocks, verdicts */
	HVST_NEED_ARMS = 4, /* for observers: arms, and firings without @entry_ns. No result; takes
			       less memory */
};

enum hvst_arm_kind { HVST_ARM_AHEAD, HVST_ARM_PAST_DUE, HVST_ARM_PERIODIC };
enum hvst_arm_flags {
	HVST_ARM_INFERRED = 1, /* no start event: @time_now is estimated from the reference clock */
	HVST_ARM_RESTART = 2,  /* KVM started a running timer again: no new arm */
	HVST_ARM_PADDED = 4,   /* the host delayed it (padding kernel) */
	HVST_ARM_HOST = 8,     /* armed by the VMM (restore) */
	HVST_ARM_PARKED = 16,  /* a count that is never reached: the guest parked the timer */
};

/**
 * struct hvst_arm - one programming of a timer as the host executed it
 * @ts_ns, @ts_raw: of the start event; for an inferred arm, of the expiration that proves it
 * @time_now, @count: in units of 100 ns; periodic: @count is exp_time. @time_now is 0 if unknown,
 *	see @skew_ns
 * @skew_ns: 100 * (@time_now - @count), saturated; HVST_UNKNOWN if the trace cannot tell
 * @error_ns: bound on the error of @skew_ns; 0 if observed
 * @period_ref: the period of a periodic timer, in units of 100 ns; else 0
 * @vm: -1 if unknown (yet)
 * @thread: number of the vCPU thread in this run, as in struct hvst_vcpu_info; unlike @tid it is
 *	never reused
 *
 * Observers get arms in time order, except inferred ones that wait for the next clock sample.
 */
struct hvst_arm {
	int64_t ts_ns;
	uint64_t ts_raw;
	uint64_t time_now, count;
	int64_t skew_ns;
	int64_t error_ns;
	uint64_t period_ref;
	int vm, vcpu, tid, thread, timer;
	uint16_t cpu, buffer;
	uint8_t kind;  /* enum hvst_arm_kind */
	uint8_t flags; /* enum hvst_arm_flags */
};

/* Why an arm was past due, judged by the events before it; see struct hvst_past_due. */
enum hvst_arm_cause {
	HVST_ARM_ON_TIME, /* not past due, a restart, or periodic */
	HVST_ARM_SHORT_DEADLINE,
	HVST_ARM_PREEMPTED,
	HVST_ARM_UNEXPLAINED
};

/**
 * struct hvst_fire - one firing of a timer; times are HVST_UNKNOWN where not seen
 * @arm_ns: time of the start event; for an inferred arm, of the expiration
 * @deadline_ns: @arm_ns plus the time until the expiry; HVST_UNKNOWN for an arm past due, or padded
 * @callback_ns: the callback of the hrtimer
 * @expiration_ns: the expiration
 * @entry_ns: the next kvm_entry of the vCPU
 * @thread: as in struct hvst_arm
 * @result: msg_send_result of the expiration: 0 if delivered
 * @direct: delivered as an APIC interrupt, not as a SynIC message
 */
struct hvst_fire {
	int64_t arm_ns, deadline_ns, callback_ns, expiration_ns, entry_ns;
	int vm, vcpu, tid, thread, timer;
	int result;
	bool direct;
};

/**
 * struct hvst_progress - a vCPU's progress in a stretch of time
 * @from_ns, @to_ns: the stretch, at least 16 ms; the next one of the vCPU begins where it ends,
 *	unless events were lost in between
 * @progress_ns: the part of it in which the vCPU was halted, or ran its guest outside the timer
 *	interrupt; the progress members of struct hvst_storm are a share of this
 * @vm: -1 if unknown (yet)
 * @thread: as in struct hvst_arm
 */
struct hvst_progress {
	int64_t from_ns, to_ns;
	int64_t progress_ns;
	int vm, vcpu, tid, thread;
};

#define HVST_MAX_OBSERVERS 16 /* of a session */

/**
 * struct hvst_observer - callbacks of a run, any of them NULL
 * @size: sizeof(struct hvst_observer)
 * @event: each decoded event, in time order. Needs HVST_NEED_EVENTS: without it only the events
 *	and fields that the analysis reads are decoded
 * @arm: each arm, once its skew is known
 * @fire: each firing, at its kvm_entry
 * @storm: each storm, at the end of the run
 * @progress: now and then, with the bytes read so far and in all
 * @armed: as @arm, but at once, and in time order for each thread: the skew of an inferred arm and
 *	the VM may be unknown then
 * @progressed: a vCPU's progress, if exits are recorded; not called for the last 16 ms of a vCPU
 *
 * Called on the thread that called hvst_session_run(); what a callback is given is valid until it
 * returns. A non-zero return stops the run; hvst_session_run() then returns -ECANCELED, with
 * results for what was read, and @incomplete of struct hvst_trace is set. Arms that wait for a
 * clock sample, firings and open storms are still reported.
 */
struct hvst_observer {
	size_t size;
	int (*event)(void *ctx, const struct hvst_event *ev);
	int (*arm)(void *ctx, const struct hvst_arm *arm);
	int (*fire)(void *ctx, const struct hvst_fire *fire);
	int (*storm)(void *ctx, const struct hvst_storm *storm);
	int (*progress)(void *ctx, uint64_t done, uint64_t total);
	int (*armed)(void *ctx, const struct hvst_arm *arm, enum hvst_arm_cause cause);
	int (*progressed)(void *ctx, const struct hvst_progress *p);
};

/**
 * struct hvst_live_ops - where the sub-buffers of a live trace come from, such as trace_pipe_raw
 * @size: sizeof(struct hvst_live_ops)
 * @read: read the next sub-buffer of @cpu, with its header, into @buf of @len bytes, the size of a
 *	sub-buffer. Return its length in bytes, 0 if there is none at present, or a negative errno
 *	to end the run. Must not block.
 * @wait: called before each round, which reads all CPUs. Wait for events, unless @busy: the last
 *	round left some. Return 0 to read on, 1 if no more will come: the run then ends after what
 *	is left; or a negative errno to end the run.
 */
struct hvst_live_ops {
	size_t size;
	int (*read)(void *ctx, unsigned int cpu, void *buf, size_t len);
	int (*wait)(void *ctx, bool busy);
};

/*
 * Thresholds of storms and past-due arms, with the defaults that hvst_params_default() fills in.
 */
struct hvst_params {
	size_t size;		      /* sizeof(struct hvst_params) */
	unsigned int storm_min_arms;  /* 64: past-due arms that make a storm */
	unsigned int storm_min_share; /* 80: least percentage of past-due arms in a group */
	unsigned int storm_max_ahead; /* 8: most arms ahead between two past-due arms of a group */
	int64_t storm_min_ns;	  /* 1 ms, the shortest tick of guests: least length of a storm */
	int64_t storm_max_gap_ns; /* 200 ms: most time between two past-due arms of a group */
	unsigned int burst_min_arms; /* 8: past-due arms that make a burst */
	int64_t watchdog_ns;	     /* 10 s: storms of this length endanger a watchdog */
	int64_t short_deadline_ns; /* past due by at most this: the deadline was too short; 0: four
				    * times what an arm usually costs on that vCPU */
};
/**
 * hvst_params_default() - fill in the thresholds of a new session
 * @p: filled, including its size
 * @size: sizeof(*p) in the program: no more than that is written
 */
void hvst_params_default(struct hvst_params *p, size_t size);

/**
 * hvst_session_new() - create a session without files
 *
 * Returns a session that the caller frees with hvst_session_free(); NULL without memory.
 */
struct hvst_session *hvst_session_new(void);
/**
 * hvst_session_free() - free a session and everything that it returned
 * @s: a session, or NULL
 */
void hvst_session_free(struct hvst_session *s);

/*
 * What is read, and how. Call these before hvst_session_open(); later they return -EBUSY. They
 * return 0 on success, -ENOMEM without memory. Strings are copied.
 */
/**
 * hvst_session_add_file() - add a trace.dat
 * @path: several files are merged by time
 */
int hvst_session_add_file(struct hvst_session *s, const char *path);
/**
 * hvst_session_add_fd() - add a trace.dat that is already open
 * @fd: a regular file, open for reading. It is duplicated: the caller may close it
 * @name: for messages and results
 *
 * Also returns the negative errno of a failed dup(2).
 */
int hvst_session_add_fd(struct hvst_session *s, int fd, const char *name);
/**
 * hvst_session_add_buffer() - read only these buffers, not all
 * @name: of a trace instance; "" is the top buffer
 */
int hvst_session_add_buffer(struct hvst_session *s, const char *name);
/**
 * hvst_session_add_cpu() - read only these CPUs, not all
 * @cpu: number of a host CPU
 */
int hvst_session_add_cpu(struct hvst_session *s, unsigned int cpu);
/**
 * hvst_session_ignore() - treat an event as if it had not been recorded
 * @event: its name, with or without "system:" before it
 *
 * Also returns -EINVAL for an event that the library does not know.
 */
int hvst_session_ignore(struct hvst_session *s, const char *event);
/** hvst_session_set_reader() - choose what reads the files; default HVST_READER_AUTO */
int hvst_session_set_reader(struct hvst_session *s, enum hvst_reader reader);
/**
 * hvst_session_set_threads() - set the number of threads that read and decode
 * @threads: 0, the default: as many as CPUs are available. Results do not depend on it
 */
int hvst_session_set_threads(struct hvst_session *s, unsigned int threads);

/**
 * hvst_session_set_live() - read a trace that is still being recorded
 * @ops: copied; called on the thread that called hvst_session_run()
 * @ctx: passed to its callbacks
 * @keep: how many bytes of analysed sub-buffers to keep in memory; the next run begins with these
 *
 * The session's only file is the head of a trace.dat: its description of events, clock and CPUs,
 * without data. Events of all CPUs are merged one round late, on the calling thread. Returns 0;
 * -EBUSY: open already; -EINVAL, -E2BIG: the size of @ops, see hvstimer.h.
 */
int hvst_session_set_live(struct hvst_session *s, const struct hvst_live_ops *ops, void *ctx,
			  size_t keep);

/**
 * hvst_session_held() - get the sub-buffers of a live trace that are in memory, to save them
 * @each: called for each sub-buffer, CPU by CPU, those of a CPU in the order of recording; a
 *	non-zero return ends the call. @data has @len bytes, at most a sub-buffer, and is valid
 *	until @each returns; in a file, pad it with zeroes to the size of a sub-buffer
 * @ctx: passed to @each
 *
 * May be called between runs, or in @wait of struct hvst_live_ops, also in a child that @wait
 * forks. Small sub-buffers are joined by a record of type time stamp. Returns 0, or what @each
 * returned; -EINVAL: not an open session of a live trace; -ENOMEM. Leaves no message.
 */
int hvst_session_held(const struct hvst_session *s,
		      int (*each)(void *ctx, unsigned int cpu, const void *data, size_t len),
		      void *ctx);

/* Options of the runs that follow: may be changed between runs. */
/**
 * hvst_session_set_params() - set the thresholds of storms and past-due arms
 * @p: copied
 *
 * Returns 0; -EINVAL, -E2BIG: the size of @p, see hvstimer.h; the thresholds are then as before.
 */
int hvst_session_set_params(struct hvst_session *s, const struct hvst_params *p);
/**
 * hvst_session_set_need() - choose what a run computes
 * @need: bits of enum hvst_need; default HVST_NEED_ANALYSIS
 */
void hvst_session_set_need(struct hvst_session *s, unsigned int need);
/**
 * hvst_session_set_window() - read only the events of [@from_ns, @to_ns)
 * @from_ns, @to_ns: as in struct hvst_event; HVST_UNKNOWN: no limit
 *
 * Sub-buffers before @from_ns are skipped without being read. VMs are numbered in order of
 * appearance; after a run with HVST_NEED_ANALYSIS from the beginning they keep its numbers.
 */
void hvst_session_set_window(struct hvst_session *s, int64_t from_ns, int64_t to_ns);
/**
 * hvst_session_set_filter() - report only findings, arms, firings and storms of a timer
 * @vm, @vcpu, @timer: -1: any
 */
void hvst_session_set_filter(struct hvst_session *s, int vm, int vcpu, int timer);
/**
 * hvst_session_set_observer() - replace all observers of the runs that follow
 * @obs: copied; NULL: no observer
 * @ctx: passed to its callbacks
 *
 * Returns 0; -EINVAL, -E2BIG: the size of @obs, see hvstimer.h; the observers are then as before.
 */
int hvst_session_set_observer(struct hvst_session *s, const struct hvst_observer *obs, void *ctx);
/**
 * hvst_session_add_observer() - add an observer of the runs that follow
 * @obs: copied; called after those added before
 * @ctx: passed to its callbacks
 *
 * When an observer stops the run, the others still get that event or finding. Returns 0;
 * -ENOSPC: there are HVST_MAX_OBSERVERS already; -EINVAL, -E2BIG: the size of @obs, see hvstimer.h.
 */
int hvst_session_add_observer(struct hvst_session *s, const struct hvst_observer *obs, void *ctx);

/**
 * hvst_session_open() - open and check the files
 *
 * Returns 0; -ENOENT, -EACCES ...: as open(2); -EINVAL: no file was added, or one is not a
 * trace.dat (the message says what it seems to be); -EBADMSG: corrupt (the message has file and
 * offset); -EOPNOTSUPP: a kind of trace.dat that is not supported; -EBUSY: open already; -ENOMEM.
 */
int hvst_session_open(struct hvst_session *s);

/**
 * hvst_session_run() - read the recording once
 *
 * May be called again, with another window or observer. Frees the results of the run before, even
 * if this one has none.
 *
 * Returns 0; -EINVAL: not open; -EBADMSG: corrupt (the message has file and offset); -ECANCELED:
 * stopped by an observer or hvst_session_stop(), with results for what was read and no message;
 * -ESTALE: a file became shorter while it was read; an errno of read(2); -ENOMEM.
 */
int hvst_session_run(struct hvst_session *s);

/**
 * hvst_session_stop() - ask a run to stop soon, as if an observer had stopped it
 *
 * Async-signal-safe, and may be called from any thread. Stops one run: the present one or, if there
 * is none or it is about to end anyway, the next.
 */
void hvst_session_stop(struct hvst_session *s);

/**
 * hvst_session_trace() - describe the recording
 *
 * Returns a struct of the session, with the counters of the last run; NULL before
 * hvst_session_open().
 */
const struct hvst_trace *hvst_session_trace(const struct hvst_session *s);
/**
 * hvst_session_result() - the findings of the last run
 *
 * Returns a struct of the session, valid until the next run; NULL before the first run, after one
 * that failed, and after one without HVST_NEED_ANALYSIS.
 */
const struct hvst_result *hvst_session_result(const struct hvst_session *s);
/**
 * hvst_session_error() - the message of the last call that failed
 *
 * Returns a string of the session, valid until the next call that fails or hvst_session_run(); ""
 * if there is none.
 */
const char *hvst_session_error(const struct hvst_session *s);

/**
 * hvst_session_differs() - whether two files belong to different recordings
 * @a, @b: open sessions; may be the same
 * @file_a, @file_b: indexes into files of their struct hvst_trace
 *
 * Compares trace ids; if a file has none (trace-cmd split drops it) compares hosts, trace clocks,
 * numbers of CPUs and saved command lines. Files of a host and a guest that were recorded together
 * (trace-cmd-record(1), option -A) differ, as their events, thread ids and CPU numbers are those of
 * two kernels.
 *
 * Returns what differs, as a plural noun such as "trace ids", in a constant string; NULL if nothing
 * does, if a session is not open, or if it has no such file.
 */
const char *hvst_session_differs(const struct hvst_session *a, unsigned int file_a,
				 const struct hvst_session *b, unsigned int file_b);
/**
 * hvst_session_comm() - the command name of a thread, as recorded
 * @tid: thread id
 *
 * Returns a string of the session; "" if unknown.
 */
const char *hvst_session_comm(const struct hvst_session *s, int tid);
/**
 * hvst_session_who() - which vCPU a thread is
 * @tid: thread id
 * @vm, @vcpu: set; -1 if unknown, or if several threads had that id one after another
 *
 * Known as long as for hvst_session_who_at().
 */
void hvst_session_who(const struct hvst_session *s, int tid, int *vm, int *vcpu);
/**
 * hvst_session_who_at() - which vCPU a thread was at a given time
 * @tid: thread id
 * @ts_ns: as in struct hvst_event
 * @vm, @vcpu: set; -1 if unknown
 *
 * The kernel reuses thread ids: of several threads that had @tid, the last one whose first event is
 * not after @ts_ns is meant or, if there is none, the first one. Tasks of the VMM that only
 * restored a VM belong to it, too. Known after a run with HVST_NEED_ANALYSIS, until the next such
 * run has ended; a run that begins later than the recording does not replace what a complete one
 * found. Returns the number of the thread in that run, as in struct hvst_vcpu_info; -1 if no thread
 * had that id.
 */
int hvst_session_who_at(const struct hvst_session *s, int tid, int64_t ts_ns, int *vm, int *vcpu);
/**
 * hvst_session_whose() - the VM and vCPU that an event belongs to
 * @ev: an event of the recording
 * @vm, @vcpu: set; -1 if unknown
 *
 * The vCPU is the event's vcpu_id, or else that of its thread. A timer callback interrupts an
 * arbitrary task: its VM is known only if a single VM has a vCPU with that id. Known as long as for
 * hvst_session_who_at().
 */
void hvst_session_whose(const struct hvst_session *s, const struct hvst_event *ev, int *vm,
			int *vcpu);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
