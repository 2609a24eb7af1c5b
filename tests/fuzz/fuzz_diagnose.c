// SPDX-License-Identifier: GPL-2.0
/*
 * A whole file through a session with every observer, and its result through the renderers. See
 * session.h. What the page reader declines is for fuzz_tracecmd.c, which is much slower.
 */
#include "session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct session_setup how = session_setup(&in);

	session_run(&how, HVST_READER_PAGES, &in);
	return 0;
}
