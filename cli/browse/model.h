/* SPDX-License-Identifier: GPL-2.0 */
/*
 * State of the browser: the index, the findings, the page of events around the cursor, and window,
 * cursor, selection, filter and marks. No terminal, no drawing.
 */
#ifndef HVST_BROWSE_MODEL_H
#define HVST_BROWSE_MODEL_H

#include "../notes.h"
#include "../output/two_clocks.h"
#include "source.h"

enum br_pane { BR_TIMELINE, BR_FINDINGS, BR_EVENTS, BR_PANES };
enum br_row_kind { BR_ROW_VM, BR_ROW_REFERENCE, BR_ROW_GUEST, BR_ROW_CLOCKS, BR_ROW_TIMER };
enum br_finding_kind { BR_F_STORM, BR_F_GUEST, BR_F_REFERENCE, BR_F_LIFE, BR_F_VERDICT };
enum br_skew { BR_SKEW_IF_ROOM, BR_SKEW_ON, BR_SKEW_OFF };
enum br_overlay { BR_NO_OVERLAY, BR_HELP, BR_ATTRIBUTES, BR_EVENT, BR_NOTES, BR_COMMANDS };

/* Keys about two recordings shown at once. */
enum br_screen_key { BR_SCREEN_NONE, BR_SCREEN_OTHER, BR_SCREEN_APART };

/*
 * One row of the timeline. @timer: index into the main index's timers; a VM has @n from @first on
 * of the model's shown ones.
 */
struct br_row {
	enum br_row_kind kind;
	int vm, timer;
	unsigned int first, n;
};

/* @i: index into storms, guest transitions, reference segments, events of life, verdicts. */
struct br_finding {
	enum br_finding_kind kind;
	unsigned int i;
	int64_t ts_ns;
};

#define BR_MAX_FOLDED 256
#define BR_BOOKMARKS  NOTES_MAX /* 0-9, a-z, A-Z */

struct br_model {
	struct br_source *src;
	const char *keys_text; /* a line for each key: what the help shows; NULL: none */
	struct br_live live;   /* while the source is locked */
	bool indexed;	       /* the index pass has ended and the rows and findings are final */
	char name[64];	       /* of the file, for the title */
	int64_t utc_of_zero;   /* for unit_set_utc(): while it is locked, and where it is drawn */

	struct br_index *fine; /* of the window, when the main index is too coarse; NULL */
	struct br_request fine_requested, events_requested; /* from == HVST_UNKNOWN: nothing */

	int *shown; /* timers that the filter lets pass, in the order of the rows */
	struct br_row *rows;
	unsigned int nr_rows;
	struct br_finding *findings;
	unsigned int nr_findings;
	struct clock_stretch *clocks;
	unsigned int nr_clocks;

	struct br_event *events;
	unsigned int nr_events;
	int64_t events_at; /* the time around which they were requested */
	bool events_start, events_end;

	/* position of the user */
	int cols;	      /* of the timeline */
	int page;	      /* rows of the list in front */
	bool events_shown;    /* is the event list on the screen? */
	int64_t from, col_ns; /* the window: cols * col_ns from @from */
	int64_t span;	      /* that the user chose: what is kept when the terminal is resized */
	int64_t cursor;
	int64_t found; /* result of a search or step, for br_nav_follow(); HVST_UNKNOWN: none */
	bool whole;    /* the window is the whole recording, as it grows */
	enum br_pane pane, list; /* with the focus; the list shown in a narrow window */
	struct br_row row;	 /* the selected one */
	int default_row;	 /* place of the one until the user selects one; -1: no rows */
	unsigned int finding;
	unsigned int event;
	bool selected;			/* a finding is selected: z goes there, Enter shows it */
	int64_t select_from, select_to; /* a selected stretch; HVST_UNKNOWN: none */
	int64_t mark[2];		/* a, b; HVST_UNKNOWN */
	int64_t bookmark[BR_BOOKMARKS];
	char note[BR_BOOKMARKS][NOTE_TEXT];
	int note_slot; /* of the bookmark whose note is being typed */
	bool unsaved;  /* bookmarks or notes changed since they were saved */
	bool touched;  /* by the user */
	int64_t kept_from, kept_to, kept_cursor; /* the view of last time; HVST_UNKNOWN */
	int folded[BR_MAX_FOLDED];
	unsigned int nr_folded;
	bool by_harm;		/* the order of the rows */
	bool only_findings;	/* rows without one are left out */
	bool fold_decided;	/* by the space available, or by the user */
	struct br_steps *steps; /* views gone through, see back.h; NULL: none yet */
	struct filter *filter;	/* NULL: none */
	char filter_text[BR_LINE];
	bool filter_asked, filter_ready; /* a pass for it was asked for, has ended */
	char search[BR_LINE];		 /* as it was typed */
	struct filter *wanted;		 /* of the search that n and N go through; NULL: none */
	bool searching;
	void (*searched)(struct br_model *m, struct br_reply *a); /* takes the replies to it */
	int64_t *hits;
	unsigned int nr_hits;
	uint64_t unkept;   /* hits beyond those */
	uint64_t unjudged; /* arms and firings too many to be remembered until their events come */
	enum br_skew skew;
	bool skew_shown; /* is it on the screen? */
	enum br_overlay overlay;
	int overlay_top;
	struct br_prompt prompt;
	struct br_history history[BR_PROMPT_KINDS];
	char write_to[BR_LINE];	   /* y: where the screen is to be written once it is drawn; "" */
	char message[2 * BR_LINE]; /* a prompt's text may be in it */
	struct br_cells *cells;	   /* of rows drawn before: cells.c */
	unsigned int generation;   /* of what they are made of */
	bool quit;
	enum br_screen_key screen_key; /* that was pressed, for screen.c */
	int64_t reach_ns; /* windows may go so far from the beginning: beside a longer recording */
	int whole_cols;	  /* the number of columns for which that is known */
	int64_t whole_col_ns; /* a column is no narrower where everything is shown: likewise */
};

/* What a row has in one column of the window. */
struct br_column {
	uint64_t arms, past;
};

void br_model_init(struct br_model *m, struct br_source *src, const char *name);
void br_model_free(struct br_model *m);
/* A search is over: keys mean again what they do without. */
void br_model_end_search(struct br_model *m);

/* Everything below, and drawing, requires the lock. model.c, rows.c. */
void br_model_lock(struct br_model *m);
void br_model_unlock(struct br_model *m);

/* Process replies; rebuild rows and findings. Returns true if something changed. */
bool br_model_poll(struct br_model *m);
/* Request what the window and the lists lack. */
void br_model_request(struct br_model *m);

/* The recording: [*@first, *@last]; false while nothing is known. */
bool br_model_span(const struct br_model *m, int64_t *first, int64_t *last);
int64_t br_model_end(const struct br_model *m);		   /* of the window */
int br_model_column(const struct br_model *m, int64_t ts); /* may lie outside of 0 .. cols - 1 */

/* Adds up a timer between two times, from the finest index that has them. */
void br_model_sum(const struct br_model *m, int timer, int64_t from, int64_t to, bool hist,
		  struct br_sum *s);
/* A timer, or for the row of a VM all of its timers. */
void br_model_sum_row(const struct br_model *m, const struct br_row *row, int64_t from, int64_t to,
		      bool hist, struct br_sum *s);
struct br_column br_model_column_sum(const struct br_model *m, const struct br_row *row, int c);
/* Each column of a row, valid until the next call; NULL without memory. */
const struct br_column *br_model_columns(const struct br_model *m, const struct br_row *row);
struct br_cells *br_cells_new(void);
void br_cells_free(struct br_cells *cells);
const struct br_timer *br_model_timer(const struct br_model *m, const struct br_row *row);
/* The VM with this number; NULL: there is none, or no result yet. */
const struct hvst_vm *br_vm(const struct br_model *m, int vm);
/*
 * What a VM is called: by the recording, else after a process that is named after the guest, else
 * after its first vCPU thread unless that has QEMU's usual name of one. NULL: by its number only.
 */
const char *br_vm_name(const struct br_model *m, int vm);
bool br_model_folded(const struct br_model *m, int vm);
/* The storm of a timer that touches [from, to), NULL: none; @nr its number from 1. */
const struct hvst_storm *br_model_storm(const struct br_model *m, const struct br_row *row,
					int64_t from, int64_t to, unsigned int *nr);
int br_model_row(const struct br_model *m); /* place of the selected row, -1: none */
const struct br_finding *br_model_finding(const struct br_model *m);
int br_finding_vm(const struct br_model *m, const struct br_finding *f); /* -1: none, unknown */
/* Is it a change of a clock? The first source of a guest to become known is not. */
bool br_is_change(const struct br_model *m, const struct br_finding *f);
/* Does the reference clock change with @s, after @before (NULL: the VM's first)? */
bool br_reference_changes(const struct hvst_ref_segment *before, const struct hvst_ref_segment *s);
bool br_storm_passes(const struct br_model *m, const struct hvst_storm *s);
bool br_storm_in_row(const struct br_model *m, const struct hvst_storm *s,
		     const struct br_row *row);
/* Puts the list of events in front, where one is shown at a time. */
void br_model_show_events(struct br_model *m);
/* After folding; after a change of the filter. */
void br_model_rows(struct br_model *m);
void br_model_refilter(struct br_model *m);

/* Window and columns are multiples of this, so that every number is a sum of whole bins. */
int64_t br_model_unit(const struct br_model *m, int64_t col_ns);
/* Is every number of the window exact, or is it still being read? */
bool br_model_exact(const struct br_model *m);

#endif
