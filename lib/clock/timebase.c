/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: clock. The conversions of time stamps that trace-cmd report applies, and the scale to ns.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "../base/array.h"
#include "timebase.h"

#define SHIFT_INTERPOLATE 1 /* flag of option TIME_SHIFT */

void hvst_timebase_init(struct hvst_timebase *tb, const struct hvst_file *f, unsigned int buffer,
			unsigned int cpu)
{
	memset(tb, 0, sizeof(*tb));
	tb->mult = f->tsc_mult;
	tb->shift = f->tsc_shift;
	tb->offset = f->ts_offset;
	tb->flags = f->shift_flags;
	/* trace-cmd corrects the top buffer only */
	if (!f->buffers[buffer].name[0] && cpu < f->nr_shift && f->shift[cpu].nr)
		tb->samples = &f->shift[cpu];
	tb->plain = !tb->mult && !tb->offset && !tb->samples;
}

/* Invalid samples give an invalid time stamp, but must not cause undefined behaviour. */
static uint64_t correct(const struct hvst_timebase *tb, uint64_t ts,
			const struct hvst_time_sample *s)
{
	__int128 delta = (__int128)s[1].time - s[0].time, since = (__int128)(int64_t)ts - s[0].time,
		 rise;
	uint64_t by = (uint64_t)s[0].offset;

	if (tb->flags & SHIFT_INTERPOLATE && delta > 0 &&
	    !__builtin_mul_overflow(since, (__int128)s[1].offset - s[0].offset, &rise) &&
	    !__builtin_add_overflow(rise, delta / 2, &rise))
		by += (uint64_t)(rise / delta);
	return (ts * s[0].scaling >> s[0].fraction) + by;
}

/* Converts a guest's stamp to host time, by the two samples around it, or the two nearest. */
static uint64_t to_host(const struct hvst_timebase *tb, uint64_t ts)
{
	const struct hvst_time_shift *sh = tb->samples;
	unsigned int lo = 0, hi = sh->nr - 1;

	if (sh->nr == 1)
		return ts + (uint64_t)sh->samples[0].offset;
	while (hi - lo > 1) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (ts < (uint64_t)sh->samples[mid].time)
			hi = mid;
		else
			lo = mid;
	}
	return correct(tb, ts, &sh->samples[lo]);
}

uint64_t hvst_timebase_report(const struct hvst_timebase *tb, uint64_t ts)
{
	if (tb->samples)
		ts = to_host(tb, ts);
	if (tb->mult)
		ts = (uint64_t)((unsigned __int128)ts * tb->mult >> tb->shift);
	return ts + (uint64_t)tb->offset;
}

int hvst_clock_kind(const char *name, bool scaled)
{
	static const char *const ns[] = { "local",    "global", "perf", "mono",
					  "mono_raw", "boot",	"tai",	"tsc2nsec" };

	if (scaled)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(ns); i++)
		if (!strcmp(name, ns[i]))
			return 0;
	return strcmp(name, "x86-tsc") ? -EOPNOTSUPP : 1;
}
