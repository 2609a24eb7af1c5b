/* SPDX-License-Identifier: GPL-2.0 */
/* FNV-1a in 64 bits: to recognise a recording or a path, not to withstand somebody who forges. */
#ifndef HVST_CLI_HASH_H
#define HVST_CLI_HASH_H

#include <stddef.h>
#include <stdint.h>

#define HASH_EMPTY 0xcbf29ce484222325ULL

/* The hash of what @h is the hash of, followed by @len bytes. */
static inline uint64_t hash_bytes(uint64_t h, const void *p, size_t len)
{
	const unsigned char *c = p;

	while (len--)
		h = (h ^ *c++) * 0x100000001b3ULL;
	return h;
}

#endif
