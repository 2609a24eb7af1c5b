/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: file. Event formats, as the kernel shows them under tracing/events.
 *
 * Parsed here and not by libtraceevent: only the "field:" lines are needed, which a single printf()
 * of the kernel writes, and a file has 7 MB of other text. libtraceevent also parses the print
 * format of each event, an expression in a subset of C; on hostile text version 1.7.1 frees memory
 * twice there. The formats of a file must pass this parser before libtracecmd is given the file.
 */
#ifndef HVST_FILE_FORMAT_H
#define HVST_FILE_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HVST_MAX_FORMAT	       (256 * 1024) /* bytes of one format's text */
#define HVST_MAX_FORMAT_FIELDS 128

struct hvst_format_field {
	char name[48];
	uint16_t offset, size;
	bool is_signed;
};

struct hvst_format {
	char system[32];
	char name[64];
	uint16_t id;
	unsigned int nr_fields;
	struct hvst_format_field *fields; /* owned */
};

/*
 * Parses the text of one format (or of header_page, which has no name and no id). Returns 0,
 * -EINVAL for text that no kernel writes, or -ENOMEM. On success the caller frees @fmt->fields.
 */
int hvst_format_parse(struct hvst_format *fmt, const char *system, const char *text, size_t len);
const struct hvst_format_field *hvst_format_field(const struct hvst_format *fmt, const char *name);

#endif
