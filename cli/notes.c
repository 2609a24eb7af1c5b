// SPDX-License-Identifier: GPL-2.0
/*
 * The file: a line for each thing, its name first.
 *
 *	hvstimer-notes 1
 *	recording SIZE		bytes of the recording
 *	bookmark NAME NS TEXT
 *	filter EXPRESSION
 *	window FROM TO CURSOR	ns
 *	whole | by-harm | only-findings
 *	fold VM
 *
 * Lines that begin otherwise are left alone, so that a later version may have more.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "hash.h"
#include "notes.h"
#include "output/out.h"

#define HEADING	 "hvstimer-notes 1"
#define MAX_SIZE 65536
#define MAX_LINE 1024
#define SUFFIX	 ".hvst"

static const char names[NOTES_MAX + 1] =
	"0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

int notes_slot(int name)
{
	const char *at = name > 0 && name < 0x80 ? strchr(names, name) : NULL;

	return at ? (int)(at - names) : -1;
}

char notes_name(int slot)
{
	return names[slot];
}

static int fail(char *why, int err, const char *path, const char *what)
{
	snprintf(why, NOTES_MESSAGE, "%.200s: %s", path, what ? what : strerror(-err));
	return err;
}

/* --- where ------------------------------------------------------------------------------------ */

static bool state_dir(char *buf, size_t len)
{
	const char *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	int n = 0;

	/* A relative one is to be ignored, says the XDG Base Directory Specification. */
	if (state && *state == '/')
		n = snprintf(buf, len, "%s/hvstimer", state);
	else if (home && *home == '/')
		n = snprintf(buf, len, "%s/.local/state/hvstimer", home);
	return n > 0 && (size_t)n < len;
}

static bool path_beside(const char *recording, char *buf, size_t len)
{
	return (size_t)snprintf(buf, len, "%s" SUFFIX, recording) < len;
}

static bool path_in_state(const char *recording, char *buf, size_t len)
{
	char dir[PATH_MAX], real[PATH_MAX];
	const char *slash;

	if (!state_dir(dir, sizeof(dir)) || !realpath(recording, real))
		return false;
	slash = strrchr(real, '/');
	return (size_t)snprintf(buf, len, "%s/%.80s-%016" PRIx64 SUFFIX, dir, slash + 1,
				hash_bytes(HASH_EMPTY, real, strlen(real))) < len;
}

/* Of the two places the one that was written last; false: there is none. */
static bool path_to_read(const char *recording, char *buf, size_t len)
{
	struct stat beside, state;
	char other[PATH_MAX];
	bool is_beside = path_beside(recording, buf, len) && !lstat(buf, &beside);
	bool is_state = path_in_state(recording, other, sizeof(other)) && !lstat(other, &state);

	if (is_state && (!is_beside || state.st_mtim.tv_sec > beside.st_mtim.tv_sec)) {
		snprintf(buf, len, "%s", other);
		return true;
	}
	return is_beside;
}

static void make_parents(char *path)
{
	for (char *p = path + 1; (p = strchr(p, '/')); p++) {
		*p = 0;
		mkdir(path, 0700);
		*p = '/';
	}
}

/* --- reading ---------------------------------------------------------------------------------- */

static int64_t size_of(const char *recording)
{
	struct stat st;

	return stat(recording, &st) ? -1 : (int64_t)st.st_size;
}

/* A whole number within the range that the browser works with. */
static bool take_ns(char **at, int64_t *v)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(*at, &end, 10);
	if (end == *at || errno || n < -(1ll << 61) || n > 1ll << 61)
		return false;
	*at = end;
	*v = n;
	return true;
}

/* Up to @len - 1 bytes of printable ASCII: whatever else there is may be meant for a terminal. */
static void copy_text(char *to, size_t len, const char *from)
{
	size_t n = 0;

	for (; *from && n + 1 < len; from++)
		to[n++] = *from >= 0x20 && *from < 0x7f ? *from : '?';
	to[n] = 0;
}

static void take_bookmark(struct notes *n, char *args)
{
	int slot = notes_slot(args[0]);
	char *at = args + 1;
	struct note *b = &n->note[n->n];
	int64_t ts;

	if (slot < 0 || *at != ' ' || n->n == NOTES_MAX || !take_ns(&at, &ts))
		return;
	for (unsigned int i = 0; i < n->n; i++)
		if (n->note[i].name[0] == args[0])
			return;
	b->name[0] = args[0];
	b->name[1] = 0;
	b->ts_ns = ts;
	copy_text(b->text, sizeof(b->text), at + (*at == ' '));
	n->n++;
}

static void take_window(struct notes *n, char *args)
{
	int64_t from, to, cursor;

	if (!take_ns(&args, &from) || !take_ns(&args, &to) || !take_ns(&args, &cursor) ||
	    to <= from)
		return;
	n->from_ns = from;
	n->to_ns = to;
	n->cursor_ns = cursor;
	n->viewed = true;
}

static void take_fold(struct notes *n, char *args)
{
	int64_t vm;

	if (n->nr_folded < NOTES_FOLDED && take_ns(&args, &vm) && vm >= -1 && vm <= INT_MAX)
		n->folded[n->nr_folded++] = (int)vm;
}

static void take_line(struct notes *n, char *line, int64_t *size)
{
	char *args = line + strcspn(line, " ");

	if (*args)
		*args++ = 0;
	if (!strcmp(line, "recording") && !take_ns(&args, size))
		*size = -1;
	else if (!strcmp(line, "bookmark"))
		take_bookmark(n, args);
	else if (!strcmp(line, "filter"))
		copy_text(n->filter, sizeof(n->filter), args);
	else if (!strcmp(line, "window"))
		take_window(n, args);
	else if (!strcmp(line, "fold"))
		take_fold(n, args);
	n->whole |= !strcmp(line, "whole");
	n->by_harm |= !strcmp(line, "by-harm");
	n->only_findings |= !strcmp(line, "only-findings");
}

int notes_parse(struct notes *n, char *text, int64_t *size)
{
	char *save, *line = strtok_r(text, "\n", &save);

	memset(n, 0, sizeof(*n));

	if (!line || strcmp(line, HEADING))
		return -EINVAL;
	*size = -1;
	while ((line = strtok_r(NULL, "\n", &save)))
		if (strlen(line) < MAX_LINE)
			take_line(n, line, size);
	return 0;
}

/* The whole of a small regular file, not behind a symbolic link. */
static char *slurp(const char *path, int *err)
{
	int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	char *text = NULL;
	struct stat st;
	ssize_t len = 0, got;

	*err = fd < 0 ? -errno : fstat(fd, &st) ? -errno : 0;
	if (!*err && !S_ISREG(st.st_mode))
		*err = -EINVAL;
	if (!*err && st.st_size > MAX_SIZE)
		*err = -EFBIG;
	text = *err ? NULL : malloc(MAX_SIZE + 1);
	if (!*err && !text)
		*err = -ENOMEM;
	while (text && len < MAX_SIZE && (got = read(fd, text + len, MAX_SIZE - len)) > 0)
		len += got;
	if (text)
		text[len] = 0; /* what comes behind a NUL is not looked at */
	if (fd >= 0)
		close(fd);
	return text;
}

static int read_path(struct notes *n, const char *recording, const char *path, char *why)
{
	int64_t size;
	int err;
	char *text = slurp(path, &err);

	memset(n, 0, sizeof(*n));
	if (!text)
		return err == -ENOENT ? 0 : fail(why, err, path, NULL);
	err = notes_parse(n, text, &size);
	free(text);
	if (err)
		fail(why, err, path, "this is no file with notes of hvstimer");
	else if (size != size_of(recording))
		err = fail(why, -ESTALE, path, "these notes are of another recording");
	if (err)
		memset(n, 0, sizeof(*n));
	return err;
}

int notes_read(struct notes *n, const char *recording, const char *path, char *why)
{
	char buf[PATH_MAX];

	memset(n, 0, sizeof(*n));
	if (!path && !path_to_read(recording, buf, sizeof(buf)))
		return 0;
	return read_path(n, recording, path ? path : buf, why);
}

/* --- writing ---------------------------------------------------------------------------------- */

static void line(struct out *o, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

static void line(struct out *o, const char *fmt, ...)
{
	char buf[MAX_LINE];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(buf, sizeof(buf), fmt, ap);
	va_end(ap);
	out_str(o, buf);
	out_char(o, '\n');
}

static void put(struct out *o, const struct notes *n, const char *recording)
{
	line(o, HEADING);
	line(o, "recording %" PRId64, size_of(recording));
	for (unsigned int i = 0; i < n->n; i++)
		line(o, "bookmark %s %" PRId64 "%s%s", n->note[i].name, n->note[i].ts_ns,
		     *n->note[i].text ? " " : "", n->note[i].text);
	if (*n->filter)
		line(o, "filter %s", n->filter);
	if (n->viewed)
		line(o, "window %" PRId64 " %" PRId64 " %" PRId64, n->from_ns, n->to_ns,
		     n->cursor_ns);
	if (n->whole)
		line(o, "whole");
	if (n->by_harm)
		line(o, "by-harm");
	if (n->only_findings)
		line(o, "only-findings");
	for (unsigned int i = 0; i < n->nr_folded; i++)
		line(o, "fold %d", n->folded[i]);
}

static int write_path(const struct notes *n, const char *recording, const char *path, char *why)
{
	struct notes old;
	struct stat st;
	struct out o;
	int err;

	/* Where others can write, a link would have their file replaced, or the user's own. */
	if (!lstat(path, &st) && !S_ISREG(st.st_mode))
		return fail(why, -EEXIST, path, "this is no regular file");
	err = read_path(&old, recording, path, why);
	if (err)
		return err;
	err = out_open(&o, path, COLOR_NEVER);
	if (err)
		return fail(why, err, path, NULL);
	put(&o, n, recording);
	err = out_close(&o);
	return err ? fail(why, err, path, NULL) : 0;
}

int notes_write(const struct notes *n, const char *recording, const char *path, char *why)
{
	char buf[PATH_MAX];
	int err;

	if (path)
		return write_path(n, recording, path, why);
	if (!path_beside(recording, buf, sizeof(buf)))
		return fail(why, -ENAMETOOLONG, recording, NULL);
	err = write_path(n, recording, buf, why);
	if (!err || err == -ESTALE || !path_in_state(recording, buf, sizeof(buf)))
		return err;
	make_parents(buf);
	return write_path(n, recording, buf, why);
}
