/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: stats. Log-bucketed signed sketch (after HdrHistogram's layout: linear within an octave).
 * Buckets of one octave are allocated when first used.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sketch.h"

#define SUB_BITS 6
#define SUB	 (1u << SUB_BITS) /* buckets an octave */
#define OCTAVES	 (65 - SUB_BITS)  /* magnitudes up to 2^63 */

struct side {
	uint64_t *octave[OCTAVES];
};

struct hvst_sketch {
	/* Next to the octaves of small values, which are the most frequent. */
	uint64_t count;
	int64_t min, max;    /* of an empty one min > max */
	struct side side[2]; /* 0: v >= 0, 1: v < 0 by magnitude */
};

/* Octave 0 holds 0..SUB-1 exactly; octave o >= 1 holds [SUB << (o-1), SUB << o) in SUB buckets. */
static inline void bucket_of(uint64_t mag, unsigned int *oct, unsigned int *sub)
{
	*oct = 64 - SUB_BITS - (unsigned int)__builtin_clzll(mag | (SUB - 1));
	*sub = (unsigned int)(mag >> (*oct - (*oct > 0))) & (SUB - 1);
}

static uint64_t bucket_lo(unsigned int oct, unsigned int sub)
{
	return oct ? (uint64_t)(SUB + sub) << (oct - 1) : sub;
}

static uint64_t bucket_width(unsigned int oct)
{
	return oct ? 1ULL << (oct - 1) : 1;
}

struct hvst_sketch *hvst_sketch_new(void)
{
	struct hvst_sketch *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->min = INT64_MAX;
	s->max = INT64_MIN;
	return s;
}

void hvst_sketch_reset(struct hvst_sketch *s)
{
	for (unsigned int i = 0; i < 2; i++)
		for (unsigned int o = 0; o < OCTAVES; o++) {
			free(s->side[i].octave[o]);
			s->side[i].octave[o] = NULL;
		}
	s->count = 0;
	s->min = INT64_MAX;
	s->max = INT64_MIN;
}

void hvst_sketch_free(struct hvst_sketch *s)
{
	if (!s)
		return;
	hvst_sketch_reset(s);
	free(s);
}

/* The first value of an octave. 0 or -ENOMEM. */
static __attribute__((noinline)) int add_octave(uint64_t **row)
{
	*row = calloc(SUB, sizeof(**row));
	return *row ? 0 : -ENOMEM;
}

int hvst_sketch_add(struct hvst_sketch *s, int64_t v, uint64_t n)
{
	unsigned int neg = v < 0, oct, sub;
	uint64_t **row;

	if (!n)
		return 0;
	bucket_of(neg ? 0 - (uint64_t)v : (uint64_t)v, &oct, &sub);
	row = &s->side[neg].octave[oct];
	if (__builtin_expect(!*row, 0) && add_octave(row))
		return -ENOMEM;
	(*row)[sub] += n;
	if (v < s->min)
		s->min = v;
	if (v > s->max)
		s->max = v;
	s->count += n;
	return 0;
}

int hvst_sketch_merge(struct hvst_sketch *into, const struct hvst_sketch *from)
{
	if (!from->count)
		return 0;
	for (unsigned int i = 0; i < 2; i++)
		for (unsigned int o = 0; o < OCTAVES; o++) {
			uint64_t **row = &into->side[i].octave[o];

			if (from->side[i].octave[o] && !*row && add_octave(row))
				return -ENOMEM;
		}
	for (unsigned int i = 0; i < 2; i++)
		for (unsigned int o = 0; o < OCTAVES; o++)
			for (unsigned int b = 0; from->side[i].octave[o] && b < SUB; b++)
				into->side[i].octave[o][b] += from->side[i].octave[o][b];
	if (from->min < into->min)
		into->min = from->min;
	if (from->max > into->max)
		into->max = from->max;
	into->count += from->count;
	return 0;
}

uint64_t hvst_sketch_count(const struct hvst_sketch *s)
{
	return s ? s->count : 0;
}

int64_t hvst_sketch_min(const struct hvst_sketch *s)
{
	return s && s->count ? s->min : HVST_UNKNOWN;
}

int64_t hvst_sketch_max(const struct hvst_sketch *s)
{
	return s && s->count ? s->max : HVST_UNKNOWN;
}

double hvst_sketch_relative_error(const struct hvst_sketch *s)
{
	(void)s;
	return 1.0 / (2 * SUB);
}

static void bucket_edges(bool neg, unsigned int oct, unsigned int sub, int64_t *lo, int64_t *hi)
{
	uint64_t mag = bucket_lo(oct, sub), end = mag + bucket_width(oct);

	if (neg) {
		/* magnitudes [mag, end) are the values (-end, -mag] = [-end + 1, -mag + 1) */
		*lo = end > 1ULL << 63 ? INT64_MIN : (int64_t)(0 - end) + 1;
		*hi = (int64_t)(0 - mag) + 1;
	} else {
		*lo = (int64_t)mag;
		*hi = end > INT64_MAX ? INT64_MAX : (int64_t)end;
	}
}

void hvst_sketch_bucket(int64_t v, int64_t *lo, int64_t *hi)
{
	unsigned int oct, sub;

	bucket_of(v < 0 ? 0 - (uint64_t)v : (uint64_t)v, &oct, &sub);
	bucket_edges(v < 0, oct, sub, lo, hi);
}

/*
 * Buckets in order, most negative first: position 0 .. OCTAVES*SUB-1 are the negative ones
 * mirrored. Returns the count and fills [lo, hi).
 */
static uint64_t bucket_at(const struct hvst_sketch *s, unsigned int pos, int64_t *lo, int64_t *hi)
{
	bool neg = pos < OCTAVES * SUB;
	unsigned int p = neg ? OCTAVES * SUB - 1 - pos : pos - OCTAVES * SUB;
	unsigned int oct = p / SUB, sub = p % SUB;
	const uint64_t *row = s->side[neg].octave[oct];

	if (!row || !row[sub])
		return 0;
	bucket_edges(neg, oct, sub, lo, hi);
	return row[sub];
}

bool hvst_sketch_next(const struct hvst_sketch *s, unsigned int *iter, int64_t *lo, int64_t *hi,
		      uint64_t *count)
{
	if (!s)
		return false;
	while (*iter < 2 * OCTAVES * SUB) {
		unsigned int pos = *iter;
		bool neg = pos < OCTAVES * SUB;
		unsigned int p = neg ? OCTAVES * SUB - 1 - pos : pos - OCTAVES * SUB;

		if (!s->side[neg].octave[p / SUB]) {
			*iter = (pos / SUB + 1) * SUB; /* a whole octave is empty */
			continue;
		}
		(*iter)++;
		*count = bucket_at(s, pos, lo, hi);
		if (*count)
			return true;
	}
	return false;
}

int64_t hvst_sketch_quantile(const struct hvst_sketch *s, unsigned int per_10000)
{
	unsigned int iter = 0;
	uint64_t rank, seen = 0, n;
	int64_t lo = 0, hi = 0, v;

	if (!s || !s->count)
		return HVST_UNKNOWN;
	rank = (uint64_t)(((unsigned __int128)s->count * per_10000 + 9999) / 10000);
	if (rank <= 1)
		return s->min;
	if (rank >= s->count)
		return s->max;
	while (seen < rank && hvst_sketch_next(s, &iter, &lo, &hi, &n))
		seen += n;
	v = lo + (hi - 1 - lo) / 2;
	if (v < s->min)
		v = s->min;
	return v > s->max ? s->max : v;
}
