// SPDX-License-Identifier: GPL-2.0
/* Sorts the files of a command into recordings. */
#include <stdlib.h>
#include <string.h>

#include "message.h"
#include "recordings.h"

/* NULL when it cannot be opened. */
static struct hvst_session *open_alone(const struct options *o, const char *path)
{
	struct hvst_session *s = hvst_session_new();
	int err = s ? hvst_session_add_file(s, path) : -1;

	for (unsigned int i = 0; !err && i < o->buffers.n; i++)
		err = hvst_session_add_buffer(s, o->buffers.v[i]);
	if (!err)
		err = hvst_session_open(s);
	if (!err)
		return s;
	hvst_session_free(s);
	return NULL;
}

/* The recording that @s is part of: one whose first file does not differ. */
static unsigned int find(struct recordings *g, struct hvst_session *const *firsts,
			 const struct hvst_session *s, const char *path)
{
	const char *differ;
	unsigned int n;

	for (n = 0; n < g->nr; n++) {
		if (!firsts[n])
			continue;
		differ = hvst_session_differs(firsts[n], 0, s, 0);
		if (!differ)
			break;
		if (g->differ)
			continue;
		g->differ = differ;
		g->two = path;
	}
	return n;
}

/* A file that cannot be opened is a recording of its own: the others still get their reports. */
static void sort(struct recordings *g, struct hvst_session **firsts, const struct options *o)
{
	struct hvst_session *s;

	for (unsigned int i = 0; i < o->files.n; i++) {
		s = open_alone(o, o->files.v[i]);
		g->recording[i] = s ? find(g, firsts, s, o->files.v[i]) : g->nr;
		if (g->recording[i] == g->nr)
			firsts[g->nr++] = s;
		else
			hvst_session_free(s);
	}
}

bool recordings_find(struct recordings *g, const struct options *o)
{
	struct hvst_session **firsts;

	memset(g, 0, sizeof(*g));
	g->recording = calloc(o->files.n, sizeof(*g->recording));
	firsts = calloc(o->files.n, sizeof(*firsts));
	if (!g->recording || !firsts) {
		cli_error("out of memory");
		free(firsts);
		recordings_free(g);
		return false;
	}
	g->first = o->files.v[0];
	g->compared = o->files.n > 1 && !o->together && !reads_stdin(o);
	if (g->compared)
		sort(g, firsts, o);
	for (unsigned int n = 0; n < g->nr; n++)
		hvst_session_free(firsts[n]);
	free(firsts);
	if (g->compared)
		return true;
	memset(g->recording, 0, o->files.n * sizeof(*g->recording));
	g->nr = 1;
	g->differ = g->two = NULL;
	return true;
}

void recordings_select(const struct recordings *g, unsigned int n, struct string_list *files)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < files->n; i++)
		if (g->recording[i] == n)
			files->v[kept++] = files->v[i];
	files->n = kept;
}

void recordings_free(struct recordings *g)
{
	free(g->recording);
	g->recording = NULL;
}
