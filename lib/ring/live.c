/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: ring. The sub-buffers of a live trace that are held in memory, one list a CPU. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "live.h"
#include "pack.h"
#include "subbuf.h"

/*
 * Limit on what a CPU may have in memory undecoded. Beyond it, events wait in the kernel, which
 * overwrites the oldest and reports how many were lost.
 */
#define MAX_AHEAD     (4u << 20)
#define MAX_AHEAD_ALL (64u << 20) /* of all CPUs; a CPU that has none is still read */
/*
 * Limit on what a round reads from one CPU: the other CPUs and the source must not wait for long.
 */
#define MAX_ROUND (1u << 20)

struct entry {
	struct entry *next;
	uint64_t number; /* in the order of reading, of all CPUs */
	uint32_t len;
	uint8_t data[];
};

/**
 * struct hvst_live_cpu - the sub-buffers of one CPU
 * @first, @last: what is in memory; NULL: nothing
 * @at: the next one to hand out; NULL: all were
 * @ahead: bytes from @at on
 * @dry: the last round read all that there was
 */
struct hvst_live_cpu {
	struct hvst_live *live;
	struct entry *first, *last, *at;
	size_t ahead;
	unsigned int cpu;
	uint32_t page_size;
	bool dry;
};

/**
 * struct hvst_live - all CPUs
 * @held: bytes in memory; @ahead: those that were not handed out
 * @newest: the latest time stamp of a sub-buffer read so far
 * @bound: what @newest was before the last round
 * @ending: the source has said that nothing more comes; @over: and all of it was read
 */
struct hvst_live {
	struct hvst_live_ops ops;
	void *ctx;
	size_t keep, held, ahead;
	uint64_t number, newest, bound;
	bool busy, ending, over;
	struct hvst_live_cpu **cpus;
	unsigned int nr_cpus;
	uint8_t *page; /* as long as the longest sub-buffer */
	uint32_t page_size;
};

struct hvst_live *hvst_live_new(const struct hvst_live_ops *ops, void *ctx, size_t keep)
{
	struct hvst_live *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->ops = *ops;
	l->ctx = ctx;
	l->keep = keep;
	return l;
}

static void drop_first(struct hvst_live_cpu *c)
{
	struct entry *e = c->first;

	c->first = e->next;
	if (!c->first)
		c->last = NULL;
	c->live->held -= sizeof(*e) + e->len;
	free(e);
}

void hvst_live_free(struct hvst_live *l)
{
	if (!l)
		return;
	for (unsigned int i = 0; i < l->nr_cpus; i++) {
		while (l->cpus[i]->first)
			drop_first(l->cpus[i]);
		free(l->cpus[i]);
	}
	free(l->cpus);
	free(l->page);
	free(l);
}

struct hvst_live_cpu *hvst_live_add_cpu(struct hvst_live *l, unsigned int cpu, uint32_t page_size)
{
	struct hvst_live_cpu **cpus, *c;
	uint8_t *page;

	cpus = realloc(l->cpus, (l->nr_cpus + 1) * sizeof(*cpus));
	if (!cpus)
		return NULL;
	l->cpus = cpus;
	if (page_size > l->page_size) {
		page = realloc(l->page, page_size);
		if (!page)
			return NULL;
		l->page = page;
		l->page_size = page_size;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->live = l;
	c->cpu = cpu;
	c->page_size = page_size;
	cpus[l->nr_cpus++] = c;
	return c;
}

void hvst_live_start(struct hvst_live *l)
{
	l->ending = l->over = false;
	l->ahead = 0;
	for (unsigned int i = 0; i < l->nr_cpus; i++) {
		struct hvst_live_cpu *c = l->cpus[i];

		c->at = c->first;
		c->ahead = 0;
		for (struct entry *e = c->at; e; e = e->next)
			c->ahead += e->len;
		l->ahead += c->ahead;
	}
}

/* --- reading ---------------------------------------------------------------------------------- */

/* The length of the data in @page; a number of lost events may follow it. */
static uint32_t used_bytes(const uint8_t *page, uint32_t len)
{
	uint64_t commit;
	uint32_t used;

	memcpy(&commit, page + 8, sizeof(commit));
	used = (uint32_t)commit & HVST_COMMIT_SIZE;
	if (used > len - HVST_SUBBUF_HEAD)
		return len;
	used += HVST_SUBBUF_HEAD;
	if (commit & HVST_COMMIT_STORED && len - used >= sizeof(int64_t))
		used += sizeof(int64_t);
	return used;
}

static int add_entry(struct hvst_live_cpu *c, const uint8_t *page, uint32_t len)
{
	struct hvst_live *l = c->live;
	struct entry *e;
	uint64_t ts;

	len = used_bytes(page, len);
	e = malloc(sizeof(*e) + len);
	if (!e)
		return -ENOMEM;
	e->next = NULL;
	e->number = l->number++;
	e->len = len;
	memcpy(e->data, page, len);
	if (c->last)
		c->last->next = e;
	else
		c->first = e;
	c->last = e;
	if (!c->at)
		c->at = e;
	c->ahead += len;
	l->ahead += len;
	l->held += sizeof(*e) + len;
	memcpy(&ts, page, sizeof(ts));
	if (ts > l->newest)
		l->newest = ts;
	return 0;
}

static bool has_room(const struct hvst_live_cpu *c)
{
	return !c->at || (c->ahead < MAX_AHEAD && c->live->ahead < MAX_AHEAD_ALL);
}

static int read_cpu(struct hvst_live_cpu *c)
{
	struct hvst_live *l = c->live;
	size_t got = 0;
	int rc = 0;

	c->dry = false;
	while (!rc && got < MAX_ROUND && has_room(c)) {
		int n = l->ops.read(l->ctx, c->cpu, l->page, c->page_size);

		if (n <= 0) {
			c->dry = !n;
			return n;
		}
		if (n < HVST_SUBBUF_HEAD || (uint32_t)n > c->page_size)
			return -EBADMSG;
		got += (size_t)n;
		rc = add_entry(c, l->page, (uint32_t)n);
	}
	return rc;
}

/* Frees the oldest sub-buffers that were handed out, until no more than @keep bytes are held. */
static void forget_oldest(struct hvst_live *l)
{
	while (l->held > l->keep) {
		struct hvst_live_cpu *oldest = NULL;

		for (unsigned int i = 0; i < l->nr_cpus; i++) {
			struct hvst_live_cpu *c = l->cpus[i];

			if (c->first && c->first != c->at &&
			    (!oldest || c->first->number < oldest->first->number))
				oldest = c;
		}
		if (!oldest)
			return;
		drop_first(oldest);
	}
}

int hvst_live_poll(struct hvst_live *l)
{
	uint64_t newest = l->newest;
	int rc;

	if (!l->ending) {
		rc = l->ops.wait(l->ctx, l->busy);
		if (rc < 0)
			return rc;
		l->ending = rc > 0;
	}
	l->busy = false;
	for (unsigned int i = 0; i < l->nr_cpus; i++) {
		rc = read_cpu(l->cpus[i]);
		if (rc)
			return rc;
		l->busy |= !l->cpus[i]->dry;
	}
	l->bound = newest;
	l->over = l->ending && !l->busy;
	forget_oldest(l);
	return 0;
}

int hvst_live_next(struct hvst_live_cpu *c, uint8_t *page, uint64_t *bound)
{
	struct entry *e = c->at;

	if (!e) {
		*bound = c->dry ? c->live->bound : 0;
		return c->live->over ? 0 : -EAGAIN;
	}
	memcpy(page, e->data, e->len);
	memset(page + e->len, 0, c->page_size - e->len);
	c->at = e->next;
	c->ahead -= e->len;
	c->live->ahead -= e->len;
	return 1;
}

static int held_of_cpu(const struct hvst_live_cpu *c, struct hvst_pack *p)
{
	const struct entry *e;
	int rc = 0;

	p->cpu = c->cpu;
	p->size = c->page_size;
	for (e = c->first; e && !rc; e = e->next)
		rc = hvst_pack_add(p, e->data, e->len);
	return rc ? rc : hvst_pack_flush(p);
}

int hvst_live_held(const struct hvst_live *l,
		   int (*each)(void *ctx, unsigned int cpu, const void *data, size_t len),
		   void *ctx)
{
	struct hvst_pack p = { .page = malloc(l->page_size), .emit = each, .ctx = ctx };
	int rc = p.page || !l->nr_cpus ? 0 : -ENOMEM;

	for (unsigned int i = 0; i < l->nr_cpus && !rc; i++)
		rc = held_of_cpu(l->cpus[i], &p);
	free(p.page);
	return rc;
}
