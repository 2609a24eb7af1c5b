// SPDX-License-Identifier: GPL-2.0
/* The list of views, and the position in it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "back.h"
#include "find.h"
#include "nav.h"

#define STEPS 100

/* The present view is not in the list. Views from @at on are ahead. */
struct br_steps {
	struct br_place place[STEPS];
	unsigned int at, n;
};

void br_back_place(const struct br_model *m, struct br_place *p)
{
	*p = (struct br_place){
		.from = m->from,
		.col_ns = m->col_ns,
		.span = m->span,
		.cursor = m->cursor,
		.whole = m->whole,
		.pane = m->pane,
		.list = m->list,
		.row = m->row,
		.finding = m->finding,
		.selected = m->selected,
		.nr_folded = m->nr_folded,
		.by_harm = m->by_harm,
		.only_findings = m->only_findings,
	};
	memcpy(p->folded, m->folded, sizeof(p->folded));
	memcpy(p->filter_text, m->filter_text, sizeof(p->filter_text));
}

static bool same_folds(const struct br_place *a, const struct br_place *b)
{
	return a->nr_folded == b->nr_folded &&
	       !memcmp(a->folded, b->folded, a->nr_folded * sizeof(*a->folded));
}

/* The window of the whole recording moves while that is being read: not a step. */
static bool same_view(const struct br_place *a, const struct br_place *b)
{
	bool window =
		a->whole ? b->whole : !b->whole && a->from == b->from && a->col_ns == b->col_ns;

	return window && a->cursor == b->cursor && same_folds(a, b) && a->by_harm == b->by_harm &&
	       a->only_findings == b->only_findings && !strcmp(a->filter_text, b->filter_text);
}

void br_back_step(struct br_model *m, const struct br_place *before)
{
	struct br_place now;
	struct br_steps *s;

	br_back_place(m, &now);
	if (same_view(before, &now))
		return;
	if (!m->steps)
		m->steps = calloc(1, sizeof(*m->steps));
	s = m->steps;
	if (!s)
		return;
	if (s->at == STEPS)
		memmove(&s->place[0], &s->place[1], --s->at * sizeof(s->place[0]));
	s->place[s->at++] = *before;
	s->n = s->at;
}

static void restore(struct br_model *m, const struct br_place *p)
{
	memcpy(m->folded, p->folded, sizeof(m->folded));
	m->nr_folded = p->nr_folded;
	m->by_harm = p->by_harm;
	m->only_findings = p->only_findings;
	if (strcmp(m->filter_text, p->filter_text))
		br_find_filter(m, p->filter_text);
	br_model_rows(m);
	br_nav_restore(m, p);
	m->row = p->row;
	m->pane = p->pane;
	m->list = p->list;
	m->selected = p->selected && p->finding < m->nr_findings;
	if (p->finding < m->nr_findings)
		m->finding = p->finding;
}

/* The present view replaces the one that is returned to. */
void br_back_go(struct br_model *m, bool forward)
{
	struct br_steps *s = m->steps;
	struct br_place now;
	unsigned int to;

	if (!s || (forward ? s->at == s->n : !s->at)) {
		snprintf(m->message, sizeof(m->message), "no %s view",
			 forward ? "later" : "earlier");
		return;
	}
	to = forward ? s->at++ : --s->at;
	br_back_place(m, &now);
	restore(m, &s->place[to]);
	s->place[to] = now;
	snprintf(m->message, sizeof(m->message), "%s: %u back, %u forward",
		 forward ? "forward" : "back", s->at, s->n - s->at);
}
