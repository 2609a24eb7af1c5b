/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What people read where JSON has an identifier, and what the words of fields mean. None of the
 * functions returns NULL for a value of its enum.
 */
#ifndef HVST_CLI_WORDS_H
#define HVST_CLI_WORDS_H

#include <hvstimer/hvstimer.h>

/* The question of a verdict: "Did the host's reference clock step?" */
const char *words_question(enum hvst_question q);
/* The same as a heading: "host clock step" */
const char *words_topic(enum hvst_question q);
/* "yes", "no", "cannot tell" */
const char *words_answer(enum hvst_answer a);
/* "TSC page", "reference counter" */
const char *words_ref_source(enum hvst_ref_source s);
/* "restored or migrated in" */
const char *words_life(enum hvst_life_kind k);

/* The glossary, for --explain and the report page. */
struct word {
	const char *word, *meaning;
};
extern const struct word glossary[];
extern const unsigned int nr_glossary;

#endif
