/* SPDX-License-Identifier: LGPL-2.1 */
/* Quantities in words. */
#include <stdio.h>
#include <string.h>

#include <hvstimer/result.h>
#include <hvstimer/text.h>

#include "base/array.h"

static uint64_t magnitude(int64_t ns)
{
	return ns < 0 ? -(uint64_t)ns : (uint64_t)ns;
}

static char *duration(const char *sign, uint64_t abs, char *buf)
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
	double v;

	/* Rounding must not end in "1000 us", hence the half digit. */
	while (u->ns > 1 && abs < u->ns - u->ns / 2000)
		u++;
	v = (double)abs / (double)u->ns;
	if (!abs)
		snprintf(buf, HVST_TEXT_BUF, "0");
	else
		snprintf(buf, HVST_TEXT_BUF, "%s%.*f %s", sign,
			 u->ns == 1 || v >= 99.95 ? 0
			 : v >= 9.995		  ? 1
						  : 2,
			 v, u->name);
	return buf;
}

char *hvst_text_duration(int64_t ns, char *buf)
{
	if (ns == HVST_UNKNOWN)
		return strcpy(buf, "?");
	return duration(ns < 0 ? "-" : "", magnitude(ns), buf);
}

char *hvst_text_signed(int64_t ns, char *buf)
{
	if (ns == HVST_UNKNOWN)
		return strcpy(buf, "?");
	return duration(ns < 0 ? "-" : "+", magnitude(ns), buf);
}

char *hvst_text_count(uint64_t n, char *buf)
{
	char digits[24];
	int len = snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	char *p = buf;

	for (int i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			*p++ = ',';
		*p++ = digits[i];
	}
	*p = 0;
	return buf;
}

const char *hvst_guest_source_text(enum hvst_guest_source v, bool article)
{
	/* Without its article a name begins at @bare. */
	static const struct {
		const char *text;
		unsigned int bare;
	} clocks[] = {
		[HVST_SRC_UNKNOWN] = { "a clock not known", 8 },
		[HVST_SRC_REFERENCE_COUNTER] = { "the reference counter", 4 },
		[HVST_SRC_TSC_PAGE] = { "the TSC page", 4 },
		[HVST_SRC_TSC_PAGE_DISABLED] = { "the TSC page, disabled", 4 },
		[HVST_SRC_TSC_EMULATED] = { "an emulated TSC", 3 },
		[HVST_SRC_RAW_TSC] = { "the TSC itself", 4 },
		[HVST_SRC_KVMCLOCK] = { "the kvmclock", 4 },
		[HVST_SRC_ACPI_PM] = { "the ACPI PM timer", 4 },
		[HVST_SRC_HPET] = { "the HPET", 4 },
	};

	if ((unsigned int)v >= ARRAY_SIZE(clocks))
		v = HVST_SRC_UNKNOWN;
	return clocks[v].text + (article ? 0 : clocks[v].bare);
}
