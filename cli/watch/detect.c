// SPDX-License-Identifier: GPL-2.0
/*
 * Past-due arms without a recording. On a kernel without padding an arm ahead is delivered after a
 * callback, a past-due one without: past-due arms = deliveries - callbacks. Callbacks have no
 * thread, and vCPUs of different VMs have the same numbers, so this holds for all VMs together. For
 * one thread it is known how often an arm ahead was started: past due >= deliveries - starts, which
 * is too low where the guest cancels arms. The better of both bounds is used; it is exact for the
 * only VM that uses a vCPU number and a timer, and never too high.
 *
 * How many past-due arms are a storm depends on host and guest: an emulated guest makes a few
 * hundred a second, one on hardware a hundred thousand. A tick costs the guest as much as a turn of
 * a storm. So a guest with at least twice its usual ticks, past due, either spends most of its time
 * in them, or makes up for ticks that it missed. The latter ends soon, after as many as it missed:
 * more than eight seconds of ticks are a storm at once, fewer only when the next reading still
 * finds it.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "detect.h"

#define CALM_INTERVALS 3
#define S_NS	       1000000000
#define IDLE_INTERVALS 60
#define TIMES_USUAL    2  /* so many times its usual rate is over the limits */
#define TIMES_FAR      4  /* so many times the limits need no second interval */
#define FORGET	       16 /* the usual rate falls by this fraction of it an interval */

static const char *const kind_names[WATCH_KINDS] = {
	[WATCH_PAST_DUE] = "past-due",
	[WATCH_LIVELOCK] = "livelock",
	[WATCH_RETRIES] = "retries",
};

const char *watch_kind_name(enum watch_kind kind)
{
	return kind_names[kind];
}

/* --- one timer -------------------------------------------------------------------------------- */

static uint64_t rate(uint64_t n, int64_t ns)
{
	return ns > 0 ? (uint64_t)((unsigned __int128)n * S_NS / (uint64_t)ns) : 0;
}

static unsigned int percent(uint64_t n, uint64_t of)
{
	return of ? (unsigned int)((unsigned __int128)n * 100 / of) : 0;
}

static uint64_t least_rate(const struct watch_state *s, unsigned int k,
			   const struct watch_limits *l)
{
	uint64_t usual = s->usual_hz[k];

	return usual > l->min_rate / TIMES_USUAL ? usual * TIMES_USUAL : l->min_rate;
}

static bool over(const struct watch_state *s, const struct watch_sample *in, unsigned int k,
		 const struct watch_limits *l)
{
	return in->bad[k] && in->to_ns > in->from_ns &&
	       rate(in->bad[k], in->to_ns - in->from_ns) >= least_rate(s, k, l) &&
	       percent(in->bad[k], in->all[k]) >= l->min_share;
}

/*
 * The first kind that is over the limits; WATCH_KINDS: none. A past-due arm whose message slot is
 * busy is refused before it is delivered: it counts as past due, not as a retry.
 */
static unsigned int kind_over(const struct watch_state *s, const struct watch_sample *in,
			      const struct watch_limits *l)
{
	unsigned int k = 0;

	while (k < WATCH_KINDS && !over(s, in, k, l))
		k++;
	return k;
}

/* What was not past due in an interval without a storm: the usual rate follows it upwards. */
static void learn_usual(struct watch_state *s, const struct watch_sample *in)
{
	unsigned int k;

	for (k = 0; k < WATCH_KINDS; k++) {
		uint64_t good = in->all[k] > in->bad[k] ? in->all[k] - in->bad[k] : 0;
		uint64_t now = rate(good, in->to_ns - in->from_ns);
		uint64_t *usual = &s->usual_hz[k];

		if (now) /* a guest that is held, or gone, tells nothing about its ticks */
			*usual -= *usual / FORGET;
		if (now > *usual)
			*usual = now;
	}
}

static enum watch_news step_below(struct watch_state *s)
{
	enum watch_news news = WATCH_NOTHING;

	if (s->phase == WATCH_STORM && ++s->calm < CALM_INTERVALS)
		return WATCH_NOTHING;
	if (s->phase == WATCH_STORM)
		news = WATCH_ENDS;
	s->phase = WATCH_CALM;
	return news;
}

static void begin_suspicion(struct watch_state *s, unsigned int kind, int64_t since_ns)
{
	struct watch_state new = { .phase = WATCH_SUSPECT, .kind = kind, .since_ns = since_ns };

	memcpy(new.usual_hz, s->usual_hz, sizeof(new.usual_hz));
	*s = new;
}

static void count_over(struct watch_state *s, const struct watch_sample *in, unsigned int kind,
		       const struct watch_limits *l)
{
	s->calm = 0;
	s->intervals++;
	s->last_ns = in->to_ns;
	s->rate_hz = rate(in->bad[kind], in->to_ns - in->from_ns);
	s->share = percent(in->bad[kind], in->all[kind]);
	if (s->rate_hz > s->peak_hz)
		s->peak_hz = s->rate_hz;
	if (s->rate_hz / TIMES_FAR >= least_rate(s, kind, l))
		s->far = true;
	s->bad += in->bad[kind];
}

enum watch_news watch_step(struct watch_state *s, const struct watch_sample *in,
			   const struct watch_limits *l)
{
	unsigned int kind = kind_over(s, in, l);
	int64_t ns = in->to_ns - in->from_ns;

	if (kind == WATCH_KINDS) {
		learn_usual(s, in);
		return step_below(s);
	}
	if (s->phase == WATCH_CALM)
		begin_suspicion(s, kind, in->from_ns);
	if (s->phase == WATCH_SUSPECT)
		s->kind = kind;
	count_over(s, in, kind, l);
	/*
	 * A reading comes a little early or late: half an interval more or less makes no
	 * difference.
	 */
	if (s->phase == WATCH_STORM || in->to_ns - s->since_ns < l->min_ns - ns / 2 ||
	    (!s->far && s->intervals < 2))
		return WATCH_NOTHING;
	s->phase = WATCH_STORM;
	return WATCH_BEGINS;
}

/* --- all timers ------------------------------------------------------------------------------- */

static int compare_numbers(uint32_t a, uint32_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_keys(const struct watch_key *a, const struct watch_key *b)
{
	int d = compare_numbers(a->vcpu, b->vcpu);

	if (!d)
		d = compare_numbers(a->timer, b->timer);
	return d ? d : compare_numbers((uint32_t)a->tid, (uint32_t)b->tid);
}

static int compare_readings(const void *a, const void *b)
{
	return compare_keys(&((const struct watch_reading *)a)->key,
			    &((const struct watch_reading *)b)->key);
}

int watch_table_add(struct watch_table *t, const struct watch_key *key, enum watch_count count,
		    uint64_t n)
{
	if (t->nr_readings == t->cap_readings) {
		size_t cap = t->cap_readings ? 2 * t->cap_readings : 64;
		struct watch_reading *r = reallocarray(t->readings, cap, sizeof(*r));

		if (!r)
			return -ENOMEM;
		t->readings = r;
		t->cap_readings = cap;
	}
	t->readings[t->nr_readings++] = (struct watch_reading){ *key, count, n };
	return 0;
}

static void take_reading(struct watch_timer *w, const uint64_t *now)
{
	unsigned int c;

	w->idle++;
	for (c = 0; c < WATCH_COUNTS; c++) {
		w->delta[c] = now[c] >= w->last[c] ? now[c] - w->last[c] : now[c];
		w->last[c] = now[c];
		w->total[c] += w->delta[c];
		if (w->delta[c])
			w->idle = 0;
	}
}

/* Merge the sorted readings into the sorted table; timers that were not read have counted 0. */
static int merge(struct watch_table *t)
{
	struct watch_timer *to = calloc(t->nr + t->nr_readings + 1, sizeof(*to));
	size_t i = 0, r = 0, n = 0;

	if (!to)
		return -ENOMEM;
	while (i < t->nr || r < t->nr_readings) {
		uint64_t now[WATCH_COUNTS] = { 0 };
		struct watch_timer *w = &to[n++];

		if (i < t->nr && (r == t->nr_readings ||
				  compare_keys(&t->timers[i].key, &t->readings[r].key) <= 0))
			*w = t->timers[i++];
		else
			w->key = t->readings[r].key;
		for (; r < t->nr_readings && !compare_keys(&w->key, &t->readings[r].key); r++)
			now[t->readings[r].count] += t->readings[r].n;
		take_reading(w, now);
	}
	free(t->timers);
	t->timers = to;
	t->nr = n;
	return 0;
}

static uint64_t above(uint64_t a, uint64_t b)
{
	return a > b ? a - b : 0;
}

/*
 * @w's share of @all, which is at least what it did alone (@own), and what is left when the others
 * of the group did their most (@others).
 */
static uint64_t at_least(uint64_t own, uint64_t all, uint64_t others)
{
	uint64_t left = above(all, others);

	return own > left ? own : left;
}

/* The timers [@w, @w + @n) of one vCPU number and timer, callbacks among them. */
static void estimate_group(struct watch_timer *w, size_t n, bool has_expired)
{
	uint64_t sum[WATCH_COUNTS] = { 0 }, past_due, livelock;
	unsigned int c;
	size_t i;

	for (i = 0; i < n; i++)
		for (c = 0; c < WATCH_COUNTS; c++)
			sum[c] += w[i].delta[c];
	past_due = above(sum[WATCH_DELIVERED], sum[WATCH_CALLBACKS]);
	livelock = above(sum[WATCH_CALLBACKS], sum[WATCH_DELIVERED] + sum[WATCH_REFUSED]);
	for (i = 0; i < n; i++) {
		const uint64_t *d = w[i].delta;
		uint64_t again = above(d[WATCH_STARTED], d[WATCH_DELIVERED] + d[WATCH_REFUSED]);

		if (has_expired)
			w[i].bad[WATCH_PAST_DUE] = d[WATCH_EXPIRED];
		else
			w[i].bad[WATCH_PAST_DUE] =
				at_least(above(d[WATCH_DELIVERED], d[WATCH_STARTED]), past_due,
					 sum[WATCH_DELIVERED] - d[WATCH_DELIVERED]);
		/* Cancelled arms are started more often than delivered, too, without callbacks. */
		w[i].bad[WATCH_LIVELOCK] = again < livelock ? again : livelock;
		w[i].bad[WATCH_RETRIES] = d[WATCH_REFUSED];
	}
}

static void estimate(struct watch_table *t)
{
	size_t i, end;

	for (i = 0; i < t->nr; i = end) {
		const struct watch_key *k = &t->timers[i].key;

		for (end = i + 1; end < t->nr; end++)
			if (t->timers[end].key.vcpu != k->vcpu ||
			    t->timers[end].key.timer != k->timer)
				break;
		estimate_group(&t->timers[i], end - i, t->has_expired);
	}
}

static struct watch_sample sample_of(const struct watch_timer *w, int64_t from_ns, int64_t to_ns)
{
	const uint64_t *d = w->delta;
	uint64_t arms =
		d[WATCH_DELIVERED] > d[WATCH_EXPIRED] ? d[WATCH_DELIVERED] : d[WATCH_EXPIRED];
	struct watch_sample s = { .from_ns = from_ns, .to_ns = to_ns };

	memcpy(s.bad, w->bad, sizeof(s.bad));
	s.all[WATCH_PAST_DUE] = arms;
	s.all[WATCH_LIVELOCK] = d[WATCH_STARTED];
	s.all[WATCH_RETRIES] = d[WATCH_DELIVERED] + d[WATCH_REFUSED];
	return s;
}

int watch_table_end(struct watch_table *t, int64_t from_ns, int64_t to_ns,
		    const struct watch_limits *l,
		    void (*changed)(void *arg, const struct watch_timer *w, enum watch_news news),
		    void *arg)
{
	enum watch_news news;
	unsigned int k;
	size_t i;

	if (t->nr_readings)
		qsort(t->readings, t->nr_readings, sizeof(*t->readings), compare_readings);
	if (merge(t)) {
		t->nr_readings = 0;
		return -ENOMEM;
	}
	t->nr_readings = 0;
	estimate(t);
	t->suspects = 0;
	for (i = 0; i < t->nr; i++) {
		struct watch_timer *w = &t->timers[i];
		struct watch_sample s = sample_of(w, from_ns, to_ns);

		if (!w->key.tid)
			continue;
		for (k = 0; k < WATCH_KINDS; k++)
			w->total_bad[k] += w->bad[k];
		news = watch_step(&w->state, &s, l);
		t->suspects += w->state.phase == WATCH_SUSPECT;
		if (news != WATCH_NOTHING)
			changed(arg, w, news);
	}
	return 0;
}

void watch_table_cleared(struct watch_table *t)
{
	size_t i, n = 0;

	for (i = 0; i < t->nr; i++) {
		struct watch_timer *w = &t->timers[i];

		if (w->idle > IDLE_INTERVALS && w->state.phase == WATCH_CALM)
			continue;
		memset(w->last, 0, sizeof(w->last));
		t->timers[n++] = *w;
	}
	t->nr = n;
}

void watch_table_free(struct watch_table *t)
{
	free(t->timers);
	free(t->readings);
	memset(t, 0, sizeof(*t));
}
