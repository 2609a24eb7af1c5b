/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: file. Decompression of one block with zlib or zstd. */
#include <errno.h>
#include <stdlib.h>
#include <zlib.h>
#include <zstd.h>

#include "compress.h"

struct hvst_unpack {
	enum hvst_compression how;
	ZSTD_DCtx *zstd;
};

struct hvst_unpack *hvst_unpack_new(enum hvst_compression how)
{
	struct hvst_unpack *u = calloc(1, sizeof(*u));

	if (!u)
		return NULL;
	u->how = how;
	if (how == HVST_COMP_ZSTD) {
		u->zstd = ZSTD_createDCtx();
		if (!u->zstd) {
			free(u);
			return NULL;
		}
	}
	return u;
}

void hvst_unpack_free(struct hvst_unpack *u)
{
	if (!u)
		return;
	ZSTD_freeDCtx(u->zstd);
	free(u);
}

int hvst_unpack(struct hvst_unpack *u, void *dst, size_t dst_len, const void *src, size_t src_len)
{
	uLongf got = dst_len;

	if (u->how == HVST_COMP_ZSTD)
		return ZSTD_decompressDCtx(u->zstd, dst, dst_len, src, src_len) == dst_len
			       ? 0
			       : -EBADMSG;
	return uncompress(dst, &got, src, src_len) == Z_OK && got == dst_len ? 0 : -EBADMSG;
}
