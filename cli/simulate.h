/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What policies would have done to the arms of a recording. Each arm is put to each policy as it
 * comes; which arms lie in a storm is known at the end, from the analysis. Until then arms are kept
 * as stretches: past-due arms of one timer without an arm ahead between them.
 */
#ifndef HVST_CLI_SIMULATE_H
#define HVST_CLI_SIMULATE_H

#include <hvstimer/hvstimer.h>

#include "doubt.h"
#include "policy.h"

#define LATE_POINTS 16
#define ARM_CAUSES  4 /* values of enum hvst_arm_cause */

struct sim_timer;

struct simulation {
	const struct policy *policies; /* borrowed */
	unsigned int nr_policies;
	int64_t max_gap_ns; /* past-due arms further apart belong to no common storm */
	struct sim_timer **buckets;
	unsigned int nr_timers;
	uint64_t nr_stretches;
	uint64_t max_stretches;
	bool coarse;	    /* stretches were joined: some arms may be counted to the wrong side */
	int64_t padding_ns; /* of the recording's kernel; 0: none */
	struct pauses pauses;
	int error;
};

/*
 * What a delayed arm costs, as measured in the recording.
 * @late_ns: from a deadline to the host's callback; HVST_UNKNOWN: no timer was seen to fire
 * @wake_ns: from the callback to the delivery, the vCPU being asleep for most of them; HVST_UNKNOWN
 * @work_ns: the same at best, and no less than an exit takes: of a vCPU that runs; HVST_UNKNOWN
 * @rest_ns: how long the guest's handler goes on after it armed the timer, and takes no interrupt;
 *           HVST_UNKNOWN: no halt was seen
 * @entry_ns: from the delivery to the entry, which a guest that waits needs once more
 * @saved_ns: an exit for the interrupt, up to the entry, which a guest that waits does not need;
 *            HVST_UNKNOWN where it takes interrupts without one
 * @deliver_ns: what a past-due arm's exit takes longer, because it delivers; HVST_UNKNOWN
 * @switch_ns: an entry and the next exit by themselves; HVST_UNKNOWN
 * @guest_share: of @rest_ns, the share in guest mode; negative: no halt was seen, so that @rest_ns
 *               is known from elsewhere, or not at all
 */
struct sim_costs {
	int64_t entry_ns;
	int64_t late_ns, wake_ns, work_ns, rest_ns;
	int64_t saved_ns;
	int64_t deliver_ns;
	int64_t switch_ns;
	double guest_share;
	double late_deviation;	      /* of @late_ns, up to 1 ms */
	int64_t late_at[LATE_POINTS]; /* means of as many equal shares; HVST_UNKNOWN */
};

/* What a storm may come to. HVST_UNKNOWN as in struct sim_storm. */
struct sim_bound {
	int64_t arms;
	double rate;
	int64_t end;
};

/* A policy's effect on one storm. Rates are past-due arms, or turns of a livelock, a second. */
struct sim_storm {
	uint64_t delayed; /* of the arms in the recording */
	uint64_t arms_before;
	int64_t arms_after; /* HVST_UNKNOWN: it does not end by itself */
	double rate_before, rate_after;
	int64_t end_before, end_after; /* HVST_UNKNOWN: it does not end by itself */
	double guest_gain; /* share of the storm's time in which the guest waits; may be negative */
	bool watchdog_before, watchdog_after;
	bool prevented;			  /* it would not have begun */
	struct sim_bound shorter, longer; /* with the shortest and longest turns that may be */
	unsigned int doubts;		  /* DOUBT_...: why these are apart */
	bool rough; /* further than 15 % of arms or rate, or 10 % of the length of a backlog */
	struct sim_costs costs;
};

/* A policy's effect on all arms. */
struct sim_total {
	uint64_t in_storms, outside;	       /* past-due arms */
	uint64_t delayed_in, delayed_out;      /* of them */
	uint64_t outside_by_cause[ARM_CAUSES]; /* delayed, outside */
	int64_t delay_in_ns, delay_out_ns;     /* mean delay of one that is; 0: none is */
	uint64_t storms, prevented;
	uint64_t watchdog_before, watchdog_after; /* storms that endanger one */
};

int sim_init(struct simulation *s, const struct policy *policies, unsigned int n,
	     int64_t max_gap_ns);
void sim_free(struct simulation *s);

/* The next arm, as struct hvst_observer's armed hands it out; s->error. */
int sim_arm(struct simulation *s, const struct hvst_arm *arm, enum hvst_arm_cause cause);

/* After the pass: what an arm costs; timers of other VMs than @vm (-1: any) are left out. */
void sim_finish(struct simulation *s, const struct hvst_result *r, int vm, int64_t padding_ns);

/* Policy number @policy on one storm of the result, and on everything. */
void sim_storm(const struct simulation *s, unsigned int policy, const struct hvst_storm *storm,
	       int64_t watchdog_ns, struct sim_storm *out);
void sim_total(const struct simulation *s, unsigned int policy, const struct hvst_result *r,
	       int64_t watchdog_ns, struct sim_total *out);

#endif
