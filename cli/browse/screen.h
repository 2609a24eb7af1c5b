/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the terminal or the script shows: one recording, or two in two halves, whose windows have
 * the same width of time and move together or apart.
 */
#ifndef HVST_BROWSE_SCREEN_H
#define HVST_BROWSE_SCREEN_H

#include "app.h"

struct br_screen {
	struct br_app *half[2]; /* the second is NULL where there is one recording */
	int focus;		/* the half that takes the keys */
	bool apart;
	int64_t offset; /* how much later in its recording the second window begins */
	struct br_grid g;
	struct br_rect place[2]; /* of the halves */
};

/* Both borrowed; @second may be NULL. 0 or -ENOMEM. */
int br_screen_init(struct br_screen *s, struct br_app *first, struct br_app *second);
void br_screen_free(struct br_screen *s);
int br_screen_resize(struct br_screen *s, int w, int h);
/* With places of the mouse on the whole screen. */
void br_screen_key(struct br_screen *s, const struct br_input *in);
bool br_screen_poll(struct br_screen *s);
void br_screen_wait_idle(struct br_screen *s);
/* The half with the focus. */
struct br_app *br_screen_app(const struct br_screen *s);
bool br_screen_quit(const struct br_screen *s);

/* The terminal: shows @s until the user quits. 0, or an exit code after a message. */
int br_term_run(struct br_screen *s, bool color);

/*
 * Executes the script (see hvstimer-browse(1)) and writes screens to @out. Returns 0 or an exit
 * code.
 */
int br_script_run(struct br_screen *s, FILE *script, const char *name, FILE *out);

#endif
