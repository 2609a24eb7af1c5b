/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Which clock the guest programs its timers from, and what the host's reference
 * clock is computed from (arch/x86/kvm/hyperv.c: get_time_ref_counter, kvm_hv_setup_tsc_page,
 * set_msr_hyperv).
 *
 * A write of REFERENCE_TSC is seen; what the guest then does shows at its next arms: preceded by a
 * read of TIME_REF_COUNT, or not. An arm says something only if its count came from a clock: a
 * target moved on by the same step as before, or armed again, needed none.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "analysis.h"

#define PM_TIMER_PIIX	   0x608 /* PIIX4 and ICH9 as QEMU places them */
#define PM_TIMER_LEGACY	   0xb008
#define HPET_COUNTER_FIRST 0xfed000f0
#define HPET_COUNTER_LAST  0xfed000f7

#define AGREEING_ARMS	3 /* arms in a row that show a source which no write announced */
#define SAME_TARGET_REF 8 /* a Linux guest recomputes its target: -3..+5 units around it */
#define UNDERIVED_ARMS	8 /* arms after a page write, none of which shows a clock */
#define WRITER_WAIT_NS	(200LL * 1000 * 1000) /* for the arms of the vCPU that wrote the page */
#define READ_RUN	8 /* reads of one clock in a row that make it the guest's timekeeping */
#define READ_GAP_NS                                                                                \
	(100LL * 1000 * 1000) /* a clocksource watchdog reads every half second: not that */
#define MAX_SOURCES 4096

/* The place; the text is left as it is. */
static void evidence_place(struct hvst_evidence *e, const struct hvst_event *ev)
{
	e->event = ev->id;
	e->ts_ns = ev->ts_ns;
	e->ts_raw = ev->ts_raw;
	e->cpu = ev->cpu;
	e->tid = ev->pid;
	e->buffer = ev->buffer;
}

void hvst_evidence_set(struct hvst_evidence *e, const struct hvst_event *ev, const char *fmt, ...)
{
	va_list ap;

	evidence_place(e, ev);
	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
}

void hvst_evidence_plain(struct hvst_evidence *e, const struct hvst_event *ev, const char *text)
{
	evidence_place(e, ev);
	snprintf(e->text, sizeof(e->text), "%s", text);
}

void hvst_evidence_add(struct hvst_evidence_list *l, const struct hvst_evidence *e)
{
	if (l->n < HVST_MAX_EVIDENCE)
		l->e[l->n++] = *e;
}

void hvst_evidence_stat(struct hvst_evidence_list *l, const char *fmt, ...)
{
	struct hvst_evidence e = {
		.event = -1, .ts_ns = HVST_UNKNOWN, .cpu = -1, .tid = -1, .buffer = -1
	};
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e.text, sizeof(e.text), fmt, ap);
	va_end(ap);
	hvst_evidence_add(l, &e);
}

void hvst_mark(struct analysis *a, struct vm *vm, const struct hvst_event *ev, const char *fmt, ...)
{
	struct clock_mark *m = &vm->an->marks[vm->an->nr_marks % VM_MARKS];
	va_list ap;

	(void)a;
	m->event = ev->id;
	evidence_place(&m->why, ev);
	va_start(ap, fmt);
	vsnprintf(m->why.text, sizeof(m->why.text), fmt, ap);
	va_end(ap);
	vm->an->nr_marks++;
}

struct hvst_guest_transition *hvst_transition_add(struct analysis *a, struct vm *vm, struct vcpu *v)
{
	struct hvst_guest_transition *t;

	if (a->nr_guest >= ANALYSIS_MAX_TRANSITIONS)
		return NULL;
	if (a->nr_guest == a->cap_guest) {
		unsigned int cap = a->cap_guest ? 2 * a->cap_guest : 16;
		void *g = realloc(a->guest, cap * sizeof(*a->guest));
		void *m = g ? realloc(a->guest_vm, cap * sizeof(*a->guest_vm)) : NULL;
		void *c = m ? realloc(a->guest_vcpu, cap * sizeof(*a->guest_vcpu)) : NULL;

		a->guest = g ? g : a->guest;
		a->guest_vm = m ? m : a->guest_vm;
		a->guest_vcpu = c ? c : a->guest_vcpu;
		if (!c) {
			a->error = -ENOMEM;
			return NULL;
		}
		a->cap_guest = cap;
	}
	a->guest_vm[a->nr_guest] = vm;
	a->guest_vcpu[a->nr_guest] = v;
	t = &a->guest[a->nr_guest++];
	memset(t, 0, sizeof(*t));
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
	return v->an->source != HVST_SRC_UNKNOWN ? v->an->source : v->vm->an->source;
}

/*
 * --- the host's side: what time_now is computed from
 * ------------------------------------------------
 */

static void ref_source(struct vm_an *vm, int64_t ts, enum hvst_ref_source source, const char *why)
{
	struct ref_source_mark *m;

	if (vm->nr_sources && vm->sources[vm->nr_sources - 1].source == source)
		return;
	if (vm->nr_sources >= MAX_SOURCES)
		return;
	if (vm->nr_sources == vm->cap_sources) {
		unsigned int cap = vm->cap_sources ? 2 * vm->cap_sources : 4;

		m = realloc(vm->sources, cap * sizeof(*m));
		if (!m)
			return;
		vm->sources = m;
		vm->cap_sources = cap;
	}
	m = &vm->sources[vm->nr_sources++];
	m->ts = ts;
	m->source = source;
	snprintf(m->why, sizeof(m->why), "%s", why);
}

enum hvst_ref_source hvst_clocksource_ref(const struct vm_an *vm, int64_t ts, const char **why)
{
	for (unsigned int i = vm->nr_sources; i > 0; i--) {
		if (vm->sources[i - 1].ts <= ts) {
			*why = vm->sources[i - 1].why;
			return vm->sources[i - 1].source;
		}
	}
	*why = "no write of HV_REFERENCE_TSC seen yet";
	return HVST_REF_UNKNOWN;
}

static void abandon_change(struct analysis *a, struct vm *vm);

/* Page on, off or broken from here on; what the guest does about it, its next arms show. */
static void page_changes(struct analysis *a, struct vm *vm, int tid, const struct hvst_event *ev)
{
	struct vm_an *va = vm->an;

	abandon_change(a, vm);
	va->change_pending = true;
	va->change_tid = tid;
	va->change_ns = ev->ts_ns;
	va->change_arms = va->change_silent = va->change_ticks = 0;
	for (struct vcpu *v = vm->vcpus; v; v = v->vm_next)
		v->an->with_read = v->an->without_read = 0;
}

static bool page_usable(const struct vm_an *vm)
{
	return vm->page_on && !vm->page_broken;
}

void hvst_clocksource_master(struct analysis *a, struct vm *vm, const struct hvst_event *ev)
{
	struct vm_an *va = vm->an;
	bool on = ev->master_clock.use_master_clock;

	hvst_mark(a, vm, ev, "master clock recomputed (use_master_clock %d)", on);
	if (!va->page_on || va->page_broken)
		return;
	if (on) {
		if (va->page_waits_master)
			ref_source(va, ev->ts_ns, HVST_REF_TSC_PAGE,
				   "page enabled by the guest and computed");
		va->page_waits_master = false;
		return;
	}
	/*
	 * kvm_hv_setup_tsc_page() fails without a master clock: sequence 0 until the MSR is written
	 * again.
	 */
	ref_source(va, ev->ts_ns, HVST_REF_KVMCLOCK,
		   "page broken: no master clock when it was to be computed");
	page_changes(a, vm, -1, ev);
	va->page_broken = true;
	hvst_evidence_plain(&va->change_why, ev,
			    "no master clock any more: the TSC page is broken");
}

/*
 * The page is switched off that was switched on before the trace began, or restored by the VMM, and
 * the guest armed its timers without a read of the counter so far: it read the page.
 */
static bool used_page_so_far(const struct vm *vm)
{
	const struct vm_an *va = vm->an;

	if (va->page_known || va->source != HVST_SRC_UNKNOWN ||
	    (va->nr_sources && va->sources[va->nr_sources - 1].source != HVST_REF_UNKNOWN))
		return false;
	for (const struct vcpu *v = vm->vcpus; v; v = v->vm_next)
		if (v->an->without_read >= AGREEING_ARMS && v->an->source == HVST_SRC_UNKNOWN)
			return true;
	return false;
}

static void page_write(struct analysis *a, struct vcpu *v, const struct hvst_event *ev)
{
	struct vm_an *vm = v->vm->an;
	bool on = ev->msr.data & 1;
	bool same = vm->page_known && page_usable(vm) == on;

	if (!on && used_page_so_far(v->vm))
		vm->source = HVST_SRC_TSC_PAGE;
	hvst_mark(a, v->vm, ev, "guest writes HV_REFERENCE_TSC = 0x%llx (TSC page %s)",
		  (unsigned long long)ev->msr.data, on ? "on" : "off");
	if (!on)
		ref_source(vm, ev->ts_ns, HVST_REF_KVMCLOCK, "the guest disabled the TSC page");
	else if (!a->trace->seen[HVST_EV_UPDATE_MASTER_CLOCK])
		ref_source(vm, ev->ts_ns, HVST_REF_TSC_PAGE, "the guest enabled the TSC page");
	if (!same) /* else it was moved, or written again: no change of source */
		page_changes(a, v->vm, v->tid, ev);
	vm->page_waits_master = on;
	vm->page_known = true;
	vm->page_on = on;
	vm->page_broken = false;
	if (!same)
		hvst_evidence_set(&vm->change_why, ev,
				  "guest writes HV_REFERENCE_TSC = 0x%llx: TSC page %s",
				  (unsigned long long)ev->msr.data, on ? "on" : "off");
}

/* KVM leaves the page as it is while TSC emulation control is on, whatever happens to the clock. */
static void page_freezes(struct vm_an *vm, int64_t ts, bool on)
{
	bool now = vm->frozen_to == INT64_MAX;

	if (on && !now)
		vm->frozen_from = ts;
	if (on || now)
		vm->frozen_to = on ? INT64_MAX : ts;
}

void hvst_clocksource_created(struct vm_an *vm, int64_t ts)
{
	if (!vm->nr_sources)
		ref_source(vm, ts, HVST_REF_KVMCLOCK,
			   "VM created in this trace, TSC page not enabled yet");
}

void hvst_clocksource_restored(struct vm_an *vm, int64_t ts)
{
	if (!vm->page_known)
		ref_source(vm, ts, HVST_REF_UNKNOWN,
			   "restored by the VMM, the TSC page perhaps with it");
}

/*
 * --- the guest's side
 * ---------------------------------------------------------------------------------
 */

/* @v: the vCPU that showed it; what it used before is what the VM used, where that is not known. */
static void settle_change(struct analysis *a, struct vm *owner, const struct vcpu *v,
			  enum hvst_guest_source to, enum hvst_confidence conf,
			  const struct hvst_event *ev, const char *text)
{
	enum hvst_guest_source from =
		v && owner->an->source == HVST_SRC_UNKNOWN ? v->an->source : owner->an->source;
	struct vm_an *vm = owner->an;
	struct hvst_evidence arm_why;

	vm->change_pending = false;
	if (ev)
		hvst_evidence_plain(&arm_why, ev, text);
	if (to != from)
		change(a, owner, NULL, from, to, conf, &vm->change_why, ev ? &arm_why : NULL);
	vm->source = to;
}

/*
 * From now on its vCPUs use what the VM does, but for those that showed otherwise since the write:
 * a vCPU that goes on reading the counter while the page is there.
 */
static void settled_for(struct vcpu *v)
{
	bool usable = page_usable(v->vm->an);

	for (struct vcpu *o = v->vm->vcpus; o; o = o->vm_next)
		o->an->source = usable && o != v && o->an->with_read > 1 &&
						source_of(o) == HVST_SRC_REFERENCE_COUNTER
					? HVST_SRC_REFERENCE_COUNTER
					: HVST_SRC_UNKNOWN;
	v->an->learned = true;
}

/*
 * vCPUs may use clocks of their own: the one that wrote the page speaks for the VM, if it arms at
 * all.
 */
static bool speaks_for_vm(const struct vm_an *vm, const struct vcpu *v, int64_t ts)
{
	if (vm->change_tid < 0 || vm->change_tid == v->tid)
		return true;
	return !vm->change_arms && ts - vm->change_ns > WRITER_WAIT_NS;
}

/*
 * What a page write led to shows in the arms after it. A read of the counter before an arm, with
 * the page off, or an arm without one, with the page on, says it at once. The rest takes more than
 * one arm: the first one's count may have been computed before the write.
 */
static void follow_change(struct analysis *a, struct vcpu *v, bool read_before, bool derived,
			  const struct hvst_event *ev)
{
	struct vm_an *vm = v->vm->an;
	bool usable = page_usable(vm);

	if (!speaks_for_vm(vm, v, ev->ts_ns))
		return;
	vm->change_arms++;
	vm->change_silent += derived && !read_before;
	if (usable && derived && !read_before)
		settle_change(a, v->vm, v, HVST_SRC_TSC_PAGE, HVST_OBSERVED, ev,
			      "next arms: no read of the counter before them");
	else if (!usable && read_before)
		settle_change(a, v->vm, v, HVST_SRC_REFERENCE_COUNTER, HVST_OBSERVED, ev,
			      "next arms: the counter is read just before them");
	else if (!usable && vm->change_silent >= AGREEING_ARMS && vm->change_tid < 0)
		vm->change_pending =
			false; /* the host broke the page, and this guest did not mind */
	else if (!usable && vm->change_silent >= AGREEING_ARMS)
		settle_change(
			a, v->vm, v, HVST_SRC_RAW_TSC, HVST_INFERRED, ev,
			"no page, and arms without a read of the counter: only the TSC is left");
	else if (!usable && vm->change_arms >= UNDERIVED_ARMS)
		settle_change(a, v->vm, v, HVST_SRC_TSC_PAGE_DISABLED, HVST_OBSERVED, ev,
			      "the arms after it need no clock");
	else if (usable && read_before && vm->change_arms >= AGREEING_ARMS)
		vm->change_pending = false; /* enabled, and it goes on reading the counter */
	if (!vm->change_pending)
		settled_for(v);
}

/*
 * Too few arms came to show what the write led to, before the next write or the end of the trace. A
 * guest whose timers went on (periodic ones need no clock) runs with the page as written; one that
 * did nothing any more, as before power-off, changed nothing for its timers.
 */
static void abandon_change(struct analysis *a, struct vm *vm)
{
	bool alive = vm->an->change_arms || vm->an->change_ticks >= AGREEING_ARMS;

	if (!vm->an->change_pending)
		return;
	vm->an->change_pending = false;
	if (alive)
		settle_change(a, vm, NULL,
			      page_usable(vm->an) ? HVST_SRC_TSC_PAGE : HVST_SRC_TSC_PAGE_DISABLED,
			      HVST_OBSERVED, NULL, NULL);
}

void hvst_clocksource_ticked(struct vm_an *vm)
{
	vm->change_ticks += vm->change_pending;
}

void hvst_clocksource_finish(struct analysis *a)
{
	for (struct vm *vm = hvst_model_vms(a->model); vm; vm = vm->next)
		if (!vm->dead)
			abandon_change(a, vm);
}

static void learn(struct analysis *a, struct vcpu *v, enum hvst_guest_source to,
		  enum hvst_confidence conf, const struct hvst_evidence *why)
{
	struct vcpu_an *va = v->an;
	/* What a vCPU is found to use first is no change, whatever the rest of its VM does. */
	enum hvst_guest_source now = va->learned ? source_of(v) : HVST_SRC_UNKNOWN;

	va->learned = true;
	if (now == to || (now == HVST_SRC_UNKNOWN && v->vm->an->source == to))
		return;
	change(a, v->vm, v, now, to, conf, why, NULL);
	va->source = to;
}

static void follow_arms(struct analysis *a, struct vcpu *v, bool read_before, bool derived,
			const struct hvst_event *ev)
{
	struct vcpu_an *va = v->an;
	const struct vm_an *vm = v->vm->an;
	enum hvst_guest_source now = source_of(v);

	if (read_before) {
		if (!va->with_read++)
			va->with_why = va->read_why;
		va->without_read = 0;
	} else if (derived) {
		if (!va->without_read++)
			hvst_evidence_plain(
				&va->without_why, ev,
				"arms from here on without a read of the counter before them");
		va->with_read = 0;
	}
	if (vm->change_pending)
		return; /* what the VM does now is being found out */
	if (va->with_read >= AGREEING_ARMS && (!va->learned || now != HVST_SRC_REFERENCE_COUNTER))
		learn(a, v, HVST_SRC_REFERENCE_COUNTER, HVST_OBSERVED, &va->with_why);
	if (va->without_read < AGREEING_ARMS || !vm->page_known)
		return;
	if (!va->learned || now == HVST_SRC_REFERENCE_COUNTER || now == HVST_SRC_UNKNOWN ||
	    now == HVST_SRC_TSC_PAGE_DISABLED)
		learn(a, v, page_usable(vm) ? HVST_SRC_TSC_PAGE : HVST_SRC_RAW_TSC, HVST_INFERRED,
		      &va->without_why);
}

void hvst_clocksource_programmed(struct analysis *a, struct stimer *t, const struct hvst_event *ev)
{
	struct vcpu *v = t->vcpu;
	struct vcpu_an *va = v->an;
	struct timer_an *ta = t->an;
	bool read_before, derived, seen = va->msrs_since_arm;
	int64_t delta;

	if (ev->id != HVST_EV_STIMER_SET_COUNT || ev->set_count.host || !t->count)
		return;
	if (t->config_known && t->config & HVST_STIMER_PERIODIC)
		return; /* periodic: the count is a period, no point in time */
	read_before = va->read_last && va->exits_since_read <= 3;
	delta = hvst_count_step(ta->prog_count, t->count);
	/* Moved on by the very step of last time, or armed again: no clock was needed for that. */
	derived = !ta->prog_seen ||
		  (llabs(delta) > SAME_TARGET_REF && !hvst_step_repeats(delta, ta->prog_delta));
	ta->prog_seen = true;
	ta->prog_count = t->count;
	ta->prog_delta = delta;
	va->read_last = false;
	va->msrs_since_arm = 0;
	if (!seen && !read_before)
		return; /* this thread's MSR accesses are not recorded (or lost): says nothing */
	if (v->vm->an->change_pending)
		follow_change(a, v, read_before, derived, ev);
	follow_arms(a, v, read_before, derived, ev);
}

static void clock_read(struct analysis *a, struct vcpu *v, const struct hvst_event *ev,
		       enum hvst_guest_source what, const char *text)
{
	struct vm_an *vm = v->vm->an;
	struct hvst_guest_transition *t;

	if (vm->reads_of != what || ev->ts_ns - vm->reads_last > READ_GAP_NS) {
		vm->reads_of = what;
		vm->reads = 0;
		hvst_evidence_set(&vm->reads_why, ev, "first of a run of %s", text);
	}
	vm->reads_last = ev->ts_ns;
	if (++vm->reads != READ_RUN || vm->timekeeping == what)
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

void hvst_on_timer_msr(struct analysis *a, struct vcpu *v)
{
	(void)a;
	v->an->msrs_since_arm++;
	v->an->read_last = false;
}

void hvst_on_msr(struct analysis *a, struct vcpu *v, const struct hvst_event *ev)
{
	struct vcpu_an *va = v->an;

	hvst_on_timer_msr(a, v);
	va->read_last =
		!ev->msr.write && ev->msr.ecx == HVST_MSR_TIME_REF_COUNT && !ev->msr.exception;
	if (va->read_last) {
		va->exits_since_read = 0;
		if (!va->with_read)
			hvst_evidence_plain(&va->read_why, ev,
					    "TIME_REF_COUNT read just before the timer is set");
		clock_read(a, v, ev, HVST_SRC_REFERENCE_COUNTER, "reads of TIME_REF_COUNT");
	}
	if (!ev->msr.write || ev->msr.exception)
		return;
	switch (ev->msr.ecx) {
	case HVST_MSR_REFERENCE_TSC:
		page_write(a, v, ev);
		break;
	case HVST_MSR_IA32_TSC:
	case HVST_MSR_IA32_TSC_ADJUST:
		hvst_mark(a, v->vm, ev, "guest writes MSR 0x%x = 0x%llx: its TSC moves",
			  ev->msr.ecx, (unsigned long long)ev->msr.data);
		hvst_refclock_event(&v->vm->an->ref, ev->ts_ns, ev->id);
		break;
	case HVST_MSR_REENLIGHTENMENT_CONTROL:
	case HVST_MSR_TSC_EMULATION_CONTROL:
		if (ev->msr.ecx == HVST_MSR_TSC_EMULATION_CONTROL)
			page_freezes(v->vm->an, ev->ts_ns, ev->msr.data & 1);
		hvst_mark(a, v->vm, ev, "guest writes MSR 0x%x = 0x%llx (re-enlightenment)",
			  ev->msr.ecx, (unsigned long long)ev->msr.data);
		break;
	default:
		break;
	}
}

void hvst_on_rdtsc(struct analysis *a, struct vcpu *v, const struct hvst_event *ev)
{
	clock_read(a, v, ev, HVST_SRC_RAW_TSC, "RDTSC exits");
}

void hvst_on_vcpu_event(struct analysis *a, struct vcpu *v, const struct hvst_event *ev)
{
	switch (ev->id) {
	case HVST_EV_PIO:
		if (!ev->pio.rw &&
		    (ev->pio.port == PM_TIMER_PIIX || ev->pio.port == PM_TIMER_LEGACY))
			clock_read(a, v, ev, HVST_SRC_ACPI_PM, "reads of the ACPI PM timer");
		break;
	case HVST_EV_MMIO:
		if (ev->mmio.type < 2 && ev->mmio.gpa >= HPET_COUNTER_FIRST &&
		    ev->mmio.gpa <= HPET_COUNTER_LAST)
			clock_read(a, v, ev, HVST_SRC_HPET, "reads of the HPET counter");
		break;
	default:
		break;
	}
}

/* A vCPU thread found its VM: what was seen of the page on either side is the VM's. */
void hvst_clocksource_merge(struct vm_an *into, struct vm_an *from)
{
	if (from->page_known && !into->page_known) {
		into->page_known = true;
		into->page_on = from->page_on;
		into->page_broken = from->page_broken;
		into->page_waits_master = from->page_waits_master;
		into->change_pending = from->change_pending;
		into->change_tid = from->change_tid;
		into->change_ns = from->change_ns;
		into->change_why = from->change_why;
		into->frozen_from = from->frozen_from;
		into->frozen_to = from->frozen_to;
		into->source = from->source;
		free(into->sources);
		into->sources = from->sources;
		into->nr_sources = from->nr_sources;
		into->cap_sources = from->cap_sources;
		from->sources = NULL;
		from->nr_sources = from->cap_sources = 0;
	}
	for (unsigned int i = 0; i < from->nr_marks && i < VM_MARKS; i++) {
		const struct clock_mark *m = &from->marks[i];
		unsigned int n = into->nr_marks;

		if (!n || m->why.ts_ns > into->marks[(n - 1) % VM_MARKS].why.ts_ns)
			into->marks[into->nr_marks++ % VM_MARKS] = *m;
	}
	if (!into->past_due_by_source[HVST_REF_KVMCLOCK])
		into->fallback_why = from->fallback_why;
	if (!into->preempted)
		into->preempted_why = from->preempted_why;
	for (unsigned int i = 0; i < 3; i++)
		into->past_due_by_source[i] += from->past_due_by_source[i];
	into->preempted += from->preempted;
}
