// SPDX-License-Identifier: GPL-2.0
/*
 * The same by way of libtracecmd, in the process that is started for it: slow, so a target of its
 * own.
 */
#include "session.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct session_setup how = session_setup(&in);

	session_run(&how, how.format == FORMAT_TEXT ? HVST_READER_AUTO : HVST_READER_LIBTRACECMD,
		    &in);
	return 0;
}
