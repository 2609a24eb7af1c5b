// SPDX-License-Identifier: GPL-2.0
/* The halves of the screen, and keeping their windows together. */
#include <errno.h>
#include <string.h>

#include "back.h"
#include "nav.h"
#include "screen.h"

#define SIDE_BY_SIDE 160 /* columns from which on the halves stand beside each other */

struct br_app *br_screen_app(const struct br_screen *s)
{
	return s->half[s->focus];
}

bool br_screen_quit(const struct br_screen *s)
{
	return s->half[0]->m.quit || (s->half[1] && s->half[1]->m.quit);
}

/* --- both halves as one grid ------------------------------------------------------------------ */

static void copy(struct br_screen *s, int i)
{
	const struct br_grid *from = &s->half[i]->g;
	bool dimmed = s->half[1] && i != s->focus;

	for (int y = 0; y < from->h; y++) {
		for (int x = 0; x < from->w; x++) {
			struct br_cell c = *br_cell(from, x, y);

			if (dimmed && c.role == BR_TITLE)
				c.role = BR_DIM;
			if (dimmed && c.role == BR_PROMPT)
				c.flags = 0;
			br_put(&s->g, s->place[i].x + x, s->place[i].y + y, c.ch, c.role);
			br_flag(&s->g, s->place[i].x + x, s->place[i].y + y, 1, c.flags);
		}
	}
}

static void compose(struct br_screen *s)
{
	br_grid_clear(&s->g);
	for (int y = 0; s->half[1] && s->place[1].x && y < s->g.h; y++)
		br_put(&s->g, s->place[1].x - 1, y, s->g.ascii ? '|' : 0x2502, BR_DIM);
	for (int i = 0; i < 2 && s->half[i]; i++)
		copy(s, i);
}

static void divide(struct br_screen *s, int w, int h)
{
	s->place[0] = (struct br_rect){ 0, 0, w, h };
	if (!s->half[1])
		return;
	if (w >= SIDE_BY_SIDE) {
		s->place[0].w = (w - 1) / 2;
		s->place[1] = (struct br_rect){ s->place[0].w + 1, 0, s->place[0].w, h };
	} else {
		s->place[0].h = h / 2;
		s->place[1] = (struct br_rect){ 0, h / 2, w, h - h / 2 };
	}
}

/* --- one width of time ------------------------------------------------------------------------ */

static void lock_both(struct br_screen *s)
{
	br_model_lock(&s->half[0]->m);
	br_model_lock(&s->half[1]->m);
}

static void unlock_both(struct br_screen *s)
{
	br_model_unlock(&s->half[1]->m);
	br_model_unlock(&s->half[0]->m);
}

/* The column with which each shows everything: multiples of units that may differ. */
static void same_whole(struct br_model *a, struct br_model *b)
{
	struct br_place was_a, was_b;
	int64_t of_a = 0, of_b = 1;

	br_back_place(a, &was_a);
	br_back_place(b, &was_b);
	a->whole_col_ns = 0;
	for (int i = 0; i < 4 && of_a != of_b; i++) {
		b->whole_col_ns = a->whole_col_ns;
		of_a = br_nav_whole_column(a);
		of_b = br_nav_whole_column(b);
		a->whole_col_ns = of_a > of_b ? of_a : of_b;
	}
	b->whole_col_ns = a->whole_col_ns;
	br_nav_restore(a, &was_a);
	br_nav_restore(b, &was_b);
}

/* Both windows reach as far as the longer recording. False while one of them is not known. */
static bool same_reach(struct br_model *a, struct br_model *b)
{
	int64_t first_a, first_b, last_a, last_b, reach;

	if (!br_model_span(a, &first_a, &last_a) || !br_model_span(b, &first_b, &last_b))
		return false;
	reach = last_a - first_a > last_b - first_b ? last_a - first_a : last_b - first_b;
	if (a->reach_ns != reach || b->reach_ns != reach || a->whole_cols != a->cols) {
		a->reach_ns = b->reach_ns = reach;
		a->whole_cols = a->cols;
		same_whole(a, b);
	}
	return true;
}

/* How far into its recording the window of @m begins. */
static int64_t into(const struct br_model *m)
{
	int64_t first = 0, last;

	br_model_span(m, &first, &last);
	return m->from - first;
}

/* Less than a column from where it belongs: the windows lie on multiples of different units. */
static bool close_enough(const struct br_model *from, const struct br_model *to, int64_t at)
{
	int64_t off = to->from - at;

	return to->col_ns == from->col_ns && off < to->col_ns && -off < to->col_ns;
}

/*
 * Gives @to the width of @from's window, and where both move together also its place. Columns are
 * multiples of powers of two that may differ: the wider column is one of both.
 */
static void follow(struct br_screen *s, struct br_model *from, struct br_model *to, int64_t offset)
{
	int64_t first = 0, last, at;

	if (!same_reach(from, to))
		return;
	br_model_span(to, &first, &last);
	if (from->whole)
		br_nav_whole(from);
	at = s->apart ? to->from : first + into(from) + offset;
	if (!close_enough(from, to, at))
		br_nav_columns_of(to, at, from->col_ns);
	if (to->col_ns != from->col_ns)
		br_nav_columns_of(from, from->from, to->col_ns);
	if (to->col_ns != from->col_ns)
		br_nav_columns_of(to, at, from->col_ns);
	if (!s->apart && br_model_column(to, to->cursor) != br_model_column(from, from->cursor))
		br_nav_cursor(to, to->from + (from->cursor - from->from));
}

static void redraw(struct br_screen *s)
{
	for (int i = 0; i < 2; i++)
		br_app_draw(s->half[i]);
}

/* After a key, or when more of a recording is known. */
static void keep_width(struct br_screen *s)
{
	struct br_model *a = &s->half[s->focus]->m;
	struct br_model *b = s->half[1] ? &s->half[!s->focus]->m : NULL;

	if (!b)
		return;
	lock_both(s);
	follow(s, a, b, s->focus ? -s->offset : s->offset);
	if (s->apart)
		s->offset = into(&s->half[1]->m) - into(&s->half[0]->m);
	redraw(s);
	unlock_both(s);
}

/* --- keys ------------------------------------------------------------------------------------- */

static bool is_mouse(int key)
{
	return key == BR_KEY_CLICK || key == BR_KEY_DRAG || key == BR_KEY_WHEEL_UP ||
	       key == BR_KEY_WHEEL_DOWN;
}

/* To the half under the mouse, in its own coordinates. */
static void aim(struct br_screen *s, struct br_input *in)
{
	const struct br_rect *r = &s->place[1];

	if (!s->half[1] || !is_mouse(in->key))
		return;
	s->focus = in->x >= r->x && in->y >= r->y;
	in->x -= s->place[s->focus].x;
	in->x2 -= s->place[s->focus].x;
	in->y -= s->place[s->focus].y;
}

/* A key for the halves, not for what one of them shows. */
static void about_halves(struct br_screen *s, struct br_model *m)
{
	enum br_screen_key key = m->screen_key;

	m->screen_key = BR_SCREEN_NONE;
	if (key == BR_SCREEN_NONE)
		return;
	if (!s->half[1])
		snprintf(m->message, sizeof(m->message),
			 "there is one recording; --beside FILE shows another one");
	else if (key == BR_SCREEN_OTHER)
		s->focus = !s->focus;
	else
		s->apart = !s->apart;
	if (s->half[1] && key == BR_SCREEN_APART)
		snprintf(m->message, sizeof(m->message),
			 s->apart ? "the windows move apart, with the same width of time"
				  : "the windows move together");
}

void br_screen_key(struct br_screen *s, const struct br_input *in)
{
	struct br_input to = *in;
	struct br_app *a;

	aim(s, &to);
	a = br_screen_app(s);
	br_app_key(a, &to);
	if (a->m.screen_key) {
		about_halves(s, &a->m);
		br_app_poll(a);
		br_model_lock(&a->m);
		br_app_draw(a);
		br_model_unlock(&a->m);
	}
	keep_width(s);
	compose(s);
}

bool br_screen_poll(struct br_screen *s)
{
	bool changed = false;

	for (int i = 0; i < 2 && s->half[i]; i++)
		changed |= br_app_poll(s->half[i]);
	if (changed) {
		keep_width(s);
		compose(s);
	}
	return changed;
}

/* A reply to one half may make it request more, or move the other. */
void br_screen_wait_idle(struct br_screen *s)
{
	bool busy = true;

	while (busy) {
		busy = false;
		for (int i = 0; i < 2 && s->half[i]; i++)
			br_app_wait_idle(s->half[i]);
		keep_width(s);
		for (int i = 0; i < 2 && s->half[i]; i++)
			busy |= s->half[i]->m.src->busy(s->half[i]->m.src, false);
	}
	compose(s);
}

int br_screen_resize(struct br_screen *s, int w, int h)
{
	int err = br_grid_resize(&s->g, w, h);

	divide(s, s->g.w, s->g.h);
	for (int i = 0; !err && i < 2 && s->half[i]; i++)
		err = br_app_resize(s->half[i], s->place[i].w, s->place[i].h);
	keep_width(s);
	compose(s);
	return err;
}

int br_screen_init(struct br_screen *s, struct br_app *first, struct br_app *second)
{
	*s = (struct br_screen){ .half = { first, second } };
	s->g.ascii = first->g.ascii;
	return br_screen_resize(s, first->g.w, first->g.h);
}

void br_screen_free(struct br_screen *s)
{
	br_grid_free(&s->g);
}
