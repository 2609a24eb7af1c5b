/* SPDX-License-Identifier: GPL-2.0 */
/* What an analysis found, as rows of the tables. */
#ifndef HVST_CLI_EXPORT_ROWS_H
#define HVST_CLI_EXPORT_ROWS_H

#include "../notes.h"
#include "table.h"
#include "who.h"

#define MAX_SINKS 2

/**
 * struct rows - where rows go
 * @recording: number of the recording
 * @error: the first error of a sink, a negative errno; no more rows are made after it
 */
struct rows {
	struct export_sink *sinks[MAX_SINKS];
	unsigned int nr_sinks;
	int64_t recording;
	const struct hvst_trace *trace;
	uint64_t last_id[TABLE_COUNT];
	int error;
};

/* All tables but arms. Returns rows->error. */
int rows_result(struct rows *rows, const struct hvst_result *r);
/* The notes of the browser's user. Returns rows->error. */
int rows_notes(struct rows *rows, const struct notes *notes);
/* One arm, as the observer of a pass gets it; @who tells its VM. Returns rows->error. */
int rows_arm(struct rows *rows, const struct hvst_arm *arm, const struct who *who);

#endif
