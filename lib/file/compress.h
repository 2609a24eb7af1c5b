/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: file. Decompresses zlib and zstd, one block at a time. */
#ifndef HVST_FILE_COMPRESS_H
#define HVST_FILE_COMPRESS_H

#include <stddef.h>

enum hvst_compression { HVST_COMP_NONE, HVST_COMP_ZLIB, HVST_COMP_ZSTD };

struct hvst_unpack;

/* A decompressor for @how (not NONE); NULL without memory. One thread at a time. */
struct hvst_unpack *hvst_unpack_new(enum hvst_compression how);
void hvst_unpack_free(struct hvst_unpack *u);
/* Unpacks @src into @dst; 0 when that gives exactly @dst_len bytes, else -EBADMSG. */
int hvst_unpack(struct hvst_unpack *u, void *dst, size_t dst_len, const void *src, size_t src_len);

#endif
