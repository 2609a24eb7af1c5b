/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: event. A lane is one CPU of one buffer of one file: its records in their order, decoded
 * into runs of events. Lanes know nothing of each other, so different threads may decode different
 * lanes at a time.
 *
 * Runs, and not one event at a time where the merge puts it: within a lane the kinds of events
 * follow each other in patterns that the branch predictor learns; interleaved with those of other
 * CPUs they do not.
 */
#ifndef HVST_EVENT_LANE_H
#define HVST_EVENT_LANE_H

#include "../read/pages.h"
#include "../read/subbuf.h"
#include "../read/tracecmd.h"
#include "clock.h"
#include "decode.h"

#define HVST_RUN	512 /* events of a run: those of some CPUs fit a core's cache */
#define HVST_RUN_BLOCKS 16  /* blocks that one run may read: bounds the time between two runs */

/* What was counted; of a run, or of a pass so far. */
struct hvst_counts {
	uint64_t slots[HVST_NR_SLOTS]; /* records by slot of the id table */
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
 * struct hvst_run - some events of a lane
 * @next: of a list that the run's owner keeps
 * @n: how many events are filled, maybe none
 * @rc: 1 when more may come, 0 at the end of the lane, negative errno
 * @bound_ns: no event of a later run is earlier
 * @counts: of this run alone
 * @ns: the events' times, and behind them twice @bound_ns: all that the merge looks at
 * @ev: the events
 */
struct hvst_run {
	struct hvst_run *next;
	size_t n;
	int rc;
	int64_t bound_ns;
	struct hvst_counts counts;
	int64_t ns[HVST_RUN + 2];
	struct hvst_event ev[HVST_RUN];
};

struct hvst_lane {
	struct hvst_file *file;
	const struct hvst_decoder *decoder;
	struct hvst_tracecmd *tracecmd; /* records come from here; NULL: from pages */
	unsigned int file_buffer;	/* index into file->buffers */
	unsigned int cpu;
	uint16_t buffer; /* index into struct hvst_trace.buffers */
	struct hvst_timebase timebase;
	struct hvst_cpu_data data; /* this lane's part of the file */
	int64_t from_ns, to_ns;

	struct hvst_pages pages;
	struct hvst_block block;
	size_t block_pos; /* of the next sub-buffer in @block */
	struct hvst_subbuf sub;

	int64_t last_ns; /* of the last record in the window; INT64_MIN: none yet */
	int64_t missed;	 /* events lost before the next record, -1 unknown; valid with @gap */
	bool gap, first, failed;
};

/* Begins a pass; the window is half open. @u: for compressed data, else NULL. */
int hvst_lane_start(struct hvst_lane *l, int64_t from_ns, int64_t to_ns, struct hvst_unpack *u);
/* The next run. */
void hvst_lane_decode(struct hvst_lane *l, struct hvst_run *r, struct hvst_unpack *u);
void hvst_lane_free(struct hvst_lane *l);

void hvst_counts_reset(struct hvst_counts *c);
void hvst_counts_add(struct hvst_counts *to, const struct hvst_counts *c);

#endif
