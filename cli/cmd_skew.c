// SPDX-License-Identifier: GPL-2.0
/* hvstimer skew: how far past due, or ahead, timers were set. */
#include "cmd_histogram.h"

int cmd_skew(int argc, char **argv)
{
	return cmd_histogram(CMD_SKEW, argc, argv);
}
