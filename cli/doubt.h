/* SPDX-License-Identifier: GPL-2.0 */
/*
 * How far what was predicted for a turn of the guest's loop may be off, and why. All are times
 * that a turn may take less or more, on average over a storm.
 */
#ifndef HVST_CLI_DOUBT_H
#define HVST_CLI_DOUBT_H

#include <stdint.h>

/* Reasons, as bits. */
#define DOUBT_NO_HALT	1u /* it is not known how long the guest's handler goes on after an arm */
#define DOUBT_CHANCE	2u /* stalls and late timers, of which a storm may have one more or less */
#define DOUBT_PAUSES	4u /* few pauses, which take most of the time */
#define DOUBT_SENSITIVE 8u /* none of these alone, but small errors have much effect */
#define DOUBTS		4

/* Pauses of the guest that come by chance. */
struct pauses {
	double per_turn;
	double mean_ns, longest_ns;
};

struct spread {
	double less, more; /* ns, none negative */
};

/* The least number that 39 of 40 storms do not exceed, if there are @expected on average. */
unsigned int doubt_most(double expected);

/* Of pauses by chance, in a storm of so many turns. */
struct spread doubt_pauses(const struct pauses *p, double turns);

/* Of the mean of values that deviate by @deviation_ns, of so many turns. */
struct spread doubt_mean(double deviation_ns, double turns);

/* Of @n pauses that take @ns of each turn: another storm may have more or fewer. */
struct spread doubt_few(double n, double ns);

/* Adds one; *@reasons gets @reason if it is more than a twentieth of @turn_ns. */
void doubt_add(struct spread *sum, struct spread one, double turn_ns, unsigned int reason,
	       unsigned int *reasons);

#endif
