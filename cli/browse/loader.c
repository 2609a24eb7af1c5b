// SPDX-License-Identifier: GPL-2.0
/* The threads that read a recording, and their requests. */
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include <hvstimer/names.h>

#include "../array.h"
#include "../now.h"
#include "../derive.h"
#include "../output/eventtext.h"
#include "loader.h"

#define INDEX_BUDGET	(8u << 20) /* bytes of bins */
#define BATCH		256	   /* arms put into the index at a time */
#define MAX_LIVE_STORMS 4096	   /* shown while indexing; then the result has them */
#define PROGRESS_MS	50
#define NO_VM		(-2) /* -1 is the unknown VM */
#define BEFORE		160  /* events kept before the time asked for */
#define AFTER		512
#define MAX_AT_ONCE	8192	   /* events of one time stamp */
#define MAX_HITS	(1u << 18) /* events kept of a search, or of a filter that takes a pass */
#define MAX_DERIVED	(1u << 18) /* inferred arms, and firings, that a search remembers */
/*
 * Read before a window, so that the timers' states are known in it, and after it, for inferred arms
 * that wait for a clock sample.
 */
#define LEAD_NS		200000000
#define TAIL_NS		20000000
#define FIRST_LOOK_BACK 1000000 /* ns */
/* Read before a filtered list, so that its first events are understood. */
#define DECODE_NS 50000000

/* An event that was found. */
struct hit {
	int64_t ts_ns;
	uint16_t cpu;
};

/* A filter keeps the events that it found, in @v; a search keeps only their times, in @times. */
struct hits {
	struct hit *v;
	int64_t *times;
	unsigned int n, cap;
	uint64_t unkept; /* beyond MAX_HITS, or without memory for them */
};

/* Serves some kinds of requests, one at a time, in a thread with a session of its own. */
struct worker {
	struct loader *l;
	struct hvst_session *session;
	unsigned int kinds; /* bit per enum br_request_kind */
	int running;	    /* enum br_request_kind, -1: none */
	bool stop;	    /* the running request is to end */
	pthread_t thread;
};

enum { READER, SEARCHER, WORKERS };

struct loader {
	struct br_source src;
	struct hvst_session *index_session;
	int64_t from, to; /* of the whole recording as browsed */

	pthread_mutex_t index_lock; /* protects the index and what is shown with it */
	struct br_index *index;
	struct br_live live;
	struct hvst_storm *storms;
	const struct hvst_storm **storm_list; /* of all places in @storms */
	struct hvst_arm batch[BATCH];
	unsigned int nr_batch;
	int64_t next_ms; /* time of the next progress update */

	pthread_mutex_t lock; /* the rest */
	pthread_cond_t work, news;
	struct br_request requests[BR_REQ_KINDS];
	bool wanted[BR_REQ_KINDS];
	struct br_reply replies[BR_REQ_KINDS];
	bool ready[BR_REQ_KINDS];
	struct worker workers[WORKERS];
	bool indexing, quit;
	bool final; /* the index session has its final results; set once */
	pthread_t index_thread;
	unsigned int nr_threads; /* the index thread, then the workers */

	pthread_mutex_t hits_lock; /* what BR_REQ_HITS found for hits_filter */
	char hits_filter[BR_LINE];
	struct hits hits;
};

static void tell(struct loader *l)
{
	uint64_t one = 1;

	pthread_cond_broadcast(&l->news);
	if (write(l->src.news_fd, &one, sizeof(one)) < 0)
		return; /* full: the reader is woken anyway */
}

/* --- the index pass --------------------------------------------------------------------------- */

static void flush_batch(struct loader *l)
{
	pthread_mutex_lock(&l->index_lock);
	for (unsigned int i = 0; i < l->nr_batch; i++)
		br_index_add(l->index, &l->batch[i]);
	pthread_mutex_unlock(&l->index_lock);
	l->nr_batch = 0;
}

static int on_index_arm(void *ctx, const struct hvst_arm *arm)
{
	struct loader *l = ctx;

	l->batch[l->nr_batch++] = *arm;
	if (l->nr_batch == BATCH)
		flush_batch(l);
	return 0;
}

static int on_storm(void *ctx, const struct hvst_storm *storm)
{
	struct loader *l = ctx;

	pthread_mutex_lock(&l->index_lock);
	if (l->live.nr_storms < MAX_LIVE_STORMS)
		l->storms[l->live.nr_storms++] = *storm;
	pthread_mutex_unlock(&l->index_lock);
	return 0;
}

static int on_progress(void *ctx, uint64_t done, uint64_t total)
{
	struct loader *l = ctx;
	int64_t now = now_ns() / 1000000;

	if (now < l->next_ms)
		return 0;
	l->next_ms = now + PROGRESS_MS;
	flush_batch(l);
	pthread_mutex_lock(&l->index_lock);
	l->live.done = done;
	l->live.total = total;
	pthread_mutex_unlock(&l->index_lock);
	tell(l);
	return 0;
}

/* By the number of a thread: its VM; NULL without memory. @n: one more than the highest number. */
static int *vms_of_threads(const struct hvst_result *r, int *n)
{
	int *vms;

	*n = 0;
	for (unsigned int i = 0; i < r->nr_vms; i++)
		for (unsigned int k = 0; k < r->vms[i]->nr_vcpus; k++)
			if (r->vms[i]->vcpus[k]->thread >= *n)
				*n = r->vms[i]->vcpus[k]->thread + 1;
	vms = malloc(((size_t)*n + 1) * sizeof(*vms));
	for (int i = 0; vms && i < *n; i++)
		vms[i] = NO_VM;
	for (unsigned int i = 0; vms && i < r->nr_vms; i++)
		for (unsigned int k = 0; k < r->vms[i]->nr_vcpus; k++)
			vms[r->vms[i]->vcpus[k]->thread] = r->vms[i]->vm;
	return vms;
}

static void set_vms(struct loader *l)
{
	const struct hvst_result *r = hvst_session_result(l->index_session);
	int n = 0, vcpu, *vms = r ? vms_of_threads(r, &n) : NULL;

	for (unsigned int i = 0; i < l->index->nr_timers; i++) {
		struct br_timer *t = &l->index->timers[i];

		if (vms && t->thread >= 0 && t->thread < n && vms[t->thread] != NO_VM)
			t->vm = vms[t->thread];
		else /* a task of the VMM */
			hvst_session_who(l->index_session, t->tid, &t->vm, &vcpu);
	}
	free(vms);
}

/* Take the result. During the pass the VM of a thread may not be known; now it is. */
static void set_result(struct loader *l, int err)
{
	struct br_live *live = &l->live;

	set_vms(l);
	br_index_pack(l->index);
	__atomic_store_n(&l->final, true, __ATOMIC_RELEASE);
	live->err = err;
	live->error = hvst_session_error(l->index_session);
	live->trace = hvst_session_trace(l->index_session);
	live->result = hvst_session_result(l->index_session);
	if (live->result) {
		live->storms = live->result->storms;
		live->nr_storms = live->result->nr_storms;
	}
}

static void *index_main(void *arg)
{
	struct loader *l = arg;
	struct hvst_observer obs = {
		.size = sizeof(obs), .arm = on_index_arm, .storm = on_storm, .progress = on_progress
	};
	int err;

	hvst_session_set_need(l->index_session, HVST_NEED_ANALYSIS);
	hvst_session_set_window(l->index_session, l->from, l->to);
	err = hvst_session_set_observer(l->index_session, &obs, l);
	if (!err)
		err = hvst_session_run(l->index_session);
	flush_batch(l);
	malloc_trim(0);
	pthread_mutex_lock(&l->index_lock);
	set_result(l, err);
	pthread_mutex_unlock(&l->index_lock);
	pthread_mutex_lock(&l->lock);
	l->indexing = false;
	pthread_cond_broadcast(&l->work);
	tell(l);
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

/* --- requests --------------------------------------------------------------------------------- */

/* What a running request collects. */
struct job {
	struct worker *w;
	struct br_request q;
	struct br_reply a;
	struct br_event *before, *rows; /* a ring of BEFORE; a list of AFTER */
	unsigned int nr_before, nr, cap;
	bool ring;			/* @rows will become @before */
	uint64_t seen;			/* into the ring */
	int64_t only_from;		/* events before it only give context */
	bool looks_for_text;		/* one of the filters does */
	struct filter *filter, *wanted; /* of q.filter and q.text; NULL: none */
	struct hvst_decoder *decoder;	/* with a filter that needs it, or for what passes one */
	struct derive *derive;		/* where one of them needs it */
	struct hits hits;
};

static bool final(struct loader *l)
{
	return __atomic_load_n(&l->final, __ATOMIC_ACQUIRE);
}

static bool stopped(struct worker *w)
{
	return __atomic_load_n(&w->stop, __ATOMIC_RELAXED);
}

static int pass(struct job *j, unsigned int need, const struct hvst_observer *obs, int64_t from,
		int64_t to)
{
	struct loader *l = j->w->l;
	struct hvst_session *s = j->w->session;
	int err;

	if (l->from != HVST_UNKNOWN && (from == HVST_UNKNOWN || from < l->from))
		from = l->from;
	if (l->to != HVST_UNKNOWN && (to == HVST_UNKNOWN || to > l->to))
		to = l->to;
	hvst_session_set_need(s, need);
	hvst_session_set_window(s, from, to);
	err = hvst_session_set_observer(s, obs, j);
	if (!err)
		err = stopped(j->w) ? -ECANCELED : hvst_session_run(s);
	return err;
}

static int on_job_progress(void *ctx, uint64_t done, uint64_t total)
{
	(void)done;
	(void)total;
	return stopped(((struct job *)ctx)->w);
}

/* The sessions number threads each for itself: the number that the index has. */
static int number_of(const struct loader *l, const struct hvst_arm *arm)
{
	int vm, vcpu;

	return hvst_session_who_at(l->index_session, arm->tid, arm->ts_ns, &vm, &vcpu);
}

static int on_fine_arm(void *ctx, const struct hvst_arm *arm)
{
	struct job *j = ctx;
	struct hvst_arm as_indexed = *arm;

	as_indexed.thread = number_of(j->w->l, arm);
	br_index_add(j->a.fine, &as_indexed);
	return stopped(j->w);
}

static int request_fine(struct job *j)
{
	struct hvst_observer obs = { .size = sizeof(obs),
				     .arm = on_fine_arm,
				     .progress = on_job_progress };
	int err;

	j->a.fine = br_index_new_window(j->q.from, j->q.to, j->q.shift);
	if (!j->a.fine)
		return -ENOMEM;
	err = pass(j, HVST_NEED_ARMS, &obs, j->q.from - LEAD_NS, j->q.to + TAIL_NS);
	br_index_pack(j->a.fine);
	return err;
}

static int on_step_arm(void *ctx, const struct hvst_arm *arm)
{
	struct job *j = ctx;
	const struct br_request *q = &j->q;

	if (arm->kind == HVST_ARM_PAST_DUE && !(arm->flags & HVST_ARM_RESTART) &&
	    arm->tid == q->tid && arm->timer == q->timer && arm->ts_ns >= q->from &&
	    arm->ts_ns < q->to && number_of(j->w->l, arm) == q->thread &&
	    (!j->a.found || (q->back ? arm->ts_ns > j->a.ts_ns : arm->ts_ns < j->a.ts_ns))) {
		j->a.found = true;
		j->a.ts_ns = arm->ts_ns;
	}
	return stopped(j->w);
}

static int request_step(struct job *j)
{
	struct hvst_observer obs = { .size = sizeof(obs),
				     .arm = on_step_arm,
				     .progress = on_job_progress };

	return pass(j, HVST_NEED_ARMS, &obs, j->q.from - LEAD_NS, j->q.to + TAIL_NS);
}

static void identify(struct loader *l, const struct hvst_event *ev, struct br_event *row)
{
	row->vm = -1;
	row->vcpu = ev->vcpu_id;
	if (final(l))
		hvst_session_whose(l->index_session, ev, &row->vm, &row->vcpu);
}

/* Everything of an event but its meaning. */
static void describe(struct job *j, const struct hvst_event *ev, struct br_event *row)
{
	row->ev = *ev;
	identify(j->w->l, ev, row);
	strncpy(row->comm, hvst_session_comm(j->w->session, ev->pid), sizeof(row->comm) - 1);
	row->comm[sizeof(row->comm) - 1] = 0;
}

static int hit_order(const void *a, const void *b)
{
	const struct hit *x = a, *y = b;

	if (x->ts_ns != y->ts_ns)
		return x->ts_ns < y->ts_ns ? -1 : 1;
	return (int)x->cpu - (int)y->cpu;
}

/* Is it among those that BR_REQ_HITS found? Called with hits_lock. */
static bool is_hit(const struct loader *l, const struct hvst_event *ev)
{
	const struct hit key = { ev->ts_ns, ev->cpu };

	return ev->id == HVST_EV_LOST ||
	       (l->hits.n && bsearch(&key, l->hits.v, l->hits.n, sizeof(key), hit_order));
}

static bool passes(struct job *j, const struct hvst_event *ev, struct br_event *row)
{
	char text[512];

	if (br_filter_derives(j->filter))
		return is_hit(j->w->l, ev);
	if (!j->looks_for_text)
		return br_event_passes(j->filter, row, NULL, NULL);
	hvst_decoder_text(j->decoder, ev, row->meaning, sizeof(row->meaning));
	return br_event_passes(j->filter, row, NULL,
			       event_text(ev, row->meaning, text, sizeof(text)));
}

/*
 * With a filter, also pass the decoder the events that it hides: those that are shown are then
 * understood better.
 */
static bool matches(struct job *j, const struct hvst_event *ev, struct br_event *row)
{
	char unused[1];
	bool passed;

	describe(j, ev, row);
	passed = passes(j, ev, row);
	if (!j->decoder || j->looks_for_text)
		return passed;
	if (passed)
		hvst_decoder_text(j->decoder, ev, row->meaning, sizeof(row->meaning));
	else if (ev->id <= HVST_EV_STIMER_EXPIRATION || ev->id == HVST_EV_LOST)
		hvst_decoder_text(j->decoder, ev, unused, sizeof(unused));
	return passed;
}

/* A free row: newly allocated, or the oldest one of a full ring. */
static struct br_event *next_row(struct job *j)
{
	if (j->ring && j->nr == BEFORE)
		return &j->rows[j->seen++ % BEFORE];
	if (j->nr == j->cap) {
		unsigned int cap = j->cap ? 2 * j->cap : BEFORE;
		struct br_event *rows = realloc(j->rows, cap * sizeof(*rows));

		if (!rows)
			return NULL;
		j->rows = rows;
		j->cap = cap;
	}
	j->seen += j->ring;
	return &j->rows[j->nr++];
}

static int on_event(void *ctx, const struct hvst_event *ev)
{
	struct job *j = ctx;
	struct br_event row = { 0 };
	struct br_event *to;

	if (stopped(j->w))
		return 1;
	if (!matches(j, ev, &row) || ev->ts_ns < j->only_from)
		return 0;
	if (!j->ring && j->nr >= AFTER && (ev->ts_ns != j->q.from || j->nr >= MAX_AT_ONCE)) {
		j->a.at_end = false;
		return 1;
	}
	to = next_row(j);
	if (!to)
		return 1;
	*to = row;
	return 0;
}

/* For a pass over events that does not continue another one. */
static int renew_decoder(struct job *j)
{
	if (!j->filter)
		return 0;
	hvst_decoder_free(j->decoder);
	j->decoder = hvst_decoder_new();
	return j->decoder ? 0 : -ENOMEM;
}

/*
 * Read ever longer ranges before that time, until one has enough events or starts at the beginning.
 */
static int read_before(struct job *j)
{
	struct hvst_observer obs = { .size = sizeof(obs),
				     .event = on_event,
				     .progress = on_job_progress };
	int64_t first = final(j->w->l) ? hvst_session_trace(j->w->l->index_session)->first_ns
				       : HVST_UNKNOWN;
	int64_t lead = j->filter ? DECODE_NS : 0, back = FIRST_LOOK_BACK;
	int err;

	j->ring = true;
	for (;; back *= 16) {
		j->nr = 0;
		j->seen = 0;
		j->only_from = j->q.from - back;
		err = renew_decoder(j);
		if (err)
			return err;
		err = pass(j, HVST_NEED_EVENTS, &obs, j->q.from - back - lead, j->q.from);
		j->a.at_start = j->q.from - back <= first;
		if (err || j->nr == BEFORE || j->a.at_start || back > BR_TIME_LIMIT / 16)
			return err;
	}
}

/* After read_before(): the decoder goes on with what it knows from there. */
static int read_after(struct job *j)
{
	struct hvst_observer obs = { .size = sizeof(obs),
				     .event = on_event,
				     .progress = on_job_progress };
	int err;

	j->before = j->rows;
	j->nr_before = j->nr;
	j->rows = NULL;
	j->nr = j->cap = 0;
	j->ring = false;
	j->only_from = j->q.from;
	j->a.at_end = true;
	err = pass(j, HVST_NEED_EVENTS, &obs, j->q.from, HVST_UNKNOWN);
	return err == -ECANCELED && !stopped(j->w) ? 0 : err;
}

/* Join the ring (oldest first) with the events after it. */
static int join(struct job *j)
{
	struct br_event *all = malloc(((size_t)j->nr_before + j->nr + 1) * sizeof(*all));
	unsigned int start = j->nr_before == BEFORE ? (unsigned int)(j->seen % BEFORE) : 0;

	if (!all)
		return -ENOMEM;
	for (unsigned int i = 0; i < j->nr_before; i++)
		all[i] = j->before[(start + i) % j->nr_before];
	if (j->nr)
		memcpy(all + j->nr_before, j->rows, j->nr * sizeof(*all));
	j->a.events = all;
	j->a.nr_events = j->nr_before + j->nr;
	j->a.at_start = j->a.at_start && j->nr_before < BEFORE;
	return 0;
}

/* What the listed events mean, from the first to the last: each makes the next ones clearer. */
static int explain(struct job *j)
{
	struct hvst_decoder *d;

	if (j->filter) /* done while they were read */
		return 0;
	d = hvst_decoder_new();
	if (!d)
		return -ENOMEM;
	for (unsigned int i = 0; i < j->a.nr_events; i++) {
		struct br_event *e = &j->a.events[i];

		hvst_decoder_text(d, &e->ev, e->meaning, sizeof(e->meaning));
	}
	hvst_decoder_free(d);
	return 0;
}

/* With hits_lock: a filter that takes a whole pass needs its hits. */
static int read_events(struct job *j)
{
	int err;

	if (br_filter_derives(j->filter) && strcmp(j->w->l->hits_filter, j->q.filter))
		return -EAGAIN;
	err = read_before(j);
	return err ? err : read_after(j);
}

static int request_events(struct job *j)
{
	int err;

	pthread_mutex_lock(&j->w->l->hits_lock);
	err = read_events(j);
	pthread_mutex_unlock(&j->w->l->hits_lock);
	if (!err)
		err = join(j);
	if (!err)
		err = explain(j);
	free(j->before);
	free(j->rows);
	return err;
}

/* --- passes over all events ------------------------------------------------------------------- */

static void publish(struct job *j);

static bool room_for_hit(struct hits *h, bool search)
{
	unsigned int cap = h->cap ? 2 * h->cap : 1024;
	void *v;

	if (h->n < h->cap)
		return true;
	if (cap > MAX_HITS)
		return false;
	v = search ? reallocarray(h->times, cap, sizeof(*h->times))
		   : reallocarray(h->v, cap, sizeof(*h->v));
	if (!v)
		return false;
	if (search)
		h->times = v;
	else
		h->v = v;
	h->cap = cap;
	return true;
}

static void add_hit(struct job *j, const struct hvst_event *ev)
{
	struct hits *h = &j->hits;
	bool search = j->q.kind == BR_REQ_SEARCH;

	if (!room_for_hit(h, search)) {
		h->unkept++;
		return;
	}
	if (search)
		h->times[h->n++] = ev->ts_ns;
	else
		h->v[h->n++] = (struct hit){ ev->ts_ns, ev->cpu };
	if (j->wanted && !j->a.found && ev->ts_ns >= j->q.from) {
		j->a.found = true;
		j->a.ts_ns = ev->ts_ns;
		publish(j);
	}
}

static int on_scan(void *ctx, const struct hvst_event *ev)
{
	struct job *j = ctx;
	struct br_event row = { 0 };
	struct derived d;
	char text[512];
	const char *shown = NULL;

	if (stopped(j->w))
		return 1;
	if (ev->id == HVST_EV_LOST)
		return 0;
	describe(j, ev, &row);
	if (j->derive)
		d = derive_event(j->derive, ev, row.vm);
	if (j->decoder) {
		hvst_decoder_text(j->decoder, ev, row.meaning, sizeof(row.meaning));
		shown = event_text(ev, row.meaning, text, sizeof(text));
	}
	if (br_event_passes(j->filter, &row, j->derive ? &d : NULL, shown) &&
	    (!j->wanted ||
	     br_event_truth(j->wanted, &row, j->derive ? &d : NULL, shown) == FILTER_YES))
		add_hit(j, ev);
	return 0;
}

static int on_scan_armed(void *ctx, const struct hvst_arm *arm, enum hvst_arm_cause cause)
{
	(void)cause;
	derive_armed(((struct job *)ctx)->derive, arm);
	return 0;
}

/* Does what the analysis tells of an inferred arm matter to a filter? */
static bool needs_arm(const struct filter *f, const struct hvst_arm *arm)
{
	return f && (filter_uses(f, "arm") || filter_uses(f, "gap") ||
		     filter_needs(f, "skew", FILTER_ARM, arm));
}

static int on_learn_arm(void *ctx, const struct hvst_arm *arm)
{
	struct job *j = ctx;

	if (needs_arm(j->filter, arm) || needs_arm(j->wanted, arm))
		derive_learn_arm(j->derive, arm);
	return stopped(j->w);
}

static bool needs_firing(const struct filter *f, const struct hvst_fire *fire)
{
	return f && filter_needs(f, "late", FILTER_FIRING, fire);
}

/* Of most searches for lateness few firings are to be remembered. */
static int on_learn_fire(void *ctx, const struct hvst_fire *fire)
{
	struct job *j = ctx;

	if (needs_firing(j->filter, fire) || needs_firing(j->wanted, fire))
		derive_learn_fire(j->derive, fire);
	return 0;
}

static bool uses_late(const struct filter *f)
{
	return f && filter_uses(f, "late");
}

/* The first of two passes, where the filters need what only the analysis of all events can tell. */
static int learn(struct job *j)
{
	struct hvst_observer obs = { .size = sizeof(obs),
				     .arm = on_learn_arm,
				     .progress = on_job_progress };
	bool late = uses_late(j->filter) || uses_late(j->wanted);
	int err;

	if (!br_filter_derives(j->filter) && !br_filter_derives(j->wanted))
		return 0;
	if (late)
		obs.fire = on_learn_fire;
	j->derive = derive_new(MAX_DERIVED, late);
	if (!j->derive)
		return -ENOMEM;
	err = pass(j, HVST_NEED_ARMS, &obs, HVST_UNKNOWN, HVST_UNKNOWN);
	derive_learnt(j->derive);
	return err;
}

static int scan(struct job *j)
{
	struct hvst_observer obs = { .size = sizeof(obs),
				     .event = on_scan,
				     .progress = on_job_progress };
	unsigned int need = HVST_NEED_EVENTS;
	int err = learn(j);

	if (j->derive) {
		obs.armed = on_scan_armed;
		need |= HVST_NEED_ARMS;
	}
	if (!err)
		err = pass(j, need, &obs, HVST_UNKNOWN, HVST_UNKNOWN);
	j->a.unkept = j->hits.unkept;
	j->a.forgotten = j->derive ? derive_forgotten(j->derive) : 0;
	return err;
}

static int request_hits(struct job *j)
{
	struct loader *l = j->w->l;
	int err = scan(j);

	if (err)
		return err;
	if (j->hits.n)
		qsort(j->hits.v, j->hits.n, sizeof(*j->hits.v), hit_order);
	pthread_mutex_lock(&l->hits_lock);
	free(l->hits.v);
	l->hits = j->hits;
	memcpy(l->hits_filter, j->q.filter, sizeof(l->hits_filter));
	pthread_mutex_unlock(&l->hits_lock);
	j->hits = (struct hits){ 0 };
	return 0;
}

static int request_search(struct job *j)
{
	int err = scan(j);

	j->a.hits = j->hits.times;
	j->a.nr_hits = j->hits.n;
	j->hits.times = NULL;
	return err;
}

/* --- the request thread ----------------------------------------------------------------------- */

/* Searches wait for the index pass: until then it is not known which VM an event is of. */
static int next_wanted(const struct worker *w)
{
	if (w == &w->l->workers[SEARCHER] && w->l->indexing)
		return -1;
	for (int k = 0; k < BR_REQ_KINDS; k++)
		if (w->kinds >> k & 1 && w->l->wanted[k])
			return k;
	return -1;
}

static void drop_reply(struct loader *l, int kind)
{
	if (!l->ready[kind])
		return;
	br_index_free(l->replies[kind].fine);
	free(l->replies[kind].events);
	free(l->replies[kind].hits);
	l->ready[kind] = false;
}

/* Called with the lock held. Drops a reply that no one waits for any more. */
static void put_reply(struct loader *l, const struct br_reply *a)
{
	drop_reply(l, (int)a->kind);
	l->replies[a->kind] = *a;
	l->ready[a->kind] = true;
	if (l->wanted[a->kind])
		drop_reply(l, (int)a->kind); /* requested again meanwhile */
	tell(l);
}

/* A partial reply. */
static void publish(struct job *j)
{
	struct br_reply a = j->a;

	a.more = true;
	pthread_mutex_lock(&j->w->l->lock);
	put_reply(j->w->l, &a);
	pthread_mutex_unlock(&j->w->l->lock);
}

/*
 * The expressions of a request. They were parsed before, so only lack of memory can make this fail.
 */
static int parse_filters(struct job *j)
{
	char why[FILTER_WHY];

	if (*j->q.filter)
		j->filter = filter_parse(j->q.filter, FILTER_ANY, why);
	if (*j->q.text)
		j->wanted = filter_parse(j->q.text, FILTER_ANY, why);
	if ((*j->q.filter && !j->filter) || (*j->q.text && !j->wanted))
		return -ENOMEM;
	j->looks_for_text = (j->filter && filter_has_text(j->filter)) ||
			    (j->wanted && filter_has_text(j->wanted));
	if (!j->looks_for_text)
		return 0;
	j->decoder = hvst_decoder_new();
	return j->decoder ? 0 : -ENOMEM;
}

static int run_job(struct job *j)
{
	static int (*const run[BR_REQ_KINDS])(struct job *) = {
		request_fine, request_events, request_step, request_hits, request_search,
	};
	int err = parse_filters(j);

	if (!err)
		err = run[j->q.kind](j);
	filter_free(j->filter);
	filter_free(j->wanted);
	hvst_decoder_free(j->decoder);
	derive_free(j->derive);
	free(j->hits.v);
	free(j->hits.times);
	return err;
}

/* Called with the lock held, which is released while the request is served. */
static void serve(struct worker *w, int kind)
{
	struct loader *l = w->l;
	struct job j = { .w = w, .q = l->requests[kind] };

	j.a.kind = j.q.kind;
	j.a.request = j.q;
	l->wanted[kind] = false;
	w->running = kind;
	__atomic_store_n(&w->stop, false, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&l->lock);
	j.a.err = run_job(&j);
	pthread_mutex_lock(&l->lock);
	w->running = -1;
	put_reply(l, &j.a);
}

static void *request_main(void *arg)
{
	struct worker *w = arg;
	struct loader *l = w->l;

	pthread_mutex_lock(&l->lock);
	while (!l->quit) {
		int kind = next_wanted(w);

		if (kind < 0)
			pthread_cond_wait(&l->work, &l->lock);
		else
			serve(w, kind);
	}
	pthread_mutex_unlock(&l->lock);
	return NULL;
}

/* --- the source ------------------------------------------------------------------------------- */

/*
 * The observers check it. hvst_session_stop() would stop the next request if this one is just
 * ending.
 */
static void stop_running(struct worker *w)
{
	__atomic_store_n(&w->stop, true, __ATOMIC_RELAXED);
}

static void loader_request(struct br_source *src, const struct br_request *q)
{
	struct loader *l = (struct loader *)src;

	pthread_mutex_lock(&l->lock);
	drop_reply(l, q->kind);
	l->requests[q->kind] = *q;
	l->wanted[q->kind] = true;
	for (int i = 0; i < WORKERS; i++)
		if (l->workers[i].running == (int)q->kind)
			stop_running(&l->workers[i]);
	pthread_cond_broadcast(&l->work);
	pthread_mutex_unlock(&l->lock);
}

static bool loader_take(struct br_source *src, struct br_reply *a)
{
	struct loader *l = (struct loader *)src;
	bool got = false;

	pthread_mutex_lock(&l->lock);
	for (int k = 0; k < BR_REQ_KINDS && !got; k++) {
		if (!l->ready[k])
			continue;
		*a = l->replies[k];
		l->ready[k] = false;
		got = true;
	}
	pthread_mutex_unlock(&l->lock);
	return got;
}

static void loader_cancel(struct br_source *src)
{
	struct loader *l = (struct loader *)src;

	pthread_mutex_lock(&l->lock);
	if (l->indexing)
		hvst_session_stop(l->index_session);
	for (int i = 0; i < WORKERS; i++)
		if (l->workers[i].running >= 0)
			stop_running(&l->workers[i]);
	memset(l->wanted, 0, sizeof(l->wanted));
	pthread_mutex_unlock(&l->lock);
}

static bool is_busy(const struct loader *l)
{
	for (int k = 0; k < BR_REQ_KINDS; k++)
		if (l->wanted[k] || l->ready[k])
			return true;
	return l->indexing || l->workers[READER].running >= 0 || l->workers[SEARCHER].running >= 0;
}

static bool any_ready(const struct loader *l)
{
	for (int k = 0; k < BR_REQ_KINDS; k++)
		if (l->ready[k])
			return true;
	return false;
}

static bool loader_busy(struct br_source *src, bool wait)
{
	struct loader *l = (struct loader *)src;
	bool busy;

	pthread_mutex_lock(&l->lock);
	while (wait && is_busy(l) && !any_ready(l)) {
		bool was = l->indexing;

		pthread_cond_wait(&l->news, &l->lock);
		if (was && !l->indexing)
			break;
	}
	busy = is_busy(l);
	pthread_mutex_unlock(&l->lock);
	return busy;
}

static void loader_lock(struct br_source *src, struct br_live *live)
{
	struct loader *l = (struct loader *)src;

	pthread_mutex_lock(&l->index_lock);
	*live = l->live;
}

static void loader_unlock(struct br_source *src)
{
	pthread_mutex_unlock(&((struct loader *)src)->index_lock);
}

static bool loader_start(struct loader *l)
{
	static const int own[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };
	sigset_t set, old;

	/*
	 * Signals are handled by the thread with the terminal, except crashes: their handlers
	 * restore the terminal.
	 */
	sigfillset(&set);
	for (unsigned int i = 0; i < ARRAY_SIZE(own); i++)
		sigdelset(&set, own[i]);
	pthread_sigmask(SIG_SETMASK, &set, &old);
	l->indexing = true;
	if (!pthread_create(&l->index_thread, NULL, index_main, l))
		l->nr_threads++;
	for (unsigned int i = 0; i < WORKERS && l->nr_threads == i + 1; i++)
		if (!pthread_create(&l->workers[i].thread, NULL, request_main, &l->workers[i]))
			l->nr_threads++;
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	return l->nr_threads == 1 + WORKERS;
}

struct br_source *br_loader_new(struct hvst_session *index, struct hvst_session *reads,
				struct hvst_session *searches, int64_t from_ns, int64_t to_ns)
{
	struct loader *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->src = (struct br_source){ loader_request,
				     loader_take,
				     loader_cancel,
				     loader_busy,
				     loader_lock,
				     loader_unlock,
				     eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) };
	l->index_session = index;
	l->workers[READER] = (struct worker){
		.l = l,
		.session = reads,
		.kinds = 1u << BR_REQ_FINE | 1u << BR_REQ_EVENTS | 1u << BR_REQ_STEP,
		.running = -1,
	};
	l->workers[SEARCHER] = (struct worker){
		.l = l,
		.session = searches,
		.kinds = 1u << BR_REQ_HITS | 1u << BR_REQ_SEARCH,
		.running = -1,
	};
	l->from = from_ns;
	l->to = to_ns;
	pthread_mutex_init(&l->hits_lock, NULL);
	pthread_mutex_init(&l->index_lock, NULL);
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->work, NULL);
	pthread_cond_init(&l->news, NULL);
	l->index = br_index_new(INDEX_BUDGET);
	l->storms = calloc(MAX_LIVE_STORMS, sizeof(*l->storms));
	l->storm_list = calloc(MAX_LIVE_STORMS, sizeof(*l->storm_list));
	for (unsigned int i = 0; l->storms && l->storm_list && i < MAX_LIVE_STORMS; i++)
		l->storm_list[i] = &l->storms[i];
	l->live = (struct br_live){ .index = l->index, .storms = l->storm_list, .error = "" };
	if (l->src.news_fd >= 0 && l->index && l->storms && l->storm_list && loader_start(l))
		return &l->src;
	br_loader_free(&l->src);
	return NULL;
}

void br_loader_free(struct br_source *src)
{
	struct loader *l = (struct loader *)src;

	if (!l)
		return;
	pthread_mutex_lock(&l->lock);
	l->quit = true;
	for (int i = 0; i < WORKERS; i++)
		stop_running(&l->workers[i]);
	hvst_session_stop(l->index_session);
	pthread_cond_broadcast(&l->work);
	pthread_mutex_unlock(&l->lock);
	if (l->nr_threads > 0)
		pthread_join(l->index_thread, NULL);
	for (unsigned int i = 0; i + 1 < l->nr_threads; i++)
		pthread_join(l->workers[i].thread, NULL);
	for (int k = 0; k < BR_REQ_KINDS; k++)
		drop_reply(l, k);
	br_index_free(l->index);
	free(l->storms);
	free(l->storm_list);
	free(l->hits.v);
	if (l->src.news_fd >= 0)
		close(l->src.news_fd);
	pthread_cond_destroy(&l->work);
	pthread_cond_destroy(&l->news);
	pthread_mutex_destroy(&l->lock);
	pthread_mutex_destroy(&l->hits_lock);
	pthread_mutex_destroy(&l->index_lock);
	free(l);
}
