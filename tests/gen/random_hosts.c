/* SPDX-License-Identifier: GPL-2.0 */
/* The random set's part of hosts.c: the same ingredients, in any size and mixture. */
#include "array.h"
#include "random.h"

#define T0 5000000000ll

static struct phase *named(struct phase *p, const char *name)
{
	snprintf(p->name, sizeof(p->name), "%s", name);
	return p;
}

/* --- episodes of any vCPU --- */

static void h_short_deadlines(struct dice *d)
{
	struct phase *p = scenario_phase(d->v, storm_ms(d, roll(d, 80, 400)), "short deadlines");

	one_shot(p, 0, POL_NOW, 4000)->past_every = 1;
	p->timers[0].past_by_ref = -(int)roll(d, 1, 4);
}

static void h_lag_retry(struct dice *d)
{
	struct phase *p = named(rest_phase(d), "a small lag, retries");

	p->lag_ref = percent(d, 50) ? roll(d, 20, 300) : roll(d, 1000, 9000);
	p->timers[0].policy = POL_RETRY;
}

static void h_replay(struct dice *d)
{
	unsigned int us = 1000 + 12 * d->cost_us + roll(d, 0, 3000), arms = roll(d, 50, 800);
	struct phase *p = backlog(d->v, 3 * storm_ms(d, arms) + 400, 0, us);

	named(p, "targets behind, each armed three times");
	p->timers[0].times = 3;
	p->timers[0].behind_ref = arms * (us - 3 * d->cost_us) * 10ll;
}

static void h_chopped(struct dice *d)
{
	unsigned int lag = roll(d, 20, 80);
	struct phase *p = scenario_phase(d->v, storm_ms(d, 3000), "a storm with breaths");

	p->lag_ref = lag * 10000ll;
	p->breath_arms = roll(d, 9, 14);
	p->breath_every_ns = p->ns / roll(d, 2, 5);
	one_shot(p, 0, POL_NOW, 1000);
}

static void h_throttled(struct dice *d)
{
	struct phase *p = scenario_phase(d->v, 3000, "a storm on a throttled vCPU");
	p->lag_ref = 100000000;
	p->quota_ns = 60ll * d->cost_us * 1000;
	p->throttle_ns = roll(d, 20, 250) * 1000000ll;
	p->spin = true;
	one_shot(p, 0, POL_NOW, 4000);
}

static void h_preempt_replay(struct dice *d)
{
	unsigned int us = 1000 + 4 * d->cost_us;
	struct phase *p = scenario_phase(d->v, 2500, "preempted for long, ticks replayed");
	one_shot(p, 0, POL_PREV, us);
	p->preempt_every = 500000 / us;
	p->preempt_ns = roll(d, 20, 250) * 1000000ll;
}

static void h_other_crystal(struct dice *d)
{
	struct phase *p = scenario_phase(d->v, roll(d, 2000, 5000), "a grid by another crystal");

	one_shot(p, 0, POL_GRID, 4000)->jitter = 1;
	one_shot(p, 1, POL_PREV, 10000)->reprograms = 0;
	p->timers[1].period_ref += (int)roll(d, 0, 12) - 6;
}

static void h_idle(struct dice *d)
{
	struct phase *p = named(rest_phase(d), "idle");

	p->ns = roll(d, 3, 9) * 1000000000ll;
	one_shot(p, 0, POL_NOW, percent(d, 50) ? 1000000 : 15625);
}

/* --- of the VM's first vCPU --- */

static void h_mixed_reads(struct dice *d)
{
	named(rest_phase(d), "counter read for nothing")->counter_percent = roll(d, 20, 80);
}

static void h_config_between(struct dice *d)
{
	struct phase *p = named(rest_phase(d), "page off, config between read and count");

	p->guest = G_PAGE_OFF;
	p->clock = CLK_MSR;
	p->timers[0].config_between = true;
	p->timers[0].no_auto = false;
	d->page = false;
}

/* Each arm is shorter by the step; none is past due. */
static void h_lag_below_period(struct dice *d)
{
	struct phase *p;

	if (!d->page)
		return;
	p = named(rest_phase(d), "stale copy of the tsc page, still right");
	p->clock = CLK_STALE;
	one_shot(p, 0, POL_NOW, 15625);
	p = named(rest_phase(d), "stale copy of the tsc page, a step below the period");
	p->clock = CLK_STALE;
	one_shot(p, 0, POL_NOW, 15625);
	host_does(p, percent(d, 50) ? H_SET_CLOCK : H_STEP_HIDDEN, roll(d, 2, 13));
	page_on(d->v, 500);
}

static void h_hidden_step(struct dice *d)
{
	struct phase *p = named(rest_phase(d), "clock moved, no event");
	bool far = percent(d, 15);
	int64_t ms = far ? roll(d, 10000, 60000) : roll(d, 2, 200);

	host_does(p, H_STEP_HIDDEN, !far && percent(d, 40) ? -ms : ms);
}

static void h_step_backlog(struct dice *d)
{
	unsigned int us = 1000 + 4 * d->cost_us, arms = roll(d, 150, 1500);
	struct phase *p = rest_phase(d);

	one_shot(p, 0, POL_PREV, us);
	p = scenario_phase(d->v, storm_ms(d, arms) + 400, "clock moved, ticks replayed");
	one_shot(p, 0, POL_PREV, us)->keep = true;
	p->timers[0].message = d->v->phases[d->v->nr_phases - 2].timers[0].message;
	p->timers[0].sint = d->v->phases[d->v->nr_phases - 2].timers[0].sint;
	p->timers[0].no_auto = d->v->phases[d->v->nr_phases - 2].timers[0].no_auto;
	host_does(p, percent(d, 50) ? H_STEP_HIDDEN : H_SET_CLOCK, (int64_t)arms * us / 1000);
}

static void h_page_off_ahead(struct dice *d)
{
	unsigned int ms = roll(d, 4, 20);
	struct phase *p;

	if (!d->page)
		return;
	p = named(rest_phase(d), "stale copy of the tsc page, still right");
	p->clock = CLK_STALE;
	p = lagging(d->v, storm_ms(d, roll(d, 150, 1500)), 0, ms * 600);
	named(p, "page off, kvmclock ahead");
	host_does(p, H_KVMCLOCK_MOVE, ms);
	p->guest = G_PAGE_OFF;
	d->page = false;
}

static void h_behind_but_fast(struct dice *d)
{
	struct phase *p = scenario_phase(d->v, storm_ms(d, roll(d, 150, 1500)),
					 "guest clock behind, and fast");

	p->lag_ref = roll(d, 20, 60) * 10000ll;
	p->rate_ppm = roll(d, 30000, 100000);
	p->clock = CLK_RAW;
	one_shot(p, 0, POL_NOW, 8000);
}

static void h_master_clock(struct dice *d)
{
	host_does(named(rest_phase(d), "master clock updated"), H_MASTER_CLOCK, 0);
}

static episode *const any_vcpu[] = { h_short_deadlines, h_lag_retry, h_replay,
				     h_chopped,		h_throttled, h_preempt_replay,
				     h_other_crystal,	h_idle };
static episode *const first_vcpu[] = {
	h_mixed_reads,	h_config_between, h_lag_below_period, h_hidden_step,
	h_step_backlog, h_page_off_ahead, h_behind_but_fast,  h_master_clock,
};

void host_episode(struct dice *d, bool first)
{
	if (first && percent(d, 60))
		first_vcpu[roll(d, 0, ARRAY_SIZE(first_vcpu) - 1)](d);
	else
		any_vcpu[roll(d, 0, ARRAY_SIZE(any_vcpu) - 1)](d);
}

/* --- the host --- */

static void slew(struct dice *d, int64_t from, int64_t to, int ppm)
{
	struct trace_opts *o = &d->sc->trace;

	o->slews[o->nr_slews++] = (struct gen_slew){ from, to, percent(d, 50) ? ppm : -ppm };
}

/* NTP, chrony, or a clock that is wrong all the time. */
static void slew_clock(struct dice *d)
{
	int64_t from = T0 + roll(d, 200, 4000) * 1000000ll;

	if (d->sc->trace.slew_ppm)
		return;
	if (percent(d, 15))
		slew(d, from, from + roll(d, 1, 8) * 1000000000ll, roll(d, 100, 500));
	else if (percent(d, 6))
		slew(d, from, from + roll(d, 300, 3000) * 1000000ll, roll(d, 1000, 100000));
	else if (percent(d, 4))
		slew(d, 0, INT64_MAX, roll(d, 30000, 33000));
}

void host_habits(struct dice *d)
{
	struct trace_opts *o = &d->sc->trace;

	if (d->sc->speed == 1 && percent(d, 60))
		d->sc->percent = 66;
	d->sc->preemptible = percent(d, 50);
	if (o->clock == CLOCK_MONO || o->clock == CLOCK_BOOT)
		slew_clock(d);
	if (o->clock == CLOCK_LOCAL && percent(d, 40))
		o->cpu_apart_ns = roll(d, 350, 900) * 1000ll;
	if (percent(d, 50))
		o->formats = EV_BIT(MSR) | EV_BIT(ENTRY) | EV_BIT(EXIT) | EV_BIT(SWITCH);
}

/* It gets other thread ids in the trace. */
static bool changes_process(const struct scenario_vm *vm)
{
	for (unsigned int i = 0; i < vm->vcpus[0].nr_phases; i++)
		for (int k = 0; k < GEN_MAX_ACTIONS; k++) {
			enum host_action kind = vm->vcpus[0].phases[i].host[k].kind;

			if (kind == H_MIGRATE || kind == H_HIBERNATE)
				return true;
		}
	return false;
}

/* VM 1 comes with VM 0's thread ids when that has ended. */
static void ids_again(struct dice *d)
{
	struct scenario_vm *a = &d->sc->vms[0], *b;
	int64_t longest = 0;

	for (unsigned int k = 0; k < a->nr_vcpus; k++) {
		struct scenario_vcpu *v = &a->vcpus[k];
		int64_t ns;

		v->nr_phases--; /* the one without end */
		ns = scenario_vcpu_ns(v);
		longest = ns > longest ? ns : longest;
	}
	a->ends = true;
	b = scenario_add_vm(d->sc, a->nr_vcpus);
	b->start_ns = longest + 3000000000ll;
	b->age_ns = 0;
	b->reuses = 1;
	for (unsigned int k = 0; k < b->nr_vcpus; k++)
		healthy(&b->vcpus[k], 1500);
	b->vcpus[0].phases[0].guest = G_PAGE_ON;
	b->vcpus[0].phases[0].clock = CLK_PAGE;
	d->sc->max_ns = b->start_ns + 1400000000;
}

static void alike(struct dice *d)
{
	struct scenario_vm *vms = d->sc->vms;

	for (unsigned int m = 1; m < d->sc->nr_vms; m++)
		vms[m].age_ns = vms[0].age_ns + vms[0].start_ns - vms[m].start_ns +
				m * roll(d, 60, 400) * 1000ll;
}

void host_neighbours(struct dice *d)
{
	struct trace_opts *o = &d->sc->trace;

	if (d->sc->nr_vms > 1 && percent(d, 20) && d->sc->vms[0].age_ns)
		alike(d);
	if (d->sc->nr_vms == 1 && percent(d, 4) && !changes_process(d->sc->vms))
		ids_again(d);
	if (percent(d, 4))
		o->lost[o->nr_lost++] = (struct gen_lost){
			.cpu = roll(d, 0, o->cpus - 1),
			.to = T0 + roll(d, 300, 1500) * 1000000ll,
			.counted = percent(d, 50),
			.silent = percent(d, 50),
		};
}
