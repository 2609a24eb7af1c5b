// SPDX-License-Identifier: GPL-2.0
/* The pull parser of JSON. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "json_reader.h"

#define BUF_SIZE (64 * 1024)
#define NO_BYTE	 (-1)

int json_reader_init(struct json_reader *r, int fd)
{
	memset(r, 0, sizeof(*r));
	r->fd = fd;
	r->buf = malloc(BUF_SIZE);
	return r->buf ? 0 : -ENOMEM;
}

void json_reader_free(struct json_reader *r)
{
	free(r->buf);
	r->buf = NULL;
}

static enum json_token fail_at(struct json_reader *r, uint64_t offset, const char *what)
{
	if (!*r->error)
		snprintf(r->error, sizeof(r->error), "%s at byte %" PRIu64, what, offset);
	r->at = r->len = 0;
	return JSON_ERROR;
}

enum json_token json_fail(struct json_reader *r, const char *what)
{
	return fail_at(r, r->base + r->at, what);
}

/* --- bytes ------------------------------------------------------------------------------------ */

static bool fill(struct json_reader *r)
{
	ssize_t n;

	if (*r->error)
		return false;
	r->base += r->len;
	r->at = r->len = 0;
	do
		n = read(r->fd, r->buf, BUF_SIZE);
	while (n < 0 && errno == EINTR);
	if (n < 0) /* no byte is wrong */
		snprintf(r->error, sizeof(r->error), "%s", strerror(errno));
	r->len = n > 0 ? (size_t)n : 0;
	return n > 0;
}

/* The next byte, without consuming it; NO_BYTE at the end. */
static inline int peek(struct json_reader *r)
{
	return r->at < r->len || fill(r) ? r->buf[r->at] : NO_BYTE;
}

static inline int take(struct json_reader *r)
{
	int c = peek(r);

	r->at += c != NO_BYTE;
	return c;
}

static int after_space(struct json_reader *r)
{
	int c = peek(r);

	while (c == ' ' || c == '\n' || c == '\r' || c == '\t') {
		r->at++;
		c = peek(r);
	}
	return c;
}

static enum json_token unexpected(struct json_reader *r)
{
	return json_fail(r, peek(r) == NO_BYTE ? "ends too early" : "not JSON");
}

/* --- strings ---------------------------------------------------------------------------------- */

/*
 * Where a string is stored; what does not fit is dropped. @half: the first of a surrogate pair, or
 * 0.
 */
struct text {
	char *buf;
	size_t len, size;
	unsigned int half;
};

static inline void put(struct text *t, int c)
{
	if (t->len + 1 < t->size)
		t->buf[t->len++] = (char)c;
}

static void put_utf8(struct text *t, unsigned int c)
{
	if (c < 0x80) {
		put(t, (int)c);
	} else if (c < 0x800) {
		put(t, (int)(0xc0 | c >> 6));
		put(t, (int)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		put(t, (int)(0xe0 | c >> 12));
		put(t, (int)(0x80 | (c >> 6 & 0x3f)));
		put(t, (int)(0x80 | (c & 0x3f)));
	} else {
		put(t, (int)(0xf0 | c >> 18));
		put(t, (int)(0x80 | (c >> 12 & 0x3f)));
		put(t, (int)(0x80 | (c >> 6 & 0x3f)));
		put(t, (int)(0x80 | (c & 0x3f)));
	}
}

static int hex_digit(int c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

#define REPLACEMENT 0xfffd
#define SURROGATES  0xd800
#define LOW_HALF    0xdc00
#define NO_HALF	    0xe000

/* The first half of a pair was not followed by the second. */
static inline void end_half(struct text *t)
{
	if (t->half)
		put_utf8(t, REPLACEMENT);
	t->half = 0;
}

/* One \uXXXX. Half a pair is replaced, and so is a NUL, which would end the string. */
static void put_unit(struct text *t, unsigned int c)
{
	bool low = c >= LOW_HALF && c < NO_HALF;

	if (t->half && low) {
		put_utf8(t, 0x10000 + ((t->half - SURROGATES) << 10) + (c - LOW_HALF));
		t->half = 0;
		return;
	}
	end_half(t);
	if (c >= SURROGATES && c < LOW_HALF)
		t->half = c;
	else
		put_utf8(t, !c || low ? REPLACEMENT : c);
}

/* The four digits of a \uXXXX. */
static bool read_unit(struct json_reader *r, struct text *t)
{
	unsigned int v = 0;

	for (int i = 0; i < 4; i++) {
		int d = hex_digit(peek(r));

		if (d < 0)
			return unexpected(r) != JSON_ERROR;
		r->at++;
		v = v << 4 | (unsigned int)d;
	}
	put_unit(t, v);
	return true;
}

static bool read_escape(struct json_reader *r, struct text *t)
{
	static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
	int c = peek(r);
	const char *found = c > 0 ? strchr(from, c) : NULL;

	if (!found && c != 'u')
		return unexpected(r) != JSON_ERROR;
	r->at++;
	if (c == 'u')
		return read_unit(r, t);
	end_half(t);
	put(t, to[found - from]);
	return true;
}

/* A string behind its opening quote. */
static bool read_string(struct json_reader *r, char *buf, size_t size)
{
	struct text t = { buf, 0, size, 0 };
	int c;

	while ((c = peek(r)) != '"') {
		if (c < ' ')
			return unexpected(r) != JSON_ERROR;
		r->at++;
		if (c == '\\') {
			if (!read_escape(r, &t))
				return false;
			continue;
		}
		end_half(&t);
		put(&t, c);
	}
	r->at++;
	end_half(&t);
	buf[t.len] = 0;
	return true;
}

/* --- numbers ---------------------------------------------------------------------------------- */

static bool is_digit(int c)
{
	return c >= '0' && c <= '9';
}

static bool read_digits(struct json_reader *r, struct text *t)
{
	if (!is_digit(peek(r)))
		return unexpected(r) != JSON_ERROR;
	while (is_digit(peek(r)))
		put(t, take(r));
	return true;
}

static bool read_exponent(struct json_reader *r, struct text *t)
{
	int c = peek(r);

	if (c != 'e' && c != 'E')
		return true;
	put(t, take(r));
	c = peek(r);
	if (c == '+' || c == '-')
		put(t, take(r));
	return read_digits(r, t);
}

static enum json_token read_number(struct json_reader *r)
{
	struct text t = { r->text, 0, sizeof(r->text), 0 };

	if (peek(r) == '-')
		put(&t, take(r));
	if (peek(r) == '0')
		put(&t, take(r));
	else if (!read_digits(r, &t))
		return JSON_ERROR;
	if (peek(r) == '.') {
		put(&t, take(r));
		if (!read_digits(r, &t))
			return JSON_ERROR;
	}
	if (!read_exponent(r, &t))
		return JSON_ERROR;
	r->text[t.len] = 0;
	return JSON_NUMBER;
}

static bool whole(const char *text, const char *end)
{
	return end != text && !*end && !errno;
}

bool json_to_i64(struct json_reader *r, int64_t *v)
{
	char *end;

	errno = 0;
	*v = strtoll(r->text, &end, 10);
	return whole(r->text, end) || json_fail(r, "not a 64-bit integer") != JSON_ERROR;
}

bool json_to_u64(struct json_reader *r, uint64_t *v)
{
	char *end;

	errno = 0;
	*v = strtoull(r->text, &end, 10); /* which takes "-1" */
	if (*r->text != '-' && whole(r->text, end))
		return true;
	return json_fail(r, "not an unsigned 64-bit integer") != JSON_ERROR;
}

bool json_to_double(struct json_reader *r, double *v)
{
	char *end;

	errno = 0;
	*v = strtod(r->text, &end);
	return whole(r->text, end) || json_fail(r, "not a number in range") != JSON_ERROR;
}

/* --- values ----------------------------------------------------------------------------------- */

static bool in_object(const struct json_reader *r)
{
	return r->depth && r->in_object >> (r->depth - 1) & 1;
}

static enum json_token open_level(struct json_reader *r, enum json_token token)
{
	uint32_t bit;

	if (r->depth == JSON_MAX_DEPTH)
		return json_fail(r, "nested too deeply");
	bit = 1u << r->depth;
	r->at++;
	r->in_object = token == JSON_OBJECT ? r->in_object | bit : r->in_object & ~bit;
	r->depth++;
	r->filled = false;
	return token;
}

static enum json_token close_level(struct json_reader *r)
{
	r->at++;
	r->depth--;
	r->filled = true;
	return JSON_CLOSE;
}

static enum json_token read_word(struct json_reader *r, const char *word, enum json_token token)
{
	for (; *word; word++) {
		if (peek(r) != *word)
			return unexpected(r);
		r->at++;
	}
	return token;
}

static enum json_token read_value(struct json_reader *r)
{
	int c = after_space(r);

	switch (c) {
	case '{':
		return open_level(r, JSON_OBJECT);
	case '[':
		return open_level(r, JSON_ARRAY);
	case '"':
		r->at++;
		return read_string(r, r->text, sizeof(r->text)) ? JSON_STRING : JSON_ERROR;
	case 't':
		return read_word(r, "true", JSON_TRUE);
	case 'f':
		return read_word(r, "false", JSON_FALSE);
	case 'n':
		return read_word(r, "null", JSON_NULL);
	default:
		return c == '-' || is_digit(c) ? read_number(r) : unexpected(r);
	}
}

static bool read_key(struct json_reader *r)
{
	if (after_space(r) != '"')
		return unexpected(r) != JSON_ERROR;
	r->at++;
	if (!read_string(r, r->key, sizeof(r->key)))
		return false;
	if (after_space(r) != ':')
		return unexpected(r) != JSON_ERROR;
	r->at++;
	return true;
}

/* Reads what precedes the next value of an object or array: false at an error. */
static bool separate(struct json_reader *r, int c)
{
	if (!r->filled)
		return true;
	if (c != ',')
		return unexpected(r) != JSON_ERROR;
	r->at++;
	return true;
}

enum json_token json_next(struct json_reader *r)
{
	enum json_token token;
	int c = after_space(r);

	r->key[0] = 0;
	if (*r->error)
		return JSON_ERROR;
	if (!r->depth && c == NO_BYTE)
		return JSON_END;
	if (r->depth && c == (in_object(r) ? '}' : ']'))
		return close_level(r);
	if (r->depth && !separate(r, c))
		return JSON_ERROR;
	if (in_object(r) && !read_key(r))
		return JSON_ERROR;
	token = read_value(r);
	if (token != JSON_OBJECT && token != JSON_ARRAY)
		r->filled = true;
	return token;
}

bool json_skip(struct json_reader *r, enum json_token token)
{
	unsigned int outside = r->depth - 1;

	if (token != JSON_OBJECT && token != JSON_ARRAY)
		return token != JSON_ERROR;
	while (r->depth > outside)
		if (json_next(r) == JSON_ERROR)
			return false;
	return true;
}
