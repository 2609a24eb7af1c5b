/* SPDX-License-Identifier: LGPL-2.1 */
/* Formats quantities as the summaries of a result and the output of hvstimer do. */
#ifndef HVSTIMER_TEXT_H
#define HVSTIMER_TEXT_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif
#pragma GCC visibility push(default)

#define HVST_TEXT_BUF 40

/**
 * hvst_text_duration() - format a duration with three digits
 * @ns: nanoseconds, or HVST_UNKNOWN
 * @buf: HVST_TEXT_BUF bytes, filled
 *
 * Returns @buf: "3.00 s", "657 ms", "-40.1 us"; "0" for 0, "?" for HVST_UNKNOWN.
 */
char *hvst_text_duration(int64_t ns, char *buf);

/**
 * hvst_text_signed() - format a difference of two times, with its sign
 * @ns: nanoseconds, or HVST_UNKNOWN
 * @buf: HVST_TEXT_BUF bytes, filled
 *
 * Returns @buf: as hvst_text_duration(), with a "+" before positive values: "+3.00 s".
 */
char *hvst_text_signed(int64_t ns, char *buf);

/**
 * hvst_text_count() - format a number with thousands separators
 * @n: the number
 * @buf: HVST_TEXT_BUF bytes, filled
 *
 * Returns @buf: "10,424".
 */
char *hvst_text_count(uint64_t n, char *buf);

#pragma GCC visibility pop
#ifdef __cplusplus
}
#endif
#endif
