// SPDX-License-Identifier: GPL-2.0
/* Which command to record with, and what a recording lacks. */
#include <string.h>

#include <hvstimer/event.h>

#include "hint.h"

#define HYPERV_EVENTS "kvm_hv_" /* taken together, as one pattern */

void record_command(struct out *out, uint64_t ids)
{
	unsigned int id;

	out_str(out, "trace-cmd record -C mono -b 65536 -e 'kvm:" HYPERV_EVENTS "*'");
	for (id = 0; id < HVST_EV_COUNT; id++) {
		const struct hvst_event_need *need = hvst_event_need(id);
		const char *name = hvst_event_name(id);

		if (!need || !strncmp(name, HYPERV_EVENTS, strlen(HYPERV_EVENTS)) ||
		    (ids && !(ids >> id & 1)))
			continue;
		out_printf(out, " -e %s:%s", hvst_event_system(id), name);
		if (need->filter)
			out_printf(out, " -f '%s'", need->filter);
	}
}

uint64_t hint_missing(const struct hvst_result *r)
{
	uint64_t missing = 0;
	unsigned int i;

	for (i = 0; i < HVST_Q_COUNT; i++)
		if (r->verdicts[i]->answer == HVST_CANNOT_TELL)
			missing |= r->verdicts[i]->missing;
	return missing;
}
