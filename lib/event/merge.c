/* SPDX-License-Identifier: LGPL-2.1 */
#include <errno.h>
#include <stdlib.h>

#include "merge.h"

#define SLICE 256 /* events after which to look again whether lanes take turns */

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

/*
 * Which of two lanes comes first is as good as random where they take turns, so this and what uses
 * it is written without branches on it: a mispredicted one costs as much as all else that is done
 * for an event.
 */
static inline uint64_t before(struct hvst_entry a, struct hvst_entry b)
{
	return -(uint64_t)((a.ns < b.ns) | ((a.ns == b.ns) & (a.lane < b.lane)));
}

/* @a where @mask is 0, @b where it is all ones. */
static inline struct hvst_entry pick(struct hvst_entry a, struct hvst_entry b, uint64_t mask)
{
	a.ns ^= (a.ns ^ b.ns) & (int64_t)mask;
	a.lane ^= (a.lane ^ b.lane) & mask;
	return a;
}

/* The winner's lane has a new next event: plays its path again, from its leaf to the root. */
static inline void replay(struct hvst_merge *m, struct hvst_entry e)
{
	for (size_t node = (e.lane + m->nr) / 2; node; node /= 2) {
		struct hvst_entry loser = m->tree[node];
		uint64_t wins = before(loser, e);

		m->tree[node] = pick(loser, e, wins);
		e = pick(e, loser, wins);
	}
	m->tree[0] = e;
}

/* Time before which the winner may run: that of the best loser on its path. */
static inline int64_t runner_up(const struct hvst_merge *m, uint64_t winner)
{
	struct hvst_entry best = { .ns = INT64_MAX, .lane = UINT64_MAX };

	for (size_t node = (winner + m->nr) / 2; node; node /= 2)
		best = pick(best, m->tree[node], before(m->tree[node], best));
	return best.ns + ((winner < best.lane) & (best.ns < INT64_MAX));
}

/*
 * All lanes are bounded by the beginning of time, and lane 0 wins: each asks for its first run when
 * its turn comes. A node that has not seen a lane yet keeps the first that comes; when the second
 * comes, they play.
 */
void hvst_merge_restart(struct hvst_merge *m)
{
	for (unsigned int i = 0; i < m->nr; i++) {
		m->offers[i] = (struct hvst_offer){ .bound_ns = INT64_MIN };
		m->tree[i].lane = UINT64_MAX;
	}
	for (unsigned int i = 0; i < m->nr; i++) {
		struct hvst_entry e = { .ns = INT64_MIN, .lane = i };
		size_t node = (i + m->nr) / 2;

		for (; node && m->tree[node].lane != UINT64_MAX; node /= 2) {
			struct hvst_entry loser = m->tree[node];
			uint64_t wins = before(loser, e);

			m->tree[node] = pick(loser, e, wins);
			e = pick(e, loser, wins);
		}
		m->tree[node] = e;
	}
	m->mixed = false;
}

/* The next run of the winner. */
static int take_run(struct hvst_merge *m, struct hvst_counts *counts)
{
	struct hvst_entry e = m->tree[0];
	const struct hvst_run *r;

	if (atomic_load_explicit(m->stop, memory_order_relaxed))
		return -ECANCELED;
	r = hvst_fetch_next(m->fetch, (unsigned int)e.lane);
	if (!r->ev)
		return r->rc;		/* no memory for it */
	hvst_counts_add(counts, &r->counts);
	m->offers[e.lane] =
		(struct hvst_offer){.next = r->ev, .end = r->ev + r->n, .bound_ns = r->bound_ns};
	e.ns = r->n ? r->ev[0].ts_ns : r->bound_ns;
	replay(m, e);
	return r->rc < 0 ? r->rc : 0;
}

/* @o's next event is @ev now. */
static inline int64_t advance(struct hvst_offer *o, const struct hvst_event *ev)
{
	o->next = ev;
	return ev < o->end ? ev->ts_ns : o->bound_ns;
}

/* Copies the winner's events that come before the runner-up; returns how many. */
static inline size_t take_many(struct hvst_merge *m, struct hvst_event *out, size_t max)
{
	struct hvst_entry e = m->tree[0];
	struct hvst_offer *o = &m->offers[e.lane];
	const struct hvst_event *ev = o->next;
	const struct hvst_event *end = (size_t)(o->end - ev) > max ? ev + max : o->end;
	int64_t limit_ns = runner_up(m, e.lane);
	size_t n = 0;

	while (ev < end && ev->ts_ns < limit_ns)
		out[n++] = *ev++;
	e.ns = advance(o, ev);
	replay(m, e);
	return n;
}

/* Copies up to @max events, one winner after the other; stops at a lane that has none left. */
static size_t take_mixed(struct hvst_merge *m, struct hvst_event *out, size_t max, size_t *turns)
{
	uint64_t last = UINT64_MAX;
	size_t n;

	for (n = 0; n < max; n++) {
		struct hvst_entry e = m->tree[0];
		struct hvst_offer *o = &m->offers[e.lane];

		if (o->next == o->end)
			break;
		*turns += e.lane != last;
		last = e.lane;
		out[n] = *o->next;
		e.ns = advance(o, o->next + 1);
		replay(m, e);
	}
	return n;
}

long hvst_merge_next(struct hvst_merge *m, struct hvst_event *out, size_t max,
		     struct hvst_counts *counts)
{
	size_t n = 0, turns = 0, since = 0;

	while (m->nr && n < max) {
		struct hvst_entry w = m->tree[0];
		size_t left = max - n < SLICE ? max - n : SLICE;

		if (m->offers[w.lane].next == m->offers[w.lane].end) {
			int rc = w.ns == INT64_MAX ? 1 : take_run(m, counts);

			if (rc)
				return rc < 0 ? rc : (long)n;
		} else if (m->mixed) {
			n += take_mixed(m, out + n, left, &turns);
		} else {
			n += take_many(m, out + n, left);
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
