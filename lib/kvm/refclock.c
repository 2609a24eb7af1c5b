// SPDX-License-Identifier: LGPL-2.1
/*
 * Stage: kvm. Readings of a VM's reference clock: thinned to the ones that can matter on their way
 * in, and queries of the estimate. The estimate itself: refclock_track.c.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "refclock.h"

#define TIME_MAX       (INT64_MAX / 4)	     /* in either direction: differences never overflow */
#define OFFSET_MAX     9000000000000000000LL /* room for a line to continue from there */
#define BIN_NS	       (1000 * 1000)
#define BIN_MAX_NS     (1000 * BIN_NS)
#define BIN_RISE_NS    20000 /* above the line: the clock moved, or the line is not right yet */
#define UNBINNED_FIRST 64
#define UNBINNED_BACK  16
#define BACK_UNITS     20 /* of 100 ns: time_now may differ by this between CPUs */
#define ITEMS_MAX      32768
#define FEW_KNOTS      4
#define FEW_NS	       20e3
#define UNDECIDED_NS   (1000 * 1000)
#define BACK_FAR_UNITS (REFCLOCK_LOCAL_MOST_NS / 100)
#define RAW_FIRST      16
#define ITEMS_FIRST    8
#define MAPPED_CPUS    1024	    /* the others are searched */
#define BOUND_NEAR_NS  (100 * 1000) /* bounds further below the line have no effect */

void hvst_refclock_init(struct refclock *r, const struct refclock_params *params)
{
	memset(r, 0, sizeof(*r));
	if (params)
		r->params = *params;
}

static void stream_free(struct refclock_stream *s)
{
	if (!s)
		return;
	free(s->items);
	free(s->pieces);
	free(s->raw);
	free(s);
}

void hvst_refclock_free(struct refclock *r)
{
	struct refclock_params params = r->params;

	for (unsigned int i = 0; i < r->nr_streams; i++)
		stream_free(r->streams[i]);
	stream_free(r->joined);
	free(r->streams);
	free(r->by_cpu);
	hvst_refclock_init(r, &params);
}

static struct refclock_stream *stream_find(const struct refclock *r, int cpu)
{
	if (!r->params.per_cpu)
		return r->nr_streams ? r->streams[0] : NULL;
	if (cpu >= 0 && cpu < MAPPED_CPUS)
		return (unsigned int)cpu < r->nr_by_cpu && r->by_cpu[cpu]
			       ? r->streams[r->by_cpu[cpu] - 1]
			       : NULL;
	for (unsigned int i = 0; i < r->nr_streams; i++)
		if (r->streams[i]->cpu == cpu)
			return r->streams[i];
	return NULL;
}

/* The stream of CPU @cpu is added next. */
static int map_cpu(struct refclock *r, int cpu)
{
	unsigned int n = (unsigned int)cpu + 1;
	uint16_t *p;

	if (!r->params.per_cpu || cpu < 0 || cpu >= MAPPED_CPUS)
		return 0;
	if (n > r->nr_by_cpu) {
		p = realloc(r->by_cpu, n * sizeof(*p));
		if (!p)
			return -ENOMEM;
		memset(p + r->nr_by_cpu, 0, (n - r->nr_by_cpu) * sizeof(*p));
		r->by_cpu = p;
		r->nr_by_cpu = n;
	}
	r->by_cpu[cpu] = (uint16_t)(r->nr_streams + 1);
	return 0;
}

static struct refclock_stream *stream_new(int cpu)
{
	struct refclock_stream *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	hvst_refclock_track_reset(s);
	s->cpu = cpu;
	s->bin_width = BIN_NS;
	s->unbinned = UNBINNED_FIRST;
	s->raw_weight = 1;
	return s;
}

/* NULL where no event came from that CPU. */
static struct refclock_stream *stream_known(struct refclock *r, int cpu)
{
	struct refclock_stream *s = r->recent;

	if (!s || (r->params.per_cpu && s->cpu != cpu))
		s = stream_find(r, cpu);
	return s;
}

/* NULL where there are too many CPUs, or without memory (see @r->error). */
static struct refclock_stream *stream_add(struct refclock *r, int cpu)
{
	struct refclock_stream *s, **p;

	if (r->nr_streams == REFCLOCK_CPUS_MAX)
		return NULL;
	p = realloc(r->streams, (r->nr_streams + 1) * sizeof(*p));
	if (p)
		r->streams = p;
	s = p ? stream_new(cpu) : NULL;
	if (!s || map_cpu(r, cpu)) {
		stream_free(s);
		r->error = -ENOMEM;
		return NULL;
	}
	r->streams[r->nr_streams++] = s;
	return s;
}

static __attribute__((noinline)) struct refclock_stream *stream_search(struct refclock *r, int cpu)
{
	r->recent = stream_find(r, cpu);
	if (!r->recent)
		r->recent = stream_add(r, cpu);
	return r->recent;
}

static inline struct refclock_stream *stream_get(struct refclock *r, int cpu)
{
	struct refclock_stream *s = r->recent;

	return s && (!r->params.per_cpu || s->cpu == cpu) ? s : stream_search(r, cpu);
}

/*
 * Make room: of two samples in the same (now doubled) bin keep the better one, by the slope there;
 * keep also a sample at which time_now fell, and samples on different sides of a joint. If too much
 * remains (events, bounds), drop every second.
 */
static void thin_bins(struct refclock_stream *s)
{
	unsigned int n = 0, p = 0;

	if (s->bin_width < BIN_MAX_NS)
		s->bin_width *= 2;
	for (unsigned int i = 0; i < s->nr_items; i++) {
		struct refclock_item *it = &s->items[i], *last = n ? &s->items[n - 1] : NULL;
		bool plain = last && it->kind == REFCLOCK_SAMPLE && last->kind == REFCLOCK_SAMPLE &&
			     !(it->flags & REFCLOCK_BACK) && it->t - last->t < s->bin_width;

		while (p < s->nr_pieces && s->pieces[p].to < it->t)
			p++;
		if (plain && p < s->nr_pieces && s->pieces[p].from <= last->t) {
			const struct refclock_line *l = &s->pieces[p].line;
			int64_t a = hvst_refclock_sub(it->o, hvst_refclock_line_at(l, it->t));
			int64_t b = hvst_refclock_sub(last->o, hvst_refclock_line_at(l, last->t));
			uint32_t sum = it->n + last->n;

			if (a > b)
				*last = *it;
			last->n = sum;
			continue;
		}
		if (plain && s->open && p == s->nr_pieces && it->t <= s->cur.to &&
		    last->t >= s->cur.from) {
			last->n += it->n;
			continue;
		}
		s->items[n++] = *it;
	}
	s->nr_items = n;
}

void hvst_refclock_thin(struct refclock_stream *s, unsigned int most)
{
	unsigned int n = s->nr_items + 1;

	/* while it helps */
	while (s->nr_items > most && s->nr_items < n) {
		n = s->nr_items - s->nr_items / 8;
		thin_bins(s);
	}
	if (s->nr_items <= most)
		return;
	n = 0;
	for (unsigned int i = 0; i < s->nr_items; i++)
		if (i & 1 || s->items[i].flags & REFCLOCK_BACK)
			s->items[n++] = s->items[i];
	if (n > most) {
		memmove(s->items, s->items + (n - most), most * sizeof(*s->items));
		n = most;
	}
	s->nr_items = n;
}

static int item_add(struct refclock *r, struct refclock_stream *s, const struct refclock_item *it)
{
	/* out of order: a broken trace, or a bound that waited for a better one */
	if (s->nr_items && it->t < s->items[s->nr_items - 1].t)
		return 0;
	if (s->nr_items == ITEMS_MAX)
		hvst_refclock_thin(s, ITEMS_MAX / 4 * 3);
	if (s->nr_items == s->cap_items) {
		unsigned int cap = s->cap_items ? 2 * s->cap_items : ITEMS_FIRST;
		struct refclock_item *p = realloc(s->items, cap * sizeof(*p));

		if (!p)
			return -ENOMEM;
		s->items = p;
		s->cap_items = cap;
	}
	s->items[s->nr_items++] = *it;
	return hvst_refclock_track(r, s, it);
}

static int bin_flush(struct refclock *r, struct refclock_stream *s)
{
	if (!s->bin_open)
		return 0;
	s->bin_open = false;
	return item_add(r, s, &s->bin);
}

/* The highest bound of its bin, unless it is the first, which was passed on at once. */
static int bound_flush(struct refclock *r, struct refclock_stream *s)
{
	if (!s->bound_bin.n)
		return 0;
	s->bound_bin.n = 0;
	return item_add(r, s, &s->bound_bin);
}

static bool time_fits(int64_t t)
{
	return t > -TIME_MAX && t < TIME_MAX;
}

int64_t hvst_refclock_offset_far(uint64_t time_now, int64_t t)
{
	__int128 v = (__int128)time_now * 100 - t;

	return v > OFFSET_MAX ? OFFSET_MAX : v < -OFFSET_MAX ? -OFFSET_MAX : (int64_t)v;
}

/* Wait until the line at that time is known. When too many wait, one stands for several. */
static void raw_add(struct refclock_stream *s, int64_t t, int64_t o)
{
	if (++s->raw_skip < s->raw_weight)
		return;
	s->raw_skip = 0;
	if (s->nr_raw == s->cap_raw && s->cap_raw < REFCLOCK_RESIDUALS) {
		unsigned int cap = s->cap_raw ? 2 * s->cap_raw : RAW_FIRST;
		struct refclock_raw *p = realloc(s->raw, cap * sizeof(*p));

		if (!p)
			return; /* the distribution lacks a value */
		s->raw = p;
		s->cap_raw = cap;
	}
	if (s->nr_raw == REFCLOCK_RESIDUALS) {
		for (unsigned int i = 0; i < REFCLOCK_RESIDUALS / 2; i++)
			s->raw[i] = s->raw[2 * i + 1];
		s->nr_raw /= 2;
		s->raw_weight *= 2;
	}
	s->raw[s->nr_raw++] = (struct refclock_raw){ t, o };
}

static bool fell(struct refclock_thread *th, uint64_t time_now, int cpu, bool per_cpu)
{
	/* a smaller step back may be events of two CPUs' clocks in the wrong order */
	uint64_t least = per_cpu && th->cpu != cpu ? BACK_FAR_UNITS : BACK_UNITS;
	bool back = th->seen && time_now < th->time_now && th->time_now - time_now > least;

	th->seen = true;
	th->time_now = time_now;
	th->cpu = cpu;
	return back;
}

static __attribute__((noinline)) int bin_begin(struct refclock *r, struct refclock_stream *s,
					       int64_t t, int64_t o, bool back)
{
	int ret = bound_flush(r, s);

	if (!ret)
		ret = bin_flush(r, s);
	if (back)
		s->unbinned = UNBINNED_BACK;
	s->bin = (struct refclock_item){
		.t = t, .o = o, .n = 1, .kind = REFCLOCK_SAMPLE, .flags = back ? REFCLOCK_BACK : 0
	};
	s->bin_end = t + s->bin_width;
	s->bin_open = true;
	if (!ret && s->unbinned) {
		s->unbinned--;
		ret = bin_flush(r, s);
	}
	return ret;
}

/* A sample that the line does not explain does not give a better latency of the same reading. */
static bool ahead(const struct refclock_stream *s, int64_t t, int64_t o)
{
	return s->open &&
	       hvst_refclock_sub(o, hvst_refclock_line_at(&s->cur.line, t)) > BIN_RISE_NS;
}

int hvst_refclock_sample(struct refclock *r, struct refclock_thread *thread, int64_t t,
			 uint64_t time_now, int cpu, bool residual)
{
	bool back = thread && fell(thread, time_now, cpu, r->params.per_cpu);
	int64_t o = hvst_refclock_offset(time_now, t);
	struct refclock_stream *s = stream_get(r, cpu);

	if (!s || !time_fits(t))
		return r->error;
	s->total++;
	if (residual && r->params.residual)
		raw_add(s, t, o);
	if (s->bin_open && t < s->bin_end && !back &&
	    (o < s->bin.o + BIN_RISE_NS || !ahead(s, t, o))) {
		s->bin.n++;
		if (o > s->bin.o) {
			s->bin.o = o;
			s->bin.t = t;
		}
		return 0;
	}
	s->nr_bounds = 0;
	return bin_begin(r, s, t, o, back);
}

static struct refclock_item bound_item(int64_t t, int64_t o)
{
	return (struct refclock_item){ .t = t, .o = o, .n = 1, .kind = REFCLOCK_BOUND };
}

static __attribute__((noinline)) int bound_take(struct refclock *r, struct refclock_stream *s,
						int64_t t, int64_t o)
{
	struct refclock_item it = bound_item(t, o);
	int ret = bound_flush(r, s);

	if (!ret)
		ret = bin_flush(r, s); /* in order of time */
	s->nr_bounds = 1;
	s->bound_top = o;
	s->bound_end = t + s->bin_width;
	return ret ? ret : item_add(r, s, &it);
}

int hvst_refclock_bound(struct refclock *r, int64_t t, uint64_t count, int cpu)
{
	struct refclock_stream *s = stream_known(r, cpu);
	int64_t o, line;

	/* counts that disable a timer bound nothing, and neither does one without a line */
	if (!s || !s->open || count > INT64_MAX || !time_fits(t))
		return r->error;
	o = hvst_refclock_offset(count, t);
	line = hvst_refclock_line_at(&s->cur.line, t);
	if (o < line - BOUND_NEAR_NS)
		return 0;
	/*
	 * a bound that contradicts the line after a sample counts at once; of the others, the best
	 * of its bin
	 */
	if (t >= s->bound_end || (!s->nr_bounds && o >= line))
		return bound_take(r, s, t, o);
	if (o > s->bound_top) {
		s->bound_top = o;
		s->bound_bin = bound_item(t, o);
	}
	return 0;
}

static int stream_event(struct refclock *r, struct refclock_stream *s, int64_t t, int kind)
{
	struct refclock_item it = {
		.t = t, .n = 1, .kind = REFCLOCK_EVENT, .event = (int16_t)kind
	};
	int ret = bin_flush(r, s);

	if (!ret)
		ret = bound_flush(r, s);
	return ret ? ret : item_add(r, s, &it);
}

int hvst_refclock_event(struct refclock *r, int64_t t, int kind)
{
	int ret = 0;

	if (!time_fits(t))
		return 0;
	if (!r->nr_streams && !r->params.per_cpu)
		stream_get(r, 0);
	for (unsigned int i = 0; !ret && i < r->nr_streams; i++)
		ret = stream_event(r, r->streams[i], t, kind);
	return ret ? ret : r->error;
}

static int join(struct refclock *r, int64_t end)
{
	int ret;

	stream_free(r->joined);
	r->joined = stream_new(-1);
	if (!r->joined)
		return -ENOMEM;
	ret = hvst_refclock_join(r);
	if (time_fits(end) && end > r->joined->end)
		r->joined->end = end;
	return ret ? ret : hvst_refclock_track_end(r, r->joined);
}

int hvst_refclock_finish(struct refclock *r, int64_t end)
{
	int ret = 0;

	for (unsigned int i = 0; !ret && i < r->nr_streams; i++) {
		ret = bin_flush(r, r->streams[i]);
		if (!ret)
			ret = bound_flush(r, r->streams[i]);
		if (time_fits(end) && end > r->streams[i]->end)
			r->streams[i]->end = end;
		if (!ret)
			ret = hvst_refclock_track_end(r, r->streams[i]);
	}
	if (!ret && r->nr_streams > 1)
		ret = join(r, end);
	return ret;
}

/* --- two histories of one clock --------------------------------------------------------------- */

/* Adds everything again, in order of time; latencies were already reported. */
int hvst_refclock_replay(struct refclock *r, struct refclock_stream *s)
{
	void (*residual)(void *ctx, int64_t latency, unsigned int weight) = r->params.residual;
	unsigned int n = s->nr_items;
	int ret = 0;

	r->params.residual = NULL;
	hvst_refclock_track_reset(s);
	for (s->nr_items = 0; !ret && s->nr_items < n;) {
		s->nr_items++;
		ret = hvst_refclock_track(r, s, &s->items[s->nr_items - 1]);
	}
	r->params.residual = residual;
	return ret;
}

static int stream_merge(struct refclock *r, struct refclock_stream *a, struct refclock_stream *b)
{
	unsigned int n = a->nr_items + b->nr_items, i = 0, j = 0;
	struct refclock_item *m = malloc((n ? n : 1) * sizeof(*m));

	if (!m)
		return -ENOMEM;
	for (unsigned int k = 0; k < n; k++)
		m[k] = j == b->nr_items || (i < a->nr_items && a->items[i].t <= b->items[j].t)
			       ? a->items[i++]
			       : b->items[j++];
	free(a->items);
	a->items = m;
	a->nr_items = a->cap_items = n;
	a->total += b->total;
	if (a->nr_items >= ITEMS_MAX)
		hvst_refclock_thin(a, ITEMS_MAX / 4 * 3);
	if (b->bin_width > a->bin_width)
		a->bin_width = b->bin_width;
	return hvst_refclock_replay(r, a);
}

int hvst_refclock_merge(struct refclock *into, struct refclock *from)
{
	int ret = 0;

	for (unsigned int i = 0; !ret && i < from->nr_streams; i++) {
		struct refclock_stream *b = from->streams[i], *a;

		ret = bin_flush(from, b);
		if (!ret)
			ret = bound_flush(from, b);
		a = ret ? NULL : stream_get(into, b->cpu);
		if (!a)
			break;
		ret = bin_flush(into, a);
		if (!ret)
			ret = bound_flush(into, a);
		if (!ret)
			ret = stream_merge(into, a, b);
	}
	hvst_refclock_free(from);
	return ret ? ret : into->error;
}

/* --- what is known ---------------------------------------------------------------------------- */

/* The last piece that begins at or before @t, or the first one where none does. */
static unsigned int piece_at(const struct refclock_stream *s, int64_t t)
{
	unsigned int lo = 0, hi = hvst_refclock_nr_pieces(s);

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (hvst_refclock_stream_piece(s, mid)->from <= t)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? lo - 1 : 0;
}

static int64_t size_of(int64_t step)
{
	return step < 0 ? hvst_refclock_sub(0, step) : step;
}

static int64_t grown(double err)
{
	return err < 1e18 ? (int64_t)err : (int64_t)1e18;
}

/* Up to the last sample of a piece. */
static double piece_err(const struct refclock_piece *p)
{
	/* Few samples may have been late themselves. */
	return (double)p->line.err + (p->knots < FEW_KNOTS ? FEW_NS : 0);
}

/* How much that grows a ns away from its samples. */
static double piece_growth(const struct refclock_piece *p)
{
	double most = p->knots < 3 ? REFCLOCK_SLOPE_MAX : REFCLOCK_SLEW;

	return (p->line.slope_err < most ? p->line.slope_err : most) + REFCLOCK_SLEW;
}

static int64_t piece_err_at(const struct refclock_piece *p, int64_t t)
{
	return grown(piece_err(p) + (double)hvst_refclock_beyond(p, t) * piece_growth(p));
}

/* @err may be NULL. */
static bool on_piece(const struct refclock_piece *p, int64_t t, int64_t *o, int64_t *err)
{
	*o = hvst_refclock_line_at(&p->line, t);
	if (err)
		*err = piece_err_at(p, t);
	return true;
}

/* At @t on the straight line from the last sample of @a to the first one of @b. */
static int64_t chord(const struct refclock_piece *a, const struct refclock_piece *b, int64_t t)
{
	int64_t from = hvst_refclock_line_at(&a->line, a->to);
	int64_t to = hvst_refclock_line_at(&b->line, b->from);
	double part = b->from > a->to ? (double)(t - a->to) / (double)(b->from - a->to) : 0;

	return from + (int64_t)(part * (double)hvst_refclock_sub(to, from));
}

/* Between two pieces: by how they are joined. */
static bool between(const struct refclock_piece *a, const struct refclock_piece *b, int64_t t,
		    int64_t *o, int64_t *err)
{
	int64_t oa = hvst_refclock_line_at(&a->line, t), ob = hvst_refclock_line_at(&b->line, t);
	int64_t size = size_of(hvst_refclock_sub(ob, oa)), ea, eb, near;
	bool before = t < b->at;

	if (!before && !b->samples)
		return false;
	*o = before ? oa : ob;
	*err = piece_err_at(before ? a : b, t);
	if (b->joint == REFCLOCK_STEP) {
		if (t > b->after && t <= b->until && b->event < 0)
			return false;
		/* the slope may have changed on either side of the step */
		near = hvst_refclock_beyond(a, t) < hvst_refclock_beyond(b, t)
			       ? hvst_refclock_beyond(a, t)
			       : hvst_refclock_beyond(b, t);
		*err = grown((double)*err + fabs(a->line.slope - b->line.slope) * (double)near);
		return true;
	}
	if (b->joint == REFCLOCK_UNDECIDED && size > UNDECIDED_NS)
		return false;
	/*
	 * The slope changed somewhere between the last sample of the one and the first of the
	 * other: the straight line between the two is in the middle of the possible range.
	 */
	*o = chord(a, b, t);
	ea = size_of(hvst_refclock_sub(oa, *o));
	eb = size_of(hvst_refclock_sub(ob, *o));
	*err = grown((double)(ea > eb ? ea : eb) +
		     (double)(a->line.err > b->line.err ? a->line.err : b->line.err));
	return true;
}

/* Nothing after the current piece spoke against its line. */
static bool goes_on(const struct refclock_stream *s, int64_t t)
{
	return (s->event_first == REFCLOCK_UNKNOWN || t < s->event_first) &&
	       (!s->contradicted || t < s->hidden.until);
}

/* At @t before the current piece. */
static __attribute__((noinline)) bool past_at(const struct refclock_stream *s, int64_t t,
					      int64_t *o, int64_t *err)
{
	unsigned int i = piece_at(s, t);
	const struct refclock_piece *p = hvst_refclock_stream_piece(s, i);
	int64_t e;

	if (!p->samples)
		return false; /* only bounds show it: no upper bound */
	if (t > p->to && i + 1 < hvst_refclock_nr_pieces(s))
		return between(p, hvst_refclock_stream_piece(s, i + 1), t, o, err ? err : &e);
	if (t > p->to && !goes_on(s, t))
		return false;
	if (t < p->from && s->opened != REFCLOCK_UNKNOWN && t <= s->opened)
		return false;
	return on_piece(p, t, o, err);
}

/* @err may be NULL. */
static inline bool stream_at(const struct refclock_stream *s, int64_t t, int64_t *o, int64_t *err)
{
	if (!s || !s->open || !time_fits(t))
		return false;
	if (t < s->cur.from)
		return past_at(s, t, o, err);
	if (!s->cur.samples || (t > s->cur.to && !goes_on(s, t)))
		return false;
	return on_piece(&s->cur, t, o, err);
}

/* What other CPUs read may tell more than what @s knows. @err may be NULL. */
static __attribute__((noinline)) bool joined_at(const struct refclock *r,
						const struct refclock_stream *s, int64_t t,
						int64_t *o, int64_t *err)
{
	int64_t e, oj, ej;
	bool known = stream_at(s, t, o, &e);

	if (!s->alone && time_fits(t) && stream_at(r->joined, t + s->shift, &oj, &ej)) {
		ej = grown((double)ej + r->joined->slack);
		if (!known || ej < e) {
			*o = oj + s->shift;
			e = ej;
		}
		known = true;
	}
	if (known && err)
		*err = e;
	return known;
}

bool hvst_refclock_at(const struct refclock *r, int64_t t, int cpu, int64_t *o, int64_t *err)
{
	const struct refclock_stream *s = stream_find(r, cpu);

	return s && r->joined ? joined_at(r, s, t, o, err) : stream_at(s, t, o, err);
}

bool hvst_refclock_span(const struct refclock *r, int cpu, struct refclock_span *span)
{
	const struct refclock_stream *s = stream_find(r, cpu);
	const struct refclock_piece *p;
	int64_t last = TIME_MAX - 1;

	if (!s || r->joined || !s->open || !s->cur.samples || !time_fits(s->cur.from))
		return false;
	p = &s->cur;
	if (s->event_first != REFCLOCK_UNKNOWN && s->event_first <= last)
		last = s->event_first - 1;
	if (s->contradicted && s->hidden.until <= last)
		last = s->hidden.until - 1;
	*span = (struct refclock_span){
		.cpu = r->params.per_cpu ? cpu : -1,
		.from = p->from,
		.last = last > p->to ? last : p->to,
		.to = p->to,
		.line = p->line,
		.err = piece_err(p),
		.growth = piece_growth(p),
	};
	return true;
}

void hvst_refclock_span_at(const struct refclock_span *span, int64_t t, int64_t *o, int64_t *err)
{
	*o = hvst_refclock_line_at(&span->line, t);
	*err = grown(span->err + (t > span->to ? (double)(t - span->to) * span->growth : 0));
}

int64_t hvst_refclock_final_until(const struct refclock *r, int cpu)
{
	const struct refclock_stream *s = stream_find(r, cpu);

	return s && s->open && s->cur.knots >= 3 ? s->cur.to : REFCLOCK_UNKNOWN;
}

/* The stream that represents the clock. */
static const struct refclock_stream *main_stream(const struct refclock *r)
{
	const struct refclock_stream *best = NULL;

	if (r->joined)
		return r->joined;
	for (unsigned int i = 0; i < r->nr_streams; i++)
		if (r->streams[i]->total && (!best || r->streams[i]->total > best->total))
			best = r->streams[i];
	return best;
}

/* How far apart two streams are at @t, or when both were last read before that. */
static bool streams_apart(const struct refclock_stream *x, const struct refclock_stream *y,
			  int64_t t, int64_t *apart, int64_t *err)
{
	int64_t ox, oy, ex, ey;

	if (!x || !y || !x->open || !y->open)
		return false;
	t = x->cur.to < t ? x->cur.to : t;
	t = y->cur.to < t ? y->cur.to : t;
	if (!stream_at(x, t, &ox, &ex) || !stream_at(y, t, &oy, &ey))
		return false;
	*apart = hvst_refclock_sub(ox, oy);
	*err = grown((double)ex + (double)ey);
	return true;
}

bool hvst_refclock_distance(const struct refclock *x, const struct refclock *y, int64_t t, int cpu,
			    int64_t *apart, int64_t *err)
{
	if (streams_apart(stream_find(x, cpu), stream_find(y, cpu), t, apart, err))
		return true;
	for (unsigned int i = 0; i < x->nr_streams; i++)
		if (streams_apart(x->streams[i], stream_find(y, x->streams[i]->cpu), t, apart, err))
			return true;
	/* They never ran on the same CPU. */
	if (!x->params.per_cpu || !streams_apart(main_stream(x), main_stream(y), t, apart, err))
		return false;
	*err = grown((double)*err + REFCLOCK_LOCAL_NS);
	return true;
}

const struct refclock_piece *hvst_refclock_piece(const struct refclock *r, unsigned int i)
{
	const struct refclock_stream *s = main_stream(r);

	return s && i < hvst_refclock_nr_pieces(s) ? hvst_refclock_stream_piece(s, i) : NULL;
}

const struct refclock_hidden *hvst_refclock_tail(const struct refclock *r)
{
	const struct refclock_stream *s = main_stream(r);

	return s && s->tail ? &s->hidden : NULL;
}

static double seconds(int64_t ns)
{
	return (double)ns / 1e9;
}

static void take(struct refclock_verdict *v, const struct refclock_piece *p,
		 enum refclock_answer answer)
{
	v->answer = answer;
	v->size = p->step;
	v->size_err = p->step_err;
	v->at_least = p->at_least;
	v->after = p->after;
	v->until = p->until;
	v->at = p->at;
	v->event = p->event;
}

static void step_words(struct refclock_verdict *v)
{
	const char *least = v->at_least ? "at least " : "";

	if (v->answer == REFCLOCK_YES)
		snprintf(v->text, sizeof(v->text),
			 "stepped by %s%+.6f s between %.6f s and %.6f s%s", least,
			 seconds(v->size), seconds(v->after), seconds(v->until),
			 v->steps > 1 ? ", the largest of several steps" : "");
	else if (v->answer == REFCLOCK_CANNOT_TELL && v->size)
		snprintf(v->text, sizeof(v->text),
			 "moved by %s%+.6f s between %.6f s and %.6f s, where no reading tells a "
			 "step from a slew",
			 least, seconds(v->size), seconds(v->after), seconds(v->until));
	else if (v->answer == REFCLOCK_CANNOT_TELL && v->until != REFCLOCK_UNKNOWN)
		snprintf(v->text, sizeof(v->text),
			 "no reading between %.6f s and %.6f s would have shown a step",
			 seconds(v->after), seconds(v->until));
	else if (v->answer == REFCLOCK_CANNOT_TELL)
		snprintf(v->text, sizeof(v->text), "too few readings to show a step");
	else
		snprintf(v->text, sizeof(v->text),
			 "every reading lies on one line, bends included");
}

static void stream_stepped(const struct refclock_stream *s, int64_t min_ns,
			   struct refclock_verdict *v)
{
	const struct refclock_piece *largest = NULL, *open = NULL;

	*v = (struct refclock_verdict){ .answer = REFCLOCK_CANNOT_TELL, .event = -1 };
	v->after = v->until = v->at = REFCLOCK_UNKNOWN;
	for (unsigned int i = 0; s && i < hvst_refclock_nr_pieces(s); i++) {
		const struct refclock_piece *p = hvst_refclock_stream_piece(s, i);

		if (p->joint == REFCLOCK_STEP) {
			v->steps++;
			if (__builtin_add_overflow(v->total, size_of(p->step), &v->total))
				v->total = INT64_MAX;
			if (!largest || size_of(p->step) > size_of(largest->step))
				largest = p;
		} else if (p->joint == REFCLOCK_UNDECIDED && size_of(p->step) > min_ns &&
			   (!open || size_of(p->step) > size_of(open->step))) {
			open = p;
		}
	}
	if (largest && v->total > min_ns) {
		take(v, largest, REFCLOCK_YES);
	} else if (s && s->tail && s->contradicted && s->hidden.at_least > min_ns) {
		v->answer = s->hidden.proven ? REFCLOCK_YES : REFCLOCK_CANNOT_TELL;
		v->size = s->hidden.at_least;
		v->at_least = true;
		v->after = s->hidden.after;
		v->until = v->at = s->hidden.until;
		v->event = s->hidden.event;
		v->steps++;
	} else if (open) {
		take(v, open, REFCLOCK_CANNOT_TELL);
	} else if (s && s->tail && s->tail_ns > min_ns) {
		v->after = s->hidden.after;
		v->until = s->hidden.until;
	} else if (s && (s->nr_pieces || s->cur.knots >= 2)) {
		v->answer = REFCLOCK_NO;
	}
}

void hvst_refclock_stepped(const struct refclock *r, int64_t min_ns, struct refclock_verdict *v)
{
	struct refclock_verdict one;

	stream_stepped(main_stream(r), min_ns, v);
	for (unsigned int i = 0; v->answer != REFCLOCK_YES && i < r->nr_streams; i++) {
		if (!r->streams[i]->alone)
			continue;
		stream_stepped(r->streams[i], min_ns, &one);
		if (one.answer == REFCLOCK_YES)
			*v = one;
	}
	if (v->answer == REFCLOCK_NO && r->joined && r->unsure > min_ns) {
		v->answer = REFCLOCK_CANNOT_TELL;
		v->size = r->unsure;
		v->after = r->unsure_after;
		v->until = r->unsure_until;
		snprintf(v->text, sizeof(v->text),
			 "stepped between %.6f s and %.6f s, or two CPUs' trace clocks are %.6f s "
			 "apart",
			 seconds(v->after), seconds(v->until), seconds(v->size));
		return;
	}
	step_words(v);
}

struct rate_sum {
	double drift, err, span;
};

static void rate_add(struct rate_sum *sum, const struct refclock_piece *p)
{
	double span = (double)(p->to - p->from);

	sum->drift += 1e6 * p->line.slope * span;
	sum->err += 1e6 * p->line.slope_err * span;
	sum->span += span;
}

/* Takes a rate that is off for long enough, and for longer than the previous best. */
static void rate_try(struct rate_sum *best, const struct rate_sum *sum, double min_ppm,
		     int64_t min_ns)
{
	if (sum->span >= (double)min_ns && sum->span > best->span &&
	    fabs(sum->drift) - sum->err > min_ppm * sum->span)
		*best = *sum;
}

void hvst_refclock_rate(const struct refclock *r, double min_ppm, int64_t min_ns,
			struct refclock_verdict *v)
{
	const struct refclock_stream *s = main_stream(r);
	struct rate_sum one, stretch = { 0 }, all = { 0 }, best = { 0 }, best_stretch = { 0 };
	struct rate_sum off = { 0 }, lasts = { 0 };
	double known = 0;
	bool right;

	*v = (struct refclock_verdict){ .answer = REFCLOCK_CANNOT_TELL, .event = -1 };
	for (unsigned int i = 0; s && !r->params.no_rate && i < hvst_refclock_nr_pieces(s); i++) {
		const struct refclock_piece *p = hvst_refclock_stream_piece(s, i);

		one = (struct rate_sum){ 0 };
		rate_add(&one, p);
		rate_try(&best, &one, min_ppm, min_ns);
		rate_add(&all, p);
		right = fabs(one.drift) + one.err < min_ppm * one.span;
		if (right) {
			known += one.span;
			off = (struct rate_sum){ 0 };
		} else {
			rate_add(&off, p);
		}
		if (p->joint == REFCLOCK_STEP || p->joint == REFCLOCK_FIRST)
			stretch = (struct rate_sum){ 0 };
		/* The first readings of a host that just began may be late by less and less. */
		if (p->joint == REFCLOCK_FIRST && !right)
			continue;
		rate_add(&stretch, p);
		rate_try(&best_stretch, &stretch, min_ppm, min_ns);
	}
	/* a slew that keeps changing is off only on average */
	if (!(best.span > 0))
		best = best_stretch;
	/* One that goes on at the end of the trace may last. */
	rate_try(&lasts, &off, min_ppm, min_ns / 2);
	if (best.span > 0) {
		v->answer = REFCLOCK_YES;
		all = best;
	} else if (all.span >= (double)min_ns && known > 0.5 * all.span && !(lasts.span > 0)) {
		v->answer = REFCLOCK_NO;
	}
	if (all.span > 0) {
		v->ppm = all.drift / all.span;
		v->ppm_err = all.err / all.span;
	}
	snprintf(v->text, sizeof(v->text), "%s%+.2f ppm +- %.2f over %.3f s",
		 v->answer == REFCLOCK_CANNOT_TELL ? "not known: " : "", v->ppm, v->ppm_err,
		 seconds((int64_t)all.span));
}
