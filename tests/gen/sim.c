/* SPDX-License-Identifier: GPL-2.0 */
/* The clockwork: whatever comes first, on whichever vCPU, is done next. */
#include <errno.h>
#include <stdlib.h>

#include "sim.h"
#include "truth.h"

#define FLUSH_EVERY 64

static int64_t min64(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

static int64_t max64(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static void reschedule(struct vcpu *v)
{
	int64_t next = NEVER;

	for (int i = 0; i < NR_TIMERS; i++)
		next = min64(next, v->timers[i].fire);
	if (!v->done) {
		next = min64(next, max64(min64(min64(v->run_at, v->restart_at), v->phase_end),
					 v->vm->held_until));
	}
	v->next = next;
}

static void callbacks(struct vcpu *v, int64_t t)
{
	for (int i = 0; i < NR_TIMERS; i++) {
		struct timer *timer = &v->timers[i];

		if (timer->fire > t)
			continue;
		if (v->in_guest && v->now <= t && t >= v->vm->held_until) {
			v->now = t;
			host_exit_intr(v);
			timer->fire = v->now;
		}
		host_callback(v, i);
		if (v->hold_timer < 0)
			v->run_at = min64(v->run_at, t);
		else
			v->run_at = v->run_at > v->now ? v->run_at : v->now;
	}
}

static void finish_vcpu(struct vcpu *v)
{
	bool last = v->vm->sc->ends;

	v->done = true; /* the host's hrtimers still go off */
	for (unsigned int k = 0; k < v->vm->sc->nr_vcpus; k++)
		last &= v->vm->vcpus[k].done;
	if (last)
		vmm_end(v->vm, v->now);
}

static void next_phase(struct vcpu *v)
{
	if (v->phase >= 0)
		truth_phase_end(v, vcpu_phase(v), v->clock_from);
	if (v->phase + 1 >= (int)v->sc->nr_phases) {
		finish_vcpu(v);
		return;
	}
	v->phase++;
	guest_start_phase(v, vcpu_phase(v));
}

static bool pending_while_held(const struct vcpu *v)
{
	bool any = false;

	for (int i = 0; i < NR_TIMERS; i++)
		any |= v->timers[i].pending;
	return any && v->hold_timer >= 0;
}

static void step(struct vcpu *v)
{
	int64_t t = v->next;

	callbacks(v, t);
	if (v->done || t < v->vm->held_until) {
		reschedule(v);
		return;
	}
	if (v->phase_end <= t || v->run_at <= t || v->restart_at <= t || pending_while_held(v)) {
		v->now = max64(v->now, t);
		if (v->phase_end <= v->now)
			next_phase(v);
		else
			guest_run(v);
	}
	/* A VMM's action may have moved the others of this VM. */
	for (unsigned int k = 0; k < v->vm->sc->nr_vcpus; k++)
		reschedule(&v->vm->vcpus[k]);
}

static struct vcpu *first(const struct sim *sim)
{
	struct vcpu *best = sim->all[0];

	for (unsigned int i = 1; i < sim->nr_all; i++)
		if (sim->all[i]->next < best->next)
			best = sim->all[i];
	return best;
}

static bool over(const struct sim *sim, int64_t t)
{
	const struct scenario *sc = sim->sc;

	return t == NEVER || (sc->max_ns && t >= START_NS + sc->max_ns) ||
	       (sc->max_bytes && trace_bytes(sim->trace) >= sc->max_bytes);
}

static void loop(struct sim *sim)
{
	for (uint64_t n = 0;; n++) {
		struct vcpu *v = first(sim);

		if (over(sim, v->next))
			break;
		sim->end = v->next;
		if (n % FLUSH_EVERY == 0)
			trace_flush(sim->trace, v->next);
		step(v);
	}
	for (unsigned int i = 0; i < sim->nr_all; i++)
		if (!sim->all[i]->done && sim->all[i]->phase >= 0)
			truth_phase_end(sim->all[i], vcpu_phase(sim->all[i]),
					sim->all[i]->clock_from);
	for (unsigned int i = 0; i < sim->nr_all * NR_TIMERS; i++)
		truth_timer_heard_of(sim->all[i / NR_TIMERS], i % NR_TIMERS, sim->end);
}

static void vcpu_init(struct sim *sim, struct vm *vm, unsigned int id)
{
	struct vcpu *v = &vm->vcpus[id];

	v->sim = sim;
	v->vm = vm;
	v->sc = &vm->sc->vcpus[id];
	v->id = id;
	v->cpu = sim->nr_all % sim->sc->trace.cpus;
	v->phase = -1;
	v->hold_timer = -1;
	v->run_at = v->restart_at = v->next = NEVER;
	for (int i = 0; i < NR_TIMERS; i++)
		v->timers[i].fire = v->timers[i].lost_at = NEVER;
	sim->all[sim->nr_all++] = v;
}

static int vms_init(struct sim *sim)
{
	for (unsigned int i = 0; i < sim->sc->nr_vms; i++) {
		struct vm *vm = &sim->vms[i];

		vm->sim = sim;
		vm->sc = &sim->sc->vms[i];
		vm->index = i;
		vm->born = START_NS + vm->sc->start_ns;
		vm->vcpus = calloc(vm->sc->nr_vcpus, sizeof(*vm->vcpus));
		if (!vm->vcpus)
			return -ENOMEM;
		for (unsigned int k = 0; k < vm->sc->nr_vcpus; k++)
			vcpu_init(sim, vm, k);
		vmm_create(vm, vm->born);
		for (unsigned int k = 0; k < vm->sc->nr_vcpus; k++)
			reschedule(&vm->vcpus[k]);
	}
	return 0;
}

int sim_run(struct sim *sim)
{
	const struct scenario *sc = sim->sc;
	int rc;

	sim->next_pid = 1000;
	sim->vms = calloc(sc->nr_vms, sizeof(*sim->vms));
	sim->all = calloc(sc->nr_vms * GEN_MAX_VCPUS, sizeof(*sim->all));
	sim->cpu_owner = calloc(sc->trace.cpus, sizeof(*sim->cpu_owner));
	rc = sim->vms && sim->all && sim->cpu_owner ? vms_init(sim) : -ENOMEM;
	if (!rc)
		loop(sim);
	return rc;
}
