/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: ring. Joins small sub-buffers of one CPU. trace_pipe_raw of a quiet CPU yields a
 * sub-buffer with a few records each time it is read; in a file each of them would take a page.
 */
#ifndef HVST_RING_PACK_H
#define HVST_RING_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/**
 * struct hvst_pack - the sub-buffer being filled
 * @page: of @size bytes, the caller's; @used of them are filled, 0: none
 * @closed: nothing can be joined to it
 * @emit: takes each sub-buffer; what is not 0 ends the call that emits it, with this value
 */
struct hvst_pack {
	uint8_t *page;
	uint32_t size, used;
	bool closed;
	int (*emit)(void *ctx, unsigned int cpu, const void *data, size_t len);
	void *ctx;
	unsigned int cpu;
};

/*
 * Adds the sub-buffer of @len bytes (at least a header) at @sub. Returns 0, or what @emit returned.
 */
int hvst_pack_add(struct hvst_pack *p, const uint8_t *sub, uint32_t len);
/* Emits what is left. */
int hvst_pack_flush(struct hvst_pack *p);

#endif
