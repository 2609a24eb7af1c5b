/* SPDX-License-Identifier: GPL-2.0 */
/* The counters: histogram triggers in a private instance, kept by the kernel. */
#ifndef HVST_CLI_WATCH_PROBE_H
#define HVST_CLI_WATCH_PROBE_H

#include <stdint.h>

#include "detect.h"
#include "instance.h"

struct record_host;

/**
 * struct watch_probe - the counters being kept
 * @events: bit per enum hvst_event_id: the events of this host
 * @dropped: events that no counter had room for since the counters were last cleared
 * @uncounted: the same, since the beginning
 */
struct watch_probe {
	struct watch_instance in;
	uint64_t events;
	uint64_t entries, dropped, uncounted;
};

/* Begins to count. 0, or a negative errno with the reason in @err; nothing is left behind then. */
int watch_probe_start(struct watch_probe *p, const struct record_host *h, char *err, size_t errlen);
/* Adds all counters to @t. 0, or a negative errno with the reason in @err. */
int watch_probe_read(struct watch_probe *p, struct watch_table *t, char *err, size_t errlen);
/*
 * Clears the counters where they fill up with threads that are gone. Call it after each reading
 * that was taken. Returns whether it did, or a negative errno.
 */
int watch_probe_make_room(struct watch_probe *p);
int watch_probe_stop(struct watch_probe *p);

#endif
