/* SPDX-License-Identifier: LGPL-2.1 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "fetch.h"

struct hvst_fetch {
	pthread_mutex_t lock;
	pthread_cond_t asked, loaded;
	struct hvst_lane **queue;	/* ring of the lanes that wait for a thread */
	unsigned int size, head, nr;
	bool stop;
	unsigned int nr_threads;
	pthread_t threads[];
};

struct unpackers { struct hvst_unpack *u[HVST_COMP_ZSTD + 1]; };

/* Loads the block ahead of @l with this thread's own decompressor. */
static int load_ahead(struct hvst_lane *l, struct unpackers *mine)
{
	enum hvst_compression how = l->file->compression;

	if (l->pages.compressed && !mine->u[how]) {
		mine->u[how] = hvst_unpack_new(how);
		if (!mine->u[how])
			return -ENOMEM;
	}
	return hvst_pages_load(&l->pages, &l->ahead, mine->u[how]);
}

static struct hvst_lane *next_lane(struct hvst_fetch *f)
{
	struct hvst_lane *l = NULL;

	pthread_mutex_lock(&f->lock);
	while (!f->nr && !f->stop)
		pthread_cond_wait(&f->asked, &f->lock);
	if (!f->stop) {
		l = f->queue[f->head];
		f->head = (f->head + 1) % f->size;
		f->nr--;
	}
	pthread_mutex_unlock(&f->lock);
	return l;
}

static void *fetcher(void *arg)
{
	struct hvst_fetch *f = arg;
	struct unpackers mine = { { NULL } };
	struct hvst_lane *l;

	while ((l = next_lane(f))) {
		int rc = load_ahead(l, &mine);

		pthread_mutex_lock(&f->lock);
		l->ahead_rc = rc;
		l->ahead_state = HVST_AHEAD_READY;
		pthread_cond_signal(&f->loaded);
		pthread_mutex_unlock(&f->lock);
	}
	for (unsigned int i = 0; i <= HVST_COMP_ZSTD; i++)
		hvst_unpack_free(mine.u[i]);
	return NULL;
}

struct hvst_fetch *hvst_fetch_new(unsigned int threads, unsigned int nr_lanes)
{
	struct hvst_fetch *f = calloc(1, sizeof(*f) + threads * sizeof(f->threads[0]));

	if (!f)
		return NULL;
	f->size = nr_lanes + 1;
	f->queue = calloc(f->size, sizeof(*f->queue));
	pthread_mutex_init(&f->lock, NULL);
	pthread_cond_init(&f->asked, NULL);
	pthread_cond_init(&f->loaded, NULL);
	while (f->queue && f->nr_threads < threads &&
	       !pthread_create(&f->threads[f->nr_threads], NULL, fetcher, f))
		f->nr_threads++;
	if (f->nr_threads)
		return f;
	hvst_fetch_free(f);
	return NULL;
}

void hvst_fetch_free(struct hvst_fetch *f)
{
	if (!f)
		return;
	pthread_mutex_lock(&f->lock);
	f->stop = true;
	pthread_cond_broadcast(&f->asked);
	pthread_mutex_unlock(&f->lock);
	for (unsigned int i = 0; i < f->nr_threads; i++)
		pthread_join(f->threads[i], NULL);
	pthread_cond_destroy(&f->asked);
	pthread_cond_destroy(&f->loaded);
	pthread_mutex_destroy(&f->lock);
	free(f->queue);
	free(f);
}

void hvst_fetch_ask(struct hvst_fetch *f, struct hvst_lane *l)
{
	pthread_mutex_lock(&f->lock);
	l->ahead_state = HVST_AHEAD_ASKED;
	f->queue[(f->head + f->nr++) % f->size] = l;
	pthread_cond_signal(&f->asked);
	pthread_mutex_unlock(&f->lock);
}

int hvst_fetch_take(struct hvst_fetch *f, struct hvst_lane *l)
{
	struct hvst_block used = l->block;

	pthread_mutex_lock(&f->lock);
	while (l->ahead_state != HVST_AHEAD_READY)
		pthread_cond_wait(&f->loaded, &f->lock);
	pthread_mutex_unlock(&f->lock);
	l->ahead_state = HVST_AHEAD_NONE;
	l->block = l->ahead;
	l->ahead = used;
	return l->ahead_rc;
}
