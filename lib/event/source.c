/* SPDX-License-Identifier: LGPL-2.1 */
/* Opens the files of a recording and turns them into one stream of events. */
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "source_private.h"

#define MAX_LANES     4096
#define WINDOW_MEMORY (16u << 20) /* windows into uncompressed files, all lanes together */
#define WINDOW_MAX    (128u << 10)
#define CHUNK_MEMORY  (512u << 20) /* bound on unpacked chunks, should a hostile file ask for it */
#define CHUNK_PAGES   10	   /* as trace-cmd packs them */

static const char *const systems[] = { "kvm", "sched", NULL };

static int fail(struct hvst_source *s, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
static int fail(struct hvst_source *s, int code, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(s->err, sizeof(s->err), fmt, ap);
	va_end(ap);
	return code;
}

static int no_memory(struct hvst_source *s)
{
	return fail(s, -ENOMEM, "out of memory");
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

static void describe_file(struct hvst_source *s, unsigned int i)
{
	static const char *const compressions[] = { NULL, "zlib", "zstd" };
	const struct source_file *sf = s->files[i];
	const struct hvst_file *f = &sf->file;

	s->file_info[i] = (struct hvst_file_info){
		.path = f->path,
		.version = f->version,
		.compression = compressions[f->compression],
		.truncated_at = f->truncated_at < 0 ? HVST_UNKNOWN : f->truncated_at,
		.reader = sf->tracecmd ? "libtracecmd" : "pages",
		.declined = f->declined[0] ? f->declined : NULL,
		.uname = f->uname,
	};
}

/* libtracecmd takes formats of all systems, so all are checked before it gets to see them. */
static int reopen_for_tracecmd(struct hvst_source *s, struct source_file *sf, const char *path)
{
	int rc = hvst_probe_vet(path, s->err, sizeof(s->err));

	hvst_file_close(&sf->file);
	if (!rc)
		rc = hvst_file_open(&sf->file, path, NULL, s->err, sizeof(s->err));
	if (!rc)
		rc = hvst_tracecmd_open(&sf->tracecmd, &sf->file);
	return rc;
}

/* The page reader unless it was not asked for or declines. */
static int choose_reader(struct hvst_source *s, struct source_file *sf, const char *path,
			 enum hvst_reader reader)
{
	struct hvst_file *f = &sf->file;

	if (reader == HVST_READER_PAGES && f->declined[0])
		return hvst_file_fail(
			f, -EOPNOTSUPP,
			"the page reader does not take it: %s; use --reader=libtracecmd",
			f->declined);
	if (reader == HVST_READER_LIBTRACECMD || f->declined[0])
		return reopen_for_tracecmd(s, sf, path);
	return 0;
}

static int open_file(struct hvst_source *s, const struct hvst_source_opts *o, unsigned int i)
{
	struct source_file *sf = calloc(1, sizeof(*sf));
	int rc;

	if (!sf)
		return no_memory(s);
	s->files[s->nr_files++] = sf;
	rc = hvst_file_open(&sf->file, o->paths[i], systems, s->err, sizeof(s->err));
	if (!rc)
		rc = choose_reader(s, sf, o->paths[i], o->reader);
	if (!rc)
		rc = hvst_decoder_init(&sf->decoder, &sf->file, o->ignored_ids);
	if (!rc)
		describe_file(s, i);
	return rc;
}

static int add_buffers(struct hvst_source *s, const struct hvst_source_opts *o, unsigned int file)
{
	const struct hvst_file *f = &s->files[file]->file;
	struct hvst_trace *t = &s->trace;
	struct hvst_buffer_info *b;

	if (t->nr_buffers + f->nr_buffers > UINT16_MAX)
		return fail(s, -EOPNOTSUPP, "%s: too many buffers in all", f->path);
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
		};
	}
	t->buffers = s->buffers;
	return 0;
}

static int add_lane(struct hvst_source *s, struct source_file *sf, unsigned int buffer,
		    const struct hvst_cpu_data *d)
{
	struct hvst_lane **lanes, *l;

	if (s->nr_lanes == MAX_LANES)
		return fail(s, -EOPNOTSUPP, "%s: more than %u CPUs in all buffers", sf->file.path,
			    MAX_LANES);
	lanes = realloc(s->lanes, (s->nr_lanes + 1) * sizeof(*lanes));
	if (!lanes)
		return no_memory(s);
	s->lanes = lanes;
	l = calloc(1, sizeof(*l));
	if (!l)
		return no_memory(s);
	lanes[s->nr_lanes++] = l;
	l->file = &sf->file;
	l->decoder = &sf->decoder;
	l->tracecmd = sf->tracecmd;
	l->file_buffer = buffer;
	l->cpu = d->cpu;
	l->buffer = (uint16_t)(sf->first_buffer + buffer);
	l->data = *d;
	hvst_timebase_init(&l->timebase, &sf->file, buffer, d->cpu);
	s->bytes += d->size;
	return 0;
}

/* The more lanes, the smaller their windows; but a window holds a sub-buffer, and a chunk ten. */
static int open_lanes(struct hvst_source *s)
{
	for (unsigned int i = 0; i < s->nr_lanes; i++) {
		struct hvst_lane *l = s->lanes[i];
		bool packed = l->file->buffers[l->file_buffer].compressed;
		size_t window = (packed ? CHUNK_MEMORY : WINDOW_MEMORY) / s->nr_lanes;
		size_t max = packed ? HVST_MAX_CHUNK : WINDOW_MAX;
		size_t least =
			l->file->buffers[l->file_buffer].page_size * (packed ? CHUNK_PAGES : 1);

		if (least * s->nr_lanes > CHUNK_MEMORY)
			return fail(s, -EOPNOTSUPP,
				    "%s: %u CPUs in all buffers with sub-buffers of this size need "
				    "more "
				    "than %u MiB: choose with --cpu or --buffer",
				    l->file->path, s->nr_lanes, CHUNK_MEMORY >> 20);
		hvst_pages_init(&l->pages, l->file, l->file_buffer, &l->data,
				window < max ? window : max);
	}
	return 0;
}

static int add_lanes(struct hvst_source *s, const struct hvst_source_opts *o,
		     struct source_file *sf)
{
	for (unsigned int i = 0; i < sf->file.nr_buffers; i++) {
		const struct hvst_file_buffer *b = &sf->file.buffers[i];

		if (b->text || !s->buffers[sf->first_buffer + i].selected)
			continue;
		for (unsigned int c = 0; c < b->nr_cpus; c++) {
			int rc = b->cpus[c].size && cpu_selected(o, b->cpus[c].cpu)
					 ? add_lane(s, sf, i, &b->cpus[c])
					 : 0;

			if (rc)
				return rc;
		}
	}
	return 0;
}

/* Every name given must be that of a buffer. */
static int check_selection(struct hvst_source *s, const struct hvst_source_opts *o)
{
	for (unsigned int i = 0; i < o->nr_buffers; i++) {
		struct hvst_source_opts one = { .buffers = &o->buffers[i], .nr_buffers = 1 };
		char names[256] = "";
		size_t len = 0;
		bool found = false;

		for (unsigned int b = 0; b < s->trace.nr_buffers; b++) {
			const char *name = s->buffers[b].name;

			found |= is_selected(&one, name);
			if (len < sizeof(names))
				len += (size_t)snprintf(names + len, sizeof(names) - len, "%s%s",
							b ? ", " : "", *name ? name : "top");
		}
		if (!found)
			return fail(s, -EINVAL, "no buffer \"%s\" in the recording; it has: %s",
				    o->buffers[i], names);
	}
	return 0;
}

static bool has_data(const struct hvst_source *s, unsigned int buffer)
{
	for (unsigned int i = 0; i < s->nr_lanes; i++)
		if (s->lanes[i]->buffer == buffer)
			return true;
	return false;
}

static const char *clock_of(const struct hvst_source *s, const struct hvst_buffer_info *b)
{
	return s->files[b->file]->file.tsc_mult ? "tsc2nsec" : b->clock;
}

/* One clock for all that is read, and one that tells time. */
static int check_clocks(struct hvst_source *s)
{
	const struct hvst_buffer_info *first = NULL;

	for (unsigned int i = 0; i < s->trace.nr_buffers; i++) {
		const struct hvst_buffer_info *b = &s->buffers[i];
		const char *path = s->file_info[b->file].path;
		int kind;

		if (!has_data(s, i))
			continue;
		kind = hvst_clock_kind(b->clock, s->files[b->file]->file.tsc_mult);
		if (kind < 0)
			return fail(
				s, kind,
				"%s: recorded with the clock \"%s\", which tells no usable time: "
				"record with '-C mono'",
				path, b->clock);
		if (!first)
			first = b;
		s->trace.cycles = kind == 1;
		if (strcmp(clock_of(s, b), clock_of(s, first)))
			return fail(s, -EOPNOTSUPP,
				    "%s: buffer \"%s\" has the clock %s and another one %s: their "
				    "events cannot be put in order; choose with --buffer",
				    path, b->name, clock_of(s, b), clock_of(s, first));
	}
	if (!first && s->trace.nr_buffers)
		first = &s->buffers[0];
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

/* Whether two buffers of one file are read, so that an event can be in both. */
static bool can_repeat(const struct hvst_source *s)
{
	for (unsigned int i = 1; i < s->nr_lanes; i++)
		if (s->lanes[i]->file == s->lanes[i - 1]->file &&
		    s->lanes[i]->buffer != s->lanes[i - 1]->buffer)
			return true;
	return false;
}

static unsigned int cpus_at_hand(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? 1 : (unsigned int)CPU_COUNT(&set);
}

static int open_pump(struct hvst_source *s, const struct hvst_source_opts *o)
{
	s->file_of = calloc(s->trace.nr_buffers + 1, sizeof(*s->file_of));
	if (!s->file_of)
		return no_memory(s);
	for (unsigned int i = 0; i < s->trace.nr_buffers; i++)
		s->file_of[i] = s->buffers[i].file;
	if (can_repeat(s)) {
		s->dedup = hvst_dedup_new(s->file_of, s->nr_files, s->trace.cpus);
		if (!s->dedup)
			return no_memory(s);
	}
	s->pump = hvst_pump_new(s->lanes, s->nr_lanes, s->dedup,
				o->threads ? o->threads : cpus_at_hand());
	return s->pump ? 0 : no_memory(s);
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
		return fail(s, -EINVAL, "no file given");
	for (unsigned int i = 0; i < o->nr_paths && !rc; i++)
		rc = open_file(s, o, i);
	for (unsigned int i = 0; i < o->nr_paths && !rc; i++)
		rc = add_buffers(s, o, i);
	if (!rc)
		rc = check_selection(s, o);
	for (unsigned int i = 0; i < o->nr_paths && !rc; i++)
		rc = add_lanes(s, o, s->files[i]);
	if (!rc)
		rc = check_clocks(s);
	if (!rc && !s->nr_lanes && only_text(s))
		rc = fail(s, -EOPNOTSUPP, "%s: holds the text of a latency tracer and no events",
			  o->paths[0]);
	if (rc)
		return rc;
	rc = open_lanes(s);
	if (rc)
		return rc;
	describe_clock(s);
	describe_formats(s);
	return open_pump(s, o);
}

static struct hvst_source *source_new(unsigned int nr_files)
{
	struct hvst_source *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->files = calloc(nr_files + 1, sizeof(*s->files));
	s->file_info = calloc(nr_files + 1, sizeof(*s->file_info));
	s->lost = calloc(HVST_MAX_LOST, sizeof(*s->lost));
	if (!s->files || !s->file_info || !s->lost) {
		hvst_source_close(s);
		return NULL;
	}
	s->trace.files = s->file_info;
	s->trace.nr_files = nr_files;
	s->trace.lost = s->lost;
	s->trace.clock = "";
	return s;
}

static void reset_counters(struct hvst_source *s)
{
	struct hvst_trace *t = &s->trace;

	t->first_ns = t->last_ns = HVST_UNKNOWN;
	t->events = t->relevant = t->ignored = t->malformed = t->duplicates = t->backwards =
		t->unfollowed = 0;
	memset(t->seen, 0, sizeof(t->seen));
	t->nr_lost = 0;
	t->lost_places = t->lost_events = 0;
	t->lost_ns = 0;
	t->start_expired_recorded = false;
	t->padding_ns = HVST_UNKNOWN;
	t->incomplete = false;
}

/* A recording without readings of the reference clock keeps cycles for ns. */
static int estimate_scale(struct hvst_source *s, const struct hvst_source_opts *o)
{
	uint32_t mult, shift;
	int rc = hvst_probe_scale(o, &mult, &shift, s->err, sizeof(s->err));

	if (rc)
		return rc == -ENODATA ? 0 : rc;
	s->trace.scale_source = HVST_SCALE_ESTIMATED;
	s->trace.scale_mult = mult;
	s->trace.scale_shift = shift;
	for (unsigned int i = 0; i < s->nr_lanes; i++) {
		s->lanes[i]->timebase.cycle_mult = mult;
		s->lanes[i]->timebase.cycle_shift = shift;
		s->lanes[i]->timebase.plain = false;
	}
	return 0;
}

int hvst_source_open(struct hvst_source **out, const struct hvst_source_opts *opts, char *err,
		     size_t errlen)
{
	struct hvst_source *s;
	int rc = hvst_source_open_unscaled(&s, opts, err, errlen);

	if (rc)
		return rc;
	if (s->trace.cycles)
		rc = estimate_scale(s, opts);
	if (rc) {
		if (errlen)
			snprintf(err, errlen, "%s", s->err);
		hvst_source_close(s);
		return rc;
	}
	*out = s;
	return 0;
}

int hvst_source_open_unscaled(struct hvst_source **out, const struct hvst_source_opts *opts,
			      char *err, size_t errlen)
{
	struct hvst_source *s = source_new(opts->nr_paths);
	int rc = s ? open_all(s, opts) : -ENOMEM;

	if (rc) {
		if (errlen)
			snprintf(err, errlen, "%s", s ? s->err : "out of memory");
		hvst_source_close(s);
		return rc;
	}
	reset_counters(s);
	*out = s;
	return 0;
}

void hvst_source_close(struct hvst_source *s)
{
	if (!s)
		return;
	hvst_pump_free(s->pump);
	hvst_dedup_free(s->dedup);
	for (unsigned int i = 0; i < s->nr_lanes; i++)
		hvst_lane_free(s->lanes[i]);
	for (unsigned int i = 0; i < s->nr_files; i++) {
		hvst_tracecmd_close(s->files[i]->tracecmd);
		hvst_file_close(&s->files[i]->file);
		free(s->files[i]);
	}
	free(s->files);
	free(s->file_info);
	free(s->buffers);
	free(s->lost);
	free(s->lanes);
	free(s->file_of);
	free(s);
}

/* --- passes --- */

/* What a reading error means. */
static int read_failed(struct hvst_source *s, int code)
{
	const struct hvst_lane *l = NULL;

	for (unsigned int i = 0; i < s->nr_lanes && !l; i++)
		if (s->lanes[i]->failed)
			l = s->lanes[i];
	if (l && l->tracecmd)
		return fail(s, code, "%s: %s", l->file->path, hvst_tracecmd_fate(l->tracecmd));
	if (l && code == -EBADMSG)
		return fail(s, code, "%s: corrupt: CPU %u's data at offset %llu cannot be unpacked",
			    l->file->path, l->cpu, (unsigned long long)l->pages.pos);
	return fail(s, code, "%s: reading failed: %s", (l ? l->file : &s->files[0]->file)->path,
		    strerror(-code));
}

int hvst_source_start(struct hvst_source *s, uint64_t wanted_ids, bool all_fields, int64_t from_ns,
		      int64_t to_ns)
{
	int rc;

	hvst_pump_stop(s->pump);
	reset_counters(s);
	for (unsigned int i = 0; i < s->nr_files; i++)
		hvst_decoder_select(&s->files[i]->decoder, &s->files[i]->file, wanted_ids,
				    all_fields);
	rc = hvst_pump_start(s->pump, from_ns == HVST_UNKNOWN ? INT64_MIN : from_ns,
			     to_ns == HVST_UNKNOWN ? INT64_MAX : to_ns);
	s->started = !rc;
	return rc ? read_failed(s, rc) : 0;
}

static void add_lost(struct hvst_source *s, const struct hvst_event *ev)
{
	struct hvst_trace *t = &s->trace;

	t->lost_places++;
	t->lost_events += ev->lost.count;
	if (t->nr_lost == HVST_MAX_LOST)
		return;
	s->lost[t->nr_lost++] = (struct hvst_lost){
		.cpu = ev->cpu,
		.buffer = ev->buffer,
		.ts_ns = ev->ts_ns,
		.count = ev->lost.count ? (int64_t)ev->lost.count : HVST_UNKNOWN,
	};
}

static void update_trace(struct hvst_source *s, const struct hvst_counts *c,
			 const struct hvst_event *const *ev, size_t n)
{
	struct hvst_trace *t = &s->trace;

	t->events = 0;
	for (unsigned int i = 0; i < HVST_NR_SLOTS; i++)
		t->events += c->slots[i];
	for (unsigned int i = 0; i < HVST_EV_COUNT; i++)
		t->seen[i] = c->slots[HVST_SLOT_FIRST + i];
	t->ignored = c->slots[HVST_SLOT_IGNORED];
	t->relevant = c->decoded;
	t->malformed = c->malformed;
	t->backwards = c->clamped;
	t->duplicates = c->duplicates;
	t->events += c->duplicates;
	t->lost_ns = c->lost_ns;
	t->start_expired_recorded = t->seen[HVST_EV_STIMER_START_EXPIRED];
	if (c->first_ns <= c->last_ns) {
		t->first_ns = c->first_ns;
		t->last_ns = c->last_ns;
	}
	for (size_t i = 0; t->lost_places < c->lost_places && i < n; i++)
		if (ev[i]->id == HVST_EV_LOST)
			add_lost(s, ev[i]);
}

long hvst_source_next(struct hvst_source *s, const struct hvst_event *const **batch)
{
	const struct hvst_batch *b;

	if (!s->started)
		return fail(s, -EINVAL, "no pass was begun");
	b = hvst_pump_next(s->pump);
	if (b->n < 0)
		return read_failed(s, (int)b->n);
	*batch = b->ev;
	s->bytes_done = b->counts.bytes;
	update_trace(s, &b->counts, b->ev, (size_t)b->n);
	return b->n;
}

void hvst_source_progress(const struct hvst_source *s, uint64_t *done, uint64_t *total)
{
	*done = s->bytes_done;
	*total = s->bytes;
}

const char *hvst_source_error(const struct hvst_source *s)
{
	return s->err;
}

struct hvst_trace *hvst_source_trace(struct hvst_source *s)
{
	return &s->trace;
}

const char *hvst_source_comm(const struct hvst_source *s, int tid)
{
	for (unsigned int i = 0; i < s->nr_files; i++) {
		const char *comm = hvst_file_comm(&s->files[i]->file, tid);

		if (*comm)
			return comm;
	}
	return "";
}

const char *hvst_source_guest(const struct hvst_source *s, int tid, int *vcpu)
{
	const char *name = NULL;

	for (unsigned int i = 0; i < s->nr_files && !name; i++)
		name = hvst_file_guest(&s->files[i]->file, tid, vcpu);
	return name;
}
