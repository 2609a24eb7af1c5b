// SPDX-License-Identifier: GPL-2.0
/* Layout of the screen; title, ruler, marks and status line. */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "../array.h"
#include "../output/trace.h"
#include "../output/units.h"
#include "keep.h"
#include "share.h"
#include "view.h"

#define WIDE	   140 /* from here on findings and events stand side by side */
#define MIN_SKEW   4   /* rows of the skew plot */
#define MAX_SKEW   14
#define MIN_PANES  5
#define OVERVIEW_H 20 /* lines of the screen that leave one for the whole recording */
#define MIN_TICK   11 /* columns from one ruler label to the next */
#define NAME_SHIFT 2  /* columns that a storm's name may stand beyond its end */

/* The first line of the screen. */
static const char *headline(const struct br_model *m)
{
	const struct br_live *v = &m->live;

	if (!m->indexed)
		return "Indexing. Arms and storms appear as they are found; Esc stops with what "
		       "was read.";
	if (v->err == -ECANCELED)
		return "Stopped: what is shown holds for the part that was read.";
	if (v->err)
		return v->error;
	return v->result ? v->result->headline : "";
}

/* --- layout ----------------------------------------------------------------------------------- */

int br_view_top(int at, int n, int h)
{
	int top = at - h / 2;

	if (top > n - h)
		top = n - h;
	return top < 0 ? 0 : top;
}

static void layout_panes(const struct br_model *m, struct br_layout *l, int y, int w, int h)
{
	int left = w >= 60 ? w * 3 / 8 - 1 : 0;

	if (w >= WIDE) {
		left = 44;
		l->findings = (struct br_rect){ left + 1, y, (w - left) / 3, h };
		l->events = (struct br_rect){ left + l->findings.w + 2, y,
					      w - left - l->findings.w - 2, h };
	} else if (m->list == BR_EVENTS) {
		left = w >= 60 ? 29 : 0;
		l->events = (struct br_rect){ left ? left + 1 : 0, y, left ? w - left - 1 : w, h };
	} else {
		l->findings =
			(struct br_rect){ left ? left + 1 : 0, y, left ? w - left - 1 : w, h };
	}
	l->details = (struct br_rect){ 0, y, left, h };
}

/* Unless requested, the skew plot does not displace rows of the timeline. */
static int skew_height(const struct br_model *m, int free)
{
	int h = free / 3 < MIN_SKEW ? MIN_SKEW : free / 3, rows = (int)m->nr_rows;

	if (m->skew == BR_SKEW_OFF || free < 2 * MIN_SKEW)
		return 0;
	return m->skew == BR_SKEW_IF_ROOM && rows <= free && rows > free - MIN_SKEW ? 0 : h;
}

/* Divide the rows between the marks and the status line. */
static void layout_rows(const struct br_model *m, struct br_layout *l, int y, int w, int h)
{
	int panes = h < 12 ? h / 2 : h < 24 ? 7 : h * 2 / 5;
	int timers = m->nr_rows ? (int)m->nr_rows : 1;
	int free, skew;

	if (m->skew == BR_SKEW_IF_ROOM && timers > h - panes && timers <= h - MIN_PANES)
		panes = h - timers;
	free = h - panes;
	skew = skew_height(m, free);
	if (timers > free - skew)
		timers = skew && timers <= free - MIN_SKEW ? timers : free - skew;
	if (skew)
		skew = free - timers > MAX_SKEW ? MAX_SKEW : free - timers;
	l->timeline = (struct br_rect){ 0, y, w, timers };
	l->first_row = br_view_top(br_model_row(m), (int)m->nr_rows, timers);
	l->skew = (struct br_rect){ 0, y + timers, w, skew };
	layout_panes(m, l, y + timers + skew, w, h - timers - skew);
}

void br_view_layout(const struct br_model *m, int w, int h, struct br_layout *l)
{
	int head = h < 16 ? 0 : h >= 24 && w < WIDE ? 2 : 1;
	int strip = h >= OVERVIEW_H;

	memset(l, 0, sizeof(*l));
	l->small = w < BR_MIN_W || h < BR_MIN_H;
	l->gutter = w >= 60 ? 17 : 10;
	l->cols = w > l->gutter ? w - l->gutter : 1;
	l->title = (struct br_rect){ 0, 0, w, 1 };
	l->head = (struct br_rect){ 0, 1, w, head };
	l->overview = (struct br_rect){ 0, 1 + head, w, strip };
	l->ruler = (struct br_rect){ 0, 1 + head + strip, w, 1 };
	l->marks = (struct br_rect){ 0, 2 + head + strip, w, 1 };
	l->status = (struct br_rect){ 0, h - 1, w, 1 };
	if (!l->small)
		layout_rows(m, l, 3 + head + strip, w, h - 4 - head - strip);
}

/* --- title and headline ----------------------------------------------------------------------- */

static void plural(char *buf, size_t len, uint64_t n, const char *what)
{
	char count[UNIT_BUF];

	snprintf(buf, len, "%s %s%s", unit_count(count, n), what, n == 1 ? "" : "s");
}

unsigned int br_vms_shown(const struct br_model *m)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < m->nr_rows; i++)
		n += m->rows[i].kind == BR_ROW_VM;
	return n;
}

/* What limits the reliability of the data shown. */
static void title_flaws(const struct br_model *m, FILE *f)
{
	const struct hvst_trace *t = m->live.trace;

	if (t && trace_is_cut(t))
		fputs("file cut off  ", f);
	if (t && t->lost_places)
		fputs("events lost  ", f);
	if (m->live.index->dropped)
		fprintf(f, "%" PRIu64 " arms of further timers not shown  ",
			m->live.index->dropped);
}

/* The right end of the title. True: it is about a flaw, or about something unfinished. */
static bool title_state(const struct br_model *m, char *buf, size_t len)
{
	const struct br_live *l = &m->live;
	FILE *f = fmemopen(buf, len - 1, "w"); /* the last byte stays 0 */
	bool alert;

	if (!f)
		return false;
	if (!m->indexed && l->total)
		fprintf(f, "indexing %u %% ",
			(unsigned int)((double)l->done / (double)l->total * 100));
	else if (!m->indexed)
		fputs("indexing ", f);
	else
		title_flaws(m, f);
	alert = ftell(f) > 0;
	if (m->only_findings)
		fputs("findings only  ", f);
	if (m->by_harm)
		fputs("by harm  ", f);
	if (m->filter)
		fprintf(f, "filter: %.40s ", m->filter_text);
	if (m->indexed && !br_model_exact(m))
		fputs("reading ", f);
	fclose(f);
	return alert;
}

/* Parts of the title that follow the name, and how soon each gives way to what is on the right. */
struct title_part {
	char text[64];
	int goes; /* the highest first */
	enum br_role role;
};

enum { TITLE_PARTS = 4 };

static void title_parts(const struct br_model *m, struct title_part *p)
{
	int64_t first = 0, last = 0;
	const struct hvst_trace *t = m->live.trace;

	memset(p, 0, TITLE_PARTS * sizeof(*p));
	br_model_span(m, &first, &last);
	for (int i = 0; i < TITLE_PARTS; i++)
		p[i].role = BR_TITLE;
	if (t && t->clock)
		snprintf(p[0].text, sizeof(p[0].text), "clock %.32s", t->clock);
	unit_duration(p[1].text, last - first);
	plural(p[2].text, sizeof(p[2].text), br_vms_shown(m), "VM");
	plural(p[3].text, sizeof(p[3].text), m->live.nr_storms, "storm");
	p[0].goes = 3;
	p[1].goes = 2;
	p[2].goes = 1;
	if (m->live.nr_storms)
		p[3].role = BR_STORM;
}

/* Leaves out parts until the others fit into @room columns, each behind two blanks. */
static void fit_parts(struct title_part *p, int room)
{
	for (int goes = 3; goes >= 0; goes--) {
		int need = 0;

		for (int i = 0; i < TITLE_PARTS; i++)
			need += *p[i].text ? (int)strlen(p[i].text) + 2 : 0;
		if (need <= room)
			return;
		for (int i = 0; i < TITLE_PARTS; i++)
			if (p[i].goes == goes)
				*p[i].text = 0;
	}
}

static void draw_title(const struct br_model *m, const struct br_layout *l, struct br_grid *g)
{
	struct title_part parts[TITLE_PARTS];
	char state[160] = "";
	bool alert = title_state(m, state, sizeof(state));
	int right = (int)strlen(state) < l->title.w ? (int)strlen(state) : l->title.w;
	int room = l->title.w - right - 2, x;

	br_fill(g, &l->title, ' ', BR_TITLE);
	x = 1 + (room > 0 ? br_text_cut(g, 1, 0, room, BR_TITLE, m->name) : 0);
	title_parts(m, parts);
	fit_parts(parts, room + 1 - x);
	for (int i = 0; i < TITLE_PARTS; i++)
		if (*parts[i].text)
			x += 2 +
			     br_text(g, x + 2, 0, l->title.w - x - 2, parts[i].role, parts[i].text);
	if (right > 0)
		br_text(g, l->title.w - right, 0, right, alert ? BR_ALERT : BR_TITLE, state);
}

static void draw_head(const struct br_model *m, const struct br_layout *l, struct br_grid *g)
{
	const char *text = headline(m);
	enum br_role role = m->indexed && m->live.err ? BR_ALERT : BR_HEAD;
	int w = l->head.w - 2;

	for (int y = 0; y < l->head.h && *text; y++, text = br_line_next(text, w)) {
		bool cut = y == l->head.h - 1 && (int)strlen(text) > w;
		int len = cut ? br_line_length(text, w - 4) : br_line_length(text, w);

		br_printf(g, 1, l->head.y + y, w, role, "%.*s%s", len, text, cut ? " ..." : "");
	}
}

/* --- ruler ------------------------------------------------------------------------------------ */

/* 1, 2 or 5 times a power of ten, at least @min. */
static int64_t nice_step(int64_t min)
{
	int64_t p = 1;

	while (p < min && p <= INT64_MAX / 100) {
		if (2 * p >= min)
			return 2 * p;
		if (5 * p >= min)
			return 5 * p;
		p *= 10;
	}
	return p;
}

/* Seconds with just the decimals that @step needs. */
static void tick_absolute(char *buf, size_t len, int64_t ts, int64_t step)
{
	uint64_t abs = ts < 0 ? -(uint64_t)ts : (uint64_t)ts;
	uint64_t unit = 1000000000;
	int decimals = 0;

	while (unit > 1 && (uint64_t)step < unit && decimals < 9) {
		unit /= 10;
		decimals++;
	}
	snprintf(buf, len, "%s%" PRIu64, ts < 0 ? "-" : "", abs / 1000000000);
	if (decimals)
		snprintf(buf + strlen(buf), len - strlen(buf), ".%0*" PRIu64, decimals,
			 abs % 1000000000 / unit);
}

/* Base of the labels when absolute times do not fit: a multiple of a much larger step. */
static int64_t tick_base(const struct br_model *m, int64_t step)
{
	int64_t large = step > INT64_MAX / 1000 ? step : step * 1000;
	int64_t base = m->from / large * large;

	return base > m->from ? base - large : base;
}

static bool absolute_fits(const struct br_model *m, int64_t step)
{
	char label[UNIT_BUF];

	tick_absolute(label, sizeof(label), br_model_end(m), step);
	return (int64_t)strlen(label) + 2 <= step / m->col_ns;
}

static void draw_tick(const struct br_model *m, const struct br_layout *l, struct br_grid *g,
		      int64_t ts, int64_t step, int64_t base)
{
	int c = br_model_column(m, ts), cursor = br_model_column(m, m->cursor);
	int room = l->cols - c - 1;
	char label[UNIT_BUF];

	if (base == HVST_UNKNOWN)
		tick_absolute(label, sizeof(label), ts, step);
	else
		unit_edge(label, ts - base);
	br_put(g, l->gutter + c, l->ruler.y, g->ascii ? '|' : 0x2502, BR_AXIS);
	if (room >= (int)strlen(label) && (cursor < c || cursor > c + (int)strlen(label)))
		br_printf(g, l->gutter + c + 1, l->ruler.y, room, BR_AXIS, "%s%s",
			  base == HVST_UNKNOWN ? "" : "+", label);
}

static void draw_ruler(const struct br_model *m, const struct br_layout *l, struct br_grid *g)
{
	int64_t step = nice_step(m->col_ns * MIN_TICK);
	int64_t base = absolute_fits(m, step) ? HVST_UNKNOWN : tick_base(m, step);
	int64_t ts = m->from / step * step;
	char text[UNIT_BUF];

	if (base != HVST_UNKNOWN) {
		tick_absolute(text, sizeof(text), base,
			      step > INT64_MAX / 1000 ? step : step * 1000);
		br_printf(g, 0, l->ruler.y, l->gutter - 1, BR_AXIS, "%*s s", l->gutter - 3, text);
	} else {
		br_printf(g, 0, l->ruler.y, l->gutter - 1, BR_AXIS, "%*s", l->gutter - 1,
			  "seconds");
	}
	for (; ts < br_model_end(m); ts += step)
		if (ts >= m->from)
			draw_tick(m, l, g, ts, step, base);
	br_put(g, l->gutter + br_model_column(m, m->cursor), l->ruler.y, g->ascii ? 'v' : 0x25bc,
	       BR_KEY);
}

/* --- marks ------------------------------------------------------------------------------------ */

static void put_mark(const struct br_model *m, const struct br_layout *l, struct br_grid *g,
		     int64_t ts, uint32_t ch, enum br_role role)
{
	int c;

	if (ts == HVST_UNKNOWN)
		return;
	c = br_model_column(m, ts);
	if (c >= 0 && c < l->cols)
		br_put(g, l->gutter + c, l->marks.y, ch, role);
}

static bool storm_columns(const struct br_model *m, const struct br_layout *l, unsigned int i,
			  int *from, int *to)
{
	const struct hvst_storm *s = m->live.storms[i];

	*from = br_model_column(m, s->start_ns);
	*to = br_model_column(m, s->end_ns);
	if (*to < 0 || *from >= l->cols || !br_storm_passes(m, s))
		return false;
	*from = *from < 0 ? 0 : *from;
	*to = *to >= l->cols ? l->cols - 1 : *to;
	return true;
}

/* S1 at the storm's beginning or the window's, or beside what is there already: often its cause. */
static void name_storm(const struct br_layout *l, struct br_grid *g, unsigned int i, int from,
		       int to)
{
	char name[16];
	int len = snprintf(name, sizeof(name), "S%u", i + 1);
	const struct br_cell *c;

	to += NAME_SHIFT;
	while (from <= to && (c = br_cell(g, l->gutter + from, l->marks.y)) && c->ch < 0x7f &&
	       (isalnum((int)c->ch) || c->ch == '*'))
		from++;
	if (from <= to && from + len <= l->cols)
		br_text(g, l->gutter + from, l->marks.y, len, BR_STORM, name);
}

static void draw_storm_lines(const struct br_model *m, const struct br_layout *l, struct br_grid *g)
{
	int from, to;

	for (unsigned int i = 0; i < m->live.nr_storms; i++)
		for (int c = storm_columns(m, l, i, &from, &to) ? from : to + 1; c <= to; c++)
			br_put(g, l->gutter + c, l->marks.y, g->ascii ? '=' : 0x2550, BR_STORM);
}

static void draw_storm_names(const struct br_model *m, const struct br_layout *l, struct br_grid *g)
{
	int from, to;

	for (unsigned int i = 0; i < m->live.nr_storms; i++)
		if (storm_columns(m, l, i, &from, &to))
			name_storm(l, g, i, from, to);
}

/* R or T; '*' where both fall into one column. */
static void draw_change_mark(const struct br_model *m, const struct br_layout *l, struct br_grid *g,
			     const struct br_finding *f)
{
	const struct br_cell *c;
	uint32_t ch = f->kind == BR_F_REFERENCE ? 'R' : br_is_change(m, f) ? 'T' : 't';

	if (f->kind != BR_F_REFERENCE && f->kind != BR_F_GUEST)
		return;
	c = br_cell(g, l->gutter + br_model_column(m, f->ts_ns), l->marks.y);
	if (c && (c->ch == 'R' || c->ch == 'T' || c->ch == '*') && c->ch != ch)
		ch = ch == 't' ? c->ch : '*';
	put_mark(m, l, g, f->ts_ns, ch, BR_MARK);
}

static void draw_marks(const struct br_model *m, const struct br_layout *l, struct br_grid *g)
{
	const struct hvst_trace *t = m->live.trace;

	for (unsigned int i = 0; t && i < t->nr_lost; i++)
		put_mark(m, l, g, t->lost[i].ts_ns, 'x', BR_ALERT);
	draw_storm_lines(m, l, g);
	for (unsigned int i = 0; i < m->nr_findings; i++)
		draw_change_mark(m, l, g, &m->findings[i]);
	draw_storm_names(m, l, g);
	for (int i = 0; i < BR_BOOKMARKS; i++)
		put_mark(m, l, g, m->bookmark[i], (uint32_t)notes_name(i), BR_KEY);
	put_mark(m, l, g, m->mark[0], 'a', BR_KEY);
	put_mark(m, l, g, m->mark[1], 'b', BR_KEY);
}

/* --- status line ------------------------------------------------------------------------------ */

static const char *prompt_label(const struct br_model *m)
{
	switch (m->prompt.kind) {
	case BR_PROMPT_TIME:
		return m->utc_of_zero == HVST_UNKNOWN ? "go to (9.157411, +3.2s): "
						      : "go to (9.157411, +3.2s, UTC 21:20:03.5): ";
	case BR_PROMPT_SEARCH:
		return "search (skew>1ms, or a text): ";
	case BR_PROMPT_FILTER:
		return "filter (vm=0 && skew>1ms): ";
	case BR_PROMPT_FILE:
		return "write to: ";
	case BR_PROMPT_SET:
		return "bookmark: which letter or digit? ";
	case BR_PROMPT_NOTED:
		return "note: of which letter or digit? ";
	case BR_PROMPT_NOTE:
		return "note: ";
	case BR_PROMPT_ROW:
		return "go to VM or vCPU (3, 3/12, v12, a name): ";
	default:
		return "go to bookmark: ";
	}
}

/* Keys by importance: as many as fit. */
static void draw_keys(const struct br_layout *l, struct br_grid *g)
{
	static const char *const hints[][2] = {
		{ "q", "quit" },     { "?", "help" },	{ "n", "storm" },  { "t", "transition" },
		{ "e", "past due" }, { "+-", "zoom" },	{ "0", "all" },	   { "z", "to selection" },
		{ "Tab", "pane" },   { "/", "search" }, { "f", "filter" }, { "s", "skew" },
		{ "ab", "marks" },   { "g", "go to" },	{ "y", "write" },
	};
	int x = 1;

	for (unsigned int i = 0; i < ARRAY_SIZE(hints); i++) {
		int w = (int)(strlen(hints[i][0]) + strlen(hints[i][1])) + 1;

		if (x + w >= l->status.w)
			break;
		x += br_text(g, x, l->status.y, w, BR_KEY, hints[i][0]) + 1;
		x += br_text(g, x, l->status.y, w, BR_DIM, hints[i][1]) + 2;
	}
}

static void draw_status(const struct br_model *m, const struct br_layout *l, struct br_grid *g)
{
	int x = 1, w = l->status.w - 2;

	if (m->prompt.kind) {
		const char *text = m->prompt.text;
		int room, cursor = (int)m->prompt.at;

		br_fill(g, &l->status, ' ', BR_PROMPT);
		x += br_text(g, x, l->status.y, w, BR_PROMPT, prompt_label(m));
		room = l->status.w - x - 1;
		if (room > 0 && cursor > room) {
			text += cursor - room;
			cursor = room;
		}
		br_text(g, x, l->status.y, room, BR_PROMPT, text);
		br_flag(g, x + cursor, l->status.y, 1, BR_CURSOR);
	} else if (m->message[0]) {
		br_text_cut(g, x, l->status.y, w, BR_ALERT, m->message);
	} else {
		draw_keys(l, g);
	}
}

/* --- overlays --------------------------------------------------------------------------------- */

static struct br_rect overlay_rect(int w, int h)
{
	int width = w > 84 ? 80 : w - 4;

	return (struct br_rect){ (w - width) / 2, 2, width, h - 4 };
}

static void draw_overlay(const struct br_model *m, struct br_grid *g)
{
	static const char *const titles[] = {
		[BR_NO_OVERLAY] = "", [BR_HELP] = "Keys",	[BR_ATTRIBUTES] = "Selection",
		[BR_EVENT] = "Event", [BR_NOTES] = "Bookmarks", [BR_COMMANDS] = "Commands",
	};
	struct br_rect r = overlay_rect(g->w, g->h);
	char *text = br_view_overlay(m);

	if (!text)
		return;
	br_draw_text(g, &r, titles[m->overlay], text, m->overlay_top);
	free(text);
}

char *br_view_overlay(const struct br_model *m)
{
	if (m->overlay == BR_EVENT)
		return br_view_event(m);
	if (m->overlay == BR_NOTES)
		return br_keep_list(m);
	if (m->overlay == BR_COMMANDS)
		return br_share_commands(m);
	return m->overlay == BR_HELP ? br_view_help(m) : br_view_attributes(m);
}

int br_view_overlay_top(const struct br_model *m, int w, int h)
{
	struct br_rect r = overlay_rect(w, h);
	char *text = br_view_overlay(m);
	int lines = 0;

	for (const char *p = text; p && *p; p = br_line_next(p, r.w - BR_FRAME))
		lines++;
	free(text);
	return lines > r.h - 2 ? lines - (r.h - 2) : 0;
}

void br_view_draw(const struct br_model *m, const struct br_layout *l, struct br_grid *g)
{
	br_grid_clear(g);
	unit_set_utc(m->utc_of_zero); /* both of two recordings are locked */
	if (l->small) {
		br_printf(g, 0, 0, g->w, BR_ALERT, "%dx%d: needs %dx%d", g->w, g->h, BR_MIN_W,
			  BR_MIN_H);
		return;
	}
	draw_title(m, l, g);
	draw_head(m, l, g);
	br_draw_overview(m, l, g);
	draw_ruler(m, l, g);
	draw_marks(m, l, g);
	br_draw_timeline(m, l, g);
	br_draw_skew(m, l, g);
	br_draw_details(m, &l->details, g);
	br_draw_findings(m, &l->findings, g);
	br_draw_events(m, &l->events, g);
	if (m->overlay)
		draw_overlay(m, g);
	draw_status(m, l, g);
}
