/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Faults that set a guest's clock and its host's apart, in three sizes, and what is like them and
 * harmless.
 */
#include <stdio.h>
#include <string.h>

#include "array.h"
#include "build.h"

static struct phase *raw(struct scenario_vcpu *v, unsigned int ms)
{
	struct phase *p = healthy(v, ms);

	p->clock = CLK_RAW;
	snprintf(p->name, sizeof(p->name), "raw TSC");
	return p;
}

static struct scenario_vcpu *old_vm(struct scenario *sc)
{
	struct scenario_vm *vm = scenario_add_vm(sc, 1);

	vm->age_ns = 200000000000ll;
	page_on(vm->vcpus, 600);
	return vm->vcpus;
}

/* The VMM sets the clock back and leaves the TSC, from which the guest computes its counts. */
static void reset_in_place(struct scenario *sc, int64_t ms)
{
	struct scenario_vcpu *v = old_vm(sc);
	struct phase *p;

	raw(v, 800);
	p = raw(v, 900);
	host_does(p, H_SET_CLOCK, -ms);
	host_does(p, H_RESTORE_MSRS, 0);
}

/* The guest's clock follows: its page is computed anew. */
static void reset_followed(struct scenario *sc, int64_t ms)
{
	struct scenario_vcpu *v = old_vm(sc);
	struct phase *p;

	healthy(v, 800);
	p = healthy(v, 900);
	host_does(p, H_SET_CLOCK, -ms);
	host_does(p, H_RESTORE_MSRS, 0);
}

static void resume(struct scenario *sc, bool call, int64_t lag_ms)
{
	struct scenario_vcpu *v = old_vm(sc);
	struct phase *p;

	p = scenario_phase(v, 20, "resume");
	p->guest = G_PAGE_OFF | (call ? G_TIME_RESTORE : 0);
	p = scenario_phase(v, 700, "resumed");
	p->guest = G_PAGE_ON;
	p->clock = CLK_PAGE;
	p->lag_ref = lag_ms * 10000;
	one_shot(p, 0, lag_ms > 0 ? POL_RETRY : POL_NOW, 15625);
}

static void time_restore(struct scenario *sc, int64_t lag_ms)
{
	resume(sc, true, lag_ms);
}

static void resumed(struct scenario *sc, int64_t lag_ms)
{
	resume(sc, false, lag_ms);
}

static struct scenario_vcpu *late_tsc(struct scenario *sc, int64_t ms)
{
	struct scenario_vm *vm = scenario_add_vm(sc, 1);

	vm->age_ns = 0;
	vm->tsc_late_ns = ms * 1000000;
	return vm->vcpus;
}

/* The guest takes its TSC's zero for that of its reference clock. */
static void tsc_time(struct scenario *sc, int64_t ms)
{
	struct scenario_vcpu *v = late_tsc(sc, ms);
	struct phase *p = scenario_phase(v, 100, "reference counter");

	p->clock = CLK_MSR;
	one_shot(p, 0, POL_NOW, 10000);
	p = scenario_phase(v, 900, "TSC as clock since its zero");
	p->clock = CLK_RAW;
	p->tsc_time = true;
	one_shot(p, 0, POL_RETRY, 2000);
}

static void tsc_unused(struct scenario *sc, int64_t ms)
{
	page_on(late_tsc(sc, ms), 900);
}

/* vCPUs run for @ms before the VMM sets the clock of what it restored. */
static void early_vcpus(struct scenario *sc, int64_t ms)
{
	struct scenario_vcpu *v = old_vm(sc);
	struct phase *p = healthy(v, (unsigned int)ms);

	host_does(p, H_RESTORE_EARLY, 150);
	p = healthy(v, 900);
	host_does(p, H_SET_CLOCK, 200000);
}

/* The clock is set before the vCPUs run. */
static void restored(struct scenario *sc, int64_t ms)
{
	host_does(healthy(old_vm(sc), 900), H_MIGRATE, ms);
}

static void two_vcpus(struct scenario *sc, enum host_action action, int64_t ms)
{
	struct scenario_vm *vm = scenario_add_vm(sc, 2);
	struct phase *p;

	page_on(&vm->vcpus[0], 700);
	healthy(&vm->vcpus[1], 1500);
	p = healthy(&vm->vcpus[0], 800);
	host_does(p, action, ms);
	p->clock = CLK_VM;
}

static void tscs_apart(struct scenario *sc, int64_t ms)
{
	two_vcpus(sc, H_TSC_APART, ms);
}

static void tscs_moved(struct scenario *sc, int64_t ms)
{
	two_vcpus(sc, H_TSC_MOVE, ms);
}

static const struct {
	const char *name, *about;
	void (*build)(struct scenario *sc, int64_t size);
	int64_t size[3];
	const char *faults;
} kinds[] = {
	{ "reset-in-place",
	  "clock set back by so many ms, TSC kept",
	  reset_in_place,
	  { 200, 3000, 36000 },
	  "guest_clock_ahead" },
	{ "reset-followed",
	  "clock set back by so many ms, the guest follows",
	  reset_followed,
	  { 200, 3000, 36000 },
	  "" },
	{ "time-restore",
	  "the guest asks for its old time, and lags by so many ms",
	  time_restore,
	  { 0, 20, 200 },
	  "guest_time_restore" },
	{ "time-restore-ahead",
	  "the guest asks for its old time, and leads by so many ms",
	  time_restore,
	  { -2000, -30000, -120000 },
	  "guest_time_restore guest_clock_ahead" },
	{ "resumed",
	  "the guest resumes and does not ask, and lags by so many ms",
	  resumed,
	  { 0, 20, 200 },
	  "" },
	{ "tsc-time",
	  "the TSC began so many ms after the clock, and the guest goes by it",
	  tsc_time,
	  { 6, 40, 300 },
	  "tsc_reference_offset" },
	{ "tsc-unused",
	  "the TSC began so many ms after the clock, the guest goes by its page",
	  tsc_unused,
	  { 6, 40, 300 },
	  "" },
	{ "early-vcpus",
	  "vCPUs run for so many ms before their clock is set",
	  early_vcpus,
	  { 60, 300, 1500 },
	  "vmm_resume_order" },
	{ "restored", "restored after so many ms, clock first", restored, { 60, 300, 1500 }, "" },
	{ "tscs-apart",
	  "vCPUs' TSCs so many ms apart",
	  tscs_apart,
	  { 1, 50, 5000 },
	  "vcpu_tsc_mismatch" },
	{ "tscs-moved", "vCPUs' TSCs moved together", tscs_moved, { 1, 50, 5000 }, "" },
};

unsigned int fault_clock_kinds(void)
{
	return ARRAY_SIZE(kinds);
}

void fault_clock_sizes(unsigned int kind, int64_t *first, int64_t *last)
{
	*first = kinds[kind].size[0];
	*last = kinds[kind].size[2];
}

void fault_clock_add(struct scenario *sc, unsigned int kind, int64_t size)
{
	size_t len = strlen(sc->faults);

	snprintf(sc->faults + len, sizeof(sc->faults) - len, " %s", kinds[kind].faults);
	kinds[kind].build(sc, size);
}

static int64_t size_shown(int64_t size)
{
	return size < 0 ? -size : size;
}

struct scenario *faults_clock_by_name(const char *name)
{
	for (unsigned int i = 0; i < 3 * ARRAY_SIZE(kinds); i++) {
		struct scenario *sc;
		char full[48];

		snprintf(full, sizeof(full), "%s-%lld", kinds[i / 3].name,
			 (long long)size_shown(kinds[i / 3].size[i % 3]));
		if (strcmp(full, name))
			continue;
		sc = scenario_new(name);
		if (!sc)
			return NULL;
		sc->faults_known = true;
		fault_clock_add(sc, i / 3, kinds[i / 3].size[i % 3]);
		return sc;
	}
	return NULL;
}

void faults_clock_list(FILE *out)
{
	for (unsigned int i = 0; i < 3 * ARRAY_SIZE(kinds); i++) {
		char full[48];

		snprintf(full, sizeof(full), "%s-%lld", kinds[i / 3].name,
			 (long long)size_shown(kinds[i / 3].size[i % 3]));
		fprintf(out, "%-24s %s\n", full, kinds[i / 3].about);
	}
}
