/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. The sentences for answers_clock.c. Decides nothing. */
#include <stdio.h>

#include "epoch.h"
#include "life.h"
#include "verdict.h"

#define SUMMARY(...) snprintf(v->summary, sizeof(v->summary), __VA_ARGS__)

/* The answer's first evidence; without any, @without. */
static const char *first(const struct hvst_verdict *v, const char *without)
{
	return v->evidence.n ? v->evidence.e[0].text : without;
}

SENTENCE(ahead)
{
	(void)a;
	if (v->answer == HVST_YES)
		SUMMARY("the guest's clock is ahead of its reference clock, so that its timers "
			"fire late; %s",
			first(v, ""));
	else if (v->answer == HVST_NO)
		SUMMARY("no arm leads by what the reference clock was set back by; a constant lead "
			"without a step of it looks like a longer delay and cannot be seen");
	else
		SUMMARY("whether the guest's clock is ahead cannot be told: %s",
			first(v, "too little is known of its arms"));
}

SENTENCE(time_restore)
{
	(void)a;
	if (v->answer == HVST_YES)
		SUMMARY("the guest asked to have its time put back as it was before it was "
			"suspended, which KVM does not do; %s",
			first(v, ""));
	else if (v->answer == HVST_NO)
		SUMMARY("no call of HvCallRestorePartitionTime and no resume of the guest with "
			"counts of another epoch was seen");
	else
		SUMMARY("the guest resumed, but whether it asked for its old time is not known: %s",
			first(v, "its hypercalls were not recorded"));
}

SENTENCE(tsc_offset)
{
	(void)a;
	if (v->answer == HVST_YES)
		SUMMARY("the guest keeps time by its TSC, which began later than its reference "
			"clock: every deadline nearer than that is past due; %s",
			first(v, ""));
	else if (v->answer == HVST_NO)
		SUMMARY("no lag of a guest equals the distance between the zeroes of its TSC and "
			"of its reference clock");
	else
		SUMMARY("a guest lags, and whether by what its TSC and its reference clock began "
			"apart is not known: %s",
			first(v, "no event tells"));
}

SENTENCE(resume_order)
{
	(void)a;
	if (v->answer == HVST_YES)
		SUMMARY("the VMM let vCPUs run before it had set the clock of the VM that it "
			"restored: %s",
			first(v, ""));
	else if (v->answer == HVST_NO)
		SUMMARY("no VM was seen running between its restore and the setting of its clock");
	else
		SUMMARY("a VM ran between its restore and an update of its clock; what that moved "
			"is not known: %s",
			first(v, "too few readings"));
}

SENTENCE(tsc_mismatch)
{
	(void)a;
	if (v->answer == HVST_YES)
		SUMMARY("vCPUs of one VM run with different TSC offsets: KVM gives up its master "
			"clock and the guest its TSC page, so that every clock read may exit; %s",
			v->evidence.n > 1 ? v->evidence.e[1].text : first(v, ""));
	else if (v->answer == HVST_NO)
		SUMMARY("no two vCPUs of a VM ran with different TSC offsets, as far as they were "
			"written in the trace");
	else
		SUMMARY("the master clock of a VM is off, and the TSC offsets of its vCPUs are not "
			"in the trace");
}
