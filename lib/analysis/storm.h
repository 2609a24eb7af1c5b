/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Groups past-due arms of one timer and tells storms from bursts and isolated
 * ones.
 */
#ifndef HVST_ANALYSIS_STORM_H
#define HVST_ANALYSIS_STORM_H

#include "state.h"

int hvst_storm_created(struct stimer *t);
/* @relative_ns: hvst_resolve_relative() of the arm */
void hvst_storm_arm(struct analysis *a, struct stimer *t, const struct hvst_arm *arm,
		    int64_t programmed_ns, int64_t relative_ns, const struct hvst_event *ev);
/* The clock's model of @vm stepped: skews since then that rest on it move with it. */
void hvst_storm_clock_moved(struct vm *vm, int64_t ts);
void hvst_storm_finish(struct analysis *a);
void hvst_storm_free(struct stimer *t);

#endif
