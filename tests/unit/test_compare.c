// SPDX-License-Identifier: GPL-2.0
/* Blocks of time, units in the same role, and what the bootstrap makes of them. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "../../cli/difference.h"
#include "../../cli/output/comparison.h"
#include "lists.h"

#define MS 1000000LL
#define S  1000000000LL

static void arm(struct blocks *b, int64_t ts_ns, int thread, int timer, int64_t skew_ns)
{
	const struct hvst_arm a = { .ts_ns = ts_ns,
				    .thread = thread,
				    .tid = thread,
				    .timer = timer,
				    .skew_ns = skew_ns,
				    .kind = skew_ns < 0 ? HVST_ARM_AHEAD : HVST_ARM_PAST_DUE };

	assert_int_equal(blocks_arm(b, &a), 0);
}

static uint64_t arms_of(const struct timer_blocks *t)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < MAX_BLOCKS; i++)
		n += t->block[i].arms;
	return n;
}

/* However long it is: every arm counts once, in the block of its time, and blocks are few. */
static void blocks_join(void **state)
{
	struct blocks b;
	int64_t ts = 0;

	(void)state;
	blocks_init(&b);
	for (unsigned int i = 0; i < 5000; i++, ts += 1 + ts / 200)
		arm(&b, 7 * S + ts, 0, 0, -MS);
	assert_int_equal(arms_of(b.timers[0]), 5000);
	assert_true(b.nr >= MAX_BLOCKS / 2 && b.nr <= MAX_BLOCKS);
	for (unsigned int i = 0; i < b.nr; i++) {
		uint64_t n = 0;
		int64_t t = 0;

		for (unsigned int k = 0; k < 5000; k++, t += 1 + t / 200)
			n += (7 * S + t) >> b.shift == b.first + i;
		assert_int_equal(b.timers[0]->block[i].arms, n);
		assert_int_equal(hvst_sketch_count(b.timers[0]->block[i].sketch[BLOCK_SKEW]), n);
	}
	blocks_free(&b);
}

/* Time that goes backwards, at both ends of what a time can be, and threads beyond all bounds. */
static void blocks_hostile(void **state)
{
	const int64_t times[] = { 0, INT64_MAX, INT64_MIN + 1, S, -S, INT64_MAX - 1 };
	const struct hvst_progress p = { .from_ns = -5 * S, .to_ns = 5 * S, .progress_ns = S };
	struct blocks b;

	(void)state;
	blocks_init(&b);
	for (unsigned int i = 0; i < 6; i++)
		arm(&b, times[i], 0, 0, times[i]);
	assert_int_equal(arms_of(b.timers[0]), 6);
	arm(&b, S, -1, 0, -MS);
	arm(&b, S, 0, 4, -MS);
	arm(&b, S, INT32_MAX, 0, -MS);
	assert_int_equal(b.nr_timers, 1);
	assert_int_equal(blocks_progress(&b, &p), 0);
	for (int i = 0; i < 2 * MAX_BLOCK_TIMERS; i++)
		arm(&b, S, i, 1, -MS);
	assert_int_equal(b.nr_timers, MAX_BLOCK_TIMERS);
	assert_true(b.left_out);
	blocks_free(&b);
}

/* A stretch of progress counts in each block that it spans, and in all as much as it is. */
static void progress_spans(void **state)
{
	const struct hvst_progress p = {
		.from_ns = 0, .to_ns = 100 * MS, .progress_ns = 50 * MS, .thread = 3
	};
	int64_t seen = 0, progress = 0;
	struct blocks b;

	(void)state;
	blocks_init(&b);
	arm(&b, 0, 3, 0, -MS);
	assert_int_equal(blocks_progress(&b, &p), 0);
	for (unsigned int i = 0; i < b.nr; i++) {
		seen += b.vcpus[0]->seen_ns[i];
		progress += b.vcpus[0]->progress_ns[i];
		assert_true(llabs(b.vcpus[0]->seen_ns[i] - 2 * b.vcpus[0]->progress_ns[i]) < 4);
	}
	assert_true(b.nr > 10);
	assert_int_equal(seen, 100 * MS);
	assert_true(llabs(progress - 50 * MS) <= b.nr);
	blocks_free(&b);
}

/* --- sides ------------------------------------------------------------------------------------ */

struct guest {
	int vm;
	const char *name;
	unsigned int vcpus;
	int64_t tick_ns;
};

#define MAX_GUESTS 4

/* One side: each guest's vCPUs have a timer 0 with ticks of its own. Threads are numbered on. */
static void make_side(struct side *s, const struct guest *g, unsigned int n,
		      unsigned int past_every, int64_t span_ns)
{
	struct hvst_vcpu_info vcpus[MAX_GUESTS][4] = { 0 };
	const struct hvst_vcpu_info *vcpu_list[MAX_GUESTS][4];
	struct hvst_vm vms[MAX_GUESTS] = { 0 };
	const struct hvst_vm *vm_list[MAX_GUESTS];
	const struct hvst_trace t = { .first_ns = 0, .last_ns = span_ns };
	const struct hvst_result r = { .vms = vm_list, .nr_vms = n };
	struct blocks b;
	int thread = 0;

	blocks_init(&b);
	LIST(vm_list, vms);
	for (unsigned int i = 0; i < n; i++) {
		LIST(vcpu_list[i], vcpus[i]);
		vms[i] = (struct hvst_vm){ .vm = g[i].vm,
					   .name = g[i].name,
					   .vcpus = vcpu_list[i],
					   .nr_vcpus = g[i].vcpus };
		for (unsigned int k = 0; k < g[i].vcpus; k++, thread++) {
			unsigned int nr = 0;

			vcpus[i][k] = (struct hvst_vcpu_info){ .vcpu = (int)k,
							       .tid = thread,
							       .thread = thread };
			for (int64_t ts = 0; ts < span_ns; ts += g[i].tick_ns)
				arm(&b, ts, thread, 0,
				    past_every && nr++ % past_every == 0 ? MS : -g[i].tick_ns);
		}
	}
	assert_int_equal(side_from_blocks(s, "side", &b, &t, &r), 0);
	blocks_free(&b);
}

/* The VM of B that VM @vm of A was paired with, by its timers; -2: none was. */
static int counterpart(const struct comparison *c, int vm)
{
	for (unsigned int i = 0; i < c->nr_pairs; i++)
		if (c->pairs[i].a->vm == vm && c->pairs[i].a->timer == 0)
			return c->pairs[i].b->vm;
	return -2;
}

static void pair_guests(struct comparison *c, const struct guest *a, unsigned int nr_a,
			const struct guest *b, unsigned int nr_b)
{
	memset(c, 0, sizeof(*c));
	make_side(&c->side[0], a, nr_a, 0, S);
	make_side(&c->side[1], b, nr_b, 0, S);
	assert_int_equal(comparison_pair(c), 0);
}

/* Names first, then shape and tick; never the number. */
static void pairs_by_role(void **state)
{
	const struct guest a[] = { { 0, NULL, 2, 10 * MS },
				   { 1, NULL, 1, 2 * MS },
				   { 2, NULL, 1, 16 * MS } };
	const struct guest b[] = { { 0, NULL, 1, 15 * MS },
				   { 1, NULL, 2, 10 * MS },
				   { 2, NULL, 1, 2 * MS } };
	const struct guest named_a[] = { { 0, "web", 1, 10 * MS }, { 1, "db", 1, 10 * MS } };
	const struct guest named_b[] = { { 0, "db", 1, 10 * MS }, { 1, "web", 1, 10 * MS } };
	const struct guest alike[] = { { 0, NULL, 1, 10 * MS }, { 1, NULL, 1, 10 * MS } };
	struct comparison c;

	(void)state;
	pair_guests(&c, a, 3, b, 3);
	assert_int_equal(counterpart(&c, 0), 1);
	assert_int_equal(counterpart(&c, 1), 2);
	assert_int_equal(counterpart(&c, 2), 0);
	comparison_free(&c);
	pair_guests(&c, named_a, 2, named_b, 2);
	assert_int_equal(counterpart(&c, 0), 1);
	assert_int_equal(counterpart(&c, 1), 0);
	comparison_free(&c);
	pair_guests(&c, alike, 2, alike, 2);
	assert_int_equal(counterpart(&c, 0), 0);
	assert_int_equal(counterpart(&c, 1), 1);
	comparison_free(&c);
	pair_guests(&c, alike, 2, alike, 1);
	assert_int_equal(counterpart(&c, 0), 0);
	assert_int_equal(counterpart(&c, 1), -2);
	comparison_free(&c);
}

/* --- differences ------------------------------------------------------------------------------ */

static const struct difference *find(const struct differences *all, enum measure m)
{
	for (unsigned int i = 0; i < all->nr; i++)
		if (all->d[i].measure == m)
			return &all->d[i];
	fail();
	return NULL;
}

static void compare_ticks(struct comparison *c, struct differences *d, unsigned int every_a,
			  unsigned int every_b, int64_t span_ns)
{
	const struct guest g = { 0, NULL, 1, 10 * MS };

	memset(c, 0, sizeof(*c));
	make_side(&c->side[0], &g, 1, every_a, span_ns);
	make_side(&c->side[1], &g, 1, every_b, span_ns);
	assert_int_equal(comparison_pair(c), 0);
	assert_int_equal(differences_find(d, c), 0);
}

/* Evenly spread past-due arms vary hardly at all: half as many show, in both directions. */
static void words(void **state)
{
	const struct difference *x;
	struct differences d;
	struct comparison c;

	(void)state;
	compare_ticks(&c, &d, 100, 50, 60 * S);
	x = find(&d, MEASURE_PAST_DUE);
	assert_int_equal(x->word, DIFFERENCE_WORSE);
	assert_true(x->low > 0 && x->low < 0.01 && x->high > 0.01);
	assert_true(difference_beyond(x, 50) && !difference_beyond(x, 150));
	assert_int_equal(find(&d, MEASURE_STORM)->word, DIFFERENCE_NONE);
	assert_true(find(&d, MEASURE_STORM)->nothing);
	differences_free(&d);
	comparison_free(&c);
	compare_ticks(&c, &d, 50, 100, 60 * S);
	assert_int_equal(find(&d, MEASURE_PAST_DUE)->word, DIFFERENCE_BETTER);
	assert_false(difference_beyond(find(&d, MEASURE_PAST_DUE), 0));
	differences_free(&d);
	comparison_free(&c);
	compare_ticks(&c, &d, 100, 100, 60 * S);
	x = find(&d, MEASURE_PAST_DUE);
	assert_int_equal(x->word, DIFFERENCE_NONE);
	assert_true(x->low < 0 && x->high > 0 && isnan(x->times));
	differences_free(&d);
	comparison_free(&c);
}

/* A few arms at one time tell nothing of how often such come. */
static void too_little(void **state)
{
	const struct difference *x;
	struct differences d;
	struct comparison c;

	(void)state;
	compare_ticks(&c, &d, 2, 3, 25 * MS);
	for (unsigned int i = 0; i < d.nr; i++)
		assert_true(d.d[i].nothing || d.d[i].word == DIFFERENCE_CANNOT_TELL ||
			    d.d[i].word == DIFFERENCE_NONE);
	x = find(&d, MEASURE_PAST_DUE);
	assert_int_equal(x->word, DIFFERENCE_CANNOT_TELL);
	assert_non_null(x->why);
	assert_true(isnan(x->low));
	differences_free(&d);
	comparison_free(&c);
}

/* Two results without a value in common still get a sentence, and nothing before it is written. */
static void nothing_in_common(void **state)
{
	const struct differences none = { 0 };
	const struct comparison_view view = { .d = &none };
	char buf[128];

	(void)state;
	memset(buf, 'x', sizeof(buf));
	comparison_sentence(buf + 8, sizeof(buf) - 8, &view);
	assert_memory_equal(buf, "xxxxxxxx", 8);
	assert_string_equal(buf + 8, "These recordings have nothing that can be compared.");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_join),
		cmocka_unit_test(blocks_hostile),
		cmocka_unit_test(progress_spans),
		cmocka_unit_test(pairs_by_role),
		cmocka_unit_test(words),
		cmocka_unit_test(too_little),
		cmocka_unit_test(nothing_in_common),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
