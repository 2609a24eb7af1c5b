/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: file. Reading with pread(2) through a small buffer, or from memory. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "io.h"

int hvst_io_read(const struct hvst_io *io, uint64_t off, void *buf, size_t len)
{
	uint8_t *to = buf;

	if (off > io->size || len > io->size - off)
		return -ENODATA;
	if (io->fd < 0) {
		memcpy(to, io->mem + off, len);
		return 0;
	}
	while (len) {
		ssize_t n = pread(io->fd, to, len, (off_t)off);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (!n)
			return -ESTALE;
		to += n;
		off += (uint64_t)n;
		len -= (size_t)n;
	}
	return 0;
}

const char *hvst_io_error(int rc)
{
	return rc == -ESTALE ? "the file became shorter while it was read" : strerror(-rc);
}

void hvst_cursor_init(struct hvst_cursor *c, const struct hvst_io *io, uint64_t pos, uint64_t end)
{
	c->io = io;
	c->end = end < io->size ? end : io->size;
	c->pos = pos;
	c->need = 0;
	c->bad = false;
	c->err = 0;
	c->held = 0;
	c->held_at = 0;
}

static bool fail(struct hvst_cursor *c, uint64_t len)
{
	if (!c->bad)
		c->need = len > UINT64_MAX - c->pos ? UINT64_MAX : c->pos + len;
	c->bad = true;
	return false;
}

static bool fail_with(struct hvst_cursor *c, uint64_t len, int err)
{
	if (!c->bad)
		c->err = err;
	return fail(c, len);
}

static bool avail(struct hvst_cursor *c, uint64_t len)
{
	if (c->bad || c->pos > c->end || len > c->end - c->pos)
		return fail(c, len);
	return true;
}

/* Reads the bytes at @pos into the buffer, as many as fit. */
static bool refill(struct hvst_cursor *c)
{
	uint64_t left = c->end - c->pos;
	int rc;

	c->held = left < sizeof(c->buf) ? (size_t)left : sizeof(c->buf);
	c->held_at = c->pos;
	rc = hvst_io_read(c->io, c->pos, c->buf, c->held);
	if (!rc)
		return true;
	c->held = 0;
	return fail_with(c, left, rc);
}

bool hvst_cursor_bytes(struct hvst_cursor *c, void *to, size_t len)
{
	int rc;

	memset(to, 0, len);
	if (!avail(c, len))
		return false;
	if (len >= sizeof(c->buf)) {
		rc = hvst_io_read(c->io, c->pos, to, len);
		if (rc)
			return fail_with(c, len, rc);
		c->pos += len;
		return true;
	}
	if (c->pos < c->held_at || c->pos - c->held_at > c->held ||
	    len > c->held - (size_t)(c->pos - c->held_at)) {
		if (!refill(c))
			return false;
	}
	memcpy(to, c->buf + (c->pos - c->held_at), len);
	c->pos += len;
	return true;
}

void hvst_cursor_skip(struct hvst_cursor *c, uint64_t len)
{
	if (avail(c, len))
		c->pos += len;
}

uint16_t hvst_cursor_u16(struct hvst_cursor *c)
{
	uint16_t v;

	hvst_cursor_bytes(c, &v, sizeof(v));
	return v;
}

uint32_t hvst_cursor_u32(struct hvst_cursor *c)
{
	uint32_t v;

	hvst_cursor_bytes(c, &v, sizeof(v));
	return v;
}

uint64_t hvst_cursor_u64(struct hvst_cursor *c)
{
	uint64_t v;

	hvst_cursor_bytes(c, &v, sizeof(v));
	return v;
}

bool hvst_cursor_str(struct hvst_cursor *c, char *to, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (!hvst_cursor_bytes(c, &to[i], 1)) {
			to[i] = '\0';
			return false;
		}
		if (!to[i])
			return true;
	}
	to[size - 1] = '\0';
	return fail(c, 1);
}

char *hvst_cursor_dup(struct hvst_cursor *c, uint64_t len, uint64_t max)
{
	char *s;

	if (len > max || !avail(c, len)) {
		fail(c, len);
		return NULL;
	}
	s = malloc((size_t)len + 1);
	if (!s) {
		fail_with(c, len, -ENOMEM);
		return NULL;
	}
	s[len] = '\0';
	if (!hvst_cursor_bytes(c, s, (size_t)len)) {
		free(s);
		return NULL;
	}
	return s;
}
