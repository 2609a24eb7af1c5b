// SPDX-License-Identifier: GPL-2.0
/* The counters of each timer, with those of its storms. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../array.h"
#include "finding.h"
#include "timerrow.h"

static uint64_t past_due(const struct timer_row *row)
{
	return row->t->past_due_observed + row->t->past_due_inferred;
}

static uint64_t started(const struct timer_row *row)
{
	uint64_t bad = past_due(row);

	return row->t->arms > bad ? row->t->arms - bad : 0;
}

static uint64_t delivered(const struct timer_row *row)
{
	return row->t->fired;
}

static uint64_t refused(const struct timer_row *row)
{
	return row->t->failed_deliveries;
}

static uint64_t restarted(const struct timer_row *row)
{
	return row->livelocked;
}

static uint64_t storms(const struct timer_row *row)
{
	return row->storms;
}

const struct timer_counter timer_counters[] = {
	{ "started", "Timers started for a time ahead.", started },
	{ "delivered", "Timer interrupts delivered.", delivered },
	{ "refused", "Deliveries that failed.", refused },
	{ "past_due", "Timers armed for a time already past.", past_due },
	{ "restarted", "Timers called back and started again without a delivery, in storms.",
	  restarted },
	{ "storms", "Storms.", storms },
};

const unsigned int nr_timer_counters = ARRAY_SIZE(timer_counters);

static void put_vm(struct timer_row *row, const struct hvst_result *r)
{
	const struct hvst_vm *vm = result_vm(r, row->t->vm);

	if (row->t->vm < 0)
		return;
	if (vm && vm->name)
		snprintf(row->vm, sizeof(row->vm), "%s", vm->name);
	else
		snprintf(row->vm, sizeof(row->vm), "%d", row->t->vm);
}

struct key {
	int tid, timer, vm;
	unsigned int row;
};

static int compare(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	if (x->timer != y->timer)
		return x->timer < y->timer ? -1 : 1;
	return x->vm < y->vm ? -1 : x->vm > y->vm;
}

static void add_storm(struct timer_row *row, const struct hvst_storm *s)
{
	row->storms++;
	row->storm_ns += s->end_ns - s->start_ns;
	if (s->livelock == HVST_LIVELOCK_DEADLINE)
		row->livelocked += s->arms;
}

struct timer_row *timer_rows(const struct hvst_result *r)
{
	struct timer_row *rows = calloc(r->nr_timers + 1, sizeof(*rows));
	struct key *keys = calloc(r->nr_timers + 1, sizeof(*keys));
	unsigned int i;

	for (i = 0; rows && keys && i < r->nr_timers; i++) {
		const struct hvst_timer *t = r->timers[i];

		rows[i].t = t;
		put_vm(&rows[i], r);
		keys[i] = (struct key){ t->tid, t->timer, t->vm, i };
	}
	if (!rows || !keys) {
		free(rows);
		free(keys);
		return NULL;
	}
	qsort(keys, r->nr_timers, sizeof(*keys), compare);
	for (i = 0; i < r->nr_storms; i++) {
		const struct hvst_storm *s = r->storms[i];
		const struct key of = { s->tid, s->timer, s->vm, 0 };
		const struct key *k = bsearch(&of, keys, r->nr_timers, sizeof(*keys), compare);

		if (k)
			add_storm(&rows[k->row], s);
	}
	free(keys);
	return rows;
}
