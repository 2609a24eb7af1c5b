// SPDX-License-Identifier: GPL-2.0
/*
 * One CPU's compressed data, read through and sought in. [flags][threshold, 8 bytes], then the data: the number of
 * chunks and the chunks. Flags: 1 zlib, 2 cut off.
 */
#include "../../lib/read/pages.h"
#include "fuzz.h"

#define PAGE	512
#define WINDOW	(64u << 10)

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
	struct hvst_file_buffer buffer = { .name = (char *)"", .page_size = PAGE, .compressed = true };
	struct hvst_file f = {
		.io = { .fd = -1, .mem = in.p, .size = in.n }, .truncated_at = flags & 2 ? (int64_t)in.n : -1,
		.compression = flags & 1 ? HVST_COMP_ZLIB : HVST_COMP_ZSTD, .buffers = &buffer, .nr_buffers = 1,
	};

	use(&f, threshold);
	return 0;
}
