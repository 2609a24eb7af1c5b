/* SPDX-License-Identifier: GPL-2.0 */
/* Prometheus' text format, and what diagnose found in it. */
#ifndef HVST_CLI_METRICS_H
#define HVST_CLI_METRICS_H

#include <hvstimer/hvstimer.h>

#include "out.h"

/* The two lines in front of the values of a metric. */
void metrics_help(struct out *o, const char *name, const char *type, const char *help);
/* A metric with a single value. */
void metrics_one(struct out *o, const char *name, const char *type, const char *help, uint64_t v);
/* The value of a label between its quotes. */
void metrics_label(struct out *o, const char *text);

/* What was found, with watch's names for what watch counts, too. 0 or -ENOMEM. */
int metrics_diagnosis(struct out *o, const struct hvst_trace *t, const struct hvst_result *r);

#endif
