/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Two recordings, or results, side by side. A side is a list of units (the timers, vCPUs and VMs of
 * one recording) with what was measured of each, as a value and, where the recording was read, as
 * sums over blocks of time. Units of both sides are paired by role: thread ids and the numbers of
 * VMs mean nothing beyond one recording.
 */
#ifndef HVST_CLI_COMPARE_H
#define HVST_CLI_COMPARE_H

#include <hvstimer/hvstimer.h>

#include "blocks.h"

#define MIN_BATCHES  4 /* with fewer, the variation of a measure cannot be told */
#define GOOD_BATCHES 8 /* a long storm leaves at least as many */

/*
 * Skew and lateness are medians in ns; a storm is the time in storms, as a share of all time; past
 * due is the share of arms; progress a share of the time that the vCPU was seen. The last four are
 * sum / sum.
 */
enum measure {
	MEASURE_SKEW,
	MEASURE_LATENESS,
	MEASURE_STORM,
	MEASURE_PAST_DUE,
	MEASURE_PROGRESS,
	MEASURES
};

bool measure_is_median(enum measure m);
/* "past_due_share"; of the JSON contract. */
const char *measure_name(enum measure m);

/*
 * @known: there is a value; then it is @sum / @base, or the median of the unit's distribution, of
 * which @sum counts the values up to the median and @base all.
 * @part, @part_base: @sum and @base by batch; with side.nr_batches 0 not set
 */
struct measured {
	bool known;
	double value;
	double sum, base;
	double part[MAX_BLOCKS], part_base[MAX_BLOCKS];
};

/* A timer; a vCPU, @timer -1; a VM, both -1. */
struct unit {
	int vm, vcpu, timer; /* @vm, and where not asked for the others, -1: unknown */
	int tid;
	bool paired;
	int64_t longest_storm_ns;
	struct measured measured[MEASURES];
	struct hvst_sketch *whole[BLOCK_DISTRIBUTIONS]; /* NULL: no value */
	struct hvst_sketch *batch[BLOCK_DISTRIBUTIONS][MAX_BLOCKS];
};

struct side_vm {
	int vm;
	char name[64]; /* "": none */
	unsigned int vcpus, timers;
	int64_t tick_ns; /* how far ahead its timers are set: the 5th percentile of skew */
	int pair;	 /* of the other side, -1 */
};

struct side {
	const char *path;
	int64_t span_ns;	 /* of the recording */
	unsigned int nr_batches; /* 0: a result that has no blocks of time */
	int64_t batch_ns;
	struct unit *units;
	unsigned int nr_units;
	struct side_vm *vms;
	unsigned int nr_vms;
	bool left_out; /* some timers were not followed */
};

/* Does the VM's unit differ from that of its only timer and vCPU? */
bool vm_has_parts(const struct side *s, int vm);

/* Two units in the same role. */
struct pair {
	const struct unit *a, *b;
};

struct comparison {
	struct side side[2];
	struct pair *pairs;
	unsigned int nr_pairs;
};

/*
 * side_from_blocks - what one pass has gathered, as a side
 * @path: borrowed
 *
 * 0 or -ENOMEM; side_free() in both cases.
 */
int side_from_blocks(struct side *s, const char *path, const struct blocks *b,
		     const struct hvst_trace *t, const struct hvst_result *r);
void side_free(struct side *s);

/* Make room for @units units, VMs not counted: for the functions that fill a side. 0 or -ENOMEM. */
int side_alloc(struct side *s, unsigned int units);
/* Timers and vCPUs are in, with their sums and distributions: adds the VMs. 0 or -ENOMEM. */
int side_finish(struct side *s);
/* NULL: no unit is of it. */
struct side_vm *side_vm_of(const struct side *s, int vm);

/* Pairs the units of both sides. 0 or -ENOMEM. */
int comparison_pair(struct comparison *c);
void comparison_free(struct comparison *c);

#endif
