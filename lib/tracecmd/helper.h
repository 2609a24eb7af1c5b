/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: tracecmd. Starts the helper program that runs libtracecmd, a process of its own. */
#ifndef HVST_TRACECMD_HELPER_H
#define HVST_TRACECMD_HELPER_H

#include <sys/types.h>

#include "../file/file.h"

/*
 * hvst_helper_start - start the helper on @f
 * @pid: gets its process id
 *
 * The helper is looked for in the directory that the environment variable HVSTIMER_LIBEXEC names;
 * without it beside the running program, as in the build tree, and where it is installed.
 *
 * Returns the socket for requests (protocol.h), or a negative errno with a message in @f's error
 * buffer.
 */
int hvst_helper_start(struct hvst_file *f, pid_t *pid);

#endif
