/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Sub-buffers of the kernel's ring buffer. A page: u64 time stamp of its first record, u64 commit
 * (bytes of data, bit 31: events were dropped before it, bit 30: their number follows the data),
 * then records, each under a 32-bit header of type_len (5 bits) and time_delta (27 bits).
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zstd.h>

#include "ring.h"

#define PAGE_HEADER   16
#define CHUNK_PAGES   10
#define TYPE_PADDING  29
#define TYPE_EXTEND   30
#define TYPE_STAMP    31
#define SMALL_DATA    112
#define DELTA_LIMIT   (1ull << 27)
#define COMMIT_MISSED (1u << 31)
#define COMMIT_STORED (1u << 30)

static FILE *spool_open(const char *dir)
{
	int fd = open(dir, O_TMPFILE | O_RDWR, 0600);
	FILE *f;

	if (fd < 0)
		return tmpfile();
	f = fdopen(fd, "w+");
	if (!f)
		close(fd);
	return f;
}

int ring_init(struct ring *r, const char *dir, uint32_t page_size, bool compress)
{
	memset(r, 0, sizeof(*r));
	r->page_size = page_size;
	r->spool = spool_open(dir);
	r->chunk = calloc(CHUNK_PAGES, page_size);
	if (compress)
		r->zstd = ZSTD_createCCtx();
	if (!r->spool || !r->chunk || (compress && !r->zstd)) {
		ring_free(r);
		return -ENOMEM;
	}
	setvbuf(r->spool, NULL, _IOFBF, 1 << 18);
	return 0;
}

void ring_free(struct ring *r)
{
	if (r->spool)
		fclose(r->spool);
	ZSTD_freeCCtx(r->zstd);
	free(r->chunk);
	memset(r, 0, sizeof(*r));
}

static void spool_write(struct ring *r, const void *p, size_t n)
{
	if (fwrite(p, 1, n, r->spool) != n && !r->error)
		r->error = -EIO;
}

static void chunk_compress(struct ring *r, size_t n)
{
	size_t room = ZSTD_compressBound(n), got;
	uint8_t *out = malloc(room);
	uint32_t sizes[2];

	if (!out) {
		r->error = -ENOMEM;
		return;
	}
	got = ZSTD_compressCCtx(r->zstd, out, room, r->chunk, n, 1);
	if (ZSTD_isError(got)) {
		r->error = -EIO;
	} else {
		sizes[0] = got;
		sizes[1] = n;
		spool_write(r, sizes, sizeof(sizes));
		spool_write(r, out, got);
		r->chunks++;
	}
	free(out);
}

static void chunk_flush(struct ring *r)
{
	size_t n = (size_t)r->chunk_pages * r->page_size;

	if (!n)
		return;
	if (r->zstd)
		chunk_compress(r, n);
	else
		spool_write(r, r->chunk, n);
	r->chunk_pages = 0;
}

static uint8_t *page_now(struct ring *r)
{
	return r->chunk + (size_t)r->chunk_pages * r->page_size;
}

static void page_close(struct ring *r)
{
	uint8_t *page = page_now(r);
	uint32_t room = r->page_size - PAGE_HEADER;
	uint64_t commit = r->used;

	if (!r->open)
		return;
	memset(page + PAGE_HEADER + r->used, 0, room - r->used);
	if (r->page_missed) {
		commit |= COMMIT_MISSED;
		if (r->page_missed != UINT64_MAX && r->used + 8 <= room) {
			commit |= COMMIT_STORED;
			memcpy(page + PAGE_HEADER + r->used, &r->page_missed, 8);
		}
	}
	memcpy(page + 8, &commit, 8);
	r->open = false;
	r->pages++;
	if (++r->chunk_pages == CHUNK_PAGES)
		chunk_flush(r);
}

static void page_open(struct ring *r, uint64_t ts)
{
	memcpy(page_now(r), &ts, 8);
	r->open = true;
	r->used = 0;
	r->last_ts = ts;
	r->page_missed = r->missed;
	r->missed = 0;
}

static void put32(struct ring *r, uint32_t v)
{
	memcpy(page_now(r) + PAGE_HEADER + r->used, &v, 4);
	r->used += 4;
}

static void put_header(struct ring *r, uint32_t type, uint32_t delta)
{
	put32(r, type | delta << 5);
}

/* A discarded record: padding with a length and a delta. */
static void put_discarded(struct ring *r)
{
	put_header(r, TYPE_PADDING, 1);
	put32(r, 12);
	put32(r, 0xdeadbeef);
	put32(r, 0xdeadbeef);
}

static void put_time(struct ring *r, uint64_t ts, uint64_t delta)
{
	bool stamp = r->odd && r->records % 41 == 0 && !(ts >> 59);

	if (!stamp && delta < DELTA_LIMIT)
		return;
	if (!stamp)
		ts = delta;
	put_header(r, stamp ? TYPE_STAMP : TYPE_EXTEND, ts & (DELTA_LIMIT - 1));
	put32(r, ts >> 27);
}

void ring_put(struct ring *r, uint64_t ts, const uint8_t *data, unsigned int len)
{
	unsigned int padded = (len + 3) & ~3u;
	unsigned int need = 4 + 8 + 4 + padded + (r->odd ? 16 : 0);
	uint64_t delta;

	if (r->open && (r->missed || PAGE_HEADER + r->used + need > r->page_size))
		page_close(r);
	if (!r->open)
		page_open(r, ts);
	if (r->odd && r->records % 97 == 96 && ts > r->last_ts) {
		put_discarded(r);
		r->last_ts++;
	}
	delta = ts - r->last_ts;
	put_time(r, ts, delta);
	if (delta >= DELTA_LIMIT || (r->odd && r->records % 41 == 0 && !(ts >> 59)))
		delta = 0;
	if (padded > SMALL_DATA || (r->odd && r->records % 53 == 0)) {
		put_header(r, 0, delta);
		put32(r, padded + 4);
	} else {
		put_header(r, padded / 4, delta);
	}
	memcpy(page_now(r) + PAGE_HEADER + r->used, data, len);
	memset(page_now(r) + PAGE_HEADER + r->used + len, 0, padded - len);
	r->used += padded;
	r->last_ts = ts;
	r->records++;
}

void ring_drop(struct ring *r, uint64_t n)
{
	if (r->missed == UINT64_MAX || n == UINT64_MAX)
		r->missed = UINT64_MAX;
	else
		r->missed += n;
}

int ring_finish(struct ring *r)
{
	page_close(r);
	chunk_flush(r);
	if (fflush(r->spool) && !r->error)
		r->error = -errno;
	return r->error;
}
