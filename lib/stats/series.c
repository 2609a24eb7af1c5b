/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: stats. Bins that are merged in pairs when time outgrows them. */
#include <stddef.h>

#include "series.h"

#define WIDEST 62

static const struct hvst_series_bin empty = { INT64_MAX, INT64_MIN };

void hvst_series_init(struct hvst_series *s)
{
	s->shift = HVST_SERIES_SHIFT;
	s->first = 0;
	s->n = 0;
}

static void bin_take(struct hvst_series_bin *b, const struct hvst_series_bin *from)
{
	if (from->least < b->least)
		b->least = from->least;
	if (from->most > b->most)
		b->most = from->most;
}

/* Twice as wide: bins 2i and 2i + 1, counted from time zero, become one. */
static void widen(struct hvst_series *s)
{
	int64_t first = s->first >> 1;
	unsigned int n = 0;

	for (unsigned int i = 0; i < s->n; i++) {
		struct hvst_series_bin b = s->bin[i];
		unsigned int at = (unsigned int)(((s->first + i) >> 1) - first);

		if (at >= n) {
			s->bin[at] = b;
			n = at + 1;
		} else {
			bin_take(&s->bin[at], &b);
		}
	}
	s->first = first;
	s->n = n;
	s->shift++;
}

void hvst_series_widen(struct hvst_series *s, unsigned int shift)
{
	while (s->shift < shift && s->shift < WIDEST)
		widen(s);
}

/* Makes room before bin[0] for @index. */
static void shift_up(struct hvst_series *s, int64_t index)
{
	unsigned int by = (unsigned int)(s->first - index);

	for (unsigned int i = s->n; i-- > 0;)
		s->bin[i + by] = s->bin[i];
	for (unsigned int i = 0; i < by; i++)
		s->bin[i] = empty;
	s->first = index;
	s->n += by;
}

/* Would the bins also reach to the bin of @t? */
static bool fits(const struct hvst_series *s, int64_t t)
{
	int64_t index = t >> s->shift;

	if (index < s->first)
		return (uint64_t)s->first + s->n - (uint64_t)index <= HVST_SERIES_BINS;
	return (uint64_t)index - (uint64_t)s->first < HVST_SERIES_BINS;
}

static __attribute__((noinline)) struct hvst_series_bin *bin_of(struct hvst_series *s, int64_t t)
{
	int64_t index;

	if (!s->n)
		s->first = t >> s->shift;
	while (!fits(s, t) && s->shift < WIDEST)
		widen(s);
	index = t >> s->shift;
	if (index < s->first)
		shift_up(s, index);
	while (s->n <= (uint64_t)(index - s->first))
		s->bin[s->n++] = empty;
	return &s->bin[index - s->first];
}

void hvst_series_add(struct hvst_series *s, int64_t t, int64_t value)
{
	uint64_t i = (uint64_t)(t >> s->shift) - (uint64_t)s->first;
	struct hvst_series_bin *b = i < s->n ? &s->bin[i] : bin_of(s, t);

	if (value < b->least)
		b->least = value;
	if (value > b->most)
		b->most = value;
}

void hvst_series_merge(struct hvst_series *into, const struct hvst_series *from)
{
	hvst_series_widen(into, from->shift);
	for (unsigned int i = 0; i < from->n; i++)
		if (from->bin[i].least <= from->bin[i].most)
			bin_take(bin_of(into, (from->first + i) * (1LL << from->shift)),
				 &from->bin[i]);
}

const struct hvst_series_bin *hvst_series_at(const struct hvst_series *s, int64_t index)
{
	const struct hvst_series_bin *b;

	if (index < s->first || (uint64_t)(index - s->first) >= s->n)
		return NULL;
	b = &s->bin[index - s->first];
	return b->least <= b->most ? b : NULL;
}
