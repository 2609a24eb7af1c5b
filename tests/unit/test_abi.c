// SPDX-License-Identifier: GPL-2.0
/*
 * Structs of programs that are older or newer than the library: passed in with a size, handed out
 * in lists.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hvstimer/hvstimer.h>

#include "../../lib/abi/list.h"
#include "../../lib/abi/sized.h"

#define TAIL 16 /* bytes of a program's version that the library does not have */

/* A struct of the first version, and of one that has got a member. */
struct first {
	size_t size;
	uint64_t a;
};
struct second {
	size_t size;
	uint64_t a, b;
};

static void test_older_program(void **state)
{
	const struct first from = { .size = sizeof(from), .a = 7 };
	struct second to = { .size = sizeof(to), .a = 1, .b = 2 };

	(void)state;
	assert_int_equal(hvst_sized_copy(&to, sizeof(to), sizeof(from), &from), 0);
	assert_int_equal(to.size, sizeof(to));
	assert_int_equal(to.a, 7);
	assert_int_equal(to.b, 2);
}

static void test_newer_program(void **state)
{
	struct second from = { .size = sizeof(from), .a = 7 };
	struct first to = { .size = sizeof(to), .a = 1 };

	(void)state;
	assert_int_equal(hvst_sized_copy(&to, sizeof(to), sizeof(to), &from), 0);
	assert_int_equal(to.size, sizeof(to));
	assert_int_equal(to.a, 7);
	to.a = 1;
	for (unsigned int bit = 0; bit < 64; bit++) {
		from.b = 1ULL << bit;
		assert_int_equal(hvst_sized_copy(&to, sizeof(to), sizeof(to), &from), -E2BIG);
	}
	assert_int_equal(to.a, 1);
}

static void test_too_small(void **state)
{
	struct first from = { .a = 7 };
	struct second to = { .size = sizeof(to), .a = 1, .b = 2 };

	(void)state;
	for (from.size = 0; from.size < sizeof(from); from.size++)
		assert_int_equal(hvst_sized_copy(&to, sizeof(to), sizeof(from), &from), -EINVAL);
	assert_int_equal(to.a, 1);
	assert_int_equal(hvst_sized_copy(&to, sizeof(to), sizeof(from), &from), 0);
}

/* --- the functions that take such a struct
 * -------------------------------------------------------- */

union any {
	size_t size;
	struct hvst_params params;
	struct hvst_observer observer;
	struct hvst_live_ops live;
	unsigned char bytes[sizeof(struct hvst_observer) + sizeof(struct hvst_params) + TAIL];
};

static int set_params(struct hvst_session *s, const union any *v)
{
	return hvst_session_set_params(s, &v->params);
}

static int set_observer(struct hvst_session *s, const union any *v)
{
	return hvst_session_set_observer(s, &v->observer, NULL);
}

static int add_observer(struct hvst_session *s, const union any *v)
{
	return hvst_session_add_observer(s, &v->observer, NULL);
}

static int set_live(struct hvst_session *s, const union any *v)
{
	return hvst_session_set_live(s, &v->live, NULL, 0);
}

static const struct {
	const char *name;
	size_t size;
	int (*set)(struct hvst_session *s, const union any *v);
} sized[] = {
	{ "hvst_params", sizeof(struct hvst_params), set_params },
	{ "hvst_observer", sizeof(struct hvst_observer), set_observer },
	{ "hvst_observer", sizeof(struct hvst_observer), add_observer },
	{ "hvst_live_ops", sizeof(struct hvst_live_ops), set_live },
};

static void assert_message(struct hvst_session *s, const char *name, const char *what)
{
	assert_non_null(strstr(hvst_session_error(s), name));
	assert_non_null(strstr(hvst_session_error(s), what));
}

static void test_functions(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < sizeof(sized) / sizeof(sized[0]); i++) {
		struct hvst_session *s = hvst_session_new();
		union any v = { .bytes = { 0 } };

		assert_non_null(s);
		for (v.size = 0; v.size < sized[i].size; v.size++)
			assert_int_equal(sized[i].set(s, &v), -EINVAL);
		assert_message(s, sized[i].name, "size is not set");
		assert_int_equal(sized[i].set(s, &v), 0);
		v.size += TAIL;
		assert_int_equal(sized[i].set(s, &v), 0);
		for (unsigned int k = 0; k < TAIL; k++) {
			v.bytes[sized[i].size + k] = 1;
			assert_int_equal(sized[i].set(s, &v), -E2BIG);
			v.bytes[sized[i].size + k] = 0;
		}
		assert_message(s, sized[i].name, hvst_version());
		hvst_session_free(s);
	}
}

static int stop_run(void *ctx, const struct hvst_arm *arm)
{
	(void)ctx;
	(void)arm;
	return 1;
}

/* What a function refuses leaves the session as it was. */
static void test_unchanged(void **state)
{
	struct hvst_observer obs = { .size = sizeof(obs), .arm = stop_run };
	struct hvst_session *s = hvst_session_new();
	struct hvst_params p;

	(void)state;
	assert_non_null(s);
	hvst_params_default(&p, sizeof(p));
	assert_int_equal(hvst_session_set_observer(s, &obs, NULL), 0);
	obs = (struct hvst_observer){ .size = 1 };
	p.size = 1;
	p.storm_min_arms = 1000000;
	assert_int_equal(hvst_session_set_observer(s, &obs, NULL), -EINVAL);
	assert_int_equal(hvst_session_set_params(s, &p), -EINVAL);
	assert_int_equal(hvst_session_add_file(s, "samples/recordings/02-resume-storm.dat"), 0);
	assert_int_equal(hvst_session_open(s), 0);
	assert_int_equal(hvst_session_run(s), -ECANCELED);
	assert_int_equal(hvst_session_set_observer(s, NULL, NULL), 0);
	assert_int_equal(hvst_session_run(s), 0);
	assert_true(hvst_session_result(s)->nr_storms > 0);
	p.size = sizeof(p);
	assert_int_equal(hvst_session_set_params(s, &p), 0);
	assert_int_equal(hvst_session_run(s), 0);
	assert_int_equal(hvst_session_result(s)->nr_storms, 0);
	hvst_session_free(s);
}

static void test_params_default(void **state)
{
	struct hvst_params p;
	union any v;

	(void)state;
	hvst_params_default(&p, sizeof(p));
	assert_int_equal(p.size, sizeof(p));
	assert_int_equal(p.storm_min_arms, 64);
	for (size_t size = 0; size <= sizeof(p) + TAIL; size++) {
		size_t known = size < sizeof(p) ? size : sizeof(p);

		memset(&v, 0xee, sizeof(v));
		p.size = size;
		hvst_params_default(&v.params, size);
		assert_memory_equal(&v, &p, known);
		for (size_t i = known; i < sizeof(v); i++)
			assert_int_equal(v.bytes[i], i < size ? 0 : 0xee);
	}
}

static void test_list(void **state)
{
	(void)state;
	for (unsigned int n = 0; n < 100; n++) {
		struct second *array = calloc(n + 1, sizeof(*array));
		const struct second **list;

		assert_non_null(array);
		for (unsigned int i = 0; i < n; i++)
			array[i] = (struct second){ .size = i, .a = 2 * i, .b = 3 * i };
		list = hvst_list(array, n, sizeof(*array));
		assert_non_null(list);
		for (unsigned int i = 0; i < n; i++)
			assert_true(list[i]->size == i && list[i]->a == 2 * i &&
				    list[i]->b == 3 * i);
		free(list);
	}
	assert_null(hvst_list(NULL, 1, 1)); /* there was no memory for the array */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_older_program), cmocka_unit_test(test_newer_program),
		cmocka_unit_test(test_too_small),     cmocka_unit_test(test_functions),
		cmocka_unit_test(test_unchanged),     cmocka_unit_test(test_params_default),
		cmocka_unit_test(test_list),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
