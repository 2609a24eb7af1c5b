// SPDX-License-Identifier: GPL-2.0
/* hvstimer latency: how late timers fired. */
#include "cmd_histogram.h"

int cmd_latency(int argc, char **argv)
{
	return cmd_histogram(CMD_LATENCY, argc, argv);
}
