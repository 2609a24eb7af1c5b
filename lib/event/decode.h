/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: event. From raw ring-buffer records to struct hvst_event. A table made once for a file
 * maps the record's id to a plan: which bytes go where. Fields and their places come from the
 * file's own formats.
 */
#ifndef HVST_EVENT_DECODE_H
#define HVST_EVENT_DECODE_H

#include <hvstimer/event.h>

#include "../read/file.h"
#include "train.h"

#define HVST_MAX_COPIES 10 /* no event has more fields */

/*
 * Moves one field: @bytes of them at @from in the record to @to in struct hvst_event, widened to
 * @size.
 */
struct hvst_copy {
	uint16_t from;
	uint8_t to, size, bytes;
	bool sign; /* widen with the sign */
};

/* What lane.c has to look at to know whose affair an event is. */
enum hvst_own {
	HVST_OWN_NEVER,
	HVST_OWN_ENTRY = HVST_NOTE_ENTRY,
	HVST_OWN_EXIT = HVST_NOTE_EXIT,
	HVST_OWN_MSR = HVST_NOTE_TIMER_MSR,
	HVST_OWN_SET, /* stimer_set_config, stimer_set_count */
	HVST_OWN_START,
	HVST_OWN_EXPIRATION,
	HVST_OWN_OTHERS /* always that of other threads, too */
};

struct hvst_plan {
	uint8_t id; /* enum hvst_event_id */
	uint8_t nr;
	uint8_t own;   /* enum hvst_own */
	uint8_t usual; /* the same, if lane.c's own code can fill it; else HVST_OWN_NEVER */
	uint16_t present;
	uint16_t min_size; /* shortest record that holds all fields */
	uint64_t head;	   /* struct hvst_event from @id to @vcpu_id, for this event */
	struct hvst_copy copies[HVST_MAX_COPIES]; /* in the schema's order */
};

/*
 * Slots of the id table: 0 an event that hvstimer does not know, 1 one left out by --ignore, then
 * the plans.
 */
enum {
	HVST_SLOT_UNKNOWN,
	HVST_SLOT_IGNORED,
	HVST_SLOT_FIRST,
	HVST_NR_SLOTS = HVST_SLOT_FIRST + HVST_EV_COUNT
};

struct hvst_decoder {
	uint64_t has;		      /* bit per enum hvst_event_id */
	uint64_t wanted;	      /* bit per slot */
	uint8_t slot[UINT16_MAX + 1]; /* by common_type */
	struct hvst_plan plans[HVST_NR_SLOTS];
};

/*
 * hvst_decoder_init - plans for the events of @f
 * @ignored: bit per enum hvst_event_id: as if the file had no such event
 *
 * 0, or a negative errno with a message in @f's error buffer: formats that no kernel has.
 */
int hvst_decoder_init(struct hvst_decoder *d, struct hvst_file *f, uint64_t ignored);
/* Which events to decode, and whether all of their fields or only those that analysis reads. */
void hvst_decoder_select(struct hvst_decoder *d, struct hvst_file *f, uint64_t wanted,
			 bool all_fields);
/* Does the file have a format for event @id? */
bool hvst_decoder_has(const struct hvst_decoder *d, unsigned int id);

/* Fills the fields of @ev from a record of at least @p->min_size bytes. */
void hvst_plan_run(struct hvst_event *ev, const uint8_t *data, const struct hvst_plan *p);

#endif
