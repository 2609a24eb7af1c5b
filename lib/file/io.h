/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: file. Bytes of a recording by position: of a file, or of memory (a decompressed section, a
 * fuzzer's input). A cursor reads them in order and checks every bound; after the first read past
 * the end it is @bad and returns zeroes, and @need tells how long the file would have to be. It is
 * @bad, too, where reading or an allocation fails; @err is then the negative errno.
 */
#ifndef HVST_FILE_IO_H
#define HVST_FILE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hvst_io {
	int fd; /* -1: memory */
	const uint8_t *mem;
	uint64_t size;
};

/*
 * Reads exactly @len bytes at @off: 0, -ENODATA when they lie beyond @size, -ESTALE when the file
 * has become shorter than that, or the error of pread(2).
 */
int hvst_io_read(const struct hvst_io *io, uint64_t off, void *buf, size_t len);
/* What such an error means, for a message. */
const char *hvst_io_error(int rc);

struct hvst_cursor {
	const struct hvst_io *io;
	uint64_t pos, end;
	uint64_t need; /* valid when @bad: the end of the read that failed */
	bool bad;
	int err;
	size_t held; /* bytes in @buf, which starts at @held_at */
	uint64_t held_at;
	uint8_t buf[4096];
};

/* A cursor over [@pos, @end) of @io, @end cut at the end of @io. @io must outlive it. */
void hvst_cursor_init(struct hvst_cursor *c, const struct hvst_io *io, uint64_t pos, uint64_t end);
bool hvst_cursor_bytes(struct hvst_cursor *c, void *to, size_t len);
void hvst_cursor_skip(struct hvst_cursor *c, uint64_t len);
uint16_t hvst_cursor_u16(struct hvst_cursor *c);
uint32_t hvst_cursor_u32(struct hvst_cursor *c);
uint64_t hvst_cursor_u64(struct hvst_cursor *c);
/* A NUL-terminated string of at most @size - 1 characters; longer ones make the cursor bad. */
bool hvst_cursor_str(struct hvst_cursor *c, char *to, size_t size);
/*
 * A copy of @len bytes with a NUL behind them; NULL when there are fewer, @len exceeds @max, or
 * there is no memory.
 */
char *hvst_cursor_dup(struct hvst_cursor *c, uint64_t len, uint64_t max);

#endif
