/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: stream. Opening a source without a scale. */
#ifndef HVST_STREAM_ASSEMBLE_H
#define HVST_STREAM_ASSEMBLE_H

#include "source_opts.h"

struct hvst_source;

/* As hvst_source_open(), but without an estimated scale: cycles stay cycles. */
int hvst_source_assemble(struct hvst_source **out, const struct hvst_source_opts *opts, char *err,
			 size_t errlen);

#endif
