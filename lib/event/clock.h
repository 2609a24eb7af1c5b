/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: event. From the ring buffer's time stamps to the ones that trace-cmd report shows, and to
 * ns.
 */
#ifndef HVST_EVENT_CLOCK_H
#define HVST_EVENT_CLOCK_H

#include <hvstimer/event.h>

#include "../read/file.h"

/**
 * struct hvst_timebase - how one file's (and CPU's) time stamps are converted
 * @plain: nothing to do: the stamps are ns and stay as they are
 * @mult, @shift, @offset, @shift_samples: as the file says (TSC2NSEC, DATE and OFFSET, TIME_SHIFT)
 * @cycle_mult, @cycle_shift: estimated ns of a cycle, where report shows cycles; @cycle_mult 0:
 * none
 */
struct hvst_timebase {
	bool plain;
	uint32_t mult, shift;
	int64_t offset;
	const struct hvst_time_shift *samples;
	unsigned int flags;
	uint32_t cycle_mult, cycle_shift;
};

/* The stamps of @f's CPU @cpu in its buffer @buffer. */
void hvst_timebase_init(struct hvst_timebase *tb, const struct hvst_file *f, unsigned int buffer,
			unsigned int cpu);
/* What trace-cmd report shows for the ring buffer's stamp @ts. */
uint64_t hvst_timebase_report(const struct hvst_timebase *tb, uint64_t ts);

#define HVST_TIME_MAX                                                                              \
	(INT64_MAX / 2) /* 146 years: later is nonsense, and no difference of two overflows */

/* ns from what report shows; saturated. */
static inline int64_t hvst_timebase_ns(const struct hvst_timebase *tb, uint64_t raw)
{
	unsigned __int128 v = raw;

	if (tb->cycle_mult)
		v = v * tb->cycle_mult >> tb->cycle_shift;
	return v > HVST_TIME_MAX ? HVST_TIME_MAX : (int64_t)v;
}

/*
 * What kind of clock @name is: 0 ns, 1 cycles, -EOPNOTSUPP no usable time. trace-cmd calls cycles
 * that it recorded together with their scale "tsc2nsec"; @scaled: the file has that scale.
 */
int hvst_clock_kind(const char *name, bool scaled);

#endif
