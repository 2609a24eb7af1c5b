/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: stats. Upper convex hull, integers only. */
#include "hull.h"

void hvst_hull_reset(struct hull *h)
{
	h->n = 0;
}

/* > 0 when c lies above the line from a to b extended */
static __int128 above(struct hull_point a, struct hull_point b, struct hull_point c)
{
	return (__int128)(b.x - a.x) * (c.y - a.y) - (__int128)(b.y - a.y) * (c.x - a.x);
}

/* The interior vertex whose loss lowers the hull least: smallest triangle with its neighbours. */
static void drop_least(struct hull *h)
{
	unsigned int least = 1;
	__int128 least_area = 0;

	for (unsigned int i = 1; i + 1 < h->n; i++) {
		__int128 a = above(h->p[i - 1], h->p[i + 1], h->p[i]);

		if (i == 1 || a < least_area) {
			least = i;
			least_area = a;
		}
	}
	for (unsigned int i = least; i + 1 < h->n; i++)
		h->p[i] = h->p[i + 1];
	h->n--;
}

void hvst_hull_add(struct hull *h, int64_t x, int64_t y)
{
	struct hull_point p = { x, y };

	if (h->n && x <= h->p[h->n - 1].x) {
		if (y <= h->p[h->n - 1].y)
			return;
		p.x = h->p[h->n - 1].x;
		h->n--;
	}
	while (h->n >= 2 && above(h->p[h->n - 2], h->p[h->n - 1], p) >= 0)
		h->n--;
	if (h->n == HULL_MAX)
		drop_least(h);
	h->p[h->n++] = p;
}

bool hvst_hull_middle(const struct hull *h, struct hull_line *line)
{
	return h->n && hvst_hull_edge(h, h->p[0].x + (h->p[h->n - 1].x - h->p[0].x) / 2, line);
}

bool hvst_hull_edge(const struct hull *h, int64_t x, struct hull_line *line)
{
	unsigned int i = 0;
	__int128 slope;
	int64_t dx;

	if (h->n < 2)
		return false;
	while (i + 2 < h->n && h->p[i + 1].x < x)
		i++;
	dx = h->p[i + 1].x - h->p[i].x;
	if (dx <= 0)
		return false;
	slope = (((__int128)h->p[i + 1].y - h->p[i].y) * ((__int128)1 << HULL_SLOPE_BITS)) / dx;
	if (slope > INT64_MAX || slope < INT64_MIN)
		return false;
	*line = (struct hull_line){ h->p[i].x, h->p[i].y, (int64_t)slope };
	return true;
}

bool hvst_hull_touch(const struct hull *h, int64_t slope, struct hull_line *line)
{
	if (!h->n)
		return false;
	*line = (struct hull_line){ h->p[0].x, h->p[0].y, slope };
	for (unsigned int i = 1; i < h->n; i++) {
		if (h->p[i].y > hvst_line_at(line, h->p[i].x)) {
			line->x0 = h->p[i].x;
			line->y0 = h->p[i].y;
		}
	}
	return true;
}
