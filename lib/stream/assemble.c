/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: stream. Opens the files of a recording, chooses a reader for each, builds the streams. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../abi/list.h"
#include "../file/open.h"
#include "../ring/check.h"
#include "assemble.h"
#include "source.h"
#include "source_private.h"

#define MAX_STREAMS   4096
#define WINDOW_MEMORY (16u << 20) /* of all streams: windows into uncompressed files */
#define WINDOW_MAX    (32u << 10)
#define CHUNK_MEMORY  (512u << 20) /* of all streams: unpacked chunks of trace-cmd */
#define CHUNK_PAGES   10	   /* as trace-cmd packs them */

static const char *const systems[] = { "kvm", "sched", NULL };

static int no_memory(struct hvst_source *s)
{
	return hvst_source_fail(s, -ENOMEM, "out of memory");
}

static bool is_selected(const struct hvst_source_opts *o, const char *name)
{
	for (unsigned int i = 0; i < o->nr_buffers; i++)
		if (!strcmp(o->buffers[i], name) || (!*name && !strcmp(o->buffers[i], "top")))
			return true;
	return !o->nr_buffers;
}

static bool cpu_selected(const struct hvst_source_opts *o, unsigned int cpu)
{
	for (unsigned int i = 0; i < o->nr_cpus; i++)
		if (o->cpus[i] == cpu)
			return true;
	return !o->nr_cpus;
}

/* --- opening --- */

static void describe_file(struct hvst_source *s, unsigned int i, bool live)
{
	static const char *const compressions[] = { NULL, "zlib", "zstd" };
	const struct source_file *sf = s->files[i];
	const struct hvst_file *f = &sf->file;

	*s->file_info[i] = (struct hvst_file_info){
		.path = f->path,
		.version = f->version,
		.compression = compressions[f->compression],
		.truncated_at = f->truncated_at < 0 ? HVST_UNKNOWN : f->truncated_at,
		.reader = sf->tracecmd ? "libtracecmd" : "pages",
		.declined = f->declined[0] ? f->declined : NULL,
		.uname = f->uname,
		.dated = f->dated,
		.live = live,
	};
}

static int open_one(struct hvst_source *s, struct source_file *sf, const struct hvst_source_opts *o,
		    unsigned int i, const char *const *wanted)
{
	if (o->fds && o->fds[i] >= 0)
		return hvst_file_open_fd(&sf->file, o->fds[i], o->paths[i], wanted, s->err,
					 sizeof(s->err));
	return hvst_file_open(&sf->file, o->paths[i], wanted, s->err, sizeof(s->err));
}

/* libtracecmd parses the formats of all systems, so all are checked before it gets the file. */
static int reopen_for_tracecmd(struct hvst_source *s, struct source_file *sf,
			       const struct hvst_source_opts *o, unsigned int i)
{
	int rc = sf->file.declined[0] ? 0 : hvst_ring_check(&sf->file);

	hvst_file_close(&sf->file);
	if (!rc)
		rc = open_one(s, sf, o, i, NULL);
	if (!rc)
		rc = hvst_tracecmd_open(&sf->tracecmd, &sf->file);
	return rc;
}

/* The page reader, unless libtracecmd is asked for or the page reader declines the file. */
static int choose_reader(struct hvst_source *s, struct source_file *sf,
			 const struct hvst_source_opts *o, unsigned int i)
{
	struct hvst_file *f = &sf->file;

	if (o->reader == HVST_READER_PAGES && f->declined[0])
		return hvst_file_fail(
			f, -EOPNOTSUPP,
			"the page reader does not take it: %s; read it with libtracecmd",
			f->declined);
	if (o->reader == HVST_READER_LIBTRACECMD || f->declined[0])
		return reopen_for_tracecmd(s, sf, o, i);
	return 0;
}

static int open_file(struct hvst_source *s, const struct hvst_source_opts *o, unsigned int i)
{
	struct source_file *sf = calloc(1, sizeof(*sf));
	int rc;

	if (!sf)
		return no_memory(s);
	s->files[s->nr_files++] = sf;
	rc = open_one(s, sf, o, i, systems);
	if (!rc)
		rc = choose_reader(s, sf, o, i);
	if (!rc)
		rc = hvst_decoder_init(&sf->decoder, &sf->file, o->ignored_ids);
	if (!rc)
		describe_file(s, i, o->live);
	return rc;
}

static int add_buffers(struct hvst_source *s, const struct hvst_source_opts *o, unsigned int file)
{
	const struct hvst_file *f = &s->files[file]->file;
	struct hvst_trace *t = &s->trace;
	struct hvst_buffer_info *b;

	if (t->nr_buffers + f->nr_buffers > UINT16_MAX)
		return hvst_source_fail(s, -EOPNOTSUPP, "%s: too many buffers in all", f->path);
	b = realloc(s->buffers, (t->nr_buffers + f->nr_buffers + 1) * sizeof(*b));
	if (!b)
		return no_memory(s);
	s->buffers = b;
	s->files[file]->first_buffer = t->nr_buffers;
	for (unsigned int i = 0; i < f->nr_buffers; i++) {
		const struct hvst_file_buffer *fb = &f->buffers[i];
		unsigned int cpus = 0;

		for (unsigned int c = 0; c < fb->nr_cpus; c++)
			if (fb->cpus[c].cpu >= cpus)
				cpus = fb->cpus[c].cpu + 1;
		if (cpus > t->cpus)
			t->cpus = cpus;
		b[t->nr_buffers++] = (struct hvst_buffer_info){
			.name = fb->name,
			.file = file,
			.clock = fb->clock,
			.cpus = cpus,
			.selected = is_selected(o, fb->name),
			.previous_boot = fb->previous_boot,
		};
	}
	return 0;
}

static int list_buffers(struct hvst_source *s)
{
	s->trace.buffers = hvst_list(s->buffers, s->trace.nr_buffers, sizeof(*s->buffers));
	s->buffers = NULL;
	return s->trace.buffers ? 0 : no_memory(s);
}

static int add_stream(struct hvst_source *s, struct source_file *sf, unsigned int buffer,
		      const struct hvst_cpu_data *d)
{
	struct hvst_cpu_stream **streams, *cs;

	if (s->nr_streams == MAX_STREAMS)
		return hvst_source_fail(s, -EOPNOTSUPP, "%s: more than %u CPUs in all buffers",
					sf->file.path, MAX_STREAMS);
	streams = realloc(s->streams, (s->nr_streams + 1) * sizeof(*streams));
	if (!streams)
		return no_memory(s);
	s->streams = streams;
	cs = calloc(1, sizeof(*cs));
	if (!cs)
		return no_memory(s);
	streams[s->nr_streams++] = cs;
	cs->file = &sf->file;
	cs->decoder = &sf->decoder;
	cs->tracecmd = sf->tracecmd;
	cs->file_buffer = buffer;
	cs->cpu = d->cpu;
	cs->buffer = (uint16_t)(sf->first_buffer + buffer);
	cs->data = *d;
	hvst_timebase_init(&cs->timebase, &sf->file, buffer, d->cpu);
	s->bytes += d->size;
	return 0;
}

/*
 * The more streams, the smaller their windows; but a window holds at least one sub-buffer, or ten
 * where they are compressed in chunks.
 */
static int open_streams(struct hvst_source *s)
{
	for (unsigned int i = 0; i < s->nr_streams; i++) {
		struct hvst_cpu_stream *cs = s->streams[i];
		bool packed = cs->file->buffers[cs->file_buffer].compressed;
		size_t window = (packed ? CHUNK_MEMORY : WINDOW_MEMORY) / s->nr_streams;
		size_t max = packed ? HVST_MAX_CHUNK : WINDOW_MAX;
		size_t least =
			cs->file->buffers[cs->file_buffer].page_size * (packed ? CHUNK_PAGES : 1);

		if (least * s->nr_streams > CHUNK_MEMORY)
			return hvst_source_fail(
				s, -EOPNOTSUPP,
				"%s: %u CPUs in all buffers need more than %u MiB at this size of "
				"sub-buffers: select some CPUs, or one buffer",
				cs->file->path, s->nr_streams, CHUNK_MEMORY >> 20);
		hvst_pages_init(&cs->pages, cs->file, cs->file_buffer, &cs->data,
				window < max ? window : max);
	}
	return 0;
}

static int open_live(struct hvst_source *s)
{
	for (unsigned int i = 0; s->live && i < s->nr_streams; i++) {
		struct hvst_pages *p = &s->streams[i]->pages;

		p->live = hvst_live_add_cpu(s->live, s->streams[i]->cpu, p->page_size);
		if (!p->live)
			return no_memory(s);
	}
	return 0;
}

/*
 * The head of a live trace is read like a file, so its sub-buffers must have a layout that this
 * reader knows.
 */
static int check_live(struct hvst_source *s, const struct hvst_source_opts *o)
{
	const struct hvst_file *f = &s->files[0]->file;

	if (!o->live)
		return 0;
	if (s->nr_files != 1 || f->nr_buffers != 1 || f->declined[0] || f->data_bytes)
		return hvst_source_fail(s, -EOPNOTSUPP,
					"%s: a live trace has one head, of one buffer without data",
					f->path);
	s->live = hvst_live_new(o->live, o->live_ctx, o->live_keep);
	return s->live ? 0 : no_memory(s);
}

static int add_streams(struct hvst_source *s, const struct hvst_source_opts *o,
		       struct source_file *sf)
{
	for (unsigned int i = 0; i < sf->file.nr_buffers; i++) {
		const struct hvst_file_buffer *b = &sf->file.buffers[i];

		if (b->text || !s->trace.buffers[sf->first_buffer + i]->selected)
			continue;
		for (unsigned int c = 0; c < b->nr_cpus; c++) {
			bool any = b->cpus[c].size || s->live;
			int rc = any && cpu_selected(o, b->cpus[c].cpu)
					 ? add_stream(s, sf, i, &b->cpus[c])
					 : 0;

			if (rc)
				return rc;
		}
	}
	return 0;
}

/* Fails when a selected name is not that of a buffer. */
static int check_selection(struct hvst_source *s, const struct hvst_source_opts *o)
{
	for (unsigned int i = 0; i < o->nr_buffers; i++) {
		struct hvst_source_opts one = { .buffers = &o->buffers[i], .nr_buffers = 1 };
		char names[256] = "";
		size_t len = 0;
		bool found = false;

		for (unsigned int b = 0; b < s->trace.nr_buffers; b++) {
			const char *name = s->trace.buffers[b]->name;

			found |= is_selected(&one, name);
			if (len < sizeof(names))
				len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
							b ? ", " : "", *name ? name : "top");
		}
		if (!found)
			return hvst_source_fail(s, -EINVAL,
						"no buffer \"%s\" in the recording; it has: %s",
						o->buffers[i], names);
	}
	return 0;
}

static bool has_data(const struct hvst_source *s, unsigned int buffer)
{
	for (unsigned int i = 0; i < s->nr_streams; i++)
		if (s->streams[i]->buffer == buffer)
			return true;
	return false;
}

static const char *clock_of(const struct hvst_source *s, const struct hvst_buffer_info *b)
{
	return s->files[b->file]->file.tsc_mult ? "tsc2nsec" : b->clock;
}

/* All data that is read must have the same clock, and one that tells time. */
static int check_clocks(struct hvst_source *s)
{
	const struct hvst_buffer_info *first = NULL;

	for (unsigned int i = 0; i < s->trace.nr_buffers; i++) {
		const struct hvst_buffer_info *b = s->trace.buffers[i];
		const char *path = s->file_info[b->file]->path;
		int kind;

		if (!has_data(s, i))
			continue;
		kind = hvst_clock_kind(b->clock, s->files[b->file]->file.tsc_mult);
		if (kind < 0)
			return hvst_source_fail(
				s, kind,
				"%s: recorded with the clock \"%s\", which tells no usable time: "
				"record with '-C mono'",
				path, b->clock);
		if (!first)
			first = b;
		s->trace.cycles = kind == 1;
		if (strcmp(clock_of(s, b), clock_of(s, first)))
			return hvst_source_fail(
				s, -EOPNOTSUPP,
				"%s: buffer \"%s\" has the clock %s and another one %s: their "
				"events cannot be put in order; select one buffer",
				path, b->name, clock_of(s, b), clock_of(s, first));
	}
	if (!first && s->trace.nr_buffers)
		first = s->trace.buffers[0];
	s->trace.clock = first ? clock_of(s, first) : "";
	return 0;
}

static void describe_clock(struct hvst_source *s)
{
	const struct hvst_file *f = &s->files[0]->file;

	if (f->tsc_mult) {
		s->trace.scale_source = HVST_SCALE_FILE;
		s->trace.scale_mult = f->tsc_mult;
		s->trace.scale_shift = f->tsc_shift;
	}
}

static void describe_formats(struct hvst_source *s)
{
	for (unsigned int id = 0; id < HVST_EV_COUNT; id++)
		for (unsigned int i = 0; i < s->nr_files; i++)
			if (hvst_decoder_has(&s->files[i]->decoder, id))
				s->trace.in_format[id / 32] |= 1u << id % 32;
}

/* An event can be in both only where two buffers of one file are read. */
static bool can_repeat(const struct hvst_source *s)
{
	for (unsigned int i = 1; i < s->nr_streams; i++)
		if (s->streams[i]->file == s->streams[i - 1]->file &&
		    s->streams[i]->buffer != s->streams[i - 1]->buffer)
			return true;
	return false;
}

static unsigned int usable_cpus(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : (unsigned int)CPU_COUNT(&set);
}

static int open_reader_thread(struct hvst_source *s, const struct hvst_source_opts *o)
{
	s->file_of = calloc(s->trace.nr_buffers + 1, sizeof(*s->file_of));
	if (!s->file_of)
		return no_memory(s);
	for (unsigned int i = 0; i < s->trace.nr_buffers; i++)
		s->file_of[i] = s->trace.buffers[i]->file;
	if (can_repeat(s)) {
		s->dedup = hvst_dedup_new(s->file_of, s->nr_files, s->trace.cpus);
		if (!s->dedup)
			return no_memory(s);
	}
	s->reader = hvst_reader_thread_new(s->streams, s->nr_streams, s->dedup,
					   s->live	? 1
					   : o->threads ? o->threads
							: usable_cpus());
	return s->reader ? 0 : no_memory(s);
}

static bool only_text(const struct hvst_source *s)
{
	for (unsigned int i = 0; i < s->nr_files; i++)
		for (unsigned int b = 0; b < s->files[i]->file.nr_buffers; b++)
			if (!s->files[i]->file.buffers[b].text)
				return false;
	return true;
}

static int open_all(struct hvst_source *s, const struct hvst_source_opts *o)
{
	int rc = 0;

	if (!o->nr_paths)
		return hvst_source_fail(s, -EINVAL, "no file given");
	for (unsigned int i = 0; i < o->nr_paths && !rc; i++)
		rc = open_file(s, o, i);
	for (unsigned int i = 0; i < o->nr_paths && !rc; i++)
		rc = add_buffers(s, o, i);
	if (!rc)
		rc = list_buffers(s);
	if (!rc)
		rc = check_live(s, o);
	if (!rc)
		rc = check_selection(s, o);
	for (unsigned int i = 0; i < o->nr_paths && !rc; i++)
		rc = add_streams(s, o, s->files[i]);
	if (!rc)
		rc = check_clocks(s);
	if (!rc && s->live && s->trace.cycles)
		rc = hvst_source_fail(s, -EOPNOTSUPP,
				      "%s: the clock %s counts cycles, whose length can only be "
				      "estimated from a whole recording",
				      o->paths[0], s->trace.clock);
	if (!rc && !s->nr_streams && only_text(s))
		rc = hvst_source_fail(s, -EOPNOTSUPP,
				      "%s: holds the text of a latency tracer and no events",
				      o->paths[0]);
	if (rc)
		return rc;
	rc = open_streams(s);
	if (!rc)
		rc = open_live(s);
	if (rc)
		return rc;
	describe_clock(s);
	describe_formats(s);
	return open_reader_thread(s, o);
}

static struct hvst_source *source_new(unsigned int nr_files)
{
	struct hvst_source *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->files = calloc(nr_files + 1, sizeof(*s->files));
	s->file_info = hvst_list(calloc(nr_files + 1, sizeof(**s->file_info)), nr_files,
				 sizeof(**s->file_info));
	s->lost = calloc(HVST_MAX_LOST, sizeof(*s->lost));
	if (!s->files || !s->file_info || !s->lost) {
		hvst_source_close(s);
		return NULL;
	}
	s->trace.files = (const struct hvst_file_info *const *)s->file_info;
	s->trace.nr_files = nr_files;
	s->trace.lost = s->lost;
	s->trace.clock = "";
	return s;
}

int hvst_source_assemble(struct hvst_source **out, const struct hvst_source_opts *opts, char *err,
			 size_t errlen)
{
	struct hvst_source *s = source_new(opts->nr_paths);
	int rc = s ? open_all(s, opts) : -ENOMEM;

	if (rc) {
		if (errlen)
			snprintf(err, errlen, "%s", s ? s->err : "out of memory");
		hvst_source_close(s);
		return rc;
	}
	hvst_source_reset_counters(s);
	*out = s;
	return 0;
}
