// SPDX-License-Identifier: GPL-2.0
/* The two passes that attach arms, firings and gaps to single events. */
#include <stdlib.h>
#include <string.h>

#include "derive.h"

#define MAX_GAPS 8192 /* timers whose last arm is remembered: a power of two */

/* From the first pass: found by the time stamp, and by thread (arm) or vCPU (firing), and timer. */
struct fact {
	uint64_t at; /* ts_raw of the event that proves the arm; ts_ns of the callback */
	int64_t ns, error_ns;
	int32_t who, timer;
};

struct facts {
	struct fact *v;
	size_t n, cap, max, next;
	uint64_t forgotten;
};

struct last_arm {
	int tid, timer;
	int64_t ts_ns;
};

struct derive {
	struct facts arms, firings;
	struct last_arm *last; /* hash by (tid, timer) */
	unsigned int nr_last;
	struct hvst_arm arm; /* the last one: it comes just before its event */
	int64_t gap_ns;	     /* from the arm before of the same timer to it */
};

struct derive *derive_new(size_t max, bool late)
{
	struct derive *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->arms.max = max;
	d->firings.max = late ? max : 0;
	d->last = calloc(MAX_GAPS, sizeof(*d->last));
	if (d->last) {
		derive_rewind(d);
		return d;
	}
	derive_free(d);
	return NULL;
}

void derive_free(struct derive *d)
{
	if (!d)
		return;
	free(d->arms.v);
	free(d->firings.v);
	free(d->last);
	free(d);
}

/* --- first pass ------------------------------------------------------------------------------- */

static void add(struct facts *f, const struct fact *fact)
{
	size_t cap = f->cap ? f->cap * 2 : 1024;

	if (f->n == f->cap) {
		struct fact *v = cap > f->max ? NULL : reallocarray(f->v, cap, sizeof(*v));

		if (!v) {
			f->forgotten++;
			return;
		}
		f->v = v;
		f->cap = cap;
	}
	f->v[f->n++] = *fact;
}

void derive_learn_arm(struct derive *d, const struct hvst_arm *arm)
{
	if (arm->flags & HVST_ARM_INFERRED)
		add(&d->arms, &(struct fact){ arm->ts_raw, arm->skew_ns, arm->error_ns, arm->tid,
					      arm->timer });
}

void derive_learn_fire(struct derive *d, const struct hvst_fire *f)
{
	int64_t late;

	if (!d->firings.max || f->callback_ns == HVST_UNKNOWN || f->deadline_ns == HVST_UNKNOWN ||
	    __builtin_sub_overflow(f->callback_ns, f->deadline_ns, &late))
		return;
	add(&d->firings, &(struct fact){ (uint64_t)f->callback_ns, late, 0, f->vcpu, f->timer });
}

static int fact_order(const void *a, const void *b)
{
	const struct fact *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	return x->who < y->who ? -1 : x->who > y->who;
}

/* Most are in order already, and qsort() takes as much memory again. */
static void facts_sort(struct facts *f)
{
	for (size_t i = 1; i < f->n; i++)
		if (fact_order(&f->v[i - 1], &f->v[i]) > 0) {
			qsort(f->v, f->n, sizeof(*f->v), fact_order);
			return;
		}
}

void derive_learnt(struct derive *d)
{
	facts_sort(&d->arms);
	facts_sort(&d->firings);
}

uint64_t derive_forgotten(const struct derive *d)
{
	return d->arms.forgotten + d->firings.forgotten;
}

/* --- second pass ------------------------------------------------------------------------------ */

void derive_rewind(struct derive *d)
{
	d->arms.next = d->firings.next = 0;
	d->nr_last = 0;
	for (unsigned int i = 0; i < MAX_GAPS; i++)
		d->last[i].tid = -1;
	memset(&d->arm, 0, sizeof(d->arm));
	d->gap_ns = HVST_UNKNOWN;
}

/* Where the last arm of a timer is remembered; NULL: too many timers. */
static struct last_arm *last_of(struct derive *d, int tid, int timer)
{
	unsigned int h = (unsigned int)tid * 2654435761u + (unsigned int)timer * 40503u;

	for (;; h++) {
		struct last_arm *l = &d->last[h % MAX_GAPS];

		if (l->tid == tid && l->timer == timer)
			return l;
		if (l->tid != -1)
			continue;
		if (d->nr_last == MAX_GAPS / 2)
			return NULL;
		d->nr_last++;
		*l = (struct last_arm){ tid, timer, HVST_UNKNOWN };
		return l;
	}
}

void derive_armed(struct derive *d, const struct hvst_arm *arm)
{
	struct last_arm *l;

	d->arm = *arm;
	d->gap_ns = HVST_UNKNOWN;
	if (arm->flags & HVST_ARM_RESTART)
		return;
	l = last_of(d, arm->tid, arm->timer);
	if (!l)
		return;
	if (l->ts_ns != HVST_UNKNOWN && __builtin_sub_overflow(arm->ts_ns, l->ts_ns, &d->gap_ns))
		d->gap_ns = HVST_UNKNOWN;
	l->ts_ns = arm->ts_ns;
}

int derive_timer(const struct hvst_event *ev)
{
	switch (ev->id) {
	case HVST_EV_STIMER_SET_CONFIG:
		return ev->set_config.timer_index;
	case HVST_EV_STIMER_SET_COUNT:
		return ev->set_count.timer_index;
	case HVST_EV_STIMER_START_ONE_SHOT:
	case HVST_EV_STIMER_START_PERIODIC:
	case HVST_EV_STIMER_START_EXPIRED:
		return ev->start.timer_index;
	case HVST_EV_STIMER_CLEANUP:
	case HVST_EV_STIMER_CALLBACK:
		return ev->timer.timer_index;
	case HVST_EV_STIMER_EXPIRATION:
		return ev->expiration.timer_index;
	default:
		return -1;
	}
}

static bool is_start(const struct hvst_event *ev)
{
	return ev->id == HVST_EV_STIMER_START_ONE_SHOT || ev->id == HVST_EV_STIMER_START_PERIODIC ||
	       ev->id == HVST_EV_STIMER_START_EXPIRED;
}

/* 100 * (time_now - count), clamped to 64 bits. */
static int64_t skew_of(const struct hvst_event *ev)
{
	__int128 skew = ((__int128)ev->start.time_now - ev->start.count) * 100;

	return skew > INT64_MAX ? INT64_MAX : skew <= INT64_MIN ? INT64_MIN + 1 : (int64_t)skew;
}

/* Is this the event that the last arm came with? */
static bool is_of_arm(const struct hvst_arm *arm, const struct hvst_event *ev)
{
	return arm->ts_raw == ev->ts_raw && arm->cpu == ev->cpu && arm->tid == ev->pid;
}

/* What a start event was: an arm by the guest, or padding by the host. */
static const char *arm_name(const struct hvst_arm *arm, const struct hvst_event *ev)
{
	static const char *const names[] = {
		[HVST_ARM_AHEAD] = "ahead",
		[HVST_ARM_PAST_DUE] = "past_due",
		[HVST_ARM_PERIODIC] = "periodic",
	};

	if (!is_of_arm(arm, ev))
		return "padding";
	return arm->flags & HVST_ARM_RESTART ? "restart" : names[arm->kind];
}

/* @who -1: any. */
static const struct fact *find(struct facts *f, uint64_t at, int who, int timer)
{
	while (f->next < f->n && f->v[f->next].at < at)
		f->next++;
	for (size_t i = f->next; i < f->n && f->v[i].at == at; i++)
		if ((who < 0 || f->v[i].who == who) && f->v[i].timer == timer)
			return &f->v[i];
	return NULL;
}

static void find_inferred(struct derive *d, const struct hvst_event *ev, struct derived *to)
{
	const struct fact *f = find(&d->arms, ev->ts_raw, ev->pid, derive_timer(ev));

	if (!f)
		return;
	to->inferred = true;
	to->arm = "past_due";
	to->skew_ns = f->ns;
	to->skew_error_ns = f->error_ns;
	if (is_of_arm(&d->arm, ev))
		to->gap_ns = d->gap_ns;
}

struct derived derive_event(struct derive *d, const struct hvst_event *ev, int vm)
{
	struct derived to = {
		.vm = vm, .skew_ns = HVST_UNKNOWN, .late_ns = HVST_UNKNOWN, .gap_ns = HVST_UNKNOWN
	};
	const struct fact *late;

	if (is_start(ev)) {
		to.arm = arm_name(&d->arm, ev);
		if (strcmp(to.arm, "padding"))
			to.gap_ns = d->gap_ns;
	}
	if (ev->id == HVST_EV_STIMER_START_ONE_SHOT || ev->id == HVST_EV_STIMER_START_EXPIRED)
		to.skew_ns = skew_of(ev);
	if (to.arm || ev->id == HVST_EV_STIMER_EXPIRATION)
		find_inferred(d, ev, &to);
	if (ev->id == HVST_EV_STIMER_CALLBACK) {
		late = find(&d->firings, (uint64_t)ev->ts_ns, ev->vcpu_id, derive_timer(ev));
		to.late_ns = late ? late->ns : HVST_UNKNOWN;
	}
	return to;
}
