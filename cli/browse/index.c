// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "index.h"

#define HASH_SIZE    (4 * BR_MAX_TIMERS)
#define MIN_BINS     64
#define FIRST_SHIFT  10 /* the index starts with bins of 1.024 us */
#define OCTAVES	     (BR_HIST / 2)
#define FIRST_OCTAVE 10 /* the first one ends at 2^11 ns */

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
	idx->first = idx->last = HVST_UNKNOWN;
	if (idx->hash && idx->timers)
		return idx;
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
	for (unsigned int i = 0; i < idx->nr_timers; i++)
		free(idx->timers[i].bins);
	free(idx->timers);
	free(idx->hash);
	free(idx);
}

static unsigned int hash_slot(const struct br_index *idx, int tid, int timer)
{
	unsigned int h =
		((unsigned int)tid * 2654435761u + (unsigned int)timer * 40503u) % HASH_SIZE;

	while (idx->hash[h]) {
		const struct br_timer *l = &idx->timers[idx->hash[h] - 1];

		if (l->tid == tid && l->timer == timer)
			break;
		h = (h + 1) % HASH_SIZE;
	}
	return h;
}

int br_index_timer(const struct br_index *idx, int tid, int timer)
{
	return idx->hash[hash_slot(idx, tid, timer)] - 1;
}

/* --- bins --- */

static void bin_init(struct br_bin *b)
{
	memset(b, 0, sizeof(*b));
	b->skew_min = b->skew_max = b->first_past = b->last_past = HVST_UNKNOWN;
}

static void add32(uint32_t *to, uint32_t n)
{
	*to = *to > UINT32_MAX - n ? UINT32_MAX : *to + n;
}

/* HVST_UNKNOWN is INT64_MIN: exclude it from the minimum. */
static void widen(int64_t *min, int64_t *max, int64_t v_min, int64_t v_max)
{
	if (v_min == HVST_UNKNOWN)
		return;
	if (*min == HVST_UNKNOWN || v_min < *min)
		*min = v_min;
	if (v_max > *max)
		*max = v_max;
}

static unsigned int octave(int64_t skew)
{
	uint64_t abs = skew < 0 ? -(uint64_t)skew : (uint64_t)skew;
	int log = abs ? 63 - __builtin_clzll(abs) : 0;
	int o = log < FIRST_OCTAVE ? 0 : log - FIRST_OCTAVE;

	o = o >= OCTAVES ? OCTAVES - 1 : o;
	return skew < 0 ? OCTAVES - 1 - o : OCTAVES + o;
}

static void hist_add(uint16_t *hist, unsigned int i, unsigned int n)
{
	while (hist[i] + n > UINT16_MAX) {
		n = (n + 1) / 2;
		for (int k = 0; k < BR_HIST; k++)
			hist[k] = (uint16_t)((hist[k] + 1) / 2);
	}
	hist[i] = (uint16_t)(hist[i] + n);
}

static void bin_merge(struct br_bin *to, const struct br_bin *from)
{
	add32(&to->ahead, from->ahead);
	add32(&to->past, from->past);
	add32(&to->periodic, from->periodic);
	add32(&to->inferred, from->inferred);
	widen(&to->skew_min, &to->skew_max, from->skew_min, from->skew_max);
	widen(&to->first_past, &to->last_past, from->first_past, from->last_past);
	for (unsigned int k = 0; k < BR_HIST; k++)
		if (from->hist[k])
			hist_add(to->hist, k, from->hist[k]);
}

static void timer_fold(struct br_timer *l, unsigned int used, unsigned int odd, unsigned int nbins)
{
	unsigned int half = (used + odd + 1) / 2;

	for (unsigned int j = 0; j < half; j++) {
		struct br_bin sum;

		bin_init(&sum);
		for (unsigned int k = 2 * j; k < 2 * j + 2; k++)
			if (k >= odd && k - odd < used)
				bin_merge(&sum, &l->bins[k - odd]);
		l->bins[j] = sum;
	}
	for (unsigned int j = half; j < used && j < nbins; j++)
		bin_init(&l->bins[j]);
}

/* Double the bin width. An odd first bin becomes the second half of a new one. */
static void fold(struct br_index *idx)
{
	unsigned int odd = idx->origin >> idx->shift & 1;

	for (unsigned int i = 0; i < idx->nr_timers; i++)
		timer_fold(&idx->timers[i], idx->used, odd, idx->nbins);
	idx->used = (idx->used + odd + 1) / 2;
	idx->shift++;
	idx->origin = bin_start(idx, idx->origin);
}

/* Make room for @by bins before the first one. */
static void shift_bins(struct br_index *idx, unsigned int by)
{
	for (unsigned int i = 0; i < idx->nr_timers; i++) {
		struct br_bin *bins = idx->timers[i].bins;

		memmove(bins + by, bins, idx->used * sizeof(*bins));
		for (unsigned int k = 0; k < by; k++)
			bin_init(&bins[k]);
	}
	idx->used += by;
	idx->origin -= (int64_t)by << idx->shift;
}

/* The bin of @ts, after widening the index as needed; -1: outside of a window. */
static int64_t cover(struct br_index *idx, int64_t ts)
{
	int64_t b;

	if (idx->fixed) {
		b = (ts >> idx->shift) - (idx->origin >> idx->shift);
		return b < 0 || b >= idx->nbins ? -1 : b;
	}
	if (!idx->used) {
		idx->origin = bin_start(idx, ts);
		idx->used = 1;
	}
	for (;;) {
		b = (ts >> idx->shift) - (idx->origin >> idx->shift);
		if (b < 0 ? idx->used - b <= idx->nbins : b < idx->nbins)
			break;
		fold(idx);
	}
	if (b < 0) {
		shift_bins(idx, (unsigned int)-b);
		return 0;
	}
	if (b >= idx->used)
		idx->used = (unsigned int)b + 1;
	return b;
}

/* --- timers --- */

static size_t bytes(unsigned int timers, unsigned int nbins)
{
	return (size_t)timers * nbins * sizeof(struct br_bin);
}

/* Fewer, wider bins, so that one more timer fits the memory allowed. */
static void make_room(struct br_index *idx)
{
	while (!idx->fixed && idx->nbins > MIN_BINS &&
	       bytes(idx->nr_timers + 1, idx->nbins) > idx->budget) {
		unsigned int half = idx->nbins / 2;

		while (idx->used > half)
			fold(idx);
		for (unsigned int i = 0; i < idx->nr_timers; i++) {
			struct br_bin *bins = realloc(idx->timers[i].bins, half * sizeof(*bins));

			if (bins)
				idx->timers[i].bins = bins;
		}
		idx->nbins = half;
	}
}

static int timer_new(struct br_index *idx, const struct hvst_arm *arm)
{
	struct br_timer *l = &idx->timers[idx->nr_timers];

	make_room(idx);
	if (idx->nr_timers == BR_MAX_TIMERS ||
	    (idx->fixed && bytes(idx->nr_timers + 1, idx->nbins) > idx->budget))
		return -1;
	*l = (struct br_timer){ .tid = arm->tid, .vcpu = arm->vcpu, .timer = arm->timer, .vm = -1 };
	l->bins = malloc(idx->nbins * sizeof(*l->bins));
	if (!l->bins)
		return -1;
	for (unsigned int i = 0; i < idx->nbins; i++)
		bin_init(&l->bins[i]);
	idx->hash[hash_slot(idx, arm->tid, arm->timer)] = (int)++idx->nr_timers;
	return (int)idx->nr_timers - 1;
}

static void count_arm(struct br_bin *b, struct br_timer *l, const struct hvst_arm *arm, int64_t ts)
{
	if (arm->kind == HVST_ARM_PERIODIC) {
		add32(&b->periodic, 1);
		l->periodic++;
		return;
	}
	if (arm->kind == HVST_ARM_PAST_DUE) {
		add32(&b->past, 1);
		l->past++;
		widen(&b->first_past, &b->last_past, ts, ts);
	} else {
		add32(&b->ahead, 1);
		l->ahead++;
	}
	if (arm->flags & HVST_ARM_INFERRED) {
		add32(&b->inferred, 1);
		l->inferred++;
	}
	widen(&b->skew_min, &b->skew_max, arm->skew_ns, arm->skew_ns);
	if (arm->skew_ns != HVST_UNKNOWN)
		hist_add(b->hist, octave(arm->skew_ns), 1);
}

void br_index_add(struct br_index *idx, const struct hvst_arm *arm)
{
	int64_t ts = br_clamp_time(arm->ts_ns);
	int64_t bin;
	int timer;

	if (arm->flags & HVST_ARM_RESTART)
		return;
	if (idx->fixed && cover(idx, ts) < 0)
		return;
	timer = br_index_timer(idx, arm->tid, arm->timer);
	if (timer < 0)
		timer = timer_new(idx, arm);
	if (timer < 0) {
		idx->dropped++;
		return;
	}
	bin = cover(idx, ts);
	if (arm->vm >= 0)
		idx->timers[timer].vm = arm->vm;
	widen(&idx->first, &idx->last, ts, ts);
	count_arm(&idx->timers[timer].bins[bin], &idx->timers[timer], arm, ts);
}

/* --- requests --- */

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
	widen(&s->skew_min, &s->skew_max, b->skew_min, b->skew_max);
	widen(&s->first_past, &s->last_past, b->first_past, b->last_past);
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
	for (; b < end; b++)
		sum_bin(s, &idx->timers[timer].bins[b], hist);
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
	int64_t near = back ? b->last_past : b->first_past;
	int64_t far = back ? b->first_past : b->last_past;

	if (!b->past || (back ? far >= t : far <= t))
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
	    step_in_bin(idx, &idx->timers[timer].bins[b], t, back, at, from, to))
		return true;
	b = b < 0 ? -1 : b > idx->used ? idx->used : b;
	for (b += dir; b >= 0 && b < idx->used; b += dir) {
		const struct br_bin *bin = &idx->timers[timer].bins[b];

		if (bin->past) {
			*at = back ? bin->last_past : bin->first_past;
			return true;
		}
	}
	return false;
}
