// SPDX-License-Identifier: GPL-2.0
/* Rows of packed bins, and their widening. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "index.h"

#define HASH_SIZE    (4 * BR_MAX_TIMERS)
#define MIN_BINS     16
#define FIRST_SHIFT  10 /* the index starts with bins of 1.024 us */
#define OCTAVES	     (BR_HIST / 2)
#define FIRST_OCTAVE 10 /* the first one ends at 2^11 ns */
#define HEAP_BYTES   16 /* that an allocation takes besides what was asked for, at most */

struct br_view {
	int timer; /* -1: none */
	unsigned int block;
	struct br_bin bins[BR_PACK];
};

int64_t br_clamp_time(int64_t ts)
{
	return ts < -BR_TIME_LIMIT ? -BR_TIME_LIMIT : ts > BR_TIME_LIMIT ? BR_TIME_LIMIT : ts;
}

int64_t br_index_width(const struct br_index *idx)
{
	return (int64_t)1 << idx->shift;
}

static int64_t bin_start(const struct br_index *idx, int64_t ts)
{
	return ts & ~(br_index_width(idx) - 1);
}

static struct br_index *index_alloc(void)
{
	struct br_index *idx = calloc(1, sizeof(*idx));

	if (!idx)
		return NULL;
	idx->hash = calloc(HASH_SIZE, sizeof(*idx->hash));
	idx->timers = calloc(BR_MAX_TIMERS, sizeof(*idx->timers));
	idx->view = malloc(sizeof(*idx->view));
	idx->first = idx->last = HVST_UNKNOWN;
	if (idx->hash && idx->timers && idx->view) {
		idx->view->timer = -1;
		return idx;
	}
	br_index_free(idx);
	return NULL;
}

struct br_index *br_index_new(size_t budget)
{
	struct br_index *idx = index_alloc();

	if (idx) {
		idx->shift = FIRST_SHIFT;
		idx->nbins = BR_MAX_BINS;
		idx->budget = budget;
	}
	return idx;
}

struct br_index *br_index_new_window(int64_t from, int64_t to, unsigned int shift)
{
	struct br_index *idx = index_alloc();

	if (idx) {
		idx->shift = shift;
		idx->origin = bin_start(idx, from);
		idx->used = idx->nbins = (unsigned int)(((to - 1) >> shift) - (from >> shift) + 1);
		idx->fixed = true;
		idx->budget = BR_FINE_BUDGET;
	}
	return idx;
}

void br_index_free(struct br_index *idx)
{
	if (!idx)
		return;
	for (unsigned int i = 0; i < idx->nr_timers; i++) {
		struct br_timer *l = &idx->timers[i];

		for (unsigned int k = 0; k < l->nr_blocks; k++)
			free(l->blocks[k]);
		free(l->blocks);
		free(l->open);
	}
	free(idx->timers);
	free(idx->view);
	free(idx->hash);
	free(idx);
}

static unsigned int hash_start(int tid, int timer)
{
	return ((unsigned int)tid * 2654435761u + (unsigned int)timer * 40503u) % HASH_SIZE;
}

static unsigned int hash_slot(const struct br_index *idx, int tid, int timer, int thread)
{
	unsigned int h = hash_start(tid, timer);

	while (idx->hash[h]) {
		const struct br_timer *l = &idx->timers[idx->hash[h] - 1];

		if (l->tid == tid && l->timer == timer && (thread < 0 || l->thread == thread))
			break;
		h = (h + 1) % HASH_SIZE;
	}
	return h;
}

int br_index_timer(const struct br_index *idx, int tid, int timer, int thread)
{
	return idx->hash[hash_slot(idx, tid, timer, thread)] - 1;
}

int br_index_storm(const struct br_index *idx, const struct hvst_storm *s)
{
	int any = -1;

	for (unsigned int h = hash_start(s->tid, s->timer); idx->hash[h]; h = (h + 1) % HASH_SIZE) {
		const struct br_timer *l = &idx->timers[idx->hash[h] - 1];

		if (l->tid != s->tid || l->timer != s->timer)
			continue;
		if (l->vm == s->vm)
			return idx->hash[h] - 1;
		any = any < 0 ? idx->hash[h] - 1 : any;
	}
	return any;
}

static unsigned int octave(int64_t skew)
{
	uint64_t abs = skew < 0 ? -(uint64_t)skew : (uint64_t)skew;
	int log = abs ? 63 - __builtin_clzll(abs) : 0;
	int o = log < FIRST_OCTAVE ? 0 : log - FIRST_OCTAVE;

	o = o >= OCTAVES ? OCTAVES - 1 : o;
	return skew < 0 ? OCTAVES - 1 - o : OCTAVES + o;
}

/* --- blocks ----------------------------------------------------------------------------------- */

static int64_t block_start(const struct br_index *idx, unsigned int block)
{
	return idx->origin + ((int64_t)(block * BR_PACK) << idx->shift);
}

/* What a packed block takes. It begins with its length. */
static size_t block_bytes(const uint8_t *block)
{
	uint16_t len;

	if (!block)
		return 0;
	memcpy(&len, block, sizeof(len));
	return len + sizeof(len) + HEAP_BYTES;
}

static void block_drop(struct br_index *idx, struct br_timer *l, unsigned int at)
{
	if (at >= l->nr_blocks)
		return;
	idx->bytes -= block_bytes(l->blocks[at]);
	free(l->blocks[at]);
	l->blocks[at] = NULL;
}

/* Room for the pointer to block @at. */
static bool block_slot(struct br_index *idx, struct br_timer *l, unsigned int at)
{
	unsigned int n = at / 16 * 16 + 16;
	uint8_t **blocks;

	if (at < l->nr_blocks)
		return true;
	blocks = realloc(l->blocks, n * sizeof(*blocks));
	if (!blocks)
		return false;
	memset(blocks + l->nr_blocks, 0, (n - l->nr_blocks) * sizeof(*blocks));
	idx->bytes += (n - l->nr_blocks) * sizeof(*blocks);
	l->blocks = blocks;
	l->nr_blocks = n;
	return true;
}

/* Without memory, drop the arms in it. */
static void block_store(struct br_index *idx, struct br_timer *l, unsigned int at,
			const struct br_bin *bins, int64_t start, unsigned int shift)
{
	uint8_t buf[BR_PACKED_MAX], *block;
	uint16_t len = (uint16_t)br_pack(bins, start, shift, buf);

	idx->view->timer = -1;
	block_drop(idx, l, at);
	if (!len)
		return;
	block = block_slot(idx, l, at) ? malloc(sizeof(len) + len) : NULL;
	if (!block) {
		for (unsigned int i = 0; i < BR_PACK; i++)
			idx->dropped += br_bin_arms(&bins[i]);
		return;
	}
	memcpy(block, &len, sizeof(len));
	memcpy(block + sizeof(len), buf, len);
	l->blocks[at] = block;
	idx->bytes += block_bytes(block);
}

/* The open block becomes a packed one; its memory is kept for the next. */
static void timer_close(struct br_index *idx, struct br_timer *l)
{
	if (l->open)
		block_store(idx, l, l->open_at, l->open, block_start(idx, l->open_at), idx->shift);
}

static void open_free(struct br_index *idx, struct br_timer *l)
{
	if (l->open)
		idx->bytes -= BR_PACK * sizeof(*l->open);
	free(l->open);
	l->open = NULL;
}

static bool open_new(struct br_index *idx, struct br_timer *l)
{
	if (!l->open) {
		l->open = malloc(BR_PACK * sizeof(*l->open));
		idx->bytes += l->open ? BR_PACK * sizeof(*l->open) : 0;
	}
	return l->open;
}

/* The bin of an open block, for arms to be added to it; NULL without memory. */
static struct br_bin *open_bin(struct br_index *idx, struct br_timer *l, unsigned int bin)
{
	unsigned int at = bin / BR_PACK;

	if (l->open && l->open_at == at)
		return &l->open[bin % BR_PACK];
	timer_close(idx, l);
	if (!open_new(idx, l))
		return NULL;
	if (at < l->nr_blocks && l->blocks[at])
		br_unpack(l->blocks[at] + sizeof(uint16_t), block_start(idx, at), idx->shift,
			  l->open);
	else
		br_bins_init(l->open, BR_PACK);
	block_drop(idx, l, at);
	idx->view->timer = -1;
	l->open_at = at;
	return &l->open[bin % BR_PACK];
}

/* The bins of a block, to be read before the next call; NULL: no arms in it. */
static const struct br_bin *block_bins(const struct br_index *idx, int timer, unsigned int at)
{
	const struct br_timer *l = &idx->timers[timer];
	struct br_view *v = idx->view;

	if (l->open && l->open_at == at)
		return l->open;
	if (at >= l->nr_blocks || !l->blocks[at])
		return NULL;
	if (v->timer != timer || v->block != at) {
		br_unpack(l->blocks[at] + sizeof(uint16_t), block_start(idx, at), idx->shift,
			  v->bins);
		v->timer = timer;
		v->block = at;
	}
	return v->bins;
}

/* NULL: no arms in it. */
static const struct br_bin *read_bin(const struct br_index *idx, int timer, unsigned int bin)
{
	const struct br_bin *bins = block_bins(idx, timer, bin / BR_PACK);

	return bins && br_bin_arms(&bins[bin % BR_PACK]) ? &bins[bin % BR_PACK] : NULL;
}

void br_index_pack(struct br_index *idx)
{
	for (unsigned int i = 0; i < idx->nr_timers; i++) {
		timer_close(idx, &idx->timers[i]);
		open_free(idx, &idx->timers[i]);
	}
}

/* --- folding ---------------------------------------------------------------------------------- */

/* What the index will have when its bins are twice as wide. */
struct folded {
	int64_t origin;
	unsigned int odd, used; /* the old bin 0 is the new bin @odd / 2 */
};

static void fold_block(const struct br_index *idx, int timer, const struct folded *f,
		       unsigned int at, struct br_bin *sums)
{
	br_bins_init(sums, BR_PACK);
	for (unsigned int k = 0; k < 2 * BR_PACK; k++) {
		unsigned int bin = at * 2 * BR_PACK + k;
		const struct br_bin *b = NULL;

		if (bin >= f->odd && bin - f->odd < idx->used)
			b = read_bin(idx, timer, bin - f->odd);
		if (b)
			br_bin_merge(&sums[k / 2], b);
	}
}

static void timer_fold(struct br_index *idx, int timer, const struct folded *f)
{
	struct br_timer *l = &idx->timers[timer], old = *l;
	struct br_timer new = { 0 };
	int64_t width = 2 * br_index_width(idx) * BR_PACK;

	for (unsigned int at = 0; at * BR_PACK < f->used; at++) {
		struct br_bin sums[BR_PACK];

		fold_block(idx, timer, f, at, sums);
		block_store(idx, &new, at, sums, f->origin + at * width, idx->shift + 1);
	}
	for (unsigned int at = 0; at < old.nr_blocks; at++)
		block_drop(idx, &old, at);
	idx->bytes -= old.nr_blocks * sizeof(*old.blocks);
	free(old.blocks);
	l->blocks = new.blocks;
	l->nr_blocks = new.nr_blocks;
}

/*
 * Double the bin width. But for windows, the first bin is the first one of a block in the grid of
 * all times, so that blocks can be put before it.
 */
static void fold(struct br_index *idx)
{
	int64_t first = idx->origin >> idx->shift;
	int64_t origin = (first >> 1) & -(int64_t)(idx->fixed ? 1 : BR_PACK);
	struct folded f = { .odd = (unsigned int)(first - 2 * origin) };

	f.origin = origin * 2 * br_index_width(idx);
	f.used = (idx->used + f.odd + 1) / 2;
	br_index_pack(idx);
	for (unsigned int i = 0; i < idx->nr_timers; i++)
		timer_fold(idx, (int)i, &f);
	idx->view->timer = -1;
	idx->used = f.used;
	idx->nbins = idx->fixed ? f.used : idx->nbins;
	idx->shift++;
	idx->origin = f.origin;
}

/* Make room for @by blocks before the first one. */
static void shift_blocks(struct br_index *idx, unsigned int by)
{
	for (unsigned int i = 0; i < idx->nr_timers; i++) {
		struct br_timer *l = &idx->timers[i];
		unsigned int n = l->nr_blocks;

		l->open_at += by;
		if (!n)
			continue;
		if (!block_slot(idx, l, n + by - 1)) {
			for (unsigned int k = 0; k < n; k++)
				block_drop(idx, l, k);
			continue;
		}
		memmove(l->blocks + by, l->blocks, n * sizeof(*l->blocks));
		memset(l->blocks, 0, by * sizeof(*l->blocks));
	}
	idx->view->timer = -1;
	idx->used += by * BR_PACK;
	idx->origin -= (int64_t)(by * BR_PACK) << idx->shift;
}

/* The number of blocks from a bin before the first one to that. */
static unsigned int blocks_before(int64_t bin)
{
	return (unsigned int)((-bin + BR_PACK - 1) / BR_PACK);
}

static bool fits(const struct br_index *idx, int64_t bin)
{
	if (bin >= 0)
		return bin < idx->nbins;
	return -bin <= idx->nbins && idx->used + blocks_before(bin) * BR_PACK <= idx->nbins;
}

static int64_t bin_number(const struct br_index *idx, int64_t ts)
{
	return (ts >> idx->shift) - (idx->origin >> idx->shift);
}

/* The bin of @ts, after widening the index as needed; -1: outside of a window. */
static int64_t cover(struct br_index *idx, int64_t ts)
{
	int64_t b = bin_number(idx, ts);

	if (idx->fixed)
		return b < 0 || b >= idx->nbins ? -1 : b;
	if (!idx->used) {
		idx->origin = bin_start(idx, ts) & -(BR_PACK * br_index_width(idx));
		idx->used = 1;
	}
	for (b = bin_number(idx, ts); !fits(idx, b); b = bin_number(idx, ts))
		fold(idx);
	if (b < 0) {
		shift_blocks(idx, blocks_before(b));
		b = bin_number(idx, ts);
	}
	if (b >= idx->used)
		idx->used = (unsigned int)b + 1;
	return b;
}

/* --- timers ----------------------------------------------------------------------------------- */

/* Wider bins, until they fit the memory allowed. */
static void make_room(struct br_index *idx)
{
	while (idx->bytes > idx->budget && idx->used > MIN_BINS)
		fold(idx);
}

static int timer_new(struct br_index *idx, const struct hvst_arm *arm)
{
	struct br_timer *l = &idx->timers[idx->nr_timers];

	if (idx->nr_timers == BR_MAX_TIMERS)
		return -1;
	*l = (struct br_timer){ .tid = arm->tid,
				.thread = arm->thread,
				.vcpu = arm->vcpu,
				.timer = arm->timer,
				.vm = -1 };
	idx->hash[hash_slot(idx, arm->tid, arm->timer, arm->thread)] = (int)++idx->nr_timers;
	return (int)idx->nr_timers - 1;
}

static void count_arm(struct br_bin *b, struct br_timer *l, const struct hvst_arm *arm, int64_t ts)
{
	if (arm->kind == HVST_ARM_PERIODIC) {
		br_add32(&b->periodic, 1);
		l->periodic++;
		return;
	}
	if (arm->kind == HVST_ARM_PAST_DUE) {
		br_add32(&b->past, 1);
		l->past++;
		br_widen(&b->first_past, &b->last_past, ts, ts);
	} else {
		br_add32(&b->ahead, 1);
		l->ahead++;
	}
	if (arm->flags & HVST_ARM_INFERRED) {
		br_add32(&b->inferred, 1);
		l->inferred++;
	}
	if (arm->skew_ns == HVST_UNKNOWN || arm->flags & HVST_ARM_PARKED)
		return; /* a parked timer is set to no time at all */
	br_widen(&b->skew_min, &b->skew_max, arm->skew_ns, arm->skew_ns);
	br_hist_add(b->hist, octave(arm->skew_ns), 1);
}

void br_index_add(struct br_index *idx, const struct hvst_arm *arm)
{
	int64_t ts = br_clamp_time(arm->ts_ns);
	struct br_bin *bin;
	int timer;

	if (arm->flags & HVST_ARM_RESTART)
		return;
	make_room(idx);
	if (idx->fixed && cover(idx, ts) < 0)
		return;
	timer = br_index_timer(idx, arm->tid, arm->timer, arm->thread);
	if (timer < 0)
		timer = timer_new(idx, arm);
	bin = timer < 0 ? NULL : open_bin(idx, &idx->timers[timer], (unsigned int)cover(idx, ts));
	if (!bin) {
		idx->dropped++;
		return;
	}
	if (arm->vm >= 0)
		idx->timers[timer].vm = arm->vm;
	br_widen(&idx->first, &idx->last, ts, ts);
	count_arm(bin, &idx->timers[timer], arm, ts);
}

/* --- requests --------------------------------------------------------------------------------- */

void br_sum_init(struct br_sum *s)
{
	memset(s, 0, sizeof(*s));
	s->skew_min = s->skew_max = s->first_past = s->last_past = HVST_UNKNOWN;
	s->exact = true;
}

uint64_t br_sum_arms(const struct br_sum *s)
{
	return s->ahead + s->past + s->periodic;
}

static void sum_hist(struct br_sum *s, const struct br_bin *b)
{
	unsigned int total = 0;
	double weight;

	for (unsigned int k = 0; k < BR_HIST; k++)
		total += b->hist[k];
	if (!total)
		return;
	weight = ((double)b->ahead + b->past) / total;
	for (unsigned int k = 0; k < BR_HIST; k++)
		s->hist[k] += b->hist[k] * weight;
}

static void sum_bin(struct br_sum *s, const struct br_bin *b, bool hist)
{
	s->ahead += b->ahead;
	s->past += b->past;
	s->periodic += b->periodic;
	s->inferred += b->inferred;
	br_widen(&s->skew_min, &s->skew_max, b->skew_min, b->skew_max);
	br_widen(&s->first_past, &s->last_past, b->first_past, b->last_past);
	if (hist)
		sum_hist(s, b);
}

void br_index_sum(const struct br_index *idx, int timer, int64_t from, int64_t to, bool hist,
		  struct br_sum *s)
{
	int64_t width = br_index_width(idx);
	int64_t b = (from >> idx->shift) - (idx->origin >> idx->shift);
	int64_t end = ((to - 1) >> idx->shift) - (idx->origin >> idx->shift) + 1;

	if (timer < 0 || to <= from)
		return;
	if ((from | to) & (width - 1))
		s->exact = false;
	b = b < 0 ? 0 : b;
	end = end > idx->used ? idx->used : end;
	for (; b < end; b++) {
		const struct br_bin *bin = read_bin(idx, timer, (unsigned int)b);

		if (bin)
			sum_bin(s, bin, hist);
	}
}

/* The geometric middle of an octave. */
static double octave_middle(unsigned int i)
{
	unsigned int o = i < OCTAVES ? OCTAVES - 1 - i : i - OCTAVES;
	double v = o ? M_SQRT2 * (double)(1ll << (o + FIRST_OCTAVE)) : 512;

	return i < OCTAVES ? -v : v;
}

int64_t br_sum_median(const struct br_sum *s)
{
	double total = 0, below = 0;
	unsigned int k;
	double v;

	for (k = 0; k < BR_HIST; k++)
		total += s->hist[k];
	if (total <= 0 || s->skew_min == HVST_UNKNOWN)
		return HVST_UNKNOWN;
	for (k = 0; k < BR_HIST - 1; k++) {
		below += s->hist[k];
		if (below * 2 >= total)
			break;
	}
	v = octave_middle(k);
	return v < s->skew_min ? s->skew_min : v > s->skew_max ? s->skew_max : (int64_t)v;
}

static bool step_in_bin(const struct br_index *idx, const struct br_bin *b, int64_t t, bool back,
			int64_t *at, int64_t *from, int64_t *to)
{
	int64_t start = bin_start(idx, t);
	int64_t near, far;

	if (!b || !b->past)
		return false;
	near = back ? b->last_past : b->first_past;
	far = back ? b->first_past : b->last_past;
	if (back ? far >= t : far <= t)
		return false;
	if (back ? near < t : near > t) {
		*at = near;
		return true;
	}
	*from = back ? start : t + 1;
	*to = back ? t : start + br_index_width(idx);
	return true;
}

bool br_index_step(const struct br_index *idx, int timer, int64_t t, bool back, int64_t *at,
		   int64_t *from, int64_t *to)
{
	int64_t b = (t >> idx->shift) - (idx->origin >> idx->shift);
	int64_t dir = back ? -1 : 1;

	*from = *to = 0;
	if (timer < 0 || !idx->used)
		return false;
	if (b >= 0 && b < idx->used &&
	    step_in_bin(idx, read_bin(idx, timer, (unsigned int)b), t, back, at, from, to))
		return true;
	b = b < 0 ? -1 : b > idx->used ? idx->used : b;
	for (b += dir; b >= 0 && b < idx->used; b += dir) {
		const struct br_bin *bin = read_bin(idx, timer, (unsigned int)b);

		if (bin && bin->past) {
			*at = back ? bin->last_past : bin->first_past;
			return true;
		}
	}
	return false;
}
