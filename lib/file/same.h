/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: file. Whether two files are parts of one recording. */
#ifndef HVST_FILE_SAME_H
#define HVST_FILE_SAME_H

#include "file.h"

/*
 * hvst_file_differs - what shows that @a and @b are different recordings
 *
 * Compares trace ids, hosts, trace clocks, numbers of CPUs and saved command lines. A guest that
 * was recorded together with its host is another machine: its threads have ids of their own. What
 * one of the files does not have is not compared: trace-cmd split keeps neither trace id nor uname.
 * Returns the first that differs, as a plural noun, a string constant; NULL: nothing differs.
 */
const char *hvst_file_differs(const struct hvst_file *a, const struct hvst_file *b);

#endif
