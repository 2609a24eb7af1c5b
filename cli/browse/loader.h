/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A source that reads a recording: one thread builds the index, another reads what the screen
 * needs, a third searches.
 */
#ifndef HVST_BROWSE_LOADER_H
#define HVST_BROWSE_LOADER_H

#include "source.h"

/*
 * Starts the threads; NULL without memory or threads. All sessions are open on the same recording
 * and borrowed until br_loader_free(); the index holds [@from_ns, @to_ns) (HVST_UNKNOWN: open).
 */
struct br_source *br_loader_new(struct hvst_session *index, struct hvst_session *reads,
				struct hvst_session *searches, int64_t from_ns, int64_t to_ns);
void br_loader_free(struct br_source *src);

#endif
