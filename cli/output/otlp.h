/* SPDX-License-Identifier: GPL-2.0 */
/*
 * OpenTelemetry's protocol for metrics (OTLP) as JSON, a line for each request, as its collector
 * reads and writes files: distributions as exponential histograms, counters as sums.
 */
#ifndef HVST_CLI_OTLP_H
#define HVST_CLI_OTLP_H

#include <hvstimer/hvstimer.h>

#include "out.h"

#define OTLP_SCALE 6 /* 64 buckets to each power of two, as many as a sketch has */

/*
 * A line for the recording and one for each timer. @now: wall-clock time, ns since the Epoch, that
 * the end of the recording counts as where its own is not known. 0 or -ENOMEM.
 */
int otlp_diagnosis(struct out *o, const struct hvst_trace *t, const struct hvst_result *r,
		   int64_t now);

/*
 * The bucket of an exponential histogram of OTLP_SCALE that a magnitude above 0 belongs to: the
 * one of index i holds what is above 2^(i/64) and not above 2^((i+1)/64).
 */
int otlp_index(uint64_t magnitude);

#endif
