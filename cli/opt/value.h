/* SPDX-License-Identifier: GPL-2.0 */
/* Values as options and prompts take them. */
#ifndef HVST_CLI_OPT_VALUE_H
#define HVST_CLI_OPT_VALUE_H

#include <stdbool.h>
#include <stdint.h>

/* Decimal digits and nothing else, up to @max. */
bool parse_unsigned(const char *text, unsigned long max, unsigned long *v);
/* "3" or "2-4" up to @max, in order; *@text moves to what comes behind it. */
bool parse_range(const char **text, unsigned long max, unsigned long *first, unsigned long *last);
/* "12.5s", "800us", "3m", "250" (seconds): ns. False when it is not a duration or does not fit. */
bool parse_duration(const char *text, int64_t *ns);
/*
 * "2026-11-28T21:20:03.5", a space instead of the T, a Z behind it: ns since the Epoch, taken as
 * UTC. False for anything else, and before the Epoch.
 */
bool parse_utc(const char *text, int64_t *epoch_ns);
/* "20559442857cyc" */
bool parse_cycles(const char *text, int64_t *cycles);
/* "64M", "65536" (KiB): KiB, not 0. */
bool parse_size(const char *text, unsigned long *kib);
/* "99.9" is 9990; *@end is what comes behind it. */
bool parse_percentile(const char *text, char **end, unsigned int *v);

/*
 * The events that @pattern names, with or without a system, or by a system alone, a bit each;
 * HVST_EV_LOST is "lost". 0: none.
 */
uint64_t events_matching(const char *pattern);
/* The event most like @word; NULL when none is near. */
const char *nearest_event(const char *word);

#endif
