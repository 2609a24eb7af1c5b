/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Passes each change to the analyses that use it, always in the order of the calls
 * below. Each analysis is a file with the same few entry points: created, one for each change that
 * it uses, merged (two VMs turn out to be one), finish, free.
 */
#include <errno.h>
#include <stdlib.h>

#include "activity.h"
#include "by_vm.h"
#include "clocksource.h"
#include "epoch.h"
#include "guestclock.h"
#include "handler.h"
#include "latency.h"
#include "life.h"
#include "livelock.h"
#include "load.h"
#include "lost.h"
#include "marks.h"
#include "pastdue.h"
#include "refused.h"
#include "resolve.h"
#include "result.h"
#include "slowpath.h"
#include "storm.h"
#include "twoclocks.h"

#define PREFETCH_EVENTS 8

static int vm_created(struct vm *vm)
{
	vm->state = calloc(1, sizeof(*vm->state));
	if (!vm->state || hvst_resolve_vm_created(vm) || hvst_marks_created(vm) ||
	    hvst_clocksource_vm_created(vm) || hvst_pastdue_created(vm) ||
	    hvst_guestclock_vm_created(vm) || hvst_lost_vm_created(vm) ||
	    hvst_slowpath_vm_created(vm) || hvst_refused_vm_created(vm) || hvst_life_created(vm) ||
	    hvst_epoch_vm_created(vm) || hvst_twoclocks_vm_created(vm))
		return -ENOMEM;
	return 0;
}

static void vm_free(struct vm *vm)
{
	if (!vm->state)
		return;
	hvst_resolve_vm_free(vm);
	hvst_marks_free(vm);
	hvst_clocksource_vm_free(vm);
	hvst_pastdue_free(vm);
	hvst_guestclock_vm_free(vm);
	hvst_life_free(vm);
	hvst_epoch_vm_free(vm);
	hvst_twoclocks_vm_free(vm);
	hvst_lost_vm_free(vm);
	hvst_slowpath_vm_free(vm);
	hvst_refused_vm_free(vm);
	free(vm->state);
	vm->state = NULL;
}

static void know_vm(const struct analysis *a, struct vcpu *v)
{
	const struct hvst_analysis_opts *o = &a->opts;

	v->state->known_vm = o->known_vm ? o->known_vm(o->known_ctx, v->tid) : -1;
}

static int vcpu_created(struct analysis *a, struct vcpu *v)
{
	v->state = calloc(1, sizeof(*v->state));
	if (!v->state || hvst_activity_created(v) || hvst_clocksource_vcpu_created(v) ||
	    hvst_latency_vcpu_created(v) || hvst_load_vcpu_created(v) ||
	    hvst_handler_vcpu_created(v) || hvst_slowpath_vcpu_created(v) ||
	    hvst_refused_vcpu_created(v))
		return -ENOMEM;
	know_vm(a, v);
	return 0;
}

static void vcpu_free(struct vcpu *v)
{
	if (!v->state)
		return;
	hvst_activity_free(v);
	hvst_clocksource_vcpu_free(v);
	hvst_latency_vcpu_free(v);
	hvst_load_vcpu_free(v);
	hvst_handler_vcpu_free(v);
	hvst_slowpath_vcpu_free(v);
	hvst_refused_vcpu_free(v);
	free(v->state);
	v->state = NULL;
}

static int timer_created(struct stimer *t)
{
	t->state = calloc(1, sizeof(*t->state));
	if (!t->state || hvst_latency_timer_created(t) || hvst_resolve_timer_created(t) ||
	    hvst_storm_created(t) || hvst_guestclock_created(t) ||
	    hvst_clocksource_timer_created(t) || hvst_livelock_created(t) ||
	    hvst_lost_timer_created(t) || hvst_load_timer_created(t) ||
	    hvst_handler_timer_created(t) || hvst_epoch_timer_created(t))
		return -ENOMEM;
	return 0;
}

/* Frees the state that the findings do not refer to. */
static void timer_free_work(struct stimer *t)
{
	hvst_storm_free(t);
	hvst_guestclock_free(t);
	hvst_clocksource_timer_free(t);
	hvst_epoch_timer_free(t);
	hvst_twoclocks_timer_free(t);
	hvst_livelock_free(t);
	hvst_lost_timer_free(t);
	hvst_load_timer_free(t);
	hvst_handler_timer_free(t);
}

/* The findings are complete and refer only to the distributions of each timer. */
static void timer_finished(struct analysis *a, struct stimer *t)
{
	(void)a;
	timer_free_work(t);
	*t->state = (struct timer_state){ .latency = t->state->latency, .skew = t->state->skew };
}

static void timer_free(struct stimer *t)
{
	if (!t->state)
		return;
	hvst_latency_timer_free(t);
	hvst_resolve_timer_free(t);
	timer_free_work(t);
	free(t->state);
	t->state = NULL;
}

/* As created(), with only the state that opts.arms_only needs. */
static int created_for_arms(struct analysis *a, struct vm *vm, struct vcpu *v, struct stimer *t)
{
	if (vm && !vm->state) {
		vm->state = calloc(1, sizeof(*vm->state));
		if (!vm->state || hvst_resolve_vm_created(vm))
			return -ENOMEM;
	}
	if (v && !v->state) {
		v->state = calloc(1, sizeof(*v->state));
		if (!v->state)
			return -ENOMEM;
		know_vm(a, v);
	}
	if (t && !t->state)
		t->state = calloc(1, sizeof(*t->state));
	return !t || t->state ? 0 : -ENOMEM;
}

/*
 * Creates the state of the analyses with the first change of a VM, vCPU or timer. Each is NULL if
 * the change has none.
 */
static __attribute__((noinline)) int created(struct analysis *a, struct vm *vm, struct vcpu *v,
					     struct stimer *t)
{
	if (a->opts.arms_only)
		return created_for_arms(a, vm, v, t);
	if (vm && !vm->state && vm_created(vm))
		return -ENOMEM;
	if (v && !v->state && vcpu_created(a, v))
		return -ENOMEM;
	return t && !t->state ? timer_created(t) : 0;
}

static void merged(struct vm *into, struct vm *from)
{
	if (!from->state)
		return;
	hvst_resolve_merged(into, from);
	hvst_marks_merged(into, from);
	hvst_clocksource_merged(into, from);
	hvst_pastdue_merged(into, from);
	hvst_guestclock_merged(into, from);
	hvst_life_merged(into, from);
	hvst_epoch_merged(into, from);
	hvst_twoclocks_merged(into, from);
	hvst_lost_merged(into, from);
	hvst_slowpath_merged(into, from);
	hvst_refused_merged(into, from);
	vm_free(from);
}

static __attribute__((noinline)) void armed_out(struct analysis *a, const struct stimer *t,
						const struct hvst_arm *arm,
						enum hvst_arm_cause cause)
{
	struct hvst_arm m;

	if (a->error || !hvst_filter_pass(a, t->vcpu, t->index))
		return;
	m = *arm;
	m.vm = hvst_vm_number(t->vcpu);
	m.thread = t->vcpu->serial;
	if (a->opts.obs->armed(a->opts.obs_ctx, &m, cause))
		a->error = -ECANCELED;
}

static void arm(struct analysis *a, struct stimer *t, const struct hvst_event *ev,
		const struct hvst_changes *changes)
{
	const struct hvst_arm *m = &changes->arm;
	enum hvst_arm_cause cause;

	hvst_pastdue_arm(t, m, ev);
	cause = hvst_storm_arm(a, t, changes, ev);
	if (a->opts.obs->armed)
		armed_out(a, t, m, cause);
	hvst_activity_arm(t, m, changes->arm_programmed_ns);
	hvst_handler_arm(t, m);
	hvst_life_arm(t, m, ev);
	hvst_epoch_arm(t, m, changes->arm_programmed_ns);
	if (hvst_twoclocks_arm(t, m, changes->arm_offset_ns))
		a->error = -ENOMEM;
	hvst_resolve_arm(a, t, m, changes->arm_bound_ns);
	hvst_livelock_arm(a, t, m, ev);
	hvst_lost_arm(t, m, ev);
	hvst_load_touch(t, ev->ts_ns);
}

static void delivery(struct analysis *a, struct stimer *t, const struct hvst_event *ev,
		     const struct hvst_delivery *d)
{
	hvst_activity_delivery(t, ev, d);
	hvst_latency_delivery(a, t, ev, d);
	hvst_clocksource_delivery(t);
	hvst_livelock_delivery(a, t, ev);
	hvst_lost_delivery(a, t, ev, d);
	hvst_load_delivery(t, ev, d);
	hvst_handler_delivery(a, t, ev, d);
}

static void programmed(struct analysis *a, struct stimer *t, const struct hvst_event *ev)
{
	hvst_clocksource_programmed(a, t, ev);
	hvst_storm_programmed(a, t);
	hvst_marks_programmed(t, ev);
	hvst_livelock_programmed(a, t);
	hvst_lost_programmed(a, t, ev);
	hvst_slowpath_programmed(t, ev);
	hvst_load_touch(t, ev->ts_ns);
	hvst_life_programmed(t, ev);
}

static void progress_out(struct analysis *a, struct vcpu *v, int64_t ts)
{
	struct hvst_progress p;

	if (!a->opts.obs->progressed || a->error || !hvst_filter_pass(a, v, -1) ||
	    !hvst_activity_stretch(v, ts, &p))
		return;
	p.vm = hvst_vm_number(v);
	p.vcpu = v->vcpu_id;
	p.tid = v->tid;
	p.thread = v->serial;
	if (a->opts.obs->progressed(a->opts.obs_ctx, &p))
		a->error = -ECANCELED;
}

static void entry(struct analysis *a, struct vcpu *v, const struct hvst_event *ev)
{
	int64_t ts = ev->ts_ns;

	hvst_latency_entry(a, v, ts);
	hvst_activity_entry(v, ts);
	progress_out(a, v, ts);
	hvst_load_entry(v, ts);
	hvst_handler_entry(v, ts);
	hvst_slowpath_entry(v, ts);
	hvst_life_entry(v, ev);
}

static void vm_exit(struct analysis *a, struct vcpu *v, const struct hvst_event *ev)
{
	enum hvst_exit_kind kind = hvst_exit_kind(ev->exit.isa, ev->exit.exit_reason);
	bool halts = kind == HVST_EXIT_HALT;

	hvst_activity_exit(v, ev->ts_ns, kind);
	progress_out(a, v, ev->ts_ns);
	hvst_clocksource_exit(a, v, ev, kind);
	hvst_load_exit(v, ev->ts_ns, halts);
	hvst_handler_exit(a, v, ev->ts_ns, halts);
	hvst_slowpath_exit(v, ev, kind);
}

static void msr(struct analysis *a, struct vcpu *v, const struct hvst_event *ev)
{
	hvst_clocksource_msr(a, v, ev);
	hvst_marks_msr(v, ev);
	hvst_livelock_msr(a, v, ev);
	hvst_load_msr(v, ev);
	hvst_slowpath_msr(v, ev);
	hvst_refused_msr(v, ev);
	hvst_life_msr(v, ev);
}

/* Most MSR accesses are to timers, and most analyses need only the others. */
static void timer_msr(struct analysis *a, struct vcpu *v, const struct hvst_event *ev)
{
	if (ev->msr.exception) {
		msr(a, v, ev);
		return;
	}
	hvst_clocksource_msr(a, v, ev);
	hvst_slowpath_timer_msr(v, ev);
}

static inline void own_event(struct analysis *a, struct vcpu *v, const struct hvst_event *ev)
{
	switch (ev->id) {
	case HVST_EV_ENTRY:
		entry(a, v, ev);
		break;
	case HVST_EV_EXIT:
		vm_exit(a, v, ev);
		break;
	default:
		timer_msr(a, v, ev);
	}
}

static void clock_event(struct vm *vm, const struct hvst_event *ev)
{
	hvst_marks_clock(vm, ev);
	/* The TSC offset of a new vCPU is 0. */
	if (ev->id == HVST_EV_WRITE_TSC_OFFSET && !ev->tsc_offset.previous_tsc_offset)
		hvst_lost_vcpu_new(vm);
}

static void clock_read(struct analysis *a, struct vm *vm, const struct hvst_event *ev)
{
	hvst_resolve_sample(a, vm, ev->cpu);
	hvst_twoclocks_sample(vm, ev);
}

static void change(struct analysis *a, const struct hvst_change *c, const struct hvst_event *ev)
{
	struct vcpu *v = c->vcpu;

	switch (c->kind) {
	case HVST_CHANGE_MSR:
		msr(a, v, ev);
		break;
	case HVST_CHANGE_SAMPLE:
		clock_read(a, c->vm, ev);
		break;
	case HVST_CHANGE_SWITCH:
		hvst_activity_switch(v, ev);
		break;
	case HVST_CHANGE_VCPU_EVENT:
		hvst_clocksource_event(a, v, ev);
		hvst_life_event(v, ev);
		hvst_slowpath_event(v, ev);
		hvst_refused_event(v, ev);
		break;
	case HVST_CHANGE_PAGE:
		hvst_clocksource_page(a, c, ev);
		if (v)
			hvst_epoch_page(c->vm, ev);
		break;
	case HVST_CHANGE_CLOCK:
		if (c->vm)
			clock_event(c->vm, ev);
		hvst_life_clock(a, c->vm, ev);
		break;
	case HVST_CHANGE_VCPU_GAP:
		hvst_activity_gap(v);
		hvst_clocksource_gap(v);
		hvst_latency_drop(a, v);
		hvst_load_gap(v);
		hvst_handler_gap(v);
		hvst_slowpath_gap(v);
		hvst_refused_gap(v);
		hvst_twoclocks_gap(v);
		break;
	case HVST_CHANGE_GAP:
		a->gap_ns = ev->ts_ns;
		hvst_latency_gap(a);
		hvst_lost_gap(a, c->from_ns);
		break;
	case HVST_CHANGE_VM_MERGED:
		merged(c->vm, c->from);
		break;
	}
}

/* As change(), for opts.arms_only. */
static void change_arms(struct analysis *a, const struct hvst_change *c,
			const struct hvst_event *ev)
{
	if (c->kind == HVST_CHANGE_SAMPLE) {
		hvst_resolve_sample(a, c->vm, ev->cpu);
	} else if (c->kind == HVST_CHANGE_VM_MERGED && c->from->state) {
		hvst_resolve_merged(c->vm, c->from);
		vm_free(c->from);
	}
}

static __attribute__((noinline)) void take_list(struct analysis *a, const struct hvst_event *ev,
						const struct hvst_changes *changes, bool arms_only)
{
	for (unsigned int i = 0; i < changes->n; i++) {
		const struct hvst_change *c = &changes->change[i];

		if (created(a, c->vm, c->vcpu, NULL)) {
			a->error = -ENOMEM;
			break;
		}
		if (arms_only)
			change_arms(a, c, ev);
		else
			change(a, c, ev);
	}
}

/* In the order of enum hvst_did. */
static inline __attribute__((always_inline)) void timer_did(struct analysis *a, struct stimer *t,
							    const struct hvst_event *ev,
							    const struct hvst_changes *changes)
{
	unsigned int did = changes->did;

	if (did & HVST_DID_SAMPLE)
		clock_read(a, t->vcpu->vm, ev);
	if (did & HVST_DID_AHEAD)
		hvst_storm_ahead(a, t, ev);
	if (did & HVST_DID_PROGRAM)
		programmed(a, t, ev);
	if (did & HVST_DID_CALLBACK) {
		hvst_livelock_callback(t);
		hvst_lost_callback(a, t);
	}
	if (did & HVST_DID_ARM)
		arm(a, t, ev, changes);
	if (did & HVST_DID_DELIVERY)
		delivery(a, t, ev, &changes->delivery);
}

/* As timer_did(), for opts.arms_only. */
static void timer_did_arms(struct analysis *a, struct stimer *t, const struct hvst_event *ev,
			   const struct hvst_changes *changes)
{
	if (changes->did & HVST_DID_SAMPLE)
		hvst_resolve_sample(a, t->vcpu->vm, ev->cpu);
	if (changes->did & HVST_DID_ARM) {
		if (a->opts.obs->armed)
			armed_out(a, t, &changes->arm, HVST_ARM_UNEXPLAINED);
		hvst_resolve_arm(a, t, &changes->arm, changes->arm_bound_ns);
	}
	if (changes->did & HVST_DID_DELIVERY)
		hvst_latency_fire(a, t, ev, &changes->delivery);
}

/* A vCPU with state has a VM with state, a timer with state a vCPU with state. */
static inline __attribute__((always_inline)) int take_changes(struct analysis *a,
							      const struct hvst_event *ev,
							      const struct hvst_changes *changes,
							      bool arms_only)
{
	struct stimer *t = changes->timer;
	struct vcpu *v = changes->vcpu;

	if (__builtin_expect(changes->n, 0))
		take_list(a, ev, changes, arms_only);
	if (changes->did == HVST_DID_OWN) {
		if (__builtin_expect(!v->state, 0) && created(a, v->vm, v, NULL))
			a->error = -ENOMEM;
		else if (!arms_only)
			own_event(a, v, ev);
	} else if (changes->did) {
		if (__builtin_expect(!t->state, 0) && created(a, t->vcpu->vm, t->vcpu, t))
			a->error = -ENOMEM;
		else if (arms_only)
			timer_did_arms(a, t, ev, changes);
		else
			timer_did(a, t, ev, changes);
	}
	return a->error;
}

/*
 * The events lie in the chunks of several CPU streams, which another thread may have written:
 * the next ones are rarely in this CPU's caches.
 */
static inline void prefetch(const struct hvst_event *const *ev, const struct hvst_event *const *end)
{
	if (end - ev > PREFETCH_EVENTS) {
		__builtin_prefetch(ev[PREFETCH_EVENTS]);
		__builtin_prefetch((const char *)(ev[PREFETCH_EVENTS] + 1) - 1);
	}
}

static inline __attribute__((always_inline)) int take_events(struct analysis *a,
							     const struct hvst_event *const *ev,
							     const struct hvst_event *const *end,
							     bool arms_only)
{
	struct hvst_changes changes;
	int ret = 0;

	while (ev < end) {
		const struct hvst_event *e = *ev;

		prefetch(ev++, end);
		ret = hvst_kvm_event(a->kvm, e, &changes);
		if (!ret)
			ret = take_changes(a, e, &changes, arms_only);
		if (__builtin_expect(ret, 0))
			break;
	}
	return ret;
}

static __attribute__((noinline)) int take_arms(struct analysis *a,
					       const struct hvst_event *const *ev,
					       const struct hvst_event *const *end)
{
	return take_events(a, ev, end, true);
}

/*
 * "flatten" inlines everything that is called for each event: an arm has six events with some 40
 * calls, and without these it takes 20 % fewer instructions. Functions that few events need are
 * marked noinline.
 */
__attribute__((flatten)) int hvst_analysis_events(struct analysis *a,
						  const struct hvst_event *const *ev, long n)
{
	if (n <= 0)
		return 0;
	return a->opts.arms_only ? take_arms(a, ev, ev + n) : take_events(a, ev, ev + n, false);
}

int hvst_analysis_changes(struct analysis *a, const struct hvst_changes *changes)
{
	return take_changes(a, NULL, changes, a->opts.arms_only);
}

struct analysis *hvst_analysis_new(struct kvm *kvm, const struct hvst_analysis_opts *opts)
{
	struct analysis *a = calloc(1, sizeof(*a));

	if (!a)
		return NULL;
	a->kvm = kvm;
	a->opts = *opts;
	a->params = *opts->params;
	a->unpaired = hvst_sketch_new();
	if (!a->unpaired) {
		free(a);
		return NULL;
	}
	return a;
}

void hvst_each_timer(struct analysis *a, void (*fn)(struct analysis *, struct stimer *))
{
	for_each_vm (vm, a)
		for_each_vcpu (v, vm)
			for (unsigned int i = 0; i < HVST_STIMERS; i++)
				if (v->timer[i] && v->timer[i]->state)
					fn(a, v->timer[i]);
}

void hvst_analysis_free(struct analysis *a)
{
	if (!a)
		return;
	for_each_vm (vm, a) {
		for_each_vcpu (v, vm) {
			for (unsigned int i = 0; i < HVST_STIMERS; i++)
				if (v->timer[i])
					timer_free(v->timer[i]);
			vcpu_free(v);
		}
		vm_free(vm);
	}
	hvst_result_free(a);
	hvst_by_vm_free(a);
	hvst_sketch_free(a->unpaired);
	for (unsigned int i = 0; i < a->nr_storms; i++)
		hvst_storm_found_free(&a->storms[i]);
	hvst_resolve_free(a);
	free(a->orphans.steps);
	free(a->storms);
	free(a->transitions);
	free(a);
}

int hvst_analysis_finish(struct analysis *a)
{
	a->error = 0; /* an observer that stops the run does not invalidate the findings */
	a->last_ns = hvst_kvm_last_ns(a->kvm);
	hvst_resolve_finish(a);
	if (a->opts.arms_only)
		return a->error;
	for_each_vm (vm, a)
		for_each_vcpu (v, vm)
			if (v->state)
				hvst_latency_drop(a, v);
	hvst_clocksource_finish(a);
	hvst_livelock_finish(a);
	hvst_storm_finish(a);
	hvst_lost_finish(a);
	hvst_slowpath_finish(a);
	hvst_guestclock_finish(a);
	hvst_epoch_finish(a);
	if (a->error != -ENOMEM && hvst_result_build(a) == -ENOMEM)
		a->error = -ENOMEM;
	hvst_each_timer(a, timer_finished);
	return a->error;
}

const struct hvst_result *hvst_analysis_result(const struct analysis *a)
{
	return &a->result;
}
