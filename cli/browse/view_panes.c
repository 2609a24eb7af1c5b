// SPDX-License-Identifier: GPL-2.0
/*
 * Below the timeline: details of what is under the cursor, the list of findings, the list of
 * events.
 */
#include <inttypes.h>
#include <string.h>

#include "../output/eventtext.h"
#include "../output/units.h"
#include "../output/words.h"
#include "view.h"

#define LABEL 8 /* column of what stands behind a label */

/* The next line of a pane. */
struct lines {
	struct br_grid *g;
	const struct br_rect *r;
	int y;
};

static bool heading(struct br_grid *g, const struct br_rect *r, const char *title, bool focus)
{
	if (r->w <= 0 || r->h <= 0)
		return false;
	br_fill(g, &(struct br_rect){ r->x, r->y, r->w, 1 }, g->ascii ? '-' : 0x2500, BR_DIM);
	br_printf(g, r->x + 1, r->y, r->w - 1, focus ? BR_KEY : BR_HEAD, focus ? "[%s]" : " %s ",
		  title);
	return true;
}

static void line(struct lines *l, enum br_role role, const char *label, const char *text)
{
	int x = 1;

	if (++l->y >= l->r->h)
		return;
	if (*label) {
		br_text(l->g, l->r->x + 1, l->r->y + l->y, l->r->w - 1, BR_DIM, label);
		x = LABEL;
	}
	br_text_cut(l->g, l->r->x + x, l->r->y + l->y, l->r->w - x, role, text);
}

/* --- details ---------------------------------------------------------------------------------- */

/* @text broken at the pane's width. */
static void wrapped(struct lines *l, enum br_role role, const char *text)
{
	int w = l->r->w - 1;
	char buf[256];

	for (; *text; text = br_line_next(text, w)) {
		snprintf(buf, sizeof(buf), "%.*s", br_line_length(text, w), text);
		line(l, role, "", buf);
	}
}

/* Behind a label; what does not fit there goes on below. */
static void labelled(struct lines *l, enum br_role role, const char *label, const char *text)
{
	int w = l->r->w - (*label ? LABEL : 1);
	int len = br_line_length(text, w);
	char buf[256];

	snprintf(buf, sizeof(buf), "%.*s", len, text);
	line(l, role, label, buf);
	wrapped(l, role, br_line_next(text, w));
}

/* In seconds, and since the first event. */
static void when(struct lines *l, const struct br_model *m, const char *label, int64_t ts)
{
	char buf[2 * UNIT_BUF + 8], at[UNIT_BUF], since[UNIT_BUF];
	int64_t first = 0, last;

	br_model_span(m, &first, &last);
	snprintf(buf, sizeof(buf), "%s s  %s", unit_time(at, ts), unit_signed(since, ts - first));
	if ((int)strlen(buf) > l->r->w - (*label ? LABEL : 1)) /* of a host that is up for long */
		snprintf(buf, sizeof(buf), "%s %s", at, since);
	labelled(l, BR_NORMAL, label, buf);
}

/* The wall clock there, where it is known. */
static void utc_line(struct lines *l, int64_t ts)
{
	char at[UNIT_BUF];

	if (unit_utc_ns(ts) == HVST_UNKNOWN)
		return;
	unit_utc(at, ts);
	if ((int)strlen(at) > l->r->w - LABEL)
		unit_utc_time(at, ts);
	at[strcspn(at, "U")] = 0; /* the label says it */
	line(l, BR_NORMAL, "UTC", at);
}

/* Where the window lies: by the wall clock if that is known, and how long it is. */
static void window_line(struct lines *l, const struct br_model *m)
{
	char buf[2 * UNIT_BUF], at[UNIT_BUF], d[UNIT_BUF];

	if (unit_utc_ns(m->from) == HVST_UNKNOWN)
		return;
	snprintf(buf, sizeof(buf), "%s %s", unit_utc_time(at, m->from),
		 unit_signed(d, br_model_end(m) - m->from));
	line(l, BR_NORMAL, "window", buf);
}

static void arms_line(struct lines *l, const struct br_sum *s, bool exact)
{
	char buf[160], a[UNIT_BUF], p[UNIT_BUF], i[UNIT_BUF];
	int n = snprintf(buf, sizeof(buf), "%s%s ahead, %s past due", exact ? "" : "~",
			 unit_count(a, s->ahead), unit_count(p, s->past));

	if (s->inferred)
		n += snprintf(buf + n, sizeof(buf) - n, " (%s inferred)",
			      unit_count(i, s->inferred));
	if (s->periodic)
		snprintf(buf + n, sizeof(buf) - n, ", %s periodic", unit_count(p, s->periodic));
	labelled(l, s->past ? BR_PAST : BR_NORMAL, "arms", br_sum_arms(s) ? buf : "none here");
}

static void skew_line(struct lines *l, const struct br_sum *s)
{
	char buf[160], lo[UNIT_BUF], mid[UNIT_BUF], hi[UNIT_BUF];

	if (s->skew_min == HVST_UNKNOWN)
		return;
	snprintf(buf, sizeof(buf), "%s .. %s", unit_signed(lo, s->skew_min),
		 unit_signed(hi, s->skew_max));
	line(l, BR_NORMAL, "skew", buf);
	snprintf(buf, sizeof(buf), "~%s", unit_signed(mid, br_sum_median(s)));
	line(l, BR_NORMAL, "median", buf);
}

/* What storm_size() counts. */
static const char *sized_in(const struct hvst_storm *s)
{
	return s->kind == HVST_STORM_LIVELOCK ? "turns" : "arms";
}

static void storm_line(struct lines *l, const struct br_model *m, const struct br_row *row,
		       int64_t from, int64_t to)
{
	char buf[160], arms[UNIT_BUF], len[UNIT_BUF];
	unsigned int nr;
	const struct hvst_storm *s = br_model_storm(m, row, from, to, &nr);

	if (!s)
		return;
	snprintf(buf, sizeof(buf), "S%u %s, %s %s in %s", nr, hvst_storm_kind_name(s->kind),
		 unit_count(arms, storm_size(s)), sized_in(s),
		 unit_duration(len, s->end_ns - s->start_ns));
	labelled(l, BR_STORM, "storm", buf);
}

/* What happened to the VM in this column, with the order in which it was done. */
static void life_lines(struct lines *l, const struct br_model *m, int vm, int64_t from, int64_t to)
{
	const struct hvst_result *r = m->live.result;

	for (unsigned int i = 0; r && i < r->nr_life; i++) {
		const struct hvst_life_event *e = r->life[i];

		if (e->vm != vm || e->ts_ns < from || e->ts_ns >= to)
			continue;
		labelled(l, BR_MARK, "VM", words_life(e->kind));
		wrapped(l, BR_NORMAL, e->steps);
	}
}

static void clocks_line(struct lines *l, const struct br_model *m, int vm, int64_t from, int64_t to)
{
	const struct clock_stretch *s = br_clocks_at(m, vm, from, to);
	char buf[96];
	enum br_role role;

	if (!s)
		return;
	role = br_clocks_text(s, buf, sizeof(buf));
	labelled(l, role, "clocks", buf);
}

static void marks_line(struct lines *l, const struct br_model *m)
{
	char buf[80], d[UNIT_BUF];

	if (m->mark[0] == HVST_UNKNOWN || m->mark[1] == HVST_UNKNOWN)
		return;
	snprintf(buf, sizeof(buf), "b - a = %s", unit_signed(d, m->mark[1] - m->mark[0]));
	line(l, BR_KEY, "marks", buf);
}

/* The notes of the bookmarks in this column of time. */
static void note_lines(struct lines *l, const struct br_model *m, int64_t from, int64_t to)
{
	for (int i = 0; i < BR_BOOKMARKS; i++)
		if (m->bookmark[i] >= from && m->bookmark[i] < to && *m->note[i])
			labelled(l, BR_KEY, "note", m->note[i]);
}

static void column_details(const struct br_model *m, struct lines *l)
{
	int at = br_model_row(m);
	const struct br_row *row = at < 0 ? NULL : &m->rows[at];
	const struct br_timer *timer = br_model_timer(m, row);
	int64_t from = m->from + br_model_column(m, m->cursor) * m->col_ns, to = from + m->col_ns;
	char buf[160], d[UNIT_BUF];
	struct br_sum s;

	when(l, m, "cursor", m->cursor);
	utc_line(l, m->cursor);
	window_line(l, m);
	marks_line(l, m);
	note_lines(l, m, from, to);
	if (!row)
		return;
	storm_line(l, m, row, from, to);
	br_sum_init(&s);
	br_model_sum_row(m, row, from, to, true, &s);
	arms_line(l, &s, br_model_exact(m));
	skew_line(l, &s);
	clocks_line(l, m, row->vm, from, to);
	life_lines(l, m, row->vm, from, to);
	snprintf(buf, sizeof(buf), row->vm < 0 ? "VM ?" : "VM %d", row->vm);
	if (timer)
		snprintf(buf + strlen(buf), sizeof(buf) - strlen(buf), " v%d t%d, tid %d",
			 timer->vcpu, timer->timer, timer->tid);
	line(l, BR_NORMAL, "row", buf);
	line(l, BR_NORMAL, "column", unit_duration(d, m->col_ns));
}

static void event_details(const struct br_model *m, struct lines *l)
{
	const struct br_event *e = &m->events[m->event];
	const struct hvst_field *f;
	unsigned int n;
	char buf[96];

	line(l, BR_HEAD, "",
	     e->ev.id == HVST_EV_LOST ? "events were lost" : hvst_event_name(e->ev.id));
	when(l, m, "", e->ev.ts_ns);
	utc_line(l, e->ev.ts_ns);
	marks_line(l, m);
	snprintf(buf, sizeof(buf), "CPU %u, %s-%d", e->ev.cpu, br_event_task(e), e->ev.pid);
	line(l, BR_NORMAL, "", buf);
	if (*e->meaning)
		wrapped(l, e->ev.id == HVST_EV_STIMER_START_EXPIRED ? BR_PAST : BR_NORMAL,
			e->meaning);
	f = hvst_event_fields(e->ev.id, &n);
	for (unsigned int i = 0; i < n; i++) {
		uint64_t v;

		if (!hvst_event_value(&e->ev, i, &v))
			continue;
		snprintf(buf, sizeof(buf),
			 f[i].flags & HVST_FIELD_HEX	  ? "%s %#" PRIx64
			 : f[i].flags & HVST_FIELD_SIGNED ? "%s %" PRId64
							  : "%s %" PRIu64,
			 f[i].name, v);
		line(l, BR_NORMAL, "", buf);
	}
}

static void evidence_lines(struct lines *l, const struct hvst_evidence_list *list)
{
	for (unsigned int i = 0; i < list->n && i < HVST_MAX_EVIDENCE; i++)
		wrapped(l, BR_DIM, list->e[i].text);
}

static void finding_details(const struct br_model *m, const struct br_finding *f, struct lines *l)
{
	const struct hvst_result *r = m->live.result;

	switch (f->kind) {
	case BR_F_VERDICT:
		wrapped(l, BR_HEAD, words_question(r->verdicts[f->i]->question));
		wrapped(l, BR_NORMAL, r->verdicts[f->i]->summary);
		evidence_lines(l, &r->verdicts[f->i]->evidence);
		break;
	case BR_F_GUEST:
		evidence_lines(l, &r->guest[f->i]->evidence);
		break;
	case BR_F_REFERENCE:
		wrapped(l, BR_NORMAL, r->reference[f->i]->why);
		break;
	case BR_F_LIFE:
		wrapped(l, BR_HEAD, words_life(r->life[f->i]->kind));
		wrapped(l, BR_NORMAL, r->life[f->i]->steps);
		break;
	case BR_F_STORM:
		evidence_lines(l, &m->live.storms[f->i]->evidence);
	}
}

void br_draw_details(const struct br_model *m, const struct br_rect *r, struct br_grid *g)
{
	const struct br_finding *f = br_model_finding(m);
	struct lines l = { g, r, 0 };
	int64_t first, last;

	if (!heading(g, r, "Details", false) || !br_model_span(m, &first, &last))
		return;
	if (m->pane == BR_EVENTS && m->event < m->nr_events)
		event_details(m, &l);
	else if (m->pane == BR_FINDINGS && f)
		finding_details(m, f, &l);
	else
		column_details(m, &l);
}

/* --- findings --------------------------------------------------------------------------------- */

#define VM_TAG 24

/* " VM3" where there are several. */
static const char *vm_tag(const struct br_model *m, int vm, char *buf)
{
	*buf = 0;
	if (br_vms_shown(m) > 1)
		snprintf(buf, VM_TAG, vm < 0 ? " VM?" : " VM%d", vm);
	return buf;
}

static enum br_role storm_text(const struct br_model *m, const struct br_finding *f, char *buf,
			       size_t len)
{
	const struct hvst_storm *s = m->live.storms[f->i];
	char at[UNIT_BUF], arms[UNIT_BUF], d[UNIT_BUF], vm[VM_TAG];

	snprintf(buf, len, "S%u %s%s v%d t%d %s, %s %s, %s", f->i + 1, unit_time(at, s->start_ns),
		 vm_tag(m, s->vm, vm), s->vcpu, s->timer, hvst_storm_kind_name(s->kind),
		 unit_count(arms, storm_size(s)), sized_in(s),
		 unit_duration(d, s->end_ns - s->start_ns));
	return BR_STORM;
}

static enum br_role guest_text(const struct br_model *m, const struct hvst_guest_transition *t,
			       char *buf, size_t len)
{
	char vm[VM_TAG];
	bool seen = t->confidence == HVST_OBSERVED;
	char at[UNIT_BUF], who[16] = "";
	const char *role = t->role == HVST_ROLE_TIMEKEEPING ? " timekeeping:" : "";
	bool first = t->from == HVST_SRC_UNKNOWN;

	if (t->vcpu >= 0)
		snprintf(who, sizeof(who), " v%d", t->vcpu);
	snprintf(buf, len, "%c  %s%s%s%s %s%s%s%s%s", first ? 't' : 'T', unit_time(at, t->ts_ns),
		 vm_tag(m, t->vm, vm), who, role,
		 first ? (*role ? "" : "clock is ") : hvst_guest_source_text(t->from, false),
		 first ? "" : " -> ", hvst_guest_source_text(t->to, false), seen ? "" : ", ",
		 seen ? "" : hvst_confidence_name(t->confidence));
	return BR_MARK;
}

static enum br_role reference_text(const struct br_model *m, const struct hvst_ref_segment *s,
				   char *buf, size_t len)
{
	char vm[VM_TAG];
	bool step = s->step_ns && s->step_ns != HVST_UNKNOWN;
	char at[UNIT_BUF], by[UNIT_BUF];

	snprintf(buf, len, "R  %s%s host %s%s%s", unit_time(at, s->from_ns), vm_tag(m, s->vm, vm),
		 words_ref_source(s->source), step ? ", step " : "",
		 step ? unit_signed(by, s->step_ns) : "");
	return BR_MARK;
}

static enum br_role life_text(const struct br_model *m, const struct hvst_life_event *e, char *buf,
			      size_t len)
{
	char at[UNIT_BUF], vm[VM_TAG];

	snprintf(buf, len, "L  %s%s %s", unit_time(at, e->ts_ns),
		 *vm_tag(m, e->vm, vm) ? vm : " VM", words_life(e->kind));
	return BR_MARK;
}

static enum br_role verdict_text(const struct hvst_verdict *v, char *buf, size_t len)
{
	snprintf(buf, len, "%c  %s: %s",
		 v->answer == HVST_YES	? '!'
		 : v->answer == HVST_NO ? '-'
					: '?',
		 words_topic(v->question), words_answer(v->answer));
	return v->answer == HVST_YES ? BR_PAST : BR_NORMAL;
}

static enum br_role finding_text(const struct br_model *m, const struct br_finding *f, char *buf,
				 size_t len)
{
	const struct hvst_result *r = m->live.result;

	switch (f->kind) {
	case BR_F_STORM:
		return storm_text(m, f, buf, len);
	case BR_F_GUEST:
		return guest_text(m, r->guest[f->i], buf, len);
	case BR_F_LIFE:
		return life_text(m, r->life[f->i], buf, len);
	case BR_F_REFERENCE:
		return reference_text(m, r->reference[f->i], buf, len);
	default:
		return verdict_text(r->verdicts[f->i], buf, len);
	}
}

static void select_line(struct br_grid *g, const struct br_rect *r, int y, bool focus)
{
	br_put(g, r->x, y, g->ascii ? '>' : 0x25b6, BR_KEY);
	br_flag(g, r->x + 1, y, r->w - 1, focus ? BR_CURSOR : BR_SELECTED);
}

void br_draw_findings(const struct br_model *m, const struct br_rect *r, struct br_grid *g)
{
	int top = br_view_top((int)m->finding, (int)m->nr_findings, r->h - 1);
	char buf[200];

	if (!heading(g, r, "Findings", m->pane == BR_FINDINGS))
		return;
	for (int i = 0; i < r->h - 1 && top + i < (int)m->nr_findings; i++) {
		enum br_role role = finding_text(m, &m->findings[top + i], buf, sizeof(buf));

		br_text_cut(g, r->x + 1, r->y + 1 + i, r->w - 1, role, buf);
		if (top + i == (int)m->finding && (m->selected || m->pane == BR_FINDINGS))
			select_line(g, r, r->y + 1 + i, m->pane == BR_FINDINGS);
	}
}

/* --- events ----------------------------------------------------------------------------------- */

/* Where the line is too narrow for everything, the meaning comes before the fields. */
static void event_line(const struct br_event *e, char *buf, size_t len, int room)
{
	char text[512];
	int name;

	event_text(&e->ev, e->meaning, buf, len);
	if (!*e->meaning || (int)strlen(buf) <= room)
		return;
	event_text(&e->ev, "", text, sizeof(text));
	name = (int)strcspn(text, " ");
	snprintf(buf, len, "%.*s [%s]%s", name, text, e->meaning, text + name);
}

static void draw_event(const struct br_rect *r, struct br_grid *g, const struct br_event *e, int y)
{
	char at[UNIT_BUF], text[640];
	int x = r->x + 1, end = r->x + r->w;
	const char *short_text = text;
	enum br_role role = e->ev.id == HVST_EV_STIMER_START_EXPIRED ? BR_PAST
			    : e->ev.id == HVST_EV_LOST		     ? BR_ALERT
								     : BR_NORMAL;

	x += br_text(g, x, y, end - x, BR_DIM, unit_time(at, e->ev.ts_ns)) + 1;
	if (r->w >= 80)
		x += br_printf(g, x, y, end - x, BR_DIM, "[%03u] %s-%d ", e->ev.cpu,
			       br_event_task(e), e->ev.pid);
	if (e->vm >= 0)
		x += br_printf(g, x, y, end - x, BR_DIM, "VM%d ", e->vm);
	event_line(e, text, sizeof(text), end - x + 4);
	if (!strncmp(short_text, "kvm_", 4))
		short_text += 4;
	br_text_cut(g, x, y, end - x, role, short_text);
}

void br_draw_events(const struct br_model *m, const struct br_rect *r, struct br_grid *g)
{
	int top = br_view_top((int)m->event, (int)m->nr_events, r->h - 1);

	if (!heading(g, r, "Events", m->pane == BR_EVENTS))
		return;
	if (!m->nr_events)
		br_text(g, r->x + 1, r->y + 1, r->w - 1, BR_DIM,
			m->events_at == HVST_UNKNOWN ? "reading" : "none");
	for (int i = 0; i < r->h - 1 && top + i < (int)m->nr_events; i++) {
		draw_event(r, g, &m->events[top + i], r->y + 1 + i);
		if (top + i == (int)m->event)
			select_line(g, r, r->y + 1 + i, m->pane == BR_EVENTS);
	}
}
