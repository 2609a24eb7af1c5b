/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. The kind of a storm, from what its counts do and from the course of its skew:
 *
 * backlog   The guest replays missed ticks: counts move on by a period an arm, or by more than the
 *           time that passes.
 * constant  The guest's clock lags by the same amount throughout.
 * growing   The guest's clock runs slow: the lag grows, no faster than a clock can drift.
 */
#ifndef HVST_ANALYSIS_STORM_KIND_H
#define HVST_ANALYSIS_STORM_KIND_H

#include "state.h"

#define STORM_BINS	 32
#define STORM_SAME_COUNT 8 /* a Linux guest recomputes its target: -3..+5 units around it */

/* What the counts of a group of past-due arms did from arm to arm. */
struct storm_counts {
	uint64_t steps;
	uint64_t same;	/* the same target again */
	uint64_t moved; /* another target */
	/* the step that most moves have, by majority vote (Boyer and Moore) */
	int64_t period;
	uint64_t votes, hits, exact; /* hits: within STORM_SAME_COUNT; exact: within 1 */
	uint64_t with_time;	     /* moves by as much as the time that passed */
	int64_t advance_ns;	     /* sum of all moves, saturated */
};
/* @dt_ns: from the arm before */
void hvst_counts_step(struct storm_counts *c, int64_t d, int64_t dt_ns);

/*
 * What a guest does in a row: replay ticks (counts gain on the time that passes), or arm by a clock
 * that lags (they move on as time does, or are armed again). A group in which it changes from one
 * to the other is two groups: @before has the counts up to then.
 */
enum storm_doing { STORM_DOING_UNKNOWN, STORM_REPLAYS, STORM_LAGS };
struct storm_phase {
	enum storm_doing doing;
	unsigned int replays, lags; /* steps in a row */
	int64_t lags_from_ns;	    /* the first of @lags */
	int64_t moved_ns, move;	    /* the last arm of another target, by how much */
	int64_t gain;		    /* the last move of a replay */
	struct storm_counts before;
};
/*
 * The count moved by @d at @ts, before hvst_counts_step() counts it; true: the guest does something
 * else.
 */
bool hvst_phase_step(struct storm_phase *p, const struct storm_counts *c, int64_t d, int64_t ts);

/*
 * The course of a group's skew: of an observed group the skews, of an inferred one time minus
 * count, to which the offset of the reference clock is added when it is known.
 */
struct storm_bin {
	uint64_t past_due;
	int64_t min, max;
	bool used;
};
struct storm_targets { /* highest value of each target that was armed repeatedly */
	unsigned int n;
	struct {
		int64_t ts, v;
		uint32_t weight;
	} t[2 * STORM_BINS];
	int64_t max, max_ts; /* of the target that is being armed */
};
struct storm_course {
	int64_t from_ns, width_ns; /* of the bins */
	struct storm_bin bin[STORM_BINS];
	struct storm_bin *last; /* that of the last arm, and where it begins */
	int64_t last_from;
	struct storm_targets targets;
};
void hvst_course_begin(struct storm_course *c, int64_t ts);
/* @new_target: not the count of the arm before */
void hvst_course_add(struct storm_course *c, int64_t ts, int64_t v, bool new_target);
void hvst_course_end(struct storm_course *c);

/* What is known of a group when its kind is determined. */
struct storm_shape {
	const struct storm_counts *counts;
	const struct storm_course *course;
	int64_t span_ns;
	const struct refclock *clock; /* for an inferred group; NULL: observed */
	int cpu;		      /* by whose trace clock */
	bool scaled;		      /* trace time is in ns: it can be compared with counts */
};

struct storm_nature {
	enum hvst_storm_kind kind;
	enum hvst_response response;
	int64_t period_ref;  /* HVST_UNKNOWN: not a backlog, or no constant one */
	double slope;	     /* of the skew against time; only of growing */
	double unsure_slope; /* constant: a slope that a slewed reference clock may have, too */
	double gain;	     /* backlog: how much faster than time the counts move; >= 1 */
};
void hvst_storm_nature(const struct storm_shape *s, struct storm_nature *out);
/* The highest skew of the course; HVST_UNKNOWN: the clock is not known there. */
int64_t hvst_storm_most(const struct storm_shape *s);

#endif
