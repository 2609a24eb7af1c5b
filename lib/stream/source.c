/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: stream. Passes over the streams of an open source. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../file/same.h"
#include "source.h"
#include "source_private.h"

int hvst_source_fail(struct hvst_source *s, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->err, sizeof(s->err), fmt, ap);
	va_end(ap);
	return code;
}

void hvst_source_reset_counters(struct hvst_source *s)
{
	struct hvst_trace *t = &s->trace;

	t->first_ns = t->last_ns = HVST_UNKNOWN;
	t->events = t->relevant = t->ignored = t->malformed = t->duplicates = t->backwards =
		t->unfollowed = 0;
	memset(t->seen, 0, sizeof(t->seen));
	t->nr_lost = 0;
	t->lost_places = t->lost_events = 0;
	t->lost_ns = 0;
	t->start_expired_recorded = false;
	t->padding_ns = HVST_UNKNOWN;
	t->incomplete = false;
}

void hvst_source_close(struct hvst_source *s)
{
	if (!s)
		return;
	hvst_reader_thread_free(s->reader);
	hvst_dedup_free(s->dedup);
	hvst_live_free(s->live);
	for (unsigned int i = 0; i < s->nr_streams; i++)
		hvst_cpu_stream_free(s->streams[i]);
	for (unsigned int i = 0; i < s->nr_files; i++) {
		hvst_tracecmd_close(s->files[i]->tracecmd);
		hvst_file_close(&s->files[i]->file);
		free(s->files[i]);
	}
	free(s->files);
	free(s->file_info);
	free(s->buffers);
	free((void *)(uintptr_t)s->trace.buffers);
	free(s->lost);
	free(s->streams);
	free(s->file_of);
	free(s);
}

/* --- passes --- */

/* Stores a message for a reading error. */
static int read_failed(struct hvst_source *s, int code)
{
	const struct hvst_cpu_stream *cs = NULL;
	char why[256];

	for (unsigned int i = 0; i < s->nr_streams && !cs; i++)
		if (s->streams[i]->failed)
			cs = s->streams[i];
	if (cs && cs->tracecmd && *hvst_tracecmd_fate(cs->tracecmd))
		return hvst_source_fail(s, code, "%s: %s", cs->file->path,
					hvst_tracecmd_fate(cs->tracecmd));
	if (!cs || cs->tracecmd)
		return hvst_source_fail(s, code, "%s: reading failed: %s", s->files[0]->file.path,
					strerror(-code));
	hvst_pages_error(&cs->pages, cs->cpu, code, why, sizeof(why));
	return hvst_source_fail(s, code, "%s: %s", cs->file->path, why);
}

/*
 * Whether the events of a thread stay in order. Records of one CPU in several streams are ordered
 * only by their times. Where each CPU has a clock of its own ("local"), a thread that migrates may
 * seem to be back at once.
 */
static bool may_group(const struct hvst_source *s)
{
	return s->nr_files == 1 && !s->dedup &&
	       !(s->trace.clock && !strcmp(s->trace.clock, "local"));
}

int hvst_source_start(struct hvst_source *s, uint64_t wanted_ids, unsigned int how, int64_t from_ns,
		      int64_t to_ns)
{
	int rc;

	hvst_reader_thread_stop(s->reader);
	hvst_source_reset_counters(s);
	if (s->live)
		hvst_live_start(s->live);
	for (unsigned int i = 0; i < s->nr_streams; i++)
		s->streams[i]->exit_groups = !(how & HVST_SOURCE_BY_TIME) && may_group(s);
	for (unsigned int i = 0; i < s->nr_files; i++)
		hvst_decoder_select(&s->files[i]->decoder, &s->files[i]->file, wanted_ids,
				    how & HVST_SOURCE_ALL_FIELDS);
	rc = hvst_reader_thread_start(s->reader, from_ns == HVST_UNKNOWN ? INT64_MIN : from_ns,
				      to_ns == HVST_UNKNOWN ? INT64_MAX : to_ns);
	s->started = !rc;
	return rc ? read_failed(s, rc) : 0;
}

static void add_lost(struct hvst_source *s, const struct hvst_event *ev)
{
	struct hvst_trace *t = &s->trace;

	t->lost_places++;
	t->lost_events += ev->lost.count;
	if (t->nr_lost == HVST_MAX_LOST)
		return;
	s->lost[t->nr_lost++] = (struct hvst_lost){
		.cpu = ev->cpu,
		.buffer = ev->buffer,
		.ts_ns = ev->ts_ns,
		.count = ev->lost.count ? (int64_t)ev->lost.count : HVST_UNKNOWN,
	};
}

static void update_trace(struct hvst_source *s, const struct hvst_counts *c,
			 const struct hvst_event *const *ev, size_t n)
{
	struct hvst_trace *t = &s->trace;

	t->events = 0;
	for (unsigned int i = 0; i < HVST_NR_KINDS; i++)
		t->events += c->records[i];
	for (unsigned int i = 0; i < HVST_EV_COUNT; i++)
		t->seen[i] = c->records[HVST_KIND_FIRST + i];
	t->ignored = c->records[HVST_KIND_IGNORED];
	t->relevant = c->decoded;
	t->malformed = c->malformed;
	t->backwards = c->clamped;
	t->duplicates = c->duplicates;
	t->events += c->duplicates;
	t->lost_ns = c->lost_ns;
	t->start_expired_recorded = t->seen[HVST_EV_STIMER_START_EXPIRED];
	if (c->first_ns <= c->last_ns) {
		t->first_ns = c->first_ns;
		t->last_ns = c->last_ns;
	}
	for (size_t i = 0; t->lost_places < c->lost_places && i < n; i++)
		if (ev[i]->id == HVST_EV_LOST)
			add_lost(s, ev[i]);
}

long hvst_source_next(struct hvst_source *s, const struct hvst_event *const **batch)
{
	const struct hvst_batch *b;

	if (!s->started)
		return hvst_source_fail(s, -EINVAL, "hvst_source_start() comes first");
	b = hvst_reader_thread_next(s->reader);
	if (b->n < 0)
		return read_failed(s, (int)b->n);
	*batch = b->ev;
	s->bytes_done = b->counts.bytes;
	update_trace(s, &b->counts, b->ev, (size_t)b->n);
	return b->n || !b->waits ? b->n : -EAGAIN;
}

void hvst_source_stop(struct hvst_source *s)
{
	hvst_reader_thread_stop(s->reader);
	s->started = false;
}

int hvst_source_poll(struct hvst_source *s)
{
	int rc = hvst_live_poll(s->live);

	if (rc == -EBADMSG)
		return hvst_source_fail(
			s, rc, "%s: reading failed: a sub-buffer has a length that makes no sense",
			s->files[0]->file.path);
	if (rc)
		return hvst_source_fail(s, rc, "%s: reading failed: %s", s->files[0]->file.path,
					strerror(-rc));
	hvst_reader_thread_resume(s->reader);
	return 0;
}

int hvst_source_held(const struct hvst_source *s,
		     int (*each)(void *ctx, unsigned int cpu, const void *data, size_t len),
		     void *ctx)
{
	return s->live ? hvst_live_held(s->live, each, ctx) : -EINVAL;
}

void hvst_source_progress(const struct hvst_source *s, uint64_t *done, uint64_t *total)
{
	*done = s->bytes_done;
	*total = s->bytes;
}

const char *hvst_source_error(const struct hvst_source *s)
{
	return s->err;
}

struct hvst_trace *hvst_source_trace(struct hvst_source *s)
{
	return &s->trace;
}

const char *hvst_source_comm(const struct hvst_source *s, int tid)
{
	for (unsigned int i = 0; i < s->nr_files; i++) {
		const char *comm = hvst_file_comm(&s->files[i]->file, tid);

		if (*comm)
			return comm;
	}
	return "";
}

const char *hvst_source_guest(const struct hvst_source *s, int tid, int *vcpu)
{
	const char *name = NULL;

	for (unsigned int i = 0; i < s->nr_files && !name; i++)
		name = hvst_file_guest(&s->files[i]->file, tid, vcpu);
	return name;
}

const char *hvst_source_differs(const struct hvst_source *a, unsigned int i,
				const struct hvst_source *b, unsigned int k)
{
	if (i >= a->nr_files || k >= b->nr_files)
		return NULL;
	return hvst_file_differs(&a->files[i]->file, &b->files[k]->file);
}
