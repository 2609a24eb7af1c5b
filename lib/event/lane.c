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

static void emit_lost(struct hvst_lane *l, struct hvst_run *r, int64_t ns, uint64_t raw)
{
	r->ns[r->n] = ns;
	r->ev[r->n++] = (struct hvst_event){
		.ts_ns = ns, .ts_raw = raw, .pid = -1, .cpu = (uint16_t)l->cpu, .buffer = l->buffer,
		.id = HVST_EV_LOST, .present = 1, .vcpu_id = -1,
		.lost.count = l->missed < 0 ? 0 : (uint64_t)l->missed,
	};
	if (l->last_ns != INT64_MIN)
		r->counts.lost_ns += ns - l->last_ns;
	r->counts.lost_places++;
	l->gap = false;
}

/* What emit_record() needs of a lane: small enough for registers. */
struct emitter {
	const struct hvst_decoder *d;
	uint64_t *slots;
	uint32_t cpu_buffer;		/* as struct hvst_event has them, side by side */
};

static inline struct emitter emitter_of(const struct hvst_lane *l, struct hvst_run *r)
{
	_Static_assert(offsetof(struct hvst_event, buffer) == offsetof(struct hvst_event, cpu) + 2,
		       "cpu and buffer are one word");
	return (struct emitter){ l->decoder, r->counts.slots, (uint32_t)l->buffer << 16 | l->cpu };
}

/* Counts the record, and decodes it if it is wanted. Records have at least 4 bytes. */
static inline __attribute__((always_inline)) void
emit_record(struct emitter e, struct hvst_run *r, int64_t ns, uint64_t raw, const uint8_t *data,
	    uint32_t len)
{
	const struct hvst_plan *p;
	struct hvst_event *ev;
	uint16_t type;
	unsigned int slot;

	memcpy(&type, data, sizeof(type));
	slot = e.d->slot[type];
	e.slots[slot]++;
	p = &e.d->plans[slot];
	if (!p->wanted)
		return;
	if (__builtin_expect(len < p->min_size, 0)) {
		r->counts.malformed++;
		return;
	}
	ev = &r->ev[r->n];
	r->ns[r->n++] = ns;
	memset(&ev->id + 8, 0, sizeof(*ev) - offsetof(struct hvst_event, id) - 8);
	ev->ts_ns = ns;
	ev->ts_raw = raw;
	memcpy(&ev->pid, data + 4, sizeof(ev->pid));
	memcpy(&ev->cpu, &e.cpu_buffer, sizeof(e.cpu_buffer));
	memcpy(&ev->id, &p->head, sizeof(p->head));
	hvst_plan_run(ev, data, p);
}

enum step { STEP_TAKE, STEP_SKIP, STEP_END };

#define ROOM 2	/* events that one record may bring: itself, and the gap before it */

/*
 * What is seldom: the first record of a pass or a run, time going back, the window's edges, a gap
 * before the record. On STEP_TAKE, *@ns is noted as the last one's time.
 */
static enum step unusual(struct hvst_lane *l, struct hvst_run *r, int64_t *ns, uint64_t raw)
{
	if (*ns < l->last_ns) {
		*ns = l->last_ns;
		r->counts.clamped++;
	}
	if (*ns >= l->to_ns)
		return STEP_END;
	if (*ns < l->from_ns) {
		l->gap = false;
		return STEP_SKIP;
	}
	if (l->gap)
		emit_lost(l, r, *ns, raw);
	if (r->counts.first_ns == INT64_MAX)
		r->counts.first_ns = *ns;
	l->last_ns = *ns;
	return STEP_TAKE;
}

/* How far behind the last record's time the next one's may lie for unusual() to have nothing to say. */
static inline uint64_t usual_span(const struct hvst_lane *l, const struct hvst_run *r)
{
	int64_t end = l->to_ns < HVST_TIME_MAX ? l->to_ns : HVST_TIME_MAX;

	if (l->gap || l->last_ns == INT64_MIN || r->counts.first_ns == INT64_MAX)
		return 0;
	return end > l->last_ns ? (uint64_t)end - (uint64_t)l->last_ns : 0;
}

/* --- records of libtracecmd --- */

/* True while more may come. Stamps are already what report shows. */
static bool take_record(struct hvst_lane *l, struct hvst_run *r, const struct hvst_record *rec)
{
	int64_t ns = hvst_timebase_ns(&l->timebase, rec->ts);
	enum step step;

	if (rec->missed) {
		l->gap = true;
		l->missed = rec->missed;
	}
	step = unusual(l, r, &ns, rec->ts);
	if (step == STEP_TAKE) {
		if (rec->size < 4)
			r->counts.malformed++;
		else
			emit_record(emitter_of(l, r), r, ns, rec->ts, rec->data, rec->size);
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

static inline int64_t stamp(const struct hvst_lane *l, uint64_t ts, uint64_t *raw)
{
	*raw = ts;
	if (__builtin_expect(l->timebase.plain, 1))
		return ts > HVST_TIME_MAX ? HVST_TIME_MAX : (int64_t)ts;
	*raw = hvst_timebase_report(&l->timebase, ts);
	return hvst_timebase_ns(&l->timebase, *raw);
}

/*
 * Decodes the open sub-buffer, as far as @r has room. False at the end of the window. @plain: as the
 * time base says, a constant for the compiler: most recordings need no arithmetic on their stamps.
 */
static inline __attribute__((always_inline)) bool
decode_stamped(struct hvst_lane *l, struct hvst_run *r, bool plain)
{
	struct emitter e = emitter_of(l, r);
	uint64_t span = usual_span(l, r);
	struct hvst_subbuf s = l->sub;
	int64_t last = l->last_ns;
	const uint8_t *data;
	uint32_t len;
	bool more = true;
	int rc = 1;

	while (r->n + ROOM <= HVST_RUN) {
		uint64_t raw, ahead;
		int64_t ns;

		rc = hvst_subbuf_next(&s, &data, &len);
		if (__builtin_expect(rc <= 0, 0))
			break;
		raw = s.ts;
		ns = plain ? (int64_t)raw : stamp(l, raw, &raw);
		ahead = (uint64_t)ns - (uint64_t)last;
		if (__builtin_expect(ahead >= span, 0)) {
			enum step step;

			ns = stamp(l, s.ts, &raw);
			l->last_ns = last;
			step = unusual(l, r, &ns, raw);
			last = l->last_ns;
			span = usual_span(l, r);
			more = step != STEP_END;
			if (!more)
				break;
			if (step == STEP_SKIP)
				continue;
		} else {
			last = ns;
			span -= ahead;
		}
		emit_record(e, r, ns, raw, data, len);
	}
	l->last_ns = last;
	if (rc < 0) {			/* the rest of it cannot be read */
		s.pos = s.end;
		r->counts.malformed++;
		set_gap(l, -1);
	}
	l->sub = s;
	return more;
}

static bool decode_subbuf(struct hvst_lane *l, struct hvst_run *r)
{
	return l->timebase.plain ? decode_stamped(l, r, true) : decode_stamped(l, r, false);
}

static int decode_pages(struct hvst_lane *l, struct hvst_run *r, struct hvst_unpack *u)
{
	unsigned int blocks = 0;

	while (r->n + ROOM <= HVST_RUN && blocks <= HVST_RUN_BLOCKS) {
		int rc;

		if (l->sub.pos < l->sub.end && !decode_subbuf(l, r))
			return 0;
		if (l->sub.pos < l->sub.end)
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
	r->counts.decoded = r->n - r->counts.lost_places;
	r->bound_ns = r->rc > 0 ? l->last_ns : INT64_MAX;
	r->ns[r->n] = r->ns[r->n + 1] = r->bound_ns;
}

static bool starts_before(const void *ctx, uint64_t ts)
{
	const struct hvst_lane *l = ctx;
	uint64_t raw;

	return stamp(l, ts, &raw) < l->from_ns;
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
	l->block.len = 0;		/* the search used it */
	l->failed = rc < 0;
	return rc;
}

void hvst_lane_free(struct hvst_lane *l)
{
	hvst_pages_free(&l->pages);
	hvst_block_free(&l->block);
	free(l);
}
