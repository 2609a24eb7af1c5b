/* SPDX-License-Identifier: GPL-2.0 */
/* The pass of a command that analyses, and whether there was anything to analyse. */
#ifndef HVST_CLI_ANALYSE_H
#define HVST_CLI_ANALYSE_H

#include "context.h"

/* Ids of the stimer events: without any of them there is nothing to analyse. */
#define STIMER_IDS ((1ULL << (HVST_EV_STIMER_EXPIRATION + 1)) - 1)
/* Ids of the events that tell about clocks. */
#define CLOCK_IDS                                                                                  \
	(STIMER_IDS | 1ULL << HVST_EV_MSR | 1ULL << HVST_EV_WRITE_TSC_OFFSET |                     \
	 1ULL << HVST_EV_TRACK_TSC | 1ULL << HVST_EV_UPDATE_MASTER_CLOCK |                         \
	 1ULL << HVST_EV_PVCLOCK_UPDATE)

/*
 * After a pass: whether the recording holds events of @ids, and what the options select. An exit
 * code; a message says what there is, or what to record.
 */
int analyse_check(struct context *r, uint64_t ids);

/*
 * The pass of a command that analyses and can use events of @ids; @obs may be NULL. Returns an exit
 * code; unless it is EXIT_OK, a message was printed and ctx_fail() must follow.
 */
int analyse_recording(struct context *r, uint64_t ids, const struct hvst_observer *obs, void *ctx);

/* A command that analyses in one pass and then writes what was found. */
struct report {
	enum command_bit bit;
	uint64_t ids; /* events that it can use */
	/*
	 * Before rendering: selects findings, writes other files. False after a message. May be
	 * NULL.
	 */
	bool (*prepare)(struct context *r);
	void (*render[FORMAT_COUNT])(struct context *r);
	bool (*findings)(const struct context *r); /* for --check; NULL: no --check */
};

/* Run such a command. Returns its exit code. */
int analyse_and_report(const struct report *p, int argc, char **argv);

#endif
