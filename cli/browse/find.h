/* SPDX-License-Identifier: GPL-2.0 */
/* Filter and search: expressions that the user types, and the way through what was found. */
#ifndef HVST_BROWSE_FIND_H
#define HVST_BROWSE_FIND_H

#include "model.h"

/*
 * The expression that @text means: @text itself or, where it has no characters of operators, a
 * search for that text in events. NULL after a message.
 */
struct filter *br_find_parse(struct br_model *m, const char *text);

/* Shows only what @text selects, "": everything. False after a message; the old filter stays. */
bool br_find_filter(struct br_model *m, const char *text);

/* Searches the whole recording; "": the next hit of the last search. */
void br_find_search(struct br_model *m, const char *text);
/* To the next hit after (before) the cursor. */
void br_find_next(struct br_model *m, bool back);

#endif
