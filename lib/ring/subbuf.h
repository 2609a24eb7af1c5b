/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: ring. The records of one sub-buffer of the kernel ring buffer. Inline, because this is the
 * innermost loop.
 *
 * A sub-buffer begins with its time stamp and the commit word (length of the data, flags for lost
 * events); records follow. A record begins with 32 bits: 5 of type or length, 27 of time since the
 * previous record.
 */
#ifndef HVST_RING_SUBBUF_H
#define HVST_RING_SUBBUF_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#define HVST_SUBBUF_HEAD   16
#define HVST_COMMIT_SIZE   ((1u << 27) - 1)
#define HVST_COMMIT_MISSED (1u << 31) /* events were lost before this sub-buffer */
#define HVST_COMMIT_STORED (1u << 30) /* and their number follows the data */

enum {
	HVST_REC_LONG = 0,
	HVST_REC_PADDING = 29,
	HVST_REC_TIME_EXTEND = 30,
	HVST_REC_TIME_STAMP = 31
};
#define HVST_TIME_SHIFT 27 /* bits of time in a record's header */
/* The high bits that an absolute time stamp lacks: taken from the previous one. */
#define HVST_TIME_KEPT (0xf8ull << 56)

/* The next record is at @at; the previous one had the time stamp @ts. */
struct hvst_subbuf {
	const uint8_t *at, *end;
	uint64_t ts;
};

/*
 * hvst_subbuf_open - start reading the sub-buffer of @size (at least HVST_SUBBUF_HEAD) bytes at
 * @page
 * @missed: gets the number of events lost before it; -1 unknown, 0 none
 *
 * False when the data would be longer than the sub-buffer.
 */
static inline bool hvst_subbuf_open(struct hvst_subbuf *s, const uint8_t *page, uint32_t size,
				    int64_t *missed)
{
	uint32_t room = size - HVST_SUBBUF_HEAD, len;
	uint64_t commit;

	memcpy(&s->ts, page, sizeof(s->ts));
	memcpy(&commit, page + 8, sizeof(commit));
	len = (uint32_t)commit & HVST_COMMIT_SIZE;
	s->at = page + HVST_SUBBUF_HEAD;
	s->end = s->at + (len <= room ? len : 0);
	*missed = commit & HVST_COMMIT_MISSED ? -1 : 0;
	if (len > room)
		return false;
	if (*missed && commit & HVST_COMMIT_STORED && room - len >= sizeof(*missed)) {
		memcpy(missed, s->end, sizeof(*missed));
		if (*missed <= 0)
			*missed = -1;
	}
	return true;
}

/*
 * Long records, and records that carry only time, or nothing. Returns 1 with *@len bytes of data at
 * *@data; 0: no data.
 */
static inline int hvst_subbuf_special(struct hvst_subbuf *s, uint32_t type, uint64_t delta,
				      const uint8_t **data, size_t *len)
{
	uint32_t rest = (uint32_t)(s->end - s->at), word;

	if (rest < 8)
		return type == HVST_REC_PADDING ? (s->at = s->end, 0) : -EBADMSG;
	memcpy(&word, s->at + 4, sizeof(word));
	switch (type) {
	case HVST_REC_LONG:
		if (word < 8 || word > rest) /* holds itself, and at least common_type */
			return -EBADMSG;
		*data = s->at + 8;
		*len = (word - 4 + 3) & ~3u;
		s->ts += delta;
		return 1;
	case HVST_REC_PADDING:
		/*
		 * Without a delta nothing follows; else it is a discarded event, whose time counts.
		 */
		if (!delta || word > rest - 4)
			s->at = s->end;
		else
			s->at += 4 + (word < 4 ? 4 : word);
		break;
	case HVST_REC_TIME_EXTEND:
		delta += (uint64_t)word << HVST_TIME_SHIFT;
		s->at += 8;
		break;
	default:
		s->ts = (s->ts & HVST_TIME_KEPT) | ((uint64_t)word << HVST_TIME_SHIFT) | delta;
		s->at += 8;
		return 0;
	}
	s->ts += delta;
	return 0;
}

/*
 * hvst_subbuf_next - the next record with data: *@len bytes at *@data, of time @s->ts
 *
 * 1; 0 at the end, -EBADMSG when a record is longer than what is left.
 */
static inline __attribute__((always_inline)) int
hvst_subbuf_next(struct hvst_subbuf *s, const uint8_t **data, uint32_t *len)
{
	for (;;) {
		size_t left = (size_t)(s->end - s->at), n;
		const uint8_t *from = s->at + 4;
		uint32_t head, type;
		uint64_t delta;

		if (__builtin_expect(left < 4, 0))
			break;
		memcpy(&head, s->at, sizeof(head));
		type = head & 31;
		delta = head >> 5;
		n = type * 4;
		if (__builtin_expect(type - 1 >= HVST_REC_PADDING - 1, 0)) {
			/* Copies, so that @s and the other variables can stay in registers. */
			struct hvst_subbuf t = *s;
			const uint8_t *long_from = from;
			size_t long_n = n;
			int rc = hvst_subbuf_special(&t, type, delta, &long_from, &long_n);

			*s = t;
			from = long_from;
			n = long_n;
			if (!rc)
				continue;
			if (rc < 0)
				return rc;
			left -= 4; /* its second word */
		} else {
			s->ts += delta;
		}
		if (__builtin_expect(n + 4 > left, 0))
			return -EBADMSG;
		*data = from;
		*len = (uint32_t)n;
		s->at = from + n;
		return 1;
	}
	return s->at == s->end ? 0 : -EBADMSG;
}

/*
 * Where the last record with data in the sub-buffer of @size bytes at @sub ends: only padding or
 * time follows it. False where the records are damaged.
 */
static inline bool hvst_subbuf_end(const uint8_t *sub, uint32_t size, uint32_t *end)
{
	struct hvst_subbuf s;
	const uint8_t *data;
	int64_t missed;
	uint32_t len;
	int rc;

	*end = HVST_SUBBUF_HEAD;
	if (!hvst_subbuf_open(&s, sub, size, &missed))
		return false;
	while ((rc = hvst_subbuf_next(&s, &data, &len)) > 0)
		*end = (uint32_t)(s.at - sub);
	return !rc;
}

#endif
