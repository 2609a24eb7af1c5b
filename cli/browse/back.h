/* SPDX-License-Identifier: GPL-2.0 */
/* The views that were visited: back to them, and forward again. */
#ifndef HVST_BROWSE_BACK_H
#define HVST_BROWSE_BACK_H

#include "place.h"

void br_back_place(const struct br_model *m, struct br_place *p);
/* After a change: records a step if the view differs from @before. */
void br_back_step(struct br_model *m, const struct br_place *before);
/* One step back or forward; a message where there is none. */
void br_back_go(struct br_model *m, bool forward);

#endif
