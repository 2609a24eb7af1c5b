/* SPDX-License-Identifier: GPL-2.0 */
/* hvstimer watch --diagnose: the analysis of recordings applied to a trace that goes on. */
#ifndef HVST_CLI_WATCH_DIAGNOSE_H
#define HVST_CLI_WATCH_DIAGNOSE_H

#include "options.h"

/* Runs until it is ended. Returns the exit status. */
int watch_diagnose(const struct options *o);

#endif
