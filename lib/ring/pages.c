/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: ring. Windows and chunks of one CPU's data as blocks, and the search for a time. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pages.h"
#include "subbuf.h"

#define CHUNK_HEAD 8

/*
 * No ratio of sizes tells a decompression bomb: sub-buffers of 64 KiB with a few events each
 * compress better than 400 to 1. But the kernel hands out a sub-buffer only once it holds a record,
 * so this much without any is malicious.
 */
#define MAX_EMPTY (64u << 20)

void hvst_pages_init(struct hvst_pages *p, const struct hvst_file *f, unsigned int buffer,
		     const struct hvst_cpu_data *cpu, size_t window)
{
	const struct hvst_file_buffer *b = &f->buffers[buffer];

	memset(p, 0, sizeof(*p));
	p->file = f;
	p->start = cpu->offset;
	p->end = cpu->offset + cpu->size;
	p->page_size = b->page_size;
	p->compressed = b->compressed;
	p->window = window > p->page_size ? window - window % p->page_size : p->page_size;
}

void hvst_pages_free(struct hvst_pages *p)
{
	free(p->index);
	p->index = NULL;
}

void hvst_block_free(struct hvst_block *b)
{
	free(b->data);
	free(b->packed);
	memset(b, 0, sizeof(*b));
}

static int reserve(uint8_t **mem, size_t *cap, size_t size)
{
	if (*cap >= size)
		return 0;
	free(*mem);
	*cap = 0;
	*mem = malloc(size);
	if (!*mem)
		return -ENOMEM;
	*cap = size;
	return 0;
}

/* In a truncated file data may end anywhere; a complete one is corrupt then. */
static int ends_early(const struct hvst_pages *p)
{
	return p->file->truncated_at >= 0 ? 0 : -EBADMSG;
}

int hvst_pages_rewind(struct hvst_pages *p)
{
	p->pos = p->start;
	p->chunks_left = 0;
	p->empty = 0;
	if (!p->compressed)
		return 0; /* a live trace begins with hvst_live_start() */
	if (p->end - p->start < sizeof(p->chunks_left))
		return ends_early(p);
	p->pos += sizeof(p->chunks_left);
	return hvst_io_read(&p->file->io, p->start, &p->chunks_left, sizeof(p->chunks_left));
}

static int load_window(struct hvst_pages *p, struct hvst_block *b)
{
	uint64_t left = p->end - p->pos;
	size_t len = left < p->window ? (size_t)left : p->window;
	int rc;

	len -= len % p->page_size;
	if (!len)
		return 0;
	rc = reserve(&b->data, &b->cap, p->window);
	if (!rc)
		rc = hvst_io_read(&p->file->io, p->pos, b->data, len);
	if (rc)
		return rc;
	b->len = len;
	b->file_bytes = len;
	p->pos += len;
	return 1;
}

/* Sizes of the chunk at @pos: 1, 0 where a truncated file ends, negative errno. */
static int chunk_head(const struct hvst_pages *p, uint64_t pos, uint32_t *packed, uint32_t *size)
{
	uint32_t head[2];
	int rc;

	if (p->end - pos < CHUNK_HEAD)
		return ends_early(p);
	rc = hvst_io_read(&p->file->io, pos, head, sizeof(head));
	if (rc)
		return rc;
	*packed = head[0];
	*size = head[1];
	if (*packed > p->end - pos - CHUNK_HEAD)
		return ends_early(p);
	if (!*packed || !*size)
		return -EBADMSG;
	if (*size > p->window)
		return -E2BIG;
	return *packed > *size + 65536 ? -EBADMSG : 1;
}

/* Counts the bytes of sub-buffers since the last one with a record. */
static bool is_bomb(struct hvst_pages *p, const struct hvst_block *b)
{
	for (size_t at = 0; at < b->len; at += p->page_size) {
		uint32_t commit;

		memcpy(&commit, b->data + at + 8, sizeof(commit));
		p->empty = commit & HVST_COMMIT_SIZE ? 0 : p->empty + p->page_size;
	}
	return p->empty > MAX_EMPTY;
}

static int load_chunk(struct hvst_pages *p, struct hvst_block *b, struct hvst_unpack *u)
{
	uint32_t packed = 0, size = 0;
	int rc = p->chunks_left ? chunk_head(p, p->pos, &packed, &size) : 0;

	if (rc <= 0)
		return rc;
	rc = reserve(&b->data, &b->cap, size);
	if (!rc)
		rc = reserve(&b->packed, &b->packed_cap, packed);
	if (!rc)
		rc = hvst_io_read(&p->file->io, p->pos + CHUNK_HEAD, b->packed, packed);
	if (!rc)
		rc = hvst_unpack(u, b->data, size, b->packed, packed);
	if (rc)
		return rc;
	b->len = size - size % p->page_size;
	if (is_bomb(p, b))
		return -EFBIG;
	b->file_bytes = packed + CHUNK_HEAD;
	p->pos += packed + CHUNK_HEAD;
	p->chunks_left--;
	return 1;
}

static int load_live(struct hvst_pages *p, struct hvst_block *b)
{
	int rc = reserve(&b->data, &b->cap, p->page_size);

	if (!rc)
		rc = hvst_live_next(p->live, b->data, &p->bound);
	if (rc <= 0)
		return rc;
	b->len = p->page_size;
	b->file_bytes = 0;
	return 1;
}

int hvst_pages_load(struct hvst_pages *p, struct hvst_block *b, struct hvst_unpack *u)
{
	if (p->live)
		return load_live(p, b);
	return p->compressed ? load_chunk(p, b, u) : load_window(p, b);
}

void hvst_pages_error(const struct hvst_pages *p, unsigned int cpu, int rc, char *text, size_t len)
{
	unsigned long long at = p->pos;

	if (rc == -EFBIG)
		snprintf(text, len,
			 "decompression bomb: CPU %u's data up to offset %llu decompresses to %u "
			 "MiB without a single record",
			 cpu, at, MAX_EMPTY >> 20);
	else if (rc == -E2BIG)
		snprintf(text, len,
			 "CPU %u's chunk at offset %llu cannot be decompressed: it needs more than "
			 "the %zu KiB of memory that it may take",
			 cpu, at, p->window >> 10);
	else if (rc == -EBADMSG)
		snprintf(text, len, "corrupt: CPU %u's data at offset %llu cannot be decompressed",
			 cpu, at);
	else
		snprintf(text, len, "reading failed: %s", hvst_io_error(rc));
}

/* --- seeking ---------------------------------------------------------------------------------- */

static int make_index(struct hvst_pages *p)
{
	uint64_t pos = p->pos;
	uint32_t n = p->chunks_left, packed = 0, size = 0;
	int rc = 1;

	if (p->index)
		return 0;
	if (n > (p->end - p->start) / CHUNK_HEAD)
		n = (uint32_t)((p->end - p->start) / CHUNK_HEAD);
	p->index = malloc(((size_t)n + 1) * sizeof(*p->index));
	if (!p->index)
		return -ENOMEM;
	for (p->nr_index = 0; p->nr_index < n; p->nr_index++) {
		rc = chunk_head(p, pos, &packed, &size);
		if (rc <= 0)
			break;
		p->index[p->nr_index] = pos;
		pos += packed + CHUNK_HEAD;
	}
	if (rc >= 0)
		return 0;
	free(p->index); /* a later search must not take it for the whole */
	p->index = NULL;
	return rc;
}

/* Time stamp of block @i: a sub-buffer of the file, or the first one of a chunk. */
static int stamp_of(struct hvst_pages *p, uint64_t i, struct hvst_block *b, struct hvst_unpack *u,
		    uint64_t *ts)
{
	uint32_t left = p->chunks_left;
	int rc;

	if (!p->compressed)
		return hvst_io_read(&p->file->io, p->start + i * p->page_size, ts, sizeof(*ts));
	p->pos = p->index[i];
	rc = load_chunk(p, b, u);
	p->chunks_left = left;
	if (rc <= 0 || !b->len)
		return rc < 0 ? rc : -EBADMSG;
	memcpy(ts, b->data, sizeof(*ts));
	return 0;
}

int hvst_pages_seek(struct hvst_pages *p, struct hvst_block *b, struct hvst_unpack *u,
		    bool (*before)(const void *ctx, uint64_t ts), const void *ctx)
{
	uint64_t lo = 0, hi, ts;
	uint32_t chunks;
	int rc = hvst_pages_rewind(p);

	if (!rc && p->compressed)
		rc = make_index(p);
	if (rc || p->live)
		return rc;
	chunks = p->chunks_left;
	hi = p->compressed ? p->nr_index : (p->end - p->start) / p->page_size;
	while (lo + 1 < hi) {
		uint64_t mid = lo + (hi - lo) / 2;

		rc = stamp_of(p, mid, b, u, &ts);
		if (rc)
			return rc;
		if (before(ctx, ts))
			lo = mid;
		else
			hi = mid;
	}
	p->empty = 0;
	if (!p->compressed)
		p->pos = p->start + lo * p->page_size;
	else if (p->nr_index) {
		p->pos = p->index[lo];
		p->chunks_left = chunks - (uint32_t)lo;
	}
	return 0;
}
