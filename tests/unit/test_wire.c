// SPDX-License-Identifier: GPL-2.0
/* The wire format that exports for Perfetto are written in, read back by a reader of its own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "../../cli/export/wire.h"

/* A varint at *@p; moves *@p behind it. */
static uint64_t varint(const unsigned char **p)
{
	unsigned int shift = 0;
	uint64_t v = 0;

	do
		v |= (uint64_t)(**p & 0x7f) << shift;
	while (shift += 7, *(*p)++ & 0x80);
	return v;
}

static void test_varints(void **state)
{
	static const uint64_t values[] = { 0,	  1,	      127,	 128,	    16383,
					   16384, UINT32_MAX, INT64_MAX, UINT64_MAX };
	const unsigned char *p;
	struct out o;
	unsigned int i;

	(void)state;
	out_open_memory(&o);
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++)
		wire_u64(&o, 60, values[i]);
	wire_i64(&o, 30, -1);
	p = (const unsigned char *)o.buf;
	for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		assert_int_equal(varint(&p), 60 << 3);
		assert_int_equal(varint(&p), values[i]);
	}
	assert_int_equal(varint(&p), 30 << 3);
	assert_int_equal(varint(&p), UINT64_MAX);
	assert_ptr_equal(p, o.buf + o.len);
	out_discard(&o);
}

/* Messages at the lengths where the length itself takes one more byte, one within the other. */
static void test_lengths(void **state)
{
	static const size_t lengths[] = { 0, 1, 126, 127, 128, 16383, 16384, 300000 };
	unsigned int i;

	(void)state;
	for (i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		size_t len = lengths[i], outer, inner, k;
		const unsigned char *p;
		struct out o;

		out_open_memory(&o);
		outer = wire_open(&o, 1);
		inner = wire_open(&o, 2);
		for (k = 0; k < len; k++)
			out_char(&o, (char)k);
		wire_close(&o, inner);
		wire_u64(&o, 3, 7);
		wire_close(&o, outer);
		p = (const unsigned char *)o.buf;
		assert_int_equal(varint(&p), 1 << 3 | 2);
		k = varint(&p);
		assert_ptr_equal(p + k, o.buf + o.len);
		assert_int_equal(varint(&p), 2 << 3 | 2);
		assert_int_equal(varint(&p), len);
		for (k = 0; k < len; k++)
			assert_int_equal(p[k], k & 0xff);
		p += len;
		assert_int_equal(varint(&p), 3 << 3);
		assert_int_equal(varint(&p), 7);
		out_discard(&o);
	}
}

static void test_fixed(void **state)
{
	static const unsigned char one[] = { 0x29, 0, 0, 0, 0, 0, 0, 0xf0, 0x3f };
	static const unsigned char id[] = { 0xf9, 2, 8, 7, 6, 5, 4, 3, 2, 1 };
	struct out o;

	(void)state;
	out_open_memory(&o);
	wire_double(&o, 5, 1.0);
	assert_int_equal(o.len, sizeof(one));
	assert_memory_equal(o.buf, one, sizeof(one));
	o.len = 0;
	wire_fixed64(&o, 47, 0x0102030405060708);
	assert_int_equal(o.len, sizeof(id));
	assert_memory_equal(o.buf, id, sizeof(id));
	out_discard(&o);
}

/* A decoder refuses a string that is not UTF-8. */
static void test_strings(void **state)
{
	static const char want[] = "\x0a\x06"
				   "a\xc3\xa4?b?";
	struct out o;

	(void)state;
	out_open_memory(&o);
	wire_string(&o, 1,
		    "a\xc3\xa4\xff"
		    "b\xc3");
	assert_int_equal(o.len, sizeof(want) - 1);
	assert_memory_equal(o.buf, want, o.len);
	out_discard(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_varints),
		cmocka_unit_test(test_lengths),
		cmocka_unit_test(test_fixed),
		cmocka_unit_test(test_strings),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
