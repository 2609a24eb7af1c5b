// SPDX-License-Identifier: GPL-2.0
/* The JSON writer. */
#include <math.h>
#include <string.h>

#include <hvstimer/result.h>

#include "json.h"
#include "utf8.h"

static void quote_byte(struct out *o, unsigned char c)
{
	if (c == '"' || c == '\\') {
		out_char(o, '\\');
		out_char(o, c);
	} else if (c == '\n') {
		out_str(o, "\\n");
	} else if (c == '\t') {
		out_str(o, "\\t");
	} else if (c < ' ' || c == 127) {
		out_printf(o, "\\u%04x", c);
	} else {
		out_char(o, c);
	}
}

void json_quote(struct out *o, const char *s)
{
	out_char(o, '"');
	while (*s) {
		unsigned int len = utf8_length(s);

		if (len == 1)
			quote_byte(o, *s);
		else if (len && !utf8_printable(s)) /* U+0080 to U+009F: the second byte */
			out_printf(o, "\\u%04x", (unsigned char)s[1]);
		else if (len)
			out_mem(o, s, len);
		else
			out_str(o, "\\ufffd");
		s += len ? len : 1;
	}
	out_char(o, '"');
}

void json_start(struct json *j, struct out *o, unsigned int pretty)
{
	memset(j, 0, sizeof(*j));
	j->o = o;
	j->pretty = pretty;
}

static void line(struct json *j)
{
	out_char(j->o, '\n');
	out_pad(j->o, j->depth, ' ');
}

/* Write what precedes a value: comma, newline, key. */
static void lead(struct json *j, const char *key)
{
	bool filled = j->filled >> j->depth & 1;

	if (filled)
		out_char(j->o, ',');
	if (j->depth && j->depth <= j->pretty)
		line(j);
	else if (filled)
		out_char(j->o, ' ');
	j->filled |= 1ULL << j->depth;
	if (key) {
		json_quote(j->o, key);
		out_str(j->o, ": ");
	}
}

static void open_level(struct json *j, const char *key, char bracket)
{
	lead(j, key);
	out_char(j->o, bracket);
	j->depth++;
	j->filled &= ~(1ULL << j->depth);
}

static void close_level(struct json *j, char bracket)
{
	bool filled = j->filled >> j->depth & 1;
	bool pretty = j->depth <= j->pretty;

	j->depth--;
	if (filled && pretty)
		line(j);
	out_char(j->o, bracket);
	if (!j->depth)
		out_char(j->o, '\n');
}

void json_object(struct json *j, const char *key)
{
	open_level(j, key, '{');
}

void json_array(struct json *j, const char *key)
{
	open_level(j, key, '[');
}

void json_end_object(struct json *j)
{
	close_level(j, '}');
}

void json_end_array(struct json *j)
{
	close_level(j, ']');
}

void json_null(struct json *j, const char *key)
{
	lead(j, key);
	out_str(j->o, "null");
}

void json_i64(struct json *j, const char *key, int64_t v)
{
	if (v == HVST_UNKNOWN) {
		json_null(j, key);
		return;
	}
	lead(j, key);
	out_i64(j->o, v);
}

void json_u64(struct json *j, const char *key, uint64_t v)
{
	lead(j, key);
	out_u64(j->o, v);
}

void json_number(struct json *j, const char *key, double v, int decimals)
{
	if (!isfinite(v)) {
		json_null(j, key);
		return;
	}
	lead(j, key);
	out_printf(j->o, "%.*f", decimals, v);
}

void json_bool(struct json *j, const char *key, bool v)
{
	lead(j, key);
	out_str(j->o, v ? "true" : "false");
}

void json_string(struct json *j, const char *key, const char *v)
{
	if (!v) {
		json_null(j, key);
		return;
	}
	lead(j, key);
	json_quote(j->o, v);
}

void json_id(struct json *j, const char *key, int id)
{
	json_i64(j, key, id < 0 ? HVST_UNKNOWN : id);
}
