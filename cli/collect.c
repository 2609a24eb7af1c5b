// SPDX-License-Identifier: GPL-2.0
/* Series of values by thread and timer: sketches, buckets, intervals and columns. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "collect.h"
#include "timers.h"

#define FIRST_COLUMN_NS 1000000

void collect_init(struct collect *c, const struct options *o, int64_t origin_ns, bool plot)
{
	memset(c, 0, sizeof(*c));
	c->interval_ns = o->interval_ns;
	c->plot = plot;
	c->linear_later = o->scale == SCALE_LINEAR;
	c->origin_ns = origin_ns;
	c->column_ns = FIRST_COLUMN_NS;
	edges_log(&c->edges);
	edges_log(&c->plot_edges);
}

static void series_empty(struct series *s)
{
	unsigned int i;

	for (i = 0; i < s->nr_intervals; i++)
		hvst_sketch_free(s->intervals[i]);
	for (i = 0; s->columns && i < PLOT_COLUMNS; i++)
		free(s->columns[i].buckets);
	free(s->intervals);
	free(s->columns);
	free(s->buckets);
	hvst_sketch_free(s->sketch);
}

void collect_free(struct collect *c)
{
	unsigned int i;

	for (i = 0; i < c->nr_series; i++)
		series_empty(&c->series[i]);
	free(c->series);
	free(c->slots);
	memset(c, 0, sizeof(*c));
}

/* --- series by thread, timer and metric ------------------------------------------------------- */

#define SLOTS (TIMERS * METRIC_COUNT) /* of a thread */

static unsigned int *slot_of(const struct collect *c, enum metric metric, int thread, int timer)
{
	return &c->slots[((size_t)thread * TIMERS + (size_t)timer) * METRIC_COUNT + metric];
}

/* Makes room in the slots for @thread. False: no memory, or no such thread. */
static bool add_thread(struct collect *c, int thread)
{
	unsigned int n = c->nr_threads ? c->nr_threads : 64, *slots;

	if (thread < 0 || thread >= MAX_THREADS)
		return false;
	while (n <= (unsigned int)thread)
		n *= 2;
	if (n == c->nr_threads)
		return true;
	slots = reallocarray(c->slots, (size_t)n * SLOTS, sizeof(*slots));
	if (!slots)
		return false;
	memset(slots + (size_t)c->nr_threads * SLOTS, 0,
	       (size_t)(n - c->nr_threads) * SLOTS * sizeof(*slots));
	c->slots = slots;
	c->nr_threads = n;
	return true;
}

/* After the series have moved. */
static void refill_slots(struct collect *c)
{
	if (c->slots)
		memset(c->slots, 0, (size_t)c->nr_threads * SLOTS * sizeof(*c->slots));
	for (unsigned int i = 0; i < c->nr_series; i++)
		*slot_of(c, c->series[i].metric, c->series[i].thread, c->series[i].timer) = i + 1;
}

static struct series *new_series(struct collect *c, enum metric metric, const struct timer_id *id)
{
	struct series *s;

	if (c->nr_series == c->cap_series) {
		unsigned int cap = c->cap_series ? c->cap_series * 2 : 16;

		s = reallocarray(c->series, cap, sizeof(*s));
		if (!s)
			return NULL;
		c->series = s;
		c->cap_series = cap;
	}
	s = &c->series[c->nr_series];
	*s = (struct series){
		.order = c->nr_series++,
		.thread = id->thread,
		.vm = -1,
		.vcpu = id->vcpu,
		.timer = id->timer,
		.metric = metric,
	};
	s->sketch = hvst_sketch_new();
	s->buckets = calloc(c->edges.n + 1, sizeof(*s->buckets));
	s->columns = c->plot ? calloc(PLOT_COLUMNS, sizeof(*s->columns)) : NULL;
	if (s->sketch && s->buckets && (s->columns || !c->plot))
		return s;
	series_empty(s);
	c->nr_series--;
	return NULL;
}

static struct series *find_series(struct collect *c, enum metric metric, const struct timer_id *id)
{
	struct series *s;
	unsigned int *slot;

	if (id->timer < 0 || id->timer >= TIMERS || !add_thread(c, id->thread))
		return NULL;
	slot = slot_of(c, metric, id->thread, id->timer);
	if (*slot)
		return &c->series[*slot - 1];
	s = new_series(c, metric, id);
	if (s)
		*slot = c->nr_series;
	return s;
}

static int add_interval(struct collect *c, struct series *s, int64_t ts_ns, int64_t v)
{
	int64_t i = ts_ns < c->origin_ns ? 0 : (ts_ns - c->origin_ns) / c->interval_ns;

	if (i >= MAX_INTERVALS)
		return -ERANGE;
	if (i >= s->nr_intervals) {
		struct hvst_sketch **v2 = reallocarray(s->intervals, i + 1, sizeof(*v2));

		if (!v2)
			return -ENOMEM;
		memset(v2 + s->nr_intervals, 0, (i + 1 - s->nr_intervals) * sizeof(*v2));
		s->intervals = v2;
		s->nr_intervals = i + 1;
	}
	if (!s->intervals[i])
		s->intervals[i] = hvst_sketch_new();
	return s->intervals[i] ? hvst_sketch_add(s->intervals[i], v, 1) : -ENOMEM;
}

static int join_column(const struct collect *c, struct plot_column *into,
		       const struct plot_column *from)
{
	unsigned int b;

	if (!from->count)
		return 0;
	if (!into->buckets)
		into->buckets = calloc(c->plot_edges.n + 1, sizeof(*into->buckets));
	if (!into->buckets)
		return -ENOMEM;
	into->min = !into->count || from->min < into->min ? from->min : into->min;
	into->max = !into->count || from->max > into->max ? from->max : into->max;
	into->count += from->count;
	for (b = 0; b <= c->plot_edges.n; b++)
		into->buckets[b] += from->buckets[b];
	return 0;
}

/* Twice the time in the same number of columns. */
static int widen(struct collect *c)
{
	unsigned int i, k;
	int err = 0;

	for (i = 0; i < c->nr_series; i++) {
		struct plot_column *col = c->series[i].columns;

		for (k = 0; k < PLOT_COLUMNS && !err; k++) {
			struct plot_column old = col[k];

			col[k] = (struct plot_column){ 0 };
			err = join_column(c, &col[k / 2], &old);
			free(old.buckets);
		}
	}
	c->column_ns *= 2;
	return err;
}

static int add_column(struct collect *c, struct series *s, int64_t ts_ns, int64_t v)
{
	int64_t at = ts_ns < c->origin_ns ? 0 : ts_ns - c->origin_ns;
	struct plot_column *col;

	while (at / c->column_ns >= PLOT_COLUMNS)
		if (widen(c))
			return -ENOMEM;
	col = &s->columns[at / c->column_ns];
	if (!col->buckets)
		col->buckets = calloc(c->plot_edges.n + 1, sizeof(*col->buckets));
	if (!col->buckets)
		return -ENOMEM;
	col->min = !col->count || v < col->min ? v : col->min;
	col->max = !col->count || v > col->max ? v : col->max;
	col->count++;
	col->buckets[edges_bucket(&c->plot_edges, v)]++;
	return 0;
}

int collect_add(struct collect *c, enum metric metric, const struct timer_id *id, int64_t ts_ns,
		int64_t v)
{
	struct series *s = find_series(c, metric, id);
	int err = s ? hvst_sketch_add(s->sketch, v, 1) : -ENOMEM;

	if (c->origin_ns == HVST_UNKNOWN)
		c->origin_ns = ts_ns;
	if (!err && !c->linear_later)
		s->buckets[edges_bucket(&c->edges, v)]++;
	if (!err && c->interval_ns)
		err = add_interval(c, s, ts_ns, v);
	if (!err && c->plot)
		err = add_column(c, s, ts_ns, v);
	if (err && !c->error)
		c->error = err;
	return c->error;
}

int collect_arm(struct collect *c, const struct hvst_arm *arm)
{
	if (arm->kind == HVST_ARM_PERIODIC || arm->flags & HVST_ARM_RESTART ||
	    arm->skew_ns == HVST_UNKNOWN)
		return 0;
	return collect_add(c, METRIC_SKEW, &(struct timer_id){ arm->thread, arm->vcpu, arm->timer },
			   arm->ts_ns, arm->skew_ns);
}

/* --- VMs -------------------------------------------------------------------------------------- */

/* The VM and vCPU of a thread. */
struct owner {
	int vm, vcpu;
	bool known;
};

static unsigned int count_threads(const struct hvst_result *r)
{
	int most = -1;

	for (unsigned int i = 0; i < r->nr_vms; i++)
		for (unsigned int v = 0; v < r->vms[i]->nr_vcpus; v++)
			if (r->vms[i]->vcpus[v]->thread > most)
				most = r->vms[i]->vcpus[v]->thread;
	return (unsigned int)(most + 1);
}

/* Sets VM and vCPU of the series: the VM may not have been known while their values came in. */
static void name_series(struct collect *c, const struct hvst_result *r)
{
	unsigned int n = count_threads(r);
	struct owner *owners = calloc((size_t)n + 1, sizeof(*owners));

	if (!owners) {
		c->error = -ENOMEM;
		return;
	}
	for (unsigned int i = 0; i < r->nr_vms; i++)
		for (unsigned int v = 0; v < r->vms[i]->nr_vcpus; v++) {
			const struct hvst_vcpu_info *vcpu = r->vms[i]->vcpus[v];

			if (vcpu->thread >= 0)
				owners[vcpu->thread] =
					(struct owner){ r->vms[i]->vm, vcpu->vcpu, true };
		}
	for (unsigned int i = 0; i < c->nr_series; i++) {
		struct series *s = &c->series[i];

		if ((unsigned int)s->thread >= n || !owners[s->thread].known)
			continue;
		s->vm = owners[s->thread].vm;
		s->vcpu = owners[s->thread].vcpu;
	}
	free(owners);
}

void collect_select(struct collect *c, const struct hvst_result *r, int vm)
{
	unsigned int n = 0;

	if (vm < 0)
		return;
	name_series(c, r);
	for (unsigned int i = 0; i < c->nr_series; i++) {
		if (c->series[i].vm == vm)
			c->series[n++] = c->series[i];
		else
			series_empty(&c->series[i]);
	}
	c->nr_series = n;
	refill_slots(c);
}

bool collect_linear(struct collect *c, int64_t width_ns)
{
	struct hvst_sketch *all = hvst_sketch_new();
	unsigned int i;
	bool ok;

	for (i = 0; all && i < c->nr_series; i++)
		if (hvst_sketch_merge(all, c->series[i].sketch))
			c->error = -ENOMEM;
	ok = all &&
	     (!hvst_sketch_count(all) || edges_linear(&c->edges, hvst_sketch_quantile(all, 100),
						      hvst_sketch_quantile(all, 9900), width_ns));
	hvst_sketch_free(all);
	for (i = 0; i < c->nr_series; i++)
		series_empty(&c->series[i]);
	c->nr_series = 0;
	refill_slots(c);
	c->column_ns = FIRST_COLUMN_NS;
	c->linear_later = false;
	return ok;
}

/* --- groups ----------------------------------------------------------------------------------- */

static int join_intervals(struct series *into, struct series *from)
{
	unsigned int i;
	int err = 0;

	if (from->nr_intervals > into->nr_intervals) {
		struct hvst_sketch **v =
			reallocarray(into->intervals, from->nr_intervals, sizeof(*v));

		if (!v)
			return -ENOMEM;
		memset(v + into->nr_intervals, 0,
		       (from->nr_intervals - into->nr_intervals) * sizeof(*v));
		into->intervals = v;
		into->nr_intervals = from->nr_intervals;
	}
	for (i = 0; i < from->nr_intervals && !err; i++) {
		if (!into->intervals[i]) {
			into->intervals[i] = from->intervals[i];
			from->intervals[i] = NULL;
		} else if (from->intervals[i]) {
			err = hvst_sketch_merge(into->intervals[i], from->intervals[i]);
		}
	}
	return err;
}

static int join_series(const struct collect *c, struct series *into, struct series *from)
{
	int err = hvst_sketch_merge(into->sketch, from->sketch);
	unsigned int i;

	for (i = 0; i <= c->edges.n; i++)
		into->buckets[i] += from->buckets[i];
	for (i = 0; !err && from->columns && i < PLOT_COLUMNS; i++)
		err = join_column(c, &into->columns[i], &from->columns[i]);
	if (!err)
		err = join_intervals(into, from);
	if (into->thread != from->thread)
		into->thread = -1;
	return err;
}

static int cmp_group(const void *a, const void *b)
{
	const struct series *x = a, *y = b;

	if (x->vm != y->vm)
		return (unsigned int)x->vm < (unsigned int)y->vm ? -1 : 1;
	if (x->vcpu != y->vcpu)
		return x->vcpu < y->vcpu ? -1 : 1;
	if (x->timer != y->timer)
		return x->timer < y->timer ? -1 : 1;
	return (int)x->metric - (int)y->metric;
}

static int cmp_order(const void *a, const void *b)
{
	const struct series *x = a, *y = b;
	int order = cmp_group(a, b);

	return order ? order : (x->order > y->order) - (x->order < y->order);
}

/* As cmp_order(), but with the series of each thread whose VM is not known next to each other. */
static int cmp_apart(const void *a, const void *b)
{
	const struct series *x = a, *y = b;
	int order = cmp_group(a, b);

	if (order || x->apart == y->apart)
		return cmp_order(a, b);
	return x->apart < y->apart ? -1 : 1;
}

static bool same_group(const struct series *a, const struct series *b)
{
	return !cmp_group(a, b) && a->apart == b->apart;
}

void collect_group(struct collect *c, const struct hvst_result *r, unsigned int by)
{
	unsigned int n = 0;

	name_series(c, r);
	for (unsigned int i = 0; i < c->nr_series; i++) {
		struct series *s = &c->series[i];

		/* Threads whose VM is not known are not counted as one VM. */
		s->apart = by & BY_VM && s->vm < 0 ? s->thread : -1;
		s->vm = by & BY_VM ? s->vm : -1;
		s->vcpu = by & BY_VCPU ? s->vcpu : -1;
		s->timer = by & BY_TIMER ? s->timer : -1;
	}
	if (!c->nr_series)
		return;
	qsort(c->series, c->nr_series, sizeof(*c->series), cmp_apart);
	for (unsigned int i = 0; i < c->nr_series; i++) {
		struct series *s = &c->series[i];

		if (!n || !same_group(&c->series[n - 1], s)) {
			c->series[n++] = *s;
			continue;
		}
		if (join_series(c, &c->series[n - 1], s))
			c->error = -ENOMEM;
		series_empty(s);
	}
	c->nr_series = n;
	qsort(c->series, n, sizeof(*c->series), cmp_order);
}
