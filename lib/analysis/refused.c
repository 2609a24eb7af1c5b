/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Requests that KVM refuses. An MSR access that raises #GP counts if the MSR is
 * one of Hyper-V's or of the TSC; guests probe others on purpose. A hypercall counts if its status
 * is not success, unless it asks the guest to try again.
 */
#include <errno.h>
#include <stdio.h>

#include "refused.h"

struct vcpu_refused {
	bool pending; /* a hypercall whose result is to come */
	uint16_t code;
};

int hvst_refused_vm_created(struct vm *vm)
{
	vm->state->refused = calloc(1, sizeof(*vm->state->refused));
	return vm->state->refused ? 0 : -ENOMEM;
}

void hvst_refused_vm_free(struct vm *vm)
{
	free(vm->state->refused);
}

int hvst_refused_vcpu_created(struct vcpu *v)
{
	v->state->refused = calloc(1, sizeof(*v->state->refused));
	return v->state->refused ? 0 : -ENOMEM;
}

void hvst_refused_vcpu_free(struct vcpu *v)
{
	free(v->state->refused);
}

void hvst_refused_gap(struct vcpu *v)
{
	v->state->refused->pending = false;
}

const char *hvst_refused_text(const struct refused *r, char buf[128])
{
	const char *name =
		r->kind == REFUSED_CALL ? hvst_hypercall_name(r->code) : hvst_msr_name(r->code);
	const char *status = hvst_hypercall_status_name(r->status);

	if (r->kind != REFUSED_CALL)
		snprintf(buf, 128, "%s of %s%sMSR 0x%x%s, #GP",
			 r->kind == REFUSED_READ ? "read" : "write", name ? name : "",
			 name ? " (" : "", r->code, name ? ")" : "");
	else if (status)
		snprintf(buf, 128, "hypercall %s%s0x%04x%s, %s", name ? name : "", name ? " (" : "",
			 r->code, name ? ")" : "", status);
	else
		snprintf(buf, 128, "hypercall %s%s0x%04x%s, status 0x%x", name ? name : "",
			 name ? " (" : "", r->code, name ? ")" : "", r->status);
	return buf;
}

/* The entry of a kind of request; NULL: there are too many kinds. */
static struct refused *entry_of(struct vm_refused *vm, const struct refused *key)
{
	for (unsigned int i = 0; i < vm->nr; i++) {
		struct refused *r = &vm->r[i];

		if (r->kind == key->kind && r->code == key->code && r->status == key->status)
			return r;
	}
	if (vm->nr == REFUSED_KINDS)
		return NULL;
	vm->r[vm->nr] = *key;
	vm->r[vm->nr].n = 0;
	return &vm->r[vm->nr++];
}

static __attribute__((noinline)) void refuse(struct vm_refused *vm, const struct refused *key,
					     const struct hvst_event *ev)
{
	struct refused *r = entry_of(vm, key);
	char text[128];

	vm->n++;
	if (!r)
		return;
	if (!r->n++)
		hvst_evidence_set(&r->why, ev, "refused: %s", hvst_refused_text(r, text));
}

static bool is_of_interest(uint32_t msr)
{
	return hvst_msr_is_hyperv(msr) || msr == HVST_MSR_IA32_TSC ||
	       msr == HVST_MSR_IA32_TSC_ADJUST || msr == HVST_MSR_IA32_TSC_DEADLINE;
}

void hvst_refused_msr(struct vcpu *v, const struct hvst_event *ev)
{
	struct vm_refused *vm = v->vm->state->refused;

	if (!ev->msr.exception)
		return;
	if (is_of_interest(ev->msr.ecx))
		refuse(vm,
		       &(struct refused){ .kind = ev->msr.write ? REFUSED_WRITE : REFUSED_READ,
					  .code = ev->msr.ecx },
		       ev);
	else
		vm->other++;
}

/* HV_STATUS of a retry: the guest will call again. */
static bool try_again(unsigned int status)
{
	return status == HVST_STATUS_INSUFFICIENT_MEMORY ||
	       status == HVST_STATUS_INSUFFICIENT_BUFFERS || status == HVST_STATUS_TIMEOUT ||
	       status == HVST_STATUS_CALL_PENDING;
}

void hvst_refused_event(struct vcpu *v, const struct hvst_event *ev)
{
	struct vcpu_refused *s = v->state->refused;
	unsigned int status;

	if (ev->id == HVST_EV_HYPERCALL) {
		*s = (struct vcpu_refused){ .pending = true, .code = ev->hypercall.code };
		return;
	}
	if (ev->id != HVST_EV_HYPERCALL_DONE || !s->pending)
		return;
	s->pending = false;
	status = HVST_HYPERCALL_STATUS(ev->hypercall_done.result);
	if (status && !try_again(status))
		refuse(v->vm->state->refused,
		       &(struct refused){ .kind = REFUSED_CALL, .code = s->code, .status = status },
		       ev);
}

void hvst_refused_merged(struct vm *into, struct vm *from)
{
	struct vm_refused *i = into->state->refused;
	const struct vm_refused *f = from->state->refused;

	for (unsigned int k = 0; k < f->nr; k++) {
		struct refused *r = entry_of(i, &f->r[k]);

		if (!r)
			continue;
		r->n += f->r[k].n;
		if (f->r[k].why.ts_ns < r->why.ts_ns)
			r->why = f->r[k].why;
	}
	i->n += f->n;
	i->other += f->other;
}
