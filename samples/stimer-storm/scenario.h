/* SPDX-License-Identifier: GPL-2.0 */
/* What stimer-storm can do: scenarios, each a list of phases. */
#ifndef STORM_SCENARIO_H
#define STORM_SCENARIO_H

#include "vm.h"

#define HOST_ACTIONS 8
#define MAX_PHASES   16

enum host_op {
	HOST_NONE,
	HOST_HOLD,	      /* value: ms in which no vCPU runs */
	HOST_SET_MSR,	      /* msr, value */
	HOST_ADD_TSC,	      /* value: ns by which the TSC is written ahead, as a restore does */
	HOST_ADD_TSC_OFFSET,  /* value: ns, through KVM_VCPU_TSC_OFFSET */
	HOST_ADD_CLOCK,	      /* value: ns */
	HOST_SET_CLOCK,	      /* value: ns */
	HOST_REWRITE_STIMERS, /* what is in them, once more */
	HOST_RENEW,	      /* a new VM with the old one's state, but for its clock */
	HOST_RESTORE_CLOCK,   /* as it was when HOST_RENEW saved it */
	NR_HOST_OPS
};

struct host_action {
	enum host_op op;
	uint32_t msr;
	int64_t value;
	unsigned int vcpus;    /* bit mask; 0: all */
	unsigned int after_ms; /* done so long after the phase began, vCPUs running; 0: before it */
};

/* The kinds of storm of `hvstimer diagnose` that a phase may show; more than one where both are
 * right. */
enum storm_kind { KIND_BACKLOG = 1, KIND_CONSTANT = 2, KIND_GROWING = 4 };

struct phase_timer {
	bool on, periodic, message, config_each, keep_target;
	enum guest_policy policy;
	uint64_t period; /* 100 ns */
};

struct phase {
	const char *name, *note;
	const char *expect; /* in a word: none, storm, livelock, lost, far arms, ... */
	unsigned int kinds; /* of the storm that each of @vcpus must show; 0: none */
	unsigned int ms;
	enum guest_clock clock;
	bool spin, read_clock;
	unsigned int vcpus; /* bit mask of the vCPUs with this lag, rate and policy; 0: all */
	int64_t lag;	    /* 100 ns */
	int64_t ppm;
	struct phase_timer timers[MAX_TIMERS];
	struct guest_action guest[GUEST_ACTIONS];
	struct host_action host[HOST_ACTIONS];
};

struct scenario {
	const char *name, *what;
	unsigned int vcpus; /* at least */
	struct phase phases[MAX_PHASES];
	unsigned int late_ms; /* vCPUs are created so long after the VM */
};

extern const struct scenario scenarios[];
extern const unsigned int nr_scenarios;

const struct scenario *find_scenario(const char *name);
/* A random walk: the same phases for the same @seed. */
void random_scenario(struct scenario *s, uint64_t seed);

/* Runs it in a VM of its own; 0, or a negative errno after a message. */
int run_scenario(const struct scenario *s, unsigned int nr_vcpus, uint64_t seed, bool quiet);

#endif
