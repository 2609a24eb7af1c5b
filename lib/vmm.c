// SPDX-License-Identifier: LGPL-2.1
/* Stage: session. Infers the process of a VM from the names of its threads and of those started
 * before them. */
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "stream/source.h"
#include "vmm.h"

/* QEMU starts a few threads between the first and the vCPUs; other processes may come between. */
#define MAX_DISTANCE 64

/* Does a thread of this name run a vCPU, so that the name is not that of the process? */
static bool is_vcpu_name(const char *comm)
{
	return !strncmp(comm, "CPU ", 4) || strstr(comm, "vcpu");
}

static bool is_qemu_name(const char *comm)
{
	return !strncmp(comm, "qemu", 4);
}

/* The name that all vCPU threads share with their process; NULL: they have names of their own. */
static const char *shared_name(const struct hvst_vm *vm)
{
	const char *name = vm->vcpus[0]->comm;

	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		if (is_vcpu_name(vm->vcpus[i]->comm) || strcmp(vm->vcpus[i]->comm, name))
			return NULL;
	return name;
}

static int lowest_tid(const struct hvst_vm *vm)
{
	int tid = INT_MAX;

	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		if (vm->vcpus[i]->tid < tid)
			tid = vm->vcpus[i]->tid;
	return tid;
}

/* The one QEMU between the vCPUs and those of the VM started before; -1: none, or several. */
static int process_below(const struct hvst_source *src, int tid)
{
	int last = tid > MAX_DISTANCE ? tid - MAX_DISTANCE : 1, found = -1;

	while (--tid >= last) {
		const char *comm = hvst_source_comm(src, tid);

		if (is_vcpu_name(comm))
			break;
		if (!is_qemu_name(comm))
			continue;
		if (found >= 0)
			return -1;
		found = tid;
	}
	return found;
}

void hvst_vmm_name(const struct hvst_source *src, struct hvst_vm *vms, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		struct hvst_vm *vm = &vms[i];
		const char *name;

		vm->pid = -1;
		if (vm->vm < 0 || !vm->nr_vcpus)
			continue;
		name = shared_name(vm);
		if (!name) {
			vm->pid = process_below(src, lowest_tid(vm));
			name = vm->pid >= 0 ? hvst_source_comm(src, vm->pid) : "";
		}
		snprintf(vm->vmm, sizeof(vm->vmm), "%s", name);
	}
}
