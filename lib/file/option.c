/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: file. The parser of a recording's options. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "option.h"

/* Bytes of the number of chunks, which the size of compressed data does not include. */
#define CHUNK_COUNT 4

/* Replaces *@to by a copy of the bytes up to the first NUL. */
static int keep_string(struct hvst_file *f, char **to, const uint8_t *data, uint32_t len)
{
	char *s = strndup((const char *)data, len);

	if (!s)
		return hvst_file_no_memory(f);
	free(*to);
	*to = s;
	return 0;
}

/* "local global [mono]": the one in brackets. The clock of the top buffer's option has priority. */
static int option_clock(struct hvst_file *f, const uint8_t *data, uint32_t len)
{
	const uint8_t *open = memchr(data, '[', len), *close;

	if (!open || f->clock)
		return 0;
	open++;
	close = memchr(open, ']', len - (size_t)(open - data));
	if (!close || close - open > 31)
		return 0;
	return keep_string(f, &f->clock, open, (uint32_t)(close - open));
}

/* DATE is in us, OFFSET in ns. A value that would overflow the sum is ignored. */
static int option_offset(struct hvst_file *f, const uint8_t *data, uint32_t len, int64_t unit)
{
	char num[32];
	int64_t v, sum;

	snprintf(num, sizeof(num), "%.*s", (int)(len < 31 ? len : 31), (const char *)data);
	if (!__builtin_mul_overflow((int64_t)strtoll(num, NULL, 0), unit, &v) &&
	    !__builtin_add_overflow(f->ts_offset, v, &sum))
		f->ts_offset = sum;
	return 0;
}

static int option_tsc(struct hvst_file *f, struct hvst_cursor *c)
{
	uint32_t mult = hvst_cursor_u32(c), shift = hvst_cursor_u32(c);

	if (c->bad || shift > 63)
		return hvst_file_bad(f, c, "option TSC2NSEC");
	f->tsc_mult = mult;
	f->tsc_shift = shift;
	return 0;
}

static int buffer_cpus(struct hvst_file *f, struct hvst_file_buffer *b, struct hvst_cursor *c)
{
	uint32_t n;

	b->page_size = hvst_cursor_u32(c);
	n = hvst_cursor_u32(c);
	if (c->bad || n > HVST_MAX_CPUS || b->page_size < 512 || b->page_size > HVST_MAX_PAGE)
		return hvst_file_bad(f, c, "option BUFFER");
	for (uint32_t i = 0; i < n; i++) {
		uint32_t cpu = hvst_cursor_u32(c);
		uint64_t offset = hvst_cursor_u64(c), size = hvst_cursor_u64(c);
		int rc;

		if (c->bad || size > UINT64_MAX - CHUNK_COUNT)
			return hvst_file_bad(f, c, "option BUFFER");
		if (b->compressed && size)
			size += CHUNK_COUNT;
		rc = hvst_file_add_cpu(f, b, cpu, size ? offset : 0, size);
		if (rc)
			return rc;
	}
	return 0;
}

/* Version 7: where the section is, the name, the clock, and for records the CPUs. */
static int option_buffer(struct hvst_file *f, struct hvst_cursor *c, bool text)
{
	char name[256], clock[64];
	struct hvst_file_buffer *b;
	struct hvst_cursor head;
	uint64_t section = hvst_cursor_u64(c);
	int rc;

	hvst_cursor_str(c, name, sizeof(name));
	hvst_cursor_str(c, clock, sizeof(clock));
	if (c->bad)
		return hvst_file_bad(f, c, "option BUFFER");
	rc = hvst_file_add_buffer(f, name, clock, &b);
	if (rc)
		return rc;
	if (!*name && !f->clock && keep_string(f, &f->clock, (uint8_t *)clock, sizeof(clock)))
		return -ENOMEM;
	b->text = text;
	/* The flags of the section tell whether its data is compressed. */
	hvst_cursor_init(&head, &f->io, section, f->io.size);
	if (hvst_cursor_u16(&head) != (text ? HVST_OPT_BUFFER_TEXT : HVST_OPT_BUFFER) || head.bad) {
		if (head.err)
			return hvst_file_bad(f, &head, "data section");
		if (section < f->io.size)
			return hvst_file_fail(f, -EBADMSG,
					      "corrupt: no data section at offset %llu for buffer "
					      "\"%s\"",
					      (unsigned long long)section, name);
		f->truncated_at = (int64_t)f->io.size;
	}
	b->compressed = hvst_cursor_u16(&head) & HVST_SEC_COMPRESSED;
	return text ? 0 : buffer_cpus(f, b, c);
}

static int shift_samples(struct hvst_file *f, struct hvst_cursor *c, struct hvst_time_shift *s)
{
	s->nr = hvst_cursor_u32(c);
	if (c->bad || s->nr > (c->end - c->pos) / 24) {
		s->nr = 0;
		return hvst_file_bad(f, c, "option TIME_SHIFT");
	}
	s->samples = calloc(s->nr + 1, sizeof(*s->samples));
	if (!s->samples)
		return hvst_file_no_memory(f);
	for (unsigned int i = 0; i < s->nr; i++)
		s->samples[i].time = (int64_t)hvst_cursor_u64(c);
	for (unsigned int i = 0; i < s->nr; i++)
		s->samples[i].offset = (int64_t)hvst_cursor_u64(c);
	for (unsigned int i = 0; i < s->nr; i++)
		s->samples[i].scaling = hvst_cursor_u64(c);
	return 0;
}

static int cmp_sample(const void *a, const void *b)
{
	const struct hvst_time_sample *x = a, *y = b;

	return (x->time > y->time) - (x->time < y->time);
}

static int shift_fractions(struct hvst_file *f, struct hvst_cursor *c)
{
	for (unsigned int i = 0; i < f->nr_shift && c->pos < c->end; i++) {
		for (unsigned int k = 0; k < f->shift[i].nr; k++) {
			uint64_t fraction = hvst_cursor_u64(c);

			if (c->bad || fraction > 63)
				return hvst_file_bad(f, c, "option TIME_SHIFT");
			f->shift[i].samples[k].fraction = (uint32_t)fraction;
		}
	}
	return 0;
}

static void shift_sort(struct hvst_time_shift *s)
{
	unsigned int kept = 0;

	qsort(s->samples, s->nr, sizeof(*s->samples), cmp_sample);
	for (unsigned int k = 0; k < s->nr; k++)
		if (!k || s->samples[k].time != s->samples[kept - 1].time)
			s->samples[kept++] = s->samples[k];
	s->nr = kept;
}

/* In a guest's recording made together with its host's: how to convert its time stamps. */
static int option_time_shift(struct hvst_file *f, struct hvst_cursor *c)
{
	uint32_t n;
	int rc = 0;

	f->host_trace_id = hvst_cursor_u64(c);
	f->shift_flags = hvst_cursor_u32(c);
	n = hvst_cursor_u32(c);
	if (c->bad || n > HVST_MAX_CPUS || f->shift)
		return hvst_file_bad(f, c, "option TIME_SHIFT");
	f->shift = calloc(n + 1, sizeof(*f->shift));
	if (!f->shift)
		return hvst_file_no_memory(f);
	f->nr_shift = n;
	for (uint32_t i = 0; i < n && !rc; i++)
		rc = shift_samples(f, c, &f->shift[i]);
	if (!rc)
		rc = shift_fractions(f, c);
	for (uint32_t i = 0; i < n && !rc; i++)
		shift_sort(&f->shift[i]);
	return rc;
}

static int guest_tids(struct hvst_file *f, struct hvst_guest *g, struct hvst_cursor *c)
{
	uint32_t n = hvst_cursor_u32(c);

	if (c->bad || n > HVST_MAX_CPUS)
		return hvst_file_bad(f, c, "option GUEST");
	g->tids = calloc(n + 1, sizeof(*g->tids));
	if (!g->tids)
		return hvst_file_no_memory(f);
	g->nr = n;
	for (uint32_t i = 0; i < n; i++) {
		uint32_t vcpu = hvst_cursor_u32(c), tid = hvst_cursor_u32(c);

		if (c->bad || vcpu >= n)
			return hvst_file_bad(f, c, "option GUEST");
		g->tids[vcpu] = (int)tid;
	}
	return 0;
}

static int option_guest(struct hvst_file *f, struct hvst_cursor *c)
{
	struct hvst_guest *g;

	if (f->nr_guests == HVST_MAX_GUESTS)
		return hvst_file_fail(f, -EBADMSG, "corrupt: more than %u guests", HVST_MAX_GUESTS);
	g = realloc(f->guests, (f->nr_guests + 1) * sizeof(*g));
	if (!g)
		return hvst_file_no_memory(f);
	f->guests = g;
	g += f->nr_guests++;
	memset(g, 0, sizeof(*g));
	if (!hvst_cursor_str(c, g->name, sizeof(g->name)))
		return hvst_file_bad(f, c, "option GUEST");
	g->trace_id = hvst_cursor_u64(c);
	return guest_tids(f, g, c);
}

/*
 * "INSTANCE:" and the contents of its last_boot_info, which trace-cmd extract saves when the
 * instance's persistent ring buffer holds what the previous boot recorded. See trace-cmd.dat.v7(5).
 */
static int option_last_boot(struct hvst_file *f, const uint8_t *data, uint32_t len)
{
	const uint8_t *colon = memchr(data, ':', len);
	char **names;

	if (!colon || f->nr_last_boot == HVST_MAX_BUFFERS)
		return 0;
	names = realloc(f->last_boot, (f->nr_last_boot + 1) * sizeof(*names));
	if (!names)
		return hvst_file_no_memory(f);
	f->last_boot = names;
	names[f->nr_last_boot] = NULL;
	return keep_string(f, &names[f->nr_last_boot++], data, (uint32_t)(colon - data));
}

int hvst_file_option(struct hvst_file *f, unsigned int id, const uint8_t *data, uint32_t len)
{
	struct hvst_io io = { .fd = -1, .mem = data, .size = len };
	struct hvst_cursor c;

	hvst_cursor_init(&c, &io, 0, len);
	switch (id) {
	case HVST_OPT_DATE:
		f->dated = true;
		return option_offset(f, data, len, 1000);
	case HVST_OPT_OFFSET:
		return option_offset(f, data, len, 1);
	case HVST_OPT_TRACECLOCK:
		return option_clock(f, data, len);
	case HVST_OPT_UNAME:
		return keep_string(f, &f->uname, data, len);
	case HVST_OPT_TRACEID:
		f->trace_id = len < 8 ? 0 : hvst_cursor_u64(&c);
		return 0;
	case HVST_OPT_CPUCOUNT:
		f->cpu_count = hvst_cursor_u32(&c);
		return c.bad || f->cpu_count > HVST_MAX_CPUS
			       ? hvst_file_bad(f, &c, "option CPUCOUNT")
			       : 0;
	case HVST_OPT_TIME_SHIFT:
		return len < 16 ? 0 : option_time_shift(f, &c);
	case HVST_OPT_GUEST:
		return option_guest(f, &c);
	case HVST_OPT_TSC2NSEC:
		return len < 16 ? 0 : option_tsc(f, &c);
	case HVST_OPT_LAST_BOOT_INFO:
		return option_last_boot(f, data, len);
	case HVST_OPT_BUFFER:
	case HVST_OPT_BUFFER_TEXT:
		return f->version == 7 ? option_buffer(f, &c, id == HVST_OPT_BUFFER_TEXT) : 0;
	}
	return 0;
}
