// SPDX-License-Identifier: GPL-2.0
/*
 * Sub-buffers of the ring buffer, with the formats of a real kernel. See lane_setup() for the
 * input's head.
 */
#include "lane.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct lane_setup how = lane_setup(&in);

	lane_run(lane_real_decoder(), &how, &in);
	return 0;
}
