// SPDX-License-Identifier: GPL-2.0
/* Buffered output, files that appear whole, colours. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../message.h"
#include "../write_all.h"
#include "out.h"
#include "utf8.h"

#define OUT_FLUSH_AT  (64 * 1024)
#define DEFAULT_WIDTH 80
#define MIN_WIDTH     40
#define MAX_WIDTH     400

/* Bold and underline in addition to hue: red against green must not be the only difference. */
static const char *const looks[ROLE_COUNT] = {
	[ROLE_BAD] = "\033[1;31m", [ROLE_WARN] = "\033[33m", [ROLE_GOOD] = "\033[32m",
	[ROLE_TITLE] = "\033[1m",  [ROLE_TIME] = "\033[36m", [ROLE_DIM] = "\033[2m",
};

static bool want_color(enum color_mode mode, int fd)
{
	const char *term = getenv("TERM");
	const char *no = getenv("NO_COLOR");

	if (mode != COLOR_AUTO)
		return mode == COLOR_ALWAYS;
	if (no && *no)
		return false;
	return isatty(fd) && term && strcmp(term, "dumb");
}

static unsigned long env_number(const char *name)
{
	const char *v = getenv(name);

	return v ? strtoul(v, NULL, 10) : 0;
}

/* The terminal's size; without one COLUMNS and LINES, where set. */
static void text_size(struct out *o)
{
	struct winsize ws;
	unsigned long w, h;

	if (!ioctl(o->fd, TIOCGWINSZ, &ws) && ws.ws_col) {
		w = ws.ws_col;
		h = ws.ws_row;
	} else {
		w = env_number("COLUMNS");
		h = env_number("LINES");
	}
	w = w ? w : DEFAULT_WIDTH;
	o->width = w < MIN_WIDTH ? MIN_WIDTH : w > MAX_WIDTH ? MAX_WIDTH : w;
	o->height = h;
}

/* The mode that open(2) would have given the file. */
static mode_t new_file_mode(void)
{
	mode_t mask = umask(0);

	umask(mask);
	return 0666 & ~mask;
}

static char *dir_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	if (!slash)
		return strdup(".");
	return strndup(path, slash == path ? 1 : (size_t)(slash - path));
}

static int open_named_tmp(struct out *o)
{
	if (asprintf(&o->tmp, "%s.XXXXXX", o->path) < 0) {
		o->tmp = NULL;
		return -ENOMEM;
	}
	o->fd = mkostemp(o->tmp, O_CLOEXEC);
	if (o->fd < 0) {
		int err = -errno;

		free(o->tmp);
		o->tmp = NULL;
		return err;
	}
	fchmod(o->fd, new_file_mode());
	return 0;
}

/*
 * A file without a name, where the file system supports it: killed processes leave nothing behind.
 */
static int open_new_file(struct out *o)
{
	char *dir = dir_of(o->path);

	if (!dir)
		return -ENOMEM;
	o->fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
	free(dir);
	return o->fd >= 0 ? 0 : open_named_tmp(o);
}

static int open_path(struct out *o, const char *path)
{
	char real[PATH_MAX];
	struct stat st;

	if (!stat(path, &st) && !S_ISREG(st.st_mode)) {
		/* a device, a pipe: there is nothing to rename */
		o->fd = open(path, O_WRONLY | O_CLOEXEC);
		return o->fd < 0 ? -errno : 0;
	}
	o->path = strdup(realpath(path, real) ? real : path);
	return o->path ? open_new_file(o) : -ENOMEM;
}

void out_open_memory(struct out *o)
{
	memset(o, 0, sizeof(*o));
	o->fd = -1;
	o->width = DEFAULT_WIDTH;
}

int out_open(struct out *o, const char *path, enum color_mode color)
{
	int err = 0;

	out_open_memory(o);
	if (path)
		err = open_path(o, path);
	else
		o->fd = STDOUT_FILENO;
	if (err) {
		free(o->path);
		o->path = NULL;
		return err;
	}
	o->color = want_color(color, o->fd);
	text_size(o);
	return 0;
}

/* After an error, drop what there is. */
static void flush(struct out *o)
{
	if (!o->err)
		o->err = -write_all(o->fd, o->buf, o->len);
	o->len = 0;
}

/* linkat(2) does not replace a file: link to a fresh name, then rename. */
static int name_nameless(struct out *o)
{
	char from[64];
	int err = 0;
	int try;

	snprintf(from, sizeof(from), "/proc/self/fd/%d", o->fd);
	for (try = 0; try < 100; try++) {
		if (asprintf(&o->tmp, "%s.%d-%d", o->path, getpid(), try) < 0) {
			o->tmp = NULL;
			return -ENOMEM;
		}
		if (!linkat(AT_FDCWD, from, AT_FDCWD, o->tmp, AT_SYMLINK_FOLLOW))
			return 0;
		err = -errno;
		free(o->tmp);
		o->tmp = NULL;
		if (err != -EEXIST)
			break;
	}
	return err;
}

static int give_name(struct out *o)
{
	int err = o->tmp ? 0 : name_nameless(o);

	if (err)
		return err;
	if (rename(o->tmp, o->path))
		return -errno;
	free(o->tmp);
	o->tmp = NULL;
	return 0;
}

void out_discard(struct out *o)
{
	if (o->tmp)
		unlink(o->tmp);
	if (o->fd > STDERR_FILENO)
		close(o->fd);
	free(o->tmp);
	free(o->path);
	free(o->buf);
	out_open_memory(o);
}

int out_close(struct out *o)
{
	int err;

	if (o->fd >= 0)
		flush(o);
	if (!o->err && o->path && fsync(o->fd) && errno != EINVAL)
		o->err = errno;
	err = -o->err;
	if (!err && o->path)
		err = give_name(o);
	out_discard(o);
	return err;
}

int out_close_stdout(struct out *o)
{
	int err = out_close(o);

	if (!err || err == -EPIPE)
		return 0;
	cli_error("standard output: %s", strerror(-err));
	return err;
}

bool out_room(struct out *o, size_t len)
{
	size_t cap = o->cap;
	char *buf;

	if (o->fd >= 0 && o->len + len > OUT_FLUSH_AT)
		flush(o);
	o->ready = 0;
	if (o->err)
		return false;
	while (cap < o->len + len || !cap)
		cap = cap ? cap * 2 : 2 * OUT_FLUSH_AT;
	buf = cap == o->cap ? o->buf : realloc(o->buf, cap);
	if (!buf) {
		o->err = ENOMEM;
		return false;
	}
	o->buf = buf;
	o->cap = cap;
	o->ready = o->fd < 0 ? cap : OUT_FLUSH_AT;
	return true;
}

void out_pad(struct out *o, unsigned int n, char c)
{
	if (!out_room(o, n))
		return;
	memset(o->buf + o->len, c, n);
	o->len += n;
}

void out_u64(struct out *o, uint64_t v)
{
	char tmp[24], *p = tmp + sizeof(tmp);

	/* two digits at a time: half the divisions */
	for (; v >= 100; v /= 100) {
		unsigned int two = v % 100;

		*--p = '0' + two % 10;
		*--p = '0' + two / 10;
	}
	if (v >= 10)
		*--p = '0' + v % 10;
	*--p = '0' + (v >= 10 ? v / 10 : v);
	out_mem(o, p, tmp + sizeof(tmp) - p);
}

void out_i64(struct out *o, int64_t v)
{
	if (v < 0)
		out_char(o, '-');
	out_u64(o, v < 0 ? -(uint64_t)v : (uint64_t)v);
}

void out_hex(struct out *o, uint64_t v)
{
	char tmp[24], *p = tmp + sizeof(tmp);

	do {
		*--p = "0123456789abcdef"[v & 15];
		v >>= 4;
	} while (v);
	*--p = 'x';
	*--p = '0';
	out_mem(o, p, tmp + sizeof(tmp) - p);
}

char *out_format(struct out *o, const char *fmt, va_list ap)
{
	char *text;

	if (vasprintf(&text, fmt, ap) >= 0)
		return text;
	o->err = o->err ? o->err : ENOMEM;
	return NULL;
}

void out_printf(struct out *o, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0 || !out_room(o, n + 1))
		return;
	va_start(ap, fmt);
	o->len += vsnprintf(o->buf + o->len, n + 1, fmt, ap);
	va_end(ap);
}

static void safe_mem(struct out *o, const char *s, size_t len)
{
	const char *end = s + len;

	while (s < end) {
		unsigned int n = utf8_printable(s);

		if (n)
			out_mem(o, s, n);
		else
			out_char(o, '?');
		s += n ? n : 1;
	}
}

void out_safe(struct out *o, const char *s)
{
	safe_mem(o, s, strlen(s));
}

void out_role(struct out *o, enum role role)
{
	if (o->color && looks[role])
		out_str(o, looks[role]);
}

void out_plain(struct out *o)
{
	if (o->color)
		out_str(o, "\033[0m");
}

void out_in(struct out *o, enum role role, const char *text)
{
	bool painted = o->color && looks[role];

	if (painted)
		out_role(o, role);
	out_safe(o, text);
	if (painted)
		out_plain(o);
}

void out_wrap(struct out *o, unsigned int column, unsigned int indent, unsigned int lines,
	      const char *text)
{
	unsigned int line = 1;
	bool first = true;

	while (*text) {
		size_t word = strcspn(text, " \n");
		const char *next = text + word + strspn(text + word, " \n");
		bool last = line == lines && *next; /* room for ".." is kept on the last line */

		if (!first && column + 1 + word + (last ? 3 : 0) > o->width) {
			if (line++ == lines) {
				out_str(o, " ..");
				break;
			}
			out_char(o, '\n');
			out_pad(o, indent, ' ');
			column = indent;
		} else if (!first) {
			out_char(o, ' ');
			column++;
		}
		safe_mem(o, text, word);
		column += word;
		first = false;
		text = next;
	}
	out_char(o, '\n');
}
