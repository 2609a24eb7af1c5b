/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: kvm. From events to changes: each event goes to the vCPU, timer, VM or clock it concerns.
 */
#include <errno.h>
#include <stdlib.h>

#include "kvm_private.h"

/* Of MSRs that a clock depends on. */
static __attribute__((noinline)) void guest_writes_msr(struct kvm *k, struct vcpu *v,
						       const struct hvst_event *ev,
						       struct hvst_changes *out)
{
	struct tscpage *page = &v->vm->page;
	struct hvst_change *c;

	switch (ev->msr.ecx) {
	case HVST_MSR_REFERENCE_TSC:
		c = kvm_change(out, HVST_CHANGE_PAGE, v->vm, v);
		c->page.was_known = page->known;
		c->page.was_usable = hvst_tscpage_usable(page);
		c->page.was_source = page->nr_sources ? page->sources[page->nr_sources - 1].source
						      : HVST_REF_UNKNOWN;
		hvst_tscpage_write(page, ev->ts_ns, ev->msr.data, k->master_seen);
		break;
	case HVST_MSR_TSC_EMULATION_CONTROL:
		hvst_tscpage_freeze(page, ev->ts_ns, ev->msr.data & 1);
		break;
	case HVST_MSR_IA32_TSC:
	case HVST_MSR_IA32_TSC_ADJUST:
		kvm_clock_event(k, v->vm, ev);
		break;
	default:
		break;
	}
}

static void on_msr(struct kvm *k, const struct hvst_event *ev, struct hvst_changes *out)
{
	struct vcpu *v = kvm_vcpu_of(k, ev, true, out);

	if (!v)
		return;
	v->msr_ns = ev->ts_ns;
	if (hvst_msr_is_stimer(ev->msr.ecx)) {
		kvm_own(out, v);
		return;
	}
	if (!ev->msr.write && ev->msr.ecx == HVST_MSR_TIME_REF_COUNT && !ev->msr.exception) {
		kvm_sample(k, v, ev, ev->msr.data, out);
		kvm_change(out, HVST_CHANGE_SAMPLE, v->vm, v);
	}
	kvm_change(out, HVST_CHANGE_MSR, v->vm, v);
	if (ev->msr.write && !ev->msr.exception)
		guest_writes_msr(k, v, ev, out);
}

/* One of several VMs lost its master clock: which VM's page broke cannot be told. */
static void page_unsure(struct vm *vm, int64_t ts)
{
	hvst_tscpage_unsure(&vm->page, ts);
}

static void master_clock_updated(struct kvm *k, struct vm *vm, const struct hvst_event *ev,
				 struct hvst_changes *out)
{
	struct hvst_change *c;

	if (!vm)
		return;
	kvm_clock_event(k, vm, ev);
	if (!hvst_tscpage_master(&vm->page, ev->ts_ns, ev->master_clock.use_master_clock))
		return;
	c = kvm_change(out, HVST_CHANGE_PAGE, vm, NULL);
	c->page.was_known = c->page.was_usable = true;
	c->page.was_source = HVST_REF_TSC_PAGE;
}

void kvm_off_is_own(struct kvm *k, const struct vcpu *v, struct hvst_changes *out)
{
	if (k->off_vm != v->vm)
		return;
	k->off_vm = NULL;
	master_clock_updated(k, v->vm, &k->off, out);
}

/*
 * KVM creates a VM without a master clock, in the context of the creating task. Which of them goes
 * on tells whether the event belongs to the new VM or to one that the task already has.
 */
static bool may_be_new(const struct kvm *k, const struct vm *vm, const struct hvst_event *ev)
{
	return vm && !ev->master_clock.use_master_clock && !ev->master_clock.offset_matched &&
	       !hvst_kvm_find(k, ev->pid);
}

/* The first offset of a vCPU is its creation; a different later one is set by its VMM or guest. */
static void tsc_offset_written(struct kvm *k, struct vcpu *v, const struct hvst_event *ev)
{
	kvm_offset_written(k, v, ev);
	if (v)
		kvm_clock_event(k, v->vm, ev);
	/*
	 * A VMM that moves the TSC of a VM that it just created restores that VM, perhaps with its
	 * page.
	 */
	if (ev->tsc_offset.previous_tsc_offset &&
	    ev->tsc_offset.previous_tsc_offset != ev->tsc_offset.next_tsc_offset)
		kvm_creator_restores(k, ev->pid);
}

/*
 * The vCPU whose TSC offset is written, or whose thread caused the event; NULL: none that is known
 * yet. A new vCPU's offset starts at 0, so the nearest thread that already ran the guest belongs to
 * another VM, unless 0 had been written to it.
 */
static struct vcpu *vcpu_of_clock(const struct kvm *k, const struct hvst_event *ev, bool creates)
{
	struct vcpu *v = hvst_kvm_find(k, ev->pid);

	if (v || ev->vcpu_id < 0)
		return v;
	v = kvm_nearest(k, ev->vcpu_id, ev->pid);
	return v && creates && v->ran && !(v->tsc_known && !v->tsc_offset) ? NULL : v;
}

/*
 * Which clock an event may have set while nothing has read it. A VM that is created in the trace
 * has no clock before, and the master clock update after the guest's write of its page sets none:
 * whether such writes are recorded may not be known yet.
 */
static void clock_may_be_set(struct kvm *k, const struct vcpu *v, struct vm *vm,
			     const struct hvst_event *ev)
{
	bool own = v && v->tid == ev->pid && ev->id == HVST_EV_UPDATE_MASTER_CLOCK;

	if ((own && vm->page.waits_master) || kvm_vm_created(k, vm, ev->pid))
		return;
	if (vm && !(own && v->msr_ns == HVST_UNKNOWN)) {
		kvm_clock_set(vm, ev->ts_ns);
		return;
	}
	for (unsigned int i = 0; i < k->nr_early_sets; i++)
		if (k->early_set[i].pid == ev->pid)
			return;
	if (k->nr_early_sets < KVM_EARLY_SETS)
		k->early_set[k->nr_early_sets++] = (struct early_set){ ev->pid, ev->ts_ns };
}

static void on_clock_event(struct kvm *k, const struct hvst_event *ev, struct hvst_changes *out)
{
	bool offset = ev->id == HVST_EV_WRITE_TSC_OFFSET, unsure = false;
	bool master = ev->id == HVST_EV_UPDATE_MASTER_CLOCK;
	bool creates = offset && !ev->tsc_offset.previous_tsc_offset;
	struct vcpu *v;
	struct vm *vm;

	if (creates) {
		if (k->off_vm && k->off.pid == ev->pid)
			k->off_vm = NULL;
		kvm_vcpu_created(k, ev);
	}
	v = vcpu_of_clock(k, ev, creates);
	vm = v ? v->vm : kvm_vm_of_task(k, ev->pid, &unsure);
	kvm_change(out, HVST_CHANGE_CLOCK, vm, offset ? v : NULL);
	clock_may_be_set(k, v, vm, ev);
	k->master_seen |= master;
	if (offset) {
		tsc_offset_written(k, v, ev);
	} else if (master && unsure && !ev->master_clock.use_master_clock) {
		kvm_each_vm_near(k, ev->pid, page_unsure, ev->ts_ns);
	} else if (master && may_be_new(k, vm, ev)) {
		k->off = *ev;
		k->off_vm = vm;
		k->generation++;
	} else if (master) {
		master_clock_updated(k, vm, ev, out);
	}
}

static void on_sched_switch(struct kvm *k, const struct hvst_event *ev, struct hvst_changes *out)
{
	struct vcpu *prev = hvst_kvm_find(k, ev->sched.prev_pid);
	struct vcpu *next = hvst_kvm_find(k, ev->sched.next_pid);

	if (prev) {
		kvm_vcpu_after_gap(k, prev, ev->ts_ns, out);
		kvm_change(out, HVST_CHANGE_SWITCH, prev->vm, prev);
	}
	if (next && next != prev) {
		kvm_vcpu_after_gap(k, next, ev->ts_ns, out);
		kvm_change(out, HVST_CHANGE_SWITCH, next->vm, next);
	}
}

/* Records are missing on one CPU: the state of everything in flight there is unknown. */
static void on_lost(struct kvm *k, const struct hvst_event *ev, struct hvst_changes *out)
{
	struct kvm_cpu *cpu = kvm_cpu(k, ev);
	int64_t from = cpu->last_ns;

	k->gap++;
	k->generation++;
	k->gap_ns = ev->ts_ns;
	if (ev->ts_ns > from) {
		if (__builtin_add_overflow(cpu->lost_ns, ev->ts_ns - from, &cpu->lost_ns))
			cpu->lost_ns = INT64_MAX;
		if (__builtin_add_overflow(k->lost_ns, ev->ts_ns - from, &k->lost_ns))
			k->lost_ns = INT64_MAX;
	}
	k->past_due_timer = NULL;
	kvm_change(out, HVST_CHANGE_GAP, NULL, NULL)->from_ns = from;
}

/* The VMM writes back a value that is not zero: it restores a state, which a reset does not. */
static bool restores(const struct hvst_event *ev)
{
	return ev->id == HVST_EV_STIMER_SET_CONFIG ? ev->set_config.config : ev->set_count.count;
}

static void on_timer_write(struct kvm *k, const struct hvst_event *ev, struct hvst_changes *out)
{
	bool config = ev->id == HVST_EV_STIMER_SET_CONFIG;
	bool host = config ? ev->set_config.host : ev->set_count.host;
	struct vcpu *v = host ? kvm_vcpu_written(k, ev, out) : kvm_vcpu_of(k, ev, true, out);

	if (!v)
		return;
	k->counts_seen |= !config;
	if (config)
		kvm_set_config(k, v, ev, out);
	else
		kvm_set_count(k, v, ev, out);
	if (!host)
		return;
	if (!v->ran && v->tid == ev->pid)
		kvm_early_write(k, ev);
	if (restores(ev)) {
		hvst_tscpage_restored(&v->vm->page, ev->ts_ns);
		kvm_creator_restores(k, ev->pid);
	}
}

static void on_vm_entry(struct kvm *k, const struct hvst_event *ev, struct hvst_changes *out)
{
	struct vcpu *v = kvm_vcpu_of(k, ev, true, out);

	if (!v)
		return;
	k->entries_seen = true;
	v->entry_ns = ev->ts_ns;
	kvm_own(out, v);
}

static void on_vm_exit(struct kvm *k, const struct hvst_event *ev, struct hvst_changes *out)
{
	struct vcpu *v = kvm_vcpu_of(k, ev, true, out);

	if (v)
		kvm_own(out, v);
}

static void on_hypercall(struct kvm *k, const struct hvst_event *ev, struct hvst_changes *out)
{
	struct vcpu *v = kvm_vcpu_of(k, ev, true, out);

	if (v)
		kvm_change(out, HVST_CHANGE_VCPU_EVENT, v->vm, v);
}

/* Other tasks cause these events as well. */
static void on_device(struct kvm *k, const struct hvst_event *ev, struct hvst_changes *out)
{
	struct vcpu *v = kvm_vcpu_of(k, ev, false, out);

	if (v)
		kvm_change(out, HVST_CHANGE_VCPU_EVENT, v->vm, v);
}

void kvm_cpu_begins(struct kvm *k, const struct hvst_event *ev)
{
	struct kvm_cpu *cpu = kvm_cpu(k, ev);

	if (cpu->seen)
		return;
	cpu->seen = true;
	cpu->first_ns = ev->ts_ns;
	if (k->first_ns == HVST_UNKNOWN || ev->ts_ns < k->first_ns)
		k->first_ns = ev->ts_ns;
	/* A gap that comes first began at the start of the trace. */
	cpu->last_ns = k->first_ns;
}

/* An event that does not have to be in the context of a vCPU thread. */
static __attribute__((noinline)) void handle_other(struct kvm *k, const struct hvst_event *ev,
						   struct hvst_changes *out)
{
	kvm_cpu_begins(k, ev);
	switch (ev->id) {
	case HVST_EV_WRITE_TSC_OFFSET:
	case HVST_EV_UPDATE_MASTER_CLOCK:
		on_clock_event(k, ev, out);
		break;
	case HVST_EV_SCHED_SWITCH:
		on_sched_switch(k, ev, out);
		break;
	case HVST_EV_LOST:
		on_lost(k, ev, out);
		break;
	default:
		break;
	}
}

/* Passes the event on by its kind. */
static inline void handle(struct kvm *k, const struct hvst_event *ev, struct hvst_changes *out)
{
	switch (ev->id) {
	case HVST_EV_ENTRY:
		on_vm_entry(k, ev, out);
		break;
	case HVST_EV_EXIT:
		on_vm_exit(k, ev, out);
		break;
	case HVST_EV_MSR:
		on_msr(k, ev, out);
		break;
	case HVST_EV_STIMER_SET_CONFIG:
	case HVST_EV_STIMER_SET_COUNT:
		on_timer_write(k, ev, out);
		break;
	case HVST_EV_STIMER_EXPIRATION:
		kvm_expiration(k, ev, out);
		break;
	case HVST_EV_STIMER_START_ONE_SHOT:
		kvm_start_one_shot(k, ev, out);
		break;
	case HVST_EV_STIMER_START_EXPIRED:
		kvm_start_expired(k, ev, out);
		break;
	case HVST_EV_STIMER_START_PERIODIC:
		kvm_start_periodic(k, ev, out);
		break;
	case HVST_EV_STIMER_CALLBACK:
		kvm_cpu_begins(k, ev);
		kvm_callback(k, ev, out);
		break;
	case HVST_EV_PIO:
	case HVST_EV_MMIO:
		on_device(k, ev, out);
		break;
	case HVST_EV_HYPERCALL:
	case HVST_EV_HYPERCALL_DONE:
		on_hypercall(k, ev, out);
		break;
	default:
		handle_other(k, ev, out);
	}
}

int hvst_kvm_event(struct kvm *k, const struct hvst_event *ev, struct hvst_changes *out)
{
	kvm_nothing(out);
	handle(k, ev, out);
	kvm_cpu(k, ev)->last_ns = ev->ts_ns;
	return k->error;
}

struct kvm *hvst_kvm_new(const struct hvst_kvm_opts *opts)
{
	struct kvm *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->opts = *opts;
	k->first_ns = HVST_UNKNOWN;
	k->generation = 1;
	k->vms_tail = &k->vms;
	return k;
}

static void vms_free(struct vm *vm)
{
	while (vm) {
		struct vm *next = vm->next;

		hvst_refclock_free(&vm->clock);
		hvst_sketch_free(vm->start_latency);
		hvst_tscpage_free(&vm->page);
		free(vm->ids);
		free(vm);
		vm = next;
	}
}

void hvst_kvm_free(struct kvm *k)
{
	if (!k)
		return;
	while (k->all) {
		struct vcpu *v = k->all;

		k->all = v->all_next;
		kvm_vcpu_free(v);
	}
	vms_free(k->vms);
	vms_free(k->dead_vms);
	free(k->index);
	free(k);
}

bool hvst_kvm_clock_per_cpu(const struct kvm *k)
{
	return k->opts.clock_per_cpu;
}

int64_t hvst_kvm_padding_ns(const struct kvm *k)
{
	/* longer delays are no padding */
	return k->padding_ref && k->padding_ref <= HVST_SKEW_MAX / 100
		       ? (int64_t)k->padding_ref * 100
		       : HVST_UNKNOWN;
}

bool hvst_kvm_starts_seen(const struct kvm *k)
{
	return k->starts_seen;
}

bool hvst_kvm_start_expired_seen(const struct kvm *k)
{
	return k->expired_seen;
}

uint64_t hvst_kvm_unfollowed(const struct kvm *k)
{
	return k->unfollowed;
}

uint64_t hvst_kvm_backwards(const struct kvm *k)
{
	return k->backwards;
}

int64_t hvst_kvm_lost_ns(const struct kvm *k)
{
	return k->lost_ns;
}

int64_t hvst_kvm_uncovered_ns(const struct kvm *k, const struct vcpu *v)
{
	int64_t sum = v->silent_ns;

	for (unsigned int w = 0; w < KVM_MAX_CPUS / 64; w++)
		for (uint64_t m = v->cpus[w]; m; m &= m - 1)
			if (__builtin_add_overflow(
				    sum, k->cpu[64 * w + (unsigned int)__builtin_ctzll(m)].lost_ns,
				    &sum))
				return INT64_MAX;
	return sum;
}

int64_t hvst_kvm_last_ns(const struct kvm *k)
{
	int64_t last = HVST_UNKNOWN;

	for (unsigned int i = 0; i < KVM_MAX_CPUS; i++)
		if (k->cpu[i].seen && k->cpu[i].last_ns > last)
			last = k->cpu[i].last_ns;
	return last;
}

int64_t hvst_kvm_cpu_last_ns(const struct kvm *k, unsigned int cpu)
{
	const struct kvm_cpu *c = &k->cpu[cpu % KVM_MAX_CPUS];

	return c->seen ? c->last_ns : HVST_UNKNOWN;
}

struct vm *hvst_kvm_vms(const struct kvm *k)
{
	return k->vms;
}
