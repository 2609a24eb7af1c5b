// SPDX-License-Identifier: GPL-2.0
/*
 * Every allocation and every read of a run fails once, each in a run of its own: the run returns
 * that error and a message that says so, or did without.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <hvstimer/hvstimer.h>

#include "../fuzz/faults.h"

#define RECORDINGS "samples/recordings/"
#define MAX_FAULTS 200000

static int open_and_run(struct hvst_session *s, const char *path)
{
	int rc = hvst_session_add_file(s, path);

	if (!rc)
		rc = hvst_session_open(s);
	return rc ? rc : hvst_session_run(s);
}

/* Returns false when there is no @nth call of this kind. */
static bool fail_once(const char *path, enum fault kind, unsigned int nth, bool *failed)
{
	struct hvst_session *s = hvst_session_new();
	const char *error = hvst_session_error(s);
	bool fired;
	int rc;

	assert_non_null(s);
	assert_int_equal(hvst_session_set_threads(s, 1), 0);
	faults_arm(kind, nth);
	rc = open_and_run(s, path);
	fired = faults_fired();
	faults_disarm();
	*failed = rc;
	if (rc && kind == FAULT_MEMORY) {
		if (rc != -ENOMEM ||
		    (!strstr(error, "out of memory") && !strstr(error, strerror(ENOMEM))))
			fail_msg("allocation %u of %s: %d \"%s\"", nth, path, rc, error);
	} else if (rc) {
		if (rc != -EIO || !strstr(error, strerror(EIO)) || !strstr(error, path))
			fail_msg("read %u of %s: %d \"%s\"", nth, path, rc, error);
	}
	if (rc)
		assert_null(hvst_session_result(s));
	hvst_session_free(s);
	return fired;
}

static void fail_each(const char *path, enum fault kind, const char *what)
{
	unsigned int n = 0, failures = 0, step = 1;
	bool failed;

	/* All of the first calls, which open the file; of a long run's others every so many. */
	while (n < MAX_FAULTS && fail_once(path, kind, n, &failed)) {
		failures += failed;
		step = n < 300 ? 1 : n / 40;
		n += step;
	}
	printf("# %s: %u of the %s tried end the run\n", path, failures, what);
	assert_true(failures > 10 && n < MAX_FAULTS);
	/* Reading cannot do without any byte. */
	assert_false(fail_once(path, FAULT_NONE, 0, &failed));
	assert_false(failed);
}

static void test_memory(void **state)
{
	(void)state;
	fail_each(RECORDINGS "04-clocksource-walk.dat", FAULT_MEMORY, "allocations");
	fail_each(RECORDINGS "17-clock-x86-tsc.dat", FAULT_MEMORY, "allocations");
	fail_each(RECORDINGS "12-instance.dat", FAULT_MEMORY, "allocations");
}

static void test_reading(void **state)
{
	(void)state;
	fail_each(RECORDINGS "04-clocksource-walk.dat", FAULT_READ, "reads");
	fail_each(RECORDINGS "11a-truncated-v7.dat", FAULT_READ, "reads");
}

/* A file that becomes shorter between opening and reading is an error, not an early end. */
static void test_shrinks(void **state)
{
	char path[] = "/tmp/hvst-shrinks-XXXXXX", buf[65536];
	FILE *from = fopen(RECORDINGS "02-resume-storm.dat", "r");
	struct hvst_session *s = hvst_session_new();
	int fd = mkstemp(path);
	off_t size;
	size_t n;

	(void)state;
	assert_true(from && s && fd >= 0);
	while ((n = fread(buf, 1, sizeof(buf), from)))
		assert_int_equal(write(fd, buf, n), n);
	fclose(from);
	size = lseek(fd, 0, SEEK_CUR);
	assert_int_equal(hvst_session_add_file(s, path), 0);
	assert_int_equal(hvst_session_open(s), 0);
	assert_int_equal(ftruncate(fd, size / 2), 0);
	assert_int_equal(hvst_session_run(s), -ESTALE);
	assert_non_null(strstr(hvst_session_error(s), "became shorter"));
	assert_non_null(strstr(hvst_session_error(s), path));
	hvst_session_free(s);
	close(fd);
	unlink(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_memory),
		cmocka_unit_test(test_reading),
		cmocka_unit_test(test_shrinks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
