/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: stream. Which events of a VM exit are merged together. */
#include "../hyperv/names.h"
#include "exit_groups.h"

/* Is it an event that may be merged with the next one of its thread? */
static bool joins_next(const struct hvst_event *ev)
{
	switch (ev->id) {
	case HVST_EV_EXIT:
		return true;
	case HVST_EV_MSR:
		return hvst_msr_is_stimer(ev->msr.ecx);
	case HVST_EV_STIMER_SET_CONFIG:
		return !ev->set_config.host;
	case HVST_EV_STIMER_SET_COUNT:
		return !ev->set_count.host;
	default:
		return false;
	}
}

/* Did the thread have no time to record anything on another CPU between @from and @to? */
static bool stayed(const struct hvst_event *from, const struct hvst_event *to)
{
	return from->pid == to->pid &&
	       (uint64_t)to->ts_ns - (uint64_t)from->ts_ns <= HVST_EXIT_STEP_NS;
}

void hvst_exit_groups(const struct hvst_event *ev, int64_t *ns, size_t n)
{
	for (size_t i = n; i-- > 1;)
		if (joins_next(&ev[i - 1]) && stayed(&ev[i - 1], &ev[i]))
			ns[i - 1] = ns[i];
	for (size_t i = 1; i < n; i++)
		if (ev[i].id == HVST_EV_ENTRY && ev[i - 1].id == HVST_EV_STIMER_EXPIRATION &&
		    stayed(&ev[i - 1], &ev[i]))
			ns[i] = ns[i - 1];
}
