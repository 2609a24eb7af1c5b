/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: clock. Estimates the length of a cycle. A recording with a cycle clock and no scale of its
 * own still has readings of the guest's reference clock, which ticks every 100 ns: the slope of the
 * time stamps against them is the scale.
 */
#ifndef HVST_CLOCK_CYCLE_SCALE_H
#define HVST_CLOCK_CYCLE_SCALE_H

#include <stddef.h>
#include <stdint.h>

#define HVST_SCALE_BINS 64

/* One reading: thread @pid saw the reference clock at @ref when the time stamp was @cycles. */
struct hvst_scale_sample {
	int32_t pid;
	int64_t cycles;
	uint64_t ref;
};

/*
 * hvst_scale_estimate - ns of a cycle as *@mult >> *@shift, from @n samples (which get reordered)
 *
 * Samples are stamped late, never early, and the reference clock may step in between. So the
 * estimate uses the earliest samples of each part of the time, over the longest fit segment without
 * a step, of the thread that has the longest. 0, or -ENODATA when the samples do not suffice.
 */
int hvst_scale_estimate(struct hvst_scale_sample *samples, size_t n, uint32_t *mult,
			uint32_t *shift);

#endif
