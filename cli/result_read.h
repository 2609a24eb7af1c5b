/* SPDX-License-Identifier: GPL-2.0 */
/* A stored result (stored/) as one side of a comparison. */
#ifndef HVST_CLI_RESULT_READ_H
#define HVST_CLI_RESULT_READ_H

#include "compare.h"

/* Does the file begin like JSON, or like a database? Also false where it cannot be read. */
bool is_result(const char *path);

/*
 * side_from_result - read the only result of a file
 * @path: borrowed
 * @why: of @len bytes: why it cannot be read, with its name
 *
 * Such a side has no distributions by block of time; one of a database, or of an older hvstimer,
 * has no blocks at all, and no progress. 0, or a negative errno; side_free() in any case.
 */
int side_from_result(struct side *s, const char *path, char *why, size_t len);

#endif
