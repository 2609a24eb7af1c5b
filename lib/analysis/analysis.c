/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Hands what the model says to each analysis, in one pass.
 *
 * An arm that was inferred has no reading of the reference clock: its skew comes from the clock
 * model. While the model is stale (a clock event and no sample since) such arms wait, per VM, and
 * are settled by the next samples: storms are recognised from counts alone and need no skew, so
 * nothing else waits. Chosen over a second pass because reading is the cost of a run, and because
 * waiting arms are rare.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis.h"

/* Numbered at the end of a run; while it goes on, as an earlier run of the session numbered it. */
int hvst_vm_number(const struct vcpu *v)
{
	return v->vm->number >= 0 ? v->vm->number : v->an->known_vm;
}

bool hvst_filter_pass(const struct analysis *a, const struct vcpu *v, int timer)
{
	if (a->vcpu_filter >= 0 && v->vcpu_id != a->vcpu_filter)
		return false;
	if (a->timer_filter >= 0 && timer >= 0 && timer != a->timer_filter)
		return false;
	return a->vm_filter < 0 || hvst_vm_number(v) < 0 || hvst_vm_number(v) == a->vm_filter;
}

int hvst_on_vm_new(struct analysis *a, struct vm *vm)
{
	vm->an = calloc(1, sizeof(*vm->an));
	if (!vm->an)
		return -ENOMEM;
	hvst_refclock_init(&vm->an->ref);
	a->nr_vms++;
	return 0;
}

/*
 * When the task that started this thread, or the thread itself, created a VM; HVST_UNKNOWN: not
 * seen.
 */
static int64_t created_by(const struct analysis *a, int tid)
{
	unsigned int n = a->nr_created < CREATED_MAX ? a->nr_created : CREATED_MAX;
	int best = -1;
	int64_t ts = HVST_UNKNOWN;

	for (unsigned int i = 0; i < n; i++)
		if (a->created[i].pid > best && a->created[i].pid <= tid &&
		    tid - a->created[i].pid < CREATED_REACH) {
			best = a->created[i].pid;
			ts = a->created[i].ts;
		}
	return ts;
}

int hvst_on_vcpu_new(struct analysis *a, struct vcpu *v)
{
	v->an = calloc(1, sizeof(*v->an));
	if (!v->an)
		return -ENOMEM;
	v->an->known_vm = a->known_vm ? a->known_vm(a->known_ctx, v->tid) : -1;
	v->an->created_ns = created_by(a, v->tid);
	v->an->exit_ns = v->an->wake_ns = HVST_UNKNOWN;
	v->an->since = v->first_ns;
	v->an->next_mark_ns = INT64_MIN;
	return 0;
}

static void timer_an_free(struct timer_an *ta)
{
	if (!ta)
		return;
	hvst_sketch_free(ta->skew);
	hvst_sketch_free(ta->lateness);
	hvst_sketch_free(ta->delivery);
	hvst_sketch_free(ta->entry);
	free(ta);
}

int hvst_on_timer_new(struct analysis *a, struct stimer *t)
{
	struct timer_an *ta = calloc(1, sizeof(*ta));

	(void)a;
	if (!ta)
		return -ENOMEM;
	ta->delivered_ns = HVST_UNKNOWN;
	ta->skew = hvst_sketch_new();
	ta->lateness = hvst_sketch_new();
	ta->delivery = hvst_sketch_new();
	ta->entry = hvst_sketch_new();
	if (!ta->skew || !ta->lateness || !ta->delivery || !ta->entry) {
		timer_an_free(ta);
		return -ENOMEM;
	}
	t->an = ta;
	return 0;
}

static void arm_out(struct analysis *a, struct stimer *t, struct hvst_arm *arm)
{
	if (!a->obs->arm || a->error || !hvst_filter_pass(a, t->vcpu, t->index))
		return;
	arm->vm = hvst_vm_number(t->vcpu);
	if (a->obs->arm(a->obs_ctx, arm))
		a->error = -ECANCELED;
}

static void skew_known(struct analysis *a, struct stimer *t, struct hvst_arm *arm)
{
	if (arm->kind == HVST_ARM_PERIODIC || arm->flags & HVST_ARM_RESTART ||
	    arm->skew_ns == HVST_UNKNOWN)
		return;
	if (hvst_sketch_add(t->an->skew, arm->skew_ns, 1))
		a->error = -ENOMEM;
	hvst_guestclock_arm(a, t, arm);
}

/*
 * --- inferred arms
 * ------------------------------------------------------------------------------------
 */

/* skew of @arm from the model as it stands; false when there is none */
static bool skew_from_model(const struct vm_an *vm, struct hvst_arm *arm, int64_t bound)
{
	int64_t o, err, u, skew;

	if (!arm->count || !hvst_refclock_covers(&vm->ref, arm->ts_ns) ||
	    !hvst_refclock_at(&vm->ref, arm->ts_ns, &o, &err) ||
	    !hvst_ref_offset(arm->count, arm->ts_ns, &u))
		return false;
	/*
	 * o = 100 * time_now - ts and u = 100 * count - ts, so the skew is o - u; a past-due arm's
	 * is >= 0.
	 */
	skew = o - u;
	arm->skew_ns = skew < 0 ? 0 : skew;
	arm->error_ns = err + bound;
	arm->time_now = arm->count + (uint64_t)arm->skew_ns / 100;
	return true;
}

static void settle_one(struct analysis *a, struct vm_an *vm, const struct pending_arm *p,
		       bool known)
{
	struct hvst_arm arm = {
		.ts_ns = p->ts,
		.ts_raw = p->ts_raw,
		.count = p->count,
		.skew_ns = HVST_UNKNOWN,
		.vm = -1,
		.vcpu = p->t->vcpu->vcpu_id,
		.tid = p->t->vcpu->tid,
		.timer = p->t->index,
		.cpu = p->cpu,
		.buffer = p->buffer,
		.kind = HVST_ARM_PAST_DUE,
		.flags = p->flags,
	};

	if (known)
		skew_from_model(vm, &arm, p->bound_ns);
	skew_known(a, p->t, &arm);
	arm_out(a, p->t, &arm);
}

static void settle(struct analysis *a, struct vm_an *vm, unsigned int n, bool known)
{
	if (!n)
		return; /* and perhaps no array yet */
	for (unsigned int i = 0; i < n; i++)
		settle_one(a, vm, &vm->pending[i], known);
	vm->nr_pending -= n;
	a->nr_pending -= n;
	if (!vm->nr_pending) {
		free(vm->pending);
		vm->pending = NULL;
		vm->cap_pending = 0;
		return;
	}
	memmove(vm->pending, vm->pending + n, vm->nr_pending * sizeof(*vm->pending));
}

static void pending_add(struct analysis *a, struct vm_an *vm, const struct pending_arm *arm)
{
	if (a->nr_pending >= ANALYSIS_MAX_PENDING)
		settle(a, vm, (vm->nr_pending + 1) / 2,
		       false); /* too many: these keep an unknown skew */
	if (a->nr_pending >= ANALYSIS_MAX_PENDING) {
		settle_one(a, vm, arm, false); /* all of them another VM's */
		return;
	}
	if (vm->nr_pending == vm->cap_pending) {
		unsigned int cap = vm->cap_pending ? 2 * vm->cap_pending : 64;
		struct pending_arm *p = realloc(vm->pending, cap * sizeof(*p));

		if (!p) {
			a->error = -ENOMEM;
			return;
		}
		vm->pending = p;
		vm->cap_pending = cap;
	}
	vm->pending[vm->nr_pending++] = *arm;
	a->nr_pending++;
}

static void wait_for_sample(struct analysis *a, struct stimer *t, const struct hvst_arm *arm,
			    int64_t bound)
{
	struct pending_arm p = {
		.ts = arm->ts_ns,
		.ts_raw = arm->ts_raw,
		.count = arm->count,
		.t = t,
		.bound_ns = bound,
		.cpu = arm->cpu,
		.buffer = arm->buffer,
		.flags = arm->flags,
	};

	pending_add(a, t->vcpu->vm->an, &p);
}

/*
 * When the host read its clock for an arm that left only its expiration: between the end of the MSR
 * write and the delivery, three quarters on (direct mode) or two thirds (message mode, where
 * sending takes longer): the median of observed arms in recordings is 0.76 and 0.63, quartiles
 * within 0.03.
 */
static int64_t place_inferred(const struct stimer *t, struct hvst_arm *arm,
			      const struct hvst_event *ev)
{
	const struct vcpu *v = t->vcpu;
	int64_t from = t->prog_ns, to = ev->ts_ns, back;

	if (v->msr_ns != HVST_UNKNOWN && v->msr_ns > from)
		from = v->msr_ns;
	if (from == HVST_UNKNOWN || from > to)
		return 0;
	back = ev->expiration.direct ? (to - from) / 4 : (to - from) / 8 * 3;
	arm->ts_ns = to - back;
	return to - from - back > back ? to - from - back : back;
}

/*
 * --- what the model tells
 * ---------------------------------------------------------------------------------
 */

/* The clock turns out to have stepped: what storms recorded since, by the old line, moves with it.
 */
static void rebase_storms(struct vm *vm, int64_t ts)
{
	const struct refclock *rc = &vm->an->ref;
	int64_t step;

	if (!rc->nr_segs)
		return;
	step = hvst_line_at(&rc->cur->line, ts) -
	       hvst_line_at(&rc->segs[rc->nr_segs - 1]->line, ts);
	for (struct vcpu *v = vm->vcpus; v; v = v->vm_next)
		for (unsigned int i = 0; i < HVST_STIMERS; i++)
			if (v->timer[i])
				hvst_storm_rebase(&v->timer[i]->an->group, rc->cur->from_ns, step);
}

void hvst_on_sample(struct analysis *a, struct vcpu *v, const struct hvst_event *ev,
		    uint64_t time_now)
{
	struct vm_an *vm = v->vm->an;
	int64_t residual;
	int ret;

	if (v->an->created_ns != HVST_UNKNOWN) {
		hvst_clocksource_created(vm, v->an->created_ns);
		v->an->created_ns = HVST_UNKNOWN;
	}
	ret = hvst_refclock_sample(&vm->ref, ev->ts_ns, time_now, &residual);
	if (ret < 0)
		a->error = -ENOMEM;
	else if (ret > 0)
		rebase_storms(v->vm, ev->ts_ns);
	/* Only a start reads the second clock; its event comes after both readings. */
	if (ev->id == HVST_EV_STIMER_START_ONE_SHOT && residual != HVST_UNKNOWN &&
	    hvst_sketch_add(a->unpaired, residual, 1))
		a->error = -ENOMEM;
	if (vm->nr_pending && hvst_refclock_solid(&vm->ref))
		settle(a, vm, vm->nr_pending, true);
}

static void count_past_due(struct analysis *a, struct stimer *t, const struct hvst_arm *arm,
			   const struct hvst_event *ev)
{
	struct vm_an *vm = t->vcpu->vm->an;
	const char *why;
	enum hvst_ref_source src = hvst_clocksource_ref(vm, arm->ts_ns, &why);

	(void)a;
	if (src == HVST_REF_KVMCLOCK && !vm->past_due_by_source[src])
		hvst_evidence_set(
			&vm->fallback_why, ev,
			"past-due arm of timer %u while time_now came from the kvmclock: %s",
			t->index, why);
	vm->past_due_by_source[src]++;
}

/*
 * The skew for trends, as the model has it now. A step that is found while arms already came after
 * it must not make a step in theirs: what it moved is taken out, so that only the guest's doing is
 * left.
 */
static int64_t relative_skew(const struct vm_an *vm, struct timer_an *ta,
			     const struct hvst_arm *arm)
{
	int64_t u, o = 0;
	__int128 v;

	if (arm->skew_ns != HVST_UNKNOWN &&
	    (!(arm->flags & HVST_ARM_INFERRED) || arm->flags & HVST_ARM_PADDED))
		return arm->skew_ns;
	if (!hvst_ref_offset(arm->count, arm->ts_ns, &u))
		return 0;
	hvst_refclock_follow(&vm->ref, arm->ts_ns, &ta->trend_seg, &ta->trend_shift, &o);
	v = (__int128)o + ta->trend_shift - u;
	if (v > HVST_SKEW_MAX)
		return HVST_SKEW_MAX;
	return v < -HVST_SKEW_MAX ? -HVST_SKEW_MAX : (int64_t)v;
}

void hvst_on_arm(struct analysis *a, struct stimer *t, struct hvst_arm *arm,
		 const struct hvst_event *ev)
{
	struct vm_an *vm = t->vcpu->vm->an;
	bool inferred = arm->flags & HVST_ARM_INFERRED && !(arm->flags & HVST_ARM_PADDED);
	int64_t bound = 0;
	bool waits = false;

	if (inferred) {
		bound = place_inferred(t, arm, ev);
		if (arm->count)
			hvst_refclock_bound(&vm->ref, ev->ts_ns, arm->count);
		waits = !hvst_refclock_fresh(&vm->ref, arm->ts_ns) ||
			!skew_from_model(vm, arm, bound);
	}
	if (!(arm->flags & HVST_ARM_RESTART)) {
		if (arm->kind == HVST_ARM_PAST_DUE)
			count_past_due(a, t, arm, ev);
		if (arm->kind != HVST_ARM_PERIODIC)
			hvst_storm_arm(a, t, arm, relative_skew(vm, t->an, arm), ev);
	}
	hvst_activity_armed(a, t, arm);
	if (waits) {
		wait_for_sample(a, t, arm, bound);
		return;
	}
	skew_known(a, t, arm);
	arm_out(a, t, arm);
}

void hvst_on_programmed(struct analysis *a, struct stimer *t, const struct hvst_event *ev)
{
	hvst_clocksource_programmed(a, t, ev);
	if (ev->id == HVST_EV_STIMER_SET_CONFIG ? !ev->set_config.host : !ev->set_count.host)
		return;
	/* A reset writes zeros; anything else is a state brought back. */
	if (ev->id == HVST_EV_STIMER_SET_CONFIG ? ev->set_config.config : ev->set_count.count)
		hvst_clocksource_restored(t->vcpu->vm->an, ev->ts_ns);
	hvst_mark(a, t->vcpu->vm, ev, "the VMM writes timer %u (restore or reset)", t->index);
}

/* The firing that waited for its kvm_entry goes out, with or without it. */
static void fire_out(struct analysis *a, struct stimer *t)
{
	struct timer_an *ta = t->an;

	if (!ta->fire_waits)
		return;
	ta->fire_waits = false;
	ta->fire.vm = hvst_vm_number(t->vcpu);
	if (!a->error && a->obs->fire(a->obs_ctx, &ta->fire))
		a->error = -ECANCELED;
}

void hvst_on_fire(struct analysis *a, struct stimer *t, const struct hvst_event *ev)
{
	/* A pad's deadline is none that the guest had asked for. */
	int64_t deadline = t->padded ? HVST_UNKNOWN : t->deadline_ns;
	struct timer_an *ta = t->an;

	if (t->callback_ns != HVST_UNKNOWN) {
		hvst_activity_fired(t->vcpu->an, deadline, t->callback_ns);
		if (deadline != HVST_UNKNOWN &&
		    hvst_sketch_add(ta->lateness, t->callback_ns - deadline, 1))
			a->error = -ENOMEM;
		if (hvst_sketch_add(ta->delivery, ev->ts_ns - t->callback_ns, 1))
			a->error = -ENOMEM;
	}
	if (!a->obs->fire || !hvst_filter_pass(a, t->vcpu, t->index))
		return;
	fire_out(a, t);
	ta->fire = (struct hvst_fire){
		.arm_ns = t->arm_ns,
		.deadline_ns = deadline,
		.callback_ns = t->callback_ns,
		.expiration_ns = ev->ts_ns,
		.entry_ns = HVST_UNKNOWN,
		.vm = -1,
		.vcpu = t->vcpu->vcpu_id,
		.tid = t->vcpu->tid,
		.timer = t->index,
		.result = ev->expiration.msg_send_result,
		.direct = ev->expiration.direct != 0,
	};
	ta->fire_waits = true;
}

void hvst_on_expiration(struct analysis *a, struct stimer *t, const struct hvst_event *ev)
{
	(void)a;
	hvst_clocksource_ticked(t->vcpu->vm->an);
	hvst_activity_delivered(t, ev);
	if (!ev->expiration.msg_send_result) {
		t->an->delivered_ns = ev->ts_ns;
		t->vcpu->an->delivered |= (uint8_t)(1u << t->index);
	}
}

static void entered(struct analysis *a, struct vcpu *v, int64_t ts)
{
	for (; v->an->delivered; v->an->delivered &= (uint8_t)(v->an->delivered - 1)) {
		unsigned int i = (unsigned int)__builtin_ctz(v->an->delivered);
		struct timer_an *ta = v->timer[i]->an;

		if (hvst_sketch_add(ta->entry, ts - ta->delivered_ns, 1))
			a->error = -ENOMEM;
		ta->delivered_ns = HVST_UNKNOWN;
		ta->fire.entry_ns = ts;
		fire_out(a, v->timer[i]);
	}
}

void hvst_on_entry(struct analysis *a, struct vcpu *v, int64_t ts)
{
	entered(a, v, ts);
	hvst_activity_entry(v->an, ts);
}

void hvst_on_exit(struct analysis *a, struct vcpu *v, int64_t ts, bool halts)
{
	(void)a;
	hvst_activity_exit(v->an, ts, halts);
	v->an->exits_since_read++;
}

/*
 * A vCPU's first TSC offset: the VM begins here, often before any of its threads is known as a
 * vCPU.
 */
static void vm_created(struct analysis *a, struct vm *vm, const struct hvst_event *ev)
{
	unsigned int slot;

	/* That the page is off from then on holds only where its writes would be seen. */
	if (!(hvst_recorded(a) >> HVST_EV_MSR & 1))
		return;
	slot = a->nr_created++ % CREATED_MAX;
	a->created[slot].pid = ev->pid;
	a->created[slot].ts = ev->ts_ns;
	if (vm)
		hvst_clocksource_created(vm->an, ev->ts_ns);
}

void hvst_on_clock_event(struct analysis *a, struct vm *vm, const struct hvst_event *ev)
{
	if (ev->id == HVST_EV_WRITE_TSC_OFFSET && !ev->tsc_offset.previous_tsc_offset)
		vm_created(a, vm, ev);
	if (!vm)
		return;
	switch (ev->id) {
	case HVST_EV_UPDATE_MASTER_CLOCK:
		hvst_refclock_event(&vm->an->ref, ev->ts_ns, ev->id);
		hvst_clocksource_master(a, vm, ev);
		break;
	case HVST_EV_WRITE_TSC_OFFSET:
		hvst_refclock_event(&vm->an->ref, ev->ts_ns, ev->id);
		hvst_mark(a, vm, ev, "TSC offset moved by %lld cycles",
			  (long long)(ev->tsc_offset.next_tsc_offset -
				      ev->tsc_offset.previous_tsc_offset));
		break;
	default:
		break;
	}
}

/* No entry that comes after a gap belongs to a delivery before it. */
static void deliveries_drop(struct analysis *a, struct vcpu *v)
{
	v->an->delivered = 0;
	for (unsigned int i = 0; i < HVST_STIMERS; i++) {
		if (!v->timer[i] || !v->timer[i]->an)
			continue;
		v->timer[i]->an->delivered_ns = HVST_UNKNOWN;
		fire_out(a, v->timer[i]);
	}
}

void hvst_on_gap(struct analysis *a, const struct hvst_event *ev)
{
	a->gap_ns = ev->ts_ns;
	if (!a->obs->fire)
		return;
	for (struct vm *vm = hvst_model_vms(a->model); vm; vm = vm->next)
		for (struct vcpu *v = vm->vcpus; v; v = v->vm_next)
			deliveries_drop(a, v);
}

/* Entries and exits in the gap are unknown: time is accounted anew from here. */
void hvst_on_vcpu_gap(struct analysis *a, struct vcpu *v)
{
	v->an->exit_ns = HVST_UNKNOWN;
	v->an->in_guest = v->an->halted = v->an->off_cpu = false;
	v->an->read_last = false;
	v->an->msrs_since_arm = 0;
	deliveries_drop(a, v);
}

void hvst_on_vm_merge(struct analysis *a, struct vm *into, struct vm *from)
{
	a->nr_pending -= from->an->nr_pending;
	for (unsigned int i = 0; i < from->an->nr_pending; i++)
		pending_add(a, into->an, &from->an->pending[i]);
	from->an->nr_pending = 0;
	if (hvst_refclock_merge(&into->an->ref, &from->an->ref))
		a->error = -ENOMEM;
	hvst_clocksource_merge(into->an, from->an);
	for (unsigned int i = 0; i < a->nr_guest; i++)
		if (a->guest_vm[i] == from)
			a->guest_vm[i] = into;
}

int64_t hvst_on_vm_distance(struct analysis *a, const struct vm *x, const struct vm *y, int64_t ts)
{
	int64_t ox, oy, e;

	(void)a;
	if (!hvst_refclock_at(&x->an->ref, ts, &ox, &e) ||
	    !hvst_refclock_at(&y->an->ref, ts, &oy, &e))
		return HVST_UNKNOWN;
	return llabs(ox - oy);
}

struct analysis *hvst_analysis_new(const struct hvst_params *params, struct hvst_trace *trace)
{
	static const struct hvst_observer none;
	struct analysis *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->params = *params;
	a->trace = trace;
	a->obs = &none;
	a->vm_filter = a->vcpu_filter = a->timer_filter = -1;
	a->unpaired = hvst_sketch_new();
	a->model = hvst_model_new(a);
	if (!a->model || !a->unpaired) {
		hvst_analysis_free(a);
		return NULL;
	}
	return a;
}

static void vm_an_free(struct vm_an *vm)
{
	if (!vm)
		return;
	hvst_refclock_free(&vm->ref);
	free(vm->pending);
	free(vm->sources);
	free(vm);
}

void hvst_analysis_free(struct analysis *a)
{
	if (!a)
		return;
	for (struct vm *vm = a->model ? hvst_model_vms(a->model) : NULL; vm; vm = vm->next) {
		for (struct vcpu *v = vm->vcpus; v; v = v->vm_next) {
			for (unsigned int i = 0; i < HVST_STIMERS; i++)
				if (v->timer[i])
					timer_an_free(v->timer[i]->an);
			free(v->an);
		}
		vm_an_free(vm->an);
	}
	hvst_model_free(a->model);
	hvst_result_free(a);
	hvst_sketch_free(a->unpaired);
	free(a->storms);
	free(a->storm_vcpu);
	free(a->guest);
	free(a->guest_vm);
	free(a->guest_vcpu);
	free(a);
}

int hvst_analysis_events(struct analysis *a, const struct hvst_event *const *ev, size_t n)
{
	int ret = hvst_model_events(a->model, ev, n);

	if (n && ev[n - 1]->ts_ns > a->now)
		a->now = ev[n - 1]->ts_ns;
	return ret ? ret : a->error;
}

int hvst_analysis_finish(struct analysis *a)
{
	hvst_model_finish(a->model);
	for (struct vm *vm = hvst_model_vms(a->model); vm; vm = vm->next)
		if (!vm->dead)
			settle(a, vm->an, vm->an->nr_pending, true);
	for (struct vm *vm = hvst_model_vms(a->model); vm; vm = vm->next)
		for (struct vcpu *v = vm->vcpus; v; v = v->vm_next)
			deliveries_drop(a, v);
	for (struct vm *vm = hvst_model_vms(a->model); vm; vm = vm->next)
		if (!vm->dead)
			hvst_refclock_finish(&vm->an->ref);
	hvst_clocksource_finish(a);
	hvst_storm_finish(a);
	hvst_guestclock_finish(a);
	if (a->error != -ENOMEM &&
	    hvst_result_build(a) == -ENOMEM) /* even if an observer has had enough */
		a->error = -ENOMEM;
	return a->error;
}
