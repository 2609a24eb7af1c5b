/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. From what the analyses hold to the lists of struct hvst_result: numbered,
 * sorted, filtered. The last step of a run; it decides nothing.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../abi/list.h"
#include "by_vm.h"
#include "latency.h"
#include "life.h"
#include "load.h"
#include "resolve.h"
#include "result.h"
#include "twoclocks.h"
#include "verdict.h"

#define BEND_SHOWN_PPM 100  /* a change of rate that gets a segment of its own */
#define RATE_KNOWN_PPM 50   /* a rate that is known less well tells nothing */
#define MAX_OVERLAP    1024 /* storms compared backwards for their episode */
#define DRIFT_SAME_NS  (60LL * 1000 * 1000 * 1000) /* one drift, seen twice */

static int cmp_vcpu(const void *x, const void *y)
{
	const struct hvst_vcpu_info *a = x, *b = y;

	if (a->vcpu != b->vcpu)
		return a->vcpu < b->vcpu ? -1 : 1;
	return a->tid < b->tid ? -1 : a->tid > b->tid;
}

static int cmp_vm(const void *x, const void *y)
{
	/* the unknown VM last */
	unsigned int a = (unsigned int)((const struct hvst_vm *)x)->vm;
	unsigned int b = (unsigned int)((const struct hvst_vm *)y)->vm;

	return a < b ? -1 : a > b;
}

static int64_t vm_epoch(const struct refclock *clock)
{
	const struct refclock_piece *p = hvst_refclock_piece(clock, 0);

	return p ? -hvst_refclock_line_at(&p->line, p->from) : HVST_UNKNOWN;
}

/* While VMs are added: the vCPUs of one behind those of the VM before. */
struct vm_lists {
	struct hvst_vm *vms;
	unsigned int nr_vms;
	struct hvst_vcpu_info *vcpus;
	unsigned int nr_vcpus;
};

/* Adds the VM's threads; a task of the VMM that only wrote is not one of them. */
static unsigned int vcpus_add(struct vm_lists *l, const struct vm *vm)
{
	unsigned int n = l->nr_vcpus;

	for (const struct vcpu *v = vm->vcpus; v; v = v->vm_next)
		if (v->ran)
			l->vcpus[l->nr_vcpus++] = (struct hvst_vcpu_info){ .vcpu = v->vcpu_id,
									   .tid = v->tid,
									   .thread = v->serial,
									   .first_ns = v->first_ns,
									   .last_ns = v->last_ns };
	return l->nr_vcpus - n;
}

/* All threads whose VM is unknown share one entry, the last one. */
static void vm_add(struct vm_lists *l, const struct vm *vm)
{
	struct hvst_vm *out = &l->vms[l->nr_vms];
	unsigned int n = vcpus_add(l, vm);

	if (vm->number < 0 && l->nr_vms && out[-1].vm < 0) {
		out[-1].nr_vcpus += n;
	} else if (n) {
		out->vm = hvst_vm_shown(vm);
		out->pid = -1;
		out->epoch_ns = vm->number < 0 ? HVST_UNKNOWN : vm_epoch(&vm->clock);
		out->nr_vcpus = n;
		l->nr_vms++;
	}
}

static void vms_add(struct analysis *a, struct vm_lists *l)
{
	unsigned int first = 0;

	for_each_vm (vm, a)
		if (vm->number >= 0 && hvst_vm_pass(a, vm))
			vm_add(l, vm);
	for_each_vm (vm, a)
		if (vm->number < 0 && hvst_vm_pass(a, vm))
			vm_add(l, vm);
	for (unsigned int i = 0; i < l->nr_vms; first += l->vms[i++].nr_vcpus)
		qsort(l->vcpus + first, l->vms[i].nr_vcpus, sizeof(*l->vcpus), cmp_vcpu);
}

static int build_vms(struct analysis *a)
{
	unsigned int n = 1, threads = 1, first = 0;
	struct vm_lists l = { 0 };

	for_each_vm (vm, a) {
		n++;
		threads += vm->nr_vcpus;
	}
	l.vms = calloc(n, sizeof(*l.vms));
	l.vcpus = calloc(threads, sizeof(*l.vcpus));
	if (l.vms && l.vcpus) {
		vms_add(a, &l);
		a->vcpus = hvst_list(l.vcpus, l.nr_vcpus, sizeof(*l.vcpus));
		l.vcpus = NULL;
	}
	if (!a->vcpus) {
		free(l.vms);
		free(l.vcpus);
		return -ENOMEM;
	}
	for (unsigned int i = 0; i < l.nr_vms; first += l.vms[i++].nr_vcpus)
		l.vms[i].vcpus = a->vcpus + first;
	qsort(l.vms, l.nr_vms, sizeof(*l.vms), cmp_vm);
	if (a->opts.name_vms)
		a->opts.name_vms(a->opts.name_ctx, l.vms, l.nr_vms);
	a->result.vms = hvst_list(l.vms, l.nr_vms, sizeof(*l.vms));
	a->result.nr_vms = l.nr_vms;
	return a->result.vms ? 0 : -ENOMEM;
}

static int cmp_timer(const void *x, const void *y)
{
	const struct hvst_timer *a = x, *b = y;

	if (a->vm != b->vm)
		return (unsigned int)a->vm < (unsigned int)b->vm ? -1 : 1;
	if (a->vcpu != b->vcpu)
		return a->vcpu < b->vcpu ? -1 : 1;
	if (a->tid != b->tid)
		return a->tid < b->tid ? -1 : 1;
	return a->timer - b->timer;
}

static void timer_fill(struct hvst_timer *out, const struct stimer *t)
{
	*out = (struct hvst_timer){
		.vm = hvst_vm_shown(t->vcpu->vm),
		.vcpu = t->vcpu->vcpu_id,
		.tid = t->vcpu->tid,
		.timer = t->index,
		.mode = t->modes,
		.delivery = t->deliveries,
		.arms = t->arms,
		.past_due_observed = t->past_due_observed,
		.past_due_inferred = t->past_due_inferred,
		.restarts = t->restarts,
		.fired = t->fired,
		.cancelled = t->cancelled,
		.failed_deliveries = t->failed,
		.skew = hvst_resolve_sketch(t),
	};
	hvst_latency_fill(t, out);
	hvst_load_fill(t, out);
}

/* Timers that were only reset by the VMM did nothing: do not list them. */
static bool timer_used(const struct stimer *t)
{
	return t && t->state && (t->arms || t->restarts || t->fired || t->deliveries);
}

static int cmp_thread(const void *x, const void *y)
{
	const struct hvst_timer *a = x, *b = y;

	if (a->tid != b->tid)
		return a->tid < b->tid ? -1 : 1;
	if (a->vcpu != b->vcpu)
		return a->vcpu < b->vcpu ? -1 : 1;
	return a->timer - b->timer;
}

static void timer_sum(struct hvst_timer *sum, const struct hvst_timer *t)
{
	sum->mode |= t->mode;
	sum->delivery |= t->delivery;
	sum->arms += t->arms;
	sum->past_due_observed += t->past_due_observed;
	sum->past_due_inferred += t->past_due_inferred;
	sum->restarts += t->restarts;
	sum->fired += t->fired;
	sum->cancelled += t->cancelled;
	sum->failed_deliveries += t->failed_deliveries;
}

/*
 * Adds an entry with the counts of all VMs, for those who count by thread, for each timer of a
 * thread id that several VMs had one after another. @list has @n entries and room for as many
 * again. Returns the number of entries added after these.
 */
static unsigned int sum_reused(struct hvst_timer *list, unsigned int n)
{
	unsigned int more = 0;

	qsort(list, n, sizeof(*list), cmp_thread);
	for (unsigned int i = 0, k; i < n; i = k) {
		struct hvst_timer *sum = &list[n + more];

		*sum = (struct hvst_timer){ .vm = -1,
					    .vcpu = list[i].vcpu,
					    .tid = list[i].tid,
					    .timer = list[i].timer,
					    .exit_share = -1,
					    .time_share = -1 };
		for (k = i; k < n && !cmp_thread(&list[i], &list[k]); k++)
			timer_sum(sum, &list[k]);
		more += k - i > 1;
	}
	return more;
}

static int build_timers(struct analysis *a)
{
	struct hvst_timer *list;
	unsigned int n = 0;

	for_each_vm (vm, a)
		for (struct vcpu *v = vm->vcpus; v; v = v->vm_next)
			n += HVST_STIMERS;
	list = calloc(2 * n + 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	n = 0;
	for_each_vm (vm, a) {
		if (!hvst_vm_pass(a, vm))
			continue;
		for (struct vcpu *v = vm->vcpus; v; v = v->vm_next)
			for (unsigned int i = 0; i < HVST_STIMERS; i++)
				if (timer_used(v->timer[i]) && hvst_filter_pass(a, v, (int)i))
					timer_fill(&list[n++], v->timer[i]);
	}
	n += sum_reused(list, n);
	qsort(list, n, sizeof(*list), cmp_timer);
	a->result.timers = hvst_list(list, n, sizeof(*list));
	a->result.nr_timers = n;
	return a->result.timers ? 0 : -ENOMEM;
}

static int cmp_storm(const void *x, const void *y)
{
	const struct hvst_storm *a = x, *b = y;

	return a->start_ns < b->start_ns ? -1 : a->start_ns > b->start_ns;
}

/* Do the two, the first of which began earlier, belong to one episode? */
static bool one_episode(const struct analysis *a, const struct hvst_storm *x,
			const struct hvst_storm *y)
{
	if (x->vm != y->vm || (x->vm < 0 && x->tid != y->tid))
		return false;
	if (x->end_ns >= y->start_ns)
		return true;
	return x->tid == y->tid && x->timer == y->timer &&
	       y->start_ns - x->end_ns <= a->params.storm_max_gap_ns;
}

/* The time taken by the storms of each episode, and which of them endanger a watchdog. */
static int mark_danger(const struct analysis *a, struct hvst_storm *s, unsigned int n,
		       unsigned int episodes)
{
	struct {
		int64_t harm, until;
	} *e = calloc(episodes ? episodes : 1, sizeof(*e));

	if (!e)
		return -ENOMEM;
	for (unsigned int i = 0; i < n; i++) {
		int64_t from = s[i].start_ns;

		if (e[s[i].episode].harm && e[s[i].episode].until > from)
			from = e[s[i].episode].until;
		if (s[i].end_ns <= from)
			continue;
		e[s[i].episode].harm += s[i].end_ns - from;
		e[s[i].episode].until = s[i].end_ns;
	}
	for (unsigned int i = 0; i < n; i++)
		s[i].endangers_watchdog |= e[s[i].episode].harm >= a->params.watchdog_ns;
	free(e);
	return 0;
}

/*
 * Storms of one VM that overlap, and storms of one timer with only a short pause between them, are
 * one episode. Its storms together endanger a watchdog: a guest that runs briefly now and then is
 * still kept from its work.
 */
static int number_episodes(const struct analysis *a, struct hvst_storm *s, unsigned int n)
{
	int next = 0;

	for (unsigned int i = 0; i < n; i++) {
		s[i].episode = -1;
		for (unsigned int k = i; k-- > 0 && i - k <= MAX_OVERLAP;)
			if (one_episode(a, &s[k], &s[i])) {
				s[i].episode = s[k].episode;
				break;
			}
		if (s[i].episode < 0)
			s[i].episode = next++;
	}
	return mark_danger(a, s, n, (unsigned int)next);
}

static int build_storms(struct analysis *a)
{
	struct hvst_storm *list = calloc(a->nr_storms ? a->nr_storms : 1, sizeof(*list));
	unsigned int n = 0;
	int err;

	if (!list)
		return -ENOMEM;
	for (unsigned int i = 0; i < a->nr_storms; i++) {
		const struct vcpu *v = a->storms[i].vcpu;

		if (!hvst_vm_pass(a, v->vm) || !hvst_filter_pass(a, v, a->storms[i].storm.timer))
			continue;
		list[n] = a->storms[i].storm;
		list[n++].vm = v->vm->number;
	}
	qsort(list, n, sizeof(*list), cmp_storm);
	err = number_episodes(a, list, n);
	a->result.storms = hvst_list(list, n, sizeof(*list));
	a->result.nr_storms = n;
	return a->result.storms ? err : -ENOMEM;
}

static int cmp_guest(const void *x, const void *y)
{
	const struct hvst_guest_transition *a = x, *b = y;

	return a->ts_ns < b->ts_ns ? -1 : a->ts_ns > b->ts_ns;
}

/* One drift may be found twice: by the edge of the headroom, and by a storm that grows. */
static bool same_drift_listed(const struct hvst_guest_transition *list, unsigned int n,
			      const struct hvst_guest_transition *t)
{
	for (unsigned int i = n; i > 0 && n - i < 256; i--) {
		const struct hvst_guest_transition *o = &list[i - 1];

		if (o->tid == t->tid && !isnan(o->rate_ppm) &&
		    fabs(o->rate_ppm - t->rate_ppm) < 0.1 * fabs(o->rate_ppm) &&
		    t->ts_ns - o->ts_ns < DRIFT_SAME_NS)
			return true;
	}
	return false;
}

/* A change to the same clock may be found for each vCPU thread, before their VM is known. */
static bool same_clock_listed(const struct hvst_guest_transition *list, unsigned int n,
			      const struct hvst_guest_transition *t)
{
	for (unsigned int i = n; i > 0 && n - i < 256; i--) {
		const struct hvst_guest_transition *o = &list[i - 1];

		if (o->vm == t->vm && o->role == HVST_ROLE_TIMEKEEPING)
			return o->to == t->to;
	}
	return false;
}

static bool already_listed(const struct hvst_guest_transition *list, unsigned int n,
			   const struct hvst_guest_transition *t)
{
	if (t->role == HVST_ROLE_TIMEKEEPING)
		return same_clock_listed(list, n, t);
	return !isnan(t->rate_ppm) && same_drift_listed(list, n, t);
}

static int build_guest(struct analysis *a)
{
	unsigned int n = 0, kept = 0;
	struct hvst_guest_transition *list =
		calloc(a->nr_transitions ? a->nr_transitions : 1, sizeof(*list));

	if (!list)
		return -ENOMEM;
	for (unsigned int i = 0; i < a->nr_transitions; i++) {
		const struct transition_found *f = &a->transitions[i];

		if (!hvst_vm_pass(a, f->of->vm) || (f->vcpu && !hvst_filter_pass(a, f->vcpu, -1)))
			continue;
		list[n] = f->transition;
		list[n++].vm = f->of->vm->number;
	}
	qsort(list, n, sizeof(*list), cmp_guest);
	for (unsigned int i = 0; i < n; i++)
		if (!already_listed(list, kept, &list[i]))
			list[kept++] = list[i];
	a->result.guest = hvst_list(list, kept, sizeof(*list));
	a->result.nr_guest = kept;
	return a->result.guest ? 0 : -ENOMEM;
}

static unsigned int vm_segments(const struct vm *vm)
{
	unsigned int n = 0;

	while (hvst_refclock_piece(&vm->clock, n))
		n++;
	return n + vm->page.nr_sources;
}

/*
 * Pieces of the clock that are merged for display: the trace clock's rate changes all the time by a
 * few ppm, which does not matter to the user.
 */
struct stretch {
	const struct refclock_piece *first, *last;
	uint64_t samples;
	double rate_ppm, rate_ppm_error; /* NaN: not known */
};

static bool same_rate(const struct refclock_piece *a, const struct refclock_piece *b)
{
	double err = a->line.slope_err + b->line.slope_err;

	return b->joint == REFCLOCK_BEND &&
	       1e6 * (fabs(a->line.slope - b->line.slope) - err) <= BEND_SHOWN_PPM;
}

/* The stretch that begins with piece @i; returns the index of the piece after it. */
static unsigned int stretch_at(const struct refclock *clock, unsigned int i, struct stretch *out)
{
	const struct refclock_piece *p = hvst_refclock_piece(clock, i), *longest = p;
	double span;

	*out = (struct stretch){ .first = p, .rate_ppm = NAN, .rate_ppm_error = NAN };
	do {
		if (p->to - p->from > longest->to - longest->from)
			longest = p;
		out->samples += p->samples;
		out->last = p;
		p = hvst_refclock_piece(clock, ++i);
	} while (p && same_rate(longest, p));
	span = (double)(out->last->to - out->first->from);
	if (clock->params.no_rate || 1e6 * longest->line.slope_err >= RATE_KNOWN_PPM || span <= 0)
		return i;
	out->rate_ppm_error = 1e6 * longest->line.slope_err;
	out->rate_ppm = 1e6 *
			(double)hvst_refclock_sub(
				hvst_refclock_line_at(&out->last->line, out->last->to),
				hvst_refclock_line_at(&out->first->line, out->first->from)) /
			span;
	return i;
}

/* @whole: the stretch begins here; else only the source changed. */
static void segment_out(struct hvst_ref_segment *out, const struct vm *vm, const struct stretch *st,
			int64_t from, int64_t to, bool whole)
{
	const struct refclock_piece *p = st->first;
	const char *why = hvst_tscpage_why(&vm->page, from);

	*out = (struct hvst_ref_segment){
		.vm = vm->number,
		.from_ns = from,
		.to_ns = to,
		.source = hvst_tscpage_source(&vm->page, from),
		.rate_ppm = st->rate_ppm,
		.rate_ppm_error = st->rate_ppm_error,
		.offset_ns = hvst_refclock_line_at(&p->line, from),
		.samples = st->samples,
	};
	if (whole && p->joint == REFCLOCK_STEP)
		out->step_ns = p->step;
	else if (whole && p->joint != REFCLOCK_BEND)
		out->step_ns = HVST_UNKNOWN;
	if (out->source == HVST_REF_TSC_PAGE && from >= vm->page.frozen_from &&
	    from < vm->page.frozen_to)
		why = "page left as it was (TSC emulation control)";
	if (whole && p->joint == REFCLOCK_STEP && p->at_least)
		snprintf(out->why, sizeof(out->why),
			 "%s; a step of at least this, as arms that were due prove", why);
	else if (whole && p->joint == REFCLOCK_STEP && p->event >= 0)
		snprintf(out->why, sizeof(out->why), "%s; step at %s", why,
			 hvst_event_name((unsigned int)p->event));
	else if (whole && p->joint == REFCLOCK_UNDECIDED)
		snprintf(out->why, sizeof(out->why),
			 "%s; moved by %+.6f s without a reading: a step, or a slew", why,
			 (double)p->step / 1e9);
	else
		snprintf(out->why, sizeof(out->why), "%s", why);
}

/* Where the piece begins: at its step, else at its first reading. */
static int64_t piece_from(const struct refclock_piece *p)
{
	return p->joint == REFCLOCK_STEP || p->joint == REFCLOCK_UNDECIDED ? p->at : p->from;
}

/*
 * One VM's segments, cut again where the source changed. The last one ends with the VM's last
 * event: nothing shows that its clock exists any longer.
 */
static unsigned int segments_of(struct vm *vm, struct hvst_ref_segment *out)
{
	const struct tscpage *page = &vm->page;
	unsigned int n = 0, src = 0, i = 0;
	struct stretch st;

	while (hvst_refclock_piece(&vm->clock, i)) {
		const struct refclock_piece *next;
		int64_t from, end;
		bool whole = true;

		i = stretch_at(&vm->clock, i, &st);
		next = hvst_refclock_piece(&vm->clock, i);
		from = piece_from(st.first);
		end = next ? piece_from(next) : hvst_vm_last_ns(vm) + 1;
		while (src < page->nr_sources && page->sources[src].ts_ns <= from)
			src++;
		for (; src < page->nr_sources && page->sources[src].ts_ns < end; src++) {
			segment_out(&out[n++], vm, &st, from, page->sources[src].ts_ns, whole);
			from = page->sources[src].ts_ns;
			whole = false;
		}
		segment_out(&out[n++], vm, &st, from, end, whole);
	}
	return n;
}

static int build_reference(struct analysis *a)
{
	struct hvst_ref_segment *list;
	unsigned int n = 0;

	for_each_vm (vm, a)
		n += vm_segments(vm);
	list = calloc(n ? n : 1, sizeof(*list));
	if (!list)
		return -ENOMEM;
	n = 0;
	for_each_vm (vm, a)
		if (hvst_vm_pass(a, vm))
			n += segments_of(vm, list + n);
	a->result.reference = hvst_list(list, n, sizeof(*list));
	a->result.nr_reference = n;
	return a->result.reference ? 0 : -ENOMEM;
}

static int build_unpaired(struct analysis *a)
{
	for_each_vm (vm, a)
		if (vm->start_latency && hvst_vm_pass(a, vm) &&
		    hvst_sketch_merge(a->unpaired, vm->start_latency))
			return -ENOMEM;
	a->unpaired_summary = (struct hvst_unpaired){
		.count = hvst_sketch_count(a->unpaired),
		.p50_ns = hvst_sketch_quantile(a->unpaired, 5000),
		.p95_ns = hvst_sketch_quantile(a->unpaired, 9500),
		.p99_ns = hvst_sketch_quantile(a->unpaired, 9900),
		.max_ns = hvst_sketch_max(a->unpaired),
	};
	return 0;
}

#define FORGET_NUMBERS(list, n)                                                                    \
	do {                                                                                       \
		for (unsigned int i = 0; i < (n); i++) {                                           \
			int *vm = (int *)(uintptr_t) & (list)[i]->vm;                              \
                                                                                                   \
			*vm = *vm < 0 ? -1 : *vm;                                                  \
		}                                                                                  \
	} while (0)

/*
 * Unknown VMs have numbers of their own only while each is asked: in the result they all have -1.
 */
static void forget_numbers(struct hvst_result *r)
{
	FORGET_NUMBERS(r->storms, r->nr_storms);
	FORGET_NUMBERS(r->guest, r->nr_guest);
	FORGET_NUMBERS(r->reference, r->nr_reference);
	FORGET_NUMBERS(r->life, r->nr_life);
	FORGET_NUMBERS(r->moves, r->nr_moves);
	FORGET_NUMBERS(r->points, r->nr_points);
}

static void list_verdicts(struct analysis *a)
{
	for (unsigned int q = 0; q < HVST_Q_COUNT; q++)
		a->verdict_list[q] = &a->verdicts[q];
	a->result.verdicts = a->verdict_list;
	a->result.nr_verdicts = HVST_Q_COUNT;
}

int hvst_result_build(struct analysis *a)
{
	a->result.past_due = &a->past_due;
	a->result.unpaired = &a->unpaired_summary;
	list_verdicts(a);
	if (hvst_by_vm_vms(a) || build_vms(a) || build_timers(a) || build_reference(a) ||
	    hvst_by_vm_reference(a) || build_storms(a) || hvst_by_vm_storms(a) || build_guest(a) ||
	    hvst_by_vm_guest(a) || build_unpaired(a) || hvst_life_build(a) || hvst_by_vm_life(a) ||
	    hvst_twoclocks_build(a))
		return -ENOMEM;
	hvst_verdicts(a);
	forget_numbers(&a->result);
	hvst_headline(a);
	return a->error;
}

void hvst_result_free(struct analysis *a)
{
	struct hvst_result *r = &a->result;

	for (unsigned int q = 0; q < HVST_Q_COUNT; q++)
		free((void *)(uintptr_t)a->verdicts[q].by_vm);
	free((void *)(uintptr_t)r->vms);
	free(a->vcpus);
	free((void *)(uintptr_t)r->timers);
	free((void *)(uintptr_t)r->storms);
	free((void *)(uintptr_t)r->guest);
	free((void *)(uintptr_t)r->reference);
	hvst_life_results_free(a);
	free((void *)(uintptr_t)r->points);
	memset(r, 0, sizeof(*r));
}

bool hvst_result_all_no(const struct hvst_result *r)
{
	unsigned int q;

	for (q = 0; q < r->nr_verdicts; q++)
		if (r->verdicts[q]->answer != HVST_NO)
			return false;
	return true;
}
