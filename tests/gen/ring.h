/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One CPU's part of one trace buffer: records -> sub-buffers as the kernel's ring buffer lays them
 * out.
 */
#ifndef GEN_RING_H
#define GEN_RING_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct ring {
	FILE *spool;	/* unlinked: the pages, or with @compress the chunks, of this CPU */
	void *zstd;	/* NULL: not compressed */
	uint8_t *chunk; /* pages gathered for the spool; the last is being filled */
	uint32_t page_size;
	uint32_t chunk_pages; /* pages in @chunk that are complete */
	uint32_t used;	      /* bytes of data in the page being filled */
	bool open;	      /* a page is being filled */
	bool odd; /* throw in what is legal and rare: absolute stamps, discarded records */
	uint64_t last_ts;
	uint64_t missed; /* events dropped before the next page; UINT64_MAX: some, not counted */
	uint64_t page_missed;
	uint64_t pages, chunks, records;
	int error;
};

/* @dir: where the spool lives. 0 or negative errno. */
int ring_init(struct ring *r, const char *dir, uint32_t page_size, bool compress);
/* Records must come in time order. */
void ring_put(struct ring *r, uint64_t ts, const uint8_t *data, unsigned int len);
/* @n events were dropped here (UINT64_MAX: the kernel lost count). */
void ring_drop(struct ring *r, uint64_t n);
/* Everything to the spool; 0 or the first error. */
int ring_finish(struct ring *r);
void ring_free(struct ring *r);

#endif
