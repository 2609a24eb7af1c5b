/* SPDX-License-Identifier: GPL-2.0 */
/* Context of a command that reads a recording: session, output, interruption, exit code. */
#ifndef HVST_CLI_CONTEXT_H
#define HVST_CLI_CONTEXT_H

#include "options.h"

struct context {
	struct options o;
	struct hvst_session *s;
	struct out out;
	const struct hvst_trace *trace;
	const struct hvst_result *result; /* after ctx_pass() with HVST_NEED_ANALYSIS */
	int64_t from_ns, to_ns;		  /* --from, --to; HVST_UNKNOWN: not given */
	void *selected; /* what select() of a report made of the result; freed with the context */
	bool interrupted;
	bool progress_shown;
	int64_t progress_next_ms;
	const struct hvst_observer *observer; /* the command's, during a pass */
	void *ctx;
};

/* Parses the arguments into @r->o. False: *@code is the exit code, nothing is left to free. */
bool ctx_parse(struct context *r, enum command_bit bit, int argc, char **argv, int *code);
/* Then opens output and recording. False as above. */
bool ctx_open(struct context *r, int *code);
/* Both, one after the other. */
bool ctx_start(struct context *r, enum command_bit bit, int argc, char **argv, int *code);

/* Another session on the same recording, opened; NULL after a message. The caller frees it. */
struct hvst_session *ctx_new_session(const struct options *o);

/* One pass over the recording. @obs may be NULL. False after a message; then ctx_fail() is due. */
bool ctx_pass(struct context *r, unsigned int need, const struct hvst_observer *obs, void *ctx);

/*
 * After a pass: whether the recording holds events of @ids, and what the options select. An exit
 * code; a message says what there is, or what to record.
 */
int ctx_check(struct context *r, uint64_t ids);

/*
 * The pass of a command that analyses and can use events of @ids; @obs may be NULL. An exit code;
 * where it is not EXIT_OK, a message was given and ctx_fail() is due.
 */
int ctx_analyse(struct context *r, uint64_t ids, const struct hvst_observer *obs, void *ctx);

/* A command that analyses in one pass and then writes what was found. */
struct report {
	enum command_bit bit;
	uint64_t ids; /* events that it can use */
	/* Before rendering: selects, writes other files. False after a message. May be NULL. */
	bool (*prepare)(struct context *r);
	void (*render[FORMAT_COUNT])(struct context *r);
	bool (*findings)(const struct context *r); /* what --check is about; NULL: takes none */
};

/* Run such a command. Returns its exit code. */
int ctx_report(const struct report *p, int argc, char **argv);

/* Ends the command, with or without a session, after its output; the exit code. @findings: what
 * --check is about. */
int ctx_end(struct context *r, bool findings);
/* Ends it without output. */
int ctx_fail(struct context *r, int code);

/*
 * Where the selected part begins: --from or the first event, for which the file may have to be
 * read up to there. HVST_UNKNOWN: there is no event. False after a message.
 */
bool ctx_origin(struct context *r, int64_t *ns);

/* Writes a file beside the output (a plot, a page): @draw fills it. False after a message. */
bool ctx_write(const char *path, void (*draw)(struct out *o, void *ctx), void *ctx);

/* Ids of the stimer events: without any of these there is nothing to analyse. */
#define STIMER_IDS ((1ULL << (HVST_EV_STIMER_EXPIRATION + 1)) - 1)
/* and those that tell about clocks. */
#define CLOCK_IDS                                                                                  \
	(STIMER_IDS | 1ULL << HVST_EV_MSR | 1ULL << HVST_EV_WRITE_TSC_OFFSET |                     \
	 1ULL << HVST_EV_TRACK_TSC | 1ULL << HVST_EV_UPDATE_MASTER_CLOCK |                         \
	 1ULL << HVST_EV_PVCLOCK_UPDATE)

#endif
