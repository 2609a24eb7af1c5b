/* SPDX-License-Identifier: LGPL-2.1 */
/* Whether two files are parts of one recording. */
#ifndef HVST_FILE_SAME_H
#define HVST_FILE_SAME_H

#include "file.h"

/*
 * hvst_file_differs - what shows that @a and @b are different recordings
 *
 * The first that differs of trace ids (unless one file is the other's guest), hosts, trace clocks,
 * numbers of CPUs and saved command lines, named as a plural; a string constant. What one of them
 * does not have is not compared: trace-cmd-split(1) keeps neither trace id nor uname. NULL: nothing
 * does.
 */
const char *hvst_file_differs(const struct hvst_file *a, const struct hvst_file *b);

#endif
