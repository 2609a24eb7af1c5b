/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. Collects what is done to each VM, as a list of steps in order of time. */
#include <errno.h>
#include <stdlib.h>

#include "by_vm.h"
#include "life.h"

#define LIFE_MAX_STEPS	2048		       /* of one VM */
#define LIFE_MAX_ORPHAN 4096		       /* of tasks whose VM is not known */
#define LIFE_SAME_NS	(1000LL * 1000 * 1000) /* closer steps of one kind count as one */
#define LIFE_WATCH_NS	(60LL * 1000 * 1000 * 1000)
#define LIFE_VCPUS	256	     /* compared at once */
#define LIFE_EARLY_NS	(100 * 1000) /* no entry is merged so long before its time */

int hvst_life_created(struct vm *vm)
{
	vm->state->life = calloc(1, sizeof(*vm->state->life));
	if (!vm->state->life)
		return -ENOMEM;
	vm->state->life->calling = -1;
	/* What was done before its threads were known may be assigned later. */
	vm->state->life->watch_ns = HVST_UNKNOWN;
	vm->state->life->watches = LIFE_RUNS;
	return 0;
}

void hvst_life_free(struct vm *vm)
{
	if (vm->state->life)
		free(vm->state->life->steps);
	free(vm->state->life);
}

static struct life_step *steps_add(struct vm_life *l, unsigned int most)
{
	if (l->nr >= most)
		return NULL;
	if (l->nr == l->cap) {
		unsigned int cap = l->cap ? 2 * l->cap : 8;
		struct life_step *s = realloc(l->steps, cap * sizeof(*s));

		if (!s)
			return NULL;
		l->steps = s;
		l->cap = cap;
	}
	return &l->steps[l->nr++];
}

/* Does the event repeat step @s? NULL: there is none. */
static bool repeats(const struct life_step *s, const struct hvst_event *ev, enum life_kind kind)
{
	if (!s || s->kind != kind || ev->ts_ns - s->last_ns > LIFE_SAME_NS)
		return false;
	return kind == LIFE_ARM || kind == LIFE_TIMERS_OFF ||
	       (kind == LIFE_TIMERS && s->tid == ev->pid);
}

/* Inserts a step before step @at. */
static __attribute__((noinline)) struct life_step *put_new(struct vm_life *l, unsigned int most,
							   unsigned int at,
							   const struct hvst_event *ev,
							   enum life_kind kind, int vcpu)
{
	struct life_step *s = steps_add(l, most);

	if (!s)
		return NULL;
	for (; s > &l->steps[at]; s--)
		*s = s[-1];
	*s = (struct life_step){
		.ts_ns = ev->ts_ns,
		.last_ns = ev->ts_ns,
		.ts_raw = ev->ts_raw,
		.n = 1,
		.vcpu = vcpu,
		.tid = ev->pid,
		.cpu = ev->cpu,
		.buffer = ev->buffer,
		.kind = (uint8_t)kind,
		.event = ev->id,
	};
	return s;
}

/* Is the event before the step? At the same time the merge takes the lower CPU first. */
static bool is_before(const struct hvst_event *ev, const struct life_step *s)
{
	if (ev->ts_ns != s->ts_ns)
		return ev->ts_ns < s->ts_ns;
	return ev->buffer != s->buffer ? ev->buffer < s->buffer : ev->cpu < s->cpu;
}

/*
 * Adds a step: before an entry that was merged before its time. Returns it, or NULL where there is
 * no room.
 */
static struct life_step *put(struct vm_life *l, unsigned int most, const struct hvst_event *ev,
			     enum life_kind kind, int vcpu)
{
	unsigned int at = l->nr;
	struct life_step *s;

	if (at && l->steps[at - 1].kind == LIFE_ENTRY && is_before(ev, &l->steps[at - 1]))
		at--;
	s = at ? &l->steps[at - 1] : NULL;
	if (!repeats(s, ev, kind))
		return put_new(l, most, at, ev, kind, vcpu);
	s->n++;
	s->last_ns = ev->ts_ns;
	return s;
}

/* A step that concerns the whole VM: what the guest does next matters. */
static struct life_step *put_opening(struct vm_life *l, const struct hvst_event *ev,
				     enum life_kind kind, int vcpu)
{
	l->watches |= LIFE_RUNS;
	l->watch_ns = ev->ts_ns + LIFE_WATCH_NS;
	return put(l, LIFE_MAX_STEPS, ev, kind, vcpu);
}

static void offset_written(struct vm_life *l, unsigned int most, const struct hvst_event *ev)
{
	uint64_t from = ev->tsc_offset.previous_tsc_offset, to = ev->tsc_offset.next_tsc_offset;
	struct life_step *s;

	l->watches |= LIFE_OFFSETS;
	l->offset_ns = ev->ts_ns;
	hvst_evidence_set(&l->offset_why, ev, "TSC offset of vCPU %d written: %lld cycles",
			  ev->vcpu_id, (long long)to);
	if (from == to)
		return;
	l->watches |= LIFE_RUNS;
	l->watch_ns = ev->ts_ns + LIFE_WATCH_NS;
	s = put(l, most, ev, from ? LIFE_TSC : LIFE_CREATED, ev->vcpu_id);
	if (!s)
		return;
	s->before = from;
	s->value = to;
}

void hvst_life_clock(struct analysis *a, struct vm *vm, const struct hvst_event *ev)
{
	const struct vcpu *by;
	struct vm_life *l = vm ? vm->state->life : &a->orphans;
	unsigned int most = vm ? LIFE_MAX_STEPS : LIFE_MAX_ORPHAN;
	struct life_step *s;

	if (ev->id == HVST_EV_WRITE_TSC_OFFSET) {
		offset_written(l, most, ev);
	} else if (ev->id == HVST_EV_UPDATE_MASTER_CLOCK) {
		s = put(l, most, ev, LIFE_MASTER, -1);
		if (!s)
			return;
		s->whole = ev->master_clock.use_master_clock;
		s->value = ev->master_clock.host_clock;
		by = hvst_kvm_find(a->kvm, ev->pid);
		s->by_vcpu = by && by->ran;
	}
}

static uint64_t value_written(const struct hvst_event *ev)
{
	return ev->id == HVST_EV_STIMER_SET_CONFIG ? ev->set_config.config : ev->set_count.count;
}

void hvst_life_programmed(const struct stimer *t, const struct hvst_event *ev)
{
	struct vm_life *l = t->vcpu->vm->state->life;
	struct life_step *s;

	if (t->by_host) {
		s = put_opening(l, ev, LIFE_TIMERS, t->vcpu->vcpu_id);
		if (s)
			s->whole |= value_written(ev) != 0;
	} else if (l->page_off && !value_written(ev)) {
		put(l, LIFE_MAX_STEPS, ev, LIFE_TIMERS_OFF, t->vcpu->vcpu_id);
	}
}

/* The guest's own write of its TSC: its kvm_msr follows the write's effect. */
static void wrote_its_tsc(struct vm_life *l, const struct hvst_event *ev)
{
	struct life_step *s = l->nr ? &l->steps[l->nr - 1] : NULL;

	if (s && s->kind == LIFE_TSC && s->tid == ev->pid)
		s->by_vcpu = true;
}

void hvst_life_msr(const struct vcpu *v, const struct hvst_event *ev)
{
	struct vm_life *l = v->vm->state->life;

	if (!ev->msr.write || ev->msr.exception)
		return;
	if (ev->msr.ecx == HVST_MSR_IA32_TSC || ev->msr.ecx == HVST_MSR_IA32_TSC_ADJUST)
		wrote_its_tsc(l, ev);
	if (ev->msr.ecx != HVST_MSR_REFERENCE_TSC)
		return;
	l->page_off = !(ev->msr.data & HVST_MSR_ENABLE);
	put_opening(l, ev, l->page_off ? LIFE_PAGE_OFF : LIFE_PAGE_ON, v->vcpu_id);
}

void hvst_life_event(const struct vcpu *v, const struct hvst_event *ev)
{
	struct vm_life *l = v->vm->state->life;
	struct life_step *s;

	if (ev->id == HVST_EV_HYPERCALL && ev->hypercall.code == HVST_CALL_RESTORE_PARTITION_TIME) {
		s = put_opening(l, ev, LIFE_RESTORE, v->vcpu_id);
		if (s)
			s->value = UINT64_MAX; /* until it returns */
		l->calling = s ? v->tid : -1;
	} else if (ev->id == HVST_EV_HYPERCALL_DONE && l->calling == v->tid) {
		l->calling = -1;
		for (unsigned int i = l->nr; i > 0; i--) {
			if (l->steps[i - 1].kind != LIFE_RESTORE)
				continue;
			l->steps[i - 1].value = ev->hypercall_done.result & 0xffff;
			break;
		}
	}
}

/* The vCPUs' offsets, once they have the values that the guest runs with. */
static __attribute__((noinline)) void offsets_compare(struct vm_life *l, const struct vm *vm,
						      int64_t ts)
{
	struct tsc_mismatch m = { .since_ns = l->offset_ns,
				  .ran_ns = ts,
				  .until_ns = HVST_UNKNOWN,
				  .why = l->offset_why };
	unsigned int n = 0;

	l->watches &= ~LIFE_OFFSETS;
	for (const struct vcpu *v = vm->vcpus; v && n < LIFE_VCPUS; v = v->vm_next, n++) {
		if (!v->tsc_known)
			continue;
		if (!m.nr_vcpus++) {
			m.least = m.most = v->tsc_offset;
			m.least_vcpu = m.most_vcpu = v->vcpu_id;
		} else if (hvst_life_cycles(m.least, v->tsc_offset) < 0) {
			m.least = v->tsc_offset;
			m.least_vcpu = v->vcpu_id;
		} else if (hvst_life_cycles(m.most, v->tsc_offset) > 0) {
			m.most = v->tsc_offset;
			m.most_vcpu = v->vcpu_id;
		}
	}
	if (l->mismatched && m.least == m.most && l->mismatch.until_ns == HVST_UNKNOWN)
		l->mismatch.until_ns = ts;
	if (l->mismatched || m.least == m.most)
		return;
	l->mismatched = true;
	l->mismatch = m;
}

/* The comparison of offsets was due at @ts, earlier than it was made. */
static void compared_at(struct vm_life *l, int64_t ts)
{
	if (l->mismatched && l->mismatch.ran_ns == l->ran_ns)
		l->mismatch.ran_ns = ts;
	if (l->mismatched && l->mismatch.until_ns == l->ran_ns)
		l->mismatch.until_ns = ts;
	l->ran_ns = ts;
}

/*
 * Which of the vCPUs' entries is merged first may depend on the events before them, see
 * lib/stream/exit_groups.h. The first one is the one with the earliest time stamp.
 */
static void earlier_entry(struct vm_life *l, const struct vcpu *v, const struct hvst_event *ev)
{
	if (ev->ts_ns - l->ran_ns > LIFE_EARLY_NS)
		l->watches &= ~LIFE_EARLIER;
	if (ev->ts_ns > l->ran_ns)
		return;
	for (unsigned int i = l->nr; i > 0 && l->steps[i - 1].ts_ns >= ev->ts_ns; i--) {
		struct life_step *s = &l->steps[i - 1];

		if (s->kind != LIFE_ENTRY || !is_before(ev, s))
			continue;
		s->ts_ns = s->last_ns = ev->ts_ns;
		s->ts_raw = ev->ts_raw;
		s->vcpu = v->vcpu_id;
		s->tid = ev->pid;
		s->cpu = ev->cpu;
		s->buffer = ev->buffer;
	}
	compared_at(l, ev->ts_ns);
}

void hvst_life_runs(const struct vcpu *v, const struct hvst_event *ev)
{
	struct vm_life *l = v->vm->state->life;
	uint8_t watches = l->watches;

	if (watches & LIFE_OFFSETS)
		offsets_compare(l, v->vm, ev->ts_ns);
	if (watches & LIFE_RUNS)
		put(l, LIFE_MAX_STEPS, ev, LIFE_ENTRY, v->vcpu_id);
	if (watches & (LIFE_OFFSETS | LIFE_RUNS)) {
		l->watches = LIFE_EARLIER;
		l->ran_ns = ev->ts_ns;
	} else {
		earlier_entry(l, v, ev);
	}
}

static __attribute__((noinline)) void arm_watched(struct vm_life *l, const struct vm *vm,
						  int64_t ts)
{
	if (l->watches & LIFE_OFFSETS)
		offsets_compare(l, vm, ts);
	else if (l->watches & LIFE_EARLIER && ts < l->ran_ns)
		compared_at(l, ts);
}

void hvst_life_arm(const struct stimer *t, const struct hvst_arm *arm, const struct hvst_event *ev)
{
	struct vm_life *l = t->vcpu->vm->state->life;

	if (l->watches)
		arm_watched(l, t->vcpu->vm, ev->ts_ns);
	if (l->watch_ns == HVST_UNKNOWN)
		l->watch_ns = ev->ts_ns + LIFE_WATCH_NS;
	if (ev->ts_ns > l->watch_ns || arm->flags & HVST_ARM_RESTART)
		return;
	put(l, LIFE_MAX_STEPS, ev, LIFE_ARM, t->vcpu->vcpu_id);
}

void hvst_life_put(struct vm_life *l, const struct life_step *step)
{
	struct life_step *s = steps_add(l, LIFE_MAX_STEPS);

	if (s)
		*s = *step;
}

void hvst_life_merged(struct vm *into, struct vm *from)
{
	struct vm_life *i = into->state->life, *f = from->state->life;

	for (unsigned int n = 0; n < f->nr; n++)
		hvst_life_put(i, &f->steps[n]);
	i->watches |= LIFE_OFFSETS | (f->watches & LIFE_RUNS);
	if (f->watch_ns > i->watch_ns)
		i->watch_ns = f->watch_ns;
	if (f->offset_ns > i->offset_ns) {
		i->offset_ns = f->offset_ns;
		i->offset_why = f->offset_why;
	}
}

const struct vm_life *hvst_life_of(const struct analysis *a, int number)
{
	const struct vm_state *s = hvst_state_of(a, number);

	return s ? s->life : NULL;
}

/* Could the clock of VM @number have moved in [@from, @to] without a reading after it? */
static bool hides_step(const struct analysis *a, int number, int64_t from, int64_t to)
{
	const struct vm *vm = hvst_vm_by_number(a, number);
	const struct refclock_hidden *tail = vm ? hvst_refclock_tail(&vm->clock) : NULL;

	return tail && tail->after <= to && tail->until >= from;
}

int64_t hvst_life_step_in(const struct analysis *a, int vm, int64_t from, int64_t to)
{
	const struct hvst_ref_segment *s;
	int64_t sum = 0;
	bool known = false;

	for_each_of_vm (s, a, reference, vm) {
		if (s->from_ns > to)
			continue;
		/* A segment that reaches across shows that nothing moved. */
		known |= s->from_ns < from && s->to_ns > to;
		if (s->from_ns < from || s->step_ns == HVST_UNKNOWN || !s->step_ns)
			continue;
		known = true;
		if (__builtin_add_overflow(sum, s->step_ns, &sum))
			sum = s->step_ns > 0 ? INT64_MAX : -INT64_MAX;
	}
	if (known && !sum && hides_step(a, vm, from, to))
		known = false;
	return known ? sum : HVST_UNKNOWN;
}

void hvst_life_evidence(struct hvst_evidence_list *l, const struct life_step *s, const char *text)
{
	const struct hvst_event ev = {
		.id = s->event,
		.ts_ns = s->ts_ns,
		.ts_raw = s->ts_raw,
		.cpu = s->cpu,
		.pid = s->tid,
		.buffer = s->buffer,
	};
	struct hvst_evidence e;

	hvst_evidence_set(&e, &ev, "%s", text);
	hvst_evidence_add(l, &e);
}
