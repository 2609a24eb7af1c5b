// SPDX-License-Identifier: GPL-2.0
/* See browse_fake.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "../../cli/output/eventtext.h"
#include "browse_fake.h"
#include "lists.h"

#define MAX_ARMS 10000

struct hvst_arm fake_arm(int64_t ts, int tid, enum hvst_arm_kind kind, int64_t skew)
{
	return (struct hvst_arm){ .ts_ns = ts,
				  .skew_ns = skew,
				  .vm = tid / 100 - 1,
				  .vcpu = 0,
				  .tid = tid,
				  .timer = 0,
				  .kind = (uint8_t)kind };
}

static void add(struct fake *f, int64_t ts, int tid, enum hvst_arm_kind kind, int64_t skew)
{
	if (f->nr_arms == MAX_ARMS)
		abort();
	f->arms[f->nr_arms] = fake_arm(ts, tid, kind, skew);
	br_index_add(f->index, &f->arms[f->nr_arms++]);
}

static int by_time(const void *a, const void *b)
{
	const struct hvst_arm *x = a, *y = b;

	return x->ts_ns < y->ts_ns ? -1 : x->ts_ns > y->ts_ns;
}

static void add_arms(struct fake *f)
{
	for (int64_t ts = FAKE_START; ts < FAKE_STORM; ts += 10000000)
		add(f, ts, 100, HVST_ARM_AHEAD, -9800000);
	for (int i = 0; i < FAKE_STORM_ARMS; i++)
		add(f, FAKE_STORM + i * 500000ll, 100, HVST_ARM_PAST_DUE,
		    3000000000ll - i * 1500000ll);
	for (int64_t ts = FAKE_STORM_END + 10000000; ts < FAKE_END; ts += 10000000)
		add(f, ts, 100, HVST_ARM_AHEAD, -9800000);
	add(f, FAKE_LONELY, 100, HVST_ARM_PAST_DUE, 51000);
	for (int64_t ts = FAKE_START; ts < FAKE_END; ts += 2000000)
		add(f, ts, 200, HVST_ARM_AHEAD, -1900000);
	qsort(f->arms, f->nr_arms, sizeof(*f->arms), by_time);
}

static struct br_event event_of(const struct hvst_arm *arm)
{
	struct br_event e = { .vm = arm->vm, .vcpu = arm->vcpu, .comm = "CPU 0/KVM" };

	e.ev = (struct hvst_event){ .ts_ns = arm->ts_ns,
				    .pid = arm->tid,
				    .vcpu_id = arm->vcpu,
				    .present = 0xf,
				    .id = arm->kind == HVST_ARM_PAST_DUE
						  ? HVST_EV_STIMER_START_EXPIRED
						  : HVST_EV_STIMER_START_ONE_SHOT,
				    .start = { 1000, (uint64_t)(1000 - arm->skew_ns / 100), 0 } };
	return e;
}

static void reply_fine(struct fake *f, struct br_reply *a)
{
	a->fine = br_index_new_window(a->request.from, a->request.to, a->request.shift);
	for (unsigned int i = 0; i < f->nr_arms; i++)
		br_index_add(a->fine, &f->arms[i]);
}

static void reply_step(struct fake *f, struct br_reply *a)
{
	const struct br_request *q = &a->request;

	for (unsigned int i = 0; i < f->nr_arms; i++) {
		const struct hvst_arm *arm = &f->arms[i];

		if (arm->tid != q->tid || arm->kind != HVST_ARM_PAST_DUE || arm->ts_ns < q->from ||
		    arm->ts_ns >= q->to || (a->found && !q->back))
			continue;
		a->found = true;
		a->ts_ns = arm->ts_ns;
	}
}

static void reply_hits(struct fake *f, struct br_reply *a)
{
	(void)f;
	(void)a;
}

/* What is derived of an event: that it is an arm, and its skew. */
static bool selects(const char *expression, const struct hvst_arm *arm, enum filter_truth least)
{
	const struct derived d = { .arm = arm->kind == HVST_ARM_PAST_DUE ? "past_due" : "ahead",
				   .skew_ns = arm->skew_ns,
				   .late_ns = HVST_UNKNOWN,
				   .gap_ns = HVST_UNKNOWN };
	struct br_event e = event_of(arm);
	char text[512], why[FILTER_WHY];
	struct filter *f = *expression ? filter_parse(expression, FILTER_ANY, why) : NULL;
	enum filter_truth truth = FILTER_YES;

	if (f)
		truth = br_event_truth(f, &e, &d, event_text(&e.ev, "", text, sizeof(text)));
	filter_free(f);
	return truth == FILTER_YES || truth == least;
}

static void reply_events(struct fake *f, struct br_reply *a)
{
	unsigned int n = 0;

	a->events = calloc(f->nr_arms, sizeof(*a->events));
	a->at_start = a->at_end = true;
	for (unsigned int i = 0; i < f->nr_arms; i++) {
		struct br_event e = event_of(&f->arms[i]);

		if (selects(a->request.filter, &f->arms[i], FILTER_UNKNOWN))
			a->events[n++] = e;
	}
	a->nr_events = n;
}

static void reply_search(struct fake *f, struct br_reply *a)
{
	a->hits = calloc(f->nr_arms, sizeof(*a->hits));
	for (unsigned int i = 0; i < f->nr_arms; i++)
		if (selects(a->request.filter, &f->arms[i], FILTER_UNKNOWN) &&
		    selects(a->request.text, &f->arms[i], FILTER_YES))
			a->hits[a->nr_hits++] = f->arms[i].ts_ns;
}

static void drop(struct fake *f, int kind)
{
	if (f->ready[kind]) {
		br_index_free(f->replies[kind].fine);
		free(f->replies[kind].events);
		free(f->replies[kind].hits);
	}
	f->ready[kind] = false;
}

static void fake_request(struct br_source *src, const struct br_request *q)
{
	static void (*const answer[BR_REQ_KINDS])(struct fake *, struct br_reply *) = {
		reply_fine, reply_events, reply_step, reply_hits, reply_search,
	};
	struct fake *f = (struct fake *)src;
	struct br_reply a = { .kind = q->kind, .request = *q };

	drop(f, (int)q->kind);
	answer[q->kind](f, &a);
	f->replies[q->kind] = a;
	f->ready[q->kind] = true;
	f->asked[q->kind]++;
}

static bool fake_take(struct br_source *src, struct br_reply *a)
{
	struct fake *f = (struct fake *)src;

	for (int k = 0; k < BR_REQ_KINDS; k++) {
		if (f->ready[k]) {
			*a = f->replies[k];
			f->ready[k] = false;
			return true;
		}
	}
	return false;
}

static void fake_cancel(struct br_source *src)
{
	for (int k = 0; k < BR_REQ_KINDS; k++)
		drop((struct fake *)src, k);
}

static bool fake_busy(struct br_source *src, bool wait)
{
	struct fake *f = (struct fake *)src;

	(void)wait;
	for (int k = 0; k < BR_REQ_KINDS; k++)
		if (f->ready[k])
			return true;
	return false;
}

static void fake_lock(struct br_source *src, struct br_live *live)
{
	*live = ((struct fake *)src)->live;
}

static void fake_unlock(struct br_source *src)
{
	(void)src;
}

static void make_findings(struct fake *f)
{
	f->storm = (struct hvst_storm){ .vm = 0,
					.tid = 100,
					.start_ns = FAKE_STORM,
					.end_ns = FAKE_STORM_END,
					.arms = FAKE_STORM_ARMS,
					.past_due = FAKE_STORM_ARMS,
					.rate_hz = 2000,
					.peak_hz = 2000,
					.skew_start_ns = 3000000000ll,
					.skew_max_ns = 3000000000ll,
					.skew_end_ns = 1500000,
					.kind = HVST_STORM_BACKLOG,
					.period_ref = 20000,
					.predicted_end_ns = HVST_UNKNOWN,
					.progress_before = -1,
					.progress_during = -1,
					.trigger_event = -1 };
	f->guest = (struct hvst_guest_transition){ .vm = 0,
						   .vcpu = -1,
						   .tid = -1,
						   .role = HVST_ROLE_STIMER,
						   .ts_ns = FAKE_SWITCH,
						   .from = HVST_SRC_TSC_PAGE,
						   .to = HVST_SRC_REFERENCE_COUNTER,
						   .offset_ns = HVST_UNKNOWN,
						   .rate_ppm = NAN,
						   .confidence = HVST_OBSERVED };
	f->reference[0] = (struct hvst_ref_segment){ .vm = 0,
						     .from_ns = FAKE_START,
						     .to_ns = FAKE_SWITCH,
						     .source = HVST_REF_TSC_PAGE,
						     .step_ns = HVST_UNKNOWN,
						     .rate_ppm = NAN };
	f->reference[1] = (struct hvst_ref_segment){ .vm = 0,
						     .from_ns = FAKE_SWITCH,
						     .to_ns = FAKE_END,
						     .source = HVST_REF_KVMCLOCK,
						     .step_ns = 3000000000ll,
						     .rate_ppm = NAN };
	f->vcpus[0] = (struct hvst_vcpu_info){ .tid = 100, .comm = "CPU 0/KVM" };
	f->vcpus[1] = (struct hvst_vcpu_info){ .tid = 200, .comm = "vmm-two" };
	f->vms[0] = (struct hvst_vm){
		.vm = 0, .name = "win2025", .nr_vcpus = 1, .vcpus = &f->vcpu_list[0]
	};
	f->vms[1] = (struct hvst_vm){ .vm = 1, .nr_vcpus = 1, .vcpus = &f->vcpu_list[1] };
	LIST(f->storm_list, &f->storm);
	LIST(f->guest_list, &f->guest);
	LIST(f->reference_list, f->reference);
	LIST(f->vm_list, f->vms);
	LIST(f->vcpu_list, f->vcpus);
	LIST(f->verdict_list, f->verdicts);
	f->result = (struct hvst_result){ .vms = f->vm_list,
					  .nr_vms = 2,
					  .storms = f->storm_list,
					  .nr_storms = 1,
					  .guest = f->guest_list,
					  .nr_guest = 1,
					  .reference = f->reference_list,
					  .verdicts = f->verdict_list,
					  .nr_verdicts = HVST_Q_COUNT,
					  .nr_reference = 2,
					  .headline = "A storm of 2,000 past-due arms." };
	for (unsigned int i = 0; i < HVST_Q_COUNT; i++)
		f->verdicts[i] = (struct hvst_verdict){ .question = (enum hvst_question)i };
	f->trace =
		(struct hvst_trace){ .clock = "mono", .first_ns = FAKE_START, .last_ns = FAKE_END };
}

struct fake *fake_new(void)
{
	struct fake *f = calloc(1, sizeof(*f));

	if (!f)
		abort();
	f->src = (struct br_source){ fake_request, fake_take,	fake_cancel, fake_busy,
				     fake_lock,	   fake_unlock, -1 };
	f->index = br_index_new(32 << 20);
	f->arms = calloc(MAX_ARMS, sizeof(*f->arms));
	if (!f->index || !f->arms)
		abort();
	add_arms(f);
	make_findings(f);
	f->live = (struct br_live){ f->index, f->storm_list, 1, &f->result, &f->trace,
				    100,      100,	     0, "" };
	return f;
}

void fake_free(struct fake *f)
{
	fake_cancel(&f->src);
	br_index_free(f->index);
	free(f->arms);
	free(f);
}

const char *fake_line(const struct br_grid *g, int y)
{
	static char line[4 * BR_MAX_SIDE + 1];
	char *p = line;

	for (int x = 0; x < g->w; x++)
		p += strlen(br_utf8(br_cell(g, x, y)->ch, p));
	while (p > line && p[-1] == ' ')
		*--p = 0;
	return line;
}

int fake_find(const struct br_grid *g, const char *text)
{
	for (int y = 0; y < g->h; y++)
		if (strstr(fake_line(g, y), text))
			return y;
	return -1;
}

void fake_key(struct br_app *a, int key)
{
	br_app_key(a, &(struct br_input){ .key = key });
	br_app_wait_idle(a);
}

void fake_keys(struct br_app *a, const char *keys)
{
	for (; *keys; keys++)
		fake_key(a, *keys == '\n' ? BR_KEY_ENTER : *keys);
}
