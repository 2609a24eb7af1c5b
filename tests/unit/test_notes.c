// SPDX-License-Identifier: GPL-2.0
/* What the browser keeps: written, read again, and whatever else may stand in such a file. */
#include <errno.h>
#include <fcntl.h>
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

#include "../../cli/notes.h"

struct fixture {
	char dir[64], recording[96], beside[104];
};

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static int setup(void **state)
{
	struct fixture *x = calloc(1, sizeof(*x));

	strcpy(x->dir, "/tmp/hvst-notes-XXXXXX");
	if (!mkdtemp(x->dir))
		return -1;
	snprintf(x->recording, sizeof(x->recording), "%s/a.dat", x->dir);
	snprintf(x->beside, sizeof(x->beside), "%s.hvst", x->recording);
	write_file(x->recording, "0123456789");
	setenv("XDG_STATE_HOME", x->dir, 1);
	*state = x;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *x = *state;
	char command[128];
	int rc;

	snprintf(command, sizeof(command), "rm -rf '%s'", x->dir);
	rc = system(command);
	free(x);
	return rc;
}

static struct notes some(void)
{
	struct notes n = { .n = 2, .viewed = true, .from_ns = -5, .to_ns = 1ll << 60 };

	n.note[0] = (struct note){ .name = "a", .text = "first: 100 % late", .ts_ns = 9157412195 };
	n.note[1] = (struct note){ .name = "Z", .ts_ns = -1 };
	n.cursor_ns = 42;
	n.by_harm = true;
	strcpy(n.filter, "skew>1ms && comm ~ \"CPU */KVM\"");
	n.folded[0] = -1;
	n.folded[1] = 7;
	n.nr_folded = 2;
	return n;
}

static void same(const struct notes *a, const struct notes *b)
{
	assert_int_equal(a->n, b->n);
	for (unsigned int i = 0; i < a->n; i++) {
		assert_string_equal(a->note[i].name, b->note[i].name);
		assert_string_equal(a->note[i].text, b->note[i].text);
		assert_int_equal(a->note[i].ts_ns, b->note[i].ts_ns);
	}
	assert_int_equal(a->viewed, b->viewed);
	assert_int_equal(a->by_harm, b->by_harm);
	assert_int_equal(a->only_findings, b->only_findings);
	assert_int_equal(a->from_ns, b->from_ns);
	assert_int_equal(a->to_ns, b->to_ns);
	assert_int_equal(a->cursor_ns, b->cursor_ns);
	assert_string_equal(a->filter, b->filter);
	assert_int_equal(a->nr_folded, b->nr_folded);
	assert_memory_equal(a->folded, b->folded, a->nr_folded * sizeof(*a->folded));
}

static void test_beside(void **state)
{
	struct fixture *x = *state;
	struct notes n = some(), got;
	char why[NOTES_MESSAGE];

	assert_int_equal(notes_read(&got, x->recording, NULL, why), 0);
	assert_int_equal(got.n, 0);
	assert_false(got.viewed);
	assert_int_equal(notes_write(&n, x->recording, NULL, why), 0);
	assert_int_equal(access(x->beside, F_OK), 0);
	assert_int_equal(notes_read(&got, x->recording, NULL, why), 0);
	same(&n, &got);
	n.n = 1;
	assert_int_equal(notes_write(&n, x->recording, NULL, why), 0);
	assert_int_equal(notes_read(&got, x->recording, NULL, why), 0);
	same(&n, &got);
}

/* A recording in a folder in which nobody can make a file: the user's state directory. */
static void test_state_directory(void **state)
{
	struct fixture *x = *state;
	struct notes n = some(), got;
	char why[NOTES_MESSAGE], command[128];

	assert_int_equal(notes_write(&n, "/proc/version", NULL, why), 0);
	assert_int_equal(notes_read(&got, "/proc/version", NULL, why), 0);
	same(&n, &got);
	snprintf(command, sizeof(command), "test -f '%s'/hvstimer/version-*.hvst", x->dir);
	assert_int_equal(system(command), 0);
}

static void test_another_recording(void **state)
{
	struct fixture *x = *state;
	struct notes n = some(), got;
	char why[NOTES_MESSAGE];

	assert_int_equal(notes_write(&n, x->recording, NULL, why), 0);
	write_file(x->recording, "another one");
	assert_int_equal(notes_read(&got, x->recording, NULL, why), -ESTALE);
	assert_non_null(strstr(why, "of another recording"));
	assert_int_equal(got.n, 0);
	assert_int_equal(notes_write(&n, x->recording, NULL, why), -ESTALE);
	write_file(x->recording, "0123456789");
	assert_int_equal(notes_read(&got, x->recording, NULL, why), 0);
	same(&n, &got);
}

/* Links, folders, devices and files of something else are neither read nor replaced. */
static void test_foreign_files(void **state)
{
	struct fixture *x = *state;
	struct notes n = some(), got;
	char why[NOTES_MESSAGE], victim[96], text[8] = "";
	FILE *f;

	snprintf(victim, sizeof(victim), "%s/victim", x->dir);
	write_file(victim, "mine");
	assert_int_equal(symlink(victim, x->beside), 0);
	assert_int_equal(notes_read(&got, x->recording, x->beside, why), -ELOOP);
	assert_int_equal(notes_write(&n, x->recording, x->beside, why), -EEXIST);
	f = fopen(victim, "r");
	assert_non_null(f);
	assert_non_null(fgets(text, sizeof(text), f));
	fclose(f);
	assert_string_equal(text, "mine");
	unlink(x->beside);
	assert_int_equal(mkfifo(x->beside, 0600), 0);
	assert_int_equal(notes_read(&got, x->recording, x->beside, why), -EINVAL);
	unlink(x->beside);
	write_file(x->beside, "a letter to my mother\n");
	assert_int_equal(notes_read(&got, x->recording, x->beside, why), -EINVAL);
	assert_int_equal(notes_write(&n, x->recording, x->beside, why), -EINVAL);
	assert_int_equal(notes_read(&got, x->recording, "/dev/zero", why), -EINVAL);
}

static int parse(struct notes *n, const char *body)
{
	char text[65536];
	int64_t size;

	snprintf(text, sizeof(text), "hvstimer-notes 1\nrecording 10\n%s", body);
	return notes_parse(n, text, &size) || size != 10;
}

/* Each line that is not as it should be is left alone; what is shown has nothing for a terminal. */
static void test_hostile(void **state)
{
	struct notes n;
	char many[32768] = "", line[64];

	(void)state;
	assert_int_equal(
		parse(&n, "bookmark aa 5 x\nbookmark ! 5 x\nbookmark\nbookmark a\nbookmark a x\n"
			  "bookmark b 99999999999999999999 x\nwindow 5 5 5\nwindow 1 2\n"
			  "window 9 8 7\nfold x\nfold -2\nfold 99999999999\nfuture things\n"
			  "\n \nbookmark a 7\n"),
		0);
	assert_int_equal(n.n, 1);
	assert_int_equal(n.note[0].ts_ns, 7);
	assert_string_equal(n.note[0].text, "");
	assert_false(n.viewed);
	assert_int_equal(n.nr_folded, 0);
	assert_int_equal(parse(&n, "bookmark a 1 \033[2J\377\r\007end\nfilter \033x\n"), 0);
	assert_string_equal(n.note[0].text, "?[2J???end");
	assert_string_equal(n.filter, "?x");
	assert_int_equal(parse(&n, "bookmark a 1 one\nbookmark a 2 two\n"), 0);
	assert_int_equal(n.n, 1);
	for (int i = 0; i < 1000; i++) {
		snprintf(line, sizeof(line), "fold %d\nbookmark %c %d x\n", i, 'a' + i % 26, i);
		strcat(many, line);
	}
	assert_int_equal(parse(&n, many), 0);
	assert_int_equal(n.n, 26);
	assert_int_equal(n.nr_folded, NOTES_FOLDED);
	memset(many, 'x', 900);
	many[900] = 0;
	memcpy(many, "bookmark a 1 ", 13);
	assert_int_equal(parse(&n, many), 0);
	assert_int_equal(strlen(n.note[0].text), NOTE_TEXT - 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(test_beside),	       T(test_state_directory), T(test_another_recording),
		T(test_foreign_files), T(test_hostile),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
