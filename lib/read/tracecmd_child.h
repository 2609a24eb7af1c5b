/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: read. The process that runs libtracecmd, and what it says to the one that wants the
 * records. Both are the same program, so the messages are plain structs.
 */
#ifndef HVST_READ_TRACECMD_CHILD_H
#define HVST_READ_TRACECMD_CHILD_H

#include "file.h"

#define HVST_BATCH_BYTES (64u << 10) /* of records, about */
#define HVST_RECORD_MAX	 (1u << 20)  /* no record is longer than a sub-buffer */

/* Asks for the next records of a buffer's CPU. */
struct hvst_wish {
	uint32_t buffer, cpu;
	uint32_t first; /* from the beginning */
};

/*
 * Answers it: @bytes of records follow, none at the end. The first answer, to no wish, tells of the
 * opening.
 */
struct hvst_answer {
	int32_t rc; /* negative errno */
	uint32_t bytes;
	char what[64]; /* when @rc is negative */
};

/* Before each record's @size bytes. */
struct hvst_record_head {
	uint64_t ts;
	int64_t missed;
	uint32_t size;
};

/* Serves wishes that come on @fd until it is closed; returns the process's exit status. */
int hvst_tracecmd_serve(const struct hvst_file *f, int fd);

/* All of it, in spite of signals: 0, or -EPIPE when the other side is gone. */
int hvst_send(int fd, const void *p, size_t len);
int hvst_receive(int fd, void *p, size_t len);

#endif
