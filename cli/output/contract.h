/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The JSON contract "hvstimer/2" (tests/schema/hvstimer-2.schema.json): one function for each
 * part.
 */
#ifndef HVST_CLI_CONTRACT_H
#define HVST_CLI_CONTRACT_H

#include <hvstimer/hvstimer.h>

#include "../difference.h"
#include "finding.h"
#include "json.h"

#define CONTRACT_SCHEMA "hvstimer/2"

/* Opens the document and writes "schema" and "trace"; contract_end() closes it. */
void contract_start(struct json *j, struct out *o, const struct hvst_trace *trace);
void contract_end(struct json *j);

/* One finding under @key, and an array of them. */
void contract_finding(struct json *j, const char *key, const struct finding_kind *kind,
		      const void *finding);
void contract_findings(struct json *j, const char *key, const struct finding_kind *kind,
		       const void *list, unsigned int n);
/* The value of one field under @key. */
void contract_field(struct json *j, const char *key, const struct finding_field *f,
		    const void *finding);
/* JSON lines: each finding a document of its own. */
void contract_lines(struct out *o, const struct hvst_trace *trace, const struct finding_kind *kind,
		    const void *list, unsigned int n);

void contract_vms(struct json *j, const struct hvst_result *r);
void contract_timers(struct json *j, const struct hvst_result *r);
void contract_storms(struct json *j, const struct hvst_result *r);
void contract_clocks(struct json *j, const struct hvst_result *r);
/* One distribution under @key. */
void contract_sketch(struct json *j, const char *key, const struct hvst_sketch *s);

/*
 * The whole of diagnose --json, @blocks with the sums by block of time, or NULL; and the same on
 * one line, without these.
 */
void contract_diagnosis(struct out *o, const struct hvst_trace *trace, const struct hvst_result *r,
			const struct side *blocks);
void contract_diagnosis_line(struct out *o, const struct hvst_trace *trace,
			     const struct hvst_result *r);

#endif
