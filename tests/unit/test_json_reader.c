// SPDX-License-Identifier: GPL-2.0
/* cli/stored/json_reader: the grammar, texts, numbers, damage at every place. */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "../../cli/stored/json_reader.h"

static struct json_reader reader;

static void open_reader(const char *text, size_t len)
{
	int fd = memfd_create("json", 0);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, len), (ssize_t)len);
	assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
	assert_int_equal(json_reader_init(&reader, fd), 0);
}

static void close_reader(void)
{
	close(reader.fd);
	json_reader_free(&reader);
}

/* The tokens of a text as letters; keys in front, values behind. */
static const char *tokens(const char *text)
{
	static const char letters[] = "!.{[<snTFN";
	static char got[1024];
	enum json_token t;
	size_t at = 0;

	open_reader(text, strlen(text));
	do {
		t = json_next(&reader);
		at += (size_t)snprintf(got + at, sizeof(got) - at, "%s%s%c%s", reader.key,
				       *reader.key ? ":" : "", letters[t],
				       t == JSON_STRING || t == JSON_NUMBER ? reader.text : "");
	} while (t != JSON_END && t != JSON_ERROR);
	close_reader();
	return got;
}

static void test_grammar(void **state)
{
	static const char *const good[][2] = {
		{ "", "." },
		{ " \t\r\n", "." },
		{ "{}", "{<." },
		{ "[ ]", "[<." },
		{ "[1,2 , 3]", "[n1n2n3<." },
		{ "{\"a\":1,\"b\":[true,false,null]}", "{a:n1b:[TFN<<." },
		{ "{\"a\":{\"b\":{}}}{}", "{a:{b:{<<<{<." },
		{ "-0.5e+3 \"x\" 1", "n-0.5e+3sxn1." },
		{ "\"\\u00e4\\ud83d\\ude00\\n\\/\"", "s\xc3\xa4\xf0\x9f\x98\x80\n/." },
		{ "\"\\ud83dx\\ud83d\\u0041\\ude00\\u0000\"", "s\xef\xbf\xbdx\xef\xbf\xbd"
							      "A\xef\xbf\xbd\xef\xbf\xbd." },
	};
	static const char *const bad[] = {
		"{",	       "[",	    "[1",
		"[1,",	       "[1,]",	    "{,}",
		"{\"a\"}",     "{\"a\" 1}", "{1:1}",
		"{\"a\":1,}",  "]",	    "}",
		"[}",	       "{]",	    "nul",
		"True",	       "01a",	    "-",
		"1.",	       "1e",	    ".5",
		"\"",	       "\"\\x\"",   "\"\\u12g4\"",
		"\"\n\"",      "[1 2]",	    "{\"a\":1 \"b\":2}",
		"\"\\ud83d\\", "+1",	    "[1;2]",
		"'a'",	       "\xff",
	};
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++)
		assert_string_equal(tokens(good[i][0]), good[i][1]);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *got = tokens(bad[i]);

		if (got[strlen(got) - 1] != '!')
			fail_msg("%s is taken: %s", bad[i], got);
	}
}

static void test_depth(void **state)
{
	char text[2 * JSON_MAX_DEPTH + 3];

	(void)state;
	memset(text, '[', JSON_MAX_DEPTH);
	memset(text + JSON_MAX_DEPTH, ']', JSON_MAX_DEPTH);
	text[2 * JSON_MAX_DEPTH] = 0;
	assert_null(strchr(tokens(text), '!'));
	memset(text, '[', JSON_MAX_DEPTH + 1);
	memset(text + JSON_MAX_DEPTH + 1, ']', JSON_MAX_DEPTH + 1);
	text[2 * JSON_MAX_DEPTH + 2] = 0;
	assert_non_null(strchr(tokens(text), '!'));
	assert_non_null(strstr(reader.error, "nested too deeply at byte 32"));
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		bool i64, u64;
	} cases[] = {
		{ "0", true, true },
		{ "-1", true, false },
		{ "9223372036854775807", true, true },
		{ "9223372036854775808", false, true },
		{ "-9223372036854775808", true, false },
		{ "-9223372036854775809", false, false },
		{ "18446744073709551615", false, true },
		{ "18446744073709551616", false, false },
		{ "1.5", false, false },
		{ "1e3", false, false },
	};
	int64_t s;
	uint64_t u;
	double d;

	(void)state;
	for (unsigned int i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		for (int which = 0; which < 2; which++) {
			open_reader(cases[i].text, strlen(cases[i].text));
			assert_int_equal(json_next(&reader), JSON_NUMBER);
			if (which)
				assert_int_equal(json_to_i64(&reader, &s), cases[i].i64);
			else
				assert_int_equal(json_to_u64(&reader, &u), cases[i].u64);
			close_reader();
		}
	}
	open_reader("-2.5e-1", 7);
	assert_int_equal(json_next(&reader), JSON_NUMBER);
	assert_true(json_to_double(&reader, &d) && d == -0.25);
	close_reader();
}

/* Longer than the reader's buffer, with what matters across its end; a text that is cut off. */
static void test_long(void **state)
{
	size_t len = 200000;
	char *text = malloc(len + 64);

	(void)state;
	memset(text, 'x', len);
	text[0] = '"';
	memcpy(text + len, "\\n\",7", 6);
	for (size_t shift = 65530; shift < 65545; shift++) {
		memset(text + 1, 'x', len - 1);
		memcpy(text + shift, "\\ud83d\\ude00", 12);
		open_reader(text, len + 3);
		assert_int_equal(json_next(&reader), JSON_STRING);
		assert_int_equal(strlen(reader.text), JSON_TEXT_MAX - 1);
		assert_int_equal(json_next(&reader), JSON_END);
		close_reader();
	}
	free(text);
}

static void test_skip(void **state)
{
	static const char text[] = "{\"a\":{\"b\":[1,{\"c\":2}]},\"d\":3}";

	(void)state;
	open_reader(text, sizeof(text) - 1);
	assert_int_equal(json_next(&reader), JSON_OBJECT);
	assert_true(json_skip(&reader, json_next(&reader)));
	assert_int_equal(json_next(&reader), JSON_NUMBER);
	assert_string_equal(reader.key, "d");
	assert_int_equal(json_next(&reader), JSON_CLOSE);
	assert_int_equal(json_next(&reader), JSON_END);
	close_reader();
	/* cut off anywhere it is an error, and stays one */
	for (size_t len = 1; len < sizeof(text) - 1; len++) {
		open_reader(text, len);
		assert_false(json_skip(&reader, json_next(&reader)));
		assert_int_equal(json_next(&reader), JSON_ERROR);
		assert_non_null(strstr(reader.error, "ends too early"));
		close_reader();
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_grammar), cmocka_unit_test(test_depth),
		cmocka_unit_test(test_numbers), cmocka_unit_test(test_long),
		cmocka_unit_test(test_skip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
