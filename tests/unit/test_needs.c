/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lib/event/needs.c: the table of what the analysis reads names fields that exist, is the one in
 * hvstimer-record(1), and tells events that were not enabled.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../lib/event/needs.h"

#define PAGE "man/hvstimer-record.1"

static unsigned int count_words(const char *s)
{
	unsigned int n = 1;

	for (; (s = strchr(s, ' ')); s++)
		n++;
	return n;
}

static void test_fields(void **state)
{
	(void)state;
	for (unsigned int id = 0; id < HVST_EV_COUNT; id++) {
		const struct hvst_event_need *n = hvst_event_need(id);
		unsigned int bits = (unsigned int)__builtin_popcount(hvst_needed_fields(id));

		assert_int_equal(hvst_needed_events() >> id & 1, n != NULL);
		assert_int_equal(bits, n ? count_words(n->fields) : 0);
		if (!n)
			continue;
		assert_non_null(n->readers);
		assert_non_null(n->without);
	}
	assert_null(hvst_event_need(HVST_EV_COUNT));
	assert_null(hvst_event_need(UINT32_MAX));
}

static char *read_page(void)
{
	FILE *f = fopen(PAGE, "r");
	char *text = calloc(1, 65536);
	size_t got;

	assert_non_null(f);
	assert_non_null(text);
	got = fread(text, 1, 65535, f);
	assert_true(got > 0 && got < 65535);
	fclose(f);
	/* Where roff(7) may break a line. */
	for (char *at = text; (at = strstr(at, "\\:"));)
		memmove(at, at + 2, strlen(at + 2) + 1);
	return text;
}

/* The entry that the page has to have. */
static void entry(char *to, size_t size, unsigned int id)
{
	const struct hvst_event_need *n = hvst_event_need(id);
	char fields[256] = "";
	size_t len = 0;

	for (const char *p = n->fields; *p; p++)
		len += (size_t)snprintf(fields + len, sizeof(fields) - len,
					*p == ' ' ? " , " : "%c", *p);
	snprintf(to, size, ".It Li %s\nFields\n.Li %s ;\nread by: %s.\n%s%s%sWithout it %s.\n",
		 hvst_event_name(id), fields, n->readers,
		 n->filter ? "Recorded only if\n.Bd -ragged -compact -offset indent\n.Li " : "",
		 n->filter ? n->filter : "", n->filter ? " .\n.Ed\n" : "", n->without);
}

static void test_man_page(void **state)
{
	char *page = read_page(), *events = strstr(page, "\n.Ss EVENTS\n"), *end, text[1024];
	unsigned int entries = 0, rows = 0;

	(void)state;
	assert_non_null(events);
	end = strstr(events, "\n.El\n");
	assert_non_null(end);
	*end = '\0';
	strcat(events, "\n"); /* of the last entry; there is room for what was cut off */
	for (unsigned int id = 0; id < HVST_EV_COUNT; id++) {
		if (!hvst_event_need(id))
			continue;
		rows++;
		entry(text, sizeof(text), id);
		if (!strstr(events, text))
			print_error("%s lacks this entry:\n%s", PAGE, text);
		assert_non_null(strstr(events, text));
	}
	for (const char *p = events; (p = strstr(p, "\n.It ")); p++)
		entries++;
	assert_int_equal(entries, rows);
	free(page);
}

static void test_not_enabled(void **state)
{
	uint64_t seen[HVST_EV_COUNT] = { 0 }, all = hvst_needed_events();

	(void)state;
	seen[HVST_EV_STIMER_SET_COUNT] = 7;
	assert_int_equal(hvst_not_enabled(seen, all), 0);
	seen[HVST_EV_STIMER_SET_COUNT] = 8;
	seen[HVST_EV_EXIT] = 1;
	assert_int_equal(hvst_not_enabled(seen, all), 1ULL << HVST_EV_MSR | 1ULL << HVST_EV_ENTRY |
							      1ULL << HVST_EV_STIMER_EXPIRATION);
	assert_int_equal(hvst_not_enabled(seen, 1ULL << HVST_EV_MSR), 1ULL << HVST_EV_MSR);
	/* callbacks follow starts, of one kind or the other */
	seen[HVST_EV_STIMER_CALLBACK] = 100;
	seen[HVST_EV_STIMER_START_PERIODIC] = 93;
	assert_false(hvst_not_enabled(seen, all) >> HVST_EV_STIMER_START_ONE_SHOT & 1);
	seen[HVST_EV_STIMER_START_PERIODIC] = 92;
	assert_true(hvst_not_enabled(seen, all) >> HVST_EV_STIMER_START_ONE_SHOT & 1);
	seen[HVST_EV_STIMER_START_PERIODIC] = 200;
	assert_false(hvst_not_enabled(seen, all) >> HVST_EV_STIMER_START_ONE_SHOT & 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_man_page),
		cmocka_unit_test(test_not_enabled),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
