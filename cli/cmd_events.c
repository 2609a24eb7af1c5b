// SPDX-License-Identifier: GPL-2.0
/*
 * Two passes: the first tells which thread belongs to which VM and which expirations prove an arm
 * without a start event, the second prints.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "opt/value.h"
#include "output/eventline.h"
#include "output/units.h"
#include "context.h"

#define MAX_INFERRED (4u << 20) /* inferred arms remembered: 32 bytes each */
#define COMM_SLOTS   1024

/*
 * An arm of the first pass whose skew was inferred: known by the stamp and thread of the event
 * that proves it.
 */
struct inferred {
	uint64_t ts_raw;
	int64_t skew_ns;
	int32_t tid;
	int32_t timer;
	int64_t error_ns;
};

/* A vCPU thread, as the first pass found it. Several may have had one thread id, one after another.
 */
struct owner {
	int tid, vm, vcpu;
	int64_t first_ns; /* its first event */
};

/* Cached command name; slots are indexed by tid and overwritten. */
struct comm {
	int tid;
	bool used;
	char name[64];
};

struct events {
	struct context r;
	struct eventline *line;
	uint64_t wanted; /* bit per event id */
	struct inferred *inferred;
	size_t nr_inferred, cap_inferred, next_inferred;
	uint64_t forgotten;   /* inferred arms beyond the limit */
	uint64_t printed;     /* events */
	struct owner *owners; /* by tid */
	size_t nr_owners;
	struct comm comms[COMM_SLOTS];
	struct hvst_arm arm; /* the last one: it comes just before its start event */
};

/* --- first pass ------------------------------------------------------------------------------- */

static bool room_for_inferred(struct events *e)
{
	size_t cap = e->cap_inferred ? e->cap_inferred * 2 : 1024;
	struct inferred *v;

	if (e->nr_inferred < e->cap_inferred)
		return true;
	if (cap > MAX_INFERRED)
		return false;
	v = reallocarray(e->inferred, cap, sizeof(*v));
	if (!v)
		return false;
	e->inferred = v;
	e->cap_inferred = cap;
	return true;
}

static int remember_arm(void *ctx, const struct hvst_arm *arm)
{
	struct events *e = ctx;

	if (!(arm->flags & HVST_ARM_INFERRED))
		return 0;
	if (!room_for_inferred(e)) {
		e->forgotten++;
		return 0;
	}
	e->inferred[e->nr_inferred++] = (struct inferred){
		arm->ts_raw, arm->skew_ns, arm->tid, arm->timer, arm->error_ns,
	};
	return 0;
}

static int inferred_order(const void *a, const void *b)
{
	const struct inferred *x = a, *y = b;

	if (x->ts_raw != y->ts_raw)
		return x->ts_raw < y->ts_raw ? -1 : 1;
	return x->tid < y->tid ? -1 : x->tid > y->tid;
}

/* --- who -------------------------------------------------------------------------------------- */

static int owner_order(const void *a, const void *b)
{
	const struct owner *x = a, *y = b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return x->first_ns < y->first_ns ? -1 : x->first_ns > y->first_ns;
}

/* The second pass frees the result of the first: copy VM and vCPU of each thread. */
static bool keep_owners(struct events *e)
{
	const struct hvst_result *res = e->r.result;
	unsigned int i, v;
	size_t n = 0;

	for (i = 0; i < res->nr_vms; i++)
		n += res->vms[i].nr_vcpus;
	e->owners = calloc(n + 1, sizeof(*e->owners));
	if (!e->owners)
		return false;
	for (i = 0; i < res->nr_vms; i++)
		for (v = 0; v < res->vms[i].nr_vcpus; v++)
			e->owners[e->nr_owners++] = (struct owner){
				res->vms[i].vcpus[v].tid,
				res->vms[i].vm,
				res->vms[i].vcpus[v].vcpu,
				res->vms[i].vcpus[v].first_ns,
			};
	qsort(e->owners, e->nr_owners, sizeof(*e->owners), owner_order);
	return true;
}

/* A callback runs in the interrupted task: identify it by vcpu_id, if only one VM has that one. */
static struct owner owner_by_vcpu(const struct events *e, int vcpu)
{
	struct owner found = { .tid = -1, .vm = -1, .vcpu = vcpu };
	size_t i;

	for (i = 0; i < e->nr_owners; i++) {
		if (e->owners[i].vcpu != vcpu)
			continue;
		if (found.vm >= 0 && found.vm != e->owners[i].vm)
			return (struct owner){ .tid = -1, .vm = -1, .vcpu = vcpu };
		found = e->owners[i];
	}
	return found;
}

/* The last thread of that id that had begun by then, or the first one; NULL: none. */
static const struct owner *owner_by_tid(const struct events *e, int tid, int64_t ts_ns)
{
	const struct owner key = { .tid = tid, .first_ns = ts_ns };
	size_t lo = 0, hi = e->nr_owners;

	while (lo < hi) {
		size_t mid = (lo + hi) / 2;

		if (owner_order(&e->owners[mid], &key) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	if (lo && e->owners[lo - 1].tid == tid)
		return &e->owners[lo - 1];
	return lo < e->nr_owners && e->owners[lo].tid == tid ? &e->owners[lo] : NULL;
}

static struct owner owner_of(const struct events *e, const struct hvst_event *ev)
{
	const struct owner *o;

	if (ev->id == HVST_EV_LOST)
		return (struct owner){ .tid = -1, .vm = -1, .vcpu = -1 };
	if (ev->id == HVST_EV_STIMER_CALLBACK)
		return owner_by_vcpu(e, ev->vcpu_id);
	o = owner_by_tid(e, ev->pid, ev->ts_ns);
	return o ? *o : (struct owner){ .tid = ev->pid, .vm = -1, .vcpu = ev->vcpu_id };
}

static const char *comm_of(struct events *e, const struct hvst_event *ev)
{
	struct comm *c = &e->comms[(unsigned int)ev->pid % COMM_SLOTS];

	if (ev->id == HVST_EV_LOST)
		return "";
	if (!c->used || c->tid != ev->pid) {
		c->used = true;
		c->tid = ev->pid;
		snprintf(c->name, sizeof(c->name), "%s", hvst_session_comm(e->r.s, ev->pid));
	}
	return c->name;
}

/* The timer that an event is about, -1 when it is about none. */
static int timer_of(const struct hvst_event *ev)
{
	switch (ev->id) {
	case HVST_EV_STIMER_SET_CONFIG:
		return ev->set_config.timer_index;
	case HVST_EV_STIMER_SET_COUNT:
		return ev->set_count.timer_index;
	case HVST_EV_STIMER_START_ONE_SHOT:
	case HVST_EV_STIMER_START_PERIODIC:
	case HVST_EV_STIMER_START_EXPIRED:
		return ev->start.timer_index;
	case HVST_EV_STIMER_CLEANUP:
	case HVST_EV_STIMER_CALLBACK:
		return ev->timer.timer_index;
	case HVST_EV_STIMER_EXPIRATION:
		return ev->expiration.timer_index;
	default:
		return -1;
	}
}

/* --- second pass ------------------------------------------------------------------------------ */

static bool is_start(const struct hvst_event *ev)
{
	return ev->id == HVST_EV_STIMER_START_ONE_SHOT || ev->id == HVST_EV_STIMER_START_PERIODIC ||
	       ev->id == HVST_EV_STIMER_START_EXPIRED;
}

/* 100 * (time_now - count), held within 64 bits. */
static int64_t skew_of(const struct hvst_event *ev)
{
	__int128 skew = ((__int128)ev->start.time_now - ev->start.count) * 100;

	return skew > INT64_MAX ? INT64_MAX : skew <= INT64_MIN ? INT64_MIN + 1 : (int64_t)skew;
}

static void find_inferred(struct events *e, const struct hvst_event *ev, struct derived *d)
{
	size_t i;

	while (e->next_inferred < e->nr_inferred &&
	       e->inferred[e->next_inferred].ts_raw < ev->ts_raw)
		e->next_inferred++;
	for (i = e->next_inferred; i < e->nr_inferred && e->inferred[i].ts_raw == ev->ts_raw; i++) {
		if (e->inferred[i].tid != ev->pid || e->inferred[i].timer != timer_of(ev))
			continue;
		d->inferred = true;
		d->arm = "past_due";
		d->skew_ns = e->inferred[i].skew_ns;
		d->skew_error_ns = e->inferred[i].error_ns;
	}
}

/* What a start event was: an arm by the guest, or padding by the host. */
static const char *arm_name(const struct hvst_arm *arm, const struct hvst_event *ev)
{
	static const char *const names[] = {
		[HVST_ARM_AHEAD] = "ahead",
		[HVST_ARM_PAST_DUE] = "past_due",
		[HVST_ARM_PERIODIC] = "periodic",
	};

	if (arm->ts_raw != ev->ts_raw || arm->cpu != ev->cpu || arm->tid != ev->pid)
		return "padding";
	return arm->flags & HVST_ARM_RESTART ? "restart" : names[arm->kind];
}

static struct derived derive(struct events *e, const struct hvst_event *ev, int vm)
{
	struct derived d = { .vm = vm, .skew_ns = HVST_UNKNOWN };

	if (is_start(ev))
		d.arm = arm_name(&e->arm, ev);
	if (ev->id == HVST_EV_STIMER_START_ONE_SHOT || ev->id == HVST_EV_STIMER_START_EXPIRED)
		d.skew_ns = skew_of(ev);
	if (d.arm || ev->id == HVST_EV_STIMER_EXPIRATION)
		find_inferred(e, ev, &d);
	return d;
}

static bool selected(const struct events *e, const struct hvst_event *ev, const struct owner *who)
{
	const struct options *o = &e->r.o;

	if (!(e->wanted >> ev->id & 1))
		return false;
	if (ev->id == HVST_EV_LOST)
		return true;
	return (o->vm < 0 || o->vm == who->vm) && (o->timer < 0 || o->timer == timer_of(ev)) &&
	       (o->vcpu < 0 || o->vcpu == (ev->vcpu_id >= 0 ? ev->vcpu_id : who->vcpu));
}

static int on_event(void *ctx, const struct hvst_event *ev)
{
	struct events *e = ctx;
	struct owner who = owner_of(e, ev);
	struct derived d;

	if (selected(e, ev, &who)) {
		e->printed++;
		d = derive(e, ev, who.vm);
		eventline_put(e->line, &e->r.out, ev, comm_of(e, ev), &d);
	} else {
		eventline_pass(e->line, ev);
	}
	return e->r.out.err;
}

static int on_arm(void *ctx, const struct hvst_arm *arm)
{
	struct events *e = ctx;

	e->arm = *arm;
	return 0;
}

/* --- command ---------------------------------------------------------------------------------- */

static uint64_t wanted_ids(const struct string_list *patterns)
{
	uint64_t ids = 0;
	unsigned int i;

	if (!patterns->n)
		return ((1ULL << HVST_EV_COUNT) - 1) | 1ULL << HVST_EV_LOST;
	for (i = 0; i < patterns->n; i++)
		ids |= events_matching(patterns->v[i]);
	return ids;
}

static int print_all(struct events *e)
{
	const struct hvst_observer obs = { .event = on_event, .arm = on_arm };

	if (!keep_owners(e)) {
		cli_error("out of memory");
		return EXIT_INPUT;
	}
	if (e->nr_inferred)
		qsort(e->inferred, e->nr_inferred, sizeof(*e->inferred), inferred_order);
	e->line = eventline_new(e->r.o.format, e->wanted & ((1ULL << HVST_EV_COUNT) - 1),
				e->r.trace, e->r.o.date);
	if (!e->line) {
		cli_error("out of memory");
		return EXIT_INPUT;
	}
	eventline_head(e->line, &e->r.out);
	if (!ctx_pass(&e->r, HVST_NEED_EVENTS | HVST_NEED_ANALYSIS, &obs, e))
		return EXIT_INPUT;
	return EXIT_OK;
}

static int read_twice(struct events *e)
{
	const struct hvst_observer first = { .arm = remember_arm };
	int code;

	/* selected() filters: whose a callback is can only be told knowing all VMs */
	hvst_session_set_filter(e->r.s, -1, -1, -1);
	code = ctx_analyse(&e->r, (1ULL << HVST_EV_COUNT) - 1, &first, e);

	if (!code && !e->r.interrupted)
		code = print_all(e);
	if (code)
		return ctx_fail(&e->r, code);
	if (e->forgotten && !e->r.o.quiet)
		cli_error("events: %llu inferred arms beyond %u were not marked; narrow --from and "
			  "--to",
			  (unsigned long long)e->forgotten, MAX_INFERRED);
	if (!e->printed && !e->r.interrupted)
		cli_warn("events: none selected by these options was seen");
	return ctx_end(&e->r, false);
}

/* False, after a message: wall-clock times are asked for and nothing tells them. */
static bool date_known(struct events *e, int *code)
{
	char buf[UNIT_BUF];

	if (!e->r.o.date || strcmp(unit_utc(buf, 0), "-"))
		return true;
	cli_error("events: --date: the recording does not carry its wall-clock time; --utc-at "
		  "tells it");
	*code = ctx_fail(&e->r, EXIT_USAGE);
	return false;
}

int cmd_events(int argc, char **argv)
{
	struct events *e = calloc(1, sizeof(*e));
	int code;

	if (!e) {
		cli_error("out of memory");
		return EXIT_INPUT;
	}
	if (ctx_start(&e->r, CMD_EVENTS, argc, argv, &code) && date_known(e, &code)) {
		e->wanted = wanted_ids(&e->r.o.events);
		code = read_twice(e);
	}
	eventline_free(e->line);
	free(e->owners);
	free(e->inferred);
	free(e);
	return code;
}
