// SPDX-License-Identifier: GPL-2.0
/* Units of both sides, and how they are paired. */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "compare.h"

#define TICK_RANK 500
#define MEDIAN	  5000

const char *measure_name(enum measure m)
{
	static const char *const names[MEASURES] = { "skew", "lateness", "storm_time",
						     "past_due_share", "progress" };

	return names[m];
}

bool measure_is_median(enum measure m)
{
	return m == MEASURE_SKEW || m == MEASURE_LATENESS;
}

/* --- units ------------------------------------------------------------------------------------ */

static void unit_empty(struct unit *u)
{
	for (unsigned int d = 0; d < BLOCK_DISTRIBUTIONS; d++) {
		hvst_sketch_free(u->whole[d]);
		for (unsigned int i = 0; i < MAX_BLOCKS; i++)
			hvst_sketch_free(u->batch[d][i]);
	}
}

void side_free(struct side *s)
{
	for (unsigned int i = 0; i < s->nr_units; i++)
		unit_empty(&s->units[i]);
	free(s->units);
	free(s->vms);
	memset(s, 0, sizeof(*s));
}

static int merge_into(struct hvst_sketch **into, const struct hvst_sketch *from)
{
	if (!from)
		return 0;
	if (!*into)
		*into = hvst_sketch_new();
	return *into ? hvst_sketch_merge(*into, from) : -ENOMEM;
}

static void count(struct measured *m, unsigned int batch, double sum, double base)
{
	m->part[batch] += sum;
	m->part_base[batch] += base;
	m->sum += sum;
	m->base += base;
}

/* Values up to @limit: of the buckets, to their resolution. */
static uint64_t count_to(const struct hvst_sketch *s, int64_t limit)
{
	uint64_t n, sum = 0;
	unsigned int iter = 0;
	int64_t lo, hi;

	while (s && hvst_sketch_next(s, &iter, &lo, &hi, &n) && lo <= limit)
		sum += n;
	return sum;
}

static void measure_median(struct unit *u, enum measure m, enum block_distribution d,
			   unsigned int batches)
{
	struct measured *to = &u->measured[m];

	if (!hvst_sketch_count(u->whole[d]))
		return;
	to->known = true;
	to->value = (double)hvst_sketch_quantile(u->whole[d], MEDIAN);
	for (unsigned int i = 0; i < batches; i++)
		count(to, i, (double)count_to(u->batch[d][i], (int64_t)to->value),
		      (double)hvst_sketch_count(u->batch[d][i]));
}

static void measure_share(struct measured *m)
{
	m->known = m->base > 0;
	m->value = m->known ? m->sum / m->base : 0;
}

/* Compute the unit's values once all sums are complete. */
static void unit_finish(struct unit *u, unsigned int batches)
{
	measure_median(u, MEASURE_SKEW, BLOCK_SKEW, batches);
	measure_median(u, MEASURE_LATENESS, BLOCK_LATENESS, batches);
	measure_share(&u->measured[MEASURE_STORM]);
	measure_share(&u->measured[MEASURE_PAST_DUE]);
	measure_share(&u->measured[MEASURE_PROGRESS]);
}

/* --- a side ----------------------------------------------------------------------------------- */

static int64_t longest_storm(const struct hvst_result *r)
{
	int64_t longest = 0;

	for (unsigned int i = 0; i < r->nr_storms; i++)
		if (r->storms[i]->end_ns - r->storms[i]->start_ns > longest)
			longest = r->storms[i]->end_ns - r->storms[i]->start_ns;
	return longest;
}

/*
 * How many blocks make a batch: a storm is a single event, so a batch has to be at least as long as
 * the longest storm; but it must leave enough of the recording for other batches.
 */
static unsigned int blocks_a_batch(const struct blocks *b, int64_t storm_ns)
{
	int64_t width = 1LL << b->shift,
		wanted = storm_ns <= width ? 1 : (storm_ns - 1) / width + 1;
	unsigned int most = b->nr > GOOD_BATCHES ? b->nr / GOOD_BATCHES : 1;

	return wanted < most ? (unsigned int)wanted : most;
}

/* The numbers of a thread; -1 where the VM is not known. */
static void who(const struct hvst_result *r, int thread, int *vm, int *vcpu)
{
	for (unsigned int i = 0; i < r->nr_vms; i++)
		for (unsigned int k = 0; k < r->vms[i]->nr_vcpus; k++)
			if (r->vms[i]->vcpus[k]->thread == thread) {
				*vm = r->vms[i]->vm;
				*vcpu = r->vms[i]->vcpus[k]->vcpu;
			}
}

struct builder {
	struct side *side;
	const struct blocks *b;
	const struct hvst_trace *t;
	const struct hvst_result *r;
	unsigned int each; /* blocks of a batch */
};

static void unit_storms(const struct builder *w, struct unit *u)
{
	struct measured *m = &u->measured[MEASURE_STORM];

	for (unsigned int i = 0; i < w->b->nr; i++)
		count(m, i / w->each, 0,
		      (double)blocks_overlap(w->b, i, w->t->first_ns, w->t->last_ns));
	for (unsigned int k = 0; k < w->r->nr_storms; k++) {
		const struct hvst_storm *s = w->r->storms[k];

		if (s->vm != u->vm || s->tid != u->tid || s->timer != u->timer)
			continue;
		if (s->end_ns - s->start_ns > u->longest_storm_ns)
			u->longest_storm_ns = s->end_ns - s->start_ns;
		for (unsigned int i = 0; i < w->b->nr; i++)
			count(m, i / w->each,
			      (double)blocks_overlap(w->b, i, s->start_ns, s->end_ns), 0);
	}
}

static int unit_of_timer(const struct builder *w, struct unit *u, const struct timer_blocks *t)
{
	int err = 0;

	u->tid = t->tid;
	u->vm = -1;
	u->vcpu = t->vcpu;
	u->timer = t->timer;
	who(w->r, t->thread, &u->vm, &u->vcpu);
	for (unsigned int i = 0; i < w->b->nr && !err; i++) {
		const struct timer_block *from = &t->block[i];

		count(&u->measured[MEASURE_PAST_DUE], i / w->each, (double)from->past_due,
		      (double)from->arms);
		for (unsigned int d = 0; d < BLOCK_DISTRIBUTIONS && !err; d++) {
			err = merge_into(&u->whole[d], from->sketch[d]);
			if (!err)
				err = merge_into(&u->batch[d][i / w->each], from->sketch[d]);
		}
	}
	unit_storms(w, u);
	return err;
}

static void unit_of_vcpu(const struct builder *w, struct unit *u, const struct vcpu_blocks *v)
{
	u->vm = u->vcpu = u->timer = u->tid = -1;
	who(w->r, v->thread, &u->vm, &u->vcpu);
	for (unsigned int i = 0; i < w->b->nr; i++)
		count(&u->measured[MEASURE_PROGRESS], i / w->each, (double)v->progress_ns[i],
		      (double)v->seen_ns[i]);
}

/* --- VMs -------------------------------------------------------------------------------------- */

static int add_to_vm(struct unit *vm, const struct unit *u, unsigned int batches)
{
	int err = 0;

	if (u->longest_storm_ns > vm->longest_storm_ns)
		vm->longest_storm_ns = u->longest_storm_ns;
	for (unsigned int m = 0; m < MEASURES; m++) {
		if (measure_is_median(m))
			continue; /* no median of medians can be computed */
		vm->measured[m].sum += u->measured[m].sum;
		vm->measured[m].base += u->measured[m].base;
		for (unsigned int i = 0; i < batches; i++) {
			vm->measured[m].part[i] += u->measured[m].part[i];
			vm->measured[m].part_base[i] += u->measured[m].part_base[i];
		}
	}
	for (unsigned int d = 0; d < BLOCK_DISTRIBUTIONS && !err; d++) {
		err = merge_into(&vm->whole[d], u->whole[d]);
		for (unsigned int i = 0; i < batches && !err; i++)
			err = merge_into(&vm->batch[d][i], u->batch[d][i]);
	}
	return err;
}

struct side_vm *side_vm_of(const struct side *s, int vm)
{
	for (unsigned int i = 0; i < s->nr_vms; i++)
		if (s->vms[i].vm == vm)
			return &s->vms[i];
	return NULL;
}

/* Is it the first unit of its vCPU? */
static bool new_vcpu(const struct side *s, unsigned int unit)
{
	for (unsigned int i = 0; i < unit; i++)
		if (s->units[i].vm == s->units[unit].vm && s->units[i].vcpu == s->units[unit].vcpu)
			return false;
	return true;
}

/* A VM for each that a unit belongs to: all its timers together. Their units go to @vm_units. */
static int make_vms(struct side *s, struct unit *vm_units)
{
	int err = 0;

	for (unsigned int i = 0; i < s->nr_units && !err; i++) {
		const struct unit *u = &s->units[i];
		struct side_vm *vm = side_vm_of(s, u->vm);

		if (!vm) {
			vm = &s->vms[s->nr_vms];
			*vm = (struct side_vm){ .vm = u->vm, .pair = -1 };
			vm_units[s->nr_vms].vm = u->vm;
			vm_units[s->nr_vms].vcpu = vm_units[s->nr_vms].timer = -1;
			vm_units[s->nr_vms++].tid = -1;
		}
		vm->timers += u->timer >= 0;
		vm->vcpus += new_vcpu(s, i);
		err = add_to_vm(&vm_units[vm - s->vms], u, s->nr_batches);
	}
	for (unsigned int i = 0; i < s->nr_vms; i++)
		s->vms[i].tick_ns =
			hvst_sketch_count(vm_units[i].whole[BLOCK_SKEW])
				? hvst_sketch_quantile(vm_units[i].whole[BLOCK_SKEW], TICK_RANK)
				: 0;
	return err;
}

bool vm_has_parts(const struct side *s, int vm)
{
	for (unsigned int i = 0; i < s->nr_vms; i++)
		if (s->vms[i].vm == vm)
			return s->vms[i].timers > 1 || s->vms[i].vcpus > 1;
	return false;
}

static int unit_order(const void *x, const void *y)
{
	const struct unit *a = x, *b = y;

	if (a->vm != b->vm)
		return (unsigned int)a->vm < (unsigned int)b->vm ? -1 : 1;
	if (a->vcpu != b->vcpu)
		return a->vcpu - b->vcpu;
	return a->timer != b->timer ? a->timer - b->timer : a->tid - b->tid;
}

int side_alloc(struct side *s, unsigned int units)
{
	/* Each unit has a VM, at worst one of its own. */
	s->units = calloc(2 * (size_t)units + 1, sizeof(*s->units));
	s->vms = calloc((size_t)units + 1, sizeof(*s->vms));
	return s->units && s->vms ? 0 : -ENOMEM;
}

/* A storm's effect on a vCPU's progress lasts as long as the storm. */
static void vcpu_storms(const struct side *s, struct unit *u)
{
	for (unsigned int i = 0; i < s->nr_units; i++) {
		const struct unit *t = &s->units[i];

		if (t->vm == u->vm && t->vcpu == u->vcpu && t->timer >= 0 &&
		    t->longest_storm_ns > u->longest_storm_ns)
			u->longest_storm_ns = t->longest_storm_ns;
	}
}

int side_finish(struct side *s)
{
	int err;

	for (unsigned int i = 0; i < s->nr_units; i++)
		if (s->units[i].timer < 0)
			vcpu_storms(s, &s->units[i]);
	err = make_vms(s, &s->units[s->nr_units]);
	s->nr_units += s->nr_vms;
	for (unsigned int i = 0; i < s->nr_units; i++)
		unit_finish(&s->units[i], s->nr_batches);
	qsort(s->units, s->nr_units, sizeof(*s->units), unit_order);
	return err;
}

static void name_vms(struct side *s, const struct hvst_result *r)
{
	for (unsigned int i = 0; i < r->nr_vms; i++) {
		struct side_vm *vm = side_vm_of(s, r->vms[i]->vm);

		if (vm && r->vms[i]->name)
			snprintf(vm->name, sizeof(vm->name), "%s", r->vms[i]->name);
	}
}

int side_from_blocks(struct side *s, const char *path, const struct blocks *b,
		     const struct hvst_trace *t, const struct hvst_result *r)
{
	const struct builder w = {
		.side = s, .b = b, .t = t, .r = r, .each = blocks_a_batch(b, longest_storm(r))
	};
	int err;

	memset(s, 0, sizeof(*s));
	s->path = path;
	s->span_ns = t->first_ns == HVST_UNKNOWN ? 0 : t->last_ns - t->first_ns;
	s->nr_batches = b->nr ? (b->nr - 1) / w.each + 1 : 0;
	s->batch_ns = (int64_t)w.each << b->shift;
	s->left_out = b->left_out;
	err = side_alloc(s, b->nr_timers + b->nr_vcpus);
	for (unsigned int i = 0; i < b->nr_timers && !err; i++)
		err = unit_of_timer(&w, &s->units[s->nr_units++], b->timers[i]);
	if (err)
		return err;
	for (unsigned int i = 0; i < b->nr_vcpus; i++)
		unit_of_vcpu(&w, &s->units[s->nr_units + i], b->vcpus[i]);
	s->nr_units += b->nr_vcpus;
	err = side_finish(s);
	name_vms(s, r);
	return err;
}

/* --- pairs ------------------------------------------------------------------------------------ */

/* How far apart two ticks are, in steps of a factor of 1.4: noise does not tell VMs apart. */
static unsigned int ticks_apart(const struct side_vm *a, const struct side_vm *b)
{
	int64_t x = llabs(a->tick_ns) + 1, y = llabs(b->tick_ns) + 1;

	return (unsigned int)fabs(round(2 * log2((double)x / (double)y)));
}

static bool same_shape(const struct side_vm *a, const struct side_vm *b)
{
	return a->vcpus == b->vcpus && a->timers == b->timers;
}

static bool any_shape(const struct side_vm *a, const struct side_vm *b)
{
	(void)a;
	(void)b;
	return true;
}

static bool same_name(const struct side_vm *a, const struct side_vm *b)
{
	return *a->name && !strcmp(a->name, b->name);
}

/* The VM of @s, not yet paired, that is like @vm and has the nearest tick; of several the first. */
static int nearest_vm(const struct side *s, const struct side_vm *vm,
		      bool (*like)(const struct side_vm *a, const struct side_vm *b))
{
	unsigned int least = UINT_MAX;
	int found = -1;

	for (unsigned int i = 0; i < s->nr_vms; i++) {
		unsigned int apart = ticks_apart(vm, &s->vms[i]);

		if (s->vms[i].pair >= 0 || (s->vms[i].vm < 0) != (vm->vm < 0) ||
		    !like(vm, &s->vms[i]) || apart >= least)
			continue;
		least = apart;
		found = (int)i;
	}
	return found;
}

static void pair_vms(struct comparison *c,
		     bool (*like)(const struct side_vm *, const struct side_vm *))
{
	for (unsigned int i = 0; i < c->side[0].nr_vms; i++) {
		struct side_vm *vm = &c->side[0].vms[i];
		int to = vm->pair < 0 ? nearest_vm(&c->side[1], vm, like) : -1;

		if (to < 0)
			continue;
		vm->pair = to;
		c->side[1].vms[to].pair = (int)i;
	}
}

/* In the same role: the same vCPU and timer of the VM; with @any_timer any timer of the vCPU. */
static bool same_role(const struct comparison *c, const struct unit *a, const struct unit *b,
		      bool any_timer)
{
	const struct side_vm *vm = side_vm_of(&c->side[0], a->vm);

	if (vm->pair < 0 || c->side[1].vms[vm->pair].vm != b->vm || a->vcpu != b->vcpu)
		return false;
	return a->timer == b->timer || (any_timer && a->timer >= 0 && b->timer >= 0);
}

static void pair_units(struct comparison *c, bool any_timer)
{
	for (unsigned int i = 0; i < c->side[0].nr_units; i++) {
		struct unit *a = &c->side[0].units[i];

		for (unsigned int k = 0; k < c->side[1].nr_units && !a->paired; k++) {
			struct unit *b = &c->side[1].units[k];

			if (b->paired || !same_role(c, a, b, any_timer))
				continue;
			a->paired = b->paired = true;
			c->pairs[c->nr_pairs++] = (struct pair){ a, b };
		}
	}
}

/* The A side's order, however they were paired. */
static int pair_order(const void *x, const void *y)
{
	return unit_order(((const struct pair *)x)->a, ((const struct pair *)y)->a);
}

int comparison_pair(struct comparison *c)
{
	unsigned int most = c->side[0].nr_units + 1;

	c->pairs = calloc(most, sizeof(*c->pairs));
	if (!c->pairs)
		return -ENOMEM;
	pair_vms(c, same_name);
	pair_vms(c, same_shape);
	pair_vms(c, any_shape);
	pair_units(c, false);
	pair_units(c, true);
	qsort(c->pairs, c->nr_pairs, sizeof(*c->pairs), pair_order);
	return 0;
}

void comparison_free(struct comparison *c)
{
	side_free(&c->side[0]);
	side_free(&c->side[1]);
	free(c->pairs);
	memset(c, 0, sizeof(*c));
}
