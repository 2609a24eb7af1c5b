/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: kvm. The state machine of a synthetic timer: writes, starts, callbacks, expirations; and
 * arms that left no start event.
 */
#include <errno.h>
#include <stdlib.h>

#include "kvm_private.h"

/* Guests park a timer with a count that is never reached: 2^63-1, 2^64-1. */
#define PARKED_COUNT INT64_MAX
#define AT_ONCE_NS   (1000 * 1000)
#define RESTORE_NS   (10 * 1000 * 1000) /* from the start of a restored timer to its delivery */
#define OWNER_LAST   (INT64_MAX - 1)	/* if it is no other timer's */
#define EARLY_NS     (50 * 1000)	/* between the two clocks, at most */

void kvm_timer_forget(const struct kvm *k, struct stimer *t)
{
	t->gap = k->gap;
	t->programmed = t->undelivered = t->arm_sure = false;
	t->count_known = t->config_known = false;
	t->programmed_ns = t->callback_ns = HVST_UNKNOWN;
}

static __attribute__((noinline)) struct stimer *timer_new(struct kvm *k, struct vcpu *v,
							  uint32_t index)
{
	struct stimer *t;

	if (k->nr_timers >= KVM_MAX_TIMERS)
		return NULL;
	t = calloc(1, sizeof(*t));
	if (!t) {
		k->error = -ENOMEM;
		return NULL;
	}
	t->vcpu = v;
	t->index = (uint8_t)index;
	t->gap = k->gap;
	t->programmed_ns = t->arm_ns = HVST_UNKNOWN;
	t->deadline_ns = t->callback_ns = t->expiration_ns = HVST_UNKNOWN;
	v->timer[index] = t;
	k->nr_timers++;
	return t;
}

struct stimer *kvm_timer_of(struct kvm *k, struct vcpu *v, uint32_t index)
{
	struct stimer *t;

	if (index >= HVST_STIMERS)
		return NULL;
	t = v->timer[index];
	if (!t)
		return timer_new(k, v, index);
	if (t->gap != k->gap)
		kvm_timer_forget(k, t);
	return t;
}

static bool is_periodic(const struct stimer *t)
{
	return t->config_known && t->config & HVST_STIMER_PERIODIC;
}

/*
 * A write to a running timer cancels it (stimer_cleanup()); one that has fired can no longer be
 * cancelled.
 */
static void timer_stop(struct stimer *t)
{
	if (t->armed)
		t->cancelled++;
	t->armed = t->padded = t->undelivered = false;
	t->deadline_ns = t->callback_ns = HVST_UNKNOWN;
}

/*
 * Without starts of arms ahead: the guest continued after its last write, and nothing was delivered
 * until this write. A past-due arm is delivered first.
 */
static bool cancels_ahead(const struct kvm *k, const struct stimer *t)
{
	return !k->starts_seen && t->programmed && t->vcpu->entry_ns != HVST_UNKNOWN &&
	       t->programmed_ns != HVST_UNKNOWN && t->vcpu->entry_ns > t->programmed_ns &&
	       k->opts.starts_recorded && !is_periodic(t);
}

/* Ends what the last write led to. */
static void write_over(const struct kvm *k, struct stimer *t, struct hvst_changes *out)
{
	if (cancels_ahead(k, t))
		kvm_did(out, HVST_DID_AHEAD, t);
	timer_stop(t);
}

static void programmed(struct stimer *t, bool host, const struct hvst_event *ev,
		       struct hvst_changes *out)
{
	t->by_host = host;
	t->programmed_ns = ev->ts_ns;
	t->programmed_cpu = ev->cpu;
	t->by_other = ev->pid != t->vcpu->tid;
	kvm_did(out, HVST_DID_PROGRAM, t);
}

void kvm_set_config(struct kvm *k, struct vcpu *v, const struct hvst_event *ev,
		    struct hvst_changes *out)
{
	struct stimer *t = kvm_timer_of(k, v, ev->set_config.timer_index);
	uint64_t config = ev->set_config.config;

	if (!t)
		return;
	write_over(k, t, out);
	/* stimer_set_config(): an enabled timer left neither direct nor with a SINT is disabled. */
	if (t->config_known && t->config & HVST_STIMER_ENABLE && !(config & HVST_STIMER_DIRECT) &&
	    !hvst_stimer_sint(config))
		config &= ~HVST_STIMER_ENABLE;
	t->config = config;
	t->config_known = true;
	t->programmed = config & HVST_STIMER_ENABLE && (t->count || !t->count_known);
	programmed(t, ev->set_config.host, ev, out);
}

void kvm_set_count(struct kvm *k, struct vcpu *v, const struct hvst_event *ev,
		   struct hvst_changes *out)
{
	struct stimer *t = kvm_timer_of(k, v, ev->set_count.timer_index);
	bool host = ev->set_count.host;

	if (!t)
		return;
	write_over(k, t, out);
	t->count = ev->set_count.count;
	t->count_known = true;
	/* stimer_set_count(): auto-enable and disable-by-zero apply to the guest's writes only. */
	if (!host && t->config_known) {
		if (!t->count)
			t->config &= ~HVST_STIMER_ENABLE;
		else if (t->config & HVST_STIMER_AUTO_ENABLE)
			t->config |= HVST_STIMER_ENABLE;
	}
	t->programmed = t->count && (!t->config_known || t->config & HVST_STIMER_ENABLE);
	programmed(t, host, ev, out);
}

static int64_t skew_of(uint64_t time_now, uint64_t count)
{
	int64_t d = (int64_t)(time_now - count);

	if ((time_now >= count) != (d >= 0) || d > HVST_SKEW_MAX / 100 || d < -HVST_SKEW_MAX / 100)
		return time_now > count ? HVST_SKEW_MAX : -HVST_SKEW_MAX;
	return d * 100;
}

static struct hvst_arm *arm_begin(struct hvst_changes *out, const struct stimer *t,
				  const struct hvst_event *ev)
{
	out->arm = (struct hvst_arm){
		.ts_ns = ev->ts_ns,
		.ts_raw = ev->ts_raw,
		.skew_ns = HVST_UNKNOWN,
		.vm = -1,
		.vcpu = t->vcpu->vcpu_id,
		.tid = t->vcpu->tid,
		.timer = t->index,
		.cpu = ev->cpu,
		.buffer = ev->buffer,
	};
	out->arm_bound_ns = 0;
	return &out->arm;
}

/* The write that led to the arm is used up: a later arm without a write does not count from it. */
static void arm_end(struct stimer *t, struct hvst_changes *out)
{
	out->arm_programmed_ns = t->programmed_ns;
	out->arm_offset_ns = hvst_refclock_offset(out->arm.count, out->arm.ts_ns);
	t->programmed_ns = HVST_UNKNOWN;
	kvm_did(out, HVST_DID_ARM, t);
}

/* The host set the hrtimer: now + headroom. */
static void timer_run(struct stimer *t, const struct hvst_event *ev)
{
	t->armed = true;
	t->may_have_fired = false;
	t->contested = 0;
	t->arm_ns = ev->ts_ns;
	t->deadline_ns = ev->ts_ns - skew_of(ev->start.time_now, ev->start.count);
	t->callback_ns = HVST_UNKNOWN;
}

/*
 * A start with no write before it, of the same expiry, and without a delivery in between, means
 * that the host looked again at a running timer. After a delivery it can only be another arm, whose
 * write was not recorded; and where counts are not recorded at all, any start may be one.
 */
static void started(const struct kvm *k, struct stimer *t, struct hvst_arm *a)
{
	if (k->counts_seen && !t->programmed && !t->delivered && t->arm_count == a->count)
		a->flags |= HVST_ARM_RESTART;
	if (t->by_host)
		a->flags |= HVST_ARM_HOST;
	if (a->count >= PARKED_COUNT)
		a->flags |= HVST_ARM_PARKED;
	t->arm_count = a->count;
	t->arm_sure = true;
	t->arm_count_cpu = a->cpu;
	t->programmed = t->delivered = false;
	if (a->flags & HVST_ARM_RESTART)
		t->restarts++;
	else if (!(a->flags & HVST_ARM_PARKED))
		t->arms++;
}

/* Common to all starts: a timer (NULL: unknown), a reading of the clock, the arm as recorded. */
static struct stimer *start_prepare(struct kvm *k, const struct hvst_event *ev,
				    enum hvst_timer_mode mode, struct hvst_changes *out)
{
	struct vcpu *v = kvm_vcpu_of(k, ev, true, out);
	struct stimer *t = v ? kvm_timer_of(k, v, ev->start.timer_index) : NULL;
	struct hvst_arm *a;

	if (!t)
		return NULL;
	k->starts_seen |= ev->id == HVST_EV_STIMER_START_ONE_SHOT;
	t->arm_cpu = ev->cpu;
	kvm_sample(k, v, ev, ev->start.time_now, out);
	kvm_did(out, HVST_DID_SAMPLE, t);
	a = arm_begin(out, t, ev);
	a->time_now = ev->start.time_now;
	a->count = ev->start.count;
	t->modes |= (uint16_t)mode;
	t->periodic = mode == HVST_MODE_PERIODIC;
	return t;
}

/*
 * Whether @ev follows from the guest's last write of the timer. Events of two CPUs with clocks of
 * their own may come in the wrong order.
 */
static bool follows_write(const struct kvm *k, const struct stimer *t, const struct hvst_event *ev)
{
	return !k->opts.clock_per_cpu || t->programmed_cpu == ev->cpu;
}

/*
 * A start_one_shot is one of: a new arm ahead; the same arm again (restart: no write since, same
 * expiry; also an early callback, re-armed by KVM itself); the host's padding of a past-due arm.
 */
void kvm_start_one_shot(struct kvm *k, const struct hvst_event *ev, struct hvst_changes *out)
{
	struct stimer *t = start_prepare(k, ev, HVST_MODE_ONE_SHOT, out);
	uint64_t pad = ev->start.count - ev->start.time_now;
	struct hvst_arm *a = &out->arm;

	if (!t)
		return;
	if (k->past_due_timer == t && k->past_due_now == ev->start.time_now) {
		/* Right after start_expired with the same reading: the host's pad, no second arm.
		 */
		k->padding_ref = pad;
		t->padded = true;
		k->past_due_timer = NULL;
		timer_run(t, ev);
		return;
	}
	timer_run(t, ev);
	t->padded = t->count_known && ev->start.count != t->count &&
		    t->count <= ev->start.time_now && follows_write(k, t, ev);
	a->kind = HVST_ARM_AHEAD;
	if (t->padded) {
		/*
		 * Not the guest's count: a padding kernel whose expired events were not recorded.
		 * The arm was past due by this very reading.
		 */
		k->padding_ref = pad;
		a->count = t->count;
		a->kind = HVST_ARM_PAST_DUE;
		a->flags = HVST_ARM_INFERRED | HVST_ARM_PADDED;
	}
	a->skew_ns = skew_of(a->time_now, a->count);
	started(k, t, a);
	if (a->kind == HVST_ARM_PAST_DUE && !(a->flags & HVST_ARM_RESTART))
		t->past_due_inferred++;
	arm_end(t, out);
}

void kvm_start_expired(struct kvm *k, const struct hvst_event *ev, struct hvst_changes *out)
{
	struct stimer *t = start_prepare(k, ev, HVST_MODE_ONE_SHOT, out);
	struct hvst_arm *a = &out->arm;

	if (!t)
		return;
	k->expired_seen = true;
	k->past_due_timer = t;
	k->past_due_now = ev->start.time_now;
	a->skew_ns = skew_of(a->time_now, a->count);
	a->kind = HVST_ARM_PAST_DUE;
	started(k, t, a);
	t->arm_ns = ev->ts_ns;
	t->deadline_ns = t->callback_ns = HVST_UNKNOWN;
	if (!(a->flags & HVST_ARM_RESTART))
		t->past_due_observed++;
	arm_end(t, out);
}

__attribute__((noinline)) void kvm_start_periodic(struct kvm *k, const struct hvst_event *ev,
						  struct hvst_changes *out)
{
	struct stimer *t = start_prepare(k, ev, HVST_MODE_PERIODIC, out);
	struct hvst_arm *a = &out->arm;

	if (!t)
		return;
	a->kind = HVST_ARM_PERIODIC;
	a->period_ref = t->count_known ? t->count : 0;
	/* Every period starts the timer again; only the first start follows a write. */
	if (!t->programmed)
		a->flags |= HVST_ARM_RESTART;
	if (t->by_host)
		a->flags |= HVST_ARM_HOST;
	timer_run(t, ev);
	t->arm_count = a->count;
	if (t->programmed)
		t->arms++;
	t->programmed = false;
	arm_end(t, out);
}

/*
 * By how much a callback at @ts misses the timer's deadline; INT64_MAX: it comes before it, so it
 * belongs to another timer. The deadline counts from the reading of the clock, before the start was
 * stamped.
 */
static int64_t after_deadline(const struct stimer *t, int64_t ts, int cpu)
{
	const struct refclock *clock = &t->vcpu->vm->clock;
	int64_t o, err, d = ts - t->deadline_ns, early = EARLY_NS;

	if (d >= -EARLY_NS)
		return llabs(d);
	if (hvst_refclock_at(clock, ts, cpu, &o, &err)) {
		d = o - hvst_refclock_offset(t->arm_count, ts);
		early += err;
	}
	return d >= -early ? llabs(d) : INT64_MAX;
}

/*
 * So far ahead that 100 * (count - time_now) in stimer_start() may not fit: the hrtimer then fires
 * at once, at another time, or never, and its callback may come at any time.
 */
static bool deadline_wraps(const struct stimer *t)
{
	return t->deadline_ns - t->arm_ns >= HVST_SKEW_MAX;
}

/* How far a callback at @ts is from the deadline of @v's timer; INT64_MAX: it is not its own. */
static int64_t callback_distance(const struct kvm *k, const struct vcpu *v,
				 const struct hvst_event *ev)
{
	const struct stimer *t = v->timer[ev->timer.timer_index];

	if (v->vcpu_id != ev->vcpu_id || !t)
		return INT64_MAX;
	/* A write cancels the timer, so it cannot fire before its next start. */
	if (!t->armed)
		return t->programmed && !k->starts_seen ? 0 : INT64_MAX;
	if (t->deadline_ns == HVST_UNKNOWN)
		return 0;
	return deadline_wraps(t) ? OWNER_LAST : after_deadline(t, ev->ts_ns, ev->cpu);
}

/*
 * The hrtimer's callback runs in whatever task was interrupted, even another VM's vCPU thread, and
 * names no VM: it belongs to the armed timer of that vcpu_id and index whose deadline it meets. Of
 * several equally close ones it is that of the timer that was started on this CPU; otherwise it
 * cannot be attributed.
 */
static struct stimer *callback_owner(const struct kvm *k, const struct hvst_event *ev)
{
	struct stimer *close = NULL, *here = NULL;
	unsigned int nr_close = 0, nr_here = 0;
	int64_t best = INT64_MAX;

	if (ev->timer.timer_index >= HVST_STIMERS)
		return NULL;
	for (const struct vcpu *v = kvm_by_id(k, ev->vcpu_id); v; v = v->id_next) {
		int64_t d = callback_distance(k, v, ev);

		best = d < best ? d : best;
	}
	if (best == INT64_MAX)
		return NULL;
	for (const struct vcpu *v = kvm_by_id(k, ev->vcpu_id); v; v = v->id_next) {
		struct stimer *t = v->timer[ev->timer.timer_index];
		int64_t d = callback_distance(k, v, ev);

		if (d == INT64_MAX || d - best > EARLY_NS)
			continue;
		close = t;
		nr_close++;
		t->contested = t->may_have_fired ? 0 : k->callbacks;
		t->may_have_fired = true;
		if (t->arm_cpu == ev->cpu) {
			here = t;
			nr_here++;
		}
	}
	return nr_close == 1 ? close : nr_here == 1 ? here : NULL;
}

void kvm_callback(struct kvm *k, const struct hvst_event *ev, struct hvst_changes *out)
{
	int64_t since = kvm_cpu(k, ev)->last_ns;
	struct stimer *t;

	k->callbacks_seen = true;
	k->callbacks += k->callbacks == UINT32_MAX ? 2 : 1;
	t = callback_owner(k, ev);
	if (!t)
		return;
	t->armed = t->may_have_fired = false;
	t->callback_ns = ev->ts_ns;
	if (t->deadline_ns > since) /* HVST_UNKNOWN is less than any time */
		since = t->deadline_ns;
	t->stall_ns = ev->ts_ns - since;
	t->fired++;
	kvm_did(out, HVST_DID_CALLBACK, t);
}

/*
 * A running timer expires only after its callback. Where the only one since its start could have
 * been that of other timers, too, it was this one's, and theirs are still to come.
 */
static void callback_settled(const struct kvm *k, struct stimer *t)
{
	uint32_t nr = t->contested;

	if (!nr || (!t->armed && t->callback_ns == HVST_UNKNOWN))
		return;
	for (const struct vcpu *v = kvm_by_id(k, t->vcpu->vcpu_id); v; v = v->id_next) {
		struct stimer *other = v->timer[t->index];

		if (!other || other->contested != nr)
			continue;
		other->may_have_fired = false;
		other->contested = 0;
	}
}

/*
 * When the host read its clock for an arm that left only its expiration: between the end of the
 * MSR write and the delivery, three quarters on (direct mode) or five eighths (message mode, where
 * sending takes longer). In recordings of the traced kernel the median is 0.76 and 0.63, quartiles
 * within 0.03. Returns how far the time may be off.
 */
static int64_t place_inferred(const struct stimer *t, struct hvst_arm *a,
			      const struct hvst_event *ev)
{
	int64_t from = t->programmed_ns, to = ev->ts_ns, back;

	if (t->vcpu->msr_ns != HVST_UNKNOWN && t->vcpu->msr_ns > from)
		from = t->vcpu->msr_ns;
	/* What a VMM wrote is executed by the vCPU's thread, once that thread runs. */
	if (from != HVST_UNKNOWN && t->by_host && t->vcpu->first_ns > from)
		from = t->vcpu->first_ns;
	/* A restored timer is started when its VM is resumed, some time before the delivery. */
	if (t->by_host)
		return RESTORE_NS;
	if (from == HVST_UNKNOWN || from > to)
		return 0;
	back = ev->expiration.direct ? (to - from) / 4 : (to - from) / 8 * 3;
	a->ts_ns = to - back;
	return to - from - back > back ? to - from - back : back;
}

/*
 * A loss shows in the records of its CPU only when these go on, which may be long after the vCPU
 * has moved to another CPU. Where it moved since the guest's write, the kvm_msr event that follows
 * each write has to be there.
 */
static bool write_complete(const struct kvm *k, const struct stimer *t, const struct hvst_event *ev)
{
	const struct vcpu *v = t->vcpu;

	if (t->programmed_cpu == ev->cpu || t->by_host || !k->opts.msr_recorded)
		return true;
	return v->msr_ns != HVST_UNKNOWN && v->msr_ns >= t->programmed_ns;
}

/*
 * Does the absence of a start mean that there was none? Where starts of arms ahead, or callbacks,
 * have been seen it does, except after a callback that could belong to any of several timers. Where
 * only starts of past-due arms are recorded, an arm without one was ahead. Else a past-due arm is
 * delivered before the vCPU enters the guest again, and, if entries are not recorded either, at
 * once.
 */
static bool can_infer(const struct kvm *k, const struct stimer *t, const struct hvst_event *ev)
{
	int64_t took = ev->ts_ns - t->programmed_ns;

	if (!k->opts.starts_recorded || is_periodic(t) || !follows_write(k, t, ev) ||
	    !write_complete(k, t, ev))
		return false;
	if (k->starts_seen)
		return true;
	if (k->expired_seen)
		return false;
	if (k->callbacks_seen)
		return !t->may_have_fired;
	if (t->programmed_ns == HVST_UNKNOWN)
		return false;
	if (k->entries_seen)
		return t->vcpu->entry_ns == HVST_UNKNOWN || t->vcpu->entry_ns < t->programmed_ns;
	return took <= AT_ONCE_NS && t->expiration_ns != HVST_UNKNOWN &&
	       took / 4 <= t->programmed_ns - t->expiration_ns;
}

/*
 * Where no start of an arm ahead has been seen: was the delivered arm ahead? A callback shows it,
 * and so does its absence from the past-due starts where these are recorded.
 */
static bool was_ahead(const struct kvm *k, const struct stimer *t)
{
	return !k->starts_seen && !is_periodic(t) &&
	       (t->callback_ns != HVST_UNKNOWN || k->expired_seen);
}

/* No start between the write and the delivery: the arm was past due, and a stock kernel silent. */
static void infer_past_due(struct stimer *t, const struct hvst_event *ev, struct hvst_changes *out)
{
	struct hvst_arm *a = arm_begin(out, t, ev);

	a->kind = HVST_ARM_PAST_DUE;
	a->flags = HVST_ARM_INFERRED | (t->by_host ? HVST_ARM_HOST : 0);
	a->count = t->count_known ? t->count : 0;
	out->arm_bound_ns = place_inferred(t, a, ev);
	t->modes |= HVST_MODE_ONE_SHOT;
	t->periodic = false;
	t->programmed = t->delivered = false;
	t->arm_count = a->count;
	t->arm_sure = true;
	t->arm_ns = ev->ts_ns;
	t->arm_count_cpu = ev->cpu;
	t->arms++;
	t->past_due_inferred++;
	arm_end(t, out);
}

/*
 * kvm_hv_process_stimers(): a one-shot expires when the clock has reached its count. Where each CPU
 * has a clock of its own, events of two CPUs may come in the wrong order, and the count may belong
 * to another arm.
 */
static void bound_clock(struct kvm *k, const struct stimer *t, const struct hvst_event *ev)
{
	/*
	 * What a task other than a vCPU wrote may be meant for another VM, and after a loss the
	 * timer may have been set anew.
	 */
	if (t->periodic || !t->arm_count || t->padded || t->by_other || !t->arm_sure ||
	    (k->opts.clock_per_cpu && t->arm_count_cpu != ev->cpu))
		return;
	if (hvst_refclock_bound(&t->vcpu->vm->clock, ev->ts_ns, t->arm_count, ev->cpu))
		k->error = -ENOMEM;
}

void kvm_expiration(struct kvm *k, const struct hvst_event *ev, struct hvst_changes *out)
{
	struct vcpu *v = kvm_vcpu_of(k, ev, true, out);
	struct stimer *t = v ? kvm_timer_of(k, v, ev->expiration.timer_index) : NULL;
	bool delivered = ev->expiration.msg_send_result == 0;

	if (!t)
		return;
	t->deliveries |= ev->expiration.direct ? HVST_DELIVERY_DIRECT : HVST_DELIVERY_MESSAGE;
	/* After a callback it is an arm ahead whose start was not recorded. */
	if (t->programmed && !t->undelivered) {
		if (t->callback_ns == HVST_UNKNOWN && can_infer(k, t, ev)) {
			infer_past_due(t, ev, out);
		} else if (was_ahead(k, t)) {
			t->programmed = false;
			kvm_did(out, HVST_DID_AHEAD, t);
		}
	}
	if (!delivered)
		t->failed++;
	bound_clock(k, t, ev);
	callback_settled(k, t);
	t->expiration_ns = ev->ts_ns;
	out->delivery = (struct hvst_delivery){
		.arm_ns = t->arm_ns,
		.deadline_ns = t->padded ? HVST_UNKNOWN : t->deadline_ns,
		.callback_ns = t->callback_ns,
	};
	/* A failed message is sent again after the guest's end of message: the same arm. */
	t->undelivered = !delivered;
	t->armed = t->padded = false;
	t->callback_ns = t->deadline_ns = HVST_UNKNOWN;
	if (!k->starts_seen)
		t->may_have_fired = false; /* no start will show that the next arm is another one */
	if (delivered) {
		t->delivered = true;
		if (!t->periodic)
			t->config &= ~HVST_STIMER_ENABLE;
	}
	kvm_did(out, HVST_DID_DELIVERY, t);
}
