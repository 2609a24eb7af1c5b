// SPDX-License-Identifier: GPL-2.0
/* OTLP metrics of a result, as JSON. */
#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "finding.h"
#include "json.h"
#include "otlp.h"
#include "timerrow.h"
#include "units.h"

#define DELTA 1 /* AGGREGATION_TEMPORALITY_DELTA: each recording is counted for itself */

/* When the recording was, ns since the Epoch. */
struct span {
	int64_t from, to;
};

/* --- exponential histograms ------------------------------------------------------------------- */

/*
 * A magnitude is not a power of 2^(1/64) unless it is one of 2, and never near enough to one for a
 * double's rounding to matter; t_metrics compares all buckets of a sketch with exact integers.
 */
int otlp_index(uint64_t magnitude)
{
	int octave = 63 - __builtin_clzll(magnitude);

	if (!(magnitude & (magnitude - 1)))
		return 64 * octave - 1;
	return (int)ceil(log2((double)magnitude) * 64) - 1;
}

/* The magnitude in the middle of a bucket of a sketch; 0 is a bucket of its own. */
static uint64_t middle(int64_t lo, int64_t hi)
{
	uint64_t a = lo < 0 ? 0 - (uint64_t)(hi - 1) : (uint64_t)lo;
	uint64_t b = lo < 0 ? 0 - (uint64_t)lo : (uint64_t)(hi - 1);

	return a + (b - a) / 2;
}

#define ANSWERS	  (HVST_YES + 1)
#define MAX_INDEX (64 * 64)

/* One half of a histogram, by index + 1: a magnitude of 1 has index -1. */
struct half {
	uint64_t count[MAX_INDEX + 1];
	unsigned int first, end; /* [first, end); end 0: it is empty */
};

struct exponential {
	struct half half[2]; /* magnitudes of values above and below 0 */
	uint64_t zero;
};

static void add_bucket(struct exponential *e, int64_t lo, int64_t hi, uint64_t n)
{
	struct half *s = &e->half[lo < 0];
	uint64_t magnitude = middle(lo, hi);
	unsigned int at;

	if (!magnitude) {
		e->zero += n;
		return;
	}
	at = (unsigned int)(otlp_index(magnitude) + 1);
	if (!s->end || at < s->first)
		s->first = at;
	if (at >= s->end)
		s->end = at + 1;
	s->count[at] += n;
}

static void put_u64(struct json *j, const char *key, uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, v);
	json_string(j, key, text);
}

static void put_half(struct json *j, const char *key, const struct half *s)
{
	if (!s->end)
		return;
	json_object(j, key);
	json_i64(j, "offset", (int64_t)s->first - 1);
	json_array(j, "bucketCounts");
	for (unsigned int i = s->first; i < s->end; i++)
		put_u64(j, NULL, s->count[i]);
	json_end_array(j);
	json_end_object(j);
}

/* --- data points ------------------------------------------------------------------------------ */

static void put_attribute(struct json *j, const char *key, const char *value)
{
	json_object(j, NULL);
	json_string(j, "key", key);
	json_object(j, "value");
	json_string(j, "stringValue", value);
	json_end_object(j);
	json_end_object(j);
}

static void put_number(struct json *j, const char *key, int v)
{
	if (v < 0)
		return;
	json_object(j, NULL);
	json_string(j, "key", key);
	json_object(j, "value");
	put_u64(j, "intValue", (uint64_t)v);
	json_end_object(j);
	json_end_object(j);
}

static void start_point(struct json *j, const struct span *span)
{
	json_array(j, "dataPoints");
	json_object(j, NULL);
	put_u64(j, "startTimeUnixNano", (uint64_t)span->from);
	put_u64(j, "timeUnixNano", (uint64_t)span->to);
}

static void put_timer(struct json *j, const struct timer_row *row)
{
	json_array(j, "attributes");
	if (row->vm[0])
		put_attribute(j, "vm", row->vm);
	put_number(j, "vcpu", row->t->vcpu);
	put_number(j, "tid", row->t->tid);
	put_number(j, "timer", row->t->timer);
	json_end_array(j);
}

static void start_metric(struct json *j, const char *name, const char *help, const char *unit)
{
	char full[64];

	snprintf(full, sizeof(full), "hvstimer.%s", name);
	json_object(j, NULL);
	json_string(j, "name", full);
	json_string(j, "description", help);
	json_string(j, "unit", unit);
}

static void end_point(struct json *j)
{
	json_end_object(j);
	json_end_array(j);
}

static void put_sum(struct json *j, const char *name, const char *help, const char *unit,
		    uint64_t v, const struct timer_row *row, const struct span *span)
{
	start_metric(j, name, help, unit);
	json_object(j, "sum");
	json_i64(j, "aggregationTemporality", DELTA);
	json_bool(j, "isMonotonic", true);
	start_point(j, span);
	if (row)
		put_timer(j, row);
	put_u64(j, "asInt", v > INT64_MAX ? INT64_MAX : v); /* it is signed */
	end_point(j);
	json_end_object(j);
	json_end_object(j);
}

static void put_histogram(struct json *j, const struct exponential *e, const struct hvst_sketch *s)
{
	put_u64(j, "count", hvst_sketch_count(s));
	json_i64(j, "scale", OTLP_SCALE);
	put_u64(j, "zeroCount", e->zero);
	put_half(j, "positive", &e->half[0]);
	put_half(j, "negative", &e->half[1]);
	json_i64(j, "min", hvst_sketch_min(s));
	json_i64(j, "max", hvst_sketch_max(s));
}

/* 0 or -ENOMEM. A distribution without values has no point. */
static int put_distribution(struct json *j, const struct finding_field *f,
			    const struct timer_row *row, const struct span *span)
{
	const struct hvst_sketch *s = field_sketch(f, row->t);
	struct exponential *e;
	unsigned int iter = 0;
	int64_t lo, hi;
	uint64_t n;

	if (!hvst_sketch_count(s))
		return 0;
	e = calloc(1, sizeof(*e));
	if (!e)
		return -ENOMEM;
	while (hvst_sketch_next(s, &iter, &lo, &hi, &n))
		add_bucket(e, lo, hi, n);
	start_metric(j, f->name, f->title, "ns");
	json_object(j, "exponentialHistogram");
	json_i64(j, "aggregationTemporality", DELTA);
	start_point(j, span);
	put_timer(j, row);
	put_histogram(j, e, s);
	end_point(j);
	json_end_object(j);
	json_end_object(j);
	free(e);
	return 0;
}

/* --- requests --------------------------------------------------------------------------------- */

static void start_request(struct json *j, struct out *o, const struct hvst_trace *t)
{
	json_start(j, o, 0);
	json_object(j, NULL);
	json_array(j, "resourceMetrics");
	json_object(j, NULL);
	json_object(j, "resource");
	json_array(j, "attributes");
	put_attribute(j, "service.name", "hvstimer");
	put_attribute(j, "service.version", hvst_version());
	put_attribute(j, "hvstimer.file", t->files[0]->path);
	if (t->files[0]->uname)
		put_attribute(j, "hvstimer.uname", t->files[0]->uname);
	json_end_array(j);
	json_end_object(j);
	json_array(j, "scopeMetrics");
	json_object(j, NULL);
	json_object(j, "scope");
	json_string(j, "name", "hvstimer");
	json_string(j, "version", hvst_version());
	json_end_object(j);
	json_array(j, "metrics");
}

static void end_request(struct json *j)
{
	json_end_array(j);
	json_end_object(j);
	json_end_array(j);
	json_end_object(j);
	json_end_array(j);
	json_end_object(j);
}

static void put_verdicts(struct json *j, const struct hvst_result *r, const struct span *span)
{
	start_metric(j, "verdict", "1 for the answer to the question, 0 for the others.", "1");
	json_object(j, "gauge");
	json_array(j, "dataPoints");
	for (unsigned int i = 0; i < ANSWERS * HVST_Q_COUNT; i++) {
		unsigned int q = i / ANSWERS, a = i % ANSWERS;

		json_object(j, NULL);
		json_array(j, "attributes");
		put_attribute(j, "question", hvst_question_name(q));
		put_attribute(j, "answer", hvst_answer_name(a));
		json_end_array(j);
		put_u64(j, "timeUnixNano", (uint64_t)span->to);
		put_u64(j, "asInt", r->verdicts[q]->answer == a);
		json_end_object(j);
	}
	json_end_array(j);
	json_end_object(j);
	json_end_object(j);
}

static void put_recording(struct out *o, const struct hvst_trace *t, const struct hvst_result *r,
			  const struct span *span)
{
	struct json j;

	start_request(&j, o, t);
	put_sum(&j, "recorded", "Length of the recording.", "ns",
		(uint64_t)span->to - (uint64_t)span->from, NULL, span);
	put_sum(&j, "events", "Events of the recording.", "{event}", t->events, NULL, span);
	put_sum(&j, "lost_events", "Events lost while it was made, where their number is known.",
		"{event}", t->lost_events, NULL, span);
	put_verdicts(&j, r, span);
	end_request(&j);
}

static int put_row(struct out *o, const struct hvst_trace *t, const struct timer_row *row,
		   const struct span *span)
{
	struct json j;
	int err = 0;

	start_request(&j, o, t);
	for (unsigned int i = 0; i < nr_timer_counters; i++)
		put_sum(&j, timer_counters[i].name, timer_counters[i].help, "1",
			timer_counters[i].value(row), row, span);
	put_sum(&j, "storm_time", "Time in storms.", "ns", (uint64_t)row->storm_ns, row, span);
	for (unsigned int i = 0; !err && i < finding_timer.n; i++)
		if (finding_timer.fields[i].type == VALUE_SKETCH)
			err = put_distribution(&j, &finding_timer.fields[i], row, span);
	end_request(&j);
	return err;
}

static struct span span_of(const struct hvst_trace *t, int64_t now)
{
	int64_t from = unit_utc_ns(t->first_ns), to = unit_utc_ns(t->last_ns), length;

	if (from != HVST_UNKNOWN && to != HVST_UNKNOWN)
		return (struct span){ from, to };
	if (t->first_ns == HVST_UNKNOWN ||
	    __builtin_sub_overflow(t->last_ns, t->first_ns, &length) || length > now)
		length = 0;
	return (struct span){ now - length, now };
}

int otlp_diagnosis(struct out *o, const struct hvst_trace *t, const struct hvst_result *r,
		   int64_t now)
{
	const struct span span = span_of(t, now);
	struct timer_row *rows = timer_rows(r);
	int err = rows ? 0 : -ENOMEM;

	if (!err)
		put_recording(o, t, r, &span);
	for (unsigned int i = 0; !err && i < r->nr_timers; i++)
		err = put_row(o, t, &rows[i], &span);
	free(rows);
	return err;
}
