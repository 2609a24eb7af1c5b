/* SPDX-License-Identifier: GPL-2.0 */
/*
 * One event per line, as text, JSON or CSV. Files have millions of events: keys are formatted once,
 * lines without printf().
 */
#ifndef HVST_CLI_EVENTLINE_H
#define HVST_CLI_EVENTLINE_H

#include <hvstimer/hvstimer.h>

#include "../options.h"

/* What analysis adds to an event. */
struct derived {
	int vm; /* -1: not known, or not of one VM */
	/* "ahead", "past_due", "periodic", "restart", "padding"; NULL: no start event */
	const char *arm;
	int64_t skew_ns; /* HVST_UNKNOWN: has none */
	int64_t skew_error_ns;
	int64_t late_ns; /* of a callback, after the deadline; HVST_UNKNOWN */
	int64_t gap_ns;	 /* from the arm before of the same timer; HVST_UNKNOWN */
	bool inferred;	 /* this expiration proves an arm that left no start event */
};

struct eventline;

/*
 * @ids: bit per event that may come (the columns of CSV). Lines name the file if @trace has
 * several, and with @utc the wall-clock time. NULL without memory.
 */
struct eventline *eventline_new(enum format format, uint64_t ids, const struct hvst_trace *trace,
				bool utc);
void eventline_free(struct eventline *l);

/* The heading of CSV; nothing for the others. */
void eventline_head(const struct eventline *l, struct out *o);
/* An event that is not printed, for the meaning of later ones. */
void eventline_pass(const struct eventline *l, const struct hvst_event *ev);
void eventline_put(const struct eventline *l, struct out *o, const struct hvst_event *ev,
		   const char *comm, const struct derived *d);

#endif
