// SPDX-License-Identifier: GPL-2.0
/* Output files: all or nothing; full disks and readers that go away. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../cli/output/out.h"

static char dir[] = "/tmp/hvst-out-XXXXXX";
static char path[64];

static int enter(void **state)
{
	(void)state;
	strcpy(dir + strlen(dir) - 6, "XXXXXX");
	if (!mkdtemp(dir))
		return -1;
	snprintf(path, sizeof(path), "%s/result", dir);
	return 0;
}

static int leave(void **state)
{
	(void)state;
	unlink(path);
	return rmdir(dir); /* fails when anything else was left there */
}

static unsigned int files(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	unsigned int n = 0;

	assert_non_null(d);
	while ((e = readdir(d)))
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static void expect_content(const char *want)
{
	char buf[64] = "";
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	assert_int_equal(fread(buf, 1, sizeof(buf) - 1, f), strlen(want));
	assert_string_equal(buf, want);
	fclose(f);
}

static void appears_when_whole(void **state)
{
	struct stat st;
	struct out o;
	mode_t mask = umask(027);

	(void)state;
	assert_int_equal(out_open(&o, path, COLOR_AUTO), 0);
	assert_false(o.color);
	out_str(&o, "first");
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(out_close(&o), 0);
	expect_content("first");
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	umask(mask);

	assert_int_equal(out_open(&o, path, COLOR_AUTO), 0);
	out_str(&o, "second");
	expect_content("first");
	assert_int_equal(out_close(&o), 0);
	expect_content("second");
	assert_int_equal(files(), 1);
}

static void discarded_leaves_nothing(void **state)
{
	struct out o;

	(void)state;
	assert_int_equal(out_open(&o, path, COLOR_AUTO), 0);
	out_pad(&o, 300000, 'x');
	out_str(&o, "more");
	out_discard(&o);
	assert_int_equal(files(), 0);
}

static void impossible_places(void **state)
{
	struct out o;

	(void)state;
	assert_int_equal(out_open(&o, "/nowhere/at/all", COLOR_AUTO), -ENOENT);
	assert_int_equal(out_open(&o, dir, COLOR_AUTO), -EISDIR);
}

static void full_disk_is_reported(void **state)
{
	struct out o;

	(void)state;
	assert_int_equal(out_open(&o, "/dev/full", COLOR_AUTO), 0);
	out_pad(&o, 200000, 'x');
	out_str(&o, "x");
	assert_int_equal(o.err, ENOSPC);
	assert_int_equal(out_close(&o), -ENOSPC);
}

static void gone_reader_is_seen(void **state)
{
	int p[2];
	struct out o;

	(void)state;
	signal(SIGPIPE, SIG_IGN);
	assert_int_equal(pipe(p), 0);
	close(p[0]);
	out_open_memory(&o);
	o.fd = p[1];
	out_str(&o, "x");
	assert_int_equal(out_close(&o), -EPIPE);
}

static void numbers(void **state)
{
	struct out o;

	(void)state;
	out_open_memory(&o);
	out_u64(&o, UINT64_MAX);
	out_char(&o, ' ');
	out_i64(&o, INT64_MIN);
	out_char(&o, ' ');
	out_hex(&o, 0);
	out_hex(&o, 0x40000021);
	out_char(&o, 0);
	assert_string_equal(o.buf, "18446744073709551615 -9223372036854775808 0x00x40000021");
	out_discard(&o);
}

static void colour_is_on_request(void **state)
{
	struct out o;

	(void)state;
	assert_int_equal(out_open(&o, "/dev/null", COLOR_ALWAYS), 0);
	assert_true(o.color);
	out_in(&o, ROLE_BAD, "x");
	assert_true(o.len > 1);
	out_discard(&o);
	assert_int_equal(out_open(&o, "/dev/null", COLOR_AUTO), 0);
	out_in(&o, ROLE_BAD, "x");
	assert_int_equal(o.len, 1);
	out_discard(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(appears_when_whole, enter, leave),
		cmocka_unit_test_setup_teardown(discarded_leaves_nothing, enter, leave),
		cmocka_unit_test_setup_teardown(impossible_places, enter, leave),
		cmocka_unit_test(full_disk_is_reported),
		cmocka_unit_test(gone_reader_is_seen),
		cmocka_unit_test(numbers),
		cmocka_unit_test(colour_is_on_request),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
