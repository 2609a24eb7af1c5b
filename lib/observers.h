/* SPDX-License-Identifier: LGPL-2.1 */
/* The observers of a session, as one. */
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
 * The observer that calls all of them, in order, and its context: with one, that one. It has only
 * the callbacks that any of them has, since some callbacks cost time.
 */
struct hvst_observer hvst_observers_all(struct observers *o, void **ctx);

#endif
