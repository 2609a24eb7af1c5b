/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: session. The public API: options, one source, one analysis for each run. All state belongs
 * to a session; there are no globals.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <hvstimer/hvstimer.h>

#include "abi/sized.h"
#include "analysis/analysis.h"
#include "event/needs.h"
#include "identity.h"
#include "kvm/kvm.h"
#include "observers.h"
#include "stream/open.h"
#include "stream/source.h"
#include "vmm.h"

#define PROGRESS_BATCHES 64

struct strings {
	char **s;
	unsigned int n;
};

struct hvst_session {
	struct strings paths, buffers;
	int *fds; /* by path: -1, or the file that is open already */
	unsigned int *cpus;
	unsigned int nr_cpus;
	uint64_t ignored;
	enum hvst_reader reader;
	unsigned int threads;
	struct hvst_params params;
	unsigned int need;
	int64_t from_ns, to_ns;
	int vm, vcpu, timer;
	struct observers observers;
	struct hvst_observer obs; /* all of them */
	void *obs_ctx;
	struct hvst_live_ops live; /* @live.read NULL: a recording */
	void *live_ctx;
	size_t live_keep;
	struct hvst_source *src;
	struct kvm *kvm;     /* of the last run that analysed */
	struct analysis *an; /* the same run's */
	/*
	 * Of the last run that read the recording from its beginning or, without one, of the last.
	 */
	struct identities ids;
	bool ids_from_start;
	atomic_bool stop;
	char error[512];
};

static int fail(struct hvst_session *s, int err, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static int fail(struct hvst_session *s, int err, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->error, sizeof(s->error), fmt, ap);
	va_end(ap);
	return err;
}

/*
 * The size of the first version of a struct that programs pass in, up to its last member. It stays
 * as it is when members are added: programs of that version go on passing it.
 */
#define FIRST_SIZE(type, last) (offsetof(struct type, last) + sizeof(((struct type *)0)->last))
#define PARAMS_FIRST_SIZE      FIRST_SIZE(hvst_params, short_deadline_ns)
#define OBSERVER_FIRST_SIZE    FIRST_SIZE(hvst_observer, progressed)
#define LIVE_OPS_FIRST_SIZE    FIRST_SIZE(hvst_live_ops, wait)

/* Copies what a program passed in: a struct @name of its version, with its size in front. */
static int take(struct hvst_session *s, const char *name, void *to, size_t size, size_t first,
		const void *from)
{
	int ret = hvst_sized_copy(to, size, first, from);

	if (ret == -EINVAL)
		return fail(s, ret, "struct %s: its size is not set: at least %zu", name, first);
	if (ret)
		return fail(
			s, ret,
			"struct %s: a member beyond the %zu bytes that libhvstimer %s knows is set",
			name, size, hvst_version());
	return 0;
}

struct hvst_session *hvst_session_new(void)
{
	struct hvst_session *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	hvst_params_default(&s->params, sizeof(s->params));
	s->need = HVST_NEED_ANALYSIS;
	s->from_ns = s->to_ns = HVST_UNKNOWN;
	s->vm = s->vcpu = s->timer = -1;
	return s;
}

static void strings_free(struct strings *l)
{
	for (unsigned int i = 0; i < l->n; i++)
		free(l->s[i]);
	free(l->s);
}

static void analysis_end(struct hvst_session *s)
{
	hvst_analysis_free(s->an);
	hvst_kvm_free(s->kvm);
	s->an = NULL;
	s->kvm = NULL;
}

void hvst_session_free(struct hvst_session *s)
{
	if (!s)
		return;
	analysis_end(s);
	hvst_source_close(s->src);
	for (unsigned int i = 0; i < s->paths.n; i++)
		if (s->fds[i] >= 0)
			close(s->fds[i]);
	free(s->fds);
	strings_free(&s->paths);
	strings_free(&s->buffers);
	free(s->cpus);
	hvst_identities_free(&s->ids);
	free(s);
}

static int strings_add(struct hvst_session *s, struct strings *l, const char *str)
{
	char **p = realloc(l->s, (l->n + 1) * sizeof(*p));

	if (!p)
		return fail(s, -ENOMEM, "out of memory");
	l->s = p;
	p[l->n] = strdup(str);
	if (!p[l->n])
		return fail(s, -ENOMEM, "out of memory");
	l->n++;
	return 0;
}

/* Options of what is read are fixed when the files are opened. */
static int check_not_open(struct hvst_session *s)
{
	return s->src ? fail(s, -EBUSY, "the recording is open already") : 0;
}

static int add_path(struct hvst_session *s, const char *path, int fd)
{
	int *fds = realloc(s->fds, (s->paths.n + 1) * sizeof(*fds));

	if (!fds)
		return fail(s, -ENOMEM, "out of memory");
	s->fds = fds;
	fds[s->paths.n] = fd;
	return strings_add(s, &s->paths, path);
}

int hvst_session_add_file(struct hvst_session *s, const char *path)
{
	int ret = check_not_open(s);

	return ret ? ret : add_path(s, path, -1);
}

int hvst_session_add_fd(struct hvst_session *s, int fd, const char *name)
{
	int own, ret = check_not_open(s);

	if (ret)
		return ret;
	own = fcntl(fd, F_DUPFD_CLOEXEC, 0);
	if (own < 0)
		return fail(s, -errno, "%s: %s", name, strerror(errno));
	ret = add_path(s, name, own);
	if (ret)
		close(own);
	return ret;
}

int hvst_session_add_buffer(struct hvst_session *s, const char *name)
{
	int ret = check_not_open(s);

	return ret ? ret : strings_add(s, &s->buffers, name);
}

int hvst_session_add_cpu(struct hvst_session *s, unsigned int cpu)
{
	int ret = check_not_open(s);
	unsigned int *p;

	if (ret)
		return ret;
	p = realloc(s->cpus, (s->nr_cpus + 1) * sizeof(*p));
	if (!p)
		return fail(s, -ENOMEM, "out of memory");
	s->cpus = p;
	p[s->nr_cpus++] = cpu;
	return 0;
}

int hvst_session_ignore(struct hvst_session *s, const char *event)
{
	int id = hvst_event_by_name(event), ret = check_not_open(s);

	if (ret)
		return ret;
	if (id < 0)
		return fail(s, -EINVAL, "no such event: %s", event);
	s->ignored |= 1ULL << id;
	return 0;
}

int hvst_session_set_reader(struct hvst_session *s, enum hvst_reader reader)
{
	int ret = check_not_open(s);

	if (!ret)
		s->reader = reader;
	return ret;
}

int hvst_session_set_threads(struct hvst_session *s, unsigned int threads)
{
	int ret = check_not_open(s);

	if (!ret)
		s->threads = threads;
	return ret;
}

int hvst_session_set_live(struct hvst_session *s, const struct hvst_live_ops *ops, void *ctx,
			  size_t keep)
{
	struct hvst_live_ops own = { 0 };
	int ret = check_not_open(s);

	if (!ret)
		ret = take(s, "hvst_live_ops", &own, sizeof(own), LIVE_OPS_FIRST_SIZE, ops);
	if (ret)
		return ret;
	s->live = own;
	s->live_ctx = ctx;
	s->live_keep = keep;
	return 0;
}

int hvst_session_set_params(struct hvst_session *s, const struct hvst_params *p)
{
	struct hvst_params own;
	int ret;

	hvst_params_default(&own, sizeof(own));
	ret = take(s, "hvst_params", &own, sizeof(own), PARAMS_FIRST_SIZE, p);
	if (!ret)
		s->params = own;
	return ret;
}

void hvst_session_set_need(struct hvst_session *s, unsigned int need)
{
	s->need = need;
}

void hvst_session_set_window(struct hvst_session *s, int64_t from_ns, int64_t to_ns)
{
	s->from_ns = from_ns;
	s->to_ns = to_ns;
}

void hvst_session_set_filter(struct hvst_session *s, int vm, int vcpu, int timer)
{
	s->vm = vm;
	s->vcpu = vcpu;
	s->timer = timer;
}

static int take_observer(struct hvst_session *s, struct hvst_observer *own,
			 const struct hvst_observer *obs)
{
	memset(own, 0, sizeof(*own));
	return take(s, "hvst_observer", own, sizeof(*own), OBSERVER_FIRST_SIZE, obs);
}

static int add_own(struct hvst_session *s, const struct hvst_observer *own, void *ctx)
{
	if (hvst_observers_add(&s->observers, own, ctx))
		return fail(s, -ENOSPC, "more than %d observers", HVST_MAX_OBSERVERS);
	s->obs = hvst_observers_all(&s->observers, &s->obs_ctx);
	return 0;
}

int hvst_session_add_observer(struct hvst_session *s, const struct hvst_observer *obs, void *ctx)
{
	struct hvst_observer own;
	int ret = take_observer(s, &own, obs);

	return ret ? ret : add_own(s, &own, ctx);
}

int hvst_session_set_observer(struct hvst_session *s, const struct hvst_observer *obs, void *ctx)
{
	struct hvst_observer own;
	int ret = obs ? take_observer(s, &own, obs) : 0;

	if (ret)
		return ret;
	s->observers.n = 0;
	memset(&s->obs, 0, sizeof(s->obs));
	return obs ? add_own(s, &own, ctx) : 0;
}

int hvst_session_open(struct hvst_session *s)
{
	struct hvst_source_opts opts = {
		.paths = (const char *const *)s->paths.s,
		.fds = s->fds,
		.nr_paths = s->paths.n,
		.buffers = (const char *const *)s->buffers.s,
		.nr_buffers = s->buffers.n,
		.cpus = s->cpus,
		.nr_cpus = s->nr_cpus,
		.ignored_ids = s->ignored,
		.reader = s->reader,
		.threads = s->threads,
		.live = s->live.read ? &s->live : NULL,
		.live_ctx = s->live_ctx,
		.live_keep = s->live_keep,
	};

	int ret = check_not_open(s);

	if (ret)
		return ret;
	if (!s->paths.n)
		return fail(s, -EINVAL, "no file given");
	return hvst_source_open(&s->src, &opts, s->error, sizeof(s->error));
}

/* An event observer wants all events. */
static uint64_t wanted_ids(const struct hvst_session *s)
{
	return s->need & HVST_NEED_EVENTS ? (1ULL << HVST_EV_COUNT) - 1 : hvst_needed_events();
}

static bool recorded(const struct hvst_session *s, unsigned int id)
{
	const struct hvst_trace *t = hvst_source_trace(s->src);

	return t->in_format[id / 32] >> id % 32 & 1 && !(s->ignored >> id & 1);
}

static int known_vm(const void *ctx, int tid)
{
	const struct identity *who = hvst_identity_only(ctx, tid);

	return who ? who->vm : -1;
}

static int known_creator(const void *ctx, int tid, int64_t ts_ns)
{
	const struct identity *who = hvst_identity_at(ctx, tid, ts_ns);

	return who ? who->creator : -1;
}

static bool from_start(const struct hvst_session *s)
{
	return s->from_ns == HVST_UNKNOWN;
}

static int known_number(const struct hvst_session *s, const struct vm *vm)
{
	for (const struct vcpu *v = vm->vcpus; v; v = v->vm_next) {
		const struct identity *who = hvst_identity_at(&s->ids, v->tid, v->first_ns);

		if (who && who->vm >= 0)
			return who->vm;
	}
	return -1;
}

/*
 * In a run with a window other VMs may appear first: number the VMs as the run from the beginning
 * did. VMs that it did not know get the numbers after these, and so does one of two VMs that it
 * took for one.
 */
static int keep_numbers(struct hvst_session *s)
{
	unsigned int known = 0;
	bool *taken;

	if (!s->ids_from_start || from_start(s))
		return 0;
	for (unsigned int i = 0; i < s->ids.n; i++)
		if (s->ids.v[i].vm >= (int)known)
			known = s->ids.v[i].vm + 1;
	taken = calloc(known + 1, sizeof(*taken));
	if (!taken)
		return fail(s, -ENOMEM, "out of memory");
	for (struct vm *vm = hvst_kvm_vms(s->kvm); vm; vm = vm->next) {
		int number = vm->number != -1 ? known_number(s, vm) : -1; /* -1: no guest ran */

		if (number >= 0 && !taken[number]) {
			vm->number = number;
			taken[number] = true;
		} else if (vm->number >= 0) {
			vm->number += (int)known;
		}
	}
	free(taken);
	return 0;
}

static int keep_identities(struct hvst_session *s)
{
	if (s->ids_from_start && !from_start(s))
		return 0;
	s->ids_from_start = false;
	if (hvst_identities_take(&s->ids, s->kvm))
		return fail(s, -ENOMEM, "out of memory");
	s->ids_from_start = from_start(s) && !hvst_source_trace(s->src)->incomplete;
	return 0;
}

/* Does a run need the state of KVM, or only the events? */
static bool needs_kvm(const struct hvst_session *s)
{
	return s->need & (HVST_NEED_ANALYSIS | HVST_NEED_ARMS);
}

/* Fills in the names that the recording has, see struct hvst_analysis_opts. */
static void name_vms(const void *ctx, struct hvst_vm *vms, unsigned int n)
{
	const struct hvst_session *s = ctx;
	int vcpu;

	for (unsigned int i = 0; i < n; i++) {
		for (unsigned int k = 0; k < vms[i].nr_vcpus; k++) {
			struct hvst_vcpu_info *v =
				(struct hvst_vcpu_info *)(uintptr_t)vms[i].vcpus[k];

			snprintf(v->comm, sizeof(v->comm), "%s", hvst_source_comm(s->src, v->tid));
			if (!vms[i].name && vms[i].vm >= 0)
				vms[i].name = hvst_source_guest(s->src, v->tid, &vcpu);
		}
	}
	hvst_vmm_name(s->src, vms, n);
}

static int analysis_begin(struct hvst_session *s)
{
	const struct hvst_trace *t = hvst_source_trace(s->src);
	const struct hvst_kvm_opts kvm = {
		.starts_recorded = recorded(s, HVST_EV_STIMER_START_ONE_SHOT) ||
				   recorded(s, HVST_EV_STIMER_CALLBACK),
		.msr_recorded = recorded(s, HVST_EV_MSR),
		.clock_per_cpu = t->clock && !strcmp(t->clock, "local"),
		.clock_unscaled = t->cycles && t->scale_source == HVST_SCALE_NONE,
		.known_creator = s->ids_from_start && !from_start(s) ? known_creator : NULL,
		.known_ctx = &s->ids,
	};
	const struct hvst_analysis_opts opts = {
		.params = &s->params,
		.trace = hvst_source_trace(s->src),
		.ignored = s->ignored,
		.obs = &s->obs,
		.obs_ctx = s->obs_ctx,
		.vm = s->vm,
		.vcpu = s->vcpu,
		.timer = s->timer,
		.arms_only = !(s->need & HVST_NEED_ANALYSIS),
		.some_cpus = s->nr_cpus != 0,
		.known_vm = known_vm,
		.known_ctx = &s->ids,
		.name_vms = name_vms,
		.name_ctx = s,
	};

	s->kvm = hvst_kvm_new(&kvm);
	s->an = s->kvm ? hvst_analysis_new(s->kvm, &opts) : NULL;
	return s->an ? 0 : fail(s, -ENOMEM, "out of memory");
}

/* An observer sees each event right after the changes made from it, and may stop there. */
static int batch(struct hvst_session *s, const struct hvst_event *const *ev, long n)
{
	bool analysis = needs_kvm(s);
	int ret = 0;

	if (!s->obs.event)
		return analysis ? hvst_analysis_events(s->an, ev, n) : 0;
	for (long i = 0; i < n && !ret; i++) {
		if (analysis)
			ret = hvst_analysis_events(s->an, ev + i, 1);
		if (!ret && s->obs.event(s->obs_ctx, ev[i]))
			ret = -ECANCELED;
	}
	return ret;
}

static int progress(struct hvst_session *s)
{
	uint64_t done, total;

	if (!s->obs.progress)
		return 0;
	hvst_source_progress(s->src, &done, &total);
	return s->obs.progress(s->obs_ctx, done, total) ? -ECANCELED : 0;
}

/* A request to stop is taken by one run. */
static bool take_stop(struct hvst_session *s)
{
	return atomic_load_explicit(&s->stop, memory_order_relaxed) &&
	       atomic_exchange_explicit(&s->stop, false, memory_order_relaxed);
}

static int pass(struct hvst_session *s)
{
	const struct hvst_event *const *ev;
	unsigned int batches = 0;
	int ret = 0;
	long n = 0;

	while (!ret) {
		if (take_stop(s)) {
			ret = -ECANCELED;
			break;
		}
		n = hvst_source_next(s->src, &ev);
		if (n == -EAGAIN) {
			n = hvst_source_poll(s->src);
			if (!n)
				continue;
		}
		if (n <= 0)
			break;
		ret = batch(s, ev, n);
		if (!ret && ++batches % PROGRESS_BATCHES == 0)
			ret = progress(s);
	}
	if (n < 0)
		return fail(s, (int)n, "%s", hvst_source_error(s->src));
	return ret == -ENOMEM ? fail(s, ret, "out of memory") : ret;
}

/* Adds to the trace's figures what only lib/kvm knows. */
static void complete_trace(struct hvst_session *s)
{
	struct hvst_trace *t = hvst_source_trace(s->src);

	t->padding_ns = hvst_kvm_padding_ns(s->kvm);
	t->start_expired_recorded = hvst_kvm_start_expired_seen(s->kvm);
	t->backwards += hvst_kvm_backwards(s->kvm);
	t->unfollowed = hvst_kvm_unfollowed(s->kvm);
	t->lost_ns = hvst_kvm_lost_ns(s->kvm);
}

/* A run that was stopped still answers for what it read. */
static int findings(struct hvst_session *s)
{
	struct hvst_changes changes;
	int ret;

	while ((ret = hvst_kvm_finish(s->kvm, &changes)) > 0)
		if (hvst_analysis_changes(s->an, &changes) == -ENOMEM)
			break;
	if (ret || keep_numbers(s) || hvst_analysis_finish(s->an) == -ENOMEM)
		return fail(s, -ENOMEM, "out of memory");
	if (!(s->need & HVST_NEED_ANALYSIS)) {
		analysis_end(s); /* all arms were handed out */
		return 0;
	}
	complete_trace(s);
	return keep_identities(s);
}

/* Bits of enum hvst_source_how. */
static unsigned int how_to_read(const struct hvst_session *s)
{
	unsigned int how = 0;

	if (s->need & HVST_NEED_EVENTS)
		how |= HVST_SOURCE_ALL_FIELDS;
	if (s->need & HVST_NEED_EVENTS || s->obs.event)
		how |= HVST_SOURCE_BY_TIME;
	return how;
}

static int run(struct hvst_session *s)
{
	bool analyse = needs_kvm(s);
	int ret;

	ret = hvst_source_start(s->src, wanted_ids(s), how_to_read(s), s->from_ns, s->to_ns);
	if (ret)
		return fail(s, ret, "%s", hvst_source_error(s->src));
	ret = analyse ? analysis_begin(s) : 0;
	if (ret)
		return ret;
	ret = pass(s);
	hvst_source_stop(s->src);
	hvst_source_trace(s->src)->incomplete = ret == -ECANCELED;
	if (analyse && (!ret || ret == -ECANCELED) && findings(s))
		return -ENOMEM;
	return ret;
}

int hvst_session_run(struct hvst_session *s)
{
	int ret;

	if (!s->src)
		return fail(s, -EINVAL, "not open");
	s->error[0] = '\0';
	analysis_end(s);
	ret = run(s);
	if (ret && ret != -ECANCELED)
		analysis_end(s);
	return ret;
}

void hvst_session_stop(struct hvst_session *s)
{
	atomic_store_explicit(&s->stop, true, memory_order_relaxed);
}

const struct hvst_trace *hvst_session_trace(const struct hvst_session *s)
{
	return s->src ? hvst_source_trace(s->src) : NULL;
}

const struct hvst_result *hvst_session_result(const struct hvst_session *s)
{
	return s->an ? hvst_analysis_result(s->an) : NULL;
}

const char *hvst_session_error(const struct hvst_session *s)
{
	return s->error;
}

const char *hvst_session_comm(const struct hvst_session *s, int tid)
{
	return s->src ? hvst_source_comm(s->src, tid) : "";
}

static int set_who(const struct identity *who, int *vm, int *vcpu)
{
	*vm = who ? who->vm : -1;
	*vcpu = who ? who->vcpu : -1;
	return who ? who->thread : -1;
}

void hvst_session_who(const struct hvst_session *s, int tid, int *vm, int *vcpu)
{
	set_who(hvst_identity_only(&s->ids, tid), vm, vcpu);
}

int hvst_session_who_at(const struct hvst_session *s, int tid, int64_t ts_ns, int *vm, int *vcpu)
{
	return set_who(hvst_identity_at(&s->ids, tid, ts_ns), vm, vcpu);
}

void hvst_session_whose(const struct hvst_session *s, const struct hvst_event *ev, int *vm,
			int *vcpu)
{
	*vm = *vcpu = -1;
	if (ev->id == HVST_EV_STIMER_CALLBACK)
		*vm = hvst_identities_vm_with(&s->ids, ev->vcpu_id);
	else if (ev->id != HVST_EV_LOST)
		hvst_session_who_at(s, ev->pid, ev->ts_ns, vm, vcpu);
	if (ev->vcpu_id >= 0)
		*vcpu = ev->vcpu_id;
}

int hvst_session_held(const struct hvst_session *s,
		      int (*each)(void *ctx, unsigned int cpu, const void *data, size_t len),
		      void *ctx)
{
	return s->src ? hvst_source_held(s->src, each, ctx) : -EINVAL;
}

const char *hvst_session_differs(const struct hvst_session *a, unsigned int file_a,
				 const struct hvst_session *b, unsigned int file_b)
{
	return a->src && b->src ? hvst_source_differs(a->src, file_a, b->src, file_b) : NULL;
}
