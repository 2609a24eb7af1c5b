// SPDX-License-Identifier: GPL-2.0
/*
 * Databases of `export --sqlite`. Each table is read once, in order of the recording's number, all
 * of them side by side: a look-up for each recording would read the table sketch once for each.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sqlite3.h>

#include "../export/sqlite.h"
#include "stored_private.h"

#define MAX_COLUMNS 64
#define MAX_ROW	    (1 << 20)
#define MAX_MEMORY  (64 << 20)

/**
 * struct cursor - the rows of one table
 * @field: of the column, or NULL: it is not read
 * @row: stands on a row
 */
struct cursor {
	enum export_table_id table;
	const struct finding_kind *kind;
	sqlite3_stmt *st;
	const struct finding_field *field[MAX_COLUMNS];
	int recording, columns;
	bool row;
};

enum { CURSOR_RECORDINGS, CURSOR_TIMERS, CURSOR_STORMS, CURSOR_VERDICTS, CURSOR_SKETCH, CURSORS };

struct stored_db {
	sqlite3 *db;
	struct cursor cursors[CURSORS];
	int file_column;
};

static int db_error(struct stored_file *f)
{
	return stored_fail(f, "%s", sqlite3_errmsg(f->db->db));
}

/* --- cursors ---------------------------------------------------------------------------------- */

static int step(struct stored_file *f, struct cursor *c)
{
	int rc = sqlite3_step(c->st);

	c->row = rc == SQLITE_ROW;
	return c->row || rc == SQLITE_DONE ? 0 : db_error(f);
}

static const struct finding_field *field_of(const struct finding_kind *kind, const char *column)
{
	char name[COLUMN_BUF];
	unsigned int i;

	for (i = 0; i < kind->n; i++)
		if (kind->fields[i].name && !strcmp(export_column(&kind->fields[i], name), column))
			return &kind->fields[i];
	return NULL;
}

static void find_columns(struct cursor *c)
{
	c->recording = -1;
	c->columns = sqlite3_column_count(c->st);
	if (c->columns > MAX_COLUMNS)
		c->columns = MAX_COLUMNS;
	for (int i = 0; i < c->columns; i++) {
		const char *name = sqlite3_column_name(c->st, i);

		if (name && !strcmp(name, RECORDING_COL))
			c->recording = i;
		else if (name)
			c->field[i] = field_of(c->kind, name);
	}
}

/* A view of that name could do anything: only tables are read. */
static int is_table(struct stored_file *f, const char *name)
{
	sqlite3_stmt *st;
	int rc;

	if (sqlite3_prepare_v2(f->db->db,
			       "SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = ?", -1,
			       &st, NULL))
		return db_error(f);
	sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC);
	rc = sqlite3_step(st);
	sqlite3_finalize(st);
	if (rc == SQLITE_ROW)
		return 0;
	return rc == SQLITE_DONE ? stored_fail(f, "no table %s", name) : db_error(f);
}

static int open_cursor(struct stored_file *f, struct cursor *c, enum export_table_id table)
{
	const char *name = export_tables[table].name;
	char sql[128];
	int err = is_table(f, name);

	if (err)
		return err;
	c->table = table;
	c->kind = export_tables[table].kind;
	snprintf(sql, sizeof(sql), "SELECT * FROM %s ORDER BY " RECORDING_COL ", rowid", name);
	if (sqlite3_prepare_v2(f->db->db, sql, -1, &c->st, NULL))
		return db_error(f);
	find_columns(c);
	if (c->recording < 0)
		return stored_fail(f, "no column %s in table %s", RECORDING_COL, name);
	return step(f, c);
}

/* --- values ----------------------------------------------------------------------------------- */

/* SQLite's integers are signed: counts above have become floating-point numbers. */
static int64_t integer(sqlite3_stmt *st, int i, const struct finding_field *f)
{
	double v;

	if (f->type != VALUE_COUNT || sqlite3_column_type(st, i) != SQLITE_FLOAT)
		return sqlite3_column_int64(st, i);
	v = sqlite3_column_double(st, i);
	return v >= 0 && v < 0x1p64 ? (int64_t)(uint64_t)v : 0;
}

/* False: not a valid value of the field. */
static bool read_cell(sqlite3_stmt *st, int i, const struct finding_field *f, void *finding)
{
	int64_t v;

	switch (f->type) {
	case VALUE_RATE:
	case VALUE_PPM:
	case VALUE_SHARE:
		field_set_double(f, finding, sqlite3_column_double(st, i));
		return true;
	case VALUE_WORD:
	case VALUE_EVENT:
		return field_set_word(f, finding, (const char *)sqlite3_column_text(st, i));
	case VALUE_ID:
	case VALUE_INT:
		v = sqlite3_column_int64(st, i);
		field_set_i64(f, finding, v);
		return v >= 0 && v <= INT_MAX;
	case VALUE_BOOL:
	case VALUE_COUNT:
	case VALUE_TIME:
	case VALUE_DURATION:
	case VALUE_SIGNED:
	case VALUE_REF:
		field_set_i64(f, finding, integer(st, i, f));
		return true;
	default: /* texts are not read */
		return true;
	}
}

/* The row that the cursor stands on, into a finding of which all is unknown. */
static int read_row(struct stored_file *f, const struct cursor *c, void *finding)
{
	for (int i = 0; i < c->columns; i++) {
		if (!c->field[i] || sqlite3_column_type(c->st, i) == SQLITE_NULL)
			continue;
		if (!read_cell(c->st, i, c->field[i], finding))
			return stored_fail(f, "table %s has a value of %s that is not known",
					   export_tables[c->table].name,
					   sqlite3_column_name(c->st, i));
	}
	return 0;
}

static int64_t recording_of(const struct cursor *c)
{
	return sqlite3_column_int64(c->st, c->recording);
}

/* Does the cursor stand on a row of @recording? Rows that belong to none are passed over. */
static bool at_recording(struct stored_file *f, struct cursor *c, int64_t recording, int *err)
{
	while (!*err && c->row && recording_of(c) < recording)
		*err = step(f, c);
	return !*err && c->row && recording_of(c) == recording;
}

/* --- findings --------------------------------------------------------------------------------- */

static bool row_of_timer(const struct sketch_row *row, const struct hvst_timer *t,
			 const char *metric)
{
	return row->vm == t->vm && row->vcpu == t->vcpu && row->tid == t->tid &&
	       row->timer == t->timer && row->metric && !strcmp(row->metric, metric);
}

static int read_sketch_row(struct stored_file *f, const struct cursor *c, struct sketch_row *row)
{
	int err;

	finding_set_unknown(c->kind, row);
	err = read_row(f, c, row);
	for (int i = 0; i < c->columns; i++)
		if (c->field[i] && c->field[i]->type == VALUE_POINTER)
			row->metric = (const char *)sqlite3_column_text(c->st, i);
	return err;
}

/* The next buckets of the table sketch, as long as they are those of @metric of the timer. */
static int read_buckets(struct stored_file *f, int64_t recording, const struct hvst_timer *t,
			const char *metric, struct rebuild *b)
{
	struct cursor *c = &f->db->cursors[CURSOR_SKETCH];
	struct sketch_row row;
	int err = 0;

	while (at_recording(f, c, recording, &err)) {
		err = read_sketch_row(f, c, &row);
		if (err || !row_of_timer(&row, t, metric))
			break;
		err = rebuild_bucket(b, row.bucket_low, row.bucket_high, row.count);
		if (err == -EINVAL)
			stored_fail(f, "no bucket of a distribution of this version");
		if (!err)
			err = step(f, c);
	}
	return err ? err : rebuild_end(b, HVST_UNKNOWN, HVST_UNKNOWN);
}

static int read_sketches(struct stored_file *f, int64_t recording, struct hvst_timer *t)
{
	int err = 0;

	for (unsigned int i = 0; !err && i < finding_timer.n; i++) {
		const struct finding_field *field = &finding_timer.fields[i];
		struct rebuild b = { 0 };

		if (field->type != VALUE_SKETCH)
			continue;
		err = read_buckets(f, recording, t, field->name, &b);
		memcpy((char *)t + field->offset, &b.s, sizeof(b.s));
	}
	return err;
}

static int read_timers(struct stored_file *f, int64_t recording, const struct stored_ops *ops,
		       void *ctx)
{
	struct cursor *c = &f->db->cursors[CURSOR_TIMERS];
	struct hvst_timer timer;
	int err = 0;

	while (at_recording(f, c, recording, &err)) {
		finding_set_unknown(c->kind, &timer);
		err = read_row(f, c, &timer);
		if (!err)
			err = read_sketches(f, recording, &timer);
		if (!err)
			err = ops->timer(ctx, &timer);
		stored_timer_free(&timer);
		if (!err)
			err = step(f, c);
	}
	if (!err && at_recording(f, &f->db->cursors[CURSOR_SKETCH], recording, &err))
		err = stored_fail(f, "table sketch is not in the order of table timers");
	return err;
}

static int read_storms(struct stored_file *f, int64_t recording, const struct stored_ops *ops,
		       void *ctx)
{
	struct cursor *c = &f->db->cursors[CURSOR_STORMS];
	struct hvst_storm storm;
	int err = 0;

	while (at_recording(f, c, recording, &err)) {
		finding_set_unknown(c->kind, &storm);
		err = read_row(f, c, &storm);
		if (!err && (storm.start_ns == HVST_UNKNOWN || storm.end_ns < storm.start_ns))
			err = stored_fail(f, "a storm without beginning or end");
		if (!err)
			err = ops->storm(ctx, &storm);
		if (!err)
			err = step(f, c);
	}
	return err;
}

static int read_verdicts(struct stored_file *f, int64_t recording, const struct stored_ops *ops,
			 void *ctx)
{
	struct cursor *c = &f->db->cursors[CURSOR_VERDICTS];
	struct hvst_verdict verdict;
	int err = 0;

	while (at_recording(f, c, recording, &err)) {
		stored_verdict_start(&verdict);
		err = read_row(f, c, &verdict);
		if (!err && !stored_verdict_known(&verdict))
			err = stored_fail(f, "a verdict without question or answer");
		if (!err)
			err = ops->verdict(ctx, &verdict);
		if (!err)
			err = step(f, c);
	}
	return err;
}

/* --- the file --------------------------------------------------------------------------------- */

static int pragma(struct stored_file *f, const char *sql, int64_t *v)
{
	sqlite3_stmt *st;
	int rc;

	if (sqlite3_prepare_v2(f->db->db, sql, -1, &st, NULL))
		return db_error(f);
	rc = sqlite3_step(st);
	if (rc == SQLITE_ROW)
		*v = sqlite3_column_int64(st, 0);
	sqlite3_finalize(st);
	return rc == SQLITE_ROW ? 0 : db_error(f);
}

static int check_schema(struct stored_file *f)
{
	int64_t id = 0, version = 0;
	int err = pragma(f, "PRAGMA application_id", &id);

	if (!err)
		err = pragma(f, "PRAGMA user_version", &version);
	if (err)
		return err;
	if (id != SQLITE_APPLICATION_ID)
		return stored_fail(f, "a database of another program");
	if (version != SQLITE_SCHEMA_VERSION)
		return stored_fail(f, "its tables are of version %lld, not %d", (long long)version,
				   SQLITE_SCHEMA_VERSION);
	return 0;
}

/*
 * The database's own schema must not call functions or write; and limit its memory, whatever it
 * claims about its pages and rows.
 */
static int distrust(struct stored_file *f)
{
	sqlite3 *db = f->db->db;

	if (sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL) ||
	    sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL) ||
	    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL) ||
	    sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL))
		return db_error(f);
	sqlite3_limit(db, SQLITE_LIMIT_LENGTH, MAX_ROW);
	sqlite3_hard_heap_limit64(MAX_MEMORY);
	return 0;
}

int stored_db_open(struct stored_file *f)
{
	static const enum export_table_id tables[CURSORS] = {
		[CURSOR_RECORDINGS] = TABLE_RECORDINGS, [CURSOR_TIMERS] = TABLE_TIMERS,
		[CURSOR_STORMS] = TABLE_STORMS,		[CURSOR_VERDICTS] = TABLE_VERDICTS,
		[CURSOR_SKETCH] = TABLE_SKETCH,
	};
	struct cursor *c;
	int i, err;

	f->db = calloc(1, sizeof(*f->db));
	if (!f->db)
		return stored_fail(f, "out of memory");
	if (sqlite3_open_v2(f->path, &f->db->db, SQLITE_OPEN_READONLY, NULL))
		return db_error(f);
	err = distrust(f);
	if (!err)
		err = check_schema(f);
	for (i = 0; !err && i < CURSORS; i++)
		err = open_cursor(f, &f->db->cursors[i], tables[i]);
	if (err)
		return err;
	c = &f->db->cursors[CURSOR_RECORDINGS];
	f->db->file_column = -1;
	for (i = 0; i < c->columns; i++)
		if (!strcmp(sqlite3_column_name(c->st, i), "file"))
			f->db->file_column = i;
	return 0;
}

void stored_db_close(struct stored_file *f)
{
	if (!f->db)
		return;
	for (int i = 0; i < CURSORS; i++)
		sqlite3_finalize(f->db->cursors[i].st);
	sqlite3_close(f->db->db);
	free(f->db);
	f->db = NULL;
}

static void read_file_name(const struct stored_db *db, struct stored_recording *rec)
{
	const unsigned char *name = NULL;

	if (db->file_column >= 0)
		name = sqlite3_column_text(db->cursors[CURSOR_RECORDINGS].st, db->file_column);
	snprintf(rec->file, sizeof(rec->file), "%s", name ? (const char *)name : "");
}

int stored_db_next(struct stored_file *f, struct stored_recording *rec,
		   const struct stored_ops *ops, void *ctx)
{
	struct cursor *c = &f->db->cursors[CURSOR_RECORDINGS];
	int64_t recording;
	int err;

	if (!c->row)
		return 0;
	recording = recording_of(c);
	err = read_row(f, c, &rec->trace);
	read_file_name(f->db, rec);
	if (!err)
		err = read_timers(f, recording, ops, ctx);
	if (!err)
		err = read_storms(f, recording, ops, ctx);
	if (!err)
		err = read_verdicts(f, recording, ops, ctx);
	if (!err)
		err = step(f, c);
	return err ? err : 1;
}
