/* SPDX-License-Identifier: LGPL-2.1 */
#include <stdlib.h>
#include <string.h>

#include "fetch.h"
#include "lane.h"

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
	if (!l->done && l->tracecmd)
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

/* The next block, and the one after it on its way. */
static int load_block(struct hvst_lane *l)
{
	int rc;

	if (!l->fetch)
		return hvst_pages_load(&l->pages, &l->block, l->unpack);
	rc = hvst_fetch_take(l->fetch, l);
	if (rc > 0)
		hvst_fetch_ask(l->fetch, l);
	return rc;
}

/* Has a sub-buffer wait at @block_pos: 1, 0 at the end of the lane, negative errno. */
static int need_block(struct hvst_lane *l)
{
	while (l->block_pos + l->pages.page_size > l->block.len) {
		int rc = load_block(l);

		l->block_pos = 0;
		if (rc <= 0) {
			l->block.len = 0;
			l->failed = rc < 0;
			finish(l);
			return rc;
		}
		l->counts->bytes += l->block.file_bytes;
	}
	return 1;
}

/* Opens the next sub-buffer. One that makes no sense is a gap of unknown length. */
static int next_subbuf(struct hvst_lane *l)
{
	int rc = need_block(l);
	int64_t missed;

	if (rc <= 0)
		return rc;
	if (!hvst_subbuf_open(&l->sub, l->block.data + l->block_pos, l->pages.page_size, &missed)) {
		l->counts->malformed++;
		missed = -1;
	}
	l->block_pos += l->pages.page_size;
	if (missed) {
		l->gap = true;
		l->missed = missed;
	}
	return 1;
}

/* The rest of this sub-buffer cannot be read. */
static void skip_rest(struct hvst_lane *l, struct hvst_subbuf *s)
{
	s->pos = s->end;
	l->counts->malformed++;
	l->gap = true;
	l->missed = -1;
}

static inline int64_t stamp(const struct hvst_lane *l, uint64_t ts, uint64_t *raw)
{
	*raw = l->timebase.plain ? ts : hvst_timebase_report(&l->timebase, ts);
	return hvst_timebase_ns(&l->timebase, *raw);
}

/*
 * The records of the sub-buffer that is open. A record at or behind @limit_ns is left where it is.
 * True when the sub-buffer is used up, false when @max or @limit_ns stopped it.
 */
static bool fill_subbuf(struct hvst_lane *l, struct hvst_event *out, size_t max, int64_t limit_ns, size_t *done)
{
	struct hvst_subbuf s = l->sub;
	size_t n = *done;
	bool used_up = false;

	while (n < max) {
		struct hvst_subbuf before = s;
		const uint8_t *data;
		uint64_t raw;
		uint32_t len;
		int64_t ns;
		int rc = hvst_subbuf_next(&s, &data, &len);

		if (__builtin_expect(rc <= 0, 0)) {
			if (rc)
				skip_rest(l, &s);
			used_up = true;
			break;
		}
		ns = stamp(l, s.ts, &raw);
		if (ns < l->last_ns)
			ns = l->last_ns;
		if (__builtin_expect(ns >= limit_ns, 0)) {
			l->head_ns = ns;
			s = before;
			break;
		}
		if (__builtin_expect(ns < l->from_ns, 0)) {
			l->gap = false;
			continue;
		}
		if (__builtin_expect(l->gap, 0)) {
			emit_lost(l, &out[n++], raw);
			s = before;
			continue;
		}
		n += emit_record(l, &out[n], raw, data, len);
		note_record(l, ns);
	}
	l->sub = s;
	*done = n;
	return used_up;
}

static long fill_pages(struct hvst_lane *l, struct hvst_event *out, size_t max, int64_t limit_ns)
{
	int64_t stop_ns = limit_ns < l->to_ns ? limit_ns : l->to_ns;
	size_t n = 0;

	while (n < max && !l->done && fill_subbuf(l, out, max, stop_ns, &n)) {
		int rc = next_subbuf(l);

		if (rc < 0)
			return rc;
	}
	if (!l->done && n == max)
		l->head_ns = l->last_ns;
	else if (!l->done && l->head_ns >= l->to_ns)
		finish(l);
	return (long)n;
}

long hvst_lane_fill(struct hvst_lane *l, struct hvst_event *out, size_t max, int64_t limit_ns)
{
	return l->tracecmd ? fill_records(l, out, max, limit_ns) : fill_pages(l, out, max, limit_ns);
}

static bool starts_before(const void *ctx, uint64_t ts)
{
	const struct hvst_lane *l = ctx;
	uint64_t raw;

	return stamp(l, ts, &raw) < l->from_ns;
}

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
	l->failed = false;
	if (l->tracecmd)
		return 0;
	l->block_pos = 0;
	l->block.len = 0;
	l->ahead_state = HVST_AHEAD_NONE;
	memset(&l->sub, 0, sizeof(l->sub));
	if (from_ns == INT64_MIN)
		return hvst_pages_rewind(&l->pages);
	return hvst_pages_seek(&l->pages, &l->block, l->unpack, starts_before, l);
}

void hvst_lane_free(struct hvst_lane *l)
{
	hvst_pages_free(&l->pages);
	hvst_block_free(&l->block);
	hvst_block_free(&l->ahead);
	free(l);
}
