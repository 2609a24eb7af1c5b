/* SPDX-License-Identifier: GPL-2.0 */
/* What happened (NAME.truth.jsonl) and what an analysis must find of it (NAME.expected.json). */
#ifndef GEN_TRUTH_H
#define GEN_TRUTH_H

#include "sim.h"

enum storm_kind { KIND_BACKLOG = 1, KIND_CONSTANT = 2, KIND_GROWING = 4 };

struct truth *truth_new(const struct scenario *sc, const char *dat_path);
/* Writes both files; frees. 0 or negative errno. */
int truth_close(struct truth *t, struct sim *sim);
void truth_free(struct truth *t);

/* An arm of a one-shot timer as the host decided it; @visible: its evidence is in the file. */
void truth_arm(struct vcpu *v, int timer, bool past, uint64_t time_now, uint64_t count,
	       bool visible);
void truth_periodic(struct vcpu *v, int timer);
/*
 * A value of the reference clock that is in the file; @always: not only in
 * kvm_hv_stimer_start_expired.
 */
void truth_sample(struct vm *vm, int64_t t, bool always);
/* The reference clock moved by @ns at @t. */
void truth_step(struct vm *vm, int64_t t, int64_t ns, const char *action);
void truth_phase(struct vcpu *v, const struct phase *p, enum guest_clock from, enum guest_clock to,
		 bool page_write);
void truth_phase_end(struct vcpu *v, const struct phase *p, int64_t start);
void truth_host_action(struct vcpu *v, const char *action, int64_t from, int64_t to, int64_t value);
void truth_preempted(struct vcpu *v);

/* The faults that leave no past-due arm, by the question that must be answered with yes. */
enum truth_fault {
	FAULT_LIVELOCK,
	FAULT_LOST,
	FAULT_REVIVED,
	FAULT_SLOW,
	FAULT_REFUSED,
	NR_FAULTS
};
void truth_fault(struct vcpu *v, enum truth_fault fault);
/* The timer was programmed, or the trace ends: was it lost before? */
void truth_timer_heard_of(struct vcpu *v, int timer, int64_t t);
/* KVM handled one arm again, without effect. */
void truth_turn(struct vcpu *v, int timer);

#endif
