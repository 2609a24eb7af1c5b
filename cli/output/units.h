/* SPDX-License-Identifier: GPL-2.0 */
/* Numbers for people. Each function fills @buf (at least UNIT_BUF bytes) and returns it. */
#ifndef HVST_CLI_UNITS_H
#define HVST_CLI_UNITS_H

#include <stdint.h>

#define UNIT_BUF 40 /* no less than HVST_TEXT_BUF */

/* "12.3 ms", "-980 ns", "0"; HVST_UNKNOWN: "?". Three significant digits. */
char *unit_duration(char *buf, int64_t ns);
/* The same, always with a sign: "+3.00 s". */
char *unit_signed(char *buf, int64_t ns);
/* A time as trace-cmd report shows it, in seconds: "9.157411". */
char *unit_time(char *buf, int64_t ns);
/*
 * Wall-clock time of trace time 0, in ns since the Epoch, for the two functions below; HVST_UNKNOWN
 * (as it is at first): not known. One recording is shown at a time.
 */
void unit_set_utc(int64_t epoch_ns);
/* Wall-clock time of a trace time, ns since the Epoch; HVST_UNKNOWN: not known. */
int64_t unit_utc_ns(int64_t ns);
/* "2026-11-28 21:20:03.157 UTC" and "21:20:03.157"; "-" when it is not known. */
char *unit_utc(char *buf, int64_t ns);
char *unit_utc_time(char *buf, int64_t ns);
/* A bucket edge, exact and short: "20 us", "-1.5 ms", "0". */
char *unit_edge(char *buf, int64_t ns);
/* "14,041" */
char *unit_count(char *buf, uint64_t n);
/* "4,219/s", "3.2/s" */
char *unit_rate(char *buf, double hz);
/* "-201 ppm", "?" for NaN */
char *unit_ppm(char *buf, double ppm);
struct hvst_storm;
/* What a storm is counted in: past-due arms; the turns of a livelock. */
uint64_t storm_size(const struct hvst_storm *s);
/* "47 %", "?" for a negative share */
char *unit_share(char *buf, double share);

#endif
