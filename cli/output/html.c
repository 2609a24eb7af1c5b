// SPDX-License-Identifier: GPL-2.0
#include <stdlib.h>

#include "finding.h"
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

static void put_cells(struct out *o, const struct finding_kind *kind, const void *finding)
{
	char text[FIELD_BUF];
	unsigned int i;

	for (i = 0; i < kind->n; i++) {
		const struct finding_field *f = &kind->fields[i];

		if (f->in & IN_PAGE)
			tag(o, "td", field_left(f) ? NULL : "n",
			    field_text(f, finding, text, sizeof(text)));
	}
}

static void put_titles(struct out *o, const struct finding_kind *kind)
{
	unsigned int i;

	for (i = 0; i < kind->n; i++)
		if (kind->fields[i].in & IN_PAGE)
			tag(o, "th", field_left(&kind->fields[i]) ? NULL : "n",
			    kind->fields[i].title);
}

/* @numbered: a first column counts the rows. */
static void put_table(struct out *o, const struct finding_kind *kind, const void *first,
		      unsigned int n, bool numbered)
{
	unsigned int i;

	out_str(o, "<div class=\"scroll\"><table><thead><tr>\n");
	if (numbered)
		tag(o, "th", "n", "#");
	put_titles(o, kind);
	out_str(o, "</tr></thead><tbody>\n");
	for (i = 0; i < n; i++) {
		out_str(o, "<tr>\n");
		if (numbered)
			out_printf(o, "<td class=\"n\">%u</td>\n", i + 1);
		put_cells(o, kind, finding_at(kind, first, i));
		out_str(o, "</tr>\n");
	}
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

/* A series with its rank for the page. */
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

static void storms(struct out *o, const struct hvst_result *r)
{
	unsigned int i;

	tag(o, "h2", NULL, "Storms");
	if (!r->nr_storms) {
		tag(o, "p", "good", "None.");
		return;
	}
	put_table(o, &finding_storm, r->storms, r->nr_storms, true);
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

/* The command that records what verdicts lacked. */
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

static void clocks(struct out *o, const struct hvst_result *r)
{
	tag(o, "h2", NULL, "The host's reference clock");
	put_table(o, &finding_reference, r->reference, r->nr_reference, false);
	tag(o, "h2", NULL, "The guest's clock sources");
	if (r->nr_guest)
		put_table(o, &finding_guest, r->guest, r->nr_guest, false);
	else
		tag(o, "p", NULL, "No change seen.");
}

static void timers(struct out *o, const struct hvst_result *r)
{
	tag(o, "h2", NULL, "Timers");
	put_table(o, &finding_timer, r->timers, r->nr_timers, false);
	tag(o, "p", "dim",
	    "Skew: the reference time when the timer was armed minus the expiry asked for; "
	    "positive is already past.");
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
	for (i = 0; i < t->nr_buffers; i++) {
		if (!t->buffers[i].selected || !t->buffers[i].previous_boot)
			continue;
		out_str(o, "<li>buffer <code>");
		xml_text(o, t->buffers[i].name);
		out_str(o, "</code>: of the previous boot of the host</li>\n");
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

/* Reasons below the headline, then what to do, a step each. */
static void steps(struct out *o, const struct hvst_result *r)
{
	unsigned int i;

	if (r->nr_reasons)
		out_str(o, "<ul>\n");
	for (i = 0; i < r->nr_reasons; i++)
		tag(o, "li", NULL, r->reasons[i]);
	if (r->nr_reasons)
		out_str(o, "</ul>\n");
	if (r->nr_next) {
		out_str(o, "<div class=\"next\"><b>Next:</b><ol>\n");
		for (i = 0; i < r->nr_next; i++)
			tag(o, "li", NULL, r->next[i]);
		out_str(o, "</ol></div>\n");
	} else if (r->advice[0]) {
		out_str(o, "<p class=\"next\"><b>Next:</b> ");
		xml_text(o, r->advice);
		out_str(o, "</p>\n");
	}
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
	steps(o, r);
	plots(o, ctx);
	storms(o, r);
	verdicts(o, r);
	clocks(o, r);
	timers(o, r);
	trace(o, ctx->trace);
	out_printf(o, "<p class=\"dim\">hvstimer %s</p>\n</body></html>\n", hvst_version());
}
