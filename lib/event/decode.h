/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: event. Decodes raw ring-buffer records into struct hvst_event. A record's common_type
 * selects a field map, made once for a file from the file's own formats: kernels differ.
 */
#ifndef HVST_EVENT_DECODE_H
#define HVST_EVENT_DECODE_H

#include <string.h>

#include <hvstimer/event.h>

#include "../file/file.h"

#define HVST_MAX_COPIES 10 /* no event has more fields */

/*
 * Copies one field: @bytes of them at @from in the record to @to in struct hvst_event, widened to
 * @size.
 */
struct hvst_field_copy {
	uint16_t from;
	uint8_t to, size, bytes;
	bool sign; /* widen with the sign */
};

/*
 * The sizes of a map's fields, in order, where they are those of a frequent event and need no
 * widening: such a map is applied without a loop.
 */
enum hvst_map_layout {
	HVST_LAYOUT_OTHER,
	HVST_LAYOUT_4,	  /* kvm_entry */
	HVST_LAYOUT_444,  /* kvm_exit, as far as the analysis reads it */
	HVST_LAYOUT_4444, /* expiration */
	HVST_LAYOUT_4481, /* kvm_msr, stimer_set_count, stimer_set_config */
	HVST_LAYOUT_4488, /* stimer_start_* */
};

/**
 * struct hvst_field_map - where the fields of one kind of event are in a record
 * @id: enum hvst_event_id
 * @nr: entries of @copies
 * @layout: enum hvst_map_layout
 * @min_size: of the shortest record that holds all fields
 * @head: struct hvst_event from @id to @vcpu_id, as it is before the fields are copied
 * @copies: the fields, in the schema's order
 */
struct hvst_field_map {
	uint8_t id;
	uint8_t nr;
	uint8_t layout;
	uint16_t present;
	uint16_t min_size;
	uint64_t head;
	struct hvst_field_copy copies[HVST_MAX_COPIES];
};

/* Kinds of records: unknown to hvstimer, an event that is ignored on request, then known events. */
enum {
	HVST_KIND_UNKNOWN,
	HVST_KIND_IGNORED,
	HVST_KIND_FIRST,
	HVST_NR_KINDS = HVST_KIND_FIRST + HVST_EV_COUNT
};

struct hvst_decoder {
	uint64_t has;		      /* bit per enum hvst_event_id: the file has its format */
	uint64_t wanted;	      /* bit per kind */
	uint8_t kind[UINT16_MAX + 1]; /* by common_type */
	struct hvst_field_map maps[HVST_NR_KINDS];
};

/*
 * hvst_decoder_init - field maps for the events of @f
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

/* Copies fields of any sizes. */
void hvst_field_map_copy(struct hvst_event *ev, const uint8_t *data,
			 const struct hvst_field_map *m);

static inline __attribute__((always_inline)) void hvst_copy_field(struct hvst_event *ev,
								  const uint8_t *data,
								  const struct hvst_field_copy *c,
								  size_t size)
{
	memcpy((char *)ev + c->to, data + c->from, size);
}

/* Fills the fields of @ev from a record of at least @m->min_size bytes. */
static inline void hvst_field_map_apply(struct hvst_event *ev, const uint8_t *data,
					const struct hvst_field_map *m)
{
	const struct hvst_field_copy *c = m->copies;

	if (__builtin_expect(m->layout == HVST_LAYOUT_OTHER, 0)) {
		hvst_field_map_copy(ev, data, m);
		return;
	}
	hvst_copy_field(ev, data, &c[0], 4);
	if (m->layout == HVST_LAYOUT_4)
		return;
	hvst_copy_field(ev, data, &c[1], 4);
	switch (m->layout) {
	case HVST_LAYOUT_444:
		hvst_copy_field(ev, data, &c[2], 4);
		break;
	case HVST_LAYOUT_4444:
		hvst_copy_field(ev, data, &c[2], 4);
		hvst_copy_field(ev, data, &c[3], 4);
		break;
	case HVST_LAYOUT_4481:
		hvst_copy_field(ev, data, &c[2], 8);
		hvst_copy_field(ev, data, &c[3], 1);
		break;
	default:
		hvst_copy_field(ev, data, &c[2], 8);
		hvst_copy_field(ev, data, &c[3], 8);
	}
}

#endif
