// SPDX-License-Identifier: GPL-2.0
/* Tracks and slices of a recording. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../output/finding.h"
#include "../output/words.h"
#include "timeline.h"

/*
 * A bin takes at most 150 bytes of the file, so that all of them stay below 40 MB for any
 * recording; and 4096 are more than a screen has columns.
 */
#define MAX_BINS       (1u << 18)
#define MAX_TIMER_BINS 4096u

/*
 * The trace does not tell the VMM's process id: use one that Linux assigns to no process
 * (PID_MAX_LIMIT).
 */
#define PID_BASE (1 << 22)

#define NAME_BUF 96

/* --- tracks of VMs, threads, timers ----------------------------------------------------------- */

static int compare(int a, int b)
{
	return (a > b) - (a < b);
}

static int by_vm(const void *a, const void *b)
{
	return compare(((const struct vm_track *)a)->vm, ((const struct vm_track *)b)->vm);
}

static int by_thread(const void *a, const void *b)
{
	const struct thread_track *x = a, *y = b;
	int c = compare(x->tid, y->tid);

	return c ? c : compare(x->vm, y->vm);
}

static int by_timer(const void *a, const void *b)
{
	const struct timer_track *x = a, *y = b;
	int c = compare(x->tid, y->tid);

	c = c ? c : compare(x->timer, y->timer);
	return c ? c : compare(x->vm, y->vm);
}

/* Sorts, and drops duplicates. Returns how many are left. */
static unsigned int sort_unique(void *v, unsigned int n, size_t size,
				int (*order)(const void *, const void *))
{
	unsigned int i, kept = 0;
	char *p = v;

	qsort(v, n, size, order);
	for (i = 0; i < n; i++)
		if (!i || order(p + i * size, p + (kept - 1) * size)) {
			if (i != kept)
				memcpy(p + kept * size, p + i * size, size);
			kept++;
		}
	return kept;
}

static struct vm_track *find_vm(const struct timeline *t, int vm)
{
	const struct vm_track key = { .vm = vm };

	return bsearch(&key, t->vms, t->nr_vms, sizeof(key), by_vm);
}

static const struct thread_track *find_thread(const struct timeline *t, int tid, int vm)
{
	const struct thread_track key = { .tid = tid, .vm = vm };

	return bsearch(&key, t->threads, t->nr_threads, sizeof(key), by_thread);
}

/* With @vm -1 any VM's timer of that thread. */
static struct timer_track *find_timer(struct timeline *t, int tid, int timer, int vm)
{
	const struct timer_track key = { .tid = tid, .timer = timer, .vm = vm };
	unsigned int low = 0, high = t->nr_timers;
	struct timer_track *found;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;

		if (by_timer(&t->timers[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == t->nr_timers)
		return NULL;
	found = &t->timers[low];
	if (found->tid != tid || found->timer != timer)
		return NULL;
	return vm < 0 || found->vm == vm ? found : NULL;
}

static void collect_tracks(struct timeline *t, const struct hvst_result *r)
{
	unsigned int i, j;

	for (i = 0; i < r->nr_vms; i++) {
		const struct hvst_vm *vm = r->vms[i];

		t->vms[t->nr_vms++].vm = vm->vm;
		for (j = 0; j < vm->nr_vcpus; j++)
			t->threads[t->nr_threads++] =
				(struct thread_track){ vm->vcpus[j]->tid, vm->vm,
						       vm->vcpus[j]->vcpu, 0 };
	}
	for (i = 0; i < r->nr_timers; i++) {
		const struct hvst_timer *timer = r->timers[i];

		t->vms[t->nr_vms++].vm = timer->vm;
		t->threads[t->nr_threads++] =
			(struct thread_track){ timer->tid, timer->vm, timer->vcpu, 0 };
		t->timers[t->nr_timers++] = (struct timer_track){ .tid = timer->tid,
								  .timer = timer->timer,
								  .vm = timer->vm };
	}
	t->nr_vms = sort_unique(t->vms, t->nr_vms, sizeof(*t->vms), by_vm);
	t->nr_threads = sort_unique(t->threads, t->nr_threads, sizeof(*t->threads), by_thread);
	t->nr_timers = sort_unique(t->timers, t->nr_timers, sizeof(*t->timers), by_timer);
}

static int allocate_tracks(struct timeline *t, const struct hvst_result *r)
{
	size_t vcpus = 0;
	unsigned int i;

	for (i = 0; i < r->nr_vms; i++)
		vcpus += r->vms[i]->nr_vcpus;
	t->vms = calloc((size_t)r->nr_vms + r->nr_timers + 1, sizeof(*t->vms));
	t->threads = calloc(vcpus + r->nr_timers + 1, sizeof(*t->threads));
	t->timers = calloc((size_t)r->nr_timers + 1, sizeof(*t->timers));
	return t->vms && t->threads && t->timers ? 0 : -ENOMEM;
}

static const char *vm_name(char buf[NAME_BUF], const struct hvst_result *r, int vm)
{
	const struct hvst_vm *known = result_vm(r, vm);
	const char *name = known ? known->name : NULL;

	if (vm < 0)
		snprintf(buf, NAME_BUF, "VM unknown");
	else
		snprintf(buf, NAME_BUF, "VM %d%s%s", vm, name ? " " : "", name ? name : "");
	return buf;
}

static int vm_pid(int vm)
{
	return PID_BASE + 1 + vm;
}

static void describe_tracks(struct timeline *t, const struct hvst_result *r)
{
	char name[NAME_BUF];
	unsigned int i;

	for (i = 0; i < t->nr_vms; i++) {
		struct vm_track *vm = &t->vms[i];

		vm->process = pftrace_process(&t->pf, vm_pid(vm->vm), vm_name(name, r, vm->vm));
		vm->host.last_end = INT64_MIN;
	}
	for (i = 0; i < t->nr_threads; i++) {
		struct thread_track *thread = &t->threads[i];

		snprintf(name, sizeof(name), "vCPU %d", thread->vcpu);
		thread->thread = pftrace_thread(&t->pf, vm_pid(thread->vm), thread->tid, name);
	}
}

static uint64_t timer_parent(const struct timeline *t, const struct timer_track *timer)
{
	return find_thread(t, timer->tid, timer->vm)->thread;
}

static void describe_timers(struct timeline *t)
{
	char name[NAME_BUF];
	unsigned int i;

	for (i = 0; i < t->nr_timers; i++) {
		struct timer_track *timer = &t->timers[i];
		uint64_t parent = timer_parent(t, timer);

		timer->slices.last_end = timer->storms.last_end = INT64_MIN;
		snprintf(name, sizeof(name), "timer %d storms", timer->timer);
		timer->storms.uuid = pftrace_track(&t->pf, parent, name);
		if (t->detail == DETAIL_FINDINGS)
			continue;
		snprintf(name, sizeof(name), "timer %d", timer->timer);
		timer->slices.uuid = pftrace_track(&t->pf, parent, name);
		snprintf(name, sizeof(name), "timer %d skew", timer->timer);
		timer->skew = pftrace_counter(&t->pf, parent, name);
	}
}

/* --- findings --------------------------------------------------------------------------------- */

/* A new track of a VM as a whole (@tid -1), or of one vCPU. */
static uint64_t child_track(struct timeline *t, int vm, int tid, const char *name)
{
	const struct thread_track *thread = tid < 0 ? NULL : find_thread(t, tid, vm);
	const struct vm_track *process = find_vm(t, vm);

	return pftrace_track(&t->pf,
			     thread    ? thread->thread
			     : process ? process->process
				       : 0,
			     name);
}

static void put_storm(struct timeline *t, const struct hvst_storm *s, uint64_t flow)
{
	struct timer_track *timer = find_timer(t, s->tid, s->timer, s->vm);

	if (!timer)
		return;
	pftrace_slice(&t->pf, &timer->storms, s->start_ns, s->end_ns, "storm",
		      hvst_storm_kind_name(s->kind));
	if (flow)
		pftrace_flow(&t->pf, flow, true);
	pftrace_finding(&t->pf, &finding_storm, s);
	pftrace_done(&t->pf);
	pftrace_slice_end(&t->pf, &timer->storms);
}

/* The clock event that came before a storm, with an arrow to it. */
static void put_trigger(struct timeline *t, const struct hvst_storm *s, uint64_t track,
			uint64_t flow)
{
	pftrace_instant(&t->pf, track, s->trigger_ts_ns, "trigger",
			hvst_event_name(s->trigger_event));
	pftrace_flow(&t->pf, flow, false);
	pftrace_int(&t->pf, "distance_ns", s->trigger_distance_ns);
	pftrace_done(&t->pf);
}

static void put_storms(struct timeline *t, const struct hvst_result *r)
{
	unsigned int i;

	for (i = 0; i < r->nr_storms; i++) {
		const struct hvst_storm *s = r->storms[i];
		struct vm_track *vm = find_vm(t, s->vm);
		/* arrows lead forward in time */
		bool before = vm && s->trigger_event >= 0 && s->trigger_ts_ns <= s->start_ns &&
			      s->trigger_ts_ns != HVST_UNKNOWN;

		if (before && !vm->triggers)
			vm->triggers = pftrace_track(&t->pf, vm->process, "events before storms");
		if (before)
			put_trigger(t, s, vm->triggers, i + 1);
		put_storm(t, s, before ? i + 1 : 0);
	}
}

static void put_segment(struct timeline *t, struct pf_track *track,
			const struct hvst_ref_segment *s)
{
	pftrace_slice(&t->pf, track, s->from_ns, s->to_ns, "clock",
		      hvst_ref_source_name(s->source));
	pftrace_finding(&t->pf, &finding_reference, s);
	pftrace_done(&t->pf);
	pftrace_slice_end(&t->pf, track);
	if (s->step_ns == HVST_UNKNOWN || !s->step_ns)
		return;
	pftrace_instant(&t->pf, track->uuid, s->from_ns, "step", "step");
	pftrace_finding(&t->pf, &finding_reference, s);
	pftrace_done(&t->pf);
}

static void put_host_clocks(struct timeline *t, const struct hvst_result *r)
{
	unsigned int i;

	for (i = 0; i < r->nr_reference; i++) {
		struct vm_track *vm = find_vm(t, r->reference[i]->vm);

		if (!vm)
			continue;
		if (!vm->host.uuid)
			vm->host.uuid = pftrace_track(&t->pf, vm->process, "host clock");
		put_segment(t, &vm->host, r->reference[i]);
	}
}

static int by_clock(const void *a, const void *b)
{
	const struct hvst_guest_transition *x = *(const struct hvst_guest_transition *const *)a;
	const struct hvst_guest_transition *y = *(const struct hvst_guest_transition *const *)b;
	int c = compare(x->vm, y->vm);

	c = c ? c : compare(x->tid, y->tid);
	c = c ? c : compare((int)x->role, (int)y->role);
	return c ? c : (x->ts_ns > y->ts_ns) - (x->ts_ns < y->ts_ns);
}

static bool same_clock(const struct hvst_guest_transition *a, const struct hvst_guest_transition *b)
{
	return a->vm == b->vm && a->tid == b->tid && a->role == b->role;
}

static void put_source(struct timeline *t, struct pf_track *track, int64_t from, int64_t to,
		       enum hvst_guest_source source)
{
	pftrace_slice(&t->pf, track, from, to, "clock", hvst_guest_source_name(source));
	pftrace_done(&t->pf);
	pftrace_slice_end(&t->pf, track);
}

static void put_transition(struct timeline *t, const struct pf_track *track,
			   const struct hvst_guest_transition *g)
{
	pftrace_instant(&t->pf, track->uuid, g->ts_ns, "transition", hvst_guest_source_name(g->to));
	pftrace_finding(&t->pf, &finding_guest, g);
	pftrace_done(&t->pf);
}

static uint64_t source_track(struct timeline *t, const struct hvst_guest_transition *g)
{
	char name[NAME_BUF];

	if (g->role == HVST_ROLE_UNKNOWN)
		snprintf(name, sizeof(name), "guest clock source");
	else
		snprintf(name, sizeof(name), "guest clock source (%s)",
			 hvst_clock_role_name(g->role));
	return child_track(t, g->vm, g->tid, name);
}

/*
 * One slice for each state: up to each transition the state before it, after the last one the state
 * after it.
 */
static int put_guest_clocks(struct timeline *t, const struct hvst_result *r)
{
	const struct hvst_guest_transition **v = calloc(r->nr_guest + 1, sizeof(*v));
	struct pf_track track = { 0 };
	int64_t from = t->first_ns;
	unsigned int i, n = r->nr_guest;

	if (!v)
		return -ENOMEM;
	for (i = 0; i < n; i++)
		v[i] = r->guest[i];
	qsort(v, n, sizeof(*v), by_clock);
	for (i = 0; i < n; i++) {
		if (!i || !same_clock(v[i], v[i - 1])) {
			track = (struct pf_track){ source_track(t, v[i]), INT64_MIN };
			from = t->first_ns;
		}
		put_source(t, &track, from, v[i]->ts_ns, v[i]->from);
		put_transition(t, &track, v[i]);
		from = v[i]->ts_ns;
		if (i + 1 == n || !same_clock(v[i], v[i + 1]))
			put_source(t, &track, from, t->last_ns, v[i]->to);
	}
	free(v);
	return 0;
}

static void put_life(struct timeline *t, const struct hvst_result *r)
{
	unsigned int i;

	for (i = 0; i < r->nr_life; i++) {
		const struct hvst_life_event *l = r->life[i];
		struct vm_track *vm = find_vm(t, l->vm);

		if (!vm)
			continue;
		if (!vm->life)
			vm->life = pftrace_track(&t->pf, vm->process, "VM");
		pftrace_instant(&t->pf, vm->life, l->ts_ns, "life", words_life(l->kind));
		pftrace_finding(&t->pf, &finding_life, l);
		pftrace_done(&t->pf);
	}
}

/* Points come by VM. */
static void put_points(struct timeline *t, const struct hvst_result *r)
{
	uint64_t reference = 0, guest = 0;
	unsigned int i;

	for (i = 0; i < r->nr_points; i++) {
		const struct hvst_clock_point *p = r->points[i];

		if (!i || p->vm != r->points[i - 1]->vm) {
			const struct vm_track *vm = find_vm(t, p->vm);
			uint64_t parent = vm ? vm->process : 0;

			reference = pftrace_counter(&t->pf, parent, "reference minus trace");
			guest = pftrace_counter(&t->pf, parent, "guest minus trace");
		}
		if (p->reference_max_ns != HVST_UNKNOWN)
			pftrace_value(&t->pf, reference, p->from_ns, p->reference_max_ns);
		if (p->guest_max_ns != HVST_UNKNOWN)
			pftrace_value(&t->pf, guest, p->from_ns, p->guest_max_ns);
	}
}

/* --- bins ------------------------------------------------------------------------------------- */

static int allocate_bins(struct timeline *t)
{
	unsigned int i, n = t->nr_timers;
	size_t b;

	if (t->detail != DETAIL_BINNED || !n)
		return 0;
	t->nr_bins = MAX_BINS / n < MAX_TIMER_BINS ? MAX_BINS / n : MAX_TIMER_BINS;
	t->nr_bins = t->nr_bins ? t->nr_bins : 1;
	t->bin_ns = ((uint64_t)t->last_ns - (uint64_t)t->first_ns) / t->nr_bins + 1;
	t->bins = calloc((size_t)n * t->nr_bins, sizeof(*t->bins));
	if (!t->bins)
		return -ENOMEM;
	for (b = 0; b < (size_t)n * t->nr_bins; b++)
		t->bins[b].skew_max = HVST_UNKNOWN;
	for (i = 0; i < n; i++)
		t->timers[i].bins = t->bins + (size_t)i * t->nr_bins;
	return 0;
}

static struct arm_bin *bin_at(struct timeline *t, struct timer_track *timer, int64_t ts)
{
	uint64_t after = ts <= t->first_ns ? 0 : (uint64_t)ts - (uint64_t)t->first_ns;
	uint64_t i = after / t->bin_ns;

	return &timer->bins[i < t->nr_bins ? i : t->nr_bins - 1];
}

static void put_bin(struct timeline *t, struct timer_track *timer, unsigned int i)
{
	const struct arm_bin *b = &timer->bins[i];
	int64_t from = (int64_t)((uint64_t)t->first_ns + i * t->bin_ns);
	int64_t to = i + 1 == t->nr_bins ? t->last_ns : from + (int64_t)t->bin_ns;

	pftrace_slice(&t->pf, &timer->slices, from, to, "timer",
		      b->past_due >= b->arms - b->past_due ? "past due" : "ahead");
	pftrace_uint(&t->pf, "arms", b->arms);
	pftrace_uint(&t->pf, "past_due", b->past_due);
	pftrace_done(&t->pf);
	pftrace_slice_end(&t->pf, &timer->slices);
	if (b->skew_max != HVST_UNKNOWN)
		pftrace_value(&t->pf, timer->skew, from, b->skew_max);
}

static void put_bins(struct timeline *t)
{
	unsigned int i, b;

	for (i = 0; t->bins && i < t->nr_timers; i++)
		for (b = 0; b < t->nr_bins; b++)
			if (t->timers[i].bins[b].arms)
				put_bin(t, &t->timers[i], b);
}

/* --- arms and expirations --------------------------------------------------------------------- */

int timeline_arm(struct timeline *t, const struct hvst_arm *arm, const struct who *who)
{
	struct timer_track *timer = find_timer(t, arm->tid, arm->timer, who->vm);
	struct arm_bin *b;

	if (!timer || arm->flags & (HVST_ARM_RESTART | HVST_ARM_PARKED))
		return 0;
	if (!timer->bins) {
		if (arm->skew_ns != HVST_UNKNOWN)
			pftrace_value(&t->pf, timer->skew, arm->ts_ns, arm->skew_ns);
		return -t->pf.out.err;
	}
	b = bin_at(t, timer, arm->ts_ns);
	b->arms++;
	b->past_due += arm->kind == HVST_ARM_PAST_DUE;
	if (arm->skew_ns > b->skew_max)
		b->skew_max = arm->skew_ns;
	return 0;
}

/* A deadline that lay ahead is known, unless the arm itself was not recorded. */
static const char *fire_name(const struct hvst_fire *f)
{
	if (f->arm_ns == HVST_UNKNOWN)
		return "arm not recorded";
	return f->deadline_ns != HVST_UNKNOWN ? "ahead" : "past due";
}

int timeline_fire(struct timeline *t, const struct hvst_fire *fire, const struct who *who)
{
	struct timer_track *timer = find_timer(t, fire->tid, fire->timer, who->vm);
	bool armed = fire->arm_ns != HVST_UNKNOWN;

	if (!timer || t->detail != DETAIL_ALL)
		return 0;
	pftrace_slice(&t->pf, &timer->slices, armed ? fire->arm_ns : fire->expiration_ns,
		      fire->expiration_ns, "timer", fire_name(fire));
	pftrace_done(&t->pf);
	pftrace_slice_end(&t->pf, &timer->slices);
	return -t->pf.out.err;
}

/* --- the file --------------------------------------------------------------------------------- */

int timeline_open(struct timeline *t, const char *path, enum detail detail)
{
	memset(t, 0, sizeof(*t));
	t->detail = detail;
	return pftrace_open(&t->pf, path);
}

int timeline_findings(struct timeline *t, const struct hvst_trace *trace,
		      const struct hvst_result *r)
{
	int err = allocate_tracks(t, r);

	if (err)
		return err;
	t->first_ns = trace->first_ns;
	t->last_ns = trace->last_ns;
	collect_tracks(t, r);
	describe_tracks(t, r);
	describe_timers(t);
	put_storms(t, r);
	put_host_clocks(t, r);
	put_life(t, r);
	put_points(t, r);
	err = put_guest_clocks(t, r);
	return err ? err : allocate_bins(t);
}

static void free_tracks(struct timeline *t)
{
	free(t->vms);
	free(t->threads);
	free(t->timers);
	free(t->bins);
	t->vms = NULL;
	t->threads = NULL;
	t->timers = NULL;
	t->bins = NULL;
	t->nr_timers = 0;
}

int timeline_close(struct timeline *t)
{
	put_bins(t);
	free_tracks(t);
	return pftrace_close(&t->pf);
}

void timeline_discard(struct timeline *t)
{
	free_tracks(t);
	pftrace_discard(&t->pf);
}
