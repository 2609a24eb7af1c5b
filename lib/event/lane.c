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

static inline uint32_t get32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static inline uint64_t get64(const uint8_t *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static inline struct hvst_stamp stamp_of(const struct hvst_lane *l, uint64_t ts)
{
	if (__builtin_expect(l->timebase.plain, 1))
		return (struct hvst_stamp){ ts > HVST_TIME_MAX ? HVST_TIME_MAX : (int64_t)ts, ts };
	ts = hvst_timebase_report(&l->timebase, ts);
	return (struct hvst_stamp){ hvst_timebase_ns(&l->timebase, ts), ts };
}

/* What decoding needs at hand of a lane and its run: a copy, so that it can live in registers. */
struct emitter {
	const uint8_t *slot; /* by record id */
	const struct hvst_plan *plans;
	struct hvst_lane *l;
	struct hvst_run *r;
	struct hvst_event *ev; /* the next one of @r */
	size_t heads;
	uint64_t wanted; /* bit per slot */
	struct hvst_train train;
};

static inline struct emitter emitter_begin(struct hvst_lane *l, struct hvst_run *r)
{
	return (struct emitter){ l->decoder->slot, l->decoder->plans,  l,	r, r->ev + r->n,
				 r->heads,	   l->decoder->wanted, l->train };
}

static inline void emitter_end(const struct emitter *e)
{
	e->r->n = (size_t)(e->ev - e->r->ev);
	e->r->heads = e->heads;
	e->l->train = e->train;
}

static inline void begin_event(struct hvst_event *ev, const struct hvst_lane *l,
			       struct hvst_stamp at, int32_t pid, const struct hvst_plan *p)
{
	memset(&ev->id + 8, 0, sizeof(*ev) - offsetof(struct hvst_event, id) - 8);
	ev->ts_ns = at.ns;
	ev->ts_raw = at.raw;
	ev->pid = pid;
	ev->cpu = (uint16_t)l->cpu;
	ev->buffer = l->buffer;
	memcpy(&ev->id, &p->head, sizeof(p->head));
}

/*
 * Fills the fields of @ev. The events that storms are made of have code of their own: @usual is
 * @p's.
 */
static inline __attribute__((always_inline)) void
fill(struct hvst_event *ev, const uint8_t *data, const struct hvst_plan *p, enum hvst_own usual)
{
	const struct hvst_copy *c = p->copies;

	switch (usual) {
	case HVST_OWN_ENTRY:
		ev->vcpu_id = (int32_t)get32(data + c[0].from);
		break;
	case HVST_OWN_EXIT:
		ev->vcpu_id = (int32_t)get32(data + c[0].from);
		ev->exit.exit_reason = get32(data + c[1].from);
		ev->exit.isa = get32(data + c[2].from);
		break;
	case HVST_OWN_MSR:
		ev->msr.write = get32(data + c[0].from);
		ev->msr.ecx = get32(data + c[1].from);
		ev->msr.data = get64(data + c[2].from);
		ev->msr.exception = data[c[3].from];
		break;
	case HVST_OWN_SET: /* set_config has its fields in the same places */
		ev->vcpu_id = (int32_t)get32(data + c[0].from);
		ev->set_count.timer_index = get32(data + c[1].from);
		ev->set_count.count = get64(data + c[2].from);
		ev->set_count.host = data[c[3].from];
		break;
	case HVST_OWN_START:
		ev->vcpu_id = (int32_t)get32(data + c[0].from);
		ev->start.timer_index = get32(data + c[1].from);
		ev->start.time_now = get64(data + c[2].from);
		ev->start.count = get64(data + c[3].from);
		break;
	case HVST_OWN_EXPIRATION:
		ev->vcpu_id = (int32_t)get32(data + c[0].from);
		ev->expiration.timer_index = get32(data + c[1].from);
		ev->expiration.direct = (int32_t)get32(data + c[2].from);
		ev->expiration.msg_send_result = (int32_t)get32(data + c[3].from);
		break;
	default:
		hvst_plan_run(ev, data, p);
	}
}

/* --- trains --- */

/* Whose affair an event is: whether it waits for the next one, and whether it is a barrier. */
enum affair { AFFAIR_OWN, AFFAIR_OPEN, AFFAIR_UNKNOWN, AFFAIR_OTHERS };

/*
 * An exit is the thread's own affair if it reads no clock, an MSR access if it writes a timer, a
 * timer's write if it is the guest's, an expiration if the start before it was recorded: else the
 * model infers an arm, with a skew by the clock of the VM as it stands. Others look at what was
 * written to timers, for a callback has no thread, and may change what a write to a timer is taken
 * for: the VMM, or the clock of the VM.
 */
static inline enum affair affair_of(struct hvst_train *t, const struct hvst_event *ev,
				    enum hvst_own own)
{
	_Static_assert(offsetof(struct hvst_ev_set_config, host) ==
			       offsetof(struct hvst_ev_set_count, host),
		       "both writes have it in one place");
	switch (own) {
	case HVST_OWN_ENTRY:
		return AFFAIR_OWN;
	case HVST_OWN_EXIT:
		return hvst_exit_is_rdtsc(ev->exit.isa, ev->exit.exit_reason) ? AFFAIR_OPEN
									      : AFFAIR_OWN;
	case HVST_OWN_MSR:
		if (!ev->msr.write)
			return AFFAIR_OPEN;
		return hvst_msr_is_stimer(ev->msr.ecx) ? AFFAIR_OWN : AFFAIR_OTHERS;
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

/* @ev is the head of what waits before it. */
static inline void make_head(struct emitter *e, struct hvst_event *ev, uint16_t barrier)
{
	ev->train |= (uint8_t)(ev - e->train.first);
	e->r->ns[e->heads] = ev->ts_ns;
	e->r->at[e->heads++] = (uint16_t)(ev - e->r->ev) | barrier;
	e->train.first = ev + 1;
}

/* The records of @l that wait to be noted become events; returns what comes behind these. */
static __attribute__((noinline)) struct hvst_event *
place_all(const struct hvst_lane *l, struct hvst_event *ev, int32_t pid, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++, ev++) {
		const struct hvst_light *w = &l->light[i];

		begin_event(ev, l, w->at, pid, w->plan);
		fill(ev, w->data, w->plan, w->plan->usual);
	}
	return ev;
}

/* What comes next has no room for notes, or is another thread's affair. */
static inline void place_light(struct emitter *e)
{
	struct hvst_train *t = &e->train;

	if (t->light)
		e->ev = place_all(e->l, e->ev, (int32_t)t->thread, t->light);
	t->light = 0;
}

/* No head comes for what waits: the last of it has to do. */
static inline void end_train(struct emitter *e)
{
	place_light(e);
	if (e->ev > e->train.first)
		make_head(e, e->ev - 1, 0);
	e->train.until = INT64_MIN;
}

/* Time is the only limit there is to the length of a train: each event that joins shortens it. */
static inline void joined(struct hvst_train *t)
{
	t->until -= HVST_TRAIN_NS / HVST_TRAIN_MAX;
}

/*
 * Of an entry, an exit that is no halt, or a timer MSR's write only the time matters. It waits as
 * the record that it is: the next event of its vCPU may have room to note it, and then it need not
 * become an event at all. False if it is none of these.
 */
static inline __attribute__((always_inline)) bool wait_to_be_noted(struct emitter *e,
								   struct hvst_stamp at,
								   const uint8_t *data,
								   const struct hvst_plan *p)
{
	const struct hvst_copy *c = p->copies;
	struct hvst_train *t = &e->train;
	uint32_t reason, isa;
	int32_t vcpu_id = -1;
	uint64_t note;

	switch (p->usual) {
	case HVST_OWN_ENTRY:
		vcpu_id = (int32_t)get32(data + c[0].from);
		break;
	case HVST_OWN_EXIT:
		vcpu_id = (int32_t)get32(data + c[0].from);
		reason = get32(data + c[1].from);
		isa = get32(data + c[2].from);
		if (hvst_exit_is_rdtsc(isa, reason) || hvst_exit_is_halt(isa, reason))
			return false;
		break;
	case HVST_OWN_MSR:
		if (!get32(data + c[0].from) || !hvst_msr_is_stimer(get32(data + c[1].from)))
			return false;
		break;
	default:
		return false;
	}
	if (t->light == HVST_NOTES ||
	    (t->light && vcpu_id >= 0 && t->vcpu_id >= 0 && t->vcpu_id != vcpu_id))
		place_light(e);
	if (!t->light) {
		t->vcpu_id = -1;
		t->light_ns = at.ns;
		t->notes = 0;
	}
	if (vcpu_id >= 0)
		t->vcpu_id = vcpu_id;
	note = p->usual - ((uint64_t)(at.ns - t->light_ns) << HVST_NOTE_KIND_BITS);
	t->notes += note << HVST_NOTE_BITS * t->light;
	e->l->light[t->light++] = (struct hvst_light){ at, data, p };
	joined(t);
	return true;
}

/*
 * What waits to be noted, for the event of vCPU @vcpu_id at @ns; 0: nothing, or it is of another
 * vCPU.
 */
static inline uint64_t take_notes(struct emitter *e, int64_t ns, int32_t vcpu_id)
{
	struct hvst_train *t = &e->train;
	uint64_t each, since;

	_Static_assert(HVST_TRAIN_NS << HVST_NOTE_KIND_BITS < 1 << HVST_NOTE_BITS,
		       "a note holds any time of a train");
	if (!t->light)
		return 0;
	if (__builtin_expect(t->vcpu_id >= 0 && t->vcpu_id != vcpu_id, 0)) {
		place_light(e);
		return 0;
	}
	each = 0x0001000100010001 >> HVST_NOTE_BITS * (HVST_NOTES - t->light);
	since = (uint64_t)(ns - t->light_ns) << HVST_NOTE_KIND_BITS;
	e->r->counts.decoded += t->light;
	t->light = 0;
	return t->notes + since * each; /* no note is negative: none borrows from the next */
}

/* Event @ev waits for a head, or is the head of what waits. */
static inline __attribute__((always_inline)) void couple(struct emitter *e, struct hvst_event *ev,
							 enum affair affair, bool joins)
{
	struct hvst_train *t = &e->train;

	if (affair == AFFAIR_OWN && joins) {
		joined(t);
		return;
	}
	if (!joins && (affair == AFFAIR_UNKNOWN || affair == AFFAIR_OTHERS))
		t->thread = HVST_NO_THREAD; /* perhaps it did not make its thread known */
	make_head(e, ev, affair == AFFAIR_OTHERS ? HVST_AT_BARRIER : 0);
	t->until = INT64_MIN;
}

/*
 * With constants for @usual and @own, one jump tells both where the fields go and whose affair the
 * event is.
 */
static inline __attribute__((always_inline)) void
fill_and_couple(struct emitter *e, struct hvst_event *ev, const uint8_t *data,
		const struct hvst_plan *p, enum hvst_own usual, enum hvst_own own, bool joins)
{
	fill(ev, data, p, usual);
	couple(e, ev, affair_of(&e->train, ev, own), joins);
}

/* @notes: what is noted in the event, 0 for nothing. */
static inline __attribute__((always_inline)) void
emit_noted(struct emitter *e, struct hvst_stamp at, const uint8_t *data, const struct hvst_plan *p,
	   uint64_t notes, bool joins)
{
	struct hvst_event *ev = e->ev++;

	begin_event(ev, e->l, at, (int32_t)get32(data + 4), p);
	if (notes) {
		ev->train = HVST_TRAIN_NOTES;
		ev->behind.notes = notes;
	}
	switch (p->usual) {
	case HVST_OWN_SET:
		fill_and_couple(e, ev, data, p, HVST_OWN_SET, HVST_OWN_SET, joins);
		break;
	case HVST_OWN_START:
		fill_and_couple(e, ev, data, p, HVST_OWN_START, HVST_OWN_START, joins);
		break;
	case HVST_OWN_EXPIRATION:
		fill_and_couple(e, ev, data, p, HVST_OWN_EXPIRATION, HVST_OWN_EXPIRATION, joins);
		break;
	default:
		fill_and_couple(e, ev, data, p, p->usual, p->own, joins);
	}
}

/*
 * Decodes the record that @p is the plan for. The first event of a thread does not join a train: it
 * makes the thread known.
 */
static inline __attribute__((always_inline)) void
emit_event(struct emitter *e, struct hvst_stamp at, const uint8_t *data, const struct hvst_plan *p)
{
	struct hvst_train *t = &e->train;
	int32_t pid = (int32_t)get32(data + 4);
	uint64_t notes = 0;

	if (__builtin_expect(pid != t->thread, 0)) {
		end_train(e);
		t->started = UINT32_MAX;
		t->thread = e->l->trains ? pid : HVST_NO_THREAD;
		emit_noted(e, at, data, p, 0, false);
		return;
	}
	if (at.ns >= t->until) {
		end_train(e);
		t->until = at.ns + HVST_TRAIN_NS;
	}
	if (p->usual >= HVST_OWN_SET)
		notes = take_notes(e, at.ns, (int32_t)get32(data + p->copies[0].from));
	else if (wait_to_be_noted(e, at, data, p))
		return;
	else
		place_light(e);
	emit_noted(e, at, data, p, notes, true);
}

/* Counts the record, and decodes it if it is wanted. Records have at least 4 bytes. */
static inline __attribute__((always_inline)) void
emit_record(struct emitter *e, struct hvst_stamp at, const uint8_t *data, uint32_t len)
{
	const struct hvst_plan *p;
	unsigned int slot;
	uint16_t type;

	memcpy(&type, data, sizeof(type));
	slot = e->slot[type];
	e->r->counts.slots[slot]++;
	if (!(e->wanted >> slot & 1))
		return;
	p = &e->plans[slot];
	if (__builtin_expect(len < p->min_size, 0))
		e->r->counts.malformed++;
	else
		emit_event(e, at, data, p);
}

static void emit_lost(struct hvst_lane *l, struct hvst_run *r, struct hvst_stamp at)
{
	struct emitter e = emitter_begin(l, r);

	end_train(&e);
	*e.ev = (struct hvst_event){
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
	make_head(&e, e.ev++, HVST_AT_BARRIER);
	emitter_end(&e);
	if (l->last_ns != INT64_MIN)
		r->counts.lost_ns += at.ns - l->last_ns;
	r->counts.lost_places++;
	l->gap = false;
}

enum step { STEP_TAKE, STEP_SKIP, STEP_END };

/* Events that one record may bring: itself, the gap before it, and those that waited to be noted.
 */
#define ROOM (2 + HVST_NOTES)

/*
 * What is seldom: the first record of a pass or a run, time going back, the window's edges, a gap
 * before the record. On STEP_TAKE, *@at is noted as the last one's time.
 */
static enum step unusual(struct hvst_lane *l, struct hvst_run *r, struct hvst_stamp *at)
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
		emit_lost(l, r, *at);
	if (r->counts.first_ns == INT64_MAX)
		r->counts.first_ns = at->ns;
	l->last_ns = at->ns;
	return STEP_TAKE;
}

/* From which time on, as an unsigned number, unusual() has something to say. */
static inline uint64_t usual_end(const struct hvst_lane *l, const struct hvst_run *r)
{
	int64_t end = l->to_ns < HVST_TIME_MAX ? l->to_ns : HVST_TIME_MAX;

	if (l->gap || l->last_ns == INT64_MIN || r->counts.first_ns == INT64_MAX ||
	    l->last_ns >= end)
		return 0;
	return end > 0 ? (uint64_t)end : 0;
}

/* --- records of libtracecmd --- */

static void emit_one(struct hvst_lane *l, struct hvst_run *r, struct hvst_stamp at,
		     const uint8_t *data, uint32_t len)
{
	struct emitter e = emitter_begin(l, r);

	emit_record(&e, at, data, len);
	place_light(&e); /* the record does not stay where it is */
	emitter_end(&e);
}

/* True while more may come. Stamps are already what report shows. */
static bool take_record(struct hvst_lane *l, struct hvst_run *r, const struct hvst_record *rec)
{
	struct hvst_stamp at = { hvst_timebase_ns(&l->timebase, rec->ts), rec->ts };
	enum step step;

	if (rec->missed) {
		l->gap = true;
		l->missed = rec->missed;
	}
	step = unusual(l, r, &at);
	if (step == STEP_TAKE) {
		if (rec->size < 4)
			r->counts.malformed++;
		else
			emit_one(l, r, at, rec->data, rec->size);
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

/* The block goes, with the records in it. */
static void leave_block(struct hvst_lane *l, struct hvst_run *r)
{
	struct emitter e = emitter_begin(l, r);

	place_light(&e);
	emitter_end(&e);
}

/* Has a sub-buffer wait at @block_pos: 1, 0 at the end of the lane, negative errno. */
static int need_block(struct hvst_lane *l, struct hvst_run *r, struct hvst_unpack *u,
		      unsigned int *blocks)
{
	while (l->block_pos + l->pages.page_size > l->block.len) {
		int rc;

		if (++*blocks > HVST_RUN_BLOCKS)
			return 1;
		leave_block(l, r);
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
 * Decodes the open sub-buffer, as far as @r has room. False at the end of the window. @plain: as
 * the time base says, a constant for the compiler: most recordings need no arithmetic on their
 * stamps.
 */
static inline __attribute__((always_inline)) bool decode_stamped(struct hvst_lane *l,
								 struct hvst_run *r, bool plain)
{
	const struct hvst_event *full = r->ev + HVST_RUN + 1 - ROOM;
	struct emitter e = emitter_begin(l, r);
	struct hvst_subbuf s = l->sub;
	int64_t last = l->last_ns;
	uint64_t end = 0;
	bool more = true;
	int rc;

	do {
		struct hvst_stamp at;
		const uint8_t *data;
		uint32_t len;

		rc = hvst_subbuf_next(&s, &data, &len);
		if (__builtin_expect(rc != 1, 0)) {
			if (rc <= 0)
				break;
			end = 0;
			continue;
		}
		at = plain ? (struct hvst_stamp){ (int64_t)s.ts, s.ts } : stamp_of(l, s.ts);
		if (__builtin_expect((uint64_t)at.ns >= end || (!plain && at.ns < last), 0)) {
			struct hvst_stamp real = stamp_of(l, s.ts);
			int64_t shown = real.ns;
			enum step step;

			l->last_ns = last;
			emitter_end(&e);
			step = unusual(l, r, &real);
			e = emitter_begin(l, r);
			end = real.ns > shown ? 0 : usual_end(l, r);
			more = step != STEP_END;
			if (step != STEP_TAKE)
				continue;
			at = real;
		}
		last = at.ns;
		emit_record(&e, at, data, len);
	} while (more && e.ev < full);
	emitter_end(&e);
	l->last_ns = last;
	if (rc < 0) { /* the rest of it cannot be read */
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
	struct emitter e;

	r->n = r->heads = 0;
	l->train =
		(struct hvst_train){ .first = r->ev, .until = INT64_MIN, .thread = HVST_NO_THREAD };
	hvst_counts_reset(&r->counts);
	r->rc = l->tracecmd ? decode_records(l, r) : decode_pages(l, r, u);
	e = emitter_begin(l, r);
	end_train(&e);
	emitter_end(&e);
	if (r->counts.first_ns != INT64_MAX)
		r->counts.last_ns = l->last_ns;
	r->counts.decoded += r->n - r->counts.lost_places;
	r->bound_ns = r->rc > 0 ? l->last_ns : INT64_MAX;
	r->ns[r->heads] = r->ns[r->heads + 1] = r->bound_ns;
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
