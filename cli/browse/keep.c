// SPDX-License-Identifier: GPL-2.0
/* From the model to the notes' file, and back. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../output/units.h"
#include "back.h"
#include "find.h"
#include "keep.h"
#include "nav.h"

void br_keep_take(struct br_model *m, const struct notes *n, bool filter)
{
	for (unsigned int i = 0; i < n->n; i++) {
		int slot = notes_slot(n->note[i].name[0]);

		if (slot < 0)
			continue;
		m->bookmark[slot] = br_clamp_time(n->note[i].ts_ns);
		memcpy(m->note[slot], n->note[i].text, sizeof(m->note[slot]));
	}
	m->by_harm = n->by_harm;
	m->only_findings = n->only_findings;
	for (unsigned int i = 0; i < n->nr_folded && i < BR_MAX_FOLDED; i++)
		m->folded[m->nr_folded++] = n->folded[i];
	m->fold_decided = n->viewed;
	if (filter && *n->filter)
		br_find_filter(m, n->filter);
	else
		br_model_rows(m);
	m->kept_from = n->viewed && !n->whole ? n->from_ns : HVST_UNKNOWN;
	m->kept_to = n->to_ns;
	m->kept_cursor = n->viewed ? n->cursor_ns : HVST_UNKNOWN;
}

void br_keep_view(struct br_model *m)
{
	struct br_place place = { .cursor = m->kept_cursor };
	int64_t first, last;

	if (m->kept_cursor == HVST_UNKNOWN || m->touched || !br_model_span(m, &first, &last))
		return;
	place.whole = m->kept_from == HVST_UNKNOWN;
	if (!place.whole) {
		place.from = br_clamp_time(m->kept_from);
		place.span = br_clamp_time(m->kept_to) - place.from;
		place.col_ns = place.span / m->cols;
	}
	br_nav_restore(m, &place);
	m->kept_cursor = HVST_UNKNOWN;
}

void br_keep_give(const struct br_model *m, struct notes *n)
{
	memset(n, 0, sizeof(*n));
	for (int i = 0; i < BR_BOOKMARKS; i++) {
		struct note *b = &n->note[n->n];

		if (m->bookmark[i] == HVST_UNKNOWN)
			continue;
		b->name[0] = notes_name(i);
		b->ts_ns = m->bookmark[i];
		memcpy(b->text, m->note[i], sizeof(b->text));
		n->n++;
	}
	n->viewed = m->indexed;
	n->whole = m->whole;
	n->by_harm = m->by_harm;
	n->only_findings = m->only_findings;
	n->from_ns = m->from;
	n->to_ns = br_model_end(m);
	n->cursor_ns = m->cursor;
	snprintf(n->filter, sizeof(n->filter), "%s", m->filter_text);
	for (unsigned int i = 0; i < m->nr_folded && i < NOTES_FOLDED; i++)
		n->folded[n->nr_folded++] = m->folded[i];
}

char *br_keep_list(const struct br_model *m)
{
	char at[UNIT_BUF], utc[UNIT_BUF], *text = NULL;
	bool known = unit_utc_ns(0) != HVST_UNKNOWN;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	if (!f)
		return NULL;
	for (int i = 0; i < BR_BOOKMARKS; i++)
		if (m->bookmark[i] != HVST_UNKNOWN)
			fprintf(f, "%c  %s s  %s%s%s\n", notes_name(i),
				unit_time(at, m->bookmark[i]),
				known ? unit_utc(utc, m->bookmark[i]) : "", known ? "  " : "",
				m->note[i]);
	if (!ftell(f))
		fputs("No bookmark. m and a letter sets one, M and a letter one with a note.\n", f);
	fclose(f);
	return text;
}
