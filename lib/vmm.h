/* SPDX-License-Identifier: LGPL-2.1 */
/* Stage: session. Finds the process of a VM by the names of threads. */
#ifndef HVST_VMM_H
#define HVST_VMM_H

#include <hvstimer/result.h>

struct hvst_source;

/*
 * hvst_vmm_name() - fill in @vmm and @pid of @n VMs, whose vCPUs have their @comm
 *
 * A recording has the names of threads only. QEMU names vCPU threads "CPU 0/KVM", and its first
 * thread, whose id is that of the process, keeps the name of the process. That thread was started
 * shortly before the vCPUs, so its id is below theirs. If two threads are possible, the process
 * stays unknown.
 */
void hvst_vmm_name(const struct hvst_source *src, struct hvst_vm *vms, unsigned int n);

#endif
