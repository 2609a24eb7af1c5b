/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: read. The libtracecmd back end: raw records of one buffer's CPU, one by one. Slow, but it
 * is the reference that the page reader is tested against, and takes what that one declines. It
 * runs in a process of its own, because it falls over many a damaged file; one thread is answered
 * at a time.
 */
#ifndef HVST_READ_TRACECMD_H
#define HVST_READ_TRACECMD_H

#include "file.h"

struct hvst_tracecmd;

/*
 * One record. @ts as trace-cmd report shows it; @missed: events lost before it, -1: an unknown
 * number.
 */
struct hvst_record {
	uint64_t ts;
	const uint8_t *data;
	uint32_t size;
	int64_t missed;
};

/* @f must have been opened by hvst_file_open() and be whole; it is borrowed. */
int hvst_tracecmd_open(struct hvst_tracecmd **out, struct hvst_file *f);
void hvst_tracecmd_close(struct hvst_tracecmd *t);
/* Why reading failed. */
const char *hvst_tracecmd_fate(const struct hvst_tracecmd *t);
/*
 * The next record of buffer @buffer (index into @f->buffers) and @cpu; @first: begin again. 1, 0 at
 * the end, negative errno. The data stays valid until the next call for the same buffer and CPU.
 */
int hvst_tracecmd_next(struct hvst_tracecmd *t, unsigned int buffer, unsigned int cpu, bool first,
		       struct hvst_record *rec);

#endif
