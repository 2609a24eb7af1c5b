/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. The latest clock events of a VM, kept as possible triggers of storms. */
#ifndef HVST_ANALYSIS_MARKS_H
#define HVST_ANALYSIS_MARKS_H

#include "evidence.h"
#include "state.h"

struct clock_mark {
	int event; /* enum hvst_event_id, -1 none */
	struct hvst_evidence why;
};

int hvst_marks_created(struct vm *vm);
/* A clock event of the host; a write of a timer by the VMM; an access of an MSR. */
void hvst_marks_clock(struct vm *vm, const struct hvst_event *ev);
void hvst_marks_programmed(struct stimer *t, const struct hvst_event *ev);
void hvst_marks_msr(struct vcpu *v, const struct hvst_event *ev);
void hvst_marks_merged(struct vm *into, struct vm *from);
/* The last one so far; its event is -1 when there was none. */
void hvst_marks_last(const struct vm *vm, struct clock_mark *out);
void hvst_marks_free(struct vm *vm);

#endif
