/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The simulation: KVM's side of the synthetic timers (host.c), the guests (guest.c), what VMMs do
 * (vmm.c).
 */
#ifndef GEN_SIM_H
#define GEN_SIM_H

#include "scenario.h"

struct truth;
struct truth_timer;
struct sim;

#define NEVER  INT64_MAX
#define REF_NS 100

#define MSR_TIME_REF   0x40000020u
#define MSR_TSC_PAGE   0x40000021u
#define MSR_EOM	       0x40000084u
#define MSR_SINT0      0x40000090u
#define MSR_SIMP       0x40000083u
#define MSR_STIMER0    0x400000b0u
#define MSR_REENLIGHT  0x40000106u
#define MSR_EMULATION  0x40000107u
#define MSR_EMU_STATUS 0x40000108u
#define MSR_X2APIC_EOI 0x80bu

#define START_NS 5000000000ll /* of the trace, true time */

#define CFG_ENABLE   1u
#define CFG_PERIODIC 2u
#define CFG_AUTO     8u
#define CFG_DIRECT   (1u << 12)
#define CFG_SINT(c)  (((c) >> 16) & 15)

struct timer {
	uint64_t config, count, exp_time;
	int64_t fire;	  /* when the hrtimer goes off, NEVER: not armed */
	bool pending;	  /* to be looked at before the next entry */
	bool msg_pending; /* the message did not get through yet */
	bool fresh;	  /* written and not started yet... */
	bool host_wrote;  /* ...by the VMM */
	bool revived;	  /* expired, and enabled by the VMM's write of its count */
	int64_t lost_at;  /* nothing of it since then, until it is programmed; NEVER */
	uint64_t target;  /* the guest's last target */
	uint64_t ticks;
	uint64_t turns; /* the host handled this arm again, without effect */
	struct truth_timer *truth;
};

struct vcpu {
	struct sim *sim;
	struct vm *vm;
	const struct scenario_vcpu *sc;
	int id, tid;
	unsigned int cpu;
	int64_t now;	/* of its thread */
	int64_t told;	/* when its last event was over */
	int64_t run_at; /* when it goes on by itself; NEVER: asleep until a timer */
	int64_t phase_end;
	int64_t next; /* cached: what comes first */
	int phase;    /* -1 before the first */
	bool in_guest, halted, done;
	uint8_t irqs;	    /* timers whose interrupt is to be taken */
	int hold_timer;	    /* its handler keeps the slot until @run_at; -1: none */
	uint16_t slot_busy; /* SINTs whose message slot is full */
	uint16_t sint_masked;
	bool simp_off;
	int64_t restart_at; /* a spurious wake-up */
	enum guest_clock clock;
	int64_t clock_off;  /* CLK_RAW, CLK_STALE: the offset in use */
	int64_t clock_from; /* since when it drifts */
	int64_t off_ns;	    /* what it was kept off its CPU so far */
	int64_t slice;	    /* since when it runs on its CPU quota */
	int64_t breath;	    /* when its clock is right for a while */
	unsigned int breath_left;
	uint64_t ahead; /* arms ahead in this phase */
	struct timer timers[NR_TIMERS];
};

struct vm {
	struct sim *sim;
	const struct scenario_vm *sc;
	int index, pid;
	int64_t born;
	int64_t page_off, kvm_off; /* reference clocks: (t + off) / 100 */
	int64_t tsc_off;	   /* guest TSC against the host's, ns */
	bool page_set, page_broken, page_frozen;
	bool page_known; /* the trace shows whether it is set */
	int64_t held_until;
	struct vcpu *vcpus;
};

struct sim {
	const struct scenario *sc;
	struct trace *trace;
	struct truth *truth;
	struct rng rng;
	struct vm *vms;
	struct vcpu **all;
	unsigned int nr_all;
	int next_pid;
	int *cpu_owner; /* tid that has a CPU, 0: none */
	int64_t end;
	int error;
};

int sim_run(struct sim *sim);

/* host.c */
bool ev_at(struct vcpu *v, unsigned int cpu, int64_t t, int pid, enum gen_event ev,
	   const uint64_t *vals);
/* One record of the vCPU's thread, now; time passes. */
#define EV(v, id, ...) ev_now(v, EV_##id, (const uint64_t[]){ __VA_ARGS__ })
bool ev_now(struct vcpu *v, enum gen_event ev, const uint64_t *vals);
void pass(struct vcpu *v, int64_t ns);
uint64_t ref_now(const struct vm *vm, int64_t t);
void host_exit_msr(struct vcpu *v, bool write);
void host_exit_io(struct vcpu *v, bool mmio);
void host_exit_intr(struct vcpu *v);
/* Whether it halts: not with an interrupt that came meanwhile. */
bool host_exit_hlt(struct vcpu *v);
void host_enter(struct vcpu *v);
void host_set_config(struct vcpu *v, int i, uint64_t config, bool host);
void host_set_count(struct vcpu *v, int i, uint64_t count, bool host);
void host_process_timers(struct vcpu *v);
void host_ack_sint(struct vcpu *v, unsigned int sint);
void host_callback(struct vcpu *v, int i);
void host_switch(struct vcpu *v, bool in);

/* guest.c */
void guest_start_phase(struct vcpu *v, const struct phase *p);
void guest_run(struct vcpu *v);
const struct phase *vcpu_phase(const struct vcpu *v);
void guest_wrmsr(struct vcpu *v, uint32_t msr, uint64_t val);

/* vmm.c */
void vmm_create(struct vm *vm, int64_t t);
/* The process exits once the last vCPU is done. */
void vmm_end(struct vm *vm, int64_t t);
void vmm_actions(struct vcpu *v, const struct phase *p);
void vmm_master_clock(struct vcpu *v, bool on);
void vmm_every_event(struct vcpu *v);

#endif
