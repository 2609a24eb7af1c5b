/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the terminal database knows of the terminal. Apart from term.c because <term.h> claims many
 * names.
 */
#include <curses.h>
#include <unistd.h>

/* after curses.h, which it needs */
#include <term.h>

#include "app.h"

bool br_terminfo_usable(void)
{
	const char *cup;
	bool usable;
	int err;

	if (setupterm(NULL, STDOUT_FILENO, &err) == ERR)
		return false;
	cup = tigetstr("cup");
	usable = cup && cup != (char *)-1;
	/* newterm() reads the description anew and owns that one; this one is ours. */
	del_curterm(cur_term);
	return usable;
}
