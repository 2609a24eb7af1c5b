/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Random scenarios: any host, any guests, episodes of all kinds with healthy stretches between
 * them. What must be found in them follows from what then happens, not from what was meant.
 */
#include "array.h"
#include "random.h"

bool percent(struct dice *d, unsigned int n)
{
	return rng_next(d->rng) % 100 < n;
}

unsigned int roll(struct dice *d, unsigned int lo, unsigned int hi)
{
	return rng_range(d->rng, lo, hi);
}

unsigned int tick_us(struct dice *d)
{
	static const unsigned int usual[] = { 1000, 2000, 4000, 7812, 10000, 15625 };

	return usual[roll(d, 0, 5)];
}

unsigned int storm_ms(struct dice *d, unsigned int arms)
{
	return arms * d->cost_us / 1000 + 8;
}

static unsigned int storm_arms(struct dice *d)
{
	return roll(d, 150, 2500);
}

static void spice(struct dice *d, struct phase *p)
{
	struct timer_cfg *c = &p->timers[0];

	p->spin = percent(d, 20);
	if (percent(d, 25)) {
		c->message = true;
		c->sint = 2 + roll(d, 0, 1);
	}
	c->no_auto = percent(d, 15);
	if (percent(d, 15))
		one_shot(p, 1 + roll(d, 0, 1), POL_NOW, tick_us(d) + 333);
	if (percent(d, 15))
		periodic(p, 3, tick_us(d) + 1500);
}

struct phase *rest_phase(struct dice *d)
{
	struct phase *p = healthy(d->v, roll(d, 400, 900));

	one_shot(p, 0, percent(d, 70) ? POL_NOW : POL_PREV, tick_us(d));
	spice(d, p);
	return p;
}

/* The page on again, if an episode took it away. */
static void page_back(struct dice *d)
{
	struct phase *p;

	if (d->page || percent(d, 30))
		return;
	p = page_on(d->v, roll(d, 400, 900));
	one_shot(p, 0, POL_NOW, tick_us(d));
	d->page = true;
}

/* --- episodes that any vCPU can have --- */

static unsigned int backlog_us(struct dice *d)
{
	return 1000 + 4 * d->cost_us + roll(d, 0, 3000);
}

static void e_backlog(struct dice *d)
{
	unsigned int us = backlog_us(d), arms = storm_arms(d);
	struct phase *p = backlog(d->v, storm_ms(d, arms) + 400, 0, us);

	p->timers[0].behind_ref = arms * (us - d->cost_us) * 10ll;
	p->timers[0].message = percent(d, 20);
}

static void e_burst(struct dice *d)
{
	unsigned int us = backlog_us(d);
	struct phase *p = backlog(d->v, 400, 0, us);

	snprintf(p->name, sizeof(p->name), "a few targets behind");
	p->timers[0].behind_ref = (int64_t)roll(d, 2, 60) * (us - d->cost_us) * 10ll;
}

static void e_constant(struct dice *d)
{
	unsigned int lag = roll(d, 20, 80);
	struct phase *p =
		lagging(d->v, storm_ms(d, storm_arms(d)), lag, 1000 * roll(d, 4, lag - 6));

	if (percent(d, 40))
		p->timers[0].policy = POL_NOW;
	else if (percent(d, 40))
		p->timers[0].jitter = 1;
	p->timers[0].message = percent(d, 20);
}

static void e_isolated(struct dice *d)
{
	struct phase *p = rest_phase(d);

	snprintf(p->name, sizeof(p->name), "isolated past-due arms");
	p->timers[0].policy = POL_NOW;
	p->timers[0].past_every = roll(d, 12, 60);
	p->timers[0].past_by_ref = percent(d, 50) ? -3 : (int)roll(d, 100, 40000);
}

static void e_leads(struct dice *d)
{
	struct phase *p = rest_phase(d);

	snprintf(p->name, sizeof(p->name), "guest clock leads");
	p->lag_ref = -(int64_t)roll(d, 20000, 400000);
}

static void e_preempted(struct dice *d)
{
	struct phase *p = rest_phase(d);

	snprintf(p->name, sizeof(p->name), "preempted");
	p->preempt_every = roll(d, 20, 60);
	p->preempt_ns = roll(d, 1000, 20000) * 1000ll;
}

static void e_restarts(struct dice *d)
{
	struct phase *p = rest_phase(d);

	p->restart_every = roll(d, 3, 20);
	if (p->timers[1].used)
		p->timers[1].reprograms = 0;
}

static void e_busy(struct dice *d)
{
	struct phase *p = scenario_phase(d->v, roll(d, 400, 800), "busy message slot");

	if (p->clock == CLK_STALE || p->clock == CLK_RAW)
		p->clock = CLK_VM;
	one_shot(p, 0, POL_NOW, 10000)->message = true;
	one_shot(p, 1, POL_NOW, 7000)->message = true;
	p->timers[0].sint = p->timers[1].sint = 2;
	p->timers[0].hold_ns = roll(d, 500, 4000) * 1000ll;
}

/* --- episodes of the VM's first vCPU: the page, the clocks, the VMM --- */

static struct phase *off_page(struct dice *d, struct phase *p, enum guest_clock clock)
{
	p->guest |= G_PAGE_OFF;
	p->clock = clock;
	d->page = false;
	return p;
}

static void e_counter(struct dice *d)
{
	struct phase *p = rest_phase(d);

	snprintf(p->name, sizeof(p->name), "page off, reference counter");
	off_page(d, p, CLK_MSR);
}

static void e_raw(struct dice *d)
{
	struct phase *p = rest_phase(d);

	snprintf(p->name, sizeof(p->name), "page off, raw tsc");
	off_page(d, p, CLK_RAW);
}

static void e_resume(struct dice *d)
{
	unsigned int us = backlog_us(d), arms = storm_arms(d);
	int64_t ms = (int64_t)arms * us / 1000;
	struct phase *p = backlog(d->v, storm_ms(d, arms) + 400, 0, us);

	snprintf(p->name, sizeof(p->name), "resume: page off, clock moved, targets lag");
	if (percent(d, 60))
		host_does(p, H_HOLD, roll(d, 50, 300));
	host_does(p, H_PAGE_OFF, 0);
	host_does(p, H_TSC_MOVE, ms);
	host_does(p, H_SET_CLOCK, ms);
	p->timers[0].keep = true;
	off_page(d, p, CLK_MSR);
}

static void e_off_constant(struct dice *d)
{
	e_constant(d);
	off_page(d, &d->v->phases[d->v->nr_phases - 1], CLK_MSR);
}

static void e_held(struct dice *d)
{
	unsigned int us = backlog_us(d), arms = storm_arms(d) / 2;
	struct phase *p = backlog(d->v, 500, 0, us);

	p = backlog(d->v, storm_ms(d, arms) + 400, 0, us);
	snprintf(p->name, sizeof(p->name), "held, clock runs on");
	p->timers[0].keep = true;
	host_does(p, H_HOLD, (int64_t)arms * us / 1000);
}

static void e_set_clock(struct dice *d)
{
	struct phase *p = rest_phase(d);

	snprintf(p->name, sizeof(p->name), "KVM_SET_CLOCK");
	host_does(p, H_SET_CLOCK, percent(d, 50) ? (int)roll(d, 2, 200) : -(int)roll(d, 2, 200));
}

static void e_stop(struct dice *d)
{
	struct phase *p = rest_phase(d);

	snprintf(p->name, sizeof(p->name), "stop and continue");
	host_does(p, H_STOP_CONT, roll(d, 50, 900));
}

static void e_restore(struct dice *d)
{
	struct phase *p = rest_phase(d);

	snprintf(p->name, sizeof(p->name), "stimer msrs written back by the host");
	host_does(p, H_RESTORE_MSRS, 0);
}

static void e_stale(struct dice *d)
{
	unsigned int ms = roll(d, 12, 40);
	struct phase *p;

	if (!d->page)
		return;
	p = rest_phase(d);
	p->clock = CLK_STALE;
	snprintf(p->name, sizeof(p->name), "stale copy of the tsc page, still right");
	p = scenario_phase(d->v, storm_ms(d, storm_arms(d)),
			   "stale copy of the tsc page, clock moved");
	one_shot(p, 0, POL_RETRY, ms * 500);
	host_does(p, H_SET_CLOCK, ms);
}

static void e_silent(struct dice *d)
{
	struct phase *p;

	e_constant(d);
	p = &d->v->phases[d->v->nr_phases - 1];
	snprintf(p->name, sizeof(p->name), "raw tsc, behind, page as it was");
	p->clock = CLK_RAW;
}

static void e_slow(struct dice *d)
{
	int ppm = roll(d, 5000, 30000);
	unsigned int us = 2000, until_ms = us * 1000 / ppm;

	slow_clock(d->v, until_ms + storm_ms(d, storm_arms(d)), -ppm, us);
}

static void e_frozen(struct dice *d)
{
	struct phase *p;

	if (!d->page)
		return;
	p = rest_phase(d);
	p->guest = G_REENLIGHT_ON;
	snprintf(p->name, sizeof(p->name), "re-enlightenment on");
	p = rest_phase(d);
	snprintf(p->name, sizeof(p->name), "tsc moved under a frozen page");
	host_does(p, H_TSC_MOVE, roll(d, 5, 100));
	p = rest_phase(d);
	p->guest = G_REENLIGHT_OFF | G_PAGE_ON;
	p->clock = CLK_PAGE;
	snprintf(p->name, sizeof(p->name), "re-enlightenment off, tsc page again");
}

static void e_broken(struct dice *d)
{
	struct phase *p;

	if (!d->page)
		return;
	p = rest_phase(d);
	p->clock = CLK_VM;
	snprintf(p->name, sizeof(p->name), "no master clock, page broken");
	host_does(p, H_BREAK_PAGE, 0);
	page_on(d->v, roll(d, 400, 800));
}

static void e_moves(struct dice *d)
{
	struct phase *p;

	if (!d->page)
		return;
	p = rest_phase(d);
	p->guest = G_PAGE_MOVE;
	snprintf(p->name, sizeof(p->name), "tsc page moved");
}

static void e_new_process(struct dice *d)
{
	struct phase *p;

	if (!d->page)
		return;
	p = page_on(d->v, roll(d, 500, 900));
	p->guest = percent(d, 50) ? 0 : G_PAGE_ON;
	snprintf(p->name, sizeof(p->name), "goes on in a new process");
	host_does(p, p->guest ? H_HIBERNATE : H_MIGRATE, roll(d, 100, 600));
}

/* --- phases of the vCPUs --- */

static episode *const any_vcpu[] = {
	e_backlog,  e_backlog, e_burst,	    e_constant, e_constant,
	e_isolated, e_leads,   e_preempted, e_restarts, e_busy,
};
static episode *const first_vcpu[] = {
	e_backlog, e_burst,	e_constant, e_isolated, e_restarts,    e_busy,
	e_counter, e_counter,	e_raw,	    e_resume,	e_resume,      e_off_constant,
	e_held,	   e_set_clock, e_stop,	    e_restore,	e_stale,       e_silent,
	e_slow,	   e_frozen,	e_broken,   e_moves,	e_new_process,
};

int64_t scenario_vcpu_ns(const struct scenario_vcpu *v)
{
	int64_t ns = 0;

	for (unsigned int i = 0; i < v->nr_phases; i++) {
		ns += v->phases[i].ns;
		for (int k = 0; k < GEN_MAX_ACTIONS; k++) {
			enum host_action kind = v->phases[i].host[k].kind;

			if (kind == H_HOLD || kind == H_STOP_CONT || kind == H_MIGRATE ||
			    kind == H_HIBERNATE)
				ns += v->phases[i].host[k].value;
		}
	}
	return ns;
}

static void random_vcpu(struct dice *d, bool first)
{
	unsigned int n = d->plain ? first : first ? roll(d, 2, 4) : roll(d, 1, 3);

	if (!first)
		rest_phase(d);
	else if ((d->page = percent(d, 85)))
		page_on(d->v, roll(d, 400, 900));
	else
		rest_phase(d)->clock = CLK_MSR;
	for (unsigned int i = 0; i < n; i++) {
		if (percent(d, d->plain ? 70 : 35))
			host_episode(d, first);
		else if (first)
			first_vcpu[roll(d, 0, ARRAY_SIZE(first_vcpu) - 1)](d);
		else
			any_vcpu[roll(d, 0, ARRAY_SIZE(any_vcpu) - 1)](d);
		rest_phase(d);
		if (first)
			page_back(d);
	}
	d->ns = scenario_vcpu_ns(d->v);
	healthy(d->v, 3600000); /* until the trace ends */
}

static void random_vms(struct dice *d)
{
	unsigned int nr = d->plain || percent(d, 55) ? 1 : roll(d, 2, 3);
	int64_t longest = 0;

	for (unsigned int m = 0; m < nr; m++) {
		struct scenario_vm *vm = scenario_add_vm(d->sc, percent(d, 50) ? 1 : roll(d, 2, 4));

		if (percent(d, 25) && m == 0)
			vm->age_ns = 15000000000ll;
		for (unsigned int k = 0; k < vm->nr_vcpus; k++) {
			d->v = &vm->vcpus[k];
			random_vcpu(d, !k);
			longest = d->ns > longest ? d->ns : longest;
		}
	}
	d->sc->max_ns = longest + 400000000;
	if (percent(d, 10))
		d->sc->max_ns = longest / 10 * roll(d, 4, 9);
}

static void choose_events(struct dice *d)
{
	uint64_t *events = &d->sc->trace.buffers[0].events;

	if (percent(d, 12))
		*events &= ~(EV_BIT(ENTRY) | EV_BIT(EXIT));
	if (percent(d, 6))
		*events &= ~EV_BIT(MSR);
	if (percent(d, 25))
		*events |= EV_BIT(SWITCH);
	if (percent(d, 10)) {
		d->sc->trace.nr_buffers = 2;
		d->sc->trace.buffers[1] =
			(struct gen_buffer){ "hv", *events & ~(EV_BIT(ENTRY) | EV_BIT(EXIT)) };
		*events &= EV_BIT(ENTRY) | EV_BIT(EXIT) | EV_BIT(EOI) | EV_BIT(SWITCH);
	}
}

static void choose_clock(struct dice *d)
{
	struct trace_opts *o = &d->sc->trace;

	if (percent(d, 45))
		o->clock = roll(d, CLOCK_BOOT, CLOCK_TSC2NSEC);
	else if (percent(d, 15))
		o->slew_ppm = roll(d, 20, 90);
}

static void choose_host(struct dice *d)
{
	static const unsigned int speeds[] = { 1, 2, 4, 10, 30 };
	struct scenario *sc = d->sc;

	sc->host = percent(d, 50) ? HOST_TRACED : percent(d, 50) ? HOST_STOCK : HOST_PADDING;
	sc->trace.kernel = percent(d, 60)   ? KERNEL_6_12
			   : percent(d, 60) ? KERNEL_6_18
					    : KERNEL_OLDER;
	sc->trace.version = percent(d, 25) ? 6 : 7;
	sc->trace.compress = sc->trace.version == 7 && percent(d, 70);
	sc->trace.page_size = percent(d, 80) ? 4096 : 4096u << roll(d, 1, 4);
	sc->trace.odd = percent(d, 20);
	sc->vmx = percent(d, 50);
	sc->speed = speeds[roll(d, 0, 4)];
	sc->noise = roll(d, 50, 150);
	if (percent(d, 30))
		sc->migrate_every = roll(d, 10, 200);
	d->cost_us = (LOOP_NS * sc->speed + 999) / 1000 + (sc->host == HOST_PADDING ? 10 : 0);
}

/* A few ms are lost on some CPU, sometimes. */
static void choose_lost(struct dice *d)
{
	struct trace_opts *o = &d->sc->trace;

	if (!percent(d, 10))
		return;
	o->nr_lost = roll(d, 1, 3);
	for (unsigned int i = 0; i < o->nr_lost; i++) {
		int64_t from = 5000000000ll + rng_range(d->rng, d->sc->max_ns / 10, d->sc->max_ns);

		o->lost[i] = (struct gen_lost){ .cpu = roll(d, 0, o->cpus - 1),
						.from = from,
						.to = from + roll(d, 200, 8000) * 1000ll,
						.counted = percent(d, 70) };
	}
}

struct scenario *scenario_random(struct rng *rng)
{
	struct dice d = { .rng = rng, .sc = scenario_new("random") };

	if (!d.sc)
		return NULL;
	d.plain = percent(&d, 40);
	choose_host(&d);
	choose_clock(&d);
	choose_events(&d);
	host_habits(&d);
	random_vms(&d);
	if (d.sc->migrate_every)
		d.sc->trace.cpus += roll(&d, 1, 4);
	choose_lost(&d);
	host_neighbours(&d);
	return d.sc;
}
