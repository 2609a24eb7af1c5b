/* SPDX-License-Identifier: GPL-2.0 */
/* The named scenarios. Times in ms and us; each builds on a sensible default host. */
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "build.h"

/* Everything but sched_switch and marks. */
#define USUAL_EVENTS (((1ull << EV_COUNT) - 1) & ~(EV_BIT(SWITCH) | EV_BIT(PRINT)))

struct scenario *scenario_new(const char *name)
{
	struct scenario *sc = calloc(1, sizeof(*sc));

	if (!sc)
		return NULL;
	snprintf(sc->name, sizeof(sc->name), "%s", name);
	sc->trace = (struct trace_opts){
		.version = 7,
		.compress = true,
		.clock = CLOCK_MONO,
		.kernel = KERNEL_6_12,
		.page_size = 4096,
		.nr_buffers = 1,
		.buffers = { { .name = "", .events = USUAL_EVENTS } },
	};
	sc->host = HOST_TRACED;
	sc->speed = 6;
	sc->noise = 100;
	sc->percent = 100;
	return sc;
}

void scenario_free(struct scenario *sc)
{
	for (unsigned int i = 0; sc && i < sc->nr_vms; i++)
		free(sc->vms[i].vcpus);
	free(sc);
}

struct scenario_vm *scenario_add_vm(struct scenario *sc, unsigned int vcpus)
{
	struct scenario_vm *vm = &sc->vms[sc->nr_vms];

	vm->vcpus = calloc(vcpus, sizeof(*vm->vcpus));
	if (!vm->vcpus)
		abort();
	vm->nr_vcpus = vcpus;
	vm->start_ns = sc->nr_vms++ * 37000000ll;
	vm->age_ns = 20000000000ll + sc->nr_vms * 3000000000ll;
	sc->trace.cpus += vcpus; /* a CPU for each, by default */
	return vm;
}

struct phase *scenario_phase(struct scenario_vcpu *v, unsigned int ms, const char *name)
{
	struct phase *p = &v->phases[v->nr_phases];

	if (v->nr_phases == GEN_MAX_PHASES)
		abort();
	snprintf(p->name, sizeof(p->name), "%s", name);
	p->ns = ms * 1000000ll;
	p->clock = v->nr_phases ? v->phases[v->nr_phases - 1].clock : CLK_VM;
	v->nr_phases++;
	for (int i = 0; i < NR_TIMERS; i++)
		p->timers[i].reprograms = -1;
	return p;
}

struct timer_cfg *one_shot(struct phase *p, int i, enum policy policy, unsigned int us)
{
	p->timers[i].used = true;
	p->timers[i].policy = policy;
	p->timers[i].period_ref = us * 10ll;
	return &p->timers[i];
}

struct timer_cfg *periodic(struct phase *p, int i, unsigned int us)
{
	p->timers[i].used = p->timers[i].periodic = true;
	p->timers[i].period_ref = us * 10ll;
	return &p->timers[i];
}

struct phase *healthy(struct scenario_vcpu *v, unsigned int ms)
{
	struct phase *p = scenario_phase(v, ms, "healthy");

	if (p->clock == CLK_STALE || p->clock == CLK_RAW)
		p->clock = CLK_VM;
	one_shot(p, 0, POL_NOW, 10000);
	return p;
}

struct phase *page_on(struct scenario_vcpu *v, unsigned int ms)
{
	struct phase *p = healthy(v, ms);

	p->guest = G_PAGE_ON;
	p->clock = CLK_PAGE;
	snprintf(p->name, sizeof(p->name), "tsc page, healthy");
	return p;
}

struct phase *backlog(struct scenario_vcpu *v, unsigned int ms, unsigned int behind_ms,
		      unsigned int us)
{
	struct phase *p = scenario_phase(v, ms, "targets behind, catch-up");

	one_shot(p, 0, POL_PREV, us)->behind_ref = behind_ms * 10000ll;
	return p;
}

struct phase *lagging(struct scenario_vcpu *v, unsigned int ms, unsigned int lag_ms,
		      unsigned int us)
{
	struct phase *p = scenario_phase(v, ms, "guest clock lags");

	p->lag_ref = lag_ms * 10000ll;
	one_shot(p, 0, POL_RETRY, us);
	return p;
}

struct phase *slow_clock(struct scenario_vcpu *v, unsigned int ms, int ppm, unsigned int us)
{
	struct phase *p = scenario_phase(v, ms, "guest clock too slow");

	p->rate_ppm = ppm;
	p->clock = CLK_RAW;
	one_shot(p, 0, POL_NOW, us);
	return p;
}

void host_does(struct phase *p, enum host_action kind, int64_t ms)
{
	for (int i = 0; i < GEN_MAX_ACTIONS; i++) {
		if (p->host[i].kind)
			continue;
		p->host[i] = (struct action){ kind, ms * 1000000 };
		return;
	}
}

/* One VM with one vCPU, healthy on its TSC page. */
static struct scenario_vcpu *one_vcpu(struct scenario *sc)
{
	struct scenario_vcpu *v = scenario_add_vm(sc, 1)->vcpus;

	sc->trace.cpus++;
	page_on(v, 800);
	return v;
}

static void b_healthy(struct scenario *sc)
{
	struct scenario_vcpu *v = one_vcpu(sc);

	sc->vms[0].age_ns = 0;
	one_shot(healthy(v, 700), 0, POL_NOW, 2000);
	one_shot(healthy(v, 700), 0, POL_NOW, 15625);
	v->phases[2].spin = true;
}

static void minute(struct scenario *sc, unsigned int past_one_in)
{
	struct timer_cfg *c = one_shot(healthy(one_vcpu(sc), 60000), 0, POL_NOW, 10000);

	c->past_one_in = past_one_in;
	c->past_by_ref = 3000;
}

static void b_minute(struct scenario *sc)
{
	minute(sc, 100);
}

static void b_minute_twice(struct scenario *sc)
{
	minute(sc, 50);
}

static void b_backlog(struct scenario *sc)
{
	struct scenario_vcpu *v = one_vcpu(sc);

	backlog(v, 1500, 2000, 2000);
	healthy(v, 700);
}

static void b_constant(struct scenario *sc)
{
	struct scenario_vcpu *v = one_vcpu(sc);

	lagging(v, 400, 40, 15625);
	healthy(v, 700);
	one_shot(lagging(v, 300, 30, 15625), 0, POL_NOW, 10000);
	healthy(v, 500);
}

static void b_growing(struct scenario *sc)
{
	struct scenario_vcpu *v = one_vcpu(sc);

	slow_clock(v, 1200, -5000, 2000);
	healthy(v, 700);
}

static void b_resume(struct scenario *sc)
{
	struct scenario_vcpu *v = one_vcpu(sc);
	struct phase *p = backlog(v, 1500, 0, 2000);

	snprintf(p->name, sizeof(p->name), "resume: page off, clock +3 s, targets lag, catch-up");
	host_does(p, H_HOLD, 300);
	host_does(p, H_PAGE_OFF, 0);
	host_does(p, H_TSC_MOVE, 3000);
	host_does(p, H_SET_CLOCK, 3000);
	p->guest = G_PAGE_OFF;
	p->clock = CLK_MSR;
	p->timers[0].keep = true;
	page_on(v, 800);
	p = lagging(v, 500, 40, 15625);
	p->guest = G_PAGE_OFF;
	p->clock = CLK_MSR;
	page_on(v, 800);
}

static void b_two_vms(struct scenario *sc)
{
	for (int m = 0; m < 2; m++) {
		struct scenario_vm *vm = scenario_add_vm(sc, 4);

		for (int k = 0; k < 4; k++) {
			struct scenario_vcpu *v = &vm->vcpus[k];

			if (k)
				healthy(v, 600 + 40 * k);
			else
				page_on(v, 600);
			if (k == m + 1)
				backlog(v, 900, 1200, 2000);
			else if (k == m)
				lagging(v, 300, 30, 15625);
			one_shot(healthy(v, 600), 0, POL_NOW, 7000 + 1000 * k);
		}
	}
}

/* Timers in all their modes, 0.3 s each. */
static void all_modes(struct scenario_vcpu *v)
{
	struct phase *p =
		scenario_phase(v, 300, "four timers, direct and message, one-shot and periodic");

	one_shot(p, 0, POL_NOW, 11000);
	one_shot(p, 1, POL_NOW, 14000)->message = true;
	periodic(p, 2, 17000)->message = true;
	p->timers[1].sint = 2;
	p->timers[2].sint = 3;
	periodic(p, 3, 25000);
	p = scenario_phase(v, 300, "no auto-enable; re-programmed before firing; spinning");
	one_shot(p, 0, POL_NOW, 20000);
	one_shot(p, 1, POL_PREV, 9000)->no_auto = true;
	one_shot(p, 2, POL_NOW, 7000)->reprograms = 0;
	p->spin = true;
}

static void b_all_modes(struct scenario *sc)
{
	struct scenario_vcpu *v = one_vcpu(sc);
	struct phase *p;

	all_modes(v);
	p = lagging(v, 200, 30, 10000);
	p->timers[0].message = true;
	p->timers[0].sint = 2;
	p = lagging(v, 700, 0, 9000);
	p->lag_ref = -300000;
	snprintf(p->name, sizeof(p->name), "guest clock leads by 30 ms");
}

static void b_busy(struct scenario *sc)
{
	struct scenario_vcpu *v = one_vcpu(sc);
	struct phase *p = scenario_phase(v, 1000, "t0 and t1 share SINT 2, slot held for 4 ms");

	one_shot(p, 0, POL_NOW, 10000)->message = true;
	one_shot(p, 1, POL_NOW, 7000)->message = true;
	p->timers[0].sint = p->timers[1].sint = 2;
	p->timers[0].hold_ns = 4000000;
	p = scenario_phase(v, 1000, "t0 one-shot, t1 periodic share SINT 2, slot held");
	one_shot(p, 0, POL_NOW, 10000)->message = true;
	periodic(p, 1, 6000)->message = true;
	p->timers[0].sint = p->timers[1].sint = 2;
	p->timers[0].hold_ns = 4000000;
	p = scenario_phase(v, 800, "SINT 3 masked: t1 can not be delivered");
	p->guest = G_SINT_MASK;
	one_shot(p, 0, POL_NOW, 10000);
	one_shot(p, 1, POL_NOW, 5000)->message = true;
	p->timers[1].sint = 3;
	p = scenario_phase(v, 800, "no message page");
	p->guest = G_SINT_UNMASK | G_SIMP_OFF;
	one_shot(p, 0, POL_NOW, 10000);
	periodic(p, 2, 20000)->message = true;
	p->timers[2].sint = 2;
	p = lagging(v, 300, 30, 10000);
	p->guest = G_SIMP_ON;
	p->timers[0].message = true;
	p->timers[0].sint = 2;
	healthy(v, 500);
}

static void b_migrating(struct scenario *sc)
{
	b_backlog(sc);
	lagging(sc->vms[0].vcpus, 300, 40, 15625);
	healthy(sc->vms[0].vcpus, 1500);
	sc->trace.cpus = 6;
	sc->migrate_every = 5;
}

static void b_stock(struct scenario *sc)
{
	b_resume(sc);
	sc->host = HOST_STOCK;
}

static void b_padding(struct scenario *sc)
{
	b_resume(sc);
	sc->host = HOST_PADDING;
}

static void b_lost(struct scenario *sc)
{
	b_resume(sc);
	sc->trace.nr_lost = 3;
	for (unsigned int i = 0; i < 3; i++)
		sc->trace.lost[i] = (struct gen_lost){ .cpu = 0,
						       .from = 5300000000ll + 400000000ll * i,
						       .to = 5312000000ll + 400000000ll * i,
						       .counted = i != 1 };
	sc->trace.lost[2].from = 8600000000ll;
	sc->trace.lost[2].to = 8608000000ll;
}

static void b_open(struct scenario *sc)
{
	lagging(one_vcpu(sc), 2000, 40, 15625);
	sc->max_ns = 1200000000;
}

static void b_vmx(struct scenario *sc)
{
	b_resume(sc);
	sc->vmx = true;
}

static void b_walk(struct scenario *sc)
{
	struct scenario_vcpu *v = scenario_add_vm(sc, 1)->vcpus;
	static const struct {
		const char *name;
		unsigned int guest;
		enum guest_clock clock;
	} walk[] = {
		{ "refcount msr", 0, CLK_MSR },
		{ "tsc page", G_PAGE_ON, CLK_PAGE },
		{ "tsc page moved", G_PAGE_MOVE, CLK_PAGE },
		{ "re-enlightenment on, tsc emulation on, tsc page stays", G_REENLIGHT_ON,
		  CLK_PAGE },
		{ "tsc page off, raw tsc", G_STATUS_READ | G_PAGE_OFF, CLK_RAW },
		{ "re-enlightenment off, tsc page again", G_REENLIGHT_OFF | G_PAGE_ON, CLK_PAGE },
	};

	sc->vms[0].age_ns = 0;
	for (unsigned int i = 0; i < ARRAY_SIZE(walk); i++) {
		struct phase *p = scenario_phase(v, 900, walk[i].name);

		p->guest = walk[i].guest;
		p->clock = walk[i].clock;
		one_shot(p, 0, POL_NOW, 10000)->past_every = 37 + i;
		p->timers[0].past_by_ref = 5000;
	}
}

static void b_jump(struct scenario *sc)
{
	struct scenario_vcpu *v = one_vcpu(sc);
	static const struct {
		const char *name;
		enum host_action what;
		int ms;
	} jumps[] = {
		{ "KVM_SET_CLOCK +50 ms", H_SET_CLOCK, 50 },
		{ "KVM_SET_CLOCK -50 ms", H_SET_CLOCK, -50 },
		{ "stop/cont 400 ms, clock restored", H_STOP_CONT, 400 },
		{ "held 400 ms, clock runs on", H_HOLD, 400 },
		{ "stimer msrs written back by the host", H_RESTORE_MSRS, 0 },
	};

	for (unsigned int i = 0; i < ARRAY_SIZE(jumps); i++) {
		struct phase *p = scenario_phase(v, 700, jumps[i].name);

		host_does(p, jumps[i].what, jumps[i].ms);
		one_shot(p, 0, POL_PREV, 4000)->keep = i > 0;
	}
}

static void b_stale(struct scenario *sc)
{
	struct scenario_vcpu *v = one_vcpu(sc);
	struct phase *p = healthy(v, 600);

	p->clock = CLK_STALE;
	snprintf(p->name, sizeof(p->name), "stale copy of the tsc page, still right");
	p = scenario_phase(v, 300, "stale copy of the tsc page after KVM_SET_CLOCK +20 ms");
	one_shot(p, 0, POL_RETRY, 10000);
	host_does(p, H_SET_CLOCK, 20);
	healthy(v, 600)->clock = CLK_PAGE;
}

static void b_silent(struct scenario *sc)
{
	struct scenario_vcpu *v = one_vcpu(sc);
	struct phase *p = lagging(v, 300, 35, 10000);

	p->clock = CLK_RAW;
	snprintf(p->name, sizeof(p->name), "raw tsc, 35 ms behind, page left on");
	healthy(v, 600)->clock = CLK_PAGE;
}

static void b_frozen(struct scenario *sc)
{
	struct scenario_vcpu *v = one_vcpu(sc);
	struct phase *p = healthy(v, 600);

	p->guest = G_REENLIGHT_ON;
	p = healthy(v, 600);
	host_does(p, H_TSC_MOVE, 80);
	snprintf(p->name, sizeof(p->name), "TSC offset +80 ms under a frozen page");
	p = page_on(v, 600);
	p->guest |= G_REENLIGHT_OFF;
}

static void b_broken(struct scenario *sc)
{
	struct scenario_vcpu *v = one_vcpu(sc);
	struct phase *p = healthy(v, 700);

	host_does(p, H_BREAK_PAGE, 0);
	p->clock = CLK_VM;
	snprintf(p->name, sizeof(p->name), "no master clock: the page is broken");
	page_on(v, 700);
}

static void b_linux(struct scenario *sc)
{
	struct scenario_vcpu *v = one_vcpu(sc);
	struct phase *p = scenario_phase(v, 1500, "idle, short sleeps");

	one_shot(p, 0, POL_NOW, 4000)->jitter = 1;
	p->timers[0].past_every = 61;
	p->timers[0].past_by_ref = -5;
	p = lagging(v, 400, 20, 4000);
	p->timers[0].jitter = 1;
	healthy(v, 700);
}

static void b_preempted(struct scenario *sc)
{
	struct scenario_vcpu *v = one_vcpu(sc);
	struct phase *p = scenario_phase(v, 3000, "preempted between clock and MSR write");

	one_shot(p, 0, POL_NOW, 4000);
	p->preempt_every = 50;
	p->preempt_ns = 9000000;
	sc->trace.buffers[0].events |= EV_BIT(SWITCH);
}

static void b_short(struct scenario *sc)
{
	struct phase *p = scenario_phase(one_vcpu(sc), 2000, "very short deadlines now and then");

	one_shot(p, 0, POL_NOW, 4000)->past_every = 40;
	p->timers[0].past_by_ref = -3;
}

static void b_restart(struct scenario *sc)
{
	struct phase *p = scenario_phase(one_vcpu(sc), 1500, "spurious wake-ups");

	one_shot(p, 0, POL_NOW, 8000);
	p->restart_every = 4;
}

static void b_fixed(struct scenario *sc)
{
	one_shot(scenario_phase(one_vcpu(sc), 300, "the same count for ever"), 0, POL_FIXED, 20000);
}

static void b_migration(struct scenario *sc)
{
	struct scenario_vm *vm = scenario_add_vm(sc, 2);
	struct phase *p;

	page_on(&vm->vcpus[0], 700);
	healthy(&vm->vcpus[1], 1500);
	p = healthy(&vm->vcpus[0], 900);
	host_does(p, H_MIGRATE, 250);
	p->timers[0].keep = true;
}

static void b_hibernation(struct scenario *sc)
{
	struct scenario_vcpu *v = one_vcpu(sc);
	struct phase *p = page_on(v, 900);

	host_does(p, H_HIBERNATE, 500);
	lagging(v, 300, 40, 15625);
	healthy(v, 600);
}

static void b_slew(struct scenario *sc)
{
	b_constant(sc);
	healthy(sc->vms[0].vcpus, 4000);
	sc->trace.slew_ppm = 400;
}

static void b_boot(struct scenario *sc)
{
	b_resume(sc);
	sc->trace.clock = CLOCK_BOOT;
}

static void b_local(struct scenario *sc)
{
	b_resume(sc);
	sc->trace.clock = CLOCK_LOCAL;
}

static void b_global(struct scenario *sc)
{
	b_resume(sc);
	sc->trace.clock = CLOCK_GLOBAL;
}

static void b_tsc(struct scenario *sc)
{
	b_constant(sc);
	sc->trace.clock = CLOCK_X86_TSC;
}

static void b_tsc2nsec(struct scenario *sc)
{
	b_constant(sc);
	sc->trace.clock = CLOCK_TSC2NSEC;
}

static void b_older(struct scenario *sc)
{
	b_two_vms(sc);
	sc->trace.kernel = KERNEL_OLDER;
	sc->host = HOST_STOCK;
}

static void b_618(struct scenario *sc)
{
	b_resume(sc);
	sc->trace.kernel = KERNEL_6_18;
	sc->host = HOST_STOCK;
}

#define CLOCK_EVENTS                                                                               \
	(EV_BIT(WRITE_TSC_OFFSET) | EV_BIT(TRACK_TSC) | EV_BIT(MASTER_CLOCK) | EV_BIT(MSR))
#define STIMER_EVENTS                                                                              \
	(EV_BIT(SET_CONFIG) | EV_BIT(SET_COUNT) | EV_BIT(CLEANUP) | EV_BIT(START_ONE_SHOT) |       \
	 EV_BIT(START_PERIODIC) | EV_BIT(START_EXPIRED) | EV_BIT(CALLBACK) | EV_BIT(EXPIRATION))

static void b_instances(struct scenario *sc)
{
	b_resume(sc);
	sc->trace.nr_buffers = 3;
	sc->trace.buffers[0].events = EV_BIT(ENTRY) | EV_BIT(EXIT) | EV_BIT(EOI);
	sc->trace.buffers[1] = (struct gen_buffer){ "hv", STIMER_EVENTS };
	sc->trace.buffers[2] = (struct gen_buffer){ "clk", CLOCK_EVENTS };
}

static void b_twice(struct scenario *sc)
{
	b_resume(sc);
	sc->trace.nr_buffers = 2;
	sc->trace.buffers[1] = (struct gen_buffer){ "again", STIMER_EVENTS | CLOCK_EVENTS };
}

static void b_stimer_only(struct scenario *sc)
{
	b_resume(sc);
	sc->trace.buffers[0].events = STIMER_EVENTS;
}

static void b_big_pages(struct scenario *sc)
{
	b_resume(sc);
	sc->trace.page_size = 16384;
}

static void b_odd(struct scenario *sc)
{
	b_resume(sc);
	sc->trace.odd = true;
}

static void b_symbols(struct scenario *sc)
{
	b_healthy(sc);
	sc->trace.kallsyms = 7000000;
}

static void b_fast(struct scenario *sc)
{
	b_constant(sc);
	sc->speed = 1;
}

static void b_slow_host(struct scenario *sc)
{
	b_resume(sc);
	sc->speed = 40;
}

static void b_all_events(struct scenario *sc)
{
	struct scenario_vcpu *v = one_vcpu(sc);
	struct phase *p;

	sc->vms[0].age_ns = 0;
	all_modes(v);
	p = healthy(v, 500);
	p->guest = G_ALL_EVENTS;
	p->timers[0].past_every = 10;
	p->timers[0].past_by_ref = 1000;
	sc->trace.buffers[0].events |= EV_BIT(SWITCH) | EV_BIT(PRINT);
}

static void b_v6(struct scenario *sc)
{
	b_walk(sc);
	sc->trace.version = 6;
	sc->trace.compress = false;
}

static void b_plain(struct scenario *sc)
{
	b_walk(sc);
	sc->trace.compress = false;
}

static void b_twins(struct scenario *sc)
{
	b_two_vms(sc);
	sc->vms[1].start_ns = sc->vms[0].start_ns + 40000;
	sc->vms[1].age_ns = sc->vms[0].age_ns;
}

static void b_many_vms(struct scenario *sc)
{
	for (int m = 0; m < 16; m++) {
		struct scenario_vcpu *v = scenario_add_vm(sc, 1)->vcpus;

		page_on(v, 500);
		if (m % 4 == 0)
			lagging(v, 150, 30, 15625);
		else
			healthy(v, 300);
	}
}

/* Storms on a few vCPUs of VMs 2, 5 and 7, the worst of them in VM 5. */
static void b_big_host(struct scenario *sc)
{
	for (int m = 0; m < 10; m++) {
		struct scenario_vm *vm = scenario_add_vm(sc, 64);

		for (int k = 0; k < 64; k++) {
			struct scenario_vcpu *v = &vm->vcpus[k];

			page_on(v, 200);
			if (m == 5 && k % 16 == 3)
				lagging(v, 150, 40, 15625);
			else if ((m == 2 && k == 40) || (m == 7 && k == 63))
				lagging(v, 60, 30, 15625);
			else
				healthy(v, 150);
		}
	}
	sc->trace.cpus = 32;
}

static const struct {
	const char *name, *about;
	void (*build)(struct scenario *sc);
} scenarios[] = {
	{ "healthy",
	  "TSC page; one-shot ticks of 10, 2 and 15.6 ms, the last with a spinning guest",
	  b_healthy },
	{ "minute", "a minute of a healthy guest, 1 arm in 100 past due, at random", b_minute },
	{ "minute-twice", "the same with 1 arm in 50", b_minute_twice },
	{ "storm-backlog", "targets 2 s behind are replayed", b_backlog },
	{ "storm-constant", "the guest's clock lags by 40 ms, then by 30 ms", b_constant },
	{ "storm-growing", "a raw TSC that is 5000 ppm slow", b_growing },
	{ "resume", "page off, clock +3 s, backlog; later page off and a lag of 40 ms", b_resume },
	{ "two-vms-four-vcpus", "equal vcpu_ids, storms of both kinds on different vCPUs",
	  b_two_vms },
	{ "many-vms", "sixteen VMs of one vCPU, four of them in storms at once", b_many_vms },
	{ "big-host", "ten VMs of 64 vCPUs, storms in three of them", b_big_host },
	{ "twin-epochs", "two-vms-four-vcpus with both VMs started 40 us apart", b_twins },
	{ "timers-all-modes",
	  "one-shot, periodic, direct, message, no auto-enable, re-programmed, leading",
	  b_all_modes },
	{ "message-busy", "busy slot, masked SINT, no message page, a storm in message mode",
	  b_busy },
	{ "migrating-threads", "storms on threads that move between 6 CPUs", b_migrating },
	{ "stock", "resume on a kernel without the expired event", b_stock },
	{ "padding", "resume on a kernel that pads by 10 us", b_padding },
	{ "lost", "resume with three lost stretches", b_lost },
	{ "open-storm", "the trace ends inside a storm", b_open },
	{ "vmx", "resume with Intel's exits and posted interrupts", b_vmx },
	{ "clocksource-walk",
	  "counter, page, page moved, re-enlightenment, raw TSC, page; isolated past-due arms",
	  b_walk },
	{ "jump", "KVM_SET_CLOCK, stop and continue, hold, MSRs written back", b_jump },
	{ "stale-page", "a stale copy of the page, then KVM_SET_CLOCK +20 ms", b_stale },
	{ "silent-switch", "raw TSC 35 ms behind with the page left on", b_silent },
	{ "frozen-page", "TSC moved by 80 ms under a page frozen by TSC emulation control",
	  b_frozen },
	{ "broken-page", "the master clock goes, the guest falls back to the counter", b_broken },
	{ "linux-guest", "jittering counts, short sleeps, a lag of 20 ms", b_linux },
	{ "preempted", "past-due arms by preemption, sched_switch recorded", b_preempted },
	{ "short-deadline", "past-due arms by very short delays", b_short },
	{ "restarts", "spurious wake-ups re-run the start", b_restart },
	{ "fixed-target", "the same absolute count for ever", b_fixed },
	{ "migration", "two vCPUs go on in a new process", b_migration },
	{ "hibernation", "resume in a new VM, then a lag of 40 ms", b_hibernation },
	{ "ntp-slew", "storm-constant with the trace's clock slewed by 400 ppm", b_slew },
	{ "clock-boot", "resume, trace clock boot", b_boot },
	{ "clock-local", "resume, trace clock local", b_local },
	{ "clock-global", "resume, trace clock global", b_global },
	{ "clock-x86-tsc", "storm-constant in cycles, without their scale", b_tsc },
	{ "clock-tsc2nsec", "storm-constant in cycles, with their scale", b_tsc2nsec },
	{ "older-kernel", "two-vms-four-vcpus without vcpu_id in kvm_exit and kvm_entry", b_older },
	{ "linux-6.18", "resume with the layouts of 6.18", b_618 },
	{ "instances", "resume in three buffers", b_instances },
	{ "recorded-twice", "resume with the same events in two buffers", b_twice },
	{ "stimer-only", "resume with nothing but the stimer events", b_stimer_only },
	{ "big-sub-buffers", "resume in sub-buffers of 16 KiB", b_big_pages },
	{ "odd-records", "resume with absolute stamps, discarded and long records", b_odd },
	{ "symbols", "healthy with 7 MB of kernel symbols", b_symbols },
	{ "real-hardware", "storm-constant at more than 100,000 arms a second", b_fast },
	{ "emulated", "resume at 5,000 arms a second", b_slow_host },
	{ "version-6", "clocksource-walk, version 6", b_v6 },
	{ "version-7-plain", "clocksource-walk, version 7, not compressed", b_plain },
	{ "all-events", "every event at least once, no storm", b_all_events },
};

struct scenario *scenario_by_name(const char *name)
{
	struct scenario *fault = scenario_fault(name);

	for (unsigned int i = 0; i < ARRAY_SIZE(scenarios); i++) {
		struct scenario *sc;

		if (strcmp(scenarios[i].name, name))
			continue;
		sc = scenario_new(name);
		if (!sc)
			return NULL;
		scenarios[i].build(sc);
		sc->faults_known = true;
		return sc;
	}
	if (!fault)
		fault = faults_clock_by_name(name);
	return fault ? fault : scenario_of_host(name);
}

void scenario_list(FILE *out)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(scenarios); i++)
		fprintf(out, "%-20s %s\n", scenarios[i].name, scenarios[i].about);
	faults_clock_list(out);
	scenario_list_hosts(out);
}

/*
 * Real hardware's rate, storms and healthy stretches in turn on every vCPU, and all that KVM
 * records of them: five of eleven are stimer events, five of eleven nothing that a diagnosis looks
 * at.
 */
struct scenario *scenario_bench(uint64_t bytes, unsigned int cpus)
{
	struct scenario *sc = scenario_new("bench");
	unsigned int left = cpus;

	while (sc && left) {
		unsigned int n = left < 4 ? left : 4;
		struct scenario_vm *vm = scenario_add_vm(sc, n);

		left -= n;
		for (unsigned int k = 0; k < n; k++) {
			struct scenario_vcpu *v = &vm->vcpus[k];

			if (k)
				healthy(v, 5);
			else
				page_on(v, 5);
			for (int i = 0; i < 10; i++) {
				lagging(v, 400, 40, 15625);
				one_shot(healthy(v, 60), 0, POL_NOW, 1000);
			}
			lagging(v, 3600000, 40, 15625);
		}
	}
	if (!sc)
		return NULL;
	sc->vmx = true;
	sc->speed = 1;
	sc->max_bytes = bytes;
	return sc;
}

/* Ticks of 1 ms; every 16th vCPU storms for a tenth of the time, each VM's at another time. */
static void host_vcpu(struct scenario_vcpu *v, unsigned int vm, unsigned int vcpu)
{
	one_shot(vcpu ? healthy(v, 20) : page_on(v, 20), 0, POL_NOW, 1000);
	if (vcpu % 16 == 3)
		for (int i = 0; i < 10; i++) {
			one_shot(healthy(v, 100 + 80 * vm), 0, POL_NOW, 1000);
			lagging(v, 100, 40, 15625);
		}
	one_shot(healthy(v, 3600000), 0, POL_NOW, 1000);
}

struct scenario *scenario_bench_host(uint64_t bytes, unsigned int vms, unsigned int cpus)
{
	struct scenario *sc = scenario_new("bench-host");

	if (!sc)
		return NULL;
	for (unsigned int m = 0; m < vms; m++) {
		struct scenario_vm *vm = scenario_add_vm(sc, GEN_MAX_VCPUS);

		for (unsigned int k = 0; k < GEN_MAX_VCPUS; k++)
			host_vcpu(&vm->vcpus[k], m, k);
	}
	sc->trace.cpus = cpus;
	sc->vmx = true;
	sc->speed = 1;
	sc->max_bytes = bytes;
	return sc;
}
