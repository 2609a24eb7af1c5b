/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Where the browser's data comes from: requests go in, replies come out later. loader.c serves them
 * from a recording on threads of its own; unit tests at once, from made-up events.
 */
#ifndef HVST_BROWSE_SOURCE_H
#define HVST_BROWSE_SOURCE_H

#include "../filter/filter.h"
#include "../output/eventline.h"
#include "index.h"
#include "prompt.h"

#define BR_MEANING 112 /* of what an event means; longer ones are cut */

enum br_request_kind {
	BR_REQ_FINE,   /* an index of [from, to) with bins of 1 << shift */
	BR_REQ_EVENTS, /* the events around @from: some before it, more from it on */
	BR_REQ_STEP,   /* the first (@back: last) past-due arm of a timer in [from, to) */
	BR_REQ_HITS,   /* which events @filter selects, where only a whole pass can tell */
	BR_REQ_SEARCH, /* all events for which @text holds, of those that @filter selects */
	BR_REQ_KINDS
};

struct br_request {
	enum br_request_kind kind;
	int64_t from, to; /* HVST_UNKNOWN: open */
	unsigned int shift;
	int tid, thread, timer;
	bool back;
	char filter[BR_LINE]; /* hvstimer-filter(7); "": everything */
	char text[BR_LINE];   /* the same: what to search for */
};

/* One line of the event list. */
struct br_event {
	struct hvst_event ev;
	int vm, vcpu; /* -1 unknown */
	char comm[HVST_COMM_LEN];
	char meaning[BR_MEANING]; /* "" */
};

/* The name of its task as trace-cmd report has it; "" when unknown. */
static inline const char *br_event_task(const struct br_event *e)
{
	return e->ev.pid || *e->comm ? e->comm : "<idle>";
}

struct br_reply {
	enum br_request_kind kind;
	struct br_request request; /* the request served */
	int err;		   /* negative errno; -ECANCELED: stopped */
	struct br_index *fine;	   /* the receiver frees it */
	struct br_event *events;   /* the receiver frees it */
	unsigned int nr_events;
	bool at_start, at_end; /* events: nothing before the first, after the last */
	bool found;	       /* step: the arm; search: a first hit at or after @from */
	int64_t ts_ns;	       /* of what was found */
	bool more;	       /* search: it goes on, another reply will come */
	int64_t *hits;	       /* search: their times, mostly in order; the receiver frees it */
	unsigned int nr_hits;
	uint64_t unkept;    /* further ones, of BR_REQ_HITS, too */
	uint64_t forgotten; /* arms and firings whose skew, or lateness, was not remembered */
};

/*
 * The index pass. Valid while the source is locked; @result and @trace are NULL until it has ended.
 */
struct br_live {
	const struct br_index *index;
	const struct hvst_storm *const *storms;
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
	/* The next reply, if there is one. */
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

/* @d: what was derived of the event, NULL: nothing; @text: event_text(), if @f looks for one. */
enum filter_truth br_event_truth(const struct filter *f, const struct br_event *e,
				 const struct derived *d, const char *text);
/* Is it shown? Without a filter everything is; lost events always are. */
bool br_event_passes(const struct filter *f, const struct br_event *e, const struct derived *d,
		     const char *text);
/* Does it depend on what only a pass with analysis tells of an event? */
bool br_filter_derives(const struct filter *f);

#endif
