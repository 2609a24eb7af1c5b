/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. From the steps of each VM to the events of its life, and what they moved. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../abi/list.h"
#include "by_vm.h"
#include "epoch.h"
#include "life.h"

#define LIFE_APART_NS  (5LL * 1000 * 1000 * 1000) /* without a step in between: the next event */
#define LIFE_BEFORE_NS (1000LL * 1000 * 1000)
#define LIFE_MAX       4096		  /* events, and moves of each VM */
#define LIFE_PAIR_NS   (10 * 1000 * 1000) /* two offsets this far apart give the TSC's rate */
#define LIFE_STAMP_NS  (200 * 1000)	  /* a first offset is stamped this late at most */
#define LIFE_MOVE_NS   (5 * 1000 * 1000)  /* a step so close to an update is what it moved */

/* --- ownership of steps --- */

/* A task, and a VM that it created. */
struct created {
	int pid;
	int64_t first_ns; /* of the VM's threads */
	unsigned int order;
	struct vm *vm;
};
struct creators {
	struct created *v; /* by task, then time */
	unsigned int n;
};

static int cmp_created(const void *x, const void *y)
{
	const struct created *a = x, *b = y;

	if (a->pid != b->pid)
		return a->pid < b->pid ? -1 : 1;
	if (a->first_ns != b->first_ns)
		return a->first_ns < b->first_ns ? -1 : 1;
	return a->order < b->order ? -1 : a->order > b->order;
}

static int creators_list(const struct analysis *a, struct creators *c)
{
	unsigned int n = 1; /* an allocation of 0 bytes may be NULL */

	for_each_vm (vm, a)
		n += vm->number >= 0 ? vm->nr_vcpus : 0;
	*c = (struct creators){ .v = calloc(n, sizeof(*c->v)) };
	if (!c->v)
		return -ENOMEM;
	for_each_vm (vm, a) {
		int64_t first = vm->number >= 0 ? vm->first_ns : 0;

		for (const struct vcpu *v = vm->number >= 0 ? vm->vcpus : NULL; v; v = v->vm_next) {
			if (!v->ran)
				continue;
			c->v[c->n] = (struct created){ v->creator, first, c->n, vm };
			c->n++;
		}
	}
	qsort(c->v, c->n, sizeof(*c->v), cmp_created);
	return 0;
}

/* Index of the first VM of task @pid that does not begin before @ts, or where that would be. */
static unsigned int created_from(const struct creators *c, int pid, int64_t ts)
{
	const struct created key = { .pid = pid, .first_ns = ts };
	unsigned int lo = 0, hi = c->n;

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (cmp_created(&c->v[mid], &key) < 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The VM of the task @pid that began first after @ts; else the last that began before; or NULL. */
static const struct created *created_at(const struct creators *c, int pid, int64_t ts)
{
	unsigned int i = created_from(c, pid, ts);

	if (i < c->n && c->v[i].pid == pid)
		return &c->v[i];
	if (!i || c->v[i - 1].pid != pid)
		return NULL;
	return &c->v[created_from(c, pid, c->v[i - 1].first_ns)];
}

static int cmp_step(const void *x, const void *y)
{
	const struct life_step *a = x, *b = y;

	return a->ts_ns < b->ts_ns ? -1 : a->ts_ns > b->ts_ns;
}

/* Assign the steps of tasks whose threads were unknown then, and of what ran no guest, to a VM. */
static void adopt(const struct creators *c, const struct vm_life *l)
{
	for (unsigned int i = 0; i < l->nr; i++) {
		const struct created *by = created_at(c, l->steps[i].tid, l->steps[i].ts_ns);

		if (by && by->vm->state && by->vm->state->life != l)
			hvst_life_put(by->vm->state->life, &l->steps[i]);
	}
}

/* What a VM's task did after the VM was gone belongs to another VM. */
static void drop_late(const struct vm *vm)
{
	struct vm_life *l = vm->state->life;
	int64_t last = hvst_vm_last_ns(vm);
	unsigned int n = 0;

	for (unsigned int i = 0; vm->gone && i < l->nr; i++)
		if (l->steps[i].ts_ns <= last)
			l->steps[n++] = l->steps[i];
	if (vm->gone)
		l->nr = n;
}

static int adopt_all(struct analysis *a)
{
	struct creators c;

	if (creators_list(a, &c))
		return -ENOMEM;
	adopt(&c, &a->orphans);
	for_each_vm (vm, a)
		if (vm->state && vm->number < 0)
			adopt(&c, vm->state->life);
	free(c.v);
	for_each_vm (vm, a)
		if (vm->state)
			drop_late(vm);
	for_each_vm (vm, a)
		if (vm->state && vm->state->life->nr)
			qsort(vm->state->life->steps, vm->state->life->nr,
			      sizeof(*vm->state->life->steps), cmp_step);
	return 0;
}

/* --- the TSC's rate --- */

/* Two first offsets, written at different times: each is minus the host's TSC at its time. */
static double cycle_from_offsets(const struct analysis *a)
{
	const struct life_step *one = NULL;

	for_each_vm (vm, a) {
		const struct vm_life *l = vm->state ? vm->state->life : NULL;

		for (unsigned int i = 0; l && i < l->nr; i++) {
			const struct life_step *s = &l->steps[i];
			int64_t cycles;

			if (s->kind != LIFE_CREATED)
				continue;
			if (!one) {
				one = s;
				continue;
			}
			cycles = hvst_life_cycles(s->value, one->value);
			if (llabs(s->ts_ns - one->ts_ns) < LIFE_PAIR_NS || !cycles ||
			    (cycles > 0) != (s->ts_ns > one->ts_ns))
				continue;
			return (double)(s->ts_ns - one->ts_ns) / (double)cycles;
		}
	}
	return 0;
}

/* Length of one cycle of the TSC, 0 if not known. */
static double cycle_ns(const struct analysis *a)
{
	const struct hvst_trace *t = a->opts.trace;
	double ns;

	if (t->scale_source != HVST_SCALE_NONE && t->scale_mult && t->scale_shift < 64)
		return (double)t->scale_mult / (double)(1ULL << t->scale_shift);
	ns = cycle_from_offsets(a);
	return ns > 0.05 && ns < 10 ? ns : 0; /* 100 MHz to 20 GHz */
}

static int64_t cycles_ns(double cycle, int64_t cycles)
{
	double ns = cycle * (double)cycles;

	return cycle <= 0 || ns > 4e18 || ns < -4e18 ? HVST_UNKNOWN : (int64_t)ns;
}

/* --- guest TSC against reference time --- */

/* When the guest's TSC read zero, by its offsets up to @ts; HVST_UNKNOWN, and @why. */
static int64_t tsc_zero(const struct vm_life *l, double cycle, int64_t ts, char *why, size_t len)
{
	int64_t zero = HVST_UNKNOWN, moved;

	snprintf(why, len, "the first TSC offset of the VM is not in the trace");
	for (unsigned int i = 0; i < l->nr && l->steps[i].ts_ns <= ts; i++) {
		const struct life_step *s = &l->steps[i];

		if (s->kind == LIFE_CREATED && (zero == HVST_UNKNOWN || s->vcpu == 0)) {
			/* A vCPU that is created later takes over the offset of the first one. */
			if (zero == HVST_UNKNOWN)
				zero = s->ts_ns;
		} else if (s->kind == LIFE_TSC && s->vcpu <= 0 && zero != HVST_UNKNOWN) {
			moved = cycles_ns(cycle, hvst_life_cycles(s->before, s->value));
			if (moved == HVST_UNKNOWN) {
				snprintf(why, len,
					 "the TSC was moved by %lld cycles, whose length is not "
					 "known",
					 (long long)hvst_life_cycles(s->before, s->value));
				return HVST_UNKNOWN;
			}
			if (__builtin_sub_overflow(zero, moved, &zero))
				return HVST_UNKNOWN;
		}
	}
	return zero;
}

int64_t hvst_life_tsc_behind(const struct analysis *a, int vm, int64_t ts, int64_t *err, char *why,
			     size_t len)
{
	const struct hvst_ref_segment *seg = NULL, *s;
	const struct vm_life *l = hvst_life_of(a, vm);
	int64_t zero, behind;

	*err = LIFE_STAMP_NS;
	zero = l ? tsc_zero(l, a->cycle_ns, ts, why, len) : HVST_UNKNOWN;
	if (zero == HVST_UNKNOWN)
		return HVST_UNKNOWN;
	for_each_of_vm (s, a, reference, vm)
		if (!seg || s->from_ns <= ts)
			seg = s;
	if (!seg || seg->offset_ns == HVST_UNKNOWN ||
	    __builtin_add_overflow(zero, seg->offset_ns, &behind)) {
		snprintf(why, len, "the reference clock was not read");
		return HVST_UNKNOWN;
	}
	why[0] = '\0';
	return behind;
}

static void tsc_behind(struct analysis *a)
{
	for (unsigned int i = 0; i < a->result.nr_vms; i++) {
		struct hvst_vm *vm = (struct hvst_vm *)(uintptr_t)a->result.vms[i];
		int64_t last = a->last_ns;

		vm->tsc_behind_ns =
			hvst_life_tsc_behind(a, vm->vm, last, &vm->tsc_behind_error_ns,
					     vm->tsc_behind_why, sizeof(vm->tsc_behind_why));
		if (vm->tsc_behind_ns == HVST_UNKNOWN)
			vm->tsc_behind_error_ns = HVST_UNKNOWN;
	}
}

/* --- moves --- */

static void move_of(const struct analysis *a, const struct vm *vm, const struct life_step *s,
		    struct hvst_clock_move *m)
{
	bool created = s->kind == LIFE_CREATED;

	*m = (struct hvst_clock_move){
		.vm = vm->number,
		.vcpu = s->kind == LIFE_MASTER ? -1 : s->vcpu,
		.ts_ns = s->ts_ns,
		.event = s->event,
		.tid = s->tid,
		.master = s->kind == LIFE_MASTER && s->whole,
		.reference_ns = hvst_life_step_in(a, vm->number, s->ts_ns - LIFE_MOVE_NS,
						  s->ts_ns + LIFE_MOVE_NS),
	};
	m->tsc_cycles = m->tsc_ns = s->kind == LIFE_MASTER ? HVST_UNKNOWN : 0;
	if (s->kind == LIFE_TSC) {
		m->tsc_cycles = hvst_life_cycles(s->before, s->value);
		m->tsc_ns = cycles_ns(a->cycle_ns, m->tsc_cycles);
	}
	if (created) /* there was nothing to be moved */
		m->reference_ns = HVST_UNKNOWN;
}

static int cmp_move(const void *x, const void *y)
{
	const struct hvst_clock_move *a = x, *b = y;

	if (a->ts_ns != b->ts_ns)
		return a->ts_ns < b->ts_ns ? -1 : 1;
	return a->vm != b->vm ? (a->vm < b->vm ? -1 : 1) : (a->tid > b->tid) - (a->tid < b->tid);
}

static int build_moves(struct analysis *a)
{
	struct hvst_clock_move *list;
	unsigned int n = 0;

	for_each_vm (vm, a)
		n += vm->state && vm->number >= 0 ? vm->state->life->nr : 0;
	list = calloc(n ? n : 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	n = 0;
	for_each_vm (vm, a) {
		const struct vm_life *l = vm->state ? vm->state->life : NULL;

		if (!l || vm->number < 0 || !hvst_vm_pass(a, vm))
			continue;
		for (unsigned int i = 0; i < l->nr; i++)
			if (l->steps[i].kind <= LIFE_MASTER)
				move_of(a, vm, &l->steps[i], &list[n++]);
	}
	qsort(list, n, sizeof(*list), cmp_move);
	a->result.moves = hvst_list(list, n, sizeof(*list));
	a->result.nr_moves = n;
	return a->result.moves ? 0 : -ENOMEM;
}

/* --- events of a VM's life --- */

static bool opens(const struct life_step *s)
{
	switch (s->kind) {
	case LIFE_CREATED:
	case LIFE_TIMERS:
	case LIFE_RESTORE:
	case LIFE_PAGE_OFF:
		return true;
	case LIFE_TSC:
		return !s->by_vcpu;
	default:
		return false;
	}
}

static bool does(const struct life_step *s)
{
	return s->kind != LIFE_ENTRY && s->kind != LIFE_ARM;
}

static const char *step_text(const struct life_step *s, char *buf, size_t len)
{
	switch (s->kind) {
	case LIFE_CREATED:
		snprintf(buf, len, "vCPUs created");
		break;
	case LIFE_TSC:
		snprintf(buf, len, "TSC of vCPU %d moved", s->vcpu);
		break;
	case LIFE_MASTER:
		snprintf(buf, len, "master clock %s%s", s->whole ? "updated" : "off",
			 s->by_vcpu ? " by a vCPU" : "");
		break;
	case LIFE_TIMERS:
		snprintf(buf, len, "timers %s by the VMM (%u writes)",
			 s->whole ? "written back" : "cleared", s->n);
		break;
	case LIFE_PAGE_OFF:
		snprintf(buf, len, "TSC page off");
		break;
	case LIFE_PAGE_ON:
		snprintf(buf, len, "TSC page on");
		break;
	case LIFE_TIMERS_OFF:
		snprintf(buf, len, "timers cleared by the guest");
		break;
	case LIFE_RESTORE:
		if (s->value == UINT64_MAX)
			snprintf(buf, len, "HvCallRestorePartitionTime");
		else
			snprintf(buf, len, "HvCallRestorePartitionTime (status %llu)",
				 (unsigned long long)s->value);
		break;
	case LIFE_ENTRY:
		snprintf(buf, len, "vCPU %d runs", s->vcpu);
		break;
	default:
		snprintf(buf, len, "guest arms timers");
		break;
	}
	return buf;
}

/* The steps in order, with the first of each kind in a row as evidence. */
static void steps_text(const struct vm_life *l, unsigned int from, unsigned int to,
		       struct hvst_life_event *e)
{
	size_t at = 0;
	int last = -1;

	for (unsigned int i = from; i < to && at < sizeof(e->steps); i++) {
		char text[96];
		int n;

		if (l->steps[i].kind == last)
			continue;
		last = l->steps[i].kind;
		step_text(&l->steps[i], text, sizeof(text));
		n = snprintf(e->steps + at, sizeof(e->steps) - at, "%s%s", at ? ", " : "", text);
		at += n > 0 ? (size_t)n : 0;
		hvst_life_evidence(&e->evidence, &l->steps[i], text);
	}
}

/* The kinds of steps between the two, as bits; timers written back count separately. */
static unsigned int kinds_of(const struct vm_life *l, unsigned int from, unsigned int to,
			     bool *written_back)
{
	unsigned int kinds = 0;

	*written_back = false;
	for (unsigned int i = from; i < to; i++) {
		kinds |= 1u << l->steps[i].kind;
		*written_back |= l->steps[i].kind == LIFE_TIMERS && l->steps[i].whole;
	}
	return kinds;
}

#define DID(kinds, kind) ((kinds) >> (kind)&1)

/* The first step that shows the guest running; l->nr: none. */
static unsigned int first_run(const struct vm_life *l)
{
	unsigned int i = 0;

	while (i < l->nr && does(&l->steps[i]))
		i++;
	return i;
}

/* False: not an event of the VM's life. @ran: its guest ran before, so it was not migrated in. */
static bool kind_of(unsigned int kinds, bool written_back, bool ran, int64_t step,
		    enum hvst_life_kind *kind)
{
	enum hvst_life_kind restored = ran ? HVST_LIFE_RESTORED : HVST_LIFE_RESTORED_OR_MIGRATED;

	if (DID(kinds, LIFE_CREATED))
		*kind = written_back || DID(kinds, LIFE_TSC) ? restored : HVST_LIFE_CREATED;
	else if (DID(kinds, LIFE_TIMERS) || DID(kinds, LIFE_TSC))
		*kind = !DID(kinds, LIFE_TSC) &&
					((step != HVST_UNKNOWN && step < 0) || !written_back)
				? HVST_LIFE_RESET
				: restored;
	else if (DID(kinds, LIFE_RESTORE) ||
		 (DID(kinds, LIFE_PAGE_OFF) && DID(kinds, LIFE_TIMERS_OFF) &&
		  DID(kinds, LIFE_PAGE_ON)))
		*kind = HVST_LIFE_RESUMED;
	else
		return false;
	return true;
}

/* The step of the clock as the first arms after it show it; @else_ns where they do not. */
static int64_t step_of_arm(const struct vm *vm, int64_t from, int64_t to, int64_t else_ns)
{
	const struct vm_leaps *l = vm->state->leaps;

	for (unsigned int i = 0; i < l->nr; i++)
		if (l->leap[i].ts_ns >= from && l->leap[i].ts_ns - to <= LIFE_APART_NS &&
		    hvst_epoch_follows_step(&l->leap[i]))
			return l->leap[i].step_ns;
	return else_ns;
}

/* One event of @vm's life from its steps [@from, @to); false when it is none. */
static bool event_of(const struct analysis *a, const struct vm *vm, unsigned int from,
		     unsigned int to, bool ran, struct hvst_life_event *e)
{
	const struct vm_life *l = vm->state->life;
	int64_t end = l->steps[from].ts_ns;
	unsigned int kinds;
	bool back;

	*e = (struct hvst_life_event){ .vm = vm->number,
				       .ts_ns = l->steps[from].ts_ns,
				       .first_run_ns = HVST_UNKNOWN };
	for (unsigned int i = from; i < to; i++) {
		if (does(&l->steps[i]) && l->steps[i].last_ns > end)
			end = l->steps[i].last_ns;
		if (!does(&l->steps[i]) && e->first_run_ns == HVST_UNKNOWN)
			e->first_run_ns = l->steps[i].ts_ns;
	}
	e->end_ns = end;
	e->reference_ns =
		hvst_life_step_in(a, vm->number, e->ts_ns - LIFE_MOVE_NS, end + LIFE_MOVE_NS);
	if (e->reference_ns == HVST_UNKNOWN || !e->reference_ns)
		e->reference_ns = step_of_arm(vm, e->ts_ns, end, e->reference_ns);
	kinds = kinds_of(l, from, to, &back);
	if (!kind_of(kinds, back, ran, e->reference_ns, &e->kind))
		return false;
	steps_text(l, from, to, e);
	return true;
}

static int life_add(struct analysis *a, const struct hvst_life_event *e)
{
	struct hvst_life_event *list = a->life;
	unsigned int n = a->result.nr_life;

	if (n >= LIFE_MAX)
		return 0;
	if (!(n & (n - 1))) {
		list = realloc(list, (n ? 2 * n : 1) * sizeof(*list));
		if (!list)
			return -ENOMEM;
		a->life = list;
	}
	list[n] = *e;
	a->result.nr_life++;
	return 0;
}

/* The VM's thread ids belong to another VM from some time on: this VM is gone by then. */
static int gone_add(struct analysis *a, const struct vm *vm)
{
	struct hvst_life_event e = { .vm = vm->number,
				     .kind = HVST_LIFE_GONE,
				     .reference_ns = HVST_UNKNOWN,
				     .first_run_ns = HVST_UNKNOWN };

	e.ts_ns = e.end_ns = hvst_vm_last_ns(vm);
	snprintf(e.steps, sizeof(e.steps), "its thread runs another VM's vCPU afterwards");
	hvst_evidence_stat(&e.evidence, "%s", e.steps);
	return life_add(a, &e);
}

/* A guest's resume: until it arms a timer with its page on again. */
static unsigned int resume_end(const struct vm_life *l, unsigned int from)
{
	bool on = false;
	unsigned int i = from + 1;

	for (; i < l->nr && l->steps[i].ts_ns - l->steps[i - 1].last_ns <= LIFE_APART_NS; i++) {
		const struct life_step *s = &l->steps[i];

		if (s->kind == LIFE_CREATED || s->kind == LIFE_TIMERS || s->kind == LIFE_TSC)
			break;
		on |= s->kind == LIFE_PAGE_ON;
		if (on && s->kind == LIFE_ARM)
			return i + 1;
	}
	return i;
}

/* The VMM's part: until the guest runs, or sets up its clock. */
static unsigned int vmm_end(const struct vm_life *l, unsigned int from)
{
	unsigned int i = from + 1;

	for (; i < l->nr && l->steps[i].ts_ns - l->steps[i - 1].last_ns <= LIFE_APART_NS; i++) {
		const struct life_step *s = &l->steps[i];

		if (!does(s))
			return i + 1;
		if (s->kind == LIFE_PAGE_ON || s->kind == LIFE_PAGE_OFF || s->kind == LIFE_RESTORE)
			break;
	}
	return i;
}

/*
 * A VMM may move the clock of a restored VM when the guest already runs: that still belongs to the
 * restore.
 */
static unsigned int late_end(const struct analysis *a, const struct vm *vm, unsigned int from,
			     unsigned int end)
{
	const struct vm_life *l = vm->state->life;
	int64_t reach = l->steps[from].kind == LIFE_CREATED ? LIFE_APART_NS : LIFE_BEFORE_NS;
	int64_t begin = l->steps[from].ts_ns;
	unsigned int to = end;

	for (unsigned int i = end; i < l->nr && l->steps[i].ts_ns - begin <= reach; i++) {
		const struct life_step *s = &l->steps[i];
		int64_t step;

		if (s->kind == LIFE_PAGE_ON || s->kind == LIFE_PAGE_OFF || opens(s))
			break;
		if (s->kind != LIFE_MASTER)
			continue;
		/* Without a reading after it the update may have moved the clock. */
		step = hvst_life_step_in(a, vm->number, s->ts_ns - LIFE_MOVE_NS,
					 s->ts_ns + LIFE_MOVE_NS);
		if (step)
			to = i + 1;
	}
	return to;
}

static unsigned int event_end(const struct analysis *a, const struct vm *vm, unsigned int from)
{
	const struct vm_life *l = vm->state->life;
	unsigned int kind = l->steps[from].kind;

	if (kind == LIFE_PAGE_OFF || kind == LIFE_RESTORE)
		return resume_end(l, from);
	return late_end(a, vm, from, vmm_end(l, from));
}

/* The clock may be set first of all: updates right before the event's first step belong to it. */
static unsigned int event_begin(const struct vm_life *l, unsigned int opening, unsigned int floor)
{
	while (opening > floor && l->steps[opening - 1].kind == LIFE_MASTER &&
	       l->steps[opening].ts_ns - l->steps[opening - 1].ts_ns <= LIFE_BEFORE_NS)
		opening--;
	return opening;
}

static int life_of_vm(struct analysis *a, const struct vm *vm)
{
	const struct vm_life *l = vm->state->life;
	struct hvst_life_event e;
	unsigned int floor = 0; /* the end of the previous event */
	unsigned int run = first_run(l);

	for (unsigned int i = 0; i < l->nr;) {
		unsigned int begin, end;

		if (!opens(&l->steps[i])) {
			i++;
			continue;
		}
		end = event_end(a, vm, i);
		begin = event_begin(l, i, floor);
		if (event_of(a, vm, begin, end, run < begin, &e) && life_add(a, &e))
			return -ENOMEM;
		i = floor = end;
	}
	return vm->gone ? gone_add(a, vm) : 0;
}

static int cmp_life(const void *x, const void *y)
{
	const struct hvst_life_event *a = x, *b = y;

	if (a->ts_ns != b->ts_ns)
		return a->ts_ns < b->ts_ns ? -1 : 1;
	return (a->vm > b->vm) - (a->vm < b->vm);
}

int hvst_life_build(struct analysis *a)
{
	if (adopt_all(a))
		return -ENOMEM;
	a->cycle_ns = cycle_ns(a);
	if (build_moves(a))
		return -ENOMEM;
	for_each_vm (vm, a)
		if (vm->state && vm->number >= 0 && hvst_vm_pass(a, vm) && life_of_vm(a, vm))
			return -ENOMEM;
	if (a->result.nr_life)
		qsort(a->life, a->result.nr_life, sizeof(*a->life), cmp_life);
	a->result.life = hvst_list(a->life, a->result.nr_life, sizeof(*a->life));
	a->life = NULL;
	tsc_behind(a);
	return a->result.life ? 0 : -ENOMEM;
}

void hvst_life_results_free(struct analysis *a)
{
	free(a->life);
	free((void *)(uintptr_t)a->result.life);
	free((void *)(uintptr_t)a->result.moves);
}
