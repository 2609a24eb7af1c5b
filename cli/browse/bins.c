// SPDX-License-Identifier: GPL-2.0
/* Bins, their packing and unpacking. */
#include <hvstimer/session.h>
#include <string.h>

#include "bins.h"

/* Which parts of a bin follow its first byte. */
enum { AHEAD = 1, PAST = 2, PERIODIC = 4, INFERRED = 8, SKEW = 16, HIST = 32 };

void br_bins_init(struct br_bin *bins, unsigned int n)
{
	memset(bins, 0, n * sizeof(*bins));
	for (unsigned int i = 0; i < n; i++)
		bins[i].skew_min = bins[i].skew_max = bins[i].first_past = bins[i].last_past =
			HVST_UNKNOWN;
}

uint64_t br_bin_arms(const struct br_bin *b)
{
	return (uint64_t)b->ahead + b->past + b->periodic;
}

void br_add32(uint32_t *to, uint32_t n)
{
	*to = *to > UINT32_MAX - n ? UINT32_MAX : *to + n;
}

/* HVST_UNKNOWN is INT64_MIN: exclude it from the minimum. */
void br_widen(int64_t *min, int64_t *max, int64_t v_min, int64_t v_max)
{
	if (v_min == HVST_UNKNOWN)
		return;
	if (*min == HVST_UNKNOWN || v_min < *min)
		*min = v_min;
	if (v_max > *max)
		*max = v_max;
}

void br_hist_add(uint16_t *hist, unsigned int i, unsigned int n)
{
	while (hist[i] + n > UINT16_MAX) {
		n = (n + 1) / 2;
		for (int k = 0; k < BR_HIST; k++)
			hist[k] = (uint16_t)((hist[k] + 1) / 2);
	}
	hist[i] = (uint16_t)(hist[i] + n);
}

void br_bin_merge(struct br_bin *to, const struct br_bin *from)
{
	br_add32(&to->ahead, from->ahead);
	br_add32(&to->past, from->past);
	br_add32(&to->periodic, from->periodic);
	br_add32(&to->inferred, from->inferred);
	br_widen(&to->skew_min, &to->skew_max, from->skew_min, from->skew_max);
	br_widen(&to->first_past, &to->last_past, from->first_past, from->last_past);
	for (unsigned int k = 0; k < BR_HIST; k++)
		if (from->hist[k])
			br_hist_add(to->hist, k, from->hist[k]);
}

/* --- packing: numbers of 7 bits a byte, the lowest first -------------------------------------- */

static uint8_t *put(uint8_t *p, uint64_t v)
{
	for (; v >= 0x80; v >>= 7)
		*p++ = (uint8_t)(v | 0x80);
	*p++ = (uint8_t)v;
	return p;
}

static const uint8_t *get(const uint8_t *p, uint64_t *v)
{
	unsigned int shift = 0;

	for (*v = 0; *p & 0x80; shift += 7)
		*v |= (uint64_t)(*p++ & 0x7f) << shift;
	*v |= (uint64_t)*p++ << shift;
	return p;
}

static const uint8_t *get32(const uint8_t *p, uint32_t *n)
{
	uint64_t v;

	p = get(p, &v);
	*n = (uint32_t)v;
	return p;
}

/* Maps small numbers of either sign to small unsigned ones. */
static uint64_t zigzag(int64_t v)
{
	return (uint64_t)v << 1 ^ (v < 0 ? UINT64_MAX : 0);
}

static int64_t unzigzag(uint64_t v)
{
	return (int64_t)(v >> 1 ^ (v & 1 ? UINT64_MAX : 0));
}

static uint8_t *put_hist(uint8_t *p, const uint16_t *hist)
{
	uint8_t *n = p++;

	*n = 0;
	for (unsigned int k = 0; k < BR_HIST; k++) {
		if (!hist[k])
			continue;
		*p++ = (uint8_t)k;
		p = put(p, hist[k]);
		++*n;
	}
	return p;
}

static const uint8_t *get_hist(const uint8_t *p, uint16_t *hist)
{
	for (unsigned int n = *p++; n; n--) {
		unsigned int k = *p++;
		uint64_t v;

		p = get(p, &v);
		hist[k] = (uint16_t)v;
	}
	return p;
}

static unsigned int parts_of(const struct br_bin *b)
{
	unsigned int parts = (b->ahead ? AHEAD : 0) | (b->past ? PAST : 0) |
			     (b->periodic ? PERIODIC : 0) | (b->inferred ? INFERRED : 0);

	/* A skew that is known is in the histogram, which keeps some of it when it is halved. */
	return b->skew_min == HVST_UNKNOWN ? parts : parts | SKEW | HIST;
}

static uint8_t *put_range(uint8_t *p, uint64_t least, int64_t min, int64_t max)
{
	p = put(p, least);
	return put(p, (uint64_t)max - (uint64_t)min);
}

static uint8_t *put_bin(uint8_t *p, const struct br_bin *b, int64_t start)
{
	unsigned int parts = parts_of(b);

	*p++ = (uint8_t)parts;
	if (parts & AHEAD)
		p = put(p, b->ahead);
	if (parts & PAST) {
		p = put(p, b->past);
		p = put_range(p, (uint64_t)(b->first_past - start), b->first_past, b->last_past);
	}
	if (parts & PERIODIC)
		p = put(p, b->periodic);
	if (parts & INFERRED)
		p = put(p, b->inferred);
	if (parts & SKEW)
		p = put_range(p, zigzag(b->skew_min), b->skew_min, b->skew_max);
	return parts & HIST ? put_hist(p, b->hist) : p;
}

static const uint8_t *get_bin(const uint8_t *p, struct br_bin *b, int64_t start)
{
	unsigned int parts = *p++;
	uint64_t v, more;

	if (parts & AHEAD)
		p = get32(p, &b->ahead);
	if (parts & PAST) {
		p = get32(p, &b->past);
		p = get(get(p, &v), &more);
		b->first_past = start + (int64_t)v;
		b->last_past = (int64_t)((uint64_t)b->first_past + more);
	}
	if (parts & PERIODIC)
		p = get32(p, &b->periodic);
	if (parts & INFERRED)
		p = get32(p, &b->inferred);
	if (parts & SKEW) {
		p = get(get(p, &v), &more);
		b->skew_min = unzigzag(v);
		b->skew_max = (int64_t)((uint64_t)b->skew_min + more);
	}
	return parts & HIST ? get_hist(p, b->hist) : p;
}

/* The first byte has a bit for each bin with arms. */
size_t br_pack(const struct br_bin *bins, int64_t start, unsigned int shift, uint8_t *buf)
{
	uint8_t *p = buf + 1;

	*buf = 0;
	for (unsigned int i = 0; i < BR_PACK; i++) {
		if (!br_bin_arms(&bins[i]))
			continue;
		*buf |= (uint8_t)(1u << i);
		p = put_bin(p, &bins[i], start + ((int64_t)i << shift));
	}
	return *buf ? (size_t)(p - buf) : 0;
}

void br_unpack(const uint8_t *buf, int64_t start, unsigned int shift, struct br_bin *bins)
{
	const uint8_t *p = buf + 1;

	br_bins_init(bins, BR_PACK);
	for (unsigned int i = 0; i < BR_PACK; i++)
		if (*buf >> i & 1)
			p = get_bin(p, &bins[i], start + ((int64_t)i << shift));
}
