/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: stream. Counts an event once that was recorded into two buffers of a file. Its records
 * hold the same bytes, but their time stamps differ a little, because each buffer takes its own.
 * They are close to each other on their CPU: only events of an interrupt can come between.
 */
#ifndef HVST_STREAM_DEDUP_H
#define HVST_STREAM_DEDUP_H

#include "cpu_stream.h"

#define HVST_DEDUP_DEPTH 16	 /* events of a CPU that are remembered */
#define HVST_DEDUP_NS	 1000000 /* how far apart the two records may be */

struct hvst_dedup;

/*
 * @file_of: by buffer, the file it belongs to (borrowed); @cpus: the highest CPU + 1. NULL without
 * memory.
 */
struct hvst_dedup *hvst_dedup_new(const unsigned int *file_of, unsigned int nr_files,
				  unsigned int cpus);
void hvst_dedup_free(struct hvst_dedup *d);
void hvst_dedup_reset(struct hvst_dedup *d);
/*
 * Removes the second and later records of an event from @ev[0..@n). Returns the number of events
 * left.
 */
size_t hvst_dedup_batch(struct hvst_dedup *d, const struct hvst_event **ev, size_t n,
			struct hvst_counts *counts);

#endif
