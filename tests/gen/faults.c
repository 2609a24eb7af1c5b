/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Scenarios of one fault each, and of what only looks like it, in three sizes:
 * "fault-livelock-wrap-1" to "...-3". What an analysis must answer follows from what happened.
 */
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "build.h"

#define PARKED (INT64_MAX / 2) /* ref units: far enough ahead for 100 times as much to wrap */

struct size {
	unsigned int ms, n;
};

#define FAULT_PHASES 6 /* that a fault adds at most */

static bool room(const struct scenario_vm *vm)
{
	return vm->nr_vcpus == 1 && vm->vcpus->nr_phases + FAULT_PHASES <= GEN_MAX_PHASES;
}

/* One vCPU that is healthy before and after what @fault adds. */
static struct scenario_vcpu *before(struct scenario *sc)
{
	bool same = sc->same_vm && room(&sc->vms[sc->nr_vms - 1]);
	struct scenario_vcpu *v =
		same ? sc->vms[sc->nr_vms - 1].vcpus : scenario_add_vm(sc, 1)->vcpus;

	page_on(v, 500);
	return v;
}

static void after(struct scenario_vcpu *v)
{
	healthy(v, 600);
}

static void parked(struct scenario_vcpu *v, unsigned int ms)
{
	struct phase *p = scenario_phase(v, ms, "a count that is never reached");

	one_shot(p, 0, POL_FIXED, 0)->period_ref = PARKED;
}

static void f_wrap(struct scenario *sc, struct size s)
{
	struct scenario_vcpu *v = before(sc);

	sc->wraps = true;
	parked(v, s.ms);
	after(v);
}

/* The same counts where the kernel clamps the deadline. */
static void f_parked(struct scenario *sc, struct size s)
{
	struct scenario_vcpu *v = before(sc);

	parked(v, s.ms);
	after(v);
}

static struct phase *shared_slot(struct scenario_vcpu *v, unsigned int ms, unsigned int hold_ms)
{
	struct phase *p = scenario_phase(v, ms, "two timers share a message slot");

	one_shot(p, 0, POL_NOW, 20000)->message = true;
	one_shot(p, 1, POL_NOW, 7000)->message = true;
	p->timers[0].sint = p->timers[1].sint = 2;
	p->timers[0].hold_ns = hold_ms * 1000000ll;
	return p;
}

static void f_retry(struct scenario *sc, struct size s)
{
	struct scenario_vcpu *v = before(sc);

	sc->retries = true;
	shared_slot(v, s.ms, 15);
	after(v);
}

static void f_busy(struct scenario *sc, struct size s)
{
	struct scenario_vcpu *v = before(sc);

	shared_slot(v, s.ms, 4 + s.n);
	after(v);
}

static void masked(struct scenario_vcpu *v, unsigned int ms, unsigned int mask, unsigned int unmask)
{
	struct phase *p = scenario_phase(v, ms, "a timer that cannot be delivered");

	p->guest = mask;
	one_shot(p, 0, POL_NOW, 10000);
	one_shot(p, 1, POL_NOW, 5000)->message = true;
	p->timers[1].sint = 3;
	p = healthy(v, 300);
	p->guest = unmask;
}

static void f_masked(struct scenario *sc, struct size s)
{
	struct scenario_vcpu *v = before(sc);

	masked(v, s.ms, G_SINT_MASK, G_SINT_UNMASK);
	after(v);
}

static void f_no_page(struct scenario *sc, struct size s)
{
	struct scenario_vcpu *v = before(sc);

	masked(v, s.ms, G_SIMP_OFF, G_SIMP_ON);
	after(v);
}

static void f_no_callback(struct scenario *sc, struct size s)
{
	struct scenario_vcpu *v = before(sc);
	struct phase *p = scenario_phase(v, s.ms, "a callback that never comes");

	one_shot(p, 0, POL_NOW, 10000);
	one_shot(p, 1, POL_NOW, s.n * 1000);
	p->dead_timer = 2;
	after(v);
}

/* A timer that expires and is not armed again; then the VMM writes it back. */
static void f_revived(struct scenario *sc, struct size s)
{
	struct scenario_vcpu *v = before(sc);
	struct phase *p = scenario_phase(v, 200, "two timers");

	one_shot(p, 0, POL_NOW, 10000);
	one_shot(p, 1, POL_NOW, 30000);
	p = scenario_phase(v, 200, "one of them is left as it expired");
	one_shot(p, 0, POL_NOW, 10000);
	p->timers[1].keep = true;
	p = scenario_phase(v, 300, "the VMM writes the timers back");
	host_does(p, H_HOLD, s.ms);
	host_does(p, H_RESTORE_MSRS, 0);
	one_shot(p, 0, POL_NOW, 10000);
	p->timers[1].keep = true;
	after(v);
}

static void f_revived_old(struct scenario *sc, struct size s)
{
	sc->auto_enables = true;
	f_revived(sc, s);
}

static void reads(struct scenario_vcpu *v, struct size s, enum clock_read what)
{
	struct phase *p = scenario_phase(v, s.ms, "the clock is read by way of the host");

	one_shot(p, 0, POL_NOW, 15625);
	p->read = what;
	p->read_ns = s.n * 1000ll;
}

static void f_slow_counter(struct scenario *sc, struct size s)
{
	reads(scenario_add_vm(sc, 1)->vcpus, s, READ_REF_COUNT);
}

static void f_slow_pm(struct scenario *sc, struct size s)
{
	reads(before(sc), s, READ_PM_TIMER);
}

static void f_slow_hpet(struct scenario *sc, struct size s)
{
	reads(before(sc), s, READ_HPET);
}

static void f_boot_reads(struct scenario *sc, struct size s)
{
	struct scenario_vcpu *v = scenario_add_vm(sc, 1)->vcpus;

	sc->vms[sc->nr_vms - 1].age_ns = 0;
	reads(v, s, READ_PM_TIMER);
	page_on(v, 1500);
}

static void asks(struct scenario *sc, struct size s, bool msr)
{
	struct scenario_vcpu *v = before(sc);
	struct phase *p = healthy(v, s.ms);

	p->refused = s.n;
	p->refused_msr = msr;
	after(v);
}

static void f_hypercall(struct scenario *sc, struct size s)
{
	asks(sc, s, false);
}

static void f_msr(struct scenario *sc, struct size s)
{
	asks(sc, s, true);
}

/* A load without lateness: no fault. */
static void f_ticks(struct scenario *sc, struct size s)
{
	struct scenario_vcpu *v = before(sc);
	struct phase *p = scenario_phase(v, s.ms, "many ticks, all in time");

	sc->speed = 1;
	one_shot(p, 0, POL_NOW, s.n);
	after(v);
}

static const struct {
	const char *name;
	void (*build)(struct scenario *sc, struct size s);
	struct size sizes[3];
} faults[] = {
	{ "fault-livelock-wrap", f_wrap, { { 50, 0 }, { 300, 0 }, { 1500, 0 } } },
	{ "fault-livelock-retry", f_retry, { { 100, 0 }, { 300, 0 }, { 1500, 0 } } },
	{ "fault-lost-masked", f_masked, { { 200, 0 }, { 700, 0 }, { 3000, 0 } } },
	{ "fault-lost-no-page", f_no_page, { { 200, 0 }, { 700, 0 }, { 3000, 0 } } },
	{ "fault-lost-no-callback", f_no_callback, { { 300, 2 }, { 900, 100 }, { 4000, 900 } } },
	{ "fault-restored", f_revived_old, { { 5, 0 }, { 300, 0 }, { 2000, 0 } } },
	{ "fault-slow-counter", f_slow_counter, { { 500, 25 }, { 1000, 100 }, { 2000, 600 } } },
	{ "fault-slow-pm", f_slow_pm, { { 500, 25 }, { 1000, 100 }, { 2000, 600 } } },
	{ "fault-slow-hpet", f_slow_hpet, { { 500, 25 }, { 1000, 100 }, { 2000, 600 } } },
	{ "fault-refused-call", f_hypercall, { { 300, 1 }, { 300, 30 }, { 300, 1000 } } },
	{ "fault-refused-msr", f_msr, { { 300, 1 }, { 300, 30 }, { 300, 1000 } } },
	{ "harmless-parked", f_parked, { { 50, 0 }, { 300, 0 }, { 1500, 0 } } },
	{ "harmless-busy-slot", f_busy, { { 300, 0 }, { 700, 4 }, { 1500, 8 } } },
	{ "harmless-masked", f_masked, { { 20, 0 }, { 40, 0 }, { 70, 0 } } },
	{ "harmless-restored", f_revived, { { 5, 0 }, { 300, 0 }, { 2000, 0 } } },
	{ "harmless-boot-reads", f_boot_reads, { { 300, 25 }, { 1000, 100 }, { 4000, 600 } } },
	{ "harmless-slow-reads", f_slow_pm, { { 1000, 2000 }, { 1000, 5000 }, { 1000, 30000 } } },
	{ "harmless-ticks", f_ticks, { { 600, 100 }, { 600, 250 }, { 600, 1000 } } },
};

#define NR_FAMILIES ARRAY_SIZE(faults)

unsigned int fault_kinds(void)
{
	return NR_FAMILIES;
}

static unsigned int between(struct rng *rng, unsigned int lo, unsigned int hi)
{
	/* small ones as often as large ones */
	unsigned int most = rng_once_in(rng, 2) ? lo + (hi - lo) / 8 : hi;

	return (unsigned int)rng_range(rng, lo, most);
}

void fault_add(struct scenario *sc, unsigned int kind, struct rng *rng)
{
	const struct size *s = faults[kind].sizes;

	faults[kind].build(
		sc, (struct size){ between(rng, s[0].ms, s[2].ms), between(rng, s[0].n, s[2].n) });
}

struct scenario *scenario_fault(const char *name)
{
	for (unsigned int i = 0; i < 3 * NR_FAMILIES; i++) {
		struct scenario *sc;
		char full[48];

		snprintf(full, sizeof(full), "%s-%u", faults[i / 3].name, i % 3 + 1);
		if (strcmp(full, name))
			continue;
		sc = scenario_new(name);
		if (sc)
			faults[i / 3].build(sc, faults[i / 3].sizes[i % 3]);
		return sc;
	}
	return NULL;
}

void scenario_list_faults(FILE *out)
{
	for (unsigned int i = 0; i < 3 * NR_FAMILIES; i++)
		fprintf(out, "%s-%u\n", faults[i / 3].name, i % 3 + 1);
}
