/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: stream. Sub-buffers or libtracecmd's records of one CPU -> event chunks. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cpu_stream.h"
#include "exit_groups.h"

void hvst_counts_reset(struct hvst_counts *c)
{
	memset(c, 0, sizeof(*c));
	c->first_ns = INT64_MAX;
	c->last_ns = INT64_MIN;
}

void hvst_counts_add(struct hvst_counts *to, const struct hvst_counts *c)
{
	for (unsigned int i = 0; i < HVST_NR_KINDS; i++)
		to->records[i] += c->records[i];
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

static inline struct stamp stamp_of(const struct hvst_cpu_stream *cs, uint64_t ts)
{
	if (__builtin_expect(cs->timebase.plain, 1))
		return (struct stamp){ ts > HVST_TIME_MAX ? HVST_TIME_MAX : (int64_t)ts, ts };
	ts = hvst_timebase_report(&cs->timebase, ts);
	return (struct stamp){ hvst_timebase_ns(&cs->timebase, ts), ts };
}

static inline void event_begin(struct hvst_event *ev, const struct hvst_cpu_stream *cs,
			       struct stamp at, const uint8_t *data, const struct hvst_field_map *m)
{
	memset(ev, 0, sizeof(*ev));
	ev->ts_ns = at.ns;
	ev->ts_raw = at.raw;
	memcpy(&ev->pid, data + 4, sizeof(ev->pid));
	ev->cpu = (uint16_t)cs->cpu;
	ev->buffer = cs->buffer;
	memcpy(&ev->id, &m->head, sizeof(m->head));
}

/*
 * Counts the record, which has at least 4 bytes, and decodes it as event @n of @chunk if it is
 * wanted. Returns the number of events that @chunk then has.
 */
static inline __attribute__((always_inline)) size_t decode_record(const struct hvst_cpu_stream *cs,
								  struct hvst_event_chunk *chunk,
								  size_t n, struct stamp at,
								  const uint8_t *data, uint32_t len)
{
	const struct hvst_decoder *d = cs->decoder;
	const struct hvst_field_map *m;
	unsigned int kind;
	uint16_t type;

	memcpy(&type, data, sizeof(type));
	kind = d->kind[type];
	chunk->counts.records[kind]++;
	if (!(d->wanted >> kind & 1))
		return n;
	m = &d->maps[kind];
	if (__builtin_expect(len < m->min_size, 0)) {
		chunk->counts.malformed++;
		return n;
	}
	event_begin(&chunk->ev[n], cs, at, data, m);
	hvst_field_map_apply(&chunk->ev[n], data, m);
	chunk->ns[n] = at.ns;
	return n + 1;
}

static void add_lost(struct hvst_cpu_stream *cs, struct hvst_event_chunk *chunk, struct stamp at)
{
	chunk->ns[chunk->n] = at.ns;
	chunk->ev[chunk->n++] = (struct hvst_event){
		.ts_ns = at.ns,
		.ts_raw = at.raw,
		.pid = -1,
		.cpu = (uint16_t)cs->cpu,
		.buffer = cs->buffer,
		.id = HVST_EV_LOST,
		.present = 1,
		.vcpu_id = -1,
		.lost.count = cs->missed < 0 ? 0 : (uint64_t)cs->missed,
	};
	if (cs->last_ns != INT64_MIN)
		chunk->counts.lost_ns += at.ns - cs->last_ns;
	chunk->counts.lost_places++;
	cs->gap = false;
}

enum window_step { WINDOW_TAKE, WINDOW_SKIP, WINDOW_END };

/* The most events that one record adds: its own, and the gap before it. */
#define ROOM 2

/*
 * Places a record in time: clamps a time stamp that goes back, applies the window, and adds the gap
 * before the record, if any. On WINDOW_TAKE, the stream's last time is *@at.
 */
static enum window_step place_record(struct hvst_cpu_stream *cs, struct hvst_event_chunk *chunk,
				     struct stamp *at)
{
	if (at->ns < cs->last_ns) {
		at->ns = cs->last_ns;
		chunk->counts.clamped++;
	}
	if (at->ns >= cs->to_ns)
		return WINDOW_END;
	if (at->ns < cs->from_ns) {
		cs->gap = false;
		return WINDOW_SKIP;
	}
	if (cs->gap)
		add_lost(cs, chunk, *at);
	if (chunk->counts.first_ns == INT64_MAX)
		chunk->counts.first_ns = at->ns;
	cs->last_ns = at->ns;
	return WINDOW_TAKE;
}

/* --- records of libtracecmd --- */

/* Time stamps of libtracecmd are already what trace-cmd report shows. True while more may come. */
static bool take_record(struct hvst_cpu_stream *cs, struct hvst_event_chunk *chunk,
			const struct hvst_record *rec)
{
	struct stamp at = { hvst_timebase_ns(&cs->timebase, rec->ts), rec->ts };
	enum window_step step;

	if (rec->missed) {
		cs->gap = true;
		cs->missed = rec->missed;
	}
	step = place_record(cs, chunk, &at);
	if (step == WINDOW_TAKE) {
		if (rec->size < 4)
			chunk->counts.malformed++;
		else
			chunk->n = decode_record(cs, chunk, chunk->n, at, rec->data, rec->size);
	}
	return step != WINDOW_END;
}

static int decode_records(struct hvst_cpu_stream *cs, struct hvst_event_chunk *chunk)
{
	struct hvst_record rec;

	while (chunk->n + ROOM <= HVST_CHUNK_EVENTS) {
		int rc =
			hvst_tracecmd_next(cs->tracecmd, cs->file_buffer, cs->cpu, cs->first, &rec);

		cs->first = false;
		if (rc <= 0 || !take_record(cs, chunk, &rec)) {
			chunk->counts.bytes += cs->data.size;
			cs->failed = rc < 0;
			return rc < 0 ? rc : 0;
		}
	}
	return 1;
}

/* --- sub-buffers --- */

/* A live trace has nothing more at present: no later event is earlier than the bound. */
static int wait_for_more(struct hvst_cpu_stream *cs)
{
	int64_t bound = cs->pages.bound ? stamp_of(cs, cs->pages.bound).ns : INT64_MIN;

	if (bound > cs->last_ns)
		cs->last_ns = bound;
	return HVST_CHUNK_WAITS;
}

/*
 * Makes a whole sub-buffer available at @block_pos. Returns 1, also when @blocks has reached its
 * limit; HVST_CHUNK_WAITS; 0 at the end of the stream; or a negative errno.
 */
static int need_block(struct hvst_cpu_stream *cs, struct hvst_event_chunk *chunk,
		      struct hvst_unpack *u, unsigned int *blocks)
{
	while (cs->block_pos + cs->pages.page_size > cs->block.len) {
		int rc;

		if (++*blocks > HVST_CHUNK_BLOCKS)
			return 1;
		rc = hvst_pages_load(&cs->pages, &cs->block, u);
		cs->block_pos = 0;
		if (rc <= 0) {
			cs->block.len = 0;
			if (rc == -EAGAIN)
				return wait_for_more(cs);
			cs->failed = rc < 0;
			return rc;
		}
		chunk->counts.bytes += cs->block.file_bytes;
	}
	return 1;
}

static void set_gap(struct hvst_cpu_stream *cs, int64_t missed)
{
	if (!missed)
		return;
	cs->gap = true;
	cs->missed = missed;
}

/* Opens the sub-buffer at @block_pos. One that cannot be read is a gap of unknown length. */
static void open_subbuf(struct hvst_cpu_stream *cs, struct hvst_event_chunk *chunk)
{
	int64_t missed;

	if (!hvst_subbuf_open(&cs->sub, cs->block.data + cs->block_pos, cs->pages.page_size,
			      &missed)) {
		chunk->counts.malformed++;
		missed = -1;
	}
	cs->block_pos += cs->pages.page_size;
	set_gap(cs, missed);
}

/*
 * Decodes the open sub-buffer, as far as @chunk has room. False at the end of the window.
 *
 * The first record goes through place_record(). After that no gap is pending and the window has
 * begun, so that a record stamped between the last one and the end of the window can skip it.
 */
static bool decode_subbuf(struct hvst_cpu_stream *cs, struct hvst_event_chunk *chunk)
{
	struct hvst_subbuf s = cs->sub;
	int64_t last = cs->last_ns, end = INT64_MIN;
	enum window_step step = WINDOW_TAKE;
	size_t n = chunk->n;
	int rc = 1;

	while (n + ROOM <= HVST_CHUNK_EVENTS && step != WINDOW_END) {
		const uint8_t *data;
		struct stamp at;
		uint32_t len;

		rc = hvst_subbuf_next(&s, &data, &len);
		if (__builtin_expect(rc <= 0, 0))
			break;
		at = stamp_of(cs, s.ts);
		if (__builtin_expect(at.ns < last || at.ns >= end, 0)) {
			chunk->n = n;
			cs->last_ns = last;
			step = place_record(cs, chunk, &at);
			n = chunk->n;
			if (step != WINDOW_TAKE)
				continue;
			end = cs->to_ns;
		}
		last = at.ns;
		n = decode_record(cs, chunk, n, at, data, len);
	}
	chunk->n = n;
	cs->last_ns = last;
	if (rc < 0) { /* skip the rest of the sub-buffer */
		s.at = s.end;
		chunk->counts.malformed++;
		set_gap(cs, -1);
	}
	cs->sub = s;
	return step != WINDOW_END;
}

static int decode_pages(struct hvst_cpu_stream *cs, struct hvst_event_chunk *chunk,
			struct hvst_unpack *u)
{
	unsigned int blocks = 0;

	while (chunk->n + ROOM <= HVST_CHUNK_EVENTS && blocks <= HVST_CHUNK_BLOCKS) {
		int rc;

		if (cs->sub.at < cs->sub.end && !decode_subbuf(cs, chunk))
			return 0;
		if (cs->sub.at < cs->sub.end)
			break;
		rc = need_block(cs, chunk, u, &blocks);
		if (rc != 1)
			return rc;
		if (blocks <= HVST_CHUNK_BLOCKS)
			open_subbuf(cs, chunk);
	}
	return 1;
}

static __attribute__((noinline)) void group(struct hvst_cpu_stream *cs,
					    struct hvst_event_chunk *chunk)
{
	chunk->strict_until = hvst_exit_groups(chunk->ev, chunk->ns, chunk->n);
	/* Since when a CPU was recorded concerns the threads of all. */
	if (!cs->begun && chunk->n)
		chunk->ns[0] = chunk->ev[0].ts_ns;
	cs->begun |= chunk->n > 0;
}

void hvst_cpu_stream_decode(struct hvst_cpu_stream *cs, struct hvst_event_chunk *chunk,
			    struct hvst_unpack *u)
{
	chunk->n = 0;
	hvst_counts_reset(&chunk->counts);
	chunk->rc = cs->tracecmd ? decode_records(cs, chunk) : decode_pages(cs, chunk, u);
	if (chunk->counts.first_ns != INT64_MAX)
		chunk->counts.last_ns = cs->last_ns;
	chunk->counts.decoded += chunk->n - chunk->counts.lost_places;
	chunk->bound_ns = chunk->rc > 0 ? cs->last_ns : INT64_MAX;
	chunk->strict_until = INT64_MIN;
	chunk->grouped = cs->exit_groups;
	if (cs->exit_groups)
		group(cs, chunk);
	chunk->ns[chunk->n] = chunk->ns[chunk->n + 1] = chunk->bound_ns;
}

static bool starts_before(const void *ctx, uint64_t ts)
{
	const struct hvst_cpu_stream *cs = ctx;

	return stamp_of(cs, ts).ns < cs->from_ns;
}

int hvst_cpu_stream_start(struct hvst_cpu_stream *cs, int64_t from_ns, int64_t to_ns,
			  struct hvst_unpack *u)
{
	int rc;

	cs->from_ns = from_ns;
	cs->to_ns = to_ns;
	cs->last_ns = INT64_MIN;
	cs->gap = false;
	cs->first = true;
	cs->begun = false;
	cs->failed = false;
	memset(&cs->sub, 0, sizeof(cs->sub));
	if (cs->tracecmd)
		return 0;
	if (from_ns == INT64_MIN)
		rc = hvst_pages_rewind(&cs->pages);
	else
		rc = hvst_pages_seek(&cs->pages, &cs->block, u, starts_before, cs);
	cs->block_pos = 0;
	cs->block.len = 0; /* the search used it */
	cs->failed = rc < 0;
	return rc;
}

void hvst_cpu_stream_free(struct hvst_cpu_stream *cs)
{
	hvst_pages_free(&cs->pages);
	hvst_block_free(&cs->block);
	free(cs);
}
