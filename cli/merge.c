// SPDX-License-Identifier: GPL-2.0
/* Adds up results of many hosts, and keeps the worst hosts. */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hash.h"
#include "merge.h"
#include "message.h"
#include "stored/stored.h"

#define FIRST_SEEN 1024
#define HOUR_NS	   3600000000000.0
#define P99	   9900

static uint64_t add(uint64_t a, uint64_t b)
{
	return __builtin_add_overflow(a, b, &a) ? UINT64_MAX : a;
}

static void add_storms(struct merge_storms *to, const struct merge_storms *s)
{
	to->n = add(to->n, s->n);
	to->ns = add(to->ns, s->ns);
	to->past_due = add(to->past_due, s->past_due);
}

double merge_per_hour(uint64_t storm_ns, uint64_t recorded_ns)
{
	return recorded_ns ? (double)storm_ns / (double)recorded_ns * HOUR_NS : NAN;
}

/* --- recordings seen -------------------------------------------------------------------------- */

static uint64_t mix(uint64_t h, uint64_t v)
{
	return hash_bytes(h, &v, sizeof(v));
}

static bool put_seen(uint64_t *table, size_t size, uint64_t hash)
{
	size_t at = hash & (size - 1);

	while (table[at] && table[at] != hash)
		at = (at + 1) & (size - 1);
	if (table[at])
		return false;
	table[at] = hash;
	return true;
}

/* The table is at most half full. */
static int grow_seen(struct merge *m)
{
	size_t size = m->seen_size ? 2 * m->seen_size : FIRST_SEEN;
	uint64_t *table;

	if (2 * m->nr_seen < m->seen_size)
		return 0;
	table = calloc(size, sizeof(*table));
	if (!table)
		return -ENOMEM;
	for (size_t i = 0; i < m->seen_size; i++)
		if (m->seen[i])
			put_seen(table, size, m->seen[i]);
	free(m->seen);
	m->seen = table;
	m->seen_size = size;
	return 0;
}

/*
 * Identifies a recording: when it begins and ends, to the nanosecond, and what its timers did. A
 * result without events has none of that, and is never taken for another.
 */
static uint64_t recording_hash(const struct merge *m, const struct hvst_trace *t)
{
	uint64_t h = mix(m->one_hash, (uint64_t)t->first_ns);

	h = mix(mix(h, (uint64_t)t->last_ns), t->events);
	return t->first_ns == HVST_UNKNOWN ? 0 : h | 1;
}

/* Returns 1 if it was merged already, 0, or -ENOMEM. */
static int seen_before(struct merge *m, const struct hvst_trace *t)
{
	uint64_t hash = recording_hash(m, t);

	if (!hash)
		return 0;
	if (grow_seen(m))
		return -ENOMEM;
	if (!put_seen(m->seen, m->seen_size, hash))
		return 1;
	m->nr_seen++;
	return 0;
}

/* --- the result being read -------------------------------------------------------------------- */

static int merge_sketch(struct hvst_sketch *into, const struct hvst_sketch *from)
{
	if (hvst_sketch_count(into) > UINT64_MAX - hvst_sketch_count(from))
		return -EOVERFLOW;
	return from ? hvst_sketch_merge(into, from) : 0;
}

static int on_timer(void *ctx, const struct hvst_timer *t)
{
	struct merge *m = ctx;
	uint64_t h = mix(mix(m->one_hash, (uint64_t)t->tid), (uint64_t)t->timer);
	int err = 0;

	h = mix(mix(h, (uint64_t)t->vm), (uint64_t)t->vcpu);
	m->one_hash = mix(mix(h, t->arms), t->fired);
	for (unsigned int i = 0; !err && i < MERGE_METRICS; i++)
		err = merge_sketch(m->one_sketch[i], field_sketch(m->metric[i], t));
	return err;
}

static int on_storm(void *ctx, const struct hvst_storm *s)
{
	struct merge *m = ctx;
	struct merge_host *h = &m->one;
	const struct merge_storms storm = { 1, (uint64_t)s->end_ns - (uint64_t)s->start_ns,
					    s->past_due };

	add_storms(&h->storms, &storm);
	add_storms(&m->one_kinds[s->kind], &storm);
	h->watchdogs += s->endangers_watchdog;
	if (s->skew_max_ns != HVST_UNKNOWN &&
	    (h->skew_max_ns == HVST_UNKNOWN || s->skew_max_ns > h->skew_max_ns))
		h->skew_max_ns = s->skew_max_ns;
	return 0;
}

static int on_verdict(void *ctx, const struct hvst_verdict *v)
{
	struct merge *m = ctx;

	m->one_answers[v->question] = v->answer + 1;
	if (v->answer == HVST_YES)
		m->one.yes |= 1ULL << v->question;
	return 0;
}

/* 0 or -ENOMEM. */
static int begin_one(struct merge *m)
{
	m->one = (struct merge_host){ .skew_max_ns = HVST_UNKNOWN };
	memset(m->one_kinds, 0, sizeof(m->one_kinds));
	memset(m->one_answers, 0, sizeof(m->one_answers));
	m->one_hash = HASH_EMPTY;
	for (unsigned int i = 0; i < MERGE_METRICS; i++) {
		hvst_sketch_free(m->one_sketch[i]);
		m->one_sketch[i] = hvst_sketch_new();
		if (!m->one_sketch[i])
			return -ENOMEM;
	}
	return 0;
}

/* --- lists of hosts --------------------------------------------------------------------------- */

static void host_put(struct merge_host *h)
{
	if (h->lists)
		return;
	free(h->result);
	free(h->file);
	free(h);
}

/* More than 0: @a goes before @b. Of equal hosts, the one read first. */
static int by_harm(const struct merge_host *a, const struct merge_host *b, unsigned int metric)
{
	unsigned __int128 x = (unsigned __int128)a->storms.ns * b->recorded_ns;
	unsigned __int128 y = (unsigned __int128)b->storms.ns * a->recorded_ns;

	(void)metric;
	if (x != y)
		return x > y ? 1 : -1;
	if (a->storms.ns != b->storms.ns)
		return a->storms.ns > b->storms.ns ? 1 : -1;
	return a->number < b->number ? 1 : -1;
}

static int by_p99(const struct merge_host *a, const struct merge_host *b, unsigned int metric)
{
	if (a->p99_ns[metric] != b->p99_ns[metric])
		return a->p99_ns[metric] > b->p99_ns[metric] ? 1 : -1;
	return a->number < b->number ? 1 : -1;
}

static void list_add(struct merge_list *l, unsigned int max, struct merge_host *h,
		     int (*compare)(const struct merge_host *a, const struct merge_host *b,
				    unsigned int metric),
		     unsigned int metric)
{
	unsigned int at = l->n;

	while (at && compare(h, l->v[at - 1], metric) > 0)
		at--;
	if (at == max)
		return;
	if (l->n == max) {
		struct merge_host *last = l->v[--l->n];

		last->lists--;
		host_put(last);
	}
	memmove(&l->v[at + 1], &l->v[at], (l->n - at) * sizeof(*l->v));
	l->v[at] = h;
	l->n++;
	h->lists++;
}

static void list_free(struct merge_list *l)
{
	for (unsigned int i = 0; l->v && i < l->n; i++) {
		l->v[i]->lists--;
		host_put(l->v[i]);
	}
	free(l->v);
}

/* Where a result stands: its file, and which result of the file it is. */
static char *result_name(const char *path, unsigned int nth)
{
	char *name;

	if (nth == 1)
		return strdup(path);
	return asprintf(&name, "%s:%u", path, nth) < 0 ? NULL : name;
}

/* Names the result and puts it into the lists where it belongs. 0 or -ENOMEM. */
static int list_host(struct merge *m, const char *path, unsigned int nth, const char *file)
{
	struct merge_host *h = malloc(sizeof(*h));
	unsigned int i;

	if (!h)
		return -ENOMEM;
	*h = m->one;
	h->number = m->results;
	h->result = result_name(path, nth);
	h->file = strdup(file);
	h->lists = 0;
	if (!h->result || !h->file) {
		host_put(h);
		return -ENOMEM;
	}
	h->lists = 1; /* this function's: a list that is full drops its last one */
	if (h->storms.n)
		list_add(&m->worst, m->top, h, by_harm, 0);
	for (i = 0; i < MERGE_METRICS; i++)
		if (h->p99_ns[i] != HVST_UNKNOWN)
			list_add(&m->highest[i], m->top, h, by_p99, i);
	h->lists--;
	host_put(h);
	return 0;
}

/* --- merging ---------------------------------------------------------------------------------- */

/* Merges the distributions of the result, unless any of them would exceed 64 bits. */
static int add_sketches(struct merge *m)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < MERGE_METRICS; i++)
		if (hvst_sketch_count(m->sketch[i]) >
		    UINT64_MAX - hvst_sketch_count(m->one_sketch[i]))
			return -EOVERFLOW;
	for (i = 0; !err && i < MERGE_METRICS; i++) {
		int64_t p99 = hvst_sketch_quantile(m->one_sketch[i], P99);

		m->one.p99_ns[i] = p99;
		err = hvst_sketch_merge(m->sketch[i], m->one_sketch[i]);
		if (!err && p99 != HVST_UNKNOWN)
			err = hvst_sketch_add(m->host_p99[i], p99, 1);
	}
	return err;
}

static void add_counts(struct merge *m, const struct hvst_trace *t)
{
	unsigned int i;

	m->results++;
	m->recorded_ns = add(m->recorded_ns, m->one.recorded_ns);
	m->events = add(m->events, t->events);
	m->lost_events = add(m->lost_events, t->lost_events);
	m->storm_hosts += m->one.storms.n > 0;
	add_storms(&m->storms, &m->one.storms);
	for (i = 0; i < MERGE_KINDS; i++)
		add_storms(&m->kinds[i], &m->one_kinds[i]);
	for (i = 0; i < HVST_Q_COUNT; i++)
		if (m->one_answers[i])
			m->answers[i][m->one_answers[i] - 1]++;
}

/* Merges a result that was read completely. 0 or a negative errno. */
static int add_one(struct merge *m, const char *path, unsigned int nth,
		   const struct stored_recording *rec)
{
	const struct hvst_trace *t = &rec->trace;
	int err = seen_before(m, t);

	if (err > 0) {
		m->duplicates++;
		return 0;
	}
	if (t->first_ns != HVST_UNKNOWN && t->last_ns > t->first_ns)
		m->one.recorded_ns = (uint64_t)t->last_ns - (uint64_t)t->first_ns;
	if (!err)
		err = add_sketches(m);
	if (err)
		return err;
	add_counts(m, t);
	return list_host(m, path, nth, rec->file);
}

static int merge_results(struct merge *m, struct stored_file *f)
{
	static const struct stored_ops ops = { .timer = on_timer,
					       .storm = on_storm,
					       .verdict = on_verdict };
	struct stored_recording rec = { .file = "" };
	unsigned int nth = 0;
	int got, err;

	do {
		got = begin_one(m);
		if (!got)
			got = stored_next(f, &rec, &ops, m);
		if (got <= 0)
			return got;
		err = add_one(m, f->path, ++nth, &rec);
	} while (!err);
	return err;
}

int merge_file(struct merge *m, const char *path)
{
	struct stored_file f;
	int err = stored_open(&f, path);

	if (!err)
		err = merge_results(m, &f);
	if (err == -ENOMEM)
		cli_error("out of memory");
	else if (err)
		cli_error("%s", *f.error ? f.error : strerror(-err));
	stored_close(&f);
	m->unreadable += err != 0;
	return err && err != -ENOMEM ? -EINVAL : err;
}

/* --- all of it -------------------------------------------------------------------------------- */

static int list_init(struct merge_list *l, unsigned int top)
{
	l->v = calloc(top + 1, sizeof(struct merge_host *));
	return l->v ? 0 : -ENOMEM;
}

int merge_init(struct merge *m, unsigned int top)
{
	unsigned int i, n = 0;

	memset(m, 0, sizeof(*m));
	m->top = top;
	for (i = 0; i < finding_timer.n && n < MERGE_METRICS; i++)
		if (finding_timer.fields[i].type == VALUE_SKETCH)
			m->metric[n++] = &finding_timer.fields[i];
	for (i = 0; i < MERGE_METRICS; i++) {
		m->sketch[i] = hvst_sketch_new();
		m->host_p99[i] = hvst_sketch_new();
		if (!m->sketch[i] || !m->host_p99[i] || list_init(&m->highest[i], top))
			return -ENOMEM;
	}
	return list_init(&m->worst, top);
}

void merge_free(struct merge *m)
{
	for (unsigned int i = 0; i < MERGE_METRICS; i++) {
		hvst_sketch_free(m->sketch[i]);
		hvst_sketch_free(m->host_p99[i]);
		hvst_sketch_free(m->one_sketch[i]);
		list_free(&m->highest[i]);
	}
	list_free(&m->worst);
	free(m->seen);
	memset(m, 0, sizeof(*m));
}

/* The end of the bucket that the limit lies in, so that each bucket lies on one side of it. */
static int64_t bucket_end(int64_t q3, int64_t spread)
{
	int64_t v, lo, hi;

	if (__builtin_mul_overflow(spread, MERGE_SPREAD_TIMES, &v) ||
	    __builtin_add_overflow(q3, v, &v))
		v = INT64_MAX;
	hvst_sketch_bucket(v, &lo, &hi);
	return hi - 1;
}

int64_t merge_limit(const struct merge *m, unsigned int metric, uint64_t *n)
{
	const struct hvst_sketch *s = m->host_p99[metric];
	int64_t q1 = hvst_sketch_quantile(s, 2500), q3 = hvst_sketch_quantile(s, 7500);
	int64_t lo, hi, limit, spread;
	unsigned int iter = 0;
	uint64_t count;

	*n = 0;
	if (hvst_sketch_count(s) < MERGE_MIN_HOSTS)
		return HVST_UNKNOWN;
	hvst_sketch_bucket(q3, &lo, &hi);
	if (__builtin_sub_overflow(q3, q1, &spread))
		spread = INT64_MAX;
	/* quartiles closer to each other than the distribution's resolution */
	limit = bucket_end(q3, spread > hi - lo ? spread : hi - lo);
	while (hvst_sketch_next(s, &iter, &lo, &hi, &count))
		*n += lo > limit ? count : 0;
	return limit;
}
