// SPDX-License-Identifier: GPL-2.0
/* Finds the VM that --vm names: a number, a name, or the id of a thread or process. */
#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "message.h"
#include "opt/value.h"
#include "output/finding.h"
#include "vms.h"

static bool has_number(const struct hvst_vm *vm, const void *number)
{
	return vm->vm == *(const int *)number;
}

static bool has_thread(const struct hvst_vm *vm, const void *id)
{
	int tid = *(const int *)id;

	for (unsigned int i = 0; i < vm->nr_vcpus; i++)
		if (vm->vcpus[i]->tid == tid)
			return true;
	return vm->pid == tid;
}

static bool has_name(const struct hvst_vm *vm, const void *name)
{
	static const char prefix[] = "qemu:";

	return (vm->name && !strcmp(vm->name, name)) || !strcmp(vm->vmm, name) ||
	       (!strncmp(vm->vmm, prefix, strlen(prefix)) &&
		!strcmp(vm->vmm + strlen(prefix), name));
}

/* How many VMs there are for which @is holds; *@vm becomes the number of the last. */
static unsigned int find(const struct hvst_result *all,
			 bool (*is)(const struct hvst_vm *vm, const void *what), const void *what,
			 int *vm)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < all->nr_vms; i++) {
		if (all->vms[i]->vm < 0 || !is(all->vms[i], what))
			continue;
		*vm = all->vms[i]->vm;
		n++;
	}
	return n;
}

void vms_list(char *buf, size_t len, const struct hvst_result *all)
{
	char process[VM_PROCESS];
	size_t at = 0;

	snprintf(buf, len, "no VM at all");
	for (unsigned int i = 0; i < all->nr_vms && at < len; i++) {
		const struct hvst_vm *vm = all->vms[i];
		const char *name = vm->name ? vm->name : "";

		vm_process(process, vm);
		at += snprintf(buf + at, len - at, "%sVM %d: %.64s%s%s%svCPU", i ? "; " : "",
			       vm->vm, name, *name ? ", " : "", process, *process ? ", " : "");
		for (unsigned int v = 0; v < vm->nr_vcpus && at < len; v++)
			at += snprintf(buf + at, len - at, "%s %d", v ? "," : "",
				       vm->vcpus[v]->vcpu);
	}
}

int vms_find(struct options *o, const struct hvst_result *all)
{
	char there[512];
	unsigned long number;
	unsigned int n;
	int id;

	if (parse_unsigned(o->vm_name, INT_MAX, &number)) {
		id = (int)number;
		n = find(all, has_number, &id, &o->vm);
		if (!n)
			n = find(all, has_thread, &id, &o->vm);
	} else {
		n = find(all, has_name, o->vm_name, &o->vm);
	}
	if (n == 1)
		return EXIT_OK;
	vms_list(there, sizeof(there), all);
	cli_error("%s: %s '%s' here; there is %s", o->command->name,
		  n ? "more than one VM is called" : "no VM", o->vm_name, there);
	return EXIT_USAGE;
}
