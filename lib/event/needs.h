/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: event. What the analysis reads: hvst_event_need() of <hvstimer/event.h>, and the masks
 * that decoding takes from it. An event or field that is in no row of the table in needs.c is not
 * decoded for an analysis.
 */
#ifndef HVST_EVENT_NEEDS_H
#define HVST_EVENT_NEEDS_H

#include <hvstimer/event.h>

/* The events that the analysis reads: bit per enum hvst_event_id. */
uint64_t hvst_needed_events(void);
/* The fields of event @id that it reads: bits of hvst_event_fields(). */
uint16_t hvst_needed_fields(unsigned int id);
/*
 * The events in @have that were not enabled although the file has their formats. @seen: the number
 * of each; eight of an event that implies another (a guest that programs a timer writes an MSR,
 * exits and enters) prove that the other was not recorded.
 */
uint64_t hvst_not_enabled(const uint64_t seen[HVST_EV_COUNT], uint64_t have);

#endif
