// SPDX-License-Identifier: GPL-2.0
/*
 * The screen of diagnose and the other texts, on hand-made findings: it fits, says what is there,
 * and is safe.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "../../cli/output/next.h"
#include "../../cli/output/text.h"
#include "../../cli/output/words.h"
#include "lists.h"

#define STORMS 40

static const struct hvst_file_info file = { .path = "tr\033[2Jace.dat",
					    .version = 7,
					    .compression = "zstd",
					    .truncated_at = 4096,
					    .reader = "pages" };
static const struct hvst_buffer_info buffer = {
	.name = "boot\033_map", .clock = "mono", .cpus = 2, .selected = true, .previous_boot = true
};
static const struct hvst_vcpu_info vcpus[] = { { .vcpu = 0, .tid = 155 },
					       { .vcpu = 1, .tid = 156 } };
static const struct hvst_vcpu_info *const vcpu_list[] = { &vcpus[0], &vcpus[1] };
static const struct hvst_vm vms[] = { { .vm = 0,
					.name = "win\0332025",
					.epoch_ns = 5745616000,
					.vcpus = vcpu_list,
					.nr_vcpus = 2 } };
static const struct hvst_timer timers[] = {
	{ .vm = 0,
	  .vcpu = 0,
	  .tid = 155,
	  .mode = HVST_MODE_ONE_SHOT,
	  .delivery = HVST_DELIVERY_DIRECT,
	  .arms = 14041,
	  .past_due_observed = 10424 },
	{ .vm = 0,
	  .vcpu = 1,
	  .tid = 156,
	  .mode = HVST_MODE_PERIODIC,
	  .delivery = HVST_DELIVERY_MESSAGE,
	  .arms = 99 },
	{ .vm = -1, .vcpu = 7, .tid = 999, .timer = 3, .mode = HVST_MODE_NONE },
};
static struct hvst_storm storms[STORMS];
static struct hvst_ref_segment reference[2];
static struct hvst_guest_transition guest[STORMS];
static struct hvst_past_due past_due;
static struct hvst_verdict verdicts[HVST_Q_COUNT];
static const struct hvst_file_info *const file_list[] = { &file };
static const struct hvst_buffer_info *const buffer_list[] = { &buffer };
static const struct hvst_vm *const vm_list[] = { &vms[0] };
static const struct hvst_timer *const timer_list[] = { &timers[0], &timers[1], &timers[2] };
static const struct hvst_storm *storm_list[STORMS];
static const struct hvst_ref_segment *reference_list[2];
static const struct hvst_guest_transition *guest_list[STORMS];
static const struct hvst_verdict *verdict_list[HVST_Q_COUNT];
static struct hvst_trace trace;
static struct hvst_result result;

static void add_evidence(struct hvst_evidence_list *l)
{
	l->n = 1;
	l->e[0] = (struct hvst_evidence){
		.event = HVST_EV_MSR, .ts_ns = 9156650000, .cpu = 1, .tid = 155
	};
	strcpy(l->e[0].text, "guest writes HV_REFERENCE_TSC");
}

static void make_findings(unsigned int nr)
{
	unsigned int i;

	for (i = 0; i < STORMS; i++) {
		storms[i] = (struct hvst_storm){
			.vm = 0,
			.vcpu = 0,
			.tid = 155,
			.start_ns = 9157412000LL + i * 1000000000LL,
			.end_ns = 9814134000LL + i * 1000000000LL,
			.arms = 1980,
			.past_due = 1980,
			.rate_hz = 3013,
			.skew_start_ns = 3301255000,
			.skew_max_ns = 3301255000,
			.skew_end_ns = HVST_UNKNOWN,
			.kind = HVST_STORM_BACKLOG,
			.period_ref = 20000,
			.predicted_end_ns = HVST_UNKNOWN,
			.progress_before = -1,
			.progress_during = -1,
			.trigger_event = -1,
			.open = i == 1,
		};
		guest[i] = (struct hvst_guest_transition){
			.vm = 0,
			.vcpu = -1,
			.tid = -1,
			.role = HVST_ROLE_STIMER,
			.ts_ns = 9156650000,
			.from = HVST_SRC_TSC_PAGE,
			.to = HVST_SRC_RAW_TSC,
			.offset_ns = HVST_UNKNOWN,
			.rate_ppm = NAN,
			.rate_ppm_error = NAN,
			.confidence = HVST_INFERRED,
		};
		add_evidence(&guest[i].evidence);
	}
	reference[0] = (struct hvst_ref_segment){ .from_ns = 0,
						  .to_ns = 1000,
						  .rate_ppm = NAN,
						  .rate_ppm_error = NAN,
						  .step_ns = HVST_UNKNOWN };
	reference[1] = (struct hvst_ref_segment){ .from_ns = 1000,
						  .to_ns = 2000,
						  .rate_ppm = 1.5,
						  .rate_ppm_error = 0.5,
						  .step_ns = 2999851000 };
	LIST(storm_list, storms);
	LIST(guest_list, guest);
	LIST(reference_list, reference);
	LIST(verdict_list, verdicts);
	past_due = (struct hvst_past_due){ 3, 12, 10, 2, 3 };
	result = (struct hvst_result){
		.vms = vm_list,
		.nr_vms = 1,
		.timers = timer_list,
		.nr_timers = 3,
		.storms = storm_list,
		.nr_storms = nr,
		.past_due = &past_due,
		.reference = reference_list,
		.nr_reference = 2,
		.guest = guest_list,
		.nr_guest = nr,
		.verdicts = verdict_list,
		.nr_verdicts = HVST_Q_COUNT,
	};
	strcpy(result.headline, "TIMER STORM: the guest replays missed ticks");
	strcpy(result.advice, "Find what moved the clock.");
	for (i = 0; i < HVST_Q_COUNT; i++) {
		verdicts[i] = (struct hvst_verdict){ .question = i,
						     .answer = i % 3,
						     .missing = i % 3 ? 0 : 1ULL << HVST_EV_MSR };
		snprintf(verdicts[i].summary, sizeof(verdicts[i].summary), "summary of question %u",
			 i);
		add_evidence(&verdicts[i].evidence);
	}
}

static void make_trace(void)
{
	trace = (struct hvst_trace){
		.files = file_list,
		.nr_files = 1,
		.buffers = buffer_list,
		.clock = "mono",
		.cpus = 2,
		.first_ns = 0,
		.last_ns = 18400000000,
		.events = 330696,
		.relevant = 197931,
		.ignored = 5,
		.lost_places = 2,
		.lost_events = 210,
		.lost_ns = 3000000,
		.padding_ns = 10000,
		.incomplete = true,
	};
}

static const char *screen(unsigned int height, unsigned int width, bool verbose)
{
	static char buf[65536];
	struct out o;

	out_open_memory(&o);
	o.width = width;
	o.height = height;
	text_diagnosis(&o, &trace, &result, verbose);
	assert_true(o.len < sizeof(buf));
	memcpy(buf, o.buf, o.len);
	buf[o.len] = 0;
	out_discard(&o);
	return buf;
}

static unsigned int lines(const char *text, size_t *longest)
{
	unsigned int n = 0;

	*longest = 0;
	for (; *text; n++) {
		size_t len = strcspn(text, "\n");

		/* a command to copy stands on one line */
		if (len > *longest && !memmem(text, len, "trace-cmd record", 16))
			*longest = len;
		text += len + (text[len] == '\n');
	}
	return n;
}

static int setup(void **state)
{
	(void)state;
	make_trace();
	make_findings(STORMS);
	return 0;
}

static void fits_the_screen(void **state)
{
	unsigned int n, width;
	size_t longest;

	(void)state;
	n = lines(screen(24, 80, false), &longest);
	print_message("# %u lines, %zu columns\n", n, longest);
	assert_true(n < 24);
	assert_true(longest <= 80);
	for (width = 40; width <= 200; width++) {
		lines(screen(24, width, width & 1), &longest);
		if (longest > (width < 72 ? 72 : width)) /* tables shrink so far */
			fail_msg("%zu columns of %u:\n%s", longest, width,
				 screen(24, width, width & 1));
	}
	assert_true(lines(screen(0, 80, false), &longest) > n);
}

static void says_what_is_there(void **state)
{
	static const char *const parts[] = {
		"TIMER STORM",
		"Next: Find what",
		"(v7, zstd), clock mono, 18.4 s, at least 2 CPUs",
		"330,696 events, 197,931 of them used",
		"5 ignored",
		"210 lost in 2 places (3.00 ms)",
		"cut off at byte 4096",
		"_map is a persistent ring buffer of the previous boot",
		"interrupted",
		"by 10.0 us (padding)",
		"14,041",
		"+3.30 s",
		"reference clock stepped +3.00 s",
		"15 past-due arms outside storms",
		"10 by a short deadline",
		"2 by preemption",
		"3 unexplained",
		"storm",
		"cannot tell",
		"more storms: hvstimer storms",
		">657 ms",
	};
	const char *text;
	unsigned int i;

	(void)state;
	trace.nr_buffers = 1;
	text = screen(30, 200, false);
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		if (!strstr(text, parts[i]))
			fail_msg("'%s' is not in:\n%s", parts[i], text);
	assert_null(strchr(text, '\033'));
	assert_null(strstr(text, "summary of question"));
}

/* Tables that are cut keep the timers with storms, and the changes that set storms off. */
static void rows_that_matter_stay(void **state)
{
	static struct hvst_timer many[30];
	static const struct hvst_timer *list[30];
	const char *text;

	(void)state;
	for (int i = 0; i < 30; i++)
		many[i] = (struct hvst_timer){ .vcpu = i, .tid = 300 + i, .arms = 5000 + i };
	LIST(list, many);
	result.timers = list;
	result.nr_timers = 30;
	result.headline_storm = &storms[0];
	storms[0].tid = 315;
	storms[5].tid = 320;
	for (int i = 0; i < STORMS; i++)
		guest[i].ts_ns = (100 + i) * 1000000000LL;
	storms[7].cause = HVST_CAUSE_SOURCE_SWITCH;
	storms[7].cause_ts_ns = guest[33].ts_ns;
	text = screen(60, 200, false);
	assert_non_null(strstr(text, "5,015"));
	assert_non_null(strstr(text, "5,020"));
	assert_null(strstr(text, "5,019"));
	assert_non_null(strstr(text, "133.000000"));
	assert_null(strstr(text, "132.000000"));
}

static void verbose_leaves_nothing_out(void **state)
{
	const char *text = screen(24, 100, true);
	char part[32];
	unsigned int i;

	(void)state;
	for (i = 0; i < HVST_Q_COUNT; i++) {
		snprintf(part, sizeof(part), "summary of question %u", i);
		assert_non_null(strstr(text, part));
		assert_non_null(strstr(text, words_question(i)));
	}
	assert_null(strstr(text, " more "));
	assert_non_null(strstr(text, "needs: kvm_msr"));
	assert_non_null(strstr(text, "9.156650 kvm_msr [001]: guest writes HV_REFERENCE_TSC"));
	assert_non_null(strstr(text, "48.157412")); /* the last storm */
}

static void nothing_found(void **state)
{
	const char *text;

	(void)state;
	make_findings(0);
	result.nr_timers = result.nr_reference = result.nr_vms = 0;
	past_due = (struct hvst_past_due){ 0 };
	text = screen(24, 80, false);
	assert_non_null(strstr(text, "Storms   none"));
	assert_non_null(strstr(text, "Timers   none was armed"));
	assert_non_null(strstr(text, "Clocks   a step with one reading after it"));
	assert_null(strstr(text, "outside storms"));
	verdicts[HVST_Q_HOST_REFERENCE_STEP].answer = HVST_NO;
	assert_non_null(strstr(screen(24, 80, false), "Clocks   no step"));
}

/* Thread 155 was vCPU 0, and later, its id reused, vCPU 3 of another VM. */
static void reused_thread_ids(void **state)
{
	static const struct hvst_vcpu_info later = { .vcpu = 3, .tid = 155, .first_ns = 9000 };
	static const struct hvst_vcpu_info *const later_list[] = { &later };
	static const struct hvst_vm second = { .vm = 1, .vcpus = later_list, .nr_vcpus = 1 };
	static const struct hvst_vm *const both[] = { &vms[0], &second };
	struct hvst_vm_verdict of[2] = { { .vm = 0, .answer = HVST_YES }, { .vm = 1 } };
	static const struct hvst_vm_verdict *by[2];
	char buf[NEXT_BUF];

	(void)state;
	by[0] = &of[0];
	by[1] = &of[1];
	result.vms = both;
	result.nr_vms = 2;
	result.headline_fault = HVST_Q_LOST_TIMER;
	assert_non_null(strstr(next_command(buf, &trace, &result), "--vcpu 3"));
	verdicts[HVST_Q_LOST_TIMER].evidence.e[0].ts_ns = 8999;
	assert_non_null(strstr(next_command(buf, &trace, &result), "--vcpu 0"));
	/* The VM is known, the times are not: findings that were read from a file. */
	verdicts[HVST_Q_LOST_TIMER].by_vm = by;
	verdicts[HVST_Q_LOST_TIMER].nr_by_vm = 2;
	verdicts[HVST_Q_LOST_TIMER].evidence.e[0].ts_ns = 9156650000;
	assert_non_null(strstr(next_command(buf, &trace, &result), "--vm 0 --vcpu 0"));
}

static void storm_details(void **state)
{
	struct out o;

	(void)state;
	out_open_memory(&o);
	text_storm_details(&o, &result, &result, true);
	out_char(&o, 0);
	assert_non_null(strstr(o.buf, "Storm 40: VM 0 vCPU 0 timer 0 (tid 155)"));
	assert_non_null(strstr(o.buf, "+3.30 s at the start, +3.30 s at most, ? at the end"));
	assert_non_null(strstr(o.buf, "period      2.00 ms"));
	assert_non_null(strstr(o.buf, "not seen"));
	assert_non_null(strstr(o.buf, "no clock event"));
	assert_null(strstr(o.buf, "progress"));
	assert_null(strstr(o.buf, "would end"));
	out_discard(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(fits_the_screen, setup),
		cmocka_unit_test_setup(says_what_is_there, setup),
		cmocka_unit_test_setup(rows_that_matter_stay, setup),
		cmocka_unit_test_setup(verbose_leaves_nothing_out, setup),
		cmocka_unit_test_setup(nothing_found, setup),
		cmocka_unit_test_setup(storm_details, setup),
		cmocka_unit_test_setup(reused_thread_ids, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
