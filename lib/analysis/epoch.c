/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. The usual delays of each timer, and the arms that leap out of them. */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <hvstimer/text.h>

#include "../stats/median.h"
#include "by_vm.h"
#include "clocksource.h"
#include "epoch.h"
#include "guestclock.h"

#define HABITS	16 /* arms that make a habit */
#define TARGETS 32 /* the last targets that were reached late, for the lag */
#define FEW	4  /* as few arms do */

struct timer_epoch {
	int64_t headroom[HABITS]; /* a ring */
	unsigned int n;		  /* of all */
	int64_t ts_ns;		  /* of the guest's previous arm that has a reading; HVST_UNKNOWN */
	uint64_t time_now;
	/* of the target that the guest arms again and again until its own clock has reached it */
	uint64_t target;
	unsigned int retries;
	int64_t retry_skew_ns;	 /* of the last one */
	int64_t lag_ts_ns;	 /* the last inferred arm that leapt; HVST_UNKNOWN */
	int64_t leap_ns;	 /* the guest's arm before, if it leapt; else HVST_UNKNOWN */
	int64_t lag_ns[TARGETS]; /* skews at which it went on to the next target; a ring */
	unsigned int reached;	 /* of all */
};

int hvst_epoch_vm_created(struct vm *vm)
{
	vm->state->leaps = calloc(1, sizeof(*vm->state->leaps));
	if (!vm->state->leaps)
		return -ENOMEM;
	vm->state->leaps->first_arm_ns = vm->state->leaps->last_arm_ns = HVST_UNKNOWN;
	vm->state->leaps->page_ns = HVST_UNKNOWN;
	return 0;
}

int hvst_epoch_timer_created(struct stimer *t)
{
	t->state->epoch = calloc(1, sizeof(*t->state->epoch));
	if (!t->state->epoch)
		return -ENOMEM;
	t->state->epoch->ts_ns = HVST_UNKNOWN;
	t->state->epoch->lag_ts_ns = t->state->epoch->leap_ns = HVST_UNKNOWN;
	return 0;
}

void hvst_epoch_vm_free(struct vm *vm)
{
	if (vm->state->leaps)
		free(vm->state->leaps->leap);
	free(vm->state->leaps);
}

void hvst_epoch_timer_free(struct stimer *t)
{
	free(t->state->epoch);
}

static struct leap *leap_add(struct vm_leaps *l)
{
	if (l->nr >= EPOCH_MAX_LEAPS)
		return NULL;
	if (l->nr == l->cap) {
		unsigned int cap = l->cap ? 2 * l->cap : 4;
		struct leap *p = realloc(l->leap, cap * sizeof(*p));

		if (!p)
			return NULL;
		l->leap = p;
		l->cap = cap;
	}
	return &l->leap[l->nr++];
}

static void habits(const struct timer_epoch *e, int64_t *least, int64_t *most)
{
	unsigned int n = e->n < HABITS ? e->n : HABITS;

	*least = *most = HVST_UNKNOWN;
	for (unsigned int i = 0; i < n; i++) {
		if (!i || e->headroom[i] < *least)
			*least = e->headroom[i];
		if (!i || e->headroom[i] > *most)
			*most = e->headroom[i];
	}
}

/* What the clock moved by between two readings, as far as single readings tell. */
static int64_t step_between(const struct timer_epoch *e, const struct hvst_arm *arm)
{
	if (e->ts_ns == HVST_UNKNOWN || arm->flags & HVST_ARM_INFERRED)
		return HVST_UNKNOWN;
	return hvst_refclock_sub(hvst_refclock_offset(arm->time_now, arm->ts_ns),
				 hvst_refclock_offset(e->time_now, e->ts_ns));
}

/*
 * Most arms need no comparison with the timer's usual delays: a lag is a leap only where all arms
 * before it were ahead, and anything below EPOCH_STEP_NS never is one.
 */
static bool may_leap(const struct timer_epoch *e, int64_t headroom)
{
	if (headroom >= 0)
		return headroom >= EPOCH_STEP_NS;
	return headroom <= -EPOCH_STEP_NS && e->n && e->headroom[(e->n - 1) % HABITS] > 0;
}

static bool leaps(int64_t headroom, int64_t least, int64_t most)
{
	if (most < 0) /* no arms, or past-due arms, which show no delay */
		return headroom >= EPOCH_FAR_NS;
	if (headroom >= most)
		return headroom - most >= EPOCH_STEP_NS && headroom / 2 >= most;
	return headroom <= -EPOCH_STEP_NS && least > 0;
}

static __attribute__((noinline)) void leap_put(struct stimer *t, const struct hvst_arm *arm,
					       int64_t written_ns, int64_t least, int64_t most)
{
	const struct hvst_event ev = {
		.id = arm->kind == HVST_ARM_AHEAD      ? HVST_EV_STIMER_START_ONE_SHOT
		      : arm->flags & HVST_ARM_INFERRED ? HVST_EV_STIMER_EXPIRATION
						       : HVST_EV_STIMER_START_EXPIRED,
		.ts_ns = arm->ts_ns,
		.ts_raw = arm->ts_raw,
		.pid = arm->tid,
		.cpu = arm->cpu,
		.buffer = arm->buffer,
	};
	struct leap *p = leap_add(t->vcpu->vm->state->leaps);
	int64_t h = -arm->skew_ns;
	char far[HVST_TEXT_BUF];

	if (!p)
		return;
	*p = (struct leap){
		.ts_ns = arm->ts_ns,
		.written_ns = written_ns,
		.headroom_ns = h,
		.least_ns = least,
		.most_ns = most,
		.step_ns = step_between(t->state->epoch, arm),
		.by_host = arm->flags & HVST_ARM_HOST,
		.page_ns = HVST_UNKNOWN,
		.vcpu = t->vcpu,
	};
	hvst_evidence_set(&p->why, &ev,
			  "%s arm of vCPU %d timer %u lies %s %s (count %llu, time_now %llu)%s",
			  p->by_host ? "the VMM's" : "the guest's", t->vcpu->vcpu_id, t->index,
			  hvst_text_duration(h < 0 ? -h : h, far), h < 0 ? "behind" : "ahead",
			  (unsigned long long)arm->count, (unsigned long long)arm->time_now,
			  most == HVST_UNKNOWN ? "" : ", unlike those before it");
}

/*
 * A guest whose clock lags arms the same target until its own clock has reached it: the skew at its
 * last retry is the lag or little more.
 */
static void target_reached(struct timer_epoch *e, const struct hvst_arm *arm)
{
	if (arm->count == e->target) {
		e->retries++;
		e->retry_skew_ns = arm->skew_ns;
		return;
	}
	if (e->retries && arm->count > e->target)
		e->lag_ns[e->reached++ % TARGETS] = e->retry_skew_ns;
	e->target = arm->count;
	e->retries = 0;
}

/*
 * A guest that continues with ticks computed before its clock was set back leads with one arm only.
 * Where it wrote its page in between, it may have changed its clock.
 */
static __attribute__((noinline)) void leap_checked(struct stimer *t, int64_t headroom)
{
	struct timer_epoch *e = t->state->epoch;
	struct vm_leaps *l = t->vcpu->vm->state->leaps;
	bool page = l->page_ns != HVST_UNKNOWN && l->page_ns > e->leap_ns;

	for (unsigned int i = l->nr; i > 0; i--) {
		struct leap *p = &l->leap[i - 1];

		if (p->ts_ns != e->leap_ns || p->by_host)
			continue;
		if (p->most_ns == HVST_UNKNOWN ||
		    headroom >= p->headroom_ns - hvst_epoch_lead(p) / 2)
			break;
		if (page)
			p->page_ns = l->page_ns;
		else
			p->single = true;
		break;
	}
	e->leap_ns = HVST_UNKNOWN;
}

static __attribute__((noinline)) void leap_from_habits(struct stimer *t, const struct hvst_arm *arm,
						       int64_t written_ns)
{
	struct timer_epoch *e = t->state->epoch;
	int64_t least, most;

	habits(e, &least, &most);
	if (!leaps(-arm->skew_ns, least, most))
		return;
	leap_put(t, arm, written_ns, least, most);
	e->leap_ns = arm->flags & HVST_ARM_HOST ? HVST_UNKNOWN : arm->ts_ns;
}

static void armed(struct vm_leaps *l, int64_t ts)
{
	if (l->first_arm_ns == HVST_UNKNOWN || ts < l->first_arm_ns)
		l->first_arm_ns = ts;
	if (ts > l->last_arm_ns)
		l->last_arm_ns = ts;
}

void hvst_epoch_arm(struct stimer *t, const struct hvst_arm *arm, int64_t written_ns)
{
	struct timer_epoch *e = t->state->epoch;

	if (arm->kind == HVST_ARM_PERIODIC || arm->flags & (HVST_ARM_RESTART | HVST_ARM_PARKED) ||
	    arm->skew_ns == HVST_UNKNOWN || arm->skew_ns <= -HVST_SKEW_MAX)
		return;
	if (e->leap_ns != HVST_UNKNOWN && !(arm->flags & HVST_ARM_HOST))
		leap_checked(t, -arm->skew_ns);
	if (may_leap(e, -arm->skew_ns))
		leap_from_habits(t, arm, written_ns);
	if (!(arm->flags & HVST_ARM_HOST)) {
		e->headroom[e->n++ % HABITS] = -arm->skew_ns;
		armed(t->vcpu->vm->state->leaps, arm->ts_ns);
	}
	if (!(arm->flags & (HVST_ARM_INFERRED | HVST_ARM_HOST))) {
		e->ts_ns = arm->ts_ns;
		e->time_now = arm->time_now;
	}
}

/*
 * An inferred arm whose skew became known only after later arms: it is not added to the usual
 * delays, and one of many is enough.
 */
static __attribute__((noinline)) void late_leap(struct stimer *t, const struct hvst_arm *arm)
{
	struct timer_epoch *e = t->state->epoch;
	int64_t least, most;

	habits(e, &least, &most);
	if (least <= 0)
		return;
	e->lag_ts_ns = arm->ts_ns;
	leap_put(t, arm, HVST_UNKNOWN, least, most);
}

void hvst_epoch_resolved(struct stimer *t, const struct hvst_arm *arm)
{
	struct timer_epoch *e = t->state->epoch;

	if (arm->skew_ns < 0)
		return;
	target_reached(e, arm);
	if (!(arm->flags & HVST_ARM_INFERRED) || arm->flags & HVST_ARM_PADDED)
		return;
	if ((e->lag_ts_ns == HVST_UNKNOWN || arm->ts_ns - e->lag_ts_ns >= EPOCH_FAR_NS) &&
	    may_leap(e, -arm->skew_ns))
		late_leap(t, arm);
}

/* The median: where the guest's clock leaps, a target is reached early; a held vCPU is late. */
static int64_t lag_of_retries(const struct timer_epoch *e)
{
	unsigned int n = e->reached < TARGETS ? e->reached : TARGETS;
	int64_t lag[TARGETS];

	if (n < FEW)
		return HVST_UNKNOWN;
	memcpy(lag, e->lag_ns, n * sizeof(*lag));
	return hvst_median(lag, n);
}

bool hvst_epoch_lag(const struct stimer *t, int64_t skew, int64_t *least, int64_t *most)
{
	*least = *most = lag_of_retries(t->state->epoch);
	if (*least != HVST_UNKNOWN)
		return true;
	/* It arms for its own time plus a delay. */
	habits(t->state->epoch, least, most);
	if (skew <= 0 || *least == HVST_UNKNOWN || *least <= 0)
		return false;
	*least += skew;
	*most += skew;
	return true;
}

void hvst_epoch_page(struct vm *vm, const struct hvst_event *ev)
{
	vm->state->leaps->page_ns = ev->ts_ns;
}

void hvst_epoch_merged(struct vm *into, struct vm *from)
{
	struct vm_leaps *i = into->state->leaps;
	const struct vm_leaps *f = from->state->leaps;

	for (unsigned int n = 0; n < f->nr; n++) {
		struct leap *p = leap_add(i);

		if (p)
			*p = f->leap[n];
	}
	if (f->first_arm_ns != HVST_UNKNOWN) {
		armed(i, f->first_arm_ns);
		armed(i, f->last_arm_ns);
	}
	if (f->page_ns != HVST_UNKNOWN && (i->page_ns == HVST_UNKNOWN || f->page_ns > i->page_ns))
		i->page_ns = f->page_ns;
}

int64_t hvst_epoch_lead(const struct leap *p)
{
	return p->headroom_ns - (p->most_ns == HVST_UNKNOWN || p->most_ns < 0 ? 0 : p->most_ns);
}

bool hvst_epoch_follows_step(const struct leap *p)
{
	int64_t back, slack;

	if (p->step_ns == HVST_UNKNOWN || p->step_ns > -EPOCH_STEP_NS ||
	    p->most_ns == HVST_UNKNOWN || p->step_ns <= -HVST_SKEW_MAX)
		return false;
	back = -p->step_ns;
	/* The guest asks for one of its usual delays; readings are late. */
	slack = p->most_ns - p->least_ns + EPOCH_STEP_NS;
	return slack < back / 2 + EPOCH_STEP_NS && p->headroom_ns >= back + p->least_ns - slack &&
	       p->headroom_ns <= back + p->most_ns + slack;
}

const struct leap *hvst_epoch_step(const struct analysis *a, int vm)
{
	const struct vm_leaps *l = hvst_epoch_of(a, vm);

	for (unsigned int i = 0; l && i < l->nr; i++)
		if (hvst_epoch_follows_step(&l->leap[i]))
			return &l->leap[i];
	return NULL;
}

bool hvst_epoch_overtaken(const struct leap *p)
{
	const struct refclock_piece *piece;

	if (p->written_ns == HVST_UNKNOWN)
		return false;
	for (unsigned int i = 0; (piece = hvst_refclock_piece(&p->vcpu->vm->clock, i)); i++)
		if (piece->joint == REFCLOCK_STEP && piece->step < 0 &&
		    piece->at >= p->written_ns && piece->at <= p->ts_ns)
			return true;
	return false;
}

static void suspect_stale(struct analysis *a, const struct leap *p)
{
	enum hvst_guest_source usual = hvst_clocksource_at(a, p->vcpu, p->ts_ns);
	struct hvst_guest_transition *g;

	if (usual != HVST_SRC_TSC_PAGE)
		return;
	g = hvst_guestclock_suspect(a, p->vcpu, p->ts_ns, NAN, NAN);
	if (!g)
		return;
	g->offset_ns = hvst_epoch_lead(p);
	hvst_evidence_add(&g->evidence, &p->why);
	hvst_evidence_stat(&g->evidence,
			   "the host's clock went back by %.6f s and the guest's did not follow: "
			   "it does not read the page",
			   -(double)p->step_ns / 1e9);
	if (p->page_ns == HVST_UNKNOWN)
		return;
	g = hvst_guestclock_suspect(a, p->vcpu, p->page_ns, NAN, NAN);
	if (!g)
		return;
	g->from = HVST_SRC_RAW_TSC;
	g->to = usual;
	hvst_evidence_stat(&g->evidence, "the guest writes HV_REFERENCE_TSC, and its next arm is "
					 "back on the reference clock");
}

void hvst_epoch_finish(struct analysis *a)
{
	for_each_vm (vm, a) {
		const struct vm_leaps *l = vm->state ? vm->state->leaps : NULL;
		int64_t until = INT64_MIN; /* end of the stretch that is suspected already */

		for (unsigned int i = 0; l && i < l->nr; i++) {
			const struct leap *p = &l->leap[i];

			if (p->by_host || p->single || p->ts_ns < until ||
			    !hvst_epoch_follows_step(p) || hvst_epoch_overtaken(p))
				continue;
			suspect_stale(a, p);
			until = p->page_ns == HVST_UNKNOWN ? p->ts_ns : p->page_ns;
		}
	}
}

const struct vm_leaps *hvst_epoch_of(const struct analysis *a, int number)
{
	const struct vm_state *s = hvst_state_of(a, number);

	return s ? s->leaps : NULL;
}
