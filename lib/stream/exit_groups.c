/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: stream. Which events of a VM exit are merged together. */
#include "../hyperv/names.h"
#include "exit_groups.h"

#define BIT(event) (1ULL << HVST_EV_##event)

/* Events that are frequent and merged at their own time. */
#define COMMON                                                                                     \
	(BIT(ENTRY) | BIT(STIMER_START_ONE_SHOT) | BIT(STIMER_START_EXPIRED) |                     \
	 BIT(STIMER_CALLBACK) | BIT(SCHED_SWITCH))

enum merge_role {
	ROLE_ALONE,	  /* merged at its own time */
	ROLE_JOINS_NEXT,  /* may be merged with the next event of its thread */
	ROLE_TAKES_ENTRY, /* an entry right after it may be merged with it */
	/* where it lies among the events of other threads may change what these mean */
	ROLE_CONCERNS_OTHERS,
};

/* Timers that the guest clears are a step of its resume, with what its other vCPUs do. */
static enum merge_role role_of_write(bool host, uint64_t value)
{
	if (host)
		return ROLE_CONCERNS_OTHERS;
	return value ? ROLE_JOINS_NEXT : ROLE_ALONE;
}

static enum merge_role role_of_msr(const struct hvst_event *ev)
{
	if (ev->msr.exception)
		return ROLE_CONCERNS_OTHERS;
	if (hvst_msr_is_stimer(ev->msr.ecx))
		return ROLE_JOINS_NEXT;
	switch (ev->msr.ecx) {
	case HVST_MSR_GUEST_OS_ID:
	case HVST_MSR_REFERENCE_TSC:
	case HVST_MSR_REENLIGHTENMENT_CONTROL:
	case HVST_MSR_TSC_EMULATION_CONTROL:
	case HVST_MSR_IA32_TSC:
	case HVST_MSR_IA32_TSC_ADJUST:
		return ev->msr.write ? ROLE_CONCERNS_OTHERS : ROLE_ALONE;
	default:
		return ROLE_ALONE;
	}
}

static __attribute__((noinline)) enum merge_role role_of_rare(const struct hvst_event *ev)
{
	switch (ev->id) {
	case HVST_EV_WRITE_TSC_OFFSET:
	case HVST_EV_UPDATE_MASTER_CLOCK:
	case HVST_EV_LOST:
		return ROLE_CONCERNS_OTHERS;
	case HVST_EV_HYPERCALL:
		return ev->hypercall.code == HVST_CALL_RESTORE_PARTITION_TIME ? ROLE_CONCERNS_OTHERS
									      : ROLE_ALONE;
	default:
		return ROLE_ALONE;
	}
}

static inline enum merge_role role_of(const struct hvst_event *ev)
{
	if (ev->id == HVST_EV_EXIT) /* RDTSC: one of the VM's reads of its clock */
		return hvst_exit_kind(ev->exit.isa, ev->exit.exit_reason) == HVST_EXIT_RDTSC
			       ? ROLE_ALONE
			       : ROLE_JOINS_NEXT;
	if (ev->id == HVST_EV_MSR)
		return role_of_msr(ev);
	if (ev->id == HVST_EV_STIMER_SET_COUNT)
		return role_of_write(ev->set_count.host, ev->set_count.count);
	if (ev->id == HVST_EV_STIMER_SET_CONFIG)
		return role_of_write(ev->set_config.host, ev->set_config.config);
	if (ev->id == HVST_EV_STIMER_EXPIRATION)
		return ROLE_TAKES_ENTRY;
	return COMMON >> ev->id & 1 ? ROLE_ALONE : role_of_rare(ev);
}

/* Did the thread have no time to record anything on another CPU between @from and @to? */
static bool stayed(const struct hvst_event *from, const struct hvst_event *to)
{
	return from->pid == to->pid &&
	       (uint64_t)to->ts_ns - (uint64_t)from->ts_ns <= HVST_EXIT_STEP_NS;
}

int64_t hvst_exit_groups(const struct hvst_event *ev, int64_t *ns, size_t n)
{
	int64_t strict_until = INT64_MIN;

	if (n && role_of(&ev[n - 1]) == ROLE_CONCERNS_OTHERS)
		strict_until = ev[n - 1].ts_ns;
	for (size_t i = n; i-- > 1;) {
		enum merge_role role = role_of(&ev[i - 1]);

		if (role == ROLE_JOINS_NEXT && stayed(&ev[i - 1], &ev[i]))
			ns[i - 1] = ns[i];
		else if (role == ROLE_TAKES_ENTRY && ev[i].id == HVST_EV_ENTRY &&
			 stayed(&ev[i - 1], &ev[i]))
			ns[i] = ns[i - 1];
		else if (role == ROLE_CONCERNS_OTHERS && strict_until == INT64_MIN)
			strict_until = ev[i - 1].ts_ns;
	}
	return strict_until;
}
