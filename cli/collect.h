/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Values over time, by thread and timer, gathered in one pass: sketches for percentiles, exact
 * counts in the buckets that will be printed, and, where asked for, the same by interval and by
 * column of a plot.
 */
#ifndef HVST_CLI_COLLECT_H
#define HVST_CLI_COLLECT_H

#include <hvstimer/hvstimer.h>

#include "options.h"
#include "output/edges.h"

enum metric { METRIC_SKEW, METRIC_LATENESS, METRIC_DELIVERY, METRIC_ENTRY, METRIC_COUNT };

#define PLOT_COLUMNS  256
#define MAX_INTERVALS 5000

/* One column of a plot: what fell into it. */
struct plot_column {
	int64_t min, max;
	uint32_t count;
	uint32_t *buckets; /* by the plot's edges: edges->n + 1 of them */
};

/* Which timer a value is of. @thread: as in struct hvst_arm. */
struct timer_id {
	int thread, vcpu, timer;
};

struct series {
	int thread, vm, vcpu, timer; /* -1: unknown, or not told apart */
	enum metric metric;
	unsigned int order; /* of the first value, among all series */
	int apart;	    /* while they are grouped: the thread whose VM is not known; -1 */
	struct hvst_sketch *sketch;
	uint64_t *buckets;		/* by the histogram's edges */
	struct hvst_sketch **intervals; /* NULL where nothing fell */
	unsigned int nr_intervals;
	struct plot_column *columns; /* NULL: not asked for */
};

struct collect {
	struct edges edges;	 /* of the histogram */
	struct edges plot_edges; /* of the plot: always log */
	int64_t interval_ns;	 /* 0: none */
	bool plot;
	bool linear_later; /* the edges need the range: only sketches for now */
	int64_t origin_ns; /* where time begins; HVST_UNKNOWN: at the first value */
	int64_t column_ns; /* width of a column, doubled as time goes on */
	struct series *series;
	unsigned int nr_series, cap_series;
	unsigned int *slots; /* by thread, timer and metric: index into @series plus one; 0: none */
	unsigned int nr_threads; /* that @slots has room for */
	int error;		 /* -ENOMEM, -ERANGE: too many intervals */
};

/* From the options; the linear edges come later with collect_linear(). */
void collect_init(struct collect *c, const struct options *o, int64_t origin_ns, bool plot);
void collect_free(struct collect *c);

/* Adds one value; returns c->error. */
int collect_add(struct collect *c, enum metric metric, const struct timer_id *id, int64_t ts_ns,
		int64_t v);

/* Adds the skew of a one-shot arm that has one; restarts are no arms. */
int collect_arm(struct collect *c, const struct hvst_arm *arm);

/*
 * After a pass: drops the series of other VMs than @vm (-1: none). The VM of a thread may not be
 * known while its arms come in, so they are not filtered then.
 */
void collect_select(struct collect *c, const struct hvst_result *r, int vm);

/*
 * Between two passes: edges from what the first one saw, everything else emptied. False: too many
 * buckets.
 */
bool collect_linear(struct collect *c, int64_t width_ns);

/* Set VM and vCPU of the series from @r, join them by @by (enum by) and sort them. */
void collect_group(struct collect *c, const struct hvst_result *r, unsigned int by);

#endif
