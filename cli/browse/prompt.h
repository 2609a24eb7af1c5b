/* SPDX-License-Identifier: GPL-2.0 */
/* The line that a prompt edits, and the lines entered before. */
#ifndef HVST_BROWSE_PROMPT_H
#define HVST_BROWSE_PROMPT_H

#define BR_LINE	   256 /* size of a prompt's text */
#define BR_HISTORY 16

enum br_prompt_kind {
	BR_PROMPT_NONE,
	BR_PROMPT_TIME,
	BR_PROMPT_SEARCH,
	BR_PROMPT_FILTER,
	BR_PROMPT_FILE,
	BR_PROMPT_ROW,
	BR_PROMPT_SET,
	BR_PROMPT_NOTED, /* the name of a bookmark to get a note: one key */
	BR_PROMPT_NOTE,
	BR_PROMPT_JUMP, /* the name of a bookmark: one key */
	BR_PROMPT_KINDS
};

/* Lines entered at one kind of prompt, the oldest first. */
struct br_history {
	char line[BR_HISTORY][BR_LINE];
	unsigned int n;
};

/* @text is always NUL-terminated. */
struct br_prompt {
	enum br_prompt_kind kind;
	char text[BR_LINE];
	unsigned int len, at;  /* of the text; where the cursor is in it */
	unsigned int back;     /* lines back in the history; 0: the line being written */
	char written[BR_LINE]; /* that line, while an older one is shown */
};

void br_prompt_open(struct br_prompt *p, enum br_prompt_kind kind, const char *text);
/* A key that edits the line, or moves in it or in the history. */
void br_prompt_edit(struct br_prompt *p, const struct br_history *h, int key);
/* Adds a line, unless it is empty or the same as the last one. */
void br_history_add(struct br_history *h, const char *line);

#endif
