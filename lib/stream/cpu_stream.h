/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: stream. A CPU stream: the records of one CPU in one buffer of one file, in their order,
 * decoded into chunks of events. Streams are independent of each other, so that different threads
 * may decode different streams at the same time.
 *
 * Events are decoded a chunk at a time, not one by one as the merge needs them: within a stream the
 * kinds of events follow patterns that the branch predictor learns; interleaved with those of other
 * CPUs they do not.
 */
#ifndef HVST_STREAM_CPU_STREAM_H
#define HVST_STREAM_CPU_STREAM_H

#include "../clock/timebase.h"
#include "../event/decode.h"
#include "../ring/pages.h"
#include "../ring/subbuf.h"
#include "../tracecmd/tracecmd.h"

#define HVST_CHUNK_EVENTS 512 /* the chunks of several CPUs fit into the cache of a core */
#define HVST_CHUNK_WAITS  2   /* a live trace: until the next round of reading */
#define HVST_CHUNK_BLOCKS 16  /* blocks read for one chunk, at most: bounds the time it takes */

/* Counters of one chunk, or of a pass so far. */
struct hvst_counts {
	uint64_t records[HVST_NR_KINDS];
	uint64_t decoded;
	uint64_t malformed;
	uint64_t clamped;
	uint64_t duplicates;
	uint64_t bytes; /* of the file, done */
	uint64_t lost_places;
	int64_t lost_ns;
	int64_t first_ns, last_ns; /* of all records in the window; INT64_MAX, INT64_MIN: none */
};

/**
 * struct hvst_event_chunk - events of one CPU stream
 * @next: of a list that the chunk's owner keeps
 * @n: number of events, possibly 0
 * @rc: 1 when more may come, HVST_CHUNK_WAITS when nothing more is there at present, 0 at the end
 *	of the stream, negative errno
 * @bound_ns: no event of a later chunk of the stream is earlier
 * @grouped: @ns differs from the events' own times
 * @strict_until: up to here events of all streams are to be merged strictly by time, as
 *	hvst_exit_groups() returned it; INT64_MIN
 * @counts: of this chunk
 * @ns: times at which the events are merged, their own or as hvst_exit_groups() changed them; then
 *	twice @bound_ns: all that the merge reads
 * @ev: the events
 */
struct hvst_event_chunk {
	struct hvst_event_chunk *next;
	size_t n;
	int rc;
	int64_t bound_ns;
	bool grouped;
	int64_t strict_until;
	struct hvst_counts counts;
	int64_t ns[HVST_CHUNK_EVENTS + 2];
	struct hvst_event ev[HVST_CHUNK_EVENTS];
};

/**
 * struct hvst_cpu_stream - one CPU of one buffer of one file
 * @tracecmd: where records come from; NULL: from @pages
 * @file_buffer: index into @file->buffers
 * @buffer: index into struct hvst_trace.buffers
 * @data: the CPU's part of the file
 * @from_ns, @to_ns: window of the pass, half open
 * @exit_groups: events of a VM exit are merged together
 * @block_pos: of the next sub-buffer in @block
 * @last_ns: of the last record in the window; INT64_MIN: none yet
 * @gap: records were lost before the next one: @missed of them, -1 unknown
 * @first: nothing has been read of @tracecmd in this pass
 * @failed: reading ended with an error
 * @begun: the pass has had an event of the stream
 */
struct hvst_cpu_stream {
	struct hvst_file *file;
	const struct hvst_decoder *decoder;
	struct hvst_tracecmd *tracecmd;
	unsigned int file_buffer;
	unsigned int cpu;
	uint16_t buffer;
	struct hvst_timebase timebase;
	struct hvst_cpu_data data;
	int64_t from_ns, to_ns;
	bool exit_groups;

	struct hvst_pages pages;
	struct hvst_block block;
	size_t block_pos;
	struct hvst_subbuf sub;

	int64_t last_ns;
	int64_t missed;
	bool gap, first, failed, begun;
};

/* Begins a pass. @u: for compressed data, else NULL. 0 or a negative errno. */
int hvst_cpu_stream_start(struct hvst_cpu_stream *cs, int64_t from_ns, int64_t to_ns,
			  struct hvst_unpack *u);
/* Decodes the next chunk; failures are in its @rc. */
void hvst_cpu_stream_decode(struct hvst_cpu_stream *cs, struct hvst_event_chunk *chunk,
			    struct hvst_unpack *u);
void hvst_cpu_stream_free(struct hvst_cpu_stream *cs);

void hvst_counts_reset(struct hvst_counts *c);
void hvst_counts_add(struct hvst_counts *to, const struct hvst_counts *c);

#endif
