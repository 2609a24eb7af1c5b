/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: ring. Copies the records of small sub-buffers into one. */
#include "pack.h"
#include "subbuf.h"

#define STAMP_SIZE 8 /* a record with the time at which the joined records begin */

static void set_length(struct hvst_pack *p)
{
	uint64_t commit;

	memcpy(&commit, p->page + 8, sizeof(commit));
	commit = (commit & ~(uint64_t)HVST_COMMIT_SIZE) | (p->used - HVST_SUBBUF_HEAD);
	memcpy(p->page + 8, &commit, sizeof(commit));
}

static bool can_join(const struct hvst_pack *p, const uint8_t *sub, uint32_t end)
{
	uint64_t first, ts;

	if (!p->used || p->closed || p->used + STAMP_SIZE + end - HVST_SUBBUF_HEAD > p->size)
		return false;
	memcpy(&first, p->page, sizeof(first));
	memcpy(&ts, sub, sizeof(ts));
	return !((first ^ ts) & HVST_TIME_KEPT);
}

static void join(struct hvst_pack *p, const uint8_t *sub, uint32_t end)
{
	uint32_t word[2];
	uint64_t ts;

	memcpy(&ts, sub, sizeof(ts));
	word[0] = HVST_REC_TIME_STAMP | (uint32_t)(ts << 5);
	word[1] = (uint32_t)(ts >> HVST_TIME_SHIFT);
	memcpy(p->page + p->used, word, sizeof(word));
	memcpy(p->page + p->used + STAMP_SIZE, sub + HVST_SUBBUF_HEAD, end - HVST_SUBBUF_HEAD);
	p->used += STAMP_SIZE + end - HVST_SUBBUF_HEAD;
	set_length(p);
}

int hvst_pack_flush(struct hvst_pack *p)
{
	uint32_t len = p->used;

	p->used = 0;
	return len ? p->emit(p->ctx, p->cpu, p->page, len) : 0;
}

int hvst_pack_add(struct hvst_pack *p, const uint8_t *sub, uint32_t len)
{
	uint32_t end, flags;
	bool whole = hvst_subbuf_end(sub, len, &end);
	uint64_t commit;
	int rc;

	memcpy(&commit, sub + 8, sizeof(commit));
	flags = (uint32_t)commit & ~HVST_COMMIT_SIZE;
	if (whole && !flags && end == HVST_SUBBUF_HEAD)
		return 0;
	if (whole && !flags && can_join(p, sub, end)) {
		join(p, sub, end);
		return 0;
	}
	rc = hvst_pack_flush(p);
	if (rc)
		return rc;
	/* The number of lost events lies behind the data. */
	p->closed = !whole || flags & HVST_COMMIT_STORED;
	p->used = p->closed ? len : end;
	memcpy(p->page, sub, p->used);
	if (!p->closed)
		set_length(p);
	return 0;
}
