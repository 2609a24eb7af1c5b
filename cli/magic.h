/* SPDX-License-Identifier: GPL-2.0 */
/* How a trace.dat begins, of any version: see trace-cmd.dat.v7(5). */
#ifndef HVST_CLI_MAGIC_H
#define HVST_CLI_MAGIC_H

#define TRACE_MAGIC	 "\027\010\104tracing"
#define TRACE_MAGIC_SIZE (sizeof(TRACE_MAGIC) - 1)

#endif
