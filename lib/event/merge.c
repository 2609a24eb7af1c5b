/* SPDX-License-Identifier: LGPL-2.1 */
#include <errno.h>
#include <stdlib.h>

#include "merge.h"

int hvst_merge_init(struct hvst_merge *m, struct hvst_fetch *f, unsigned int nr, const atomic_bool *stop)
{
	m->fetch = f;
	m->nr = nr;
	m->stop = stop;
	m->offers = calloc(nr + 1, sizeof(*m->offers));
	m->heads = calloc(nr + 1, sizeof(*m->heads));
	m->losers = calloc(nr + 1, sizeof(*m->losers));
	return m->offers && m->heads && m->losers ? 0 : -ENOMEM;
}

void hvst_merge_free(struct hvst_merge *m)
{
	free(m->offers);
	free(m->heads);
	free(m->losers);
}

/* All lanes are bounded by the beginning of time, and lane 0 wins: each asks for its first run when its turn comes. */
void hvst_merge_restart(struct hvst_merge *m)
{
	for (unsigned int i = 0; i < m->nr; i++) {
		m->offers[i] = (struct hvst_offer){ .bound_ns = INT64_MIN };
		m->heads[i] = INT64_MIN;
	}
	/* of a node's two subtrees the left one holds the lower lanes, except round the end of the row of leaves */
	for (unsigned int node = 0; node < m->nr; node++)
		m->losers[node] = UINT32_MAX;
	for (unsigned int i = 0; i < m->nr; i++) {
		unsigned int up = i, node = (i + m->nr) / 2;

		for (; node && m->losers[node] != UINT32_MAX; node /= 2) {
			unsigned int other = m->losers[node];

			m->losers[node] = up > other ? up : other;
			up = up > other ? other : up;
		}
		m->losers[node] = up;
	}
}

static inline bool before(const struct hvst_merge *m, unsigned int a, unsigned int b)
{
	return m->heads[a] != m->heads[b] ? m->heads[a] < m->heads[b] : a < b;
}

/* Lane @i's head changed: plays its path again, from its leaf to the root. */
static inline void replay(struct hvst_merge *m, unsigned int i)
{
	for (unsigned int node = (i + m->nr) / 2; node; node /= 2) {
		unsigned int loser = m->losers[node];

		if (before(m, loser, i)) {
			m->losers[node] = i;
			i = loser;
		}
	}
	m->losers[0] = i;
}

/* Time before which the winner may run: that of the best loser on its path. */
static inline int64_t runner_up(const struct hvst_merge *m, unsigned int winner)
{
	unsigned int best = winner;
	int64_t ns;

	for (unsigned int node = (winner + m->nr) / 2; node; node /= 2)
		if (best == winner || before(m, m->losers[node], best))
			best = m->losers[node];
	if (best == winner)
		return INT64_MAX;
	ns = m->heads[best];
	return winner < best && ns < INT64_MAX ? ns + 1 : ns;
}

/* The next run of lane @i. */
static int take_run(struct hvst_merge *m, unsigned int i, struct hvst_counts *counts)
{
	const struct hvst_run *r;

	if (atomic_load_explicit(m->stop, memory_order_relaxed))
		return -ECANCELED;
	r = hvst_fetch_next(m->fetch, i);
	hvst_counts_add(counts, &r->counts);
	m->offers[i] = (struct hvst_offer){ .next = r->ev, .end = r->ev + r->n, .bound_ns = r->bound_ns };
	m->heads[i] = r->n ? r->ev[0].ts_ns : r->bound_ns;
	return r->rc < 0 ? r->rc : 0;
}

/* Copies events of lane @i that come before @limit_ns; returns how many. */
static inline size_t run_lane(struct hvst_merge *m, unsigned int i, int64_t limit_ns, struct hvst_event *out,
			      size_t max)
{
	struct hvst_offer *o = &m->offers[i];
	const struct hvst_event *ev = o->next;
	const struct hvst_event *end = (size_t)(o->end - ev) > max ? ev + max : o->end;
	size_t n = 0;

	while (ev < end && ev->ts_ns < limit_ns)
		out[n++] = *ev++;
	o->next = ev;
	m->heads[i] = ev < o->end ? ev->ts_ns : o->bound_ns;
	return n;
}

long hvst_merge_next(struct hvst_merge *m, struct hvst_event *out, size_t max, struct hvst_counts *counts)
{
	size_t n = 0;

	while (m->nr && n < max) {
		unsigned int w = m->losers[0];

		if (m->offers[w].next == m->offers[w].end) {
			int rc = m->heads[w] == INT64_MAX ? 1 : take_run(m, w, counts);

			if (rc)
				return rc < 0 ? rc : (long)n;
		} else {
			n += run_lane(m, w, runner_up(m, w), out + n, max - n);
		}
		replay(m, w);
	}
	return (long)n;
}
