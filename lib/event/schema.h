/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: event. What lib/event/decode.c needs of the event table beyond the public accessors. */
#ifndef HVST_EVENT_SCHEMA_H
#define HVST_EVENT_SCHEMA_H

#include <hvstimer/event.h>

struct hvst_event_desc {
	const char *system;
	const char *name;
	const struct hvst_field *fields;
	unsigned int nr_fields;
};

/* NULL for an unknown id; HVST_EV_LOST is known. */
const struct hvst_event_desc *hvst_event_desc(unsigned int id);

#endif
