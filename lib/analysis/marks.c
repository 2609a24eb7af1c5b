/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. The list of clock events kept for each VM. */
#include <errno.h>
#include <stdlib.h>

#include "marks.h"

struct vm_marks {
	bool any;
	struct clock_mark last;
};

int hvst_marks_created(struct vm *vm)
{
	vm->state->marks = calloc(1, sizeof(*vm->state->marks));
	return vm->state->marks ? 0 : -ENOMEM;
}

static void mark(struct vm *vm, const struct hvst_event *ev, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void mark(struct vm *vm, const struct hvst_event *ev, const char *fmt, ...)
{
	struct vm_marks *m = vm->state->marks;
	va_list ap;

	m->any = true;
	m->last.event = ev->id;
	va_start(ap, fmt);
	hvst_evidence_vset(&m->last.why, ev, fmt, ap);
	va_end(ap);
}

void hvst_marks_clock(struct vm *vm, const struct hvst_event *ev)
{
	if (ev->id == HVST_EV_UPDATE_MASTER_CLOCK)
		mark(vm, ev, "master clock recomputed (use_master_clock %d)",
		     ev->master_clock.use_master_clock);
	else if (ev->id == HVST_EV_WRITE_TSC_OFFSET)
		mark(vm, ev, "TSC offset moved by %lld cycles",
		     (long long)(ev->tsc_offset.next_tsc_offset -
				 ev->tsc_offset.previous_tsc_offset));
}

void hvst_marks_programmed(struct stimer *t, const struct hvst_event *ev)
{
	if (t->by_host)
		mark(t->vcpu->vm, ev, "the VMM writes timer %u (restore or reset)", t->index);
}

void hvst_marks_msr(struct vcpu *v, const struct hvst_event *ev)
{
	if (!ev->msr.write || ev->msr.exception)
		return;
	switch (ev->msr.ecx) {
	case HVST_MSR_REFERENCE_TSC:
		mark(v->vm, ev, "guest writes HV_REFERENCE_TSC = 0x%llx (TSC page %s)",
		     (unsigned long long)ev->msr.data,
		     ev->msr.data & HVST_MSR_ENABLE ? "on" : "off");
		break;
	case HVST_MSR_IA32_TSC:
	case HVST_MSR_IA32_TSC_ADJUST:
		mark(v->vm, ev, "guest writes MSR 0x%x = 0x%llx: its TSC moves", ev->msr.ecx,
		     (unsigned long long)ev->msr.data);
		break;
	case HVST_MSR_REENLIGHTENMENT_CONTROL:
	case HVST_MSR_TSC_EMULATION_CONTROL:
		mark(v->vm, ev, "guest writes MSR 0x%x = 0x%llx (re-enlightenment)", ev->msr.ecx,
		     (unsigned long long)ev->msr.data);
		break;
	default:
		break;
	}
}

void hvst_marks_merged(struct vm *into, struct vm *from)
{
	const struct vm_marks *f = from->state->marks;
	struct vm_marks *i = into->state->marks;

	if (f->any && (!i->any || f->last.why.ts_ns > i->last.why.ts_ns))
		*i = *f;
}

void hvst_marks_last(const struct vm *vm, struct clock_mark *out)
{
	if (vm->state->marks->any)
		*out = vm->state->marks->last;
	else
		out->event = -1;
}

void hvst_marks_free(struct vm *vm)
{
	free(vm->state->marks);
}
