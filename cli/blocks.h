/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What timers and vCPUs did, summed over blocks of time, gathered in one pass. A block is as long
 * as it takes to cover the recording with at most MAX_BLOCKS: neighbours are joined as time goes
 * on, so that memory does not follow the length of the recording. Confidence intervals need blocks:
 * arms are not independent, blocks nearly are.
 */
#ifndef HVST_CLI_BLOCKS_H
#define HVST_CLI_BLOCKS_H

#include <hvstimer/hvstimer.h>

#define MAX_BLOCKS	 32
#define MAX_BLOCK_TIMERS 256 /* timers, and vCPUs, that are followed */

enum block_distribution { BLOCK_SKEW, BLOCK_LATENESS, BLOCK_DISTRIBUTIONS };

/* One-shot arms that were not parked; restarts do not count. Sketches are NULL while empty. */
struct timer_block {
	uint64_t arms, past_due;
	struct hvst_sketch *sketch[BLOCK_DISTRIBUTIONS];
};

struct timer_blocks {
	int thread, tid, vcpu, timer; /* as in struct hvst_arm */
	struct timer_block block[MAX_BLOCKS];
};

struct vcpu_blocks {
	int thread;
	int64_t seen_ns[MAX_BLOCKS];
	int64_t progress_ns[MAX_BLOCKS];
};

struct blocks {
	unsigned int shift; /* a block is 2^shift ns */
	int64_t first;	    /* block 0 is that of [first << shift, (first + 1) << shift) */
	unsigned int nr;    /* blocks in use */
	struct timer_blocks *timers[MAX_BLOCK_TIMERS];
	struct vcpu_blocks *vcpus[MAX_BLOCK_TIMERS];
	unsigned int nr_timers, nr_vcpus;
	struct timer_blocks **by_thread; /* by thread and timer; borrowed from @timers */
	struct vcpu_blocks **vcpu_by_thread;
	unsigned int nr_threads;
	bool left_out; /* there were more timers or vCPUs */
	int error;     /* -ENOMEM */
};

void blocks_init(struct blocks *b);
void blocks_free(struct blocks *b);

/* The observers' callbacks. Each returns b->error. */
int blocks_arm(struct blocks *b, const struct hvst_arm *arm);
int blocks_fire(struct blocks *b, const struct hvst_fire *fire);
int blocks_progress(struct blocks *b, const struct hvst_progress *p);

/* The same with @ctx being the struct blocks. */
extern const struct hvst_observer blocks_observer;

/* How much of [from_ns, to_ns) lies in block @i. */
int64_t blocks_overlap(const struct blocks *b, unsigned int i, int64_t from_ns, int64_t to_ns);

#endif
