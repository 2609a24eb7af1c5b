/* SPDX-License-Identifier: GPL-2.0 */
/* What plots are made of: shapes, text, an axis of time, marks of what happened. */
#ifndef HVST_CLI_SVG_DRAW_H
#define HVST_CLI_SVG_DRAW_H

#include <hvstimer/hvstimer.h>

#include "out.h"

#define SVG_WIDTH  960
#define SVG_LEFT   96 /* margins of a plot */
#define SVG_RIGHT  16
#define SVG_TOP	   46
#define SVG_BOTTOM 46
#define SVG_ACROSS (SVG_WIDTH - SVG_LEFT - SVG_RIGHT)
#define SVG_MARKS  26 /* a to z */

/* Time from the left of a plot to its right. */
struct svg_span {
	int64_t t0, t1;
};

enum svg_mark_kind { SVG_MARK_HOST, SVG_MARK_GUEST, SVG_MARK_LIFE };

/* Something that happened, drawn as a line with a letter. */
struct svg_mark {
	int64_t ts_ns;
	enum svg_mark_kind kind;
	char text[160];
};

struct svg_marks {
	struct svg_mark mark[SVG_MARKS];
	unsigned int n, left_out;
};

/* The style sheet, as the text of a <style> element. */
void svg_style(struct out *o);
/* Begin a document: its root and its style sheet. @class: of the root besides "hvst". */
void svg_start(struct out *o, const char *class, unsigned int height);
/* Begin a plot: its root, title and background. */
void svg_open(struct out *o, const char *class, unsigned int height, const char *title);

void svg_text(struct out *o, double x, double y, const char *anchor, const char *class,
	      const char *text);
void svg_line(struct out *o, double x1, double y1, double x2, double y2, const char *class);
/* @opacity 1: that of the style sheet */
void svg_rect(struct out *o, double x, double y, double w, double h, const char *class,
	      double opacity);
/* An entry of a legend: a small box of that class, and what it stands for. */
void svg_swatch(struct out *o, double x, double y, const char *class, const char *text);
/* The name of the axis of values, upright at the left edge; @y: its middle. */
void svg_axis_name(struct out *o, double y, const char *name);

/* The smallest of 1, 2, 5, 10, ... that makes at most @most steps of @span. */
int64_t svg_nice_step(int64_t span, unsigned int most);
/* The position of @ts_ns across the plot; a time outside it is placed at the edge. */
double svg_x(const struct svg_span *t, int64_t ts_ns);
/* Grid lines from @top to @bottom, at most @most, and their labels. */
void svg_time_axis(struct out *o, const struct svg_span *t, double top, double bottom,
		   unsigned int most, const char *clock);

/* Does it concern this VM or vCPU? -1: all. */
static inline bool svg_same_vm(int wanted, int vm)
{
	return wanted < 0 || vm < 0 || wanted == vm;
}

/*
 * The steps of the reference clock, the guest's changes of its clock source, and the events of the
 * VM's life that lie in @t.
 */
void svg_marks_find(struct svg_marks *m, const struct svg_span *t, const struct hvst_result *r,
		    int vm, int vcpu);
void svg_marks_draw(struct out *o, const struct svg_marks *m, const struct svg_span *t, double top,
		    double bottom);
unsigned int svg_marks_lines(const struct svg_marks *m);
/* The explanation of the letters, a line each @height below the previous one; @y: of the first. */
void svg_marks_legend(struct out *o, const struct svg_marks *m, double x, double y,
		      unsigned int height);

#endif
