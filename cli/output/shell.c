// SPDX-License-Identifier: GPL-2.0
/* Quoting for a shell. */
#include <string.h>

#include "shell.h"

void shell_put_word(FILE *f, const char *word)
{
	static const char safe[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./:=,+@%";

	if (*word && !word[strspn(word, safe)]) {
		fputs(word, f);
		return;
	}
	putc('\'', f);
	for (; *word; word++)
		if (*word == '\'')
			fputs("'\\''", f);
		else
			putc(*word, f);
	putc('\'', f);
}
