/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * The findings of a run. Everything here belongs to the session and is valid until the next
 * hvst_session_run() or hvst_session_free(). Members named *_ns are ns, times on the trace clock;
 * *_ref are units of 100 ns of Hyper-V reference time. HVST_UNKNOWN is a number that the trace does
 * not tell. Lists are arrays of pointers, and structs get new members at their end: see hvstimer.h.
 */
#ifndef HVSTIMER_RESULT_H
#define HVSTIMER_RESULT_H

#include <hvstimer/event.h>
#include <hvstimer/sketch.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define HVST_COMM_LEN 16

/* --- the trace --- */

struct hvst_file_info {
	const char *path;
	int version;		 /* 6 or 7 */
	const char *compression; /* "zstd", "zlib"; NULL: none */
	int64_t truncated_at; /* file offset at which the file is cut off; HVST_UNKNOWN: complete */
	const char *reader;   /* "pages" or "libtracecmd" */
	const char *declined; /* why the page reader did not read it; NULL */
	const char *uname;    /* NULL when not in the file */
	bool dated; /* recorded with trace-cmd record --date: times count from the Epoch, UTC */
	bool live;  /* still being recorded: @path cannot be opened again */
};

struct hvst_buffer_info {
	const char *name;  /* "" is the top buffer */
	unsigned int file; /* index into files */
	const char *clock;
	unsigned int cpus;
	bool selected;	    /* false: left out by hvst_session_add_buffer() */
	bool previous_boot; /* a persistent ring buffer with events of the previous boot */
};

struct hvst_lost {
	unsigned int cpu;
	unsigned int buffer; /* index into buffers */
	int64_t ts_ns;	     /* time of the first event after the gap */
	int64_t count;	     /* records; HVST_UNKNOWN: the ring buffer does not tell */
};

enum hvst_scale_source { HVST_SCALE_NONE, HVST_SCALE_FILE, HVST_SCALE_ESTIMATED };

struct hvst_trace {
	const struct hvst_file_info *const *files;
	unsigned int nr_files;
	const struct hvst_buffer_info *const *buffers;
	unsigned int nr_buffers;
	const char *clock; /* "mono", "x86-tsc", ... */
	bool cycles;	   /* trace-cmd report shows cycles: ts_raw differs from ts_ns */
	enum hvst_scale_source scale_source;
	uint32_t scale_mult, scale_shift; /* ns = cycles * mult >> shift */
	unsigned int cpus;		  /* highest CPU number seen in the file + 1 */
	int64_t first_ns, last_ns;	  /* HVST_UNKNOWN in an empty trace */
	uint64_t events;		  /* all records in the selected buffers and window */
	uint64_t relevant;		  /* decoded into struct hvst_event */
	uint64_t ignored;		  /* by hvst_session_ignore() */
	uint64_t malformed;		  /* records shorter than their format, skipped */
	uint64_t duplicates;		  /* the same event in two buffers, counted once */
	uint64_t backwards; /* events with a time before that of an earlier event of their thread */
	uint64_t unfollowed;	      /* events of vCPU threads beyond the 8192 that are tracked */
	uint64_t seen[HVST_EV_LIMIT]; /* by event */
	uint32_t in_format[2];	      /* bit per event: the file has a format for it */
	const struct hvst_lost *lost; /* the first HVST_MAX_LOST gaps */
	unsigned int nr_lost;
	uint64_t lost_places; /* number of gaps */
	uint64_t lost_events; /* sum of the known counts */
	int64_t lost_ns;      /* time inside gaps, summed over CPUs */
	bool start_expired_recorded;
	int64_t padding_ns; /* HVST_UNKNOWN: no padding seen */
	bool incomplete;    /* the run was stopped: the findings are of what was read */
};
#define HVST_MAX_LOST 4096

/* --- evidence --- */

struct hvst_evidence {
	int event;     /* enum hvst_event_id; -1: not one event (a statistic) */
	int64_t ts_ns; /* HVST_UNKNOWN for a statistic */
	uint64_t ts_raw;
	int cpu;    /* -1 unknown */
	int tid;    /* -1 unknown */
	int buffer; /* -1 unknown */
	char text[160];
};
#define HVST_MAX_EVIDENCE 6
struct hvst_evidence_list {
	unsigned int n;
	struct hvst_evidence e[HVST_MAX_EVIDENCE];
};

/* --- VMs and timers --- */

struct hvst_vcpu_info {
	int vcpu;
	int tid;
	int thread;		   /* as in struct hvst_arm */
	int64_t first_ns, last_ns; /* first and last event of the thread */
	char comm[HVST_COMM_LEN];
};

struct hvst_vm {
	int vm;		  /* 0, 1, ... in order of appearance; -1 unknown */
	const char *name; /* as the recording names the guest (trace-cmd -A or --name); NULL */
	/*
	 * The VMM's process, as the names of threads tell: its name, "" if unknown, and its id, -1
	 * if unknown.
	 */
	char vmm[HVST_COMM_LEN];
	int pid;
	int64_t epoch_ns; /* when the reference clock read 0, by its first segment; HVST_UNKNOWN */
	/*
	 * How much less time the guest's TSC has counted than its reference clock, and a bound on
	 * the error; HVST_UNKNOWN if the trace cannot tell, and why it cannot.
	 */
	int64_t tsc_behind_ns, tsc_behind_error_ns;
	char tsc_behind_why[96];
	const struct hvst_vcpu_info *const *vcpus;
	unsigned int nr_vcpus;
};

enum hvst_timer_mode {
	HVST_MODE_NONE,
	HVST_MODE_ONE_SHOT = 1,
	HVST_MODE_PERIODIC = 2,
	HVST_MODE_BOTH = 3
};
enum hvst_delivery_mode {
	HVST_DELIVERY_NONE,
	HVST_DELIVERY_DIRECT = 1,
	HVST_DELIVERY_MESSAGE = 2,
	HVST_DELIVERY_BOTH = 3
};

/*
 * One timer of one vCPU. If a thread id was reused by another VM there is one more entry, with @vm
 * -1 and without distributions: the counts of all VMs' timers under that id.
 */
struct hvst_timer {
	int vm, vcpu, tid, timer;
	enum hvst_timer_mode mode;
	enum hvst_delivery_mode delivery;
	uint64_t arms; /* including past-due arms, excluding restarts */
	uint64_t past_due_observed, past_due_inferred;
	uint64_t restarts; /* starts of a timer that was running, without a new arm */
	uint64_t fired, cancelled, failed_deliveries;
	/*
	 * Rates, and the timer's share of its vCPU's exits and time, while the vCPU was seen. Time
	 * counts if it is spent outside the guest for this timer's writes, expirations and
	 * interrupts, and the guest is not halted. Shares are 0..1; negative: exits were not
	 * recorded.
	 */
	double arms_hz, expirations_hz;
	double peak_hz; /* expirations in the busiest tenth of a second, as a rate */
	double exit_share, time_share;
	const struct hvst_sketch *skew;		    /* one-shot arms; positive: past due */
	const struct hvst_sketch *lateness;	    /* deadline -> callback */
	const struct hvst_sketch *delivery_latency; /* callback -> expiration */
	const struct hvst_sketch *entry_latency;    /* expiration -> kvm_entry */
};

/* --- storms --- */

enum hvst_storm_kind {
	HVST_STORM_UNKNOWN,
	HVST_STORM_BACKLOG,
	HVST_STORM_CONSTANT,
	HVST_STORM_GROWING,
	HVST_STORM_LIVELOCK /* KVM handles one arm again and again: none is past due */
};

/* What set off a storm: named only if its size, its time and the timer's later arms agree. */
enum hvst_storm_cause {
	HVST_CAUSE_NOT_SEEN,
	HVST_CAUSE_HOST_STEP,	  /* the host's reference clock stepped */
	HVST_CAUSE_SOURCE_SWITCH, /* the guest changed the clock it programs its timers from */
	HVST_CAUSE_VCPU_HELD,	  /* the vCPU was off its CPU or out of guest mode, not halted */
};

/* How the guest computed its next count in a storm. */
enum hvst_response {
	HVST_RESPONSE_UNKNOWN,
	HVST_RESPONSE_SAME_TARGET,   /* the same count until its own clock reaches it */
	HVST_RESPONSE_NOW_PLUS,	     /* the time of its own clock plus a period */
	HVST_RESPONSE_PREVIOUS_PLUS, /* the previous count plus a period */
};

enum hvst_livelock {
	HVST_LIVELOCK_NONE,
	HVST_LIVELOCK_DEADLINE, /* its deadline overflows: the hrtimer fires at once, each time */
	HVST_LIVELOCK_MESSAGE,	/* its message finds the slot busy and is sent again at once */
};

struct hvst_storm {
	int vm, vcpu, tid, timer;
	int64_t start_ns, end_ns; /* first and last past-due arm; livelock: first, last turn */
	bool open;		  /* it had not ended at the end of the trace, or at a gap */
	uint64_t arms, past_due;  /* livelock: turns, and 0 */
	double rate_hz,
		peak_hz; /* past-due arms a second; peak over 1/16 of the storm, at least 16 arms */
	int64_t skew_start_ns, skew_max_ns,
		skew_end_ns;   /* HVST_UNKNOWN if no clock sample bounds it */
	int64_t skew_error_ns; /* bound on the error of these three; 0 if observed */
	enum hvst_storm_kind kind;
	int64_t period_ref;	  /* backlog: by how much the count grows per arm; HVST_UNKNOWN */
	int64_t predicted_end_ns; /* backlog: when count overtakes time_now; HVST_UNKNOWN */
	enum hvst_response response;
	double count_gain;    /* backlog: growth of counts over elapsed time; else NaN */
	int64_t exit_cost_ns; /* usual time from an exit to the next entry; HVST_UNKNOWN */
	enum hvst_delivery_mode delivery; /* of its last past-due arm; livelock: NONE */
	bool interrupt_exits; /* the guest usually exits once more before it takes the interrupt */
	int64_t interrupt_exit_ns; /* usual time from that exit to the next entry; HVST_UNKNOWN */
	/*
	 * How long the guest's handler runs on after it armed the timer, before it can take an
	 * interrupt: the lower quartile of the times from an arm to the next halt; HVST_UNKNOWN:
	 * not seen. And the share of guest mode in that time, 0..1; negative: unknown.
	 */
	int64_t handler_rest_ns;
	double handler_guest_share;
	int64_t wake_ns;    /* from callback to delivery if the vCPU was halted; HVST_UNKNOWN */
	int64_t deliver_ns; /* time that delivery adds to a past-due arm's exit; HVST_UNKNOWN */
	int64_t switch_ns;  /* time that an entry and an exit take by themselves; HVST_UNKNOWN */
	uint64_t slot_busy; /* messages that found their slot busy */
	int64_t slot_ns;    /* how long these waited on average; HVST_UNKNOWN: none did */
	double progress_before, progress_during; /* 0..1; negative: unknown */
	bool endangers_watchdog;
	int episode; /* its number: shared by storms of a VM that overlap, or of a timer close by */
	enum hvst_storm_cause cause;
	int64_t cause_ts_ns;   /* HVST_UNKNOWN: not seen */
	int64_t cause_size_ns; /* of the step, or how long the vCPU was held; HVST_UNKNOWN */
	bool cause_at_least;   /* the size is a lower bound */
	int trigger_event; /* the last clock event before it: enum hvst_event_id; -1: none near */
	int64_t trigger_ts_ns,
		trigger_distance_ns; /* its time, and from it to the storm; HVST_UNKNOWN */
	/* Of a livelock, else 0: the arm that is handled again and again. */
	enum hvst_livelock livelock;
	uint64_t count;
	uint64_t ahead_ref; /* how far it was ahead at the first turn; 0: past due */
	struct hvst_evidence_list evidence;
};

/*
 * Number of past-due arms outside storms: @isolated and @bursts, and the same arms by cause:
 * @short_deadline, @preempted and @unexplained.
 */
struct hvst_past_due {
	uint64_t isolated, bursts, short_deadline, preempted, unexplained;
};

/* --- clocks --- */

enum hvst_ref_source { HVST_REF_UNKNOWN, HVST_REF_TSC_PAGE, HVST_REF_KVMCLOCK };

struct hvst_ref_segment {
	int vm;
	int64_t from_ns, to_ns;
	enum hvst_ref_source source;
	double rate_ppm, rate_ppm_error; /* NaN: unknown */
	int64_t step_ns;		 /* from the segment before; HVST_UNKNOWN for the first */
	int64_t offset_ns;		 /* 100 * time_now - trace time at from_ns; HVST_UNKNOWN */
	uint64_t samples;
	char why[160];
};

enum hvst_guest_source {
	HVST_SRC_UNKNOWN,
	HVST_SRC_REFERENCE_COUNTER,
	HVST_SRC_TSC_PAGE,
	HVST_SRC_TSC_PAGE_DISABLED,
	HVST_SRC_TSC_EMULATED,
	HVST_SRC_RAW_TSC,
	HVST_SRC_KVMCLOCK,
	HVST_SRC_ACPI_PM,
	HVST_SRC_HPET
};
enum hvst_clock_role { HVST_ROLE_UNKNOWN, HVST_ROLE_STIMER, HVST_ROLE_TIMEKEEPING };
enum hvst_confidence { HVST_SUSPECTED, HVST_INFERRED, HVST_OBSERVED };

struct hvst_guest_transition {
	int vm;
	int vcpu; /* -1: the whole VM */
	int tid;  /* -1 with vcpu -1 */
	enum hvst_clock_role role;
	int64_t ts_ns;
	enum hvst_guest_source from, to;
	int64_t offset_ns; /* guest clock - reference clock: negative is behind; HVST_UNKNOWN */
	double rate_ppm;   /* the same as a rate: negative is slow; NaN: unknown */
	double rate_ppm_error;
	enum hvst_confidence confidence;
	struct hvst_evidence_list evidence;
};

/*
 * What happened to a VM as a whole. An incoming migration looks like a restore into a new process:
 * in both cases a state is written to new or existing vCPUs before the guest runs. A VM whose guest
 * already ran in this recording is not the destination of a migration.
 */
enum hvst_life_kind {
	HVST_LIFE_CREATED,
	HVST_LIFE_RESET,    /* in place: its clock set back, its TSC left as it was */
	HVST_LIFE_RESTORED, /* in place: a saved state was written to a VM that had run */
	HVST_LIFE_RESTORED_OR_MIGRATED, /* a saved state was written to a VM that had not run */
	HVST_LIFE_RESUMED, /* the guest resumed: it set up its clock and timers again */
	HVST_LIFE_GONE
};

struct hvst_life_event {
	int vm;
	enum hvst_life_kind kind;
	int64_t ts_ns, end_ns; /* of the first and the last step */
	int64_t reference_ns;  /* by how much the reference clock moved; HVST_UNKNOWN: not seen */
	int64_t first_run_ns;  /* first entry or arm of the guest after @ts_ns; HVST_UNKNOWN */
	char steps[320];       /* the steps in words, in order */
	struct hvst_evidence_list evidence;
};

/* A write of a TSC offset or a master clock update, and by how much it moved the clocks. */
struct hvst_clock_move {
	int vm;
	int vcpu; /* -1: the whole VM */
	int64_t ts_ns;
	int event;   /* enum hvst_event_id */
	int tid;     /* the task that did it */
	bool master; /* of an update: the master clock is in use after it */
	/* By how much a write moved the TSC; 0: the first of a vCPU. HVST_UNKNOWN: an update. */
	int64_t tsc_cycles;
	int64_t tsc_ns;	      /* the same in ns; HVST_UNKNOWN: the TSC's rate is not known */
	int64_t reference_ns; /* by how much the reference clock moved; HVST_UNKNOWN: not seen */
};

/*
 * How far a VM's clocks were off the trace clock in [@from_ns, @to_ns): minimum and maximum,
 * relative to the first reading of the reference clock, at most 73 years. With @vcpu -1 only the
 * reference clock; else the guest's clock, as the arms of that vCPU's busiest timer show it, and
 * the reference clock, read in that stretch or interpolated between readings before and after it.
 * HVST_UNKNOWN: not known. A stretch in which no arm shows the guest's clock has no point. Up to
 * eight vCPUs of a VM have points: those whose clock is furthest off the reference clock, then
 * those with most arms.
 */
struct hvst_clock_point {
	int vm;
	int vcpu;
	int64_t from_ns, to_ns;
	int64_t reference_min_ns, reference_max_ns; /* late readings only lower it */
	int64_t guest_min_ns, guest_max_ns;
};

/* Upper bounds of the time between the host's two clock readings for one arm. */
struct hvst_unpaired {
	uint64_t count;
	int64_t p50_ns, p95_ns, p99_ns, max_ns; /* HVST_UNKNOWN when count is 0 */
};

/* --- verdicts --- */

enum hvst_question {
	HVST_Q_STORM,
	HVST_Q_GUEST_CLOCK_BEHIND,
	HVST_Q_GUEST_BACKLOG,
	HVST_Q_GUEST_CLOCK_RATE,
	HVST_Q_GUEST_CLOCKSOURCE_SWITCH,
	HVST_Q_HOST_REFERENCE_STEP,
	HVST_Q_HOST_REFERENCE_RATE,
	HVST_Q_HOST_KVMCLOCK_FALLBACK,
	HVST_Q_HOST_UNPAIRED_CLOCK_READS,
	HVST_Q_PREEMPTION,
	HVST_Q_GUEST_CLOCK_AHEAD,
	HVST_Q_GUEST_TIME_RESTORE,
	HVST_Q_TSC_REFERENCE_OFFSET,
	HVST_Q_VMM_RESUME_ORDER,
	HVST_Q_VCPU_TSC_MISMATCH,
	HVST_Q_TIMER_LIVELOCK,
	HVST_Q_LOST_TIMER,
	HVST_Q_RESTORED_TIMER_FIRED,
	HVST_Q_SLOW_CLOCK_PATH,
	HVST_Q_REFUSED_REQUESTS,
	HVST_Q_COUNT
};
enum hvst_answer { HVST_CANNOT_TELL, HVST_NO, HVST_YES };

struct hvst_vm_verdict {
	int vm;
	enum hvst_answer answer;
	struct hvst_evidence_list evidence;
};

struct hvst_verdict {
	enum hvst_question question;
	enum hvst_answer answer;
	char summary[512];
	struct hvst_evidence_list evidence;
	uint64_t missing; /* bit per enum hvst_event_id: needed, but not recorded */
	const struct hvst_vm_verdict *const *by_vm;
	unsigned int nr_by_vm;
};

#define HVST_MAX_REASONS 3
#define HVST_MAX_NEXT	 5

struct hvst_result {
	const struct hvst_vm *const *vms;
	unsigned int nr_vms;
	const struct hvst_timer *const *timers;
	unsigned int nr_timers;
	const struct hvst_storm *const *storms;
	unsigned int nr_storms;
	const struct hvst_past_due *past_due;
	/* All past-due arms; and those of them for which the vCPU had been held. */
	uint64_t past_due_all, past_due_held;
	const struct hvst_ref_segment *const *reference;
	unsigned int nr_reference;
	const struct hvst_guest_transition *const *guest;
	unsigned int nr_guest;
	const struct hvst_life_event *const *life;
	unsigned int nr_life;
	const struct hvst_clock_move *const *moves;
	unsigned int nr_moves;
	const struct hvst_clock_point *const *points; /* by VM, vCPU, time; at most 256 of each */
	unsigned int nr_points;
	const struct hvst_unpaired *unpaired;
	const struct hvst_verdict *const *verdicts; /* by enum hvst_question */
	unsigned int nr_verdicts;
	char headline[768]; /* is there a storm, whose clock, since when, what set it off */
	char reasons[HVST_MAX_REASONS][256]; /* for the headline: one fact with its time each */
	unsigned int nr_reasons;
	char next[HVST_MAX_NEXT][256]; /* what to do next: one step each */
	unsigned int nr_next;
	char advice[512]; /* what to do next, in a sentence or two */
	/* What the headline is about; NULL or -1 if it is about something else. */
	const struct hvst_storm *headline_storm;
	/* set off by the step of the host's clock that @next names; NULL: it names none */
	const struct hvst_storm *headline_step;
	const struct hvst_timer *headline_load; /* expires very often, without a storm */
	int headline_fault; /* enum hvst_question answered yes, or the reason of the storm */
};

/**
 * hvst_result_all_no() - whether every question is answered with no
 * @r: a result
 *
 * Returns true if the recording could have shown each fault and shows none; false if the answer to
 * any question is yes or cannot tell.
 */
bool hvst_result_all_no(const struct hvst_result *r);

/**
 * hvst_guest_source_text() - the name of a guest's clock, for people
 * @v: the clock
 * @article: with an article, for use in a sentence: "the TSC page", "an emulated TSC"
 *
 * Returns a constant string, never NULL. See hvst_guest_source_name() for the name in JSON.
 */
const char *hvst_guest_source_text(enum hvst_guest_source v, bool article);

/*
 * hvst_*_name() - the word for a value in the output of diagnose --json
 *
 * Return a constant string, never NULL. A word does not change within one JSON schema.
 */
const char *hvst_storm_kind_name(enum hvst_storm_kind v);
const char *hvst_storm_cause_name(enum hvst_storm_cause v);
const char *hvst_response_name(enum hvst_response v);
const char *hvst_ref_source_name(enum hvst_ref_source v);
const char *hvst_guest_source_name(enum hvst_guest_source v);
const char *hvst_life_kind_name(enum hvst_life_kind v);
const char *hvst_clock_role_name(enum hvst_clock_role v);
const char *hvst_confidence_name(enum hvst_confidence v);
const char *hvst_question_name(enum hvst_question v);
const char *hvst_answer_name(enum hvst_answer v);
const char *hvst_timer_mode_name(enum hvst_timer_mode v);
const char *hvst_delivery_mode_name(enum hvst_delivery_mode v);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
