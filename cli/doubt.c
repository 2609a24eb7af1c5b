// SPDX-License-Identifier: GPL-2.0
/* How far the prediction of a turn may be off: chance, pauses, what the recording does not tell. */
#include <math.h>

#include "doubt.h"

#define TAIL	    .025 /* on either side */
#define DEVIATIONS  2.	 /* as many bound that tail of a normal distribution */
#define NORMAL_FROM 100. /* expected: Poisson's distribution is a normal one */
#define MATTERS	    .05

unsigned int doubt_most(double expected)
{
	double p = exp(-expected), below = p;
	unsigned int n = 0;

	if (expected > NORMAL_FROM)
		return (unsigned int)fmin(expected + DEVIATIONS * sqrt(expected), 1e9);
	while (below < 1 - TAIL) {
		n++;
		p *= expected / n;
		below += p;
	}
	return n;
}

struct spread doubt_pauses(const struct pauses *p, double turns)
{
	double expected = p->per_turn * turns, usual = expected * p->mean_ns, most, least;
	unsigned int n = doubt_most(expected);

	if (turns < 1 || expected <= 0)
		return (struct spread){ 0, 0 };
	most = n ? fmax(n * p->mean_ns, p->longest_ns) : 0;
	least = fmax(expected - DEVIATIONS * sqrt(expected), 0) * p->mean_ns;
	return (struct spread){ (usual - least) / turns, fmax(most - usual, 0) / turns };
}

struct spread doubt_mean(double deviation_ns, double turns)
{
	double off = turns < 1 ? 0 : DEVIATIONS * deviation_ns / sqrt(turns);

	return (struct spread){ off, off };
}

struct spread doubt_few(double n, double ns)
{
	double off = n < 1 ? 0 : DEVIATIONS * ns / sqrt(n);

	return (struct spread){ fmin(off, ns), off };
}

void doubt_add(struct spread *sum, struct spread one, double turn_ns, unsigned int reason,
	       unsigned int *reasons)
{
	/* They are independent of each other. */
	sum->less = hypot(sum->less, one.less);
	sum->more = hypot(sum->more, one.more);
	if (fmax(one.less, one.more) > MATTERS * turn_ns)
		*reasons |= reason;
}
