/* SPDX-License-Identifier: GPL-2.0 */
/* Which events a recording lacks, and the command that records them. */
#ifndef HVST_CLI_HINT_H
#define HVST_CLI_HINT_H

#include <hvstimer/result.h>

#include "out.h"

/*
 * The trace-cmd command line that records the events of @ids, a bit each; 0: all that diagnose
 * uses.
 */
void record_command(struct out *out, uint64_t ids);

/* Events whose absence left a verdict open; a bit each. */
uint64_t hint_missing(const struct hvst_result *r);

#endif
