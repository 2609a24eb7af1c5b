// SPDX-License-Identifier: GPL-2.0
/* The lines for what changed between two results. */
#include <string.h>
#include <time.h>

#include "../output/contract.h"
#include "../output/units.h"
#include "../output/words.h"
#include "show.h"
#include "told.h"

/* What lines are written for. */
struct teller {
	struct out *out;
	bool json;
	const struct hvst_trace *trace;
	struct watch_names *names;
	char when[32];
};

static void begin_json(struct teller *w, struct json *j, const char *event)
{
	json_start(j, w->out, 0);
	j->trace = w->trace;
	json_object(j, NULL);
	json_string(j, "time", w->when);
	json_string(j, "event", event);
}

/* --- storms ----------------------------------------------------------------------------------- */

enum storm_news { STORM_SAME, STORM_BEGINS, STORM_CHANGES, STORM_ENDS };

static const char *const storm_words[] = {
	[STORM_BEGINS] = "storm",
	[STORM_CHANGES] = "storm changed",
	[STORM_ENDS] = "storm ended",
};
static const char *const storm_events[] = {
	[STORM_BEGINS] = "storm",
	[STORM_CHANGES] = "storm_change",
	[STORM_ENDS] = "storm_end",
};

static void tell_storm(struct teller *w, const struct hvst_storm *s, enum storm_news news)
{
	const struct watch_who *who = watch_who(w->names, s->tid);
	char n[UNIT_BUF], lasts[UNIT_BUF], at[UNIT_BUF];
	struct json j;

	if (w->json) {
		begin_json(w, &j, storm_events[news]);
		json_string(&j, "vm", who->name[0] ? who->name : NULL);
		json_id(&j, "pid", who->pid ? who->pid : -1);
		contract_finding(&j, "storm", &finding_storm, s);
		json_end_object(&j);
		return;
	}
	out_printf(w->out, "%s %s: VM ", w->when, storm_words[news]);
	out_safe(w->out, who->name[0] ? who->name : "?");
	out_printf(w->out, " (pid %d) vCPU %d timer %d (tid %d): %s, %s %s in %s from %s s on",
		   who->pid, s->vcpu, s->timer, s->tid, hvst_storm_kind_name(s->kind),
		   unit_count(n, storm_size(s)),
		   s->kind == HVST_STORM_LIVELOCK ? "turns" : "past-due arms",
		   unit_duration(lasts, s->end_ns - s->start_ns), unit_time(at, s->start_ns));
	if (s->cause != HVST_CAUSE_NOT_SEEN)
		out_printf(w->out, ", after %s", hvst_storm_cause_name(s->cause));
	out_char(w->out, '\n');
}

static struct watch_told_storm keep_storm(const struct hvst_storm *s, enum storm_news news)
{
	return (struct watch_told_storm){
		.tid = s->tid,
		.vcpu = s->vcpu,
		.timer = s->timer,
		.start_ns = s->start_ns,
		.end_ns = s->end_ns,
		.size = storm_size(s),
		.arms = s->arms,
		.rate_hz = s->rate_hz,
		.peak_hz = s->peak_hz,
		.kind = s->kind,
		.cause = s->cause,
		.open = s->open,
		.begun = news == STORM_BEGINS,
	};
}

/* The storm of the last result that @s continues or is; NULL: it is new. */
static const struct watch_told_storm *find_storm(const struct watch_told *told,
						 const struct hvst_storm *s)
{
	unsigned int i;

	for (i = 0; i < told->nr_storms; i++) {
		const struct watch_told_storm *k = &told->storms[i];

		if (k->tid == s->tid && k->timer == s->timer && k->start_ns <= s->end_ns &&
		    s->start_ns <= k->end_ns)
			return k;
	}
	return NULL;
}

static enum storm_news storm_news(const struct watch_told_storm *before, const struct hvst_storm *s)
{
	if (!before)
		return STORM_BEGINS;
	if (before->open && !s->open)
		return STORM_ENDS;
	/* A cause before the part of the trace that is still known is not withdrawn. */
	if (before->kind != s->kind ||
	    (before->cause != s->cause && s->cause != HVST_CAUSE_NOT_SEEN))
		return STORM_CHANGES;
	return STORM_SAME;
}

static void tell_storms(struct teller *w, struct watch_told *told, const struct hvst_result *r)
{
	unsigned int first =
		r->nr_storms > WATCH_TOLD_STORMS ? r->nr_storms - WATCH_TOLD_STORMS : 0;
	struct watch_told_storm now[WATCH_TOLD_STORMS];
	unsigned int i;

	for (i = first; i < r->nr_storms; i++) {
		const struct hvst_storm *s = r->storms[i];
		const struct watch_told_storm *before = find_storm(told, s);
		enum storm_news news = storm_news(before, s);

		if (news != STORM_SAME)
			tell_storm(w, s, news);
		if (news == STORM_BEGINS)
			told->total++;
		now[i - first] = keep_storm(s, news);
		if (before && s->cause == HVST_CAUSE_NOT_SEEN)
			now[i - first].cause = before->cause;
	}
	told->nr_storms = r->nr_storms - first;
	memcpy(told->storms, now, told->nr_storms * sizeof(*now));
}

bool watch_told_open(const struct watch_told *told)
{
	unsigned int i;

	for (i = 0; i < told->nr_storms; i++)
		if (told->storms[i].open)
			return true;
	return false;
}

/* --- answers and losses ----------------------------------------------------------------------- */

static unsigned int count_yes(const struct hvst_verdict *v)
{
	unsigned int i, n = 0;

	for (i = 0; i < v->nr_by_vm; i++)
		n += v->by_vm[i]->answer == HVST_YES;
	return n ? n : v->answer == HVST_YES;
}

static void tell_answer(struct teller *w, const struct hvst_verdict *v)
{
	struct json j;

	if (w->json) {
		begin_json(w, &j, "finding");
		contract_finding(&j, "verdict", &finding_verdict, v);
		json_end_object(&j);
		return;
	}
	out_printf(w->out, "%s finding: %s: ", w->when, words_topic(v->question));
	out_safe(w->out, v->summary);
	out_char(w->out, '\n');
}

/* Storms have lines of their own. */
static void tell_answers(struct teller *w, struct watch_told *told, const struct hvst_result *r)
{
	unsigned int q;

	for (q = 0; q < HVST_Q_COUNT; q++) {
		unsigned int yes = count_yes(r->verdicts[q]);

		if (yes > told->yes[q] && q != HVST_Q_STORM)
			tell_answer(w, r->verdicts[q]);
		told->yes[q] = yes;
	}
}

static void tell_lost(struct teller *w, struct watch_told *told)
{
	char n[UNIT_BUF], places[UNIT_BUF];
	struct json j;

	if (w->trace->lost_places > told->lost_places && w->json) {
		begin_json(w, &j, "lost");
		json_u64(&j, "lost_events", w->trace->lost_events);
		json_u64(&j, "lost_places", w->trace->lost_places);
		json_end_object(&j);
	} else if (w->trace->lost_places > told->lost_places) {
		out_printf(w->out, "%s lost: %s events in %s place%s so far\n", w->when,
			   w->trace->lost_events ? unit_count(n, w->trace->lost_events)
						 : "an unknown number of",
			   unit_count(places, w->trace->lost_places),
			   w->trace->lost_places == 1 ? "" : "s");
	}
	told->lost_places = w->trace->lost_places;
}

void watch_tell(struct watch_told *told, struct out *out, bool json, const struct hvst_trace *t,
		const struct hvst_result *r, struct watch_names *names)
{
	struct teller w = { .out = out, .json = json, .trace = t, .names = names };

	watch_show_time(w.when, sizeof(w.when), time(NULL));
	tell_lost(&w, told);
	tell_storms(&w, told, r);
	tell_answers(&w, told, r);
}
