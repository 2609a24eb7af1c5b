/* SPDX-License-Identifier: GPL-2.0 */
/* Names for a VM: its number, the id of a thread or of its process, its name. */
#ifndef HVST_CLI_VMS_H
#define HVST_CLI_VMS_H

#include <hvstimer/hvstimer.h>

#include "options.h"

/*
 * Sets @o->vm to the VM that @o->vm_name names: the guest as the recording calls it, or the name of
 * its process ("win11" for a process "qemu:win11"); a number may be one of diagnose's, a process id
 * or that of a vCPU thread. @all: a result without a filter. An exit code, EXIT_USAGE after a
 * message that lists what there is when there is no such VM, or more than one.
 */
int vms_find(struct options *o, const struct hvst_result *all);

/* "VM 0: qemu-system-x86 4711, vCPU 0, 1; VM 1: vCPU 0" */
void vms_list(char *buf, size_t len, const struct hvst_result *all);

#endif
