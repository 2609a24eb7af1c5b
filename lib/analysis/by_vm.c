/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: analysis. Sorted indexes of VMs and of the result's arrays, by VM number. */
#include <errno.h>
#include <stdlib.h>

#include "by_vm.h"

static int cmp_index(const void *x, const void *y)
{
	const struct vm_index *a = x, *b = y;

	if (a->vm != b->vm)
		return a->vm < b->vm ? -1 : 1;
	return a->at < b->at ? -1 : a->at > b->at;
}

static int list_alloc(struct vm_list *list, unsigned int n)
{
	list->v = calloc(n ? n : 1, sizeof(*list->v));
	list->n = list->v ? n : 0;
	return list->v ? 0 : -ENOMEM;
}

/* Defines the function that builds the index of @array of struct hvst_result. */
#define INDEX(array)                                                                               \
	int hvst_by_vm_##array(struct analysis *a)                                                 \
	{                                                                                          \
		struct vm_list *list = &a->by_vm.array;                                            \
                                                                                                   \
		if (list_alloc(list, a->result.nr_##array))                                        \
			return -ENOMEM;                                                            \
		for (unsigned int i = 0; i < list->n; i++)                                         \
			list->v[i] = (struct vm_index){ a->result.array[i]->vm, i };               \
		qsort(list->v, list->n, sizeof(*list->v), cmp_index);                              \
		return 0;                                                                          \
	}

INDEX(reference)
INDEX(storms)
INDEX(guest)
INDEX(life)

int hvst_by_vm_vms(struct analysis *a)
{
	struct by_vm *b = &a->by_vm;
	unsigned int n = 0;

	for_each_vm (vm, a)
		n++;
	b->vms = calloc(n ? n : 1, sizeof(*b->vms));
	if (!b->vms || list_alloc(&b->numbers, n))
		return -ENOMEM;
	n = 0;
	for_each_vm (vm, a) {
		b->numbers.v[n] = (struct vm_index){ vm->number, n };
		b->vms[n++] = vm;
	}
	qsort(b->numbers.v, n, sizeof(*b->numbers.v), cmp_index);
	return 0;
}

void hvst_by_vm_free(struct analysis *a)
{
	struct by_vm *b = &a->by_vm;

	free(b->vms);
	free(b->numbers.v);
	free(b->reference.v);
	free(b->storms.v);
	free(b->guest.v);
	free(b->life.v);
	*b = (struct by_vm){ 0 };
}

/* The number of elements with a VM number below @number. */
static unsigned int count_below(const struct vm_list *list, int number)
{
	unsigned int lo = 0, hi = list->n;

	while (lo < hi) {
		unsigned int mid = lo + (hi - lo) / 2;

		if (list->v[mid].vm < number)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

struct vm_group hvst_group_of(const struct vm_list *list, int number)
{
	unsigned int from = count_below(list, number);
	unsigned int to = number < INT_MAX ? count_below(list, number + 1) : list->n;

	return (struct vm_group){ list->v ? list->v + from : NULL, to - from };
}

struct vm *hvst_vm_by_number(const struct analysis *a, int number)
{
	struct vm_group g = hvst_group_of(&a->by_vm.numbers, number);

	return g.n ? a->by_vm.vms[g.next->at] : NULL;
}
