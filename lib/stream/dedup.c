/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: stream. The last events of each CPU, to recognise second records of one event. */
#include <stdlib.h>
#include <string.h>

#include "dedup.h"

struct seen {
	struct hvst_event ev;
	uint64_t buffers; /* a bit per buffer (modulo 64) that has had it */
};

struct cpu_ring {
	struct seen seen[HVST_DEDUP_DEPTH];
	unsigned int next, nr;
};

struct hvst_dedup {
	const unsigned int *file_of;
	unsigned int cpus;
	size_t nr_rings;
	struct cpu_ring rings[]; /* by file and CPU */
};

struct hvst_dedup *hvst_dedup_new(const unsigned int *file_of, unsigned int nr_files,
				  unsigned int cpus)
{
	size_t nr = (size_t)nr_files * cpus;
	struct hvst_dedup *d = calloc(1, sizeof(*d) + nr * sizeof(d->rings[0]));

	if (!d)
		return NULL;
	d->file_of = file_of;
	d->cpus = cpus;
	d->nr_rings = nr;
	return d;
}

void hvst_dedup_free(struct hvst_dedup *d)
{
	free(d);
}

void hvst_dedup_reset(struct hvst_dedup *d)
{
	memset(d->rings, 0, d->nr_rings * sizeof(d->rings[0]));
}

static uint64_t bit_of(unsigned int buffer)
{
	return 1ull << buffer % 64;
}

/* Everything but the stamps and the buffer. Unset fields are zero, so bytes can be compared. */
static bool same_event(const struct hvst_event *a, const struct hvst_event *b)
{
	size_t from = offsetof(struct hvst_event, id);

	return a->id == b->id && a->pid == b->pid &&
	       !memcmp((const char *)a + from, (const char *)b + from, sizeof(*a) - from);
}

/* The oldest event of which @ev may be a second record. */
static struct seen *find(struct cpu_ring *r, const struct hvst_event *ev)
{
	for (unsigned int i = 0; i < r->nr; i++) {
		struct seen *s =
			&r->seen[(r->next + HVST_DEDUP_DEPTH - r->nr + i) % HVST_DEDUP_DEPTH];

		if (!(s->buffers & bit_of(ev->buffer)) &&
		    ev->ts_ns - s->ev.ts_ns <= HVST_DEDUP_NS && same_event(&s->ev, ev))
			return s;
	}
	return NULL;
}

static void remember(struct cpu_ring *r, const struct hvst_event *ev)
{
	r->seen[r->next] = (struct seen){ .ev = *ev, .buffers = bit_of(ev->buffer) };
	r->next = (r->next + 1) % HVST_DEDUP_DEPTH;
	r->nr += r->nr < HVST_DEDUP_DEPTH;
}

size_t hvst_dedup_batch(struct hvst_dedup *d, const struct hvst_event **ev, size_t n,
			struct hvst_counts *counts)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		const struct hvst_event *e = ev[i];
		struct cpu_ring *r = &d->rings[d->file_of[e->buffer] * d->cpus + e->cpu];
		struct seen *s = e->id < HVST_EV_COUNT ? find(r, e) : NULL;

		if (s) {
			s->buffers |= bit_of(e->buffer);
			counts->records[HVST_KIND_FIRST + e->id]--;
			counts->decoded--;
			counts->duplicates++;
			continue;
		}
		if (e->id < HVST_EV_COUNT)
			remember(r, e);
		ev[kept++] = e;
	}
	return kept;
}
