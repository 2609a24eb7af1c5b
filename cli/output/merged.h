/* SPDX-License-Identifier: GPL-2.0 */
/* Results of many hosts as one, in text and as JSON (tests/schema/hvstimer-merge-1.schema.json). */
#ifndef HVST_CLI_MERGED_H
#define HVST_CLI_MERGED_H

#include "../merge.h"
#include "out.h"

void merged_text(struct out *o, const struct merge *m);
void merged_json(struct out *o, const struct merge *m);

#endif
