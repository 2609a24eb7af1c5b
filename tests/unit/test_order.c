// SPDX-License-Identifier: GPL-2.0
/*
 * Findings do not depend on whether events are merged strictly by time, as for an observer of
 * events, or in groups of an exit: recordings in which the two orders differ at an event that
 * concerns several vCPUs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <hvstimer/hvstimer.h>

#include "../../cli/output/contract.h"

static const char *generator; /* hvst-gen of the same build */

static int count_event(void *ctx, const struct hvst_event *ev)
{
	(void)ev;
	++*(uint64_t *)ctx;
	return 0;
}

/* The findings as diagnose --json writes them; to be freed. */
static char *findings(const char *dat, const char *ignored, bool strictly)
{
	const struct hvst_observer obs = { .size = sizeof(obs), .event = count_event };
	struct hvst_session *s = hvst_session_new();
	uint64_t events = 0;
	struct out out;
	char *text;

	assert_non_null(s);
	assert_int_equal(hvst_session_add_file(s, dat), 0);
	if (ignored)
		assert_int_equal(hvst_session_ignore(s, ignored), 0);
	assert_int_equal(hvst_session_open(s), 0);
	if (strictly)
		assert_int_equal(hvst_session_set_observer(s, &obs, &events), 0);
	assert_int_equal(hvst_session_run(s), 0);
	assert_true(!strictly == !events);
	out_open_memory(&out);
	contract_diagnosis(&out, hvst_session_trace(s), hvst_session_result(s), NULL);
	text = strndup(out.buf, out.len);
	assert_non_null(text);
	assert_true(strlen(text) > 1000);
	out_discard(&out);
	hvst_session_free(s);
	return text;
}

static void show(const char *a, const char *b)
{
	size_t at = 0, from;

	while (a[at] && a[at] == b[at])
		at++;
	from = at < 200 ? 0 : at - 200;
	printf("in groups:  ...%.400s\nby time:    ...%.400s\n", a + from, b + from);
}

static void same(const char *kind, const char *seed, const char *ignored)
{
	char command[512], dir[] = "/tmp/test_order.XXXXXX", dat[64];
	char *grouped, *strict;

	assert_non_null(mkdtemp(dir));
	snprintf(dat, sizeof(dat), "%s/a.dat", dir);
	snprintf(command, sizeof(command), "%s %s %s -o %s", generator, kind, seed, dat);
	assert_int_equal(system(command), 0);
	grouped = findings(dat, ignored, false);
	strict = findings(dat, ignored, true);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
	if (strcmp(grouped, strict) != 0)
		show(grouped, strict);
	assert_string_equal(grouped, strict);
	free(grouped);
	free(strict);
}

/* Two vCPUs enter the guest within 2 us after it switched its TSC page off. */
static void test_first_entry(void **state)
{
	(void)state;
	same("--random", "120", NULL);
	same("--random", "167", NULL);
}

/* One vCPU clears its timers while another one arms its own. */
static void test_cleared(void **state)
{
	(void)state;
	same("--random", "95", NULL);
	same("--random", "98", NULL);
}

/* The TSC page is switched off between one vCPU's write of its count and the delivery. */
static void test_page(void **state)
{
	(void)state;
	same("--random", "870426", "kvm_hv_stimer_start_expired");
}

/* Each CPU has a clock of its own. */
static void test_local_clock(void **state)
{
	(void)state;
	same("--random", "870376", NULL);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_entry),
		cmocka_unit_test(test_cleared),
		cmocka_unit_test(test_page),
		cmocka_unit_test(test_local_clock),
	};
	static char path[512];

	(void)argc;
	snprintf(path, sizeof(path), "%.*s/../../hvst-gen", (int)(strrchr(argv[0], '/') - argv[0]),
		 argv[0]);
	generator = path;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
