/* SPDX-License-Identifier: GPL-2.0 */
/* What every sample begins with: a session with one recording, opened. */
#ifndef HVST_SAMPLE_H
#define HVST_SAMPLE_H

#include <stdio.h>

#include <hvstimer/hvstimer.h>

static inline struct hvst_session *open_recording(const char *path)
{
	struct hvst_session *s = hvst_session_new();

	if (!s)
		return NULL;
	if (!hvst_session_add_file(s, path) && !hvst_session_open(s))
		return s;
	fprintf(stderr, "%s\n", hvst_session_error(s));
	hvst_session_free(s);
	return NULL;
}

/* The usual end: says what went wrong, if anything, frees all, returns the exit status. */
static inline int finish(struct hvst_session *s, int rc)
{
	if (rc < 0)
		fprintf(stderr, "%s\n", hvst_session_error(s));
	hvst_session_free(s);
	return rc < 0 ? 1 : 0;
}

#endif
