/* SPDX-License-Identifier: GPL-2.0 */
/* NAME.expected.json: what an analysis must find, what it may find; anything else is false. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "truth_private.h"

#define STEP_MIN_NS	110000
#define STEP_SAMPLES	8
#define MANY_BEHIND	50
#define REQUIRED_BROKEN 80

static void range(FILE *f, const char *name, int64_t lo, int64_t hi, int64_t slack)
{
	fprintf(f, "\"%s\": [%lld, %lld]", name, (long long)(lo - slack), (long long)(hi + slack));
}

static void print_kinds(FILE *f, const struct storm *s)
{
	unsigned int kinds = s->required ? s->kinds : ANY_KIND;
	const char *sep = "";

	fprintf(f, "[");
	for (int i = 0; i < 3; i++) {
		static const char *const names[] = { "backlog", "constant", "growing" };

		if (!(kinds & 1u << i))
			continue;
		fprintf(f, "%s\"%s\"", sep, names[i]);
		sep = ", ";
	}
	fprintf(f, "%s]", s->required && kinds != ANY_KIND ? "" : ", \"unknown\"");
}

/* 1 us, and what the CPUs' clocks are apart; where the scale of the cycles has to be estimated, 30
 * ppm of the time more. */
static int64_t slack_at(const struct truth *t, int64_t ns)
{
	return 1000 + t->sc->trace.cpus * t->sc->trace.cpu_apart_ns +
	       (t->sc->trace.clock == CLOCK_X86_TSC ? ns / 1000000 * 30 : 0);
}

static void print_storms(FILE *f, const struct truth *t)
{
	fprintf(f, " \"storms\": [");
	for (unsigned int i = 0; i < t->nr_storms; i++) {
		const struct storm *s = &t->storms[i];
		const struct group *g = &s->g;

		fprintf(f, "%s\n  {\"need\": \"%s\", \"vcpu\": %d, \"timer\": %d, \"tid\": %d, ",
			i ? "," : "", s->required ? "required" : "allowed", s->vcpu, s->timer,
			s->tid);
		range(f, "start_ns", g->first, g->best_first, slack_at(t, g->first));
		fprintf(f, ", ");
		range(f, "end_ns", g->best_last, g->last, slack_at(t, g->last));
		fprintf(f, ", \"arms\": %llu, \"share\": %.3f, \"longest_run\": %llu, \"kinds\": ",
			(unsigned long long)g->past, (double)g->past / g->total,
			(unsigned long long)g->best);
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
		range(f, "ts_ns", x->ts - 20000000, x->ts + x->late, 0);
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

		s->required = !s->first && llabs((long long)s->ns) >= STEP_MIN_NS &&
			      s->samples >= STEP_SAMPLES;
		fprintf(f, "%s\n  {\"need\": \"%s\", ", i ? "," : "",
			s->required ? "required" : "allowed");
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
		fprintf(f,
			"%s\n  {\"vcpu\": %d, \"tid\": %d, \"rate_ppm\": %d, \"from_ns\": %lld, "
			"\"to_ns\": %lld}",
			i ? "," : "", t->rates[i].vcpu, t->rates[i].tid, t->rates[i].ppm,
			(long long)t->rates[i].from, (long long)t->rates[i].to);
	fprintf(f, "],\n");
}

struct tally {
	unsigned int required, allowed, backlog, behind, kvmclock, maybe_backlog, maybe_behind;
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
		if (!s->required || s->kinds == ANY_KIND) {
			n.maybe_backlog += !!(s->kinds & KIND_BACKLOG);
			n.maybe_behind += !!(s->kinds & ~(unsigned int)KIND_BACKLOG);
		}
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

/* Where the scenario itself says what the answer must be; NULL: it does not. */
static const char *answers_given(const struct truth *t, const char *question)
{
	size_t len = strlen(question);
	const char *p = t->sc->answers;

	for (p = p ? strstr(p, question) : NULL; p; p = strstr(p + len, question))
		if (p[len] == '=' && (p == t->sc->answers || p[-1] == ' '))
			return p + len + 1;
	return NULL;
}

/* "yes|cannot_tell" as a JSON list. */
static void print_answers(FILE *f, const char **sep, const char *question, const char *answers)
{
	fprintf(f, "%s\n  \"%s\": [\"", *sep, question);
	for (; *answers && *answers != ' '; answers++)
		if (*answers == '|')
			fprintf(f, "\", \"");
		else
			fputc(*answers, f);
	fprintf(f, "\"]");
	*sep = ",";
}

enum found { MUST_SHOW, MAY_SHOW, MUST_NOT_SHOW, NOT_KNOWN };

static void verdict(FILE *f, const char **sep, const struct truth *t, const char *question,
		    enum found found)
{
	static const char *const answers[] = { "yes", "yes|cannot_tell", "no|cannot_tell" };
	const char *given = answers_given(t, question);

	if (given)
		print_answers(f, sep, question, given);
	else if (found != NOT_KNOWN)
		print_answers(f, sep, question, answers[found]);
}

/* @yes: must be found; else, unless @unclear, must not be. */
static enum found shows(bool yes, bool unclear)
{
	return yes ? MUST_SHOW : unclear ? NOT_KNOWN : MUST_NOT_SHOW;
}

static enum found behind_shows(const struct truth *t, const struct tally *n, bool unclear)
{
	if (!n->behind && t->behind >= MANY_BEHIND)
		return MAY_SHOW;
	return shows(n->behind, unclear);
}

/* A slewed trace clock is rightly told of; what must be seen of it, the scenarios say. */
static enum found host_rate_shows(const struct truth *t)
{
	bool free = t->sc->trace.slew_ppm || t->sc->trace.nr_slews ||
		    t->sc->trace.clock == CLOCK_X86_TSC;

	return free ? NOT_KNOWN : MUST_NOT_SHOW;
}

/* A quota, or a breath now and then, makes pieces of a storm; all of them are one. */
static enum found storm_shows(const struct truth *t, const struct tally *n)
{
	for (unsigned int i = 0; i < t->nr_storms; i++) {
		const struct group *g = &t->storms[i].g;

		if (g->broken_up && g->past >= 4 * REQUIRED_BROKEN &&
		    g->last - g->first > 100000000)
			return MUST_SHOW;
	}
	return shows(n->required || t->faults >> FAULT_LIVELOCK & 1, n->allowed);
}

/* Those that the scenario is about, and no other; what a mixture makes of them is not known. */
static void fault_verdicts(FILE *f, const char **sep, const struct truth *t)
{
	static const char *const questions[] = { "guest_clock_ahead", "guest_time_restore",
						 "tsc_reference_offset", "vmm_resume_order",
						 "vcpu_tsc_mismatch" };

	const char *faults = t->sc->faults;

	for (unsigned int i = 0; t->sc->faults_known && i < ARRAY_SIZE(questions); i++)
		verdict(f, sep, t, questions[i], shows(strstr(faults, questions[i]), false));
}

static void print_faults(FILE *f, const char **sep, const struct truth *t)
{
	static const char *const questions[NR_FAULTS] = {
		[FAULT_LIVELOCK] = "timer_livelock",	  [FAULT_LOST] = "lost_timer",
		[FAULT_REVIVED] = "restored_timer_fired", [FAULT_SLOW] = "slow_clock_path",
		[FAULT_REFUSED] = "refused_requests",
	};

	for (unsigned int i = 0; i < NR_FAULTS; i++)
		verdict(f, sep, t, questions[i], shows(t->faults >> i & 1, false));
}

static void print_verdicts(FILE *f, const struct truth *t)
{
	struct tally n = tally_storms(t);
	unsigned int silent = changes_of(t, "silent") + changes_of(t, "allowed");
	bool raw = t->rate || t->sc->trace.slew_ppm;
	const char *sep = "";

	fprintf(f, " \"verdicts\": {");
	verdict(f, &sep, t, "storm", storm_shows(t, &n));
	verdict(f, &sep, t, "guest_backlog", shows(n.backlog, n.maybe_backlog));
	verdict(f, &sep, t, "guest_clock_behind",
		behind_shows(t, &n, n.maybe_behind || t->lag || raw));
	verdict(f, &sep, t, "guest_clock_rate", shows(t->nr_rates, raw));
	verdict(f, &sep, t, "host_reference_step", shows(steps_of(t, true), steps_of(t, false)));
	verdict(f, &sep, t, "host_reference_rate", host_rate_shows(t));
	verdict(f, &sep, t, "guest_clocksource_switch", shows(changes_of(t, "required"), silent));
	verdict(f, &sep, t, "host_kvmclock_fallback",
		shows(n.kvmclock && recorded(t, EV_BIT(MSR)) && !t->sc->trace.nr_lost, true));
	verdict(f, &sep, t, "preemption",
		shows(t->preempted >= 3 && recorded(t, EV_BIT(SWITCH)) && !n.required && !n.allowed,
		      true));
	verdict(f, &sep, t, "host_unpaired_clock_reads", NOT_KNOWN);
	fault_verdicts(f, &sep, t);
	print_faults(f, &sep, t);
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
		fprintf(f,
			"%s\n  {\"vm\": %d, \"vcpu\": %d, \"timer\": %d, \"tid\": %d, \"arms\": "
			"%llu, \"expired\": %llu, "
			"\"restored\": %llu}",
			any ? "," : "", tt->vm, tt->vcpu, tt->timer, tt->tid,
			(unsigned long long)tt->arms, (unsigned long long)tt->past_due,
			(unsigned long long)tt->restored);
		any = true;
	}
	fprintf(f, "],\n");
}

/* CPUs so far apart that the threads of a VM, each on its own CPU, may pass for several VMs. */
#define CLOCKS_FAR_NS 2000000

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

int expected_write(struct truth *t, const struct sim *sim)
{
	bool cycles = t->sc->trace.clock == CLOCK_X86_TSC;
	FILE *f = fopen(t->expected_path, "w");

	if (!f)
		return -errno;
	fprintf(f,
		"{\n \"schema\": \"hvstimer-expected/1\",\n \"free_transitions\": %s,\n \"lossy\": "
		"%s,\n \"clocks_apart\": %s,\n"
		" \"vms_may_split\": %s,\n \"start_expired_recorded\": %s,\n \"scenario\": "
		"\"%s\",\n",
		cycles ? "true" : "false", t->sc->trace.nr_lost ? "true" : "false",
		t->sc->trace.cpu_apart_ns ? "true" : "false",
		t->sc->trace.cpu_apart_ns * (t->sc->trace.cpus - 1) > CLOCKS_FAR_NS ? "true"
										    : "false",
		t->start_expired_seen ? "true" : "false", t->sc->name);
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
