/* SPDX-License-Identifier: GPL-2.0 */
/* What is seen, for others: the screen as SVG, and the commands that cut the window out. */
#ifndef HVST_BROWSE_SHARE_H
#define HVST_BROWSE_SHARE_H

#include "grid.h"
#include "model.h"

struct out;

/* The first @rows rows of the screen, as a document without scripts or external fonts. */
void br_share_svg(const struct br_grid *g, int rows, struct out *o);

/*
 * The trace-cmd split command that cuts the window, or the selected stretch, out of the recording,
 * and hvstimer's commands for the same part. Freed by the caller; NULL without memory.
 */
char *br_share_commands(const struct br_model *m);

#endif
