/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: stream. A thread that merges, and the ring of batches between it and the consumer. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "reader_thread.h"
#include "thread.h"

#define RING 16 /* batches: one in use, the others filled or being filled */
/*
 * A wakeup costs as much as the analysis of a hundred events: wake the consumer when the ring is
 * half full, the reader when a quarter is left, each after the lock was released, or it would wait
 * for the lock next.
 */
#define RING_HALF (RING / 2)
#define RING_LOW  (RING / 4)

struct hvst_reader_thread {
	bool threaded;
	struct hvst_prefetch *prefetch;
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

/* No one reads the events of @b any more. */
static void batch_clear(struct hvst_reader_thread *t, struct hvst_batch *b)
{
	hvst_prefetch_release(t->prefetch, b->done);
	b->done = NULL;
}

/* Fills @b; the end and errors are batches as well. */
static void batch_fill(struct hvst_reader_thread *t, struct hvst_batch *b)
{
	do {
		batch_clear(t, b);
		b->n = hvst_merge_next(&t->merge, b, &t->counts);
		if (b->n <= 0 || !t->dedup)
			break;
		b->n = (long)hvst_dedup_batch(t->dedup, b->ev, (size_t)b->n, &t->counts);
	} while (!b->n);
	b->counts = t->counts;
}

/* Waits for room in the ring; returns the batch to fill, NULL to stop. */
static struct hvst_batch *wait_for_room(struct hvst_reader_thread *t)
{
	struct hvst_batch *b = NULL;

	pthread_mutex_lock(&t->lock);
	if (t->nr == RING)
		while (t->nr > RING_LOW && !t->stop)
			pthread_cond_wait(&t->freed, &t->lock);
	if (!t->stop)
		b = &t->ring[(t->head + t->nr) % RING];
	pthread_mutex_unlock(&t->lock);
	return b;
}

static void *reader_main(void *arg)
{
	struct hvst_reader_thread *t = arg;
	struct hvst_batch *b;
	bool more = true, wake;

	while (more && (b = wait_for_room(t))) {
		batch_fill(t, b);
		more = b->n > 0;
		pthread_mutex_lock(&t->lock);
		t->nr++;
		t->ended = !more;
		wake = t->nr == RING_HALF || t->ended;
		pthread_mutex_unlock(&t->lock);
		if (wake)
			pthread_cond_signal(&t->filled);
	}
	return NULL;
}

void hvst_reader_thread_stop(struct hvst_reader_thread *t)
{
	if (t->running) {
		pthread_mutex_lock(&t->lock);
		t->stop = true;
		pthread_cond_signal(&t->freed);
		pthread_mutex_unlock(&t->lock);
		pthread_join(t->thread, NULL);
	}
	t->running = false;
	if (!t->prefetch)
		return;
	hvst_prefetch_stop(t->prefetch);
	for (unsigned int i = 0; i < RING; i++)
		batch_clear(t, &t->ring[i]);
	hvst_merge_stop(&t->merge);
	hvst_prefetch_forget(t->prefetch);
}

int hvst_reader_thread_start(struct hvst_reader_thread *t, int64_t from_ns, int64_t to_ns)
{
	int rc;

	hvst_counts_reset(&t->counts);
	hvst_merge_restart(&t->merge);
	if (t->dedup)
		hvst_dedup_reset(t->dedup);
	t->head = t->nr = 0;
	t->in_use = t->ended = false;
	t->stop = false;
	rc = hvst_prefetch_start(t->prefetch, from_ns, to_ns);
	if (rc)
		return rc;
	/* Without a thread, hvst_reader_thread_next() merges. */
	t->running = t->threaded && !hvst_thread_start(&t->thread, reader_main, t);
	return 0;
}

void hvst_reader_thread_resume(struct hvst_reader_thread *t)
{
	hvst_merge_resume(&t->merge);
}

const struct hvst_batch *hvst_reader_thread_next(struct hvst_reader_thread *t)
{
	const struct hvst_batch *b;
	bool wake = false;

	if (!t->running) {
		batch_fill(t, &t->ring[0]);
		return &t->ring[0];
	}
	pthread_mutex_lock(&t->lock);
	b = &t->ring[t->head];
	if (t->in_use && b->n > 0) {
		t->head = (t->head + 1) % RING;
		t->nr--;
		t->in_use = false;
		wake = t->nr == RING_LOW;
	}
	if (!t->nr)
		while (t->nr < RING_HALF && !t->ended)
			pthread_cond_wait(&t->filled, &t->lock);
	t->in_use = true;
	b = &t->ring[t->head];
	pthread_mutex_unlock(&t->lock);
	if (wake)
		pthread_cond_signal(&t->freed);
	return b;
}

struct hvst_reader_thread *hvst_reader_thread_new(struct hvst_cpu_stream **streams, unsigned int nr,
						  struct hvst_dedup *dedup, unsigned int threads)
{
	struct hvst_reader_thread *t = calloc(1, sizeof(*t));
	bool ok;

	if (!t)
		return NULL;
	t->threaded = threads > 1;
	t->dedup = dedup;
	pthread_mutex_init(&t->lock, NULL);
	pthread_cond_init(&t->filled, NULL);
	pthread_cond_init(&t->freed, NULL);
	t->prefetch = hvst_prefetch_new(streams, nr, threads > 2 ? threads - 1 : 0);
	ok = t->prefetch && !hvst_merge_init(&t->merge, t->prefetch, nr, &t->stop);
	for (unsigned int i = 0; i < (t->threaded ? RING : 1); i++) {
		t->ring[i].ev = malloc(HVST_BATCH * sizeof(*t->ring[i].ev));
		ok &= !!t->ring[i].ev;
	}
	if (ok)
		return t;
	hvst_reader_thread_free(t);
	return NULL;
}

void hvst_reader_thread_free(struct hvst_reader_thread *t)
{
	if (!t)
		return;
	hvst_reader_thread_stop(t);
	hvst_merge_free(&t->merge);
	hvst_prefetch_free(t->prefetch);
	pthread_cond_destroy(&t->filled);
	pthread_cond_destroy(&t->freed);
	pthread_mutex_destroy(&t->lock);
	for (unsigned int i = 0; i < RING; i++)
		free(t->ring[i].ev);
	free(t);
}
