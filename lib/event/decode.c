/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: event. Builds field maps from a file's formats, and applies them to records. */
#include <errno.h>
#include <string.h>

#include "decode.h"
#include "needs.h"
#include "schema.h"

void hvst_field_map_copy(struct hvst_event *ev, const uint8_t *data, const struct hvst_field_map *m)
{
	for (unsigned int i = 0; i < m->nr; i++) {
		const struct hvst_field_copy *c = &m->copies[i];
		char *to = (char *)ev + c->to;
		uint64_t v = 0;

		memcpy(&v, data + c->from, c->bytes);
		if (c->sign)
			v = (uint64_t)((int64_t)(v << (64 - 8 * c->bytes)) >> (64 - 8 * c->bytes));
		memcpy(to, &v, c->size);
	}
}

static void map_field(struct hvst_field_map *m, const struct hvst_field *to, unsigned int bit,
		      const struct hvst_format_field *from)
{
	uint8_t bytes = (uint8_t)(from->size > to->size ? to->size : from->size);
	unsigned int end = from->offset + bytes;

	_Static_assert(sizeof(struct hvst_event) <= UINT8_MAX, "@to of a copy has 8 bits");

	/* An array, or an empty field under a known name, counts as absent. */
	if (!from->size || from->size > 8 || m->nr == HVST_MAX_COPIES)
		return;
	m->copies[m->nr++] =
		(struct hvst_field_copy){ .from = from->offset,
					  .to = (uint8_t)to->offset,
					  .size = to->size,
					  .bytes = bytes,
					  .sign = from->is_signed && bytes < to->size };
	m->present |= (uint16_t)(1u << bit);
	if (end > m->min_size)
		m->min_size = (uint16_t)end;
}

/* The sizes of the fields in order, one hex digit each. */
static enum hvst_map_layout layout_of(const struct hvst_field_map *m)
{
	uint32_t sizes = 0;

	for (unsigned int i = 0; i < m->nr; i++) {
		if (m->copies[i].bytes != m->copies[i].size || i >= 4)
			return HVST_LAYOUT_OTHER;
		sizes = sizes << 4 | m->copies[i].size;
	}
	switch (sizes) {
	case 0x4:
		return HVST_LAYOUT_4;
	case 0x444:
		return HVST_LAYOUT_444;
	case 0x4444:
		return HVST_LAYOUT_4444;
	case 0x4481:
		return HVST_LAYOUT_4481;
	case 0x4488:
		return HVST_LAYOUT_4488;
	default:
		return HVST_LAYOUT_OTHER;
	}
}

/*
 * The eight bytes of an event that depend on its kind alone, except for a vcpu_id read from the
 * record.
 */
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

static void make_map(struct hvst_field_map *m, const struct hvst_format *fmt, unsigned int id,
		     uint16_t fields)
{
	unsigned int n;
	const struct hvst_field *f = hvst_event_fields(id, &n);

	m->id = (uint8_t)id;
	m->nr = 0;
	m->present = 0;
	m->min_size = 8; /* the common fields */
	for (unsigned int i = 0; i < n; i++) {
		const struct hvst_format_field *from = hvst_format_field(fmt, f[i].name);

		if (from && fields >> i & 1)
			map_field(m, &f[i], i, from);
	}
	m->layout = (uint8_t)layout_of(m);
	m->head = event_head(m->id, m->present);
}

/* The kernel has had these four common fields since 2.6.36; any other set is no event's format. */
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
		d->kind[fmt->id] =
			ignored >> id & 1 ? HVST_KIND_IGNORED : (uint8_t)(HVST_KIND_FIRST + id);
	}
	for (unsigned int i = 0; i < f->nr_formats; i++)
		if (d->kind[f->formats[i].id] >= HVST_KIND_FIRST)
			d->has |= 1ull << (d->kind[f->formats[i].id] - HVST_KIND_FIRST);
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

		if (id < 0 || d->kind[fmt->id] < HVST_KIND_FIRST)
			continue;
		make_map(&d->maps[HVST_KIND_FIRST + id], fmt, (unsigned int)id,
			 all_fields ? UINT16_MAX : hvst_needed_fields((unsigned int)id));
		d->wanted |= (wanted >> id & 1) << (HVST_KIND_FIRST + id);
	}
}

bool hvst_decoder_has(const struct hvst_decoder *d, unsigned int id)
{
	return id < HVST_EV_COUNT && d->has >> id & 1;
}
