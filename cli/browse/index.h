/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The browser's index: for each timer of each vCPU a row of time bins with what its arms did. Built
 * in one pass, bounded whatever the file: bins have one width, a power of two, that doubles when
 * the span outgrows them or when all rows together outgrow the memory allowed. Rows are packed in
 * blocks of BR_PACK bins; only the block of a row to which arms are being added is not.
 */
#ifndef HVST_BROWSE_INDEX_H
#define HVST_BROWSE_INDEX_H

#include <hvstimer/session.h>

#include "bins.h"

#define BR_MAX_TIMERS  2048
#define BR_MAX_BINS    8192
#define BR_BIN_BYTES   24	  /* of a bin with arms, packed, as a rule */
#define BR_FINE_BUDGET (8u << 20) /* bytes of bins in the index of a window */
/* Times are held within +-73 years, so that no sum of them overflows. */
#define BR_TIME_LIMIT ((int64_t)1 << 61)

struct br_timer {
	int tid, thread;     /* as in struct hvst_arm: a thread id may be used again */
	int vcpu, timer, vm; /* vm -1 while unknown */
	uint64_t ahead, past, periodic, inferred;
	uint8_t **blocks; /* packed, behind their length; NULL: no arms there */
	unsigned int nr_blocks;
	struct br_bin *open; /* the block @open_at, which is not in @blocks; NULL: none */
	unsigned int open_at;
};

struct br_index {
	int64_t origin;	    /* start of bin 0, a multiple of the bin width */
	unsigned int shift; /* bin width: 1 << shift ns */
	unsigned int nbins, used;
	bool fixed; /* a window: arms outside are left out */
	struct br_timer *timers;
	unsigned int nr_timers;
	int *hash;	      /* (tid, timer), in it thread -> timer + 1 */
	size_t budget, bytes; /* of bins: allowed, taken */
	struct br_view *view; /* the block read last, unpacked */
	/* Arms of timers beyond BR_MAX_TIMERS, or for which there was no memory. */
	uint64_t dropped;
	int64_t first, last; /* of the arms; HVST_UNKNOWN when there is none */
};

/* Sums over a time range of one timer. */
struct br_sum {
	uint64_t ahead, past, periodic, inferred;
	int64_t skew_min, skew_max;    /* HVST_UNKNOWN: none known */
	int64_t first_past, last_past; /* HVST_UNKNOWN: none */
	double hist[BR_HIST];	       /* arms per octave, estimated */
	bool exact;		       /* no bin crosses the ends of the range */
};

struct br_index *br_index_new(size_t budget);
/*
 * Bins of 1 << @shift ns over [@from, @to), wider ones if these outgrow BR_FINE_BUDGET; NULL
 * without memory.
 */
struct br_index *br_index_new_window(int64_t from, int64_t to, unsigned int shift);
void br_index_free(struct br_index *idx);

/* Restarts of a running timer are no arms and are left out. */
void br_index_add(struct br_index *idx, const struct hvst_arm *arm);
/* Packs what is not, when no arms are to be expected for a while. */
void br_index_pack(struct br_index *idx);
/* Index of the timer, -1: none. @thread -1: the first one of that thread id. */
int br_index_timer(const struct br_index *idx, int tid, int timer, int thread);
/* The timer of a storm: of those with its thread id that of its VM, where one is known to be. */
int br_index_storm(const struct br_index *idx, const struct hvst_storm *s);
int64_t br_index_width(const struct br_index *idx);

void br_sum_init(struct br_sum *s);
/* Adds to @s the bins of @timer that touch [@from, @to); the histogram only with @hist. */
void br_index_sum(const struct br_index *idx, int timer, int64_t from, int64_t to, bool hist,
		  struct br_sum *s);
/*
 * Median skew, to within a factor of 1.42 and never outside minimum and maximum; HVST_UNKNOWN: none
 * known.
 */
int64_t br_sum_median(const struct br_sum *s);
uint64_t br_sum_arms(const struct br_sum *s);

/*
 * Where the timer's next past-due arm after @t (before @t with @back) lies. True: *@at is its time,
 * or, when *@to > *@from, it is somewhere in [*@from, *@to) and has to be looked up there.
 */
bool br_index_step(const struct br_index *idx, int timer, int64_t t, bool back, int64_t *at,
		   int64_t *from, int64_t *to);

int64_t br_clamp_time(int64_t ts);

#endif
