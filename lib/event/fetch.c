/* SPDX-License-Identifier: LGPL-2.1 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "fetch.h"

struct feed {
	struct hvst_run *run; /* the one ahead, if one was asked for */
	bool ready;
};

/* Runs come several at a time: so much memory the allocator gets from the system in one piece. */
struct slab {
	struct slab *next;
	struct hvst_run runs[8];
};

/* One decompressor for each way of compressing, made when needed; each thread has its own. */
struct unpackers {
	struct hvst_unpack *u[HVST_COMP_ZSTD + 1];
};

struct hvst_fetch {
	struct hvst_lane **lanes;
	unsigned int nr_lanes, want_threads;
	struct feed *feeds;
	struct slab *slabs;
	struct hvst_run *free; /* runs that nobody uses */
	struct unpackers mine; /* the caller's */

	pthread_mutex_t lock;
	pthread_cond_t asked, ready;
	unsigned int *queue; /* ring of the lanes that wait for a thread */
	unsigned int head, nr;
	bool stop;
	unsigned int nr_threads; /* running */
	pthread_t threads[];
};

static int unpacker_for(struct unpackers *all, const struct hvst_lane *l, struct hvst_unpack **u)
{
	enum hvst_compression how = l->file->compression;

	*u = NULL;
	if (l->tracecmd || !l->pages.compressed)
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

void hvst_fetch_release(struct hvst_fetch *f, struct hvst_run *runs)
{
	while (runs) {
		struct hvst_run *r = runs;

		runs = r->next;
		r->next = f->free;
		f->free = r;
	}
}

static void add_slab(struct hvst_fetch *f)
{
	struct slab *s = malloc(sizeof(*s));

	if (!s)
		return;
	s->next = f->slabs;
	f->slabs = s;
	for (size_t i = 0; i < sizeof(s->runs) / sizeof(s->runs[0]); i++) {
		s->runs[i].next = NULL;
		hvst_fetch_release(f, &s->runs[i]);
	}
}

/*
 * The run given back last, the one most likely to be in the cache, as a list of one. NULL without
 * memory.
 */
static struct hvst_run *take_free(struct hvst_fetch *f)
{
	struct hvst_run *r;

	if (!f->free)
		add_slab(f);
	r = f->free;
	if (r) {
		f->free = r->next;
		r->next = NULL;
	}
	return r;
}

static void decode(struct hvst_lane *l, struct hvst_run *r, struct unpackers *all)
{
	struct hvst_unpack *u;

	if (!unpacker_for(all, l, &u)) {
		hvst_lane_decode(l, r, u);
		return;
	}
	r->n = 0;
	r->rc = -ENOMEM;
	hvst_counts_reset(&r->counts);
}

/* --- threads --- */

/* Lane to work on; false to stop. */
static bool next_job(struct hvst_fetch *f, unsigned int *i)
{
	bool any;

	pthread_mutex_lock(&f->lock);
	while (!f->nr && !f->stop)
		pthread_cond_wait(&f->asked, &f->lock);
	any = !f->stop;
	if (any) {
		*i = f->queue[f->head];
		f->head = (f->head + 1) % f->nr_lanes;
		f->nr--;
	}
	pthread_mutex_unlock(&f->lock);
	return any;
}

static void *fetcher(void *arg)
{
	struct hvst_fetch *f = arg;
	struct unpackers mine = { { NULL } };
	unsigned int i;

	while (next_job(f, &i)) {
		struct feed *feed = &f->feeds[i];

		decode(f->lanes[i], feed->run, &mine);
		pthread_mutex_lock(&f->lock);
		feed->ready = true;
		pthread_cond_signal(&f->ready);
		pthread_mutex_unlock(&f->lock);
	}
	unpackers_free(&mine);
	return NULL;
}

/* Without memory for a run ahead, the lane is decoded when its turn comes. */
static void ask(struct hvst_fetch *f, unsigned int i)
{
	f->feeds[i].run = take_free(f);
	if (!f->feeds[i].run)
		return;
	pthread_mutex_lock(&f->lock);
	f->queue[(f->head + f->nr++) % f->nr_lanes] = i;
	pthread_cond_signal(&f->asked);
	pthread_mutex_unlock(&f->lock);
}

static struct hvst_run *await(struct hvst_fetch *f, unsigned int i)
{
	struct feed *feed = &f->feeds[i];
	struct hvst_run *r = feed->run;

	pthread_mutex_lock(&f->lock);
	while (!feed->ready)
		pthread_cond_wait(&f->ready, &f->lock);
	pthread_mutex_unlock(&f->lock);
	*feed = (struct feed){ NULL, false };
	return r;
}

void hvst_fetch_stop(struct hvst_fetch *f)
{
	pthread_mutex_lock(&f->lock);
	f->stop = true;
	pthread_cond_broadcast(&f->asked);
	pthread_mutex_unlock(&f->lock);
	while (f->nr_threads)
		pthread_join(f->threads[--f->nr_threads], NULL);
	for (unsigned int i = 0; f->feeds && i < f->nr_lanes; i++) {
		hvst_fetch_release(f, f->feeds[i].run);
		f->feeds[i] = (struct feed){ NULL, false };
	}
}

static void start_threads(struct hvst_fetch *f)
{
	f->stop = false;
	f->head = f->nr = 0;
	while (f->nr_threads < f->want_threads &&
	       !pthread_create(&f->threads[f->nr_threads], NULL, fetcher, f))
		f->nr_threads++;
	for (unsigned int i = 0; f->nr_threads && i < f->nr_lanes; i++)
		ask(f, i);
}

/* --- the whole --- */

int hvst_fetch_start(struct hvst_fetch *f, int64_t from_ns, int64_t to_ns)
{
	for (unsigned int i = 0; i < f->nr_lanes; i++) {
		struct hvst_unpack *u;
		int rc = unpacker_for(&f->mine, f->lanes[i], &u);

		if (!rc)
			rc = hvst_lane_start(f->lanes[i], from_ns, to_ns, u);
		if (rc)
			return rc;
	}
	start_threads(f);
	return 0;
}

struct hvst_run *hvst_fetch_next(struct hvst_fetch *f, unsigned int i)
{
	struct hvst_run *r;

	if (f->feeds[i].run) {
		r = await(f, i);
	} else {
		r = take_free(f);
		if (!r)
			return NULL;
		decode(f->lanes[i], r, &f->mine);
	}
	if (f->nr_threads && r->rc > 0)
		ask(f, i);
	return r;
}

/* libtracecmd reads all CPUs of a file through one handle: by one thread. */
static bool any_tracecmd(struct hvst_lane **lanes, unsigned int nr)
{
	for (unsigned int i = 0; i < nr; i++)
		if (lanes[i]->tracecmd)
			return true;
	return false;
}

struct hvst_fetch *hvst_fetch_new(struct hvst_lane **lanes, unsigned int nr, unsigned int threads)
{
	struct hvst_fetch *f;

	threads = any_tracecmd(lanes, nr) ? 0 : threads < nr ? threads : nr;
	f = calloc(1, sizeof(*f) + threads * sizeof(f->threads[0]));
	if (!f)
		return NULL;
	f->lanes = lanes;
	f->nr_lanes = nr;
	f->want_threads = threads;
	f->feeds = calloc(nr + 1, sizeof(*f->feeds));
	f->queue = calloc(nr + 1, sizeof(*f->queue));
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->asked, NULL);
	pthread_cond_init(&f->ready, NULL);
	if (f->feeds && f->queue)
		return f;
	hvst_fetch_free(f);
	return NULL;
}

void hvst_fetch_free(struct hvst_fetch *f)
{
	if (!f)
		return;
	hvst_fetch_stop(f);
	while (f->slabs) {
		struct slab *s = f->slabs;

		f->slabs = s->next;
		free(s);
	}
	unpackers_free(&f->mine);
	pthread_cond_destroy(&f->asked);
	pthread_cond_destroy(&f->ready);
	pthread_mutex_destroy(&f->lock);
	free(f->feeds);
	free(f->queue);
	free(f);
}
