/* SPDX-License-Identifier: GPL-2.0 */
/* What is to be simulated: the host, its VMs, and per vCPU a list of phases. Plain data. */
#ifndef GEN_SCENARIO_H
#define GEN_SCENARIO_H

#include "rng.h"
#include "trace.h"

#define GEN_MAX_VMS	64
#define GEN_MAX_VCPUS	64
#define GEN_MAX_PHASES	24
#define GEN_MAX_ACTIONS 4
#define NR_TIMERS	4

enum guest_clock {
	CLK_VM,	   /* whatever the VM's first vCPU made of the page */
	CLK_PAGE,  /* the TSC page */
	CLK_MSR,   /* reads of TIME_REF_COUNT */
	CLK_RAW,   /* the TSC, by the guest's own calibration */
	CLK_STALE, /* a copy of the page, taken at the phase's start and never looked at again */
};

enum policy {
	POL_NOW,   /* next = now + period */
	POL_PREV,  /* next = previous target + period: missed ticks are replayed */
	POL_RETRY, /* the same target again until the guest's own clock has reached it */
	POL_FIXED, /* always the same absolute count */
	POL_GRID,  /* the next multiple of the period */
};

struct timer_cfg {
	bool used;
	bool periodic;
	bool message; /* SynIC message; else direct */
	bool no_auto; /* enabled by a config write after each count */
	bool keep;    /* go on from the last target (and config) instead of now */
	uint8_t sint;
	uint8_t policy;
	uint8_t jitter;	   /* counts recomputed as a Linux guest does: -3..+5 units */
	int8_t reprograms; /* timer re-programmed by each tick of this one, before it fires; -1 none
			    */
	int64_t period_ref;
	int64_t behind_ref;   /* first target this far in the past */
	uint32_t past_one_in; /* with POL_NOW: one arm in n, at random, or... */
	uint32_t past_every;  /* ...every n-th arm asks for... */
	int64_t past_by_ref;  /* ...a time so far past (negative: a very short delay) */
	uint8_t times;	      /* each tick is armed so often; 0: once */
	bool config_between;  /* the config is written between the clock's reading and the count */
	int64_t hold_ns;      /* the handler keeps the message slot for so long */
};

enum host_action {
	H_NONE,
	H_SET_CLOCK,
	H_TSC_MOVE,
	H_HOLD,
	H_STOP_CONT,
	H_RESTORE_MSRS,
	H_PAGE_OFF,
	H_BREAK_PAGE,
	H_MIGRATE,
	H_HIBERNATE,
	H_RESTORE_EARLY, /* in a new process, with a clock of its own that the VMM sets later */
	H_TSC_APART,	 /* each vCPU's TSC so far from that of the one before */
	H_STEP_HIDDEN,	 /* the clock moves, and no event says so */
	H_KVMCLOCK_MOVE, /* the kvmclock moves, the page that the guest has does not */
	H_MASTER_CLOCK	 /* an update of the master clock that changes nothing */
};

struct action {
	enum host_action kind;
	int64_t value; /* ns */
};

/* What the guest writes at the start of a phase. */
enum guest_action {
	G_PAGE_ON = 1,
	G_PAGE_OFF = 2,
	G_PAGE_MOVE = 4,
	G_REENLIGHT_ON = 8,
	G_REENLIGHT_OFF = 16,
	G_STATUS_READ = 32,
	G_SINT_MASK = 64,
	G_SINT_UNMASK = 128,
	G_SIMP_OFF = 256,
	G_SIMP_ON = 512,
	G_ALL_EVENTS = 1024,
	G_TIME_RESTORE = 2048 /* HvCallRestorePartitionTime, which KVM does not know */
};

enum clock_read { READ_REF_COUNT, READ_PM_TIMER, READ_HPET };

struct phase {
	char name[72];
	int64_t ns;
	enum guest_clock clock;
	unsigned int guest; /* enum guest_action bits */
	/* Before the phase, the whole VM held; on its first vCPU only. */
	struct action host[GEN_MAX_ACTIONS];
	int64_t lag_ref;	/* guest's clock behind the reference clock; negative: it leads */
	int rate_ppm;		/* and running away by so much; negative: slow */
	bool tsc_time;		/* CLK_RAW: the TSC as it is, its zero taken for the clock's */
	bool spin;		/* does not halt between ticks */
	uint32_t preempt_every; /* every n-th arm the thread loses its CPU before the MSR write */
	int64_t preempt_ns;	/* ...for so long */
	int64_t quota_ns;	/* a CPU quota: after running for so long... */
	int64_t throttle_ns;	/* ...the thread waits for so long; 0: no quota */
	unsigned int counter_percent; /* of arms, before which the counter is read for nothing */
	int64_t breath_every_ns;      /* so often the lag is gone... */
	unsigned int breath_arms;     /* ...for so many arms; 0: never */
	uint32_t restart_every;	      /* every n-th arm a spurious wake-up re-runs the start */
	int dead_timer;		      /* whose next callback never comes, plus 1; 0: none */
	int64_t read_ns;      /* the guest reads its clock every so often instead of halting */
	enum clock_read read; /* and which */
	uint32_t refused;     /* requests at its start that KVM refuses... */
	bool refused_msr;     /* ...writes of an MSR, else hypercalls */
	struct timer_cfg timers[NR_TIMERS];
};

struct scenario_vcpu {
	unsigned int nr_phases;
	struct phase phases[GEN_MAX_PHASES];
};

struct scenario_vm {
	unsigned int nr_vcpus;
	int64_t start_ns;    /* after the trace's start */
	int64_t age_ns;	     /* has run for so long by then; 0: created in the trace */
	int64_t tsc_late_ns; /* created in the trace: its vCPUs so long after its clock */
	unsigned int reuses; /* has the thread ids of VM @reuses - 1, which has ended; 0: its own */
	bool ends;	     /* its process exits after the last phase */
	struct scenario_vcpu *vcpus;
};

enum kernel_kind { HOST_TRACED, HOST_STOCK, HOST_PADDING };

struct scenario {
	char name[48];
	char faults[256];  /* questions to be answered with yes, among those... */
	bool faults_known; /* ...that only the scenario tells */
	bool same_vm;	   /* a fault that is added is another one of the last VM */
	struct trace_opts trace;
	enum kernel_kind host;
	/* Faults of older kernels. */
	bool wraps;	   /* a deadline too far ahead overflows and is past */
	bool retries;	   /* a message that finds its slot busy is sent again at once */
	bool auto_enables; /* the VMM's write of a count enables an auto-enable timer */
	bool vmx;	   /* Intel's exits, interrupts posted without exits; else AMD's */
	bool preemptible;  /* a preempted task's prev_state is 0x100 */
	/*
	 * "QUESTION=ANSWER|ANSWER QUESTION=...": what the verdicts must be, where more is known
	 * than follows from what happens; NULL: nothing
	 */
	const char *answers;
	unsigned int percent;	/* of the usual cost; 66: 300,000 arms a second at speed 1 */
	unsigned int speed;	/* cost of all; 1: 100,000 arms a second, 30: emulated */
	uint32_t migrate_every; /* every n-th wake-up on another CPU */
	unsigned int noise;	/* percent of the usual time-stamp noise */
	uint64_t max_bytes;	/* end when the records fill so much; 0: no */
	int64_t max_ns;		/* end then, whatever goes on; 0: no */
	unsigned int nr_vms;
	struct scenario_vm vms[GEN_MAX_VMS];
};

struct scenario *scenario_new(const char *name);
void scenario_free(struct scenario *sc);
/* Adds a VM with @vcpus vCPUs and no phases. */
struct scenario_vm *scenario_add_vm(struct scenario *sc, unsigned int vcpus);
/* Adds a phase of @ms to a vCPU's list: TSC page, no timer yet. */
struct phase *scenario_phase(struct scenario_vcpu *v, unsigned int ms, const char *name);

/* The scenarios of clocks set apart, faults_clock.c: as scenario_by_name() and scenario_list(). */
struct scenario *faults_clock_by_name(const char *name);
void faults_clock_list(FILE *out);
/* faults.c: scenarios of one fault, or of its harmless near miss, in a size; NULL: not its name. */
struct scenario *scenario_fault(const char *name);
void scenario_list_faults(FILE *out);
/* hosts.c: what real hosts do. As scenario_by_name() and scenario_list(). */
struct scenario *scenario_of_host(const char *name);
void scenario_list_hosts(FILE *out);

/* NULL: no such scenario. */
struct scenario *scenario_by_name(const char *name);
void scenario_list(FILE *out);
struct scenario *scenario_random(struct rng *rng);
/* random_faults.c: several faults and near misses. */
struct scenario *scenario_mixture(struct rng *rng);
struct scenario *scenario_bench(uint64_t bytes, unsigned int cpus);
/* @vms VMs of 64 vCPUs on @cpus CPUs: a host with many timers, few of them in storms. */
struct scenario *scenario_bench_host(uint64_t bytes, unsigned int vms, unsigned int cpus);

#endif
