// SPDX-License-Identifier: LGPL-2.1
/*
 * Stage: kvm. One estimate from the streams of all CPUs, where each CPU's trace clock is its own
 * ("local"): often no CPU sees both sides of a step. Two such clocks are a constant distance apart,
 * which shows wherever a reading on one CPU follows one on the other. A step lies between few such
 * pairs of readings, so most of them agree on the distance. A CPU whose distance cannot be
 * determined is left out and keeps an estimate of its own.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "refclock.h"

#define ITEMS_MAX   131072 /* of all CPUs */
#define ITEMS_LEAST 256	   /* of each */
#define SPREAD_NS   20e3   /* readings are late by up to this at places that agree */
#define APART_NS    100e3  /* distances that contradict each other */
#define FEW_KNOTS   4
#define FAR_COUNT   4	  /* places for a distance that sched_clock() does not explain */
#define COARSE_NS   1e6	  /* such a distance shows only large steps */
#define SLACK_LEAST 3e3	  /* of the joined readings */
#define ERR_LEAST   500.0 /* of a distance: rounding of both clocks */
#define ERR_MOST    5e6	  /* a larger error: no information */
#define LATE_NS	    1e6	  /* readings without a line may be late by this, and more */
#define ABOVE_MOST  50e3  /* a reading further above a line, or below it, does not belong to it */
#define BELOW_MOST  20e6

struct cpu_item {
	struct refclock_item it;
	unsigned int stream;
	int64_t o; /* by the line next to it, else as it was read */
	double err;
	double slope, vague; /* of that line, and how well it is known */
};

/* A reading of stream @b follows one of @a: O of @b is @apart more than that of @a. */
struct crossing {
	unsigned int a, b;
	double apart, err;
	int64_t from, to;
};

struct distance {
	double ns, err;
	int64_t from, to;
};

enum place { OPEN, PLACED, LEFT_OUT };

struct join {
	struct refclock *r;
	struct cpu_item *item;
	unsigned int nr_items;
	struct crossing *cross;
	unsigned int nr_cross;
	struct distance *dist;
	enum place *place;
	double most; /* error of a distance that is good enough */
};

static int by_time(const void *x, const void *y)
{
	const struct cpu_item *a = x, *b = y;

	if (a->it.t != b->it.t)
		return a->it.t < b->it.t ? -1 : 1;
	return a->stream < b->stream ? -1 : a->stream > b->stream;
}

static int by_ns(const void *x, const void *y)
{
	const struct distance *a = x, *b = y;

	return a->ns < b->ns ? -1 : a->ns > b->ns;
}

static void gather_stream(struct join *j, unsigned int i)
{
	const struct refclock_stream *s = j->r->streams[i];
	unsigned int at = 0;

	for (unsigned int k = 0; k < s->nr_items; k++) {
		struct cpu_item *c = &j->item[j->nr_items++];
		const struct refclock_piece *p;
		double err, late;
		int64_t o;

		*c = (struct cpu_item){ .it = s->items[k],
					.stream = i,
					.o = s->items[k].o,
					.err = LATE_NS,
					.vague = REFCLOCK_SLOPE_MAX };
		while (at + 1 < hvst_refclock_nr_pieces(s) &&
		       hvst_refclock_stream_piece(s, at + 1)->from <= c->it.t)
			at++;
		p = s->open ? hvst_refclock_stream_piece(s, at) : NULL;
		if (!p || p->knots < FEW_KNOTS)
			continue;
		c->slope = p->line.slope;
		c->vague = p->line.slope_err + REFCLOCK_SLEW;
		err = ERR_LEAST + c->vague * (double)hvst_refclock_beyond(p, c->it.t);
		o = hvst_refclock_line_at(&p->line, c->it.t);
		late = (double)hvst_refclock_sub(o, c->o);
		if (late < -ABOVE_MOST || late > BELOW_MOST)
			err = HUGE_VAL; /* not part of this line */
		else if (err >= c->err)
			continue;
		c->o = o;
		c->err = err;
	}
}

static int gather(struct join *j)
{
	unsigned int most = ITEMS_MAX / j->r->nr_streams, n = 0;

	most = most < ITEMS_LEAST ? ITEMS_LEAST : most;
	for (unsigned int i = 0; i < j->r->nr_streams; i++) {
		if (j->r->streams[i]->nr_items > most)
			hvst_refclock_thin(j->r->streams[i], most);
		n += j->r->streams[i]->nr_items;
	}
	j->item = malloc((n ? n : 1) * sizeof(*j->item));
	j->cross = malloc((n ? n : 1) * sizeof(*j->cross));
	j->dist = malloc((n ? n : 1) * sizeof(*j->dist));
	j->place = calloc(j->r->nr_streams, sizeof(*j->place));
	if (!j->item || !j->cross || !j->dist || !j->place)
		return -ENOMEM;
	for (unsigned int i = 0; i < j->r->nr_streams; i++)
		gather_stream(j, i);
	qsort(j->item, j->nr_items, sizeof(*j->item), by_time);
	return 0;
}

static void crossing_add(struct join *j, const struct cpu_item *x, const struct cpu_item *y)
{
	double gap = (double)(y->it.t - x->it.t);
	double slope = x->vague < y->vague ? x->slope : y->slope;
	double err = x->err + y->err + fmin(x->vague, y->vague) * gap;

	if (err < ERR_MOST)
		j->cross[j->nr_cross++] = (struct crossing){
			.a = x->stream,
			.b = y->stream,
			.apart =
				((double)hvst_refclock_sub(y->o, x->o) - slope * gap) / (1 + slope),
			.err = err,
			.from = x->it.t,
			.to = y->it.t,
		};
}

static void find_crossings(struct join *j)
{
	const struct cpu_item *last = NULL;

	for (unsigned int i = 0; i < j->nr_items; i++) {
		const struct cpu_item *c = &j->item[i];

		if (c->it.kind != REFCLOCK_SAMPLE)
			continue;
		if (last && last->stream != c->stream)
			crossing_add(j, last, c);
		last = c;
	}
}

static double weight(const struct distance *d)
{
	return ERR_LEAST / d->err;
}

/* Neither sched_clock() of two CPUs nor a slew in between explains it. */
static bool far(const struct distance *d)
{
	return fabs(d->ns) >
	       REFCLOCK_LOCAL_MOST_NS + REFCLOCK_SLOPE_MAX * (double)(d->to - d->from);
}

/* The one that is known best. */
static const struct distance *sharpest(const struct distance *d, unsigned int n)
{
	const struct distance *best = d;

	for (unsigned int i = 1; i < n; i++)
		if (d[i].err < best->err)
			best = &d[i];
	return best;
}

/* Distances that agree: @d[from] and the @n - 1 next ones. */
struct cluster {
	unsigned int from, n;
	double weight;
};

/* The distance with the highest weight, each weighted by its error; excluding those near @not. */
static struct cluster cluster(const struct distance *d, unsigned int n,
			      const struct distance * not )
{
	struct cluster best = { 0 };
	unsigned int from = 0;
	double sum = 0;

	for (unsigned int i = 0; i < n; i++) {
		unsigned int agree;

		sum += weight(&d[i]);
		for (; d[i].ns - d[from].ns > SPREAD_NS; from++)
			sum -= weight(&d[from]);
		agree = i - from + 1;
		if (sum <= best.weight || (not &&fabs(d[i].ns - not ->ns) < APART_NS + d[i].err) ||
		    (far(&d[i]) && (agree < FAR_COUNT || 2 * agree < n)))
			continue;
		best = (struct cluster){ .from = from, .n = agree, .weight = sum };
	}
	return best;
}

/*
 * The distance that most of @n agree on. Returns how many do: 0 when none is plausible, or when
 * another is nearly as likely, as after a step between few changes of the CPU.
 */
static unsigned int mode(struct distance *d, unsigned int n, struct distance *best)
{
	struct cluster most, next;

	qsort(d, n, sizeof(*d), by_ns);
	most = cluster(d, n, NULL);
	if (!most.n)
		return 0;
	*best = *sharpest(d + most.from, most.n);
	next = cluster(d, n, best);
	return 2 * next.weight > most.weight ? 0 : most.n;
}

/* The stream not placed yet that meets the placed ones most often. */
static bool next_stream(const struct join *j, unsigned int *met, unsigned int *next)
{
	memset(met, 0, j->r->nr_streams * sizeof(*met));
	for (unsigned int i = 0; i < j->nr_cross; i++) {
		const struct crossing *c = &j->cross[i];

		if (j->place[c->a] == PLACED && j->place[c->b] == OPEN)
			met[c->b]++;
		else if (j->place[c->b] == PLACED && j->place[c->a] == OPEN)
			met[c->a]++;
	}
	*next = 0;
	for (unsigned int i = 0; i < j->r->nr_streams; i++)
		if (met[i] > met[*next])
			*next = i;
	return met[*next];
}

static void place(struct join *j, unsigned int u)
{
	struct refclock *r = j->r;
	struct distance best = { 0 };
	unsigned int n = 0, count;
	int64_t size;

	for (unsigned int i = 0; i < j->nr_cross; i++) {
		const struct crossing *c = &j->cross[i];

		if (c->b == u && j->place[c->a] == PLACED)
			j->dist[n].ns = (double)r->streams[c->a]->shift + c->apart;
		else if (c->a == u && j->place[c->b] == PLACED)
			j->dist[n].ns = (double)r->streams[c->b]->shift - c->apart;
		else
			continue;
		j->dist[n].err = c->err;
		j->dist[n].from = c->from;
		j->dist[n].to = c->to;
		n++;
	}
	j->place[u] = PLACED;
	count = mode(j->dist, n, &best);
	/* A distant one: whatever the offset between the two, the clock stepped as well. */
	if (n == 1 && far(&j->dist[0]))
		return;
	if (!count || best.err > j->most) {
		j->place[u] = LEFT_OUT;
		return;
	}
	if (best.err > j->r->joined->slack)
		j->r->joined->slack = best.err;
	r->streams[u]->shift = (int64_t)best.ns;
	size = llabs(r->streams[u]->shift);
	/* seen only once: it may as well be a step */
	if (count == 1 && size > r->unsure) {
		r->unsure = size;
		r->unsure_after = best.from;
		r->unsure_until = best.to;
	}
}

/* How many samples are on CPUs whose distance is not known. */
static uint64_t left_out(const struct join *j)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < j->r->nr_streams; i++)
		if (j->place[i] != PLACED)
			n += j->r->streams[i]->total;
	return n;
}

static uint64_t left_out_most(const struct refclock *r)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < r->nr_streams; i++)
		n += r->streams[i]->total;
	return n / 16;
}

static int place_all(struct join *j, double most)
{
	unsigned int *met = calloc(j->r->nr_streams, sizeof(*met)), next = 0;

	if (!met)
		return -ENOMEM;
	j->most = most;
	j->r->unsure = 0;
	j->r->joined->slack = SLACK_LEAST;
	for (unsigned int i = 0; i < j->r->nr_streams; i++) {
		j->place[i] = OPEN;
		j->r->streams[i]->shift = 0;
		if (j->r->streams[i]->total > j->r->streams[next]->total)
			next = i;
	}
	j->place[next] = PLACED;
	while (next_stream(j, met, &next))
		place(j, next);
	free(met);
	return 0;
}

/*
 * All readings as if by one CPU's trace clock. Every stream has all events: keep one copy of each.
 */
static int into_one(const struct join *j)
{
	struct refclock_item *items = malloc((j->nr_items ? j->nr_items : 1) * sizeof(*items));
	struct refclock_stream *s = j->r->joined;
	unsigned int n = 0;

	if (!items)
		return -ENOMEM;
	for (unsigned int i = 0; i < j->r->nr_streams; i++)
		j->r->streams[i]->alone = j->place[i] != PLACED;
	/* the reading itself, t + o, stays the same */
	for (unsigned int i = 0; i < j->nr_items; i++) {
		struct refclock_item *it = &j->item[i].it;
		int64_t shift = j->r->streams[j->item[i].stream]->shift;

		if (it->kind == REFCLOCK_EVENT)
			continue;
		it->t += shift;
		it->o = hvst_refclock_sub(it->o, shift);
	}
	qsort(j->item, j->nr_items, sizeof(*j->item), by_time);
	for (unsigned int i = 0; i < j->nr_items; i++) {
		const struct refclock_item *it = &j->item[i].it, *last = n ? &items[n - 1] : NULL;

		if (it->kind != REFCLOCK_EVENT && j->r->streams[j->item[i].stream]->alone)
			continue;
		if (it->kind == REFCLOCK_EVENT && last && last->kind == REFCLOCK_EVENT &&
		    last->t == it->t && last->event == it->event)
			continue;
		if (it->kind == REFCLOCK_SAMPLE)
			s->total += it->n;
		items[n++] = *it;
	}
	s->items = items;
	s->nr_items = s->cap_items = n;
	return hvst_refclock_replay(j->r, s);
}

int hvst_refclock_join(struct refclock *r)
{
	struct join j = { .r = r };
	int ret = gather(&j);

	if (!ret) {
		find_crossings(&j);
		ret = place_all(&j, SPREAD_NS);
	}
	/* an idle guest's readings are far apart: better a coarse estimate than a partial one */
	if (!ret && left_out(&j) > left_out_most(r))
		ret = place_all(&j, COARSE_NS);
	if (!ret)
		ret = into_one(&j);
	free(j.item);
	free(j.cross);
	free(j.dist);
	free(j.place);
	return ret;
}
