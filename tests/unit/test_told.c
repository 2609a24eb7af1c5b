// SPDX-License-Identifier: GPL-2.0
/*
 * watch --diagnose: what is told of a result, given what was told of the one before. A storm is
 * told of when it begins, changes and ends, and not again when a new pass knows only its later
 * part.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../cli/watch/told.h"
#include "lists.h"

#define S 1000000000LL

static struct watch_told told;
static struct hvst_storm storms[WATCH_TOLD_STORMS + 50];
static const struct hvst_storm *storm_list[WATCH_TOLD_STORMS + 50];
static struct hvst_verdict verdicts[HVST_Q_COUNT];
static const struct hvst_verdict *verdict_list[HVST_Q_COUNT];
static struct hvst_result result;
static struct hvst_trace trace;

static int begin(void **state)
{
	(void)state;
	memset(&told, 0, sizeof(told));
	memset(&result, 0, sizeof(result));
	memset(&trace, 0, sizeof(trace));
	LIST(storm_list, storms);
	LIST(verdict_list, verdicts);
	result.storms = storm_list;
	result.verdicts = verdict_list;
	result.nr_verdicts = HVST_Q_COUNT;
	for (unsigned int q = 0; q < HVST_Q_COUNT; q++)
		verdicts[q] =
			(struct hvst_verdict){ .question = q, .answer = HVST_NO, .summary = "why" };
	return 0;
}

static struct hvst_storm storm(int tid, int64_t start, int64_t end, bool open)
{
	return (struct hvst_storm){ .tid = tid,
				    .start_ns = start,
				    .end_ns = end,
				    .open = open,
				    .past_due = 1000,
				    .kind = HVST_STORM_CONSTANT };
}

/* The lines told now, their times left out, until the next call. */
static const char *tell(unsigned int nr_storms)
{
	static char text[65536];
	struct watch_names names = { 0 };
	char *to = text;
	struct out out;

	result.nr_storms = nr_storms;
	out_open_memory(&out);
	watch_tell(&told, &out, false, &trace, &result, &names);
	for (size_t at = 0; at < out.len; at++) {
		if (!at || out.buf[at - 1] == '\n')
			at += strlen("2026-11-28T22:00:00Z ");
		*to++ = out.buf[at];
	}
	*to = '\0';
	out_discard(&out);
	watch_names_free(&names);
	return text;
}

static void expect(unsigned int nr_storms, const char *line)
{
	const char *text = tell(nr_storms);

	if (strncmp(text, line, strlen(line)) || (!*line && *text))
		fail_msg("told: \"%s\", not \"%s...\"", text, line);
	if (*line && strchr(text, '\n') != text + strlen(text) - 1)
		fail_msg("told more than a line: \"%s\"", text);
}

static void a_storm_begins_changes_and_ends(void **state)
{
	(void)state;
	expect(0, "");
	storms[0] = storm(7, 10 * S, 11 * S, true);
	expect(1, "storm: VM ? (pid 0) vCPU 0 timer 0 (tid 7): constant, 1,000 past-due arms in "
		  "1.00 s from 10.000000 s on\n");
	assert_true(watch_told_open(&told));
	storms[0].end_ns = 12 * S;
	expect(1, "");
	storms[0].cause = HVST_CAUSE_HOST_STEP;
	expect(1, "storm changed: VM ");
	storms[0].kind = HVST_STORM_GROWING;
	expect(1, "storm changed: VM ");
	storms[0].open = false;
	expect(1, "storm ended: VM ");
	assert_false(watch_told_open(&told));
	expect(1, "");
	assert_int_equal(told.total, 1);
}

static void a_new_pass_tells_nothing_again(void **state)
{
	(void)state;
	storms[0] = storm(7, 10 * S, 20 * S, true);
	storms[0].cause = HVST_CAUSE_HOST_STEP;
	expect(1, "storm: VM ");
	/* What set it off, and its beginning, are not known any more. */
	storms[0] = storm(7, 18 * S, 21 * S, true);
	expect(1, "");
	storms[0].end_ns = 30 * S;
	storms[0].open = false;
	expect(1, "storm ended: ");
	/* Another thread, another timer, or later: another storm. */
	storms[1] = storm(8, 18 * S, 21 * S, false);
	expect(2, "storm: ");
	storms[2] = storm(8, 18 * S, 21 * S, false);
	storms[2].timer = 1;
	expect(3, "storm: ");
	storms[3] = storm(8, 22 * S, 23 * S, false);
	expect(4, "storm: ");
	assert_int_equal(told.total, 4);
}

static void of_many_the_newest_are_told(void **state)
{
	const unsigned int many = WATCH_TOLD_STORMS + 50;
	unsigned int lines = 0;

	(void)state;
	for (unsigned int i = 0; i < many; i++)
		storms[i] = storm((int)i, 10 * S + i, 11 * S, false);
	for (const char *at = tell(many); (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, WATCH_TOLD_STORMS);
	expect(many, "");
}

static void answers_and_losses(void **state)
{
	struct hvst_vm_verdict vms[2] = { { .vm = 0, .answer = HVST_YES }, { .vm = 1 } };
	const struct hvst_vm_verdict *const by_vm[2] = { &vms[0], &vms[1] };
	struct hvst_verdict *v = &verdicts[HVST_Q_GUEST_CLOCK_BEHIND];

	(void)state;
	expect(0, "");
	verdicts[HVST_Q_STORM].answer = HVST_YES; /* storms have lines of their own */
	expect(0, "");
	v->answer = HVST_YES;
	v->by_vm = by_vm;
	v->nr_by_vm = 2;
	expect(0, "finding: guest clock behind: why\n");
	expect(0, "");
	vms[1].answer = HVST_YES;
	expect(0, "finding: guest clock behind: why\n");
	vms[1].answer = HVST_NO;
	expect(0, "");
	trace.lost_places = 1;
	expect(0, "lost: an unknown number of events in 1 place so far\n");
	trace.lost_events = 2000;
	trace.lost_places = 3;
	expect(0, "lost: 2,000 events in 3 places so far\n");
	expect(0, "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_storm_begins_changes_and_ends, begin),
		cmocka_unit_test_setup(a_new_pass_tells_nothing_again, begin),
		cmocka_unit_test_setup(of_many_the_newest_are_told, begin),
		cmocka_unit_test_setup(answers_and_losses, begin),
	};

	setenv("HVSTIMER_PROC", "/nonexistent", 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
