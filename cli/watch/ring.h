/* SPDX-License-Identifier: GPL-2.0 */
/* The flight recorder: a private ring buffer that keeps the last seconds, and its saving. */
#ifndef HVST_CLI_WATCH_RING_H
#define HVST_CLI_WATCH_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "instance.h"

struct record_host;
struct watch_table;

#define WATCH_CLOCK "mono" /* the trace clock of these rings */

/**
 * struct watch_ring - a ring buffer that events are recorded into
 * @events: bit per enum hvst_event_id: what is recorded
 */
struct watch_ring {
	struct watch_instance in;
	uint64_t events;
};

/*
 * Begins to record into @kb KiB a CPU; with @exits also exits and entries, which are most of all
 * events. Returns 0, or a negative errno with the reason in @err; nothing is left behind then.
 */
int watch_ring_start(struct watch_ring *r, const struct record_host *h, unsigned long kb,
		     bool exits, char *err, size_t errlen);
/* Stops the recording or lets it go on. 0 or a negative errno. */
int watch_ring_set(struct watch_ring *r, bool on);
int watch_ring_stop(struct watch_ring *r);

/*
 * Writes a stopped ring to @path, as trace-cmd record would, and empties it. Names of the threads
 * in @t are written too: the kernel's own table of names is short. The file appears whole or not at
 * all. 0, or a negative errno with the reason in @err.
 */
int watch_ring_save(const struct watch_ring *r, const struct watch_table *t, const char *path,
		    char *err, size_t errlen);

#endif
