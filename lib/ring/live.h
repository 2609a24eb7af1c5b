/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: ring. The sub-buffers of a trace that is still being recorded, in place of a file's data.
 * They are read in rounds, from all CPUs in turn, and kept in memory: the newest stay there after
 * they were decoded, so that a pass begins with what came before it.
 *
 * Whatever a CPU records after it was read to its end is later than everything read in earlier
 * rounds. That bounds the time of its next event, whatever the trace clock is, and lets the merge
 * deliver the events of the other CPUs up to the round before last.
 */
#ifndef HVST_RING_LIVE_H
#define HVST_RING_LIVE_H

#include <hvstimer/session.h>

struct hvst_live;
struct hvst_live_cpu;

/* @keep: bytes of sub-buffers that stay in memory after they were decoded. NULL without memory. */
struct hvst_live *hvst_live_new(const struct hvst_live_ops *ops, void *ctx, size_t keep);
void hvst_live_free(struct hvst_live *l);

/*
 * Another CPU, whose sub-buffers have @page_size bytes at most; owned by @l. NULL without memory.
 */
struct hvst_live_cpu *hvst_live_add_cpu(struct hvst_live *l, unsigned int cpu, uint32_t page_size);

/* A pass begins, at the oldest sub-buffer that is still there. */
void hvst_live_start(struct hvst_live *l);

/*
 * hvst_live_poll - a round: wait for the source, then read what every CPU has recorded
 *
 * 0, or the negative errno of the source; -ENOMEM.
 */
int hvst_live_poll(struct hvst_live *l);

/*
 * hvst_live_next - the next sub-buffer of a CPU into @page, filled up with zeroes
 * @bound: with -EAGAIN, a time stamp that no later event of the CPU lies before; 0: not known
 *
 * 1; 0 when the trace is over; -EAGAIN when there is none until the next round.
 */
int hvst_live_next(struct hvst_live_cpu *c, uint8_t *page, uint64_t *bound);

/* hvst_session_held() */
int hvst_live_held(const struct hvst_live *l,
		   int (*each)(void *ctx, unsigned int cpu, const void *data, size_t len),
		   void *ctx);

#endif
