/* SPDX-License-Identifier: LGPL-2.1 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "fetch.h"
#include "pump.h"

#define RING 4				/* batches: one in use, the others filled or being filled */

struct hvst_pump {
	struct hvst_lane **lanes;
	unsigned int nr_lanes, threads;
	struct hvst_counts *counts;
	struct hvst_dedup *dedup;
	struct hvst_merge merge;
	struct hvst_fetch *fetch;
	struct hvst_batch ring[RING];

	pthread_t thread;
	bool running;			/* @thread exists */
	pthread_mutex_t lock;
	pthread_cond_t filled, freed;
	unsigned int head, nr;		/* of @ring: filled batches; the first of them is in use */
	bool in_use, stop;
};

/* Fills @b; the end and errors are batches, too. */
static void fill(struct hvst_pump *p, struct hvst_batch *b)
{
	do {
		b->n = hvst_merge_next(&p->merge, b->events, HVST_BATCH);
		if (b->n <= 0 || !p->dedup)
			break;
		b->n = (long)hvst_dedup_run(p->dedup, b->events, (size_t)b->n, p->counts);
	} while (!b->n);
	b->counts = *p->counts;
}

/* Waits for room in the ring: the batch to fill, NULL to stop. */
static struct hvst_batch *room(struct hvst_pump *p)
{
	struct hvst_batch *b = NULL;

	pthread_mutex_lock(&p->lock);
	while (p->nr == RING && !p->stop)
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
	/* the fetchers must have let go of the lanes */
	hvst_fetch_free(p->fetch);
	p->fetch = NULL;
	for (unsigned int i = 0; i < p->nr_lanes; i++)
		p->lanes[i]->fetch = NULL;
}

static void start_fetch(struct hvst_pump *p)
{
	unsigned int want = p->threads - 1;

	if (want > p->nr_lanes)
		want = p->nr_lanes;
	p->fetch = want ? hvst_fetch_new(want, p->nr_lanes) : NULL;
	for (unsigned int i = 0; p->fetch && i < p->nr_lanes; i++) {
		if (p->lanes[i]->tracecmd)
			continue;
		p->lanes[i]->fetch = p->fetch;
		hvst_fetch_ask(p->fetch, p->lanes[i]);
	}
}

int hvst_pump_start(struct hvst_pump *p)
{
	hvst_pump_stop(p);
	hvst_merge_restart(&p->merge);
	if (p->dedup)
		hvst_dedup_reset(p->dedup);
	p->head = p->nr = 0;
	p->in_use = p->stop = false;
	if (p->threads < 2)
		return 0;
	start_fetch(p);
	/* without a thread the work is done in hvst_pump_next() */
	p->running = !pthread_create(&p->thread, NULL, worker, p);
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
		pthread_cond_signal(&p->freed);
	}
	while (!p->nr)
		pthread_cond_wait(&p->filled, &p->lock);
	p->in_use = true;
	b = &p->ring[p->head];
	pthread_mutex_unlock(&p->lock);
	return b;
}

struct hvst_pump *hvst_pump_new(struct hvst_lane **lanes, unsigned int nr, struct hvst_counts *counts,
				struct hvst_dedup *dedup, unsigned int threads)
{
	struct hvst_pump *p = calloc(1, sizeof(*p));
	bool ok = p && !hvst_merge_init(&p->merge, lanes, nr);

	if (!p)
		return NULL;
	p->lanes = lanes;
	p->nr_lanes = nr;
	p->counts = counts;
	p->dedup = dedup;
	p->threads = threads;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->filled, NULL);
	pthread_cond_init(&p->freed, NULL);
	for (unsigned int i = 0; i < RING; i++) {
		p->ring[i].events = malloc(HVST_BATCH * sizeof(struct hvst_event));
		ok &= !!p->ring[i].events;
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
	pthread_cond_destroy(&p->filled);
	pthread_cond_destroy(&p->freed);
	pthread_mutex_destroy(&p->lock);
	for (unsigned int i = 0; i < RING; i++)
		free(p->ring[i].events);
	free(p);
}
