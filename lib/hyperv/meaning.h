/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: hyperv. What an event means beyond the kernel's own text: one decoder for the
 * libtraceevent plugin and for the library. It sees an event as the values of the fields that it
 * asks for, so it needs neither libtraceevent nor struct hvst_event.
 */
#ifndef HVST_HYPERV_MEANING_H
#define HVST_HYPERV_MEANING_H

#include "names.h"
#include "timers.h"

#define HVST_MEANING_FIELDS 8

/**
 * struct hvst_meaning - one event on its way through its decoder
 * @timers: what is remembered of earlier events; NULL: nothing
 * @unit: of lengths of time
 * @ts: the time stamp, in whatever unit; 0 when there is none
 * @place: see struct timer_event
 * @v: the values of the fields, in the order of struct hvst_meaning_event
 * @text: the meaning, without a ']' in it; "" when there is nothing to add. Cleared by the caller
 * @len: its length
 */
struct hvst_meaning {
	struct timers *timers;
	enum hvst_unit unit;
	uint64_t ts, place;
	uint64_t v[HVST_MEANING_FIELDS];
	char text[1024];
	size_t len;
};

/**
 * struct hvst_meaning_event - an event that has a decoder
 * @name: the kernel's name
 * @fields: those whose values it needs: without all of them it has no meaning. common_pid last,
 *	where it is wanted
 */
struct hvst_meaning_event {
	const char *name;
	void (*decode)(struct hvst_meaning *m);
	const char *fields[HVST_MEANING_FIELDS];
};

/** hvst_meaning_events - all of them, @n gets their number; static storage */
const struct hvst_meaning_event *hvst_meaning_events(unsigned int *n);

#endif
