/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: tracecmd. Raw records of one CPU of a buffer, one by one, read by libtracecmd. Slow, but
 * the reference that the page reader is tested against, and the way to read files that the page
 * reader declines. libtracecmd runs in a helper program, because it crashes on many damaged files;
 * requests of several threads are served one after the other.
 */
#ifndef HVST_TRACECMD_TRACECMD_H
#define HVST_TRACECMD_TRACECMD_H

#include "../file/file.h"

struct hvst_tracecmd;

/*
 * One record. @ts: as trace-cmd report shows it; @missed: number of events lost before it, -1
 * unknown.
 */
struct hvst_record {
	uint64_t ts;
	const uint8_t *data;
	uint32_t size;
	int64_t missed;
};

/*
 * hvst_tracecmd_open - start reading @f, which is borrowed and must not be truncated
 *
 * 0, or a negative errno with a message in the error buffer of @f; hvst_tracecmd_close() also after
 * a failure.
 */
int hvst_tracecmd_open(struct hvst_tracecmd **out, struct hvst_file *f);
void hvst_tracecmd_close(struct hvst_tracecmd *t);
/* Why the process ended; "" while it lives. */
const char *hvst_tracecmd_fate(const struct hvst_tracecmd *t);
/*
 * The next record of buffer @buffer (index into @f->buffers) and @cpu; @first: begin again. 1, 0 at
 * the end, negative errno. The data stays valid until the next call for the same buffer and CPU.
 */
int hvst_tracecmd_next(struct hvst_tracecmd *t, unsigned int buffer, unsigned int cpu, bool first,
		       struct hvst_record *rec);

#endif
