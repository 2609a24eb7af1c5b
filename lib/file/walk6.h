/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: file. The walk over a version 6 file. */
#ifndef HVST_FILE_WALK6_H
#define HVST_FILE_WALK6_H

#include "file.h"

/*
 * Walks a file of version 6 from @pos, behind its header. Returns 0, or a negative
 * errno with a message.
 */
int hvst_file_walk6(struct hvst_file *f, uint64_t pos);

#endif
