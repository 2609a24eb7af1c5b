/* SPDX-License-Identifier: LGPL-2.1 */
#include <errno.h>
#include <stdlib.h>

#include "merge.h"

#define SLICE 256 /* events after which to look again whether lanes take turns */

/*
 * A lane in the tree: the time of its next event, or its bound, since the merge's base, and behind
 * that its number: the smaller key comes first, ties included. What is too far from the base for a
 * key waits at FAR; when only such lanes are left, the base moves.
 *
 * Which of two lanes comes first is as good as random where they take turns. Keys of one word make
 * it a minimum and a maximum, without a branch: a mispredicted one costs as much as all else that
 * is done for an event.
 */
#define LANE_BITS 13 /* of HVST_MAX_LANES, and one key that no lane has */
#define FAR	  (UINT64_MAX >> LANE_BITS)

/* The bound of a lane that was not asked yet. */
static const int64_t before_all_ns[2] = { INT64_MIN, INT64_MIN };

static inline uint64_t key_of(const struct hvst_merge *m, int64_t ns, uint64_t lane)
{
	uint64_t since = (uint64_t)ns - (uint64_t)m->base_ns;

	return (since < FAR ? since : FAR) << LANE_BITS | lane;
}

static inline uint64_t key_lane(uint64_t key)
{
	return key & ((1u << LANE_BITS) - 1);
}

static inline bool key_is_far(uint64_t key)
{
	return key >> LANE_BITS == FAR;
}

int hvst_merge_init(struct hvst_merge *m, struct hvst_fetch *f, unsigned int nr,
		    const atomic_bool *stop)
{
	m->fetch = f;
	m->nr = nr;
	m->stop = stop;
	m->offers = calloc(nr + 1, sizeof(*m->offers));
	m->tree = calloc(nr + 1, sizeof(*m->tree));
	return m->offers && m->tree ? 0 : -ENOMEM;
}

void hvst_merge_free(struct hvst_merge *m)
{
	free(m->offers);
	free(m->tree);
}

/* The winner's lane has a new next event: plays its path again, from its leaf to the root. */
static inline void replay(struct hvst_merge *m, uint64_t key)
{
	for (size_t node = (key_lane(key) + m->nr) / 2; node; node /= 2) {
		uint64_t other = m->tree[node];

		m->tree[node] = key > other ? key : other;
		key = key > other ? other : key;
	}
	m->tree[0] = key;
}

/*
 * The winner may run while its key is smaller: that of the best loser on its path, if it is not
 * far.
 */
static inline uint64_t runner_up(const struct hvst_merge *m, uint64_t winner)
{
	uint64_t best = FAR << LANE_BITS;

	for (size_t node = (winner + m->nr) / 2; node; node /= 2)
		best = m->tree[node] < best ? m->tree[node] : best;
	return best;
}

/* Of the event after lane @i's next one; returns the key of the next one. */
static inline uint64_t set_after(struct hvst_merge *m, uint64_t i)
{
	struct hvst_offer *o = &m->offers[i];

	o->key_after = key_of(m, o->ns[1], i);
	return key_of(m, o->ns[0], i);
}

/*
 * All lanes take part anew. A node that has not seen a lane yet keeps the first that comes; when
 * the second comes, they play.
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

/* All lanes are far from the base: it moves to the first of them. False when none has any more. */
static bool rebase(struct hvst_merge *m)
{
	int64_t first = INT64_MAX;

	for (unsigned int i = 0; i < m->nr; i++)
		if (*m->offers[i].ns < first)
			first = *m->offers[i].ns;
	if (first == INT64_MAX)
		return false;
	m->base_ns = first;
	play_all(m);
	return true;
}

/* All lanes are bounded by the beginning of time: each asks for its first run when its turn comes.
 */
void hvst_merge_restart(struct hvst_merge *m)
{
	for (unsigned int i = 0; i < m->nr; i++)
		m->offers[i] = (struct hvst_offer){ .ns = before_all_ns, .end = before_all_ns };
	m->base_ns = INT64_MIN;
	m->mixed = false;
	play_all(m);
}

void hvst_merge_stop(struct hvst_merge *m)
{
	for (unsigned int i = 0; m->offers && i < m->nr; i++) {
		hvst_fetch_release(m->fetch, m->offers[i].run);
		m->offers[i].run = NULL;
	}
}

/* A lane's run is used up: @b and batches before it may point into it. */
static void use_up(struct hvst_merge *m, struct hvst_offer *o, struct hvst_batch *b)
{
	if (!o->run)
		return;
	if (o->run->n) {
		o->run->next = b->done;
		b->done = o->run;
		b->nr_done++;
	} else {
		hvst_fetch_release(m->fetch, o->run);
	}
	o->run = NULL;
}

/* The next run of the winner. */
static int take_run(struct hvst_merge *m, struct hvst_batch *b, struct hvst_counts *counts)
{
	uint64_t lane = key_lane(m->tree[0]);
	struct hvst_run *r;

	if (atomic_load_explicit(m->stop, memory_order_relaxed))
		return -ECANCELED;
	use_up(m, &m->offers[lane], b);
	r = hvst_fetch_next(m->fetch, (unsigned int)lane);
	if (!r)
		return -ENOMEM;
	hvst_counts_add(counts, &r->counts);
	m->offers[lane] = (struct hvst_offer){ 0, r->ns, r->ns + r->n, r->ev, r };
	replay(m, set_after(m, lane));
	return r->rc < 0 ? r->rc : 0;
}

/* Takes the winner's events that come before the runner-up, at least one; returns how many. */
static inline size_t take_many(struct hvst_merge *m, const struct hvst_event **out, size_t max)
{
	uint64_t lane = key_lane(m->tree[0]), limit = runner_up(m, lane), key;
	struct hvst_offer *o = &m->offers[lane];
	const int64_t *end = (size_t)(o->end - o->ns) > max ? o->ns + max : o->end, *ns = o->ns;
	size_t n = 0;

	do {
		out[n++] = o->ev++;
		key = key_of(m, *++ns, lane);
	} while (ns < end && key < limit);
	o->ns = ns;
	replay(m, set_after(m, lane));
	return n;
}

/* Takes up to @max events, one winner after the other; stops at a lane that has none left. */
static size_t take_mixed(struct hvst_merge *m, const struct hvst_event **out, size_t max,
			 size_t *turns)
{
	uint64_t last = UINT64_MAX;
	size_t n;

	for (n = 0; n < max; n++) {
		uint64_t lane = key_lane(m->tree[0]);
		struct hvst_offer *o = &m->offers[lane];

		if (o->ns == o->end || key_is_far(m->tree[0]))
			break;
		*turns += lane != last;
		last = lane;
		out[n] = o->ev++;
		replay(m, o->key_after);
		o->key_after = key_of(m, *(++o->ns + 1), lane);
	}
	return n;
}

long hvst_merge_next(struct hvst_merge *m, struct hvst_batch *b, struct hvst_counts *counts)
{
	size_t n = 0, turns = 0, since = 0;
	int rc;

	b->done = NULL;
	b->nr_done = 0;
	while (m->nr && n < HVST_BATCH && b->nr_done < HVST_BATCH_RUNS) {
		const struct hvst_offer *o = &m->offers[key_lane(m->tree[0])];
		size_t left = HVST_BATCH - n < SLICE ? HVST_BATCH - n : SLICE;

		if (key_is_far(m->tree[0])) {
			if (!rebase(m))
				break;
		} else if (o->ns == o->end) {
			rc = take_run(m, b, counts);
			if (rc)
				return rc;
		} else if (m->mixed) {
			n += take_mixed(m, b->ev + n, left, &turns);
		} else {
			n += take_many(m, b->ev + n, left);
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
