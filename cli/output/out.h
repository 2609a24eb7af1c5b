/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Buffered output with its own formatting for hot paths. After the first failed write all output is
 * dropped; out_close() returns its error.
 */
#ifndef HVST_CLI_OUT_H
#define HVST_CLI_OUT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum color_mode { COLOR_AUTO, COLOR_ALWAYS, COLOR_NEVER };

/* Meaning of a piece of text; out.c maps it to a look. */
enum role {
	ROLE_NONE,
	ROLE_BAD,
	ROLE_WARN,
	ROLE_GOOD,
	ROLE_TITLE,
	ROLE_TIME,
	ROLE_DIM,
	ROLE_COUNT
};

struct out {
	int fd;	 /* -1: into memory only (tests, pieces of a page) */
	int err; /* errno of the first failure */
	bool color;
	unsigned int width;  /* columns for text */
	unsigned int height; /* lines of the terminal; 0: there is none to fit */
	char *path;	     /* -o: where the file will be, resolved; NULL: stdout */
	char *tmp;	     /* its temporary name; NULL while it has none (O_TMPFILE) */
	char *buf;
	size_t len, cap;
	size_t ready; /* room up to here without a write; 0 after an error */
};

/* Standard output when @path is NULL. Negative errno when @path cannot be made. */
int out_open(struct out *o, const char *path, enum color_mode color);
/* A writer that keeps everything in o->buf. */
void out_open_memory(struct out *o);
/*
 * Flushes and, with -o, gives the file its name; returns 0 or the negative errno of the first
 * failure.
 */
int out_close(struct out *o);
/* The same of standard output: reports an error, but a closed pipe is none. */
int out_close_stdout(struct out *o);
/* Drops what was not written; with -o no file is left behind. */
void out_discard(struct out *o);

/* Makes room for @len bytes without a write(2) in between; false after an error. */
bool out_room(struct out *o, size_t len);

/* Inline, so that a constant length is known to the compiler: a line of an event takes 30 calls. */
static inline void out_mem(struct out *o, const void *p, size_t len)
{
	/* >= avoids memcpy() to NULL */
	if (o->len + len >= o->ready && !out_room(o, len))
		return;
	memcpy(o->buf + o->len, p, len);
	o->len += len;
}

static inline void out_str(struct out *o, const char *s)
{
	out_mem(o, s, strlen(s));
}

static inline void out_char(struct out *o, char c)
{
	out_mem(o, &c, 1);
}

void out_pad(struct out *o, unsigned int n, char c);
void out_u64(struct out *o, uint64_t v);
void out_i64(struct out *o, int64_t v);
void out_hex(struct out *o, uint64_t v);
void out_printf(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/*
 * A text of any length, to be changed before it is written. NULL without memory, which @o
 * remembers. The caller frees it.
 */
char *out_format(struct out *o, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));
/* Text from a file or trace: control bytes become '?'. */
void out_safe(struct out *o, const char *s);

/* Begin and end a role; nothing without colour. */
void out_role(struct out *o, enum role role);
void out_plain(struct out *o);
/* @text in @role. */
void out_in(struct out *o, enum role role, const char *text);

/*
 * Words of @text broken at the width, each line after the first indented by @indent; ends with a
 * newline. Standing at @column. At most @lines lines (0: all), the last one ending in ".." where
 * words are missing.
 */
void out_wrap(struct out *o, unsigned int column, unsigned int indent, unsigned int lines,
	      const char *text);

#endif
