/* SPDX-License-Identifier: GPL-2.0 */
/* What truth.c gathers and expected.c writes. */
#ifndef GEN_TRUTH_PRIVATE_H
#define GEN_TRUTH_PRIVATE_H

#include "truth.h"

#define ANY_KIND (KIND_BACKLOG | KIND_CONSTANT | KIND_GROWING)

/* Past-due arms that belong together. */
struct group {
	int64_t first, last;  /* past-due arms, trace ns */
	uint64_t past, total; /* arms in [first, last] */
	unsigned int ahead;   /* since the last past-due one */
	int64_t run_first;    /* the run of past-due arms going on */
	uint64_t run;
	int64_t best_first, best_last;
	uint64_t best;
	unsigned int kinds;
	bool one_kind;	 /* all its arms were of the same, and no step of the clock between them */
	int64_t off_ns;	 /* of the vCPU, at the last past-due arm */
	bool short_ones; /* some were but programmed too slowly for their deadline */
	bool broken_up;	 /* by pauses of the vCPU, or by breaths */
	bool page_off;	 /* the page was, for all to see, not set during all of it */
	uint64_t skew_first, skew_max; /* ref units */
	const char *phase;
};

struct truth_timer {
	int vm, vcpu, tid, timer;
	uint64_t arms, past_due, restored;
	bool periodic;
	struct group g;
};

struct storm {
	struct group g;
	int vcpu, tid, timer;
	bool required;
	unsigned int kinds;
};

struct step {
	int vm;
	int64_t from, to, to_always, ns;
	uint64_t samples;
	bool first; /* before the first reading: nothing shows it */
	bool required;
	const char *action;
};

struct transition {
	int vcpu, nr_tids;
	int tids[GEN_MAX_VCPUS];
	const char *need, *from, *to; /* JSON lists or null */
	int64_t ts, late;	      /* @late: how much later it may be seen */
	const char *phase;
};

struct rate {
	int vcpu, tid, ppm;
	int64_t from, to;
};

struct truth {
	const struct scenario *sc;
	struct sim *sim;
	FILE *jsonl;
	char *expected_path;
	struct truth_timer **timers;
	unsigned int nr_timers, nr_storms, nr_steps, nr_transitions, nr_rates;
	struct storm *storms;
	struct step *steps;
	struct transition *transitions;
	struct rate *rates;
	int64_t last_sample[GEN_MAX_VMS];
	uint64_t start_expired_seen, preempted;
	uint64_t behind;     /* arms past due because the guest's clock was behind */
	unsigned int faults; /* bit per enum truth_fault */
	bool lag, rate;	     /* some phase's clock lags, runs off */
	bool failed;
};

/* Writes NAME.expected.json. 0 or negative errno. */
int expected_write(struct truth *t, const struct sim *sim);

#endif
