// SPDX-License-Identifier: GPL-2.0
/*
 * Packets of a Perfetto trace. Field numbers are those of Perfetto's protos/perfetto/trace: the
 * stable part, TrackEvent.
 */
#include <stdio.h>
#include <string.h>

#include "../hash.h"
#include "../output/units.h"
#include "pftrace.h"
#include "wire.h"

enum { TRACE_PACKET = 1 };
enum {
	PACKET_TIMESTAMP = 8,
	PACKET_SEQUENCE_ID = 10,
	PACKET_TRACK_EVENT = 11,
	PACKET_INTERNED_DATA = 12,
	PACKET_SEQUENCE_FLAGS = 13,
	PACKET_TRACK_DESCRIPTOR = 60,
};
enum { FLAG_STATE_CLEARED = 1, FLAG_NEEDS_STATE = 2 };
enum {
	DESCRIPTOR_UUID = 1,
	DESCRIPTOR_NAME = 2,
	DESCRIPTOR_PROCESS = 3,
	DESCRIPTOR_THREAD = 4,
	DESCRIPTOR_PARENT = 5,
	DESCRIPTOR_COUNTER = 8,
};
enum { PROCESS_PID = 1, PROCESS_NAME = 6 };
enum { THREAD_PID = 1, THREAD_TID = 2, THREAD_NAME = 5 };
enum { COUNTER_UNIT = 3, UNIT_TIME_NS = 1 };
enum {
	EVENT_CATEGORY_IIDS = 3,
	EVENT_ANNOTATIONS = 4,
	EVENT_TYPE = 9,
	EVENT_NAME_IID = 10,
	EVENT_TRACK = 11,
	EVENT_COUNTER_VALUE = 30,
	EVENT_FLOWS = 47,
	EVENT_TERMINATING_FLOWS = 48,
};
enum { TYPE_SLICE_BEGIN = 1, TYPE_SLICE_END = 2, TYPE_INSTANT = 3, TYPE_COUNTER = 4 };
enum {
	ANNOTATION_NAME_IID = 1,
	ANNOTATION_BOOL = 2,
	ANNOTATION_UINT = 3,
	ANNOTATION_INT = 4,
	ANNOTATION_DOUBLE = 5,
	ANNOTATION_STRING = 6,
};
enum { INTERNED_IID = 1, INTERNED_NAME = 2 };

#define SEQUENCE_ID 1

/* --- packets ---------------------------------------------------------------------------------- */

static void write_packet(struct pftrace *p)
{
	if (p->fresh.len)
		wire_bytes(&p->packet, PACKET_INTERNED_DATA, p->fresh.buf, p->fresh.len);
	if (p->packet.err || p->fresh.err)
		p->out.err = p->packet.err ? p->packet.err : p->fresh.err;
	else
		wire_bytes(&p->out, TRACE_PACKET, p->packet.buf, p->packet.len);
	p->packet.len = p->fresh.len = 0;
}

int pftrace_open(struct pftrace *p, const char *path)
{
	memset(p, 0, sizeof(*p));
	out_open_memory(&p->packet);
	out_open_memory(&p->fresh);
	return out_open(&p->out, path, COLOR_NEVER);
}

static void free_buffers(struct pftrace *p)
{
	out_discard(&p->packet);
	out_discard(&p->fresh);
}

int pftrace_close(struct pftrace *p)
{
	free_buffers(p);
	return out_close(&p->out);
}

void pftrace_discard(struct pftrace *p)
{
	free_buffers(p);
	out_discard(&p->out);
}

/* --- tracks ----------------------------------------------------------------------------------- */

static size_t open_descriptor(struct pftrace *p, uint64_t parent, const char *name)
{
	size_t mark;

	wire_u64(&p->packet, PACKET_SEQUENCE_ID, SEQUENCE_ID);
	if (!p->begun)
		wire_u64(&p->packet, PACKET_SEQUENCE_FLAGS, FLAG_STATE_CLEARED);
	p->begun = true;
	mark = wire_open(&p->packet, PACKET_TRACK_DESCRIPTOR);
	wire_u64(&p->packet, DESCRIPTOR_UUID, ++p->last_track);
	if (parent)
		wire_u64(&p->packet, DESCRIPTOR_PARENT, parent);
	wire_string(&p->packet, DESCRIPTOR_NAME, name);
	return mark;
}

static uint64_t close_descriptor(struct pftrace *p, size_t mark)
{
	wire_close(&p->packet, mark);
	write_packet(p);
	return p->last_track;
}

uint64_t pftrace_process(struct pftrace *p, int pid, const char *name)
{
	size_t descriptor = open_descriptor(p, 0, name);
	size_t process = wire_open(&p->packet, DESCRIPTOR_PROCESS);

	wire_i64(&p->packet, PROCESS_PID, pid);
	wire_string(&p->packet, PROCESS_NAME, name);
	wire_close(&p->packet, process);
	return close_descriptor(p, descriptor);
}

uint64_t pftrace_thread(struct pftrace *p, int pid, int tid, const char *name)
{
	size_t descriptor = open_descriptor(p, 0, name);
	size_t thread = wire_open(&p->packet, DESCRIPTOR_THREAD);

	wire_i64(&p->packet, THREAD_PID, pid);
	wire_i64(&p->packet, THREAD_TID, tid);
	wire_string(&p->packet, THREAD_NAME, name);
	wire_close(&p->packet, thread);
	return close_descriptor(p, descriptor);
}

uint64_t pftrace_track(struct pftrace *p, uint64_t parent, const char *name)
{
	return close_descriptor(p, open_descriptor(p, parent, name));
}

uint64_t pftrace_counter(struct pftrace *p, uint64_t parent, const char *name)
{
	size_t descriptor = open_descriptor(p, parent, name);
	size_t counter = wire_open(&p->packet, DESCRIPTOR_COUNTER);

	wire_u64(&p->packet, COUNTER_UNIT, UNIT_TIME_NS);
	wire_close(&p->packet, counter);
	return close_descriptor(p, descriptor);
}

/* --- strings ---------------------------------------------------------------------------------- */

/* The number of @s in a list; if it is new, the packet begun defines it. 0: no room. */
static uint64_t intern(struct pftrace *p, enum intern_list list, const char *s)
{
	struct interned *in = &p->interned[list];
	unsigned int slot = hash_bytes(HASH_EMPTY, s, strlen(s)) & (INTERN_SLOTS - 1);
	size_t mark;

	while (in->s[slot] && strcmp(in->s[slot], s))
		slot = (slot + 1) & (INTERN_SLOTS - 1);
	if (in->s[slot])
		return in->iid[slot];
	if (in->n + 1 == INTERN_SLOTS)
		return 0;
	in->s[slot] = s;
	in->iid[slot] = ++in->n;
	mark = wire_open(&p->fresh, list);
	wire_u64(&p->fresh, INTERNED_IID, in->n);
	wire_string(&p->fresh, INTERNED_NAME, s);
	wire_close(&p->fresh, mark);
	return in->n;
}

/* --- events ----------------------------------------------------------------------------------- */

static void open_event(struct pftrace *p, uint64_t track, int64_t ts, unsigned int type)
{
	wire_u64(&p->packet, PACKET_TIMESTAMP, ts < 0 ? 0 : (uint64_t)ts);
	wire_u64(&p->packet, PACKET_SEQUENCE_ID, SEQUENCE_ID);
	wire_u64(&p->packet, PACKET_SEQUENCE_FLAGS, FLAG_NEEDS_STATE);
	p->mark = wire_open(&p->packet, PACKET_TRACK_EVENT);
	wire_u64(&p->packet, EVENT_TYPE, type);
	wire_u64(&p->packet, EVENT_TRACK, track);
}

static void name_event(struct pftrace *p, const char *category, const char *name)
{
	wire_u64(&p->packet, EVENT_CATEGORY_IIDS, intern(p, INTERN_CATEGORY, category));
	wire_u64(&p->packet, EVENT_NAME_IID, intern(p, INTERN_EVENT, name));
}

void pftrace_done(struct pftrace *p)
{
	wire_close(&p->packet, p->mark);
	write_packet(p);
}

void pftrace_instant(struct pftrace *p, uint64_t track, int64_t ts, const char *category,
		     const char *name)
{
	open_event(p, track, ts, TYPE_INSTANT);
	name_event(p, category, name);
}

void pftrace_slice(struct pftrace *p, struct pf_track *track, int64_t from, int64_t to,
		   const char *category, const char *name)
{
	if (from < track->last_end)
		from = track->last_end;
	track->last_end = to < from ? from : to;
	open_event(p, track->uuid, from, TYPE_SLICE_BEGIN);
	name_event(p, category, name);
}

void pftrace_slice_end(struct pftrace *p, const struct pf_track *track)
{
	open_event(p, track->uuid, track->last_end, TYPE_SLICE_END);
	pftrace_done(p);
}

void pftrace_value(struct pftrace *p, uint64_t track, int64_t ts, int64_t v)
{
	open_event(p, track, ts, TYPE_COUNTER);
	wire_i64(&p->packet, EVENT_COUNTER_VALUE, v);
	pftrace_done(p);
}

void pftrace_flow(struct pftrace *p, uint64_t flow, bool ends)
{
	wire_fixed64(&p->packet, ends ? EVENT_TERMINATING_FLOWS : EVENT_FLOWS, flow);
}

/* --- annotations ------------------------------------------------------------------------------ */

static size_t open_annotation(struct pftrace *p, const char *name)
{
	size_t mark = wire_open(&p->packet, EVENT_ANNOTATIONS);

	wire_u64(&p->packet, ANNOTATION_NAME_IID, intern(p, INTERN_ANNOTATION, name));
	return mark;
}

void pftrace_int(struct pftrace *p, const char *name, int64_t v)
{
	size_t mark = open_annotation(p, name);

	wire_i64(&p->packet, ANNOTATION_INT, v);
	wire_close(&p->packet, mark);
}

void pftrace_uint(struct pftrace *p, const char *name, uint64_t v)
{
	size_t mark = open_annotation(p, name);

	wire_u64(&p->packet, ANNOTATION_UINT, v);
	wire_close(&p->packet, mark);
}

void pftrace_text(struct pftrace *p, const char *name, const char *v)
{
	size_t mark = open_annotation(p, name);

	wire_string(&p->packet, ANNOTATION_STRING, v);
	wire_close(&p->packet, mark);
}

static void put_bool(struct pftrace *p, const char *name, bool v)
{
	size_t mark = open_annotation(p, name);

	wire_u64(&p->packet, ANNOTATION_BOOL, v);
	wire_close(&p->packet, mark);
}

static void put_double(struct pftrace *p, const char *name, double v)
{
	size_t mark = open_annotation(p, name);

	wire_double(&p->packet, ANNOTATION_DOUBLE, v);
	wire_close(&p->packet, mark);
}

static void put_evidence(struct pftrace *p, const struct hvst_evidence_list *l)
{
	static const char *const names[HVST_MAX_EVIDENCE] = { "evidence 1", "evidence 2",
							      "evidence 3", "evidence 4",
							      "evidence 5", "evidence 6" };
	char text[sizeof(l->e[0].text) + UNIT_BUF + 4], time[UNIT_BUF];
	unsigned int i;

	for (i = 0; i < l->n && i < HVST_MAX_EVIDENCE; i++) {
		const struct hvst_evidence *e = &l->e[i];

		if (e->ts_ns == HVST_UNKNOWN)
			snprintf(text, sizeof(text), "%s", e->text);
		else
			snprintf(text, sizeof(text), "%s: %s", unit_time(time, e->ts_ns), e->text);
		pftrace_text(p, names[i], text);
	}
}

static void put_field(struct pftrace *p, const struct finding_field *f, const void *finding)
{
	switch (f->type) {
	case VALUE_ID:
	case VALUE_INT:
		pftrace_int(p, f->name, field_int(f, finding));
		break;
	case VALUE_BOOL:
		put_bool(p, f->name, field_bool(f, finding));
		break;
	case VALUE_COUNT:
		pftrace_uint(p, f->name, field_u64(f, finding));
		break;
	case VALUE_TIME:
	case VALUE_UTC:
	case VALUE_DURATION:
	case VALUE_SIGNED:
	case VALUE_REF:
		pftrace_int(p, f->name, field_i64(f, finding));
		break;
	case VALUE_RATE:
	case VALUE_PPM:
	case VALUE_SHARE:
		put_double(p, f->name, field_double(f, finding));
		break;
	case VALUE_WORD:
	case VALUE_EVENT:
	case VALUE_STRING:
	case VALUE_POINTER:
		pftrace_text(p, f->name, field_string(f, finding));
		break;
	case VALUE_EVIDENCE:
		put_evidence(p, field_evidence(f, finding));
		break;
	default:
		break;
	}
}

void pftrace_finding(struct pftrace *p, const struct finding_kind *kind, const void *finding)
{
	unsigned int i;

	for (i = 0; i < kind->n; i++) {
		const struct finding_field *f = &kind->fields[i];

		if (f->name && f->in & IN_JSON && field_known(f, finding))
			put_field(p, f, finding);
	}
}
