/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: stream. The pool of threads that decode one chunk ahead of the merge. */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "prefetch.h"
#include "thread.h"

/* The chunk ahead of one stream. */
struct slot {
	struct hvst_event_chunk *chunk; /* NULL: none requested */
	bool ready;
};

/* Allocate several chunks at a time: a block that large gets a mapping of its own. */
struct slab {
	struct slab *next;
	struct hvst_event_chunk chunks[8];
};

/* Decompressors by enum hvst_compression, created when needed. Each thread has its own. */
struct unpackers {
	struct hvst_unpack *u[HVST_COMP_ZSTD + 1];
};

struct hvst_prefetch {
	struct hvst_cpu_stream **streams;
	unsigned int nr_streams, want_threads;
	struct slot *slots;
	struct slab *slabs;
	struct hvst_event_chunk *free; /* unused chunks */
	struct unpackers own;	       /* the caller's */

	pthread_mutex_t lock;
	pthread_cond_t requested, ready;
	unsigned int *queue; /* ring of streams that wait for a thread */
	unsigned int head, nr;
	bool stop;
	unsigned int nr_threads; /* running */
	pthread_t threads[];
};

static int unpacker_for(struct unpackers *all, const struct hvst_cpu_stream *cs,
			struct hvst_unpack **u)
{
	enum hvst_compression how = cs->file->compression;

	*u = NULL;
	if (cs->tracecmd || !cs->pages.compressed)
		return 0;
	if (!all->u[how])
		all->u[how] = hvst_unpack_new(how);
	*u = all->u[how];
	return *u ? 0 : -ENOMEM;
}

static void unpackers_free(struct unpackers *all)
{
	for (unsigned int i = 0; i <= HVST_COMP_ZSTD; i++)
		hvst_unpack_free(all->u[i]);
}

void hvst_prefetch_release(struct hvst_prefetch *p, struct hvst_event_chunk *chunks)
{
	while (chunks) {
		struct hvst_event_chunk *chunk = chunks;

		chunks = chunk->next;
		chunk->next = p->free;
		p->free = chunk;
	}
}

static void add_slab(struct hvst_prefetch *p)
{
	struct slab *s = malloc(sizeof(*s));

	if (!s)
		return;
	s->next = p->slabs;
	p->slabs = s;
	for (size_t i = 0; i < sizeof(s->chunks) / sizeof(s->chunks[0]); i++) {
		s->chunks[i].next = NULL;
		hvst_prefetch_release(p, &s->chunks[i]);
	}
}

/*
 * Returns the chunk released last, which is likely to be cached, as a list of one. NULL without
 * memory.
 */
static struct hvst_event_chunk *take_free(struct hvst_prefetch *p)
{
	struct hvst_event_chunk *chunk;

	if (!p->free)
		add_slab(p);
	chunk = p->free;
	if (chunk) {
		p->free = chunk->next;
		chunk->next = NULL;
	}
	return chunk;
}

static void decode(struct hvst_cpu_stream *cs, struct hvst_event_chunk *chunk,
		   struct unpackers *all)
{
	struct hvst_unpack *u;

	if (!unpacker_for(all, cs, &u)) {
		hvst_cpu_stream_decode(cs, chunk, u);
		return;
	}
	chunk->n = 0;
	chunk->rc = -ENOMEM;
	hvst_counts_reset(&chunk->counts);
}

/* --- threads --- */

/* The next stream to work on; false to stop. */
static bool next_job(struct hvst_prefetch *p, unsigned int *i)
{
	bool any;

	pthread_mutex_lock(&p->lock);
	while (!p->nr && !p->stop)
		pthread_cond_wait(&p->requested, &p->lock);
	any = !p->stop;
	if (any) {
		*i = p->queue[p->head];
		p->head = (p->head + 1) % p->nr_streams;
		p->nr--;
	}
	pthread_mutex_unlock(&p->lock);
	return any;
}

static void *prefetch_thread(void *arg)
{
	struct hvst_prefetch *p = arg;
	struct unpackers own = { { NULL } };
	unsigned int i;

	while (next_job(p, &i)) {
		struct slot *slot = &p->slots[i];

		decode(p->streams[i], slot->chunk, &own);
		pthread_mutex_lock(&p->lock);
		slot->ready = true;
		pthread_cond_signal(&p->ready);
		pthread_mutex_unlock(&p->lock);
	}
	unpackers_free(&own);
	return NULL;
}

/* Without memory for a chunk now, decode the stream when the merge needs it. */
static void request(struct hvst_prefetch *p, unsigned int i)
{
	p->slots[i].chunk = take_free(p);
	if (!p->slots[i].chunk)
		return;
	pthread_mutex_lock(&p->lock);
	p->queue[(p->head + p->nr++) % p->nr_streams] = i;
	pthread_cond_signal(&p->requested);
	pthread_mutex_unlock(&p->lock);
}

static struct hvst_event_chunk *wait_ready(struct hvst_prefetch *p, unsigned int i)
{
	struct slot *slot = &p->slots[i];
	struct hvst_event_chunk *chunk = slot->chunk;

	pthread_mutex_lock(&p->lock);
	while (!slot->ready)
		pthread_cond_wait(&p->ready, &p->lock);
	pthread_mutex_unlock(&p->lock);
	*slot = (struct slot){ NULL, false };
	return chunk;
}

void hvst_prefetch_stop(struct hvst_prefetch *p)
{
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_broadcast(&p->requested);
	pthread_mutex_unlock(&p->lock);
	while (p->nr_threads)
		pthread_join(p->threads[--p->nr_threads], NULL);
	for (unsigned int i = 0; p->slots && i < p->nr_streams; i++) {
		hvst_prefetch_release(p, p->slots[i].chunk);
		p->slots[i] = (struct slot){ NULL, false };
	}
}

void hvst_prefetch_forget(struct hvst_prefetch *p)
{
	while (p->slabs) {
		struct slab *s = p->slabs;

		p->slabs = s->next;
		free(s);
	}
	p->free = NULL;
	for (unsigned int i = 0; i < p->nr_streams; i++)
		hvst_block_free(&p->streams[i]->block);
}

static void start_threads(struct hvst_prefetch *p)
{
	p->stop = false;
	p->head = p->nr = 0;
	while (p->nr_threads < p->want_threads &&
	       !hvst_thread_start(&p->threads[p->nr_threads], prefetch_thread, p))
		p->nr_threads++;
	for (unsigned int i = 0; p->nr_threads && i < p->nr_streams; i++)
		request(p, i);
}

/* --- a pass --- */

int hvst_prefetch_start(struct hvst_prefetch *p, int64_t from_ns, int64_t to_ns)
{
	for (unsigned int i = 0; i < p->nr_streams; i++) {
		struct hvst_unpack *u;
		int rc = unpacker_for(&p->own, p->streams[i], &u);

		if (!rc)
			rc = hvst_cpu_stream_start(p->streams[i], from_ns, to_ns, u);
		if (rc)
			return rc;
	}
	start_threads(p);
	return 0;
}

struct hvst_event_chunk *hvst_prefetch_next(struct hvst_prefetch *p, unsigned int i)
{
	struct hvst_event_chunk *chunk;

	if (p->slots[i].chunk) {
		chunk = wait_ready(p, i);
	} else {
		chunk = take_free(p);
		if (!chunk)
			return NULL;
		decode(p->streams[i], chunk, &p->own);
	}
	if (p->nr_threads && chunk->rc > 0)
		request(p, i);
	return chunk;
}

/* libtracecmd reads all CPUs of a file through one handle: use one thread. */
static bool any_tracecmd(struct hvst_cpu_stream **streams, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		if (streams[i]->tracecmd)
			return true;
	return false;
}

struct hvst_prefetch *hvst_prefetch_new(struct hvst_cpu_stream **streams, unsigned int nr,
					unsigned int threads)
{
	struct hvst_prefetch *p;

	threads = any_tracecmd(streams, nr) ? 0 : threads < nr ? threads : nr;
	p = calloc(1, sizeof(*p) + threads * sizeof(p->threads[0]));
	if (!p)
		return NULL;
	p->streams = streams;
	p->nr_streams = nr;
	p->want_threads = threads;
	p->slots = calloc(nr + 1, sizeof(*p->slots));
	p->queue = calloc(nr + 1, sizeof(*p->queue));
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->requested, NULL);
	pthread_cond_init(&p->ready, NULL);
	if (p->slots && p->queue)
		return p;
	hvst_prefetch_free(p);
	return NULL;
}

void hvst_prefetch_free(struct hvst_prefetch *p)
{
	if (!p)
		return;
	hvst_prefetch_stop(p);
	hvst_prefetch_forget(p);
	unpackers_free(&p->own);
	pthread_cond_destroy(&p->requested);
	pthread_cond_destroy(&p->ready);
	pthread_mutex_destroy(&p->lock);
	free(p->slots);
	free(p->queue);
	free(p);
}
