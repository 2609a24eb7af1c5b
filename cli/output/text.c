// SPDX-License-Identifier: GPL-2.0
/* The text report, and its shortening until it fits the screen. */
#include <inttypes.h>
#include <limits.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../array.h"
#include "finding_text.h"
#include "hint.h"
#include "next.h"
#include "table.h"
#include "text.h"
#include "trace.h"
#include "units.h"
#include "words.h"

#define LABEL 9 /* width of the column of labels */

/* Limits of the parts of the screen. */
struct limits {
	unsigned int vms, timers, storms, clocks;
	unsigned int summary; /* lines of a verdict's, 0: only its name */
	bool counted;	      /* only count the questions that cannot be answered */
	unsigned int words;   /* explained at their first use: 2 all, 1 those of arms, 0 none */
	bool outside;	      /* past-due arms outside storms, beside the storms */
	unsigned int steps;   /* of what to do next */
};

/* Tried in order until the screen fits the terminal. */
static const struct limits levels[] = {
	{ 4, 6, 6, 8, 3, false, 2, true, UINT_MAX }, { 2, 4, 4, 5, 1, false, 2, true, UINT_MAX },
	{ 1, 3, 4, 4, 0, false, 2, true, UINT_MAX }, { 0, 3, 3, 3, 0, true, 2, true, UINT_MAX },
	{ 0, 2, 2, 2, 0, true, 1, true, UINT_MAX },  { 0, 1, 2, 1, 0, true, 1, true, UINT_MAX },
	{ 0, 1, 2, 1, 0, true, 1, false, UINT_MAX }, { 0, 1, 1, 1, 0, true, 1, false, UINT_MAX },
	{ 0, 1, 1, 1, 0, true, 0, false, UINT_MAX }, { 0, 1, 1, 1, 0, true, 0, false, 2 },
	{ 0, 1, 1, 1, 0, true, 0, false, 1 },
};
static const struct limits everything = { UINT_MAX, UINT_MAX, UINT_MAX, UINT_MAX, UINT_MAX,
					  false,    2,	      true,	UINT_MAX };

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

static void more(struct out *o, unsigned int left, const char *what, const char *command,
		 const struct hvst_trace *t)
{
	char text[128], files[NEXT_FILES_BUF];
	int len =
		snprintf(text, sizeof(text), "and %u more %s%s", left, what, left == 1 ? "" : "s");

	out_pad(o, LABEL, ' ');
	out_role(o, ROLE_DIM);
	out_str(o, text);
	if (next_readable(t)) {
		len += (int)(strlen(": hvstimer  ") + strlen(command));
		next_files(files, t);
		/* else the line would break */
		if (LABEL + len + strlen(files) > o->width)
			strcpy(files, "FILE");
		out_printf(o, ": hvstimer %s ", command);
		out_safe(o, files);
	}
	out_plain(o);
	out_char(o, '\n');
}

/* --- the trace -------------------------------------------------------------------------------- */

static void note(struct out *o, enum role role, const char *text)
{
	out_pad(o, LABEL, ' ');
	out_role(o, role);
	out_wrap(o, LABEL, LABEL, 0, text);
	out_plain(o);
}

/* A note of any length: paths are in it. */
static void note_printf(struct out *o, enum role role, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static void note_printf(struct out *o, enum role role, const char *fmt, ...)
{
	char *text;
	va_list ap;

	va_start(ap, fmt);
	text = out_format(o, fmt, ap);
	va_end(ap);
	if (text)
		note(o, role, text);
	free(text);
}

static void put_files(struct out *o, const struct hvst_trace *t)
{
	struct out text;
	char buf[UNIT_BUF];
	unsigned int i;

	out_open_memory(&text);
	for (i = 0; i < t->nr_files; i++) {
		const struct hvst_file_info *f = t->files[i];

		out_printf(&text, "%s (v%d%s%s), ", f->path, f->version, f->compression ? ", " : "",
			   f->compression ? f->compression : "");
	}
	out_printf(&text, "clock %s%s", t->clock ? t->clock : "?",
		   t->scale_source == HVST_SCALE_ESTIMATED ? " (scale estimated)" : "");
	if (t->first_ns != HVST_UNKNOWN)
		out_printf(&text, ", %s", unit_duration(buf, t->last_ns - t->first_ns));
	out_printf(&text, ", %s%u CPU%s", trace_is_cut(t) ? "at least " : "", t->cpus,
		   t->cpus == 1 ? "" : "s");
	out_char(&text, 0);
	if (text.err)
		o->err = o->err ? o->err : text.err;
	else
		out_wrap(o, LABEL, LABEL, 0, text.buf);
	out_discard(&text);
}

static size_t counter(char *buf, size_t len, uint64_t n, const char *what)
{
	char count[UNIT_BUF];

	return n ? snprintf(buf, len, ", %s %s", unit_count(count, n), what) : 0;
}

static void lost_text(char *buf, size_t len, const struct hvst_trace *t)
{
	char places[UNIT_BUF], events[UNIT_BUF], time[UNIT_BUF];
	size_t at;

	if (!t->lost_places) {
		snprintf(buf, len, ", none lost");
		return;
	}
	at = snprintf(buf, len, ", %s lost in %s place%s",
		      t->lost_events ? unit_count(events, t->lost_events) : "an unknown number",
		      unit_count(places, t->lost_places), t->lost_places == 1 ? "" : "s");
	if (t->lost_ns > 0 && at < len) /* 0: nothing precedes the gap, its length is not known */
		snprintf(buf + at, len - at, " (%s)", unit_duration(time, t->lost_ns));
}

static void put_counters(struct out *o, const struct hvst_trace *t)
{
	char text[512], events[UNIT_BUF], used[UNIT_BUF];
	size_t at;

	at = snprintf(text, sizeof(text), "%s events, %s of them used",
		      unit_count(events, t->events), unit_count(used, t->relevant));
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
	for (unsigned int i = 0; i < t->nr_files; i++) {
		const struct hvst_file_info *f = t->files[i];

		if (f->truncated_at != HVST_UNKNOWN)
			note_printf(o, ROLE_WARN,
				    "%s is cut off at byte %" PRId64
				    ": this holds for what comes before",
				    f->path, f->truncated_at);
	}
}

static void put_previous_boot(struct out *o, const struct hvst_trace *t)
{
	for (unsigned int i = 0; i < t->nr_buffers; i++) {
		const struct hvst_buffer_info *b = t->buffers[i];

		if (b->selected && b->previous_boot)
			note_printf(o, ROLE_WARN,
				    "buffer %s is a persistent ring buffer of the previous boot",
				    b->name);
	}
}

static void put_readers(struct out *o, const struct hvst_trace *t)
{
	for (unsigned int i = 0; i < t->nr_files; i++) {
		const struct hvst_file_info *f = t->files[i];

		note_printf(o, ROLE_DIM, "%s read by %s%s%s%s", f->path,
			    f->reader ? f->reader : "?",
			    f->declined ? "; the page reader declined: " : "",
			    f->declined ? f->declined : "",
			    f->uname ? "" : "; kernel not named in the file");
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

/* The wall-clock time of the recording, where it is known. */
static void put_utc(struct out *o, const struct hvst_trace *t)
{
	char text[160], first[UNIT_BUF], last[UNIT_BUF], time[UNIT_BUF];

	if (!strcmp(unit_utc(first, t->first_ns), "-"))
		return;
	if (!strncmp(first, unit_utc(last, t->last_ns), strlen("2026-11-28")))
		unit_utc_time(last, t->last_ns);
	snprintf(text, sizeof(text), "%s (%s s) to %s", first, unit_time(time, t->first_ns), last);
	note(o, ROLE_NONE, text);
}

/* @cut: report files that are cut off. */
static void put_trace(struct out *o, const struct hvst_trace *t, bool verbose, bool utc, bool cut)
{
	char text[128], buf[UNIT_BUF];

	label(o, "Trace");
	put_files(o, t);
	put_counters(o, t);
	if (t->incomplete)
		note(o, ROLE_WARN, "interrupted: this holds for the part that was read");
	if (utc)
		put_utc(o, t);
	if (cut)
		put_cut_files(o, t);
	put_previous_boot(o, t);
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

void text_trace(struct out *o, const struct hvst_trace *t, bool verbose)
{
	put_trace(o, t, verbose, true, true);
}

/* --- VMs and timers --------------------------------------------------------------------------- */

static void put_vm(struct out *o, const struct hvst_vm *vm, bool verbose)
{
	char head[32], buf[UNIT_BUF], text[VM_TEXT];

	snprintf(head, sizeof(head), "VM %s", id_text(buf, vm->vm));
	label(o, head);
	out_wrap(o, LABEL, LABEL, 0, vm_text(text, vm, verbose ? 64 : 3));
}

static void screen_vms(struct out *o, const struct hvst_result *r, unsigned int most)
{
	unsigned int i;

	for (i = 0; i < r->nr_vms && i < most; i++)
		put_vm(o, r->vms[i], most == UINT_MAX);
	if (most && i < r->nr_vms)
		out_printf(o, "%*sand %u more VM%s: -v\n", LABEL, "", r->nr_vms - i,
			   r->nr_vms - i == 1 ? "" : "s");
}

/*
 * Which @most of @n rows a shortened table shows, by their @weight; sets @shown of the others to
 * false.
 */
static void choose_rows(bool *shown, const unsigned int *weight, unsigned int n, unsigned int most)
{
	unsigned int i, k, best;

	for (i = 0; i < n; i++)
		shown[i] = most >= n;
	for (k = 0; k < most && most < n; k++) {
		for (i = 0, best = n; i < n; i++)
			if (!shown[i] && (best == n || weight[i] > weight[best]))
				best = i;
		shown[best] = true;
	}
}

/* Storms sorted by two numbers, so that a row looks them up. */
struct key {
	int64_t major, minor;
};

static int cmp_key(const void *a, const void *b)
{
	const struct key *x = a, *y = b;

	if (x->major != y->major)
		return x->major < y->major ? -1 : 1;
	return x->minor < y->minor ? -1 : x->minor > y->minor;
}

static bool has_key(const struct key *keys, unsigned int n, int64_t major, int64_t minor)
{
	const struct key key = { major, minor };

	return n && bsearch(&key, keys, n, sizeof(key), cmp_key);
}

/*
 * A table of the @most heaviest of @n findings, in their own order. @weight: how much each matters;
 * NULL without memory. Frees it.
 */
static void put_findings(struct out *o, const struct finding_kind *kind, const void *list,
			 unsigned int n, unsigned int most, bool numbered, unsigned int *weight)
{
	bool *shown = calloc(n + 1, sizeof(*shown));

	if (weight && shown) {
		choose_rows(shown, weight, n, most);
		finding_table(o, kind, list, n, shown, LABEL, numbered);
	}
	free(weight);
	free(shown);
}

/* One number of a VM and a thread id, which another VM may use again. */
static int64_t thread_of(int vm, int tid)
{
	return vm * (1LL << 32) + tid;
}

/* Timers of the headline's storm first, then of others, then those with past-due arms. */
static unsigned int timer_weight(const struct hvst_result *r, const struct hvst_timer *t,
				 const struct key *stormy)
{
	const struct hvst_storm *worst = r->headline_storm;

	if (worst && worst->vm == t->vm && worst->tid == t->tid && worst->timer == t->timer)
		return 3;
	if (has_key(stormy, r->nr_storms, thread_of(t->vm, t->tid), t->timer))
		return 2;
	return t->past_due_observed + t->past_due_inferred > 0;
}

static unsigned int *timer_weights(const struct hvst_result *r)
{
	unsigned int *weight = calloc(r->nr_timers + 1, sizeof(*weight));
	struct key *stormy = calloc(r->nr_storms + 1, sizeof(*stormy));

	for (unsigned int i = 0; stormy && i < r->nr_storms; i++)
		stormy[i] = (struct key){ thread_of(r->storms[i]->vm, r->storms[i]->tid),
					  r->storms[i]->timer };
	if (stormy)
		qsort(stormy, r->nr_storms, sizeof(*stormy), cmp_key);
	for (unsigned int i = 0; stormy && weight && i < r->nr_timers; i++)
		weight[i] = timer_weight(r, r->timers[i], stormy);
	if (!stormy) {
		free(weight);
		weight = NULL;
	}
	free(stormy);
	return weight;
}

static void screen_timers(struct out *o, const struct hvst_result *r, const struct limits *l)
{
	label(o, "Timers");
	if (!r->nr_timers) {
		out_str(o, "none was armed\n");
		return;
	}
	put_findings(o, &finding_timer, r->timers, r->nr_timers, l->timers, false,
		     timer_weights(r));
	if (l->timers < r->nr_timers)
		out_printf(o, "%*sand %u more timer%s: -v\n", LABEL, "", r->nr_timers - l->timers,
			   r->nr_timers - l->timers == 1 ? "" : "s");
	if (l->words)
		note(o, ROLE_DIM,
		     "arm: a timer is set; past due: for a time already gone; see --explain");
}

/* --- storms ----------------------------------------------------------------------------------- */

void text_no_storm(struct out *o, const struct hvst_result *r)
{
	if (r->verdicts[HVST_Q_STORM]->answer == HVST_NO)
		out_str(o, "No storm.\n");
	else
		out_str(o, "No storm was seen, but this recording cannot rule one out.\n");
}

void text_storm_details(struct out *o, const struct hvst_result *r, const struct hvst_result *all,
			bool verbose)
{
	char vm[UNIT_BUF], vcpu[UNIT_BUF], timer[UNIT_BUF];
	unsigned int i, number = 0;

	for (i = 0; i < r->nr_storms; i++) {
		const struct hvst_storm *s = r->storms[i];

		while (number < all->nr_storms && all->storms[number++] != s)
			;
		out_role(o, ROLE_BAD);
		out_printf(o, "Storm %u: VM %s vCPU %s timer %s (tid %d)", number,
			   id_text(vm, s->vm), id_text(vcpu, s->vcpu), id_text(timer, s->timer),
			   s->tid);
		out_plain(o);
		out_char(o, '\n');
		finding_list(o, &finding_storm, s);
		if (verbose)
			finding_evidence(o, &s->evidence, 2);
		out_char(o, '\n');
	}
}

void text_past_due(struct out *o, const struct hvst_past_due *p, unsigned int indent)
{
	char text[320], count[UNIT_BUF];
	uint64_t n = p->isolated + p->bursts;
	unsigned int i;
	size_t at;

	if (!n)
		return;
	at = snprintf(text, sizeof(text), "%s past-due arm%s outside storms", unit_count(count, n),
		      n == 1 ? "" : "s");
	for (i = 0; i < finding_past_due.n; i++) {
		const struct finding_field *f = &finding_past_due.fields[i];

		if (f->in & IN_LIST)
			at += counter(text + at, sizeof(text) - at, field_u64(f, p), f->title);
	}
	out_pad(o, indent, ' ');
	out_wrap(o, indent, indent, 0, text);
}

static unsigned int *storm_weights(const struct hvst_result *r)
{
	unsigned int *weight = calloc(r->nr_storms + 1, sizeof(*weight));

	for (unsigned int i = 0; weight && i < r->nr_storms; i++) {
		const struct hvst_storm *s = r->storms[i];
		uint64_t size = s == r->headline_storm ? UINT_MAX : storm_size(s);

		weight[i] = size > UINT_MAX ? UINT_MAX : (unsigned int)size;
	}
	return weight;
}

/* The meaning of the kinds of storms that occur. */
static void explain_kinds(struct out *o, const struct hvst_result *r)
{
	static const struct {
		enum hvst_storm_kind kind;
		const char *text;
	} kinds[] = {
		{ HVST_STORM_BACKLOG, "backlog: the guest replays missed ticks" },
		{ HVST_STORM_CONSTANT, "constant: its clock lags by a fixed amount" },
		{ HVST_STORM_GROWING, "growing: its clock runs too slowly" },
		{ HVST_STORM_LIVELOCK, "livelock: KVM handles one arm over and over" },
	};
	unsigned int i, k, seen = 0;
	char text[256] = "";

	for (i = 0; i < r->nr_storms; i++)
		seen |= 1u << r->storms[i]->kind;
	for (k = 0; k < ARRAY_SIZE(kinds); k++)
		if (seen >> kinds[k].kind & 1)
			snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
				 *text ? "; " : "", kinds[k].text);
	if (*text)
		note(o, ROLE_DIM, text);
}

static void screen_storms(struct out *o, const struct hvst_trace *trace,
			  const struct hvst_result *r, const struct limits *l)
{
	label(o, "Storms");
	if (r->nr_storms)
		put_findings(o, &finding_storm, r->storms, r->nr_storms, l->storms, true,
			     storm_weights(r));
	else
		out_str(o, "none\n");
	if (l->storms < r->nr_storms)
		more(o, r->nr_storms - l->storms, "storm", "storms", trace);
	if (l->outside || !r->nr_storms)
		text_past_due(o, r->past_due, LABEL);
	if (l->words > 1)
		explain_kinds(o, r);
}

/* --- clocks ----------------------------------------------------------------------------------- */

void text_reference(struct out *o, const struct hvst_result *r, bool verbose)
{
	char time[UNIT_BUF];
	unsigned int i;

	out_in(o, ROLE_TITLE, "Reference clock of the host, as time_now shows it");
	out_str(o, "\n");
	if (!r->nr_reference) {
		out_str(o, "  no samples\n");
		return;
	}
	out_pad(o, 2, ' ');
	finding_table(o, &finding_reference, r->reference, r->nr_reference, NULL, 2, false);
	for (i = 0; verbose && i < r->nr_reference; i++) {
		out_printf(o, "  %11s  ", unit_time(time, r->reference[i]->from_ns));
		out_wrap(o, 15, 15, 0, r->reference[i]->why);
	}
}

/* "TSC page -> reference counter, -3.00 s" */
static char *guest_change(char *buf, size_t len, const struct hvst_guest_transition *t)
{
	return field_text(finding_column(&finding_guest, "change"), t, buf, len);
}

static void guest_evidence(struct out *o, const struct hvst_guest_transition *g)
{
	char change[256], time[UNIT_BUF];

	out_printf(o, "  %11s  %s\n", unit_time(time, g->ts_ns),
		   guest_change(change, sizeof(change), g));
	finding_evidence(o, &g->evidence, 15);
}

void text_guest(struct out *o, const struct hvst_result *r, bool verbose)
{
	unsigned int i;

	out_in(o, ROLE_TITLE, "Clock sources of the guest");
	out_str(o, "\n");
	if (!r->nr_guest) {
		out_str(o, "  no change seen\n");
		return;
	}
	out_pad(o, 2, ' ');
	finding_table(o, &finding_guest, r->guest, r->nr_guest, NULL, 2, false);
	for (i = 0; verbose && i < r->nr_guest; i++)
		guest_evidence(o, r->guest[i]);
}

static void life_row(struct out *o, const struct hvst_life_event *e)
{
	bool moved = e->reference_ns != HVST_UNKNOWN && e->reference_ns;
	char time[UNIT_BUF], step[UNIT_BUF], vm[UNIT_BUF], text[FIELD_BUF];

	snprintf(text, sizeof(text), "VM %s %s%s%s: %s", id_text(vm, e->vm), words_life(e->kind),
		 moved ? ", its reference clock moved by " : "",
		 moved ? unit_signed(step, e->reference_ns) : "", e->steps);
	out_printf(o, "  %11s  ", unit_time(time, e->ts_ns));
	out_wrap(o, 15, 15, 0, text);
}

static void tsc_behind(struct out *o, const struct hvst_vm *vm, bool verbose)
{
	char id[UNIT_BUF], size[UNIT_BUF], error[UNIT_BUF];

	if (vm->tsc_behind_ns != HVST_UNKNOWN)
		out_printf(o, "  VM %s: TSC %s %s reference time, each from its zero (+- %s)\n",
			   id_text(id, vm->vm), unit_duration(size, llabs(vm->tsc_behind_ns)),
			   vm->tsc_behind_ns < 0 ? "ahead of" : "behind",
			   unit_duration(error, vm->tsc_behind_error_ns));
	else if (verbose)
		out_printf(o, "  VM %s: TSC against reference time unknown: %s\n",
			   id_text(id, vm->vm), vm->tsc_behind_why);
}

void text_life(struct out *o, const struct hvst_result *r, bool verbose)
{
	out_in(o, ROLE_TITLE, "What happened to each VM");
	out_str(o, "\n");
	for (unsigned int i = 0; i < r->nr_life; i++)
		life_row(o, r->life[i]);
	if (!r->nr_life)
		out_str(o, "  nothing was seen\n");
	for (unsigned int i = 0; i < r->nr_vms; i++)
		tsc_behind(o, r->vms[i], verbose);
	if (!verbose || !r->nr_moves)
		return;
	out_char(o, '\n');
	out_in(o, ROLE_TITLE, "What moved their clocks");
	out_str(o, "\n");
	out_pad(o, 2, ' ');
	finding_table(o, &finding_move, r->moves, r->nr_moves, NULL, 2, false);
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

/* @all: include a guest's first source, which is not a change. */
static unsigned int clock_lines(struct clock_line *lines, const struct hvst_result *r, bool all)
{
	unsigned int i, n = 0;

	for (i = 0; i < r->nr_reference; i++)
		if (r->reference[i]->step_ns != HVST_UNKNOWN && r->reference[i]->step_ns)
			lines[n++] = (struct clock_line){ r->reference[i]->from_ns, r->reference[i],
							  NULL };
	for (i = 0; i < r->nr_guest; i++)
		if (all || r->guest[i]->from != HVST_SRC_UNKNOWN)
			lines[n++] = (struct clock_line){ r->guest[i]->ts_ns, NULL, r->guest[i] };
	qsort(lines, n, sizeof(*lines), by_time);
	return n;
}

static void clock_row(struct table *t, const struct clock_line *l)
{
	char buf[UNIT_BUF], change[256];

	table_cell(t, ROLE_TIME, unit_time(buf, l->ts_ns));
	table_cell(t, ROLE_NONE, unit_utc_time(buf, l->ts_ns));
	table_cell(t, ROLE_NONE, id_text(buf, l->host ? l->host->vm : l->guest->vm));
	table_cell(t, ROLE_NONE,
		   l->host || l->guest->vcpu < 0 ? "all" : id_text(buf, l->guest->vcpu));
	table_cell(t, ROLE_NONE, l->host ? "host" : "guest");
	if (l->host) {
		table_printf(t, ROLE_WARN, "reference clock stepped %s (%s)",
			     unit_signed(buf, l->host->step_ns), words_ref_source(l->host->source));
		return;
	}
	table_printf(t, l->guest->confidence == HVST_SUSPECTED ? ROLE_DIM : ROLE_NONE, "%s: %s%s",
		     hvst_confidence_name(l->guest->confidence),
		     guest_change(change, sizeof(change), l->guest),
		     l->guest->role == HVST_ROLE_TIMEKEEPING ? ", its timekeeping" : "");
}

/* What set storms off, by VM and time, into @keys. Returns how many. */
static unsigned int causes_of(const struct hvst_result *r, struct key *keys)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < r->nr_storms; i++)
		if (r->storms[i]->cause != HVST_CAUSE_NOT_SEEN)
			keys[n++] = (struct key){ r->storms[i]->vm, r->storms[i]->cause_ts_ns };
	qsort(keys, n, sizeof(*keys), cmp_key);
	return n;
}

/*
 * The cause of the worst storm first, then those of others, then what preceded the worst one: steps
 * of the host's clock, changes of the guest's.
 */
static unsigned int clock_weight(const struct hvst_result *r, const struct clock_line *l,
				 const struct key *causes, unsigned int n)
{
	const struct hvst_storm *worst = r->headline_storm;
	int vm = l->host ? l->host->vm : l->guest->vm;
	bool of_worst = worst && worst->vm == vm;

	if (of_worst && worst->cause != HVST_CAUSE_NOT_SEEN && worst->cause_ts_ns == l->ts_ns)
		return 5;
	if (has_key(causes, n, vm, l->ts_ns))
		return 4;
	if (of_worst && l->ts_ns <= worst->start_ns)
		return l->host ? 3 : 2;
	return 1;
}

/* Of equal ones the last before the storm is the nearest. */
static void choose_clocks(bool *shown, const struct hvst_result *r, const struct clock_line *lines,
			  unsigned int n, unsigned int most)
{
	unsigned int *weight = calloc(n + 1, sizeof(*weight)), i, w, nr_causes;
	struct key *causes = calloc(r->nr_storms + 1, sizeof(*causes));

	if (weight && causes) {
		nr_causes = causes_of(r, causes);
		for (i = 0; i < n; i++) {
			w = clock_weight(r, &lines[i], causes, nr_causes);
			weight[i] = w * (n + 1) + (w == 2 || w == 3 ? i : n - i);
		}
		choose_rows(shown, weight, n, most);
	}
	free(weight);
	free(causes);
}

static void clock_table(struct out *o, const struct hvst_result *r, const struct clock_line *lines,
			unsigned int n, unsigned int most)
{
	static const struct column columns[] = {
		{ .title = "time" },
		{ .title = "UTC", .hide_zero = true, .drop = 2 },
		{ .title = "VM" },
		{ .title = "vCPU", .drop = 1 },
		{ .title = "whose", .left = true },
		{ .title = "change", .left = true, .flexible = true },
	};
	struct table *t = table_new(columns, ARRAY_SIZE(columns));
	bool *shown = calloc(n + 1, sizeof(*shown));
	unsigned int i;

	if (shown)
		choose_clocks(shown, r, lines, n, most);
	for (i = 0; i < n && shown; i++)
		if (shown[i])
			clock_row(t, &lines[i]);
	table_end_labelled(t, o, LABEL);
	free(shown);
}

static void screen_clocks(struct out *o, const struct hvst_trace *trace,
			  const struct hvst_result *r, unsigned int most)
{
	struct clock_line *lines = calloc(r->nr_reference + r->nr_guest + 1, sizeof(*lines));
	unsigned int n = lines ? clock_lines(lines, r, most == UINT_MAX) : 0;

	label(o, "Clocks");
	if (n)
		clock_table(o, r, lines, n, most);
	else if (r->verdicts[HVST_Q_HOST_REFERENCE_STEP]->answer == HVST_YES)
		out_str(o, "a step with one reading after it, see the verdicts\n");
	else
		out_str(o, "no step, no change of source seen\n");
	if (most < n)
		more(o, n - most, "clock change", "clocks", trace);
	free(lines);
}

/* --- verdicts --------------------------------------------------------------------------------- */

static enum role answer_role(enum hvst_answer a)
{
	return a == HVST_YES ? ROLE_BAD : a == HVST_NO ? ROLE_GOOD : ROLE_WARN;
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
	out_in(o, answer_role(v->answer), words_answer(v->answer));
	out_str(o, "  ");
	out_role(o, ROLE_TITLE);
	out_wrap(o, LABEL + strlen(words_answer(v->answer)) + 2, LABEL + 5, 0,
		 words_question(v->question));
	out_plain(o);
	out_pad(o, LABEL + 5, ' ');
	out_wrap(o, LABEL + 5, LABEL + 5, lines == UINT_MAX ? 0 : lines, v->summary);
	if (lines != UINT_MAX)
		return;
	missing_events(o, v->missing, LABEL + 5);
	finding_evidence(o, &v->evidence, LABEL + 5);
}

/* How many past-due arms an answer refers to, where one arm is enough for a yes. */
static const char *how_many(char buf[64], const struct hvst_result *r, const struct hvst_verdict *v)
{
	char held[UNIT_BUF], all[UNIT_BUF];

	buf[0] = 0;
	if (v->question == HVST_Q_PREEMPTION && v->answer == HVST_YES)
		snprintf(buf, 64, " (%s of %s arms)", unit_count(held, r->past_due_held),
			 unit_count(all, r->past_due_all));
	return buf;
}

/* All questions with the same answer on one line. */
static bool put_answered(struct out *o, const struct hvst_result *r, enum hvst_answer answer,
			 bool first)
{
	char text[1024], many[64];
	size_t at = 0;
	unsigned int i;

	for (i = 0; i < HVST_Q_COUNT; i++)
		if (r->verdicts[i]->answer == answer)
			at += snprintf(text + at, sizeof(text) - at, "%s%s%s", at ? ", " : "",
				       words_topic(r->verdicts[i]->question),
				       how_many(many, r, r->verdicts[i]));
	if (!at)
		return first;
	out_pad(o, first ? 0 : LABEL, ' ');
	out_in(o, answer_role(answer), words_answer(answer));
	out_str(o, "  ");
	out_wrap(o, LABEL + strlen(words_answer(answer)) + 2, LABEL + 5, 0, text);
	return false;
}

/* How many questions have each of these answers, where their names do not fit. */
static void count_answered(struct out *o, const struct hvst_result *r, bool first,
			   const enum hvst_answer *answers, unsigned int nr)
{
	bool any = false;

	for (unsigned int k = 0; k < nr; k++) {
		unsigned int n = 0;

		for (unsigned int i = 0; i < HVST_Q_COUNT; i++)
			n += r->verdicts[i]->answer == answers[k];
		if (!n)
			continue;
		if (any)
			out_str(o, ", ");
		else
			out_pad(o, first ? 0 : LABEL, ' ');
		out_in(o, answer_role(answers[k]), words_answer(answers[k]));
		out_printf(o, "%s to %u%s", any ? "" : " ", n, any ? "" : " more");
		any = true;
	}
	if (any)
		out_str(o, hint_missing(r) ? "; -v: evidence, what to record\n"
					   : "; -v shows all, with evidence\n");
}

/*
 * @most->summary: lines of each summary of a yes. UINT_MAX: all, and the evidence, and the other
 * answers as well.
 */
static void screen_verdicts(struct out *o, const struct hvst_result *r, const struct limits *most)
{
	static const enum hvst_answer rest[] = { HVST_CANNOT_TELL, HVST_NO };
	unsigned int lines = most->summary;
	bool first = true;
	unsigned int i;

	label(o, "Verdicts");
	for (i = 0; lines && i < HVST_Q_COUNT; i++) {
		if (lines != UINT_MAX && r->verdicts[i]->answer != HVST_YES)
			continue;
		out_pad(o, first ? 0 : LABEL, ' ');
		put_verdict(o, r->verdicts[i], lines);
		first = false;
	}
	if (lines == UINT_MAX)
		return;
	if (!lines)
		first = put_answered(o, r, HVST_YES, first);
	else
		first = put_answered(o, r, HVST_NO, first);
	if (!most->counted)
		first = put_answered(o, r, HVST_CANNOT_TELL, first);
	if (most->counted)
		count_answered(o, r, first, rest, 2);
	else if (!lines)
		count_answered(o, r, first, rest + 1, 1);
}

/* The command that records the events that verdicts lacked; on one line, to be copied. */
static void recording_hint(struct out *o, const struct hvst_result *r)
{
	uint64_t missing = hint_missing(r);

	if (!missing)
		return;
	out_printf(o, "%*sto tell, record: ", LABEL, "");
	record_command(o, missing);
	out_char(o, '\n');
}

/* The command that shows it; the files on a separate line where it would be too long. */
static void put_command(struct out *o, const struct hvst_trace *t, const struct hvst_result *r)
{
	char text[NEXT_BUF], files[NEXT_FILES_BUF];
	int at = 9 + (int)strlen("See: ");

	if (!*next_command(text, t, r))
		return;
	next_files(files, t);
	out_printf(o, "%*sSee: %s", 9, "", text);
	if (at + strlen(text) + 1 + strlen(files) <= o->width)
		out_char(o, ' ');
	else
		out_printf(o, " \\\n%*s", at, "");
	out_safe(o, files);
	out_char(o, '\n');
}

/* Reasons below the headline, then what to do, a step each. */
static void put_steps(struct out *o, const struct hvst_trace *t, const struct hvst_result *r,
		      unsigned int most)
{
	char text[NEXT_BUF];
	unsigned int i;

	for (i = 0; i < r->nr_reasons; i++) {
		out_str(o, "  - ");
		out_wrap(o, 4, 4, 0, r->reasons[i]);
	}
	if (!r->nr_next && !r->advice[0])
		return;
	out_in(o, ROLE_TITLE, "Next: ");
	if (!r->nr_next)
		out_wrap(o, 6, 6, 0, r->advice);
	for (i = 0; i < r->nr_next && i < most; i++) {
		out_printf(o, "%*s%u. ", i ? 6 : 0, "", i + 1);
		out_wrap(o, 9, 9, 0, r->next[i]);
	}
	if (*next_wall_clock(text, r)) {
		out_printf(o, "%*s%u. ", i ? 6 : 0, "", i + 1);
		out_wrap(o, 9, 9, 0, text);
	}
	put_command(o, t, r);
}

static void put_screen(struct out *o, const struct hvst_trace *t, const struct hvst_result *r,
		       const struct limits *most)
{
	enum role role = r->verdicts[HVST_Q_STORM]->answer == HVST_NO ? ROLE_GOOD : ROLE_WARN;

	out_role(o, r->nr_storms ? ROLE_BAD : role);
	out_wrap(o, 0, 0, 0, r->headline);
	out_plain(o);
	put_steps(o, t, r, most->steps);
	/*
	 * The steps name the time that matters, where not all fit; the reasons name what is cut
	 * off.
	 */
	put_trace(o, t, most->vms == UINT_MAX, most->steps > 1, most->steps > 2 || r->nr_storms);
	screen_vms(o, r, most->vms);
	screen_timers(o, r, most);
	screen_storms(o, t, r, most);
	screen_clocks(o, t, r, most->clocks);
	screen_verdicts(o, r, most);
	if (most->summary)
		recording_hint(o, r);
}

void text_glossary(struct out *o)
{
	unsigned int i;

	out_in(o, ROLE_TITLE, "Words");
	out_char(o, '\n');
	for (i = 0; i < nr_glossary; i++) {
		out_printf(o, "  %-17s ", glossary[i].word);
		out_wrap(o, 20, 20, 0, glossary[i].meaning);
	}
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
		if (count_lines(&page) < o->height) /* one line is left for the prompt */
			break;
	}
	out_mem(o, page.buf, page.len);
	o->err = o->err ? o->err : page.err;
	out_discard(&page);
}
