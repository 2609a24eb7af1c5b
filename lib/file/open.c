/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: file. Opens a recording; the only file that knows both versions. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "open.h"
#include "sniff.h"
#include "walk6.h"
#include "walk7.h"

static int read_head(struct hvst_file *f, uint64_t *pos)
{
	struct hvst_cursor c;
	char version[8] = "";
	uint8_t magic[10], endian, longs;

	hvst_cursor_init(&c, &f->io, 0, f->io.size);
	hvst_cursor_bytes(&c, magic, sizeof(magic));
	if (c.err)
		return hvst_file_bad(f, &c, "header");
	if (c.bad || memcmp(magic, "\x17\x08\x44tracing", sizeof(magic)))
		return hvst_file_sniff(f);
	if (!hvst_cursor_str(&c, version, sizeof(version)))
		return hvst_file_bad(f, &c, "version");
	hvst_cursor_bytes(&c, &endian, 1);
	hvst_cursor_bytes(&c, &longs, 1);
	f->page_size = hvst_cursor_u32(&c);
	if (c.bad)
		return hvst_file_bad(f, &c, "header");
	f->version = version[1] ? 0 : version[0] - '0';
	if (f->version != 6 && f->version != 7)
		return hvst_file_fail(f, -EOPNOTSUPP,
				      "trace.dat of version %.7s; versions 6 and 7 are supported: "
				      "convert it with 'trace-cmd convert'",
				      version);
	if (endian)
		return hvst_file_fail(f, -EOPNOTSUPP,
				      "recorded on a big-endian machine, which is not supported "
				      "(and has no KVM Hyper-V timers)");
	if (longs != 8)
		return hvst_file_fail(f, -EOPNOTSUPP,
				      "recorded by a 32-bit trace-cmd, which is not supported");
	if (f->page_size < 512 || f->page_size > HVST_MAX_PAGE)
		return hvst_file_fail(f, -EBADMSG, "corrupt: a page size of %u", f->page_size);
	*pos = c.pos;
	return 0;
}

static int walk(struct hvst_file *f)
{
	uint64_t pos;
	int rc = read_head(f, &pos);

	if (rc)
		return rc;
	rc = f->version == 6 ? hvst_file_walk6(f, pos) : hvst_file_walk7(f, pos);
	return rc ? rc : hvst_file_index_guests(f);
}

static int init(struct hvst_file *f, const char *path, const char *const *systems, char *err,
		size_t errlen)
{
	memset(f, 0, sizeof(*f));
	f->io.fd = -1;
	f->truncated_at = -1;
	f->systems = systems;
	f->err = err;
	f->errlen = errlen;
	if (errlen)
		err[0] = '\0';
	f->path = strdup(path);
	if (f->path)
		return 0;
	if (errlen)
		snprintf(err, errlen, "%s: out of memory", path);
	return -ENOMEM;
}

static int check_kind(struct hvst_file *f)
{
	struct stat st;

	if (fstat(f->io.fd, &st))
		return hvst_file_fail(f, -errno, "%s", strerror(errno));
	if (S_ISDIR(st.st_mode))
		return hvst_file_fail(f, -EISDIR, "is a directory; a trace.dat is needed");
	if (!S_ISREG(st.st_mode))
		return hvst_file_fail(
			f, -ESPIPE,
			"is no regular file: a trace.dat is read from many places at "
			"once, which a pipe or device cannot do; save it to a file first");
	f->io.size = (uint64_t)st.st_size;
	return 0;
}

static int check_and_walk(struct hvst_file *f)
{
	int rc;

	if (f->io.fd < 0)
		return hvst_file_fail(f, -errno, "%s", strerror(errno));
	rc = check_kind(f);
	return rc ? rc : walk(f);
}

int hvst_file_open(struct hvst_file *f, const char *path, const char *const *systems, char *err,
		   size_t errlen)
{
	int rc = init(f, path, systems, err, errlen);

	if (rc)
		return rc;
	/* O_NONBLOCK: do not wait for the writer of a FIFO. */
	f->io.fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	return check_and_walk(f);
}

int hvst_file_open_fd(struct hvst_file *f, int fd, const char *name, const char *const *systems,
		      char *err, size_t errlen)
{
	int rc = init(f, name, systems, err, errlen);
	char again[32];

	if (rc)
		return rc;
	/* libtracecmd seeks: two readers must not share a position, as they would after dup(2). */
	snprintf(again, sizeof(again), "/proc/self/fd/%d", fd);
	f->io.fd = open(again, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (f->io.fd < 0) /* no /proc, or a file that only the opener may open */
		f->io.fd = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	return check_and_walk(f);
}

int hvst_file_open_mem(struct hvst_file *f, const void *mem, size_t size,
		       const char *const *systems, char *err, size_t errlen)
{
	int rc = init(f, "memory", systems, err, errlen);

	if (rc)
		return rc;
	f->io.mem = mem;
	f->io.size = size;
	return walk(f);
}
