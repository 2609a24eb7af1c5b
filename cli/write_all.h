/* SPDX-License-Identifier: GPL-2.0 */
/* write(2) until all of it is written. */
#ifndef HVST_CLI_WRITE_ALL_H
#define HVST_CLI_WRITE_ALL_H

#include <errno.h>
#include <stddef.h>
#include <unistd.h>

/* 0 or a negative errno. */
static inline int write_all(int fd, const void *data, size_t len)
{
	const char *at = data;

	while (len) {
		ssize_t n = write(fd, at, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EIO;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

#endif
