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
	int64_t progress_next_ns;
	const struct hvst_observer *observer; /* the command's, during a pass */
	void *ctx;
};

/* Parses the arguments into @r->o. False: *@code is the exit code, nothing is left to free. */
bool ctx_parse(struct context *r, enum command_bit bit, int argc, char **argv, int *code);
/* Then opens output and recording. False as above. */
bool ctx_open(struct context *r, int *code);
/* Both, one after the other. */
bool ctx_start(struct context *r, enum command_bit bit, int argc, char **argv, int *code);

/* Do all its files tell the wall-clock time, so that trace times are since the Epoch? */
bool ctx_dated(const struct hvst_trace *t);

/* Another session on the same recording, opened; NULL after a message. The caller frees it. */
struct hvst_session *ctx_new_session(const struct options *o);

/* Whether SIGINT came since the first session was opened, also while none was run. */
bool ctx_interrupt_caught(void);

/* One pass over the recording. @obs may be NULL. False after a message; ctx_fail() must follow. */
bool ctx_pass(struct context *r, unsigned int need, const struct hvst_observer *obs, void *ctx);

/* Says that there is no event between --from and --to, after a pass over the whole recording. */
void ctx_empty_window(const struct context *r);

/*
 * Ends the command after its output; returns the exit code. Works with and without a session.
 * @findings: what --check is about.
 */
int ctx_end(struct context *r, bool findings);
/* Ends the command without output. */
int ctx_fail(struct context *r, int code);

/*
 * Where the selected part begins: --from or the first event, for which the file may have to be read
 * up to there. HVST_UNKNOWN: there is no event. False after a message.
 */
bool ctx_origin(struct context *r, int64_t *ns);

/* Writes a file beside the output (a plot, a page): @draw fills it. False after a message. */
bool ctx_write(const char *path, void (*draw)(struct out *o, void *ctx), void *ctx);

#endif
