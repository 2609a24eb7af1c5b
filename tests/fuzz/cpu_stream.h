/* SPDX-License-Identifier: GPL-2.0 */
/* A CPU stream over bytes of memory, for the targets that decode records. */
#ifndef HVST_FUZZ_CPU_STREAM_H
#define HVST_FUZZ_CPU_STREAM_H

#include "../../lib/stream/cpu_stream.h"
#include "fuzz.h"

#define STREAM_PAGE 512
#define STREAM_CPU  3

/* How the bytes are to be read: the head of the input. */
struct stream_setup {
	int64_t from_ns, to_ns;
	uint32_t mult, shift;
	int64_t offset;
};

/* [flags] and what they announce: 1 a window, 2 a scale, 4 an offset. */
struct stream_setup stream_setup(struct input *in);

/* Decodes @pages (whole sub-buffers of STREAM_PAGE bytes) with @d, all checks on. */
void stream_decode(const struct hvst_decoder *d, const struct stream_setup *how,
		   const struct input *pages);

/* The formats of a real kernel, with a decoder for all events and fields of them. */
const struct hvst_decoder *stream_real_decoder(void);

/* Decodes the records of the first buffer of @t with that. */
void stream_decode_tracecmd(struct hvst_file *f, struct hvst_tracecmd *t,
			    const struct stream_setup *how);

#endif
