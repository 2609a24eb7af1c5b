/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. A guest that reads its clock through an intercepted register pays an exit for
 * each reading: the partition reference counter (MSR 0x40000020), the ACPI PM timer, the HPET, or
 * an intercepted RDTSC.
 *
 * Judged in bins of BIN_NS, each from a read on. A bin is slow from SLOW_MIN_HZ reads a second on,
 * if they are at least a tenth of all exits and more than two a timer write: a guest that reads the
 * counter once for each arm, as in a storm, spends its time on the timer. Two slow bins are a
 * finding, or the reads of two in a trace that holds only one, unless they all lie in the first
 * BOOT_NS of the guest's boot and it then went on without.
 */
#include <errno.h>

#include "clocksource.h"
#include "slowpath.h"

#define BIN_NS	    (100LL * 1000 * 1000)
#define SLOW_MIN_HZ 1000
#define SLOW_MIN_NS (2 * BIN_NS)
#define BOOT_NS	    (10LL * 1000 * 1000 * 1000)
#define QUIET_NS    (1000LL * 1000 * 1000)

struct vcpu_slow {
	int64_t exit_ns; /* of the current exit; HVST_UNKNOWN */
	bool read;	 /* in which a clock was read */
};

int hvst_slowpath_vm_created(struct vm *vm)
{
	struct vm_slow *s = calloc(1, sizeof(*s));

	vm->state->slow = s;
	if (!s)
		return -ENOMEM;
	s->bin_end_ns = HVST_UNKNOWN;
	s->first_ns = s->last_ns = s->boot_ns = HVST_UNKNOWN;
	return 0;
}

void hvst_slowpath_vm_free(struct vm *vm)
{
	free(vm->state->slow);
}

int hvst_slowpath_vcpu_created(struct vcpu *v)
{
	struct vcpu_slow *s = calloc(1, sizeof(*s));

	v->state->slow = s;
	if (!s)
		return -ENOMEM;
	s->exit_ns = HVST_UNKNOWN;
	return 0;
}

void hvst_slowpath_vcpu_free(struct vcpu *v)
{
	free(v->state->slow);
}

void hvst_slowpath_gap(struct vcpu *v)
{
	*v->state->slow = (struct vcpu_slow){ .exit_ns = HVST_UNKNOWN };
}

uint64_t hvst_slow_reads(const struct slow_sums *s)
{
	uint64_t n = 0;

	for (unsigned int i = 0; i < NR_SLOW; i++)
		n += s->reads[i];
	return n;
}

const char *hvst_slow_register_name(enum slow_register r)
{
	static const char *const names[NR_SLOW] = {
		[SLOW_REF_COUNT] = "TIME_REF_COUNT (MSR 0x40000020)",
		[SLOW_PM_TIMER] = "the ACPI PM timer",
		[SLOW_HPET] = "the HPET",
		[SLOW_TSC] = "the TSC (intercepted RDTSC)",
	};

	return names[r];
}

static void sums_add(struct slow_sums *to, const struct slow_sums *s)
{
	for (unsigned int i = 0; i < NR_SLOW; i++)
		to->reads[i] += s->reads[i];
	to->exits += s->exits;
	to->arms += s->arms;
	to->count_writes += s->count_writes;
	to->costed += s->costed;
	to->cost_ns += s->cost_ns;
}

static uint64_t arms_of(const struct slow_sums *b)
{
	return b->arms > b->count_writes ? b->arms : b->count_writes;
}

static bool bin_is_slow(const struct slow_sums *b)
{
	uint64_t reads = hvst_slow_reads(b);

	return reads >= SLOW_MIN_HZ * BIN_NS / 1000000000 && reads > 2 * arms_of(b) &&
	       10 * reads >= b->exits;
}

/* Why the guest reads a register, as far as the trace shows its TSC page. */
static void page_of(const struct vm *vm, struct slow_bin *b)
{
	const struct tscpage *p = &vm->page;

	b->page_ns = p->nr_sources ? p->sources[p->nr_sources - 1].ts_ns : HVST_UNKNOWN;
	if (!p->known)
		b->page = SLOW_PAGE_NEVER;
	else if (!p->on)
		b->page = SLOW_PAGE_OFF;
	else
		b->page = p->broken ? SLOW_PAGE_BROKEN : SLOW_PAGE_SET;
}

static void bin_end(struct vm_slow *s, const struct slow_bin *b)
{
	if (!bin_is_slow(&b->sums))
		return;
	if (s->first_ns == HVST_UNKNOWN) {
		s->first_ns = b->from_ns;
		s->why = b->first;
		s->page = b->page;
		s->page_ns = b->page_ns;
	}
	s->last_ns = b->from_ns + BIN_NS;
	s->slow_ns += BIN_NS;
	sums_add(&s->slow, &b->sums);
}

static void bins_end(struct vm *vm)
{
	struct vm_slow *s = vm->state->slow;

	page_of(vm, &s->bin);
	bin_end(s, &s->before);
	bin_end(s, &s->bin);
}

static __attribute__((noinline)) struct slow_sums *bin_before(struct vm_slow *s, int64_t ts)
{
	return ts >= s->before.from_ns && ts - s->before.from_ns < BIN_NS ? &s->before.sums : NULL;
}

/*
 * Where to count what happened at @ts; NULL: in no bin. Only reads begin a bin: exits and writes of
 * timers may be merged a little late, see lib/stream/exit_groups.h, when the next bin has begun.
 */
static inline struct slow_sums *bin_of(struct vm_slow *s, int64_t ts)
{
	if (ts >= s->bin_end_ns)
		return NULL;
	return __builtin_expect(ts >= s->bin.from_ns, 1) ? &s->bin.sums : bin_before(s, ts);
}

static __attribute__((noinline)) void bin_begin(struct vm *vm, const struct hvst_event *ev,
						enum slow_register r)
{
	struct vm_slow *s = vm->state->slow;

	page_of(vm, &s->bin);
	bin_end(s, &s->before);
	s->before = s->bin;
	s->bin = (struct slow_bin){ .from_ns = ev->ts_ns };
	s->bin_end_ns = ev->ts_ns + BIN_NS;
	hvst_evidence_set(&s->bin.first, ev, "first of many reads of %s",
			  hvst_slow_register_name(r));
}

static __attribute__((noinline)) void read_of(struct vcpu *v, const struct hvst_event *ev,
					      enum slow_register r)
{
	struct vm_slow *s = v->vm->state->slow;
	struct slow_sums *b;

	if (ev->ts_ns >= s->bin_end_ns)
		bin_begin(v->vm, ev, r);
	b = bin_of(s, ev->ts_ns);
	if (b)
		b->reads[r]++;
	v->state->slow->read = true;
}

void hvst_slowpath_exit(struct vcpu *v, const struct hvst_event *ev, enum hvst_exit_kind kind)
{
	struct slow_sums *b;

	*v->state->slow = (struct vcpu_slow){ .exit_ns = ev->ts_ns };
	if (kind == HVST_EXIT_RDTSC)
		read_of(v, ev, SLOW_TSC);
	b = bin_of(v->vm->state->slow, ev->ts_ns);
	if (b)
		b->exits++;
}

void hvst_slowpath_entry(struct vcpu *v, int64_t ts)
{
	struct vcpu_slow *s = v->state->slow;
	struct slow_sums *b;

	if (!s->read)
		return;
	s->read = false;
	if (s->exit_ns == HVST_UNKNOWN || ts < s->exit_ns)
		return;
	b = bin_of(v->vm->state->slow, s->exit_ns);
	if (!b)
		return;
	b->costed++;
	b->cost_ns += ts - s->exit_ns;
}

void hvst_slowpath_msr(struct vcpu *v, const struct hvst_event *ev)
{
	if (ev->msr.exception)
		return;
	if (!ev->msr.write && ev->msr.ecx == HVST_MSR_TIME_REF_COUNT)
		read_of(v, ev, SLOW_REF_COUNT);
	else if (ev->msr.write && ev->msr.ecx == HVST_MSR_GUEST_OS_ID && ev->msr.data)
		v->vm->state->slow->boot_ns = ev->ts_ns;
}

void hvst_slowpath_timer_msr(struct vcpu *v, const struct hvst_event *ev)
{
	struct slow_sums *b;

	if (!ev->msr.write || !hvst_msr_is_stimer_count(ev->msr.ecx))
		return;
	b = bin_of(v->vm->state->slow, ev->ts_ns);
	if (b)
		b->count_writes++;
}

void hvst_slowpath_event(struct vcpu *v, const struct hvst_event *ev)
{
	if (hvst_is_pm_timer_read(ev))
		read_of(v, ev, SLOW_PM_TIMER);
	else if (hvst_is_hpet_read(ev))
		read_of(v, ev, SLOW_HPET);
}

void hvst_slowpath_programmed(struct stimer *t, const struct hvst_event *ev)
{
	struct slow_sums *b;

	if (ev->id != HVST_EV_STIMER_SET_COUNT || ev->set_count.host)
		return;
	b = bin_of(t->vcpu->vm->state->slow, ev->ts_ns);
	if (b)
		b->arms++;
}

/* Reads of threads that were not yet known to belong to one VM stay in the bins of each. */
void hvst_slowpath_merged(struct vm *into, struct vm *from)
{
	struct vm_slow *i = into->state->slow;
	struct vm_slow *f = from->state->slow;

	bins_end(from);
	sums_add(&i->slow, &f->slow);
	i->slow_ns += f->slow_ns;
	if (i->boot_ns == HVST_UNKNOWN)
		i->boot_ns = f->boot_ns;
	if (f->first_ns == HVST_UNKNOWN)
		return;
	if (i->first_ns == HVST_UNKNOWN || f->first_ns < i->first_ns) {
		i->first_ns = f->first_ns;
		i->why = f->why;
		i->page = f->page;
		i->page_ns = f->page_ns;
	}
	if (f->last_ns > i->last_ns)
		i->last_ns = f->last_ns;
}

void hvst_slowpath_finish(struct analysis *a)
{
	for_each_vm (vm, a)
		if (vm->state)
			bins_end(vm);
}

/* The reads of two slow bins, in a trace that shows nothing else of the VM. */
static bool is_slow_throughout(const struct vm_slow *s, int64_t first_ns)
{
	return s->first_ns - first_ns < BIN_NS &&
	       hvst_slow_reads(&s->slow) >= SLOW_MIN_HZ * SLOW_MIN_NS / 1000000000;
}

enum hvst_answer hvst_slowpath_answer(const struct vm_slow *s, int64_t first_ns, int64_t last_ns,
				      bool boot_seen)
{
	int64_t boot = s->boot_ns;

	if (s->slow_ns < SLOW_MIN_NS) {
		if (!s->slow_ns || last_ns - s->last_ns >= BIN_NS)
			return HVST_NO;
		if (!is_slow_throughout(s, first_ns))
			return HVST_CANNOT_TELL;
	}
	if (boot == HVST_UNKNOWN && !boot_seen)
		boot = s->first_ns; /* at the latest */
	if (boot == HVST_UNKNOWN || s->last_ns - boot > BOOT_NS || last_ns - s->last_ns < QUIET_NS)
		return HVST_YES;
	return s->boot_ns == HVST_UNKNOWN ? HVST_CANNOT_TELL : HVST_NO;
}
