/* SPDX-License-Identifier: GPL-2.0 */
/* A virtual machine on /dev/kvm with the Hyper-V enlightenments; its memory holds the guest of
 * guest.c. */
#ifndef STORM_VM_H
#define STORM_VM_H

#include <linux/kvm.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "abi.h"

#define MSR_IA32_TSC	  0x10
#define MSR_HV_TIME_COUNT 0x40000020
#define MSR_HV_TSC_PAGE	  0x40000021
#define MAX_SAVED_MSRS	  48

struct vm;

struct vcpu {
	struct vm *vm;
	struct kvm_run *run;
	unsigned int index;
	int fd, tid;
	pthread_t thread;
	bool created, started;
	bool parked; /* under vm->lock */
	bool go;     /* under vm->lock: leave the parking place */
};

struct vm {
	int kvm_fd, fd;
	unsigned int nr_vcpus;
	uint8_t *memory;
	size_t run_size;
	uint64_t tsc_khz;
	unsigned int late_ms; /* between the VM's creation and its vCPUs': the TSC starts so much
				 later */
	struct kvm_cpuid2 *cpuid, *hv_cpuid;
	struct vcpu vcpus[MAX_VCPUS];
	pthread_mutex_t lock;
	pthread_cond_t changed;
	bool quit;
	char error[256]; /* of a vCPU's thread; empty: none */
};

/* struct kvm_msrs with room for its entries */
union msrs {
	struct kvm_msrs head;
	uint8_t room[sizeof(struct kvm_msrs) + MAX_SAVED_MSRS * sizeof(struct kvm_msr_entry)];
};

/* The state of a vCPU that a restore puts back, in the order in which QEMU writes its MSRs. */
struct vcpu_state {
	struct kvm_regs regs;
	struct kvm_sregs sregs;
	struct kvm_lapic_state lapic;
	struct kvm_vcpu_events events;
	struct kvm_mp_state mp;
	union msrs msrs;
};

/* All return 0 or a negative errno; a message is in @vm->error then. */
int vm_check(struct vm *vm);
int vm_create(struct vm *vm, unsigned int nr_vcpus);
void vm_destroy(struct vm *vm);
int vm_set_msr(struct vcpu *v, uint32_t msr, uint64_t value);
int vm_get_msr(struct vcpu *v, uint32_t msr, uint64_t *value);
int vm_get_clock(struct vm *vm, uint64_t *ns);
int vm_set_clock(struct vm *vm, uint64_t ns);
int vm_add_tsc_offset(struct vcpu *v, int64_t ticks);
int vm_kick(struct vm *vm, unsigned int index);
int vm_rewrite_stimers(struct vcpu *v);
int vm_save(struct vm *vm, struct vcpu_state *state);
int vm_renew(struct vm *vm);
int vm_restore(struct vm *vm, const struct vcpu_state *state);

static inline struct vcpu_block *vm_block(struct vm *vm, unsigned int index)
{
	return (struct vcpu_block *)(vm->memory + GPA_VCPU(index));
}

/* vCPUs' threads (vcpu.c). All vCPUs are parked when these return, or an error is set. */
int vcpus_start(struct vm *vm);
int vcpus_release(struct vm *vm);
int vcpus_park(struct vm *vm);
int vcpus_complete_exit(struct vm *vm);
void vcpus_stop(struct vm *vm);

#endif
