/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: event. A lane is one CPU of one buffer of one file: its records in their order, decoded
 * into runs of events. Lanes know nothing of each other, so different threads may decode different
 * lanes at a time.
 *
 * Why runs, and not each event decoded right where the merge puts it: within a lane the kinds of
 * events follow each other in patterns that the processor learns to predict, interleaved with those
 * of other CPUs they don't.
 *
 * Trains. Most events are their thread's own affair: it entered the guest, or left it, or wrote a
 * timer, or had it delivered. They change nothing that others look at, so their order against those
 * of other threads does not matter, and they need no place of their own in the merge: one that is
 * directly followed by another event of its thread travels with that one, which is the head of
 * their train, and is looked at right before it. (It would matter if the thread had been on another
 * CPU in between; no thread goes there, runs a guest and comes back within HVST_TRAIN_NS.) A few
 * events do look at what other threads did: they are barriers, before which the merge takes from
 * trains what comes before them.
 */
#ifndef HVST_EVENT_LANE_H
#define HVST_EVENT_LANE_H

#include "../read/pages.h"
#include "../read/subbuf.h"
#include "../read/tracecmd.h"
#include "clock.h"
#include "decode.h"
#include "train.h"

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
 * @heads: how many of them are heads of trains: all that travel alone are
 * @rc: 1 when more may come, 0 at the end of the lane, negative errno
 * @bound_ns: nothing behind this run comes before
 * @counts: of this run alone
 * @ns: the heads' times, and behind them twice @bound_ns: all that the merge looks at
 * @at: which events the heads are, and whether they are barriers
 * @ev: the events, a train's before its head
 */
struct hvst_run {
	struct hvst_run *next;
	size_t n, heads;
	int rc;
	int64_t bound_ns;
	struct hvst_counts counts;
	int64_t ns[HVST_RUN + 2];
	uint16_t at[HVST_RUN];
	struct hvst_event ev[HVST_RUN];
};

#define HVST_AT_BARRIER 0x8000 /* in struct hvst_run.at */
#define HVST_AT_INDEX	0x7fff

#define HVST_NO_THREAD INT64_MIN

/* The train that the next event may be the head of. */
struct hvst_train {
	struct hvst_event *first; /* of those that wait for a head; all behind it in the run do */
	int64_t until;		  /* the next event joins if it comes before that ... */
	int64_t thread; /* ... and is of that one, which is known; HVST_NO_THREAD: no event joins */
	uint32_t started; /* the timer that the host started last, UINT32_MAX: not since it was
			     written */
	uint32_t light;	  /* so many records wait to be noted in the next event ... */
	int32_t vcpu_id;  /* ... if it is of this vCPU; -1: none of them says */
	int64_t light_ns; /* the first of these */
	uint64_t notes;	  /* of them, as if the next one came with the first */
};

/* A time in ns, and as report shows it. */
struct hvst_stamp {
	int64_t ns;
	uint64_t raw;
};

/* A record that waits to be noted. */
struct hvst_light {
	struct hvst_stamp at;
	const uint8_t *data;
	const struct hvst_plan *plan;
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
	struct hvst_train train;
	struct hvst_light light[HVST_NOTES];
	bool trains; /* wanted */

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
