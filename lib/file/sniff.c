/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: file. Recognises common files that are not a trace.dat, for a helpful message. */
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "../base/array.h"
#include "sniff.h"

struct kind {
	const char *magic;
	uint8_t len;
	const char *advice;
};

#define KIND(magic, advice)                                                                        \
	{                                                                                          \
		magic, sizeof(magic) - 1, advice                                                   \
	}
static const struct kind kinds[] = {
	KIND("PERFILE2",
	     "is a perf.data; record with 'hvstimer record' (or trace-cmd record) instead"),
	KIND("PERFFILE",
	     "is an old perf.data; record with 'hvstimer record' (or trace-cmd record) instead"),
	KIND("\x1f\x8b", "is compressed with gzip: unpack it first (gunzip)"),
	KIND("\xfd"
	     "7zXZ",
	     "is compressed with xz: unpack it first (unxz)"),
	KIND("\x28\xb5\x2f\xfd", "is compressed with zstd as a whole: unpack it first (unzstd)"),
	KIND("BZh", "is compressed with bzip2: unpack it first (bunzip2)"),
	KIND("PK\x03\x04", "is a zip archive: unpack it first (unzip)"),
	KIND("7z\xbc\xaf\x27\x1c", "is a 7z archive: unpack it first"),
	KIND("\x7f"
	     "ELF",
	     "is an ELF program or object file, no recording"),
	KIND("# tracer:",
	     "is the text of tracefs' trace file; the binary recording is needed: record with "
	     "'hvstimer record' (or trace-cmd record), or save the ring buffer with 'trace-cmd "
	     "extract'"),
	KIND("version https://git-lfs.github.com/spec/",
	     "is a pointer of Git LFS, not the file itself: fetch it (git lfs pull)"),
	KIND("{", "is JSON text, no recording"),
};

#define REPORT                                                                                     \
	"is the text that 'trace-cmd report' prints; the trace.dat that it was printed from is "   \
	"needed"

/* A line of trace-cmd report or of tracefs: "  COMM-PID  [CPU]  SECONDS.MICROS: event: ...". */
static bool is_trace_line(const char *s)
{
	const char *br = strchr(s, '[');
	const char *nl = strchr(s, '\n');

	if (!br || (nl && br > nl) || br[1] < '0' || br[1] > '9')
		return false;
	br = strchr(br, ']');
	return br && (!nl || br < nl) && strchr(br, ':') && (!nl || strchr(br, ':') < nl);
}

/*
 * A line of perf script: "COMM  PID [CPU] SECONDS.MICROS: SYSTEM:EVENT: ...". It differs from
 * trace-cmd's in naming the event's system.
 */
static bool is_perf_line(const char *s)
{
	const char *nl = strchr(s, '\n');
	const char *time = strchr(s, ']'), *colon = time ? strstr(time, ": ") : NULL;
	size_t system;

	if (!is_trace_line(s) || !colon || (nl && colon > nl))
		return false;
	colon += strspn(colon, ": ");
	system = strspn(colon, "abcdefghijklmnopqrstuvwxyz0123456789_");
	return system && colon[system] == ':' && colon[system + 1] != ' ';
}

static bool is_html(const char *s)
{
	s += strspn(s, " \t\r\n");
	return !strncasecmp(s, "<!doctype html", 14) || !strncasecmp(s, "<html", 5);
}

static const char *text_advice(const char *s)
{
	const char *nl = strchr(s, '\n');

	if (is_html(s))
		return "is an HTML page, such as systrace writes; the trace.dat is needed";
	if (is_perf_line(s))
		return "is the text that perf script prints; record with 'hvstimer record' (or "
		       "trace-cmd record) instead";
	if (!strncmp(s, "cpus=", 5) || !strncmp(s, "version = ", 10) || is_trace_line(s))
		return REPORT;
	if (nl && is_trace_line(nl + 1))
		return REPORT;
	return NULL;
}

/* The magic number of a tar archive follows the name of its first member. */
#define TAR_MAGIC_AT 257

int hvst_file_sniff(struct hvst_file *f)
{
	char head[513] = "";
	size_t len = f->io.size < sizeof(head) - 1 ? (size_t)f->io.size : sizeof(head) - 1;
	const char *advice;
	int rc;

	if (!len)
		return hvst_file_fail(
			f, -EINVAL,
			"is empty: the recording did not get as far as writing its header");
	rc = hvst_io_read(&f->io, 0, head, len);
	if (rc)
		return hvst_file_fail(f, rc, "cannot be read: %s", hvst_io_error(rc));
	if (len < 10 && !memcmp(head, "\x17\x08\x44tracing", len))
		return hvst_file_fail(f, -EBADMSG, "cut off after %zu bytes, within the header",
				      len);
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
		if (len >= kinds[i].len && !memcmp(head, kinds[i].magic, kinds[i].len))
			return hvst_file_fail(f, -EINVAL, "%s", kinds[i].advice);
	if (len >= TAR_MAGIC_AT + 5 && !memcmp(head + TAR_MAGIC_AT, "ustar", 5))
		return hvst_file_fail(f, -EINVAL, "is a tar archive: unpack it first (tar -x)");
	advice = memchr(head, '\0', len) ? NULL : text_advice(head);
	return hvst_file_fail(f, -EINVAL, "%s",
			      advice ? advice
				     : "is no trace.dat: it lacks the magic number of one");
}
