/* SPDX-License-Identifier: GPL-2.0 */
/* Words of commands that are printed to be pasted into a shell. */
#ifndef HVST_OUTPUT_SHELL_H
#define HVST_OUTPUT_SHELL_H

#include <stdio.h>

/* @word, in single quotes where the shell would interpret or split it. */
void shell_put_word(FILE *f, const char *word);

#endif
