// SPDX-License-Identifier: GPL-2.0
/* Which rows the timeline has, and in which order. */
#include <stdlib.h>
#include <string.h>

#include "../output/finding.h"
#include "../output/units.h"
#include "model.h"

#define MAX_VMS 4096

bool br_model_folded(const struct br_model *m, int vm)
{
	for (unsigned int i = 0; i < m->nr_folded; i++)
		if (m->folded[i] == vm)
			return true;
	return false;
}

const struct hvst_vm *br_vm(const struct br_model *m, int vm)
{
	return m->live.result && vm >= 0 ? result_vm(m->live.result, vm) : NULL;
}

const char *br_vm_name(const struct br_model *m, int vm)
{
	static const char process[] = "qemu:"; /* and the guest's name, as libvirt starts it */
	const struct hvst_vm *v = br_vm(m, vm);

	if (!v || v->name)
		return v ? v->name : NULL;
	if (!strncmp(v->vmm, process, strlen(process)))
		return v->vmm + strlen(process);
	if (!v->nr_vcpus)
		return NULL;
	return !*v->vcpus[0]->comm || !strncmp(v->vcpus[0]->comm, "CPU ", 4) ? NULL
									     : v->vcpus[0]->comm;
}

/* --- what decides about the order ------------------------------------------------------------- */

/* Of a timer, or of a VM. */
struct weight {
	uint64_t harm; /* past-due arms, and the turns of livelocks */
	bool found;    /* there is a finding about it, */
	bool storm;    /* and this is a storm */
};

struct ordering {
	const struct br_timer *timers;
	struct weight *timer; /* by number of the timer in the index */
	struct weight *vm;    /* by vm_slot() */
	bool by_harm;
};

/* More VMs than slots share some, which only makes their order less exact. */
static unsigned int vm_slot(int vm)
{
	return ((unsigned int)vm + 1) % MAX_VMS;
}

static void weigh_storms(const struct br_model *m, struct ordering *o)
{
	for (unsigned int i = 0; i < m->live.nr_storms; i++) {
		const struct hvst_storm *s = m->live.storms[i];
		int timer = br_index_storm(m->live.index, s);

		if (timer < 0 || !br_storm_passes(m, s))
			continue;
		o->timer[timer].found = o->vm[vm_slot(o->timers[timer].vm)].found = true;
		o->timer[timer].storm = o->vm[vm_slot(s->vm)].storm = true;
		if (s->kind == HVST_STORM_LIVELOCK)
			o->timer[timer].harm += storm_size(s);
	}
}

static void weigh_changes(const struct br_model *m, struct ordering *o)
{
	for (unsigned int i = 0; i < m->nr_findings; i++) {
		const struct br_finding *f = &m->findings[i];

		if (br_is_change(m, f))
			o->vm[vm_slot(br_finding_vm(m, f))].found = true;
	}
}

static bool weigh(const struct br_model *m, struct ordering *o)
{
	unsigned int n = m->live.index->nr_timers;

	*o = (struct ordering){ .timers = m->live.index->timers, .by_harm = m->by_harm };
	o->timer = calloc(n + 1, sizeof(*o->timer));
	o->vm = calloc(MAX_VMS, sizeof(*o->vm));
	if (!o->timer || !o->vm)
		return false;
	weigh_storms(m, o);
	weigh_changes(m, o);
	for (unsigned int i = 0; i < n; i++) {
		o->timer[i].harm += o->timers[i].past;
		o->vm[vm_slot(o->timers[i].vm)].harm += o->timer[i].harm;
	}
	return true;
}

/*
 * VMs by harm, or as they appeared with the unknown one last; within one its timers by harm, or by
 * vCPU, thread, timer.
 */
static int timer_order(const void *a, const void *b, void *ctx)
{
	const struct ordering *o = ctx;
	int i = *(const int *)a, k = *(const int *)b;
	const struct br_timer *x = &o->timers[i], *y = &o->timers[k];
	unsigned int vx = (unsigned int)x->vm, vy = (unsigned int)y->vm;

	if (vx != vy && o->by_harm && o->vm[vm_slot(x->vm)].harm != o->vm[vm_slot(y->vm)].harm)
		return o->vm[vm_slot(x->vm)].harm > o->vm[vm_slot(y->vm)].harm ? -1 : 1;
	if (vx != vy)
		return vx < vy ? -1 : 1;
	if (o->by_harm && o->timer[i].harm != o->timer[k].harm)
		return o->timer[i].harm > o->timer[k].harm ? -1 : 1;
	if (x->vcpu != y->vcpu)
		return x->vcpu < y->vcpu ? -1 : 1;
	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return x->timer < y->timer ? -1 : x->timer > y->timer;
}

/* --- rows ------------------------------------------------------------------------------------- */

static bool timer_passes(const struct br_model *m, const struct br_timer *l)
{
	const struct filter_timer what = { l->vm, l->vcpu, l->timer, l->tid };

	return !m->filter || filter_eval(m->filter, FILTER_TIMER, &what) != FILTER_NO;
}

static unsigned int sorted_timers(const struct br_model *m, struct ordering *o, int *order)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < m->live.index->nr_timers; i++)
		if (timer_passes(m, &o->timers[i]))
			order[n++] = (int)i;
	qsort_r(order, n, sizeof(*order), timer_order, o);
	return n;
}

static void add_row(struct br_model *m, enum br_row_kind kind, int vm, int timer)
{
	m->rows[m->nr_rows++] = (struct br_row){ .kind = kind, .vm = vm, .timer = timer };
}

static void vm_rows(struct br_model *m, const struct ordering *o, unsigned int first,
		    unsigned int n)
{
	int vm = o->timers[m->shown[first]].vm;
	struct br_row *row = &m->rows[m->nr_rows];

	if (m->only_findings && !o->vm[vm_slot(vm)].found)
		return;
	add_row(m, BR_ROW_VM, vm, -1);
	row->first = first;
	row->n = n;
	if (br_model_folded(m, vm))
		return;
	add_row(m, BR_ROW_REFERENCE, vm, -1);
	add_row(m, BR_ROW_GUEST, vm, -1);
	add_row(m, BR_ROW_CLOCKS, vm, -1);
	for (unsigned int i = first; i < first + n; i++)
		if (!m->only_findings || o->timer[m->shown[i]].found)
			add_row(m, BR_ROW_TIMER, vm, m->shown[i]);
}

static void build_rows(struct br_model *m, struct ordering *o)
{
	unsigned int n = sorted_timers(m, o, m->shown), end;

	m->nr_rows = 0;
	for (unsigned int i = 0; i < n; i = end) {
		for (end = i + 1; end < n; end++)
			if (o->timers[m->shown[end]].vm != o->timers[m->shown[i]].vm)
				break;
		vm_rows(m, o, i, end - i);
	}
}

/* The first timer or folded VM with a storm, else the first timer. */
static int default_row(const struct br_model *m, const struct ordering *o)
{
	int timer = -1;

	for (unsigned int i = 0; i < m->nr_rows; i++) {
		const struct br_row *r = &m->rows[i];

		if (r->kind != BR_ROW_TIMER && !(r->kind == BR_ROW_VM && br_model_folded(m, r->vm)))
			continue;
		if (timer < 0)
			timer = (int)i;
		if (r->kind == BR_ROW_TIMER ? o->timer[r->timer].storm
					    : o->vm[vm_slot(r->vm)].storm)
			return (int)i;
	}
	return timer < 0 && m->nr_rows ? 0 : timer;
}

void br_model_rows(struct br_model *m)
{
	unsigned int all = m->live.index->nr_timers;
	int *shown = realloc(m->shown, (all + 1) * sizeof(*shown));
	struct br_row *rows = realloc(m->rows, (5 * (size_t)all + 1) * sizeof(*rows));
	struct ordering o;

	m->generation++; /* as the filter, or the index may have changed */
	m->shown = shown ? shown : m->shown;
	m->rows = rows ? rows : m->rows;
	if (weigh(m, &o) && shown && rows) {
		build_rows(m, &o);
		m->default_row = default_row(m, &o);
	}
	free(o.timer);
	free(o.vm);
}

/* The first row that @want holds for. */
static int find_row(const struct br_model *m, const struct br_row *want)
{
	for (unsigned int i = 0; i < m->nr_rows; i++) {
		const struct br_row *r = &m->rows[i];

		if (r->kind == want->kind &&
		    (r->kind == BR_ROW_TIMER ? r->timer == want->timer : r->vm == want->vm))
			return (int)i;
	}
	return -1;
}

int br_model_row(const struct br_model *m)
{
	int i = find_row(m, &m->row);

	/* A timer's row may be folded away, or filtered: its VM's instead. */
	if (i < 0 && m->row.kind == BR_ROW_TIMER && m->row.timer >= 0)
		i = find_row(m, &(struct br_row){ .kind = BR_ROW_VM,
						  .vm = m->live.index->timers[m->row.timer].vm });
	return i < 0 ? m->default_row : i;
}
