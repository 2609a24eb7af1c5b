/* SPDX-License-Identifier: LGPL-2.1 */
/*
 * Stage: analysis. What was found of a VM, by the VM's number. A question about a VM then costs
 * what that VM has and not what all of them have: there may be thousands.
 */
#ifndef HVST_ANALYSIS_BY_VM_H
#define HVST_ANALYSIS_BY_VM_H

#include "state.h"

/* All of them return 0 or -ENOMEM. */

/* The VMs: once they have their numbers. */
int hvst_by_vm_vms(struct analysis *a);
/* The arrays of struct hvst_result: once they are there. */
int hvst_by_vm_reference(struct analysis *a);
int hvst_by_vm_storms(struct analysis *a);
int hvst_by_vm_guest(struct analysis *a);
int hvst_by_vm_life(struct analysis *a);
void hvst_by_vm_free(struct analysis *a);

/* NULL: there is none. Of those that ran no guest, which all have number -1, the first. */
struct vm *hvst_vm_by_number(const struct analysis *a, int number);

/* What the analyses keep of it; NULL: there is no such VM, or nothing. */
static inline const struct vm_state *hvst_state_of(const struct analysis *a, int number)
{
	const struct vm *vm = hvst_vm_by_number(a, number);

	return vm ? vm->state : NULL;
}

/* Some elements of an array: their indexes, in order. */
struct vm_group {
	const struct vm_index *next;
	unsigned int n;
};
struct vm_group hvst_group_of(const struct vm_list *list, int number);

/*
 * for_each_of_vm - each element of an array of the result that is about a VM, in order
 * @p: pointer to const, set to one after the other
 * @list: reference, storms, guest or life
 */
#define for_each_of_vm(p, a, list, number)                                                         \
	for (struct vm_group group_ = hvst_group_of(&(a)->by_vm.list, number);                     \
	     group_.n && ((p) = (a)->result.list[group_.next->at], true);                          \
	     group_.next++, group_.n--)

#endif
