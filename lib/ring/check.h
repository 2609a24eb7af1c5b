/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: ring. Rejects files that libtracecmd would read beyond its buffers. */
#ifndef HVST_RING_CHECK_H
#define HVST_RING_CHECK_H

#include "../file/file.h"

/*
 * hvst_ring_check - read all records of a file before libtracecmd does
 *
 * A record that claims more bytes than its sub-buffer has makes libtracecmd read behind its
 * buffers. 0, or a negative errno and a message: -EBADMSG when a sub-buffer makes no sense,
 * -EOVERFLOW when a CPU has more data than libtracecmd reads to its end.
 */
int hvst_ring_check(struct hvst_file *f);

#endif
