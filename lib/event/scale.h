/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: event. How long is a cycle? A trace with a cycle clock and no scale of its own still holds
 * readings of the guest's reference clock, which ticks every 100 ns: the slope of time stamps
 * against them is the scale.
 */
#ifndef HVST_EVENT_SCALE_H
#define HVST_EVENT_SCALE_H

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
 * Samples come late (never early), and the reference clock may step in between: the estimate goes
 * by the earliest samples of each stretch of time, over the longest part without a step, of the
 * thread that has the longest. 0, or -ENODATA when the samples do not tell.
 */
int hvst_scale_estimate(struct hvst_scale_sample *samples, size_t n, uint32_t *mult,
			uint32_t *shift);

#endif
