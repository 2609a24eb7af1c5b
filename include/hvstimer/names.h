/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Describes events in words: names of MSRs, hypercalls and exit reasons, decoded values, how far an
 * arm was past due. The libtraceevent plugin adds the same text to trace-cmd report.
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
 * hvst_decoder_new() - create a decoder
 *
 * A decoder keeps state, of bounded size, across the events that it is given: for the number of
 * past-due arms in a row, how late a callback was, and whether a start is the host's padding.
 *
 * Returns a decoder that the caller frees with hvst_decoder_free(); NULL without memory.
 */
struct hvst_decoder *hvst_decoder_new(void);

/**
 * hvst_decoder_free() - free a decoder
 * @d: a decoder, or NULL
 */
void hvst_decoder_free(struct hvst_decoder *d);

/**
 * hvst_decoder_text() - describe an event: "skew +3.301255 s, 2nd in a row"
 * @d: the decoder
 * @ev: the next event of the recording; events may be left out. HVST_EV_LOST resets the state
 * @buf: filled with the text, NUL-terminated and truncated to @len. It never contains a ']'
 * @len: size of @buf in bytes, at least 1
 *
 * Returns the length of the text in bytes; 0 if there is nothing to add to the event's fields.
 */
size_t hvst_decoder_text(struct hvst_decoder *d, const struct hvst_event *ev, char *buf,
			 size_t len);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
