/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Timers that stop firing.
 *
 * stimer_expiration() of arch/x86/kvm/hyperv.c leaves a timer whose delivery failed as it is: a
 * message that found its slot full is sent again after the guest's end of message, every other
 * failure (SINT masked, no message page, LAPIC disabled) is final. stimer_start() arms an hrtimer:
 * a callback that never comes is a fault of the host.
 *
 * Silence for less than LOST_MIN_NS, six ticks of 64 Hz, is not a loss: guests mask a SINT briefly
 * while they set it up. Nor is a callback lost that is no later than others were on a host whose
 * CPUs stall: these record nothing meanwhile.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "lost.h"

#define LOST_MIN_NS (100LL * 1000 * 1000)
#define LATE_TIMES  2			   /* a callback is not yet lost when others came as late */
#define STOPPING_NS (1000LL * 1000 * 1000) /* until a recorder has stopped on all CPUs */

struct timer_lost {
	/* A delivery failed, and nothing was delivered or programmed since; else HVST_UNKNOWN. */
	int64_t failed_ns;
	uint64_t failed_count;
	int result, direct;
	struct hvst_evidence failed_why;
	/* Armed and not called back since; else HVST_UNKNOWN. */
	int64_t armed_ns;
	int64_t deadline_ns;
	struct hvst_evidence armed_why;
	/* The VMM wrote it, and the guest has not since. */
	bool restored, disabled;
	struct hvst_evidence restored_why;
};

int hvst_lost_vm_created(struct vm *vm)
{
	vm->state->lost = calloc(1, sizeof(*vm->state->lost));
	return vm->state->lost ? 0 : -ENOMEM;
}

void hvst_lost_vm_free(struct vm *vm)
{
	free(vm->state->lost);
}

int hvst_lost_timer_created(struct stimer *t)
{
	struct timer_lost *l = calloc(1, sizeof(*l));

	t->state->lost = l;
	if (!l)
		return -ENOMEM;
	l->failed_ns = l->armed_ns = HVST_UNKNOWN;
	return 0;
}

void hvst_lost_timer_free(struct stimer *t)
{
	free(t->state->lost);
}

static void lost_text(struct hvst_evidence *e, const struct lost_timer *s)
{
	if (s->result)
		snprintf(e->text, sizeof(e->text),
			 "delivery of timer %d failed with %d (%s); nothing of it for %.3f s, %s",
			 s->timer, s->result, hvst_send_result_text(s->direct, s->result),
			 (double)(s->until_ns - s->from_ns) / 1e9,
			 s->recovered ? "then programmed again" : "to the end");
	else
		snprintf(e->text, sizeof(e->text),
			 "timer %d armed for %.6f s; no callback for %.3f s after that, %s",
			 s->timer, (double)s->from_ns / 1e9,
			 (double)(s->until_ns - s->from_ns) / 1e9,
			 s->recovered ? "then programmed again" : "to the end");
}

static void confirm(struct vm_lost *vm, const struct lost_waiting *w)
{
	if (!vm->n++ ||
	    w->timer.until_ns - w->timer.from_ns > vm->longest.until_ns - vm->longest.from_ns)
		vm->longest = w->timer;
	if (vm->why.n < LOST_SHOWN)
		hvst_evidence_add(&vm->why, &w->why);
}

static void confirm_all(struct vm_lost *vm)
{
	for (unsigned int i = 0; i < vm->nr_waiting; i++)
		confirm(vm, &vm->waiting[i]);
	vm->nr_waiting = 0;
}

/* Would the callback of an armed timer be seen, and a write of its config that disables it? */
static bool would_be_called(const struct analysis *a, const struct stimer *t)
{
	return !a->opts.some_cpus && !t->may_have_fired &&
	       hvst_recorded(a) >> HVST_EV_STIMER_CALLBACK & 1 &&
	       a->opts.trace->seen[HVST_EV_STIMER_SET_CONFIG];
}

/* @seen_ns: the time from which a lost record might hide what is missing */
static void lost(struct analysis *a, const struct stimer *t, struct lost_timer s, int64_t seen_ns,
		 const struct hvst_evidence *why)
{
	struct vm_lost *vm = t->vcpu->vm->state->lost;
	struct lost_waiting *w;

	if (s.until_ns - s.from_ns < LOST_MIN_NS || !hvst_filter_pass(a, t->vcpu, t->index))
		return;
	/* A write of the config that was not recorded may have ended it. */
	if (a->gap_ns > seen_ns || !(hvst_recorded(a) >> HVST_EV_STIMER_SET_CONFIG & 1) ||
	    (!s.result &&
	     (!would_be_called(a, t) || (s.until_ns - s.from_ns) / LATE_TIMES <= a->stall_ns))) {
		vm->unclear++;
		return;
	}
	s.vcpu = t->vcpu->vcpu_id;
	s.tid = t->vcpu->tid;
	s.timer = t->index;
	if (vm->nr_waiting == LOST_WAITING) {
		confirm(vm, &vm->waiting[0]);
		vm->nr_waiting--;
		memmove(vm->waiting, vm->waiting + 1, vm->nr_waiting * sizeof(*vm->waiting));
	}
	w = &vm->waiting[vm->nr_waiting++];
	w->timer = s;
	w->why = *why;
	lost_text(&w->why, &s);
}

void hvst_lost_gap(struct analysis *a, int64_t from_ns)
{
	for_each_vm (vm, a) {
		struct vm_lost *l = vm->state ? vm->state->lost : NULL;
		unsigned int kept = 0;

		for (unsigned int i = 0; l && i < l->nr_waiting; i++)
			if (l->waiting[i].timer.until_ns < from_ns)
				l->waiting[kept++] = l->waiting[i];
		if (!l)
			continue;
		l->unclear += l->nr_waiting - kept;
		l->nr_waiting = kept;
	}
}

/* Ends at @until a loss that may have begun, and counts it if it lasted. */
static __attribute__((noinline)) void close_at(struct analysis *a, struct stimer *t, int64_t until,
					       bool recovered)
{
	struct timer_lost *l = t->state->lost;

	/* For good, though the rest of the trace, or of the VM, is too short to be certain. */
	if (l->failed_ns != HVST_UNKNOWN && !recovered && l->result != -EAGAIN &&
	    until - l->failed_ns < LOST_MIN_NS)
		t->vcpu->vm->state->lost->unclear++;
	if (l->failed_ns != HVST_UNKNOWN)
		lost(a, t,
		     (struct lost_timer){ .from_ns = l->failed_ns,
					  .until_ns = until,
					  .result = l->result,
					  .direct = l->direct,
					  .recovered = recovered },
		     l->failed_ns, &l->failed_why);
	/*
	 * The clocks of hrtimers and of the trace differ by no more than NTP slews, with a margin.
	 */
	else if (l->armed_ns != HVST_UNKNOWN &&
		 until - l->deadline_ns > LOST_MIN_NS + (l->deadline_ns - l->armed_ns) / 1000)
		lost(a, t,
		     (struct lost_timer){
			     .from_ns = l->deadline_ns, .until_ns = until, .recovered = recovered },
		     l->armed_ns, &l->armed_why);
	l->failed_ns = l->armed_ns = HVST_UNKNOWN;
}

static __attribute__((noinline)) void restored(struct stimer *t, const struct hvst_event *ev)
{
	struct timer_lost *l = t->state->lost;
	bool count = ev->id == HVST_EV_STIMER_SET_COUNT;

	l->restored = t->count_known && t->count && t->config_known;
	/* Kernels before d6800af51c76 let auto-enable act on a count that the VMM writes. */
	l->disabled = count && t->config_known && t->config & HVST_STIMER_AUTO_ENABLE &&
		      !(t->config & HVST_STIMER_ENABLE);
	if (l->restored)
		hvst_evidence_set(&l->restored_why, ev,
				  "the VMM writes timer %u back: count %llu, config 0x%llx (%s)",
				  t->index, (unsigned long long)t->count,
				  (unsigned long long)t->config,
				  t->config & HVST_STIMER_ENABLE ? "enabled" : "not enabled");
}

/*
 * A VMM that finds a timer lost may write its count back unchanged, to have it started again. Any
 * other write is a reset or a restore: no recovery, and deliveries due before it are no longer
 * expected.
 */
static bool given_back(struct stimer *t, const struct hvst_event *ev)
{
	struct timer_lost *l = t->state->lost;
	bool config = ev->id == HVST_EV_STIMER_SET_CONFIG;

	l->armed_ns = HVST_UNKNOWN;
	if (l->failed_ns == HVST_UNKNOWN)
		return false;
	if (config && ev->set_config.config) /* the count is yet to come */
		return false;
	if (!config && ev->set_count.count && ev->set_count.count == l->failed_count)
		return true;
	l->failed_ns = HVST_UNKNOWN;
	return false;
}

void hvst_lost_programmed(struct analysis *a, struct stimer *t, const struct hvst_event *ev)
{
	struct timer_lost *l = t->state->lost;

	if (t->by_host)
		restored(t, ev);
	else
		l->restored = false;
	if (t->by_host && !given_back(t, ev))
		return;
	if (l->failed_ns != HVST_UNKNOWN || l->armed_ns != HVST_UNKNOWN)
		close_at(a, t, ev->ts_ns, true);
}

void hvst_lost_arm(struct stimer *t, const struct hvst_arm *arm, const struct hvst_event *ev)
{
	struct timer_lost *l = t->state->lost;

	l->failed_ns = l->armed_ns = HVST_UNKNOWN;
	if (arm->kind == HVST_ARM_PAST_DUE || t->deadline_ns == HVST_UNKNOWN)
		return;
	l->armed_ns = ev->ts_ns;
	l->deadline_ns = t->deadline_ns;
	hvst_evidence_plain(&l->armed_why, ev, "");
}

void hvst_lost_callback(struct analysis *a, struct stimer *t)
{
	if (t->stall_ns > a->stall_ns)
		a->stall_ns = t->stall_ns;
	t->state->lost->armed_ns = HVST_UNKNOWN;
}

static __attribute__((noinline)) void restored_fired(struct stimer *t, const struct hvst_event *ev,
						     bool called_back)
{
	struct vm_lost *vm = t->vcpu->vm->state->lost;
	struct timer_lost *l = t->state->lost;
	struct hvst_evidence e;

	l->restored = false;
	if (!l->disabled) {
		vm->restored_past += !called_back;
		return;
	}
	if (vm->revived++)
		return;
	vm->reviver = (struct lost_timer){ .vcpu = t->vcpu->vcpu_id,
					   .tid = t->vcpu->tid,
					   .timer = t->index,
					   .from_ns = l->restored_why.ts_ns,
					   .until_ns = ev->ts_ns };
	hvst_evidence_add(&vm->revived_why, &l->restored_why);
	hvst_evidence_set(&e, ev, "timer %u expires; no write by the guest since the restore",
			  t->index);
	hvst_evidence_add(&vm->revived_why, &e);
}

void hvst_lost_delivery(struct analysis *a, struct stimer *t, const struct hvst_event *ev,
			const struct hvst_delivery *d)
{
	struct timer_lost *l = t->state->lost;
	int result = ev->expiration.msg_send_result;

	if (l->restored && hvst_filter_pass(a, t->vcpu, t->index))
		restored_fired(t, ev, d->callback_ns != HVST_UNKNOWN);
	l->armed_ns = HVST_UNKNOWN;
	if (!result) {
		l->failed_ns = HVST_UNKNOWN;
		return;
	}
	/* Each attempt to fill a busy slot shows that the timer is alive. */
	if (l->failed_ns != HVST_UNKNOWN && l->result == result && result != -EAGAIN)
		return;
	l->failed_ns = ev->ts_ns;
	l->failed_count = t->count;
	l->result = result;
	l->direct = ev->expiration.direct;
	hvst_evidence_plain(&l->failed_why, ev, "");
}

void hvst_lost_vcpu_new(struct vm *vm)
{
	for_each_vcpu (v, vm)
		for (unsigned int i = 0; i < HVST_STIMERS; i++)
			if (v->timer[i] && v->timer[i]->state)
				v->timer[i]->state->lost->failed_ns =
					v->timer[i]->state->lost->armed_ns = HVST_UNKNOWN;
}

void hvst_lost_merged(struct vm *into, struct vm *from)
{
	struct vm_lost *i = into->state->lost, *f = from->state->lost;

	confirm_all(f);
	if (f->n && (!i->n || f->longest.until_ns - f->longest.from_ns >
				      i->longest.until_ns - i->longest.from_ns))
		i->longest = f->longest;
	for (unsigned int k = 0; k < f->why.n && i->why.n < LOST_SHOWN; k++)
		hvst_evidence_add(&i->why, &f->why.e[k]);
	if (!i->revived) {
		i->reviver = f->reviver;
		i->revived_why = f->revived_why;
	}
	i->n += f->n;
	i->unclear += f->unclear;
	i->revived += f->revived;
	i->restored_past += f->restored_past;
}

/*
 * The buffers of all CPUs do not end at the same time: a recorder stops one after the other. A
 * callback that is missing when the records of its CPU have ended may have come, unless the VM was
 * seen for longer than any recorder takes.
 */
static bool callback_recorded(const struct analysis *a, const struct timer_lost *l, int64_t last)
{
	return l->armed_ns == HVST_UNKNOWN || last - l->deadline_ns > STOPPING_NS ||
	       hvst_kvm_cpu_last_ns(a->kvm, l->armed_why.cpu) > l->deadline_ns + LOST_MIN_NS;
}

static void timer_ends(struct analysis *a, struct stimer *t, int64_t last)
{
	struct timer_lost *l = t->state->lost;

	if (l->failed_ns == HVST_UNKNOWN && !callback_recorded(a, l, last)) {
		t->vcpu->vm->state->lost->unclear += last > l->deadline_ns + LOST_MIN_NS;
		return;
	}
	close_at(a, t, last, false);
}

/* Until the VM was last seen: its own silence at the end is not the loss of a timer. */
void hvst_lost_finish(struct analysis *a)
{
	for_each_vm (vm, a) {
		int64_t last = hvst_vm_last_ns(vm);

		/* A VM that ended while the recording went on: no more deliveries are expected. */
		for_each_vcpu (v, vm)
			for (unsigned int i = 0; i < HVST_STIMERS && !vm->gone; i++)
				if (v->timer[i] && v->timer[i]->state)
					timer_ends(a, v->timer[i], last);
		if (vm->state)
			confirm_all(vm->state->lost);
	}
}
