/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: file. The walk over a version 7 file. */
#ifndef HVST_FILE_WALK7_H
#define HVST_FILE_WALK7_H

#include "file.h"

/*
 * Walks a file of version 7 from @pos, behind its header. Returns 0, or a negative
 * errno with a message.
 */
int hvst_file_walk7(struct hvst_file *f, uint64_t pos);

#endif
