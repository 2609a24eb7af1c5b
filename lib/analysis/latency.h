/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. How late timers fire: deadline to callback, to expiration, to kvm_entry. */
#ifndef HVST_ANALYSIS_LATENCY_H
#define HVST_ANALYSIS_LATENCY_H

#include "state.h"

int hvst_latency_vcpu_created(struct vcpu *v);
int hvst_latency_timer_created(struct stimer *t);
void hvst_latency_delivery(struct analysis *a, struct stimer *t, const struct hvst_event *ev,
			   const struct hvst_delivery *d);
/* The firing at once to the observer, without its entry: where there is no analysis. */
void hvst_latency_fire(struct analysis *a, const struct stimer *t, const struct hvst_event *ev,
		       const struct hvst_delivery *d);
void hvst_latency_entry(struct analysis *a, struct vcpu *v, int64_t ts);
/* An entry after a gap, or after the end, belongs to no delivery before it. */
void hvst_latency_drop(struct analysis *a, struct vcpu *v);
void hvst_latency_gap(struct analysis *a);
/* The timer's distributions, owned by the analysis. */
void hvst_latency_fill(const struct stimer *t, struct hvst_timer *out);
void hvst_latency_timer_free(struct stimer *t);
void hvst_latency_vcpu_free(struct vcpu *v);

#endif
