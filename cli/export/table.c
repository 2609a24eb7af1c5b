// SPDX-License-Identifier: GPL-2.0
/* The tables of `hvstimer export`. */
#include <stdio.h>
#include <string.h>

#include "table.h"

/* A column has the name of the member it comes from. */
#define COLUMN(kind, member)                                                                       \
	{                                                                                          \
		.name = #member, .type = VALUE_##kind, .offset = offsetof(OF, member),             \
		.in = IN_DATA                                                                      \
	}
#define UTC_COLUMN(column, member)                                                                 \
	{                                                                                          \
		.name = column, .type = VALUE_UTC, .offset = offsetof(OF, member), .in = IN_DATA   \
	}
#define KIND(name, type)                                                                           \
	static const struct finding_kind name##_kind = { name##_columns,                           \
							 sizeof(name##_columns) /                  \
								 sizeof(name##_columns[0]),        \
							 sizeof(type), NULL }

#define OF struct recording_row
static const struct finding_field recording_columns[] = {
	COLUMN(POINTER, file),	      COLUMN(INT, files),      COLUMN(INT, version),
	COLUMN(POINTER, compression), COLUMN(POINTER, uname),  COLUMN(SIGNED, truncated_at),
	COLUMN(POINTER, headline),    COLUMN(POINTER, advice),
};
KIND(recording, OF);
#undef OF

#define OF struct hvst_trace
static const struct finding_field trace_columns[] = {
	COLUMN(POINTER, clock),
	COLUMN(INT, cpus),
	COLUMN(TIME, first_ns),
	COLUMN(TIME, last_ns),
	UTC_COLUMN("first_utc_ns", first_ns),
	UTC_COLUMN("last_utc_ns", last_ns),
	COLUMN(COUNT, events),
	COLUMN(COUNT, relevant),
	COLUMN(COUNT, ignored),
	COLUMN(COUNT, malformed),
	COLUMN(COUNT, duplicates),
	COLUMN(COUNT, backwards),
	COLUMN(COUNT, unfollowed),
	COLUMN(COUNT, lost_places),
	COLUMN(COUNT, lost_events),
	COLUMN(DURATION, lost_ns),
	COLUMN(BOOL, start_expired_recorded),
	COLUMN(DURATION, padding_ns),
};
KIND(trace, OF);
#undef OF

#define OF struct vm_owner
static const struct finding_field vm_columns[] = {
	COLUMN(ID, vm),
};
KIND(vm, OF);
#undef OF

#define OF struct arm_row
static const struct finding_field arm_columns[] = {
	COLUMN(ID, vm),		 COLUMN(ID, vcpu),	  COLUMN(ID, tid),
	COLUMN(ID, timer),	 COLUMN(ID, cpu),	  COLUMN(TIME, ts_ns),
	COLUMN(SIGNED, ts_raw),	 COLUMN(POINTER, kind),	  COLUMN(REF, time_now),
	COLUMN(COUNT, count),	 COLUMN(SIGNED, skew_ns), COLUMN(DURATION, error_ns),
	COLUMN(REF, period_ref), COLUMN(BOOL, inferred),  COLUMN(BOOL, restart),
	COLUMN(BOOL, padded),	 COLUMN(BOOL, host),	  COLUMN(BOOL, parked),
};
KIND(arm, OF);
#undef OF

#define OF struct question_owner
static const struct finding_field question_columns[] = {
	COLUMN(POINTER, question),
};
KIND(question, OF);
#undef OF

#define OF struct evidence_row
static const struct finding_field evidence_columns[] = {
	COLUMN(POINTER, finding_table),
	COLUMN(COUNT, finding_id),
	COLUMN(POINTER, event),
	COLUMN(TIME, ts_ns),
	UTC_COLUMN("utc_ns", ts_ns),
	COLUMN(SIGNED, ts_raw),
	COLUMN(ID, cpu),
	COLUMN(ID, tid),
	COLUMN(POINTER, buffer),
	COLUMN(POINTER, text),
};
KIND(evidence, OF);
#undef OF

#define OF struct sketch_row
static const struct finding_field sketch_columns[] = {
	COLUMN(POINTER, metric),
	COLUMN(ID, vm),
	COLUMN(ID, vcpu),
	COLUMN(ID, tid),
	COLUMN(ID, timer),
	COLUMN(SIGNED, bucket_low),
	COLUMN(SIGNED, bucket_high),
	COLUMN(COUNT, count),
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
