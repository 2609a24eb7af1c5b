/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The guests: how they read the time, what they ask of their timers, what their interrupt handlers
 * do.
 */
#include "sim.h"
#include "truth.h"

const struct phase *vcpu_phase(const struct vcpu *v)
{
	return v->phase < 0 ? NULL : &v->sc->phases[v->phase];
}

void guest_wrmsr(struct vcpu *v, uint32_t msr, uint64_t val)
{
	host_exit_msr(v, true);
	EV(v, MSR, 1, msr, val, 0);
	host_process_timers(v);
	host_enter(v);
}

/* A read of TIME_REF_COUNT. */
static uint64_t read_ref_msr(struct vcpu *v)
{
	uint64_t ref;

	host_exit_msr(v, false);
	ref = ref_now(v->vm, v->now);
	v->now += 150;
	if (EV(v, MSR, 0, MSR_TIME_REF, ref, 0))
		truth_sample(v->vm, v->now, true);
	host_enter(v);
	return ref;
}

static int64_t drift(const struct vcpu *v)
{
	return (v->now - v->clock_from) / 1000 * vcpu_phase(v)->rate_ppm / 1000;
}

/* The page where it is good; else what the first vCPU uses: its calibrated TSC, or the counter. */
static void follow_vm(struct vcpu *v)
{
	const struct vcpu *lead = &v->vm->vcpus[0];

	if (v->vm->page_set && !v->vm->page_broken) {
		v->clock = CLK_PAGE;
	} else if (v != lead && lead->clock == CLK_RAW) {
		v->clock = CLK_RAW;
		v->clock_off = lead->clock_off;
	} else {
		v->clock = CLK_MSR;
	}
}

/* What the guest takes the reference time to be, in ref units. */
static int64_t guest_now(struct vcpu *v)
{
	const struct phase *p = vcpu_phase(v);
	const struct vm *vm = v->vm;
	int64_t now;

	if (p->clock == CLK_VM)
		follow_vm(v);
	if (v->clock == CLK_MSR || (v->clock == CLK_PAGE && (vm->page_broken || !vm->page_set)))
		now = read_ref_msr(v);
	else if (v->clock == CLK_PAGE)
		now = (v->now + vm->page_off) / REF_NS;
	else
		now = (v->now + v->clock_off) / REF_NS;
	return now - (v->breath_left ? 0 : p->lag_ref) + drift(v) / REF_NS;
}

static bool every(uint64_t n, uint32_t m)
{
	return m && n % m == m - 1;
}

static uint64_t next_target(struct vcpu *v, int i, int64_t now)
{
	const struct timer_cfg *c = &vcpu_phase(v)->timers[i];
	struct timer *t = &v->timers[i];

	if (every(t->ticks, c->past_every) ||
	    (c->past_one_in && rng_once_in(&v->sim->rng, c->past_one_in)))
		return now - c->past_by_ref;
	switch (c->policy) {
	case POL_PREV:
		return t->target + c->period_ref;
	case POL_RETRY:
		return now < (int64_t)t->target ? t->target : t->target + c->period_ref;
	case POL_FIXED:
		return t->target;
	case POL_GRID:
		return (now / c->period_ref + 1) * c->period_ref;
	default:
		return now + c->period_ref;
	}
}

/* The thread loses its CPU with the guest between its reading of the clock and the MSR write;
 * whether it did. */
static bool lose_cpu(struct vcpu *v, int64_t ns)
{
	/* It must not run ahead of another vCPU that may move the clock. */
	for (unsigned int k = 0; k < v->vm->sc->nr_vcpus; k++)
		if (v->vm->vcpus + k != v && !v->vm->vcpus[k].done &&
		    v->vm->vcpus[k].phase_end <= v->now + ns)
			return false;
	host_exit_intr(v);
	host_switch(v, false);
	v->now += ns;
	v->off_ns += ns;
	host_switch(v, true);
	host_enter(v);
	return true;
}

/* After its quota the thread has to wait. */
static void throttle(struct vcpu *v)
{
	const struct phase *p = vcpu_phase(v);

	if (!p->throttle_ns || v->now - v->slice < p->quota_ns)
		return;
	lose_cpu(v, p->throttle_ns);
	v->slice = v->now;
}

/* Now and then the guest's clock is right for a few arms. */
static void breathe(struct vcpu *v)
{
	const struct phase *p = vcpu_phase(v);

	if (!p->breath_arms)
		return;
	if (v->breath_left) {
		v->breath_left--;
	} else if (v->now >= v->breath) {
		v->breath_left = p->breath_arms;
		v->breath = v->now + p->breath_every_ns;
	}
}

static uint64_t timer_config(const struct timer_cfg *c, int i)
{
	uint64_t config =
		c->message ? (uint64_t)(c->sint ? c->sint : 2) << 16 : CFG_DIRECT | (0x40 + i) << 4;

	return config | (c->periodic ? CFG_PERIODIC : 0) | (c->no_auto ? 0 : CFG_AUTO);
}

static void write_config(struct vcpu *v, int i, uint64_t config)
{
	host_exit_msr(v, true);
	host_set_config(v, i, config, false);
	EV(v, MSR, 1, MSR_STIMER0 + 2 * i, config, 0);
	host_process_timers(v);
	host_enter(v);
}

static void write_count(struct vcpu *v, int i, uint64_t count)
{
	host_exit_msr(v, true);
	host_set_count(v, i, count, false);
	EV(v, MSR, 1, MSR_STIMER0 + 1 + 2 * i, count, 0);
	host_process_timers(v);
	host_enter(v);
}

static void program(struct vcpu *v, int i, uint64_t count)
{
	const struct timer_cfg *c = &vcpu_phase(v)->timers[i];

	write_count(v, i, count);
	if (c->no_auto)
		write_config(v, i, timer_config(c, i) | CFG_ENABLE);
}

/* The next one-shot arm of a timer: clock, target, MSR write. */
static void arm(struct vcpu *v, int i)
{
	const struct phase *p = vcpu_phase(v);
	const struct timer_cfg *c = &p->timers[i];
	struct timer *t = &v->timers[i];
	uint64_t target;
	int64_t now;

	throttle(v);
	breathe(v);
	if (p->counter_percent && rng_next(&v->sim->rng) % 100 < p->counter_percent)
		read_ref_msr(v);
	now = guest_now(v);
	target = next_target(v, i, now);

	if ((int64_t)target < 1)
		target = 1; /* before the clock began */
	if (!every(t->ticks, c->past_every))
		t->target = target;
	if (c->jitter)
		target += rng_range(&v->sim->rng, -3, 5);
	if (every(t->ticks, p->preempt_every) && lose_cpu(v, p->preempt_ns))
		truth_preempted(v);
	if (every(t->ticks, p->restart_every))
		v->restart_at = v->now + c->period_ref * REF_NS / 2;
	t->ticks++;
	pass(v, 200);
	if (c->config_between)
		write_config(v, i, timer_config(c, i));
	for (int n = 0; n < (c->times ? c->times : 1); n++)
		program(v, i, target);
}

static void tick(struct vcpu *v, int i)
{
	const struct phase *p = vcpu_phase(v);
	const struct timer_cfg *c = &p->timers[i];

	pass(v, 400);
	if (!c->used || c->periodic)
		return;
	if (c->reprograms >= 0 && p->timers[c->reprograms].used)
		arm(v, c->reprograms);
	arm(v, i);
}

/* --- interrupts --- */

static unsigned int vector_of(const struct vcpu *v, int i)
{
	uint64_t config = v->timers[i].config;

	return config & CFG_DIRECT ? 0x40u + i : 0x50u + (unsigned int)CFG_SINT(config);
}

static void end_of_interrupt(struct vcpu *v, int i)
{
	bool message = !(v->timers[i].config & CFG_DIRECT);
	unsigned int vector = vector_of(v, i);

	if (v->sim->sc->vmx && !message) { /* posted: no exit, only the trace of it */
		EV(v, EOI, v->id, vector);
		return;
	}
	host_exit_msr(v, true);
	EV(v, APIC, 1, 0xb0, 0);
	EV(v, EOI, v->id, vector);
	if (message) {
		EV(v, SYNIC_SEND_EOI, v->id, vector);
		host_ack_sint(v, vector - 0x50);
	}
	EV(v, MSR, 1, MSR_X2APIC_EOI, 0, 0);
	host_process_timers(v);
	host_enter(v);
}

/*
 * The guest frees the slot; if another message waits for it, it says so through the EOM register.
 */
static void free_slot(struct vcpu *v, int i)
{
	unsigned int sint = CFG_SINT(v->timers[i].config);
	bool waiting = false;

	v->slot_busy &= ~(1u << sint);
	for (int k = 0; k < NR_TIMERS; k++)
		waiting |= v->timers[k].msg_pending && CFG_SINT(v->timers[k].config) == sint;
	if (!waiting)
		return;
	host_exit_msr(v, true);
	EV(v, SYNIC_SET_MSR, v->id, MSR_EOM, 0, 0);
	for (unsigned int s = 0; s < 16; s++)
		host_ack_sint(v, s);
	EV(v, MSR, 1, MSR_EOM, 0, 0);
	host_process_timers(v);
	host_enter(v);
}

static void finish_handler(struct vcpu *v, int i)
{
	if (!(v->timers[i].config & CFG_DIRECT))
		free_slot(v, i);
	tick(v, i);
	end_of_interrupt(v, i);
}

static void take_interrupt(struct vcpu *v)
{
	const struct phase *p = vcpu_phase(v);
	int i = __builtin_ctz(v->irqs);
	bool message = !(v->timers[i].config & CFG_DIRECT);

	v->irqs &= ~(1u << i);
	if (v->in_guest) { /* an exit for the interrupt window, unless the hardware posts it */
		if (!v->sim->sc->vmx)
			host_exit_intr(v);
		else
			pass(v, 100);
	}
	EV(v, INJ_VIRQ, vector_of(v, i), 0, 0);
	if (!v->in_guest)
		host_enter(v);
	if (message && p->timers[i].hold_ns) {
		v->hold_timer = i;
		v->run_at = v->now + p->timers[i].hold_ns;
		return;
	}
	finish_handler(v, i);
}

/* --- the thread --- */

/* A CPU that nobody has, now and then. */
static void maybe_migrate(struct vcpu *v)
{
	struct sim *sim = v->sim;
	unsigned int to;

	if (!sim->sc->migrate_every || !rng_once_in(&sim->rng, sim->sc->migrate_every))
		return;
	to = rng_next(&sim->rng) % sim->sc->trace.cpus;
	if (sim->cpu_owner[to])
		return;
	sim->cpu_owner[v->cpu] = 0;
	sim->cpu_owner[to] = v->tid;
	v->cpu = to;
}

static void wake(struct vcpu *v)
{
	maybe_migrate(v);
	v->now += 1000 * v->sim->sc->speed / 2;
	host_switch(v, true);
	v->halted = false;
	EV(v, WAKEUP, 1000000, 1, 1);
}

static void rest(struct vcpu *v)
{
	const struct phase *p = vcpu_phase(v);

	v->run_at = NEVER;
	if (!v->in_guest)
		host_enter(v);
	if (p && p->read_ns) {
		v->run_at = v->now + p->read_ns;
		return;
	}
	if (p && p->spin)
		return;
	if (!host_exit_hlt(v)) {
		v->run_at = v->now;
		return;
	}
	v->halted = true;
	host_switch(v, false);
}

/* The start of a running timer is done over: the same count, a later time. */
static void restart(struct vcpu *v)
{
	for (int i = 0; i < NR_TIMERS; i++)
		if (v->timers[i].fire != NEVER && v->timers[i].fire > v->now + 200000)
			v->timers[i].pending = true;
	v->restart_at = NEVER;
}

static void leave_guest(struct vcpu *v)
{
	if (v->halted)
		wake(v);
	else if (v->in_guest)
		host_exit_intr(v);
}

static bool any_pending(const struct vcpu *v)
{
	bool any = false;

	for (int i = 0; i < NR_TIMERS; i++)
		any |= v->timers[i].pending;
	return any;
}

/* The clock is read by way of the host. */
static void read_slowly(struct vcpu *v)
{
	enum clock_read what = vcpu_phase(v)->read;

	if (what == READ_REF_COUNT) {
		read_ref_msr(v);
		return;
	}
	host_exit_io(v, what == READ_HPET);
	if (what == READ_HPET)
		EV(v, MMIO, 1, 4, 0xfed000f0, 0x9abc);
	else
		EV(v, PIO, 0, 0x608, 4, 1, 0x123456);
	host_enter(v);
}

/* One turn: phase changes, what the host has to do before entry, one interrupt. */
void guest_run(struct vcpu *v)
{
	if (v->now < v->vm->held_until)
		v->now = v->vm->held_until;
	if (v->restart_at <= v->now)
		restart(v);
	if (any_pending(v)) {
		leave_guest(v);
		host_process_timers(v);
	}
	if (v->hold_timer >= 0) {
		int i = v->hold_timer;

		if (!v->in_guest)
			host_enter(v);
		if (v->now < v->run_at)
			return;
		v->hold_timer = -1;
		finish_handler(v, i);
	} else if (v->irqs) {
		if (v->halted)
			wake(v);
		take_interrupt(v);
	} else if (v->in_guest && vcpu_phase(v)->read_ns) {
		read_slowly(v);
	}
	if (v->hold_timer >= 0)
		return;
	if (v->irqs || any_pending(v))
		v->run_at = v->now;
	else
		rest(v);
}

/* --- phases --- */

static int64_t host_offset(const struct vm *vm)
{
	return vm->page_set && !vm->page_broken ? vm->page_off : vm->kvm_off;
}

/*
 * A write that enables has the page computed anew from the kvmclock; one that disables goes back
 * to it.
 */
static void page_write(struct vcpu *v, bool on, bool moved)
{
	struct vm *vm = v->vm;
	int64_t before = host_offset(vm);

	guest_wrmsr(v, MSR_TSC_PAGE, on ? (moved ? 0x43001 : 0x40001) : 0);
	vm->page_set = on;
	vm->page_known = true;
	vm->page_broken = false;
	vm->page_off = vm->kvm_off;
	truth_step(vm, v->now, vm->kvm_off - before, "guest writes the TSC page's MSR");
	if (!on)
		return;
	host_exit_intr(v);
	vmm_master_clock(v, true);
	host_enter(v);
}

static void synic_write(struct vcpu *v, uint32_t msr, uint64_t val)
{
	host_exit_msr(v, true);
	EV(v, SYNIC_SET_MSR, v->id, msr, val, 0);
	EV(v, MSR, 1, msr, val, 0);
	host_process_timers(v);
	host_enter(v);
}

static void synic_actions(struct vcpu *v, unsigned int what)
{
	if (what & (G_SINT_MASK | G_SINT_UNMASK)) {
		synic_write(v, MSR_SINT0 + 3, what & G_SINT_MASK ? 0x10053 : 0x53);
		v->sint_masked = what & G_SINT_MASK ? 1u << 3 : 0;
	}
	if (what & (G_SIMP_OFF | G_SIMP_ON)) {
		synic_write(v, MSR_SIMP, what & G_SIMP_OFF ? 0 : 0x20001);
		v->simp_off = what & G_SIMP_OFF;
		v->slot_busy = 0;
	}
}

static void time_restore(struct vcpu *v)
{
	host_exit_msr(v, true);
	EV(v, HYPERCALL, 0x0103, 1, 0, 0, 0, 0, 0);
	EV(v, HYPERCALL_DONE, 2); /* invalid hypercall code */
	host_enter(v);
	truth_fault(v, FAULT_REFUSED);
}

static void guest_actions(struct vcpu *v, unsigned int what)
{
	if (what & G_STATUS_READ) {
		host_exit_msr(v, false);
		EV(v, MSR, 0, MSR_EMU_STATUS, 0, 0);
		host_enter(v);
	}
	if (what & (G_REENLIGHT_ON | G_REENLIGHT_OFF)) {
		guest_wrmsr(v, MSR_REENLIGHT, what & G_REENLIGHT_ON ? 0x10060 : 0);
		guest_wrmsr(v, MSR_EMULATION, !!(what & G_REENLIGHT_ON));
		v->vm->page_frozen = what & G_REENLIGHT_ON;
	}
	if (what & G_TIME_RESTORE)
		time_restore(v);
	if (what & (G_PAGE_ON | G_PAGE_OFF | G_PAGE_MOVE))
		page_write(v, !(what & G_PAGE_OFF), what & G_PAGE_MOVE);
	synic_actions(v, what);
	if (what & G_ALL_EVENTS)
		vmm_every_event(v);
}

/* More than 1,000 reads a second for longer than a boot: see lib/analysis/slowpath.c. */
static void slow_clock_truth(struct vcpu *v, const struct phase *p)
{
	bool boots = !v->vm->sc->age_ns && v->phase + 1 < (int)v->sc->nr_phases;

	if (p->read_ns && p->read_ns <= 800000 && p->ns >= 300000000 && !boots)
		truth_fault(v, FAULT_SLOW);
}

/* HvCallRestorePartitionTime, or a write of the time-unhalted timer: KVM has neither. */
static void ask_in_vain(struct vcpu *v, const struct phase *p)
{
	for (uint32_t n = 0; n < p->refused; n++) {
		host_exit_msr(v, true);
		if (p->refused_msr) {
			EV(v, MSR, 1, 0x40000114, 0x3, 1);
		} else {
			EV(v, HYPERCALL, 0x0044, 0, 0, 0, 0, 0x3000, 0);
			EV(v, HYPERCALL_DONE, 2);
		}
		host_enter(v);
	}
	if (p->refused)
		truth_fault(v, FAULT_REFUSED);
}

static void start_timer(struct vcpu *v, int i)
{
	const struct timer_cfg *c = &vcpu_phase(v)->timers[i];
	struct timer *t = &v->timers[i];
	int64_t now;

	if (!c->used || (c->keep && c->periodic))
		return;
	if (!c->keep)
		write_config(v, i, timer_config(c, i));
	if (c->periodic) {
		program(v, i, c->period_ref);
		return;
	}
	now = guest_now(v);
	if (!c->keep)
		t->target = now - c->behind_ref;
	if (c->policy != POL_FIXED)
		t->target += c->policy == POL_NOW ? 0 : c->period_ref;
	else if (!c->keep)
		t->target = now + c->period_ref;
	if ((int64_t)t->target < 1)
		t->target = 1;
	pass(v, 200);
	t->ticks = 0;
	if (c->policy == POL_NOW)
		arm(v, i);
	else
		program(v, i, t->target);
}

static void stop_timers(struct vcpu *v, const struct phase *p)
{
	for (int i = 0; i < NR_TIMERS; i++) {
		struct timer *t = &v->timers[i];

		if (!p->timers[i].keep && (t->config || t->fire != NEVER))
			write_config(v, i, 0);
	}
	v->irqs = 0;
	v->slot_busy = 0;
	v->hold_timer = -1;
}

/*
 * The clock that the guest goes by from here on. A copy or calibration that it goes on using
 * stays.
 */
static void choose_clock(struct vcpu *v, const struct phase *p, enum guest_clock was)
{
	const struct vm *vm = v->vm;

	v->clock = p->clock;
	if (p->clock == CLK_VM)
		follow_vm(v);
	if (p->clock == CLK_RAW && was != CLK_RAW)
		v->clock_off = p->tsc_time ? vm->tsc_off : host_offset(vm);
	v->clock_from = v->slice = v->now;
	v->breath = v->now + p->breath_every_ns;
	v->breath_left = 0;
}

void guest_start_phase(struct vcpu *v, const struct phase *p)
{
	enum guest_clock was = v->clock;
	int64_t at;

	if (p->clock == CLK_STALE && was != CLK_STALE)
		v->clock_off = v->vm->page_off; /* copied before the host moves the clock */
	vmm_actions(v, p);
	leave_guest(v);
	host_process_timers(v);
	host_enter(v);
	at = v->now;
	stop_timers(v, p);
	guest_actions(v, p->guest);
	ask_in_vain(v, p);
	choose_clock(v, p, was);
	v->phase_end = at + p->ns;
	slow_clock_truth(v, p);
	truth_phase(v, p, v->phase ? was : CLK_VM, v->clock, p->guest & (G_PAGE_ON | G_PAGE_OFF));
	for (int i = 0; i < NR_TIMERS; i++)
		start_timer(v, i);
	v->run_at = v->now;
}
