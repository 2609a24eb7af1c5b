/* SPDX-License-Identifier: GPL-2.0 */
/* What random.c and random_hosts.c share. */
#ifndef GEN_RANDOM_H
#define GEN_RANDOM_H

#include "build.h"
#include "sim.h"

#define LOOP_NS 5000 /* what a past-due arm costs at speed 1 */

struct dice {
	struct rng *rng;
	struct scenario *sc;
	struct scenario_vcpu *v;
	int64_t ns;	      /* of the phases and actions of @v so far */
	bool page;	      /* the VM's page is on */
	bool plain;	      /* one VM, one episode: little hides what must be answered */
	unsigned int cost_us; /* of an arm, at least 1 */
};

/* An episode adds phases to a vCPU. */
typedef void episode(struct dice *d);

bool percent(struct dice *d, unsigned int n);
unsigned int roll(struct dice *d, unsigned int lo, unsigned int hi);
unsigned int tick_us(struct dice *d);
/* Long enough for @arms past-due arms. */
unsigned int storm_ms(struct dice *d, unsigned int arms);
/* How long all phases take, holds included. */
int64_t scenario_vcpu_ns(const struct scenario_vcpu *v);
/* A healthy phase of 0.4 to 0.9 s. */
struct phase *rest_phase(struct dice *d);

/* random_hosts.c: an episode that a real host or guest has; @first: on its VM's first vCPU. */
void host_episode(struct dice *d, bool first);
/*
 * What the host is like: its rate, its trace clock, what it records. Chosen before the VMs' phases.
 */
void host_habits(struct dice *d);
/* Epochs, reused thread ids, a start that is lost. Chosen after the VMs' phases. */
void host_neighbours(struct dice *d);

#endif
