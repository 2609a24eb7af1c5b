/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: file. The parser of event formats. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"

static bool is_text(const char *s, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)s[i];

		if ((c < ' ' && c != '\t' && c != '\n') || c >= 0x7f)
			return false;
	}
	return true;
}

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* The text behind @key in [@s, @end), NULL when it is not there. */
static const char *after(const char *s, const char *end, const char *key)
{
	const char *p = memmem(s, (size_t)(end - s), key, strlen(key));

	return p ? p + strlen(key) : NULL;
}

/* A decimal number of at most @max, ended by @stop. */
static bool number(const char *s, const char *end, char stop, unsigned int max, unsigned int *out)
{
	unsigned int v = 0;
	const char *p = s;

	for (; p < end && *p >= '0' && *p <= '9'; p++) {
		v = v * 10 + (unsigned int)(*p - '0');
		if (v > max)
			return false;
	}
	*out = v;
	return p > s && (p == end ? stop == '\n' : *p == stop);
}

/* "unsigned long args[6]" names args: the last word before an array's brackets. */
static bool field_name(const char *decl, const char *end, char *name, size_t size)
{
	const char *stop = memchr(decl, '[', (size_t)(end - decl));
	const char *start;

	/* "__data_loc char[] name" has its brackets in the type */
	if (stop && stop + 1 < end && stop[1] == ']' && stop + 2 < end && stop[2] == ' ')
		stop = NULL;
	if (!stop)
		stop = end;
	for (start = stop; start > decl && is_word(start[-1]);)
		start--;
	if (start == stop || (size_t)(stop - start) >= size)
		return false;
	memcpy(name, start, (size_t)(stop - start));
	name[stop - start] = '\0';
	return true;
}

static int parse_field(struct hvst_format *fmt, const char *decl, const char *end)
{
	struct hvst_format_field *f = &fmt->fields[fmt->nr_fields];
	const char *semi = memchr(decl, ';', (size_t)(end - decl));
	const char *off = after(decl, end, "offset:"), *size = after(decl, end, "size:");
	const char *sign = after(decl, end, "signed:");
	unsigned int o, s, sg = 0;

	if (!semi || !off || !size || fmt->nr_fields == HVST_MAX_FORMAT_FIELDS)
		return -EINVAL;
	if (!field_name(decl, semi, f->name, sizeof(f->name)))
		return -EINVAL;
	if (!number(off, end, ';', UINT16_MAX, &o) || !number(size, end, ';', UINT16_MAX, &s) ||
	    o + s > UINT16_MAX + 1u || (sign && !number(sign, end, ';', 1, &sg)))
		return -EINVAL;
	f->offset = (uint16_t)o;
	f->size = (uint16_t)s;
	f->is_signed = sg;
	fmt->nr_fields++;
	return 0;
}

static int parse_line(struct hvst_format *fmt, const char *line, const char *end)
{
	unsigned int id;

	while (line < end && (*line == '\t' || *line == ' '))
		line++;
	if (end - line > 6 && !memcmp(line, "field:", 6))
		return parse_field(fmt, line + 6, end);
	if (end - line > 6 && !memcmp(line, "name: ", 6)) {
		size_t n = (size_t)(end - line) - 6;

		if (n >= sizeof(fmt->name))
			return -EINVAL;
		memcpy(fmt->name, line + 6, n);
		fmt->name[n] = '\0';
	} else if (end - line > 4 && !memcmp(line, "ID: ", 4)) {
		if (!number(line + 4, end, '\n', UINT16_MAX, &id))
			return -EINVAL;
		fmt->id = (uint16_t)id;
	}
	return 0;
}

static int parse_lines(struct hvst_format *fmt, const char *text, size_t len)
{
	const char *end = text + len;

	while (text < end) {
		const char *nl = memchr(text, '\n', (size_t)(end - text));
		const char *stop = nl ? nl : end;
		int rc;

		if (stop - text >= 10 && !memcmp(text, "print fmt:", 10))
			break;
		rc = parse_line(fmt, text, stop);
		if (rc)
			return rc;
		text = nl ? nl + 1 : end;
	}
	return 0;
}

int hvst_format_parse(struct hvst_format *fmt, const char *system, const char *text, size_t len)
{
	struct hvst_format_field *fit;
	int rc;

	memset(fmt, 0, sizeof(*fmt));
	if (len > HVST_MAX_FORMAT || !is_text(text, len) || strlen(system) >= sizeof(fmt->system))
		return -EINVAL;
	strcpy(fmt->system, system);
	fmt->fields = calloc(HVST_MAX_FORMAT_FIELDS, sizeof(*fmt->fields));
	if (!fmt->fields)
		return -ENOMEM;
	rc = parse_lines(fmt, text, len);
	if (rc) {
		free(fmt->fields);
		memset(fmt, 0, sizeof(*fmt));
		return rc;
	}
	fit = realloc(fmt->fields, (fmt->nr_fields + 1) * sizeof(*fit));
	if (fit)
		fmt->fields = fit;
	return 0;
}

const struct hvst_format_field *hvst_format_field(const struct hvst_format *fmt, const char *name)
{
	for (unsigned int i = 0; i < fmt->nr_fields; i++)
		if (!strcmp(fmt->fields[i].name, name))
			return &fmt->fields[i];
	return NULL;
}
