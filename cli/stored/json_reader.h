/* SPDX-License-Identifier: GPL-2.0 */
/*
 * A JSON reader that hands out one token at a time: memory does not follow the size of a document,
 * and any bytes at all give tokens or an error with its offset. Several documents may follow each
 * other. Grammar as in RFC 8259; nesting is limited to JSON_MAX_DEPTH levels.
 */
#ifndef HVST_CLI_JSON_READER_H
#define HVST_CLI_JSON_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JSON_MAX_DEPTH 32
#define JSON_TEXT_MAX  4096 /* of a string: what is longer is cut off */

enum json_token {
	JSON_ERROR,
	JSON_END, /* no further document */
	JSON_OBJECT,
	JSON_ARRAY,
	JSON_CLOSE, /* of the object or array opened last */
	JSON_STRING,
	JSON_NUMBER,
	JSON_TRUE,
	JSON_FALSE,
	JSON_NULL,
};

/**
 * struct json_reader - a stream of JSON documents
 * @key: of the value read last; "" in an array
 * @text: the value read last: decoded string, or number as it stands there
 * @error: what went wrong, with its offset; "" before that
 */
struct json_reader {
	int fd;
	unsigned char *buf;
	size_t at, len;
	uint64_t base; /* offset of @buf in the stream */
	unsigned int depth;
	uint32_t in_object; /* bit per depth */
	bool filled;	    /* a member or an element stands before */
	char key[64];
	char text[JSON_TEXT_MAX];
	char error[128];
};

/* 0 or -ENOMEM. @fd is the caller's. json_reader_free() in every case. */
int json_reader_init(struct json_reader *r, int fd);
void json_reader_free(struct json_reader *r);

/* The next token. After JSON_ERROR there is no other. */
enum json_token json_next(struct json_reader *r);
/* Skips the rest of the value that @token began. False after an error. */
bool json_skip(struct json_reader *r, enum json_token token);
/* Sets an error at this place, unless there is one. Returns JSON_ERROR. */
enum json_token json_fail(struct json_reader *r, const char *what);

/* The number read last; false after an error: it is not an integer, or does not fit. */
bool json_to_i64(struct json_reader *r, int64_t *v);
bool json_to_u64(struct json_reader *r, uint64_t *v);
bool json_to_double(struct json_reader *r, double *v);

#endif
