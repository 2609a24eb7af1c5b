/* SPDX-License-Identifier: GPL-2.0 */
/* Building blocks of scenarios, shared by the named and the random ones. */
#ifndef GEN_BUILD_H
#define GEN_BUILD_H

#include "rng.h"
#include "scenario.h"

struct timer_cfg *one_shot(struct phase *p, int i, enum policy policy, unsigned int us);
struct timer_cfg *periodic(struct phase *p, int i, unsigned int us);
/*
 * Phases: a healthy tick of 10 ms; the same after the guest enables its TSC page; the three kinds
 * of storms.
 */
struct phase *healthy(struct scenario_vcpu *v, unsigned int ms);
struct phase *page_on(struct scenario_vcpu *v, unsigned int ms);
struct phase *backlog(struct scenario_vcpu *v, unsigned int ms, unsigned int behind_ms,
		      unsigned int us);
struct phase *lagging(struct scenario_vcpu *v, unsigned int ms, unsigned int lag_ms,
		      unsigned int us);
struct phase *slow_clock(struct scenario_vcpu *v, unsigned int ms, int ppm, unsigned int us);
void host_does(struct phase *p, enum host_action kind, int64_t ms);

/* faults.c, faults_clock.c: kinds of faults by number, each adds a VM to the scenario. */
unsigned int fault_kinds(void);
/* In a random size of those it may have. On the last VM's vCPU if sc->same_vm. */
void fault_add(struct scenario *sc, unsigned int kind, struct rng *rng);
unsigned int fault_clock_kinds(void);
void fault_clock_sizes(unsigned int kind, int64_t *first, int64_t *last);
void fault_clock_add(struct scenario *sc, unsigned int kind, int64_t size);

#endif
