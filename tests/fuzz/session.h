/* SPDX-License-Identifier: GPL-2.0 */
/* A whole recording through a session, for the targets that do so with one reader or the other. */
#ifndef HVST_FUZZ_SESSION_H
#define HVST_FUZZ_SESSION_H

#include "../../cli/collect.h"
#include "../../cli/output/eventline.h"
#include "fuzz.h"

/*
 * The input is a recording. One that ends with SESSION_MARK says in the SESSION_TAIL bytes before
 * it how it is to be read; any other is read by one thread, in full.
 */
#define SESSION_MARK "hvst"
#define SESSION_TAIL 16

enum session_flags {
	SESSION_TWICE = 1, /* the recording and itself: two files */
	SESSION_NO_EVENTS = 2,
	SESSION_NO_ANALYSIS = 4, /* without events, too: arms only */
	SESSION_NO_MEMORY = 8,	 /* faults: see faults.h */
	SESSION_NO_READING = 16,
	SESSION_TOP = 32,    /* only the top buffer */
	SESSION_WINDOW = 64, /* a second run over a part */
	SESSION_CANCEL = 128,
};

struct session_setup {
	unsigned int flags, threads;
	enum format format;
	unsigned int cpu, ignored; /* 0: none, else the number + 1 */
	struct hvst_params params;
	unsigned int fault_at;
	unsigned int from, to; /* 1/65536 of the recording */
	int vm, vcpu, timer;
	unsigned int cancel_at; /* events */
};

/* Takes the tail off the input, if it has one. */
struct session_setup session_setup(struct input *in);

void session_run(const struct session_setup *how, enum hvst_reader reader,
		 const struct input *recording);

#endif
