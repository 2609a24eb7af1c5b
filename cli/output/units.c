// SPDX-License-Identifier: GPL-2.0
/* Numbers for people. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <hvstimer/result.h>
#include <hvstimer/text.h>

#include "units.h"

static uint64_t magnitude(int64_t ns)
{
	return ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
}

char *unit_duration(char *buf, int64_t ns)
{
	return hvst_text_duration(ns, buf);
}

char *unit_signed(char *buf, int64_t ns)
{
	return hvst_text_signed(ns, buf);
}

char *unit_time(char *buf, int64_t ns)
{
	uint64_t us = (magnitude(ns) + 500) / 1000;

	if (ns == HVST_UNKNOWN)
		return strcpy(buf, "?");
	snprintf(buf, UNIT_BUF, "%s%llu.%06llu", ns < 0 ? "-" : "",
		 (unsigned long long)(us / 1000000), (unsigned long long)(us % 1000000));
	return buf;
}

static int64_t utc_of_zero = HVST_UNKNOWN;

void unit_set_utc(int64_t epoch_ns)
{
	utc_of_zero = epoch_ns;
}

int64_t unit_utc_ns(int64_t ns)
{
	int64_t wall;

	if (ns == HVST_UNKNOWN || utc_of_zero == HVST_UNKNOWN ||
	    __builtin_add_overflow(ns, utc_of_zero, &wall) || wall < 0)
		return HVST_UNKNOWN;
	return wall;
}

static char *wall_clock(char *buf, const char *format, int64_t ns, const char *zone)
{
	int64_t wall = unit_utc_ns(ns), ms;
	time_t seconds;
	struct tm tm;
	size_t n;

	if (wall == HVST_UNKNOWN)
		return strcpy(buf, "-");
	ms = wall / 1000000;
	seconds = ms / 1000;
	n = gmtime_r(&seconds, &tm) ? strftime(buf, UNIT_BUF, format, &tm) : 0;
	snprintf(buf + n, UNIT_BUF - n, ".%03d%s", (int)(ms % 1000), zone);
	return buf;
}

char *unit_utc(char *buf, int64_t ns)
{
	return wall_clock(buf, "%Y-%m-%d %H:%M:%S", ns, " UTC");
}

char *unit_utc_time(char *buf, int64_t ns)
{
	return wall_clock(buf, "%H:%M:%S", ns, "");
}

char *unit_edge(char *buf, int64_t ns)
{
	static const struct unit {
		uint64_t ns;
		const char *name;
	} units[] = {
		{ 1000000000, "s" },
		{ 1000000, "ms" },
		{ 1000, "us" },
		{ 1, "ns" },
	};
	const struct unit *u = units;
	uint64_t abs = magnitude(ns);

	while (u->ns > 1 && abs < u->ns)
		u++;
	if (!abs)
		snprintf(buf, UNIT_BUF, "0");
	else
		snprintf(buf, UNIT_BUF, "%s%.10g %s", ns < 0 ? "-" : "", (double)abs / u->ns,
			 u->name);
	return buf;
}

char *unit_count(char *buf, uint64_t n)
{
	return hvst_text_count(n, buf);
}

char *unit_rate(char *buf, double hz)
{
	if (!isfinite(hz) || hz < 0)
		return strcpy(buf, "?");
	if (hz < 9.95 || hz > 1e18)
		snprintf(buf, UNIT_BUF, "%.2g/s", hz);
	else
		strcat(unit_count(buf, (uint64_t)(hz + 0.5)), "/s");
	return buf;
}

char *unit_ppm(char *buf, double ppm)
{
	if (isnan(ppm))
		return strcpy(buf, "?");
	if (fabs(ppm) < 0.05) /* not "-0.0" */
		ppm = 0;
	snprintf(buf, UNIT_BUF, fabs(ppm) < 9.95 ? "%+.1f ppm" : "%+.0f ppm", ppm);
	return buf;
}

char *unit_share(char *buf, double share)
{
	if (!(share >= 0))
		return strcpy(buf, "?");
	snprintf(buf, UNIT_BUF, share < 0.0995 ? "%.1f %%" : "%.0f %%", share * 100);
	return buf;
}

uint64_t storm_size(const struct hvst_storm *s)
{
	return s->kind == HVST_STORM_LIVELOCK ? s->arms : s->past_due;
}
