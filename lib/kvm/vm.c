/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: kvm. Which vCPU threads form one VM.
 *
 * No event tells. A VM has one reference clock, so its threads' readings have one epoch (trace time
 * - 100 * time_now). A thread starts alone; once it has enough readings that at least one is clean
 * (a reading is stamped late, never early), it joins the VM whose clock agrees with its own, within
 * what is known of the two, and which has no vCPU of its vcpu_id; where several agree (restored
 * from one snapshot), the one with the nearest thread id.
 *
 * Candidates are the nearest threads, and then the VMs whose clocks lie nearest in an index by
 * offset. The index is sorted anew only after as many searches as it has entries, which makes a
 * search cost log n on average. Clocks drift meanwhile, so a search covers a wider range than what
 * agrees and compares the clocks themselves.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "kvm_private.h"

/* Clocks of one VM agree to a few us; single readings are late by up to ms. */
#define VM_EXACT_NS    (300 * 1000)	 /* error of their distance at which it decides */
#define VM_LOCAL_NS    (3 * 1000 * 1000) /* the same where each CPU has its own trace clock */
#define VM_SAME_NS     2000		 /* clocks of one VM differ by rounding */
#define VM_WINDOW_NS   (2 * 1000 * 1000) /* of the index, whose offsets may be out of date */
#define VM_CANDIDATES  256		 /* considered in a search, so that it stays bounded */
#define VM_NEIGHBOURS  32		 /* threads considered, on either side */
#define VM_FIRST_TRY   8		 /* readings */
#define VM_SMALL       64		 /* threads: moving these is cheap */
#define VM_MAX_VCPU_ID 16384		 /* KVM_MAX_VCPU_IDS of x86 */
#define TASK_REACH     4096		 /* thread ids between a VMM and its vCPU threads */

/* A reading of the clock turned out to have been stamped @ns after it, @weight of them. */
static void stamped_late(void *ctx, int64_t ns, unsigned int weight)
{
	struct vm *vm = ctx;

	if (!vm->start_latency)
		vm->start_latency = hvst_sketch_new();
	/* Without memory the distribution misses a value. */
	if (vm->start_latency)
		(void)hvst_sketch_add(vm->start_latency, ns, weight);
}

/* By time, and not by creation: events of two threads may be merged in either order. */
static bool older(const struct vm *a, const struct vm *b)
{
	return a->first_ns != b->first_ns ? a->first_ns < b->first_ns : a->first_tid < b->first_tid;
}

int kvm_vm_alone(struct kvm *k, struct vcpu *v)
{
	struct vm *vm = calloc(1, sizeof(*vm));
	const struct refclock_params clock = {
		.per_cpu = k->opts.clock_per_cpu,
		.no_rate = k->opts.clock_unscaled,
		.residual = stamped_late,
		.ctx = vm,
	};

	if (!vm)
		return -ENOMEM;
	k->nr_vms++;
	vm->first_ns = v->first_ns;
	vm->first_tid = v->tid;
	vm->number = -1;
	vm->first_read_ns = vm->first_set_ns = HVST_UNKNOWN;
	hvst_refclock_init(&vm->clock, &clock);
	vm->vcpus = v;
	vm->nr_vcpus = 1;
	v->vm = vm;
	vm->link = k->vms_tail;
	*k->vms_tail = vm;
	k->vms_tail = &vm->next;
	return 0;
}

static void vm_unlink(struct kvm *k, struct vm *vm)
{
	*vm->link = vm->next;
	if (vm->next)
		vm->next->link = vm->link;
	else
		k->vms_tail = vm->link;
	vm->next = k->dead_vms;
	k->dead_vms = vm;
}

/* --- by vcpu_id, by thread id --- */

static unsigned int id_bucket(int id)
{
	return (unsigned int)id % KVM_ID_BUCKETS;
}

struct vcpu *kvm_by_id(const struct kvm *k, int id)
{
	return k->by_id[id_bucket(id)];
}

static void id_unlink(struct kvm *k, struct vcpu *v)
{
	struct vcpu **p = &k->by_id[id_bucket(v->vcpu_id)];

	while (*p && *p != v)
		p = &(*p)->id_next;
	if (*p)
		*p = v->id_next;
	v->id_next = NULL;
}

/* The ids of a VM's vCPUs, as a bit map once it has more than one. */
static bool vm_has_id(const struct vm *vm, int id)
{
	if (vm->nr_vcpus == 1)
		return vm->vcpus->vcpu_id == id;
	return (unsigned int)id / 64 < vm->nr_id_words && vm->ids[id / 64] >> id % 64 & 1;
}

static int vm_add_id(struct vm *vm, int id)
{
	unsigned int words = (unsigned int)id / 64 + 1;
	uint64_t *p;

	if (id < 0 || id >= VM_MAX_VCPU_ID)
		return 0;
	if (words > vm->nr_id_words) {
		p = realloc(vm->ids, words * sizeof(*p));
		if (!p)
			return -ENOMEM;
		memset(p + vm->nr_id_words, 0, (words - vm->nr_id_words) * sizeof(*p));
		vm->ids = p;
		vm->nr_id_words = words;
	}
	vm->ids[id / 64] |= 1ULL << id % 64;
	return 0;
}

void kvm_vcpu_named(struct kvm *k, struct vcpu *v, int vcpu_id)
{
	if (v->vcpu_id >= 0)
		id_unlink(k, v);
	v->vcpu_id = vcpu_id;
	kvm_early_adopt(k, v);
	v->id_next = k->by_id[id_bucket(vcpu_id)];
	k->by_id[id_bucket(vcpu_id)] = v;
	if (v->vm->nr_vcpus > 1 && vm_add_id(v->vm, vcpu_id))
		k->error = -ENOMEM;
}

/* The position of @tid in the sorted threads, or where it would be inserted. */
static unsigned int place_of(const struct kvm *k, int tid)
{
	unsigned int lo = 0, hi = k->nr_vcpus;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (k->sorted[mid]->tid < tid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void kvm_sort_in(struct kvm *k, struct vcpu *v)
{
	unsigned int at = place_of(k, v->tid);

	memmove(k->sorted + at + 1, k->sorted + at, (k->nr_vcpus - at) * sizeof(*k->sorted));
	k->sorted[at] = v;
	k->nr_vcpus++;
}

void kvm_sort_out(struct kvm *k, struct vcpu *v)
{
	unsigned int at = place_of(k, v->tid);

	if (at < k->nr_vcpus && k->sorted[at] == v) {
		k->nr_vcpus--;
		memmove(k->sorted + at, k->sorted + at + 1,
			(k->nr_vcpus - at) * sizeof(*k->sorted));
	}
	if (v->vcpu_id >= 0)
		id_unlink(k, v);
}

/*
 * A VMM starts its vCPU threads after itself, so their ids lie above the task's own, and near. A
 * task above every known thread may be the VMM of a VM whose threads have not run yet.
 */
static bool task_reaches(const struct vcpu *v, int pid)
{
	return (int64_t)v->tid - pid < TASK_REACH;
}

struct vcpu *kvm_nearest(const struct kvm *k, int vcpu_id, int pid)
{
	for (unsigned int i = place_of(k, pid); i < k->nr_vcpus && task_reaches(k->sorted[i], pid);
	     i++)
		if (k->sorted[i]->vcpu_id == vcpu_id)
			return k->sorted[i];
	return NULL;
}

/* Threads considered above a task; at most this many. */
static unsigned int threads_above(const struct kvm *k, int pid, unsigned int *first)
{
	unsigned int n = 0;

	*first = place_of(k, pid);
	while (n < VM_NEIGHBOURS && *first + n < k->nr_vcpus &&
	       task_reaches(k->sorted[*first + n], pid))
		n++;
	return n;
}

struct vm *kvm_vm_of_task(const struct kvm *k, int pid, bool *unsure)
{
	unsigned int at, n = threads_above(k, pid, &at);
	struct vm *vm = n ? k->sorted[at]->vm : NULL;
	bool other = false;

	*unsure = false;
	for (unsigned int i = 0; i < n; i++)
		if (k->sorted[at + i]->creator == pid)
			return k->sorted[at + i]->vm;
	if (kvm_created_by(k, pid)) /* a VM whose threads have not run yet */
		return NULL;
	/* The nearest VM's threads continue after those of another. */
	for (unsigned int i = 0; i < n && !*unsure; i++) {
		other |= k->sorted[at + i]->vm != vm;
		*unsure = other && k->sorted[at + i]->vm == vm;
	}
	return *unsure ? NULL : vm;
}

void kvm_each_vm_near(struct kvm *k, int pid, void (*fn)(struct vm *vm, int64_t ts), int64_t ts)
{
	unsigned int at, n = threads_above(k, pid, &at);

	for (unsigned int i = 0; i < n; i++)
		fn(k->sorted[at + i]->vm, ts);
}

/* --- joining --- */

static bool ids_clash(struct kvm *k, const struct vm *a, const struct vm *b)
{
	const struct vm *few = a->nr_vcpus < b->nr_vcpus ? a : b, *many = few == a ? b : a;

	for (const struct vcpu *v = few->vcpus; v; v = v->vm_next) {
		k->steps++;
		if (v->vcpu_id < 0 || v->vcpu_id >= VM_MAX_VCPU_ID || vm_has_id(many, v->vcpu_id))
			return true;
	}
	return false;
}

static int merge_latency(struct vm *into, struct vm *from)
{
	int ret;

	if (!into->start_latency) {
		into->start_latency = from->start_latency;
		from->start_latency = NULL;
		return 0;
	}
	ret = from->start_latency ? hvst_sketch_merge(into->start_latency, from->start_latency) : 0;
	hvst_sketch_free(from->start_latency);
	from->start_latency = NULL;
	return ret;
}

static int64_t earlier(int64_t x, int64_t y)
{
	if (x == HVST_UNKNOWN || y == HVST_UNKNOWN)
		return x == HVST_UNKNOWN ? y : x;
	return x < y ? x : y;
}

/* Moves all threads of @from to @into. */
static int vm_join(struct kvm *k, struct vm *into, struct vm *from, struct hvst_changes *out)
{
	int ret = 0;

	if (into->nr_vcpus == 1)
		ret = vm_add_id(into, into->vcpus->vcpu_id);
	if (hvst_refclock_merge(&into->clock, &from->clock))
		ret = -ENOMEM;
	if (merge_latency(into, from))
		ret = -ENOMEM;
	hvst_tscpage_merge(&into->page, &from->page);
	into->first_read_ns = earlier(into->first_read_ns, from->first_read_ns);
	into->first_set_ns = earlier(into->first_set_ns, from->first_set_ns);
	if (k->off_vm == from)
		k->off_vm = into;
	while (from->vcpus) {
		struct vcpu *v = from->vcpus;

		from->vcpus = v->vm_next;
		if (vm_add_id(into, v->vcpu_id))
			ret = -ENOMEM;
		k->steps++;
		v->vm = into;
		v->vm_next = into->vcpus;
		into->vcpus = v;
		into->nr_vcpus++;
	}
	from->nr_vcpus = 0;
	from->dead = true;
	vm_unlink(k, from);
	if (older(from, into)) {
		into->first_ns = from->first_ns;
		into->first_tid = from->first_tid;
	}
	kvm_change(out, HVST_CHANGE_VM_MERGED, into, NULL)->from = from;
	return ret;
}

/* When, and by which CPU's trace clock, an event happened: clocks are compared at that time. */
struct sighting {
	int64_t ts_ns;
	int cpu;
};

static int cmp_entry(const void *x, const void *y)
{
	const struct vm_entry *a = x, *b = y;

	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static int index_build(struct kvm *k, const struct sighting *m)
{
	struct vm_entry *e = realloc(k->index, k->nr_vms * sizeof(*e));
	int64_t err;

	if (!e)
		return -ENOMEM;
	k->index = e;
	k->nr_index = 0;
	k->searches = 0;
	for (struct vm *vm = k->vms; vm; vm = vm->next) {
		k->steps++;
		if (!hvst_refclock_at(&vm->clock, m->ts_ns, m->cpu, &e->offset, &err))
			continue;
		e->vm = vm;
		e++;
		k->nr_index++;
	}
	qsort(k->index, k->nr_index, sizeof(*k->index), cmp_entry);
	return 0;
}

/* First entry of the index from @offset on. */
static unsigned int index_at(const struct kvm *k, int64_t offset)
{
	unsigned int lo = 0, hi = k->nr_index;

	while (lo < hi) {
		unsigned int mid = (lo + hi) / 2;

		if (k->index[mid].offset < offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* The thread of @vm nearest to @tid. */
static const struct vcpu *nearest_of(struct kvm *k, const struct vm *vm, int tid)
{
	const struct vcpu *best = vm->vcpus;
	unsigned int n = 0;

	for (const struct vcpu *v = vm->vcpus; v && n < VM_CANDIDATES; v = v->vm_next, n++)
		if (llabs((int64_t)v->tid - tid) < llabs((int64_t)best->tid - tid))
			best = v;
	k->steps += n;
	return best;
}

static int64_t tid_apart(struct kvm *k, const struct vm *vm, int tid)
{
	return llabs((int64_t)nearest_of(k, vm, tid)->tid - tid);
}

/* Do the clocks of the two agree at the event? */
static bool vm_fits(struct kvm *k, const struct vm *vm, const struct vm *own,
		    const struct sighting *m)
{
	int64_t apart, err;

	return vm != own && !vm->dead && vm->gone == own->gone && !ids_clash(k, vm, own) &&
	       hvst_refclock_distance(&vm->clock, &own->clock, m->ts_ns, m->cpu, &apart, &err) &&
	       err <= (own->clock.params.per_cpu ? VM_LOCAL_NS : VM_EXACT_NS) &&
	       llabs(apart) <= err + VM_SAME_NS;
}

/* The thread @i places from @at, above or below, unless there is none. */
static struct vcpu *neighbour(const struct kvm *k, unsigned int at, unsigned int i, bool above)
{
	if (above)
		return at + i < k->nr_vcpus ? k->sorted[at + i] : NULL;
	return i <= at ? k->sorted[at - i] : NULL;
}

/* How far the ids of two threads are apart; INT64_MAX where one of them is missing. */
static int64_t ids_apart(const struct vcpu *v, const struct vcpu *other)
{
	return other ? llabs((int64_t)other->tid - v->tid) : INT64_MAX;
}

/*
 * The VM that fits among those of the threads next to @v, the nearest thread id first, since a VMM
 * creates its vCPU threads together; of two equally near the older one.
 */
static struct vm *fit_by_tid(struct kvm *k, const struct vcpu *v, const struct sighting *m)
{
	unsigned int at = place_of(k, v->tid), i[2] = { 1, 1 };

	while (i[0] <= VM_NEIGHBOURS && i[1] <= VM_NEIGHBOURS) {
		struct vcpu *below = neighbour(k, at, i[0], false);
		struct vcpu *above = neighbour(k, at, i[1], true);
		int64_t down = ids_apart(v, below), up = ids_apart(v, above);
		struct vm *a = below && down <= up ? below->vm : NULL;
		struct vm *b = above && up <= down ? above->vm : NULL;

		if (!a && !b)
			return NULL;
		k->steps += 2;
		i[0] += a != NULL;
		i[1] += b != NULL;
		if (a && !vm_fits(k, a, v->vm, m))
			a = NULL;
		if (b && !vm_fits(k, b, v->vm, m))
			b = NULL;
		if (a && b)
			return older(a, b) ? a : b;
		if (a || b)
			return a ? a : b;
	}
	return NULL;
}

/* The VM that fits by the index; of several the one with the nearest thread. NULL: none. */
static struct vm *fit_by_clock(struct kvm *k, const struct vcpu *v, const struct sighting *m)
{
	int64_t offset, err, least = INT64_MAX;
	struct vm *best = NULL;
	unsigned int n = 0;

	if (!hvst_refclock_at(&v->vm->clock, m->ts_ns, m->cpu, &offset, &err))
		return NULL;
	for (unsigned int i = index_at(k, offset - VM_WINDOW_NS);
	     i < k->nr_index && n < VM_CANDIDATES && k->index[i].offset - offset <= VM_WINDOW_NS;
	     i++, n++) {
		struct vm *vm = k->index[i].vm;
		int64_t apart;

		k->steps++;
		if (!vm_fits(k, vm, v->vm, m))
			continue;
		apart = tid_apart(k, vm, v->tid);
		if (!best || apart < least || (apart == least && older(vm, best))) {
			best = vm;
			least = apart;
		}
	}
	return best;
}

/*
 * Does the VM that fits @v have a better match itself, a VM with a thread nearer to its own? Then
 * nothing is decided yet: where clocks agree, the thread that is the first to have enough readings
 * must not take in the neighbours of another one.
 */
static bool has_nearer(struct kvm *k, const struct vm *fits, const struct vcpu *v,
		       const struct sighting *m)
{
	const struct vcpu *w = nearest_of(k, fits, v->tid);
	const struct vm *other = fit_by_tid(k, w, m);

	return other && other != v->vm && tid_apart(k, other, w->tid) < ids_apart(v, w);
}

/*
 * Does @a take @b in? The older one does, unless a VM has so many threads that moving them
 * repeatedly would be costly: then the larger one, so that a thread is moved log n times.
 */
static bool takes_in(const struct vm *a, const struct vm *b)
{
	if (a->nr_vcpus > VM_SMALL || b->nr_vcpus > VM_SMALL)
		return a->nr_vcpus >= b->nr_vcpus;
	return older(a, b);
}

/* Joins the thread's VM with the VM whose clock agrees. */
static bool vm_find(struct kvm *k, struct vcpu *v, const struct sighting *m,
		    struct hvst_changes *out)
{
	struct vm *best, *own = v->vm;
	int ret;

	if (k->searches++ >= k->nr_index && index_build(k, m))
		k->error = -ENOMEM;
	best = fit_by_tid(k, v, m);
	if (!best)
		best = fit_by_clock(k, v, m);
	if (!best || (k->phase == KVM_RUNNING && has_nearer(k, best, v, m)))
		return false;
	ret = takes_in(best, own) ? vm_join(k, best, own, out) : vm_join(k, own, best, out);
	if (ret)
		k->error = ret;
	return true;
}

static __attribute__((noinline)) void vm_try(struct kvm *k, struct vcpu *v,
					     const struct hvst_event *ev, struct hvst_changes *out)
{
	const struct sighting now = { ev->ts_ns, ev->cpu };

	vm_find(k, v, &now, out);
}

void kvm_sample(struct kvm *k, struct vcpu *v, const struct hvst_event *ev, uint64_t time_now,
		struct hvst_changes *out)
{
	/* Only a start reads a second clock; its event comes after both readings. */
	bool starts = ev->id == HVST_EV_STIMER_START_ONE_SHOT;
	uint64_t n = ++v->samples;

	if (hvst_refclock_sample(&v->vm->clock, &v->clock_reads, ev->ts_ns, time_now, ev->cpu,
				 starts))
		k->error = -ENOMEM;
	/* At 8, 16, 32, ... readings: what fits nowhere now may fit after a step. */
	if (n & (n - 1))
		return;
	if (n >= VM_FIRST_TRY)
		vm_try(k, v, ev, out);
	else if (v->vm->first_read_ns == HVST_UNKNOWN)
		v->vm->first_read_ns = ev->ts_ns;
}

void kvm_clock_event(struct kvm *k, struct vm *vm, const struct hvst_event *ev)
{
	if (hvst_refclock_event(&vm->clock, ev->ts_ns, ev->id))
		k->error = -ENOMEM;
}

void kvm_clock_set(struct vm *vm, int64_t ts)
{
	vm->first_set_ns = earlier(vm->first_set_ns, ts);
}

/* All threads are known now, and whether they recorded their MSR accesses. */
static void early_sets_adopt(struct kvm *k)
{
	for (unsigned int i = 0; i < k->nr_early_sets; i++) {
		const struct early_set *e = &k->early_set[i];
		const struct vcpu *v = hvst_kvm_find(k, e->pid);
		bool unsure = false;
		struct vm *vm = v ? v->vm : kvm_vm_of_task(k, e->pid, &unsure);

		if (v && v->msr_ns == HVST_UNKNOWN)
			continue; /* perhaps after a write of the page: none are recorded */
		if (unsure)
			kvm_each_vm_near(k, e->pid, kvm_clock_set, e->ts_ns);
		else if (vm && !kvm_vm_created(k, vm, e->pid))
			kvm_clock_set(vm, e->ts_ns);
	}
}

bool hvst_vm_set_unread(const struct vm *vm)
{
	return vm->first_set_ns != HVST_UNKNOWN && vm->first_read_ns != HVST_UNKNOWN &&
	       vm->first_set_ns < vm->first_read_ns;
}

/* --- the end of the trace --- */

int64_t hvst_vm_last_ns(const struct vm *vm)
{
	int64_t last = INT64_MIN;

	for (const struct vcpu *v = vm->vcpus; v; v = v->vm_next)
		last = v->last_ns > last ? v->last_ns : last;
	return last;
}

static int cmp_appearance(const void *a, const void *b)
{
	const struct vm *x = *(struct vm *const *)a, *y = *(struct vm *const *)b;

	return older(x, y) ? -1 : older(y, x);
}

static bool vm_ran(const struct vm *vm)
{
	for (const struct vcpu *v = vm->vcpus; v; v = v->vm_next)
		if (v->ran)
			return true;
	return false;
}

static bool vm_sampled(const struct vm *vm)
{
	for (const struct vcpu *v = vm->vcpus; v; v = v->vm_next)
		if (v->samples)
			return true;
	return false;
}

/*
 * Number VMs in order of appearance. A thread without any reading has no epoch: its VM remains
 * unknown, and has a negative number of its own.
 */
static int vm_number(struct kvm *k)
{
	struct vm **list = calloc(k->nr_vms ? k->nr_vms : 1, sizeof(*list));
	unsigned int n = 0;
	int number = 0, unknown = -1;

	if (!list)
		return -ENOMEM;
	for (struct vm *vm = k->vms; vm; vm = vm->next)
		if (vm_ran(vm))
			list[n++] = vm;
	qsort(list, n, sizeof(*list), cmp_appearance);
	for (unsigned int i = 0; i < n; i++)
		list[i]->number = vm_sampled(list[i]) || n == 1 ? number++ : --unknown;
	free(list);
	return 0;
}

/* The only VM of the trace with readings of its clock; NULL: none, or more than one. */
static struct vm *only_vm(const struct kvm *k)
{
	struct vm *only = NULL;

	for (struct vm *vm = k->vms; vm; vm = vm->next) {
		if (!vm_sampled(vm))
			continue;
		if (only)
			return NULL;
		only = vm;
	}
	return only;
}

/* Finds the VM of one thread by its clock. */
static bool finish_by_clock(struct kvm *k, struct hvst_changes *out)
{
	struct sighting now;

	while (k->finish_at) {
		struct vcpu *v = k->finish_at;

		k->finish_at = v->all_next;
		now.ts_ns = v->last_ns;
		now.cpu = v->clock_reads.cpu;
		if (v->samples && vm_find(k, v, &now, out))
			return true;
	}
	return false;
}

/* Whose a thread is when the only VM with readings is k->only: its own, another VM's, or unknown.
 */
enum owner { OWNER_UNKNOWN, OWNER_ONLY, OWNER_OTHER };

/* A thread without readings whose vcpu_id k->only has already is a vCPU of another VM. */
static enum owner owner_of(struct kvm *k, const struct vcpu *v)
{
	if (v->vm == k->only)
		return OWNER_ONLY;
	return v->ran && v->vcpu_id >= 0 && ids_clash(k, k->only, v->vm) ? OWNER_OTHER
									 : OWNER_UNKNOWN;
}

/*
 * Which threads without readings belong to a VM that has none at all, such as one whose guest does
 * not use Hyper-V's timers? The threads of a VM are created together: of the threads whose VM is
 * known, the one with the nearest thread id decides.
 */
static void mark_strangers(struct kvm *k)
{
	unsigned int next = 0;
	const struct vcpu *before = NULL;
	enum owner left = OWNER_UNKNOWN, right = OWNER_UNKNOWN;

	for (unsigned int i = 0; i < k->nr_vcpus; i++) {
		struct vcpu *v = k->sorted[i];
		enum owner owner = owner_of(k, v);

		if (owner != OWNER_UNKNOWN) {
			before = v;
			left = owner;
			continue;
		}
		while (next < k->nr_vcpus &&
		       (next <= i || (right = owner_of(k, k->sorted[next])) == OWNER_UNKNOWN))
			next++;
		if (next == k->nr_vcpus ||
		    (before && v->tid - before->tid <= k->sorted[next]->tid - v->tid))
			v->stranger = left == OWNER_OTHER;
		else
			v->stranger = right == OWNER_OTHER;
	}
}

/*
 * With one VM in the whole trace, a thread without readings belongs to it unless another VM's
 * threads are nearer.
 */
static bool finish_silent(struct kvm *k, struct hvst_changes *out)
{
	while (k->only && k->finish_at) {
		struct vcpu *v = k->finish_at;

		k->finish_at = v->all_next;
		if (v->vm == k->only || v->samples || v->stranger || ids_clash(k, k->only, v->vm))
			continue;
		if (vm_join(k, k->only, v->vm, out))
			k->error = -ENOMEM;
		return true;
	}
	return false;
}

/* No more readings. A VM is not claimed to exist after its last event. */
static int clocks_finish(struct kvm *k)
{
	for (struct vm *vm = k->vms; vm; vm = vm->next)
		if (hvst_refclock_finish(&vm->clock, hvst_vm_last_ns(vm)))
			return -ENOMEM;
	return 0;
}

int hvst_kvm_finish(struct kvm *k, struct hvst_changes *out)
{
	kvm_nothing(out);
	if (k->phase == KVM_RUNNING) {
		k->phase = KVM_FINISH_CLOCKS;
		k->finish_at = k->all;
		k->nr_index = 0; /* sort again */
	}
	if (k->phase == KVM_FINISH_CLOCKS) {
		if (finish_by_clock(k, out))
			return k->error ? k->error : 1;
		k->phase = KVM_FINISH_SILENT;
		k->finish_at = k->all;
		k->only = only_vm(k);
		if (k->only)
			mark_strangers(k);
	}
	if (finish_silent(k, out))
		return k->error ? k->error : 1;
	early_sets_adopt(k);
	if (!k->error && clocks_finish(k))
		k->error = -ENOMEM;
	return k->error ? k->error : vm_number(k);
}
