// SPDX-License-Identifier: GPL-2.0
/* Sums by block of time, for timers and vCPUs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "blocks.h"
#include "timers.h"

#define FIRST_SHIFT 20 /* 1 ms */
#define LAST_SHIFT  62
#define MOST_NS	    1000000000000 /* larger values do not make sketches larger */

void blocks_init(struct blocks *b)
{
	memset(b, 0, sizeof(*b));
	b->shift = FIRST_SHIFT;
}

static void empty(struct timer_block *t)
{
	for (unsigned int d = 0; d < BLOCK_DISTRIBUTIONS; d++)
		hvst_sketch_free(t->sketch[d]);
	memset(t, 0, sizeof(*t));
}

void blocks_free(struct blocks *b)
{
	for (unsigned int i = 0; i < b->nr_timers; i++) {
		for (unsigned int k = 0; k < MAX_BLOCKS; k++)
			empty(&b->timers[i]->block[k]);
		free(b->timers[i]);
	}
	for (unsigned int i = 0; i < b->nr_vcpus; i++)
		free(b->vcpus[i]);
	free(b->by_thread);
	free(b->vcpu_by_thread);
	memset(b, 0, sizeof(*b));
}

/* --- blocks of time --------------------------------------------------------------------------- */

static int join(struct timer_block *into, struct timer_block *from)
{
	int err = 0;

	into->arms += from->arms;
	into->past_due += from->past_due;
	for (unsigned int d = 0; d < BLOCK_DISTRIBUTIONS && !err; d++) {
		if (!into->sketch[d]) {
			into->sketch[d] = from->sketch[d];
			from->sketch[d] = NULL;
		} else if (from->sketch[d]) {
			err = hvst_sketch_merge(into->sketch[d], from->sketch[d]);
		}
	}
	empty(from);
	return err;
}

/* Blocks 2i and 2i + 1, counted from time zero, become one; @to is where each goes. */
static void widen_timer(struct blocks *b, struct timer_blocks *t, const unsigned int *to)
{
	for (unsigned int i = 0; i < b->nr; i++)
		if (to[i] != i && join(&t->block[to[i]], &t->block[i]))
			b->error = -ENOMEM;
}

static void widen_vcpu(const struct blocks *b, struct vcpu_blocks *v, const unsigned int *to)
{
	for (unsigned int i = 0; i < b->nr; i++) {
		int64_t seen = v->seen_ns[i], progress = v->progress_ns[i];

		v->seen_ns[i] = v->progress_ns[i] = 0;
		v->seen_ns[to[i]] += seen;
		v->progress_ns[to[i]] += progress;
	}
}

static void widen(struct blocks *b)
{
	int64_t first = b->first >> 1;
	unsigned int to[MAX_BLOCKS];

	for (unsigned int i = 0; i < b->nr; i++)
		to[i] = (unsigned int)(((b->first + i) >> 1) - first);
	for (unsigned int i = 0; i < b->nr_timers; i++)
		widen_timer(b, b->timers[i], to);
	for (unsigned int i = 0; i < b->nr_vcpus; i++)
		widen_vcpu(b, b->vcpus[i], to);
	b->nr = b->nr ? to[b->nr - 1] + 1 : 0;
	b->first = first;
	b->shift++;
}

/*
 * The block of @ts_ns. What comes from before the first block, as time may go backwards, counts
 * there.
 */
static unsigned int block_of(struct blocks *b, int64_t ts_ns)
{
	int64_t index;

	if (!b->nr)
		b->first = ts_ns >> b->shift;
	while (((ts_ns >> b->shift) - b->first) >= MAX_BLOCKS && b->shift < LAST_SHIFT)
		widen(b);
	index = (ts_ns >> b->shift) - b->first;
	if (index < 0)
		index = 0;
	if (index >= b->nr)
		b->nr = (unsigned int)index + 1;
	return (unsigned int)index;
}

int64_t blocks_overlap(const struct blocks *b, unsigned int i, int64_t from_ns, int64_t to_ns)
{
	int64_t from = (b->first + i) * (1LL << b->shift), to = from + (1LL << b->shift);

	from = from_ns > from ? from_ns : from;
	to = to_ns < to ? to_ns : to;
	return to > from ? to - from : 0;
}

/* --- timers and vCPUs ------------------------------------------------------------------------- */

/* Makes room in the tables by thread; false: no such thread can be followed. */
static bool has_thread(struct blocks *b, int thread)
{
	unsigned int n = b->nr_threads ? b->nr_threads : 64;
	void *timers, *vcpus;

	if (thread < 0 || thread >= MAX_THREADS)
		return false;
	if ((unsigned int)thread < b->nr_threads)
		return true;
	while (n <= (unsigned int)thread)
		n *= 2;
	timers = reallocarray(b->by_thread, (size_t)n * TIMERS, sizeof(*b->by_thread));
	b->by_thread = timers ? timers : b->by_thread;
	vcpus = reallocarray(b->vcpu_by_thread, n, sizeof(*b->vcpu_by_thread));
	b->vcpu_by_thread = vcpus ? vcpus : b->vcpu_by_thread;
	if (!timers || !vcpus) {
		b->error = -ENOMEM;
		return false;
	}
	memset(b->by_thread + (size_t)b->nr_threads * TIMERS, 0,
	       (size_t)(n - b->nr_threads) * TIMERS * sizeof(*b->by_thread));
	memset(b->vcpu_by_thread + b->nr_threads, 0,
	       (n - b->nr_threads) * sizeof(*b->vcpu_by_thread));
	b->nr_threads = n;
	return true;
}

/* Zeroed memory for one more item, after the @nr followed already; NULL: no room for it. */
static void *one_more(struct blocks *b, unsigned int nr, size_t size)
{
	void *p = nr < MAX_BLOCK_TIMERS ? calloc(1, size) : NULL;

	if (nr == MAX_BLOCK_TIMERS)
		b->left_out = true;
	else if (!p)
		b->error = -ENOMEM;
	return p;
}

static struct timer_blocks *timer_of(struct blocks *b, int thread, int tid, int vcpu, int timer)
{
	struct timer_blocks **at, *t;

	if (timer < 0 || timer >= TIMERS || !has_thread(b, thread))
		return NULL;
	at = &b->by_thread[thread * TIMERS + timer];
	if (*at)
		return *at;
	t = one_more(b, b->nr_timers, sizeof(*t));
	if (!t)
		return NULL;
	b->timers[b->nr_timers++] = t;
	t->thread = thread;
	t->tid = tid;
	t->vcpu = vcpu;
	t->timer = timer;
	*at = t;
	return t;
}

static struct vcpu_blocks *vcpu_of(struct blocks *b, int thread)
{
	struct vcpu_blocks **at, *v;

	if (!has_thread(b, thread))
		return NULL;
	at = &b->vcpu_by_thread[thread];
	if (*at)
		return *at;
	v = one_more(b, b->nr_vcpus, sizeof(*v));
	if (!v)
		return NULL;
	b->vcpus[b->nr_vcpus++] = v;
	v->thread = thread;
	*at = v;
	return v;
}

static void add_value(struct blocks *b, struct timer_block *t, enum block_distribution d, int64_t v)
{
	v = v > MOST_NS ? MOST_NS : v < -MOST_NS ? -MOST_NS : v;
	if (!t->sketch[d])
		t->sketch[d] = hvst_sketch_new();
	if (!t->sketch[d] || hvst_sketch_add(t->sketch[d], v, 1))
		b->error = -ENOMEM;
}

int blocks_arm(struct blocks *b, const struct hvst_arm *arm)
{
	struct timer_blocks *t;
	struct timer_block *block;

	if (b->error || arm->kind == HVST_ARM_PERIODIC ||
	    arm->flags & (HVST_ARM_RESTART | HVST_ARM_PARKED))
		return b->error;
	t = timer_of(b, arm->thread, arm->tid, arm->vcpu, arm->timer);
	if (!t)
		return b->error;
	block = &t->block[block_of(b, arm->ts_ns)];
	block->arms++;
	block->past_due += arm->kind == HVST_ARM_PAST_DUE;
	if (arm->skew_ns != HVST_UNKNOWN)
		add_value(b, block, BLOCK_SKEW, arm->skew_ns);
	return b->error;
}

int blocks_fire(struct blocks *b, const struct hvst_fire *fire)
{
	struct timer_blocks *t;
	int64_t late;

	if (b->error || fire->deadline_ns == HVST_UNKNOWN || fire->callback_ns == HVST_UNKNOWN ||
	    __builtin_sub_overflow(fire->callback_ns, fire->deadline_ns, &late))
		return b->error;
	t = timer_of(b, fire->thread, fire->tid, fire->vcpu, fire->timer);
	if (t)
		add_value(b, &t->block[block_of(b, fire->callback_ns)], BLOCK_LATENESS, late);
	return b->error;
}

/* A stretch that spans several blocks counts in each, as if its progress were uniform. */
int blocks_progress(struct blocks *b, const struct hvst_progress *p)
{
	int64_t length = p->to_ns - p->from_ns;
	unsigned int from, to;
	struct vcpu_blocks *v;

	if (b->error || length <= 0)
		return b->error;
	v = vcpu_of(b, p->thread);
	if (!v)
		return b->error;
	to = block_of(b, p->to_ns);
	from = block_of(b, p->from_ns);
	for (unsigned int i = from; i <= to; i++) {
		int64_t part = blocks_overlap(b, i, p->from_ns, p->to_ns);

		v->seen_ns[i] += part;
		v->progress_ns[i] +=
			(int64_t)((double)p->progress_ns * (double)part / (double)length);
	}
	return b->error;
}

static int on_arm(void *ctx, const struct hvst_arm *arm)
{
	return blocks_arm(ctx, arm);
}

static int on_fire(void *ctx, const struct hvst_fire *fire)
{
	return blocks_fire(ctx, fire);
}

static int on_progress(void *ctx, const struct hvst_progress *p)
{
	return blocks_progress(ctx, p);
}

const struct hvst_observer blocks_observer = {
	.size = sizeof(blocks_observer), .arm = on_arm, .fire = on_fire, .progressed = on_progress
};
