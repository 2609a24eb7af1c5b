/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. Past-due arms counted: by the source of time_now, and by cause. */
#ifndef HVST_ANALYSIS_PASTDUE_H
#define HVST_ANALYSIS_PASTDUE_H

#include "evidence.h"
#include "state.h"

struct vm_causes {
	uint64_t by_source[HVST_REF_KVMCLOCK + 1]; /* enum hvst_ref_source at the time of the arm */
	struct hvst_evidence kvmclock_why;
	uint64_t past_due;  /* all */
	uint64_t preempted; /* came after the vCPU had been held */
	struct hvst_evidence preempted_why;
	uint64_t unexplained; /* in bursts that neither a hold nor short deadlines explain */
	struct hvst_evidence unexplained_why;
	/* Outside storms, for a target already delivered: the guest had not reached it. */
	uint64_t retried;
	struct hvst_evidence retried_why;
};

int hvst_pastdue_created(struct vm *vm);
void hvst_pastdue_arm(struct stimer *t, const struct hvst_arm *arm, const struct hvst_event *ev);
/* @n arms of a group came after the vCPU had been held; @why names the first. */
void hvst_pastdue_preempted(struct vm *vm, uint64_t n, const struct hvst_evidence *why);
/* The same for a burst that neither a hold nor short deadlines explain. */
void hvst_pastdue_unexplained(struct vm *vm, uint64_t n, const struct hvst_evidence *why);
/* @n arms of a group that is no storm set a target again that was already delivered. */
void hvst_pastdue_retried(struct vm *vm, uint64_t n, const struct hvst_evidence *why);
void hvst_pastdue_merged(struct vm *into, struct vm *from);
void hvst_pastdue_free(struct vm *vm);

#endif
