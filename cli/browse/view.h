/* SPDX-License-Identifier: GPL-2.0 */
/* Layout of the screen and its drawing into a grid, the only thing it modifies. */
#ifndef HVST_BROWSE_VIEW_H
#define HVST_BROWSE_VIEW_H

#include "grid.h"
#include "model.h"

#define BR_MIN_W 40
#define BR_MIN_H 10

struct br_layout {
	bool small; /* below 40x10: only a message */
	int gutter; /* columns of row labels left of the timeline */
	int cols;   /* of the timeline */
	struct br_rect title, head, overview, ruler, marks, timeline, skew, status;
	struct br_rect details, findings, events; /* w == 0: not shown */
	int first_row;				  /* of the timers shown */
};

void br_view_layout(const struct br_model *m, int w, int h, struct br_layout *l);
void br_view_draw(const struct br_model *m, const struct br_layout *l, struct br_grid *g);

/* VMs with a row. */
unsigned int br_vms_shown(const struct br_model *m);

/* The first of @n items shown in @h lines so that @at is among them. */
int br_view_top(int at, int n, int h);

/* Lines of text, freed by the caller; NULL without memory. */
char *br_view_attributes(const struct br_model *m); /* everything about the selected finding */
char *br_view_event(const struct br_model *m);	    /* ... about the selected event */
char *br_view_help(const struct br_model *m);
char *br_view_overlay(const struct br_model *m);		 /* what the overlay shows */
int br_view_overlay_top(const struct br_model *m, int w, int h); /* how far it can be scrolled */

/*
 * Text broken into lines of @w columns at newlines and spaces: length of the first line, start of
 * the next.
 */
int br_line_length(const char *text, int w);
const char *br_line_next(const char *text, int w);

/* "VM 0 win2025", "VM 0", "VM ?" */
char *br_vm_label(const struct br_model *m, int vm, char *buf, size_t len);

/* Parts of the screen (view_*.c). */
void br_draw_timeline(const struct br_model *m, const struct br_layout *l, struct br_grid *g);
void br_draw_overview(const struct br_model *m, const struct br_layout *l, struct br_grid *g);
/* Time at the left edge of a column of the overview, and the column of a time. */
int64_t br_overview_time(const struct br_model *m, int column);
int br_overview_column(const struct br_model *m, int64_t ts);
/* The band of a VM's two clocks; their plot in place of the skew. */
void br_draw_clocks_row(const struct br_model *m, const struct br_layout *l, struct br_grid *g,
			int vm, int y);
void br_draw_clocks(const struct br_model *m, const struct br_layout *l, struct br_grid *g, int vm);
/* The vCPU whose clock is shown there; -1: no arm shows one. */
int br_clocks_vcpu(const struct br_model *m, int vm);
/* The first of its stretches that touches [from, to); NULL: none. */
const struct clock_stretch *br_clocks_at(const struct br_model *m, int vm, int64_t from,
					 int64_t to);
/* "guest 40.1 ms behind" */
enum br_role br_clocks_text(const struct clock_stretch *s, char *buf, size_t len);
void br_draw_skew(const struct br_model *m, const struct br_layout *l, struct br_grid *g);
void br_draw_details(const struct br_model *m, const struct br_rect *r, struct br_grid *g);
void br_draw_findings(const struct br_model *m, const struct br_rect *r, struct br_grid *g);
void br_draw_events(const struct br_model *m, const struct br_rect *r, struct br_grid *g);
#define BR_FRAME 4 /* columns that frame and margin take */
/* A framed box with @text from line @top on. */
void br_draw_text(struct br_grid *g, const struct br_rect *r, const char *title, const char *text,
		  int top);

#endif
