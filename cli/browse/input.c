// SPDX-License-Identifier: GPL-2.0
/* The table of keys, prompts, overlays and the mouse. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../array.h"
#include "../opt/value.h"
#include "../output/units.h"
#include "back.h"
#include "find.h"
#include "input.h"
#include "nav.h"

#define DAY_NS INT64_C(86400000000000)

static void set_message(struct br_model *m, const char *text)
{
	snprintf(m->message, sizeof(m->message), "%s", text);
}

/* --- moving ----------------------------------------------------------------------------------- */

static void do_columns(struct br_model *m, int by)
{
	br_nav_columns(m, by);
}

static void do_screen(struct br_model *m, int dir)
{
	br_nav_columns(m, dir * m->cols);
}

static unsigned int moved(unsigned int at, int by, unsigned int n)
{
	int64_t to = (int64_t)at + by;

	return !n || to < 0 ? 0 : to >= n ? n - 1 : (unsigned int)to;
}

static void to_event(struct br_model *m, unsigned int i)
{
	if (i >= m->nr_events)
		return;
	m->event = i;
	br_nav_cursor(m, m->events[i].ev.ts_ns);
}

static void do_rows(struct br_model *m, int by)
{
	if (m->pane == BR_TIMELINE)
		br_nav_row(m, by);
	else if (m->pane == BR_FINDINGS)
		m->finding = moved(m->finding, by, m->nr_findings);
	else
		to_event(m, moved(m->event, by, m->nr_events));
}

static void do_page(struct br_model *m, int dir)
{
	if (m->pane == BR_TIMELINE)
		do_screen(m, dir);
	else
		do_rows(m, dir * m->page);
}

static void do_ends(struct br_model *m, int end)
{
	if (m->pane == BR_FINDINGS)
		m->finding = end && m->nr_findings ? m->nr_findings - 1 : 0;
	else
		br_nav_cursor(m, end ? BR_TIME_LIMIT : -BR_TIME_LIMIT);
}

static void do_zoom(struct br_model *m, int in)
{
	br_nav_zoom(m, in, br_model_column(m, m->cursor));
}

static void do_whole(struct br_model *m, int arg)
{
	(void)arg;
	br_nav_whole(m);
}

static void do_selection(struct br_model *m, int arg)
{
	(void)arg;
	br_nav_selection(m);
}

static void do_storm(struct br_model *m, int back)
{
	if (m->wanted)
		br_find_next(m, back);
	else if (!br_nav_next(m, false, back))
		set_message(m, back ? "no storm before the cursor" : "no storm after the cursor");
}

static void do_transition(struct br_model *m, int back)
{
	if (!br_nav_next(m, true, back))
		set_message(m, back ? "no clock transition before the cursor"
				    : "no clock transition after the cursor");
}

static void do_back(struct br_model *m, int forward)
{
	br_back_go(m, forward);
}

static void do_step(struct br_model *m, int back)
{
	br_nav_step(m, back);
}

/* --- other actions ---------------------------------------------------------------------------- */

static void do_enter(struct br_model *m, int arg)
{
	int row = br_model_row(m);

	(void)arg;
	if (m->pane == BR_FINDINGS && m->nr_findings) {
		br_nav_to_finding(m, m->finding);
		m->pane = BR_TIMELINE;
	} else if (m->pane == BR_TIMELINE && row >= 0 && m->rows[row].kind == BR_ROW_VM) {
		br_nav_fold(m);
	} else if (m->pane == BR_EVENTS && m->event < m->nr_events) {
		m->overlay = BR_EVENT;
		m->overlay_top = 0;
	} else if (m->selected && br_model_finding(m)) {
		m->overlay = BR_ATTRIBUTES;
		m->overlay_top = 0;
	} else {
		set_message(m, "nothing selected: n and t go to findings, Tab to their list");
	}
}

static void do_fold(struct br_model *m, int arg)
{
	(void)arg;
	br_nav_fold(m);
}

static void do_fold_all(struct br_model *m, int arg)
{
	(void)arg;
	br_nav_fold_all(m);
}

static void do_order(struct br_model *m, int arg)
{
	(void)arg;
	m->by_harm = !m->by_harm;
	br_model_rows(m);
	set_message(m, m->by_harm ? "rows by harm: past-due arms, most first" : "rows by number");
}

static void do_findings(struct br_model *m, int arg)
{
	(void)arg;
	m->only_findings = !m->only_findings;
	br_model_rows(m);
	set_message(m, m->only_findings ? "only rows with findings; H shows all" : "all rows");
}

static void do_pane(struct br_model *m, int by)
{
	m->pane = (enum br_pane)((m->pane + BR_PANES + by) % BR_PANES);
	if (m->pane != BR_TIMELINE)
		m->list = m->pane;
}

static void do_skew(struct br_model *m, int arg)
{
	(void)arg;
	m->skew = m->skew_shown ? BR_SKEW_OFF : BR_SKEW_ON;
}

static void do_overlay(struct br_model *m, int overlay)
{
	m->overlay = (enum br_overlay)overlay;
	m->overlay_top = 0;
}

static void do_halves(struct br_model *m, int key)
{
	m->screen_key = (enum br_screen_key)key;
}

static void do_quit(struct br_model *m, int arg)
{
	(void)arg;
	m->quit = true;
}

static void do_cancel(struct br_model *m, int arg)
{
	(void)arg;
	m->src->cancel(m->src);
	m->select_from = m->select_to = HVST_UNKNOWN;
	m->selected = false;
	br_model_end_search(m);
}

/* With both marks set, select the range between them. */
static void do_mark(struct br_model *m, int which)
{
	int64_t *a = m->mark;

	a[which] = a[which] == m->cursor ? HVST_UNKNOWN : m->cursor;
	m->select_from = m->select_to = HVST_UNKNOWN;
	if (a[0] == HVST_UNKNOWN || a[1] == HVST_UNKNOWN)
		return;
	m->select_from = a[0] < a[1] ? a[0] : a[1];
	m->select_to = (a[0] < a[1] ? a[1] : a[0]) + 1;
}

/* The first of hvstimer-view-1.txt .. 99 that does not exist. Never overwrite a file. */
static void free_name(char *buf, size_t len)
{
	for (int i = 1; i < 100; i++) {
		snprintf(buf, len, "hvstimer-view-%d.txt", i);
		if (access(buf, F_OK))
			break;
	}
}

static void do_prompt(struct br_model *m, int kind)
{
	char text[BR_LINE] = "";

	if (kind == BR_PROMPT_FILTER)
		snprintf(text, sizeof(text), "%s", m->filter_text);
	if (kind == BR_PROMPT_FILE)
		free_name(text, sizeof(text));
	br_prompt_open(&m->prompt, (enum br_prompt_kind)kind, text);
}

static const struct br_key keys[] = {
	{ "Left h", "one column earlier", { BR_KEY_LEFT, 'h' }, do_columns, -1 },
	{ "Right l", "one column later", { BR_KEY_RIGHT, 'l' }, do_columns, 1 },
	{ "Up k", "the row above, in a list the line", { BR_KEY_UP, 'k' }, do_rows, -1 },
	{ "Down j", "the row below, in a list the line", { BR_KEY_DOWN, 'j' }, do_rows, 1 },
	{ "PgUp", "one screen earlier, in a list one page up", { BR_KEY_PGUP }, do_page, -1 },
	{ "PgDn", "one screen later, in a list one page down", { BR_KEY_PGDN }, do_page, 1 },
	{ "Home", "the beginning", { BR_KEY_HOME }, do_ends, 0 },
	{ "End", "the end", { BR_KEY_END }, do_ends, 1 },
	{ "+ =", "zoom in around the cursor", { '+', '=' }, do_zoom, 1 },
	{ "- _", "zoom out", { '-', '_' }, do_zoom, 0 },
	{ "0", "show everything", { '0' }, do_whole, 0 },
	{ "z", "zoom to the selected finding or stretch", { 'z' }, do_selection, 0 },
	{ "Bksp [",
	  "back to the view before: zoom, jump, filter, fold",
	  { BR_KEY_BACKSPACE, '[' },
	  do_back,
	  0 },
	{ "]", "forward again", { ']' }, do_back, 1 },
	{ "g",
	  "go to a time: 9.157411, +3.2s, or 21:20:03.5 in UTC",
	  { 'g' },
	  do_prompt,
	  BR_PROMPT_TIME },
	{ "n", "next storm; after a search its next hit, until Esc", { 'n' }, do_storm, 0 },
	{ "N", "previous storm, or hit", { 'N' }, do_storm, 1 },
	{ "t", "next clock transition", { 't' }, do_transition, 0 },
	{ "T", "previous clock transition", { 'T' }, do_transition, 1 },
	{ "e", "next past-due arm of the selected timer", { 'e' }, do_step, 0 },
	{ "E", "previous past-due arm", { 'E' }, do_step, 1 },
	{ "/",
	  "search: skew>1ms, late>100us, gap>50ms, kind=backlog, or a text",
	  { '/' },
	  do_prompt,
	  BR_PROMPT_SEARCH },
	{ "f",
	  "filter: vm=0 && event=msr, as for a search; empty: none",
	  { 'f' },
	  do_prompt,
	  BR_PROMPT_FILTER },
	{ "a", "mark a here, or remove it", { 'a' }, do_mark, 0 },
	{ "b", "mark b; both select the stretch between them", { 'b' }, do_mark, 1 },
	{ "m", "set a bookmark: m and a letter or digit", { 'm' }, do_prompt, BR_PROMPT_SET },
	{ "M", "set one with a note, or change its note", { 'M' }, do_prompt, BR_PROMPT_NOTED },
	{ "'", "go to a bookmark", { '\'' }, do_prompt, BR_PROMPT_JUMP },
	{ "\"", "the list of bookmarks and notes", { '"' }, do_overlay, BR_NOTES },
	{ "Tab", "next pane: timeline, findings, events", { BR_KEY_TAB }, do_pane, 1 },
	{ "S-Tab", "previous pane", { BR_KEY_BACKTAB }, do_pane, -1 },
	{ "Enter",
	  "all about the selection; in findings go there; on a VM fold",
	  { BR_KEY_ENTER },
	  do_enter,
	  0 },
	{ "Space", "fold or unfold the VM", { ' ' }, do_fold, 0 },
	{ "F", "fold all VMs, or unfold them", { 'F' }, do_fold_all, 0 },
	{ "v",
	  "go to a VM or vCPU: 3, 3/12, v12 (of this VM), part of a name",
	  { 'v' },
	  do_prompt,
	  BR_PROMPT_ROW },
	{ "o", "rows by harm, most past-due arms first, or by number", { 'o' }, do_order, 0 },
	{ "H", "only rows with findings, or all", { 'H' }, do_findings, 0 },
	{ "s", "skew plot on and off", { 's' }, do_skew, 0 },
	{ "y",
	  "write screen and selection as text, or to NAME.svg as a picture",
	  { 'y' },
	  do_prompt,
	  BR_PROMPT_FILE },
	{ "Y",
	  "the trace-cmd split command that cuts this window",
	  { 'Y' },
	  do_overlay,
	  BR_COMMANDS },
	{ "w", "of two recordings: to the other one", { 'w' }, do_halves, BR_SCREEN_OTHER },
	{ "W", "move their windows together or apart", { 'W' }, do_halves, BR_SCREEN_APART },
	{ "Esc",
	  "stop indexing, reading or searching; drop the selection",
	  { BR_KEY_ESC },
	  do_cancel,
	  0 },
	{ "?", "this help", { '?' }, do_overlay, BR_HELP },
	{ "q", "quit", { 'q' }, do_quit, 0 },
};

const struct br_key *br_keys(unsigned int *n)
{
	*n = ARRAY_SIZE(keys);
	return keys;
}

char *br_key_help(void)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++)
		fprintf(f, "%-8s %s\n", keys[i].name, keys[i].help);
	fclose(f);
	return text;
}

/* --- prompts ---------------------------------------------------------------------------------- */

/*
 * A wall-clock time, in UTC. Without a day: that of the first event, or the next one where the
 * recording comes to that time only after midnight.
 */
static bool wall_time(const struct br_model *m, const char *text, int64_t *ns)
{
	char day[UNIT_BUF], full[BR_LINE + UNIT_BUF];
	int64_t epoch, first, last;
	bool whole_day = parse_utc(text, &epoch);

	if (m->utc_of_zero == HVST_UNKNOWN || !br_model_span(m, &first, &last))
		return false;
	if (!whole_day) {
		snprintf(full, sizeof(full), "%.10sT%s", unit_utc(day, first), text);
		if (!parse_utc(full, &epoch))
			return false;
	}
	if (__builtin_sub_overflow(epoch, m->utc_of_zero, ns))
		return false;
	if (!whole_day && *ns < first && *ns <= last - DAY_NS)
		*ns += DAY_NS;
	return true;
}

static void go_to_time(struct br_model *m, const char *text)
{
	bool relative = *text == '+';
	int64_t first, last, ns;

	if (!br_model_span(m, &first, &last))
		return;
	if (wall_time(m, text, &ns))
		br_nav_cursor(m, ns);
	else if (parse_duration(text + relative, &ns))
		br_nav_cursor(m, relative ? first + br_clamp_time(ns) : ns);
	else if (strchr(text, ':') && m->utc_of_zero == HVST_UNKNOWN)
		set_message(m, "the wall clock of this recording is not known: see --utc-at");
	else
		set_message(m, "a time: seconds as in the ruler, or +TIME from the first event");
}

static void end_note(struct br_model *m, const char *text)
{
	snprintf(m->note[m->note_slot], NOTE_TEXT, "%.*s", NOTE_TEXT - 1, text);
	m->unsaved = true;
}

static void accept(struct br_model *m)
{
	struct br_prompt p = m->prompt;

	m->prompt.kind = BR_PROMPT_NONE;
	br_history_add(&m->history[p.kind], p.text);
	switch (p.kind) {
	case BR_PROMPT_TIME:
		go_to_time(m, p.text);
		break;
	case BR_PROMPT_SEARCH:
		br_find_search(m, p.text);
		break;
	case BR_PROMPT_FILTER:
		br_find_filter(m, p.text);
		break;
	case BR_PROMPT_ROW:
		br_nav_to_row(m, p.text);
		break;
	case BR_PROMPT_NOTE:
		end_note(m, p.text);
		break;
	default:
		snprintf(m->write_to, sizeof(m->write_to), "%s", p.text);
	}
}

static void set_bookmark(struct br_model *m, int slot)
{
	m->bookmark[slot] = m->cursor;
	m->unsaved = true;
}

/* M: where there is no bookmark of that name, one here; then the line for its note. */
static void begin_note(struct br_model *m, int slot)
{
	if (m->bookmark[slot] == HVST_UNKNOWN)
		set_bookmark(m, slot);
	m->note_slot = slot;
	br_prompt_open(&m->prompt, BR_PROMPT_NOTE, m->note[slot]);
}

static void bookmark(struct br_model *m, int key)
{
	int slot = notes_slot(key);
	enum br_prompt_kind kind = m->prompt.kind;

	m->prompt.kind = BR_PROMPT_NONE;
	if (slot < 0)
		set_message(m, "bookmarks are letters and digits");
	else if (kind == BR_PROMPT_SET)
		set_bookmark(m, slot);
	else if (kind == BR_PROMPT_NOTED)
		begin_note(m, slot);
	else if (m->bookmark[slot] == HVST_UNKNOWN)
		snprintf(m->message, sizeof(m->message), "no bookmark %c", key);
	else {
		br_nav_cursor(m, m->bookmark[slot]);
		set_message(m, m->note[slot]);
	}
}

static bool takes_one_key(enum br_prompt_kind kind)
{
	return kind == BR_PROMPT_SET || kind == BR_PROMPT_NOTED || kind == BR_PROMPT_JUMP;
}

static void prompt_key(struct br_model *m, int key)
{
	struct br_prompt *p = &m->prompt;
	struct br_place before;

	br_back_place(m, &before);
	if (key == BR_KEY_ESC)
		p->kind = BR_PROMPT_NONE;
	else if (takes_one_key(p->kind))
		bookmark(m, key);
	else if (key == BR_KEY_ENTER)
		accept(m);
	else
		br_prompt_edit(p, &m->history[p->kind], key);
	br_back_step(m, &before);
}

/* --- overlays and mouse ----------------------------------------------------------------------- */

static void overlay_key(struct br_model *m, const struct br_layout *l, int key)
{
	int max = br_view_overlay_top(m, l->title.w, l->status.y + 1);

	switch (key) {
	case BR_KEY_DOWN:
	case 'j':
	case BR_KEY_WHEEL_DOWN:
		m->overlay_top++;
		break;
	case BR_KEY_UP:
	case 'k':
	case BR_KEY_WHEEL_UP:
		m->overlay_top--;
		break;
	case BR_KEY_PGDN:
	case ' ':
		m->overlay_top += m->page;
		break;
	case BR_KEY_PGUP:
		m->overlay_top -= m->page;
		break;
	case BR_KEY_HOME:
		m->overlay_top = 0;
		break;
	case BR_KEY_END:
		m->overlay_top = max;
		break;
	case 'y':
		do_prompt(m, BR_PROMPT_FILE);
		break;
	case BR_KEY_ESC:
	case BR_KEY_ENTER:
	case 'q':
	case '?':
		m->overlay = BR_NO_OVERLAY;
	}
	m->overlay_top = m->overlay_top < 0 ? 0 : m->overlay_top > max ? max : m->overlay_top;
}

static bool inside(const struct br_rect *r, const struct br_input *in)
{
	return r->w > 0 && in->x >= r->x && in->x < r->x + r->w && in->y >= r->y &&
	       in->y < r->y + r->h;
}

static int column_at(const struct br_model *m, const struct br_layout *l, int x)
{
	int c = x - l->gutter;

	return c < 0 ? 0 : c >= m->cols ? m->cols - 1 : c;
}

/* The item of a list under the pointer: its first line is the title. -1: none. */
static int item_at(const struct br_rect *r, const struct br_input *in, unsigned int at,
		   unsigned int n)
{
	int i = br_view_top((int)at, (int)n, r->h - 1) + in->y - r->y - 1;

	return in->y == r->y || i >= (int)n ? -1 : i;
}

static void click_timeline(struct br_model *m, const struct br_layout *l, const struct br_input *in)
{
	int row = l->first_row + in->y - l->timeline.y;

	m->pane = BR_TIMELINE;
	if (inside(&l->timeline, in) && row < (int)m->nr_rows)
		m->row = m->rows[row];
	if (in->x >= l->gutter)
		br_nav_cursor(m, m->from + column_at(m, l, in->x) * m->col_ns);
}

static void click_overview(struct br_model *m, const struct br_layout *l, const struct br_input *in)
{
	if (in->x >= l->gutter)
		br_nav_center(m, br_overview_time(m, column_at(m, l, in->x)));
}

/* A drag that begins on the window's mark moves the window; any other one selects the window. */
static void drag_overview(struct br_model *m, const struct br_layout *l, const struct br_input *in)
{
	int a = column_at(m, l, in->x), b = column_at(m, l, in->x2);
	int64_t middle = m->from + m->cols / 2 * m->col_ns;

	if (!m->whole && a >= br_overview_column(m, m->from) &&
	    a <= br_overview_column(m, br_model_end(m) - 1))
		br_nav_center(m, middle + br_overview_time(m, b) - br_overview_time(m, a));
	else
		br_nav_window(m, br_overview_time(m, a < b ? a : b),
			      br_overview_time(m, (a < b ? b : a) + 1));
}

static void click(struct br_model *m, const struct br_layout *l, const struct br_input *in)
{
	int i;

	if (inside(&l->overview, in)) {
		click_overview(m, l, in);
	} else if (inside(&l->findings, in)) {
		m->pane = m->list = BR_FINDINGS;
		i = item_at(&l->findings, in, m->finding, m->nr_findings);
		if (i >= 0)
			br_nav_to_finding(m, (unsigned int)i);
	} else if (inside(&l->events, in)) {
		m->pane = m->list = BR_EVENTS;
		i = item_at(&l->events, in, m->event, m->nr_events);
		if (i >= 0)
			to_event(m, (unsigned int)i);
	} else if (in->y >= l->ruler.y && in->y < l->details.y) {
		click_timeline(m, l, in);
	}
}

static void drag(struct br_model *m, const struct br_layout *l, const struct br_input *in)
{
	int a = column_at(m, l, in->x), b = column_at(m, l, in->x2);

	if (inside(&l->overview, in)) {
		drag_overview(m, l, in);
		return;
	}
	if (in->y < l->ruler.y || in->y >= l->details.y)
		return;
	m->pane = BR_TIMELINE;
	m->select_from = m->from + (a < b ? a : b) * m->col_ns;
	m->select_to = m->from + ((a < b ? b : a) + 1) * m->col_ns;
	set_message(m, "z zooms to the stretch, Esc drops it");
}

static void wheel(struct br_model *m, const struct br_layout *l, const struct br_input *in)
{
	int by = in->key == BR_KEY_WHEEL_UP ? -3 : 3;
	struct br_place before;

	if (inside(&l->findings, in))
		m->finding = moved(m->finding, by, m->nr_findings);
	else if (inside(&l->events, in))
		to_event(m, moved(m->event, by, m->nr_events));
	else {
		br_back_place(m, &before);
		br_nav_zoom(m, by < 0, column_at(m, l, in->x));
		br_back_step(m, &before);
	}
}

/* --- from a key to its action ----------------------------------------------------------------- */

static const struct br_key *find_key(int key)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(keys); i++)
		for (unsigned int k = 0; k < ARRAY_SIZE(keys[i].codes); k++)
			if (key && keys[i].codes[k] == key)
				return &keys[i];
	return NULL;
}

/* Moves by columns and rows are too frequent to be kept as steps. */
static bool makes_step(const struct br_key *k)
{
	return k->action != do_columns && k->action != do_rows && k->action != do_page &&
	       k->action != do_back;
}

static void plain_key(struct br_model *m, int key)
{
	const struct br_key *k = find_key(key);
	struct br_place before;

	if (!k)
		return;
	br_back_place(m, &before);
	k->action(m, k->arg);
	if (makes_step(k))
		br_back_step(m, &before);
}

void br_input(struct br_model *m, const struct br_layout *l, const struct br_input *in)
{
	m->message[0] = 0;
	m->touched = true;
	if (m->prompt.kind)
		prompt_key(m, in->key);
	else if (m->overlay)
		overlay_key(m, l, in->key);
	else if (in->key == BR_KEY_CLICK)
		click(m, l, in);
	else if (in->key == BR_KEY_DRAG)
		drag(m, l, in);
	else if (in->key == BR_KEY_WHEEL_UP || in->key == BR_KEY_WHEEL_DOWN)
		wheel(m, l, in);
	else
		plain_key(m, in->key);
}
