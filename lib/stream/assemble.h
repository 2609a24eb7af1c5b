/* SPDX-License-Identifier: LGPL-2.1 */
#ifndef HVST_STREAM_ASSEMBLE_H
#define HVST_STREAM_ASSEMBLE_H

#include "source_opts.h"

struct hvst_source;

/* Stage: stream. As hvst_source_open(), but without an estimated scale: cycles stay cycles. */
int hvst_source_assemble(struct hvst_source **out, const struct hvst_source_opts *opts, char *err,
			 size_t errlen);

#endif
