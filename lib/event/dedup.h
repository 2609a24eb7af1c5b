/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: event. The same event recorded into two buffers of a file is one event. Its two records
 * hold the same bytes but their stamps differ a little, for each buffer takes its own. They follow
 * each other closely on their CPU, with nothing between but what interrupted the writing.
 */
#ifndef HVST_EVENT_DEDUP_H
#define HVST_EVENT_DEDUP_H

#include "lane.h"

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
 * Takes the second and later records of an event out of @ev[0..@n); returns how many events are
 * left.
 */
size_t hvst_dedup_run(struct hvst_dedup *d, const struct hvst_event **ev, size_t n,
		      struct hvst_counts *counts);

#endif
