/* SPDX-License-Identifier: GPL-2.0 */
/*
 * lib/ring/subbuf.h: every kind of record, and the same records as libtraceevent's kbuffer on
 * random sub-buffers.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <kbuffer.h>

#include "mkdat.h"
#include "../../lib/ring/subbuf.h"

struct page {
	uint64_t words[MK_PAGE / 8];
	uint32_t used;
};

static uint8_t *bytes(struct page *p)
{
	return (uint8_t *)p->words;
}

static void begin(struct page *p, uint64_t ts)
{
	memset(p, 0, sizeof(*p));
	p->words[0] = ts;
}

static void word(struct page *p, uint32_t w)
{
	memcpy(bytes(p) + HVST_SUBBUF_HEAD + p->used, &w, 4);
	p->used += 4;
	p->words[1] = p->used;
}

static void head(struct page *p, uint32_t type, uint32_t delta)
{
	word(p, type | delta << 5);
}

static void expect(struct hvst_subbuf *s, uint64_t ts, uint32_t len, uint32_t first)
{
	const uint8_t *data = NULL;
	uint32_t n, got;

	assert_int_equal(hvst_subbuf_next(s, &data, &n), 1);
	memcpy(&got, data, 4);
	assert_int_equal(s->ts, ts);
	assert_int_equal(n, len);
	assert_int_equal(got, first);
}

static void expect_end(struct hvst_subbuf *s, int rc)
{
	const uint8_t *data;
	uint32_t n;

	assert_int_equal(hvst_subbuf_next(s, &data, &n), rc);
}

static struct hvst_subbuf open_page(struct page *p, int64_t missed)
{
	struct hvst_subbuf s;
	int64_t got;

	assert_true(hvst_subbuf_open(&s, bytes(p), MK_PAGE, &got));
	assert_int_equal(got, missed);
	return s;
}

static void test_kinds(void **state)
{
	struct hvst_subbuf s;
	struct page p;

	(void)state;
	begin(&p, 1000);
	head(&p, 2, 0); /* two words */
	word(&p, 11);
	word(&p, 12);
	head(&p, HVST_REC_TIME_EXTEND, 5);
	word(&p, 3);
	head(&p, 1, 7); /* one word, after an extended time */
	word(&p, 13);
	head(&p, HVST_REC_LONG, 1); /* its length counts itself */
	word(&p, 4 + 6);
	word(&p, 14);
	word(&p, 15);
	head(&p, HVST_REC_PADDING, 100); /* discarded: its time counts */
	word(&p, 8);
	word(&p, 0);
	head(&p, 28, 2);
	for (uint32_t i = 0; i < 28; i++)
		word(&p, 16 + i);
	head(&p, HVST_REC_TIME_STAMP, 9); /* absolute */
	word(&p, 1u << 20);
	head(&p, 1, 1);
	word(&p, 17);
	head(&p, HVST_REC_PADDING, 0); /* the rest is empty */
	word(&p, 0);
	word(&p, 99);
	s = open_page(&p, 0);
	expect(&s, 1000, 8, 11);
	expect(&s, 1000 + 5 + (3ull << 27) + 7, 4, 13);
	expect(&s, 1000 + 5 + (3ull << 27) + 8, 8, 14);
	expect(&s, 1000 + 5 + (3ull << 27) + 110, 112, 16);
	expect(&s, (1ull << 47) + 10, 4, 17);
	expect_end(&s, 0);
	print_message("# subbuf: data, long, extended, absolute, discarded and padding records\n");
}

static void test_absolute_keeps_high_bits(void **state)
{
	struct hvst_subbuf s;
	struct page p;

	(void)state;
	begin(&p, 0xa8ull << 56);
	head(&p, HVST_REC_TIME_STAMP, 1);
	word(&p, 2);
	head(&p, 1, 0);
	word(&p, 7);
	s = open_page(&p, 0);
	expect(&s, (0xa8ull << 56) | 2ull << 27 | 1, 4, 7);
	expect_end(&s, 0);
}

static void test_missed(void **state)
{
	int64_t count = 4711, none = -3;
	struct page p;

	(void)state;
	begin(&p, 1);
	head(&p, 1, 0);
	word(&p, 1);
	p.words[1] |= HVST_COMMIT_MISSED;
	open_page(&p, -1);
	p.words[1] |= HVST_COMMIT_STORED;
	memcpy(bytes(&p) + HVST_SUBBUF_HEAD + p.used, &count, 8);
	open_page(&p, 4711);
	memcpy(bytes(&p) + HVST_SUBBUF_HEAD + p.used, &none, 8);
	open_page(&p, -1);
	/* no room behind the data for the number that the flag promises */
	p.words[1] = (MK_PAGE - HVST_SUBBUF_HEAD - 4) | HVST_COMMIT_MISSED | HVST_COMMIT_STORED;
	open_page(&p, -1);
	print_message("# subbuf: lost events with a number, without, and with a wrong one\n");
}

static void test_lies(void **state)
{
	struct hvst_subbuf s;
	int64_t missed;
	struct page p;

	(void)state;
	begin(&p, 1);
	p.words[1] = MK_PAGE - HVST_SUBBUF_HEAD + 1;
	assert_false(hvst_subbuf_open(&s, bytes(&p), MK_PAGE, &missed));
	begin(&p, 1);
	head(&p, 5, 0); /* five words, but there are two */
	word(&p, 1);
	word(&p, 2);
	s = open_page(&p, 0);
	expect_end(&s, -EBADMSG);
	begin(&p, 1);
	head(&p, HVST_REC_LONG, 0); /* shorter than its own length */
	word(&p, 3);
	s = open_page(&p, 0);
	expect_end(&s, -EBADMSG);
	begin(&p, 1);
	head(&p, HVST_REC_LONG, 0);
	word(&p, 0xfffffffe);
	s = open_page(&p, 0);
	expect_end(&s, -EBADMSG);
	begin(&p, 1);
	head(&p, HVST_REC_TIME_EXTEND, 0); /* its second half is missing */
	s = open_page(&p, 0);
	expect_end(&s, -EBADMSG);
	begin(&p, 1);
	p.words[1] = 2; /* not even a head */
	s = open_page(&p, 0);
	expect_end(&s, -EBADMSG);
	print_message("# subbuf: lengths that lie are refused\n");
}

/* A random but well-formed sub-buffer. */
static void fill(struct page *p)
{
	begin(p, (uint64_t)rand() << 8);
	while (p->used < MK_PAGE - HVST_SUBBUF_HEAD - 300) {
		uint32_t kind = (uint32_t)rand() % 40, n = kind,
			 delta = (uint32_t)rand() % (1u << 27);

		if (kind == HVST_REC_TIME_EXTEND || kind == HVST_REC_TIME_STAMP) {
			head(p, kind, delta);
			word(p, (uint32_t)rand() & 0xffff);
			continue;
		}
		if (kind == HVST_REC_PADDING) {
			head(p, kind, delta | 1);
			word(p, 4 + 4 * 3);
			n = 3;
		} else if (kind == 0 || kind > HVST_REC_TIME_STAMP) {
			n = 29 + kind;
			head(p, 0, delta);
			word(p, 4 + 4 * n);
		} else {
			head(p, kind, delta);
		}
		while (n--)
			word(p, (uint32_t)rand());
	}
}

static unsigned int compare(struct page *p, struct kbuffer *kb)
{
	struct hvst_subbuf s = open_page(p, 0);
	const uint8_t *data;
	unsigned int n = 0;
	uint32_t len;

	assert_int_equal(kbuffer_load_subbuffer(kb, p->words), 0);
	while (hvst_subbuf_next(&s, &data, &len) > 0) {
		unsigned long long ts;
		const uint8_t *want = kbuffer_read_event(kb, &ts);

		assert_ptr_equal(data, want);
		assert_int_equal(s.ts, ts);
		assert_int_equal(len, kbuffer_event_size(kb));
		kbuffer_next_event(kb, NULL);
		n++;
	}
	assert_null(kbuffer_read_event(kb, NULL));
	return n;
}

static void test_like_kbuffer(void **state)
{
	struct kbuffer *kb = kbuffer_alloc(KBUFFER_LSIZE_8, KBUFFER_ENDIAN_LITTLE);
	unsigned int n = 0;
	struct page p;

	(void)state;
	srand(1);
	for (int i = 0; i < 500; i++) {
		fill(&p);
		n += compare(&p, kb);
	}
	kbuffer_free(kb);
	print_message("# subbuf: %u records of 500 random sub-buffers as kbuffer reads them\n", n);
}

/* Random bytes: whatever comes out lies within the sub-buffer. */
static void test_noise(void **state)
{
	struct page p;
	unsigned int n = 0;

	(void)state;
	srand(2);
	for (int i = 0; i < 2000; i++) {
		struct hvst_subbuf s;
		const uint8_t *data;
		uint32_t len;
		int64_t missed;

		for (size_t w = 0; w < MK_PAGE / 8; w++)
			p.words[w] = (uint64_t)rand() << 32 | (uint32_t)rand() << (rand() % 28);
		p.words[1] = (uint64_t)rand() % MK_PAGE;
		if (!hvst_subbuf_open(&s, bytes(&p), MK_PAGE, &missed))
			continue;
		while (hvst_subbuf_next(&s, &data, &len) > 0) {
			assert_true(data >= bytes(&p) + HVST_SUBBUF_HEAD && data + len <= s.at &&
				    s.at <= s.end);
			n++;
		}
	}
	print_message("# subbuf: %u records out of random bytes, all within their sub-buffer\n", n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_absolute_keeps_high_bits),
		cmocka_unit_test(test_missed),
		cmocka_unit_test(test_lies),
		cmocka_unit_test(test_like_kbuffer),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
