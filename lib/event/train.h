/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: event. What travels with an event, see lane.h, and how the model finds it.
 */
#ifndef HVST_EVENT_TRAIN_H
#define HVST_EVENT_TRAIN_H

#include <hvstimer/event.h>

#define HVST_TRAIN_NS  10000 /* between the first of a train and its head */
#define HVST_TRAIN_MAX 32    /* events of a train */

/* struct hvst_event.train: so many events right before it in memory come with it; and it has notes.
 */
#define HVST_TRAIN_LENGTH 0x7f
#define HVST_TRAIN_NOTES  0x80

/*
 * Up to four notes in struct hvst_event.behind.notes, the first one lowest, 0 behind the last: how
 * long before the event, in ns, and what.
 */
#define HVST_NOTES	    4
#define HVST_NOTE_BITS	    16
#define HVST_NOTE_KIND_BITS 2
enum hvst_note { HVST_NOTE_ENTRY = 1, HVST_NOTE_EXIT, HVST_NOTE_TIMER_MSR };

static inline enum hvst_note hvst_note_kind(uint64_t notes)
{
	return notes & ((1u << HVST_NOTE_KIND_BITS) - 1);
}

static inline int64_t hvst_note_ns(const struct hvst_event *ev, uint64_t notes)
{
	return ev->ts_ns - (int64_t)((notes & ((1u << HVST_NOTE_BITS) - 1)) >> HVST_NOTE_KIND_BITS);
}

#endif
