/* SPDX-License-Identifier: GPL-2.0 */
/* Capabilities of the terminal. Not in term.c because <term.h> defines macros with common names. */
#include <curses.h>
#include <unistd.h>

#include "app.h"

/* after curses.h, which it needs, and last: see above */
#include <term.h>

bool br_terminfo_usable(void)
{
	const char *cup;
	bool usable;
	int err;

	if (setupterm(NULL, STDOUT_FILENO, &err) == ERR)
		return false;
	cup = tigetstr("cup");
	usable = cup && cup != (char *)-1;
	/* newterm() reads a description of its own. */
	del_curterm(cur_term);
	return usable;
}
