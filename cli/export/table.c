// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>

#include "table.h"

#define COLUMN(key, kind, member, ...)                                                             \
	{                                                                                          \
		.name = key, .type = VALUE_##kind, .offset = offsetof(OF, member), .in = IN_DATA,  \
		__VA_ARGS__                                                                        \
	}
#define KIND(name, type)                                                                           \
	static const struct finding_kind name##_kind = { name##_columns,                           \
							 sizeof(name##_columns) /                  \
								 sizeof(name##_columns[0]),        \
							 sizeof(type), NULL }

#define OF struct recording_row
static const struct finding_field recording_columns[] = {
	COLUMN("file", POINTER, file),	       COLUMN("files", INT, files),
	COLUMN("version", INT, version),       COLUMN("compression", POINTER, compression),
	COLUMN("uname", POINTER, uname),       COLUMN("truncated_at", SIGNED, truncated_at),
	COLUMN("headline", POINTER, headline), COLUMN("advice", POINTER, advice),
};
KIND(recording, OF);
#undef OF

#define OF struct hvst_trace
static const struct finding_field trace_columns[] = {
	COLUMN("clock", POINTER, clock),
	COLUMN("cpus", INT, cpus),
	COLUMN("first_ns", TIME, first_ns),
	COLUMN("last_ns", TIME, last_ns),
	COLUMN("events", COUNT, events),
	COLUMN("relevant", COUNT, relevant),
	COLUMN("ignored", COUNT, ignored),
	COLUMN("malformed", COUNT, malformed),
	COLUMN("duplicates", COUNT, duplicates),
	COLUMN("backwards", COUNT, backwards),
	COLUMN("unfollowed", COUNT, unfollowed),
	COLUMN("lost_places", COUNT, lost_places),
	COLUMN("lost_events", COUNT, lost_events),
	COLUMN("lost_ns", DURATION, lost_ns),
	COLUMN("start_expired_recorded", BOOL, start_expired_recorded),
	COLUMN("padding_ns", DURATION, padding_ns),
};
KIND(trace, OF);
#undef OF

#define OF struct vm_owner
static const struct finding_field vm_columns[] = {
	COLUMN("vm", ID, vm),
};
KIND(vm, OF);
#undef OF

#define OF struct arm_row
static const struct finding_field arm_columns[] = {
	COLUMN("vm", ID, vm),
	COLUMN("vcpu", ID, vcpu),
	COLUMN("tid", ID, tid),
	COLUMN("timer", ID, timer),
	COLUMN("cpu", ID, cpu),
	COLUMN("ts_ns", TIME, ts_ns),
	COLUMN("ts_raw", SIGNED, ts_raw),
	COLUMN("kind", POINTER, kind),
	COLUMN("time_now", REF, time_now),
	COLUMN("count", COUNT, count),
	COLUMN("skew_ns", SIGNED, skew_ns),
	COLUMN("error_ns", DURATION, error_ns),
	COLUMN("period_ref", REF, period_ref),
	COLUMN("inferred", BOOL, inferred),
	COLUMN("restart", BOOL, restart),
	COLUMN("padded", BOOL, padded),
	COLUMN("host", BOOL, host),
	COLUMN("parked", BOOL, parked),
};
KIND(arm, OF);
#undef OF

#define OF struct question_owner
static const struct finding_field question_columns[] = {
	COLUMN("question", POINTER, question),
};
KIND(question, OF);
#undef OF

#define OF struct evidence_row
static const struct finding_field evidence_columns[] = {
	COLUMN("finding_table", POINTER, finding_table),
	COLUMN("finding_id", COUNT, finding_id),
	COLUMN("event", POINTER, event),
	COLUMN("ts_ns", TIME, ts_ns),
	COLUMN("ts_raw", SIGNED, ts_raw),
	COLUMN("cpu", ID, cpu),
	COLUMN("tid", ID, tid),
	COLUMN("buffer", POINTER, buffer),
	COLUMN("text", POINTER, text),
};
KIND(evidence, OF);
#undef OF

#define OF struct sketch_row
static const struct finding_field sketch_columns[] = {
	COLUMN("metric", POINTER, metric),
	COLUMN("vm", ID, vm),
	COLUMN("vcpu", ID, vcpu),
	COLUMN("tid", ID, tid),
	COLUMN("timer", ID, timer),
	COLUMN("bucket_low", SIGNED, bucket_low),
	COLUMN("bucket_high", SIGNED, bucket_high),
	COLUMN("count", COUNT, count),
};
KIND(sketch, OF);
#undef OF

const struct export_table export_tables[TABLE_COUNT] = {
	[TABLE_RECORDINGS] = { "recordings", &recording_kind, &trace_kind, false },
	[TABLE_VMS] = { "vms", NULL, &finding_vm, true },
	[TABLE_VCPUS] = { "vcpus", &vm_kind, &finding_vcpu, true },
	[TABLE_TIMERS] = { "timers", NULL, &finding_timer, true },
	[TABLE_ARMS] = { "arms", NULL, &arm_kind, false },
	[TABLE_STORMS] = { "storms", NULL, &finding_storm, true },
	[TABLE_PAST_DUE] = { "past_due", NULL, &finding_past_due, false },
	[TABLE_STEPS] = { "steps", NULL, &finding_reference, true },
	[TABLE_TRANSITIONS] = { "transitions", NULL, &finding_guest, true },
	[TABLE_LIFE] = { "life", NULL, &finding_life, true },
	[TABLE_MOVES] = { "moves", NULL, &finding_move, true },
	[TABLE_POINTS] = { "points", NULL, &finding_point, true },
	[TABLE_VERDICTS] = { "verdicts", NULL, &finding_verdict, true },
	[TABLE_VM_VERDICTS] = { "vm_verdicts", &question_kind, &finding_vm_verdict, true },
	[TABLE_EVIDENCE] = { "evidence", NULL, &evidence_kind, true },
	[TABLE_NOTES] = { "notes", NULL, &finding_note, true },
	[TABLE_SKETCH] = { "sketch", NULL, &sketch_kind, false },
};

/* Does the field hold one value? Distributions, lists and evidence have tables of their own. */
static bool single_value(const struct finding_field *f)
{
	switch (f->type) {
	case VALUE_SKETCH:
	case VALUE_QUANTILE:
	case VALUE_EVIDENCE:
	case VALUE_LIST:
	case VALUE_NONE:
	case VALUE_TEXT:
		return false;
	default:
		return f->name && f->in & IN_JSON;
	}
}

static unsigned int add_cells(const struct finding_kind *kind, const void *finding,
			      struct export_cell *cells, unsigned int n)
{
	unsigned int i;

	for (i = 0; kind && i < kind->n && n < MAX_CELLS; i++)
		if (single_value(&kind->fields[i]))
			cells[n++] = (struct export_cell){ &kind->fields[i], finding };
	return n;
}

unsigned int export_cells(const struct export_row *row, struct export_cell cells[MAX_CELLS])
{
	unsigned int n = add_cells(row->table->of, row->of, cells, 0);

	return add_cells(row->table->kind, row->finding, cells, n);
}

char *export_column(const struct finding_field *f, char buf[COLUMN_BUF])
{
	char *dot;

	snprintf(buf, COLUMN_BUF, "%s", f->sql ? f->sql : f->name);
	dot = strchr(buf, '.');
	if (dot)
		*dot = '_';
	return buf;
}
