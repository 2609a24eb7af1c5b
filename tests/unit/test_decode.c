/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lib/event/decode.c: fields by the file's own formats, whatever their places and sizes; and fields
 * that lack.
 */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <event-parse.h>

#include "../../lib/event/decode.h"

#define COMMON                                                                                     \
	"format:\n\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"            \
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n"
#define FIELD(decl, offset, size, sign)                                                            \
	"\tfield:" decl ";\toffset:" #offset ";\tsize:" #size ";\tsigned:" #sign ";\n"

/* A file with nothing but formats. */
struct fake {
	struct hvst_file file;
	struct hvst_format formats[256];
	struct hvst_decoder decoder;
	char err[256];
};

static void add_format(struct fake *f, const char *system, const char *text, size_t len)
{
	assert_int_equal(hvst_format_parse(&f->formats[f->file.nr_formats], system, text, len), 0);
	f->file.nr_formats++;
}

static struct fake *new_fake(void)
{
	struct fake *f = calloc(1, sizeof(*f));

	f->file.formats = f->formats;
	f->file.err = f->err;
	f->file.errlen = sizeof(f->err);
	return f;
}

static void free_fake(struct fake *f)
{
	for (unsigned int i = 0; i < f->file.nr_formats; i++)
		free(f->formats[i].fields);
	free(f);
}

static void decode(struct fake *f, uint16_t type, const uint8_t *rec, struct hvst_event *ev)
{
	const struct hvst_field_map *p = &f->decoder.maps[f->decoder.kind[type]];

	memset(ev, 0, sizeof(*ev));
	ev->id = p->id;
	ev->present = p->present;
	hvst_field_map_apply(ev, rec, p);
}

/*
 * The kernel's vcpu_id as a byte, timer_index as 64 bits, no host: another kernel's idea of
 * set_count.
 */
static void test_other_sizes(void **state)
{
	static const char text[] =
		"name: kvm_hv_stimer_set_count\nID: 7\n" COMMON FIELD("s8 vcpu_id", 9, 1, 1)
			FIELD("u64 timer_index", 16, 8, 0) FIELD("u32 count", 24, 4, 0);
	uint8_t rec[32] = { 7, [9] = 0xfe, [16] = 3, [24] = 0xff, 0xff, 0xff, 0xff };
	struct fake *f = new_fake();
	struct hvst_event ev;

	(void)state;
	add_format(f, "kvm", text, sizeof(text) - 1);
	assert_int_equal(hvst_decoder_init(&f->decoder, &f->file, 0), 0);
	hvst_decoder_select(&f->decoder, &f->file, UINT64_MAX, true);
	decode(f, 7, rec, &ev);
	assert_int_equal(ev.id, HVST_EV_STIMER_SET_COUNT);
	assert_int_equal(ev.vcpu_id, -2);
	assert_int_equal(ev.set_count.timer_index, 3);
	assert_int_equal(ev.set_count.count, 0xffffffff);
	assert_int_equal(ev.present, 0x7); /* host is absent, not zero */
	assert_int_equal(f->decoder.maps[f->decoder.kind[7]].min_size, 28);
	free_fake(f);
	print_message("# decode: fields of 1, 4 and 8 bytes where ours have 4 and 8, one absent\n");
}

/* Fields that are arrays, or empty, or have a known name in an event of another system. */
static void test_impostors(void **state)
{
	static const char array[] =
		"name: kvm_entry\nID: 8\n" COMMON FIELD("int vcpu_id[16]", 8, 64, 1)
			FIELD("u64 rip", 72, 0, 0);
	static const char other[] = "name: kvm_exit\nID: 9\n" COMMON FIELD("int vcpu_id", 8, 4, 1);
	static const char odd[] =
		"name: kvm_msr\nID: 10\n" FIELD("unsigned short common_type", 2, 2, 0);
	struct fake *f = new_fake();

	(void)state;
	add_format(f, "kvm", array, sizeof(array) - 1);
	add_format(f, "sched", other, sizeof(other) - 1);
	assert_int_equal(hvst_decoder_init(&f->decoder, &f->file, 0), 0);
	hvst_decoder_select(&f->decoder, &f->file, UINT64_MAX, true);
	assert_int_equal(f->decoder.maps[f->decoder.kind[8]].present, 0);
	assert_int_equal(f->decoder.kind[9], HVST_KIND_UNKNOWN);
	assert_false(hvst_decoder_has(&f->decoder, HVST_EV_EXIT));
	add_format(f, "kvm", odd, sizeof(odd) - 1);
	assert_int_equal(hvst_decoder_init(&f->decoder, &f->file, 0), -EBADMSG);
	assert_non_null(strstr(f->err, "kvm_msr"));
	free_fake(f);
}

/* --- real formats, with libtraceevent as judge --- */

static size_t slurp(const char *path, char *buf, size_t size)
{
	FILE *in = fopen(path, "r");
	size_t n;

	assert_non_null(in);
	n = fread(buf, 1, size, in);
	fclose(in);
	return n;
}

static unsigned int check_field(struct tep_event *te, const struct hvst_event *ev,
				const struct hvst_field *field, unsigned int bit, uint8_t *rec,
				bool expected)
{
	struct tep_record r = { .data = rec, .size = 256 };
	struct tep_format_field *tf = tep_find_field(te, field->name);
	unsigned long long want;
	uint64_t got;

	assert_int_equal(hvst_event_value(ev, bit, &got), tf && expected);
	if (!tf || !expected)
		return 0;
	assert_int_equal(tep_read_number_field(tf, r.data, &want), 0);
	if (field->size < 8) {
		unsigned int shift = 64 - 8 * field->size;

		want = field->flags & HVST_FIELD_SIGNED
			       ? (uint64_t)((int64_t)(want << shift) >> shift)
			       : want << shift >> shift;
	}
	if (got != want)
		fail_msg("%s.%s: %llx, libtraceevent has %llx", te->name, field->name,
			 (unsigned long long)got, want);
	return 1;
}

static unsigned int check_event(struct fake *f, struct tep_event *te, uint16_t type)
{
	unsigned int n, id = f->decoder.maps[f->decoder.kind[type]].id, done = 0;
	const struct hvst_field *fields = hvst_event_fields(id, &n);
	struct hvst_event ev;
	uint8_t rec[256];

	for (int round = 0; round < 50; round++) {
		for (size_t i = 0; i < sizeof(rec); i++)
			rec[i] = (uint8_t)rand();
		hvst_decoder_select(&f->decoder, &f->file, UINT64_MAX, round % 2);
		decode(f, type, rec, &ev);
		for (unsigned int i = 0; i < n; i++)
			done += check_field(te, &ev, &fields[i], i, rec,
					    f->decoder.maps[f->decoder.kind[type]].present >> i &
						    1);
	}
	return done;
}

static void check_kernel(const char *dir)
{
	struct tep_handle *tep = tep_alloc();
	struct fake *f = new_fake();
	struct dirent *d;
	DIR *formats = opendir(dir);
	char path[512], text[65536];
	unsigned int values = 0, events = 0;

	assert_non_null(formats);
	while ((d = readdir(formats))) {
		const char *system = strncmp(d->d_name, "sched", 5) ? "kvm" : "sched";
		size_t len;

		if (!strstr(d->d_name, ".format"))
			continue;
		snprintf(path, sizeof(path), "%s/%s", dir, d->d_name);
		len = slurp(path, text, sizeof(text) - 1);
		text[len] = '\0';
		add_format(f, system, text, len);
		tep_parse_event(tep, text, len, system);
	}
	closedir(formats);
	assert_int_equal(hvst_decoder_init(&f->decoder, &f->file, 0), 0);
	for (unsigned int i = 0; i < f->file.nr_formats; i++) {
		const struct hvst_format *fmt = &f->formats[i];

		if (f->decoder.kind[fmt->id] < HVST_KIND_FIRST)
			continue;
		values += check_event(f, tep_find_event(tep, fmt->id), fmt->id);
		events++;
	}
	assert_true(events > 20);
	print_message("# decode: %s: %u events, %u values as libtraceevent reads them\n", dir,
		      events, values);
	free_fake(f);
	tep_free(tep);
}

static void test_real_formats(void **state)
{
	(void)state;
	srand(1);
	check_kernel("tests/gen/formats/linux-6.12");
	check_kernel("tests/gen/formats/linux-6.18");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_other_sizes),
		cmocka_unit_test(test_impostors),
		cmocka_unit_test(test_real_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
