// SPDX-License-Identifier: GPL-2.0
/*
 * Sub-buffers of the ring buffer, with the formats of a real kernel. See stream_setup() for the
 * input's head.
 */
#include "cpu_stream.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct stream_setup how = stream_setup(&in);

	stream_decode(stream_real_decoder(), &how, &in);
	return 0;
}
