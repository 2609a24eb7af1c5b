/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: stream. The length of a cycle of a recording with a cycle clock. */
#ifndef HVST_STREAM_SCALE_PROBE_H
#define HVST_STREAM_SCALE_PROBE_H

#include "source_opts.h"

/*
 * hvst_scale_probe - estimate the length of a cycle of the recording, ns as *@mult >> *@shift
 *
 * By the page reader on all buffers and CPUs, whatever @opts selects: the scale, and with it all
 * times, must not depend on that. 0; -ENODATA when nothing in the recording reads the reference
 * clock; another negative errno with a message in @err.
 */
int hvst_scale_probe(const struct hvst_source_opts *opts, uint32_t *mult, uint32_t *shift,
		     char *err, size_t errlen);

#endif
