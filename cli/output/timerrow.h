/* SPDX-License-Identifier: GPL-2.0 */
/* What is counted of a timer, for metrics: its own counters, and those of its storms. */
#ifndef HVST_CLI_TIMERROW_H
#define HVST_CLI_TIMERROW_H

#include <hvstimer/hvstimer.h>

/**
 * struct timer_row - a timer with what its VM and its storms tell
 * @vm: name of the VM, or its number; "": not known
 * @livelocked: turns of storms in which it is started over and over
 */
struct timer_row {
	const struct hvst_timer *t;
	char vm[64];
	uint64_t storms, livelocked;
	int64_t storm_ns;
};

/**
 * struct timer_counter - one thing that is counted
 * @name: as watch names it
 */
struct timer_counter {
	const char *name, *help;
	uint64_t (*value)(const struct timer_row *row);
};

extern const struct timer_counter timer_counters[];
extern const unsigned int nr_timer_counters;

/* A row for each timer, in the order of the result; the caller frees them. NULL without memory. */
struct timer_row *timer_rows(const struct hvst_result *r);

#endif
