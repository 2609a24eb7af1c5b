// SPDX-License-Identifier: GPL-2.0
/* See mkdat.h. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "../../lib/file/option.h"
#include "../../lib/ring/subbuf.h"
#include "mkdat.h"

void mk_put(struct mk_bytes *b, const void *data, size_t len)
{
	if (b->len + len > b->cap) {
		b->cap = 2 * (b->len + len);
		b->data = realloc(b->data, b->cap);
		assert(b->data);
	}
	if (len)
		memcpy(b->data + b->len, data, len);
	b->len += len;
}

void mk_free(struct mk_bytes *b)
{
	free(b->data);
	memset(b, 0, sizeof(*b));
}

static void put16(struct mk_bytes *b, uint16_t v)
{
	mk_put(b, &v, sizeof(v));
}

static void put32(struct mk_bytes *b, uint32_t v)
{
	mk_put(b, &v, sizeof(v));
}

static void put64(struct mk_bytes *b, uint64_t v)
{
	mk_put(b, &v, sizeof(v));
}

static void put_str(struct mk_bytes *b, const char *s)
{
	mk_put(b, s, strlen(s) + 1);
}

static void pad_to(struct mk_bytes *b, size_t align)
{
	static const uint8_t zero[MK_PAGE];

	mk_put(b, zero, (align - b->len % align) % align);
}

/* --- sub-buffers --- */

void mk_end_page(struct mk_cpu *c, int64_t missed)
{
	uint64_t commit = c->used;

	if (missed)
		commit |= HVST_COMMIT_MISSED;
	if (missed > 0 && c->used + 8 <= MK_PAGE - HVST_SUBBUF_HEAD) {
		commit |= HVST_COMMIT_STORED;
		memcpy(c->page + HVST_SUBBUF_HEAD + c->used, &missed, 8);
	}
	memcpy(c->page + 8, &commit, 8);
	mk_put(&c->pages, c->page, MK_PAGE);
	memset(c->page, 0, MK_PAGE);
	c->used = 0;
	c->open = false;
}

static void begin_page(struct mk_cpu *c, uint64_t ts)
{
	if (c->open)
		return;
	memcpy(c->page, &ts, 8);
	c->ts = ts;
	c->open = true;
}

void mk_raw(struct mk_cpu *c, uint64_t ts, const void *data, uint32_t len)
{
	begin_page(c, ts);
	assert(c->used + len <= MK_PAGE - HVST_SUBBUF_HEAD);
	memcpy(c->page + HVST_SUBBUF_HEAD + c->used, data, len);
	c->used += len;
}

void mk_record(struct mk_cpu *c, uint64_t ts, const void *data, uint32_t len)
{
	uint32_t padded = (len + 3) & ~3u, head[4], n = 0;
	uint64_t delta;
	uint8_t zero[4] = { 0 };

	if (c->open && c->used + padded + 16 > MK_PAGE - HVST_SUBBUF_HEAD - 8)
		mk_end_page(c, 0);
	begin_page(c, ts);
	delta = ts - c->ts;
	if (delta >> HVST_TIME_SHIFT) {
		uint32_t low = delta & ((1u << HVST_TIME_SHIFT) - 1);

		head[n++] = HVST_REC_TIME_EXTEND | low << 5;
		head[n++] = (uint32_t)(delta >> HVST_TIME_SHIFT);
		delta = 0;
	}
	head[n] = padded && padded / 4 < HVST_REC_PADDING ? padded / 4 : 0;
	head[n++] |= (uint32_t)delta << 5;
	if (!(head[n - 1] & 31))
		head[n++] = padded + 4;
	mk_raw(c, ts, head, n * 4);
	mk_raw(c, ts, data, len);
	mk_raw(c, ts, zero, padded - len);
	c->ts = ts;
}

static void common(uint8_t *rec, uint16_t type, int32_t pid)
{
	memcpy(rec, &type, 2);
	memcpy(rec + 4, &pid, 4);
}

/* @rec has all but what every event of a vCPU begins with. */
static void vcpu_record(struct mk_cpu *c, uint64_t ts, uint16_t type, int pid, int vcpu,
			uint8_t *rec, uint32_t len)
{
	common(rec, type, pid);
	memcpy(rec + 8, &vcpu, 4);
	mk_record(c, ts, rec, len);
}

void mk_set_count(struct mk_cpu *c, uint64_t ts, int pid, int vcpu, uint64_t count)
{
	uint8_t rec[28] = { 0 };

	memcpy(rec + 16, &count, 8);
	vcpu_record(c, ts, MK_SET_COUNT, pid, vcpu, rec, sizeof(rec));
}

void mk_start(struct mk_cpu *c, uint64_t ts, int pid, int vcpu, uint64_t time_now, uint64_t count)
{
	uint8_t rec[32] = { 0 };

	memcpy(rec + 16, &time_now, 8);
	memcpy(rec + 24, &count, 8);
	vcpu_record(c, ts, MK_START, pid, vcpu, rec, sizeof(rec));
}

void mk_switch(struct mk_cpu *c, uint64_t ts, int prev, int next)
{
	uint8_t rec[64] = { 0 };

	common(rec, MK_SWITCH, prev);
	memcpy(rec + 24, &prev, 4);
	memcpy(rec + 56, &next, 4);
	mk_record(c, ts, rec, sizeof(rec));
}

void mk_unknown(struct mk_cpu *c, uint64_t ts, uint32_t len)
{
	uint8_t rec[MK_PAGE] = { 0 };

	common(rec, MK_UNKNOWN, 1);
	mk_record(c, ts, rec, len);
}

/* --- files --- */

#define COMMON                                                                                     \
	"format:\n"                                                                                \
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"                     \
	"\tfield:unsigned char common_flags;\toffset:2;\tsize:1;\tsigned:0;\n"                     \
	"\tfield:unsigned char common_preempt_count;\toffset:3;\tsize:1;\tsigned:0;\n"             \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
#define FIELD(type, name, offset, size, sign)                                                      \
	"\tfield:" type " " name ";\toffset:" #offset ";\tsize:" #size ";\tsigned:" #sign ";\n"

static const char header_page[] =
	FIELD("u64", "timestamp", 0, 8, 0) FIELD("local_t", "commit", 8, 8, 1)
		FIELD("int", "overwrite", 8, 1, 1) FIELD("char", "data", 16, 4080, 0);
static const char set_count[] =
	"name: kvm_hv_stimer_set_count\nID: 101\n" COMMON FIELD("int", "vcpu_id", 8, 4, 1)
		FIELD("int", "timer_index", 12, 4, 1) FIELD("u64", "count", 16, 8, 0)
			FIELD("bool", "host", 24, 1, 0) "\nprint fmt: \"count %llu\", REC->count\n";
static const char start[] =
	"name: kvm_hv_stimer_start_one_shot\nID: 102\n" COMMON FIELD("int", "vcpu_id", 8, 4, 1)
		FIELD("int", "timer_index", 12, 4, 1) FIELD("u64", "time_now", 16, 8, 0) FIELD(
			"u64", "count", 24, 8, 0) "\nprint fmt: \"time_now %llu\", REC->time_now\n";
static const char sched[] = "name: sched_switch\nID: 103\n" COMMON FIELD(
	"char", "prev_comm[16]", 8, 16, 0) FIELD("pid_t", "prev_pid", 24, 4, 1)
	FIELD("int", "prev_prio", 28, 4, 1) FIELD("long", "prev_state", 32, 8, 1)
		FIELD("char", "next_comm[16]", 40, 16, 0) FIELD("pid_t", "next_pid", 56, 4, 1)
			FIELD("int", "next_prio", 60, 4, 1) "\nprint fmt: \"%d\", REC->next_pid\n";

static void put_text(struct mk_bytes *b, const char *text)
{
	put64(b, strlen(text));
	mk_put(b, text, strlen(text));
}

static void put_header_info(struct mk_bytes *b)
{
	put_str(b, "header_page");
	put_text(b, header_page);
	put_str(b, "header_event");
	put_text(b, "# compressed entry header\n");
}

static void put_systems(struct mk_bytes *b)
{
	put32(b, 3);
	put_str(b, "other");
	put32(b, 1);
	put_text(b, "name: other\nID: 900\nnot even a format\n");
	put_str(b, "kvm");
	put32(b, 2);
	put_text(b, set_count);
	put_text(b, start);
	put_str(b, "sched");
	put32(b, 1);
	put_text(b, sched);
}

static void put_option(struct mk_bytes *b, unsigned int id, const void *data, size_t len)
{
	put16(b, (uint16_t)id);
	put32(b, (uint32_t)len);
	mk_put(b, data, len);
}

static void put_options(struct mk_bytes *b, const struct mk_file *f)
{
	for (unsigned int i = 0; i < f->nr_options; i++)
		put_option(b, f->options[i].id, f->options[i].data, f->options[i].len);
}

static size_t pack(enum hvst_compression how, uint8_t *to, size_t cap, const uint8_t *from,
		   size_t len)
{
	uLongf n = cap;

	if (how == HVST_COMP_ZSTD)
		return ZSTD_compress(to, cap, from, len, 3);
	assert(compress(to, &n, from, len) == Z_OK);
	return n;
}

static void put_chunks(struct mk_bytes *b, const struct mk_file *f, const struct mk_bytes *pages)
{
	size_t size = (f->chunk_pages ? f->chunk_pages : 2) * MK_PAGE,
	       n = (pages->len + size - 1) / size;
	uint8_t *packed = malloc(2 * size);

	put32(b, (uint32_t)n);
	for (size_t at = 0; at < pages->len; at += size) {
		size_t len = pages->len - at < size ? pages->len - at : size;
		size_t got = pack(f->compression, packed, 2 * size, pages->data + at, len);

		put32(b, (uint32_t)got);
		put32(b, (uint32_t)len);
		mk_put(b, packed, got);
	}
	free(packed);
}

static void finish(const struct mk_file *f)
{
	for (unsigned int i = 0; i < f->nr_buffers; i++)
		for (unsigned int c = 0; c < f->buffers[i].nr_cpus; c++)
			if (f->buffers[i].cpus[c].open)
				mk_end_page(&f->buffers[i].cpus[c], 0);
}

/* Version 6: tables of CPUs are filled in when their data is written. */
static size_t put_table(struct mk_bytes *b, unsigned int cpus)
{
	size_t at = b->len;

	put_str(b, "flyrecord");
	for (unsigned int c = 0; c < 2 * cpus; c++)
		put64(b, 0);
	return at + 10;
}

static void put_data(struct mk_bytes *b, const struct mk_buffer *buf, size_t table)
{
	for (unsigned int c = 0; c < buf->nr_cpus; c++) {
		uint64_t at, len = buf->cpus[c].pages.len;

		pad_to(b, MK_PAGE);
		at = b->len;
		mk_put(b, buf->cpus[c].pages.data, len);
		memcpy(b->data + table + 16 * c, &at, 8);
		memcpy(b->data + table + 16 * c + 8, &len, 8);
	}
}

static void file6(struct mk_bytes *b, const struct mk_file *f)
{
	const struct mk_buffer *top = &f->buffers[0];
	size_t names[16], table;
	char clock[64];

	put_header_info(b);
	put32(b, 0);
	put_systems(b);
	put32(b, 0);
	put32(b, 0);
	put_text(b, "100 CPU 0/KVM\n101 CPU 1/KVM\n");
	put32(b, top->nr_cpus);
	put_str(b, "options  ");
	put_options(b, f);
	snprintf(clock, sizeof(clock), "local [%s]\n", top->clock);
	put_option(b, HVST_OPT_TRACECLOCK, clock, strlen(clock) + 1);
	for (unsigned int i = 1; i < f->nr_buffers; i++) {
		names[i] = b->len + 6;
		put16(b, HVST_OPT_BUFFER);
		put32(b, (uint32_t)(8 + strlen(f->buffers[i].name) + 1));
		put64(b, 0);
		put_str(b, f->buffers[i].name);
	}
	put16(b, HVST_OPT_DONE);
	table = put_table(b, top->nr_cpus);
	put_text(b, clock);
	put_data(b, top, table);
	for (unsigned int i = 1; i < f->nr_buffers; i++) {
		uint64_t at = b->len;

		memcpy(b->data + names[i], &at, 8);
		put_data(b, &f->buffers[i], put_table(b, f->buffers[i].nr_cpus));
	}
}

/* Version 7: the section's head, whose size end_section() fills in. */
static size_t put_section(struct mk_bytes *b, unsigned int id, bool packed)
{
	put16(b, (uint16_t)id);
	put16(b, packed);
	put32(b, 0);
	put64(b, 0);
	return b->len;
}

/* @hole: bytes of the section that are left out in @b. */
static void end_section(struct mk_bytes *b, size_t at, uint64_t hole)
{
	uint64_t len = b->len - at + hole;

	memcpy(b->data + at - 8, &len, 8);
}

/* A section with @body, packed if the file is. Returns its place. */
static uint64_t put_meta(struct mk_bytes *b, const struct mk_file *f, unsigned int id,
			 struct mk_bytes *body)
{
	bool packed = f->compression != HVST_COMP_NONE;
	uint64_t place = b->len;
	size_t at = put_section(b, id, packed);

	if (packed) {
		uint8_t *to = malloc(2 * body->len + 64);
		size_t n = pack(f->compression, to, 2 * body->len + 64, body->data, body->len);

		put32(b, (uint32_t)n);
		put32(b, (uint32_t)body->len);
		mk_put(b, to, n);
		free(to);
	} else {
		mk_put(b, body->data, body->len);
	}
	end_section(b, at, 0);
	mk_free(body);
	return place;
}

/* Random bytes, so that the section keeps its size when packed, as the kernel's BTF nearly does. */
static void put_btf(struct mk_bytes *b, const struct mk_file *f, struct mk_bytes *options)
{
	struct mk_bytes body = { 0 };
	uint64_t place;

	for (size_t i = 0; i < f->btf; i += 4)
		put32(&body, (uint32_t)rand());
	place = put_meta(b, f, HVST_OPT_BTF_FILE, &body);
	put_option(options, HVST_OPT_BTF_FILE, &place, 8);
	put_text(&body, "kvm_intel 462848 3 - Live 0x0000000000000000\n");
	place = put_meta(b, f, HVST_OPT_MODULES_FILE, &body);
	put_option(options, HVST_OPT_MODULES_FILE, &place, 8);
}

/* Where in the file the next byte goes. */
static uint64_t place_of(const struct mk_bytes *b)
{
	return b->len + b->hole;
}

static void put_buffer(struct mk_bytes *b, const struct mk_file *f, const struct mk_buffer *buf,
		       struct mk_bytes *option)
{
	bool packed = f->compression != HVST_COMP_NONE;
	uint64_t place = place_of(b), before = b->hole;
	size_t at = put_section(b, HVST_OPT_BUFFER, packed);

	put64(option, place);
	put_str(option, buf->name);
	put_str(option, buf->clock);
	put32(option, MK_PAGE);
	put32(option, buf->nr_cpus);
	for (unsigned int c = 0; c < buf->nr_cpus; c++) {
		const struct mk_bytes *pages = &buf->cpus[c].pages;
		uint64_t from;

		pad_to(b, MK_PAGE);
		if (f->hole && !b->hole) {
			b->hole_at = b->len;
			b->hole = f->hole;
		}
		from = b->len;
		if (packed && pages->len)
			put_chunks(b, f, pages);
		else
			mk_put(b, pages->data, pages->len);
		put32(option, c);
		put64(option, from + b->hole);
		/* trace-cmd leaves the number of chunks out of the size */
		put64(option, b->len - from - (packed && pages->len ? 4 : 0));
	}
	end_section(b, at, b->hole - before);
}

static void put_done(struct mk_bytes *b, uint64_t next)
{
	put_option(b, HVST_OPT_DONE, &next, 8);
}

static void file7(struct mk_bytes *b, const struct mk_file *f)
{
	static const char *const names[] = { "none", "zlib", "zstd" };
	struct mk_bytes body = { 0 }, options = { 0 };
	uint64_t place;
	size_t first, done;

	put_str(b, names[f->compression]);
	put_str(b, "1.0");
	first = b->len;
	put64(b, 0);
	put_header_info(&body);
	place = put_meta(b, f, HVST_OPT_HEADER_INFO, &body);
	put_option(&options, HVST_OPT_HEADER_INFO, &place, 8);
	put_systems(&body);
	place = put_meta(b, f, HVST_OPT_EVENT_FORMATS, &body);
	put_option(&options, HVST_OPT_EVENT_FORMATS, &place, 8);
	put_text(&body, "100 CPU 0/KVM\n101 CPU 1/KVM\n");
	place = put_meta(b, f, HVST_OPT_CMDLINES, &body);
	put_option(&options, HVST_OPT_CMDLINES, &place, 8);
	if (f->btf)
		put_btf(b, f, &options);
	put_options(&options, f);
	put_done(&options, 0);
	place = b->len;
	memcpy(b->data + first, &place, 8);
	mk_put(&body, options.data, options.len);
	mk_free(&options);
	/* plain, so that the place of the next options can be filled in */
	done = put_section(b, HVST_OPT_DONE, false) + body.len - 8;
	mk_put(b, body.data, body.len);
	end_section(b, done + 8 - body.len, 0);
	mk_free(&body);
	for (unsigned int i = 0; i < f->nr_buffers; i++) {
		struct mk_bytes option = { 0 };

		put_buffer(b, f, &f->buffers[i], &option);
		put_option(&options, HVST_OPT_BUFFER, option.data, option.len);
		mk_free(&option);
	}
	put_done(&options, 0);
	place = place_of(b);
	memcpy(b->data + done, &place, 8);
	first = put_section(b, HVST_OPT_DONE, false);
	mk_put(b, options.data, options.len);
	end_section(b, first, 0);
	mk_free(&options);
}

struct mk_bytes mk_file(const struct mk_file *f)
{
	struct mk_bytes b = { 0 };

	finish(f);
	mk_put(&b, "\x17\x08\x44tracing", 10);
	put_str(&b, f->version == 6 ? "6" : "7");
	mk_put(&b, "\0\x08", 2);
	put32(&b, MK_PAGE);
	if (f->version == 6)
		file6(&b, f);
	else
		file7(&b, f);
	return b;
}

char *mk_save(const struct mk_bytes *b)
{
	char *path = strdup("/tmp/hvst-test-XXXXXX");
	int fd = mkstemp(path);

	assert(fd >= 0 && write(fd, b->data, b->hole_at) == (ssize_t)b->hole_at);
	assert(lseek(fd, (off_t)b->hole, SEEK_CUR) >= 0);
	assert(write(fd, b->data + b->hole_at, b->len - b->hole_at) ==
	       (ssize_t)(b->len - b->hole_at));
	close(fd);
	return path;
}
