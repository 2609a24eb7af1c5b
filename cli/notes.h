/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a user of the browser keeps of a recording: bookmarks with notes, filter and view. They
 * stand beside the recording, in FILE.hvst, or where that folder cannot be written to in the user's
 * state directory. The file is read with the distrust of any input.
 */
#ifndef HVST_CLI_NOTES_H
#define HVST_CLI_NOTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NOTES_MAX     62 /* bookmarks: 0-9, a-z, A-Z */
#define NOTE_TEXT     160
#define NOTES_FILTER  256
#define NOTES_FOLDED  256
#define NOTES_MESSAGE 300

/* A bookmark. @text: "": none. */
struct note {
	char name[2];
	char text[NOTE_TEXT];
	int64_t ts_ns;
};

/**
 * struct notes - what is kept
 * @viewed: the members below it are known
 * @from_ns, @to_ns: the window
 */
struct notes {
	struct note note[NOTES_MAX];
	unsigned int n;
	bool viewed, whole, by_harm, only_findings;
	int64_t from_ns, to_ns, cursor_ns;
	char filter[NOTES_FILTER];
	int folded[NOTES_FOLDED];
	unsigned int nr_folded;
};

/* Where a bookmark of that name stands in order; -1: no such name. And the reverse. */
int notes_slot(int name);
char notes_name(int slot);

/*
 * Reads what is kept of @recording: from @path or, where that is NULL, from where it is usually
 * kept. 0, with nothing in @n where there is none; else a negative errno after the reason was
 * written to @why (NOTES_MESSAGE bytes), -ESTALE where the file is about another recording.
 */
int notes_read(struct notes *n, const char *recording, const char *path, char *why);

/*
 * Writes it, all or nothing. As above; -ESTALE rather than replacing what is of another recording.
 */
int notes_write(const struct notes *n, const char *recording, const char *path, char *why);

/*
 * What @text, a whole such file, says; @text is taken apart. @size: of the recording it is about,
 * -1: it does not say. 0, or -EINVAL where it is no such file.
 */
int notes_parse(struct notes *n, char *text, int64_t *size);

#endif
