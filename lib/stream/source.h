/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: stream. One stream of typed events in order, all files, buffers and CPUs merged, gaps
 * marked by HVST_EV_LOST pseudo events. open.h makes one.
 */
#ifndef HVST_STREAM_SOURCE_H
#define HVST_STREAM_SOURCE_H

#include <hvstimer/session.h>

struct hvst_source;

void hvst_source_close(struct hvst_source *src);

enum hvst_source_how {
	HVST_SOURCE_ALL_FIELDS = 1, /* of the schema; else those that analysis reads (decode.c) */
	HVST_SOURCE_BY_TIME = 2,    /* strictly; else in the order of exit_groups.h */
};

/*
 * hvst_source_start - begin a pass over [@from_ns, @to_ns) (HVST_UNKNOWN: open)
 *
 * It yields the events in @wanted_ids (a bit per id; HVST_EV_LOST always comes), as @how (enum
 * hvst_source_how) says. Can be called again for another pass. 0 or a negative errno (see
 * hvst_source_error).
 */
int hvst_source_start(struct hvst_source *src, uint64_t wanted_ids, unsigned int how,
		      int64_t from_ns, int64_t to_ns);

/*
 * hvst_source_next - the next batch, see hvst_source_start(); equal time stamps keep file, buffer,
 * CPU, then record order
 *
 * Returns the number of events, 0 at the end, -EAGAIN where hvst_source_poll() is due, another
 * negative errno on a read error (see hvst_source_error). *@batch, an array of pointers to them,
 * and the events stay valid until the next call. Times never go backwards within one CPU stream: an
 * event stamped before its predecessor is delivered in its place with the predecessor's time, and
 * counted.
 */
long hvst_source_next(struct hvst_source *src, const struct hvst_event *const **batch);

/*
 * Ends the pass: frees what it took to read, until the next one. The last batch is no longer valid,
 * the trace's figures are.
 */
void hvst_source_stop(struct hvst_source *src);

/* Waits for a live trace and reads on. 0 or a negative errno (see hvst_source_error). */
int hvst_source_poll(struct hvst_source *src);
/* hvst_session_held() */
int hvst_source_held(const struct hvst_source *src,
		     int (*each)(void *ctx, unsigned int cpu, const void *data, size_t len),
		     void *ctx);

/* Bytes read so far and in all, for progress. */
void hvst_source_progress(const struct hvst_source *src, uint64_t *done, uint64_t *total);
/* The message of the last failure after hvst_source_open(). */
const char *hvst_source_error(const struct hvst_source *src);
/* Filled at open (files, buffers, clock, scale, in_format); the counters by each batch. */
struct hvst_trace *hvst_source_trace(struct hvst_source *src);
/* The guest whose vCPU *@vcpu thread @tid is, as recorded with its host; NULL when unknown. */
const char *hvst_source_guest(const struct hvst_source *src, int tid, int *vcpu);
/*
 * What shows that file @i of @a and file @k of @b belong to different recordings
 * (hvst_file_differs()); NULL: nothing does, or there is no such file.
 */
const char *hvst_source_differs(const struct hvst_source *a, unsigned int i,
				const struct hvst_source *b, unsigned int k);
/* The command name of a thread; "" when unknown. */
const char *hvst_source_comm(const struct hvst_source *src, int tid);

#endif
