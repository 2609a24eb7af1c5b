/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: stream. Inside a source, for the files that open it. */
#ifndef HVST_STREAM_SOURCE_PRIVATE_H
#define HVST_STREAM_SOURCE_PRIVATE_H

#include <hvstimer/session.h>

#include "reader_thread.h"

struct source_file {
	struct hvst_file file;
	struct hvst_decoder decoder;
	struct hvst_tracecmd *tracecmd;
	unsigned int first_buffer; /* its first in struct hvst_trace.buffers */
};

struct hvst_source {
	struct source_file **files;
	unsigned int nr_files;
	struct hvst_file_info **file_info; /* the trace's files */
	struct hvst_buffer_info *buffers;  /* the trace's, until all are there */
	struct hvst_lost *lost;
	struct hvst_cpu_stream **streams;
	unsigned int nr_streams;
	struct hvst_reader_thread *reader;
	struct hvst_dedup *dedup;
	unsigned int *file_of;	/* by buffer */
	struct hvst_live *live; /* NULL: a recording */
	uint64_t bytes_done;
	bool started;	/* a pass */
	uint64_t bytes; /* of all streams */
	struct hvst_trace trace;
	char err[HVST_PATH_ERR];
};

/* Stores the message of a failure and returns @code. */
int hvst_source_fail(struct hvst_source *s, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Resets the counters for a new pass. */
void hvst_source_reset_counters(struct hvst_source *s);

#endif
