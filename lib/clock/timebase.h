/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: clock. Converts time stamps of the ring buffer to those that trace-cmd report shows, and
 * to ns.
 */
#ifndef HVST_CLOCK_TIMEBASE_H
#define HVST_CLOCK_TIMEBASE_H

#include <hvstimer/event.h>

#include "../file/file.h"

/**
 * struct hvst_timebase - how the time stamps of one CPU of a file are converted
 * @plain: no conversion: the stamps are ns
 * @mult, @shift: option TSC2NSEC; @mult 0: not in the file
 * @offset: sum of the options DATE and OFFSET, ns
 * @samples, @flags: option TIME_SHIFT; @samples NULL: not for this CPU
 * @cycle_mult, @cycle_shift: estimated ns of a cycle, where report shows cycles; @cycle_mult 0:
 *	no estimate
 */
struct hvst_timebase {
	bool plain;
	uint32_t mult, shift;
	int64_t offset;
	const struct hvst_time_shift *samples;
	unsigned int flags;
	uint32_t cycle_mult, cycle_shift;
};

/* Initialises the conversion of stamps of CPU @cpu in buffer @buffer of @f. */
void hvst_timebase_init(struct hvst_timebase *tb, const struct hvst_file *f, unsigned int buffer,
			unsigned int cpu);
/* Returns what trace-cmd report shows for the ring buffer's stamp @ts. */
uint64_t hvst_timebase_report(const struct hvst_timebase *tb, uint64_t ts);

/* 146 years. Later times are invalid, so that no difference of two times overflows. */
#define HVST_TIME_MAX (INT64_MAX / 2)

/* Converts what report shows to ns, saturated at HVST_TIME_MAX. */
static inline int64_t hvst_timebase_ns(const struct hvst_timebase *tb, uint64_t raw)
{
	unsigned __int128 v = raw;

	if (tb->cycle_mult)
		v = v * tb->cycle_mult >> tb->cycle_shift;
	return v > HVST_TIME_MAX ? HVST_TIME_MAX : (int64_t)v;
}

/*
 * Returns the kind of clock that @name is: 0 ns, 1 cycles, -EOPNOTSUPP no usable time. @scaled: the
 * file has the scale of its cycles (trace-cmd record -C tsc2nsec).
 */
int hvst_clock_kind(const char *name, bool scaled);

#endif
