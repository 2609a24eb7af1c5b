/* SPDX-License-Identifier: GPL-2.0 */
/* Bookmarks, notes, filter and view: from and to the file that keeps them. */
#ifndef HVST_BROWSE_KEEP_H
#define HVST_BROWSE_KEEP_H

#include "model.h"

/*
 * What was kept. The view is restored when the recording is indexed, unless the user has moved by
 * then. @filter: restore the filter too, false where the command line has one.
 */
void br_keep_take(struct br_model *m, const struct notes *n, bool filter);
void br_keep_view(struct br_model *m);
void br_keep_give(const struct br_model *m, struct notes *n);

/* Bookmarks with their notes, a line each, freed by the caller; NULL without memory. */
char *br_keep_list(const struct br_model *m);

#endif
