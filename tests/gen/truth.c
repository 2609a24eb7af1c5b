/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The truth beside a trace. Storms by the base rule: past-due arms of one timer belong together
 * while at most 8 arms ahead and at most 200 ms lie between two of them; 64 are a storm if they are
 * at least 80 % of the arms. Near either limit, a group is only allowed to be reported.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "truth_private.h"

#define MAX_AHEAD      8
#define MAX_QUIET_NS   200000000ll
#define REQUIRED_ARMS  80
#define ALLOWED_ARMS   48
#define REQUIRED_SHARE 0.85
#define SHORT_REF      30      /* past due by less for the time that programming takes */
#define HARM_NS	       1200000 /* surely long enough to matter */
#define LATE_NS	       60000000
#define FOLLOW_NS      1000000000
#define CLEAR_HEADROOM 500  /* ref units; an arm ahead by less is as good as past due */
#define RATE_ARMS      400  /* clearly ahead, to show a rate */
#define CLEAR_GROWTH   1000 /* ref units by which a skew must have grown to be called growing */

/* --- bookkeeping --- */

static void *grow(struct truth *t, void **array, unsigned int *n, size_t size)
{
	void *p = *array;

	if (!(*n & (*n - 1)))
		p = realloc(*array, size * (*n ? *n * 2 : 1));
	if (!p) {
		t->failed = true;
		return NULL;
	}
	*array = p;
	memset((char *)p + size * *n, 0, size);
	return (char *)p + size * (*n)++;
}

#define GROW(t, what) grow(t, (void **)&(t)->what, &(t)->nr_##what, sizeof(*(t)->what))

static char *beside(const char *dat, const char *suffix)
{
	size_t n = strlen(dat);
	char *p;

	if (n > 4 && !strcmp(dat + n - 4, ".dat"))
		n -= 4;
	return asprintf(&p, "%.*s%s", (int)n, dat, suffix) < 0 ? NULL : p;
}

static void print_meta(struct truth *t)
{
	static const char *const variants[] = { "trace-only", "stock", "padding" };

	fprintf(t->jsonl,
		"{\"type\":\"meta\",\"scenario\":\"%s\",\"nvm\":%u,\"tsc_khz\":%llu,\"variant\":\"%"
		"s\"}\n",
		t->sc->name, t->sc->nr_vms, GEN_TSC_KHZ, variants[t->sc->host]);
}

struct truth *truth_new(const struct scenario *sc, const char *dat_path)
{
	struct truth *t = calloc(1, sizeof(*t));
	char *path = beside(dat_path, ".truth.jsonl");

	if (t && path) {
		t->sc = sc;
		t->expected_path = beside(dat_path, ".expected.json");
		t->jsonl = fopen(path, "w");
	}
	free(path);
	if (t && (!t->expected_path || !t->jsonl)) {
		truth_free(t);
		return NULL;
	}
	if (t)
		print_meta(t);
	return t;
}

void truth_free(struct truth *t)
{
	if (!t)
		return;
	for (unsigned int i = 0; i < t->nr_timers; i++)
		free(t->timers[i]);
	free(t->timers);
	free(t->storms);
	free(t->steps);
	free(t->transitions);
	free(t->rates);
	free(t->expected_path);
	if (t->jsonl)
		fclose(t->jsonl);
	free(t);
}

static int64_t ns_of(const struct vcpu *v, int64_t t)
{
	return trace_ns(v->sim->trace, t);
}

static struct truth_timer *timer_of(struct vcpu *v, int i)
{
	struct truth *t = v->sim->truth;
	struct truth_timer *tt = v->timers[i].truth, **slot;

	if (tt)
		return tt;
	tt = calloc(1, sizeof(*tt));
	slot = tt ? GROW(t, timers) : NULL;
	if (!slot) {
		free(tt);
		t->failed = true;
		return NULL;
	}
	*slot = tt;
	tt->vm = v->vm->index;
	tt->vcpu = v->id;
	tt->tid = v->tid;
	tt->timer = i;
	v->timers[i].truth = tt;
	return tt;
}

/* --- arms and storms --- */

/* A guest that waits for its target goes through all those that it missed when its clock jumps. */
static bool missed_ticks(const struct vcpu *v, int i)
{
	const struct phase *p = vcpu_phase(v);
	bool own = v->clock == CLK_STALE || v->clock == CLK_RAW;
	int64_t now = own ? (v->now + v->clock_off) / REF_NS : (int64_t)ref_now(v->vm, v->now);

	return p->timers[i].policy == POL_RETRY &&
	       now - p->lag_ref >= (int64_t)v->timers[i].count + p->timers[i].period_ref;
}

/* What a past-due arm of this timer in this phase is part of, if it is part of anything. */
static unsigned int kind_now(const struct vcpu *v, int i)
{
	const struct phase *p = vcpu_phase(v);
	const struct timer_cfg *c = &p->timers[i];

	if (c->policy == POL_PREV || missed_ticks(v, i))
		return KIND_BACKLOG;
	if (c->policy == POL_FIXED)
		return KIND_GROWING | KIND_CONSTANT; /* a clock that stands, or one that lags far */
	if (p->rate_ppm > 0)
		return KIND_GROWING | KIND_CONSTANT; /* behind, and catching up */
	return p->rate_ppm < 0 ? KIND_GROWING : KIND_CONSTANT;
}

/* Past due for no other reason than that its deadline was shorter than its programming takes. */
static bool short_deadline(const struct vcpu *v, int i)
{
	const struct timer_cfg *c = &vcpu_phase(v)->timers[i];

	return c->past_by_ref < 0 && c->past_every == 1;
}

/* Whether pauses and breaths break the storm up, in pieces that are one episode. */
static bool broken_up(const struct phase *p)
{
	return p->throttle_ns || p->breath_arms;
}

static void run_ends(struct group *g)
{
	if (g->run > g->best) {
		g->best = g->run;
		g->best_first = g->run_first;
		g->best_last = g->last;
	}
	g->run = 0;
}

/* A clock that runs away slowly under a large lag can as well be called constant. */
static unsigned int storm_kinds(const struct group *g)
{
	if (!g->one_kind)
		return ANY_KIND;
	if (g->kinds == KIND_GROWING && ((g->skew_max - g->skew_first) * 2 < g->skew_max ||
					 g->skew_max - g->skew_first < CLEAR_GROWTH))
		return KIND_GROWING | KIND_CONSTANT;
	return g->kinds;
}

static void group_ends(struct truth *t, struct truth_timer *tt)
{
	struct group *g = &tt->g;
	struct storm *s;

	run_ends(g);
	if (g->past >= ALLOWED_ARMS && (s = GROW(t, storms))) {
		s->g = *g;
		s->vcpu = tt->vcpu;
		s->tid = tt->tid;
		s->timer = tt->timer;
		s->required = g->past >= REQUIRED_ARMS && g->past >= REQUIRED_SHARE * g->total &&
			      !g->broken_up && !g->short_ones && g->last - g->first >= HARM_NS;
		s->kinds = storm_kinds(g);
	}
	memset(g, 0, sizeof(*g));
}

/* While the vCPU is kept off its CPU nothing can come: that time does not separate. */
static bool ends_group(const struct vcpu *v, struct group *g, int64_t ns)
{
	if (!g->past || (g->broken_up && g->phase == vcpu_phase(v)->name))
		return false;
	if (g->ahead > MAX_AHEAD || ns - g->last - (v->off_ns - g->off_ns) > MAX_QUIET_NS)
		return true;
	g->broken_up |= ns - g->last > MAX_QUIET_NS;
	return false;
}

static void past_arm(struct vcpu *v, struct truth_timer *tt, int64_t ns, uint64_t skew)
{
	struct group *g = &tt->g;
	unsigned int kind = kind_now(v, tt->timer);
	bool page_off = v->vm->page_known && (!v->vm->page_set || v->vm->page_broken);

	if (ends_group(v, g, ns))
		group_ends(v->sim->truth, tt);
	if (!g->past) {
		g->ahead = 0;
		g->first = ns;
		g->kinds = kind;
		g->one_kind = g->page_off = true;
		g->broken_up = broken_up(vcpu_phase(v));
		g->skew_first = skew;
		g->phase = vcpu_phase(v)->name;
	}
	if (!g->run++)
		g->run_first = ns;
	g->short_ones |= short_deadline(v, tt->timer);
	g->past++;
	g->total += g->ahead + 1;
	g->ahead = 0;
	g->last = ns;
	g->off_ns = v->off_ns;
	g->one_kind &= g->kinds == kind && g->phase == vcpu_phase(v)->name;
	g->page_off &= page_off;
	g->skew_max = skew > g->skew_max ? skew : g->skew_max;
}

void truth_arm(struct vcpu *v, int timer, bool past, uint64_t time_now, uint64_t count,
	       bool visible)
{
	struct truth_timer *tt = timer_of(v, timer);

	if (!tt || !visible || v->phase < 0)
		return;
	if (v->timers[timer].host_wrote) { /* the VMM's doing, not an arm of the guest's */
		tt->restored++;
		return;
	}
	tt->arms++;
	if (past) {
		tt->past_due++;
		v->sim->truth->start_expired_seen += v->sim->sc->host != HOST_STOCK;
		if (short_deadline(v, timer) && time_now - count < SHORT_REF)
			return;
		v->sim->truth->behind +=
			vcpu_phase(v)->lag_ref > 0 && !(kind_now(v, timer) & KIND_BACKLOG);
		past_arm(v, tt, ns_of(v, v->now), time_now - count);
		return;
	}
	v->ahead += count - time_now >= CLEAR_HEADROOM;
	tt->g.ahead++;
	if (tt->g.run)
		run_ends(&tt->g);
}

void truth_periodic(struct vcpu *v, int timer)
{
	struct truth_timer *tt = timer_of(v, timer);

	if (tt)
		tt->periodic = true;
}

void truth_preempted(struct vcpu *v)
{
	v->sim->truth->preempted++;
}

/* --- clocks --- */

void truth_sample(struct vm *vm, int64_t t, bool always)
{
	struct truth *truth = vm->sim->truth;
	int64_t ns = trace_ns(vm->sim->trace, t);

	for (unsigned int i = truth->nr_steps; i--;) {
		struct step *s = &truth->steps[i];

		if (s->vm != vm->index)
			continue;
		if (!s->to)
			s->to = ns;
		if (always && !s->to_always)
			s->to_always = ns;
		s->samples++;
		break;
	}
	truth->last_sample[vm->index] = ns;
}

void truth_step(struct vm *vm, int64_t t, int64_t ns, const char *action)
{
	struct truth *truth = vm->sim->truth;
	struct step *s = NULL;

	if (!ns)
		return;
	for (unsigned int i = 0; i < truth->nr_timers; i++) {
		struct truth_timer *tt = truth->timers[i];

		if (tt->vm == vm->index && trace_ns(vm->sim->trace, t) - tt->g.last < MAX_QUIET_NS)
			tt->g.one_kind = false;
	}
	for (unsigned int i = truth->nr_steps; i-- && !s;)
		if (truth->steps[i].vm == vm->index)
			s = &truth->steps[i];
	if (s && !s->to) { /* nothing was seen between the two */
		s->ns += ns;
		return;
	}
	s = GROW(truth, steps);
	if (!s)
		return;
	s->vm = vm->index;
	s->from = truth->last_sample[vm->index];
	s->first = !s->from;
	if (s->first)
		s->from = trace_ns(vm->sim->trace, t);
	s->ns = ns;
	s->action = action;
}

static const char *clock_list(enum guest_clock c)
{
	switch (c) {
	case CLK_MSR:
		return "[\"reference_counter\", \"tsc_page_disabled\"]";
	case CLK_RAW:
		return "[\"raw_tsc\", \"tsc_page_disabled\"]";
	case CLK_STALE:
		return "[\"tsc_page\", \"raw_tsc\", \"tsc_emulated\"]";
	case CLK_PAGE:
		return "[\"tsc_page\"]";
	default:
		return "[\"unknown\"]";
	}
}

/* Whether all that shows a change is in the file. */
static bool change_shows(const struct vcpu *v, enum guest_clock from, enum guest_clock to)
{
	const struct trace *tr = v->sim->trace;
	uint64_t events = 0;

	for (unsigned int i = 0; i < v->sim->sc->trace.nr_buffers; i++)
		events |= v->sim->sc->trace.buffers[i].events;
	if (!(events & EV_BIT(MSR)))
		return false;
	for (int64_t ms = -5; ms < 40; ms++)
		if (trace_is_lost(tr, v->cpu, v->now + ms * 1000000))
			return false;
	return from != CLK_STALE && to != CLK_STALE && from != CLK_VM;
}

static const char *need_of(const struct vcpu *v, enum guest_clock from, enum guest_clock to,
			   bool page_write)
{
	const struct timer_cfg *c;

	if (from == to || from == CLK_VM)
		return "allowed";
	c = &vcpu_phase(v)->timers[0];
	if (to == CLK_RAW && c->used && c->policy == POL_PREV)
		return "allowed"; /* such arms need no clock: which one it is does not show */
	if (change_shows(v, from, to) && (page_write || v->vm->page_broken) && !v->id)
		return "required";
	return from == CLK_PAGE && to == CLK_RAW ? "silent" : "allowed";
}

static struct transition *add_transition(struct vcpu *v, const struct phase *p,
					 enum guest_clock from, enum guest_clock to,
					 bool page_write)
{
	struct transition *x = GROW(v->sim->truth, transitions);

	if (!x)
		return NULL;
	x->late = LATE_NS;
	x->vcpu = v->id;
	for (unsigned int k = 0; k < v->vm->sc->nr_vcpus; k++)
		x->tids[x->nr_tids++] = v->vm->vcpus[k].tid;
	x->need = need_of(v, from, to, page_write);
	x->ts = ns_of(v, v->vm->vcpus[0].now > v->now ? v->vm->vcpus[0].now : v->now);
	x->from = from == to ? NULL : clock_list(from);
	x->to = from == to ? NULL : clock_list(to);
	x->phase = p->name;
	return x;
}

/*
 * The other vCPUs of a VM follow the first; without a page to go by, that shows only at arms that
 * need a clock.
 */
static void add_followers(struct vcpu *v, const struct phase *p, enum guest_clock to)
{
	for (unsigned int k = 1; k < v->vm->sc->nr_vcpus; k++) {
		struct transition *x = add_transition(&v->vm->vcpus[k], p, to, to, false);

		if (x && to != CLK_PAGE)
			x->late = FOLLOW_NS;
	}
}

static bool clock_touched(const struct phase *p)
{
	return p->host[0].kind || (p->guest & ~(unsigned int)G_ALL_EVENTS) || p->lag_ref ||
	       p->rate_ppm;
}

static void print_timers(FILE *f, const struct phase *p)
{
	static const char *const policies[] = { "next=now+period", "next=prev_target+period",
						"retry_same_target_until_reached", "fixed",
						"next_multiple_of_period" };
	const char *sep = "";

	for (int i = 0; i < NR_TIMERS; i++) {
		const struct timer_cfg *c = &p->timers[i];

		if (!c->used)
			continue;
		fprintf(f,
			"%s{\"timer\":%d,\"mode\":\"%s\",\"policy\":\"%s\",\"period_100ns\":%lld,"
			"\"delivery\":\"%s\","
			"\"continue\":%d,\"past_every\":%u,\"past_by_100ns\":%lld,\"reprograms_"
			"timer\":%d,"
			"\"auto_enable\":%d,\"sint\":%d,\"hold_us\":%lld}",
			sep, i, c->periodic ? "periodic" : "one-shot",
			c->periodic ? "-" : policies[c->policy], (long long)c->period_ref,
			c->message ? "message" : "direct", c->keep, c->past_every,
			(long long)c->past_by_ref, c->reprograms, !c->no_auto,
			c->message ? c->sint : -1, (long long)c->hold_ns / 1000);
		sep = ",";
	}
}

static void print_guest_actions(FILE *f, unsigned int what)
{
	static const char *const names[] = {
		"tsc_page_on",
		"tsc_page_off",
		"tsc_page_move",
		"reenlightenment_on",
		"reenlightenment_off",
		"emulation_status_read",
		"sint_mask",
		"sint_unmask",
		"simp_off",
		"simp_on",
		"every_event",
		"time_restore",
	};
	const char *sep = "";

	for (unsigned int i = 0; i < ARRAY_SIZE(names); i++) {
		if (!(what & 1u << i))
			continue;
		fprintf(f, "%s{\"action\":\"%s\"}", sep, names[i]);
		sep = ",";
	}
}

static const char *clock_word(enum guest_clock c)
{
	static const char *const words[] = { "vm", "tsc_page", "refcount_msr", "raw_tsc",
					     "stale_page" };

	return words[c];
}

/* The guest goes by a copy of the clock that has since been moved on. */
static bool copy_is_behind(const struct vcpu *v, enum guest_clock clock)
{
	int64_t own = (v->now + v->clock_off) / REF_NS;

	return (clock == CLK_STALE || clock == CLK_RAW) && (int64_t)ref_now(v->vm, v->now) > own;
}

void truth_phase(struct vcpu *v, const struct phase *p, enum guest_clock from, enum guest_clock to,
		 bool page_write)
{
	struct truth *t = v->sim->truth;

	t->lag |= p->lag_ref > 0 || copy_is_behind(v, to);
	t->rate |= p->rate_ppm != 0;
	v->ahead = 0;
	if (from != to || clock_touched(p) || (v->phase && clock_touched(p - 1)))
		add_transition(v, p, from, to, page_write);
	if ((page_write || from != to) && !v->id)
		add_followers(v, p, to);
	fprintf(t->jsonl,
		"{\"pid\":%d,\"type\":\"phase_start\",\"mono_ns\":%lld,\"vm\":%d,\"vcpu\":%d,"
		"\"tid\":%d,"
		"\"phase\":%d,\"name\":\"%s\",\"clock\":\"%s\",\"guest_lag_100ns\":%lld,\"raw_"
		"scale_ppm\":%d,"
		"\"halt\":%d,\"secs\":%.3f,\"refcount\":%llu,\"counter_percent\":%u,"
		"\"timers\":[",
		v->vm->pid, (long long)ns_of(v, v->now), v->vm->index, v->id, v->tid, v->phase,
		p->name, clock_word(to), (long long)p->lag_ref, p->rate_ppm, !p->spin, p->ns / 1e9,
		(unsigned long long)ref_now(v->vm, v->now), p->counter_percent);
	print_timers(t->jsonl, p);
	fprintf(t->jsonl, "],\"guest_actions\":[");
	print_guest_actions(t->jsonl, p->guest);
	fprintf(t->jsonl, "]}\n");
}

/* A rate shows where arms ahead are many and what it adds up to is far more than the noise. */
void truth_phase_end(struct vcpu *v, const struct phase *p, int64_t start)
{
	struct truth *t = v->sim->truth;
	int64_t span = v->now - start;
	struct rate *r;

	fprintf(t->jsonl,
		"{\"pid\":%d,\"type\":\"phase_end\",\"mono_ns\":%lld,\"vm\":%d,\"vcpu\":%d,"
		"\"phase\":%d,"
		"\"name\":\"%s\"}\n",
		v->vm->pid, (long long)ns_of(v, v->now), v->vm->index, v->id, v->phase, p->name);
	if (!p->rate_ppm || v->ahead < RATE_ARMS ||
	    span / 1000000 * llabs((long long)p->rate_ppm) < 2000000)
		return;
	r = GROW(t, rates);
	if (r)
		*r = (struct rate){ v->id, v->tid, p->rate_ppm, ns_of(v, start), ns_of(v, v->now) };
}

void truth_host_action(struct vcpu *v, const char *action, int64_t from, int64_t to, int64_t value)
{
	fprintf(v->sim->truth->jsonl,
		"{\"pid\":%d,\"type\":\"host_action\",\"mono_ns\":%lld,\"mono_ns_end\":%lld,"
		"\"vm\":%d,\"vcpu\":%d,\"action\":\"%s\",\"value\":%lld}\n",
		v->vm->pid, (long long)ns_of(v, from), (long long)ns_of(v, to), v->vm->index, v->id,
		action, (long long)value);
}

int truth_close(struct truth *t, struct sim *sim)
{
	int rc;

	for (unsigned int i = 0; i < t->nr_timers; i++)
		if (t->timers[i]->g.past)
			group_ends(t, t->timers[i]);
	fprintf(t->jsonl, "{\"type\":\"end\",\"mono_ns\":%lld}\n",
		(long long)trace_ns(sim->trace, sim->end));
	rc = t->failed ? -ENOMEM : expected_write(t, sim);
	if (fflush(t->jsonl) && !rc)
		rc = -errno;
	truth_free(t);
	return rc;
}

/* --- faults --- */

#define TURNS_MIN   64
#define LOST_MIN_NS 110000000 /* what is reported, and some slack */

void truth_fault(struct vcpu *v, enum truth_fault fault)
{
	v->sim->truth->faults |= 1u << fault;
}

void truth_timer_heard_of(struct vcpu *v, int timer, int64_t t)
{
	int64_t *lost_at = &v->timers[timer].lost_at;

	if (*lost_at != NEVER && t - *lost_at >= LOST_MIN_NS)
		truth_fault(v, FAULT_LOST);
	*lost_at = NEVER;
}

void truth_turn(struct vcpu *v, int timer)
{
	if (++v->timers[timer].turns == TURNS_MIN)
		truth_fault(v, FAULT_LIVELOCK);
}
