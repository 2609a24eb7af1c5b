// SPDX-License-Identifier: GPL-2.0
/* Copies a pipe into an unlinked temporary file. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "magic.h"
#include "message.h"
#include "spool.h"

#define DEFAULT_DIR "/tmp"
#define CHUNK	    65536
#define KIND_SHOWN  4096 /* bytes that tell what a file is */

static const char *spool_dir(void)
{
	const char *dir = secure_getenv("TMPDIR");

	return dir && *dir ? dir : DEFAULT_DIR;
}

/* Without O_TMPFILE support, create a named file and unlink it at once. */
static int open_unlinked(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	char path[PATH_MAX];

	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR && errno != ENOENT))
		return fd;
	if (snprintf(path, sizeof(path), "%s/hvstimer.XXXXXX", dir) >= (int)sizeof(path)) {
		errno = ENAMETOOLONG;
		return -1;
	}
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	return fd;
}

static ssize_t read_some(void *buf, size_t len)
{
	ssize_t n;

	do
		n = read(STDIN_FILENO, buf, len);
	while (n < 0 && errno == EINTR);
	return n;
}

static int write_all(int fd, const char *buf, size_t len)
{
	while (len) {
		ssize_t n = write(fd, buf, len);

		if (n < 0 && errno != EINTR)
			return -errno;
		buf += n > 0 ? n : 0;
		len -= n > 0 ? (size_t)n : 0;
	}
	return 0;
}

static bool is_recording(int fd)
{
	char begin[TRACE_MAGIC_SIZE];

	return pread(fd, begin, sizeof(begin), 0) != sizeof(begin) ||
	       !memcmp(begin, TRACE_MAGIC, sizeof(begin));
}

/*
 * False after a message. What is no recording is left unread: opening its beginning tells what it
 * is, and its rest may be long in coming.
 */
static bool fill(int fd, unsigned long max_kb)
{
	uint64_t left = (uint64_t)max_kb * 1024, done = 0;
	char buf[CHUNK];
	ssize_t n;
	int err;

	while ((n = read_some(buf, sizeof(buf))) > 0) {
		if ((uint64_t)n > left) {
			cli_error("standard input holds more than the limit of %lu KiB; see "
				  "--max-size",
				  max_kb);
			return false;
		}
		left -= (uint64_t)n;
		err = write_all(fd, buf, (size_t)n);
		if (err) {
			cli_error("standard input: a temporary file in %s: %s", spool_dir(),
				  strerror(-err));
			return false;
		}
		if (done < KIND_SHOWN && done + (uint64_t)n >= KIND_SHOWN && !is_recording(fd))
			return true;
		done += (uint64_t)n;
	}
	if (n < 0)
		cli_error("standard input: %s", strerror(errno));
	return !n;
}

int spool_stdin(unsigned long max_kb)
{
	struct stat st;
	int fd;

	if (fstat(STDIN_FILENO, &st)) {
		cli_error("standard input: %s", strerror(errno));
		return -1;
	}
	if (S_ISREG(st.st_mode))
		return STDIN_FILENO;
	if (isatty(STDIN_FILENO)) {
		cli_error("standard input is a terminal; a recording is needed there");
		return -1;
	}
	fd = open_unlinked(spool_dir());
	if (fd < 0) {
		cli_error("standard input: no temporary file in %s: %s", spool_dir(),
			  strerror(errno));
		return -1;
	}
	if (fill(fd, max_kb))
		return fd;
	close(fd);
	return -1;
}
