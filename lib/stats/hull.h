/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: stats. The upper convex hull of points that arrive with ascending x: the envelope of
 * samples whose noise only ever lowers them (Moon, Skelly, Towsley: Estimation and removal of clock
 * skew from network delay measurements, 1999). Bounded: beyond HULL_MAX the least important vertex
 * is dropped.
 */
#ifndef HVST_STATS_HULL_H
#define HVST_STATS_HULL_H

#include <stdbool.h>
#include <stdint.h>

#define HULL_MAX   64
#define HULL_RANGE (INT64_MAX / 2) /* of x and y either way: differences never overflow */

struct hull_point {
	int64_t x, y;
};
struct hull {
	unsigned int n;
	struct hull_point p[HULL_MAX];
};

/* y = y0 + (x - x0) * slope / 2^40: a multiplication and a shift where it is asked once an event */
#define HULL_SLOPE_BITS 40
struct hull_line {
	int64_t x0, y0, slope;
};

void hvst_hull_reset(struct hull *h);
/* @x not below the last one's; an equal or smaller x keeps the higher y at the last x. */
void hvst_hull_add(struct hull *h, int64_t x, int64_t y);
/*
 * The supporting line through the edge that lies over the middle of the x range: of all lines above
 * every point the one with the least sum of distances. False with fewer than two points.
 */
bool hvst_hull_middle(const struct hull *h, struct hull_line *line);
/* The line through the edge that lies over @x (or next to it). False with fewer than two points. */
bool hvst_hull_edge(const struct hull *h, int64_t x, struct hull_line *line);
/* The line of that slope (in 2^-40) that touches the hull from above. False when empty. */
bool hvst_hull_touch(const struct hull *h, int64_t slope, struct hull_line *line);
static inline int64_t hvst_line_at(const struct hull_line *l, int64_t x)
{
	return l->y0 + (int64_t)((__int128)(x - l->x0) * l->slope >> HULL_SLOPE_BITS);
}

#endif
