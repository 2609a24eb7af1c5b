/* SPDX-License-Identifier: LGPL-2.1 */
#include <errno.h>
#include <string.h>

#include "lane.h"

int hvst_lane_start(struct hvst_lane *l, int64_t from_ns, int64_t to_ns)
{
	l->from_ns = from_ns;
	l->to_ns = to_ns;
	l->head_ns = INT64_MIN;
	l->last_ns = INT64_MIN;
	l->last_record_ns = INT64_MIN;
	l->gap = false;
	l->first = true;
	l->done = false;
	l->held = false;
	return 0;
}

static void set_head(struct hvst_lane *l, struct hvst_event *ev, uint64_t raw)
{
	int64_t ns = hvst_timebase_ns(&l->timebase, raw);

	memset(ev, 0, sizeof(*ev));
	ev->ts_raw = raw;
	ev->ts_ns = ns;
	ev->cpu = (uint16_t)l->cpu;
	ev->buffer = l->buffer;
	ev->vcpu_id = -1;
	if (ns < l->last_ns) {
		ev->ts_ns = l->last_ns;
		l->counts->clamped++;
	}
	l->last_ns = ev->ts_ns;
}

static void emit_lost(struct hvst_lane *l, struct hvst_event *ev, uint64_t raw)
{
	set_head(l, ev, raw);
	ev->id = HVST_EV_LOST;
	ev->pid = -1;
	ev->present = 1;
	ev->lost.count = l->missed < 0 ? 0 : (uint64_t)l->missed;
	if (l->last_record_ns != INT64_MIN && ev->ts_ns > l->last_record_ns)
		l->counts->lost_ns += ev->ts_ns - l->last_record_ns;
	l->counts->lost_places++;
	l->gap = false;
}

static void note_record(struct hvst_lane *l, int64_t ns)
{
	l->last_record_ns = ns;
	if (ns < l->counts->first_ns)
		l->counts->first_ns = ns;
	if (ns > l->counts->last_ns)
		l->counts->last_ns = ns;
}

/* True when @ev was filled. */
static bool emit_record(struct hvst_lane *l, struct hvst_event *ev, uint64_t raw, const uint8_t *data, uint32_t size)
{
	uint16_t type;
	const struct hvst_plan *p;
	unsigned int slot;

	if (size < 8) {
		l->counts->malformed++;
		return false;
	}
	memcpy(&type, data, sizeof(type));
	slot = l->decoder->slot[type];
	l->counts->slots[slot]++;
	p = &l->decoder->plans[slot];
	if (!p->wanted)
		return false;
	if (size < p->min_size) {
		l->counts->malformed++;
		return false;
	}
	set_head(l, ev, raw);
	memcpy(&ev->pid, data + 4, sizeof(ev->pid));
	ev->id = p->id;
	ev->present = p->present;
	hvst_plan_run(ev, data, p);
	l->counts->decoded++;
	return true;
}

static void finish(struct hvst_lane *l)
{
	if (!l->done)
		l->counts->bytes += l->bytes;
	l->done = true;
	l->held = false;
	l->head_ns = INT64_MAX;
}

/* Has the next record wait in @l->record; false at the end. */
static int hold_record(struct hvst_lane *l)
{
	int rc = l->done ? 0 : hvst_tracecmd_next(l->tracecmd, l->file_buffer, l->cpu, l->first, &l->record);

	l->first = false;
	if (rc <= 0) {
		finish(l);
		return rc;
	}
	l->held = true;
	if (l->record.missed) {
		l->gap = true;
		l->missed = l->record.missed;
	}
	return 1;
}

/* Records from libtracecmd, whose stamps are already what report shows. */
static long fill_records(struct hvst_lane *l, struct hvst_event *out, size_t max, int64_t limit_ns)
{
	size_t n = 0;

	while (n < max) {
		const struct hvst_record *r = &l->record;
		int rc = l->held ? 1 : hold_record(l);
		int64_t ns;

		if (rc <= 0)
			return rc ? rc : (long)n;
		ns = hvst_timebase_ns(&l->timebase, r->ts);
		if (ns < l->last_ns)
			ns = l->last_ns;
		l->head_ns = ns;
		if (ns >= l->to_ns) {
			finish(l);
			return (long)n;
		}
		if (ns >= limit_ns)
			return (long)n;
		if (ns < l->from_ns) {
			l->gap = false;
			l->held = false;
			continue;
		}
		if (l->gap) {
			emit_lost(l, &out[n++], r->ts);
			continue;
		}
		n += emit_record(l, &out[n], r->ts, r->data, r->size);
		note_record(l, ns);
		l->held = false;
	}
	return (long)n;
}

long hvst_lane_fill(struct hvst_lane *l, struct hvst_event *out, size_t max, int64_t limit_ns)
{
	return fill_records(l, out, max, limit_ns);
}
