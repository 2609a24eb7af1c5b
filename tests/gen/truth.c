/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The truth beside a trace. Storms by the base rule: past-due arms of one timer belong together while at most 8
 * arms ahead and at most 200 ms lie between two of them; 64 are a storm if they are at least 80 % of the arms.
 * Near either limit, a group is only allowed to be reported.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "truth.h"

#define MAX_AHEAD	8
#define MAX_QUIET_NS	200000000ll
#define REQUIRED_ARMS	80
#define ALLOWED_ARMS	48
#define REQUIRED_SHARE	0.85
#define STEP_MIN_NS	110000
#define STEP_SAMPLES	8
#define CLEAR_HEADROOM	500	/* ref units; an arm ahead by less is as good as past due */
#define RATE_ARMS	400	/* clearly ahead, to show a rate */
#define CLEAR_GROWTH	1000	/* ref units by which a skew must have grown to be called growing for sure */

/* Past-due arms that belong together. */
struct group {
	int64_t first, last;		/* past-due arms, trace ns */
	uint64_t past, total;		/* arms in [first, last] */
	unsigned int ahead;		/* since the last past-due one */
	int64_t run_first;		/* the run of past-due arms going on */
	uint64_t run;
	int64_t best_first, best_last;
	uint64_t best;
	unsigned int kinds;
	bool one_kind;			/* all its arms were of the same */
	bool page_off;			/* the page was, for all to see, not set during all of it */
	uint64_t skew_first, skew_max;	/* ref units */
	const char *phase;
};

struct truth_timer {
	int vm, vcpu, tid, timer;
	uint64_t arms, expired, restored;
	bool periodic;
	struct group g;
};

struct storm {
	struct group g;
	int vcpu, tid, timer;
	bool required;
	unsigned int kinds;
};

struct step {
	int vm;
	int64_t from, to, to_always, ns;
	uint64_t samples;
	bool required;
	const char *action;
};

struct transition {
	int vcpu, nr_tids;
	int tids[GEN_MAX_VCPUS];
	const char *need, *from, *to;	/* JSON lists or null */
	int64_t ts;
	const char *phase;
};

struct rate {
	int vcpu, tid, ppm;
	int64_t from, to;
};

struct truth {
	const struct scenario *sc;
	struct sim *sim;
	FILE *jsonl;
	char *expected_path;
	struct truth_timer **timers;
	unsigned int nr_timers, nr_storms, nr_steps, nr_transitions, nr_rates;
	struct storm *storms;
	struct step *steps;
	struct transition *transitions;
	struct rate *rates;
	int64_t last_sample[GEN_MAX_VMS];
	uint64_t expired_seen, preempted;
	bool lag, rate;			/* some phase's clock lags, runs off */
	bool failed;
};

/* --- bookkeeping ------------------------------------------------------------------------------------- */

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

/* --- arms and storms --------------------------------------------------------------------------------- */

/* What a past-due arm of this timer in this phase is part of, if it is part of anything. */
static unsigned int kind_now(const struct vcpu *v, int i)
{
	const struct phase *p = vcpu_phase(v);
	const struct timer_cfg *c = &p->timers[i];

	if (c->policy == POL_PREV)
		return KIND_BACKLOG;
	if (c->policy == POL_FIXED)
		return KIND_GROWING;
	return p->rate_ppm < 0 ? KIND_GROWING : KIND_CONSTANT;
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
		return KIND_BACKLOG | KIND_CONSTANT | KIND_GROWING;
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
		s->required = g->past >= REQUIRED_ARMS && g->past >= REQUIRED_SHARE * g->total;
		s->kinds = storm_kinds(g);
	}
	memset(g, 0, sizeof(*g));
}

static void past_arm(struct vcpu *v, struct truth_timer *tt, int64_t ns, uint64_t skew)
{
	struct group *g = &tt->g;
	unsigned int kind = kind_now(v, tt->timer);
	bool page_off = v->vm->page_known && (!v->vm->page_set || v->vm->page_broken);

	if (g->past && (g->ahead > MAX_AHEAD || ns - g->last > MAX_QUIET_NS))
		group_ends(v->sim->truth, tt);
	if (!g->past) {
		g->ahead = 0;
		g->first = ns;
		g->kinds = kind;
		g->one_kind = g->page_off = true;
		g->skew_first = skew;
		g->phase = vcpu_phase(v)->name;
	}
	if (!g->run++)
		g->run_first = ns;
	g->past++;
	g->total += g->ahead + 1;
	g->ahead = 0;
	g->last = ns;
	g->one_kind &= g->kinds == kind;
	g->page_off &= page_off;
	g->skew_max = skew > g->skew_max ? skew : g->skew_max;
}

void truth_arm(struct vcpu *v, int timer, bool past, uint64_t time_now, uint64_t count, bool visible)
{
	struct truth_timer *tt = timer_of(v, timer);

	if (!tt || !visible || v->phase < 0)
		return;
	if (v->timers[timer].host_wrote) {	/* the VMM's doing, not an arm of the guest's */
		tt->restored++;
		return;
	}
	tt->arms++;
	if (past) {
		tt->expired++;
		v->sim->truth->expired_seen += v->sim->sc->host != HOST_STOCK;
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

/* --- clocks ------------------------------------------------------------------------------------------ */

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
	for (unsigned int i = truth->nr_steps; i-- && !s;)
		if (truth->steps[i].vm == vm->index)
			s = &truth->steps[i];
	if (s && !s->to) {	/* nothing was seen between the two */
		s->ns += ns;
		return;
	}
	s = GROW(truth, steps);
	if (!s)
		return;
	s->vm = vm->index;
	s->from = truth->last_sample[vm->index];
	if (!s->from)
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

static const char *need_of(const struct vcpu *v, enum guest_clock from, enum guest_clock to, bool page_write)
{
	if (from == to || from == CLK_VM)
		return "allowed";
	if (change_shows(v, from, to) && (page_write || v->vm->page_broken) && !v->id)
		return "required";
	return from == CLK_PAGE && to == CLK_RAW ? "silent" : "allowed";
}

static void add_transition(struct vcpu *v, const struct phase *p, enum guest_clock from, enum guest_clock to,
			   bool page_write)
{
	struct transition *x = GROW(v->sim->truth, transitions);

	if (!x)
		return;
	x->vcpu = v->id;
	for (unsigned int k = 0; k < v->vm->plan->nr_vcpus; k++)
		x->tids[x->nr_tids++] = v->vm->vcpus[k].tid;
	x->need = need_of(v, from, to, page_write);
	x->ts = ns_of(v, v->vm->vcpus[0].now > v->now ? v->vm->vcpus[0].now : v->now);
	x->from = from == to ? NULL : clock_list(from);
	x->to = from == to ? NULL : clock_list(to);
	x->phase = p->name;
}

static bool clock_touched(const struct phase *p)
{
	return p->host[0].kind || (p->guest & ~(unsigned int)G_ALL_EVENTS) || p->lag_ref || p->rate_ppm;
}

static void print_timers(FILE *f, const struct phase *p)
{
	static const char *const policies[] = { "next=now+period", "next=prev_target+period",
						"retry_same_target_until_reached", "fixed" };
	const char *sep = "";

	for (int i = 0; i < NR_TIMERS; i++) {
		const struct timer_cfg *c = &p->timers[i];

		if (!c->used)
			continue;
		fprintf(f, "%s{\"timer\":%d,\"mode\":\"%s\",\"policy\":\"%s\",\"period_100ns\":%lld,\"delivery\":\"%s\","
			"\"continue\":%d,\"past_every\":%u,\"past_by_100ns\":%lld,\"reprograms_timer\":%d,"
			"\"auto_enable\":%d,\"sint\":%d,\"hold_us\":%lld}", sep, i,
			c->periodic ? "periodic" : "one-shot", c->periodic ? "-" : policies[c->policy],
			(long long)c->period_ref, c->message ? "message" : "direct", c->keep, c->past_every,
			(long long)c->past_by_ref, c->reprograms, !c->no_auto, c->message ? c->sint : -1,
			(long long)c->hold_ns / 1000);
		sep = ",";
	}
}

static const char *clock_word(enum guest_clock c)
{
	static const char *const words[] = { "vm", "tsc_page", "refcount_msr", "raw_tsc", "stale_page" };

	return words[c];
}

void truth_phase(struct vcpu *v, const struct phase *p, enum guest_clock from, enum guest_clock to, bool page_write)
{
	struct truth *t = v->sim->truth;

	t->lag |= p->lag_ref > 0;
	t->rate |= p->rate_ppm != 0;
	v->ahead = 0;
	if (from != to || clock_touched(p) || (v->phase && clock_touched(p - 1)))
		add_transition(v, p, from, to, page_write);
	for (unsigned int k = 1; (page_write || from != to) && !v->id && k < v->vm->plan->nr_vcpus; k++)
		add_transition(&v->vm->vcpus[k], p, to, to, false);
	fprintf(t->jsonl, "{\"pid\":%d,\"type\":\"phase_start\",\"mono_ns\":%lld,\"vm\":%d,\"vcpu\":%d,\"tid\":%d,"
		"\"phase\":%d,\"name\":\"%s\",\"clock\":\"%s\",\"guest_lag_100ns\":%lld,\"raw_scale_ppm\":%d,"
		"\"halt\":%d,\"secs\":%.3f,\"refcount\":%llu,\"timers\":[", v->vm->pid,
		(long long)ns_of(v, v->now), v->vm->index, v->id, v->tid, v->phase, p->name, clock_word(to),
		(long long)p->lag_ref, p->rate_ppm, !p->spin, p->ns / 1e9,
		(unsigned long long)ref_now(v->vm, v->now));
	print_timers(t->jsonl, p);
	fprintf(t->jsonl, "],\"guest_actions\":%u}\n", p->guest);
}

/* A rate shows where arms ahead are many and what it adds up to is far more than the noise. */
void truth_phase_end(struct vcpu *v, const struct phase *p, int64_t start)
{
	struct truth *t = v->sim->truth;
	int64_t span = v->now - start;
	struct rate *r;

	fprintf(t->jsonl, "{\"pid\":%d,\"type\":\"phase_end\",\"mono_ns\":%lld,\"vm\":%d,\"vcpu\":%d,\"phase\":%d,"
		"\"name\":\"%s\"}\n", v->vm->pid, (long long)ns_of(v, v->now), v->vm->index, v->id, v->phase, p->name);
	if (!p->rate_ppm || v->ahead < RATE_ARMS || span / 1000000 * llabs((long long)p->rate_ppm) < 2000000)
		return;
	r = GROW(t, rates);
	if (r)
		*r = (struct rate){ v->id, v->tid, p->rate_ppm, ns_of(v, start), ns_of(v, v->now) };
}

void truth_host_action(struct vcpu *v, const char *action, int64_t from, int64_t to, int64_t value)
{
	fprintf(v->sim->truth->jsonl, "{\"pid\":%d,\"type\":\"host_action\",\"mono_ns\":%lld,\"mono_ns_end\":%lld,"
		"\"vm\":%d,\"vcpu\":%d,\"action\":\"%s\",\"value\":%lld}\n", v->vm->pid, (long long)ns_of(v, from),
		(long long)ns_of(v, to), v->vm->index, v->id, action, (long long)value);
}

/* --- the expected file ------------------------------------------------------------------------------- */

static void range(FILE *f, const char *name, int64_t lo, int64_t hi, int64_t slack)
{
	fprintf(f, "\"%s\": [%lld, %lld]", name, (long long)(lo - slack), (long long)(hi + slack));
}

static void print_kinds(FILE *f, const struct storm *s)
{
	unsigned int kinds = s->required ? s->kinds : 7;
	const char *sep = "";

	fprintf(f, "[");
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = { "backlog", "constant", "growing" };

		if (!(kinds & 1u << i))
			continue;
		fprintf(f, "%s\"%s\"", sep, names[i]);
		sep = ", ";
	}
	fprintf(f, "%s]", s->required && kinds != 7 ? "" : ", \"unknown\"");
}

static void print_storms(FILE *f, const struct truth *t)
{
	fprintf(f, " \"storms\": [");
	for (unsigned int i = 0; i < t->nr_storms; i++) {
		const struct storm *s = &t->storms[i];
		const struct group *g = &s->g;

		fprintf(f, "%s\n  {\"need\": \"%s\", \"vcpu\": %d, \"timer\": %d, \"tid\": %d, ", i ? "," : "",
			s->required ? "required" : "allowed", s->vcpu, s->timer, s->tid);
		range(f, "start_ns", g->first, g->best_first, 1000);
		fprintf(f, ", ");
		range(f, "end_ns", g->best_last, g->last, 1000);
		fprintf(f, ", \"arms\": %llu, \"share\": %.3f, \"longest_run\": %llu, \"kinds\": ",
			(unsigned long long)g->past, (double)g->past / g->total, (unsigned long long)g->best);
		print_kinds(f, s);
		fprintf(f, ", \"phase\": \"%s\"}", g->phase);
	}
	fprintf(f, "],\n");
}

static void print_transitions(FILE *f, const struct truth *t)
{
	fprintf(f, " \"transitions\": [");
	for (unsigned int i = 0; i < t->nr_transitions; i++) {
		const struct transition *x = &t->transitions[i];

		fprintf(f, "%s\n  {\"tids\": [", i ? "," : "");
		for (int k = 0; k < x->nr_tids; k++)
			fprintf(f, "%s%d", k ? ", " : "", x->tids[k]);
		fprintf(f, "], \"need\": \"%s\", \"vcpu\": %d, ", x->need, x->vcpu);
		range(f, "ts_ns", x->ts - 20000000, x->ts + 60000000, 0);
		fprintf(f, ", \"to\": %s, \"from\": %s, \"phase\": \"%s\"}", x->to ? x->to : "null",
			x->from ? x->from : "null", x->phase);
	}
	fprintf(f, "],\n");
}

static void print_steps(FILE *f, struct truth *t)
{
	fprintf(f, " \"host_steps\": [");
	for (unsigned int i = 0; i < t->nr_steps; i++) {
		struct step *s = &t->steps[i];

		s->required = llabs((long long)s->ns) >= STEP_MIN_NS && s->samples >= STEP_SAMPLES;
		fprintf(f, "%s\n  {\"need\": \"%s\", ", i ? "," : "", s->required ? "required" : "allowed");
		range(f, "ts_ns", s->from, s->to ? s->to : s->from, 0);
		fprintf(f, ", ");
		range(f, "ts_ns_ignored", s->from, s->to_always ? s->to_always : s->from, 0);
		fprintf(f, ", \"sampled_ignored\": %s, \"step_ns\": %lld, \"action\": \"%s\"}",
			s->to_always ? "true" : "false", (long long)s->ns, s->action);
	}
	fprintf(f, "],\n");
}

static void print_rates(FILE *f, const struct truth *t)
{
	fprintf(f, " \"guest_rate\": [");
	for (unsigned int i = 0; i < t->nr_rates; i++)
		fprintf(f, "%s\n  {\"vcpu\": %d, \"tid\": %d, \"rate_ppm\": %d, \"from_ns\": %lld, \"to_ns\": %lld}",
			i ? "," : "", t->rates[i].vcpu, t->rates[i].tid, t->rates[i].ppm,
			(long long)t->rates[i].from, (long long)t->rates[i].to);
	fprintf(f, "],\n");
}

struct tally {
	unsigned int required, allowed, backlog, behind, kvmclock, unclear;
};

static struct tally tally_storms(const struct truth *t)
{
	struct tally n = { 0 };

	for (unsigned int i = 0; i < t->nr_storms; i++) {
		const struct storm *s = &t->storms[i];

		n.required += s->required;
		n.allowed += !s->required;
		n.backlog += s->required && s->kinds == KIND_BACKLOG;
		n.behind += s->required && !(s->kinds & KIND_BACKLOG);
		n.unclear += !s->required || s->kinds == 7;
		n.kvmclock += s->required && s->g.page_off;
	}
	return n;
}

static unsigned int steps_of(const struct truth *t, bool required)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < t->nr_steps; i++)
		n += t->steps[i].required == required;
	return n;
}

static unsigned int changes_of(const struct truth *t, const char *need)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < t->nr_transitions; i++)
		n += !strcmp(t->transitions[i].need, need);
	return n;
}

static bool recorded(const struct truth *t, uint64_t events)
{
	uint64_t have = 0;

	for (unsigned int i = 0; i < t->sc->trace.nr_buffers; i++)
		have |= t->sc->trace.buffers[i].events;
	return (have & events) == events;
}

/* @yes: must be found; else, unless @unclear, must not be. */
static void verdict(FILE *f, const char **sep, const char *question, bool yes, bool unclear)
{
	if (!yes && unclear)
		return;
	fprintf(f, "%s\n  \"%s\": [%s]", *sep, question, yes ? "\"yes\"" : "\"no\", \"cannot_tell\"");
	*sep = ",";
}

static void print_verdicts(FILE *f, const struct truth *t)
{
	struct tally n = tally_storms(t);
	unsigned int silent = changes_of(t, "silent") + changes_of(t, "allowed");
	bool raw = t->rate || t->sc->trace.slew_ppm;
	const char *sep = "";

	fprintf(f, " \"verdicts\": {");
	verdict(f, &sep, "storm", n.required, n.allowed);
	verdict(f, &sep, "guest_backlog", n.backlog, n.unclear);
	verdict(f, &sep, "guest_clock_behind", n.behind, n.unclear || t->lag || raw);
	verdict(f, &sep, "guest_clock_rate", t->nr_rates, raw);
	verdict(f, &sep, "host_reference_step", steps_of(t, true), steps_of(t, false));
	verdict(f, &sep, "guest_clocksource_switch", changes_of(t, "required"), silent);
	verdict(f, &sep, "host_kvmclock_fallback", n.kvmclock && recorded(t, EV_BIT(MSR)) && !t->sc->trace.nr_lost,
		true);
	verdict(f, &sep, "preemption", t->preempted >= 3 && recorded(t, EV_BIT(SWITCH)) && !n.required &&
		!n.allowed, true);
	fprintf(f, "\n },\n");
}

static void print_arms(FILE *f, const struct truth *t)
{
	bool any = false;

	fprintf(f, " \"arms\": [");
	for (unsigned int i = 0; i < t->nr_timers; i++) {
		const struct truth_timer *tt = t->timers[i];

		if (!tt->arms)
			continue;
		fprintf(f, "%s\n  {\"vm\": %d, \"vcpu\": %d, \"timer\": %d, \"tid\": %d, \"arms\": %llu, \"expired\": %llu, "
			"\"restored\": %llu}", any ? "," : "", tt->vm, tt->vcpu, tt->timer, tt->tid,
			(unsigned long long)tt->arms, (unsigned long long)tt->expired,
			(unsigned long long)tt->restored);
		any = true;
	}
	fprintf(f, "],\n");
}

/* Which threads are one VM at the end. */
static void print_vms(FILE *f, const struct sim *sim)
{
	fprintf(f, " \"vms\": [");
	for (unsigned int i = 0; i < sim->sc->nr_vms; i++) {
		fprintf(f, "%s[", i ? ", " : "");
		for (unsigned int k = 0; k < sim->sc->vms[i].nr_vcpus; k++)
			fprintf(f, "%s%d", k ? ", " : "", sim->vms[i].vcpus[k].tid);
		fprintf(f, "]");
	}
	fprintf(f, "]\n");
}

static int write_expected(struct truth *t, const struct sim *sim)
{
	bool cycles = t->sc->trace.clock == CLOCK_X86_TSC;
	FILE *f = fopen(t->expected_path, "w");

	if (!f)
		return -errno;
	fprintf(f, "{\n \"schema\": \"hvstimer-expected/1\",\n \"free_transitions\": %s,\n \"lossy\": %s,\n"
		" \"start_expired_recorded\": %s,\n \"scenario\": \"%s\",\n", cycles ? "true" : "false",
		t->sc->trace.nr_lost ? "true" : "false", t->expired_seen ? "true" : "false", t->sc->name);
	print_storms(f, t);
	print_transitions(f, t);
	print_steps(f, t);
	print_rates(f, t);
	print_verdicts(f, t);
	print_arms(f, t);
	print_vms(f, sim);
	fprintf(f, "}\n");
	return fclose(f) ? -errno : 0;
}

int truth_close(struct truth *t, struct sim *sim)
{
	int rc;

	for (unsigned int i = 0; i < t->nr_timers; i++)
		if (t->timers[i]->g.past)
			group_ends(t, t->timers[i]);
	rc = t->failed ? -ENOMEM : write_expected(t, sim);
	if (fflush(t->jsonl) && !rc)
		rc = -errno;
	truth_free(t);
	return rc;
}
