/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What an ongoing diagnosis has reported: a line for each storm that begins, changes or ends, each
 * question whose answer becomes yes, and lost events. The state between two results is plain data,
 * so that it can be passed from one process to another.
 */
#ifndef HVST_CLI_WATCH_TOLD_H
#define HVST_CLI_WATCH_TOLD_H

#include <hvstimer/hvstimer.h>

#include "../output/out.h"
#include "who.h"

#define WATCH_TOLD_STORMS 256 /* the newest are reported one by one */

/**
 * struct watch_told_storm - a storm of the last result
 * @end_ns: of its last arm so far
 * @size: past-due arms, or turns of a livelock, of @arms in all
 * @begun: it was not in the result before
 */
struct watch_told_storm {
	int tid, vcpu, timer;
	int64_t start_ns, end_ns;
	uint64_t size, arms;
	double rate_hz, peak_hz;
	enum hvst_storm_kind kind;
	enum hvst_storm_cause cause;
	bool open, begun;
};

/**
 * struct watch_told - the last result
 * @storms: the newest @nr_storms, in its order
 * @yes: by question, the number of VMs for which it was answered with yes
 * @lost_places: of the pass
 * @total: storms told so far
 */
struct watch_told {
	struct watch_told_storm storms[WATCH_TOLD_STORMS];
	unsigned int nr_storms;
	unsigned int yes[HVST_Q_COUNT];
	uint64_t lost_places, total;
};

/*
 * Writes to @out a line for whatever in @r differs from @told, which becomes what @r has. @json: a
 * JSON object each. A storm that reaches back before the events that are still known, and begins
 * later than it did, is the same storm.
 */
void watch_tell(struct watch_told *told, struct out *out, bool json, const struct hvst_trace *t,
		const struct hvst_result *r, struct watch_names *names);

/* Whether a storm goes on. */
bool watch_told_open(const struct watch_told *told);

#endif
