/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. What each timer costs its vCPU: exits, and time outside the guest. */
#ifndef HVST_ANALYSIS_LOAD_H
#define HVST_ANALYSIS_LOAD_H

#include "state.h"

/* A guest with a timer that takes as much as this is not told to look elsewhere. */
#define HVST_LOAD_HZ	500
#define HVST_LOAD_SHARE 0.05

int hvst_load_vcpu_created(struct vcpu *v);
int hvst_load_timer_created(struct stimer *t);
void hvst_load_exit(struct vcpu *v, int64_t ts, bool halts);
void hvst_load_entry(struct vcpu *v, int64_t ts);
/* A write, a start, an expiration: the current exit serves this timer. */
void hvst_load_touch(struct stimer *t, int64_t ts);
void hvst_load_delivery(struct stimer *t, const struct hvst_event *ev,
			const struct hvst_delivery *d);
/* An end of interrupt belongs to the timer that was delivered last. */
void hvst_load_msr(struct vcpu *v, const struct hvst_event *ev);
void hvst_load_gap(struct vcpu *v);
void hvst_load_fill(const struct stimer *t, struct hvst_timer *out);
void hvst_load_vcpu_free(struct vcpu *v);
void hvst_load_timer_free(struct stimer *t);

/* Does this timer alone take a noticeable part of its vCPU? */
bool hvst_load_is_high(const struct hvst_timer *t);

#endif
