// SPDX-License-Identifier: GPL-2.0
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hint.h"
#include "table.h"
#include "text.h"
#include "units.h"

#define LABEL 9 /* width of the column of labels */

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* How much of each goes on the screen. */
struct limits {
	unsigned int vms, timers, storms, clocks;
	unsigned int summary; /* lines of a verdict's, 0: only its name */
};

/* The screen is tried with these, from the richest on, until it fits the terminal. */
static const struct limits levels[] = {
	{ 4, 6, 6, 8, 3 }, { 2, 4, 4, 5, 1 }, { 1, 3, 4, 4, 0 },
	{ 0, 3, 3, 3, 0 }, { 0, 2, 2, 2, 0 }, { 0, 1, 2, 1, 0 },
};
static const struct limits everything = { UINT_MAX, UINT_MAX, UINT_MAX, UINT_MAX, UINT_MAX };

static void label(struct out *o, const char *text)
{
	out_in(o, ROLE_TITLE, text);
	out_pad(o, strlen(text) < LABEL ? LABEL - strlen(text) : 1, ' ');
}

/* "1" or "?" for an unknown id. */
static const char *id_text(char *buf, int id)
{
	if (id < 0)
		return strcpy(buf, "?");
	snprintf(buf, UNIT_BUF, "%d", id);
	return buf;
}

static void id_cell(struct table *t, int id)
{
	char buf[UNIT_BUF];

	table_cell(t, ROLE_NONE, id_text(buf, id));
}

static void more(struct out *o, unsigned int left, const char *what, const char *command,
		 const char *file)
{
	out_pad(o, LABEL, ' ');
	out_role(o, ROLE_DIM);
	out_printf(o, "and %u more %s: hvstimer %s ", left, what, command);
	out_safe(o, file);
	out_plain(o);
	out_char(o, '\n');
}

static const char *first_file(const struct hvst_trace *t)
{
	return t->nr_files ? t->files[0].path : "";
}

/* --- evidence --------------------------------------------------------------------------------- */

static void text_evidence(struct out *o, const struct hvst_evidence_list *l, unsigned int indent)
{
	unsigned int i;

	for (i = 0; i < l->n && i < HVST_MAX_EVIDENCE; i++) {
		const struct hvst_evidence *e = &l->e[i];
		char head[128] = "- ", time[UNIT_BUF];
		const char *name = e->event >= 0 ? hvst_event_name(e->event) : NULL;

		if (e->ts_ns != HVST_UNKNOWN)
			snprintf(head, sizeof(head), "- %s%s%s: ", unit_time(time, e->ts_ns),
				 name ? " " : "", name ? name : "");
		if (e->ts_ns != HVST_UNKNOWN && e->cpu >= 0)
			snprintf(head + strlen(head) - 2, sizeof(head) - strlen(head),
				 " [%03d]: ", e->cpu);
		out_pad(o, indent, ' ');
		out_in(o, ROLE_DIM, head);
		out_wrap(o, indent + strlen(head), indent + 2, 0, e->text);
	}
}

/* --- the trace -------------------------------------------------------------------------------- */

static void note(struct out *o, enum role role, const char *text)
{
	out_pad(o, LABEL, ' ');
	out_role(o, role);
	out_wrap(o, LABEL, LABEL, 0, text);
	out_plain(o);
}

static void put_files(struct out *o, const struct hvst_trace *t)
{
	char text[4096], buf[UNIT_BUF];
	size_t at = 0;
	unsigned int i;

	for (i = 0; i < t->nr_files && at < sizeof(text); i++) {
		const struct hvst_file_info *f = &t->files[i];

		at += snprintf(text + at, sizeof(text) - at, "%s (v%d%s%s), ", f->path, f->version,
			       f->compression ? ", " : "", f->compression ? f->compression : "");
	}
	if (at < sizeof(text))
		at += snprintf(text + at, sizeof(text) - at, "clock %s%s",
			       t->clock ? t->clock : "?",
			       t->scale_source == HVST_SCALE_ESTIMATED ? " (scale estimated)" : "");
	if (at < sizeof(text) && t->first_ns != HVST_UNKNOWN)
		at += snprintf(text + at, sizeof(text) - at, ", %s",
			       unit_duration(buf, t->last_ns - t->first_ns));
	if (at < sizeof(text))
		snprintf(text + at, sizeof(text) - at, ", %u CPU%s", t->cpus,
			 t->cpus == 1 ? "" : "s");
	out_wrap(o, LABEL, LABEL, 0, text);
}

static size_t counter(char *buf, size_t len, uint64_t n, const char *what)
{
	char count[UNIT_BUF];

	return n ? snprintf(buf, len, ", %s %s", unit_count(count, n), what) : 0;
}

static void lost_text(char *buf, size_t len, const struct hvst_trace *t)
{
	char places[UNIT_BUF], events[UNIT_BUF], time[UNIT_BUF];

	if (!t->lost_places)
		snprintf(buf, len, ", none lost");
	else
		snprintf(buf, len, ", %s lost in %s place%s (%s)",
			 t->lost_events ? unit_count(events, t->lost_events) : "an unknown number",
			 unit_count(places, t->lost_places), t->lost_places == 1 ? "" : "s",
			 unit_duration(time, t->lost_ns));
}

static void put_counters(struct out *o, const struct hvst_trace *t)
{
	char text[512], events[UNIT_BUF], understood[UNIT_BUF];
	size_t at;

	at = snprintf(text, sizeof(text), "%s events: %s understood", unit_count(events, t->events),
		      unit_count(understood, t->relevant));
	at += counter(text + at, sizeof(text) - at, t->ignored, "ignored");
	at += counter(text + at, sizeof(text) - at, t->duplicates, "recorded twice");
	at += counter(text + at, sizeof(text) - at, t->malformed, "malformed");
	at += counter(text + at, sizeof(text) - at, t->backwards, "out of order");
	at += counter(text + at, sizeof(text) - at, t->unfollowed, "of too many vCPU threads");
	lost_text(text + at, sizeof(text) - at, t);
	note(o, t->lost_places || t->malformed || t->backwards ? ROLE_WARN : ROLE_NONE, text);
}

static void put_cut_files(struct out *o, const struct hvst_trace *t)
{
	char text[512];
	unsigned int i;

	for (i = 0; i < t->nr_files; i++) {
		if (t->files[i].truncated_at == HVST_UNKNOWN)
			continue;
		snprintf(text, sizeof(text),
			 "%s is cut off at byte %lld: this holds for what comes before",
			 t->files[i].path, (long long)t->files[i].truncated_at);
		note(o, ROLE_WARN, text);
	}
}

static void put_readers(struct out *o, const struct hvst_trace *t)
{
	char text[512];
	unsigned int i;

	for (i = 0; i < t->nr_files; i++) {
		const struct hvst_file_info *f = &t->files[i];

		snprintf(text, sizeof(text), "%s read by %s%s%s%s", f->path,
			 f->reader ? f->reader : "?",
			 f->declined ? "; the page reader declined: " : "",
			 f->declined ? f->declined : "",
			 f->uname ? "" : "; kernel not named in the file");
		note(o, ROLE_DIM, text);
		if (f->uname)
			note(o, ROLE_DIM, f->uname);
	}
}

static void put_seen(struct out *o, const struct hvst_trace *t)
{
	char buf[UNIT_BUF];
	unsigned int id;

	for (id = 0; id < HVST_EV_COUNT; id++)
		if (t->seen[id])
			out_printf(o, "%*s%14s %s\n", LABEL, "", unit_count(buf, t->seen[id]),
				   hvst_event_name(id));
}

void text_trace(struct out *o, const struct hvst_trace *t, bool verbose)
{
	char text[128], buf[UNIT_BUF];

	label(o, "Trace");
	put_files(o, t);
	put_counters(o, t);
	if (t->incomplete)
		note(o, ROLE_WARN, "interrupted: this holds for the part that was read");
	put_cut_files(o, t);
	if (t->padding_ns != HVST_UNKNOWN) {
		snprintf(text, sizeof(text), "kernel delays past-due timers by %s (padding)",
			 unit_duration(buf, t->padding_ns));
		note(o, ROLE_NONE, text);
	}
	if (!verbose)
		return;
	put_readers(o, t);
	put_seen(o, t);
}

/* --- VMs and timers --------------------------------------------------------------------------- */

static void put_vcpus(char *buf, size_t len, const struct hvst_vm *vm, unsigned int most)
{
	size_t at = 0;
	unsigned int i;

	buf[0] = 0;
	for (i = 0; i < vm->nr_vcpus && i < most && at < len; i++)
		at += snprintf(buf + at, len - at, "%s%d (tid %d)", i ? ", " : "",
			       vm->vcpus[i].vcpu, vm->vcpus[i].tid);
	if (i < vm->nr_vcpus && at < len)
		snprintf(buf + at, len - at, ", %u more", vm->nr_vcpus - i);
}

static void put_vm(struct out *o, const struct hvst_vm *vm, bool verbose)
{
	char head[32], buf[UNIT_BUF], vcpus[2048], text[2400];

	snprintf(head, sizeof(head), "VM %s", id_text(buf, vm->vm));
	label(o, head);
	put_vcpus(vcpus, sizeof(vcpus), vm, verbose ? 64 : 3);
	snprintf(text, sizeof(text), "%.128s%svCPU%s %s%s%s", vm->name ? vm->name : "",
		 vm->name && *vm->name ? ", " : "", vm->nr_vcpus == 1 ? "" : "s", vcpus,
		 vm->epoch_ns != HVST_UNKNOWN ? ", reference clock zero at " : "",
		 vm->epoch_ns != HVST_UNKNOWN ? unit_time(buf, vm->epoch_ns) : "");
	out_wrap(o, LABEL, LABEL, 0, text);
}

static void screen_vms(struct out *o, const struct hvst_result *r, unsigned int most)
{
	unsigned int i;

	for (i = 0; i < r->nr_vms && i < most; i++)
		put_vm(o, &r->vms[i], most == UINT_MAX);
	if (most && i < r->nr_vms)
		out_printf(o, "%*sand %u more VMs: -v\n", LABEL, "", r->nr_vms - i);
}

static void skew_cell(struct table *t, const struct hvst_sketch *s, unsigned int per_10000)
{
	char buf[UNIT_BUF];
	bool some = s && hvst_sketch_count(s);
	int64_t v = some ? hvst_sketch_quantile(s, per_10000) : HVST_UNKNOWN;

	table_cell(t, some && v >= 0 ? ROLE_WARN : ROLE_NONE, some ? unit_signed(buf, v) : "-");
}

static void timer_row(struct table *t, const struct hvst_timer *m)
{
	char buf[UNIT_BUF], mode[64];
	uint64_t past_due = m->past_due_observed + m->past_due_inferred;

	id_cell(t, m->vm);
	id_cell(t, m->vcpu);
	id_cell(t, m->timer);
	snprintf(mode, sizeof(mode), "%s%s%s",
		 m->mode == HVST_MODE_PERIODIC ? "periodic"
		 : m->mode == HVST_MODE_BOTH   ? "both"
					       : "one-shot",
		 m->delivery ? ", " : "", m->delivery ? hvst_delivery_mode_name(m->delivery) : "");
	table_cell(t, ROLE_NONE, mode);
	table_cell(t, ROLE_NONE, unit_count(buf, m->arms));
	table_cell(t, past_due ? ROLE_WARN : ROLE_NONE, unit_count(buf, past_due));
	table_cell(t, ROLE_NONE, unit_count(buf, m->past_due_inferred));
	table_cell(t, m->failed_deliveries ? ROLE_WARN : ROLE_NONE,
		   unit_count(buf, m->failed_deliveries));
	skew_cell(t, m->skew, 100);
	skew_cell(t, m->skew, 5000);
	skew_cell(t, m->skew, 9900);
	table_cell(t, ROLE_NONE,
		   m->skew && hvst_sketch_count(m->skew)
			   ? unit_signed(buf, hvst_sketch_max(m->skew))
			   : "-");
}

static void screen_timers(struct out *o, const struct hvst_result *r, unsigned int most)
{
	static const struct column columns[] = {
		{ "VM", 0, 0, 0 },	 { "vCPU", 0, 0, 0 },	{ "timer", 0, 0, 0 },
		{ "mode", 1, 3, 0 },	 { "arms", 0, 0, 0 },	{ "past due", 0, 0, 0 },
		{ "inferred", 0, 4, 0 }, { "failed", 0, 5, 0 }, { "skew p1", 0, 2, 0 },
		{ "p50", 0, 0, 0 },	 { "p99", 0, 0, 0 },	{ "max", 0, 0, 0 },
	};
	struct table *t;
	unsigned int i;

	label(o, "Timers");
	if (!r->nr_timers) {
		out_str(o, "none was armed\n");
		return;
	}
	t = table_new(columns, ARRAY_SIZE(columns));
	for (i = 0; i < r->nr_timers && i < most; i++)
		timer_row(t, &r->timers[i]);
	table_end_labelled(t, o, LABEL);
	if (i < r->nr_timers)
		out_printf(o, "%*sand %u more timers: -v\n", LABEL, "", r->nr_timers - i);
}

/* --- storms ----------------------------------------------------------------------------------- */

static void trigger_text(char *buf, size_t len, const struct hvst_storm *s)
{
	char distance[UNIT_BUF];

	if (s->trigger_event < 0)
		snprintf(buf, len, "none seen near");
	else
		snprintf(buf, len, "%s, %s %s", hvst_event_name(s->trigger_event),
			 unit_duration(distance, llabs(s->trigger_distance_ns)),
			 s->trigger_distance_ns < 0 ? "after its start" : "before");
}

static void storm_row(struct table *t, const struct hvst_storm *s, unsigned int i)
{
	char buf[UNIT_BUF], trigger[128];

	table_printf(t, ROLE_NONE, "%u", i + 1);
	id_cell(t, s->vm);
	id_cell(t, s->vcpu);
	id_cell(t, s->timer);
	table_cell(t, ROLE_TIME, unit_time(buf, s->start_ns));
	unit_duration(buf, s->end_ns - s->start_ns);
	table_printf(t, ROLE_NONE, "%s%s", s->open ? ">" : "", buf);
	table_cell(t, ROLE_BAD, unit_count(buf, s->past_due));
	table_cell(t, ROLE_NONE, unit_rate(buf, s->rate_hz));
	table_cell(t, ROLE_NONE, hvst_storm_kind_name(s->kind));
	table_cell(t, ROLE_WARN, unit_signed(buf, s->skew_max_ns));
	trigger_text(trigger, sizeof(trigger), s);
	table_cell(t, ROLE_NONE, trigger);
}

static void storm_table(struct out *o, const struct hvst_result *r, unsigned int most)
{
	static const struct column columns[] = {
		{ "#", 0, 3, 0 },	 { "VM", 0, 0, 0 },	    { "vCPU", 0, 0, 0 },
		{ "timer", 0, 0, 0 },	 { "start", 0, 0, 0 },	    { "lasts", 0, 0, 0 },
		{ "past due", 0, 0, 0 }, { "rate", 0, 4, 0 },	    { "kind", 1, 1, 0 },
		{ "max skew", 0, 0, 0 }, { "set off by", 1, 5, 0 },
	};
	struct table *t = table_new(columns, ARRAY_SIZE(columns));
	unsigned int i;

	for (i = 0; i < r->nr_storms && i < most; i++)
		storm_row(t, &r->storms[i], i);
	table_end_labelled(t, o, LABEL);
}

static void detail(struct out *o, const char *name, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void detail(struct out *o, const char *name, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	out_printf(o, "  %-11s ", name);
	out_wrap(o, 14, 14, 0, text);
}

static const char *kind_meaning(enum hvst_storm_kind kind)
{
	switch (kind) {
	case HVST_STORM_BACKLOG:
		return "backlog: the guest replays missed ticks until it has caught up";
	case HVST_STORM_CONSTANT:
		return "constant: the guest's clock lags by a constant amount";
	case HVST_STORM_GROWING:
		return "growing: the guest's clock runs too slowly";
	case HVST_STORM_UNKNOWN:
		break;
	}
	return "unknown";
}

static void storm_times(struct out *o, const struct hvst_storm *s)
{
	char a[UNIT_BUF], b[UNIT_BUF], c[UNIT_BUF];

	detail(o, "when", "%s to %s%s (%s)", unit_time(a, s->start_ns), unit_time(b, s->end_ns),
	       s->open ? ", still going on where the recording ends or has a gap" : "",
	       unit_duration(c, s->end_ns - s->start_ns));
	detail(o, "arms", "%s past due of %s, %s on average", unit_count(a, s->past_due),
	       unit_count(b, s->arms), unit_rate(c, s->rate_hz));
	detail(o, "peak", "%s", unit_rate(a, s->peak_hz));
	if (s->predicted_end_ns != HVST_UNKNOWN)
		detail(o, "would end", "%s", unit_time(a, s->predicted_end_ns));
}

static void storm_skew(struct out *o, const struct hvst_storm *s)
{
	char a[UNIT_BUF], b[UNIT_BUF], c[UNIT_BUF], error[UNIT_BUF];

	detail(o, "skew", "%s at the start, %s at most, %s at the end%s%s%s",
	       unit_signed(a, s->skew_start_ns), unit_signed(b, s->skew_max_ns),
	       unit_signed(c, s->skew_end_ns), s->skew_error_ns ? " (+- " : "",
	       s->skew_error_ns ? unit_duration(error, s->skew_error_ns) : "",
	       s->skew_error_ns ? ")" : "");
	if (s->period_ref != HVST_UNKNOWN)
		detail(o, "period", "%s",
		       unit_duration(a, s->period_ref > INT64_MAX / 100 ? INT64_MAX
									: s->period_ref * 100));
}

static void storm_effect(struct out *o, const struct hvst_storm *s)
{
	char a[UNIT_BUF], b[UNIT_BUF], trigger[128];

	if (s->progress_before >= 0 || s->progress_during >= 0)
		detail(o, "progress", "%s before, %s during", unit_share(a, s->progress_before),
		       unit_share(b, s->progress_during));
	trigger_text(trigger, sizeof(trigger), s);
	detail(o, "set off by", "%s", trigger);
	detail(o, "watchdog", "%s",
	       s->endangers_watchdog ? "long enough to endanger one" : "not in danger");
	detail(o, "episode", "%d", s->episode);
}

void text_storm_details(struct out *o, const struct hvst_result *r, bool verbose)
{
	char vm[UNIT_BUF], vcpu[UNIT_BUF], timer[UNIT_BUF];
	unsigned int i;

	for (i = 0; i < r->nr_storms; i++) {
		const struct hvst_storm *s = &r->storms[i];

		out_role(o, ROLE_BAD);
		out_printf(o, "Storm %u: VM %s vCPU %s timer %s (tid %d)", i + 1,
			   id_text(vm, s->vm), id_text(vcpu, s->vcpu), id_text(timer, s->timer),
			   s->tid);
		out_plain(o);
		out_char(o, '\n');
		storm_times(o, s);
		detail(o, "kind", "%s", kind_meaning(s->kind));
		storm_skew(o, s);
		storm_effect(o, s);
		if (verbose)
			text_evidence(o, &s->evidence, 2);
		out_char(o, '\n');
	}
}

void text_past_due(struct out *o, const struct hvst_past_due *p, unsigned int indent)
{
	char text[320], count[UNIT_BUF];
	uint64_t n = p->isolated + p->bursts;
	size_t at;

	if (!n)
		return;
	at = snprintf(text, sizeof(text), "%s past-due arm%s outside storms", unit_count(count, n),
		      n == 1 ? "" : "s");
	at += counter(text + at, sizeof(text) - at, p->bursts, "of these in short bursts");
	at += counter(text + at, sizeof(text) - at, p->short_deadline, "by a short deadline");
	at += counter(text + at, sizeof(text) - at, p->preempted, "by preemption");
	counter(text + at, sizeof(text) - at, p->unexplained, "unexplained");
	out_pad(o, indent, ' ');
	out_wrap(o, indent, indent, 0, text);
}

static void screen_storms(struct out *o, const struct hvst_trace *trace,
			  const struct hvst_result *r, unsigned int most)
{
	label(o, "Storms");
	if (r->nr_storms)
		storm_table(o, r, most);
	else
		out_str(o, "none\n");
	if (most < r->nr_storms)
		more(o, r->nr_storms - most, "storms", "storms", first_file(trace));
	text_past_due(o, &r->past_due, LABEL);
}

/* --- clocks ----------------------------------------------------------------------------------- */

static enum role confidence_role(enum hvst_confidence c)
{
	return c == HVST_SUSPECTED ? ROLE_DIM : ROLE_NONE;
}

static void rate_text(char *buf, size_t len, double ppm, double error)
{
	char a[UNIT_BUF];

	if (isnan(ppm))
		snprintf(buf, len, "?");
	else if (isnan(error))
		snprintf(buf, len, "%s", unit_ppm(a, ppm));
	else
		snprintf(buf, len, "%s +- %.1f", unit_ppm(a, ppm), error);
}

static void reference_row(struct table *t, const struct hvst_ref_segment *s)
{
	char buf[UNIT_BUF], rate[64];

	id_cell(t, s->vm);
	table_cell(t, ROLE_TIME, unit_time(buf, s->from_ns));
	table_cell(t, ROLE_TIME, unit_time(buf, s->to_ns));
	table_cell(t, ROLE_NONE, hvst_ref_source_name(s->source));
	table_cell(t, s->step_ns != HVST_UNKNOWN && s->step_ns ? ROLE_WARN : ROLE_NONE,
		   s->step_ns == HVST_UNKNOWN ? "-" : unit_signed(buf, s->step_ns));
	rate_text(rate, sizeof(rate), s->rate_ppm, s->rate_ppm_error);
	table_cell(t, ROLE_NONE, rate);
	table_cell(t, ROLE_NONE, unit_count(buf, s->samples));
	table_cell(t, ROLE_NONE, s->why);
}

void text_reference(struct out *o, const struct hvst_result *r, bool verbose)
{
	static const struct column columns[] = {
		{ "VM", 0, 0, 0 },	{ "from", 0, 0, 0 }, { "to", 0, 3, 0 },
		{ "source", 1, 0, 0 },	{ "step", 0, 0, 0 }, { "rate", 0, 2, 0 },
		{ "samples", 0, 4, 0 }, { "why", 1, 5, 1 },
	};
	struct table *t;
	char time[UNIT_BUF];
	unsigned int i;

	out_in(o, ROLE_TITLE, "Reference clock of the host, as time_now shows it");
	out_str(o, "\n");
	if (!r->nr_reference) {
		out_str(o, "  no samples\n");
		return;
	}
	t = table_new(columns, ARRAY_SIZE(columns));
	for (i = 0; i < r->nr_reference; i++)
		reference_row(t, &r->reference[i]);
	table_end(t, o, 2);
	for (i = 0; verbose && i < r->nr_reference; i++) {
		out_printf(o, "  %11s  ", unit_time(time, r->reference[i].from_ns));
		out_wrap(o, 15, 15, 0, r->reference[i].why);
	}
}

static void guest_change(char *buf, size_t len, const struct hvst_guest_transition *t)
{
	char offset[UNIT_BUF], rate[64];
	size_t at;

	at = snprintf(buf, len, "%s -> %s", hvst_guest_source_name(t->from),
		      hvst_guest_source_name(t->to));
	if (t->offset_ns != HVST_UNKNOWN && at < len)
		at += snprintf(buf + at, len - at, ", %s", unit_signed(offset, t->offset_ns));
	rate_text(rate, sizeof(rate), t->rate_ppm, t->rate_ppm_error);
	if (!isnan(t->rate_ppm) && at < len)
		snprintf(buf + at, len - at, ", %s", rate);
}

static void guest_row(struct table *t, const struct hvst_guest_transition *g)
{
	char buf[UNIT_BUF], change[256];

	id_cell(t, g->vm);
	table_cell(t, ROLE_NONE, g->vcpu < 0 ? "all" : id_text(buf, g->vcpu));
	table_cell(t, ROLE_TIME, unit_time(buf, g->ts_ns));
	table_cell(t, ROLE_NONE, hvst_clock_role_name(g->role));
	table_cell(t, confidence_role(g->confidence), hvst_confidence_name(g->confidence));
	guest_change(change, sizeof(change), g);
	table_cell(t, confidence_role(g->confidence), change);
}

static void guest_evidence(struct out *o, const struct hvst_guest_transition *g)
{
	char change[256], time[UNIT_BUF];

	guest_change(change, sizeof(change), g);
	out_printf(o, "  %11s  %s\n", unit_time(time, g->ts_ns), change);
	text_evidence(o, &g->evidence, 15);
}

void text_guest(struct out *o, const struct hvst_result *r, bool verbose)
{
	static const struct column columns[] = {
		{ "VM", 0, 0, 0 },   { "vCPU", 0, 0, 0 },	{ "time", 0, 0, 0 },
		{ "role", 1, 2, 0 }, { "confidence", 1, 1, 0 }, { "change", 1, 0, 1 },
	};
	struct table *t;
	unsigned int i;

	out_in(o, ROLE_TITLE, "Clock sources of the guest");
	out_str(o, "\n");
	if (!r->nr_guest) {
		out_str(o, "  no change seen\n");
		return;
	}
	t = table_new(columns, ARRAY_SIZE(columns));
	for (i = 0; i < r->nr_guest; i++)
		guest_row(t, &r->guest[i]);
	table_end(t, o, 2);
	for (i = 0; verbose && i < r->nr_guest; i++)
		guest_evidence(o, &r->guest[i]);
}

/* Host steps and guest changes in one list by time, for the screen. */
struct clock_line {
	int64_t ts_ns;
	const struct hvst_ref_segment *host;
	const struct hvst_guest_transition *guest;
};

static int by_time(const void *a, const void *b)
{
	const struct clock_line *x = a, *y = b;

	return x->ts_ns < y->ts_ns ? -1 : x->ts_ns > y->ts_ns;
}

/* @all: also what is no change: that a guest's first source became known. */
static unsigned int clock_lines(struct clock_line *lines, const struct hvst_result *r, bool all)
{
	unsigned int i, n = 0;

	for (i = 0; i < r->nr_reference; i++)
		if (r->reference[i].step_ns != HVST_UNKNOWN && r->reference[i].step_ns)
			lines[n++] = (struct clock_line){ r->reference[i].from_ns, &r->reference[i],
							  NULL };
	for (i = 0; i < r->nr_guest; i++)
		if (all || r->guest[i].from != HVST_SRC_UNKNOWN)
			lines[n++] = (struct clock_line){ r->guest[i].ts_ns, NULL, &r->guest[i] };
	qsort(lines, n, sizeof(*lines), by_time);
	return n;
}

static void clock_row(struct table *t, const struct clock_line *l)
{
	char buf[UNIT_BUF], change[256];

	table_cell(t, ROLE_TIME, unit_time(buf, l->ts_ns));
	id_cell(t, l->host ? l->host->vm : l->guest->vm);
	table_cell(t, ROLE_NONE, l->host ? "host" : "guest");
	if (l->host) {
		table_printf(t, ROLE_WARN, "reference clock stepped %s (%s)",
			     unit_signed(buf, l->host->step_ns),
			     hvst_ref_source_name(l->host->source));
		return;
	}
	guest_change(change, sizeof(change), l->guest);
	table_printf(t, confidence_role(l->guest->confidence), "%s (%s)", change,
		     hvst_confidence_name(l->guest->confidence));
}

static void screen_clocks(struct out *o, const struct hvst_trace *trace,
			  const struct hvst_result *r, unsigned int most)
{
	static const struct column columns[] = {
		{ "time", 0, 0, 0 },
		{ "VM", 0, 0, 0 },
		{ "whose", 1, 0, 0 },
		{ "change", 1, 0, 1 },
	};
	struct clock_line *lines = calloc(r->nr_reference + r->nr_guest + 1, sizeof(*lines));
	unsigned int i, n = lines ? clock_lines(lines, r, most == UINT_MAX) : 0;
	struct table *t;

	label(o, "Clocks");
	if (n) {
		t = table_new(columns, ARRAY_SIZE(columns));
		for (i = 0; i < n && i < most; i++)
			clock_row(t, &lines[i]);
		table_end_labelled(t, o, LABEL);
	} else {
		out_str(o, "no step, no change of source seen\n");
	}
	if (most < n)
		more(o, n - most, "clock changes", "clocks", first_file(trace));
	free(lines);
}

/* --- verdicts --------------------------------------------------------------------------------- */

static enum role answer_role(enum hvst_answer a)
{
	return a == HVST_YES ? ROLE_BAD : a == HVST_NO ? ROLE_GOOD : ROLE_WARN;
}

static const char *answer_text(enum hvst_answer a)
{
	return a == HVST_CANNOT_TELL ? "cannot tell" : hvst_answer_name(a);
}

static void missing_events(struct out *o, uint64_t missing, unsigned int indent)
{
	char text[1024] = "needs:";
	unsigned int id;

	if (!missing)
		return;
	for (id = 0; id < HVST_EV_COUNT; id++)
		if (missing >> id & 1)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s",
				 hvst_event_name(id));
	out_pad(o, indent, ' ');
	out_wrap(o, indent, indent + 2, 0, text);
}

static void put_verdict(struct out *o, const struct hvst_verdict *v, unsigned int lines)
{
	const char *name = hvst_question_name(v->question);

	out_in(o, answer_role(v->answer), answer_text(v->answer));
	out_str(o, "  ");
	out_in(o, ROLE_TITLE, name);
	out_str(o, ": ");
	out_wrap(o, LABEL + strlen(answer_text(v->answer)) + strlen(name) + 4, LABEL + 5,
		 lines == UINT_MAX ? 0 : lines, v->summary);
	if (lines != UINT_MAX)
		return;
	missing_events(o, v->missing, LABEL + 5);
	text_evidence(o, &v->evidence, LABEL + 5);
}

/* All questions with one answer on one line. */
static bool put_answered(struct out *o, const struct hvst_result *r, enum hvst_answer answer,
			 bool first)
{
	char text[1024];
	size_t at = 0;
	unsigned int i;

	for (i = 0; i < HVST_Q_COUNT; i++)
		if (r->verdicts[i].answer == answer)
			at += snprintf(text + at, sizeof(text) - at, "%s%s", at ? ", " : "",
				       hvst_question_name(r->verdicts[i].question));
	if (!at)
		return first;
	out_pad(o, first ? 0 : LABEL, ' ');
	out_in(o, answer_role(answer), answer_text(answer));
	out_str(o, "  ");
	out_wrap(o, LABEL + strlen(answer_text(answer)) + 2, LABEL + 5, 0, text);
	return false;
}

/* What is left to say where names alone fit. */
static void other_answers(struct out *o, const struct hvst_result *r, bool first)
{
	unsigned int i, no = 0;

	for (i = 0; i < HVST_Q_COUNT; i++)
		no += r->verdicts[i].answer == HVST_NO;
	if (!no)
		return;
	out_pad(o, first ? 0 : LABEL, ' ');
	out_in(o, answer_role(HVST_NO), "no");
	out_printf(o, "  to the other %u; -v shows all, with evidence\n", no);
}

/*
 * @lines: of each summary of a yes. UINT_MAX: all, and the evidence, and the other answers as
 * well.
 */
static void screen_verdicts(struct out *o, const struct hvst_result *r, unsigned int lines)
{
	bool first = true;
	unsigned int i;

	label(o, "Verdicts");
	for (i = 0; lines && i < HVST_Q_COUNT; i++) {
		if (lines != UINT_MAX && r->verdicts[i].answer != HVST_YES)
			continue;
		out_pad(o, first ? 0 : LABEL, ' ');
		put_verdict(o, &r->verdicts[i], lines);
		first = false;
	}
	if (lines == UINT_MAX)
		return;
	if (!lines)
		first = put_answered(o, r, HVST_YES, first);
	else
		first = put_answered(o, r, HVST_NO, first);
	first = put_answered(o, r, HVST_CANNOT_TELL, first);
	if (!lines)
		other_answers(o, r, first);
}

/* How to record what some verdict lacked; on one line, to be copied. */
static void recording_hint(struct out *o, const struct hvst_result *r)
{
	uint64_t missing = hint_missing(r);

	if (!missing)
		return;
	out_printf(o, "%*sto tell, record: ", LABEL, "");
	record_command(o, missing);
	out_char(o, '\n');
}

static void put_screen(struct out *o, const struct hvst_trace *t, const struct hvst_result *r,
		       const struct limits *most)
{
	enum role role = r->verdicts[HVST_Q_STORM].answer == HVST_NO ? ROLE_GOOD : ROLE_WARN;

	out_role(o, r->nr_storms ? ROLE_BAD : role);
	out_wrap(o, 0, 0, 0, r->headline);
	out_plain(o);
	if (r->advice[0]) {
		out_in(o, ROLE_TITLE, "Next: ");
		out_wrap(o, 6, 6, 0, r->advice);
	}
	text_trace(o, t, most->vms == UINT_MAX);
	screen_vms(o, r, most->vms);
	screen_timers(o, r, most->timers);
	screen_storms(o, t, r, most->storms);
	screen_clocks(o, t, r, most->clocks);
	screen_verdicts(o, r, most->summary);
	if (most->summary)
		recording_hint(o, r);
}

static unsigned int count_lines(const struct out *o)
{
	const char *at = o->buf, *end = o->buf + o->len;
	unsigned int n = 0;

	for (; at && (at = memchr(at, '\n', end - at)); at++)
		n++;
	return n;
}

void text_diagnosis(struct out *o, const struct hvst_trace *t, const struct hvst_result *r,
		    bool verbose)
{
	struct out page;
	unsigned int i;

	if (verbose || !o->height) {
		put_screen(o, t, r, verbose ? &everything : &levels[0]);
		return;
	}
	out_open_memory(&page);
	page.color = o->color;
	page.width = o->width;
	for (i = 0; i < ARRAY_SIZE(levels); i++) {
		page.len = 0;
		put_screen(&page, t, r, &levels[i]);
		if (count_lines(&page) < o->height) /* one is left for the prompt */
			break;
	}
	out_mem(o, page.buf, page.len);
	o->err = o->err ? o->err : page.err;
	out_discard(&page);
}
