/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: event. Applies the decoders of lib/hyperv to struct hvst_event. */
#include <stdlib.h>
#include <string.h>

#include <hvstimer/names.h>

#include "../hyperv/meaning.h"

#define COMMON_PID (-1) /* not in hvst_event_fields(): every event has it, as @pid */

/* How to decode one event; @decode NULL: nothing to add. */
struct entry {
	void (*decode)(struct hvst_meaning *m);
	unsigned int nr;
	int field[HVST_MEANING_FIELDS]; /* indexes into hvst_event_fields(), or COMMON_PID */
};

struct hvst_decoder {
	struct timers *timers;
	struct entry entries[HVST_EV_COUNT];
	struct hvst_meaning meaning;
};

static bool find_field(unsigned int id, const char *name, int *index)
{
	unsigned int n;
	const struct hvst_field *f = hvst_event_fields(id, &n);

	*index = COMMON_PID;
	if (!strcmp(name, "common_pid"))
		return true;
	for (unsigned int i = 0; i < n; i++) {
		if (strcmp(f[i].name, name))
			continue;
		*index = (int)i;
		return true;
	}
	return false;
}

static void make_entry(struct entry *e, unsigned int id, const struct hvst_meaning_event *known)
{
	for (; e->nr < HVST_MEANING_FIELDS && known->fields[e->nr]; e->nr++)
		if (!find_field(id, known->fields[e->nr], &e->field[e->nr]))
			return;
	e->decode = known->decode;
}

struct hvst_decoder *hvst_decoder_new(void)
{
	struct hvst_decoder *d = calloc(1, sizeof(*d));
	const struct hvst_meaning_event *known;
	unsigned int n;

	if (!d)
		return NULL;
	d->timers = hvst_timers_new();
	if (!d->timers) {
		free(d);
		return NULL;
	}
	known = hvst_meaning_events(&n);
	for (unsigned int i = 0; i < n; i++) {
		int id = hvst_event_by_name(known[i].name);

		if (id >= 0)
			make_entry(&d->entries[id], (unsigned int)id, &known[i]);
	}
	return d;
}

void hvst_decoder_free(struct hvst_decoder *d)
{
	if (d)
		hvst_timers_free(d->timers);
	free(d);
}

static bool read_values(const struct entry *e, const struct hvst_event *ev, uint64_t *v)
{
	for (unsigned int i = 0; i < e->nr; i++) {
		if (e->field[i] == COMMON_PID)
			v[i] = (uint64_t)(int64_t)ev->pid;
		else if (!hvst_event_value(ev, (unsigned int)e->field[i], &v[i]))
			return false;
	}
	return true;
}

static size_t copy(char *buf, size_t len, const char *text)
{
	size_t n = strnlen(text, len - 1);

	memcpy(buf, text, n);
	buf[n] = 0;
	return n;
}

/* A name that the kernel's own text has in place of a number. */
static const char *number_name(const struct hvst_event *ev)
{
	if (ev->id == HVST_EV_EXIT)
		return hvst_exit_reason_name(ev->exit.isa, ev->exit.exit_reason);
	return ev->id == HVST_EV_APIC ? hvst_apic_reg_name(ev->apic.reg) : NULL;
}

size_t hvst_decoder_text(struct hvst_decoder *d, const struct hvst_event *ev, char *buf, size_t len)
{
	struct hvst_meaning *m = &d->meaning;
	const struct entry *e;
	const char *name;

	buf[0] = 0;
	if (ev->id == HVST_EV_LOST)
		hvst_timers_forget(d->timers);
	if (ev->id >= HVST_EV_COUNT)
		return 0;
	e = &d->entries[ev->id];
	name = number_name(ev);
	if (name)
		return copy(buf, len, name);
	if (!e->decode || !read_values(e, ev, m->v))
		return 0;
	m->timers = d->timers;
	m->unit = HVST_UNIT_AUTO;
	m->ts = ev->ts_ns > 0 ? (uint64_t)ev->ts_ns : 0;
	m->place = ev->cpu + 1u; /* losses on a CPU arrive as events and make the decoder forget */
	m->len = 0;
	m->text[0] = 0;
	e->decode(m);
	return copy(buf, len, m->text);
}
