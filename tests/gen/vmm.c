/* SPDX-License-Identifier: GPL-2.0 */
/* What VMMs do: create VMs, move their clocks, hold, stop, restore and migrate them. */
#include "array.h"
#include "sim.h"
#include "truth.h"

#define CYCLES(ns) ((uint64_t)((__int128)(ns) * (int64_t)GEN_TSC_KHZ / 1000000))

void vmm_master_clock(struct vcpu *v, bool on)
{
	EV(v, MASTER_CLOCK, on, 1, on);
}

/* The page follows the kvmclock, unless the guest has set TSC emulation control. */
static void recompute(struct vm *vm)
{
	if (!vm->page_frozen)
		vm->page_off = vm->kvm_off;
}

static int64_t offset_now(const struct vm *vm)
{
	return vm->page_set && !vm->page_broken ? vm->page_off : vm->kvm_off;
}

static void tsc_offset_events(struct vcpu *v, int64_t ns)
{
	int64_t before = v->vm->tsc_off;

	EV(v, WRITE_TSC_OFFSET, v->id, CYCLES(before), CYCLES(before + ns));
	EV(v, TRACK_TSC, v->id, v->id, v->vm->sc->nr_vcpus, 1, 1);
}

static void set_clock(struct vcpu *v, int64_t ns)
{
	v->vm->kvm_off += ns - rng_range(&v->sim->rng, 20000, 180000);
	pass(v, 2000);
	vmm_master_clock(v, true);
	recompute(v->vm);
}

static void tsc_move(struct vcpu *v, int64_t ns)
{
	struct vm *vm = v->vm;

	for (unsigned int i = 0; i < vm->sc->nr_vcpus; i++) {
		struct vcpu *o = &vm->vcpus[i];

		o->now = v->now;
		tsc_offset_events(o, ns);
		v->now = o->now;
		o->clock_off += ns;
	}
	vm->tsc_off += ns;
	if (vm->page_frozen)
		vm->page_off += ns;
	vmm_master_clock(v, true);
	recompute(vm);
}

static void restore_msrs(struct vcpu *v)
{
	for (int i = 0; i < NR_TIMERS; i++) {
		uint64_t config = v->timers[i].config, count = v->timers[i].count;

		host_set_config(v, i, config, true);
		pass(v, 500);
		host_set_count(v, i, count, true);
		pass(v, 500);
	}
}

/* The clock is read, the VM held, the clock set to what it was. */
static void stop_cont(struct vcpu *v, int64_t ns)
{
	v->now += ns;
	v->vm->kvm_off -= ns + rng_range(&v->sim->rng, 100000, 900000);
	vmm_master_clock(v, true);
	recompute(v->vm);
}

/* The host's clock moves and nothing in the trace tells of it. */
static void step_hidden(struct vm *vm, int64_t ns)
{
	vm->kvm_off += ns;
	recompute(vm);
}

/* The old process dies: timers are cleaned up from another task. */
static void old_process_ends(struct vm *vm, int64_t t)
{
	for (unsigned int k = 0; k < vm->sc->nr_vcpus; k++) {
		struct vcpu *v = &vm->vcpus[k];

		for (int i = 0; i < NR_TIMERS; i++, t += 700)
			ev_at(v, v->cpu, t, vm->pid, EV_CLEANUP, (const uint64_t[]){ v->id, i });
	}
}

static void new_threads(struct vm *vm, int64_t t)
{
	struct sim *sim = vm->sim;

	vm->pid = sim->next_pid++;
	trace_comm(sim->trace, vm->pid, "qemu-system-x86");
	for (unsigned int k = 0; k < vm->sc->nr_vcpus; k++) {
		struct vcpu *v = &vm->vcpus[k];
		char comm[16];

		if (sim->cpu_owner[v->cpu] == v->tid)
			sim->cpu_owner[v->cpu] = 0;
		v->tid = sim->next_pid++;
		snprintf(comm, sizeof(comm), "CPU %d/KVM", v->id);
		trace_comm(sim->trace, v->tid, comm);
		v->now = t;
		v->in_guest = v->halted = false;
		for (int i = 0; i < NR_TIMERS; i++)
			v->timers[i].truth = NULL;
	}
}

/* A VM in a new process: its TSC, its clock. */
static void start_clocks(struct vm *vm, int64_t kvm_off)
{
	int64_t zero = vm->vcpus[0].now;

	/* kvm_synchronize_tsc(): those created together have one offset. */
	for (unsigned int k = 0; k < vm->sc->nr_vcpus; k++) {
		struct vcpu *v = &vm->vcpus[k];

		if (!k)
			vmm_master_clock(v, false);
		tsc_offset_events(v, -zero);
	}
	vm->kvm_off = kvm_off;
	vm->tsc_off = -zero;
	vm->page_broken = vm->page_frozen = false;
	recompute(vm);
	vmm_master_clock(&vm->vcpus[0], true);
}

/* The VMM lets the vCPUs of what it restored run with the clock of a new VM. */
static void restore_early(struct vcpu *v, int64_t ns)
{
	struct vm *vm = v->vm;

	old_process_ends(vm, v->now);
	new_threads(vm, v->now + ns);
	start_clocks(vm, -v->now);
	for (unsigned int k = 0; k < vm->sc->nr_vcpus; k++) {
		EV(&vm->vcpus[k], WRITE_TSC_OFFSET, k, CYCLES(vm->tsc_off),
		   CYCLES(vm->tsc_off + ns));
		restore_msrs(&vm->vcpus[k]);
	}
	vm->tsc_off += ns;
}

/* KVM keeps no master clock for vCPUs whose TSCs differ. */
static void tsc_apart(struct vcpu *v, int64_t ns)
{
	struct vm *vm = v->vm;

	for (unsigned int k = 0; k < vm->sc->nr_vcpus; k++) {
		struct vcpu *o = &vm->vcpus[k];

		o->now = v->now;
		tsc_offset_events(o, 1000000000 + k * ns);
		v->now = o->now;
	}
	vmm_master_clock(v, false);
	vm->page_broken = true;
}

static void migrate(struct vcpu *v, int64_t ns)
{
	struct vm *vm = v->vm;
	int64_t kvm_off = vm->kvm_off - ns;

	old_process_ends(vm, v->now);
	new_threads(vm, v->now + ns);
	start_clocks(vm, kvm_off);
	for (unsigned int k = 0; k < vm->sc->nr_vcpus; k++)
		restore_msrs(&vm->vcpus[k]);
}

static void wrmsr(struct vcpu *v, uint32_t msr, uint64_t val)
{
	v->in_guest = true;
	guest_wrmsr(v, msr, val);
}

/*
 * A Linux guest's way through the boot kernel to its image: page on, off, on (the phase's own
 * write).
 */
static void hibernate(struct vcpu *v, int64_t ns)
{
	struct vm *vm = v->vm;

	wrmsr(v, MSR_TSC_PAGE, 0x40000);
	old_process_ends(vm, v->now);
	new_threads(vm, v->now + ns);
	for (unsigned int k = 0; k < vm->sc->nr_vcpus; k++)
		for (int i = 0; i < NR_TIMERS; i++)
			vm->vcpus[k].timers[i] = (struct timer){ .fire = NEVER, .lost_at = NEVER };
	vm->page_set = false;
	start_clocks(vm, -v->now + 3000000);
	for (int i = 0; i < NR_TIMERS; i++)
		host_set_config(v, i, 0, true);
	wrmsr(v, MSR_TSC_PAGE, 0x40001);
	vmm_master_clock(v, true);
	wrmsr(v, 0x40000000, 0x8100000000000000ull);
	wrmsr(v, 0x40000001, 0x50001);
	pass(v, 100000);
	wrmsr(v, MSR_TSC_PAGE, 0x40000);
	host_exit_intr(v);
}

static const char *const action_names[] = {
	[H_SET_CLOCK] = "KVM_SET_CLOCK add_ns",
	[H_TSC_MOVE] = "MSR_IA32_TSC add_ticks",
	[H_HOLD] = "sleep_ms (all vcpus held)",
	[H_STOP_CONT] = "stop/cont_ms (KVM_GET_CLOCK, hold, KVM_SET_CLOCK same)",
	[H_RESTORE_MSRS] = "restore stimer msrs (get+set by host)",
	[H_PAGE_OFF] = "KVM_SET_MSRS msr",
	[H_BREAK_PAGE] = "master clock off",
	[H_MIGRATE] = "migration to a new process",
	[H_STEP_HIDDEN] = "clock moved, no event",
	[H_KVMCLOCK_MOVE] = "kvmclock moved, page kept",
	[H_MASTER_CLOCK] = "master clock updated",
	[H_HIBERNATE] = "hibernation, resume in a new VM",
	[H_RESTORE_EARLY] = "new VM, state restored, clock not",
	[H_TSC_APART] = "MSR_IA32_TSC, different on each vcpu",
};

/* hrtimers go off while the VM is held. */
static void callbacks_until(struct vm *vm, int64_t t)
{
	for (unsigned int k = 0; k < vm->sc->nr_vcpus; k++)
		for (int i = 0; i < NR_TIMERS; i++)
			if (vm->vcpus[k].timers[i].fire <= t)
				host_callback(&vm->vcpus[k], i);
}

static void act(struct vcpu *v, const struct action *a)
{
	struct vm *vm = v->vm;

	switch (a->kind) {
	case H_SET_CLOCK:
		set_clock(v, a->value);
		break;
	case H_TSC_MOVE:
		tsc_move(v, a->value);
		break;
	case H_HOLD:
		v->now += a->value;
		callbacks_until(vm, v->now);
		break;
	case H_STOP_CONT:
		stop_cont(v, a->value);
		callbacks_until(vm, v->now);
		break;
	case H_RESTORE_MSRS:
		for (unsigned int k = 0; k < vm->sc->nr_vcpus; k++) {
			vm->vcpus[k].now = v->now;
			restore_msrs(&vm->vcpus[k]);
		}
		break;
	case H_PAGE_OFF:
		vm->page_set = false;
		break;
	case H_BREAK_PAGE:
		vmm_master_clock(v, false);
		vm->page_broken = true;
		break;
	case H_MIGRATE:
		migrate(v, a->value);
		break;
	case H_HIBERNATE:
		hibernate(v, a->value);
		break;
	case H_RESTORE_EARLY:
		restore_early(v, a->value);
		break;
	case H_TSC_APART:
		tsc_apart(v, a->value);
		break;
	case H_STEP_HIDDEN:
		step_hidden(vm, a->value);
		break;
	case H_KVMCLOCK_MOVE:
		vm->kvm_off += a->value;
		break;
	case H_MASTER_CLOCK:
		vmm_master_clock(v, true);
		break;
	default:
		break;
	}
}

/* All vCPUs out of the guest: the VMM acts at the time of the last of them. */
static void gather(struct vcpu *v)
{
	struct vm *vm = v->vm;

	for (unsigned int k = 0; k < vm->sc->nr_vcpus; k++)
		if (vm->vcpus[k].now > v->now)
			v->now = vm->vcpus[k].now;
	if (v->in_guest)
		host_exit_intr(v);
	v->halted = false;
}

void vmm_actions(struct vcpu *v, const struct phase *p)
{
	struct vm *vm = v->vm;

	for (int i = 0; i < GEN_MAX_ACTIONS && p->host[i].kind; i++) {
		const struct action *a = &p->host[i];
		int64_t before, from;
		int tid = v->tid;

		gather(v);
		from = v->now;
		callbacks_until(vm, from);
		before = offset_now(vm);
		act(v, a);
		if (v->tid == tid)
			truth_step(vm, from, offset_now(vm) - before, action_names[a->kind]);
		truth_host_action(v, action_names[a->kind], from, v->now, a->value);
		vm->held_until = v->now;
		for (unsigned int k = 0; k < vm->sc->nr_vcpus; k++)
			if (vm->vcpus[k].run_at > v->now)
				vm->vcpus[k].run_at =
					v->now; /* all look again for what is to be done */
	}
}

/* What a guest sets up first of its SynIC. */
static void synic_init(struct vcpu *v)
{
	static const uint32_t synic[][2] = { { 0x40000083, 0x20001 },
					     { 0x40000082, 0x30001 },
					     { 0x40000092, 0x52 },
					     { 0x40000093, 0x53 },
					     { 0x40000080, 1 } };

	EV(v, MSR, 1, 0x40000000, 0x8100060c00000000, 0);
	for (unsigned int i = 0; i < ARRAY_SIZE(synic); i++) {
		EV(v, SYNIC_SET_MSR, v->id, synic[i][0], synic[i][1], 0);
		EV(v, MSR, 1, synic[i][0], synic[i][1], 0);
	}
}

/* A VM at the trace's start: made just now, or found running. */
void vmm_create(struct vm *vm, int64_t t)
{
	struct sim *sim = vm->sim;
	int next_pid = sim->next_pid;

	if (vm->sc->reuses)
		sim->next_pid = sim->vms[vm->sc->reuses - 1].pid;
	new_threads(vm, t + vm->sc->tsc_late_ns);
	if (vm->sc->reuses)
		sim->next_pid = next_pid;
	if (!vm->sc->age_ns)
		start_clocks(vm, -t);
	vm->kvm_off = vm->page_off = vm->sc->age_ns - t;
	vm->tsc_off = -t - vm->sc->tsc_late_ns;
	vm->page_known = !vm->sc->age_ns;
	for (unsigned int k = 0; k < vm->sc->nr_vcpus; k++) {
		struct vcpu *v = &vm->vcpus[k];

		if (!vm->sc->age_ns)
			synic_init(v);
		host_enter(v);
		v->run_at = v->phase_end = v->now;
	}
}

void vmm_end(struct vm *vm, int64_t t)
{
	old_process_ends(vm, t);
	for (unsigned int k = 0; k < vm->sc->nr_vcpus; k++)
		for (int i = 0; i < NR_TIMERS; i++)
			vm->vcpus[k].timers[i].fire = NEVER;
}

/* One of each event that the simulation does not come to by itself. */
void vmm_every_event(struct vcpu *v)
{
	host_exit_msr(v, true);
	EV(v, HYPERCALL, 0x0050, 1, 0, 0, 0, 0x1000, 0x2000);
	EV(v, HYPERCALL_DONE, 0);
	EV(v, HYPERCALL, 0x0003, 0, 0, 4, 0, 0x3000, 0);
	EV(v, FLUSH_TLB, 0x3, 0x1aa000, 0, 0);
	EV(v, HYPERCALL_DONE, 4ull << 32);
	EV(v, FLUSH_TLB_EX, 1, 0, 0x1aa000, 2, 0);
	EV(v, SEND_IPI, 0xe1, 0x2);
	EV(v, SEND_IPI_EX, 0xe1, 0, 1);
	EV(v, HYPERCALL_DONE, 5);
	EV(v, SYNDBG_SET_MSR, v->id, 0, 0x400000f1, 0x1234);
	EV(v, SYNDBG_GET_MSR, v->id, 0, 0x400000f2, 0x5678);
	EV(v, TIMER_STATE, v->id, 1);
	EV(v, PVCLOCK, v->id, 4, CYCLES(v->now), v->now, 0xc5000000, (uint8_t)-1, 1);
	EV(v, PIO, 0, 0x608, 4, 1, 0x123456);
	EV(v, MMIO, 1, 4, 0xfed000f0, 0x9abc);
	EV(v, APIC, 0, 0x390, 0x77);
	EV(v, MSR, 1, MSR_EMU_STATUS, 1, 1);
	truth_fault(v, FAULT_REFUSED);
	EV(v, PRINT, 0xffffffff81000040, (uintptr_t) "a mark");
	host_enter(v);
	for (int i = 0; i < 3; i++)
		host_switch(v, i & 1);
}
