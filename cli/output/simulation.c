// SPDX-License-Identifier: GPL-2.0
/* Text, JSON and CSV of a simulation. */
#include <stdio.h>
#include <string.h>

#include "../array.h"
#include "csv.h"
#include "simulation.h"
#include "table.h"
#include "text.h"
#include "units.h"

#define MOST_STORMS 8 /* shown without --verbose */
#define MOST_NAME   24

const char *response_text(enum hvst_response r)
{
	switch (r) {
	case HVST_RESPONSE_SAME_TARGET:
		return "the guest arms the same target again until its own clock has reached it";
	case HVST_RESPONSE_NOW_PLUS:
		return "the guest arms its own time plus a period";
	case HVST_RESPONSE_PREVIOUS_PLUS:
		return "the guest arms the previous target plus a period";
	default:
		return "how the guest chooses its next target is not known";
	}
}

/* --- sentences -------------------------------------------------------------------------------- */

/* "16th" */
static char *ordinal(char *buf, unsigned int n)
{
	static const char *const ends[] = { "th", "st", "nd", "rd" };
	unsigned int last = n % 100 >= 11 && n % 100 <= 13 ? 0 : n % 10;
	char number[UNIT_BUF];

	snprintf(buf, UNIT_BUF, "%s%s", unit_count(number, n), ends[last > 3 ? 0 : last]);
	return buf;
}

/* "A delay of 10 us from the 16th past-due arm in a row on" */
static int delay_words(char *buf, size_t len, const struct policy *p)
{
	char unit[UNIT_BUF], most[UNIT_BUF];
	int at;

	at = p->max_ns ? snprintf(buf, len, "A delay of %s that doubles up to %s",
				  unit_edge(unit, p->pad_ns), unit_edge(most, p->max_ns))
		       : snprintf(buf, len, "A delay of %s", unit_edge(unit, p->pad_ns));
	if (p->after > 1)
		at += snprintf(buf + at, len - at, " from the %s past-due arm in a row on",
			       ordinal(unit, p->after));
	else
		at += snprintf(buf + at, len - at, " of each past-due arm");
	if (p->within_ns)
		at += snprintf(buf + at, len - at, ", no more than %s apart",
			       unit_edge(unit, p->within_ns));
	if (p->share)
		at += snprintf(buf + at, len - at, ", while %u %% of the last %u were past due",
			       p->share, POLICY_HISTORY);
	return at;
}

static int delay_sentence(char *buf, size_t len, const struct policy *p, const struct sim_total *t)
{
	char n[4][UNIT_BUF];
	int at = delay_words(buf, len, p);

	if (!t->in_storms)
		at += snprintf(buf + at, len - at, " would have delayed");
	else
		at += snprintf(buf + at, len - at,
			       " would have delayed %s of %s arms in storms and",
			       unit_count(n[0], t->delayed_in), unit_count(n[1], t->in_storms));
	if (!t->outside)
		return at + snprintf(buf + at, len - at, " none outside: there was none.");
	if (t->outside == 1)
		return at + snprintf(buf + at, len - at, "%s the one outside.",
				     t->delayed_out ? "" : " not");
	return at + snprintf(buf + at, len - at, " %s of the %s outside%s.",
			     t->delayed_out ? unit_count(n[2], t->delayed_out) : "none",
			     unit_count(n[3], t->outside),
			     t->in_storms ? "" : "; there was no storm of past-due arms");
}

/* Whether an arm is past due is decided from the first of the two readings alone. */
static int paired_sentence(char *buf, size_t len, const struct hvst_unpaired *u)
{
	char p95[UNIT_BUF], max[UNIT_BUF];

	if (!u->count)
		return snprintf(buf, len,
				"Paired readings of the host's clocks would have changed "
				"no past-due arm; the recording does not tell how much "
				"less late timers would be.");
	return snprintf(buf, len,
			"Paired readings of the host's clocks would have changed no past-due arm; "
			"95 in 100 timers would have been less late by at most %s, all by at most "
			"%s.",
			unit_duration(p95, u->p95_ns), unit_duration(max, u->max_ns));
}

void simulation_sentence(char *buf, size_t len, const struct simulation_view *v,
			 unsigned int policy)
{
	const struct policy *p = &v->sim->policies[policy];
	const struct sim_total *t = &v->totals[policy];
	char n[UNIT_BUF], of[UNIT_BUF];
	int at = 0;

	if (!p->pad_ns && !p->paired && !p->clamp)
		snprintf(buf, len,
			 v->sim->padding_ns
				 ? "Without the delay of the recording's kernel no arm is delayed."
				 : "No arm is delayed: the recording as it is.");
	if (p->pad_ns)
		at = delay_sentence(buf, len, p, t);
	if (p->paired)
		at += snprintf(buf + at, len - at, "%s", at ? " " : ""),
			at += paired_sentence(buf + at, len - at, v->result->unpaired);
	if (p->clamp)
		snprintf(buf + at, len - at,
			 "%sClamped deadlines would have prevented %s of %s storms.", at ? " " : "",
			 unit_count(n, t->prevented), unit_count(of, t->storms));
}

/* --- text ------------------------------------------------------------------------------------- */

/* A policy's name, truncated where it would leave no room; its sentence tells all of it. */
static void cell_name(struct table *t, const char *name)
{
	bool long_name = strlen(name) > MOST_NAME;

	table_printf(t, ROLE_NONE, "%.*s%s", long_name ? MOST_NAME - 2 : MOST_NAME, name,
		     long_name ? ".." : "");
}

static void cell_end(struct table *t, bool prevented, int64_t end)
{
	char time[UNIT_BUF];

	if (prevented)
		table_cell(t, ROLE_GOOD, "prevented");
	else if (end == HVST_UNKNOWN)
		table_cell(t, ROLE_NONE, "does not end");
	else
		table_cell(t, ROLE_NONE, unit_time(time, end));
}

static void storm_row(struct table *t, const char *name, uint64_t delayed,
		      const struct sim_storm *e, bool after)
{
	char text[UNIT_BUF];
	bool danger = after ? e->watchdog_after : e->watchdog_before;

	cell_name(t, name);
	table_cell(t, ROLE_NONE, unit_count(text, delayed));
	if (after && e->arms_after == HVST_UNKNOWN)
		table_cell(t, ROLE_NONE, "?");
	else
		table_cell(t, ROLE_NONE,
			   unit_count(text, after ? (uint64_t)e->arms_after : e->arms_before));
	table_cell(t, ROLE_NONE, unit_rate(text, after ? e->rate_after : e->rate_before));
	cell_end(t, after && e->prevented, after ? e->end_after : e->end_before);
	table_printf(t, ROLE_NONE, "%+.1f %%", after ? e->guest_gain * 100 : 0);
	table_cell(t, danger ? ROLE_WARN : ROLE_NONE, danger ? "in danger" : "safe");
}

static const char *cost_text(char *buf, int64_t ns)
{
	return ns == HVST_UNKNOWN ? "an unknown time" : unit_duration(buf, ns);
}

static void storm_costs(struct out *o, const struct sim_costs *c)
{
	char late[UNIT_BUF], wake[UNIT_BUF], work[UNIT_BUF], rest[UNIT_BUF], text[320];

	snprintf(text, sizeof(text),
		 "As measured: the timer's callback runs %s after the deadline; the delivery "
		 "follows after %s if the vCPU has halted, and takes %s if it runs; the guest's "
		 "handler goes on for %s after it armed the timer.",
		 cost_text(late, c->late_ns), cost_text(wake, c->wake_ns),
		 cost_text(work, c->work_ns), cost_text(rest, c->rest_ns));
	out_str(o, "  ");
	out_wrap(o, 2, 2, 0, text);
}

static void cell_range(struct table *t, const char *a, const char *b)
{
	if (strcmp(a, b))
		table_printf(t, ROLE_NONE, "%s to %s", a, b);
	else
		table_cell(t, ROLE_NONE, a);
}

static void range_row(struct table *t, const char *name, const struct sim_storm *e)
{
	bool fewer = e->longer.arms != HVST_UNKNOWN && e->longer.arms < e->shorter.arms;
	const struct sim_bound *least = fewer ? &e->longer : &e->shorter,
			       *most = fewer ? &e->shorter : &e->longer;
	char a[UNIT_BUF], b[UNIT_BUF] = "?";

	cell_name(t, name);
	unit_count(a, (uint64_t)least->arms);
	if (most->arms != HVST_UNKNOWN)
		unit_count(b, (uint64_t)most->arms);
	cell_range(t, a, b);
	cell_range(t, unit_rate(a, e->longer.rate), unit_rate(b, e->shorter.rate));
	unit_time(a, e->shorter.end);
	if (e->longer.end == HVST_UNKNOWN)
		cell_range(t, a, "no end");
	else
		cell_range(t, a, unit_time(b, e->longer.end));
}

/* Why @doubts leave a range. */
static void doubts_text(struct out *o, unsigned int doubts)
{
	static const char *const whys[DOUBTS] = {
		"no halt was recorded, so it is not known how long the guest's handler goes on",
		"so short a storm may have one stall or late timer more or less",
		"a few pauses take much of the time, and may come more or less often",
		"small errors have much effect here",
	};
	const char *join = ", since ";
	char text[384];
	int at = snprintf(text, sizeof(text), "Only roughly");

	for (unsigned int i = 0; i < DOUBTS; i++) {
		if (!(doubts >> i & 1))
			continue;
		at += snprintf(text + at, sizeof(text) - at, "%s%s", join, whys[i]);
		join = "; ";
	}
	snprintf(text + at, sizeof(text) - at, ":");
	out_str(o, "  ");
	out_wrap(o, 2, 2, 0, text);
}

/* A storm that ends in no case has no number of arms. */
static bool shown_as_range(const struct sim_storm *e)
{
	return e->rough && e->shorter.arms != HVST_UNKNOWN;
}

static bool any_rough(const struct simulation_view *v, const struct hvst_storm *s,
		      unsigned int *doubts)
{
	struct sim_storm e;
	bool any = false;

	for (unsigned int p = 0; p < v->sim->nr_policies; p++) {
		sim_storm(v->sim, p, s, v->watchdog_ns, &e);
		if (!shown_as_range(&e))
			continue;
		any = true;
		*doubts |= e.doubts;
	}
	return any;
}

/* What rough predictions leave open. */
static void storm_ranges(struct out *o, const struct simulation_view *v, const struct hvst_storm *s)
{
	static const struct column columns[] = {
		{ .title = "policy", .left = true },
		{ .title = "arms" },
		{ .title = "rate", .drop = 1 },
		{ .title = "end, s" },
	};
	unsigned int doubts = 0;
	struct table *t;
	struct sim_storm e;

	if (!any_rough(v, s, &doubts))
		return;
	doubts_text(o, doubts);
	t = table_new(columns, ARRAY_SIZE(columns));
	for (unsigned int p = 0; p < v->sim->nr_policies; p++) {
		sim_storm(v->sim, p, s, v->watchdog_ns, &e);
		if (shown_as_range(&e))
			range_row(t, v->sim->policies[p].name, &e);
	}
	table_end(t, o, 2);
}

static void storm_text(struct out *o, const struct simulation_view *v, unsigned int storm)
{
	static const struct column columns[] = {
		{ .title = "policy", .left = true },
		{ .title = "delayed" },
		{ .title = "arms" },
		{ .title = "rate" },
		{ .title = "end, s" },
		{ .title = "guest gain", .drop = 1 },
		{ .title = "watchdog", .left = true, .drop = 2 },
	};
	const struct hvst_storm *s = v->result->storms[storm];
	struct table *t = table_new(columns, ARRAY_SIZE(columns));
	struct sim_storm e;
	char time[UNIT_BUF];

	out_role(o, ROLE_TITLE);
	out_printf(o, "Storm %u", storm + 1);
	out_plain(o);
	if (s->vm >= 0)
		out_printf(o, ", VM %d", s->vm);
	out_printf(o, ", vCPU %d, timer %d, from %s s, %s", s->vcpu, s->timer,
		   unit_time(time, s->start_ns), hvst_storm_kind_name(s->kind));
	out_str(o, "\n  ");
	out_wrap(o, 2, 2, 0,
		 s->kind == HVST_STORM_LIVELOCK ? "KVM handles one arm over and over"
						: response_text(s->response));
	for (unsigned int p = 0; p < v->sim->nr_policies; p++) {
		sim_storm(v->sim, p, s, v->watchdog_ns, &e);
		if (!p)
			storm_row(t, "as recorded", 0, &e, false);
		storm_row(t, v->sim->policies[p].name, e.delayed, &e, true);
	}
	table_end(t, o, 2);
	storm_ranges(o, v, s);
	if (s->kind != HVST_STORM_LIVELOCK)
		storm_costs(o, &e.costs);
	out_char(o, '\n');
}

static void total_row(struct table *t, const char *name, const struct sim_total *s)
{
	char text[UNIT_BUF];

	cell_name(t, name);
	table_cell(t, ROLE_NONE, unit_count(text, s->delayed_in));
	table_cell(t, ROLE_NONE, unit_count(text, s->delayed_out));
	table_cell(t, ROLE_NONE, unit_count(text, s->outside_by_cause[HVST_ARM_SHORT_DEADLINE]));
	table_cell(t, ROLE_NONE, unit_count(text, s->outside_by_cause[HVST_ARM_PREEMPTED]));
	table_cell(t, ROLE_NONE, unit_count(text, s->outside_by_cause[HVST_ARM_UNEXPLAINED]));
	table_cell(t, ROLE_NONE, s->delayed_out ? unit_edge(text, s->delay_out_ns) : "-");
}

/* What there is to delay, the same for each policy. */
static void all_row(struct table *t, const struct sim_total *s)
{
	char text[UNIT_BUF];

	table_cell(t, ROLE_NONE, "all past-due arms");
	table_cell(t, ROLE_NONE, unit_count(text, s->in_storms));
	table_cell(t, ROLE_NONE, unit_count(text, s->outside));
	for (unsigned int i = 0; i < 4; i++)
		table_cell(t, ROLE_NONE, "-");
}

static void totals_text(struct out *o, const struct simulation_view *v)
{
	static const struct column columns[] = {
		{ .title = "policy", .left = true },
		{ .title = "in storms" },
		{ .title = "outside" },
		{ .title = "short" },
		{ .title = "preempted" },
		{ .title = "other" },
		{ .title = "delay each", .drop = 1 },
	};
	struct table *t = table_new(columns, ARRAY_SIZE(columns));
	bool sweep = v->sweep->term;
	char name[32];

	out_in(o, ROLE_TITLE, "Arms that would be delayed");
	out_str(o, "; outside of storms by what made them past due:\n");
	all_row(t, &v->totals[0]);
	for (unsigned int p = 0; p < v->sim->nr_policies; p++) {
		snprintf(name, sizeof(name), "%s=%u", sweep ? policy_sweep_name(v->sweep) : "",
			 v->sweep->from + p);
		total_row(t, sweep ? name : v->sim->policies[p].name, &v->totals[p]);
	}
	table_end(t, o, 2);
	out_char(o, '\n');
}

static void storms_text(struct out *o, const struct simulation_view *v)
{
	unsigned int n = v->result->nr_storms,
		     most = v->verbose || n < MOST_STORMS ? n : MOST_STORMS;
	char count[UNIT_BUF];

	for (unsigned int i = 0; i < most; i++)
		storm_text(o, v, i);
	if (most < n)
		out_printf(o, "%s more storms; -v shows them.\n\n", unit_count(count, n - most));
	if (n)
		return;
	text_no_storm(o, v->result);
	out_char(o, '\n');
}

/* The smallest and the largest value of a sweep are sufficient. */
static void sentences_text(struct out *o, const struct simulation_view *v)
{
	unsigned int n = v->sim->nr_policies;
	char text[768];

	for (unsigned int p = 0; p < n; p++) {
		if (v->sweep->term && p && p + 1 < n)
			continue;
		simulation_sentence(text, sizeof(text), v, p);
		out_wrap(o, 0, 0, 0, text);
	}
}

void simulation_text(struct out *o, const struct simulation_view *v)
{
	char pad[UNIT_BUF], text[256];

	if (!v->sweep->term)
		storms_text(o, v);
	totals_text(o, v);
	sentences_text(o, v);
	if (v->sim->padding_ns) {
		snprintf(text, sizeof(text),
			 "The recording's kernel delays past-due arms by %s already: each policy "
			 "stands for what replaces that.",
			 unit_edge(pad, v->sim->padding_ns));
		out_wrap(o, 0, 0, 0, text);
	}
	if (v->sim->coarse)
		out_wrap(o, 0, 0, 0,
			 "The recording has too many short stretches of past-due arms to keep them "
			 "apart: some arms at the edges of storms may be counted to the other "
			 "side.");
}

/* --- JSON and CSV ----------------------------------------------------------------------------- */

/* Least first; what does not end by itself is the most. */
static void put_range(struct json *j, const char *key, int64_t a, int64_t b)
{
	bool turned = b != HVST_UNKNOWN && (a == HVST_UNKNOWN || b < a);

	json_array(j, key);
	json_i64(j, NULL, turned ? b : a);
	json_i64(j, NULL, turned ? a : b);
	json_end_array(j);
}

static const char *const doubt_names[DOUBTS] = { "no_halt", "chance", "few_pauses", "sensitive" };

static void put_doubts(struct json *j, const struct sim_storm *e)
{
	put_range(j, "arms_range", e->shorter.arms, e->longer.arms);
	json_array(j, "rate_range_hz");
	json_number(j, NULL, e->longer.rate, 3);
	json_number(j, NULL, e->shorter.rate, 3);
	json_end_array(j);
	put_range(j, "end_range_ns", e->shorter.end, e->longer.end);
	json_bool(j, "rough", e->rough);
	json_array(j, "doubts");
	for (unsigned int i = 0; i < DOUBTS; i++)
		if (e->doubts >> i & 1)
			json_string(j, NULL, doubt_names[i]);
	json_end_array(j);
}

static void put_effect(struct json *j, const struct simulation_view *v, unsigned int policy,
		       unsigned int storm)
{
	struct sim_storm e;

	sim_storm(v->sim, policy, v->result->storms[storm], v->watchdog_ns, &e);
	json_object(j, NULL);
	json_u64(j, "storm", storm);
	json_u64(j, "delayed", e.delayed);
	json_u64(j, "arms_before", e.arms_before);
	json_i64(j, "arms_after", e.arms_after);
	json_number(j, "rate_before_hz", e.rate_before, 3);
	json_number(j, "rate_after_hz", e.rate_after, 3);
	json_i64(j, "end_before_ns", e.end_before);
	json_i64(j, "end_after_ns", e.end_after);
	put_doubts(j, &e);
	json_number(j, "guest_gain", e.guest_gain, 4);
	json_bool(j, "watchdog_before", e.watchdog_before);
	json_bool(j, "watchdog_after", e.watchdog_after);
	json_bool(j, "prevented", e.prevented);
	json_string(j, "response", hvst_response_name(v->result->storms[storm]->response));
	json_i64(j, "late_ns", e.costs.late_ns);
	json_i64(j, "wake_ns", e.costs.wake_ns);
	json_i64(j, "work_ns", e.costs.work_ns);
	json_i64(j, "entry_ns", e.costs.entry_ns);
	json_i64(j, "handler_rest_ns", e.costs.rest_ns);
	json_i64(j, "saved_exit_ns", e.costs.saved_ns);
	json_end_object(j);
}

static void put_causes(struct json *j, const struct sim_total *t)
{
	json_object(j, "outside_by_cause");
	json_u64(j, "short_deadline", t->outside_by_cause[HVST_ARM_SHORT_DEADLINE]);
	json_u64(j, "preempted", t->outside_by_cause[HVST_ARM_PREEMPTED]);
	json_u64(j, "unexplained", t->outside_by_cause[HVST_ARM_UNEXPLAINED]);
	json_end_object(j);
}

static void put_policy(struct json *j, const struct simulation_view *v, unsigned int policy)
{
	const struct sim_total *t = &v->totals[policy];
	char text[768];

	simulation_sentence(text, sizeof(text), v, policy);
	json_object(j, NULL);
	json_string(j, "policy", v->sim->policies[policy].name);
	if (v->sweep->term)
		json_u64(j, "value", v->sweep->from + policy);
	else
		json_null(j, "value");
	json_string(j, "summary", text);
	json_u64(j, "in_storms", t->in_storms);
	json_u64(j, "delayed_in_storms", t->delayed_in);
	json_i64(j, "delay_in_storms_ns", t->delay_in_ns);
	json_u64(j, "outside", t->outside);
	json_u64(j, "delayed_outside", t->delayed_out);
	json_i64(j, "delay_outside_ns", t->delay_out_ns);
	put_causes(j, t);
	json_u64(j, "watchdog_before", t->watchdog_before);
	json_u64(j, "watchdog_after", t->watchdog_after);
	json_array(j, "storms");
	for (unsigned int i = 0; i < v->result->nr_storms; i++)
		put_effect(j, v, policy, i);
	json_end_array(j);
	json_end_object(j);
}

void simulation_json(struct json *j, const struct simulation_view *v)
{
	json_object(j, "simulation");
	json_string(j, "sweep", v->sweep->term ? policy_sweep_name(v->sweep) : NULL);
	json_bool(j, "coarse", v->sim->coarse);
	json_array(j, "policies");
	for (unsigned int p = 0; p < v->sim->nr_policies; p++)
		put_policy(j, v, p);
	json_end_array(j);
	json_end_object(j);
}

void simulation_csv(struct out *o, const struct simulation_view *v)
{
	struct csv c;

	csv_start(&c, o,
		  "policy,in_storms,delayed_in_storms,delay_in_storms_ns,outside,delayed_outside,"
		  "delay_outside_ns,short_deadline,preempted,unexplained,watchdog_before,"
		  "watchdog_after");
	for (unsigned int p = 0; p < v->sim->nr_policies; p++) {
		const struct sim_total *t = &v->totals[p];

		csv_string(&c, v->sim->policies[p].name);
		csv_u64(&c, t->in_storms);
		csv_u64(&c, t->delayed_in);
		csv_i64(&c, t->delay_in_ns);
		csv_u64(&c, t->outside);
		csv_u64(&c, t->delayed_out);
		csv_i64(&c, t->delay_out_ns);
		csv_u64(&c, t->outside_by_cause[HVST_ARM_SHORT_DEADLINE]);
		csv_u64(&c, t->outside_by_cause[HVST_ARM_PREEMPTED]);
		csv_u64(&c, t->outside_by_cause[HVST_ARM_UNEXPLAINED]);
		csv_u64(&c, t->watchdog_before);
		csv_u64(&c, t->watchdog_after);
		csv_end_line(&c);
	}
}
