/* SPDX-License-Identifier: GPL-2.0 */
/* Series as text, CSV and JSON. */
#ifndef HVST_CLI_HISTOGRAM_H
#define HVST_CLI_HISTOGRAM_H

#include "../collect.h"
#include "json.h"

/* "skew of VM 0 vCPU 0 timer 0"; @buf of at least 96 bytes. */
char *series_title(char *buf, size_t len, const struct series *s);
/* "skew", "lateness", "delivery_latency", "entry_latency" */
const char *metric_name(enum metric m);
/* In words: "delivery latency" */
const char *metric_label(enum metric m);

/* Rows of buckets with bars, then percentiles, then the extremes. */
void histogram_text(struct out *o, const struct collect *c, const struct series *s,
		    const struct options *opt);
/* A row an interval. */
void intervals_text(struct out *o, const struct collect *c, const struct series *s,
		    const struct options *opt);
/* Time across, value down. */
void heatmap_text(struct out *o, const struct collect *c, const struct series *s);

/* All series: a line a bucket, or a line an interval. */
void histogram_csv(struct out *o, const struct collect *c);
void intervals_csv(struct out *o, const struct collect *c, const struct options *opt);

/* "groups": what --by asked for; "intervals": what --interval asked for. */
void groups_json(struct json *j, const struct collect *c);
void intervals_json(struct json *j, const struct collect *c);

#endif
