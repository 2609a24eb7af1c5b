/* SPDX-License-Identifier: LGPL-2.1 */
#include <errno.h>
#include <string.h>

#include "decode.h"
#include "schema.h"

/*
 * What analysis reads of the events that carry more: bits of hvst_event_fields(). The events not
 * named here are read in full. Leaving the rest out keeps the two most frequent events, exit and
 * entry, short.
 */
#define HVST_FIELD_ALL	 UINT16_MAX
#define HVST_FIELD_EXIT	 0x00b /* vcpu_id, exit_reason, isa */
#define HVST_FIELD_ENTRY 0x001 /* vcpu_id */
#define HVST_FIELD_SCHED 0x00d /* prev_pid, prev_state, next_pid */
#define HVST_FIELD_PIO	 0x003 /* rw, port */
#define HVST_FIELD_MMIO	 0x005 /* type, gpa */
#define HVST_FIELD_APIC	 0x003 /* rw, reg */

static uint16_t analysed_fields(unsigned int id)
{
	switch (id) {
	case HVST_EV_EXIT:
		return HVST_FIELD_EXIT;
	case HVST_EV_ENTRY:
		return HVST_FIELD_ENTRY;
	case HVST_EV_SCHED_SWITCH:
		return HVST_FIELD_SCHED;
	case HVST_EV_PIO:
		return HVST_FIELD_PIO;
	case HVST_EV_MMIO:
		return HVST_FIELD_MMIO;
	case HVST_EV_APIC:
		return HVST_FIELD_APIC;
	}
	return HVST_FIELD_ALL;
}

void hvst_plan_run(struct hvst_event *ev, const uint8_t *data, const struct hvst_plan *p)
{
	for (unsigned int i = 0; i < p->nr; i++) {
		const struct hvst_copy *c = &p->copies[i];
		char *to = (char *)ev + c->to;
		uint64_t v = 0;

		if (c->bytes == c->size && c->size == 4) { /* most fields: no call */
			memcpy(to, data + c->from, 4);
			continue;
		}
		memcpy(&v, data + c->from, c->bytes);
		if (c->sign)
			v = (uint64_t)((int64_t)(v << (64 - 8 * c->bytes)) >> (64 - 8 * c->bytes));
		memcpy(to, &v, c->size);
	}
}

static void plan_field(struct hvst_plan *p, const struct hvst_field *to, unsigned int bit,
		       const struct hvst_format_field *from)
{
	uint8_t bytes = (uint8_t)(from->size > to->size ? to->size : from->size);
	unsigned int end = from->offset + bytes;

	/* an array or nothing at all under a known name: absent */
	if (!from->size || from->size > 8 || p->nr == HVST_MAX_COPIES)
		return;
	p->copies[p->nr++] = (struct hvst_copy){ .from = from->offset,
						 .to = (uint8_t)to->offset,
						 .size = to->size,
						 .bytes = bytes,
						 .sign = from->is_signed && bytes < to->size };
	p->present |= (uint16_t)(1u << bit);
	if (end > p->min_size)
		p->min_size = (uint16_t)end;
}

static enum hvst_own own_of(unsigned int id)
{
	switch (id) {
	case HVST_EV_ENTRY:
		return HVST_OWN_ENTRY;
	case HVST_EV_EXIT:
		return HVST_OWN_EXIT;
	case HVST_EV_MSR:
		return HVST_OWN_MSR;
	case HVST_EV_STIMER_SET_CONFIG:
	case HVST_EV_STIMER_SET_COUNT:
		return HVST_OWN_SET;
	case HVST_EV_STIMER_START_ONE_SHOT:
	case HVST_EV_STIMER_START_PERIODIC:
	case HVST_EV_STIMER_START_EXPIRED:
		return HVST_OWN_START;
	case HVST_EV_STIMER_EXPIRATION:
		return HVST_OWN_EXPIRATION;
	case HVST_EV_STIMER_CALLBACK:
	case HVST_EV_UPDATE_MASTER_CLOCK:
		return HVST_OWN_OTHERS;
	}
	return HVST_OWN_NEVER;
}

/* The sizes of a usual event's analysed fields, in the schema's order: one hex digit each. */
static uint32_t usual_sizes(enum hvst_own own)
{
	switch (own) {
	case HVST_OWN_ENTRY:
		return 0x4;
	case HVST_OWN_EXIT:
		return 0x444;
	case HVST_OWN_MSR:
	case HVST_OWN_SET:
		return 0x4481;
	case HVST_OWN_START:
		return 0x4488;
	case HVST_OWN_EXPIRATION:
		return 0x4444;
	default:
		return 0;
	}
}

static bool is_usual(const struct hvst_plan *p)
{
	uint32_t sizes = 0;

	for (unsigned int i = 0; i < p->nr; i++) {
		if (p->copies[i].bytes != p->copies[i].size || i >= 4)
			return false;
		sizes = sizes << 4 | p->copies[i].size;
	}
	return sizes == usual_sizes(p->own);
}

/* The eight bytes of an event that depend on its kind alone, but for the vcpu_id it may have. */
static uint64_t event_head(uint8_t id, uint16_t present)
{
	struct hvst_event ev = { .id = id, .present = present, .vcpu_id = -1 };
	uint64_t head;

	_Static_assert(offsetof(struct hvst_event, vcpu_id) + sizeof(ev.vcpu_id) -
				       offsetof(struct hvst_event, id) ==
			       sizeof(head),
		       "id to vcpu_id is one word");
	memcpy(&head, (const char *)&ev + offsetof(struct hvst_event, id), sizeof(head));
	return head;
}

static void make_plan(struct hvst_plan *p, const struct hvst_format *fmt, unsigned int id,
		      uint16_t fields)
{
	unsigned int n;
	const struct hvst_field *f = hvst_event_fields(id, &n);

	p->id = (uint8_t)id;
	p->nr = 0;
	p->present = 0;
	p->min_size = 8; /* the common fields */
	for (unsigned int i = 0; i < n; i++) {
		const struct hvst_format_field *from = hvst_format_field(fmt, f[i].name);

		if (from && fields >> i & 1)
			plan_field(p, &f[i], i, from);
	}
	p->own = (uint8_t)own_of(id);
	p->usual = is_usual(p) ? p->own : HVST_OWN_NEVER;
	p->head = event_head(p->id, p->present);
}

/*
 * The kernel has had the same four common fields since 2.6.36; anything else is no format of an
 * event.
 */
static int check_common(struct hvst_file *f, const struct hvst_format *fmt)
{
	const struct hvst_format_field *type = hvst_format_field(fmt, "common_type");
	const struct hvst_format_field *pid = hvst_format_field(fmt, "common_pid");

	if (type && !type->offset && type->size == 2 && pid && pid->offset == 4 && pid->size == 4)
		return 0;
	return hvst_file_fail(f, -EBADMSG, "corrupt: event %s has unknown common fields",
			      fmt->name);
}

static int event_of(const struct hvst_format *fmt)
{
	int id = hvst_event_by_name(fmt->name);

	return id >= 0 && !strcmp(hvst_event_system((unsigned int)id), fmt->system) ? id : -1;
}

int hvst_decoder_init(struct hvst_decoder *d, struct hvst_file *f, uint64_t ignored)
{
	memset(d, 0, sizeof(*d));
	for (unsigned int i = 0; i < f->nr_formats; i++) {
		const struct hvst_format *fmt = &f->formats[i];
		int id = event_of(fmt), rc;

		if (id < 0)
			continue;
		rc = check_common(f, fmt);
		if (rc)
			return rc;
		d->slot[fmt->id] =
			ignored >> id & 1 ? HVST_SLOT_IGNORED : (uint8_t)(HVST_SLOT_FIRST + id);
	}
	for (unsigned int i = 0; i < f->nr_formats; i++)
		if (d->slot[f->formats[i].id] >= HVST_SLOT_FIRST)
			d->has |= 1ull << (d->slot[f->formats[i].id] - HVST_SLOT_FIRST);
	hvst_decoder_select(d, f, 0, false);
	return 0;
}

void hvst_decoder_select(struct hvst_decoder *d, struct hvst_file *f, uint64_t wanted,
			 bool all_fields)
{
	d->wanted = 0;
	for (unsigned int i = 0; i < f->nr_formats; i++) {
		const struct hvst_format *fmt = &f->formats[i];
		int id = event_of(fmt);
		struct hvst_plan *p;

		if (id < 0 || d->slot[fmt->id] < HVST_SLOT_FIRST)
			continue;
		p = &d->plans[HVST_SLOT_FIRST + id];
		make_plan(p, fmt, (unsigned int)id,
			  all_fields ? HVST_FIELD_ALL : analysed_fields((unsigned int)id));
		d->wanted |= (wanted >> id & 1) << (HVST_SLOT_FIRST + id);
	}
}

bool hvst_decoder_has(const struct hvst_decoder *d, unsigned int id)
{
	return id < HVST_EV_COUNT && d->has >> id & 1;
}
