// SPDX-License-Identifier: GPL-2.0
/*
 * feed-findings FILE COMMAND: writes what was found, one JSON object a line, to the standard input
 * of a shell command: storms, changes of the guest's clock source, and the answer to every
 * question.
 */
#include <inttypes.h>
#include <signal.h>

#include "sample.h"

/* The texts of findings hold no control characters; quotes and backslashes may come from names. */
static void put_string(FILE *f, const char *s)
{
	putc('"', f);
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			putc('\\', f);
		putc(*s, f);
	}
	putc('"', f);
}

static void write_storms(FILE *f, const struct hvst_result *r)
{
	unsigned int i;

	for (i = 0; i < r->nr_storms; i++) {
		const struct hvst_storm *st = r->storms[i];

		fprintf(f,
			"{\"finding\":\"storm\",\"vcpu\":%d,\"timer\":%d,\"start_ns\":%" PRId64
			",\"end_ns\":%" PRId64 ",\"past_due\":%" PRIu64 ",\"kind\":\"%s\"}\n",
			st->vcpu, st->timer, st->start_ns, st->end_ns, st->past_due,
			hvst_storm_kind_name(st->kind));
	}
}

static void write_transitions(FILE *f, const struct hvst_result *r)
{
	unsigned int i;

	for (i = 0; i < r->nr_guest; i++) {
		const struct hvst_guest_transition *t = r->guest[i];

		fprintf(f,
			"{\"finding\":\"clock_source\",\"ts_ns\":%" PRId64
			",\"from\":\"%s\",\"to\":\"%s\""
			",\"confidence\":\"%s\"}\n",
			t->ts_ns, hvst_guest_source_name(t->from), hvst_guest_source_name(t->to),
			hvst_confidence_name(t->confidence));
	}
}

static void write_verdicts(FILE *f, const struct hvst_result *r)
{
	unsigned int i;

	for (i = 0; i < r->nr_verdicts; i++) {
		const struct hvst_verdict *v = r->verdicts[i];

		fprintf(f,
			"{\"finding\":\"verdict\",\"question\":\"%s\",\"answer\":\"%s\","
			"\"summary\":",
			hvst_question_name(v->question), hvst_answer_name(v->answer));
		put_string(f, v->summary);
		fputs("}\n", f);
	}
}

int main(int argc, char **argv)
{
	const struct hvst_result *r;
	struct hvst_session *s;
	FILE *f;
	int rc;

	if (argc != 3) {
		fprintf(stderr, "usage: feed-findings FILE COMMAND\n");
		return 2;
	}
	s = open_recording(argv[1]);
	if (!s)
		return 1;
	rc = hvst_session_run(s);
	if (rc)
		return finish(s, rc);
	signal(SIGPIPE, SIG_IGN); /* a command that has read enough is no error */
	f = popen(argv[2], "w");
	if (f) {
		r = hvst_session_result(s);
		write_storms(f, r);
		write_transitions(f, r);
		write_verdicts(f, r);
	}
	rc = f ? pclose(f) : -1;
	hvst_session_free(s);
	return rc ? 1 : 0;
}
