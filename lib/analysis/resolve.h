/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Skews of arms. An inferred arm has no reading of the reference clock: its skew
 * is computed from the estimated clock. Such arms wait until the estimate at their time is final.
 * Nothing else waits: storms are recognised from counts.
 */
#ifndef HVST_ANALYSIS_RESOLVE_H
#define HVST_ANALYSIS_RESOLVE_H

#include "state.h"

int hvst_resolve_vm_created(struct vm *vm);
int hvst_resolve_timer_created(struct stimer *t);
/*
 * hvst_resolve_arm - an arm goes out to what needs its skew, or waits for that to be known
 * @bound_ns: how far the time of an inferred arm may be off
 */
void hvst_resolve_arm(struct analysis *a, struct stimer *t, const struct hvst_arm *arm,
		      int64_t bound_ns);
/* The VM's clock was read: what came before may be known now. */
void hvst_resolve_sample(struct analysis *a, struct vm *vm, int cpu);
void hvst_resolve_merged(struct vm *into, struct vm *from);
void hvst_resolve_finish(struct analysis *a);
const struct hvst_sketch *hvst_resolve_sketch(const struct stimer *t);
void hvst_resolve_vm_free(struct vm *vm);
void hvst_resolve_timer_free(struct stimer *t);
void hvst_resolve_free(struct analysis *a);

#endif
