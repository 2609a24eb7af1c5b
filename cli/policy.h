/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What a host could do about past-due arms: a policy is an action and the conditions under which it
 * is taken. The conditions are those that a kernel could check in constant time and memory for each
 * timer.
 */
#ifndef HVST_CLI_POLICY_H
#define HVST_CLI_POLICY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POLICY_NAME    96
#define POLICY_HISTORY 64 /* arms of a timer that share= looks at */
#define MAX_POLICIES   256

/**
 * struct policy - actions and conditions
 * @pad_ns: delay of a past-due arm; 0: none
 * @max_ns: the delay doubles with each one in a row, up to this; 0: it does not
 * @after: only from the Nth past-due arm in a row on; 0: from the first
 * @within_ns: a row ends where two past-due arms lie further apart; 0: only at an arm ahead
 * @share: only while so many per cent of the last POLICY_HISTORY arms were past due
 * @paired: the host reads both of its clocks as one
 * @clamp: a deadline that does not fit into the hrtimer's 63 bits is held within them
 */
struct policy {
	char name[POLICY_NAME];
	int64_t pad_ns, max_ns;
	unsigned int after;
	int64_t within_ns;
	unsigned int share;
	bool paired, clamp;
};

/* A range of values of one condition, for a sweep. */
struct policy_sweep {
	const struct policy_term *term; /* NULL: none was asked for */
	unsigned int from, to;
};

/* What @text says; false with the reason in @why. */
bool policy_parse(struct policy *p, const char *text, char *why, size_t len);
/* "after=1..64" */
bool policy_parse_sweep(struct policy_sweep *s, const char *text, char *why, size_t len);
/* @base with the condition of the sweep set to @value. */
void policy_vary(struct policy *p, const struct policy *base, const struct policy_sweep *s,
		 unsigned int value);
/* The name of the condition that a sweep varies. */
const char *policy_sweep_name(const struct policy_sweep *s);

/* The arms of one timer, the same for all policies. */
struct policy_history {
	uint64_t past_due;    /* bit per arm, the last one lowest */
	int64_t last_past_ns; /* the past-due arm before; HVST_UNKNOWN */
};

/* What a policy remembers of one timer. */
struct policy_state {
	unsigned int row;     /* past-due arms in a row */
	unsigned int delayed; /* of them */
	int64_t delay_ns;     /* of the last past-due arm */
};

/* The next arm; returns its delay. @h is the history of the arms before this one. */
int64_t policy_arm(const struct policy *p, struct policy_state *s, const struct policy_history *h,
		   bool past_due, int64_t ts_ns);

#endif
