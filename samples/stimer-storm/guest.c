// SPDX-License-Identifier: GPL-2.0
/*
 * The guest of stimer-storm: 64-bit, no operating system. It turns the Hyper-V enlightenments on,
 * keeps up to four synthetic timers a vCPU and reads its clock in the way that the VMM asks for,
 * phase by phase. Register layouts: TLFS, "Synthetic Timers", "Synthetic Interrupt Controller",
 * "Partition Reference Time Enlightenment".
 */
#include <stddef.h>

#include "abi.h"

#define MSR_APIC_BASE	 0x1b
#define MSR_X2APIC_EOI	 0x80b
#define MSR_X2APIC_SVR	 0x80f
#define MSR_GUEST_OS_ID	 0x40000000
#define MSR_HYPERCALL	 0x40000001
#define MSR_TIME_COUNT	 0x40000020
#define MSR_TSC_PAGE	 0x40000021
#define MSR_SCONTROL	 0x40000080
#define MSR_SIMP	 0x40000083
#define MSR_EOM		 0x40000084
#define MSR_SINT(n)	 (0x40000090 + (n))
#define MSR_CONFIG(n)	 (0x400000b0 + 2 * (n))
#define MSR_COUNT(n)	 (0x400000b1 + 2 * (n))
#define APIC_X2APIC	 (3ULL << 10)
#define APIC_SOFT_ENABLE 0x1ff
#define ENABLE		 1ULL
#define STIMER_ENABLE	 (1ULL << 0)
#define STIMER_PERIODIC	 (1ULL << 1)
#define STIMER_AUTO	 (1ULL << 3)
#define STIMER_DIRECT	 (1ULL << 12)
/* An open source system (bit 63) of nobody in particular: TLFS, "Guest OS Identity". */
#define GUEST_OS_ID 0x8100000000010000ULL

struct tsc_page {
	volatile uint32_t sequence;
	uint32_t reserved;
	volatile uint64_t scale;
	volatile int64_t offset;
};

/* TLFS, "HV_MESSAGE": 256 bytes a SINT */
struct message {
	volatile uint32_t type;
	uint8_t size, flags, reserved[2];
	uint64_t origin, payload[30];
};

#define MESSAGE_PENDING 1

struct frame {
	uint64_t ip, cs, flags, sp, ss;
};

struct gate {
	uint16_t low, selector;
	uint8_t ist, type;
	uint16_t middle;
	uint32_t high, zero;
};

static struct gate idt[256];

static struct vcpu_block *self(void)
{
	struct vcpu_block *v;

	asm volatile("mov %%gs:0, %0" : "=r"(v));
	return v;
}

static void wrmsr(uint32_t msr, uint64_t value)
{
	asm volatile("wrmsr"
		     :
		     : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32))
		     : "memory");
}

static uint64_t rdmsr(uint32_t msr)
{
	uint32_t low = 0, high = 0;

	asm volatile("rdmsr" : "+a"(low), "+d"(high) : "c"(msr) : "memory");
	return low | (uint64_t)high << 32;
}

static uint64_t rdtsc(void)
{
	uint32_t low, high;

	asm volatile("lfence; rdtsc" : "=a"(low), "=d"(high) : : "memory");
	return low | (uint64_t)high << 32;
}

static void outl(uint16_t port, uint32_t value)
{
	asm volatile("outl %0, %1" : : "a"(value), "d"(port) : "memory");
}

static uint64_t mul_shift_64(uint64_t a, uint64_t b)
{
	return (unsigned __int128)a * b >> 64;
}

static uint64_t read_counter(struct vcpu_block *v)
{
	v->clock_reads++;
	return rdmsr(MSR_TIME_COUNT);
}

static uint64_t read_page(struct vcpu_block *v)
{
	const struct tsc_page *p = (const struct tsc_page *)GPA_TSC_PAGE;
	uint64_t now;
	uint32_t sequence;

	do {
		sequence = p->sequence;
		if (!sequence) {
			v->sequence_0++;
			return read_counter(v);
		}
		now = mul_shift_64(rdtsc(), p->scale) + p->offset;
	} while (p->sequence != sequence);
	return now;
}

static uint64_t read_clock(struct vcpu_block *v)
{
	switch (v->clock) {
	case CLOCK_PAGE:
		return read_page(v);
	case CLOCK_STALE_PAGE:
		return mul_shift_64(rdtsc(), v->copy_scale) + v->copy_offset;
	case CLOCK_RAW_TSC:
		return v->raw_base_time + mul_shift_64(rdtsc() - v->raw_base_tsc, v->raw_scale);
	default:
		return read_counter(v);
	}
}

static uint64_t guest_now(struct vcpu_block *v)
{
	uint64_t t = read_clock(v);

	if (v->ppm)
		t += (int64_t)(t - v->rate_from) * v->ppm / 1000000;
	return t - v->lag;
}

static void copy_page(struct vcpu_block *v)
{
	const struct tsc_page *p = (const struct tsc_page *)GPA_TSC_PAGE;

	v->copy_scale = p->scale;
	v->copy_offset = p->offset;
}

/* Until the page was on once its scale is unknown: then the TSC is held against the counter for 20
 * ms. */
static void calibrate_tsc(struct vcpu_block *v)
{
	const struct tsc_page *p = (const struct tsc_page *)GPA_TSC_PAGE;
	uint64_t tsc = rdtsc(), time = read_counter(v), end = time, cycles;

	v->raw_base_tsc = tsc;
	v->raw_base_time = time;
	v->raw_scale = p->scale;
	if (v->raw_scale)
		return;
	while (end - time < 200000)
		end = read_counter(v);
	cycles = rdtsc() - tsc;
	v->raw_scale = (((end - time) << 32) / cycles) << 32;
}

static uint64_t timer_config(const struct guest_timer *t, int n)
{
	uint64_t config = STIMER_AUTO | STIMER_ENABLE;

	if (t->periodic)
		config |= STIMER_PERIODIC;
	if (t->message)
		return config | (uint64_t)SINT_STIMER << 16;
	return config | STIMER_DIRECT | (uint64_t)VECTOR_TIMER(n) << 4;
}

/* The write of count is what starts the timer: config is set with enable clear, count enables
 * (auto-enable). */
static void arm(struct vcpu_block *v, int n)
{
	struct guest_timer *t = &v->timers[n];

	t->arms++;
	if (t->config_each)
		wrmsr(MSR_CONFIG(n), timer_config(t, n) & ~STIMER_ENABLE);
	wrmsr(MSR_COUNT(n), t->periodic ? t->period : t->target);
}

static void note_past(struct guest_timer *t, uint64_t now)
{
	int64_t behind = now - t->target;

	if (behind < 0)
		return;
	t->past++;
	if (behind > t->behind)
		t->behind = behind;
}

static void next_target(struct vcpu_block *v, struct guest_timer *t)
{
	uint64_t now;

	if (t->policy == FIXED) {
		t->target = t->period;
		return;
	}
	now = guest_now(v);
	if (t->policy == RETRY && (int64_t)(now - t->target) < 0) {
		t->retries++;
		return;
	}
	t->target = (t->policy == NEXT_FROM_TARGET ? t->target : now) + t->period;
	note_past(t, now);
}

static void tick(struct vcpu_block *v, int n)
{
	struct guest_timer *t = &v->timers[n];

	t->ticks++;
	if (v->stop || !t->on || t->periodic || t->policy == ONCE)
		return;
	next_target(v, t);
	arm(v, n);
}

static void eoi(void)
{
	wrmsr(MSR_X2APIC_EOI, 0);
}

#define TIMER_HANDLER(n)                                                                           \
	static __attribute__((interrupt)) void on_timer##n(struct frame *f)                        \
	{                                                                                          \
		(void)f;                                                                           \
		tick(self(), n);                                                                   \
		eoi();                                                                             \
	}
TIMER_HANDLER(0)
TIMER_HANDLER(1)
TIMER_HANDLER(2)
TIMER_HANDLER(3)

/* The payload of a timer's message begins with its index: TLFS, "HV_TIMER_MESSAGE_PAYLOAD". */
static __attribute__((interrupt)) void on_sint(struct frame *f)
{
	struct vcpu_block *v = self();
	struct message *m = (struct message *)GPA_SIMP(v->index) + SINT_STIMER;
	uint32_t type = m->type;
	int n = m->payload[0] & (MAX_TIMERS - 1);
	uint8_t flags;

	(void)f;
	m->type = 0;
	asm volatile("mfence" : : : "memory");
	flags = m->flags;
	if (flags & MESSAGE_PENDING)
		wrmsr(MSR_EOM, 0);
	if (type)
		tick(v, n);
	else
		v->spurious++;
	eoi();
}

static __attribute__((interrupt)) void on_kick(struct frame *f)
{
	(void)f;
	eoi();
}

static __attribute__((interrupt)) void on_other(struct frame *f)
{
	outl(PORT_FAULT, f->ip);
	for (;;)
		asm volatile("cli; hlt");
}

/* An access to an MSR that KVM refuses is skipped and counted: RDMSR and WRMSR take two bytes. */
static __attribute__((interrupt)) void on_gp(struct frame *f, unsigned long error)
{
	const uint8_t *code = (const uint8_t *)f->ip;
	struct vcpu_block *v = self();
	int i;

	(void)error;
	if (code[0] != 0x0f || (code[1] != 0x30 && code[1] != 0x32)) {
		outl(PORT_FAULT, f->ip);
		for (;;)
			asm volatile("cli; hlt");
	}
	for (i = 0; i < GUEST_ACTIONS; i++)
		if (v->actions[i].faulted == 2)
			v->actions[i].faulted = 1;
	f->ip += 2;
}

static void set_gate(int vector, const void *handler)
{
	uint64_t a = (uint64_t)handler;

	idt[vector] = (struct gate){ a, 8, 0, 0x8e, a >> 16, a >> 32, 0 };
}

static void set_up_idt(void)
{
	struct {
		uint16_t limit;
		uint64_t base;
	} __attribute__((packed)) r = { sizeof(idt) - 1, (uint64_t)idt };
	int i;

	for (i = 0; i < 256; i++)
		set_gate(i, on_other);
	set_gate(13, on_gp);
	set_gate(VECTOR_TIMER(0), on_timer0);
	set_gate(VECTOR_TIMER(1), on_timer1);
	set_gate(VECTOR_TIMER(2), on_timer2);
	set_gate(VECTOR_TIMER(3), on_timer3);
	set_gate(VECTOR_SINT, on_sint);
	set_gate(VECTOR_KICK, on_kick);
	asm volatile("lidt %0" : : "m"(r));
}

static void boot(struct vcpu_block *v)
{
	set_up_idt();
	wrmsr(MSR_APIC_BASE, rdmsr(MSR_APIC_BASE) | APIC_X2APIC);
	wrmsr(MSR_X2APIC_SVR, APIC_SOFT_ENABLE);
	if (!v->index) {
		wrmsr(MSR_GUEST_OS_ID, GUEST_OS_ID);
		wrmsr(MSR_HYPERCALL, GPA_HYPERCALL | ENABLE);
	}
	wrmsr(MSR_SIMP, GPA_SIMP(v->index) | ENABLE);
	wrmsr(MSR_SINT(SINT_STIMER), VECTOR_SINT);
	wrmsr(MSR_SCONTROL, ENABLE);
	v->booted = 1;
}

static void timers_off(void)
{
	int n;

	for (n = 0; n < MAX_TIMERS; n++) {
		wrmsr(MSR_CONFIG(n), 0);
		wrmsr(MSR_COUNT(n), 0);
	}
}

/* TLFS, "Hypercall Calling Convention": a fast call, its input in RDX and R8, the result in RAX. */
static uint64_t hypercall(uint32_t code, uint64_t input)
{
	register uint64_t r8 asm("r8") = 0;
	uint64_t result, in = input;
	uint64_t control = code | 1ULL << 16;

	asm volatile("call *%4"
		     : "=a"(result), "+c"(control), "+d"(in), "+r"(r8)
		     : "r"((uint64_t)GPA_HYPERCALL)
		     : "memory", "cc", "r9", "r10", "r11");
	return result;
}

static void act(struct vcpu_block *v, struct guest_action *a)
{
	switch (a->op) {
	case OP_PAGE_ON:
		wrmsr(MSR_TSC_PAGE, GPA_TSC_PAGE | ENABLE);
		break;
	case OP_PAGE_OFF: /* as Linux does for hibernation: only the enable bit goes */
		wrmsr(MSR_TSC_PAGE, GPA_TSC_PAGE);
		break;
	case OP_COPY_PAGE:
		copy_page(v);
		break;
	case OP_CALIBRATE_TSC:
		calibrate_tsc(v);
		break;
	case OP_TSC_FROM_ZERO:
		calibrate_tsc(v);
		v->raw_base_tsc = v->raw_base_time = 0;
		break;
	case OP_TIMERS_OFF:
		timers_off();
		break;
	case OP_WRMSR:
		a->faulted = 2;
		wrmsr(a->msr, a->value);
		if (a->faulted == 2)
			a->faulted = 0;
		break;
	case OP_HYPERCALL:
		a->result = hypercall(a->msr, a->value);
		break;
	}
}

static void start_timer(struct vcpu_block *v, int n)
{
	struct guest_timer *t = &v->timers[n];

	if (!t->on)
		return;
	if (t->periodic || t->policy == FIXED)
		t->target = t->period;
	else
		t->target = (t->keep_target ? t->target : guest_now(v)) + t->period;
	if (!t->config_each)
		wrmsr(MSR_CONFIG(n), timer_config(t, n) & ~STIMER_ENABLE);
	arm(v, n);
}

static void run_phase(struct vcpu_block *v)
{
	int i;

	for (i = 0; i < GUEST_ACTIONS; i++)
		if (v->actions[i].op && (v->actions[i].all_vcpus || !v->index))
			act(v, &v->actions[i]);
	v->rate_from = v->ppm ? read_clock(v) : 0;
	for (i = 0; i < MAX_TIMERS; i++)
		start_timer(v, i);
	while (!*(volatile uint32_t *)&v->stop) {
		v->loops++;
		if (v->read_clock)
			guest_now(v);
		/* An interrupt between the test of stop and HLT is held back by CLI until HLT waits
		 * for it. */
		if (!v->halt)
			asm volatile("sti; pause; nop; cli" : : : "memory");
		else if (!*(volatile uint32_t *)&v->stop)
			asm volatile("sti; hlt; cli" : : : "memory");
	}
}

__attribute__((noreturn, used)) static void guest_main(void)
{
	struct vcpu_block *v = self();

	boot(v);
	for (;;) {
		outl(PORT_PARKED, v->index);
		run_phase(v);
	}
}

asm(".section .start, \"ax\"\n"
    ".global start\n"
    "start:	call guest_main\n"
    ".previous\n");
