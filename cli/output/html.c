// SPDX-License-Identifier: GPL-2.0
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "hint.h"
#include "html.h"
#include "units.h"
#include "xml.h"

#define MAX_PLOTS 6 /* timelines on the page */

static const char style[] =
	":root{color-scheme:light "
	"dark;--bg:#fff;--fg:#1b1b1b;--dim:#5c5c5c;--line:#d8d8d8;--bad:#b3261e;"
	"--good:#1a6b35;--warn:#7a5200;--soft:#f4f5f7}"
	"@media(prefers-color-scheme:dark){:root{--bg:#16181c;--fg:#ececec;--dim:#a8a8a8;--line:#"
	"3a3d44;"
	"--bad:#ff7a70;--good:#6fd08c;--warn:#f0b95a;--soft:#202329}}"
	"body{margin:0 auto;padding:1.5rem;max-width:64rem;background:var(--bg);color:var(--fg);"
	"font:15px/1.45 system-ui,sans-serif}"
	"h1{font-size:1.35rem;line-height:1.3;margin:0 0 .6rem}h2{font-size:1.1rem;margin:2rem 0 "
	".6rem;"
	"border-bottom:1px solid var(--line);padding-bottom:.2rem}"
	".bad{color:var(--bad)}.good{color:var(--good)}.warn{color:var(--warn)}.dim{color:var(--"
	"dim)}"
	".next{background:var(--soft);padding:.7rem 1rem;border-left:4px solid var(--bad);margin:0 "
	"0 1rem}"
	".scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
	"th,td{padding:.25rem .7rem .25rem 0;text-align:left;vertical-align:top;"
	"border-bottom:1px solid var(--line)}th{color:var(--dim);font-weight:600}"
	"td.n,th.n{text-align:right;white-space:nowrap}ul{margin:.2rem 0 .8rem;padding-left:1.2rem}"
	"li{margin:.1rem 0}code{font-size:.92em}figure{margin:0 0 1rem;overflow-x:auto}"
	"figure svg{width:100%;min-width:42rem;height:auto}"
	".answer{display:inline-block;min-width:5.5rem;font-weight:700}";

static void tag(struct out *o, const char *name, const char *class, const char *text)
{
	out_printf(o, class ? "<%s class=\"%s\">" : "<%s>", name, class);
	xml_text(o, text);
	out_printf(o, "</%s>\n", name);
}

static void cell(struct out *o, const char *class, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void cell(struct out *o, const char *class, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	tag(o, "td", class, text);
}

static void id_cell(struct out *o, int id)
{
	if (id < 0)
		cell(o, "n", "?");
	else
		cell(o, "n", "%d", id);
}

/* Titles ending in '#' are of numbers. */
static void table_begin(struct out *o, const char *const *titles)
{
	out_str(o, "<div class=\"scroll\"><table><thead><tr>\n");
	for (; *titles; titles++)
		if (**titles == '#')
			tag(o, "th", "n", *titles + 1);
		else
			tag(o, "th", NULL, *titles);
	out_str(o, "</tr></thead><tbody>\n");
}

static void table_close(struct out *o)
{
	out_str(o, "</tbody></table></div>\n");
}

static void evidence(struct out *o, const struct hvst_evidence_list *l)
{
	char time[UNIT_BUF];
	unsigned int i;

	if (!l->n)
		return;
	out_str(o, "<ul>\n");
	for (i = 0; i < l->n && i < HVST_MAX_EVIDENCE; i++) {
		const struct hvst_evidence *e = &l->e[i];

		out_str(o, "<li>");
		if (e->ts_ns != HVST_UNKNOWN) {
			out_str(o, "<code>");
			xml_printf(o, "%s", unit_time(time, e->ts_ns));
			if (e->cpu >= 0)
				xml_printf(o, " [%03d]", e->cpu);
			if (e->event >= 0)
				xml_printf(o, " %s", hvst_event_name(e->event));
			out_str(o, "</code> ");
		}
		xml_text(o, e->text);
		out_str(o, "</li>\n");
	}
	out_str(o, "</ul>\n");
}

/* --- sections --------------------------------------------------------------------------------- */

/* A series and what makes it worth a place on the page. */
struct candidate {
	const struct series *s;
	unsigned int storms;
};

static int by_worth(const void *a, const void *b)
{
	const struct candidate *x = a, *y = b;
	uint64_t m = hvst_sketch_count(x->s->sketch), n = hvst_sketch_count(y->s->sketch);

	if (x->storms != y->storms)
		return x->storms > y->storms ? -1 : 1;
	return m > n ? -1 : m < n;
}

/* The series, those with most storms first, then those with most arms; NULL without memory. */
static struct candidate *candidates(const struct svg_context *ctx)
{
	struct candidate *c = calloc(ctx->c->nr_series + 1, sizeof(*c));
	unsigned int i, k;

	for (i = 0; c && i < ctx->c->nr_series; i++) {
		const struct series *s = c[i].s = &ctx->c->series[i];

		for (k = 0; k < ctx->result->nr_storms; k++) {
			const struct hvst_storm *m = &ctx->result->storms[k];

			c[i].storms += m->vm == s->vm && m->vcpu == s->vcpu && m->timer == s->timer;
		}
	}
	if (c)
		qsort(c, ctx->c->nr_series, sizeof(*c), by_worth);
	return c;
}

static void plots(struct out *o, const struct svg_context *ctx)
{
	struct candidate *c = candidates(ctx);
	unsigned int i, n = ctx->c->nr_series;

	if (!c || !n) {
		free(c);
		return;
	}
	tag(o, "h2", NULL, "Skew over time");
	for (i = 0; i < n && i < MAX_PLOTS; i++) {
		out_str(o, "<figure>\n");
		svg_timeline(o, ctx, c[i].s);
		out_str(o, "</figure>\n");
	}
	if (i < n)
		out_printf(
			o,
			"<p class=\"dim\">%u timers of %u: those with storms, then those with most "
			"arms.</p>\n",
			i, n);
	tag(o, "h2", NULL, "Histogram of the first of them");
	out_str(o, "<figure>\n");
	svg_histogram(o, ctx, c[0].s);
	out_str(o, "</figure>\n");
	free(c);
}

static void storm_row(struct out *o, const struct hvst_storm *s, unsigned int i)
{
	char a[UNIT_BUF], b[UNIT_BUF];

	out_str(o, "<tr>\n");
	cell(o, "n", "%u", i + 1);
	id_cell(o, s->vm);
	id_cell(o, s->vcpu);
	id_cell(o, s->timer);
	cell(o, "n", "%s", unit_time(a, s->start_ns));
	cell(o, "n", "%s%s", s->open ? "over " : "", unit_duration(a, s->end_ns - s->start_ns));
	cell(o, "n", "%s of %s", unit_count(a, s->past_due), unit_count(b, s->arms));
	cell(o, "n", "%s", unit_rate(a, s->rate_hz));
	cell(o, NULL, "%s", hvst_storm_kind_name(s->kind));
	cell(o, "n", "%s", unit_signed(a, s->skew_max_ns));
	cell(o, "n", "%s, %s", unit_share(a, s->progress_before),
	     unit_share(b, s->progress_during));
	if (s->trigger_event >= 0)
		cell(o, NULL, "%s, %s %s", hvst_event_name(s->trigger_event),
		     unit_duration(a, llabs(s->trigger_distance_ns)),
		     s->trigger_distance_ns < 0 ? "after" : "before");
	else
		cell(o, NULL, "none seen");
	out_str(o, "</tr>\n");
}

static void storms(struct out *o, const struct hvst_result *r)
{
	static const char *const titles[] = {
		"##",
		"#VM",
		"#vCPU",
		"#timer",
		"#start, s",
		"#lasts",
		"#past-due arms",
		"#rate",
		"kind",
		"#largest skew",
		"#progress before, during",
		"set off by",
		NULL,
	};
	unsigned int i;

	tag(o, "h2", NULL, "Storms");
	if (!r->nr_storms) {
		tag(o, "p", "good", "None.");
		return;
	}
	table_begin(o, titles);
	for (i = 0; i < r->nr_storms; i++)
		storm_row(o, &r->storms[i], i);
	table_close(o);
	for (i = 0; i < r->nr_storms; i++)
		evidence(o, &r->storms[i].evidence);
}

static const char *answer_class(enum hvst_answer a)
{
	return a == HVST_YES ? "answer bad" : a == HVST_NO ? "answer good" : "answer warn";
}

static void verdict(struct out *o, const struct hvst_verdict *v)
{
	unsigned int id;

	out_str(o, "<p>");
	tag(o, "span", answer_class(v->answer),
	    v->answer == HVST_CANNOT_TELL ? "cannot tell" : hvst_answer_name(v->answer));
	tag(o, "b", NULL, hvst_question_name(v->question));
	out_str(o, "<br/>");
	xml_text(o, v->summary);
	if (v->missing) {
		out_str(o, " <span class=\"dim\">Needs:");
		for (id = 0; id < HVST_EV_COUNT; id++)
			if (v->missing >> id & 1)
				xml_printf(o, " %s", hvst_event_name(id));
		out_str(o, "</span>");
	}
	out_str(o, "</p>\n");
	evidence(o, &v->evidence);
}

/* How to record what some verdict lacked. */
static void recording_hint(struct out *o, const struct hvst_result *r)
{
	uint64_t missing = hint_missing(r);
	struct out command;

	if (!missing)
		return;
	out_open_memory(&command);
	record_command(&command, missing);
	out_char(&command, 0);
	out_str(o, "<p>To tell what could not be told, record:<br/><code>");
	xml_text(o, command.buf ? command.buf : "");
	out_str(o, "</code></p>\n");
	out_discard(&command);
}

static void verdicts(struct out *o, const struct hvst_result *r)
{
	static const enum hvst_answer order[] = { HVST_YES, HVST_CANNOT_TELL, HVST_NO };
	unsigned int i, k;

	tag(o, "h2", NULL, "Verdicts and their evidence");
	for (k = 0; k < sizeof(order) / sizeof(order[0]); k++)
		for (i = 0; i < HVST_Q_COUNT; i++)
			if (r->verdicts[i].answer == order[k])
				verdict(o, &r->verdicts[i]);
	recording_hint(o, r);
}

static void reference_row(struct out *o, const struct hvst_ref_segment *s)
{
	char a[UNIT_BUF];

	out_str(o, "<tr>\n");
	id_cell(o, s->vm);
	cell(o, "n", "%s", unit_time(a, s->from_ns));
	cell(o, "n", "%s", unit_time(a, s->to_ns));
	cell(o, NULL, "%s", hvst_ref_source_name(s->source));
	cell(o, "n", "%s", s->step_ns == HVST_UNKNOWN ? "" : unit_signed(a, s->step_ns));
	cell(o, "n", "%s", unit_ppm(a, s->rate_ppm));
	cell(o, NULL, "%s", s->why);
	out_str(o, "</tr>\n");
}

static void guest_row(struct out *o, const struct hvst_guest_transition *t)
{
	char a[UNIT_BUF];

	out_str(o, "<tr>\n");
	id_cell(o, t->vm);
	if (t->vcpu < 0)
		cell(o, "n", "all");
	else
		cell(o, "n", "%d", t->vcpu);
	cell(o, "n", "%s", unit_time(a, t->ts_ns));
	cell(o, NULL, "%s", hvst_clock_role_name(t->role));
	cell(o, NULL, "%s -> %s", hvst_guest_source_name(t->from), hvst_guest_source_name(t->to));
	cell(o, "n", "%s", t->offset_ns == HVST_UNKNOWN ? "" : unit_signed(a, t->offset_ns));
	cell(o, "n", "%s", isnan(t->rate_ppm) ? "" : unit_ppm(a, t->rate_ppm));
	cell(o, NULL, "%s", hvst_confidence_name(t->confidence));
	cell(o, NULL, "%s", t->evidence.n ? t->evidence.e[0].text : "");
	out_str(o, "</tr>\n");
}

static void clocks(struct out *o, const struct hvst_result *r)
{
	static const char *const reference[] = {
		"#VM", "#from, s", "#to, s", "source", "#step", "#rate", "why", NULL,
	};
	static const char *const guest[] = {
		"#VM",	   "#vCPU", "#time, s",	  "role",     "change",
		"#offset", "#rate", "confidence", "evidence", NULL,
	};
	unsigned int i;

	tag(o, "h2", NULL, "The host's reference clock");
	table_begin(o, reference);
	for (i = 0; i < r->nr_reference; i++)
		reference_row(o, &r->reference[i]);
	table_close(o);
	tag(o, "h2", NULL, "The guest's clock sources");
	if (!r->nr_guest) {
		tag(o, "p", NULL, "No change seen.");
		return;
	}
	table_begin(o, guest);
	for (i = 0; i < r->nr_guest; i++)
		guest_row(o, &r->guest[i]);
	table_close(o);
}

static void timer_row(struct out *o, const struct hvst_timer *t)
{
	static const unsigned int points[] = { 100, 5000, 9900 };
	bool some = t->skew && hvst_sketch_count(t->skew);
	char a[UNIT_BUF];
	unsigned int i;

	out_str(o, "<tr>\n");
	id_cell(o, t->vm);
	id_cell(o, t->vcpu);
	id_cell(o, t->timer);
	cell(o, "n", "%d", t->tid);
	cell(o, NULL, "%s, %s", hvst_timer_mode_name(t->mode),
	     hvst_delivery_mode_name(t->delivery));
	cell(o, "n", "%s", unit_count(a, t->arms));
	cell(o, "n", "%s", unit_count(a, t->past_due_observed + t->past_due_inferred));
	cell(o, "n", "%s", unit_count(a, t->past_due_inferred));
	for (i = 0; i < sizeof(points) / sizeof(points[0]); i++)
		cell(o, "n", "%s",
		     some ? unit_signed(a, hvst_sketch_quantile(t->skew, points[i])) : "");
	cell(o, "n", "%s", some ? unit_signed(a, hvst_sketch_max(t->skew)) : "");
	out_str(o, "</tr>\n");
}

static void timers(struct out *o, const struct hvst_result *r)
{
	static const char *const titles[] = {
		"#VM",	    "#vCPU", "#timer",	  "#tid",
		"mode",	    "#arms", "#past due", "#of these inferred",
		"#skew p1", "#p50",  "#p99",	  "#max",
		NULL,
	};
	unsigned int i;

	tag(o, "h2", NULL, "Timers");
	table_begin(o, titles);
	for (i = 0; i < r->nr_timers; i++)
		timer_row(o, &r->timers[i]);
	table_close(o);
	tag(o, "p", "dim",
	    "Skew: the reference time when the timer was armed minus the expiry asked for; "
	    "positive is "
	    "already past.");
}

static void trace(struct out *o, const struct hvst_trace *t)
{
	char a[UNIT_BUF], b[UNIT_BUF], c[UNIT_BUF];
	unsigned int i;

	tag(o, "h2", NULL, "The recording");
	out_str(o, "<ul>\n");
	for (i = 0; i < t->nr_files; i++) {
		out_str(o, "<li><code>");
		xml_text(o, t->files[i].path);
		out_str(o, "</code>");
		xml_printf(o, ", version %d%s%s%s", t->files[i].version,
			   t->files[i].compression ? ", " : "",
			   t->files[i].compression ? t->files[i].compression : "",
			   t->files[i].truncated_at != HVST_UNKNOWN ? ", cut off" : "");
		out_str(o, "</li>\n");
	}
	out_str(o, "<li>");
	xml_printf(o, "clock %s, %u CPUs, %s", t->clock ? t->clock : "?", t->cpus,
		   t->first_ns == HVST_UNKNOWN ? "empty"
					       : unit_duration(a, t->last_ns - t->first_ns));
	out_str(o, "</li>\n<li>");
	xml_printf(o, "%s events, %s understood, %llu ignored, %s lost in %llu places",
		   unit_count(a, t->events), unit_count(b, t->relevant),
		   (unsigned long long)t->ignored,
		   t->lost_places && !t->lost_events ? "an unknown number"
						     : unit_count(c, t->lost_events),
		   (unsigned long long)t->lost_places);
	out_str(o, "</li>\n");
	if (t->incomplete)
		tag(o, "li", "warn", "interrupted: this holds for the part that was read");
	if (t->padding_ns != HVST_UNKNOWN) {
		out_str(o, "<li>");
		xml_printf(o, "the kernel delays past-due timers by %s (padding)",
			   unit_duration(a, t->padding_ns));
		out_str(o, "</li>\n");
	}
	out_str(o, "</ul>\n");
}

void html_report(struct out *o, const struct svg_context *ctx)
{
	const struct hvst_result *r = ctx->result;

	out_str(o,
		"<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\"><head>"
		"<meta charset=\"utf-8\"/><meta name=\"viewport\" "
		"content=\"width=device-width\"/>\n<title>");
	xml_printf(o, "hvstimer: %s", ctx->trace->nr_files ? ctx->trace->files[0].path : "");
	out_str(o, "</title>\n<style>");
	out_str(o, style);
	svg_style(o);
	out_str(o, "</style></head>\n<body>\n");
	tag(o, "h1", r->nr_storms ? "bad" : NULL, r->headline);
	if (r->advice[0]) {
		out_str(o, "<p class=\"next\"><b>Next:</b> ");
		xml_text(o, r->advice);
		out_str(o, "</p>\n");
	}
	plots(o, ctx);
	storms(o, r);
	verdicts(o, r);
	clocks(o, r);
	timers(o, r);
	trace(o, ctx->trace);
	out_printf(o, "<p class=\"dim\">hvstimer %s</p>\n</body></html>\n", hvst_version());
}
