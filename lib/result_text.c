/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: session. Quantities and clocks in words, for summaries and the command's output. */
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

	/* Half a digit less than a unit rounds up to it: "1.00 ms", not "1000 us". */
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
	static const struct {
		const char *bare, *with_article;
	} clocks[] = {
		[HVST_SRC_UNKNOWN] = { "not known", "a clock not known" },
		[HVST_SRC_REFERENCE_COUNTER] = { "reference counter", "the reference counter" },
		[HVST_SRC_TSC_PAGE] = { "TSC page", "the TSC page" },
		[HVST_SRC_TSC_PAGE_DISABLED] = { "TSC page, disabled", "the TSC page, disabled" },
		[HVST_SRC_TSC_EMULATED] = { "emulated TSC", "an emulated TSC" },
		[HVST_SRC_RAW_TSC] = { "TSC itself", "the TSC itself" },
		[HVST_SRC_KVMCLOCK] = { "kvmclock", "the kvmclock" },
		[HVST_SRC_ACPI_PM] = { "ACPI PM timer", "the ACPI PM timer" },
		[HVST_SRC_HPET] = { "HPET", "the HPET" },
	};

	if ((unsigned int)v >= ARRAY_SIZE(clocks))
		v = HVST_SRC_UNKNOWN;
	return article ? clocks[v].with_article : clocks[v].bare;
}
