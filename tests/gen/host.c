/* SPDX-License-Identifier: GPL-2.0 */
/* KVM's side: exits and entries, the synthetic timers' state machine, the reference clock. */
#include "sim.h"
#include "truth.h"

#define RIP_WRMSR     0xfffff8012340021bull
#define RIP_EOI	      0xfffff8012340055cull
#define RIP_HALT      0xfffff80123400e52ull
#define PAD_REF	      100
#define FAR_AHEAD     10000000000000ull /* ref units: eleven days, no trace sees it go off */
#define EAGAIN_RESULT ((uint32_t)-11)
#define ENOENT_RESULT ((uint32_t)-2)

bool ev_at(struct vcpu *v, unsigned int cpu, int64_t t, int pid, enum gen_event ev,
	   const uint64_t *vals)
{
	return trace_emit(v->sim->trace, cpu, t, pid, ev, vals);
}

/* Real code takes no two times alike: -10 to +30 %. */
void pass(struct vcpu *v, int64_t ns)
{
	int64_t cost = ns * v->sim->sc->speed * v->sim->sc->percent / 100;

	v->now += cost * rng_range(&v->sim->rng, 90, 130) / 100 + 1;
}

bool ev_now(struct vcpu *v, enum gen_event ev, const uint64_t *vals)
{
	bool seen = ev_at(v, v->cpu, v->now, v->tid, ev, vals);

	pass(v, 120);
	v->told = v->now;
	return seen;
}

uint64_t ref_now(const struct vm *vm, int64_t t)
{
	bool page = vm->page_set && !vm->page_broken;

	return (t + (page ? vm->page_off : vm->kvm_off)) / REF_NS;
}

/*
 * From the reading of the clock to the stamp of the event that tells it: a little always, 1 to 2 us
 * often, up to a millisecond now and then. Never negative.
 */
static void stamp_noise(struct vcpu *v)
{
	struct rng *r = &v->sim->rng;
	int64_t typical = 700 + 40 * v->sim->sc->speed;
	int64_t d = 120 + rng_range(r, 0, typical) * v->sim->sc->noise / 100;

	if (rng_once_in(r, 4000))
		d += rng_range(r, 100000, 1000000) * v->sim->sc->noise / 100;
	v->now += d;
}

/* --- exits --- */

static void host_exit(struct vcpu *v, unsigned int svm, unsigned int vmx, uint64_t rip,
		      uint64_t info)
{
	bool intel = v->sim->sc->vmx;

	v->in_guest = false;
	EV(v, EXIT, v->id, intel ? vmx : svm, rip, intel ? 1 : 2, info, 0, 0, 0);
	pass(v, 300);
}

/*
 * A timer that goes off while its vCPU is in guest mode makes it exit, though its guest may not
 * take the interrupt yet. What the guest still had to do until now it does after the next entry.
 */
static void go_off_in_guest(struct vcpu *v)
{
	for (int i = 0; i < NR_TIMERS && v->in_guest; i++) {
		struct timer *t = &v->timers[i];
		int64_t undone;

		if (t->fire > v->now)
			continue;
		undone = v->now - (t->fire > v->told ? t->fire : v->told);
		v->now -= undone;
		host_exit_intr(v);
		host_callback(v, i);
		host_process_timers(v);
		host_enter(v);
		v->now += undone;
	}
}

void host_exit_msr(struct vcpu *v, bool write)
{
	go_off_in_guest(v);
	host_exit(v, 0x7c, write ? 32 : 31, RIP_WRMSR, write);
}

void host_exit_io(struct vcpu *v, bool mmio)
{
	go_off_in_guest(v);
	host_exit(v, mmio ? 0x400 : 0x7b, mmio ? 49 : 30, RIP_WRMSR, 0);
}

void host_exit_intr(struct vcpu *v)
{
	host_exit(v, 0x60, 1, RIP_HALT, 0);
}

bool host_exit_hlt(struct vcpu *v)
{
	go_off_in_guest(v);
	if (v->irqs)
		return false;
	host_exit(v, 0x78, 12, RIP_HALT, 0);
	return true;
}

void host_enter(struct vcpu *v)
{
	int *owner = &v->sim->cpu_owner[v->cpu];

	EV(v, ENTRY, v->id, RIP_HALT, 0);
	if (!*owner)
		*owner = v->tid; /* a new thread's first run there */
	v->in_guest = true;
	pass(v, 250);
}

/* The thread gives up its CPU (and is given it back): sched_switch on that CPU. */
void host_switch(struct vcpu *v, bool in)
{
	static const char idle[16] = "swapper", other[16] = "kworker/u8:1", vcpu[16] = "CPU 0/KVM";
	const char *them = v->halted ? idle : other;
	int pid = v->halted ? 0 : 31;
	int state = v->halted ? 1 : v->sim->sc->preemptible ? 0x100 : 0;
	char me[16] = "";

	for (int i = 0; i < 15; i++)
		me[i] = vcpu[i];
	me[4] = '0' + v->id % 10;
	if (in)
		ev_at(v, v->cpu, v->now, pid, EV_SWITCH,
		      (const uint64_t[]){ (uintptr_t)them, pid, 120, 0, (uintptr_t)me, v->tid,
					  120 });
	else
		ev_at(v, v->cpu, v->now, v->tid, EV_SWITCH,
		      (const uint64_t[]){ (uintptr_t)me, v->tid, 120, state, (uintptr_t)them, pid,
					  120 });
	pass(v, 100);
}

/* --- the synthetic timers --- */

static void timer_cleanup(struct vcpu *v, int i)
{
	struct timer *t = &v->timers[i];

	EV(v, CLEANUP, v->id, i);
	t->fire = NEVER;
	t->pending = t->msg_pending = false;
	t->exp_time = 0;
}

static void written(struct vcpu *v, int i, bool host)
{
	struct timer *t = &v->timers[i];

	if (host)
		t->lost_at = NEVER;
	else
		truth_timer_heard_of(v, i, v->now);
	t->revived = false;
	t->turns = 0;
}

void host_set_config(struct vcpu *v, int i, uint64_t config, bool host)
{
	struct timer *t = &v->timers[i];

	EV(v, SET_CONFIG, v->id, i, config, host);
	written(v, i, host);
	timer_cleanup(v, i);
	if ((t->config & CFG_ENABLE) && !(config & CFG_DIRECT) && !CFG_SINT(config))
		config &= ~(uint64_t)CFG_ENABLE;
	t->config = config;
	t->pending = config & CFG_ENABLE;
	t->fresh = t->pending && t->count;
	t->host_wrote = host;
}

void host_set_count(struct vcpu *v, int i, uint64_t count, bool host)
{
	struct timer *t = &v->timers[i];

	EV(v, SET_COUNT, v->id, i, count, host);
	written(v, i, host);
	timer_cleanup(v, i);
	t->count = count;
	if (!host && !count)
		t->config &= ~(uint64_t)CFG_ENABLE;
	else if ((!host || (v->sim->sc->auto_enables && count)) && (t->config & CFG_AUTO)) {
		t->revived = host && !(t->config & CFG_ENABLE);
		t->config |= CFG_ENABLE;
	}
	t->pending = t->config & CFG_ENABLE;
	t->fresh = t->pending && count;
	t->host_wrote = host;
}

/*
 * The hrtimer runs on CLOCK_MONOTONIC, read after the reference clock; interrupts take their time.
 */
static void timer_set_fire(struct vcpu *v, int i, int64_t read, uint64_t ref, uint64_t at_ref)
{
	struct sim *sim = v->sim;
	uint64_t ahead = at_ref - ref;
	int64_t wait =
		trace_wait(sim->trace, read, ahead < FAR_AHEAD ? (int64_t)ahead * REF_NS : 0);
	int64_t late = 300 * sim->sc->speed + rng_range(&sim->rng, 0, 900 * sim->sc->speed);

	if (rng_once_in(&sim->rng, 500))
		late += rng_range(&sim->rng, 20000, 200000);
	v->timers[i].fire = ahead < FAR_AHEAD ? read + wait + late : NEVER;
	if (sim->sc->wraps && ahead > INT64_MAX / REF_NS)
		v->timers[i].fire = v->now + late;
}

static void start_periodic(struct vcpu *v, int i)
{
	struct timer *t = &v->timers[i];
	int64_t read = v->now;
	uint64_t ref = ref_now(v->vm, read);

	if (!t->exp_time)
		t->exp_time = ref + t->count;
	else if (ref >= t->exp_time)
		t->exp_time = ref + t->count - (ref - t->exp_time) % t->count;
	if (t->fresh)
		truth_periodic(v, i);
	t->fresh = false;
	stamp_noise(v);
	if (EV(v, START_PERIODIC, v->id, i, ref, t->exp_time))
		truth_sample(v->vm, v->now, true);
	timer_set_fire(v, i, read, ref, t->exp_time);
}

static void start_ahead(struct vcpu *v, int i, int64_t read, uint64_t ref, uint64_t at)
{
	bool seen = EV(v, START_ONE_SHOT, v->id, i, ref, at);

	if (seen)
		truth_sample(v->vm, v->now, true);
	if (v->timers[i].fresh)
		truth_arm(v, i, false, ref, at, seen);
	timer_set_fire(v, i, read, ref, at);
	if (vcpu_phase(v)->dead_timer == i + 1) {
		v->timers[i].lost_at = v->timers[i].fire;
		v->timers[i].fire = NEVER;
	}
	if (!v->timers[i].fresh && v->sim->sc->wraps)
		truth_turn(v, i);
	v->timers[i].fresh = false;
}

/* Past due: at once on a stock or traced kernel, after the padding on the other. */
static void start_past(struct vcpu *v, int i, int64_t read, uint64_t ref)
{
	enum kernel_kind host = v->sim->sc->host;
	struct timer *t = &v->timers[i];
	bool seen = true;

	if (host != HOST_STOCK) {
		seen = EV(v, START_EXPIRED, v->id, i, ref, t->count);
		if (seen)
			truth_sample(v->vm, v->now, host == HOST_PADDING);
	} else {
		v->now = read; /* nothing is traced, so nothing is stamped late */
		seen = !trace_is_lost(v->sim->trace, v->cpu, v->now);
	}
	if (t->fresh)
		truth_arm(v, i, true, ref, t->count, seen);
	t->fresh = false;
	if (host == HOST_PADDING) {
		t->exp_time = ref + PAD_REF;
		start_ahead(v, i, read, ref, t->exp_time);
	} else {
		t->pending = true;
	}
}

static void timer_start(struct vcpu *v, int i)
{
	struct timer *t = &v->timers[i];
	int64_t read = v->now;
	uint64_t ref = ref_now(v->vm, read);

	if (t->config & CFG_PERIODIC) {
		start_periodic(v, i);
		return;
	}
	t->exp_time = t->count;
	stamp_noise(v);
	if (ref >= t->count)
		start_past(v, i, read, ref);
	else
		start_ahead(v, i, read, ref, t->count);
}

/*
 * What sending the message gives: 0, or -EAGAIN (slot full), -ENOENT (SINT masked, no message
 * page).
 */
static uint32_t send_message(struct vcpu *v, int i)
{
	struct timer *t = &v->timers[i];
	unsigned int sint = CFG_SINT(t->config);

	t->msg_pending = true;
	if (v->simp_off || (v->sint_masked & 1u << sint))
		return ENOENT_RESULT;
	if (v->slot_busy & 1u << sint)
		return t->config & CFG_PERIODIC ? 0 : EAGAIN_RESULT;
	v->slot_busy |= 1u << sint;
	EV(v, ACCEPT_IRQ, v->id, 0, 0, 0x50 + sint);
	EV(v, SYNIC_SET_IRQ, v->id, sint, 0x50 + sint, 1);
	v->irqs |= 1u << i;
	return 0;
}

static void timer_expire(struct vcpu *v, int i)
{
	struct timer *t = &v->timers[i];
	bool direct = t->config & CFG_DIRECT;
	uint32_t result = 0;

	if (direct) {
		EV(v, ACCEPT_IRQ, v->id, 0, 0, 0x40 + i);
		v->irqs |= 1u << i;
	} else {
		result = send_message(v, i);
	}
	EV(v, EXPIRATION, v->id, i, direct, result);
	if (t->revived)
		truth_fault(v, FAULT_REVIVED);
	if (!result)
		t->lost_at = NEVER;
	else if (result == EAGAIN_RESULT || t->lost_at == NEVER)
		t->lost_at = v->now;
	t->pending = result == EAGAIN_RESULT && v->sim->sc->retries && v->now < v->phase_end;
	if (t->pending)
		truth_turn(v, i);
	if (result)
		return;
	t->msg_pending = false;
	if (!(t->config & CFG_PERIODIC))
		t->config &= ~(uint64_t)CFG_ENABLE;
}

static void timer_process(struct vcpu *v, int i)
{
	struct timer *t = &v->timers[i];

	t->pending = false;
	if (!(t->config & CFG_ENABLE))
		return;
	if (t->exp_time && ref_now(v->vm, v->now) >= t->exp_time)
		timer_expire(v, i);
	if (!(t->config & CFG_ENABLE) || !t->count)
		timer_cleanup(v, i);
	else if (!t->msg_pending)
		timer_start(v, i);
}

/*
 * What KVM does with KVM_REQ_HV_STIMER before it enters the guest: in order, until nothing is
 * left.
 */
void host_process_timers(struct vcpu *v)
{
	bool any;

	for (int i = 0; i < NR_TIMERS; i++)
		if (v->timers[i].fire <= v->now)
			host_callback(v, i);
	do {
		uint8_t now = 0;

		any = false;
		for (int i = 0; i < NR_TIMERS; i++)
			now |= v->timers[i].pending << i;
		for (int i = 0; i < NR_TIMERS; i++) {
			if (!(now & 1u << i))
				continue;
			any = true;
			timer_process(v, i);
		}
	} while (any);
}

/* The guest is done with a SINT: messages that did not get through are tried again. */
void host_ack_sint(struct vcpu *v, unsigned int sint)
{
	EV(v, ACKED_SINT, v->id, sint);
	for (int i = 0; i < NR_TIMERS; i++) {
		struct timer *t = &v->timers[i];

		if (t->msg_pending && (t->config & CFG_ENABLE) && !(t->config & CFG_DIRECT) &&
		    CFG_SINT(t->config) == sint)
			t->pending = true;
	}
}

/*
 * Interrupt context: on the timer's CPU (or, rarely, another), under the pid of whoever runs
 * there.
 */
void host_callback(struct vcpu *v, int i)
{
	struct sim *sim = v->sim;
	struct timer *t = &v->timers[i];
	unsigned int cpu = v->cpu;
	bool away = sim->sc->trace.cpus > 1 && rng_once_in(&sim->rng, 64);

	if (away)
		cpu = (cpu + 1 + rng_next(&sim->rng) % (sim->sc->trace.cpus - 1)) %
		      sim->sc->trace.cpus;
	ev_at(v, cpu, t->fire,
	      sim->cpu_owner[cpu] && (away || !v->halted) ? sim->cpu_owner[cpu] : 0, EV_CALLBACK,
	      (const uint64_t[]){ v->id, i });
	t->fire = NEVER;
	t->pending = true;
}
