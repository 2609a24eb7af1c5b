/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What real hosts do: clocks that NTP and chrony slew, hardware's rates, CPU quotas, preemption,
 * several VMs, events that are not recorded. Each scenario says which answers are right.
 */
#include <string.h>

#include "array.h"
#include "build.h"

#define S		 1000000000ll
#define T0		 5000000000ll /* when scenarios begin */
#define HARDWARE_PERCENT 66	      /* of the usual cost: 3.3 us from arm to arm */
#define NO_STORM	 "storm=no guest_clock_behind=no|cannot_tell guest_backlog=no "
#define NO_GUEST_FAULT	 NO_STORM "guest_clock_rate=no|cannot_tell guest_clocksource_switch=no "
#define CONSTANT_STORM	 "storm=yes guest_clock_behind=yes guest_backlog=no "
#define STEADY_HOST	 "host_reference_step=no host_reference_rate=no|cannot_tell "
#define ONLY_A_RATE	 "host_reference_step=no host_reference_rate=yes "
#define RATE_AT_MOST	 "host_reference_step=no|cannot_tell host_reference_rate=yes|cannot_tell "

/* One VM with one vCPU on hardware, its page set before the trace. */
static struct scenario_vcpu *hardware(struct scenario *sc)
{
	struct scenario_vcpu *v = scenario_add_vm(sc, 1)->vcpus;

	sc->speed = 1;
	sc->percent = HARDWARE_PERCENT;
	sc->vmx = true;
	page_on(v, 500);
	return v;
}

static struct phase *ticks(struct scenario_vcpu *v, unsigned int ms, unsigned int us)
{
	struct phase *p = healthy(v, ms);

	one_shot(p, 0, POL_NOW, us);
	return p;
}

static void slew(struct scenario *sc, int64_t from, int64_t to, int ppm)
{
	sc->trace.slews[sc->trace.nr_slews++] = (struct gen_slew){ T0 + from, T0 + to, ppm };
}

/* --- the trace's clock --- */

static void ntp(struct scenario *sc, int ppm)
{
	ticks(hardware(sc), 13500, 15625);
	slew(sc, 2 * S, 12 * S, ppm);
}

static void b_ntp_slower(struct scenario *sc)
{
	ntp(sc, -500);
}

static void b_ntp_faster(struct scenario *sc)
{
	ntp(sc, 500);
}

static void b_ntp_stock(struct scenario *sc)
{
	struct scenario_vcpu *v = hardware(sc);
	struct phase *p = ticks(v, 13500, 15625);

	p->timers[0].past_every = 10;
	p->timers[0].past_by_ref = -2;
	sc->host = HOST_STOCK;
	slew(sc, 2 * S, 12 * S, -400);
}

static void chrony(struct scenario *sc, int ppm)
{
	ticks(hardware(sc), 6000, 15625);
	slew(sc, 2 * S, 4 * S, ppm);
}

static void b_chrony_slower(struct scenario *sc)
{
	chrony(sc, -100000);
}

static void b_chrony_faster(struct scenario *sc)
{
	chrony(sc, 100000);
}

static void b_ntp_at_storm(struct scenario *sc)
{
	struct scenario_vcpu *v = hardware(sc);

	ticks(v, 2000, 4000);
	lagging(v, 20, 20, 10000);
	ticks(v, 3000, 4000);
	sc->host = HOST_STOCK;
	slew(sc, 2500000000ll, 9 * S, 400);
}

static void b_idle_1hz(struct scenario *sc)
{
	struct scenario_vcpu *v = hardware(sc);

	ticks(v, 60000, 1000000);
	slew(sc, 30 * S, 99 * S, -250);
}

static void b_idle_master_clock(struct scenario *sc)
{
	struct scenario_vcpu *v = hardware(sc);

	for (int i = 0; i < 6; i++)
		host_does(ticks(v, 10000, 1000000), H_MASTER_CLOCK, 0);
	slew(sc, 30 * S, 99 * S, -250);
}

static void kvmclock_off(struct scenario *sc, int ppm)
{
	struct scenario_vcpu *v = hardware(sc);

	ticks(v, 3000, 4000);
	slew(sc, -T0, 99 * S, ppm);
}

static void b_kvmclock_fast(struct scenario *sc)
{
	kvmclock_off(sc, -31400);
}

static void b_kvmclock_slow(struct scenario *sc)
{
	kvmclock_off(sc, 32400);
}

static void b_kvmclock_fast_storm(struct scenario *sc)
{
	struct scenario_vcpu *v = hardware(sc);

	ticks(v, 2000, 4000);
	lagging(v, 10, 20, 10000);
	ticks(v, 1000, 4000);
	sc->host = HOST_STOCK;
	slew(sc, -T0, 99 * S, -31400);
}

/* A vCPU that wanders between CPUs whose clocks are apart. */
static void local(struct scenario *sc, int64_t apart_ns)
{
	ticks(hardware(sc), 4000, 4000);
	sc->trace.clock = CLOCK_LOCAL;
	sc->trace.cpus = 3;
	sc->trace.cpu_apart_ns = apart_ns;
	sc->migrate_every = 12;
}

static void b_local_350us(struct scenario *sc)
{
	local(sc, 350000);
}

static void b_local_900us(struct scenario *sc)
{
	local(sc, 900000);
}

static void b_local_step(struct scenario *sc)
{
	struct scenario_vcpu *v;

	local(sc, 900000);
	sc->migrate_every = 150;
	v = sc->vms[0].vcpus;
	host_does(ticks(v, 2000, 1000), H_SET_CLOCK, -35);
}

/*
 * In a storm the events of two CPUs come mixed: what one CPU's say must not be read into another's.
 */
static void b_local_padding(struct scenario *sc)
{
	struct scenario_vcpu *v;

	local(sc, 500000);
	sc->host = HOST_PADDING;
	sc->trace.cpus = 5;
	v = sc->vms[0].vcpus;
	lagging(v, 60, 55, 37000);
	ticks(v, 500, 4000);
	slow_clock(v, 117, -27000, 2000);
	ticks(v, 500, 4000);
}

/* --- the host's clock --- */

static void b_hidden_step(struct scenario *sc)
{
	struct scenario_vcpu *v = hardware(sc);
	struct phase *p;

	ticks(v, 700, 4000)->clock = CLK_STALE;
	p = lagging(v, 12, 0, 10000);
	host_does(p, H_STEP_HIDDEN, 20);
	ticks(v, 1000, 4000)->clock = CLK_PAGE;
	sc->host = HOST_STOCK;
}

/* Until the trace's end all arms are past due: on a stock kernel no reading shows the step. */
static void backlog_open(struct scenario *sc, enum host_action step)
{
	struct scenario_vcpu *v = hardware(sc);
	struct phase *p;

	ticks(v, 700, 1000)->timers[0].policy = POL_PREV;
	p = scenario_phase(v, 20, "clock +60 s, missed ticks are replayed");
	one_shot(p, 0, POL_PREV, 1000)->keep = true;
	host_does(p, step, 60000);
	sc->host = HOST_STOCK;
}

static void b_hidden_step_60s(struct scenario *sc)
{
	backlog_open(sc, H_STEP_HIDDEN);
}

static void b_step_60s(struct scenario *sc)
{
	backlog_open(sc, H_SET_CLOCK);
}

static void b_step_back_late(struct scenario *sc)
{
	struct scenario_vcpu *v = hardware(sc);

	ticks(v, 3000, 15625);
	host_does(ticks(v, 400, 15625), H_STEP_HIDDEN, -50);
}

/* Each arm is shorter by the step, none of them past due. */
static void b_lag_below_period(struct scenario *sc)
{
	struct scenario_vcpu *v = hardware(sc);
	struct phase *p;

	ticks(v, 1500, 15625)->clock = CLK_STALE;
	p = ticks(v, 2000, 15625);
	p->clock = CLK_STALE;
	host_does(p, H_SET_CLOCK, 12);
}

static void b_page_off_ahead(struct scenario *sc)
{
	struct scenario_vcpu *v = hardware(sc);
	struct phase *p;

	ticks(v, 800, 4000)->clock = CLK_STALE;
	p = lagging(v, 10, 0, 3000);
	host_does(p, H_KVMCLOCK_MOVE, 5);
	p->guest = G_PAGE_OFF;
	snprintf(p->name, sizeof(p->name), "page off, kvmclock 5 ms ahead of the guest's TSC");
	page_on(v, 800);
}

/* --- rates and kinds of storms --- */

static void b_hardware_storm(struct scenario *sc)
{
	struct scenario_vcpu *v = hardware(sc);

	ticks(v, 1000, 4000);
	lagging(v, 8, 20, 10000);
	ticks(v, 1000, 4000);
}

/* 80 arms past due are a fourth of a ms. */
static void b_hardware_bursts(struct scenario *sc)
{
	struct scenario_vcpu *v = hardware(sc);
	struct phase *p;

	ticks(v, 700, 4000);
	p = scenario_phase(v, 200, "guest clock 0.27 ms behind, retries");
	p->lag_ref = 2700;
	one_shot(p, 0, POL_RETRY, 10000);
	ticks(v, 700, 4000);
}

static void b_lag_9us(struct scenario *sc)
{
	struct scenario_vcpu *v = hardware(sc);
	struct phase *p;

	ticks(v, 700, 4000);
	p = scenario_phase(v, 2000, "guest clock 9 us behind, retries");
	p->lag_ref = 90;
	one_shot(p, 0, POL_RETRY, 4000);
}

static void b_short_deadlines(struct scenario *sc)
{
	struct scenario_vcpu *v = hardware(sc);

	for (int i = 0; i < 4; i++) {
		struct phase *p;

		ticks(v, 500, 4000);
		p = scenario_phase(v, 3, "deadlines of 0.1 to 0.4 us");
		one_shot(p, 0, POL_NOW, 4000)->past_every = 1;
		p->timers[0].past_by_ref = -1 - i;
	}
	ticks(v, 500, 4000);
}

static void b_replay_thrice(struct scenario *sc)
{
	struct scenario_vcpu *v = hardware(sc);
	struct phase *p;

	ticks(v, 800, 1000)->timers[0].policy = POL_PREV;
	p = scenario_phase(v, 500, "held for 0.5 s, ticks replayed, each armed three times");
	one_shot(p, 0, POL_PREV, 1000)->keep = true;
	p->timers[0].times = 3;
	host_does(p, H_HOLD, 500);
	ticks(v, 600, 4000);
}

static void b_chopped(struct scenario *sc)
{
	struct scenario_vcpu *v = hardware(sc);
	struct phase *p;

	sc->speed = 100;
	ticks(v, 500, 1000);
	p = scenario_phase(v, 12000, "guest clock behind, a breath every 0.6 s");
	p->lag_ref = 400000;
	p->breath_every_ns = 600000000;
	p->breath_arms = 12;
	one_shot(p, 0, POL_NOW, 1000);
	ticks(v, 500, 1000);
	sc->trace.buffers[0].events &= ~(EV_BIT(ENTRY) | EV_BIT(EXIT) | EV_BIT(APIC) |
					 EV_BIT(ACCEPT_IRQ) | EV_BIT(INJ_VIRQ));
}

static void behind_but_fast(struct scenario *sc, int ppm)
{
	struct scenario_vcpu *v = hardware(sc);
	struct phase *p;

	ticks(v, 800, 4000);
	p = scenario_phase(v, 8, "guest clock 40 ms behind, and fast");
	p->lag_ref = 400000;
	p->rate_ppm = ppm;
	p->clock = CLK_RAW;
	one_shot(p, 0, POL_NOW, 10000);
	ticks(v, 800, 4000)->clock = CLK_PAGE;
}

static void b_behind_3pct(struct scenario *sc)
{
	behind_but_fast(sc, 32430);
}

static void b_behind_10pct(struct scenario *sc)
{
	behind_but_fast(sc, 100000);
}

/* --- the vCPU off its CPU --- */

static void b_throttled(struct scenario *sc)
{
	struct scenario_vcpu *v = hardware(sc);
	struct phase *p;

	ticks(v, 500, 4000);
	p = scenario_phase(v, 12000, "guest clock 10 s behind, 0.2 ms of CPU time in 250 ms");
	p->lag_ref = 100000000;
	p->quota_ns = 200000;
	p->throttle_ns = 249800000;
	p->spin = true;
	one_shot(p, 0, POL_NOW, 4000);
	sc->trace.buffers[0].events |= EV_BIT(SWITCH);
}

static void b_throttled_no_exits(struct scenario *sc)
{
	b_throttled(sc);
	sc->trace.buffers[0].events &= ~(EV_BIT(ENTRY) | EV_BIT(EXIT));
}

/* Off its CPU for long, then all missed ticks at once. */
static void b_preempt_replay(struct scenario *sc)
{
	struct scenario_vcpu *v = hardware(sc);
	struct phase *p = ticks(v, 3500, 1000);

	p->timers[0].policy = POL_PREV;
	p->preempt_every = 700;
	p->preempt_ns = 200000000;
	sc->preemptible = true;
	sc->trace.buffers[0].events |= EV_BIT(SWITCH);
}

static void b_preempted_rplus(struct scenario *sc)
{
	struct scenario_vcpu *v = hardware(sc);
	struct phase *p = ticks(v, 2500, 4000);

	p->preempt_every = 40;
	p->preempt_ns = 12000000;
	sc->preemptible = true;
	sc->trace.buffers[0].events |= EV_BIT(SWITCH);
}

static void b_preempted_no_exits(struct scenario *sc)
{
	b_preempted_rplus(sc);
	sc->trace.buffers[0].events &= ~(EV_BIT(ENTRY) | EV_BIT(EXIT));
}

/* --- what the guest reads and writes --- */

static void b_mixed_reads(struct scenario *sc)
{
	ticks(hardware(sc), 2500, 4000)->counter_percent = 60;
}

/* A use that begins and ends: what counts are made of does not change. */
static void b_mixed_reads_begin(struct scenario *sc)
{
	struct scenario_vcpu *v = hardware(sc);

	ticks(v, 700, 4000);
	ticks(v, 1500, 4000)->counter_percent = 50;
	ticks(v, 700, 4000);
}

static void b_config_between(struct scenario *sc)
{
	struct scenario_vcpu *v = hardware(sc);
	struct phase *p = ticks(v, 1500, 4000);

	p->guest = G_PAGE_OFF;
	p->clock = CLK_MSR;
	p->timers[0].config_between = true;
	page_on(v, 800);
}

/* A device's interrupt, by a crystal of its own, sets the timer to the next point of a grid. */
static void b_other_crystal(struct scenario *sc)
{
	struct phase *p = scenario_phase(hardware(sc), 8000, "a grid armed by another crystal");

	one_shot(p, 0, POL_GRID, 4000)->jitter = 1;
	one_shot(p, 1, POL_PREV, 10000)->reprograms = 0;
	p->timers[1].period_ref += 4;
}

/* --- several VMs --- */

static void epochs(struct scenario *sc, int64_t apart_ns)
{
	for (int m = 0; m < 2; m++) {
		struct scenario_vm *vm = scenario_add_vm(sc, m ? 4 : 2);

		vm->age_ns = 20 * S + m * apart_ns;
		vm->start_ns = 0;
		for (unsigned int k = 0; k < vm->nr_vcpus; k++)
			ticks(&vm->vcpus[k], 1500, 4000 + 500 * k);
		vm->vcpus[0].phases[0].guest = G_PAGE_ON;
		vm->vcpus[0].phases[0].clock = CLK_PAGE;
	}
	sc->speed = 1;
	sc->percent = HARDWARE_PERCENT;
}

static void b_epochs_80us(struct scenario *sc)
{
	epochs(sc, 80000);
}

static void b_epochs_250us(struct scenario *sc)
{
	epochs(sc, 250000);
}

static void b_ids_again(struct scenario *sc)
{
	for (unsigned int m = 0; m < 3; m++) {
		struct scenario_vm *vm = scenario_add_vm(sc, 1);

		vm->start_ns = 1500000000ll * m;
		vm->age_ns = 0;
		vm->ends = true;
		vm->reuses = m ? 1 : 0;
		page_on(vm->vcpus, 300);
		ticks(vm->vcpus, 700, 4000);
	}
	sc->trace.cpus = 3;
	sc->speed = 1;
}

/* --- what the file lacks --- */

static void lost_start(struct scenario *sc, bool silent)
{
	struct scenario_vcpu *v = hardware(sc);

	lagging(v, 12, 20, 10000);
	ticks(v, 1500, 4000);
	sc->trace.nr_lost = 1;
	sc->trace.lost[0] = (struct gen_lost){
		.from = 0, .to = T0 + 800000000, .counted = true, .silent = silent
	};
	/* Another VM, on another CPU, whose events show when the trace begins. */
	page_on(scenario_add_vm(sc, 1)->vcpus, 2000);
}

static void b_start_lost(struct scenario *sc)
{
	lost_start(sc, false);
}

static void b_start_late(struct scenario *sc)
{
	lost_start(sc, true);
}

static void b_msr_never_seen(struct scenario *sc)
{
	b_hardware_storm(sc);
	sc->trace.buffers[0].events &= ~EV_BIT(MSR);
	sc->trace.formats = EV_BIT(MSR);
}

static void b_starts_only(struct scenario *sc)
{
	struct scenario_vcpu *v = hardware(sc);
	struct phase *p;

	ticks(v, 800, 4000);
	p = lagging(v, 12, 20, 10000);
	p->timers[0].policy = POL_FIXED;
	p->timers[0].behind_ref = 30000;
	p->lag_ref = 30000;
	p->timers[0].period_ref = 10;
	sc->trace.buffers[0].events = EV_BIT(START_EXPIRED);
}

static void b_counts_only(struct scenario *sc)
{
	b_hardware_storm(sc);
	sc->trace.buffers[0].events = EV_BIT(SET_COUNT) | EV_BIT(EXPIRATION);
}

static const struct {
	const char *name, *about;
	void (*build)(struct scenario *sc);
	const char *answers;
} scenarios[] = {
	{ "ntp-slower", "NTP slews by -500 ppm for 10 s, idle 64 Hz guest", b_ntp_slower,
	  NO_GUEST_FAULT ONLY_A_RATE },
	{ "ntp-faster", "NTP slews by +500 ppm for 10 s, idle 64 Hz guest", b_ntp_faster,
	  NO_GUEST_FAULT ONLY_A_RATE },
	{ "ntp-stock", "-400 ppm for 10 s, short deadlines, stock kernel", b_ntp_stock,
	  NO_GUEST_FAULT ONLY_A_RATE },
	{ "chrony-slower", "chrony slews by -10 % for 2 s", b_chrony_slower,
	  NO_GUEST_FAULT ONLY_A_RATE },
	{ "chrony-faster", "chrony slews by +10 % for 2 s", b_chrony_faster,
	  NO_GUEST_FAULT ONLY_A_RATE },
	{ "ntp-at-storm", "a slew of 400 ppm begins with a storm, stock kernel", b_ntp_at_storm,
	  CONSTANT_STORM "guest_clock_rate=no|cannot_tell " RATE_AT_MOST },
	{ "idle-1hz", "one arm a second, NTP at -250 ppm after 30 s", b_idle_1hz,
	  NO_GUEST_FAULT RATE_AT_MOST },
	{ "idle-master-clock", "idle-1hz, the master clock updated every 10 s", b_idle_master_clock,
	  NO_GUEST_FAULT RATE_AT_MOST },
	{ "kvmclock-fast", "time_now 3.24 % fast all the time", b_kvmclock_fast,
	  NO_GUEST_FAULT ONLY_A_RATE },
	{ "kvmclock-slow", "time_now 3.14 % slow all the time", b_kvmclock_slow,
	  NO_GUEST_FAULT ONLY_A_RATE },
	{ "kvmclock-fast-storm", "kvmclock-fast on a stock kernel, and a storm",
	  b_kvmclock_fast_storm, CONSTANT_STORM ONLY_A_RATE },
	{ "local-350us", "clock local, CPUs 0.35 ms apart, the vCPU migrates", b_local_350us,
	  NO_GUEST_FAULT "host_reference_step=no|cannot_tell" },
	{ "local-900us", "clock local, CPUs 0.9 ms apart, the vCPU migrates", b_local_900us,
	  NO_GUEST_FAULT "host_reference_step=no|cannot_tell" },
	{ "local-padding", "clock local, CPUs 0.5 ms apart, two storms, padding kernel",
	  b_local_padding, "storm=yes host_reference_step=no|cannot_tell" },
	{ "local-step", "clock local, CPUs 0.9 ms apart, the clock steps by -35 ms", b_local_step,
	  "storm=no host_reference_step=yes" },
	{ "hidden-step", "+20 ms without an event, stale copy of the page, stock kernel",
	  b_hidden_step, CONSTANT_STORM "host_reference_step=yes" },
	{ "hidden-step-60s", "+60 s without an event, backlog to the end, stock kernel",
	  b_hidden_step_60s,
	  "storm=yes guest_clock_behind=no|cannot_tell guest_backlog=yes "
	  "host_reference_step=yes|cannot_tell" },
	{ "step-60s", "KVM_SET_CLOCK +60 s, backlog to the end, stock kernel", b_step_60s,
	  "storm=yes guest_clock_behind=no|cannot_tell guest_backlog=yes "
	  "host_reference_step=yes|cannot_tell" },
	{ "step-back-late", "-50 ms without an event, 25 readings before the end", b_step_back_late,
	  NO_GUEST_FAULT "host_reference_step=yes|cannot_tell" },
	{ "lag-below-period", "+12 ms with a stale page: each arm shorter, none past due",
	  b_lag_below_period,
	  "storm=no guest_clock_behind=yes|cannot_tell host_reference_step=yes" },
	{ "page-off-ahead", "page off, kvmclock 5 ms ahead of the TSC the guest goes by",
	  b_page_off_ahead,
	  CONSTANT_STORM "host_kvmclock_fallback=yes host_reference_step=yes|cannot_tell" },
	{ "hardware-storm", "a storm of 8 ms at 300,000 arms a second", b_hardware_storm,
	  CONSTANT_STORM STEADY_HOST },
	{ "hardware-bursts", "80 past-due arms in 0.27 ms after each tick", b_hardware_bursts,
	  "guest_clock_behind=yes|cannot_tell guest_backlog=no " STEADY_HOST },
	{ "lag-9us", "guest clock 9 us behind, each tick armed again until reached", b_lag_9us,
	  "storm=no guest_clock_behind=yes|cannot_tell guest_backlog=no " STEADY_HOST },
	{ "short-deadlines", "hundreds of deadlines of 0.1 to 0.4 us in a row", b_short_deadlines,
	  NO_STORM STEADY_HOST },
	{ "replay-thrice", "ticks replayed, each armed three times", b_replay_thrice,
	  "storm=yes guest_clock_behind=no guest_backlog=yes " STEADY_HOST },
	{ "chopped-storm", "a breath of 12 arms ahead every 0.6 s", b_chopped,
	  CONSTANT_STORM STEADY_HOST },
	{ "behind-3pct", "guest clock 40 ms behind and 3 % fast", b_behind_3pct,
	  CONSTANT_STORM STEADY_HOST },
	{ "behind-10pct", "guest clock 40 ms behind and 10 % fast", b_behind_10pct,
	  CONSTANT_STORM STEADY_HOST },
	{ "throttled", "a storm on a vCPU that gets 0.2 ms of 250 ms", b_throttled,
	  CONSTANT_STORM "host_reference_step=no|cannot_tell" },
	{ "throttled-no-exits", "throttled without guest entries and exits", b_throttled_no_exits,
	  CONSTANT_STORM "host_reference_step=no|cannot_tell" },
	{ "preempt-replay", "preempted for 200 ms, then 200 ticks at once", b_preempt_replay,
	  "guest_clock_behind=no preemption=yes " STEADY_HOST },
	{ "preempted-rplus", "preempted for 12 ms before MSR writes, prev_state 0x100",
	  b_preempted_rplus, NO_STORM "preemption=yes" },
	{ "preempted-no-exits", "preempted-rplus without guest entries and exits",
	  b_preempted_no_exits, NO_STORM "preemption=yes" },
	{ "mixed-reads", "the counter is read before 60 % of the arms, the page is used",
	  b_mixed_reads, NO_GUEST_FAULT STEADY_HOST "host_kvmclock_fallback=no" },
	{ "mixed-reads-begin", "the counter is read before half of the arms, for a while",
	  b_mixed_reads_begin, NO_GUEST_FAULT STEADY_HOST "host_kvmclock_fallback=no" },
	{ "config-between", "the config is written between the counter's reading and the count",
	  b_config_between, NO_STORM "guest_clocksource_switch=yes" },
	{ "other-crystal", "a grid of 4 ms armed by a crystal 40 ppm off", b_other_crystal,
	  NO_GUEST_FAULT STEADY_HOST },
	{ "epochs-80us", "two VMs with epochs 80 us apart", b_epochs_80us, NO_GUEST_FAULT },
	{ "epochs-250us", "two VMs with epochs 250 us apart", b_epochs_250us, NO_GUEST_FAULT },
	{ "ids-again", "three VMs one after the other with the same thread ids", b_ids_again,
	  NO_STORM "host_reference_step=no|cannot_tell" },
	{ "start-lost", "a CPU's first 0.8 s are lost with a storm in it, the buffer says so",
	  b_start_lost, "storm=cannot_tell guest_clock_behind=cannot_tell" },
	{ "start-late", "a CPU's first 0.8 s are missing, and nothing says so", b_start_late,
	  "storm=cannot_tell guest_clock_behind=cannot_tell" },
	{ "msr-never-seen", "kvm_msr has a format and is not recorded", b_msr_never_seen,
	  CONSTANT_STORM "guest_clocksource_switch=cannot_tell "
			 "host_kvmclock_fallback=cannot_tell" },
	{ "starts-only", "only start_expired recorded, the same count again and again",
	  b_starts_only, "storm=yes guest_clock_behind=yes" },
	{ "counts-only", "only counts and expirations recorded", b_counts_only,
	  "storm=cannot_tell guest_clock_behind=cannot_tell guest_backlog=cannot_tell" },
};

struct scenario *scenario_of_host(const char *name)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(scenarios); i++) {
		struct scenario *sc;

		if (strcmp(scenarios[i].name, name))
			continue;
		sc = scenario_new(name);
		if (!sc)
			return NULL;
		scenarios[i].build(sc);
		sc->answers = scenarios[i].answers;
		return sc;
	}
	return NULL;
}

void scenario_list_hosts(FILE *out)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(scenarios); i++)
		fprintf(out, "%-20s %s\n", scenarios[i].name, scenarios[i].about);
}
