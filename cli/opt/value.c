// SPDX-License-Identifier: GPL-2.0
/* Parsers of numbers, times, sizes and event names. */
#include <errno.h>
#include <fnmatch.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <hvstimer/hvstimer.h>

#include "../array.h"
#include "../nearest.h"
#include "value.h"

static bool parse_digits(const char **text, unsigned long max, unsigned long *v)
{
	char *end;

	if (**text < '0' || **text > '9')
		return false;
	errno = 0;
	*v = strtoul(*text, &end, 10);
	*text = end;
	return !errno && *v <= max;
}

bool parse_unsigned(const char *text, unsigned long max, unsigned long *v)
{
	return parse_digits(&text, max, v) && !*text;
}

bool parse_range(const char **text, unsigned long max, unsigned long *first, unsigned long *last)
{
	if (!parse_digits(text, max, first))
		return false;
	*last = *first;
	if (**text != '-')
		return true;
	(*text)++;
	return parse_digits(text, max, last) && *first <= *last;
}

static int64_t unit_ns(const char *unit)
{
	static const struct {
		const char *name;
		int64_t ns;
	} known[] = {
		{ "", 1000000000 },   { "s", 1000000000 },    { "ms", 1000000 },
		{ "us", 1000 },	      { "\302\265s", 1000 },  { "ns", 1 },
		{ "m", 60000000000 }, { "min", 60000000000 }, { "h", 3600000000000 },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(known); i++)
		if (!strcmp(unit, known[i].name))
			return known[i].ns;
	return 0;
}

/* Digits with at most one point, in integers: 9157.411234567 s must not lose its last digits. */
bool parse_duration(const char *text, int64_t *ns)
{
	__int128 v = 0, scale = 1;
	bool point = false, digits = false;
	int64_t unit;

	for (; (*text >= '0' && *text <= '9') || (*text == '.' && !point); text++) {
		if (*text == '.') {
			point = true;
			continue;
		}
		digits = true;
		if (scale >= 1000000000000)
			continue; /* beyond a thousandth of a ns */
		v = v * 10 + (*text - '0');
		scale *= point ? 10 : 1;
		if (v > (__int128)INT64_MAX * 1000)
			return false;
	}
	text += *text == ' ';
	unit = unit_ns(text);
	if (!digits || !unit || v > (__int128)INT64_MAX * scale / unit)
		return false;
	*ns = v * unit / scale;
	return true;
}

bool parse_utc(const char *text, int64_t *epoch_ns)
{
	static const char *const formats[] = { "%Y-%m-%dT%H:%M:%S", "%Y-%m-%d %H:%M:%S" };
	char fraction[32] = "0";
	struct tm tm = { 0 };
	const char *end = NULL;
	int64_t ns = 0;
	time_t seconds;
	unsigned int i;
	size_t n;

	for (i = 0; i < ARRAY_SIZE(formats) && !end; i++)
		end = strptime(text, formats[i], &tm);
	if (!end)
		return false;
	n = strspn(end, ".0123456789");
	if (n + 1 < sizeof(fraction) && *end == '.')
		memcpy(fraction + 1, end, n);
	end += *end == '.' ? n : 0;
	end += *end == 'Z';
	seconds = timegm(&tm);
	if (*end || !parse_duration(fraction, &ns) || seconds < 0 ||
	    seconds >= INT64_MAX / 1000000000)
		return false;
	*epoch_ns = seconds * INT64_C(1000000000) + ns;
	return true;
}

bool parse_cycles(const char *text, int64_t *cycles)
{
	char digits[24];
	size_t n = strspn(text, "0123456789");
	unsigned long v;

	if (strcmp(text + n, "cyc") || n >= sizeof(digits))
		return false;
	memcpy(digits, text, n);
	digits[n] = 0;
	if (!parse_unsigned(digits, INT64_MAX, &v))
		return false;
	*cycles = v;
	return true;
}

bool parse_size(const char *text, unsigned long *kib)
{
	static const struct {
		char unit;
		unsigned long kib;
	} known[] = { { 0, 1 }, { 'K', 1 }, { 'M', 1024 }, { 'G', 1024 * 1024 } };
	char *end;
	unsigned int i;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*kib = strtoul(text, &end, 10);
	for (i = 0; i < ARRAY_SIZE(known) && *end != known[i].unit; i++)
		;
	if (errno || !*kib || i == ARRAY_SIZE(known) || (*end && end[1]) ||
	    *kib > INT_MAX / known[i].kib)
		return false;
	*kib *= known[i].kib;
	return true;
}

bool parse_percentile(const char *text, char **end, unsigned int *v)
{
	unsigned long whole, digit = 1000;

	if (*text < '0' || *text > '9')
		return false;
	whole = strtoul(text, end, 10);
	if (whole > 100)
		return false;
	*v = whole * 100;
	if (**end == '.')
		for ((*end)++; **end >= '0' && **end <= '9'; (*end)++) {
			digit /= 10;
			*v += digit / 10 * (**end - '0');
			if (!(digit / 10) && **end != '0')
				return false;
		}
	return *v <= 10000;
}

/* An event's name without "kvm_hv_", or all of it. */
static const char *short_name(const char *name)
{
	static const char prefix[] = "kvm_hv_";
	const size_t len = sizeof(prefix) - 1;

	return strncmp(name, prefix, len) ? name : name + len;
}

const char *nearest_event(const char *word)
{
	const char *names[2 * HVST_EV_COUNT + 1];
	const char *found;
	unsigned int i, n = 0;

	for (i = 0; i < HVST_EV_COUNT; i++) {
		const char *name = hvst_event_name(i);

		names[n++] = name;
		if (short_name(name) != name)
			names[n++] = short_name(name);
	}
	names[n] = NULL;
	found = nearest(word, names);
	for (i = 0; found && i < HVST_EV_COUNT; i++)
		if (!strcmp(found, hvst_event_name(i)) ||
		    !strcmp(found, short_name(hvst_event_name(i))))
			return hvst_event_name(i);
	return found;
}

/* Does "name", "system:name" or "system" mean the event? @colon: the one in @pattern; NULL: none.
 */
static bool matches(const char *pattern, const char *colon, unsigned int id)
{
	const char *system = hvst_event_system(id);
	size_t len = strlen(system);

	if (!colon)
		return !strcmp(pattern, system) || !fnmatch(pattern, hvst_event_name(id), 0);
	return (size_t)(colon - pattern) == len && !memcmp(pattern, system, len) &&
	       !fnmatch(colon + 1, hvst_event_name(id), 0);
}

uint64_t events_matching(const char *pattern)
{
	const char *colon = strchr(pattern, ':');
	uint64_t ids = 0;
	unsigned int i;

	for (i = 0; i < HVST_EV_COUNT; i++)
		if (matches(pattern, colon, i))
			ids |= 1ULL << i;
	if (!strcmp(pattern, "lost"))
		ids |= 1ULL << HVST_EV_LOST;
	return ids;
}
