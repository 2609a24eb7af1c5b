/* SPDX-License-Identifier: GPL-2.0 */
/* Findings as text: tables, and lists of one line a field. */
#ifndef HVST_CLI_FINDING_TEXT_H
#define HVST_CLI_FINDING_TEXT_H

#include "finding.h"
#include "out.h"

/*
 * A table of @n findings, with its headings on a line that is already filled up to column @indent.
 * @numbered: a first column "#" counts them. @shown: which of them to show; NULL: all.
 */
void finding_table(struct out *o, const struct finding_kind *kind, const void *list, unsigned int n,
		   const bool *shown, unsigned int indent, bool numbered);
/* The known fields of one finding, a line each. */
void finding_list(struct out *o, const struct finding_kind *kind, const void *finding);
/* Evidence, an item each. */
void finding_evidence(struct out *o, const struct hvst_evidence_list *l, unsigned int indent);

#endif
