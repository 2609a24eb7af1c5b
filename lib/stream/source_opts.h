/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: stream. The options of a source. */
#ifndef HVST_STREAM_SOURCE_OPTS_H
#define HVST_STREAM_SOURCE_OPTS_H

#include <hvstimer/session.h>

/* What to open. Strings and arrays are borrowed for the life of the source. */
struct hvst_source_opts {
	const char *const *paths;
	const int *fds; /* by path: open already, the path is only its name; -1: not. NULL: none */
	unsigned int nr_paths;
	const char *const *buffers; /* names; none: all */
	unsigned int nr_buffers;
	const unsigned int *cpus; /* none: all */
	unsigned int nr_cpus;
	uint64_t ignored_ids; /* bit per enum hvst_event_id: as if not recorded */
	enum hvst_reader reader;
	unsigned int threads; /* 0: as many as there are usable CPUs */
	/* A live trace, of which the one file is the head; NULL: a recording. */
	const struct hvst_live_ops *live;
	void *live_ctx;
	size_t live_keep;
};

#endif
