/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: stream. Prefetch: a pool of threads reads, decompresses and decodes CPU streams one chunk
 * ahead of the merge; without threads the caller does. Each stream has one slot for the chunk
 * ahead, and its chunks are decoded in order: results do not depend on the number of threads. All
 * calls come from one thread.
 */
#ifndef HVST_STREAM_PREFETCH_H
#define HVST_STREAM_PREFETCH_H

#include "cpu_stream.h"

struct hvst_prefetch;

/* For @nr @streams (borrowed), with @threads threads, 0: none. NULL without memory. */
struct hvst_prefetch *hvst_prefetch_new(struct hvst_cpu_stream **streams, unsigned int nr,
					unsigned int threads);
void hvst_prefetch_free(struct hvst_prefetch *p);

/* Begins a pass over [@from_ns, @to_ns): 0 or a negative errno. */
int hvst_prefetch_start(struct hvst_prefetch *p, int64_t from_ns, int64_t to_ns);
/* Ends it: no thread touches a stream any more. */
void hvst_prefetch_stop(struct hvst_prefetch *p);
/* Frees what a pass took, once it has ended and all its chunks are released. */
void hvst_prefetch_forget(struct hvst_prefetch *p);
/*
 * The next chunk of stream @i, the caller's until it is released or the pass ends; NULL without
 * memory. Not to be called after a chunk with rc <= 0.
 */
struct hvst_event_chunk *hvst_prefetch_next(struct hvst_prefetch *p, unsigned int i);
/* Takes back a list of chunks: nobody reads their events any more. */
void hvst_prefetch_release(struct hvst_prefetch *p, struct hvst_event_chunk *chunks);

#endif
