/* SPDX-License-Identifier: GPL-2.0 */
/* The differences of two recordings, as text, JSON, CSV, plots and a page. */
#ifndef HVST_CLI_COMPARISON_H
#define HVST_CLI_COMPARISON_H

#include "../difference.h"
#include "edges.h"
#include "out.h"

/* Everything that is rendered; borrowed. */
struct comparison_view {
	const struct comparison *c;
	const struct differences *d;
	bool verbose;
};

void comparison_text(struct out *o, const struct comparison_view *v);
void comparison_json(struct out *o, const struct comparison_view *v);
void comparison_csv(struct out *o, const struct comparison_view *v);
/* Both histograms of each distribution, one over the other. */
void comparison_svg(struct out *o, const struct comparison_view *v);
/* A page with everything. */
void comparison_html(struct out *o, const struct comparison_view *v);

/* ", 2.66 s in storms", ", no storm", "" where not all is known; @buf of at least 96 bytes. */
char *side_storms(char *buf, const struct side *s);
/* The summary, in a sentence or two. */
void comparison_sentence(char *buf, size_t len, const struct comparison_view *v);
/* "VM 0 vCPU 1 timer 0"; @buf of at least 96 bytes. With the numbers of A. */
char *comparison_who(char *buf, const struct pair *p);
/* "skew p50", "+30.8 ms", "-1.0 ms..+2.0 ms"; @buf of at least 96 bytes. */
const char *measure_title(enum measure m);
char *measure_text(char *buf, enum measure m, double v);
char *difference_text(char *buf, enum measure m, double by);
char *interval_text(char *buf, const struct difference *d);
/* "12x": so many times as long; "-" */
char *needed_text(char *buf, const struct difference *d);
const char *difference_word_text(enum difference_word w);

/* Two distributions in the same buckets, as shares of each. */
struct overlay {
	struct edges edges;
	double share[2][MAX_EDGES + 1];
	unsigned int first, last; /* buckets that hold anything */
	double most;
};

void overlay_make(struct overlay *l, const struct shape_difference *s);
/* "skew of VM 0 vCPU 0 timer 0: they differ, ..." */
void shape_title(char *buf, size_t len, const struct shape_difference *s);

#endif
