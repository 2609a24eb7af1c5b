/* SPDX-License-Identifier: LGPL-2.1 */
#include <stdlib.h>
#include <string.h>

#include "lane.h"

void hvst_counts_reset(struct hvst_counts *c)
{
	memset(c, 0, sizeof(*c));
	c->first_ns = INT64_MAX;
	c->last_ns = INT64_MIN;
}

void hvst_counts_add(struct hvst_counts *to, const struct hvst_counts *c)
{
	for (unsigned int i = 0; i < HVST_NR_SLOTS; i++)
		to->slots[i] += c->slots[i];
	to->decoded += c->decoded;
	to->malformed += c->malformed;
	to->clamped += c->clamped;
	to->duplicates += c->duplicates;
	to->bytes += c->bytes;
	to->lost_places += c->lost_places;
	if (__builtin_add_overflow(to->lost_ns, c->lost_ns, &to->lost_ns))
		to->lost_ns = INT64_MAX;
	if (c->first_ns < to->first_ns)
		to->first_ns = c->first_ns;
	if (c->last_ns > to->last_ns)
		to->last_ns = c->last_ns;
}

/* --- one record --- */

/* A time in ns, and as trace-cmd report shows it. */
struct stamp {
	int64_t ns;
	uint64_t raw;
};

static inline struct stamp stamp_of(const struct hvst_lane *l, uint64_t ts)
{
	if (__builtin_expect(l->timebase.plain, 1))
		return (struct stamp){ ts > HVST_TIME_MAX ? HVST_TIME_MAX : (int64_t)ts, ts };
	ts = hvst_timebase_report(&l->timebase, ts);
	return (struct stamp){ hvst_timebase_ns(&l->timebase, ts), ts };
}

static inline void event_begin(struct hvst_event *ev, const struct hvst_lane *l, struct stamp at,
			       const uint8_t *data, const struct hvst_field_map *m)
{
	memset(ev, 0, sizeof(*ev));
	ev->ts_ns = at.ns;
	ev->ts_raw = at.raw;
	memcpy(&ev->pid, data + 4, sizeof(ev->pid));
	ev->cpu = (uint16_t)l->cpu;
	ev->buffer = l->buffer;
	memcpy(&ev->id, &m->head, sizeof(m->head));
}

/*
 * Counts the record of at least 4 bytes, and decodes it as event @n of @r if it is wanted. Returns
 * how many events @r then has.
 */
static inline __attribute__((always_inline)) size_t decode_record(const struct hvst_lane *l,
								  struct hvst_run *r, size_t n,
								  struct stamp at,
								  const uint8_t *data, uint32_t len)
{
	const struct hvst_decoder *d = l->decoder;
	const struct hvst_field_map *m;
	unsigned int slot;
	uint16_t type;

	memcpy(&type, data, sizeof(type));
	slot = d->slot[type];
	r->counts.slots[slot]++;
	if (!(d->wanted >> slot & 1))
		return n;
	m = &d->maps[slot];
	if (__builtin_expect(len < m->min_size, 0)) {
		r->counts.malformed++;
		return n;
	}
	event_begin(&r->ev[n], l, at, data, m);
	hvst_field_map_apply(&r->ev[n], data, m);
	r->ns[n] = at.ns;
	return n + 1;
}

static void add_lost(struct hvst_lane *l, struct hvst_run *r, struct stamp at)
{
	r->ns[r->n] = at.ns;
	r->ev[r->n++] = (struct hvst_event){
		.ts_ns = at.ns,
		.ts_raw = at.raw,
		.pid = -1,
		.cpu = (uint16_t)l->cpu,
		.buffer = l->buffer,
		.id = HVST_EV_LOST,
		.present = 1,
		.vcpu_id = -1,
		.lost.count = l->missed < 0 ? 0 : (uint64_t)l->missed,
	};
	if (l->last_ns != INT64_MIN)
		r->counts.lost_ns += at.ns - l->last_ns;
	r->counts.lost_places++;
	l->gap = false;
}

enum step { STEP_TAKE, STEP_SKIP, STEP_END };

/* Events that one record may bring: itself, and the gap before it. */
#define ROOM 2

/*
 * Places a record in time: clamps a stamp that goes back, applies the window, and puts a gap before
 * the record into @r. On STEP_TAKE, *@at is the lane's last time.
 */
static enum step place_record(struct hvst_lane *l, struct hvst_run *r, struct stamp *at)
{
	if (at->ns < l->last_ns) {
		at->ns = l->last_ns;
		r->counts.clamped++;
	}
	if (at->ns >= l->to_ns)
		return STEP_END;
	if (at->ns < l->from_ns) {
		l->gap = false;
		return STEP_SKIP;
	}
	if (l->gap)
		add_lost(l, r, *at);
	if (r->counts.first_ns == INT64_MAX)
		r->counts.first_ns = at->ns;
	l->last_ns = at->ns;
	return STEP_TAKE;
}

/* --- records of libtracecmd --- */

/* True while more may come. Stamps are already what report shows. */
static bool take_record(struct hvst_lane *l, struct hvst_run *r, const struct hvst_record *rec)
{
	struct stamp at = { hvst_timebase_ns(&l->timebase, rec->ts), rec->ts };
	enum step step;

	if (rec->missed) {
		l->gap = true;
		l->missed = rec->missed;
	}
	step = place_record(l, r, &at);
	if (step == STEP_TAKE) {
		if (rec->size < 4)
			r->counts.malformed++;
		else
			r->n = decode_record(l, r, r->n, at, rec->data, rec->size);
	}
	return step != STEP_END;
}

static int decode_records(struct hvst_lane *l, struct hvst_run *r)
{
	struct hvst_record rec;

	while (r->n + ROOM <= HVST_RUN) {
		int rc = hvst_tracecmd_next(l->tracecmd, l->file_buffer, l->cpu, l->first, &rec);

		l->first = false;
		if (rc <= 0 || !take_record(l, r, &rec)) {
			r->counts.bytes += l->data.size;
			l->failed = rc < 0;
			return rc < 0 ? rc : 0;
		}
	}
	return 1;
}

/* --- sub-buffers --- */

/* Has a sub-buffer wait at @block_pos: 1, 0 at the end of the lane, negative errno. */
static int need_block(struct hvst_lane *l, struct hvst_run *r, struct hvst_unpack *u,
		      unsigned int *blocks)
{
	while (l->block_pos + l->pages.page_size > l->block.len) {
		int rc;

		if (++*blocks > HVST_RUN_BLOCKS)
			return 1;
		rc = hvst_pages_load(&l->pages, &l->block, u);
		l->block_pos = 0;
		if (rc <= 0) {
			l->block.len = 0;
			l->failed = rc < 0;
			return rc;
		}
		r->counts.bytes += l->block.file_bytes;
	}
	return 1;
}

static void set_gap(struct hvst_lane *l, int64_t missed)
{
	if (!missed)
		return;
	l->gap = true;
	l->missed = missed;
}

/* Opens the sub-buffer at @block_pos. One that makes no sense is a gap of unknown length. */
static void open_subbuf(struct hvst_lane *l, struct hvst_run *r)
{
	int64_t missed;

	if (!hvst_subbuf_open(&l->sub, l->block.data + l->block_pos, l->pages.page_size, &missed)) {
		r->counts.malformed++;
		missed = -1;
	}
	l->block_pos += l->pages.page_size;
	set_gap(l, missed);
}

/*
 * Decodes the open sub-buffer, as far as @r has room. False at the end of the window. A record
 * whose stamp lies between the last one and the end of the window needs no further look;
 * place_record() has seen one before, so that no gap waits and the window has begun.
 */
static bool decode_subbuf(struct hvst_lane *l, struct hvst_run *r)
{
	struct hvst_subbuf s = l->sub;
	int64_t last = l->last_ns, end = INT64_MIN;
	enum step step = STEP_TAKE;
	size_t n = r->n;
	int rc = 1;

	while (n + ROOM <= HVST_RUN && step != STEP_END) {
		const uint8_t *data;
		struct stamp at;
		uint32_t len;

		rc = hvst_subbuf_next(&s, &data, &len);
		if (__builtin_expect(rc <= 0, 0))
			break;
		at = stamp_of(l, s.ts);
		if (__builtin_expect(at.ns < last || at.ns >= end, 0)) {
			r->n = n;
			l->last_ns = last;
			step = place_record(l, r, &at);
			n = r->n;
			if (step != STEP_TAKE)
				continue;
			end = l->to_ns;
		}
		last = at.ns;
		n = decode_record(l, r, n, at, data, len);
	}
	r->n = n;
	l->last_ns = last;
	if (rc < 0) { /* the rest of it cannot be read */
		s.at = s.end;
		r->counts.malformed++;
		set_gap(l, -1);
	}
	l->sub = s;
	return step != STEP_END;
}

static int decode_pages(struct hvst_lane *l, struct hvst_run *r, struct hvst_unpack *u)
{
	unsigned int blocks = 0;

	while (r->n + ROOM <= HVST_RUN && blocks <= HVST_RUN_BLOCKS) {
		int rc;

		if (l->sub.at < l->sub.end && !decode_subbuf(l, r))
			return 0;
		if (l->sub.at < l->sub.end)
			break;
		rc = need_block(l, r, u, &blocks);
		if (rc <= 0)
			return rc;
		if (blocks <= HVST_RUN_BLOCKS)
			open_subbuf(l, r);
	}
	return 1;
}

void hvst_lane_decode(struct hvst_lane *l, struct hvst_run *r, struct hvst_unpack *u)
{
	r->n = 0;
	hvst_counts_reset(&r->counts);
	r->rc = l->tracecmd ? decode_records(l, r) : decode_pages(l, r, u);
	if (r->counts.first_ns != INT64_MAX)
		r->counts.last_ns = l->last_ns;
	r->counts.decoded += r->n - r->counts.lost_places;
	r->bound_ns = r->rc > 0 ? l->last_ns : INT64_MAX;
	r->ns[r->n] = r->ns[r->n + 1] = r->bound_ns;
}

static bool starts_before(const void *ctx, uint64_t ts)
{
	const struct hvst_lane *l = ctx;

	return stamp_of(l, ts).ns < l->from_ns;
}

int hvst_lane_start(struct hvst_lane *l, int64_t from_ns, int64_t to_ns, struct hvst_unpack *u)
{
	int rc;

	l->from_ns = from_ns;
	l->to_ns = to_ns;
	l->last_ns = INT64_MIN;
	l->gap = false;
	l->first = true;
	l->failed = false;
	memset(&l->sub, 0, sizeof(l->sub));
	if (l->tracecmd)
		return 0;
	if (from_ns == INT64_MIN)
		rc = hvst_pages_rewind(&l->pages);
	else
		rc = hvst_pages_seek(&l->pages, &l->block, u, starts_before, l);
	l->block_pos = 0;
	l->block.len = 0; /* the search used it */
	l->failed = rc < 0;
	return rc;
}

void hvst_lane_free(struct hvst_lane *l)
{
	hvst_pages_free(&l->pages);
	hvst_block_free(&l->block);
	free(l);
}
