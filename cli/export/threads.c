// SPDX-License-Identifier: GPL-2.0
/* The list of threads, sorted and searched. */
#include <errno.h>
#include <stdlib.h>

#include "threads.h"

static int by_thread(const void *a, const void *b)
{
	const struct who *x = a, *y = b;

	if (x->tid != y->tid)
		return x->tid < y->tid ? -1 : 1;
	return (x->vm > y->vm) - (x->vm < y->vm);
}

int threads_init(struct threads *t, const struct hvst_result *r)
{
	unsigned int i, j, n = 0;

	for (i = 0; i < r->nr_vms; i++)
		n += r->vms[i]->nr_vcpus;
	t->n = 0;
	t->v = calloc(n + 1, sizeof(*t->v));
	if (!t->v)
		return -ENOMEM;
	for (i = 0; i < r->nr_vms; i++)
		for (j = 0; j < r->vms[i]->nr_vcpus; j++)
			t->v[t->n++] = (struct who){ r->vms[i]->vcpus[j]->tid, r->vms[i]->vm,
						     r->vms[i]->vcpus[j]->vcpu };
	qsort(t->v, t->n, sizeof(*t->v), by_thread);
	return 0;
}

void threads_free(struct threads *t)
{
	free(t->v);
	t->v = NULL;
	t->n = 0;
}

/* The first entry of @tid; t->n without one. */
static unsigned int first_of(const struct threads *t, int tid)
{
	unsigned int low = 0, high = t->n;

	while (low < high) {
		unsigned int middle = low + (high - low) / 2;

		if (t->v[middle].tid < tid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < t->n && t->v[low].tid == tid ? low : t->n;
}

struct who threads_find(const struct threads *t, int tid, int vm, int vcpu)
{
	unsigned int i = first_of(t, tid);
	struct who who = { tid, vm, vcpu };
	bool only = i < t->n && (i + 1 == t->n || t->v[i + 1].tid != tid);

	if (vm < 0 && only) {
		who.vm = t->v[i].vm;
		who.vcpu = vcpu < 0 ? t->v[i].vcpu : vcpu;
	}
	return who;
}
