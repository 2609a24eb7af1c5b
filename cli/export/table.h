/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The tables of `hvstimer export`: the same names for SQL and for JSON lines. Columns are the
 * fields of findings (output/finding.h) that hold one value each; "cause.kind" becomes cause_kind.
 * Every row begins with the recording it belongs to.
 */
#ifndef HVST_CLI_EXPORT_TABLE_H
#define HVST_CLI_EXPORT_TABLE_H

#include "../output/finding.h"

enum export_table_id {
	TABLE_RECORDINGS,
	TABLE_VMS,
	TABLE_VCPUS,
	TABLE_TIMERS,
	TABLE_ARMS,
	TABLE_STORMS,
	TABLE_PAST_DUE,
	TABLE_STEPS,
	TABLE_TRANSITIONS,
	TABLE_LIFE,
	TABLE_MOVES,
	TABLE_POINTS,
	TABLE_VERDICTS,
	TABLE_VM_VERDICTS,
	TABLE_EVIDENCE,
	TABLE_SKETCH,
	TABLE_NOTES,
	TABLE_COUNT
};

/**
 * struct export_table - one table
 * @of: columns of what a row belongs to; NULL: none
 * @kind: columns of the row itself
 * @numbered: rows have an id, from 1 in each recording, which the table evidence refers to
 */
struct export_table {
	const char *name;
	const struct finding_kind *of, *kind;
	bool numbered;
};

extern const struct export_table export_tables[TABLE_COUNT];

/* What rows are made of where no finding has the fields. Strings are borrowed. */
struct recording_row {
	const char *file, *compression, *uname, *headline, *advice;
	int files, version;
	int64_t truncated_at;
};

struct vm_owner {
	int vm;
};

struct arm_row {
	int vm, vcpu, tid, timer, cpu;
	const char *kind;
	int64_t ts_ns, ts_raw, time_now, skew_ns, error_ns, period_ref; /* HVST_UNKNOWN */
	uint64_t count;
	bool inferred, restart, padded, host, parked;
};

struct question_owner {
	const char *question;
};

struct evidence_row {
	const char *finding_table, *event, *buffer, *text;
	uint64_t finding_id;
	int cpu, tid;
	int64_t ts_ns, ts_raw;
};

struct sketch_row {
	const char *metric;
	int vm, vcpu, tid, timer;
	int64_t bucket_low, bucket_high;
	uint64_t count;
};

/* A row on its way to a file: the finding, and what it belongs to (NULL: nothing). */
struct export_row {
	const struct export_table *table;
	int64_t recording;
	uint64_t id;
	const void *of, *finding;
};

/* Takes rows. @row returns 0 or a negative errno; after an error it is not called again. */
struct export_sink {
	int (*row)(struct export_sink *s, const struct export_row *row);
};

/* One column of a table, and where its value is. */
struct export_cell {
	const struct finding_field *field;
	const void *finding;
};

#define MAX_CELLS     48
#define COLUMN_BUF    32
#define EVENTS_BUF    2048 /* the names of all events */
#define RECORDING_COL "recording"
#define ID_COL	      "id"

/* The columns after "recording" and "id"; of a table alone, all findings are NULL. Their number. */
unsigned int export_cells(const struct export_row *row, struct export_cell cells[MAX_CELLS]);
/* The name of a column. Returns @buf. */
char *export_column(const struct finding_field *f, char buf[COLUMN_BUF]);

#endif
