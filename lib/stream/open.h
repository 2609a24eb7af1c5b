/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: stream. Opens the files of a recording as one source of events. */
#ifndef HVST_STREAM_OPEN_H
#define HVST_STREAM_OPEN_H

#include "source_opts.h"

struct hvst_source;

/*
 * hvst_source_open - open and check all files
 *
 * *@out owns them; hvst_source_start() comes next. 0, or a negative errno and in @err a message
 * that names the file, the cause and, where it makes sense, the offset.
 */
int hvst_source_open(struct hvst_source **out, const struct hvst_source_opts *opts, char *err,
		     size_t errlen);

#endif
