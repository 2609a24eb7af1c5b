/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The JSON contract "hvstimer/2" (tests/schema/hvstimer-2.schema.json): one function for each
 * part.
 */
#ifndef HVST_CLI_CONTRACT_H
#define HVST_CLI_CONTRACT_H

#include <hvstimer/hvstimer.h>

#include "json.h"

/* Opens the document and writes "schema" and "trace"; contract_end() closes it. */
void contract_start(struct json *j, struct out *o, const struct hvst_trace *trace);
void contract_end(struct json *j);

void contract_vms(struct json *j, const struct hvst_result *r);
void contract_timers(struct json *j, const struct hvst_result *r);
void contract_storms(struct json *j, const struct hvst_result *r);
void contract_storm(struct json *j, const struct hvst_storm *s);
void contract_past_due(struct json *j, const struct hvst_past_due *p);
void contract_clocks(struct json *j, const struct hvst_result *r);
void contract_reference(struct json *j, const struct hvst_ref_segment *s);
void contract_guest(struct json *j, const struct hvst_guest_transition *t);
void contract_verdicts(struct json *j, const struct hvst_result *r);
/* One distribution under @key. */
void contract_sketch(struct json *j, const char *key, const struct hvst_sketch *s);

/* The whole of diagnose --json. */
void contract_diagnosis(struct out *o, const struct hvst_trace *trace, const struct hvst_result *r);

#endif
