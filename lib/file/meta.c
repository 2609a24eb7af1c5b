/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: file. The parser of the descriptions in meta.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "meta.h"

#define MAX_FORMATS 65536
#define MAX_COMMS   65536

static int text_of(struct hvst_file *f, struct hvst_cursor *c, const char *what, char **text,
		   uint64_t *len)
{
	*len = hvst_cursor_u64(c);
	*text = c->bad ? NULL : hvst_cursor_dup(c, *len, HVST_MAX_FORMAT);
	return *text ? 0 : hvst_file_bad(f, c, what);
}

/* The sub-buffer's head: a time stamp, the commit word, then the data. */
static int use_header_page(struct hvst_file *f, const struct hvst_format *fmt)
{
	const struct hvst_format_field *ts = hvst_format_field(fmt, "timestamp");
	const struct hvst_format_field *commit = hvst_format_field(fmt, "commit");
	const struct hvst_format_field *data = hvst_format_field(fmt, "data");

	if (!ts || !commit || !data)
		return hvst_file_fail(f, -EBADMSG,
				      "corrupt: header_page lacks timestamp, commit or data");
	if (commit->size == 4)
		return hvst_file_fail(f, -EOPNOTSUPP,
				      "recorded by a 32-bit kernel, which is not supported");
	f->data_offset = data->offset;
	/* libtracecmd would read it as if it had this layout. */
	if (ts->offset || ts->size != 8 || commit->offset != 8 || commit->size != 8 ||
	    data->offset != 16)
		return hvst_file_fail(f, -EOPNOTSUPP, "sub-buffers with an unusual head");
	return 0;
}

int hvst_meta_header_info(struct hvst_file *f, struct hvst_cursor *c)
{
	struct hvst_format fmt;
	char magic[13], *text;
	uint64_t len;
	int rc;

	if (!hvst_cursor_bytes(c, magic, 12) || memcmp(magic, "header_page", 12))
		return hvst_file_bad(f, c, "header_page");
	rc = text_of(f, c, "header_page", &text, &len);
	if (rc)
		return rc;
	rc = hvst_format_parse(&fmt, "", text, (size_t)len);
	free(text);
	if (rc == -ENOMEM)
		return hvst_file_no_memory(f);
	if (rc)
		return hvst_file_fail(f, -EBADMSG, "corrupt: header_page is no format");
	rc = use_header_page(f, &fmt);
	free(fmt.fields);
	if (rc)
		return rc;
	if (!hvst_cursor_bytes(c, magic, 13) || memcmp(magic, "header_event", 13))
		return hvst_file_bad(f, c, "header_event");
	hvst_cursor_skip(c, hvst_cursor_u64(c));
	return c->bad ? hvst_file_bad(f, c, "header_event") : 0;
}

static bool is_wanted(const struct hvst_file *f, const char *system)
{
	for (const char *const *s = f->systems; s && *s; s++)
		if (!strcmp(*s, system))
			return true;
	return !f->systems;
}

static int add_format(struct hvst_file *f, const char *system, const char *text, size_t len)
{
	struct hvst_format *fmts = f->formats;
	int rc;

	if (f->nr_formats == MAX_FORMATS)
		return -EINVAL;
	if (!(f->nr_formats & (f->nr_formats - 1))) {
		fmts = realloc(fmts, (f->nr_formats ? 2 * f->nr_formats : 1) * sizeof(*fmts));
		if (!fmts)
			return -ENOMEM;
		f->formats = fmts;
	}
	rc = hvst_format_parse(&fmts[f->nr_formats], system, text, len);
	if (!rc)
		f->nr_formats++;
	return rc;
}

int hvst_meta_formats(struct hvst_file *f, struct hvst_cursor *c, const char *system)
{
	uint32_t n = hvst_cursor_u32(c);

	if (n > MAX_FORMATS)
		return hvst_file_bad(f, c, "number of event formats");
	for (uint32_t i = 0; i < n && !c->bad; i++) {
		uint64_t at = c->pos, len;
		char *text;
		int rc;

		if (!system) {
			hvst_cursor_skip(c, hvst_cursor_u64(c));
			continue;
		}
		rc = text_of(f, c, "event format", &text, &len);
		if (rc)
			return rc;
		rc = add_format(f, system, text, (size_t)len);
		free(text);
		if (rc == -ENOMEM)
			return hvst_file_no_memory(f);
		if (rc)
			return hvst_file_fail(f, -EBADMSG,
					      "corrupt: the event format at offset %llu cannot be "
					      "read",
					      (unsigned long long)at);
	}
	return c->bad ? hvst_file_bad(f, c, "event formats") : 0;
}

int hvst_meta_systems(struct hvst_file *f, struct hvst_cursor *c)
{
	uint32_t n = hvst_cursor_u32(c);
	char system[64];

	if (n > MAX_FORMATS)
		return hvst_file_bad(f, c, "number of event systems");
	for (uint32_t i = 0; i < n; i++) {
		int rc;

		if (!hvst_cursor_str(c, system, sizeof(system)))
			return hvst_file_bad(f, c, "name of an event system");
		rc = hvst_meta_formats(f, c, is_wanted(f, system) ? system : NULL);
		if (rc)
			return rc;
	}
	return c->bad ? hvst_file_bad(f, c, "event formats") : 0;
}

/* One line of saved_cmdlines: "PID COMM". Others are left out. */
static void add_comm(struct hvst_file *f, const char *line)
{
	struct hvst_comm *c = &f->comms[f->nr_comms];
	char *end;
	long pid = strtol(line, &end, 10);

	if (end == line || *end != ' ' || pid < 0 || pid > INT32_MAX)
		return;
	c->pid = (int)pid;
	snprintf(c->comm, sizeof(c->comm), "%.15s", end + 1);
	f->nr_comms++;
}

static int parse_comms(struct hvst_file *f, char *text)
{
	unsigned int lines = 1;
	char *save = NULL;

	for (const char *p = text; *p; p++)
		lines += *p == '\n';
	if (lines > MAX_COMMS)
		lines = MAX_COMMS;
	free(f->comms);
	f->nr_comms = 0;
	f->comms = calloc(lines, sizeof(*f->comms));
	if (!f->comms)
		return -ENOMEM;
	for (char *l = strtok_r(text, "\n", &save); l && f->nr_comms < lines;
	     l = strtok_r(NULL, "\n", &save))
		add_comm(f, l);
	qsort(f->comms, f->nr_comms, sizeof(*f->comms), hvst_cmp_comm);
	return 0;
}

int hvst_meta_comms(struct hvst_file *f, struct hvst_cursor *c)
{
	uint64_t len = hvst_cursor_u64(c);
	char *text = c->bad ? NULL : hvst_cursor_dup(c, len, HVST_MAX_META);
	int rc;

	if (!text)
		return hvst_file_bad(f, c, "saved command lines");
	rc = parse_comms(f, text);
	free(text);
	return rc ? hvst_file_no_memory(f) : 0;
}
