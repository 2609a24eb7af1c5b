/* SPDX-License-Identifier: GPL-2.0 */
/* The views that were gone through: back to them, and forward again. */
#ifndef HVST_BROWSE_BACK_H
#define HVST_BROWSE_BACK_H

#include "place.h"

void br_back_place(const struct br_model *m, struct br_place *p);
/* After a change: if the view is another one than @before, that is a step. */
void br_back_step(struct br_model *m, const struct br_place *before);
/* One step back or forward; a message where there is none. */
void br_back_go(struct br_model *m, bool forward);

#endif
