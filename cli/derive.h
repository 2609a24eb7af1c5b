/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the analysis knows of single events: whether one is an arm, how far it was past due, how
 * late a callback was. Some of that is known only later in the recording, so it takes two passes.
 */
#ifndef HVST_CLI_DERIVE_H
#define HVST_CLI_DERIVE_H

#include "output/eventline.h"

struct derive;

/*
 * Keeps at most @max inferred arms of the first pass, and, with @late, as many firings: 32 bytes
 * each. NULL without memory.
 */
struct derive *derive_new(size_t max, bool late);
void derive_free(struct derive *d);

/* The first pass: observers of arms and of firings. */
void derive_learn_arm(struct derive *d, const struct hvst_arm *arm);
void derive_learn_fire(struct derive *d, const struct hvst_fire *fire);
/* After it. */
void derive_learnt(struct derive *d);

/*
 * The second pass, in order of time: the observer `armed`, then each event. Call derive_rewind()
 * before another one.
 */
void derive_armed(struct derive *d, const struct hvst_arm *arm);
struct derived derive_event(struct derive *d, const struct hvst_event *ev, int vm);
void derive_rewind(struct derive *d);

/* The timer that an event is about, -1: none. */
int derive_timer(const struct hvst_event *ev);
/* Inferred arms and firings beyond the limit. */
uint64_t derive_forgotten(const struct derive *d);

#endif
