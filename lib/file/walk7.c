/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: file. A version 7 file has a chain of option sections that name the other sections, see
 * trace-cmd.dat.v7(5). The options that name the data are written last, so a truncated recording
 * lacks them; its sections are then searched for from the front.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "../base/array.h"
#include "compress.h"
#include "meta.h"
#include "option.h"
#include "walk7.h"

#define MAX_OPTION_SECTIONS 256
#define MAX_SECTIONS	    65536
#define MAX_CHUNKS	    (1u << 28)
#define SECTION_HEAD	    16

/* An open section: its bytes of the file, or decompressed ones. */
struct section {
	struct hvst_io mem;
	struct hvst_cursor c;
	uint8_t *data; /* owned */
};

struct walk7 {
	struct hvst_file *f;
	uint64_t meta[HVST_OPT_BUFFER_TEXT + 1]; /* offsets of the sections named by options */
	char *cpustats;				 /* all CPUSTAT options, concatenated */
	size_t cpustats_len;
	unsigned int busy[HVST_MAX_CPUS]; /* CPUs that recorded anything, by those statistics */
	unsigned int nr_busy;
	bool broken; /* the chain of options leads outside the file */
};

static int unpack_section(struct hvst_file *f, struct section *s, uint64_t at)
{
	uint32_t packed = hvst_cursor_u32(&s->c), size = hvst_cursor_u32(&s->c);
	struct hvst_unpack *u;
	char *from;
	int rc;

	f->meta_bytes += size;
	if (s->c.bad || f->compression == HVST_COMP_NONE || size > HVST_MAX_META ||
	    f->meta_bytes > HVST_MAX_META_ALL)
		return hvst_file_bad(f, &s->c, "compressed section");
	from = hvst_cursor_dup(&s->c, packed, HVST_MAX_META);
	if (!from)
		return hvst_file_bad(f, &s->c, "compressed section");
	s->data = malloc((size_t)size + 1);
	u = hvst_unpack_new(f->compression);
	rc = s->data && u ? hvst_unpack(u, s->data, size, from, packed) : -ENOMEM;
	hvst_unpack_free(u);
	free(from);
	if (rc == -ENOMEM)
		return hvst_file_no_memory(f);
	if (rc)
		return hvst_file_fail(f, rc,
				      "corrupt: the section at offset %llu cannot be unpacked",
				      (unsigned long long)at);
	s->mem = (struct hvst_io){ .fd = -1, .mem = s->data, .size = size };
	hvst_cursor_init(&s->c, &s->mem, 0, size);
	return 0;
}

/* Opens the section at @at, which must be of kind @id. close_section() even after failure. */
static int open_section(struct hvst_file *f, struct section *s, uint64_t at, unsigned int id)
{
	unsigned int got, flags;
	uint64_t size;

	s->data = NULL;
	hvst_cursor_init(&s->c, &f->io, at, f->io.size);
	got = hvst_cursor_u16(&s->c);
	flags = hvst_cursor_u16(&s->c);
	hvst_cursor_u32(&s->c);
	size = hvst_cursor_u64(&s->c);
	if (s->c.bad || got != id)
		return hvst_file_bad(f, &s->c, "head of a section");
	if (flags & HVST_SEC_COMPRESSED)
		return unpack_section(f, s, at);
	if (size < s->c.end - s->c.pos)
		s->c.end = s->c.pos + size;
	return 0;
}

static void close_section(struct section *s)
{
	free(s->data);
}

static int keep_cpustat(struct walk7 *w, const uint8_t *data, uint32_t len)
{
	char *all = realloc(w->cpustats, w->cpustats_len + len + 1);

	if (!all)
		return hvst_file_no_memory(w->f);
	memcpy(all + w->cpustats_len, data, len);
	w->cpustats = all;
	w->cpustats_len += len;
	all[w->cpustats_len] = '\0';
	return 0;
}

static int take_option(struct walk7 *w, unsigned int id, const uint8_t *data, uint32_t len)
{
	switch (id) {
	case HVST_OPT_HEADER_INFO:
	case HVST_OPT_FTRACE_EVENTS:
	case HVST_OPT_EVENT_FORMATS:
	case HVST_OPT_CMDLINES:
		if (len >= 8)
			memcpy(&w->meta[id], data, 8);
		return 0;
	case HVST_OPT_CPUSTAT:
		return w->cpustats_len < HVST_MAX_META / 16 ? keep_cpustat(w, data, len) : 0;
	}
	return hvst_file_option(w->f, id, data, len);
}

/* Reads one section of options; *@next gets the place of the next, 0: none. */
static int read_options(struct walk7 *w, struct hvst_cursor *c, uint64_t *next)
{
	*next = 0;
	for (;;) {
		unsigned int id = hvst_cursor_u16(c);
		uint32_t len = hvst_cursor_u32(c);
		uint8_t *data = c->bad ? NULL : (uint8_t *)hvst_cursor_dup(c, len, HVST_MAX_META);
		int rc = 0;

		if (!data)
			return hvst_file_bad(w->f, c, "option");
		if (id == HVST_OPT_DONE && len >= 8)
			memcpy(next, data, 8);
		else if (id != HVST_OPT_DONE)
			rc = take_option(w, id, data, len);
		free(data);
		if (rc || id == HVST_OPT_DONE)
			return rc;
	}
}

/* No section fits at @at: the file is truncated. */
static bool beyond(const struct hvst_file *f, uint64_t at)
{
	return f->io.size < SECTION_HEAD || at > f->io.size - SECTION_HEAD;
}

static int walk_options(struct walk7 *w, uint64_t at)
{
	for (unsigned int i = 0; at; i++) {
		struct section s;
		uint64_t size = 0;
		int rc;

		if (i == MAX_OPTION_SECTIONS)
			return hvst_file_fail(w->f, -EBADMSG,
					      "corrupt: the option sections go round in a circle");
		if (!beyond(w->f, at)) {
			rc = hvst_io_read(&w->f->io, at + 8, &size, 8);
			if (rc)
				return hvst_file_fail(w->f, rc, "reading failed: %s",
						      hvst_io_error(rc));
		}
		if (beyond(w->f, at) || size > w->f->io.size - at - SECTION_HEAD) {
			w->broken = true;
			return 0;
		}
		rc = open_section(w->f, &s, at, HVST_OPT_DONE);
		if (!rc)
			rc = read_options(w, &s.c, &at);
		close_section(&s);
		if (rc)
			return rc;
	}
	return 0;
}

/* --- recovery --------------------------------------------------------------------------------- */

/*
 * Skips the chunks of one CPU at @pos, up to the first one that is not valid, and sets *@end to the
 * position after them. Returns 1; 0 where the file ends or there are no chunks; a negative errno.
 */
static int skip_chunks(struct hvst_file *f, uint64_t pos, uint64_t *end)
{
	struct hvst_cursor c;
	uint32_t n;

	hvst_cursor_init(&c, &f->io, pos, f->io.size);
	n = hvst_cursor_u32(&c);
	for (uint32_t i = 0; i < n && n < MAX_CHUNKS && !c.bad; i++) {
		uint32_t packed = hvst_cursor_u32(&c), size = hvst_cursor_u32(&c);

		if (!packed || !size || size > HVST_MAX_META)
			break;
		hvst_cursor_skip(&c, packed);
		*end = c.bad ? f->io.size : c.pos;
	}
	if (c.err)
		return hvst_file_bad(f, &c, "compressed data");
	return !c.bad && n;
}

static uint64_t align(uint64_t v, uint64_t to)
{
	return v > UINT64_MAX - to ? UINT64_MAX : (v + to - 1) / to * to;
}

/* The number behind @key in the statistics of one CPU; 1 without @key. */
static unsigned long long stat_of(const char *text, size_t len, const char *key)
{
	const char *p = memmem(text, len, key, strlen(key));

	return p ? strtoull(p + strlen(key), NULL, 10) : 1;
}

/* The statistics precede the data, so a truncated file has them. */
static void list_busy(struct walk7 *w)
{
	const char *p = w->cpustats ? strstr(w->cpustats, "CPU: ") : NULL;

	while (p && w->nr_busy < HVST_MAX_CPUS) {
		const char *next = strstr(p + 5, "CPU: ");
		size_t len = next ? (size_t)(next - p) : strlen(p);

		if (stat_of(p, len, "entries: ") || stat_of(p, len, "read events: "))
			w->busy[w->nr_busy++] = (unsigned int)stat_of(p, len, "CPU: ");
		p = next;
	}
}

/* The @nth CPU that recorded anything. */
static unsigned int nth_cpu(const struct walk7 *w, unsigned int nth)
{
	return nth < w->nr_busy ? w->busy[nth] : nth;
}

/* Compressed data of a CPU begins on a page boundary with the number of chunks. */
static int recover_chunks(struct walk7 *w, struct hvst_file_buffer *b, uint64_t pos, uint64_t end)
{
	int whole = 1, rc;

	for (unsigned int n = 0; whole > 0 && n < HVST_MAX_CPUS; n++) {
		uint64_t stop = pos;

		pos = align(pos, b->page_size);
		if (pos >= end)
			break;
		whole = skip_chunks(w->f, pos, &stop);
		if (stop <= pos)
			break;
		rc = hvst_file_add_cpu(w->f, b, nth_cpu(w, n), pos, stop - pos);
		if (rc)
			return rc;
		pos = stop;
	}
	return whole < 0 ? whole : 0;
}

/* In uncompressed data the next CPU begins where time goes back. */
static int recover_pages(struct walk7 *w, struct hvst_file_buffer *b, uint64_t pos, uint64_t end)
{
	uint64_t start = align(pos, b->page_size), last = 0, ts;
	unsigned int n = 0;
	int rc = 0;

	for (pos = start; pos < end && end - pos >= b->page_size && !rc; pos += b->page_size) {
		rc = hvst_io_read(&w->f->io, pos, &ts, sizeof(ts));
		if (rc)
			return hvst_file_fail(w->f, rc, "reading failed: %s", hvst_io_error(rc));
		if (ts < last) {
			rc = hvst_file_add_cpu(w->f, b, nth_cpu(w, n++), start, pos - start);
			start = pos;
		}
		last = ts;
	}
	return rc || pos == start ? rc
				  : hvst_file_add_cpu(w->f, b, nth_cpu(w, n), start, pos - start);
}

static int recover_buffer(struct walk7 *w, uint64_t at, uint64_t size, bool compressed)
{
	struct hvst_file *f = w->f;
	struct hvst_file_buffer *b;
	uint64_t end =
		size > f->io.size - at - SECTION_HEAD ? f->io.size : at + SECTION_HEAD + size;
	char name[32] = "";
	int rc;

	if (f->nr_buffers) /* the names are in the part that is lost */
		snprintf(name, sizeof(name), "buffer-%u", f->nr_buffers);
	rc = hvst_file_add_buffer(f, name, f->clock ? f->clock : "local", &b);
	if (rc)
		return rc;
	b->compressed = compressed;
	if (compressed && f->compression == HVST_COMP_NONE)
		return 0;
	return compressed ? recover_chunks(w, b, at + SECTION_HEAD, end)
			  : recover_pages(w, b, at + SECTION_HEAD, end);
}

/* Walks all sections from the front; those with records become buffers. */
static int recover(struct walk7 *w, uint64_t pos)
{
	struct hvst_file *f = w->f;

	f->truncated_at = (int64_t)f->io.size;
	list_busy(w);
	for (unsigned int i = 0; i < MAX_SECTIONS && !beyond(f, pos); i++) {
		struct hvst_cursor c;
		unsigned int id, flags;
		uint64_t size;
		int rc = 0;

		hvst_cursor_init(&c, &f->io, pos, f->io.size);
		id = hvst_cursor_u16(&c);
		flags = hvst_cursor_u16(&c);
		hvst_cursor_u32(&c);
		size = hvst_cursor_u64(&c);
		if (c.err)
			return hvst_file_bad(f, &c, "head of a section");
		if (id == HVST_OPT_BUFFER)
			rc = recover_buffer(w, pos, size, flags & HVST_SEC_COMPRESSED);
		else if (id <= HVST_OPT_BUFFER_TEXT && !w->meta[id])
			w->meta[id] = pos;
		if (rc || size > f->io.size - pos - SECTION_HEAD)
			return rc;
		pos += SECTION_HEAD + size;
	}
	return 0;
}

/* --- the whole file --------------------------------------------------------------------------- */

static int parse_meta(struct hvst_file *f, struct hvst_cursor *c, unsigned int id)
{
	switch (id) {
	case HVST_OPT_HEADER_INFO:
		return hvst_meta_header_info(f, c);
	case HVST_OPT_FTRACE_EVENTS:
		return hvst_meta_formats(f, c, "ftrace");
	case HVST_OPT_EVENT_FORMATS:
		return hvst_meta_systems(f, c);
	default:
		return hvst_meta_comms(f, c);
	}
}

static int read_meta(struct walk7 *w, unsigned int id)
{
	struct hvst_file *f = w->f;
	struct section s;
	int rc;

	if (!w->meta[id] || (id == HVST_OPT_FTRACE_EVENTS && f->systems))
		return 0;
	rc = open_section(f, &s, w->meta[id], id);
	if (!rc)
		rc = parse_meta(f, &s.c, id);
	close_section(&s);
	return rc;
}

static int read_all_meta(struct walk7 *w)
{
	static const unsigned int ids[] = { HVST_OPT_HEADER_INFO, HVST_OPT_FTRACE_EVENTS,
					    HVST_OPT_EVENT_FORMATS, HVST_OPT_CMDLINES };

	for (unsigned int i = 0; i < ARRAY_SIZE(ids); i++) {
		int rc = read_meta(w, ids[i]);

		if (rc)
			return rc;
	}
	if (!w->f->data_offset)
		return hvst_file_fail(w->f, -EBADMSG,
				      "%s: it has no description of its sub-buffers",
				      w->broken ? "cut off too early" : "corrupt");
	return 0;
}

static int read_compression(struct hvst_file *f, struct hvst_cursor *c)
{
	char name[32], version[32];

	hvst_cursor_str(c, name, sizeof(name));
	hvst_cursor_str(c, version, sizeof(version));
	if (c->bad)
		return hvst_file_bad(f, c, "compression header");
	if (!strcmp(name, "zstd"))
		f->compression = HVST_COMP_ZSTD;
	else if (!strcmp(name, "zlib"))
		f->compression = HVST_COMP_ZLIB;
	else if (strcmp(name, "none"))
		return hvst_file_fail(f, -EOPNOTSUPP,
				      "compressed with \"%s\"; zstd and zlib are supported", name);
	return 0;
}

/* The option that names an instance comes before the one of its buffer, which is written last. */
static void mark_previous_boot(struct hvst_file *f)
{
	for (unsigned int i = 0; i < f->nr_last_boot; i++)
		for (unsigned int b = 0; b < f->nr_buffers; b++)
			if (!strcmp(f->buffers[b].name, f->last_boot[i]))
				f->buffers[b].previous_boot = true;
}

/*
 * trace-cmd compresses ten pages at a time. Chunks that need much memory are left to libtracecmd.
 */
static void check_chunks(struct hvst_file *f, const struct hvst_file_buffer *b)
{
	for (unsigned int c = 0; b->compressed && c < b->nr_cpus; c++) {
		uint32_t head[3]; /* number of chunks, packed and unpacked size of the first */

		if (b->cpus[c].size > sizeof(head) &&
		    !hvst_io_read(&f->io, b->cpus[c].offset, head, sizeof(head)) &&
		    head[2] > HVST_MAX_CHUNK)
			snprintf(f->declined, sizeof(f->declined), "data in chunks of %u bytes",
				 head[2]);
	}
}

int hvst_file_walk7(struct hvst_file *f, uint64_t pos)
{
	struct walk7 w = { .f = f };
	struct hvst_cursor c;
	uint64_t options;
	int rc;

	hvst_cursor_init(&c, &f->io, pos, f->io.size);
	rc = read_compression(f, &c);
	if (rc)
		return rc;
	options = hvst_cursor_u64(&c);
	if (c.bad)
		return hvst_file_bad(f, &c, "header");
	if (!options)
		return hvst_file_fail(
			f, -EBADMSG,
			"cut off: the recording ended before its options were written");
	rc = walk_options(&w, options);
	if (!rc && w.broken)
		rc = recover(&w, c.pos);
	if (!rc && w.broken && !f->nr_buffers)
		rc = hvst_file_fail(f, -EBADMSG,
				    "cut off after %llu bytes, before the recorded events",
				    (unsigned long long)f->io.size);
	if (!rc)
		rc = read_all_meta(&w);
	if (!rc)
		mark_previous_boot(f);
	for (unsigned int i = 0; !rc && i < f->nr_buffers; i++)
		check_chunks(f, &f->buffers[i]);
	free(w.cpustats);
	if (!rc && !f->clock && !(f->clock = strdup("local")))
		rc = hvst_file_no_memory(f);
	return rc;
}
