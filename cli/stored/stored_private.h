/* SPDX-License-Identifier: GPL-2.0 */
/* What the readers of both kinds of files share. */
#ifndef HVST_CLI_STORED_PRIVATE_H
#define HVST_CLI_STORED_PRIVATE_H

#include "../output/finding.h"
#include "stored.h"

/* Sets the error, preceded by the file's name. Returns -EINVAL. */
int stored_fail(struct stored_file *f, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* The columns of a recording that are fields of struct hvst_trace. */
const struct finding_kind *stored_trace_kind(void);

/* A verdict of which nothing is known yet; whether its question and answer are, by now. */
void stored_verdict_start(struct hvst_verdict *v);
bool stored_verdict_known(const struct hvst_verdict *v);

/* Its sketches belong to the caller. */
void stored_timer_free(struct hvst_timer *t);

int stored_db_open(struct stored_file *f);
void stored_db_close(struct stored_file *f);
int stored_db_next(struct stored_file *f, struct stored_recording *rec,
		   const struct stored_ops *ops, void *ctx);

int stored_json_next(struct stored_file *f, struct stored_recording *rec,
		     const struct stored_ops *ops, void *ctx);

/**
 * struct rebuild - a sketch made again of its buckets
 *
 * Buckets come in order. The first and the last wait for the exact extremes, which may be written
 * behind them.
 */
struct rebuild {
	struct hvst_sketch *s;
	struct {
		int64_t lo, hi;
		uint64_t n;
	} first, last;
	unsigned int buckets;
	uint64_t count;
};

/* 0, -EINVAL: not a bucket of a sketch, or out of order; or -ENOMEM. */
int rebuild_bucket(struct rebuild *b, int64_t lo, int64_t hi, uint64_t count);
/* With the extremes, or HVST_UNKNOWN: the middle of their buckets. 0, -EINVAL or -ENOMEM. */
int rebuild_end(struct rebuild *b, int64_t min, int64_t max);

#endif
