/* SPDX-License-Identifier: LGPL-2.1 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "pump.h"

#define RING 8 /* batches: one in use, the others filled or being filled */
/*
 * Who had to wait goes on when the ring is half full, or half empty: one wake-up for several
 * batches.
 */
#define RING_HALF (RING / 2)

struct hvst_pump {
	bool threaded;
	struct hvst_fetch *fetch;
	struct hvst_merge merge;
	struct hvst_dedup *dedup;
	struct hvst_counts counts;
	struct hvst_batch ring[RING];

	pthread_t thread;
	bool running; /* @thread exists */
	pthread_mutex_t lock;
	pthread_cond_t filled, freed;
	unsigned int head, nr; /* of @ring: filled batches; the first of them is in use */
	bool in_use;
	bool ended; /* no more batches come */
	atomic_bool stop;
};

/* Nobody looks at the events of @b any more. */
static void clear(struct hvst_pump *p, struct hvst_batch *b)
{
	hvst_fetch_release(p->fetch, b->done);
	b->done = NULL;
}

/* Fills @b; the end and errors are batches, too. */
static void fill(struct hvst_pump *p, struct hvst_batch *b)
{
	do {
		clear(p, b);
		b->n = hvst_merge_next(&p->merge, b, &p->counts);
		if (b->n <= 0 || !p->dedup)
			break;
		b->n = (long)hvst_dedup_run(p->dedup, b->ev, (size_t)b->n, &p->counts);
	} while (!b->n);
	b->counts = p->counts;
}

/* Waits for room in the ring: the batch to fill, NULL to stop. */
static struct hvst_batch *room(struct hvst_pump *p)
{
	struct hvst_batch *b = NULL;

	pthread_mutex_lock(&p->lock);
	if (p->nr == RING)
		while (p->nr > RING_HALF && !p->stop)
			pthread_cond_wait(&p->freed, &p->lock);
	if (!p->stop)
		b = &p->ring[(p->head + p->nr) % RING];
	pthread_mutex_unlock(&p->lock);
	return b;
}

static void *worker(void *arg)
{
	struct hvst_pump *p = arg;
	struct hvst_batch *b;
	bool more = true;

	while (more && (b = room(p))) {
		fill(p, b);
		more = b->n > 0;
		pthread_mutex_lock(&p->lock);
		p->nr++;
		p->ended = !more;
		if (p->nr == RING_HALF || p->ended)
			pthread_cond_signal(&p->filled);
		pthread_mutex_unlock(&p->lock);
	}
	return NULL;
}

void hvst_pump_stop(struct hvst_pump *p)
{
	if (p->running) {
		pthread_mutex_lock(&p->lock);
		p->stop = true;
		pthread_cond_signal(&p->freed);
		pthread_mutex_unlock(&p->lock);
		pthread_join(p->thread, NULL);
	}
	p->running = false;
	if (!p->fetch)
		return;
	hvst_fetch_stop(p->fetch);
	for (unsigned int i = 0; i < RING; i++)
		clear(p, &p->ring[i]);
	hvst_merge_stop(&p->merge);
}

int hvst_pump_start(struct hvst_pump *p, int64_t from_ns, int64_t to_ns)
{
	int rc;

	hvst_counts_reset(&p->counts);
	hvst_merge_restart(&p->merge);
	if (p->dedup)
		hvst_dedup_reset(p->dedup);
	p->head = p->nr = 0;
	p->in_use = p->ended = false;
	p->stop = false;
	rc = hvst_fetch_start(p->fetch, from_ns, to_ns);
	if (rc)
		return rc;
	/* should there be no thread to be had, hvst_pump_next() does the work */
	p->running = p->threaded && !pthread_create(&p->thread, NULL, worker, p);
	return 0;
}

const struct hvst_batch *hvst_pump_next(struct hvst_pump *p)
{
	const struct hvst_batch *b;

	if (!p->running) {
		fill(p, &p->ring[0]);
		return &p->ring[0];
	}
	pthread_mutex_lock(&p->lock);
	b = &p->ring[p->head];
	if (p->in_use && b->n > 0) {
		p->head = (p->head + 1) % RING;
		p->nr--;
		p->in_use = false;
		if (p->nr == RING_HALF)
			pthread_cond_signal(&p->freed);
	}
	if (!p->nr)
		while (p->nr < RING_HALF && !p->ended)
			pthread_cond_wait(&p->filled, &p->lock);
	p->in_use = true;
	b = &p->ring[p->head];
	pthread_mutex_unlock(&p->lock);
	return b;
}

struct hvst_pump *hvst_pump_new(struct hvst_lane **lanes, unsigned int nr, struct hvst_dedup *dedup,
				unsigned int threads)
{
	struct hvst_pump *p = calloc(1, sizeof(*p));
	bool ok;

	if (!p)
		return NULL;
	p->threaded = threads > 1;
	p->dedup = dedup;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->filled, NULL);
	pthread_cond_init(&p->freed, NULL);
	p->fetch = hvst_fetch_new(lanes, nr, threads > 2 ? threads - 1 : 0);
	ok = p->fetch && !hvst_merge_init(&p->merge, p->fetch, nr, &p->stop);
	for (unsigned int i = 0; i < (p->threaded ? RING : 1); i++) {
		p->ring[i].ev = malloc(HVST_BATCH * sizeof(*p->ring[i].ev));
		ok &= !!p->ring[i].ev;
	}
	if (ok)
		return p;
	hvst_pump_free(p);
	return NULL;
}

void hvst_pump_free(struct hvst_pump *p)
{
	if (!p)
		return;
	hvst_pump_stop(p);
	hvst_merge_free(&p->merge);
	hvst_fetch_free(p->fetch);
	pthread_cond_destroy(&p->filled);
	pthread_cond_destroy(&p->freed);
	pthread_mutex_destroy(&p->lock);
	for (unsigned int i = 0; i < RING; i++)
		free(p->ring[i].ev);
	free(p);
}
