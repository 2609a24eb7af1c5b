/* SPDX-License-Identifier: GPL-2.0 */
/* The tables as a SQLite database. */
#ifndef HVST_CLI_EXPORT_SQLITE_H
#define HVST_CLI_EXPORT_SQLITE_H

#include <sqlite3.h>

#include "table.h"

#define SQLITE_APPLICATION_ID 0x48565354 /* "HVST": file(1) and this program know it by that */
#define SQLITE_SCHEMA_VERSION 4

/**
 * struct sqlite_sink - an open database, with one transaction under way
 * @path: as given
 * @tmp: where a new database is made; NULL: rows are added to an existing one
 */
struct sqlite_sink {
	struct export_sink sink;
	sqlite3 *db;
	sqlite3_stmt *insert[TABLE_COUNT];
	const char *path;
	char *tmp;
};

/* Tables and views are made where there are none. 0, or a negative errno after a message. */
int sqlite_open(struct sqlite_sink *s, const char *path);
/* Commit; a new database gets its name. 0, or a negative errno after a message. */
int sqlite_finish(struct sqlite_sink *s);
/* Roll back; of a new database nothing is left behind. */
void sqlite_discard(struct sqlite_sink *s);

/* The statements that make the views (views.c). */
extern const char sqlite_views[];

#endif
