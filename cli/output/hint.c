// SPDX-License-Identifier: GPL-2.0
#include "../record.h"
#include "hint.h"

void record_command(struct out *out, uint64_t ids)
{
	static const unsigned int useful[] = {
		HVST_EV_MSR,
		HVST_EV_WRITE_TSC_OFFSET,
		HVST_EV_TRACK_TSC,
		HVST_EV_UPDATE_MASTER_CLOCK,
		HVST_EV_PVCLOCK_UPDATE,
		HVST_EV_EXIT,
		HVST_EV_ENTRY,
		HVST_EV_PIO,
		HVST_EV_MMIO,
		HVST_EV_SCHED_SWITCH,
	};
	unsigned int i;

	out_str(out, "trace-cmd record -C mono -b 65536 -e 'kvm:kvm_hv_*'");
	for (i = 0; i < sizeof(useful) / sizeof(useful[0]); i++) {
		if (ids && !(ids >> useful[i] & 1))
			continue;
		out_printf(out, " -e %s:%s", hvst_event_system(useful[i]),
			   hvst_event_name(useful[i]));
		if (record_filter(useful[i]))
			out_printf(out, " -f '%s'", record_filter(useful[i]));
	}
}

uint64_t hint_missing(const struct hvst_result *r)
{
	uint64_t missing = 0;
	unsigned int i;

	for (i = 0; i < HVST_Q_COUNT; i++)
		if (r->verdicts[i].answer == HVST_CANNOT_TELL)
			missing |= r->verdicts[i].missing;
	return missing;
}
