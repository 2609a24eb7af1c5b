// SPDX-License-Identifier: GPL-2.0
/* The virtual machine of stimer-storm: /dev/kvm, its memory, vCPUs and clocks. */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vm.h"

#define HV_LEAF_FIRST	 0x40000000
#define HV_LEAF_LAST	 0x400000ff
#define HV_LEAF_FEATURES 0x40000003
#define MAX_LEAVES	 256
/* Where KVM may put three pages and one of its own on Intel; not in the guest's memory. */
#define TSS_ADDRESS  0xfffbd000
#define IDENTITY_MAP 0xfffbc000

extern const uint8_t guest_image[], guest_image_end[];
asm(".section .rodata\n"
    ".global guest_image, guest_image_end\n"
    "guest_image: .incbin \"" GUEST_IMAGE "\"\n"
    "guest_image_end:\n"
    ".previous\n");

/* What TLFS, "Feature and Interface Discovery" (leaf 0x40000003) calls these. */
static const struct feature {
	int reg; /* 0: EAX, 3: EDX */
	uint32_t bit;
	const char *name;
} features[] = {
	{ 0, 1 << 1, "the reference counter (AccessPartitionReferenceCounter)" },
	{ 0, 1 << 2, "SynIC (AccessSynicRegs)" },
	{ 0, 1 << 3, "synthetic timers (AccessSyntheticTimerRegs)" },
	{ 0, 1 << 5, "hypercalls (AccessHypercallMsrs)" },
	{ 0, 1 << 9, "the reference TSC page (AccessPartitionReferenceTsc)" },
	{ 3, 1 << 19, "direct mode of synthetic timers" },
};

static const struct capability {
	int cap;
	const char *name;
} capabilities[] = {
	{ KVM_CAP_HYPERV, "KVM_CAP_HYPERV: built without CONFIG_KVM_HYPERV?" },
	{ KVM_CAP_HYPERV_SYNIC2, "KVM_CAP_HYPERV_SYNIC2" },
	{ KVM_CAP_SYS_HYPERV_CPUID, "KVM_CAP_SYS_HYPERV_CPUID" },
	{ KVM_CAP_IRQCHIP, "KVM_CAP_IRQCHIP" },
	{ KVM_CAP_SIGNAL_MSI, "KVM_CAP_SIGNAL_MSI" },
	{ KVM_CAP_ADJUST_CLOCK, "KVM_CAP_ADJUST_CLOCK" },
	{ KVM_CAP_IMMEDIATE_EXIT, "KVM_CAP_IMMEDIATE_EXIT" },
	{ KVM_CAP_GET_TSC_KHZ, "KVM_CAP_GET_TSC_KHZ" },
	{ KVM_CAP_VCPU_ATTRIBUTES, "KVM_CAP_VCPU_ATTRIBUTES (TSC offsets)" },
};

static int fail(struct vm *vm, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The message, with errno's text; returns -errno. */
static int fail(struct vm *vm, const char *fmt, ...)
{
	int err = errno ? errno : EIO;
	char what[160];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	pthread_mutex_lock(&vm->lock);
	if (!*vm->error)
		snprintf(vm->error, sizeof(vm->error), "%s: %s", what, strerror(err));
	pthread_mutex_unlock(&vm->lock);
	return -err;
}

static struct kvm_cpuid2 *read_cpuid(struct vm *vm, unsigned long request, const char *name)
{
	struct kvm_cpuid2 *c = calloc(1, sizeof(*c) + MAX_LEAVES * sizeof(c->entries[0]));

	if (!c) {
		fail(vm, "memory");
		return NULL;
	}
	c->nent = MAX_LEAVES;
	if (!ioctl(vm->kvm_fd, request, c))
		return c;
	fail(vm, "%s", name);
	free(c);
	return NULL;
}

static const struct kvm_cpuid_entry2 *find_leaf(const struct kvm_cpuid2 *c, uint32_t function)
{
	unsigned int i;

	for (i = 0; i < c->nent; i++)
		if (c->entries[i].function == function)
			return &c->entries[i];
	return NULL;
}

static int check_features(struct vm *vm)
{
	const struct kvm_cpuid_entry2 *e = find_leaf(vm->hv_cpuid, HV_LEAF_FEATURES);
	int missing = 0;
	size_t i;

	errno = ENOTSUP;
	if (!e)
		return fail(vm, "KVM has no CPUID leaf 0x40000003");
	for (i = 0; i < sizeof(features) / sizeof(*features); i++) {
		if ((features[i].reg ? e->edx : e->eax) & features[i].bit)
			continue;
		fprintf(stderr, "stimer-storm: this host's KVM lacks %s\n", features[i].name);
		missing++;
	}
	errno = ENOTSUP;
	return missing ? fail(vm, "%d Hyper-V features are missing", missing) : 0;
}

int vm_check(struct vm *vm)
{
	int missing = 0, version;
	size_t i;

	vm->kvm_fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	if (vm->kvm_fd < 0)
		return fail(vm, "/dev/kvm");
	version = ioctl(vm->kvm_fd, KVM_GET_API_VERSION, 0);
	errno = ENOTSUP;
	if (version != KVM_API_VERSION)
		return fail(vm, "/dev/kvm has version %d of its interface", version);
	for (i = 0; i < sizeof(capabilities) / sizeof(*capabilities); i++) {
		if (ioctl(vm->kvm_fd, KVM_CHECK_EXTENSION, capabilities[i].cap) > 0)
			continue;
		fprintf(stderr, "stimer-storm: this host's KVM lacks %s\n", capabilities[i].name);
		missing++;
	}
	errno = ENOTSUP;
	if (missing)
		return fail(vm, "%d capabilities are missing", missing);
	vm->cpuid = read_cpuid(vm, KVM_GET_SUPPORTED_CPUID, "KVM_GET_SUPPORTED_CPUID");
	vm->hv_cpuid = read_cpuid(vm, KVM_GET_SUPPORTED_HV_CPUID, "KVM_GET_SUPPORTED_HV_CPUID");
	if (!vm->cpuid || !vm->hv_cpuid)
		return -EIO;
	return check_features(vm);
}

/* The CPU's own leaves with the vCPU's APIC id, and Hyper-V's in the place of KVM's. */
static int set_cpuid(struct vcpu *v)
{
	const struct kvm_cpuid2 *cpu = v->vm->cpuid, *hv = v->vm->hv_cpuid;
	struct kvm_cpuid2 *c =
		calloc(1, sizeof(*c) + (cpu->nent + hv->nent) * sizeof(c->entries[0]));
	unsigned int i;
	int rc;

	if (!c)
		return fail(v->vm, "memory");
	for (i = 0; i < cpu->nent; i++) {
		struct kvm_cpuid_entry2 e = cpu->entries[i];

		if (e.function >= HV_LEAF_FIRST && e.function <= HV_LEAF_LAST)
			continue;
		if (e.function == 1)
			e.ebx = (e.ebx & 0xffffff) | v->index << 24;
		if (e.function == 0xb)
			e.edx = v->index;
		c->entries[c->nent++] = e;
	}
	for (i = 0; i < hv->nent; i++)
		c->entries[c->nent++] = hv->entries[i];
	rc = ioctl(v->fd, KVM_SET_CPUID2, c);
	free(c);
	return rc ? fail(v->vm, "KVM_SET_CPUID2") : 0;
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, bool code)
{
	return (struct kvm_segment){
		.limit = 0xffffffff,
		.selector = selector,
		.type = type,
		.present = 1,
		.s = 1,
		.l = code,
		.db = !code,
		.g = 1,
	};
}

/* Long mode from the first instruction on: TLFS wants none of the way there. */
static int set_registers(struct vcpu *v)
{
	struct kvm_regs regs = { .rip = GPA_IMAGE, .rsp = GPA_STACK(v->index), .rflags = 2 };
	struct kvm_mp_state mp = { .mp_state = KVM_MP_STATE_RUNNABLE };
	struct kvm_sregs s;

	if (ioctl(v->fd, KVM_GET_SREGS, &s))
		return fail(v->vm, "KVM_GET_SREGS");
	s.cs = segment(0x08, 11, true);
	s.ds = s.es = s.fs = s.gs = s.ss = segment(0x10, 3, false);
	s.gs.base = GPA_VCPU(v->index);
	s.tr = (struct kvm_segment){ .limit = 0x67, .selector = 0x18, .type = 11, .present = 1 };
	s.gdt.base = GPA_GDT;
	s.gdt.limit = 5 * 8 - 1;
	s.cr0 = 0x80000033; /* PG, NE, ET, MP, PE */
	s.cr3 = GPA_PML4;
	s.cr4 = 0x620;	/* OSXMMEXCPT, OSFXSR, PAE */
	s.efer = 0x500; /* LMA, LME */
	if (ioctl(v->fd, KVM_SET_SREGS, &s))
		return fail(v->vm, "KVM_SET_SREGS");
	if (ioctl(v->fd, KVM_SET_REGS, &regs))
		return fail(v->vm, "KVM_SET_REGS");
	return ioctl(v->fd, KVM_SET_MP_STATE, &mp) ? fail(v->vm, "KVM_SET_MP_STATE") : 0;
}

static int create_vcpu(struct vm *vm, unsigned int index)
{
	struct kvm_enable_cap synic = { .cap = KVM_CAP_HYPERV_SYNIC2 };
	struct vcpu *v = &vm->vcpus[index];

	v->vm = vm;
	v->index = index;
	v->fd = ioctl(vm->fd, KVM_CREATE_VCPU, index);
	if (v->fd < 0)
		return fail(vm, "KVM_CREATE_VCPU");
	v->created = true;
	v->run = mmap(NULL, vm->run_size, PROT_READ | PROT_WRITE, MAP_SHARED, v->fd, 0);
	if (v->run == MAP_FAILED) {
		v->run = NULL;
		return fail(vm, "mapping a vCPU");
	}
	if (set_cpuid(v))
		return -EIO;
	if (ioctl(v->fd, KVM_ENABLE_CAP, &synic))
		return fail(vm, "KVM_CAP_HYPERV_SYNIC2");
	return 0;
}

static void put(struct vm *vm, uint64_t gpa, uint64_t value)
{
	memcpy(vm->memory + gpa, &value, sizeof(value));
}

/* The first GiB is mapped to itself by pages of 2 MiB: present, writable, 4 MiB-style (PS). */
static void lay_out_memory(struct vm *vm)
{
	unsigned int i;

	put(vm, GPA_PML4, GPA_PDPT | 3);
	put(vm, GPA_PDPT, GPA_PD | 3);
	for (i = 0; i < 512; i++)
		put(vm, GPA_PD + 8 * i, (uint64_t)i << 21 | 0x83);
	put(vm, GPA_GDT + 0x08, 0x00af9b000000ffffULL); /* 64-bit code */
	put(vm, GPA_GDT + 0x10, 0x00cf93000000ffffULL); /* data */
	memcpy(vm->memory + GPA_IMAGE, guest_image, guest_image_end - guest_image);
	for (i = 0; i < vm->nr_vcpus; i++) {
		vm_block(vm, i)->self = GPA_VCPU(i);
		vm_block(vm, i)->index = i;
	}
}

static int open_vm(struct vm *vm)
{
	uint64_t identity = IDENTITY_MAP;
	struct kvm_userspace_memory_region region = {
		.memory_size = GUEST_MEMORY,
		.userspace_addr = (uint64_t)vm->memory,
	};
	unsigned int i;
	int rc;

	vm->fd = ioctl(vm->kvm_fd, KVM_CREATE_VM, 0);
	if (vm->fd < 0)
		return fail(vm, "KVM_CREATE_VM");
	if (ioctl(vm->fd, KVM_SET_TSS_ADDR, TSS_ADDRESS) ||
	    ioctl(vm->fd, KVM_SET_IDENTITY_MAP_ADDR, &identity))
		return fail(vm, "KVM_SET_TSS_ADDR, KVM_SET_IDENTITY_MAP_ADDR");
	if (ioctl(vm->fd, KVM_CREATE_IRQCHIP, 0))
		return fail(vm, "KVM_CREATE_IRQCHIP");
	if (ioctl(vm->fd, KVM_SET_USER_MEMORY_REGION, &region))
		return fail(vm, "KVM_SET_USER_MEMORY_REGION");
	usleep(vm->late_ms * 1000);
	for (i = 0; i < vm->nr_vcpus; i++) {
		rc = create_vcpu(vm, i);
		if (rc)
			return rc;
	}
	rc = ioctl(vm->vcpus[0].fd, KVM_GET_TSC_KHZ, 0);
	if (rc <= 0)
		return fail(vm, "KVM_GET_TSC_KHZ");
	vm->tsc_khz = rc;
	return 0;
}

int vm_create(struct vm *vm, unsigned int nr_vcpus)
{
	unsigned int i;
	int rc;

	vm->nr_vcpus = nr_vcpus;
	rc = ioctl(vm->kvm_fd, KVM_GET_VCPU_MMAP_SIZE, 0);
	if (rc <= 0)
		return fail(vm, "KVM_GET_VCPU_MMAP_SIZE");
	vm->run_size = rc;
	vm->memory = mmap(NULL, GUEST_MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	if (vm->memory == MAP_FAILED) {
		vm->memory = NULL;
		return fail(vm, "guest memory");
	}
	lay_out_memory(vm);
	rc = open_vm(vm);
	for (i = 0; !rc && i < nr_vcpus; i++)
		rc = set_registers(&vm->vcpus[i]);
	return rc;
}

static void close_vm(struct vm *vm)
{
	unsigned int i;

	for (i = 0; i < vm->nr_vcpus; i++) {
		struct vcpu *v = &vm->vcpus[i];

		if (v->run)
			munmap(v->run, vm->run_size);
		if (v->created)
			close(v->fd);
		v->run = NULL;
		v->created = false;
	}
	if (vm->fd > 0)
		close(vm->fd);
	vm->fd = -1;
}

void vm_destroy(struct vm *vm)
{
	close_vm(vm);
	if (vm->memory)
		munmap(vm->memory, GUEST_MEMORY);
	if (vm->kvm_fd > 0)
		close(vm->kvm_fd);
	free(vm->cpuid);
	free(vm->hv_cpuid);
}

int vm_set_msr(struct vcpu *v, uint32_t msr, uint64_t value)
{
	union msrs m = { .head.nmsrs = 1 };

	m.head.entries[0].index = msr;
	m.head.entries[0].data = value;
	if (ioctl(v->fd, KVM_SET_MSRS, &m) == 1)
		return 0;
	return fail(v->vm, "KVM_SET_MSRS 0x%x", msr);
}

int vm_get_msr(struct vcpu *v, uint32_t msr, uint64_t *value)
{
	union msrs m = { .head.nmsrs = 1 };

	m.head.entries[0].index = msr;
	if (ioctl(v->fd, KVM_GET_MSRS, &m) != 1)
		return fail(v->vm, "KVM_GET_MSRS 0x%x", msr);
	*value = m.head.entries[0].data;
	return 0;
}

int vm_get_clock(struct vm *vm, uint64_t *ns)
{
	struct kvm_clock_data c = { 0 };

	if (ioctl(vm->fd, KVM_GET_CLOCK, &c))
		return fail(vm, "KVM_GET_CLOCK");
	*ns = c.clock;
	return 0;
}

int vm_set_clock(struct vm *vm, uint64_t ns)
{
	struct kvm_clock_data c = { .clock = ns };

	return ioctl(vm->fd, KVM_SET_CLOCK, &c) ? fail(vm, "KVM_SET_CLOCK") : 0;
}

int vm_add_tsc_offset(struct vcpu *v, int64_t ticks)
{
	uint64_t offset;
	struct kvm_device_attr a = {
		.group = KVM_VCPU_TSC_CTRL,
		.attr = KVM_VCPU_TSC_OFFSET,
		.addr = (uint64_t)&offset,
	};

	if (ioctl(v->fd, KVM_GET_DEVICE_ATTR, &a))
		return fail(v->vm, "reading KVM_VCPU_TSC_OFFSET");
	offset += ticks;
	return ioctl(v->fd, KVM_SET_DEVICE_ATTR, &a) ? fail(v->vm, "KVM_VCPU_TSC_OFFSET") : 0;
}

/* A message-signalled interrupt, fixed and edge-triggered, to one APIC. */
int vm_kick(struct vm *vm, unsigned int index)
{
	struct kvm_msi msi = { .address_lo = 0xfee00000 | index << 12, .data = VECTOR_KICK };

	return ioctl(vm->fd, KVM_SIGNAL_MSI, &msi) < 0 ? fail(vm, "KVM_SIGNAL_MSI") : 0;
}

static const uint32_t stimer_msrs[] = {
	0x400000b0, 0x400000b1, 0x400000b2, 0x400000b3,
	0x400000b4, 0x400000b5, 0x400000b6, 0x400000b7,
};

int vm_rewrite_stimers(struct vcpu *v)
{
	uint64_t value = 0;
	size_t i;
	int rc;

	for (i = 0; i < sizeof(stimer_msrs) / sizeof(*stimer_msrs); i++) {
		rc = vm_get_msr(v, stimer_msrs[i], &value);
		rc = rc ? rc : vm_set_msr(v, stimer_msrs[i], value);
		if (rc)
			return rc;
	}
	return 0;
}

static void list_msrs(struct vcpu_state *s)
{
	static const uint32_t first[] = {
		MSR_IA32_TSC, 0x40000000, 0x40000001, MSR_HV_TSC_PAGE,
		0x40000080,   0x40000082, 0x40000083, /* SCONTROL, SIEFP, SIMP */
	};
	unsigned int n = 0, i;

	for (i = 0; i < sizeof(first) / sizeof(*first); i++)
		s->msrs.head.entries[n++].index = first[i];
	for (i = 0; i < 16; i++)
		s->msrs.head.entries[n++].index = 0x40000090 + i;
	for (i = 0; i < sizeof(stimer_msrs) / sizeof(*stimer_msrs); i++)
		s->msrs.head.entries[n++].index = stimer_msrs[i];
	s->msrs.head.nmsrs = n;
}

static int save_vcpu(struct vcpu *v, struct vcpu_state *s)
{
	memset(s, 0, sizeof(*s));
	list_msrs(s);
	if (ioctl(v->fd, KVM_GET_REGS, &s->regs) || ioctl(v->fd, KVM_GET_SREGS, &s->sregs) ||
	    ioctl(v->fd, KVM_GET_LAPIC, &s->lapic) ||
	    ioctl(v->fd, KVM_GET_VCPU_EVENTS, &s->events) ||
	    ioctl(v->fd, KVM_GET_MP_STATE, &s->mp) ||
	    ioctl(v->fd, KVM_GET_MSRS, &s->msrs) != (int)s->msrs.head.nmsrs)
		return fail(v->vm, "saving vCPU %u", v->index);
	return 0;
}

int vm_save(struct vm *vm, struct vcpu_state *state)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; !rc && i < vm->nr_vcpus; i++)
		rc = save_vcpu(&vm->vcpus[i], &state[i]);
	return rc;
}

/* Another VM with the same memory, as a VMM has one after a migration: its clocks start anew. */
int vm_renew(struct vm *vm)
{
	close_vm(vm);
	return open_vm(vm);
}

static int restore_vcpu(struct vcpu *v, const struct vcpu_state *s)
{
	if (ioctl(v->fd, KVM_SET_SREGS, &s->sregs) || ioctl(v->fd, KVM_SET_REGS, &s->regs) ||
	    ioctl(v->fd, KVM_SET_MSRS, &s->msrs) != (int)s->msrs.head.nmsrs ||
	    ioctl(v->fd, KVM_SET_LAPIC, &s->lapic) ||
	    ioctl(v->fd, KVM_SET_VCPU_EVENTS, &s->events) || ioctl(v->fd, KVM_SET_MP_STATE, &s->mp))
		return fail(v->vm, "restoring vCPU %u", v->index);
	return 0;
}

int vm_restore(struct vm *vm, const struct vcpu_state *state)
{
	unsigned int i;
	int rc = 0;

	for (i = 0; !rc && i < vm->nr_vcpus; i++)
		rc = restore_vcpu(&vm->vcpus[i], &state[i]);
	return rc;
}
