// SPDX-License-Identifier: GPL-2.0
/* The sink that writes rows into a SQLite database. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../message.h"
#include "../output/out.h"
#include "../output/utf8.h"
#include "sqlite.h"

#define BUSY_MS 10000

static int database_error(struct sqlite_sink *s)
{
	cli_error("%s: %s", s->path, s->db ? sqlite3_errmsg(s->db) : "out of memory");
	return -EIO;
}

static int execute(struct sqlite_sink *s, const char *sql)
{
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL) ? database_error(s) : 0;
}

/* Runs a statement whose text is in @sql, and frees the text. */
static int execute_text(struct sqlite_sink *s, struct out *sql)
{
	int err;

	out_char(sql, 0);
	err = sql->err ? -sql->err : execute(s, sql->buf);
	out_discard(sql);
	return err;
}

/* --- schema ----------------------------------------------------------------------------------- */

static const char *column_type(const struct finding_field *f)
{
	switch (f->type) {
	case VALUE_RATE:
	case VALUE_PPM:
	case VALUE_SHARE:
		return "REAL";
	case VALUE_WORD:
	case VALUE_EVENT:
	case VALUE_EVENTS:
	case VALUE_STRING:
	case VALUE_POINTER:
		return "TEXT";
	default:
		return "INTEGER";
	}
}

static void key_columns(struct out *sql, const struct export_table *t)
{
	if (t == &export_tables[TABLE_RECORDINGS])
		out_str(sql, RECORDING_COL " INTEGER PRIMARY KEY");
	else
		out_str(sql, RECORDING_COL " INTEGER NOT NULL REFERENCES recordings");
	if (t->numbered)
		out_str(sql, ", " ID_COL " INTEGER NOT NULL");
}

static int create_table(struct sqlite_sink *s, const struct export_table *t)
{
	const struct export_row none = { .table = t };
	struct export_cell cells[MAX_CELLS];
	unsigned int i, n = export_cells(&none, cells);
	char name[COLUMN_BUF];
	struct out sql;

	out_open_memory(&sql);
	out_printf(&sql, "CREATE TABLE %s(", t->name);
	key_columns(&sql, t);
	for (i = 0; i < n; i++)
		out_printf(&sql, ", %s %s", export_column(cells[i].field, name),
			   column_type(cells[i].field));
	if (t->numbered)
		out_str(&sql, ", PRIMARY KEY(" RECORDING_COL ", " ID_COL "))");
	else
		out_char(&sql, ')');
	return execute_text(s, &sql);
}

static int create_schema(struct sqlite_sink *s)
{
	struct out sql;
	int i, err = 0;

	for (i = 0; !err && i < TABLE_COUNT; i++)
		err = create_table(s, &export_tables[i]);
	if (!err)
		err = execute(s, sqlite_views);
	if (err)
		return err;
	out_open_memory(&sql);
	out_printf(&sql, "PRAGMA application_id = %d; PRAGMA user_version = %d",
		   SQLITE_APPLICATION_ID, SQLITE_SCHEMA_VERSION);
	return execute_text(s, &sql);
}

/* The first column of the only row of a query. */
static int query_number(struct sqlite_sink *s, const char *sql, int64_t *v)
{
	sqlite3_stmt *st;
	int err = 0;

	if (sqlite3_prepare_v2(s->db, sql, -1, &st, NULL))
		return database_error(s);
	if (sqlite3_step(st) == SQLITE_ROW)
		*v = sqlite3_column_int64(st, 0);
	else
		err = database_error(s);
	sqlite3_finalize(st);
	return err;
}

/* Makes the tables, unless they exist: then they must be of this program, and of this version. */
static int ensure_schema(struct sqlite_sink *s)
{
	int64_t objects = 0, application = 0, version = 0;
	int err = query_number(s, "SELECT count(*) FROM sqlite_schema", &objects);

	if (!err)
		err = query_number(s, "PRAGMA application_id", &application);
	if (!err)
		err = query_number(s, "PRAGMA user_version", &version);
	if (err)
		return err;
	if (!objects)
		return create_schema(s);
	if (application != SQLITE_APPLICATION_ID) {
		cli_error("%s: a database, but none that hvstimer export made", s->path);
		return -EINVAL;
	}
	if (version == SQLITE_SCHEMA_VERSION)
		return 0;
	cli_error("%s: its tables are of version %lld, those of this hvstimer of version %d",
		  s->path, (long long)version, SQLITE_SCHEMA_VERSION);
	return -EINVAL;
}

/* --- rows ------------------------------------------------------------------------------------- */

static int prepare_insert(struct sqlite_sink *s, const struct export_table *t)
{
	const struct export_row none = { .table = t };
	struct export_cell cells[MAX_CELLS];
	unsigned int n = export_cells(&none, cells) + t->numbered;
	struct out sql;
	int err;

	out_open_memory(&sql);
	out_printf(&sql, "INSERT INTO %s VALUES(?", t->name);
	while (n--)
		out_str(&sql, ", ?");
	out_char(&sql, ')');
	out_char(&sql, 0);
	err = sql.err ? -sql.err : 0;
	if (!err && sqlite3_prepare_v3(s->db, sql.buf, -1, SQLITE_PREPARE_PERSISTENT,
				       &s->insert[t - export_tables], NULL))
		err = database_error(s);
	out_discard(&sql);
	return err;
}

/* SQLite's integers are signed: larger values become floating-point numbers. */
static int bind_count(sqlite3_stmt *st, int at, uint64_t v)
{
	return v > INT64_MAX ? sqlite3_bind_double(st, at, (double)v)
			     : sqlite3_bind_int64(st, at, (int64_t)v);
}

/* Bytes that are not UTF-8 become U+FFFD, as in JSON: readers of a database reject such text. */
static int bind_text(sqlite3_stmt *st, int at, const char *text)
{
	struct out copy;
	int rc;

	out_open_memory(&copy);
	while (*text) {
		unsigned int len = utf8_length(text);

		if (len)
			out_mem(&copy, text, len);
		else
			out_str(&copy, "\ufffd");
		text += len ? len : 1;
	}
	out_char(&copy, 0);
	rc = copy.err ? SQLITE_NOMEM : sqlite3_bind_text(st, at, copy.buf, -1, SQLITE_TRANSIENT);
	out_discard(&copy);
	return rc;
}

static int bind_cell(sqlite3_stmt *st, int at, const struct export_cell *c)
{
	const struct finding_field *f = c->field;
	char events[EVENTS_BUF];

	if (!field_known(f, c->finding))
		return sqlite3_bind_null(st, at);
	switch (f->type) {
	case VALUE_ID:
	case VALUE_INT:
		return sqlite3_bind_int(st, at, field_int(f, c->finding));
	case VALUE_BOOL:
		return sqlite3_bind_int(st, at, field_bool(f, c->finding));
	case VALUE_COUNT:
		return bind_count(st, at, field_u64(f, c->finding));
	case VALUE_RATE:
	case VALUE_PPM:
	case VALUE_SHARE:
		return sqlite3_bind_double(st, at, field_double(f, c->finding));
	case VALUE_EVENTS:
		field_text(f, c->finding, events, sizeof(events));
		return bind_text(st, at, events);
	case VALUE_WORD:
	case VALUE_EVENT:
	case VALUE_STRING:
	case VALUE_POINTER:
		return bind_text(st, at, field_string(f, c->finding));
	default:
		return sqlite3_bind_int64(st, at, field_i64(f, c->finding));
	}
}

static int step_insert(struct sqlite_sink *s, sqlite3_stmt *st)
{
	int rc = sqlite3_step(st);

	if (rc == SQLITE_CONSTRAINT && st == s->insert[TABLE_RECORDINGS]) {
		cli_error("%s: holds this recording already", s->path);
		return -EEXIST;
	}
	if (rc != SQLITE_DONE)
		return database_error(s);
	sqlite3_reset(st);
	return 0;
}

static int put_row(struct export_sink *sink, const struct export_row *row)
{
	struct sqlite_sink *s = (struct sqlite_sink *)sink;
	sqlite3_stmt *st = s->insert[row->table - export_tables];
	struct export_cell cells[MAX_CELLS];
	unsigned int i, n = export_cells(row, cells);
	int at = 1, rc;

	rc = sqlite3_bind_int64(st, at++, row->recording);
	if (!rc && row->table->numbered)
		rc = bind_count(st, at++, row->id);
	for (i = 0; !rc && i < n; i++)
		rc = bind_cell(st, at++, &cells[i]);
	return rc ? database_error(s) : step_insert(s, st);
}

/* --- the file --------------------------------------------------------------------------------- */

static int path_error(struct sqlite_sink *s, int err)
{
	cli_error("%s: %s", s->path, strerror(-err));
	return err;
}

/* An empty file beside @path, where a new database is made. */
static int make_tmp(struct sqlite_sink *s)
{
	int fd;

	if (asprintf(&s->tmp, "%s.%d", s->path, getpid()) < 0) {
		s->tmp = NULL;
		return path_error(s, -ENOMEM);
	}
	fd = open(s->tmp, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
	if (fd >= 0) {
		close(fd);
		return 0;
	}
	free(s->tmp);
	s->tmp = NULL;
	return path_error(s, -errno);
}

/*
 * A new database is thrown away if anything fails, and needs no journal. An existing one is changed
 * by one transaction with a rollback journal: a write-ahead log would be two more files, which are
 * lost when the database is copied.
 */
static int begin(struct sqlite_sink *s)
{
	int err = execute(s, s->tmp ? "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF"
				    : "PRAGMA journal_mode = DELETE");

	return err ? err : execute(s, "BEGIN IMMEDIATE");
}

int sqlite_open(struct sqlite_sink *s, const char *path)
{
	int i, err = 0;

	memset(s, 0, sizeof(*s));
	s->sink.row = put_row;
	s->path = path;
	if (access(path, F_OK))
		err = make_tmp(s);
	if (!err && sqlite3_open_v2(s->tmp ? s->tmp : path, &s->db, SQLITE_OPEN_READWRITE, NULL))
		err = database_error(s);
	if (!err)
		sqlite3_busy_timeout(s->db, BUSY_MS);
	if (!err)
		err = begin(s);
	if (!err)
		err = ensure_schema(s);
	for (i = 0; !err && i < TABLE_COUNT; i++)
		err = prepare_insert(s, &export_tables[i]);
	if (err)
		sqlite_discard(s);
	return err;
}

static void close_database(struct sqlite_sink *s)
{
	int i;

	for (i = 0; i < TABLE_COUNT; i++) {
		sqlite3_finalize(s->insert[i]);
		s->insert[i] = NULL;
	}
	sqlite3_close(s->db);
	s->db = NULL;
}

static int sync_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = fsync(fd) ? -errno : 0;
	close(fd);
	return err;
}

/*
 * link(2) fails where another process has made a database of that name meanwhile, rename(2) does
 * not; but some file systems have no links.
 */
static int give_name(struct sqlite_sink *s)
{
	int err = sync_file(s->tmp);

	if (!err && link(s->tmp, s->path))
		err = -errno;
	if (err == -EPERM)
		err = rename(s->tmp, s->path) ? -errno : 0;
	return err ? path_error(s, err) : 0;
}

int sqlite_finish(struct sqlite_sink *s)
{
	int err = execute(s, "COMMIT");

	close_database(s);
	if (!err && s->tmp)
		err = give_name(s);
	sqlite_discard(s);
	return err;
}

void sqlite_discard(struct sqlite_sink *s)
{
	close_database(s);
	if (s->tmp)
		unlink(s->tmp);
	free(s->tmp);
	s->tmp = NULL;
}
