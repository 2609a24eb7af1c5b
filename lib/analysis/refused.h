/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. Requests of the guest that KVM refused: MSR accesses (#GP) and hypercalls. */
#ifndef HVST_ANALYSIS_REFUSED_H
#define HVST_ANALYSIS_REFUSED_H

#include "evidence.h"
#include "state.h"

enum refused_kind { REFUSED_READ, REFUSED_WRITE, REFUSED_CALL };

/* One kind of request, and how often it was refused. */
struct refused {
	enum refused_kind kind;
	uint32_t code;	 /* MSR or call code */
	uint32_t status; /* of a hypercall */
	uint64_t n;
	struct hvst_evidence why; /* the first */
};

#define REFUSED_KINDS 16 /* of a VM; a hostile guest could ask for anything */

struct vm_refused {
	struct refused r[REFUSED_KINDS];
	unsigned int nr;
	uint64_t n;	/* of all, those beyond @r included */
	uint64_t other; /* MSRs that belong neither to Hyper-V nor to the TSC */
};

int hvst_refused_vm_created(struct vm *vm);
int hvst_refused_vcpu_created(struct vcpu *v);
void hvst_refused_msr(struct vcpu *v, const struct hvst_event *ev);
/* kvm_hv_hypercall, kvm_hv_hypercall_done */
void hvst_refused_event(struct vcpu *v, const struct hvst_event *ev);
void hvst_refused_gap(struct vcpu *v);
void hvst_refused_merged(struct vm *into, struct vm *from);
void hvst_refused_vm_free(struct vm *vm);
void hvst_refused_vcpu_free(struct vcpu *v);

/* "write of HV_... (MSR 0x40000114), #GP" or "HvCall... (0x0103), HV_STATUS_..."; returns @buf */
const char *hvst_refused_text(const struct refused *r, char buf[128]);

#endif
