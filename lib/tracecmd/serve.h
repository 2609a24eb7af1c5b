/* SPDX-License-Identifier: LGPL-2.1 */
#ifndef HVST_TRACECMD_SERVE_H
#define HVST_TRACECMD_SERVE_H

#include "../file/file.h"

/*
 * Confines the process, then serves the requests that come on @fd (protocol.h) until it is closed.
 * Returns the exit status of the process.
 */
int hvst_tracecmd_serve(const struct hvst_file *f, int fd);

#endif
