/* SPDX-License-Identifier: GPL-2.0 */
/* Findings as text. Each part has its label on the left; tables adapt to the width. */
#ifndef HVST_CLI_TEXT_H
#define HVST_CLI_TEXT_H

#include <hvstimer/hvstimer.h>

#include "out.h"

/* diagnose: one screen, shorter on a small terminal; @verbose: everything. */
void text_diagnosis(struct out *o, const struct hvst_trace *t, const struct hvst_result *r,
		    bool verbose);

/* What the words of the other outputs mean. */
void text_glossary(struct out *o);

/*
 * The lines about the trace itself, which end every text output: counters, losses, what is
 * missing.
 */
void text_trace(struct out *o, const struct hvst_trace *t, bool verbose);

/* storms */
/* With their numbers among those of @all, which holds them in the same order. */
void text_storm_details(struct out *o, const struct hvst_result *r, const struct hvst_result *all,
			bool verbose);
/* That there is no storm, as far as the recording can tell. */
void text_no_storm(struct out *o, const struct hvst_result *r);
void text_past_due(struct out *o, const struct hvst_past_due *p, unsigned int indent);

/* clocks */
void text_reference(struct out *o, const struct hvst_result *r, bool verbose);
void text_guest(struct out *o, const struct hvst_result *r, bool verbose);
void text_life(struct out *o, const struct hvst_result *r, bool verbose);

#endif
