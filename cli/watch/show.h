/* SPDX-License-Identifier: GPL-2.0 */
/* What watch shows: a screen, lines, JSON lines, Prometheus text. */
#ifndef HVST_CLI_WATCH_SHOW_H
#define HVST_CLI_WATCH_SHOW_H

#include <time.h>

#include "../options.h"
#include "../output/out.h"
#include "detect.h"
#include "who.h"

/* Deliveries a second from which on a timer without a storm is called busy. */
#define WATCH_BUSY_HZ 2000

enum watch_event { WATCH_EVENT_STORM, WATCH_EVENT_END, WATCH_EVENT_SAVED };

/**
 * struct watch_report - one thing to tell
 * @key, @state, @who: whose storm, and what is known of it
 * @cause: what set it off, by its name in the schema; NULL: not known
 * @file: what was saved, for WATCH_EVENT_SAVED
 */
struct watch_report {
	enum watch_event event;
	time_t when;
	struct watch_key key;
	struct watch_state state;
	struct watch_who who;
	const char *cause, *file;
};

/* One line of what is told: text, or JSON if @format is FORMAT_JSONL. */
void watch_show_report(struct out *out, const struct watch_report *r, enum format format);
/* The text line without its end, for the screen; without memory @buf is unchanged. */
void watch_show_last(char *buf, size_t len, const struct watch_report *r);

/* "2026-11-28T22:00:00Z"; returns @buf. */
char *watch_show_time(char *buf, size_t len, time_t when);
/* "storm", "storm_end", "saved" */
const char *watch_event_name(enum watch_event event);

/**
 * struct watch_view - all that is known
 * @interval_ns: between the last two readings
 * @storms, @saved, @uncounted: since the beginning
 * @last: the last thing told; empty: none
 */
struct watch_view {
	const struct watch_table *table;
	struct watch_names *names;
	int64_t interval_ns, up_ns;
	uint64_t storms, saved, uncounted;
	time_t when;
	const char *last;
};

/* The screen, from the upper left corner on. */
void watch_show_screen(struct out *out, const struct watch_view *v);
/* The metrics, as node_exporter's textfile collector takes them. */
void watch_show_metrics(struct out *out, const struct watch_view *v);

#endif
