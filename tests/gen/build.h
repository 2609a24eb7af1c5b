/* SPDX-License-Identifier: GPL-2.0 */
/* Building blocks of scenarios, shared by the named and the random ones. */
#ifndef GEN_BUILD_H
#define GEN_BUILD_H

#include "scenario.h"

struct timer_cfg *one_shot(struct phase *p, int i, enum policy policy, unsigned int us);
struct timer_cfg *periodic(struct phase *p, int i, unsigned int us);
/*
 * Phases: a healthy tick of 10 ms; the same after the guest enables its TSC page; the three kinds
 * of storms.
 */
struct phase *healthy(struct vcpu_plan *v, unsigned int ms);
struct phase *page_on(struct vcpu_plan *v, unsigned int ms);
struct phase *backlog(struct vcpu_plan *v, unsigned int ms, unsigned int behind_ms,
		      unsigned int us);
struct phase *lagging(struct vcpu_plan *v, unsigned int ms, unsigned int lag_ms, unsigned int us);
struct phase *slow_clock(struct vcpu_plan *v, unsigned int ms, int ppm, unsigned int us);
void host_does(struct phase *p, enum host_action kind, int64_t ms);

#endif
