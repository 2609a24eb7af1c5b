/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Which fault the headline names where there is no storm, and what to do about
 * each fault. The long form is hvstimer-faults(7).
 */
#include "../base/array.h"
#include "verdict.h"

static const struct {
	enum hvst_question question;
	const char *step[HVST_ADVICE_STEPS];
} advice[] = {
	/* Faults that stop the guest come first, those that may merely lead to one last. */
	{ HVST_Q_TIMER_LIVELOCK,
	  { "Update the kernel of the host: this is a fault of KVM, see hvstimer-faults(7)." } },
	{ HVST_Q_GUEST_CLOCK_AHEAD,
	  { "Find what set the VM's clock back: a reset, a restore or KVM_SET_CLOCK; see the "
	    "VMM's log.",
	    "Report it to the VMM: the TSC of every vCPU has to be reset together with the "
	    "clock." } },
	{ HVST_Q_LOST_TIMER,
	  { "Find why the timer could not be delivered: a masked SINT, the guest's message page "
	    "off, a LAPIC disabled; without a callback it is the host's fault." } },
	{ HVST_Q_GUEST_TIME_RESTORE,
	  { "Report it to the VMM: it must not offer this hypercall in CPUID leaf 0x40000004, or "
	    "has to implement it." } },
	{ HVST_Q_TSC_REFERENCE_OFFSET,
	  { "Report it to the VMM: TSC and reference clock have to start from one moment when the "
	    "VM is created." } },
	{ HVST_Q_VMM_RESUME_ORDER,
	  { "Report it to the VMM: it has to set the clock before any vCPU runs." } },
	{ HVST_Q_VCPU_TSC_MISMATCH,
	  { "Report it to the VMM: it has to write one TSC offset for all vCPUs, by "
	    "KVM_VCPU_TSC_OFFSET." } },
	{ HVST_Q_GUEST_CLOCK_BEHIND,
	  { "Find what the guest computes its time from, and since when." } },
	{ HVST_Q_GUEST_CLOCK_RATE,
	  { "Compare the frequencies that the guest was told of with those of the host: TSC page, "
	    "MSR 0x40000022, CPUID." } },
	{ HVST_Q_RESTORED_TIMER_FIRED,
	  { "Update the kernel of the host: this is a fault of KVM, see hvstimer-faults(7)." } },
	{ HVST_Q_SLOW_CLOCK_PATH,
	  { "Find why the guest does not use the TSC page: the VMM does not offer it, it is "
	    "broken, or the guest was told to use another clock." } },
	{ HVST_Q_GUEST_BACKLOG, { "Find what held the guest up before it replayed its ticks." } },
	{ HVST_Q_HOST_REFERENCE_STEP,
	  { "Find what moved the VM's clock: KVM_SET_CLOCK, a TSC offset, stop and continue, a "
	    "restore or a migration; see the VMM's log." } },
	{ HVST_Q_GUEST_CLOCKSOURCE_SWITCH,
	  { "Find why the guest changed its clock source, and compare the two." } },
	{ HVST_Q_HOST_KVMCLOCK_FALLBACK,
	  { "Find why the TSC page is not set: the master clock is off, or the guest did not "
	    "enable it." } },
	{ HVST_Q_HOST_UNPAIRED_CLOCK_READS,
	  { "Find what delays the host between two readings of its clock: SMIs, a busy "
	    "hypervisor below." } },
	{ HVST_Q_REFUSED_REQUESTS,
	  { "Find which CPUID bit made the guest ask for what this KVM does not have." } },
};

#define NR_ADVICE ARRAY_SIZE(advice)

int hvst_next_fault(const struct hvst_result *r, int after)
{
	bool passed = after < 0;

	for (unsigned int i = 0; i < NR_ADVICE; i++) {
		if (passed && r->verdicts[advice[i].question]->answer == HVST_YES)
			return (int)advice[i].question;
		passed |= (int)advice[i].question == after;
	}
	return -1;
}

const char *const *hvst_advice(enum hvst_question question)
{
	static const char *const none[HVST_ADVICE_STEPS];

	for (unsigned int i = 0; i < NR_ADVICE; i++)
		if (advice[i].question == question)
			return advice[i].step;
	return none;
}
