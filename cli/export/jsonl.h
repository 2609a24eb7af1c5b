/* SPDX-License-Identifier: GPL-2.0 */
/* The tables as JSON lines: an object a row, "table" first. */
#ifndef HVST_CLI_EXPORT_JSONL_H
#define HVST_CLI_EXPORT_JSONL_H

#include "../output/out.h"
#include "table.h"

struct jsonl_sink {
	struct export_sink sink;
	struct out out;
};

/* @path "-": standard output. 0 or a negative errno. */
int jsonl_open(struct jsonl_sink *s, const char *path);
/* Give the file its name. 0 or the negative errno of the first failure. */
int jsonl_close(struct jsonl_sink *s);
/* Leave nothing behind. */
void jsonl_discard(struct jsonl_sink *s);

#endif
