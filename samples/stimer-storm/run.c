// SPDX-License-Identifier: GPL-2.0
/* Runs a scenario: before each phase the VMM's actions, then the guest's phase, with all vCPUs
 * parked between. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "truth.h"

static const char *const host_op_names[NR_HOST_OPS] = {
	[HOST_HOLD] = "sleep_ms (all vcpus held)",
	[HOST_SET_MSR] = "KVM_SET_MSRS msr",
	[HOST_ADD_TSC] = "MSR_IA32_TSC add_ticks",
	[HOST_ADD_TSC_OFFSET] = "KVM_VCPU_TSC_OFFSET add_ticks",
	[HOST_ADD_CLOCK] = "KVM_SET_CLOCK add_ns",
	[HOST_SET_CLOCK] = "KVM_SET_CLOCK set_ns",
	[HOST_REWRITE_STIMERS] = "restore stimer msrs (get+set by host)",
	[HOST_RENEW] = "new VM, state restored, clock not",
	[HOST_RESTORE_CLOCK] = "KVM_SET_CLOCK to the saved clock",
};

#define COUNTER_READ_NS 50000 /* what reading the counter takes when nothing comes between */

struct run {
	struct vm vm;
	const struct scenario *scenario;
	uint64_t saved_clock;
	bool quiet;
};

static void sleep_until(uint64_t ns)
{
	struct timespec t = { ns / 1000000000, ns % 1000000000 };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
		;
}

static int64_t ticks(const struct vm *vm, int64_t ns)
{
	return (__int128)ns * (int64_t)vm->tsc_khz / 1000000;
}

static int move_clock(struct vm *vm, int64_t ns)
{
	uint64_t now;
	int rc = vm_get_clock(vm, &now);

	return rc ? rc : vm_set_clock(vm, now + ns);
}

/*
 * All vCPUs get a TSC of one reading, as a VMM restores them: KVM then takes them for synchronized.
 */
static int move_tscs(struct vm *vm, int64_t by)
{
	unsigned int i;
	uint64_t tsc;
	int rc = vm_get_msr(&vm->vcpus[0], MSR_IA32_TSC, &tsc);

	for (i = 0; !rc && i < vm->nr_vcpus; i++)
		rc = vm_set_msr(&vm->vcpus[i], MSR_IA32_TSC, tsc + by);
	return rc;
}

static int renew(struct run *r)
{
	static struct vcpu_state state[MAX_VCPUS];
	struct vm *vm = &r->vm;
	int rc;

	rc = vcpus_complete_exit(vm);
	rc = rc ? rc : vm_save(vm, state);
	rc = rc ? rc : vm_get_clock(vm, &r->saved_clock);
	rc = rc ? rc : vm_renew(vm);
	return rc ? rc : vm_restore(vm, state);
}

static int on_each_vcpu(struct vm *vm, const struct host_action *a)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; !rc && i < vm->nr_vcpus; i++) {
		if (a->vcpus && !(a->vcpus & 1U << i))
			continue;
		if (a->op == HOST_SET_MSR)
			rc = vm_set_msr(&vm->vcpus[i], a->msr, a->value);
		else if (a->op == HOST_ADD_TSC_OFFSET)
			rc = vm_add_tsc_offset(&vm->vcpus[i], ticks(vm, a->value));
		else
			rc = vm_rewrite_stimers(&vm->vcpus[i]);
	}
	return rc;
}

static int do_host_action(struct run *r, const struct host_action *a)
{
	switch (a->op) {
	case HOST_HOLD:
		sleep_until(mono_ns() + a->value * 1000000);
		return 0;
	case HOST_ADD_TSC:
		return move_tscs(&r->vm, ticks(&r->vm, a->value));
	case HOST_ADD_CLOCK:
		return move_clock(&r->vm, a->value);
	case HOST_SET_CLOCK:
		return vm_set_clock(&r->vm, a->value);
	case HOST_RESTORE_CLOCK:
		return vm_set_clock(&r->vm, r->saved_clock);
	case HOST_RENEW:
		return renew(r);
	default:
		return on_each_vcpu(&r->vm, a);
	}
}

/* A running vCPU's registers cannot be read: then the counter is left at 0. */
static int read_clocks(struct run *r, bool running, uint64_t *clock, uint64_t *count)
{
	int rc = vm_get_clock(&r->vm, clock);

	*count = 0;
	return rc || running ? rc : vm_get_msr(&r->vm.vcpus[0], MSR_HV_TIME_COUNT, count);
}

/* The counter and the time at which it was read, from the closest of a few attempts. */
static int read_counter(struct vm *vm, uint64_t *ns, uint64_t *count)
{
	uint64_t before, after, value = 0, best = UINT64_MAX;
	int i, rc = 0;

	for (i = 0; !rc && i < 20 && best > COUNTER_READ_NS; i++) {
		before = mono_ns();
		rc = vm_get_msr(&vm->vcpus[0], MSR_HV_TIME_COUNT, &value);
		after = mono_ns();
		if (rc || after - before >= best)
			continue;
		best = after - before;
		*ns = before + best / 2;
		*count = value;
	}
	return rc;
}

static int host_action(struct run *r, const struct host_action *a)
{
	struct host_record rec = {
		.action = host_op_names[a->op],
		.msr = a->msr,
		.value = a->value,
		.vcpus = a->vcpus,
	};
	bool running = a->after_ms;
	int rc;

	rc = read_clocks(r, running, &rec.clock_before, &rec.count_before);
	rec.begin_ns = mono_ns();
	rc = rc ? rc : do_host_action(r, a);
	rec.end_ns = mono_ns();
	rc = rc ? rc : read_clocks(r, running, &rec.clock_after, &rec.count_after);
	if (a->op == HOST_RESTORE_CLOCK)
		rec.value = r->saved_clock;
	truth_host_action(&rec);
	return rc;
}

static void set_timer(struct guest_timer *t, const struct phase_timer *p, bool odd)
{
	uint64_t target = t->target;

	*t = (struct guest_timer){
		.on = p->on,
		.periodic = p->periodic,
		.message = p->message,
		.config_each = p->config_each,
		.keep_target = p->keep_target,
		.policy = odd ? p->policy : NEXT_FROM_NOW,
		.period = p->period,
		.target = target,
	};
}

static void set_phase(struct vm *vm, unsigned int vcpu, const struct phase *p)
{
	struct vcpu_block *b = vm_block(vm, vcpu);
	bool odd = !p->vcpus || p->vcpus & 1U << vcpu;
	int n;

	b->clock = p->clock;
	b->halt = !p->spin;
	b->read_clock = p->read_clock;
	b->lag = odd ? p->lag : 0;
	b->ppm = odd ? p->ppm : 0;
	b->spurious = b->sequence_0 = b->clock_reads = b->loops = 0;
	memcpy(b->actions, p->guest, sizeof(b->actions));
	for (n = 0; n < MAX_TIMERS; n++)
		set_timer(&b->timers[n], &p->timers[n], odd);
}

static int actions(struct run *r, const struct phase *p, bool late, uint64_t start)
{
	int i, rc = 0;

	for (i = 0; !rc && i < HOST_ACTIONS; i++) {
		const struct host_action *a = &p->host[i];

		if (!a->op || !a->after_ms == late)
			continue;
		if (late)
			sleep_until(start + a->after_ms * 1000000ULL);
		rc = host_action(r, a);
	}
	return rc;
}

static int run_phase(struct run *r, unsigned int number, const struct phase *p)
{
	struct vm *vm = &r->vm;
	uint64_t start = 0, count = 0;
	unsigned int i;
	int rc;

	rc = actions(r, p, false, 0);
	rc = rc ? rc : read_counter(vm, &start, &count);
	if (rc)
		return rc;
	for (i = 0; i < vm->nr_vcpus; i++) {
		set_phase(vm, i, p);
		truth_phase_start(vm, i, number, p, start, count);
	}
	start = mono_ns();
	rc = vcpus_release(vm);
	rc = rc ? rc : actions(r, p, true, start);
	if (rc)
		return rc;
	sleep_until(start + p->ms * 1000000ULL);
	rc = vcpus_park(vm);
	for (i = 0; !rc && i < vm->nr_vcpus; i++)
		truth_phase_end(vm, i, number, p);
	return rc;
}

static int run_all(struct run *r, unsigned int nr_vcpus, uint64_t seed)
{
	const struct phase *p = r->scenario->phases;
	uint64_t end = 0, count = 0;
	unsigned int i;
	int rc;

	r->vm.late_ms = r->scenario->late_ms;
	rc = vm_check(&r->vm);
	rc = rc ? rc : vm_create(&r->vm, nr_vcpus);
	r->vm.late_ms = 0; /* not for another VM that takes its place */
	rc = rc ? rc : vcpus_start(&r->vm);
	if (rc)
		return rc;
	truth_meta(&r->vm, r->scenario, seed);
	for (i = 0; !rc && i < MAX_PHASES && p[i].name; i++) {
		if (!r->quiet)
			fprintf(stderr, "%s: %s\n", r->scenario->name, p[i].name);
		rc = run_phase(r, i, &p[i]);
	}
	rc = rc ? rc : read_counter(&r->vm, &end, &count);
	if (!rc)
		truth_end(end, count);
	return rc;
}

int run_scenario(const struct scenario *s, unsigned int nr_vcpus, uint64_t seed, bool quiet)
{
	struct run r = { .scenario = s, .quiet = quiet };
	int rc;

	pthread_mutex_init(&r.vm.lock, NULL);
	pthread_cond_init(&r.vm.changed, NULL);
	rc = run_all(&r, nr_vcpus, seed);
	vcpus_stop(&r.vm);
	if (rc)
		fprintf(stderr, "stimer-storm: %s\n", *r.vm.error ? r.vm.error : strerror(-rc));
	vm_destroy(&r.vm);
	pthread_cond_destroy(&r.vm.changed);
	pthread_mutex_destroy(&r.vm.lock);
	return rc;
}
