// SPDX-License-Identifier: GPL-2.0
/* The report page of diagnose. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "../array.h"
#include "finding.h"
#include "hint.h"
#include "html.h"
#include "next.h"
#include "svg_draw.h"
#include "units.h"
#include "words.h"
#include "xml.h"

#define NO_NAME	   "(none)" /* uname has this in place of a host without a name */
#define MAX_PLOTS  6	    /* timelines on the page */
#define MAX_CLOCKS 8	    /* pictures of a VM's clocks */
#define MAX_STORMS 100	    /* listed one by one */
#define MAX_VMS	   100	    /* listed, and */
#define MAX_VCPUS  64	    /* vCPUs of each */
#define FEW_ROWS   8	    /* a longer table of stretches is folded */

static const char style[] =
	":root{color-scheme:light "
	"dark;--bg:#fff;--fg:#1b1b1b;--dim:#5c5c5c;--line:#d8d8d8;--bad:#b3261e;"
	"--good:#1a6b35;--warn:#7a5200;--soft:#f4f5f7}"
	"@media(prefers-color-scheme:dark){:root{--bg:#16181c;--fg:#ececec;--dim:#a8a8a8;--line:#"
	"3a3d44;"
	"--bad:#ff7a70;--good:#6fd08c;--warn:#f0b95a;--soft:#202329}}"
	"body{margin:0 auto;padding:1.5rem;max-width:74rem;background:var(--bg);color:var(--fg);"
	"font:15px/1.45 system-ui,sans-serif}"
	"h1{font-size:1.35rem;line-height:1.3;margin:0 0 .6rem}h2{font-size:1.1rem;margin:2rem 0 "
	".6rem;"
	"border-bottom:1px solid var(--line);padding-bottom:.2rem}"
	".bad{color:var(--bad)}.good{color:var(--good)}.warn{color:var(--warn)}.dim{color:var(--"
	"dim)}"
	".next{background:var(--soft);padding:.7rem 1rem;border-left:4px solid "
	"var(--line);margin:0 "
	"0 1rem}"
	".scroll{overflow-x:auto}table{border-collapse:collapse;font-variant-numeric:tabular-nums}"
	"th,td{padding:.25rem .7rem .25rem 0;text-align:left;vertical-align:top;"
	"border-bottom:1px solid var(--line)}th{color:var(--dim);font-weight:600}"
	"td.n,th.n{text-align:right;white-space:nowrap}ul{margin:.2rem 0 .8rem;padding-left:1.2rem}"
	"li{margin:.1rem 0}code{font-size:.92em}figure{margin:0 0 1rem;overflow-x:auto}"
	".next.alarm{border-left-color:var(--bad)}h3{font-size:1rem;margin:1.2rem 0 .3rem}"
	"dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.15rem "
	".9rem;margin:.2rem 0}"
	"dt{color:var(--dim)}dd{margin:0;overflow-wrap:anywhere}code{overflow-wrap:anywhere}"
	"summary{cursor:pointer;margin:.3rem 0}"
	"figure svg{width:100%;min-width:42rem;height:auto}figure.clocks svg{min-width:0}"
	".answer{display:inline-block;min-width:5.5rem;font-weight:700}"
	"@media(max-width:640px){.answer{display:block}}";

void html_tag(struct out *o, const char *name, const char *class, const char *text)
{
	out_printf(o, class ? "<%s class=\"%s\">" : "<%s>", name, class);
	xml_text(o, text);
	out_printf(o, "</%s>\n", name);
}

/* Is there anything to see in the column of @f? Some fields are shown only where they are not 0. */
static bool worth_a_column(const struct finding_field *f, const void *list, unsigned int n)
{
	char text[FIELD_BUF];
	unsigned int i;

	for (i = 0; i < n && f->hide_zero; i++) {
		field_text(f, finding_at(list, i), text, sizeof(text));
		if (strcmp(text, "0") && strcmp(text, "-"))
			break;
	}
	return f->in & IN_PAGE && (!f->hide_zero || i < n);
}

/* The time beside which its wall clock is shown; NULL: none, or the wall clock is not known. */
static const struct finding_field *wall_clock_beside(const struct finding_kind *kind)
{
	char text[UNIT_BUF];

	return strcmp(unit_utc(text, 0), "-") ? finding_clock(kind, IN_PAGE) : NULL;
}

static void put_cells(struct out *o, const struct finding_kind *kind, const void *finding,
		      const bool *shown)
{
	const struct finding_field *clock = wall_clock_beside(kind);
	char text[FIELD_BUF];
	unsigned int i;

	for (i = 0; i < kind->n; i++) {
		const struct finding_field *f = &kind->fields[i];

		if (shown[i])
			html_tag(o, "td", field_left(f) ? NULL : "n",
				 field_text(f, finding, text, sizeof(text)));
		if (f == clock)
			html_tag(o, "td", "n", unit_utc_time(text, field_i64(f, finding)));
	}
}

static void put_titles(struct out *o, const struct finding_kind *kind, const bool *shown)
{
	const struct finding_field *clock = wall_clock_beside(kind);
	unsigned int i;

	for (i = 0; i < kind->n; i++) {
		if (shown[i])
			html_tag(o, "th", field_left(&kind->fields[i]) ? NULL : "n",
				 kind->fields[i].title);
		if (&kind->fields[i] == clock)
			html_tag(o, "th", "n", "UTC");
	}
}

/* @numbered: a first column counts the rows. */
static void put_table(struct out *o, const struct finding_kind *kind, const void *list,
		      unsigned int n, bool numbered)
{
	bool shown[FINDING_MAX_FIELDS];
	unsigned int i;

	for (i = 0; i < kind->n; i++)
		shown[i] = worth_a_column(&kind->fields[i], list, n);
	out_str(o, "<div class=\"scroll\"><table><thead><tr>\n");
	if (numbered)
		html_tag(o, "th", "n", "#");
	put_titles(o, kind, shown);
	out_str(o, "</tr></thead><tbody>\n");
	for (i = 0; i < n; i++) {
		out_str(o, "<tr>\n");
		if (numbered)
			out_printf(o, "<td class=\"n\">%u</td>\n", i + 1);
		put_cells(o, kind, finding_at(list, i), shown);
		out_str(o, "</tr>\n");
	}
	out_str(o, "</tbody></table></div>\n");
}

static void evidence_item(struct out *o, const struct hvst_evidence *e)
{
	char time[UNIT_BUF];

	out_str(o, "<li>");
	if (e->ts_ns != HVST_UNKNOWN) {
		out_str(o, "<code>");
		xml_printf(o, "%s", unit_time(time, e->ts_ns));
		if (unit_utc_ns(e->ts_ns) != HVST_UNKNOWN)
			xml_printf(o, " %s", unit_utc_time(time, e->ts_ns));
		if (e->cpu >= 0)
			xml_printf(o, " [%03d]", e->cpu);
		if (e->event >= 0)
			xml_printf(o, " %s", hvst_event_name(e->event));
		out_str(o, "</code> ");
	}
	xml_text(o, e->text);
	out_str(o, "</li>\n");
}

static bool listed(const struct hvst_evidence_list *l, const struct hvst_evidence *e)
{
	unsigned int i;

	for (i = 0; i < l->n && i < HVST_MAX_EVIDENCE; i++)
		if (l->e[i].ts_ns == e->ts_ns && l->e[i].event == e->event &&
		    !strcmp(l->e[i].text, e->text))
			return true;
	return false;
}

/* Is the evidence shown with one of the storms already? */
static bool under_a_storm(const struct hvst_result *r, const struct hvst_evidence *e)
{
	unsigned int i;

	for (i = 0; i < r->nr_storms && i < MAX_STORMS; i++)
		if (listed(&r->storms[i]->evidence, e))
			return true;
	return false;
}

/* @but: a result whose storms' evidence is left out; NULL: none. */
static void evidence(struct out *o, const struct hvst_evidence_list *l,
		     const struct hvst_result *but)
{
	unsigned int i, n = 0;

	for (i = 0; i < l->n && i < HVST_MAX_EVIDENCE; i++) {
		if (but && under_a_storm(but, &l->e[i]))
			continue;
		out_str(o, n++ ? "" : "<ul>\n");
		evidence_item(o, &l->e[i]);
	}
	out_str(o, n ? "</ul>\n" : "");
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
			const struct hvst_storm *m = ctx->result->storms[k];

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
	html_tag(o, "h2", NULL, "Skew over time");
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
	html_tag(o, "h2", NULL,
		 n > 1 ? "How the skew of the first of them is distributed"
		       : "How the skew is distributed");
	out_str(o, "<figure>\n");
	svg_histogram(o, ctx, c[0].s);
	out_str(o, "</figure>\n");
	free(c);
}

/* The clocks of each VM. */
static void two_clocks(struct out *o, const struct svg_context *ctx)
{
	const struct hvst_result *r = ctx->result;
	struct out figure;
	unsigned int n = 0;

	out_open_memory(&figure);
	for (unsigned int i = 0; i < r->nr_vms && n < MAX_CLOCKS; i++) {
		svg_clocks(&figure, ctx, r->vms[i]->vm);
		if (!figure.len)
			continue;
		if (!n++)
			html_tag(o, "h2", NULL, "Which clock left the line");
		out_str(o, "<figure class=\"clocks\">\n");
		out_mem(o, figure.buf, figure.len);
		out_str(o, "</figure>\n");
		figure.len = 0;
	}
	o->err = o->err ? o->err : figure.err;
	out_discard(&figure);
}

/* All that is known of one storm, and its evidence. */
static void storm(struct out *o, const struct hvst_storm *s, unsigned int nr)
{
	char text[FIELD_BUF];
	unsigned int i;

	out_printf(o,
		   "<h3 id=\"storm%u\">Storm %u: VM %d, vCPU %d, timer %d, thread %d</h3>\n<dl>\n",
		   nr, nr, s->vm, s->vcpu, s->timer, s->tid);
	for (i = 0; i < finding_storm.n; i++) {
		const struct finding_field *f = &finding_storm.fields[i];

		if (!(f->in & IN_LIST) || !field_known(f, s))
			continue;
		html_tag(o, "dt", NULL, f->title);
		html_tag(o, "dd", NULL, field_text(f, s, text, sizeof(text)));
	}
	out_str(o, "</dl>\n");
	evidence(o, &s->evidence, NULL);
}

static void storms(struct out *o, const struct hvst_result *r)
{
	unsigned int i;

	html_tag(o, "h2", NULL, "Storms");
	if (!r->nr_storms) {
		html_tag(o, "p", NULL,
			 r->verdicts[HVST_Q_STORM]->answer == HVST_NO ? "None." : "None was seen.");
		return;
	}
	put_table(o, &finding_storm, r->storms, r->nr_storms, true);
	for (i = 0; i < r->nr_storms && i < MAX_STORMS; i++)
		storm(o, r->storms[i], i + 1);
	if (i < r->nr_storms)
		out_printf(o, "<p class=\"dim\">The other %u: hvstimer storms.</p>\n",
			   r->nr_storms - i);
}

/* Without a storm nothing is an alarm. */
static const char *answer_class(const struct hvst_result *r, enum hvst_answer a)
{
	if (a == HVST_YES)
		return r->nr_storms ? "answer bad" : "answer warn";
	return a == HVST_NO ? "answer good" : "answer warn";
}

static void verdict(struct out *o, const struct hvst_result *r, const struct hvst_verdict *v)
{
	unsigned int id;

	out_str(o, "<p>");
	html_tag(o, "span", answer_class(r, v->answer), words_answer(v->answer));
	html_tag(o, "b", NULL, words_question(v->question));
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
	evidence(o, &v->evidence, r);
}

/* The command that records the events that verdicts lacked. */
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

	html_tag(o, "h2", NULL, "Verdicts and their evidence");
	for (k = 0; k < ARRAY_SIZE(order); k++)
		for (i = 0; i < HVST_Q_COUNT; i++)
			if (r->verdicts[i]->answer == order[k])
				verdict(o, r, r->verdicts[i]);
	recording_hint(o, r);
}

static void clocks(struct out *o, const struct hvst_result *r)
{
	bool fold = r->nr_reference > FEW_ROWS;

	html_tag(o, "h2", NULL, "The host's reference clock");
	if (fold)
		out_printf(o,
			   "<details><summary>%u stretches between changes of source, step or "
			   "rate</summary>\n",
			   r->nr_reference);
	if (r->nr_reference)
		put_table(o, &finding_reference, r->reference, r->nr_reference, false);
	else
		html_tag(o, "p", NULL, "No samples.");
	out_str(o, fold ? "</details>\n" : "");
	html_tag(o, "h2", NULL, "What happened to each VM");
	if (r->nr_life)
		put_table(o, &finding_life, r->life, r->nr_life, false);
	else
		html_tag(o, "p", NULL, "Nothing was seen.");
	html_tag(o, "h2", NULL, "The guest's clock sources");
	if (r->nr_guest)
		put_table(o, &finding_guest, r->guest, r->nr_guest, false);
	else
		html_tag(o, "p", NULL, "No change seen.");
}

static void timers(struct out *o, const struct hvst_result *r)
{
	html_tag(o, "h2", NULL, "Timers");
	put_table(o, &finding_timer, r->timers, r->nr_timers, false);
	html_tag(o, "p", "dim",
		 "Skew: the reference time when the timer was armed minus the expiry asked for; "
		 "positive is already past.");
}

/* "Linux HOST RELEASE MACHINE": the word of that number, "" if there are fewer. */
static void uname_word(const char *uname, unsigned int nr, char *buf, size_t len)
{
	for (; uname && nr; nr--) {
		uname += strcspn(uname, " ");
		uname += strspn(uname, " ");
	}
	snprintf(buf, len, "%.*s", uname ? (int)strcspn(uname, " ") : 0, uname ? uname : "");
}

static void term(struct out *o, const char *name, const char *text)
{
	html_tag(o, "dt", NULL, name);
	html_tag(o, "dd", NULL, text);
}

static void file(struct out *o, const struct hvst_file_info *f)
{
	char text[256], date[32], word[2][96];
	struct stat st;
	struct tm tm;

	term(o, "file", f->path);
	snprintf(text, sizeof(text), "trace.dat version %d, %s%s", f->version,
		 f->compression ? f->compression : "not compressed",
		 f->truncated_at != HVST_UNKNOWN ? ", cut off" : "");
	term(o, "format", text);
	uname_word(f->uname, 1, word[0], sizeof(word[0]));
	uname_word(f->uname, 2, word[1], sizeof(word[1]));
	term(o, "host", *word[0] && strcmp(word[0], NO_NAME) ? word[0] : "not named in the file");
	term(o, "kernel", *word[1] ? word[1] : "not named in the file");
	if (!stat(f->path, &st) && gmtime_r(&st.st_mtime, &tm) &&
	    strftime(date, sizeof(date), "%Y-%m-%d %H:%M UTC", &tm))
		term(o, "file written", date);
}

static void buffers(struct out *o, const struct hvst_trace *t)
{
	char text[1024] = "";
	unsigned int i;

	for (i = 0; i < t->nr_buffers; i++)
		if (t->buffers[i]->selected)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s%s",
				 *text ? ", " : "",
				 *t->buffers[i]->name ? t->buffers[i]->name : "top",
				 t->buffers[i]->previous_boot ? " (of the host's previous boot)"
							      : "");
	if (t->nr_buffers > 1 || strchr(text, '('))
		term(o, "buffers", text);
}

static void period(struct out *o, const struct hvst_trace *t)
{
	char a[UNIT_BUF], b[UNIT_BUF], c[UNIT_BUF], text[160];

	snprintf(text, sizeof(text), "%.32s, %u CPUs", t->clock ? t->clock : "?", t->cpus);
	term(o, "trace clock", text);
	if (t->first_ns == HVST_UNKNOWN)
		return;
	snprintf(text, sizeof(text), "%s to %s s (%s)", unit_time(a, t->first_ns),
		 unit_time(b, t->last_ns), unit_duration(c, t->last_ns - t->first_ns));
	term(o, "recorded", text);
	if (!strcmp(unit_utc(a, t->first_ns), "-"))
		return;
	snprintf(text, sizeof(text), "%s to %s", a, unit_utc(b, t->last_ns));
	term(o, "wall clock", text);
}

static void counters(struct out *o, const struct hvst_trace *t)
{
	char a[UNIT_BUF], b[UNIT_BUF], c[UNIT_BUF], text[256];

	snprintf(text, sizeof(text), "%s, %s used, %s left out", unit_count(a, t->events),
		 unit_count(b, t->relevant), unit_count(c, t->ignored));
	term(o, "events", text);
	snprintf(text, sizeof(text), "%s events in %s place%s",
		 t->lost_places && !t->lost_events ? "an unknown number of"
						   : unit_count(a, t->lost_events),
		 unit_count(b, t->lost_places), t->lost_places == 1 ? "" : "s");
	term(o, "lost", t->lost_places ? text : "nothing");
	if (t->incomplete)
		term(o, "interrupted", "this holds for the part that was read");
	if (t->padding_ns != HVST_UNKNOWN)
		term(o, "padding: the kernel delays past-due timers by",
		     unit_duration(a, t->padding_ns));
}

/* What was recorded: events and their numbers. */
static void seen(struct out *o, const struct hvst_trace *t)
{
	char count[UNIT_BUF];
	unsigned int id;

	out_str(o, "<details><summary>Events by name</summary><div class=\"scroll\"><table>\n");
	for (id = 0; id < HVST_EV_COUNT; id++)
		if (t->seen[id])
			out_printf(o, "<tr><td>%s</td><td class=\"n\">%s</td></tr>\n",
				   hvst_event_name(id), unit_count(count, t->seen[id]));
	out_str(o, "</table></div></details>\n");
}

static void vms(struct out *o, const struct hvst_result *r)
{
	char head[32], text[VM_TEXT];
	unsigned int i;

	for (i = 0; i < r->nr_vms && i < MAX_VMS; i++) {
		snprintf(head, sizeof(head), r->vms[i]->vm < 0 ? "VM not known" : "VM %d",
			 r->vms[i]->vm);
		term(o, head, vm_text(text, r->vms[i], MAX_VCPUS));
	}
	snprintf(text, sizeof(text), "%u", r->nr_vms - i);
	if (i < r->nr_vms)
		term(o, "more VMs", text);
}

static void trace(struct out *o, const struct hvst_trace *t, const struct hvst_result *r,
		  char *const *argv)
{
	unsigned int i;

	html_tag(o, "h2", NULL, "The recording");
	out_str(o, "<dl>\n");
	for (i = 0; i < t->nr_files; i++)
		file(o, t->files[i]);
	buffers(o, t);
	period(o, t);
	counters(o, t);
	vms(o, r);
	html_tag(o, "dt", NULL, "command");
	out_str(o, "<dd><code>hvstimer");
	for (; *argv; argv++)
		xml_printf(o, " %s", *argv);
	out_str(o, "</code></dd>\n</dl>\n");
	seen(o, t);
}

static void words(struct out *o)
{
	unsigned int i;

	html_tag(o, "h2", NULL, "Words");
	out_str(o, "<dl>\n");
	for (i = 0; i < nr_glossary; i++)
		term(o, glossary[i].word, glossary[i].meaning);
	out_str(o, "</dl>\n");
}

/* Reasons below the headline, then what to do, a step each. */
static void steps(struct out *o, const struct hvst_trace *t, const struct hvst_result *r)
{
	char text[NEXT_BUF + NEXT_FILES_BUF], files[NEXT_FILES_BUF];
	unsigned int i;

	if (r->nr_reasons)
		out_str(o, "<ul>\n");
	for (i = 0; i < r->nr_reasons; i++)
		html_tag(o, "li", NULL, r->reasons[i]);
	if (r->nr_reasons)
		out_str(o, "</ul>\n");
	if (r->nr_next) {
		out_printf(o, "<div class=\"next%s\"><b>Next:</b><ol>\n",
			   r->nr_storms ? " alarm" : "");
		for (i = 0; i < r->nr_next; i++)
			html_tag(o, "li", NULL, r->next[i]);
		if (*next_wall_clock(text, r))
			html_tag(o, "li", NULL, text);
		out_str(o, "</ol>");
		if (*next_command(text, t, r)) {
			snprintf(text + strlen(text), sizeof(text) - strlen(text), " %s",
				 next_files(files, t));
			out_str(o, "See: ");
			html_tag(o, "code", NULL, text);
		}
		out_str(o, "</div>\n");
	} else if (r->advice[0]) {
		out_printf(o, "<p class=\"next%s\"><b>Next:</b> ", r->nr_storms ? " alarm" : "");
		xml_text(o, r->advice);
		out_str(o, "</p>\n");
	}
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

/* The subject of the page, for its title and the line above the headline. */
static void put_title(struct out *o, const void *ctx)
{
	const struct hvst_trace *t = ctx;
	char host[96];

	xml_printf(o, "Hyper-V timers of %s", t->nr_files ? base_name(t->files[0]->path) : "?");
	if (t->nr_files > 1)
		xml_printf(o, " and %u more", t->nr_files - 1);
	uname_word(t->nr_files ? t->files[0]->uname : NULL, 1, host, sizeof(host));
	if (*host && strcmp(host, NO_NAME))
		xml_printf(o, ", host %s", host);
}

void html_begin(struct out *o, void (*title)(struct out *o, const void *ctx), const void *ctx)
{
	out_str(o,
		"<!DOCTYPE html>\n<html lang=\"en\" xmlns=\"http://www.w3.org/1999/xhtml\"><head>"
		"<meta charset=\"utf-8\"/><meta name=\"viewport\" "
		"content=\"width=device-width\"/>\n<title>");
	title(o, ctx);
	out_str(o, "</title>\n<style>");
	out_str(o, style);
	svg_style(o);
	out_str(o, "</style></head>\n<body>\n<p class=\"dim\">");
	title(o, ctx);
	out_str(o, "</p>\n");
}

void html_end(struct out *o)
{
	out_printf(o, "<p class=\"dim\">hvstimer %s</p>\n</body></html>\n", hvst_version());
}

static void notes_table(struct out *o, const struct notes *n)
{
	const struct note *list[NOTES_MAX];

	if (!n->n)
		return;
	for (unsigned int i = 0; i < n->n; i++)
		list[i] = &n->note[i];
	html_tag(o, "h2", NULL, "Notes");
	put_table(o, &finding_note, list, n->n, false);
}

void html_report(struct out *o, const struct svg_context *ctx, const struct notes *notes,
		 char *const *argv)
{
	const struct hvst_result *r = ctx->result;

	html_begin(o, put_title, ctx->trace);
	html_tag(o, "h1", r->nr_storms ? "bad" : NULL, r->headline);
	steps(o, ctx->trace, r);
	two_clocks(o, ctx);
	plots(o, ctx);
	notes_table(o, notes);
	storms(o, r);
	verdicts(o, r);
	clocks(o, r);
	timers(o, r);
	trace(o, ctx->trace, ctx->result, argv);
	words(o);
	html_end(o);
}
