/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: file. A version 6 file consists of parts in a fixed order, see trace-cmd.dat.v6(5). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "meta.h"
#include "option.h"
#include "walk6.h"

#define MAX_OPTIONS 65536

struct walk6 {
	struct hvst_file *f;
	struct hvst_cursor c;
	uint32_t cpus;
	bool has_clock; /* a text with the clock follows the CPU table */
	uint64_t instances[HVST_MAX_BUFFERS];
	unsigned int nr_instances;
};

static int add_instance(struct walk6 *w, const uint8_t *data, uint32_t len)
{
	struct hvst_io io = { .fd = -1, .mem = data, .size = len };
	struct hvst_file_buffer *b;
	struct hvst_cursor c;
	char name[256];
	uint64_t offset;
	int rc;

	hvst_cursor_init(&c, &io, 0, len);
	offset = hvst_cursor_u64(&c);
	hvst_cursor_str(&c, name, sizeof(name));
	if (c.bad || w->nr_instances >= HVST_MAX_BUFFERS)
		return hvst_file_bad(w->f, &w->c, "option BUFFER");
	rc = hvst_file_add_buffer(w->f, name, w->f->clock ? w->f->clock : "", &b);
	if (!rc)
		w->instances[w->nr_instances++] = offset;
	return rc;
}

static int read_option(struct walk6 *w, unsigned int id)
{
	uint32_t len = hvst_cursor_u32(&w->c);
	uint8_t *data = (uint8_t *)hvst_cursor_dup(&w->c, len, HVST_MAX_META);
	int rc;

	if (!data)
		return hvst_file_bad(w->f, &w->c, "option");
	if (id == HVST_OPT_TRACECLOCK)
		w->has_clock = true;
	rc = id == HVST_OPT_BUFFER ? add_instance(w, data, len)
				   : hvst_file_option(w->f, id, data, len);
	free(data);
	return rc;
}

static int read_options(struct walk6 *w)
{
	for (unsigned int i = 0; i < MAX_OPTIONS; i++) {
		unsigned int id = hvst_cursor_u16(&w->c);
		int rc;

		if (w->c.bad)
			return hvst_file_bad(w->f, &w->c, "options");
		if (id == HVST_OPT_DONE)
			return 0;
		rc = read_option(w, id);
		if (rc)
			return rc;
	}
	return hvst_file_bad(w->f, &w->c, "options");
}

/* Reads what the data is: records, or (@text) a latency tracer's text. @options may precede it. */
static int read_kind(struct walk6 *w, bool options, bool *text)
{
	char kind[10];
	int rc;

	hvst_cursor_bytes(&w->c, kind, sizeof(kind));
	if (options && !w->c.bad && !memcmp(kind, "options", 7)) {
		rc = read_options(w);
		if (rc)
			return rc;
		hvst_cursor_bytes(&w->c, kind, sizeof(kind));
	}
	if (w->c.bad)
		return hvst_file_bad(w->f, &w->c, "kind of the data");
	*text = !memcmp(kind, "latency", 7);
	if (*text || !memcmp(kind, "flyrecord", 9))
		return 0;
	return hvst_file_bad(w->f, &w->c, "kind of the data");
}

static int read_cpus(struct walk6 *w, struct hvst_file_buffer *b)
{
	for (uint32_t cpu = 0; cpu < w->cpus; cpu++) {
		uint64_t offset = hvst_cursor_u64(&w->c), size = hvst_cursor_u64(&w->c);
		int rc;

		if (w->c.bad)
			return hvst_file_bad(w->f, &w->c, "table of CPUs");
		rc = hvst_file_add_cpu(w->f, b, cpu, size ? offset : 0, size);
		if (rc)
			return rc;
	}
	return 0;
}

/*
 * Header page and event, formats of ftrace and of systems, kernel symbols, printk formats, command
 * lines, number of CPUs.
 */
static int read_meta(struct walk6 *w)
{
	struct hvst_cursor *c = &w->c;
	int rc = hvst_meta_header_info(w->f, c);

	if (!rc)
		rc = hvst_meta_formats(w->f, c, w->f->systems ? NULL : "ftrace");
	if (!rc)
		rc = hvst_meta_systems(w->f, c);
	if (rc)
		return rc;
	hvst_cursor_skip(c, hvst_cursor_u32(c));
	hvst_cursor_skip(c, hvst_cursor_u32(c));
	if (c->bad)
		return hvst_file_bad(w->f, c, "symbols or printk formats");
	rc = hvst_meta_comms(w->f, c);
	if (rc)
		return rc;
	w->cpus = hvst_cursor_u32(c);
	return c->bad || w->cpus > HVST_MAX_CPUS ? hvst_file_bad(w->f, c, "number of CPUs") : 0;
}

/* Follows the CPU table of the top buffer if there is an option TRACECLOCK. */
static int read_clock(struct walk6 *w)
{
	uint64_t len;
	char *text;
	int rc;

	len = hvst_cursor_u64(&w->c);
	text = w->c.bad ? NULL : hvst_cursor_dup(&w->c, len, 4096);
	if (w->c.err)
		return hvst_file_bad(w->f, &w->c, "clock");
	if (!text) /* An old trace-cmd leaves it out: the clock is "local". */
		return hvst_file_option(w->f, HVST_OPT_TRACECLOCK, (const uint8_t *)"[local]", 7);
	rc = hvst_file_option(w->f, HVST_OPT_TRACECLOCK, (const uint8_t *)text, (uint32_t)len);
	free(text);
	return rc;
}

static int read_instance(struct walk6 *w, unsigned int i)
{
	struct hvst_file_buffer *b = &w->f->buffers[i + 1];
	int rc;

	if (w->instances[i] >= w->f->io.size) {
		w->f->truncated_at = (int64_t)w->f->io.size;
		return 0;
	}
	hvst_cursor_init(&w->c, &w->f->io, w->instances[i], w->f->io.size);
	rc = read_kind(w, false, &b->text);
	return rc || b->text ? rc : read_cpus(w, b);
}

/* Buffers are added before the clock is known. */
static int name_clocks(struct hvst_file *f)
{
	if (!f->clock)
		f->clock = strdup("local");
	for (unsigned int i = 0; f->clock && i < f->nr_buffers; i++) {
		free(f->buffers[i].clock);
		f->buffers[i].clock = strdup(f->clock);
		if (!f->buffers[i].clock)
			return hvst_file_no_memory(f);
	}
	return f->clock ? 0 : hvst_file_no_memory(f);
}

static int walk(struct walk6 *w)
{
	struct hvst_file_buffer *top;
	bool text = false;
	int rc = read_meta(w);

	if (!rc)
		rc = hvst_file_add_buffer(w->f, "", "", &top);
	if (!rc)
		rc = read_kind(w, true, &text);
	if (rc)
		return rc;
	top = &w->f->buffers[0]; /* the options have added instances, which may move the array */
	top->text = text;
	if (w->f->cpu_count)
		w->cpus = w->f->cpu_count;
	if (!text)
		rc = read_cpus(w, top);
	if (!rc && w->has_clock)
		rc = read_clock(w);
	for (unsigned int i = 0; i < w->nr_instances && !rc; i++)
		rc = read_instance(w, i);
	return rc ? rc : name_clocks(w->f);
}

int hvst_file_walk6(struct hvst_file *f, uint64_t pos)
{
	struct walk6 *w = calloc(1, sizeof(*w));
	int rc;

	if (!w)
		return hvst_file_no_memory(f);
	w->f = f;
	hvst_cursor_init(&w->c, &f->io, pos, f->io.size);
	rc = walk(w);
	free(w);
	return rc;
}
