/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Arms and clock samples in, findings out. One struct per VM, vCPU and timer hangs
 * off the model's; each analysis lives in a file of its own and keeps its part of them. Findings
 * are complete after hvst_analysis_finish(). Memory follows the number of findings, not of events.
 */
#ifndef HVST_ANALYSIS_H
#define HVST_ANALYSIS_H

#include <stdlib.h>

#include <hvstimer/session.h>

#include "../model/model.h"
#include "../stats/sketch.h"
#include "refclock.h"

#define ANALYSIS_MAX_STORMS	 65536
#define ANALYSIS_MAX_TRANSITIONS 65536
#define ANALYSIS_MAX_PENDING                                                                       \
	(1u << 19) /* arms that wait for a clock sample, of all VMs; 48 bytes each */

/* A clock event kept for triggers and evidence. */
struct clock_mark {
	int event; /* enum hvst_event_id, -1 none */
	struct hvst_evidence why;
};
#define VM_MARKS 16

/* When the host's reference clock changed source. */
struct ref_source_mark {
	int64_t ts;
	enum hvst_ref_source source;
	char why[120];
};

struct pending_arm {
	int64_t ts;
	uint64_t ts_raw, count;
	struct stimer *t;
	int64_t bound_ns; /* how far ts may be from the host's reading */
	uint16_t cpu, buffer;
	uint8_t flags;
};

struct vm_an {
	struct refclock ref;
	struct pending_arm *pending;
	unsigned int nr_pending, cap_pending;
	struct clock_mark marks[VM_MARKS]; /* ring of the latest clock events */
	unsigned int nr_marks;
	/* the reference TSC page as the guest set it */
	bool page_known, page_on, page_waits_master;
	bool page_broken; /* on, but it could not be computed: as good as off */
	int64_t frozen_from,
		frozen_to; /* TSC emulation control was last on: the page is left as it is */
	struct ref_source_mark *sources;
	unsigned int nr_sources, cap_sources;
	/* clock source of the guest, VM wide */
	enum hvst_guest_source source;
	bool change_pending;	    /* a page write whose effect the next arm shows */
	int change_tid;		    /* the vCPU thread that wrote it */
	unsigned int change_arms;   /* its arms since, and those of them that came from a clock */
	unsigned int change_silent; /* without a read of the counter */
	int64_t change_ns;
	unsigned int change_ticks; /* expirations since */
	struct hvst_evidence change_why;
	enum hvst_guest_source timekeeping;
	/* the reads of a clock in a row, for timekeeping */
	enum hvst_guest_source reads_of;
	unsigned int reads;
	struct hvst_evidence reads_why;
	int64_t reads_last;
	/* past-due arms by the source of time_now at that moment */
	uint64_t past_due_by_source[3];
	struct hvst_evidence fallback_why;
	uint64_t preempted;
	struct hvst_evidence preempted_why;
};

#define PROGRESS_MARKS 64
struct progress_mark {
	int64_t ts, progress;
};

/*
 * A stretch in which the vCPU was kept out of guest mode, or off its CPU, without having asked for
 * it.
 */
struct held {
	int64_t from, to;
};
#define HELD_MARKS 8

struct vcpu_an {
	int known_vm;	    /* its VM's number in an earlier run, -1 */
	int64_t created_ns; /* its VM was seen being created then; HVST_UNKNOWN: not, or told */
	/* activity */
	bool in_guest, halted, in_loop, exits_seen, off_cpu;
	int64_t since;	   /* of the running state */
	uint8_t delivered; /* bit per timer: a delivery waits for kvm_entry */
	int64_t exit_ns;   /* last kvm_exit; HVST_UNKNOWN */
	int64_t progress;  /* ns, cumulated */
	struct progress_mark marks[PROGRESS_MARKS];
	unsigned int nr_marks;
	int64_t next_mark_ns;
	struct held held[HELD_MARKS];
	unsigned int nr_held;
	int64_t off_since, wake_ns;
	int64_t cost_ns; /* typical time from the write's exit to the start, running median */
	/* clock source */
	enum hvst_guest_source source; /* HVST_SRC_UNKNOWN: as the VM */
	bool learned;		       /* its first source is known: another one is a change */
	bool read_last;		       /* the last MSR access was a read of TIME_REF_COUNT */
	unsigned int exits_since_read;
	uint32_t msrs_since_arm;
	struct hvst_evidence read_why;
	unsigned int with_read, without_read;
	struct hvst_evidence with_why, without_why;
};

/* A group of past-due arms that may become a storm, see storm.c. */
#define STORM_BINS 32
struct storm_point {
	int64_t ts;
	uint64_t count;
	int64_t skew;
}; /* skew HVST_UNKNOWN: from the model at the end */
struct storm_bin {
	uint64_t past_due;
	int64_t min, max;
	bool used;
};
struct storm_runs {
	unsigned int n;
	struct {
		int64_t ts, v;
		uint32_t w;
	} r[2 * STORM_BINS];
};

struct storm_core {
	int64_t score;
	struct storm_point start, max, end;
	uint64_t arms, past_due;
};

struct storm_group {
	bool active;
	uint64_t arms, past_due, ahead; /* ahead: since the last past-due arm */
	struct storm_point start, max, end;
	uint64_t last_count;
	/* count increments: majority candidate (Boyer and Moore), same targets */
	int64_t delta;
	uint64_t delta_votes, delta_hits, same, steps;
	/* course of the skew */
	int64_t bin_from, bin_width;
	struct storm_bin bin[STORM_BINS];
	struct storm_bin *last_bin; /* that of the last arm, and where it begins */
	int64_t last_bin_from;
	struct storm_runs runs;
	int64_t run_max, run_ts;
	/* densest part, for groups whose head or tail is thin; see core_best() */
	struct storm_core cur, best;
	bool cur_is_best; /* @best has not caught up with it */
	int64_t progress_before, progress_wall, progress_start, progress_end;
	struct clock_mark trigger;
	struct hvst_evidence why_first, why_last;
	uint64_t short_deadline, preempted, unexplained;
	bool inferred;		       /* some of it rests on the clock model */
	enum hvst_guest_source source; /* of the guest when it began */
};

/* Upper edge of the headroom over time, see guestclock.c. */
#define EDGE_POINTS 128
struct edge_point {
	int64_t ts, v;
	bool from_clock;
};
struct guest_fit {
	double slope, level;
	int64_t t0, last;
	bool valid;
};
struct guest_edge {
	struct edge_point p[EDGE_POINTS]; /* the run so far, a point a window */
	unsigned int n;
	unsigned int per;      /* windows merged into a point */
	struct edge_point win; /* running window: its best arm */
	unsigned int win_n;
	int64_t win_from;
	int64_t from;		 /* of the run's first window */
	struct guest_fit before; /* the line of the run before */
	uint64_t count;		 /* of the last arm, and how far it was from the one before */
	int64_t step;
	struct edge_point odd; /* one window off the line, waiting for a second */
	int64_t odd_from;
	bool has_odd;
};

struct timer_an {
	struct hvst_sketch *skew, *lateness, *delivery, *entry;
	struct storm_group group;
	struct guest_edge edge;
	unsigned int trend_seg; /* of the clock model, of the last arm */
	int64_t trend_shift;	/* steps of the model since */
	uint64_t prog_count;
	int64_t prog_delta;
	bool prog_seen;
	int64_t delivered_ns;  /* waiting for kvm_entry, see struct vcpu_an.delivered */
	struct hvst_fire fire; /* and with it, for the observer */
	bool fire_waits;
};

#define CREATED_MAX   16
#define CREATED_REACH 4096 /* thread ids between a VMM and its vCPU threads */

struct analysis {
	struct hvst_params params;
	struct model *model;
	struct hvst_trace *trace;
	uint64_t ignored; /* event ids left out on request: as if not recorded */
	const struct hvst_observer *obs;
	void *obs_ctx;
	int vm_filter, vcpu_filter, timer_filter;
	/* VM number of a thread as an earlier run found it, -1; NULL: there was none */
	int (*known_vm)(const void *ctx, int tid);
	const void *known_ctx;
	/* VMs seen being created by tasks that have no known vCPU thread yet */
	struct {
		int pid;
		int64_t ts;
	} created[CREATED_MAX];
	unsigned int nr_created;
	int error;		 /* -ENOMEM, or -ECANCELED from an observer */
	unsigned int nr_pending; /* of all VMs */
	unsigned int nr_vms;
	int64_t now;
	int64_t gap_ns; /* of the last lost events, on any CPU */

	struct hvst_storm *storms;
	struct vcpu **storm_vcpu; /* VM numbers are known at the end only */
	unsigned int nr_storms, cap_storms;
	struct hvst_guest_transition *guest;
	struct vm **guest_vm;
	struct vcpu **guest_vcpu;
	unsigned int nr_guest, cap_guest;
	struct hvst_past_due past_due;
	struct hvst_sketch *unpaired;
	uint64_t steady_edges; /* runs long enough that showed no rate error */

	struct hvst_result result; /* arrays owned, see result.c */
};

/*
 * --- one function a stage of the run, called in this order
 * ------------------------------------------
 */

struct analysis *hvst_analysis_new(const struct hvst_params *params, struct hvst_trace *trace);
void hvst_analysis_free(struct analysis *a);
/*
 * The next events, in the order of time. Stops in between on an error; an observer that gave up is
 * not asked again.
 */
int hvst_analysis_events(struct analysis *a, const struct hvst_event *const *ev, size_t n);
int hvst_analysis_finish(struct analysis *a);

/*
 * --- between the files of this stage
 * ----------------------------------------------------------------
 */

/* Evidence from an event, with a formatted text. */
void hvst_evidence_set(struct hvst_evidence *e, const struct hvst_event *ev, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same with a fixed text; cheap enough for every event. */
void hvst_evidence_plain(struct hvst_evidence *e, const struct hvst_event *ev, const char *text);
void hvst_evidence_add(struct hvst_evidence_list *l, const struct hvst_evidence *e);
/* Evidence that is no single event. */
void hvst_evidence_stat(struct hvst_evidence_list *l, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* From one count to another, saturated so that it can be taken times 100, and from another such. */
static inline int64_t hvst_count_step(uint64_t from, uint64_t to)
{
	int64_t d = (int64_t)(to - from);

	if (d > INT64_MAX / 256)
		return INT64_MAX / 256;
	return d < INT64_MIN / 256 ? INT64_MIN / 256 : d;
}

/*
 * A count that moved on by the very step of the one before it (give or take rounding) needed no
 * clock.
 */
static inline bool hvst_step_repeats(int64_t step, int64_t before)
{
	return llabs(step - before) <= 1;
}

/* storm.c */
void hvst_storm_arm(struct analysis *a, struct stimer *t, const struct hvst_arm *arm,
		    int64_t rel_skew, const struct hvst_event *ev);
/* Skews recorded since @from_ns without a reading were off by @step (ns). */
void hvst_storm_rebase(struct storm_group *g, int64_t from_ns, int64_t step);
void hvst_storm_finish(struct analysis *a);
/* pastdue.c: activity of vCPU threads, and the cause of a past-due arm */
enum past_due_cause { CAUSE_UNEXPLAINED, CAUSE_SHORT_DEADLINE, CAUSE_PREEMPTED };
void hvst_activity_entry(struct vcpu_an *v, int64_t ts);
void hvst_activity_exit(struct vcpu_an *v, int64_t ts, bool halts);
void hvst_activity_armed(struct analysis *a, struct stimer *t, const struct hvst_arm *arm);
/* @deadline_ns: HVST_UNKNOWN when there was none */
void hvst_activity_fired(struct vcpu_an *v, int64_t deadline_ns, int64_t callback_ns);
void hvst_activity_delivered(struct stimer *t, const struct hvst_event *ev);
int64_t hvst_activity_progress(const struct vcpu_an *v, int64_t ts);
/* Progress over up to the last second before @ts: *@wall ns of it; 0 when not known. */
int64_t hvst_activity_before(const struct vcpu_an *v, int64_t ts, int64_t *wall);
enum past_due_cause hvst_activity_cause(const struct analysis *a, const struct stimer *t,
					const struct hvst_arm *arm, int64_t skew_ns);
/* clocksource.c */
void hvst_clocksource_programmed(struct analysis *a, struct stimer *t, const struct hvst_event *ev);
void hvst_clocksource_master(struct analysis *a, struct vm *vm, const struct hvst_event *ev);
void hvst_clocksource_ticked(struct vm_an *vm); /* a timer of the VM expired */
void hvst_clocksource_finish(struct analysis *a);
/* The VM was created within the trace: its page is off until something says otherwise. */
void hvst_clocksource_created(struct vm_an *vm, int64_t ts);
/* The VMM wrote a timer back: it may have restored the page as well, unseen. */
void hvst_clocksource_restored(struct vm_an *vm, int64_t ts);
void hvst_clocksource_merge(struct vm_an *into, struct vm_an *from);
enum hvst_ref_source hvst_clocksource_ref(const struct vm_an *vm, int64_t ts, const char **why);
void hvst_mark(struct analysis *a, struct vm *vm, const struct hvst_event *ev, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
struct hvst_guest_transition *hvst_transition_add(struct analysis *a, struct vm *vm,
						  struct vcpu *v);
/* guestclock.c */
void hvst_guestclock_arm(struct analysis *a, struct stimer *t, const struct hvst_arm *arm);
/*
 * A clock that shows another rate, or a lag, and no event that says why. NULL without memory or
 * room.
 */
struct hvst_guest_transition *hvst_guestclock_suspect(struct analysis *a, struct vcpu *v,
						      int64_t ts, double ppm, double err);
void hvst_guestclock_finish(struct analysis *a);
/* verdict.c */
/* Bit per event id: events that were recorded, as far as the file tells, and not left out. */
uint64_t hvst_recorded(const struct analysis *a);
void hvst_verdicts(struct analysis *a);
/* result.c: arrays of the result from all of the above */
int hvst_result_build(struct analysis *a);
void hvst_result_free(struct analysis *a);
int hvst_vm_number(const struct vcpu *v);
bool hvst_filter_pass(const struct analysis *a, const struct vcpu *v, int timer);

#endif
