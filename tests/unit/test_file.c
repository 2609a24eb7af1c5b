/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lib/file: files of versions 6 and 7, options, files truncated anywhere, and files that are no
 * trace.dat.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "mkdat.h"
#include "../../lib/file/open.h"
#include "../../lib/file/option.h"
#include "../../lib/ring/pages.h"

static const char *const systems[] = { "kvm", "sched", NULL };

/* Two buffers, the top one with two CPUs of three sub-buffers each, the other with one CPU. */
struct sample {
	struct mk_cpu top[2], inst[1];
	struct mk_buffer buffers[2];
	struct mk_file file;
};

static struct mk_bytes build_btf(struct sample *s, int version, enum hvst_compression how,
				 const struct mk_option *o, unsigned int nr_options, size_t btf)
{
	struct mk_bytes b;

	memset(s, 0, sizeof(*s));
	for (int i = 0; i < 300; i++) {
		mk_set_count(&s->top[i % 2], 1000 + (uint64_t)i * 10, 100 + i % 2, i % 2, 7);
		mk_switch(&s->inst[0], 2000 + (uint64_t)i * 10, 5, 6);
	}
	s->buffers[0] =
		(struct mk_buffer){ .name = "", .clock = "mono", .cpus = s->top, .nr_cpus = 2 };
	s->buffers[1] = (struct mk_buffer){
		.name = "inst", .clock = "mono", .cpus = s->inst, .nr_cpus = 1
	};
	s->file = (struct mk_file){ .version = version,
				    .compression = how,
				    .buffers = s->buffers,
				    .nr_buffers = 2,
				    .options = o,
				    .nr_options = nr_options,
				    .btf = btf };
	b = mk_file(&s->file);
	mk_free(&s->top[0].pages);
	mk_free(&s->top[1].pages);
	mk_free(&s->inst[0].pages);
	return b;
}

static struct mk_bytes build(struct sample *s, int version, enum hvst_compression how,
			     const struct mk_option *o, unsigned int nr_options)
{
	return build_btf(s, version, how, o, nr_options, 0);
}

static const struct {
	int version;
	enum hvst_compression how;
	const char *name;
} kinds[] = {
	{ 6, HVST_COMP_NONE, "6" },
	{ 7, HVST_COMP_NONE, "7" },
	{ 7, HVST_COMP_ZLIB, "7 zlib" },
	{ 7, HVST_COMP_ZSTD, "7 zstd" },
};

static uint64_t count_pages(const struct hvst_file *f, unsigned int buffer, unsigned int i)
{
	struct hvst_unpack *u = f->compression ? hvst_unpack_new(f->compression) : NULL;
	struct hvst_block b = { 0 };
	struct hvst_pages p;
	uint64_t n = 0;
	int rc;

	hvst_pages_init(&p, f, buffer, &f->buffers[buffer].cpus[i], 3 * MK_PAGE);
	assert_int_equal(hvst_pages_rewind(&p), 0);
	while ((rc = hvst_pages_load(&p, &b, u)) > 0)
		n += b.len / MK_PAGE;
	assert_int_equal(rc, 0);
	hvst_block_free(&b);
	hvst_pages_free(&p);
	hvst_unpack_free(u);
	return n;
}

static void test_walk(void **state)
{
	char err[256];

	(void)state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct sample s;
		struct mk_bytes b = build(&s, kinds[k].version, kinds[k].how, NULL, 0);
		struct hvst_file f;

		assert_int_equal(hvst_file_open_mem(&f, b.data, b.len, systems, err, sizeof(err)),
				 0);
		assert_int_equal(f.version, kinds[k].version);
		assert_int_equal(f.compression, kinds[k].how);
		assert_int_equal(f.truncated_at, -1);
		assert_string_equal(f.clock, "mono");
		assert_int_equal(f.nr_formats, 3); /* that of "other" is not looked at */
		assert_int_equal(f.nr_buffers, 2);
		assert_string_equal(f.buffers[1].name, "inst");
		assert_int_equal(f.buffers[0].nr_cpus, 2);
		assert_int_equal(count_pages(&f, 0, 0), 2);
		assert_int_equal(count_pages(&f, 0, 1), 2);
		assert_int_equal(count_pages(&f, 1, 0), 6);
		assert_string_equal(hvst_file_comm(&f, 101), "CPU 1/KVM");
		assert_string_equal(hvst_file_comm(&f, 102), "");
		hvst_file_close(&f);
		mk_free(&b);
		print_message("# walk: version %s: 2 buffers, 3 CPUs, 10 sub-buffers\n",
			      kinds[k].name);
	}
}

static void test_options(void **state)
{
	static const uint32_t tsc[4] = { 1654368219, 32, 0, 0 };
	static const char guest[] = "win2025\0AAAAAAAA\2\0\0\0"
				    "\1\0\0\0\145\0\0\0"
				    "\0\0\0\0\144\0\0";
	/* vCPU 1 of a second guest, on a thread of the first one; vCPU 0 is not known. */
	static const char second[] = "linux\0BBBBBBBB\2\0\0\0\1\0\0\0\145\0\0\0\0\0\0\0\0\0\0";
	const struct mk_option o[] = {
		{ HVST_OPT_DATE, "0x10", 5 },
		{ HVST_OPT_OFFSET, "-7000", 6 },
		{ HVST_OPT_UNAME, "Linux x", 8 },
		{ HVST_OPT_TSC2NSEC, tsc, 16 },
		{ 999, "unknown", 8 },
		{ HVST_OPT_CPUCOUNT, "\2\0\0", 4 },
		{ HVST_OPT_GUEST, guest, sizeof(guest) },
		{ HVST_OPT_GUEST, second, sizeof(second) },
	};
	char err[256];

	(void)state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct sample s;
		struct mk_bytes b = build(&s, kinds[k].version, kinds[k].how, o, 8);
		struct hvst_file f;
		int vcpu = -1;

		assert_int_equal(hvst_file_open_mem(&f, b.data, b.len, systems, err, sizeof(err)),
				 0);
		assert_int_equal(f.ts_offset, 16 * 1000 - 7000);
		assert_string_equal(f.uname, "Linux x");
		assert_int_equal(f.tsc_mult, 1654368219);
		assert_int_equal(f.tsc_shift, 32);
		assert_string_equal(hvst_file_guest(&f, 101, &vcpu), "win2025");
		assert_int_equal(vcpu, 1);
		assert_string_equal(hvst_file_guest(&f, 100, &vcpu), "win2025");
		assert_int_equal(vcpu, 0);
		assert_int_equal(f.nr_guests, 2);
		assert_null(hvst_file_guest(&f, 102, &vcpu));
		assert_null(hvst_file_guest(&f, 0, &vcpu));
		hvst_file_close(&f);
		mk_free(&b);
	}
	print_message("# options: DATE, OFFSET, UNAME, TSC2NSEC, CPUCOUNT, GUEST and one unknown, "
		      "4 kinds of file\n");
}

/*
 * What trace-cmd 3.4 adds to version 7: LAST_BOOT_INFO marks its instance's buffer; the sections of
 * BTF and modules are not unpacked, so that they cost no time.
 */
static void test_last_boot(void **state)
{
	static const char info[] = "inst:ffffffff81000000 [kernel]\n";
	const struct mk_option o[] = {
		{ HVST_OPT_LAST_BOOT_INFO, info, sizeof(info) },
		{ HVST_OPT_LAST_BOOT_INFO, "no colon", 8 },
		{ HVST_OPT_LAST_BOOT_INFO, "absent:", 7 },
	};
	char err[256];

	(void)state;
	for (size_t k = 1; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct sample s;
		struct mk_bytes b = build_btf(&s, 7, kinds[k].how, o, 3, 7 << 20);
		struct hvst_file f;

		assert_true(b.len > 7 << 20);
		assert_int_equal(hvst_file_open_mem(&f, b.data, b.len, systems, err, sizeof(err)),
				 0);
		assert_int_equal(f.truncated_at, -1);
		assert_true(f.meta_bytes < 64 << 10);
		assert_int_equal(f.nr_buffers, 2);
		assert_false(f.buffers[0].previous_boot);
		assert_true(f.buffers[1].previous_boot);
		assert_int_equal(count_pages(&f, 1, 0), 6);
		hvst_file_close(&f);
		/* the search for sections steps over them as well */
		assert_int_equal(
			hvst_file_open_mem(&f, b.data, b.len - 60, systems, err, sizeof(err)), 0);
		assert_int_equal(f.nr_buffers, 2);
		assert_true(f.meta_bytes < 64 << 10);
		hvst_file_close(&f);
		mk_free(&b);
	}
	print_message("# last boot: options 23 to 25 and 7 MiB of BTF, 3 kinds of file\n");
}

/*
 * A file cut off at any place opens with what is there, or says that it is cut off; and names
 * itself.
 */
static void cut_everywhere(size_t k)
{
	unsigned int opened = 0, refused = 0, pages = 0;
	struct sample s;
	struct mk_bytes b = build(&s, kinds[k].version, kinds[k].how, NULL, 0);

	for (size_t len = 0; len < b.len; len += len < 6000 ? 1 : 97) {
		uint8_t *copy = malloc(len + 1); /* its own memory: an overrun would show */
		struct hvst_file f;
		char err[512];
		int rc;

		memcpy(copy, b.data, len);
		rc = hvst_file_open_mem(&f, copy, len, systems, err, sizeof(err));
		if (rc) {
			assert_true(rc == -EBADMSG || rc == -EINVAL);
			assert_true(strstr(err, "memory: ") == err && strlen(err) > 20);
			refused++;
		} else {
			assert_true(f.truncated_at >= 0 || f.nr_buffers == 2);
			for (unsigned int i = 0; i < f.nr_buffers; i++)
				for (unsigned int c = 0; c < f.buffers[i].nr_cpus; c++)
					pages += (unsigned int)count_pages(&f, i, c);
			opened++;
		}
		hvst_file_close(&f);
		free(copy);
	}
	assert_true(opened > 10 && refused > 100 && pages > 50);
	print_message("# cut off: version %s: %u lengths refused, %u opened with %u sub-buffers\n",
		      kinds[k].name, refused, opened, pages);
	mk_free(&b);
}

static void test_cut(void **state)
{
	(void)state;
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++)
		cut_everywhere(k);
}

/* Without its last options a version 7 file still gives up the CPUs whose data is there. */
static void test_recover(void **state)
{
	char err[256];

	(void)state;
	for (size_t k = 1; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct sample s;
		struct mk_bytes b = build(&s, 7, kinds[k].how, NULL, 0);
		struct hvst_file f;

		assert_int_equal(
			hvst_file_open_mem(&f, b.data, b.len - 60, systems, err, sizeof(err)), 0);
		assert_int_equal(f.truncated_at, b.len - 60);
		assert_int_equal(f.nr_buffers, 2);
		assert_int_equal(f.buffers[0].nr_cpus, 2);
		assert_int_equal(f.buffers[0].cpus[1].cpu, 1);
		assert_string_equal(f.buffers[0].name, "");
		assert_int_equal(
			count_pages(&f, 0, 0) + count_pages(&f, 0, 1) + count_pages(&f, 1, 0), 10);
		hvst_file_close(&f);
		mk_free(&b);
	}
	print_message(
		"# recovered: all sub-buffers of version 7 files without their last options\n");
}

/* Any one byte wrong: no crash, no hang, and a message when it is refused. */
static void test_flips(void **state)
{
	unsigned int opened = 0, refused = 0;

	(void)state;
	srand(3);
	for (size_t k = 0; k < sizeof(kinds) / sizeof(kinds[0]); k++) {
		struct sample s;
		struct mk_bytes b = build(&s, kinds[k].version, kinds[k].how, NULL, 0);

		for (int i = 0; i < 3000; i++) {
			size_t at = (size_t)rand() % (i % 2 ? b.len : b.len < 4000 ? b.len : 4000);
			uint8_t was = b.data[at];
			struct hvst_file f;
			char err[256];

			b.data[at] = (uint8_t)rand();
			if (hvst_file_open_mem(&f, b.data, b.len, systems, err, sizeof(err))) {
				assert_true(err[0]);
				refused++;
			} else {
				opened++;
			}
			hvst_file_close(&f);
			b.data[at] = was;
		}
		mk_free(&b);
	}
	assert_true(opened > 100 && refused > 100);
	print_message("# flipped bytes: %u files opened, %u refused with a message\n", opened,
		      refused);
}

struct wrong {
	const char *bytes;
	size_t len;
	int rc;
	const char *says;
};

#define WRONG(bytes, rc, says)                                                                     \
	{                                                                                          \
		bytes, sizeof(bytes) - 1, rc, says                                                 \
	}
static const struct wrong wrongs[] = {
	WRONG("", -EINVAL, "is empty"),
	WRONG("\x17\x08\x44tra", -EBADMSG, "cut off"),
	WRONG("PERFILE2........", -EINVAL, "perf.data"),
	WRONG("\x1f\x8b\x08........", -EINVAL, "gunzip"),
	WRONG("\xfd"
	      "7zXZ.......",
	      -EINVAL, "unxz"),
	WRONG("\x28\xb5\x2f\xfd.......", -EINVAL, "unzstd"),
	WRONG("PK\x03\x04.......", -EINVAL, "zip"),
	WRONG("\x7f"
	      "ELF.......",
	      -EINVAL, "ELF"),
	WRONG("cpus=2\n   CPU 0/KVM-153   [001]  5.676506499: kvm_exit: reason\n", -EINVAL,
	      "trace-cmd report"),
	WRONG("   CPU 0/KVM-153   [001]  5.676506499: kvm_exit: reason\n", -EINVAL,
	      "trace-cmd report"),
	WRONG("qemu-kvm  4711 [003]  91.869123: kvm:kvm_exit: reason HLT\n", -EINVAL,
	      "perf script"),
	WRONG("# tracer: nop\n#\n", -EINVAL, "tracefs"),
	WRONG("version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n", -EINVAL,
	      "git lfs pull"),
	WRONG("<!DOCTYPE html>\n<html><head><title>Android System Trace</title>\n", -EINVAL,
	      "HTML"),
	WRONG("hello, world\n", -EINVAL, "no trace.dat"),
	WRONG("\0\0\0\0\0\0\0\0\0\0\0\0", -EINVAL, "no trace.dat"),
	WRONG("\x17\x08\x44tracing5\0\0\x08\0\x10\0\0", -EOPNOTSUPP, "version 5"),
	WRONG("\x17\x08\x44tracing77\0\0\x08\0\x10\0\0", -EOPNOTSUPP, "version 77"),
	WRONG("\x17\x08\x44tracing6\0\1\x08\0\x10\0\0", -EOPNOTSUPP, "big-endian"),
	WRONG("\x17\x08\x44tracing6\0\0\x04\0\x10\0\0", -EOPNOTSUPP, "32-bit"),
	WRONG("\x17\x08\x44tracing6\0\0\x08\1\0\0\0", -EBADMSG, "page size"),
	WRONG("\x17\x08\x44tracing7\0\0\x08\0\x10\0\0lzma\0"
	      "1\0",
	      -EOPNOTSUPP, "lzma"),
	WRONG("\x17\x08\x44tracing7\0\0\x08\0\x10\0\0none\0\0\0\0\0\0\0\0\0\0", -EBADMSG,
	      "before its options"),
};

static void test_wrong_files(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(wrongs) / sizeof(wrongs[0]); i++) {
		struct hvst_file f;
		char err[512];
		int rc = hvst_file_open_mem(&f, wrongs[i].bytes, wrongs[i].len, systems, err,
					    sizeof(err));

		if (rc != wrongs[i].rc || !strstr(err, wrongs[i].says))
			fail_msg("wrong file %zu: %d \"%s\", expected %d and \"%s\"", i, rc, err,
				 wrongs[i].rc, wrongs[i].says);
		hvst_file_close(&f);
	}
	print_message("# wrong files: %zu kinds told apart\n", sizeof(wrongs) / sizeof(wrongs[0]));
}

static void expect_refused(const char *path, int rc, const char *says)
{
	struct hvst_file f;
	char err[512];

	assert_int_equal(hvst_file_open(&f, path, systems, err, sizeof(err)), rc);
	assert_non_null(strstr(err, path));
	assert_non_null(strstr(err, says));
	hvst_file_close(&f);
}

static void test_no_files(void **state)
{
	char fifo[] = "/tmp/hvst-fifo-XXXXXX";

	(void)state;
	close(mkstemp(fifo));
	unlink(fifo);
	assert_int_equal(mkfifo(fifo, 0600), 0);
	expect_refused(fifo, -ESPIPE, "regular file");
	unlink(fifo);
	expect_refused("/tmp", -EISDIR, "directory");
	expect_refused("/dev/null", -ESPIPE, "regular file");
	expect_refused("/nonexistent/trace.dat", -ENOENT, "No such file");
	print_message("# no files: a pipe, a directory, a device, nothing\n");
}

/* Options that point at each other. */
static void test_circle(void **state)
{
	struct sample s;
	struct mk_bytes b = build(&s, 7, HVST_COMP_NONE, NULL, 0);
	struct hvst_file f;
	char err[256];
	uint64_t first, size;

	(void)state;
	memcpy(&first, b.data + 27, 8);
	/* the last eight bytes of the first options say where the next are: there */
	memcpy(&size, b.data + first + 8, 8);
	memcpy(b.data + first + 16 + size - 8, &first, 8);
	assert_int_equal(hvst_file_open_mem(&f, b.data, b.len, systems, err, sizeof(err)),
			 -EBADMSG);
	assert_non_null(strstr(err, "circle"));
	hvst_file_close(&f);
	mk_free(&b);
}

static const struct {
	const char *text;
	int rc;
	unsigned int fields;
} formats[] = {
	{ "name: a\nID: 1\nformat:\n\tfield:int x;\toffset:8;\tsize:4;\tsigned:1;\nprint fmt: "
	  "\"\"\n",
	  0, 1 },
	{ "name: a\nID: 1\nformat:\n\tfield:int x;\toffset:8;\tsize:4;\n", 0,
	  1 }, /* before signed: */
	{ "\tfield:__data_loc char[] name;\toffset:8;\tsize:4;\tsigned:1;\n"
	  "\tfield:unsigned long args[6];\toffset:12;\tsize:48;\tsigned:0;\n",
	  0, 2 },
	{ "\tfield:int x;\toffset:8;\tsigned:1;\n", -EINVAL, 0 },
	{ "\tfield:int x;\toffset:99999;\tsize:4;\tsigned:1;\n", -EINVAL, 0 },
	{ "\tfield:int x;\toffset:65530;\tsize:16;\tsigned:1;\n", -EINVAL, 0 },
	{ "\tfield:int x;\toffset:-8;\tsize:4;\tsigned:1;\n", -EINVAL, 0 },
	{ "\tfield:;\toffset:8;\tsize:4;\tsigned:1;\n", -EINVAL, 0 },
	{ "name: a\nID: 70000\n", -EINVAL, 0 },
	{ "name: a\nID: x\n", -EINVAL, 0 },
	{ "name: \033[2J\nID: 1\n", -EINVAL, 0 },
};

static void test_formats(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		struct hvst_format f;
		int rc = hvst_format_parse(&f, "kvm", formats[i].text, strlen(formats[i].text));

		if (rc != formats[i].rc || f.nr_fields != formats[i].fields)
			fail_msg("format %zu: %d, %u fields", i, rc, f.nr_fields);
		free(f.fields);
	}
	print_message("# formats: %zu texts, well-formed and not\n",
		      sizeof(formats) / sizeof(formats[0]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_walk),	    cmocka_unit_test(test_options),
		cmocka_unit_test(test_last_boot),   cmocka_unit_test(test_cut),
		cmocka_unit_test(test_recover),	    cmocka_unit_test(test_flips),
		cmocka_unit_test(test_wrong_files), cmocka_unit_test(test_no_files),
		cmocka_unit_test(test_circle),	    cmocka_unit_test(test_formats),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
