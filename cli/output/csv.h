/* SPDX-License-Identifier: GPL-2.0 */
/* Comma-separated values, RFC 4180: an empty field is unknown. */
#ifndef HVST_CLI_CSV_H
#define HVST_CLI_CSV_H

#include <hvstimer/hvstimer.h>

#include "out.h"

struct csv {
	struct out *o;
	bool filled; /* a field was written on this line */
};

/* Writes the heading line @titles ("a,b,c"). */
void csv_start(struct csv *c, struct out *o, const char *titles);
void csv_i64(struct csv *c, int64_t v); /* HVST_UNKNOWN: empty */
void csv_u64(struct csv *c, uint64_t v);
void csv_id(struct csv *c, int id);			/* negative: empty */
void csv_number(struct csv *c, double v, int decimals); /* NaN: empty */
void csv_string(struct csv *c, const char *v);		/* quoted where it must be; NULL: empty */
/* @s in quotes. */
void csv_quote(struct out *o, const char *s);
void csv_end_line(struct csv *c);

void csv_storms(struct out *o, const struct hvst_result *r);
void csv_clocks(struct out *o, const struct hvst_result *r);

#endif
