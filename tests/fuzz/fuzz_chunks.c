// SPDX-License-Identifier: GPL-2.0
/*
 * One CPU's compressed data, read through and sought in. [flags][threshold, 8 bytes], then the
 * data: the number of chunks and the chunks. Flags: 1 zlib, 2 cut off, 4: the chunks have yet to be
 * packed, as no mutation keeps to what a packer makes: [sub-buffers][what the sizes lie by][16 bit
 * length, text]...
 */
#include <zlib.h>
#include <zstd.h>

#include "../../lib/ring/pages.h"
#include "fuzz.h"

#define PAGE   512
#define WINDOW (64u << 10)

#define MOST_PAGES 16
#define ROOM_A_BYTE                                                                                \
	32 /* of the input: it takes four to have a chunk, with its head and checksum              \
	    */

/* @text and zeroes to the end of the last sub-buffer, packed. */
static size_t pack(uint8_t *out, size_t room, bool zlib, const struct input *text, size_t pages)
{
	uint8_t plain[MOST_PAGES * PAGE] = { 0 };
	size_t len = pages * PAGE;
	uLongf n = room;

	if (text->n)
		memcpy(plain, text->p, text->n < len ? text->n : len);
	if (!zlib)
		return ZSTD_compress(out, room, plain, len, 1);
	return compress2(out, &n, plain, len, 1) == Z_OK ? n : 0;
}

static uint8_t *pack_all(struct input *in, bool zlib, size_t *size)
{
	size_t room = 1024 + ROOM_A_BYTE * in->n, at = sizeof(uint32_t);
	uint8_t *out = calloc(1, room);
	uint32_t nr = 0;

	PROMISE(out);
	while (in->n) {
		size_t pages = 1 + take(in, 1) % MOST_PAGES;
		int8_t lie = (int8_t)take(in, 1);
		struct input text = take_input(in, take(in, 2));
		uint32_t n, len = (uint32_t)(pages * PAGE + (lie & 1 ? lie / 2 : 0));

		PROMISE(at + 8 < room);
		n = (uint32_t)pack(out + at + 8, room - at - 8, zlib, &text, pages);
		PROMISE(n <= room - at - 8);
		nr++;
		memcpy(out + at + 4, &len, sizeof(len));
		len = n + (uint32_t)(lie & 1 ? 0 : lie / 2);
		memcpy(out + at, &len, sizeof(len));
		at += 8 + n;
	}
	memcpy(out, &nr, sizeof(nr));
	*size = at;
	return out;
}

static bool is_before(const void *ctx, uint64_t ts)
{
	return ts < *(const uint64_t *)ctx;
}

static void read_through(struct hvst_pages *p, struct hvst_block *b, struct hvst_unpack *u)
{
	uint64_t loads = 0;
	int rc;

	while ((rc = hvst_pages_load(p, b, u)) > 0) {
		PROMISE(b->len <= WINDOW && b->len % PAGE == 0 && p->pos <= p->end);
		PROMISE(++loads <= p->file->io.size);
	}
	PROMISE(rc <= 0);
}

static void use(const struct hvst_file *f, uint64_t threshold)
{
	struct hvst_cpu_data cpu = { .size = f->io.size };
	struct hvst_unpack *u = hvst_unpack_new(f->compression);
	struct hvst_block b = { 0 };
	struct hvst_pages p;

	hvst_pages_init(&p, f, 0, &cpu, WINDOW);
	if (!hvst_pages_rewind(&p))
		read_through(&p, &b, u);
	if (!hvst_pages_seek(&p, &b, u, is_before, &threshold))
		read_through(&p, &b, u);
	hvst_pages_free(&p);
	hvst_block_free(&b);
	hvst_unpack_free(u);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	unsigned int flags = (unsigned int)take(&in, 1);
	uint64_t threshold = take(&in, 8);
	uint8_t *packed = flags & 4 ? pack_all(&in, flags & 1, &in.n) : NULL;
	struct hvst_file_buffer buffer = { .name = (char *)"",
					   .page_size = PAGE,
					   .compressed = true };
	struct hvst_file f = {
		.io = { .fd = -1, .mem = packed ? packed : in.p, .size = in.n },
		.truncated_at = flags & 2 ? (int64_t)in.n : -1,
		.compression = flags & 1 ? HVST_COMP_ZLIB : HVST_COMP_ZSTD,
		.buffers = &buffer,
		.nr_buffers = 1,
	};

	use(&f, threshold);
	free(packed);
	return 0;
}
