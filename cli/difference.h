/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Whether two recordings differ, and by how much. Blocks of time are drawn again, with replacement,
 * from each recording (a block bootstrap, of whole blocks as arms within one depend on each other),
 * and everything is computed anew from those drawn: how much it varies says how much of a
 * difference is chance. All differences are judged together: with 97 % confidence each lies in its
 * interval.
 */
#ifndef HVST_CLI_DIFFERENCE_H
#define HVST_CLI_DIFFERENCE_H

#include "compare.h"

enum difference_word {
	DIFFERENCE_BETTER,
	DIFFERENCE_WORSE,
	DIFFERENCE_OTHER, /* shown, and neither good nor bad as such */
	DIFFERENCE_NONE,  /* that these recordings could show */
	DIFFERENCE_CANNOT_TELL,
	DIFFERENCE_WORDS
};

/**
 * struct difference - one measure of two units in the same role
 * @value: of A and B
 * @low, @high: interval of B less A; NaN: it cannot be told
 * @times: so many times as long both recordings would have to be to show this difference, if it is
 *	one; NaN: it shows, or there is none
 * @nothing: neither has a storm, or past-due arm, so that there is no interval
 * @why: there is no interval; NULL
 */
struct difference {
	const struct pair *pair;
	enum measure measure;
	enum difference_word word;
	double value[2];
	double low, high;
	double times;
	bool nothing;
	const char *why;
};

/**
 * struct shape_difference - two distributions of two units in the same role
 * @distance: the largest distance of the two cumulative distributions (Kolmogorov and Smirnov)
 * @chance: chance alone brings that many of all such distances, taken together, beyond it only in 1
 *	of 100 cases; NaN: it cannot be told
 */
struct shape_difference {
	const struct pair *pair;
	enum block_distribution distribution;
	double distance, chance;
	bool differs;
};

struct differences {
	struct difference *d;
	unsigned int nr;
	struct shape_difference *shapes;
	unsigned int nr_shapes;
	bool results; /* one side is a result: there are no intervals */
};

/*
 * differences_find - compare all pairs
 *
 * The same two sides give the same result. 0 or -ENOMEM; differences_free() in both cases.
 */
int differences_find(struct differences *all, const struct comparison *c);
void differences_free(struct differences *all);

/* "worse"; "cannot_tell". Of the JSON contract. */
const char *difference_word_name(enum difference_word w);

/* Whether B is worse than A by more than @percent of A's value. */
bool difference_beyond(const struct difference *d, double percent);

#endif
