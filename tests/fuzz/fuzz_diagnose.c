// SPDX-License-Identifier: GPL-2.0
/* A whole file through a session with every observer, and its result through the renderers of diagnose. */
#include <sys/mman.h>
#include <unistd.h>

#include "../../cli/output/contract.h"
#include "../../cli/output/eventline.h"
#include "../../cli/output/text.h"
#include "fuzz.h"

struct sink {
	struct out out;
	struct eventline *line;
	uint64_t arms, events;
	int64_t last_ns;
};

static int on_event(void *ctx, const struct hvst_event *ev)
{
	static const struct derived nothing = { .vm = -1, .skew_ns = HVST_UNKNOWN };
	struct sink *s = ctx;

	PROMISE(ev->ts_ns >= s->last_ns);
	s->last_ns = ev->ts_ns;
	s->events++;
	s->out.len = 0;
	if (ev->id < HVST_EV_COUNT)
		eventline_put(s->line, &s->out, ev, "comm", &nothing);
	return 0;
}

static int on_arm(void *ctx, const struct hvst_arm *arm)
{
	((struct sink *)ctx)->arms += arm->kind <= HVST_ARM_PERIODIC;
	return 0;
}

static int on_fire(void *ctx, const struct hvst_fire *fire)
{
	(void)ctx;
	PROMISE(fire->timer >= 0);
	return 0;
}

static void render(struct hvst_session *s, struct sink *sink)
{
	const struct hvst_trace *t = hvst_session_trace(s);
	const struct hvst_result *r = hvst_session_result(s);

	PROMISE(t && r);
	sink->out.len = 0;
	contract_diagnosis(&sink->out, t, r);
	text_diagnosis(&sink->out, t, r, true);
	text_storm_details(&sink->out, r, true);
	text_reference(&sink->out, r, true);
	text_guest(&sink->out, r, true);
}

static void use(struct hvst_session *s, const char *path)
{
	static const struct hvst_observer obs = { .event = on_event, .arm = on_arm, .fire = on_fire };
	struct sink sink = { .last_ns = INT64_MIN };
	int rc;

	out_open_memory(&sink.out);
	sink.line = eventline_new(FORMAT_JSONL, UINT64_MAX);
	hvst_session_set_threads(s, 1);
	hvst_session_set_need(s, HVST_NEED_EVENTS | HVST_NEED_ANALYSIS);
	hvst_session_set_observer(s, &obs, &sink);
	rc = hvst_session_add_file(s, path);
	if (!rc)
		rc = hvst_session_open(s);
	if (!rc)
		rc = hvst_session_run(s);
	PROMISE(!rc || hvst_session_error(s)[0]);
	if (!rc)
		render(s, &sink);
	eventline_free(sink.line);
	out_discard(&sink.out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static int fd = -1;
	struct hvst_session *s = hvst_session_new();
	char path[64];

	if (fd < 0)
		fd = memfd_create("recording", 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	PROMISE(s && !ftruncate(fd, 0) && pwrite(fd, data, size, 0) == (ssize_t)size);
	use(s, path);
	hvst_session_free(s);
	return 0;
}
