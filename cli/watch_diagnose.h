/* SPDX-License-Identifier: GPL-2.0 */
/* hvstimer watch --diagnose: the analysis of recordings on a trace that goes on. */
#ifndef HVST_CLI_WATCH_DIAGNOSE_H
#define HVST_CLI_WATCH_DIAGNOSE_H

#include "options.h"

/* Run it until it is ended. The exit status. */
int watch_diagnose(const struct options *o);

#endif
