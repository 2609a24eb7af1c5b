/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * What events mean, in words: MSRs, hypercalls and exit reasons by name, values decoded, how far an
 * arm lay past due. The same text as the libtraceevent plugin adds to trace-cmd report.
 */
#ifndef HVSTIMER_NAMES_H
#define HVSTIMER_NAMES_H

#include <hvstimer/event.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

struct hvst_decoder;

/**
 * hvst_decoder_new - a decoder, with a memory of the events that it was given
 *
 * The memory tells past-due arms in a row, how late a callback was, and a start that is the host's
 * padding. It is bounded. NULL without memory.
 */
struct hvst_decoder *hvst_decoder_new(void);

/** hvst_decoder_free - free a decoder; NULL is allowed */
void hvst_decoder_free(struct hvst_decoder *d);

/**
 * hvst_decoder_text - the meaning of an event: "skew +3.301255 s, 2nd in a row"
 * @ev: events of one recording in their order; others may be left out. The pseudo event for lost
 *	events (HVST_EV_LOST) makes the decoder forget what it remembers
 * @buf: of @len bytes (at least 1), gets the text, NUL-terminated, cut off where it is too long. It
 *	never has a ']' in it
 *
 * Returns the length of the text; 0 when there is nothing to add to the event's fields.
 */
size_t hvst_decoder_text(struct hvst_decoder *d, const struct hvst_event *ev, char *buf,
			 size_t len);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
