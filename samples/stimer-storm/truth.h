/* SPDX-License-Identifier: GPL-2.0 */
/* What was done, one JSON object a line; times are CLOCK_MONOTONIC, trace-cmd's clock "mono". */
#ifndef STORM_TRUTH_H
#define STORM_TRUTH_H

#include "scenario.h"

struct host_record {
	const char *action;
	uint32_t msr;
	unsigned int vcpus;
	int64_t value;
	uint64_t begin_ns, end_ns, clock_before, clock_after, count_before, count_after;
};

/* NULL: standard output. 0 or a negative errno. */
int truth_open(const char *path);
/* 0, or a negative errno: not everything could be written. */
int truth_close(void);
uint64_t mono_ns(void);
void truth_meta(struct vm *vm, const struct scenario *s, uint64_t seed);
void truth_host_action(const struct host_record *r);
void truth_phase_start(struct vm *vm, unsigned int vcpu, unsigned int number, const struct phase *p,
		       uint64_t ns, uint64_t count);
void truth_phase_end(struct vm *vm, unsigned int vcpu, unsigned int number, const struct phase *p);
/* Only when all was done: a truth without it is cut off. */
void truth_end(uint64_t ns, uint64_t count);

#endif
