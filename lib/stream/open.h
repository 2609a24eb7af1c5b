/* SPDX-License-Identifier: LGPL-2.1 */
/* Opens the files of a recording as one source of events. */
#ifndef HVST_STREAM_OPEN_H
#define HVST_STREAM_OPEN_H

#include "source.h"

/* What to open. Strings and arrays are borrowed for the life of the source. */
struct hvst_source_opts {
	const char *const *paths;
	unsigned int nr_paths;
	const char *const *buffers; /* names; none: all */
	unsigned int nr_buffers;
	const unsigned int *cpus; /* none: all */
	unsigned int nr_cpus;
	uint64_t ignored_ids; /* bit per enum hvst_event_id: as if not recorded */
	enum hvst_reader reader;
	unsigned int threads; /* 0: as many as there are usable CPUs */
};

/*
 * hvst_source_open - open and check all files
 *
 * *@out owns them; hvst_source_start() comes next. 0, or a negative errno and in @err a message
 * that names the file, the cause and, where it makes sense, the offset.
 */
int hvst_source_open(struct hvst_source **out, const struct hvst_source_opts *opts, char *err,
		     size_t errlen);

#endif
