/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * A session reads one recording (one or more trace.dat files merged by time) and analyses it. No
 * globals: several sessions may be open at once, each used by one thread at a time. Functions that
 * can fail return 0 or a negative errno and leave a message in hvst_session_error(). Version 0.x:
 * not stable yet.
 */
#ifndef HVSTIMER_SESSION_H
#define HVSTIMER_SESSION_H

#include <hvstimer/result.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct hvst_session;

enum hvst_reader { HVST_READER_AUTO, HVST_READER_PAGES, HVST_READER_LIBTRACECMD };

/* What a run computes. What is not needed is not computed, and costs no time. */
enum hvst_need {
	HVST_NEED_EVENTS =
		1, /* decode every known event with every field, for the event observer */
	HVST_NEED_ANALYSIS = 2, /* arms, storms, clocks, verdicts */
	HVST_NEED_ARMS = 4, /* arms, and firings without their entry, for observers: no result, less
			       memory */
};

enum hvst_arm_kind { HVST_ARM_AHEAD, HVST_ARM_PAST_DUE, HVST_ARM_PERIODIC };
enum hvst_arm_flags {
	HVST_ARM_INFERRED = 1, /* no start event: time_now comes from the reference-clock model */
	HVST_ARM_RESTART = 2,  /* the host looked again at a running timer: no new arm */
	HVST_ARM_PADDED = 4,   /* the host delayed it (padding kernel) */
	HVST_ARM_HOST = 8,     /* armed by the VMM (restore) */
	HVST_ARM_PARKED = 16,  /* so far ahead that it never fires: the guest parked the timer */
};

/**
 * struct hvst_arm - one programming of a timer as the host executed it
 * @ts_ns, @ts_raw: of the start event; for an inferred arm of the expiration that proves it
 * @time_now, @count: ref units; periodic: @count is exp_time. @time_now is 0 when unknown (see
 * @skew_ns)
 * @skew_ns: 100 * (time_now - count), saturated; HVST_UNKNOWN when the trace cannot tell
 * @error_ns: bound on the error of @skew_ns (0 when observed)
 * @period_ref: periodic: the period; else 0
 * @vm: -1 while (or if) unknown
 * @thread: number of the vCPU thread in this run, as in struct hvst_vcpu_info; unlike @tid it is
 *	never reused
 *
 * Arms arrive in time order, except inferred ones that had to wait for the next clock sample.
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

/* Why an arm was past due, as far as what came before it tells; see struct hvst_past_due. */
enum hvst_arm_cause {
	HVST_ARM_ON_TIME, /* it was not, or is no one-shot arm of its own */
	HVST_ARM_SHORT_DEADLINE,
	HVST_ARM_PREEMPTED,
	HVST_ARM_UNEXPLAINED
};

/**
 * struct hvst_fire - one firing: deadline, callback, expiration, entry; HVST_UNKNOWN where not seen
 * @arm_ns: time of the start event; for an inferred arm, of the expiration
 * @deadline_ns: @arm_ns plus the time that lay ahead; HVST_UNKNOWN for an arm past due, or padded
 * @entry_ns: the next kvm_entry of the vCPU
 * @thread: as in struct hvst_arm
 * @result: msg_send_result: 0 delivered, else why not
 * @direct: as an APIC interrupt, else as a SynIC message
 */
struct hvst_fire {
	int64_t arm_ns, deadline_ns, callback_ns, expiration_ns, entry_ns;
	int vm, vcpu, tid, thread, timer;
	int result;
	bool direct;
};

/**
 * struct hvst_progress - a vCPU's progress in a stretch of time
 * @from_ns, @to_ns: the stretch, at least 16 ms; those of a vCPU follow each other without a pause,
 *	unless events were lost in between
 * @progress_ns: the part of it in which the vCPU had halted, or ran its guest outside the timer
 *	interrupt: the progress of struct hvst_storm
 * @vm: -1 while unknown
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
 * @event: each decoded event, in order of time
 * @arm: each arm, once its skew is known
 * @fire: each firing, at its kvm_entry
 * @storm: each storm, at the end of the run
 * @progress: from time to time, with the bytes read so far and in all
 * @armed: as @arm, but at once and in order of time for each thread: the skew of an inferred arm is
 *	not known then, and the VM of a thread may not be
 * @progressed: where exits are recorded; not called for the last 16 ms of a vCPU
 *
 * Called on the thread that runs the session. A non-zero return stops the run; hvst_session_run()
 * then returns -ECANCELED, with results for what was read (trace.incomplete set). Pending arms that
 * wait for a clock sample, firings and open storms are still reported.
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
 * @read: reads the next sub-buffer of @cpu, with its header, into @buf of @len bytes, the size of a
 *	sub-buffer. Returns its length; 0 when there is none at present; a negative errno ends the
 *	run. Must not block.
 * @wait: called between two rounds in which all CPUs were read. Waits for events, unless @busy:
 *	then the last round left some. Returns 0 to read on; 1 when nothing more comes, so that the
 *	run ends with what is left; a negative errno ends the run.
 */
struct hvst_live_ops {
	size_t size;
	int (*read)(void *ctx, unsigned int cpu, void *buf, size_t len);
	int (*wait)(void *ctx, bool busy);
};

/*
 * Thresholds of storms and past-due arms; hvst_params_default() fills in the documented defaults.
 */
struct hvst_params {
	size_t size;		      /* sizeof(struct hvst_params) */
	unsigned int storm_min_arms;  /* 64: past-due arms that make a storm */
	unsigned int storm_min_share; /* 80: per cent of the group's arms that are past due */
	unsigned int
		storm_max_ahead;  /* 8: arms ahead allowed between two past-due arms of a group */
	int64_t storm_min_ns;	  /* 1 ms: the finest tick that guests ask for */
	int64_t storm_max_gap_ns; /* 200 ms between two past-due arms of a group */
	unsigned int burst_min_arms; /* 8: past-due arms that make a burst */
	int64_t watchdog_ns;	     /* 10 s: storms at least this long endanger a watchdog */
	int64_t short_deadline_ns; /* past due by at most this: a short deadline; 0: four times what
				    * an arm usually costs on that vCPU */
};
/**
 * hvst_params_default - fill in what a new session has
 * @p: filled, also with its size
 * @size: sizeof(*p), as the program knows it: no more than that is written
 */
void hvst_params_default(struct hvst_params *p, size_t size);

/** hvst_session_new - a new session, NULL without memory; hvst_session_free - frees it and all it
 * owns */
struct hvst_session *hvst_session_new(void);
void hvst_session_free(struct hvst_session *s);

/*
 * What is read, and how: before hvst_session_open(); -EBUSY after it. Else 0, -ENOMEM or, for an
 * event that the library does not know, -EINVAL.
 */
int hvst_session_add_file(struct hvst_session *s, const char *path); /* @path is copied */
/*
 * A regular file that is open for reading, called @name in messages and results. @fd is duplicated:
 * the caller may close it. A negative errno where that fails.
 */
int hvst_session_add_fd(struct hvst_session *s, int fd, const char *name);
int hvst_session_add_buffer(struct hvst_session *s,
			    const char *name); /* only these buffers; default all */
int hvst_session_add_cpu(struct hvst_session *s,
			 unsigned int cpu); /* only these CPUs; default all */
int hvst_session_ignore(struct hvst_session *s,
			const char *event); /* as if it had not been recorded */
int hvst_session_set_reader(struct hvst_session *s, enum hvst_reader reader);
int hvst_session_set_threads(struct hvst_session *s,
			     unsigned int threads); /* 0: the CPUs at hand */

/**
 * hvst_session_set_live - read a trace that is still being recorded
 * @ops: copied; called on the thread that runs the session
 * @keep: bytes of sub-buffers that stay in memory when they were analysed; the next run begins with
 *	these
 *
 * The session's one file is the head of a trace.dat: its description of events, clock and CPUs,
 * without data. Events of the CPUs are merged one round late, on the calling thread. Returns 0;
 * -EBUSY: open already; -EINVAL, -E2BIG: the size of @ops, see hvstimer.h.
 */
int hvst_session_set_live(struct hvst_session *s, const struct hvst_live_ops *ops, void *ctx,
			  size_t keep);

/**
 * hvst_session_held - the sub-buffers of a live trace that are in memory, to be written to a file
 * @each: called for each sub-buffer, CPU by CPU, those of a CPU in the order of recording; a
 *	non-zero return ends the call. @data has @len bytes, at most a sub-buffer, and is valid
 *	until @each returns; in a file, fill the sub-buffer up with zeroes.
 *
 * May be called between runs, or in @wait of struct hvst_live_ops, also in a process that @wait
 * forks. Small sub-buffers are joined by a record of type time stamp. Returns 0, or what @each
 * returned; -EINVAL: not an open session of a live trace; -ENOMEM. Leaves no message.
 */
int hvst_session_held(const struct hvst_session *s,
		      int (*each)(void *ctx, unsigned int cpu, const void *data, size_t len),
		      void *ctx);

/* Options of a run: may be changed between runs. */
/**
 * hvst_session_set_params - set the thresholds
 * @p: copied
 *
 * Returns 0; -EINVAL, -E2BIG: the size of @p, see hvstimer.h; the thresholds are then as before.
 */
int hvst_session_set_params(struct hvst_session *s, const struct hvst_params *p);
void hvst_session_set_need(struct hvst_session *s,
			   unsigned int need); /* default HVST_NEED_ANALYSIS */
/*
 * Only [from, to); HVST_UNKNOWN: open. Pages before @from are skipped without being read. VMs
 * are numbered in order of appearance; after a run from the beginning that analysed, they keep the
 * numbers that they got there.
 */
void hvst_session_set_window(struct hvst_session *s, int64_t from_ns, int64_t to_ns);
/* Findings and arm/fire/storm callbacks only of this VM, vCPU, timer; -1: any. */
void hvst_session_set_filter(struct hvst_session *s, int vm, int vcpu, int timer);
/**
 * hvst_session_set_observer - set the only observer of the runs that follow
 * @obs: copied; replaces all others; NULL removes them
 * @ctx: passed to its callbacks
 *
 * Returns 0; -EINVAL, -E2BIG: the size of @obs, see hvstimer.h; the observers are then as before.
 */
int hvst_session_set_observer(struct hvst_session *s, const struct hvst_observer *obs, void *ctx);
/**
 * hvst_session_add_observer - add one to those of the runs that follow
 * @obs: copied; called after those added before
 * @ctx: passed to its callbacks
 *
 * The event or finding at which one of them stops the run is still passed to the others. Returns 0;
 * -ENOSPC: there are HVST_MAX_OBSERVERS already; -EINVAL, -E2BIG: the size of @obs, see hvstimer.h.
 */
int hvst_session_add_observer(struct hvst_session *s, const struct hvst_observer *obs, void *ctx);

/**
 * hvst_session_open - open and check the files
 *
 * -ENOENT, -EACCES ...: as open(2); -EINVAL: not a trace.dat (the message says what it seems to
 * be); -EBADMSG: corrupt, with file and offset; -EOPNOTSUPP: a kind of trace.dat that is not
 * supported.
 */
int hvst_session_open(struct hvst_session *s);

/**
 * hvst_session_run - read the recording once; may be called again, with another window or observer
 *
 * What the run before found is freed, whatever this one needs. -EINVAL: not open; -EBADMSG:
 * corrupt, with file and offset; -ECANCELED: stopped by an observer or hvst_session_stop(), with
 * results for what was read; -ESTALE: a file became shorter while it was read; as read(2);
 * -ENOMEM.
 */
int hvst_session_run(struct hvst_session *s);

/**
 * hvst_session_stop - ask a run to stop soon, as if an observer had
 *
 * Async-signal-safe, callable from any thread. One run is stopped: the present one or, when there
 * is none or it is just ending by itself, the next.
 */
void hvst_session_stop(struct hvst_session *s);

const struct hvst_trace *
hvst_session_trace(const struct hvst_session *s); /* complete after a run */
/* Of the last run. NULL before one, after one that failed, and without HVST_NEED_ANALYSIS. */
const struct hvst_result *hvst_session_result(const struct hvst_session *s);
const char *hvst_session_error(const struct hvst_session *s); /* "" when none */

/**
 * hvst_session_differs - whether two files are of different recordings
 * @a, @b: open sessions; may be the same
 * @file_a, @file_b: indexes into files of their struct hvst_trace
 *
 * Compares trace ids, or where one has none (trace-cmd split keeps none) hosts, trace clocks,
 * numbers of CPUs and saved command lines. Files of a host and a guest recorded together
 * (trace-cmd-record(1), option -A) name each other: they differ, since their events, thread ids and
 * CPU numbers are those of two kernels.
 *
 * Returns what differs, as a plural noun such as "trace ids", a constant; NULL when nothing does,
 * or when there is no such file.
 */
const char *hvst_session_differs(const struct hvst_session *a, unsigned int file_a,
				 const struct hvst_session *b, unsigned int file_b);
/* The command name of a thread as the recording has it; "" when unknown. */
const char *hvst_session_comm(const struct hvst_session *s, int tid);
/*
 * The VM and vCPU of a thread, known after a run that analysed; *@vm, *@vcpu -1 when unknown, and
 * where several threads had that id, one after the other.
 */
void hvst_session_who(const struct hvst_session *s, int tid, int *vm, int *vcpu);
/**
 * hvst_session_who_at - which vCPU the thread with an id was at a time
 * @tid: thread id
 * @ts_ns: as in struct hvst_event
 * @vm, @vcpu: set; -1 when unknown
 *
 * A kernel reuses thread ids: of several threads that had @tid, it is the last one whose first
 * event is not after @ts_ns, or the first one when there is none. Tasks of the VMM that only
 * restored a VM belong to it, too. Known after a run that analysed, until the next one that did has
 * ended; a run of a window changes nothing of what a complete one has found. Returns the number of
 * the thread in that run, as in struct hvst_vcpu_info, -1 when no thread had that id.
 */
int hvst_session_who_at(const struct hvst_session *s, int tid, int64_t ts_ns, int *vm, int *vcpu);
/**
 * hvst_session_whose - the VM and vCPU that an event is about
 * @ev: an event of the recording
 * @vm, @vcpu: set; -1 when unknown
 *
 * That is the vCPU that the event names, else that of its thread. A timer callback runs in whatever
 * task it interrupts: its VM is told by the vCPU that it names, where only one VM has a vCPU of
 * that number. Known as long as for hvst_session_who_at().
 */
void hvst_session_whose(const struct hvst_session *s, const struct hvst_event *ev, int *vm,
			int *vcpu);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
