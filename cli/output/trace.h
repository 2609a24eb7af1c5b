/* SPDX-License-Identifier: GPL-2.0 */
/* What several outputs ask of the recording itself. */
#ifndef HVST_OUTPUT_TRACE_H
#define HVST_OUTPUT_TRACE_H

#include <hvstimer/result.h>

/* Is any file cut off? Whole CPUs may then be missing. */
static inline bool trace_is_cut(const struct hvst_trace *t)
{
	for (unsigned int i = 0; i < t->nr_files; i++)
		if (t->files[i]->truncated_at != HVST_UNKNOWN)
			return true;
	return false;
}

#endif
