/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Lost timers: armed, and silent until the guest programs them again. And timers
 * that expired although only the VMM had written them.
 */
#ifndef HVST_ANALYSIS_LOST_H
#define HVST_ANALYSIS_LOST_H

#include "evidence.h"
#include "state.h"

#define LOST_SHOWN 4 /* of a VM, as evidence */

/* A timer that was silent from @from_ns to @until_ns. */
struct lost_timer {
	int vcpu, tid, timer;
	int64_t from_ns, until_ns;
	int result, direct; /* of the delivery that failed; @result 0: its callback never came */
	bool recovered;	    /* the guest programmed it again */
};

/* A finding that a gap may still invalidate: a gap becomes known when it ends. */
#define LOST_WAITING 8
struct lost_waiting {
	struct lost_timer timer;
	struct hvst_evidence why;
};

struct vm_lost {
	struct lost_waiting waiting[LOST_WAITING]; /* the oldest first */
	unsigned int nr_waiting;
	uint64_t n;
	uint64_t unclear; /* stretches in which records were lost */
	struct lost_timer longest;
	struct hvst_evidence_list why;
	/* Expirations of timers that only the VMM had written. */
	uint64_t revived;	   /* ...as disabled */
	uint64_t restored_past;	   /* ...as enabled, and past due by then: may be correct */
	struct lost_timer reviver; /* the first of @revived: who, and when */
	struct hvst_evidence_list revived_why;
};

int hvst_lost_vm_created(struct vm *vm);
int hvst_lost_timer_created(struct stimer *t);
void hvst_lost_programmed(struct analysis *a, struct stimer *t, const struct hvst_event *ev);
void hvst_lost_arm(struct stimer *t, const struct hvst_arm *arm, const struct hvst_event *ev);
void hvst_lost_callback(struct analysis *a, struct stimer *t);
void hvst_lost_delivery(struct analysis *a, struct stimer *t, const struct hvst_event *ev,
			const struct hvst_delivery *d);
/* A vCPU of @vm was created: whatever its threads had armed belonged to another VM. */
void hvst_lost_vcpu_new(struct vm *vm);
/* Records are missing on one CPU since @from_ns. */
void hvst_lost_gap(struct analysis *a, int64_t from_ns);
void hvst_lost_merged(struct vm *into, struct vm *from);
void hvst_lost_finish(struct analysis *a);
void hvst_lost_vm_free(struct vm *vm);
void hvst_lost_timer_free(struct stimer *t);

#endif
