/* SPDX-License-Identifier: GPL-2.0 */
/* A lane over bytes of memory, for the targets that decode records. */
#ifndef HVST_FUZZ_LANE_H
#define HVST_FUZZ_LANE_H

#include "../../lib/event/lane.h"
#include "fuzz.h"

#define LANE_PAGE 512
#define LANE_CPU  3

/* How the bytes are to be read: the head of the input. */
struct lane_setup {
	int64_t from_ns, to_ns;
	uint32_t mult, shift;
	int64_t offset;
};

/* [flags] and what they announce: 1 a window, 2 a scale, 4 an offset. */
struct lane_setup lane_setup(struct input *in);

/* Decodes @pages (whole sub-buffers of LANE_PAGE bytes) with @d, all checks on. */
void lane_run(const struct hvst_decoder *d, const struct lane_setup *how,
	      const struct input *pages);

/* The formats of a real kernel, with a decoder for all events and fields of them. */
const struct hvst_decoder *lane_real_decoder(void);

/* Decodes what @t answers for its first buffer with that. */
void lane_run_tracecmd(struct hvst_file *f, struct hvst_tracecmd *t, const struct lane_setup *how);

#endif
