/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Stored results: documents of `diagnose --json`, one or several in a file, and databases of
 * `export --sqlite`. Findings are handed out one by one as they are read, so that memory does not
 * follow the size of a file; its bytes are not trusted.
 */
#ifndef HVST_CLI_STORED_H
#define HVST_CLI_STORED_H

#include <hvstimer/hvstimer.h>

#include "../compare.h"
#include "json_reader.h"

/**
 * struct stored_recording - what a result says of its recording
 * @file: its first file
 * @trace: clock, times and counts; pointers in it are NULL
 * @blocks, @block_ns: how many blocks of time its sums are of, and how long; 0: it has none
 */
struct stored_recording {
	char file[JSON_TEXT_MAX];
	struct hvst_trace trace;
	unsigned int blocks;
	int64_t block_ns;
};

/**
 * struct stored_ops - takes the findings of one result
 *
 * In any order; what a result does not have is unknown, and of texts, evidence and lists nothing is
 * read. Findings and their sketches live until the function returns: 0 or a negative errno. A
 * result that proves to be damaged may have been handed out in part.
 */
struct stored_ops {
	int (*timer)(void *ctx, const struct hvst_timer *timer);
	int (*storm)(void *ctx, const struct hvst_storm *storm);
	int (*verdict)(void *ctx, const struct hvst_verdict *verdict);
	/* Only of JSON, and may be NULL: a VM with a name; a timer's or vCPU's sums by block. */
	int (*vm)(void *ctx, int vm, const char *name);
	int (*unit)(void *ctx, const struct unit *unit);
};

struct stored_db;

/**
 * struct stored_file - a file with results
 * @path: as given; "-" is standard input
 * @db: NULL: JSON
 * @error: why a function failed, with the file's name
 */
struct stored_file {
	const char *path;
	int fd;
	struct stored_db *db;
	struct json_reader json;
	char error[512];
};

/* 0 or a negative errno. stored_close() in every case. */
int stored_open(struct stored_file *f, const char *path);
void stored_close(struct stored_file *f);
/*
 * Reads the next result. Returns 1: it is complete; 0: there is no further one; or a negative
 * errno, after which the file cannot be read on.
 */
int stored_next(struct stored_file *f, struct stored_recording *rec, const struct stored_ops *ops,
		void *ctx);

#endif
