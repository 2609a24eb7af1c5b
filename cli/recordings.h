/* SPDX-License-Identifier: GPL-2.0 */
/* Which of the files given together are parts of one recording. */
#ifndef HVST_CLI_RECORDINGS_H
#define HVST_CLI_RECORDINGS_H

#include "options.h"

struct recordings {
	unsigned int *recording; /* by file: its recording, numbered as they first appear */
	unsigned int nr;	 /* of recordings */
	bool compared;		 /* false: taken together without comparing them */
	const char *first, *two; /* the files that show that there is more than one */
	const char *differ;	 /* and what differs: a plural noun; NULL: nothing differs */
};

/*
 * Sorts the files of @o into recordings. With --together they are one, and with standard input,
 * which can be read only once. The error of a file that cannot be opened is left to the code that
 * opens it. False after a message.
 */
bool recordings_find(struct recordings *g, const struct options *o);
/* Leave only the files of recording @n in @files. */
void recordings_select(const struct recordings *g, unsigned int n, struct string_list *files);
void recordings_free(struct recordings *g);

#endif
