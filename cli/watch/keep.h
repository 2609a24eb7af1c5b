/* SPDX-License-Identifier: GPL-2.0 */
/* The saved traces of a directory: their names, and how many are kept. */
#ifndef HVST_CLI_WATCH_KEEP_H
#define HVST_CLI_WATCH_KEEP_H

#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "detect.h"

/* "@dir/hvstimer-watch-20261128-220000-tid155-vcpu0.dat", in UTC; NULL without memory. */
char *watch_keep_path(const char *dir, time_t when, const struct watch_key *key);

/*
 * Removes the oldest of this user's files with such names until at most @most are left, of at most
 * @bytes together; 0: no limit. The newest always stays. Unfinished ones of a killed run go first.
 * Other files are not touched. 0 or a negative errno.
 */
int watch_keep_prune(const char *dir, unsigned int most, uint64_t bytes);

#endif
