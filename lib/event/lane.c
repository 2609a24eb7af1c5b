/* SPDX-License-Identifier: LGPL-2.1 */
#include <stdlib.h>
#include <string.h>

#include "lane.h"
#include "names.h"

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
	r->ns[r->heads] = ns;
	r->at[r->heads++] = (uint16_t)r->n | HVST_AT_BARRIER;
	l->train.until = INT64_MIN;
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

/* What decoding needs at hand of a lane and its run: a copy, so that it can live in registers. */
struct emitter {
	const struct hvst_decoder *d;
	struct hvst_run *r;
	uint64_t wanted;		/* bit per slot */
	size_t n, heads;		/* of @r */
	uint32_t cpu_buffer;		/* as struct hvst_event has them, side by side */
	struct hvst_train train;
};

static inline struct emitter emitter_begin(const struct hvst_lane *l, struct hvst_run *r)
{
	_Static_assert(offsetof(struct hvst_event, buffer) == offsetof(struct hvst_event, cpu) + 2,
		       "cpu and buffer are one word");
	return (struct emitter){ l->decoder, r, l->decoder->wanted, r->n, r->heads,
				 (uint32_t)l->buffer << 16 | l->cpu, l->train };
}

static inline void emitter_end(const struct emitter *e, struct hvst_lane *l)
{
	e->r->n = e->n;
	e->r->heads = e->heads;
	l->train = e->train;
}

/* Whose affair an event is: what to expect of the next one, and whether this one is a barrier. */
enum affair { AFFAIR_OWN, AFFAIR_OPEN, AFFAIR_UNKNOWN, AFFAIR_OTHERS };

/*
 * An exit is the thread's own affair if it reads no clock, an MSR access if it writes a timer, a timer's write
 * if it is the guest's, an expiration if the start before it was recorded: else the model infers an arm, with a
 * skew by the clock of the VM as it stands. Others look at what was written to timers, for a callback has no
 * thread, and may change what a write to a timer is taken for: the VMM, or the clock of the VM.
 */
static inline enum affair affair_of(struct hvst_train *t, const struct hvst_event *ev, enum hvst_own own)
{
	_Static_assert(offsetof(struct hvst_ev_set_config, host) == offsetof(struct hvst_ev_set_count, host),
		       "both writes have it in one place");
	switch (own) {
	case HVST_OWN_ENTRY:
		return AFFAIR_OWN;
	case HVST_OWN_EXIT:
		return hvst_exit_is_rdtsc(ev->exit.isa, ev->exit.exit_reason) ? AFFAIR_OPEN : AFFAIR_OWN;
	case HVST_OWN_MSR:
		if (!ev->msr.write)
			return AFFAIR_OPEN;
		return ev->msr.ecx - HVST_MSR_STIMER0_CONFIG < 2 * HVST_STIMERS ? AFFAIR_OWN : AFFAIR_OTHERS;
	case HVST_OWN_SET:
		t->started = UINT32_MAX;
		return ev->set_count.host ? AFFAIR_OTHERS : AFFAIR_OWN;
	case HVST_OWN_START:
		t->started = ev->start.timer_index;
		return AFFAIR_OPEN;
	case HVST_OWN_EXPIRATION:
		return t->started == ev->expiration.timer_index ? AFFAIR_OWN : AFFAIR_OPEN;
	case HVST_OWN_OTHERS:
		return AFFAIR_OTHERS;
	default:
		return AFFAIR_UNKNOWN;
	}
}

/*
 * Event @e->n becomes the head of the train so far, if it can, and may become a part of the next one's. The
 * first event of a thread never does: it makes the thread known. Time is the only limit there is to the
 * length of a train: each event that joins shortens it.
 */
static inline __attribute__((always_inline)) void
couple(struct emitter *e, struct hvst_event *ev, enum hvst_own own)
{
	struct hvst_train *t = &e->train;
	bool same = ev->pid == t->pid;
	bool joins = same & (ev->ts_ns < t->until);
	uint16_t barrier = 0;

	if (__builtin_expect(!same, 0))
		t->started = UINT32_MAX;
	t->pid = ev->pid;
	t->first = joins ? t->first : (uint32_t)e->n;
	t->until = (joins ? t->until : ev->ts_ns + t->window) - HVST_TRAIN_NS / HVST_TRAIN_MAX;
	ev->train = (uint8_t)(e->n - t->first);
	e->heads -= joins;
	switch (affair_of(t, ev, own)) {
	case AFFAIR_OWN:
		if (__builtin_expect(!same, 0))
			t->until = INT64_MIN;
		break;
	case AFFAIR_OPEN:
		t->until = INT64_MIN;
		break;
	case AFFAIR_OTHERS:
		barrier = HVST_AT_BARRIER;
		/* fall through */
	case AFFAIR_UNKNOWN:
		t->until = INT64_MIN;
		t->pid = -1;		/* may make no vCPU known */
		break;
	}
	e->r->ns[e->heads] = ev->ts_ns;
	e->r->at[e->heads++] = (uint16_t)e->n | barrier;
}

/* Counts the record, and decodes it if it is wanted: true. Records have at least 4 bytes. */
static inline __attribute__((always_inline)) bool
emit_record(struct emitter *e, int64_t ns, uint64_t raw, const uint8_t *data, uint32_t len)
{
	struct hvst_run *r = e->r;
	const struct hvst_plan *p;
	struct hvst_event *ev;
	uint16_t type;
	unsigned int slot;

	memcpy(&type, data, sizeof(type));
	slot = e->d->slot[type];
	r->counts.slots[slot]++;
	if (!(e->wanted >> slot & 1))
		return false;
	p = &e->d->plans[slot];
	if (__builtin_expect(len < p->min_size, 0)) {
		r->counts.malformed++;
		return false;
	}
	ev = &r->ev[e->n];
	memset(&ev->id + 8, 0, sizeof(*ev) - offsetof(struct hvst_event, id) - 8);
	ev->ts_ns = ns;
	ev->ts_raw = raw;
	memcpy(&ev->pid, data + 4, sizeof(ev->pid));
	memcpy(&ev->cpu, &e->cpu_buffer, sizeof(e->cpu_buffer));
	memcpy(&ev->id, &p->head, sizeof(p->head));
	hvst_plan_run(ev, data, p);
	couple(e, ev, p->own);
	e->n++;
	return true;
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

/* From which time on, as an unsigned number, unusual() has something to say. */
static inline uint64_t usual_end(const struct hvst_lane *l, const struct hvst_run *r)
{
	int64_t end = l->to_ns < HVST_TIME_MAX ? l->to_ns : HVST_TIME_MAX;

	if (l->gap || l->last_ns == INT64_MIN || r->counts.first_ns == INT64_MAX || l->last_ns >= end)
		return 0;
	return end > 0 ? (uint64_t)end : 0;
}

/* --- records of libtracecmd --- */

static void emit_one(struct hvst_lane *l, struct hvst_run *r, int64_t ns, const struct hvst_record *rec)
{
	struct emitter e = emitter_begin(l, r);

	emit_record(&e, ns, rec->ts, rec->data, rec->size);
	emitter_end(&e, l);
}

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
			emit_one(l, r, ns, rec);
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
	struct emitter e = emitter_begin(l, r);
	struct hvst_subbuf s = l->sub;
	int64_t last = l->last_ns;
	uint64_t end = 0;
	const uint8_t *data;
	uint32_t len;
	bool more = true;
	int rc;

	for (;;) {
		uint64_t raw;
		int64_t ns;

		rc = hvst_subbuf_next(&s, &data, &len);
		if (__builtin_expect(rc != 1, 0)) {
			if (rc <= 0)
				break;
			end = 0;
		}
		raw = s.ts;
		ns = plain ? (int64_t)raw : stamp(l, raw, &raw);
		if (__builtin_expect((uint64_t)ns >= end || (!plain && ns < last), 0)) {
			int64_t shown = stamp(l, s.ts, &raw);
			enum step step;

			ns = shown;
			l->last_ns = last;
			emitter_end(&e, l);
			step = unusual(l, r, &ns, raw);
			e = emitter_begin(l, r);
			last = l->last_ns;
			end = ns > shown ? 0 : usual_end(l, r);
			more = step != STEP_END;
			if (!more)
				break;
			if (step == STEP_SKIP)
				continue;
		}
		last = ns;
		if (emit_record(&e, ns, raw, data, len) && e.n + ROOM > HVST_RUN)
			break;
	}
	emitter_end(&e, l);
	l->last_ns = last;
	if (rc < 0) {			/* the rest of it cannot be read */
		s.at = s.end;
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
	r->n = r->heads = 0;
	l->train = (struct hvst_train){ INT64_MIN, l->trains ? HVST_TRAIN_NS : 0, -1, 0, UINT32_MAX };
	hvst_counts_reset(&r->counts);
	r->rc = l->tracecmd ? decode_records(l, r) : decode_pages(l, r, u);
	if (r->counts.first_ns != INT64_MAX)
		r->counts.last_ns = l->last_ns;
	r->counts.decoded = r->n - r->counts.lost_places;
	r->bound_ns = r->rc > 0 ? l->last_ns : INT64_MAX;
	r->ns[r->heads] = r->ns[r->heads + 1] = r->bound_ns;
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
