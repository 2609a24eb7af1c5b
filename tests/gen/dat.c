/* SPDX-License-Identifier: GPL-2.0 */
/* The file around the rings: trace-cmd.dat.v6(5) and trace-cmd.dat.v7(5). */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "array.h"
#include "trace_private.h"

enum {
	OPT_BUFFER = 3,
	OPT_TRACECLOCK = 4,
	OPT_UNAME = 5,
	OPT_CPUCOUNT = 8,
	OPT_VERSION = 9,
	OPT_TRACEID = 11,
	OPT_TSC2NSEC = 14,
	SEC_STRINGS = 15,
	SEC_HEADER = 16,
	SEC_FTRACE,
	SEC_FORMATS,
	SEC_KALLSYMS,
	SEC_PRINTK,
	SEC_CMDLINES,
	SEC_OPTIONS = 0,
	SEC_FLYRECORD = 3
};

/* Bytes that grow. */
struct bytes {
	uint8_t *p;
	size_t n, room;
	bool failed;
};

static void add(struct bytes *b, const void *p, size_t n)
{
	if (b->n + n > b->room) {
		size_t room = (b->n + n) * 2 + 256;
		uint8_t *q = realloc(b->p, room);

		if (!q) {
			b->failed = true;
			return;
		}
		b->p = q;
		b->room = room;
	}
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

static void add16(struct bytes *b, uint16_t v)
{
	add(b, &v, 2);
}
static void add32(struct bytes *b, uint32_t v)
{
	add(b, &v, 4);
}
static void add64(struct bytes *b, uint64_t v)
{
	add(b, &v, 8);
}
static void add_str(struct bytes *b, const char *s)
{
	add(b, s, strlen(s) + 1);
}

static void addf(struct bytes *b, const char *fmt, ...)
{
	char line[128];
	va_list ap;

	va_start(ap, fmt);
	add(b, line, vsnprintf(line, sizeof(line), fmt, ap));
	va_end(ap);
}

static void add_sized(struct bytes *b, const char *text, size_t n)
{
	add64(b, n);
	add(b, text, n);
}

static void put(struct trace *tr, const void *p, size_t n)
{
	if (fwrite(p, 1, n, tr->out) != n && !tr->error)
		tr->error = -EIO;
}

static void put_bytes(struct trace *tr, struct bytes *b)
{
	if (b->failed)
		tr->error = -ENOMEM;
	else
		put(tr, b->p, b->n);
	free(b->p);
	memset(b, 0, sizeof(*b));
}

static void put_zeros(struct trace *tr, uint64_t n)
{
	static const uint8_t zeros[4096];

	for (; n; n -= n < sizeof(zeros) ? n : sizeof(zeros))
		put(tr, zeros, n < sizeof(zeros) ? n : sizeof(zeros));
}

/* --- what both versions hold --- */

static void header_info(const struct trace *tr, struct bytes *b)
{
	char page[512];
	const char *size = strstr(gen_header_page, "4080");

	snprintf(page, sizeof(page), "%.*s%u%s", (int)(size - gen_header_page), gen_header_page,
		 tr->opts.page_size - 16, size + 4);
	add_str(b, "header_page");
	add_sized(b, page, strlen(page));
	add_str(b, "header_event");
	add_sized(b, gen_header_event, strlen(gen_header_event));
}

static bool in_system(const struct trace *tr, int ev, const char *system)
{
	bool wanted = tr->where[ev] || tr->opts.formats & 1ull << ev;

	return wanted && !strcmp(tr->layouts[ev].system, system);
}

static void formats_of(const struct trace *tr, struct bytes *b, const char *system)
{
	uint32_t n = 0;

	for (int ev = 0; ev < EV_COUNT; ev++)
		n += in_system(tr, ev, system);
	add32(b, n);
	for (int ev = 0; ev < EV_COUNT; ev++)
		if (in_system(tr, ev, system))
			add_sized(b, tr->layouts[ev].format, strlen(tr->layouts[ev].format));
}

static void event_formats(const struct trace *tr, struct bytes *b)
{
	static const char *const systems[] = { "kvm", "sched" };
	uint32_t n = 0;

	for (int s = 0; s < 2; s++)
		for (int ev = 0, found = 0; ev < EV_COUNT && !found; ev++)
			n += found = in_system(tr, ev, systems[s]);
	add32(b, n);
	for (int s = 0; s < 2; s++) {
		bool any = false;

		for (int ev = 0; ev < EV_COUNT; ev++)
			any |= in_system(tr, ev, systems[s]);
		if (!any)
			continue;
		add_str(b, systems[s]);
		formats_of(tr, b, systems[s]);
	}
}

static void kallsyms(const struct trace *tr, struct bytes *b)
{
	struct bytes text = { 0 };

	for (uint64_t i = 0; text.n < tr->opts.kallsyms; i++)
		addf(&text, "%016llx T generated_symbol_%llu\n", 0xffffffff81000000ull + i * 64,
		     (unsigned long long)i);
	add32(b, text.n);
	if (text.n)
		add(b, text.p, text.n);
	b->failed |= text.failed;
	free(text.p);
}

static void cmdlines(const struct trace *tr, struct bytes *b)
{
	struct bytes text = { 0 };

	for (unsigned int i = 0; i < tr->nr_comms; i++)
		add(&text, tr->comms[i], strlen(tr->comms[i]));
	add_sized(b, text.p ? (char *)text.p : "", text.n);
	b->failed |= text.failed;
	free(text.p);
}

/* "local [mono] ...": the list with the one in use marked. */
static void clock_list(const struct trace *tr, struct bytes *b)
{
	static const char *const all[] = {
		"local", "global",   "counter", "uptime", "perf",
		"mono",	 "mono_raw", "boot",	"tai",	  "x86-tsc",
	};
	bool scaled = tr->opts.clock == CLOCK_TSC2NSEC;
	const char *now = scaled ? "x86-tsc" : gen_clock_name(tr->opts.clock);

	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++)
		addf(b, strcmp(all[i], now) ? "%s " : "[%s] ", all[i]);
	add(b, "\n", 2);
}

static void option(struct bytes *b, uint16_t id, const void *p, uint32_t n)
{
	add16(b, id);
	add32(b, n);
	add(b, p, n);
}

static void option64(struct bytes *b, uint16_t id, uint64_t v)
{
	option(b, id, &v, 8);
}

/* ns = cycles * mult >> shift */
static void option_tsc2nsec(struct bytes *b)
{
	struct {
		uint32_t mult, shift;
		uint64_t offset;
	} scale = {
		.mult = (1000000ull << 30) / GEN_TSC_KHZ,
		.shift = 30,
	};

	option(b, OPT_TSC2NSEC, &scale, sizeof(scale));
}

static void common_options(const struct trace *tr, struct bytes *b)
{
	static const char uname[] = "Linux (none) 6.12.0-generated x86_64", version[] = "hvst-gen";
	struct bytes list = { 0 };
	uint32_t cpus = tr->opts.cpus;

	clock_list(tr, &list);
	option(b, OPT_TRACECLOCK, list.p, list.n);
	b->failed |= list.failed;
	free(list.p);
	option(b, OPT_UNAME, uname, sizeof(uname));
	option(b, OPT_VERSION, version, sizeof(version));
	option64(b, OPT_TRACEID, 0x6876737467656e00ull);
	option(b, OPT_CPUCOUNT, &cpus, 4);
	if (tr->opts.clock == CLOCK_TSC2NSEC)
		option_tsc2nsec(b);
}

static void initial(struct bytes *b, const struct trace *tr, const char *version)
{
	add(b, "\x17\x08\x44tracing", 10);
	add_str(b, version);
	add(b, "\0\x08", 2); /* little endian, 8-byte longs */
	add32(b, tr->opts.page_size);
}

static void copy_spool(struct trace *tr, FILE *spool)
{
	static const size_t block = 1 << 20;
	char *p = malloc(block);
	size_t n;

	if (!p) {
		tr->error = -ENOMEM;
		return;
	}
	rewind(spool);
	while ((n = fread(p, 1, block, spool)))
		put(tr, p, n);
	if (ferror(spool))
		tr->error = -EIO;
	free(p);
}

static uint64_t spool_size(struct ring *r)
{
	return ftello(r->spool);
}

static uint64_t page_pad(const struct trace *tr, uint64_t at)
{
	uint64_t page = tr->opts.page_size;

	return (page - at % page) % page;
}

/* --- version 6 --- */

/*
 * The end of a version 6 buffer: a table of (offset, size), the clock, then the pages at page
 * boundaries.
 */
static void v6_flyrecord(struct trace *tr, unsigned int buffer)
{
	struct ring *rings = &tr->rings[buffer * tr->opts.cpus];
	const char *clock = gen_clock_name(tr->opts.clock);
	struct bytes b = { 0 };
	char name[24];
	uint64_t at;

	add_str(&b, "flyrecord");
	at = ftello(tr->out) + b.n + 16 * tr->opts.cpus + 8 + strlen(clock) + 3;
	for (unsigned int i = 0; i < tr->opts.cpus; i++) {
		at += page_pad(tr, at);
		add64(&b, at);
		add64(&b, spool_size(&rings[i]));
		at += spool_size(&rings[i]);
	}
	snprintf(name, sizeof(name), "[%s]", clock);
	add64(&b, strlen(name) + 1);
	add_str(&b, name);
	put_bytes(tr, &b);
	for (unsigned int i = 0; i < tr->opts.cpus; i++) {
		put_zeros(tr, page_pad(tr, ftello(tr->out)));
		copy_spool(tr, rings[i].spool);
	}
}

/*
 * Options of the other buffers; their offsets are known only once the data before them is written.
 */
static void v6_buffer_options(const struct trace *tr, struct bytes *b, long *where)
{
	for (unsigned int i = 1; i < tr->opts.nr_buffers; i++) {
		struct bytes data = { 0 };

		add64(&data, 0);
		add_str(&data, tr->opts.buffers[i].name);
		where[i] = b->n + 6;
		option(b, OPT_BUFFER, data.p, data.n);
		b->failed |= data.failed;
		free(data.p);
	}
}

static void v6_instances(struct trace *tr, const long *where)
{
	for (unsigned int i = 1; i < tr->opts.nr_buffers; i++) {
		uint64_t at = ftello(tr->out);

		fseeko(tr->out, where[i], SEEK_SET);
		put(tr, &at, 8);
		fseeko(tr->out, 0, SEEK_END);
		v6_flyrecord(tr, i);
	}
}

static void v6_write(struct trace *tr)
{
	long where[GEN_MAX_BUFFERS];
	struct bytes b = { 0 };

	initial(&b, tr, "6");
	header_info(tr, &b);
	formats_of(tr, &b, "ftrace");
	event_formats(tr, &b);
	kallsyms(tr, &b);
	add32(&b, 0); /* no printk formats */
	cmdlines(tr, &b);
	add32(&b, tr->opts.cpus);
	add_str(&b, "options  ");
	common_options(tr, &b);
	v6_buffer_options(tr, &b, where);
	add16(&b, 0);
	put_bytes(tr, &b);
	v6_flyrecord(tr, 0);
	v6_instances(tr, where);
}

/* --- version 7 --- */

static uint32_t string_id(struct bytes *strings, const char *s)
{
	size_t at = 0;

	while (at < strings->n && strcmp((char *)strings->p + at, s))
		at += strlen((char *)strings->p + at) + 1;
	if (at == strings->n)
		add_str(strings, s);
	return at;
}

static void v7_header(struct bytes *b, uint16_t id, bool compressed, uint32_t name, uint64_t size)
{
	add16(b, id);
	add16(b, compressed);
	add32(b, name);
	add64(b, size);
}

static void compress_body(struct bytes *body)
{
	size_t room = ZSTD_compressBound(body->n), got;
	struct bytes out = { 0 };
	uint8_t *p = malloc(room);

	got = p ? ZSTD_compress(p, room, body->p, body->n, 1) : 0;
	if (!p || ZSTD_isError(got)) {
		body->failed = true;
	} else {
		add32(&out, got);
		add32(&out, body->n);
		add(&out, p, got);
		out.failed |= body->failed;
		free(body->p);
		*body = out;
	}
	free(p);
}

/* Writes a section and returns its offset. @body is taken. */
static uint64_t v7_section(struct trace *tr, uint16_t id, uint32_t name, struct bytes *body,
			   bool compress)
{
	uint64_t at = ftello(tr->out);
	struct bytes b = { 0 };

	if (compress)
		compress_body(body);
	v7_header(&b, id, compress, name, body->n);
	put_bytes(tr, &b);
	put_bytes(tr, body);
	return at;
}

struct v7_data {
	uint64_t section;
	uint64_t at[GEN_MAX_CPUS], size[GEN_MAX_CPUS];
};

/*
 * The pages of a buffer; compressed ones are preceded by the number of chunks, which their size
 * leaves out.
 */
static void v7_flyrecord(struct trace *tr, unsigned int buffer, uint32_t name, struct v7_data *d)
{
	struct ring *rings = &tr->rings[buffer * tr->opts.cpus];
	bool zstd = tr->opts.compress;
	struct bytes b = { 0 };
	uint64_t at;

	d->section = ftello(tr->out);
	at = d->section + 16;
	for (unsigned int i = 0; i < tr->opts.cpus; i++) {
		at += page_pad(tr, at);
		d->at[i] = at;
		d->size[i] = spool_size(&rings[i]);
		at += d->size[i] + (zstd ? 4 : 0);
	}
	v7_header(&b, SEC_FLYRECORD, zstd, name, at - d->section - 16);
	put_bytes(tr, &b);
	for (unsigned int i = 0; i < tr->opts.cpus; i++) {
		uint32_t chunks = rings[i].chunks;

		put_zeros(tr, d->at[i] - ftello(tr->out));
		if (zstd)
			put(tr, &chunks, 4);
		copy_spool(tr, rings[i].spool);
	}
}

static void v7_buffer_option(const struct trace *tr, unsigned int buffer, const struct v7_data *d,
			     struct bytes *options)
{
	struct bytes b = { 0 };

	add64(&b, d->section);
	add_str(&b, tr->opts.buffers[buffer].name);
	add_str(&b, gen_clock_name(tr->opts.clock));
	add32(&b, tr->opts.page_size);
	add32(&b, tr->opts.cpus);
	for (unsigned int i = 0; i < tr->opts.cpus; i++) {
		add32(&b, i);
		add64(&b, d->at[i]);
		add64(&b, d->size[i]);
	}
	option(options, OPT_BUFFER, b.p, b.n);
	options->failed |= b.failed;
	free(b.p);
}

/* Patches 8 bytes that were written as 0. */
static void patch64(struct trace *tr, uint64_t at, uint64_t v)
{
	fseeko(tr->out, at, SEEK_SET);
	put(tr, &v, 8);
	fseeko(tr->out, 0, SEEK_END);
}

/*
 * Header info, formats, symbols, command lines: each a section, each with an option that points to
 * it.
 */
static void v7_meta(struct trace *tr, struct bytes *strings, struct bytes *options)
{
	bool zstd = tr->opts.compress;
	struct bytes b = { 0 };

	header_info(tr, &b);
	option64(options, SEC_HEADER,
		 v7_section(tr, SEC_HEADER, string_id(strings, "headers"), &b, zstd));
	formats_of(tr, &b, "ftrace");
	option64(options, SEC_FTRACE,
		 v7_section(tr, SEC_FTRACE, string_id(strings, "ftrace events"), &b, zstd));
	event_formats(tr, &b);
	option64(options, SEC_FORMATS,
		 v7_section(tr, SEC_FORMATS, string_id(strings, "events format"), &b, zstd));
	kallsyms(tr, &b);
	option64(options, SEC_KALLSYMS,
		 v7_section(tr, SEC_KALLSYMS, string_id(strings, "kallsyms"), &b, zstd));
	add32(&b, 0);
	option64(options, SEC_PRINTK,
		 v7_section(tr, SEC_PRINTK, string_id(strings, "printk"), &b, zstd));
	cmdlines(tr, &b);
	option64(options, SEC_CMDLINES,
		 v7_section(tr, SEC_CMDLINES, string_id(strings, "command lines"), &b, zstd));
	common_options(tr, options);
}

/*
 * The first options section ends with a DONE option that names the second; returns where that is
 * patched.
 */
static uint64_t v7_options(struct trace *tr, struct bytes *strings, struct bytes *options)
{
	uint64_t size, at;

	option64(options, 0, 0);
	size = options->n;
	at = v7_section(tr, SEC_OPTIONS, string_id(strings, "options"), options, false);
	return at + 16 + size - 8;
}

static void v7_buffers(struct trace *tr, struct bytes *strings, struct bytes *options)
{
	struct v7_data *d = calloc(1, sizeof(*d));

	for (unsigned int i = 0; d && i < tr->opts.nr_buffers; i++) {
		v7_flyrecord(tr, i, string_id(strings, "buffer flyrecord "), d);
		v7_buffer_option(tr, i, d, options);
	}
	options->failed |= !d;
	free(d);
}

static void v7_write(struct trace *tr)
{
	struct bytes b = { 0 }, strings = { 0 }, options = { 0 };
	uint64_t first_at, next_at;

	initial(&b, tr, "7");
	add_str(&b, tr->opts.compress ? "zstd" : "none");
	add_str(&b, tr->opts.compress ? "1.5.4" : "");
	first_at = b.n;
	add64(&b, 0);
	put_bytes(tr, &b);
	v7_meta(tr, &strings, &options);
	patch64(tr, first_at, ftello(tr->out));
	next_at = v7_options(tr, &strings, &options);
	v7_buffers(tr, &strings, &options);
	patch64(tr, next_at, ftello(tr->out));
	v7_options(tr, &strings, &options);
	v7_section(tr, SEC_STRINGS, string_id(&strings, "strings"), &strings, tr->opts.compress);
}

int dat_write(struct trace *tr)
{
	if (tr->opts.version == 6)
		v6_write(tr);
	else
		v7_write(tr);
	return tr->error;
}
