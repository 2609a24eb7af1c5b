/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: model. vCPU threads and the synthetic-timer state machine; identity of VMs is in vm.c.
 *
 * A thread becomes a vCPU by doing what only a vCPU thread does (entering the guest, executing a
 * guest's MSR write, starting or delivering a timer). Cleanups and VMM writes also come from other
 * tasks and create nothing.
 */
#include <errno.h>
#include <stdlib.h>

#include "../event/train.h"
#include "model_private.h"

/* A callback this much before its deadline can still be its: start events are stamped late. */
#define CALLBACK_EARLY_NS (20 * 1000 * 1000)

static unsigned int tid_hash(int tid)
{
	return ((uint32_t)tid * 2654435761u) >> (32 - MODEL_HASH_BITS);
}

struct vcpu *hvst_model_find(const struct model *m, int tid)
{
	struct vcpu *v = m->by_tid[tid_hash(tid)];

	while (v && v->tid != tid)
		v = v->hash_next;
	return v;
}

static struct vcpu *vcpu_create(struct model *m, int tid, const struct hvst_event *ev)
{
	unsigned int h = tid_hash(tid);
	struct vcpu *v;

	if (m->nr_vcpus >= MODEL_MAX_VCPUS) {
		m->unfollowed++;
		return NULL;
	}
	v = calloc(1, sizeof(*v));
	if (!v)
		goto nomem;
	v->tid = tid;
	v->vcpu_id = -1;
	v->all_next = m->all;
	v->gap = m->gap;
	v->msr_ns = HVST_UNKNOWN;
	v->first_ns = v->last_ns = ev->ts_ns;
	if (hvst_on_vcpu_new(m->an, v) || hvst_model_vm_alone(m, v))
		goto nomem;
	v->hash_next = m->by_tid[h];
	m->by_tid[h] = v;
	m->all = v;
	hvst_model_sort_in(m, v);
	m->task_cache_n = 0;
	return v;
nomem:
	if (v)
		free(v->an);
	free(v);
	m->error = -ENOMEM;
	return NULL;
}

/*
 * Records were lost since this timer was last looked at, and which thread ran in the gap is not
 * known: nothing is inferred across it, a pending write and what was written are forgotten.
 */
static void timer_forget(const struct model *m, struct stimer *t)
{
	t->gap = m->gap;
	t->programmed = t->undelivered = false;
	t->count_known = t->config_known = false;
}

/* The thread id was used again, by another vCPU: what the old one had in flight is over. */
static void vcpu_replaced(const struct model *m, struct vcpu *v)
{
	for (unsigned int i = 0; i < HVST_STIMERS; i++) {
		if (!v->timer[i])
			continue;
		timer_forget(m, v->timer[i]);
		v->timer[i]->armed = v->timer[i]->padded = v->timer[i]->by_host = false;
	}
	v->msr_ns = HVST_UNKNOWN;
}

/* The first event of a thread after a gap: what it was doing before is unknown. */
static void vcpu_after_gap(struct model *m, struct vcpu *v, int64_t ts)
{
	if (v->gap == m->gap || ts < m->gap_ns)
		return;
	v->gap = m->gap;
	hvst_on_vcpu_gap(m->an, v);
}

static struct vcpu *vcpu_look_up(struct model *m, const struct hvst_event *ev, bool create)
{
	struct vcpu *v = hvst_model_find(m, ev->pid);

	if (!v && create)
		v = vcpu_create(m, ev->pid, ev);
	if (!v)
		return NULL;
	m->last_on_cpu[ev->cpu % MODEL_CPU_CACHE] = v;
	if (ev->vcpu_id >= 0 && v->vcpu_id != ev->vcpu_id && create) {
		if (v->vcpu_id >= 0)
			vcpu_replaced(m, v);
		hvst_model_vcpu_named(m, v, ev->vcpu_id);
	}
	if (ev->ts_ns < v->last_ns)
		m->backwards++;
	else
		v->last_ns = ev->ts_ns;
	return v;
}

/*
 * What thread @v did before, as @notes say that are in @ev, up to the time @end; returns those that
 * are left.
 */
static inline uint64_t on_notes(struct model *m, struct vcpu *v, const struct hvst_event *ev,
				uint64_t notes, int64_t end)
{
	for (; notes && hvst_note_ns(ev, notes) < end; notes >>= HVST_NOTE_BITS) {
		int64_t ts = hvst_note_ns(ev, notes);

		switch (hvst_note_kind(notes)) {
		case HVST_NOTE_ENTRY:
			hvst_on_entry(m->an, v, ts);
			break;
		case HVST_NOTE_EXIT:
			hvst_on_exit(m->an, v, ts, false);
			break;
		default:
			v->msr_ns = ts;
			hvst_on_timer_msr(m->an, v);
		}
	}
	return notes;
}

/* Before @ev of thread @v is looked at: what is noted in it, and what is forgotten after a gap. */
static inline void catch_up(struct model *m, struct vcpu *v, const struct hvst_event *ev)
{
	uint64_t notes = ev->train & HVST_TRAIN_NOTES ? ev->behind.notes : 0;

	if (__builtin_expect(v->gap != m->gap, 0)) {
		notes = on_notes(m, v, ev, notes, m->gap_ns);
		vcpu_after_gap(m, v, ev->ts_ns);
	}
	on_notes(m, v, ev, notes, INT64_MAX);
}

/*
 * The vCPU thread that this event ran on; creates it when @create. Mostly the one last seen on the
 * CPU.
 */
static inline struct vcpu *vcpu_of(struct model *m, const struct hvst_event *ev, bool create)
{
	struct vcpu *v = m->last_on_cpu[ev->cpu % MODEL_CPU_CACHE];

	if (!v || v->tid != ev->pid || ev->ts_ns < v->last_ns ||
	    (v->vcpu_id != ev->vcpu_id && ev->vcpu_id >= 0))
		v = vcpu_look_up(m, ev, create);
	else
		v->last_ns = ev->ts_ns;
	if (!v)
		return NULL;
	v->ran |= create;
	catch_up(m, v, ev);
	return v;
}

static struct stimer *timer_new(struct model *m, struct vcpu *v, uint32_t index)
{
	struct stimer *t;

	if (m->nr_timers >= MODEL_MAX_TIMERS)
		return NULL;
	t = calloc(1, sizeof(*t));
	if (!t)
		goto nomem;
	t->vcpu = v;
	t->index = (uint8_t)index;
	t->gap = m->gap;
	t->prog_ns = t->arm_ns = t->deadline_ns = t->callback_ns = t->expiration_ns = HVST_UNKNOWN;
	if (hvst_on_timer_new(m->an, t)) {
		free(t);
		goto nomem;
	}
	v->timer[index] = t;
	m->nr_timers++;
	return t;
nomem:
	m->error = -ENOMEM;
	return NULL;
}

static inline struct stimer *timer_of(struct model *m, struct vcpu *v, uint32_t index)
{
	struct stimer *t;

	if (index >= HVST_STIMERS)
		return NULL;
	t = v->timer[index];
	if (__builtin_expect(!t, 0))
		return timer_new(m, v, index);
	if (t->gap != m->gap)
		timer_forget(m, t);
	return t;
}

/*
 * A write by the VMM may come from a task that is no vCPU thread: it belongs to the vCPU it names,
 * of that task. Where there is none, the task may be a vCPU thread itself that has not run its
 * guest yet: a restored VM. It is listed as one (@ran) only when it does.
 */
static struct vcpu *vcpu_written(struct model *m, const struct hvst_event *ev, bool host)
{
	struct vcpu *v = vcpu_of(m, ev, !host), *near;

	if (!host || (v && (v->vcpu_id == ev->vcpu_id || v->vcpu_id < 0 || ev->vcpu_id < 0)))
		return v;
	near = hvst_model_nearest(m, ev->vcpu_id, ev->pid);
	if (!near)
		near = vcpu_look_up(m, ev, true);
	if (near)
		vcpu_after_gap(m, near, ev->ts_ns);
	return near;
}

static void timer_stop(struct stimer *t)
{
	/*
	 * A write to a running timer cancels it (stimer_cleanup); once fired there is nothing to
	 * cancel.
	 */
	if (t->armed)
		t->cancelled++;
	t->armed = t->padded = t->undelivered = false;
	t->deadline_ns = t->callback_ns = HVST_UNKNOWN;
}

static void on_set_config(struct model *m, struct vcpu *v, const struct hvst_event *ev)
{
	bool host = ev->set_config.host;
	struct stimer *t = timer_of(m, v, ev->set_config.timer_index);
	uint64_t config = ev->set_config.config;

	if (!t)
		return;
	timer_stop(t);
	/*
	 * stimer_set_config(): an enabled timer that is left neither direct nor with a SINT is
	 * disabled.
	 */
	if (t->config_known && t->config & HVST_STIMER_ENABLE && !(config & HVST_STIMER_DIRECT) &&
	    !hvst_stimer_sint(config))
		config &= ~HVST_STIMER_ENABLE;
	t->config = config;
	t->config_known = true;
	t->programmed = config & HVST_STIMER_ENABLE && (t->count || !t->count_known);
	t->by_host = host;
	t->prog_ns = ev->ts_ns;
	hvst_on_programmed(m->an, t, ev);
}

static void on_set_count(struct model *m, struct vcpu *v, const struct hvst_event *ev)
{
	bool host = ev->set_count.host;
	struct stimer *t = timer_of(m, v, ev->set_count.timer_index);

	if (!t)
		return;
	timer_stop(t);
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
	t->by_host = host;
	t->prog_ns = ev->ts_ns;
	hvst_on_programmed(m->an, t, ev);
}

static inline int64_t skew_of(uint64_t time_now, uint64_t count)
{
	int64_t d = (int64_t)(time_now - count);

	if ((time_now >= count) != (d >= 0) || d > HVST_SKEW_MAX / 100 || d < -HVST_SKEW_MAX / 100)
		return time_now > count ? HVST_SKEW_MAX : -HVST_SKEW_MAX;
	return d * 100;
}

static void arm_init(struct hvst_arm *a, const struct stimer *t, const struct hvst_event *ev)
{
	*a = (struct hvst_arm){
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
}

/*
 * The write that led to it is used up: a later arm without one of its own does not count from
 * there.
 */
static void arm_out(struct model *m, struct stimer *t, struct hvst_arm *a,
		    const struct hvst_event *ev)
{
	hvst_on_arm(m->an, t, a, ev);
	t->prog_ns = HVST_UNKNOWN;
}

/* The host set the hrtimer: now + headroom. */
static void timer_run(struct stimer *t, const struct hvst_event *ev)
{
	int64_t headroom = -skew_of(ev->start.time_now, ev->start.count);

	t->armed = true;
	t->arm_ns = ev->ts_ns;
	t->deadline_ns = ev->ts_ns + headroom;
	t->callback_ns = HVST_UNKNOWN;
}

/*
 * A start with no write before it, of the same expiry, and nothing delivered in between is the host
 * looking again at a running timer. After a delivery it can only be another arm, whose write was
 * not recorded.
 */
static void started(struct stimer *t, struct hvst_arm *a)
{
	if (!t->programmed && !t->delivered && t->arm_count == a->count)
		a->flags |= HVST_ARM_RESTART;
	if (t->by_host)
		a->flags |= HVST_ARM_HOST;
	t->arm_count = a->count;
	t->programmed = t->delivered = false;
	if (a->flags & HVST_ARM_RESTART)
		t->restarts++;
	else
		t->arms++;
}

/*
 * What all starts have: a timer (NULL: nobody's), a reading of the clock, and the arm as the event
 * shows it.
 */
static struct stimer *start_prepare(struct model *m, const struct hvst_event *ev,
				    enum hvst_timer_mode mode, struct hvst_arm *a)
{
	struct vcpu *v = vcpu_of(m, ev, true);
	struct stimer *t = v ? timer_of(m, v, ev->start.timer_index) : NULL;

	if (!t)
		return NULL;
	hvst_model_sampled(m, v, ev);
	hvst_on_sample(m->an, v, ev, ev->start.time_now);
	arm_init(a, t, ev);
	a->time_now = ev->start.time_now;
	a->count = ev->start.count;
	t->modes |= (uint8_t)mode;
	t->periodic = mode == HVST_MODE_PERIODIC;
	return t;
}

/*
 * A start_one_shot is one of: a new arm ahead; the same arm looked at again (restart: no write
 * since, same expiry; also an early callback, re-armed by KVM itself); the host's padding of a
 * past-due arm.
 */
static void on_start_one_shot(struct model *m, const struct hvst_event *ev)
{
	struct hvst_arm a;
	struct stimer *t = start_prepare(m, ev, HVST_MODE_ONE_SHOT, &a);
	uint64_t pad = ev->start.count - ev->start.time_now;

	if (!t)
		return;
	if (m->expired_timer == t && m->expired_now == ev->start.time_now) {
		/* Right after start_expired with the same reading: the host's pad, no second arm.
		 */
		m->padding_ref = pad;
		t->padded = true;
		m->expired_timer = NULL;
		timer_run(t, ev);
		return;
	}
	if (t->count_known && ev->start.count != t->count) {
		/*
		 * Not the guest's count: a padding kernel whose expired events were not recorded.
		 * The arm was past due with this very reading; a further look at it is a restart.
		 */
		m->padding_ref = pad;
		timer_run(t, ev);
		t->padded = true;
		a.count = t->count;
		a.skew_ns = skew_of(a.time_now, a.count);
		a.kind = HVST_ARM_PAST_DUE;
		a.flags = HVST_ARM_INFERRED | HVST_ARM_PADDED;
	} else {
		a.skew_ns = skew_of(a.time_now, a.count);
		a.kind = HVST_ARM_AHEAD;
		timer_run(t, ev);
		t->padded = false;
	}
	started(t, &a);
	if (a.kind == HVST_ARM_PAST_DUE && !(a.flags & HVST_ARM_RESTART))
		t->past_due_inferred++;
	arm_out(m, t, &a, ev);
}

static void on_start_expired(struct model *m, const struct hvst_event *ev)
{
	struct hvst_arm a;
	struct stimer *t = start_prepare(m, ev, HVST_MODE_ONE_SHOT, &a);

	if (!t)
		return;
	m->expired_seen = true;
	m->expired_timer = t;
	m->expired_now = ev->start.time_now;
	a.skew_ns = skew_of(a.time_now, a.count);
	a.kind = HVST_ARM_PAST_DUE;
	started(t, &a);
	t->arm_ns = ev->ts_ns;
	t->deadline_ns = t->callback_ns = HVST_UNKNOWN;
	if (!(a.flags & HVST_ARM_RESTART))
		t->past_due_observed++;
	arm_out(m, t, &a, ev);
}

static void on_start_periodic(struct model *m, const struct hvst_event *ev)
{
	struct hvst_arm a;
	struct stimer *t = start_prepare(m, ev, HVST_MODE_PERIODIC, &a);

	if (!t)
		return;
	a.kind = HVST_ARM_PERIODIC;
	a.period_ref = t->count_known ? t->count : 0;
	/* Every period re-arms; only the first follows a write. */
	if (!t->programmed)
		a.flags |= HVST_ARM_RESTART;
	if (t->by_host)
		a.flags |= HVST_ARM_HOST;
	timer_run(t, ev);
	t->arm_count = a.count;
	if (t->programmed)
		t->arms++;
	t->programmed = false;
	arm_out(m, t, &a, ev);
}

/*
 * The hrtimer's callback runs on whatever task was interrupted, even another VM's vCPU thread: it
 * belongs to the armed timer of that vcpu_id and index whose deadline it meets; the CPU is a hint
 * at most.
 */
static struct stimer *callback_owner(const struct model *m, const struct hvst_event *ev)
{
	struct stimer *best = NULL;
	int64_t best_dist = INT64_MAX;

	if (ev->timer.timer_index >= HVST_STIMERS)
		return NULL;
	for (struct vcpu *v = hvst_model_by_id(m, ev->vcpu_id); v; v = v->id_next) {
		struct stimer *t = v->timer[ev->timer.timer_index];
		int64_t d;

		if (v->vcpu_id != ev->vcpu_id || !t || (!t->armed && !t->programmed))
			continue;
		/* Written, and no start seen since, or none with a deadline: any time fits. */
		if (!t->armed || t->deadline_ns == HVST_UNKNOWN) {
			if (!best)
				best = t;
			continue;
		}
		d = ev->ts_ns - t->deadline_ns;
		if (d < -CALLBACK_EARLY_NS && best)
			continue;
		if (llabs(d) < best_dist) {
			best_dist = llabs(d);
			best = t;
		}
	}
	return best;
}

static void on_callback(struct model *m, const struct hvst_event *ev)
{
	struct stimer *t = callback_owner(m, ev);

	if (!t)
		return;
	t->armed = false;
	t->callback_ns = ev->ts_ns;
	t->fired++;
}

/*
 * No start between the write and the delivery: the arm was past due and the stock kernel said
 * nothing.
 */
static void infer_past_due(struct model *m, struct stimer *t, const struct hvst_event *ev)
{
	struct hvst_arm a;

	arm_init(&a, t, ev);
	a.kind = HVST_ARM_PAST_DUE;
	a.flags = HVST_ARM_INFERRED | (t->by_host ? HVST_ARM_HOST : 0);
	a.count = t->count_known ? t->count : 0;
	t->modes |= HVST_MODE_ONE_SHOT;
	t->periodic = false;
	t->programmed = t->delivered = false;
	t->arm_count = a.count;
	t->arm_ns = ev->ts_ns;
	t->arms++;
	t->past_due_inferred++;
	arm_out(m, t, &a, ev);
}

static void on_expiration(struct model *m, struct vcpu *v, const struct hvst_event *ev)
{
	struct stimer *t = timer_of(m, v, ev->expiration.timer_index);
	bool delivered = ev->expiration.msg_send_result == 0;

	if (!t)
		return;
	t->deliveries |= ev->expiration.direct ? HVST_DELIVERY_DIRECT : HVST_DELIVERY_MESSAGE;
	/* A callback before it is an arm ahead whose start was not recorded. */
	if (m->can_infer && t->programmed && !t->undelivered && t->callback_ns == HVST_UNKNOWN)
		infer_past_due(m, t, ev);
	if (!delivered)
		t->failed++;
	t->expiration_ns = ev->ts_ns;
	hvst_on_fire(m->an, t, ev);
	/*
	 * A failed message is sent again after the guest's end of message: the same arm, no new
	 * one.
	 */
	t->undelivered = !delivered;
	t->armed = t->padded = false;
	t->callback_ns = t->deadline_ns = HVST_UNKNOWN;
	if (delivered) {
		t->delivered = true;
		if (!t->periodic)
			t->config &= ~HVST_STIMER_ENABLE;
	}
	hvst_on_expiration(m->an, t, ev);
}

static void on_msr(struct model *m, struct vcpu *v, const struct hvst_event *ev)
{
	v->msr_ns = ev->ts_ns;
	if (!ev->msr.write && ev->msr.ecx == HVST_MSR_TIME_REF_COUNT && !ev->msr.exception) {
		hvst_model_sampled(m, v, ev);
		hvst_on_sample(m->an, v, ev, ev->msr.data);
	}
	hvst_on_msr(m->an, v, ev);
}

static void on_exit_event(struct model *m, struct vcpu *v, const struct hvst_event *ev)
{
	hvst_on_exit(m->an, v, ev->ts_ns, hvst_exit_is_halt(ev->exit.isa, ev->exit.exit_reason));
	if (hvst_exit_is_rdtsc(ev->exit.isa, ev->exit.exit_reason))
		hvst_on_rdtsc(m->an, v, ev);
}

/* What vCPU thread @v itself did. */
static inline void on_own(struct model *m, struct vcpu *v, const struct hvst_event *ev)
{
	switch (ev->id) {
	case HVST_EV_ENTRY:
		hvst_on_entry(m->an, v, ev->ts_ns);
		break;
	case HVST_EV_EXIT:
		on_exit_event(m, v, ev);
		break;
	case HVST_EV_MSR:
		on_msr(m, v, ev);
		break;
	case HVST_EV_STIMER_SET_CONFIG:
		on_set_config(m, v, ev);
		break;
	case HVST_EV_STIMER_SET_COUNT:
		on_set_count(m, v, ev);
		break;
	case HVST_EV_STIMER_EXPIRATION:
		on_expiration(m, v, ev);
		break;
	default:
		break;
	}
}

/* The events that travel with @head: of one thread, in order, its own affair (lib/event/lane.h). */
static void on_train(struct model *m, const struct hvst_event *head)
{
	struct vcpu *v = NULL;

	for (const struct hvst_event *ev = head - (head->train & HVST_TRAIN_LENGTH); ev < head;
	     ev++) {
		if (v && (v->vcpu_id == ev->vcpu_id || ev->vcpu_id < 0)) {
			v->last_ns = ev->ts_ns;
			catch_up(m, v, ev);
		} else {
			v = vcpu_of(m, ev, true);
		}
		if (v)
			on_own(m, v, ev);
	}
}

/* Events that a vCPU thread may cause, but others as well. */
static void on_vcpu_event(struct model *m, const struct hvst_event *ev)
{
	struct vcpu *v = vcpu_of(m, ev, false);

	if (v)
		hvst_on_vcpu_event(m->an, v, ev);
}

static void on_clock_event(struct model *m, const struct hvst_event *ev)
{
	struct vcpu *v = hvst_model_find(m, ev->pid);
	struct vm *vm;

	if (!v && ev->vcpu_id >= 0)
		v = hvst_model_nearest(m, ev->vcpu_id, ev->pid);
	vm = v ? v->vm : hvst_model_vm_of_task(m, ev->pid);
	hvst_on_clock_event(m->an, vm, ev);
}

static void on_sched_switch(struct model *m, const struct hvst_event *ev)
{
	struct vcpu *prev = hvst_model_find(m, ev->sched.prev_pid);
	struct vcpu *next = hvst_model_find(m, ev->sched.next_pid);

	if (prev) {
		vcpu_after_gap(m, prev, ev->ts_ns);
		hvst_on_switch(m->an, prev, ev);
	}
	if (next && next != prev) {
		vcpu_after_gap(m, next, ev->ts_ns);
		hvst_on_switch(m->an, next, ev);
	}
}

/* Records are missing on one CPU: whatever was in flight there is unknown now. */
static void on_lost(struct model *m, const struct hvst_event *ev)
{
	unsigned int slot = ev->cpu % MODEL_CPU_CACHE;
	struct vcpu *last = m->last_on_cpu[slot];

	m->gap++;
	m->gap_ns = ev->ts_ns;
	if (last && ev->ts_ns > last->last_ns &&
	    __builtin_add_overflow(m->lost_ns, ev->ts_ns - last->last_ns, &m->lost_ns))
		m->lost_ns = INT64_MAX;
	m->expired_timer = NULL;
	hvst_on_gap(m->an, ev);
}

static inline void on_event(struct model *m, const struct hvst_event *ev)
{
	struct vcpu *v;

	switch (ev->id) {
	case HVST_EV_STIMER_SET_CONFIG:
	case HVST_EV_STIMER_SET_COUNT:
		/* host is in the same place of both */
		v = vcpu_written(m, ev, ev->set_count.host);
		if (v)
			on_own(m, v, ev);
		break;
	case HVST_EV_STIMER_EXPIRATION:
	case HVST_EV_ENTRY:
	case HVST_EV_EXIT:
	case HVST_EV_MSR:
		v = vcpu_of(m, ev, true);
		if (v)
			on_own(m, v, ev);
		break;
	case HVST_EV_STIMER_START_ONE_SHOT:
		on_start_one_shot(m, ev);
		break;
	case HVST_EV_STIMER_START_EXPIRED:
		on_start_expired(m, ev);
		break;
	case HVST_EV_STIMER_START_PERIODIC:
		on_start_periodic(m, ev);
		break;
	case HVST_EV_STIMER_CALLBACK:
		on_callback(m, ev);
		break;
	case HVST_EV_WRITE_TSC_OFFSET:
	case HVST_EV_TRACK_TSC:
	case HVST_EV_UPDATE_MASTER_CLOCK:
	case HVST_EV_PVCLOCK_UPDATE:
		on_clock_event(m, ev);
		break;
	case HVST_EV_SYNIC_SET_MSR:
	case HVST_EV_SYNIC_SET_IRQ:
	case HVST_EV_PIO:
	case HVST_EV_MMIO:
		on_vcpu_event(m, ev);
		break;
	case HVST_EV_SCHED_SWITCH:
		on_sched_switch(m, ev);
		break;
	case HVST_EV_LOST:
		on_lost(m, ev);
		break;
	default:
		break;
	}
}

#define FETCH_AHEAD 4 /* heads: as far as it takes a cache line to come from another CPU */
#define FETCH_LINES 7 /* of 64 bytes: a head, and five events that travel with it */

/* Events come from the cache of the CPU that decoded them. */
static inline void fetch(const struct hvst_event *head)
{
	uintptr_t end = (uintptr_t)(head + 1) - 1;

	for (unsigned int i = 0; i < FETCH_LINES; i++)
		__builtin_prefetch((const void *)(end - 64 * i));
}

/* Flattened: it is a big switch, and what is behind each case is needed nowhere else, or is short.
 */
__attribute__((flatten)) int hvst_model_events(struct model *m, const struct hvst_event *const *ev,
					       size_t n)
{
	for (size_t i = 0; i < n && !m->error; i++) {
		if (i + FETCH_AHEAD < n)
			fetch(ev[i + FETCH_AHEAD]);
		if (ev[i]->train & HVST_TRAIN_LENGTH)
			on_train(m, ev[i]);
		on_event(m, ev[i]);
	}
	return m->error;
}

struct model *hvst_model_new(struct analysis *an)
{
	struct model *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->an = an;
	m->vms_tail = &m->vms;
	return m;
}

void hvst_model_can_infer(struct model *m, bool can)
{
	m->can_infer = can;
}

static void vcpu_free(struct vcpu *v)
{
	for (unsigned int i = 0; i < HVST_STIMERS; i++)
		free(v->timer[i]);
	free(v);
}

void hvst_model_free(struct model *m)
{
	if (!m)
		return;
	while (m->all) {
		struct vcpu *v = m->all;

		m->all = v->all_next;
		vcpu_free(v);
	}
	while (m->vms) {
		struct vm *vm = m->vms;

		m->vms = vm->next;
		free(vm);
	}
	free(m);
}

int64_t hvst_model_padding_ns(const struct model *m)
{
	/* more than that is no padding */
	return m->padding_ref && m->padding_ref <= HVST_SKEW_MAX / 100
		       ? (int64_t)m->padding_ref * 100
		       : HVST_UNKNOWN;
}

bool hvst_model_expired_seen(const struct model *m)
{
	return m->expired_seen;
}

uint64_t hvst_model_unfollowed(const struct model *m)
{
	return m->unfollowed;
}

uint64_t hvst_model_backwards(const struct model *m)
{
	return m->backwards;
}

int64_t hvst_model_lost_ns(const struct model *m)
{
	return m->lost_ns;
}

struct vm *hvst_model_vms(const struct model *m)
{
	return m->vms;
}
