/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: event. What source.c shares with the passes made over a recording while it is opened. */
#ifndef HVST_EVENT_SOURCE_PRIVATE_H
#define HVST_EVENT_SOURCE_PRIVATE_H

#include "pump.h"
#include "source.h"

struct source_file {
	struct hvst_file file;
	struct hvst_decoder decoder;
	struct hvst_tracecmd *tracecmd;
	unsigned int first_buffer; /* its first in struct hvst_trace.buffers */
};

struct hvst_source {
	struct source_file **files;
	unsigned int nr_files;
	struct hvst_file_info *file_info;
	struct hvst_buffer_info *buffers;
	struct hvst_lost *lost;
	struct hvst_lane **lanes;
	unsigned int nr_lanes;
	struct hvst_pump *pump;
	struct hvst_dedup *dedup;
	unsigned int *file_of; /* by buffer */
	uint64_t bytes_done;
	bool started;	/* a pass */
	uint64_t bytes; /* of all lanes */
	struct hvst_trace trace;
	char err[HVST_PATH_ERR];
};

/* As hvst_source_open(), but cycles stay cycles. */
int hvst_source_open_unscaled(struct hvst_source **out, const struct hvst_source_opts *opts,
			      char *err, size_t errlen);

/*
 * hvst_probe_scale - estimate the length of a cycle of the recording, ns as *@mult >> *@shift
 *
 * By the page reader on all buffers and CPUs, whatever @opts selects: the scale, and with it all
 * times, must not depend on that. -ENODATA when nothing in the recording reads the reference clock.
 */
int hvst_probe_scale(const struct hvst_source_opts *opts, uint32_t *mult, uint32_t *shift,
		     char *err, size_t errlen);

/* hvst_probe_vet - read all records of a file for libtracecmd; -EBADMSG when any makes no sense */
int hvst_probe_vet(const char *path, char *err, size_t errlen);

#endif
