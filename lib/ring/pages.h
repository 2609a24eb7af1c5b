/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: ring. The page reader: the data of one CPU in one buffer, as blocks of whole sub-buffers.
 * A block is a window of the file, one decompressed chunk, or one sub-buffer of a live trace;
 * memory is bounded by the block, not by the file. The file is read with pread(2) and never mapped:
 * a file that shrinks under a mapping kills the process, and reading a window into a warm buffer
 * costs less than the page faults.
 */
#ifndef HVST_RING_PAGES_H
#define HVST_RING_PAGES_H

#include "../file/file.h"
#include "live.h"

struct hvst_block {
	uint8_t *data; /* @len bytes, whole sub-buffers */
	size_t len, cap;
	uint8_t *packed;
	size_t packed_cap;
	uint64_t file_bytes; /* of the file, that the block was made from */
};

struct hvst_pages {
	const struct hvst_file *file;
	uint64_t start, end, pos; /* of the data in the file */
	uint32_t page_size;
	bool compressed;
	uint32_t chunks_left;
	size_t window;	 /* bytes of a block; compressed: the largest chunk accepted */
	uint64_t empty;	 /* compressed: bytes of sub-buffers since the last one with a record */
	uint64_t *index; /* offsets of the chunks, built by the first seek */
	uint32_t nr_index;
	struct hvst_live_cpu *live; /* where sub-buffers come from instead of the file; NULL */
	uint64_t bound;		    /* live: after -EAGAIN, see hvst_live_next() */
};

/* @window: about how many bytes a block may have. */
void hvst_pages_init(struct hvst_pages *p, const struct hvst_file *f, unsigned int buffer,
		     const struct hvst_cpu_data *cpu, size_t window);
void hvst_pages_free(struct hvst_pages *p);
void hvst_block_free(struct hvst_block *b);

/* Back to the first block. */
int hvst_pages_rewind(struct hvst_pages *p);

/*
 * hvst_pages_load - the next block into @b, whose memory is reused
 * @u: for compressed data, else NULL
 *
 * 1, 0 at the end, or a negative errno at p->pos: -EBADMSG for data that cannot be decompressed,
 * -E2BIG for a chunk that needs more memory than a block may have, -EFBIG for endless empty
 * sub-buffers, -EAGAIN where a live trace has none at present.
 */
int hvst_pages_load(struct hvst_pages *p, struct hvst_block *b, struct hvst_unpack *u);

/* The message for an error @rc of CPU @cpu's data, into @text of @len bytes. */
void hvst_pages_error(const struct hvst_pages *p, unsigned int cpu, int rc, char *text, size_t len);

/*
 * hvst_pages_seek - find the last sub-buffer that begins before a time, by bisection
 * @before: does a sub-buffer with the time stamp @ts begin before that time?
 *
 * The next load begins with that sub-buffer, or one a little before it. @b is scratch.
 */
int hvst_pages_seek(struct hvst_pages *p, struct hvst_block *b, struct hvst_unpack *u,
		    bool (*before)(const void *ctx, uint64_t ts), const void *ctx);

#endif
