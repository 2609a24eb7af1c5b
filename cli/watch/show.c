// SPDX-License-Identifier: GPL-2.0
/* The screen, the lines and the metrics of watch. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "../array.h"
#include "../output/json.h"
#include "../output/metrics.h"
#include "../output/units.h"
#include "show.h"

static const char *const event_names[] = {
	[WATCH_EVENT_STORM] = "storm",
	[WATCH_EVENT_END] = "storm_end",
	[WATCH_EVENT_SAVED] = "saved",
};

static const char *const kind_texts[WATCH_KINDS] = {
	[WATCH_PAST_DUE] = "past-due arms",
	[WATCH_LIVELOCK] = "restarts of a timer that is called back before its time",
	[WATCH_RETRIES] = "deliveries that fail",
};

static const char *const kind_ids[WATCH_KINDS] = { "past_due", "livelock", "retries" };

const char *watch_event_name(enum watch_event event)
{
	return event_names[event];
}

char *watch_show_time(char *buf, size_t len, time_t when)
{
	struct tm tm;

	gmtime_r(&when, &tm);
	strftime(buf, len, "%Y-%m-%dT%H:%M:%SZ", &tm);
	return buf;
}

/* --- one thing -------------------------------------------------------------------------------- */

static void put_timer(struct out *out, const struct watch_report *r)
{
	out_str(out, "VM ");
	out_safe(out, r->who.name[0] ? r->who.name : "?");
	out_printf(out, " (pid %d) vCPU %u timer %u (tid %d)", r->who.pid, r->key.vcpu,
		   r->key.timer, r->key.tid);
}

static void show_line(struct out *out, const struct watch_report *r)
{
	const struct watch_state *s = &r->state;
	char when[32], hz[UNIT_BUF], lasts[UNIT_BUF], n[UNIT_BUF];

	out_printf(out, "%s %s: ", watch_show_time(when, sizeof(when), r->when),
		   r->event == WATCH_EVENT_STORM ? "storm"
		   : r->event == WATCH_EVENT_END ? "storm ended"
						 : "saved");
	put_timer(out, r);
	unit_duration(lasts, s->last_ns - s->since_ns);
	if (r->event == WATCH_EVENT_SAVED) {
		out_str(out, ": ");
		out_safe(out, r->file);
	} else if (r->event == WATCH_EVENT_STORM) {
		out_printf(out, ": %s %s, %u %%, for %s", unit_rate(hz, (double)s->rate_hz),
			   kind_texts[s->kind], s->share, lasts);
	} else {
		out_printf(out, ": %s %s in %s, up to %s", unit_count(n, s->bad),
			   kind_texts[s->kind], lasts, unit_rate(hz, (double)s->peak_hz));
	}
	out_char(out, '\n');
}

static void show_json(struct out *out, const struct watch_report *r)
{
	const struct watch_state *s = &r->state;
	char when[32];
	struct json j;

	json_start(&j, out, 0);
	json_object(&j, NULL);
	json_string(&j, "time", watch_show_time(when, sizeof(when), r->when));
	json_string(&j, "event", event_names[r->event]);
	json_string(&j, "vm", r->who.name[0] ? r->who.name : NULL);
	json_id(&j, "pid", r->who.pid ? r->who.pid : -1);
	json_id(&j, "vcpu", (int)r->key.vcpu);
	json_id(&j, "tid", r->key.tid);
	json_id(&j, "timer", (int)r->key.timer);
	json_string(&j, "kind", kind_ids[s->kind]);
	json_u64(&j, "count", s->bad);
	json_u64(&j, "rate_hz", s->rate_hz);
	json_u64(&j, "peak_hz", s->peak_hz);
	json_u64(&j, "share_percent", s->share);
	json_i64(&j, "since_ns", s->since_ns);
	json_i64(&j, "until_ns", s->last_ns);
	json_string(&j, "file", r->event == WATCH_EVENT_SAVED ? r->file : NULL);
	json_end_object(&j);
}

void watch_show_report(struct out *out, const struct watch_report *r, enum format format)
{
	if (format == FORMAT_JSONL)
		show_json(out, r);
	else
		show_line(out, r);
}

void watch_show_last(char *buf, size_t len, const struct watch_report *r)
{
	struct out out;

	out_open_memory(&out);
	show_line(&out, r);
	if (out.len)
		snprintf(buf, len, "%.*s", (int)out.len - 1, out.buf);
	out_discard(&out);
}

/* --- the screen ------------------------------------------------------------------------------- */

static uint64_t per_second(uint64_t n, int64_t ns)
{
	return ns > 0 ? (uint64_t)((unsigned __int128)n * 1000000000 / (uint64_t)ns) : 0;
}

struct row {
	const struct watch_timer *w;
	const struct watch_who *who;
	unsigned int rank; /* enum watch_phase: the highest first */
};

/* Storms, suspects, the others; each in order of VM. */
static int compare_rows(const void *a, const void *b)
{
	const struct row *x = a, *y = b;
	const struct watch_key *k = &x->w->key, *l = &y->w->key;

	if (x->rank != y->rank)
		return x->rank > y->rank ? -1 : 1;
	if (x->who->pid != y->who->pid)
		return x->who->pid < y->who->pid ? -1 : 1;
	if (k->vcpu != l->vcpu)
		return k->vcpu < l->vcpu ? -1 : 1;
	return k->timer < l->timer ? -1 : k->timer > l->timer;
}

/* The timers of threads that live; NULL without memory. @nr may be 0. */
static struct row *rows_of(const struct watch_view *v, size_t *nr)
{
	struct row *rows = calloc(v->table->nr + 1, sizeof(*rows));
	size_t i;

	*nr = 0;
	/* A lookup moves the other entries: do all lookups before keeping a pointer. */
	for (i = 0; i < v->table->nr; i++)
		if (v->table->timers[i].key.tid)
			watch_who(v->names, v->table->timers[i].key.tid);
	for (i = 0; rows && i < v->table->nr; i++) {
		const struct watch_timer *w = &v->table->timers[i];
		const struct watch_who *who = watch_who(v->names, w->key.tid);

		if (w->key.tid && who->pid)
			rows[(*nr)++] = (struct row){ w, who, w->state.phase };
	}
	if (*nr)
		qsort(rows, *nr, sizeof(*rows), compare_rows);
	return rows;
}

/* Clears the rest of the line. */
static void end_line(struct out *out)
{
	out_str(out, "\033[K\r\n");
}

static void put_state(struct out *out, const struct watch_view *v, const struct watch_timer *w)
{
	const struct watch_state *s = &w->state;
	char lasts[UNIT_BUF], text[96];

	if (s->phase == WATCH_STORM) {
		snprintf(text, sizeof(text), "STORM %s %s", watch_kind_name(s->kind),
			 unit_duration(lasts, s->last_ns - s->since_ns));
		out_in(out, ROLE_BAD, text);
	} else if (s->phase == WATCH_SUSPECT) {
		out_in(out, ROLE_WARN, "suspect");
	} else if (per_second(w->delta[WATCH_DELIVERED], v->interval_ns) >= WATCH_BUSY_HZ) {
		out_in(out, ROLE_WARN, "busy");
	} else {
		out_in(out, w->idle ? ROLE_DIM : ROLE_GOOD, w->idle ? "idle" : "ok");
	}
}

static void put_row(struct out *out, const struct watch_view *v, const struct row *r)
{
	char name[80];
	const uint64_t *d = r->w->delta;

	snprintf(name, sizeof(name), "%-16.16s", r->who->name);
	out_safe(out, name);
	out_printf(out, " %7d %5u %7d %2u %9" PRIu64 " %9" PRIu64 " %9" PRIu64 " %8" PRIu64 "  ",
		   r->who->pid, r->w->key.vcpu, r->w->key.tid, r->w->key.timer,
		   per_second(d[WATCH_STARTED], v->interval_ns),
		   per_second(d[WATCH_DELIVERED], v->interval_ns),
		   per_second(r->w->bad[WATCH_PAST_DUE], v->interval_ns),
		   per_second(d[WATCH_REFUSED], v->interval_ns));
	put_state(out, v, r->w);
	end_line(out);
}

static void put_title(struct out *out, const struct watch_view *v, size_t nr)
{
	char up[UNIT_BUF], when[32];

	out_printf(out, "hvstimer watch  %s  up %s  %zu timers  storms %" PRIu64,
		   watch_show_time(when, sizeof(when), v->when), unit_duration(up, v->up_ns), nr,
		   v->storms);
	out_printf(out, "  saved %" PRIu64, v->saved);
	if (v->uncounted)
		out_printf(out, "  not counted %" PRIu64, v->uncounted);
	end_line(out);
	end_line(out);
	out_in(out, ROLE_TITLE,
	       "VM                   pid  vCPU     tid  t  starts/s deliver/s pastdue/s refuse/s  "
	       "state");
	end_line(out);
}

void watch_show_screen(struct out *out, const struct watch_view *v)
{
	size_t nr, i, room = out->height > 6 ? out->height - 6 : 1;
	struct row *rows = rows_of(v, &nr);

	out_str(out, "\033[H");
	put_title(out, v, nr);
	for (i = 0; i < nr && i < room; i++)
		put_row(out, v, &rows[i]);
	if (i < nr)
		out_printf(out, ".. %zu more", nr - i);
	end_line(out);
	out_safe(out, v->last);
	out_str(out, "\033[J");
	free(rows);
}

/* --- metrics ---------------------------------------------------------------------------------- */

static void put_metric(struct out *out, const char *name, const struct row *r, uint64_t value)
{
	out_printf(out, "%s{vm=\"", name);
	metrics_label(out, r->who->name);
	out_printf(out, "\",pid=\"%d\",vcpu=\"%u\",tid=\"%d\",timer=\"%u\"} %" PRIu64 "\n",
		   r->who->pid, r->w->key.vcpu, r->w->key.tid, r->w->key.timer, value);
}

static uint64_t delivered(const struct watch_timer *w)
{
	return w->total[WATCH_DELIVERED];
}

static uint64_t started(const struct watch_timer *w)
{
	return w->total[WATCH_STARTED];
}

static uint64_t refused(const struct watch_timer *w)
{
	return w->total[WATCH_REFUSED];
}

static uint64_t past_due(const struct watch_timer *w)
{
	return w->total_bad[WATCH_PAST_DUE];
}

static uint64_t restarted(const struct watch_timer *w)
{
	return w->total_bad[WATCH_LIVELOCK];
}

static uint64_t in_storm(const struct watch_timer *w)
{
	return w->state.phase == WATCH_STORM;
}

static const struct {
	const char *name, *type, *help;
	uint64_t (*value)(const struct watch_timer *w);
} metrics[] = {
	{ "hvstimer_watch_started_total", "counter", "Timers started for a time ahead.", started },
	{ "hvstimer_watch_delivered_total", "counter", "Timer interrupts delivered.", delivered },
	{ "hvstimer_watch_refused_total", "counter", "Deliveries that failed.", refused },
	{ "hvstimer_watch_past_due_total", "counter",
	  "Timers armed for a time already past, at least.", past_due },
	{ "hvstimer_watch_restarted_total", "counter",
	  "Timers called back and started again without a delivery, at least.", restarted },
	{ "hvstimer_watch_storm", "gauge", "1 while the timer is in a storm.", in_storm },
};

void watch_show_metrics(struct out *out, const struct watch_view *v)
{
	size_t nr, i, m;
	struct row *rows = rows_of(v, &nr);

	for (m = 0; m < ARRAY_SIZE(metrics); m++) {
		metrics_help(out, metrics[m].name, metrics[m].type, metrics[m].help);
		for (i = 0; i < nr; i++)
			put_metric(out, metrics[m].name, &rows[i], metrics[m].value(rows[i].w));
	}
	metrics_one(out, "hvstimer_watch_storms_total", "counter", "Storms reported.", v->storms);
	metrics_one(out, "hvstimer_watch_saved_total", "counter", "Traces saved.", v->saved);
	metrics_one(out, "hvstimer_watch_uncounted_total", "counter",
		    "Events that found no room in the kernel's histograms.", v->uncounted);
	metrics_one(out, "hvstimer_watch_last_read_timestamp_seconds", "gauge",
		    "When the counters were last read.", (uint64_t)v->when);
	free(rows);
}
