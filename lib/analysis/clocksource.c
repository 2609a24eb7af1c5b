/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Which clock the guest programs its timers from, and what the host's reference
 * clock is computed from (arch/x86/kvm/hyperv.c: get_time_ref_counter(), kvm_hv_setup_tsc_page(),
 * set_msr_hyperv()).
 *
 * A write of REFERENCE_TSC is seen; its effect on the guest shows in the next arms: they are
 * preceded by a read of TIME_REF_COUNT, or not. An arm counts only if the guest read a clock for
 * it: a target that moved on by the same step as before, or that is armed again, needed none.
 */
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clocksource.h"

#define AGREEING_ARMS	3    /* arms in a row that show a source which no write announced */
#define SAME_TARGET_REF 8    /* a Linux guest recomputes its target: -3..+5 units around it */
#define ROW_MIN		16   /* arms in a row that show a change which no write announced */
#define UNREAD_ARMS	32   /* arms in a row without a read, after which few need a clock */
#define ROW_LOG_CHANCE	13.8 /* a row of arms by chance: 1 in 1,000,000 */
#define ROW_LOOK	8    /* a row is weighed again when it has grown by this */
#define MAX_TURNS	4    /* changes without a write of the page that are told as such */
#define STRAY_ARMS	64   /* with a read; one without may have another reason */
#define NO_TRANSITION	UINT_MAX
#define UNDERIVED_ARMS	8 /* arms after a page write, none of which shows a clock */
#define WRITER_WAIT_NS	(200LL * 1000 * 1000) /* for the arms of the vCPU that wrote the page */
#define MAX_LOOK	4096 /* transitions searched for the source used at a time */
#define READ_ROW	8    /* reads of one clock in a row that make it the guest's timekeeping */
#define READ_GAP_NS                                                                                \
	(100LL * 1000 * 1000) /* a clocksource watchdog reads every half second: exclude it */

/* The source that a VM's vCPUs share, and a change of it that is not confirmed yet. */
struct vm_source {
	enum hvst_guest_source source;
	bool change_pending;	   /* a page write whose effect the next arms will show */
	int change_tid;		   /* the vCPU thread that wrote it; -1: the host broke the page */
	unsigned int change_arms;  /* its arms since */
	unsigned int change_reads; /* reads before an arm, but with its config written in between */
	unsigned int change_silent; /* those for which a clock was read, but not the counter */
	int64_t change_ns;
	unsigned int change_ticks; /* expirations since */
	struct hvst_evidence change_why;
	/*
	 * Without a write of the page, arms without a read come from the page or from the raw TSC.
	 * The first change from one of these, or to one of these.
	 */
	bool open;
	struct hvst_evidence open_why;
	bool silent_before; /* ... before the write of @change_why */
	enum hvst_guest_source timekeeping;
	/* the reads of a clock in a row, for timekeeping */
	enum hvst_guest_source reads_of;
	unsigned int reads;
	struct hvst_evidence reads_why;
	int64_t reads_last;
};

struct vcpu_source {
	enum hvst_guest_source source; /* HVST_SRC_UNKNOWN: as the VM */
	bool learned;		       /* its first source is known: another one is a change */
	bool read_last;		       /* the last MSR access was a read of TIME_REF_COUNT */
	bool config_since;	       /* ... but for a write of the timer's config */
	uint32_t delivered_since;      /* timers that expired since that read, a bit each */
	unsigned int exits_since_read;
	uint32_t msrs_since_arm;
	struct hvst_evidence read_why;
	/*
	 * Arms in a row whose count came from a clock: with a read of the counter before them, and
	 * without.
	 */
	unsigned int with_read, without_read;
	unsigned int unread; /* arms of any kind since the last one with a read */
	struct hvst_evidence with_why, without_why;
	/* all such arms since its source last changed, but for the present row */
	uint64_t all_with, all_without;
	/* the same since the last row of one sort that is long enough to be a state of its own */
	uint64_t mixed_with, mixed_without;
	/* The change to the counter that a row of reads showed and that no arm has contradicted. */
	unsigned int by_row;
	unsigned int breaks; /* rows of reads since that ended with an arm which needs no clock */
	enum hvst_guest_source before_row;
	/* changes since the last write of the page, and the first of them */
	unsigned int turns, first_turn;
};

struct timer_source {
	uint64_t count; /* last written */
	int64_t delta;	/* from the one before */
	bool seen;
};

int hvst_clocksource_vm_created(struct vm *vm)
{
	vm->state->source = calloc(1, sizeof(*vm->state->source));
	return vm->state->source ? 0 : -ENOMEM;
}

int hvst_clocksource_vcpu_created(struct vcpu *v)
{
	v->state->source = calloc(1, sizeof(*v->state->source));
	if (!v->state->source)
		return -ENOMEM;
	v->state->source->by_row = NO_TRANSITION;
	return 0;
}

int hvst_clocksource_timer_created(struct stimer *t)
{
	t->state->source = calloc(1, sizeof(*t->state->source));
	return t->state->source ? 0 : -ENOMEM;
}

void hvst_clocksource_vm_free(struct vm *vm)
{
	free(vm->state->source);
}

void hvst_clocksource_vcpu_free(struct vcpu *v)
{
	free(v->state->source);
}

void hvst_clocksource_timer_free(struct stimer *t)
{
	free(t->state->source);
}

void hvst_clocksource_gap(struct vcpu *v)
{
	v->state->source->read_last = false;
	v->state->source->msrs_since_arm = 0;
}

struct hvst_guest_transition *hvst_transition_add(struct analysis *a, struct vm *vm, struct vcpu *v)
{
	struct hvst_guest_transition *t;
	struct transition_found *f;

	if (a->nr_transitions >= ANALYSIS_MAX_TRANSITIONS)
		return NULL;
	if (a->nr_transitions == a->cap_transitions) {
		unsigned int cap = a->cap_transitions ? 2 * a->cap_transitions : 16;

		f = realloc(a->transitions, cap * sizeof(*f));
		if (!f) {
			a->error = -ENOMEM;
			return NULL;
		}
		a->transitions = f;
		a->cap_transitions = cap;
	}
	f = &a->transitions[a->nr_transitions++];
	memset(f, 0, sizeof(*f));
	f->of = v ? v : vm->vcpus;
	f->vcpu = v;
	t = &f->transition;
	t->vm = -1;
	t->vcpu = v ? v->vcpu_id : -1;
	t->tid = v ? v->tid : -1;
	t->offset_ns = HVST_UNKNOWN;
	t->rate_ppm = t->rate_ppm_error = __builtin_nan("");
	return t;
}

static void change(struct analysis *a, struct vm *vm, struct vcpu *v, enum hvst_guest_source from,
		   enum hvst_guest_source to, enum hvst_confidence conf,
		   const struct hvst_evidence *why, const struct hvst_evidence *more)
{
	struct hvst_guest_transition *t = hvst_transition_add(a, vm, v);

	if (!t)
		return;
	t->role = HVST_ROLE_STIMER;
	t->ts_ns = why->ts_ns;
	t->from = from;
	t->to = to;
	t->confidence = conf;
	hvst_evidence_add(&t->evidence, why);
	if (more)
		hvst_evidence_add(&t->evidence, more);
}

static enum hvst_guest_source source_of(const struct vcpu *v)
{
	const struct vcpu_source *s = v->state->source;

	return s->source != HVST_SRC_UNKNOWN ? s->source : v->vm->state->source->source;
}

enum hvst_guest_source hvst_clocksource_at(const struct analysis *a, const struct vcpu *v,
					   int64_t ts)
{
	const struct hvst_guest_transition *before = NULL, *after = NULL;
	unsigned int looked = 0;

	for (unsigned int i = a->nr_transitions; i-- > 0 && looked < MAX_LOOK; looked++) {
		const struct transition_found *f = &a->transitions[i];
		const struct hvst_guest_transition *t = &f->transition;

		if (f->of->vm != v->vm || (f->vcpu && f->vcpu != v) ||
		    t->role != HVST_ROLE_STIMER || t->confidence == HVST_SUSPECTED)
			continue;
		if (t->ts_ns <= ts && (!before || t->ts_ns > before->ts_ns))
			before = t;
		if (t->ts_ns > ts && (!after || t->ts_ns < after->ts_ns))
			after = t;
	}
	if (before)
		return before->to;
	return after ? after->from : source_of(v);
}

/* A change from or to a source that is not known: the page, or the raw TSC. */
static __attribute__((noinline)) void change_open(struct vm_source *vm,
						  const struct hvst_evidence *why)
{
	if (!vm->open)
		vm->open_why = *why;
	vm->open = true;
}

bool hvst_clocksource_open(const struct vm_state *s, struct hvst_evidence_list *why)
{
	if (!s || !s->source || !s->source->open)
		return false;
	hvst_evidence_add(why, &s->source->open_why);
	return true;
}

/* @v: the vCPU that showed it. What it used before is what the VM used, unless known better. */
static void confirm_change(struct analysis *a, struct vm *owner, const struct vcpu *v,
			   enum hvst_guest_source to, enum hvst_confidence conf,
			   const struct hvst_event *ev, const char *text)
{
	struct vm_source *vm = owner->state->source;
	enum hvst_guest_source from =
		v && vm->source == HVST_SRC_UNKNOWN ? v->state->source->source : vm->source;
	struct hvst_evidence arm_why;

	vm->change_pending = false;
	if (ev)
		hvst_evidence_plain(&arm_why, ev, text);
	if (to != from)
		change(a, owner, NULL, from, to, conf, &vm->change_why, ev ? &arm_why : NULL);
	if (from == HVST_SRC_UNKNOWN && vm->silent_before)
		change_open(vm, &vm->change_why);
	vm->silent_before = false;
	vm->source = to;
}

/*
 * All its vCPUs now use the VM's source, except those that showed another one since the write: a
 * vCPU that still reads the counter while the page is enabled.
 */
static void confirmed_for(struct vcpu *v)
{
	bool usable = hvst_tscpage_usable(&v->vm->page);

	for_each_vcpu (o, v->vm) {
		struct vcpu_source *os = o->state ? o->state->source : NULL;

		if (!os)
			continue;
		os->source = usable && o != v && os->with_read > 1 &&
					     source_of(o) == HVST_SRC_REFERENCE_COUNTER
				     ? HVST_SRC_REFERENCE_COUNTER
				     : HVST_SRC_UNKNOWN;
		os->turns = 0;
		os->by_row = NO_TRANSITION; /* arms from here on say nothing of what came before */
	}
	v->state->source->learned = true;
}

/*
 * vCPUs may use different clocks: the vCPU that wrote the page decides for the VM, if it arms at
 * all.
 */
static bool speaks_for_vm(const struct vm_source *vm, const struct vcpu *v, int64_t ts)
{
	if (vm->change_tid < 0 || vm->change_tid == v->tid)
		return true;
	return !vm->change_arms && ts - vm->change_ns > WRITER_WAIT_NS;
}

/*
 * The arms after a page write show its effect. A read of the counter before an arm with the page
 * off, or an arm without one with the page on, decides at once. Everything else takes several arms:
 * the count of the first arm may have been computed before the write.
 */
static __attribute__((noinline)) void follow_change(struct analysis *a, struct vcpu *v,
						    bool read_before, bool derived,
						    const struct hvst_event *ev)
{
	struct vm_source *vm = v->vm->state->source;
	bool usable = hvst_tscpage_usable(&v->vm->page);

	if (!speaks_for_vm(vm, v, ev->ts_ns))
		return;
	vm->change_arms++;
	vm->change_silent += derived && !read_before;
	if (usable && derived && !read_before)
		confirm_change(a, v->vm, v, HVST_SRC_TSC_PAGE, HVST_OBSERVED, ev,
			       "next arms: no read of the counter before them");
	else if (!usable && read_before &&
		 (!v->state->source->config_since || ++vm->change_reads > 1))
		confirm_change(a, v->vm, v, HVST_SRC_REFERENCE_COUNTER, HVST_OBSERVED, ev,
			       "next arms: the counter is read just before them");
	else if (!usable && vm->change_silent >= AGREEING_ARMS && vm->change_tid < 0)
		vm->change_pending = false; /* the host broke the page: the guest kept its source */
	else if (!usable && vm->change_silent >= AGREEING_ARMS)
		confirm_change(
			a, v->vm, v, HVST_SRC_RAW_TSC, HVST_INFERRED, ev,
			"no page, and arms without a read of the counter: only the TSC is left");
	else if (!usable && vm->change_arms >= UNDERIVED_ARMS)
		confirm_change(a, v->vm, v, HVST_SRC_TSC_PAGE_DISABLED, HVST_OBSERVED, ev,
			       "the arms after it need no clock");
	else if (usable && read_before && vm->change_arms >= AGREEING_ARMS)
		vm->change_pending = false; /* it keeps reading the counter */
	if (!vm->change_pending)
		confirmed_for(v);
}

/*
 * Too few arms showed the effect of the write before the next write or the end of the trace. A
 * guest whose timers went on (periodic ones need no clock) runs with the page as written; a guest
 * that did nothing more, as before power-off, changed nothing for its timers.
 */
static void abandon_change(struct analysis *a, struct vm *vm, bool usable)
{
	struct vm_source *s = vm->state->source;
	bool alive = s->change_arms || s->change_ticks >= AGREEING_ARMS;

	if (!s->change_pending)
		return;
	s->change_pending = false;
	if (alive)
		confirm_change(a, vm, NULL, usable ? HVST_SRC_TSC_PAGE : HVST_SRC_TSC_PAGE_DISABLED,
			       HVST_OBSERVED, NULL, NULL);
}

static uint64_t arms_without(const struct vcpu_source *s)
{
	return s->all_without + s->without_read;
}

/*
 * The page may have been on before the trace began, or was restored by the VMM, and the guest armed
 * its timers without reading the counter. If it now switches the page off, it used it.
 */
static bool silent_so_far(const struct vm *vm, const struct hvst_change *c)
{
	if (c->page.was_known || vm->state->source->source != HVST_SRC_UNKNOWN ||
	    c->page.was_source != HVST_REF_UNKNOWN)
		return false;
	for_each_vcpu (v, vm)
		if (v->state && v->state->source->source == HVST_SRC_UNKNOWN &&
		    arms_without(v->state->source) >= AGREEING_ARMS)
			return true;
	return false;
}

/* The page is on, off or broken from here on; the guest's next arms show how it reacts. */
static void change_begins(struct analysis *a, struct vm *vm, int tid, bool was_usable, int64_t ts)
{
	struct vm_source *s = vm->state->source;

	abandon_change(a, vm, was_usable);
	s->change_pending = true;
	s->change_tid = tid;
	s->change_ns = ts;
	s->change_arms = s->change_silent = s->change_reads = s->change_ticks = 0;
	for_each_vcpu (v, vm)
		if (v->state)
			v->state->source->with_read = v->state->source->without_read = 0;
}

__attribute__((noinline)) void
hvst_clocksource_page(struct analysis *a, const struct hvst_change *c, const struct hvst_event *ev)
{
	bool usable = hvst_tscpage_usable(&c->vm->page);
	bool silent = c->vcpu && silent_so_far(c->vm, c);
	struct vm_source *s = c->vm->state->source;

	if (!usable && silent)
		s->source = HVST_SRC_TSC_PAGE;
	if (c->page.was_known && c->page.was_usable == usable)
		return; /* moved, or written again: no change of source */
	change_begins(a, c->vm, c->vcpu ? c->vcpu->tid : -1, c->page.was_usable, ev->ts_ns);
	s->silent_before = usable && silent;
	if (c->vcpu)
		hvst_evidence_set(&s->change_why, ev,
				  "guest writes HV_REFERENCE_TSC = 0x%llx: TSC page %s",
				  (unsigned long long)ev->msr.data, usable ? "on" : "off");
	else
		hvst_evidence_plain(&s->change_why, ev,
				    "no master clock any more: the TSC page is broken");
}

void hvst_clocksource_delivery(struct stimer *t)
{
	struct vcpu *v = t->vcpu;
	struct vm_source *vm = v->vm->state->source;

	vm->change_ticks += vm->change_pending;
	v->state->source->delivered_since |= 1u << t->index;
}

void hvst_clocksource_finish(struct analysis *a)
{
	for_each_vm (vm, a)
		if (vm->state)
			abandon_change(a, vm, hvst_tscpage_usable(&vm->page));
}

/*
 * Back and forth again and again, and the page is not written: reads of the counter that come and
 * go in rows are a habit of a guest that keeps its clock. Returns what is left of @conf.
 */
static enum hvst_confidence turned(struct analysis *a, const struct vcpu *v,
				   enum hvst_confidence conf)
{
	struct vcpu_source *s = v->state->source;

	if (!s->turns)
		s->first_turn = a->nr_transitions;
	if (++s->turns <= MAX_TURNS)
		return conf;
	for (unsigned int i = s->first_turn; s->turns == MAX_TURNS + 1 && i < a->nr_transitions;
	     i++) {
		struct transition_found *f = &a->transitions[i];

		if (f->vcpu == v && f->transition.role == HVST_ROLE_STIMER)
			f->transition.confidence = HVST_SUSPECTED;
	}
	return HVST_SUSPECTED;
}

static __attribute__((noinline)) void learn(struct analysis *a, struct vcpu *v,
					    enum hvst_guest_source to, enum hvst_confidence conf,
					    const struct hvst_evidence *why)
{
	struct vcpu_source *s = v->state->source;
	/* The first source of a vCPU is no change, whatever the rest of its VM uses. */
	enum hvst_guest_source now = s->learned ? source_of(v) : HVST_SRC_UNKNOWN;

	s->by_row = NO_TRANSITION;
	if (s->learned) { /* the row counts when it ends */
		s->all_with = s->all_without = 0;
		s->mixed_with = s->mixed_without = 0;
	}
	s->learned = true;
	if (now == to || (now == HVST_SRC_UNKNOWN && v->vm->state->source->source == to))
		return;
	if (now != HVST_SRC_UNKNOWN)
		conf = turned(a, v, conf);
	if (now != HVST_SRC_UNKNOWN && to == HVST_SRC_REFERENCE_COUNTER) {
		s->by_row = a->nr_transitions;
		s->breaks = 0;
		s->before_row = now;
	}
	change(a, v->vm, v, now, to, conf, why, NULL);
	s->source = to;
}

static double xlogx(uint64_t n)
{
	return n ? (double)n * log((double)n) : 0;
}

/*
 * Does a row of @row arms of one sort show a change, where @same and @other arms of either sort
 * came before it? A guest that uses the page may also read the counter for its accounting, before
 * some arms and not before others: that is one state. Compare the likelihoods of "one share before
 * the row, all in it" and of "one share all the time"; the ratio stays small after a few arms, from
 * which the share is hardly known.
 */
static __attribute__((noinline)) bool row_unlikely(unsigned int row, uint64_t same, uint64_t other)
{
	double two = xlogx(same) + xlogx(other) - xlogx(same + other);
	double one = xlogx(same + row) + xlogx(other) - xlogx(same + other + row);

	/* The first arms of the other sort occur once; those of a mixture recur. */
	return two - one > (same ? ROW_LOG_CHANCE : ROW_LOG_CHANCE / 2);
}

static bool row_means(unsigned int row, uint64_t same, uint64_t other)
{
	return row >= ROW_MIN && row % ROW_LOOK == 0 && other && row_unlikely(row, same, other);
}

/*
 * The share may have changed before the row: a guest on the page begins to read the counter before
 * two arms of three. The row must be unlikely after what came since the last row that was a state
 * of its own, unless nearly all arms since then have a read.
 */
static bool reads_are_habit(const struct vcpu_source *s)
{
	return s->mixed_without * STRAY_ARMS > s->mixed_with + s->with_read &&
	       !row_unlikely(s->with_read, s->mixed_with, s->mixed_without);
}

/* Arms without a read continue, although only the first of them came from a clock. */
static bool goes_without(const struct vcpu_source *s)
{
	return s->without_read >= AGREEING_ARMS - 1 && s->unread >= UNREAD_ARMS;
}

/*
 * A read after arms without reads that were too few to count, or once more after arms that need no
 * clock: the guest had begun to read the counter more often, but kept its clock. The presumed
 * change was perhaps none.
 */
static __attribute__((noinline)) void row_refuted(struct analysis *a, struct vcpu *v)
{
	struct vcpu_source *s = v->state->source;

	if (s->by_row == NO_TRANSITION ||
	    (s->all_without + s->without_read) * STRAY_ARMS < s->all_with)
		return;
	if (s->by_row < a->nr_transitions)
		a->transitions[s->by_row].transition.confidence = HVST_SUSPECTED;
	s->by_row = NO_TRANSITION;
	s->source = s->before_row;
}

/* A row of arms with a read, or without, ended: adds it to all arms and to those of the mixture. */
static __attribute__((noinline)) void row_ends(struct vcpu_source *s, unsigned int *row,
					       uint64_t *all, uint64_t *mixed)
{
	*all += *row;
	if (*row >= ROW_MIN)
		s->mixed_with = s->mixed_without = 0;
	else
		*mixed += *row;
	*row = 0;
}

static void count_arm(struct analysis *a, struct vcpu *v, bool read_before, bool derived,
		      bool moved, const struct hvst_event *ev)
{
	struct vcpu_source *s = v->state->source;

	s->unread = read_before ? 0 : s->unread + 1;
	if (read_before) {
		if (s->without_read || s->breaks >= AGREEING_ARMS)
			row_refuted(a, v);
		if (!s->with_read++)
			s->with_why = s->read_why;
		if (s->without_read)
			row_ends(s, &s->without_read, &s->all_without, &s->mixed_without);
	} else if (derived) {
		if (!s->without_read++)
			hvst_evidence_plain(
				&s->without_why, ev,
				"arms from here on without a read of the counter before them");
		if (s->with_read)
			row_ends(s, &s->with_read, &s->all_with, &s->mixed_with);
	} else if (moved) {
		/* The arm needs no clock, but shows that not every arm has a read before it. */
		if (s->with_read) {
			s->breaks++;
			row_ends(s, &s->with_read, &s->all_with, &s->mixed_with);
		}
		s->all_without++;
		s->mixed_without++;
	}
}

static bool stopped_reading(const struct vcpu_source *s)
{
	return row_means(s->without_read, s->all_without, s->all_with) || goes_without(s);
}

static void follow_arms(struct analysis *a, struct vcpu *v, bool read_before, bool derived,
			bool moved, const struct hvst_event *ev)
{
	struct vcpu_source *s = v->state->source;
	enum hvst_guest_source now;
	bool first;

	count_arm(a, v, read_before, derived, moved, ev);
	if (v->vm->state->source->change_pending)
		return; /* the effect of the last write is not known yet */
	now = source_of(v);
	/* Unless arms without a read came before, from the page or from the raw TSC. */
	first = !s->learned && (v->vm->page.known || s->all_without < AGREEING_ARMS);
	if (first ? s->with_read >= AGREEING_ARMS
		  : now != HVST_SRC_REFERENCE_COUNTER &&
			    row_means(s->with_read, s->all_with, s->all_without) &&
			    !reads_are_habit(s)) {
		if (!s->learned && !first)
			change_open(v->vm->state->source, &s->with_why);
		learn(a, v, HVST_SRC_REFERENCE_COUNTER, HVST_OBSERVED, &s->with_why);
	}
	if (!v->vm->page.known && s->learned && now == HVST_SRC_REFERENCE_COUNTER &&
	    stopped_reading(s))
		change_open(v->vm->state->source, &s->without_why);
	/* Arms without a read count only for a vCPU that is not known to do without reads. */
	if (!v->vm->page.known || (s->learned && now != HVST_SRC_REFERENCE_COUNTER &&
				   now != HVST_SRC_UNKNOWN && now != HVST_SRC_TSC_PAGE_DISABLED))
		return;
	if (!s->learned
		    ? s->without_read >= AGREEING_ARMS
		    : row_means(s->without_read, s->all_without, s->all_with) || goes_without(s))
		learn(a, v,
		      hvst_tscpage_usable(&v->vm->page) ? HVST_SRC_TSC_PAGE : HVST_SRC_RAW_TSC,
		      HVST_INFERRED, &s->without_why);
}

void hvst_clocksource_programmed(struct analysis *a, struct stimer *t, const struct hvst_event *ev)
{
	struct vcpu *v = t->vcpu;
	struct vcpu_source *va = v->state->source;
	struct timer_source *ts = t->state->source;
	bool read_before, moved, derived, seen = va->msrs_since_arm;
	int64_t delta;

	if (ev->id != HVST_EV_STIMER_SET_COUNT || ev->set_count.host || !t->count)
		return;
	if (t->config_known && t->config & HVST_STIMER_PERIODIC)
		return; /* periodic: the count is a period, no point in time */
	/*
	 * A read that belongs to an arm is made in the handler that sets the timer: after that
	 * timer's delivery. Other timers may interrupt the handler.
	 */
	read_before = va->read_last && va->exits_since_read <= 3 &&
		      !(va->delivered_since & 1u << t->index);
	delta = hvst_count_step(ts->count, t->count);
	/* Moved on by the same step as last time, or armed again: no clock was needed for that. */
	moved = !ts->seen || llabs(delta) > SAME_TARGET_REF;
	derived = moved && (!ts->seen || !hvst_step_repeats(delta, ts->delta));
	ts->seen = true;
	ts->count = t->count;
	ts->delta = delta;
	va->read_last = false;
	va->msrs_since_arm = 0;
	if (!seen && !read_before)
		return; /* the thread's MSR accesses are not recorded, or lost: no conclusion */
	if (v->vm->state->source->change_pending)
		follow_change(a, v, read_before, derived, ev);
	follow_arms(a, v, read_before, derived, moved, ev);
}

static __attribute__((noinline)) void clock_read(struct analysis *a, struct vcpu *v,
						 const struct hvst_event *ev,
						 enum hvst_guest_source what, const char *text)
{
	struct vm_source *vm = v->vm->state->source;
	struct hvst_guest_transition *t;

	if (vm->reads_of != what || ev->ts_ns - vm->reads_last > READ_GAP_NS) {
		vm->reads_of = what;
		vm->reads = 0;
		hvst_evidence_set(&vm->reads_why, ev, "first of several %s", text);
	}
	vm->reads_last = ev->ts_ns;
	if (++vm->reads != READ_ROW || vm->timekeeping == what)
		return;
	t = hvst_transition_add(a, v->vm, NULL);
	if (!t)
		return;
	t->role = HVST_ROLE_TIMEKEEPING;
	t->ts_ns = vm->reads_why.ts_ns;
	t->from = vm->timekeeping;
	t->to = what;
	t->confidence = HVST_OBSERVED;
	hvst_evidence_add(&t->evidence, &vm->reads_why);
	vm->timekeeping = what;
}

void hvst_clocksource_msr(struct analysis *a, struct vcpu *v, const struct hvst_event *ev)
{
	struct vcpu_source *s = v->state->source;

	s->msrs_since_arm++;
	/*
	 * A guest may write the timer's config between its read of the counter and the count; a
	 * guest that clears the config is done with that timer.
	 */
	if (ev->msr.write && ev->msr.data && hvst_msr_is_stimer(ev->msr.ecx) &&
	    !hvst_msr_is_stimer_count(ev->msr.ecx)) {
		s->exits_since_read -= s->exits_since_read > 0; /* the exit of the write itself */
		s->config_since = true;
		return;
	}
	s->read_last =
		!ev->msr.write && ev->msr.ecx == HVST_MSR_TIME_REF_COUNT && !ev->msr.exception;
	if (!s->read_last)
		return;
	s->exits_since_read = 0;
	s->delivered_since = 0;
	s->config_since = false;
	if (!s->with_read)
		hvst_evidence_plain(&s->read_why, ev,
				    "TIME_REF_COUNT read just before the timer is set");
	clock_read(a, v, ev, HVST_SRC_REFERENCE_COUNTER, "reads of TIME_REF_COUNT");
}

void hvst_clocksource_exit(struct analysis *a, struct vcpu *v, const struct hvst_event *ev,
			   enum hvst_exit_kind kind)
{
	v->state->source->exits_since_read++;
	if (kind == HVST_EXIT_RDTSC)
		clock_read(a, v, ev, HVST_SRC_RAW_TSC, "RDTSC exits");
}

void hvst_clocksource_event(struct analysis *a, struct vcpu *v, const struct hvst_event *ev)
{
	if (hvst_is_pm_timer_read(ev))
		clock_read(a, v, ev, HVST_SRC_ACPI_PM, "reads of the ACPI PM timer");
	else if (hvst_is_hpet_read(ev))
		clock_read(a, v, ev, HVST_SRC_HPET, "reads of the HPET counter");
}

/* A vCPU thread joins its VM: what either of them saw of the page holds for both. */
void hvst_clocksource_merged(struct vm *into, const struct vm *from)
{
	struct vm_source *i = into->state->source;
	const struct vm_source *f = from->state->source;

	if (i->source == HVST_SRC_UNKNOWN && !i->change_pending) {
		i->source = f->source;
		i->change_pending = f->change_pending;
		i->change_tid = f->change_tid;
		i->change_ns = f->change_ns;
		i->change_why = f->change_why;
	}
	if (f->open)
		change_open(i, &f->open_why);
}
