/* SPDX-License-Identifier: GPL-2.0 */
/* A JSON writer: commas, escapes, null for unknown. Keys are NULL inside arrays. */
#ifndef HVST_CLI_JSON_H
#define HVST_CLI_JSON_H

#include "out.h"

struct hvst_trace;

struct json {
	struct out *o;
	unsigned int depth;
	unsigned int pretty;		/* down to this depth each member has a line of its own */
	uint64_t filled;		/* bit per depth: a member was written */
	const struct hvst_trace *trace; /* for the contract: names of buffers */
};

void json_start(struct json *j, struct out *o, unsigned int pretty);
void json_object(struct json *j, const char *key);
void json_array(struct json *j, const char *key);
void json_end_object(struct json *j);
void json_end_array(struct json *j);
void json_i64(struct json *j, const char *key, int64_t v); /* HVST_UNKNOWN: null */
void json_u64(struct json *j, const char *key, uint64_t v);
void json_number(struct json *j, const char *key, double v, int decimals); /* NaN: null */
void json_bool(struct json *j, const char *key, bool v);
void json_string(struct json *j, const char *key, const char *v); /* NULL: null */
void json_null(struct json *j, const char *key);
/* -1 stands for unknown in ids: null. */
void json_id(struct json *j, const char *key, int id);

/* @s as a JSON string with its quotes; bytes that are not UTF-8 become U+FFFD. */
void json_quote(struct out *o, const char *s);

#endif
