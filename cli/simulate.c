// SPDX-License-Identifier: GPL-2.0
/* Stretches of past-due arms, and the model of each policy's effect on storms. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "simulate.h"
#include "timers.h"

#define BUCKETS	      1024
#define MAX_TALLIES   (1u << 19) /* 40 bytes each */
#define MIN_STRETCHES 1024
#define FIRST_JOIN_NS 1000000
#define USUAL_RANK    5000
#define BEST_RANK     1000
#define PAUSE_TURNS   8	      /* this many turns of a loop make a pause */
#define MANY_PAUSES   16      /* fewer are chance: their rate is not known */
#define LATE_MOST_NS  1000000 /* later, the host was stalled: no part of what a timer costs */
#define MIN_GAIN      1.01    /* counts move faster than time by this: a backlog that catches up */
#define MAX_TURNS     1e6     /* this many times as long: it does not end */
#define REST_PART     3	      /* fraction of the guest's loop: its handler's end is not known */
#define UNKNOWN_SHARE .5      /* of a handler in guest mode */
#define ROUGH	      .15     /* a prediction that may be off by more is rough... */
#define ROUGH_END     .10     /* ...of a backlog's length, by this */
#define MODEL_ERROR   .05     /* of a turn, where the recording tells all that the model asks for */
#define SWITCH_PART   .5      /* of the shortest time in guest mode; the guest has the rest */

/* What one policy does to one stretch. */
struct tally {
	uint64_t delayed[ARM_CAUSES];
	int64_t delay_ns; /* sum, saturated */
};

struct stretch {
	int64_t start_ns, end_ns;
	uint64_t past_due;
	uint64_t again;	 /* past-due arms for the target of the one before */
	uint64_t turns;	 /* of the guest's loop, from a past-due arm to the next... */
	int64_t loop_ns; /* ...and what they took, pauses left out; saturated */
	uint64_t pauses;
	int64_t pause_ns; /* saturated */
	int64_t longest_pause_ns;
	struct tally tally[]; /* one for each policy */
};

struct sim_timer {
	struct sim_timer *next;
	int tid, thread, timer;
	int vm;	     /* -1: unknown, and before the end */
	bool open;   /* the last stretch goes on */
	bool listed; /* in the result */
	bool left_out;
	struct sim_costs costs;
	uint64_t count;	 /* of the last past-due arm */
	int64_t turn_ns; /* a turn of the guest's loop: running median */
	struct policy_history history;
	struct policy_state *states;
	unsigned char *stretches; /* stretch_size() bytes each, in time order */
	size_t nr, cap;
};

static const struct sim_costs costs_unknown = { .entry_ns = HVST_UNKNOWN,
						.late_ns = HVST_UNKNOWN,
						.wake_ns = HVST_UNKNOWN,
						.work_ns = HVST_UNKNOWN,
						.rest_ns = HVST_UNKNOWN,
						.saved_ns = HVST_UNKNOWN,
						.deliver_ns = HVST_UNKNOWN,
						.switch_ns = HVST_UNKNOWN,
						.guest_share = -1 };

static size_t stretch_size(const struct simulation *s)
{
	return sizeof(struct stretch) + s->nr_policies * sizeof(struct tally);
}

static struct stretch *stretch_at(const struct simulation *s, const struct sim_timer *t, size_t i)
{
	return (struct stretch *)(t->stretches + i * stretch_size(s));
}

int sim_init(struct simulation *s, const struct policy *policies, unsigned int n,
	     int64_t max_gap_ns)
{
	memset(s, 0, sizeof(*s));
	s->policies = policies;
	s->nr_policies = n;
	s->max_gap_ns = max_gap_ns;
	s->max_stretches = MAX_TALLIES / n > MIN_STRETCHES ? MAX_TALLIES / n : MIN_STRETCHES;
	s->buckets = calloc(BUCKETS, sizeof(struct sim_timer *));
	s->error = s->buckets ? 0 : -ENOMEM;
	return s->error;
}

#define for_each_sim_timer(t, s)                                                                   \
	for (unsigned int b_ = 0; b_ < BUCKETS; b_++)                                              \
		for (struct sim_timer *t = (s)->buckets[b_]; t; t = t->next)

void sim_free(struct simulation *s)
{
	if (!s->buckets)
		return;
	for (unsigned int b = 0; b < BUCKETS; b++) {
		struct sim_timer *t = s->buckets[b], *next;

		for (; t; t = next) {
			next = t->next;
			free(t->states);
			free(t->stretches);
			free(t);
		}
	}
	free(s->buckets);
	s->buckets = NULL;
}

static struct sim_timer **bucket_of(const struct simulation *s, int tid, int timer)
{
	return &s->buckets[((unsigned int)tid * 4 + (unsigned int)timer) % BUCKETS];
}

/* Thread ids are used again: while arms come, @thread tells vCPUs apart. */
static struct sim_timer **place_of(const struct simulation *s, int tid, int thread, int timer)
{
	struct sim_timer **at = bucket_of(s, tid, timer);

	while (*at && ((*at)->tid != tid || (*at)->thread != thread || (*at)->timer != timer))
		at = &(*at)->next;
	return at;
}

/* The timer of a finding, which has its VM. NULL: it had no arm. */
static struct sim_timer *timer_in(const struct simulation *s, int vm, int tid, int timer)
{
	struct sim_timer *t = *bucket_of(s, tid, timer);

	while (t && (t->tid != tid || t->vm != vm || t->timer != timer))
		t = t->next;
	return t;
}

static struct sim_timer *timer_of(struct simulation *s, const struct hvst_arm *arm)
{
	struct sim_timer **at = place_of(s, arm->tid, arm->thread, arm->timer);
	struct sim_timer *t = *at;

	if (t)
		return t;
	t = calloc(1, sizeof(*t));
	if (!t)
		return NULL;
	t->states = calloc(s->nr_policies, sizeof(*t->states));
	if (!t->states) {
		free(t);
		return NULL;
	}
	t->tid = arm->tid;
	t->thread = arm->thread;
	t->vm = -1;
	t->timer = arm->timer;
	t->history.last_past_ns = HVST_UNKNOWN;
	t->costs = costs_unknown;
	s->nr_timers++;
	*at = t;
	return t;
}

/* --- stretches -------------------------------------------------------------------------------- */

static void add_saturated(int64_t *sum, int64_t v)
{
	if (__builtin_add_overflow(*sum, v, sum))
		*sum = INT64_MAX;
}

static void stretch_join(const struct simulation *s, struct stretch *to, const struct stretch *from)
{
	to->start_ns = from->start_ns < to->start_ns ? from->start_ns : to->start_ns;
	to->end_ns = from->end_ns > to->end_ns ? from->end_ns : to->end_ns;
	to->past_due += from->past_due;
	to->again += from->again;
	to->turns += from->turns;
	add_saturated(&to->loop_ns, from->loop_ns);
	to->pauses += from->pauses;
	add_saturated(&to->pause_ns, from->pause_ns);
	if (from->longest_pause_ns > to->longest_pause_ns)
		to->longest_pause_ns = from->longest_pause_ns;
	for (unsigned int p = 0; p < s->nr_policies; p++) {
		for (unsigned int c = 0; c < ARM_CAUSES; c++)
			to->tally[p].delayed[c] += from->tally[p].delayed[c];
		add_saturated(&to->tally[p].delay_ns, from->tally[p].delay_ns);
	}
}

/* Neighbours at most @gap_ns apart become one. */
static void timer_join(struct simulation *s, struct sim_timer *t, int64_t gap_ns)
{
	size_t to = 0;

	for (size_t i = 1; i < t->nr; i++) {
		struct stretch *last = stretch_at(s, t, to), *next = stretch_at(s, t, i);
		int64_t gap;

		if (!__builtin_sub_overflow(next->start_ns, last->end_ns, &gap) && gap <= gap_ns)
			stretch_join(s, last, next);
		else if (++to != i)
			memcpy(stretch_at(s, t, to), next, stretch_size(s));
	}
	if (!t->nr)
		return;
	s->nr_stretches -= t->nr - (to + 1);
	t->nr = to + 1;
}

/* Make room where least is lost: join the closest neighbours, which belong together. */
static void make_room(struct simulation *s)
{
	int64_t gap = FIRST_JOIN_NS;

	s->coarse = true;
	while (s->nr_stretches > s->max_stretches / 2 && gap < INT64_MAX / 4) {
		for_each_sim_timer (t, s)
			timer_join(s, t, gap);
		gap *= 2;
	}
}

static struct stretch *stretch_new(struct simulation *s, struct sim_timer *t, int64_t ts_ns)
{
	struct stretch *st;

	if (s->nr_stretches >= s->max_stretches && s->nr_stretches > 2ull * s->nr_timers)
		make_room(s);
	if (t->nr == t->cap) {
		size_t cap = t->cap ? 2 * t->cap : 4;
		unsigned char *more = reallocarray(t->stretches, cap, stretch_size(s));

		if (!more)
			return NULL;
		t->stretches = more;
		t->cap = cap;
	}
	st = stretch_at(s, t, t->nr++);
	memset(st, 0, stretch_size(s));
	st->start_ns = st->end_ns = ts_ns;
	s->nr_stretches++;
	return st;
}

/* From the arm before: a turn of the guest's loop, unless it takes many times as long as others. */
static void count_turn(struct sim_timer *t, struct stretch *st, int64_t ns)
{
	int64_t step = t->turn_ns / 32 + 1;

	if (ns <= 0)
		return;
	if (!t->turn_ns)
		t->turn_ns = ns;
	else
		t->turn_ns += ns > t->turn_ns ? step : -step;
	if (ns / PAUSE_TURNS > t->turn_ns) {
		st->pauses++;
		add_saturated(&st->pause_ns, ns);
		if (ns > st->longest_pause_ns)
			st->longest_pause_ns = ns;
		return;
	}
	st->turns++;
	add_saturated(&st->loop_ns, ns);
}

/* The stretch that a past-due arm belongs to. */
static struct stretch *stretch_of(struct simulation *s, struct sim_timer *t, int64_t ts_ns)
{
	struct stretch *st = t->open ? stretch_at(s, t, t->nr - 1) : NULL;
	int64_t pause;

	if (st && !__builtin_sub_overflow(ts_ns, st->end_ns, &pause) && pause <= s->max_gap_ns) {
		count_turn(t, st, pause);
		st->end_ns = ts_ns > st->end_ns ? ts_ns : st->end_ns;
		return st;
	}
	return stretch_new(s, t, ts_ns);
}

static void past_due(struct simulation *s, struct sim_timer *t, const struct hvst_arm *arm,
		     enum hvst_arm_cause cause)
{
	struct stretch *st = stretch_of(s, t, arm->ts_ns);

	if (!st) {
		s->error = -ENOMEM;
		return;
	}
	st->again += t->open && st->past_due && arm->count == t->count;
	t->count = arm->count;
	t->open = true;
	st->past_due++;
	for (unsigned int p = 0; p < s->nr_policies; p++) {
		int64_t delay =
			policy_arm(&s->policies[p], &t->states[p], &t->history, true, arm->ts_ns);

		if (!delay)
			continue;
		st->tally[p].delayed[cause]++;
		add_saturated(&st->tally[p].delay_ns, delay);
	}
	t->history.last_past_ns = arm->ts_ns;
}

int sim_arm(struct simulation *s, const struct hvst_arm *arm, enum hvst_arm_cause cause)
{
	bool is_past_due = arm->kind == HVST_ARM_PAST_DUE;
	struct sim_timer *t;

	if (s->error || arm->kind == HVST_ARM_PERIODIC ||
	    arm->flags & (HVST_ARM_RESTART | HVST_ARM_PARKED))
		return s->error;
	t = timer_of(s, arm);
	if (!t) {
		s->error = -ENOMEM;
		return s->error;
	}
	t->history.past_due = t->history.past_due << 1 | is_past_due;
	if (is_past_due) {
		past_due(s, t, arm, cause);
		return s->error;
	}
	t->open = false;
	for (unsigned int p = 0; p < s->nr_policies; p++)
		policy_arm(&s->policies[p], &t->states[p], &t->history, false, arm->ts_ns);
	return 0;
}

/* --- the end ---------------------------------------------------------------------------------- */

static uint64_t firings(const struct hvst_timer *t)
{
	return t->lateness ? hvst_sketch_count(t->lateness) : 0;
}

static int64_t quantile(const struct hvst_sketch *s, unsigned int rank)
{
	int64_t v = s && hvst_sketch_count(s) ? hvst_sketch_quantile(s, rank) : HVST_UNKNOWN;

	return v != HVST_UNKNOWN && v < 0 ? 0 : v;
}

/* The firings whose lateness is part of what a timer costs. */
static uint64_t usual_firings(const struct hvst_sketch *s)
{
	unsigned int iter = 0;
	int64_t lo, hi;
	uint64_t n, sum = 0;

	while (hvst_sketch_next(s, &iter, &lo, &hi, &n) && lo < LATE_MOST_NS)
		sum += n;
	return sum;
}

/* Each point is the mean of an equal share of the firings, so that rare late ones count. */
static void spread_lateness(struct sim_costs *c, const struct hvst_sketch *s)
{
	uint64_t all = s ? usual_firings(s) : 0, n = 0;
	double late = 0, left = 0, part = (double)all / LATE_POINTS, mean = 0, square = 0;
	unsigned int iter = 0;
	int64_t lo, hi;

	for (unsigned int i = 0; i < LATE_POINTS; i++) {
		double sum = 0, need = part;

		while (need > left && hvst_sketch_next(s, &iter, &lo, &hi, &n)) {
			sum += left * late;
			need -= left;
			late = lo < 0 ? 0 : ((double)lo + (double)(hi - 1)) / 2;
			left = (double)n;
			mean += left * late / (double)all;
			square += left * late * late / (double)all;
		}
		sum += need * late;
		left -= need;
		c->late_at[i] = all ? (int64_t)(sum / part) : HVST_UNKNOWN;
	}
	c->late_deviation = sqrt(fmax(square - mean * mean, 0));
}

static struct sim_costs costs_of(const struct hvst_timer *t)
{
	struct sim_costs c = {
		.late_ns = quantile(t->lateness, USUAL_RANK),
		.wake_ns = quantile(t->delivery_latency, USUAL_RANK),
		.work_ns = quantile(t->delivery_latency, BEST_RANK),
		.rest_ns = HVST_UNKNOWN,
		.guest_share = -1,
		.entry_ns = quantile(t->entry_latency, USUAL_RANK),
		.saved_ns = HVST_UNKNOWN,
		.deliver_ns = HVST_UNKNOWN,
		.switch_ns = HVST_UNKNOWN,
	};

	spread_lateness(&c, t->lateness);
	return c;
}

/* The timer that fired most: for those that never fired. */
static const struct hvst_timer *busiest(const struct hvst_result *r)
{
	const struct hvst_timer *most = NULL;

	for (unsigned int i = 0; i < r->nr_timers; i++)
		if (firings(r->timers[i]) && (!most || firings(r->timers[i]) > firings(most)))
			most = r->timers[i];
	return most;
}

static int by_start(const void *x, const void *y)
{
	const struct stretch *a = x, *b = y;

	return a->start_ns < b->start_ns ? -1 : a->start_ns > b->start_ns;
}

static void find_vms(struct simulation *s, const struct hvst_result *r)
{
	for (unsigned int i = 0; i < r->nr_vms; i++)
		for (unsigned int k = 0; k < r->vms[i]->nr_vcpus; k++)
			for (int timer = 0; timer < TIMERS; timer++) {
				const struct hvst_vcpu_info *v = r->vms[i]->vcpus[k];
				struct sim_timer *t = *place_of(s, v->tid, v->thread, timer);

				if (!t)
					continue;
				t->vm = r->vms[i]->vm;
				t->listed = true;
			}
}

/* --- one storm -------------------------------------------------------------------------------- */

/* How the turns of the guest's loop change. */
struct turns {
	double loop, turn; /* ns each, as recorded and delayed */
	double changed;	   /* arms, of which this is a turn */
	double delay;	   /* mean, ns */
	double part;	   /* of the arms that the policy delays */
};

/* Of one policy, all arms of a storm or of the recording. */
struct sum {
	uint64_t past_due, delayed;
	uint64_t again;
	uint64_t turns, pauses;
	int64_t loop_ns, pause_ns, longest_pause_ns;
	uint64_t by_cause[ARM_CAUSES];
	int64_t delay_ns;
};

static void sum_add(struct sum *sum, const struct stretch *st, unsigned int policy)
{
	const struct tally *t = &st->tally[policy];

	sum->past_due += st->past_due;
	sum->again += st->again;
	sum->turns += st->turns;
	add_saturated(&sum->loop_ns, st->loop_ns);
	sum->pauses += st->pauses;
	add_saturated(&sum->pause_ns, st->pause_ns);
	if (st->longest_pause_ns > sum->longest_pause_ns)
		sum->longest_pause_ns = st->longest_pause_ns;
	add_saturated(&sum->delay_ns, t->delay_ns);
	for (unsigned int c = 0; c < ARM_CAUSES; c++) {
		sum->by_cause[c] += t->delayed[c];
		sum->delayed += t->delayed[c];
	}
}

/* The first stretch whose middle does not lie before @ts_ns. */
static size_t first_from(const struct simulation *s, const struct sim_timer *t, int64_t ts_ns)
{
	size_t lo = 0, hi = t->nr;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		const struct stretch *st = stretch_at(s, t, mid);

		if (st->start_ns + (st->end_ns - st->start_ns) / 2 < ts_ns)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

static void sum_storm(const struct simulation *s, const struct sim_timer *t, unsigned int policy,
		      const struct hvst_storm *storm, struct sum *sum)
{
	memset(sum, 0, sizeof(*sum));
	if (!t)
		return;
	for (size_t i = first_from(s, t, storm->start_ns); i < t->nr; i++) {
		const struct stretch *st = stretch_at(s, t, i);

		if (st->start_ns + (st->end_ns - st->start_ns) / 2 > storm->end_ns)
			break;
		sum_add(sum, st, policy);
	}
}

/* A few pauses, which do not take most of the time. */
static bool few_pauses(const struct sum *sum)
{
	return sum->turns && sum->loop_ns > 0 && sum->pauses < MANY_PAUSES &&
	       sum->pause_ns < sum->loop_ns;
}

/* Such pauses are chance, and so is a single one of a backlog: it says nothing of the next. */
static bool by_chance(const struct hvst_storm *storm, const struct sum *sum)
{
	return few_pauses(sum) || (storm->kind == HVST_STORM_BACKLOG && sum->pauses == 1 &&
				   sum->turns && sum->loop_ns > 0);
}

/* Of all storms with few. */
static struct pauses usual_pauses(const struct simulation *s, const struct hvst_result *r)
{
	double turns = 0, ns = 0, n = 0;
	struct pauses p = { 0 };

	for (unsigned int i = 0; i < r->nr_storms; i++) {
		const struct hvst_storm *storm = r->storms[i];
		struct sum sum;

		sum_storm(s, timer_in(s, storm->vm, storm->tid, storm->timer), 0, storm, &sum);
		if (!few_pauses(&sum))
			continue;
		turns += (double)(sum.turns + sum.pauses);
		n += (double)sum.pauses;
		ns += (double)sum.pause_ns;
		p.longest_ns = fmax(p.longest_ns, (double)sum.longest_pause_ns);
	}
	p.per_turn = turns > 0 ? n / turns : 0;
	p.mean_ns = n > 0 ? ns / n : 0;
	return p;
}

void sim_finish(struct simulation *s, const struct hvst_result *r, int vm, int64_t padding_ns)
{
	const struct hvst_timer *most = busiest(r);

	find_vms(s, r);
	s->padding_ns = padding_ns == HVST_UNKNOWN ? 0 : padding_ns;
	for (unsigned int i = 0; i < r->nr_timers; i++) {
		const struct hvst_timer *seen = r->timers[i];
		struct sim_timer *t = timer_in(s, seen->vm, seen->tid, seen->timer);

		if (t)
			t->costs = costs_of(seen);
	}
	for_each_sim_timer (t, s) {
		/* The result lists the selected VM, and threads of no known VM. */
		t->left_out = vm >= 0 && (!t->listed || (t->vm >= 0 && t->vm != vm));
		if (t->costs.late_ns == HVST_UNKNOWN && most)
			t->costs = costs_of(most);
		/* Time may go backwards in a recording. */
		if (t->nr)
			qsort(t->stretches, t->nr, stretch_size(s), by_start);
	}
	s->pauses = usual_pauses(s, r);
}

static double known(int64_t ns)
{
	return ns == HVST_UNKNOWN ? 0 : (double)ns;
}

static double rest_of(const struct sim_costs *c, double loop)
{
	return c->rest_ns == HVST_UNKNOWN ? loop / REST_PART : (double)c->rest_ns;
}

/*
 * How long the guest waits for a timer that is delayed by @delay_ns and then fires @late_ns late.
 * While its handler continues it takes no interrupt: it does not notice that part.
 */
static double wait_of(const struct sim_costs *c, double delay_ns, int64_t late_ns, double loop)
{
	double wait = delay_ns + known(late_ns) - rest_of(c, loop);

	return delay_ns > 0 && wait > 0 ? wait : 0;
}

/* Of timers that are as late as they usually are, each in its way. */
static double mean_wait(const struct sim_costs *c, double delay_ns, double loop)
{
	double sum = 0;

	for (unsigned int i = 0; i < LATE_POINTS; i++)
		sum += wait_of(c, delay_ns, c->late_at[i], loop);
	return sum / LATE_POINTS;
}

/*
 * What a delay adds to one turn of the guest's loop: it includes the host's work for a timer, and a
 * guest that waits has to be woken up; but it takes the interrupt as it enters, and saves the exit
 * for which it would have had to leave guest mode again.
 */
static double cost_of(const struct sim_costs *c, double delay_ns, double loop)
{
	double sum = 0, wake = known(c->wake_ns) + known(c->entry_ns);
	double share = c->guest_share < 0 ? UNKNOWN_SHARE : c->guest_share;
	double pair = SWITCH_PART * known(c->switch_ns), deliver = known(c->deliver_ns);
	double work = share * (known(c->work_ns) + pair) + (1 - share) * deliver;

	if (delay_ns <= 0)
		return 0;
	wake += c->saved_ns == HVST_UNKNOWN ? pair : -(double)c->saved_ns;
	for (unsigned int i = 0; i < LATE_POINTS; i++) {
		double wait = wait_of(c, delay_ns, c->late_at[i], loop);

		sum += wait > 0 ? wait + wake : work;
	}
	return sum / LATE_POINTS;
}

/*
 * What that may be less or more. Without a halt it is not known whether the guest waits at all, or
 * for all of the delay.
 */
static struct spread cost_doubt(const struct sim_costs *c, double delay_ns, double loop)
{
	double cost = cost_of(c, delay_ns, loop), most;
	struct sim_costs at_once = *c;

	if (delay_ns <= 0 || c->guest_share >= 0)
		return (struct spread){ 0, 0 };
	at_once.rest_ns = 0;
	at_once.saved_ns = HVST_UNKNOWN;
	most = cost_of(&at_once, delay_ns, loop);
	return (struct spread){ fmax(cost, 0), fmax(most - cost, 0) };
}

/* Past-due arms that were still to come when the recording ended inside a backlog. */
static double arms_to_come(const struct hvst_storm *storm, double loop)
{
	if (!storm->open || storm->predicted_end_ns == HVST_UNKNOWN || loop <= 0)
		return 0;
	return (double)(storm->predicted_end_ns - storm->end_ns) / loop;
}

/* Does the storm end because the guest has caught up? One that was cut off need not show it. */
static bool catches_up(const struct hvst_storm *storm)
{
	return storm->kind == HVST_STORM_BACKLOG && storm->count_gain > MIN_GAIN &&
	       (!storm->open || storm->predicted_end_ns != HVST_UNKNOWN);
}

/* With turns of @turn instead of @loop. */
static bool still_catches_up(const struct hvst_storm *storm, double turn, double loop)
{
	double gain = (storm->count_gain - 1) * loop, left = storm->count_gain * loop - turn;

	return left > 0 && gain / left < MAX_TURNS;
}

/*
 * The model. Each turn of the guest's loop takes as long as it did, plus the cost of the delay. A
 * backlog ends when as much has been caught up as was: each turn gains what the target moves on by,
 * less the time it takes. Any other storm ends when the guest's own clock gets there, which no
 * delay changes, and so does each of its rows of past-due arms: they have as many arms as fit into
 * the same time.
 */
static void predict(const struct hvst_storm *storm, double delayed, double turn, double loop,
		    int64_t watchdog_ns, struct sim_storm *out)
{
	double all = (double)storm->past_due + arms_to_come(storm, loop);
	double others = all - delayed, step = storm->count_gain * loop, length, turns;

	if (!catches_up(storm)) {
		turns = delayed * loop / turn;
		out->rate_after = out->rate_before * (others + turns) / all;
		out->arms_after = (int64_t)(others + turns + 0.5);
		return;
	}
	turns = delayed * (step - loop) / (step - turn);
	length = others * loop + turns * turn;
	out->rate_after = (others + turns) * 1e9 / length;
	out->arms_after = (int64_t)(others + turns + 0.5);
	out->end_after =
		length < (double)(INT64_MAX / 4) ? storm->start_ns + (int64_t)length : HVST_UNKNOWN;
	out->watchdog_after = length >= (double)watchdog_ns;
}

/* A backlog whose turns take longer than the target moves on by: it grows. */
static void never_ends(double turn, struct sim_storm *out)
{
	out->rate_after = 1e9 / turn;
	out->arms_after = HVST_UNKNOWN;
	out->end_after = HVST_UNKNOWN;
	out->watchdog_after = true;
}

static struct sim_bound bound_of(const struct sim_storm *e)
{
	return (struct sim_bound){ .arms = e->arms_after,
				   .rate = e->rate_after,
				   .end = e->end_after };
}

static void livelock(const struct policy *p, const struct hvst_storm *storm, struct sim_storm *out)
{
	out->prevented = p->clamp && storm->livelock == HVST_LIVELOCK_DEADLINE;
	if (!out->prevented)
		return;
	out->arms_after = 0;
	out->rate_after = 0;
	out->end_after = storm->start_ns;
	out->watchdog_after = false;
	out->shorter = out->longer = bound_of(out);
}

static void as_recorded(const struct hvst_storm *storm, struct sim_storm *out)
{
	double span = (double)(storm->end_ns - storm->start_ns);

	memset(out, 0, sizeof(*out));
	out->arms_before = storm->kind == HVST_STORM_LIVELOCK ? storm->arms : storm->past_due;
	out->rate_before = span > 0 ? (double)(out->arms_before - 1) * 1e9 / span : 0;
	out->end_before = storm->open ? storm->predicted_end_ns : storm->end_ns;
	out->watchdog_before = storm->endangers_watchdog;
	out->arms_after = (int64_t)out->arms_before;
	out->rate_after = out->rate_before;
	out->end_after = out->end_before;
	out->watchdog_after = out->watchdog_before;
	out->shorter = out->longer = bound_of(out);
	out->costs = costs_unknown;
}

/*
 * How long a turn of the guest's loop took. In a backlog the whole time counts. In other storms the
 * guest may pause regularly, for the same share of the time with longer turns.
 */
static double loop_of(const struct hvst_storm *storm, const struct sum *sum)
{
	if (storm->kind == HVST_STORM_BACKLOG || !sum->turns || sum->loop_ns <= 0)
		return (double)(storm->end_ns - storm->start_ns) / (double)(storm->past_due - 1);
	if (by_chance(storm, sum))
		return ((double)sum->loop_ns + (double)sum->pause_ns) /
		       (double)(sum->turns + sum->pauses);
	return (double)sum->loop_ns / (double)sum->turns;
}

/*
 * How long it takes without the delay: pauses by chance come as often as in all storms. A pause
 * may lie between the storm and a past-due arm that does not belong to it.
 */
static double usual_loop(const struct simulation *s, const struct hvst_storm *storm,
			 const struct sum *sum, double loop)
{
	if (!by_chance(storm, sum))
		return loop;
	loop -= (double)sum->pause_ns / (double)(sum->turns + sum->pauses);
	return fmax(loop, (double)sum->loop_ns / (double)sum->turns) +
	       s->pauses.per_turn * s->pauses.mean_ns;
}

/*
 * A guest that replays missed ticks moves on by a period each turn: an arm for the same target as
 * the one before belongs to the same turn, and replaces that one's delay.
 */
static double turns_per_arm(const struct hvst_storm *storm, const struct sum *sum)
{
	if (storm->response != HVST_RESPONSE_PREVIOUS_PLUS || !sum->past_due)
		return 1;
	return 1 - (double)sum->again / (double)sum->past_due;
}

/*
 * What each turn loses where the message of a past-due arm finds its slot busy: KVM tries again
 * until the guest has freed it, and said so in one exit more. When a delayed timer fires the
 * handler is through, and the slot free.
 */
static double slot_loss(const struct hvst_storm *storm, const struct sim_costs *c, double loop)
{
	double wait = known(storm->slot_ns) - rest_of(c, loop);

	return wait > 0 ? wait * (double)storm->slot_busy / (double)storm->past_due : 0;
}

static void outcome(const struct hvst_storm *storm, double changed, double turn, double loop,
		    int64_t watchdog_ns, struct sim_storm *out)
{
	if (catches_up(storm) && !still_catches_up(storm, turn, loop))
		never_ends(turn, out);
	else
		predict(storm, changed, turn, loop, watchdog_ns, out);
}

/* Is a prediction of @of off by more than @part of it, or is it not known by how much? */
static bool beyond(double a, double b, double of, double part)
{
	return fmax(fabs(a - of), fabs(b - of)) > part * of;
}

static bool is_rough(const struct hvst_storm *storm, const struct sim_storm *e)
{
	const struct sim_bound *a = &e->shorter, *b = &e->longer;
	double start = (double)storm->start_ns;

	if (a->arms == HVST_UNKNOWN || b->arms == HVST_UNKNOWN)
		return a->arms != b->arms;
	return beyond((double)a->arms, (double)b->arms, (double)e->arms_after, ROUGH) ||
	       beyond(a->rate, b->rate, e->rate_after, ROUGH) ||
	       (catches_up(storm) && beyond((double)a->end - start, (double)b->end - start,
					    (double)e->end_after - start, ROUGH_END));
}

/* What the storm may come to if a turn takes less, or more, than was predicted. */
static void doubt(const struct simulation *s, const struct hvst_storm *storm, const struct sum *sum,
		  const struct turns *t, int64_t watchdog_ns, struct sim_storm *out)
{
	double waits = t->part * turns_per_arm(storm, sum), n = (double)storm->past_due;
	struct spread all = { 0 }, one = cost_doubt(&out->costs, t->delay, t->loop);
	struct sim_storm e = *out;

	one.less *= waits;
	one.more *= waits;
	doubt_add(&all, one, t->turn, DOUBT_NO_HALT, &out->doubts);
	one = doubt_mean(waits * out->costs.late_deviation, n);
	doubt_add(&all, one, t->turn, DOUBT_CHANCE, &out->doubts);
	if (by_chance(storm, sum))
		doubt_add(&all, doubt_pauses(&s->pauses, n), t->turn, DOUBT_CHANCE, &out->doubts);
	else if (sum->pauses < MANY_PAUSES && sum->turns)
		doubt_add(&all, doubt_few((double)sum->pauses, (double)sum->pause_ns / n), t->turn,
			  DOUBT_PAUSES, &out->doubts);
	all.less += MODEL_ERROR * t->turn;
	all.more += MODEL_ERROR * t->turn;
	outcome(storm, t->changed, fmax(t->turn - all.less, 1), t->loop, watchdog_ns, &e);
	out->shorter = bound_of(&e);
	e = *out;
	outcome(storm, t->changed, t->turn + all.more, t->loop, watchdog_ns, &e);
	out->longer = bound_of(&e);
	out->rough = is_rough(storm, out);
	if (out->rough && !out->doubts)
		out->doubts = DOUBT_SENSITIVE;
}

/* What an arm costs: as measured in the storm where it was, else as of all arms of its timer. */
static void storm_costs(struct sim_costs *c, const struct sim_timer *t,
			const struct hvst_storm *storm)
{
	if (t)
		*c = t->costs;
	c->rest_ns = storm->handler_rest_ns;
	c->guest_share = storm->handler_guest_share;
	c->deliver_ns = storm->deliver_ns;
	c->switch_ns = storm->switch_ns;
	if (storm->wake_ns != HVST_UNKNOWN)
		c->wake_ns = storm->wake_ns;
	if (storm->exit_cost_ns != HVST_UNKNOWN && storm->exit_cost_ns > c->work_ns)
		c->work_ns = storm->exit_cost_ns; /* HVST_UNKNOWN is the least number */
	/* No longer than any exit, where few were seen and one of them was long. */
	if (storm->interrupt_exits)
		c->saved_ns = storm->interrupt_exit_ns < c->work_ns ? storm->interrupt_exit_ns
								    : c->work_ns;
}

/*
 * The turns of the guest's loop with the policy. @padded: arms that the recording's kernel delayed.
 * False: the policy changes none, or they would take no time.
 */
static bool make_turns(const struct simulation *s, const struct hvst_storm *storm,
		       const struct sum *sum, const struct sim_costs *c, double padded,
		       struct turns *t)
{
	double delayed = (double)sum->delayed, recorded, extra;

	t->changed = padded > 0 ? padded : fmin(delayed, (double)storm->past_due);
	if (t->changed < 1 || storm->past_due < 2 || storm->end_ns <= storm->start_ns)
		return false;
	t->loop = loop_of(storm, sum);
	t->delay = sum->delayed ? (double)sum->delay_ns / delayed : 0;
	/* Compare with what the recording's kernel did already. */
	recorded = padded * cost_of(c, (double)s->padding_ns, t->loop);
	extra = (delayed * cost_of(c, t->delay, t->loop) - recorded) / t->changed;
	extra *= turns_per_arm(storm, sum);
	extra -= (delayed - padded) / t->changed * known(c->deliver_ns);
	extra -= delayed / t->changed * slot_loss(storm, c, t->loop);
	t->turn = usual_loop(s, storm, sum, t->loop) + extra;
	if (t->turn <= 0)
		return false;
	if (storm->open)
		t->changed += arms_to_come(storm, t->loop);
	/* In turns of the new loop, of which the same share is delayed as of the old. */
	t->part = delayed / (double)storm->past_due;
	return true;
}

void sim_storm(const struct simulation *s, unsigned int policy, const struct hvst_storm *storm,
	       int64_t watchdog_ns, struct sim_storm *out)
{
	const struct sim_timer *t = timer_in(s, storm->vm, storm->tid, storm->timer);
	/* A kernel that delays past-due arms does so with each. */
	double padded = s->padding_ns ? (double)storm->past_due : 0;
	struct turns turns;
	struct sum sum;

	as_recorded(storm, out);
	if (storm->kind == HVST_STORM_LIVELOCK) {
		livelock(&s->policies[policy], storm, out);
		return;
	}
	sum_storm(s, t, policy, storm, &sum);
	out->delayed = sum.delayed;
	storm_costs(&out->costs, t, storm);
	if (!make_turns(s, storm, &sum, &out->costs, padded, &turns))
		return;
	outcome(storm, turns.changed, turns.turn, turns.loop, watchdog_ns, out);
	doubt(s, storm, &sum, &turns, watchdog_ns, out);
	out->guest_gain = fmin(turns.part * mean_wait(&out->costs, turns.delay, turns.loop) *
				       out->rate_after / 1e9,
			       1);
	if (padded > 0) /* what the guest waited already */
		out->guest_gain -= fmin(
			mean_wait(&out->costs, (double)s->padding_ns, turns.loop) / turns.loop, 1);
}

void sim_total(const struct simulation *s, unsigned int policy, const struct hvst_result *r,
	       int64_t watchdog_ns, struct sim_total *out)
{
	struct sum all = { 0 }, in = { 0 };

	memset(out, 0, sizeof(*out));
	for_each_sim_timer (t, s)
		for (size_t i = 0; !t->left_out && i < t->nr; i++)
			sum_add(&all, stretch_at(s, t, i), policy);
	memcpy(out->outside_by_cause, all.by_cause, sizeof(all.by_cause));
	for (unsigned int i = 0; i < r->nr_storms; i++) {
		const struct hvst_storm *storm = r->storms[i];
		struct sim_storm effect;
		struct sum sum = { 0 };

		if (storm->kind != HVST_STORM_LIVELOCK)
			sum_storm(s, timer_in(s, storm->vm, storm->tid, storm->timer), policy,
				  storm, &sum);
		in.past_due += sum.past_due;
		in.delayed += sum.delayed;
		add_saturated(&in.delay_ns, sum.delay_ns);
		for (unsigned int c = 0; c < ARM_CAUSES; c++)
			out->outside_by_cause[c] -= sum.by_cause[c];
		sim_storm(s, policy, storm, watchdog_ns, &effect);
		out->storms++;
		out->prevented += effect.prevented;
		out->watchdog_before += effect.watchdog_before;
		out->watchdog_after += effect.watchdog_after;
	}
	out->in_storms = in.past_due;
	out->outside = all.past_due - in.past_due;
	out->delayed_in = in.delayed;
	out->delayed_out = all.delayed - in.delayed;
	out->delay_in_ns = in.delayed ? in.delay_ns / (int64_t)in.delayed : 0;
	out->delay_out_ns =
		out->delayed_out ? (all.delay_ns - in.delay_ns) / (int64_t)out->delayed_out : 0;
}
