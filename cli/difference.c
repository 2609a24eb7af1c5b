// SPDX-License-Identifier: GPL-2.0
/* The block bootstrap: draws, intervals and judgements. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "difference.h"

#define DRAWS	     999
#define CONFIDENCE   0.97
#define SHAPE_CHANCE 0.99
#define POINTS	     64 /* of a distribution at which it is compared */
#define SEED	     0x9e3779b97f4a7c15ull
#define RANKS	     10000

const char *difference_word_name(enum difference_word w)
{
	static const char *const names[DIFFERENCE_WORDS] = { "better", "worse", "different",
							     "no_difference", "cannot_tell" };

	return names[w];
}

/* --- draws ------------------------------------------------------------------------------------ */

/* How often each batch of both sides is drawn. */
struct draw {
	uint64_t state;
	double times[2][MAX_BLOCKS];
};

/* xorshift64*: Vigna 2016. */
static uint64_t next_random(struct draw *d)
{
	d->state ^= d->state >> 12;
	d->state ^= d->state << 25;
	d->state ^= d->state >> 27;
	return d->state * 0x2545f4914f6cdd1dull;
}

static void draw_batches(struct draw *d, const struct comparison *c)
{
	memset(d->times, 0, sizeof(d->times));
	for (unsigned int k = 0; k < 2; k++)
		for (unsigned int i = 0; i < c->side[k].nr_batches; i++)
			d->times[k][(next_random(d) >> 33) % c->side[k].nr_batches]++;
}

/*
 * A median of the batches drawn. So many values as lie below the recording's median too many or too
 * few move it to another rank of the whole distribution (Bahadur 1966).
 */
static double drawn_median(const struct unit *u, enum measure m, double share)
{
	const struct measured *x = &u->measured[m];
	double rank = RANKS * (0.5 + x->sum / x->base - share);
	const struct hvst_sketch *s = u->whole[m == MEASURE_SKEW ? BLOCK_SKEW : BLOCK_LATENESS];

	rank = rank < 1 ? 1 : rank > RANKS ? RANKS : rank;
	return (double)hvst_sketch_quantile(s, (unsigned int)(rank + 0.5));
}

/*
 * A measure seen in a few batches only varies as if the others did not exist: as many batches of
 * equal weight as have the same spread (Kish 1965).
 */
static double effective(double sum, double squares)
{
	return squares > 0 ? sum * sum / squares : 0;
}

static double effective_batches(const struct measured *x, unsigned int n)
{
	double sum = 0, squares = 0;

	for (unsigned int i = 0; i < n; i++) {
		sum += x->part_base[i];
		squares += x->part_base[i] * x->part_base[i];
	}
	return effective(sum, squares);
}

/* @n batches drawn from n vary less than the n of a recording do. */
static double stretch(double n)
{
	return n > MIN_BATCHES / 2 ? sqrt(n / (n - 1)) : 1;
}

/* How far the value of the drawn batches is from the recording's. */
static double deviation(const struct unit *u, enum measure m, const double *times, unsigned int n)
{
	const struct measured *x = &u->measured[m];
	double sum = 0, base = 0, value;

	for (unsigned int i = 0; i < n; i++) {
		sum += times[i] * x->part[i];
		base += times[i] * x->part_base[i];
	}
	if (base <= 0)
		return 0;
	value = measure_is_median(m) ? drawn_median(u, m, sum / base) : sum / base;
	return (value - x->value) * stretch(effective_batches(x, n));
}

/* --- distributions ---------------------------------------------------------------------------- */

/* Cumulated counts at a few values, by side and batch. */
struct cumulated {
	unsigned int points;
	double batches; /* the fewer of the two effective numbers */
	int64_t at[POINTS];
	double count[2][MAX_BLOCKS][POINTS];
	double all[2][MAX_BLOCKS];
	double share[2][POINTS]; /* of the whole */
	double below[2][POINTS]; /* the same a sketch's resolution further down */
};

/* The values at even ranks of both distributions. */
static void choose_points(struct cumulated *c, const struct unit *const *u, unsigned int d)
{
	c->points = 0;
	for (unsigned int k = 0; k < 2; k++)
		for (unsigned int i = 0; i < POINTS / 2; i++)
			c->at[c->points++] =
				hvst_sketch_quantile(u[k]->whole[d], RANKS * (2 * i + 1) / POINTS);
}

static void cumulate(const struct cumulated *c, const struct hvst_sketch *s, double lower,
		     double *count)
{
	for (unsigned int p = 0; p < c->points; p++) {
		double limit = (double)c->at[p] - lower * fabs((double)c->at[p]);
		unsigned int iter = 0;
		int64_t lo, hi;
		uint64_t n;

		count[p] = 0;
		while (s && hvst_sketch_next(s, &iter, &lo, &hi, &n) && (double)lo <= limit)
			count[p] += (double)n;
	}
}

static void cumulate_unit(struct cumulated *c, const struct unit *u, unsigned int d, unsigned int k,
			  unsigned int batches)
{
	double all = (double)hvst_sketch_count(u->whole[d]), squares = 0;

	cumulate(c, u->whole[d], 0, c->share[k]);
	cumulate(c, u->whole[d], 2 * hvst_sketch_relative_error(u->whole[d]), c->below[k]);
	for (unsigned int p = 0; p < c->points; p++) {
		c->share[k][p] /= all;
		c->below[k][p] /= all;
	}
	for (unsigned int i = 0; i < batches; i++) {
		cumulate(c, u->batch[d][i], 0, c->count[k][i]);
		c->all[k][i] = (double)hvst_sketch_count(u->batch[d][i]);
		squares += c->all[k][i] * c->all[k][i];
	}
	c->batches = fmin(k ? c->batches : INFINITY, effective(all, squares));
}

/* A distance no larger than a bucket of the sketches may be no difference. */
static double distance_of(const struct cumulated *c)
{
	double most = 0;

	for (unsigned int p = 0; p < c->points; p++) {
		most = fmax(most, c->below[0][p] - c->share[1][p]);
		most = fmax(most, c->below[1][p] - c->share[0][p]);
	}
	return most;
}

/* The share below each point in the batches drawn, less that of the recording. */
static void drawn_shares(const struct cumulated *c, unsigned int k, const double *times,
			 unsigned int n, double *off)
{
	double all = 0;

	memset(off, 0, c->points * sizeof(*off));
	for (unsigned int i = 0; i < n; i++) {
		if (!times[i])
			continue;
		all += times[i] * c->all[k][i];
		for (unsigned int p = 0; p < c->points; p++)
			off[p] += times[i] * c->count[k][i][p];
	}
	for (unsigned int p = 0; p < c->points; p++)
		off[p] = all > 0 ? (off[p] / all - c->share[k][p]) * stretch(c->batches) : 0;
}

/* How far apart chance alone brings the two. */
static double drawn_distance(const struct cumulated *c, const struct comparison *cmp,
			     const struct draw *d)
{
	double off[2][POINTS], most = 0;

	for (unsigned int k = 0; k < 2; k++)
		drawn_shares(c, k, d->times[k], cmp->side[k].nr_batches, off[k]);
	for (unsigned int p = 0; p < c->points; p++)
		most = fmax(most, fabs(off[0][p] - off[1][p]));
	return most;
}

/* --- judgement -------------------------------------------------------------------------------- */

static int by_value(const void *x, const void *y)
{
	double a = *(const double *)x, b = *(const double *)y;

	return a < b ? -1 : a > b;
}

/*
 * @drawn: DRAWS deviations of each of @n. @spread: how much each varies. Returns how many times its
 * spread the one that is furthest off is off, but for @confidence of the draws.
 */
static double judge_together(double *drawn, unsigned int n, double *spread, double confidence)
{
	double worst[DRAWS] = { 0 };

	for (unsigned int i = 0; i < n; i++) {
		double sum = 0;

		for (unsigned int k = 0; k < DRAWS; k++)
			sum += drawn[i * DRAWS + k] * drawn[i * DRAWS + k];
		spread[i] = sqrt(sum / DRAWS);
		for (unsigned int k = 0; k < DRAWS && spread[i] > 0; k++)
			worst[k] = fmax(worst[k], fabs(drawn[i * DRAWS + k]) / spread[i]);
	}
	qsort(worst, DRAWS, sizeof(*worst), by_value);
	return worst[(unsigned int)(confidence * (DRAWS + 1)) - 1];
}

/*
 * The spread is known only as well as @batches allow: the quantile of the normal distribution at @z
 * is further out in Student's (Peiser 1943, Cornish and Fisher).
 */
static double widened(double z, double batches)
{
	double v = batches - 1, z3 = z * z * z;

	return z + (z3 + z) / (4 * v) + (5 * z3 * z * z + 16 * z3 + 3 * z) / (96 * v * v);
}

static enum difference_word word_of(const struct difference *d)
{
	bool more = d->value[1] > d->value[0];

	if (isnan(d->low))
		return d->nothing ? DIFFERENCE_NONE : DIFFERENCE_CANNOT_TELL;
	if (d->low <= 0 && d->high >= 0)
		return DIFFERENCE_NONE;
	/* Set further ahead, or less far: another period. */
	if (d->measure == MEASURE_SKEW && d->value[0] < 0 && d->value[1] < 0)
		return DIFFERENCE_OTHER;
	if (d->measure == MEASURE_PROGRESS)
		more = !more;
	return more ? DIFFERENCE_WORSE : DIFFERENCE_BETTER;
}

/* Two medians may differ by the sketches' resolution without a difference. */
static double resolution(const struct difference *d)
{
	const struct unit *u = d->pair->a;

	if (!measure_is_median(d->measure))
		return 0;
	return 2 * hvst_sketch_relative_error(u->whole[BLOCK_SKEW]) *
	       fmax(fabs(d->value[0]), fabs(d->value[1]));
}

static void judge(struct difference *d, double half)
{
	double by = d->value[1] - d->value[0];

	if (fabs(by) > resolution(d) && by != 0)
		d->times = half / by * (half / by);
	half = fmax(half, resolution(d));
	d->low = by - half;
	d->high = by + half;
	if (!measure_is_median(d->measure)) { /* of shares */
		d->low = fmax(d->low, -1);
		d->high = fmin(d->high, 1);
	}
	d->word = word_of(d);
	if (d->word != DIFFERENCE_NONE)
		d->times = NAN;
}

static void list_pair(struct differences *all, const struct pair *p)
{
	for (unsigned int m = 0; m < MEASURES; m++) {
		const struct measured *a = &p->a->measured[m], *b = &p->b->measured[m];
		struct difference *d = &all->d[all->nr];

		if (!a->known || !b->known)
			continue;
		*d = (struct difference){ .pair = p,
					  .measure = m,
					  .value = { a->value, b->value },
					  .low = NAN,
					  .high = NAN,
					  .times = NAN,
					  .nothing = !measure_is_median(m) &&
						     m != MEASURE_PROGRESS && a->sum <= 0 &&
						     b->sum <= 0 };
		d->word = word_of(d);
		all->nr++;
	}
	for (unsigned int i = 0; i < BLOCK_DISTRIBUTIONS; i++)
		if (p->a->whole[i] && p->b->whole[i])
			all->shapes[all->nr_shapes++] = (struct shape_difference){
				.pair = p, .distribution = i, .chance = NAN
			};
}

/* A VM with one timer and one vCPU equals those. */
static bool worth_listing(const struct comparison *c, const struct pair *p)
{
	return p->a->vcpu >= 0 || p->a->timer >= 0 || vm_has_parts(&c->side[0], p->a->vm) ||
	       vm_has_parts(&c->side[1], p->b->vm);
}

static int list_all(struct differences *all, const struct comparison *c)
{
	unsigned int n = c->nr_pairs ? c->nr_pairs : 1;

	all->d = calloc((size_t)n * MEASURES, sizeof(*all->d));
	all->shapes = calloc((size_t)n * BLOCK_DISTRIBUTIONS, sizeof(*all->shapes));
	if (!all->d || !all->shapes)
		return -ENOMEM;
	for (unsigned int i = 0; i < c->nr_pairs; i++)
		if (worth_listing(c, &c->pairs[i]))
			list_pair(all, &c->pairs[i]);
	return 0;
}

static bool any_result(const struct comparison *c)
{
	return !c->side[0].nr_batches || !c->side[1].nr_batches;
}

static bool storm_too_long(const struct pair *p, const struct comparison *c)
{
	return p->a->longest_storm_ns > c->side[0].batch_ns ||
	       p->b->longest_storm_ns > c->side[1].batch_ns;
}

/* The fewer effective batches of the two sides. */
static double fewest_batches(const struct difference *d, const struct comparison *c)
{
	return fmin(effective_batches(&d->pair->a->measured[d->measure], c->side[0].nr_batches),
		    effective_batches(&d->pair->b->measured[d->measure], c->side[1].nr_batches));
}

static const char *why_no_interval(const struct difference *d, const struct comparison *c)
{
	if (d->nothing)
		return NULL;
	if (any_result(c))
		return "a result has no blocks of time";
	if (d->pair->a->measured[d->measure].base <= 0 ||
	    d->pair->b->measured[d->measure].base <= 0)
		return "a result has no distributions by block of time";
	if (storm_too_long(d->pair, c))
		return "a storm is longer than an eighth of its recording";
	if (fewest_batches(d, c) < MIN_BATCHES)
		return "nearly all of it was seen in a few blocks of time";
	return NULL;
}

static int judge_values(struct differences *all, const struct comparison *c)
{
	double *drawn = calloc((size_t)all->nr + 1, DRAWS * sizeof(*drawn));
	double *spread = calloc((size_t)all->nr + 1, sizeof(*spread));
	struct draw draw = { .state = SEED };
	double z;

	/* A measure that cannot be told must not widen the intervals of the others. */
	for (unsigned int i = 0; i < all->nr; i++)
		all->d[i].why = why_no_interval(&all->d[i], c);
	for (unsigned int k = 0; drawn && spread && k < DRAWS; k++) {
		draw_batches(&draw, c);
		for (unsigned int i = 0; i < all->nr; i++) {
			const struct difference *d = &all->d[i];

			if (d->why)
				continue;
			drawn[i * DRAWS + k] = deviation(d->pair->b, d->measure, draw.times[1],
							 c->side[1].nr_batches) -
					       deviation(d->pair->a, d->measure, draw.times[0],
							 c->side[0].nr_batches);
		}
	}
	if (drawn && spread) {
		z = judge_together(drawn, all->nr, spread, CONFIDENCE);
		for (unsigned int i = 0; i < all->nr; i++)
			if (!all->d[i].nothing && !all->d[i].why)
				judge(&all->d[i],
				      widened(z, fewest_batches(&all->d[i], c)) * spread[i]);
	}
	free(drawn);
	free(spread);
	return drawn && spread ? 0 : -ENOMEM;
}

/* @drawn, @spread: of all->nr_shapes. */
static void draw_shape(const struct comparison *c, struct shape_difference *s, struct cumulated *u,
		       double *drawn, double *batches)
{
	const struct unit *const units[2] = { s->pair->a, s->pair->b };
	struct draw draw = { .state = SEED };

	choose_points(u, units, s->distribution);
	for (unsigned int k = 0; k < 2; k++)
		cumulate_unit(u, units[k], s->distribution, k, c->side[k].nr_batches);
	s->distance = distance_of(u);
	*batches = storm_too_long(s->pair, c) ? 0 : u->batches;
	for (unsigned int k = 0; *batches >= MIN_BATCHES && k < DRAWS; k++) {
		draw_batches(&draw, c);
		drawn[k] = drawn_distance(u, c, &draw);
	}
}

static void judge_shape(struct shape_difference *s, double chance, double batches)
{
	if (batches < MIN_BATCHES)
		return;
	s->chance = chance;
	s->differs = s->distance > chance;
}

static int judge_shapes(struct differences *all, const struct comparison *c)
{
	double *drawn = calloc((size_t)all->nr_shapes + 1, DRAWS * sizeof(*drawn));
	double *spread = calloc((size_t)all->nr_shapes + 1, sizeof(*spread));
	double *batches = calloc((size_t)all->nr_shapes + 1, sizeof(*batches));
	struct cumulated *u = malloc(sizeof(*u));
	bool ok = drawn && spread && batches && u;
	double z;

	for (unsigned int i = 0; ok && i < all->nr_shapes; i++)
		draw_shape(c, &all->shapes[i], u, drawn + (size_t)i * DRAWS, &batches[i]);
	if (ok && !all->results) {
		z = judge_together(drawn, all->nr_shapes, spread, SHAPE_CHANCE);
		for (unsigned int i = 0; i < all->nr_shapes; i++)
			judge_shape(&all->shapes[i], widened(z, batches[i]) * spread[i],
				    batches[i]);
	}
	free(drawn);
	free(spread);
	free(batches);
	free(u);
	return ok ? 0 : -ENOMEM;
}

int differences_find(struct differences *all, const struct comparison *c)
{
	int err;

	memset(all, 0, sizeof(*all));
	err = list_all(all, c);
	all->results = any_result(c);
	if (!err)
		err = judge_values(all, c);
	return err ? err : judge_shapes(all, c);
}

void differences_free(struct differences *all)
{
	free(all->d);
	free(all->shapes);
	memset(all, 0, sizeof(*all));
}

bool difference_beyond(const struct difference *d, double percent)
{
	return d->word == DIFFERENCE_WORSE &&
	       fabs(d->value[1] - d->value[0]) > fabs(d->value[0]) * percent / 100;
}
