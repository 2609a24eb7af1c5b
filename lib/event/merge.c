/* SPDX-License-Identifier: LGPL-2.1 */
#include <errno.h>
#include <stdlib.h>

#include "merge.h"

int hvst_merge_init(struct hvst_merge *m, struct hvst_lane **lanes, unsigned int nr)
{
	m->lanes = lanes;
	m->nr = nr;
	m->primed = false;
	m->losers = calloc(nr + 1, sizeof(*m->losers));
	return m->losers ? 0 : -ENOMEM;
}

void hvst_merge_free(struct hvst_merge *m)
{
	free(m->losers);
	m->losers = NULL;
}

void hvst_merge_restart(struct hvst_merge *m)
{
	m->primed = false;
}

static bool before(const struct hvst_merge *m, unsigned int a, unsigned int b)
{
	int64_t x = m->lanes[a]->head_ns, y = m->lanes[b]->head_ns;

	return x != y ? x < y : a < b;
}

/* Lane @i's head changed: plays its path again, from its leaf to the root. */
static void replay(struct hvst_merge *m, unsigned int i)
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

/* Builds the tree: the winner of each inner node's subtree goes up, the loser stays. */
static int build(struct hvst_merge *m)
{
	unsigned int *up = calloc(2 * m->nr, sizeof(*up));

	if (!up)
		return -ENOMEM;
	for (unsigned int i = 0; i < m->nr; i++)
		up[m->nr + i] = i;
	for (unsigned int node = m->nr - 1; node; node--) {
		unsigned int a = up[2 * node], b = up[2 * node + 1];
		bool first = before(m, a, b);

		up[node] = first ? a : b;
		m->losers[node] = first ? b : a;
	}
	m->losers[0] = m->nr > 1 ? up[1] : 0;
	free(up);
	return 0;
}

/* Time up to which the winner may run: that of the best loser on its path. */
static int64_t runner_up(const struct hvst_merge *m, unsigned int winner)
{
	unsigned int best = winner;
	int64_t ns;

	for (unsigned int node = (winner + m->nr) / 2; node; node /= 2)
		if (best == winner || before(m, m->losers[node], best))
			best = m->losers[node];
	if (best == winner)
		return INT64_MAX;
	ns = m->lanes[best]->head_ns;
	return winner < best && ns < INT64_MAX ? ns + 1 : ns;
}

/* Has every lane find its first event. */
static int prime(struct hvst_merge *m)
{
	struct hvst_event none;

	for (unsigned int i = 0; i < m->nr; i++) {
		long rc = hvst_lane_fill(m->lanes[i], &none, 1, INT64_MIN);

		if (rc < 0)
			return (int)rc;
	}
	m->primed = true;
	return build(m);
}

long hvst_merge_next(struct hvst_merge *m, struct hvst_event *out, size_t max)
{
	size_t n = 0;
	int rc;

	if (!m->nr)
		return 0;
	rc = m->primed ? 0 : prime(m);
	if (rc)
		return rc;
	while (n < max) {
		unsigned int w = m->losers[0];
		long got;

		if (m->lanes[w]->head_ns == INT64_MAX)
			break;
		got = hvst_lane_fill(m->lanes[w], out + n, max - n, runner_up(m, w));
		if (got < 0)
			return got;
		n += (size_t)got;
		replay(m, w);
	}
	return (long)n;
}
