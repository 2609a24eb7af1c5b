/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: stream. A loser tree over the next events of all streams. */
#include <errno.h>
#include <stdlib.h>

#include "merge.h"

#define SLICE 256 /* events after which to choose anew between streaks and single events */

/*
 * A stream's key in the tree: the time of its next event, or its bound, relative to the base of the
 * merge, in the high bits; its number in the low bits. The smaller key comes first, ties included.
 * Times too far from the base are FAR; when only those are left, the base moves.
 *
 * Which of two streams comes first is unpredictable where they take turns. With keys of one word a
 * match is a minimum and a maximum, without a branch; a mispredicted one would cost as much as all
 * else that is done for an event.
 */
#define STREAM_BITS 13 /* of a stream's number */
#define FAR	    (UINT64_MAX >> STREAM_BITS)

/* The bound of a stream that has not been decoded yet. */
static const int64_t before_all_ns[2] = { INT64_MIN, INT64_MIN };

static inline uint64_t key_of(const struct hvst_merge *m, int64_t ns, uint64_t stream)
{
	uint64_t since = (uint64_t)ns - (uint64_t)m->base_ns;

	return (since < FAR ? since : FAR) << STREAM_BITS | stream;
}

static inline uint64_t key_stream(uint64_t key)
{
	return key & ((1u << STREAM_BITS) - 1);
}

static inline bool key_is_far(uint64_t key)
{
	return key >> STREAM_BITS == FAR;
}

int hvst_merge_init(struct hvst_merge *m, struct hvst_prefetch *prefetch, unsigned int nr,
		    const atomic_bool *stop)
{
	m->prefetch = prefetch;
	m->nr = nr;
	m->stop = stop;
	m->cursors = calloc(nr + 1, sizeof(*m->cursors));
	m->tree = calloc(nr + 1, sizeof(*m->tree));
	return m->cursors && m->tree ? 0 : -ENOMEM;
}

void hvst_merge_free(struct hvst_merge *m)
{
	free(m->cursors);
	free(m->tree);
}

/* The winner has a new next event: replays the matches from its leaf to the root. */
static inline void replay(struct hvst_merge *m, uint64_t key)
{
	for (size_t node = (key_stream(key) + m->nr) / 2; node; node /= 2) {
		uint64_t other = m->tree[node];

		m->tree[node] = key > other ? key : other;
		key = key > other ? other : key;
	}
	m->tree[0] = key;
}

/*
 * A streak of the winner lasts while its key is smaller than this one: that of the best loser on
 * its path, or the first far one.
 */
static inline uint64_t runner_up(const struct hvst_merge *m, uint64_t winner)
{
	uint64_t best = FAR << STREAM_BITS;

	for (size_t node = (winner + m->nr) / 2; node; node /= 2)
		best = m->tree[node] < best ? m->tree[node] : best;
	return best;
}

/* Computes the key of the event after stream @i's next one; returns the key of the next one. */
static inline uint64_t set_after(struct hvst_merge *m, uint64_t i)
{
	struct hvst_merge_cursor *c = &m->cursors[i];

	c->key_after = key_of(m, c->ns[1], i);
	return key_of(m, c->ns[0], i);
}

/*
 * Rebuilds the tree. An empty node keeps the first key that arrives; the second one plays against
 * it.
 */
static void play_all(struct hvst_merge *m)
{
	for (unsigned int i = 0; i < m->nr; i++)
		m->tree[i] = UINT64_MAX;
	for (unsigned int i = 0; i < m->nr; i++) {
		uint64_t key = set_after(m, i);
		size_t node = (i + m->nr) / 2;

		for (; node && m->tree[node] != UINT64_MAX; node /= 2) {
			uint64_t other = m->tree[node];

			m->tree[node] = key > other ? key : other;
			key = key > other ? other : key;
		}
		m->tree[node] = key;
	}
}

/* In a group of an exit the next event may be merged before or after its own time. */
static int64_t earliest(const struct hvst_merge_cursor *c)
{
	return c->ns < c->end && c->ev->ts_ns < *c->ns ? c->ev->ts_ns : *c->ns;
}

/*
 * All streams are far: moves the base to the earliest of them. Returns false when all have ended.
 */
static bool rebase(struct hvst_merge *m)
{
	int64_t first = INT64_MAX;

	for (unsigned int i = 0; i < m->nr; i++) {
		int64_t ns = earliest(&m->cursors[i]);

		first = ns < first ? ns : first;
	}
	if (first == INT64_MAX)
		return false;
	m->base_ns = first;
	play_all(m);
	return true;
}

/* Start every stream with the earliest bound: each gets its first chunk when it wins. */
void hvst_merge_restart(struct hvst_merge *m)
{
	for (unsigned int i = 0; i < m->nr; i++)
		m->cursors[i] =
			(struct hvst_merge_cursor){ .ns = before_all_ns, .end = before_all_ns };
	m->base_ns = INT64_MIN;
	m->mixed = false;
	m->strict_until = INT64_MIN;
	play_all(m);
}

void hvst_merge_stop(struct hvst_merge *m)
{
	for (unsigned int i = 0; m->cursors && i < m->nr; i++) {
		hvst_prefetch_release(m->prefetch, m->cursors[i].chunk);
		m->cursors[i].chunk = NULL;
	}
}

void hvst_merge_resume(struct hvst_merge *m)
{
	for (unsigned int i = 0; i < m->nr; i++)
		m->cursors[i].waits = false;
}

/* Stream @i's chunk is used up: @b and batches before it may point into it. */
static void release_after(struct hvst_merge *m, struct hvst_merge_cursor *c, struct hvst_batch *b)
{
	if (!c->chunk)
		return;
	if (c->chunk->n) {
		c->chunk->next = b->done;
		b->done = c->chunk;
		b->nr_done++;
	} else {
		hvst_prefetch_release(m->prefetch, c->chunk);
	}
	c->chunk = NULL;
}

/* The rest of the cursor's chunk is merged strictly by time. False if it is already. */
static bool ungroup(struct hvst_merge_cursor *c)
{
	struct hvst_event_chunk *chunk = c->chunk;

	if (!chunk || !chunk->grouped)
		return false;
	for (size_t i = (size_t)(c->ns - chunk->ns); i < chunk->n; i++)
		chunk->ns[i] = chunk->ev[i].ts_ns;
	chunk->grouped = false;
	return true;
}

/* No stream's events are merged in groups until the time that a chunk gives. */
static bool ungroup_all(struct hvst_merge *m, int64_t strict_until)
{
	bool any = false;

	m->strict_until = strict_until;
	for (unsigned int i = 0; i < m->nr; i++)
		any |= ungroup(&m->cursors[i]);
	return any;
}

/* Gets the next chunk of the winner. */
static int next_chunk(struct hvst_merge *m, struct hvst_batch *b, struct hvst_counts *counts)
{
	uint64_t stream = key_stream(m->tree[0]);
	struct hvst_event_chunk *chunk;

	if (atomic_load_explicit(m->stop, memory_order_relaxed))
		return -ECANCELED;
	release_after(m, &m->cursors[stream], b);
	chunk = hvst_prefetch_next(m->prefetch, (unsigned int)stream);
	if (!chunk)
		return -ENOMEM;
	hvst_counts_add(counts, &chunk->counts);
	m->cursors[stream] = (struct hvst_merge_cursor){
		.ns = chunk->ns,
		.end = chunk->ns + chunk->n,
		.ev = chunk->ev,
		.chunk = chunk,
		.waits = chunk->rc == HVST_CHUNK_WAITS,
	};
	if (chunk->n && chunk->ev[0].ts_ns <= m->strict_until)
		ungroup(&m->cursors[stream]);
	if (chunk->strict_until > m->strict_until && ungroup_all(m, chunk->strict_until))
		play_all(m);
	else
		replay(m, set_after(m, stream));
	return chunk->rc < 0 ? chunk->rc : 0;
}

/* Takes a streak: the winner's events before the runner-up, at least one. Returns their number. */
static inline size_t take_streak(struct hvst_merge *m, const struct hvst_event **out, size_t max)
{
	uint64_t stream = key_stream(m->tree[0]), limit = runner_up(m, stream), key;
	struct hvst_merge_cursor *c = &m->cursors[stream];
	const int64_t *end = (size_t)(c->end - c->ns) > max ? c->ns + max : c->end, *ns = c->ns;
	size_t n = 0;

	do {
		out[n++] = c->ev++;
		key = key_of(m, *++ns, stream);
	} while (ns < end && key < limit);
	c->ns = ns;
	replay(m, set_after(m, stream));
	return n;
}

/* Takes up to @max events one by one; stops at a stream whose chunk is used up. */
static size_t take_singly(struct hvst_merge *m, const struct hvst_event **out, size_t max,
			  size_t *turns)
{
	uint64_t last = UINT64_MAX;
	size_t n;

	for (n = 0; n < max; n++) {
		uint64_t stream = key_stream(m->tree[0]);
		struct hvst_merge_cursor *c = &m->cursors[stream];

		if (c->ns == c->end || key_is_far(m->tree[0]))
			break;
		*turns += stream != last;
		last = stream;
		out[n] = c->ev++;
		replay(m, c->key_after);
		c->key_after = key_of(m, *(++c->ns + 1), stream);
	}
	return n;
}

long hvst_merge_next(struct hvst_merge *m, struct hvst_batch *b, struct hvst_counts *counts)
{
	size_t n = 0, turns = 0, since = 0;
	int rc;

	b->done = NULL;
	b->nr_done = 0;
	b->waits = false;
	while (m->nr && n < HVST_BATCH && b->nr_done < HVST_BATCH_CHUNKS) {
		const struct hvst_merge_cursor *c = &m->cursors[key_stream(m->tree[0])];
		size_t left = HVST_BATCH - n < SLICE ? HVST_BATCH - n : SLICE;

		if (key_is_far(m->tree[0])) {
			if (!rebase(m))
				break;
		} else if (c->ns == c->end && c->waits) {
			b->waits = true;
			break;
		} else if (c->ns == c->end) {
			rc = next_chunk(m, b, counts);
			if (rc)
				return rc;
		} else if (m->mixed) {
			n += take_singly(m, b->ev + n, left, &turns);
		} else {
			n += take_streak(m, b->ev + n, left);
			turns++;
		}
		if (n - since >= SLICE) {
			m->mixed = n - since < 4 * turns;
			since = n;
			turns = 0;
		}
	}
	return (long)n;
}
