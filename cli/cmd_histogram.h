/* SPDX-License-Identifier: GPL-2.0 */
/* What skew and latency share: collect in one pass (two for linear buckets), then render. */
#ifndef HVST_CLI_CMD_HISTOGRAM_H
#define HVST_CLI_CMD_HISTOGRAM_H

#include "commands.h"

int cmd_histogram(enum command_bit bit, int argc, char **argv);

#endif
