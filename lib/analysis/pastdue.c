/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. Counters of past-due arms for each VM. */
#include <errno.h>
#include <stdlib.h>

#include "../base/array.h"
#include "pastdue.h"

int hvst_pastdue_created(struct vm *vm)
{
	vm->state->causes = calloc(1, sizeof(*vm->state->causes));
	return vm->state->causes ? 0 : -ENOMEM;
}

void hvst_pastdue_free(struct vm *vm)
{
	free(vm->state->causes);
}

/*
 * What time_now came from. Threads without a vCPU 0 among them are not a whole VM: another of its
 * threads may have written the page, which is not known before they are known to belong together.
 */
static enum hvst_ref_source source_at(const struct vm *vm, int64_t ts)
{
	if (!vm->page.known && !hvst_vm_has_first(vm))
		return HVST_REF_UNKNOWN;
	return hvst_tscpage_source(&vm->page, ts);
}

void hvst_pastdue_arm(struct stimer *t, const struct hvst_arm *arm, const struct hvst_event *ev)
{
	struct vm_causes *c = t->vcpu->vm->state->causes;
	enum hvst_ref_source src;

	if (arm->kind != HVST_ARM_PAST_DUE || arm->flags & HVST_ARM_RESTART)
		return;
	src = source_at(t->vcpu->vm, arm->ts_ns);
	if (src == HVST_REF_KVMCLOCK && !c->by_source[src])
		hvst_evidence_set(
			&c->kvmclock_why, ev,
			"past-due arm of timer %u while time_now came from the kvmclock: %s",
			t->index, hvst_tscpage_why(&t->vcpu->vm->page, arm->ts_ns));
	c->by_source[src]++;
	c->past_due++;
}

void hvst_pastdue_preempted(struct vm *vm, uint64_t n, const struct hvst_evidence *why)
{
	struct vm_causes *c = vm->state->causes;

	if (n && !c->preempted)
		c->preempted_why = *why;
	c->preempted += n;
}

void hvst_pastdue_unexplained(struct vm *vm, uint64_t n, const struct hvst_evidence *why)
{
	struct vm_causes *c = vm->state->causes;

	if (n && !c->unexplained)
		c->unexplained_why = *why;
	c->unexplained += n;
}

void hvst_pastdue_retried(struct vm *vm, uint64_t n, const struct hvst_evidence *why)
{
	struct vm_causes *c = vm->state->causes;

	if (n && !c->retried)
		c->retried_why = *why;
	c->retried += n;
}

void hvst_pastdue_merged(struct vm *into, struct vm *from)
{
	struct vm_causes *i = into->state->causes;
	const struct vm_causes *f = from->state->causes;

	if (!i->by_source[HVST_REF_KVMCLOCK])
		i->kvmclock_why = f->kvmclock_why;
	for (unsigned int s = 0; s < ARRAY_SIZE(i->by_source); s++)
		i->by_source[s] += f->by_source[s];
	i->past_due += f->past_due;
	hvst_pastdue_preempted(into, f->preempted, &f->preempted_why);
	hvst_pastdue_unexplained(into, f->unexplained, &f->unexplained_why);
	hvst_pastdue_retried(into, f->retried, &f->retried_why);
}
