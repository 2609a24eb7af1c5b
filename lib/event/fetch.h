/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: event. Threads that read and unpack each lane's next block while the current one is being decoded. A
 * lane has one block in use and at most one ahead, so memory stays bounded; blocks of a lane are loaded in their
 * order whatever thread does it, so results do not depend on the number of threads.
 */
#ifndef HVST_EVENT_FETCH_H
#define HVST_EVENT_FETCH_H

#include "lane.h"

struct hvst_fetch;

/* @threads fetchers for at most @nr_lanes lanes; NULL when there is no memory or no thread. */
struct hvst_fetch *hvst_fetch_new(unsigned int threads, unsigned int nr_lanes);
/* Ends the threads; no lane may be waiting. */
void hvst_fetch_free(struct hvst_fetch *f);
/* Has the block after the current one of @l loaded; not to be called again before hvst_fetch_take(). */
void hvst_fetch_ask(struct hvst_fetch *f, struct hvst_lane *l);
/* Waits for that block and makes it the current one: as hvst_pages_load(). */
int hvst_fetch_take(struct hvst_fetch *f, struct hvst_lane *l);

#endif
