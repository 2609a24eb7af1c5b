/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: read. One piece of compressed data at a time, zlib or zstd. */
#ifndef HVST_READ_COMPRESS_H
#define HVST_READ_COMPRESS_H

#include "file.h"

struct hvst_unpack;

/* A decompressor for @how (not NONE); NULL without memory. One thread at a time. */
struct hvst_unpack *hvst_unpack_new(enum hvst_compression how);
void hvst_unpack_free(struct hvst_unpack *u);
/* Unpacks @src into @dst; 0 when that gives exactly @dst_len bytes, else -EBADMSG. */
int hvst_unpack(struct hvst_unpack *u, void *dst, size_t dst_len, const void *src, size_t src_len);

#endif
