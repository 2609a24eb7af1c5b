// SPDX-License-Identifier: GPL-2.0
/* The expression language: its grammar, its limits, and its values for each kind of thing. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../cli/filter/filter.h"

static struct hvst_event msr_event = {
	.ts_ns = 9157411234,
	.pid = 155,
	.cpu = 3,
	.id = HVST_EV_MSR,
	.present = 0xff,
	.vcpu_id = -1,
	.msr = { .data = 0x40001, .ecx = 0x40000021, .write = 1 },
};
static struct hvst_event start_event = {
	.ts_ns = 9157412195,
	.pid = 155,
	.cpu = 1,
	.id = HVST_EV_STIMER_START_EXPIRED,
	.present = 0xff,
	.vcpu_id = 0,
	.start = { 64115353, 31102803, 0 },
};
static const struct hvst_storm storm = {
	.vm = 2,
	.vcpu = 1,
	.tid = 155,
	.start_ns = 9157412195,
	.end_ns = 9814134404,
	.past_due = 1980,
	.rate_hz = 3013.4,
	.skew_max_ns = 3301255000,
	.skew_end_ns = HVST_UNKNOWN,
	.kind = HVST_STORM_BACKLOG,
	.cause = HVST_CAUSE_SOURCE_SWITCH,
	.progress_before = -1,
};

static struct filter_event what(const struct hvst_event *ev)
{
	return (struct filter_event){
		.ev = ev,
		.vm = 0,
		.vcpu = ev->vcpu_id,
		.timer = ev->id == HVST_EV_MSR ? -1 : 0,
		.comm = "CPU 0/KVM",
		.arm = ev->id == HVST_EV_MSR ? NULL : "past_due",
		.skew_ns = ev->id == HVST_EV_MSR ? HVST_UNKNOWN : 3301255000,
		.late_ns = HVST_UNKNOWN,
		.gap_ns = ev->id == HVST_EV_MSR ? HVST_UNKNOWN : 60000000,
		.text = "kvm_msr write=1 [HV_REFERENCE_TSC enable]",
	};
}

static enum filter_truth eval(const char *text, enum filter_about about, const void *thing)
{
	char why[FILTER_WHY];
	struct filter *f = filter_parse(text, FILTER_ANY, why);
	enum filter_truth truth;

	if (!f)
		fail_msg("%s: %s", text, why);
	truth = filter_eval(f, about, thing);
	filter_free(f);
	return truth;
}

static enum filter_truth of_msr(const char *text)
{
	struct filter_event e = what(&msr_event);

	return eval(text, FILTER_EVENT, &e);
}

static enum filter_truth of_start(const char *text)
{
	struct filter_event e = what(&start_event);

	return eval(text, FILTER_EVENT, &e);
}

static void test_events(void **state)
{
	(void)state;
	assert_int_equal(of_msr("msr=40000021"), FILTER_YES);
	assert_int_equal(of_msr("msr==0x40000021"), FILTER_YES);
	assert_int_equal(of_msr("msr=40000020"), FILTER_NO);
	assert_int_equal(of_msr("ecx==0x40000021"), FILTER_YES);
	assert_int_equal(of_msr("ecx==40000021"), FILTER_NO); /* a field: as in C */
	assert_int_equal(of_msr("ecx&0x20"), FILTER_YES);
	assert_int_equal(of_msr("ecx & 0x10"), FILTER_NO);
	assert_int_equal(of_msr("event=kvm_msr"), FILTER_YES);
	assert_int_equal(of_msr("event=msr"), FILTER_YES);
	assert_int_equal(of_msr("event~kvm_hv_*"), FILTER_NO);
	assert_int_equal(of_msr("event!=kvm_msr"), FILTER_NO);
	assert_int_equal(of_start("event=stimer_start_expired"), FILTER_YES);
	assert_int_equal(of_start("event=kvm_hv_stimer_*"), FILTER_YES);
	assert_int_equal(of_msr("comm ~ \"CPU */KVM\""), FILTER_YES);
	assert_int_equal(of_msr("COMM == 'CPU 0/KVM'"), FILTER_YES);
	assert_int_equal(of_msr("comm ~ *1/KVM"), FILTER_NO);
	assert_int_equal(of_msr("common_pid==155 && CPU==3"), FILTER_YES);
	assert_int_equal(of_msr("time>9.157411 && time<9157.5ms"), FILTER_YES);
	assert_int_equal(of_msr("\"reference_tsc ENABLE\""), FILTER_YES);
	assert_int_equal(of_msr("'no such text'"), FILTER_NO);
}

static void test_derived(void **state)
{
	(void)state;
	assert_int_equal(of_start("skew>1ms"), FILTER_YES);
	assert_int_equal(of_start("skew>=3301255us"), FILTER_YES);
	assert_int_equal(of_start("skew>3301255us"), FILTER_NO);
	assert_int_equal(of_start("skew>-1ms"), FILTER_YES);
	assert_int_equal(of_start("gap>50ms"), FILTER_YES);
	assert_int_equal(of_start("arm=past_due"), FILTER_YES);
	assert_int_equal(of_start("arm!=ahead"), FILTER_YES);
	/* What an event lacks is neither equal nor unequal. */
	assert_int_equal(of_msr("skew>1ms"), FILTER_NO);
	assert_int_equal(of_msr("skew!=1ms"), FILTER_NO);
	assert_int_equal(of_msr("timer=0"), FILTER_NO);
	assert_int_equal(of_start("late>0"), FILTER_NO);
	assert_int_equal(of_start("count==31102803 && time_now>0x10"), FILTER_YES);
}

static void test_logic(void **state)
{
	(void)state;
	assert_int_equal(of_msr("cpu=3 && tid=155"), FILTER_YES);
	assert_int_equal(of_msr("cpu=2 || tid=155"), FILTER_YES);
	assert_int_equal(of_msr("cpu=2 && tid=1 || tid=155"), FILTER_YES);
	assert_int_equal(of_msr("tid=155 || cpu=2 && tid=1"), FILTER_YES);
	assert_int_equal(of_msr("(tid=155 || cpu=2) && tid=1"), FILTER_NO);
	assert_int_equal(of_msr("!cpu=2"), FILTER_YES);
	assert_int_equal(of_msr("!(cpu=3 && tid=155)"), FILTER_NO);
	assert_int_equal(of_msr("!!cpu=3"), FILTER_YES);
	/* What no event has decides nothing. */
	assert_int_equal(of_msr("kind=backlog"), FILTER_UNKNOWN);
	assert_int_equal(of_msr("!kind=backlog"), FILTER_UNKNOWN);
	assert_int_equal(of_msr("kind=backlog && cpu=3"), FILTER_UNKNOWN);
	assert_int_equal(of_msr("cpu=3 && kind=backlog"), FILTER_UNKNOWN);
	assert_int_equal(of_msr("kind=backlog && cpu=2"), FILTER_NO);
	assert_int_equal(of_msr("kind=backlog || cpu=3"), FILTER_YES);
	assert_int_equal(of_msr("kind=backlog || cpu=2"), FILTER_UNKNOWN);
}

static void test_findings(void **state)
{
	struct filter_timer row = { .vm = 0, .vcpu = 2, .timer = 1, .tid = 9 };
	struct hvst_arm arm = { .skew_ns = 5, .kind = HVST_ARM_AHEAD, .vcpu = 1, .cpu = 4 };
	struct hvst_fire fire = { .deadline_ns = 100,
				  .callback_ns = 350,
				  .expiration_ns = HVST_UNKNOWN,
				  .entry_ns = 700,
				  .direct = true };

	(void)state;
	assert_int_equal(eval("kind=backlog", FILTER_STORM, &storm), FILTER_YES);
	assert_int_equal(eval("kind!=growing && kind~back*", FILTER_STORM, &storm), FILTER_YES);
	assert_int_equal(eval("vm=2 && past_due>=1980", FILTER_STORM, &storm), FILTER_YES);
	assert_int_equal(eval("rate_hz>3013.3", FILTER_STORM, &storm), FILTER_YES);
	assert_int_equal(eval("rate_hz>3013.5", FILTER_STORM, &storm), FILTER_NO);
	assert_int_equal(eval("skew_max_ns>3.3s", FILTER_STORM, &storm), FILTER_YES);
	assert_int_equal(eval("skew_max_ns=3301255000", FILTER_STORM, &storm), FILTER_YES);
	assert_int_equal(eval("skew_end_ns<1s", FILTER_STORM, &storm), FILTER_NO);
	assert_int_equal(eval("progress_before<1", FILTER_STORM, &storm), FILTER_NO);
	assert_int_equal(eval("cause=source_switch && length>600ms", FILTER_STORM, &storm),
			 FILTER_YES);
	assert_int_equal(eval("time>9 && open=false", FILTER_STORM, &storm), FILTER_YES);
	assert_int_equal(eval("cpu=1", FILTER_STORM, &storm), FILTER_UNKNOWN);
	assert_int_equal(eval("vcpu=2 && timer=1", FILTER_TIMER, &row), FILTER_YES);
	assert_int_equal(eval("vm=1 && skew>1ms", FILTER_TIMER, &row), FILTER_NO);
	assert_int_equal(eval("vm=0 && skew>1ms", FILTER_TIMER, &row), FILTER_UNKNOWN);
	assert_int_equal(eval("arm=ahead && skew<6ns && cpu=4", FILTER_ARM, &arm), FILTER_YES);
	assert_int_equal(eval("late=250ns && direct=1", FILTER_FIRING, &fire), FILTER_YES);
	assert_int_equal(eval("delivery>0 || entry>0", FILTER_FIRING, &fire), FILTER_NO);
}

/* Events with fields of 64 bits, signed and not: both ends are compared as they are. */
static void test_range(void **state)
{
	(void)state;
	msr_event.msr.data = UINT64_MAX;
	assert_int_equal(of_msr("data==18446744073709551615"), FILTER_YES);
	assert_int_equal(of_msr("data==0xffffffffffffffff"), FILTER_YES);
	assert_int_equal(of_msr("data>0x7fffffffffffffff"), FILTER_YES);
	assert_int_equal(of_msr("data>-1"), FILTER_YES);
	assert_int_equal(of_msr("data==-1"), FILTER_NO);
	msr_event.msr.data = 0x40001;
}

/* Each is refused, with a reason that has this in it. */
static void test_errors(void **state)
{
	static const char *const bad[][2] = {
		{ "", "missing at the end" },
		{ "   ", "missing at the end" },
		{ "skw>1ms", "did you mean skew" },
		{ "vcpu", "needs a comparison" },
		{ "vcpu=", "a value is missing" },
		{ "vcpu==&&", "a value is missing" },
		{ "=3", "a name is missing" },
		{ "vcpu=1 timer=0", "&& or ||" },
		{ "(vcpu=1", "a ) is missing at the end" },
		{ "vcpu=1)", "&& or ||" },
		{ "vcpu=1 &&", "missing at the end" },
		{ "skew>1", "with its unit" },
		{ "skew>1xs", "with its unit" },
		{ "skew>99999999999999999s", "with its unit" },
		{ "skew & 3", "cannot be compared" },
		{ "comm < x", "cannot be compared" },
		{ "vcpu ~ 1*", "cannot be compared" },
		{ "vcpu=0x", "needs a number" },
		{ "vcpu=12z", "needs a number" },
		{ "data=18446744073709551616", "needs a number" },
		{ "data=0x10000000000000000", "needs a number" },
		{ "kind=backlgo", "one of its words" },
		{ "event=kvm_msrr", "did you mean kvm_msr" },
		{ "rate_hz>nan", "needs a number" },
		{ "rate_hz>1e999", "needs a number" },
		{ "comm=\"CPU", "does not end" },
		{ "\"", "does not end" },
		{ "evidence=1", "evidence" },
	};
	char why[FILTER_WHY];

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (filter_parse(bad[i][0], FILTER_ANY, why))
			fail_msg("%s was taken", bad[i][0]);
		if (!strstr(why, bad[i][1]))
			fail_msg("%s: %s", bad[i][0], why);
	}
	/* Names of other things than the command is about. */
	assert_null(filter_parse("kind=backlog", FILTER_BIT(FILTER_EVENT), why));
	assert_non_null(strstr(why, "only storms have"));
	assert_null(filter_parse("'text'", FILTER_BIT(FILTER_STORM), why));
	assert_non_null(strstr(why, "for events"));
}

static struct filter *parse_repeated(const char *first, const char *more, unsigned int n,
				     const char *last, char *why)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);
	struct filter *filter;

	assert_non_null(f);
	fputs(first, f);
	for (unsigned int i = 0; i < n; i++)
		fputs(more, f);
	fputs(last, f);
	fclose(f);
	filter = filter_parse(text, FILTER_ANY, why);
	free(text);
	return filter;
}

static void test_limits(void **state)
{
	struct filter_event e = what(&msr_event);
	char why[FILTER_WHY];
	struct filter *f;

	(void)state;
	f = parse_repeated("cpu=1", "||cpu=3", FILTER_TESTS - 1, "", why);
	assert_non_null(f);
	assert_int_equal(filter_eval(f, FILTER_EVENT, &e), FILTER_YES);
	filter_free(f);
	assert_null(parse_repeated("cpu=1", "||cpu=3", FILTER_TESTS, "", why));
	assert_non_null(strstr(why, "more than"));
	f = parse_repeated("", "!", FILTER_DEPTH, "cpu=3", why);
	assert_non_null(f);
	assert_int_equal(filter_eval(f, FILTER_EVENT, &e), FILTER_YES);
	filter_free(f);
	assert_null(parse_repeated("", "!", FILTER_DEPTH + 1, "cpu=3", why));
	assert_non_null(strstr(why, "nested"));
	assert_null(parse_repeated("", "(", 900, "", why));
	assert_non_null(strstr(why, "nested"));
	assert_null(parse_repeated("comm=", "x", FILTER_LEN, "", why));
	assert_non_null(strstr(why, "longer"));
}

/* A pattern of many stars takes no more than the product of both lengths. */
static void test_patterns(void **state)
{
	struct filter_event e = what(&msr_event);
	char why[FILTER_WHY], comm[512];
	struct filter *f = parse_repeated("comm~", "a*", 200, "b", why);

	(void)state;
	assert_non_null(f);
	memset(comm, 'a', sizeof(comm) - 1);
	comm[sizeof(comm) - 1] = 0;
	e.comm = comm;
	assert_int_equal(filter_eval(f, FILTER_EVENT, &e), FILTER_NO);
	comm[sizeof(comm) - 2] = 'b';
	assert_int_equal(filter_eval(f, FILTER_EVENT, &e), FILTER_YES);
	filter_free(f);
	e.comm = "";
	f = filter_parse("comm~*", FILTER_ANY, why);
	assert_int_equal(filter_eval(f, FILTER_EVENT, &e), FILTER_NO); /* unknown */
	filter_free(f);
}

static void test_uses(void **state)
{
	char why[FILTER_WHY];
	struct filter *f = filter_parse("vcpu=1 && (late>1us || \"x\")", FILTER_ANY, why);

	(void)state;
	assert_non_null(f);
	assert_true(filter_uses(f, "late"));
	assert_false(filter_uses(f, "skew"));
	assert_true(filter_has_text(f));
	assert_string_equal(filter_text(f), "vcpu=1 && (late>1us || \"x\")");
	filter_free(f);
}

/* Which firings a search for lateness has to remember: those for which a test holds. */
static void test_needs(void **state)
{
	struct hvst_fire fire = { .deadline_ns = 1000, .callback_ns = 6000 };
	char why[FILTER_WHY];
	struct filter *f = filter_parse("vcpu=1 && !(late>4us || skew>1ms)", FILTER_ANY, why);

	(void)state;
	assert_non_null(f);
	assert_true(filter_needs(f, "late", FILTER_FIRING, &fire));
	fire.callback_ns = 5000;
	assert_false(filter_needs(f, "late", FILTER_FIRING, &fire));
	fire.callback_ns = HVST_UNKNOWN;
	assert_false(filter_needs(f, "late", FILTER_FIRING, &fire));
	assert_false(filter_needs(f, "gap", FILTER_FIRING, &fire));
	filter_free(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_needs),	 cmocka_unit_test(test_events),
		cmocka_unit_test(test_derived),	 cmocka_unit_test(test_logic),
		cmocka_unit_test(test_findings), cmocka_unit_test(test_range),
		cmocka_unit_test(test_errors),	 cmocka_unit_test(test_limits),
		cmocka_unit_test(test_patterns), cmocka_unit_test(test_uses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
