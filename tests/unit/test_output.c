// SPDX-License-Identifier: GPL-2.0
/* Units, tables, JSON, CSV and lines of events, on hand-made values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../cli/array.h"
#include "../../cli/opt/value.h"
#include "../../cli/output/csv.h"
#include "../../cli/output/edges.h"
#include "../../cli/output/eventline.h"
#include "../../cli/output/finding.h"
#include "../../cli/output/json.h"
#include "../../cli/output/table.h"
#include "../../cli/output/units.h"
#include "../../cli/output/words.h"
#include "../../cli/output/xml.h"
#include "lists.h"

/* What was written, as a string; the writer is empty afterwards. */
static const char *take(struct out *o)
{
	static char buf[16384];

	assert_true(o->len < sizeof(buf));
	memcpy(buf, o->buf ? o->buf : "", o->len);
	buf[o->len] = 0;
	o->len = 0;
	return buf;
}

static void durations(void **state)
{
	static const struct {
		int64_t ns;
		const char *text, *sign;
	} cases[] = {
		{ 0, "0", "0" },
		{ 1, "1 ns", "+1 ns" },
		{ 999, "999 ns", "+999 ns" },
		{ 1000, "1.00 us", "+1.00 us" },
		{ 12345, "12.3 us", "+12.3 us" },
		{ 999999, "1.00 ms", "+1.00 ms" },
		{ -9980000, "-9.98 ms", "-9.98 ms" },
		{ 3306739000, "3.31 s", "+3.31 s" },
		{ 123456789012, "123 s", "+123 s" },
		{ HVST_UNKNOWN, "?", "?" },
		{ INT64_MAX, "9223372037 s", "+9223372037 s" },
		{ INT64_MIN + 1, "-9223372037 s", "-9223372037 s" },
	};
	char buf[UNIT_BUF];
	unsigned int i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		assert_string_equal(unit_duration(buf, cases[i].ns), cases[i].text);
		assert_string_equal(unit_signed(buf, cases[i].ns), cases[i].sign);
	}
	assert_string_equal(unit_time(buf, 9157411234), "9.157411");
	assert_string_equal(unit_time(buf, -1500000), "-0.001500");
	assert_string_equal(unit_time(buf, 1499), "0.000001");
	assert_string_equal(unit_time(buf, 1500), "0.000002");
	assert_string_equal(unit_edge(buf, -200000), "-200 us");
	assert_string_equal(unit_edge(buf, 1500000), "1.5 ms");
	assert_string_equal(unit_count(buf, 0), "0");
	assert_string_equal(unit_count(buf, 999), "999");
	assert_string_equal(unit_count(buf, 14041), "14,041");
	assert_string_equal(unit_count(buf, UINT64_MAX), "18,446,744,073,709,551,615");
	assert_string_equal(unit_rate(buf, 4218.6), "4,219/s");
	assert_string_equal(unit_rate(buf, 3.21), "3.2/s");
	assert_string_equal(unit_ppm(buf, -200.4), "-200 ppm");
	assert_string_equal(unit_ppm(buf, -0.04), "+0.0 ppm");
	assert_string_equal(unit_ppm(buf, NAN), "?");
	assert_string_equal(unit_share(buf, -1), "?");
	assert_string_equal(unit_share(buf, 0.473), "47 %");
}

static void json_values(void **state)
{
	struct out o;
	struct json j;

	(void)state;
	out_open_memory(&o);
	json_start(&j, &o, 0);
	json_object(&j, NULL);
	json_i64(&j, "none", HVST_UNKNOWN);
	json_i64(&j, "least", INT64_MIN + 1);
	json_u64(&j, "most", UINT64_MAX);
	json_number(&j, "nan", NAN, 3);
	json_number(&j, "inf", INFINITY, 3);
	json_number(&j, "half", 0.5, 2);
	json_id(&j, "id", -1);
	json_string(&j, "null", NULL);
	json_string(&j, "bad", "q\"b\\n\n\x01\xff\xc0\x80\xe2\x82\xac");
	json_array(&j, "empty");
	json_end_array(&j);
	json_array(&j, "list");
	json_bool(&j, NULL, true);
	json_object(&j, NULL);
	json_end_object(&j);
	json_end_array(&j);
	json_end_object(&j);
	assert_string_equal(
		take(&o),
		"{\"none\": null, \"least\": -9223372036854775807, "
		"\"most\": 18446744073709551615, \"nan\": null, \"inf\": null, \"half\": 0.50, "
		"\"id\": null, \"null\": null, "
		"\"bad\": \"q\\\"b\\\\n\\n\\u0001\\ufffd\\ufffd\\ufffd\xe2\x82\xac\", "
		"\"empty\": [], \"list\": [true, {}]}\n");
	out_discard(&o);
}

static void csv_values(void **state)
{
	struct out o;
	struct csv c;

	(void)state;
	out_open_memory(&o);
	csv_start(&c, &o, "a,b,c,d,e");
	csv_string(&c, "plain");
	csv_string(&c, "a,\"b\"");
	csv_i64(&c, HVST_UNKNOWN);
	csv_id(&c, -1);
	csv_number(&c, NAN, 2);
	csv_end_line(&c);
	assert_string_equal(take(&o), "a,b,c,d,e\nplain,\"a,\"\"b\"\"\",,,\n");
	out_discard(&o);
}

static void xml_escapes(void **state)
{
	struct out o;

	(void)state;
	out_open_memory(&o);
	xml_text(&o, "<a href=\"x\">&\x1b[1m\xff\xe2\x82\xac");
	assert_string_equal(take(&o), "&lt;a href=&quot;x&quot;&gt;&amp;?[1m?\xe2\x82\xac");
	csv_quote(&o, "a\"b\033[2J\302\233");
	assert_string_equal(take(&o), "\"a\"\"b?[2J??\"");
	json_quote(&o, "\302\2331m\302\240");
	assert_string_equal(take(&o), "\"\\u009b1m\302\240\"");
	out_discard(&o);
}

static void tables_fit(void **state)
{
	static const struct column columns[] = {
		{ .title = "n" },
		{ .title = "name", .left = true },
		{ .title = "least", .drop = 2 },
		{ .title = "less", .drop = 1 },
	};
	struct table *t;
	struct out o;
	int i;

	(void)state;
	out_open_memory(&o);
	for (i = 0; i < 2; i++) {
		o.width = i ? 14 : 80;
		t = table_new(columns, 4);
		table_cell(t, ROLE_NONE, "1");
		table_cell(t, ROLE_NONE, "ab\033[2J");
		table_cell(t, ROLE_NONE, "22");
		table_printf(t, ROLE_NONE, "%d", 333);
		table_end(t, &o, 1);
		if (!i)
			assert_string_equal(take(&o),
					    " n  name    least  less\n 1  ab?[2J     22   333\n");
		else
			assert_string_equal(take(&o), " n  name\n 1  ab?[2J\n");
	}
	out_discard(&o);
}

static void words_wrap(void **state)
{
	struct out o;

	(void)state;
	out_open_memory(&o);
	o.width = 12;
	out_wrap(&o, 0, 2, 0, "one two three four");
	assert_string_equal(take(&o), "one two\n  three four\n");
	out_wrap(&o, 0, 2, 2, "one two three four five six");
	assert_string_equal(take(&o), "one two\n  three ..\n");
	out_wrap(&o, 0, 2, 1, "one two three");
	assert_string_equal(take(&o), "one two ..\n");
	out_wrap(&o, 0, 2, 0, "\033[31mred");
	assert_string_equal(take(&o), "?[31mred\n");
	/* a control sequence may begin with U+009B as well, or with the bare byte */
	out_wrap(&o, 0, 2, 0, "\302\2331m \2331m \302\265s");
	assert_string_equal(take(&o), "??1m ?1m \302\265s\n");
	out_discard(&o);
}

/* Every value lies in its bucket. */
static void holds(const struct edges *e, int64_t v)
{
	unsigned int b = edges_bucket(e, v);

	assert_true(b <= e->n);
	assert_true(!b || e->at[b - 1] <= v);
	assert_true(b == e->n || v < e->at[b]);
}

static void buckets_hold_their_values(void **state)
{
	static struct edges e;
	uint64_t x = 88172645463325252ULL;
	unsigned int i;

	(void)state;
	edges_log(&e);
	for (i = 1; i < e.n; i++)
		assert_true(e.at[i - 1] < e.at[i]);
	assert_int_equal(edges_bucket(&e, 0),
			 edges_bucket(&e, -1) + 1); /* zero has a row of its own */
	assert_int_equal(edges_bucket(&e, 0) + 1, edges_bucket(&e, 1));
	assert_int_equal(e.at[0], -1000000000000);
	assert_int_equal(e.at[e.n - 1], 1000000000000);
	for (i = 0; i < 100000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		holds(&e, (int64_t)x >> (x & 63));
	}
	holds(&e, INT64_MIN);
	holds(&e, INT64_MAX);
	assert_true(edges_linear(&e, -9999, 15000, 0));
	assert_int_equal(e.at[1] - e.at[0], 2000);
	assert_true(e.at[0] <= -9999 && e.at[e.n - 1] > 15000);
	for (i = 0; i < 40000; i++)
		holds(&e, (int64_t)i - 20000);
	assert_true(edges_linear(&e, 5, 5, 0));
	assert_false(edges_linear(&e, 0, 1000000, 100));
	assert_false(edges_linear(&e, INT64_MIN + 1, INT64_MAX, 1));
	assert_true(edges_linear(&e, -100, 100, 10));
	assert_int_equal(e.at[0], -100);
}

static struct hvst_event expired_event(void)
{
	struct hvst_event ev = { .ts_ns = 9157411234,
				 .ts_raw = 9157411234,
				 .pid = 155,
				 .cpu = 1,
				 .id = HVST_EV_STIMER_START_EXPIRED,
				 .present = 0xffff,
				 .vcpu_id = 0 };

	ev.start =
		(struct hvst_ev_start){ .time_now = 64016839, .count = 30949446, .timer_index = 2 };
	return ev;
}

static void event_lines(void **state)
{
	const struct derived d = { .vm = 0, .arm = "past_due", .skew_ns = 3306739300 };
	struct hvst_event ev = expired_event();
	struct eventline *l;
	struct out o;

	(void)state;
	out_open_memory(&o);
	l = eventline_new(FORMAT_JSONL, 1ULL << ev.id, NULL, false);
	eventline_put(l, &o, &ev, "CPU 0/KVM", &d);
	assert_string_equal(
		take(&o),
		"{\"ts_ns\": 9157411234, \"cpu\": 1, \"tid\": 155, \"comm\": \"CPU 0/KVM\", "
		"\"vm\": 0, \"event\": \"kvm_hv_stimer_start_expired\", \"vcpu_id\": 0, "
		"\"timer_index\": 2, \"time_now\": 64016839, \"count\": 30949446, "
		"\"arm\": \"past_due\", \"skew_ns\": 3306739300}\n");
	eventline_free(l);
	l = eventline_new(FORMAT_CSV, 1ULL << ev.id, NULL, false);
	eventline_head(l, &o);
	ev.present &= ~1; /* a kernel that lacks vcpu_id: the field is empty, not 0 */
	eventline_put(l, &o, &ev, "a\"b", &d);
	assert_string_equal(
		take(&o),
		"ts_ns,cpu,tid,comm,vm,event,vcpu_id,timer_index,time_now,count,arm,inferred,"
		"skew_ns,skew_error_ns\n9157411234,1,155,\"a\"\"b\",0,kvm_hv_stimer_start_expired,,"
		"2,"
		"64016839,30949446,past_due,,3306739300,\n");
	eventline_free(l);
	l = eventline_new(FORMAT_TEXT, 1ULL << ev.id, NULL, false);
	eventline_put(l, &o, &ev, "CPU 0/KVM", &d);
	assert_string_equal(
		take(&o),
		"     9.157411234 [001] CPU 0/KVM-155        vm0 kvm_hv_stimer_start_expired: "
		"timer_index=2 time_now=64016839 count=30949446 skew=+3.31 s\n");
	ev.present |= 1;
	eventline_put(l, &o, &ev, "CPU 0/KVM", &d);
	assert_non_null(strstr(take(&o), "count=30949446 [skew +3.306739 s]\n"));
	eventline_free(l);
	unit_set_utc(1795860000LL * 1000000000);
	l = eventline_new(FORMAT_TEXT, 1ULL << ev.id, NULL, true);
	eventline_put(l, &o, &ev, "CPU 0/KVM", &d);
	assert_non_null(strstr(take(&o), " 9.157411234 10:00:09.157 [001] CPU 0/KVM-155 "));
	eventline_free(l);
	l = eventline_new(FORMAT_JSONL, 1ULL << ev.id, NULL, true);
	eventline_put(l, &o, &ev, "CPU 0/KVM", &d);
	assert_non_null(strstr(take(&o), "\"utc\": \"2026-11-28 10:00:09.157 UTC\", "));
	eventline_free(l);
	unit_set_utc(HVST_UNKNOWN);
	out_discard(&o);
}

static void lost_lines(void **state)
{
	const struct derived d = { .vm = -1, .skew_ns = HVST_UNKNOWN };
	struct hvst_event ev = {
		.ts_ns = 5, .cpu = 3, .id = HVST_EV_LOST, .pid = 7, .vcpu_id = -1
	};
	static const struct {
		enum format f;
		uint64_t n;
		const char *text;
	} cases[] = {
		{ FORMAT_JSONL, 0,
		  "{\"ts_ns\": 5, \"cpu\": 3, \"tid\": null, \"comm\": \"\", \"vm\": null, "
		  "\"event\": \"lost\", \"count\": null}\n" },
		{ FORMAT_JSONL, 210,
		  "{\"ts_ns\": 5, \"cpu\": 3, \"tid\": null, \"comm\": \"\", \"vm\": null, "
		  "\"event\": \"lost\", \"count\": 210}\n" },
		{ FORMAT_CSV, 210, "5,3,,\"\",,lost,,,,\n" },
		{ FORMAT_TEXT, 210, "     0.000000005 [003] 210 events lost here\n" },
	};
	unsigned int i;
	struct out o;

	(void)state;
	out_open_memory(&o);
	for (i = 0; i < ARRAY_SIZE(cases); i++) {
		struct eventline *l = eventline_new(cases[i].f, 0, NULL, false);

		ev.lost.count = cases[i].n;
		eventline_put(l, &o, &ev, "", &d);
		assert_string_equal(take(&o), cases[i].text);
		eventline_free(l);
	}
	out_discard(&o);
}

/* 1,000,000,000 s after the Epoch was 2001-09-09 01:46:40. */
static void wall_clock(void **state)
{
	static const char *const wrong[] = { "",
					     "2001-09-09",
					     "2001-09-09T01:46",
					     "2001-09-09T01:46:40x",
					     "2001-09-09T01:46:40.5.5",
					     "1969-12-31T23:59:59",
					     "9999999-01-01T00:00:00" };
	char buf[UNIT_BUF];
	int64_t ns;

	(void)state;
	assert_true(parse_utc("2001-09-09T01:46:40", &ns));
	assert_int_equal(ns, 1000000000000000000);
	assert_true(parse_utc("2001-09-09 01:46:40.25Z", &ns));
	assert_int_equal(ns, 1000000000250000000);
	for (unsigned int i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
		assert_false(parse_utc(wrong[i], &ns));
	assert_string_equal(unit_utc(buf, 0), "-");
	unit_set_utc(1000000000000000000);
	assert_string_equal(unit_utc(buf, 1500000000), "2001-09-09 01:46:41.500 UTC");
	assert_string_equal(unit_utc_time(buf, -500000000), "01:46:39.500");
	assert_string_equal(unit_utc(buf, INT64_MAX), "-");
	assert_string_equal(unit_utc(buf, HVST_UNKNOWN), "-");
	unit_set_utc(HVST_UNKNOWN);
}

/* What people read has words of its own for each identifier, and no two alike. */
static void words_for_all(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < HVST_Q_COUNT; i++) {
		assert_string_not_equal(words_question(i), hvst_question_name(i));
		assert_string_not_equal(words_topic(i), hvst_question_name(i));
		assert_int_equal(words_question(i)[strlen(words_question(i)) - 1], '?');
		for (unsigned int k = 0; k < i; k++)
			assert_string_not_equal(words_topic(i), words_topic(k));
	}
}

/* A clock's name alone is what stands behind its article; numbers without a clock have one, too. */
static void test_guest_source(void **state)
{
	(void)state;
	for (unsigned int i = 0; i <= HVST_SRC_HPET + 1; i++) {
		const char *text = hvst_guest_source_text(i, true);
		const char *bare = hvst_guest_source_text(i, false);
		size_t article = strlen(text) - strlen(bare);

		assert_null(strchr(bare, '_'));
		assert_string_equal(text + article, bare);
		if (!i || i > HVST_SRC_HPET)
			assert_string_equal(bare, "not known");
		else
			assert_true(!strncmp(text, "the ", article) ||
				    !strncmp(text, "an ", article));
	}
}

static void vms_by_number(void **state)
{
	const struct hvst_vm vms[] = { { .vm = 0 }, { .vm = 3 }, { .vm = 4 }, { .vm = -1 } };
	const struct hvst_vm *list[4];
	struct hvst_result r = { .vms = list };

	(void)state;
	LIST(list, vms);
	for (r.nr_vms = 0; r.nr_vms <= 4; r.nr_vms++)
		for (int vm = -1; vm < 6; vm++) {
			unsigned int at = r.nr_vms;

			for (unsigned int i = 0; i < r.nr_vms; i++)
				at = vms[i].vm == vm ? i : at;
			assert_int_equal(result_vm_index(&r, vm), at);
			assert_ptr_equal(result_vm(&r, vm), at < r.nr_vms ? &vms[at] : NULL);
		}
}

static void test_all_no(void **state)
{
	struct hvst_verdict verdicts[HVST_Q_COUNT] = { 0 };
	const struct hvst_verdict *list[HVST_Q_COUNT];
	const struct hvst_result r = { .verdicts = list, .nr_verdicts = HVST_Q_COUNT };

	(void)state;
	LIST(list, verdicts);
	for (unsigned int q = 0; q < HVST_Q_COUNT; q++) {
		assert_false(hvst_result_all_no(&r));
		verdicts[q].answer = HVST_NO;
	}
	assert_true(hvst_result_all_no(&r));
	verdicts[HVST_Q_COUNT - 1].answer = HVST_YES;
	assert_false(hvst_result_all_no(&r));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_guest_source), cmocka_unit_test(vms_by_number),
		cmocka_unit_test(test_all_no),	     cmocka_unit_test(durations),
		cmocka_unit_test(json_values),	     cmocka_unit_test(csv_values),
		cmocka_unit_test(xml_escapes),	     cmocka_unit_test(tables_fit),
		cmocka_unit_test(words_wrap),	     cmocka_unit_test(buckets_hold_their_values),
		cmocka_unit_test(event_lines),	     cmocka_unit_test(lost_lines),
		cmocka_unit_test(wall_clock),	     cmocka_unit_test(words_for_all),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
