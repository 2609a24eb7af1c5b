/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. Indexes of VMs and findings by VM number. There may be thousands of VMs:
 * answering a question for one of them must not search the findings of all.
 */
#ifndef HVST_ANALYSIS_BY_VM_H
#define HVST_ANALYSIS_BY_VM_H

#include "state.h"

/* These build the indexes and return 0 or -ENOMEM. */

/* Of the VMs: call it when they are numbered. */
int hvst_by_vm_vms(struct analysis *a);
/* Of the arrays of struct hvst_result: call each when its array is complete. */
int hvst_by_vm_reference(struct analysis *a);
int hvst_by_vm_storms(struct analysis *a);
int hvst_by_vm_guest(struct analysis *a);
int hvst_by_vm_life(struct analysis *a);
void hvst_by_vm_free(struct analysis *a);

/* NULL: no such VM. -1, the number of all VMs that ran no guest, finds the first of these. */
struct vm *hvst_vm_by_number(const struct analysis *a, int number);

/* The state of the analyses for a VM; NULL: no such VM, or no state. */
static inline const struct vm_state *hvst_state_of(const struct analysis *a, int number)
{
	const struct vm *vm = hvst_vm_by_number(a, number);

	return vm ? vm->state : NULL;
}

/* The elements of an array that are about one VM, in order. */
struct vm_group {
	const struct vm_index *next;
	unsigned int n;
};
struct vm_group hvst_group_of(const struct vm_list *list, int number);

/*
 * for_each_of_vm() - iterate over the elements of an array of the result that are about one VM
 * @p: pointer to const, the element
 * @list: reference, storms, guest or life
 * @number: of the VM
 */
#define for_each_of_vm(p, a, list, number)                                                         \
	for (struct vm_group group_ = hvst_group_of(&(a)->by_vm.list, number);                     \
	     group_.n && ((p) = (a)->result.list[group_.next->at], true);                          \
	     group_.next++, group_.n--)

#endif
