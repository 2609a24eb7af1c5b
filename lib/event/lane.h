/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: event. A lane is one CPU of one buffer of one file: its records in their order, decoded on demand
 * straight to where the merge wants them. Lanes know nothing of each other.
 */
#ifndef HVST_EVENT_LANE_H
#define HVST_EVENT_LANE_H

#include "../read/pages.h"
#include "../read/subbuf.h"
#include "../read/tracecmd.h"
#include "clock.h"
#include "decode.h"

/* What a pass counted, over all lanes of one thread. */
struct hvst_counts {
	uint64_t slots[HVST_NR_SLOTS];	/* records by slot of the id table */
	uint64_t decoded;
	uint64_t malformed;
	uint64_t clamped;
	uint64_t duplicates;
	uint64_t bytes;			/* of the file, done */
	uint64_t lost_places;
	int64_t lost_ns;
	int64_t first_ns, last_ns;	/* of all records in the window; INT64_MAX, INT64_MIN: none */
};

struct hvst_fetch;
enum hvst_ahead { HVST_AHEAD_NONE, HVST_AHEAD_ASKED, HVST_AHEAD_READY };

struct hvst_lane {
	struct hvst_file *file;
	const struct hvst_decoder *decoder;
	struct hvst_tracecmd *tracecmd;	/* records come from here; NULL: from pages */
	struct hvst_cpu_data data;	/* this lane's part of the file */
	struct hvst_pages pages;
	struct hvst_unpack *unpack;	/* borrowed; NULL: not compressed */
	struct hvst_block block;
	struct hvst_fetch *fetch;	/* loads the block ahead; NULL: the lane loads its blocks itself */
	struct hvst_block ahead;	/* the fetcher's, from asking for it to taking it */
	enum hvst_ahead ahead_state;
	int ahead_rc;
	size_t block_pos;		/* of the next sub-buffer in @block */
	struct hvst_subbuf sub;
	unsigned int file_buffer;	/* index into file->buffers */
	unsigned int cpu;
	uint16_t buffer;		/* index into struct hvst_trace.buffers */
	struct hvst_timebase timebase;
	uint64_t bytes;			/* this lane's share of the file */
	int64_t from_ns, to_ns;

	int64_t head_ns;		/* time of the next event, INT64_MAX at the end */
	int64_t last_ns;		/* of the last event delivered; INT64_MIN none yet */
	int64_t last_record_ns;		/* of the last record of any kind */
	int64_t missed;			/* events lost before the next record, -1 unknown; valid with @gap */
	bool gap, first, done, failed;
	bool held;			/* @record waits to be delivered */
	struct hvst_record record;
	struct hvst_counts *counts;	/* borrowed */
};

/* Begins a pass; the window is half open. */
int hvst_lane_start(struct hvst_lane *l, int64_t from_ns, int64_t to_ns);
void hvst_lane_free(struct hvst_lane *l);

/*
 * hvst_lane_fill - decode up to @max events that come before @limit_ns to @out
 *
 * Returns their number, negative errno on a read error. Afterwards @head_ns is a lower bound of what comes next:
 * exact, unless @max events were delivered.
 */
long hvst_lane_fill(struct hvst_lane *l, struct hvst_event *out, size_t max, int64_t limit_ns);

#endif
