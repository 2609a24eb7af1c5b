/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Two livelocks of arch/x86/kvm/hyperv.c:
 *
 * Early callback: stimer_start() adds 100 * (count - time_now) to the time of day. For a count far
 * enough ahead the product wraps, the hrtimer's expiry may lie in the past, and its callback comes
 * at once. The vCPU finds time_now < count and starts the timer again.
 *
 * Busy slot: before f1ff89ec4447 a message that found its slot full was sent again at the next
 * entry, without waiting for the guest's end of message, which the guest then never reaches.
 *
 * One turn of either is harmless. A livelock has the thresholds of a storm of past-due arms: at
 * least storm_min_arms turns, no more than storm_max_gap_ns apart, over at least storm_min_ns.
 */
#include <errno.h>
#include <stdio.h>

#include "activity.h"
#include "livelock.h"
#include "marks.h"
#include "storm.h"

#define PEAK_TURNS 16

struct timer_livelock {
	enum hvst_livelock form; /* of the current streak of turns */
	bool called_back;	 /* since the last start */
	int64_t start_ns;	 /* of the last start */
	uint64_t count, ahead_ref;
	uint64_t turns;
	int64_t from_ns, last_ns;
	int64_t peak_from_ns, peak_ns; /* fewest ns that PEAK_TURNS turns took; 0: not yet */
	/* starts in a row without a callback; the first such row long enough for a livelock */
	uint64_t uncalled;
	int64_t uncalled_from_ns;
	bool unclear;
	struct hvst_evidence uncalled_why;
	int64_t before, before_wall, progress_from, progress_to;
	struct clock_mark trigger;
	struct hvst_evidence first, last;
};

int hvst_livelock_created(struct stimer *t)
{
	t->state->livelock = calloc(1, sizeof(*t->state->livelock));
	return t->state->livelock ? 0 : -ENOMEM;
}

void hvst_livelock_free(struct stimer *t)
{
	free(t->state->livelock);
}

static void storm_fill(const struct analysis *a, const struct stimer *t, struct hvst_storm *s)
{
	struct timer_livelock *l = t->state->livelock;
	int64_t span = l->last_ns - l->from_ns;

	s->kind = HVST_STORM_LIVELOCK;
	s->start_ns = l->from_ns;
	s->end_ns = l->last_ns;
	s->arms = l->turns;
	s->rate_hz = span > 0 ? (double)l->turns * 1e9 / (double)span : 0;
	s->peak_hz = l->peak_ns ? PEAK_TURNS * 1e9 / (double)l->peak_ns : s->rate_hz;
	s->count = l->count;
	s->ahead_ref = l->form == HVST_LIVELOCK_DEADLINE ? l->ahead_ref : 0;
	s->livelock = l->form;
	s->endangers_watchdog = span >= a->params.watchdog_ns;
	if (hvst_activity_known(t->vcpu)) {
		s->progress_before = hvst_progress_share(l->before, l->before_wall);
		s->progress_during = hvst_progress_share(l->progress_to - l->progress_from, span);
	}
	if (l->trigger.event >= 0) {
		s->trigger_event = l->trigger.event;
		s->trigger_ts_ns = l->trigger.why.ts_ns;
		s->trigger_distance_ns = l->from_ns - l->trigger.why.ts_ns;
		hvst_evidence_add(&s->evidence, &l->trigger.why);
	}
	hvst_evidence_add(&s->evidence, &l->first);
	snprintf(l->last.text, sizeof(l->last.text), "last of %llu turns",
		 (unsigned long long)l->turns);
	hvst_evidence_add(&s->evidence, &l->last);
}

static __attribute__((noinline)) void streak_report(struct analysis *a, struct stimer *t, bool open)
{
	struct timer_livelock *l = t->state->livelock;
	struct storm_found *f = NULL;

	if (l->turns >= a->params.storm_min_arms &&
	    l->last_ns - l->from_ns >= a->params.storm_min_ns)
		f = hvst_storm_new(a, t);
	if (f) {
		storm_fill(a, t, &f->storm);
		f->storm.open = open;
	}
	l->form = HVST_LIVELOCK_NONE;
}

static inline void streak_end(struct analysis *a, struct stimer *t, bool open)
{
	if (t->state->livelock->form != HVST_LIVELOCK_NONE)
		streak_report(a, t, open);
}

static void streak_begin(struct timer_livelock *l, const struct stimer *t, enum hvst_livelock form,
			 int64_t from_ns)
{
	const struct vcpu *v = t->vcpu;

	l->form = form;
	l->turns = 0;
	l->from_ns = l->peak_from_ns = from_ns;
	l->peak_ns = 0;
	l->before = hvst_activity_before(v, from_ns, &l->before_wall);
	l->progress_from = hvst_activity_progress(v, from_ns);
	hvst_marks_last(v->vm, &l->trigger);
}

/* True when the turn continues a streak, false when it begins one. */
static bool streak_goes_on(struct analysis *a, struct stimer *t, enum hvst_livelock form,
			   int64_t ts)
{
	struct timer_livelock *l = t->state->livelock;

	if (l->form != HVST_LIVELOCK_NONE &&
	    (l->form != form || ts - l->last_ns > a->params.storm_max_gap_ns))
		streak_end(a, t, l->form == form && a->gap_ns > l->last_ns);
	return l->form != HVST_LIVELOCK_NONE;
}

static void turn(struct timer_livelock *l, const struct stimer *t, const struct hvst_event *ev)
{
	l->turns++;
	l->last_ns = ev->ts_ns;
	l->progress_to = hvst_activity_progress(t->vcpu, ev->ts_ns);
	hvst_evidence_plain(&l->last, ev, "");
	if (l->turns % PEAK_TURNS)
		return;
	if (ev->ts_ns > l->peak_from_ns &&
	    (!l->peak_ns || ev->ts_ns - l->peak_from_ns < l->peak_ns))
		l->peak_ns = ev->ts_ns - l->peak_from_ns;
	l->peak_from_ns = ev->ts_ns;
}

void hvst_livelock_programmed(struct analysis *a, struct stimer *t)
{
	streak_end(a, t, false);
	t->state->livelock->called_back = false;
}

void hvst_livelock_callback(struct stimer *t)
{
	t->state->livelock->called_back = true;
}

static __attribute__((noinline)) void early_turn(struct analysis *a, struct stimer *t,
						 const struct hvst_arm *arm,
						 const struct hvst_event *ev)
{
	struct timer_livelock *l = t->state->livelock;

	if (!streak_goes_on(a, t, HVST_LIVELOCK_DEADLINE, ev->ts_ns)) {
		streak_begin(l, t, HVST_LIVELOCK_DEADLINE, l->start_ns);
		l->ahead_ref = arm->count - arm->time_now;
		hvst_evidence_set(&l->first, ev,
				  "timer %u called back %llu units (100 ns) before its "
				  "count %llu and started again",
				  t->index, (unsigned long long)l->ahead_ref,
				  (unsigned long long)l->count);
	}
	turn(l, t, ev);
}

static __attribute__((noinline)) void uncalled_turn(const struct analysis *a, struct stimer *t,
						    const struct hvst_event *ev)
{
	struct timer_livelock *l = t->state->livelock;

	if (l->unclear)
		return;
	if (!l->uncalled || ev->ts_ns - l->start_ns > a->params.storm_max_gap_ns) {
		l->uncalled = 0;
		l->uncalled_from_ns = ev->ts_ns;
		hvst_evidence_set(&l->uncalled_why, ev,
				  "timer %u of vCPU %d starts again for its count %llu, over and "
				  "over, and no callback is recorded",
				  t->index, t->vcpu->vcpu_id, (unsigned long long)l->count);
	}
	l->unclear = ++l->uncalled >= a->params.storm_min_arms &&
		     ev->ts_ns - l->uncalled_from_ns >= a->params.storm_min_ns;
}

const struct hvst_evidence *hvst_livelock_unclear(const struct vm *vm)
{
	for (const struct vcpu *v = vm->vcpus; v; v = v->vm_next)
		for (unsigned int i = 0; i < HVST_STIMERS; i++)
			if (v->timer[i] && v->timer[i]->state &&
			    v->timer[i]->state->livelock->unclear)
				return &v->timer[i]->state->livelock->uncalled_why;
	return NULL;
}

void hvst_livelock_arm(struct analysis *a, struct stimer *t, const struct hvst_arm *arm,
		       const struct hvst_event *ev)
{
	struct timer_livelock *l = t->state->livelock;
	/*
	 * After a callback KVM delivers the timer or starts it again. Where no write of the guest
	 * and no delivery came between, it did the latter, even if writes are not recorded at all.
	 */
	bool again = arm->count == l->count && (arm->flags & HVST_ARM_RESTART || l->called_back);

	if (again && !l->called_back)
		uncalled_turn(a, t, ev);
	else
		l->uncalled = 0;
	/* Where several VMs turn like that, some callbacks cannot be attributed for certain. */
	if (!again || (!l->called_back && l->form != HVST_LIVELOCK_DEADLINE)) {
		streak_end(a, t, false);
		l->count = arm->count;
	} else {
		early_turn(a, t, arm, ev);
	}
	l->called_back = false;
	l->start_ns = ev->ts_ns;
}

static __attribute__((noinline)) void busy_turn(struct analysis *a, struct stimer *t,
						const struct hvst_event *ev)
{
	struct timer_livelock *l = t->state->livelock;

	if (!streak_goes_on(a, t, HVST_LIVELOCK_MESSAGE, ev->ts_ns)) {
		streak_begin(l, t, HVST_LIVELOCK_MESSAGE, ev->ts_ns);
		l->count = t->arm_count;
		hvst_evidence_set(&l->first, ev,
				  "message of timer %u finds its slot busy (-11); no end of "
				  "message follows, only the next attempt",
				  t->index);
	}
	turn(l, t, ev);
}

void hvst_livelock_delivery(struct analysis *a, struct stimer *t, const struct hvst_event *ev)
{
	t->state->livelock->called_back = false;
	if (ev->expiration.direct || ev->expiration.msg_send_result != -EAGAIN)
		streak_end(a, t, false);
	else
		busy_turn(a, t, ev);
}

void hvst_livelock_msr(struct analysis *a, struct vcpu *v, const struct hvst_event *ev)
{
	if (!ev->msr.write || ev->msr.ecx != HVST_MSR_EOM)
		return;
	for (unsigned int i = 0; i < HVST_STIMERS; i++) {
		struct stimer *t = v->timer[i];

		if (t && t->state && t->state->livelock->form == HVST_LIVELOCK_MESSAGE)
			streak_end(a, t, false);
	}
}

static void timer_finish(struct analysis *a, struct stimer *t)
{
	const struct timer_livelock *l = t->state->livelock;

	streak_end(a, t,
		   a->last_ns - l->last_ns <= a->params.storm_max_gap_ns || a->gap_ns > l->last_ns);
}

void hvst_livelock_finish(struct analysis *a)
{
	hvst_each_timer(a, timer_finish);
}
