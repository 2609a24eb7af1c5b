/* SPDX-License-Identifier: GPL-2.0 */
/* One event as text: what the browser shows and searches, and what --filter looks for a text in. */
#ifndef HVST_CLI_EVENTTEXT_H
#define HVST_CLI_EVENTTEXT_H

#include <hvstimer/hvstimer.h>

/*
 * "kvm_hv_stimer_set_count vcpu_id=0 timer_index=0 count=30949446 host=0 [count 3.094945 s]" in
 * @buf; @meaning: what stands in brackets, "": nothing. Returns @buf.
 */
char *event_text(const struct hvst_event *ev, const char *meaning, char *buf, size_t len);

#endif
