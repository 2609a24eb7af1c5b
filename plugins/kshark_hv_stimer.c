// SPDX-License-Identifier: LGPL-2.1
/*
 * A plugin for KernelShark that shows on the graphs of vCPU threads how far in the past, or ahead,
 * their timers are armed, and where they are in a storm. The file is read by the library besides
 * KernelShark itself: past-due arms and storms are then those of `hvstimer diagnose`, also on
 * kernels whose traces show neither directly.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libkshark-plugin.h>
#include <libkshark.h>

#include "kshark_hv_stimer.h"

/* The scale of a graph is logarithmic, from 1 us to 100 s. */
#define LEAST_NS 1000
#define DECADES	 8

/* --- reading ---------------------------------------------------------------------------------- */

/* Room for one more element. False without memory. */
static bool grow(void **v, size_t n, size_t *room, size_t size)
{
	size_t more = *room ? 2 * *room : 64;
	void *p;

	if (n < *room)
		return true;
	p = reallocarray(*v, more, size);
	if (!p)
		return false;
	*v = p;
	*room = more;
	return true;
}

/* The place of a thread in the list, or where it would be. */
static size_t place_of(const struct ks_recording *r, int tid)
{
	size_t lo = 0, hi = r->nr_tasks;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (r->tasks[mid].tid < tid)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* NULL without memory. */
static struct ks_task *task_of(struct ks_recording *r, int tid)
{
	size_t at = place_of(r, tid);
	void *v = r->tasks;

	if (at < r->nr_tasks && r->tasks[at].tid == tid)
		return &r->tasks[at];
	if (!grow(&v, r->nr_tasks, &r->room, sizeof(*r->tasks)))
		return NULL;
	r->tasks = v;
	memmove(&r->tasks[at + 1], &r->tasks[at], (r->nr_tasks - at) * sizeof(*r->tasks));
	r->nr_tasks++;
	r->tasks[at] = (struct ks_task){ .tid = tid };
	return &r->tasks[at];
}

static int add_arm(struct ks_recording *r, const struct hvst_arm *arm)
{
	struct ks_task *t = task_of(r, arm->tid);
	void *v = t ? t->arms : NULL;

	if (!t || !grow(&v, t->nr_arms, &t->arms_room, sizeof(*t->arms)))
		return -ENOMEM;
	t->arms = v;
	t->arms[t->nr_arms++] = (struct ks_arm){ (int64_t)arm->ts_raw, arm->skew_ns,
						 arm->kind == HVST_ARM_PAST_DUE };
	return 0;
}

static int on_arm(void *ctx, const struct hvst_arm *arm)
{
	struct ks_recording *r = ctx;

	if (arm->kind == HVST_ARM_PERIODIC || arm->flags & (HVST_ARM_RESTART | HVST_ARM_PARKED))
		return 0;
	r->no_memory = add_arm(r, arm) != 0; /* hvst_session_run() returns only -ECANCELED */
	return r->no_memory;
}

/* A time as KernelShark shows it. */
static int64_t stamp(const struct hvst_trace *t, int64_t ns)
{
	return t->cycles && t->scale_mult
		       ? (int64_t)(((__int128)ns << t->scale_shift) / t->scale_mult)
		       : ns;
}

static int add_storm(struct ks_recording *r, const struct hvst_trace *trace,
		     const struct hvst_storm *s)
{
	struct ks_task *t = task_of(r, s->tid);
	void *v = t ? t->storms : NULL;

	if (!t || !grow(&v, t->nr_storms, &t->storms_room, sizeof(*t->storms)))
		return -ENOMEM;
	t->storms = v;
	t->storms[t->nr_storms++] =
		(struct ks_storm){ stamp(trace, s->start_ns), stamp(trace, s->end_ns) };
	return 0;
}

static int by_time(const void *a, const void *b)
{
	int64_t x = ((const struct ks_arm *)a)->ts, y = ((const struct ks_arm *)b)->ts;

	return x < y ? -1 : x > y;
}

static int analyse(struct ks_recording *r, struct hvst_session *s, const char *path)
{
	static const struct hvst_observer obs = { .size = sizeof(obs), .arm = on_arm };
	const struct hvst_result *result;
	int err = hvst_session_add_file(s, path);

	if (!err)
		err = hvst_session_open(s);
	hvst_session_set_need(s, HVST_NEED_ANALYSIS);
	if (!err)
		err = hvst_session_set_observer(s, &obs, r);
	if (!err)
		err = hvst_session_run(s);
	if (err)
		return err;
	result = hvst_session_result(s);
	for (unsigned int i = 0; !err && i < result->nr_storms; i++)
		err = add_storm(r, hvst_session_trace(s), result->storms[i]);
	return err;
}

int ks_recording_read(struct ks_recording *r, const char *path, char error[KS_ERROR_LEN])
{
	struct hvst_session *s = hvst_session_new();
	const char *why = "";
	int err = s ? 0 : -ENOMEM;

	memset(r, 0, sizeof(*r));
	if (!err) {
		err = analyse(r, s, path);
		why = hvst_session_error(s);
	}
	if (r->no_memory)
		err = -ENOMEM;
	if (*why)
		snprintf(error, KS_ERROR_LEN, "%s", why);
	else
		snprintf(error, KS_ERROR_LEN, "%s: %s", path, strerror(-err));
	hvst_session_free(s);
	for (size_t i = 0; i < r->nr_tasks; i++)
		if (r->tasks[i].nr_arms)
			qsort(r->tasks[i].arms, r->tasks[i].nr_arms, sizeof(*r->tasks[i].arms),
			      by_time);
	return err;
}

void ks_recording_free(struct ks_recording *r)
{
	for (size_t i = 0; i < r->nr_tasks; i++) {
		free(r->tasks[i].arms);
		free(r->tasks[i].storms);
	}
	free(r->tasks);
	memset(r, 0, sizeof(*r));
}

const struct ks_task *ks_task_find(const struct ks_recording *r, int tid)
{
	size_t at = place_of(r, tid);

	return at < r->nr_tasks && r->tasks[at].tid == tid ? &r->tasks[at] : NULL;
}

/* --- bins ------------------------------------------------------------------------------------- */

/* The first arm at or after a time. */
static size_t first_arm(const struct ks_task *t, int64_t ts)
{
	size_t lo = 0, hi = t->nr_arms;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (t->arms[mid].ts < ts)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

void ks_bin_arms(const struct ks_task *t, int64_t from, int64_t width, struct ks_bin *bins, int n)
{
	for (int i = 0; i < n; i++)
		bins[i] = (struct ks_bin){ 0, 0, HVST_UNKNOWN };
	for (size_t i = first_arm(t, from); i < t->nr_arms; i++) {
		uint64_t at = ((uint64_t)t->arms[i].ts - (uint64_t)from) / (uint64_t)width;

		if (at >= (uint64_t)n)
			return;
		bins[at].arms++;
		bins[at].past_due += t->arms[i].past_due;
		if (t->arms[i].skew_ns > bins[at].most_ns)
			bins[at].most_ns = t->arms[i].skew_ns;
	}
}

bool ks_bin_storm(const struct ks_storm *s, int64_t from, int64_t width, int n, int *first,
		  int *last)
{
	__int128 a = ((__int128)s->start - from) / width, b = ((__int128)s->end - from) / width;

	if (s->end < from || a >= n)
		return false;
	*first = a < 0 || s->start < from ? 0 : (int)a;
	*last = b >= n ? n - 1 : (int)b;
	return true;
}

int ks_skew_height(int64_t skew_ns, int height)
{
	uint64_t v = skew_ns < 0 ? 0 - (uint64_t)skew_ns : (uint64_t)skew_ns;
	double decades = 0;

	/* Linear within a decade: close enough for a graph, and needs no libm. */
	for (v /= LEAST_NS; v >= 10; v /= 10)
		decades++;
	decades += v ? (double)(v - 1) / 9 : 0;
	if (decades > DECADES)
		decades = DECADES;
	return 1 + (int)(decades / DECADES * (height - 1));
}

/* --- the plugin ------------------------------------------------------------------------------- */

/* KernelShark calls the drawing function without a context, with the stream's number only. */
#define MAX_STREAMS 256

static struct {
	struct ks_recording recording;
	bool read;
} streams[MAX_STREAMS];

static bool valid(int sd)
{
	return sd >= 0 && sd < MAX_STREAMS;
}

const struct ks_recording *ks_recording_of(int sd)
{
	return valid(sd) && streams[sd].read ? &streams[sd].recording : NULL;
}

#define EXPORTED __attribute__((visibility("default")))

EXPORTED int KSHARK_PLOT_PLUGIN_INITIALIZER(struct kshark_data_stream *stream);
EXPORTED int KSHARK_PLOT_PLUGIN_DEINITIALIZER(struct kshark_data_stream *stream);

/* Returns the number of handlers that it registered: 0 leaves the stream alone. */
int KSHARK_PLOT_PLUGIN_INITIALIZER(struct kshark_data_stream *stream)
{
	int sd = stream->stream_id, err;
	char error[KS_ERROR_LEN];

	if (!valid(sd) || !stream->file || streams[sd].read)
		return 0;
	err = ks_recording_read(&streams[sd].recording, stream->file, error);
	if (err || !streams[sd].recording.nr_tasks) {
		if (err)
			fprintf(stderr, "kshark_hv_stimer: %s\n", error);
		ks_recording_free(&streams[sd].recording);
		return 0;
	}
	streams[sd].read = true;
	kshark_register_draw_handler(stream, ks_draw);
	return 1;
}

int KSHARK_PLOT_PLUGIN_DEINITIALIZER(struct kshark_data_stream *stream)
{
	int sd = stream->stream_id;

	if (!ks_recording_of(sd))
		return 0;
	kshark_unregister_draw_handler(stream, ks_draw);
	ks_recording_free(&streams[sd].recording);
	streams[sd].read = false;
	return 1;
}
