/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: hyperv. A bounded table of timers, and the rules that timers.h describes. */
#include <stdlib.h>

#include "names.h"
#include "timers.h"

/*
 * Timers that share vcpu_id and index (of several VMs) share a set, because a callback has to be
 * looked up by these two alone. At most SETS * WAYS timers of some 200 bytes; the least recently
 * used one makes room.
 */
#define SETS 256
#define WAYS 16

#define PADDING_MAX_REF 10000 /* a pad is below 1 ms when only the set_count reveals it */

/*
 * If a past-due arm or a callback comes this many times later than usual, events may be missing.
 * The ring buffer loses dozens of events, at the end of a place; the events of CPUs that are not
 * shown are missing for far longer.
 */
#define GAP_FACTOR	  2
#define GAP_FACTOR_WITHIN 16
#define FIRST_GAP_MAX_REF 50000 /* within a place, while no gap is usual yet: 5 ms */
#define LATE_FACTOR	  3
#define LATE_AT_FIRST_NS  50000	     /* while no lateness is usual yet */
#define LATE_MAX_NS	  1000000000 /* beyond it the timer was probably stopped unseen */
#define EARLY_MAX_NS	  2000000 /* start events are stamped late, so a callback can seem early */
#define VOTE_MIN_REF	  40000	  /* starts at least 4 ms apart tell the unit of the time stamps */
#define VOTES_NEEDED	  2
#define VOTES_MAX	  8

enum kind { NONE, AHEAD, PAST_DUE, PADDED };

struct timer {
	int pid, vcpu, index;
	unsigned int generation; /* of struct timers: an older one is empty */
	uint64_t used;		 /* to choose the entry to replace */
	uint64_t last_ts;

	uint64_t set_count, set_place; /* the last set_count */
	unsigned int writes;	       /* different set_counts since the last start */
	bool config_set;	       /* a set_config since the last start */

	enum kind kind; /* of the last start, and what it said */
	uint64_t now, count, start_ts, place;
	bool written; /* it is the guest's: its count was seen to be set */
	struct start_info info;
	uint64_t usual_gap;	      /* of past-due arms of this streak, ref units; 0 unknown */
	bool over;		      /* delivered since, or turned off by the guest */
	uint64_t over_ts, over_place; /* when and where, if @over */

	bool armed;		    /* a host timer runs */
	int64_t deadline, headroom; /* ns */
	uint64_t fired_ts;	    /* when it was seen to fire */

	uint64_t base_ts, base_now; /* an earlier start, to find the unit of time stamps by */
};

struct timers {
	struct timer *set[SETS];
	bool crowded[SETS]; /* a timer was pushed out: callbacks cannot be attributed */
	unsigned int generation;
	uint64_t used;
	int ns_votes;		/* for time stamps being ns (negative: against) */
	int64_t usual_lateness; /* ns */
};

struct timers *hvst_timers_new(void)
{
	struct timers *t = calloc(1, sizeof(struct timers));

	if (t)
		t->usual_lateness = LATE_AT_FIRST_NS;
	return t;
}

void hvst_timers_free(struct timers *t)
{
	if (!t)
		return;
	for (unsigned int i = 0; i < SETS; i++)
		free(t->set[i]);
	free(t);
}

void hvst_timers_forget(struct timers *t)
{
	if (t)
		t->generation++;
}

static unsigned int set_of(const struct timer_event *ev)
{
	return ((unsigned int)ev->vcpu * HVST_STIMERS + (unsigned int)ev->timer) % SETS;
}

static bool is_timer(const struct timers *t, const struct timer *tm, const struct timer_event *ev)
{
	return tm->used && tm->generation == t->generation && tm->vcpu == ev->vcpu &&
	       tm->index == ev->timer;
}

/* The entry for a new timer: a free one, else the least recently used. */
static struct timer *pick(struct timers *t, unsigned int set)
{
	struct timer *best = t->set[set];

	for (unsigned int i = 0; i < WAYS; i++) {
		struct timer *tm = &t->set[set][i];

		if (!tm->used || tm->generation != t->generation)
			return tm;
		if (tm->used < best->used)
			best = tm;
	}
	t->crowded[set] = true;
	return best;
}

static void reset(struct timers *t, struct timer *tm, const struct timer_event *ev)
{
	*tm = (struct timer){
		.pid = ev->pid, .vcpu = ev->vcpu, .index = ev->timer, .generation = t->generation
	};
}

static struct timer *find(struct timers *t, const struct timer_event *ev)
{
	unsigned int set = set_of(ev);

	for (unsigned int i = 0; t->set[set] && i < WAYS; i++) {
		struct timer *tm = &t->set[set][i];

		if (is_timer(t, tm, ev) && tm->pid == ev->pid)
			return tm;
	}
	return NULL;
}

/*
 * The timer of an event, created if needed; NULL when it cannot be stored. Time that goes backwards
 * means that the viewer jumps about, or that the CPUs' clocks differ: forget what was stored.
 */
static struct timer *get(struct timers *t, const struct timer_event *ev)
{
	unsigned int set = set_of(ev);
	struct timer *tm;

	if (!t || ev->timer < 0 || ev->timer >= HVST_STIMERS)
		return NULL;
	tm = find(t, ev);
	if (!tm) {
		if (!t->set[set])
			t->set[set] = calloc(WAYS, sizeof(struct timer));
		if (!t->set[set])
			return NULL;
		tm = pick(t, set);
		reset(t, tm, ev);
	} else if (ev->ts < tm->last_ts) {
		reset(t, tm, ev);
	}
	tm->used = ++t->used;
	tm->last_ts = ev->ts;
	return tm;
}

static void set_over(struct timer *tm, const struct timer_event *ev)
{
	tm->over = true;
	tm->over_ts = ev->ts;
	tm->over_place = ev->place;
}

void hvst_timers_count_set(struct timers *t, const struct timer_event *ev, uint64_t count)
{
	struct timer *tm = get(t, ev);

	if (!tm)
		return;
	tm->armed = false;
	if (!count)
		set_over(tm, ev);
	/* Count 0 starts nothing. The same write again: recorded in two buffers, or shown twice. */
	if (!count || (tm->writes && tm->set_count == count))
		return;
	tm->writes++;
	tm->set_count = count;
	tm->set_place = ev->place;
}

void hvst_timers_config_set(struct timers *t, const struct timer_event *ev, uint64_t config)
{
	struct timer *tm = get(t, ev);

	if (!tm)
		return;
	if (!(config & (HVST_STIMER_ENABLE | HVST_STIMER_AUTO_ENABLE)))
		set_over(tm, ev);
	tm->config_set = true;
	tm->armed = false;
}

void hvst_timers_stopped(struct timers *t, const struct timer_event *ev)
{
	struct timer *tm = get(t, ev);

	if (tm)
		tm->armed = false;
}

void hvst_timers_delivered(struct timers *t, const struct timer_event *ev)
{
	struct timer *tm = get(t, ev);

	if (!tm)
		return;
	set_over(tm, ev);
	tm->armed = false;
}

/*
 * Are time stamps in ns? They may be TSC cycles, jiffies or meaningless (perf), and libtraceevent
 * does not know. time_now counts 100 ns, so two starts tell. A step of either clock is outvoted.
 */
static void vote(struct timers *t, struct timer *tm, uint64_t ts, uint64_t now)
{
	int64_t by_now, by_ts, off;

	if (tm->base_now && now > tm->base_now && now - tm->base_now < VOTE_MIN_REF)
		return;
	if (tm->base_now && now > tm->base_now && ts >= tm->base_ts) {
		by_now = hvst_ref_diff_ns(now, tm->base_now);
		by_ts = ts - tm->base_ts > INT64_MAX ? INT64_MAX : (int64_t)(ts - tm->base_ts);
		off = by_now > by_ts ? by_now - by_ts : by_ts - by_now;
		if (off <= by_now / 8)
			t->ns_votes += t->ns_votes < VOTES_MAX;
		else
			t->ns_votes -= t->ns_votes > -VOTES_MAX;
	}
	tm->base_now = now;
	tm->base_ts = ts;
}

static void arm(struct timers *t, struct timer *tm, const struct timer_event *ev, uint64_t now,
		uint64_t count)
{
	int64_t headroom = hvst_ref_diff_ns(count, now);

	vote(t, tm, ev->ts, now);
	tm->armed = headroom >= 0 && ev->ts <= INT64_MAX / 2 && headroom <= INT64_MAX / 2;
	tm->headroom = headroom;
	tm->deadline = tm->armed ? (int64_t)ev->ts + headroom : 0;
	tm->fired_ts = 0;
}

/* The start that was recorded last: in two buffers, or shown twice. */
static bool seen(const struct timer *tm, enum kind kind, uint64_t now, uint64_t count)
{
	return tm->kind == kind && tm->now == now && tm->count == count;
}

static struct start_info started(struct timer *tm, const struct timer_event *ev, enum kind kind,
				 uint64_t now, uint64_t count, struct start_info info)
{
	tm->kind = kind;
	tm->start_ts = ev->ts;
	tm->place = ev->place;
	tm->now = now;
	tm->count = count;
	tm->info = info;
	tm->writes = 0;
	tm->config_set = false;
	tm->over = false;
	return info;
}

/* Exactly this arm, written once since the start before it: no start was hidden between the two. */
static bool follows(const struct timer *tm, uint64_t count)
{
	return tm->writes == 1 && tm->set_count == count;
}

/* Does a past-due arm at @now follow the previous one as closely as is usual in this streak? */
static bool in_step(struct timer *tm, const struct timer_event *ev, uint64_t now)
{
	bool within = ev->place && ev->place == tm->place;
	uint64_t gap = now - tm->now;

	if (now < tm->now)
		return false;
	if (!tm->usual_gap && (!within || gap > FIRST_GAP_MAX_REF))
		return false;
	if (tm->usual_gap && gap / (within ? GAP_FACTOR_WITHIN : GAP_FACTOR) > tm->usual_gap)
		return false;
	tm->usual_gap = tm->usual_gap ? tm->usual_gap - tm->usual_gap / 8 + gap / 8 : gap;
	return true;
}

/*
 * Is a past-due arm the first of its streak? It is if the arm before it was ahead, the guest's, and
 * ended just before: all in one place, and more recently than it had lasted.
 */
static bool first_of_streak(const struct timer *tm, const struct timer_event *ev, uint64_t count)
{
	return tm->kind == AHEAD && tm->written && tm->over && follows(tm, count) && ev->place &&
	       ev->place == tm->place && ev->place == tm->over_place &&
	       ev->ts - tm->over_ts <= tm->over_ts - tm->start_ts;
}

struct start_info hvst_timers_start_expired(struct timers *t, const struct timer_event *ev,
					    uint64_t now, uint64_t count)
{
	struct start_info info = { .streak = 1, .at_least = true };
	struct timer *tm = get(t, ev);

	if (!tm)
		return (struct start_info){ 0 };
	if (seen(tm, PAST_DUE, now, count))
		return tm->info;
	vote(t, tm, ev->ts, now);
	if (tm->kind == PAST_DUE && !tm->writes && !tm->config_set && tm->count == count) {
		/* No write since: the host looks at the same arm again. */
		tm->now = now;
		return tm->info;
	}
	if (tm->kind == PAST_DUE && follows(tm, count) && in_step(tm, ev, now)) {
		info = tm->info;
		info.streak += info.streak < UINT_MAX;
	} else {
		info.at_least = !first_of_streak(tm, ev, count);
		tm->usual_gap = 0;
	}
	tm->armed = false;
	return started(tm, ev, PAST_DUE, now, count, info);
}

struct start_info hvst_timers_start_ahead(struct timers *t, const struct timer_event *ev,
					  uint64_t now, uint64_t count)
{
	struct start_info none = { 0 }, padding = { .padding = true };
	struct timer *tm = get(t, ev);

	if (!tm || seen(tm, AHEAD, now, count))
		return none;
	if (seen(tm, PADDED, now, count))
		return padding;
	arm(t, tm, ev, now, count);
	/* The host decided both arms with one reading of the clock. */
	if (tm->kind == PAST_DUE && tm->now == now && tm->count < count)
		return padding;
	/*
	 * No such event was seen: the guest set a time in the past, the host starts with another
	 * one.
	 */
	if (tm->writes == 1 && ev->place && ev->place == tm->set_place && tm->set_count <= now &&
	    count > now && count - now <= PADDING_MAX_REF)
		return started(tm, ev, PADDED, now, count, padding);
	/* Written now, or before it was started once more. */
	tm->written = follows(tm, count) ||
		      (tm->written && tm->kind == AHEAD && !tm->writes && tm->count == count);
	return started(tm, ev, AHEAD, now, count, none);
}

void hvst_timers_start_periodic(struct timers *t, const struct timer_event *ev, uint64_t now,
				uint64_t exp_time)
{
	struct timer *tm = get(t, ev);

	if (!tm || seen(tm, AHEAD, now, exp_time))
		return;
	arm(t, tm, ev, now, exp_time);
	tm->written = true;
	started(tm, ev, AHEAD, now, exp_time, (struct start_info){ 0 });
}

/*
 * How late a callback may be and still be attributed to this arm, with no other one hidden in
 * between. Where nothing can have been lost: as long as the arm had to wait.
 */
static int64_t believable_lateness(const struct timers *t, const struct timer *tm,
				   const struct timer_event *ev)
{
	int64_t usual = t->usual_lateness * LATE_FACTOR;

	return ev->place && ev->place == tm->place && tm->headroom > usual ? tm->headroom : usual;
}

/* The armed timers that a callback could belong to: how many, and one of them in *@found. */
static unsigned int candidates(struct timers *t, const struct timer_event *ev, struct timer **found)
{
	unsigned int set = set_of(ev), nr = 0;

	for (unsigned int i = 0; t->set[set] && i < WAYS; i++) {
		struct timer *tm = &t->set[set][i];
		int64_t late;

		if (!is_timer(t, tm, ev) || ev->ts < tm->last_ts)
			continue;
		if (!tm->armed && (!tm->fired_ts || tm->fired_ts != ev->ts))
			continue;
		late = (int64_t)ev->ts - tm->deadline;
		if (late < -EARLY_MAX_NS || late > LATE_MAX_NS)
			continue;
		*found = tm;
		nr++;
	}
	return nr;
}

enum fired_kind hvst_timers_fired(struct timers *t, const struct timer_event *ev, int64_t *ns)
{
	struct timer *tm = NULL;
	enum fired_kind kind;

	if (!t || ev->timer < 0 || ev->timer >= HVST_STIMERS || t->ns_votes < VOTES_NEEDED ||
	    t->crowded[set_of(ev)] || !ev->ts || ev->ts > INT64_MAX / 2)
		return FIRED_UNKNOWN;
	if (candidates(t, ev, &tm) != 1)
		return FIRED_UNKNOWN;
	*ns = (int64_t)ev->ts - tm->deadline;
	kind = *ns <= believable_lateness(t, tm, ev) ? FIRED_LATE : FIRED_AFTER_LAST_SEEN;
	if (tm->armed && *ns <= tm->headroom && *ns >= 0)
		t->usual_lateness += (*ns - t->usual_lateness) / 8;
	tm->armed = false;
	tm->fired_ts = ev->ts;
	return kind;
}
