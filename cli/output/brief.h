/* SPDX-License-Identifier: GPL-2.0 */
/* The diagnosis in plain English. */
#ifndef HVST_CLI_BRIEF_H
#define HVST_CLI_BRIEF_H

#include <hvstimer/hvstimer.h>

#include "out.h"

/*
 * The diagnosis as one paragraph of plain English, for a reader who knows neither KVM nor Hyper-V:
 * what happened, how bad it was, whose clock is wrong, what set it off, what is known of the host's
 * clock, what to do next.
 */
void brief_diagnosis(struct out *o, const struct hvst_trace *t, const struct hvst_result *r);

#endif
