// SPDX-License-Identifier: GPL-2.0
/* Editing a line, and its history. */
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "keycode.h"
#include "prompt.h"

#define CTRL(c) ((c)&0x1f)

static void set_text(struct br_prompt *p, const char *text)
{
	snprintf(p->text, sizeof(p->text), "%s", text);
	p->len = p->at = (unsigned int)strlen(p->text);
}

void br_prompt_open(struct br_prompt *p, enum br_prompt_kind kind, const char *text)
{
	memset(p, 0, sizeof(*p));
	p->kind = kind;
	set_text(p, text);
}

/* Remove the text between two places. */
static void cut(struct br_prompt *p, unsigned int from, unsigned int to)
{
	memmove(p->text + from, p->text + to, p->len - to + 1);
	p->len -= to - from;
	p->at = from;
}

static void insert(struct br_prompt *p, char c)
{
	if (p->len + 1 >= sizeof(p->text))
		return;
	memmove(p->text + p->at + 1, p->text + p->at, p->len - p->at + 1);
	p->text[p->at++] = c;
	p->len++;
}

/* To an older line of the history, or back towards the line being written. */
static void recall(struct br_prompt *p, const struct br_history *h, bool older)
{
	if (older ? p->back == h->n : !p->back)
		return;
	if (!p->back)
		memcpy(p->written, p->text, sizeof(p->written));
	p->back += older ? 1 : -1;
	set_text(p, p->back ? h->line[h->n - p->back] : p->written);
}

void br_prompt_edit(struct br_prompt *p, const struct br_history *h, int key)
{
	switch (key) {
	case BR_KEY_LEFT:
		p->at -= p->at > 0;
		break;
	case BR_KEY_RIGHT:
		p->at += p->at < p->len;
		break;
	case BR_KEY_HOME:
	case CTRL('a'):
		p->at = 0;
		break;
	case BR_KEY_END:
	case CTRL('e'):
		p->at = p->len;
		break;
	case BR_KEY_UP:
		recall(p, h, true);
		break;
	case BR_KEY_DOWN:
		recall(p, h, false);
		break;
	case BR_KEY_BACKSPACE:
		if (p->at)
			cut(p, p->at - 1, p->at);
		break;
	case BR_KEY_DELETE:
		if (p->at < p->len)
			cut(p, p->at, p->at + 1);
		break;
	case CTRL('u'):
		cut(p, 0, p->at);
		break;
	default:
		if (key >= 0x20 && key < 0x7f)
			insert(p, (char)key);
	}
}

void br_history_add(struct br_history *h, const char *line)
{
	if (!*line || (h->n && !strcmp(h->line[h->n - 1], line)))
		return;
	if (h->n == BR_HISTORY) {
		memmove(h->line[0], h->line[1], sizeof(h->line) - sizeof(h->line[0]));
		h->n--;
	}
	snprintf(h->line[h->n++], BR_LINE, "%s", line);
}
