/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: file. What a file that is no trace.dat seems to be. */
#ifndef HVST_FILE_SNIFF_H
#define HVST_FILE_SNIFF_H

#include "file.h"

/*
 * Stores a message that tells what a file that is no trace.dat seems to be, and what
 * to do about it. Returns a negative errno.
 */
int hvst_file_sniff(struct hvst_file *f);

#endif
