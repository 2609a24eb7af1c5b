/* SPDX-License-Identifier: GPL-2.0 */
/*
 * Expressions that select events, arms, firings and findings: "skew>1ms && vcpu==0". One language
 * for all commands, see hvstimer-filter(7). An expression may come from a file that somebody else
 * wrote: its length, its depth and the number of its tests are limited.
 */
#ifndef HVST_CLI_FILTER_H
#define HVST_CLI_FILTER_H

#include <hvstimer/hvstimer.h>

#define FILTER_LEN   1024 /* of the text, with its NUL */
#define FILTER_TESTS 64
#define FILTER_DEPTH 32 /* parentheses and negations within each other */
#define FILTER_WHY   200

/* What an expression can be about; each has names of its own. */
enum filter_about {
	FILTER_EVENT,	  /* struct filter_event */
	FILTER_ARM,	  /* struct hvst_arm */
	FILTER_FIRING,	  /* struct hvst_fire */
	FILTER_STORM,	  /* struct hvst_storm */
	FILTER_GUEST,	  /* struct hvst_guest_transition */
	FILTER_REFERENCE, /* struct hvst_ref_segment */
	FILTER_LIFE,	  /* struct hvst_life_event */
	FILTER_TIMER,	  /* struct filter_timer: a row of a timeline */
	FILTER_ABOUTS
};

#define FILTER_BIT(about) (1u << (about))
#define FILTER_ANY	  (FILTER_BIT(FILTER_ABOUTS) - 1)

/**
 * struct filter_event - an event with what was derived
 * @vm, @vcpu, @timer: -1: unknown, or none
 * @comm: of the task; "" when unknown
 * @arm: "ahead", "past_due", "periodic", "restart", "padding"; NULL: no arm
 * @skew_ns, @late_ns, @gap_ns: of an arm, of a callback, of an arm; HVST_UNKNOWN
 * @text: what a quoted text is looked for in; NULL unless filter_has_text()
 */
struct filter_event {
	const struct hvst_event *ev;
	int vm, vcpu, timer;
	const char *comm, *arm;
	int64_t skew_ns, late_ns, gap_ns;
	const char *text;
};

struct filter_timer {
	int vm, vcpu, timer, tid;
};

/* Unknown: it depends on what the thing does not have. */
enum filter_truth { FILTER_NO, FILTER_YES, FILTER_UNKNOWN };

struct filter;

/*
 * Parses @text; every name in it must belong to one of the things in @about (bits). NULL after the
 * reason was written to @why (FILTER_WHY bytes); an empty text is not an expression.
 */
struct filter *filter_parse(const char *text, unsigned int about, char *why);
void filter_free(struct filter *f);

/*
 * Evaluates @f for @what, of the type that @about names. A test of something that this particular
 * thing lacks is false; a test of something that no such thing has is unknown.
 */
enum filter_truth filter_eval(const struct filter *f, enum filter_about about, const void *what);

/* Does the expression have a test of @name? */
bool filter_uses(const struct filter *f, const char *name);
/*
 * Does a test of @name hold for a thing of @about? Where none does, the expression has the same
 * value for that thing as for one that lacks what @name is.
 */
bool filter_needs(const struct filter *f, const char *name, enum filter_about about,
		  const void *what);
/* Does it look for a text in events? */
bool filter_has_text(const struct filter *f);
/* The text that it was parsed from. */
const char *filter_text(const struct filter *f);

#endif
