/* SPDX-License-Identifier: GPL-2.0 */
/* Connects model, view and input of one recording: takes keys and sizes, produces a drawn grid. */
#ifndef HVST_BROWSE_APP_H
#define HVST_BROWSE_APP_H

#include "input.h"

struct br_app {
	struct br_model m;
	struct br_layout l;
	struct br_grid g;
	char *keys_text;
	/* Where notes and view are kept: see notes.h. NULL: nowhere. */
	const char *recording, *state;
	struct notes kept; /* as they are there now */
};

/* @name: of the recording, for the title. 0 or -ENOMEM. */
int br_app_init(struct br_app *a, struct br_source *src, const char *name, int w, int h,
		bool ascii);
void br_app_free(struct br_app *a);
/*
 * Takes what was kept of @recording, and keeps it from now on: in @state or, where that is NULL,
 * where it is usually kept; both borrowed. @filter: the kept filter, too.
 */
void br_app_keep(struct br_app *a, const char *recording, const char *state, bool filter);
/* Writes it, if it has changed. False after a message on the screen. */
bool br_app_save(struct br_app *a);
int br_app_resize(struct br_app *a, int w, int h);
/* Lays out and draws. With the source locked. */
void br_app_draw(struct br_app *a);
void br_app_key(struct br_app *a, const struct br_input *in);
/* Process replies of the source. Returns true if the grid was redrawn. */
bool br_app_poll(struct br_app *a);
/* Wait until all requests for this screen are served. */
void br_app_wait_idle(struct br_app *a);

/* Does the locale's character set hold the block and braille characters? */
bool br_term_utf8(void);
/* The terminal has an entry in the database, with cursor addressing. */
bool br_terminfo_usable(void);

#endif
