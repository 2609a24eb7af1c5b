// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#include "../../cli/output/contract.h"
#include "../../cli/output/html.h"
#include "../../cli/output/text.h"
#include "../../lib/file/file.h"
#include "faults.h"
#include "session.h"

#define MARK_LEN (sizeof(SESSION_MARK) - 1)

struct sink {
	const struct session_setup *how;
	struct out out;
	struct eventline *line;
	struct options options; /* what collect_init() reads of them */
	struct collect plots;
	uint64_t arms, events;
	uint64_t hash; /* of all events */
	int64_t last_ns;
};

static struct session_setup plain(void)
{
	struct session_setup s = {
		.threads = 1, .format = FORMAT_JSONL, .vm = -1, .vcpu = -1, .timer = -1
	};

	hvst_params_default(&s.params, sizeof(s.params));
	return s;
}

/* Small numbers, so that a small recording has storms and bursts. */
static void take_params(struct hvst_params *p, unsigned int v)
{
	if (!v)
		return;
	p->storm_min_arms = 1 + (v & 15);
	p->burst_min_arms = 1 + (v >> 4 & 3);
	p->storm_min_share = v & 64 ? 1 : 80;
	p->short_deadline_ns = v & 128 ? 1000 : 0;
}

struct session_setup session_setup(struct input *in)
{
	static const unsigned int threads[] = { 1, 2, 3, 8 };
	struct session_setup s = plain();
	struct input tail;
	unsigned int who;

	if (in->n < SESSION_TAIL + MARK_LEN ||
	    memcmp(in->p + in->n - MARK_LEN, SESSION_MARK, MARK_LEN))
		return s;
	in->n -= SESSION_TAIL + MARK_LEN;
	tail = (struct input){ in->p + in->n, SESSION_TAIL };
	s.flags = (unsigned int)take(&tail, 1);
	s.threads = threads[take(&tail, 1) & 3];
	s.format = take(&tail, 1) & 3;
	s.cpu = (unsigned int)take(&tail, 1);
	s.ignored = (unsigned int)take(&tail, 1) % (HVST_EV_COUNT + 1);
	take_params(&s.params, (unsigned int)take(&tail, 1));
	s.fault_at = (unsigned int)take(&tail, 2);
	s.from = (unsigned int)take(&tail, 2);
	s.to = (unsigned int)take(&tail, 2);
	who = (unsigned int)take(&tail, 2);
	s.vm = (int)(who & 3) - 1;
	s.vcpu = (int)(who >> 2 & 31) - 1;
	s.timer = (int)(who >> 7 & 7) - 1;
	s.cancel_at = (unsigned int)take(&tail, 2);
	return s;
}

/*
 * --- observers
 * ----------------------------------------------------------------------------------------------
 */

static uint64_t hash(uint64_t h, const void *p, size_t len)
{
	const uint8_t *byte = p;

	while (len--)
		h = (h ^ *byte++) * 0x100000001b3;
	return h;
}

static bool cancels(const struct sink *s)
{
	return s->how->flags & SESSION_CANCEL && s->events > s->how->cancel_at;
}

static int on_event(void *ctx, const struct hvst_event *ev)
{
	static const struct derived nothing = { .vm = -1, .skew_ns = HVST_UNKNOWN };
	struct sink *s = ctx;

	PROMISE(ev->ts_ns >= s->last_ns);
	s->last_ns = ev->ts_ns;
	s->events++;
	s->hash = hash(s->hash, ev, sizeof(*ev));
	s->out.len = 0;
	if (s->line && ev->id < HVST_EV_COUNT)
		eventline_put(s->line, &s->out, ev, "comm", &nothing);
	return cancels(s);
}

static int on_arm(void *ctx, const struct hvst_arm *arm)
{
	struct sink *s = ctx;

	s->arms += arm->kind <= HVST_ARM_PERIODIC;
	PROMISE(arm->timer >= 0);
	collect_arm(&s->plots, arm);
	return 0;
}

static int on_fire(void *ctx, const struct hvst_fire *fire)
{
	(void)ctx;
	PROMISE(fire->timer >= 0);
	return 0;
}

static int on_storm(void *ctx, const struct hvst_storm *storm)
{
	(void)ctx;
	PROMISE(storm->start_ns <= storm->end_ns && storm->past_due <= storm->arms);
	return 0;
}

static int on_progress(void *ctx, uint64_t done, uint64_t total)
{
	(void)ctx;
	PROMISE(done <= total);
	return 0;
}

/* --- results
 * ------------------------------------------------------------------------------------------------
 */

static void render(struct hvst_session *s, struct sink *sink)
{
	const struct hvst_trace *t = hvst_session_trace(s);
	const struct hvst_result *r = hvst_session_result(s);
	const struct svg_context svg = { t, r, &sink->plots };
	int vm, vcpu;

	PROMISE(t && r);
	sink->out.len = 0;
	contract_diagnosis(&sink->out, t, r, &(struct side){ 0 });
	text_diagnosis(&sink->out, t, r, true);
	text_diagnosis(&sink->out, t, r, false);
	text_storm_details(&sink->out, r, r, true);
	text_reference(&sink->out, r, true);
	text_guest(&sink->out, r, true);
	if (sink->how->format == FORMAT_CSV && !sink->plots.error) {
		collect_group(&sink->plots, r, BY_ALL);
		html_report(&sink->out, &svg, &(struct notes){ 0 },
			    (char *const[]){ (char *)"diagnose", NULL });
	}
	for (unsigned int i = 0; i < r->nr_timers; i++) {
		hvst_session_who(s, r->timers[i]->tid, &vm, &vcpu);
		hvst_session_who_at(s, r->timers[i]->tid, t->first_ns, &vm, &vcpu);
		PROMISE(hvst_session_comm(s, r->timers[i]->tid));
	}
}

static int pass(struct hvst_session *s, struct sink *sink)
{
	/* without observers of events the analysis takes them by the batch */
	static const struct hvst_observer all = { .size = sizeof(all),
						  .event = on_event,
						  .arm = on_arm,
						  .fire = on_fire,
						  .storm = on_storm,
						  .progress = on_progress };
	static const struct hvst_observer none = { .size = sizeof(none), .progress = on_progress };
	int rc;

	sink->last_ns = INT64_MIN;
	sink->events = sink->hash = 0;
	rc = hvst_session_set_observer(s, sink->how->flags & SESSION_NO_EVENTS ? &none : &all,
				       sink);
	PROMISE(!rc);
	rc = hvst_session_run(s);
	PROMISE(!rc || rc == -ECANCELED || hvst_session_error(s)[0]);
	return rc;
}

/* Between two places of it. */
static void set_window(struct hvst_session *s, const struct session_setup *how)
{
	const struct hvst_trace *t = hvst_session_trace(s);
	int64_t part = t->first_ns == HVST_UNKNOWN ? 0 : t->last_ns / 65536 - t->first_ns / 65536;
	int64_t first = t->first_ns == HVST_UNKNOWN ? 0 : t->first_ns;

	hvst_session_set_window(s, first + part * how->from,
				how->to ? first + part * how->to : HVST_UNKNOWN);
}

static int configure(struct hvst_session *s, const struct session_setup *how, const char *path)
{
	unsigned int need = how->flags & SESSION_NO_EVENTS ? 0 : HVST_NEED_EVENTS;
	int rc = hvst_session_add_file(s, path);

	if (!(how->flags & SESSION_NO_ANALYSIS))
		need |= HVST_NEED_ANALYSIS;
	else if (how->flags & SESSION_NO_EVENTS)
		need = HVST_NEED_ARMS;
	hvst_session_set_need(s, need);
	hvst_session_set_threads(s, how->threads);
	hvst_session_set_filter(s, how->vm, how->vcpu, how->timer);
	if (!rc)
		rc = hvst_session_set_params(s, &how->params);
	if (!rc && how->flags & SESSION_TWICE)
		rc = hvst_session_add_file(s, path);
	if (!rc && how->flags & SESSION_TOP)
		rc = hvst_session_add_buffer(s, "top");
	if (!rc && how->cpu)
		rc = hvst_session_add_cpu(s, how->cpu - 1);
	if (!rc && how->ignored)
		rc = hvst_session_ignore(s, hvst_event_name(how->ignored - 1));
	return rc;
}

static int open_and_run(struct hvst_session *s, struct sink *sink, const char *path)
{
	const struct session_setup *how = sink->how;
	int rc = configure(s, how, path);

	if (!rc)
		rc = hvst_session_open(s);
	PROMISE(!rc || hvst_session_error(s)[0]);
	if (!rc)
		rc = pass(s, sink);
	if (!rc && how->flags & SESSION_WINDOW) {
		set_window(s, how);
		rc = pass(s, sink);
	}
	return rc;
}

static int run_once(struct hvst_session *s, struct sink *sink, const char *path)
{
	const struct session_setup *how = sink->how;
	int rc;

	if (how->flags & (SESSION_NO_MEMORY | SESSION_NO_READING))
		faults_arm(how->flags & SESSION_NO_MEMORY ? FAULT_MEMORY : FAULT_READ,
			   how->fault_at);
	rc = open_and_run(s, sink, path);
	faults_disarm();
	return rc;
}

/* Results do not depend on the number of threads. */
static void compare(const struct sink *threaded, enum hvst_reader reader, int rc, const char *path)
{
	struct session_setup how = *threaded->how;
	struct sink single = { .how = &how };
	struct hvst_session *s = hvst_session_new();

	PROMISE(s);
	how.threads = 1;
	out_open_memory(&single.out);
	collect_init(&single.plots, &single.options, HVST_UNKNOWN, true);
	hvst_session_set_reader(s, reader);
	PROMISE(open_and_run(s, &single, path) == rc);
	PROMISE(rc || (single.events == threaded->events && single.hash == threaded->hash));
	PROMISE(rc || single.arms == threaded->arms);
	hvst_session_free(s);
	collect_free(&single.plots);
	out_discard(&single.out);
}

static void use(struct hvst_session *s, const struct session_setup *how, enum hvst_reader reader,
		const char *path)
{
	struct sink sink = { .how = how };
	int rc;

	out_open_memory(&sink.out);
	sink.line = eventline_new(how->format == FORMAT_JSON ? FORMAT_JSONL : how->format,
				  UINT64_MAX, NULL, false);
	collect_init(&sink.plots, &sink.options, HVST_UNKNOWN, true);
	hvst_session_set_reader(s, reader);
	rc = run_once(s, &sink, path);
	if ((!rc || rc == -ECANCELED) && !(how->flags & SESSION_NO_ANALYSIS))
		render(s, &sink);
	if (how->threads > 1 && reader == HVST_READER_PAGES &&
	    !(how->flags & (SESSION_NO_MEMORY | SESSION_NO_READING)))
		compare(&sink, reader, rc, path);
	collect_free(&sink.plots);
	eventline_free(sink.line);
	out_discard(&sink.out);
}

void session_run(const struct session_setup *how, enum hvst_reader reader,
		 const struct input *recording)
{
	static int fd = -1;
	struct hvst_session *s = hvst_session_new();
	char path[64];

	if (fd < 0)
		fd = memfd_create("recording", 0);
	/* by number: the reader's own process closes all its descriptors */
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)getpid(), fd);
	PROMISE(s && !ftruncate(fd, 0) &&
		pwrite(fd, recording->p, recording->n, 0) == (ssize_t)recording->n);
	use(s, how, reader, path);
	hvst_session_free(s);
}
