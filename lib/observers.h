/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: session. Presents the observers of a session as one observer. */
#ifndef HVST_OBSERVERS_H
#define HVST_OBSERVERS_H

#include <hvstimer/session.h>

struct observers {
	struct {
		struct hvst_observer obs;
		void *ctx;
	} v[HVST_MAX_OBSERVERS];
	unsigned int n;
};

/* Copies @obs. Returns 0 or -ENOSPC. */
int hvst_observers_add(struct observers *o, const struct hvst_observer *obs, void *ctx);
/*
 * Returns an observer that calls all of them, in order, and sets its context; if there is only one,
 * that one. It has only the callbacks that some of them have: the library does extra work for each.
 */
struct hvst_observer hvst_observers_all(struct observers *o, void **ctx);

#endif
