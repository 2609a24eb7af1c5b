/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A screen as a grid of cells, each a character and a role. The view draws here and nowhere else,
 * so tests read the screen without a terminal; only term.c knows what a role looks like.
 */
#ifndef HVST_BROWSE_GRID_H
#define HVST_BROWSE_GRID_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* What a cell is, not how it looks. br_role_letter() names each in a role dump. */
enum br_role {
	BR_NORMAL,
	BR_TITLE,
	BR_HEAD,
	BR_DIM,
	BR_LABEL,
	BR_AHEAD,
	BR_PAST,
	BR_STORM,
	BR_CLOCK_EVEN,
	BR_CLOCK_ODD,
	BR_MARK,
	BR_AXIS,
	BR_MEDIAN,
	BR_KEY,
	BR_ALERT,
	BR_PROMPT,
	BR_ROLES
};

/* In addition to the role. */
enum br_flags { BR_CURSOR = 1, BR_SELECTED = 2 };

struct br_cell {
	uint32_t ch;
	uint8_t role;
	uint8_t flags;
};

struct br_grid {
	int w, h;
	bool ascii; /* draw with ASCII only */
	struct br_cell *cells;
};

struct br_rect {
	int x, y, w, h;
};

#define BR_MAX_SIDE 2000 /* columns or rows; a larger terminal is drawn in part */

/* 0 or -ENOMEM, the old grid then being kept. Contents are blank afterwards. */
int br_grid_resize(struct br_grid *g, int w, int h);
void br_grid_free(struct br_grid *g);
void br_grid_clear(struct br_grid *g);

/* All drawing is clipped to the grid. */
void br_put(struct br_grid *g, int x, int y, uint32_t ch, enum br_role role);
void br_fill(struct br_grid *g, const struct br_rect *r, uint32_t ch, enum br_role role);
/*
 * At most @max columns of UTF-8 or ASCII text; what cannot be shown is '?'. Returns the columns
 * used.
 */
int br_text(struct br_grid *g, int x, int y, int max, enum br_role role, const char *s);
/* The same, but what does not fit ends in an ellipsis. */
int br_text_cut(struct br_grid *g, int x, int y, int max, enum br_role role, const char *s);
int br_printf(struct br_grid *g, int x, int y, int max, enum br_role role, const char *fmt, ...)
	__attribute__((format(printf, 6, 7)));
/* Adds @flag to @w cells from (@x, @y). */
void br_flag(struct br_grid *g, int x, int y, int w, enum br_flags flag);
const struct br_cell *br_cell(const struct br_grid *g, int x, int y);

/* The screen as UTF-8 lines without trailing blanks; as role letters, flagged cells upper-cased. */
void br_grid_write(const struct br_grid *g, FILE *f);
void br_grid_write_roles(const struct br_grid *g, FILE *f);
char br_role_letter(enum br_role role);
/* UTF-8 of @ch into @buf (5 bytes), NUL-terminated. */
char *br_utf8(uint32_t ch, char *buf);

#endif
