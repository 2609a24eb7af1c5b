/* SPDX-License-Identifier: LGPL-2.1 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <trace-cmd.h>

#include "tracecmd.h"

struct tc_buffer {
	struct tracecmd_input *handle;
	struct tep_record **current;	/* by CPU: the record handed out last */
	unsigned int nr_cpus;
};

struct hvst_tracecmd {
	struct tracecmd_input *file;
	struct tc_buffer *buffers;
	unsigned int nr_buffers;
};

static struct tracecmd_input *buffer_handle(struct tracecmd_input *file, const char *name)
{
	int n = tracecmd_buffer_instances(file);

	for (int i = 0; i < n; i++) {
		const char *s = tracecmd_buffer_instance_name(file, i);

		if (s && !strcmp(s, name))
			return tracecmd_buffer_instance_handle(file, i);
	}
	return NULL;
}

static int open_buffer(struct hvst_tracecmd *t, struct hvst_file *f, unsigned int i)
{
	const struct hvst_file_buffer *fb = &f->buffers[i];
	struct tc_buffer *b = &t->buffers[i];

	if (fb->text || !fb->nr_cpus)
		return 0;
	b->handle = *fb->name ? buffer_handle(t->file, fb->name) : t->file;
	if (!b->handle)
		return hvst_file_fail(f, -EBADMSG, "libtracecmd cannot open buffer \"%s\"",
				      fb->name);
	for (unsigned int c = 0; c < fb->nr_cpus; c++)
		if (fb->cpus[c].cpu >= b->nr_cpus)
			b->nr_cpus = fb->cpus[c].cpu + 1;
	b->current = calloc(b->nr_cpus, sizeof(*b->current));
	return b->current ? 0 : hvst_file_fail(f, -ENOMEM, "out of memory");
}

int hvst_tracecmd_open(struct hvst_tracecmd **out, struct hvst_file *f)
{
	struct hvst_tracecmd *t;
	int rc = 0;

	if (f->truncated_at >= 0)
		return hvst_file_fail(f, -EOPNOTSUPP,
				      "is cut off: libtracecmd cannot read it, the page reader can "
				      "(--reader=pages)");
	t = calloc(1, sizeof(*t));
	if (!t)
		return hvst_file_fail(f, -ENOMEM, "out of memory");
	*out = t;
	t->buffers = calloc(f->nr_buffers + 1, sizeof(*t->buffers));
	if (!t->buffers)
		return hvst_file_fail(f, -ENOMEM, "out of memory");
	tracecmd_set_loglevel(TEP_LOG_NONE);
	t->file = tracecmd_open(f->path,
				TRACECMD_FL_LOAD_NO_PLUGINS | TRACECMD_FL_LOAD_NO_SYSTEM_PLUGINS);
	if (!t->file)
		return hvst_file_fail(f, -EBADMSG, "libtracecmd cannot open it");
	t->nr_buffers = f->nr_buffers;
	for (unsigned int i = 0; i < f->nr_buffers && !rc; i++)
		rc = open_buffer(t, f, i);
	return rc;
}

static void close_buffer(struct hvst_tracecmd *t, struct tc_buffer *b)
{
	for (unsigned int c = 0; b->current && c < b->nr_cpus; c++)
		if (b->current[c])
			tracecmd_free_record(b->current[c]);
	free(b->current);
	/* instances before the file they belong to */
	if (b->handle && b->handle != t->file)
		tracecmd_close(b->handle);
}

void hvst_tracecmd_close(struct hvst_tracecmd *t)
{
	if (!t)
		return;
	for (unsigned int i = 0; i < t->nr_buffers; i++)
		close_buffer(t, &t->buffers[i]);
	if (t->file)
		tracecmd_close(t->file);
	free(t->buffers);
	free(t);
}

int hvst_tracecmd_next(struct hvst_tracecmd *t, unsigned int buffer, unsigned int cpu, bool first,
		       struct hvst_record *rec)
{
	struct tc_buffer *b = &t->buffers[buffer];
	struct tep_record *r;

	if (!b->handle || cpu >= b->nr_cpus)
		return 0;
	if (b->current[cpu])
		tracecmd_free_record(b->current[cpu]);
	r = first ? tracecmd_read_cpu_first(b->handle, (int)cpu)
		  : tracecmd_read_data(b->handle, (int)cpu);
	b->current[cpu] = r;
	if (!r)
		return 0;
	rec->ts = r->ts;
	rec->data = r->data;
	rec->size = r->size > 0 ? (uint32_t)r->size : 0;
	rec->missed = r->missed_events < 0 ? -1 : r->missed_events;
	return 1;
}
