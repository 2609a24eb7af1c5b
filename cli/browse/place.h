/* SPDX-License-Identifier: GPL-2.0 */
/* Where the user is in the model. */
#ifndef HVST_BROWSE_PLACE_H
#define HVST_BROWSE_PLACE_H

#include "model.h"

/* What makes a view. Not part of it: marks, overlays, prompts. */
struct br_place {
	int64_t from, col_ns, span, cursor;
	bool whole;
	enum br_pane pane, list;
	struct br_row row;
	unsigned int finding;
	bool selected;
	int folded[BR_MAX_FOLDED];
	unsigned int nr_folded;
	bool by_harm, only_findings;
	char filter_text[BR_LINE];
};

#endif
