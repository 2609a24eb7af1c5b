/* SPDX-License-Identifier: GPL-2.0 */
/* Limits for tables by thread and timer. */
#ifndef HVST_CLI_TIMERS_H
#define HVST_CLI_TIMERS_H

#define TIMERS	    4	  /* of a vCPU */
#define MAX_THREADS 65536 /* numbers of vCPU threads in a run; the library follows fewer */

#endif
