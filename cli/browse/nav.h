/* SPDX-License-Identifier: GPL-2.0 */
/* Moving about: window, cursor, selection of the model. */
#ifndef HVST_BROWSE_NAV_H
#define HVST_BROWSE_NAV_H

#include "model.h"

void br_nav_fit(struct br_model *m, int cols); /* the timeline has this many columns now */
void br_nav_columns_of(struct br_model *m, int64_t from, int64_t col_ns); /* the window */
void br_nav_cursor(struct br_model *m, int64_t ts);			  /* the window follows */
void br_nav_columns(struct br_model *m, int by);
void br_nav_zoom(struct br_model *m, bool in, int column);
/* Moves the window so that @ts is in its middle, and the cursor to it. */
void br_nav_center(struct br_model *m, int64_t ts);
void br_nav_window(struct br_model *m, int64_t from, int64_t to);
void br_nav_whole(struct br_model *m);
int64_t br_nav_whole_column(struct br_model *m); /* the same; the column that this takes */
struct br_place;
/* Window and cursor of a visited view, with the present number of columns. */
void br_nav_restore(struct br_model *m, const struct br_place *p);
void br_nav_selection(struct br_model *m); /* z */
void br_nav_row(struct br_model *m, int by);
void br_nav_to_finding(struct br_model *m, unsigned int i);
bool br_nav_next(struct br_model *m, bool transitions, bool back);
void br_nav_step(struct br_model *m, bool back); /* the next past-due arm of the selected timer */
void br_nav_fold(struct br_model *m);
void br_nav_fold_all(struct br_model *m); /* or unfold all, if all are folded */
/*
 * To the row of a VM or vCPU: "3", "3/12" (vCPU 12 of VM 3), "v12" (of this VM), or a part of a
 * VM's name. False after a message.
 */
bool br_nav_to_row(struct br_model *m, const char *text);
void br_nav_fold_to_fit(struct br_model *m, int h); /* several VMs into @h rows */
/* Move to the result of a search or step, if there is a new one. */
void br_nav_follow(struct br_model *m);

#endif
