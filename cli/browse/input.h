/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Maps keys and mouse events to actions on the model. Independent of the terminal: called by term.c
 * and script.c.
 */
#ifndef HVST_BROWSE_INPUT_H
#define HVST_BROWSE_INPUT_H

#include "keycode.h"
#include "view.h"

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
