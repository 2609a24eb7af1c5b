// SPDX-License-Identifier: GPL-2.0
/* Keys, replies and drawing of one recording. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../output/eventtext.h"
#include "../output/out.h"
#include "app.h"
#include "back.h"
#include "keep.h"
#include "nav.h"
#include "share.h"

/* Lay out the panes for the model's state, then fit the model's window to the columns. */
static void fit(struct br_app *a)
{
	br_view_layout(&a->m, a->g.w, a->g.h, &a->l);
	if (!a->l.small && !a->m.fold_decided) {
		br_nav_fold_to_fit(&a->m, a->l.timeline.h + a->l.skew.h);
		br_view_layout(&a->m, a->g.w, a->g.h, &a->l);
	}
	a->m.events_shown = a->l.events.w > 0;
	a->m.skew_shown = a->l.skew.h > 0;
	a->m.page = a->l.findings.w && a->m.list == BR_FINDINGS ? a->l.findings.h - 1
								: a->l.events.h - 1;
	if (a->m.page < 1)
		a->m.page = 1;
	br_nav_fit(&a->m, a->l.cols);
}

/* Process replies and move the cursor to a search result. Called with the source locked. */
static bool poll_source(struct br_app *a)
{
	bool indexed = a->m.indexed;
	struct br_place before;
	bool changed;

	br_back_place(&a->m, &before);
	changed = br_model_poll(&a->m);
	br_nav_follow(&a->m);
	if (!indexed && a->m.indexed)
		br_keep_view(&a->m);
	if (indexed)
		br_back_step(&a->m, &before);
	return changed;
}

void br_app_draw(struct br_app *a)
{
	fit(a);
	br_model_request(&a->m);
	br_view_draw(&a->m, &a->l, &a->g);
}

int br_app_init(struct br_app *a, struct br_source *src, const char *name, int w, int h, bool ascii)
{
	memset(a, 0, sizeof(*a));
	a->g.ascii = ascii;
	br_model_init(&a->m, src, name);
	a->m.keys_text = a->keys_text = br_key_help();
	return br_app_resize(a, w, h);
}

void br_app_free(struct br_app *a)
{
	br_model_free(&a->m);
	free(a->keys_text);
	br_grid_free(&a->g);
}

void br_app_keep(struct br_app *a, const char *recording, const char *state, bool filter)
{
	char why[NOTES_MESSAGE];

	if (notes_read(&a->kept, recording, state, why)) {
		snprintf(a->m.message, sizeof(a->m.message), "%s", why);
		return;
	}
	a->recording = recording;
	a->state = state;
	br_model_lock(&a->m);
	br_keep_take(&a->m, &a->kept, filter);
	br_model_unlock(&a->m);
}

/* Called with the source locked. */
static bool save(struct br_app *a)
{
	char why[NOTES_MESSAGE];
	struct notes n;

	br_keep_give(&a->m, &n);
	if (!a->recording || !a->m.touched || !memcmp(&n, &a->kept, sizeof(n)))
		return true;
	if (notes_write(&n, a->recording, a->state, why)) {
		snprintf(a->m.message, sizeof(a->m.message), "not kept: %s", why);
		a->recording = NULL;
		return false;
	}
	a->kept = n;
	return true;
}

bool br_app_save(struct br_app *a)
{
	bool saved;

	br_model_lock(&a->m);
	saved = save(a);
	br_model_unlock(&a->m);
	return saved;
}

int br_app_resize(struct br_app *a, int w, int h)
{
	int err = br_grid_resize(&a->g, w, h);

	br_model_lock(&a->m);
	poll_source(a);
	br_app_draw(a);
	br_model_unlock(&a->m);
	return err;
}

static void write_events(const struct br_model *m, struct out *o)
{
	char text[512];

	for (unsigned int i = 0; i < m->nr_events; i++) {
		const struct br_event *e = &m->events[i];

		out_printf(o, "%lld [%03u] ", (long long)e->ev.ts_ns, e->ev.cpu);
		out_safe(o, br_event_task(e));
		out_printf(o, "-%d %s\n", e->ev.pid,
			   event_text(&e->ev, e->meaning, text, sizeof(text)));
	}
}

static void write_selection(const struct br_model *m, struct out *o)
{
	char *text = m->selected ? br_view_attributes(m) : NULL;

	if (text)
		out_printf(o, "\n%s", text);
	free(text);
	if (m->pane == BR_EVENTS) {
		out_char(o, '\n');
		write_events(m, o);
	}
}

static void write_screen(const struct br_grid *g, struct out *o)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return;
	br_grid_write(g, f);
	fclose(f);
	out_str(o, text);
	free(text);
}

/* The commands in full: on the screen they may be broken into lines, or truncated. */
static void write_text(const struct br_app *a, struct out *o)
{
	char *text = a->m.overlay == BR_COMMANDS ? br_share_commands(&a->m) : NULL;

	if (text)
		out_str(o, text);
	else
		write_screen(&a->g, o);
	if (!text)
		write_selection(&a->m, o);
	free(text);
}

static bool is_svg(const char *path)
{
	size_t len = strlen(path);

	return len > 4 && !strcasecmp(path + len - 4, ".svg");
}

/* For y. Called after drawing, so that the file does not show the prompt. */
static void write_file(struct br_app *a)
{
	const char *path = a->m.write_to;
	struct out o;
	int err;

	if (!access(path, F_OK)) {
		snprintf(a->m.message, sizeof(a->m.message), "%.100s exists: give another name",
			 path);
		return;
	}
	err = out_open(&o, path, COLOR_NEVER);
	if (!err) {
		if (is_svg(path))
			br_share_svg(&a->g, a->l.small ? a->g.h : a->l.status.y, &o);
		else
			write_text(a, &o);
		err = out_close(&o);
	}
	snprintf(a->m.message, sizeof(a->m.message), "%.100s: %s", path,
		 err ? strerror(-err) : "written");
}

void br_app_key(struct br_app *a, const struct br_input *in)
{
	br_model_lock(&a->m);
	poll_source(a);
	fit(a);
	br_input(&a->m, &a->l, in);
	br_app_draw(a);
	if (a->m.write_to[0]) {
		write_file(a);
		a->m.write_to[0] = 0;
		br_view_draw(&a->m, &a->l, &a->g);
	}
	if (a->m.unsaved && !save(a))
		br_view_draw(&a->m, &a->l, &a->g);
	a->m.unsaved = false;
	br_model_unlock(&a->m);
}

bool br_app_poll(struct br_app *a)
{
	bool changed;

	br_model_lock(&a->m);
	changed = poll_source(a);
	if (changed)
		br_app_draw(a);
	br_model_unlock(&a->m);
	return changed;
}

void br_app_wait_idle(struct br_app *a)
{
	br_app_poll(a);
	while (a->m.src->busy(a->m.src, true))
		br_app_poll(a);
	br_app_poll(a);
}
