/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Arms that leap out of their timer's usual delays: far further ahead than before,
 * or past due after the guest set its clock up anew. Where the reference clock was set back by as
 * much as such an arm leads by, the guest still counts on the old time line.
 */
#ifndef HVST_ANALYSIS_EPOCH_H
#define HVST_ANALYSIS_EPOCH_H

#include "evidence.h"
#include "state.h"

#define EPOCH_MAX_LEAPS 256		       /* of one VM */
#define EPOCH_STEP_NS	(10 * 1000 * 1000)     /* single readings are late by up to 7 ms */
#define EPOCH_FAR_NS	(1000LL * 1000 * 1000) /* no tick; a lead without a step behind it */

/* An arm that leapt. Headrooms in ns: negative is past due. */
struct leap {
	int64_t ts_ns, written_ns; /* the arm, the write that led to it */
	int64_t headroom_ns;
	int64_t least_ns, most_ns; /* headrooms of the arms before it; HVST_UNKNOWN: none */
	int64_t step_ns;	   /* what the clock moved by since the reading before; _UNKNOWN */
	bool by_host;		   /* the count is the VMM's */
	bool single; /* the guest's next arm was as before: its ticks were there, not its clock */
	/*
	 * The guest wrote its page before its next arm, which was as before: the page brought its
	 * clock back. HVST_UNKNOWN: it did not.
	 */
	int64_t page_ns;
	struct vcpu *vcpu;
	struct hvst_evidence why;
};

struct vm_leaps {
	struct leap *leap;
	unsigned int nr, cap;
	int64_t first_arm_ns, last_arm_ns; /* of the guest; HVST_UNKNOWN */
	int64_t page_ns;		   /* the guest's last write of its page; HVST_UNKNOWN */
};

int hvst_epoch_vm_created(struct vm *vm);
int hvst_epoch_timer_created(struct stimer *t);
/* As the host executed it; @written_ns: the write that led to it. */
void hvst_epoch_arm(struct stimer *t, const struct hvst_arm *arm, int64_t written_ns);
/* Its skew is known, perhaps long after. */
void hvst_epoch_resolved(struct stimer *t, const struct hvst_arm *arm);
/* The guest wrote REFERENCE_TSC. */
void hvst_epoch_page(struct vm *vm, const struct hvst_event *ev);
void hvst_epoch_merged(struct vm *into, struct vm *from);
/* A guest whose clock did not go back with the reference clock hardly reads its page. */
void hvst_epoch_finish(struct analysis *a);
void hvst_epoch_vm_free(struct vm *vm);
void hvst_epoch_timer_free(struct stimer *t);

/*
 * The lag of the guest's clock, between @least and @most: the skew at which its retries end, or
 * else @skew of an arm and the delays requested before it. False: neither is known.
 */
bool hvst_epoch_lag(const struct stimer *t, int64_t skew, int64_t *least, int64_t *most);
/* Does it lead by what the clock was set back by? */
bool hvst_epoch_follows_step(const struct leap *p);
/*
 * An arm of VM @vm that does; NULL: none. Two witnesses of a step, the reading and the count,
 * replace further readings.
 */
const struct leap *hvst_epoch_step(const struct analysis *a, int vm);
/* Written before the clock was set back and only started after: the guest could not know. */
bool hvst_epoch_overtaken(const struct leap *p);
/* By how much it lies further ahead than any arm before it. */
int64_t hvst_epoch_lead(const struct leap *p);
const struct vm_leaps *hvst_epoch_of(const struct analysis *a, int vm);

#endif
