/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the browser's data comes from: requests go in, replies come out later. loader.c serves them
 * from a recording on threads of its own; unit tests at once from made-up events.
 */
#ifndef HVST_BROWSE_SOURCE_H
#define HVST_BROWSE_SOURCE_H

#include "index.h"
#include "prompt.h"

#define BR_MEANING 112 /* of what an event means; longer ones are cut */

/* -1: any. @events: bit per enum hvst_event_id, 0: any. */
struct br_filter {
	int vm, vcpu, timer;
	uint64_t events;
};

enum br_request_kind {
	BR_REQ_FINE,   /* an index of [from, to) with bins of 1 << shift */
	BR_REQ_EVENTS, /* the events around @from: some before it, more from it on */
	BR_REQ_STEP,   /* the first (@back: last) past-due arm of (tid, timer) in [from, to) */
	BR_REQ_SEARCH, /* the first event at or after @from whose text has @text */
	BR_REQ_KINDS
};

struct br_request {
	enum br_request_kind kind;
	int64_t from, to; /* HVST_UNKNOWN: open */
	unsigned int shift;
	int tid, timer;
	bool back;
	struct br_filter filter; /* events, search */
	char text[BR_LINE];
};

/* One line of the event list. */
struct br_event {
	struct hvst_event ev;
	int vm, vcpu; /* -1 unknown */
	char comm[HVST_COMM_LEN];
	char meaning[BR_MEANING]; /* "" */
};

struct br_reply {
	enum br_request_kind kind;
	struct br_request request; /* the request served */
	int err;		   /* negative errno; -ECANCELED: stopped */
	struct br_index *fine;	   /* the receiver frees it */
	struct br_event *events;   /* the receiver frees it */
	unsigned int nr_events;
	bool at_start, at_end; /* events: nothing before the first, after the last */
	bool found;
	int64_t ts_ns; /* of what was found */
};

/*
 * The index pass. Valid while the source is locked; @result and @trace are NULL until it has ended.
 */
struct br_live {
	const struct br_index *index;
	const struct hvst_storm *storms;
	unsigned int nr_storms;
	const struct hvst_result *result;
	const struct hvst_trace *trace;
	uint64_t done, total; /* bytes */
	int err;	      /* how the pass ended; -ECANCELED: stopped by the user */
	const char *error;    /* its message; "" */
};

struct br_source {
	/* Replaces an earlier request of the same kind that is not served yet. */
	void (*request)(struct br_source *src, const struct br_request *q);
	/* The next reply, if one is there. */
	bool (*take)(struct br_source *src, struct br_reply *a);
	/* Stops the index pass, or the search, step or reading under way. */
	void (*cancel)(struct br_source *src);
	/*
	 * Is any request open, or the index pass under way? With @wait: returns as soon as
	 * something new is there.
	 */
	bool (*busy)(struct br_source *src, bool wait);
	/* Lock the index and return a view of it, valid until unlock(). */
	void (*lock)(struct br_source *src, struct br_live *live);
	void (*unlock)(struct br_source *src);
	int news_fd; /* becomes readable when there may be a reply; -1: none */
};

/* "vm=0 timer=1": what the filter prompt would take. */
void br_filter_text(const struct br_filter *f, char *buf, size_t len);
bool br_filter_timer(const struct br_filter *f, int vm, int vcpu, int timer);
bool br_filter_event(const struct br_filter *f, const struct hvst_event *ev, int vm, int vcpu);
/* The timer_index of an event, -1: it has none. */
int br_event_timer(const struct hvst_event *ev);
#endif
