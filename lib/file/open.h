/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: file. Opens a trace.dat of version 6 or 7: checks its header and walks its sections and
 * options. Both readers need this: the page reader takes the positions of the data from it, and
 * libtracecmd, which crashes on a third of all truncated files, is only given files that passed it.
 */
#ifndef HVST_FILE_OPEN_H
#define HVST_FILE_OPEN_H

#include "file.h"

/*
 * hvst_file_open - open @path and walk it
 *
 * Only formats of @systems (NULL-terminated; NULL: all, ftrace's too) are read and checked. 0, or a
 * negative errno and a message with path, cause and offset in @err. hvst_file_close() frees all; it
 * takes a file that failed to open, too.
 */
int hvst_file_open(struct hvst_file *f, const char *path, const char *const *systems, char *err,
		   size_t errlen);
/*
 * The same on a regular file that is open as @fd and is called @name in messages. It is opened
 * anew, so that @fd keeps its position and may be closed after.
 */
int hvst_file_open_fd(struct hvst_file *f, int fd, const char *name, const char *const *systems,
		      char *err, size_t errlen);
/* The same on memory, which must outlive @f: for tests and fuzzers. */
int hvst_file_open_mem(struct hvst_file *f, const void *mem, size_t size,
		       const char *const *systems, char *err, size_t errlen);

#endif
