// SPDX-License-Identifier: GPL-2.0
/* One side of a comparison from a stored result. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "result_read.h"
#include "stored/stored.h"

#define MAX_STORMS 65536

bool is_result(const char *path)
{
	static const char database[] = "SQLite format 3";
	char head[sizeof(database)] = "";
	FILE *in = fopen(path, "re");
	size_t n;

	if (!in)
		return false;
	n = fread(head, 1, sizeof(head) - 1, in);
	fclose(in);
	return (n && head[strspn(head, " \t\r\n")] == '{') || !strcmp(head, database);
}

/* Findings set aside until the whole result is read. */
struct reader {
	struct side *side;
	struct hvst_storm *storms;
	unsigned int nr_storms, cap_storms;
	struct side_vm names[MAX_BLOCK_TIMERS];
	unsigned int nr_names;
	struct unit *blocks; /* sums by block, of timers and vCPUs */
	unsigned int nr_blocks;
};

/* The timer's count of arms includes both kinds. */
static bool one_shot_only(const struct hvst_timer *t)
{
	return t->mode == HVST_MODE_ONE_SHOT || t->mode == HVST_MODE_NONE;
}

static int take_sketch(struct hvst_sketch **to, const struct hvst_sketch *from)
{
	if (!from)
		return 0;
	*to = hvst_sketch_new();
	return *to ? hvst_sketch_merge(*to, from) : -ENOMEM;
}

static int on_timer(void *ctx, const struct hvst_timer *t)
{
	struct side *s = ((struct reader *)ctx)->side;
	struct unit *u = &s->units[s->nr_units];
	int err;

	/* VMs that had the same thread id: also in the rows of these. */
	if (t->vm < 0 && !hvst_sketch_count(t->skew) && !hvst_sketch_count(t->lateness))
		return 0;
	if (s->nr_units == MAX_BLOCK_TIMERS) {
		s->left_out = true;
		return 0;
	}
	s->nr_units++;
	u->vm = t->vm;
	u->vcpu = t->vcpu;
	u->tid = t->tid;
	u->timer = t->timer;
	if (one_shot_only(t)) {
		u->measured[MEASURE_PAST_DUE].sum =
			(double)t->past_due_observed + (double)t->past_due_inferred;
		u->measured[MEASURE_PAST_DUE].base = (double)t->arms;
	}
	err = take_sketch(&u->whole[BLOCK_SKEW], t->skew);
	return err ? err : take_sketch(&u->whole[BLOCK_LATENESS], t->lateness);
}

static int on_storm(void *ctx, const struct hvst_storm *storm)
{
	struct reader *r = ctx;

	if (r->nr_storms == MAX_STORMS)
		return -E2BIG;
	if (r->nr_storms == r->cap_storms) {
		unsigned int cap = r->cap_storms ? 2 * r->cap_storms : 16;
		struct hvst_storm *more = reallocarray(r->storms, cap, sizeof(*more));

		if (!more)
			return -ENOMEM;
		r->storms = more;
		r->cap_storms = cap;
	}
	r->storms[r->nr_storms++] = *storm;
	return 0;
}

static int on_verdict(void *ctx, const struct hvst_verdict *verdict)
{
	(void)ctx;
	(void)verdict;
	return 0;
}

static int on_vm(void *ctx, int vm, const char *name)
{
	struct reader *r = ctx;

	if (r->nr_names == MAX_BLOCK_TIMERS)
		return 0; /* more timers than are followed */
	r->names[r->nr_names].vm = vm;
	snprintf(r->names[r->nr_names].name, sizeof(r->names->name), "%s", name);
	r->nr_names++;
	return 0;
}

static int on_unit(void *ctx, const struct unit *unit)
{
	struct reader *r = ctx;

	if (!r->blocks)
		r->blocks = calloc(2 * MAX_BLOCK_TIMERS, sizeof(*r->blocks));
	if (!r->blocks)
		return -ENOMEM;
	if (r->nr_blocks == 2 * MAX_BLOCK_TIMERS)
		return -E2BIG;
	r->blocks[r->nr_blocks++] = *unit;
	return 0;
}

/* --- the side --------------------------------------------------------------------------------- */

/*
 * Sums by block go to the timer that they belong to; vCPUs, which have no other place, become
 * units.
 */
static void add_blocks(const struct reader *r)
{
	struct side *s = r->side;
	unsigned int n = s->nr_units;

	for (unsigned int i = 0; i < r->nr_blocks; i++) {
		const struct unit *from = &r->blocks[i];
		struct unit *to = NULL;

		for (unsigned int k = 0; k < n && from->timer >= 0 && !to; k++)
			if (s->units[k].vm == from->vm && s->units[k].tid == from->tid &&
			    s->units[k].timer == from->timer)
				to = &s->units[k];
		if (to)
			memcpy(to->measured, from->measured, sizeof(to->measured));
		else if (from->timer < 0 && s->nr_units < 2 * MAX_BLOCK_TIMERS)
			s->units[s->nr_units++] = *from;
	}
}

static void add_storms(const struct reader *r, struct unit *u)
{
	struct measured *m = &u->measured[MEASURE_STORM];
	double in_storms = 0;

	for (unsigned int i = 0; i < r->nr_storms; i++) {
		const struct hvst_storm *s = &r->storms[i];
		int64_t length;

		if (s->vm != u->vm || s->tid != u->tid || s->timer != u->timer ||
		    __builtin_sub_overflow(s->end_ns, s->start_ns, &length))
			continue;
		in_storms += (double)length;
		u->longest_storm_ns = length > u->longest_storm_ns ? length : u->longest_storm_ns;
	}
	if (m->base > 0 || u->timer < 0)
		return; /* by block already */
	m->sum = in_storms;
	m->base = (double)r->side->span_ns;
}

static int make_side(struct reader *r, const struct stored_recording *rec)
{
	struct side *s = r->side;
	int err;

	if (rec->trace.first_ns == HVST_UNKNOWN ||
	    __builtin_sub_overflow(rec->trace.last_ns, rec->trace.first_ns, &s->span_ns) ||
	    s->span_ns < 0)
		return -EINVAL;
	s->nr_batches = rec->blocks;
	s->batch_ns = rec->block_ns;
	add_blocks(r);
	for (unsigned int i = 0; i < s->nr_units; i++)
		add_storms(r, &s->units[i]);
	err = side_finish(s);
	for (unsigned int i = 0; i < r->nr_names; i++) {
		struct side_vm *vm = side_vm_of(s, r->names[i].vm);

		if (vm)
			memcpy(vm->name, r->names[i].name, sizeof(vm->name));
	}
	return err;
}

/* The file's own message, or one of this command. */
static int explain(const struct stored_file *f, int err, char *why, size_t len)
{
	const char *text = *f->error	    ? f->error
			   : err == -E2BIG  ? "more storms, or timers, than are followed"
			   : err == -EINVAL ? "no result of diagnose, or more than one"
					    : strerror(-err);

	if (*f->error)
		snprintf(why, len, "%s", text);
	else
		snprintf(why, len, "%s: %s", f->path, text);
	return err;
}

/* @rec: the second of two recordings, where there must be one. */
static int read_file(struct reader *r, struct stored_file *f, struct stored_recording *rec)
{
	static const struct stored_ops ops = { .timer = on_timer,
					       .storm = on_storm,
					       .verdict = on_verdict,
					       .vm = on_vm,
					       .unit = on_unit };
	int n = stored_next(f, &rec[0], &ops, r);

	if (n <= 0)
		return n ? n : -EINVAL;
	n = stored_next(f, &rec[1], &ops, r);
	if (n)
		return n < 0 ? n : -EINVAL;
	return make_side(r, &rec[0]);
}

int side_from_result(struct side *s, const char *path, char *why, size_t len)
{
	struct stored_recording *rec = calloc(2, sizeof(*rec));
	struct stored_file *f = calloc(1, sizeof(*f));
	struct reader *r = calloc(1, sizeof(*r));
	int err = -ENOMEM;

	memset(s, 0, sizeof(*s));
	s->path = path;
	if (rec && f && r) {
		r->side = s;
		f->path = path;
		err = side_alloc(s, 2 * MAX_BLOCK_TIMERS);
		if (!err)
			err = stored_open(f, path);
		if (!err)
			err = read_file(r, f, rec);
		if (err)
			explain(f, err, why, len);
		stored_close(f);
		free(r->storms);
		free(r->blocks);
	} else {
		snprintf(why, len, "out of memory");
	}
	free(rec);
	free(f);
	free(r);
	return err;
}
