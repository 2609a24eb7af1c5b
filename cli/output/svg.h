/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Plots as SVG. A plot stands alone or inside a page; colours follow the reader's preference for
 * light or dark, past due is told from ahead by its place as well as by its colour.
 */
#ifndef HVST_CLI_SVG_H
#define HVST_CLI_SVG_H

#include "../collect.h"
#include "../difference.h"
#include "simulation.h"
#include "out.h"

/* Marks drawn over a plot of time. */
struct svg_context {
	const struct hvst_trace *trace;
	const struct hvst_result *result;
	const struct collect *c;
};

/*
 * Values over time: a bar from least to most in each column, ahead and past due apart, with their
 * middle.
 */
void svg_timeline(struct out *o, const struct svg_context *ctx, const struct series *s);
/* The same as a density. */
void svg_heatmap(struct out *o, const struct svg_context *ctx, const struct series *s);
/* Counts by bucket. */
void svg_histogram(struct out *o, const struct svg_context *ctx, const struct series *s);

/*
 * Reference clock and guest's clock of a VM, off the trace clock, and the distance between the two;
 * with its storms, and what moved a clock. Nothing where the clock was not read.
 */
void svg_clocks(struct out *o, const struct svg_context *ctx, int vm);
/* A document of its own with the clocks of all VMs. */
void svg_clocks_document(struct out *o, const struct svg_context *ctx);

/*
 * Each plot is drawn into memory: appends @part below the contents of @o, which is *@height high,
 * and empties it. False: there was no plot.
 */
bool svg_stack(struct out *o, struct out *part, unsigned int *height);

/* A document of its own with the plots of all series, at most @most of them. */
void svg_document(struct out *o, const struct svg_context *ctx, bool heatmap, unsigned int most);

/* The share of arms that each value of a sweep would have delayed, in storms and outside. */
void svg_sweep(struct out *o, const struct simulation_view *v);

/* Two overlaid histograms, as a part of a page, and at most @most of them as a document. */
void svg_overlay(struct out *o, const struct shape_difference *s);
void svg_overlays(struct out *o, const struct differences *d, unsigned int most);

#endif
