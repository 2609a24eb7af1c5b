/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. Which clock the guest programs its timers from, and which it keeps time with. */
#ifndef HVST_ANALYSIS_CLOCKSOURCE_H
#define HVST_ANALYSIS_CLOCKSOURCE_H

#include "evidence.h"
#include "state.h"

#define PM_TIMER_PIIX	   0x608 /* PIIX4 and ICH9 as QEMU places them */
#define PM_TIMER_LEGACY	   0xb008
#define HPET_COUNTER_FIRST 0xfed000f0
#define HPET_COUNTER_LAST  0xfed000f7

static inline bool hvst_is_pm_timer_read(const struct hvst_event *ev)
{
	return ev->id == HVST_EV_PIO && !ev->pio.rw &&
	       (ev->pio.port == PM_TIMER_PIIX || ev->pio.port == PM_TIMER_LEGACY);
}

static inline bool hvst_is_hpet_read(const struct hvst_event *ev)
{
	return ev->id == HVST_EV_MMIO && ev->mmio.type < 2 && ev->mmio.gpa >= HPET_COUNTER_FIRST &&
	       ev->mmio.gpa <= HPET_COUNTER_LAST;
}

int hvst_clocksource_vm_created(struct vm *vm);
int hvst_clocksource_vcpu_created(struct vcpu *v);
int hvst_clocksource_timer_created(struct stimer *t);
void hvst_clocksource_gap(struct vcpu *v);
void hvst_clocksource_exit(struct analysis *a, struct vcpu *v, const struct hvst_event *ev,
			   enum hvst_exit_kind kind);
void hvst_clocksource_msr(struct analysis *a, struct vcpu *v, const struct hvst_event *ev);
void hvst_clocksource_event(struct analysis *a, struct vcpu *v, const struct hvst_event *ev);
void hvst_clocksource_page(struct analysis *a, const struct hvst_change *c,
			   const struct hvst_event *ev);
void hvst_clocksource_programmed(struct analysis *a, struct stimer *t, const struct hvst_event *ev);
void hvst_clocksource_delivery(struct stimer *t);
void hvst_clocksource_merged(struct vm *into, const struct vm *from);
void hvst_clocksource_finish(struct analysis *a);
void hvst_clocksource_vm_free(struct vm *vm);
void hvst_clocksource_vcpu_free(struct vcpu *v);
void hvst_clocksource_timer_free(struct stimer *t);

/* The clock that the vCPU programmed its timers from at @ts, as far as is known now. */
enum hvst_guest_source hvst_clocksource_at(const struct analysis *a, const struct vcpu *v,
					   int64_t ts);
/*
 * Did the guest change its source although the page is not known, so that one of the two is the
 * page or the raw TSC? Adds when to @why.
 */
bool hvst_clocksource_open(const struct vm_state *s, struct hvst_evidence_list *why);
/* A new transition, to be filled in; @v NULL: of the whole VM. NULL without memory or room. */
struct hvst_guest_transition *hvst_transition_add(struct analysis *a, struct vm *vm,
						  struct vcpu *v);

#endif
