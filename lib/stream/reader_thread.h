/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: stream. Reads, decodes and merges ahead of the consumer, on a thread of its own if threads
 * are wanted, and hands over batches of events through a bounded ring.
 */
#ifndef HVST_STREAM_READER_THREAD_H
#define HVST_STREAM_READER_THREAD_H

#include "dedup.h"
#include "merge.h"

struct hvst_reader_thread;

/*
 * hvst_reader_thread_new - for @nr @streams; those and @dedup (may be NULL) are borrowed
 * @threads: 1: none, all is done in hvst_reader_thread_next(); 2: one that reads, decodes and
 * merges; N: one that merges, N - 1 that prefetch
 *
 * NULL without memory.
 */
struct hvst_reader_thread *hvst_reader_thread_new(struct hvst_cpu_stream **streams, unsigned int nr,
						  struct hvst_dedup *dedup, unsigned int threads);
void hvst_reader_thread_free(struct hvst_reader_thread *t);
/* Ends a pass: no thread touches any of its data afterwards. */
void hvst_reader_thread_stop(struct hvst_reader_thread *t);
/* Begins a pass, after hvst_reader_thread_stop(): 0 or a negative errno. */
int hvst_reader_thread_start(struct hvst_reader_thread *t, int64_t from_ns, int64_t to_ns);
/* Resumes a live trace, with one thread, after a batch that waits. */
void hvst_reader_thread_resume(struct hvst_reader_thread *t);
/* The next batch, valid until the next call. */
const struct hvst_batch *hvst_reader_thread_next(struct hvst_reader_thread *t);

#endif
