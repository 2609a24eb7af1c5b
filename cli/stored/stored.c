// SPDX-License-Identifier: GPL-2.0
/* Opens stored results of either kind. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "../export/table.h"
#include "../magic.h"
#include "stored_private.h"

int stored_fail(struct stored_file *f, const char *fmt, ...)
{
	int at = snprintf(f->error, sizeof(f->error), "%.256s: ", f->path);
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(f->error + at, sizeof(f->error) - (size_t)at, fmt, ap);
	va_end(ap);
	return -EINVAL;
}

const struct finding_kind *stored_trace_kind(void)
{
	return export_tables[TABLE_RECORDINGS].kind;
}

#define NO_ANSWER ((enum hvst_answer)(HVST_YES + 1))

void stored_verdict_start(struct hvst_verdict *v)
{
	finding_set_unknown(&finding_verdict, v);
	v->question = HVST_Q_COUNT;
	v->answer = NO_ANSWER;
}

bool stored_verdict_known(const struct hvst_verdict *v)
{
	return v->question < HVST_Q_COUNT && v->answer < NO_ANSWER;
}

void stored_timer_free(struct hvst_timer *t)
{
	unsigned int i;

	for (i = 0; i < finding_timer.n; i++)
		if (finding_timer.fields[i].type == VALUE_SKETCH)
			hvst_sketch_free(
				(struct hvst_sketch *)field_sketch(&finding_timer.fields[i], t));
}

static const char database_magic[16] = "SQLite format 3";

int stored_open(struct stored_file *f, const char *path)
{
	char magic[sizeof(database_magic)] = "";

	memset(f, 0, sizeof(*f));
	f->path = path;
	f->fd = strcmp(path, "-") ? open(path, O_RDONLY | O_CLOEXEC) : STDIN_FILENO;
	if (f->fd < 0)
		return stored_fail(f, "%s", strerror(errno));
	if (pread(f->fd, magic, sizeof(magic), 0) == sizeof(magic) &&
	    !memcmp(magic, database_magic, sizeof(magic)))
		return stored_db_open(f);
	if (!memcmp(magic, TRACE_MAGIC, TRACE_MAGIC_SIZE))
		return stored_fail(f,
				   "is a recording; hvstimer diagnose --json makes a result of it");
	return json_reader_init(&f->json, f->fd) ? stored_fail(f, "out of memory") : 0;
}

void stored_close(struct stored_file *f)
{
	stored_db_close(f);
	json_reader_free(&f->json);
	if (f->fd > STDIN_FILENO)
		close(f->fd);
	f->fd = -1;
}

int stored_next(struct stored_file *f, struct stored_recording *rec, const struct stored_ops *ops,
		void *ctx)
{
	int err;

	rec->file[0] = 0;
	rec->blocks = 0;
	rec->block_ns = 0;
	finding_set_unknown(stored_trace_kind(), &rec->trace);
	err = f->db ? stored_db_next(f, rec, ops, ctx) : stored_json_next(f, rec, ops, ctx);
	if (err < 0 && !*f->error)
		stored_fail(f, "%s", strerror(-err));
	return err;
}
