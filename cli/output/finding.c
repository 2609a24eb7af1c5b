// SPDX-License-Identifier: GPL-2.0
/* The tables of fields of each kind of finding. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../array.h"
#include "../notes.h"
#include "finding.h"
#include "out.h"
#include "units.h"
#include "words.h"

#define KIND(array, type, ...)                                                                     \
	{                                                                                          \
		array, ARRAY_SIZE(array), sizeof(type), __VA_ARGS__                                \
	}

/* --- words ------------------------------------------------------------------------------------ */

static const char *mode_word(int v)
{
	return v == HVST_MODE_NONE ? NULL : hvst_timer_mode_name(v);
}

static const char *delivery_word(int v)
{
	return v == HVST_DELIVERY_NONE ? NULL : hvst_delivery_mode_name(v);
}

static const char *kind_word(int v)
{
	return hvst_storm_kind_name(v);
}

static const char *cause_word(int v)
{
	return v == HVST_CAUSE_NOT_SEEN ? NULL : hvst_storm_cause_name(v);
}

static const char *livelock_word(int v)
{
	static const char *const words[] = { NULL, "deadline", "message" };

	return (unsigned int)v < ARRAY_SIZE(words) ? words[v] : NULL;
}

static const char *reference_word(int v)
{
	return hvst_ref_source_name(v);
}

static const char *source_word(int v)
{
	return hvst_guest_source_name(v);
}

static const char *life_word(int v)
{
	return hvst_life_kind_name(v);
}

static const char *plain_life(int v)
{
	return words_life(v);
}

static const char *plain_reference(int v)
{
	return words_ref_source(v);
}

static const char *role_word(int v)
{
	return hvst_clock_role_name(v);
}

static const char *confidence_word(int v)
{
	return hvst_confidence_name(v);
}

static const char *question_word(int v)
{
	return hvst_question_name(v);
}

static const char *answer_word(int v)
{
	return hvst_answer_name(v);
}

/* --- texts that take several values ----------------------------------------------------------- */

static void timer_mode(char *buf, size_t len, const void *finding)
{
	const struct hvst_timer *t = finding;
	const char *delivery = t->delivery == HVST_DELIVERY_BOTH ? "direct and message"
								 : delivery_word(t->delivery);

	snprintf(buf, len, "%s%s%s",
		 t->mode == HVST_MODE_PERIODIC ? "periodic"
		 : t->mode == HVST_MODE_BOTH   ? "one-shot and periodic"
					       : "one-shot",
		 delivery ? ", " : "", delivery ? delivery : "");
}

static void timer_past_due(char *buf, size_t len, const void *finding)
{
	const struct hvst_timer *t = finding;
	char count[UNIT_BUF];

	snprintf(buf, len, "%s", unit_count(count, t->past_due_observed + t->past_due_inferred));
}

static void storm_lasts(char *buf, size_t len, const void *finding)
{
	const struct hvst_storm *s = finding;
	char duration[UNIT_BUF];

	snprintf(buf, len, "%s%s", s->open ? ">" : "",
		 unit_duration(duration, s->end_ns - s->start_ns));
}

static void storm_utc_range(char *buf, size_t len, const void *finding)
{
	const struct hvst_storm *s = finding;
	char a[UNIT_BUF], b[UNIT_BUF];

	buf[0] = 0; /* not known */
	if (strcmp(unit_utc(a, s->start_ns), "-"))
		snprintf(buf, len, "%s to %s", a, unit_utc(b, s->end_ns));
}

static void storm_when(char *buf, size_t len, const void *finding)
{
	const struct hvst_storm *s = finding;
	char a[UNIT_BUF], b[UNIT_BUF], c[UNIT_BUF];

	snprintf(buf, len, "%s to %s%s (%s)", unit_time(a, s->start_ns), unit_time(b, s->end_ns),
		 s->open ? ", still going on where the recording ends or has a gap" : "",
		 unit_duration(c, s->end_ns - s->start_ns));
}

static void storm_arms(char *buf, size_t len, const void *finding)
{
	const struct hvst_storm *s = finding;
	char a[UNIT_BUF], b[UNIT_BUF], c[UNIT_BUF];

	if (s->kind == HVST_STORM_LIVELOCK)
		snprintf(buf, len, "one, handled %s times, %s on average", unit_count(a, s->arms),
			 unit_rate(c, s->rate_hz));
	else
		snprintf(buf, len, "%s past due of %s, %s on average", unit_count(a, s->past_due),
			 unit_count(b, s->arms), unit_rate(c, s->rate_hz));
}

static void storm_meaning(char *buf, size_t len, const void *finding)
{
	static const char *const meanings[] = {
		[HVST_STORM_UNKNOWN] = "unknown",
		[HVST_STORM_BACKLOG] =
			"backlog: the guest replays missed ticks until it has caught up",
		[HVST_STORM_CONSTANT] = "constant: the guest's clock lags by a constant amount",
		[HVST_STORM_GROWING] = "growing: the guest's clock runs too slowly",
		[HVST_STORM_LIVELOCK] = "livelock: KVM handles one arm over and over",
	};
	const struct hvst_storm *s = finding;

	snprintf(buf, len, "%s", meanings[s->kind]);
}

static void storm_skew(char *buf, size_t len, const void *finding)
{
	const struct hvst_storm *s = finding;
	char a[UNIT_BUF], b[UNIT_BUF], c[UNIT_BUF], error[UNIT_BUF];

	buf[0] = 0;
	if (s->kind == HVST_STORM_LIVELOCK)
		return;
	snprintf(buf, len, "%s at the start, %s at most, %s at the end%s%s%s",
		 unit_signed(a, s->skew_start_ns), unit_signed(b, s->skew_max_ns),
		 unit_signed(c, s->skew_end_ns), s->skew_error_ns ? " (+- " : "",
		 s->skew_error_ns ? unit_duration(error, s->skew_error_ns) : "",
		 s->skew_error_ns ? ")" : "");
}

static void storm_livelock(char *buf, size_t len, const void *finding)
{
	const struct hvst_storm *s = finding;

	buf[0] = 0;
	if (s->livelock == HVST_LIVELOCK_DEADLINE)
		snprintf(buf, len, "%" PRIu64 ", %" PRIu64 " units of 100 ns ahead", s->count,
			 s->ahead_ref);
	else if (s->livelock == HVST_LIVELOCK_MESSAGE)
		snprintf(buf, len, "%" PRIu64 ", past due; its message slot is busy", s->count);
}

static void storm_progress(char *buf, size_t len, const void *finding)
{
	const struct hvst_storm *s = finding;
	char a[UNIT_BUF], b[UNIT_BUF];

	buf[0] = 0;
	if (s->progress_before >= 0 || s->progress_during >= 0)
		snprintf(buf, len, "%s before, %s during", unit_share(a, s->progress_before),
			 unit_share(b, s->progress_during));
}

/* "the host's clock stepped, +3.00 s at 9.155869" */
static void storm_cause(char *buf, size_t len, const void *finding)
{
	static const char *const words[] = {
		[HVST_CAUSE_NOT_SEEN] = "not seen",
		[HVST_CAUSE_HOST_STEP] = "the host's reference clock stepped",
		[HVST_CAUSE_SOURCE_SWITCH] = "the guest changed its clock source",
		[HVST_CAUSE_VCPU_HELD] = "the vCPU was kept from running",
	};
	const struct hvst_storm *s = finding;
	char size[UNIT_BUF], time[UNIT_BUF];
	size_t at;

	at = snprintf(buf, len, "%s", words[s->cause]);
	if (s->cause_size_ns != HVST_UNKNOWN && s->cause != HVST_CAUSE_NOT_SEEN && at < len)
		at += snprintf(buf + at, len - at, ", %s",
			       s->cause == HVST_CAUSE_VCPU_HELD
				       ? unit_duration(size, s->cause_size_ns)
				       : unit_signed(size, s->cause_size_ns));
	if (s->cause_ts_ns != HVST_UNKNOWN && s->cause != HVST_CAUSE_NOT_SEEN && at < len)
		snprintf(buf + at, len - at, ", at %s s", unit_time(time, s->cause_ts_ns));
}

static void storm_trigger(char *buf, size_t len, const void *finding)
{
	const struct hvst_storm *s = finding;
	char distance[UNIT_BUF];

	if (s->trigger_event < 0)
		snprintf(buf, len, "no clock event");
	else
		snprintf(buf, len, "%s, %s %s", hvst_event_name(s->trigger_event),
			 unit_duration(distance, llabs(s->trigger_distance_ns)),
			 s->trigger_distance_ns < 0 ? "after its start" : "before");
}

static void storm_watchdog(char *buf, size_t len, const void *finding)
{
	const struct hvst_storm *s = finding;

	snprintf(buf, len, "%s",
		 s->endangers_watchdog ? "long enough to endanger one" : "not in danger");
}

static void rate_text(char *buf, size_t len, double ppm, double error)
{
	char a[UNIT_BUF];

	if (isnan(ppm))
		buf[0] = 0;
	else if (isnan(error))
		snprintf(buf, len, "%s", unit_ppm(a, ppm));
	else
		snprintf(buf, len, "%s +- %.1f", unit_ppm(a, ppm), error);
}

static void reference_rate(char *buf, size_t len, const void *finding)
{
	const struct hvst_ref_segment *s = finding;

	rate_text(buf, len, s->rate_ppm, s->rate_ppm_error);
}

static void move_vcpu(char *buf, size_t len, const void *finding)
{
	const struct hvst_clock_move *m = finding;

	if (m->vcpu < 0)
		snprintf(buf, len, "all");
	else
		snprintf(buf, len, "%d", m->vcpu);
}

static void guest_vcpu(char *buf, size_t len, const void *finding)
{
	const struct hvst_guest_transition *t = finding;

	if (t->vcpu < 0)
		snprintf(buf, len, "all");
	else
		snprintf(buf, len, "%d", t->vcpu);
}

static void guest_change(char *buf, size_t len, const void *finding)
{
	const struct hvst_guest_transition *t = finding;
	char offset[UNIT_BUF], rate[64];
	size_t at;

	at = snprintf(buf, len, "%s -> %s", hvst_guest_source_text(t->from, false),
		      hvst_guest_source_text(t->to, false));
	if (t->offset_ns != HVST_UNKNOWN && at < len)
		at += snprintf(buf + at, len - at, ", %s", unit_signed(offset, t->offset_ns));
	rate_text(rate, sizeof(rate), t->rate_ppm, t->rate_ppm_error);
	if (*rate && at < len)
		snprintf(buf + at, len - at, ", %s", rate);
}

static bool guest_subdued(const void *finding)
{
	return ((const struct hvst_guest_transition *)finding)->confidence == HVST_SUSPECTED;
}

/* --- the tables ------------------------------------------------------------------------------- */

/*
 * A member of struct OF, and a text made of several; other members of struct finding_field follow.
 */
#define FIELD(key, head, kind, member, where, ...)                                                 \
	{                                                                                          \
		.name = key, .title = head, .type = VALUE_##kind, .offset = offsetof(OF, member),  \
		.in = where, __VA_ARGS__                                                           \
	}
#define TEXT(head, where, function, ...)                                                           \
	{                                                                                          \
		.title = head, .type = VALUE_TEXT, .in = where, .text = function, __VA_ARGS__      \
	}

#define OF struct hvst_vcpu_info
static const struct finding_field vcpu_fields[] = {
	FIELD("vcpu", "vCPU", ID, vcpu, IN_DATA),
	FIELD("tid", "thread", ID, tid, IN_DATA),
	FIELD("comm", "name", STRING, comm, IN_DATA),
};
#undef OF

#define OF struct hvst_vm
static const struct finding_field vm_fields[] = {
	FIELD("vm", "VM", ID, vm, IN_DATA),
	FIELD("name", "name", POINTER, name, IN_DATA),
	FIELD("vmm", "process", STRING, vmm, IN_DATA),
	FIELD("pid", "process id", ID, pid, IN_DATA),
	FIELD("epoch_ns", "epoch", TIME, epoch_ns, IN_DATA),
	FIELD("tsc_behind_ns", "TSC behind", SIGNED, tsc_behind_ns, IN_DATA),
	FIELD("tsc_behind_error_ns", "error", DURATION, tsc_behind_error_ns, IN_DATA),
	FIELD("tsc_behind_why", "unknown because", STRING, tsc_behind_why, IN_DATA),
	FIELD("vcpus", "vCPUs", LIST, vcpus, IN_DATA, .of = &finding_vcpu),
};
#undef OF

#define OF struct hvst_timer
static const struct finding_field timer_fields[] = {
	FIELD("vm", "VM", ID, vm, IN_DATA | IN_TABLES),
	FIELD("vcpu", "vCPU", ID, vcpu, IN_DATA | IN_TABLES),
	FIELD("tid", "thread", ID, tid, IN_DATA | IN_PAGE),
	FIELD("timer", "timer", ID, timer, IN_DATA | IN_TABLES),
	TEXT("mode", IN_TABLES, timer_mode, .drop = 5, .left = true),
	FIELD("mode", "mode", WORD, mode, IN_DATA, .word = mode_word),
	FIELD("delivery", "delivery", WORD, delivery, IN_DATA, .word = delivery_word),
	FIELD("arms", "arms", COUNT, arms, IN_DATA | IN_TABLES),
	TEXT("past due", IN_TABLES, timer_past_due, .role = ROLE_WARN),
	FIELD("past_due_observed", "observed", COUNT, past_due_observed, IN_DATA),
	FIELD("past_due_inferred", "inferred", COUNT, past_due_inferred, IN_DATA | IN_TABLES,
	      .drop = 6),
	FIELD("restarts", "restarts", COUNT, restarts, IN_DATA | IN_TABLES, .hide_zero = true),
	FIELD("fired", "fired", COUNT, fired, IN_DATA),
	FIELD("cancelled", "cancelled", COUNT, cancelled, IN_DATA),
	FIELD("failed_deliveries", "failed", COUNT, failed_deliveries, IN_DATA | IN_TABLES,
	      .hide_zero = true, .role = ROLE_WARN),
	FIELD("arms_hz", "armed", RATE, arms_hz, IN_DATA),
	FIELD("expirations_hz", "expires", RATE, expirations_hz, IN_DATA | IN_TABLES, .drop = 1),
	FIELD("peak_hz", "peak", RATE, peak_hz, IN_DATA),
	FIELD("exit_share", "of exits", SHARE, exit_share, IN_DATA | IN_TABLES, .drop = 4),
	FIELD("time_share", "of time", SHARE, time_share, IN_DATA | IN_TABLES, .drop = 8),
	FIELD("skew", "skew", SKETCH, skew, IN_JSON),
	FIELD(NULL, "min skew", QUANTILE, skew, IN_TABLES, .role = ROLE_WARN, .rank = 0),
	FIELD(NULL, "p1", QUANTILE, skew, IN_TABLES, .drop = 7, .role = ROLE_WARN, .rank = 100),
	FIELD(NULL, "p50", QUANTILE, skew, IN_TABLES, .drop = 2, .role = ROLE_WARN, .rank = 5000),
	FIELD(NULL, "p99", QUANTILE, skew, IN_TABLES, .drop = 3, .role = ROLE_WARN, .rank = 9900),
	FIELD(NULL, "max", QUANTILE, skew, IN_TABLES, .rank = 10000),
	FIELD("lateness", "lateness", SKETCH, lateness, IN_JSON),
	FIELD("delivery_latency", "delivery latency", SKETCH, delivery_latency, IN_JSON),
	FIELD("entry_latency", "entry latency", SKETCH, entry_latency, IN_JSON),
};
#undef OF

#define OF struct hvst_storm
static const struct finding_field storm_fields[] = {
	FIELD("vm", "VM", ID, vm, IN_DATA | IN_TABLES),
	FIELD("vcpu", "vCPU", ID, vcpu, IN_DATA | IN_TABLES),
	FIELD("tid", "thread", ID, tid, IN_DATA),
	FIELD("timer", "timer", ID, timer, IN_DATA | IN_TABLES),
	FIELD("start_ns", "start", TIME, start_ns, IN_DATA | IN_TABLES, .role = ROLE_TIME),
	FIELD("end_ns", "end", TIME, end_ns, IN_DATA),
	TEXT("lasts", IN_TABLES, storm_lasts),
	TEXT("when", IN_LIST, storm_when),
	TEXT("UTC", IN_LIST, storm_utc_range),
	FIELD("open", "open", BOOL, open, IN_DATA),
	FIELD("arms", "arms", COUNT, arms, IN_DATA | IN_PAGE),
	FIELD("past_due", "past due", COUNT, past_due, IN_DATA | IN_TABLES, .role = ROLE_BAD),
	TEXT("arms", IN_LIST, storm_arms),
	FIELD("rate_hz", "rate", RATE, rate_hz, IN_DATA | IN_TABLES, .drop = 4),
	FIELD("peak_hz", "peak", RATE, peak_hz, IN_DATA | IN_LIST),
	TEXT("count", IN_LIST, storm_livelock),
	TEXT("kind", IN_LIST, storm_meaning),
	FIELD("skew_start_ns", "skew at start", SIGNED, skew_start_ns, IN_DATA),
	FIELD("skew_max_ns", "max skew", SIGNED, skew_max_ns, IN_DATA | IN_TABLES,
	      .role = ROLE_WARN),
	FIELD("skew_end_ns", "skew at end", SIGNED, skew_end_ns, IN_DATA),
	FIELD("skew_error_ns", "error", DURATION, skew_error_ns, IN_DATA),
	TEXT("skew", IN_LIST, storm_skew),
	FIELD("kind", "kind", WORD, kind, IN_DATA | IN_TABLES, .drop = 1, .word = kind_word),
	FIELD("period_ref", "period", REF, period_ref, IN_DATA | IN_LIST),
	FIELD("predicted_end_ns", "would end", TIME, predicted_end_ns, IN_DATA | IN_LIST),
	FIELD("progress_before", "progress before", SHARE, progress_before, IN_DATA),
	FIELD("progress_during", "during", SHARE, progress_during, IN_DATA),
	TEXT("progress", IN_LIST, storm_progress),
	TEXT("cause", IN_LIST | IN_TABLE, storm_cause, .drop = 5, .left = true),
	TEXT("near", IN_LIST, storm_trigger),
	FIELD("endangers_watchdog", "watchdog", BOOL, endangers_watchdog, IN_DATA),
	TEXT("watchdog", IN_LIST, storm_watchdog),
	FIELD("episode", "episode", INT, episode, IN_DATA | IN_LIST),
	FIELD("cause.kind", "cause", WORD, cause, IN_DATA, .word = cause_word),
	FIELD("cause.ts_ns", "at", TIME, cause_ts_ns, IN_DATA),
	FIELD("cause.size_ns", "size", SIGNED, cause_size_ns, IN_DATA),
	FIELD("trigger.event", "trigger", EVENT, trigger_event, IN_DATA),
	FIELD("trigger.ts_ns", "at", TIME, trigger_ts_ns, IN_DATA),
	FIELD("trigger.distance_ns", "before", SIGNED, trigger_distance_ns, IN_JSON | IN_DETAILS),
	FIELD("livelock.form", "livelock", WORD, livelock, IN_DATA, .word = livelock_word),
	FIELD("livelock.count", "its count", COUNT, count, IN_DATA),
	FIELD("livelock.ahead_ref", "ahead by", COUNT, ahead_ref, IN_DATA),
	FIELD("evidence", "evidence", EVIDENCE, evidence, IN_JSON | IN_DETAILS),
	FIELD("start_utc_ns", "start, UTC", UTC, start_ns, IN_JSON | IN_CSV),
	FIELD("end_utc_ns", "end, UTC", UTC, end_ns, IN_JSON | IN_CSV),
};
#undef OF

#define OF struct hvst_past_due
static const struct finding_field past_due_fields[] = {
	FIELD("isolated", "isolated", COUNT, isolated, IN_JSON),
	FIELD("bursts", "of these in short bursts", COUNT, bursts, IN_JSON | IN_LIST),
	FIELD("short_deadline", "by a short deadline", COUNT, short_deadline, IN_JSON | IN_LIST),
	FIELD("preempted", "by preemption", COUNT, preempted, IN_JSON | IN_LIST),
	FIELD("unexplained", "unexplained", COUNT, unexplained, IN_JSON | IN_LIST),
};
#undef OF

#define OF struct hvst_ref_segment
static const struct finding_field reference_fields[] = {
	FIELD("vm", "VM", ID, vm, IN_DATA | IN_TABLES),
	FIELD("from_ns", "from", TIME, from_ns, IN_DATA | IN_TABLES, .role = ROLE_TIME),
	FIELD("to_ns", "to", TIME, to_ns, IN_DATA | IN_TABLES, .drop = 3, .role = ROLE_TIME),
	FIELD("source", "source", WORD, source, IN_DATA | IN_TABLES, .word = reference_word,
	      .plain = plain_reference, .csv = "to_source"),
	FIELD("step_ns", "step", SIGNED, step_ns, IN_DATA | IN_TABLES, .role = ROLE_WARN),
	TEXT("rate", IN_TABLES, reference_rate, .drop = 2),
	FIELD("rate_ppm", "rate", PPM, rate_ppm, IN_DATA),
	FIELD("rate_ppm_error", "error", PPM, rate_ppm_error, IN_JSON | IN_DETAILS),
	FIELD(NULL, "samples", COUNT, samples, IN_TABLE, .drop = 4),
	FIELD("why", "why", STRING, why, IN_DATA | IN_TABLES, .drop = 5, .flexible = true),
	FIELD("from_utc_ns", "from, UTC", UTC, from_ns, IN_JSON | IN_CSV),
};
#undef OF

#define OF struct hvst_guest_transition
static const struct finding_field guest_fields[] = {
	FIELD("vm", "VM", ID, vm, IN_DATA | IN_TABLES),
	FIELD("vcpu", "vCPU", ID, vcpu, IN_DATA),
	TEXT("vCPU", IN_TABLES, guest_vcpu),
	FIELD("ts_ns", "time", TIME, ts_ns, IN_DATA | IN_TABLES, .role = ROLE_TIME,
	      .csv = "from_ns"),
	{ .name = "to_ns", .title = "to", .type = VALUE_NONE, .in = IN_CSV },
	FIELD("role", "role", WORD, role, IN_DATA | IN_TABLES, .drop = 2, .word = role_word),
	FIELD("from", "from", WORD, from, IN_DATA, .word = source_word, .csv = "from_source",
	      .sql = "from_source"),
	FIELD("to", "to", WORD, to, IN_DATA, .word = source_word, .csv = "to_source",
	      .sql = "to_source"),
	FIELD("offset_ns", "offset", SIGNED, offset_ns, IN_DATA, .csv = "step_ns"),
	FIELD("rate_ppm", "rate", PPM, rate_ppm, IN_DATA),
	FIELD("confidence", "confidence", WORD, confidence, IN_DATA | IN_TABLES, .drop = 1,
	      .word = confidence_word),
	TEXT("change", IN_TABLES, guest_change, .flexible = true, .left = true),
	FIELD("evidence", "evidence", EVIDENCE, evidence, IN_DATA | IN_PAGE, .csv = "why"),
	FIELD("utc_ns", "UTC", UTC, ts_ns, IN_JSON | IN_CSV, .csv = "from_utc_ns"),
};
#undef OF

#define OF struct hvst_life_event
static const struct finding_field life_fields[] = {
	FIELD("vm", "VM", ID, vm, IN_DATA | IN_TABLES),
	FIELD("kind", "what", WORD, kind, IN_DATA | IN_TABLES, .word = life_word,
	      .plain = plain_life),
	FIELD("ts_ns", "time", TIME, ts_ns, IN_DATA | IN_TABLES, .role = ROLE_TIME),
	FIELD("end_ns", "end", TIME, end_ns, IN_DATA),
	FIELD("utc_ns", "UTC", UTC, ts_ns, IN_JSON),
	FIELD("reference_ns", "clock moved", SIGNED, reference_ns, IN_DATA | IN_TABLES,
	      .role = ROLE_WARN),
	FIELD("first_run_ns", "runs", TIME, first_run_ns, IN_DATA),
	FIELD("steps", "steps", STRING, steps, IN_DATA | IN_TABLES, .flexible = true),
	FIELD("evidence", "evidence", EVIDENCE, evidence, IN_DATA),
};
#undef OF

#define OF struct hvst_clock_move
static const struct finding_field move_fields[] = {
	FIELD("vm", "VM", ID, vm, IN_DATA | IN_TABLES),
	FIELD("vcpu", "vCPU", ID, vcpu, IN_DATA),
	TEXT("vCPU", IN_TABLES, move_vcpu),
	FIELD("ts_ns", "time", TIME, ts_ns, IN_DATA | IN_TABLES, .role = ROLE_TIME),
	FIELD("utc_ns", "UTC", UTC, ts_ns, IN_JSON),
	FIELD("event", "event", EVENT, event, IN_DATA | IN_TABLES),
	FIELD("tid", "by", ID, tid, IN_DATA | IN_TABLES, .drop = 1),
	FIELD("master", "master clock", BOOL, master, IN_DATA),
	FIELD("tsc_cycles", "cycles", REF, tsc_cycles, IN_DATA),
	FIELD("tsc_ns", "TSC", SIGNED, tsc_ns, IN_DATA | IN_TABLES),
	FIELD("reference_ns", "clock moved", SIGNED, reference_ns, IN_DATA | IN_TABLES,
	      .role = ROLE_WARN),
};
#undef OF

#define OF struct hvst_clock_point
static const struct finding_field point_fields[] = {
	FIELD("vm", "VM", ID, vm, IN_DATA),
	FIELD("vcpu", "vCPU", ID, vcpu, IN_DATA),
	FIELD("from_ns", "from", TIME, from_ns, IN_DATA),
	FIELD("to_ns", "to", TIME, to_ns, IN_DATA),
	FIELD("reference_min_ns", "reference, least", SIGNED, reference_min_ns, IN_DATA),
	FIELD("reference_max_ns", "reference, most", SIGNED, reference_max_ns, IN_DATA),
	FIELD("guest_min_ns", "guest, least", SIGNED, guest_min_ns, IN_DATA),
	FIELD("guest_max_ns", "guest, most", SIGNED, guest_max_ns, IN_DATA),
};
#undef OF

/* A note of the browser's user: not a finding, but shown like one. */
#define OF struct note
static const struct finding_field note_fields[] = {
	FIELD("ts_ns", "time", TIME, ts_ns, IN_DATA | IN_TABLES, .role = ROLE_TIME),
	FIELD("name", "bookmark", STRING, name, IN_DATA | IN_TABLES),
	FIELD("text", "note", STRING, text, IN_DATA | IN_TABLES, .flexible = true),
};
#undef OF

#define OF struct hvst_vm_verdict
static const struct finding_field vm_verdict_fields[] = {
	FIELD("vm", "VM", ID, vm, IN_JSON),
	FIELD("answer", "answer", WORD, answer, IN_JSON, .word = answer_word),
	FIELD("evidence", "evidence", EVIDENCE, evidence, IN_JSON),
};
#undef OF

#define OF struct hvst_verdict
static const struct finding_field verdict_fields[] = {
	FIELD("question", "question", WORD, question, IN_JSON | IN_DETAILS, .word = question_word),
	FIELD("answer", "answer", WORD, answer, IN_JSON | IN_DETAILS, .word = answer_word),
	FIELD("summary", "summary", STRING, summary, IN_JSON | IN_DETAILS),
	FIELD("evidence", "evidence", EVIDENCE, evidence, IN_JSON | IN_DETAILS),
	FIELD("missing", "not recorded", EVENTS, missing, IN_JSON | IN_DETAILS),
	FIELD("by_vm", "by VM", LIST, by_vm, IN_JSON, .of = &finding_vm_verdict),
};
#undef OF

_Static_assert(ARRAY_SIZE(storm_fields) <= FINDING_MAX_FIELDS, "the kind with most fields");

const struct finding_kind finding_vm = KIND(vm_fields, struct hvst_vm, NULL);
const struct finding_kind finding_vcpu = KIND(vcpu_fields, struct hvst_vcpu_info, NULL);
const struct finding_kind finding_timer = KIND(timer_fields, struct hvst_timer, NULL);
const struct finding_kind finding_storm = KIND(storm_fields, struct hvst_storm, NULL);
const struct finding_kind finding_past_due = KIND(past_due_fields, struct hvst_past_due, NULL);
const struct finding_kind finding_reference = KIND(reference_fields, struct hvst_ref_segment, NULL);
const struct finding_kind finding_guest =
	KIND(guest_fields, struct hvst_guest_transition, guest_subdued);
const struct finding_kind finding_note = KIND(note_fields, struct note, NULL);
const struct finding_kind finding_life = KIND(life_fields, struct hvst_life_event, NULL);
const struct finding_kind finding_move = KIND(move_fields, struct hvst_clock_move, NULL);
const struct finding_kind finding_point = KIND(point_fields, struct hvst_clock_point, NULL);
const struct finding_kind finding_verdict = KIND(verdict_fields, struct hvst_verdict, NULL);
const struct finding_kind finding_vm_verdict =
	KIND(vm_verdict_fields, struct hvst_vm_verdict, NULL);

/* A result has its VMs in order of their numbers, an unknown one last. */
unsigned int result_vm_index(const struct hvst_result *r, int vm)
{
	unsigned int low = 0, high = r->nr_vms;

	while (low < high) {
		unsigned int mid = low + (high - low) / 2;

		if ((unsigned int)r->vms[mid]->vm < (unsigned int)vm)
			low = mid + 1;
		else
			high = mid;
	}
	return low < r->nr_vms && r->vms[low]->vm == vm ? low : r->nr_vms;
}

const struct hvst_vm *result_vm(const struct hvst_result *r, int vm)
{
	unsigned int i = result_vm_index(r, vm);

	return i < r->nr_vms ? r->vms[i] : NULL;
}

void vm_process(char buf[VM_PROCESS], const struct hvst_vm *vm)
{
	if (vm->pid >= 0)
		snprintf(buf, VM_PROCESS, "%s %d", vm->vmm, vm->pid);
	else
		snprintf(buf, VM_PROCESS, "%s", vm->vmm);
}

static void put_vcpus(char *buf, size_t len, const struct hvst_vm *vm, unsigned int most)
{
	size_t at = 0;
	unsigned int i;

	buf[0] = 0;
	for (i = 0; i < vm->nr_vcpus && i < most && at < len; i++)
		at += snprintf(buf + at, len - at, "%s%d (tid %d)", i ? ", " : "",
			       vm->vcpus[i]->vcpu, vm->vcpus[i]->tid);
	if (i < vm->nr_vcpus && at < len)
		snprintf(buf + at, len - at, ", %u more", vm->nr_vcpus - i);
}

char *vm_text(char buf[VM_TEXT], const struct hvst_vm *vm, unsigned int most)
{
	char epoch[UNIT_BUF], process[VM_PROCESS], vcpus[2048];

	put_vcpus(vcpus, sizeof(vcpus), vm, most);
	vm_process(process, vm);
	snprintf(buf, VM_TEXT, "%.128s%s%s%svCPU%s %s%s%s", vm->name ? vm->name : "",
		 vm->name && *vm->name ? ", " : "", process, *process ? ", " : "",
		 vm->nr_vcpus == 1 ? "" : "s", vcpus,
		 vm->epoch_ns != HVST_UNKNOWN ? ", reference clock zero at " : "",
		 vm->epoch_ns != HVST_UNKNOWN ? unit_time(epoch, vm->epoch_ns) : "");
	return buf;
}
