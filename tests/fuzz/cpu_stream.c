// SPDX-License-Identifier: GPL-2.0
/* See cpu_stream.h. */
#include <dirent.h>

#include "cpu_stream.h"

struct stream_setup stream_setup(struct input *in)
{
	unsigned int flags = (unsigned int)take(in, 1);
	struct stream_setup s = { .from_ns = INT64_MIN, .to_ns = INT64_MAX };

	if (flags & 1) {
		s.from_ns = (int64_t)take(in, 8);
		s.to_ns = (int64_t)take(in, 8);
	}
	if (flags & 2) {
		s.mult = (uint32_t)take(in, 4);
		s.shift = take(in, 1) & 63;
	}
	if (flags & 4)
		s.offset = (int64_t)take(in, 8);
	return s;
}

static void check_event(const struct hvst_event *ev, const struct stream_setup *how,
			int64_t last_ns)
{
	unsigned int n = 0;
	uint64_t v;

	PROMISE(ev->id < HVST_EV_COUNT || ev->id == HVST_EV_LOST);
	PROMISE(ev->ts_ns >= last_ns && ev->ts_ns >= how->from_ns && ev->ts_ns < how->to_ns);
	PROMISE(ev->cpu == STREAM_CPU && ev->buffer == 0);
	if (ev->id == HVST_EV_LOST)
		return;
	PROMISE(hvst_event_fields(ev->id, &n));
	for (unsigned int i = 0; i < n; i++)
		PROMISE(hvst_event_value(ev, i, &v) == (ev->present >> i & 1));
}

static int64_t check_chunk(const struct hvst_event_chunk *c, const struct stream_setup *how,
			   int64_t last_ns)
{
	PROMISE(c->n <= HVST_CHUNK_EVENTS);
	for (size_t i = 0; i < c->n; i++) {
		check_event(&c->ev[i], how, last_ns);
		PROMISE(c->ns[i] == c->ev[i].ts_ns);
		last_ns = c->ev[i].ts_ns;
	}
	PROMISE(c->bound_ns >= last_ns);
	return last_ns;
}

static void decode(struct hvst_cpu_stream *cs, const struct stream_setup *how, size_t bytes)
{
	static struct hvst_event_chunk c; /* large */
	int64_t last_ns = INT64_MIN;
	size_t chunks = 0;

	c.rc = 1;
	while (c.rc > 0) {
		hvst_cpu_stream_decode(cs, &c, NULL);
		last_ns = check_chunk(&c, how, last_ns);
		PROMISE(++chunks <= bytes + 2);
	}
}

void stream_decode(const struct hvst_decoder *d, const struct stream_setup *how,
		   const struct input *pages)
{
	struct hvst_file_buffer buffer = { .name = (char *)"", .page_size = STREAM_PAGE };
	struct hvst_file f = {
		.io = { .fd = -1, .mem = pages->p, .size = pages->n },
		.truncated_at = -1,
		.buffers = &buffer,
		.nr_buffers = 1,
		.tsc_mult = how->mult,
		.tsc_shift = how->shift,
		.ts_offset = how->offset,
	};
	struct hvst_cpu_data cpu = { .cpu = STREAM_CPU, .size = pages->n };
	struct hvst_cpu_stream *cs = calloc(1, sizeof(*cs));

	if (!cs)
		return;
	cs->file = &f;
	cs->decoder = d;
	cs->cpu = cpu.cpu;
	cs->data = cpu;
	hvst_timebase_init(&cs->timebase, &f, 0, cpu.cpu);
	hvst_pages_init(&cs->pages, &f, 0, &cpu, 4 * STREAM_PAGE);
	if (!hvst_cpu_stream_start(cs, how->from_ns, how->to_ns, NULL))
		decode(cs, how, pages->n);
	hvst_cpu_stream_free(cs);
}

void stream_decode_tracecmd(struct hvst_file *f, struct hvst_tracecmd *t,
			    const struct stream_setup *how)
{
	struct hvst_cpu_stream *cs = calloc(1, sizeof(*cs));

	if (!cs)
		return;
	cs->file = f;
	cs->decoder = stream_real_decoder();
	cs->tracecmd = t;
	cs->cpu = STREAM_CPU;
	hvst_timebase_init(&cs->timebase, f, 0, cs->cpu);
	if (!hvst_cpu_stream_start(cs, how->from_ns, how->to_ns, NULL))
		decode(cs, how, INT32_MAX);
	hvst_cpu_stream_free(cs);
}

/* --- the formats of a real kernel --- */

static void add_format(struct hvst_file *kernel, const char *path)
{
	static struct hvst_format formats[64];
	char text[16384];
	FILE *f = fopen(path, "r");
	const char *system = strstr(path, "sched_") ? "sched" : "kvm";

	PROMISE(f && kernel->nr_formats < 64);
	kernel->formats = formats;
	PROMISE(!hvst_format_parse(&formats[kernel->nr_formats++], system, text,
				   fread(text, 1, sizeof(text), f)));
	fclose(f);
}

static void read_formats(struct hvst_file *kernel)
{
	static const char dir[] = FUZZ_SOURCE "/tests/gen/formats/linux-6.12";
	struct dirent *e;
	char path[4096];
	DIR *d = opendir(dir);

	PROMISE(d);
	while ((e = readdir(d))) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		if (e->d_name[0] != '.')
			add_format(kernel, path);
	}
	closedir(d);
}

const struct hvst_decoder *stream_real_decoder(void)
{
	static struct hvst_decoder *decoder;
	static struct hvst_file kernel;

	if (decoder)
		return decoder;
	read_formats(&kernel);
	decoder = malloc(sizeof(*decoder));
	PROMISE(decoder && !hvst_decoder_init(decoder, &kernel, 0));
	hvst_decoder_select(decoder, &kernel, UINT64_MAX, true);
	return decoder;
}
