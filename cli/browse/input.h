/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Maps keys and mouse events to actions on the model. Independent of the terminal: called by term.c
 * and script.c.
 */
#ifndef HVST_BROWSE_INPUT_H
#define HVST_BROWSE_INPUT_H

#include "view.h"

/* Characters have their code point; other keys lie above Unicode. */
enum br_key_code {
	BR_KEY_UP = 0x110000,
	BR_KEY_DOWN,
	BR_KEY_LEFT,
	BR_KEY_RIGHT,
	BR_KEY_PGUP,
	BR_KEY_PGDN,
	BR_KEY_HOME,
	BR_KEY_END,
	BR_KEY_ENTER,
	BR_KEY_ESC,
	BR_KEY_TAB,
	BR_KEY_BACKTAB,
	BR_KEY_BACKSPACE,
	BR_KEY_DELETE,
	BR_KEY_REDRAW,
	BR_KEY_CLICK,
	BR_KEY_DRAG,
	BR_KEY_WHEEL_UP,
	BR_KEY_WHEEL_DOWN,
};

/* @x, @y: where, for the mouse; a drag goes from (@x, @y) to column @x2. */
struct br_input {
	int key, x, y, x2;
};

struct br_key {
	const char *name; /* as the help shows it */
	const char *help;
	int codes[3]; /* 0: none */
	void (*action)(struct br_model *m, int arg);
	int arg;
};

void br_input(struct br_model *m, const struct br_layout *l, const struct br_input *in);
/* A line of help for each key, freed by the caller; NULL without memory. */
char *br_key_help(void);
/* All keys, for the test of the help. */
const struct br_key *br_keys(unsigned int *n);

#endif
